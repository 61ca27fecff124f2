#include "service/log_tree.h"

#include <string.h>

#include "proto/merkle.h"

_Static_assert(STORE_ROOT == MERKLE_HASH, "a root is a hash");
_Static_assert(sizeof(struct merkle_hash) == MERKLE_HASH,
    "hashes lie side by side");
_Static_assert(STORE_FRONTIER_MAX >= MERKLE_PATH_MAX * MERKLE_HASH,
    "there is room for the longest frontier");

enum err
log_tree_grow(struct store_tree *tree, struct slice leaves)
{
    struct merkle_frontier frontier = {.size = (uint64_t)tree->head.size};
    struct merkle_hash hash;

    if (tree->head.size < 0 || leaves.n % LEAF_DATA != 0 ||
        tree->nfrontier !=
        merkle_frontier_count(frontier.size) * MERKLE_HASH)
        return (E_CORRUPT);

    memcpy(frontier.roots, tree->frontier, tree->nfrontier);
    for (size_t at = 0; at < leaves.n; at += LEAF_DATA) {
        merkle_leaf((struct slice){leaves.p + at, LEAF_DATA}, &hash);
        merkle_frontier_add(&frontier, &hash);
    }
    merkle_frontier_root(&frontier, &hash);

    tree->head.size = (int64_t)frontier.size;
    memcpy(tree->head.root, hash.bytes, MERKLE_HASH);
    tree->nfrontier = merkle_frontier_count(frontier.size) * MERKLE_HASH;
    memcpy(tree->frontier, frontier.roots, tree->nfrontier);
    return (E_OK);
}
