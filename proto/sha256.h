#ifndef PROTO_SHA256_H
#define PROTO_SHA256_H

/*
 * SHA-256 (FIPS 180-4) over bytes that come piece by piece.  What OpenSSL 3.0
 * offers in its place, EVP, allocates for each hash and takes three times as
 * long over the short inputs of a leaf or a keyed hash; so this is OpenSSL's
 * own low-level form, which it keeps and calls deprecated.  All of it is here:
 * nobody else calls it, and another implementation would go here.
 *
 * A struct sha256 may be copied, to go on from the same beginning twice.
 * Nothing fails, and nothing is allocated.
 */

#include <openssl/sha.h>

#include "proto/bytes.h"

#define SHA256_BYTES 32

struct sha256 {
    SHA256_CTX state;
};

/**
 * sha256_begin(hash):
 * Begin with no bytes.
 */
void sha256_begin(struct sha256 *hash);

/**
 * sha256_add(hash, p, n):
 * Go on with the ${n} bytes at ${p}, which may be NULL if there are none.
 */
void sha256_add(struct sha256 *hash, const void *p, size_t n);

/**
 * sha256_end(hash, out):
 * Write the hash of all that was added, and wipe ${hash}.
 */
void sha256_end(struct sha256 *hash, uint8_t out[SHA256_BYTES]);

#endif /* !PROTO_SHA256_H */
