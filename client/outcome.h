#ifndef CLIENT_OUTCOME_H
#define CLIENT_OUTCOME_H

/*
 * What became of an upload, or would have become of one: publication, diff and
 * readiness, for eyes and machines.
 */

#include <stdint.h>

#include "client/command.h"
#include "vouch/v1/publishing_service.pb-c.h"

#define OUTCOME_REASONS 64

struct outcome_reason {
    char name[64];
    int64_t n;
};

/* Lines that were not taken, by the server or already here.  Begins as {0}. */
struct outcome_rejects {
    struct outcome_reason reasons[OUTCOME_REASONS];
    size_t nreasons;
    /* Of what the server does not know: */
    int64_t unsent;                 /* it was not sent a row of these lines */
    int64_t without_number;
    int64_t without_family_name;
};

/**
 * outcome_count(rejects, reason):
 * Count a line that was not taken for ${reason}.  Reasons beyond
 * OUTCOME_REASONS count for the last.
 */
void outcome_count(struct outcome_rejects *rejects, const char *reason);

/**
 * outcome_count_of(rejects, reason):
 * Return how many lines were counted for ${reason}.
 */
int64_t outcome_count_of(const struct outcome_rejects *rejects,
    const char *reason);

/**
 * outcome_complete(last, rejects):
 * Have ${last}, which has a summary, speak of the whole file, not only of what
 * the server was sent.  Returns 0, or -1 if memory ran out.
 */
int outcome_complete(Vouch__V1__PublishCredentialsResponse *last,
    const struct outcome_rejects *rejects);

/**
 * outcome_print(run, last):
 * Write what ${last}, which has a summary, says to standard output in the
 * format of ${run}.  Returns 0, or -1 if memory ran out.
 */
int outcome_print(const struct invocation *run,
    const Vouch__V1__PublishCredentialsResponse *last);

#endif /* !CLIENT_OUTCOME_H */
