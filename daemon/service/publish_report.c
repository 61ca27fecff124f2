#include "service/publish_call.h"

#include "service/text.h"

void
publish_finish(struct publish_call *call, const struct grpc_status *status)
{
    struct grpc_status said = *status;
    struct sink sink = call->sink;

    publish_call_free(call);
    sink.ops->finish(sink.cookie, &said);
}

void
publish_finish_err(struct publish_call *call, enum err err)
{
    struct grpc_status status;

    grpc_status_from_err(&status, err);
    publish_finish(call, &status);
}

/* ---- why not ---------------------------------------------------------- */

void
publish_set_too_many(struct grpc_status *status, int64_t max)
{
    grpc_status_set(status, GRPC_INVALID_ARGUMENT, "TOO_MANY_REJECTS",
        "more than %lld rows were rejected; nothing was published",
        (long long)max);
    grpc_status_metadata(status, "max_rejects", "%lld", (long long)max);
}

static void
set_too_many_endings(struct grpc_status *status,
    const struct publication_endings *endings, const struct service *service)
{
    double share = endings->of_active == 0 ? 0 :
        100.0 * (double)endings->active / (double)endings->of_active;

    grpc_status_set(status, GRPC_FAILED_PRECONDITION, "TOO_MANY_ENDINGS",
        "it would end %lld credentials, %lld of them active, which is %.1f %% "
        "of those on file; more than %lld, or %lld %%, or all of one type, "
        "are ended only if ending_count says how many",
        (long long)endings->count, (long long)endings->active, share,
        (long long)service->max_endings,
        (long long)service->max_ending_share);
    grpc_status_metadata(status, "ending_count", "%lld",
        (long long)endings->count);
    grpc_status_metadata(status, "active_ending_count", "%lld",
        (long long)endings->active);
    grpc_status_metadata(status, "active_count", "%lld",
        (long long)endings->of_active);
    grpc_status_metadata(status, "emptied_type_count", "%lld",
        (long long)endings->emptied);
}

void
publish_set_refusal(struct grpc_status *status,
    enum publication_refusal refusal,
    const struct publication_endings *endings, const struct service *service)
{
    switch (refusal) {
    case REFUSAL_SNAPSHOT_OLDER:
        grpc_status_set(status, GRPC_FAILED_PRECONDITION, "SNAPSHOT_OLDER",
            "a later word on one of these credential types is on file, or "
            "another snapshot of the same time; extract it anew, or say in "
            "ending_count how many credentials it ends");
        break;
    case REFUSAL_TOO_MANY_ENDINGS:
        set_too_many_endings(status, endings, service);
        break;
    case REFUSAL_ENDING_COUNT_DIFFERS:
        grpc_status_set(status, GRPC_FAILED_PRECONDITION,
            "ENDING_COUNT_DIFFERS", "it would end %lld credentials, which is "
            "not the ending_count that is expected",
            (long long)endings->count);
        grpc_status_metadata(status, "ending_count", "%lld",
            (long long)endings->count);
        break;
    default:
        grpc_status_from_err(status, E_OK);
        break;
    }
}

/* ---- the summary ------------------------------------------------------ */

/* What a message of readiness points to. */
struct readiness_parts {
    Vouch__V1__UnconfirmableCount reasons[CREDENTIAL_LACKS];
    Vouch__V1__UnconfirmableCount *list[CREDENTIAL_LACKS];
};

static void
fill_readiness(const struct publish_call *call, struct readiness_parts *parts,
    Vouch__V1__Readiness *message)
{
    const struct publication_readiness *from = &call->readiness;
    size_t i;

    vouch__v1__readiness__init(message);
    message->record_count = from->records;
    message->unconfirmable_count = from->unconfirmable;
    for (i = 0; i < from->nlacks; i++) {
        if (from->lacking[i] == 0)
            continue;
        parts->list[message->n_reasons] = &parts->reasons[i];
        vouch__v1__unconfirmable_count__init(&parts->reasons[i]);
        parts->reasons[i].factor = from->lacks[i].factor;
        parts->reasons[i].count = from->lacking[i];
        message->n_reasons++;
    }
    message->reasons = parts->list;
    message->rows_without_number = call->without_number;
    message->rows_without_family_name = call->without_family;
}

static void
fill_diff(struct publish_call *call, struct grpc_status *refusal,
    Vouch__V1__PublicationDiff *message)
{
    publication_diff_fill(call->diff, message);
    if (call->refusal == REFUSAL_NONE)
        return;
    publish_set_refusal(refusal, call->refusal, &call->endings,
        call->worker->service);
    message->refusal = refusal->reason;
    message->refusal_description = refusal->message;
}

/* What was undone has no place and no time. */
static void
forget_places(Vouch__V1__Publication *summary)
{
    summary->publication_id = text_of("");
    summary->recorded_at_us = 0;
    summary->first_log_index = 0;
    summary->event_count = 0;
    summary->manifest_log_index = 0;
}

static void
send_summary(struct publish_call *call)
{
    Vouch__V1__PublishCredentialsResponse response =
        VOUCH__V1__PUBLISH_CREDENTIALS_RESPONSE__INIT;
    Vouch__V1__Publication summary;
    Vouch__V1__PublicationDiff diff;
    Vouch__V1__Readiness readiness;
    struct publication_texts texts;
    struct readiness_parts parts;
    struct grpc_status refusal;

    publication_fill(&call->outcome, &texts, &summary);
    fill_readiness(call, &parts, &readiness);
    response.summary = &summary;
    response.readiness = &readiness;
    response.repeated_request = call->repeated;
    if (call->diff != NULL && !call->repeated) {
        forget_places(&summary);
        fill_diff(call, &refusal, &diff);
        response.diff = &diff;
    }
    publish_finish_err(call, call->sink.ops->send(call->sink.cookie,
        &response.base));
}

static void
on_openings(void *cookie, enum err err)
{
    struct publish_call *call = cookie;

    if (err != E_OK)
        publish_finish_err(call, err);
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
        publish_finish_err(call, err);
}

void
publish_report(struct publish_call *call)
{
    enum err err;
    int all;

    if ((err = answers_send(&call->answers, call->sink, &all)) != E_OK)
        publish_finish_err(call, err);
    else if (call->state != REPORTING || !all)
        return;
    else if (call->fault.code != GRPC_OK)
        publish_finish(call, &call->fault);
    else if (call->header.want_openings && !call->header.dry_run &&
        call->outcome.event_count > 0)
        send_openings(call);
    else
        send_summary(call);
}

void
publish_fail(struct publish_call *call)
{
    staging_free(call->rows);
    call->rows = NULL;
    call->state = REPORTING;
    publish_report(call);
}
