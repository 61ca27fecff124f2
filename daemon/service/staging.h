#ifndef SERVICE_STAGING_H
#define SERVICE_STAGING_H

/*
 * The rows of one upload, kept in memory until all of them are there, and the
 * content hash over everything that came, rejected rows too.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/content_hash.h"
#include "proto/err.h"

#include "vouch/v1/publishing_service.pb-c.h"

#define STAGING_HASH CONTENT_HASH

/* Opaque types. */
struct staging;

/* Where the rows are read again: {0} is the first one. */
struct staging_cursor {
    const void *chunk;
    size_t at;
};

/**
 * staging_create(max, total, max_total, staging):
 * Create an empty one of at most ${max} bytes; ${*total} counts the bytes of
 * all there are, and stays at or below ${max_total}.  ${total} must outlive
 * it.  The caller owns ${*staging}; free with staging_free().
 *
 * Fails: E_CRYPTO, E_NOMEM.  On failure ${*staging} is NULL.
 */
enum err MUST_USE staging_create(size_t max, atomic_size_t *total,
    size_t max_total, struct staging **staging);

/**
 * staging_header(staging, header):
 * Count in the header; before any row.
 *
 * Fails: E_CRYPTO, E_NOMEM, E_TOOBIG.
 */
enum err MUST_USE staging_header(struct staging *staging,
    const Vouch__V1__PublicationHeader *header);

/* How much of a row is kept. */
enum staging_keep {
    STAGING_NOTHING,
    STAGING_KEY,        /* its type and number, with line 0 */
    STAGING_ROW
};

/**
 * staging_row(staging, row, keep):
 * Count in ${row}, and keep what ${keep} says of it.
 *
 * Fails: E_TOOBIG (more than ${max}), E_BUSY (more than ${max_total}),
 * E_CRYPTO, E_NOMEM.
 */
enum err MUST_USE staging_row(struct staging *staging,
    const Vouch__V1__CredentialRow *row, enum staging_keep keep);

/**
 * staging_hash(staging, hash):
 * Write the content hash.  To be called once; nothing may be added then.
 *
 * Fails: E_CRYPTO.
 */
enum err MUST_USE staging_hash(struct staging *staging,
    uint8_t hash[STAGING_HASH]);

/**
 * staging_next(staging, cursor, row):
 * Point ${*row} at the canonical bytes of the next row that was kept, and
 * return non-zero; return 0 behind the last.  Any thread, one at a time.
 */
int staging_next(const struct staging *staging, struct staging_cursor *cursor,
    struct slice *row);

/**
 * staging_free(staging):
 * Free ${staging}; NULL is allowed.
 */
void staging_free(struct staging *staging);

#endif /* !SERVICE_STAGING_H */
