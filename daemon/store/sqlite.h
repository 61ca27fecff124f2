#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

/*
 * What the files of the SQLite backend share; private to them.  One database
 * in WAL mode: one connection writes, on the writer's thread, and each reader
 * has a connection of its own.
 */

#include <sqlite3.h>

#include "store/backend.h"

#define WRITE_BUSY_MS 5000
#define READ_BUSY_MS 250     /* a reader holds up its whole loop */

/* Opaque types. */
struct sqlite_write;
struct sqlite_derived;

struct sqlite_store {
    char *path;                     /* owned */
    int lock;                       /* owned; -1: not held */
    struct sqlite_write *write;     /* owned */
};

/* ---- sqlite_db.c: the library, and statements as such ------------------ */

/**
 * sqlite_db_open(path, flags, busy_ms, db):
 * Open a connection that believes nothing the file's schema says.  The caller
 * owns ${*db}; close with sqlite3_close().
 *
 * Fails: E_IO, E_NOMEM, E_CORRUPT, E_BUSY.  ${*db} may be given nevertheless,
 * to read its message.
 */
enum err MUST_USE sqlite_db_open(const char *path, int flags, int busy_ms,
    sqlite3 **db);

/**
 * sqlite_db_err(rc):
 * Return what the result ${rc} of a step, or of anything else, means here.
 * E_LOST is a write or an fsync that failed for another reason than a full
 * disk.
 */
enum err sqlite_db_err(int rc);

/* A statement that sets something, one that reads it, and what must come. */
struct sqlite_setting {
    const char *set;
    const char *get;
    const char *want;
};

/**
 * sqlite_db_set(db, setting):
 * Make a setting and see that it holds.
 *
 * Fails: E_IO (it does not hold), and as sqlite_db_err().
 */
enum err MUST_USE sqlite_db_set(sqlite3 *db,
    const struct sqlite_setting *setting);

/**
 * sqlite_db_number(db, sql, number):
 * Read the number that is the only row of ${sql}.  Fails as sqlite_db_err().
 */
enum err MUST_USE sqlite_db_number(sqlite3 *db, const char *sql,
    int64_t *number);

/**
 * sqlite_db_prepare(db, sql, n, statements):
 * Prepare ${n} statements, to be kept; the caller gives them back with
 * sqlite_db_finalize(), after a failure too.
 */
enum err MUST_USE sqlite_db_prepare(sqlite3 *db, const char *const sql[],
    size_t n, sqlite3_stmt *statements[]);

void sqlite_db_finalize(sqlite3_stmt *statements[], size_t n);

/**
 * sqlite_db_fold(db):
 * Fold the whole write-ahead log into the database, and begin it anew.
 */
enum err MUST_USE sqlite_db_fold(sqlite3 *db);

/**
 * sqlite_db_bind_blob(statement, i, p, n):
 * Bind ${n} bytes, of which there may be none; borrowed until the next reset.
 */
int sqlite_db_bind_blob(sqlite3_stmt *statement, int i, const void *p,
    size_t n);

/**
 * sqlite_db_run(statement):
 * Run a statement that gives no rows, and make it ready for the next time.
 */
enum err MUST_USE sqlite_db_run(sqlite3_stmt *statement);

/* ---- sqlite_rows.c: rows into structs ---------------------------------- */

/* Where a lookup gathers what it finds; kept from one to the next. */
struct sqlite_found {
    struct store_candidates candidates;
    struct store_version versions[STORE_VERSIONS_MAX];
    struct buf events;          /* what the versions' slices point into */
};

void sqlite_rows_init(struct sqlite_found *found);
void sqlite_rows_free(struct sqlite_found *found);

/*
 * Where in credential_index the events under (association, number key) are:
 * from the place on, so many ids at most.  Numbers that follow one another have
 * places that do, mostly, so that a file in their order is written in order.
 */
#define ROWS_PLACES 4096
#define ROWS_AT_PLACE(first)                                     \
    "id BETWEEN " first " AND " first " + 4095"                         \
    " AND association = ?1 AND number_key = ?2"

/**
 * sqlite_place(association, number_key):
 * Return the place.  A few others may have the same.
 */
int64_t sqlite_place(const char *association, const char *number_key);

/* A lookup's rows; its parameters are association, number key and place. */
#define ROWS_VERSIONS                                            \
    "SELECT credential_id, log_index, event FROM credential_index"      \
    " WHERE " ROWS_AT_PLACE("?3") " LIMIT 1025"

/**
 * sqlite_rows_candidates(statement, association, number_key, found):
 * Run a lookup and gather its versions in ${found}, and nothing else.
 *
 * Fails: E_TOOBIG (more than STORE_VERSIONS_MAX), and as sqlite_db_err().
 */
enum err MUST_USE sqlite_rows_candidates(sqlite3_stmt *statement,
    const char *association, const char *number_key,
    struct sqlite_found *found);

#define ROWS_SOURCE_COLUMNS "source_time, received_at"

/**
 * sqlite_rows_source(statement, association, source):
 * Run ${statement}, which selects these columns.
 */
enum err MUST_USE sqlite_rows_source(sqlite3_stmt *statement,
    const char *association, struct store_source *source);

/* The log's head and what is kept with it, as the writer needs it too. */
#define ROWS_HEAD "SELECT size, root FROM log_head WHERE id = 1"
#define ROWS_TREE "SELECT size, root, frontier FROM log_head WHERE id = 1"

/**
 * sqlite_rows_head(statement, head):
 * Run ROWS_HEAD.  Fails: E_CORRUPT (there is none), and as sqlite_db_err().
 */
enum err MUST_USE sqlite_rows_head(sqlite3_stmt *statement,
    struct store_head *head);

/**
 * sqlite_rows_tree(statement, tree):
 * Run ROWS_TREE; if there is none, the size of its head is -1.  Fails as
 * sqlite_rows_head().
 */
enum err MUST_USE sqlite_rows_tree(sqlite3_stmt *statement,
    struct store_tree *tree);

#define ROWS_PUBLICATION_COLUMNS                                 \
    "id, association, request_id, content_hash, mode, source_time,"     \
    " recorded_at, count_new, count_changed, count_unchanged,"          \
    " count_rejected, first_log_index, event_count, manifest_log_index,"  \
    " count_not_listed, ending_withheld, snapshot_types"

/**
 * sqlite_rows_take_publication(statement, publication):
 * Take a publication from the present row of these columns.
 *
 * Fails: E_CORRUPT.
 */
enum err MUST_USE sqlite_rows_take_publication(sqlite3_stmt *statement,
    struct store_publication *publication);

/**
 * sqlite_rows_publication(statement, association, id, publication):
 * Run ${statement}, which selects these columns; its parameters are ${id} and
 * ${association}.
 *
 * Fails: E_NOTFOUND, and as sqlite_db_err().
 */
enum err MUST_USE sqlite_rows_publication(sqlite3_stmt *statement,
    const char *association, const uint8_t id[STORE_ID],
    struct store_publication *publication);

/**
 * sqlite_rows_slice(statement, i):
 * Return the bytes of column ${i}, borrowed until the next step.
 */
struct slice sqlite_rows_slice(sqlite3_stmt *statement, int i);

/**
 * sqlite_rows_text(statement, i, text):
 * Copy column ${i}.  Fails: E_CORRUPT (too long for ${text}, or NULL).
 */
enum err MUST_USE sqlite_rows_text(sqlite3_stmt *statement, int i,
    char text[64]);

/**
 * sqlite_rows_copy(statement, i, text, size):
 * As sqlite_rows_text(), into ${size} bytes.
 */
enum err MUST_USE sqlite_rows_copy(sqlite3_stmt *statement, int i,
    char *text, size_t size);

/**
 * sqlite_rows_blob(statement, i, p, n):
 * Copy column ${i}.  Fails: E_CORRUPT (not ${n} bytes).
 */
enum err MUST_USE sqlite_rows_blob(sqlite3_stmt *statement, int i,
    uint8_t *p, size_t n);

#define ROWS_ENTRY_COLUMNS                                       \
    "log_index, domain, recorded_at, salt, leaf, bytes"

/**
 * sqlite_rows_entry(statement, entry):
 * Take an entry from the present row of these columns; its bytes are borrowed
 * until the next step.
 */
enum err MUST_USE sqlite_rows_entry(sqlite3_stmt *statement,
    struct store_entry *entry);

/**
 * sqlite_rows_entries(statement, from, n, each, cookie):
 * Run ${statement}, whose parameters are ${from} and ${n}, for up to ${n}
 * entries that follow one another from ${from} on.
 *
 * Fails: E_CORRUPT (a gap), as sqlite_db_err(), and what ${each} returned.
 */
enum err MUST_USE sqlite_rows_entries(sqlite3_stmt *statement, int64_t from,
    int64_t n, store_entry_fn *each, void *cookie);

/* ---- sqlite_list.c: pages of long lists -------------------------------- */

/* As many pages as it takes, each found by an index of 0002.sql. */
#define LIST_PUBLICATIONS(more)                                  \
    "SELECT " ROWS_PUBLICATION_COLUMNS " FROM publication"       \
    " WHERE recorded_at >= ?2 AND"                               \
    " (recorded_at, manifest_log_index) < (?3, ?4)" more         \
    " ORDER BY recorded_at DESC, manifest_log_index DESC LIMIT ?5"
#define LIST_NEXT_EVENTS                                         \
    "SELECT first_log_index, event_count, manifest_log_index"    \
    " FROM publication WHERE association = ?1 AND event_count > 0"      \
    " AND manifest_log_index > ?2 ORDER BY manifest_log_index LIMIT 1"
#define LIST_EVENTS_UNDER                                        \
    "SELECT " ROWS_ENTRY_COLUMNS " FROM log WHERE log_index IN"  \
    " (SELECT log_index FROM credential_index WHERE"             \
    " " ROWS_AT_PLACE("?5") " AND log_index >= ?3"               \
    " ORDER BY log_index LIMIT ?4) ORDER BY log_index"

/**
 * sqlite_list_publications(statement, which, each, cookie):
 * Run ${statement}, LIST_PUBLICATIONS with a condition if which->association
 * is given.
 *
 * Fails: E_CORRUPT, as sqlite_db_err(), and what ${each} returned.
 */
enum err MUST_USE sqlite_list_publications(sqlite3_stmt *statement,
    const struct store_publications *which, store_each_publication_fn *each,
    void *cookie);

/* A piece of the log. */
struct sqlite_range {
    int64_t from, n;
    int64_t next;               /* where to look on */
};

/**
 * sqlite_list_next_events(statement, which, range):
 * Run ${statement}, LIST_NEXT_EVENTS, and write to ${*range} the first events
 * that ${which} asks for, of one upload, of which there may be none.
 *
 * Fails: E_NOTFOUND (no further upload), E_CORRUPT, as sqlite_db_err().
 */
enum err MUST_USE sqlite_list_next_events(sqlite3_stmt *statement,
    const struct store_events *which, struct sqlite_range *range);

/**
 * sqlite_list_events_under(statement, which, each, cookie):
 * Run ${statement}, LIST_EVENTS_UNDER.  Fails as sqlite_list_publications().
 */
enum err MUST_USE sqlite_list_events_under(sqlite3_stmt *statement,
    const struct store_events *which, store_entry_fn *each, void *cookie);

/* ---- sqlite_read.c, sqlite_write.c ------------------------------------- */

extern const struct store_read_ops sqlite_read_ops;
extern const struct store_write_ops sqlite_write_ops;

/**
 * sqlite_write_open(db, unfolded, write):
 * Prepare to write; if ${unfolded} nothing is committed, for E_FULL, until
 * sqlite_db_fold() has found room.  After success ${db} is owned by ${*write};
 * close with sqlite_write_close().
 */
enum err MUST_USE sqlite_write_open(sqlite3 *db, int unfolded,
    struct sqlite_write **write);

/**
 * sqlite_write_close(write, intact):
 * Close; NULL is allowed.  The log of the database is folded into it only if
 * ${intact}.
 */
void sqlite_write_close(struct sqlite_write *write, int intact);

/**
 * sqlite_write_derived(txn):
 * Return what sqlite_derived.c keeps for ${txn}; borrowed.
 */
struct sqlite_derived *sqlite_write_derived(struct store_txn *txn);

/* ---- sqlite_derived.c: what derives from the log ----------------------- */

/**
 * sqlite_derived_open(db, derived):
 * Prepare; ${db} is borrowed.  The caller owns ${*derived}; close with
 * sqlite_derived_close(), NULL is allowed.
 */
enum err MUST_USE sqlite_derived_open(sqlite3 *db,
    struct sqlite_derived **derived);
void sqlite_derived_close(struct sqlite_derived *derived);

/* As backend.h says of their namesakes. */
enum err sqlite_derived_put_credential(struct store_txn *txn,
    const char *association, const char *type,
    const struct store_credential *credential);
enum err sqlite_derived_list_credentials(struct store_txn *txn,
    const char *association, const char *type,
    const struct store_credential *after, struct store_credential *list,
    size_t max, size_t *n);
enum err sqlite_derived_add_tally(struct store_txn *txn,
    const char *association, unsigned traits, int64_t n);
enum err sqlite_derived_read_tallies(struct store_txn *txn,
    const char *association, store_tally_fn *fn, void *cookie);
enum err sqlite_derived_find_listing(struct store_txn *txn,
    const char *association, const char *type, struct store_listing *listing);
enum err sqlite_derived_put_listing(struct store_txn *txn,
    const char *association, const char *type,
    const struct store_listing *listing);
enum err sqlite_derived_version(struct store_txn *txn, int64_t *version);
enum err sqlite_derived_set_version(struct store_txn *txn, int64_t version);
enum err sqlite_derived_clear(struct store_txn *txn);
enum err sqlite_derived_read_index(struct store_txn *txn,
    store_indexed_fn *each, void *cookie);
enum err sqlite_derived_digest(struct store_txn *txn, uint8_t digest[32]);

#endif /* !STORE_SQLITE_H */
