#include "rpc/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What all details together may take on the wire before base64. */
#define DETAILS_MAX 3072

/* grpc-message, coded. */
#define MESSAGE_MAX 1024

static const char refused_type[] =
    "{\"code\":\"unsupported_media_type\",\"message\":"
    "\"this is gRPC: send content-type application/grpc\"}\n";

static struct rpc_header
header(const char *name, const char *value)
{
    return ((struct rpc_header){slice_of(name), slice_of(value)});
}

enum err
rpc_response_begin(struct rpc_call *call)
{
    const struct rpc_header headers[] = {
        header(":status", "200"),
        header("content-type", "application/grpc"),
    };

    return (call->ops->respond(call->stream, headers, 2, 0));
}

enum err
rpc_response_only(struct rpc_call *call)
{
    struct rpc_header headers[6];
    size_t n = 0;

    headers[n++] = header(":status", "200");
    headers[n++] = header("content-type", "application/grpc");
    if (call->encoding_unknown)
        headers[n++] = header("grpc-accept-encoding", "identity");
    n += rpc_response_trailers(&call->outcome, headers + n);
    return (call->ops->respond(call->stream, headers, n, 1));
}

enum err
rpc_response_http(struct rpc_call *call)
{
    struct rpc_header headers[2];
    enum err err;

    if (call->http_status == 405) {
        headers[0] = header(":status", "405");
        headers[1] = header("allow", "POST");
        return (call->ops->respond(call->stream, headers, 2, 1));
    }

    headers[0] = header(":status", "415");
    headers[1] = header("content-type", "application/json");
    if ((err = buf_add(&call->out, slice_of(refused_type))) != E_OK)
        return (err);
    return (call->ops->respond(call->stream, headers, 2, 0));
}

/* Message and details share one allocation. */
static void
set_texts(const struct grpc_status *status, struct slice details,
    struct rpc_outcome *outcome)
{
    size_t size = (details.n + 2) / 3 * 4 + 1;

    if ((outcome->message = malloc(MESSAGE_MAX + size)) == NULL)
        return;
    grpc_status_encode_message(status->message, outcome->message,
        MESSAGE_MAX);
    outcome->details = outcome->message + MESSAGE_MAX;
    if (bytes_to_base64(details, outcome->details, size, 0) != E_OK)
        outcome->details[0] = '\0';
}

void
rpc_response_outcome(const struct grpc_status *status,
    struct rpc_outcome *outcome)
{
    struct buf details;

    (void)snprintf(outcome->code, sizeof(outcome->code), "%u",
        (unsigned)status->code % 100);
    if (status->code == GRPC_OK)
        return;
    buf_init(&details, DETAILS_MAX);
    if (grpc_status_details(status, &details) != E_OK)
        buf_drop(&details, details.n);
    set_texts(status, buf_slice(&details), outcome);
    buf_free(&details);
}

size_t
rpc_response_trailers(const struct rpc_outcome *outcome,
    struct rpc_header *headers)
{
    size_t n = 0;

    headers[n++] = header("grpc-status", outcome->code);
    if (outcome->message != NULL && outcome->message[0] != '\0')
        headers[n++] = header("grpc-message", outcome->message);
    if (outcome->details != NULL && outcome->details[0] != '\0')
        headers[n++] = header("grpc-status-details-bin", outcome->details);
    return (n);
}
