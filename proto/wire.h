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
 * wire_next(in, field, what):
 * Take one field from the front of ${*in}, which is not empty; field->bytes
 * is borrowed from it.
 *
 * Fails: E_INVAL; ${*what} is then the rule that was broken, a constant.
 */
enum err MUST_USE wire_next(struct slice *in, struct wire_field *field,
    const char **what);

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
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return (PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return (PROTOBUF_C_WIRE_TYPE_32BIT);
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return (PROTOBUF_C_WIRE_TYPE_64BIT);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        break;
    }
    return (PROTOBUF_C_WIRE_TYPE_VARINT);
}

#endif /* !PROTO_WIRE_H */
