/* What derives from the log and is not looked up by a claim. */

#include <stdlib.h>
#include <string.h>

#include "store/index_digest.h"
#include "store/sqlite.h"

enum statement {
    PUT_CREDENTIAL, LIST_CREDENTIALS, ADD_TALLY, SET_TALLY, DROP_TALLY,
    READ_TALLIES, FIND_LISTING, PUT_LISTING, VERSION, SET_VERSION,
    CLEAR_INDEX, CLEAR_SOURCE, CLEAR_CREDENTIAL, CLEAR_TALLY, CLEAR_LISTING,
    ALL_VERSIONS, ALL_SOURCES, ALL_CREDENTIALS, ALL_TALLIES, ALL_LISTINGS,
    ALL_HEADS,
    STATEMENTS
};

static const char *const sql[STATEMENTS] = {
    [PUT_CREDENTIAL] =
        "INSERT OR REPLACE INTO credential (association, credential_type,"
        " number_key, first_index, last_index, ends_on, traits)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [LIST_CREDENTIALS] =
        "SELECT number_key, first_index, last_index, ends_on, traits"
        " FROM credential WHERE association = ?1 AND credential_type = ?2"
        " AND (number_key, first_index) > (?3, ?4)"
        " ORDER BY number_key, first_index LIMIT ?5",
    /* Three, since no count is kept that is 0. */
    [ADD_TALLY] =
        "UPDATE tally SET n = n + ?3 WHERE association = ?1"
        " AND traits = ?2 AND n + ?3 > 0",
    [SET_TALLY] =
        "INSERT OR ABORT INTO tally (association, traits, n)"
        " VALUES (?1, ?2, ?3)",
    [DROP_TALLY] =
        "DELETE FROM tally WHERE association = ?1 AND traits = ?2"
        " AND n + ?3 = 0",
    [READ_TALLIES] =
        "SELECT traits, n FROM tally WHERE association = ?1",
    [FIND_LISTING] =
        "SELECT source_time, snapshot_time, snapshot_hash FROM listing"
        " WHERE association = ?1 AND credential_type = ?2",
    [PUT_LISTING] =
        "INSERT OR REPLACE INTO listing (association, credential_type,"
        " source_time, snapshot_time, snapshot_hash)"
        " VALUES (?1, ?2, ?3, ?4, ?5)",
    [VERSION] = "SELECT version FROM derived",
    [SET_VERSION] = "UPDATE derived SET version = ?1",
    [CLEAR_INDEX] = "DELETE FROM credential_index",
    [CLEAR_SOURCE] = "DELETE FROM source",
    [CLEAR_CREDENTIAL] = "DELETE FROM credential",
    [CLEAR_TALLY] = "DELETE FROM tally",
    [CLEAR_LISTING] = "DELETE FROM listing",
    [ALL_VERSIONS] =
        "SELECT association, number_key, credential_id, log_index, event"
        " FROM credential_index"
        " ORDER BY association, number_key, credential_id, log_index",
    [ALL_SOURCES] =
        "SELECT association, " ROWS_SOURCE_COLUMNS " FROM source"
        " ORDER BY association",
    [ALL_CREDENTIALS] =
        "SELECT association, credential_type, number_key, first_index,"
        " last_index, ends_on, traits FROM credential"
        " ORDER BY association, credential_type, number_key, first_index",
    [ALL_TALLIES] =
        "SELECT association, traits, n FROM tally"
        " ORDER BY association, traits",
    [ALL_LISTINGS] =
        "SELECT association, credential_type, source_time,"
        " coalesce(snapshot_time, 0), coalesce(snapshot_hash, x'')"
        " FROM listing ORDER BY association, credential_type",
    [ALL_HEADS] = ROWS_TREE,
};

/* How the rows of a table go into the digest: t text or bytes, n number. */
static const struct {
    enum statement all;
    const char *letter;
    const char *fields;
} digested[] = {
    {ALL_CREDENTIALS, "c", "tttnnnn"},
    {ALL_TALLIES, "t", "tnn"},
    {ALL_LISTINGS, "l", "ttnnt"},
    {ALL_HEADS, "h", "ntt"},
};

struct sqlite_derived {
    sqlite3 *db;                        /* borrowed */
    sqlite3_stmt *statements[STATEMENTS];
};

enum err
sqlite_derived_open(sqlite3 *db, struct sqlite_derived **derived)
{
    struct sqlite_derived *d;
    enum err err;

    *derived = NULL;
    if ((d = calloc(1, sizeof(*d))) == NULL)
        return (E_NOMEM);
    d->db = db;
    err = sqlite_db_prepare(db, sql, STATEMENTS, d->statements);
    if (err != E_OK) {
        sqlite_derived_close(d);
        return (err);
    }
    *derived = d;
    return (E_OK);
}

void
sqlite_derived_close(struct sqlite_derived *d)
{
    if (d == NULL)
        return;
    sqlite_db_finalize(d->statements, STATEMENTS);
    free(d);
}

static sqlite3_stmt *
statement_of(struct store_txn *txn, enum statement which)
{
    return (sqlite_write_derived(txn)->statements[which]);
}

/* ---- credentials ------------------------------------------------------- */

/* The first two parameters of most statements. */
static int
bind_texts(sqlite3_stmt *stmt, const char *first, const char *second)
{
    int rc;

    if ((rc = sqlite3_bind_text(stmt, 1, first, -1, SQLITE_STATIC)) != 0)
        return (rc);
    return (sqlite3_bind_text(stmt, 2, second, -1, SQLITE_STATIC));
}

enum err
sqlite_derived_put_credential(struct store_txn *txn, const char *association,
    const char *type, const struct store_credential *c)
{
    sqlite3_stmt *stmt = statement_of(txn, PUT_CREDENTIAL);
    int rc;

    if ((rc = bind_texts(stmt, association, type)) ||
        (rc = sqlite3_bind_text(stmt, 3, c->number_key, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite3_bind_int64(stmt, 4, c->first_index)) ||
        (rc = sqlite3_bind_int64(stmt, 5, c->last_index)) ||
        (rc = sqlite3_bind_int(stmt, 6, c->ends_on)) ||
        (rc = sqlite3_bind_int64(stmt, 7, c->traits)))
        return (sqlite_db_err(rc));
    return (sqlite_db_run(stmt));
}

static enum err
take_credential(sqlite3_stmt *stmt, struct store_credential *c)
{
    enum err err;

    err = sqlite_rows_copy(stmt, 0, c->number_key, sizeof(c->number_key));
    if (err != E_OK)
        return (err);
    c->first_index = sqlite3_column_int64(stmt, 1);
    c->last_index = sqlite3_column_int64(stmt, 2);
    c->ends_on = (int32_t)sqlite3_column_int(stmt, 3);
    c->traits = (unsigned)sqlite3_column_int64(stmt, 4);
    return (E_OK);
}

enum err
sqlite_derived_list_credentials(struct store_txn *txn,
    const char *association, const char *type,
    const struct store_credential *after, struct store_credential *list,
    size_t max, size_t *n)
{
    sqlite3_stmt *stmt = statement_of(txn, LIST_CREDENTIALS);
    enum err err = E_OK;
    int rc;

    if ((rc = bind_texts(stmt, association, type)) ||
        (rc = sqlite3_bind_text(stmt, 3, after->number_key, -1,
        SQLITE_STATIC)) ||
        (rc = sqlite3_bind_int64(stmt, 4, after->first_index)) ||
        (rc = sqlite3_bind_int64(stmt, 5, (int64_t)max)))
        return (sqlite_db_err(rc));
    while (err == E_OK && *n < max && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if ((err = take_credential(stmt, &list[*n])) == E_OK)
            (*n)++;
    (void)sqlite3_reset(stmt);
    return (err != E_OK ? err : sqlite_db_err(rc));
}

/* ---- counts ------------------------------------------------------------ */

static enum err
change_tally(struct store_txn *txn, enum statement which,
    const char *association, unsigned traits, int64_t n, int *changed)
{
    sqlite3_stmt *stmt = statement_of(txn, which);
    enum err err;
    int rc;

    if ((rc = sqlite3_bind_text(stmt, 1, association, -1, SQLITE_STATIC)) ||
        (rc = sqlite3_bind_int64(stmt, 2, traits)) ||
        (rc = sqlite3_bind_int64(stmt, 3, n)))
        return (sqlite_db_err(rc));
    if ((err = sqlite_db_run(stmt)) != E_OK)
        return (err);
    *changed = sqlite3_changes64(sqlite_write_derived(txn)->db) == 1;
    return (E_OK);
}

enum err
sqlite_derived_add_tally(struct store_txn *txn, const char *association,
    unsigned traits, int64_t n)
{
    int changed = 0;
    enum err err;

    err = change_tally(txn, ADD_TALLY, association, traits, n, &changed);
    if (err != E_OK || changed)
        return (err);
    if (n > 0)
        return (change_tally(txn, SET_TALLY, association, traits, n,
            &changed));
    err = change_tally(txn, DROP_TALLY, association, traits, n, &changed);
    return (err != E_OK || changed ? err : E_INVAL);
}

enum err
sqlite_derived_read_tallies(struct store_txn *txn, const char *association,
    store_tally_fn *fn, void *cookie)
{
    sqlite3_stmt *stmt = statement_of(txn, READ_TALLIES);
    int rc;

    if ((rc = sqlite3_bind_text(stmt, 1, association, -1, SQLITE_STATIC)))
        return (sqlite_db_err(rc));
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
        fn(cookie, (unsigned)sqlite3_column_int64(stmt, 0),
            sqlite3_column_int64(stmt, 1));
    (void)sqlite3_reset(stmt);
    return (sqlite_db_err(rc));
}

/* ---- listings ---------------------------------------------------------- */

enum err
sqlite_derived_find_listing(struct store_txn *txn, const char *association,
    const char *type, struct store_listing *listing)
{
    sqlite3_stmt *stmt = statement_of(txn, FIND_LISTING);
    enum err err = E_OK;
    int rc;

    memset(listing, 0, sizeof(*listing));
    if ((rc = bind_texts(stmt, association, type)))
        return (sqlite_db_err(rc));
    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        listing->known = 1;
        listing->source_time_us = sqlite3_column_int64(stmt, 0);
        listing->snapshot = sqlite3_column_type(stmt, 1) != SQLITE_NULL;
        if (listing->snapshot) {
            listing->snapshot_time_us = sqlite3_column_int64(stmt, 1);
            err = sqlite_rows_blob(stmt, 2, listing->snapshot_hash,
                sizeof(listing->snapshot_hash));
        }
    }
    (void)sqlite3_reset(stmt);
    return (err != E_OK ? err : sqlite_db_err(rc));
}

enum err
sqlite_derived_put_listing(struct store_txn *txn, const char *association,
    const char *type, const struct store_listing *listing)
{
    sqlite3_stmt *stmt = statement_of(txn, PUT_LISTING);
    int rc;

    if ((rc = bind_texts(stmt, association, type)) ||
        (rc = sqlite3_bind_int64(stmt, 3, listing->source_time_us)) ||
        (rc = sqlite3_bind_null(stmt, 4)) ||
        (rc = sqlite3_bind_null(stmt, 5)))
        return (sqlite_db_err(rc));
    if (listing->snapshot &&
        ((rc = sqlite3_bind_int64(stmt, 4, listing->snapshot_time_us)) ||
        (rc = sqlite_db_bind_blob(stmt, 5, listing->snapshot_hash,
        sizeof(listing->snapshot_hash)))))
        return (sqlite_db_err(rc));
    return (sqlite_db_run(stmt));
}

/* ---- the whole --------------------------------------------------------- */

enum err
sqlite_derived_version(struct store_txn *txn, int64_t *version)
{
    sqlite3_stmt *stmt = statement_of(txn, VERSION);
    enum err err = E_CORRUPT;
    int rc;

    if ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        *version = sqlite3_column_int64(stmt, 0);
        err = E_OK;
    } else if (rc != SQLITE_DONE) {
        err = sqlite_db_err(rc);
    }
    (void)sqlite3_reset(stmt);
    return (err);
}

enum err
sqlite_derived_set_version(struct store_txn *txn, int64_t version)
{
    sqlite3_stmt *stmt = statement_of(txn, SET_VERSION);
    int rc;

    if ((rc = sqlite3_bind_int64(stmt, 1, version)))
        return (sqlite_db_err(rc));
    return (sqlite_db_run(stmt));
}

enum err
sqlite_derived_clear(struct store_txn *txn)
{
    static const enum statement clear[] = {CLEAR_INDEX, CLEAR_SOURCE,
        CLEAR_CREDENTIAL, CLEAR_TALLY, CLEAR_LISTING};
    enum err err = E_OK;

    for (size_t i = 0; i < sizeof(clear) / sizeof(clear[0]) && err == E_OK;
        i++)
        err = sqlite_db_run(statement_of(txn, clear[i]));
    return (err);
}

enum err
sqlite_derived_read_index(struct store_txn *txn, store_indexed_fn *each,
    void *cookie)
{
    sqlite3_stmt *stmt = statement_of(txn, ALL_VERSIONS);
    struct store_indexed indexed;
    enum err err = E_OK;
    int rc;

    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        indexed.association = sqlite_rows_slice(stmt, 0);
        indexed.number_key = sqlite_rows_slice(stmt, 1);
        err = sqlite_rows_blob(stmt, 2, indexed.version.credential_id,
            STORE_ID);
        indexed.version.log_index = sqlite3_column_int64(stmt, 3);
        indexed.version.event = sqlite_rows_slice(stmt, 4);
        if (err != E_OK || (err = each(cookie, &indexed)) != E_OK)
            break;
    }
    (void)sqlite3_reset(stmt);
    return (err != E_OK ? err : sqlite_db_err(rc));
}

static enum err
digest_version(void *cookie, const struct store_indexed *indexed)
{
    return (index_digest_version(cookie, indexed->association,
        indexed->number_key, &indexed->version));
}

static enum err
digest_sources(struct store_txn *txn, struct index_digest *digest)
{
    sqlite3_stmt *stmt = statement_of(txn, ALL_SOURCES);
    struct store_source source = {.known = 1};
    enum err err = E_OK;
    int rc;

    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        source.source_time_us = sqlite3_column_int64(stmt, 1);
        source.received_at_us = sqlite3_column_int64(stmt, 2);
        if ((err = index_digest_source(digest, sqlite_rows_slice(stmt, 0),
            &source)) != E_OK)
            break;
    }
    (void)sqlite3_reset(stmt);
    return (err != E_OK ? err : sqlite_db_err(rc));
}

static enum err
digest_table(sqlite3_stmt *stmt, const char *letter, const char *fields,
    struct index_digest *digest)
{
    enum err err = E_OK;
    int rc;

    while (err == E_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        err = index_digest_letter(digest, letter[0]);
        for (int i = 0; fields[i] != '\0' && err == E_OK; i++)
            err = fields[i] == 't' ?
                index_digest_bytes(digest, sqlite_rows_slice(stmt, i)) :
                index_digest_number(digest, sqlite3_column_int64(stmt, i));
    }
    (void)sqlite3_reset(stmt);
    return (err != E_OK ? err : sqlite_db_err(rc));
}

enum err
sqlite_derived_digest(struct store_txn *txn, uint8_t hash[32])
{
    struct index_digest *digest = NULL;
    enum err err;

    if ((err = index_digest_create(&digest)) != E_OK ||
        (err = sqlite_derived_read_index(txn, digest_version,
        digest)) != E_OK ||
        (err = digest_sources(txn, digest)) != E_OK)
        goto out;
    for (size_t i = 0; i < sizeof(digested) / sizeof(digested[0]); i++)
        if ((err = digest_table(statement_of(txn, digested[i].all),
            digested[i].letter, digested[i].fields, digest)) != E_OK)
            goto out;
    err = index_digest_end(digest, hash);

out:
    index_digest_free(digest);
    return (err);
}
