#include "support/decide_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* 2026-11-22T12:00:00Z. */
#define NOW_US INT64_C(1795348800000000)

static const struct {
    Vouch__V1__Factor factor;
    enum factor_kind kind;
} kinds[3] = {
    {FACTOR(BIRTH_YEAR), FACTOR_KIND_BIRTH_YEAR},
    {FACTOR(BIRTH_DATE), FACTOR_KIND_BIRTH_DATE},
    {FACTOR(LAST4), FACTOR_KIND_LAST4},
};

void
world_date(Vouch__V1__Date *date, const char *text)
{
    struct civil civil = {0, 0, 0};

    vouch__v1__date__init(date);
    if (text == NULL || text[0] == '\0')
        return;
    assert_int_equal(civil_parse(text, &civil), E_OK);
    date->year = civil.year;
    date->month = civil.month;
    date->day = civil.day;
}

void
world_init(struct world *w)
{
    static const uint8_t secret[FACTOR_KEY] = {1, 2, 3};

    memset(w, 0, sizeof(*w));
    assert_int_equal(factor_key_create(secret, &w->key), E_OK);
    vouch__v1__association__init(&w->association);
    w->association.id = "ascp-boc";
    w->association.identity_policy = POLICY(BIRTH_YEAR);
    vouch__v1__human_name__init(&w->name);
    w->name.family = "Smith";
    world_date(&w->birth, "1990");
    vouch__v1__claim__init(&w->claim);
    w->claim.association_id = "ascp-boc";
    w->claim.credential_type_id = "pbt";
    w->claim.number = "1234";
    w->claim.name = &w->name;
    w->claim.birth_date = &w->birth;

    vouch__v1__recognition__init(&w->recognition);
    w->recognition.association_id = "ascp-boc";
    w->recognition.recognizer = "ncca";
    w->recognition.confidence = CONFIDENCE(OFFICIAL);
    world_date(&w->valid_from, "2000");
    w->recognition.valid_from = &w->valid_from;
    w->recognitions[0] = &w->recognition;
    w->nrecognitions = 1;
    w->freshness = FRESHNESS(FRESH);
}

void
world_done(struct world *w)
{
    factor_key_free(w->key);
    w->key = NULL;
}

void
world_name(struct world_event *e, size_t i, char *family, char *given,
    int former)
{
    assert_true(i < WORLD_NAMES);
    vouch__v1__human_name__init(&e->humans[i]);
    e->humans[i].family = family;
    e->humans[i].given = given != NULL ? given : "";
    vouch__v1__holder_name__init(&e->names[i]);
    e->names[i].name = &e->humans[i];
    e->names[i].former = former;
    e->name_list[i] = &e->names[i];
    if (e->record.n_names <= i)
        e->record.n_names = i + 1;
}

void
world_issued(struct world_event *e, const char *text)
{
    world_date(&e->issued_on, text);
    e->record.issued_on = &e->issued_on;
}

void
world_source(struct world_event *e, const char *text)
{
    struct civil civil = {0, 0, 0};

    assert_int_equal(civil_parse(text, &civil), E_OK);
    e->event.source_time_us =
        (civil_first_day(civil) * INT64_C(24) + 12) * 3600 * 1000000;
}

void
world_period(struct world_event *e, const char *from, const char *until,
    const char *grace)
{
    size_t i = e->record.n_periods++;

    assert_true(i < WORLD_PERIODS);
    vouch__v1__validity_period__init(&e->periods[i]);
    world_date(&e->dates[i][0], from);
    world_date(&e->dates[i][1], until);
    world_date(&e->dates[i][2], grace);
    e->periods[i].valid_from = &e->dates[i][0];
    e->periods[i].valid_until = &e->dates[i][1];
    e->periods[i].grace_until = grace != NULL ? &e->dates[i][2] : NULL;
    e->period_list[i] = &e->periods[i];
}

/* The slot of a factor stays its own: an absent one is under no factor. */
void
world_fact(struct world *w, struct world_event *e, Vouch__V1__Factor factor,
    const char *value)
{
    size_t i;

    for (i = 0; kinds[i].factor != factor; i++)
        continue;
    vouch__v1__factor_mac__init(&e->factors[i]);
    e->factor_list[i] = &e->factors[i];
    if (value == NULL)
        return;
    memcpy(e->key_id, factor_key_id(w->key), FACTOR_KEY_ID);
    assert_int_equal(factor_mac(w->key, kinds[i].kind, e->credential_id,
        slice_of(value), e->macs[i]), E_OK);
    e->factors[i].factor = factor;
    e->factors[i].key_id.data = e->key_id;
    e->factors[i].key_id.len = FACTOR_KEY_ID;
    e->factors[i].mac.data = e->macs[i];
    e->factors[i].mac.len = FACTOR_MAC;
}

struct world_event *
world_add(struct world *w, int credential, const char *effective_on)
{
    size_t i = w->nversions++;
    struct world_event *e = &w->events[i];

    assert_true(i < WORLD_EVENTS);
    memset(e->credential_id, credential, sizeof(e->credential_id));
    vouch__v1__credential_record__init(&e->record);
    e->record.credential_type_id = "pbt";
    e->record.number = e->record.number_key = "1234";
    e->record.names = e->name_list;
    e->record.factors = e->factor_list;
    e->record.n_factors = 3;
    e->record.periods = e->period_list;
    e->record.raw_status = "Active";
    e->record.standing = STANDING(ACTIVE);
    e->record.restriction = RESTRICTION(NONE);
    e->record.review = REVIEW_OF(NONE);
    world_name(e, 0, "Smith", "John", 0);
    world_fact(w, e, FACTOR(BIRTH_YEAR), "1990");
    world_fact(w, e, FACTOR(BIRTH_DATE), "1990-05-06");
    world_fact(w, e, FACTOR(LAST4), "4321");

    vouch__v1__event__init(&e->event);
    world_date(&e->effective_on, effective_on);
    e->event.effective_on = &e->effective_on;
    e->event.source_time_us = NOW_US;
    e->event.record = &e->record;
    w->versions[i].credential_id = e->credential_id;
    w->versions[i].log_index = (int64_t)i;
    w->versions[i].event = &e->event;
    return (e);
}

static enum err
recognize(void *cookie, const char *type, Vouch__V1__RecognitionState *state)
{
    struct world *w = cookie;
    Vouch__V1__Recognition *chosen[1];
    size_t n;

    *state = decide_recognized(w->recognitions, w->nrecognitions,
        &w->prepared, type, chosen, &n);
    assert_int_equal(n, *state == RECOGNITION(NOT_RECOGNIZED) ? 0 : 1);
    return (E_OK);
}

void
world_extend(struct world *w, char *type, const char *from, const char *until,
    const char *counts)
{
    world_date(&w->ended_from, from);
    world_date(&w->ended_until, until);
    world_date(&w->counts_until, counts);
    vouch__v1__extension__init(&w->extension);
    w->extension.credential_type_id = type;
    w->extension.ended_from = &w->ended_from;
    w->extension.ended_until = &w->ended_until;
    w->extension.counts_until = &w->counts_until;
    w->extension.confidence = CONFIDENCE(OFFICIAL);
    w->extensions[0] = &w->extension;
    w->nextensions = 1;
}

struct decide_input
world_input(struct world *w)
{
    return ((struct decide_input){
        .claim = &w->prepared,
        .versions = w->versions,
        .nversions = w->nversions,
        .recognize = recognize,
        .cookie = w,
        .key = w->key,
        .freshness = w->freshness,
        .extensions = w->extensions,
        .nextensions = w->nextensions,
    });
}

enum err
world_decide(struct world *w, const char *as_of)
{
    struct decide_terms terms = {.association = &w->association,
        .type_known = 1, .recognizers_known = 1, .now_us = NOW_US};
    struct grpc_status status;
    struct decide_input input = world_input(w);

    world_date(&w->as_of, as_of);
    w->claim.as_of = as_of != NULL ? &w->as_of : NULL;
    assert_int_equal(decide_claim_prepare(&w->claim, &terms, &w->prepared,
        &status), E_OK);
    return (decide(&input, &w->decision));
}

Vouch__V1__Comparison
world_factor(const struct world *w, Vouch__V1__Factor factor)
{
    size_t i;

    for (i = 0; i < w->decision.nfactors; i++)
        if (w->decision.factors[i].factor == factor)
            return (w->decision.factors[i].comparison);
    return (COMPARISON(UNSPECIFIED));
}

void
world_expect(struct world *w, const char *as_of, Vouch__V1__Verdict verdict,
    Vouch__V1__Conclusion conclusion, Vouch__V1__Reason reason)
{
    const struct decision *d = &w->decision;

    assert_int_equal(world_decide(w, as_of), E_OK);
    assert_int_equal(d->verdict, verdict);
    assert_int_equal(d->conclusion, conclusion);
    assert_true(d->nreasons > 0);
    assert_int_equal(d->reasons[0], reason);
    if (verdict == VERDICT(CONFIRMED) || verdict == VERDICT(NOT_CURRENT)) {
        assert_non_null(d->latest);
    } else {
        assert_null(d->latest);
        assert_null(d->record);
        assert_int_equal(d->standing, STANDING(UNSPECIFIED));
        assert_int_equal(d->restriction, RESTRICTION(UNSPECIFIED));
        assert_int_equal(d->review, REVIEW_OF(UNSPECIFIED));
        assert_int_equal(d->recognition, RECOGNITION(UNSPECIFIED));
    }
    if (conclusion != CONCLUSION(REVIEW))
        assert_int_equal(d->ncauses, 0);
}

int
world_has_reason(const struct world *w, Vouch__V1__Reason reason)
{
    size_t i;

    for (i = 0; i < w->decision.nreasons; i++)
        if (w->decision.reasons[i] == reason)
            return (1);
    return (0);
}
