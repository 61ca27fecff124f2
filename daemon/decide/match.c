#include <stdio.h>
#include <string.h>

#include "decide/parts.h"

/* ---- names ------------------------------------------------------------ */

static int
same_suffix(struct slice a, struct slice b)
{
    int generation = name_suffix(a);

    if (generation > 0 || name_suffix(b) > 0)
        return (generation == name_suffix(b));
    return (slice_equal(a, b));
}

/* An initial is compatible with a name, and never equal to it. */
static int
is_initial_of(const struct name_key *a, const struct name_key *b)
{
    return (a->main[0] != '\0' && a->main[0] == b->main[0] &&
        (a->main[1] == '\0') != (b->main[1] == '\0'));
}

/* What is on file cannot be refused any more: it breaks an invariant. */
static enum err
on_file(enum err err)
{
    return (err == E_INVAL || err == E_TOOBIG ? E_CORRUPT : err);
}

/* What one name of the holder adds to what the others gave. */
struct name_result {
    int present;            /* the present family name matched */
    int former;             /* a former one did */
    int given_on_file, given_equal, given_initial;
    int suffix_on_file, suffix_equal;
};

static enum err
match_name(const struct decide_claim *claim,
    const Vouch__V1__HolderName *holder, struct name_result *result)
{
    struct name_key key;
    struct slice family, suffix, given;
    enum err err;

    if (holder->name == NULL)
        return (E_CORRUPT);
    decide_name_split(holder->name, &family, &suffix);
    if ((err = name_key_make(family, &key)) != E_OK)
        return (on_file(err));
    if (name_key_equal(&claim->family, &key)) {
        if (holder->former)
            result->former = 1;
        else
            result->present = 1;
    }
    if (claim->suffix.n != 0 && suffix.n != 0) {
        result->suffix_on_file = 1;
        result->suffix_equal |= same_suffix(claim->suffix, suffix);
    }
    given = decide_text(holder->name->given);
    if (claim->given.main[0] != '\0' && given.n != 0) {
        if ((err = name_key_make_first(given, &key)) != E_OK)
            return (on_file(err));
        result->given_on_file |= key.main[0] != '\0';
        result->given_equal |= name_key_equal(&claim->given, &key);
        result->given_initial |= is_initial_of(&claim->given, &key);
    }
    return (E_OK);
}

static Vouch__V1__Comparison
compared(int claimed, int known, int equal)
{
    if (!claimed)
        return (COMPARISON(UNSPECIFIED));
    if (!known)
        return (COMPARISON(NOT_COMPARED));
    return (equal ? COMPARISON(MATCH) : COMPARISON(MISMATCH));
}

static enum err
match_names(const struct decide_claim *claim,
    const Vouch__V1__CredentialRecord *record, int *family,
    struct decide_match *match)
{
    struct name_result r = {0};
    enum err err;
    size_t i;
    int initial;

    if (record->n_names == 0)
        return (E_CORRUPT);
    for (i = 0; i < record->n_names; i++)
        if ((err = match_name(claim, record->names[i], &r)) != E_OK)
            return (err);
    initial = r.given_initial && !r.given_equal;
    *family = r.present || r.former;
    match->former = r.former && !r.present;
    match->given = compared(claim->given.main[0] != '\0',
        r.given_on_file && !initial, r.given_equal);
    match->suffix = compared(claim->suffix.n != 0, r.suffix_on_file,
        r.suffix_equal);
    return (E_OK);
}

/* ---- private factors -------------------------------------------------- */

static const Vouch__V1__FactorMac *
find_factor(const Vouch__V1__CredentialRecord *record,
    Vouch__V1__Factor factor)
{
    size_t i;

    for (i = 0; i < record->n_factors; i++)
        if (record->factors[i]->factor == factor)
            return (record->factors[i]);
    return (NULL);
}

/* One private fact of the claim beside the credential's. */
struct fact {
    enum factor_kind kind;
    Vouch__V1__Factor factor;
    const char *value;
};

/* The keyed hash is made whether the fact is on file or not. */
static enum err
match_fact(struct factor_key *key, const struct decide_version *latest,
    const struct fact *fact, struct decide_match *match,
    Vouch__V1__Comparison *comparison)
{
    const Vouch__V1__FactorMac *file = find_factor(latest->event->record,
        fact->factor);
    uint8_t mac[FACTOR_MAC];
    enum err err;

    if ((err = factor_mac(key, fact->kind, latest->credential_id,
        slice_of(fact->value), mac)) != E_OK)
        return (err);
    *comparison = COMPARISON(NOT_COMPARED);
    if (file == NULL)
        return (E_OK);
    if (file->mac.len != FACTOR_MAC)
        return (E_CORRUPT);
    if (file->key_id.len != FACTOR_KEY_ID || memcmp(file->key_id.data,
        factor_key_id(key), FACTOR_KEY_ID) != 0)
        match->foreign_key = 1;
    *comparison = factor_equal(mac, file->mac.data) ? COMPARISON(MATCH) :
        COMPARISON(MISMATCH);
    return (E_OK);
}

/*
 * Year and date are two facts.  A claimed date is compared as such if a date
 * is on file, and otherwise by its year.
 */
static enum err
match_birth(const struct decide_claim *claim, struct factor_key *key,
    const struct decide_version *latest, struct decide_match *match)
{
    char text[CIVIL_TEXT], year[CIVIL_TEXT];
    struct fact date_fact = {FACTOR_KIND_BIRTH_DATE, FACTOR(BIRTH_DATE), text};
    struct fact year_fact = {FACTOR_KIND_BIRTH_YEAR, FACTOR(BIRTH_YEAR), year};
    enum err err;

    if (!civil_is_given(claim->birth))
        return (E_OK);
    civil_format((struct civil){claim->birth.year, 0, 0}, year);
    if ((err = match_fact(key, latest, &year_fact, match,
        &match->birth_year)) != E_OK || !civil_is_whole(claim->birth))
        return (err);
    civil_format(claim->birth, text);
    if ((err = match_fact(key, latest, &date_fact, match,
        &match->birth_date)) != E_OK)
        return (err);
    if (match->birth_date != COMPARISON(NOT_COMPARED) ||
        match->birth_year == COMPARISON(NOT_COMPARED))
        match->birth_year = COMPARISON(UNSPECIFIED);
    return (E_OK);
}

static enum err
match_last4(const struct decide_claim *claim, struct factor_key *key,
    const struct decide_version *latest, struct decide_match *match)
{
    struct fact fact = {FACTOR_KIND_LAST4, FACTOR(LAST4),
        claim->claim->last4};

    if (decide_text(claim->claim->last4).n == 0)
        return (E_OK);
    return (match_fact(key, latest, &fact, match, &match->last4));
}

/* ---- the rest --------------------------------------------------------- */

/* Equal as far as both say. */
static int
agrees(struct civil a, struct civil b)
{
    return (a.year == b.year &&
        (a.month == 0 || b.month == 0 || a.month == b.month) &&
        (a.day == 0 || b.day == 0 || a.day == b.day));
}

/* A fact that the policy asks for must match; another must not be wrong. */
static int
stands(const struct decide_claim *claim, Vouch__V1__Factor factor,
    Vouch__V1__Comparison comparison)
{
    if (decide_requires(claim, factor))
        return (comparison == COMPARISON(MATCH));
    return (comparison != COMPARISON(MISMATCH));
}

static int
is_person(const struct decide_claim *claim, int family,
    const struct decide_match *m)
{
    Vouch__V1__Comparison year = m->birth_year;
    int person = family;

    if (m->birth_date == COMPARISON(MATCH))
        year = COMPARISON(MATCH);       /* the date says the year as well */
    person &= stands(claim, FACTOR(GIVEN_NAME), m->given);
    person &= stands(claim, FACTOR(SUFFIX), m->suffix);
    person &= stands(claim, FACTOR(BIRTH_YEAR), year);
    person &= stands(claim, FACTOR(BIRTH_DATE), m->birth_date);
    person &= stands(claim, FACTOR(LAST4), m->last4);
    if (decide_requires(claim, FACTOR(ISSUED_ON)))
        person &= stands(claim, FACTOR(ISSUED_ON), m->issued_on);
    return (person);
}

enum err
decide_match(const struct decide_claim *claim, struct factor_key *key,
    const struct decide_version *latest, struct decide_match *match)
{
    const Vouch__V1__CredentialRecord *record = latest->event->record;
    struct slice type = decide_text(claim->claim->credential_type_id);
    struct civil issued_on;
    enum err err;
    int family;

    memset(match, 0, sizeof(*match));
    if (record == NULL)
        return (E_CORRUPT);
    if ((err = match_names(claim, record, &family, match)) != E_OK)
        return (err);
    if ((err = match_birth(claim, key, latest, match)) != E_OK)
        return (err);
    if ((err = match_last4(claim, key, latest, match)) != E_OK)
        return (err);
    issued_on = decide_date(record->issued_on);
    /* What tells persons apart must be a day: a year on file is too little. */
    match->issued_on = compared(civil_is_given(claim->issued_on),
        decide_requires(claim, FACTOR(ISSUED_ON)) ?
        civil_is_whole(issued_on) : civil_is_given(issued_on),
        agrees(claim->issued_on, issued_on));
    match->type = compared(type.n != 0, 1,
        slice_equal(type, decide_text(record->credential_type_id)));
    match->person = is_person(claim, family, match);
    return (E_OK);
}

/* ---- the stand-in ----------------------------------------------------- */

/*
 * Not const only because the generated types point at what may be changed;
 * nobody does.  One name and every fact, as most credentials have.
 */
static uint8_t no_bytes[FACTOR_MAC];

#define STAND_IN_FACTOR(x)                                              \
    {PROTOBUF_C_MESSAGE_INIT(&vouch__v1__factor_mac__descriptor),       \
        FACTOR(x), {FACTOR_KEY_ID, no_bytes}, {FACTOR_MAC, no_bytes}}

static Vouch__V1__FactorMac factors[] = {
    STAND_IN_FACTOR(BIRTH_YEAR),
    STAND_IN_FACTOR(BIRTH_DATE),
    STAND_IN_FACTOR(LAST4),
};

static Vouch__V1__HumanName human = {
    .base = PROTOBUF_C_MESSAGE_INIT(&vouch__v1__human_name__descriptor),
    .family = "Stand-Inn",
    .given = "Nobody",
    .middle = "",
    .suffix = "",
};

static Vouch__V1__HolderName holder = {
    .base = PROTOBUF_C_MESSAGE_INIT(&vouch__v1__holder_name__descriptor),
    .name = &human,
};

static Vouch__V1__CredentialRecord record = {
    .base = PROTOBUF_C_MESSAGE_INIT(&vouch__v1__credential_record__descriptor),
    .credential_type_id = "",
    .n_names = 1,
    .names = (Vouch__V1__HolderName *[]){&holder},
    .n_factors = 3,
    .factors = (Vouch__V1__FactorMac *[]){&factors[0], &factors[1],
        &factors[2]},
};

static Vouch__V1__Event event = {
    .base = PROTOBUF_C_MESSAGE_INIT(&vouch__v1__event__descriptor),
    .record = &record,
};

const struct decide_version *
decide_stand_in(void)
{
    static const struct decide_version stand_in = {no_bytes, 0, &event};

    return (&stand_in);
}
