/*
 * The method's side of a call: where its answers go, and what it is given.
 */

#include "rpc/call.h"

#include <assert.h>

#include "proto/message.h"

/* What a call may inflate whatever it sends, and from then on what for. */
#define INFLATE_FREE (1024 * 1024)
#define INFLATE_RATIO 32

/* What a message is sent as: one of the two. */
struct outgoing {
    const ProtobufCMessage *message;    /* NULL: bytes */
    struct slice bytes;
};

/* A client that takes gzip has it where it is worth the work. */
static void
compress(struct rpc_call *call, size_t at)
{
    const struct rpc_server *server = call->server;
    struct buf *out = &call->out;

    if (call->compression_off ||
        out->n - at - GRPC_FRAME_PREFIX <= server->limits.compress_above ||
        !rpc_compression_deflate(server->compression, out,
        at + GRPC_FRAME_PREFIX))
        return;
    grpc_frame_set_compressed(out, at);
    call->gzip_said = 1;
}

static enum err
append(struct rpc_call *call, const struct outgoing *what)
{
    struct buf *out = &call->out;
    size_t at;
    enum err err;

    if ((err = grpc_frame_begin(out, &at)) != E_OK)
        return (err);
    err = what->message != NULL ? message_pack(what->message, out) :
        buf_add(out, what->bytes);
    if (err != E_OK)
        return (err);
    if (call->takes_gzip)
        compress(call, at);
    grpc_frame_end(out, at);
    return (E_OK);
}

static enum err
put(struct rpc_call *call, const struct outgoing *what)
{
    size_t before;
    enum err err;

    assert(call->state == RPC_RUNNING);
    assert(call->method->server_streaming || call->bytes_out == 0);

    /* Make room at the front, but not for each message anew. */
    if (call->taken > call->out.n / 2) {
        buf_drop(&call->out, call->taken);
        call->taken = 0;
    }
    before = call->out.n;
    if ((err = append(call, what)) != E_OK)
        goto out;

    /* A lone answer waits for its status, which may yet be an error. */
    if (call->responded)
        call->ops->resume(call->stream);
    else if (call->method->server_streaming) {
        if ((err = rpc_response_begin(call)) != E_OK)
            goto out;
        call->responded = 1;
    }
    call->bytes_out += call->out.n - before;
    call->was_full |= rpc_call_backlog(call) >= SINK_FULL;
    if (call->responded)    /* a lone answer waits from its end on */
        rpc_call_waits(call);

out:
    if (err != E_OK)
        call->out.n = before;
    return (err);
}

static enum err
sink_send(void *cookie, const ProtobufCMessage *message)
{
    return (put(cookie, &(struct outgoing){.message = message}));
}

static enum err
sink_send_bytes(void *cookie, struct slice message)
{
    return (put(cookie, &(struct outgoing){.bytes = message}));
}

static void
sink_finish(void *cookie, const struct grpc_status *status)
{
    struct rpc_call *call = cookie;

    assert(call->state == RPC_RUNNING);
    rpc_call_finish(call, status);
}

static size_t
sink_backlog(void *cookie)
{
    return (rpc_call_backlog(cookie));
}

static enum err
sink_add_metadata(void *cookie, enum metadata_place place,
    const struct metadata *metadata)
{
    return (rpc_metadata_add(cookie, place, metadata));
}

static void
sink_allow_compression(void *cookie, int allow)
{
    struct rpc_call *call = cookie;

    call->compression_off = !allow;
}

static int
sink_came_compressed(void *cookie)
{
    return (((struct rpc_call *)cookie)->came_compressed);
}

static void
sink_may_tell(void *cookie, size_t n)
{
    ((struct rpc_call *)cookie)->may_tell = n;
}

static const struct sink_ops sink_ops = {
    .send = sink_send,
    .send_bytes = sink_send_bytes,
    .finish = sink_finish,
    .backlog = sink_backlog,
    .add_metadata = sink_add_metadata,
    .allow_compression = sink_allow_compression,
    .came_compressed = sink_came_compressed,
    .may_tell = sink_may_tell,
};

void
rpc_work_start(struct rpc_call *call)
{
    struct sink sink = {&sink_ops, call};
    struct grpc_status status;
    enum err err;

    rpc_call_enter(call, RPC_RUNNING);
    err = call->method->ops->start(call->server->worker, &call->caller, sink,
        &call->work);
    if (err == E_OK || call->state != RPC_RUNNING)
        return;
    grpc_status_from_err(&status, err);
    rpc_call_finish(call, &status);
}

/* What a client is told whose message did not pass the scan. */
static void
refuse_message(struct rpc_call *call, enum err err,
    const struct message_fault *fault)
{
    const char *at = fault->field[0] != '\0' ? ", at " : "";
    struct grpc_status status;

    switch (err) {
    case E_INVAL:
        grpc_status_set(&status, GRPC_INTERNAL, "PARSE_ERROR",
            "Error parsing request: %s%s%s", fault->what, at, fault->field);
        break;
    case E_DENIED:
        grpc_status_from_err(&status, E_OK);
        grpc_status_violation(&status, fault->field, "%s", fault->what);
        break;
    case E_TOOBIG:
        grpc_status_set(&status, GRPC_RESOURCE_EXHAUSTED,
            "MESSAGE_TOO_COMPLEX", "%s%s%s", fault->what, at, fault->field);
        break;
    default:
        grpc_status_from_err(&status, err);
        break;
    }
    rpc_call_fail(call, &status);
}

/*
 * A stream of small bombs, each below the limit on a message, would be work
 * for a thousand times as many bytes as the client sends.  Rows and questions,
 * packed one by one, do not shrink to a tenth.
 */
static int
is_bombed(const struct rpc_call *call)
{
    return (call->inflated > INFLATE_FREE &&
        call->inflated / INFLATE_RATIO > call->bytes_in);
}

int
rpc_work_inflate(struct rpc_call *call, struct slice *message)
{
    struct rpc_server *server = call->server;
    struct grpc_status status;
    struct slice packed = *message;
    enum err err;

    call->came_compressed = (grpc_reader_compressed(call->reader) != 0);
    if (!call->came_compressed)
        return (1);
    err = rpc_compression_inflate(server->compression, packed, message);
    call->inflated += message->n;
    if (err == E_OK && !is_bombed(call))
        return (1);
    if (err == E_OK)
        grpc_status_set(&status, GRPC_RESOURCE_EXHAUSTED, "INFLATES_TOO_MUCH",
            "the messages of this call inflate to more than %d times what "
            "was sent", INFLATE_RATIO);
    else if (err == E_INVAL)
        grpc_status_set(&status, GRPC_INTERNAL, "BAD_GZIP",
            "a compressed message is not one whole member of gzip");
    else if (err == E_TOOBIG)
        grpc_status_set(&status, GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG",
            "a message of %zu bytes inflates to more than the limit of %zu",
            packed.n, server->limits.max_message);
    else
        grpc_status_from_err(&status, err);
    rpc_call_fail(call, &status);
    return (0);
}

void
rpc_work_deliver(struct rpc_call *call, struct slice bytes)
{
    const struct method *method = call->method;
    const struct rpc_limits *limits = &call->server->limits;
    const struct message_limits scan = {
        .depth = limits->max_depth,
        .elements = limits->max_elements,
        .fields = limits->max_fields,
        .refuse_unknown = method->refuse_unknown,
    };
    struct message_fault fault = {"", "the message takes too much memory"};
    struct arena *arena = call->server->arena;
    ProtobufCMessage *message;
    enum err err;

    if (method->ops->arena != NULL)
        arena = method->ops->arena(call->work);
    else
        arena_reset(arena);
    if ((err = message_decode(method->request, bytes, &scan, arena, &message,
        &fault)) != E_OK) {
        refuse_message(call, err, &fault);
        return;
    }
    method->ops->message(call->work, message, bytes);
}
