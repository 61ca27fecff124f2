#include "proto/grpc_status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/utf8.h"

/* By code, the names of google.rpc.Code. */
static const char *const names[] = {
    [GRPC_OK] = "OK",
    [GRPC_CANCELLED] = "CANCELLED",
    [GRPC_UNKNOWN] = "UNKNOWN",
    [GRPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
    [GRPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
    [GRPC_NOT_FOUND] = "NOT_FOUND",
    [GRPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
    [GRPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
    [GRPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
    [GRPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
    [GRPC_ABORTED] = "ABORTED",
    [GRPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
    [GRPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
    [GRPC_INTERNAL] = "INTERNAL",
    [GRPC_UNAVAILABLE] = "UNAVAILABLE",
    [GRPC_DATA_LOSS] = "DATA_LOSS",
    [GRPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

/*
 * What the caller is told, and whether to try again.  E_LOST is not known to
 * have failed, so that no library should repeat it unasked.
 */
static const struct {
    enum grpc_code code;
    const char *reason;
    int may_pass;
} of_err[] = {
    [E_OK] = {GRPC_OK, "", 0},
    [E_NOMEM] = {GRPC_RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", 1},
    [E_INVAL] = {GRPC_INVALID_ARGUMENT, "MALFORMED", 0},
    [E_TOOBIG] = {GRPC_RESOURCE_EXHAUSTED, "TOO_BIG", 0},
    [E_NOTFOUND] = {GRPC_NOT_FOUND, "NOT_FOUND", 0},
    [E_EXISTS] = {GRPC_ALREADY_EXISTS, "ALREADY_EXISTS", 0},
    [E_DENIED] = {GRPC_PERMISSION_DENIED, "NOT_ALLOWED", 0},
    [E_BUSY] = {GRPC_UNAVAILABLE, "NO_CAPACITY", 1},
    [E_TIMEOUT] = {GRPC_DEADLINE_EXCEEDED, "TIMED_OUT", 0},
    [E_IO] = {GRPC_UNAVAILABLE, "IO_FAILURE", 1},
    [E_FULL] = {GRPC_RESOURCE_EXHAUSTED, "STORAGE_FULL", 0},
    [E_LOST] = {GRPC_UNAVAILABLE, "OUTCOME_UNKNOWN", 0},
    [E_CRYPTO] = {GRPC_INTERNAL, "CRYPTO_FAILURE", 0},
    [E_NEWER] = {GRPC_FAILED_PRECONDITION, "NEWER_DATA", 0},
    [E_CORRUPT] = {GRPC_DATA_LOSS, "CORRUPT_DATA", 0},
};

/* What passes by itself is given so long. */
#define RETRY_MS 1000

_Static_assert(sizeof(names) / sizeof(names[0]) == GRPC_CODE_COUNT,
    "every code has a name");
_Static_assert(sizeof(of_err) / sizeof(of_err[0]) == E_COUNT,
    "every err has a code");

/* The longest text, and what may stick out of it of one character. */
#define TEXT_MAX (sizeof(((struct grpc_status *)NULL)->message) + 4)

/* vsnprintf(), but valid UTF-8 comes out whatever went in. */
static void
put(char *out, size_t size, const char *format, va_list args)
{
    char text[TEXT_MAX];

    if (vsnprintf(text, size + 4, format, args) < 0)
        text[0] = '\0';
    utf8_copy(slice_of(text), out, size);
}

void
grpc_status_set(struct grpc_status *status, enum grpc_code code,
    const char *reason, const char *format, ...)
{
    va_list args;

    status->code = code;
    status->retry_ms = code == GRPC_UNAVAILABLE ||
        code == GRPC_RESOURCE_EXHAUSTED ? -1 : 0;
    status->nmetadata = 0;
    status->nviolations = 0;
    utf8_copy(slice_of(reason), status->reason, sizeof(status->reason));
    va_start(args, format);
    put(status->message, sizeof(status->message), format, args);
    va_end(args);
}

void
grpc_status_violation(struct grpc_status *status, const char *field,
    const char *format, ...)
{
    va_list args;
    size_t i, n;

    if (status->code == GRPC_OK) {
        grpc_status_set(status, GRPC_INVALID_ARGUMENT, "INVALID_FIELD",
            "%s ", field);
        n = strlen(status->message);
        va_start(args, format);
        put(status->message + n, sizeof(status->message) - n, format, args);
        va_end(args);
    }
    if ((i = status->nviolations) == GRPC_STATUS_VIOLATIONS)
        return;
    utf8_copy(slice_of(field), status->violations[i].field,
        sizeof(status->violations[i].field));
    va_start(args, format);
    put(status->violations[i].description,
        sizeof(status->violations[i].description), format, args);
    va_end(args);
    status->nviolations++;
}

void
grpc_status_metadata(struct grpc_status *status, const char *key,
    const char *format, ...)
{
    size_t i = status->nmetadata;
    va_list args;

    if (i == GRPC_STATUS_METADATA)
        return;
    utf8_copy(slice_of(key), status->metadata[i].key,
        sizeof(status->metadata[i].key));
    va_start(args, format);
    put(status->metadata[i].value, sizeof(status->metadata[i].value), format,
        args);
    va_end(args);
    status->nmetadata++;
}

void
grpc_status_retry(struct grpc_status *status, int32_t ms)
{
    status->retry_ms = ms;
}

void
grpc_status_from_err(struct grpc_status *status, enum err err)
{
    if ((unsigned)err >= E_COUNT)
        grpc_status_set(status, GRPC_UNKNOWN, "UNKNOWN", "%s", err_text(err));
    else if (err == E_OK) {
        /* Most calls end like this: without printf. */
        status->code = GRPC_OK;
        status->retry_ms = 0;
        status->reason[0] = status->message[0] = '\0';
        status->nmetadata = status->nviolations = 0;
    } else {
        grpc_status_set(status, of_err[err].code, of_err[err].reason, "%s",
            err_text(err));
        if (of_err[err].may_pass)
            grpc_status_retry(status, RETRY_MS);
    }
}

/* Blanks at either end are coded too: HTTP/2 forbids them there. */
static int
is_plain(const char *message, size_t at)
{
    uint8_t c = (uint8_t)message[at];

    if (c == ' ')
        return (at > 0 && message[at + 1] != '\0');
    return (c > 0x20 && c < 0x7f && c != '%');
}

void
grpc_status_encode_message(const char *message, char *text, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";
    struct slice rest = slice_of(message);
    size_t i, n, at, need, out = 0;

    for (at = 0; rest.n > 0; at += n) {
        if ((n = utf8_next(rest)) == 0)
            n = 1;
        need = is_plain(message, at) ? 1 : 3 * n;
        if (need >= size - out)
            break;
        if (need == 1) {
            text[out++] = message[at];
        } else {
            for (i = 0; i < n; i++) {
                text[out++] = '%';
                text[out++] = digits[rest.p[i] >> 4];
                text[out++] = digits[rest.p[i] & 15];
            }
        }
        rest.p += n;
        rest.n -= n;
    }
    while (out > 0 && text[out - 1] == ' ')     /* the cut left it there */
        out--;
    text[out] = '\0';
}

const char *
grpc_status_name(enum grpc_code code)
{
    return ((unsigned)code < GRPC_CODE_COUNT ? names[code] : "UNKNOWN");
}
