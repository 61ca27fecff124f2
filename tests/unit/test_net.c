/*
 * Workers and a listener on loopback, over TLS, with a protocol of lines in
 * place of HTTP/2 (support/net_rig.h).
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

#include <openssl/err.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/net_rig.h"
#include "support/tls_client.h"

static int64_t
now(void)
{
    return (clock_monotonic_us());
}

/* ---- bytes ------------------------------------------------------------ */

static void
what_is_asked_is_answered(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *ssl = rig_dial_employer(rig);

    (void)state;
    for (int i = 0; i < 100; i++) {
        assert_true(rig_say(ssl, "say one\nsay two\n"));
        assert_true(rig_hear(ssl, "one\ntwo\n"));
    }
    rig_hang_up(ssl, 0);
    assert_true(rig_wait(rig_sessions, 0));
    rig_stop(rig);
}

struct chatter {
    const struct rig *rig;
    int answered;
};

static void *
chat(void *cookie)
{
    struct chatter *chatter = cookie;
    SSL *ssl[8];
    char line[64], answer[64];

    for (size_t i = 0; i < 8; i++)
        if ((ssl[i] = rig_dial(chatter->rig, rig_ctx)) == NULL)
            return (NULL);
    for (int round = 0; round < 50; round++) {
        for (size_t i = 0; i < 8; i++) {
            (void)snprintf(line, sizeof(line), "say %p.%zu.%d\n", cookie, i,
                round);
            (void)rig_say(ssl[i], line);
        }
        for (size_t i = 0; i < 8; i++) {
            (void)snprintf(answer, sizeof(answer), "%p.%zu.%d\n", cookie, i,
                round);
            chatter->answered += rig_hear(ssl[i], answer);
        }
    }
    for (size_t i = 0; i < 8; i++)
        rig_hang_up(ssl[i], i % 2 == 0);
    return (NULL);
}

static void
many_at_once_are_told_apart_and_share_the_workers(void **state)
{
    enum { THREADS = 4 };
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, RIG_WORKERS);
    struct chatter chatters[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        chatters[i] = (struct chatter){rig, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, chat,
            &chatters[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(chatters[i].answered, 8 * 50);
    }
    assert_int_equal(rig_used(0), THREADS * 8 / 2);
    assert_int_equal(rig_used(1), THREADS * 8 / 2);
    assert_true(rig_wait(rig_sessions, 0));
    rig_stop(rig);
}

static void
more_than_the_socket_takes_arrives_whole_and_in_order(void **state)
{
    enum { BIG = 20000000 };
    static const struct timespec nap = {.tv_nsec = 200000000};
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *ssl = rig_dial_employer(rig), *other = rig_dial_employer(rig);
    size_t have = 0, n, wrong = 0;
    char bytes[8192], line[64];

    (void)state;
    (void)snprintf(line, sizeof(line), "big %d\n", BIG);
    assert_true(rig_say(ssl, line));
    (void)nanosleep(&nap, NULL);

    /* Nobody else waits for it. */
    assert_true(rig_say(other, "say meanwhile\n"));
    assert_true(rig_hear(other, "meanwhile\n"));

    while (have < BIG && SSL_read_ex(ssl, bytes, sizeof(bytes), &n) == 1)
        for (size_t i = 0; i < n; i++)
            wrong += bytes[i] != (char)('a' + have++ % 26);
    assert_int_equal(have, BIG);
    assert_int_equal(wrong, 0);
    assert_true(rig_say(ssl, "say after\n"));
    assert_true(rig_hear(ssl, "after\n"));
    rig_hang_up(ssl, 0);
    rig_hang_up(other, 0);
    rig_stop(rig);
}

/* More in one write than a connection may have read in one tick. */
static void
much_that_comes_at_once_is_read_to_the_end(void **state)
{
#ifdef __SANITIZE_THREAD__
    enum { LINES = 8000 };      /* a tenth as fast, and just as telling */
#else
    enum { LINES = 40000 };
#endif
    static const char line[] = "say .\n";
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *ssl = rig_dial_employer(rig);
    char *text = malloc(LINES * (sizeof(line) - 1) + 1);
    int heard = 0;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < LINES; i++)
        memcpy(text + i * (sizeof(line) - 1), line, sizeof(line));
    assert_true(rig_say(ssl, text));
    while (heard < LINES && rig_hear(ssl, ".\n"))
        heard++;
    assert_int_equal(heard, LINES);
    free(text);
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

/* Keys change in the middle of what is said, at either side's wish. */
static void
keys_may_change_at_any_time(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *ssl = rig_dial_employer(rig);
    int on = 1, off = 0;

    (void)state;
    for (int i = 0; i < 50; i++) {
        /* With the cork in, all of it comes in one piece. */
        assert_int_equal(setsockopt(SSL_get_fd(ssl), IPPROTO_TCP, TCP_CORK,
            &on, sizeof(on)), 0);
        assert_true(rig_say(ssl, "say one\n"));
        for (int k = 0; k <= i % 3; k++) {
            assert_int_equal(SSL_key_update(ssl, k % 2 == 0 ?
                SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED), 1);
            assert_int_equal(SSL_do_handshake(ssl), 1);
        }
        if (i % 2 == 0)
            assert_true(rig_say(ssl, "say two\n"));
        assert_int_equal(setsockopt(SSL_get_fd(ssl), IPPROTO_TCP, TCP_CORK,
            &off, sizeof(off)), 0);
        assert_true(rig_hear(ssl, i % 2 == 0 ? "one\ntwo\n" : "one\n"));
    }
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

struct talker {
    SSL *ssl;
    atomic_int over;
};

/* Records so small that TLS always holds some more, for as long as it may. */
static void *
talk(void *cookie)
{
    struct talker *talker = cookie;

    while (!atomic_load(&talker->over))
        (void)rig_say(talker->ssl, "deadline 100000\n");
    return (NULL);
}

static void
who_never_stops_talking_keeps_nobody_waiting(void **state)
{
    enum { TALKERS = 4 };
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    struct talker talkers[TALKERS];
    pthread_t threads[TALKERS];
    SSL *ssl = rig_dial_employer(rig);
    int64_t began;

    (void)state;
    for (size_t i = 0; i < TALKERS; i++) {
        talkers[i].ssl = rig_dial_employer(rig);
        atomic_store(&talkers[i].over, 0);
        assert_int_equal(pthread_create(&threads[i], NULL, talk, &talkers[i]),
            0);
    }
    began = now();
    for (int i = 0; i < 50; i++) {
        assert_true(rig_say(ssl, "say me\n"));
        assert_true(rig_hear(ssl, "me\n"));
    }
    assert_true(now() - began < 10000000);
    for (size_t i = 0; i < TALKERS; i++) {
        atomic_store(&talkers[i].over, 1);
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        rig_hang_up(talkers[i].ssl, 0);
    }
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

static void
an_answer_may_come_from_another_thread_later(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *ssl = rig_dial_employer(rig);

    (void)state;
    assert_true(rig_say(ssl, "later\n"));
    assert_true(rig_wait(rig_calls, 1));
    rig_release();
    assert_true(rig_hear(ssl, "later\n"));
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

/* ---- peers that misbehave --------------------------------------------- */

static void
a_peer_that_is_gone_cancels_its_calls(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *stays = rig_dial_employer(rig);

    (void)state;
    for (int rudely = 0; rudely < 2; rudely++) {
        SSL *ssl = rig_dial_employer(rig);

        assert_true(rig_say(ssl, "later\nsay heard\n"));
        assert_true(rig_hear(ssl, "heard\n"));
        assert_int_equal(rig_calls(), 1);
        rig_hang_up(ssl, rudely);
        assert_true(rig_wait(rig_calls, 0));
        assert_true(rig_wait(rig_sessions, 1));
    }
    rig_release();
    assert_true(rig_say(stays, "say still here\n"));
    assert_true(rig_hear(stays, "still here\n"));
    rig_hang_up(stays, 0);
    rig_stop(rig);
}

static void
who_does_not_read_is_cut_off(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    SSL *ssl;
    int64_t began;

    (void)state;
    limits.stall_us = 300000;
    rig = rig_start(rig_dir, &limits, 1);
    ssl = rig_dial_employer(rig);
    began = now();
    assert_true(rig_say(ssl, "big 1000000000\n"));
    assert_true(rig_wait(rig_sessions, 1));
    assert_true(rig_wait(rig_sessions, 0));
    assert_true(now() - began >= limits.stall_us - RIG_EARLY_US);
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

static void
who_does_not_speak_tls_is_told_and_let_go(void **state)
{
    static const char text[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    int fd = rig_connect(rig);
    unsigned char answer[64];
    ssize_t n;

    (void)state;
    assert_int_equal(write(fd, text, sizeof(text) - 1),
        (ssize_t)sizeof(text) - 1);
    n = recv(fd, answer, sizeof(answer), 0);
    /* An alert, if TLS knows one for it; then the end, and no reset. */
    while (n > 0)
        n = recv(fd, answer, sizeof(answer), 0);
    assert_int_equal(n, 0);
    (void)close(fd);
    rig_stop(rig);
}

static void
a_handshake_has_its_time(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    char byte;
    int64_t began;
    int fd;

    (void)state;
    limits.handshake_us = 300000;
    rig = rig_start(rig_dir, &limits, 1);
    began = now();
    fd = rig_connect(rig);
    assert_int_equal(write(fd, "\x16\x03\x01", 3), 3);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    assert_true(now() - began >= limits.handshake_us - RIG_EARLY_US);
    assert_true(now() - began < limits.handshake_us + 3000000);
    (void)close(fd);
    rig_stop(rig);
}

/* Its request is under way already when it is refused. */
static void
who_has_no_certificate_learns_why(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL_CTX *nobody = tls_client_ctx(rig_dir, NULL);

    (void)state;
    for (int i = 0; i < 20; i++) {
        SSL *ssl = rig_dial(rig, nobody);

        assert_non_null(ssl);
        (void)rig_say(ssl, "say hello\n");
        assert_int_equal(rig_end(ssl), SSL_ERROR_SSL);
        assert_int_equal(ERR_GET_REASON(ERR_peek_error()),
            SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REQUIRED);
        rig_hang_up(ssl, 0);
    }
    assert_int_equal(rig_used(0), 0);
    SSL_CTX_free(nobody);
    rig_stop(rig);
}

/* The last words arrive although more was sent than was ever read. */
static void
who_breaks_the_protocol_hears_so(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    char text[60000];

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, "break\n", 6);
    text[sizeof(text) - 1] = '\0';
    for (int i = 0; i < 20; i++) {
        SSL *ssl = rig_dial_employer(rig);

        assert_true(rig_say(ssl, text));
        assert_true(rig_hear(ssl, "goaway\n"));
        assert_int_equal(rig_end(ssl), SSL_ERROR_ZERO_RETURN);
        rig_hang_up(ssl, 0);
    }
    assert_true(rig_wait(rig_sessions, 0));
    rig_stop(rig);
}

static void
a_session_that_fails_is_closed(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *ssl = rig_dial_employer(rig);

    (void)state;
    assert_true(rig_say(ssl, "fail\n"));
    assert_int_not_equal(rig_end(ssl), SSL_ERROR_ZERO_RETURN);
    assert_true(rig_wait(rig_sessions, 0));
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

/* ---- time ------------------------------------------------------------- */

static void
a_deadline_is_kept(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *ssl = rig_dial_employer(rig);

    (void)state;
    for (int i = 0; i < 3; i++) {
        int64_t began = now();

        assert_true(rig_say(ssl, "deadline 100\n"));
        assert_true(rig_hear(ssl, "expired\n"));
        assert_true(now() - began >= 100000 - RIG_EARLY_US);
        assert_true(now() - began < 3000000);
    }
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_is_answered),
        cmocka_unit_test(many_at_once_are_told_apart_and_share_the_workers),
        cmocka_unit_test(
            more_than_the_socket_takes_arrives_whole_and_in_order),
        cmocka_unit_test(much_that_comes_at_once_is_read_to_the_end),
        cmocka_unit_test(keys_may_change_at_any_time),
        cmocka_unit_test(who_never_stops_talking_keeps_nobody_waiting),
        cmocka_unit_test(an_answer_may_come_from_another_thread_later),
        cmocka_unit_test(a_peer_that_is_gone_cancels_its_calls),
        cmocka_unit_test(who_does_not_read_is_cut_off),
        cmocka_unit_test(who_does_not_speak_tls_is_told_and_let_go),
        cmocka_unit_test(a_handshake_has_its_time),
        cmocka_unit_test(who_has_no_certificate_learns_why),
        cmocka_unit_test(who_breaks_the_protocol_hears_so),
        cmocka_unit_test(a_session_that_fails_is_closed),
        cmocka_unit_test(a_deadline_is_kept),
    };

    return (cmocka_run_group_tests_name("net", tests, rig_setup, rig_teardown));
}
