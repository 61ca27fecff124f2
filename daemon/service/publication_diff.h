#ifndef SERVICE_PUBLICATION_DIFF_H
#define SERVICE_PUBLICATION_DIFF_H

/*
 * What a dry run would have changed, told from the last event of each
 * credential and its record after: counts, samples and surprises.  Its size
 * does not depend on the upload's.
 */

#include "proto/err.h"

#include "vouch/v1/log_entry.pb-c.h"
#include "vouch/v1/publishing_service.pb-c.h"

/* Opaque types. */
struct publication_diff;

/**
 * publication_diff_create(diff):
 * Begin one.  The caller owns ${*diff}; free with publication_diff_free().
 *
 * Fails: E_NOMEM.  On failure ${*diff} is NULL.
 */
enum err MUST_USE publication_diff_create(struct publication_diff **diff);

/**
 * publication_diff_change(diff, kind, line, last, record):
 * Note an event of ${kind}, by the row of ${line} (0: by none), from ${last}
 * (NULL: nothing was there) to ${record}.
 */
void publication_diff_change(struct publication_diff *diff,
    Vouch__V1__EventKind kind, int64_t line, const Vouch__V1__Event *last,
    const Vouch__V1__CredentialRecord *record);

/**
 * publication_diff_ended(diff, kind, line, before, after):
 * Note that by that event a credential which was in good standing and in its
 * period no longer is.
 */
void publication_diff_ended(struct publication_diff *diff,
    Vouch__V1__EventKind kind, int64_t line,
    const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after);

/**
 * publication_diff_same(diff, row):
 * Note a row that changes nothing.
 */
void publication_diff_same(struct publication_diff *diff,
    const Vouch__V1__CredentialRow *row);

/**
 * publication_diff_rejected(diff, reason, n):
 * Note that ${n} rows were not taken for ${reason}, which is copied.
 */
void publication_diff_rejected(struct publication_diff *diff,
    const char *reason, int64_t n);

/**
 * publication_diff_fill(diff, message):
 * Say ${diff} in ${message}, which borrows it.
 */
void publication_diff_fill(struct publication_diff *diff,
    Vouch__V1__PublicationDiff *message);

/**
 * publication_diff_clear(diff):
 * Forget what was noted; NULL is allowed.
 */
void publication_diff_clear(struct publication_diff *diff);

/**
 * publication_diff_free(diff):
 * Free ${diff}; NULL is allowed.
 */
void publication_diff_free(struct publication_diff *diff);

#endif /* !SERVICE_PUBLICATION_DIFF_H */
