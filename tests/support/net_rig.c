#include "support/net_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include <cmocka.h>

#include "support/net_rig_protocol.h"
#include "support/tls_client.h"
#include "tls/tls.h"

struct rig {
    struct tls_server *tls;
    struct net_worker *workers[RIG_WORKERS];
    size_t nworkers;
    struct event_base *base;
    struct event *clock;
    struct net_listener *listener;
    pthread_t thread;
    atomic_int over;
};

char rig_dir[64];
SSL_CTX *rig_ctx;

int
rig_setup(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    tls_client_pki(rig_dir, sizeof(rig_dir));
    rig_ctx = tls_client_ctx(rig_dir, "employer");
    return (0);
}

int
rig_teardown(void **state)
{
    (void)state;
    SSL_CTX_free(rig_ctx);
    tls_client_remove(rig_dir);
    return (0);
}

struct net_limits
rig_limits(void)
{
    return ((struct net_limits){
        .max_connections = 1000,
        .max_output = 65536,
        .handshake_us = 10000000,
        .stall_us = 10000000,
        .drain_us = 10000000,
    });
}

static struct tls_server *
open_tls(const char *dir, struct revocation *revocation)
{
    struct tls_server *tls = NULL;
    struct tls_files files;
    char why[256] = "";

    tls_client_files(dir, &files);
    files.options.revocation = revocation;
    assert_int_equal(tls_server_create(&files.options, &tls, why,
        sizeof(why)), E_OK);
    return (tls);
}

/* The loop is another thread's: it asks itself whether it is over. */
static void
on_clock(evutil_socket_t fd, short what, void *cookie)
{
    struct rig *rig = cookie;

    (void)fd, (void)what;
    if (atomic_load(&rig->over))
        (void)event_base_loopbreak(rig->base);
}

static void *
run(void *cookie)
{
    struct rig *rig = cookie;

    (void)event_base_dispatch(rig->base);
    return (NULL);
}

struct rig *
rig_start(const char *dir, const struct net_limits *limits, size_t nworkers)
{
    return (rig_start_with(dir, limits, nworkers, NULL));
}

struct rig *
rig_start_with(const char *dir, const struct net_limits *limits,
    size_t nworkers, struct revocation *revocation)
{
    static const struct timeval often = {.tv_usec = 10000};
    struct rig *rig = calloc(1, sizeof(*rig));
    char why[256] = "", name[32];

    assert_non_null(rig);
    rig_protocol_reset();
    rig->tls = open_tls(dir, revocation);
    rig->nworkers = nworkers;
    for (size_t i = 0; i < nworkers; i++) {
        (void)snprintf(name, sizeof(name), "rig-%zu", i);
        assert_int_equal(net_worker_start(name, NULL, rig->tls, limits,
            &rig->workers[i]), E_OK);
    }
    assert_non_null(rig->base = event_base_new());
    assert_non_null(rig->clock = event_new(rig->base, -1, EV_PERSIST,
        on_clock, rig));
    assert_int_equal(event_add(rig->clock, &often), 0);
    assert_int_equal(net_listener_create(rig->base,
        &(struct net_listener_options){
            .address = "127.0.0.1",
            .workers = rig->workers,
            .nworkers = nworkers,
        }, &rig->listener, why, sizeof(why)), E_OK);
    assert_int_equal(pthread_create(&rig->thread, NULL, run, rig), 0);
    return (rig);
}

void
rig_stop(struct rig *rig)
{
    atomic_store(&rig->over, 1);
    assert_int_equal(pthread_join(rig->thread, NULL), 0);
    net_listener_free(rig->listener);
    for (size_t i = 0; i < rig->nworkers; i++)
        net_worker_drain(rig->workers[i]);
    for (size_t i = 0; i < rig->nworkers; i++)
        net_worker_stop(rig->workers[i]);
    tls_server_free(rig->tls);
    event_free(rig->clock);
    event_base_free(rig->base);
    free(rig);
    assert_int_equal(rig_sessions(), 0);
    assert_int_equal(rig_calls(), 0);
}

int
rig_port(const struct rig *rig)
{
    return (net_listener_port(rig->listener));
}

struct net_worker *
rig_worker(struct rig *rig, size_t i)
{
    return (rig->workers[i]);
}

int
rig_wait(int (*get)(void), int value)
{
    static const struct timespec pause = {.tv_nsec = 5000000};

    for (int i = 0; i < 2000; i++) {
        if (get() == value)
            return (1);
        (void)nanosleep(&pause, NULL);
    }
    return (0);
}

int
rig_connect(const struct rig *rig)
{
    const struct timeval patience = {.tv_sec = 10};
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    to.sin_port = htons((uint16_t)rig_port(rig));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
        sizeof(patience)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
        sizeof(patience)), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return (fd);
}

SSL *
rig_dial(const struct rig *rig, SSL_CTX *ctx)
{
    SSL *ssl = SSL_new(ctx);

    assert_non_null(ssl);
    assert_int_equal(SSL_set_fd(ssl, rig_connect(rig)), 1);
    if (SSL_connect(ssl) == 1)
        return (ssl);
    rig_hang_up(ssl, 0);
    return (NULL);
}

SSL *
rig_dial_employer(const struct rig *rig)
{
    SSL *ssl = rig_dial(rig, rig_ctx);

    assert_non_null(ssl);
    return (ssl);
}

int
rig_say(SSL *ssl, const char *line)
{
    size_t n;

    ERR_clear_error();
    return (SSL_write_ex(ssl, line, strlen(line), &n) == 1);
}

int
rig_hear(SSL *ssl, const char *expected)
{
    size_t want = strlen(expected), have = 0, n;
    char got[1024];

    assert_true(want <= sizeof(got));
    ERR_clear_error();
    while (have < want) {
        if (SSL_read_ex(ssl, got + have, want - have, &n) != 1)
            return (0);
        have += n;
    }
    return (memcmp(got, expected, want) == 0);
}

int
rig_end(SSL *ssl)
{
    char bytes[4096];
    size_t n;

    ERR_clear_error();
    while (SSL_read_ex(ssl, bytes, sizeof(bytes), &n) == 1)
        continue;
    return (SSL_get_error(ssl, 0));
}

void
rig_hang_up(SSL *ssl, int rudely)
{
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    int fd = SSL_get_fd(ssl);

    if (rudely)
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset,
            sizeof(reset)), 0);
    SSL_free(ssl);
    (void)close(fd);
    ERR_clear_error();
}
