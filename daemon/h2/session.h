#ifndef H2_SESSION_H
#define H2_SESSION_H

/*
 * Inside h2: a session, its streams, and what its parts say to each other.
 */

#include <nghttp2/nghttp2.h>

#include "h2/h2.h"
#include "h2/h2_memory.h"
#include "rpc/rpc.h"

/*
 * A stream lives from the HEADERS that open it until nghttp2 says that it is
 * closed, which it does from mem_recv and mem_send alone: whoever holds one
 * across a call into rpc finds it alive.
 */
struct h2_stream {
    struct h2 *h2;                  /* borrowed */
    struct h2_stream *next;
    struct h2_stream **link;        /* what points here */
    struct rpc_call *call;          /* owned; NULL: refused */
    int32_t id;
    int waits;                      /* nghttp2 was told to come back later */
    int client_done;
    int ending;                     /* the end was handed to nghttp2 ... */
    int ended;                      /* ... and is on its way */
    int reset_owed;                 /* RST_STREAM follows the end */
    uint32_t reset_code;
    size_t held;                    /* received, and no new window granted */
    size_t owed;                    /* of that, the connection's, too */
    unsigned padded;                /* pieces of its answer */
};

/*
 * The header block that is being read.  HTTP/2 sends blocks in one piece, so
 * one store serves all streams of a session.
 */
struct h2_block {
    struct buf bytes;               /* of each header: lengths, name, value */
    size_t n;                       /* headers kept */
    size_t size;                    /* of all, as RFC 9113 6.5.2 counts */
};

/* Of the streams that we reset, so many are kept in mind. */
#define H2_STRICT_RESETS 16

/* What nghttp2 does not look at, or not for long enough. */
struct h2_strict {
    int32_t newest;                 /* that was opened */
    int32_t skipped_from;           /* between these none was: the last such */
    int32_t skipped_to;             /* gap */
    int32_t reset[H2_STRICT_RESETS];    /* by us, with more to come */
    unsigned nreset;                /* so far */
    int32_t forgotten;              /* the newest that fell out of it */
    int32_t largest;                /* window of a stream, and ... */
    uint32_t initial;               /* that of a new one, before SETTINGS */
    uint32_t left;                  /* of the frame that arrives */
    uint8_t head[9];                /* of the next */
    uint8_t nhead;
};

/*
 * DRAIN_BEGUN: the first GOAWAY is made by the next h2_take().  DRAIN_NOTICE:
 * a PING is behind it.  DRAIN_DUE: the final one is made by the next
 * h2_take(), so that no call slips in before it.
 */
enum h2_drain_state { DRAIN_NO, DRAIN_BEGUN, DRAIN_NOTICE, DRAIN_DUE,
    DRAIN_FINAL };

struct h2 {
    struct h2_memory memory;        /* the session's */
    nghttp2_session *session;       /* owned */
    struct rpc_server *rpc;         /* borrowed */
    const struct identity *peer;    /* borrowed */
    struct h2_limits limits;
    void (*wake)(void *cookie);
    void *cookie;                   /* borrowed */
    struct h2_stream *streams;      /* owned */
    size_t nstreams;
    struct h2_block block;
    struct h2_strict strict;
    struct buf *out;                /* borrowed; while h2_take() is running */
    int inside;                     /* h2_feed() or h2_take() is running */
    enum err failed;                /* what h2_feed() returns from now on */
    int announced;                  /* our SETTINGS have been taken */
    int gone;                       /* nothing more is to be sent */
    int peer_done;                  /* the peer said GOAWAY */
    enum h2_drain_state drain;
    const char *why;                /* it drains */
    int32_t last_stream;            /* that the final GOAWAY lets in */
    unsigned cheap;                 /* frames without work done, in a row */
    unsigned pings;                 /* since the last answer: one, and those
                                     * that came too early */
    int64_t cheap_since;            /* when the first cheap frame came */
    int64_t pinged_at;              /* when the last PING in time came */
    unsigned excused;               /* resets to come that are our doing */
    const char *flood;              /* why the peer is cut off; NULL: not */
};

/**
 * h2_callbacks_create(callbacks):
 * Make the table of callbacks for nghttp2.  The caller owns it; free with
 * nghttp2_session_callbacks_del().  Fails: E_NOMEM.
 */
enum err MUST_USE h2_callbacks_create(nghttp2_session_callbacks **callbacks);

/* What the PING behind the first GOAWAY of a drain carries. */
extern const uint8_t h2_callbacks_drain_ping[8];

/**
 * h2_block_next(block, at, name, value):
 * Return in ${*name} and ${*value} the header at ${at} of the block, as it
 * holds them, and where the next is.
 */
size_t h2_block_next(const struct h2_block *block, size_t at,
    struct slice *name, struct slice *value);

/**
 * h2_strict_begin(strict):
 * Begin with the first byte of a connection; ${strict} is zero.
 */
void h2_strict_begin(struct h2_strict *strict);

/**
 * h2_strict_scan(h2, in):
 * Look through ${in}, which is about to be received, for DATA on streams that
 * are closed; such break the session.  Return how much of it, at least a byte,
 * is to be received before the rest is looked through.
 */
size_t h2_strict_scan(struct h2 *h2, struct slice in);

/**
 * h2_strict_opened(h2, id):
 * The peer opens the stream ${id}.
 */
void h2_strict_opened(struct h2 *h2, int32_t id);

/**
 * h2_strict_reset(h2, id):
 * RST_STREAM was sent for ${id}, which nghttp2 still knows.
 */
void h2_strict_reset(struct h2 *h2, int32_t id);

/**
 * h2_strict_received(h2, frame):
 * A frame begins to arrive.  If RFC 9113 allows no such frame there, and
 * nghttp2 would pass over it, the session is broken.
 */
void h2_strict_received(struct h2 *h2, const nghttp2_frame_hd *frame);

/**
 * h2_strict_settled(h2):
 * SETTINGS are in force.  If they make a window too large, the session is
 * broken.
 */
void h2_strict_settled(struct h2 *h2);

/**
 * h2_strict_host(h2, host):
 * Return non-zero if ${host}, in the block that is being read, names the
 * request's :authority (RFC 9113 section 8.3.1), or there is none.
 */
int h2_strict_host(const struct h2 *h2, struct slice host);

/**
 * h2_limits_option(limits, option):
 * Make the options for nghttp2.  The caller owns them; free with
 * nghttp2_option_del().  Fails: E_NOMEM.
 */
enum err MUST_USE h2_limits_option(const struct h2_limits *limits,
    nghttp2_option **option);

/**
 * h2_limits_received(h2, frame):
 * Count a frame that begins to arrive, if it costs its sender nothing.
 */
void h2_limits_received(struct h2 *h2, const nghttp2_frame_hd *frame);

/**
 * h2_limits_late(h2, length, flags):
 * Count DATA for a stream that we have reset, which nghttp2 passes over.
 */
void h2_limits_late(struct h2 *h2, size_t length, uint8_t flags);

/**
 * h2_limits_sent(h2, frame):
 * A frame was sent: an answer makes up for the cheap frames, a reset counts
 * as one.
 */
void h2_limits_sent(struct h2 *h2, const nghttp2_frame *frame);

/**
 * h2_limits_excuse(h2):
 * A stream is reset for no fault of the peer's.
 */
void h2_limits_excuse(struct h2 *h2);

/**
 * h2_limits_header(h2, name, value, keep):
 * Count a header, and keep it if ${keep} and the list is within the limit.
 * Return 0, or -1 if the block is not worth reading on.
 */
int h2_limits_header(struct h2 *h2, struct slice name, struct slice value,
    int keep);

/**
 * h2_limits_flooded(h2):
 * If the peer has broken a limit, queue the GOAWAY that says so.
 */
void h2_limits_flooded(struct h2 *h2);

/**
 * h2_stream_create(h2, id, stream):
 * Make a stream and hang it into ${h2}.  It belongs to ${h2}; free with
 * h2_stream_free().  Fails: E_NOMEM.
 */
enum err MUST_USE h2_stream_create(struct h2 *h2, int32_t id,
    struct h2_stream **stream);

/**
 * h2_stream_open(stream):
 * The header block is whole: begin the call.
 */
void h2_stream_open(struct h2_stream *stream);

/**
 * h2_stream_data(stream, bytes):
 * Bytes of body arrived.
 */
void h2_stream_data(struct h2_stream *stream, struct slice bytes);

/**
 * h2_stream_end(stream):
 * The client has sent everything.
 */
void h2_stream_end(struct h2_stream *stream);

/**
 * h2_stream_sent_end(stream):
 * The frame that ends the stream was sent.
 */
void h2_stream_sent_end(struct h2_stream *stream);

/**
 * h2_stream_free(stream):
 * Cancel what still runs, take ${stream} out of its session and free it.
 */
void h2_stream_free(struct h2_stream *stream);

/**
 * h2_stream_taken(stream, read, flags):
 * Something was taken of the answer, and ${read} is how that went: give the
 * client window for it, or hand over the trailers and set nghttp2's ${*flags}.
 * Return 0, or what nghttp2 failed with.
 */
int h2_stream_taken(struct h2_stream *stream, enum rpc_read read,
    uint32_t *flags);

/* The room that one more frame, or one padded answer, may need. */
#define H2_TAKE_ROOM ((size_t)16 * 1024)

/*
 * What nghttp2 calls for the DATA frames of a response: the length of the next,
 * and that it is time to send it.
 */
ssize_t h2_data_read(nghttp2_session *session, int32_t id, uint8_t *unused,
    size_t size, uint32_t *flags, nghttp2_data_source *source, void *cookie);
int h2_data_sent(nghttp2_session *session, nghttp2_frame *frame,
    const uint8_t *header, size_t n, nghttp2_data_source *source,
    void *cookie);

/**
 * h2_session_queued(h2, rv):
 * Note how queueing a frame went (${rv} is nghttp2's word); tell whoever owns
 * the connection that there is something to send, unless it is at it.
 */
void h2_session_queued(struct h2 *h2, int rv);

#endif /* !H2_SESSION_H */
