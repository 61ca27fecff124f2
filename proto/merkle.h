#ifndef PROTO_MERKLE_H
#define PROTO_MERKLE_H

/*
 * Merkle trees as in RFC 6962, section 2.1 (and RFC 9162, sections 2.1.3 and
 * 2.1.5, for the proofs).  Nothing is allocated, and no I/O is done.
 */

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/sha256.h"

#define MERKLE_HASH SHA256_BYTES

/* Of a tree of up to 2^63 leaves. */
#define MERKLE_PATH_MAX 63

/* How many hashes merkle_build() takes for ${n} leaves, at most. */
#define MERKLE_NODES_MAX(n) (2 * (n) + MERKLE_PATH_MAX)

struct merkle_hash {
    uint8_t bytes[MERKLE_HASH];
};

/*
 * The roots of the full subtrees of a log of ${size} leaves, the largest
 * first: all that is needed to go on and to tell the root.  {0} is the empty
 * log.
 */
struct merkle_frontier {
    uint64_t size;
    struct merkle_hash roots[MERKLE_PATH_MAX];
};

/**
 * merkle_leaf(data, leaf):
 * Write the leaf hash of ${data}: SHA-256(0x00 || data).
 */
void merkle_leaf(struct slice data, struct merkle_hash *leaf);

/**
 * merkle_node(left, right, node):
 * Write SHA-256(0x01 || left || right).  ${node} may be one of the others.
 */
void merkle_node(const struct merkle_hash *left,
    const struct merkle_hash *right, struct merkle_hash *node);

/**
 * merkle_build(nodes, n):
 * ${nodes}[0] to ${nodes}[n - 1] are leaf hashes, of one leaf at least; write
 * behind them what merkle_path() needs, and return the root, one of ${nodes}.
 */
const struct merkle_hash *merkle_build(struct merkle_hash *nodes, size_t n);

/**
 * merkle_path(nodes, n, index, path):
 * Point ${path} at the audit path of leaf ${index}, the leaf's sibling first,
 * and return its length.  ${nodes} are those that merkle_build() made.
 */
size_t merkle_path(const struct merkle_hash *nodes, size_t n, size_t index,
    const struct merkle_hash *path[MERKLE_PATH_MAX]);

/**
 * merkle_climb(leaf, index, n, path, npath, root):
 * Write the root that the audit path ${path} leads to from ${leaf}, which is
 * at ${index} of ${n}.
 *
 * Fails: E_INVAL (no such index, or a path of another length).
 */
enum err MUST_USE merkle_climb(const struct merkle_hash *leaf, uint64_t index,
    uint64_t n, const struct merkle_hash *path, size_t npath,
    struct merkle_hash *root);

/**
 * merkle_frontier_add(frontier, leaf):
 * Append the leaf hash ${leaf} to the log.
 */
void merkle_frontier_add(struct merkle_frontier *frontier,
    const struct merkle_hash *leaf);

/**
 * merkle_frontier_root(frontier, root):
 * Write the log's root; of the empty log, SHA-256 of nothing.
 */
void merkle_frontier_root(const struct merkle_frontier *frontier,
    struct merkle_hash *root);

/**
 * merkle_frontier_count(size):
 * Return how many of the roots are in use in a log of ${size} leaves.
 */
size_t merkle_frontier_count(uint64_t size);

#endif /* !PROTO_MERKLE_H */
