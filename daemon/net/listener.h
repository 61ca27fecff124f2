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

struct net_listener_options {
    const char *address;        /* numeric; of no account if there are ${fds} */
    int port;                   /* 0: a free one */
    const int *fds;             /* sockets that listen already */
    size_t nfds;
    struct net_worker *const *workers;
    size_t nworkers;
};

/**
 * net_listener_create(base, options, listener, why, size):
 * Listen on the address and port, or on the sockets given, and hand what
 * arrives to the workers in turn, from the loop ${base}.  ${base} and the
 * workers are borrowed and must outlive it; the sockets given become its own,
 * also on failure.  The caller owns ${*listener}; free with
 * net_listener_free().
 *
 * Fails: E_INVAL (address, or what was given is not a stream socket that
 * listens), E_IO, E_NOMEM.  On failure ${*listener} is NULL and ${why}, of
 * ${size} bytes, says what and where.
 */
enum err MUST_USE net_listener_create(struct event_base *base,
    const struct net_listener_options *options,
    struct net_listener **listener, char *why, size_t size);

/**
 * net_listener_port(listener):
 * Return the port it listens on, the first socket's if there are several; 0
 * if that has none.
 */
int net_listener_port(const struct net_listener *listener);

/**
 * net_listener_free(listener):
 * Stop listening and free ${listener}; NULL is allowed.
 */
void net_listener_free(struct net_listener *listener);

#endif /* !NET_LISTENER_H */
