#ifndef CLIENT_TRUST_MEMORY_H
#define CLIENT_TRUST_MEMORY_H

/*
 * What was seen of each operator's trust file: by which root key, and the
 * highest version, so that another root key and an older file are noticed.  It
 * is $XDG_STATE_HOME/vouch/trust (~/.local/state/vouch/trust), a line for each
 * origin,
 *
 *     ROOT-KEY-ID VERSION ORIGIN
 *
 * read without a lock, for it is only ever replaced as a whole; whoever
 * replaces it holds a lock on trust.lock beside it.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"
#include "proto/trust.h"

struct trust_memory {
    char root_key[2 * ED25519_KEY_ID + 1];      /* "": never seen */
    int64_t version;
};

/**
 * trust_memory_recall(origin, memory, why, size):
 * Read what is remembered of ${origin} into ${*memory}.
 *
 * Fails: E_NOTFOUND (nowhere to remember: neither XDG_STATE_HOME nor HOME is
 * set), E_CORRUPT (the file is not what was written), E_IO, E_NOMEM.  ${why},
 * of ${size} bytes, says what, and names the file.
 */
enum err MUST_USE trust_memory_recall(const char *origin,
    struct trust_memory *memory, char *why, size_t size);

/**
 * trust_memory_note(origin, seen, again, why, size):
 * Remember that ${seen} was seen of ${origin}, unless what is remembered has
 * the same root key and a higher version.  Another root key takes the place of
 * what is remembered only with ${again}.
 *
 * Fails: as trust_memory_recall(); E_EXISTS (another root key), E_BUSY (others
 * hold the lock for seconds), E_LOST (perhaps not on disk).
 */
enum err MUST_USE trust_memory_note(const char *origin,
    const struct trust_memory *seen, int again, char *why, size_t size);

#endif /* !CLIENT_TRUST_MEMORY_H */
