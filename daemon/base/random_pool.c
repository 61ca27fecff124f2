#include "base/random_pool.h"

#include <string.h>
#include <sys/random.h>

/* The kernel gives up to so many bytes whole (getrandom(2)). */
#define WHOLE 256

static enum err
refill(struct random_pool *pool)
{
    size_t at;

    for (at = 0; at < sizeof(pool->bytes); at += WHOLE)
        if (getrandom(pool->bytes + at, WHOLE, 0) != WHOLE)
            return (E_CRYPTO);
    pool->left = sizeof(pool->bytes);
    return (E_OK);
}

enum err
random_pool_take(struct random_pool *pool, uint8_t *out, size_t n)
{
    enum err err;

    if (pool->left < n && (err = refill(pool)) != E_OK)
        return (err);
    pool->left -= n;
    memcpy(out, pool->bytes + pool->left, n);
    return (E_OK);
}
