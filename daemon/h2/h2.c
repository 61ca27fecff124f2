#include "h2/h2.h"

#include <assert.h>
#include <stdlib.h>

#include "h2/session.h"

/* Fed at a time: how far a flood runs before it is cut off. */
#define FEED_MAX ((size_t)16 * 1024)

/*
 * One stream too many is an error of that stream (RFC 9113 section 5.1.2); to
 * nghttp2, once the client has acknowledged the limit, it is an error of the
 * connection.  So nghttp2 believes in a limit that nobody reaches, the client
 * is told ours, and on_begin_headers() keeps it.
 */
#define STREAMS_BELIEVED INT32_MAX

/* Of a frame of SETTINGS: its header, then the first entry's value. */
enum { SETTINGS_VALUE = 9 + 2, SETTINGS_VALUE_END = 9 + 6 };

static int
first_frames(struct h2 *h2)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_BELIEVED},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, h2->limits.window / 2},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, h2->limits.max_header_list},
    };
    int rv;

    if ((rv = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE,
        settings, sizeof(settings) / sizeof(settings[0]))) != 0)
        return (rv);
    return (nghttp2_session_set_local_window_size(h2->session,
        NGHTTP2_FLAG_NONE, 0, (int32_t)h2->limits.window));
}

static int
create_session(struct h2 *h2, const nghttp2_session_callbacks *callbacks,
    const nghttp2_option *option)
{
    nghttp2_mem mem = h2_memory_of(&h2->memory);
    int rv;

    if ((rv = nghttp2_session_server_new3(&h2->session, callbacks, h2, option,
        &mem)) != 0)
        return (rv);
    h2_memory_begun(&h2->memory);
    return (first_frames(h2));
}

enum err
h2_create(struct rpc_server *rpc, const struct identity *peer,
    const struct h2_limits *limits, void (*wake)(void *cookie), void *cookie,
    struct h2 **h2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    struct h2 *h = NULL;
    enum err err;

    *h2 = NULL;

    err = E_NOMEM;
    if ((h = calloc(1, sizeof(*h))) == NULL)
        goto out;
    h->rpc = rpc;
    h->peer = peer;
    h->limits = *limits;
    h->wake = wake;
    h->cookie = cookie;
    h->failed = E_OK;
    h2_strict_begin(&h->strict);
    h2_memory_open(&h->memory);
    buf_init(&h->block.bytes, (size_t)2 * limits->max_header_list + 1024);

    if ((err = h2_callbacks_create(&callbacks)) != E_OK)
        goto out;
    if ((err = h2_limits_option(limits, &option)) != E_OK)
        goto out;
    err = E_NOMEM;
    if (create_session(h, callbacks, option) != 0)
        goto out;

    /* Success: hand ownership to the caller. */
    *h2 = h;
    h = NULL;
    err = E_OK;

out:
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    h2_free(h);
    return (err);
}

void
h2_session_queued(struct h2 *h2, int rv)
{
    /* Other failures mean that the stream is over already. */
    if (rv == NGHTTP2_ERR_NOMEM && h2->failed == E_OK) {
        h2->failed = E_NOMEM;
        h2->gone = 1;
    }
    if (!h2->inside)
        h2->wake(h2->cookie);
}

/* nghttp2 has given up: nothing more can be sent. */
static enum err
give_up(struct h2 *h2, ssize_t rv)
{
    h2->gone = 1;
    if (h2->failed == E_OK)
        h2->failed = rv == NGHTTP2_ERR_NOMEM ||
            rv == NGHTTP2_ERR_CALLBACK_FAILURE ? E_NOMEM : E_INVAL;
    return (h2->failed);
}

enum err
h2_feed(struct h2 *h2, struct slice in)
{
    ssize_t rv;
    size_t n;

    h2->inside++;
    while (in.n > 0 && h2->failed == E_OK) {
        n = in.n < FEED_MAX ? in.n : FEED_MAX;
        n = h2_strict_scan(h2, (struct slice){in.p, n});
        rv = nghttp2_session_mem_recv(h2->session, in.p, n);
        if (rv < 0) {
            (void)give_up(h2, rv);
            break;
        }
        in.p += n;
        in.n -= n;
        h2_limits_flooded(h2);
    }
    h2->inside--;
    return (h2->failed);
}

/* Now, with no call able to slip in, is the time to name the last stream. */
static void
say_final(struct h2 *h2)
{
    const struct slice why = slice_of(h2->why != NULL ? h2->why : "");

    h2->drain = DRAIN_FINAL;
    h2->last_stream = nghttp2_session_get_last_proc_stream_id(h2->session);
    h2_session_queued(h2, nghttp2_submit_goaway(h2->session,
        NGHTTP2_FLAG_NONE, h2->last_stream, NGHTTP2_NO_ERROR, why.p, why.n));
}

/* The first frame of a session, now at ${p}, is our SETTINGS. */
static void
announce(struct h2 *h2, uint8_t *p, size_t n)
{
    uint32_t streams = h2->limits.max_streams;

    h2->announced = 1;
    assert(n >= SETTINGS_VALUE_END && p[3] == NGHTTP2_SETTINGS &&
        p[10] == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    (void)n;
    for (int i = SETTINGS_VALUE_END; i-- > SETTINGS_VALUE; streams >>= 8)
        p[i] = (uint8_t)streams;
}

static enum err
put(struct h2 *h2, struct buf *out, struct slice bytes)
{
    enum err err;

    if ((err = buf_add(out, bytes)) != E_OK) {
        h2->gone = 1;
        h2->failed = err;
    }
    return (err);
}

/* Append what nghttp2 has; ${*dry}: it has no more. */
static enum err
take_frames(struct h2 *h2, struct buf *out, int *dry)
{
    const uint8_t *p;
    enum err err;
    ssize_t n;

    *dry = 0;
    while (!h2->gone && out->max - out->n >= H2_TAKE_ROOM) {
        if ((n = nghttp2_session_mem_send(h2->session, &p)) < 0)
            return (give_up(h2, n));
        if (n == 0) {
            /* Or it was told to wait until there is room. */
            *dry = out->max - out->n >= H2_TAKE_ROOM;
            break;
        }
        if ((err = put(h2, out, (struct slice){p, (size_t)n})) != E_OK)
            return (err);
        if (!h2->announced)
            announce(h2, out->p + out->n - n, (size_t)n);
    }
    return (E_OK);
}

/*
 * The first GOAWAY of a drain.  nghttp2_submit_shutdown_notice() has no room
 * for a reason, and nghttp2 after any other GOAWAY would take no more streams:
 * so this is ours, between two frames of nghttp2's.
 */
static enum err
say_notice(struct h2 *h2, struct buf *out)
{
    const struct slice why = slice_of(h2->why);
    const uint8_t head[] = {0, 0, (uint8_t)(8 + why.n), NGHTTP2_GOAWAY, 0,
        0, 0, 0, 0,                             /* of the connection */
        0x7f, 0xff, 0xff, 0xff,                 /* every stream is let in */
        0, 0, 0, NGHTTP2_NO_ERROR};
    enum err err;

    assert(why.n + 8 < 256);
    h2->drain = DRAIN_NOTICE;
    if ((err = put(h2, out, (struct slice){head, sizeof(head)})) != E_OK ||
        (err = put(h2, out, why)) != E_OK)
        return (err);
    h2_session_queued(h2, nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE,
        h2_callbacks_drain_ping));
    return (E_OK);
}

enum err
h2_take(struct h2 *h2, struct buf *out)
{
    enum err err;
    int dry;

    h2->inside++;
    h2->out = out;
    if (h2->drain == DRAIN_DUE && !h2->gone)
        say_final(h2);
    err = take_frames(h2, out, &dry);
    if (h2->drain == DRAIN_BEGUN && dry &&
        (err = say_notice(h2, out)) == E_OK)
        err = take_frames(h2, out, &dry);
    h2_limits_flooded(h2);
    h2->out = NULL;
    h2->inside--;
    return (h2->failed == E_NOMEM ? E_NOMEM : err);
}

int
h2_wants_write(const struct h2 *h2)
{
    return (!h2->gone && (h2->drain == DRAIN_BEGUN ||
        h2->drain == DRAIN_DUE || nghttp2_session_want_write(h2->session)));
}

int64_t
h2_deadline(const struct h2 *h2)
{
    const struct h2_stream *s;
    int64_t first = INT64_MAX, at;

    for (s = h2->streams; s != NULL; s = s->next) {
        if (s->call != NULL && (at = rpc_call_deadline(s->call)) < first)
            first = at;
    }
    return (first);
}

/* A call that expires queues frames only: the list stays as it is. */
void
h2_expire(struct h2 *h2, int64_t now)
{
    struct h2_stream *s;

    for (s = h2->streams; s != NULL; s = s->next) {
        if (s->call != NULL && rpc_call_deadline(s->call) <= now)
            rpc_call_expire(s->call);
    }
}

size_t
h2_streams(const struct h2 *h2)
{
    return (h2->nstreams);
}

void
h2_ping(struct h2 *h2)
{
    static const uint8_t there[8] = {'v', 't', 'h', 'e', 'r', 'e', 0, 1};

    h2_session_queued(h2, nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE,
        there));
}

void
h2_drain(struct h2 *h2, const char *why)
{
    if (h2->drain != DRAIN_NO || h2->gone)
        return;
    h2->drain = DRAIN_BEGUN;
    h2->why = why;
    h2_session_queued(h2, 0);
}

void
h2_drain_now(struct h2 *h2)
{
    if (h2->drain == DRAIN_FINAL || h2->drain == DRAIN_DUE || h2->gone)
        return;
    h2->drain = DRAIN_DUE;
    h2_session_queued(h2, 0);
}

int
h2_finished(const struct h2 *h2)
{
    return (h2->gone || (h2->drain != DRAIN_BEGUN && h2->drain != DRAIN_DUE &&
        !nghttp2_session_want_read(h2->session) &&
        !nghttp2_session_want_write(h2->session)));
}

void
h2_free(struct h2 *h2)
{
    if (h2 == NULL)
        return;

    /* What a canceled call wakes may still queue frames: the session last. */
    h2->inside++;
    while (h2->streams != NULL)
        h2_stream_free(h2->streams);
    nghttp2_session_del(h2->session);
    h2_memory_close(&h2->memory);
    buf_free(&h2->block.bytes);
    free(h2);
}
