#include "rpc/rpc.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "rpc/call.h"

/* Ids of calls tell the workers of a process apart by their upper bits. */
#define SERVER_SHIFT 40

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

void
rpc_server_free(struct rpc_server *server)
{
    if (server == NULL)
        return;
    arena_free(server->arena);
    free(server);
}
