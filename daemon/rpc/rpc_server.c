#include "rpc/rpc.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "rpc/call.h"

/* Ids of calls tell the workers of a process apart by their upper bits. */
#define SERVER_SHIFT 40

/* What may wait for the client: clients by default take up to 4 MiB at once. */
#define OUT_MAX (SINK_FULL + (size_t)4 * 1024 * 1024 + GRPC_FRAME_PREFIX)

/* What comes while the answer waits: more than any window. */
#define KEPT_MAX ((size_t)16 * 1024 * 1024)

/* What a spare call keeps of a buffer. */
#define BUF_KEEP ((size_t)4096)

/* Refusals are told of no more often. */
#define REFUSED_US INT64_C(10000000)

static _Atomic uint64_t servers;

enum err
rpc_server_create(struct service_worker *worker,
    const struct rpc_limits *limits, struct rpc_server **server)
{
    struct rpc_server *s = NULL;
    enum err err;

    *server = NULL;

    err = E_NOMEM;
    if ((s = calloc(1, sizeof(*s))) == NULL)
        goto out;
    s->worker = worker;
    s->limits = *limits;
    s->next_id = atomic_fetch_add(&servers, 1) << SERVER_SHIFT;
    if ((err = arena_create(limits->max_arena, &s->arena)) != E_OK)
        goto out;
    if ((err = rpc_compression_create(limits->max_message,
        &s->compression)) != E_OK)
        goto out;

    /* Success: hand ownership to the caller. */
    *server = s;
    s = NULL;

out:
    rpc_server_free(s);
    return (err);
}

size_t
rpc_server_calls(const struct rpc_server *server)
{
    return (server->calls);
}

static void
count_refused(struct rpc_server *s, const struct identity *peer)
{
    const int64_t now = clock_monotonic_us();

    s->refused++;
    if (s->told_at != 0 && now - s->told_at < REFUSED_US)
        return;
    log_line(LOG_WARN, "refused", "reason=\"too many calls\" calls=%zu"
        " refused=%" PRIu64 " peer=%s", s->calls, s->refused, peer->id);
    s->refused = 0;
    s->told_at = now;
}

int
rpc_server_admits(struct rpc_server *server, const struct identity *peer)
{
    if (server->calls < server->limits.max_calls ||
        server->limits.max_calls == 0)
        return (1);
    count_refused(server, peer);
    return (0);
}

static void
call_free(struct rpc_call *call)
{
    grpc_reader_free(call->reader);
    buf_free(&call->request);
    buf_free(&call->kept);
    buf_free(&call->out);
    free(call->outcome.message);
    rpc_metadata_free(call->metadata);
    free(call);
}

static enum err
call_create(const struct rpc_server *server, struct rpc_call **call)
{
    struct rpc_call *c;
    enum err err;

    *call = NULL;
    if ((c = calloc(1, sizeof(*c))) == NULL)
        return (E_NOMEM);
    buf_init(&c->request, server->limits.max_message);
    buf_init(&c->kept, KEPT_MAX);
    buf_init(&c->out, OUT_MAX);
    if ((err = grpc_reader_create(server->limits.max_message, &c->reader)) !=
        E_OK) {
        call_free(c);
        return (err);
    }
    *call = c;
    return (E_OK);
}

enum err
rpc_server_call(struct rpc_server *server, struct rpc_call **call)
{
    enum err err = E_OK;

    if ((*call = server->spare) != NULL) {
        server->spare = (*call)->next;
        (*call)->next = NULL;
        server->nspare--;
    } else
        err = call_create(server, call);
    if (err == E_OK)
        server->calls++;
    return (err);
}

void
rpc_server_over(struct rpc_server *server, struct rpc_call *call)
{
    struct rpc_call next = {.reader = call->reader, .request = call->request,
        .kept = call->kept, .out = call->out, .next = server->spare};

    server->calls--;
    if (server->nspare >= server->limits.spare_calls ||
        next.request.size > BUF_KEEP || next.out.size > BUF_KEEP) {
        call_free(call);
        return;
    }
    free(call->outcome.message);
    rpc_metadata_free(call->metadata);
    grpc_reader_reset(next.reader);
    if (next.kept.size > 0)
        buf_free(&next.kept);
    next.request.n = next.out.n = 0;
    *call = next;
    server->spare = call;
    server->nspare++;
}

void
rpc_server_free(struct rpc_server *server)
{
    struct rpc_call *call;

    if (server == NULL)
        return;
    while ((call = server->spare) != NULL) {
        server->spare = call->next;
        call_free(call);
    }
    rpc_compression_free(server->compression);
    arena_free(server->arena);
    free(server);
}
