/*
 * Unary calls of libvouch against a server that says whatever the test wants.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <cmocka.h>

#include "client/vouch.h"
#include "proto/bytes.h"
#include "proto/grpc_status.h"
#include "support/fault.h"
#include "support/grpc_server.h"
#include "support/tls_client.h"
#include "vouch/v1/access_service.pb-c.h"

#define WHO "vouch.v1.AccessService/WhoAmI"

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

struct files {
    char ca[128], cert[128], key[128];
    struct vouch_options options;
};

static void
use_files(struct files *f, const char *server, int timeout_ms)
{
    (void)snprintf(f->ca, sizeof(f->ca), "%s/root.pem", dir);
    (void)snprintf(f->cert, sizeof(f->cert), "%s/employer.pem", dir);
    (void)snprintf(f->key, sizeof(f->key), "%s/employer.key", dir);
    f->options = (struct vouch_options){.server = server, .ca = f->ca,
        .cert = f->cert, .key = f->key, .timeout_ms = timeout_ms};
}

static struct grpc_server *
start(grpc_script_fn *script)
{
    return (grpc_server_start(&(struct grpc_server_options){.dir = dir,
        .script = script}));
}

static int
ask(struct vouch *vouch, char role[32], struct vouch_error *error)
{
    Vouch__V1__WhoAmIRequest request = VOUCH__V1__WHO_AM_IREQUEST__INIT;
    ProtobufCMessage *response = (ProtobufCMessage *)&request;
    int status = vouch_call(vouch, WHO, &request.base,
        &vouch__v1__who_am_iresponse__descriptor, &response, error);

    role[0] = '\0';
    if (status != 0)
        assert_null(response);
    else
        (void)snprintf(role, 32, "%s",
            ((Vouch__V1__WhoAmIResponse *)(void *)response)->role);
    vouch_free_message(response);
    return (status);
}

/* One connection, one call. */
static int
ask_once(grpc_script_fn *script, int timeout_ms, struct vouch_error *error)
{
    struct grpc_server *server = start(script);
    struct vouch *vouch = NULL;
    struct files files;
    char role[32];
    int status;

    memset(error, 0, sizeof(*error));
    use_files(&files, grpc_server_address(server), timeout_ms);
    if ((status = vouch_open(&files.options, &vouch, error)) == 0)
        status = ask(vouch, role, error);
    if (status == 0)
        assert_string_equal(role, "employer");
    vouch_close(vouch);
    grpc_server_stop(server);
    return (status);
}

/* ---- what the server says ---------------------------------------------- */

static int
say_employer(struct grpc_conn *c, int32_t s)
{
    static char role[] = "employer";
    Vouch__V1__WhoAmIResponse who = VOUCH__V1__WHO_AM_IRESPONSE__INIT;

    who.role = role;
    return (conn_message(c, s, &who.base));
}

static void
right(struct grpc_conn *c, void *cookie)
{
    int32_t s;

    (void)cookie;
    while ((s = conn_request(c)) != 0)
        if (!conn_ok(c, s) || !say_employer(c, s) ||
            !conn_trailers(c, s, "0"))
            return;
}

/* An informational answer first, content-type with a subtype, data in bits. */
static void
right_in_pieces(struct grpc_conn *c, void *cookie)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 10, 0x12, 8, 'e', 'm', 'p',
        'l', 'o', 'y', 'e', 'r'};
    int32_t s = conn_request(c);

    (void)cookie;
    conn_headers(c, s, 0, (const char *const[]){":status", "103", NULL});
    conn_headers(c, s, 0, (const char *const[]){":status", "200",
        "content-type", "application/grpc+proto", NULL});
    conn_frame(c, H2_DATA, 0, s, NULL, 0);
    for (size_t i = 0; i < sizeof(bytes); i++)
        conn_frame(c, H2_DATA, 0, s, bytes + i, 1);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
only_trailers(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    conn_headers(c, conn_request(c), H2_END_STREAM,
        (const char *const[]){":status", "200", "content-type",
        "application/grpc", "grpc-status", "5", "grpc-message",
        "no such%20thing%0a\xc3\xa4", NULL});
    conn_drain(c);
}

/* Details of 4 KiB and more, whose own code is another. */
static void
details(struct grpc_conn *c, void *cookie)
{
    struct grpc_status status;
    struct buf bytes;
    static char text[9000];

    (void)cookie;
    buf_init(&bytes, 6000);
    grpc_status_set(&status, GRPC_NOT_FOUND, "", "inside");
    for (int i = 0; i < GRPC_STATUS_VIOLATIONS; i++)
        grpc_status_violation(&status, "claim.number",
            "%0120d is too long", i);
    (void)snprintf(status.reason, sizeof(status.reason), "TOO_LONG");
    if (grpc_status_details(&status, &bytes) == E_OK &&
        bytes_to_base64(buf_slice(&bytes), text, sizeof(text), 0) == E_OK)
        conn_headers(c, conn_request(c), H2_END_STREAM,
            (const char *const[]){":status", "200", "content-type",
            "application/grpc", "grpc-status", "3", "grpc-message",
            "outside", "grpc-status-details-bin", text, NULL});
    buf_free(&bytes);
    conn_drain(c);
}

static void
garbage_details(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    conn_headers(c, conn_request(c), H2_END_STREAM,
        (const char *const[]){":status", "200", "content-type",
        "application/grpc", "grpc-status", "3", "grpc-message", "outside",
        "grpc-status-details-bin", "!%&/=", NULL});
    conn_drain(c);
}

static void
status_that_is_no_number(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_employer(c, s);
    conn_trailers(c, s, "ok");
    conn_drain(c);
}

static void
empty_status(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_employer(c, s);
    conn_trailers(c, s, "");
    conn_drain(c);
}

static void
status_of_the_future(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    conn_trailers(c, s, "17");
    conn_drain(c);
}

static void
no_status(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_employer(c, s);
    conn_frame(c, H2_DATA, H2_END_STREAM, s, NULL, 0);
    conn_drain(c);
}

static void
trailers_without_status(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_employer(c, s);
    conn_headers(c, s, H2_END_STREAM,
        (const char *const[]){"x", "y", NULL});
    conn_drain(c);
}

/* A status that comes first says nothing of what follows. */
static void
status_too_early(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_headers(c, s, 0, (const char *const[]){":status", "200",
        "content-type", "application/grpc", "grpc-status", "0", NULL});
    say_employer(c, s);
    conn_frame(c, H2_DATA, H2_END_STREAM, s, NULL, 0);
    conn_drain(c);
}

static void
nothing_at_all(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
twice(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_employer(c, s);
    say_employer(c, s);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
send_bytes(struct grpc_conn *c, const char *bytes, size_t n)
{
    int32_t s = conn_request(c);

    conn_ok(c, s);
    conn_frame(c, H2_DATA, 0, s, bytes, n);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
truncated_message(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    send_bytes(c, "\0\0\0\0\012\012\010emp", 10);
}

static void
truncated_prefix(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    send_bytes(c, "\0\0\0", 3);
}

static void
compressed(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    send_bytes(c, "\1\0\0\0\0", 5);
}

static void
too_long(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    send_bytes(c, "\0\1\0\0\0\0", 6);
}

static void
not_protobuf(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    send_bytes(c, "\0\0\0\0\2\012\177", 7);
}

static void
not_utf8(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    send_bytes(c, "\0\0\0\0\3\022\001\377", 8);
}

static void
html(struct grpc_conn *c, const char *code)
{
    static const char page[] = "<html><h1>No</h1></html>";
    int32_t s = conn_request(c);

    conn_headers(c, s, 0, (const char *const[]){":status", code,
        "content-type", "text/html", NULL});
    conn_frame(c, H2_DATA, H2_END_STREAM, s, page, sizeof(page) - 1);
    conn_drain(c);
}

static void
html_503(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    html(c, "503");
}

static void
html_404(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    html(c, "404");
}

static void
html_200(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    html(c, "200");
}

static void
status_0_of_500(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_headers(c, s, 0, (const char *const[]){":status", "500",
        "content-type", "application/grpc", NULL});
    say_employer(c, s);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

/* After the answer and before its status: not a success. */
static void
reset(struct grpc_conn *c, uint32_t code)
{
    int32_t s = conn_request(c);

    conn_ok(c, s);
    say_employer(c, s);
    conn_reset(c, s, code);
    conn_drain(c);
}

#define RESET(name, code)                                       \
    static void                                                 \
    reset_##name(struct grpc_conn *c, void *cookie)             \
    {                                                           \
        (void)cookie;                                           \
        reset(c, code);                                         \
    }

RESET(no_error, 0)
RESET(protocol_error, 1)
RESET(refused, 7)
RESET(cancel, 8)
RESET(calm, 11)
RESET(security, 12)

static void
goaway_before_it(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    (void)conn_request(c);
    conn_goaway(c, 0, 0);
    conn_drain(c);
}

/* The call that has begun goes on to its end. */
static void
goaway_after_it(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_goaway(c, s, 0);
    conn_ok(c, s);
    say_employer(c, s);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
hang_up(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_employer(c, s);
}

static void
not_http2(struct grpc_conn *c, void *cookie)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

    (void)cookie;
    conn_write(c, text, sizeof(text) - 1);
    conn_drain(c);
}

static void
data_before_headers(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    conn_frame(c, H2_DATA, H2_END_STREAM, conn_request(c), "x", 1);
    conn_drain(c);
}

static void
a_stream_nobody_opened(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    (void)conn_request(c);
    conn_frame(c, H2_DATA, 0, 99, "x", 1);
    conn_drain(c);
}

static void
headers_too_large(struct grpc_conn *c, void *cookie)
{
    static char text[200001];

    (void)cookie;
    memset(text, 'x', sizeof(text) - 1);
    conn_headers(c, conn_request(c), 0, (const char *const[]){":status",
        "200", "x", text, NULL});
    conn_drain(c);
}

static void
silent(struct grpc_conn *c, void *cookie)
{
    (void)cookie;
    conn_drain(c);
}

/* Never silent, never done: PINGs and bits of an answer. */
static void
drip(struct grpc_conn *c, void *cookie)
{
    static const uint8_t ping[8];
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    conn_frame(c, H2_DATA, 0, s, "\0\0\1\0\0", 5);
    for (int i = 0; i < 200; i++) {
        if (!conn_frame(c, H2_PING, 0, 0, ping, 8) ||
            !conn_frame(c, H2_DATA, 0, s, "\0", 1))
            return;
        conn_sleep(20);
    }
}

static void
every_end_of_a_call_is_told(void **state)
{
    static const struct {
        const char *name;
        grpc_script_fn *script;
        enum vouch_failure failure;     /* NONE: success */
        int code;
        const char *message;
    } rows[] = {
        {"right", right, VOUCH_FAILURE_NONE, 0, ""},
        {"pieces", right_in_pieces, VOUCH_FAILURE_NONE, 0, ""},
        {"trailers only", only_trailers, VOUCH_FAILURE_STATUS, 5,
            "no such thing"},
        {"details", details, VOUCH_FAILURE_STATUS, 3, "not valid"},
        {"garbage", garbage_details, VOUCH_FAILURE_STATUS, 3, "outside"},
        {"no number", status_that_is_no_number, VOUCH_FAILURE_STATUS, 2, ""},
        {"empty", empty_status, VOUCH_FAILURE_STATUS, 2, ""},
        {"future", status_of_the_future, VOUCH_FAILURE_STATUS, 2, ""},
        {"no status", no_status, VOUCH_FAILURE_STATUS, 13,
            "without a status"},
        {"other trailers", trailers_without_status, VOUCH_FAILURE_STATUS, 13,
            "without a status"},
        {"early", status_too_early, VOUCH_FAILURE_STATUS, 13,
            "without a status"},
        {"nothing", nothing_at_all, VOUCH_FAILURE_STATUS, 13, "nothing"},
        {"twice", twice, VOUCH_FAILURE_STATUS, 13, "twice"},
        {"cut message", truncated_message, VOUCH_FAILURE_STATUS, 13,
            "within a message"},
        {"cut prefix", truncated_prefix, VOUCH_FAILURE_STATUS, 13,
            "within a message"},
        {"compressed", compressed, VOUCH_FAILURE_STATUS, 13,
            "could not be read"},
        {"too long", too_long, VOUCH_FAILURE_STATUS, 13, "limit"},
        {"not protobuf", not_protobuf, VOUCH_FAILURE_STATUS, 13,
            "could not be read"},
        {"not UTF-8", not_utf8, VOUCH_FAILURE_STATUS, 13, "role"},
        {"HTML 503", html_503, VOUCH_FAILURE_STATUS, 14, "HTTP status 503"},
        {"HTML 404", html_404, VOUCH_FAILURE_STATUS, 12, "HTTP status 404"},
        {"HTML 200", html_200, VOUCH_FAILURE_STATUS, 2, "not gRPC"},
        {"0 of 500", status_0_of_500, VOUCH_FAILURE_STATUS, 2, "500"},
        {"RST 0", reset_no_error, VOUCH_FAILURE_STATUS, 13,
            "without a status"},
        {"RST 1", reset_protocol_error, VOUCH_FAILURE_STATUS, 13,
            "PROTOCOL_ERROR"},
        {"RST 7", reset_refused, VOUCH_FAILURE_STATUS, 14, "REFUSED_STREAM"},
        {"RST 8", reset_cancel, VOUCH_FAILURE_STATUS, 1, "CANCEL"},
        {"RST 11", reset_calm, VOUCH_FAILURE_STATUS, 8, "CALM"},
        {"RST 12", reset_security, VOUCH_FAILURE_STATUS, 7, "SECURITY"},
        {"GOAWAY 0", goaway_before_it, VOUCH_FAILURE_STATUS, 14,
            "REFUSED_STREAM"},
        {"GOAWAY 1", goaway_after_it, VOUCH_FAILURE_NONE, 0, ""},
        {"hang up", hang_up, VOUCH_FAILURE_UNREACHABLE, 0, "closed"},
        {"HTTP/1", not_http2, VOUCH_FAILURE_UNREACHABLE, 0, "HTTP/2"},
        {"no headers", data_before_headers, VOUCH_FAILURE_UNREACHABLE, 0,
            "HTTP/2"},
        {"idle stream", a_stream_nobody_opened, VOUCH_FAILURE_UNREACHABLE, 0,
            "HTTP/2"},
        {"large", headers_too_large, VOUCH_FAILURE_UNREACHABLE, 0,
            "HTTP/2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vouch_error e;
        int status = ask_once(rows[i].script, 5000, &e);

        if ((status == 0) != (rows[i].failure == VOUCH_FAILURE_NONE) ||
            e.failure != rows[i].failure || e.code != rows[i].code ||
            strstr(e.message, rows[i].message) == NULL)
            fail_msg("%s: %d, failure %d, code %d: %s", rows[i].name, status,
                (int)e.failure, e.code, e.message);
        if (status != 0 && e.next[0] == '\0')
            fail_msg("%s: no next step", rows[i].name);
    }
}

static void
details_name_each_field(void **state)
{
    struct vouch_error e;

    (void)state;
    assert_int_equal(ask_once(details, 5000, &e), -1);
    assert_string_equal(e.reason, "TOO_LONG");
    assert_true(e.nviolations >= 4);
    assert_string_equal(e.violations[0].field, "claim.number");
    assert_non_null(strstr(e.violations[0].description, "is too long"));
}

static void
a_limit_of_time_holds(void **state)
{
    static grpc_script_fn *const scripts[] = {silent, drip};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct vouch_error e;
        time_t began = time(NULL);

        assert_int_equal(ask_once(scripts[i], 300, &e), -1);
        assert_int_equal(e.failure, VOUCH_FAILURE_UNREACHABLE);
        assert_non_null(strstr(e.message, "within 0.300 s"));
        assert_true(time(NULL) - began < 3);
    }
}

/* ---- more than one call ------------------------------------------------ */

/* Silent on the first call only. */
static void
late_once(struct grpc_conn *c, void *cookie)
{
    (void)conn_request(c);
    right(c, cookie);
}

static void
after_a_late_answer_the_connection_is_still_good(void **state)
{
    struct grpc_server *server = start(late_once);
    struct vouch_error error;
    struct vouch *vouch;
    struct files files;
    char role[32];

    (void)state;
    use_files(&files, grpc_server_address(server), 1000);
    assert_int_equal(vouch_open(&files.options, &vouch, &error), 0);
    assert_int_equal(ask(vouch, role, &error), -1);
    assert_int_equal(error.failure, VOUCH_FAILURE_UNREACHABLE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(vouch, role, &error), 0);
        assert_string_equal(role, "employer");
    }
    vouch_close(vouch);
    grpc_server_stop(server);
}

static void
goaway_between(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_employer(c, s);
    conn_goaway(c, s, 0);
    conn_trailers(c, s, "0");
    conn_drain(c);
}

static void
hang_up_between(struct grpc_conn *c, void *cookie)
{
    int32_t s = conn_request(c);

    (void)cookie;
    conn_ok(c, s);
    say_employer(c, s);
    conn_trailers(c, s, "0");
}

static void
a_connection_that_broke_says_so_each_time(void **state)
{
    struct grpc_server *server = start(hang_up_between);
    struct vouch_error error;
    struct vouch *vouch;
    struct files files;
    char role[32];

    (void)state;
    use_files(&files, grpc_server_address(server), 5000);
    assert_int_equal(vouch_open(&files.options, &vouch, &error), 0);
    assert_int_equal(ask(vouch, role, &error), 0);
    conn_sleep(50);
    for (int n = 0; n < 2; n++) {
        assert_int_equal(ask(vouch, role, &error), -1);
        assert_int_equal(error.failure, VOUCH_FAILURE_UNREACHABLE);
        assert_true(error.next[0] != '\0');
    }
    vouch_close(vouch);
    grpc_server_stop(server);
}

/* The options that it was opened with may be gone by then. */
static void
a_connection_that_ended_is_opened_anew(void **state)
{
    struct grpc_server *server = start(goaway_between);
    struct vouch_error error;
    char role[32], ca[128], root[128];
    ProtobufCMessage *none;
    struct vouch *vouch;
    struct files files;

    (void)state;
    use_files(&files, grpc_server_address(server), 5000);
    (void)snprintf(ca, sizeof(ca), "%s/copy.pem", dir);
    (void)snprintf(root, sizeof(root), "%s/root.pem", dir);
    assert_int_equal(link(root, ca), 0);
    files.options.ca = ca;
    assert_int_equal(vouch_open(&files.options, &vouch, &error), 0);
    memset(&files, 'x', sizeof(files));
    for (int n = 0; n < 3; n++) {
        if (ask(vouch, role, &error) != 0)
            fail_msg("%d: %s", n, error.message);
        assert_string_equal(role, "employer");
        conn_sleep(n == 1 ? 50 : 0);
    }

    /* If it cannot be opened, that is told, and tried again each time. */
    assert_int_equal(unlink(ca), 0);
    for (int n = 0; n < 2; n++) {
        assert_int_equal(ask(vouch, role, &error), -1);
        assert_int_equal(error.failure, VOUCH_FAILURE_SETUP);
        vouch_stream_half_close(vouch);
        vouch_stream_cancel(vouch);
        assert_int_equal(vouch_stream_next(vouch, 1, &none, &error), -1);
    }
    assert_int_equal(link(root, ca), 0);
    assert_int_equal(ask(vouch, role, &error), 0);
    assert_int_equal(unlink(ca), 0);
    vouch_close(vouch);
    grpc_server_stop(server);
}

/* ---- connecting -------------------------------------------------------- */

static void
expect_open(const struct vouch_options *options, enum vouch_failure failure,
    const char *message)
{
    struct vouch_error error;
    struct vouch *vouch = (struct vouch *)&error;

    assert_int_equal(vouch_open(options, &vouch, &error), -1);
    assert_null(vouch);
    if (error.failure != failure || strstr(error.message, message) == NULL ||
        error.next[0] == '\0')
        fail_msg("failure %d: %s -> %s", (int)error.failure, error.message,
            error.next);
}

static void
addresses_that_cannot_be_are_refused(void **state)
{
    static const char *const wrong[] = {"", "host", "host:", ":8443",
        "host:0", "host:65536", "host:99999999", "host:84x", "host:-1",
        "host: 1", "::1:8443", "[]:8443", "[::1]"};
    struct files files;
    char longest[400];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        use_files(&files, wrong[i], 1000);
        expect_open(&files.options, VOUCH_FAILURE_SETUP, "HOST:PORT");
    }
    memset(longest, 'a', sizeof(longest));
    memcpy(longest + 390, ":8443", 6);
    use_files(&files, longest, 1000);
    expect_open(&files.options, VOUCH_FAILURE_SETUP, "HOST:PORT");
    use_files(&files, NULL, 1000);
    expect_open(&files.options, VOUCH_FAILURE_SETUP, "all needed");
}

static void
files_that_cannot_be_used_are_named(void **state)
{
    struct files files;
    char other[128];

    (void)state;
    use_files(&files, "127.0.0.1:1", 1000);
    files.options.ca = "/no/such/root.pem";
    expect_open(&files.options, VOUCH_FAILURE_SETUP,
        "/no/such/root.pem: No such file");
    use_files(&files, "127.0.0.1:1", 1000);
    files.options.cert = "/no/such/me.pem";
    expect_open(&files.options, VOUCH_FAILURE_SETUP, "/no/such/me.pem");
    use_files(&files, "127.0.0.1:1", 1000);
    files.options.key = dir;
    expect_open(&files.options, VOUCH_FAILURE_SETUP, "Is a directory");
    use_files(&files, "127.0.0.1:1", 1000);
    files.options.ca = files.options.key;
    expect_open(&files.options, VOUCH_FAILURE_SETUP, "cannot use the CA");
    use_files(&files, "127.0.0.1:1", 1000);
    (void)snprintf(other, sizeof(other), "%s/auditor.key", dir);
    files.options.key = other;
    expect_open(&files.options, VOUCH_FAILURE_SETUP, "cannot use the private");
    use_files(&files, "127.0.0.1:1", 1000);
    expect_open(&files.options, VOUCH_FAILURE_UNREACHABLE, "127.0.0.1:1");
}

/* Shake hands with a server of these options; one call may be needed. */
static void
expect_handshake(const struct grpc_server_options *options, const char *host,
    enum vouch_failure failure, const char *message)
{
    struct grpc_server *server = grpc_server_start(options);
    struct vouch_error error = {0};
    struct vouch *vouch = NULL;
    struct files files;
    char address[64], role[32];

    (void)snprintf(address, sizeof(address), "%s%s", host,
        strchr(grpc_server_address(server), ':'));
    use_files(&files, address, 5000);
    if (vouch_open(&files.options, &vouch, &error) == 0)
        assert_int_equal(ask(vouch, role, &error), -1);
    if (error.failure != failure || strstr(error.message, message) == NULL)
        fail_msg("failure %d: %s", (int)error.failure, error.message);
    vouch_close(vouch);
    grpc_server_stop(server);
}

static void
handshakes_that_fail_say_whose_fault_it_is(void **state)
{
    (void)state;
    expect_handshake(&(struct grpc_server_options){.dir = dir,
        .script = right, .client_ca = "ca-admin.pem"}, "127.0.0.1",
        VOUCH_FAILURE_REFUSED, "refused the client certificate");
    expect_handshake(&(struct grpc_server_options){.dir = dir,
        .script = right}, "[::ffff:127.0.0.1]", VOUCH_FAILURE_REFUSED,
        "IP address mismatch");
    expect_handshake(&(struct grpc_server_options){.dir = dir,
        .script = right, .max_version = TLS1_2_VERSION}, "127.0.0.1",
        VOUCH_FAILURE_UNREACHABLE, "TLS 1.3");
    expect_handshake(&(struct grpc_server_options){.dir = dir,
        .script = right, .alpn = "http/1.1"}, "127.0.0.1",
        VOUCH_FAILURE_UNREACHABLE, "HTTP/2");
    expect_handshake(&(struct grpc_server_options){.dir = dir}, "127.0.0.1",
        VOUCH_FAILURE_UNREACHABLE, "127.0.0.1");
}

/* ---- failing memory ---------------------------------------------------- */

/* Allocations of OpenSSL and nghttp2 are their own. */
static void
every_allocation_that_fails_is_told(void **state)
{
    struct grpc_server *server = start(right);
    struct files files;
    int n = 0, fired;

    (void)state;
    use_files(&files, grpc_server_address(server), 5000);
    do {
        struct vouch_error error = {0};
        struct vouch *vouch = NULL;
        char role[32];
        int status;

        fault_arm(n++);
        if ((status = vouch_open(&files.options, &vouch, &error)) == 0)
            status = ask(vouch, role, &error);
        vouch_close(vouch);
        fired = fault_fired();
        fault_arm(-1);
        if (fired && status == 0)
            assert_string_equal(role, "employer");
        if (fired && status != 0)
            assert_int_equal(error.failure, VOUCH_FAILURE_MEMORY);
        if (!fired)
            assert_int_equal(status, 0);
    } while (fired && n < 1000);
    assert_true(n > 5 && n < 1000);
    grpc_server_stop(server);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_end_of_a_call_is_told),
        cmocka_unit_test(details_name_each_field),
        cmocka_unit_test(a_limit_of_time_holds),
        cmocka_unit_test(after_a_late_answer_the_connection_is_still_good),
        cmocka_unit_test(a_connection_that_broke_says_so_each_time),
        cmocka_unit_test(a_connection_that_ended_is_opened_anew),
        cmocka_unit_test(addresses_that_cannot_be_are_refused),
        cmocka_unit_test(files_that_cannot_be_used_are_named),
        cmocka_unit_test(handshakes_that_fail_say_whose_fault_it_is),
        cmocka_unit_test(every_allocation_that_fails_is_told),
    };

    return (cmocka_run_group_tests_name("call", tests, setup, teardown));
}
