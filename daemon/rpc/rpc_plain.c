#include "rpc/call.h"

#include "service/service.h"

/*
 * What is answered to those who do not speak gRPC.  All of it is constant.
 */

struct rpc_plain {
    const char *code;                   /* for the log */
    const char *path;                   /* likewise */
    const struct rpc_header *headers;
    size_t n;
    const char *body;                   /* NULL: none */
};

#define CONSTANT(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define FIXED(name, value) {CONSTANT(name), CONSTANT(value), 1}
#define LIST(headers) (headers), sizeof(headers) / sizeof((headers)[0])

static const struct rpc_header method_headers[] = {
    FIXED(":status", "405"),
    FIXED("allow", "POST"),
};

static const struct rpc_header health_method_headers[] = {
    FIXED(":status", "405"),
    FIXED("allow", "GET, HEAD"),
};

static const struct rpc_header type_headers[] = {
    FIXED(":status", "415"),
    FIXED("content-type", "application/json"),
};

static const struct rpc_header cut_headers[] = {
    FIXED(":status", "431"),
    FIXED("content-type", "application/json"),
};

/* Whoever keeps an answer does not ask about today's health. */
#define HEALTH(status, length)                  \
    FIXED(":status", status),                   \
    FIXED("content-type", "text/plain"),        \
    FIXED("content-length", length),            \
    FIXED("cache-control", "no-store")

#define SERVING_BODY "ok\n"
#define NOT_SERVING_BODY "not serving\n"

static const struct rpc_header serving_headers[] = {HEALTH("200", "3")};
static const struct rpc_header not_serving_headers[] = {HEALTH("503", "12")};

_Static_assert(sizeof(SERVING_BODY) == 3 + 1, "the length is told");
_Static_assert(sizeof(NOT_SERVING_BODY) == 12 + 1, "the length is told");

static const struct rpc_plain serving = {
    "HTTP_200", "/healthz", LIST(serving_headers), SERVING_BODY};
static const struct rpc_plain serving_head = {
    "HTTP_200", "/healthz", LIST(serving_headers), NULL};
static const struct rpc_plain not_serving = {
    "HTTP_503", "/healthz", LIST(not_serving_headers), NOT_SERVING_BODY};
static const struct rpc_plain not_serving_head = {
    "HTTP_503", "/healthz", LIST(not_serving_headers), NULL};

/* What does not depend on how we are. */
static const struct rpc_plain refusals[] = {
    [RPC_PLAIN_METHOD] = {"HTTP_405", "-", LIST(method_headers), NULL},
    [RPC_PLAIN_HEALTH_METHOD] = {"HTTP_405", "/healthz",
        LIST(health_method_headers), NULL},
    [RPC_PLAIN_TYPE] = {"HTTP_415", "-", LIST(type_headers),
        "{\"code\":\"unsupported_media_type\",\"message\":"
        "\"this is gRPC: send content-type application/grpc\"}\n"},
    [RPC_PLAIN_CUT] = {"HTTP_431", "-", LIST(cut_headers),
        "{\"code\":\"headers_too_big\",\"message\":"
        "\"the request's headers are above the limit on them\"}\n"},
};

const struct rpc_plain *
rpc_plain_find(enum rpc_plain_kind kind, const struct service_worker *worker)
{
    int well;

    if (kind != RPC_PLAIN_HEALTH && kind != RPC_PLAIN_HEALTH_HEAD)
        return (&refusals[kind]);
    well = service_worker_serves(worker);
    if (kind == RPC_PLAIN_HEALTH_HEAD)
        return (well ? &serving_head : &not_serving_head);
    return (well ? &serving : &not_serving);
}

const char *
rpc_plain_code(const struct rpc_plain *plain)
{
    return (plain->code);
}

const char *
rpc_plain_path(const struct rpc_plain *plain)
{
    return (plain->path);
}

enum err
rpc_plain_respond(struct rpc_call *call)
{
    const struct rpc_plain *plain = call->plain;
    enum err err;

    if (plain->body == NULL)
        return (call->ops->respond(call->stream, plain->headers, plain->n,
            1));
    if ((err = buf_add(&call->out, slice_of(plain->body))) != E_OK)
        return (err);
    return (call->ops->respond(call->stream, plain->headers, plain->n, 0));
}
