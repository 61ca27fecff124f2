#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/method.h"
#include "support/fault.h"
#include "support/rpc_stream.h"

static void
a_unary_call_is_answered(void **state)
{
    struct buf expected = text_frame("hello");
    struct rpc_stream s;
    size_t step;

    for (step = 1; step < 20; step++) {
        rpc_stream_open(&s, state, PATH "Echo");
        rpc_stream_text(&s, "hello");
        assert_false(s.responded);
        rpc_call_end(s.call);
        rpc_stream_drain(&s, step);
        assert_int_equal(s.nbody, expected.n);
        assert_memory_equal(s.body, expected.p, s.nbody);
        assert_string_equal(s.headers, ":status: 200\n"
            "content-type: application/grpc\ngrpc-status: 0\n");
        assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
        assert_int_equal(rpc_server_calls(*state), 1);
        rpc_stream_close(&s);
        assert_int_equal(s.resets, 0);
    }
    buf_free(&expected);
}

static void
an_answer_may_be_packed_already(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Bytes");
    rpc_stream_text(&s, "hello");
    rpc_call_end(s.call);
    rpc_stream_drain(&s, 100);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    assert_int_equal(s.nbody, 10);
    assert_memory_equal(s.body, "\0\0\0\0\5hello", 10);
    rpc_stream_close(&s);
}

static void
a_request_may_come_in_pieces_of_any_size(void **state)
{
    struct buf frame = text_frame("a request in pieces");
    struct rpc_stream s;
    size_t cut, i;

    for (cut = 1; cut <= frame.n; cut++) {
        rpc_stream_open(&s, state, PATH "Echo");
        for (i = 0; i < frame.n; i += cut)
            rpc_call_feed(s.call, (struct slice){frame.p + i,
                frame.n - i < cut ? frame.n - i : cut});
        rpc_call_end(s.call);
        rpc_stream_drain(&s, 100);
        assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
        assert_memory_equal(s.body, frame.p, frame.n);
        rpc_stream_close(&s);
    }
    buf_free(&frame);
}

static void
an_error_is_one_header_list_with_all_details(void **state)
{
    struct grpc_status status;
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Fail");
    rpc_stream_text(&s, "x");
    rpc_call_end(s.call);
    assert_true(s.responded && s.ended);
    assert_string_equal(rpc_stream_value(&s, "grpc-message"),
        "no such thing: 100%25 d%C3%A9j%C3%A0 vu");
    status = rpc_stream_status(&s);
    assert_int_equal(status.code, GRPC_NOT_FOUND);
    assert_string_equal(status.reason, "NO_SUCH_THING");
    assert_string_equal(status.message,
        "no such thing: 100% d\xc3\xa9j\xc3\xa0 vu");
    assert_string_equal(status.metadata[0].value, "this");
    assert_string_equal(status.violations[0].field, "association_id");
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    rpc_stream_close(&s);
}

static void
an_answer_followed_by_an_error_is_the_error(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Both");
    rpc_stream_text(&s, "x");
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_ABORTED, "CHANGED_MIND");
    rpc_stream_close(&s);
}

static void
a_method_without_an_answer_is_our_fault(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Silent");
    rpc_stream_text(&s, "x");
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_INTERNAL, "NO_ANSWER");
    rpc_stream_close(&s);
}

static void
a_method_that_cannot_start_says_why(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Busy");
    rpc_stream_text(&s, "x");
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_UNAVAILABLE, "NO_CAPACITY");
    assert_int_equal(fake.canceled, 0);
    rpc_stream_close(&s);
}

static void
a_method_may_answer_later(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Later");
    rpc_stream_text(&s, "later");
    rpc_call_end(s.call);
    assert_false(s.responded);
    assert_int_equal(fake_answer(), 0);
    rpc_stream_drain(&s, 100);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    assert_int_equal(s.nbody, 12);
    rpc_stream_close(&s);
    assert_int_equal(fake.canceled, 0);
}

static void
a_call_that_is_dropped_is_canceled(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Later");
    rpc_stream_text(&s, "x");
    rpc_call_end(s.call);
    rpc_stream_close(&s);
    assert_int_equal(fake.canceled, 1);
    assert_false(s.responded);

    /* Before its method began there is nothing to cancel. */
    rpc_stream_open(&s, state, PATH "Echo");
    rpc_stream_close(&s);
    assert_int_equal(fake.canceled, 1);
}

static void
a_client_may_stream(void **state)
{
    struct buf expected = text_frame("one two three");
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Collect");
    assert_int_equal(fake.started, 1);
    rpc_stream_text(&s, "one ");
    rpc_stream_text(&s, "two ");
    rpc_stream_text(&s, "three");
    assert_false(s.responded);
    rpc_call_end(s.call);
    rpc_stream_drain(&s, 3);
    assert_int_equal(s.nbody, expected.n);
    assert_memory_equal(s.body, expected.p, s.nbody);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    rpc_stream_close(&s);
    buf_free(&expected);
}

static void
both_may_stream_at_the_same_time(void **state)
{
    struct rpc_stream s;
    int i;

    rpc_stream_open(&s, state, PATH "Chat");
    for (i = 1; i <= 10; i++) {
        rpc_stream_text(&s, "ping");
        assert_true(s.responded);
        rpc_stream_drain(&s, 4);
        assert_int_equal(s.nbody, i * 11);
        assert_false(s.ended);
    }
    assert_int_equal(s.resumed, 9);
    rpc_call_end(s.call);
    assert_int_equal(s.resumed, 10);
    rpc_stream_drain(&s, 100);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    rpc_stream_close(&s);
}

static void
a_stream_without_a_message_has_headers_and_trailers(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Chat");
    rpc_call_end(s.call);
    assert_true(s.responded);
    assert_false(s.ended);
    rpc_stream_drain(&s, 100);
    assert_int_equal(s.nbody, 0);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    rpc_stream_close(&s);
}

static void
a_server_that_streams_waits_for_its_client(void **state)
{
    struct buf frame;
    struct rpc_stream s;
    char text[1001];

    memset(text, 'x', 1000);
    text[1000] = '\0';
    frame = count_frame(2000, text);
    rpc_stream_open(&s, state, PATH "Count");
    rpc_call_feed(s.call, buf_slice(&frame));
    rpc_call_end(s.call);
    assert_int_equal(fake.ended, 0);
    rpc_stream_drain(&s, 777);
    assert_int_equal(s.drained, 2000 * 1008);
    assert_true(fake.writable > 3);
    assert_true(fake.peak >= SINK_FULL && fake.peak < SINK_FULL + 1008);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    rpc_stream_close(&s);
    buf_free(&frame);
}

static void
a_client_that_reads_nothing_is_kept_from_asking_more(void **state)
{
    struct rpc_stream s;
    char text[1001];
    int i;

    memset(text, 'x', 1000);
    text[1000] = '\0';
    rpc_stream_open(&s, state, PATH "Chat");
    for (i = 0; !rpc_call_full(s.call) && i < 1000; i++)
        rpc_stream_text(&s, text);
    assert_int_equal(i, SINK_FULL / 1008 + 1);
    rpc_stream_drain(&s, 1000);
    assert_false(rpc_call_full(s.call));
    rpc_stream_close(&s);
    assert_int_equal(fake.canceled, 1);
}

static void
what_waits_for_a_client_is_bounded(void **state)
{
    struct rpc_stream s;
    char text[1001];
    int i;

    /* One that ignores flow control altogether. */
    memset(text, 'x', 1000);
    text[1000] = '\0';
    rpc_stream_open(&s, state, PATH "Chat");
    for (i = 0; fake.ended == 0 && i < 100000; i++)
        rpc_stream_text(&s, text);
    assert_in_range(i, 16000, 18000);
    rpc_stream_drain(&s, 1000);
    assert_int_equal(s.drained, (SINK_FULL / 1008 + 1) * 1008);
    assert_int_equal(rpc_call_kept(s.call), 0);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_RESOURCE_EXHAUSTED);
    rpc_stream_close(&s);
}

static void
a_deadline_cancels_and_answers(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Later");
    rpc_stream_text(&s, "x");
    rpc_call_end(s.call);
    rpc_call_expire(s.call);
    assert_int_equal(fake.canceled, 1);
    assert_refused(&s, GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    rpc_stream_close(&s);

    /* While its request is on the way. */
    rpc_stream_open(&s, state, PATH "Echo");
    rpc_call_expire(s.call);
    assert_refused(&s, GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
    rpc_stream_close(&s);
    assert_int_equal(fake.canceled, 1);
}

static void
an_expired_stream_that_is_not_read_is_reset(void **state)
{
    static const char *const extra[] = {"grpc-timeout", "1S", NULL};
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Chat", extra),
        E_OK);
    rpc_stream_text(&s, "x");
    rpc_call_expire(s.call);
    assert_int_equal(fake.canceled, 1);
    assert_int_equal(s.resets, 0);
    assert_true(rpc_call_deadline(s.call) < clock_monotonic_us() + 1000001);
    rpc_call_expire(s.call);
    assert_int_equal(s.resets, 1);
    assert_int_equal(s.reset_code, RPC_RESET_CANCEL);
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    rpc_call_expire(s.call);
    rpc_stream_text(&s, "y");
    rpc_call_end(s.call);
    assert_int_equal(s.resets, 1);
    rpc_stream_close(&s);
}

static void
a_client_that_sends_on_is_reset_after_its_answer(void **state)
{
    uint8_t bytes[8192];
    struct rpc_stream s;
    int i;

    memset(bytes, 0, sizeof(bytes));
    bytes[1] = 1;       /* 16 MiB are announced */
    rpc_stream_open(&s, state, PATH "Echo");
    for (i = 0; i < 100 && s.resets == 0; i++) {
        rpc_call_feed(s.call, (struct slice){bytes, sizeof(bytes)});
        assert_true(s.responded && s.ended);
    }
    assert_int_equal(i, 9);     /* 64 KiB are let pass */
    assert_int_equal(s.reset_code, RPC_RESET_NO_ERROR);
    assert_refused(&s, GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG");
    rpc_call_feed(s.call, (struct slice){bytes, sizeof(bytes)});
    assert_int_equal(s.resets, 1);
    rpc_stream_close(&s);
}

static void
a_client_that_neither_sends_nor_ends_is_reset_after_a_second(void **state)
{
    struct rpc_stream s;
    int64_t left;

    rpc_stream_open(&s, state, PATH "Early");
    rpc_stream_text(&s, "x");
    assert_refused(&s, GRPC_ABORTED, "ENOUGH");
    left = rpc_call_deadline(s.call) - clock_monotonic_us();
    assert_true(left > 0 && left <= 1000000);
    rpc_call_expire(s.call);
    assert_int_equal(s.resets, 1);
    assert_int_equal(s.reset_code, RPC_RESET_NO_ERROR);
    rpc_stream_close(&s);

    rpc_stream_open(&s, state, PATH "Early");
    rpc_stream_text(&s, "x");
    rpc_stream_text(&s, "y");
    rpc_call_end(s.call);
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    assert_int_equal(s.resets, 0);
    rpc_stream_close(&s);
    assert_int_equal(fake.canceled, 0);
}

static void
a_stream_that_cannot_respond_is_reset(void **state)
{
    static const char *const paths[] = {PATH "Echo", PATH "Fail",
        PATH "Chat"};
    struct rpc_stream s;
    size_t i;

    for (i = 0; i < 3; i++) {
        rpc_stream_open(&s, state, paths[i]);
        s.answer = E_NOMEM;
        rpc_stream_text(&s, "x");
        rpc_call_end(s.call);
        assert_int_equal(s.resets, 1);
        assert_int_equal(s.reset_code, RPC_RESET_INTERNAL);
        assert_int_equal(fake.started, fake.ended);
        rpc_stream_close(&s);
    }
    assert_int_equal(fake.canceled, 0);
}

/* What standard error gets while one call of ${path} is made. */
static void
logged(void **state, const char *path, char *text, size_t size)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    struct rpc_stream s;
    size_t n;

    assert_true(file != NULL && saved >= 0);
    log_flush();
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    rpc_stream_open(&s, state, path);
    rpc_stream_text(&s, "Smith 1970-01-01");
    rpc_call_end(s.call);
    rpc_stream_close(&s);
    log_flush();
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    (void)close(saved);
    rewind(file);
    n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    (void)fclose(file);
}

static void
a_call_is_one_line_of_the_log_without_what_was_said(void **state)
{
    static const char *const paths[] = {PATH "Echo", PATH "Later",
        PATH "Smith", PATH "Fail"};
    static const char *const parts[] = {
        " method=" PATH "Echo role=employer peer=acme code=OK dur_us=",
        " method=" PATH "Later role=employer peer=acme code=CANCELLED ",
        " method=- role=employer peer=acme code=UNIMPLEMENTED ",
        " in=23 out=0\n",
    };
    char text[4096];
    size_t i;

    for (i = 0; i < 4; i++) {
        logged(state, paths[i], text, sizeof(text));
        assert_non_null(strstr(text, "level=info event=call id="));
        assert_non_null(strstr(text, parts[i]));
        assert_null(strstr(text, "Smith"));
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    }
}

/* One whole call; return non-zero if it ended OK. */
static int
one_call(struct rpc_server *server, const char *path, struct slice frame)
{
    struct rpc_stream s;
    int ok = 0;

    if (rpc_stream_open_with(&s, server, path, NULL) != E_OK) {
        assert_null(s.call);
        return (0);
    }
    rpc_call_feed(s.call, frame);
    rpc_call_end(s.call);
    rpc_stream_drain(&s, 1000);
    assert_true(s.ended || s.resets > 0);
    if (s.ended)
        ok = (strcmp(rpc_stream_value(&s, "grpc-status"), "0") == 0);
    rpc_stream_close(&s);
    return (ok);
}

static void
every_allocation_may_fail(void **state)
{
    static const char *const paths[] = {PATH "Echo", PATH "Fail",
        PATH "Collect", PATH "Chat", PATH "None"};
    struct buf frame = text_frame("a text that is long enough");
    struct rpc_server *server = *state;
    size_t i;
    int n, ok, fired;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        for (n = 0; n < 100; n++) {
            fault_arm(n);
            ok = one_call(server, paths[i], buf_slice(&frame));
            fired = fault_fired();
            fault_arm(-1);
            assert_int_equal(fake.started, fake.ended);
            assert_int_equal(rpc_server_calls(server), 0);
            if (!fired)
                break;
            assert_false(ok);
        }
        assert_in_range(n, 2, 99);
        assert_int_equal(ok, i != 1 && i != 4);
    }
    buf_free(&frame);
}

static void
a_server_needs_its_memory(void **state)
{
    struct rpc_server *server;
    enum err err;
    int n;

    (void)state;
    for (n = 0; n < 10; n++) {
        fault_arm(n);
        err = rpc_server_create(NULL, &rpc_stream_limits, &server);
        fault_arm(-1);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        assert_null(server);
    }
    assert_int_equal(n, 4);
    rpc_server_free(server);
    rpc_server_free(NULL);
    rpc_call_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, \
    rpc_stream_setup, rpc_stream_teardown)

/*
 * What a client sent ahead must not become an answer without end: it is kept,
 * and used when there is room.
 */
static void
a_client_that_sends_ahead_is_answered_as_it_reads(void **state)
{
    struct rpc_stream s;
    struct buf frame, all;
    char text[1001];
    size_t n = 0;

    memset(text, 'x', 1000);
    text[1000] = '\0';
    frame = text_frame(text);
    buf_init(&all, 4 << 20);
    for (; n < 600; n++)
        assert_int_equal(buf_add(&all, buf_slice(&frame)), E_OK);
    rpc_stream_open(&s, state, PATH "Chat");
    rpc_call_feed(s.call, buf_slice(&all));
    assert_true(rpc_call_full(s.call));
    assert_in_range(rpc_call_kept(s.call), all.n - SINK_FULL - 2 * frame.n,
        all.n - SINK_FULL);
    rpc_call_feed(s.call, buf_slice(&frame));
    rpc_call_end(s.call);
    assert_int_equal(fake.ended, 0);

    /* A little room is made use of, and no more than that. */
    rpc_stream_drain(&s, 1000);
    assert_int_equal(s.drained, all.n + frame.n);
    assert_int_equal(rpc_call_kept(s.call), 0);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    assert_int_equal(fake.ended, 1);
    rpc_stream_close(&s);
    buf_free(&all);
    buf_free(&frame);
}

static void
what_is_kept_may_be_wrong_or_cut_short(void **state)
{
    static const uint8_t wrong[] = {1, 0, 0, 0, 0};
    struct rpc_stream s;
    struct buf frame;
    char text[1001];

    memset(text, 'x', 1000);
    text[1000] = '\0';
    frame = text_frame(text);
    for (size_t n = 1; n <= sizeof(wrong); n += sizeof(wrong) - 1) {
        rpc_stream_open(&s, state, PATH "Chat");
        while (!rpc_call_full(s.call))
            rpc_call_feed(s.call, buf_slice(&frame));
        rpc_call_feed(s.call, (struct slice){wrong + (n == 1), n});
        rpc_call_end(s.call);
        assert_int_equal(rpc_call_kept(s.call), n);
        rpc_stream_drain(&s, 1000);
        assert_int_equal(rpc_call_kept(s.call), 0);
        assert_string_equal(rpc_stream_status(&s).reason,
            n == 1 ? "TRUNCATED" : "BAD_FRAME");
        rpc_stream_close(&s);
    }
    buf_free(&frame);
}

static void
a_client_that_takes_nothing_is_cut_off(void **state)
{
    const int64_t stall = rpc_stream_limits.stall_us;
    struct rpc_stream s;
    int64_t began = clock_monotonic_us(), until;

    rpc_stream_open(&s, state, PATH "Chat");
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    rpc_stream_text(&s, "one");
    until = rpc_call_deadline(s.call);
    assert_true(until >= began + stall);
    assert_true(until <= clock_monotonic_us() + stall);

    /* More does not make it longer; taking something does. */
    rpc_stream_text(&s, "two");
    assert_int_equal(rpc_call_deadline(s.call), until);
    rpc_stream_drain(&s, 1000);
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);

    rpc_stream_text(&s, "three");
    rpc_call_expire(s.call);
    assert_int_equal(s.resets, 1);
    assert_int_equal(s.reset_code, RPC_RESET_CANCEL);
    assert_int_equal(fake.canceled, 1);
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    rpc_stream_close(&s);

    /* One whose method is over is reset, too. */
    rpc_stream_open(&s, state, PATH "Chat");
    rpc_stream_text(&s, "four");
    rpc_call_end(s.call);
    assert_true(rpc_call_deadline(s.call) < INT64_MAX);
    rpc_call_expire(s.call);
    assert_int_equal(s.resets, 1);
    rpc_stream_close(&s);
}

/* Nothing of a call is left to the one that is made of its memory. */
static void
spare_calls_are_as_new(void **state)
{
    static const char *const paths[] = {PATH "Echo", PATH "Fail", PATH "Both",
        PATH "Chat", PATH "Count", PATH "Nothing", PATH "Later"};
    static const uint8_t begun[] = {0, 0, 0, 0, 9, 'x'};
    struct rpc_limits limits = rpc_stream_limits;
    struct rpc_server *server;
    struct buf hello = text_frame("hello");
    struct rpc_stream s, other;

    (void)state;
    limits.spare_calls = 1;
    assert_int_equal(rpc_server_create(NULL, &limits, &server), E_OK);
    for (size_t i = 0; i < 4 * sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(rpc_stream_open_with(&s, server, paths[i / 4], NULL),
            E_OK);
        if (i & 1)
            rpc_call_feed(s.call, buf_slice(&hello));
        if (i & 2)
            rpc_call_feed(s.call, (struct slice){begun, sizeof(begun)});
        else
            rpc_call_end(s.call);
        assert_int_equal(rpc_stream_open_with(&other, server, PATH "Echo",
            NULL), E_OK);
        rpc_stream_close(&s);
        rpc_stream_close(&other);
        assert_int_equal(rpc_server_calls(server), 0);

        assert_int_equal(rpc_stream_open_with(&s, server, PATH "Echo", NULL),
            E_OK);
        assert_true(rpc_call_deadline(s.call) > clock_monotonic_us());
        assert_true(rpc_call_deadline(s.call) < INT64_MAX);
        rpc_call_feed(s.call, buf_slice(&hello));
        rpc_call_end(s.call);
        rpc_stream_drain(&s, 100);
        assert_string_equal(s.headers, ":status: 200\n"
            "content-type: application/grpc\ngrpc-status: 0\n");
        assert_int_equal(s.nbody, hello.n);
        assert_memory_equal(s.body, hello.p, hello.n);
        rpc_stream_close(&s);
    }
    rpc_server_free(server);
    buf_free(&hello);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_unary_call_is_answered),
        TEST(an_answer_may_be_packed_already),
        TEST(a_request_may_come_in_pieces_of_any_size),
        TEST(an_error_is_one_header_list_with_all_details),
        TEST(an_answer_followed_by_an_error_is_the_error),
        TEST(a_method_without_an_answer_is_our_fault),
        TEST(a_method_that_cannot_start_says_why),
        TEST(a_method_may_answer_later),
        TEST(a_call_that_is_dropped_is_canceled),
        TEST(a_client_may_stream),
        TEST(both_may_stream_at_the_same_time),
        TEST(a_stream_without_a_message_has_headers_and_trailers),
        TEST(a_server_that_streams_waits_for_its_client),
        TEST(a_client_that_reads_nothing_is_kept_from_asking_more),
        TEST(what_waits_for_a_client_is_bounded),
        TEST(a_client_that_sends_ahead_is_answered_as_it_reads),
        TEST(what_is_kept_may_be_wrong_or_cut_short),
        TEST(a_client_that_takes_nothing_is_cut_off),
        TEST(a_deadline_cancels_and_answers),
        TEST(an_expired_stream_that_is_not_read_is_reset),
        TEST(a_client_that_sends_on_is_reset_after_its_answer),
        TEST(a_client_that_neither_sends_nor_ends_is_reset_after_a_second),
        TEST(a_stream_that_cannot_respond_is_reset),
        TEST(a_call_is_one_line_of_the_log_without_what_was_said),
        TEST(spare_calls_are_as_new),
        TEST(every_allocation_may_fail),
        TEST(a_server_needs_its_memory),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
