#include <stdlib.h>
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

/* ---- places ------------------------------------------------------------- */

/*
 * A place is, from the top: a hash of all that is not counted, 16 bits; the
 * last digits of the number, 35 bits, which ten of them fill; and zeros, where
 * the ids of a place count.
 */
#define COUNTED_DIGITS 10
#define COUNTED_BITS 35
#define PLACE_BITS 12

_Static_assert(ROWS_PLACES == 1 << PLACE_BITS, "the ids of a place");

/* FNV-1a, with an end that no text has. */
static uint64_t
hash_on(uint64_t hash, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
    return ((hash ^ 0xff) * UINT64_C(0x100000001b3));
}

static int
is_digit(char ch)
{
    return (ch >= '0' && ch <= '9');
}

int64_t
sqlite_place(const char *association, const char *number_key)
{
    size_t n = strlen(number_key), to = n, from;
    uint64_t hash = UINT64_C(0xcbf29ce484222325), counted = 0;

    while (to > 0 && !is_digit(number_key[to - 1]))
        to--;
    for (from = to; from > 0 && to - from < COUNTED_DIGITS &&
        is_digit(number_key[from - 1]); from--)
        continue;
    for (size_t i = from; i < to; i++)
        counted = 10 * counted + (uint64_t)(number_key[i] - '0');
    hash = hash_on(hash, association, strlen(association));
    hash = hash_on(hash, number_key, from);
    hash = hash_on(hash, number_key + to, n - to);
    hash ^= hash >> 32;
    hash = (hash ^ hash >> 16) & 0xffff;
    return ((int64_t)((hash << COUNTED_BITS | counted) << PLACE_BITS));
}

/* ---- versions ----------------------------------------------------------- */

static int
in_order(const void *left, const void *right)
{
    const struct store_version *a = left, *b = right;
    int c = memcmp(a->credential_id, b->credential_id, STORE_ID);

    if (c != 0)
        return (c);
    return ((a->log_index > b->log_index) - (a->log_index < b->log_index));
}

/* They came as they were put in, which is by log index. */
static enum err
put_in_order(struct store_version *versions, size_t n)
{
    if (n > 1)
        qsort(versions, n, sizeof(*versions), in_order);
    for (size_t i = 1; i < n; i++)
        if (in_order(&versions[i - 1], &versions[i]) == 0)
            return (E_CORRUPT);
    return (E_OK);
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
        (rc = sqlite3_bind_text(stmt, 2, number_key, -1, SQLITE_STATIC)) ||
        (rc = sqlite3_bind_int64(stmt, 3, sqlite_place(association,
        number_key)))) {
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
    err = put_in_order(found->versions, c->nversions);

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

/* ---- the head of the log ----------------------------------------------- */

static enum err
take_head(sqlite3_stmt *stmt, struct store_head *head)
{
    head->size = sqlite3_column_int64(stmt, 0);
    if (head->size < 0)
        return (E_CORRUPT);
    return (sqlite_rows_blob(stmt, 1, head->root, STORE_ROOT));
}

enum err
sqlite_rows_head(sqlite3_stmt *stmt, struct store_head *head)
{
    enum err err = E_CORRUPT;
    int rc;

    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        err = take_head(stmt, head);
    else if (rc != SQLITE_DONE)
        err = sqlite_db_err(rc);
    (void)sqlite3_reset(stmt);
    return (err);
}

enum err
sqlite_rows_tree(sqlite3_stmt *stmt, struct store_tree *tree)
{
    enum err err = E_OK;
    int rc;

    memset(tree, 0, sizeof(*tree));
    tree->head.size = -1;
    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        err = take_head(stmt, &tree->head);
        tree->nfrontier = sqlite_rows_slice(stmt, 2).n;
        if (err == E_OK && tree->nfrontier > sizeof(tree->frontier))
            err = E_CORRUPT;
        else if (err == E_OK && tree->nfrontier > 0)
            err = sqlite_rows_blob(stmt, 2, tree->frontier, tree->nfrontier);
    }
    (void)sqlite3_reset(stmt);
    return (err != E_OK ? err : sqlite_db_err(rc));
}

/* ---- publications ------------------------------------------------------ */

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
