#include "rpc/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* What all details together may take on the wire before base64. */
#define DETAILS_MAX 3072

/* grpc-message, coded. */
#define MESSAGE_MAX 1024

/* grpc-retry-pushback-ms: 32 bits, signed. */
#define PUSHBACK_MAX 12

#define CONSTANT(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define FIXED(name, value) {CONSTANT(name), CONSTANT(value), 1}

/* Of a response; the first two of them, if a message follows. */
static const struct rpc_header first[] = {
    FIXED(":status", "200"),
    FIXED("content-type", "application/grpc"),
    FIXED("grpc-accept-encoding", "identity,gzip"),
};

static const struct rpc_header gzip = FIXED("grpc-encoding", "gzip");

#define STATUS(decimal) FIXED("grpc-status", decimal)

static const struct rpc_header statuses[GRPC_CODE_COUNT] = {
    STATUS("0"), STATUS("1"), STATUS("2"), STATUS("3"), STATUS("4"),
    STATUS("5"), STATUS("6"), STATUS("7"), STATUS("8"), STATUS("9"),
    STATUS("10"), STATUS("11"), STATUS("12"), STATUS("13"), STATUS("14"),
    STATUS("15"), STATUS("16"),
};

static struct rpc_header
header(const char *name, const char *value)
{
    return ((struct rpc_header){slice_of(name), slice_of(value), 0});
}

enum err
rpc_response_begin(struct rpc_call *call)
{
    struct rpc_header headers[3 + METADATA_MAX];
    size_t n = 2;

    if (!call->gzip_said && call->metadata == NULL)
        return (call->ops->respond(call->stream, first, 2, 0));
    memcpy(headers, first, n * sizeof(headers[0]));
    if (call->gzip_said)
        headers[n++] = gzip;
    n += rpc_metadata_fill(call, METADATA_HEADERS, headers + n);
    return (call->ops->respond(call->stream, headers, n, 0));
}

enum err
rpc_response_only(struct rpc_call *call)
{
    struct rpc_header headers[7 + METADATA_MAX];
    size_t n = call->encoding_unknown ? 3 : 2;

    memcpy(headers, first, n * sizeof(headers[0]));
    n += rpc_response_trailers(&call->outcome, headers + n);
    if (call->metadata != NULL)
        n += rpc_metadata_fill(call, METADATA_TRAILERS, headers + n);
    return (call->ops->respond(call->stream, headers, n, 1));
}

/* Message, details and push-back share one allocation. */
static void
set_texts(const struct grpc_status *status, struct slice details,
    struct rpc_outcome *outcome)
{
    size_t size = (details.n + 2) / 3 * 4 + 1;

    if ((outcome->message = malloc(MESSAGE_MAX + size + PUSHBACK_MAX)) ==
        NULL)
        return;
    grpc_status_encode_message(status->message, outcome->message,
        MESSAGE_MAX);
    outcome->details = outcome->message + MESSAGE_MAX;
    if (bytes_to_base64(details, outcome->details, size, 0) != E_OK)
        outcome->details[0] = '\0';
    if (status->retry_ms == 0)
        return;
    outcome->pushback = outcome->details + size;
    (void)snprintf(outcome->pushback, PUSHBACK_MAX, "%d",
        (int)status->retry_ms);
}

/* Which microsecond a call ends in is chance enough. */
static int32_t
spread(int32_t ms)
{
    uint32_t chance = (uint32_t)clock_monotonic_us() * UINT32_C(2654435769);

    if (ms <= 0 || ms > INT32_MAX / 2)
        return (ms);
    return (ms + (int32_t)((chance >> 8) % ((uint32_t)ms / 2 + 1)));
}

void
rpc_response_outcome(const struct grpc_status *status,
    struct rpc_outcome *outcome)
{
    struct grpc_status told;
    struct buf details;

    outcome->code = (unsigned)status->code < GRPC_CODE_COUNT ? status->code :
        GRPC_UNKNOWN;
    if (status->code == GRPC_OK)
        return;
    told = *status;
    told.retry_ms = spread(status->retry_ms);
    buf_init(&details, DETAILS_MAX);
    if (grpc_status_details(&told, &details) != E_OK)
        buf_drop(&details, details.n);
    set_texts(&told, buf_slice(&details), outcome);
    buf_free(&details);
}

size_t
rpc_response_trailers(const struct rpc_outcome *outcome,
    struct rpc_header *headers)
{
    size_t n = 0;

    headers[n++] = statuses[outcome->code];
    if (outcome->message != NULL && outcome->message[0] != '\0')
        headers[n++] = header("grpc-message", outcome->message);
    if (outcome->details != NULL && outcome->details[0] != '\0')
        headers[n++] = header("grpc-status-details-bin", outcome->details);
    if (outcome->pushback != NULL)
        headers[n++] = header("grpc-retry-pushback-ms", outcome->pushback);
    return (n);
}
