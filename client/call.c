#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "client/channel.h"
#include "client/error.h"
#include "client/vouch.h"
#include "proto/bytes.h"
#include "proto/grpc_frame.h"
#include "proto/grpc_status.h"
#include "proto/message.h"
#include "proto/uuid.h"

#define RESPONSE_MAX ((size_t)4 << 20)
#define UNSENT_MAX ((size_t)1 << 20)
#define UNREAD_MAX ((size_t)256 << 20)
#define TEXT_MAX 8192

static const struct message_limits limits = {
    .depth = 32,
    .elements = 1 << 20,
    .fields = 1 << 22,
    .refuse_unknown = 0,        /* a newer server may say more */
};

/* A message that has come and has not been taken. */
struct arrived {
    struct arrived *next;
    size_t n;
    uint8_t bytes[];
};

/* The one call in progress. */
struct call {
    int32_t stream;                 /* 0: none */
    const ProtobufCMessageDescriptor *type;
    struct buf out;                 /* framed, not yet sent */
    int half_closed;
    int waiting;                    /* nghttp2 waits for out to fill */
    struct grpc_reader *reader;     /* owned */
    struct arrived *first, **last;  /* owned */
    size_t unread;                  /* bytes in them */
    int closed;                     /* the stream is over */
    uint32_t reset;                 /* the HTTP/2 error it ended with */
    int http_status;
    int has_status;                 /* grpc-status was there */
    enum grpc_code code;
    struct buf message;             /* grpc-message as on the wire */
    struct buf details;             /* grpc-status-details-bin, in base64 */
    enum err broken;                /* what we could not make sense of */
};

struct vouch {
    struct channel *channel;        /* owned */
    nghttp2_session *h2;            /* owned */
    int timeout_ms;
    struct call call;
};

/* ---- nghttp2's callbacks ----------------------------------------------- */

static int
on_header(nghttp2_session *h2, const nghttp2_frame *frame,
    const uint8_t *name, size_t nname, const uint8_t *value, size_t nvalue,
    uint8_t flags, void *cookie)
{
    struct call *call = &((struct vouch *)cookie)->call;
    struct slice n = {name, nname}, v = {value, nvalue};
    char text[16] = "";

    (void)h2, (void)flags;
    if (frame->hd.stream_id != call->stream || call->stream == 0)
        return (0);
    memcpy(text, value, nvalue < sizeof(text) ? nvalue : sizeof(text) - 1);
    if (slice_equal(n, slice_of(":status")))
        call->http_status = (int)strtol(text, NULL, 10);
    else if (slice_equal(n, slice_of("grpc-status"))) {
        long code = strtol(text, NULL, 10);

        call->has_status = 1;
        call->code = code >= 0 && code < GRPC_CODE_COUNT ?
            (enum grpc_code)code : GRPC_UNKNOWN;
    } else if (slice_equal(n, slice_of("grpc-message"))) {
        if (call->message.n == 0 && buf_add(&call->message, v) != E_OK)
            call->message.n = 0;    /* too long to show: do without */
    } else if (slice_equal(n, slice_of("grpc-status-details-bin"))) {
        if (call->details.n == 0 && buf_add(&call->details, v) != E_OK)
            call->details.n = 0;
    }
    return (0);
}

static enum err
keep(struct call *call, struct slice message)
{
    struct arrived *a;

    if (call->unread + message.n > UNREAD_MAX)
        return (E_TOOBIG);
    if ((a = malloc(sizeof(*a) + message.n)) == NULL)
        return (E_NOMEM);
    a->next = NULL;
    a->n = message.n;
    if (message.n > 0)
        memcpy(a->bytes, message.p, message.n);
    call->unread += message.n;
    *call->last = a;
    call->last = &a->next;
    return (E_OK);
}

static int
on_data(nghttp2_session *h2, uint8_t flags, int32_t stream,
    const uint8_t *data, size_t n, void *cookie)
{
    struct call *call = &((struct vouch *)cookie)->call;
    struct slice in = {data, n};

    (void)h2, (void)flags;
    if (stream != call->stream || call->broken != E_OK ||
        call->http_status != 200)
        return (0);
    while (in.n > 0 && call->broken == E_OK) {
        struct slice message;
        int done;

        if ((call->broken = grpc_reader_next(call->reader, &in, &message,
            &done)) == E_OK && done)
            call->broken = keep(call, message);
    }
    return (0);
}

static int
on_close(nghttp2_session *h2, int32_t stream, uint32_t code, void *cookie)
{
    struct call *call = &((struct vouch *)cookie)->call;

    (void)h2;
    if (stream == call->stream) {
        call->closed = 1;
        call->reset = code;
    }
    return (0);
}

static ssize_t
take_out(nghttp2_session *h2, int32_t stream, uint8_t *out, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *cookie)
{
    struct call *call = source->ptr;
    size_t n = call->out.n < size ? call->out.n : size;

    (void)h2, (void)stream, (void)cookie;
    if (n == 0 && !call->half_closed) {
        call->waiting = 1;
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

static int
flush(struct vouch *v, struct vouch_error *error)
{
    const uint8_t *p;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(v->h2, &p)) > 0)
        if (channel_write(v->channel, p, (size_t)n, error) != 0)
            return (-1);
    if (n < 0)
        return (error_memory(error));
    return (0);
}

/* Send what there is, then read once; wait for something only if ${wait}. */
static int
pump(struct vouch *v, int wait, struct vouch_error *error)
{
    uint8_t in[16384];
    long n;

    if (flush(v, error) != 0 ||
        (n = channel_read(v->channel, in, sizeof(in), wait, error)) < 0)
        return (-1);
    if (nghttp2_session_mem_recv(v->h2, in, (size_t)n) < 0)
        return (error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "%s does not speak HTTP/2 as it should",
            channel_server(v->channel)));
    return (flush(v, error));
}

/* ---- one call ---------------------------------------------------------- */

static void
call_clear(struct call *call)
{
    while (call->first != NULL) {
        struct arrived *a = call->first;

        call->first = a->next;
        free(a);
    }
    grpc_reader_free(call->reader);
    buf_free(&call->out);
    buf_free(&call->message);
    buf_free(&call->details);
    memset(call, 0, sizeof(*call));
    call->last = &call->first;
    buf_init(&call->out, SIZE_MAX / 2);
    buf_init(&call->message, TEXT_MAX);
    buf_init(&call->details, TEXT_MAX);
}

static nghttp2_nv
header(const char *name, const char *value)
{
    return ((nghttp2_nv){(uint8_t *)(uintptr_t)name,
        (uint8_t *)(uintptr_t)value, strlen(name), strlen(value),
        NGHTTP2_NV_FLAG_NONE});
}

static int
begin(struct vouch *v, const char *method, int deadline,
    const ProtobufCMessageDescriptor *type, struct vouch_error *error)
{
    struct call *call = &v->call;
    char path[128], timeout[24];
    nghttp2_nv headers[8];
    nghttp2_data_provider body = {.source.ptr = call,
        .read_callback = take_out};
    size_t n = 0;

    if (call->stream != 0)
        return (error_set(error, VOUCH_FAILURE_SETUP,
            "a call is in progress on this connection"));
    if (grpc_reader_create(RESPONSE_MAX, &call->reader) != E_OK)
        return (error_memory(error));
    call->type = type;
    (void)snprintf(path, sizeof(path), "/%s", method);
    (void)snprintf(timeout, sizeof(timeout), "%dm", v->timeout_ms);
    headers[n++] = header(":method", "POST");
    headers[n++] = header(":scheme", "https");
    headers[n++] = header(":path", path);
    headers[n++] = header(":authority", channel_server(v->channel));
    headers[n++] = header("te", "trailers");
    headers[n++] = header("content-type", "application/grpc");
    headers[n++] = header("user-agent", "vouch/" VOUCH_VERSION);
    if (deadline)
        headers[n++] = header("grpc-timeout", timeout);
    call->stream = nghttp2_submit_request(v->h2, NULL, headers, n, &body,
        NULL);
    if (call->stream < 0) {
        call_clear(call);
        return (error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "%s takes no more calls on this connection",
            channel_server(v->channel)));
    }
    return (0);
}

static int
put(struct call *call, const ProtobufCMessage *request)
{
    size_t at;

    if (grpc_frame_begin(&call->out, &at) != E_OK ||
        message_pack(request, &call->out) != E_OK)
        return (-1);
    grpc_frame_end(&call->out, at);
    return (0);
}

/* Let nghttp2 ask again for what is to be sent. */
static void
resume(struct vouch *v)
{
    if (v->call.waiting && !v->call.closed) {
        v->call.waiting = 0;
        (void)nghttp2_session_resume_data(v->h2, v->call.stream);
    }
}

/* How HTTP maps to gRPC where a proxy answered (grpc/doc/
 * http-grpc-status-mapping.md). */
static enum grpc_code
code_of_http(int status)
{
    switch (status) {
    case 400: return (GRPC_INTERNAL);
    case 401: return (GRPC_UNAUTHENTICATED);
    case 403: return (GRPC_PERMISSION_DENIED);
    case 404: return (GRPC_UNIMPLEMENTED);
    case 429: case 502: case 503: case 504: return (GRPC_UNAVAILABLE);
    default: return (GRPC_UNKNOWN);
    }
}

static enum grpc_code
code_of_reset(uint32_t reset)
{
    switch (reset) {
    case NGHTTP2_REFUSED_STREAM: return (GRPC_UNAVAILABLE);
    case NGHTTP2_CANCEL: return (GRPC_CANCELLED);
    case NGHTTP2_ENHANCE_YOUR_CALM: return (GRPC_RESOURCE_EXHAUSTED);
    case NGHTTP2_INADEQUATE_SECURITY: return (GRPC_PERMISSION_DENIED);
    default: return (GRPC_INTERNAL);
    }
}

/* The call is over: tell how, 0 or -1. */
static int
outcome(struct call *call, struct vouch_error *error)
{
    uint8_t details[TEXT_MAX];
    struct grpc_status status;
    size_t n = 0;

    if (call->broken != E_OK)
        return (error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "the answer could not be read: %s", err_text(call->broken)));
    if (call->has_status && call->code == GRPC_OK &&
        !grpc_reader_partial(call->reader))
        return (0);
    if (call->has_status && call->code != GRPC_OK) {
        if (bytes_from_base64(buf_slice(&call->details), details,
            sizeof(details), &n) != E_OK)
            n = 0;
        grpc_status_parse(call->code, buf_slice(&call->message),
            (struct slice){details, n}, &status);
    } else if (call->http_status != 0 && call->http_status != 200)
        grpc_status_set(&status, code_of_http(call->http_status), "",
            "the server answered with HTTP status %d", call->http_status);
    else if (call->reset != NGHTTP2_NO_ERROR)
        grpc_status_set(&status, code_of_reset(call->reset), "",
            "the server ended the call with HTTP/2 error %" PRIu32,
            call->reset);
    else    /* An answer cut short must never pass for a whole one. */
        grpc_status_set(&status, GRPC_INTERNAL, "",
            "the answer ended without a status");
    return (error_status(error, &status));
}

static int
unpack(struct call *call, ProtobufCMessage **response,
    struct vouch_error *error)
{
    struct arrived *a = call->first;
    struct slice bytes = {a->bytes, a->n};
    struct message_fault fault;
    int status = 0;

    call->first = a->next;
    if (call->first == NULL)
        call->last = &call->first;
    call->unread -= a->n;
    if (message_scan(call->type, bytes, &limits, &fault) != E_OK)
        status = error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "the answer could not be read: %s%s%s", fault.what,
            fault.field[0] != '\0' ? " in " : "", fault.field);
    else if ((*response = protobuf_c_message_unpack(call->type, NULL, a->n,
        a->bytes)) == NULL)
        status = error_memory(error);
    free(a);
    return (status);
}

/* ---- the public functions ---------------------------------------------- */

int
vouch_open(const struct vouch_options *options, struct vouch **vouch,
    struct vouch_error *error)
{
    struct vouch *v;
    int status = -1;

    *vouch = NULL;
    if ((v = calloc(1, sizeof(*v))) == NULL)
        return (error_memory(error));
    call_clear(&v->call);
    v->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : 30000;
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
    if (v->h2 != NULL) {
        vouch_stream_cancel(v);
        (void)nghttp2_session_terminate_session(v->h2, NGHTTP2_NO_ERROR);
        (void)flush(v, &error);     /* a courtesy: it may be too late */
    }
    call_clear(&v->call);
    nghttp2_session_del(v->h2);
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
    if (put(&v->call, request) != 0)
        return (error_memory(error));
    resume(v);
    do
        if (pump(v, v->call.out.n > UNSENT_MAX, error) != 0)
            return (-1);
    while (v->call.out.n > UNSENT_MAX && !v->call.closed);
    if (v->call.closed)
        return (error_set(error, VOUCH_FAILURE_STATUS,
            "the server ended the call"));
    return (0);
}

void
vouch_stream_half_close(struct vouch *v)
{
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
    do {
        if (call->first == NULL && !call->closed && call->broken == E_OK &&
            pump(v, wait, error) != 0)
            return (-1);
    } while (wait && call->first == NULL && !call->closed &&
        call->broken == E_OK);
    if (call->first != NULL)
        return (unpack(call, response, error) == 0 ? 1 : -1);
    if (!call->closed && call->broken == E_OK)
        return (0);
    if ((status = outcome(call, error)) != 0 && !call->closed)
        vouch_stream_cancel(v);
    else
        call_clear(call);
    return (status);
}

void
vouch_stream_cancel(struct vouch *v)
{
    struct vouch_error error;

    if (v->call.stream == 0)
        return;
    if (!v->call.closed) {
        (void)nghttp2_submit_rst_stream(v->h2, NGHTTP2_FLAG_NONE,
            v->call.stream, NGHTTP2_CANCEL);
        (void)flush(v, &error);     /* the next call will tell if it broke */
    }
    call_clear(&v->call);
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
    if (put(&v->call, request) != 0) {
        vouch_stream_cancel(v);
        return (error_memory(error));
    }
    vouch_stream_half_close(v);
    if ((status = vouch_stream_next(v, 1, response, error)) == 1)
        status = vouch_stream_next(v, 1, &extra, error);
    else if (status == 0)
        status = error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "the server answered nothing");
    if (status == 0)
        return (0);
    if (status == 1)
        status = error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "the server answered twice");
    vouch_free_message(extra);
    vouch_free_message(*response);
    *response = NULL;
    vouch_stream_cancel(v);
    return (status);
}

int
vouch_verify(struct vouch *v, const Vouch__V1__Claim *claim,
    Vouch__V1__VerifyCredentialResponse **response,
    struct vouch_error *error)
{
    Vouch__V1__VerifyCredentialRequest request =
        VOUCH__V1__VERIFY_CREDENTIAL_REQUEST__INIT;
    char id[UUID_TEXT];

    *response = NULL;
    if (uuid_make(id) != E_OK)
        return (error_set(error, VOUCH_FAILURE_SETUP,
            "the system gives no random numbers"));
    request.request_id = id;
    request.claim = (Vouch__V1__Claim *)(uintptr_t)claim;
    return (vouch_call(v, "vouch.v1.VerificationService/VerifyCredential",
        &request.base, &vouch__v1__verify_credential_response__descriptor,
        (ProtobufCMessage **)response, error));
}

void
vouch_free_message(ProtobufCMessage *message)
{
    if (message != NULL)
        protobuf_c_message_free_unpacked(message, NULL);
}
