#ifndef SEAL_SEAL_KEYS_H
#define SEAL_SEAL_KEYS_H

/*
 * The keys by which this daemon seals, and the trust file that vouches for
 * them.  In the folder of keys stand
 *
 *   seal-<key id>.key           private, PEM PKCS #8, of its owner only
 *   seal-<key id>.pub           public, PEM
 *   checkpoint-<key id>.key     likewise, for the log's checkpoints
 *   checkpoint-<key id>.pub
 *   current                     the id of the seal key in use, and a line feed
 *   trust-version               the highest version of the trust file that was
 *                               ever in force, and a line feed
 *
 * A key is used only if the trust file lists it as active and the time is
 * within its validity, so that whoever holds that file can verify what it
 * seals.  That is why the next key is listed before it is used.
 */

#include "proto/err.h"
#include "proto/trust.h"
#include "seal/signer.h"

/* Opaque types. */
struct seal_keys;

struct seal_keys_options {
    const char *trust;          /* the trust file; copied */
    const char *dir;            /* the folder of keys; copied */
};

/* What worker and log need of the key in use. */
struct seal_key {
    struct signer *signer;      /* a reference, the holder's */
    char origin[TRUST_ORIGIN_MAX + 1];
    int64_t from_us;            /* it may seal from here, included, */
    int64_t until_us;           /* to here, not included; microseconds UTC */
};

/* What kept seal_keys_rotate() from it. */
enum seal_fault {
    SEAL_FAULT_NONE,
    SEAL_FAULT_CURRENT,     /* another key than was expected is in use */
    SEAL_FAULT_TRUST,       /* the trust file, or no folder of keys */
    SEAL_FAULT_NEXT,        /* no key is listed that could come next */
    SEAL_FAULT_KEY,         /* the file of one that is listed */
    SEAL_FAULT_WRITE        /* what is to be written */
};

/* What seal_keys_rotate() did. */
struct seal_rotation {
    enum seal_fault fault;
    uint8_t previous[ED25519_KEY_ID];
    uint8_t current[ED25519_KEY_ID];
    uint8_t pending[ED25519_KEY_ID];    /* made now; to be listed next */
    uint8_t pending_public[ED25519_PUBLIC_KEY];
    int listed_next;        /* keys that are listed and may come after */
    int is_wiped;           /* the private half of ${previous} is gone; if
                               not, ${why} says why */
};

/* A file, and when what it says ends. */
struct seal_end {
    char file[256];
    int64_t at_us;          /* microseconds UTC */
};

/* The trust file, and the key in use. */
#define SEAL_ENDS 2

/**
 * seal_keys_open(options, now_us, keys, why, size):
 * Read the trust file and the key in use.  The caller owns ${*keys}; free with
 * seal_keys_free().
 *
 * Fails: E_NOTFOUND (no trust file, no key: `vouchd init` makes them),
 * E_DENIED (a key that others may read, a key that the trust file does not
 * list as active, or not now, or a trust file older than one seen before),
 * E_CORRUPT (its signature), E_INVAL, E_IO, E_NOMEM.  On failure ${*keys} is
 * NULL and ${why}, of ${size} bytes, says what, where, and the next step.
 */
enum err MUST_USE seal_keys_open(const struct seal_keys_options *options,
    int64_t now_us, struct seal_keys **keys, char *why, size_t size);

/**
 * seal_keys_check(options, now_us, why, size):
 * Check what seal_keys_open() would, and change nothing.  Root may check the
 * keys of whoever the daemon runs as.
 *
 * Fails: as seal_keys_open().
 */
enum err MUST_USE seal_keys_check(const struct seal_keys_options *options,
    int64_t now_us, char *why, size_t size);

/**
 * seal_keys_reload(keys, now_us, why, size):
 * Read the trust file and the key in use again.  Fails as seal_keys_open();
 * what there was then stays in force.  Any thread.
 */
enum err MUST_USE seal_keys_reload(struct seal_keys *keys, int64_t now_us,
    char *why, size_t size);

/**
 * seal_keys_rotate(keys, expected, now_us, rotation, why, size):
 * Read the trust file again, seal with the next key that it lists as active
 * and valid now and whose private half is here, wipe the private half of the
 * one before from the folder, and make another key for the trust file to list.
 * If ${expected} is not NULL, only if that is the id of the key in use.  What
 * is being sealed is sealed with the key it was begun with.  Waits for the
 * disk; any thread.
 *
 * Fails: E_NOTFOUND (no next key is listed), E_EXISTS (another than
 * ${expected} is in use: rotation->current), and as seal_keys_open(); nothing
 * has changed then.  E_LOST: it is in force, but perhaps not after a restart,
 * and the key before is not wiped.
 */
enum err MUST_USE seal_keys_rotate(struct seal_keys *keys,
    const uint8_t *expected, int64_t now_us, struct seal_rotation *rotation,
    char *why, size_t size);

/**
 * seal_keys_generation(keys):
 * Return a number that is another one whenever the key in use is another, so
 * that a worker need not ask more.  Any thread, without a lock.
 */
unsigned seal_keys_generation(const struct seal_keys *keys);

/**
 * seal_keys_current(keys, key):
 * Take the key in use; give key->signer back by signer_release().  Any thread.
 */
void seal_keys_current(struct seal_keys *keys, struct seal_key *key);

/**
 * seal_keys_ends(keys, ends):
 * Tell until when what is in force is good.  A trust file that has expired is
 * used all the same: those who verify will ask for a newer one.  Any thread.
 */
void seal_keys_ends(struct seal_keys *keys, struct seal_end ends[SEAL_ENDS]);

void seal_keys_free(struct seal_keys *keys);

#endif /* !SEAL_SEAL_KEYS_H */
