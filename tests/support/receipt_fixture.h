#ifndef TEST_SUPPORT_RECEIPT_FIXTURE_H
#define TEST_SUPPORT_RECEIPT_FIXTURE_H

/*
 * Receipts made step by step, so that a test can spoil one thing in between:
 * receipt_fixture_make(), change what the hashes are of, _seal(), change the
 * batch, _sign(), change seal or receipt, _pack().  They are made as the
 * format is defined, without receipt.c.  Whatever fails ends the program.
 */

#include "proto/receipt.h"
#include "support/trust_fixture.h"

#define FIXTURE_LEAVES_MAX 300
#define FIXTURE_FAMILY "Garcia"     /* the name in the question */

struct receipt_fixture {
    struct buf answer, question, batch_bytes;
    uint8_t salts[2][RECEIPT_SALT + 1];     /* of question and answer */
    size_t leaves, index;
    unsigned key;                           /* that signs */

    Vouch__V1__Receipt receipt;
    Vouch__V1__Seal seal;
    Vouch__V1__SealBatch batch;
    struct trust_fixture_key signer;
    struct merkle_hash commitments[2];      /* of question and answer */
    struct merkle_hash nodes[MERKLE_NODES_MAX(FIXTURE_LEAVES_MAX)];
    ProtobufCBinaryData path[MERKLE_PATH_MAX + 1];
    uint8_t root[MERKLE_HASH + 1], log_root[MERKLE_HASH + 1];
    uint8_t signature[ED25519_SIGNATURE + 1];
};

/**
 * receipt_fixture_make(f, leaves, index):
 * Make answer, question and salts, to be leaf ${index} of ${leaves}, under the
 * key FIXTURE_ACTIVE at FIXTURE_NOW_US.  Free with receipt_fixture_free().
 */
void receipt_fixture_make(struct receipt_fixture *f, size_t leaves,
    size_t index);

/**
 * receipt_fixture_seal(f):
 * Make commitments, tree, path and batch.
 */
void receipt_fixture_seal(struct receipt_fixture *f);

/**
 * receipt_fixture_sign(f):
 * Write the batch, sign it, and put everything into f->receipt.
 */
void receipt_fixture_sign(struct receipt_fixture *f);

/**
 * receipt_fixture_pack(f, out):
 * Append to ${out} what f->receipt is.
 */
void receipt_fixture_pack(const struct receipt_fixture *f, struct buf *out);

/**
 * receipt_fixture_write(leaves, index, out):
 * All steps at once.
 */
void receipt_fixture_write(size_t leaves, size_t index, struct buf *out);

void receipt_fixture_free(struct receipt_fixture *f);

#endif /* !TEST_SUPPORT_RECEIPT_FIXTURE_H */
