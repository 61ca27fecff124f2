/*
 * How a server says that a call ended: whatever its trailers hold becomes a
 * status of bounded text, and that status survives the way there and back.
 * One byte for the code, one for the length of the message, the message as on
 * the wire, then the details.
 */

#include <string.h>

#include "fuzz.h"
#include "proto/grpc_status.h"

#define IS_TEXT(array) FUZZ_CHECK(fuzz_is_text(array, sizeof(array)))

static void
check_status(const struct grpc_status *status)
{
    FUZZ_CHECK((unsigned)status->code < GRPC_CODE_COUNT);
    IS_TEXT(status->message);
    IS_TEXT(status->reason);
    FUZZ_CHECK(status->retry_ms >= 0);
    FUZZ_CHECK(status->nmetadata <= GRPC_STATUS_METADATA);
    for (size_t i = 0; i < status->nmetadata; i++) {
        IS_TEXT(status->metadata[i].key);
        IS_TEXT(status->metadata[i].value);
    }
    FUZZ_CHECK(status->nviolations <= GRPC_STATUS_VIOLATIONS);
    for (size_t i = 0; i < status->nviolations; i++) {
        IS_TEXT(status->violations[i].field);
        IS_TEXT(status->violations[i].description);
    }
}

/* What did not fit was left out from the end. */
static void
check_same(const struct grpc_status *a, const struct grpc_status *b)
{
    FUZZ_CHECK(a->code == b->code);
    FUZZ_CHECK(a->retry_ms == b->retry_ms || a->code == GRPC_OK);
    FUZZ_CHECK(strcmp(a->message, b->message) == 0);
    FUZZ_CHECK(strcmp(a->reason, b->reason) == 0);
    if (a->reason[0] != '\0')
        FUZZ_CHECK(a->nmetadata == b->nmetadata);
    for (size_t i = 0; i < b->nmetadata; i++) {
        FUZZ_CHECK(strcmp(a->metadata[i].key, b->metadata[i].key) == 0);
        FUZZ_CHECK(strcmp(a->metadata[i].value, b->metadata[i].value) == 0);
    }
    FUZZ_CHECK(a->nviolations >= b->nviolations);
    for (size_t i = 0; i < b->nviolations; i++) {
        FUZZ_CHECK(strcmp(a->violations[i].field,
            b->violations[i].field) == 0);
        FUZZ_CHECK(strcmp(a->violations[i].description,
            b->violations[i].description) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct grpc_status status, again;
    char message[3 * sizeof(status.message)];
    struct slice in = {data, size}, text;
    struct buf details;
    int code = (int)fuzz_byte(&in) - 64;

    text = fuzz_own(fuzz_take(&in, fuzz_byte(&in)));
    grpc_status_parse((enum grpc_code)code, text, in, &status);
    fuzz_disown(text);
    check_status(&status);

    grpc_status_encode_message(status.message, message, sizeof(message));
    for (const char *p = message; *p != '\0'; p++)
        FUZZ_CHECK(*p >= ' ' && *p <= '~');
    buf_init(&details, 4096);
    FUZZ_CHECK(grpc_status_details(&status, &details) == E_OK);
    grpc_status_parse(status.code, slice_of(message), buf_slice(&details),
        &again);
    check_status(&again);
    check_same(&status, &again);
    buf_free(&details);
    return (0);
}
