#ifndef NET_WORKER_H
#define NET_WORKER_H

/*
 * One worker: a thread with an event loop, its own connections, and its own
 * part of the services.  One pass of the loop is a tick: everything readable
 * is read and parsed; then service_worker_tick() answers what was asked; then
 * each connection that has something to say writes once.
 */

#include <stddef.h>
#include <stdint.h>

#include "h2/h2.h"
#include "net/conn_life.h"
#include "proto/err.h"
#include "rpc/rpc.h"

/* Opaque types. */
struct net_worker;
struct service;
struct tls_server;

struct net_limits {
    struct h2_limits h2;
    struct rpc_limits rpc;
    size_t max_connections;         /* per worker */
    size_t max_output;              /* bytes that may wait on one connection */
    int64_t handshake_us;           /* longest stay in the handshake */
    int64_t stall_us;               /* longest time a write may make no way */
    int64_t drain_us;               /* grace that calls have after a drain */
    struct conn_life_limits life;
    int64_t age_grace_us;           /* and when their connection is old, or
                                     * was idle; 0: no limit */
};

/**
 * net_worker_start(name, service, tls, limits, worker):
 * Start a worker thread called ${name}; returns when it is ready to take
 * connections.  All pointers but ${limits} are borrowed and must outlive it.
 * The caller owns ${*worker}; end with net_worker_stop().
 *
 * Fails: E_NOMEM, E_IO, and as service_worker_create().  On failure
 * ${*worker} is NULL.
 */
enum err MUST_USE net_worker_start(const char *name, struct service *service,
    struct tls_server *tls, const struct net_limits *limits,
    struct net_worker **worker);

/**
 * net_worker_take(worker, fd):
 * Hand over an accepted socket.  It is the worker's from now on, whatever
 * becomes of it.  Any thread.
 */
void net_worker_take(struct net_worker *worker, int fd);

/**
 * net_worker_ping(worker, answer, cookie):
 * Have ${answer}(${cookie}) called by the worker's loop, soon, if it still
 * turns, and in any case before net_worker_stop() has returned.  Any thread.
 */
void net_worker_ping(struct net_worker *worker,
    void (*answer)(void *cookie), void *cookie);

/* One look through a worker's connections; the caller's memory. */
struct net_revoke {
    struct net_worker *worker;
    size_t ended;               /* set by the worker */
    void (*done)(struct net_revoke *revoke);
    void *cookie;               /* the caller's */
};

/**
 * net_worker_revoke(revoke):
 * Have revoke->worker end the connections whose peers' certificates are not
 * good any more, as conn_revoke() says, and then call revoke->done() on its
 * thread, soon; or here and now if that has ended.  Any thread.
 */
void net_worker_revoke(struct net_revoke *revoke);

/**
 * net_worker_drain(worker):
 * Begin to end: health NOT_SERVING, GOAWAY on every connection, calls in
 * progress finish within the grace.  Any thread.
 */
void net_worker_drain(struct net_worker *worker);

/**
 * net_worker_wait(worker):
 * Wait until the drained worker has no connection left or its grace is over,
 * and its thread has ended.
 */
void net_worker_wait(struct net_worker *worker);

/**
 * net_worker_stop(worker):
 * net_worker_wait() for it, and free it.  NULL is allowed.
 */
void net_worker_stop(struct net_worker *worker);

#endif /* !NET_WORKER_H */
