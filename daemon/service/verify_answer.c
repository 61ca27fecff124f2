#include "service/verify_answer.h"

#include "proto/civil.h"
#include "proto/message.h"
#include "proto/name_fold.h"

#define CONCLUSION_YES VOUCH__V1__CONCLUSION__CONCLUSION_YES

/*
 * An answer with what it points at.  Its statements of recognition, more than
 * half of its bytes, are packed already: ${head} has the fields before them,
 * ${tail} those behind.
 */
struct draft {
    Vouch__V1__Answer head, tail;
    Vouch__V1__FactorComparison factors[DECIDE_FACTORS];
    Vouch__V1__FactorComparison *factor_list[DECIDE_FACTORS];
    Vouch__V1__Status status;
    Vouch__V1__Freshness freshness;
    Vouch__V1__Date day;
};

static void
put_decision(const struct verify_facts *facts, struct draft *draft)
{
    struct decision *d = facts->decision;
    size_t i;

    draft->head.verdict = d->verdict;
    draft->head.conclusion = d->conclusion;
    draft->head.n_reasons = d->nreasons;
    draft->head.reasons = d->reasons;
    for (i = 0; i < d->nfactors; i++) {
        vouch__v1__factor_comparison__init(&draft->factors[i]);
        draft->factors[i].factor = d->factors[i].factor;
        draft->factors[i].comparison = d->factors[i].comparison;
        draft->factor_list[i] = &draft->factors[i];
    }
    draft->head.n_factors = d->nfactors;
    draft->head.factors = draft->factor_list;
    draft->head.former_name_matched = d->former_name_matched;
    draft->tail.n_innocent_causes = d->ncauses;
    draft->tail.innocent_causes = d->causes;
}

/* What is on file: told only when the whole claim was right. */
static void
put_record(const struct verify_facts *facts, struct draft *draft)
{
    const struct decision *d = facts->decision;
    Vouch__V1__Status *status = &draft->status;

    if (d->latest == NULL)
        return;
    vouch__v1__status__init(status);
    status->standing = d->standing;
    status->restriction = d->restriction;
    status->review = d->review;
    if (d->record != NULL) {
        status->raw_status = d->record->raw_status;
        status->raw_reason = d->record->raw_reason;
        status->inactive_reason = d->record->inactive_reason;
        status->good_past_end_date = d->record->good_past_end_date;
        draft->head.n_periods = d->record->n_periods;
        draft->head.periods = d->record->periods;
    }
    draft->head.status = status;
    draft->head.credential_type_id = d->latest->credential_type_id;
    draft->head.recognition = d->recognition;
}

static void
put_day(const struct verify_facts *facts, struct draft *draft)
{
    struct civil day = civil_of_day(facts->claim->day);

    vouch__v1__date__init(&draft->day);
    draft->day.year = day.year;
    draft->day.month = day.month;
    draft->day.day = day.day;
    draft->tail.as_of = &draft->day;
    draft->tail.projection = facts->claim->projection;
    draft->tail.answered_at_us = facts->answered_at_us;
    draft->tail.log_size = facts->log_size;
    draft->tail.name_fold_version = NAME_FOLD_VERSION;
}

/* What is said of the association, whoever was asked about. */
static void
put_association(const struct verify_facts *facts, struct draft *draft)
{
    const Vouch__V1__Association *association = facts->claim->association;
    Vouch__V1__Freshness *freshness = &draft->freshness;

    if (association == NULL)
        return;
    vouch__v1__freshness__init(freshness);
    freshness->state = facts->freshness;
    if (facts->source.known) {
        freshness->source_time_us = facts->source.source_time_us;
        freshness->received_at_us = facts->source.received_at_us;
    }
    freshness->max_age_seconds = association->max_age_seconds;
    draft->tail.freshness = freshness;
    draft->tail.utc_offset_minutes = association->utc_offset_minutes;
    draft->tail.association_name = association->name;
    draft->tail.designation = association->designation;
    if (facts->decision->conclusion != CONCLUSION_YES)
        draft->tail.contact = association->contact;
}

enum err
verify_answer_pack(const struct verify_facts *facts, struct buf *out)
{
    struct draft draft;
    enum err err;

    vouch__v1__answer__init(&draft.head);
    vouch__v1__answer__init(&draft.tail);
    put_decision(facts, &draft);
    put_record(facts, &draft);
    put_day(facts, &draft);
    put_association(facts, &draft);
    if ((err = message_pack(&draft.head.base, out)) != E_OK)
        return (err);
    if (facts->decision->latest != NULL &&
        (err = buf_add(out, facts->recognized.statements)) != E_OK)
        return (err);
    return (message_pack(&draft.tail.base, out));
}
