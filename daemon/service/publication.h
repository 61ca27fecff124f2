#ifndef SERVICE_PUBLICATION_H
#define SERVICE_PUBLICATION_H

/*
 * One upload, carried out: the events of its rows, its manifest, its outcome
 * and the association's last word, all in one transaction of the writer.
 *
 * Rules that only the register can decide:
 *
 *   A row that changes nothing makes no event.  If two rows of one upload
 *   contradict each other about a credential, no row of its type and number is
 *   taken (DUPLICATE_ROW): the right one may be either.
 *
 *   A number that has the same key as one on file, is written otherwise and
 *   belongs to another holder is rejected (NUMBER_COLLISION).
 *
 *   A row that fits two credentials of its type equally well is rejected
 *   (HOLDER_UNCLEAR), and so is one that would change what a later word than
 *   the upload's stated extraction has said (LATER_WORD_ON_FILE).
 *
 *   A snapshot that is older than the last word on one of its types, or states
 *   otherwise what a snapshot of the same time stated, is refused; so is one
 *   that would end more active credentials than the settings allow, as a share
 *   or as a number, or all those of one type.  Neither is if the publisher
 *   expects just as many endings as there are.  What a later word than the
 *   snapshot is on file of is then not ended.
 *
 *   What is on file of a snapshot's types and not listed gets an event
 *   NOT_LISTED, unless the type or number of a rejected row cannot be read:
 *   then nothing is ended.  A rejected row lists whatever is on file under its
 *   type and number.
 *
 *   The last word becomes the upload's source time, unless it is later
 *   already, or no row was taken: a file without rows is more often a fault
 *   than a statement, and DeclareCurrent is there to say that nothing changed.
 */

#include <stdatomic.h>

#include "proto/err.h"
#include "service/credential_state.h"
#include "service/internal.h"
#include "service/publish_row.h"
#include "service/staging.h"
#include "store/store.h"

#include "vouch/v1/publishing_service.pb-c.h"

/* Opaque types. */
struct publication_diff;

/* Why an upload is refused as a whole; the reasons on the wire. */
#define PUBLICATION_REFUSALS(X)                                             \
    X(NONE) X(SNAPSHOT_OLDER) X(TOO_MANY_ENDINGS) X(ENDING_COUNT_DIFFERS)

enum publication_refusal {
#define X(name) REFUSAL_##name,
    PUBLICATION_REFUSALS(X)
#undef X
    REFUSAL_COUNT
};

/**
 * publication_refusal_name(refusal):
 * Return the reason on the wire; a constant.
 */
const char *publication_refusal_name(enum publication_refusal refusal);

/* What a snapshot ends or would end. */
struct publication_endings {
    int64_t count;              /* credentials */
    int64_t active;             /* of them in good standing, in their period */
    int64_t of_active;          /* such of its types that were on file */
    int64_t emptied;            /* types that lose all such */
};

/* How many records on file no claim can ever confirm. */
struct publication_readiness {
    int64_t records;            /* listed */
    int64_t unconfirmable;
    struct credential_lack lacks[CREDENTIAL_LACKS];
    int64_t lacking[CREDENTIAL_LACKS];
    size_t nlacks;
};

/* What is to be done, and what became of it. */
struct publication_order {
    /* To be set. */
    const struct service *service;          /* borrowed */
    size_t place;                           /* of the association */
    struct staging *rows;                   /* borrowed */
    uint8_t request_id[STORE_ID];
    uint8_t content_hash[STAGING_HASH];
    Vouch__V1__PublicationMode mode;
    int64_t source_time_us;
    int source_stated;                      /* by the publisher */
    const size_t *types;                    /* borrowed; of the snapshot, by */
    size_t ntypes;                          /* place in the catalog */
    int ending_count_expected;
    int64_t ending_count;
    int unreadable_key;                     /* of a row that was not kept */
    int dry_run;                            /* undo everything */
    struct publication_diff *diff;          /* borrowed; NULL: none wanted */
    int64_t rejected;                       /* rows that were not kept */
    int64_t rejected_by[ROW_FAULT_COUNT];   /* and why; late ones are added */
    int64_t max_rejects;

    /* Set on any thread, any time: the publisher is gone. */
    atomic_int given_up;

    /* Set by publication_run(). */
    struct store_publication outcome;
    int repeated;                           /* it was carried out before */
    int too_many;                           /* more than max_rejects */
    enum publication_refusal refusal;
    struct publication_endings endings;
    struct publication_readiness readiness;
    int dry_run_over;                       /* nothing else ended it */
    struct row_reject *late;                /* owned, by the order */
    size_t nlate;
    uint64_t *contested;                    /* owned, by the order: numbers of
                                               which rows contradict each */
    size_t ncontested;                      /* other, as hashes */
};

/**
 * publication_run(txn, order):
 * Carry out ${order}, on the writer thread.  The caller frees order->late and
 * order->contested.
 *
 * Fails: E_EXISTS (its request id was used for other content), E_TOOBIG
 * (order->too_many), E_INVAL (order->refusal), E_DENIED (order->given_up, seen
 * in time, or order->dry_run_over), E_IO, E_CORRUPT, E_CRYPTO, E_NOMEM.
 */
enum err MUST_USE publication_run(struct store_txn *txn,
    struct publication_order *order);

#define PUBLICATION_TYPES_MAX 64

/* The texts of a message made from an outcome. */
struct publication_texts {
    char id[2 * STORE_ID + 1];
    char request_id[37];
    char types[STORE_TYPES_TEXT];
    char *type_list[PUBLICATION_TYPES_MAX];
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
