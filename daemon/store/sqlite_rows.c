#include <string.h>

#include "store/sqlite.h"

/* Every version that fits, each as long as may be: no lookup exceeds it. */
#define EVENTS_MAX ((size_t)STORE_VERSIONS_MAX * STORE_EVENT_MAX)

void
sqlite_rows_init(struct sqlite_found *found)
{
    buf_init(&found->events, EVENTS_MAX);
    found->candidates.versions = found->versions;
}

void
sqlite_rows_free(struct sqlite_found *found)
{
    buf_free(&found->events);
}

struct slice
sqlite_rows_slice(sqlite3_stmt *stmt, int i)
{
    struct slice bytes;

    bytes.p = sqlite3_column_blob(stmt, i);
    bytes.n = (size_t)sqlite3_column_bytes(stmt, i);
    return (bytes);
}

enum err
sqlite_rows_copy(sqlite3_stmt *stmt, int i, char *text, size_t size)
{
    /* As bytes: asked for text, SQLite may have to allocate for the NUL. */
    struct slice bytes = sqlite_rows_slice(stmt, i);

    if (bytes.n >= size || sqlite3_column_type(stmt, i) == SQLITE_NULL ||
        (bytes.n > 0 && bytes.p == NULL))
        return (E_CORRUPT);
    if (bytes.n > 0)
        memcpy(text, bytes.p, bytes.n);
    text[bytes.n] = '\0';
    return (E_OK);
}

enum err
sqlite_rows_text(sqlite3_stmt *stmt, int i, char text[64])
{
    return (sqlite_rows_copy(stmt, i, text, 64));
}

enum err
sqlite_rows_blob(sqlite3_stmt *stmt, int i, uint8_t *p, size_t n)
{
    struct slice bytes = sqlite_rows_slice(stmt, i);

    if (bytes.p == NULL || bytes.n != n)
        return (E_CORRUPT);
    memcpy(p, bytes.p, n);
    return (E_OK);
}

/* Is ${b} behind ${a}, in the order that is promised? */
static int
in_order(const struct store_version *a, const struct store_version *b)
{
    int c = memcmp(a->credential_id, b->credential_id, STORE_ID);

    return (c < 0 || (c == 0 && a->log_index < b->log_index));
}

/* The limit in ROWS_VERSIONS lets one too many through: so it is noticed. */
_Static_assert(STORE_VERSIONS_MAX + 1 == 1025, "the limit in ROWS_VERSIONS");

static enum err
take_version(sqlite3_stmt *stmt, struct sqlite_found *found)
{
    size_t n = found->candidates.nversions;
    struct store_version *version;
    struct slice event;
    enum err err;

    if (n == STORE_VERSIONS_MAX)
        return (E_TOOBIG);
    version = &found->versions[n];
    if ((err = sqlite_rows_blob(stmt, 0, version->credential_id,
        STORE_ID)) != E_OK)
        return (err);
    version->log_index = sqlite3_column_int64(stmt, 1);
    if (n > 0 && !in_order(version - 1, version))
        return (E_CORRUPT);

    /* The buffer may yet move: only the length is kept at this point. */
    event = sqlite_rows_slice(stmt, 2);
    if ((err = buf_add(&found->events, event)) != E_OK)
        return (err);
    version->event.n = event.n;
    found->candidates.nversions++;
    return (E_OK);
}

enum err
sqlite_rows_candidates(sqlite3_stmt *stmt, const char *association,
    const char *number_key, struct sqlite_found *found)
{
    struct store_candidates *c = &found->candidates;
    size_t at;
    enum err err;
    int rc;

    c->nversions = 0;
    buf_drop(&found->events, found->events.n);

    if ((rc = sqlite3_bind_text(stmt, 1, association, -1, SQLITE_STATIC)) ||
        (rc = sqlite3_bind_text(stmt, 2, number_key, -1, SQLITE_STATIC))) {
        err = sqlite_db_err(rc);
        goto out;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if ((err = take_version(stmt, found)) != E_OK)
            goto out;
    if ((err = sqlite_db_err(rc)) != E_OK)
        goto out;

    at = 0;
    for (size_t i = 0; i < c->nversions; i++) {
        struct slice *event = &found->versions[i].event;

        event->p = event->n > 0 ? &found->events.p[at] : NULL;
        at += event->n;
    }

out:
    (void)sqlite3_reset(stmt);
    return (err);
}

enum err
sqlite_rows_source(sqlite3_stmt *stmt, const char *association,
    struct store_source *source)
{
    int rc;

    memset(source, 0, sizeof(*source));
    if ((rc = sqlite3_bind_text(stmt, 1, association, -1,
        SQLITE_STATIC)) != SQLITE_OK)
        return (sqlite_db_err(rc));
    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        source->known = 1;
        source->source_time_us = sqlite3_column_int64(stmt, 0);
        source->received_at_us = sqlite3_column_int64(stmt, 1);
    }
    (void)sqlite3_reset(stmt);
    return (sqlite_db_err(rc));
}

enum err
sqlite_rows_take_publication(sqlite3_stmt *stmt,
    struct store_publication *p)
{
    enum err err;

    if ((err = sqlite_rows_blob(stmt, 0, p->id, STORE_ID)) != E_OK ||
        (err = sqlite_rows_text(stmt, 1, p->association)) != E_OK ||
        (err = sqlite_rows_blob(stmt, 2, p->request_id, STORE_ID)) != E_OK ||
        (err = sqlite_rows_blob(stmt, 3, p->content_hash,
        sizeof(p->content_hash))) != E_OK)
        return (err);
    p->mode = sqlite3_column_int(stmt, 4);
    p->source_time_us = sqlite3_column_int64(stmt, 5);
    p->recorded_at_us = sqlite3_column_int64(stmt, 6);
    for (int i = 0; i < 4; i++)
        p->counts[i] = sqlite3_column_int64(stmt, 7 + i);
    p->first_log_index = sqlite3_column_int64(stmt, 11);
    p->event_count = sqlite3_column_int64(stmt, 12);
    p->manifest_log_index = sqlite3_column_int64(stmt, 13);
    p->not_listed = sqlite3_column_int64(stmt, 14);
    p->ending_withheld = sqlite3_column_int(stmt, 15);
    return (sqlite_rows_copy(stmt, 16, p->snapshot_types,
        sizeof(p->snapshot_types)));
}

enum err
sqlite_rows_publication(sqlite3_stmt *stmt, const char *association,
    const uint8_t id[STORE_ID], struct store_publication *publication)
{
    enum err err;
    int rc;

    memset(publication, 0, sizeof(*publication));
    if ((rc = sqlite_db_bind_blob(stmt, 1, id, STORE_ID)) ||
        (rc = sqlite3_bind_text(stmt, 2, association, -1, SQLITE_STATIC))) {
        err = sqlite_db_err(rc);
        goto out;
    }
    rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        err = sqlite_rows_take_publication(stmt, publication);
    else if (rc == SQLITE_DONE)
        err = E_NOTFOUND;
    else
        err = sqlite_db_err(rc);

out:
    (void)sqlite3_reset(stmt);
    return (err);
}

enum err
sqlite_rows_entry(sqlite3_stmt *stmt, struct store_entry *entry)
{
    enum err err;

    entry->log_index = sqlite3_column_int64(stmt, 0);
    entry->domain = (enum leaf_domain)sqlite3_column_int(stmt, 1);
    entry->recorded_at_us = sqlite3_column_int64(stmt, 2);
    if ((err = sqlite_rows_blob(stmt, 3, entry->salt, LEAF_SALT)) != E_OK ||
        (err = sqlite_rows_blob(stmt, 4, entry->leaf, LEAF_DATA)) != E_OK)
        return (err);
    entry->bytes = sqlite_rows_slice(stmt, 5);
    return (E_OK);
}

enum err
sqlite_rows_entries(sqlite3_stmt *stmt, int64_t from, int64_t n,
    store_entry_fn *each, void *cookie)
{
    struct store_entry entry;
    int64_t next = from > 0 ? from : 0;
    enum err err;
    int rc;

    if ((rc = sqlite3_bind_int64(stmt, 1, next)) ||
        (rc = sqlite3_bind_int64(stmt, 2, n > 0 ? n : 0))) {
        err = sqlite_db_err(rc);
        goto out;
    }
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if ((err = sqlite_rows_entry(stmt, &entry)) != E_OK)
            goto out;
        err = E_CORRUPT;
        if (entry.log_index != next++)
            goto out;
        if ((err = each(cookie, &entry)) != E_OK)
            goto out;
    }
    err = sqlite_db_err(rc);

out:
    (void)sqlite3_reset(stmt);
    return (err);
}
