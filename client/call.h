#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

/*
 * One gRPC call as its client sees it (grpc/doc/PROTOCOL-HTTP2.md): what is
 * still to be sent, what has come and has not been taken, and how it ended.
 * Pure: no socket and no session of HTTP/2; vouch.c feeds it.
 */

#include <protobuf-c/protobuf-c.h>

#include "client/vouch.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/grpc_frame.h"
#include "proto/grpc_status.h"

/* A message that has come and has not been taken. */
struct call_message {
    struct call_message *next;
    size_t n;
    uint8_t bytes[];
};

/* {0} is a call that is not there; nothing but call_begin() may follow. */
struct call {
    int32_t stream;                 /* of HTTP/2; 0: there is no call */
    const ProtobufCMessageDescriptor *type;
    struct buf out;                 /* framed, not yet sent */
    int half_closed;                /* nothing will follow what is in out */
    struct grpc_reader *reader;     /* owned */
    struct call_message *first;     /* owned */
    struct call_message **last;
    size_t unread;                  /* bytes that they take */
    int http_status;
    int is_grpc;                    /* by its content-type */
    int answered;                   /* with headers that are not the end */
    int ended;                      /* the server has said all */
    int closed;                     /* the stream is gone, for both sides */
    uint32_t reset;                 /* the HTTP/2 error it ended with */
    int has_status;                 /* grpc-status was there, at the end */
    enum grpc_code code;
    int32_t pushback;               /* ms to wait before another attempt; -1:
                                     * there should be none, or nobody said */
    struct buf message;             /* grpc-message as on the wire */
    struct buf details;             /* grpc-status-details-bin, in base64 */
    enum err broken;                /* what we could not make sense of */
};

/**
 * call_begin(call, type):
 * Prepare ${call}, whose responses are messages of ${type}.  End it with
 * call_clear().
 *
 * Fails: E_NOMEM; ${call} is then as it was.
 */
enum err MUST_USE call_begin(struct call *call,
    const ProtobufCMessageDescriptor *type);

/**
 * call_put(call, request):
 * Frame ${request} behind what is to be sent.
 *
 * Fails: E_NOMEM, E_TOOBIG; nothing is then added.
 */
enum err MUST_USE call_put(struct call *call,
    const ProtobufCMessage *request);

/**
 * call_header(call, name, value, last):
 * A header has come, in a block that ends the stream if ${last}: only there is
 * a status the status of the call.
 */
void call_header(struct call *call, struct slice name, struct slice value,
    int last);

/**
 * call_data(call, bytes):
 * Data has come.  What is wrong with it shows in call->broken.
 */
void call_data(struct call *call, struct slice bytes);

/**
 * call_is_over(call):
 * Return non-zero if nothing more will come.
 */
int call_is_over(const struct call *call);

/**
 * call_take(call, response, message, error):
 * Unpack the first message that has come; there must be one.  Returns 0, or
 * -1 with ${*response} NULL.  In both cases the caller owns ${*message}, the
 * bytes as they came; free with free().
 */
int call_take(struct call *call, ProtobufCMessage **response,
    struct call_message **message, struct vouch_error *error);

/**
 * call_outcome(call, error):
 * How the call that is over ended: 0 well, -1 with ${*error}.
 */
int call_outcome(const struct call *call, struct vouch_error *error);

/**
 * call_clear(call):
 * Free all of it: there is no call then.
 */
void call_clear(struct call *call);

#endif /* !CLIENT_CALL_H */
