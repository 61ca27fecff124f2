/*
 * Compressed messages: frames, some with the flag, and what gzip is in them.
 * However the bytes are cut the same comes out; it is what zlib, used simply,
 * makes of them; never more than the limit; and nothing of one message is left
 * for the next.  What we compress ourselves is read again.
 *
 * A plan of cuts, then frames.
 */

#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "fuzz.h"
#include "proto/grpc_frame.h"
#include "rpc/rpc_compression.h"

/* Small, so that the limits are met often. */
#define PACKED_MAX 600
#define MESSAGE_MAX 1500

/* What one reader said of the whole: each message framed again. */
struct heard {
    struct buf messages;
    enum err err;
};

/* ---- what zlib makes of it ---------------------------------------------- */

static enum err
simply(struct slice packed, uint8_t *out, size_t *n)
{
    union {
        const uint8_t *in;
        uint8_t *out;
    } u = {.in = packed.p};
    z_stream z;
    int rc;

    memset(&z, 0, sizeof(z));
    FUZZ_CHECK(inflateInit2(&z, 15 + 16) == Z_OK);
    z.next_in = u.out;
    z.avail_in = (uInt)packed.n;
    z.next_out = out;
    z.avail_out = MESSAGE_MAX + 1;
    rc = inflate(&z, Z_FINISH);
    *n = MESSAGE_MAX + 1 - z.avail_out;
    FUZZ_CHECK(inflateEnd(&z) == Z_OK);
    if (*n > MESSAGE_MAX)
        return (E_TOOBIG);
    return (rc == Z_STREAM_END && z.avail_in == 0 ? E_OK : E_INVAL);
}

static void
check_inflated(struct slice packed, enum err err, struct slice message)
{
    uint8_t *out = malloc(MESSAGE_MAX + 1);
    size_t n;

    FUZZ_CHECK(out != NULL);
    FUZZ_CHECK(simply(packed, out, &n) == err);
    if (err == E_OK)
        FUZZ_CHECK(slice_equal(message, (struct slice){out, n}));
    else
        FUZZ_CHECK(message.n == 0);
    free(out);
}

/* ---- what we make of it ------------------------------------------------- */

static void
hear(struct heard *heard, struct slice message)
{
    size_t at;

    FUZZ_CHECK(grpc_frame_begin(&heard->messages, &at) == E_OK);
    FUZZ_CHECK(buf_add(&heard->messages, message) == E_OK);
    grpc_frame_end(&heard->messages, at);
}

static void
take(struct rpc_compression *compression, int compressed,
    struct slice message, struct heard *heard)
{
    struct slice packed = message;

    FUZZ_CHECK(packed.n <= PACKED_MAX);
    if (compressed) {
        heard->err = rpc_compression_inflate(compression, packed, &message);
        check_inflated(packed, heard->err, message);
        FUZZ_CHECK(message.n <= MESSAGE_MAX);
    }
    if (heard->err == E_OK)
        hear(heard, message);
}

static void
read_all(struct fuzz_cuts cuts, struct slice in, struct heard *heard)
{
    struct rpc_compression *compression;
    struct grpc_reader *reader;
    struct slice own, rest, message;
    int done;

    *heard = (struct heard){.err = E_OK};
    buf_init(&heard->messages, SIZE_MAX / 2);
    FUZZ_CHECK(rpc_compression_create(MESSAGE_MAX, &compression) == E_OK);
    FUZZ_CHECK(grpc_reader_create(PACKED_MAX, &reader) == E_OK);
    grpc_reader_take_compressed(reader);
    while (in.n > 0 && heard->err == E_OK) {
        own = rest = fuzz_own(fuzz_piece(&cuts, &in));
        while (rest.n > 0 && heard->err == E_OK) {
            heard->err = grpc_reader_next(reader, &rest, &message, &done);
            if (heard->err == E_OK && done)
                take(compression, grpc_reader_compressed(reader), message,
                    heard);
        }
        fuzz_disown(own);
    }
    grpc_reader_free(reader);
    rpc_compression_free(compression);
}

/* ${in} compressed by us, if that is worth it, is ${in} when it is read. */
static void
and_back(struct slice in)
{
    struct rpc_compression *compression;
    struct slice message;
    struct buf out;
    int i;

    FUZZ_CHECK(rpc_compression_create(in.n + 1, &compression) == E_OK);
    for (i = 0; i < 2; i++) {
        buf_init(&out, in.n + 1);
        FUZZ_CHECK(buf_add(&out, in) == E_OK);
        if (rpc_compression_deflate(compression, &out, 0)) {
            FUZZ_CHECK(out.n < in.n);
            FUZZ_CHECK(rpc_compression_inflate(compression, buf_slice(&out),
                &message) == E_OK);
            FUZZ_CHECK(slice_equal(message, in));
        } else {
            FUZZ_CHECK(slice_equal(buf_slice(&out), in));
        }
        buf_free(&out);
    }
    rpc_compression_free(compression);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size};
    struct fuzz_cuts none = {{NULL, 0}, 0}, cuts = fuzz_cuts(&in);
    struct heard whole, cut;

    read_all(none, in, &whole);
    read_all(cuts, in, &cut);
    FUZZ_CHECK(whole.err == cut.err);
    FUZZ_CHECK(slice_equal(buf_slice(&whole.messages),
        buf_slice(&cut.messages)));
    and_back(in);
    buf_free(&whole.messages);
    buf_free(&cut.messages);
    return (0);
}
