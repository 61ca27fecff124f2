#ifndef NET_CONN_H
#define NET_CONN_H

/*
 * One connection: its life and its clock.  The bytes are moved by conn_io.h,
 * all connections of a worker are kept by conn_host.h.  Everything here
 * belongs to the worker's thread.
 *
 *   HANDSHAKE --> OPEN --> DRAINING --> ENDING --> LINGERING --> CLOSED
 *       |           `---------------------^           ^            ^
 *       +---------------------------------------------+            |
 *       `---- from anywhere: error, end of input, or time is up ---'
 *
 * OPEN turns into DRAINING by itself when the peer's certificate is over (who
 * it is, is known for so long), or when the connection has been idle or there
 * for long enough.  A peer that does not even answer PINGs is gone, and its
 * connection closed.
 *
 * ENDING says what is left to say and reads no more.  LINGERING has said it,
 * and reads only to throw away: closing a socket that holds unread bytes would
 * make the kernel reset the connection, and the peer lose our last words.
 *
 * A connection is freed by conn_host_reap() alone, at the end of a tick, so
 * that nothing goes from beneath a caller.
 */

#include <stdint.h>
#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/ssl.h>

#include "base/identity.h"
#include "h2/h2.h"
#include "net/conn_life.h"
#include "net/worker.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "tls/tls.h"

enum conn_state { CONN_HANDSHAKE, CONN_OPEN, CONN_DRAINING, CONN_ENDING,
    CONN_LINGERING, CONN_CLOSED, CONN_STATE_COUNT };

/* Why a connection drains. */
enum conn_why { CONN_SHUTDOWN, CONN_CERTIFICATE, CONN_UNSURE, CONN_IDLE,
    CONN_AGE, CONN_WHY_COUNT };

struct conn_host;

struct conn {
    struct conn_host *host;     /* borrowed */
    uint64_t id;                /* as the log has it */
    enum conn_state state;
    enum conn_why why;          /* from DRAINING on */
    int fd;                     /* owned */
    uint8_t blocked;            /* waits until the socket takes more */
    uint8_t dirty;              /* is on the host's list */
    uint8_t more;               /* is on the list of those to be read */
    uint8_t heard;              /* something came, and ${life} is not told */
    SSL *ssl;                   /* owned */
    struct h2 *h2;              /* owned; NULL until OPEN */
    struct identity peer;       /* from OPEN on */
    struct revocation_marks marks;     /* likewise */
    struct buf rest;            /* what the socket has not taken yet */
    struct conn_life life;      /* from OPEN on */
    int64_t until;              /* end of the stay in this state */
    int64_t stalled_at;         /* end of the patience with a blocked write */
    int64_t final_at;           /* when the last GOAWAY must go out */
    int64_t ends_at;            /* when the peer's certificate is over */
    int64_t armed_for;          /* when ${timer} will fire */
    struct event readable, writable, timer;
    TAILQ_ENTRY(conn) all_link;
    STAILQ_ENTRY(conn) dirty_link, more_link, closed_link;
};

/**
 * conn_start(host, fd):
 * Begin a connection on the socket ${fd}, which is its own from now on; if
 * that fails, ${fd} has been closed and the log told.
 */
void conn_start(struct conn_host *host, int fd);

/**
 * conn_enter(conn, next):
 * The only function that changes the state.
 */
void conn_enter(struct conn *conn, enum conn_state next);

/**
 * conn_touch(conn):
 * Have conn_io_flush() called at the end of this tick.
 */
void conn_touch(struct conn *conn);

/**
 * conn_read_on(conn):
 * Have conn_io_read() called in the next tick: TLS may hold bytes that make no
 * socket readable.  (In the next, because a peer that is quicker than we are
 * would otherwise never let a tick end.)
 */
void conn_read_on(struct conn *conn);

/**
 * conn_block(conn) and conn_unblock(conn):
 * The socket takes no more, and what a peer asks who does not listen is not
 * read; and the opposite.
 */
void conn_block(struct conn *conn);
void conn_unblock(struct conn *conn);

/**
 * conn_arm(conn):
 * See to it that the timer fires when the next thing is due.
 */
void conn_arm(struct conn *conn);

/**
 * conn_note(conn, now):
 * See what has come, and whether there are calls; for OPEN and DRAINING only.
 */
void conn_note(struct conn *conn, int64_t now);

/**
 * conn_drain(conn, why):
 * Begin to end: the peer is told, twice, as h2_drain() says; calls in progress
 * have the grace that ${why} allows.  If it drains already, that grace may
 * become shorter.
 */
void conn_drain(struct conn *conn, enum conn_why why);

/**
 * conn_free(conn):
 * Close the socket, cancel the calls, and free ${conn}.
 */
void conn_free(struct conn *conn);

#endif /* !NET_CONN_H */
