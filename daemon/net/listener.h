#ifndef NET_LISTENER_H
#define NET_LISTENER_H

/*
 * The acceptor: takes connections and hands them to the workers in turn.
 */

#include <event2/event.h>

#include "net/worker.h"
#include "proto/err.h"

/* Opaque types. */
struct net_listener;

/**
 * net_listener_create(base, address, port, workers, n, listener, why, size):
 * Listen on ${address} (numeric) and ${port} (0: a free one), and hand what
 * arrives to ${workers} in turn, from the loop ${base}.  ${base} and
 * ${workers} are borrowed and must outlive it.  The caller owns ${*listener};
 * free with net_listener_free().
 *
 * Fails: E_INVAL (address), E_IO, E_NOMEM.  On failure ${*listener} is NULL
 * and ${why}, of ${size} bytes, says what and where.
 */
enum err MUST_USE net_listener_create(struct event_base *base,
    const char *address, int port, struct net_worker *const *workers,
    size_t n, struct net_listener **listener, char *why, size_t size);

/**
 * net_listener_port(listener):
 * Return the port it listens on.
 */
int net_listener_port(const struct net_listener *listener);

/**
 * net_listener_free(listener):
 * Stop listening and free ${listener}; NULL is allowed.
 */
void net_listener_free(struct net_listener *listener);

#endif /* !NET_LISTENER_H */
