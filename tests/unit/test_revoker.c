/*
 * The thread that denies and looks, with real workers, connections and files,
 * and a protocol of lines behind them.
 */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "revoker.h"
#include "support/net_rig.h"
#include "support/tls_client.h"
#include "support/tls_crl.h"
#include "revocation/revocation.h"

#define DOMAIN "dev.vouch.invalid"

static char dir[64];

struct world {
    char list[96];
    struct revocation *revocation;
    struct rig *rig;
    struct net_worker *workers[RIG_WORKERS];
    struct revoker *revoker;
    SSL_CTX *employer, *auditor;
};

static int
make_certificates(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
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

static int
setup(void **state)
{
    const struct net_limits limits = rig_limits();
    struct world *w = calloc(1, sizeof(*w));
    struct revocation_options options = {.crl = "", .max_crl = 4096,
        .trust_domain = DOMAIN};

    assert_non_null(w);
    (void)snprintf(w->list, sizeof(w->list), "%s/deny", dir);
    (void)unlink(w->list);
    options.deny_list = w->list;
    assert_int_equal(revocation_create(&options, &w->revocation), E_OK);
    w->rig = rig_start_with(dir, &limits, RIG_WORKERS, w->revocation);
    for (size_t i = 0; i < RIG_WORKERS; i++)
        w->workers[i] = rig_worker(w->rig, i);
    assert_int_equal(revoker_create(w->revocation, &w->revoker), E_OK);
    revoker_serve(w->revoker, w->workers, RIG_WORKERS);
    w->employer = tls_client_ctx(dir, "employer");
    w->auditor = tls_client_ctx(dir, "auditor");
    *state = w;
    return (0);
}

static int
teardown(void **state)
{
    struct world *w = *state;

    revoker_stop(w->revoker);
    rig_stop(w->rig);
    revoker_free(w->revoker);
    revocation_free(w->revocation);
    SSL_CTX_free(w->employer);
    SSL_CTX_free(w->auditor);
    free(w);
    return (0);
}

/* ---- asking, and waiting for the answer -------------------------------- */

struct question {
    struct denying denying;
    pthread_mutex_t lock;
    pthread_cond_t told;
    int over;
};

static void
done(struct denying *denying)
{
    struct question *q = (struct question *)denying;

    (void)pthread_mutex_lock(&q->lock);
    q->over++;
    (void)pthread_cond_signal(&q->told);
    (void)pthread_mutex_unlock(&q->lock);
}

static void
ask(struct world *w, struct question *q, const char *line)
{
    const char *why;

    memset(q, 0, sizeof(*q));
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_cond_init(&q->told, NULL);
    q->denying.done = done;
    assert_int_equal(denial_read(slice_of(line), DOMAIN, &q->denying.denial,
        &why), E_OK);
    revoker_deny(w->revoker, &q->denying);
}

static void
wait_for(struct question *q)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    (void)pthread_mutex_lock(&q->lock);
    while (!q->over && rc == 0)
        rc = pthread_cond_timedwait(&q->told, &q->lock, &until);
    assert_int_equal(q->over, 1);
    (void)pthread_mutex_unlock(&q->lock);
    (void)pthread_mutex_destroy(&q->lock);
    (void)pthread_cond_destroy(&q->told);
}

#define EMPLOYER "identity spiffe://" DOMAIN "/employer/dev-employer"

static void
the_answer_comes_when_all_are_out(void **state)
{
    struct world *w = *state;
    SSL *out[4], *in;
    struct question q;

    for (int i = 0; i < 4; i++) {
        assert_non_null(out[i] = rig_dial(w->rig, w->employer));
        assert_true(rig_say(out[i], "say a\n") && rig_hear(out[i], "a\n"));
    }
    assert_non_null(in = rig_dial(w->rig, w->auditor));
    ask(w, &q, EMPLOYER);
    wait_for(&q);
    assert_int_equal(q.denying.err, E_OK);
    assert_true(q.denying.added);
    assert_int_equal(q.denying.ended, 4);
    for (int i = 0; i < 4; i++) {
        assert_true(rig_hear(out[i], "drain\ncertificate_revoked\nfinal\n"));
        (void)rig_end(out[i]);
        rig_hang_up(out[i], 0);
    }
    assert_true(rig_say(in, "say b\n") && rig_hear(in, "b\n"));
    /* Again: nothing to add, and nobody there. */
    ask(w, &q, EMPLOYER);
    wait_for(&q);
    assert_int_equal(q.denying.err, E_OK);
    assert_false(q.denying.added);
    assert_int_equal(q.denying.ended, 0);
    rig_hang_up(in, 0);
}

static void
put_line(const struct world *w, const char *line)
{
    FILE *f = fopen(w->list, "ae");

    assert_non_null(f);
    assert_true(fputs(line, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void
a_line_by_hand_ends_connections(void **state)
{
    struct world *w = *state;
    SSL *out, *in;

    assert_non_null(out = rig_dial(w->rig, w->employer));
    assert_non_null(in = rig_dial(w->rig, w->auditor));
    assert_true(rig_say(in, "say b\n") && rig_hear(in, "b\n"));
    put_line(w, EMPLOYER "\n");
    assert_true(rig_hear(out, "drain\ncertificate_revoked\nfinal\n"));
    (void)rig_end(out);
    rig_hang_up(out, 0);
    assert_true(rig_say(in, "say b\n") && rig_hear(in, "b\n"));
    rig_hang_up(in, 0);
}

/* It has said its end, and takes what it asked for bit by bit, or not. */
static void
who_only_listens_any_more_is_out_too(void **state)
{
    struct world *w = *state;
    int on = 1, off = 0;
    struct question q;
    SSL *out;

    assert_non_null(out = rig_dial(w->rig, w->employer));
    /* In one piece: who does not read is not read, either. */
    assert_int_equal(setsockopt(SSL_get_fd(out), IPPROTO_TCP, TCP_CORK, &on,
        sizeof(on)), 0);
    assert_true(rig_say(out, "big 100000000\n"));
    assert_int_equal(SSL_shutdown(out), 0);
    assert_int_equal(setsockopt(SSL_get_fd(out), IPPROTO_TCP, TCP_CORK, &off,
        sizeof(off)), 0);
    assert_true(rig_hear(out, "abcdefghijklmnopqrstuvwxyz"));
    ask(w, &q, EMPLOYER);
    wait_for(&q);
    assert_int_equal(q.denying.err, E_OK);
    assert_int_equal(q.denying.ended, 1);
    assert_true(rig_wait(rig_sessions, 0));
    rig_hang_up(out, 0);
}

static void
who_asks_while_others_write_waits(void **state)
{
    struct world *w = *state;
    struct question first, second;

    put_line(w, "# somebody\nserial admin 0A\n");
    ask(w, &first, EMPLOYER);
    ask(w, &second, "serial admin 0A");
    wait_for(&first);
    wait_for(&second);
    assert_int_equal(first.denying.err, E_OK);
    assert_true(first.denying.added);
    assert_int_equal(second.denying.err, E_OK);
    assert_false(second.denying.added);
}

static void
a_fault_in_the_list_is_told(void **state)
{
    struct world *w = *state;
    struct question q;

    put_line(w, "serial admin\n");
    ask(w, &q, EMPLOYER);
    wait_for(&q);
    assert_int_equal(q.denying.err, E_INVAL);
}

static void
a_worker_that_has_ended_keeps_nobody_waiting(void **state)
{
    struct world *w = *state;
    struct question q;

    net_worker_wait(w->workers[0]);
    ask(w, &q, EMPLOYER);
    wait_for(&q);
    assert_int_equal(q.denying.err, E_OK);
    assert_true(q.denying.added);
    assert_int_equal(q.denying.ended, 0);
    revoker_wake(w->revoker);
}

/* ---- what else waits for the disk --------------------------------------- */

struct trip {
    struct errand errand;
    atomic_int *count;
    int place;              /* of those that were run */
    pthread_t thread;
};

static void
run_trip(struct errand *errand)
{
    struct trip *trip = (struct trip *)errand;

    trip->thread = pthread_self();
    trip->place = atomic_fetch_add(trip->count, 1);
}

static void
errands_are_run_in_order_even_at_the_end(void **state)
{
    struct world *w = *state;
    struct trip trips[64], late = {.errand.run = run_trip};
    struct question q;
    atomic_int count;

    atomic_init(&count, 0);
    for (int i = 0; i < 64; i++) {
        trips[i] = (struct trip){.errand.run = run_trip, .count = &count};
        assert_int_equal(revoker_run(w->revoker, &trips[i].errand), E_OK);
        if (i == 32) {
            ask(w, &q, EMPLOYER);
            wait_for(&q);           /* a denial gets through between them */
            assert_int_equal(q.denying.err, E_OK);
        }
    }
    revoker_stop(w->revoker);
    assert_int_equal(atomic_load(&count), 64);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(trips[i].place, i);
        assert_false(pthread_equal(trips[i].thread, pthread_self()));
    }
    assert_int_equal(revoker_run(w->revoker, &late.errand), E_BUSY);
    /* As teardown() would have it. */
    rig_stop(w->rig);
    revoker_free(w->revoker);
    revocation_free(w->revocation);
    SSL_CTX_free(w->employer);
    SSL_CTX_free(w->auditor);
    free(w);
}

static void
who_asks_at_the_end_is_answered(void **state)
{
    struct world *w = *state;
    struct question before, after;

    ask(w, &before, EMPLOYER);
    revoker_stop(w->revoker);
    ask(w, &after, EMPLOYER);
    rig_stop(w->rig);
    wait_for(&before);
    wait_for(&after);
    assert_int_equal(before.denying.err, E_OK);
    assert_int_equal(after.denying.err, E_BUSY);
    /* As teardown() would have it. */
    revoker_free(w->revoker);
    w->revoker = NULL;
    revocation_free(w->revocation);
    SSL_CTX_free(w->employer);
    SSL_CTX_free(w->auditor);
    free(w);
}

static void
one_that_serves_nobody_ends(void **state)
{
    const struct revocation_options options = {.crl = "",
        .deny_list = "", .trust_domain = DOMAIN};
    struct revocation *revocation;
    struct revoker *revoker;
    struct question q;
    struct world w;

    (void)state;
    assert_int_equal(revocation_create(&options, &revocation), E_OK);
    assert_int_equal(revoker_create(revocation, &revoker), E_OK);
    revoker_wake(revoker);
    w.revoker = revoker;
    ask(&w, &q, EMPLOYER);
    wait_for(&q);
    assert_int_equal(q.denying.err, E_NOTFOUND);
    revoker_stop(revoker);
    revoker_free(revoker);
    revocation_free(revocation);
    revoker_stop(NULL);
    revoker_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_answer_comes_when_all_are_out),
        TEST(a_line_by_hand_ends_connections),
        TEST(who_only_listens_any_more_is_out_too),
        TEST(who_asks_while_others_write_waits),
        TEST(a_fault_in_the_list_is_told),
        TEST(a_worker_that_has_ended_keeps_nobody_waiting),
        cmocka_unit_test_setup(errands_are_run_in_order_even_at_the_end, setup),
        cmocka_unit_test_setup(who_asks_at_the_end_is_answered, setup),
        cmocka_unit_test(one_that_serves_nobody_ends),
    };

    return (cmocka_run_group_tests(tests, make_certificates,
        remove_certificates));
}
