#ifndef CLIENT_FEEDBACK_H
#define CLIENT_FEEDBACK_H

/*
 * What comes back from an upload while it runs: each line that was not taken,
 * and what opens each log entry.
 */

#include <stdint.h>
#include <stdio.h>

#include "client/command.h"
#include "client/openings_file.h"
#include "client/outcome.h"
#include "client/progress.h"
#include "client/source.h"
#include "vouch/v1/publishing_service.pb-c.h"

struct feedback {
    const struct invocation *run;
    const char *path;               /* of the upload; borrowed */
    struct progress *progress;      /* borrowed */
    const struct source *source;    /* borrowed */
    FILE *rejects;                  /* owned */
    struct openings_file *openings; /* owned */
    int64_t rejected;               /* lines, here and by the server */
    int64_t rejected_here;
    int64_t rejected_folded;        /* of these, folded into another's row */
    struct outcome_rejects rejects_by;
    Vouch__V1__PublishCredentialsResponse *last;    /* owned; has summary */
};

/**
 * feedback_open(feedback, in):
 * Open the files that the flags --rejects and --openings name; neither may be
 * the file ${in}, which would be lost.  Returns 0, or an exit code after having
 * said why.
 */
int feedback_open(struct feedback *feedback, FILE *in);

/**
 * feedback_reject(feedback, line, field, reason, description):
 * Note that ${line} was not taken, and neither were the lines that were folded
 * into its row.
 */
void feedback_reject(struct feedback *feedback, int64_t line,
    const char *field, const char *reason, const char *description);

/**
 * feedback_reject_here(feedback, line, fault, told):
 * The same of a line that was found wrong here; ${told}: the server is sent its
 * key, and counts whether that lacks.
 */
void feedback_reject_here(struct feedback *feedback, int64_t line,
    const struct rows_fault *fault, int told);

/**
 * feedback_take(feedback, response, error):
 * Note what ${response} says, and take it over.  Returns 0, or -1 with
 * ${*error}.
 */
int feedback_take(struct feedback *feedback,
    Vouch__V1__PublishCredentialsResponse *response,
    struct vouch_error *error);

/**
 * feedback_close(feedback, status):
 * Close the files and free.  Returns ${status}, or what it becomes if a file
 * could not be written.
 */
int feedback_close(struct feedback *feedback, int status);

#endif /* !CLIENT_FEEDBACK_H */
