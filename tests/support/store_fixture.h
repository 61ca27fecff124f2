#ifndef TEST_SUPPORT_STORE_FIXTURE_H
#define TEST_SUPPORT_STORE_FIXTURE_H

/*
 * A store to test with, in a folder of its own, and a loop of sorts for the
 * callbacks of its jobs.  Failures of the set-up end the test.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "store/store.h"

/* How to come by an empty store of one kind, and how to get rid of it. */
struct store_kind {
    const char *name;
    void (*make)(char *dsn, size_t size);
    void (*drop)(const char *dsn);
};

extern const struct store_kind store_kind_sqlite;

#define FIXTURE_MAIL 4096

struct fixture {
    const struct store_kind *kind;
    char dsn[256];
    struct store *store;            /* open from set-up on */
    struct store_reader *reader;    /* open from set-up on */
    atomic_int lost;                /* times the store said so */

    pthread_mutex_t lock;
    pthread_cond_t some;
    struct {
        void (*fn)(void *cookie);
        void *cookie;
    } mail[FIXTURE_MAIL];
    size_t sent, run;
};

/* For cmocka: ${*state} is the struct store_kind, then the fixture. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/**
 * fixture_open(fixture) and fixture_close(fixture):
 * Open and close store and reader, as often as one likes.
 */
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);

/**
 * fixture_grow(tree, leaves):
 * As store_grow_fn, with what it pleases as the frontier.
 */
enum err fixture_grow(struct store_tree *tree, struct slice leaves);

/**
 * fixture_post(fixture):
 * Return how to reach the thread that calls fixture_run().
 */
struct store_post fixture_post(struct fixture *fixture);

/**
 * fixture_run(fixture):
 * Wait for one post, and run it.  Fails the test after half a minute.
 */
void fixture_run(struct fixture *fixture);

/**
 * fixture_do(fixture, run, cookie):
 * Submit a job, wait for it, and return what its done() was told.
 */
enum err fixture_do(struct fixture *fixture,
    enum err (*run)(struct store_txn *txn, void *cookie), void *cookie);

/**
 * fixture_append(txn, domain, text):
 * Append an entry made of ${text}; fixture_is_entry() knows it again.
 */
enum err fixture_append(struct store_txn *txn, enum leaf_domain domain,
    const char *text);

int fixture_is_entry(const struct store_entry *entry, const char *text);

/**
 * fixture_event(txn, place, text):
 * Append an event and put it into the index.
 */
enum err fixture_event(struct store_txn *txn, const struct store_place *place,
    const char *text);

/* What the last lookup brought, copied. */
struct fixture_found {
    int called;
    enum err err;
    struct store_source source;
    int64_t log_size;
    size_t nversions;
    struct {
        uint8_t credential_id[STORE_ID];
        int64_t log_index;
        char text[32];
    } versions[8];                  /* the first of them */
};

struct fixture_found fixture_lookup(struct store_reader *reader,
    const char *association, const char *number_key);

#endif /* !TEST_SUPPORT_STORE_FIXTURE_H */
