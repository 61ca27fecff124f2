#include "service/staging.h"

#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "service/staging_file.h"

/* 64 KiB with what is before it. */
#define CHUNK ((size_t)64 * 1024)
#define BLOCK (CHUNK - 64)
#define PREFIX CONTENT_HASH_PREFIX
#define ROW_MAX (BLOCK / 2)     /* a row that meets the rules is far smaller */

/* What goes to the file as one. */
struct block {
    uint32_t used;
    uint8_t bytes[BLOCK];
};

struct chunk {
    struct chunk *next;
    struct block block;
};

/* The least that an upload may be allowed holds something. */
_Static_assert(sizeof(struct chunk) <= CHUNK, "a chunk is 64 KiB");

/*
 * In order: the chunks but for the last, the file, the last chunk, which is
 * the one that is filled.
 */
struct staging {
    struct staging_room *room;  /* borrowed */
    size_t size;                /* bytes of all blocks */
    size_t memory;              /* of them in memory */
    struct chunk *first;        /* owned, with those behind it */
    struct chunk *last;
    uint64_t nchunks;
    struct staging_file *file;  /* owned; NULL: all is in memory */
    struct block *page;         /* owned; what is read of the file */
    struct content_hash *hash;  /* owned */
    struct buf key;             /* a row of which only that is kept */
};

enum err
staging_create(struct staging_room *room, struct staging **staging)
{
    struct staging *made = NULL;
    enum err err = E_NOMEM;

    *staging = NULL;

    if ((made = calloc(1, sizeof(*made))) == NULL)
        goto out;
    made->room = room;
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

/* ---- room ------------------------------------------------------------- */

/* Take ${n} bytes of ${max}.  Returns non-zero if there were so many. */
static int
take(atomic_size_t *held, size_t n, size_t max)
{
    size_t before = atomic_fetch_add(held, n);

    if (before <= max && n <= max - before)
        return (1);
    (void)atomic_fetch_sub(held, n);
    return (0);
}

/*
 * The first chunk, and the page, may have the last of all memory; others, half
 * of it at most: who comes late still finds what it cannot do without.
 */
static int
take_memory(struct staging *staging, int needed)
{
    struct staging_room *room = staging->room;

    if (!needed && (staging->memory + CHUNK > room->upload_memory))
        return (0);
    if (!take(&room->in_memory, CHUNK, needed ? room->memory_max :
        room->memory_max / 2))
        return (0);
    staging->memory += CHUNK;
    return (1);
}

static enum err
add_chunk(struct staging *staging)
{
    struct chunk *chunk;

    if ((chunk = malloc(sizeof(*chunk))) == NULL)
        return (E_NOMEM);
    chunk->next = NULL;
    chunk->block.used = 0;
    if (staging->last == NULL)
        staging->first = chunk;
    else
        staging->last->next = chunk;
    staging->last = chunk;
    staging->nchunks++;
    return (E_OK);
}

/* Put the last chunk into the file, and begin it anew. */
static enum err
spill(struct staging *staging)
{
    struct block *block = &staging->last->block;
    enum err err;

    if (staging->page == NULL) {
        if (!take_memory(staging, 1))
            return (E_BUSY);
        if ((staging->page = malloc(sizeof(*staging->page))) == NULL)
            return (E_NOMEM);
        err = staging_file_create(staging->room->dir, sizeof(*block),
            &staging->file);
        if (err != E_OK)
            return (err);
    }
    /* What is behind the last row was never written to. */
    memset(block->bytes + block->used, 0, BLOCK - block->used);
    if ((err = staging_file_add(staging->file, block)) != E_OK)
        return (err);
    block->used = 0;
    return (E_OK);
}

/* Have the last chunk be one that is empty. */
static enum err
add_block(struct staging *staging)
{
    struct staging_room *room = staging->room;

    if (CHUNK > room->upload_max || staging->size > room->upload_max - CHUNK)
        return (E_TOOBIG);
    if (!take(&room->held, CHUNK, room->max))
        return (E_BUSY);
    staging->size += CHUNK;
    /* Once there is a file, what comes next comes behind it. */
    if (staging->last == NULL)
        return (take_memory(staging, 1) ? add_chunk(staging) : E_BUSY);
    if (staging->file == NULL && take_memory(staging, 0))
        return (add_chunk(staging));
    return (spill(staging));
}

/* ---- rows ------------------------------------------------------------- */

/* ${bytes} are a row with its length before it. */
static enum err
store(struct staging *staging, struct slice bytes)
{
    struct block *block;
    enum err err;

    if (bytes.n > ROW_MAX)
        return (E_TOOBIG);
    if (staging->last == NULL ||
        bytes.n > BLOCK - staging->last->block.used)
        if ((err = add_block(staging)) != E_OK)
            return (err);
    block = &staging->last->block;
    memcpy(block->bytes + block->used, bytes.p, bytes.n);
    block->used += (uint32_t)bytes.n;
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

/* ---- reading ---------------------------------------------------------- */

/* Go to the next block, of which there is one. */
static enum err
next_block(struct staging *staging, struct staging_cursor *cursor)
{
    uint64_t before = staging->nchunks - 1;     /* of the file */
    uint64_t part = cursor->part++;
    const struct chunk *chunk = cursor->chunk;
    enum err err;

    cursor->at = 0;
    if (part < before) {
        chunk = chunk == NULL ? staging->first : chunk->next;
        cursor->chunk = chunk;
        cursor->block = &chunk->block;
        return (E_OK);
    }
    if (part - before == staging_file_count(staging->file)) {
        cursor->block = &staging->last->block;
        return (E_OK);
    }
    err = staging_file_read(staging->file, part - before, staging->page);
    if (err == E_OK && staging->page->used > BLOCK)
        err = E_CORRUPT;
    cursor->block = staging->page;
    return (err);
}

enum err
staging_next(struct staging *staging, struct staging_cursor *cursor,
    struct slice *row)
{
    uint64_t parts = staging->nchunks + staging_file_count(staging->file);
    const struct block *block = cursor->block;
    const uint8_t *p;
    enum err err;

    *row = (struct slice){NULL, 0};
    while (block == NULL || cursor->at == block->used) {
        if (cursor->part == parts)
            return (E_OK);
        if ((err = next_block(staging, cursor)) != E_OK)
            return (err);
        block = cursor->block;
    }
    p = block->bytes + cursor->at;
    row->p = p + PREFIX;
    row->n = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 |
        (size_t)p[3];
    cursor->at += PREFIX + row->n;
    return (E_OK);
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
    staging_file_free(staging->file);
    free(staging->page);
    (void)atomic_fetch_sub(&staging->room->held, staging->size);
    (void)atomic_fetch_sub(&staging->room->in_memory, staging->memory);
    content_hash_free(staging->hash);
    buf_free(&staging->key);
    free(staging);
}
