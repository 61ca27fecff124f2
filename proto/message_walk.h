#ifndef PROTO_MESSAGE_WALK_H
#define PROTO_MESSAGE_WALK_H

/*
 * The walk through the wire form of a message: for message.c and
 * message_refuse.c alone.
 */

#include "proto/message.h"

/* Whatever the limits say: the stack of a walk ends here. */
#define DEPTH_MAX 64

/* One counter for each field of each message that is open. */
#define COUNTS_MAX 2048

/* A message that is being walked. */
struct level {
    const ProtobufCMessageDescriptor *type;
    const ProtobufCFieldDescriptor *end;    /* of its fields */
    const ProtobufCFieldDescriptor *last;   /* that came */
    uint32_t *counts;           /* by field: how often it came */
    uint8_t *made;              /* what it becomes; NULL if nothing is made */
    const ProtobufCFieldDescriptor *field;  /* of the level above; or NULL */
    uint32_t index;             /* in that field, if it is repeated */
};

/*
 * One walk checks a message and, unless it only scans, makes the structs.
 * Their strings and bytes are those of a copy of the wire form in the arena: a
 * string's NUL takes the place of the tag behind it, once that was read.
 */
struct walk {
    const struct message_limits *limits;
    struct message_fault *fault;
    int trusted;                /* text needs no check */
    struct arena *arena;        /* NULL: scan only */
    uint8_t *copy;
    uint8_t *end;               /* of the last string: a NUL belongs there */
    uint8_t nowhere;
    unsigned depth;
    size_t fields_left;         /* of the limit */
    size_t ncounts;
    struct level levels[DEPTH_MAX];
    uint32_t counts[COUNTS_MAX];
};

/* How often ${field} of the message ${level} came. */
static inline uint32_t *
message_count(const struct level *level, const ProtobufCFieldDescriptor *field)
{
    return (&level->counts[field - level->type->fields]);
}

/**
 * message_refuse_at(walk, field, what, err):
 * Say that the walk ended by the rule ${what}: in the message on top, at
 * ${field} unless NULL.  Return ${err}.
 */
enum err message_refuse_at(const struct walk *walk,
    const ProtobufCFieldDescriptor *field, const char *what, enum err err);

/**
 * message_refuse_element(walk, field, what, err):
 * The same, at the element of ${field} that came last, if it is repeated.
 */
enum err message_refuse_element(const struct walk *walk,
    const ProtobufCFieldDescriptor *field, const char *what, enum err err);

/**
 * message_refuse_unknown(walk, number):
 * The same, at a field that is not declared.  Return E_DENIED.
 */
enum err message_refuse_unknown(const struct walk *walk, uint32_t number);

#endif /* !PROTO_MESSAGE_WALK_H */
