#include "store/index_digest.h"

#include <stdlib.h>

#include <openssl/evp.h>

struct index_digest {
    EVP_MD_CTX *ctx;    /* owned */
    int bad;            /* some step failed: there will be no hash */
};

static void
add(struct index_digest *d, const void *p, size_t n)
{
    if (EVP_DigestUpdate(d->ctx, p, n) != 1)
        d->bad = 1;
}

static void
add_number(struct index_digest *d, int64_t number)
{
    uint8_t be[8];

    for (int i = 0; i < 8; i++)
        be[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
    add(d, be, sizeof(be));
}

static void
add_slice(struct index_digest *d, struct slice bytes)
{
    add_number(d, (int64_t)bytes.n);
    add(d, bytes.p, bytes.n);
}

enum err
index_digest_create(struct index_digest **digest)
{
    struct index_digest *d = NULL;
    enum err err;

    *digest = NULL;

    err = E_NOMEM;
    if ((d = calloc(1, sizeof(*d))) == NULL ||
        (d->ctx = EVP_MD_CTX_new()) == NULL)
        goto out;
    err = E_CRYPTO;
    if (EVP_DigestInit_ex(d->ctx, EVP_sha256(), NULL) != 1)
        goto out;

    *digest = d;
    d = NULL;
    err = E_OK;

out:
    index_digest_free(d);
    return (err);
}

enum err
index_digest_version(struct index_digest *d, struct slice association,
    struct slice number_key, const struct store_version *version)
{
    add(d, "v", 1);
    add_slice(d, association);
    add_slice(d, number_key);
    add_slice(d, (struct slice){version->credential_id, STORE_ID});
    add_number(d, version->log_index);
    add_slice(d, version->event);
    return (d->bad ? E_CRYPTO : E_OK);
}

enum err
index_digest_source(struct index_digest *d, struct slice association,
    const struct store_source *source)
{
    add(d, "s", 1);
    add_slice(d, association);
    add_number(d, source->source_time_us);
    add_number(d, source->received_at_us);
    return (d->bad ? E_CRYPTO : E_OK);
}

enum err
index_digest_letter(struct index_digest *d, char letter)
{
    add(d, &letter, 1);
    return (d->bad ? E_CRYPTO : E_OK);
}

enum err
index_digest_number(struct index_digest *d, int64_t number)
{
    add_number(d, number);
    return (d->bad ? E_CRYPTO : E_OK);
}

enum err
index_digest_bytes(struct index_digest *d, struct slice bytes)
{
    add_slice(d, bytes);
    return (d->bad ? E_CRYPTO : E_OK);
}

enum err
index_digest_end(struct index_digest *d, uint8_t hash[32])
{
    if (d->bad || EVP_DigestFinal_ex(d->ctx, hash, NULL) != 1)
        return (E_CRYPTO);
    return (E_OK);
}

void
index_digest_free(struct index_digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->ctx);
    free(d);
}
