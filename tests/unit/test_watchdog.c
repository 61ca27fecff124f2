/*
 * Whether the daemon is said to be alive, with workers and a writer that hang
 * when they are told to.
 */

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <cmocka.h>

#include "support/fault.h"
#include "support/net_rig.h"
#include "support/store_fixture.h"
#include "support/tls_client.h"
#include "watchdog.h"

enum { PERIOD_MS = 200 };

static char dir[64];

struct world {
    struct fixture *store;
    struct rig *rig;
    struct net_worker *workers[RIG_WORKERS];
    struct event_base *base;
    struct watchdog *watchdog;
};

static atomic_int fed;

static void
feed(void)
{
    (void)atomic_fetch_add(&fed, 1);
}

static int
make_certificates(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    tls_client_pki(dir, sizeof(dir));
    return (0);
}

static int
remove_certificates(void **state)
{
    (void)state;
    tls_client_remove(dir);
    return (0);
}

static struct watchdog_options
options_of(struct world *w)
{
    return ((struct watchdog_options){
        .period_us = PERIOD_MS * 1000,
        .workers = w->workers,
        .nworkers = RIG_WORKERS,
        .store = w->store->store,
        .feed = feed,
    });
}

static int
setup(void **state)
{
    const struct net_limits limits = rig_limits();
    struct world *w = calloc(1, sizeof(*w));
    void *kind = (void *)(uintptr_t)&store_kind_sqlite;

    assert_non_null(w);
    assert_int_equal(fixture_set_up(&kind), 0);
    w->store = kind;
    w->rig = rig_start(dir, &limits, RIG_WORKERS);
    for (size_t i = 0; i < RIG_WORKERS; i++)
        w->workers[i] = rig_worker(w->rig, i);
    assert_non_null(w->base = event_base_new());
    atomic_store(&fed, 0);
    *state = w;
    return (0);
}

static int
teardown(void **state)
{
    struct world *w = *state;
    void *fixture = w->store;

    rig_stop(w->rig);
    assert_int_equal(fixture_tear_down(&fixture), 0);
    watchdog_free(w->watchdog);
    event_base_free(w->base);
    free(w);
    return (0);
}

static void
start(struct world *w)
{
    const struct watchdog_options options = options_of(w);

    assert_int_equal(watchdog_create(w->base, &options, &w->watchdog), E_OK);
}

/* Let the loop turn; return how often the daemon was fed meanwhile. */
static int
turn(struct world *w, int ms)
{
    const struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    int before = atomic_load(&fed);

    assert_int_equal(event_base_loopexit(w->base, &tv), 0);
    assert_int_equal(event_base_dispatch(w->base), 0);
    return (atomic_load(&fed) - before);
}

/* The loop turns until the daemon was fed. */
static int
fed_within(struct world *w, int ms)
{
    for (; ms > 0; ms -= PERIOD_MS / 4)
        if (turn(w, PERIOD_MS / 4) > 0)
            return (1);
    return (0);
}

/* ---- what hangs -------------------------------------------------------- */

struct hang {
    atomic_int begun, over;
};

static void
spin(void *cookie)
{
    struct hang *hang = cookie;

    atomic_store(&hang->begun, 1);
    while (!atomic_load(&hang->over))
        (void)usleep(1000);
}

static void
await(atomic_int *flag)
{
    for (int i = 0; i < 20000 && !atomic_load(flag); i++)
        (void)usleep(1000);
    assert_true(atomic_load(flag));
}

static void
a_daemon_that_lives_is_fed(void **state)
{
    struct world *w = *state;

    start(w);
    assert_int_equal(atomic_load(&fed), 1);
    /* Five periods, each halved; a slow machine may do with fewer. */
    assert_true(turn(w, 5 * PERIOD_MS) >= 5);
}

static void
a_worker_that_hangs_stops_the_feeding(void **state)
{
    struct world *w = *state;

    for (size_t i = 0; i < RIG_WORKERS; i++) {
        struct hang hang = {0};

        if (i == 0)
            start(w);
        net_worker_ping(w->workers[i], spin, &hang);
        await(&hang.begun);
        (void)turn(w, PERIOD_MS);       /* an answer of before may count */
        assert_int_equal(turn(w, 4 * PERIOD_MS), 0);
        atomic_store(&hang.over, 1);
        assert_true(fed_within(w, 5000));
    }
}

static enum err
run_spin(struct store_txn *txn, void *cookie)
{
    (void)txn;
    spin(cookie);
    return (E_NOTFOUND);
}

/* A long job: slow, but on its way. */
static enum err
run_long(struct store_txn *txn, void *cookie)
{
    struct hang *hang = cookie;
    struct store_source source;

    atomic_store(&hang->begun, 1);
    while (!atomic_load(&hang->over)) {
        assert_int_equal(store_txn_find_source(txn, "amt", &source), E_OK);
        (void)usleep(1000);
    }
    return (E_NOTFOUND);
}

static void
on_done(void *cookie, enum err err)
{
    (void)cookie;
    assert_int_equal(err, E_NOTFOUND);
}

static void
a_writer_that_hangs_stops_the_feeding(void **state)
{
    struct world *w = *state;
    struct hang hang = {0};
    struct store_job job = {
        .run = run_spin,
        .done = on_done,
        .cookie = &hang,
        .post = fixture_post(w->store),
    };

    start(w);
    store_submit(w->store->store, &job);
    await(&hang.begun);
    (void)turn(w, PERIOD_MS);
    assert_int_equal(turn(w, 4 * PERIOD_MS), 0);
    atomic_store(&hang.over, 1);
    fixture_run(w->store);
    assert_true(fed_within(w, 5000));
}

static void
a_writer_with_a_long_job_is_alive(void **state)
{
    struct world *w = *state;
    struct hang hang = {0};
    struct store_job job = {
        .run = run_long,
        .done = on_done,
        .cookie = &hang,
        .post = fixture_post(w->store),
    };

    start(w);
    store_submit(w->store->store, &job);
    await(&hang.begun);
    (void)turn(w, PERIOD_MS);
    assert_true(turn(w, 4 * PERIOD_MS) >= 4);
    atomic_store(&hang.over, 1);
    fixture_run(w->store);
    assert_true(fed_within(w, 5000));
}

/* However long it took: afterwards everything is as it was. */
static void
who_is_back_is_asked_as_before(void **state)
{
    struct world *w = *state;
    struct hang hang = {0};

    start(w);
    net_worker_ping(w->workers[0], spin, &hang);
    await(&hang.begun);
    (void)turn(w, 10 * PERIOD_MS);
    atomic_store(&hang.over, 1);
    assert_true(fed_within(w, 5000));
    assert_true(turn(w, 3 * PERIOD_MS) <= 7);
}

static void
without_memory_there_is_no_watchdog(void **state)
{
    struct world *w = *state;
    const struct watchdog_options options = options_of(w);

    fault_arm(0);
    assert_int_equal(watchdog_create(w->base, &options, &w->watchdog),
        E_NOMEM);
    fault_arm(-1);
    assert_null(w->watchdog);
    assert_int_equal(atomic_load(&fed), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_daemon_that_lives_is_fed),
        TEST(a_worker_that_hangs_stops_the_feeding),
        TEST(a_writer_that_hangs_stops_the_feeding),
        TEST(a_writer_with_a_long_job_is_alive),
        TEST(who_is_back_is_asked_as_before),
        TEST(without_memory_there_is_no_watchdog),
    };

    return (cmocka_run_group_tests_name("watchdog", tests, make_certificates,
        remove_certificates));
}
