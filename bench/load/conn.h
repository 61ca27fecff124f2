#ifndef BENCH_LOAD_CONN_H
#define BENCH_LOAD_CONN_H

/*
 * One connection: TLS and HTTP/2, and as many requests at a time as it may
 * have.  What all connections share is struct traffic.  Anything that is not
 * an answer (a refused handshake, a connection that ends) ends the program.
 */

#include <stdint.h>

#include <openssl/types.h>

#include "bench/load/body.h"
#include "bench/load/histogram.h"

struct addrinfo;

/* Opaque types. */
struct conn;

/* What came back. */
struct tally {
    struct histogram latency;   /* of every answer, failures too */
    uint64_t bytes;             /* of bodies */
    uint64_t broken;            /* streams that were reset */
    uint64_t refused;           /* :status not 200, or grpc-status not 0 */
    uint64_t wrong;             /* a verdict that is not the one */
};

struct traffic {
    const struct addrinfo *address;     /* borrowed */
    SSL_CTX *tls;                       /* borrowed */
    struct body_source *bodies;         /* borrowed; NULL: GET */
    const char *host;                   /* :authority */
    const char *path;                   /* :path */
    unsigned streams;                   /* at a time on each connection */
    int epoll;                          /* borrowed */

    /* Kept by the connections. */
    uint64_t left;                      /* requests that may yet begin */
    uint64_t flying;                    /* requests that wait for answers */
    unsigned open;                      /* connections that shook hands */
    struct tally tally;
};

/**
 * conn_open(traffic):
 * Connect, and begin to shake hands.  ${traffic} is borrowed, and must not
 * move.  The caller owns the connection; free with conn_free().
 */
struct conn *conn_open(struct traffic *traffic);

/**
 * conn_begin(conn):
 * Begin as many requests as fit and as traffic->left allows; from then on
 * every answer begins the next.  The connection must have shaken hands.
 */
void conn_begin(struct conn *conn);

/**
 * conn_event(conn, events):
 * Do what epoll(7) says, with its pointer, is possible.
 */
void conn_event(struct conn *conn, uint32_t events);

/**
 * conn_free(conn):
 * Close the connection, with no word to the peer.
 */
void conn_free(struct conn *conn);

#endif /* !BENCH_LOAD_CONN_H */
