#include "proto/message.h"

#include <string.h>

#include "proto/member.h"
#include "proto/wire.h"
#include "proto/wire_put.h"

static enum err put_message(struct buf *out, uint32_t number,
    const ProtobufCMessage *message);

/* Room for ${n} more bytes, no more than are written: the limit is exact. */
static inline enum err
reserve(struct buf *out, size_t n)
{
    return (n <= out->size - out->n && n <= out->max - out->n ? E_OK :
        buf_reserve(out, n));
}

static inline size_t
tag_size(uint32_t number)
{
    return (wire_put_size((uint64_t)number << 3));
}

static inline enum err
put_varint(struct buf *out, uint32_t number, uint64_t value)
{
    uint8_t *p;
    enum err err;

    if ((err = reserve(out, tag_size(number) + wire_put_size(value))) != E_OK)
        return (err);
    p = wire_put_tag(out->p + out->n, number, PROTOBUF_C_WIRE_TYPE_VARINT);
    out->n = (size_t)(wire_put_varint(p, value) - out->p);
    return (E_OK);
}

static enum err
put_fixed(struct buf *out, uint32_t number, ProtobufCWireType type,
    const void *at)
{
    const size_t n = type == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
    uint8_t *p;
    enum err err;

    if ((err = reserve(out, tag_size(number) + n)) != E_OK)
        return (err);
    p = wire_put_tag(out->p + out->n, number, type);
    member_get_fixed(at, p, n);
    out->n = (size_t)(p - out->p) + n;
    return (E_OK);
}

static inline enum err
put_bytes(struct buf *out, uint32_t number, struct slice bytes)
{
    enum err err;

    if ((err = reserve(out, tag_size(number) + wire_put_size(bytes.n) +
        bytes.n)) != E_OK)
        return (err);
    out->n = (size_t)(wire_put_ready(out->p + out->n, number, bytes) - out->p);
    return (E_OK);
}

static inline struct slice
text_at(const void *at)
{
    const char *text = member_get_pointer(at);

    return (text == NULL ? (struct slice){NULL, 0} : slice_of(text));
}

static inline struct slice
bytes_at(const void *at)
{
    ProtobufCBinaryData value;

    memcpy(&value, at, sizeof(value));
    return ((struct slice){value.data, value.len});
}

/* A float's sign does not count, as protobuf-c has it. */
static int
is_zero(ProtobufCType type, const void *at)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
        return (member_get32(at) << 1 == 0);
    case PROTOBUF_C_TYPE_DOUBLE:
        return (member_get64(at) << 1 == 0);
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return (member_get32(at) == 0);
    default:
        return (member_get64(at) == 0);
    }
}

/* Write the value at ${at}; a default value only if ${always}. */
static enum err
put(struct buf *out, const ProtobufCFieldDescriptor *field, const void *at,
    int always)
{
    const ProtobufCWireType type = wire_type(field->type);
    const ProtobufCMessage *message;
    struct slice bytes;
    uint64_t value;

    if (type == PROTOBUF_C_WIRE_TYPE_VARINT) {
        value = member_get_varint(field->type, at);
        return (value != 0 || always ? put_varint(out, field->id, value) :
            E_OK);
    }
    if (type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return (always || !is_zero(field->type, at) ?
            put_fixed(out, field->id, type, at) : E_OK);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        message = member_get_pointer(at);
        return (message != NULL || always ?
            put_message(out, field->id, message) : E_OK);
    }
    bytes = field->type == PROTOBUF_C_TYPE_STRING ? text_at(at) : bytes_at(at);
    return (bytes.n > 0 || always ? put_bytes(out, field->id, bytes) : E_OK);
}

/* Open a field whose length is not known: ${*begin} is where it begins. */
static enum err
begin(struct buf *out, uint32_t number, size_t *begin)
{
    enum err err;

    if ((err = reserve(out, tag_size(number) + 1)) != E_OK)
        return (err);
    out->n = (size_t)(wire_put_begin(out->p + out->n, number) - out->p);
    *begin = out->n;
    return (E_OK);
}

static enum err
end(struct buf *out, size_t begin)
{
    enum err err;

    if ((err = reserve(out, wire_put_size(out->n - begin) - 1)) != E_OK)
        return (err);
    out->n = (size_t)(wire_put_end(out->p + begin, out->p + out->n) - out->p);
    return (E_OK);
}

/* One scalar of a packed field. */
static enum err
put_element(struct buf *out, ProtobufCType type, const void *at)
{
    const ProtobufCWireType wire = wire_type(type);
    uint64_t value = 0;
    size_t n;
    enum err err;

    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT)
        value = member_get_varint(type, at);
    n = wire == PROTOBUF_C_WIRE_TYPE_VARINT ? wire_put_size(value) :
        wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
    if ((err = reserve(out, n)) != E_OK)
        return (err);
    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT)
        (void)wire_put_varint(out->p + out->n, value);
    else
        member_get_fixed(at, out->p + out->n, n);
    out->n += n;
    return (E_OK);
}

static enum err
put_repeated(struct buf *out, const ProtobufCFieldDescriptor *field,
    const uint8_t *array, size_t count)
{
    const size_t size = member_size(field->type);
    const int packed = (field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0;
    enum err err = E_OK;
    size_t at = 0;

    if (count == 0)
        return (E_OK);
    if (packed)
        err = begin(out, field->id, &at);
    for (; err == E_OK && count > 0; count--, array += size)
        err = packed ? put_element(out, field->type, array) :
            put(out, field, array, 1);
    return (err == E_OK && packed ? end(out, at) : err);
}

/* Is the field there, whose presence is a matter of its own? */
static int
is_present(const uint8_t *message, const ProtobufCFieldDescriptor *field)
{
    const uint32_t quantifier =
        member_get32(message + field->quantifier_offset);
    const void *pointer;

    if (field->label == PROTOBUF_C_LABEL_REQUIRED)
        return (1);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
        quantifier != field->id)
        return (0);
    if (field->type == PROTOBUF_C_TYPE_STRING ||
        field->type == PROTOBUF_C_TYPE_MESSAGE) {
        pointer = member_get_pointer(message + field->offset);
        return (pointer != NULL && pointer != field->default_value);
    }
    return (quantifier != 0);
}

static inline enum err
put_field(struct buf *out, const uint8_t *message,
    const ProtobufCFieldDescriptor *field)
{
    const void *at = message + field->offset;
    size_t count;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&count, message + field->quantifier_offset, sizeof(count));
        return (put_repeated(out, field, member_get_pointer(at), count));
    }
    if (field->label == PROTOBUF_C_LABEL_NONE &&
        (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return (put(out, field, at, 0));
    return (is_present(message, field) ? put(out, field, at, 1) : E_OK);
}

static enum err
put_unknown(struct buf *out, const ProtobufCMessageUnknownField *field)
{
    uint8_t *p;
    enum err err;

    if ((err = reserve(out, tag_size(field->tag) + field->len)) != E_OK)
        return (err);
    p = wire_put_tag(out->p + out->n, field->tag, field->wire_type);
    memcpy(p, field->data, field->len);
    out->n = (size_t)(p - out->p) + field->len;
    return (E_OK);
}

static enum err
put_fields(struct buf *out, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    enum err err = E_OK;
    unsigned i;

    for (i = 0; err == E_OK && i < type->n_fields; i++)
        err = put_field(out, (const uint8_t *)(const void *)message,
            &type->fields[i]);
    for (i = 0; err == E_OK && i < message->n_unknown_fields; i++)
        err = put_unknown(out, &message->unknown_fields[i]);
    return (err);
}

/* NULL, in a repeated field, is an empty one. */
static enum err
put_message(struct buf *out, uint32_t number, const ProtobufCMessage *message)
{
    size_t at;
    enum err err;

    if ((err = begin(out, number, &at)) != E_OK ||
        (message != NULL && (err = put_fields(out, message)) != E_OK))
        return (err);
    return (end(out, at));
}

enum err
message_pack(const ProtobufCMessage *message, struct buf *out)
{
    const size_t before = out->n;
    enum err err;

    if ((err = put_fields(out, message)) != E_OK)
        out->n = before;
    return (err);
}
