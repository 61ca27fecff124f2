/*
 * How connections end and what happens when something runs short; the rest is
 * in test_net.c.
 */

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/fault.h"
#include "support/net_rig.h"
#include "support/tls_client.h"

static int64_t
now(void)
{
    return (clock_monotonic_us());
}

/* ---- draining --------------------------------------------------------- */

static void
a_drain_loses_no_call(void **state)
{
    enum { CLIENTS = 16 };
    struct net_limits limits = rig_limits();
    struct rig *rig;
    SSL *ssl[CLIENTS];

    (void)state;
    limits.drain_us = 5000000;
    rig = rig_start(rig_dir, &limits, RIG_WORKERS);
    for (int i = 0; i < CLIENTS; i++) {
        ssl[i] = rig_dial_employer(rig);
        assert_true(rig_say(ssl[i], "later\n"));
    }
    assert_true(rig_wait(rig_calls, CLIENTS));
    for (size_t i = 0; i < RIG_WORKERS; i++)
        net_worker_drain(rig_worker(rig, i));
    for (int i = 0; i < CLIENTS; i++)
        assert_true(rig_hear(ssl[i], "drain\n"));
    /* Half of them answer the PING, and are asked nothing more. */
    for (int i = 0; i < CLIENTS; i += 2)
        assert_true(rig_say(ssl[i], "ack\n"));
    for (int i = 0; i < CLIENTS; i++)
        assert_true(rig_hear(ssl[i], "final\n"));
    /* What was let in still comes in, and is answered. */
    assert_true(rig_say(ssl[0], "say last\n"));
    assert_true(rig_hear(ssl[0], "last\n"));
    rig_release();
    for (int i = 0; i < CLIENTS; i++) {
        assert_true(rig_say(ssl[i], "say unread\n"));
        assert_true(rig_hear(ssl[i], "later\n"));
        assert_int_equal(rig_end(ssl[i]), SSL_ERROR_ZERO_RETURN);
        rig_hang_up(ssl[i], 0);
    }
    rig_stop(rig);
}

/* A client whose certificate is good for ${seconds} more. */
static SSL_CTX *
short_lived(long seconds)
{
    const struct tls_leaf leaf = {
        .ca = "ca-employer",
        .uri = {"spiffe://dev.vouch.invalid/employer/short"},
        .usage = "clientAuth",
        .from = -60,
        .until = seconds,
    };
    SSL_CTX *made = tls_client_ctx(rig_dir, NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x, *ca = tls_client_load(rig_dir, "ca-employer.pem");

    assert_non_null(key);
    x = tls_client_leaf(rig_dir, &leaf, key);
    assert_int_equal(SSL_CTX_use_certificate(made, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(made, key), 1);
    assert_int_equal(SSL_CTX_add1_chain_cert(made, ca), 1);
    X509_free(x);
    X509_free(ca);
    EVP_PKEY_free(key);
    return (made);
}

static void
a_certificate_that_ends_ends_its_connection(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL_CTX *brief = short_lived(4);
    SSL *lasting = rig_dial_employer(rig), *ssl = rig_dial(rig, brief);

    (void)state;
    assert_non_null(ssl);
    assert_true(rig_say(ssl, "later\nsay here\n"));
    assert_true(rig_hear(ssl, "here\n"));

    /* What was asked before is answered; the session says that it ends. */
    assert_true(rig_hear(ssl, "drain\ncertificate_expired\n"));
    rig_release();
    assert_true(rig_hear(ssl, "later\n"));
    assert_true(rig_say(ssl, "ack\n"));
    assert_true(rig_hear(ssl, "final\n"));
    (void)rig_end(ssl);
    rig_hang_up(ssl, 0);

    assert_true(rig_say(lasting, "say here\n"));
    assert_true(rig_hear(lasting, "here\n"));
    rig_hang_up(lasting, 0);
    SSL_CTX_free(brief);
    rig_stop(rig);
}

static void
a_drain_ends_when_its_grace_is_over(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    SSL *ssl;
    int64_t began;

    (void)state;
    limits.drain_us = 400000;
    rig = rig_start(rig_dir, &limits, 1);
    ssl = rig_dial_employer(rig);
    assert_true(rig_say(ssl, "later\n"));
    assert_true(rig_wait(rig_calls, 1));
    began = now();
    rig_stop(rig);
    assert_true(now() - began >= limits.drain_us - RIG_EARLY_US);
    assert_true(now() - began < limits.drain_us + 3000000);
    assert_true(rig_hear(ssl, "drain\nfinal\n"));
    rig_hang_up(ssl, 0);
}

static void
who_comes_while_draining_is_turned_away(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *ssl = rig_dial_employer(rig);

    (void)state;
    assert_true(rig_say(ssl, "later\n"));
    assert_true(rig_wait(rig_calls, 1));
    net_worker_drain(rig_worker(rig, 0));
    assert_true(rig_hear(ssl, "drain\n"));
    assert_null(rig_dial(rig, rig_ctx));
    assert_true(rig_say(ssl, "ack\n"));
    assert_true(rig_hear(ssl, "final\n"));
    rig_release();
    assert_true(rig_hear(ssl, "later\n"));
    assert_int_equal(rig_end(ssl), SSL_ERROR_ZERO_RETURN);
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

/* ---- shortage --------------------------------------------------------- */

static void
too_many_are_turned_away(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    SSL *first, *second;

    (void)state;
    limits.max_connections = 2;
    rig = rig_start(rig_dir, &limits, 1);
    first = rig_dial_employer(rig);
    second = rig_dial_employer(rig);
    assert_null(rig_dial(rig, rig_ctx));
    assert_true(rig_say(first, "say here\n"));
    assert_true(rig_hear(first, "here\n"));
    rig_hang_up(second, 0);
    assert_true(rig_wait(rig_sessions, 1));
    second = rig_dial_employer(rig);
    rig_hang_up(second, 0);
    rig_hang_up(first, 0);
    rig_stop(rig);
}

/* Strangers do not keep out who can show a certificate. */
static void
who_only_knocks_gives_way(void **state)
{
    struct net_limits limits = rig_limits();
    struct rig *rig;
    SSL *known, *late;
    int knocks[3];
    char byte;

    (void)state;
    limits.max_connections = 3;
    rig = rig_start(rig_dir, &limits, 1);
    known = rig_dial_employer(rig);
    for (size_t i = 0; i < 3; i++)
        knocks[i] = rig_connect(rig);
    /* The first one gave way to the third. */
    assert_int_equal(recv(knocks[0], &byte, 1, 0), 0);
    assert_int_equal(recv(knocks[1], &byte, 1, MSG_DONTWAIT), -1);
    late = rig_dial_employer(rig);
    assert_int_equal(recv(knocks[1], &byte, 1, 0), 0);
    assert_int_equal(recv(knocks[2], &byte, 1, MSG_DONTWAIT), -1);
    assert_true(rig_say(known, "say here\n"));
    assert_true(rig_hear(known, "here\n"));
    assert_true(rig_say(late, "say here\n"));
    assert_true(rig_hear(late, "here\n"));
    for (size_t i = 0; i < 3; i++)
        (void)close(knocks[i]);
    rig_hang_up(known, 0);
    rig_hang_up(late, 0);
    rig_stop(rig);
}

/* Return whether ${fd} is readable within ${ms}. */
static int
readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return (poll(&p, 1, ms) == 1);
}

static void
without_descriptors_a_connection_waits(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    struct rlimit before, low;
    int last, fd;
    char byte;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true((last = dup(STDERR_FILENO)) >= 0);
    (void)close(last);
    /* The lowest free descriptor, for the client, shall be the last. */
    low = before;
    low.rlim_cur = (rlim_t)last + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    fd = rig_connect(rig);
    assert_int_equal(write(fd, "nonsense", 8), 8);
    assert_false(readable(fd, 300));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    /* Now somebody is there to refuse it. */
    assert_true(readable(fd, 5000));
    while (recv(fd, &byte, 1, 0) > 0)
        continue;
    (void)close(fd);
    rig_stop(rig);
}

static void
without_memory_a_connection_is_refused_and_the_worker_lives(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    SSL *ssl = rig_dial_employer(rig), *other;
    char line[32];
    int refused = 0;

    (void)state;
    /* Its own buffers are there before the first allocation fails. */
    assert_true(rig_say(ssl, "say ready\n"));
    assert_true(rig_hear(ssl, "ready\n"));
    for (int n = 0; n < 8; n++) {
        (void)snprintf(line, sizeof(line), "fault %d\n", n);
        assert_true(rig_say(ssl, line));
        assert_true(rig_hear(ssl, "fault\n"));
        if ((other = rig_dial(rig, rig_ctx)) == NULL) {
            refused++;
            continue;
        }
        refused += !rig_say(other, "say here\n") ||
            !rig_hear(other, "here\n");
        rig_hang_up(other, 0);
    }
    /* The connection, who its peer is, its session, its call, its answer. */
    assert_true(refused >= 5);
    assert_true(rig_say(ssl, "fault -1\nsay alive\n"));
    assert_true(rig_hear(ssl, "fault\nalive\n"));
    rig_hang_up(ssl, 0);
    rig_stop(rig);
}

static void
a_worker_that_cannot_start_says_why(void **state)
{
    const struct net_limits limits = rig_limits();
    struct net_worker *worker = NULL;
    int n;

    (void)state;
    rig_fail_start(E_IO);
    assert_int_equal(net_worker_start("w", NULL, NULL, &limits, &worker),
        E_IO);
    assert_null(worker);
    rig_fail_start(E_OK);
    for (n = 0; n < 20; n++) {
        enum err err;

        fault_arm(n);
        err = net_worker_start("w", NULL, NULL, &limits, &worker);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        assert_null(worker);
    }
    fault_arm(-1);
    assert_true(n > 0 && n < 20);
    net_worker_stop(worker);
    net_worker_stop(NULL);
}

static enum err
listen_on(struct event_base *base, const char *address, int port,
    struct net_listener **l, char why[128])
{
    const struct net_listener_options options = {
        .address = address,
        .port = port,
    };

    return (net_listener_create(base, &options, l, why, 128));
}

static void
an_address_is_listened_on_or_named(void **state)
{
    struct event_base *base = event_base_new();
    struct net_listener *first = NULL, *l = NULL;
    char why[128] = "";

    (void)state;
    assert_non_null(base);
    assert_int_equal(listen_on(base, "localhost", 0, &l, why), E_INVAL);
    assert_null(l);
    assert_non_null(strstr(why, "localhost"));
    assert_int_equal(listen_on(base, "127.0.0.1", 65536, &l, why), E_INVAL);
    assert_int_equal(listen_on(base, "192.0.2.1", 0, &l, why), E_IO);
    assert_int_equal(listen_on(base, "::1", 0, &first, why), E_OK);
    assert_true(net_listener_port(first) > 0);
    assert_int_equal(listen_on(base, "::1", net_listener_port(first), &l,
        why), E_IO);
    assert_non_null(strstr(why, "bind"));
    fault_arm(0);
    assert_int_equal(listen_on(base, "::1", 0, &l, why), E_NOMEM);
    fault_arm(-1);
    net_listener_free(first);
    net_listener_free(NULL);
    event_base_free(base);
}

/* A socket on 127.0.0.1, as somebody else might open it; a blocking one. */
static int
open_given(int type, int *port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, type, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return (fd);
}

static enum err
listen_given(struct event_base *base, int fd, struct net_listener **l,
    char why[128])
{
    const struct net_listener_options options = {
        .address = "nowhere",
        .fds = &fd,
        .nfds = 1,
    };

    return (net_listener_create(base, &options, l, why, 128));
}

static void
only_a_socket_that_listens_is_taken_over(void **state)
{
    struct event_base *base = event_base_new();
    struct net_listener *l = NULL;
    char why[128] = "";
    int fd, port;

    (void)state;
    assert_non_null(base);
    fd = open_given(SOCK_DGRAM, &port);
    assert_int_equal(listen_given(base, fd, &l, why), E_INVAL);
    assert_non_null(strstr(why, "not a stream socket that listens"));
    assert_int_equal(fcntl(fd, F_GETFD), -1);       /* was closed */
    fd = open_given(SOCK_STREAM, &port);
    assert_int_equal(listen_given(base, fd, &l, why), E_INVAL);
    assert_int_equal(listen_given(base, fd, &l, why), E_INVAL);
    assert_non_null(strstr(why, "Bad file descriptor"));
    fd = open_given(SOCK_STREAM, &port);
    assert_int_equal(listen(fd, 1), 0);
    fault_arm(0);
    assert_int_equal(listen_given(base, fd, &l, why), E_NOMEM);
    fault_arm(-1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);

    fd = open_given(SOCK_STREAM, &port);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(listen_given(base, fd, &l, why), E_OK);
    assert_int_equal(net_listener_port(l), port);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    net_listener_free(l);
    event_base_free(base);
}

/* ---- is it alive? ------------------------------------------------------ */

static void
on_answer(void *cookie)
{
    atomic_store((atomic_int *)cookie, 1);
}

static void
a_worker_answers_a_ping(void **state)
{
    const struct net_limits limits = rig_limits();
    struct rig *rig = rig_start(rig_dir, &limits, 1);
    static atomic_int answered, again;

    (void)state;
    net_worker_ping(rig_worker(rig, 0), on_answer, &answered);
    for (int i = 0; i < 2000 && !atomic_load(&answered); i++)
        (void)usleep(1000);
    assert_true(atomic_load(&answered));
    net_worker_ping(rig_worker(rig, 0), on_answer, &again);
    rig_stop(rig);
    assert_true(atomic_load(&again));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drain_loses_no_call),
        cmocka_unit_test(a_certificate_that_ends_ends_its_connection),
        cmocka_unit_test(a_drain_ends_when_its_grace_is_over),
        cmocka_unit_test(who_comes_while_draining_is_turned_away),
        cmocka_unit_test(too_many_are_turned_away),
        cmocka_unit_test(who_only_knocks_gives_way),
        cmocka_unit_test(without_descriptors_a_connection_waits),
        cmocka_unit_test(
            without_memory_a_connection_is_refused_and_the_worker_lives),
        cmocka_unit_test(a_worker_that_cannot_start_says_why),
        cmocka_unit_test(an_address_is_listened_on_or_named),
        cmocka_unit_test(only_a_socket_that_listens_is_taken_over),
        cmocka_unit_test(a_worker_answers_a_ping),
    };

    return (cmocka_run_group_tests_name("net_end", tests, rig_setup, rig_teardown));
}
