#include "service/unary.h"

#include <stddef.h>
#include <stdlib.h>

static void
release(struct unary_call *call)
{
    const int own = !call->part_of_state;

    service_tick_remove(&call->tick);
    store_cancel(call->request);
    if (call->dispose != NULL)
        call->dispose(call);
    else
        free(call->state);
    if (own)
        free(call);
}

void
unary_init(struct unary_call *call, struct service_worker *worker,
    const struct caller *caller, struct sink sink)
{
    *call = (struct unary_call){.worker = worker, .caller = caller,
        .sink = sink};
}

enum err
unary_start(struct service_worker *worker, const struct caller *caller,
    struct sink sink, void **call)
{
    struct unary_call *made;

    if ((made = malloc(sizeof(*made))) == NULL)
        return (E_NOMEM);
    unary_init(made, worker, caller, sink);
    *call = made;
    return (E_OK);
}

/* rpc has seen to it that there is one message: nothing is left to say. */
void
unary_half_close(void *call)
{
    (void)call;
}

void
unary_cancel(void *call)
{
    struct unary_call *unary = call;

    if (unary->abandon != NULL)
        unary->abandon(unary);
    release(unary);
}

void
unary_fail(struct unary_call *call, const struct grpc_status *status)
{
    struct sink sink = call->sink;

    release(call);
    sink.ops->finish(sink.cookie, status);
}

void
unary_fail_err(struct unary_call *call, enum err err)
{
    struct grpc_status status;

    grpc_status_from_err(&status, err);
    unary_fail(call, &status);
}

void
unary_reply(struct unary_call *call, const ProtobufCMessage *response)
{
    unary_fail_err(call, call->sink.ops->send(call->sink.cookie, response));
}

void
unary_reply_bytes(struct unary_call *call, struct slice response)
{
    unary_fail_err(call, call->sink.ops->send_bytes(call->sink.cookie,
        response));
}

struct unary_call *
unary_of_tick(struct tick_item *item)
{
    return ((struct unary_call *)(void *)((char *)item -
        offsetof(struct unary_call, tick)));
}
