#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

/*
 * What a database must be able to do to hold the store; private to this
 * folder.  A further backend is its own files and one line in store.c.  Each
 * function is as store.h says of its namesake, unless stated otherwise here;
 * what does not depend on the database is done before it is called.
 */

#include <stdatomic.h>

#include "store/store.h"

/* A backend's own reader, request and transaction begin with these. */
struct store_reader {
    const struct store_read_ops *ops;
};

struct store_request {
    const struct store_read_ops *ops;
};

/* How many leaves are gathered before the tree grows by them. */
#define TXN_LEAVES 512

struct store_txn {
    const struct store_write_ops *ops;
    store_grow_fn *grow;
    int64_t now_us;
    int64_t next_index;
    int64_t first_index;        /* of this job */
    enum err broken;            /* E_OK, or what the job was lost by */
    atomic_ulong *steps;        /* the writer's; counts what jobs do */

    /* The log as a tree, see log_head.h. */
    struct store_tree tree;     /* without the leaves that follow */
    struct store_tree first_tree;       /* of before this job */
    size_t nleaves;
    uint8_t leaves[TXN_LEAVES * LEAF_DATA];
};

struct store_read_ops {
    enum err (*open)(void *self, struct store_reader **reader);
    void (*close)(struct store_reader *reader);
    enum err (*begin)(struct store_reader *reader);
    void (*end)(struct store_reader *reader);
    enum err (*head)(struct store_reader *reader, struct store_head *head);
    enum err (*lookup)(struct store_reader *reader, const char *association,
        const char *number_key, store_candidates_fn *fn, void *cookie,
        struct store_request **request);
    enum err (*find_publication)(struct store_reader *reader,
        const char *association, const uint8_t id[STORE_ID],
        int by_request_id, store_publication_fn *fn, void *cookie,
        struct store_request **request);
    enum err (*find_source)(struct store_reader *reader,
        const char *association, store_source_fn *fn, void *cookie,
        struct store_request **request);
    enum err (*read_entries)(struct store_reader *reader, int64_t from,
        int64_t n, store_entry_fn *each, store_done_fn *done, void *cookie,
        struct store_request **request);
    enum err (*list_publications)(struct store_reader *reader,
        const struct store_publications *which,
        store_each_publication_fn *each, store_done_fn *done, void *cookie,
        struct store_request **request);
    enum err (*read_events)(struct store_reader *reader,
        const struct store_events *which, store_entry_fn *each,
        store_done_fn *done, void *cookie, struct store_request **request);
    enum err (*last_catalog)(struct store_reader *reader,
        store_entry_fn *each, store_done_fn *done, void *cookie,
        struct store_request **request);
    void (*cancel)(struct store_request *request);  /* NULL: never late */
    uint64_t (*statements)(const struct store_reader *reader);
};

struct store_write_ops {
    /*
     * Begin the group's transaction; ${*txn} is borrowed until commit or
     * abort.  Set next_index, now_us to the recorded_at of the last entry
     * (0 if there is none), and tree to what put_tree() wrote last; the size
     * of its head is -1 if it never did.
     */
    enum err (*begin)(void *self, struct store_txn **txn);

    /*
     * End it.  What commit() has failed to do may have been done, except with
     * E_FULL; with E_FULL, E_NOMEM and E_BUSY what follows can be committed
     * nevertheless.
     */
    enum err (*commit)(struct store_txn *txn);
    void (*abort)(struct store_txn *txn);

    /*
     * A job's own transaction within the group's.  If one of these fails, the
     * group's transaction can only be aborted.
     */
    enum err (*job_begin)(struct store_txn *txn);
    enum err (*job_keep)(struct store_txn *txn);
    enum err (*job_undo)(struct store_txn *txn);

    /*
     * What is due after a commit and after everyone was told.  With E_FULL
     * and E_NOMEM it is due again after the next one; if it fails otherwise,
     * nothing must be written any more.
     */
    enum err (*tidy)(void *self);

    enum err (*lookup)(struct store_txn *txn, const char *association,
        const char *number_key, store_txn_candidates_fn *fn, void *cookie);
    enum err (*append)(struct store_txn *txn, const struct store_entry *entry);
    enum err (*put_tree)(struct store_txn *txn, const struct store_tree *tree);
    enum err (*index)(struct store_txn *txn, const struct store_place *place,
        int64_t log_index, struct slice event);
    enum err (*find_publication)(struct store_txn *txn,
        const char *association, const uint8_t request_id[STORE_ID],
        struct store_publication *publication);
    enum err (*put_publication)(struct store_txn *txn,
        const struct store_publication *publication);
    enum err (*find_declaration)(struct store_txn *txn,
        const char *association, const uint8_t request_id[STORE_ID],
        struct store_declaration *declaration);
    enum err (*put_declaration)(struct store_txn *txn,
        const struct store_declaration *declaration);
    enum err (*find_source)(struct store_txn *txn, const char *association,
        struct store_source *source);
    enum err (*put_source)(struct store_txn *txn, const char *association,
        const struct store_source *source);
    enum err (*put_credential)(struct store_txn *txn, const char *association,
        const char *type, const struct store_credential *credential);
    enum err (*list_credentials)(struct store_txn *txn,
        const char *association, const char *type,
        const struct store_credential *after, struct store_credential *list,
        size_t max, size_t *n);
    enum err (*add_tally)(struct store_txn *txn, const char *association,
        unsigned traits, int64_t n);
    enum err (*read_tallies)(struct store_txn *txn, const char *association,
        store_tally_fn *fn, void *cookie);
    enum err (*find_listing)(struct store_txn *txn, const char *association,
        const char *type, struct store_listing *listing);
    enum err (*put_listing)(struct store_txn *txn, const char *association,
        const char *type, const struct store_listing *listing);
    enum err (*derived)(struct store_txn *txn, int64_t *version);
    enum err (*set_derived)(struct store_txn *txn, int64_t version);
    enum err (*clear_index)(struct store_txn *txn);
    enum err (*read_index)(struct store_txn *txn, store_indexed_fn *each,
        void *cookie);
    enum err (*read_entries)(struct store_txn *txn, int64_t from,
        store_entry_fn *each, void *cookie);
    enum err (*digest_index)(struct store_txn *txn, uint8_t digest[32]);
};

struct store_backend {
    const char *scheme;         /* DSN up to and including the colon */

    /*
     * ${rest} is the DSN behind the scheme; ${*self} is then the backend's.
     * Ends with log_head_open().
     */
    enum err (*open)(const struct store_options *options, const char *rest,
        void **self, char *why, size_t size);

    /*
     * ${intact} is 0 if a write has failed: then leave the files as they are,
     * for the next open() to find out what is in them.
     */
    void (*close)(void *self, int intact);

    const struct store_read_ops *read;
    const struct store_write_ops *write;
};

extern const struct store_backend store_sqlite;

#endif /* !STORE_BACKEND_H */
