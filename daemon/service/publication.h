#ifndef SERVICE_PUBLICATION_H
#define SERVICE_PUBLICATION_H

/*
 * One upload, carried out: the events of its rows, its manifest, its outcome
 * and the association's last word, all in one transaction of the writer.
 *
 * Rules that only the register can decide:
 *
 *   A row that changes nothing makes no event.  Of two rows of one credential
 *   in one upload the second is rejected (DUPLICATE_ROW), unless it says the
 *   same as the first.
 *
 *   A number that has the same key as one on file, is written otherwise and
 *   belongs to another holder is rejected (NUMBER_COLLISION).
 *
 *   A row that fits two credentials of its type equally well is rejected
 *   (HOLDER_UNCLEAR), and so is one that would change what a later word than
 *   the upload's stated extraction has said (LATER_WORD_ON_FILE).
 *
 *   The last word becomes the upload's source time, unless it is later
 *   already, or no row was taken: a file without rows is more often a fault
 *   than a statement, and DeclareCurrent is there to say that nothing changed.
 */

#include <stdatomic.h>

#include "proto/err.h"
#include "service/internal.h"
#include "service/publish_row.h"
#include "service/staging.h"
#include "store/store.h"

#include "vouch/v1/publishing_service.pb-c.h"

/* What is to be done, and what became of it. */
struct publication_order {
    /* To be set. */
    const struct service *service;          /* borrowed */
    size_t place;                           /* of the association */
    const struct staging *rows;             /* borrowed */
    uint8_t request_id[STORE_ID];
    uint8_t content_hash[STAGING_HASH];
    Vouch__V1__PublicationMode mode;
    int64_t source_time_us;
    int source_stated;                      /* by the publisher */
    int64_t rejected;                       /* rows that were not kept */
    int64_t max_rejects;

    /* Set on any thread, any time: the publisher is gone. */
    atomic_int given_up;

    /* Set by publication_run(). */
    struct store_publication outcome;
    int repeated;                           /* it was carried out before */
    int too_many;                           /* more than max_rejects */
    struct row_reject *late;                /* owned, by the order */
    size_t nlate;
};

/**
 * publication_run(txn, order):
 * Carry out ${order}, on the writer thread.  The caller frees order->late.
 *
 * Fails: E_EXISTS (its request id was used for other content), E_TOOBIG
 * (order->too_many), E_DENIED (order->given_up, seen in time), E_IO,
 * E_CORRUPT, E_CRYPTO, E_NOMEM.
 */
enum err MUST_USE publication_run(struct store_txn *txn,
    struct publication_order *order);

/* The texts of a message made from an outcome. */
struct publication_texts {
    char id[2 * STORE_ID + 1];
    char request_id[37];
};

/**
 * publication_fill(outcome, texts, message):
 * Say ${outcome} in ${message}, which borrows both.
 */
void publication_fill(const struct store_publication *outcome,
    struct publication_texts *texts, Vouch__V1__Publication *message);

/**
 * publication_moves(outcome):
 * Return non-zero if an upload with ${outcome} moves the last word.
 */
int publication_moves(const struct store_publication *outcome);

#endif /* !SERVICE_PUBLICATION_H */
