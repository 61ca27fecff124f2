#ifndef PROTO_UUID_H
#define PROTO_UUID_H

/*
 * Request ids: UUIDs in their text form (RFC 9562 section 4), any version.
 */

#include "proto/bytes.h"
#include "proto/err.h"

#define UUID_TEXT 37    /* with its NUL */

/**
 * uuid_make(text):
 * Write a new random UUID (version 4), lower case.
 *
 * Fails: E_CRYPTO (no randomness to be had).
 */
enum err MUST_USE uuid_make(char text[UUID_TEXT]);

/**
 * uuid_parse(text, bytes):
 * Read the text form, in either case.
 *
 * Fails: E_INVAL.
 */
enum err MUST_USE uuid_parse(struct slice text, uint8_t bytes[16]);

#endif /* !PROTO_UUID_H */
