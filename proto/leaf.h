#ifndef PROTO_LEAF_H
#define PROTO_LEAF_H

/*
 * What an entry of the log commits to, and how private facts are kept.  These
 * bytes never change; tests/vectors holds examples, and a script that shares
 * nothing with this file recomputes them.
 *
 *   leaf data = SHA-256(domain || 0x00 || salt || bytes)
 *   factor    = HMAC-SHA-256(key, "vouch/factor/v1" || 0x00 || factor byte ||
 *               credential id || ASCII value)
 *   key id    = first 8 bytes of
 *               SHA-256("vouch/factor-key/v1" || 0x00 || key)
 */

#include "proto/bytes.h"
#include "proto/err.h"

#define LEAF_SALT 16
#define LEAF_DATA 32
#define LEAF_CREDENTIAL_ID 16
#define FACTOR_KEY 32
#define FACTOR_KEY_ID 8
#define FACTOR_MAC 32
#define FACTOR_VALUE_MAX 16

/* The numbers are kept in the store: never change one. */
enum leaf_domain {
    LEAF_EVENT = 1,
    LEAF_DECLARATION = 2,
    LEAF_MANIFEST = 3,
    LEAF_CATALOG = 4
};

/* The factor byte.  The numbers are hashed: never change one. */
enum factor_kind {
    FACTOR_KIND_BIRTH_YEAR = 1,     /* value "YYYY" */
    FACTOR_KIND_BIRTH_DATE = 2,     /* value "YYYY-MM-DD" */
    FACTOR_KIND_LAST4 = 3           /* value "NNNN" */
};

/* Opaque types. */
struct factor_key;

/**
 * leaf_domain_text(domain):
 * Return the domain's text, as in "vouch/event/v1", or NULL if there is no such
 * domain; a constant.
 */
const char *leaf_domain_text(enum leaf_domain domain);

/**
 * leaf_data(domain, salt, bytes, data):
 * Write the leaf data of an entry.  Any thread may call.
 *
 * Fails: E_INVAL (no such domain).
 */
enum err MUST_USE leaf_data(enum leaf_domain domain,
    const uint8_t salt[LEAF_SALT], struct slice bytes,
    uint8_t data[LEAF_DATA]);

/**
 * factor_key_create(secret, key):
 * Prepare ${secret} for use and store it in ${*key}.  The caller owns it; free
 * with factor_key_free().  There is no way to get the secret back.
 *
 * Fails: E_NOMEM.  On failure ${*key} is NULL.
 */
enum err MUST_USE factor_key_create(const uint8_t secret[FACTOR_KEY],
    struct factor_key **key);

/**
 * factor_key_id(key):
 * Return the FACTOR_KEY_ID bytes of the key's id; borrowed from ${key}.
 */
const uint8_t *factor_key_id(const struct factor_key *key);

/**
 * factor_mac(key, kind, credential_id, value, mac):
 * Write the keyed hash of the fact ${value} of ${kind}.  Any thread may call.
 *
 * Fails: E_TOOBIG (value above FACTOR_VALUE_MAX).
 */
enum err MUST_USE factor_mac(const struct factor_key *key,
    enum factor_kind kind, const uint8_t credential_id[LEAF_CREDENTIAL_ID],
    struct slice value, uint8_t mac[FACTOR_MAC]);

/**
 * factor_equal(a, b):
 * Return non-zero if two keyed hashes are the same, in constant time.
 */
int factor_equal(const uint8_t a[FACTOR_MAC], const uint8_t b[FACTOR_MAC]);

/**
 * factor_key_free(key):
 * Wipe and free ${key}; NULL is allowed.
 */
void factor_key_free(struct factor_key *key);

#endif /* !PROTO_LEAF_H */
