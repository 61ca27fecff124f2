#ifndef PROTO_CONTENT_HASH_H
#define PROTO_CONTENT_HASH_H

/*
 * The hash over what an upload states, as both sides count it:
 *
 *   content hash = SHA-256(n || header || n || row || n || row ...)
 *
 * where n is the length of what follows in four bytes, big-endian, and each
 * part is in canonical form; the header without what names or handles the
 * upload rather than states something: request_id, want_openings,
 * ending_count_expected, ending_count and dry_run.
 */

#include "proto/bytes.h"
#include "proto/err.h"

#include "vouch/v1/publishing_service.pb-c.h"

#define CONTENT_HASH 32         /* bytes */
#define CONTENT_HASH_PREFIX 4   /* bytes of a length */

/* Opaque types. */
struct content_hash;

/**
 * content_hash_create(hash):
 * Begin one.  The caller owns ${*hash}; free with content_hash_free().
 *
 * Fails: E_CRYPTO, E_NOMEM.  On failure ${*hash} is NULL.
 */
enum err MUST_USE content_hash_create(struct content_hash **hash);

/**
 * content_hash_header(hash, header):
 * Count in the header; before any row.
 *
 * Fails: E_CRYPTO, E_NOMEM, E_TOOBIG.
 */
enum err MUST_USE content_hash_header(struct content_hash *hash,
    const Vouch__V1__PublicationHeader *header);

/**
 * content_hash_row(hash, row, counted):
 * Count in ${row}, and point ${*counted}, unless NULL, at what was counted:
 * its length and its canonical bytes, borrowed until the next call.
 *
 * Fails: E_CRYPTO, E_NOMEM, E_TOOBIG.
 */
enum err MUST_USE content_hash_row(struct content_hash *hash,
    const Vouch__V1__CredentialRow *row, struct slice *counted);

/**
 * content_hash_pack(hash, row, counted) and content_hash_packed(hash):
 * The same in two steps, where it depends on the size of ${row} whether it
 * counts: the second counts in what the first has packed last.
 *
 * Fails: as content_hash_row().
 */
enum err MUST_USE content_hash_pack(struct content_hash *hash,
    const Vouch__V1__CredentialRow *row, struct slice *counted);
enum err MUST_USE content_hash_packed(struct content_hash *hash);

/**
 * content_hash_end(hash, out):
 * Write the hash.  To be called once; nothing may be counted in then.
 *
 * Fails: E_CRYPTO.
 */
enum err MUST_USE content_hash_end(struct content_hash *hash,
    uint8_t out[CONTENT_HASH]);

/**
 * content_hash_free(hash):
 * Free ${hash}; NULL is allowed.
 */
void content_hash_free(struct content_hash *hash);

#endif /* !PROTO_CONTENT_HASH_H */
