#include <stdlib.h>
#include <string.h>

#include "service/page.h"

#include "vouch/v1/catalog_service.pb-c.h"

#define PAGE_MAX 1000

#define ASSOCIATIONS_PATH "/vouch.v1.CatalogService/ListAssociations"
#define TYPES_PATH "/vouch.v1.CatalogService/ListCredentialTypes"

/* What GetAssociation keeps until the last word has been read. */
struct getting {
    size_t place;               /* in the catalog's list */
};

/* The catalog's rows, as messages want them: packing writes to none. */
static const Vouch__V1__Catalog *
catalog_of(const struct unary_call *call)
{
    return (catalog_index_catalog(call->worker->service->catalog));
}

static enum err
copy_recognitions(const struct unary_call *call, const char *association_id,
    Vouch__V1__GetAssociationResponse *response)
{
    Vouch__V1__Recognition *const *found;
    size_t n;

    found = service_recognitions(call->worker, association_id, &n);
    response->recognitions = calloc(n + 1, sizeof(*response->recognitions));
    if (response->recognitions == NULL)
        return (E_NOMEM);
    if (n > 0)
        memcpy(response->recognitions, found, n * sizeof(*found));
    response->n_recognitions = n;
    return (E_OK);
}

static void
on_source(void *cookie, enum err err, const struct store_source *source)
{
    Vouch__V1__GetAssociationResponse response =
        VOUCH__V1__GET_ASSOCIATION_RESPONSE__INIT;
    struct unary_call *call = cookie;
    const struct getting *getting = call->state;
    Vouch__V1__Association *association;

    call->request = NULL;
    if (err != E_OK) {
        unary_fail_err(call, err);
        return;
    }
    association = catalog_of(call)->associations[getting->place];
    if ((err = copy_recognitions(call, association->id, &response)) != E_OK) {
        unary_fail_err(call, err);
        return;
    }
    response.association = association;
    response.source_time_us = source->known ? source->source_time_us : 0;
    unary_reply(call, &response.base);
    free(response.recognitions);
}

static void
on_tick(struct tick_item *item, struct service_worker *worker, enum err view)
{
    struct unary_call *call = unary_of_tick(item);
    const struct getting *getting = call->state;
    struct store_request *found = NULL;
    enum err err = view;

    if (err == E_OK)
        err = store_find_source(worker->reader,
            catalog_of(call)->associations[getting->place]->id, on_source,
            call, &found);
    if (err != E_OK)
        unary_fail_err(call, err);
    else if (found != NULL)     /* otherwise the call is answered and gone */
        call->request = found;
}

static void
get_association(struct unary_call *call, const ProtobufCMessage *request)
{
    const Vouch__V1__GetAssociationRequest *asked =
        (const Vouch__V1__GetAssociationRequest *)request;
    struct grpc_status status;
    struct getting *getting;
    int place;

    place = catalog_index_place(call->worker->service->catalog,
        asked->association_id);
    if (place < 0) {
        grpc_status_set(&status, GRPC_NOT_FOUND, "ASSOCIATION_NOT_FOUND",
            "the catalog holds no association of that id");
        unary_fail(call, &status);
        return;
    }
    if ((getting = calloc(1, sizeof(*getting))) == NULL) {
        unary_fail_err(call, E_NOMEM);
        return;
    }
    getting->place = (size_t)place;
    call->state = getting;
    call->tick.run = on_tick;
    service_tick_add(call->worker, &call->tick);
}

UNARY_METHOD(get_association_method, get_association);

static void
list_associations(struct unary_call *call, const ProtobufCMessage *request)
{
    const Vouch__V1__ListAssociationsRequest *asked =
        (const Vouch__V1__ListAssociationsRequest *)request;
    Vouch__V1__ListAssociationsResponse response =
        VOUCH__V1__LIST_ASSOCIATIONS_RESPONSE__INIT;
    const Vouch__V1__Catalog *catalog = catalog_of(call);
    struct page page = {.most = PAGE_MAX,
        .scope = {.method = ASSOCIATIONS_PATH, .filter = ""}};
    size_t at = 0;
    enum err err;

    if (!page_begin(&page, call, asked->page_size, asked->page_token))
        return;
    while (at < catalog->n_associations &&
        strcmp(catalog->associations[at]->id, page.after) <= 0)
        at++;
    response.associations = catalog->associations + at;
    response.n_associations = catalog->n_associations - at;
    if (response.n_associations > page.max) {
        response.n_associations = page.max;
        err = page_end(&page, catalog->associations[at + page.max - 1]->id);
        if (err != E_OK) {
            unary_fail_err(call, err);
            return;
        }
        response.next_page_token = page.next;
    }
    unary_reply(call, &response.base);
}

UNARY_METHOD(list_associations_method, list_associations);

/* The first rows behind the last page, and whether there are more. */
static int
collect_types(const Vouch__V1__Catalog *catalog, const char *association_id,
    const struct page *page, Vouch__V1__ListCredentialTypesResponse *response)
{
    size_t i;

    for (i = 0; i < catalog->n_credential_types; i++) {
        Vouch__V1__CredentialType *type = catalog->credential_types[i];

        if (strcmp(type->id, page->after) <= 0)
            continue;
        if (association_id[0] != '\0' &&
            strcmp(type->association_id, association_id) != 0)
            continue;
        if (response->n_credential_types == page->max)
            return (1);
        response->credential_types[response->n_credential_types++] = type;
    }
    return (0);
}

static void
list_credential_types(struct unary_call *call, const ProtobufCMessage *request)
{
    const Vouch__V1__ListCredentialTypesRequest *asked =
        (const Vouch__V1__ListCredentialTypesRequest *)request;
    Vouch__V1__ListCredentialTypesResponse response =
        VOUCH__V1__LIST_CREDENTIAL_TYPES_RESPONSE__INIT;
    struct page page = {.most = PAGE_MAX, .scope = {.method = TYPES_PATH,
        .filter = asked->association_id}};
    enum err err = E_OK;

    if (!page_begin(&page, call, asked->page_size, asked->page_token))
        return;
    response.credential_types = calloc(page.max,
        sizeof(*response.credential_types));
    if ((call->state = response.credential_types) == NULL) {
        unary_fail_err(call, E_NOMEM);
        return;
    }
    if (collect_types(catalog_of(call), asked->association_id, &page,
        &response)) {
        err = page_end(&page, response.credential_types[page.max - 1]->id);
        response.next_page_token = page.next;
    }
    if (err != E_OK)
        unary_fail_err(call, err);
    else
        unary_reply(call, &response.base);
}

UNARY_METHOD(list_credential_types_method, list_credential_types);
