#ifndef STORE_LOG_HEAD_H
#define STORE_LOG_HEAD_H

/*
 * The head of the log, kept in the transaction that appends to the log: a
 * crash leaves both or neither.  Leaves are gathered as they are appended, and
 * the tree grows by them, many at a time; no entry is read again, and the row
 * is written once for a job.
 */

#include "store/backend.h"

/**
 * log_head_open(ops, self, grow, why, size):
 * Before anybody else writes by ${ops} into ${self}: see that the head is that
 * of the log as far as can be told without reading all of it, or make it if
 * there is none.
 *
 * Fails: E_CORRUPT (and then ${why}, of ${size} bytes, says what is wrong),
 * E_INVAL (no ${grow}), E_IO, E_FULL, E_NOMEM.
 */
enum err MUST_USE log_head_open(const struct store_write_ops *ops, void *self,
    store_grow_fn *grow, char *why, size_t size);

/**
 * log_head_begin(txn, grow):
 * The group's transaction has begun.
 *
 * Fails: E_CORRUPT (the head is not of this log).
 */
enum err MUST_USE log_head_begin(struct store_txn *txn, store_grow_fn *grow);

/**
 * log_head_job(txn):
 * A job begins.
 */
void log_head_job(struct store_txn *txn);

/**
 * log_head_undo(txn):
 * What the job has done is undone.
 */
void log_head_undo(struct store_txn *txn);

/**
 * log_head_add(txn, leaf):
 * An entry was appended.  Fails: E_CORRUPT.
 */
enum err MUST_USE log_head_add(struct store_txn *txn,
    const uint8_t leaf[LEAF_DATA]);

/**
 * log_head_keep(txn):
 * The job is to be kept: write the head if the log has grown.
 *
 * Fails: E_CORRUPT, E_IO, E_FULL, E_LOST, E_NOMEM.
 */
enum err MUST_USE log_head_keep(struct store_txn *txn);

/**
 * log_head_derive(txn, differs):
 * As store_txn_derive_head().
 */
enum err MUST_USE log_head_derive(struct store_txn *txn, int *differs);

#endif /* !STORE_LOG_HEAD_H */
