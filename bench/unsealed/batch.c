/*
 * In place of seal/batch.c, to measure what sealing costs: everything is done
 * as it is, in the same order, but nothing is hashed or signed, and no seal
 * goes with the answer.
 */

#include "seal/batch.h"

#include <stdlib.h>

struct batcher {
    struct batch_item queue;    /* ring; the head is no item */
};

enum err
batcher_create(struct seal_keys *keys, struct batcher **batcher)
{
    struct batcher *made = calloc(1, sizeof(*made));

    (void)keys;
    *batcher = made;
    if (made == NULL)
        return (E_NOMEM);
    made->queue.next = &made->queue;
    made->queue.prev = &made->queue;
    return (E_OK);
}

void
batcher_free(struct batcher *batcher)
{
    free(batcher);
}

void
batcher_add(struct batcher *batcher, struct batch_item *item)
{
    item->next = &batcher->queue;
    item->prev = batcher->queue.prev;
    item->prev->next = item;
    batcher->queue.prev = item;
}

void
batcher_remove(struct batcher *batcher, struct batch_item *item)
{
    (void)batcher;
    item->prev->next = item->next;
    item->next->prev = item->prev;
}

int
batcher_waits(const struct batcher *batcher)
{
    return (batcher->queue.next != &batcher->queue);
}

size_t
batcher_seal_max(const struct batcher *batcher)
{
    (void)batcher;
    return (0);
}

void
batcher_flush(struct batcher *batcher,
    const struct batch_checkpoint *checkpoint, int64_t now_us)
{
    static const struct slice none = {NULL, 0};

    (void)checkpoint, (void)now_us;
    while (batcher_waits(batcher)) {
        struct batch_item *item = batcher->queue.next;

        batcher_remove(batcher, item);
        item->done(item, E_OK, none);
    }
}
