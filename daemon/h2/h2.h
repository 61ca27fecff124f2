#ifndef H2_H2_H
#define H2_H2_H

/*
 * One HTTP/2 server session (RFC 9113) over nghttp2.  Plain bytes go in by
 * h2_feed() and come out by h2_take(); sockets and timers belong to net.
 *
 * nghttp2 must not be re-entered from its own callbacks (nghttp2 issues 1088
 * and 1590): nothing below ever sends while it is being fed.  What a call says
 * is queued, and a stream with its call is freed only while h2_feed(),
 * h2_take() or h2_free() run, never from within a function of the call.
 */

#include <stdint.h>

#include "base/identity.h"
#include "proto/bytes.h"
#include "proto/err.h"

/* Opaque types. */
struct h2;
struct rpc_server;

struct h2_limits {
    uint32_t max_streams;           /* at a time, per connection */
    uint32_t max_header_list;       /* bytes, as RFC 9113 6.5.2 counts them */
    uint32_t window;                /* receive window of the session; one
                                     * stream may have half of it */
    uint32_t pad_step;              /* bytes; an answer whose length would tell
                                     * what it says fills steps; 0: it does
                                     * not */
    unsigned max_cheap_frames;      /* frames without work done, in a row and
                                     * within ten seconds */
    int64_t ping_us;                /* least time between PINGs; 0: any, and
                                     * they are cheap frames like others */
    unsigned max_ping_strikes;      /* earlier ones, with no answer between */
    int ping_idle;                  /* also without calls; 0: not for hours */
};

/**
 * h2_create(rpc, peer, limits, wake, cookie, h2):
 * Create a session for the authenticated ${peer}, whose calls are answered by
 * ${rpc}; both are borrowed and must outlive it.  When there is something to
 * send outside h2_feed(), ${wake}(${cookie}) is invoked, which must only note
 * that h2_take() is to be called later.  The caller owns ${*h2}; free with
 * h2_free().
 *
 * Fails: E_NOMEM.  On failure ${*h2} is NULL.
 */
enum err MUST_USE h2_create(struct rpc_server *rpc,
    const struct identity *peer, const struct h2_limits *limits,
    void (*wake)(void *cookie), void *cookie, struct h2 **h2);

/**
 * h2_feed(h2, in):
 * Take all of ${in}.
 *
 * Fails: E_INVAL (the peer broke the protocol or a limit), E_NOMEM; the
 * session is then beyond use, and the connection should be closed once
 * h2_take() is dry, so that its GOAWAY reaches the peer.  (A broken protocol
 * may show only then, by h2_finished().)
 */
enum err MUST_USE h2_feed(struct h2 *h2, struct slice in);

/**
 * h2_take(h2, out):
 * Append to ${out} what there is to send, until there is no more or ${out} is
 * full to its limit less 16 KiB.
 *
 * Fails: E_NOMEM, E_INVAL (nghttp2 gave up); the session is beyond use.
 */
enum err MUST_USE h2_take(struct h2 *h2, struct buf *out);

/**
 * h2_wants_write(h2):
 * Return non-zero if h2_take() would give something.
 */
int h2_wants_write(const struct h2 *h2);

/**
 * h2_deadline(h2):
 * Return the earliest deadline of the calls in progress, by
 * clock_monotonic_us(); INT64_MAX: none.
 */
int64_t h2_deadline(const struct h2 *h2);

/**
 * h2_expire(h2, now):
 * End the calls whose deadline is at or before ${now}.
 */
void h2_expire(struct h2 *h2, int64_t now);

/**
 * h2_streams(h2):
 * Return how many streams are open.
 */
size_t h2_streams(const struct h2 *h2);

/**
 * h2_ping(h2):
 * Ask the peer whether it is still there: whatever it sends then says so.
 */
void h2_ping(struct h2 *h2);

/**
 * h2_drain(h2, why):
 * Tell the peer that the session is going to end: first a GOAWAY that still
 * lets in what is under way, with a PING behind it; when that comes back, or
 * at h2_drain_now(), the GOAWAY that names the last stream.  Both carry
 * ${why}, a few words that live as long as the program.  Calls in progress go
 * on to their end.  Once it drains, it does.
 */
void h2_drain(struct h2 *h2, const char *why);

/**
 * h2_drain_now(h2):
 * Send the final GOAWAY if it has not gone out.
 */
void h2_drain_now(struct h2 *h2);

/**
 * h2_finished(h2):
 * Return non-zero if nothing is left to read or write.
 */
int h2_finished(const struct h2 *h2);

/**
 * h2_free(h2):
 * Cancel every call in progress and free ${h2}; NULL is allowed.
 */
void h2_free(struct h2 *h2);

#endif /* !H2_H2_H */
