#include "client/vouch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "client/call.h"
#include "client/channel.h"
#include "client/clock.h"
#include "client/error.h"

#define TIMEOUT_MS 30000
#define UNSENT_MAX ((size_t)1 << 20)
#define PATH_MAX_BYTES 128

struct vouch {
    struct channel *channel;        /* owned */
    nghttp2_session *h2;            /* owned */
    struct buf out;                 /* from nghttp2, not yet written */
    size_t written;                 /* of out */
    int timeout_ms;
    int64_t deadline_us;            /* of the unary call; 0: it is a stream */
    int64_t moved_us;               /* when something last moved */
    int deaf;                       /* the server takes nothing any more */
    int dead;                       /* the connection is gone */
    int failed;                     /* the call in progress failed here */
    struct vouch_error why;         /* of the last three */
    int waiting;                    /* nghttp2 waits for the call's bytes */
    struct call call;               /* the one in progress */
};

/* ---- nghttp2's callbacks ----------------------------------------------- */

static struct call *
call_of(struct vouch *v, int32_t stream)
{
    return (stream != 0 && stream == v->call.stream ? &v->call : NULL);
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

    (void)h2;
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
    struct vouch *v = cookie;
    struct call *call = call_of(v, stream);
    size_t n;

    (void)h2, (void)source;
    if (call == NULL)               /* a stream that was given up */
        return (NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE);
    n = call->out.n < size ? call->out.n : size;
    if (n == 0 && !call->half_closed) {
        v->waiting = 1;
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
make_session(struct vouch *v)
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
    if (nghttp2_session_client_new(&v->h2, callbacks, v) != 0 ||
        nghttp2_submit_settings(v->h2, NGHTTP2_FLAG_NONE, settings,
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
die(struct vouch *v, const struct vouch_error *error)
{
    v->dead = 1;
    v->why = *error;
    return (-1);
}

/* The server takes nothing any more, but may have said why before that. */
static void
go_deaf(struct vouch *v, const struct vouch_error *error)
{
    v->deaf = 1;
    v->why = *error;
}

/* Have nghttp2's next bytes in v->out, if there are any.  Returns 0 or -1. */
static int
refill(struct vouch *v)
{
    const uint8_t *p;
    ssize_t n;

    if (v->written < v->out.n)
        return (0);
    v->written = 0;
    v->out.n = 0;
    if ((n = nghttp2_session_mem_send(v->h2, &p)) < 0)
        return (-1);
    return (buf_add(&v->out, (struct slice){p, (size_t)n}) == E_OK ? 0 : -1);
}

/* Write what goes without waiting.  Returns 0, or -1. */
static int
flush(struct vouch *v, struct vouch_error *error)
{
    for (;;) {
        long n;

        if (refill(v) != 0)
            return (error_memory(error));
        if (v->written == v->out.n)
            return (0);
        if ((n = channel_write(v->channel, v->out.p + v->written,
            v->out.n - v->written, error)) <= 0)
            return ((int)n);
        v->written += (size_t)n;
        v->moved_us = clock_us();
    }
}

static int
not_http2(struct vouch *v, struct vouch_error *error)
{
    (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
        "%s does not speak HTTP/2 as it should", channel_server(v->channel));
    error_next(error, "is this the address of vouchd?");
    return (-1);
}

/*
 * Read once, without waiting, and let nghttp2 have it.  Returns 1 if there was
 * something, 0 if not, -1.
 */
static int
absorb(struct vouch *v, struct vouch_error *error)
{
    uint8_t in[16384];
    long n = channel_read(v->channel, in, sizeof(in), error);

    if (n <= 0)
        return ((int)n);
    v->moved_us = clock_us();
    n = nghttp2_session_mem_recv(v->h2, in, (size_t)n);
    if (n == NGHTTP2_ERR_NOMEM)
        return (error_memory(error));
    return (n < 0 ? not_http2(v, error) : 1);
}

/* Move what there is, both ways, without waiting. */
static int
move(struct vouch *v, struct vouch_error *error)
{
    int got;

    if (!v->deaf && flush(v, error) != 0)
        go_deaf(v, error);
    if ((got = absorb(v, error)) < 0)
        return (die(v, error));
    if (v->deaf) {                  /* read on: the reason may come yet */
        *error = v->why;
        return (got > 0 || call_is_over(&v->call) ? got : die(v, error));
    }
    if (got > 0 && flush(v, error) != 0)
        go_deaf(v, error);
    /* nghttp2 hangs up by itself on a server that breaks the rules. */
    if (v->call.stream != 0 && !call_is_over(&v->call) &&
        !nghttp2_session_want_read(v->h2)) {
        (void)not_http2(v, error);
        return (die(v, error));
    }
    return (got);
}

static int
too_late(struct vouch *v, struct vouch_error *error)
{
    int ms = v->timeout_ms;

    (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
        "%s did not answer within %d.%03d s", channel_server(v->channel),
        ms / 1000, ms % 1000);
    error_next(error, "try again, or give more time with --timeout SECONDS");
    return (-1);
}

/*
 * Move what there is, both ways; if nothing came and ${wait}, wait until
 * something can move, and move it.  A unary call has a deadline that no slow
 * drip moves; a stream has one only for silence.
 */
static int
pump(struct vouch *v, int wait, struct vouch_error *error)
{
    int64_t deadline_us;
    int got;

    if (v->dead) {
        *error = v->why;
        return (-1);
    }
    if ((got = move(v, error)) < 0)
        return (-1);
    if (!wait || call_is_over(&v->call))
        return (0);
    deadline_us = v->deadline_us != 0 ? v->deadline_us :
        v->moved_us + (int64_t)v->timeout_ms * 1000;
    if (clock_us() >= deadline_us)
        return (too_late(v, error));
    if (got > 0)
        return (0);
    if (channel_wait(v->channel, deadline_us, error) != 0)
        return (clock_us() >= deadline_us ? too_late(v, error) :
            die(v, error));
    return (move(v, error) < 0 ? -1 : 0);
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
submit(struct vouch *v, const char *method, struct vouch_error *error)
{
    char path[PATH_MAX_BYTES], timeout[24];
    nghttp2_nv headers[8];
    nghttp2_data_provider body = {.read_callback = take_out};
    int32_t stream;
    size_t n = 0;

    (void)snprintf(path, sizeof(path), "/%s", method);
    format_timeout(v->timeout_ms, timeout);
    headers[n++] = header(":method", "POST");
    headers[n++] = header(":scheme", "https");
    headers[n++] = header(":path", path);
    headers[n++] = header(":authority", channel_server(v->channel));
    headers[n++] = header("te", "trailers");
    headers[n++] = header("content-type", "application/grpc");
    headers[n++] = header("user-agent", "vouch/" VOUCH_VERSION);
    if (v->deadline_us != 0)
        headers[n++] = header("grpc-timeout", timeout);
    if ((stream = nghttp2_submit_request(v->h2, NULL, headers, n, &body,
        NULL)) < 0)
        return (error_memory(error));
    v->call.stream = stream;
    return (0);
}

static int
begin(struct vouch *v, const char *method, int unary,
    const ProtobufCMessageDescriptor *type, struct vouch_error *error)
{
    if (v->call.stream != 0 || strlen(method) + 2 > PATH_MAX_BYTES)
        return (error_set(error, VOUCH_FAILURE_SETUP, "%s",
            v->call.stream != 0 ? "a call is in progress on this connection" :
            "the method's name is too long"));
    if (pump(v, 0, error) != 0)     /* has it said good-bye meanwhile? */
        return (-1);
    if (!nghttp2_session_check_request_allowed(v->h2)) {
        (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "%s takes no more calls on this connection",
            channel_server(v->channel));
        error_next(error, "connect and try again");
        return (-1);
    }
    if (call_begin(&v->call, type) != E_OK)
        return (error_memory(error));
    v->waiting = 0;
    v->failed = 0;
    v->moved_us = clock_us();
    v->deadline_us = unary ?
        v->moved_us + (int64_t)v->timeout_ms * 1000 : 0;
    if (submit(v, method, error) != 0) {
        call_clear(&v->call);
        return (-1);
    }
    return (0);
}

/* Let nghttp2 ask again for what is to be sent. */
static void
resume(struct vouch *v)
{
    if (v->waiting && !v->call.closed) {
        v->waiting = 0;
        (void)nghttp2_session_resume_data(v->h2, v->call.stream);
    }
}

/* Remember, for vouch_stream_next(), why the call cannot go on. */
static int
fail(struct vouch *v, const struct vouch_error *error)
{
    v->failed = 1;
    v->why = *error;
    return (-1);
}

static int
no_call(struct vouch_error *error)
{
    return (error_set(error, VOUCH_FAILURE_SETUP, "there is no call"));
}

/* ---- what the header promises ------------------------------------------ */

int
vouch_open(const struct vouch_options *options, struct vouch **vouch,
    struct vouch_error *error)
{
    struct vouch *v;
    int status = -1;

    *vouch = NULL;
    if ((v = calloc(1, sizeof(*v))) == NULL)
        return (error_memory(error));
    buf_init(&v->out, SIZE_MAX / 2);
    v->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms :
        TIMEOUT_MS;
    if (channel_open(options, &v->channel, error) != 0)
        goto out;
    if (make_session(v) != 0) {
        (void)error_memory(error);
        goto out;
    }

    *vouch = v;
    v = NULL;
    status = 0;

out:
    vouch_close(v);
    return (status);
}

void
vouch_close(struct vouch *v)
{
    struct vouch_error error;

    if (v == NULL)
        return;
    if (v->h2 != NULL && !v->dead) {
        vouch_stream_cancel(v);
        (void)nghttp2_session_terminate_session(v->h2, NGHTTP2_NO_ERROR);
        if (!v->deaf)
            (void)flush(v, &error); /* a courtesy: it may be too late */
    }
    call_clear(&v->call);
    nghttp2_session_del(v->h2);
    buf_free(&v->out);
    channel_close(v->channel);
    free(v);
}

int
vouch_stream_begin(struct vouch *v, const char *method,
    const ProtobufCMessageDescriptor *type, struct vouch_error *error)
{
    return (begin(v, method, 0, type, error));
}

int
vouch_stream_send(struct vouch *v, const ProtobufCMessage *request,
    struct vouch_error *error)
{
    struct call *call = &v->call;

    if (call->stream == 0 || call->half_closed)
        return (no_call(error));
    if (call_put(call, request) != E_OK) {
        (void)error_memory(error);
        return (fail(v, error));
    }
    resume(v);
    v->moved_us = clock_us();
    do
        if (pump(v, call->out.n > UNSENT_MAX, error) != 0)
            return (fail(v, error));
    while (call->out.n > UNSENT_MAX && !call_is_over(call));
    if (call_is_over(call))
        return (error_set(error, VOUCH_FAILURE_STATUS,
            "the server ended the call"));
    return (0);
}

void
vouch_stream_half_close(struct vouch *v)
{
    if (v->call.stream == 0)
        return;
    v->call.half_closed = 1;
    resume(v);
}

int
vouch_stream_next(struct vouch *v, int wait, ProtobufCMessage **response,
    struct vouch_error *error)
{
    struct call *call = &v->call;
    int status;

    *response = NULL;
    if (call->stream == 0)
        return (no_call(error));
    v->moved_us = clock_us();
    do {
        if (call->first == NULL && !call_is_over(call) &&
            (v->failed || pump(v, wait, error) != 0)) {
            if (v->failed)
                *error = v->why;
            vouch_stream_cancel(v);
            return (-1);
        }
    } while (wait && call->first == NULL && !call_is_over(call));
    if (call->first == NULL && !call_is_over(call))
        return (0);
    if (call->first != NULL)
        status = call_take(call, response, error) == 0 ? 1 : -1;
    else if ((status = call_outcome(call, error)) == 0 && !wait)
        return (0);                 /* to be told to who waits for the end */
    if (status != 1)
        vouch_stream_cancel(v);
    return (status);
}

void
vouch_stream_cancel(struct vouch *v)
{
    struct vouch_error error;
    int32_t stream = v->call.stream;
    int closed = v->call.closed;

    call_clear(&v->call);
    if (stream == 0 || closed || v->dead || v->deaf)
        return;
    (void)nghttp2_submit_rst_stream(v->h2, NGHTTP2_FLAG_NONE, stream,
        NGHTTP2_CANCEL);
    (void)flush(v, &error);         /* the next call will tell if it broke */
}

int
vouch_call(struct vouch *v, const char *method,
    const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
    ProtobufCMessage **response, struct vouch_error *error)
{
    ProtobufCMessage *extra = NULL;
    int status;

    *response = NULL;
    if (begin(v, method, 1, type, error) != 0)
        return (-1);
    if (call_put(&v->call, request) != E_OK) {
        vouch_stream_cancel(v);
        return (error_memory(error));
    }
    vouch_stream_half_close(v);
    if ((status = vouch_stream_next(v, 1, response, error)) == 1)
        status = vouch_stream_next(v, 1, &extra, error);
    else if (status == 0)
        status = error_nonsense(error, "the server answered nothing");
    if (status == 0)
        return (0);
    if (status == 1) {
        vouch_stream_cancel(v);
        status = error_nonsense(error, "the server answered twice");
    }
    vouch_free_message(extra);
    vouch_free_message(*response);
    *response = NULL;
    return (status);
}
