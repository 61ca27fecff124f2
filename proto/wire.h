#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

/*
 * The wire form of protobuf, one field after the other, without knowing what
 * they mean (protobuf.dev/programming-guides/encoding).  Whatever is taken
 * here, protobuf-c takes too: tags and lengths have at most 5 bytes.
 */

#include <protobuf-c/protobuf-c.h>

#include "proto/bytes.h"
#include "proto/err.h"

struct wire_field {
    uint32_t number;
    ProtobufCWireType type;
    uint64_t value;         /* of a varint */
    const uint8_t *begin;   /* of the value, its length included */
    struct slice bytes;     /* the value as it stands, without its length */
    int shortest;           /* tag, length and varint are as short as can be */
};

/**
 * wire_next_long(in, field, what):
 * Do as wire_next(), which calls this for what is not short.
 */
enum err MUST_USE wire_next_long(struct slice *in, struct wire_field *field,
    const char **what);

/**
 * wire_next(in, field, what):
 * Take one field from the front of ${*in}, which is not empty; field->bytes
 * is borrowed from it.
 *
 * Fails: E_INVAL; ${*what} is then the rule that was broken, a constant.
 */
static inline MUST_USE enum err
wire_next(struct slice *in, struct wire_field *field, const char **what)
{
    const uint8_t *p = in->p;
    size_t n;

    /* Nearly always the tag is one byte, a length one, a varint one or two. */
    if (in->n < 2 || (p[0] & 0x85) != 0 || p[0] < 8)
        return (wire_next_long(in, field, what));
    field->number = p[0] >> 3;
    field->begin = p + 1;
    field->value = n = p[1];
    field->shortest = 1;
    if ((p[0] & 7) == PROTOBUF_C_WIRE_TYPE_VARINT) {
        field->type = PROTOBUF_C_WIRE_TYPE_VARINT;
        field->bytes = (struct slice){p + 1, 1};
        if (n >= 0x80) {
            if (in->n < 3 || (uint8_t)(p[2] - 1) >= 0x7f)
                return (wire_next_long(in, field, what));
            field->value = (n & 0x7f) | (uint64_t)p[2] << 7;
            field->bytes.n = 2;
        }
        n = field->bytes.n - 1;
    } else {
        if (n >= 0x80 || n > in->n - 2)
            return (wire_next_long(in, field, what));
        field->type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
        field->bytes = (struct slice){p + 2, n};
    }
    in->p = p + 2 + n;
    in->n -= 2 + n;
    return (E_OK);
}

/**
 * wire_varint(in, value, shortest):
 * Take a varint of at most 64 bits from the front of ${*in}.  ${*shortest}
 * becomes 0 if it is longer than it has to be; otherwise it stays as it is.
 *
 * Fails: E_INVAL (cut off, or too long).
 */
enum err MUST_USE wire_varint(struct slice *in, uint64_t *value,
    int *shortest);

/**
 * wire_type(type):
 * Return the wire type of one value of ${type}.
 */
static inline ProtobufCWireType
wire_type(ProtobufCType type)
{
    static const uint8_t types[] = {
        [PROTOBUF_C_TYPE_INT32] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SINT32] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SFIXED32] = PROTOBUF_C_WIRE_TYPE_32BIT,
        [PROTOBUF_C_TYPE_INT64] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SINT64] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_SFIXED64] = PROTOBUF_C_WIRE_TYPE_64BIT,
        [PROTOBUF_C_TYPE_UINT32] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_FIXED32] = PROTOBUF_C_WIRE_TYPE_32BIT,
        [PROTOBUF_C_TYPE_UINT64] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_FIXED64] = PROTOBUF_C_WIRE_TYPE_64BIT,
        [PROTOBUF_C_TYPE_FLOAT] = PROTOBUF_C_WIRE_TYPE_32BIT,
        [PROTOBUF_C_TYPE_DOUBLE] = PROTOBUF_C_WIRE_TYPE_64BIT,
        [PROTOBUF_C_TYPE_BOOL] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_ENUM] = PROTOBUF_C_WIRE_TYPE_VARINT,
        [PROTOBUF_C_TYPE_STRING] = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
        [PROTOBUF_C_TYPE_BYTES] = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
        [PROTOBUF_C_TYPE_MESSAGE] = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED,
    };

    return ((ProtobufCWireType)types[type]);
}

#endif /* !PROTO_WIRE_H */
