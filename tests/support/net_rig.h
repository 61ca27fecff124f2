#ifndef TEST_SUPPORT_NET_RIG_H
#define TEST_SUPPORT_NET_RIG_H

/*
 * A listener and workers with nothing behind them but a protocol of lines,
 * which stands in for h2, rpc and service, so that net can be tested alone.
 * A client says, each line a call:
 *
 *   say TEXT        TEXT comes back, once service_worker_tick() has seen it
 *   big N           N bytes come back, byte i being 'a' + i % 26
 *   later           `later` comes back after rig_release(), from a thread that
 *                   is not the worker's
 *   deadline MS     `expired` comes back after that time
 *   break           `goaway` comes back, and the session is beyond use
 *   fail            what there is to send cannot be had
 *   fault N         the worker's Nth allocation from now on fails
 *   ack             as if the PING of h2_drain() came back
 *
 * and hears `drain` and `final` when a drain begins and when it is final.
 */

#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>
#include <openssl/ssl.h>

#include "net/listener.h"
#include "net/worker.h"

enum {
    RIG_WORKERS = 2,
    RIG_EARLY_US = 50000,       /* libevent counts from when its loop last
                                   looked at the clock */
};

struct rig;
struct revocation;

/* What rig_setup() makes: certificates, and who dials with an employer's. */
extern char rig_dir[64];
extern SSL_CTX *rig_ctx;

/* To set up and tear down a group of tests. */
int rig_setup(void **state);
int rig_teardown(void **state);

/**
 * rig_limits(void):
 * Return limits that no test meets by accident.
 */
struct net_limits rig_limits(void);

/**
 * rig_start(dir, limits, nworkers):
 * Serve with the certificates in ${dir} on a free port of 127.0.0.1.
 */
struct rig *rig_start(const char *dir, const struct net_limits *limits,
    size_t nworkers);

/**
 * rig_start_with(dir, limits, nworkers, revocation):
 * As rig_start(), and ${revocation}, which is borrowed and must outlive the
 * rig, says who is not let in.
 */
struct rig *rig_start_with(const char *dir, const struct net_limits *limits,
    size_t nworkers, struct revocation *revocation);

/**
 * rig_stop(rig):
 * Stop the listener, then drain and stop the workers, and check that every
 * session and call has ended.
 */
void rig_stop(struct rig *rig);

/**
 * rig_port(rig) and rig_worker(rig, i):
 * Return the port, and the ${i}th worker.
 */
int rig_port(const struct rig *rig);
struct net_worker *rig_worker(struct rig *rig, size_t i);

/**
 * rig_release(void):
 * Let every `later` be answered, those to come too, until rig_start().
 */
void rig_release(void);

/**
 * rig_fail_start(err):
 * Have service_worker_create() fail with ${err}; E_OK: no more.
 */
void rig_fail_start(enum err err);

/**
 * rig_sessions(void), rig_calls(void), rig_used(i):
 * Return how many sessions there are now, how many calls of `later` wait, and
 * how many sessions the ${i}th worker has begun in all.
 */
int rig_sessions(void);
int rig_calls(void);
int rig_used(size_t i);

/**
 * rig_wait(get, value):
 * Wait until ${get}() is ${value}, 10 seconds at most.  Returns non-zero if it
 * is.
 */
int rig_wait(int (*get)(void), int value);

/* ---- clients, blocking, with a patience of 10 seconds ------------------ */

/**
 * rig_connect(rig):
 * Return a TCP connection to ${rig}.
 */
int rig_connect(const struct rig *rig);

/**
 * rig_dial(rig, ctx):
 * Return a TLS connection to ${rig}, or NULL if the handshake failed.
 */
SSL *rig_dial(const struct rig *rig, SSL_CTX *ctx);

/**
 * rig_dial_employer(rig):
 * Do so with rig_ctx; it must be let in.
 */
SSL *rig_dial_employer(const struct rig *rig);

/**
 * rig_say(ssl, line):
 * Send ${line}.  Returns non-zero if it went out.
 */
int rig_say(SSL *ssl, const char *line);

/**
 * rig_hear(ssl, expected):
 * Read as many bytes as ${expected} has.  Returns non-zero if they are those.
 */
int rig_hear(SSL *ssl, const char *expected);

/**
 * rig_end(ssl):
 * Read on, up to the end: returns the SSL_get_error() of it.
 */
int rig_end(SSL *ssl);

/**
 * rig_hang_up(ssl, rudely):
 * Close the connection; if ${rudely}, by a reset of TCP.
 */
void rig_hang_up(SSL *ssl, int rudely);

#endif /* !TEST_SUPPORT_NET_RIG_H */
