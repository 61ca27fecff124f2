#ifndef SEAL_BATCH_H
#define SEAL_BATCH_H

/*
 * What one worker seals: everything that was answered in a tick goes under
 * one Merkle tree and one signature, at most RECEIPT_BATCH_MAX answers to a
 * tree, as Roughtime does it.  All answers alike, whatever they say.  One
 * thread.
 */

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/merkle.h"
#include "seal/seal_keys.h"

#define BATCH_SALT 16

/* Opaque types. */
struct batch;           /* answers under one signature, on their way */
struct batcher;

/*
 * One answer; the caller's memory, from batcher_add() until done() or
 * batcher_remove().
 */
struct batch_item {
    struct slice question;      /* canonical; borrowed */
    struct slice answer;        /* likewise */

    /*
     * ${seal}: the canonical bytes of a vouch.v1.Seal, borrowed for this call
     * only; none if ${err} is not E_OK: E_CRYPTO, E_NOMEM, E_DENIED (the key's
     * time is over).  Called exactly once, from within batcher_flush() or
     * later from the loop.  The item is the caller's again.
     */
    void (*done)(struct batch_item *item, enum err err, struct slice seal);

    /* The batcher's own. */
    struct batch_item *next, *prev;
    struct batch *batch;        /* NULL: it waits for a flush */
    size_t index;               /* in the batch */
    uint8_t salts[2][BATCH_SALT];
};

/* The log as the answers saw it. */
struct batch_checkpoint {
    int64_t size;
    struct merkle_hash root;
};

/**
 * batcher_create(keys, batcher):
 * Make what seals for one worker.  ${keys} is borrowed and must outlive it.
 * The caller owns ${*batcher}; free with batcher_free() when no item is left.
 *
 * Fails: E_NOMEM.  On failure ${*batcher} is NULL.
 */
enum err MUST_USE batcher_create(struct seal_keys *keys,
    struct batcher **batcher);

/**
 * batcher_add(batcher, item):
 * Have ${item} sealed by the next batcher_flush().
 */
void batcher_add(struct batcher *batcher, struct batch_item *item);

/**
 * batcher_remove(batcher, item):
 * Nobody waits for ${item} any more; done() will not be called.  It must have
 * been added, and not be done.
 */
void batcher_remove(struct batcher *batcher, struct batch_item *item);

/**
 * batcher_waits(batcher):
 * Return non-zero if something was added since the last batcher_flush().
 */
int batcher_waits(const struct batcher *batcher);

/**
 * batcher_seal_max(batcher):
 * Return how many bytes a seal takes at most.
 */
size_t batcher_seal_max(const struct batcher *batcher);

/**
 * batcher_flush(batcher, checkpoint, now_us):
 * Seal everything that was added, at ${now_us} (microseconds UTC), by the key
 * in use.  done() may add more, which waits for the next time.
 */
void batcher_flush(struct batcher *batcher,
    const struct batch_checkpoint *checkpoint, int64_t now_us);

void batcher_free(struct batcher *batcher);

#endif /* !SEAL_BATCH_H */
