#ifndef SEAL_PUBLIC_PEM_H
#define SEAL_PUBLIC_PEM_H

/*
 * Public keys of Ed25519 as PEM (RFC 7468, of the SubjectPublicKeyInfo of RFC
 * 8410), as `openssl pkey -pubout` writes them.  Pure.
 */

#include "proto/bytes.h"
#include "proto/ed25519.h"
#include "proto/err.h"

/* Always so long. */
#define PUBLIC_PEM_BYTES 113

/**
 * public_pem_write(key, text):
 * Write ${key} as PEM, with a line feed at the end and a NUL.
 */
void public_pem_write(const uint8_t key[ED25519_PUBLIC_KEY],
    char text[PUBLIC_PEM_BYTES + 1]);

/**
 * public_pem_read(text, key):
 * Read what public_pem_write() writes.
 *
 * Fails: E_INVAL; what ${key} holds then means nothing.
 */
enum err MUST_USE public_pem_read(struct slice text,
    uint8_t key[ED25519_PUBLIC_KEY]);

#endif /* !SEAL_PUBLIC_PEM_H */
