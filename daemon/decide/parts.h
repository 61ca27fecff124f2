#ifndef DECIDE_PARTS_H
#define DECIDE_PARTS_H

/*
 * What the files of this folder share; nobody else includes it.
 */

#include "decide/decide.h"

/* The generated names are long. */
#define CAUSE(x) VOUCH__V1__INNOCENT_CAUSE__INNOCENT_CAUSE_##x
#define COMPARISON(x) VOUCH__V1__COMPARISON__COMPARISON_##x
#define CONCLUSION(x) VOUCH__V1__CONCLUSION__CONCLUSION_##x
#define CONFIDENCE(x) VOUCH__V1__CONFIDENCE__CONFIDENCE_##x
#define FACTOR(x) VOUCH__V1__FACTOR__FACTOR_##x
#define FRESHNESS(x) VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_##x
#define POLICY(x) VOUCH__V1__IDENTITY_POLICY__IDENTITY_POLICY_##x
#define REASON(x) VOUCH__V1__REASON__REASON_##x
#define RECOGNITION(x) VOUCH__V1__RECOGNITION_STATE__RECOGNITION_STATE_##x
#define RESTRICTION(x) VOUCH__V1__RESTRICTION__RESTRICTION_##x
#define REVIEW_OF(x) VOUCH__V1__REVIEW__REVIEW_##x
#define STANDING(x) VOUCH__V1__STANDING__STANDING_##x
#define VERDICT(x) VOUCH__V1__VERDICT__VERDICT_##x

/**
 * decide_text(text):
 * Return the bytes of ${text}, none if it is NULL.
 */
static inline struct slice
decide_text(const char *text)
{
    struct slice none = {NULL, 0};

    /* Most of a claim's texts are empty. */
    return (text != NULL && text[0] != '\0' ? slice_of(text) : none);
}

/**
 * decide_date(date):
 * Return ${date} as a struct civil, not given if it is NULL.
 */
struct civil decide_date(const Vouch__V1__Date *date);

/* How every fact of a claim compared with one credential. */
struct decide_match {
    int person;                 /* number, family name and every factor */
    int former;                 /* by a former family name */
    Vouch__V1__Comparison given, suffix, birth_year, birth_date, last4,
        issued_on, type;        /* UNSPECIFIED: not claimed */
    int foreign_key;            /* a factor on file is under another key */
};

/**
 * decide_match(claim, key, latest, match):
 * Compare ${claim} with the credential whose latest event is ${latest}.  The
 * work does not depend on what matches.
 *
 * Fails: E_CORRUPT (no record, no name, or not foldable), E_CRYPTO, E_NOMEM.
 */
enum err MUST_USE decide_match(const struct decide_claim *claim,
    struct factor_key *key, const struct decide_version *latest,
    struct decide_match *match);

/**
 * decide_requires(claim, factor):
 * Return non-zero if the association's identity policy asks for ${factor}.
 */
static inline int
decide_requires(const struct decide_claim *claim, Vouch__V1__Factor factor)
{
    return ((claim->required >> factor & 1) != 0);
}

/* A credential on the day in question. */
struct decide_status {
    const Vouch__V1__CredentialRecord *record;  /* NULL: nothing for the day */
    Vouch__V1__Standing standing;
    Vouch__V1__Restriction restriction;
    Vouch__V1__Review review;
    enum decide_standing known;
    int in_force;               /* the verdict may be CONFIRMED */
    Vouch__V1__Reason reasons[4];   /* why it is not */
    size_t nreasons;
    const Vouch__V1__Extension *extension;  /* by which it is; NULL: none */
};

/**
 * decide_status(in, versions, n, status):
 * Tell what the ${n} versions of one credential, by log index, say of the day
 * of the claim, whose association is known.
 */
void decide_status(const struct decide_input *in,
    const struct decide_version *versions, size_t n,
    struct decide_status *status);

/**
 * decide_explain(decision, cell, found, n):
 * Set the conclusion, reasons and innocent causes of ${decision}.  ${found}
 * are the ${n} reasons that its verdict has of its own.
 */
void decide_explain(struct decision *decision, const struct decide_cell *cell,
    const Vouch__V1__Reason *found, size_t n);

#endif /* !DECIDE_PARTS_H */
