#ifndef DECIDE_DECIDE_H
#define DECIDE_DECIDE_H

/*
 * From a claim and what is on file to the verdict: pure functions of their
 * arguments.  No I/O, no clock, and nothing is allocated (folding a name may,
 * inside proto/).  DESIGN's words: verdict, standing, restriction, review,
 * recognition, freshness, conclusion.
 *
 * In the order of use: decide_claim_prepare() checks a claim and brings it
 * into comparable form; its number_key is what to look up; decide() compares
 * it with what the lookup found.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/civil.h"
#include "proto/err.h"
#include "proto/grpc_status.h"
#include "proto/leaf.h"
#include "proto/name_fold.h"
#include "proto/number.h"

#include "vouch/v1/catalog.pb-c.h"
#include "vouch/v1/log_entry.pb-c.h"
#include "vouch/v1/types.pb-c.h"
#include "vouch/v1/verification.pb-c.h"

/* ---- the claim -------------------------------------------------------- */

#define DECIDE_ID_MAX 63                /* bytes of an id */
#define DECIDE_STATED_MAX 200           /* bytes of what the asker states */
#define DECIDE_NONCE_MAX 64
#define DECIDE_RECOGNIZERS_MAX 16

/* A claim in the form in which it is compared. */
struct decide_claim {
    const Vouch__V1__Claim *claim;              /* borrowed */
    const Vouch__V1__Association *association;  /* borrowed; NULL: unknown */
    unsigned required;          /* by its identity policy: a bit per factor */
    char number_key[NUMBER_MAX + 1];
    struct name_key family;
    struct name_key given;      /* of the first given name; "" if not brought */
    struct slice suffix;        /* borrowed from the claim; empty: none */
    struct civil birth;
    struct civil issued_on;
    int32_t day;                /* the day in question, as a day number */
    int projection;             /* it is after today */
};

/* What decide_claim_prepare() is told beside the claim. */
struct decide_terms {
    const Vouch__V1__Association *association;  /* NULL: not covered here */
    int type_known;     /* the claim names no type, or one of the association */
    int recognizers_known;  /* each recognizer it names is in the catalog */
    int64_t now_us;     /* microseconds UTC; today is taken from it */
};

/**
 * decide_claim_prepare(claim, terms, prepared, status):
 * Check ${claim}, and make ${*prepared} of it.  It borrows ${claim} and the
 * association.  Without an association the rules that only one can give
 * (number, identity policy, credential type) are not applied, number_key is
 * empty and the days are those of UTC.
 *
 * Fails: E_INVAL   the claim is at fault: ${*status} is INVALID_ARGUMENT and
 *                  has a violation for each fault, as `claim.birth_date`,
 *                  and never holds what was claimed;
 *        E_NOMEM   ${*status} says so.
 * On success ${*status} is OK.
 */
enum err MUST_USE decide_claim_prepare(const Vouch__V1__Claim *claim,
    const struct decide_terms *terms, struct decide_claim *prepared,
    struct grpc_status *status);

/**
 * decide_name_split(name, family, suffix):
 * Point ${*family} and ${*suffix} at the parts of ${name}.  Where no suffix is
 * given but the family name ends in one ("BRATTON, JR"), it is taken from
 * there; I and V alone only behind a comma, because they may be initials.
 */
void decide_name_split(const Vouch__V1__HumanName *name,
    struct slice *family, struct slice *suffix);

/* ---- the conclusion --------------------------------------------------- */

/* What the published table tells of a standing. */
enum decide_standing {
    DECIDE_STANDING_STATED,     /* the issuer's word is understood */
    DECIDE_STANDING_UNKNOWN,
    DECIDE_STANDING_NOT_LISTED,
    DECIDE_STANDING_COUNT
};

/* One cell of the published table (docs/conclusion.md). */
struct decide_cell {
    Vouch__V1__Verdict verdict;
    Vouch__V1__RecognitionState recognition;
    Vouch__V1__FreshnessState freshness;
    Vouch__V1__Restriction restriction;
    Vouch__V1__Review review;
    enum decide_standing standing;
    int projection;
};

/**
 * decide_conclusion(cell, reason):
 * Look ${cell} up in the published table.  The reason that decided goes to
 * ${*reason}; UNSPECIFIED: the verdict itself.  What no row covers is REVIEW.
 */
Vouch__V1__Conclusion decide_conclusion(const struct decide_cell *cell,
    Vouch__V1__Reason *reason);

/**
 * decide_freshness(known, source_time_us, now_us, max_age_seconds):
 * Tell how old a last word is; ${known} is 0 if there is none.  A word as old
 * as was promised is still FRESH.
 */
Vouch__V1__FreshnessState decide_freshness(int known, int64_t source_time_us,
    int64_t now_us, int64_t max_age_seconds);

/* ---- the decision ----------------------------------------------------- */

/*
 * One event on file.  Of all but the last of a credential ${event} may be NULL
 * at first, if the input has a ${history}.
 */
struct decide_version {
    const uint8_t *credential_id;       /* LEAF_CREDENTIAL_ID bytes */
    int64_t log_index;
    const Vouch__V1__Event *event;
};

/* Everything is borrowed. */
struct decide_input {
    const struct decide_claim *claim;
    const struct decide_version *versions;  /* by credential, then log index */
    size_t nversions;

    /*
     * Fill in the events of versions[from] to versions[to - 1], of a
     * credential that is the claim's person; what it returns is returned.  So
     * that a miss is the same work however much there is of somebody else.
     * NULL: all are there.
     */
    enum err (*history)(void *cookie, size_t from, size_t to);

    /*
     * Tell in ${*state} whether a credential of ${type} counts, as
     * decide_recognized() does; what it returns is returned.  Called at most
     * once, and only if the credential may be shown.
     */
    enum err (*recognize)(void *cookie, const char *type,
        Vouch__V1__RecognitionState *state);
    void *cookie;               /* of both */

    struct factor_key *key;     /* of the association; NULL if that is NULL */
    Vouch__V1__FreshnessState freshness;
    Vouch__V1__Extension *const *extensions;    /* of the association */
    size_t nextensions;
};

#define DECIDE_FACTORS 10
#define DECIDE_REASONS 12
#define DECIDE_CAUSES 11

/* How one claimed fact compared. */
struct decide_factor {
    Vouch__V1__Factor factor;
    Vouch__V1__Comparison comparison;
};

struct decision {
    Vouch__V1__Verdict verdict;
    Vouch__V1__Conclusion conclusion;
    Vouch__V1__Reason reasons[DECIDE_REASONS];      /* the weightiest first */
    size_t nreasons;
    Vouch__V1__InnocentCause causes[DECIDE_CAUSES]; /* REVIEW only */
    size_t ncauses;
    struct decide_factor factors[DECIDE_FACTORS];
    size_t nfactors;
    int former_name_matched;

    /* CONFIRMED and NOT_CURRENT only; otherwise NULL and UNSPECIFIED. */
    const Vouch__V1__CredentialRecord *latest;  /* the credential as known */
    const Vouch__V1__CredentialRecord *record;  /* on the day; NULL: nothing */
    Vouch__V1__Standing standing;               /* EXPIRED may be computed */
    Vouch__V1__Restriction restriction;
    Vouch__V1__Review review;
    Vouch__V1__RecognitionState recognition;

    /* Why an end that has passed does not count; CONFIRMED only, or NULL. */
    const Vouch__V1__Extension *extension;
};

/**
 * decide(input, decision):
 * Compare the claim with what is on file, and store the outcome in
 * ${*decision}, which borrows from the events of ${input}.  Without any
 * version the claim is compared with a stand-in, so that finding nothing and
 * finding somebody else are the same work, and the same decision.
 *
 * Fails: E_CORRUPT (an event without record or names, a name that cannot be
 * folded, a date that does not exist, a factor under another key), E_CRYPTO,
 * E_NOMEM, and what history() or recognize() of ${input} returned.
 */
enum err MUST_USE decide(const struct decide_input *input,
    struct decision *decision);

/**
 * decide_stand_in(void):
 * Return what a claim is compared with when nothing was found; a constant.
 * For callers who want their own work to be the same as well.
 */
const struct decide_version *decide_stand_in(void);

/**
 * decide_recognized(list, n, claim, type, chosen, nchosen):
 * Tell what the ${n} statements of ${list}, all of the claim's association,
 * say of credential type ${type} on the day of ${claim}, as its asker
 * requires: RECOGNIZED if one says so; else UNKNOWN if one may hold, but is
 * unverified, or by its dates that is not known of the day; else
 * NOT_RECOGNIZED.  The statements behind a RECOGNIZED or an UNKNOWN go to
 * ${chosen}, which has room for ${n}, and their number to ${*nchosen}.
 */
Vouch__V1__RecognitionState decide_recognized(
    Vouch__V1__Recognition *const *list, size_t n,
    const struct decide_claim *claim, const char *type,
    Vouch__V1__Recognition **chosen, size_t *nchosen);

#endif /* !DECIDE_DECIDE_H */
