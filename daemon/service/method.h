#ifndef SERVICE_METHOD_H
#define SERVICE_METHOD_H

/*
 * What rpc and the methods of the services say to each other.  rpc finds the
 * method of a call, checks the caller's role against it, decodes what comes
 * in and calls the method's functions; the method answers through the sink
 * that it was given.  All of it happens on the thread of one worker.
 *
 * A call begins with start().  Then message() for each request message,
 * half_close() when the client has said everything, writable() when a full
 * sink has room again.  It ends in exactly one of two ways: the method calls
 * the sink's finish(), from within any of these functions or later from the
 * loop; or rpc calls cancel(), because the client is gone or its deadline has
 * passed.  After either, nobody calls the other again, and what start() stored
 * in ${*call} has been freed by the method.
 *
 * For a method whose client does not stream, rpc itself sees to it that there
 * is exactly one message, and calls start(), message() and half_close() one
 * after the other once the client has said everything.
 */

#include <protobuf-c/protobuf-c.h>

#include "base/identity.h"
#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/grpc_status.h"

/* Opaque types. */
struct service_worker;      /* service.h: one per worker thread */

/* Where a method's answer goes. */
struct sink_ops {
    /*
     * Send one message.  It is packed before this returns.  Fails: E_NOMEM,
     * E_TOOBIG; the method should then finish with that error.
     */
    enum err (*send)(void *cookie, const ProtobufCMessage *message);

    /*
     * Send one message that is packed already; ${message} is copied before
     * this returns.  Fails as send().
     */
    enum err (*send_bytes)(void *cookie, struct slice message);

    /* End the call.  ${status} is read before this returns. */
    void (*finish)(void *cookie, const struct grpc_status *status);

    /*
     * Return how many bytes of answer wait for the client.  A method that
     * streams much stops sending above SINK_FULL; writable() is called once
     * they have fallen below it.
     */
    size_t (*backlog)(void *cookie);
};

#define SINK_FULL ((size_t)256 * 1024)

struct sink {
    const struct sink_ops *ops;
    void *cookie;
};

/* What a call may know of its caller.  Borrowed, valid until the call ends. */
struct caller {
    const struct identity *identity;
    int64_t deadline_us;        /* clock_monotonic_us(); INT64_MAX: none */
    uint64_t call_id;           /* as the log has it */
};

struct method_ops {
    /*
     * Begin a call.  ${sink} is valid until the call ends.  Fails: any;
     * the call has then ended, and rpc answers with grpc_status_from_err().
     */
    enum err (*start)(struct service_worker *worker,
        const struct caller *caller, struct sink sink, void **call);

    /*
     * Return where the call's messages are decoded, so that they live as long
     * as it; NULL: they are gone when message() returns.
     */
    struct arena *(*arena)(void *call);

    /* ${message} and ${bytes}, its wire form, are borrowed for this call. */
    void (*message)(void *call, const ProtobufCMessage *message,
        struct slice bytes);

    void (*half_close)(void *call);

    void (*writable)(void *call);       /* NULL: never sends much */

    void (*cancel)(void *call);
};

struct method {
    const char *path;           /* "/vouch.v1.CatalogService/GetAssociation" */
    int client_streaming;
    int server_streaming;
    unsigned roles;             /* who may call it: ROLE_BIT() of each */
    int refuse_unknown;         /* fields that its request does not declare */
    const ProtobufCMessageDescriptor *request;
    const struct method_ops *ops;
};

/**
 * method_find(path):
 * Return the method at ${path}, or NULL.
 */
const struct method *method_find(struct slice path);

/**
 * method_nearest(path):
 * Return the path of the method most like ${path}, for an error text.
 */
const char *method_nearest(struct slice path);

/**
 * method_all(n):
 * Return all methods, by path, and their number in ${*n}.
 */
const struct method *method_all(size_t *n);

#endif /* !SERVICE_METHOD_H */
