#include "rpc/rpc_compression.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

/* The largest window, and the wrapper of gzip instead of zlib's own. */
#define GZIP_WINDOW (15 + 16)

/* What deflateInit() takes for itself. */
#define MEMORY_LEVEL 8

/* What is kept of a buffer for the next message. */
#define BUF_KEEP ((size_t)64 * 1024)

/* More than rpc lets wait for a client. */
#define PACKED_MAX ((size_t)16 * 1024 * 1024)

struct rpc_compression {
    z_stream in;                /* ${inflating}: to be ended */
    z_stream out;               /* ${deflating}: likewise */
    int inflating;
    int deflating;
    struct buf inflated;        /* owned */
    struct buf packed;          /* owned */
};

/* Through our own malloc, which tests let fail. */
static voidpf
take(voidpf cookie, uInt items, uInt size)
{
    (void)cookie;
    if (size != 0 && items > SIZE_MAX / size)
        return (NULL);
    return (malloc((size_t)items * size));
}

static void
give(voidpf cookie, voidpf memory)
{
    (void)cookie;
    free(memory);
}

enum err
rpc_compression_create(size_t max, struct rpc_compression **compression)
{
    struct rpc_compression *c;

    *compression = NULL;
    if ((c = calloc(1, sizeof(*c))) == NULL)
        return (E_NOMEM);
    buf_init(&c->inflated, max);
    buf_init(&c->packed, PACKED_MAX);
    c->in.zalloc = c->out.zalloc = take;
    c->in.zfree = c->out.zfree = give;
    *compression = c;
    return (E_OK);
}

/* One message's buffer, empty, and not that of a giant before it. */
static void
empty(struct buf *buf)
{
    if (buf->size > BUF_KEEP)
        buf_free(buf);
    buf->n = 0;
}

/* ---- reading ----------------------------------------------------------- */

static enum err
begin_inflate(struct rpc_compression *c)
{
    if (c->inflating)
        return (inflateReset(&c->in) == Z_OK ? E_OK : E_INVAL);
    if (inflateInit2(&c->in, GZIP_WINDOW) != Z_OK)
        return (E_NOMEM);
    c->inflating = 1;
    return (E_OK);
}

/* What zlib said of a step that was not the last. */
static enum err
judge(int rc)
{
    switch (rc) {
    case Z_OK:
        return (E_OK);
    case Z_MEM_ERROR:
        return (E_NOMEM);
    default:        /* damaged; or all was read, and the end has not come */
        return (E_INVAL);
    }
}

/*
 * Inflate into what room there is.  At the limit there is none: one byte that
 * comes out all the same is one too many.
 */
static enum err
inflate_more(z_stream *z, struct buf *out, int *rc)
{
    uint8_t beyond;
    size_t room;
    enum err err;

    if (out->n == out->max) {
        z->next_out = &beyond;
        z->avail_out = 1;
        *rc = inflate(z, Z_NO_FLUSH);
        return (z->avail_out == 0 ? E_TOOBIG : E_OK);
    }
    if ((err = buf_reserve(out, 1)) != E_OK)
        return (err);
    room = out->size - out->n;
    if (room > UINT_MAX)
        room = UINT_MAX;
    z->next_out = out->p + out->n;
    z->avail_out = (uInt)room;
    *rc = inflate(z, Z_NO_FLUSH);
    out->n += room - z->avail_out;
    return (E_OK);
}

/* Each step takes or makes a byte, or zlib says that it cannot: this ends. */
static enum err
inflate_all(z_stream *z, struct buf *out)
{
    int rc = Z_OK;
    enum err err;

    do {
        if ((err = inflate_more(z, out, &rc)) != E_OK)
            return (err);
        if (rc == Z_STREAM_END)
            return (z->avail_in == 0 ? E_OK : E_INVAL);
    } while ((err = judge(rc)) == E_OK);
    return (err);
}

enum err
rpc_compression_inflate(struct rpc_compression *compression,
    struct slice packed, struct slice *message)
{
    struct rpc_compression *c = compression;
    union {
        const uint8_t *in;
        uint8_t *out;
    } u = {.in = packed.p};     /* zlib wants no const, and does not write */
    enum err err;

    *message = (struct slice){NULL, 0};
    if (packed.n == 0 || packed.n > UINT_MAX)
        return (E_INVAL);
    if ((err = begin_inflate(c)) != E_OK)
        return (err);
    empty(&c->inflated);
    c->in.next_in = u.out;
    c->in.avail_in = (uInt)packed.n;
    if ((err = inflate_all(&c->in, &c->inflated)) == E_OK)
        *message = buf_slice(&c->inflated);
    return (err);
}

/* ---- writing ----------------------------------------------------------- */

static int
begin_deflate(struct rpc_compression *c)
{
    if (c->deflating)
        return (deflateReset(&c->out) == Z_OK);
    /* The loop of a worker waits for this: the quickest will do. */
    c->deflating = deflateInit2(&c->out, Z_BEST_SPEED, Z_DEFLATED,
        GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
    return (c->deflating);
}

int
rpc_compression_deflate(struct rpc_compression *compression, struct buf *out,
    size_t at)
{
    struct rpc_compression *c = compression;
    size_t n = out->n - at;
    size_t room = n - n / 8;

    if (room == 0 || n > PACKED_MAX)
        return (0);
    empty(&c->packed);
    if (buf_reserve(&c->packed, room) != E_OK || !begin_deflate(c))
        return (0);
    c->out.next_in = out->p + at;
    c->out.avail_in = (uInt)n;
    c->out.next_out = c->packed.p;
    c->out.avail_out = (uInt)room;
    if (deflate(&c->out, Z_FINISH) != Z_STREAM_END)
        return (0);
    memcpy(out->p + at, c->packed.p, room - c->out.avail_out);
    out->n = at + room - c->out.avail_out;
    return (1);
}

void
rpc_compression_free(struct rpc_compression *compression)
{
    if (compression == NULL)
        return;
    if (compression->inflating)
        (void)inflateEnd(&compression->in);
    if (compression->deflating)
        (void)deflateEnd(&compression->out);
    buf_free(&compression->inflated);
    buf_free(&compression->packed);
    free(compression);
}
