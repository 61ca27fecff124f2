#ifndef SERVICE_STAGING_FILE_H
#define SERVICE_STAGING_FILE_H

/*
 * Blocks of one size in a file that has no name, that nobody else can read and
 * that ends with its owner.  They are sealed with AES-256-GCM (NIST SP
 * 800-38D) under a key that is drawn for this file, stands in memory alone and
 * is wiped with it.  The nonce of a block is its place: a block that was
 * changed, or stands elsewhere, is refused.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

/* Opaque types. */
struct staging_file;

/**
 * staging_file_create(dir, n, file):
 * Make a file for blocks of ${n} bytes in the folder ${dir}.  The caller owns
 * ${*file}; free with staging_file_free().
 *
 * Fails: E_FULL, E_IO, E_CRYPTO, E_NOMEM.  On failure ${*file} is NULL.
 */
enum err MUST_USE staging_file_create(const char *dir, size_t n,
    struct staging_file **file);

/**
 * staging_file_add(file, block):
 * Write ${block} behind the others.  Whatever comes of it, what was there is
 * gone from ${block} afterwards.
 *
 * Fails: E_FULL, E_IO, E_CRYPTO; nothing may be added after that.
 */
enum err MUST_USE staging_file_add(struct staging_file *file, void *block);

/**
 * staging_file_count(file):
 * Return how many blocks were added; 0 if ${file} is NULL.
 */
uint64_t staging_file_count(const struct staging_file *file);

/**
 * staging_file_read(file, at, block):
 * Read the block at ${at}, the first being 0, to ${block}.
 *
 * Fails: E_CORRUPT (it is not what was written there), E_IO, E_CRYPTO.
 */
enum err MUST_USE staging_file_read(struct staging_file *file, uint64_t at,
    void *block);

/**
 * staging_file_free(file):
 * Wipe the key and free ${file}, on the disk too; NULL is allowed.
 */
void staging_file_free(struct staging_file *file);

#endif /* !SERVICE_STAGING_FILE_H */
