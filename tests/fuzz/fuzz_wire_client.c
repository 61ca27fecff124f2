/*
 * What a hostile server sends: header lists and data go through the client's
 * call, and every message that comes out of it is shown as JSON and, if it is
 * an answer, on paper.  What is shown is UTF-8, well-formed, and steers no
 * terminal.
 *
 * A byte for the type of response, one of flags, then steps: a byte that says
 * what comes, and what comes.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "client/answer.h"
#include "client/call.h"
#include "client/json.h"
#include "client/receipt_page.h"
#include "client/retry.h"
#include "client/table.h"
#include "fuzz.h"
#include "proto/utf8.h"

#include "grpc/health/v1/health.pb-c.h"
#include "vouch/v1/access_service.pb-c.h"
#include "vouch/v1/catalog_service.pb-c.h"
#include "vouch/v1/log_entry.pb-c.h"
#include "vouch/v1/publishing_service.pb-c.h"
#include "vouch/v1/verification_service.pb-c.h"

static const ProtobufCMessageDescriptor *const types[] = {
    &vouch__v1__verify_credential_response__descriptor,
    &vouch__v1__publish_credentials_response__descriptor,
    &vouch__v1__get_publication_response__descriptor,
    &vouch__v1__declare_current_response__descriptor,
    &vouch__v1__get_association_response__descriptor,
    &vouch__v1__list_associations_response__descriptor,
    &vouch__v1__list_credential_types_response__descriptor,
    &vouch__v1__who_am_iresponse__descriptor,
    &grpc__health__v1__health_check_response__descriptor,
    &vouch__v1__event__descriptor,
};

static const char *const names[] = {":status", "content-type", "grpc-status",
    "grpc-message", "grpc-status-details-bin", "x-other",
    "grpc-retry-pushback-ms", "grpc-encoding"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- what is shown ----------------------------------------------------- */

/* Text for a terminal; lines may end. */
static void
check_shown(const char *text, size_t n)
{
    FUZZ_CHECK(strlen(text) == n);
    FUZZ_CHECK(utf8_is_text(slice_of(text)));
    for (; *text != '\0'; text++)
        FUZZ_CHECK(*text == '\n' || table_steers(text) == 0);
}

static void
show_json(const ProtobufCMessage *message, int lines)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    json_error_t error;
    json_t *json;

    FUZZ_CHECK(f != NULL);
    FUZZ_CHECK(json_print(f, message, lines) == 0);
    FUZZ_CHECK(fclose(f) == 0);
    check_shown(text, n);
    FUZZ_CHECK(n > 0 && text[n - 1] == '\n');
    if (lines)
        FUZZ_CHECK(strchr(text, '\n') == text + n - 1);
    json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    FUZZ_CHECK(json_is_object(json));
    json_decref(json);
    free(text);
}

static void
show_answer(const Vouch__V1__VerifyCredentialResponse *response)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    FUZZ_CHECK(f != NULL);
    answer_print(f, response, "", 0);
    FUZZ_CHECK(fclose(f) == 0);
    check_shown(text, n);
    free(text);
}

/* Whatever is sealed can be read on a page, too. */
static void
show_page(const Vouch__V1__VerifyCredentialResponse *response,
    enum page_format format)
{
    static const Vouch__V1__Seal seal = VOUCH__V1__SEAL__INIT;
    static const Vouch__V1__SealBatch batch = VOUCH__V1__SEAL_BATCH__INIT;
    const struct trusted trusted = {.path = ""};
    struct judgment judgment = {.readable = 1};
    const struct receipt_page what = {&judgment, &trusted, "-"};
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    FUZZ_CHECK(f != NULL);
    judgment.receipt = (struct receipt){.answer = response->answer,
        .question = response->question, .seal = &seal, .batch = &batch};
    FUZZ_CHECK(receipt_page_write(&what, format, f) == E_OK);
    FUZZ_CHECK(fclose(f) == 0);
    check_shown(text, n);
    FUZZ_CHECK(strstr(text, "<script") == NULL || format == PAGE_TEXT);
    free(text);
}

static void
check_error(const struct vouch_error *error)
{
    FUZZ_CHECK(error->failure == VOUCH_FAILURE_STATUS);
    FUZZ_CHECK(error->code > 0 && error->code < GRPC_CODE_COUNT);
    FUZZ_CHECK(fuzz_is_text(error->message, sizeof(error->message)));
    FUZZ_CHECK(fuzz_is_text(error->reason, sizeof(error->reason)));
    FUZZ_CHECK(fuzz_is_text(error->next, sizeof(error->next)));
    FUZZ_CHECK(error->message[0] != '\0' && error->next[0] != '\0');
    FUZZ_CHECK(error->nviolations <= COUNT(error->violations));
    for (size_t i = 0; i < error->nviolations; i++) {
        FUZZ_CHECK(fuzz_is_text(error->violations[i].field,
            sizeof(error->violations[i].field)));
        FUZZ_CHECK(fuzz_is_text(error->violations[i].description,
            sizeof(error->violations[i].description)));
    }
}

static void
take(struct call *call)
{
    struct vouch_error error;
    struct call_message *kept;
    ProtobufCMessage *message;
    int status = call_take(call, &message, &kept, &error);

    free(kept);

    FUZZ_CHECK((status == 0) == (message != NULL));
    if (status != 0) {
        check_error(&error);
        return;
    }
    show_json(message, 0);
    show_json(message, 1);
    if (call->type == types[0]) {
        show_answer((const Vouch__V1__VerifyCredentialResponse *)
            (const void *)message);
        show_page((const Vouch__V1__VerifyCredentialResponse *)
            (const void *)message, PAGE_TEXT);
        show_page((const Vouch__V1__VerifyCredentialResponse *)
            (const void *)message, PAGE_HTML);
    }
    vouch_free_message(message);
}

/* ---- what comes -------------------------------------------------------- */

static void
header(struct call *call, uint8_t step, struct slice *in)
{
    struct slice value = fuzz_own(fuzz_part(in));

    call_header(call, slice_of(names[(step >> 2) % COUNT(names)]), value,
        (step & 0x80) != 0);
    fuzz_disown(value);
}

static void
data(struct call *call, struct slice bytes)
{
    struct slice own = fuzz_own(bytes);

    call_data(call, own);
    fuzz_disown(own);
}

/* A length that libFuzzer can get right. */
static struct slice
block(struct slice *in)
{
    size_t n = fuzz_byte(in);

    n += (size_t)(fuzz_byte(in) % 16) << 8;
    return (fuzz_take(in, n));
}

static void
framed(struct call *call, struct slice message)
{
    const uint8_t prefix[GRPC_FRAME_PREFIX] = {0, 0, 0,
        (uint8_t)(message.n >> 8), (uint8_t)message.n};

    data(call, (struct slice){prefix, sizeof(prefix)});
    data(call, message);
}

static void
come(struct call *call, struct slice *in)
{
    uint8_t step = fuzz_byte(in);

    switch (step % 4) {
    case 0:
        header(call, step, in);
        break;
    case 1:
        data(call, block(in));
        break;
    case 2:
        framed(call, block(in));
        break;
    default:
        framed(call, *in);
        in->n = 0;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice in = {bytes, size};
    const ProtobufCMessageDescriptor *type =
        types[fuzz_byte(&in) % COUNT(types)];
    uint8_t flags = fuzz_byte(&in);
    struct retry retry = {0};
    struct vouch_error error;
    struct call call;

    FUZZ_CHECK(call_begin(&call, type) == E_OK);
    if ((flags & 1) == 0) {
        call_header(&call, slice_of(":status"), slice_of("200"), 0);
        call_header(&call, slice_of("content-type"),
            slice_of("application/grpc"), 0);
    }
    while (in.n > 0)
        come(&call, &in);
    if ((flags & 2) != 0)
        call_header(&call, slice_of("grpc-status"), slice_of("0"), 1);
    while (call.first != NULL)
        take(&call);
    call.closed = 1;
    call.reset = flags >> 4;
    if (call_outcome(&call, &error) != 0) {
        check_error(&error);
        FUZZ_CHECK(retry_after(&retry, &call) >= -1);
    } else {
        FUZZ_CHECK(call.code == GRPC_OK && call.has_status);
    }
    call_clear(&call);
    return (0);
}
