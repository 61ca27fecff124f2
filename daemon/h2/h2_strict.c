#include "h2/session.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"

/*
 * Where RFC 9113 is stricter than nghttp2.
 *
 * nghttp2 forgets a stream that is closed (else it would keep a hundred of
 * them per connection, and know no more of those before), and passes over
 * what comes for one that it does not know.  The RFC does not: sections 5.1,
 * for HEADERS and DATA on a stream that is closed, and 5.1.1, for a new stream
 * below the newest.  The one exception are streams that we reset while the
 * peer was at it, for it may not know yet: of these the last are kept in mind.
 */

/* RFC 9113 section 6.5.2, which our SETTINGS leave as it is. */
#define FRAME_MAX (16 * 1024)

/* "PRI * HTTP/2.0 ...", which is no frame. */
#define PREFACE_LENGTH 24

/* Of the header of a frame. */
enum { TYPE = 3, FLAGS = 4, STREAM = 5, HEADER = 9 };

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
h2_strict_begin(struct h2_strict *strict)
{
    strict->left = PREFACE_LENGTH;
}

void
h2_strict_opened(struct h2 *h2, int32_t id)
{
    struct h2_strict *strict = &h2->strict;

    if (id - strict->newest > 2) {
        strict->skipped_from = strict->newest;
        strict->skipped_to = id;
    }
    strict->newest = id;
}

void
h2_strict_reset(struct h2 *h2, int32_t id)
{
    struct h2_strict *strict = &h2->strict;
    int32_t *place = &strict->reset[strict->nreset % H2_STRICT_RESETS];

    /* 1: the peer has ended it; -1: or reset it.  It knows, then. */
    if (nghttp2_session_get_stream_remote_close(h2->session, id) != 0)
        return;
    if (*place > strict->forgotten)
        strict->forgotten = *place;
    *place = id;
    strict->nreset++;
}

/* May the peer still think that the stream is open? */
static int
may_be_late(const struct h2_strict *strict, int32_t id)
{
    if (id <= strict->forgotten)
        return (1);
    for (size_t i = 0; i < H2_STRICT_RESETS; i++) {
        if (strict->reset[i] == id)
            return (1);
    }
    return (0);
}

/* A stream of the peer's that was open, or passed over, and is no more. */
static int
is_closed(const struct h2 *h2, int32_t id)
{
    nghttp2_stream *stream;

    if (id > h2->strict.newest || (id & 1) == 0)
        return (0);
    if (nghttp2_session_get_stream_user_data(h2->session, id) != NULL)
        return (0);

    /* One that is being reset is there, but has no call; one that a PRIORITY
     * has named is there, but was never open. */
    stream = nghttp2_session_find_stream(h2->session, id);
    return (stream == NULL ||
        nghttp2_stream_get_state(stream) == NGHTTP2_STREAM_STATE_IDLE);
}

/* Returns non-zero if the frame comes late, and is passed over. */
static int
check_closed(struct h2 *h2, int32_t id)
{
    const struct h2_strict *strict = &h2->strict;

    if (!is_closed(h2, id))
        return (0);
    if (may_be_late(strict, id))
        return (1);
    if (id > strict->skipped_from && id < strict->skipped_to)
        broken(h2, NGHTTP2_PROTOCOL_ERROR,
            "a stream below one that was opened before");
    else
        broken(h2, NGHTTP2_STREAM_CLOSED, "the stream is closed");
    return (0);
}

/* The largest window that a stream's answer has. */
static int32_t
largest_window(const struct h2 *h2)
{
    const struct h2_stream *s;
    int32_t largest = 0, window;

    for (s = h2->streams; s != NULL; s = s->next) {
        window = nghttp2_session_get_stream_remote_window_size(h2->session,
            s->id);
        if (window > largest)
            largest = window;
    }
    return (largest);
}

void
h2_strict_received(struct h2 *h2, const nghttp2_frame_hd *frame)
{
    switch (frame->type) {
    case NGHTTP2_HEADERS:
        (void)check_closed(h2, frame->stream_id);
        break;
    case NGHTTP2_CONTINUATION:
        /* The one type whose length nghttp2 does not look at. */
        if (frame->length > FRAME_MAX)
            broken(h2, NGHTTP2_FRAME_SIZE_ERROR, "CONTINUATION is too long");
        break;
    case NGHTTP2_SETTINGS:
        h2->strict.largest = largest_window(h2);
        h2->strict.initial = nghttp2_session_get_remote_settings(h2->session,
            NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
        break;
    default:
        break;
    }
}

/* nghttp2 resets the streams alone: RFC 9113 section 6.9.2. */
void
h2_strict_settled(struct h2 *h2)
{
    uint32_t initial = nghttp2_session_get_remote_settings(h2->session,
        NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);

    if ((int64_t)h2->strict.largest + initial - h2->strict.initial >
        NGHTTP2_MAX_WINDOW_SIZE)
        broken(h2, NGHTTP2_FLOW_CONTROL_ERROR, "a window is too large");
}

static int
is_same(struct slice a, struct slice b)
{
    return (a.n == b.n && (a.n == 0 || strncasecmp((const char *)a.p,
        (const char *)b.p, a.n) == 0));
}

int
h2_strict_host(const struct h2 *h2, struct slice host)
{
    static const char authority[] = ":authority";
    const struct h2_block *block = &h2->block;
    struct slice name, value;
    size_t at = 0, i;

    for (i = 0; i < block->n; i++) {
        at = h2_block_next(block, at, &name, &value);
        if (name.n == sizeof(authority) - 1 &&
            memcmp(name.p, authority, name.n) == 0)
            return (is_same(value, host));
        if (name.n == 0 || name.p[0] != ':')
            break;
    }
    return (1);
}

static int32_t
stream_in(const uint8_t *head)
{
    return ((int32_t)((uint32_t)(head[STREAM] & 0x7f) << 24 |
        (uint32_t)head[STREAM + 1] << 16 | (uint32_t)head[STREAM + 2] << 8 |
        head[STREAM + 3]));
}

/*
 * The rest of the header whose first bytes came before, or the first bytes of
 * one.  Return it if it is whole, else NULL.
 */
static const uint8_t *
collect(struct h2_strict *strict, struct slice in, size_t *at)
{
    while (*at < in.n && strict->nhead < HEADER)
        strict->head[strict->nhead++] = in.p[(*at)++];
    if (strict->nhead < HEADER)
        return (NULL);
    strict->nhead = 0;
    return (strict->head);
}

/*
 * Only DATA for a closed stream are passed over with no callback at all.  What
 * stands before such a frame has to be taken first: RST_STREAM may be what
 * closes it.  (An end that closes it in the same piece is not looked for, nor
 * a stream passed over in it: section 5.1 lets us ignore what follows.)
 */
size_t
h2_strict_scan(struct h2 *h2, struct slice in)
{
    struct h2_strict *strict = &h2->strict;
    const uint8_t *head;
    size_t at = 0, begin, left = strict->left;
    int reset = 0;
    int32_t id;

    while (in.n - at > left) {
        begin = at += left;
        left = 0;
        if (in.n - at >= HEADER && strict->nhead == 0) {
            head = in.p + at;
            at += HEADER;
        } else if ((head = collect(strict, in, &at)) == NULL)
            break;
        left = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (head[TYPE] == NGHTTP2_RST_STREAM)
            reset = 1;
        else if (head[TYPE] == NGHTTP2_DATA &&
            ((id = stream_in(head)) <= strict->newest || reset)) {
            if (begin > 0 && (reset || is_closed(h2, id))) {
                strict->left = 0;
                return (begin);
            }
            if (check_closed(h2, id))
                h2_limits_late(h2, left, head[FLAGS]);
        }
    }
    strict->left = (uint32_t)(left - (in.n - at));
    return (in.n);
}
