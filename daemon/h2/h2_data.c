/*
 * DATA frames, and how long they are.  Who watches the network sees lengths: an
 * answer whose length would tell what it says is padded (RFC 9113 sections 6.1
 * and 10.7) until its frames fill a step.
 *
 * A frame can be padded by 256 bytes, so a short answer takes several frames.
 * To nghttp2 they are one, as long as all of them: it counts windows, for which
 * that is the same, and leaves the bytes to us (NGHTTP2_DATA_FLAG_NO_COPY).
 * They are written as soon as it asks how long they are, right behind what was
 * taken before; it asks for nothing else in between.
 */

#include "h2/session.h"

#include <stdint.h>
#include <string.h>

/* A frame's header, and of one that is padded the octet that says how much. */
enum { FRAME_HEADER = 9, PAD_LENGTH = 1, PAD_MAX = 255 };

/* Frames that one answer may take, as many as make 16 KiB of padding. */
enum { FRAMES_MAX = 64 };

/* How an answer is cut into frames; none: it is not padded. */
struct cut {
    size_t frames;
    size_t padding;         /* of all frames */
};

/*
 * A window without room for the padding is the client's choice; and no frame
 * is to be empty but for its padding, so that what has fewer bytes than frames
 * goes bare.
 */
static struct cut
plan(size_t whole, size_t step, size_t room)
{
    struct cut cut = {0, 0};
    size_t most = FRAME_HEADER + PAD_LENGTH + PAD_MAX;
    size_t wire, more, frames;

    if (whole == 0 || step == 0)
        return (cut);
    wire = (whole + FRAME_HEADER + step - 1) / step * step;
    more = wire - whole;
    frames = (more + most - 1) / most;
    if (more == FRAME_HEADER || frames > whole || frames > FRAMES_MAX ||
        wire > H2_TAKE_ROOM || wire - frames * FRAME_HEADER > room)
        return (cut);
    cut.frames = frames;
    cut.padding = more - frames * (FRAME_HEADER + PAD_LENGTH);
    return (cut);
}

/* A frame's header at ${p}; ${n}: of its payload. */
static void
put_header(uint8_t *p, size_t n, uint8_t flags, int32_t id)
{
    uint32_t stream = (uint32_t)id;

    p[0] = (uint8_t)(n >> 16);
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)n;
    p[3] = NGHTTP2_DATA;
    p[4] = flags;
    p[5] = (uint8_t)(stream >> 24);
    p[6] = (uint8_t)(stream >> 16);
    p[7] = (uint8_t)(stream >> 8);
    p[8] = (uint8_t)stream;
}

/*
 * Of ${n} bytes that stand where a padded frame at ${p} has them, make that
 * frame, with as much of ${*padding} as it takes.  Return its end.
 */
static uint8_t *
put_padded(uint8_t *p, size_t n, size_t *padding, int32_t id)
{
    size_t pad = *padding < PAD_MAX ? *padding : PAD_MAX;
    uint8_t *end = p + FRAME_HEADER + PAD_LENGTH + n;

    put_header(p, PAD_LENGTH + n + pad, NGHTTP2_FLAG_PADDED, id);
    p[FRAME_HEADER] = (uint8_t)pad;
    memset(end, 0, pad);
    *padding -= pad;
    return (end + pad);
}

/*
 * All that there is, ${whole} bytes, with padding: the first frame bears it but
 * for a byte for each of the others, because none may be empty.
 */
static enum rpc_read
read_padded(struct h2_stream *stream, size_t whole, struct cut cut)
{
    struct buf *out = stream->h2->out;
    uint8_t *p = out->p + out->n;
    uint8_t last[FRAMES_MAX];
    size_t others = cut.frames - 1, n;
    enum rpc_read read = rpc_call_read(stream->call,
        p + FRAME_HEADER + PAD_LENGTH, whole, &n);

    memcpy(last, p + FRAME_HEADER + PAD_LENGTH + whole - others, others);
    p = put_padded(p, whole - others, &cut.padding, stream->id);
    for (size_t i = 0; i < others; i++) {
        p[FRAME_HEADER + PAD_LENGTH] = last[i];
        p = put_padded(p, 1, &cut.padding, stream->id);
    }
    out->n = (size_t)(p - out->p);
    return (read);
}

static enum rpc_read
read_plain(struct h2_stream *stream, size_t size, size_t *n)
{
    struct buf *out = stream->h2->out;
    uint8_t *p = out->p + out->n;
    enum rpc_read read = rpc_call_read(stream->call, p + FRAME_HEADER, size,
        n);

    put_header(p, *n, NGHTTP2_FLAG_NONE, stream->id);
    out->n += FRAME_HEADER + *n;
    return (read);
}

/*
 * Write what there is, up to ${size} bytes of payload.  An empty frame is kept
 * only if it ends the stream: nghttp2 sends no other.
 */
ssize_t
h2_data_read(nghttp2_session *session, int32_t id, uint8_t *unused,
    size_t size, uint32_t *flags, nghttp2_data_source *source, void *cookie)
{
    struct h2_stream *stream = source->ptr;
    struct buf *out = stream->h2->out;
    size_t whole = rpc_call_whole(stream->call), before = out->n, n = 0;
    struct cut cut = plan(whole, stream->h2->limits.pad_step, size);
    enum rpc_read read;

    (void)session, (void)id, (void)unused, (void)cookie;
    if (buf_reserve(out, H2_TAKE_ROOM) != E_OK)
        return (NGHTTP2_ERR_CALLBACK_FAILURE);
    read = cut.frames == 0 ? read_plain(stream, size, &n) :
        read_padded(stream, whole, cut);
    if (h2_stream_taken(stream, read, flags) != 0)
        return (NGHTTP2_ERR_CALLBACK_FAILURE);
    if (read == RPC_READ_WAIT) {
        out->n = before;
        return (NGHTTP2_ERR_DEFERRED);
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (cut.frames > 0)
        return ((ssize_t)(out->n - before - cut.frames * FRAME_HEADER));
    if ((*flags & NGHTTP2_DATA_FLAG_EOF) != 0 &&
        (*flags & NGHTTP2_DATA_FLAG_NO_END_STREAM) == 0)
        out->p[before + 4] |= NGHTTP2_FLAG_END_STREAM;
    else if (n == 0)
        out->n = before;
    return ((ssize_t)n);
}

int
h2_data_sent(nghttp2_session *session, nghttp2_frame *frame,
    const uint8_t *header, size_t n, nghttp2_data_source *source, void *cookie)
{
    const struct h2 *h2 = cookie;

    (void)session, (void)frame, (void)header, (void)n, (void)source;
    return (h2->out->max - h2->out->n < H2_TAKE_ROOM ? NGHTTP2_ERR_PAUSE : 0);
}
