#ifndef TEST_SUPPORT_MESSAGE_RANDOM_H
#define TEST_SUPPORT_MESSAGE_RANDOM_H

/*
 * Messages at random, in their wire form: by a generator of our own, so that
 * they are the same bytes on every machine.
 */

#include <protobuf-c/protobuf-c.h>

#include "proto/bytes.h"

#define MESSAGE_RANDOM_MAX (1 << 20)    /* bytes of one */

/**
 * message_random_below(seed, below):
 * Draw a number below ${below}.
 */
uint32_t message_random_below(uint64_t *seed, uint32_t below);

/**
 * message_random(type, seed, unknown, out):
 * Append a message of ${type} to ${out}: fields in some order, some often, a
 * sub-message at most once where one is meant; not always as short as could
 * be; with fields that are not declared if ${unknown}.
 */
void message_random(const ProtobufCMessageDescriptor *type, uint64_t *seed,
    int unknown, struct buf *out);

/**
 * message_random_field(field, seed, out):
 * Append one value of ${field}, or several if they are packed, to ${out}.
 */
void message_random_field(const ProtobufCFieldDescriptor *field,
    uint64_t *seed, struct buf *out);

#endif /* !TEST_SUPPORT_MESSAGE_RANDOM_H */
