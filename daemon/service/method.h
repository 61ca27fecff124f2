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

/* Metadata; if its name ends in "-bin" its value may be any bytes. */
struct metadata {
    const char *name;           /* lower case; a constant */
    struct slice value;         /* of a -bin what the base64 stands for */
};

#define METADATA_MAX 4          /* in one place of one call */

/* Where metadata of a response go. */
enum metadata_place { METADATA_HEADERS, METADATA_TRAILERS,
    METADATA_PLACES };

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

    /*
     * Add metadata to the response; the value is copied.  Headers go out with
     * the first message: from then on it is too late for them, and a call that
     * ends before it sends none.  Fails: E_TOOBIG (METADATA_MAX, or more than
     * 512 bytes in one place), E_INVAL (a value that is not text, without
     * -bin), E_EXISTS (too late), E_NOMEM.
     */
    enum err (*add_metadata)(void *cookie, enum metadata_place place,
        const struct metadata *metadata);

    /*
     * Whether the messages that are sent from now on may be compressed, as
     * they may at first.  Where method.compress is not set none ever is.
     */
    void (*allow_compression)(void *cookie, int allow);

    /* Return non-zero if the message that is now given came compressed. */
    int (*came_compressed)(void *cookie);

    /*
     * Say, before the answer, by how many bytes an answer to this question may
     * be longer than the question, whatever it says.  For methods with
     * hide_length: the padding allows for so much.
     */
    void (*may_tell)(void *cookie, size_t n);
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
    const struct metadata *metadata;    /* those that method.metadata names */
    size_t nmetadata;
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

    /*
     * Its answers may be compressed.  Not set by default, and never where an
     * answer has both what the asker chose and what the asker must not know:
     * the length of the two, compressed together, tells of the one by the
     * other (CRIME).
     */
    int compress;

    /*
     * The length of its lone answer would tell what it says: it is padded.
     */
    int hide_length;

    /*
     * Names of the request's metadata that it reads, lower case, up to NULL;
     * the first METADATA_MAX that come are kept.  NULL: none.
     */
    const char *const *metadata;
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
