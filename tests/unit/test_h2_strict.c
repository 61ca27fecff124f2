/*
 * Where RFC 9113 is stricter than nghttp2: what comes for streams that are
 * closed (sections 5.1 and 5.1.1), windows (6.9.2), headers (8.2.1, 8.3.1);
 * and how a session ends whose peer has said GOAWAY (6.8).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/fake_methods.h"
#include "support/fault.h"
#include "support/h2_client.h"

#define PATH "/test.v1.Test/"
#define CANCEL ((struct slice){(const uint8_t *)"\0\0\0\10", 4})

struct raw {
    struct peer peer;
    struct buf in;
    struct buf out;
};

static int
setup(void **state)
{
    static struct raw raw;

    memset(&fake, 0, sizeof(fake));
    peer_open_raw(&raw.peer, NULL);
    buf_init(&raw.in, 1 << 20);
    buf_init(&raw.out, 1 << 20);
    raw_magic(&raw.in);
    *state = &raw;
    return (0);
}

static int
teardown(void **state)
{
    struct raw *r = *state;

    peer_close(&r->peer);
    buf_free(&r->in);
    buf_free(&r->out);
    assert_int_equal(fake.started, fake.ended);
    return (0);
}

/* Feed what has been made, ${step} bytes at a time, and forget it. */
static enum err
feed_by(struct raw *r, size_t step)
{
    struct slice in = buf_slice(&r->in);
    enum err err = E_OK;

    while (in.n > 0 && err == E_OK) {
        struct slice piece = {in.p, in.n < step ? in.n : step};

        err = h2_feed(r->peer.h2, piece);
        in.p += piece.n;
        in.n -= piece.n;
    }
    buf_drop(&r->in, r->in.n);
    return (err);
}

static struct frames
take(struct raw *r)
{
    struct frames frames;

    buf_drop(&r->out, r->out.n);
    assert_int_equal(h2_take(r->peer.h2, &r->out), E_OK);
    raw_scan(buf_slice(&r->out), &frames);
    return (frames);
}

static void
assert_well(struct raw *r)
{
    assert_int_equal(feed_by(r, SIZE_MAX), E_OK);
    assert_int_equal(take(r).n[NGHTTP2_GOAWAY], 0);
}

/* What is made breaks the session with that code, however it is cut. */
static void
assert_broken_by(struct raw *r, size_t step, uint32_t code)
{
    struct frames frames;

    assert_int_equal(feed_by(r, step), E_INVAL);
    frames = take(r);
    assert_int_equal(frames.n[NGHTTP2_GOAWAY], 1);
    assert_int_equal(frames.last_type, NGHTTP2_GOAWAY);
    assert_int_equal(frames.goaway_code, code);
    assert_true(strlen(frames.goaway_text) > 0);
    assert_true(h2_finished(r->peer.h2));
}

static void
assert_broken(struct raw *r, uint32_t code)
{
    assert_broken_by(r, SIZE_MAX, code);
}

static void
data(struct raw *r, int32_t id, int flags)
{
    raw_frame(&r->in, NGHTTP2_DATA, flags, id, slice_of("x"));
}

/* A call that both sides have ended. */
static void
end(struct raw *r, int32_t id)
{
    struct buf frame = text_frame("x");

    raw_request(&r->in, id, PATH "Echo", 0);
    raw_frame(&r->in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, id,
        buf_slice(&frame));
    buf_free(&frame);
    assert_well(r);
}

/* A literal, of a name that makes the request malformed. */
static const struct slice upper = {(const uint8_t *)"\0\1X\1y", 5};

/* A call that we reset while the peer is at it. */
static void
reset(struct raw *r, int32_t id)
{
    raw_request(&r->in, id, PATH "Chat", 0);
    raw_frame(&r->in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id, upper);
    assert_int_equal(feed_by(r, SIZE_MAX), E_OK);
    assert_int_equal(take(r).n[NGHTTP2_RST_STREAM], 1);
}

static void
trailers(struct raw *r, int32_t id)
{
    /* A literal, "x: y". */
    raw_frame(&r->in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM |
        NGHTTP2_FLAG_END_HEADERS, id,
        (struct slice){(const uint8_t *)"\0\1x\1y", 5});
}

static void
headers_on_a_stream_that_ended_break_the_session(void **state)
{
    end(*state, 1);
    trailers(*state, 1);
    assert_broken(*state, NGHTTP2_STREAM_CLOSED);
}

static void
so_does_a_second_request_on_it(void **state)
{
    struct raw *r = *state;

    end(r, 1);
    end(r, 3);
    raw_request(&r->in, 1, PATH "Echo", NGHTTP2_FLAG_END_STREAM);
    assert_broken(r, NGHTTP2_STREAM_CLOSED);
    assert_int_equal(fake.started, 2);
}

static void
data_on_a_stream_that_ended_break_the_session(void **state)
{
    end(*state, 1);
    data(*state, 1, 0);
    assert_broken(*state, NGHTTP2_STREAM_CLOSED);
}

static void
data_are_found_byte_by_byte(void **state)
{
    end(*state, 1);
    data(*state, 1, 0);
    assert_broken_by(*state, 1, NGHTTP2_STREAM_CLOSED);
}

static void
data_are_found_in_the_midst_of_others(void **state)
{
    struct raw *r = *state;

    end(r, 1);
    raw_frame(&r->in, NGHTTP2_PING, 0, 0, slice_of("12345678"));
    raw_request(&r->in, 3, PATH "Chat", 0);
    data(r, 3, 0);
    data(r, 1, 0);
    data(r, 3, NGHTTP2_FLAG_END_STREAM);
    assert_broken(r, NGHTTP2_STREAM_CLOSED);
    assert_int_equal(fake.started, 2);
}

static void
data_behind_the_reset_of_the_peer_break_the_session(void **state)
{
    struct raw *r = *state;

    raw_request(&r->in, 1, PATH "Chat", 0);
    assert_well(r);
    raw_frame(&r->in, NGHTTP2_RST_STREAM, 0, 1, CANCEL);
    data(r, 1, 0);
    assert_broken(r, NGHTTP2_STREAM_CLOSED);
}

static void
headers_behind_the_reset_of_the_peer_break_the_session(void **state)
{
    struct raw *r = *state;

    raw_request(&r->in, 1, PATH "Chat", 0);
    raw_frame(&r->in, NGHTTP2_RST_STREAM, 0, 1, CANCEL);
    trailers(r, 1);
    assert_broken(r, NGHTTP2_STREAM_CLOSED);
}

static void
what_was_under_way_when_we_reset_is_ignored(void **state)
{
    struct raw *r = *state;

    reset(r, 1);
    data(r, 1, 0);
    raw_frame(&r->in, NGHTTP2_WINDOW_UPDATE, 0, 1,
        (struct slice){(const uint8_t *)"\0\0\0\1", 4});
    trailers(r, 1);
    assert_well(r);
    end(r, 3);
    trailers(r, 1);
    assert_well(r);
}

static void
a_reset_that_is_not_sent_yet_counts(void **state)
{
    struct raw *r = *state;

    raw_request(&r->in, 1, PATH "Chat", 0);
    raw_frame(&r->in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, upper);
    data(r, 1, 0);
    trailers(r, 1);
    assert_int_equal(feed_by(r, SIZE_MAX), E_OK);
    assert_int_equal(take(r).n[NGHTTP2_GOAWAY], 0);
}

static void
many_resets_are_all_excused(void **state)
{
    struct raw *r = *state;
    int32_t id;

    for (id = 1; id <= 81; id += 2)
        reset(r, id);
    for (id = 1; id <= 81; id += 2) {
        data(r, id, 0);
        trailers(r, id);
    }
    assert_well(r);

    /* Those behind the last that is forgotten are known one by one. */
    end(r, 83);
    trailers(r, 83);
    assert_broken(r, NGHTTP2_STREAM_CLOSED);
}

static void
an_end_between_resets_is_known(void **state)
{
    reset(*state, 1);
    end(*state, 3);
    reset(*state, 5);
    trailers(*state, 3);
    assert_broken(*state, NGHTTP2_STREAM_CLOSED);
}

static void
a_stream_that_was_passed_over_cannot_be_opened(void **state)
{
    struct raw *r = *state;

    end(r, 1);
    end(r, 7);
    end(r, 9);
    raw_request(&r->in, 5, PATH "Echo", 0);
    assert_broken(r, NGHTTP2_PROTOCOL_ERROR);
    assert_int_equal(fake.started, 3);
}

static void
nor_if_a_priority_named_it(void **state)
{
    struct raw *r = *state;

    raw_frame(&r->in, NGHTTP2_PRIORITY, 0, 1, slice_of("\2\2\2\2\2"));
    end(r, 3);
    raw_request(&r->in, 1, PATH "Echo", 0);
    assert_broken(r, NGHTTP2_PROTOCOL_ERROR);
}

static void
streams_that_are_open_go_on(void **state)
{
    struct raw *r = *state;
    size_t step;

    for (step = 1; step < 40; step += 3) {
        int32_t id = (int32_t)(2 * step + 1);

        raw_request(&r->in, id, PATH "Chat", 0);
        data(r, id, 0);
        raw_request(&r->in, id + 2, PATH "Chat", 0);
        raw_frame(&r->in, NGHTTP2_RST_STREAM, 0, id, CANCEL);
        data(r, id + 2, 0);
        raw_frame(&r->in, NGHTTP2_RST_STREAM, 0, id + 2, CANCEL);
        assert_int_equal(feed_by(r, step), E_OK);
        assert_int_equal(take(r).n[NGHTTP2_GOAWAY], 0);
    }
    assert_int_equal(fake.started, 26);
}

static void
a_continuation_that_is_too_long_breaks_the_session(void **state)
{
    struct raw *r = *state;
    struct buf block;

    buf_init(&block, 1 << 20);
    while (block.n <= 16 * 1024)        /* an index, of the static table */
        assert_int_equal(buf_add(&block, slice_of("\x90")), E_OK);
    raw_request(&r->in, 1, PATH "Chat", 0);
    r->in.p[24 + 9 + 4] &= (uint8_t)~NGHTTP2_FLAG_END_HEADERS;
    raw_frame(&r->in, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1,
        buf_slice(&block));
    buf_free(&block);
    assert_broken(r, NGHTTP2_FRAME_SIZE_ERROR);
    assert_int_equal(fake.started, 0);
}

/* ${bytes} are headers: literals, each a byte of length and as many more. */
static void
assert_malformed(struct raw *r, const char *bytes, size_t n)
{
    raw_request(&r->in, 1, PATH "Chat", 0);
    assert_int_equal(feed_by(r, SIZE_MAX), E_OK);
    raw_frame(&r->in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_STREAM |
        NGHTTP2_FLAG_END_HEADERS, 1,
        (struct slice){(const uint8_t *)bytes, n});
    assert_int_equal(feed_by(r, SIZE_MAX), E_OK);
    assert_int_equal(take(r).reset_code, NGHTTP2_PROTOCOL_ERROR);
    end(r, 3);
}

static void
a_header_with_a_line_feed_is_not_left_out(void **state)
{
    assert_malformed(*state, "\0\1x\3a\nb", 7);
}

static void
a_header_that_ends_with_a_space_is_not_left_out(void **state)
{
    assert_malformed(*state, "\0\1x\2a ", 6);
}

static void
a_name_with_a_space_is_not_left_out(void **state)
{
    assert_malformed(*state, "\0\2x \1a", 6);
}

static void
window_update(struct raw *r, int32_t id, uint32_t more)
{
    const uint8_t bytes[] = {(uint8_t)(more >> 24), (uint8_t)(more >> 16),
        (uint8_t)(more >> 8), (uint8_t)more};

    raw_frame(&r->in, NGHTTP2_WINDOW_UPDATE, 0, id,
        (struct slice){bytes, sizeof(bytes)});
}

static void
initial_window(struct raw *r, uint32_t size)
{
    const uint8_t bytes[] = {0, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
        (uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
        (uint8_t)size};

    raw_frame(&r->in, NGHTTP2_SETTINGS, 0, 0,
        (struct slice){bytes, sizeof(bytes)});
}

static void
settings_that_make_a_window_too_large_break_the_session(void **state)
{
    struct raw *r = *state;

    raw_request(&r->in, 1, PATH "Chat", 0);
    raw_request(&r->in, 3, PATH "Chat", 0);
    window_update(r, 1, INT32_MAX - 65535);
    assert_well(r);
    initial_window(r, 65536);
    assert_broken(r, NGHTTP2_FLOW_CONTROL_ERROR);
}

static void
settings_may_make_a_window_as_large_as_can_be(void **state)
{
    struct raw *r = *state;

    initial_window(r, INT32_MAX);
    raw_request(&r->in, 1, PATH "Chat", 0);
    assert_well(r);
    initial_window(r, 10);
    assert_well(r);
    window_update(r, 1, INT32_MAX - 100);
    initial_window(r, 100);
    assert_well(r);
    raw_frame(&r->in, NGHTTP2_RST_STREAM, 0, 1, CANCEL);
    initial_window(r, INT32_MAX);
    assert_well(r);
}

/* A request, by the static table: POST, https, "localhost", gRPC and the host. */
static void
request_with_host(struct raw *r, int32_t id, const char *host)
{
    static const char path[] = PATH "Chat";
    struct buf block;
    const uint8_t length[] = {sizeof(path) - 1, (uint8_t)strlen(host)};

    buf_init(&block, 4096);
    assert_int_equal(buf_add(&block, slice_of("\x83\x87\x04")), E_OK);
    assert_int_equal(buf_add(&block, (struct slice){length, 1}), E_OK);
    assert_int_equal(buf_add(&block, slice_of(path)), E_OK);
    assert_int_equal(buf_add(&block, slice_of("\x01\x09localhost")), E_OK);
    assert_int_equal(buf_add(&block, slice_of("\x0f\x10\x10"
        "application/grpc\x0f\x17")), E_OK);
    assert_int_equal(buf_add(&block, (struct slice){length + 1, 1}), E_OK);
    assert_int_equal(buf_add(&block, slice_of(host)), E_OK);
    raw_frame(&r->in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id,
        buf_slice(&block));
    buf_free(&block);
}

static void
a_host_that_is_not_the_authority_makes_a_request_malformed(void **state)
{
    static const char *const others[] = {"elsewhere", "localhos", "localhost1",
        ""};
    struct raw *r = *state;
    int32_t id = 1;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        request_with_host(r, id, others[i]);
        data(r, id, 0);
        trailers(r, id);
        assert_int_equal(feed_by(r, SIZE_MAX), E_OK);
        assert_int_equal(take(r).ncode[NGHTTP2_PROTOCOL_ERROR], 1);
        id += 2;
    }
    assert_int_equal(fake.started, 0);
    assert_int_equal(h2_streams(r->peer.h2), 0);
}

static void
a_host_that_is_the_authority_is_taken(void **state)
{
    struct raw *r = *state;

    request_with_host(r, 1, "localhost");
    request_with_host(r, 3, "LocalHost");
    assert_well(r);
    assert_int_equal(fake.started, 2);
}

/* Last stream 0, NO_ERROR. */
static void
goaway(struct raw *r)
{
    raw_frame(&r->in, NGHTTP2_GOAWAY, 0, 0,
        (struct slice){(const uint8_t *)"\0\0\0\0\0\0\0\0", 8});
}

static void
assert_ends(struct raw *r, uint32_t last)
{
    struct frames frames = take(r);

    assert_int_equal(frames.n[NGHTTP2_GOAWAY], 1);
    assert_int_equal(frames.last_type, NGHTTP2_GOAWAY);
    assert_int_equal(frames.goaway_code, NGHTTP2_NO_ERROR);
    assert_int_equal(frames.goaway_stream, last);
    assert_true(h2_finished(r->peer.h2));
}

static void
who_says_goaway_hears_it_if_nothing_is_open(void **state)
{
    struct raw *r = *state;

    end(r, 1);
    goaway(r);
    assert_int_equal(feed_by(r, SIZE_MAX), E_OK);
    assert_false(h2_finished(r->peer.h2));
    assert_true(h2_wants_write(r->peer.h2));
    assert_ends(r, 1);
}

static void
who_says_goaway_is_answered_first(void **state)
{
    struct raw *r = *state;

    raw_request(&r->in, 1, PATH "Chat", 0);
    goaway(r);
    assert_well(r);
    end(r, 3);
    goaway(r);
    assert_well(r);
    raw_frame(&r->in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1,
        slice_of(""));
    assert_int_equal(feed_by(r, SIZE_MAX), E_OK);
    assert_int_equal(take(r).last_type, NGHTTP2_HEADERS);
    assert_false(h2_finished(r->peer.h2));
    assert_ends(r, 3);
}

static void
every_allocation_of_the_end_may_fail(void **state)
{
    struct raw *r = *state;
    enum err err;
    int n, fired = 1;

    for (n = 0; n < 1000 && fired; n++) {
        end(r, 1);
        reset(r, 3);
        trailers(r, 3);
        trailers(r, 1);
        assert_int_equal(buf_reserve(&r->out, 64 * 1024), E_OK);
        fault_arm(n);
        err = feed_by(r, SIZE_MAX);
        buf_drop(&r->out, r->out.n);
        if (h2_take(r->peer.h2, &r->out) == E_NOMEM)
            err = E_NOMEM;
        fired = fault_fired();
        fault_arm(-1);
        assert_true(err == E_INVAL || (fired && err == E_NOMEM));
        assert_true(h2_finished(r->peer.h2));
        teardown(state);
        setup(state);
    }
    assert_in_range(n, 2, 999);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(headers_on_a_stream_that_ended_break_the_session),
        TEST(so_does_a_second_request_on_it),
        TEST(data_on_a_stream_that_ended_break_the_session),
        TEST(data_are_found_byte_by_byte),
        TEST(data_are_found_in_the_midst_of_others),
        TEST(data_behind_the_reset_of_the_peer_break_the_session),
        TEST(headers_behind_the_reset_of_the_peer_break_the_session),
        TEST(what_was_under_way_when_we_reset_is_ignored),
        TEST(a_reset_that_is_not_sent_yet_counts),
        TEST(many_resets_are_all_excused),
        TEST(an_end_between_resets_is_known),
        TEST(a_stream_that_was_passed_over_cannot_be_opened),
        TEST(nor_if_a_priority_named_it),
        TEST(streams_that_are_open_go_on),
        TEST(a_continuation_that_is_too_long_breaks_the_session),
        TEST(a_header_with_a_line_feed_is_not_left_out),
        TEST(a_header_that_ends_with_a_space_is_not_left_out),
        TEST(a_name_with_a_space_is_not_left_out),
        TEST(settings_that_make_a_window_too_large_break_the_session),
        TEST(settings_may_make_a_window_as_large_as_can_be),
        TEST(a_host_that_is_not_the_authority_makes_a_request_malformed),
        TEST(a_host_that_is_the_authority_is_taken),
        TEST(who_says_goaway_hears_it_if_nothing_is_open),
        TEST(who_says_goaway_is_answered_first),
        TEST(every_allocation_of_the_end_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
