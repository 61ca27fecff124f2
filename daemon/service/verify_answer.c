#include "service/verify_answer.h"

#include <string.h>

#include "proto/civil.h"
#include "proto/name_fold.h"

#define CONCLUSION_YES VOUCH__V1__CONCLUSION__CONCLUSION_YES
#define NOT_RECOGNIZED                                                      \
    VOUCH__V1__RECOGNITION_STATE__RECOGNITION_STATE_NOT_RECOGNIZED

static enum err
put_lists(const struct decision *d, struct arena *arena,
    Vouch__V1__Answer *answer)
{
    Vouch__V1__FactorComparison *one;
    size_t i;

    answer->reasons = arena_alloc(arena, sizeof(d->reasons));
    answer->innocent_causes = arena_alloc(arena, sizeof(d->causes));
    answer->factors = arena_alloc(arena,
        d->nfactors * sizeof(*answer->factors));
    one = arena_alloc(arena, d->nfactors * sizeof(*one));
    if (answer->reasons == NULL || answer->innocent_causes == NULL ||
        answer->factors == NULL || one == NULL)
        return (E_NOMEM);
    memcpy(answer->reasons, d->reasons, sizeof(d->reasons));
    answer->n_reasons = d->nreasons;
    memcpy(answer->innocent_causes, d->causes, sizeof(d->causes));
    answer->n_innocent_causes = d->ncauses;
    for (i = 0; i < d->nfactors; i++, one++) {
        vouch__v1__factor_comparison__init(one);
        one->factor = d->factors[i].factor;
        one->comparison = d->factors[i].comparison;
        answer->factors[i] = one;
    }
    answer->n_factors = d->nfactors;
    return (E_OK);
}

static enum err
put_day(const struct verify_facts *facts, struct arena *arena,
    Vouch__V1__Answer *answer)
{
    struct civil day = civil_of_day(facts->claim->day);
    Vouch__V1__Date *date = arena_alloc(arena, sizeof(*date));

    if (date == NULL)
        return (E_NOMEM);
    vouch__v1__date__init(date);
    date->year = day.year;
    date->month = day.month;
    date->day = day.day;
    answer->as_of = date;
    answer->projection = facts->claim->projection;
    answer->answered_at_us = facts->answered_at_us;
    return (E_OK);
}

/* What is said of the association, whoever was asked about. */
static enum err
put_association(const struct verify_facts *facts, struct arena *arena,
    Vouch__V1__Answer *answer)
{
    const Vouch__V1__Association *association = facts->claim->association;
    Vouch__V1__Freshness *freshness;

    if (association == NULL)
        return (E_OK);
    if ((freshness = arena_alloc(arena, sizeof(*freshness))) == NULL)
        return (E_NOMEM);
    vouch__v1__freshness__init(freshness);
    freshness->state = facts->freshness;
    if (facts->source.known) {
        freshness->source_time_us = facts->source.source_time_us;
        freshness->received_at_us = facts->source.received_at_us;
    }
    freshness->max_age_seconds = association->max_age_seconds;
    answer->freshness = freshness;
    answer->utc_offset_minutes = association->utc_offset_minutes;
    answer->association_name = association->name;
    answer->designation = association->designation;
    if (facts->decision->conclusion != CONCLUSION_YES)
        answer->contact = association->contact;
    return (E_OK);
}

static enum err
put_recognitions(const struct verify_facts *facts, struct arena *arena,
    Vouch__V1__Answer *answer)
{
    const struct decision *d = facts->decision;
    Vouch__V1__Recognition *one;
    size_t i;

    answer->recognition = d->recognition;
    if (d->recognition == NOT_RECOGNIZED)
        return (E_OK);
    answer->recognitions = arena_alloc(arena,
        facts->nrecognitions * sizeof(*answer->recognitions));
    if (answer->recognitions == NULL)
        return (E_NOMEM);
    for (i = 0; i < facts->nrecognitions; i++) {
        one = facts->recognitions[i];
        if (decide_recognition(one, facts->claim,
            d->latest->credential_type_id) == d->recognition)
            answer->recognitions[answer->n_recognitions++] = one;
    }
    return (E_OK);
}

/* What is on file: told only when the whole claim was right. */
static enum err
put_record(const struct verify_facts *facts, struct arena *arena,
    Vouch__V1__Answer *answer)
{
    const struct decision *d = facts->decision;
    Vouch__V1__Status *status;

    if (d->latest == NULL)
        return (E_OK);
    if ((status = arena_alloc(arena, sizeof(*status))) == NULL)
        return (E_NOMEM);
    vouch__v1__status__init(status);
    status->standing = d->standing;
    status->restriction = d->restriction;
    status->review = d->review;
    if (d->record != NULL) {
        status->raw_status = d->record->raw_status;
        status->raw_reason = d->record->raw_reason;
        status->inactive_reason = d->record->inactive_reason;
        status->good_past_end_date = d->record->good_past_end_date;
        answer->n_periods = d->record->n_periods;
        answer->periods = d->record->periods;
    }
    answer->status = status;
    answer->credential_type_id = d->latest->credential_type_id;
    return (put_recognitions(facts, arena, answer));
}

enum err
verify_answer_make(const struct verify_facts *facts, struct arena *arena,
    Vouch__V1__Answer **answer)
{
    const struct decision *d = facts->decision;
    Vouch__V1__Answer *made;
    enum err err;

    *answer = NULL;

    if ((made = arena_alloc(arena, sizeof(*made))) == NULL)
        return (E_NOMEM);
    vouch__v1__answer__init(made);
    made->verdict = d->verdict;
    made->conclusion = d->conclusion;
    made->former_name_matched = d->former_name_matched;
    made->log_size = facts->log_size;
    made->name_fold_version = NAME_FOLD_VERSION;
    if ((err = put_lists(d, arena, made)) != E_OK ||
        (err = put_day(facts, arena, made)) != E_OK ||
        (err = put_association(facts, arena, made)) != E_OK ||
        (err = put_record(facts, arena, made)) != E_OK)
        return (err);

    *answer = made;
    return (E_OK);
}
