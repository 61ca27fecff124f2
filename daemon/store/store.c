#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/backend.h"
#include "store/writer.h"

/* A further backend is its own files and one line. */
static const struct store_backend *const backends[] = {
    &store_sqlite,
};

struct store {
    const struct store_backend *backend;
    void *self;                 /* owned, the backend's */
    struct writer *writer;      /* owned */
};

static const struct store_backend *
find_backend(const char *dsn)
{
    for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++)
        if (strncmp(dsn, backends[i]->scheme,
            strlen(backends[i]->scheme)) == 0)
            return (backends[i]);
    return (NULL);
}

enum err
store_open(const struct store_options *options, struct store **store,
    char *why, size_t size)
{
    struct store *s = NULL;
    enum err err;

    *store = NULL;
    if (size > 0)
        why[0] = '\0';

    err = E_NOMEM;
    if ((s = calloc(1, sizeof(*s))) == NULL)
        goto out;
    err = E_INVAL;
    if ((s->backend = find_backend(options->dsn)) == NULL) {
        /* No more of it than the scheme: a DSN may hold a password. */
        (void)snprintf(why, size, "no such kind of store: \"%.*s\"",
            (int)strcspn(options->dsn, ":"), options->dsn);
        goto out;
    }
    if ((err = s->backend->open(options,
        options->dsn + strlen(s->backend->scheme), &s->self, why,
        size)) != E_OK)
        goto out;
    if ((err = writer_start(s->backend->write, s->self, options,
        &s->writer)) != E_OK)
        goto out;

    *store = s;
    s = NULL;

out:
    if (err != E_OK && size > 0 && why[0] == '\0')
        (void)snprintf(why, size, "cannot open the store: %s", err_text(err));
    store_close(s);
    return (err);
}

void
store_close(struct store *s)
{
    int intact = 1;

    if (s == NULL)
        return;
    if (s->writer != NULL)
        intact = writer_stop(s->writer);
    if (s->self != NULL)
        s->backend->close(s->self, intact);
    free(s);
}

void
store_submit(struct store *s, struct store_job *job)
{
    writer_submit(s->writer, job);
}

unsigned long
store_progress(struct store *s)
{
    return (writer_progress(s->writer));
}

enum err
store_reader_open(struct store *s, struct store_reader **reader)
{
    return (s->backend->read->open(s->self, reader));
}

void
store_reader_close(struct store_reader *reader)
{
    if (reader != NULL)
        reader->ops->close(reader);
}

enum err
store_reader_begin(struct store_reader *reader)
{
    return (reader->ops->begin(reader));
}

void
store_reader_end(struct store_reader *reader)
{
    reader->ops->end(reader);
}

enum err
store_reader_head(struct store_reader *reader, struct store_head *head)
{
    return (reader->ops->head(reader, head));
}

enum err
store_lookup(struct store_reader *reader, const char *association,
    const char *number_key, store_candidates_fn *fn, void *cookie,
    struct store_request **request)
{
    return (reader->ops->lookup(reader, association, number_key, fn, cookie,
        request));
}

void
store_cancel(struct store_request *request)
{
    if (request != NULL)
        request->ops->cancel(request);
}

uint64_t
store_statements(const struct store_reader *reader)
{
    return (reader->ops->statements(reader));
}

enum err
store_find_publication(struct store_reader *reader, const char *association,
    const uint8_t id[STORE_ID], int by_request_id, store_publication_fn *fn,
    void *cookie, struct store_request **request)
{
    return (reader->ops->find_publication(reader, association, id,
        by_request_id, fn, cookie, request));
}

enum err
store_find_source(struct store_reader *reader, const char *association,
    store_source_fn *fn, void *cookie, struct store_request **request)
{
    return (reader->ops->find_source(reader, association, fn, cookie,
        request));
}

enum err
store_read_entries(struct store_reader *reader, int64_t from, int64_t n,
    store_entry_fn *each, store_done_fn *done, void *cookie,
    struct store_request **request)
{
    return (reader->ops->read_entries(reader, from, n, each, done, cookie,
        request));
}

enum err
store_list_publications(struct store_reader *reader,
    const struct store_publications *which, store_each_publication_fn *each,
    store_done_fn *done, void *cookie, struct store_request **request)
{
    return (reader->ops->list_publications(reader, which, each, done, cookie,
        request));
}

enum err
store_read_events(struct store_reader *reader,
    const struct store_events *which, store_entry_fn *each,
    store_done_fn *done, void *cookie, struct store_request **request)
{
    return (reader->ops->read_events(reader, which, each, done, cookie,
        request));
}

enum err
store_last_catalog(struct store_reader *reader, store_entry_fn *each,
    store_done_fn *done, void *cookie, struct store_request **request)
{
    return (reader->ops->last_catalog(reader, each, done, cookie, request));
}
