#include "seal/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/random_pool.h"
#include "proto/receipt.h"
#include "proto/wire_put.h"
#include "seal/signer.h"

/*
 * Every answer takes a seal, so it is written by hand, as the answer is; the
 * tests hold it to message_pack().  These are the numbers of receipt.proto.
 */
enum {
    SEAL_QUESTION_SALT = 1, SEAL_ANSWER_SALT, SEAL_INDEX, SEAL_PATH,
    SEAL_BATCH, SEAL_SIGNATURE
};
enum {
    BATCH_DOMAIN = 1, BATCH_LOG_ORIGIN, BATCH_KEY_ID, BATCH_SEALED_AT,
    BATCH_LEAF_COUNT, BATCH_ROOT, BATCH_CHECKPOINT_SIZE, BATCH_CHECKPOINT_ROOT
};

#define HASH_FIELD WIRE_PUT_BYTES_MAX((size_t)MERKLE_HASH)

/* A SealBatch, and behind it the signature: what all seals of it end with. */
#define BATCH_BYTES (WIRE_PUT_BYTES_MAX(sizeof(RECEIPT_DOMAIN)) +           \
    WIRE_PUT_BYTES_MAX((size_t)TRUST_ORIGIN_MAX) + 3 * HASH_FIELD +         \
    3 * (size_t)WIRE_PUT_NUMBER_MAX)
#define TAIL_BYTES (WIRE_PUT_BYTES_MAX(BATCH_BYTES) +                       \
    WIRE_PUT_BYTES_MAX((size_t)ED25519_SIGNATURE))

/* A path has a hash for each level of a tree of RECEIPT_BATCH_MAX leaves. */
#define LEVELS 8
#define SEAL_BYTES (2 * WIRE_PUT_BYTES_MAX((size_t)BATCH_SALT) +            \
    (size_t)WIRE_PUT_NUMBER_MAX + LEVELS * HASH_FIELD + TAIL_BYTES)

_Static_assert(RECEIPT_BATCH_MAX == 1 << LEVELS, "the levels of a tree");
_Static_assert(RECEIPT_SALT == BATCH_SALT, "a salt");

struct batch {
    struct batcher *batcher;
    struct batch *next;                 /* in flight, or spare */
    struct signer_request *request;     /* NULL: none, or it is over */
    struct batch_item *items[RECEIPT_BATCH_MAX];    /* NULL: removed */
    size_t n;
    size_t nbytes;                      /* of the SealBatch */
    uint8_t bytes[BATCH_BYTES];
    struct merkle_hash nodes[MERKLE_NODES_MAX(RECEIPT_BATCH_MAX)];
};

struct batcher {
    struct seal_keys *keys;             /* borrowed */
    struct seal_key key;                /* the one in use; its signer held */
    unsigned generation;                /* of it */
    struct batch_item queue;            /* ring; the head is no item */
    struct batch *flying;               /* owned */
    struct batch *spare;                /* owned; NULL: none */
    struct random_pool random;
};

enum err
batcher_create(struct seal_keys *keys, struct batcher **batcher)
{
    struct batcher *made = calloc(1, sizeof(*made));

    *batcher = NULL;
    if (made == NULL)
        return (E_NOMEM);
    made->keys = keys;
    made->queue.next = &made->queue;
    made->queue.prev = &made->queue;
    made->generation = seal_keys_generation(keys);
    seal_keys_current(keys, &made->key);
    *batcher = made;
    return (E_OK);
}

void
batcher_free(struct batcher *batcher)
{
    struct batch *next;

    if (batcher == NULL)
        return;
    for (struct batch *batch = batcher->flying; batch != NULL; batch = next) {
        next = batch->next;
        signer_cancel(batch->request);
        free(batch);
    }
    free(batcher->spare);
    signer_release(batcher->key.signer);
    free(batcher);
}

/* ---- what waits --------------------------------------------------------- */

void
batcher_add(struct batcher *batcher, struct batch_item *item)
{
    item->batch = NULL;
    item->next = &batcher->queue;
    item->prev = batcher->queue.prev;
    item->prev->next = item;
    batcher->queue.prev = item;
}

static void
unlink_item(struct batch_item *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
}

void
batcher_remove(struct batcher *batcher, struct batch_item *item)
{
    (void)batcher;
    if (item->batch == NULL)
        unlink_item(item);
    else
        item->batch->items[item->index] = NULL;
}

int
batcher_waits(const struct batcher *batcher)
{
    return (batcher->queue.next != &batcher->queue);
}

/* Far above what lengths and numbers vary by. */
#define NUMBERS_MAX ((size_t)64)

size_t
batcher_seal_max(const struct batcher *batcher)
{
    return (2 * BATCH_SALT + LEVELS * (MERKLE_HASH + 2) +
        sizeof(RECEIPT_DOMAIN) + strlen(batcher->key.origin) +
        3 * MERKLE_HASH + ED25519_SIGNATURE + NUMBERS_MAX);
}

/* ---- a batch ------------------------------------------------------------ */

static void
recycle(struct batch *batch)
{
    struct batcher *batcher = batch->batcher;
    struct batch **at = &batcher->flying;

    while (*at != batch)
        at = &(*at)->next;
    *at = batch->next;
    free(batcher->spare);
    batcher->spare = batch;
}

/* Its items may have been removed, and may remove one another. */
static void
fail(struct batch *batch, enum err err)
{
    static const struct slice none = {NULL, 0};

    for (size_t i = 0; i < batch->n; i++)
        if (batch->items[i] != NULL)
            batch->items[i]->done(batch->items[i], err, none);
    recycle(batch);
}

static uint8_t *
put_hash(uint8_t *p, uint32_t number, const uint8_t *hash)
{
    return (wire_put_ready(p, number, (struct slice){hash, MERKLE_HASH}));
}

/* Salts, path and what all of the batch have in common. */
static size_t
put_seal(const struct batch *batch, const struct batch_item *item,
    struct slice tail, uint8_t seal[SEAL_BYTES])
{
    const struct merkle_hash *path[MERKLE_PATH_MAX];
    const size_t npath = merkle_path(batch->nodes, batch->n, item->index,
        path);
    uint8_t *p = seal;

    p = wire_put_ready(p, SEAL_QUESTION_SALT,
        (struct slice){item->salts[0], BATCH_SALT});
    p = wire_put_ready(p, SEAL_ANSWER_SALT,
        (struct slice){item->salts[1], BATCH_SALT});
    p = wire_put_number(p, SEAL_INDEX, item->index);
    for (size_t i = 0; i < npath; i++)
        p = put_hash(p, SEAL_PATH, path[i]->bytes);
    memcpy(p, tail.p, tail.n);
    return ((size_t)(p - seal) + tail.n);
}

static void
on_signed(void *cookie, enum err err,
    const uint8_t signature[ED25519_SIGNATURE])
{
    struct batch *batch = cookie;
    uint8_t seal[SEAL_BYTES], tail[TAIL_BYTES], *p;

    batch->request = NULL;
    if (err != E_OK) {
        fail(batch, err);
        return;
    }
    p = wire_put_ready(tail, SEAL_BATCH,
        (struct slice){batch->bytes, batch->nbytes});
    p = wire_put_ready(p, SEAL_SIGNATURE,
        (struct slice){signature, ED25519_SIGNATURE});
    for (size_t i = 0; i < batch->n; i++) {
        struct batch_item *item = batch->items[i];
        size_t n;

        if (item == NULL)
            continue;
        n = put_seal(batch, item, (struct slice){tail, (size_t)(p - tail)},
            seal);
        item->done(item, E_OK, (struct slice){seal, n});
    }
    recycle(batch);
}

static void
put_batch(struct batch *batch, const struct merkle_hash *root,
    const struct batch_checkpoint *checkpoint, int64_t now_us)
{
    const struct seal_key *key = &batch->batcher->key;
    uint8_t *p = batch->bytes;

    p = wire_put_bytes(p, BATCH_DOMAIN, slice_of(RECEIPT_DOMAIN));
    p = wire_put_bytes(p, BATCH_LOG_ORIGIN, slice_of(key->origin));
    p = put_hash(p, BATCH_KEY_ID, signer_key_id(key->signer));
    p = wire_put_number(p, BATCH_SEALED_AT, (uint64_t)now_us);
    p = wire_put_number(p, BATCH_LEAF_COUNT, batch->n);
    p = put_hash(p, BATCH_ROOT, root->bytes);
    p = wire_put_number(p, BATCH_CHECKPOINT_SIZE, (uint64_t)checkpoint->size);
    p = put_hash(p, BATCH_CHECKPOINT_ROOT, checkpoint->root.bytes);
    batch->nbytes = (size_t)(p - batch->bytes);
}

/* Salts and leaves of what the batch has been given. */
static enum err
make_leaves(struct batch *batch)
{
    struct merkle_hash question, answer;
    enum err err;

    for (size_t i = 0; i < batch->n; i++) {
        struct batch_item *item = batch->items[i];

        if ((err = random_pool_take(&batch->batcher->random,
            &item->salts[0][0], sizeof(item->salts))) != E_OK)
            return (err);
        receipt_commit_question(item->salts[0], item->question, &question);
        receipt_commit_answer(item->salts[1], &question, item->answer,
            &answer);
        receipt_leaf(&question, &answer, &batch->nodes[i]);
    }
    return (E_OK);
}

static void
seal(struct batch *batch, const struct batch_checkpoint *checkpoint,
    int64_t now_us)
{
    const struct seal_key *key = &batch->batcher->key;
    enum err err;

    if (now_us < key->from_us || now_us >= key->until_us) {
        fail(batch, E_DENIED);
        return;
    }
    if ((err = make_leaves(batch)) != E_OK) {
        fail(batch, err);
        return;
    }
    put_batch(batch, merkle_build(batch->nodes, batch->n), checkpoint, now_us);
    /* Which may be over, and the batch another one, when this returns. */
    if ((err = signer_sign(key->signer, (struct slice){batch->bytes,
        batch->nbytes}, on_signed, batch, &batch->request)) != E_OK)
        fail(batch, err);
}

/* ---- all that waits ----------------------------------------------------- */

static void
renew_key(struct batcher *batcher)
{
    const unsigned generation = seal_keys_generation(batcher->keys);

    if (generation == batcher->generation)
        return;
    signer_release(batcher->key.signer);
    seal_keys_current(batcher->keys, &batcher->key);
    batcher->generation = generation;
}

static struct batch *
take_batch(struct batcher *batcher)
{
    struct batch *batch = batcher->spare;

    if (batch == NULL && (batch = malloc(sizeof(*batch))) == NULL)
        return (NULL);
    batcher->spare = NULL;
    batch->batcher = batcher;
    batch->request = NULL;
    batch->n = 0;
    batch->next = batcher->flying;
    batcher->flying = batch;
    return (batch);
}

static void
fill(struct batch *batch, struct batch_item *ring)
{
    while (batch->n < RECEIPT_BATCH_MAX && ring->next != ring) {
        struct batch_item *item = ring->next;

        unlink_item(item);
        item->batch = batch;
        item->index = batch->n;
        batch->items[batch->n++] = item;
    }
}

void
batcher_flush(struct batcher *batcher,
    const struct batch_checkpoint *checkpoint, int64_t now_us)
{
    static const struct slice none = {NULL, 0};
    struct batch_item ring, *first;
    struct batch *batch;

    if (!batcher_waits(batcher))
        return;
    renew_key(batcher);
    ring = batcher->queue;      /* what comes meanwhile waits */
    ring.next->prev = &ring;
    ring.prev->next = &ring;
    batcher->queue.next = &batcher->queue;
    batcher->queue.prev = &batcher->queue;
    while (ring.next != &ring) {
        if ((batch = take_batch(batcher)) != NULL) {
            fill(batch, &ring);
            seal(batch, checkpoint, now_us);
            continue;
        }
        first = ring.next;
        unlink_item(first);
        first->done(first, E_NOMEM, none);
    }
}
