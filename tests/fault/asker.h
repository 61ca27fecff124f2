#ifndef TEST_FAULT_ASKER_H
#define TEST_FAULT_ASKER_H

/*
 * A client of the daemon, on the calling thread, that never waits longer than
 * it is told to.
 */

#include <stdint.h>

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include "proto/bytes.h"

struct asker {
    SSL_CTX *ctx;               /* borrowed */
    int fd;                     /* -1: not connected */
    SSL *ssl;
    nghttp2_session *session;
    int settled;                /* the server's SETTINGS came */
};

enum reply_end {
    REPLY_WAITING,              /* nothing yet, or not all */
    REPLY_ANSWERED,             /* a gRPC status came */
    REPLY_RESET,                /* the stream ended without one */
    REPLY_CLOSED                /* so did the connection */
};

struct reply {
    enum reply_end end;
    int code;                   /* gRPC's; -1: none */
    struct buf body;            /* of the response; owned */
    struct slice upload;        /* borrowed until the end */
    size_t sent;
    int more;                   /* the upload does not end */
    int32_t id;
};

/**
 * asker_open(asker, ctx, port, ms):
 * Connect and shake hands, until the server's SETTINGS have come.  Return 0 if
 * the server will not have us.
 */
int asker_open(struct asker *asker, SSL_CTX *ctx, int port, int ms);

/* Is it connected, as far as we know? */
int asker_is_open(struct asker *asker);

/**
 * asker_send(asker, path, upload, more, reply):
 * Begin a call.  ${*reply} must stay until it has ended, or the connection;
 * give what it holds back with reply_free().
 */
void asker_send(struct asker *asker, const char *path, struct slice upload,
    int more, struct reply *reply);

/**
 * asker_await(asker, reply, ms):
 * Go on until ${reply} has ended or the time is over.
 */
void asker_await(struct asker *asker, struct reply *reply, int ms);

/* The same, until the first message has come. */
void asker_await_message(struct asker *asker, struct reply *reply, int ms);

/* End the call before its time. */
void asker_cancel(struct asker *asker, struct reply *reply);

/* Go on until the server hangs up, or the time is over. */
void asker_await_close(struct asker *asker, int ms);

void asker_close(struct asker *asker);
void reply_free(struct reply *reply);

#endif /* !TEST_FAULT_ASKER_H */
