#include "decide/parts.h"

/* ---- the published table ---------------------------------------------- */

#define ANY (-1)

/*
 * docs/conclusion.md is this table for people, and a test reads it there.  The
 * first row that matches counts.
 */
static const struct row {
    int verdict;
    int recognition;
    int freshness;
    int restriction;
    int review;
    int standing;
    int projection;
    Vouch__V1__Conclusion conclusion;
    Vouch__V1__Reason reason;       /* UNSPECIFIED: the verdict's own */
} rows[] = {
    {VERDICT(UNKNOWN_ISSUER), ANY, ANY, ANY, ANY, ANY, ANY,
        CONCLUSION(REVIEW), REASON(UNSPECIFIED)},
    {VERDICT(NO_MATCH), ANY, ANY, ANY, ANY, ANY, ANY,
        CONCLUSION(REVIEW), REASON(UNSPECIFIED)},
    {VERDICT(AMBIGUOUS), ANY, ANY, ANY, ANY, ANY, ANY,
        CONCLUSION(REVIEW), REASON(UNSPECIFIED)},
    {ANY, ANY, FRESHNESS(NEVER), ANY, ANY, ANY, ANY,
        CONCLUSION(REVIEW), REASON(NEVER_PUBLISHED)},
    {ANY, ANY, FRESHNESS(STALE), ANY, ANY, ANY, ANY,
        CONCLUSION(REVIEW), REASON(STALE)},
    {ANY, ANY, ANY, ANY, ANY, ANY, 1,
        CONCLUSION(REVIEW), REASON(PROJECTION)},
    {ANY, ANY, ANY, ANY, REVIEW_OF(DISPUTED), ANY, ANY,
        CONCLUSION(REVIEW), REASON(DISPUTED)},
    {VERDICT(MISMATCH), ANY, ANY, ANY, ANY, ANY, ANY,
        CONCLUSION(NO), REASON(UNSPECIFIED)},
    {ANY, ANY, ANY, ANY, ANY, DECIDE_STANDING_UNKNOWN, ANY,
        CONCLUSION(REVIEW), REASON(STANDING_UNKNOWN)},
    {ANY, ANY, ANY, ANY, ANY, DECIDE_STANDING_NOT_LISTED, ANY,
        CONCLUSION(REVIEW), REASON(NOT_LISTED)},
    {VERDICT(NOT_CURRENT), ANY, ANY, ANY, ANY, ANY, ANY,
        CONCLUSION(NO), REASON(UNSPECIFIED)},
    {VERDICT(CONFIRMED), RECOGNITION(NOT_RECOGNIZED), ANY, ANY, ANY, ANY, ANY,
        CONCLUSION(NO), REASON(NOT_RECOGNIZED)},
    {VERDICT(CONFIRMED), RECOGNITION(UNKNOWN), ANY, ANY, ANY, ANY, ANY,
        CONCLUSION(REVIEW), REASON(RECOGNITION_UNKNOWN)},
    {VERDICT(CONFIRMED), ANY, ANY, RESTRICTION(SUSPENDED), ANY, ANY, ANY,
        CONCLUSION(REVIEW), REASON(SUSPENDED)},
    {VERDICT(CONFIRMED), ANY, ANY, RESTRICTION(CONDITIONS), ANY, ANY, ANY,
        CONCLUSION(REVIEW), REASON(CONDITIONS)},
    {VERDICT(CONFIRMED), ANY, ANY, ANY, REVIEW_OF(UNDER_INVESTIGATION), ANY,
        ANY, CONCLUSION(REVIEW), REASON(UNDER_INVESTIGATION)},
    {VERDICT(CONFIRMED), RECOGNITION(RECOGNIZED), FRESHNESS(FRESH),
        RESTRICTION(NONE), REVIEW_OF(NONE), DECIDE_STANDING_STATED, 0,
        CONCLUSION(YES), REASON(IN_GOOD_STANDING)},
};

static int
fits(int of_row, int of_cell)
{
    return (of_row == ANY || of_row == of_cell);
}

Vouch__V1__Conclusion
decide_conclusion(const struct decide_cell *cell, Vouch__V1__Reason *reason)
{
    const struct row *r;

    for (r = rows; r < rows + sizeof(rows) / sizeof(rows[0]); r++) {
        if (fits(r->verdict, (int)cell->verdict) &&
            fits(r->recognition, (int)cell->recognition) &&
            fits(r->freshness, (int)cell->freshness) &&
            fits(r->restriction, (int)cell->restriction) &&
            fits(r->review, (int)cell->review) &&
            fits(r->standing, (int)cell->standing) &&
            fits(r->projection, cell->projection != 0)) {
            *reason = r->reason;
            return (r->conclusion);
        }
    }
    *reason = REASON(UNSPECIFIED);
    return (CONCLUSION(REVIEW));
}

Vouch__V1__FreshnessState
decide_freshness(int known, int64_t source_time_us, int64_t now_us,
    int64_t max_age_seconds)
{
    int64_t age_us;

    if (!known)
        return (FRESHNESS(NEVER));
    if (source_time_us >= now_us)
        return (FRESHNESS(FRESH));
    if (__builtin_sub_overflow(now_us, source_time_us, &age_us))
        return (FRESHNESS(STALE));
    /* Rounded up, so that a microsecond too old is too old. */
    return (age_us / 1000000 + (age_us % 1000000 != 0) <= max_age_seconds ?
        FRESHNESS(FRESH) : FRESHNESS(STALE));
}

/* ---- why -------------------------------------------------------------- */

/* Innocent explanations of each reason, the likeliest first; some have none. */
#define CAUSES_OF_ONE 6
#define REASON_COUNT (REASON(PROJECTION) + 1)

static const Vouch__V1__InnocentCause causes[REASON_COUNT][CAUSES_OF_ONE] = {
    [REASON(UNKNOWN_ISSUER)] = {CAUSE(OTHER_ISSUER),
        CAUSE(CATALOG_INCOMPLETE)},
    [REASON(NO_MATCH)] = {CAUSE(NUMBER_MISTYPED), CAUSE(NAME_DIFFERS),
        CAUSE(FACTOR_DIFFERS), CAUSE(FACTOR_NOT_ON_FILE),
        CAUSE(NOT_PUBLISHED_YET), CAUSE(OTHER_ISSUER)},
    [REASON(AMBIGUOUS)] = {CAUSE(SEVERAL_RECORDS)},
    [REASON(FIELD_MISMATCH)] = {CAUSE(FACTOR_DIFFERS),
        CAUSE(NOT_PUBLISHED_YET)},
    [REASON(STANDING)] = {CAUSE(RENEWAL_UNDER_WAY)},
    [REASON(OUT_OF_PERIOD)] = {CAUSE(RENEWAL_UNDER_WAY)},
    [REASON(STANDING_UNKNOWN)] = {CAUSE(NOT_PUBLISHED_YET)},
    [REASON(NOT_LISTED)] = {CAUSE(RENEWAL_UNDER_WAY),
        CAUSE(PUBLICATION_LATE)},
    [REASON(NOT_RECOGNIZED)] = {CAUSE(CATALOG_INCOMPLETE)},
    [REASON(RECOGNITION_UNKNOWN)] = {CAUSE(CATALOG_INCOMPLETE)},
    [REASON(STALE)] = {CAUSE(PUBLICATION_LATE)},
    [REASON(NEVER_PUBLISHED)] = {CAUSE(PUBLICATION_LATE)},
    [REASON(UNDER_INVESTIGATION)] = {CAUSE(UNDECIDED)},
    [REASON(DISPUTED)] = {CAUSE(UNDECIDED)},
};

static void
add_reason(struct decision *d, Vouch__V1__Reason reason)
{
    size_t i;

    for (i = 0; i < d->nreasons; i++)
        if (d->reasons[i] == reason)
            return;
    if (reason != REASON(UNSPECIFIED) && d->nreasons < DECIDE_REASONS)
        d->reasons[d->nreasons++] = reason;
}

static void
add_cause(struct decision *d, Vouch__V1__InnocentCause cause)
{
    size_t i;

    for (i = 0; i < d->ncauses; i++)
        if (d->causes[i] == cause)
            return;
    if (cause != CAUSE(UNSPECIFIED) && d->ncauses < DECIDE_CAUSES)
        d->causes[d->ncauses++] = cause;
}

/* What else speaks against a YES, the weightiest first. */
static void
add_others(struct decision *d, const struct decide_cell *cell)
{
    if (cell->recognition == RECOGNITION(NOT_RECOGNIZED))
        add_reason(d, REASON(NOT_RECOGNIZED));
    if (cell->recognition == RECOGNITION(UNKNOWN))
        add_reason(d, REASON(RECOGNITION_UNKNOWN));
    if (cell->freshness == FRESHNESS(NEVER))
        add_reason(d, REASON(NEVER_PUBLISHED));
    if (cell->freshness == FRESHNESS(STALE))
        add_reason(d, REASON(STALE));
    if (cell->restriction == RESTRICTION(CONDITIONS))
        add_reason(d, REASON(CONDITIONS));
    if (cell->review == REVIEW_OF(UNDER_INVESTIGATION))
        add_reason(d, REASON(UNDER_INVESTIGATION));
    if (cell->review == REVIEW_OF(DISPUTED))
        add_reason(d, REASON(DISPUTED));
    if (cell->projection)
        add_reason(d, REASON(PROJECTION));
}

void
decide_explain(struct decision *d, const struct decide_cell *cell,
    const Vouch__V1__Reason *found, size_t n)
{
    Vouch__V1__Reason deciding;
    size_t i, k;

    d->conclusion = decide_conclusion(cell, &deciding);
    add_reason(d, deciding);
    for (i = 0; i < n; i++)
        add_reason(d, found[i]);
    add_others(d, cell);
    if (d->conclusion != CONCLUSION(REVIEW))
        return;
    for (i = 0; i < d->nreasons; i++)
        for (k = 0; k < CAUSES_OF_ONE; k++)
            add_cause(d, causes[d->reasons[i]][k]);
}
