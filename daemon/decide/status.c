#include <string.h>

#include "decide/parts.h"

/*
 * The event in effect on ${day}.  Each says what is so from its day on, as the
 * association knew when it said it; so of those that have begun the one said
 * last counts, even if an earlier one begins later: a revocation with effect
 * from before the last renewal must not be outlived by that renewal.
 */
static const Vouch__V1__Event *
in_effect(const struct decide_version *versions, size_t n, int32_t day)
{
    struct civil from;

    while (n-- > 0) {               /* log indexes grow */
        from = decide_date(versions[n].event->effective_on);
        if (!civil_is_given(from) || civil_first_day(from) <= day)
            return (versions[n].event);
    }
    return (NULL);
}

/* What periods say of a day. */
enum period { PERIOD_IN, PERIOD_NOT_BEGUN, PERIOD_OVER };

static enum period
period_on(const Vouch__V1__ValidityPeriod *period, int32_t day)
{
    struct civil from = decide_date(period->valid_from);
    struct civil until = decide_date(period->valid_until);
    struct civil grace = decide_date(period->grace_until);
    int32_t last;

    if (civil_is_given(from) && day < civil_first_day(from))
        return (PERIOD_NOT_BEGUN);
    if (!civil_is_given(until))
        return (PERIOD_IN);
    last = civil_last_day(until);
    if (civil_is_given(grace) && civil_last_day(grace) > last)
        last = civil_last_day(grace);
    return (day > last ? PERIOD_OVER : PERIOD_IN);
}

static enum period
periods_on(const Vouch__V1__CredentialRecord *record, int32_t day)
{
    enum period worst = PERIOD_IN, one;
    size_t i;

    for (i = 0; i < record->n_periods; i++) {
        one = period_on(record->periods[i], day);
        if (one == PERIOD_OVER && record->good_past_end_date)
            continue;
        if (one > worst)
            worst = one;
    }
    return (worst);
}

static void
because(struct decide_status *status, Vouch__V1__Reason reason)
{
    status->in_force = 0;
    status->reasons[status->nreasons++] = reason;
}

static void
judge_standing(struct decide_status *status)
{
    switch (status->standing) {
    case STANDING(ACTIVE):
    case STANDING(PROVISIONAL):
        break;
    case STANDING(UNSPECIFIED):
    case STANDING(UNKNOWN):
        status->standing = STANDING(UNKNOWN);
        status->known = DECIDE_STANDING_UNKNOWN;
        because(status, REASON(STANDING_UNKNOWN));
        break;
    case STANDING(NOT_LISTED):
        status->known = DECIDE_STANDING_NOT_LISTED;
        because(status, REASON(NOT_LISTED));
        break;
    default:
        because(status, REASON(STANDING));
        break;
    }
}

/* No event is in effect: either it did not exist yet, or nobody knows. */
static void
judge_nothing(const struct decide_version *versions, int issue_known,
    struct decide_status *status)
{
    if (issue_known || versions[0].event->effective_on_assumed) {
        status->standing = STANDING(UNKNOWN);
        judge_standing(status);
    } else {
        because(status, REASON(BEFORE_ISSUE));
    }
}

void
decide_status(const struct decide_version *versions, size_t n, int32_t day,
    struct decide_status *status)
{
    const Vouch__V1__Event *event = in_effect(versions, n, day);
    struct civil issued_on =
        decide_date(versions[n - 1].event->record->issued_on);
    enum period period;

    memset(status, 0, sizeof(*status));
    status->in_force = 1;
    status->restriction = RESTRICTION(NONE);
    status->review = REVIEW_OF(NONE);

    if (civil_is_given(issued_on) && day < civil_first_day(issued_on)) {
        because(status, REASON(BEFORE_ISSUE));
        return;
    }
    if (event == NULL) {
        judge_nothing(versions, civil_is_given(issued_on), status);
        return;
    }

    status->record = event->record;
    status->standing = event->record->standing;
    if (event->record->restriction != RESTRICTION(UNSPECIFIED))
        status->restriction = event->record->restriction;
    if (event->record->review != REVIEW_OF(UNSPECIFIED))
        status->review = event->record->review;

    judge_standing(status);
    if (status->restriction == RESTRICTION(SUSPENDED))
        because(status, REASON(SUSPENDED));
    if (status->standing != STANDING(ACTIVE) &&
        status->standing != STANDING(PROVISIONAL))
        return;     /* the issuer's word says more than the dates */
    period = periods_on(event->record, day);
    if (period != PERIOD_IN)
        because(status, REASON(OUT_OF_PERIOD));
    if (period == PERIOD_OVER)
        status->standing = STANDING(EXPIRED);
}
