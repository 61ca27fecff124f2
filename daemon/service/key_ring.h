#ifndef SERVICE_KEY_RING_H
#define SERVICE_KEY_RING_H

/*
 * The secrets of the services, as files of 32 random bytes in one folder:
 * factor-<association>.key, one for each association, and page-token.key.  A
 * file that anybody but its owner may read or write is refused.  A new one is
 * on disk, with its folder, before it is used.
 */

#include <stddef.h>

#include "proto/err.h"
#include "proto/leaf.h"

#include "vouch/v1/catalog.pb-c.h"

/* Opaque types. */
struct key_ring;

/*
 * Tell whether records of ${association} were published under its key, so
 * that a new one must not take the place of one that is gone.
 */
typedef enum err key_ring_in_use_fn(void *cookie, const char *association,
    int *in_use);

struct key_ring_options {
    const char *dir;                    /* must be there */
    const Vouch__V1__Catalog *catalog;
    key_ring_in_use_fn *in_use;
    void *cookie;
};

/**
 * key_ring_open(options, ring, why, size):
 * Read the keys of every association of the catalog and that of page tokens
 * from the folder, make those that are missing, and store them in ${*ring}.
 * The caller owns it; free with key_ring_free().
 *
 * Fails: E_DENIED (a file that others may read or write, or that is not ours),
 * E_NOTFOUND (a key in use is gone), E_CORRUPT (a file of another size), E_IO,
 * E_CRYPTO (no randomness), E_NOMEM, and what ${in_use} returned.  On failure
 * ${*ring} is NULL and ${why}, of ${size} bytes, says what and where.
 */
enum err MUST_USE key_ring_open(const struct key_ring_options *options,
    struct key_ring **ring, char *why, size_t size);

/**
 * key_ring_secret(ring, place):
 * Return the FACTOR_KEY bytes of the factor key of the association at ${place}
 * of the catalog's list.  Borrowed from ${ring}; any thread may read them.
 */
const uint8_t *key_ring_secret(const struct key_ring *ring, size_t place);

/**
 * key_ring_page_secret(ring):
 * Return the 32 bytes under which page tokens are made; as above.
 */
const uint8_t *key_ring_page_secret(const struct key_ring *ring);

/**
 * key_ring_free(ring):
 * Wipe and free ${ring}; NULL is allowed.
 */
void key_ring_free(struct key_ring *ring);

#endif /* !SERVICE_KEY_RING_H */
