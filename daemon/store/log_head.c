#include "store/log_head.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define TELL_US 5000000         /* how often progress is told */

/* Let the tree grow by the leaves that were gathered. */
static enum err
take_leaves(struct store_txn *txn)
{
    int64_t size = txn->tree.head.size + (int64_t)txn->nleaves;
    enum err err;

    err = txn->grow(&txn->tree, (struct slice){txn->leaves,
        txn->nleaves * LEAF_DATA});
    txn->nleaves = 0;
    if (err == E_OK && (txn->tree.head.size != size ||
        txn->tree.nfrontier > STORE_FRONTIER_MAX))
        err = E_CORRUPT;
    return (err);
}

enum err
log_head_begin(struct store_txn *txn, store_grow_fn *grow)
{
    txn->grow = grow;
    txn->nleaves = 0;
    return (txn->tree.head.size == txn->next_index ? E_OK : E_CORRUPT);
}

void
log_head_job(struct store_txn *txn)
{
    txn->first_tree = txn->tree;
    txn->nleaves = 0;
}

void
log_head_undo(struct store_txn *txn)
{
    txn->tree = txn->first_tree;
    txn->nleaves = 0;
}

enum err
log_head_add(struct store_txn *txn, const uint8_t leaf[LEAF_DATA])
{
    memcpy(txn->leaves + txn->nleaves * LEAF_DATA, leaf, LEAF_DATA);
    return (++txn->nleaves < TXN_LEAVES ? E_OK : take_leaves(txn));
}

enum err
log_head_keep(struct store_txn *txn)
{
    enum err err;

    if (txn->nleaves > 0 && (err = take_leaves(txn)) != E_OK)
        return (err);
    if (txn->tree.head.size == txn->first_tree.head.size)
        return (E_OK);
    return (txn->ops->put_tree(txn, &txn->tree));
}

/* ---- from all entries -------------------------------------------------- */

struct deriving {
    struct store_txn *txn;
    int64_t told_us;
};

static enum err
take_entry(void *cookie, const struct store_entry *entry)
{
    struct deriving *d = cookie;
    struct store_txn *txn = d->txn;
    enum err err;

    if ((err = log_head_add(txn, entry->leaf)) != E_OK || txn->nleaves > 0)
        return (err);
    if (txn->steps != NULL)
        (void)atomic_fetch_add_explicit(txn->steps, 1, memory_order_relaxed);
    if (clock_monotonic_us() - d->told_us < TELL_US)
        return (E_OK);
    d->told_us = clock_monotonic_us();
    log_line(LOG_INFO, "store_head_made", "entries=%lld of=%lld",
        (long long)txn->tree.head.size, (long long)txn->next_index);
    log_flush();
    return (E_OK);
}

static void
tell_roots(const struct store_head *kept, const struct store_head *made)
{
    char roots[2][2 * STORE_ROOT + 1];

    bytes_to_hex((struct slice){kept->root, STORE_ROOT}, roots[0]);
    bytes_to_hex((struct slice){made->root, STORE_ROOT}, roots[1]);
    log_line(LOG_ERROR, "store_head_differs",
        "size=%lld kept=%s entries=%s", (long long)made->size, roots[0],
        roots[1]);
}

enum err
log_head_derive(struct store_txn *txn, int *differs)
{
    struct deriving d = {.txn = txn, .told_us = clock_monotonic_us()};
    struct store_head kept;
    enum err err;

    *differs = 0;
    if (txn->nleaves > 0 && (err = take_leaves(txn)) != E_OK)
        return (err);
    kept = txn->tree.head;
    memset(&txn->tree, 0, sizeof(txn->tree));
    txn->nleaves = 0;
    if ((err = txn->ops->read_entries(txn, 0, take_entry, &d)) != E_OK ||
        (err = take_leaves(txn)) != E_OK)
        return (err);
    if (txn->tree.head.size != txn->next_index)
        return (E_CORRUPT);
    if (kept.size == txn->tree.head.size &&
        memcmp(kept.root, txn->tree.head.root, STORE_ROOT) != 0) {
        tell_roots(&kept, &txn->tree.head);
        *differs = 1;
    }
    return (txn->ops->put_tree(txn, &txn->tree));
}

/* ---- opening ----------------------------------------------------------- */

/* There is no head, as after an older schema was brought up to date. */
static enum err
make(struct store_txn *txn)
{
    int differs;
    enum err err;

    if (txn->next_index > 0)
        log_line(LOG_INFO, "store_head_missing", "entries=%lld",
            (long long)txn->next_index);
    if ((err = log_head_derive(txn, &differs)) != E_OK)
        txn->ops->abort(txn);
    else
        err = txn->ops->commit(txn);
    return (err);
}

static enum err
check(struct store_txn *txn, char *why, size_t size)
{
    struct store_tree again = txn->tree;
    enum err err = E_CORRUPT;

    if (txn->tree.head.size != txn->next_index) {
        (void)snprintf(why, size, "there are %lld entries in the log, and its "
            "head is of %lld", (long long)txn->next_index,
            (long long)txn->tree.head.size);
    } else if (txn->grow(&again, (struct slice){NULL, 0}) != E_OK ||
        memcmp(again.head.root, txn->tree.head.root, STORE_ROOT) != 0) {
        (void)snprintf(why, size, "the head of the log, of %lld entries, "
            "disagrees with itself", (long long)txn->next_index);
    } else {
        err = E_OK;
    }
    txn->ops->abort(txn);
    return (err);
}

enum err
log_head_open(const struct store_write_ops *ops, void *self,
    store_grow_fn *grow, char *why, size_t size)
{
    struct store_txn *txn;
    enum err err;

    if (grow == NULL)
        return (E_INVAL);
    if ((err = ops->begin(self, &txn)) != E_OK)
        return (err);
    txn->grow = grow;
    txn->steps = NULL;
    return (txn->tree.head.size < 0 ? make(txn) : check(txn, why, size));
}
