/*
 * How a session ends, and what it takes of PINGs and of calls that are too
 * many; by a clock that only the test moves.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/fake_methods.h"
#include "support/fault.h"
#include "support/h2_client.h"

#define PATH "/test.v1.Test/"
#define S INT64_C(1000000)
#define HOUR (3600 * S)

static int64_t now;

int64_t __wrap_clock_monotonic_us(void);

int64_t
__wrap_clock_monotonic_us(void)
{
    return (now);
}

struct raw {
    struct rpc_server *server;
    struct h2 *h2;
    struct buf in, out;
    struct frames got;
    int32_t next;               /* stream */
};

static const struct h2_limits limits = {
    .max_streams = 100,
    .max_header_list = 8192,
    .window = 128 * 1024,
    .max_cheap_frames = 100,
    .ping_us = 10 * S,
    .max_ping_strikes = 5,
    .ping_idle = 1,
};

static void
wake(void *cookie)
{
    (void)cookie;
}

static enum err
open_raw(struct raw *r, const struct h2_limits *by, size_t max_calls)
{
    const struct rpc_limits rpc = {
        .max_message = 64 * 1024,
        .max_arena = 1024 * 1024,
        .max_depth = 8,
        .max_elements = 64,
        .max_fields = 128,
        .max_calls = max_calls,
    };

    memset(r, 0, sizeof(*r));
    memset(&fake, 0, sizeof(fake));
    now = 1000 * S;
    r->next = 1;
    buf_init(&r->in, 64 << 20);
    buf_init(&r->out, 1 << 20);
    raw_magic(&r->in);
    assert_int_equal(rpc_server_create(NULL, &rpc, &r->server), E_OK);
    return (h2_create(r->server, &peer_identity, by, wake, r, &r->h2));
}

static void
close_raw(struct raw *r)
{
    h2_free(r->h2);
    assert_int_equal(rpc_server_calls(r->server), 0);
    rpc_server_free(r->server);
    buf_free(&r->in);
    buf_free(&r->out);
}

/* Feed what has been made, and take what comes of it. */
static enum err
turn(struct raw *r)
{
    enum err err = h2_feed(r->h2, buf_slice(&r->in));

    buf_drop(&r->in, r->in.n);
    buf_drop(&r->out, r->out.n);
    assert_int_equal(h2_take(r->h2, &r->out), E_OK);
    raw_scan(buf_slice(&r->out), &r->got);
    return (err);
}

static enum err
ping(struct raw *r)
{
    raw_frame(&r->in, NGHTTP2_PING, 0, 0, slice_of("12345678"));
    return (turn(r));
}

static void
add_call(struct raw *r, const char *path)
{
    struct buf frame = text_frame("x");

    raw_request(&r->in, r->next, path, 0);
    raw_frame(&r->in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, r->next,
        buf_slice(&frame));
    r->next += 2;
    buf_free(&frame);
}

/* ---- the end ------------------------------------------------------------ */

static void
both_goaways_say_why(void **state)
{
    struct raw r;

    (void)state;
    assert_int_equal(open_raw(&r, &limits, 0), E_OK);
    add_call(&r, PATH "Later");
    assert_int_equal(turn(&r), E_OK);
    h2_drain(r.h2, "max_age");
    assert_true(h2_wants_write(r.h2));
    assert_false(h2_finished(r.h2));
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.got.n[NGHTTP2_GOAWAY], 1);
    assert_int_equal(r.got.goaway_stream, INT32_MAX);
    assert_int_equal(r.got.goaway_code, NGHTTP2_NO_ERROR);
    assert_string_equal(r.got.goaway_text, "max_age");
    assert_int_equal(r.got.n[NGHTTP2_PING], 1);
    assert_int_equal(r.got.last_type, NGHTTP2_PING);

    /* What crosses it is let in. */
    add_call(&r, PATH "Echo");
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.got.n[NGHTTP2_DATA], 1);
    assert_int_equal(r.got.n[NGHTTP2_GOAWAY], 0);

    raw_frame(&r.in, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, (struct slice){
        (const uint8_t *)"vdrain\0\1", 8});
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.got.n[NGHTTP2_GOAWAY], 1);
    assert_int_equal(r.got.goaway_stream, 3);
    assert_int_equal(r.got.goaway_code, NGHTTP2_NO_ERROR);
    assert_string_equal(r.got.goaway_text, "max_age");
    assert_false(h2_finished(r.h2));
    assert_int_equal(fake_answer(), 0);
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.got.n[NGHTTP2_DATA], 1);
    assert_true(h2_finished(r.h2));
    close_raw(&r);
}

static void
a_session_that_begins_may_end_at_once(void **state)
{
    struct raw r;

    (void)state;
    assert_int_equal(open_raw(&r, &limits, 0), E_OK);
    h2_drain(r.h2, "shutdown");
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.out.p[3], NGHTTP2_SETTINGS);
    assert_int_equal(r.got.goaway_stream, INT32_MAX);
    assert_string_equal(r.got.goaway_text, "shutdown");
    close_raw(&r);
}

static void
the_notice_waits_for_room(void **state)
{
    struct raw r;

    (void)state;
    assert_int_equal(open_raw(&r, &limits, 0), E_OK);
    assert_int_equal(turn(&r), E_OK);
    h2_drain(r.h2, "max_idle");
    r.out.max = 100;
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.out.n, 0);
    assert_true(h2_wants_write(r.h2));
    r.out.max = 1 << 20;
    assert_int_equal(turn(&r), E_OK);
    assert_string_equal(r.got.goaway_text, "max_idle");
    assert_false(h2_wants_write(r.h2));
    close_raw(&r);
}

/* Out of memory at any point: an error, or all of it. */
static void
alloc_failures_end_a_drain(void **state)
{
    struct raw r;
    struct buf out;
    int n, failed = 0;

    (void)state;
    for (n = 0; n < 100; n++) {
        enum err err;

        assert_int_equal(open_raw(&r, &limits, 0), E_OK);
        assert_int_equal(turn(&r), E_OK);
        buf_init(&out, 1 << 20);
        fault_arm(n);
        h2_drain(r.h2, "max_age");
        err = h2_take(r.h2, &out);
        if (err == E_OK) {
            h2_drain_now(r.h2);
            err = h2_take(r.h2, &out);
        }
        fault_arm(-1);
        assert_true(err == E_OK || err == E_NOMEM);
        failed += err != E_OK;
        if (err == E_OK) {
            raw_scan(buf_slice(&out), &r.got);
            assert_int_equal(r.got.n[NGHTTP2_GOAWAY], 2);
        }
        buf_free(&out);
        close_raw(&r);
        if (err == E_OK)
            break;
    }
    assert_in_range(failed, 3, 99);
}

/* ---- PINGs --------------------------------------------------------------- */

static void
assert_cut_off(struct raw *r)
{
    assert_int_equal(r->got.n[NGHTTP2_GOAWAY], 1);
    assert_int_equal(r->got.goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    assert_string_equal(r->got.goaway_text, "too_many_pings");
    assert_true(h2_finished(r->h2));
}

/* Ping every ${gap} until cut off, ${most} times; return how often. */
static int
pings_taken(struct raw *r, int64_t gap, int most)
{
    for (int i = 0; i < most; i++) {
        if (ping(r) != E_OK) {
            assert_cut_off(r);
            return (i);
        }
        assert_int_equal(r->got.n[NGHTTP2_PING], 1);
        now += gap;
    }
    return (most);
}

static int
count_taken(const struct h2_limits *by, int64_t gap, int most, int calls)
{
    struct raw r;
    int taken;

    assert_int_equal(open_raw(&r, by, 0), E_OK);
    while (calls-- > 0)
        add_call(&r, PATH "Later");
    assert_int_equal(turn(&r), E_OK);
    taken = pings_taken(&r, gap, most);
    close_raw(&r);
    return (taken);
}

static void
five_strikes_are_forgiven(void **state)
{
    (void)state;
    assert_int_equal(count_taken(&limits, 0, 1000, 0), 6);
    assert_int_equal(count_taken(&limits, 0, 1000, 1), 6);
    /* Every second one is in time. */
    assert_int_equal(count_taken(&limits, 9 * S, 1000, 0), 11);
}

static void
a_ping_in_time_is_no_strike(void **state)
{
    (void)state;
    assert_int_equal(count_taken(&limits, 10 * S, 1000, 0), 1000);
    assert_int_equal(count_taken(&limits, 10 * S - 100000, 1000, 0), 1000);
}

static void
without_calls_less_may_be_allowed(void **state)
{
    struct h2_limits strict = limits;

    (void)state;
    strict.ping_idle = 0;
    assert_int_equal(count_taken(&strict, 10 * S, 1000, 1), 1000);
    assert_int_equal(count_taken(&strict, 60 * S, 1000, 0), 6);
    assert_int_equal(count_taken(&strict, 2 * HOUR, 1000, 0), 1000);
}

static void
the_strikes_are_a_setting(void **state)
{
    struct h2_limits other = limits;

    (void)state;
    other.max_ping_strikes = 0;
    assert_int_equal(count_taken(&other, 0, 1000, 0), 1);
    other.max_ping_strikes = 2;
    assert_int_equal(count_taken(&other, 0, 1000, 0), 3);
    /* No least time at all: then they are cheap frames, as SETTINGS are. */
    other.ping_us = 0;
    assert_int_equal(count_taken(&other, 0, 1000, 0), 99);
}

static void
an_answer_forgives_all(void **state)
{
    struct raw r;

    (void)state;
    assert_int_equal(open_raw(&r, &limits, 0), E_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(pings_taken(&r, 1000, 6), 6);
        add_call(&r, PATH "Echo");
        assert_int_equal(turn(&r), E_OK);
        assert_int_equal(r.got.n[NGHTTP2_DATA], 1);
    }
    assert_int_equal(pings_taken(&r, 1000, 100), 6);
    close_raw(&r);
}

static void
our_own_ping_is_answered_without_a_strike(void **state)
{
    struct raw r;

    (void)state;
    assert_int_equal(open_raw(&r, &limits, 0), E_OK);
    assert_int_equal(turn(&r), E_OK);
    for (int i = 0; i < 1000; i++) {
        h2_ping(r.h2);
        assert_true(h2_wants_write(r.h2));
        assert_int_equal(turn(&r), E_OK);
        assert_int_equal(r.got.n[NGHTTP2_PING], 1);
        raw_frame(&r.in, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0,
            (struct slice){r.got.ping, 8});
        assert_int_equal(turn(&r), E_OK);
        assert_int_equal(r.out.n, 0);
        now += 60 * S;
    }
    close_raw(&r);
}

/* ---- too many calls ------------------------------------------------------ */

static void
a_call_too_many_is_refused_unseen(void **state)
{
    struct raw r;

    (void)state;
    assert_int_equal(open_raw(&r, &limits, 2), E_OK);
    for (int i = 0; i < 3; i++)
        add_call(&r, PATH "Later");
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.got.ncode[NGHTTP2_REFUSED_STREAM], 1);
    assert_int_equal(r.got.n[NGHTTP2_HEADERS], 0);
    assert_int_equal(fake.started, 2);
    assert_int_equal(rpc_server_calls(r.server), 2);

    /* Not even headers that would be answered with an error are looked at. */
    add_call(&r, "nonsense");
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.got.ncode[NGHTTP2_REFUSED_STREAM], 1);
    assert_int_equal(r.got.n[NGHTTP2_HEADERS], 0);

    /* Room again. */
    assert_int_equal(fake_answer(), 1);
    assert_int_equal(turn(&r), E_OK);
    add_call(&r, PATH "Later");
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.got.n[NGHTTP2_RST_STREAM], 0);
    assert_int_equal(fake.started, 3);
    while (fake_answer() > 0)
        continue;
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(h2_streams(r.h2), 0);
    close_raw(&r);
}

/* Who could not know is not cut off for it, as for other resets. */
static void
nobody_is_blamed_for_an_overload(void **state)
{
    struct raw r;
    int refused = 0;

    (void)state;
    assert_int_equal(open_raw(&r, &limits, 1), E_OK);
    add_call(&r, PATH "Later");
    for (int i = 0; i < 1000; i++) {
        add_call(&r, PATH "Echo");
        assert_int_equal(turn(&r), E_OK);
        refused += r.got.ncode[NGHTTP2_REFUSED_STREAM];
    }
    assert_int_equal(refused, 1000);
    assert_int_equal(fake_answer(), 0);
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.got.n[NGHTTP2_DATA], 1);
    add_call(&r, PATH "Echo");
    assert_int_equal(turn(&r), E_OK);
    assert_int_equal(r.got.n[NGHTTP2_DATA], 1);
    close_raw(&r);
}

static void
the_limit_is_of_all_connections(void **state)
{
    struct raw first, second;

    (void)state;
    assert_int_equal(open_raw(&first, &limits, 1), E_OK);
    add_call(&first, PATH "Later");
    assert_int_equal(turn(&first), E_OK);
    second = first;
    buf_init(&second.in, 1 << 20);
    buf_init(&second.out, 1 << 20);
    assert_int_equal(h2_create(first.server, &peer_identity, &limits, wake,
        &second, &second.h2), E_OK);
    raw_magic(&second.in);
    second.next = 1;
    add_call(&second, PATH "Echo");
    assert_int_equal(turn(&second), E_OK);
    assert_int_equal(second.got.ncode[NGHTTP2_REFUSED_STREAM], 1);

    /* A connection that is lost makes room as well. */
    h2_free(first.h2);
    first.h2 = NULL;
    add_call(&second, PATH "Echo");
    assert_int_equal(turn(&second), E_OK);
    assert_int_equal(second.got.n[NGHTTP2_DATA], 1);
    h2_free(second.h2);
    buf_free(&second.in);
    buf_free(&second.out);
    close_raw(&first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_goaways_say_why),
        cmocka_unit_test(a_session_that_begins_may_end_at_once),
        cmocka_unit_test(the_notice_waits_for_room),
        cmocka_unit_test(alloc_failures_end_a_drain),
        cmocka_unit_test(five_strikes_are_forgiven),
        cmocka_unit_test(a_ping_in_time_is_no_strike),
        cmocka_unit_test(without_calls_less_may_be_allowed),
        cmocka_unit_test(the_strikes_are_a_setting),
        cmocka_unit_test(an_answer_forgives_all),
        cmocka_unit_test(our_own_ping_is_answered_without_a_strike),
        cmocka_unit_test(a_call_too_many_is_refused_unseen),
        cmocka_unit_test(nobody_is_blamed_for_an_overload),
        cmocka_unit_test(the_limit_is_of_all_connections),
    };

    return (cmocka_run_group_tests_name("h2_life", tests, NULL, NULL));
}
