#ifndef PROTO_WIRE_PUT_H
#define PROTO_WIRE_PUT_H

/*
 * The wire form of protobuf, written by hand: what message_pack() would have
 * written, without a message.  Each function writes at ${p} and returns the
 * end of what it wrote.  The caller sees to the room, which the macros below
 * bound; to fields in number order; and to fields that are absent.
 */

#include <protobuf-c/protobuf-c.h>
#include <string.h>

#include "proto/bytes.h"

#define WIRE_VARINT_MAX 10
#define WIRE_TAG_MAX 5          /* as protobuf-c has it, of lengths too */

/* What a field takes at most: a number, and ${n} bytes or a message of them. */
#define WIRE_PUT_NUMBER_MAX (WIRE_TAG_MAX + WIRE_VARINT_MAX)
#define WIRE_PUT_BYTES_MAX(n) (2 * WIRE_TAG_MAX + (n))

/**
 * wire_put_size(value):
 * Return how many bytes wire_put_varint() writes of ${value}.
 */
static inline size_t
wire_put_size(uint64_t value)
{
    /* Seven bits a byte: n * 9 / 64 is n / 7, rounded up, for these n. */
    return ((size_t)((64 - __builtin_clzll(value | 1)) * 9 + 64) / 64);
}

/**
 * wire_put_varint(p, value):
 * Write ${value} as the shortest varint.
 */
static inline uint8_t *
wire_put_varint(uint8_t *p, uint64_t value)
{
    while (value >= 0x80) {
        *p++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *p++ = (uint8_t)value;
    return (p);
}

/**
 * wire_put_tag(p, number, type):
 * Write what comes before each value: number and wire type of its field.
 */
static inline uint8_t *
wire_put_tag(uint8_t *p, uint32_t number, ProtobufCWireType type)
{
    return (wire_put_varint(p, (uint64_t)number << 3 | (uint64_t)type));
}

/**
 * wire_put_number(p, number, value):
 * Write a field of an integer, enum or bool, or nothing if ${value} is 0.  A
 * negative integer is extended to 64 bits, whatever its type; sint32 and
 * sint64 are not meant.
 */
static inline uint8_t *
wire_put_number(uint8_t *p, uint32_t number, uint64_t value)
{
    if (value == 0)
        return (p);
    p = wire_put_tag(p, number, PROTOBUF_C_WIRE_TYPE_VARINT);
    return (wire_put_varint(p, value));
}

/**
 * wire_put_ready(p, number, bytes):
 * Write a field of ready bytes, empty or not: an element of repeated strings
 * or bytes, or a message in its wire form.  At most INT32_MAX bytes.
 */
static inline uint8_t *
wire_put_ready(uint8_t *p, uint32_t number, struct slice bytes)
{
    p = wire_put_tag(p, number, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
    p = wire_put_varint(p, bytes.n);
    if (bytes.n > 0)
        memcpy(p, bytes.p, bytes.n);
    return (p + bytes.n);
}

/**
 * wire_put_bytes(p, number, bytes):
 * Write a field of a singular string or bytes, or nothing if ${bytes} are
 * empty.  At most INT32_MAX bytes.
 */
static inline uint8_t *
wire_put_bytes(uint8_t *p, uint32_t number, struct slice bytes)
{
    return (bytes.n == 0 ? p : wire_put_ready(p, number, bytes));
}

/**
 * wire_put_begin(p, number):
 * Begin a field whose length is not known yet.  What is returned is where its
 * content begins; hand it to wire_put_end() behind the content.  Such fields
 * nest.
 */
static inline uint8_t *
wire_put_begin(uint8_t *p, uint32_t number)
{
    /* Room for the length of a short one. */
    return (wire_put_tag(p, number, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) + 1);
}

/**
 * wire_put_end(begin, p):
 * End at ${p} the field whose content began at ${begin}, at most INT32_MAX
 * bytes before.  Content of 128 bytes or more is moved, by 1 to 4 bytes.
 */
static inline uint8_t *
wire_put_end(uint8_t *begin, uint8_t *p)
{
    const size_t n = (size_t)(p - begin);
    size_t more;

    if (n < 0x80) {
        begin[-1] = (uint8_t)n;
        return (p);
    }
    more = wire_put_size(n) - 1;
    memmove(begin + more, begin, n);
    (void)wire_put_varint(begin - 1, n);
    return (p + more);
}

#endif /* !PROTO_WIRE_PUT_H */
