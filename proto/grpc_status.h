#ifndef PROTO_GRPC_STATUS_H
#define PROTO_GRPC_STATUS_H

/*
 * How a call ended: gRPC status code, message and details.  The code and
 * grpc-message are those of grpc/doc/PROTOCOL-HTTP2.md; the details are
 * google.rpc.ErrorInfo, google.rpc.BadRequest and google.rpc.RetryInfo in
 * google.rpc.Status, as carried by grpc-status-details-bin.
 *
 * A struct grpc_status is a value of fixed size: making one allocates nothing
 * and cannot fail, and what it becomes on the wire stays below 4 KiB, because
 * clients on gRPC's C core drop the whole status above 8 KiB.  Texts that are
 * too long are cut at a character.
 */

#include "proto/bytes.h"
#include "proto/err.h"

enum grpc_code {
    GRPC_OK = 0,
    GRPC_CANCELLED = 1,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_DEADLINE_EXCEEDED = 4,
    GRPC_NOT_FOUND = 5,
    GRPC_ALREADY_EXISTS = 6,
    GRPC_PERMISSION_DENIED = 7,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_ABORTED = 10,
    GRPC_OUT_OF_RANGE = 11,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13,
    GRPC_UNAVAILABLE = 14,
    GRPC_DATA_LOSS = 15,
    GRPC_UNAUTHENTICATED = 16,
    GRPC_CODE_COUNT
};

/* ErrorInfo.domain of everything that Vouch itself says. */
#define GRPC_STATUS_DOMAIN "vouch"

#define GRPC_STATUS_VIOLATIONS 6
#define GRPC_STATUS_METADATA 4

struct grpc_status {
    enum grpc_code code;
    int32_t retry_ms;               /* after so long the same may go well;
                                     * -1: it will not, 0: nothing is said */
    char message[320];
    char reason[48];                /* ErrorInfo.reason, UPPER_SNAKE */
    struct {
        char key[32];
        char value[96];
    } metadata[GRPC_STATUS_METADATA];
    size_t nmetadata;
    struct {
        char field[64];             /* path in the request message */
        char description[160];      /* the rule and the value's shape */
    } violations[GRPC_STATUS_VIOLATIONS];
    size_t nviolations;
};

/**
 * grpc_status_set(status, code, reason, format, ...):
 * Make ${status} say ${code} for ${reason}, in the words of ${format}; no
 * metadata and no violations.  Of the codes that clients may be set up to try
 * again by themselves, UNAVAILABLE and RESOURCE_EXHAUSTED, it says that they
 * should not: see grpc_status_retry().
 */
void grpc_status_set(struct grpc_status *status, enum grpc_code code,
    const char *reason, const char *format, ...) PRINTF_LIKE(4, 5);

/**
 * grpc_status_violation(status, field, format, ...):
 * Note that ${field} is at fault, and how.  On a status that is OK, also make
 * it INVALID_ARGUMENT with reason INVALID_FIELD and field and words.  What
 * exceeds the room is left out.
 */
void grpc_status_violation(struct grpc_status *status, const char *field,
    const char *format, ...) PRINTF_LIKE(3, 4);

/**
 * grpc_status_metadata(status, key, format, ...):
 * Add to ErrorInfo.metadata.  What exceeds the room is left out.
 */
void grpc_status_metadata(struct grpc_status *status, const char *key,
    const char *format, ...) PRINTF_LIKE(3, 4);

/**
 * grpc_status_retry(status, ms):
 * Say that the same may be sent again, and may go well after ${ms}: nothing
 * was done, or it does no harm twice.
 */
void grpc_status_retry(struct grpc_status *status, int32_t ms);

/**
 * grpc_status_from_err(status, err):
 * Make ${status} say what the caller may know of a failure of our own:
 * every enum err has its code, and E_OK makes it OK.  What may pass by itself
 * may be tried again in a second.
 */
void grpc_status_from_err(struct grpc_status *status, enum err err);

/**
 * grpc_status_details(status, out):
 * Append to ${out} the serialized google.rpc.Status.  Of violations that are
 * too long together the last ones are left out.
 *
 * Fails: E_NOMEM, E_TOOBIG; ${out} is then as it was.
 */
enum err MUST_USE grpc_status_details(const struct grpc_status *status,
    struct buf *out);

/**
 * grpc_status_parse(code, message, details, status):
 * What a client got: grpc-status, grpc-message as it stands on the wire, and
 * the decoded bytes of grpc-status-details-bin (none: empty).  Details that
 * cannot be read are left out, and so is an ErrorInfo of another domain; the
 * code and message of the trailers count.  A code that does not exist becomes
 * UNKNOWN.  ${status}->retry_ms is that of RetryInfo, or 0.
 */
void grpc_status_parse(enum grpc_code code, struct slice message,
    struct slice details, struct grpc_status *status);

/**
 * grpc_status_encode_message(message, text, size):
 * Percent-encode ${message} for grpc-message into ${text}, cut at a character
 * to fit ${size} with its NUL.
 */
void grpc_status_encode_message(const char *message, char *text, size_t size);

/**
 * grpc_status_name(code):
 * Return the name of ${code}, as in "NOT_FOUND"; a constant.
 */
const char *grpc_status_name(enum grpc_code code);

#endif /* !PROTO_GRPC_STATUS_H */
