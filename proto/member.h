#ifndef PROTO_MEMBER_H
#define PROTO_MEMBER_H

/*
 * The members of the structs that protoc-c generates: what a value on the
 * wire is in memory.  At each ${at} there is a member, or an element of a
 * repeated one, of protobuf-c's type ${type}.
 */

#include <endian.h>
#include <protobuf-c/protobuf-c.h>
#include <string.h>

#include "proto/bytes.h"
#include "proto/wire.h"

/**
 * member_size(type):
 * Return how many bytes one value takes.
 */
static inline size_t
member_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return (sizeof(void *));
    case PROTOBUF_C_TYPE_BYTES:
        return (sizeof(ProtobufCBinaryData));
    case PROTOBUF_C_TYPE_BOOL:
        return (sizeof(protobuf_c_boolean));
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return (sizeof(uint64_t));
    default:
        return (sizeof(uint32_t));
    }
}

/**
 * member_end(type):
 * Return the end of the fields of ${type}; some have none, and no array.
 */
static inline const ProtobufCFieldDescriptor *
member_end(const ProtobufCMessageDescriptor *type)
{
    return (type->n_fields == 0 ? type->fields :
        type->fields + type->n_fields);
}

/* Read and write without regard to the type that is declared there. */
static inline uint32_t
member_get32(const void *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return (value);
}

static inline uint64_t
member_get64(const void *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return (value);
}

static inline void *
member_get_pointer(const void *at)
{
    void *value;

    memcpy(&value, at, sizeof(value));
    return (value);
}

static inline void
member_put32(void *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static inline void
member_put64(void *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static inline void
member_put_pointer(void *at, const void *value)
{
    memcpy(at, &value, sizeof(value));
}

/**
 * member_put_varint(type, at, value):
 * Store what the varint ${value} stands for; bits that do not fit are dropped.
 */
static inline void
member_put_varint(ProtobufCType type, void *at, uint64_t value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        member_put64(at, value);
        break;
    case PROTOBUF_C_TYPE_SINT64:
        member_put64(at, value >> 1 ^ (0 - (value & 1)));
        break;
    case PROTOBUF_C_TYPE_SINT32:
        member_put32(at, (uint32_t)value >> 1 ^ (0 - ((uint32_t)value & 1)));
        break;
    case PROTOBUF_C_TYPE_BOOL:
        member_put32(at, value != 0);
        break;
    default:
        member_put32(at, (uint32_t)value);
        break;
    }
}

/**
 * member_get_varint(type, at):
 * Return the varint that stands for the number there.
 */
static inline uint64_t
member_get_varint(ProtobufCType type, const void *at)
{
    uint64_t wide;
    uint32_t value;

    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return (member_get64(at));
    case PROTOBUF_C_TYPE_SINT64:
        wide = member_get64(at);
        return (wide << 1 ^ (0 - (wide >> 63)));
    case PROTOBUF_C_TYPE_SINT32:
        value = member_get32(at);
        return (value << 1 ^ (0 - (value >> 31)));
    case PROTOBUF_C_TYPE_UINT32:
        return (member_get32(at));
    case PROTOBUF_C_TYPE_BOOL:
        return (member_get32(at) != 0);
    default:    /* negative ones are 64 bits long */
        return ((uint64_t)(int64_t)(int32_t)member_get32(at));
    }
}

/**
 * member_put_fixed(at, p, n):
 * Store the little-endian number of ${n} bytes, 4 or 8, at ${p}.
 */
static inline void
member_put_fixed(void *at, const uint8_t *p, size_t n)
{
    if (n == sizeof(uint32_t))
        member_put32(at, le32toh(member_get32(p)));
    else
        member_put64(at, le64toh(member_get64(p)));
}

/**
 * member_get_fixed(at, p, n):
 * Write the number there to ${p}, little-endian, in ${n} bytes, 4 or 8.
 */
static inline void
member_get_fixed(const void *at, uint8_t *p, size_t n)
{
    if (n == sizeof(uint32_t))
        member_put32(p, htole32(member_get32(at)));
    else
        member_put64(p, htole64(member_get64(at)));
}

#endif /* !PROTO_MEMBER_H */
