/*
 * How long connections last: who is silent is asked, who does not answer is
 * given up, who is idle or there for long enough is told to come anew.
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/net_rig.h"
#include "support/tls_client.h"

static int64_t
now(void)
{
    return (clock_monotonic_us());
}

static int
ms_since(int64_t began)
{
    return ((int)((now() - began) / 1000));
}

static void
who_is_silent_is_asked_and_given_up(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    SSL *ssl;
    int64_t began;
    int asked;

    (void)state;
    limits.life.keepalive_us = 300000;
    limits.life.answer_us = 200000;
    began = now();
    rig = rig_start(rig_dir, &limits, 1);
    ssl = rig_dial_employer(rig);
    assert_true(rig_say(ssl, "later\n"));
    assert_true(rig_wait(rig_calls, 1));
    assert_true(rig_hear(ssl, "ping\n"));
    asked = ms_since(began);
    assert_true(rig_hear(ssl, "drain\nno_answer\nfinal\n"));
    assert_int_equal(rig_end(ssl), SSL_ERROR_ZERO_RETURN);
    assert_true(rig_wait(rig_sessions, 0));
    assert_int_equal(rig_calls(), 0);       /* what it asked was canceled */
    printf("asked after %d ms of silence, given up after %d ms\n", asked,
        ms_since(began));
    assert_true(asked >= 300);
    assert_true(ms_since(began) >= 500);
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

static void
who_answers_is_asked_again(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    int64_t began;
    SSL *ssl;

    (void)state;
    limits.life.keepalive_us = 100000;
    limits.life.answer_us = 10000000;
    rig = rig_start(rig_dir, &limits, 1);
    ssl = rig_dial_employer(rig);
    began = now();
    for (int i = 0; i < 5; i++) {
        assert_true(rig_hear(ssl, "ping\n"));
        /* Any bytes will do; a whole line they need not be. */
        assert_true(rig_say(ssl, " "));
    }
    assert_true(ms_since(began) >= 400);
    assert_true(rig_hear(ssl, "ping\n"));
    assert_true(rig_say(ssl, "\nsay here\n"));
    assert_true(rig_hear(ssl, "goaway\n"));     /* no line we know */
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

/* Who takes no answer is not read, and may have said something. */
static void
who_does_not_read_is_no_dead_peer(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    SSL *ssl;

    (void)state;
    limits.life.keepalive_us = 200000;
    limits.life.answer_us = 200000;
    rig = rig_start(rig_dir, &limits, 1);
    ssl = rig_dial_employer(rig);
    assert_true(rig_say(ssl, "big 100000000\n"));
    for (int i = 0; i < 300; i++) {     /* longer than a dead peer has */
        (void)usleep(5000);
        assert_true(rig_say(ssl, " "));
    }
    assert_int_equal(rig_sessions(), 1);
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

static void
who_is_idle_is_let_go(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    SSL *ssl, *busy;
    int64_t began;
    int idle;

    (void)state;
    limits.life.idle_us = 300000;
    rig = rig_start(rig_dir, &limits, 1);
    busy = rig_dial_employer(rig);
    assert_true(rig_say(busy, "later\n"));
    began = now();
    ssl = rig_dial_employer(rig);
    /* What is no call does not make it busy. */
    assert_true(rig_say(ssl, "say here\n"));
    assert_true(rig_hear(ssl, "here\n"));
    assert_true(rig_hear(ssl, "drain\nmax_idle\n"));
    idle = ms_since(began);
    assert_true(idle >= 300);
    assert_true(rig_say(ssl, "ack\n"));
    assert_true(rig_hear(ssl, "final\n"));
    assert_int_equal(rig_end(ssl), SSL_ERROR_ZERO_RETURN);
    rig_hang_up(ssl, 0);

    /* The other one has had a call all the time; now it has none. */
    assert_true(rig_calls() == 1);
    began = now();
    rig_release();
    assert_true(rig_hear(busy, "later\ndrain\nmax_idle\n"));
    printf("let go after %d ms, and %d ms after the call\n", idle,
        ms_since(began));
    assert_true(ms_since(began) >= 300);
    rig_hang_up(busy, 0);
    rig_stop(rig);
}

static void
who_is_old_is_let_go_when_its_calls_are_over(void **state)
{
    enum { CLIENTS = 12 };
    struct net_limits limits = rig_limits();
    struct rig *rig;
    SSL *ssl[CLIENTS];
    int64_t began[CLIENTS];
    int first = 0;

    (void)state;
    limits.life.age_us = 1000000;
    limits.age_grace_us = 0;
    limits.drain_us = 1000;             /* not of this kind of end */
    rig = rig_start(rig_dir, &limits, RIG_WORKERS);
    for (int i = 0; i < CLIENTS; i++) {
        began[i] = now();
        ssl[i] = rig_dial_employer(rig);
        assert_true(rig_say(ssl[i], "later\n"));
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(rig_hear(ssl[i], "drain\nmax_age\n"));
        if (i == 0)
            first = ms_since(began[i]);
        assert_true(ms_since(began[i]) >= 900);
        assert_true(rig_say(ssl[i], "ack\n"));
        assert_true(rig_hear(ssl[i], "final\n"));
    }
    printf("the first was old after %d ms\n", first);
    assert_int_equal(rig_calls(), CLIENTS);
    assert_int_equal(rig_sessions(), CLIENTS);
    rig_release();
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(rig_hear(ssl[i], "later\n"));
        assert_int_equal(rig_end(ssl[i]), SSL_ERROR_ZERO_RETURN);
        rig_hang_up(ssl[i], 0);
    }
    rig_stop(rig);
}

static void
the_grace_of_the_old_is_limited(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    int64_t began;
    SSL *ssl;

    (void)state;
    limits.life.age_us = 200000;
    limits.age_grace_us = 300000;
    rig = rig_start(rig_dir, &limits, 1);
    began = now();
    ssl = rig_dial_employer(rig);
    assert_true(rig_say(ssl, "later\n"));
    assert_true(rig_hear(ssl, "drain\nmax_age\n"));
    assert_true(rig_hear(ssl, "final\n"));      /* without the ack, too */
    assert_true(rig_wait(rig_sessions, 0));
    assert_true(ms_since(began) >= 480);
    (void)rig_end(ssl);
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

/* What ends by itself, and has all the time, ends with the worker, too. */
static void
a_shutdown_shortens_any_grace(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    int64_t began;
    SSL *ssl;

    (void)state;
    limits.life.age_us = 100000;
    limits.drain_us = 300000;
    rig = rig_start(rig_dir, &limits, 1);
    ssl = rig_dial_employer(rig);
    assert_true(rig_say(ssl, "later\n"));
    assert_true(rig_hear(ssl, "drain\nmax_age\n"));
    began = now();
    rig_stop(rig);
    assert_in_range(ms_since(began), 300, 5000);
    rig_hang_up(ssl, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_silent_is_asked_and_given_up),
        cmocka_unit_test(who_answers_is_asked_again),
        cmocka_unit_test(who_does_not_read_is_no_dead_peer),
        cmocka_unit_test(who_is_idle_is_let_go),
        cmocka_unit_test(who_is_old_is_let_go_when_its_calls_are_over),
        cmocka_unit_test(the_grace_of_the_old_is_limited),
        cmocka_unit_test(a_shutdown_shortens_any_grace),
    };

    return (cmocka_run_group_tests_name("net_life", tests, rig_setup, rig_teardown));
}
