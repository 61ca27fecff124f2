#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "service/method.h"
#include "support/fake_methods.h"
#include "support/h2_client.h"

#define PATH "/test.v1.Test/"
#define WINDOW 65535
#define NOTHING ((struct slice){NULL, 0})

static int
setup(void **state)
{
    static struct peer peer;

    memset(&fake, 0, sizeof(fake));
    peer_open(&peer, NULL, WINDOW);
    *state = &peer;
    return (0);
}

static int
teardown(void **state)
{
    peer_close(*state);
    assert_int_equal(fake.started, fake.ended);
    return (0);
}

static struct exchange *
call_text(struct peer *p, const char *path, const char *text, int more)
{
    struct buf frame = text_frame(text);
    struct exchange *x = peer_call(p, path, buf_slice(&frame), more, NULL);

    buf_free(&frame);
    return (x);
}

/* A call is answered as it should: ${text} comes back. */
static void
assert_echo(struct peer *p)
{
    struct buf frame = text_frame("hello");
    struct exchange *x = peer_call(p, PATH "Echo", buf_slice(&frame), 0,
        NULL);

    peer_pump(p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_int_equal(x->body.n, frame.n);
    assert_memory_equal(x->body.p, frame.p, frame.n);
    assert_true(x->closed);
    assert_int_equal(x->close_code, 0);
    buf_free(&frame);
}

/* The whole answer is one HEADERS that ends the stream. */
static void
assert_trailers_only(const struct exchange *x, enum grpc_code code,
    const char *reason)
{
    struct grpc_status status = exchange_status(x);

    assert_int_equal(status.code, code);
    assert_string_equal(status.reason, reason);
    assert_int_equal(x->nheaders, 1);
    assert_int_equal(x->ndata, 0);
    assert_string_equal(exchange_value(x, ":status"), "200");
    assert_string_equal(exchange_value(x, "content-type"),
        "application/grpc");
}

static void
a_unary_call_is_headers_data_trailers(void **state)
{
    struct peer *p = *state;
    struct exchange *x;

    assert_echo(p);
    x = p->x[0];
    assert_int_equal(x->nheaders, 2);
    assert_int_equal(x->ndata, 1);
    assert_int_equal(x->nempty, 0);
    assert_int_equal(x->nreset, 0);
    assert_string_equal(x->headers, ":status: 200\n"
        "content-type: application/grpc\ngrpc-status: 0\n");
    assert_int_equal(h2_streams(p->h2), 0);
    assert_int_equal(h2_deadline(p->h2), INT64_MAX);
}

static void
limits_are_announced(void **state)
{
    struct peer *p = *state;

    peer_pump(p);
    assert_int_equal(nghttp2_session_get_remote_settings(p->session,
        NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS), peer_limits.max_streams);
    assert_int_equal(nghttp2_session_get_remote_settings(p->session,
        NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE), peer_limits.window / 2);
    assert_int_equal(nghttp2_session_get_remote_settings(p->session,
        NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE), peer_limits.max_header_list);
    assert_int_equal(nghttp2_session_get_remote_window_size(p->session),
        peer_limits.window);
}

static void
an_error_is_one_frame(void **state)
{
    struct peer *p = *state;
    struct exchange *x = call_text(p, PATH "Fail", "x", 0);

    peer_pump(p);
    assert_trailers_only(x, GRPC_NOT_FOUND, "NO_SUCH_THING");
    assert_true(x->closed);
}

static void
a_client_may_stream(void **state)
{
    struct peer *p = *state;
    struct exchange *x = call_text(p, PATH "Collect", "one ", 1);
    struct buf expected = text_frame("one two"), frame = text_frame("two");

    peer_pump(p);
    assert_int_equal(x->nheaders, 0);
    peer_upload(p, x, buf_slice(&frame), 0);
    peer_pump(p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_int_equal(x->body.n, expected.n);
    assert_memory_equal(x->body.p, expected.p, expected.n);
    buf_free(&frame);
    buf_free(&expected);
}

static void
a_server_may_stream_more_than_any_window(void **state)
{
    struct peer *p = *state;
    struct exchange *x;
    struct buf frame;
    char text[1001];

    memset(text, 'x', 1000);
    text[1000] = '\0';
    frame = count_frame(2000, text);
    x = peer_call(p, PATH "Count", buf_slice(&frame), 0, NULL);
    peer_pump(p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_int_equal(x->body.n, 2000 * 1008);
    assert_int_equal(x->nempty, 0);
    assert_true(fake.peak < SINK_FULL + 1008);
    assert_true(x->closed);
    buf_free(&frame);
}

static void
both_may_stream_at_the_same_time(void **state)
{
    struct peer *p = *state;
    struct exchange *x = peer_call(p, PATH "Chat", NOTHING, 1, NULL);
    struct buf frame = text_frame("ping");
    int i;

    peer_pump(p);
    for (i = 1; i <= 20; i++) {
        peer_upload(p, x, buf_slice(&frame), 1);
        peer_pump(p);
        assert_int_equal(x->body.n, (size_t)i * frame.n);
        assert_int_equal(x->nheaders, 1);
    }
    peer_upload(p, x, NOTHING, 0);
    peer_pump(p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_int_equal(x->nempty, 0);
    assert_int_equal(x->nheaders, 2);
    buf_free(&frame);
}

static void
a_stream_without_a_message_has_no_data(void **state)
{
    struct peer *p = *state;
    struct exchange *x = peer_call(p, PATH "Chat", NOTHING, 0, NULL);

    peer_pump(p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_int_equal(x->nheaders, 2);
    assert_int_equal(x->ndata, 0);
}

static void
many_calls_share_a_connection(void **state)
{
    struct peer *p = *state;
    struct exchange *x[40];
    int i, left;

    for (i = 0; i < 40; i++)
        x[i] = call_text(p, i % 2 ? PATH "Echo" : PATH "Later", "x", 0);
    peer_pump(p);
    assert_int_equal(h2_streams(p->h2), 20);
    p->woken = 0;
    do {
        left = fake_answer();
    } while (left > 0);
    assert_true(p->woken > 0);
    assert_true(h2_wants_write(p->h2));
    peer_pump(p);
    for (i = 0; i < 40; i++)
        assert_int_equal(exchange_status(x[i]).code, GRPC_OK);
    assert_int_equal(h2_streams(p->h2), 0);
    assert_int_equal(fake.canceled, 0);
}

/* The cases that reference servers answer in many ways. */
static void
every_edge_has_one_answer(void **state)
{
    static const struct {
        const char *path;
        const char *name;       /* a header besides, or instead of, the usual */
        const char *value;
        const char *body;
        size_t nbody;
        int http;
        enum grpc_code code;
        const char *reason;
    } cases[] = {
        {"Echo", "content-type", "application/json", "{}", 2, 415, 0, NULL},
        {"Echo", "content-type", "application/grpc-web+proto",
            "\0\0\0\0\0", 5, 415, 0, NULL},
        {"Echo", ":method", "GET", "", 0, 405, 0, NULL},
        {"Echo", "te", NULL, "\0\0\0\0\0", 5, 200, GRPC_OK, ""},
        {"Echo", "x", "y", "", 0, 200, GRPC_UNIMPLEMENTED, "CARDINALITY"},
        {"Echo", "x", "y", "\0\0\0\0\0\0\0\0\0\0", 10, 200,
            GRPC_UNIMPLEMENTED, "CARDINALITY"},
        {"Echo", "x", "y", "\0\0\0\0\5x", 6, 200, GRPC_INTERNAL, "TRUNCATED"},
        {"Echo", "x", "y", "\0\0\0\0\2\377\377", 7, 200, GRPC_INTERNAL,
            "PARSE_ERROR"},
        {"Echo", "x", "y", "\1\0\0\0\0", 5, 200, GRPC_INTERNAL, "BAD_FRAME"},
        {"Echo", "x", "y", "\2\0\0\0\0", 5, 200, GRPC_INTERNAL, "BAD_FRAME"},
        {"Echo", "grpc-encoding", "snappy", "\1\0\0\0\0", 5, 200,
            GRPC_UNIMPLEMENTED, "UNKNOWN_ENCODING"},
        {"Echo", "grpc-encoding", "gzip", "\1\0\0\0\0", 5, 200, GRPC_INTERNAL,
            "BAD_GZIP"},
        {"Echo", "grpc-timeout", "abc", "\0\0\0\0\0", 5, 200, GRPC_INTERNAL,
            "BAD_TIMEOUT"},
        {"Echo", "grpc-timeout", "0m", "\0\0\0\0\0", 5, 200,
            GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"},
        {"Echo", "x-a-bin", "!!", "\0\0\0\0\0", 5, 200, GRPC_INTERNAL,
            "BAD_BASE64"},
        {"Echo", "x", "y", "\0\377\377\377\377", 5, 200,
            GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG"},
        {"Echo/", "x", "y", "\0\0\0\0\0", 5, 200, GRPC_UNIMPLEMENTED,
            "UNKNOWN_METHOD"},
        {"", "x", "y", "\0\0\0\0\0", 5, 200, GRPC_UNIMPLEMENTED,
            "UNKNOWN_METHOD"},
        {"Admin", "x", "y", "\0\0\0\0\0", 5, 200, GRPC_PERMISSION_DENIED,
            "ROLE_NOT_ALLOWED"},
    };
    struct peer *p = *state;
    char path[64], status[8];
    struct exchange *x;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *extra[] = {cases[i].name, cases[i].value, NULL};

        (void)snprintf(path, sizeof(path), PATH "%s", cases[i].path);
        (void)snprintf(status, sizeof(status), "%d", cases[i].http);
        x = peer_call(p, path, (struct slice){(const uint8_t *)cases[i].body,
            cases[i].nbody}, 0, extra);
        peer_pump(p);
        assert_true(x->closed);
        assert_int_equal(x->close_code, 0);
        assert_string_equal(exchange_value(x, ":status"), status);
        if (cases[i].http != 200) {
            assert_null(exchange_value(x, "grpc-status"));
            assert_int_equal(x->nheaders, 1);
        } else if (cases[i].code != GRPC_OK) {
            assert_trailers_only(x, cases[i].code, cases[i].reason);
        } else {
            assert_int_equal(exchange_status(x).code, GRPC_OK);
        }
    }
    assert_int_equal(h2_streams(p->h2), 0);
    assert_echo(p);     /* the connection lives on */
}

static void
what_is_not_grpc_is_told_so_in_a_body(void **state)
{
    const char *json[] = {"content-type", "application/json", NULL};
    const char *get[] = {":method", "GET", NULL};
    struct peer *p = *state;
    struct exchange *x = peer_call(p, PATH "Echo", NOTHING, 0, json);

    peer_pump(p);
    assert_string_equal(exchange_value(x, "content-type"),
        "application/json");
    assert_true(x->ended && x->body.n > 0 && x->body.p[0] == '{');
    assert_int_equal(x->nempty, 0);
    x = peer_call(p, PATH "Echo", NOTHING, 0, get);
    peer_pump(p);
    assert_true(x->ended);
    assert_string_equal(exchange_value(x, "allow"), "POST");
}

static void
a_big_message_is_refused_at_once_and_then_reset(void **state)
{
    struct peer *p = *state;
    struct exchange *x;
    struct buf body;

    /* The prefix alone. */
    x = peer_call(p, PATH "Echo", (struct slice){(const uint8_t *)
        "\0\377\377\377\377", 5}, 1, NULL);
    peer_pump(p);
    assert_trailers_only(x, GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG");
    assert_int_equal(x->nreset, 0);
    h2_expire(p->h2, h2_deadline(p->h2));
    peer_pump(p);
    assert_int_equal(x->nreset, 1);
    assert_int_equal(x->reset_code, 0);
    assert_true(x->reset_after_end);

    /* 5 MiB: a little of it is let pass. */
    buf_init(&body, 8 << 20);
    assert_int_equal(buf_reserve(&body, 5 << 20), E_OK);
    memset(body.p, 0, 5 << 20);
    body.n = 5 << 20;
    body.p[1] = 0x50;
    x = peer_call(p, PATH "Echo", buf_slice(&body), 0, NULL);
    peer_pump(p);
    assert_trailers_only(x, GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG");
    assert_int_equal(x->nreset, 1);
    assert_int_equal(x->reset_code, 0);
    assert_true(x->reset_after_end);
    assert_true(x->sent < 512 * 1024);
    assert_true(x->closed);
    buf_free(&body);
    assert_echo(p);
}

static void
a_client_that_ends_in_time_is_not_reset(void **state)
{
    struct peer *p = *state;
    struct exchange *x = call_text(p, PATH "Early", "x", 1);

    peer_pump(p);
    assert_trailers_only(x, GRPC_ABORTED, "ENOUGH");
    assert_false(x->closed);
    peer_upload(p, x, slice_of("what comes too late"), 0);
    peer_pump(p);
    assert_true(x->closed);
    assert_int_equal(x->nreset, 0);
    assert_int_equal(h2_streams(p->h2), 0);
}

static void
a_reset_cancels_the_method(void **state)
{
    struct peer *p = *state;
    struct exchange *x = call_text(p, PATH "Later", "x", 0);

    peer_pump(p);
    assert_int_equal(h2_streams(p->h2), 1);
    assert_int_equal(nghttp2_submit_rst_stream(p->session, 0, x->id,
        NGHTTP2_CANCEL), 0);
    peer_pump(p);
    assert_int_equal(fake.canceled, 1);
    assert_int_equal(h2_streams(p->h2), 0);
    assert_echo(p);
}

static void
a_lost_connection_cancels_all_methods(void **state)
{
    struct peer *p = *state;

    (void)call_text(p, PATH "Later", "x", 0);
    (void)call_text(p, PATH "Later", "x", 0);
    (void)call_text(p, PATH "Chat", "x", 1);
    (void)call_text(p, PATH "Echo", "x", 1);
    peer_pump(p);
    assert_int_equal(fake.started, 3);
    h2_free(p->h2);
    p->h2 = NULL;
    assert_int_equal(fake.canceled, 3);
}

static void
a_deadline_is_kept(void **state)
{
    const char *extra[] = {"grpc-timeout", "5S", NULL};
    struct peer *p = *state;
    struct buf frame = text_frame("x");
    struct exchange *later, *x;
    int64_t now = clock_monotonic_us();

    later = call_text(p, PATH "Later", "x", 0);
    x = peer_call(p, PATH "Later", buf_slice(&frame), 0, extra);
    assert_int_equal(h2_deadline(p->h2), INT64_MAX);
    peer_pump(p);
    assert_true(h2_deadline(p->h2) >= now + 5000000);
    assert_true(h2_deadline(p->h2) < now + 30000000);
    h2_expire(p->h2, now);
    assert_int_equal(fake.canceled, 0);

    p->woken = 0;
    h2_expire(p->h2, h2_deadline(p->h2));
    assert_true(p->woken > 0);
    assert_int_equal(fake.canceled, 1);
    peer_pump(p);
    assert_trailers_only(x, GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED");
    assert_false(later->ended);
    assert_true(h2_deadline(p->h2) > now + 30000000);
    assert_int_equal(fake_answer(), 0);
    peer_pump(p);
    assert_int_equal(exchange_status(later).code, GRPC_OK);
    buf_free(&frame);
}

static void
an_expired_stream_that_is_not_read_is_reset(void **state)
{
    const char *extra[] = {"grpc-timeout", "1S", NULL};
    struct peer *p = *state;
    struct exchange *x;
    struct buf frame;
    char text[1001];

    /* Its client grants no window. */
    peer_close(p);
    peer_open(p, NULL, 0);
    memset(text, 'x', 1000);
    text[1000] = '\0';
    frame = count_frame(2000, text);
    x = peer_call(p, PATH "Count", buf_slice(&frame), 0, extra);
    peer_pump(p);
    assert_int_equal(x->nheaders, 1);
    assert_int_equal(x->ndata, 0);
    h2_expire(p->h2, h2_deadline(p->h2));
    assert_int_equal(fake.canceled, 1);
    peer_pump(p);
    assert_int_equal(x->nreset, 0);
    h2_expire(p->h2, h2_deadline(p->h2));
    peer_pump(p);
    assert_int_equal(x->nreset, 1);
    assert_int_equal(x->reset_code, NGHTTP2_CANCEL);
    assert_int_equal(h2_streams(p->h2), 0);
    buf_free(&frame);
}

static void
a_client_that_reads_nothing_can_send_no_more(void **state)
{
    struct peer *p = *state;
    struct buf upload, frame;
    struct exchange *x;
    char text[1001];
    int i;

    peer_close(p);
    peer_open(p, NULL, 0);
    memset(text, 'x', 1000);
    text[1000] = '\0';
    frame = text_frame(text);
    buf_init(&upload, 8 << 20);
    for (i = 0; i < 2000; i++)
        assert_int_equal(buf_add(&upload, buf_slice(&frame)), E_OK);
    x = peer_call(p, PATH "Chat", buf_slice(&upload), 0, NULL);
    peer_pump(p);
    assert_true(x->sent >= SINK_FULL);
    assert_true(x->sent < SINK_FULL + 3 * peer_limits.window);
    assert_int_equal(fake.ended, 0);

    /* Others are not held up by it: the connection has window. */
    i = (int)x->sent;
    (void)call_text(p, PATH "Collect", "x", 0);
    peer_pump(p);
    assert_int_equal(fake.ended, 1);
    assert_int_equal(x->sent, i);

    /* Once it reads, everything comes through. */
    assert_int_equal(nghttp2_session_set_local_window_size(p->session, 0,
        x->id, WINDOW), 0);
    peer_pump(p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_int_equal(x->body.n, upload.n);
    assert_memory_equal(x->body.p, upload.p, upload.n);
    buf_free(&upload);
    buf_free(&frame);
}

static void
trailers_of_a_client_end_its_request(void **state)
{
    struct buf in, out, frame = text_frame("x");
    struct peer *p = *state;
    struct frames frames;

    peer_close(p);
    peer_open_raw(p, NULL);
    buf_init(&in, 4096);
    buf_init(&out, 64 * 1024);
    raw_magic(&in);
    raw_request(&in, 1, PATH "Echo", 0);
    raw_frame(&in, NGHTTP2_DATA, 0, 1, buf_slice(&frame));
    raw_frame(&in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS |
        NGHTTP2_FLAG_END_STREAM, 1, (struct slice){(const uint8_t *)
        "\0\1x\1y", 5});
    assert_int_equal(h2_feed(p->h2, buf_slice(&in)), E_OK);
    assert_int_equal(fake.ended, 1);
    assert_int_equal(h2_take(p->h2, &out), E_OK);
    raw_scan(buf_slice(&out), &frames);
    assert_int_equal(frames.n[NGHTTP2_HEADERS], 2);
    assert_int_equal(frames.n[NGHTTP2_DATA], 1);
    assert_int_equal(h2_streams(p->h2), 0);
    buf_free(&in);
    buf_free(&out);
    buf_free(&frame);
}

static void
a_drain_loses_no_call(void **state)
{
    struct peer *p = *state;
    struct exchange *before, *between;

    before = call_text(p, PATH "Later", "before", 0);
    peer_pump(p);
    p->woken = 0;
    h2_drain(p->h2, "shutdown");
    h2_drain(p->h2, "shutdown");
    assert_int_equal(p->woken, 1);

    /* This one crosses the notice on its way. */
    between = call_text(p, PATH "Later", "between", 0);
    assert_int_equal(peer_push(p), E_OK);
    peer_pull(p);
    assert_int_equal(p->ngoaway, 1);
    assert_int_equal(p->last_stream, INT32_MAX);
    assert_false(h2_finished(p->h2));

    peer_pump(p);
    assert_int_equal(p->ngoaway, 2);
    assert_int_equal(p->goaway_code, 0);
    assert_int_equal(p->last_stream, between->id);
    assert_false(h2_finished(p->h2));

    while (fake_answer() > 0)
        continue;
    peer_pump(p);
    assert_int_equal(exchange_status(before).code, GRPC_OK);
    assert_int_equal(exchange_status(between).code, GRPC_OK);
    assert_int_equal(fake.canceled, 0);
    assert_true(h2_finished(p->h2));
    h2_drain_now(p->h2);
    assert_true(h2_finished(p->h2));
}

static void
a_call_that_comes_with_the_ping_is_let_in(void **state)
{
    struct buf in, out, frame = text_frame("x");
    struct peer *p = *state;
    struct frames frames;

    peer_close(p);
    peer_open_raw(p, NULL);
    buf_init(&in, 4096);
    buf_init(&out, 64 * 1024);
    raw_magic(&in);
    assert_int_equal(h2_feed(p->h2, buf_slice(&in)), E_OK);
    h2_drain(p->h2, "shutdown");
    assert_int_equal(h2_take(p->h2, &out), E_OK);
    raw_scan(buf_slice(&out), &frames);
    assert_int_equal(frames.n[NGHTTP2_PING], 1);
    assert_int_equal(frames.goaway_stream, INT32_MAX);

    buf_drop(&in, in.n);
    buf_drop(&out, out.n);
    raw_frame(&in, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, (struct slice){
        frames.ping, 8});
    raw_request(&in, 1, PATH "Echo", 0);
    raw_frame(&in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1,
        buf_slice(&frame));
    assert_int_equal(h2_feed(p->h2, buf_slice(&in)), E_OK);
    assert_int_equal(h2_take(p->h2, &out), E_OK);
    raw_scan(buf_slice(&out), &frames);
    assert_int_equal(frames.n[NGHTTP2_GOAWAY], 1);
    assert_int_equal(frames.goaway_stream, 1);
    assert_int_equal(frames.goaway_code, 0);
    assert_int_equal(frames.n[NGHTTP2_HEADERS], 2);
    assert_true(h2_finished(p->h2));
    buf_free(&in);
    buf_free(&out);
    buf_free(&frame);
}

static void
a_drain_now_does_not_wait_for_the_ping(void **state)
{
    struct peer *p = *state;
    struct exchange *x = call_text(p, PATH "Later", "x", 0);

    assert_int_equal(peer_push(p), E_OK);
    h2_drain(p->h2, "shutdown");
    peer_pull(p);
    assert_int_equal(p->ngoaway, 1);
    h2_drain_now(p->h2);
    assert_true(h2_wants_write(p->h2));
    peer_pull(p);
    assert_int_equal(p->ngoaway, 2);
    assert_int_equal(p->last_stream, x->id);
    assert_int_equal(fake_answer(), 0);
    peer_pump(p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_true(h2_finished(p->h2));
}

static void
an_idle_session_ends_at_once(void **state)
{
    struct peer *p = *state;

    peer_pump(p);
    assert_false(h2_finished(p->h2));
    h2_drain_now(p->h2);
    assert_false(h2_finished(p->h2));
    peer_pump(p);
    assert_true(h2_finished(p->h2));
    assert_int_equal(p->ngoaway, 1);
}

static void
a_call_behind_the_final_goaway_is_refused_unseen(void **state)
{
    struct buf in, out, frame = text_frame("x");
    struct peer *p = *state;
    struct frames frames;
    int started;

    peer_close(p);
    peer_open_raw(p, NULL);
    buf_init(&in, 4096);
    buf_init(&out, 64 * 1024);
    raw_magic(&in);
    raw_request(&in, 1, PATH "Later", 0);
    raw_frame(&in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1,
        buf_slice(&frame));
    assert_int_equal(h2_feed(p->h2, buf_slice(&in)), E_OK);
    h2_drain_now(p->h2);

    /* It is made while there is no room to send it. */
    out.max = 100;
    assert_int_equal(h2_take(p->h2, &out), E_OK);
    assert_int_equal(out.n, 0);
    started = fake.started;
    buf_drop(&in, in.n);
    raw_request(&in, 3, PATH "Later", 0);
    raw_frame(&in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 3,
        buf_slice(&frame));
    assert_int_equal(h2_feed(p->h2, buf_slice(&in)), E_OK);
    assert_int_equal(fake.started, started);

    out.max = 64 * 1024;
    assert_int_equal(fake_answer(), 0);
    assert_int_equal(h2_take(p->h2, &out), E_OK);
    raw_scan(buf_slice(&out), &frames);
    assert_int_equal(frames.n[NGHTTP2_GOAWAY], 1);
    assert_int_equal(frames.n[NGHTTP2_HEADERS], 2);
    assert_int_equal(fake.canceled, 0);
    assert_true(h2_finished(p->h2));
    buf_free(&in);
    buf_free(&out);
    buf_free(&frame);
}

/* How many bytes an answer with ${length} bytes of text takes on the wire. */
static size_t
wire_of(struct peer *p, const char *path, size_t length)
{
    size_t before = p->padding;
    char text[4096];
    struct exchange *x;

    assert_true(length < sizeof(text));
    memset(text, 'x', length);
    text[length] = '\0';
    x = call_text(p, path, text, 0);
    peer_pump(p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_int_equal(x->ndata, 1);
    /* A prefix, a tag and a length stand before the text. */
    assert_true(x->body.n >= length + 5 && x->body.n <= length + 8);
    assert_memory_equal(x->body.p + x->body.n - length, text, length);
    return (x->wire + p->padding - before);
}

static int
near_edge(size_t n, size_t step)
{
    return (n % step > step - 40 || n % step < 10);
}

static void
an_answer_whose_length_would_tell_fills_steps(void **state)
{
    struct peer *p = *state;
    size_t step = peer_limits.pad_step, most, wire, n;
    int calls = 0;

    /* Each length around an edge, and some between. */
    for (n = 0; n < 4096; n += near_edge(n, step) ? 1 : 97) {
        if (++calls % (EXCHANGES_MAX - 1) == 0) {
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        wire = wire_of(p, PATH "Secret", n);
        assert_int_equal(wire % step, 0);
        most = 9 + n + (n == 0 ? 0 : n < 128 ? 2 : 3) + FAKE_MAY_TELL;
        assert_int_equal(wire, (most + 9 + step - 1) / step * step);
    }
    assert_true(calls > 60);
}

static void
other_answers_are_as_long_as_they_are(void **state)
{
    struct exchange *x;

    assert_int_equal(wire_of(*state, PATH "Echo", 100), 9 + 5 + 2 + 100);
    x = call_text(*state, PATH "Fail", "x", 0);
    peer_pump(*state);
    assert_int_equal(x->wire, 0);
    assert_int_equal(((struct peer *)*state)->padding, 0);
}

/* Padding takes no window; of what has not room in one each piece is padded. */
static void
a_small_window_is_enough(void **state)
{
    struct exchange *x;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, 120);
    assert_int_equal(wire_of(&p, PATH "Secret", 100), 2048);
    peer_close(&p);
    peer_open(&p, NULL, 50);
    x = call_text(&p, PATH "Secret", "a text that is longer than the window, "
        "so that it is sent in pieces", 0);
    peer_pump(&p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_int_equal(x->ndata, 2);
    assert_int_equal(x->wire + p.padding, 2 * 2048);
    peer_close(&p);
}

static void
who_takes_an_answer_in_crumbs_is_not_sent_a_step_for_each(void **state)
{
    char text[2001];
    struct exchange *x;
    struct peer p;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    peer_open(&p, NULL, 50);
    x = call_text(&p, PATH "Secret", text, 0);
    peer_pump(&p);
    assert_int_equal(exchange_status(x).code, GRPC_OK);
    assert_true(x->ndata > 20);
    assert_in_range(p.padding, 8 * 2048, 8 * 4096);
    peer_close(&p);
}

static void
without_a_step_nothing_is_padded(void **state)
{
    struct h2_limits limits = peer_limits;
    struct peer p;

    (void)state;
    limits.pad_step = 0;
    peer_open(&p, &limits, WINDOW);
    assert_int_equal(wire_of(&p, PATH "Secret", 100), 9 + 5 + 2 + 100);
    peer_close(&p);
}

static void
output_stays_within_its_buffer(void **state)
{
    struct buf in, out, frame;
    struct peer *p = *state;
    char text[1001];
    size_t total = 0;
    int rounds;

    peer_close(p);
    peer_open_raw(p, NULL);
    buf_init(&in, 4096);
    buf_init(&out, 20000);
    memset(text, 'x', 1000);
    text[1000] = '\0';
    frame = count_frame(60, text);
    raw_magic(&in);
    raw_request(&in, 1, PATH "Count", 0);
    raw_frame(&in, NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1,
        buf_slice(&frame));
    assert_int_equal(h2_feed(p->h2, buf_slice(&in)), E_OK);
    for (rounds = 0; h2_wants_write(p->h2); rounds++) {
        assert_true(rounds < 100);
        buf_drop(&out, out.n);
        assert_int_equal(h2_take(p->h2, &out), E_OK);
        assert_true(out.n > 0);
        total += out.n;
    }
    assert_true(rounds > 2);
    assert_true(total > 60 * 1008);
    buf_free(&in);
    buf_free(&out);
    buf_free(&frame);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_unary_call_is_headers_data_trailers),
        TEST(limits_are_announced),
        TEST(an_error_is_one_frame),
        TEST(a_client_may_stream),
        TEST(a_server_may_stream_more_than_any_window),
        TEST(both_may_stream_at_the_same_time),
        TEST(a_stream_without_a_message_has_no_data),
        TEST(many_calls_share_a_connection),
        TEST(every_edge_has_one_answer),
        TEST(what_is_not_grpc_is_told_so_in_a_body),
        TEST(a_big_message_is_refused_at_once_and_then_reset),
        TEST(a_client_that_ends_in_time_is_not_reset),
        TEST(a_reset_cancels_the_method),
        TEST(a_lost_connection_cancels_all_methods),
        TEST(a_deadline_is_kept),
        TEST(an_expired_stream_that_is_not_read_is_reset),
        TEST(a_client_that_reads_nothing_can_send_no_more),
        TEST(trailers_of_a_client_end_its_request),
        TEST(a_drain_loses_no_call),
        TEST(a_call_that_comes_with_the_ping_is_let_in),
        TEST(a_drain_now_does_not_wait_for_the_ping),
        TEST(an_idle_session_ends_at_once),
        TEST(a_call_behind_the_final_goaway_is_refused_unseen),
        TEST(an_answer_whose_length_would_tell_fills_steps),
        TEST(other_answers_are_as_long_as_they_are),
        TEST(a_small_window_is_enough),
        TEST(who_takes_an_answer_in_crumbs_is_not_sent_a_step_for_each),
        TEST(without_a_step_nothing_is_padded),
        TEST(output_stays_within_its_buffer),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
