#include "client/call.h"

#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "client/error.h"
#include "proto/message.h"

#define RESPONSE_MAX ((size_t)4 << 20)
#define UNREAD_MAX ((size_t)64 << 20)
#define MESSAGE_COST ((size_t)64)   /* of memory, beside its bytes */
#define TEXT_MAX 8192

static const struct message_limits limits = {
    .depth = 32,
    .elements = 1 << 20,
    .fields = 1 << 22,
    .refuse_unknown = 0,        /* a newer server may say more */
};

enum err
call_begin(struct call *call, const ProtobufCMessageDescriptor *type)
{
    struct grpc_reader *reader;
    enum err err;

    if ((err = grpc_reader_create(RESPONSE_MAX, &reader)) != E_OK)
        return (err);
    *call = (struct call){.reader = reader, .type = type, .pushback = -1};
    call->last = &call->first;
    buf_init(&call->out, SIZE_MAX / 2);
    buf_init(&call->message, TEXT_MAX);
    buf_init(&call->details, TEXT_MAX);
    return (E_OK);
}

void
call_clear(struct call *call)
{
    while (call->first != NULL) {
        struct call_message *m = call->first;

        call->first = m->next;
        free(m);
    }
    grpc_reader_free(call->reader);
    buf_free(&call->out);
    buf_free(&call->message);
    buf_free(&call->details);
    *call = (struct call){0};
}

enum err
call_put(struct call *call, const ProtobufCMessage *request)
{
    size_t at, before = call->out.n;
    enum err err;

    if ((err = grpc_frame_begin(&call->out, &at)) != E_OK)
        return (err);
    if ((err = message_pack(request, &call->out)) != E_OK) {
        call->out.n = before;       /* a prefix alone is an empty message */
        return (err);
    }
    grpc_frame_end(&call->out, at);
    return (E_OK);
}

/* ---- what comes -------------------------------------------------------- */

/* A decimal number of three digits at most; -1 for all else. */
static int
number_of(struct slice text)
{
    int n = 0;

    if (text.n == 0 || text.n > 3)
        return (-1);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return (-1);
        n = n * 10 + (text.p[i] - '0');
    }
    return (n);
}

/* 32 bits, signed, as gRFC A6 has it; -1 for what is less than 0 or no such. */
static int32_t
pushback_of(struct slice text)
{
    int64_t n = 0;

    if (text.n == 0 || text.n > 10)
        return (-1);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return (-1);
        n = n * 10 + (text.p[i] - '0');
    }
    return (n <= INT32_MAX ? (int32_t)n : -1);
}

/* application/grpc, alone, with a +subtype or with parameters. */
static int
names_grpc(struct slice type)
{
    static const char grpc[] = "application/grpc";
    const size_t n = sizeof(grpc) - 1;

    return (type.n >= n && memcmp(type.p, grpc, n) == 0 &&
        (type.n == n || type.p[n] == '+' || type.p[n] == ';'));
}

/* Texts only explain: one that is too long is done without. */
static void
keep_text(struct buf *buf, struct slice text)
{
    if (buf->n == 0 && buf_add(buf, text) != E_OK)
        buf->n = 0;
}

void
call_header(struct call *call, struct slice name, struct slice value,
    int last)
{
    if (slice_equal(name, slice_of(":status"))) {
        call->http_status = number_of(value);
        call->answered |= !last && call->http_status >= 200;
    } else if (slice_equal(name, slice_of("content-type")))
        call->is_grpc = names_grpc(value);
    else if (!last)
        return;
    else if (slice_equal(name, slice_of("grpc-status"))) {
        int code = number_of(value);

        call->has_status = 1;
        call->code = code >= 0 && code < GRPC_CODE_COUNT ?
            (enum grpc_code)code : GRPC_UNKNOWN;
    } else if (slice_equal(name, slice_of("grpc-message")))
        keep_text(&call->message, value);
    else if (slice_equal(name, slice_of("grpc-status-details-bin")))
        keep_text(&call->details, value);
    else if (slice_equal(name, slice_of("grpc-retry-pushback-ms")))
        call->pushback = pushback_of(value);
}

static enum err
keep(struct call *call, struct slice message)
{
    struct call_message *m;

    if (call->unread + MESSAGE_COST + message.n > UNREAD_MAX)
        return (E_TOOBIG);
    if ((m = malloc(sizeof(*m) + message.n)) == NULL)
        return (E_NOMEM);
    m->next = NULL;
    m->n = message.n;
    if (message.n > 0)
        memcpy(m->bytes, message.p, message.n);
    call->unread += MESSAGE_COST + message.n;
    *call->last = m;
    call->last = &m->next;
    return (E_OK);
}

void
call_data(struct call *call, struct slice bytes)
{
    /* A page of HTML is not gRPC: its status says all. */
    if (call->http_status != 200 || !call->is_grpc)
        return;
    while (bytes.n > 0 && call->broken == E_OK) {
        struct slice message;
        int done;

        if ((call->broken = grpc_reader_next(call->reader, &bytes, &message,
            &done)) == E_OK && done)
            call->broken = keep(call, message);
    }
}

int
call_is_over(const struct call *call)
{
    return (call->ended || call->closed || call->broken != E_OK);
}

/* ---- how it ended ------------------------------------------------------ */

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

static int
unreadable(enum err err, struct vouch_error *error)
{
    struct grpc_status status;

    if (err == E_NOMEM)
        return (error_memory(error));
    grpc_status_set(&status, GRPC_INTERNAL, "",
        "the answer could not be read: %s", err_text(err));
    return (error_status(error, &status));
}

static void
parse_status(const struct call *call, struct grpc_status *status)
{
    uint8_t details[TEXT_MAX];
    size_t n = 0;

    if (bytes_from_base64(buf_slice(&call->details), details,
        sizeof(details), &n) != E_OK)
        n = 0;
    grpc_status_parse(call->code, buf_slice(&call->message),
        (struct slice){details, n}, status);
}

int
call_outcome(const struct call *call, struct vouch_error *error)
{
    struct grpc_status status;

    if (call->broken != E_OK)
        return (unreadable(call->broken, error));
    if (call->has_status && call->code != GRPC_OK)
        parse_status(call, &status);
    else if (call->http_status != 0 && call->http_status != 200)
        grpc_status_set(&status, code_of_http(call->http_status), "",
            "the server answered with HTTP status %d", call->http_status);
    else if (call->http_status == 200 && !call->is_grpc)
        grpc_status_set(&status, GRPC_UNKNOWN, "",
            "the server answered with something that is not gRPC");
    else if (call->has_status && !grpc_reader_partial(call->reader))
        return (0);
    else if (call->reset != NGHTTP2_NO_ERROR)
        grpc_status_set(&status, code_of_reset(call->reset), "",
            "the call was ended with HTTP/2 error %s",
            nghttp2_http2_strerror(call->reset));
    else    /* An answer cut short must never pass for a whole one. */
        grpc_status_set(&status, GRPC_INTERNAL, "", "the answer ended %s",
            grpc_reader_partial(call->reader) ? "within a message" :
            "without a status");
    return (error_status(error, &status));
}

int
call_take(struct call *call, ProtobufCMessage **response,
    struct call_message **message, struct vouch_error *error)
{
    struct call_message *m = call->first;
    struct slice bytes = {m->bytes, m->n};
    struct message_fault fault;
    struct grpc_status refused;
    int status = 0;

    *response = NULL;
    call->first = m->next;
    if (call->first == NULL)
        call->last = &call->first;
    call->unread -= MESSAGE_COST + m->n;
    if (message_scan(call->type, bytes, &limits, &fault) != E_OK) {
        grpc_status_set(&refused, GRPC_INTERNAL, "",
            "the answer could not be read: %s%s%s",
            fault.field[0] != '\0' ? fault.field : "",
            fault.field[0] != '\0' ? " " : "", fault.what);
        status = error_status(error, &refused);
    } else if ((*response = protobuf_c_message_unpack(call->type, NULL, m->n,
        m->bytes)) == NULL)
        status = error_memory(error);
    *message = m;
    return (status);
}
