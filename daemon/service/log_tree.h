#ifndef SERVICE_LOG_TREE_H
#define SERVICE_LOG_TREE_H

/*
 * The log as a Merkle tree (RFC 6962, section 2.1) over the leaf data of its
 * entries: what the store calls, in the transaction that appends to the log,
 * to keep the head of it.
 */

#include "store/store.h"

/**
 * log_tree_grow(tree, leaves):
 * As store_grow_fn.  The frontier is the roots of the full subtrees, the
 * largest first, STORE_ROOT bytes each.
 */
enum err MUST_USE log_tree_grow(struct store_tree *tree, struct slice leaves);

#endif /* !SERVICE_LOG_TREE_H */
