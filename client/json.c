#include "client/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/table.h"
#include "proto/bytes.h"

#define KEY_MAX 128

static void
camel_case(const char *name, char out[KEY_MAX])
{
    size_t n = 0;
    int upper = 0;

    for (; *name != '\0' && n + 1 < KEY_MAX; name++) {
        if (*name == '_') {
            upper = 1;
            continue;
        }
        out[n++] = upper ? (char)toupper((unsigned char)*name) : *name;
        upper = 0;
    }
    out[n] = '\0';
}

static json_t *
json_of_int64(int64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    return (json_string(text));
}

static json_t *
json_of_uint64(uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    return (json_string(text));
}

static json_t *
json_of_enum(const ProtobufCFieldDescriptor *field, int32_t value)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(
        field->descriptor, value);

    return (v != NULL ? json_string(v->name) : json_integer(value));
}

static json_t *
json_of_bytes(const ProtobufCBinaryData *data)
{
    size_t size = data->len / 3 * 4 + 8;
    char *text = malloc(size);
    json_t *json = NULL;

    if (text != NULL && bytes_to_base64((struct slice){data->data, data->len},
        text, size, 1) == E_OK)
        json = json_string(text);
    free(text);
    return (json);
}

/* One value of ${field}, which lies at ${at}. */
static json_t *
json_of_value(const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return (json_integer(*(const int32_t *)at));
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        return (json_integer(*(const uint32_t *)at));
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return (json_of_int64(*(const int64_t *)at));
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        return (json_of_uint64(*(const uint64_t *)at));
    case PROTOBUF_C_TYPE_FLOAT:
        return (json_real((double)*(const float *)at));
    case PROTOBUF_C_TYPE_DOUBLE:
        return (json_real(*(const double *)at));
    case PROTOBUF_C_TYPE_BOOL:
        return (json_boolean(*(const protobuf_c_boolean *)at));
    case PROTOBUF_C_TYPE_ENUM:
        return (json_of_enum(field, *(const int32_t *)at));
    case PROTOBUF_C_TYPE_STRING:
        return (json_string(*(char *const *)at));
    case PROTOBUF_C_TYPE_BYTES:
        return (json_of_bytes(at));
    case PROTOBUF_C_TYPE_MESSAGE:
        return (json_of(*(ProtobufCMessage *const *)at));
    default:
        return (NULL);
    }
}

static size_t
size_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32: case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32: case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
        return (4);
    case PROTOBUF_C_TYPE_BOOL:
        return (sizeof(protobuf_c_boolean));
    case PROTOBUF_C_TYPE_BYTES:
        return (sizeof(ProtobufCBinaryData));
    case PROTOBUF_C_TYPE_STRING: case PROTOBUF_C_TYPE_MESSAGE:
        return (sizeof(void *));
    default:
        return (8);
    }
}

/* Whether a singular field has its default value. */
static int
is_default(const ProtobufCFieldDescriptor *field, const void *at)
{
    static const uint8_t zero[16];

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return (*(char *const *)at == NULL || **(char *const *)at == '\0');
    case PROTOBUF_C_TYPE_MESSAGE:
        return (*(void *const *)at == NULL);
    case PROTOBUF_C_TYPE_BYTES:
        return (((const ProtobufCBinaryData *)at)->len == 0);
    default:
        return (memcmp(at, zero, size_of(field)) == 0);
    }
}

static json_t *
json_of_list(const ProtobufCFieldDescriptor *field, const uint8_t *at,
    size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < n; i++)
        if (json_array_append_new(list,
            json_of_value(field, at + i * size_of(field))) != 0) {
            json_decref(list);
            list = NULL;
        }
    return (list);
}

/* Returns 0, or -1 if memory ran out. */
static int
add_field(json_t *object, const ProtobufCFieldDescriptor *field,
    const uint8_t *message)
{
    const void *at = message + field->offset;
    char key[KEY_MAX];

    camel_case(field->name, key);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *(const size_t *)(const void *)
            (message + field->quantifier_offset);

        return (n == 0 ? 0 : json_object_set_new(object, key,
            json_of_list(field, *(const uint8_t *const *)at, n)));
    }
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
        *(const uint32_t *)(const void *)
            (message + field->quantifier_offset) != field->id)
        return (0);
    if (is_default(field, at))
        return (0);
    return (json_object_set_new(object, key, json_of_value(field, at)));
}

json_t *
json_of(const ProtobufCMessage *message)
{
    json_t *object = json_object();

    for (unsigned i = 0; object != NULL &&
        i < message->descriptor->n_fields; i++)
        if (add_field(object, &message->descriptor->fields[i],
            (const uint8_t *)message) != 0) {
            json_decref(object);
            object = NULL;
        }
    return (object);
}

/* jansson escapes C0 only. */
static void
put_escaped(FILE *f, const char *text)
{
    while (*text != '\0') {
        const unsigned char *p = (const unsigned char *)text;
        size_t n = *text == '\n' ? 0 : table_steers(text);

        switch (n) {
        case 0:
            fputc(*text++, f);
            break;
        case 1:
            fprintf(f, "\\u%04X", (unsigned)p[0]);
            break;
        case 2:
            fprintf(f, "\\u%04X", (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu));
            break;
        default:
            fprintf(f, "\\u%04X", (p[0] & 0xfu) << 12 |
                (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu));
        }
        text += n;
    }
}

int
json_print_value(FILE *f, json_t *json, int lines)
{
    char *text = NULL;

    if (json != NULL)
        text = json_dumps(json, JSON_PRESERVE_ORDER | JSON_ENCODE_ANY |
            (lines ? (size_t)JSON_COMPACT : JSON_INDENT(2)));
    json_decref(json);
    if (text == NULL)
        return (-1);
    put_escaped(f, text);
    (void)fputc('\n', f);
    free(text);
    return (0);
}

int
json_print(FILE *f, const ProtobufCMessage *message, int lines)
{
    return (json_print_value(f, json_of(message), lines));
}
