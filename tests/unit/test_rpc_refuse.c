/*
 * What is wrong with a request, and what its sender is told.
 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/rpc_stream.h"

static void
assert_header_refused(void **state, const char *name, const char *value,
    enum grpc_code code, const char *reason)
{
    const char *extra[] = {name, value, NULL};
    int started = fake.started;
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Echo", extra),
        E_OK);
    assert_true(s.responded && s.ended);
    assert_refused(&s, code, reason);
    assert_int_equal(fake.started, started);
    rpc_call_end(s.call);
    assert_int_equal(s.resets, 0);
    rpc_stream_close(&s);
}

static void
assert_header_accepted(void **state, const char *name, const char *value)
{
    const char *extra[] = {name, value, NULL};
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Echo", extra),
        E_OK);
    assert_false(s.responded);
    rpc_stream_text(&s, "hello");
    rpc_call_end(s.call);
    rpc_stream_drain(&s, 100);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    rpc_stream_close(&s);
}

static void
only_post_is_answered(void **state)
{
    const char *extra[] = {":method", "GET", NULL};
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Echo", extra),
        E_OK);
    assert_true(s.ended);
    assert_string_equal(s.headers, ":status: 405\nallow: POST\n");
    rpc_call_end(s.call);
    rpc_stream_close(&s);
}

static void
another_content_type_is_told_what_to_send(void **state)
{
    static const char *const types[] = {"application/json",
        "application/grpc-web", "application/grpc+json", "text/plain",
        "application/grpc-web+proto", "application/grpcx", "", NULL};
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const char *extra[] = {"content-type", types[i], NULL};
        struct rpc_stream s;

        assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Echo", extra),
            E_OK);
        rpc_call_end(s.call);
        rpc_stream_drain(&s, 10);
        assert_string_equal(s.headers,
            ":status: 415\ncontent-type: application/json\n");
        assert_true(s.nbody > 2 && s.body[0] == '{' &&
            s.body[s.nbody - 2] == '}');
        s.body[s.nbody] = '\0';
        assert_non_null(strstr((char *)s.body, "application/grpc"));
        rpc_stream_close(&s);
    }
}

static void
all_content_types_of_grpc_are_accepted(void **state)
{
    assert_header_accepted(state, "content-type", "application/grpc");
    assert_header_accepted(state, "content-type", "application/grpc+proto");
    assert_header_accepted(state, "content-type", "Application/GRPC");
    assert_header_accepted(state, "content-type",
        "application/grpc;charset=utf-8");
    assert_header_accepted(state, "content-type",
        "application/grpc+proto ; a=b");
}

static void
other_headers_are_accepted(void **state)
{
    assert_header_accepted(state, "te", NULL);
    assert_header_accepted(state, "grpc-encoding", "identity");
    assert_header_accepted(state, "grpc-encoding", "gzip");
    assert_header_accepted(state, "grpc-accept-encoding", "gzip");
    assert_header_accepted(state, "x-anything", "\x80\xff, what ever");
    assert_header_accepted(state, "x-bin", "");
    assert_header_accepted(state, "x-bin", "AAEC");
    assert_header_accepted(state, "x-bin", "AA");
    assert_header_accepted(state, "x-bin", "AA==");
    assert_header_accepted(state, "x-bin", "AA==, AAEC,_-8");
}

static void
an_unknown_encoding_is_told_which_are_known(void **state)
{
    const char *extra[] = {"grpc-encoding", "deflate", NULL};
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Echo", extra),
        E_OK);
    assert_refused(&s, GRPC_UNIMPLEMENTED, "UNKNOWN_ENCODING");
    assert_string_equal(rpc_stream_value(&s, "grpc-accept-encoding"),
        "identity,gzip");
    rpc_stream_close(&s);
}

static void
an_unknown_method_is_told_the_nearest(void **state)
{
    static const char *const paths[] = {PATH "Ecco", "/", "", "*", "no slash",
        "/test.v1.Test/Echo/", "/test.v1.test/Echo", "\x01\xff%n"};
    struct rpc_stream s;
    size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        rpc_stream_open(&s, state, paths[i]);
        assert_refused(&s, GRPC_UNIMPLEMENTED, "UNKNOWN_METHOD");
        assert_non_null(strstr(rpc_stream_status(&s).message, PATH "Echo"));
        assert_string_equal(rpc_stream_status(&s).metadata[0].value,
            PATH "Echo");
        rpc_stream_close(&s);
    }
}

static void
a_timeout_is_read_exactly(void **state)
{
    static const struct { const char *text; int64_t us; } good[] = {
        {"1S", 1000000}, {"59000m", 59000000}, {"00000001S", 1000000},
        {"30u", 30}, {"1n", 1}, {"1000n", 1}, {"1001n", 2},
        {"99999999n", 100000}, {"99999999u", 60000000}, {"1M", 60000000},
        {"2M", 60000000}, {"99999999H", 60000000}, {NULL, 60000000},
    };
    int64_t before, after, at;
    struct rpc_stream s;
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *extra[] = {"grpc-timeout", good[i].text, NULL};

        before = clock_monotonic_us();
        assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Echo", extra),
            E_OK);
        after = clock_monotonic_us();
        assert_false(s.responded);
        at = rpc_call_deadline(s.call);
        assert_true(at >= before + good[i].us && at <= after + good[i].us);
        rpc_stream_close(&s);
    }
}

static void
a_stream_has_the_deadline_that_its_client_gave(void **state)
{
    const char *extra[] = {"grpc-timeout", "2H", NULL};
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Chat", extra),
        E_OK);
    assert_true(rpc_call_deadline(s.call) > clock_monotonic_us() +
        INT64_C(7100000000));
    rpc_stream_close(&s);
    rpc_stream_open(&s, state, PATH "Chat");
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    rpc_stream_close(&s);
}

static void
a_bad_timeout_is_refused(void **state)
{
    static const char *const bad[] = {"abc", "", "S", "1", "1s", "-1S", "+1S",
        " 1S", "1S ", "1.5S", "123456789S", "1SS", "0x1S", "1\xc2\xb5"};
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_header_refused(state, "grpc-timeout", bad[i], GRPC_INTERNAL,
            "BAD_TIMEOUT");
    assert_header_refused(state, "grpc-timeout", "0S",
        GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
    assert_header_refused(state, "grpc-timeout", "00000000n",
        GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
}

static void
a_header_that_counts_may_come_once(void **state)
{
    const char *extra[] = {"grpc-timeout", "1S", "grpc-timeout", "2S", NULL};
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Echo", extra),
        E_OK);
    assert_refused(&s, GRPC_INTERNAL, "HEADER_TWICE");
    rpc_stream_close(&s);
}

static void
metadata_that_is_not_base64_is_refused(void **state)
{
    static const char *const bad[] = {"!", "A", "A===", "AA=A", "AAEC,!",
        "AA EC", "AAECA"};
    char text[3001];
    size_t i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_header_refused(state, "x-some-bin", bad[i], GRPC_INTERNAL,
            "BAD_BASE64");

    memset(text, 'A', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_header_accepted(state, "x-some-bin", text);
    text[1023] = '=';       /* padding is for the end alone */
    assert_header_refused(state, "x-some-bin", text, GRPC_INTERNAL,
        "BAD_BASE64");
    text[1023] = 'A';
    text[2999] = '!';
    assert_header_refused(state, "x-some-bin", text, GRPC_INTERNAL,
        "BAD_BASE64");
}

static long
pushback_of(const struct rpc_stream *s)
{
    const char *value = rpc_stream_value(s, "grpc-retry-pushback-ms");
    char *end;
    long ms;

    assert_non_null(value);
    ms = strtol(value, &end, 10);
    assert_true(*end == '\0');
    return (ms);
}

/* The wait differs, so that those who failed together come back apart. */
static void
who_may_try_again_is_told_when(void **state)
{
    static const uint8_t empty[5];
    long ms, least = LONG_MAX, most = 0;
    struct rpc_stream s;
    int i;

    for (i = 0; i < 1000 && (i < 10 || most - least < 100); i++) {
        rpc_stream_open(&s, state, PATH "Busy");
        rpc_call_feed(s.call, (struct slice){empty, sizeof(empty)});
        rpc_call_end(s.call);
        assert_refused(&s, GRPC_UNAVAILABLE, "NO_CAPACITY");
        ms = pushback_of(&s);
        assert_in_range(ms, 1000, 1500);
        assert_int_equal(rpc_stream_status(&s).retry_ms, ms);
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
        rpc_stream_close(&s);
    }
    assert_true(most - least >= 100);
}

static void
who_should_not_try_again_is_told_so(void **state)
{
    static const uint8_t long_one[] = {0, 255, 255, 255, 255};
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Echo");
    rpc_call_feed(s.call, (struct slice){long_one, sizeof(long_one)});
    assert_refused(&s, GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG");
    assert_int_equal(pushback_of(&s), -1);
    assert_int_equal(rpc_stream_status(&s).retry_ms, 0);
    rpc_stream_close(&s);

    rpc_stream_open(&s, state, PATH "None");
    assert_refused(&s, GRPC_UNIMPLEMENTED, "UNKNOWN_METHOD");
    assert_null(rpc_stream_value(&s, "grpc-retry-pushback-ms"));
    rpc_stream_close(&s);
}

static void
a_role_is_allowed_by_the_table_or_not_at_all(void **state)
{
    struct grpc_status status;
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Admin");
    assert_refused(&s, GRPC_PERMISSION_DENIED, "ROLE_NOT_ALLOWED");
    status = rpc_stream_status(&s);
    assert_int_equal(status.nmetadata, 3);
    assert_string_equal(status.metadata[0].key, "role");
    assert_string_equal(status.metadata[0].value, "employer");
    assert_string_equal(status.metadata[1].key, "roles");
    assert_string_equal(status.metadata[1].value, "admin");
    assert_string_equal(status.metadata[2].key, "uri");
    assert_string_equal(status.metadata[2].value, rpc_stream_peer.uri);
    rpc_stream_close(&s);

    rpc_stream_open(&s, state, PATH "Nobody");
    assert_refused(&s, GRPC_PERMISSION_DENIED, "ROLE_NOT_ALLOWED");
    rpc_stream_close(&s);
    assert_int_equal(fake.started, 0);
}

static void
headers_above_the_limit_are_refused(void **state)
{
    struct rpc_header headers[] = {
        {slice_of(":method"), slice_of("POST"), 0},
        {slice_of(":path"), slice_of(PATH "Echo"), 0},
    };
    struct rpc_request request = {headers, 2, 1};
    struct rpc_stream s;

    memset(&s, 0, sizeof(s));
    assert_int_equal(rpc_call_start(*state, &rpc_stream_peer, &request,
        &rpc_stream_ops, &s,
        &s.call), E_OK);
    assert_refused(&s, GRPC_RESOURCE_EXHAUSTED, "HEADERS_TOO_BIG");
    rpc_stream_close(&s);
}

static void
a_unary_method_takes_one_message(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Echo");
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_UNIMPLEMENTED, "CARDINALITY");
    rpc_stream_close(&s);

    rpc_stream_open(&s, state, PATH "Count");
    rpc_stream_text(&s, "");
    rpc_stream_text(&s, "");
    assert_refused(&s, GRPC_UNIMPLEMENTED, "CARDINALITY");
    rpc_stream_close(&s);
    assert_int_equal(fake.started, 0);
}

static void
a_broken_frame_is_refused(void **state)
{
    static const struct {
        const char *path;
        uint8_t bytes[8];
        size_t n;
        enum grpc_code code;
        const char *reason;
    } cases[] = {
        {PATH "Echo", {0, 0, 0, 0, 3, 10, 1}, 7, GRPC_INTERNAL, "TRUNCATED"},
        {PATH "Echo", {0, 0, 0}, 3, GRPC_INTERNAL, "TRUNCATED"},
        {PATH "Chat", {0, 0, 0}, 3, GRPC_INTERNAL, "TRUNCATED"},
        {PATH "Echo", {1, 0, 0, 0, 0}, 5, GRPC_INTERNAL, "BAD_FRAME"},
        {PATH "Echo", {2, 0, 0, 0, 0}, 5, GRPC_INTERNAL, "BAD_FRAME"},
        {PATH "Echo", {255}, 1, GRPC_INTERNAL, "BAD_FRAME"},
        {PATH "Collect", {1, 0, 0, 0, 0}, 5, GRPC_INTERNAL, "BAD_FRAME"},
        {PATH "Echo", {0, 255, 255, 255, 255}, 5, GRPC_RESOURCE_EXHAUSTED,
            "MESSAGE_TOO_BIG"},
        {PATH "Chat", {0, 0, 0, 4, 1}, 5, GRPC_RESOURCE_EXHAUSTED,
            "MESSAGE_TOO_BIG"},
        {PATH "Echo", {0, 0, 0, 0, 2, 255, 255}, 7, GRPC_INTERNAL,
            "PARSE_ERROR"},
        {PATH "Echo", {0, 0, 0, 0, 2, 10, 1}, 7, GRPC_INTERNAL,
            "PARSE_ERROR"},
        {PATH "Chat", {0, 0, 0, 0, 2, 10, 1}, 7, GRPC_INTERNAL,
            "PARSE_ERROR"},
        {PATH "Echo", {0, 0, 0, 0, 3, 10, 1, 255}, 8, GRPC_INVALID_ARGUMENT,
            "INVALID_FIELD"},
        {PATH "Collect", {0, 0, 0, 0, 3, 10, 1, 0}, 8, GRPC_INVALID_ARGUMENT,
            "INVALID_FIELD"},
        {PATH "Strict", {0, 0, 0, 0, 2, 120, 1}, 7, GRPC_INVALID_ARGUMENT,
            "INVALID_FIELD"},
    };
    struct rpc_stream s;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rpc_stream_open(&s, state, cases[i].path);
        rpc_call_feed(s.call, (struct slice){cases[i].bytes, cases[i].n});
        if (cases[i].code == GRPC_RESOURCE_EXHAUSTED)
            assert_true(s.responded);   /* from the prefix, at once */
        rpc_call_end(s.call);
        assert_refused(&s, cases[i].code, cases[i].reason);
        if (cases[i].code == GRPC_INVALID_ARGUMENT &&
            strcmp(cases[i].path, PATH "Strict") != 0)
            assert_string_equal(rpc_stream_status(&s).violations[0].field,
                "association_id");
        rpc_stream_close(&s);
        assert_int_equal(fake.started, fake.ended);
    }
}

static void
unknown_fields_pass_unless_the_method_refuses_them(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 2, 120, 1};
    struct rpc_stream s;

    rpc_stream_open(&s, state, PATH "Echo");
    rpc_call_feed(s.call, (struct slice){bytes, sizeof(bytes)});
    rpc_call_end(s.call);
    rpc_stream_drain(&s, 100);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    rpc_stream_close(&s);
}

static void
a_scan_above_its_limits_is_refused(void **state)
{
    uint8_t bytes[5 + 2 * 200];
    struct rpc_stream s;
    size_t i;

    /* More fields than are allowed. */
    memset(bytes, 0, sizeof(bytes));
    bytes[3] = (2 * 200) >> 8;
    bytes[4] = (2 * 200) & 255;
    for (i = 5; i < sizeof(bytes); i += 2)
        bytes[i] = 10;
    rpc_stream_open(&s, state, PATH "Echo");
    rpc_call_feed(s.call, (struct slice){bytes, sizeof(bytes)});
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_COMPLEX");
    rpc_stream_close(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, \
    rpc_stream_setup, rpc_stream_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_post_is_answered),
        TEST(another_content_type_is_told_what_to_send),
        TEST(all_content_types_of_grpc_are_accepted),
        TEST(other_headers_are_accepted),
        TEST(an_unknown_encoding_is_told_which_are_known),
        TEST(an_unknown_method_is_told_the_nearest),
        TEST(a_timeout_is_read_exactly),
        TEST(a_stream_has_the_deadline_that_its_client_gave),
        TEST(a_bad_timeout_is_refused),
        TEST(a_header_that_counts_may_come_once),
        TEST(metadata_that_is_not_base64_is_refused),
        TEST(who_may_try_again_is_told_when),
        TEST(who_should_not_try_again_is_told_so),
        TEST(a_role_is_allowed_by_the_table_or_not_at_all),
        TEST(headers_above_the_limit_are_refused),
        TEST(a_unary_method_takes_one_message),
        TEST(a_broken_frame_is_refused),
        TEST(unknown_fields_pass_unless_the_method_refuses_them),
        TEST(a_scan_above_its_limits_is_refused),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
