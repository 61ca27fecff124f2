#ifndef SERVICE_CREDENTIAL_STATE_H
#define SERVICE_CREDENTIAL_STATE_H

/*
 * What is kept of each credential as it stands, so that it can be walked and
 * counted: derived from its last event and from nothing else.  Traits are
 * facts of the record, never of the association's policy, which may change.
 */

#include "proto/err.h"
#include "store/store.h"

#include "vouch/v1/catalog.pb-c.h"
#include "vouch/v1/log_entry.pb-c.h"

/*
 * The form of everything that is derived.  To be raised whenever a trait, or
 * anything else in it, changes its meaning: stores derive it anew then.
 */
#define CREDENTIAL_STATE_VERSION 1

enum credential_trait {
    TRAIT_GOOD = 1,             /* ACTIVE or PROVISIONAL */
    TRAIT_NOT_LISTED = 2,
    TRAIT_NO_FAMILY_NAME = 4,   /* none that can be compared */
    TRAIT_NO_GIVEN_NAME = 8,
    TRAIT_NO_BIRTH_YEAR = 16,
    TRAIT_NO_BIRTH_DATE = 32,
    TRAIT_NO_LAST4 = 64,
    TRAIT_NO_ISSUE_DATE = 128,  /* none that is whole */
    TRAIT_ALL = 255
};

/**
 * credential_state_make(record, state):
 * Set ends_on and traits of ${state} as ${record} has them.
 *
 * Fails: E_CORRUPT (a record without a name), E_NOMEM.
 */
enum err MUST_USE credential_state_make(
    const Vouch__V1__CredentialRecord *record,
    struct store_credential *state);

/* What a claim may need, and the trait of a record that lacks it. */
struct credential_lack {
    enum credential_trait trait;
    Vouch__V1__Factor factor;
};

#define CREDENTIAL_LACKS 3

/**
 * credential_state_lacks(policy, lacks):
 * Write to ${lacks} what makes that no claim can ever confirm a record under
 * ${policy}; return how many there are.
 */
size_t credential_state_lacks(Vouch__V1__IdentityPolicy policy,
    struct credential_lack lacks[CREDENTIAL_LACKS]);

#endif /* !SERVICE_CREDENTIAL_STATE_H */
