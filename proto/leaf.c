#include "proto/leaf.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "proto/sha256.h"

#define FACTOR_DOMAIN "vouch/factor/v1"
#define KEY_DOMAIN "vouch/factor-key/v1"

/* In every hash a 0x00 follows the domain: the text's own NUL. */
static const char *const domains[] = {
    [LEAF_EVENT] = "vouch/event/v1",
    [LEAF_DECLARATION] = "vouch/declaration/v1",
    [LEAF_MANIFEST] = "vouch/manifest/v1",
    [LEAF_CATALOG] = "vouch/catalog/v1",
};

/*
 * HMAC (RFC 2104) with its two hashes begun with the key, so that a keyed hash
 * costs two blocks, not four.  The secret itself is not kept.
 */
struct factor_key {
    struct sha256 inner, outer;
    uint8_t id[FACTOR_KEY_ID];
};

const char *
leaf_domain_text(enum leaf_domain domain)
{
    if ((unsigned)domain >= sizeof(domains) / sizeof(domains[0]))
        return (NULL);
    return (domains[domain]);
}

enum err
leaf_data(enum leaf_domain domain, const uint8_t salt[LEAF_SALT],
    struct slice bytes, uint8_t data[LEAF_DATA])
{
    const char *text = leaf_domain_text(domain);
    struct sha256 hash;

    if (text == NULL)
        return (E_INVAL);
    sha256_begin(&hash);
    sha256_add(&hash, text, strlen(text) + 1);
    sha256_add(&hash, salt, LEAF_SALT);
    sha256_add(&hash, bytes.p, bytes.n);
    sha256_end(&hash, data);
    return (E_OK);
}

static void
make_key_id(const uint8_t secret[FACTOR_KEY], uint8_t id[FACTOR_KEY_ID])
{
    uint8_t whole[LEAF_DATA];
    struct sha256 hash;

    sha256_begin(&hash);
    sha256_add(&hash, KEY_DOMAIN, sizeof(KEY_DOMAIN));
    sha256_add(&hash, secret, FACTOR_KEY);
    sha256_end(&hash, whole);
    memcpy(id, whole, FACTOR_KEY_ID);
}

/* Begin ${hash} with the key, a block long, each byte turned by ${pad}. */
static void
begin_padded(struct sha256 *hash, const uint8_t secret[FACTOR_KEY],
    uint8_t pad)
{
    uint8_t block[SHA256_CBLOCK];

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < FACTOR_KEY; i++)
        block[i] ^= secret[i];
    sha256_begin(hash);
    sha256_add(hash, block, sizeof(block));
    OPENSSL_cleanse(block, sizeof(block));
}

enum err
factor_key_create(const uint8_t secret[FACTOR_KEY], struct factor_key **out)
{
    struct factor_key *key = calloc(1, sizeof(*key));

    *out = key;
    if (key == NULL)
        return (E_NOMEM);
    make_key_id(secret, key->id);
    begin_padded(&key->inner, secret, 0x36);
    begin_padded(&key->outer, secret, 0x5c);
    return (E_OK);
}

const uint8_t *
factor_key_id(const struct factor_key *key)
{
    return (key->id);
}

enum err
factor_mac(const struct factor_key *key, enum factor_kind kind,
    const uint8_t credential_id[LEAF_CREDENTIAL_ID], struct slice value,
    uint8_t mac[FACTOR_MAC])
{
    struct sha256 hash = key->inner;
    uint8_t number = (uint8_t)kind;
    uint8_t inner[SHA256_BYTES];

    if (value.n > FACTOR_VALUE_MAX) {
        OPENSSL_cleanse(&hash, sizeof(hash));
        return (E_TOOBIG);
    }
    sha256_add(&hash, FACTOR_DOMAIN, sizeof(FACTOR_DOMAIN));
    sha256_add(&hash, &number, 1);
    sha256_add(&hash, credential_id, LEAF_CREDENTIAL_ID);
    sha256_add(&hash, value.p, value.n);
    sha256_end(&hash, inner);
    hash = key->outer;
    sha256_add(&hash, inner, sizeof(inner));
    sha256_end(&hash, mac);
    return (E_OK);
}

int
factor_equal(const uint8_t a[FACTOR_MAC], const uint8_t b[FACTOR_MAC])
{
    return (CRYPTO_memcmp(a, b, FACTOR_MAC) == 0);
}

void
factor_key_free(struct factor_key *key)
{
    if (key == NULL)
        return;
    OPENSSL_cleanse(key, sizeof(*key));
    free(key);
}
