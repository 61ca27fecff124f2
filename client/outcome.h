#ifndef CLIENT_OUTCOME_H
#define CLIENT_OUTCOME_H

/*
 * What became of an upload, or would have become of one: publication, diff and
 * readiness, for eyes and machines.
 */

#include "client/command.h"
#include "vouch/v1/publishing_service.pb-c.h"

/**
 * outcome_print(run, last, unsent):
 * Write what ${last}, which has a summary, says to standard output in the
 * format of ${run}; ${unsent} lines of the file never reached the server.
 * Returns 0, or -1 if memory ran out.
 */
int outcome_print(const struct invocation *run,
    const Vouch__V1__PublishCredentialsResponse *last, int64_t unsent);

#endif /* !CLIENT_OUTCOME_H */
