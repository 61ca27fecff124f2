/*
 * The canonical wire form, told from the bytes alone.  This is no hot path:
 * it looks at what is to be signed or hashed, and at what came from there.
 */

#include "proto/message.h"

#include "proto/wire.h"

/* As deep as message_scan() goes; the recursion below ends there. */
#define DEPTH_MAX 64

static int is_canonical(const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes);

/* Fields whose presence is a matter of its own show their default value. */
static int
has_presence(const ProtobufCFieldDescriptor *field)
{
    return (field->label == PROTOBUF_C_LABEL_OPTIONAL ||
        field->label == PROTOBUF_C_LABEL_REQUIRED ||
        (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0);
}

/* Is ${value} what protobuf-c leaves out?  A float's sign does not count. */
static int
is_default(const ProtobufCFieldDescriptor *field,
    const struct wire_field *value)
{
    const int is_float = (field->type == PROTOBUF_C_TYPE_FLOAT ||
        field->type == PROTOBUF_C_TYPE_DOUBLE);
    size_t i, n = value->bytes.n;

    switch (value->type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        return (value->value == 0);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        return (n == 0);
    case PROTOBUF_C_WIRE_TYPE_32BIT:
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        break;
    }
    for (i = 0; i + 1 < n; i++) {
        if (value->bytes.p[i] != 0)
            return (0);
    }
    return ((value->bytes.p[i] & (is_float ? 0x7f : 0xff)) == 0);
}

/* Does ${value} read back as it stands?  Decoders drop what does not fit. */
static int
fits(ProtobufCType type, uint64_t value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        return (value <= 1);
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:    /* zigzag */
        return (value <= UINT32_MAX);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:      /* negative ones are 64 bits long */
        return (value <= INT32_MAX || value >= (uint64_t)INT32_MIN);
    default:
        return (1);
    }
}

static int
packed_is_canonical(const ProtobufCFieldDescriptor *field, struct slice bytes)
{
    uint64_t value;
    int shortest = 1;

    if (bytes.n == 0)
        return (0);
    if (wire_type(field->type) != PROTOBUF_C_WIRE_TYPE_VARINT)
        return (1);
    while (bytes.n > 0) {
        if (wire_varint(&bytes, &value, &shortest) != E_OK || !shortest ||
            !fits(field->type, value))
            return (0);
    }
    return (1);
}

static int
value_is_canonical(const ProtobufCFieldDescriptor *field,
    const struct wire_field *value)
{
    if (!value->shortest)
        return (0);
    if (field->label == PROTOBUF_C_LABEL_REPEATED &&
        wire_type(field->type) != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0)
            return (value->type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
                packed_is_canonical(field, value->bytes));
        if (value->type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            return (0);
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return (value->bytes.n > 0 &&
            is_canonical(field->descriptor, value->bytes));
    if (value->type == PROTOBUF_C_WIRE_TYPE_VARINT &&
        !fits(field->type, value->value))
        return (0);
    return (field->label == PROTOBUF_C_LABEL_REPEATED || has_presence(field) ||
        !is_default(field, value));
}

/* May ${field} come behind ${last}, which is NULL at the front? */
static int
may_follow(const ProtobufCFieldDescriptor *last,
    const ProtobufCFieldDescriptor *field)
{
    if (last == NULL || field->id > last->id)
        return (1);
    return (field == last && field->label == PROTOBUF_C_LABEL_REPEATED &&
        (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) == 0);
}

/* Is another member of the oneof of ${field} in ${before}? */
static int
oneof_is_taken(const ProtobufCMessageDescriptor *descriptor,
    struct slice before, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCFieldDescriptor *other;
    struct wire_field value;
    const char *what;

    while (before.n > 0 && wire_next(&before, &value, &what) == E_OK) {
        other = protobuf_c_message_descriptor_get_field(descriptor,
            value.number);
        if (other != NULL &&
            (other->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
            other->quantifier_offset == field->quantifier_offset)
            return (1);
    }
    return (0);
}

/* Recursion ends with the bytes: they were scanned to DEPTH_MAX. */
static int
is_canonical(const ProtobufCMessageDescriptor *descriptor, struct slice bytes)
{
    const ProtobufCFieldDescriptor *last = NULL, *field;
    struct slice rest = bytes, before = {bytes.p, 0};
    struct wire_field value;
    uint32_t last_unknown = 0;
    const char *what;

    for (; rest.n > 0; before.n = bytes.n - rest.n) {
        if (wire_next(&rest, &value, &what) != E_OK)
            return (0);
        field = protobuf_c_message_descriptor_get_field(descriptor,
            value.number);
        if (field == NULL) {
            if (!value.shortest || value.number < last_unknown)
                return (0);
            last_unknown = value.number;
            continue;
        }
        if (last_unknown != 0 || !may_follow(last, field) ||
            !value_is_canonical(field, &value))
            return (0);
        if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
            oneof_is_taken(descriptor, before, field))
            return (0);
        last = field;
    }
    return (1);
}

int
message_is_canonical(const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes)
{
    static const struct message_limits limits = {
        .depth = DEPTH_MAX, .elements = SIZE_MAX, .fields = SIZE_MAX,
    };
    struct message_fault fault;

    return (message_scan(descriptor, bytes, &limits, &fault) == E_OK &&
        is_canonical(descriptor, bytes));
}
