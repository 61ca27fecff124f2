#ifndef SERVICE_PUBLISHING_H
#define SERVICE_PUBLISHING_H

/*
 * What the files share that carry out one upload, on the writer thread; nobody
 * else includes it.  In the order of use: publication.c begins and ends,
 * publication_find.c says which credential a row is of, publication_row.c
 * takes the row, publication_write.c writes events and what derives from them,
 * publication_snapshot.c ends what a snapshot does not list.
 */

#include "proto/arena.h"
#include "proto/civil.h"
#include "service/bit_set.h"
#include "service/credential.h"
#include "service/credential_state.h"
#include "service/publication.h"
#include "service/publication_diff.h"
#include "base/random_pool.h"

/* The work on one upload; large, so it lives on the heap. */
struct publishing {
    struct store_txn *txn;
    struct publication_order *order;
    const Vouch__V1__Association *association;
    struct number_rules rules;
    struct factor_key *key;             /* owned */
    struct civil today;
    struct random_pool random;
    struct bit_set touched;             /* credentials that are listed: stated
                                           by a row, or present by a reject */
    struct arena *row_arena;            /* owned; one row */
    struct arena *found_arena;          /* owned; what is on file for it */
    struct buf before;                  /* the record as it was, packed */
    struct buf after;                   /* and as it is */
    struct buf bytes;                   /* what goes into the log */
    int64_t base;                       /* size of the log before */
    int64_t tallies[TRAIT_ALL + 1];     /* more or fewer, by traits */
    uint8_t *types;                     /* owned; by place: it has events */
    struct publication_diff *diff;      /* borrowed; NULL: none is made */
    int older;                          /* a later word on its types exists */
    size_t ncontested;                  /* of order->contested, as it began */
    int contested;                      /* rows were found to contradict each
                                           other: all is to be done again */

    /* The present row. */
    const Vouch__V1__CredentialRow *row;
    char number_key[NUMBER_MAX + 1];
    struct credential_names names;
    struct credential_draft draft;
    size_t nversions;                   /* on file under its number */
    enum credential_holder holder;      /* how sure ${last} is */
    const Vouch__V1__Event *last;       /* of its credential; NULL: new */
    int64_t last_index;
    int64_t first_index;                /* of its first event */
    int unclear;                        /* another one is as sure */
    int known;                          /* its holder is, by any type */
    int collides;                       /* a number of somebody else */
};

/**
 * publication_find(p):
 * Find what is on file under the number of the present row: which credential
 * it is of, if any.
 *
 * Fails: E_CORRUPT, E_TOOBIG, E_CRYPTO, E_IO, E_NOMEM.
 */
enum err MUST_USE publication_find(struct publishing *p);

/**
 * publication_decode(p, event, decoded):
 * Decode ${event} into p->found_arena.
 *
 * Fails: E_CORRUPT (not a whole one), E_TOOBIG, E_NOMEM.
 */
enum err MUST_USE publication_decode(struct publishing *p, struct slice event,
    Vouch__V1__Event **decoded);

/**
 * publication_take_row(p, bytes):
 * Take the row in ${bytes}, or reject it: publication.h's rules.
 *
 * Fails: E_TOOBIG (order->too_many), and as publication_find().
 */
enum err MUST_USE publication_take_row(struct publishing *p,
    struct slice bytes);

/**
 * publication_by_hash(a, b):
 * Compare two elements of order->contested, for qsort().
 */
int publication_by_hash(const void *a, const void *b);

/**
 * publication_append(p, domain):
 * Append p->bytes to the log.
 *
 * Fails: E_CRYPTO, E_IO, E_NOMEM.
 */
enum err MUST_USE publication_append(struct publishing *p,
    enum leaf_domain domain);

/* An event to be written. */
struct publication_event {
    const uint8_t *credential_id;
    Vouch__V1__EventKind kind;
    struct civil effective_on;
    int assumed;                        /* the association did not say it */
    int32_t status_table_version;
    Vouch__V1__CredentialRecord *record;
    const Vouch__V1__Event *last;       /* of the credential; NULL: none */
    int64_t last_index;
    int64_t first_index;                /* unless ${last} is NULL */
};

/**
 * publication_write_event(p, event):
 * Write ${event} to the log, the index and all that derives from it.
 *
 * Fails: E_CORRUPT, E_TOOBIG, E_CRYPTO, E_IO, E_NOMEM.
 */
enum err MUST_USE publication_write_event(struct publishing *p,
    const struct publication_event *event);

/**
 * publication_write_listings(p):
 * Write the counts, and the last word on each type that has an event or that
 * the snapshot listed.
 *
 * Fails: E_IO, E_NOMEM, E_CORRUPT.
 */
enum err MUST_USE publication_write_listings(struct publishing *p);

/**
 * publication_listing_move(listing, source_time_us, snapshot_hash):
 * Have ${listing} say that there was a word of ${source_time_us}, and unless
 * ${snapshot_hash} is NULL a snapshot.
 */
void publication_listing_move(struct store_listing *listing,
    int64_t source_time_us, const uint8_t *snapshot_hash);

/**
 * publication_is_active(p, type, credential):
 * Return non-zero if ${credential}, of ${type}, is ACTIVE or PROVISIONAL, and
 * not past its end today.
 */
int publication_is_active(const struct publishing *p, const char *type,
    const struct store_credential *credential);

/**
 * publication_snapshot_check(p):
 * Before any row: see whether the snapshot is older than what is known of its
 * types.
 *
 * Fails: E_INVAL (order->refusal), E_IO, E_NOMEM, E_CORRUPT.
 */
enum err MUST_USE publication_snapshot_check(struct publishing *p);

/**
 * publication_mark_present(p, type, number_key):
 * Note that whatever is on file of ${type} under ${number_key} is listed.
 *
 * Fails: E_IO, E_NOMEM, E_CORRUPT.
 */
enum err MUST_USE publication_mark_present(struct publishing *p,
    const char *type, const char *number_key);

/**
 * publication_snapshot_end(p):
 * After all rows: end what is on file and not listed.
 *
 * Fails: E_INVAL (order->refusal), E_DENIED (given up), and as
 * publication_write_event().
 */
enum err MUST_USE publication_snapshot_end(struct publishing *p);

#endif /* !SERVICE_PUBLISHING_H */
