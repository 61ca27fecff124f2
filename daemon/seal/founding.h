#ifndef SEAL_FOUNDING_H
#define SEAL_FOUNDING_H

/*
 * How it all begins: a root key, two seal keys, of which the first is in use,
 * a checkpoint key, and the first trust file, which lists the three.
 */

#include "proto/err.h"
#include "proto/trust.h"

struct founding {
    const char *origin;         /* whose keys they are */
    const char *root_key;       /* file of the root key; must not be there */
    const char *trust;          /* the trust file; likewise */
    const char *dir;            /* the folder of keys; no key may be there */
    int64_t from_us;            /* from when to when the keys are valid */
    int64_t until_us;
    int64_t issued_us;          /* and the trust file */
    int64_t expires_us;
};

/* The keys' ids. */
struct founded {
    uint8_t root[ED25519_KEY_ID];
    uint8_t current[ED25519_KEY_ID];
    uint8_t next[ED25519_KEY_ID];
    uint8_t checkpoint[ED25519_KEY_ID];
};

/**
 * founding_make(founding, founded, why, size):
 * Make all of it.  A folder of keys that is not there is made, for its owner
 * only; made by root, folder and keys are those of the owner of the folder
 * that they are in.  The trust file comes last.
 *
 * Fails: E_EXISTS (something of it is there; nothing is ever overwritten),
 * E_NOTFOUND (a folder to make something in is not there), E_INVAL (an origin
 * or a time that cannot stand in a trust file), E_CRYPTO, E_FULL, E_IO,
 * E_NOMEM.  ${why}, of ${size} bytes, says what and where, and what was made
 * is gone again.
 */
enum err MUST_USE founding_make(const struct founding *founding,
    struct founded *founded, char *why, size_t size);

#endif /* !SEAL_FOUNDING_H */
