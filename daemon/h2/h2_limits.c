#include "h2/session.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* What RFC 9113 section 6.5.2 adds for each header. */
#define HEADER_OVERHEAD 32

/* A list above the limit is answered; above so many times it, cut off. */
#define BOMB_FACTOR 4

/* Cheap frames are forgotten after so long: pings keep connections alive. */
#define CHEAP_WINDOW_US INT64_C(10000000)

/* As gRFC A8 has it: what is allowed without calls, if nothing else is. */
#define PING_IDLE_US INT64_C(7200000000)

/* Limits of nghttp2's own: entries of a SETTINGS frame, CONTINUATIONs. */
#define SETTINGS_MAX 32
#define CONTINUATIONS_MAX 8

/* RST_STREAM frames: at once, and from then on per second. */
#define RESET_BURST 1000
#define RESET_RATE 33

/* Acks nghttp2 may hold unsent, above what the budget lets come. */
#define ACK_ROOM 1024

enum err
h2_limits_option(const struct h2_limits *limits, nghttp2_option **option)
{
    nghttp2_option *o;

    *option = NULL;
    if (nghttp2_option_new(&o) != 0)
        return (E_NOMEM);
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_settings(o, SETTINGS_MAX);
    nghttp2_option_set_max_continuations(o, CONTINUATIONS_MAX);
    nghttp2_option_set_stream_reset_rate_limit(o, RESET_BURST, RESET_RATE);

    /* The budget should speak first: it says why. */
    nghttp2_option_set_max_outbound_ack(o,
        (size_t)limits->max_cheap_frames + ACK_ROOM);
    *option = o;
    return (E_OK);
}

/* A connection that does nothing else for its keep is cut off. */
static void
count(struct h2 *h2, const char *why)
{
    int64_t now;

    if (h2->cheap++ == 0) {
        h2->cheap_since = clock_monotonic_us();
        return;
    }
    if (h2->cheap <= h2->limits.max_cheap_frames || h2->flood != NULL)
        return;
    now = clock_monotonic_us();
    if (now - h2->cheap_since < CHEAP_WINDOW_US) {
        h2->flood = why;
    } else {
        h2->cheap = 1;
        h2->cheap_since = now;
    }
}

/*
 * As gRFC A8 suggests: what comes earlier than allowed after the last PING
 * that was in time, with nothing sent between, is a strike.  A 64th less than
 * the limit is no strike yet: clocks differ.
 */
static void
count_ping(struct h2 *h2)
{
    int64_t gap = h2->limits.ping_us, now;

    /* The words on which clients of gRPC ping less often. */
    const char *why = "too_many_pings";

    if (gap == 0) {
        count(h2, why);
        return;
    }
    if (h2->nstreams == 0 && !h2->limits.ping_idle && gap < PING_IDLE_US)
        gap = PING_IDLE_US;
    now = clock_monotonic_us();
    if (h2->pings == 0 || now - h2->pinged_at >= gap - gap / 64) {
        h2->pinged_at = now;
        if (h2->pings == 0)
            h2->pings = 1;
    } else if (h2->pings++ > h2->limits.max_ping_strikes && h2->flood == NULL)
        h2->flood = why;
}

/* Empty, or small enough to be padding alone. */
static int
is_empty(size_t length, uint8_t flags)
{
    return (length == 0 ||
        (length <= 256 && (flags & NGHTTP2_FLAG_PADDED) != 0));
}

void
h2_limits_received(struct h2 *h2, const nghttp2_frame_hd *frame)
{
    switch (frame->type) {
    case NGHTTP2_HEADERS:
        /* nghttp2 decodes and drops those of a stream that is over. */
        if (frame->stream_id <=
            nghttp2_session_get_last_proc_stream_id(h2->session) &&
            nghttp2_session_get_stream_user_data(h2->session,
            frame->stream_id) == NULL)
            count(h2, "too_many_late_headers");
        break;
    case NGHTTP2_CONTINUATION:
        break;
    case NGHTTP2_DATA:
        if ((frame->flags & NGHTTP2_FLAG_END_STREAM) == 0 &&
            is_empty(frame->length, frame->flags))
            count(h2, "too_many_empty_frames");
        break;
    case NGHTTP2_PING:
        if (frame->flags & NGHTTP2_FLAG_ACK)
            count(h2, "too_many_pings");
        else
            count_ping(h2);
        break;
    default:
        count(h2, "too_many_control_frames");
        break;
    }
}

/* The others use up the connection's window, which a round trip gives back. */
void
h2_limits_late(struct h2 *h2, size_t length, uint8_t flags)
{
    if (is_empty(length, flags))
        count(h2, "too_many_late_frames");
}

void
h2_limits_sent(struct h2 *h2, const nghttp2_frame *frame)
{
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        h2->cheap = h2->pings = 0;
        break;
    case NGHTTP2_RST_STREAM:
        /* A peer can make us reset streams as fast as it opens them. */
        if (frame->rst_stream.error_code == NGHTTP2_REFUSED_STREAM &&
            h2->excused > 0)
            h2->excused--;
        else if (frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
            count(h2, "too_many_resets");
        break;
    default:
        break;
    }
}

void
h2_limits_excuse(struct h2 *h2)
{
    h2->excused++;
}

static enum err
keep_header(struct h2_block *block, struct slice name, struct slice value)
{
    const size_t lengths[2] = {name.n, value.n};
    enum err err;

    if ((err = buf_reserve(&block->bytes, sizeof(lengths) + name.n +
        value.n)) != E_OK)
        return (err);
    memcpy(block->bytes.p + block->bytes.n, lengths, sizeof(lengths));
    block->bytes.n += sizeof(lengths);
    memcpy(block->bytes.p + block->bytes.n, name.p, name.n);
    block->bytes.n += name.n;
    if (value.n > 0)
        memcpy(block->bytes.p + block->bytes.n, value.p, value.n);
    block->bytes.n += value.n;
    block->n++;
    return (E_OK);
}

int
h2_limits_header(struct h2 *h2, struct slice name, struct slice value,
    int keep)
{
    struct h2_block *block = &h2->block;
    size_t limit = h2->limits.max_header_list;

    block->size += name.n + value.n + HEADER_OVERHEAD;
    if (block->size / BOMB_FACTOR > limit) {
        h2->flood = "header_list_too_big";
        return (-1);
    }
    if (!keep || block->size > limit)
        return (0);
    return (keep_header(block, name, value) == E_OK ? 0 : -1);
}

void
h2_limits_flooded(struct h2 *h2)
{
    struct slice why;

    if (h2->flood == NULL || h2->failed != E_OK)
        return;
    why = slice_of(h2->flood);
    log_line(LOG_WARN, "flood", "peer=%s why=%s", h2->peer->id, h2->flood);
    h2->failed = E_INVAL;
    if (nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
        nghttp2_session_get_last_proc_stream_id(h2->session),
        NGHTTP2_ENHANCE_YOUR_CALM, why.p, why.n) != 0)
        h2->gone = 1;
}
