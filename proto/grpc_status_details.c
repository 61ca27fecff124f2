/*
 * A status as google.rpc.Status, there and back.
 */

#include "proto/grpc_status.h"

#include <string.h>

#include "proto/arena.h"
#include "proto/message.h"
#include "proto/utf8.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#define TYPE_INFO "type.googleapis.com/google.rpc.ErrorInfo"
#define TYPE_BAD_REQUEST "type.googleapis.com/google.rpc.BadRequest"
#define TYPE_RETRY "type.googleapis.com/google.rpc.RetryInfo"

/*
 * The details leave room, in 4 KiB of trailers, for base64 (4 bytes for 3), for
 * the message a second time (percent-coded, 3 bytes for 1) and for the names.
 */
#define DETAILS_MAX 2048

/* The parts of the details, all on the stack. */
#define INFO_MAX 1024
#define BAD_REQUEST_MAX 2048
#define RETRY_MAX 32
#define PARTS 3

/*
 * What peers may send us.  Above 8 KiB most stacks drop it anyway; a type that
 * is not ours may be in it.
 */
static const struct message_limits limits = {
    .depth = 8, .elements = 256, .fields = 4096,
};

#define ARENA_MAX ((size_t)256 * 1024)

/* Generated structs want char *; nothing writes through it. */
static char *
text_of(const char *text)
{
    union {
        const char *in;
        char *out;
    } u = {.in = text};

    return (u.out);
}

/*
 * Write ${part} as the next of ${details}.  The arrays are as large as the
 * fixed size of a status can make it.
 */
static enum err
add_detail(Google__Protobuf__Any *any, const char *type,
    const ProtobufCMessage *part, uint8_t *bytes, size_t size)
{
    if (protobuf_c_message_get_packed_size(part) > size)
        return (E_TOOBIG);
    google__protobuf__any__init(any);
    any->type_url = text_of(type);
    any->value.data = bytes;
    any->value.len = protobuf_c_message_pack(part, bytes);
    return (E_OK);
}

static enum err
add_info(const struct grpc_status *status, Google__Protobuf__Any *any,
    uint8_t bytes[INFO_MAX])
{
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    Google__Rpc__ErrorInfo__MetadataEntry entries[GRPC_STATUS_METADATA];
    Google__Rpc__ErrorInfo__MetadataEntry *list[GRPC_STATUS_METADATA];
    size_t i;

    info.reason = text_of(status->reason);
    info.domain = text_of(GRPC_STATUS_DOMAIN);
    for (i = 0; i < status->nmetadata; i++) {
        google__rpc__error_info__metadata_entry__init(&entries[i]);
        entries[i].key = text_of(status->metadata[i].key);
        entries[i].value = text_of(status->metadata[i].value);
        list[i] = &entries[i];
    }
    info.n_metadata = status->nmetadata;
    info.metadata = list;
    return (add_detail(any, TYPE_INFO, &info.base, bytes, INFO_MAX));
}

/* The first ${n} violations of ${status}. */
static enum err
add_bad_request(const struct grpc_status *status, size_t n,
    Google__Protobuf__Any *any, uint8_t bytes[BAD_REQUEST_MAX])
{
    Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
    Google__Rpc__BadRequest__FieldViolation rows[GRPC_STATUS_VIOLATIONS];
    Google__Rpc__BadRequest__FieldViolation *list[GRPC_STATUS_VIOLATIONS];
    size_t i;

    for (i = 0; i < n; i++) {
        google__rpc__bad_request__field_violation__init(&rows[i]);
        rows[i].field = text_of(status->violations[i].field);
        rows[i].description = text_of(status->violations[i].description);
        list[i] = &rows[i];
    }
    bad.n_field_violations = n;
    bad.field_violations = list;
    return (add_detail(any, TYPE_BAD_REQUEST, &bad.base, bytes,
        BAD_REQUEST_MAX));
}

static enum err
add_retry(const struct grpc_status *status, Google__Protobuf__Any *any,
    uint8_t bytes[RETRY_MAX])
{
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;

    delay.seconds = status->retry_ms / 1000;
    delay.nanos = status->retry_ms % 1000 * 1000000;
    retry.retry_delay = &delay;
    return (add_detail(any, TYPE_RETRY, &retry.base, bytes, RETRY_MAX));
}

/* The details with the first ${nviolations} violations, if they fit. */
static enum err
pack_details(const struct grpc_status *status, size_t nviolations,
    struct buf *out)
{
    Google__Rpc__Status message = GOOGLE__RPC__STATUS__INIT;
    Google__Protobuf__Any parts[PARTS], *list[PARTS];
    uint8_t info[INFO_MAX], bad_request[BAD_REQUEST_MAX], retry[RETRY_MAX];
    size_t i, n = 0;
    enum err err;

    message.code = (int32_t)status->code;
    message.message = text_of(status->message);
    if (status->reason[0] != '\0' &&
        (err = add_info(status, &parts[n++], info)) != E_OK)
        return (err);
    if (nviolations > 0 && (err = add_bad_request(status, nviolations,
        &parts[n++], bad_request)) != E_OK)
        return (err);
    if (status->retry_ms > 0 &&
        (err = add_retry(status, &parts[n++], retry)) != E_OK)
        return (err);
    for (i = 0; i < n; i++)
        list[i] = &parts[i];
    message.n_details = n;
    message.details = list;
    if (protobuf_c_message_get_packed_size(&message.base) > DETAILS_MAX)
        return (E_TOOBIG);
    return (message_pack(&message.base, out));
}

enum err
grpc_status_details(const struct grpc_status *status, struct buf *out)
{
    size_t n = status->nviolations;
    enum err err;

    /* Six of the longest are too much: the first ones are sent. */
    while ((err = pack_details(status, n, out)) == E_TOOBIG && n > 0)
        n--;
    return (err);
}

static void
read_info(struct grpc_status *status, const Google__Rpc__ErrorInfo *info)
{
    size_t i;

    /* A reason means something in its own domain only. */
    if (strcmp(info->domain, GRPC_STATUS_DOMAIN) != 0)
        return;
    utf8_copy(slice_of(info->reason), status->reason, sizeof(status->reason));
    status->nmetadata = 0;
    for (i = 0; i < info->n_metadata; i++)
        grpc_status_metadata(status, info->metadata[i]->key, "%s",
            info->metadata[i]->value);
}

static void
read_bad_request(struct grpc_status *status,
    const Google__Rpc__BadRequest *bad)
{
    size_t i;

    status->nviolations = 0;
    for (i = 0; i < bad->n_field_violations; i++)
        grpc_status_violation(status, bad->field_violations[i]->field, "%s",
            bad->field_violations[i]->description);
}

/* Rounded up; what is longer than can be said is as long as can be. */
static void
read_retry(struct grpc_status *status, const Google__Rpc__RetryInfo *retry)
{
    const Google__Protobuf__Duration *delay = retry->retry_delay;
    int64_t ms;

    if (delay == NULL || delay->seconds < 0 || delay->nanos < 0 ||
        delay->nanos > 999999999)
        return;
    ms = delay->seconds > INT32_MAX / 1000 ? INT32_MAX :
        delay->seconds * 1000 + (delay->nanos + INT64_C(999999)) / 1000000;
    status->retry_ms = ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
}

static void
read_detail(struct grpc_status *status, const Google__Protobuf__Any *any,
    struct arena *arena)
{
    struct slice bytes = {any->value.data, any->value.len};
    struct message_fault fault;
    ProtobufCMessage *message;

    if (strcmp(any->type_url, TYPE_INFO) == 0) {
        if (message_decode(&google__rpc__error_info__descriptor, bytes,
            &limits, arena, &message, &fault) == E_OK)
            read_info(status, (const Google__Rpc__ErrorInfo *)message);
    } else if (strcmp(any->type_url, TYPE_BAD_REQUEST) == 0) {
        if (message_decode(&google__rpc__bad_request__descriptor, bytes,
            &limits, arena, &message, &fault) == E_OK)
            read_bad_request(status, (const Google__Rpc__BadRequest *)message);
    } else if (strcmp(any->type_url, TYPE_RETRY) == 0) {
        if (message_decode(&google__rpc__retry_info__descriptor, bytes,
            &limits, arena, &message, &fault) == E_OK)
            read_retry(status, (const Google__Rpc__RetryInfo *)message);
    }
}

static void
read_details(struct grpc_status *status, struct slice bytes)
{
    const Google__Rpc__Status *all;
    struct message_fault fault;
    struct arena *arena = NULL;
    ProtobufCMessage *message;
    size_t i;

    if (arena_create(ARENA_MAX, &arena) != E_OK)
        goto out;
    if (message_decode(&google__rpc__status__descriptor, bytes, &limits,
        arena, &message, &fault) != E_OK)
        goto out;
    all = (const Google__Rpc__Status *)message;
    for (i = 0; i < all->n_details; i++)
        read_detail(status, all->details[i], arena);

out:
    arena_free(arena);
}

/* A percent sign that begins no code stands for itself. */
static void
decode_message(struct slice message, struct grpc_status *status)
{
    const size_t size = sizeof(status->message);
    char text[sizeof(status->message) + 4];     /* to cut at a character */
    char pair[3] = "";
    uint8_t byte, coded;
    size_t i, n = 0;

    for (i = 0; i < message.n && n < sizeof(text); i++) {
        byte = message.p[i];
        if (byte == '%' && message.n - i > 2) {
            memcpy(pair, message.p + i + 1, 2);
            if (bytes_from_hex(pair, &coded, 1) == E_OK) {
                byte = coded;
                i += 2;
            }
        }
        text[n++] = (char)byte;
    }
    utf8_copy((struct slice){(const uint8_t *)text, n}, status->message,
        size);
}

void
grpc_status_parse(enum grpc_code code, struct slice message,
    struct slice details, struct grpc_status *status)
{
    if ((unsigned)code >= GRPC_CODE_COUNT)
        code = GRPC_UNKNOWN;
    grpc_status_set(status, code, "", "%s", "");
    status->retry_ms = 0;
    decode_message(message, status);
    if (code != GRPC_OK && details.n > 0)
        read_details(status, details);
}
