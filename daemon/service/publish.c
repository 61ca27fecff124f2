#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "service/publish_call.h"

#define ROWS_MAX 1000       /* in one message */

/* How long until uploads that take all the room may have ended. */
#define UPLOADS_RETRY_MS 10000

#define SNAPSHOT VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_SNAPSHOT

void
publish_call_free(struct publish_call *call)
{
    if (call == NULL)
        return;
    if (call->job != NULL)
        publish_commit_abandon(call->job);
    openings_free(call->openings);
    staging_free(call->rows);
    answers_free(&call->answers);
    publication_diff_free(call->diff);
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

/* ---- the end ---------------------------------------------------------- */

static void
half_close(void *cookie)
{
    struct publish_call *call = cookie;
    enum err err;

    if (call->state == HEADER) {
        publish_header_missing(&call->fault);
        publish_finish(call, &call->fault);
    } else if (call->state == ROWS && call->header.mode == SNAPSHOT) {
        grpc_status_set(&call->fault, GRPC_INVALID_ARGUMENT,
            "UPLOAD_NOT_ENDED", "the last message of a snapshot must hold its "
            "end; nothing was published");
        publish_fail(call);
    } else if ((call->state == ROWS || call->state == ENDED) &&
        (err = publish_commit(call)) != E_OK) {
        publish_finish_err(call, err);
    }
}

/* Return non-zero unless the upload is at fault. */
static int
take_end(struct publish_call *call, const Vouch__V1__UploadEnd *end)
{
    enum err err;

    if (end->content_hash.len != STAGING_HASH || end->row_count < 0) {
        grpc_status_violation(&call->fault, end->row_count < 0 ?
            "end.row_count" : "end.content_hash", end->row_count < 0 ?
            "must be 0 or more" : "must be of 32 bytes");
        return (0);
    }
    if ((err = staging_hash(call->rows, call->content_hash)) != E_OK) {
        grpc_status_from_err(&call->fault, err);
        return (0);
    }
    if (end->row_count != call->nrows || memcmp(end->content_hash.data,
        call->content_hash, STAGING_HASH) != 0) {
        grpc_status_set(&call->fault, GRPC_INVALID_ARGUMENT,
            "UPLOAD_INCOMPLETE", "its end speaks of %lld rows, and %lld "
            "arrived%s; nothing was published", (long long)end->row_count,
            (long long)call->nrows, end->row_count == call->nrows ?
            " with other content" : "");
        return (0);
    }
    call->state = ENDED;
    return (1);
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
    call->terms.types = call->header.types;
    call->terms.ntypes = call->header.ntypes;
    call->terms.listing = call->header.mode == SNAPSHOT;
    call->terms.rules = catalog_index_number_rules(call->terms.association);
    call->terms.today = civil_day_at(clock_wall_us(),
        call->terms.association->utc_offset_minutes);
    err = staging_create(&service->room, &call->rows);
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
            "publish them in several uploads", service->room.upload_max);
        grpc_status_metadata(&call->fault, "max_upload", "%zu",
            service->room.upload_max);
    } else if (err == E_BUSY) {
        grpc_status_set(&call->fault, GRPC_RESOURCE_EXHAUSTED,
            "TOO_MANY_UPLOADS", "other uploads take all the room there is; "
            "try again later");
        grpc_status_retry(&call->fault, UPLOADS_RETRY_MS);
    } else if (err == E_FULL) {
        grpc_status_set(&call->fault, GRPC_RESOURCE_EXHAUSTED,
            "STORAGE_FULL", "the server has no room on its disk for the rows; "
            "nothing was published; try again later");
    } else {
        grpc_status_from_err(&call->fault, err);
    }
}

/* In a snapshot a row that is not taken lists its credential all the same. */
static enum staging_keep
note_reject(struct publish_call *call, const Vouch__V1__CredentialRow *row,
    const struct row_reject *reject)
{
    int readable = publish_row_has_key(row, &call->terms);

    call->rejected++;
    call->rejected_by[reject->fault]++;
    call->without_number += reject->field == ROW_FIELD_number;
    call->without_family += reject->field == ROW_FIELD_name &&
        reject->fault == ROW_FIELD_MISSING;
    call->unreadable_key |= !readable;
    return (call->header.mode == SNAPSHOT && readable ? STAGING_KEY :
        STAGING_NOTHING);
}

/* Return non-zero unless the upload is at fault. */
static int
take_row(struct publish_call *call, const Vouch__V1__CredentialRow *row)
{
    enum staging_keep keep = STAGING_ROW;
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
        publish_set_too_many(&call->fault,
            call->worker->service->max_rejects);
        return (0);
    }
    if (checked == E_INVAL)
        keep = note_reject(call, row, &reject);
    if ((err = staging_row(call->rows, row, keep)) == E_OK) {
        if (checked == E_OK)
            err = answers_accept(&call->answers, row->line);
        else if (!row->unread)
            err = answers_reject(&call->answers, &reject);
    }
    call->nrows++;
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
        if (request->rows[i]->unread) {
            if (!take_row(call, request->rows[i]))
                return (0);
            continue;
        }
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

/* Return non-zero unless the upload is at fault. */
static int
take_message(struct publish_call *call,
    const Vouch__V1__PublishCredentialsRequest *request)
{
    if (call->state == ENDED) {
        grpc_status_violation(&call->fault, "end",
            "must come in the last message only");
        return (0);
    }
    if (!take_rows(call, request))
        return (0);
    return (request->end == NULL || take_end(call, request->end));
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
            publish_finish(call, &call->fault);
            return;
        }
    } else if (call->state != ROWS && call->state != ENDED) {
        return;     /* at fault already: the rest is not looked at */
    } else if (request->header != NULL) {
        grpc_status_violation(&call->fault, "header",
            "must come in the first message only");
        publish_fail(call);
        return;
    }
    if (take_message(call, request))
        publish_report(call);
    else
        publish_fail(call);
}

static void
writable(void *cookie)
{
    struct publish_call *call = cookie;

    if (call->state == OPENINGS)
        openings_writable(call->openings);
    else
        publish_report(call);
}

static void
cancel(void *cookie)
{
    publish_call_free(cookie);
}

const struct method_ops publish_credentials_method = {
    .start = start,
    .message = message,
    .half_close = half_close,
    .writable = writable,
    .cancel = cancel
};
