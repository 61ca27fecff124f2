/*
 * DATA frames, and what hides how long they are.  Who watches the network sees
 * lengths: behind an answer whose length would tell what it says stands a frame
 * of padding, so that both together fill a step.  If the answer goes in pieces,
 * because the client's window had no room for it, each of them is padded.
 *
 * How many steps it takes is decided by the question, by how long an answer to
 * it may be: otherwise a good answer might begin one more step where a bad one
 * does not.
 *
 * The frame is of a type that nobody knows, which every client passes over (RFC
 * 9113 section 5.5; the numbers from 0xf0 on are for experiments).  Padded DATA
 * frames (section 6.1) would be meant for this, but gRPC C-core, which is
 * Python's and C++'s, ends a call that gets one; and they hold 255 bytes each.
 *
 * Frames are written as soon as nghttp2 asks how long the next will be, right
 * behind what was taken before; it asks for nothing else in between, and leaves
 * the bytes to us (NGHTTP2_DATA_FLAG_NO_COPY).
 */

#include "h2/session.h"

#include <string.h>

enum { FRAME_HEADER = 9, FRAME_PADDING = 0xf0 };

/* Of one answer; who takes more pieces of it wants to be sent padding. */
#define PIECES_MAX 8

/* A frame's header at ${p}; ${n}: of its payload. */
static void
put_header(uint8_t *p, size_t n, uint8_t type, int32_t id)
{
    uint32_t stream = (uint32_t)id;

    p[0] = (uint8_t)(n >> 16);
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)n;
    p[3] = type;
    p[4] = NGHTTP2_FLAG_NONE;
    p[5] = (uint8_t)(stream >> 24);
    p[6] = (uint8_t)(stream >> 16);
    p[7] = (uint8_t)(stream >> 8);
    p[8] = (uint8_t)stream;
}

/*
 * Behind ${wire} bytes, where ${most} of an answer were possible, so many more
 * that they fill steps.
 */
static void
put_padding(struct buf *out, size_t wire, size_t most, size_t step)
{
    size_t more = most + FRAME_HEADER;

    more = (wire > more ? wire : more) + FRAME_HEADER + step - 1;
    more -= more % step + wire;
    if (wire + more > H2_TAKE_ROOM)
        return;     /* beyond all steps */
    put_header(out->p + out->n, more - FRAME_HEADER, FRAME_PADDING, 0);
    memset(out->p + out->n + FRAME_HEADER, 0, more - FRAME_HEADER);
    out->n += more;
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
    const struct h2 *h2 = cookie;
    size_t before = h2->out->n, most, n;
    int hides = rpc_call_hides(stream->call, &most);
    enum rpc_read read;
    uint8_t *p;

    (void)session, (void)unused;
    if (buf_reserve(h2->out, H2_TAKE_ROOM) != E_OK)
        return (NGHTTP2_ERR_CALLBACK_FAILURE);
    p = h2->out->p + before;
    read = rpc_call_read(stream->call, p + FRAME_HEADER, size, &n);
    if (h2_stream_taken(stream, read, flags) != 0)
        return (NGHTTP2_ERR_CALLBACK_FAILURE);
    if (read == RPC_READ_WAIT)
        return (NGHTTP2_ERR_DEFERRED);

    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    put_header(p, n, NGHTTP2_DATA, id);
    h2->out->n += FRAME_HEADER + n;
    if ((*flags & NGHTTP2_DATA_FLAG_EOF) != 0 &&
        (*flags & NGHTTP2_DATA_FLAG_NO_END_STREAM) == 0)
        p[4] |= NGHTTP2_FLAG_END_STREAM;
    else if (n == 0)
        h2->out->n = before;
    if (hides && n > 0 && h2->limits.pad_step > 0 &&
        stream->padded++ < PIECES_MAX)
        put_padding(h2->out, FRAME_HEADER + n, most, h2->limits.pad_step);
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
