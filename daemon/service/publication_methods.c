#include <stdlib.h>
#include <string.h>

#include "service/publication.h"
#include "service/publish_header.h"
#include "service/unary.h"

/* What GetPublication looks for. */
struct getting {
    uint8_t id[STORE_ID];
    int by_request_id;
};

static void
on_publication(void *cookie, enum err err,
    const struct store_publication *publication)
{
    Vouch__V1__GetPublicationResponse response =
        VOUCH__V1__GET_PUBLICATION_RESPONSE__INIT;
    struct unary_call *call = cookie;
    struct publication_texts texts;
    Vouch__V1__Publication message;
    struct grpc_status status;

    call->request = NULL;
    if (err == E_NOTFOUND) {
        grpc_status_set(&status, GRPC_NOT_FOUND, "PUBLICATION_NOT_FOUND",
            call->caller->identity->role == ROLE_AUDITOR ?
            "there is no publication of that id" :
            "there is no publication of that id by this association");
        unary_fail(call, &status);
        return;
    }
    if (err != E_OK) {
        unary_fail_err(call, err);
        return;
    }
    publication_fill(publication, &texts, &message);
    response.publication = &message;
    unary_reply(call, &response.base);
}

/* An association sees its own; an auditor those of all. */
static void
on_tick(struct tick_item *item, struct service_worker *worker, enum err view)
{
    struct unary_call *call = unary_of_tick(item);
    const struct identity *who = call->caller->identity;
    const struct getting *getting = call->state;
    struct store_request *found = NULL;
    enum err err = view;

    if (err == E_OK)
        err = store_find_publication(worker->reader,
            who->role == ROLE_AUDITOR ? NULL : who->id, getting->id,
            getting->by_request_id, on_publication, call, &found);
    if (err != E_OK)
        unary_fail_err(call, err);
    else if (found != NULL)     /* otherwise the call is answered and gone */
        call->request = found;
}

static void
read_ids(const Vouch__V1__GetPublicationRequest *asked,
    struct getting *getting, struct grpc_status *status)
{
    int by_id = asked->publication_id[0] != '\0';

    getting->by_request_id = !by_id;
    if (by_id == (asked->request_id[0] != '\0'))
        grpc_status_violation(status, "publication_id",
            "exactly one of publication_id and request_id must be given");
    else if (!by_id)
        publish_request_id(asked->request_id, getting->id, status);
    else if (bytes_from_hex(asked->publication_id, getting->id,
        STORE_ID) != E_OK)
        grpc_status_violation(status, "publication_id",
            "must be 32 hexadecimal digits");
}

static void
get_publication(struct unary_call *call, const ProtobufCMessage *request)
{
    struct grpc_status status = {.code = GRPC_OK};
    struct getting *getting;

    if ((getting = calloc(1, sizeof(*getting))) == NULL) {
        unary_fail_err(call, E_NOMEM);
        return;
    }
    call->state = getting;
    read_ids((const Vouch__V1__GetPublicationRequest *)request, getting,
        &status);
    if (status.code != GRPC_OK) {
        unary_fail(call, &status);
        return;
    }
    call->tick.run = on_tick;
    service_tick_add(call->worker, &call->tick);
}

UNARY_METHOD(get_publication_method, get_publication);
