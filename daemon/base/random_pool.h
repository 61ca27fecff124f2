#ifndef BASE_RANDOM_POOL_H
#define BASE_RANDOM_POOL_H

/*
 * Random bytes from the kernel, fetched many at a time.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

/* {0} is ready for use. */
struct random_pool {
    uint8_t bytes[4096];
    size_t left;
};

/**
 * random_pool_take(pool, out, n):
 * Write ${n} (at most 256) random bytes that nobody else gets.
 *
 * Fails: E_CRYPTO.
 */
enum err MUST_USE random_pool_take(struct random_pool *pool, uint8_t *out,
    size_t n);

#endif /* !BASE_RANDOM_POOL_H */
