/*
 * gzip in both directions, as calls have it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/grpc_frame.h"
#include "rpc/rpc_compression.h"
#include "support/fault.h"
#include "support/rpc_stream.h"

#define LONG_MAX_TEXT 900

static const char *const sends[] = {"grpc-encoding", "gzip", NULL};
static const char *const takes[] = {"grpc-accept-encoding",
    "identity, deflate, gzip", NULL};
static const char *const both[] = {"grpc-encoding", "gzip",
    "grpc-accept-encoding", "gzip", NULL};

/* ${front}, then the same letter over and over. */
static const char *
long_text(const char *front, size_t n)
{
    static char text[LONG_MAX_TEXT + 1];
    size_t at = strlen(front);

    assert_true(n <= LONG_MAX_TEXT && at < n);
    memcpy(text, front, at);
    memset(text + at, 'z', n - at);
    text[n] = '\0';
    return (text);
}

/* A frame with the flag, around the gzip form of another's message. */
static struct buf
packed_frame(const char *text)
{
    struct rpc_compression *c;
    struct buf frame = text_frame(text);

    assert_int_equal(rpc_compression_create(1, &c), E_OK);
    assert_true(rpc_compression_deflate(c, &frame, GRPC_FRAME_PREFIX));
    grpc_frame_set_compressed(&frame, 0);
    grpc_frame_end(&frame, 0);
    rpc_compression_free(c);
    return (frame);
}

static struct slice
next_message(struct grpc_reader *reader, struct slice *rest)
{
    struct slice message;
    int done;

    assert_int_equal(grpc_reader_next(reader, rest, &message, &done), E_OK);
    assert_true(done);
    return (message);
}

/* The answers are these texts; ${flags}: which of them came compressed. */
static void
assert_answers(const struct rpc_stream *s, const char *const *texts,
    const int *flags, size_t n)
{
    struct slice rest = {s->body, s->nbody}, message;
    struct rpc_compression *c;
    struct grpc_reader *reader;
    size_t i;

    assert_int_equal(rpc_compression_create(4096, &c), E_OK);
    assert_int_equal(grpc_reader_create(4096, &reader), E_OK);
    grpc_reader_take_compressed(reader);
    for (i = 0; i < n; i++) {
        struct buf frame = text_frame(texts[i]);

        message = next_message(reader, &rest);
        assert_int_equal(grpc_reader_compressed(reader), flags[i]);
        if (flags[i])
            assert_int_equal(rpc_compression_inflate(c, message, &message),
                E_OK);
        assert_int_equal(message.n, frame.n - GRPC_FRAME_PREFIX);
        assert_memory_equal(message.p, frame.p + GRPC_FRAME_PREFIX, message.n);
        buf_free(&frame);
    }
    assert_int_equal(rest.n, 0);
    grpc_reader_free(reader);
    rpc_compression_free(c);
}

/* A whole call, whose answer is the text; compressed or not. */
static void
assert_echo(void **state, const char *path, const char *const *extra,
    const char *text, int packed)
{
    const char *value;
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, path, extra), E_OK);
    rpc_stream_text(&s, text);
    rpc_call_end(s.call);
    rpc_stream_drain(&s, 100);
    assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
    value = rpc_stream_value(&s, "grpc-encoding");
    if (packed)
        assert_string_equal(value, "gzip");
    else
        assert_null(value);
    assert_answers(&s, &text, &packed, 1);
    rpc_stream_close(&s);
}

static void
assert_refused_bytes(void **state, const char *const *extra,
    struct slice bytes, enum grpc_code code, const char *reason)
{
    static const char *const paths[] = {PATH "Echo", PATH "Collect"};
    struct rpc_stream s;
    size_t i;

    for (i = 0; i < 2; i++) {
        assert_int_equal(rpc_stream_open_with(&s, *state, paths[i], extra),
            E_OK);
        rpc_call_feed(s.call, bytes);
        assert_refused(&s, code, reason);
        rpc_call_end(s.call);
        rpc_stream_close(&s);
    }
}

/* ---- requests ---------------------------------------------------------- */

static void
a_compressed_request_is_inflated(void **state)
{
    const char *text = long_text("", 500);
    struct buf frame = packed_frame(text);
    struct rpc_stream s;
    size_t cut, i;

    assert_true(frame.n < 100);
    for (cut = 1; cut <= frame.n; cut++) {
        int flag = 0;

        assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Echo", sends),
            E_OK);
        for (i = 0; i < frame.n; i += cut)
            rpc_call_feed(s.call, (struct slice){frame.p + i,
                frame.n - i < cut ? frame.n - i : cut});
        rpc_call_end(s.call);
        rpc_stream_drain(&s, 100);
        assert_int_equal(rpc_stream_status(&s).code, GRPC_OK);
        assert_answers(&s, &text, &flag, 1);
        rpc_stream_close(&s);
    }
    buf_free(&frame);
}

static void
each_message_has_a_flag_of_its_own(void **state)
{
    const char *texts[] = {"first", long_text("", 700), "third"};
    static const int flags[] = {0, 0, 0};
    struct buf second = packed_frame(texts[1]);
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Chat", sends),
        E_OK);
    rpc_stream_text(&s, texts[0]);
    rpc_call_feed(s.call, buf_slice(&second));
    assert_int_equal(fake.compressed, 1);
    rpc_stream_text(&s, texts[2]);
    assert_int_equal(fake.compressed, 1);
    rpc_stream_drain(&s, 100);
    assert_answers(&s, texts, flags, 3);
    rpc_stream_close(&s);
    buf_free(&second);
}

static void
a_flag_without_an_encoding_is_refused(void **state)
{
    static const char *const identity[] = {"grpc-encoding", "identity", NULL};
    struct buf frame = packed_frame(long_text("", 500));

    assert_refused_bytes(state, NULL, buf_slice(&frame), GRPC_INTERNAL,
        "BAD_FRAME");
    assert_refused_bytes(state, identity, buf_slice(&frame), GRPC_INTERNAL,
        "BAD_FRAME");
    buf_free(&frame);
}

static void
a_flag_that_does_not_exist_is_refused(void **state)
{
    uint8_t bytes[] = {0, 0, 0, 0, 1, 0};
    int flag;

    for (flag = 2; flag < 256; flag++) {
        bytes[0] = (uint8_t)flag;
        assert_refused_bytes(state, sends,
            (struct slice){bytes, sizeof(bytes)}, GRPC_INTERNAL, "BAD_FRAME");
    }
}

static void
a_call_after_one_with_gzip_is_a_call_of_its_own(void **state)
{
    const char *text = long_text("", 500);

    assert_echo(state, PATH "Public", both, text, 1);
    assert_echo(state, PATH "Public", NULL, text, 0);
    a_flag_without_an_encoding_is_refused(state);
}

static void
what_is_not_gzip_is_refused(void **state)
{
    struct buf frame = packed_frame(long_text("", 500));
    struct buf plain = text_frame(long_text("", 500));
    uint8_t empty[] = {1, 0, 0, 0, 0};

    frame.p[frame.n - 6] ^= 1;          /* of its checksum */
    assert_refused_bytes(state, sends, buf_slice(&frame), GRPC_INTERNAL,
        "BAD_GZIP");
    plain.p[0] = 1;
    assert_refused_bytes(state, sends, buf_slice(&plain), GRPC_INTERNAL,
        "BAD_GZIP");
    assert_refused_bytes(state, sends, (struct slice){empty, sizeof(empty)},
        GRPC_INTERNAL, "BAD_GZIP");
    buf_free(&plain);
    buf_free(&frame);
}

static void
the_limit_is_on_the_inflated_message(void **state)
{
    struct buf frame;
    struct rpc_compression *c;

    buf_init(&frame, 1 << 24);
    assert_int_equal(buf_reserve(&frame, RPC_STREAM_MESSAGE + 6), E_OK);
    memset(frame.p, 0, RPC_STREAM_MESSAGE + 6);
    frame.n = RPC_STREAM_MESSAGE + 6;   /* one byte too many */
    assert_int_equal(rpc_compression_create(1, &c), E_OK);
    assert_true(rpc_compression_deflate(c, &frame, GRPC_FRAME_PREFIX));
    grpc_frame_set_compressed(&frame, 0);
    grpc_frame_end(&frame, 0);
    assert_refused_bytes(state, sends, buf_slice(&frame),
        GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG");
    rpc_compression_free(c);
    buf_free(&frame);
}

#define SMALL_BOMB 60000

/* What feeds a call of Collect until it ends, or has taken ${n}. */
static size_t
feed_all(struct rpc_stream *s, struct rpc_server *server, const struct buf *a,
    const struct buf *b, size_t n)
{
    size_t i;

    assert_int_equal(rpc_stream_open_with(s, server, PATH "Collect", sends),
        E_OK);
    for (i = 0; i < n && !s->responded; i++) {
        rpc_call_feed(s->call, buf_slice(a));
        rpc_call_feed(s->call, buf_slice(b));
    }
    return (i);
}

/* Each is within the limit, and all of them are a thousand times too much. */
static void
a_stream_of_small_bombs_is_stopped(void **state)
{
    struct rpc_limits limits = rpc_stream_limits;
    char *text = calloc(1, SMALL_BOMB + 1);
    struct buf bomb, plain, few;
    struct rpc_server *server;
    struct rpc_stream s;

    (void)state;
    assert_non_null(text);
    memset(text, 'z', SMALL_BOMB);
    bomb = packed_frame(text);
    plain = text_frame(text);
    few = text_frame("few");
    assert_true(bomb.n < SMALL_BOMB / 100);
    limits.max_message = 64 * 1024;
    limits.max_arena = 256 * 1024;
    assert_int_equal(rpc_server_create(NULL, &limits, &server), E_OK);

    /* Among enough that is not packed they may come, and a few anywhere. */
    assert_int_equal(feed_all(&s, server, &bomb, &plain, 100), 100);
    assert_false(s.responded);
    rpc_stream_close(&s);
    assert_int_equal(feed_all(&s, server, &bomb, &few,
        (1 << 20) / SMALL_BOMB), (1 << 20) / SMALL_BOMB);
    assert_false(s.responded);
    rpc_stream_close(&s);

    (void)feed_all(&s, server, &bomb, &few, 1000);
    assert_refused(&s, GRPC_RESOURCE_EXHAUSTED, "INFLATES_TOO_MUCH");
    rpc_stream_close(&s);
    rpc_server_free(server);
    buf_free(&few);
    buf_free(&plain);
    buf_free(&bomb);
    free(text);
}

/* ---- answers ----------------------------------------------------------- */

static void
a_public_answer_is_compressed_for_who_takes_it(void **state)
{
    static const char *const lists[] = {"gzip", "identity,gzip",
        "deflate, gzip", "gzip ,identity", "snappy,\tgzip"};
    const char *text = long_text("", 500);
    size_t i;

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const char *extra[] = {"grpc-accept-encoding", lists[i], NULL};

        assert_echo(state, PATH "Public", extra, text, 1);
    }
}

static void
nothing_is_compressed_for_who_does_not_take_it(void **state)
{
    static const char *const lists[] = {NULL, "", "identity", "gzipp",
        "xgzip", "GZIP", "deflate,identity", "gzip;q=0"};
    const char *text = long_text("", 500);
    size_t i;

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const char *extra[] = {"grpc-accept-encoding", lists[i], NULL};

        assert_echo(state, PATH "Public", extra, text, 0);
    }
}

static void
no_other_answer_is_compressed(void **state)
{
    assert_echo(state, PATH "Echo", both, long_text("", 800), 0);
    assert_echo(state, PATH "Collect", both, long_text("", 800), 0);
}

static void
short_answers_are_not_compressed(void **state)
{
    /* A string's field takes two bytes, or three above 127. */
    assert_echo(state, PATH "Public", takes, long_text("", 98), 0);
    assert_echo(state, PATH "Public", takes, long_text("", 99), 1);
}

static void
a_limit_of_nothing_turns_it_off(void **state)
{
    struct rpc_limits limits = rpc_stream_limits;
    struct rpc_server *server;
    void *other;

    (void)state;
    limits.compress_above = 0;
    assert_int_equal(rpc_server_create(NULL, &limits, &server), E_OK);
    other = server;
    assert_echo(&other, PATH "Public", takes, long_text("", 800), 0);
    rpc_server_free(server);
}

static void
a_stream_says_its_encoding_before_any_message(void **state)
{
    struct rpc_stream s;
    char copy[2][LONG_MAX_TEXT + 1];
    const char *texts[] = {"short", copy[0], copy[1]};
    static const int flags[] = {0, 1, 0};

    (void)snprintf(copy[0], sizeof(copy[0]), "%s", long_text("packed", 500));
    (void)snprintf(copy[1], sizeof(copy[1]), "%s", long_text("plain", 500));
    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "PublicChat",
        takes), E_OK);
    assert_false(s.responded);
    rpc_stream_text(&s, texts[0]);
    assert_true(s.responded);
    assert_string_equal(rpc_stream_value(&s, "grpc-encoding"), "gzip");
    rpc_stream_text(&s, texts[1]);
    rpc_stream_text(&s, texts[2]);
    rpc_stream_drain(&s, 100);
    assert_answers(&s, texts, flags, 3);
    rpc_stream_close(&s);
}

static void
an_answer_that_becomes_an_error_has_no_encoding(void **state)
{
    static const char *const unknown[] = {"grpc-encoding", "snappy", NULL};
    struct rpc_stream s;

    assert_int_equal(rpc_stream_open_with(&s, *state, PATH "Public",
        unknown), E_OK);
    assert_refused(&s, GRPC_UNIMPLEMENTED, "UNKNOWN_ENCODING");
    assert_string_equal(rpc_stream_value(&s, "grpc-accept-encoding"),
        "identity,gzip");
    assert_null(rpc_stream_value(&s, "grpc-encoding"));
    rpc_stream_close(&s);
}

/* ---- memory ------------------------------------------------------------ */

static void
every_allocation_may_fail(void **state)
{
    struct buf frame = packed_frame(long_text("", 600));
    struct rpc_limits limits = rpc_stream_limits;
    int n, fired = 1, ok = 0;

    (void)state;
    for (n = 0; n < 100 && fired; n++) {
        struct rpc_server *server;
        struct rpc_stream s;

        ok = 0;
        assert_int_equal(rpc_server_create(NULL, &limits, &server), E_OK);
        fault_arm(n);
        if (rpc_stream_open_with(&s, server, PATH "Public", both) == E_OK) {
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
        rpc_server_free(server);
    }
    assert_in_range(n, 8, 99);
    assert_true(ok);
    buf_free(&frame);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, \
    rpc_stream_setup, rpc_stream_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_compressed_request_is_inflated),
        TEST(each_message_has_a_flag_of_its_own),
        TEST(a_flag_without_an_encoding_is_refused),
        TEST(a_flag_that_does_not_exist_is_refused),
        TEST(a_call_after_one_with_gzip_is_a_call_of_its_own),
        TEST(what_is_not_gzip_is_refused),
        TEST(the_limit_is_on_the_inflated_message),
        TEST(a_stream_of_small_bombs_is_stopped),
        TEST(a_public_answer_is_compressed_for_who_takes_it),
        TEST(nothing_is_compressed_for_who_does_not_take_it),
        TEST(no_other_answer_is_compressed),
        TEST(short_answers_are_not_compressed),
        TEST(a_limit_of_nothing_turns_it_off),
        TEST(a_stream_says_its_encoding_before_any_message),
        TEST(an_answer_that_becomes_an_error_has_no_encoding),
        TEST(every_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
