#include "service/staging.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "proto/message.h"

#define CHUNK ((size_t)64 * 1024 - 64)     /* 64 KiB with what is before it */
#define PREFIX 4
#define ROW_MAX (CHUNK / 2)     /* a row that meets the rules is far smaller */

struct chunk {
    struct chunk *next;
    size_t used;
    uint8_t bytes[CHUNK];
};

/* The least that an upload may be allowed holds something. */
_Static_assert(sizeof(struct chunk) <= 64 * 1024, "a chunk is 64 KiB");

struct staging {
    size_t max;
    size_t size;                /* bytes of all chunks */
    atomic_size_t *total;       /* borrowed */
    size_t max_total;
    struct chunk *first;        /* owned, with those behind it */
    struct chunk *last;
    EVP_MD_CTX *hash;           /* owned */
    struct buf packed;          /* one part, with its prefix */
};

enum err
staging_create(size_t max, atomic_size_t *total, size_t max_total,
    struct staging **staging)
{
    struct staging *made = NULL;
    enum err err = E_NOMEM;

    *staging = NULL;

    if ((made = calloc(1, sizeof(*made))) == NULL)
        goto out;
    made->max = max;
    made->total = total;
    made->max_total = max_total;
    buf_init(&made->packed, SIZE_MAX / 2);
    if ((made->hash = EVP_MD_CTX_new()) == NULL)
        goto out;
    err = E_CRYPTO;
    if (EVP_DigestInit_ex(made->hash, EVP_sha256(), NULL) != 1)
        goto out;

    *staging = made;
    made = NULL;
    err = E_OK;

out:
    staging_free(made);
    return (err);
}

/* Pack ${message} behind its length, and count both in. */
static enum err
count_in(struct staging *staging, const ProtobufCMessage *message)
{
    static const uint8_t room[PREFIX];
    struct buf *packed = &staging->packed;
    enum err err;
    size_t n;

    packed->n = 0;
    if ((err = buf_add(packed, (struct slice){room, PREFIX})) != E_OK ||
        (err = message_pack(message, packed)) != E_OK)
        return (err);
    if ((n = packed->n - PREFIX) > UINT32_MAX)
        return (E_TOOBIG);
    packed->p[0] = (uint8_t)(n >> 24);
    packed->p[1] = (uint8_t)(n >> 16);
    packed->p[2] = (uint8_t)(n >> 8);
    packed->p[3] = (uint8_t)n;
    if (EVP_DigestUpdate(staging->hash, packed->p, packed->n) != 1)
        return (E_CRYPTO);
    return (E_OK);
}

enum err
staging_header(struct staging *staging,
    const Vouch__V1__PublicationHeader *header)
{
    Vouch__V1__PublicationHeader hashed = VOUCH__V1__PUBLICATION_HEADER__INIT;

    hashed.association_id = header->association_id;
    hashed.mode = header->mode;
    hashed.extracted_at_us = header->extracted_at_us;
    return (count_in(staging, &hashed.base));
}

static enum err
add_chunk(struct staging *staging)
{
    struct chunk *chunk;
    size_t before;

    if (sizeof(*chunk) > staging->max ||
        staging->size > staging->max - sizeof(*chunk))
        return (E_TOOBIG);
    before = atomic_fetch_add(staging->total, sizeof(*chunk));
    if (before > staging->max_total ||
        sizeof(*chunk) > staging->max_total - before) {
        (void)atomic_fetch_sub(staging->total, sizeof(*chunk));
        return (E_BUSY);
    }
    if ((chunk = malloc(sizeof(*chunk))) == NULL) {
        (void)atomic_fetch_sub(staging->total, sizeof(*chunk));
        return (E_NOMEM);
    }
    staging->size += sizeof(*chunk);
    chunk->next = NULL;
    chunk->used = 0;
    if (staging->last == NULL)
        staging->first = chunk;
    else
        staging->last->next = chunk;
    staging->last = chunk;
    return (E_OK);
}

enum err
staging_row(struct staging *staging, const Vouch__V1__CredentialRow *row,
    int keep)
{
    const struct buf *packed = &staging->packed;
    enum err err;

    if ((err = count_in(staging, &row->base)) != E_OK || !keep)
        return (err);
    if (packed->n > ROW_MAX)
        return (E_TOOBIG);
    if (staging->last == NULL || packed->n > CHUNK - staging->last->used)
        if ((err = add_chunk(staging)) != E_OK)
            return (err);
    memcpy(staging->last->bytes + staging->last->used, packed->p, packed->n);
    staging->last->used += packed->n;
    return (E_OK);
}

enum err
staging_hash(struct staging *staging, uint8_t hash[STAGING_HASH])
{
    unsigned n = 0;

    if (EVP_DigestFinal_ex(staging->hash, hash, &n) != 1 || n != STAGING_HASH)
        return (E_CRYPTO);
    return (E_OK);
}

int
staging_next(const struct staging *staging, struct staging_cursor *cursor,
    struct slice *row)
{
    const struct chunk *chunk = cursor->chunk;
    const uint8_t *p;

    if (chunk == NULL)
        chunk = staging->first;
    if (chunk != NULL && cursor->at == chunk->used) {
        chunk = chunk->next;
        cursor->at = 0;
    }
    if (chunk == NULL)
        return (0);
    p = chunk->bytes + cursor->at;
    row->p = p + PREFIX;
    row->n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 |
        (size_t)p[3];
    cursor->chunk = chunk;
    cursor->at += PREFIX + row->n;
    return (1);
}

void
staging_free(struct staging *staging)
{
    struct chunk *next;

    if (staging == NULL)
        return;
    for (; staging->first != NULL; staging->first = next) {
        next = staging->first->next;
        free(staging->first);
    }
    (void)atomic_fetch_sub(staging->total, staging->size);
    EVP_MD_CTX_free(staging->hash);
    buf_free(&staging->packed);
    free(staging);
}
