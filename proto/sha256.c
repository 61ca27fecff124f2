#define OPENSSL_SUPPRESS_DEPRECATED     /* see sha256.h */

#include "proto/sha256.h"

#include <stdlib.h>

/* There is no way for these to fail; a hash that is none must not be used. */
static void
must(int done)
{
    if (done != 1)
        abort();
}

void
sha256_begin(struct sha256 *hash)
{
    must(SHA256_Init(&hash->state));
}

void
sha256_add(struct sha256 *hash, const void *p, size_t n)
{
    if (n > 0)
        must(SHA256_Update(&hash->state, p, n));
}

void
sha256_end(struct sha256 *hash, uint8_t out[SHA256_BYTES])
{
    must(SHA256_Final(out, &hash->state));      /* wipes it, too */
}
