/*
 * Metadata that methods read and write.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/fault.h"
#include "support/rpc_stream.h"

#define ROOM 512            /* in one place, on the wire */

static const char *const both[] = {"x-echo", "a value", "x-echo-bin", "q6ur",
    "x-other", "unread", NULL};

/* How often it stands among what was sent. */
static int
count(const struct rpc_stream *s, const char *line)
{
    const char *at = s->headers;
    int n = 0;

    while ((at = strstr(at, line)) != NULL)
        n++, at++;
    return (n);
}

static void
ask(struct rpc_stream *s, void **state, const char *path,
    const char *const *extra, const char *text)
{
    assert_int_equal(rpc_stream_open_with(s, *state, path, extra), E_OK);
    rpc_stream_text(s, text);
    rpc_call_end(s->call);
    rpc_stream_drain(s, 100);
}

static void
metadata_go_before_the_answer_and_behind_it(void **state)
{
    struct rpc_stream s;

    ask(&s, state, PATH "Meta", both, "hello");
    assert_string_equal(s.headers, ":status: 200\n"
        "content-type: application/grpc\nx-echo: a value\n"
        "grpc-status: 0\nx-echo-bin: q6ur\n");
    rpc_stream_close(&s);
}

static void
an_error_has_trailers_only(void **state)
{
    struct rpc_stream s;

    ask(&s, state, PATH "Meta", both, "fail");
    assert_int_equal(rpc_stream_status(&s).code, GRPC_NOT_FOUND);
    assert_null(rpc_stream_value(&s, "x-echo"));
    assert_string_equal(rpc_stream_value(&s, "x-echo-bin"), "q6ur");
    rpc_stream_close(&s);
}

static void
a_method_that_reads_none_is_given_none(void **state)
{
    struct rpc_stream s;

    ask(&s, state, PATH "Echo", both, "hello");
    assert_string_equal(s.headers, ":status: 200\n"
        "content-type: application/grpc\ngrpc-status: 0\n");
    rpc_stream_close(&s);
}

static void
base64_may_be_padded_and_is_not_by_us(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {{"AA==", "AA"}, {"AA", "AA"}, {"AAE=", "AAE"},
        {"AAEC", "AAEC"}, {"", ""}, {"_-8", "/+8"}};
    struct rpc_stream s;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *extra[] = {"x-echo-bin", cases[i].in, NULL};

        ask(&s, state, PATH "Meta", extra, "hello");
        assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
        assert_string_equal(rpc_stream_value(&s, "x-echo-bin"),
            cases[i].out);
        rpc_stream_close(&s);
    }
}

static void
joined_values_are_split(void **state)
{
    const char *extra[] = {"x-echo-bin", "AA==, AAE,AAEC", NULL};
    struct rpc_stream s;

    ask(&s, state, PATH "Meta", extra, "hello");
    assert_int_equal(count(&s, "x-echo-bin: "), 3);
    assert_non_null(strstr(s.headers,
        "x-echo-bin: AA\nx-echo-bin: AAE\nx-echo-bin: AAEC\n"));
    rpc_stream_close(&s);
}

static void
of_many_the_first_few_are_kept(void **state)
{
    const char *extra[] = {"x-echo-bin", "AA,AQ,Ag,Aw,BA,BQ", "x-echo", "no",
        NULL};
    struct rpc_stream s;

    ask(&s, state, PATH "Meta", extra, "hello");
    assert_int_equal(count(&s, "x-echo-bin: "), 4);
    assert_null(rpc_stream_value(&s, "x-echo"));
    rpc_stream_close(&s);
}

static void
what_is_no_text_does_not_go_out(void **state)
{
    static const char *const bad[] = {" a", "a ", "a\tb", "\x7f", "\xc3\xa9"};
    struct rpc_stream s;
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *extra[] = {"x-echo", bad[i], NULL};

        ask(&s, state, PATH "Meta", extra, "hello");
        assert_null(rpc_stream_value(&s, "x-echo"));
        assert_int_not_equal(rpc_stream_status(&s).code, GRPC_OK);
        rpc_stream_close(&s);
    }
}

static void
there_is_room_for_so_much_and_no_more(void **state)
{
    const char *extra[] = {"x-echo", NULL, NULL};
    char value[ROOM + 2] = "";
    struct rpc_stream s;

    extra[1] = value;
    memset(value, 'v', ROOM);
    ask(&s, state, PATH "Meta", extra, "hello");
    assert_string_equal(rpc_stream_value(&s, "x-echo"), value);
    rpc_stream_close(&s);
    value[ROOM] = 'v';
    ask(&s, state, PATH "Meta", extra, "hello");
    assert_int_not_equal(rpc_stream_status(&s).code, GRPC_OK);
    rpc_stream_close(&s);
}

static void
headers_are_too_late_behind_the_first_message(void **state)
{
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "MetaChat", both),
        E_OK);
    rpc_stream_text(&s, "one");
    assert_int_equal(fake.late, E_OK);
    assert_string_equal(rpc_stream_value(&s, "x-echo"), "a value");
    rpc_stream_text(&s, "two");
    assert_int_equal(fake.late, E_EXISTS);
    rpc_call_end(s.call);
    rpc_stream_drain(&s, 100);
    assert_int_equal(count(&s, "x-echo: "), 1);
    assert_int_equal(count(&s, "x-echo-bin: "), 1);
    rpc_stream_close(&s);
}

static void
a_call_after_one_with_metadata_has_none(void **state)
{
    struct rpc_stream s;

    metadata_go_before_the_answer_and_behind_it(state);
    ask(&s, state, PATH "Meta", NULL, "hello");
    assert_string_equal(s.headers, ":status: 200\n"
        "content-type: application/grpc\ngrpc-status: 0\n");
    rpc_stream_close(&s);
}

static void
every_allocation_may_fail(void **state)
{
    struct buf frame = text_frame("hello");
    int n, fired = 1, ok = 0;

    for (n = 0; n < 100 && fired; n++) {
        struct rpc_stream s;

        ok = 0;
        fault_arm(n);
        if (rpc_stream_open_with(&s, *state, PATH "Meta", both) == E_OK) {
            rpc_call_feed(s.call, buf_slice(&frame));
            rpc_call_end(s.call);
            rpc_stream_drain(&s, 1000);
            assert_true(s.ended || s.resets > 0);
            ok = s.ended &&
                strcmp(rpc_stream_value(&s, "grpc-status"), "0") == 0;
            rpc_stream_close(&s);
        }
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(fake.started, fake.ended);
        assert_int_equal(ok, !fired);
    }
    assert_in_range(n, 5, 99);
    buf_free(&frame);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, \
    rpc_stream_setup, rpc_stream_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(metadata_go_before_the_answer_and_behind_it),
        TEST(an_error_has_trailers_only),
        TEST(a_method_that_reads_none_is_given_none),
        TEST(base64_may_be_padded_and_is_not_by_us),
        TEST(joined_values_are_split),
        TEST(of_many_the_first_few_are_kept),
        TEST(what_is_no_text_does_not_go_out),
        TEST(there_is_room_for_so_much_and_no_more),
        TEST(headers_are_too_late_behind_the_first_message),
        TEST(a_call_after_one_with_metadata_has_none),
        TEST(every_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
