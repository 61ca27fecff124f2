#include "service/publish_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* What the writer works on; it may outlast the call. */
struct publish_job {
    struct service_job job;
    struct publication_order order;
    struct staging *rows;               /* owned */
    struct publication_diff *diff;      /* owned; NULL: none is wanted */
    size_t types[PUBLICATION_TYPES_MAX];
    struct publish_call *call;          /* NULL: gone */
};

void
publish_commit_abandon(struct publish_job *job)
{
    job->call = NULL;
    atomic_store(&job->order.given_up, 1);
}

static void
set_outcome_fault(struct grpc_status *status,
    const struct publication_order *order, enum err err)
{
    if (order->too_many)
        publish_set_too_many(status, order->max_rejects);
    else if (err == E_INVAL && order->refusal != REFUSAL_NONE)
        publish_set_refusal(status, order->refusal, &order->endings,
            order->service);
    else if (err == E_EXISTS)
        grpc_status_set(status, GRPC_ALREADY_EXISTS, "REQUEST_ID_REUSED",
            "this request_id was used for other content");
    else if (err == E_LOST)
        grpc_status_set(status, GRPC_UNAVAILABLE, "OUTCOME_UNKNOWN",
            "it is not known whether this was published; repeat it with the "
            "same request_id");
    else if (err == E_FULL)
        grpc_status_set(status, GRPC_RESOURCE_EXHAUSTED, "STORAGE_FULL",
            "the server's disk is full; nothing was published; repeat it once "
            "its operator has made room");
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
        log_line(err == E_EXISTS || err == E_TOOBIG || err == E_INVAL ||
            err == E_DENIED ? LOG_INFO : LOG_ERROR, "publication_failed",
            "association=%s error=%s", outcome->association,
            err == E_INVAL ? publication_refusal_name(order->refusal) :
            err_name(err));
        return;
    }
    bytes_to_hex((struct slice){outcome->id, STORE_ID}, id);
    log_line(LOG_INFO, order->repeated ? "publication_repeated" :
        order->dry_run ? "publication_tried" : "publication",
        "association=%s id=%s new=%lld changed=%lld unchanged=%lld "
        "rejected=%lld not_listed=%lld", outcome->association, id,
        (long long)outcome->counts[0], (long long)outcome->counts[1],
        (long long)outcome->counts[2], (long long)outcome->counts[3],
        (long long)outcome->not_listed);
}

static void
add_rejects(struct publication_diff *diff,
    const struct publication_order *order)
{
    for (size_t i = 0; i < ROW_FAULT_COUNT; i++)
        publication_diff_rejected(diff, publish_row_reason((enum row_fault)i),
            order->rejected_by[i]);
}

static void
take_outcome(struct publish_call *call, struct publish_job *job, enum err err)
{
    struct publication_order *order = &job->order;
    enum err late = E_OK;

    call->job = NULL;
    call->outcome = order->outcome;
    call->repeated = order->repeated;
    call->readiness = order->readiness;
    call->refusal = order->refusal;
    call->endings = order->endings;
    call->diff = job->diff;
    job->diff = NULL;
    if (call->diff != NULL)
        add_rejects(call->diff, order);
    if (err == E_OK || order->too_many)
        late = take_late(call, order);
    if (err != E_OK || late != E_OK)
        set_outcome_fault(&call->fault, order, err != E_OK ? err : late);
}

static void
job_done(struct service_job *job, enum err err)
{
    struct publish_job *publish = (struct publish_job *)job;
    struct publish_call *call = publish->call;

    /* A dry run is undone by its failure. */
    if (err == E_DENIED && publish->order.dry_run_over)
        err = E_OK;
    log_outcome(&publish->order, err);
    if (call != NULL)
        take_outcome(call, publish, err);
    free(publish->order.late);
    free(publish->order.contested);
    publication_diff_free(publish->diff);
    free(publish);
    if (call != NULL) {
        call->state = REPORTING;
        publish_report(call);
    }
}

static void
fill_order(struct publish_call *call, struct publish_job *job)
{
    const struct publish_header *header = &call->header;
    struct publication_order *order = &job->order;

    order->service = call->worker->service;
    order->place = header->place;
    order->rows = job->rows;
    memcpy(order->request_id, header->request_id, STORE_ID);
    memcpy(order->content_hash, call->content_hash, STAGING_HASH);
    order->mode = header->mode;
    order->source_time_us = header->source_time_us;
    order->source_stated = header->source_stated;
    memcpy(job->types, header->types, sizeof(job->types));
    order->types = job->types;
    order->ntypes = header->ntypes;
    order->ending_count_expected = header->ending_count_expected;
    order->ending_count = header->ending_count;
    order->unreadable_key = call->unreadable_key;
    order->dry_run = header->dry_run;
    order->diff = job->diff;
    order->rejected = call->rejected;
    memcpy(order->rejected_by, call->rejected_by,
        sizeof(order->rejected_by));
    order->max_rejects = call->worker->service->max_rejects;
}

enum err
publish_commit(struct publish_call *call)
{
    struct publish_job *job;
    enum err err = E_OK;

    if ((job = calloc(1, sizeof(*job))) == NULL)
        return (E_NOMEM);
    if (call->state != ENDED)
        err = staging_hash(call->rows, call->content_hash);
    if (err == E_OK && call->header.dry_run)
        err = publication_diff_create(&job->diff);
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
    fill_order(call, job);
    call->job = job;
    call->state = COMMITTING;
    job_submit(call->worker, &job->job);
    return (E_OK);
}
