#include "support/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/merkle.h"

/* ---- kinds ------------------------------------------------------------- */

static void
sqlite_make(char *dsn, size_t size)
{
    char dir[] = "/tmp/vouch-store-XXXXXX";

    assert_non_null(mkdtemp(dir));
    (void)snprintf(dsn, size, "sqlite:%s/store.db", dir);
}

static void
sqlite_drop(const char *dsn)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal",
        ".lock"};
    char path[300];

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", dsn + strlen("sqlite:"),
            ends[i]);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof(path), "%s", dsn + strlen("sqlite:"));
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
}

const struct store_kind store_kind_sqlite = {"sqlite", sqlite_make,
    sqlite_drop};

/* ---- the store --------------------------------------------------------- */

enum err
fixture_grow(struct store_tree *tree, struct slice leaves)
{
    struct merkle_frontier frontier = {.size = (uint64_t)tree->head.size};
    struct merkle_hash hash;

    assert_int_equal(leaves.n % LEAF_DATA, 0);
    if (tree->nfrontier != (tree->head.size == 0 ? 0 : sizeof(frontier)))
        return (E_CORRUPT);
    memcpy(&frontier, tree->frontier, tree->nfrontier);
    for (size_t at = 0; at < leaves.n; at += LEAF_DATA) {
        merkle_leaf((struct slice){leaves.p + at, LEAF_DATA}, &hash);
        merkle_frontier_add(&frontier, &hash);
    }
    merkle_frontier_root(&frontier, &hash);
    tree->head.size = (int64_t)frontier.size;
    memcpy(tree->head.root, hash.bytes, sizeof(tree->head.root));
    tree->nfrontier = frontier.size == 0 ? 0 : sizeof(frontier);
    memcpy(tree->frontier, &frontier, tree->nfrontier);
    return (E_OK);
}

static void
note_lost(void *cookie)
{
    (void)atomic_fetch_add(&((struct fixture *)cookie)->lost, 1);
}

void
fixture_open(struct fixture *f)
{
    struct store_options options = {.dsn = f->dsn, .group_max = 16,
        .create = 1, .migrate = 1, .grow = fixture_grow, .lost = note_lost,
        .cookie = f};
    char why[256];

    if (store_open(&options, &f->store, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
    assert_int_equal(store_reader_open(f->store, &f->reader), E_OK);
}

void
fixture_close(struct fixture *f)
{
    store_reader_close(f->reader);
    f->reader = NULL;
    store_close(f->store);
    f->store = NULL;
}

int
fixture_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->kind = *state;
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_cond_init(&f->some, NULL);
    f->kind->make(f->dsn, sizeof(f->dsn));
    fixture_open(f);
    *state = f;
    return (0);
}

int
fixture_tear_down(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    f->kind->drop(f->dsn);
    (void)pthread_cond_destroy(&f->some);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
    return (0);
}

/* ---- jobs -------------------------------------------------------------- */

static void
post(void *target, void (*fn)(void *cookie), void *cookie)
{
    struct fixture *f = target;

    (void)pthread_mutex_lock(&f->lock);
    f->mail[f->sent % FIXTURE_MAIL].fn = fn;
    f->mail[f->sent % FIXTURE_MAIL].cookie = cookie;
    f->sent++;
    (void)pthread_cond_signal(&f->some);
    (void)pthread_mutex_unlock(&f->lock);
}

struct store_post
fixture_post(struct fixture *f)
{
    return ((struct store_post){post, f});
}

void
fixture_run(struct fixture *f)
{
    struct timespec limit;
    void (*fn)(void *cookie);
    void *cookie;
    int rc = 0;

    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 30;
    (void)pthread_mutex_lock(&f->lock);
    while (f->run == f->sent && rc == 0)
        rc = pthread_cond_timedwait(&f->some, &f->lock, &limit);
    if (rc == 0) {
        fn = f->mail[f->run % FIXTURE_MAIL].fn;
        cookie = f->mail[f->run % FIXTURE_MAIL].cookie;
        f->run++;
    }
    (void)pthread_mutex_unlock(&f->lock);
    if (rc != 0)
        fail_msg("no job was done within half a minute");
    fn(cookie);
}

struct outcome {
    int told;
    enum err err;
};

static void
note(void *cookie, enum err err)
{
    struct outcome *outcome = cookie;

    outcome->told++;
    outcome->err = err;
}

struct fixture_job {
    struct outcome outcome;     /* first: done() is given the whole */
    enum err (*run)(struct store_txn *txn, void *cookie);
    void *cookie;
};

static enum err
forward(struct store_txn *txn, void *cookie)
{
    struct fixture_job *job = cookie;

    return (job->run(txn, job->cookie));
}

enum err
fixture_do(struct fixture *f,
    enum err (*run)(struct store_txn *txn, void *cookie), void *cookie)
{
    struct fixture_job mine = {.run = run, .cookie = cookie};
    struct store_job job = {.run = forward, .done = note, .cookie = &mine,
        .post = fixture_post(f)};

    store_submit(f->store, &job);
    while (mine.outcome.told == 0)
        fixture_run(f);
    assert_int_equal(mine.outcome.told, 1);
    return (mine.outcome.err);
}

/* ---- entries ----------------------------------------------------------- */

static void
fill_entry(struct store_entry *entry, const char *text)
{
    memset(entry->salt, text[0] ^ 0x55, sizeof(entry->salt));
    memset(entry->leaf, text[0] ^ 0xaa, sizeof(entry->leaf));
    entry->bytes = slice_of(text);
}

enum err
fixture_append(struct store_txn *txn, enum leaf_domain domain,
    const char *text)
{
    struct store_entry entry = {
        .log_index = store_txn_next_index(txn),
        .domain = domain,
        .recorded_at_us = store_txn_now(txn),
    };

    fill_entry(&entry, text);
    return (store_txn_append(txn, &entry));
}

int
fixture_is_entry(const struct store_entry *entry, const char *text)
{
    struct store_entry want;

    fill_entry(&want, text);
    return (slice_equal(entry->bytes, want.bytes) &&
        memcmp(entry->salt, want.salt, sizeof(want.salt)) == 0 &&
        memcmp(entry->leaf, want.leaf, sizeof(want.leaf)) == 0);
}

enum err
fixture_event(struct store_txn *txn, const struct store_place *place,
    const char *text)
{
    int64_t at = store_txn_next_index(txn);
    enum err err;

    if ((err = fixture_append(txn, LEAF_EVENT, text)) != E_OK)
        return (err);
    return (store_txn_index(txn, place, at, slice_of(text)));
}

/* ---- lookups ----------------------------------------------------------- */

static void
take(void *cookie, enum err err, const struct store_candidates *c)
{
    struct fixture_found *found = cookie;

    found->called++;
    found->err = err;
    if (c == NULL)
        return;
    found->source = c->source;
    found->log_size = c->log_size;
    found->nversions = c->nversions;
    for (size_t i = 0; i < c->nversions && i < 8; i++) {
        memcpy(found->versions[i].credential_id,
            c->versions[i].credential_id, STORE_ID);
        found->versions[i].log_index = c->versions[i].log_index;
        (void)snprintf(found->versions[i].text,
            sizeof(found->versions[i].text), "%.*s",
            (int)c->versions[i].event.n,
            (const char *)c->versions[i].event.p);
    }
}

struct fixture_found
fixture_lookup(struct store_reader *reader, const char *association,
    const char *number_key)
{
    struct fixture_found found = {.called = 0};
    struct store_request *request;

    assert_int_equal(store_lookup(reader, association, number_key, take,
        &found, &request), E_OK);
    assert_int_equal(found.called, 1);
    store_cancel(request);
    return (found);
}
