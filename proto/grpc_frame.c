#include "proto/grpc_frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct grpc_reader {
    size_t max;
    uint8_t most;           /* highest flag that is taken */
    uint8_t prefix[GRPC_FRAME_PREFIX];
    size_t nprefix;         /* of the prefix, what has come */
    size_t length;          /* as the last whole prefix announced it */
    struct buf pieces;      /* owned; what came of a message in pieces */
    int given;              /* pieces were given out, and are done with */
    enum err failed;
};

enum err
grpc_reader_create(size_t max, struct grpc_reader **reader)
{
    struct grpc_reader *r;

    *reader = NULL;
    if ((r = calloc(1, sizeof(*r))) == NULL)
        return (E_NOMEM);
    buf_init(&r->pieces, max);
    r->max = max;
    grpc_reader_reset(r);
    *reader = r;
    return (E_OK);
}

void
grpc_reader_reset(struct grpc_reader *reader)
{
    if (reader->pieces.size > 0)
        buf_free(&reader->pieces);
    reader->nprefix = reader->length = 0;
    reader->given = 0;
    reader->most = 0;
    reader->failed = E_OK;
}

void
grpc_reader_take_compressed(struct grpc_reader *reader)
{
    reader->most = 1;
}

/* Take what there is of the prefix. */
static enum err
take_prefix(struct grpc_reader *reader, struct slice *in)
{
    const uint8_t *p = reader->prefix;
    size_t n = GRPC_FRAME_PREFIX - reader->nprefix;

    if (n > in->n)
        n = in->n;
    if (n > 0)
        memcpy(reader->prefix + reader->nprefix, in->p, n);
    reader->nprefix += n;

    /* The flag is judged even while its length is on the way. */
    if (reader->nprefix > 0 && p[0] > reader->most)
        return (E_INVAL);
    if (n > 0) {
        in->p += n;
        in->n -= n;
    }
    if (reader->nprefix < GRPC_FRAME_PREFIX)
        return (E_OK);
    reader->length = (size_t)p[1] << 24 | (size_t)p[2] << 16 |
        (size_t)p[3] << 8 | p[4];
    return (reader->length > reader->max ? E_TOOBIG : E_OK);
}

/* The prefix is whole: take the message, or what there is of it. */
static enum err
take_message(struct grpc_reader *reader, struct slice *in,
    struct slice *message, int *done)
{
    size_t n = reader->length - reader->pieces.n;
    enum err err;

    if (n > in->n)
        n = in->n;
    *done = (reader->pieces.n + n == reader->length);

    /* All of it is here at once: nothing is copied. */
    if (*done && reader->pieces.n == 0) {
        *message = (struct slice){in->p, n};
    } else {
        if ((err = buf_add(&reader->pieces, (struct slice){in->p, n})) != E_OK)
            return (err);
        if (*done)
            *message = buf_slice(&reader->pieces);
        reader->given = *done;
    }
    if (*done)
        reader->nprefix = 0;
    if (n > 0) {
        in->p += n;
        in->n -= n;
    }
    return (E_OK);
}

enum err
grpc_reader_next(struct grpc_reader *reader, struct slice *in,
    struct slice *message, int *done)
{
    enum err err = reader->failed;

    *done = 0;
    *message = (struct slice){NULL, 0};
    if (err != E_OK)
        return (err);

    if (reader->given) {
        buf_drop(&reader->pieces, reader->pieces.n);
        reader->given = 0;
    }
    if (reader->nprefix < GRPC_FRAME_PREFIX)
        err = take_prefix(reader, in);
    if (err == E_OK && reader->nprefix == GRPC_FRAME_PREFIX)
        err = take_message(reader, in, message, done);
    if (err != E_OK)
        *done = 0;
    reader->failed = err;
    return (err);
}

int
grpc_reader_compressed(const struct grpc_reader *reader)
{
    return (reader->prefix[0] != 0);
}

int
grpc_reader_partial(const struct grpc_reader *reader)
{
    return (reader->nprefix > 0);
}

size_t
grpc_reader_announced(const struct grpc_reader *reader)
{
    return (reader->length);
}

void
grpc_reader_free(struct grpc_reader *reader)
{
    if (reader == NULL)
        return;
    buf_free(&reader->pieces);
    free(reader);
}

enum err
grpc_frame_begin(struct buf *out, size_t *at)
{
    static const uint8_t prefix[GRPC_FRAME_PREFIX];

    *at = out->n;
    return (buf_add(out, (struct slice){prefix, sizeof(prefix)}));
}

void
grpc_frame_end(struct buf *out, size_t at)
{
    size_t length = out->n - at - GRPC_FRAME_PREFIX;
    uint8_t *p = out->p + at;

    assert(length <= UINT32_MAX);
    p[1] = (uint8_t)(length >> 24);
    p[2] = (uint8_t)(length >> 16);
    p[3] = (uint8_t)(length >> 8);
    p[4] = (uint8_t)length;
}

void
grpc_frame_set_compressed(struct buf *out, size_t at)
{
    out->p[at] = 1;
}
