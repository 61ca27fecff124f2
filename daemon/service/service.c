#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "proto/catalog_files.h"
#include "proto/message.h"
#include "service/internal.h"
#include "service/job.h"

#define CATALOG_ARENA_MAX ((size_t)64 * 1024 * 1024)
#define CATALOG_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define FAULTS_TOLD 5

/* Where faults in the catalog files go. */
struct telling {
    char *why;
    size_t size;
    size_t used;
    size_t count;
};

static void
on_fault(void *cookie, const struct catalog_fault *fault)
{
    struct telling *to = cookie;
    int n;

    if (++to->count > FAULTS_TOLD || to->used >= to->size)
        return;
    n = snprintf(to->why + to->used, to->size - to->used,
        "%s%s:%ld%s%s: %s", to->count == 1 ? "" : "; ", fault->file,
        fault->line, fault->column[0] == '\0' ? "" : ":", fault->column,
        fault->what);
    if (n > 0)
        to->used += (size_t)n;
}

static enum err
append_catalog(struct store_txn *txn, void *cookie)
{
    const struct buf *bytes = cookie;
    struct store_entry entry = {.log_index = store_txn_next_index(txn),
        .domain = LEAF_CATALOG, .recorded_at_us = store_txn_now(txn),
        .bytes = buf_slice(bytes)};
    enum err err;

    if (getrandom(entry.salt, sizeof(entry.salt), 0) != sizeof(entry.salt))
        return (E_CRYPTO);
    err = leaf_data(LEAF_CATALOG, entry.salt, entry.bytes, entry.leaf);
    if (err != E_OK)
        return (err);
    return (store_txn_append(txn, &entry));
}

/* The files of a new store become its log's first entry. */
static enum err
found_catalog(const struct service_options *options, struct buf *bytes,
    char *why, size_t size)
{
    struct telling telling = {.why = why, .size = size};
    struct arena *arena = NULL;
    Vouch__V1__Catalog *catalog = NULL;
    enum err err;

    if ((err = arena_create(CATALOG_ARENA_MAX, &arena)) != E_OK)
        goto out;
    err = catalog_read(options->catalog_dir, arena, on_fault, &telling,
        &catalog);
    if (err != E_OK)
        goto out;
    if ((err = message_pack(&catalog->base, bytes)) != E_OK)
        goto out;
    err = job_run(options->store, append_catalog, bytes);

out:
    if (err != E_OK && telling.count == 0)
        (void)snprintf(why, size, "%s: %s", options->catalog_dir,
            err_text(err));
    arena_free(arena);
    return (err);
}

/* Reading at the start, on a thread that has no loop. */
struct reading {
    struct buf *bytes;
    int found;
    int over;
    enum err err;
    int known;
};

static enum err
on_catalog(void *cookie, const struct store_entry *entry)
{
    struct reading *reading = cookie;

    reading->found = 1;
    return (buf_add(reading->bytes, entry->bytes));
}

static void
on_over(void *cookie, enum err err)
{
    struct reading *reading = cookie;

    reading->over = 1;
    reading->err = err;
}

static void
on_source(void *cookie, enum err err, const struct store_source *source)
{
    struct reading *reading = cookie;

    reading->over = 1;
    reading->err = err;
    reading->known = source != NULL && source->known;
}

/* A store that answers later cannot be waited for without a loop. */
static enum err
outcome(const struct reading *reading, struct store_request *request)
{
    if (!reading->over) {
        store_cancel(request);
        return (E_IO);
    }
    return (reading->err);
}

static enum err
read_catalog(struct store_reader *reader, struct buf *bytes, int *found)
{
    struct reading reading = {.bytes = bytes};
    struct store_request *request = NULL;
    enum err err;

    err = store_last_catalog(reader, on_catalog, on_over, &reading, &request);
    if (err == E_OK)
        err = outcome(&reading, request);
    *found = reading.found;
    return (err);
}

static enum err
on_in_use(void *cookie, const char *association, int *in_use)
{
    struct store_reader *reader = cookie;
    struct reading reading = {0};
    struct store_request *request = NULL;
    enum err err;

    err = store_find_source(reader, association, on_source, &reading,
        &request);
    if (err == E_OK)
        err = outcome(&reading, request);
    *in_use = reading.known;
    return (err);
}

static enum err
load_catalog(struct service *service, const struct service_options *options,
    struct store_reader *reader, char *why, size_t size)
{
    struct buf bytes;
    int found = 0;
    enum err err;

    buf_init(&bytes, CATALOG_BYTES_MAX);
    if ((err = store_reader_begin(reader)) == E_OK) {
        err = read_catalog(reader, &bytes, &found);
        store_reader_end(reader);
    }
    if (err != E_OK)
        (void)snprintf(why, size, "reading the catalog from the store: %s",
            err_text(err));
    else if (!found)
        err = found_catalog(options, &bytes, why, size);
    if (err != E_OK)
        goto out;
    err = catalog_index_create(buf_slice(&bytes), &service->catalog);
    if (err != E_OK)
        (void)snprintf(why, size, "the catalog in the store: %s",
            err_text(err));

out:
    buf_free(&bytes);
    return (err);
}

static enum err
load_keys(struct service *service, const struct service_options *options,
    struct store_reader *reader, char *why, size_t size)
{
    const struct key_ring_options wanted = {.dir = options->key_dir,
        .catalog = catalog_index_catalog(service->catalog),
        .in_use = on_in_use, .cookie = reader};
    enum err err;

    if ((err = store_reader_begin(reader)) != E_OK) {
        (void)snprintf(why, size, "reading the store: %s", err_text(err));
        return (err);
    }
    err = key_ring_open(&wanted, &service->keys, why, size);
    store_reader_end(reader);
    return (err);
}

static enum err
make_room(const struct service_options *options, struct service *s)
{
    size_t n = strlen(options->staging_dir) + 1;

    if ((s->staging_dir = malloc(n)) == NULL)
        return (E_NOMEM);
    memcpy(s->staging_dir, options->staging_dir, n);
    s->room.dir = s->staging_dir;
    s->room.upload_max = options->max_upload;
    s->room.upload_memory = options->max_upload_memory;
    s->room.max = options->max_staged;
    s->room.memory_max = options->max_staged_memory;
    atomic_init(&s->room.held, 0);
    atomic_init(&s->room.in_memory, 0);
    return (E_OK);
}

static enum err
allocate(const struct service_options *options, struct service **service)
{
    struct service *s;
    enum err err;

    if ((s = calloc(1, sizeof(*s))) == NULL)
        return (E_NOMEM);
    if ((err = make_room(options, s)) != E_OK) {
        free(s);
        return (err);
    }
    s->store = options->store;
    s->denier = options->denier;
    s->rotator = options->rotator;
    s->seal_keys = options->seal_keys;
    s->max_request = options->max_request;
    s->max_rejects = options->max_rejects;
    s->max_endings = options->max_endings;
    s->max_ending_share = options->max_ending_share;
    /* With default attributes neither fails on Linux. */
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->idle, NULL);
    *service = s;
    return (E_OK);
}

enum err
service_create(const struct service_options *options, struct service **service,
    char *why, size_t size)
{
    struct store_reader *reader = NULL;
    struct service *made = NULL;
    enum err err;

    *service = NULL;
    (void)snprintf(why, size, "%s", err_text(E_NOMEM));

    if ((err = allocate(options, &made)) != E_OK)
        goto out;
    if ((err = service_catch_up(options->store, why, size)) != E_OK)
        goto out;
    if ((err = store_reader_open(options->store, &reader)) != E_OK) {
        (void)snprintf(why, size, "reading the store: %s", err_text(err));
        goto out;
    }
    if ((err = load_catalog(made, options, reader, why, size)) != E_OK)
        goto out;
    if ((err = load_keys(made, options, reader, why, size)) != E_OK)
        goto out;

    if (size > 0)
        why[0] = '\0';
    *service = made;
    made = NULL;

out:
    store_reader_close(reader);
    service_free(made);
    return (err);
}

/* A job on the writer may still use the catalog and the keys. */
void
service_free(struct service *service)
{
    if (service == NULL)
        return;
    (void)pthread_mutex_lock(&service->lock);
    while (service->jobs > 0)
        (void)pthread_cond_wait(&service->idle, &service->lock);
    (void)pthread_mutex_unlock(&service->lock);
    (void)pthread_cond_destroy(&service->idle);
    (void)pthread_mutex_destroy(&service->lock);
    key_ring_free(service->keys);
    catalog_index_free(service->catalog);
    free(service->staging_dir);
    free(service);
}
