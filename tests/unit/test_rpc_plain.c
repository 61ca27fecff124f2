/*
 * What is answered to those who do not speak gRPC.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/fault.h"
#include "support/rpc_stream.h"

#define OK_HEADERS ":status: 200\ncontent-type: text/plain\n" \
    "content-length: 3\ncache-control: no-store\n"
#define BAD_HEADERS ":status: 503\ncontent-type: text/plain\n" \
    "content-length: 12\ncache-control: no-store\n"

/* Ask without a content type, and expect exactly this. */
static void
assert_answer(void **state, const char *method, const char *path,
    const char *headers, const char *body)
{
    const char *extra[] = {":method", method, "content-type", NULL, NULL};
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, path, extra), E_OK);
    rpc_call_end(s.call);
    rpc_stream_drain(&s, 2);
    assert_true(s.ended);
    assert_string_equal(s.headers, headers);
    assert_int_equal(s.nbody, strlen(body));
    assert_memory_equal(s.body, body, s.nbody);
    assert_int_equal(s.resets, 0);
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    rpc_stream_close(&s);
}

static void
health_is_answered_to_plain_http(void **state)
{
    assert_answer(state, "GET", "/healthz", OK_HEADERS, "ok\n");
    assert_answer(state, "GET", "/healthz?from=here", OK_HEADERS, "ok\n");
    assert_answer(state, "HEAD", "/healthz", OK_HEADERS, "");
    assert_int_equal(fake.started, 0);
}

static void
health_is_bad_while_the_worker_drains(void **state)
{
    fake.draining = 1;
    assert_answer(state, "GET", "/healthz", BAD_HEADERS, "not serving\n");
    assert_answer(state, "HEAD", "/healthz", BAD_HEADERS, "");
}

static void
health_is_read_and_nothing_else(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS",
        "get", "", "GETS"};
    size_t i;

    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        assert_answer(state, methods[i], "/healthz",
            ":status: 405\nallow: GET, HEAD\n", "");
}

static void
a_path_that_only_begins_like_it_is_another(void **state)
{
    static const char *const paths[] = {"/healthz/", "/healthzz", "/health",
        "/Healthz", "/", "", "healthz"};
    size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_answer(state, "GET", paths[i], ":status: 405\nallow: POST\n",
            "");
}

static void
to_grpc_health_is_no_method(void **state)
{
    struct rpc_stream s;

    rpc_stream_open(&s, state, "/healthz");
    assert_refused(&s, GRPC_UNIMPLEMENTED, "UNKNOWN_METHOD");
    rpc_stream_close(&s);
}

/* Whoever asks for it with a body is answered, too. */
static void
a_body_is_passed_over(void **state)
{
    const char *extra[] = {":method", "GET", NULL};
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, "/healthz", extra),
        E_OK);
    rpc_call_feed(s.call, slice_of("what is this?"));
    rpc_stream_drain(&s, 100);
    assert_int_equal(s.nbody, 3);
    rpc_call_end(s.call);
    assert_int_equal(s.resets, 0);
    rpc_stream_close(&s);
}

static void
too_many_headers_are_told_by_http(void **state)
{
    static const char *const types[] = {"application/json", "text/plain"};
    struct rpc_header headers[] = {
        {slice_of(":method"), slice_of("GET"), 0},
        {slice_of(":path"), slice_of("/healthz"), 0},
        {slice_of("content-type"), slice_of(""), 0},
    };
    struct rpc_request request = {headers, 2, 1};
    struct rpc_stream s;
    size_t i;

    for (i = 0; i <= sizeof(types) / sizeof(types[0]); i++) {
        memset(&s, 0, sizeof(s));
        assert_int_equal(rpc_call_start(*state, &rpc_stream_peer, &request,
            &rpc_stream_ops, &s, &s.call), E_OK);
        rpc_call_end(s.call);
        rpc_stream_drain(&s, 100);
        assert_string_equal(s.headers,
            ":status: 431\ncontent-type: application/json\n");
        assert_true(s.nbody > 2 && s.body[0] == '{');
        rpc_stream_close(&s);

        if (i == sizeof(types) / sizeof(types[0]))
            break;
        headers[0].value = slice_of("POST");
        headers[2].value = slice_of(types[i]);
        request.n = 3;
    }
}

/* Without memory the call is not begun, or its stream is reset. */
static void
every_allocation_may_fail(void **state)
{
    const char *extra[] = {":method", "GET", NULL};
    struct rpc_stream s;
    int n, fired;
    enum err err;

    for (n = 0, fired = 1; fired; n++) {
        fault_arm(n);
        err = rpc_stream_open_with(&s, *state, "/healthz", extra);
        if (err == E_OK)
            rpc_call_end(s.call);
        fired = fault_fired();
        fault_arm(-1);
        if (err != E_OK) {
            assert_int_equal(err, E_NOMEM);
            assert_false(s.responded);
            assert_null(s.call);
        } else if (fired) {
            assert_false(s.responded);
            assert_int_equal(s.resets, 1);
            assert_int_equal(s.reset_code, RPC_RESET_INTERNAL);
        } else {
            rpc_stream_drain(&s, 100);
            assert_int_equal(s.nbody, 3);
        }
        rpc_stream_close(&s);
    }
    assert_true(n > 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, \
    rpc_stream_setup, rpc_stream_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(health_is_answered_to_plain_http),
        TEST(health_is_bad_while_the_worker_drains),
        TEST(health_is_read_and_nothing_else),
        TEST(a_path_that_only_begins_like_it_is_another),
        TEST(to_grpc_health_is_no_method),
        TEST(a_body_is_passed_over),
        TEST(too_many_headers_are_told_by_http),
        TEST(every_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
