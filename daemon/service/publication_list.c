#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "service/page.h"
#include "service/publication.h"
#include "service/publish_header.h"

#define PATH "/vouch.v1.PublishingService/ListPublications"
#define PAGE_MOST 250
#define PAGE_BYTES ((size_t)256 * 1024)     /* then no more are added */
#define ONE_MAX ((size_t)64 * 1024)         /* of one publication */

/* One page in the making. */
struct publication_list {
    struct page page;
    char filter[128];
    const char *association;        /* NULL: all.  The catalog's. */
    struct store_publications which;
    size_t n;
    char last[PAGE_ID_MAX + 1];     /* the id of the last that was added */
    int more;                       /* there are, behind it */
    struct buf bytes;               /* the response, packed as it grows */
};

/* What is added to a response is what its wire form becomes longer by. */
static enum err
add(struct publication_list *list, const struct store_publication *outcome)
{
    Vouch__V1__ListPublicationsResponse response =
        VOUCH__V1__LIST_PUBLICATIONS_RESPONSE__INIT;
    Vouch__V1__Publication publication, *only = &publication;
    struct publication_texts texts;

    publication_fill(outcome, &texts, &publication);
    response.publications = &only;
    response.n_publications = 1;
    return (message_pack(&response.base, &list->bytes));
}

/* E_EXISTS ends the page before this one. */
static enum err
on_publication(void *cookie, const struct store_publication *outcome)
{
    struct unary_call *call = cookie;
    struct publication_list *list = call->state;
    enum err err;

    if (list->n == list->page.max || list->bytes.n >= PAGE_BYTES) {
        list->more = 1;
        return (E_EXISTS);
    }
    if ((err = add(list, outcome)) != E_OK)
        return (err);
    list->n++;
    (void)snprintf(list->last, sizeof(list->last), "%" PRId64 ".%" PRId64,
        outcome->recorded_at_us, outcome->manifest_log_index);
    return (E_OK);
}

static enum err
end_page(struct publication_list *list)
{
    Vouch__V1__ListPublicationsResponse rest =
        VOUCH__V1__LIST_PUBLICATIONS_RESPONSE__INIT;
    enum err err;

    if (!list->more)
        return (E_OK);
    if ((err = page_end(&list->page, list->last)) != E_OK)
        return (err);
    rest.next_page_token = list->page.next;
    return (message_pack(&rest.base, &list->bytes));
}

static void
on_done(void *cookie, enum err err)
{
    struct unary_call *call = cookie;
    struct publication_list *list = call->state;

    call->request = NULL;
    if (err == E_EXISTS)
        err = E_OK;
    if (err == E_OK)
        err = end_page(list);
    if (err != E_OK)
        unary_fail_err(call, err);
    else
        unary_reply_bytes(call, buf_slice(&list->bytes));
}

static void
on_tick(struct tick_item *item, struct service_worker *worker, enum err view)
{
    struct unary_call *call = unary_of_tick(item);
    struct publication_list *list = call->state;
    struct store_request *request = NULL;
    enum err err = view;

    if (err == E_OK)
        err = store_list_publications(worker->reader, &list->which,
            on_publication, on_done, call, &request);
    if (err != E_OK)
        unary_fail_err(call, err);
    else if (request != NULL)   /* otherwise the call is answered and gone */
        call->request = request;
}

static void
dispose(struct unary_call *call)
{
    struct publication_list *list = call->state;

    buf_free(&list->bytes);
    free(list);
}

/* An association sees its own; an auditor those of all, or of one. */
static void
read_association(struct unary_call *call, const char *id,
    struct publication_list *list, struct grpc_status *status)
{
    const char *own = call->caller->identity->id;
    const Vouch__V1__Catalog *catalog =
        catalog_index_catalog(call->worker->service->catalog);
    size_t place;

    if (call->caller->identity->role != ROLE_AUDITOR) {
        if (publish_owner(id[0] == '\0' ? own : id, call->worker,
            call->caller, &place, status) == E_OK)
            list->association = catalog->associations[place]->id;
    } else if (id[0] != '\0') {
        const Vouch__V1__Association *found =
            service_association(call->worker, id);

        if (found == NULL)
            grpc_status_set(status, GRPC_NOT_FOUND, "ASSOCIATION_NOT_FOUND",
                "the catalog holds no association of that id");
        else
            list->association = found->id;
    }
}

static void
read_request(struct unary_call *call,
    const Vouch__V1__ListPublicationsRequest *asked,
    struct publication_list *list, struct grpc_status *status)
{
    read_association(call, asked->association_id, list, status);
    if (status->code != GRPC_OK)
        return;
    if (asked->recorded_from_us < 0)
        grpc_status_violation(status, "recorded_from_us",
            "must be a time in microseconds; 0: since ever");
    if (asked->recorded_before_us < 0)
        grpc_status_violation(status, "recorded_before_us",
            "must be a time in microseconds; 0: until now");
    list->which = (struct store_publications){
        .association = list->association,
        .from_us = asked->recorded_from_us,
        .before_us = asked->recorded_before_us != 0 ?
            asked->recorded_before_us : INT64_MAX
    };
    (void)snprintf(list->filter, sizeof(list->filter),
        "%s|%" PRId64 "|%" PRId64, list->association != NULL ?
        list->association : "", asked->recorded_from_us,
        asked->recorded_before_us);
    list->page.scope = (struct page_scope){.method = PATH,
        .filter = list->filter};
    list->page.most = PAGE_MOST;
}

/* One more than the page holds tells whether there are more. */
static void
go_on(struct unary_call *call, struct publication_list *list)
{
    if (list->page.after[0] != '\0' && sscanf(list->page.after,
        "%" SCNd64 ".%" SCNd64, &list->which.before_us,
        &list->which.before_index) != 2) {
        unary_fail_err(call, E_CORRUPT);    /* it was ours */
        return;
    }
    list->which.n = (int64_t)list->page.max + 1;
    call->tick.run = on_tick;
    service_tick_add_slow(call->worker, &call->tick);
}

static void
list_publications(struct unary_call *call, const ProtobufCMessage *request)
{
    const Vouch__V1__ListPublicationsRequest *asked =
        (const Vouch__V1__ListPublicationsRequest *)request;
    struct grpc_status status = {.code = GRPC_OK};
    struct publication_list *list;

    if ((list = calloc(1, sizeof(*list))) == NULL) {
        unary_fail_err(call, E_NOMEM);
        return;
    }
    call->state = list;
    call->dispose = dispose;
    buf_init(&list->bytes, PAGE_BYTES + ONE_MAX);
    read_request(call, asked, list, &status);
    if (status.code != GRPC_OK)
        unary_fail(call, &status);
    else if (page_begin(&list->page, call, asked->page_size,
        asked->page_token))
        go_on(call, list);
}

UNARY_METHOD(list_publications_method, list_publications);
