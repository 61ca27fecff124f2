#include "service/credential_state.h"

#include "decide/decide.h"
#include "proto/civil.h"
#include "proto/name_fold.h"
#include "service/publish_row.h"

#define STANDING(x) VOUCH__V1__STANDING__STANDING_##x
#define FACTOR(x) VOUCH__V1__FACTOR__FACTOR_##x
#define POLICY(x) VOUCH__V1__IDENTITY_POLICY__IDENTITY_POLICY_##x

/* The earliest end of its periods, with their grace. */
static int32_t
last_day(const Vouch__V1__CredentialRecord *record)
{
    int32_t least = STORE_ENDLESS;
    size_t i;

    if (record->good_past_end_date)
        return (least);
    for (i = 0; i < record->n_periods; i++) {
        struct civil until = publish_row_date(record->periods[i]->valid_until);
        struct civil grace = publish_row_date(record->periods[i]->grace_until);
        int32_t last;

        if (!civil_is_given(until))
            continue;
        last = civil_last_day(until);
        if (civil_is_given(grace) && civil_last_day(grace) > last)
            last = civil_last_day(grace);
        if (last < least)
            least = last;
    }
    return (least);
}

/* A letter of ASCII stays when a name is folded: most need not be. */
static int
is_letter(uint8_t c)
{
    return ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'));
}

static enum err
has_family(const Vouch__V1__HumanName *name, int *has)
{
    struct name_key key;
    struct slice family, suffix;
    enum err err;

    decide_name_split(name, &family, &suffix);
    *has = family.n > 0 && is_letter(family.p[0]);
    if (*has)
        return (E_OK);
    if ((err = name_key_make(family, &key)) != E_OK)
        return (err == E_NOMEM ? err : E_CORRUPT);
    *has = key.main[0] != '\0';
    return (E_OK);
}

static enum err
has_given(const Vouch__V1__HumanName *name, int *has)
{
    struct name_key key;
    enum err err;

    *has = is_letter((uint8_t)name->given[0]);
    if (*has || name->given[0] == '\0')
        return (E_OK);
    if ((err = name_key_make_first(slice_of(name->given), &key)) != E_OK)
        return (err == E_NOMEM ? err : E_CORRUPT);
    *has = key.main[0] != '\0';
    return (E_OK);
}

static enum err
add_names(const Vouch__V1__CredentialRecord *record, unsigned *traits)
{
    unsigned lacks = TRAIT_NO_FAMILY_NAME | TRAIT_NO_GIVEN_NAME;
    enum err err;
    size_t i;
    int family, given;

    if (record->n_names == 0)
        return (E_CORRUPT);
    for (i = 0; i < record->n_names && lacks != 0; i++) {
        if (record->names[i]->name == NULL)
            return (E_CORRUPT);
        if ((err = has_family(record->names[i]->name, &family)) != E_OK ||
            (err = has_given(record->names[i]->name, &given)) != E_OK)
            return (err);
        if (family)
            lacks &= ~(unsigned)TRAIT_NO_FAMILY_NAME;
        if (given)
            lacks &= ~(unsigned)TRAIT_NO_GIVEN_NAME;
    }
    *traits |= lacks;
    return (E_OK);
}

static void
add_factors(const Vouch__V1__CredentialRecord *record, unsigned *traits)
{
    unsigned lacks = TRAIT_NO_BIRTH_YEAR | TRAIT_NO_BIRTH_DATE |
        TRAIT_NO_LAST4;
    size_t i;

    for (i = 0; i < record->n_factors; i++) {
        if (record->factors[i]->factor == FACTOR(BIRTH_YEAR))
            lacks &= ~(unsigned)TRAIT_NO_BIRTH_YEAR;
        if (record->factors[i]->factor == FACTOR(BIRTH_DATE))
            lacks &= ~(unsigned)TRAIT_NO_BIRTH_DATE;
        if (record->factors[i]->factor == FACTOR(LAST4))
            lacks &= ~(unsigned)TRAIT_NO_LAST4;
    }
    if (!civil_is_whole(publish_row_date(record->issued_on)))
        lacks |= TRAIT_NO_ISSUE_DATE;
    *traits |= lacks;
}

enum err
credential_state_make(const Vouch__V1__CredentialRecord *record,
    struct store_credential *state)
{
    state->ends_on = last_day(record);
    state->traits = 0;
    if (record->standing == STANDING(ACTIVE) ||
        record->standing == STANDING(PROVISIONAL))
        state->traits |= TRAIT_GOOD;
    if (record->standing == STANDING(NOT_LISTED))
        state->traits |= TRAIT_NOT_LISTED;
    add_factors(record, &state->traits);
    return (add_names(record, &state->traits));
}

size_t
credential_state_lacks(Vouch__V1__IdentityPolicy policy,
    struct credential_lack lacks[CREDENTIAL_LACKS])
{
    size_t n = 0;

    lacks[n++] = (struct credential_lack){TRAIT_NO_FAMILY_NAME,
        FACTOR(FAMILY_NAME)};
    switch (policy) {
    case POLICY(BIRTH_YEAR):
        lacks[n++] = (struct credential_lack){TRAIT_NO_BIRTH_YEAR,
            FACTOR(BIRTH_YEAR)};
        break;
    case POLICY(BIRTH_DATE):
        lacks[n++] = (struct credential_lack){TRAIT_NO_BIRTH_DATE,
            FACTOR(BIRTH_DATE)};
        break;
    case POLICY(LAST4):
        lacks[n++] = (struct credential_lack){TRAIT_NO_LAST4, FACTOR(LAST4)};
        break;
    case POLICY(GIVEN_NAME_AND_ISSUE_DATE):
        lacks[n++] = (struct credential_lack){TRAIT_NO_GIVEN_NAME,
            FACTOR(GIVEN_NAME)};
        lacks[n++] = (struct credential_lack){TRAIT_NO_ISSUE_DATE,
            FACTOR(ISSUED_ON)};
        break;
    default:
        break;
    }
    return (n);
}
