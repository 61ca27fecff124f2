#ifndef SEAL_KEY_FOLDER_H
#define SEAL_KEY_FOLDER_H

/*
 * The folder of keys, as seal_keys.h says what stands in it, a file at a time.
 * Every function here waits for the disk.  On failure ${why}, of ${size}
 * bytes, says what and where for a person.
 */

#include <limits.h>

#include "proto/err.h"
#include "proto/trust.h"
#include "seal/signer.h"

#define KEY_FOLDER_ID (2 * ED25519_KEY_ID)

/* The two files of a key. */
enum key_half { KEY_PRIVATE, KEY_PUBLIC };

/**
 * key_folder_check(dir, why, size):
 * Check that ${dir} is a folder to which nobody but its owner writes, and its
 * name short enough for all below.
 *
 * Fails: E_NOTFOUND, E_INVAL, E_DENIED, E_IO.
 */
enum err MUST_USE key_folder_check(const char *dir, char *why, size_t size);

/**
 * key_folder_path(dir, use, id, half, path):
 * Write the name of a key's file; ${dir} must have been checked.
 */
void key_folder_path(const char *dir, enum trust_use use,
    const uint8_t id[ED25519_KEY_ID], enum key_half half,
    char path[PATH_MAX]);

/**
 * key_folder_open(dir, use, id, signer, why, size):
 * Open the private half of the key ${id}, as signer_open().
 *
 * Fails: as signer_open(); E_INVAL also if it is another key's; E_NOTFOUND
 * also if a crash left it wiped, but not removed.
 */
enum err MUST_USE key_folder_open(const char *dir, enum trust_use use,
    const uint8_t id[ED25519_KEY_ID], struct signer **signer, char *why,
    size_t size);

/**
 * key_folder_make(dir, use, public_key, why, size):
 * Make a new key, both halves.  Made by root, they are the folder's owner's.
 * Another process that makes one in ${dir} is waited for, for two seconds.
 *
 * Fails: E_CRYPTO, E_FULL, E_IO, E_NOMEM; no key has been added then.
 */
enum err MUST_USE key_folder_make(const char *dir, enum trust_use use,
    uint8_t public_key[ED25519_PUBLIC_KEY], char *why, size_t size);

/**
 * key_folder_wipe(dir, use, id, why, size):
 * Overwrite and remove the private half of the key ${id}; the public one
 * stays.  What the disk itself keeps of it is beyond us.
 *
 * Fails: E_NOTFOUND, E_IO, E_LOST.
 */
enum err MUST_USE key_folder_wipe(const char *dir, enum trust_use use,
    const uint8_t id[ED25519_KEY_ID], char *why, size_t size);

/**
 * key_folder_spare(dir, use, trust, id):
 * Find a key whose private half is here and that ${trust} does not list.
 * Return non-zero if there is one, with its ${id}.
 */
int key_folder_spare(const char *dir, enum trust_use use,
    const struct trust *trust, uint8_t id[ED25519_KEY_ID]);

/**
 * key_folder_current(dir, id, why, size):
 * key_folder_set_current(dir, id, why, size):
 * Read or replace what `current` says.
 *
 * Fail: E_NOTFOUND and E_INVAL (of reading), E_FULL (of replacing), E_IO,
 * E_NOMEM; E_LOST: replaced, but perhaps not on disk.
 */
enum err MUST_USE key_folder_current(const char *dir,
    uint8_t id[ED25519_KEY_ID], char *why, size_t size);
enum err MUST_USE key_folder_set_current(const char *dir,
    const uint8_t id[ED25519_KEY_ID], char *why, size_t size);

/**
 * key_folder_version(dir, version, why, size):
 * key_folder_set_version(dir, version, why, size):
 * Read or replace what `trust-version` says; 0 if it is not there.
 *
 * Fail: as above, but for E_NOTFOUND.
 */
enum err MUST_USE key_folder_version(const char *dir, int64_t *version,
    char *why, size_t size);
enum err MUST_USE key_folder_set_version(const char *dir, int64_t version,
    char *why, size_t size);

#endif /* !SEAL_KEY_FOLDER_H */
