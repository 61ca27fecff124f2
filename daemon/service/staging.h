#ifndef SERVICE_STAGING_H
#define SERVICE_STAGING_H

/*
 * The rows of one upload, kept until all of them are there, and the content
 * hash over everything that came, rejected rows too.  So much of them is in
 * memory; what is beyond it is in a file that only this process can read
 * (staging_file.h), since rows hold birth dates and digits in the clear.
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

/* What all uploads share.  Bytes; limits of one, limits of all, and what is
 * held now, which any thread may change. */
struct staging_room {
    const char *dir;            /* borrowed; of the files */
    size_t upload_max;          /* of one, wherever they are */
    size_t upload_memory;       /* of one in memory */
    size_t max;                 /* of all, wherever they are */
    size_t memory_max;          /* of all in memory */
    atomic_size_t held;
    atomic_size_t in_memory;
};

/* Where the rows are read again: {0} is the first one. */
struct staging_cursor {
    const void *chunk;
    const void *block;
    uint64_t part;
    size_t at;
};

/**
 * staging_create(room, staging):
 * Create an empty one, whose bytes count in ${room}, which must outlive it.
 * The caller owns ${*staging}; free with staging_free().
 *
 * Fails: E_CRYPTO, E_NOMEM.  On failure ${*staging} is NULL.
 */
enum err MUST_USE staging_create(struct staging_room *room,
    struct staging **staging);

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
 * Count in ${row}, and keep what ${keep} says of it.  After a failure only
 * staging_free() is allowed.
 *
 * Fails: E_TOOBIG (more than room->upload_max), E_BUSY (all uploads take what
 * they may), E_FULL (no room on the disk), E_IO, E_CRYPTO, E_NOMEM.
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
 * Point ${*row} at the canonical bytes of the next row that was kept; behind
 * the last, at nothing: row->p is then NULL.  They last until the next call.
 * Any thread, one at a time.
 *
 * Fails: E_CORRUPT (the file holds something else), E_IO, E_CRYPTO.
 */
enum err MUST_USE staging_next(struct staging *staging,
    struct staging_cursor *cursor, struct slice *row);

/**
 * staging_free(staging):
 * Free ${staging}; NULL is allowed.
 */
void staging_free(struct staging *staging);

#endif /* !SERVICE_STAGING_H */
