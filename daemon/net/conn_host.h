#ifndef NET_CONN_HOST_H
#define NET_CONN_HOST_H

/*
 * All connections of one worker, and what they share.  The worker's thread
 * only.
 */

#include "net/conn.h"

/* One TLS record at a time. */
#define CONN_READ 16384

TAILQ_HEAD(conn_list, conn);

struct conn_host {
    struct event_base *base;        /* borrowed */
    struct tls_server *tls;         /* borrowed */
    struct rpc_server *rpc;         /* borrowed */
    struct net_limits limits;
    struct buf out;                 /* what one connection says in one tick */
    struct conn_list shaking;       /* in HANDSHAKE, the oldest first */
    struct conn_list all;           /* the others, but those in ${closed} */
    STAILQ_HEAD(, conn) dirty;      /* to be flushed */
    STAILQ_HEAD(, conn) more;       /* to be read in the next tick */
    STAILQ_HEAD(, conn) closed;     /* to be freed */
    size_t count;                   /* of all of them */
    int64_t now;                    /* when this tick began to write */
    int draining;
    int full;                       /* the log knows that there are too many */
    int64_t refusals_from;          /* refused handshakes: begin of a second */
    unsigned refusals;              /* in it */
    uint8_t in[CONN_READ];
};

/**
 * conn_host_init(host, base, tls, rpc, limits):
 * Make ${host} empty.  All pointers but ${limits} are borrowed and must
 * outlive it.
 */
void conn_host_init(struct conn_host *host, struct event_base *base,
    struct tls_server *tls, struct rpc_server *rpc,
    const struct net_limits *limits);

/**
 * conn_host_take(host, fd):
 * Begin a connection on ${fd}, or close it if there are too many or ${host}
 * is draining.  If there are too many, who has not shaken hands yet gives way,
 * the oldest first: strangers are not to keep out those we know.  From the
 * mailbox only, because that one is freed at once.
 */
void conn_host_take(struct conn_host *host, int fd);

/**
 * conn_host_may_log(host):
 * A handshake was refused: return non-zero if the log is to tell of it.  What
 * strangers make us write has a limit, and the log is told how much it missed.
 */
int conn_host_may_log(struct conn_host *host);

/**
 * conn_host_read(host):
 * Let those read on that had more than one tick allows.
 */
void conn_host_read(struct conn_host *host);

/**
 * conn_host_flush(host):
 * Let every connection that has something to say write once.
 */
void conn_host_flush(struct conn_host *host);

/**
 * conn_host_reap(host):
 * Free the connections that are closed.
 */
void conn_host_reap(struct conn_host *host);

/**
 * conn_host_busy(host):
 * Return non-zero if a connection has something to say or to read already: the
 * loop must not sleep now.
 */
int conn_host_busy(const struct conn_host *host);

/**
 * conn_host_drain(host):
 * Begin to end every connection, and take no more.
 */
void conn_host_drain(struct conn_host *host);

/**
 * conn_host_revoke(host):
 * conn_revoke() each connection; return how many that ended.
 */
size_t conn_host_revoke(struct conn_host *host);

/**
 * conn_host_close(host):
 * Close every connection, whatever it does; conn_host_reap() then frees them.
 */
void conn_host_close(struct conn_host *host);

/**
 * conn_host_free(host):
 * Free what ${host} holds; no connection may be left.
 */
void conn_host_free(struct conn_host *host);

#endif /* !NET_CONN_HOST_H */
