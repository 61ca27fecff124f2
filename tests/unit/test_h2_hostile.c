/*
 * Peers that mean no good, wires that cut anywhere, memory that runs out.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/fake_methods.h"
#include "support/fault.h"
#include "support/h2_client.h"

#define PATH "/test.v1.Test/"
#define NOTHING ((struct slice){NULL, 0})

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
    buf_init(&raw.in, 64 << 20);
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

/* Feed what has been made, and forget it. */
static enum err
feed(struct raw *r)
{
    enum err err = h2_feed(r->peer.h2, buf_slice(&r->in));

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
add_echo(struct raw *r, int32_t id)
{
    struct buf frame = text_frame("x");

    raw_request(&r->in, id, PATH "Echo", 0);
    raw_frame(&r->in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, id,
        buf_slice(&frame));
    buf_free(&frame);
}

/* The peer was cut off, and told why. */
static void
assert_cut_off(struct raw *r, const char *why)
{
    struct frames frames;

    assert_false(h2_finished(r->peer.h2));
    frames = take(r);
    assert_int_equal(frames.n[NGHTTP2_GOAWAY], 1);
    assert_int_equal(frames.last_type, NGHTTP2_GOAWAY);
    assert_int_equal(frames.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_string_equal(frames.goaway_text, why);
    assert_true(h2_finished(r->peer.h2));
    assert_false(h2_wants_write(r->peer.h2));
    add_echo(r, 901);
    assert_int_equal(feed(r), E_INVAL);
    assert_int_equal(take(r).n[NGHTTP2_HEADERS], 0);
}

/* Send ${payload} over and over: it must not go on for long. */
static void
assert_flood(struct raw *r, int type, int flags, int32_t id,
    struct slice payload, const char *why)
{
    int i;

    raw_request(&r->in, 1, PATH "Chat", 0);
    assert_int_equal(feed(r), E_OK);
    (void)take(r);
    for (i = 0; i < 100000; i++) {
        raw_frame(&r->in, type, flags, id, payload);
        if (feed(r) != E_OK)
            break;
    }
    assert_in_range(i, 50, 100);
    assert_cut_off(r, why);
}

static void
a_ping_flood_is_cut_off(void **state)
{
    assert_flood(*state, NGHTTP2_PING, 0, 0, slice_of("12345678"),
        "too_many_pings");
}

static void
a_flood_of_ping_answers_is_cut_off(void **state)
{
    assert_flood(*state, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0,
        slice_of("12345678"), "too_many_pings");
}

static void
a_settings_flood_is_cut_off(void **state)
{
    assert_flood(*state, NGHTTP2_SETTINGS, 0, 0, NOTHING,
        "too_many_control_frames");
}

static void
a_priority_flood_is_cut_off(void **state)
{
    assert_flood(*state, NGHTTP2_PRIORITY, 0, 3, slice_of("\1\1\1\1\1"),
        "too_many_control_frames");
}

static void
a_window_update_flood_is_cut_off(void **state)
{
    assert_flood(*state, NGHTTP2_WINDOW_UPDATE, 0, 1,
        (struct slice){(const uint8_t *)"\0\0\0\1", 4},
        "too_many_control_frames");
}

static void
a_flood_of_empty_data_is_cut_off(void **state)
{
    assert_flood(*state, NGHTTP2_DATA, 0, 1, NOTHING,
        "too_many_empty_frames");
}

static void
a_flood_of_padding_is_cut_off(void **state)
{
    assert_flood(*state, NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, 1,
        (struct slice){(const uint8_t *)"\2\0\0", 3},
        "too_many_empty_frames");
}

static void
a_flood_in_one_piece_is_cut_off_early(void **state)
{
    struct raw *r = *state;
    int i;

    /* A megabyte at once: the acks show how much of it was looked at. */
    for (i = 0; i < 60000; i++)
        raw_frame(&r->in, NGHTTP2_PING, 0, 0, slice_of("12345678"));
    assert_int_equal(feed(r), E_INVAL);
    assert_true(take(r).n[NGHTTP2_PING] < 1100);
}

static void
rapid_reset_is_cut_off(void **state)
{
    struct raw *r = *state;
    int i;

    for (i = 0; i < 20000; i++) {
        raw_request(&r->in, 2 * i + 1, PATH "Chat", 0);
        raw_frame(&r->in, NGHTTP2_RST_STREAM, 0, 2 * i + 1,
            (struct slice){(const uint8_t *)"\0\0\0\10", 4});
        if (feed(r) != E_OK)
            break;
    }
    assert_in_range(i, 50, 100);
    assert_int_equal(fake.canceled, fake.started);
    assert_cut_off(r, "too_many_control_frames");
}

static void
resets_that_we_are_made_to_send_are_counted(void **state)
{
    struct raw *r = *state;
    struct frames frames = {.n = {0}};
    int i;

    /* More window than there can be is an error of the stream alone. */
    for (i = 0; i < 20000; i++) {
        raw_request(&r->in, 2 * i + 1, PATH "Chat", 0);
        raw_frame(&r->in, NGHTTP2_WINDOW_UPDATE, 0, 2 * i + 1,
            (struct slice){(const uint8_t *)"\177\377\377\377", 4});
        if (feed(r) != E_OK)
            break;
        frames = take(r);
        if (frames.n[NGHTTP2_GOAWAY] > 0)
            break;
    }
    assert_in_range(i, 20, 100);
    assert_int_equal(fake.canceled, fake.started);
}

static void
pings_between_calls_are_welcome(void **state)
{
    struct raw *r = *state;
    int i, j;

    for (i = 0; i < 50; i++) {
        for (j = 0; j < 50; j++)
            raw_frame(&r->in, NGHTTP2_PING, 0, 0, slice_of("12345678"));
        add_echo(r, 2 * i + 1);
        assert_int_equal(feed(r), E_OK);
        assert_int_equal(take(r).n[NGHTTP2_DATA], 1);
    }
}

/* One HEADERS of ${payload} bytes, in CONTINUATIONs if that takes them. */
static void
add_block(struct raw *r, int32_t id, struct slice block)
{
    const size_t most = 16384;
    size_t n = block.n < most ? block.n : most;
    int type = NGHTTP2_HEADERS;

    for (;;) {
        raw_frame(&r->in, type, n == block.n ? NGHTTP2_FLAG_END_HEADERS : 0,
            id, (struct slice){block.p, n});
        block.p += n;
        if ((block.n -= n) == 0)
            return;
        n = block.n < most ? block.n : most;
        type = NGHTTP2_CONTINUATION;
    }
}

static void
an_hpack_bomb_is_cut_off(void **state)
{
    struct raw *r = *state;
    struct buf block;
    clock_t before;
    uint8_t big[4000];
    int i, j;

    buf_init(&block, 1 << 20);
    memset(big, 'x', sizeof(big));
    before = clock();
    for (i = 0; i < 2000; i++) {
        buf_drop(&block, block.n);
        if (i == 0) {
            /* One large header goes into the dynamic table ... */
            assert_int_equal(buf_add(&block, (struct slice){(const uint8_t *)
                "\x40\1x\x7f\xa1\x1e", 6}), E_OK);
            assert_int_equal(buf_add(&block, (struct slice){big,
                sizeof(big)}), E_OK);
        }
        /* ... and is then named by a byte, thousands of times. */
        for (j = 0; j < 12000; j++)
            assert_int_equal(buf_add(&block, slice_of("\xbe")), E_OK);
        add_block(r, 2 * i + 1, buf_slice(&block));
        if (feed(r) != E_OK)
            break;
    }
    assert_int_equal(i, 0);
    assert_cut_off(r, "header_list_too_big");
    assert_true(clock() - before < CLOCKS_PER_SEC / 2);
    assert_int_equal(h2_streams(r->peer.h2), 0);
    buf_free(&block);
}

static void
a_header_list_above_the_limit_is_refused_alone(void **state)
{
    static char value[9000];
    const char *extra[] = {"x-big", value, NULL};
    struct peer p;
    struct exchange *x;

    (void)state;
    memset(value, 'x', sizeof(value) - 1);
    peer_open(&p, NULL, 65535);
    x = peer_call(&p, PATH "Echo", NOTHING, 0, extra);
    peer_pump(&p);
    assert_int_equal(exchange_status(x).code, GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(exchange_status(x).reason, "HEADERS_TOO_BIG");

    /* The connection lives, and a list within the limit is fine. */
    value[8192 - 400] = '\0';
    x = peer_call(&p, PATH "Chat", NOTHING, 0, extra);
    peer_pump(&p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    peer_close(&p);
}

static void
many_small_headers_are_read(void **state)
{
    static char names[150][8];
    const char *extra[2 * 150 + 1];
    struct exchange *x;
    struct peer p;
    int i;

    (void)state;
    for (i = 0; i < 150; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "x-%d", i);
        extra[2 * i] = names[i];
        extra[2 * i + 1] = "v";
    }
    extra[2 * 150] = NULL;
    peer_open(&p, NULL, 65535);
    x = peer_call(&p, PATH "Chat", NOTHING, 0, extra);
    peer_pump(&p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    extra[2 * 149] = "x-some-bin";
    extra[2 * 149 + 1] = "!";
    x = peer_call(&p, PATH "Chat", NOTHING, 0, extra);
    peer_pump(&p);
    assert_string_equal(exchange_status(x).reason, "BAD_BASE64");
    peer_close(&p);
}

static void
streams_beyond_the_limit_are_refused(void **state)
{
    struct raw *r = *state;
    struct frames frames;
    int i;

    /* Before the client knows the limit: it may try those again. */
    for (i = 0; i < 60; i++)
        raw_request(&r->in, 2 * i + 1, PATH "Chat", 0);
    assert_int_equal(feed(r), E_OK);
    assert_int_equal(fake.started, 50);
    assert_int_equal(h2_streams(r->peer.h2), 50);
    frames = take(r);
    assert_int_equal(frames.ncode[NGHTTP2_REFUSED_STREAM], 10);
    assert_int_equal(frames.n[NGHTTP2_GOAWAY], 0);
}

/* Nor is the connection lost once the client has acknowledged the limit. */
static void
streams_beyond_an_acknowledged_limit_are_refused(void **state)
{
    struct raw *r = *state;
    struct frames frames;
    int i;

    raw_frame(&r->in, NGHTTP2_SETTINGS, 0, 0, slice_of(""));
    assert_int_equal(feed(r), E_OK);
    (void)take(r);
    raw_frame(&r->in, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, slice_of(""));
    for (i = 0; i < 60; i++)
        raw_request(&r->in, 2 * i + 1, PATH "Chat", 0);
    assert_int_equal(feed(r), E_OK);
    assert_int_equal(fake.started, 50);
    frames = take(r);
    assert_int_equal(frames.ncode[NGHTTP2_REFUSED_STREAM], 10);
    assert_int_equal(frames.n[NGHTTP2_GOAWAY], 0);
    assert_int_equal(h2_streams(r->peer.h2), 50);

    /* Once one is over there is room for another. */
    raw_frame(&r->in, NGHTTP2_RST_STREAM, 0, 1,
        (struct slice){(const uint8_t *)"\0\0\0\10", 4});
    raw_request(&r->in, 201, PATH "Chat", 0);
    raw_request(&r->in, 203, PATH "Chat", 0);
    assert_int_equal(feed(r), E_OK);
    assert_int_equal(fake.started, 51);
    assert_int_equal(take(r).ncode[NGHTTP2_REFUSED_STREAM], 1);
}

static void
headers_on_streams_that_we_reset_are_counted(void **state)
{
    struct raw *r = *state;
    int i;

    raw_request(&r->in, 1, PATH "Chat", 0);
    raw_frame(&r->in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
        (struct slice){(const uint8_t *)"\0\1X\1y", 5});
    assert_int_equal(feed(r), E_OK);
    assert_int_equal(take(r).n[NGHTTP2_RST_STREAM], 1);
    assert_int_equal(h2_streams(r->peer.h2), 0);
    for (i = 0; i < 5000; i++)
        raw_request(&r->in, 1, PATH "Echo", NGHTTP2_FLAG_END_STREAM);
    assert_int_equal(feed(r), E_INVAL);
    assert_cut_off(r, "too_many_late_headers");
}

static void
late_data_are_counted(struct raw *r, int flags, struct slice payload,
    enum err expected)
{
    int i;

    raw_request(&r->in, 1, PATH "Chat", 0);
    raw_frame(&r->in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
        (struct slice){(const uint8_t *)"\0\1X\1y", 5});
    assert_int_equal(feed(r), E_OK);
    assert_int_equal(take(r).n[NGHTTP2_RST_STREAM], 1);
    for (i = 0; i < 5000; i++)
        raw_frame(&r->in, NGHTTP2_DATA, flags, 1, payload);
    assert_int_equal(feed(r), expected);
}

static void
empty_data_on_streams_that_we_reset_are_counted(void **state)
{
    late_data_are_counted(*state, 0, slice_of(""), E_INVAL);
    assert_cut_off(*state, "too_many_late_frames");
}

static void
so_are_its_ends(void **state)
{
    late_data_are_counted(*state, NGHTTP2_FLAG_END_STREAM, slice_of(""),
        E_INVAL);
    assert_cut_off(*state, "too_many_late_frames");
}

/* A peer may have sent so much before it hears of the reset. */
static void
data_under_way_when_we_reset_are_not(void **state)
{
    late_data_are_counted(*state, 0, slice_of("x"), E_OK);
    assert_int_equal(take(*state).n[NGHTTP2_GOAWAY], 0);
}

static void
what_is_not_http2_is_given_up(void **state)
{
    struct raw *r = *state;

    buf_drop(&r->in, r->in.n);
    assert_int_equal(buf_add(&r->in, slice_of("GET / HTTP/1.1\r\n\r\n")),
        E_OK);
    assert_int_equal(feed(r), E_INVAL);
    assert_true(h2_finished(r->peer.h2));
    assert_false(h2_wants_write(r->peer.h2));
    assert_int_equal(take(r).n[NGHTTP2_GOAWAY], 0);
    h2_drain(r->peer.h2, "shutdown");
    h2_drain_now(r->peer.h2);
    assert_true(h2_finished(r->peer.h2));
}

static void
a_broken_protocol_ends_the_session(void **state)
{
    struct raw *r = *state;
    struct frames frames;

    raw_request(&r->in, 1, PATH "Chat", 0);
    raw_frame(&r->in, NGHTTP2_DATA, 0, 0, slice_of("data on stream 0"));
    (void)feed(r);
    frames = take(r);
    assert_int_equal(frames.n[NGHTTP2_GOAWAY], 1);
    assert_int_equal(frames.goaway_code, NGHTTP2_PROTOCOL_ERROR);
    assert_true(h2_finished(r->peer.h2));
    add_echo(r, 3);
    assert_int_equal(feed(r), E_INVAL);
    assert_int_equal(take(r).n[NGHTTP2_HEADERS], 0);
}

/* A session of several calls, as bytes. */
static void
add_session(struct raw *r)
{
    struct buf frame = text_frame("hello"), many = count_frame(3, "abc");

    raw_request(&r->in, 1, PATH "Echo", 0);
    raw_frame(&r->in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1,
        buf_slice(&frame));
    raw_request(&r->in, 3, PATH "Collect", 0);
    raw_frame(&r->in, NGHTTP2_DATA, 0, 3, buf_slice(&frame));
    raw_request(&r->in, 5, PATH "Count", 0);
    raw_frame(&r->in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 5,
        buf_slice(&many));
    raw_frame(&r->in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 3,
        buf_slice(&frame));
    raw_request(&r->in, 7, PATH "Nothing", NGHTTP2_FLAG_END_STREAM);
    raw_request(&r->in, 9, PATH "Later", 0);
    raw_frame(&r->in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 9,
        buf_slice(&frame));
    buf_free(&frame);
    buf_free(&many);
}

static void
input_may_be_cut_at_every_byte(void **state)
{
    struct raw *r = *state;
    struct slice in;
    struct peer p;
    struct buf expected, out;
    size_t cut;

    add_session(r);
    in = buf_slice(&r->in);
    buf_init(&expected, 1 << 20);
    buf_init(&out, 1 << 20);
    for (cut = 0; cut <= in.n; cut++) {
        peer_open_raw(&p, NULL);
        assert_int_equal(h2_feed(p.h2, (struct slice){in.p, cut}), E_OK);
        assert_int_equal(h2_feed(p.h2, (struct slice){in.p + cut,
            in.n - cut}), E_OK);
        assert_int_equal(fake_answer(), 0);
        buf_drop(&out, out.n);
        assert_int_equal(h2_take(p.h2, cut == 0 ? &expected : &out), E_OK);
        if (cut > 0) {
            assert_int_equal(out.n, expected.n);
            assert_memory_equal(out.p, expected.p, out.n);
        }
        peer_close(&p);

        /* And the peer may be gone there. */
        peer_open_raw(&p, NULL);
        assert_int_equal(h2_feed(p.h2, (struct slice){in.p, cut}), E_OK);
        if (cut % 2)
            assert_int_equal(h2_take(p.h2, &out), E_OK);
        peer_close(&p);
        assert_int_equal(fake.started, fake.ended);
    }
    buf_free(&expected);
    buf_free(&out);
}

static void
input_may_come_byte_by_byte(void **state)
{
    struct raw *r = *state;
    struct frames frames;
    size_t i;

    add_session(r);
    for (i = 0; i < r->in.n; i++)
        assert_int_equal(h2_feed(r->peer.h2, (struct slice){r->in.p + i, 1}),
            E_OK);
    assert_int_equal(fake_answer(), 0);
    frames = take(r);
    assert_int_equal(frames.n[NGHTTP2_HEADERS], 9);
    assert_int_equal(frames.n[NGHTTP2_RST_STREAM], 0);
}

static void
any_byte_may_be_wrong(void **state)
{
    struct raw *r = *state;
    struct peer p;
    struct buf out;
    enum err err;
    size_t at;
    int flip;

    add_session(r);
    buf_init(&out, 1 << 20);
    for (at = 0; at < r->in.n; at++) {
        for (flip = 1; flip < 256; flip <<= 1) {
            r->in.p[at] ^= (uint8_t)flip;
            peer_open_raw(&p, NULL);
            err = h2_feed(p.h2, buf_slice(&r->in));
            assert_true(err == E_OK || err == E_INVAL);
            buf_drop(&out, out.n);
            assert_int_equal(h2_take(p.h2, &out), E_OK);
            peer_close(&p);
            assert_int_equal(fake.started, fake.ended);
            r->in.p[at] ^= (uint8_t)flip;
        }
    }
    buf_free(&out);
}

static void
never_wake(void *cookie)
{
    (void)cookie;
    fail_msg("woken while it was being fed");
}

/* Return non-zero if the unary call in ${in} was answered OK. */
static int
one_session(struct rpc_server *server, struct slice in, struct buf *out)
{
    struct frames frames;
    struct h2 *h2;
    enum err err;

    buf_drop(out, out->n);
    if ((err = h2_create(server, &peer_identity, &peer_limits,
        never_wake, NULL, &h2)) != E_OK) {
        assert_int_equal(err, E_NOMEM);
        assert_null(h2);
        return (0);
    }
    err = h2_feed(h2, in);
    if (err != E_NOMEM && h2_take(h2, out) == E_NOMEM)
        err = E_NOMEM;
    assert_true(err == E_OK || h2_finished(h2));
    assert_false(h2_wants_write(h2));
    h2_free(h2);
    if (err == E_NOMEM)
        return (0);
    raw_scan(buf_slice(out), &frames);
    return (frames.n[NGHTTP2_DATA] == 1 && frames.n[NGHTTP2_HEADERS] == 2 &&
        frames.n[NGHTTP2_RST_STREAM] == 0 && frames.n[NGHTTP2_GOAWAY] == 0);
}

static void
every_allocation_may_fail(void **state)
{
    struct raw *r = *state;
    int n, ok = 0, fired, survived = 0;

    add_echo(r, 1);
    assert_int_equal(buf_reserve(&r->out, 64 * 1024), E_OK);
    for (n = 0; n < 1000; n++) {
        fault_arm(n);
        ok = one_session(r->peer.server, buf_slice(&r->in), &r->out);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(fake.started, fake.ended);
        assert_int_equal(rpc_server_calls(r->peer.server), 0);
        if (!fired)
            break;
        survived += ok;
    }
    assert_true(ok);
    assert_in_range(n, 20, 999);
    assert_true(survived < n / 2);
}

static void
every_allocation_of_a_cut_off_may_fail(void **state)
{
    struct raw *r = *state;
    int i, n, fired;

    add_session(r);
    for (i = 0; i < 200; i++)
        raw_frame(&r->in, NGHTTP2_PING, 0, 0, slice_of("12345678"));
    assert_int_equal(buf_reserve(&r->out, 64 * 1024), E_OK);
    for (n = 0; n < 1000; n++) {
        fault_arm(n);
        assert_false(one_session(r->peer.server, buf_slice(&r->in),
            &r->out));
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(fake.started, fake.ended);
        if (!fired)
            break;
    }
    assert_in_range(n, 20, 999);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ping_flood_is_cut_off),
        TEST(a_flood_of_ping_answers_is_cut_off),
        TEST(a_settings_flood_is_cut_off),
        TEST(a_priority_flood_is_cut_off),
        TEST(a_window_update_flood_is_cut_off),
        TEST(a_flood_of_empty_data_is_cut_off),
        TEST(a_flood_of_padding_is_cut_off),
        TEST(a_flood_in_one_piece_is_cut_off_early),
        TEST(rapid_reset_is_cut_off),
        TEST(resets_that_we_are_made_to_send_are_counted),
        TEST(pings_between_calls_are_welcome),
        TEST(an_hpack_bomb_is_cut_off),
        TEST(a_header_list_above_the_limit_is_refused_alone),
        TEST(many_small_headers_are_read),
        TEST(streams_beyond_the_limit_are_refused),
        TEST(streams_beyond_an_acknowledged_limit_are_refused),
        TEST(headers_on_streams_that_we_reset_are_counted),
        TEST(empty_data_on_streams_that_we_reset_are_counted),
        TEST(so_are_its_ends),
        TEST(data_under_way_when_we_reset_are_not),
        TEST(what_is_not_http2_is_given_up),
        TEST(a_broken_protocol_ends_the_session),
        TEST(input_may_be_cut_at_every_byte),
        TEST(input_may_come_byte_by_byte),
        TEST(any_byte_may_be_wrong),
        TEST(every_allocation_may_fail),
        TEST(every_allocation_of_a_cut_off_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
