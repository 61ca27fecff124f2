#ifndef STORE_INDEX_DIGEST_H
#define STORE_INDEX_DIGEST_H

/*
 * SHA-256 over the rows of all that is derived, the same whatever database
 * holds them.  Each row is a letter, then its fields: integers as
 * eight bytes, big-endian; texts and bytes with their length before them.
 *
 *   v association number_key credential_id log_index event
 *   s association source_time received_at
 *   c association credential_type number_key first_index last_index ends_on
 *     traits
 *   t association traits n
 *   l association credential_type source_time snapshot_time snapshot_hash
 *   h size root frontier
 */

#include "store/store.h"

/* Opaque types. */
struct index_digest;

/**
 * index_digest_create(digest):
 * Begin a digest.  The caller owns ${*digest}; free with index_digest_free().
 *
 * Fails: E_NOMEM, E_CRYPTO.  On failure ${*digest} is NULL.
 */
enum err MUST_USE index_digest_create(struct index_digest **digest);

/**
 * index_digest_version(digest, association, number_key, version):
 * Add a row of the index; they come by association, number key, credential
 * and log index, texts in the order of their bytes.
 *
 * Fails: E_CRYPTO.
 */
enum err MUST_USE index_digest_version(struct index_digest *digest,
    struct slice association, struct slice number_key,
    const struct store_version *version);

/**
 * index_digest_source(digest, association, source):
 * Add a last word; they come after the index, by association.
 *
 * Fails: E_CRYPTO.
 */
enum err MUST_USE index_digest_source(struct index_digest *digest,
    struct slice association, const struct store_source *source);

/**
 * index_digest_letter(digest, letter), index_digest_number(digest, number) and
 * index_digest_bytes(digest, bytes):
 * Add one part of a row of the others, which come after these, in the order
 * of the list above.
 *
 * Fails: E_CRYPTO.
 */
enum err MUST_USE index_digest_letter(struct index_digest *digest,
    char letter);
enum err MUST_USE index_digest_number(struct index_digest *digest,
    int64_t number);
enum err MUST_USE index_digest_bytes(struct index_digest *digest,
    struct slice bytes);

/**
 * index_digest_end(digest, hash):
 * Write the hash; only index_digest_free() is allowed after.
 *
 * Fails: E_CRYPTO.
 */
enum err MUST_USE index_digest_end(struct index_digest *digest,
    uint8_t hash[32]);

/**
 * index_digest_free(digest):
 * Free ${digest}; NULL is allowed.
 */
void index_digest_free(struct index_digest *digest);

#endif /* !STORE_INDEX_DIGEST_H */
