#ifndef SEAL_SIGNER_H
#define SEAL_SIGNER_H

/*
 * One private key of Ed25519 (RFC 8032), and nothing that gets it out again.
 * libsodium signs: a signature of a batch took it 33 us where OpenSSL 3.0 took
 * 58 to 63 (bench/README.md).  Asynchronous by shape, so that another process
 * may stand behind it.
 */

#include "proto/bytes.h"
#include "proto/ed25519.h"
#include "proto/err.h"

/* Opaque types. */
struct signer;
struct signer_request;

/* ${signature} is borrowed for this call only; NULL if ${err} is not E_OK. */
typedef void signer_done_fn(void *cookie, enum err err,
    const uint8_t signature[ED25519_SIGNATURE]);

/**
 * signer_open(path, signer, why, size):
 * Read the private key in ${path} (PEM, PKCS #8, as `openssl genpkey
 * -algorithm ed25519` writes it; owned by us, and by nobody else to be read or
 * written) and store a signer in ${*signer}.  The caller has the one reference
 * to it; give it back with signer_release().
 *
 * Fails: E_NOTFOUND (no such file), E_DENIED (others may read or write it),
 * E_INVAL (not such a key), E_IO, E_NOMEM.  On failure ${*signer} is NULL and
 * ${why}, of ${size} bytes, says what and where for a person.
 */
enum err MUST_USE signer_open(const char *path, struct signer **signer,
    char *why, size_t size);

/**
 * signer_make(path, signer, why, size):
 * Make a new key, put it in ${path}, which must not be there, on disk with its
 * folder, and go on as signer_open().
 *
 * Fails: E_EXISTS (the file is there), E_CRYPTO (libsodium does not begin),
 * E_IO, E_FULL (no room on disk), E_NOMEM.
 */
enum err MUST_USE signer_make(const char *path, struct signer **signer,
    char *why, size_t size);

/**
 * signer_public_key(signer):
 * signer_key_id(signer):
 * Return the ED25519_PUBLIC_KEY and ED25519_KEY_ID bytes; borrowed.
 */
const uint8_t *signer_public_key(const struct signer *signer);
const uint8_t *signer_key_id(const struct signer *signer);

/**
 * signer_sign(signer, message, done, cookie, request):
 * Sign ${message}, which is not needed any longer when this returns, and tell
 * ${done}, exactly once unless cancelled: perhaps before this returns, and
 * ${*request} is NULL then, or later on the same thread.  Until then the
 * request has a reference of its own to ${signer}.  Any thread may call.
 *
 * Fails: E_NOMEM, E_CRYPTO; ${done} is then not called.
 */
enum err MUST_USE signer_sign(struct signer *signer, struct slice message,
    signer_done_fn *done, void *cookie, struct signer_request **request);

/**
 * signer_cancel(request):
 * ${done} will not be called; ${request} is gone.  NULL is allowed.
 */
void signer_cancel(struct signer_request *request);

/**
 * signer_hold(signer):
 * signer_release(signer):
 * Take or give back a reference, on any thread; with the last one the key is
 * wiped.  NULL may be released.
 */
struct signer *signer_hold(struct signer *signer);
void signer_release(struct signer *signer);

#endif /* !SEAL_SIGNER_H */
