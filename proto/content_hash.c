#include "proto/content_hash.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "proto/message.h"

struct content_hash {
    EVP_MD_CTX *ctx;        /* owned */
    struct buf packed;      /* one part, with its length before it */
};

enum err
content_hash_create(struct content_hash **hash)
{
    struct content_hash *made = NULL;
    enum err err = E_NOMEM;

    *hash = NULL;

    if ((made = calloc(1, sizeof(*made))) == NULL)
        goto out;
    buf_init(&made->packed, SIZE_MAX / 2);
    if ((made->ctx = EVP_MD_CTX_new()) == NULL)
        goto out;
    err = E_CRYPTO;
    if (EVP_DigestInit_ex(made->ctx, EVP_sha256(), NULL) != 1)
        goto out;

    *hash = made;
    made = NULL;
    err = E_OK;

out:
    content_hash_free(made);
    return (err);
}

static enum err
pack(struct content_hash *hash, const ProtobufCMessage *message)
{
    static const uint8_t room[CONTENT_HASH_PREFIX];
    struct buf *packed = &hash->packed;
    enum err err;
    size_t n;

    packed->n = 0;
    if ((err = buf_add(packed, (struct slice){room, sizeof(room)})) != E_OK ||
        (err = message_pack(message, packed)) != E_OK)
        return (err);
    if ((n = packed->n - CONTENT_HASH_PREFIX) > UINT32_MAX)
        return (E_TOOBIG);
    packed->p[0] = (uint8_t)(n >> 24);
    packed->p[1] = (uint8_t)(n >> 16);
    packed->p[2] = (uint8_t)(n >> 8);
    packed->p[3] = (uint8_t)n;
    return (E_OK);
}

enum err
content_hash_packed(struct content_hash *hash)
{
    return (EVP_DigestUpdate(hash->ctx, hash->packed.p,
        hash->packed.n) == 1 ? E_OK : E_CRYPTO);
}

enum err
content_hash_header(struct content_hash *hash,
    const Vouch__V1__PublicationHeader *header)
{
    Vouch__V1__PublicationHeader hashed = VOUCH__V1__PUBLICATION_HEADER__INIT;
    enum err err;

    hashed.association_id = header->association_id;
    hashed.mode = header->mode;
    hashed.extracted_at_us = header->extracted_at_us;
    hashed.snapshot_type_ids = header->snapshot_type_ids;
    hashed.n_snapshot_type_ids = header->n_snapshot_type_ids;
    if ((err = pack(hash, &hashed.base)) != E_OK)
        return (err);
    return (content_hash_packed(hash));
}

enum err
content_hash_pack(struct content_hash *hash,
    const Vouch__V1__CredentialRow *row, struct slice *counted)
{
    enum err err;

    if ((err = pack(hash, &row->base)) == E_OK && counted != NULL)
        *counted = buf_slice(&hash->packed);
    return (err);
}

enum err
content_hash_row(struct content_hash *hash,
    const Vouch__V1__CredentialRow *row, struct slice *counted)
{
    enum err err;

    if ((err = content_hash_pack(hash, row, counted)) != E_OK)
        return (err);
    return (content_hash_packed(hash));
}

enum err
content_hash_end(struct content_hash *hash, uint8_t out[CONTENT_HASH])
{
    unsigned n = 0;

    if (EVP_DigestFinal_ex(hash->ctx, out, &n) != 1 || n != CONTENT_HASH)
        return (E_CRYPTO);
    return (E_OK);
}

void
content_hash_free(struct content_hash *hash)
{
    if (hash == NULL)
        return;
    EVP_MD_CTX_free(hash->ctx);
    buf_free(&hash->packed);
    free(hash);
}
