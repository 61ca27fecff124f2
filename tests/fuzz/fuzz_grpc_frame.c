/*
 * gRPC's frames: however the bytes are cut, the same messages come out, and
 * the same failure.  A plan of cuts, then the bytes.
 */

#include "fuzz.h"
#include "proto/grpc_frame.h"

/* Small, so that the limit is met often. */
#define MESSAGE_MAX 600

/* What one reader said of the whole. */
struct heard {
    struct buf messages;        /* each framed again */
    enum err err;
    int partial;
    size_t announced;
};

static void
hear(struct heard *heard, struct slice message)
{
    size_t at;

    FUZZ_CHECK(message.n <= MESSAGE_MAX);
    FUZZ_CHECK(grpc_frame_begin(&heard->messages, &at) == E_OK);
    FUZZ_CHECK(buf_add(&heard->messages, message) == E_OK);
    grpc_frame_end(&heard->messages, at);
}

static void
feed(struct grpc_reader *reader, struct slice piece, struct heard *heard)
{
    struct slice own = fuzz_own(piece), rest = own, message;
    int done = 1;

    while (heard->err == E_OK && rest.n > 0) {
        size_t before = rest.n;

        heard->err = grpc_reader_next(reader, &rest, &message, &done);
        if (heard->err != E_OK)
            break;
        FUZZ_CHECK(rest.n < before);
        FUZZ_CHECK(done || rest.n == 0);
        if (done)
            hear(heard, message);
    }
    fuzz_disown(own);
}

static void
read_all(struct fuzz_cuts cuts, struct slice in, struct heard *heard)
{
    struct grpc_reader *reader;
    struct slice more = {(const uint8_t *)"\0\0\0\0\0", GRPC_FRAME_PREFIX};
    struct slice message;
    int done;

    *heard = (struct heard){.err = E_OK};
    buf_init(&heard->messages, in.n);
    FUZZ_CHECK(grpc_reader_create(MESSAGE_MAX, &reader) == E_OK);
    while (in.n > 0 && heard->err == E_OK)
        feed(reader, fuzz_piece(&cuts, &in), heard);
    heard->partial = grpc_reader_partial(reader);
    heard->announced = grpc_reader_announced(reader);

    /* After a failure every later call fails the same way. */
    if (heard->err != E_OK)
        FUZZ_CHECK(grpc_reader_next(reader, &more, &message, &done) ==
            heard->err);
    grpc_reader_free(reader);
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
    FUZZ_CHECK(whole.announced == cut.announced);
    FUZZ_CHECK(whole.partial == cut.partial);
    FUZZ_CHECK(slice_equal(buf_slice(&whole.messages),
        buf_slice(&cut.messages)));
    if (whole.err == E_OK && !whole.partial)
        FUZZ_CHECK(slice_equal(buf_slice(&whole.messages), in));
    buf_free(&whole.messages);
    buf_free(&cut.messages);
    return (0);
}
