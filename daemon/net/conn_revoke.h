#ifndef NET_CONN_REVOKE_H
#define NET_CONN_REVOKE_H

/*
 * Who has been let in may have to go before his certificate ends: it was
 * revoked, or nobody can say any more whether it was (revocation.h).
 */

#include "net/conn.h"

/**
 * conn_revoke_admits(conn):
 * The handshake is over, and conn->peer and conn->marks are set: return
 * non-zero if the peer may come in.  If not, the log has been told.
 */
int conn_revoke_admits(struct conn *conn);

/**
 * conn_revoke(conn):
 * See how the peer's certificate stands now.  One that is revoked ends the
 * connection at once, calls in progress and all: the peer is told by a GOAWAY
 * if it listens, and has a second to hang up; one that is ending already is
 * closed.  One of which nothing is known drains it.  The log is told.  Returns
 * non-zero if the connection ends for this.
 */
int conn_revoke(struct conn *conn);

#endif /* !NET_CONN_REVOKE_H */
