#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "proto/grpc_frame.h"
#include "proto/grpc_status.h"
#include "proto/message.h"
#include "rpc/rpc.h"
#include "service/method.h"
#include "support/fake_methods.h"
#include "support/fault.h"

#include "vouch/v1/catalog_service.pb-c.h"

#define PATH "/test.v1.Test/"
#define MAX_MESSAGE 1024

static const struct rpc_limits limits = {
    .max_message = MAX_MESSAGE,
    .max_arena = 16 * 1024,
    .max_depth = 8,
    .max_elements = 64,
    .max_fields = 128,
    .max_deadline_us = 60000000,
};

static const struct identity employer = {
    .role = ROLE_EMPLOYER,
    .uri = "spiffe://test/employer/acme",
    .id = "acme",
};

/* What a stream was told.  Nothing here allocates. */
struct stream {
    struct rpc_server *server;
    struct rpc_call *call;
    enum err answer;            /* what respond() returns */
    int responded;
    int ended;
    int resumed;
    int resets;
    uint32_t reset_code;
    char headers[8192];         /* "name: value\n", trailers too */
    uint8_t body[8192];
    size_t nbody;
    size_t drained;             /* bytes, those beyond the body too */
};

static void
note_headers(struct stream *s, const struct rpc_header *headers, size_t n)
{
    size_t i, at = strlen(s->headers);

    for (i = 0; i < n; i++) {
        at += (size_t)snprintf(s->headers + at, sizeof(s->headers) - at,
            "%.*s: %.*s\n", (int)headers[i].name.n,
            (const char *)headers[i].name.p, (int)headers[i].value.n,
            (const char *)headers[i].value.p);
        assert_true(at < sizeof(s->headers));
    }
}

static enum err
respond(void *cookie, const struct rpc_header *headers, size_t n, int end)
{
    struct stream *s = cookie;

    if (s->answer != E_OK)
        return (s->answer);
    assert_false(s->responded);
    s->responded = 1;
    s->ended = end;
    note_headers(s, headers, n);
    return (E_OK);
}

static void
resume(void *cookie)
{
    struct stream *s = cookie;

    s->resumed++;
}

static void
reset(void *cookie, uint32_t code)
{
    struct stream *s = cookie;

    s->resets++;
    s->reset_code = code;
}

static const struct rpc_stream_ops ops = {respond, resume, reset};

/* Take everything that there is, ${step} bytes at a time. */
static void
drain(struct stream *s, size_t step)
{
    struct rpc_header trailers[4];
    enum rpc_read read;
    uint8_t bytes[1024];
    size_t n;

    while (s->responded && !s->ended && s->resets == 0) {
        read = rpc_call_read(s->call, bytes, step, &n);
        assert_true(n <= step);
        if (n > 0 && s->nbody + n <= sizeof(s->body)) {
            memcpy(s->body + s->nbody, bytes, n);
            s->nbody += n;
        }
        s->drained += n;
        if (read == RPC_READ_TRAILERS) {
            n = rpc_call_trailers(s->call, trailers, 4);
            note_headers(s, trailers, n);
            s->ended = 1;
        } else if (read == RPC_READ_WAIT) {
            assert_int_equal(n, 0);
            return;
        } else {
            assert_true(n > 0);
        }
    }
}

static int
setup(void **state)
{
    struct rpc_server *server;

    memset(&fake, 0, sizeof(fake));
    assert_int_equal(rpc_server_create(NULL, &limits, &server), E_OK);
    *state = server;
    return (0);
}

static int
teardown(void **state)
{
    struct rpc_server *server = *state;

    assert_int_equal(rpc_server_calls(server), 0);
    assert_int_equal(fake.started, fake.ended);
    rpc_server_free(server);
    return (0);
}

/* Open a call with ${extra}, up to a NULL name, besides the usual headers. */
static enum err
open_with(struct stream *s, struct rpc_server *server, const char *path,
    const char *const *extra)
{
    static const char *const usual[] = {":method", "POST", ":scheme", "https",
        ":authority", "localhost", "te", "trailers", "content-type",
        "application/grpc"};
    struct rpc_header headers[40];
    struct rpc_request request = {headers, 0, 0};
    size_t i, j;

    memset(s, 0, sizeof(*s));
    s->server = server;
    headers[request.n++] = (struct rpc_header){slice_of(":path"),
        slice_of(path)};
    for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i += 2) {
        for (j = 0; extra != NULL && extra[j] != NULL; j += 2) {
            if (strcmp(extra[j], usual[i]) == 0)
                break;
        }
        if (extra == NULL || extra[j] == NULL)
            headers[request.n++] = (struct rpc_header){slice_of(usual[i]),
                slice_of(usual[i + 1])};
    }
    for (j = 0; extra != NULL && extra[j] != NULL; j += 2) {
        if (extra[j + 1] != NULL)
            headers[request.n++] = (struct rpc_header){slice_of(extra[j]),
                slice_of(extra[j + 1])};
    }
    return (rpc_call_start(server, &employer, &request, &ops, s, &s->call));
}

static void
open_call(struct stream *s, void **state, const char *path)
{
    assert_int_equal(open_with(s, *state, path, NULL), E_OK);
}

static struct buf
frame_of(const ProtobufCMessage *message)
{
    struct buf out;
    size_t at;

    buf_init(&out, 1 << 20);
    assert_int_equal(grpc_frame_begin(&out, &at), E_OK);
    assert_int_equal(message_pack(message, &out), E_OK);
    grpc_frame_end(&out, at);
    return (out);
}

/* A framed message that holds ${text}; the caller frees it. */
static struct buf
text_frame(char *text)
{
    Vouch__V1__GetAssociationRequest request =
        VOUCH__V1__GET_ASSOCIATION_REQUEST__INIT;

    request.association_id = text;
    return (frame_of(&request.base));
}

static struct buf
count_frame(int n, char *text)
{
    Vouch__V1__ListAssociationsRequest request =
        VOUCH__V1__LIST_ASSOCIATIONS_REQUEST__INIT;

    request.page_size = n;
    request.page_token = text;
    return (frame_of(&request.base));
}

static void
feed_text(struct stream *s, char *text)
{
    struct buf frame = text_frame(text);

    rpc_call_feed(s->call, buf_slice(&frame));
    buf_free(&frame);
}

/* The value of a header that was sent, up to the end of its line. */
static const char *
value_of(const struct stream *s, const char *name)
{
    static char value[8192];
    char line[64];
    const char *at;

    (void)snprintf(line, sizeof(line), "\n%s: ", name);
    if ((at = strstr(s->headers, line)) != NULL)
        at += strlen(line);
    else if (strncmp(s->headers, line + 1, strlen(line + 1)) == 0)
        at = s->headers + strlen(line + 1);
    else
        return (NULL);
    (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
    return (value);
}

/* How the call ended, as a client reads it. */
static struct grpc_status
status_of(const struct stream *s)
{
    struct grpc_status status;
    char message[1024] = "", details[8192] = "";
    uint8_t bytes[4096];
    const char *text;
    size_t n = 0;
    int code;

    assert_true(s->ended);
    assert_non_null(value_of(s, "grpc-status"));
    code = (int)strtol(value_of(s, "grpc-status"), NULL, 10);
    if ((text = value_of(s, "grpc-message")) != NULL)
        (void)snprintf(message, sizeof(message), "%s", text);
    if ((text = value_of(s, "grpc-status-details-bin")) != NULL)
        (void)snprintf(details, sizeof(details), "%s", text);
    assert_null(strchr(details, '='));
    assert_int_equal(bytes_from_base64(slice_of(details), bytes,
        sizeof(bytes), &n), E_OK);
    grpc_status_parse((enum grpc_code)code, slice_of(message),
        (struct slice){bytes, n}, &status);
    assert_true(code == GRPC_OK || status.reason[0] != '\0');
    return (status);
}

static void
close_call(struct stream *s)
{
    rpc_call_free(s->call);
    s->call = NULL;
}

/* A call that was refused in one header list, with ${code} and ${reason}. */
static void
assert_refused(struct stream *s, enum grpc_code code, const char *reason)
{
    struct grpc_status status;

    drain(s, 100);
    assert_int_equal(s->nbody, 0);
    status = status_of(s);
    assert_int_equal(status.code, code);
    assert_string_equal(status.reason, reason);
    assert_string_equal(value_of(s, ":status"), "200");
    assert_string_equal(value_of(s, "content-type"), "application/grpc");
}

static void
assert_header_refused(void **state, const char *name, const char *value,
    enum grpc_code code, const char *reason)
{
    const char *extra[] = {name, value, NULL};
    int started = fake.started;
    struct stream s;

    assert_int_equal(open_with(&s, *state, PATH "Echo", extra), E_OK);
    assert_true(s.responded && s.ended);
    assert_refused(&s, code, reason);
    assert_int_equal(fake.started, started);
    rpc_call_end(s.call);
    assert_int_equal(s.resets, 0);
    close_call(&s);
}

static void
assert_header_accepted(void **state, const char *name, const char *value)
{
    const char *extra[] = {name, value, NULL};
    struct stream s;

    assert_int_equal(open_with(&s, *state, PATH "Echo", extra), E_OK);
    assert_false(s.responded);
    feed_text(&s, "hello");
    rpc_call_end(s.call);
    drain(&s, 100);
    assert_int_equal(status_of(&s).code, GRPC_OK);
    close_call(&s);
}

static void
a_unary_call_is_answered(void **state)
{
    struct buf expected = text_frame("hello");
    struct stream s;
    size_t step;

    for (step = 1; step < 20; step++) {
        open_call(&s, state, PATH "Echo");
        feed_text(&s, "hello");
        assert_false(s.responded);
        rpc_call_end(s.call);
        drain(&s, step);
        assert_int_equal(s.nbody, expected.n);
        assert_memory_equal(s.body, expected.p, s.nbody);
        assert_string_equal(s.headers, ":status: 200\n"
            "content-type: application/grpc\ngrpc-status: 0\n");
        assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
        assert_int_equal(rpc_server_calls(*state), 1);
        close_call(&s);
        assert_int_equal(s.resets, 0);
    }
    buf_free(&expected);
}

static void
a_request_may_come_in_pieces_of_any_size(void **state)
{
    struct buf frame = text_frame("a request in pieces");
    struct stream s;
    size_t cut, i;

    for (cut = 1; cut <= frame.n; cut++) {
        open_call(&s, state, PATH "Echo");
        for (i = 0; i < frame.n; i += cut)
            rpc_call_feed(s.call, (struct slice){frame.p + i,
                frame.n - i < cut ? frame.n - i : cut});
        rpc_call_end(s.call);
        drain(&s, 100);
        assert_int_equal(status_of(&s).code, GRPC_OK);
        assert_memory_equal(s.body, frame.p, frame.n);
        close_call(&s);
    }
    buf_free(&frame);
}

static void
an_error_is_one_header_list_with_all_details(void **state)
{
    struct grpc_status status;
    struct stream s;

    open_call(&s, state, PATH "Fail");
    feed_text(&s, "x");
    rpc_call_end(s.call);
    assert_true(s.responded && s.ended);
    assert_string_equal(value_of(&s, "grpc-message"),
        "no such thing: 100%25 d%C3%A9j%C3%A0 vu");
    status = status_of(&s);
    assert_int_equal(status.code, GRPC_NOT_FOUND);
    assert_string_equal(status.reason, "NO_SUCH_THING");
    assert_string_equal(status.message,
        "no such thing: 100% d\xc3\xa9j\xc3\xa0 vu");
    assert_string_equal(status.metadata[0].value, "this");
    assert_string_equal(status.violations[0].field, "association_id");
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    close_call(&s);
}

static void
an_answer_followed_by_an_error_is_the_error(void **state)
{
    struct stream s;

    open_call(&s, state, PATH "Both");
    feed_text(&s, "x");
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_ABORTED, "CHANGED_MIND");
    close_call(&s);
}

static void
a_method_without_an_answer_is_our_fault(void **state)
{
    struct stream s;

    open_call(&s, state, PATH "Silent");
    feed_text(&s, "x");
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_INTERNAL, "NO_ANSWER");
    close_call(&s);
}

static void
a_method_that_cannot_start_says_why(void **state)
{
    struct stream s;

    open_call(&s, state, PATH "Busy");
    feed_text(&s, "x");
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_UNAVAILABLE, "NO_CAPACITY");
    assert_int_equal(fake.canceled, 0);
    close_call(&s);
}

static void
a_method_may_answer_later(void **state)
{
    struct stream s;

    open_call(&s, state, PATH "Later");
    feed_text(&s, "later");
    rpc_call_end(s.call);
    assert_false(s.responded);
    assert_int_equal(fake_answer(), 0);
    drain(&s, 100);
    assert_int_equal(status_of(&s).code, GRPC_OK);
    assert_int_equal(s.nbody, 12);
    close_call(&s);
    assert_int_equal(fake.canceled, 0);
}

static void
a_call_that_is_dropped_is_canceled(void **state)
{
    struct stream s;

    open_call(&s, state, PATH "Later");
    feed_text(&s, "x");
    rpc_call_end(s.call);
    close_call(&s);
    assert_int_equal(fake.canceled, 1);
    assert_false(s.responded);

    /* Before its method began there is nothing to cancel. */
    open_call(&s, state, PATH "Echo");
    close_call(&s);
    assert_int_equal(fake.canceled, 1);
}

static void
only_post_is_answered(void **state)
{
    const char *extra[] = {":method", "GET", NULL};
    struct stream s;

    assert_int_equal(open_with(&s, *state, PATH "Echo", extra), E_OK);
    assert_true(s.ended);
    assert_string_equal(s.headers, ":status: 405\nallow: POST\n");
    rpc_call_end(s.call);
    close_call(&s);
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
        struct stream s;

        assert_int_equal(open_with(&s, *state, PATH "Echo", extra), E_OK);
        rpc_call_end(s.call);
        drain(&s, 10);
        assert_string_equal(s.headers,
            ":status: 415\ncontent-type: application/json\n");
        assert_true(s.nbody > 2 && s.body[0] == '{' &&
            s.body[s.nbody - 2] == '}');
        s.body[s.nbody] = '\0';
        assert_non_null(strstr((char *)s.body, "application/grpc"));
        close_call(&s);
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
    const char *extra[] = {"grpc-encoding", "gzip", NULL};
    struct stream s;

    assert_int_equal(open_with(&s, *state, PATH "Echo", extra), E_OK);
    assert_refused(&s, GRPC_UNIMPLEMENTED, "UNKNOWN_ENCODING");
    assert_string_equal(value_of(&s, "grpc-accept-encoding"), "identity");
    close_call(&s);
}

static void
an_unknown_method_is_told_the_nearest(void **state)
{
    static const char *const paths[] = {PATH "Ecco", "/", "", "*", "no slash",
        "/test.v1.Test/Echo/", "/test.v1.test/Echo", "\x01\xff%n"};
    struct stream s;
    size_t i;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        open_call(&s, state, paths[i]);
        assert_refused(&s, GRPC_UNIMPLEMENTED, "UNKNOWN_METHOD");
        assert_non_null(strstr(status_of(&s).message, PATH "Echo"));
        assert_string_equal(status_of(&s).metadata[0].value, PATH "Echo");
        close_call(&s);
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
    struct stream s;
    size_t i;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *extra[] = {"grpc-timeout", good[i].text, NULL};

        before = clock_monotonic_us();
        assert_int_equal(open_with(&s, *state, PATH "Echo", extra), E_OK);
        after = clock_monotonic_us();
        assert_false(s.responded);
        at = rpc_call_deadline(s.call);
        assert_true(at >= before + good[i].us && at <= after + good[i].us);
        close_call(&s);
    }
}

static void
a_stream_has_the_deadline_that_its_client_gave(void **state)
{
    const char *extra[] = {"grpc-timeout", "2H", NULL};
    struct stream s;

    assert_int_equal(open_with(&s, *state, PATH "Chat", extra), E_OK);
    assert_true(rpc_call_deadline(s.call) > clock_monotonic_us() +
        INT64_C(7100000000));
    close_call(&s);
    open_call(&s, state, PATH "Chat");
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    close_call(&s);
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
    struct stream s;

    assert_int_equal(open_with(&s, *state, PATH "Echo", extra), E_OK);
    assert_refused(&s, GRPC_INTERNAL, "HEADER_TWICE");
    close_call(&s);
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

static void
a_role_is_allowed_by_the_table_or_not_at_all(void **state)
{
    struct grpc_status status;
    struct stream s;

    open_call(&s, state, PATH "Admin");
    assert_refused(&s, GRPC_PERMISSION_DENIED, "ROLE_NOT_ALLOWED");
    status = status_of(&s);
    assert_int_equal(status.nmetadata, 3);
    assert_string_equal(status.metadata[0].key, "role");
    assert_string_equal(status.metadata[0].value, "employer");
    assert_string_equal(status.metadata[1].key, "roles");
    assert_string_equal(status.metadata[1].value, "admin");
    assert_string_equal(status.metadata[2].key, "uri");
    assert_string_equal(status.metadata[2].value, employer.uri);
    close_call(&s);

    open_call(&s, state, PATH "Nobody");
    assert_refused(&s, GRPC_PERMISSION_DENIED, "ROLE_NOT_ALLOWED");
    close_call(&s);
    assert_int_equal(fake.started, 0);
}

static void
headers_above_the_limit_are_refused(void **state)
{
    struct rpc_header headers[] = {
        {slice_of(":method"), slice_of("POST")},
        {slice_of(":path"), slice_of(PATH "Echo")},
    };
    struct rpc_request request = {headers, 2, 1};
    struct stream s;

    memset(&s, 0, sizeof(s));
    assert_int_equal(rpc_call_start(*state, &employer, &request, &ops, &s,
        &s.call), E_OK);
    assert_refused(&s, GRPC_RESOURCE_EXHAUSTED, "HEADERS_TOO_BIG");
    close_call(&s);
}

static void
a_unary_method_takes_one_message(void **state)
{
    struct stream s;

    open_call(&s, state, PATH "Echo");
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_UNIMPLEMENTED, "CARDINALITY");
    close_call(&s);

    open_call(&s, state, PATH "Count");
    feed_text(&s, "");
    feed_text(&s, "");
    assert_refused(&s, GRPC_UNIMPLEMENTED, "CARDINALITY");
    close_call(&s);
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
    struct stream s;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_call(&s, state, cases[i].path);
        rpc_call_feed(s.call, (struct slice){cases[i].bytes, cases[i].n});
        if (cases[i].code == GRPC_RESOURCE_EXHAUSTED)
            assert_true(s.responded);   /* from the prefix, at once */
        rpc_call_end(s.call);
        assert_refused(&s, cases[i].code, cases[i].reason);
        if (cases[i].code == GRPC_INVALID_ARGUMENT &&
            strcmp(cases[i].path, PATH "Strict") != 0)
            assert_string_equal(status_of(&s).violations[0].field,
                "association_id");
        close_call(&s);
        assert_int_equal(fake.started, fake.ended);
    }
}

static void
unknown_fields_pass_unless_the_method_refuses_them(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 2, 120, 1};
    struct stream s;

    open_call(&s, state, PATH "Echo");
    rpc_call_feed(s.call, (struct slice){bytes, sizeof(bytes)});
    rpc_call_end(s.call);
    drain(&s, 100);
    assert_int_equal(status_of(&s).code, GRPC_OK);
    close_call(&s);
}

static void
a_scan_above_its_limits_is_refused(void **state)
{
    uint8_t bytes[5 + 2 * 200];
    struct stream s;
    size_t i;

    /* More fields than are allowed. */
    memset(bytes, 0, sizeof(bytes));
    bytes[3] = (2 * 200) >> 8;
    bytes[4] = (2 * 200) & 255;
    for (i = 5; i < sizeof(bytes); i += 2)
        bytes[i] = 10;
    open_call(&s, state, PATH "Echo");
    rpc_call_feed(s.call, (struct slice){bytes, sizeof(bytes)});
    rpc_call_end(s.call);
    assert_refused(&s, GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_COMPLEX");
    close_call(&s);
}

static void
a_client_may_stream(void **state)
{
    struct buf expected = text_frame("one two three");
    struct stream s;

    open_call(&s, state, PATH "Collect");
    assert_int_equal(fake.started, 1);
    feed_text(&s, "one ");
    feed_text(&s, "two ");
    feed_text(&s, "three");
    assert_false(s.responded);
    rpc_call_end(s.call);
    drain(&s, 3);
    assert_int_equal(s.nbody, expected.n);
    assert_memory_equal(s.body, expected.p, s.nbody);
    assert_int_equal(status_of(&s).code, GRPC_OK);
    close_call(&s);
    buf_free(&expected);
}

static void
both_may_stream_at_the_same_time(void **state)
{
    struct stream s;
    int i;

    open_call(&s, state, PATH "Chat");
    for (i = 1; i <= 10; i++) {
        feed_text(&s, "ping");
        assert_true(s.responded);
        drain(&s, 4);
        assert_int_equal(s.nbody, i * 11);
        assert_false(s.ended);
    }
    assert_int_equal(s.resumed, 9);
    rpc_call_end(s.call);
    assert_int_equal(s.resumed, 10);
    drain(&s, 100);
    assert_int_equal(status_of(&s).code, GRPC_OK);
    close_call(&s);
}

static void
a_stream_without_a_message_has_headers_and_trailers(void **state)
{
    struct stream s;

    open_call(&s, state, PATH "Chat");
    rpc_call_end(s.call);
    assert_true(s.responded);
    assert_false(s.ended);
    drain(&s, 100);
    assert_int_equal(s.nbody, 0);
    assert_int_equal(status_of(&s).code, GRPC_OK);
    close_call(&s);
}

static void
a_server_that_streams_waits_for_its_client(void **state)
{
    struct buf frame;
    struct stream s;
    char text[1001];

    memset(text, 'x', 1000);
    text[1000] = '\0';
    frame = count_frame(2000, text);
    open_call(&s, state, PATH "Count");
    rpc_call_feed(s.call, buf_slice(&frame));
    rpc_call_end(s.call);
    assert_int_equal(fake.ended, 0);
    drain(&s, 777);
    assert_int_equal(s.drained, 2000 * 1008);
    assert_true(fake.writable > 3);
    assert_true(fake.peak >= SINK_FULL && fake.peak < SINK_FULL + 1008);
    assert_int_equal(status_of(&s).code, GRPC_OK);
    close_call(&s);
    buf_free(&frame);
}

static void
a_client_that_reads_nothing_is_kept_from_asking_more(void **state)
{
    struct stream s;
    char text[1001];
    int i;

    memset(text, 'x', 1000);
    text[1000] = '\0';
    open_call(&s, state, PATH "Chat");
    for (i = 0; !rpc_call_full(s.call) && i < 1000; i++)
        feed_text(&s, text);
    assert_int_equal(i, SINK_FULL / 1008 + 1);
    drain(&s, 1000);
    assert_false(rpc_call_full(s.call));
    close_call(&s);
    assert_int_equal(fake.canceled, 1);
}

static void
what_waits_for_a_client_is_bounded(void **state)
{
    struct stream s;
    char text[1001];
    int i;

    /* One that ignores flow control altogether. */
    memset(text, 'x', 1000);
    text[1000] = '\0';
    open_call(&s, state, PATH "Chat");
    for (i = 0; fake.ended == 0 && i < 10000; i++)
        feed_text(&s, text);
    assert_in_range(i, 4000, 5000);
    drain(&s, 1000);
    assert_int_equal(s.drained, (i - 1) * 1008);
    assert_int_equal(status_of(&s).code, GRPC_RESOURCE_EXHAUSTED);
    close_call(&s);
}

static void
a_deadline_cancels_and_answers(void **state)
{
    struct stream s;

    open_call(&s, state, PATH "Later");
    feed_text(&s, "x");
    rpc_call_end(s.call);
    rpc_call_expire(s.call);
    assert_int_equal(fake.canceled, 1);
    assert_refused(&s, GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    close_call(&s);

    /* While its request is on the way. */
    open_call(&s, state, PATH "Echo");
    rpc_call_expire(s.call);
    assert_refused(&s, GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
    close_call(&s);
    assert_int_equal(fake.canceled, 1);
}

static void
an_expired_stream_that_is_not_read_is_reset(void **state)
{
    struct stream s;

    open_call(&s, state, PATH "Chat");
    feed_text(&s, "x");
    rpc_call_expire(s.call);
    assert_int_equal(fake.canceled, 1);
    assert_int_equal(s.resets, 0);
    assert_true(rpc_call_deadline(s.call) < clock_monotonic_us() + 1000001);
    rpc_call_expire(s.call);
    assert_int_equal(s.resets, 1);
    assert_int_equal(s.reset_code, RPC_RESET_CANCEL);
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    rpc_call_expire(s.call);
    feed_text(&s, "y");
    rpc_call_end(s.call);
    assert_int_equal(s.resets, 1);
    close_call(&s);
}

static void
a_client_that_sends_on_is_reset_after_its_answer(void **state)
{
    uint8_t bytes[8192];
    struct stream s;
    int i;

    memset(bytes, 0, sizeof(bytes));
    bytes[1] = 1;       /* 16 MiB are announced */
    open_call(&s, state, PATH "Echo");
    for (i = 0; i < 100 && s.resets == 0; i++) {
        rpc_call_feed(s.call, (struct slice){bytes, sizeof(bytes)});
        assert_true(s.responded && s.ended);
    }
    assert_int_equal(i, 9);     /* 64 KiB are let pass */
    assert_int_equal(s.reset_code, RPC_RESET_NO_ERROR);
    assert_refused(&s, GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG");
    rpc_call_feed(s.call, (struct slice){bytes, sizeof(bytes)});
    assert_int_equal(s.resets, 1);
    close_call(&s);
}

static void
a_client_that_neither_sends_nor_ends_is_reset_after_a_second(void **state)
{
    struct stream s;
    int64_t left;

    open_call(&s, state, PATH "Early");
    feed_text(&s, "x");
    assert_refused(&s, GRPC_ABORTED, "ENOUGH");
    left = rpc_call_deadline(s.call) - clock_monotonic_us();
    assert_true(left > 0 && left <= 1000000);
    rpc_call_expire(s.call);
    assert_int_equal(s.resets, 1);
    assert_int_equal(s.reset_code, RPC_RESET_NO_ERROR);
    close_call(&s);

    open_call(&s, state, PATH "Early");
    feed_text(&s, "x");
    feed_text(&s, "y");
    rpc_call_end(s.call);
    assert_int_equal(rpc_call_deadline(s.call), INT64_MAX);
    assert_int_equal(s.resets, 0);
    close_call(&s);
    assert_int_equal(fake.canceled, 0);
}

static void
a_stream_that_cannot_respond_is_reset(void **state)
{
    static const char *const paths[] = {PATH "Echo", PATH "Fail",
        PATH "Chat"};
    struct stream s;
    size_t i;

    for (i = 0; i < 3; i++) {
        open_call(&s, state, paths[i]);
        s.answer = E_NOMEM;
        feed_text(&s, "x");
        rpc_call_end(s.call);
        assert_int_equal(s.resets, 1);
        assert_int_equal(s.reset_code, RPC_RESET_INTERNAL);
        assert_int_equal(fake.started, fake.ended);
        close_call(&s);
    }
    assert_int_equal(fake.canceled, 0);
}

/* One whole call; return non-zero if it ended OK. */
static int
one_call(struct rpc_server *server, const char *path, struct slice frame)
{
    struct stream s;
    int ok = 0;

    if (open_with(&s, server, path, NULL) != E_OK) {
        assert_null(s.call);
        return (0);
    }
    rpc_call_feed(s.call, frame);
    rpc_call_end(s.call);
    drain(&s, 1000);
    assert_true(s.ended || s.resets > 0);
    if (s.ended)
        ok = (strcmp(value_of(&s, "grpc-status"), "0") == 0);
    close_call(&s);
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
        err = rpc_server_create(NULL, &limits, &server);
        fault_arm(-1);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        assert_null(server);
    }
    assert_int_equal(n, 3);
    rpc_server_free(server);
    rpc_server_free(NULL);
    rpc_call_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_unary_call_is_answered),
        TEST(a_request_may_come_in_pieces_of_any_size),
        TEST(an_error_is_one_header_list_with_all_details),
        TEST(an_answer_followed_by_an_error_is_the_error),
        TEST(a_method_without_an_answer_is_our_fault),
        TEST(a_method_that_cannot_start_says_why),
        TEST(a_method_may_answer_later),
        TEST(a_call_that_is_dropped_is_canceled),
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
        TEST(a_role_is_allowed_by_the_table_or_not_at_all),
        TEST(headers_above_the_limit_are_refused),
        TEST(a_unary_method_takes_one_message),
        TEST(a_broken_frame_is_refused),
        TEST(unknown_fields_pass_unless_the_method_refuses_them),
        TEST(a_scan_above_its_limits_is_refused),
        TEST(a_client_may_stream),
        TEST(both_may_stream_at_the_same_time),
        TEST(a_stream_without_a_message_has_headers_and_trailers),
        TEST(a_server_that_streams_waits_for_its_client),
        TEST(a_client_that_reads_nothing_is_kept_from_asking_more),
        TEST(what_waits_for_a_client_is_bounded),
        TEST(a_deadline_cancels_and_answers),
        TEST(an_expired_stream_that_is_not_read_is_reset),
        TEST(a_client_that_sends_on_is_reset_after_its_answer),
        TEST(a_client_that_neither_sends_nor_ends_is_reset_after_a_second),
        TEST(a_stream_that_cannot_respond_is_reset),
        TEST(every_allocation_may_fail),
        TEST(a_server_needs_its_memory),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
