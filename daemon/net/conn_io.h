#ifndef NET_CONN_IO_H
#define NET_CONN_IO_H

/*
 * The bytes of a connection: from the socket through TLS to HTTP/2, and back.
 */

#include "net/conn.h"

/**
 * conn_io_read(conn):
 * Do what the state of ${conn} does with a readable socket, until the socket
 * is dry or ${conn} has had its share of this tick.
 */
void conn_io_read(struct conn *conn);

/**
 * conn_io_flush(conn):
 * Write what there is to say: what was left over, or else what HTTP/2 has
 * now.  End the connection if it was the last of it.
 */
void conn_io_flush(struct conn *conn);

#endif /* !NET_CONN_IO_H */
