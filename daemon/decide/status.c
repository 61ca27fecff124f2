#include <stdint.h>
#include <string.h>

#include "decide/parts.h"

/* Whether something had begun by a day, as far as is known. */
enum begun { BEGUN_NO, BEGUN_MAYBE, BEGUN_YES };

/* What a status is judged by. */
struct judging {
    const struct decide_version *versions;
    size_t n;
    int32_t day;
    int32_t utc_offset_minutes;
    const struct decide_input *in;      /* its extensions */
};

/* The association's day on which the row of ${version} was taken. */
static int32_t
source_day(const struct judging *j, const struct decide_version *version)
{
    return (civil_day_at(version->event->source_time_us,
        j->utc_offset_minutes));
}

/*
 * Whether what is said to begin at ${from}, a whole date or not, had begun on
 * the day.  Within a month or year of which no more is known, it had when it
 * was ${said}: nobody says of what is to come that it is so.
 */
static enum begun
begun_by(struct civil from, int32_t said, int32_t day)
{
    int32_t first = civil_first_day(from);

    if (day < first)
        return (BEGUN_NO);
    if (day >= civil_last_day(from) || (said >= first && day >= said))
        return (BEGUN_YES);
    return (BEGUN_MAYBE);
}

/*
 * Whether the ${i}th version was in effect.  Without a day given by the
 * association it was when its row was taken, and perhaps since the word before
 * that.
 */
static enum begun
in_effect(const struct judging *j, size_t i)
{
    const struct decide_version *version = &j->versions[i];
    struct civil from = decide_date(version->event->effective_on);
    int32_t said = source_day(j, version);

    if (!civil_is_given(from))
        return (BEGUN_YES);
    if (!version->event->effective_on_assumed)
        return (begun_by(from, said, j->day));
    if (j->day >= said || j->day >= civil_first_day(from))
        return (BEGUN_YES);
    return (i == 0 || j->day > source_day(j, version - 1) ? BEGUN_MAYBE :
        BEGUN_NO);
}

/*
 * The order by which what ended on ${last} counts on the day; of several a
 * checked one, since no other makes a YES.
 */
static const Vouch__V1__Extension *
extension_of(const struct judging *j, const char *type, int32_t last)
{
    const Vouch__V1__Extension *found = NULL;
    size_t i;

    for (i = 0; i < j->in->nextensions; i++) {
        const Vouch__V1__Extension *x = j->in->extensions[i];

        if ((x->credential_type_id[0] != '\0' &&
            strcmp(x->credential_type_id, type) != 0) ||
            last < civil_first_day(decide_date(x->ended_from)) ||
            last > civil_last_day(decide_date(x->ended_until)) ||
            j->day > civil_last_day(decide_date(x->counts_until)))
            continue;
        if (found == NULL || found->confidence == CONFIDENCE(UNVERIFIED))
            found = x;
    }
    return (found);
}

/* What periods say of a day: the worst of them counts. */
enum period { PERIOD_IN, PERIOD_NOT_BEGUN, PERIOD_UNKNOWN, PERIOD_OVER };

/*
 * A period that begins after the day says that there was none on it only if
 * that day had come when it was said: there may have been one before it.
 */
static enum period
period_on(const Vouch__V1__ValidityPeriod *period, int32_t said, int32_t day)
{
    struct civil from = decide_date(period->valid_from);
    struct civil until = decide_date(period->valid_until);
    struct civil grace = decide_date(period->grace_until);
    enum begun begun = BEGUN_YES;
    int32_t last;

    if (civil_is_given(from))
        begun = begun_by(from, said, day);
    if (begun == BEGUN_NO)
        return (day < said ? PERIOD_UNKNOWN : PERIOD_NOT_BEGUN);
    if (begun == BEGUN_MAYBE)
        return (PERIOD_UNKNOWN);
    if (!civil_is_given(until))
        return (PERIOD_IN);
    last = civil_last_day(until);
    if (civil_is_given(grace) && civil_last_day(grace) > last)
        last = civil_last_day(grace);
    return (day > last ? PERIOD_OVER : PERIOD_IN);
}

/*
 * An order extends what is over; ${*extension} is then the order, and stays one
 * that nobody checked.
 */
static enum period
extended_on(const struct judging *j, const char *type,
    const Vouch__V1__ValidityPeriod *period,
    const Vouch__V1__Extension **extension)
{
    const Vouch__V1__Extension *found = extension_of(j, type,
        civil_last_day(decide_date(period->valid_until)));

    if (found == NULL)
        return (PERIOD_OVER);
    if (*extension == NULL ||
        (*extension)->confidence != CONFIDENCE(UNVERIFIED))
        *extension = found;
    return (found->confidence == CONFIDENCE(UNVERIFIED) ? PERIOD_UNKNOWN :
        PERIOD_IN);
}

static enum period
periods_on(const struct judging *j, const Vouch__V1__CredentialRecord *record,
    int32_t said, const Vouch__V1__Extension **extension)
{
    enum period worst = PERIOD_IN, one;
    size_t i;

    *extension = NULL;
    for (i = 0; i < record->n_periods; i++) {
        one = period_on(record->periods[i], said, j->day);
        if (one == PERIOD_OVER && record->good_past_end_date)
            continue;
        if (one == PERIOD_OVER)
            one = extended_on(j, record->credential_type_id,
                record->periods[i], extension);
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

/* Nothing is known of the day, or nothing that is understood. */
static void
set_unknown(struct decide_status *status)
{
    status->standing = STANDING(UNKNOWN);
    status->known = DECIDE_STANDING_UNKNOWN;
    because(status, REASON(STANDING_UNKNOWN));
}

static void
set_nothing(struct decide_status *status)
{
    memset(status, 0, sizeof(*status));
    status->restriction = RESTRICTION(NONE);
    status->review = REVIEW_OF(NONE);
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
        set_unknown(status);
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

static void
judge_periods(const struct judging *j, struct decide_status *status,
    int32_t said)
{
    const Vouch__V1__Extension *extension;

    switch (periods_on(j, status->record, said, &extension)) {
    case PERIOD_IN:
        status->extension = extension;
        break;
    case PERIOD_NOT_BEGUN:
        because(status, REASON(OUT_OF_PERIOD));
        break;
    case PERIOD_UNKNOWN:
        set_unknown(status);
        break;
    case PERIOD_OVER:
        because(status, REASON(OUT_OF_PERIOD));
        status->standing = STANDING(EXPIRED);
        break;
    }
}

/*
 * An issuer that calls expired what has ended says no more than the date does,
 * and an order that extends the date extends this too.
 */
static void
judge_expired(const struct judging *j, struct decide_status *status,
    int32_t said)
{
    const Vouch__V1__Extension *extension;

    if (status->standing != STANDING(EXPIRED) || j->in->nextensions == 0)
        return;
    switch (periods_on(j, status->record, said, &extension)) {
    case PERIOD_IN:
        if (extension != NULL)
            status->standing = STANDING(ACTIVE);
        break;
    case PERIOD_UNKNOWN:
        if (extension != NULL &&
            extension->confidence == CONFIDENCE(UNVERIFIED))
            status->standing = STANDING(UNKNOWN);
        break;
    default:
        break;
    }
}

/* The status on the day, were the ${i}th version in effect. */
static void
judge(const struct judging *j, size_t i, struct decide_status *status)
{
    const Vouch__V1__CredentialRecord *record = j->versions[i].event->record;
    int32_t said = source_day(j, &j->versions[i]);

    set_nothing(status);
    status->in_force = 1;
    status->record = record;
    status->standing = record->standing;
    if (record->restriction != RESTRICTION(UNSPECIFIED))
        status->restriction = record->restriction;
    if (record->review != REVIEW_OF(UNSPECIFIED))
        status->review = record->review;

    judge_expired(j, status, said);
    judge_standing(status);
    if (status->restriction == RESTRICTION(SUSPENDED))
        because(status, REASON(SUSPENDED));
    if (status->standing == STANDING(ACTIVE) ||
        status->standing == STANDING(PROVISIONAL))
        judge_periods(j, status, said);
    /* otherwise the issuer's word says more than the dates */
}

/* Whether the ${i}th version would tell something else than ${status}. */
static int
differs(const struct judging *j, size_t i, const struct decide_status *status)
{
    struct decide_status other;

    judge(j, i, &other);
    return (other.in_force != status->in_force ||
        other.standing != status->standing || other.known != status->known ||
        other.restriction != status->restriction ||
        other.review != status->review);
}

/*
 * What was announced for a day to come, and before that day had come another
 * row said what was so until then: the row did not take it back.  Of several
 * the one announced last counts.
 */
static int
is_announced_otherwise(const struct judging *j, size_t found,
    const struct decide_status *status)
{
    struct civil from, since =
        decide_date(j->versions[found].event->effective_on);
    int32_t said = source_day(j, &j->versions[found]), first;
    size_t i;

    for (i = found; i-- > 0; ) {
        from = decide_date(j->versions[i].event->effective_on);
        if (!civil_is_given(from) ||
            j->versions[i].event->effective_on_assumed)
            continue;
        first = civil_first_day(from);
        if (first <= j->day && first > said && civil_is_given(since) &&
            first > civil_first_day(since))
            return (differs(j, i, status));
    }
    return (0);
}

/*
 * Each version says what is so from its day on, as the association knew when
 * it said it; so of those that had begun the one said last counts, even if an
 * earlier one begins later: a revocation with effect from before the last
 * renewal must not be outlived by that renewal.  Where one may have begun or
 * not, and that makes a difference, nobody knows.
 */
static int
find_status(const struct judging *j, struct decide_status *status)
{
    size_t i, k;

    for (i = j->n; i-- > 0 && in_effect(j, i) != BEGUN_YES; )
        continue;
    if (i == SIZE_MAX)
        return (0);
    judge(j, i, status);
    for (k = i + 1; k < j->n; k++)
        if (in_effect(j, k) == BEGUN_MAYBE && differs(j, k, status))
            return (0);
    return (!is_announced_otherwise(j, i, status));
}

void
decide_status(const struct decide_input *in,
    const struct decide_version *versions, size_t n,
    struct decide_status *status)
{
    const struct judging j = {versions, n, in->claim->day,
        in->claim->association->utc_offset_minutes, in};
    struct civil issued_on =
        decide_date(versions[n - 1].event->record->issued_on);
    enum begun issued = BEGUN_YES;

    if (civil_is_given(issued_on))
        issued = begun_by(issued_on, source_day(&j, &versions[0]), j.day);
    if (issued == BEGUN_YES && find_status(&j, status))
        return;
    set_nothing(status);
    if (issued == BEGUN_NO)
        because(status, REASON(BEFORE_ISSUE));
    else
        set_unknown(status);
}
