#ifndef RPC_RPC_H
#define RPC_RPC_H

/*
 * gRPC over HTTP/2 (grpc/doc/PROTOCOL-HTTP2.md), one call at a time, without
 * HTTP/2 itself: header lists and body bytes come in, header lists and body
 * bytes go out.  No socket, no timer, no nghttp2.
 *
 * The stream below (h2) feeds a call and offers it struct rpc_stream_ops.
 * Response headers are held back until the first message; an error before it
 * is Trailers-Only.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/identity.h"
#include "proto/bytes.h"
#include "proto/err.h"

/* Opaque types. */
struct rpc_server;
struct rpc_call;
struct service_worker;

struct rpc_header {
    struct slice name;      /* lower case */
    struct slice value;
    int fixed;              /* both are constants: no copy is needed */
};

/* The header list that opens a call, pseudo-headers among them. */
struct rpc_request {
    const struct rpc_header *headers;
    size_t n;
    int cut;                /* the list is above the limit, and not whole */
};

/* HTTP/2 error codes (RFC 9113 section 7) that a call asks for. */
enum { RPC_RESET_NO_ERROR = 0x0, RPC_RESET_INTERNAL = 0x2,
    RPC_RESET_CANCEL = 0x8 };

/*
 * What the stream does for the call.  None of these may call back into the
 * call; all may be called from within any rpc_call_*() function, and from the
 * loop.
 */
struct rpc_stream_ops {
    /*
     * Send response headers.  If ${end}, they are the whole response;
     * otherwise the stream then takes the body by rpc_call_read().
     * ${headers} are borrowed for this call only.  Fails: E_NOMEM; nothing
     * was said then.
     */
    enum err (*respond)(void *stream, const struct rpc_header *headers,
        size_t n, int end);

    /* There is more to take by rpc_call_read(). */
    void (*resume)(void *stream);

    /* End the stream with RST_STREAM, after what was said before. */
    void (*reset)(void *stream, uint32_t code);
};

struct rpc_limits {
    size_t max_message;         /* bytes of one request message */
    size_t max_arena;           /* bytes that one decoded message may take */
    unsigned max_depth;
    size_t max_elements;        /* of one repeated field */
    size_t max_fields;          /* of one message, on the wire */
    int64_t max_deadline_us;    /* a unary call's; 0: none */
    int64_t stall_us;           /* longest time that an answer may wait and
                                 * the client take none of it; 0: no limit */
    size_t max_calls;           /* at a time, of the server; 0: no limit */
    size_t spare_calls;         /* memory of so many is kept for the next */
    size_t compress_above;      /* bytes of an answer, above which it is
                                 * compressed if it may be; 0: none is */
};

/**
 * rpc_server_create(worker, limits, server):
 * Create what the calls of one worker share, and store it in ${*server}.
 * ${worker} is borrowed and must outlive it.  The caller owns ${*server}; free
 * with rpc_server_free() when no call is left.
 *
 * Fails: E_NOMEM.  On failure ${*server} is NULL.
 */
enum err MUST_USE rpc_server_create(struct service_worker *worker,
    const struct rpc_limits *limits, struct rpc_server **server);

void rpc_server_free(struct rpc_server *server);

/**
 * rpc_server_calls(server):
 * Return how many calls have been started and not freed.
 */
size_t rpc_server_calls(const struct rpc_server *server);

/**
 * rpc_server_admits(server, peer):
 * Return non-zero if one more call may be started.  Else the stream should be
 * refused before anything is made of it, so that the client tries again; the
 * log is told of such refusals now and then, how many they were, and that
 * ${peer} was the last.
 */
int rpc_server_admits(struct rpc_server *server, const struct identity *peer);

/**
 * rpc_call_start(server, peer, request, ops, stream, call):
 * Begin a call with its request headers.  ${peer} is borrowed and must outlive
 * the call, what ${request} points to is borrowed for this call only, ${ops}
 * with ${stream} until rpc_call_free().  Whatever is wrong with the headers is
 * answered through ${ops}, perhaps before this returns, and is no failure.
 * The caller owns ${*call}; free with rpc_call_free().
 *
 * Fails: E_NOMEM; nothing was said through ${ops}.  On failure ${*call} is
 * NULL.
 */
enum err MUST_USE rpc_call_start(struct rpc_server *server,
    const struct identity *peer, const struct rpc_request *request,
    const struct rpc_stream_ops *ops, void *stream, struct rpc_call **call);

/**
 * rpc_call_feed(call, bytes):
 * The client sent ${bytes} of body.  While rpc_call_full() they are kept, and
 * are used once an rpc_call_read() has made room.
 */
void rpc_call_feed(struct rpc_call *call, struct slice bytes);

/**
 * rpc_call_kept(call):
 * Return how many bytes that the client sent are kept.  The stream grants no
 * new window for them, nor lets the connection's be used for others: so much,
 * and no more, may all calls of one connection keep.
 */
size_t rpc_call_kept(const struct rpc_call *call);

/**
 * rpc_call_end(call):
 * The client has sent everything.
 */
void rpc_call_end(struct rpc_call *call);

/**
 * rpc_call_full(call):
 * Return non-zero while so much of the answer waits that the client should be
 * kept from asking more: the stream feeds on, and grants no new window until
 * an rpc_call_read() has made room.
 */
int rpc_call_full(const struct rpc_call *call);

/* What rpc_call_read() found. */
enum rpc_read {
    RPC_READ_MORE,      /* bytes were read; there may be more */
    RPC_READ_WAIT,      /* nothing now: resume() will be called */
    RPC_READ_TRAILERS   /* these bytes, if any, were the last */
};

/**
 * rpc_call_read(call, out, size, n):
 * Take up to ${size} bytes of the response body into ${out}, their number in
 * ${*n}.
 */
enum rpc_read rpc_call_read(struct rpc_call *call, uint8_t *out, size_t size,
    size_t *n);

/**
 * rpc_call_hides(call, most):
 * Return non-zero if what rpc_call_read() has is of the lone answer, from whose
 * length nobody is to learn what it says.  ${*most}: so long may answers to the
 * question be.
 */
int rpc_call_hides(const struct rpc_call *call, size_t *most);

/**
 * rpc_call_trailers(call, headers, max):
 * Fill in up to ${max} (at least 8) trailers and return their number; none:
 * the body itself ends the stream.  Borrowed from ${call}.  To be called once,
 * after RPC_READ_TRAILERS.
 */
size_t rpc_call_trailers(struct rpc_call *call, struct rpc_header *headers,
    size_t max);

/**
 * rpc_call_deadline(call):
 * Return when the call must be over by clock_monotonic_us(); INT64_MAX: never,
 * or it is over.  A client that has been answered while it still sends has a
 * second to stop, and one that takes nothing of its answer limits.stall_us.
 */
int64_t rpc_call_deadline(const struct rpc_call *call);

/**
 * rpc_call_expire(call):
 * Its deadline has passed: cancel the work and answer DEADLINE_EXCEEDED.  If
 * it was answered already, or the client does not take what is there, reset
 * the stream.
 */
void rpc_call_expire(struct rpc_call *call);

/**
 * rpc_call_free(call):
 * The stream is over.  If the method still runs it is cancelled, down to the
 * store; nothing is said through the stream any more.  Free ${call}; NULL is
 * allowed.
 */
void rpc_call_free(struct rpc_call *call);

#endif /* !RPC_RPC_H */
