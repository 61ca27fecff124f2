#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/grpc_frame.h"
#include "support/fault.h"

#define SWEEP_MAX 100

/* Three messages: "hello", "", 300 times 'x'. */
static void
three_frames(struct buf *out)
{
    static const char *const texts[] = {"hello", ""};
    uint8_t x[300];
    size_t i, at;

    for (i = 0; i < 2; i++) {
        assert_int_equal(grpc_frame_begin(out, &at), E_OK);
        assert_int_equal(buf_add(out, slice_of(texts[i])), E_OK);
        grpc_frame_end(out, at);
    }
    memset(x, 'x', sizeof(x));
    assert_int_equal(grpc_frame_begin(out, &at), E_OK);
    assert_int_equal(buf_add(out, (struct slice){x, sizeof(x)}), E_OK);
    grpc_frame_end(out, at);
}

static void
frames_are_as_the_protocol_has_them(void **state)
{
    static const uint8_t want[] = {0, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o',
        0, 0, 0, 0, 0, 0, 0, 0, 1, 0x2c, 'x'};
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    three_frames(&out);
    assert_int_equal(out.n, 5 + 5 + 5 + 5 + 300);
    assert_memory_equal(out.p, want, sizeof(want));
    buf_free(&out);
}

static void
a_frame_that_does_not_fit_leaves_the_buf_as_it_was(void **state)
{
    struct buf out;
    size_t at;

    (void)state;
    buf_init(&out, 10);
    assert_int_equal(buf_add(&out, slice_of("123456")), E_OK);
    assert_int_equal(grpc_frame_begin(&out, &at), E_TOOBIG);
    assert_int_equal(out.n, 6);
    buf_free(&out);
}

static void
a_whole_message_is_borrowed(void **state)
{
    struct grpc_reader *reader;
    struct slice in, message;
    struct buf out;
    int done;

    (void)state;
    buf_init(&out, 4096);
    three_frames(&out);
    assert_int_equal(grpc_reader_create(300, &reader), E_OK);
    in = buf_slice(&out);
    assert_int_equal(grpc_reader_next(reader, &in, &message, &done), E_OK);
    assert_true(done);
    assert_ptr_equal(message.p, out.p + 5);
    assert_true(slice_equal(message, slice_of("hello")));
    assert_int_equal(grpc_reader_next(reader, &in, &message, &done), E_OK);
    assert_true(done);
    assert_int_equal(message.n, 0);
    assert_int_equal(grpc_reader_next(reader, &in, &message, &done), E_OK);
    assert_true(done);
    assert_int_equal(message.n, 300);
    assert_ptr_equal(message.p, out.p + 20);
    assert_int_equal(in.n, 0);
    assert_int_equal(grpc_reader_next(reader, &in, &message, &done), E_OK);
    assert_false(done);
    assert_false(grpc_reader_partial(reader));
    grpc_reader_free(reader);
    buf_free(&out);
}

/*
 * Feed ${bytes} in pieces of ${size} and count the messages; the pieces are
 * copies that are gone before the next one.
 */
static size_t
feed_in_pieces(struct grpc_reader *reader, struct slice bytes, size_t size)
{
    static const size_t lengths[] = {5, 0, 300};
    struct slice in, message;
    size_t n, count = 0;
    uint8_t *piece;
    int done;

    while (bytes.n > 0) {
        n = bytes.n < size ? bytes.n : size;
        assert_non_null(piece = malloc(n));
        memcpy(piece, bytes.p, n);
        in = (struct slice){piece, n};
        do {
            assert_int_equal(grpc_reader_next(reader, &in, &message, &done),
                E_OK);
            if (done) {
                assert_int_equal(message.n, lengths[count % 3]);
                if (message.n == 5)
                    assert_true(slice_equal(message, slice_of("hello")));
                if (message.n == 300)
                    assert_int_equal(message.p[299], 'x');
                count++;
            }
        } while (done || in.n > 0);
        free(piece);
        bytes.p += n;
        bytes.n -= n;
        assert_true(bytes.n > 0 || !grpc_reader_partial(reader));
    }
    return (count);
}

static void
pieces_may_have_any_size(void **state)
{
    struct grpc_reader *reader;
    struct buf out;
    size_t size;

    (void)state;
    buf_init(&out, 4096);
    three_frames(&out);
    three_frames(&out);
    assert_int_equal(grpc_reader_create(300, &reader), E_OK);
    for (size = 1; size <= out.n; size++)
        assert_int_equal(feed_in_pieces(reader, buf_slice(&out), size), 6);
    grpc_reader_free(reader);
    buf_free(&out);
}

static void
a_begun_message_is_partial(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 2, 'a', 'b'};
    struct grpc_reader *reader;
    struct slice in, message;
    size_t i;
    int done;

    (void)state;
    assert_int_equal(grpc_reader_create(10, &reader), E_OK);
    assert_false(grpc_reader_partial(reader));
    for (i = 0; i < sizeof(bytes); i++) {
        in = (struct slice){bytes + i, 1};
        assert_int_equal(grpc_reader_next(reader, &in, &message, &done), E_OK);
        assert_int_equal(in.n, 0);
        assert_int_equal(done, i == 6);
        assert_int_equal(grpc_reader_partial(reader), i < 6);
    }
    assert_true(slice_equal(message, slice_of("ab")));
    grpc_reader_free(reader);
}

static void
refuse(const uint8_t *bytes, size_t n, size_t step, enum err want,
    size_t announced)
{
    struct grpc_reader *reader;
    struct slice in, message;
    enum err err = E_OK;
    size_t i;
    int done;

    assert_int_equal(grpc_reader_create(1000, &reader), E_OK);
    /* Not one allocation, whatever is announced. */
    fault_arm(0);
    for (i = 0; i < n && err == E_OK; i += step) {
        in = (struct slice){bytes + i, n - i < step ? n - i : step};
        err = grpc_reader_next(reader, &in, &message, &done);
        assert_false(done);
    }
    assert_false(fault_fired());
    fault_arm(-1);
    assert_int_equal(err, want);
    if (want == E_TOOBIG)
        assert_int_equal(grpc_reader_announced(reader), announced);
    in = (struct slice){(const uint8_t *)"\0\0\0\0\0", 5};
    assert_int_equal(grpc_reader_next(reader, &in, &message, &done), want);
    assert_false(done);
    grpc_reader_free(reader);
}

static void
bad_prefixes_are_refused_for_good(void **state)
{
    static const uint8_t compressed[] = {1, 0, 0, 0, 1, 'a'};
    static const uint8_t no_flag[] = {2, 0, 0, 0, 1, 'a'};
    static const uint8_t long_one[] = {0, 0, 0, 0x03, 0xe9, 'a'};
    static const uint8_t huge[] = {0, 0xff, 0xff, 0xff, 0xff};
    size_t step;

    (void)state;
    for (step = 1; step <= 6; step++) {
        refuse(compressed, sizeof(compressed), step, E_INVAL, 0);
        refuse(no_flag, sizeof(no_flag), step, E_INVAL, 0);
        refuse(long_one, sizeof(long_one), step, E_TOOBIG, 1001);
        refuse(huge, sizeof(huge), step, E_TOOBIG, 0xffffffff);
    }
}

/* Whole, or a byte at a time. */
static void
compressed_messages_are_for_who_takes_them(void **state)
{
    static const uint8_t bytes[] = {1, 0, 0, 0, 1, 'a', 0, 0, 0, 0, 0,
        1, 0, 0, 0, 0, 2, 0, 0, 0, 0};
    static const int flags[] = {1, 0, 1};
    struct grpc_reader *reader;
    struct slice in, message;
    size_t at, step, n;
    int done;

    (void)state;
    assert_int_equal(grpc_reader_create(1000, &reader), E_OK);
    for (step = 1; step <= 16; step += 15) {
        grpc_reader_reset(reader);
        grpc_reader_take_compressed(reader);
        for (at = n = 0; at < 16; at += step) {
            in = (struct slice){bytes + at, step};
            while (in.n > 0) {
                assert_int_equal(grpc_reader_next(reader, &in, &message,
                    &done), E_OK);
                if (done)
                    assert_int_equal(grpc_reader_compressed(reader),
                        flags[n++]);
            }
        }
        assert_int_equal(n, 3);
        in = (struct slice){bytes + 16, 5};     /* there is no flag 2 */
        assert_int_equal(grpc_reader_next(reader, &in, &message, &done),
            E_INVAL);
    }
    grpc_reader_reset(reader);
    in = (struct slice){bytes, 6};
    assert_int_equal(grpc_reader_next(reader, &in, &message, &done), E_INVAL);
    grpc_reader_free(reader);
}

static void
the_flag_is_set_in_place(void **state)
{
    struct buf out;
    size_t at;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(buf_add(&out, slice_of("x")), E_OK);
    assert_int_equal(grpc_frame_begin(&out, &at), E_OK);
    assert_int_equal(buf_add(&out, slice_of("ab")), E_OK);
    grpc_frame_set_compressed(&out, at);
    grpc_frame_end(&out, at);
    assert_int_equal(out.n, 8);
    assert_memory_equal(out.p, "x\1\0\0\0\2ab", 8);
    buf_free(&out);
}

static void
every_allocation_may_fail(void **state)
{
    static const uint8_t first[] = {0, 0, 0, 0x03, 0xe8, 'a'};
    uint8_t rest[999];
    struct grpc_reader *reader;
    struct slice in, message;
    enum err err;
    int n, done, fired = 1;

    (void)state;
    memset(rest, 'b', sizeof(rest));
    for (n = 0; fired && n < SWEEP_MAX; n++) {
        done = 0;
        fault_arm(n);
        err = grpc_reader_create(1000, &reader);
        if (err != E_OK)
            assert_null(reader);
        in = (struct slice){first, sizeof(first)};
        if (err == E_OK)
            err = grpc_reader_next(reader, &in, &message, &done);
        in = (struct slice){rest, sizeof(rest)};
        if (err == E_OK)
            err = grpc_reader_next(reader, &in, &message, &done);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(err, fired ? E_NOMEM : E_OK);
        assert_int_equal(done, !fired);
        if (fired && reader != NULL) {
            in = (struct slice){rest, sizeof(rest)};
            assert_int_equal(grpc_reader_next(reader, &in, &message, &done),
                E_NOMEM);
        }
        grpc_reader_free(reader);
    }
    assert_int_equal(n, 4);
}

static void
beginning_a_frame_may_fail(void **state)
{
    struct buf out;
    size_t at;

    (void)state;
    buf_init(&out, 100);
    fault_arm(0);
    assert_int_equal(grpc_frame_begin(&out, &at), E_NOMEM);
    fault_arm(-1);
    assert_int_equal(out.n, 0);
    assert_int_equal(grpc_frame_begin(&out, &at), E_OK);
    buf_free(&out);
}

static void
after_a_reset_nothing_is_left(void **state)
{
    static const uint8_t begun[] = {0, 0, 0, 0, 9, 'x'};
    static const uint8_t bad[] = {1};
    static const uint8_t whole[] = {0, 0, 0, 0, 2, 'h', 'i'};
    const struct slice before[] = {{NULL, 0}, {begun, 3},
        {begun, sizeof(begun)}, {bad, sizeof(bad)}, {whole, sizeof(whole)}};
    struct grpc_reader *reader;
    struct slice in, message;
    int done;

    (void)state;
    assert_int_equal(grpc_reader_create(100, &reader), E_OK);
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        in = before[i];
        assert_int_equal(grpc_reader_next(reader, &in, &message, &done),
            before[i].p == bad ? E_INVAL : E_OK);
        grpc_reader_reset(reader);
        assert_false(grpc_reader_partial(reader));
        assert_int_equal(grpc_reader_announced(reader), 0);
        in = (struct slice){whole, sizeof(whole)};
        assert_int_equal(grpc_reader_next(reader, &in, &message, &done), E_OK);
        assert_true(done);
        assert_true(slice_equal(message, slice_of("hi")));
        grpc_reader_reset(reader);
    }
    grpc_reader_free(reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_as_the_protocol_has_them),
        cmocka_unit_test(a_frame_that_does_not_fit_leaves_the_buf_as_it_was),
        cmocka_unit_test(a_whole_message_is_borrowed),
        cmocka_unit_test(pieces_may_have_any_size),
        cmocka_unit_test(a_begun_message_is_partial),
        cmocka_unit_test(bad_prefixes_are_refused_for_good),
        cmocka_unit_test(compressed_messages_are_for_who_takes_them),
        cmocka_unit_test(the_flag_is_set_in_place),
        cmocka_unit_test(after_a_reset_nothing_is_left),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(beginning_a_frame_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
