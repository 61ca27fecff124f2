#ifndef STORE_STORE_H
#define STORE_STORE_H

/*
 * Where the log and the index over it are kept.  Callers see this file only;
 * which database answers is decided once, from the scheme of the DSN.
 *
 * The log is a sequence of entries that are never changed: event, declaration,
 * manifest, catalog.  Beside it lie the publications by request id, the last
 * word of each association, and the index: for each event a row under
 * (association, number key), so that one query of fixed shape finds everything
 * that a claim needs.  Beside it stands each credential once, as it is now, to
 * be walked by type.  The index, the credentials and the last words derive from
 * the log and can be rebuilt from it.  The log's head says how long it is and
 * what all its entries commit to; it is written with them.
 *
 * Reading belongs to the thread that opened the reader and is asynchronous by
 * shape: a callback is invoked exactly once, perhaps before the call returns
 * (SQLite), perhaps later from that thread's loop.  Writing is done by one
 * writer thread, which runs jobs, commits several together, and tells each
 * afterwards.
 */

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/leaf.h"

/* Opaque types. */
struct store;
struct store_reader;
struct store_request;
struct store_txn;

#define STORE_ID 16             /* bytes of a credential's or upload's id */
#define STORE_VERSIONS_MAX 1024 /* events under one (association, number key) */
#define STORE_EVENT_MAX 65536   /* bytes of one event */

/*
 * How something is handed to another thread's loop: run ${fn}(${cookie})
 * there, soon.  Never fails: the mailbox holds what it is given.
 */
struct store_post {
    void (*post)(void *target, void (*fn)(void *cookie), void *cookie);
    void *target;
};

/* ---- the head of the log ---------------------------------------------- */

#define STORE_ROOT 32           /* bytes of a root */
#define STORE_FRONTIER_MAX 2048 /* bytes of what it takes to go on */

struct store_head {
    int64_t size;               /* entries in the log */
    uint8_t root[STORE_ROOT];   /* over the leaf data of all of them */
};

/*
 * What is kept of the log as a tree, in one row that changes with it.  The
 * frontier is bytes to the store; the empty log begins with {0}.
 */
struct store_tree {
    struct store_head head;
    size_t nfrontier;
    uint8_t frontier[STORE_FRONTIER_MAX];
};

/**
 * grow(tree, leaves):
 * Append the entries whose leaf data, of LEAF_DATA bytes each, are in
 * ${leaves}, and make size, root and frontier those of the longer log; with no
 * leaves, make the root anew.  Runs on the writer's thread, inside the
 * transaction that appends them, and within store_open().
 *
 * Fails: E_CORRUPT (no such tree was ever made).
 */
typedef enum err store_grow_fn(struct store_tree *tree, struct slice leaves);

/* ---- opening ---------------------------------------------------------- */

struct store_options {
    const char *dsn;            /* "sqlite:<path>" */
    unsigned group_max;         /* jobs that one commit may cover */
    int create;                 /* make the store if there is none */
    int migrate;                /* bring an older schema up to date */
    store_grow_fn *grow;        /* makes the log's head */

    /*
     * Called once, on the writer's thread, when a write has failed in such a
     * way that nothing may be written any more.  May be NULL.
     */
    void (*lost)(void *cookie);
    void *cookie;
};

/**
 * store_open(options, store, why, size):
 * Open the store, bring its schema up to date in one transaction, in another
 * make the log's head if there is none yet, and start the writer thread.  The
 * caller owns ${*store}; close with store_close().
 *
 * Fails: E_INVAL (unknown scheme, nobody to make the head, or an older schema
 * that is to stay), E_NOTFOUND (none there, and not to be made), E_NEWER
 * (schema of a newer version), E_BUSY (another daemon has it open), E_CORRUPT
 * (damaged, the log and its head disagree, or something else than a store),
 * E_FULL (no room for what is needed to read it), E_IO, E_NOMEM.  On failure
 * ${*store} is NULL and ${why}, of ${size} bytes, says what and where for a
 * person.
 */
enum err MUST_USE store_open(const struct store_options *options,
    struct store **store, char *why, size_t size);

/**
 * store_close(store):
 * Finish the jobs that were submitted, stop the writer thread, and free
 * ${store}; NULL is allowed.  Every reader must have been closed.
 */
void store_close(struct store *store);

/* ---- reading ---------------------------------------------------------- */

/**
 * store_reader_open(store, reader):
 * Open a reader for the calling thread.  The caller owns ${*reader}; close
 * with store_reader_close() on the same thread.
 *
 * Fails: E_IO, E_NOMEM.  On failure ${*reader} is NULL.
 */
enum err MUST_USE store_reader_open(struct store *store,
    struct store_reader **reader);

void store_reader_close(struct store_reader *reader);

/**
 * store_reader_begin(reader):
 * Begin one view: every read until store_reader_end() sees the same state,
 * which holds everything committed before this call.
 *
 * Fails: E_IO, E_NOMEM, E_BUSY.
 */
enum err MUST_USE store_reader_begin(struct store_reader *reader);

/**
 * store_reader_end(reader):
 * End the view.
 */
void store_reader_end(struct store_reader *reader);

/**
 * store_reader_head(reader, head):
 * Copy the head of the log as of the present view to ${*head}.  It is read
 * once for all views between two commits; else no statement is executed.
 *
 * Fails: E_IO, E_NOMEM, E_CORRUPT (there is none).
 */
enum err MUST_USE store_reader_head(struct store_reader *reader,
    struct store_head *head);

/* One event of one credential, from the index. */
struct store_version {
    uint8_t credential_id[STORE_ID];
    int64_t log_index;
    struct slice event;         /* canonical vouch.v1.Event */
};

/* The last word of an association. */
struct store_source {
    int known;                  /* it has published or declared */
    int64_t source_time_us;     /* for when it last spoke */
    int64_t received_at_us;     /* when that was recorded */
};

/* What a lookup found.  Everything is borrowed for the callback only. */
struct store_candidates {
    struct store_source source;
    int64_t log_size;                       /* as store_reader_head() has it */
    const struct store_version *versions;   /* by credential, then log index */
    size_t nversions;
};

/*
 * ${err} is E_OK, E_IO, E_CORRUPT, E_TOOBIG (more than STORE_VERSIONS_MAX
 * under one number) or E_NOMEM; ${found} is NULL unless E_OK.
 * Must not call back into the reader.
 */
typedef void store_candidates_fn(void *cookie, enum err err,
    const struct store_candidates *found);

/**
 * store_lookup(reader, association, number_key, fn, cookie, request):
 * Find everything under (${association}, ${number_key}) as of the present view
 * and tell ${fn}(${cookie}, ...).  If that happens before this returns,
 * ${*request} is NULL; otherwise ${*request} may be given to store_cancel()
 * until ${fn} has run.  The statements executed are the same whatever is
 * found.
 *
 * Fails: E_BUSY (too many lookups in flight), E_NOMEM; ${fn} is then not
 * called.
 */
enum err MUST_USE store_lookup(struct store_reader *reader,
    const char *association, const char *number_key,
    store_candidates_fn *fn, void *cookie, struct store_request **request);

/**
 * store_cancel(request):
 * Forget ${request}: its callback will not be invoked.  NULL is allowed.
 */
void store_cancel(struct store_request *request);

/**
 * store_statements(reader):
 * Return how many statements the reader has executed; for tests.
 */
uint64_t store_statements(const struct store_reader *reader);

#define STORE_TYPES_TEXT 4096   /* bytes of 64 ids, each with its end */

/* An upload's outcome, as kept. */
struct store_publication {
    uint8_t id[STORE_ID];
    char association[64];
    uint8_t request_id[STORE_ID];
    uint8_t content_hash[32];
    int mode;
    int64_t source_time_us;
    int64_t recorded_at_us;
    int64_t counts[4];              /* new, changed, unchanged, rejected */
    int64_t first_log_index;
    int64_t event_count;
    int64_t manifest_log_index;
    int64_t not_listed;             /* credentials that a snapshot ended */
    int ending_withheld;            /* why it ended none; 0: it was not kept
                                       from it */
    char snapshot_types[STORE_TYPES_TEXT];  /* a blank between the ids */
};

/*
 * ${publication} is NULL unless E_OK; E_NOTFOUND, E_IO, E_CORRUPT, E_NOMEM
 * otherwise.
 */
typedef void store_publication_fn(void *cookie, enum err err,
    const struct store_publication *publication);

/**
 * store_find_publication(reader, association, id, by_request_id, fn, cookie,
 *     request):
 * Find an upload of ${association} (NULL: of any) by its own id, or by its
 * request id.  Calls back as store_lookup() does, and fails so.
 */
enum err MUST_USE store_find_publication(struct store_reader *reader,
    const char *association, const uint8_t id[STORE_ID], int by_request_id,
    store_publication_fn *fn, void *cookie, struct store_request **request);

/*
 * Which publications: those recorded at ${from_us} or later, and before the
 * one whose manifest has index ${before_index} and that was recorded at
 * ${before_us}; with ${before_index} 0 or less, before that time.
 */
struct store_publications {
    const char *association;        /* NULL: of any */
    int64_t from_us;
    int64_t before_us;
    int64_t before_index;
    int64_t n;                      /* at most */
};

/*
 * Called for each publication, borrowed for the callback; anything but E_OK
 * ends the reading with that error.
 */
typedef enum err store_each_publication_fn(void *cookie,
    const struct store_publication *publication);
typedef void store_done_fn(void *cookie, enum err err);

/**
 * store_list_publications(reader, which, each, done, cookie, request):
 * Read publications, the newest first: ${each} for every one, then ${done}.
 * Calls back as store_lookup() does, and fails so.
 */
enum err MUST_USE store_list_publications(struct store_reader *reader,
    const struct store_publications *which, store_each_publication_fn *each,
    store_done_fn *done, void *cookie, struct store_request **request);

/* ${source} is NULL unless E_OK. */
typedef void store_source_fn(void *cookie, enum err err,
    const struct store_source *source);

/**
 * store_find_source(reader, association, fn, cookie, request):
 * Find the last word of ${association}.  Calls back as store_lookup() does,
 * and fails so.
 */
enum err MUST_USE store_find_source(struct store_reader *reader,
    const char *association, store_source_fn *fn, void *cookie,
    struct store_request **request);

/* One entry of the log.  The slices are borrowed for the callback only. */
struct store_entry {
    int64_t log_index;
    enum leaf_domain domain;
    int64_t recorded_at_us;
    uint8_t salt[LEAF_SALT];
    uint8_t leaf[LEAF_DATA];
    struct slice bytes;
};

/*
 * Called for each entry; anything but E_OK ends the reading with that error.
 */
typedef enum err store_entry_fn(void *cookie, const struct store_entry *entry);

/**
 * store_read_entries(reader, from, n, each, done, cookie, request):
 * Read up to ${n} entries of the log from index ${from} on, in order: ${each}
 * for every one, then ${done}.  Calls back as store_lookup() does, and fails
 * so.
 */
enum err MUST_USE store_read_entries(struct store_reader *reader,
    int64_t from, int64_t n, store_entry_fn *each, store_done_fn *done,
    void *cookie, struct store_request **request);

/* Which events: those of ${association} from index ${from} on. */
struct store_events {
    const char *association;
    const char *number_key;         /* under this one only; NULL: any */
    int64_t from;
    int64_t n;                      /* at most */
};

/**
 * store_read_events(reader, which, each, done, cookie, request):
 * As store_read_entries(), for events of one association.
 */
enum err MUST_USE store_read_events(struct store_reader *reader,
    const struct store_events *which, store_entry_fn *each,
    store_done_fn *done, void *cookie, struct store_request **request);

/**
 * store_last_catalog(reader, each, done, cookie, request):
 * As store_read_entries(), for the last entry of domain LEAF_CATALOG alone;
 * ${each} is not called if there is none.
 */
enum err MUST_USE store_last_catalog(struct store_reader *reader,
    store_entry_fn *each, store_done_fn *done, void *cookie,
    struct store_request **request);

/* ---- writing ---------------------------------------------------------- */

/*
 * A job for the writer.  The submitter owns it and keeps it until ${done} has
 * run.
 */
struct store_job {
    /*
     * Runs on the writer thread, inside a transaction of its own within the
     * group's.  Anything but E_OK undoes what it did, and only that.
     */
    enum err (*run)(struct store_txn *txn, void *cookie);

    /*
     * Runs on the submitter's thread by way of ${post}, once it is certain:
     * E_OK only when the commit is on disk; what run() returned; E_BUSY when
     * the database was busy, or gave up the group because of another job of
     * it, and E_FULL when the disk is full: nothing was done, and a retry may
     * succeed; E_LOST when the commit failed otherwise, and then nobody knows
     * whether it is on disk.  After a write or an fsync that failed the store
     * takes no job any more until it is opened anew: each gets E_IO, and
     * nothing was done.
     */
    void (*done)(void *cookie, enum err err);

    void *cookie;
    struct store_post post;
    struct store_job *next;     /* the store's own */
    enum err err;               /* the store's own */
};

/**
 * store_submit(store, job):
 * Hand ${job} to the writer.  Never fails; may be called on any thread.
 */
void store_submit(struct store *store, struct store_job *job);

/**
 * store_progress(store):
 * Return a number that changes with every step that a job makes: a writer
 * with a long job changes it, one that hangs does not.  Any thread.
 */
unsigned long store_progress(struct store *store);

/*
 * The functions below belong to a job's run().  Each that writes may also fail
 * with E_FULL and E_LOST.  Once one of them has failed with one of these, E_IO,
 * E_NOMEM or E_CORRUPT, the job is lost: all others fail the same way, and so
 * does the job, whatever its run() returns.
 */

/**
 * store_txn_now(txn):
 * Return the time of this group, microseconds UTC: the recorded_at of all its
 * entries.  Never less than that of an earlier entry.
 */
int64_t store_txn_now(const struct store_txn *txn);

/**
 * store_txn_restart(txn):
 * Undo what this job has done, and go on as if it had just begun.
 *
 * Fails: E_IO, E_NOMEM, E_BUSY; the job is then lost, and has to end.
 */
enum err MUST_USE store_txn_restart(struct store_txn *txn);

/**
 * store_txn_next_index(txn):
 * Return the index that the next entry of the log will have.
 */
int64_t store_txn_next_index(const struct store_txn *txn);

/*
 * ${found} is borrowed for the callback, which must not call back into ${txn}.
 */
typedef enum err store_txn_candidates_fn(void *cookie,
    const struct store_version *versions, size_t n);

/**
 * store_txn_lookup(txn, association, number_key, fn, cookie):
 * Tell ${fn} everything under (${association}, ${number_key}), as
 * store_lookup() does, what this transaction wrote included.
 *
 * Fails: E_IO, E_TOOBIG, E_CORRUPT, E_NOMEM, and what ${fn} returned.
 */
enum err MUST_USE store_txn_lookup(struct store_txn *txn,
    const char *association, const char *number_key,
    store_txn_candidates_fn *fn, void *cookie);

/**
 * store_txn_append(txn, entry):
 * Append ${entry} to the log.  Its index must be store_txn_next_index(), its
 * recorded_at_us store_txn_now().  The head follows before the job is kept.
 *
 * Fails: E_INVAL (they are not), E_IO, E_NOMEM, E_CORRUPT.
 */
enum err MUST_USE store_txn_append(struct store_txn *txn,
    const struct store_entry *entry);

/* The place of an event in the index. */
struct store_place {
    const char *association;
    const char *number_key;
    uint8_t credential_id[STORE_ID];
};

/**
 * store_txn_index(txn, place, log_index, event):
 * Put the event of ${log_index} into the index.
 *
 * Fails: E_EXISTS, E_TOOBIG (an event above STORE_EVENT_MAX, or one more than
 * STORE_VERSIONS_MAX under one number), E_IO, E_NOMEM.
 */
enum err MUST_USE store_txn_index(struct store_txn *txn,
    const struct store_place *place, int64_t log_index, struct slice event);

/**
 * store_txn_find_publication(txn, association, request_id, publication):
 * Find an upload by its request id.
 *
 * Fails: E_NOTFOUND, E_IO.
 */
enum err MUST_USE store_txn_find_publication(struct store_txn *txn,
    const char *association, const uint8_t request_id[STORE_ID],
    struct store_publication *publication);

/**
 * store_txn_put_publication(txn, publication):
 * Keep an upload's outcome.
 *
 * Fails: E_EXISTS (its id or request id), E_INVAL (an association's id that
 * does not end), E_IO, E_NOMEM.
 */
enum err MUST_USE store_txn_put_publication(struct store_txn *txn,
    const struct store_publication *publication);

/* A declaration by its request id. */
struct store_declaration {
    char association[64];
    uint8_t request_id[STORE_ID];
    int64_t as_of_us;
    int64_t recorded_at_us;
    int64_t log_index;
};

/**
 * store_txn_find_declaration(txn, association, request_id, declaration) and
 * store_txn_put_declaration(txn, declaration):
 * As the two above.
 */
enum err MUST_USE store_txn_find_declaration(struct store_txn *txn,
    const char *association, const uint8_t request_id[STORE_ID],
    struct store_declaration *declaration);
enum err MUST_USE store_txn_put_declaration(struct store_txn *txn,
    const struct store_declaration *declaration);

/**
 * store_txn_find_source(txn, association, source):
 * Read the last word of ${association}; not known is no failure.
 *
 * Fails: E_IO.
 */
enum err MUST_USE store_txn_find_source(struct store_txn *txn,
    const char *association, struct store_source *source);

/**
 * store_txn_put_source(txn, association, source):
 * Set the last word of ${association}.
 *
 * Fails: E_IO, E_NOMEM.
 */
enum err MUST_USE store_txn_put_source(struct store_txn *txn,
    const char *association, const struct store_source *source);

/* ---- what stands on file ---------------------------------------------- */

#define STORE_KEY 64            /* bytes of a number key, without its end */
#define STORE_ENDLESS INT32_MAX /* as ends_on: no end is known */

/*
 * One credential as its last event left it.  The traits are the service's own:
 * the store counts those that are the same.
 */
struct store_credential {
    char number_key[STORE_KEY + 1];
    int64_t first_index;        /* of its first event: it names it */
    int64_t last_index;         /* of its last event */
    int32_t ends_on;            /* day number of the last day in force */
    unsigned traits;
};

/**
 * store_txn_put_credential(txn, association, type, credential):
 * Keep ${credential}, of the credential type ${type}, as it is now.
 *
 * Fails: E_INVAL (a number key that does not end), E_IO, E_NOMEM.
 */
enum err MUST_USE store_txn_put_credential(struct store_txn *txn,
    const char *association, const char *type,
    const struct store_credential *credential);

/**
 * store_txn_list_credentials(txn, association, type, after, list, max, n):
 * Read up to ${max} credentials of ${type} behind ${after}, by number key and
 * first index; of ${after} only these two count, and NULL is before the first.
 * ${*n} is how many there were.
 *
 * Fails: E_IO, E_CORRUPT, E_NOMEM.
 */
enum err MUST_USE store_txn_list_credentials(struct store_txn *txn,
    const char *association, const char *type,
    const struct store_credential *after, struct store_credential *list,
    size_t max, size_t *n);

/**
 * store_txn_add_tally(txn, association, traits, n):
 * Count ${n} more, or if negative fewer, credentials of ${association} that
 * have ${traits}.
 *
 * Fails: E_INVAL (fewer than none), E_IO, E_NOMEM.
 */
enum err MUST_USE store_txn_add_tally(struct store_txn *txn,
    const char *association, unsigned traits, int64_t n);

typedef void store_tally_fn(void *cookie, unsigned traits, int64_t n);

/**
 * store_txn_read_tallies(txn, association, fn, cookie):
 * Tell ${fn} how many credentials of ${association} have which traits.
 *
 * Fails: E_IO, E_NOMEM.
 */
enum err MUST_USE store_txn_read_tallies(struct store_txn *txn,
    const char *association, store_tally_fn *fn, void *cookie);

/* The last word on one credential type. */
struct store_listing {
    int known;                  /* there is one */
    int64_t source_time_us;     /* of its last event or snapshot */
    int snapshot;               /* there was one */
    int64_t snapshot_time_us;
    uint8_t snapshot_hash[32];  /* its content */
};

/**
 * store_txn_find_listing(txn, association, type, listing) and
 * store_txn_put_listing(txn, association, type, listing):
 * Read and set the last word on ${type}; not known is no failure.
 *
 * Fails: E_IO, E_CORRUPT, E_NOMEM.
 */
enum err MUST_USE store_txn_find_listing(struct store_txn *txn,
    const char *association, const char *type, struct store_listing *listing);
enum err MUST_USE store_txn_put_listing(struct store_txn *txn,
    const char *association, const char *type,
    const struct store_listing *listing);

/* ---- rebuilding ------------------------------------------------------- */

/**
 * store_txn_derived(txn, version) and store_txn_set_derived(txn, version):
 * Read and set which form of what is derived the store holds; 0 after an
 * older schema was brought up to date.
 *
 * Fails: E_IO, E_CORRUPT.
 */
enum err MUST_USE store_txn_derived(struct store_txn *txn, int64_t *version);
enum err MUST_USE store_txn_set_derived(struct store_txn *txn,
    int64_t version);

/**
 * store_txn_clear_index(txn):
 * Empty everything that is derived, to be filled again from the log.
 *
 * Fails: E_IO.
 */
enum err MUST_USE store_txn_clear_index(struct store_txn *txn);

/**
 * store_txn_derive_head(txn, differs):
 * Make the log's head anew from all its entries.  ${*differs}: the one that was
 * kept did not follow from them; the log tells both roots.
 *
 * Fails: E_IO, E_CORRUPT, E_NOMEM.
 */
enum err MUST_USE store_txn_derive_head(struct store_txn *txn, int *differs);

/**
 * store_txn_read_entries(txn, from, each, cookie):
 * Read every entry from index ${from} on; ${each} may call
 * store_txn_index() and store_txn_put_source() and nothing else.
 *
 * Fails: E_IO, and what ${each} returned.
 */
enum err MUST_USE store_txn_read_entries(struct store_txn *txn, int64_t from,
    store_entry_fn *each, void *cookie);

/* One row of the index, borrowed for the callback. */
struct store_indexed {
    struct slice association;
    struct slice number_key;
    struct store_version version;
};

typedef enum err store_indexed_fn(void *cookie,
    const struct store_indexed *indexed);

/**
 * store_txn_read_index(txn, each, cookie):
 * Read the whole index, by association, number key, credential and log index;
 * ${each} may call store_txn_put_credential() and nothing else.
 *
 * Fails: E_IO, E_CORRUPT, and what ${each} returned.
 */
enum err MUST_USE store_txn_read_index(struct store_txn *txn,
    store_indexed_fn *each, void *cookie);

/**
 * store_txn_digest_index(txn, digest):
 * Write the SHA-256 over all rows of what is derived, in order, and over the
 * head: two stores of one digest give the same answers.
 *
 * Fails: E_IO, E_CRYPTO.
 */
enum err MUST_USE store_txn_digest_index(struct store_txn *txn,
    uint8_t digest[32]);

#endif /* !STORE_STORE_H */
