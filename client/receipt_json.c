#include "client/receipt_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/text.h"
#include "proto/civil.h"

#define KEY_MAX 128
#define TIME_TEXT (CIVIL_TIME_TEXT + 8)

static json_t *
hex(struct slice bytes)
{
    char *text = malloc(2 * bytes.n + 1);
    json_t *json = NULL;

    if (text != NULL) {
        bytes_to_hex(bytes, text);
        json = json_string(text);
    }
    free(text);
    return (json);
}

static json_t *
hex_of(const ProtobufCBinaryData *data)
{
    return (hex((struct slice){data->data, data->len}));
}

static json_t *
hash_of(const struct merkle_hash *hash)
{
    return (hex((struct slice){hash->bytes, MERKLE_HASH}));
}

/* RFC 3339 in UTC, with the microseconds. */
static json_t *
time_of(int64_t us)
{
    char seconds[CIVIL_TIME_TEXT], text[TIME_TEXT];
    int part = (int)(us % 1000000 + (us % 1000000 < 0 ? 1000000 : 0));

    civil_format_time(us, 0, seconds);
    (void)snprintf(text, sizeof(text), "%.*s.%06dZ",
        (int)strcspn(seconds, "Z"), seconds, part);
    return (json_string(text));
}

static json_t *message(const ProtobufCMessage *m);

/* One value of ${field}, which lies at ${at}. */
static json_t *
value(const ProtobufCFieldDescriptor *field, const void *at)
{
    const ProtobufCEnumValue *name;
    const ProtobufCMessage *m;
    const char *text;

    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
        return (json_integer(*(const int32_t *)at));
    case PROTOBUF_C_TYPE_UINT32:
        return (json_integer(*(const uint32_t *)at));
    case PROTOBUF_C_TYPE_INT64:
        return (json_integer(*(const int64_t *)at));
    case PROTOBUF_C_TYPE_BOOL:
        return (json_boolean(*(const protobuf_c_boolean *)at));
    case PROTOBUF_C_TYPE_ENUM:
        name = protobuf_c_enum_descriptor_get_value(field->descriptor,
            *(const int32_t *)at);
        return (name != NULL ? json_string(name->name) :
            json_integer(*(const int32_t *)at));
    case PROTOBUF_C_TYPE_STRING:
        text = *(char *const *)at;
        return (json_string(text != NULL ? text : ""));
    case PROTOBUF_C_TYPE_BYTES:
        return (hex_of(at));
    case PROTOBUF_C_TYPE_MESSAGE:
        m = *(ProtobufCMessage *const *)at;
        return (m != NULL ? message(m) : json_null());
    default:
        return (NULL);              /* no receipt has such a field */
    }
}

static size_t
size_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT64:
        return (8);
    case PROTOBUF_C_TYPE_BOOL:
        return (sizeof(protobuf_c_boolean));
    case PROTOBUF_C_TYPE_BYTES:
        return (sizeof(ProtobufCBinaryData));
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return (sizeof(void *));
    default:
        return (4);
    }
}

static json_t *
list(const ProtobufCFieldDescriptor *field, const uint8_t *at, size_t n)
{
    json_t *array = json_array();

    for (size_t i = 0; array != NULL && i < n; i++)
        if (json_array_append_new(array,
            value(field, at + i * size_of(field))) != 0) {
            json_decref(array);
            array = NULL;
        }
    return (array);
}

/* Returns 0, or -1 if memory ran out. */
static int
add_field(json_t *object, const ProtobufCFieldDescriptor *field,
    const uint8_t *m)
{
    const void *at = m + field->offset;
    size_t n = strlen(field->name);
    char key[KEY_MAX];

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return (json_object_set_new(object, field->name, list(field,
            *(const uint8_t *const *)at, *(const size_t *)(const void *)
            (m + field->quantifier_offset))));
    if (json_object_set_new(object, field->name, value(field, at)) != 0)
        return (-1);
    if (n < 4 || n >= KEY_MAX || strcmp(field->name + n - 3, "_us") != 0 ||
        field->type != PROTOBUF_C_TYPE_INT64)
        return (0);
    (void)snprintf(key, sizeof(key), "%.*s", (int)(n - 3), field->name);
    return (json_object_set_new(object, key, time_of(*(const int64_t *)at)));
}

static json_t *
unknown_field(const ProtobufCMessageUnknownField *f)
{
    struct slice bytes = text_unknown(f);

    return (json_pack("{s:I, s:I, s:I, s:o}", "number", (json_int_t)f->tag,
        "wire_type", (json_int_t)f->wire_type, "length", (json_int_t)bytes.n,
        "bytes", hex(bytes)));
}

static int
add_unknown(json_t *object, const ProtobufCMessage *m)
{
    json_t *array;

    if (m->n_unknown_fields == 0)
        return (0);
    if ((array = json_array()) == NULL)
        return (-1);
    for (unsigned i = 0; i < m->n_unknown_fields; i++)
        if (json_array_append_new(array,
            unknown_field(&m->unknown_fields[i])) != 0) {
            json_decref(array);
            return (-1);
        }
    return (json_object_set_new(object, "unknown_fields", array));
}

static json_t *
message(const ProtobufCMessage *m)
{
    json_t *object = json_object();
    int status = object == NULL ? -1 : 0;

    for (unsigned i = 0; status == 0 && i < m->descriptor->n_fields; i++)
        status = add_field(object, &m->descriptor->fields[i],
            (const uint8_t *)m);
    if (status == 0)
        status = add_unknown(object, m);
    if (status != 0) {
        json_decref(object);
        return (NULL);
    }
    return (object);
}

/* The seal, with what is signed beside its bytes. */
static json_t *
seal(const struct receipt *r)
{
    json_t *object = message(&r->seal->base);

    if (object != NULL &&
        (json_object_set_new(object, "batch_bytes",
            hex_of(&r->seal->batch)) != 0 ||
        json_object_set_new(object, "batch",
            message(&r->batch->base)) != 0)) {
        json_decref(object);
        return (NULL);
    }
    return (object);
}

static json_t *
redacted(const struct receipt *r)
{
    json_t *array = json_array();

    if (array != NULL && ((r->answer == NULL &&
        json_array_append_new(array, json_string("answer")) != 0) ||
        (r->question == NULL &&
        json_array_append_new(array, json_string("question")) != 0))) {
        json_decref(array);
        return (NULL);
    }
    return (array);
}

json_t *
receipt_json(const struct receipt *r)
{
    json_t *object = json_object();

    if (object != NULL &&
        (json_object_set_new(object, "id", hash_of(&r->id)) != 0 ||
        json_object_set_new(object, "redacted", redacted(r)) != 0 ||
        json_object_set_new(object, "answer", r->answer == NULL ?
            json_null() : message(&r->answer->base)) != 0 ||
        json_object_set_new(object, "question", r->question == NULL ?
            json_null() : message(&r->question->base)) != 0 ||
        json_object_set_new(object, "seal", seal(r)) != 0 ||
        json_object_set_new(object, "answer_commitment",
            hash_of(&r->answer_commitment)) != 0 ||
        json_object_set_new(object, "question_commitment",
            hash_of(&r->question_commitment)) != 0)) {
        json_decref(object);
        return (NULL);
    }
    return (object);
}
