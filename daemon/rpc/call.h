#ifndef RPC_CALL_H
#define RPC_CALL_H

/*
 * Inside rpc: a call, and what its parts say to each other.
 */

#include "proto/arena.h"
#include "proto/grpc_frame.h"
#include "proto/grpc_status.h"
#include "rpc/rpc_compression.h"
#include "rpc/rpc.h"
#include "service/method.h"

struct rpc_server {
    struct service_worker *worker;  /* borrowed */
    struct rpc_limits limits;
    struct arena *arena;            /* owned; holds one message at a time */
    struct rpc_compression *compression;    /* owned */
    uint64_t next_id;
    size_t calls;
    uint64_t refused;               /* since the log was told */
    int64_t told_at;                /* 0: never */
    struct rpc_call *spare;         /* owned */
    size_t nspare;
};

/*-
 * The life of a call:
 *
 *   READING --> RUNNING --> ENDED --> SAID --> RESET
 *      |                    ^  |                ^
 *      +--------------------+  +----------------+
 *
 * READING: what the client sends is gathered (a client that does not stream).
 * RUNNING: the method works.  ENDED: how the call ended is known, and not all
 * of it has been taken by the stream.  SAID: the stream has everything.
 * RESET: and may have nothing more.
 */
enum rpc_state { RPC_READING, RPC_RUNNING, RPC_ENDED, RPC_SAID, RPC_RESET };

/* What somebody who does not speak gRPC is answered (rpc_plain.c). */
struct rpc_plain;

enum rpc_plain_kind {
    RPC_PLAIN_NOT,              /* gRPC */
    RPC_PLAIN_METHOD,           /* 405: calls are made by POST */
    RPC_PLAIN_TYPE,             /* 415: this content type is not served */
    RPC_PLAIN_CUT,              /* 431: too many headers */
    RPC_PLAIN_HEALTH,           /* /healthz, by GET */
    RPC_PLAIN_HEALTH_HEAD,      /* by HEAD */
    RPC_PLAIN_HEALTH_METHOD     /* by something else: 405 */
};

/* What the request headers say. */
struct rpc_facts {
    const struct method *method;    /* NULL: there is none, or not looked up */
    int64_t timeout_us;             /* -1: none was given */
    enum rpc_plain_kind plain;
    int encoding_unknown;           /* the client has to be told which are */
    int sends_gzip;                 /* messages may have the flag */
    int takes_gzip;                 /* as far as the method allows it */
    unsigned attempts;              /* that failed before this one */
};

/* The end of a call as header values. */
struct rpc_outcome {
    enum grpc_code code;    /* grpc-status */
    char *message;          /* owned; grpc-message, NULL: none */
    char *details;          /* grpc-status-details-bin, within message */
    char *pushback;         /* grpc-retry-pushback-ms, within message */
};

/* Metadata of a call that has some (rpc_metadata.c). */
struct rpc_metadata;

struct rpc_call {
    struct rpc_server *server;              /* borrowed */
    const struct rpc_stream_ops *ops;       /* borrowed */
    void *stream;                           /* borrowed */
    const struct method *method;            /* NULL: none was found */
    void *work;                             /* the method's, while RUNNING */
    struct caller caller;
    enum rpc_state state;
    const struct rpc_plain *plain;          /* a constant; NULL: gRPC */
    int encoding_unknown;
    uint8_t sends_gzip;                     /* the client, some messages */
    uint8_t takes_gzip;                     /* the client, of this method */
    uint8_t came_compressed;                /* the last message */
    uint8_t compression_off;                /* the method said so last */
    uint8_t gzip_said;                      /* in the response headers */
    int client_done;                        /* the client has said it all */
    int responded;                          /* response headers are out */
    int was_full;                           /* writable() is owed */
    int64_t started_us;
    int64_t until_us;                       /* end of the call's time */
    int64_t stalled_us;                     /* end of the patience with a
                                             * client that takes nothing */
    struct grpc_reader *reader;             /* owned */
    struct buf request;                     /* the one message while READING */
    struct buf kept;                        /* what came while full */
    size_t may_tell;                        /* bytes beside the question */
    unsigned nrequests;
    unsigned attempts;                      /* of the same before this one */
    struct buf out;
    size_t taken;                           /* of out, by the stream */
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t inflated;                      /* bytes of compressed messages */
    size_t ignored;                         /* bytes that came too late */
    struct rpc_outcome outcome;
    struct rpc_metadata *metadata;          /* owned; NULL: none */
    struct rpc_call *next;                  /* among the spare */
};

/**
 * rpc_server_call(server, call):
 * Make a call, all of it zero but its reader and its buffers, which are empty;
 * it ends with rpc_server_over().  Fails: E_NOMEM; ${*call} is then NULL.
 */
enum err MUST_USE rpc_server_call(struct rpc_server *server,
    struct rpc_call **call);

/**
 * rpc_server_over(server, call):
 * Free ${call}, or keep it for rpc_server_call().
 */
void rpc_server_over(struct rpc_server *server, struct rpc_call *call);

/**
 * rpc_call_enter(call, next):
 * Change the state; a move that the drawing above does not show is a bug, and
 * ends the program.
 */
void rpc_call_enter(struct rpc_call *call, enum rpc_state next);

/**
 * rpc_call_backlog(call):
 * Return how many bytes of the answer the stream has not taken.
 */
size_t rpc_call_backlog(const struct rpc_call *call);

/**
 * rpc_call_waits(call):
 * There is more for the stream to take: it has limits.stall_us from now, or
 * from when it last took something.
 */
void rpc_call_waits(struct rpc_call *call);

/**
 * rpc_call_finish(call, status):
 * The one end of every gRPC call: say ${status} through the stream.  A method
 * that runs is not told, because it said so itself or never began.
 */
void rpc_call_finish(struct rpc_call *call, const struct grpc_status *status);

/**
 * rpc_call_fail(call, status):
 * The same, and tell the method, if it runs, to stop.
 */
void rpc_call_fail(struct rpc_call *call, const struct grpc_status *status);

/**
 * rpc_work_start(call):
 * Let the method begin.  It may be over when this returns.
 */
void rpc_work_start(struct rpc_call *call);

/**
 * rpc_work_deliver(call, bytes):
 * Give the method, which runs, the message ${bytes}, or refuse it.  The call
 * may be over when this returns.
 */
void rpc_work_deliver(struct rpc_call *call, struct slice bytes);

/**
 * rpc_headers_check(request, peer, facts, status):
 * Judge the headers of a call by ${peer}.  Return non-zero if it may begin;
 * otherwise ${facts}->plain says what is answered, or, if that is
 * RPC_PLAIN_NOT, ${*status} how the call ends.  ${*facts} is set in either
 * case.
 */
int rpc_headers_check(const struct rpc_request *request,
    const struct identity *peer, struct rpc_facts *facts,
    struct grpc_status *status);

/**
 * rpc_work_inflate(call, message):
 * If the message that ${call}'s reader gave is compressed, point ${*message}
 * at what is in it, borrowed until the next such message of the server.  Return
 * zero if that cannot be had: the call is over then.
 */
int rpc_work_inflate(struct rpc_call *call, struct slice *message);

/**
 * rpc_metadata_receive(call, request):
 * Keep those of the request's metadata that the method reads, for the caller.
 * Fails: E_NOMEM.
 */
enum err MUST_USE rpc_metadata_receive(struct rpc_call *call,
    const struct rpc_request *request);

/**
 * rpc_metadata_add(call, place, metadata):
 * As add_metadata() of struct sink_ops.
 */
enum err MUST_USE rpc_metadata_add(struct rpc_call *call,
    enum metadata_place place, const struct metadata *metadata);

/**
 * rpc_metadata_fill(call, place, headers):
 * Fill in up to METADATA_MAX headers, borrowed from ${call}, and return their
 * number.
 */
size_t rpc_metadata_fill(const struct rpc_call *call,
    enum metadata_place place, struct rpc_header *headers);

/**
 * rpc_metadata_free(metadata):
 * Free ${metadata}; NULL is allowed.
 */
void rpc_metadata_free(struct rpc_metadata *metadata);

/**
 * rpc_response_begin(call):
 * Send the response headers before the first message.  Fails: E_NOMEM.
 */
enum err MUST_USE rpc_response_begin(struct rpc_call *call);

/**
 * rpc_response_only(call):
 * Send the whole response, which has no message, in one header list.
 * Fails: E_NOMEM.
 */
enum err MUST_USE rpc_response_only(struct rpc_call *call);

/**
 * rpc_response_outcome(status, outcome):
 * Write ${status} as header values into ${*outcome}, whose text the caller
 * owns.  If there is no memory for message or details they are left out: the
 * code always arrives.  The wait that a client is asked for is made longer by
 * up to a half, so that those who failed together do not all come back at once.
 */
void rpc_response_outcome(const struct grpc_status *status,
    struct rpc_outcome *outcome);

/**
 * rpc_response_trailers(outcome, headers):
 * Fill in up to 4 trailers, borrowed from ${outcome}, and return their number.
 */
size_t rpc_response_trailers(const struct rpc_outcome *outcome,
    struct rpc_header *headers);

/**
 * rpc_plain_find(kind, worker):
 * Return the answer to a request that is not gRPC: a constant.  Of the health
 * it asks ${worker}.
 */
const struct rpc_plain *rpc_plain_find(enum rpc_plain_kind kind,
    const struct service_worker *worker);

/**
 * rpc_plain_code(plain):
 * rpc_plain_path(plain):
 * Return what the log calls the status of ${plain} and what was asked for.
 */
const char *rpc_plain_code(const struct rpc_plain *plain);
const char *rpc_plain_path(const struct rpc_plain *plain);

/**
 * rpc_plain_respond(call):
 * Answer with call->plain; a body goes to call->out.  Fails: E_NOMEM.
 */
enum err MUST_USE rpc_plain_respond(struct rpc_call *call);

#endif /* !RPC_CALL_H */
