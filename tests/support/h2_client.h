#ifndef TEST_SUPPORT_H2_CLIENT_H
#define TEST_SUPPORT_H2_CLIENT_H

/*
 * A client of HTTP/2 in memory, opposite a session of ours: nghttp2's own
 * client for calls (struct peer), and frames made by hand for what no decent
 * client sends (raw_*).
 */

#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

#include "h2/h2.h"
#include "proto/bytes.h"
#include "proto/grpc_status.h"
#include "rpc/rpc.h"

#define EXCHANGES_MAX 64

/* One request and what came back. */
struct exchange {
    int32_t id;
    struct buf upload;          /* to be sent */
    size_t sent;
    int more;                   /* the upload goes on */
    int waits;                  /* nghttp2 was told to come back later */
    char headers[8192];         /* "name: value\n", trailers too */
    struct buf body;
    int nheaders;               /* frames */
    int ndata;
    size_t wire;                /* bytes of all DATA frames */
    int nempty;                 /* DATA without bytes and without an end */
    int ended;                  /* END_STREAM came */
    int nreset;
    int reset_after_end;        /* and in that order */
    uint32_t reset_code;
    int closed;
    uint32_t close_code;
};

struct peer {
    struct rpc_server *server;
    struct h2 *h2;
    nghttp2_session *session;
    struct exchange *x[EXCHANGES_MAX];
    int nx;
    int woken;
    int ngoaway;
    int32_t last_stream;        /* of the last GOAWAY */
    uint32_t goaway_code;
    char goaway_text[64];
    uint64_t to_server;         /* bytes */
    size_t padding;             /* bytes of frames of padding */
};

extern const struct h2_limits peer_limits;
extern const struct identity peer_identity;

/* Both sides; ${limits} NULL: peer_limits.  Freed by peer_close(). */
void peer_open(struct peer *p, const struct h2_limits *limits,
    int32_t client_window);

/* The session of ours alone, for bytes made by hand. */
void peer_open_raw(struct peer *p, const struct h2_limits *limits);

void peer_close(struct peer *p);

/* Move bytes both ways until there are none. */
void peer_pump(struct peer *p);

/* Move what the client has to say to the server. */
enum err peer_push(struct peer *p);

/* Move what the server has to say to the client. */
void peer_pull(struct peer *p);

/*
 * Begin a call that uploads ${body}; ${more}: and then goes on.  ${extra} are
 * header names and values, up to NULL; a value of NULL leaves one out.
 */
struct exchange *peer_call(struct peer *p, const char *path,
    struct slice body, int more, const char *const *extra);

/* Upload more; ${more}: and then still go on. */
void peer_upload(struct peer *p, struct exchange *x, struct slice body,
    int more);

/* The value of a header that came back, or NULL. */
const char *exchange_value(const struct exchange *x, const char *name);

/* How the call ended; it must have. */
struct grpc_status exchange_status(const struct exchange *x);

/* Frames by hand. */
void raw_magic(struct buf *out);
void raw_frame(struct buf *out, int type, int flags, int32_t id,
    struct slice payload);

/* HEADERS for ${path}, by literals alone: no state of HPACK is needed. */
void raw_request(struct buf *out, int32_t id, const char *path, int flags);

/* What a server sent, frame by frame. */
struct frames {
    int n[16];                  /* by type */
    int last_type;
    uint32_t reset_code;        /* of the last */
    int ncode[16];              /* RST_STREAM, by code */
    uint32_t goaway_code;       /* of the last GOAWAY */
    uint32_t goaway_stream;
    char goaway_text[64];
    uint8_t ping[8];            /* what the last PING carried */
};

void raw_scan(struct slice bytes, struct frames *frames);

#endif /* !TEST_SUPPORT_H2_CLIENT_H */
