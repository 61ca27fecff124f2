#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/sqlite.h"

enum statement {
    BEGIN, END, CHANGE, HEAD, LOOKUP, SOURCE, PUBLICATION,
    PUBLICATION_BY_REQUEST, ENTRIES, LAST_CATALOG, PUBLICATIONS,
    PUBLICATIONS_OF, NEXT_EVENTS, EVENTS_UNDER, STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [BEGIN] = "BEGIN",
    [END] = "COMMIT",
    [CHANGE] = "PRAGMA data_version",
    [HEAD] = ROWS_HEAD,
    [LOOKUP] = ROWS_VERSIONS,
    [SOURCE] =
        "SELECT " ROWS_SOURCE_COLUMNS " FROM source"
        " WHERE association = ?1",
    [PUBLICATION] =
        "SELECT " ROWS_PUBLICATION_COLUMNS " FROM publication"
        " WHERE id = ?1 AND (?2 IS NULL OR association = ?2)",
    [PUBLICATION_BY_REQUEST] =
        "SELECT " ROWS_PUBLICATION_COLUMNS " FROM publication"
        " WHERE request_id = ?1 AND (?2 IS NULL OR association = ?2)",
    [ENTRIES] =
        "SELECT " ROWS_ENTRY_COLUMNS " FROM log"
        " WHERE log_index >= ?1 ORDER BY log_index LIMIT ?2",
    [LAST_CATALOG] =
        "SELECT " ROWS_ENTRY_COLUMNS " FROM log"
        " WHERE domain = 4 ORDER BY log_index DESC LIMIT 1",
    [PUBLICATIONS] = LIST_PUBLICATIONS(""),
    [PUBLICATIONS_OF] = LIST_PUBLICATIONS(" AND association = ?1"),
    [NEXT_EVENTS] = LIST_NEXT_EVENTS,
    [EVENTS_UNDER] = LIST_EVENTS_UNDER,
};

_Static_assert(LEAF_CATALOG == 4, "the domain in LAST_CATALOG and 0001.sql");

/* Last words that are kept from one view to the next. */
#define WORDS_MAX 8

struct word {
    char association[64];
    struct store_source source;
};

struct reader {
    struct store_reader head;           /* first: see reader_of() */
    sqlite3 *db;                        /* owned */
    sqlite3_stmt *statements[STATEMENTS];
    struct sqlite_found found;
    int in_view;
    uint64_t executed;

    /*
     * What every lookup tells and only a commit can change: kept until a view
     * begins on another version of the data than the one before.
     */
    int64_t data_version;
    struct store_head log_head;         /* size -1: to be asked for */
    struct word words[WORDS_MAX];       /* the newest in front of next_word */
    size_t nwords, next_word;
};

static struct reader *
reader_of(struct store_reader *reader)
{
    return ((struct reader *)reader);
}

static void
forget(struct reader *r)
{
    r->log_head.size = -1;
    r->nwords = r->next_word = 0;
}

static void
read_close(struct store_reader *reader)
{
    struct reader *r = reader_of(reader);

    sqlite_db_finalize(r->statements, STATEMENTS);
    (void)sqlite3_close(r->db);
    sqlite_rows_free(&r->found);
    free(r);
}

static enum err
read_open(void *self, struct store_reader **reader)
{
    /* How much of the file may be mapped is the library's limit. */
    static const char map[] = "PRAGMA mmap_size = 1099511627776";
    const struct sqlite_store *store = self;
    struct reader *r = NULL;
    enum err err;

    *reader = NULL;

    if ((r = calloc(1, sizeof(*r))) == NULL)
        return (E_NOMEM);
    r->head.ops = &sqlite_read_ops;
    forget(r);
    sqlite_rows_init(&r->found);
    if ((err = sqlite_db_open(store->path, SQLITE_OPEN_READONLY,
        READ_BUSY_MS, &r->db)) != E_OK)
        goto out;
    if ((err = sqlite_db_err(sqlite3_exec(r->db, map, NULL, NULL,
        NULL))) != E_OK)
        goto out;
    if ((err = sqlite_db_prepare(r->db, sql, STATEMENTS,
        r->statements)) != E_OK)
        goto out;

    *reader = &r->head;
    r = NULL;

out:
    if (r != NULL)
        read_close(&r->head);
    return (err);
}

/*
 * Count a statement and return it.  An error may have ended the view by
 * itself, and what is read after that would be of another.
 */
static enum err
next(struct reader *r, enum statement which, sqlite3_stmt **statement)
{
    *statement = r->statements[which];
    if (r->in_view && sqlite3_get_autocommit(r->db))
        return (E_IO);
    r->executed++;
    return (E_OK);
}

/* A number that is another when anything was committed. */
static enum err
read_change(struct reader *r, int64_t *number)
{
    sqlite3_stmt *stmt;
    enum err err;
    int rc;

    *number = 0;
    if ((err = next(r, CHANGE, &stmt)) != E_OK)
        return (err);
    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        *number = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_reset(stmt);
    return (rc == SQLITE_DONE ? E_CORRUPT : sqlite_db_err(rc));
}

static void
read_end(struct store_reader *reader)
{
    struct reader *r = reader_of(reader);

    r->in_view = 0;
    if (sqlite3_get_autocommit(r->db))
        return;
    r->executed++;
    if (sqlite_db_run(r->statements[END]) != E_OK)
        log_line(LOG_WARN, "store_view_failed", "code=%d",
            sqlite3_extended_errcode(r->db));
}

static enum err
read_begin(struct store_reader *reader)
{
    struct reader *r = reader_of(reader);
    int64_t version;
    enum err err;

    r->executed++;
    if ((err = sqlite_db_run(r->statements[BEGIN])) != E_OK)
        return (err);
    r->in_view = 1;
    /* The view begins with this, the first that it reads. */
    if ((err = read_change(r, &version)) != E_OK) {
        read_end(reader);
        return (err);
    }
    if (version != r->data_version)
        forget(r);
    r->data_version = version;
    return (E_OK);
}

static enum err
find_head(struct reader *r)
{
    sqlite3_stmt *stmt;
    enum err err;

    if (r->log_head.size >= 0)
        return (E_OK);
    if ((err = next(r, HEAD, &stmt)) == E_OK &&
        (err = sqlite_rows_head(stmt, &r->log_head)) != E_OK)
        r->log_head.size = -1;
    return (err);
}

static enum err
read_head(struct store_reader *reader, struct store_head *head)
{
    struct reader *r = reader_of(reader);
    enum err err;

    if (!r->in_view)
        forget(r);          /* nobody looked whether they still hold */
    if ((err = find_head(r)) == E_OK)
        *head = r->log_head;
    return (err);
}

static enum err
find_word(struct reader *r, const char *association,
    struct store_source *source)
{
    struct word *word;
    sqlite3_stmt *stmt;
    enum err err;

    for (size_t i = 0; i < r->nwords; i++) {
        word = &r->words[i];
        if (strcmp(word->association, association) == 0) {
            *source = word->source;
            return (E_OK);
        }
    }
    if ((err = next(r, SOURCE, &stmt)) != E_OK ||
        (err = sqlite_rows_source(stmt, association, source)) != E_OK ||
        strlen(association) >= sizeof(word->association))
        return (err);
    word = &r->words[r->next_word];
    memcpy(word->association, association, strlen(association) + 1);
    word->source = *source;
    r->next_word = (r->next_word + 1) % WORDS_MAX;
    if (r->nwords < WORDS_MAX)
        r->nwords++;
    return (E_OK);
}

/* One statement of one shape for a hit and a miss. */
static enum err
read_lookup(struct store_reader *reader, const char *association,
    const char *number_key, store_candidates_fn *fn, void *cookie,
    struct store_request **request)
{
    struct reader *r = reader_of(reader);
    struct store_candidates *found = &r->found.candidates;
    sqlite3_stmt *stmt;
    enum err err;

    *request = NULL;
    if (!r->in_view)
        forget(r);          /* nobody looked whether they still hold */
    if ((err = find_head(r)) == E_OK &&
        (err = find_word(r, association, &found->source)) == E_OK &&
        (err = next(r, LOOKUP, &stmt)) == E_OK)
        err = sqlite_rows_candidates(stmt, association, number_key,
            &r->found);
    found->log_size = r->log_head.size;
    fn(cookie, err, err == E_OK ? found : NULL);
    return (E_OK);
}

static enum err
read_publication(struct store_reader *reader, const char *association,
    const uint8_t id[STORE_ID], int by_request_id, store_publication_fn *fn,
    void *cookie, struct store_request **request)
{
    struct store_publication publication;
    sqlite3_stmt *stmt;
    enum err err;

    *request = NULL;
    if ((err = next(reader_of(reader), by_request_id ?
        PUBLICATION_BY_REQUEST : PUBLICATION, &stmt)) == E_OK)
        err = sqlite_rows_publication(stmt, association, id, &publication);
    fn(cookie, err, err == E_OK ? &publication : NULL);
    return (E_OK);
}

static enum err
read_source(struct store_reader *reader, const char *association,
    store_source_fn *fn, void *cookie, struct store_request **request)
{
    struct store_source source;
    sqlite3_stmt *stmt;
    enum err err;

    *request = NULL;
    if ((err = next(reader_of(reader), SOURCE, &stmt)) == E_OK)
        err = sqlite_rows_source(stmt, association, &source);
    fn(cookie, err, err == E_OK ? &source : NULL);
    return (E_OK);
}

static enum err
read_entries(struct store_reader *reader, int64_t from, int64_t n,
    store_entry_fn *each, store_done_fn *done, void *cookie,
    struct store_request **request)
{
    sqlite3_stmt *stmt;
    enum err err;

    *request = NULL;
    if ((err = next(reader_of(reader), ENTRIES, &stmt)) == E_OK)
        err = sqlite_rows_entries(stmt, from, n, each, cookie);
    done(cookie, err);
    return (E_OK);
}

static enum err
read_last_catalog(struct store_reader *reader, store_entry_fn *each,
    store_done_fn *done, void *cookie, struct store_request **request)
{
    struct store_entry entry;
    sqlite3_stmt *stmt;
    enum err err;
    int rc;

    *request = NULL;
    if ((err = next(reader_of(reader), LAST_CATALOG, &stmt)) != E_OK)
        goto out;
    rc = sqlite3_step(stmt);
    err = sqlite_db_err(rc);
    if (rc == SQLITE_ROW &&
        (err = sqlite_rows_entry(stmt, &entry)) == E_OK)
        err = each(cookie, &entry);
    (void)sqlite3_reset(stmt);

out:
    done(cookie, err);
    return (E_OK);
}

static enum err
read_publications(struct store_reader *reader,
    const struct store_publications *which, store_each_publication_fn *each,
    store_done_fn *done, void *cookie, struct store_request **request)
{
    sqlite3_stmt *stmt;
    enum err err;

    *request = NULL;
    if ((err = next(reader_of(reader), which->association == NULL ?
        PUBLICATIONS : PUBLICATIONS_OF, &stmt)) == E_OK)
        err = sqlite_list_publications(stmt, which, each, cookie);
    done(cookie, err);
    return (E_OK);
}

/* The events of one upload lie side by side: uploads are walked over. */
static enum err
walk_events(struct reader *r, struct store_events which,
    store_entry_fn *each, void *cookie)
{
    struct sqlite_range range;
    sqlite3_stmt *stmt;
    enum err err;

    while (which.n > 0) {
        if ((err = next(r, NEXT_EVENTS, &stmt)) != E_OK ||
            (err = sqlite_list_next_events(stmt, &which, &range)) != E_OK)
            return (err == E_NOTFOUND ? E_OK : err);
        if ((err = next(r, ENTRIES, &stmt)) != E_OK ||
            (err = sqlite_rows_entries(stmt, range.from, range.n, each,
            cookie)) != E_OK)
            return (err);
        which.from = range.next;
        which.n -= range.n;
    }
    return (E_OK);
}

static enum err
read_events(struct store_reader *reader, const struct store_events *which,
    store_entry_fn *each, store_done_fn *done, void *cookie,
    struct store_request **request)
{
    sqlite3_stmt *stmt;
    enum err err;

    *request = NULL;
    if (which->number_key == NULL)
        err = walk_events(reader_of(reader), *which, each, cookie);
    else if ((err = next(reader_of(reader), EVENTS_UNDER, &stmt)) == E_OK)
        err = sqlite_list_events_under(stmt, which, each, cookie);
    done(cookie, err);
    return (E_OK);
}

static uint64_t
read_statements(const struct store_reader *reader)
{
    return (((const struct reader *)reader)->executed);
}

const struct store_read_ops sqlite_read_ops = {
    .open = read_open,
    .close = read_close,
    .begin = read_begin,
    .end = read_end,
    .head = read_head,
    .lookup = read_lookup,
    .find_publication = read_publication,
    .find_source = read_source,
    .read_entries = read_entries,
    .list_publications = read_publications,
    .read_events = read_events,
    .last_catalog = read_last_catalog,
    .cancel = NULL,
    .statements = read_statements,
};
