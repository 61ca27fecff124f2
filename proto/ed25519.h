#ifndef PROTO_ED25519_H
#define PROTO_ED25519_H

/*
 * Ed25519 (RFC 8032), the public side.  libsodium does it: it verifies in half
 * the time of OpenSSL 3.0, refuses S above the group order, keys of small
 * order, and what is not in its one encoding.
 */

#include "proto/bytes.h"
#include "proto/err.h"

#define ED25519_PUBLIC_KEY 32
#define ED25519_SIGNATURE 64
#define ED25519_KEY_ID 32

/**
 * ed25519_verify(public_key, message, signature):
 * Check a signature.  Any thread may call.
 *
 * Fails: E_CORRUPT (not the signature of ${message} by that key).
 */
enum err MUST_USE ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_KEY],
    struct slice message, const uint8_t signature[ED25519_SIGNATURE]);

/**
 * ed25519_key_id(public_key, id):
 * Write the key's id: SHA-256 of its 32 bytes.
 */
void ed25519_key_id(const uint8_t public_key[ED25519_PUBLIC_KEY],
    uint8_t id[ED25519_KEY_ID]);

#endif /* !PROTO_ED25519_H */
