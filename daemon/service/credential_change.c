/* What happened to a credential, and since when. */

#include <string.h>

#include "service/credential.h"
#include "service/publish_row.h"

static int
status_changed(const Vouch__V1__CredentialRecord *a,
    const Vouch__V1__CredentialRecord *b)
{
    return (a->standing != b->standing ||
        a->inactive_reason != b->inactive_reason ||
        a->restriction != b->restriction || a->review != b->review ||
        a->good_past_end_date != b->good_past_end_date);
}

/* Whether ${b} is a later day than ${a}; without an end is the latest. */
static int
is_later(const Vouch__V1__Date *a, const Vouch__V1__Date *b)
{
    struct civil before = publish_row_date(a);
    struct civil after = publish_row_date(b);

    if (!civil_is_given(before))
        return (0);
    return (!civil_is_given(after) ||
        civil_last_day(after) > civil_last_day(before));
}

static const Vouch__V1__ValidityPeriod *
period_of(const Vouch__V1__CredentialRecord *record,
    Vouch__V1__PeriodKind kind)
{
    size_t i;

    for (i = 0; i < record->n_periods; i++)
        if (record->periods[i]->kind == kind)
            return (record->periods[i]);
    return (NULL);
}

static int
was_extended(const Vouch__V1__CredentialRecord *a,
    const Vouch__V1__CredentialRecord *b)
{
    const Vouch__V1__ValidityPeriod *before;
    const Vouch__V1__ValidityPeriod *after;
    size_t i;

    for (i = 0; i < b->n_periods; i++) {
        after = b->periods[i];
        if ((before = period_of(a, after->kind)) == NULL)
            continue;
        if (is_later(before->valid_until, after->valid_until))
            return (1);
        if (before->grace_until != NULL && after->grace_until != NULL &&
            is_later(before->grace_until, after->grace_until))
            return (1);
    }
    return (0);
}

static int
name_changed(const Vouch__V1__CredentialRecord *a,
    const Vouch__V1__CredentialRecord *b)
{
    const Vouch__V1__HumanName *before = a->names[0]->name;
    const Vouch__V1__HumanName *after = b->names[0]->name;

    return (strcmp(before->family, after->family) != 0 ||
        strcmp(before->given, after->given) != 0 ||
        strcmp(before->middle, after->middle) != 0 ||
        strcmp(before->suffix, after->suffix) != 0);
}

Vouch__V1__EventKind
credential_event_kind(const Vouch__V1__CredentialRecord *previous,
    const Vouch__V1__CredentialRecord *record)
{
    if (previous == NULL)
        return (VOUCH__V1__EVENT_KIND__EVENT_KIND_ISSUED);
    if (status_changed(previous, record))
        return (VOUCH__V1__EVENT_KIND__EVENT_KIND_STATUS_CHANGED);
    if (was_extended(previous, record))
        return (VOUCH__V1__EVENT_KIND__EVENT_KIND_RENEWED);
    if (name_changed(previous, record))
        return (VOUCH__V1__EVENT_KIND__EVENT_KIND_NAME_CHANGED);
    return (VOUCH__V1__EVENT_KIND__EVENT_KIND_CORRECTED);
}

static struct civil
earliest_begin(const Vouch__V1__CredentialRow *row)
{
    struct civil earliest = {0};
    size_t i;

    for (i = 0; i < row->n_periods; i++) {
        struct civil from = publish_row_date(row->periods[i]->valid_from);

        if (!civil_is_given(from))
            continue;
        if (!civil_is_given(earliest) ||
            civil_first_day(from) < civil_first_day(earliest))
            earliest = from;
    }
    return (earliest);
}

/*
 * A good standing may be taken to have been so since the issue.  Nothing else
 * may: who is revoked or expired today was not so from the first day.
 */
static int
is_good(const Vouch__V1__CredentialRecord *record)
{
    return ((record->standing == VOUCH__V1__STANDING__STANDING_ACTIVE ||
        record->standing == VOUCH__V1__STANDING__STANDING_PROVISIONAL) &&
        record->restriction == VOUCH__V1__RESTRICTION__RESTRICTION_NONE);
}

struct civil
credential_effective_on(const Vouch__V1__CredentialRow *row,
    const Vouch__V1__CredentialRecord *first, struct civil today, int *assumed)
{
    struct civil date = publish_row_date(row->effective_on);

    *assumed = 0;
    if (!civil_is_given(date) && first != NULL && is_good(first))
        date = publish_row_date(row->issued_on);
    if (!civil_is_given(date) && first != NULL && is_good(first))
        date = earliest_begin(row);
    if (civil_is_given(date))
        return (date);
    *assumed = 1;
    return (today);
}

int
credential_other_day(const Vouch__V1__CredentialRow *row,
    const Vouch__V1__Event *last)
{
    struct civil now = publish_row_date(row->effective_on);
    struct civil before = publish_row_date(last->effective_on);

    return (civil_is_given(now) && (last->effective_on_assumed ||
        now.year != before.year || now.month != before.month ||
        now.day != before.day));
}
