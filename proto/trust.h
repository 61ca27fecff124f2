#ifndef PROTO_TRUST_H
#define PROTO_TRUST_H

/*
 * The operator's trust file, trust.json, as docs/receipt.md specifies it: whose
 * keys they are, which of them count, from when to when, signed by a root key
 * that is kept offline and that whoever relies on it pins.  Pure: no I/O, no
 * clock.
 *
 *   { "root_key": BASE64, "signature": BASE64,
 *     "signed": {
 *       "type": "vouch/trust/v1", "origin": TEXT, "version": N,
 *       "issued_at": TIME, "expires_at": TIME,
 *       "keys": [ { "id": HEX, "use": "seal" | "checkpoint",
 *                   "algorithm": "ed25519", "public_key": BASE64,
 *                   "valid_from": TIME, "valid_until": TIME,
 *                   "state": "active" | "retired" | "compromised",
 *                   "compromised_since": TIME } ... ] } }
 *
 * What is signed is "vouch/trust/v1" || 0x00 || the object "signed" in the
 * form of RFC 8785, which is plain here: every text is of printable ASCII
 * without `"` and `\`, every number an integer from 1 to 2^53 - 1, so it is
 * the members sorted by name, without blanks.  TIME is RFC 3339, in UTC, to
 * the second: 2026-11-22T23:00:00Z.  compromised_since is there in a
 * compromised key, and in no other.  A member that is not named above, or
 * named twice, is refused.
 */

#include "proto/bytes.h"
#include "proto/ed25519.h"
#include "proto/err.h"

#define TRUST_DOMAIN "vouch/trust/v1"
#define TRUST_BYTES_MAX ((size_t)256 * 1024)
#define TRUST_ORIGIN_MAX 128
#define TRUST_KEYS_MAX 256

/* Opaque types. */
struct trust;

enum trust_use { TRUST_SEAL, TRUST_CHECKPOINT, TRUST_USES };

enum trust_state { TRUST_ACTIVE, TRUST_RETIRED, TRUST_COMPROMISED,
    TRUST_STATES };

/* Times are microseconds UTC, of whole seconds, in the years 1 to 9999. */
struct trust_key {
    uint8_t id[ED25519_KEY_ID];
    uint8_t public_key[ED25519_PUBLIC_KEY];
    enum trust_use use;
    enum trust_state state;
    int64_t from_us;            /* included */
    int64_t until_us;           /* not included */
    int64_t compromised_us;     /* 0 unless compromised */
};

/* Everything that is signed. */
struct trust_content {
    char origin[TRUST_ORIGIN_MAX + 1];
    int64_t version;            /* from 1 */
    int64_t issued_us;
    int64_t expires_us;
    struct trust_key keys[TRUST_KEYS_MAX];
    size_t nkeys;
};

/**
 * trust_read(bytes, trust, why, size):
 * Read a trust file and check its signature by the root key that it names; it
 * is the caller who knows whether that is the right one.  The caller owns
 * ${*trust}; free with trust_free().
 *
 * Fails: E_INVAL (no such file: ${why}, of ${size} bytes, says where, with the
 * line if it is not JSON), E_CORRUPT (the signature is not the root key's),
 * E_TOOBIG, E_NOMEM.  On failure ${*trust} is NULL.
 */
enum err MUST_USE trust_read(struct slice bytes, struct trust **trust,
    char *why, size_t size);

/**
 * trust_content(trust):
 * trust_root_key(trust):
 * Return what is signed, and the ED25519_PUBLIC_KEY bytes of the key by which;
 * borrowed from ${trust}.
 */
const struct trust_content *trust_content(const struct trust *trust);
const uint8_t *trust_root_key(const struct trust *trust);

/**
 * trust_find(trust, use, id):
 * Return the key ${id} of that use, or NULL; borrowed from ${trust}.
 */
const struct trust_key *trust_find(const struct trust *trust,
    enum trust_use use, const uint8_t id[ED25519_KEY_ID]);

void trust_free(struct trust *trust);

/**
 * trust_check(content, why, size):
 * Check what trust_read() checks of what is signed: texts, numbers and times
 * that can stand there, an id that is its key's and of no other, and an order
 * of times.
 *
 * Fails: E_INVAL; ${why}, of ${size} bytes, names the member, as in
 * "signed.keys[2].valid_until".  It may be NULL if ${size} is 0.
 */
enum err MUST_USE trust_check(const struct trust_content *content, char *why,
    size_t size);

/**
 * trust_is_origin(text):
 * Return non-zero if ${text} can be an origin: 1 to TRUST_ORIGIN_MAX bytes of
 * printable ASCII without `"` and `\`.
 */
int trust_is_origin(const char *text);

/**
 * trust_signed_bytes(content, out):
 * Append to ${out} exactly the bytes that the root key signs.
 *
 * Fails: E_INVAL (as trust_check()), E_NOMEM, E_TOOBIG; ${out} is then as it
 * was.
 */
enum err MUST_USE trust_signed_bytes(const struct trust_content *content,
    struct buf *out);

/**
 * trust_write(content, root_key, signature, out):
 * Append to ${out} the trust file, indented for people, with a line feed at
 * the end.  Fails as trust_signed_bytes().
 */
enum err MUST_USE trust_write(const struct trust_content *content,
    const uint8_t root_key[ED25519_PUBLIC_KEY],
    const uint8_t signature[ED25519_SIGNATURE], struct buf *out);

/**
 * trust_use_name(use):
 * trust_state_name(state):
 * Return the word in the file, or NULL if there is no such; a constant.
 */
const char *trust_use_name(enum trust_use use);
const char *trust_state_name(enum trust_state state);

/**
 * trust_time(us, text):
 * Write ${us}, microseconds UTC, as TIME above, cut to the second; beyond the
 * years 1 to 9999 their first or last one.
 * trust_time_read(text, us): the opposite; fails: E_INVAL.
 */
#define TRUST_TIME_MAX 20
void trust_time(int64_t us, char text[TRUST_TIME_MAX + 1]);
enum err MUST_USE trust_time_read(const char *text, int64_t *us);

#endif /* !PROTO_TRUST_H */
