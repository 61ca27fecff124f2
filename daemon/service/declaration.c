#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "service/job.h"
#include "service/publish_header.h"
#include "base/random_pool.h"
#include "service/text.h"
#include "service/unary.h"

#include "proto/message.h"

#include "vouch/v1/log_entry.pb-c.h"

#define DECLARATION_MAX 512     /* bytes in the log */

/* Why one is refused. */
enum refusal { REFUSED_NOT, REFUSED_REUSED, REFUSED_NEVER, REFUSED_EARLIER };

/* One declaration on its way through the writer; may outlast its call. */
struct declaring {
    struct service_job job;
    struct unary_call *call;        /* NULL: gone */
    const char *association;        /* the catalog's */
    char request_id[37];
    int64_t asked_us;               /* 0: when it arrived */
    int64_t arrived_us;
    struct random_pool random;
    struct store_declaration made;  /* its id is read before the job runs */
    enum refusal refusal;
};

/* ---- on the writer thread --------------------------------------------- */

static enum err
refuse(struct declaring *d, enum refusal refusal)
{
    d->refusal = refusal;
    return (E_DENIED);
}

static enum err
append(struct store_txn *txn, struct declaring *d)
{
    Vouch__V1__Declaration declaration = VOUCH__V1__DECLARATION__INIT;
    struct store_entry entry = {.log_index = d->made.log_index,
        .domain = LEAF_DECLARATION,
        .recorded_at_us = d->made.recorded_at_us};
    struct buf bytes;
    enum err err;

    buf_init(&bytes, DECLARATION_MAX);
    declaration.association_id = text_of(d->association);
    declaration.as_of_us = d->made.as_of_us;
    declaration.recorded_at_us = d->made.recorded_at_us;
    declaration.request_id = d->request_id;
    if ((err = message_pack(&declaration.base, &bytes)) != E_OK)
        goto out;
    entry.bytes = buf_slice(&bytes);
    err = random_pool_take(&d->random, entry.salt, sizeof(entry.salt));
    if (err != E_OK)
        goto out;
    err = leaf_data(LEAF_DECLARATION, entry.salt, entry.bytes, entry.leaf);
    if (err != E_OK)
        goto out;
    err = store_txn_append(txn, &entry);

out:
    buf_free(&bytes);
    return (err);
}

/* The same request again has the same outcome. */
static enum err
repeat(struct declaring *d, const struct store_declaration *before)
{
    if (d->asked_us != 0 && before->as_of_us != d->asked_us)
        return (refuse(d, REFUSED_REUSED));
    d->made = *before;
    return (E_OK);
}

static enum err
run(struct store_txn *txn, struct service_job *job)
{
    struct declaring *d = (struct declaring *)job;
    struct store_declaration before;
    struct store_source source;
    enum err err;

    err = store_txn_find_declaration(txn, d->association, d->made.request_id,
        &before);
    if (err == E_OK)
        return (repeat(d, &before));
    if (err != E_NOTFOUND)
        return (err);
    if ((err = store_txn_find_source(txn, d->association, &source)) != E_OK)
        return (err);
    if (!source.known)
        return (refuse(d, REFUSED_NEVER));
    d->made.as_of_us = d->asked_us != 0 ? d->asked_us : d->arrived_us;
    if (d->made.as_of_us < source.source_time_us) {
        if (d->asked_us != 0)
            return (refuse(d, REFUSED_EARLIER));
        d->made.as_of_us = source.source_time_us;
    }
    d->made.recorded_at_us = store_txn_now(txn);
    d->made.log_index = store_txn_next_index(txn);
    source.source_time_us = d->made.as_of_us;
    source.received_at_us = d->made.recorded_at_us;
    if ((err = append(txn, d)) != E_OK ||
        (err = store_txn_put_declaration(txn, &d->made)) != E_OK)
        return (err);
    return (store_txn_put_source(txn, d->association, &source));
}

/* ---- on the worker's thread ------------------------------------------- */

static void
set_refusal(struct grpc_status *status, enum refusal refusal)
{
    switch (refusal) {
    case REFUSED_REUSED:
        grpc_status_set(status, GRPC_ALREADY_EXISTS, "REQUEST_ID_REUSED",
            "this request_id was used for another time");
        break;
    case REFUSED_NEVER:
        grpc_status_set(status, GRPC_FAILED_PRECONDITION,
            "NOTHING_PUBLISHED", "nothing has been published that could be "
            "current");
        break;
    case REFUSED_EARLIER:
        grpc_status_set(status, GRPC_FAILED_PRECONDITION,
            "BEFORE_LAST_WORD", "as_of_us is before the association's last "
            "word");
        break;
    case REFUSED_NOT:
        break;
    }
}

static void
done(struct service_job *job, enum err err)
{
    Vouch__V1__DeclareCurrentResponse response =
        VOUCH__V1__DECLARE_CURRENT_RESPONSE__INIT;
    struct declaring *d = (struct declaring *)job;
    struct unary_call *call = d->call;
    struct grpc_status status;

    response.as_of_us = d->made.as_of_us;
    response.recorded_at_us = d->made.recorded_at_us;
    response.log_index = d->made.log_index;
    if (err == E_LOST)
        grpc_status_set(&status, GRPC_UNAVAILABLE, "OUTCOME_UNKNOWN",
            "it is not known whether this is on disk; repeat it with the "
            "same request_id");
    else
        grpc_status_from_err(&status, err);
    if (err == E_DENIED)
        set_refusal(&status, d->refusal);
    free(d);
    if (call == NULL)
        return;
    call->state = NULL;
    if (err == E_OK)
        unary_reply(call, &response.base);
    else
        unary_fail(call, &status);
}

/* The job goes on without the call, and frees itself. */
static void
abandon(struct unary_call *call)
{
    struct declaring *d = call->state;

    d->call = NULL;
    call->state = NULL;
}

/* A request id has one form in the log. */
static void
lower_case(const char *uuid, char text[37])
{
    size_t i;

    for (i = 0; i < 36; i++)
        text[i] = (char)(uuid[i] >= 'A' && uuid[i] <= 'F' ?
            uuid[i] - 'A' + 'a' : uuid[i]);
    text[i] = '\0';
}

static void
declare_current(struct unary_call *call, const ProtobufCMessage *request)
{
    const Vouch__V1__DeclareCurrentRequest *asked =
        (const Vouch__V1__DeclareCurrentRequest *)request;
    struct grpc_status status = {.code = GRPC_OK};
    struct declaring *d;
    size_t place;

    if (publish_owner(asked->association_id, call->worker, call->caller,
        &place, &status) != E_OK) {
        unary_fail(call, &status);
        return;
    }
    if ((d = calloc(1, sizeof(*d))) == NULL) {
        unary_fail_err(call, E_NOMEM);
        return;
    }
    d->association = catalog_index_catalog(call->worker->service->catalog)
        ->associations[place]->id;
    d->asked_us = asked->as_of_us;
    d->arrived_us = clock_wall_us();
    publish_request_id(asked->request_id, d->made.request_id, &status);
    if (d->asked_us < 0 || d->asked_us > d->arrived_us)
        grpc_status_violation(&status, "as_of_us",
            "must be a time that has passed, in microseconds; 0: now");
    if (status.code != GRPC_OK) {
        free(d);
        unary_fail(call, &status);
        return;
    }
    lower_case(asked->request_id, d->request_id);
    memcpy(d->made.association, d->association, strlen(d->association) + 1);
    d->call = call;
    call->state = d;
    call->abandon = abandon;
    d->job.run = run;
    d->job.done = done;
    job_submit(call->worker, &d->job);
}

UNARY_METHOD(declare_current_method, declare_current);
