/*
 * Streaming calls of libvouch against a server that says whatever the test
 * wants.
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

#include "client/vouch.h"
#include "support/fault.h"
#include "support/grpc_server.h"
#include "support/tls_client.h"
#include "vouch/v1/publishing_service.pb-c.h"

#define PUBLISH "vouch.v1.PublishingService/PublishCredentials"
#define ROWS_BYTES 40000
#define UPLOAD_MESSAGES 128     /* 5 MB */

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

/* Both sides of one connection. */
struct both {
    struct grpc_server *server;
    struct vouch *vouch;
    char ca[128], cert[128], key[128];
};

static int
open_both(struct both *b, grpc_script_fn *script, void *cookie,
    int timeout_ms)
{
    struct vouch_error error;

    b->server = grpc_server_start(&(struct grpc_server_options){.dir = dir,
        .script = script, .cookie = cookie});
    (void)snprintf(b->ca, sizeof(b->ca), "%s/root.pem", dir);
    (void)snprintf(b->cert, sizeof(b->cert), "%s/employer.pem", dir);
    (void)snprintf(b->key, sizeof(b->key), "%s/employer.key", dir);
    return (vouch_open(&(struct vouch_options){
        .server = grpc_server_address(b->server), .ca = b->ca,
        .cert = b->cert, .key = b->key, .timeout_ms = timeout_ms},
        &b->vouch, &error));
}

static void
close_both(struct both *b)
{
    vouch_close(b->vouch);
    grpc_server_stop(b->server);
}

static int
begin(struct vouch *vouch, struct vouch_error *error)
{
    return (vouch_stream_begin(vouch, PUBLISH,
        &vouch__v1__publish_credentials_response__descriptor, error));
}

/* Send a message of ROWS_BYTES. */
static int
send_rows(struct vouch *vouch, struct vouch_error *error)
{
    static char text[ROWS_BYTES + 1];
    Vouch__V1__PublishCredentialsRequest request =
        VOUCH__V1__PUBLISH_CREDENTIALS_REQUEST__INIT;
    Vouch__V1__CredentialRow row = VOUCH__V1__CREDENTIAL_ROW__INIT;
    Vouch__V1__CredentialRow *rows[] = {&row};

    memset(text, 'x', ROWS_BYTES);
    row.raw_reason = text;
    request.rows = rows;
    request.n_rows = 1;
    return (vouch_stream_send(vouch, &request.base, error));
}

/* Take all that comes; tell how it ended and how many there were. */
static int
take_all(struct vouch *vouch, int *n, struct vouch_error *error)
{
    ProtobufCMessage *response;
    int got;

    *n = 0;
    while ((got = vouch_stream_next(vouch, 1, &response, error)) == 1) {
        assert_non_null(response);
        vouch_free_message(response);
        ++*n;
    }
    assert_null(response);
    return (got);
}

static int
say_reject(struct grpc_conn *c, int32_t s)
{
    static char text[12001];
    Vouch__V1__PublishCredentialsResponse response =
        VOUCH__V1__PUBLISH_CREDENTIALS_RESPONSE__INIT;
    Vouch__V1__RowReject reject = VOUCH__V1__ROW_REJECT__INIT;
    Vouch__V1__RowReject *rejects[] = {&reject};

    memset(text, 'y', sizeof(text) - 1);
    reject.description = text;
    response.rejects = rejects;
    response.n_rejects = 1;
    return (conn_message(c, s, &response.base));
}

/* ---- both ways at once ------------------------------------------------- */

/* Takes the upload, answers thrice. */
static void
take_and_answer(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);
    long *uploaded = cookie;

    *uploaded = conn_upload(c, s);
    conn_ok(c, s);
    for (int i = 0; i < 3; i++)
        say_reject(c, s);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

/* Does not read for a while, then takes it. */
static void
slow_to_read(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);
    long *uploaded = cookie;

    conn_sleep(400);
    *uploaded = conn_upload(c, s);
    conn_ok(c, s);
    for (int i = 0; i < 3; i++)
        say_reject(c, s);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

/*
 * Says 6 MB before it reads anything but what lets it go on: a client that
 * only writes would wait for it for ever.
 */
static void
talk_first(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);
    long *uploaded = cookie, window = 65535, came = 0;
    struct h2_frame f;
    int n;

    conn_ok(c, s);
    for (int said = 0; said < 500; said++) {
        while (window < 12100) {
            if (!conn_read(c, &f))
                return;
            if (f.type == H2_WINDOW_UPDATE && f.stream == s)
                window += (long)f.payload[1] << 16 | f.payload[2] << 8 |
                    f.payload[3];
            else if (f.type == H2_DATA)
                came += (long)f.n;
        }
        if ((n = say_reject(c, s)) == 0)
            return;
        window -= n;
    }
    conn_window(c, 0, 8 << 20);
    conn_window(c, s, 8 << 20);
    *uploaded = conn_upload(c, s) + came;
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
much_goes_both_ways_without_a_deadlock(void **state)
{
    static const struct {
        grpc_script_fn *script;
        int answers;
    } rows[] = {{take_and_answer, 3}, {slow_to_read, 3}, {talk_first, 500}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vouch_error error;
        long uploaded = 0;
        struct both b;
        int n;

        assert_int_equal(open_both(&b, rows[i].script, &uploaded, 10000), 0);
        assert_int_equal(begin(b.vouch, &error), 0);
        for (int m = 0; m < UPLOAD_MESSAGES; m++)
            if (send_rows(b.vouch, &error) != 0)
                fail_msg("%zu, message %d: %s", i, m, error.message);
        vouch_stream_half_close(b.vouch);
        if (take_all(b.vouch, &n, &error) != 0)
            fail_msg("%zu, %d answers: %s", i, n, error.message);
        assert_int_equal(n, rows[i].answers);
        close_both(&b);
        assert_true(uploaded > (long)UPLOAD_MESSAGES * ROWS_BYTES);
        assert_true(uploaded < (long)UPLOAD_MESSAGES * (ROWS_BYTES + 100));
    }
}

static void
never_read(struct grpc_conn *c, void *cookie)
{
    struct h2_frame f;

    (void)cookie;
    while (conn_read(c, &f))        /* but give no window */
        continue;
}

static void
a_server_that_takes_nothing_is_given_up(void **state)
{
    struct vouch_error error, again;
    struct both b;
    int n = 0, answers;

    (void)state;
    assert_int_equal(open_both(&b, never_read, NULL, 300), 0);
    assert_int_equal(begin(b.vouch, &error), 0);
    while (n < UPLOAD_MESSAGES && send_rows(b.vouch, &error) == 0)
        n++;
    assert_true(n < UPLOAD_MESSAGES);
    assert_int_equal(error.failure, VOUCH_FAILURE_UNREACHABLE);
    assert_int_equal(take_all(b.vouch, &answers, &again), -1);
    assert_string_equal(again.message, error.message);
    close_both(&b);
}

/* ---- the server ends first --------------------------------------------- */

static void
end_early(struct grpc_conn *c, int32_t s)
{
    conn_headers(c, s, H2_END_STREAM, (const char *const[]){"grpc-status",
        "9", "grpc-message", "enough", NULL});
}

/* Does not reset the stream: the client must see the end by itself. */
static void
end_and_read_on(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_reject(c, s);
    end_early(c, s);
    conn_drain(c);
}

static void
end_and_reset(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_reject(c, s);
    end_early(c, s);
    conn_reset(c, s, 0);
    conn_drain(c);
}

/* Closes with bytes unread: the client's next write meets a reset. */
static void
end_and_hang_up(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_reject(c, s);
    end_early(c, s);
    conn_sleep(100);
}

static void
a_status_that_comes_early_is_told(void **state)
{
    static grpc_script_fn *const scripts[] = {end_and_read_on, end_and_reset,
        end_and_hang_up};

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct vouch_error error;
        struct both b;
        int n = 0, answers;

        assert_int_equal(open_both(&b, scripts[i], NULL, 5000), 0);
        assert_int_equal(begin(b.vouch, &error), 0);
        while (n < UPLOAD_MESSAGES && send_rows(b.vouch, &error) == 0)
            n++;
        assert_true(n < UPLOAD_MESSAGES);
        assert_int_equal(take_all(b.vouch, &answers, &error), -1);
        assert_int_equal(answers, 1);
        assert_int_equal(error.failure, VOUCH_FAILURE_STATUS);
        assert_int_equal(error.code, 9);
        assert_string_equal(error.message, "enough");
        close_both(&b);
    }
}

static void
end_well_at_once(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
a_good_end_that_comes_early_is_told_once(void **state)
{
    ProtobufCMessage *response;
    struct vouch_error error;
    struct both b;

    (void)state;
    assert_int_equal(open_both(&b, end_well_at_once, NULL, 5000), 0);
    assert_int_equal(begin(b.vouch, &error), 0);
    for (int i = 0; i < 200 && send_rows(b.vouch, &error) == 0; i++) {
        assert_int_equal(vouch_stream_next(b.vouch, 0, &response, &error),
            0);
        conn_sleep(10);
    }
    assert_int_equal(vouch_stream_next(b.vouch, 0, &response, &error), 0);
    assert_int_equal(send_rows(b.vouch, &error), -1);
    assert_int_equal(vouch_stream_next(b.vouch, 1, &response, &error), 0);
    assert_int_equal(vouch_stream_next(b.vouch, 1, &response, &error), -1);
    assert_int_equal(error.failure, VOUCH_FAILURE_SETUP);
    close_both(&b);
}

static void
cut(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_reject(c, s);
    say_reject(c, s);
}

static void
a_stream_cut_short_is_a_failure(void **state)
{
    struct vouch_error error;
    struct both b;
    int n;

    (void)state;
    assert_int_equal(open_both(&b, cut, NULL, 5000), 0);
    assert_int_equal(begin(b.vouch, &error), 0);
    vouch_stream_half_close(b.vouch);
    assert_int_equal(take_all(b.vouch, &n, &error), -1);
    assert_int_equal(n, 2);
    assert_int_equal(error.failure, VOUCH_FAILURE_UNREACHABLE);
    assert_int_equal(begin(b.vouch, &error), -1);
    assert_int_equal(error.failure, VOUCH_FAILURE_UNREACHABLE);
    close_both(&b);
}

static void
silent(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    conn_drain(c);
}

static void
silence_in_a_stream_has_a_limit(void **state)
{
    struct vouch_error error;
    time_t began = time(NULL);
    struct both b;
    int n;

    (void)state;
    assert_int_equal(open_both(&b, silent, NULL, 300), 0);
    assert_int_equal(begin(b.vouch, &error), 0);
    assert_int_equal(send_rows(b.vouch, &error), 0);
    assert_int_equal(take_all(b.vouch, &n, &error), -1);
    assert_int_equal(error.failure, VOUCH_FAILURE_UNREACHABLE);
    assert_true(time(NULL) - began < 3);
    close_both(&b);
}

/* Longer in all than the limit of silence, and never silent for that long. */
static void
slowly(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    for (int i = 0; i < 8; i++) {
        conn_sleep(100);
        say_reject(c, s);
    }
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
a_stream_may_take_its_time(void **state)
{
    struct vouch_error error;
    struct both b;
    int n;

    (void)state;
    assert_int_equal(open_both(&b, slowly, NULL, 600), 0);
    assert_int_equal(begin(b.vouch, &error), 0);
    vouch_stream_half_close(b.vouch);
    assert_int_equal(take_all(b.vouch, &n, &error), 0);
    assert_int_equal(n, 8);
    close_both(&b);
}

/* ---- giving up --------------------------------------------------------- */

/* Answers each stream for as long as the client wants. */
static void
answer_until_reset(struct grpc_conn *c, void *cookie)
{
    int *resets = cookie;
    struct h2_frame f;
    int32_t s = 0;

    while (conn_read(c, &f)) {
        if (f.type == H2_HEADERS) {
            s = f.stream;
            conn_ok(c, s);
            say_reject(c, s);
        } else if (f.type == H2_RST_STREAM) {
            ++*resets;
            /* What was on its way when the client gave up. */
            say_reject(c, s);
            conn_trailers(c, s, "0");
        } else if (f.type == H2_DATA) {
            if (f.n > 0)
                conn_window(c, 0, (uint32_t)f.n);
            if ((f.flags & H2_END_STREAM) != 0)
                conn_trailers(c, f.stream, "0");
        }
    }
}

static void
after_a_cancel_the_next_call_works(void **state)
{
    struct vouch_error error;
    int resets = 0, n;
    struct both b;

    (void)state;
    assert_int_equal(open_both(&b, answer_until_reset, &resets, 5000), 0);
    vouch_stream_cancel(b.vouch);
    vouch_stream_half_close(b.vouch);
    for (int i = 0; i < 3; i++) {
        ProtobufCMessage *response;

        assert_int_equal(begin(b.vouch, &error), 0);
        assert_int_equal(begin(b.vouch, &error), -1);
        assert_int_equal(error.failure, VOUCH_FAILURE_SETUP);
        assert_int_equal(send_rows(b.vouch, &error), 0);
        assert_int_equal(vouch_stream_next(b.vouch, 1, &response, &error), 1);
        vouch_free_message(response);
        vouch_stream_cancel(b.vouch);
    }
    assert_int_equal(begin(b.vouch, &error), 0);
    vouch_stream_half_close(b.vouch);
    assert_int_equal(send_rows(b.vouch, &error), -1);
    assert_int_equal(error.failure, VOUCH_FAILURE_SETUP);
    if (take_all(b.vouch, &n, &error) != 0)
        fail_msg("%s", error.message);
    assert_int_equal(n, 1);
    close_both(&b);
    assert_int_equal(resets, 3);
}

static void
to_close_takes_no_time(void **state)
{
    struct vouch_error error;
    time_t began;
    struct both b;

    (void)state;
    assert_int_equal(open_both(&b, never_read, NULL, 5000), 0);
    assert_int_equal(begin(b.vouch, &error), 0);
    for (int m = 0; m < 20; m++)    /* fits into what may wait here */
        assert_int_equal(send_rows(b.vouch, &error), 0);
    began = time(NULL);
    close_both(&b);
    assert_true(time(NULL) - began < 2);
}

/* ---- floods ------------------------------------------------------------ */

/* Empty messages cost nothing on the wire: they must cost something here. */
static void
flood(struct grpc_conn *c, void *cookie)
{
    static const uint8_t nothing[16000];
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    while (conn_frame(c, H2_DATA, 0, s, nothing, sizeof(nothing)))
        continue;
}

static void
a_client_that_only_sends_does_not_fill_its_memory(void **state)
{
    struct vouch_error error;
    struct both b;
    int n = 0;

    (void)state;
    assert_int_equal(open_both(&b, flood, NULL, 500), 0);
    assert_int_equal(begin(b.vouch, &error), 0);
    while (n < 1000 && send_rows(b.vouch, &error) == 0)
        n++;
    assert_true(n < 1000);
    close_both(&b);
}

/* ---- failing memory ---------------------------------------------------- */

static void
accept_and_answer(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    (void)conn_upload(c, s);
    conn_ok(c, s);
    say_reject(c, s);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
every_allocation_that_fails_is_told(void **state)
{
    int at = 0, fired;
    struct both b;

    (void)state;
    do {
        struct vouch_error error = {0};
        int n = 0, status;

        assert_int_equal(open_both(&b, accept_and_answer, NULL, 5000), 0);
        fault_arm(at++);
        if ((status = begin(b.vouch, &error)) == 0) {
            (void)send_rows(b.vouch, &error);
            vouch_stream_half_close(b.vouch);
            status = take_all(b.vouch, &n, &error);
        }
        fired = fault_fired();
        fault_arm(-1);
        if (status != 0) {
            assert_true(fired);
            assert_int_equal(error.failure, VOUCH_FAILURE_MEMORY);
        } else
            assert_int_equal(n, 1);
        close_both(&b);
    } while (fired && at < 1000);
    assert_true(at > 5 && at < 1000);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(much_goes_both_ways_without_a_deadlock),
        cmocka_unit_test(a_server_that_takes_nothing_is_given_up),
        cmocka_unit_test(a_status_that_comes_early_is_told),
        cmocka_unit_test(a_good_end_that_comes_early_is_told_once),
        cmocka_unit_test(a_stream_cut_short_is_a_failure),
        cmocka_unit_test(silence_in_a_stream_has_a_limit),
        cmocka_unit_test(a_stream_may_take_its_time),
        cmocka_unit_test(after_a_cancel_the_next_call_works),
        cmocka_unit_test(to_close_takes_no_time),
        cmocka_unit_test(a_client_that_only_sends_does_not_fill_its_memory),
        cmocka_unit_test(every_allocation_that_fails_is_told),
    };

    return (cmocka_run_group_tests_name("stream", tests, setup, teardown));
}
