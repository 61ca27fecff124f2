#include "client/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "client/channel.h"
#include "client/clock.h"
#include "client/error.h"

#define TIMEOUT_MS 30000
#define PATH_MAX_BYTES 128

struct session {
    struct channel *channel;        /* owned */
    nghttp2_session *h2;            /* owned */
    struct buf out;                 /* from nghttp2, not yet written */
    size_t written;                 /* of out */
    int timeout_ms;
    int64_t deadline_us;            /* of the unary call; 0: it is a stream */
    int64_t moved_us;               /* when something last moved */
    int deaf;                       /* the server takes nothing any more */
    int dead;                       /* the connection is gone */
    int goaway;                     /* the server ends it ... */
    int farewell;                   /* ... in good order */
    struct vouch_error why;         /* of the last two */
    int waiting;                    /* nghttp2 waits for the call's bytes */
    struct call call;               /* the one in progress */
};

/* ---- nghttp2's callbacks ----------------------------------------------- */

static struct call *
call_of(struct session *s, int32_t stream)
{
    return (stream != 0 && stream == s->call.stream ? &s->call : NULL);
}

static int
on_header(nghttp2_session *h2, const nghttp2_frame *frame,
    const uint8_t *name, size_t nname, const uint8_t *value, size_t nvalue,
    uint8_t flags, void *cookie)
{
    struct call *call = call_of(cookie, frame->hd.stream_id);

    (void)h2, (void)flags;
    if (call != NULL)
        call_header(call, (struct slice){name, nname},
            (struct slice){value, nvalue},
            (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
    return (0);
}

static int
on_data(nghttp2_session *h2, uint8_t flags, int32_t stream,
    const uint8_t *data, size_t n, void *cookie)
{
    struct call *call = call_of(cookie, stream);

    (void)h2, (void)flags;
    if (call != NULL)
        call_data(call, (struct slice){data, n});
    return (0);
}

/* The server may have said all while we still send. */
static int
on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *cookie)
{
    struct call *call = call_of(cookie, frame->hd.stream_id);
    struct session *s = cookie;

    (void)h2;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        s->goaway = 1;
        s->farewell |= frame->goaway.error_code == NGHTTP2_NO_ERROR;
    }
    if (call != NULL && (frame->hd.type == NGHTTP2_HEADERS ||
        frame->hd.type == NGHTTP2_DATA) &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        call->ended = 1;
    return (0);
}

static int
on_close(nghttp2_session *h2, int32_t stream, uint32_t code, void *cookie)
{
    struct call *call = call_of(cookie, stream);

    (void)h2;
    if (call != NULL) {
        call->closed = 1;
        call->reset = code;
    }
    return (0);
}

static ssize_t
take_out(nghttp2_session *h2, int32_t stream, uint8_t *out, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *cookie)
{
    struct session *s = cookie;
    struct call *call = call_of(s, stream);
    size_t n;

    (void)h2, (void)source;
    if (call == NULL)               /* a stream that was given up */
        return (NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
    n = call->out.n < size ? call->out.n : size;
    if (n == 0 && !call->half_closed) {
        s->waiting = 1;
        return (NGHTTP2_ERR_DEFERRED);
    }
    if (n > 0) {
        memcpy(out, call->out.p, n);
        buf_drop(&call->out, n);
    }
    if (call->half_closed && call->out.n == 0)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return ((ssize_t)n);
}

static int
make_session(struct session *s)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 16384},
    };
    nghttp2_session_callbacks *callbacks = NULL;
    int status = -1;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        goto out;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
        on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks,
        on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
        on_close);
    if (nghttp2_session_client_new(&s->h2, callbacks, s) != 0 ||
        nghttp2_submit_settings(s->h2, NGHTTP2_FLAG_NONE, settings,
            sizeof(settings) / sizeof(settings[0])) != 0)
        goto out;
    status = 0;

out:
    nghttp2_session_callbacks_del(callbacks);
    return (status);
}

/* ---- moving bytes ------------------------------------------------------ */

/* The connection is of no use any more; every later call will say why. */
static int
die(struct session *s, const struct vouch_error *error)
{
    s->dead = 1;
    s->why = *error;
    return (-1);
}

/* The server takes nothing any more, but may have said why before that. */
static void
go_deaf(struct session *s, const struct vouch_error *error)
{
    s->deaf = 1;
    s->why = *error;
}

/* Have nghttp2's next bytes in s->out, if there are any.  Returns 0 or -1. */
static int
refill(struct session *s)
{
    const uint8_t *p;
    ssize_t n;

    if (s->written < s->out.n)
        return (0);
    s->written = 0;
    s->out.n = 0;
    if ((n = nghttp2_session_mem_send(s->h2, &p)) < 0)
        return (-1);
    return (buf_add(&s->out, (struct slice){p, (size_t)n}) == E_OK ? 0 : -1);
}

/* Write what goes without waiting.  Returns 0, or -1. */
static int
flush(struct session *s, struct vouch_error *error)
{
    for (;;) {
        long n;

        if (refill(s) != 0)
            return (error_memory(error));
        if (s->written == s->out.n)
            return (0);
        if ((n = channel_write(s->channel, s->out.p + s->written,
            s->out.n - s->written, error)) <= 0)
            return ((int)n);
        s->written += (size_t)n;
        s->moved_us = clock_us();
    }
}

static int
not_http2(struct session *s, struct vouch_error *error)
{
    (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
        "%s does not speak HTTP/2 as it should", channel_server(s->channel));
    error_next(error, "is this the address of vouchd?");
    return (-1);
}

/*
 * Read once, without waiting, and let nghttp2 have it.  Returns 1 if there was
 * something, 0 if not, -1.
 */
static int
absorb(struct session *s, struct vouch_error *error)
{
    uint8_t in[16384];
    long n = channel_read(s->channel, in, sizeof(in), error);

    if (n <= 0)
        return ((int)n);
    s->moved_us = clock_us();
    n = nghttp2_session_mem_recv(s->h2, in, (size_t)n);
    if (n == NGHTTP2_ERR_NOMEM)
        return (error_memory(error));
    return (n < 0 ? not_http2(s, error) : 1);
}

/* Move what there is, both ways, without waiting. */
static int
move(struct session *s, struct vouch_error *error)
{
    int got;

    if (!s->deaf && flush(s, error) != 0)
        go_deaf(s, error);
    if ((got = absorb(s, error)) < 0)
        return (die(s, error));
    if (s->deaf) {                  /* read on: the reason may come yet */
        *error = s->why;
        return (got > 0 || call_is_over(&s->call) ? got : die(s, error));
    }
    if (got > 0 && flush(s, error) != 0)
        go_deaf(s, error);
    /* nghttp2 hangs up by itself on a server that breaks the rules. */
    if (s->call.stream != 0 && !call_is_over(&s->call) &&
        !nghttp2_session_want_read(s->h2)) {
        (void)not_http2(s, error);
        return (die(s, error));
    }
    return (got);
}

static int
too_late(struct session *s, struct vouch_error *error)
{
    int ms = s->timeout_ms;

    (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
        "%s did not answer within %d.%03d s", channel_server(s->channel),
        ms / 1000, ms % 1000);
    error_next(error, "try again, or give more time with --timeout SECONDS");
    return (-1);
}

/*
 * A unary call has a deadline that no slow drip moves; a stream has one only
 * for silence.
 */
int
session_pump(struct session *s, int wait, struct vouch_error *error)
{
    int64_t deadline_us;
    int got;

    if (s->dead) {
        *error = s->why;
        return (-1);
    }
    if ((got = move(s, error)) < 0)
        return (-1);
    if (!wait || call_is_over(&s->call))
        return (0);
    deadline_us = s->deadline_us != 0 ? s->deadline_us :
        s->moved_us + (int64_t)s->timeout_ms * 1000;
    if (clock_us() >= deadline_us)
        return (too_late(s, error));
    if (got > 0)
        return (0);
    if (channel_wait(s->channel, deadline_us, error) != 0)
        return (clock_us() >= deadline_us ? too_late(s, error) :
            die(s, error));
    return (move(s, error) < 0 ? -1 : 0);
}

/* ---- one call ---------------------------------------------------------- */

static nghttp2_nv
header(const char *name, const char *value)
{
    return ((nghttp2_nv){(uint8_t *)(uintptr_t)name,
        (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
        NGHTTP2_NV_FLAG_NONE});
}

/* grpc-timeout: at most eight digits and a unit. */
static void
format_timeout(int ms, char out[24])
{
    if (ms <= 99999999)
        (void)snprintf(out, 24, "%dm", ms);
    else
        (void)snprintf(out, 24, "%dS", ms / 1000);
}

static int
submit(struct session *s, const char *method, unsigned before,
    struct vouch_error *error)
{
    char path[PATH_MAX_BYTES], timeout[24], attempts[12];
    nghttp2_nv headers[9];
    nghttp2_data_provider body = {.read_callback = take_out};
    int32_t stream;
    size_t n = 0;

    (void)snprintf(path, sizeof(path), "/%s", method);
    (void)snprintf(attempts, sizeof(attempts), "%u", before);
    headers[n++] = header(":method", "POST");
    headers[n++] = header(":scheme", "https");
    headers[n++] = header(":path", path);
    headers[n++] = header(":authority", channel_server(s->channel));
    headers[n++] = header("te", "trailers");
    headers[n++] = header("content-type", "application/grpc");
    headers[n++] = header("user-agent", "vouch/" VOUCH_VERSION);
    if (s->deadline_us != 0) {
        format_timeout(clock_left_ms(s->deadline_us), timeout);
        headers[n++] = header("grpc-timeout", timeout);
    }
    if (before > 0)
        headers[n++] = header("grpc-previous-rpc-attempts", attempts);
    if ((stream = nghttp2_submit_request(s->h2, NULL, headers, n, &body,
        NULL)) < 0)
        return (error_memory(error));
    s->call.stream = stream;
    return (0);
}

static int
timeout_of(const struct vouch_options *options)
{
    return (options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS);
}

int64_t
session_deadline(const struct vouch_options *options)
{
    return (clock_us() + (int64_t)timeout_of(options) * 1000);
}

/* What a server said since the last call came in few pieces. */
int
session_is_over(struct session *s)
{
    struct vouch_error error;
    int got = 1;

    if (s->call.stream != 0)
        return (0);
    while (got > 0 && !s->dead)
        got = move(s, &error);
    return (s->farewell && (s->dead || s->deaf ||
        !nghttp2_session_check_request_allowed(s->h2)));
}

int
session_begin(struct session *s, const char *method,
    const struct session_attempt *attempt,
    const ProtobufCMessageDescriptor *type, struct vouch_error *error)
{
    if (s->call.stream != 0 || strlen(method) + 2 > PATH_MAX_BYTES)
        return (error_set(error, VOUCH_FAILURE_SETUP, "%s",
            s->call.stream != 0 ? "a call is in progress on this connection" :
            "the method's name is too long"));
    if (session_pump(s, 0, error) != 0)     /* has it said good-bye? */
        return (-1);
    if (!nghttp2_session_check_request_allowed(s->h2)) {
        if (!s->goaway)             /* it is nghttp2 that hung up */
            return (not_http2(s, error));
        (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "%s takes no more calls on this connection",
            channel_server(s->channel));
        error_next(error, "connect and try again");
        return (-1);
    }
    if (call_begin(&s->call, type) != E_OK)
        return (error_memory(error));
    s->waiting = 0;
    s->moved_us = clock_us();
    s->deadline_us = attempt != NULL ? attempt->deadline_us : 0;
    if (submit(s, method, attempt != NULL ? attempt->before : 0, error) !=
        0) {
        call_clear(&s->call);
        return (-1);
    }
    return (0);
}

void
session_resume(struct session *s)
{
    s->moved_us = clock_us();
    if (s->waiting && !s->call.closed &&
        (s->call.out.n > 0 || s->call.half_closed)) {
        s->waiting = 0;
        (void)nghttp2_session_resume_data(s->h2, s->call.stream);
    }
}

struct call *
session_call(struct session *s)
{
    return (&s->call);
}

int
session_identity(const struct session *s, char *uri, size_t size)
{
    return (channel_identity(s->channel, uri, size));
}

void
session_end(struct session *s)
{
    struct vouch_error error;
    int32_t stream = s->call.stream;
    int closed = s->call.closed;

    call_clear(&s->call);
    if (stream == 0 || closed || s->dead || s->deaf)
        return;
    (void)nghttp2_submit_rst_stream(s->h2, NGHTTP2_FLAG_NONE, stream,
        NGHTTP2_CANCEL);
    (void)flush(s, &error);         /* the next call will tell if it broke */
}

/* ---- both ends --------------------------------------------------------- */

int
session_open(const struct vouch_options *options, struct session **session,
    struct vouch_error *error)
{
    struct session *s;
    int status = -1;

    *session = NULL;
    if ((s = calloc(1, sizeof(*s))) == NULL)
        return (error_memory(error));
    buf_init(&s->out, SIZE_MAX / 2);
    s->timeout_ms = timeout_of(options);
    if (channel_open(options, &s->channel, error) != 0)
        goto out;
    if (make_session(s) != 0) {
        (void)error_memory(error);
        goto out;
    }

    *session = s;
    s = NULL;
    status = 0;

out:
    session_close(s);
    return (status);
}

void
session_close(struct session *s)
{
    struct vouch_error error;

    if (s == NULL)
        return;
    if (s->h2 != NULL && !s->dead) {
        session_end(s);
        (void)nghttp2_session_terminate_session(s->h2, NGHTTP2_NO_ERROR);
        if (!s->deaf)
            (void)flush(s, &error); /* a courtesy: it may be too late */
    }
    call_clear(&s->call);
    nghttp2_session_del(s->h2);
    buf_free(&s->out);
    channel_close(s->channel);
    free(s);
}
