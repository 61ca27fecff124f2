/*
 * Unary calls that libvouch makes again because the server asks for it, and
 * those that it does not.
 */

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include <cmocka.h>

#include "client/clock.h"
#include "client/retry.h"
#include "client/vouch.h"
#include "support/grpc_server.h"
#include "support/tls_client.h"
#include "vouch/v1/access_service.pb-c.h"

#define WHO "vouch.v1.AccessService/WhoAmI"
#define TIMEOUT_MS 5000

static char dir[64];

static int
setup(void **state)
{
    (void)state;
    tls_client_pki(dir, sizeof(dir));
    return (0);
}

static int
teardown(void **state)
{
    (void)state;
    tls_client_remove(dir);
    return (0);
}

/* ---- what is decided --------------------------------------------------- */

#define CALL (&vouch__v1__who_am_iresponse__descriptor)

/* A call that ended with ${code}, push-back ${ms} (NULL: none). */
static void
ended(struct call *call, const char *code, const char *ms)
{
    assert_int_equal(call_begin(call, CALL), E_OK);
    call_header(call, slice_of(":status"), slice_of("200"), 1);
    call_header(call, slice_of("content-type"),
        slice_of("application/grpc"), 1);
    call_header(call, slice_of("grpc-status"), slice_of(code), 1);
    if (ms != NULL)
        call_header(call, slice_of("grpc-retry-pushback-ms"), slice_of(ms),
            1);
    call->ended = call->closed = 1;
}

static void
the_server_says_whether_and_when(void **state)
{
    static const struct {
        const char *code, *ms;
        int wait;
    } rows[] = {
        {"14", "0", 0}, {"14", "1", 1}, {"14", "1500", 1500},
        {"8", "1500", 1500}, {"14", "2147483647", INT32_MAX},
        {"14", NULL, -1}, {"8", NULL, -1}, {"14", "-1", -1},
        {"8", "-1", -1}, {"14", "", -1}, {"14", "1.5", -1},
        {"14", "soon", -1}, {"14", "2147483648", -1},
        {"14", "99999999999", -1}, {"14", " 1", -1}, {"14", "0x1", -1},
        {"13", "1", -1}, {"3", "1", -1}, {"10", "1", -1}, {"4", "1", -1},
        {"99", "1", -1},
    };
    struct retry retry;
    struct call call;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        retry = (struct retry){0};
        ended(&call, rows[i].code, rows[i].ms);
        if (retry_after(&retry, &call) != rows[i].wait)
            fail_msg("code %s, push-back %s", rows[i].code,
                rows[i].ms != NULL ? rows[i].ms : "none");
        assert_int_equal(retry.before, rows[i].wait >= 0);
        call_clear(&call);
    }
}

static void
four_attempts_are_enough(void **state)
{
    struct retry retry = {0};
    struct call call;

    (void)state;
    ended(&call, "14", "7");
    for (int i = 0; i < 3; i++)
        assert_int_equal(retry_after(&retry, &call), 7);
    assert_int_equal(retry_after(&retry, &call), -1);
    assert_int_equal(retry.before, 3);
    call_clear(&call);
}

static void
what_was_refused_unseen_goes_again_at_once_and_then_later(void **state)
{
    struct retry retry = {0};
    struct call call;
    int most = 100;

    (void)state;
    assert_int_equal(call_begin(&call, CALL), E_OK);
    call.closed = 1;
    call.reset = NGHTTP2_REFUSED_STREAM;
    assert_int_equal(retry_after(&retry, &call), 0);
    assert_int_equal(retry.before, 0);
    for (int i = 0; i < 3; i++, most *= 2)
        assert_in_range(retry_after(&retry, &call), 0, most);
    assert_int_equal(retry_after(&retry, &call), -1);
    call_clear(&call);
}

static void
what_was_answered_in_part_does_not_go_again(void **state)
{
    struct retry retry = {0};
    struct call call;

    (void)state;
    assert_int_equal(call_begin(&call, CALL), E_OK);
    call_header(&call, slice_of(":status"), slice_of("200"), 0);
    call_header(&call, slice_of("content-type"),
        slice_of("application/grpc"), 0);
    call_header(&call, slice_of("grpc-status"), slice_of("14"), 1);
    call_header(&call, slice_of("grpc-retry-pushback-ms"), slice_of("1"), 1);
    call.ended = 1;
    assert_int_equal(retry_after(&retry, &call), -1);

    call.closed = 1;
    call.reset = NGHTTP2_REFUSED_STREAM;
    assert_int_equal(retry_after(&retry, &call), -1);
    call_clear(&call);
}

/* ---- on the wire ------------------------------------------------------- */

struct script {
    int failures;               /* before it goes well */
    const char *ms;             /* push-back; NULL: REFUSED_STREAM */
    int goaway;                 /* no more calls after the first */
    int seen;                   /* calls */
    char attempts[8][16];       /* what each said of those before it */
    char timeouts[8][16];
};

/* Keep what the client says of itself. */
static void
note(struct script *s, nghttp2_hd_inflater *inflater,
    const struct h2_frame *frame)
{
    const uint8_t *p = frame->payload;
    size_t left = frame->n;
    nghttp2_nv nv;
    int flags;
    ssize_t n;

    do {
        flags = 0;
        n = nghttp2_hd_inflate_hd2(inflater, &nv, &flags, p, left, 1);
        if (n < 0)
            return;
        p += n;
        left -= (size_t)n;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 || s->seen >= 8)
            continue;
        if (strcmp((char *)nv.name, "grpc-previous-rpc-attempts") == 0)
            (void)snprintf(s->attempts[s->seen], 16, "%s",
                (char *)nv.value);
        else if (strcmp((char *)nv.name, "grpc-timeout") == 0)
            (void)snprintf(s->timeouts[s->seen], 16, "%s", (char *)nv.value);
    } while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0 &&
        (left > 0 || (flags & NGHTTP2_HD_INFLATE_EMIT) != 0));
    (void)nghttp2_hd_inflate_end_headers(inflater);
}

static void
respond(struct grpc_conn *c, struct script *s, int32_t stream)
{
    static char role[] = "employer";
    Vouch__V1__WhoAmIResponse who = VOUCH__V1__WHO_AM_IRESPONSE__INIT;

    if (s->seen++ >= s->failures) {
        who.role = role;
        (void)conn_ok(c, stream);
        (void)conn_message(c, stream, &who.base);
        (void)conn_trailers(c, stream, "0");
    } else if (s->ms != NULL) {
        (void)conn_headers(c, stream, H2_END_STREAM, (const char *const[]){
            ":status", "200", "content-type", "application/grpc",
            "grpc-status", "14", "grpc-retry-pushback-ms", s->ms, NULL});
    } else {
        (void)conn_reset(c, stream, NGHTTP2_REFUSED_STREAM);
    }
    if (s->goaway)
        (void)conn_goaway(c, stream, 0);
}

static void
run(struct grpc_conn *c, void *cookie)
{
    nghttp2_hd_inflater *inflater = NULL;
    struct script *s = cookie;
    struct h2_frame frame;

    if (nghttp2_hd_inflate_new(&inflater) != 0)
        return;
    while (conn_read(c, &frame)) {
        if (frame.type == H2_HEADERS)
            note(s, inflater, &frame);
        if ((frame.type == H2_HEADERS || frame.type == H2_DATA) &&
            (frame.flags & H2_END_STREAM) != 0)
            respond(c, s, frame.stream);
    }
    nghttp2_hd_inflate_del(inflater);
}

static int
ask(struct script *s, int timeout_ms, struct vouch_error *error)
{
    Vouch__V1__WhoAmIRequest request = VOUCH__V1__WHO_AM_IREQUEST__INIT;
    char ca[128], cert[128], key[128];
    ProtobufCMessage *response = NULL;
    struct vouch *vouch = NULL;
    struct grpc_server *server;
    int status;

    server = grpc_server_start(&(struct grpc_server_options){.dir = dir,
        .script = run, .cookie = s});
    (void)snprintf(ca, sizeof(ca), "%s/root.pem", dir);
    (void)snprintf(cert, sizeof(cert), "%s/employer.pem", dir);
    (void)snprintf(key, sizeof(key), "%s/employer.key", dir);
    assert_int_equal(vouch_open(&(struct vouch_options){
        .server = grpc_server_address(server), .ca = ca, .cert = cert,
        .key = key, .timeout_ms = timeout_ms}, &vouch, error), 0);
    status = vouch_call(vouch, WHO, &request.base, CALL, &response, error);
    assert_int_equal(response != NULL, status == 0);
    vouch_free_message(response);
    vouch_close(vouch);
    grpc_server_stop(server);
    return (status);
}

static void
a_call_goes_again_after_the_wait(void **state)
{
    struct script s = {.failures = 3, .ms = "100"};
    int64_t began = clock_us();
    struct vouch_error error;

    (void)state;
    assert_int_equal(ask(&s, TIMEOUT_MS, &error), 0);
    assert_true(clock_us() - began >= 300000);
    assert_int_equal(s.seen, 4);
    assert_string_equal(s.attempts[0], "");
    assert_string_equal(s.attempts[1], "1");
    assert_string_equal(s.attempts[2], "2");
    assert_string_equal(s.attempts[3], "3");

    /* One time for all of them. */
    assert_in_range(strtol(s.timeouts[0], NULL, 10), 1, TIMEOUT_MS);
    assert_in_range(strtol(s.timeouts[3], NULL, 10), 1, TIMEOUT_MS - 300);
}

static void
a_call_that_goes_on_failing_is_told(void **state)
{
    struct script s = {.failures = 100, .ms = "1"};
    struct vouch_error error;

    (void)state;
    assert_int_equal(ask(&s, TIMEOUT_MS, &error), -1);
    assert_int_equal(s.seen, 4);
    assert_int_equal(error.failure, VOUCH_FAILURE_STATUS);
    assert_int_equal(error.code, GRPC_UNAVAILABLE);
}

static void
whoever_says_no_is_not_asked_again(void **state)
{
    struct script s = {.failures = 100, .ms = "-1"};
    struct vouch_error error;

    (void)state;
    assert_int_equal(ask(&s, TIMEOUT_MS, &error), -1);
    assert_int_equal(s.seen, 1);
    assert_int_equal(error.code, GRPC_UNAVAILABLE);
}

/* There is no time for it: the failure is told at once. */
static void
a_wait_that_is_too_long_is_not_begun(void **state)
{
    struct script s = {.failures = 100, .ms = "60000"};
    int64_t began = clock_us();
    struct vouch_error error;

    (void)state;
    assert_int_equal(ask(&s, 30000, &error), -1);
    assert_true(clock_us() - began < 25000000);
    assert_int_equal(s.seen, 1);
    assert_int_equal(error.code, GRPC_UNAVAILABLE);
}

static void
a_refused_stream_goes_again_at_once(void **state)
{
    struct script s = {.failures = 1};
    struct vouch_error error;

    (void)state;
    assert_int_equal(ask(&s, TIMEOUT_MS, &error), 0);
    assert_int_equal(s.seen, 2);
    assert_string_equal(s.attempts[1], "");

    s = (struct script){.failures = 100};
    assert_int_equal(ask(&s, TIMEOUT_MS, &error), -1);
    assert_int_equal(s.seen, 5);
    assert_string_equal(s.attempts[4], "3");
    assert_int_equal(error.code, GRPC_UNAVAILABLE);
}

/* Each attempt on a connection of its own, if that is how the server is. */
static void
a_call_goes_again_on_another_connection(void **state)
{
    struct script s = {.failures = 3, .ms = "50", .goaway = 1};
    struct vouch_error error;

    (void)state;
    assert_int_equal(ask(&s, TIMEOUT_MS, &error), 0);
    assert_int_equal(s.seen, 4);
    assert_string_equal(s.attempts[3], "3");

    s = (struct script){.failures = 100, .ms = "50", .goaway = 1};
    assert_int_equal(ask(&s, TIMEOUT_MS, &error), -1);
    assert_int_equal(s.seen, 4);
    assert_int_equal(error.failure, VOUCH_FAILURE_STATUS);
    assert_int_equal(error.code, GRPC_UNAVAILABLE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_says_whether_and_when),
        cmocka_unit_test(four_attempts_are_enough),
        cmocka_unit_test(
            what_was_refused_unseen_goes_again_at_once_and_then_later),
        cmocka_unit_test(what_was_answered_in_part_does_not_go_again),
        cmocka_unit_test(a_call_goes_again_after_the_wait),
        cmocka_unit_test(a_call_that_goes_on_failing_is_told),
        cmocka_unit_test(whoever_says_no_is_not_asked_again),
        cmocka_unit_test(a_wait_that_is_too_long_is_not_begun),
        cmocka_unit_test(a_refused_stream_goes_again_at_once),
        cmocka_unit_test(a_call_goes_again_on_another_connection),
    };

    return (cmocka_run_group_tests(tests, setup, teardown));
}
