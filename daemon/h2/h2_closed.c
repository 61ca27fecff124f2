#include "h2/session.h"

#include "base/log.h"

/*
 * nghttp2 forgets a stream that is closed (else it would keep a hundred of
 * them per connection, and know no more of those before), and passes over
 * what comes for one that it does not know.  RFC 9113 is stricter, section 5.1
 * with HEADERS and DATA on a stream that is closed, section 5.1.1 with a new
 * stream below the newest.  The one exception are streams that we reset while
 * the peer was at it, for it may not know yet: these are kept in mind, the
 * last of them.
 */

/* RFC 9113 section 6.5.2, which our SETTINGS leave as it is. */
#define FRAME_MAX (16 * 1024)

/* "PRI * HTTP/2.0 ...", which is no frame. */
#define PREFACE_LENGTH 24

/* Of the header of a frame. */
enum { TYPE = 3, STREAM = 5 };

static void
broken(struct h2 *h2, uint32_t code, const char *why)
{
    const struct slice text = slice_of(why);

    if (h2->failed != E_OK)
        return;
    log_line(LOG_WARN, "broken", "peer=%s code=%s why=\"%s\"", h2->peer->id,
        nghttp2_http2_strerror(code), why);
    h2->failed = E_INVAL;
    if (nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
        nghttp2_session_get_last_proc_stream_id(h2->session), code, text.p,
        text.n) != 0)
        h2->gone = 1;
}

void
h2_closed_begin(struct h2_closed *closed)
{
    closed->left = PREFACE_LENGTH;
}

void
h2_closed_opened(struct h2 *h2, int32_t id)
{
    struct h2_closed *closed = &h2->closed;

    if (id - closed->newest > 2) {
        closed->skipped_from = closed->newest;
        closed->skipped_to = id;
    }
    closed->newest = id;
}

void
h2_closed_reset(struct h2 *h2, int32_t id)
{
    struct h2_closed *closed = &h2->closed;
    int32_t *place = &closed->reset[closed->nreset % H2_CLOSED_RESETS];

    /* 1: the peer has ended it; -1: or reset it.  It knows, then. */
    if (nghttp2_session_get_stream_remote_close(h2->session, id) != 0)
        return;
    if (*place > closed->forgotten)
        closed->forgotten = *place;
    *place = id;
    closed->nreset++;
}

/* May the peer still think that the stream is open? */
static int
may_be_late(const struct h2_closed *closed, int32_t id)
{
    if (id <= closed->forgotten)
        return (1);
    for (size_t i = 0; i < H2_CLOSED_RESETS; i++) {
        if (closed->reset[i] == id)
            return (1);
    }
    return (0);
}

/* A stream of the peer's that was open, or passed over, and is no more. */
static int
is_closed(nghttp2_session *session, int32_t id)
{
    nghttp2_stream *stream;

    if ((id & 1) == 0 || id > nghttp2_session_get_last_proc_stream_id(session))
        return (0);
    if (nghttp2_session_get_stream_user_data(session, id) != NULL)
        return (0);

    /* One that is being reset is there, but has no call; one that a PRIORITY
     * has named is there, but was never open. */
    stream = nghttp2_session_find_stream(session, id);
    return (stream == NULL ||
        nghttp2_stream_get_state(stream) == NGHTTP2_STREAM_STATE_IDLE);
}

static void
check_closed(struct h2 *h2, int32_t id)
{
    const struct h2_closed *closed = &h2->closed;

    if (!is_closed(h2->session, id) || may_be_late(closed, id))
        return;
    if (id > closed->skipped_from && id < closed->skipped_to)
        broken(h2, NGHTTP2_PROTOCOL_ERROR,
            "a stream below one that was opened before");
    else
        broken(h2, NGHTTP2_STREAM_CLOSED, "the stream is closed");
}

void
h2_closed_received(struct h2 *h2, const nghttp2_frame_hd *frame)
{
    if (frame->type == NGHTTP2_HEADERS)
        check_closed(h2, frame->stream_id);

    /* The one type whose length nghttp2 does not look at. */
    else if (frame->type == NGHTTP2_CONTINUATION && frame->length > FRAME_MAX)
        broken(h2, NGHTTP2_FRAME_SIZE_ERROR, "CONTINUATION is too long");
}

static int32_t
stream_in(const uint8_t *head)
{
    return ((int32_t)((uint32_t)(head[STREAM] & 0x7f) << 24 |
        (uint32_t)head[STREAM + 1] << 16 | (uint32_t)head[STREAM + 2] << 8 |
        head[STREAM + 3]));
}

/* Is this DATA for a stream that is open, or that is opened before it? */
static int
is_plain(nghttp2_session *session, int32_t id)
{
    return (id > nghttp2_session_get_last_proc_stream_id(session) ||
        nghttp2_session_get_stream_user_data(session, id) != NULL);
}

/*
 * Only DATA for a closed stream are passed over with no callback at all.  What
 * stands before such a frame has to be taken first, for it may be what closed
 * the stream.
 */
size_t
h2_closed_scan(struct h2 *h2, struct slice in)
{
    struct h2_closed *closed = &h2->closed;
    const uint8_t *head = closed->head;
    size_t at = 0, begin, n;
    int reset = 0;

    while (at < in.n) {
        if ((n = in.n - at) <= closed->left) {
            closed->left -= (uint32_t)n;
            break;
        }
        begin = at += closed->left;
        closed->left = 0;
        for (; at < in.n && closed->nhead < sizeof(closed->head); at++)
            closed->head[closed->nhead++] = in.p[at];
        if (closed->nhead < sizeof(closed->head))
            break;
        if (head[TYPE] == NGHTTP2_DATA && (begin == 0 || reset ||
            !is_plain(h2->session, stream_in(head)))) {
            if (begin > 0) {
                closed->nhead = 0;
                return (begin);
            }
            check_closed(h2, stream_in(head));
        }
        reset |= (head[TYPE] == NGHTTP2_RST_STREAM);
        closed->left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 |
            head[2];
        closed->nhead = 0;
    }
    return (in.n);
}
