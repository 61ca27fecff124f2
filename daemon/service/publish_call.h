#ifndef SERVICE_PUBLISH_CALL_H
#define SERVICE_PUBLISH_CALL_H

/*
 * What the files share that serve PublishCredentials; nobody else includes it.
 * publish.c takes what comes in and owns the state, publish_commit.c hands it
 * to the writer, publish_report.c says what became of it.
 */

#include "service/answers.h"
#include "service/job.h"
#include "service/openings.h"
#include "service/publication.h"
#include "service/publication_diff.h"
#include "service/publish_header.h"

/*-
 * The life of an upload:
 *
 *   HEADER --> ROWS --> ENDED --> COMMITTING --> REPORTING --> OPENINGS
 *     |         | |       |           |              |             |
 *     |         | +-------|-----------+              |             |
 *     |         |         |           |              |             |
 *     |         +---------+-----------+-- at fault --+             |
 *     +-- at fault -->  (finished) <------------------+------------+
 *
 * ENDED is behind the end that the publisher states; a DELTA may go without.
 * REPORTING sends what is still to be told of the rows, then goes on to the
 * openings and the summary, or ends with the fault.
 */
enum publish_state { HEADER, ROWS, ENDED, COMMITTING, REPORTING, OPENINGS };

struct publish_job;

struct publish_call {
    enum publish_state state;
    struct service_worker *worker;
    const struct caller *caller;
    struct sink sink;
    struct publish_header header;
    struct row_terms terms;
    struct staging *rows;           /* owned until the job takes it */
    uint8_t content_hash[STAGING_HASH]; /* from ENDED on */
    struct answers answers;
    int64_t nrows;
    int64_t rejected;
    int64_t rejected_by[ROW_FAULT_COUNT];
    int unreadable_key;             /* of a row that was rejected */
    int64_t without_number;         /* rows that were rejected for that */
    int64_t without_family;
    int64_t last_line;
    struct publish_job *job;        /* borrowed; COMMITTING */
    struct openings *openings;      /* owned; OPENINGS */
    struct grpc_status fault;       /* OK: none */

    /* What became of it. */
    struct store_publication outcome;
    int repeated;
    struct publication_readiness readiness;
    struct publication_diff *diff;  /* owned; NULL: none */
    enum publication_refusal refusal;   /* of a dry run */
    struct publication_endings endings;
};

/* ---- publish.c -------------------------------------------------------- */

/**
 * publish_call_free(call):
 * Free ${call}; NULL is allowed.  Its job goes on without it.
 */
void publish_call_free(struct publish_call *call);

/* ---- publish_commit.c ------------------------------------------------- */

/**
 * publish_commit(call):
 * Hand the rows to the writer; publish_report() follows.
 *
 * Fails: E_CRYPTO, E_NOMEM.
 */
enum err MUST_USE publish_commit(struct publish_call *call);

/**
 * publish_commit_abandon(job):
 * Its call is gone.
 */
void publish_commit_abandon(struct publish_job *job);

/* ---- publish_report.c ------------------------------------------------- */

/**
 * publish_finish(call, status) and publish_finish_err(call, err):
 * End the call; it is gone afterwards.
 */
void publish_finish(struct publish_call *call,
    const struct grpc_status *status);
void publish_finish_err(struct publish_call *call, enum err err);

/**
 * publish_report(call):
 * Tell what is known of the rows, and if REPORTING what comes behind; the call
 * may be gone afterwards.
 */
void publish_report(struct publish_call *call);

/**
 * publish_fail(call):
 * End with call->fault, once what was said of the rows is told; the call may
 * be gone afterwards.
 */
void publish_fail(struct publish_call *call);

/**
 * publish_set_too_many(status, max), publish_set_refusal(...):
 * Say that more than ${max} rows were rejected, or why the upload is refused
 * as a whole.
 */
void publish_set_too_many(struct grpc_status *status, int64_t max);
void publish_set_refusal(struct grpc_status *status,
    enum publication_refusal refusal,
    const struct publication_endings *endings, const struct service *service);

#endif /* !SERVICE_PUBLISH_CALL_H */
