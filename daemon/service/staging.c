#include "service/staging.h"

#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

#define CHUNK ((size_t)64 * 1024 - 64)     /* 64 KiB with what is before it */
#define PREFIX CONTENT_HASH_PREFIX
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
    struct content_hash *hash;  /* owned */
    struct buf key;             /* a row of which only that is kept */
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
    buf_init(&made->key, ROW_MAX);
    if ((err = content_hash_create(&made->hash)) != E_OK)
        goto out;

    *staging = made;
    made = NULL;

out:
    staging_free(made);
    return (err);
}

enum err
staging_header(struct staging *staging,
    const Vouch__V1__PublicationHeader *header)
{
    return (content_hash_header(staging->hash, header));
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

/* ${bytes} are a row with its length before it. */
static enum err
store(struct staging *staging, struct slice bytes)
{
    enum err err;

    if (bytes.n > ROW_MAX)
        return (E_TOOBIG);
    if (staging->last == NULL || bytes.n > CHUNK - staging->last->used)
        if ((err = add_chunk(staging)) != E_OK)
            return (err);
    memcpy(staging->last->bytes + staging->last->used, bytes.p, bytes.n);
    staging->last->used += bytes.n;
    return (E_OK);
}

static enum err
store_key(struct staging *staging, const Vouch__V1__CredentialRow *row)
{
    static const uint8_t room[PREFIX];
    Vouch__V1__CredentialRow key = VOUCH__V1__CREDENTIAL_ROW__INIT;
    enum err err;

    key.credential_type_id = row->credential_type_id;
    key.number = row->number;
    staging->key.n = 0;
    err = buf_add(&staging->key, (struct slice){room, PREFIX});
    if (err != E_OK ||
        (err = message_pack(&key.base, &staging->key)) != E_OK)
        return (err);
    staging->key.p[2] = (uint8_t)((staging->key.n - PREFIX) >> 8);
    staging->key.p[3] = (uint8_t)(staging->key.n - PREFIX);
    return (store(staging, buf_slice(&staging->key)));
}

enum err
staging_row(struct staging *staging, const Vouch__V1__CredentialRow *row,
    enum staging_keep keep)
{
    struct slice counted;
    enum err err;

    if ((err = content_hash_row(staging->hash, row, &counted)) != E_OK)
        return (err);
    switch (keep) {
    case STAGING_ROW:
        return (store(staging, counted));
    case STAGING_KEY:
        return (store_key(staging, row));
    case STAGING_NOTHING:
    default:
        return (E_OK);
    }
}

enum err
staging_hash(struct staging *staging, uint8_t hash[STAGING_HASH])
{
    return (content_hash_end(staging->hash, hash));
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
    content_hash_free(staging->hash);
    buf_free(&staging->key);
    free(staging);
}
