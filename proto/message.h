#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

/*
 * Protobuf messages, in and out: protobuf-c's structs and descriptors, and a
 * codec of our own over them.  protobuf-c 1.4 neither bounds depth and counts
 * nor checks strings: 34 KB of nesting overflow its stack, and "a\0b" is cut
 * in silence.  It also takes twice as long.
 *
 * The wire form is that of protobuf.dev/programming-guides/encoding.  Groups
 * are refused.  A field on the wire with another wire type than its
 * descriptor's is refused (packed and unpacked repeated scalars are both
 * right).  In a singular field the last one counts; a singular sub-message
 * that comes twice is refused, because it would have to be merged.
 */

#include <protobuf-c/protobuf-c.h>

#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"

struct message_limits {
    unsigned depth;         /* of sub-messages, the outermost being 1 */
    size_t elements;        /* of one repeated field */
    size_t fields;          /* on the wire, in all */
    int refuse_unknown;     /* fields and enum values without a declaration */
};

/*
 * Where a scan stopped, for the error that the sender gets.  The path is that
 * of the field at fault, or of the message in which the wire form breaks, as
 * in "claim.name.family" and "rows[3].number"; "" is the outermost message.
 * An unknown field is named by its number.
 */
struct message_fault {
    char field[64];
    const char *what;       /* the rule that was broken; a constant */
};

/**
 * message_scan(descriptor, bytes, limits, fault):
 * Walk the wire form ${bytes} of a message of type ${descriptor}.
 *
 * Fails: E_INVAL   not the wire form of such a message (the sender's encoder
 *                  is at fault): truncated, varint too long, field number 0,
 *                  wrong wire type, group;
 *        E_DENIED  well-formed, and not wanted: string that is not UTF-8 or
 *                  holds a NUL, unknown field or enum value, sub-message
 *                  repeated in a singular field;
 *        E_TOOBIG  one of ${limits}.
 * On failure ${*fault} says where and what; otherwise it is not touched.
 */
enum err MUST_USE message_scan(const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes, const struct message_limits *limits,
    struct message_fault *fault);

/**
 * message_decode(descriptor, bytes, limits, arena, message, fault):
 * Scan ${bytes}, read them into ${arena} and store the message in
 * ${*message}.  It lives as long as what ${arena} handed out; it is never
 * freed by itself.  ${bytes} are not needed any longer.  The structs are what
 * protobuf-c would have made of ${bytes}; unknown fields are kept in them.
 *
 * Fails: as message_scan(), and E_TOOBIG (the arena's cap), E_NOMEM.  On
 * failure ${*message} is NULL.
 */
enum err MUST_USE message_decode(const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes, const struct message_limits *limits,
    struct arena *arena, ProtobufCMessage **message,
    struct message_fault *fault);

/**
 * message_unpack(descriptor, bytes, arena, message):
 * Read ${bytes}, which are of our own writing: as message_decode(), but text
 * is taken for text, and unknown fields and values and any number of either
 * for wanted.
 *
 * Fails: E_CORRUPT (not the wire form of such a message, or a sub-message
 * repeated in a singular field), E_TOOBIG (the arena's cap), E_NOMEM.  On
 * failure ${*message} is NULL.
 */
enum err MUST_USE message_unpack(const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes, struct arena *arena, ProtobufCMessage **message);

/**
 * message_pack(message, out):
 * Append the canonical wire form of ${message} to ${out}: fields in number
 * order, shortest varints, no default values, unknown fields behind.  (This
 * is what protobuf-c writes for a proto3 message without maps and floats; the
 * tests hold it to that.)  A oneof is taken as not set if it points at
 * protobuf_c_empty_string.
 *
 * Fails: E_NOMEM, E_TOOBIG; ${out} is then as it was.
 */
enum err MUST_USE message_pack(const ProtobufCMessage *message,
    struct buf *out);

/**
 * message_is_canonical(descriptor, bytes):
 * Return non-zero if ${bytes} are a well-formed message of that type in the
 * canonical wire form of message_pack(), without an empty sub-message.
 * Unknown fields are allowed behind the known ones, in number order.
 */
int message_is_canonical(const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes);

#endif /* !PROTO_MESSAGE_H */
