#include "proto/leaf.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define FACTOR_DOMAIN "vouch/factor/v1"
#define KEY_DOMAIN "vouch/factor-key/v1"
#define FACTOR_BYTES_MAX \
    (sizeof(FACTOR_DOMAIN) + 1 + LEAF_CREDENTIAL_ID + FACTOR_VALUE_MAX)

/* In every hash a 0x00 follows the domain: the text's own NUL. */
static const char *const domains[] = {
    [LEAF_EVENT] = "vouch/event/v1",
    [LEAF_DECLARATION] = "vouch/declaration/v1",
    [LEAF_MANIFEST] = "vouch/manifest/v1",
    [LEAF_CATALOG] = "vouch/catalog/v1",
};

struct factor_key {
    /* Holds the only copy of the secret, and wipes it when freed. */
    EVP_MAC_CTX *mac;   /* owned */
    uint8_t id[FACTOR_KEY_ID];
};

/* Fetched by whoever needs it first, for the life of the process. */
static EVP_MD *_Atomic sha256_fetched = NULL;

/* NULL if there is none to be had; another time there may be. */
static const EVP_MD *
sha256(void)
{
    EVP_MD *have = atomic_load(&sha256_fetched);
    EVP_MD *mine;

    if (have != NULL || (mine = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
        return (have);
    if (atomic_compare_exchange_strong(&sha256_fetched, &have, mine))
        return (mine);
    /* Another thread was quicker. */
    EVP_MD_free(mine);
    return (have);
}

/*
 * A new context, ready for input; NULL if there is none to be had.  One a call:
 * to keep one a thread would save 50 of 650 ns, because OpenSSL 3.0 allocates
 * in every EVP_DigestInit_ex2() anyway.
 */
static EVP_MD_CTX *
create_hash(void)
{
    const EVP_MD *md = sha256();
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (md != NULL && context != NULL &&
        EVP_DigestInit_ex2(context, md, NULL) == 1)
        return (context);
    EVP_MD_CTX_free(context);
    return (NULL);
}

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
    EVP_MD_CTX *hash = NULL;
    enum err err = E_INVAL;

    if (text == NULL)
        goto out;
    err = E_CRYPTO;
    if ((hash = create_hash()) == NULL ||
        EVP_DigestUpdate(hash, text, strlen(text) + 1) != 1 ||
        EVP_DigestUpdate(hash, salt, LEAF_SALT) != 1 ||
        EVP_DigestUpdate(hash, bytes.p, bytes.n) != 1 ||
        EVP_DigestFinal_ex(hash, data, NULL) != 1)
        goto out;
    err = E_OK;
out:
    EVP_MD_CTX_free(hash);
    return (err);
}

/* The secret went through the context, which is wiped as it is freed. */
static enum err
make_key_id(const uint8_t secret[FACTOR_KEY], uint8_t id[FACTOR_KEY_ID])
{
    EVP_MD_CTX *hash = create_hash();
    uint8_t whole[LEAF_DATA];
    enum err err = E_CRYPTO;

    if (hash == NULL ||
        EVP_DigestUpdate(hash, KEY_DOMAIN, sizeof(KEY_DOMAIN)) != 1 ||
        EVP_DigestUpdate(hash, secret, FACTOR_KEY) != 1 ||
        EVP_DigestFinal_ex(hash, whole, NULL) != 1)
        goto out;
    memcpy(id, whole, FACTOR_KEY_ID);
    err = E_OK;
out:
    EVP_MD_CTX_free(hash);
    return (err);
}

/* OpenSSL's copy of the secret is wiped with the context. */
static EVP_MAC_CTX *
create_keyed(const uint8_t secret[FACTOR_KEY])
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()
    };
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;

    if (context != NULL &&
        EVP_MAC_init(context, secret, FACTOR_KEY, params) != 1) {
        EVP_MAC_CTX_free(context);
        context = NULL;
    }
    EVP_MAC_free(hmac);
    return (context);
}

enum err
factor_key_create(const uint8_t secret[FACTOR_KEY], struct factor_key **out)
{
    struct factor_key *key = NULL;
    enum err err = E_NOMEM;

    *out = NULL;
    if ((key = calloc(1, sizeof(*key))) == NULL)
        goto out;
    if ((err = make_key_id(secret, key->id)) != E_OK)
        goto out;
    err = E_CRYPTO;
    if ((key->mac = create_keyed(secret)) == NULL)
        goto out;
    *out = key;
    key = NULL;
    err = E_OK;
out:
    factor_key_free(key);
    return (err);
}

const uint8_t *
factor_key_id(const struct factor_key *key)
{
    return (key->id);
}

enum err
factor_mac(struct factor_key *key, enum factor_kind kind,
    const uint8_t credential_id[LEAF_CREDENTIAL_ID], struct slice value,
    uint8_t mac[FACTOR_MAC])
{
    uint8_t bytes[FACTOR_BYTES_MAX];
    uint8_t *p = bytes;
    size_t n;
    enum err err = E_CRYPTO;

    if (value.n > FACTOR_VALUE_MAX)
        return (E_TOOBIG);
    memcpy(p, FACTOR_DOMAIN, sizeof(FACTOR_DOMAIN));
    p += sizeof(FACTOR_DOMAIN);
    *p++ = (uint8_t)kind;
    memcpy(p, credential_id, LEAF_CREDENTIAL_ID);
    p += LEAF_CREDENTIAL_ID;
    if (value.n > 0)
        memcpy(p, value.p, value.n);
    p += value.n;
    /* Without a key: begin again with the one that is there. */
    if (EVP_MAC_init(key->mac, NULL, 0, NULL) == 1 &&
        EVP_MAC_update(key->mac, bytes, (size_t)(p - bytes)) == 1 &&
        EVP_MAC_final(key->mac, mac, &n, FACTOR_MAC) == 1 && n == FACTOR_MAC)
        err = E_OK;
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return (err);
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
    EVP_MAC_CTX_free(key->mac);
    OPENSSL_cleanse(key, sizeof(*key));
    free(key);
}
