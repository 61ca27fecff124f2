#ifndef PROTO_TRUST_JSON_H
#define PROTO_TRUST_JSON_H

/*
 * The form of a trust file: JSON (RFC 8259) of the few members that trust.h
 * names.  A reader of our own: jansson 2.14 drops bytes of a text in silence,
 * and reads beyond it, if memory runs out, and what is dropped is a verdict
 * on somebody's signature.  Nothing is allocated here.
 */

#include "proto/trust.h"

struct trust_file {
    uint8_t root_key[ED25519_PUBLIC_KEY];
    uint8_t signature[ED25519_SIGNATURE];
    struct trust_content content;
};

/**
 * trust_json_read(bytes, file, why, size):
 * Read ${bytes} into ${file}.  Each value has its one form; what values say to
 * each other, and the signature, are not looked at.
 *
 * Fails: E_INVAL, E_TOOBIG (too many bytes or keys); ${why}, of ${size} bytes,
 * names line and member.
 */
enum err MUST_USE trust_json_read(struct slice bytes, struct trust_file *file,
    char *why, size_t size);

#endif /* !PROTO_TRUST_JSON_H */
