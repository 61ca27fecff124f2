#ifndef SERVICE_UNARY_H
#define SERVICE_UNARY_H

/*
 * A method with one request and one response, as one function.
 */

#include "service/internal.h"
#include "service/method.h"

/*
 * One call.  Everything is borrowed until the call is answered: by
 * unary_reply() or unary_fail(), or one of their kind, exactly once, from
 * within the method's function or later from the loop.
 */
struct unary_call {
    struct service_worker *worker;
    const struct caller *caller;
    struct sink sink;

    /* The method's own.  All of it is undone when the call ends. */
    struct tick_item tick;              /* taken out of the queue */
    struct store_request *request;      /* cancelled if not NULL */
    void *state;                        /* given to free(), or to ... */
    void (*dispose)(struct unary_call *call);   /* ... this, if it is set */
    int part_of_state;                  /* dispose() frees the call as well */
    void (*abandon)(struct unary_call *call);   /* called on cancel() only */
};

/* ${request} is borrowed for this call only. */
typedef void unary_fn(struct unary_call *call, const ProtobufCMessage *request);

/**
 * unary_reply(call, response):
 * Answer with ${response}, and end and free ${call}.
 */
void unary_reply(struct unary_call *call, const ProtobufCMessage *response);

/**
 * unary_reply_bytes(call, response):
 * As unary_reply(), with a response that is packed already.
 */
void unary_reply_bytes(struct unary_call *call, struct slice response);

/**
 * unary_fail(call, status):
 * Answer with an error, and end and free ${call}.
 */
void unary_fail(struct unary_call *call, const struct grpc_status *status);

/**
 * unary_fail_err(call, err):
 * As unary_fail(), with what the caller may know of ${err}.
 */
void unary_fail_err(struct unary_call *call, enum err err);

/**
 * unary_of_tick(item):
 * Return the call of which ${item} is the tick.
 */
struct unary_call *unary_of_tick(struct tick_item *item);

/**
 * unary_init(call, worker, caller, sink):
 * Begin a call in memory of the method's own.
 */
void unary_init(struct unary_call *call, struct service_worker *worker,
    const struct caller *caller, struct sink sink);

/* What UNARY_METHOD() is made of. */
enum err unary_start(struct service_worker *worker,
    const struct caller *caller, struct sink sink, void **call);
void unary_half_close(void *call);
void unary_cancel(void *call);

/* Define the struct method_ops ${name} whose one function is ${fn}. */
#define UNARY_METHOD(name, fn)                                              \
    static void                                                             \
    name##_message(void *call, const ProtobufCMessage *message,             \
        struct slice bytes)                                                 \
    {                                                                       \
        (void)bytes;                                                        \
        fn(call, message);                                                  \
    }                                                                       \
    const struct method_ops name = {                                        \
        .start = unary_start,                                               \
        .message = name##_message,                                          \
        .half_close = unary_half_close,                                     \
        .cancel = unary_cancel                                              \
    }

#endif /* !SERVICE_UNARY_H */
