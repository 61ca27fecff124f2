#ifndef TEST_SUPPORT_GRPC_SERVER_H
#define TEST_SUPPORT_GRPC_SERVER_H

/*
 * A server of gRPC whose every frame is made by hand: right ones, and what no
 * decent server sends.  It runs in a thread of its own, takes one connection
 * after the other, and lets a script of the test's speak on each.  Nothing in
 * the thread may assert: a script that is cut off just returns.
 */

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* Types, flags and errors of RFC 9113. */
enum { H2_DATA = 0, H2_HEADERS = 1, H2_RST_STREAM = 3, H2_SETTINGS = 4,
    H2_PING = 6, H2_GOAWAY = 7, H2_WINDOW_UPDATE = 8, H2_CONTINUATION = 9 };
enum { H2_END_STREAM = 1, H2_ACK = 1, H2_END_HEADERS = 4 };

/* Opaque types. */
struct grpc_server;
struct grpc_conn;

typedef void grpc_script_fn(struct grpc_conn *conn, void *cookie);

struct grpc_server_options {
    const char *dir;            /* certificates of make-dev-certs.sh */
    const char *client_ca;      /* file in dir that clients must be under */
    int max_version;            /* of TLS; 0: any */
    const char *alpn;           /* what it speaks; NULL: "h2" */
    grpc_script_fn *script;     /* NULL: hang up at once, before TLS */
    void *cookie;
};

/* Start; whatever fails here fails the test. */
struct grpc_server *grpc_server_start(
    const struct grpc_server_options *options);

/* "127.0.0.1:PORT"; borrowed. */
const char *grpc_server_address(const struct grpc_server *server);

/* Wait for the script to end (the client must have gone), and free. */
void grpc_server_stop(struct grpc_server *server);

/* ---- for scripts: each returns non-zero as long as the client is there --- */

struct h2_frame {
    uint8_t type, flags;
    int32_t stream;
    size_t n;
    uint8_t payload[16384];
};

int conn_read(struct grpc_conn *conn, struct h2_frame *frame);

/* Bytes as they are. */
int conn_write(struct grpc_conn *conn, const void *p, size_t n);

int conn_frame(struct grpc_conn *conn, int type, int flags, int32_t stream,
    const void *p, size_t n);

/* Headers, by name and value up to NULL, in literals. */
int conn_headers(struct grpc_conn *conn, int32_t stream, int flags,
    const char *const *headers);

/* ":status: 200", "content-type: application/grpc". */
int conn_ok(struct grpc_conn *conn, int32_t stream);

/* One framed message in DATA, without an end; returns the bytes of it. */
int conn_message(struct grpc_conn *conn, int32_t stream,
    const ProtobufCMessage *message);

/* Trailers with this grpc-status. */
int conn_trailers(struct grpc_conn *conn, int32_t stream, const char *status);

int conn_reset(struct grpc_conn *conn, int32_t stream, uint32_t code);
int conn_goaway(struct grpc_conn *conn, int32_t last, uint32_t code);

/* Let the client send ${n} more bytes, on ${stream} (0: on the connection). */
int conn_window(struct grpc_conn *conn, int32_t stream, uint32_t n);

/* Read until a request begins and return its stream; 0: the client went. */
int32_t conn_request(struct grpc_conn *conn);

/* Read until the client ends ${stream}; its windows are kept open.  Returns
 * the bytes of DATA that came, or -1 if the client went or gave it up. */
long conn_upload(struct grpc_conn *conn, int32_t stream);

/* Read and forget until the client goes. */
void conn_drain(struct grpc_conn *conn);

/* Wait for so long. */
void conn_sleep(int ms);

#endif /* !TEST_SUPPORT_GRPC_SERVER_H */
