#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "proto/uuid.h"
#include "service/answers.h"
#include "service/job.h"
#include "service/openings.h"
#include "service/publication.h"
#include "service/publish_header.h"

#define ROWS_MAX 1000       /* in one message */

/*-
 * The life of an upload:
 *
 *   HEADER --> ROWS --> COMMITTING --> REPORTING --> OPENINGS --> (finished)
 *     |          |                      |    ^            |
 *     |          +------ at fault ------|----+            |
 *     +-- at fault -->  (finished) <----+-----------------+
 *
 * REPORTING sends what is still to be told of the rows, then goes on to the
 * openings and the summary, or ends with the fault.
 */
enum publish_state { HEADER, ROWS, COMMITTING, REPORTING, OPENINGS };

struct publish_job;

struct publish_call {
    enum publish_state state;
    struct service_worker *worker;
    const struct caller *caller;
    struct sink sink;
    struct publish_header header;
    struct row_terms terms;
    struct staging *rows;           /* owned until the job takes it */
    struct answers answers;
    int64_t rejected;
    int64_t last_line;
    struct publish_job *job;        /* borrowed; COMMITTING */
    struct openings *openings;      /* owned; OPENINGS */
    struct grpc_status fault;       /* OK: none */
    struct store_publication outcome;
    int repeated;
};

/* What the writer works on; it may outlast the call. */
struct publish_job {
    struct service_job job;
    struct publication_order order;
    struct staging *rows;           /* owned */
    struct publish_call *call;      /* NULL: gone */
};

static void
call_free(struct publish_call *call)
{
    if (call == NULL)
        return;
    if (call->job != NULL) {
        call->job->call = NULL;
        atomic_store(&call->job->order.given_up, 1);
    }
    openings_free(call->openings);
    staging_free(call->rows);
    answers_free(&call->answers);
    free(call);
}

static enum err
start(struct service_worker *worker, const struct caller *caller,
    struct sink sink, void **call)
{
    struct publish_call *made;

    if ((made = calloc(1, sizeof(*made))) == NULL)
        return (E_NOMEM);
    made->state = HEADER;
    made->worker = worker;
    made->caller = caller;
    made->sink = sink;
    made->fault.code = GRPC_OK;
    *call = made;
    return (E_OK);
}

/* ${call} is gone afterwards. */
static void
finish(struct publish_call *call, const struct grpc_status *status)
{
    struct grpc_status said = *status;
    struct sink sink = call->sink;

    call_free(call);
    sink.ops->finish(sink.cookie, &said);
}

static void
finish_err(struct publish_call *call, enum err err)
{
    struct grpc_status status;

    grpc_status_from_err(&status, err);
    finish(call, &status);
}

/* ---- the end ---------------------------------------------------------- */

static void
send_summary(struct publish_call *call)
{
    Vouch__V1__PublishCredentialsResponse response =
        VOUCH__V1__PUBLISH_CREDENTIALS_RESPONSE__INIT;
    Vouch__V1__Publication summary;
    struct publication_texts texts;

    publication_fill(&call->outcome, &texts, &summary);
    response.summary = &summary;
    response.repeated_request = call->repeated;
    finish_err(call, call->sink.ops->send(call->sink.cookie, &response.base));
}

static void
on_openings(void *cookie, enum err err)
{
    struct publish_call *call = cookie;

    if (err != E_OK)
        finish_err(call, err);
    else
        send_summary(call);
}

static void
send_openings(struct publish_call *call)
{
    const struct openings_order order = {.worker = call->worker,
        .sink = call->sink, .first = call->outcome.first_log_index,
        .n = call->outcome.event_count, .done = on_openings, .cookie = call};
    enum err err;

    call->state = OPENINGS;
    if ((err = openings_start(&order, &call->openings)) != E_OK)
        finish_err(call, err);
}

/* Tell what is known of the rows; ${call} may be gone afterwards. */
static void
report(struct publish_call *call)
{
    enum err err;
    int all;

    if ((err = answers_send(&call->answers, call->sink, &all)) != E_OK)
        finish_err(call, err);
    else if (call->state != REPORTING || !all)
        return;
    else if (call->fault.code != GRPC_OK)
        finish(call, &call->fault);
    else if (call->header.want_openings && call->outcome.event_count > 0)
        send_openings(call);
    else
        send_summary(call);
}

/* End with call->fault, once what was said of the rows is told. */
static void
fail(struct publish_call *call)
{
    staging_free(call->rows);
    call->rows = NULL;
    call->state = REPORTING;
    report(call);
}

/* ---- the commit ------------------------------------------------------- */

static void
set_too_many(struct grpc_status *status, int64_t max)
{
    grpc_status_set(status, GRPC_INVALID_ARGUMENT, "TOO_MANY_REJECTS",
        "more than %lld rows were rejected; nothing was published",
        (long long)max);
    grpc_status_metadata(status, "max_rejects", "%lld", (long long)max);
}

static void
set_outcome_fault(struct grpc_status *status,
    const struct publication_order *order, enum err err)
{
    if (order->too_many)
        set_too_many(status, order->max_rejects);
    else if (err == E_EXISTS)
        grpc_status_set(status, GRPC_ALREADY_EXISTS, "REQUEST_ID_REUSED",
            "this request_id was used for other content");
    else if (err == E_IO)
        grpc_status_set(status, GRPC_UNAVAILABLE, "OUTCOME_UNKNOWN",
            "it is not known whether this was published; repeat it with the "
            "same request_id");
    else
        grpc_status_from_err(status, err);
}

static enum err
take_late(struct publish_call *call, const struct publication_order *order)
{
    enum err err = E_OK;
    size_t i;

    for (i = 0; i < order->nlate && err == E_OK; i++)
        err = answers_reject(&call->answers, &order->late[i]);
    return (err);
}

static enum err
job_run_publication(struct store_txn *txn, struct service_job *job)
{
    return (publication_run(txn, &((struct publish_job *)job)->order));
}

/* The rows are not needed any longer, and the service may soon be gone. */
static void
job_settle(struct service_job *job)
{
    struct publish_job *publish = (struct publish_job *)job;

    staging_free(publish->rows);
    publish->rows = NULL;
}

static void
log_outcome(const struct publication_order *order, enum err err)
{
    const struct store_publication *outcome = &order->outcome;
    char id[2 * STORE_ID + 1];

    if (err != E_OK) {
        log_line(err == E_EXISTS || err == E_TOOBIG ? LOG_INFO : LOG_ERROR,
            "publication_failed", "association=%s error=%s",
            outcome->association, err_name(err));
        return;
    }
    bytes_to_hex((struct slice){outcome->id, STORE_ID}, id);
    log_line(LOG_INFO, order->repeated ? "publication_repeated" :
        "publication", "association=%s id=%s new=%lld changed=%lld "
        "unchanged=%lld rejected=%lld", outcome->association, id,
        (long long)outcome->counts[0], (long long)outcome->counts[1],
        (long long)outcome->counts[2], (long long)outcome->counts[3]);
}

static void
job_done(struct service_job *job, enum err err)
{
    struct publish_job *publish = (struct publish_job *)job;
    struct publish_call *call = publish->call;
    enum err late = E_OK;

    log_outcome(&publish->order, err);
    if (call != NULL) {
        call->job = NULL;
        call->outcome = publish->order.outcome;
        call->repeated = publish->order.repeated;
        if (err == E_OK || publish->order.too_many)
            late = take_late(call, &publish->order);
        if (err != E_OK || late != E_OK)
            set_outcome_fault(&call->fault, &publish->order,
                err != E_OK ? err : late);
    }
    free(publish->order.late);
    free(publish);
    if (call != NULL) {
        call->state = REPORTING;
        report(call);
    }
}

static enum err
submit(struct publish_call *call)
{
    const struct service *service = call->worker->service;
    struct publish_job *job;
    enum err err;

    if ((job = calloc(1, sizeof(*job))) == NULL)
        return (E_NOMEM);
    err = staging_hash(call->rows, job->order.content_hash);
    if (err != E_OK) {
        free(job);
        return (err);
    }
    job->job.run = job_run_publication;
    job->job.settle = job_settle;
    job->job.done = job_done;
    job->call = call;
    job->rows = call->rows;
    call->rows = NULL;
    job->order.service = service;
    job->order.place = call->header.place;
    job->order.rows = job->rows;
    memcpy(job->order.request_id, call->header.request_id, STORE_ID);
    job->order.mode = call->header.mode;
    job->order.source_time_us = call->header.source_time_us;
    job->order.source_stated = call->header.source_stated;
    job->order.rejected = call->rejected;
    job->order.max_rejects = service->max_rejects;
    call->job = job;
    call->state = COMMITTING;
    job_submit(call->worker, &job->job);
    return (E_OK);
}

static void
half_close(void *cookie)
{
    struct publish_call *call = cookie;
    enum err err;

    if (call->state == HEADER) {
        publish_header_missing(&call->fault);
        finish(call, &call->fault);
    } else if (call->state == ROWS && (err = submit(call)) != E_OK) {
        finish_err(call, err);
    }
}

/* ---- what comes in ---------------------------------------------------- */

static enum err
begin(struct publish_call *call, const Vouch__V1__PublicationHeader *header)
{
    struct service *service = call->worker->service;
    enum err err;

    err = publish_header_read(header, call->worker, call->caller,
        &call->header, &call->fault);
    if (err != E_OK)
        return (err);
    call->terms.catalog = service->catalog;
    call->terms.association = catalog_index_catalog(service->catalog)
        ->associations[call->header.place];
    call->terms.rules = catalog_index_number_rules(call->terms.association);
    call->terms.today = civil_day_at(clock_wall_us(),
        call->terms.association->utc_offset_minutes);
    err = staging_create(service->max_upload, &service->staged,
        service->max_staged, &call->rows);
    if (err == E_OK)
        err = staging_header(call->rows, header);
    if (err != E_OK)
        grpc_status_from_err(&call->fault, err);
    else
        call->state = ROWS;
    return (err);
}

static void
set_staging_fault(struct publish_call *call, enum err err)
{
    const struct service *service = call->worker->service;

    if (err == E_TOOBIG) {
        grpc_status_set(&call->fault, GRPC_RESOURCE_EXHAUSTED,
            "UPLOAD_TOO_LARGE", "the rows of one upload may take %zu bytes; "
            "publish them in several uploads", service->max_upload);
        grpc_status_metadata(&call->fault, "max_upload", "%zu",
            service->max_upload);
    } else if (err == E_BUSY) {
        grpc_status_set(&call->fault, GRPC_RESOURCE_EXHAUSTED,
            "TOO_MANY_UPLOADS", "other uploads take all the room there is; "
            "try again later");
    } else {
        grpc_status_from_err(&call->fault, err);
    }
}

/* Return non-zero unless the upload is at fault. */
static int
take_row(struct publish_call *call, const Vouch__V1__CredentialRow *row)
{
    struct row_reject reject = {0};
    enum err checked;
    enum err err;

    checked = publish_row_check(row, &call->terms, &reject);
    if (checked != E_OK && checked != E_INVAL) {
        grpc_status_from_err(&call->fault, checked);
        return (0);
    }
    if (checked == E_INVAL &&
        call->rejected >= call->worker->service->max_rejects) {
        set_too_many(&call->fault, call->worker->service->max_rejects);
        return (0);
    }
    if ((err = staging_row(call->rows, row, checked == E_OK)) == E_OK) {
        if (checked == E_OK)
            err = answers_accept(&call->answers, row->line);
        else
            err = answers_reject(&call->answers, &reject);
    }
    call->rejected += checked == E_INVAL;
    if (err != E_OK)
        set_staging_fault(call, err);
    return (err == E_OK);
}

/* Return non-zero unless the upload is at fault. */
static int
take_rows(struct publish_call *call,
    const Vouch__V1__PublishCredentialsRequest *request)
{
    char field[64];
    size_t i;

    if (request->n_rows > ROWS_MAX) {
        grpc_status_violation(&call->fault, "rows",
            "must be %d at most in one message", ROWS_MAX);
        return (0);
    }
    for (i = 0; i < request->n_rows; i++) {
        if (request->rows[i]->line <= call->last_line) {
            (void)snprintf(field, sizeof(field), "rows[%zu].line", i);
            grpc_status_violation(&call->fault, field,
                "must be above 0, and above that of the row before");
            return (0);
        }
        call->last_line = request->rows[i]->line;
        if (!take_row(call, request->rows[i]))
            return (0);
    }
    return (1);
}

static void
message(void *cookie, const ProtobufCMessage *received, struct slice bytes)
{
    const Vouch__V1__PublishCredentialsRequest *request =
        (const Vouch__V1__PublishCredentialsRequest *)received;
    struct publish_call *call = cookie;

    (void)bytes;
    if (call->state == HEADER) {
        if (request->header == NULL)
            publish_header_missing(&call->fault);
        if (request->header == NULL || begin(call, request->header) != E_OK) {
            finish(call, &call->fault);
            return;
        }
    } else if (call->state != ROWS) {
        return;     /* at fault already: the rest is not looked at */
    } else if (request->header != NULL) {
        grpc_status_violation(&call->fault, "header",
            "must come in the first message only");
        fail(call);
        return;
    }
    if (take_rows(call, request))
        report(call);
    else
        fail(call);
}

static void
writable(void *cookie)
{
    struct publish_call *call = cookie;

    if (call->state == OPENINGS)
        openings_writable(call->openings);
    else
        report(call);
}

static void
cancel(void *cookie)
{
    call_free(cookie);
}

const struct method_ops publish_credentials_method = {
    .start = start,
    .message = message,
    .half_close = half_close,
    .writable = writable,
    .cancel = cancel
};
