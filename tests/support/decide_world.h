#ifndef TEST_SUPPORT_DECIDE_WORLD_H
#define TEST_SUPPORT_DECIDE_WORLD_H

/*
 * A claim and what is on file for it, ready to be changed and decided: the
 * plain case is a confirmed one.
 */

#include "decide/decide.h"

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

#define WORLD_EVENTS 8
#define WORLD_NAMES 3
#define WORLD_PERIODS 4

/* One event with room for what it points at. */
struct world_event {
    uint8_t credential_id[LEAF_CREDENTIAL_ID];
    Vouch__V1__Event event;
    Vouch__V1__CredentialRecord record;
    Vouch__V1__Date effective_on, issued_on;
    Vouch__V1__HumanName humans[WORLD_NAMES];
    Vouch__V1__HolderName names[WORLD_NAMES];
    Vouch__V1__HolderName *name_list[WORLD_NAMES];
    uint8_t macs[3][FACTOR_MAC];
    uint8_t key_id[FACTOR_KEY_ID];
    Vouch__V1__FactorMac factors[3];
    Vouch__V1__FactorMac *factor_list[3];
    Vouch__V1__Date dates[WORLD_PERIODS][3];
    Vouch__V1__ValidityPeriod periods[WORLD_PERIODS];
    Vouch__V1__ValidityPeriod *period_list[WORLD_PERIODS];
};

struct world {
    Vouch__V1__Association association;
    Vouch__V1__HumanName name;
    Vouch__V1__Date birth, issued, as_of;
    Vouch__V1__Claim claim;
    struct factor_key *key;             /* owned */
    struct world_event events[WORLD_EVENTS];
    struct decide_version versions[WORLD_EVENTS];
    size_t nversions;
    Vouch__V1__Date valid_from, valid_until, observed_on;
    Vouch__V1__Recognition recognition;
    Vouch__V1__Recognition *recognitions[1];
    size_t nrecognitions;
    Vouch__V1__Date ended_from, ended_until, counts_until;
    Vouch__V1__Extension extension;
    Vouch__V1__Extension *extensions[1];
    size_t nextensions;                 /* 0: there is none */
    Vouch__V1__FreshnessState freshness;
    struct decide_claim prepared;
    struct decision decision;
};

/* The clock of every world: noon UTC of this day. */
#define WORLD_TODAY "2026-11-22"

/**
 * world_init(world):
 * Set up: association with policy BIRTH_YEAR at UTC; claim of `pbt`, number
 * 1234, Smith, born 1990; nothing on file; recognized by ncca since 2000;
 * fresh.  Ends with world_done().
 */
void world_init(struct world *world);
void world_done(struct world *world);

/**
 * world_add(world, credential, effective_on):
 * Put the next event on file, for the credential whose id is all ${credential}
 * (they must come in order): `pbt`, Smith, John, born 1990-05-06, last four
 * 4321, ACTIVE, no periods, no day of issue.
 */
struct world_event *world_add(struct world *world, int credential,
    const char *effective_on);

/* Dates and names as text; "" or NULL: not given. */
void world_date(Vouch__V1__Date *date, const char *text);
void world_issued(struct world_event *event, const char *text);
void world_name(struct world_event *event, size_t i, char *family,
    char *given, int former);
/* The row was taken at noon UTC of that day; as added, it is WORLD_TODAY. */
void world_source(struct world_event *event, const char *text);
void world_period(struct world_event *event, const char *from,
    const char *until, const char *grace);

/**
 * world_extend(world, type, from, until, counts):
 * Have an official order extend what of ${type} ("": of any) ended from
 * ${from} until ${until}, so that it counts until ${counts}.
 */
void world_extend(struct world *world, char *type, const char *from,
    const char *until, const char *counts);

/**
 * world_fact(world, event, factor, value):
 * Set one private fact of ${event}; NULL: not on file.
 */
void world_fact(struct world *world, struct world_event *event,
    Vouch__V1__Factor factor, const char *value);

/**
 * world_input(world):
 * Return the input that world_decide() decides on; it borrows ${world}.
 */
struct decide_input world_input(struct world *world);

/**
 * world_decide(world, as_of):
 * Prepare the claim for ${as_of} (NULL: today) and decide.  The claim must be
 * without fault.
 */
enum err world_decide(struct world *world, const char *as_of);

/**
 * world_expect(world, as_of, verdict, conclusion, reason):
 * Decide as world_decide(), and hold the outcome to these: ${reason} is the
 * first, and nothing of the record is told but where it may be.
 */
void world_expect(struct world *world, const char *as_of,
    Vouch__V1__Verdict verdict, Vouch__V1__Conclusion conclusion,
    Vouch__V1__Reason reason);

#define YES(w, day)                                                         \
    world_expect(w, day, VERDICT(CONFIRMED), CONCLUSION(YES),               \
        REASON(IN_GOOD_STANDING))
#define MISS(w)                                                             \
    world_expect(w, NULL, VERDICT(NO_MATCH), CONCLUSION(REVIEW),            \
        REASON(NO_MATCH))

/* Return non-zero if ${reason} is among those of the decision. */
int world_has_reason(const struct world *world, Vouch__V1__Reason reason);

/* What the decision says of ${factor}; UNSPECIFIED: it is not listed. */
Vouch__V1__Comparison world_factor(const struct world *world,
    Vouch__V1__Factor factor);

#endif /* !TEST_SUPPORT_DECIDE_WORLD_H */
