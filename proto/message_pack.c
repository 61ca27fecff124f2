#include "proto/message.h"

#include <string.h>

#include "proto/member.h"
#include "proto/wire.h"
#include "proto/wire_put.h"

/* What is asked for where more room is needed, the limit permitting. */
#define ROOM 1024

/* The end of a buf that is being written: its room is from ${p} to ${end}. */
struct writer {
    struct buf *out;
    uint8_t *p;
    uint8_t *end;
};

static enum err put_message(struct writer *w, uint32_t number,
    const ProtobufCMessage *message);

static void
resume(struct writer *w)
{
    const struct buf *out = w->out;

    w->p = w->end = out->p;
    if (out->size > 0) {
        w->p += out->n;
        w->end += out->size < out->max ? out->size : out->max;
    }
}

/* Is there room for ${n} bytes, the most that something can take? */
static inline int
has_room(const struct writer *w, size_t n)
{
    return ((size_t)(w->end - w->p) >= n);
}

/* If not: make room for the ${n} that it takes; no more need be left. */
static enum err
grow(struct writer *w, size_t n)
{
    struct buf *out = w->out;
    size_t left;
    enum err err;

    out->n = (size_t)(w->p - out->p);
    left = out->max - out->n;
    if (n < ROOM)
        n = left < n ? n : left < ROOM ? left : ROOM;
    err = buf_reserve(out, n);
    resume(w);
    return (err);
}

static inline size_t
tag_size(uint32_t number)
{
    return (wire_put_size((uint64_t)number << 3));
}

static inline enum err
put_varint(struct writer *w, uint32_t number, uint64_t value)
{
    enum err err;

    if (!has_room(w, WIRE_PUT_NUMBER_MAX) &&
        (err = grow(w, tag_size(number) + wire_put_size(value))) != E_OK)
        return (err);
    w->p = wire_put_tag(w->p, number, PROTOBUF_C_WIRE_TYPE_VARINT);
    w->p = wire_put_varint(w->p, value);
    return (E_OK);
}

static enum err
put_fixed(struct writer *w, uint32_t number, ProtobufCWireType type,
    const void *at)
{
    const size_t n = type == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
    enum err err;

    if (!has_room(w, WIRE_PUT_BYTES_MAX(n)) &&
        (err = grow(w, tag_size(number) + n)) != E_OK)
        return (err);
    w->p = wire_put_tag(w->p, number, type);
    member_get_fixed(at, w->p, n);
    w->p += n;
    return (E_OK);
}

static inline enum err
put_bytes(struct writer *w, uint32_t number, struct slice bytes)
{
    enum err err;

    if (!has_room(w, WIRE_PUT_BYTES_MAX(bytes.n)) &&
        (err = grow(w, tag_size(number) + wire_put_size(bytes.n) +
        bytes.n)) != E_OK)
        return (err);
    w->p = wire_put_ready(w->p, number, bytes);
    return (E_OK);
}

static inline struct slice
text_at(const void *at)
{
    const char *text = member_get_pointer(at);

    return ((struct slice){(const uint8_t *)text,
        text == NULL || *text == '\0' ? 0 : strlen(text)});
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

/*
 * Write the value at ${at}; a default value only if ${always}.  Most fields of
 * most messages are not set: a call would cost more than the look at them.
 */
static inline __attribute__((always_inline)) enum err
put(struct writer *w, const ProtobufCFieldDescriptor *field, const void *at,
    int always)
{
    const ProtobufCType type = field->type;
    const ProtobufCMessage *message;
    struct slice bytes;
    uint64_t value;

    switch (wire_type(type)) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        value = member_get_varint(type, at);
        return (value != 0 || always ? put_varint(w, field->id, value) : E_OK);
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        break;
    default:
        return (always || !is_zero(type, at) ?
            put_fixed(w, field->id, wire_type(type), at) : E_OK);
    }
    if (type == PROTOBUF_C_TYPE_MESSAGE) {
        message = member_get_pointer(at);
        return (message != NULL || always ?
            put_message(w, field->id, message) : E_OK);
    }
    bytes = type == PROTOBUF_C_TYPE_STRING ? text_at(at) : bytes_at(at);
    return (bytes.n > 0 || always ? put_bytes(w, field->id, bytes) : E_OK);
}

/* Open a field whose length is not known: ${*at} is where it begins. */
static inline enum err
begin(struct writer *w, uint32_t number, size_t *at)
{
    enum err err;

    if (!has_room(w, WIRE_PUT_BYTES_MAX(0)) &&
        (err = grow(w, tag_size(number) + 1)) != E_OK)
        return (err);
    w->p = wire_put_begin(w->p, number);
    *at = (size_t)(w->p - w->out->p);
    return (E_OK);
}

static inline enum err
end(struct writer *w, size_t at)
{
    const size_t n = (size_t)(w->p - w->out->p) - at;
    enum err err;

    if (!has_room(w, WIRE_TAG_MAX) &&
        (err = grow(w, wire_put_size(n) - 1)) != E_OK)
        return (err);
    w->p = wire_put_end(w->out->p + at, w->p);
    return (E_OK);
}

/* One scalar of a packed field. */
static enum err
put_element(struct writer *w, ProtobufCType type, const void *at)
{
    const ProtobufCWireType wire = wire_type(type);
    const size_t n = wire == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
    uint64_t value;
    enum err err;

    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
        value = member_get_varint(type, at);
        if (!has_room(w, WIRE_VARINT_MAX) &&
            (err = grow(w, wire_put_size(value))) != E_OK)
            return (err);
        w->p = wire_put_varint(w->p, value);
        return (E_OK);
    }
    if (!has_room(w, n) && (err = grow(w, n)) != E_OK)
        return (err);
    member_get_fixed(at, w->p, n);
    w->p += n;
    return (E_OK);
}

static enum err
put_packed(struct writer *w, const ProtobufCFieldDescriptor *field,
    const uint8_t *array, size_t count)
{
    const size_t size = member_size(field->type);
    size_t at;
    enum err err;

    if ((err = begin(w, field->id, &at)) != E_OK)
        return (err);
    for (; count > 0; count--, array += size) {
        if ((err = put_element(w, field->type, array)) != E_OK)
            return (err);
    }
    return (end(w, at));
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

static enum err
put_repeated(struct writer *w, const ProtobufCFieldDescriptor *field,
    const uint8_t *array, size_t count)
{
    const size_t size = member_size(field->type);
    enum err err;

    if (count == 0)
        return (E_OK);
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_PACKED) != 0)
        return (put_packed(w, field, array, count));
    for (; count > 0; count--, array += size) {
        if ((err = put(w, field, array, 1)) != E_OK)
            return (err);
    }
    return (E_OK);
}

static inline enum err
put_field(struct writer *w, const uint8_t *message,
    const ProtobufCFieldDescriptor *field)
{
    const uint8_t *at = message + field->offset;
    size_t count;
    int always;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&count, message + field->quantifier_offset, sizeof(count));
        return (put_repeated(w, field, member_get_pointer(at), count));
    }
    always = field->label != PROTOBUF_C_LABEL_NONE ||
        (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    return (always && !is_present(message, field) ? E_OK :
        put(w, field, at, always));
}

static enum err
put_unknown(struct writer *w, const ProtobufCMessageUnknownField *field)
{
    enum err err;

    if (!has_room(w, WIRE_PUT_BYTES_MAX(field->len)) &&
        (err = grow(w, tag_size(field->tag) + field->len)) != E_OK)
        return (err);
    w->p = wire_put_tag(w->p, field->tag, field->wire_type);
    memcpy(w->p, field->data, field->len);
    w->p += field->len;
    return (E_OK);
}

static enum err
put_fields(struct writer *w, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const ProtobufCFieldDescriptor *field = type->fields;
    const ProtobufCFieldDescriptor *last = member_end(type);
    enum err err;
    unsigned i;

    for (; field < last; field++) {
        if ((err = put_field(w, (const uint8_t *)(const void *)message,
            field)) != E_OK)
            return (err);
    }
    for (i = 0; i < message->n_unknown_fields; i++) {
        if ((err = put_unknown(w, &message->unknown_fields[i])) != E_OK)
            return (err);
    }
    return (E_OK);
}

/* NULL, in a repeated field, is an empty one. */
static enum err
put_message(struct writer *w, uint32_t number, const ProtobufCMessage *message)
{
    size_t at;
    enum err err;

    if ((err = begin(w, number, &at)) != E_OK ||
        (message != NULL && (err = put_fields(w, message)) != E_OK))
        return (err);
    return (end(w, at));
}

enum err
message_pack(const ProtobufCMessage *message, struct buf *out)
{
    const size_t before = out->n;
    struct writer w = {.out = out};
    enum err err;

    resume(&w);
    err = put_fields(&w, message);
    out->n = err == E_OK ? (size_t)(w.p - out->p) : before;
    return (err);
}
