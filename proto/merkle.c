#include "proto/merkle.h"

#include <string.h>

/* Level by level: what is left over at a level's end goes up as it is. */
#define LEVEL_ABOVE(n) ((n) / 2 + (n) % 2)

void
merkle_leaf(struct slice data, struct merkle_hash *leaf)
{
    static const uint8_t prefix = 0x00;
    struct sha256 hash;

    sha256_begin(&hash);
    sha256_add(&hash, &prefix, 1);
    sha256_add(&hash, data.p, data.n);
    sha256_end(&hash, leaf->bytes);
}

void
merkle_node(const struct merkle_hash *left, const struct merkle_hash *right,
    struct merkle_hash *node)
{
    struct sha256 hash;
    uint8_t bytes[1 + 2 * MERKLE_HASH];

    /* In one piece: the hash then copies one byte of it, not 65. */
    bytes[0] = 0x01;
    memcpy(bytes + 1, left->bytes, MERKLE_HASH);
    memcpy(bytes + 1 + MERKLE_HASH, right->bytes, MERKLE_HASH);
    sha256_begin(&hash);
    sha256_add(&hash, bytes, sizeof(bytes));
    sha256_end(&hash, node->bytes);
}

const struct merkle_hash *
merkle_build(struct merkle_hash *nodes, size_t n)
{
    struct merkle_hash *above;
    size_t i;

    for (; n > 1; nodes = above, n = LEVEL_ABOVE(n)) {
        above = nodes + n;
        for (i = 0; i < n / 2; i++)
            merkle_node(&nodes[2 * i], &nodes[2 * i + 1], &above[i]);
        if (n % 2 != 0)
            above[i] = nodes[n - 1];
    }
    return (nodes);
}

size_t
merkle_path(const struct merkle_hash *nodes, size_t n, size_t index,
    const struct merkle_hash *path[MERKLE_PATH_MAX])
{
    size_t npath = 0;

    for (; n > 1; nodes += n, n = LEVEL_ABOVE(n), index /= 2) {
        if ((index ^ 1) < n)
            path[npath++] = &nodes[index ^ 1];
    }
    return (npath);
}

enum err
merkle_climb(const struct merkle_hash *leaf, uint64_t index, uint64_t n,
    const struct merkle_hash *path, size_t npath, struct merkle_hash *root)
{
    struct merkle_hash hash = *leaf;
    size_t used = 0;

    if (index >= n)
        return (E_INVAL);
    for (; n > 1; n = LEVEL_ABOVE(n), index /= 2) {
        if ((index ^ 1) >= n)
            continue;
        if (used == npath)
            return (E_INVAL);
        if (index % 2 != 0)
            merkle_node(&path[used++], &hash, &hash);
        else
            merkle_node(&hash, &path[used++], &hash);
    }
    if (used != npath)
        return (E_INVAL);
    *root = hash;
    return (E_OK);
}

void
merkle_frontier_add(struct merkle_frontier *frontier,
    const struct merkle_hash *leaf)
{
    size_t count = merkle_frontier_count(frontier->size);
    struct merkle_hash hash = *leaf;
    uint64_t full;

    /* Each subtree that is as large as what comes becomes its left half. */
    for (full = frontier->size; full % 2 != 0; full /= 2)
        merkle_node(&frontier->roots[--count], &hash, &hash);
    frontier->roots[count] = hash;
    frontier->size++;
}

void
merkle_frontier_root(const struct merkle_frontier *frontier,
    struct merkle_hash *root)
{
    size_t count = merkle_frontier_count(frontier->size);
    struct merkle_hash hash;
    struct sha256 nothing;

    if (count == 0) {
        sha256_begin(&nothing);
        sha256_end(&nothing, root->bytes);
        return;
    }
    hash = frontier->roots[--count];
    while (count > 0)
        merkle_node(&frontier->roots[--count], &hash, &hash);
    *root = hash;
}

size_t
merkle_frontier_count(uint64_t size)
{
    return ((size_t)__builtin_popcountll(size));
}
