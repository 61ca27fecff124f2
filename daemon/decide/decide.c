#include <string.h>

#include "decide/parts.h"

/* ---- the candidates --------------------------------------------------- */

/* The credentials whose holder is the claim's person, counted and merged. */
struct matched {
    size_t persons;         /* credentials that match the person */
    size_t typed;           /* of these, of the claimed type or none claimed */
    int former;             /* each by a former name */
    int disputed;           /* one is, on the day */
    const struct decide_version *versions;  /* of the last that counts */
    size_t nversions;
    struct decide_match all;                /* how they compared, in common */
};

/* What does not hold for all alike is not told. */
static void
merge_one(Vouch__V1__Comparison *all, Vouch__V1__Comparison one)
{
    if (*all != one)
        *all = COMPARISON(NOT_COMPARED);
}

static void
merge(struct decide_match *all, const struct decide_match *one)
{
    merge_one(&all->given, one->given);
    merge_one(&all->suffix, one->suffix);
    merge_one(&all->last4, one->last4);
    merge_one(&all->issued_on, one->issued_on);
    merge_one(&all->type, one->type);
    if (all->birth_date != one->birth_date ||
        all->birth_year != one->birth_year) {
        merge_one(&all->birth_date, one->birth_date);
        all->birth_year = COMPARISON(UNSPECIFIED);
    }
    all->former &= one->former;
}

/* One more credential of the claim's person. */
static void
take(struct matched *m, const struct decide_version *versions, size_t n,
    const struct decide_input *in, const struct decide_match *match)
{
    struct decide_status status;
    int typed = match->type != COMPARISON(MISMATCH);

    m->persons++;
    if (m->typed > 0 && !typed)
        return;         /* another credential of the same person */
    if ((typed && m->typed == 0) || m->persons == 1)
        m->all = *match;
    else
        merge(&m->all, match);
    if (typed && m->typed == 0)
        m->disputed = 0;
    m->typed += (size_t)typed;
    m->versions = versions;
    m->nversions = n;
    decide_status(in, versions, n, &status);
    m->disputed |= status.review == REVIEW_OF(DISPUTED);
}

/* civil_first_day() and civil_last_day() take no other. */
static int
is_day(const Vouch__V1__Date *date)
{
    return (civil_is_valid(decide_date(date)));
}

static int
is_sound(const Vouch__V1__Event *event)
{
    const Vouch__V1__CredentialRecord *r = event->record;
    size_t i;

    if (r == NULL || !is_day(event->effective_on) || !is_day(r->issued_on))
        return (0);
    for (i = 0; i < r->n_periods; i++)
        if (!is_day(r->periods[i]->valid_from) ||
            !is_day(r->periods[i]->valid_until) ||
            !is_day(r->periods[i]->grace_until))
            return (0);
    return (1);
}

/* Have every event of one credential there; ${to} is behind its last. */
static enum err
read_history(const struct decide_input *in, size_t from, size_t to)
{
    enum err err;
    size_t i;

    if (in->history != NULL && to - from > 1 &&
        (err = in->history(in->cookie, from, to - 1)) != E_OK)
        return (err);
    for (i = from; i < to; i++)
        if (in->versions[i].event == NULL || !is_sound(in->versions[i].event))
            return (E_CORRUPT);
    return (E_OK);
}

static enum err
find_matches(const struct decide_input *in, struct matched *m)
{
    struct decide_match match;
    size_t from, to;
    enum err err;

    memset(m, 0, sizeof(*m));
    if (in->nversions == 0)
        return (decide_match(in->claim, in->key, decide_stand_in(), &match));
    for (from = 0; from < in->nversions; from = to) {
        for (to = from; to < in->nversions &&
            memcmp(in->versions[to].credential_id,
            in->versions[from].credential_id, LEAF_CREDENTIAL_ID) == 0; to++)
            continue;
        if ((err = decide_match(in->claim, in->key, &in->versions[to - 1],
            &match)) != E_OK)
            return (err);
        if (match.foreign_key)
            return (E_CORRUPT);
        if (!match.person)
            continue;
        if ((err = read_history(in, from, to)) != E_OK)
            return (err);
        take(m, in->versions + from, to - from, in, &match);
    }
    return (E_OK);
}

/* ---- what was compared ------------------------------------------------ */

static void
add_factor(struct decision *d, Vouch__V1__Factor factor,
    Vouch__V1__Comparison comparison)
{
    if (comparison == COMPARISON(UNSPECIFIED))
        return;
    d->factors[d->nfactors].factor = factor;
    d->factors[d->nfactors++].comparison = comparison;
}

static void
list_factors(struct decision *d, const struct decide_match *m)
{
    add_factor(d, FACTOR(NUMBER), COMPARISON(MATCH));
    add_factor(d, FACTOR(FAMILY_NAME), COMPARISON(MATCH));
    add_factor(d, FACTOR(GIVEN_NAME), m->given);
    add_factor(d, FACTOR(SUFFIX), m->suffix);
    add_factor(d, FACTOR(BIRTH_YEAR), m->birth_year);
    add_factor(d, FACTOR(BIRTH_DATE), m->birth_date);
    add_factor(d, FACTOR(LAST4), m->last4);
    add_factor(d, FACTOR(ISSUED_ON), m->issued_on);
    add_factor(d, FACTOR(CREDENTIAL_TYPE), m->type);
}

static void
withhold(struct decision *d, Vouch__V1__Factor factor, int claimed)
{
    add_factor(d, factor, claimed ? COMPARISON(WITHHELD) :
        COMPARISON(UNSPECIFIED));
}

/* A function of the claim alone: it must not tell what is on file. */
static void
withhold_factors(struct decision *d, const struct decide_claim *c)
{
    int whole = civil_is_whole(c->birth);

    withhold(d, FACTOR(NUMBER), 1);
    withhold(d, FACTOR(FAMILY_NAME), 1);
    withhold(d, FACTOR(GIVEN_NAME), c->given.main[0] != '\0');
    withhold(d, FACTOR(SUFFIX), c->suffix.n != 0);
    withhold(d, FACTOR(BIRTH_YEAR), civil_is_given(c->birth) && !whole);
    withhold(d, FACTOR(BIRTH_DATE), whole);
    withhold(d, FACTOR(LAST4), decide_text(c->claim->last4).n != 0);
    withhold(d, FACTOR(ISSUED_ON), civil_is_given(c->issued_on));
    withhold(d, FACTOR(CREDENTIAL_TYPE),
        decide_text(c->claim->credential_type_id).n != 0);
}

/* ---- recognition ------------------------------------------------------ */

static int
is_accepted(const Vouch__V1__Claim *claim, const char *recognizer)
{
    size_t i;

    for (i = 0; i < claim->n_recognized_by; i++)
        if (slice_equal(decide_text(claim->recognized_by[i]),
            decide_text(recognizer)))
            return (1);
    return (claim->n_recognized_by == 0);
}

static int
covers_type(const Vouch__V1__Recognition *r, const char *type)
{
    struct slice only = decide_text(r->credential_type_id);
    size_t i;

    if (only.n != 0 && !slice_equal(only, decide_text(type)))
        return (0);
    for (i = 0; i < r->n_except_credential_type_ids; i++)
        if (slice_equal(decide_text(r->except_credential_type_ids[i]),
            decide_text(type)))
            return (0);
    return (1);
}

/*
 * What the dates of ${r} say of ${day}.  Within a month or year of which no
 * more is known it may hold or not.
 */
static Vouch__V1__RecognitionState
dates_say(const Vouch__V1__Recognition *r, int32_t day)
{
    struct civil from = decide_date(r->valid_from);
    struct civil until = decide_date(r->valid_until);
    struct civil observed = decide_date(r->observed_on);

    if (civil_is_given(until) && day > civil_last_day(until))
        return (RECOGNITION(NOT_RECOGNIZED));
    if (civil_is_given(from) && day < civil_first_day(from))
        return (RECOGNITION(NOT_RECOGNIZED));
    if (civil_is_given(until) && !civil_is_whole(until) &&
        day >= civil_first_day(until))
        return (RECOGNITION(UNKNOWN));
    if (!civil_is_given(from))
        from = observed;
    if (!civil_is_given(from) || day < civil_last_day(from))
        return (RECOGNITION(UNKNOWN));
    return (RECOGNITION(RECOGNIZED));
}

static Vouch__V1__RecognitionState
one_says(const Vouch__V1__Recognition *r, const struct decide_claim *claim,
    const char *type)
{
    if (!is_accepted(claim->claim, r->recognizer) || !covers_type(r, type))
        return (RECOGNITION(NOT_RECOGNIZED));
    if (r->confidence != CONFIDENCE(OFFICIAL) &&
        r->confidence != CONFIDENCE(SECONDARY))
        return (RECOGNITION(UNKNOWN));
    return (dates_say(r, claim->day));
}

Vouch__V1__RecognitionState
decide_recognized(Vouch__V1__Recognition *const *list, size_t n,
    const struct decide_claim *claim, const char *type,
    Vouch__V1__Recognition **chosen, size_t *nchosen)
{
    Vouch__V1__RecognitionState best = RECOGNITION(NOT_RECOGNIZED), one;
    size_t i;

    *nchosen = 0;
    for (i = 0; i < n; i++) {
        one = one_says(list[i], claim, type);
        if (one == RECOGNITION(NOT_RECOGNIZED) ||
            (one == RECOGNITION(UNKNOWN) && best == RECOGNITION(RECOGNIZED)))
            continue;
        if (one != best)
            *nchosen = 0;
        best = one;
        chosen[(*nchosen)++] = list[i];
    }
    return (best);
}

/* ---- the verdict ------------------------------------------------------ */

/* A verdict that tells nothing of what is on file. */
static void
conclude_closed(const struct decide_input *in, struct decision *d,
    Vouch__V1__Verdict verdict, int disputed, Vouch__V1__Reason reason)
{
    struct decide_cell cell = {
        .verdict = verdict,
        .freshness = in->freshness,
        .restriction = RESTRICTION(NONE),
        .review = disputed ? REVIEW_OF(DISPUTED) : REVIEW_OF(NONE),
        .standing = DECIDE_STANDING_STATED,
        .projection = in->claim->projection,
    };

    if (verdict == VERDICT(UNKNOWN_ISSUER)) {
        cell.freshness = FRESHNESS(UNSPECIFIED);
        cell.projection = 0;
    }
    d->verdict = verdict;
    decide_explain(d, &cell, &reason, 1);
}

static enum err
conclude_open(const struct decide_input *in, struct decision *d,
    const struct matched *m)
{
    struct decide_cell cell = {.freshness = in->freshness,
        .projection = in->claim->projection};
    struct decide_status s;
    enum err err;

    decide_status(in, m->versions, m->nversions, &s);
    d->latest = m->versions[m->nversions - 1].event->record;
    d->record = s.record;
    d->standing = s.standing;
    d->restriction = s.restriction;
    d->review = s.review;
    if ((err = in->recognize(in->cookie, d->latest->credential_type_id,
        &d->recognition)) != E_OK)
        return (err);
    d->verdict = s.in_force ? VERDICT(CONFIRMED) : VERDICT(NOT_CURRENT);
    d->extension = s.in_force ? s.extension : NULL;

    cell.verdict = d->verdict;
    cell.recognition = d->recognition;
    cell.restriction = d->restriction;
    cell.review = d->review;
    cell.standing = s.known;
    decide_explain(d, &cell, s.reasons, s.nreasons);
    return (E_OK);
}

enum err
decide(const struct decide_input *in, struct decision *d)
{
    struct matched m;
    enum err err;

    memset(d, 0, sizeof(*d));
    if (in->claim->association == NULL) {
        conclude_closed(in, d, VERDICT(UNKNOWN_ISSUER), 0,
            REASON(UNKNOWN_ISSUER));
        return (E_OK);
    }
    if ((err = find_matches(in, &m)) != E_OK)
        return (err);
    if (m.persons == 0) {
        withhold_factors(d, in->claim);
        conclude_closed(in, d, VERDICT(NO_MATCH), 0, REASON(NO_MATCH));
        return (E_OK);
    }

    list_factors(d, &m.all);
    d->former_name_matched = m.all.former;
    if (m.typed > 1)
        conclude_closed(in, d, VERDICT(AMBIGUOUS), 0, REASON(AMBIGUOUS));
    else if (m.typed == 0 || m.all.issued_on == COMPARISON(MISMATCH))
        conclude_closed(in, d, VERDICT(MISMATCH), m.disputed,
            REASON(FIELD_MISMATCH));
    else
        return (conclude_open(in, d, &m));
    return (E_OK);
}
