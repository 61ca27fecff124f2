#include "proto/ed25519.h"

#include <sodium.h>
#include <stdlib.h>

#include "proto/sha256.h"

_Static_assert(ED25519_PUBLIC_KEY == crypto_sign_ed25519_PUBLICKEYBYTES &&
    ED25519_SIGNATURE == crypto_sign_ed25519_BYTES &&
    ED25519_KEY_ID == SHA256_BYTES, "libsodium means something else");

enum err
ed25519_verify(const uint8_t public_key[ED25519_PUBLIC_KEY],
    struct slice message, const uint8_t signature[ED25519_SIGNATURE])
{
    /* It wants that first; any time but the first it is a lock and a look. */
    if (sodium_init() < 0)
        abort();
    return (crypto_sign_ed25519_verify_detached(signature, message.p,
        message.n, public_key) == 0 ? E_OK : E_CORRUPT);
}

void
ed25519_key_id(const uint8_t public_key[ED25519_PUBLIC_KEY],
    uint8_t id[ED25519_KEY_ID])
{
    struct sha256 hash;

    sha256_begin(&hash);
    sha256_add(&hash, public_key, ED25519_PUBLIC_KEY);
    sha256_end(&hash, id);
}
