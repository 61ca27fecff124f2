#include "service/verify_answer.h"

#include <string.h>

#include "proto/name_fold.h"
#include "service/verify_put.h"

#define CONCLUSION_YES VOUCH__V1__CONCLUSION__CONCLUSION_YES

/*
 * Every verification writes an answer, so it is written by hand: a fifth of
 * the work of message_pack(), which the tests hold it to.  These are the
 * numbers of verification.proto and types.proto.
 */
enum {
    PERIOD_KIND = 1, PERIOD_VALID_FROM, PERIOD_VALID_UNTIL, PERIOD_GRACE_UNTIL
};
enum {
    COMPARED_FACTOR = 1, COMPARED_COMPARISON
};
enum {
    STATUS_RAW_STATUS = 1, STATUS_RAW_REASON, STATUS_STANDING,
    STATUS_INACTIVE_REASON, STATUS_RESTRICTION, STATUS_REVIEW,
    STATUS_GOOD_PAST_END_DATE
};
enum {
    FRESHNESS_STATE = 1, FRESHNESS_SOURCE_TIME, FRESHNESS_RECEIVED_AT,
    FRESHNESS_MAX_AGE
};
enum {
    ANSWER_VERDICT = 1, ANSWER_CONCLUSION, ANSWER_REASONS, ANSWER_FACTORS,
    ANSWER_FORMER_NAME_MATCHED, ANSWER_STATUS, ANSWER_PERIODS,
    ANSWER_CREDENTIAL_TYPE_ID, ANSWER_RECOGNITION, ANSWER_RECOGNITIONS,
    ANSWER_FRESHNESS, ANSWER_AS_OF, ANSWER_PROJECTION, ANSWER_ANSWERED_AT,
    ANSWER_UTC_OFFSET_MINUTES, ANSWER_ASSOCIATION_NAME, ANSWER_DESIGNATION,
    ANSWER_INNOCENT_CAUSES, ANSWER_CONTACT, ANSWER_LOG_SIZE,
    ANSWER_NAME_FOLD_VERSION, ANSWER_EXTENSION, ANSWER_NOT_ESTABLISHED
};
enum {
    EXTENSION_ORDER = 1, EXTENSION_COUNTS_UNTIL, EXTENSION_SOURCE
};

/* What all numbers, and what each period, take at most. */
#define NUMBERS_MAX ((size_t)2048)
#define PERIOD_MAX ((size_t)256)

_Static_assert(NUMBERS_MAX > (DECIDE_REASONS + DECIDE_CAUSES +
    3 * DECIDE_FACTORS + 40) * (size_t)WIRE_PUT_NUMBER_MAX,
    "room for every number");
_Static_assert(PERIOD_MAX > (size_t)15 * WIRE_PUT_NUMBER_MAX,
    "room for a period");

/* ---- the fields, in number order ---------------------------------------- */

/* Packed: numbers without tags. */
static uint8_t *
put_reasons(uint8_t *p, const struct decision *d)
{
    uint8_t *begin;
    size_t i;

    if (d->nreasons == 0)
        return (p);
    begin = p = wire_put_begin(p, ANSWER_REASONS);
    for (i = 0; i < d->nreasons; i++)
        p = wire_put_varint(p, (uint64_t)d->reasons[i]);
    return (wire_put_end(begin, p));
}

static uint8_t *
put_causes(uint8_t *p, const struct decision *d)
{
    uint8_t *begin;
    size_t i;

    if (d->ncauses == 0)
        return (p);
    begin = p = wire_put_begin(p, ANSWER_INNOCENT_CAUSES);
    for (i = 0; i < d->ncauses; i++)
        p = wire_put_varint(p, (uint64_t)d->causes[i]);
    return (wire_put_end(begin, p));
}

static uint8_t *
put_factors(uint8_t *p, const struct decision *d)
{
    uint8_t *begin;
    size_t i;

    for (i = 0; i < d->nfactors; i++) {
        begin = p = wire_put_begin(p, ANSWER_FACTORS);
        p = put_int(p, COMPARED_FACTOR, d->factors[i].factor);
        p = put_int(p, COMPARED_COMPARISON, d->factors[i].comparison);
        p = wire_put_end(begin, p);
    }
    return (p);
}

static uint8_t *
put_status(uint8_t *p, const struct decision *d)
{
    const Vouch__V1__CredentialRecord *record = d->record;
    uint8_t *const start = p;
    uint8_t *begin = p = wire_put_begin(p, ANSWER_STATUS);

    if (record != NULL) {
        p = put_text(p, STATUS_RAW_STATUS, record->raw_status);
        p = put_text(p, STATUS_RAW_REASON, record->raw_reason);
    }
    p = put_int(p, STATUS_STANDING, d->standing);
    if (record != NULL)
        p = put_int(p, STATUS_INACTIVE_REASON, record->inactive_reason);
    p = put_int(p, STATUS_RESTRICTION, d->restriction);
    p = put_int(p, STATUS_REVIEW, d->review);
    if (record != NULL)
        p = put_int(p, STATUS_GOOD_PAST_END_DATE,
            record->good_past_end_date != 0);
    return (put_end(start, begin, p));
}

static uint8_t *
put_periods(uint8_t *p, const Vouch__V1__CredentialRecord *record)
{
    uint8_t *start, *begin;
    size_t i;

    for (i = 0; record != NULL && i < record->n_periods; i++) {
        const Vouch__V1__ValidityPeriod *period = record->periods[i];

        start = p;
        begin = p = wire_put_begin(p, ANSWER_PERIODS);
        p = put_int(p, PERIOD_KIND, period->kind);
        p = put_date(p, PERIOD_VALID_FROM, period->valid_from);
        p = put_date(p, PERIOD_VALID_UNTIL, period->valid_until);
        p = put_date(p, PERIOD_GRACE_UNTIL, period->grace_until);
        p = put_end(start, begin, p);
    }
    return (p);
}

/* What is on file: told only when the whole claim was right. */
static uint8_t *
put_record(uint8_t *p, const struct verify_facts *facts)
{
    const struct decision *d = facts->decision;
    struct slice statements = facts->recognized.statements;

    if (d->latest == NULL)
        return (p);
    p = put_status(p, d);
    p = put_periods(p, d->record);
    p = put_text(p, ANSWER_CREDENTIAL_TYPE_ID, d->latest->credential_type_id);
    p = put_int(p, ANSWER_RECOGNITION, d->recognition);
    if (statements.n > 0)       /* ANSWER_RECOGNITIONS, packed already */
        memcpy(p, statements.p, statements.n);
    return (p + statements.n);
}

static uint8_t *
put_freshness(uint8_t *p, const struct verify_facts *facts)
{
    uint8_t *begin = p = wire_put_begin(p, ANSWER_FRESHNESS);

    p = put_int(p, FRESHNESS_STATE, facts->freshness);
    if (facts->source.known) {
        p = put_int(p, FRESHNESS_SOURCE_TIME, facts->source.source_time_us);
        p = put_int(p, FRESHNESS_RECEIVED_AT, facts->source.received_at_us);
    }
    p = put_int(p, FRESHNESS_MAX_AGE,
        facts->claim->association->max_age_seconds);
    return (wire_put_end(begin, p));
}

/* What is said of the association is said whoever was asked about. */
static uint8_t *
put_rest(uint8_t *p, const struct verify_facts *facts)
{
    const Vouch__V1__Association *a = facts->claim->association;
    const struct decision *d = facts->decision;

    if (a != NULL)
        p = put_freshness(p, facts);
    p = put_civil(p, ANSWER_AS_OF, civil_of_day(facts->claim->day));
    p = put_int(p, ANSWER_PROJECTION, facts->claim->projection != 0);
    p = put_int(p, ANSWER_ANSWERED_AT, facts->answered_at_us);
    if (a != NULL) {
        p = put_int(p, ANSWER_UTC_OFFSET_MINUTES, a->utc_offset_minutes);
        p = put_text(p, ANSWER_ASSOCIATION_NAME, a->name);
        p = put_text(p, ANSWER_DESIGNATION, a->designation);
    }
    p = put_causes(p, d);
    if (a != NULL && d->conclusion != CONCLUSION_YES)
        p = put_text(p, ANSWER_CONTACT, a->contact);
    p = put_int(p, ANSWER_LOG_SIZE, facts->log_size);
    return (put_int(p, ANSWER_NAME_FOLD_VERSION, NAME_FOLD_VERSION));
}

static uint8_t *
put_extension(uint8_t *p, const Vouch__V1__Extension *extension)
{
    uint8_t *begin;

    if (extension == NULL)
        return (p);
    begin = p = wire_put_begin(p, ANSWER_EXTENSION);
    p = put_text(p, EXTENSION_ORDER, extension->order);
    p = put_date(p, EXTENSION_COUNTS_UNTIL, extension->counts_until);
    p = put_text(p, EXTENSION_SOURCE, extension->source);
    return (wire_put_end(begin, p));
}

/* What no answer establishes, and what none of those that found nothing. */
static uint8_t *
put_not_established(uint8_t *p, Vouch__V1__Verdict verdict)
{
    static const uint8_t always[] = {
        VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_IDENTITY,
        VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_CLIA_EDUCATION,
        VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_STATE_REQUIREMENT,
        VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_LATER_CHANGE,
        VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_OTHER_SOURCES,
    };
    uint8_t *begin = p = wire_put_begin(p, ANSWER_NOT_ESTABLISHED);

    memcpy(p, always, sizeof(always));      /* varints of one byte */
    p += sizeof(always);
    if (verdict == VOUCH__V1__VERDICT__VERDICT_NO_MATCH ||
        verdict == VOUCH__V1__VERDICT__VERDICT_UNKNOWN_ISSUER)
        *p++ = VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_ABSENCE;
    return (wire_put_end(begin, p));
}

/* ---- the whole ----------------------------------------------------------- */

/* How many bytes it takes at most. */
static size_t
answer_max(const struct verify_facts *facts)
{
    const Vouch__V1__Association *a = facts->claim->association;
    const struct decision *d = facts->decision;
    size_t n = NUMBERS_MAX;

    if (a != NULL)
        n += put_text_max(a->name) + put_text_max(a->designation) +
            put_text_max(a->contact);
    if (d->latest != NULL)
        n += put_text_max(d->latest->credential_type_id) +
            facts->recognized.statements.n;
    if (d->latest != NULL && d->record != NULL)
        n += put_text_max(d->record->raw_status) +
            put_text_max(d->record->raw_reason) +
            d->record->n_periods * PERIOD_MAX;
    if (d->extension != NULL)
        n += put_text_max(d->extension->order) +
            put_text_max(d->extension->source) + PERIOD_MAX;
    return (n);
}

enum err
verify_answer_pack(const struct verify_facts *facts, struct buf *out)
{
    const struct decision *d = facts->decision;
    uint8_t *p;
    enum err err;

    if ((err = buf_reserve(out, answer_max(facts))) != E_OK)
        return (err);
    p = out->p + out->n;
    p = put_int(p, ANSWER_VERDICT, d->verdict);
    p = put_int(p, ANSWER_CONCLUSION, d->conclusion);
    p = put_reasons(p, d);
    p = put_factors(p, d);
    p = put_int(p, ANSWER_FORMER_NAME_MATCHED, d->former_name_matched != 0);
    p = put_record(p, facts);
    p = put_rest(p, facts);
    p = put_extension(p, d->extension);
    p = put_not_established(p, d->verdict);
    out->n = (size_t)(p - out->p);
    return (E_OK);
}
