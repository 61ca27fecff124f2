#ifndef TEST_SUPPORT_RPC_STREAM_H
#define TEST_SUPPORT_RPC_STREAM_H

/*
 * A stream for calls of rpc, in the place of h2, that keeps what it is told.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/grpc_status.h"
#include "rpc/rpc.h"
#include "support/fake_methods.h"

#define PATH "/test.v1.Test/"
#define RPC_STREAM_MESSAGE 1024     /* limit on a message */

extern const struct rpc_limits rpc_stream_limits;
extern const struct identity rpc_stream_peer;
extern const struct rpc_stream_ops rpc_stream_ops;

/* What a stream was told.  Nothing here allocates. */
struct rpc_stream {
    struct rpc_server *server;
    struct rpc_call *call;
    enum err answer;            /* what respond() returns */
    int responded;
    int ended;
    int resumed;
    int resets;
    uint32_t reset_code;
    char headers[8192];         /* "name: value\n", trailers too */
    uint8_t body[8192];
    size_t nbody;
    size_t drained;             /* bytes, those beyond the body too */
};

/* Of a cmocka test: ${*state} is a struct rpc_server. */
int rpc_stream_setup(void **state);
int rpc_stream_teardown(void **state);

/* Open a call with ${extra}, up to a NULL name, besides the usual headers. */
enum err MUST_USE rpc_stream_open_with(struct rpc_stream *s,
    struct rpc_server *server, const char *path, const char *const *extra);
void rpc_stream_open(struct rpc_stream *s, void **state, const char *path);

/* Send one message. */
void rpc_stream_text(struct rpc_stream *s, const char *text);

/* Take everything that there is, ${step} bytes at a time. */
void rpc_stream_drain(struct rpc_stream *s, size_t step);

/* The value of a header that was sent, or NULL. */
const char *rpc_stream_value(const struct rpc_stream *s, const char *name);

/* How the call ended, as a client reads it. */
struct grpc_status rpc_stream_status(const struct rpc_stream *s);

/* The call was refused in one header list, with ${code} and ${reason}. */
void assert_refused(struct rpc_stream *s, enum grpc_code code,
    const char *reason);

void rpc_stream_close(struct rpc_stream *s);

#endif /* !TEST_SUPPORT_RPC_STREAM_H */
