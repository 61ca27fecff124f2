#include "service/credential.h"

#include <string.h>

#include "decide/decide.h"
#include "service/publish_row.h"

static const Vouch__V1__Factor factors[] = {
    [FACTOR_KIND_BIRTH_YEAR] = VOUCH__V1__FACTOR__FACTOR_BIRTH_YEAR,
    [FACTOR_KIND_BIRTH_DATE] = VOUCH__V1__FACTOR__FACTOR_BIRTH_DATE,
    [FACTOR_KIND_LAST4] = VOUCH__V1__FACTOR__FACTOR_LAST4
};

/* ---- the holder ------------------------------------------------------- */

static enum err
fold_family(const Vouch__V1__HumanName *name, struct name_key *key,
    struct slice *suffix)
{
    struct slice family;

    decide_name_split(name, &family, suffix);
    return (name_key_make(family, key));
}

static enum err
fold_names(struct credential_names *names)
{
    Vouch__V1__HumanName former = VOUCH__V1__HUMAN_NAME__INIT;
    enum err err;
    size_t i;

    if (names->folded)
        return (E_OK);
    err = fold_family(names->row->name, &names->present, &names->suffix);
    if (err == E_OK)
        err = name_key_make_first(slice_of(names->row->name->given),
            &names->given);
    /* In the same way as once they are on file, or they are not found there. */
    for (i = 0; i < names->row->n_former_family && err == E_OK; i++) {
        former.family = names->row->former_family[i];
        err = fold_family(&former, &names->former[i],
            &names->former_suffix[i]);
    }
    names->folded = err == E_OK;
    return (err);
}

/* Only where both are given, and a word that is no generation by its bytes. */
static int
suffixes_differ(struct slice a, struct slice b)
{
    int left = name_suffix(a);
    int right = name_suffix(b);

    if (left == 0 || right == 0)
        return (0);
    if (left < 0 && right < 0)
        return (!slice_equal(a, b));
    return (left != right);
}

/* Whether a name on file is one of those of the row, present or former. */
static int
is_name_of(const struct credential_names *names, const struct name_key *key,
    struct slice suffix)
{
    size_t i;

    if (name_key_equal(key, &names->present))
        return (!suffixes_differ(suffix, names->suffix));
    for (i = 0; i < names->row->n_former_family; i++)
        if (name_key_equal(&names->former[i], key) &&
            !suffixes_differ(suffix, names->former_suffix[i]))
            return (1);
    return (0);
}

/* One is the other, its initial, or not given. */
static int
may_be_one(const struct name_key *a, const struct name_key *b)
{
    return (a->main[0] == '\0' || b->main[0] == '\0' ||
        name_key_equal(a, b) || (a->main[0] == b->main[0] &&
        (a->main[1] == '\0' || b->main[1] == '\0')));
}

/* How sure it is, where the present family names are the same. */
static enum err
by_given_name(const Vouch__V1__HumanName *name, struct credential_names *names,
    enum credential_holder *holder)
{
    struct name_key key;
    enum err err;

    if ((err = fold_names(names)) != E_OK ||
        (err = name_key_make_first(slice_of(name->given), &key)) != E_OK)
        return (err);
    *holder = may_be_one(&key, &names->given) ? HOLDER_BY_NAME :
        HOLDER_BY_FAMILY_NAME;
    return (E_OK);
}

static enum err
same_by_name(const Vouch__V1__CredentialRecord *record,
    struct credential_names *names, enum credential_holder *holder)
{
    struct name_key key;
    struct slice suffix;
    struct slice own;
    enum err err;
    size_t i;

    if ((err = fold_names(names)) != E_OK)
        return (err);
    err = fold_family(record->names[0]->name, &key, &suffix);
    if (err != E_OK || suffixes_differ(suffix, names->suffix))
        return (err);
    if (name_key_equal(&key, &names->present))
        return (by_given_name(record->names[0]->name, names, holder));
    own = suffix;
    for (i = 0; i < record->n_names; i++) {
        if (i > 0 && (err = fold_family(record->names[i]->name, &key,
            &own)) != E_OK)
            return (err);
        /* A name without one is of the generation of the holder. */
        if (is_name_of(names, &key, own.n > 0 ? own : suffix)) {
            *holder = HOLDER_BY_FORMER_NAME;
            return (E_OK);
        }
    }
    return (E_OK);
}

enum err
credential_same_holder(const Vouch__V1__CredentialRecord *record,
    struct credential_names *names, enum credential_holder *holder)
{
    const Vouch__V1__CredentialRow *row = names->row;
    const Vouch__V1__HumanName *name;

    *holder = HOLDER_OTHER;
    if (record->n_names == 0 || record->names[0]->name == NULL)
        return (E_CORRUPT);
    if (record->holder_ref[0] != '\0' && row->holder_ref[0] != '\0') {
        if (strcmp(record->holder_ref, row->holder_ref) == 0)
            *holder = HOLDER_BY_REF;
        return (E_OK);
    }
    name = record->names[0]->name;
    if (strcmp(name->family, row->name->family) == 0 &&
        strcmp(name->given, row->name->given) == 0 &&
        strcmp(name->suffix, row->name->suffix) == 0) {
        *holder = HOLDER_BY_NAME;
        return (E_OK);
    }
    return (same_by_name(record, names, holder));
}

/* ${value} is "" if the row does not say. */
static enum err
other_fact(const Vouch__V1__CredentialRecord *record, struct factor_key *key,
    const uint8_t *credential_id, enum factor_kind kind, const char *value,
    int *differ)
{
    uint8_t mac[FACTOR_MAC];
    enum err err;
    size_t i;

    if (value[0] == '\0')
        return (E_OK);
    if ((err = factor_mac(key, kind, credential_id, slice_of(value),
        mac)) != E_OK)
        return (err);
    for (i = 0; i < record->n_factors; i++) {
        if (record->factors[i]->factor != factors[kind])
            continue;
        if (record->factors[i]->mac.len != FACTOR_MAC)
            return (E_CORRUPT);
        *differ |= !factor_equal(mac, record->factors[i]->mac.data);
    }
    return (E_OK);
}

enum err
credential_other_facts(const Vouch__V1__CredentialRecord *record,
    const Vouch__V1__CredentialRow *row, struct factor_key *key,
    const uint8_t *credential_id, int *differ)
{
    struct civil birth = publish_row_date(row->birth_date);
    char year[CIVIL_TEXT], date[CIVIL_TEXT] = "";
    enum err err;

    *differ = 0;
    civil_format((struct civil){.year = birth.year}, year);
    if (civil_is_whole(birth))
        civil_format(birth, date);
    if ((err = other_fact(record, key, credential_id, FACTOR_KIND_BIRTH_YEAR,
        year, differ)) != E_OK ||
        (err = other_fact(record, key, credential_id, FACTOR_KIND_BIRTH_DATE,
        date, differ)) != E_OK)
        return (err);
    return (other_fact(record, key, credential_id, FACTOR_KIND_LAST4,
        row->last4, differ));
}

/* ---- the record ------------------------------------------------------- */

/* Sealed bytes hold no empty message. */
static Vouch__V1__Date *
given(Vouch__V1__Date *date)
{
    return (civil_is_given(publish_row_date(date)) ? date : NULL);
}

static void
set_date(Vouch__V1__Date *date, struct civil civil)
{
    vouch__v1__date__init(date);
    date->year = civil.year;
    date->month = civil.month;
    date->day = civil.day;
}

static Vouch__V1__HolderName *
add_name(struct credential_draft *draft, const Vouch__V1__HolderName *name)
{
    size_t at = draft->record.n_names;

    if (at == CREDENTIAL_NAMES_MAX)
        return (NULL);
    draft->names[at] = *name;
    draft->name_list[at] = &draft->names[at];
    draft->record.n_names++;
    return (&draft->names[at]);
}

static int
same_human(const Vouch__V1__HumanName *a, const Vouch__V1__HumanName *b)
{
    return (strcmp(a->family, b->family) == 0 &&
        strcmp(a->given, b->given) == 0 &&
        strcmp(a->middle, b->middle) == 0 &&
        strcmp(a->suffix, b->suffix) == 0);
}

/*
 * Whether the row's name says all that ${old} did: it is the same, or more of
 * it.  A middle name or a suffix is no other name.
 */
static enum err
says_all_of(const struct credential_names *names,
    const Vouch__V1__HumanName *old, int *all)
{
    struct name_key key, given;
    struct slice suffix;
    enum err err;

    *all = 0;
    if ((err = fold_family(old, &key, &suffix)) != E_OK ||
        !name_key_equal(&key, &names->present) ||
        (err = name_key_make(slice_of(old->given), &key)) != E_OK ||
        (err = name_key_make(slice_of(names->row->name->given),
        &given)) != E_OK)
        return (err);
    *all = key.main[0] == '\0' || name_key_equal(&key, &given) ||
        (key.main[1] == '\0' && key.main[0] == given.main[0]);
    return (E_OK);
}

/* The row's name is new: it takes the place of what was the present one. */
static enum err
replace_name(struct credential_draft *draft, struct credential_names *names,
    const Vouch__V1__CredentialRecord *previous, struct civil today)
{
    Vouch__V1__HolderName name = VOUCH__V1__HOLDER_NAME__INIT;
    struct civil ceased = publish_row_date(names->row->effective_on);
    enum err err;
    size_t i;
    int all;

    set_date(&draft->name_since, today);
    name.name = names->row->name;
    name.since = &draft->name_since;
    (void)add_name(draft, &name);
    if (previous == NULL)
        return (E_OK);
    if ((err = fold_names(names)) != E_OK)
        return (err);
    set_date(&draft->former_since, civil_is_given(ceased) ? ceased : today);
    for (i = 0; i < previous->n_names; i++) {
        err = says_all_of(names, previous->names[i]->name, &all);
        if (err != E_OK)
            return (err);
        if (all)
            continue;
        name = *previous->names[i];
        name.former = 1;
        if (i == 0)
            name.since = &draft->former_since;
        (void)add_name(draft, &name);
    }
    return (E_OK);
}

static enum err
is_on_file(const struct credential_draft *draft, const struct name_key *key,
    int *found)
{
    struct name_key other;
    struct slice suffix;
    enum err err = E_OK;
    size_t i;

    *found = 0;
    for (i = 0; i < draft->record.n_names && !*found && err == E_OK; i++) {
        err = fold_family(draft->names[i].name, &other, &suffix);
        *found = err == E_OK && name_key_equal(key, &other);
    }
    return (err);
}

/*
 * Former names that only the row knows; nobody knows since when.  One of
 * nothing to be seen is none, and would be found on no file.
 */
static enum err
add_former(struct credential_draft *draft, struct credential_names *names)
{
    const Vouch__V1__CredentialRow *row = names->row;
    Vouch__V1__HolderName name = VOUCH__V1__HOLDER_NAME__INIT;
    enum err err;
    size_t i;
    int found;

    if (row->n_former_family == 0)
        return (E_OK);
    if ((err = fold_names(names)) != E_OK)
        return (err);
    name.former = 1;
    for (i = 0; i < row->n_former_family; i++) {
        if (names->former[i].main[0] == '\0')
            continue;
        if ((err = is_on_file(draft, &names->former[i], &found)) != E_OK)
            return (err);
        if (found)
            continue;
        vouch__v1__human_name__init(&draft->humans[i]);
        draft->humans[i].family = row->former_family[i];
        name.name = &draft->humans[i];
        (void)add_name(draft, &name);
    }
    return (E_OK);
}

static enum err
make_names(struct credential_draft *draft, struct credential_names *names,
    const Vouch__V1__CredentialRecord *previous, struct civil today)
{
    enum err err = E_OK;
    size_t i;

    draft->record.names = draft->name_list;
    if (previous != NULL && previous->n_names == 0)
        return (E_CORRUPT);
    if (previous != NULL &&
        same_human(previous->names[0]->name, names->row->name)) {
        for (i = 0; i < previous->n_names; i++)
            (void)add_name(draft, previous->names[i]);
    } else {
        err = replace_name(draft, names, previous, today);
    }
    return (err != E_OK ? err : add_former(draft, names));
}

static enum err
add_factor(struct credential_draft *draft,
    const struct credential_terms *terms, enum factor_kind kind,
    const char *value)
{
    size_t at = draft->record.n_factors;
    Vouch__V1__FactorMac *factor = &draft->factors[at];
    union {
        const uint8_t *in;
        uint8_t *out;
    } id = {.in = factor_key_id(terms->key)};

    vouch__v1__factor_mac__init(factor);
    factor->factor = factors[kind];
    factor->key_id = (ProtobufCBinaryData){FACTOR_KEY_ID, id.out};
    factor->mac = (ProtobufCBinaryData){FACTOR_MAC, draft->macs[at]};
    draft->factor_list[at] = factor;
    draft->record.n_factors++;
    return (factor_mac(terms->key, kind, terms->credential_id,
        slice_of(value), draft->macs[at]));
}

static enum err
make_factors(struct credential_draft *draft,
    const Vouch__V1__CredentialRow *row, const struct credential_terms *terms)
{
    struct civil birth = publish_row_date(row->birth_date);
    struct civil year = {.year = birth.year};
    char text[CIVIL_TEXT];
    enum err err = E_OK;

    draft->record.factors = draft->factor_list;
    if (civil_is_given(birth)) {
        civil_format(year, text);
        err = add_factor(draft, terms, FACTOR_KIND_BIRTH_YEAR, text);
    }
    if (err == E_OK && civil_is_whole(birth)) {
        civil_format(birth, text);
        err = add_factor(draft, terms, FACTOR_KIND_BIRTH_DATE, text);
    }
    if (err == E_OK && row->last4[0] != '\0')
        err = add_factor(draft, terms, FACTOR_KIND_LAST4, row->last4);
    return (err);
}

static void
make_periods(struct credential_draft *draft,
    const Vouch__V1__CredentialRow *row)
{
    size_t i;

    draft->record.periods = draft->period_list;
    for (i = 0; i < row->n_periods && i < CREDENTIAL_PERIODS_MAX; i++) {
        Vouch__V1__ValidityPeriod *period = &draft->periods[i];

        vouch__v1__validity_period__init(period);
        period->kind = row->periods[i]->kind;
        period->valid_from = given(row->periods[i]->valid_from);
        period->valid_until = given(row->periods[i]->valid_until);
        period->grace_until = given(row->periods[i]->grace_until);
        draft->period_list[i] = period;
    }
    draft->record.n_periods = i;
}

enum err
credential_draft_make(struct credential_draft *draft,
    struct credential_names *names,
    const Vouch__V1__CredentialRecord *previous,
    const struct credential_terms *terms)
{
    const Vouch__V1__CredentialRow *row = names->row;
    Vouch__V1__CredentialRecord *record = &draft->record;
    struct status_axes axes;
    union {
        const char *in;
        char *out;
    } key = {.in = terms->number_key};
    enum err err;

    vouch__v1__credential_record__init(record);
    record->credential_type_id = row->credential_type_id;
    record->number = row->number;
    record->number_key = key.out;
    record->holder_ref = row->holder_ref;
    record->issued_on = given(row->issued_on);
    record->raw_status = row->raw_status;
    record->raw_reason = row->raw_reason;
    record->good_past_end_date = row->good_past_end_date;
    make_periods(draft, row);
    err = publish_row_status(row, &axes, &draft->status_table_version);
    if (err != E_OK)
        return (err);
    record->standing = axes.standing;
    record->inactive_reason = axes.inactive_reason;
    record->restriction = axes.restriction;
    record->review = axes.review;
    if ((err = make_names(draft, names, previous, terms->today)) != E_OK)
        return (err);
    return (make_factors(draft, row, terms));
}
