#include "support/rpc_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

const struct rpc_limits rpc_stream_limits = {
    .max_message = RPC_STREAM_MESSAGE,
    .max_arena = 16 * 1024,
    .max_depth = 8,
    .max_elements = 64,
    .max_fields = 128,
    .max_deadline_us = 60000000,
    .stall_us = 30000000,
    .compress_above = 100,
};

const struct identity rpc_stream_peer = {
    .role = ROLE_EMPLOYER,
    .uri = "spiffe://test/employer/acme",
    .id = "acme",
};

static void
note_headers(struct rpc_stream *s, const struct rpc_header *headers, size_t n)
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
    struct rpc_stream *s = cookie;

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
    struct rpc_stream *s = cookie;

    s->resumed++;
}

static void
reset(void *cookie, uint32_t code)
{
    struct rpc_stream *s = cookie;

    s->resets++;
    s->reset_code = code;
}

const struct rpc_stream_ops rpc_stream_ops = {respond, resume, reset};

/* Take everything that there is, ${step} bytes at a time. */
void
rpc_stream_drain(struct rpc_stream *s, size_t step)
{
    struct rpc_header trailers[8];
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
            n = rpc_call_trailers(s->call, trailers, 8);
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

int
rpc_stream_setup(void **state)
{
    struct rpc_server *server;

    memset(&fake, 0, sizeof(fake));
    assert_int_equal(rpc_server_create(NULL, &rpc_stream_limits, &server),
        E_OK);
    *state = server;
    return (0);
}

int
rpc_stream_teardown(void **state)
{
    struct rpc_server *server = *state;

    assert_int_equal(rpc_server_calls(server), 0);
    assert_int_equal(fake.started, fake.ended);
    rpc_server_free(server);
    return (0);
}

/* Open a call with ${extra}, up to a NULL name, besides the usual headers. */
enum err
rpc_stream_open_with(struct rpc_stream *s, struct rpc_server *server,
    const char *path,
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
        slice_of(path), 0};
    for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i += 2) {
        for (j = 0; extra != NULL && extra[j] != NULL; j += 2) {
            if (strcmp(extra[j], usual[i]) == 0)
                break;
        }
        if (extra == NULL || extra[j] == NULL)
            headers[request.n++] = (struct rpc_header){slice_of(usual[i]),
                slice_of(usual[i + 1]), 0};
    }
    for (j = 0; extra != NULL && extra[j] != NULL; j += 2) {
        if (extra[j + 1] != NULL)
            headers[request.n++] = (struct rpc_header){slice_of(extra[j]),
                slice_of(extra[j + 1]), 0};
    }
    return (rpc_call_start(server, &rpc_stream_peer, &request,
        &rpc_stream_ops, s, &s->call));
}

void
rpc_stream_open(struct rpc_stream *s, void **state, const char *path)
{
    assert_int_equal(rpc_stream_open_with(s, *state, path, NULL), E_OK);
}

void
rpc_stream_text(struct rpc_stream *s, const char *text)
{
    struct buf frame = text_frame(text);

    rpc_call_feed(s->call, buf_slice(&frame));
    buf_free(&frame);
}

/* The value of a header that was sent, up to the end of its line. */
const char *
rpc_stream_value(const struct rpc_stream *s, const char *name)
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
struct grpc_status
rpc_stream_status(const struct rpc_stream *s)
{
    struct grpc_status status;
    char message[1024] = "", details[8192] = "";
    uint8_t bytes[4096];
    const char *text;
    size_t n = 0;
    int code;

    assert_true(s->ended);
    assert_non_null(rpc_stream_value(s, "grpc-status"));
    code = (int)strtol(rpc_stream_value(s, "grpc-status"), NULL, 10);
    if ((text = rpc_stream_value(s, "grpc-message")) != NULL)
        (void)snprintf(message, sizeof(message), "%s", text);
    if ((text = rpc_stream_value(s, "grpc-status-details-bin")) != NULL)
        (void)snprintf(details, sizeof(details), "%s", text);
    assert_null(strchr(details, '='));
    assert_int_equal(bytes_from_base64(slice_of(details), bytes,
        sizeof(bytes), &n), E_OK);
    grpc_status_parse((enum grpc_code)code, slice_of(message),
        (struct slice){bytes, n}, &status);
    assert_true(code == GRPC_OK || status.reason[0] != '\0');
    return (status);
}

void
rpc_stream_close(struct rpc_stream *s)
{
    rpc_call_free(s->call);
    s->call = NULL;
}

/* A call that was refused in one header list, with ${code} and ${reason}. */
void
assert_refused(struct rpc_stream *s, enum grpc_code code, const char *reason)
{
    struct grpc_status status;

    rpc_stream_drain(s, 100);
    assert_int_equal(s->nbody, 0);
    status = rpc_stream_status(s);
    assert_int_equal(status.code, code);
    assert_string_equal(status.reason, reason);
    assert_string_equal(rpc_stream_value(s, ":status"), "200");
    assert_string_equal(rpc_stream_value(s, "content-type"),
        "application/grpc");
}
