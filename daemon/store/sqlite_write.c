#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/sqlite.h"

/*
 * Pages in the write-ahead log from which on it is folded into the database,
 * and from which on this waits for readers so that the log begins anew.
 */
#define FOLD_PAGES 1000
#define FOLD_PAGES_WAIT 16000

enum statement {
    BEGIN, COMMIT, ROLLBACK, JOB_BEGIN, JOB_KEEP, JOB_UNDO, LAST, TREE,
    LOOKUP, APPEND, PUT_TREE, INDEX_FIRST, INDEX, FIND_PUBLICATION,
    PUT_PUBLICATION, FIND_DECLARATION, PUT_DECLARATION, FIND_SOURCE,
    PUT_SOURCE, ENTRIES, STATEMENTS
};

_Static_assert(STORE_VERSIONS_MAX == 1024, "the limits in LOOKUP and INDEX");

static const char *const sql[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [JOB_BEGIN] = "SAVEPOINT job",
    [JOB_KEEP] = "RELEASE job",
    [JOB_UNDO] = "ROLLBACK TO job",
    [LAST] =
        "SELECT log_index, recorded_at FROM log"
        " ORDER BY log_index DESC LIMIT 1",
    [TREE] = ROWS_TREE,
    [LOOKUP] = ROWS_VERSIONS,
    [APPEND] =
        "INSERT INTO log (" ROWS_ENTRY_COLUMNS ")"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [PUT_TREE] =
        "INSERT OR REPLACE INTO log_head (id, size, root, frontier)"
        " VALUES (1, ?1, ?2, ?3)",
    /*
     * Most numbers are new, and alone at their place: whatever is there has
     * the first id of it.
     */
    [INDEX_FIRST] =
        "INSERT OR IGNORE INTO credential_index (id, association, number_key,"
        " credential_id, log_index, event) VALUES (?6, ?1, ?2, ?3, ?4, ?5)",
    /*
     * One more than a lookup can bring would hide all the others.  What is
     * there already is given an id that is there, and so refused.
     */
    [INDEX] =
        "INSERT INTO credential_index (id, association, number_key,"
        " credential_id, log_index, event)"
        " SELECT iif(last IS NULL, ?6, last + 1 - there), ?1, ?2, ?3, ?4, ?5"
        " FROM (SELECT max(id) AS last,"
        " total(association = ?1 AND number_key = ?2) AS n,"
        " max(log_index = ?4) AS there"
        " FROM credential_index WHERE id BETWEEN ?6 AND ?6 + 4095)"
        " WHERE n < 1024 AND (last IS NULL OR last < ?6 + 4095)",
    [FIND_PUBLICATION] =
        "SELECT " ROWS_PUBLICATION_COLUMNS " FROM publication"
        " WHERE request_id = ?1 AND association = ?2",
    [PUT_PUBLICATION] =
        "INSERT INTO publication (" ROWS_PUBLICATION_COLUMNS ") VALUES"
        " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
        " ?15, ?16, ?17)",
    [FIND_DECLARATION] =
        "SELECT as_of, recorded_at, log_index FROM declaration"
        " WHERE association = ?1 AND request_id = ?2",
    [PUT_DECLARATION] =
        "INSERT INTO declaration (association, request_id, as_of,"
        " recorded_at, log_index) VALUES (?1, ?2, ?3, ?4, ?5)",
    [FIND_SOURCE] =
        "SELECT " ROWS_SOURCE_COLUMNS " FROM source"
        " WHERE association = ?1",
    [PUT_SOURCE] =
        "INSERT OR REPLACE INTO source (association, "
        ROWS_SOURCE_COLUMNS ") VALUES (?1, ?2, ?3)",
    [ENTRIES] =
        "SELECT " ROWS_ENTRY_COLUMNS " FROM log"
        " WHERE log_index >= ?1 ORDER BY log_index LIMIT ?2",
};

struct sqlite_write {
    struct store_txn head;              /* first: see write_of() */
    sqlite3 *db;                        /* owned */
    sqlite3_stmt *statements[STATEMENTS];
    struct sqlite_derived *derived;     /* owned */
    struct sqlite_found found;
    int pages;                          /* in the write-ahead log */
    int unfolded;                       /* by a full disk, since the open */
    sqlite3_int64 changes;              /* before the transaction */
};

static struct sqlite_write *
write_of(struct store_txn *txn)
{
    return ((struct sqlite_write *)txn);
}

struct sqlite_derived *
sqlite_write_derived(struct store_txn *txn)
{
    return (write_of(txn)->derived);
}

/* ---- transactions ------------------------------------------------------ */

static int
on_commit(void *cookie, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_write *w = cookie;

    (void)db;
    (void)name;
    w->pages = pages;
    return (SQLITE_OK);
}

enum err
sqlite_write_open(sqlite3 *db, int unfolded, struct sqlite_write **write)
{
    struct sqlite_write *w = NULL;
    enum err err;

    *write = NULL;

    if ((w = calloc(1, sizeof(*w))) == NULL)
        return (E_NOMEM);
    w->head.ops = &sqlite_write_ops;
    w->unfolded = unfolded;
    sqlite_rows_init(&w->found);
    if ((err = sqlite_db_prepare(db, sql, STATEMENTS,
        w->statements)) != E_OK ||
        (err = sqlite_derived_open(db, &w->derived)) != E_OK)
        goto out;
    /* This also ends SQLite's own folding, which keeps failures to itself. */
    (void)sqlite3_wal_hook(db, on_commit, w);
    w->db = db;

    *write = w;
    w = NULL;

out:
    sqlite_write_close(w, 1);
    return (err);
}

void
sqlite_write_close(struct sqlite_write *w, int intact)
{
    if (w == NULL)
        return;
    sqlite_db_finalize(w->statements, STATEMENTS);
    sqlite_derived_close(w->derived);
    if (w->db != NULL && !intact)
        (void)sqlite3_db_config(w->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1,
            NULL);
    (void)sqlite3_close(w->db);
    sqlite_rows_free(&w->found);
    free(w);
}

static void
write_abort(struct store_txn *txn)
{
    struct sqlite_write *w = write_of(txn);

    if (!sqlite3_get_autocommit(w->db) &&
        sqlite_db_run(w->statements[ROLLBACK]) != E_OK)
        log_line(LOG_WARN, "store_rollback_failed", "code=%d",
            sqlite3_extended_errcode(w->db));
}

static enum err
write_begin(void *self, struct store_txn **txn)
{
    struct sqlite_write *w = ((struct sqlite_store *)self)->write;
    sqlite3_stmt *last = w->statements[LAST];
    enum err err;
    int rc;

    *txn = NULL;
    w->head.next_index = 0;
    w->head.now_us = 0;
    if (w->unfolded) {
        if ((err = sqlite_db_fold(w->db)) != E_OK && err != E_FULL)
            return (err);
        w->unfolded = err == E_FULL;
    }
    w->changes = sqlite3_total_changes64(w->db);
    if ((err = sqlite_db_run(w->statements[BEGIN])) != E_OK)
        return (err);
    if ((rc = sqlite3_step(last)) == SQLITE_ROW) {
        w->head.next_index = sqlite3_column_int64(last, 0) + 1;
        w->head.now_us = sqlite3_column_int64(last, 1);
    }
    (void)sqlite3_reset(last);
    if ((err = sqlite_db_err(rc)) != E_OK ||
        (err = sqlite_rows_tree(w->statements[TREE],
        &w->head.tree)) != E_OK) {
        write_abort(&w->head);
        return (err);
    }
    *txn = &w->head;
    return (E_OK);
}

static enum err
write_commit(struct store_txn *txn)
{
    struct sqlite_write *w = write_of(txn);
    enum err err;

    if (w->unfolded && sqlite3_total_changes64(w->db) != w->changes) {
        write_abort(txn);       /* what it builds on may not be on disk */
        return (E_FULL);
    }
    if ((err = sqlite_db_run(w->statements[COMMIT])) != E_OK) {
        log_line(LOG_ERROR, "store_commit_failed", "code=%d",
            sqlite3_extended_errcode(w->db));
        write_abort(txn);
    }
    return (err);
}

/* Run a statement within the transaction, if there still is one. */
static enum err
within(struct sqlite_write *w, enum statement which)
{
    if (sqlite3_get_autocommit(w->db))
        return (E_IO);
    return (sqlite_db_run(w->statements[which]));
}

static enum err
write_job_begin(struct store_txn *txn)
{
    return (within(write_of(txn), JOB_BEGIN));
}

static enum err
write_job_keep(struct store_txn *txn)
{
    return (within(write_of(txn), JOB_KEEP));
}

static enum err
write_job_undo(struct store_txn *txn)
{
    enum err err;

    if ((err = within(write_of(txn), JOB_UNDO)) != E_OK)
        return (err);
    return (within(write_of(txn), JOB_KEEP));
}

static enum err
write_tidy(void *self)
{
    struct sqlite_write *w = ((struct sqlite_store *)self)->write;
    enum err err;

    if (w->pages < FOLD_PAGES)
        return (E_OK);
    err = sqlite_db_err(sqlite3_wal_checkpoint_v2(w->db, NULL,
        w->pages < FOLD_PAGES_WAIT ? SQLITE_CHECKPOINT_PASSIVE :
        SQLITE_CHECKPOINT_RESTART, NULL, NULL));
    return (err == E_BUSY ? E_OK : err);    /* the next time, then */
}

/* ---- rows -------------------------------------------------------------- */

static enum err
write_lookup(struct store_txn *txn, const char *association,
    const char *number_key, store_txn_candidates_fn *fn, void *cookie)
{
    struct sqlite_write *w = write_of(txn);
    enum err err;

    if ((err = sqlite_rows_candidates(w->statements[LOOKUP], association,
        number_key, &w->found)) != E_OK)
        return (err);
    return (fn(cookie, w->found.versions, w->found.candidates.nversions));
}

static enum err
write_append(struct store_txn *txn, const struct store_entry *entry)
{
    sqlite3_stmt *stmt = write_of(txn)->statements[APPEND];
    int rc;

    if ((rc = sqlite3_bind_int64(stmt, 1, entry->log_index)) ||
        (rc = sqlite3_bind_int64(stmt, 2, entry->domain)) ||
        (rc = sqlite3_bind_int64(stmt, 3, entry->recorded_at_us)) ||
        (rc = sqlite_db_bind_blob(stmt, 4, entry->salt, LEAF_SALT)) ||
        (rc = sqlite_db_bind_blob(stmt, 5, entry->leaf, LEAF_DATA)) ||
        (rc = sqlite_db_bind_blob(stmt, 6, entry->bytes.p, entry->bytes.n)))
        return (sqlite_db_err(rc));
    return (sqlite_db_run(stmt));
}

static enum err
write_put_tree(struct store_txn *txn, const struct store_tree *tree)
{
    sqlite3_stmt *stmt = write_of(txn)->statements[PUT_TREE];
    int rc;

    if ((rc = sqlite3_bind_int64(stmt, 1, tree->head.size)) ||
        (rc = sqlite_db_bind_blob(stmt, 2, tree->head.root, STORE_ROOT)) ||
        (rc = sqlite_db_bind_blob(stmt, 3, tree->frontier,
        tree->nfrontier)))
        return (sqlite_db_err(rc));
    return (sqlite_db_run(stmt));
}

/* ${*done}: a row was written. */
static enum err
put_index(struct sqlite_write *w, enum statement which,
    const struct store_place *place, int64_t log_index, struct slice event,
    int *done)
{
    sqlite3_stmt *stmt = w->statements[which];
    enum err err;
    int rc;

    if ((rc = sqlite3_bind_text(stmt, 1, place->association, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite3_bind_text(stmt, 2, place->number_key, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite_db_bind_blob(stmt, 3, place->credential_id,
        STORE_ID)) ||
        (rc = sqlite3_bind_int64(stmt, 4, log_index)) ||
        (rc = sqlite_db_bind_blob(stmt, 5, event.p, event.n)) ||
        (rc = sqlite3_bind_int64(stmt, 6, sqlite_place(place->association,
        place->number_key))))
        return (sqlite_db_err(rc));
    err = sqlite_db_run(stmt);
    *done = err == E_OK && sqlite3_changes64(w->db) == 1;
    return (err);
}

static enum err
write_index(struct store_txn *txn, const struct store_place *place,
    int64_t log_index, struct slice event)
{
    struct sqlite_write *w = write_of(txn);
    enum err err;
    int done;

    err = put_index(w, INDEX_FIRST, place, log_index, event, &done);
    if (err != E_OK || done)
        return (err);
    err = put_index(w, INDEX, place, log_index, event, &done);
    return (err == E_OK && !done ? E_TOOBIG : err);
}

static enum err
write_find_publication(struct store_txn *txn, const char *association,
    const uint8_t request_id[STORE_ID], struct store_publication *publication)
{
    return (sqlite_rows_publication(
        write_of(txn)->statements[FIND_PUBLICATION], association, request_id,
        publication));
}

static enum err
write_put_publication(struct store_txn *txn, const struct store_publication *p)
{
    sqlite3_stmt *stmt = write_of(txn)->statements[PUT_PUBLICATION];
    int rc;

    if ((rc = sqlite_db_bind_blob(stmt, 1, p->id, STORE_ID)) ||
        (rc = sqlite3_bind_text(stmt, 2, p->association, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite_db_bind_blob(stmt, 3, p->request_id, STORE_ID)) ||
        (rc = sqlite_db_bind_blob(stmt, 4, p->content_hash,
        sizeof(p->content_hash))) ||
        (rc = sqlite3_bind_int(stmt, 5, p->mode)) ||
        (rc = sqlite3_bind_int64(stmt, 6, p->source_time_us)) ||
        (rc = sqlite3_bind_int64(stmt, 7, p->recorded_at_us)))
        return (sqlite_db_err(rc));
    for (int i = 0; i < 4; i++)
        if ((rc = sqlite3_bind_int64(stmt, 8 + i, p->counts[i])))
            return (sqlite_db_err(rc));
    if ((rc = sqlite3_bind_int64(stmt, 12, p->first_log_index)) ||
        (rc = sqlite3_bind_int64(stmt, 13, p->event_count)) ||
        (rc = sqlite3_bind_int64(stmt, 14, p->manifest_log_index)) ||
        (rc = sqlite3_bind_int64(stmt, 15, p->not_listed)) ||
        (rc = sqlite3_bind_int(stmt, 16, p->ending_withheld)) ||
        (rc = sqlite3_bind_text(stmt, 17, p->snapshot_types, -1,
        SQLITE_STATIC)))
        return (sqlite_db_err(rc));
    return (sqlite_db_run(stmt));
}

static enum err
write_find_declaration(struct store_txn *txn, const char *association,
    const uint8_t request_id[STORE_ID], struct store_declaration *declaration)
{
    sqlite3_stmt *stmt = write_of(txn)->statements[FIND_DECLARATION];
    int rc;

    memset(declaration, 0, sizeof(*declaration));
    if ((rc = sqlite3_bind_text(stmt, 1, association, -1, SQLITE_STATIC)) ||
        (rc = sqlite_db_bind_blob(stmt, 2, request_id, STORE_ID)))
        return (sqlite_db_err(rc));
    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        /* What was put in had room in the same array. */
        memcpy(declaration->association, association,
            strnlen(association, sizeof(declaration->association) - 1));
        memcpy(declaration->request_id, request_id, STORE_ID);
        declaration->as_of_us = sqlite3_column_int64(stmt, 0);
        declaration->recorded_at_us = sqlite3_column_int64(stmt, 1);
        declaration->log_index = sqlite3_column_int64(stmt, 2);
    }
    (void)sqlite3_reset(stmt);
    return (rc == SQLITE_DONE ? E_NOTFOUND : sqlite_db_err(rc));
}

static enum err
write_put_declaration(struct store_txn *txn, const struct store_declaration *d)
{
    sqlite3_stmt *stmt = write_of(txn)->statements[PUT_DECLARATION];
    int rc;

    if ((rc = sqlite3_bind_text(stmt, 1, d->association, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite_db_bind_blob(stmt, 2, d->request_id, STORE_ID)) ||
        (rc = sqlite3_bind_int64(stmt, 3, d->as_of_us)) ||
        (rc = sqlite3_bind_int64(stmt, 4, d->recorded_at_us)) ||
        (rc = sqlite3_bind_int64(stmt, 5, d->log_index)))
        return (sqlite_db_err(rc));
    return (sqlite_db_run(stmt));
}

static enum err
write_find_source(struct store_txn *txn, const char *association,
    struct store_source *source)
{
    return (sqlite_rows_source(write_of(txn)->statements[FIND_SOURCE],
        association, source));
}

static enum err
write_put_source(struct store_txn *txn, const char *association,
    const struct store_source *source)
{
    sqlite3_stmt *stmt = write_of(txn)->statements[PUT_SOURCE];
    int rc;

    if ((rc = sqlite3_bind_text(stmt, 1, association, -1, SQLITE_STATIC)) ||
        (rc = sqlite3_bind_int64(stmt, 2, source->source_time_us)) ||
        (rc = sqlite3_bind_int64(stmt, 3, source->received_at_us)))
        return (sqlite_db_err(rc));
    return (sqlite_db_run(stmt));
}

/* ---- rebuilding -------------------------------------------------------- */

static enum err
write_read_entries(struct store_txn *txn, int64_t from, store_entry_fn *each,
    void *cookie)
{
    return (sqlite_rows_entries(write_of(txn)->statements[ENTRIES], from,
        INT64_MAX, each, cookie));
}

const struct store_write_ops sqlite_write_ops = {
    .begin = write_begin,
    .commit = write_commit,
    .abort = write_abort,
    .job_begin = write_job_begin,
    .job_keep = write_job_keep,
    .job_undo = write_job_undo,
    .tidy = write_tidy,
    .lookup = write_lookup,
    .append = write_append,
    .put_tree = write_put_tree,
    .index = write_index,
    .find_publication = write_find_publication,
    .put_publication = write_put_publication,
    .find_declaration = write_find_declaration,
    .put_declaration = write_put_declaration,
    .find_source = write_find_source,
    .put_source = write_put_source,
    .put_credential = sqlite_derived_put_credential,
    .list_credentials = sqlite_derived_list_credentials,
    .add_tally = sqlite_derived_add_tally,
    .read_tallies = sqlite_derived_read_tallies,
    .find_listing = sqlite_derived_find_listing,
    .put_listing = sqlite_derived_put_listing,
    .derived = sqlite_derived_version,
    .set_derived = sqlite_derived_set_version,
    .clear_index = sqlite_derived_clear,
    .read_entries = write_read_entries,
    .read_index = sqlite_derived_read_index,
    .digest_index = sqlite_derived_digest,
};
