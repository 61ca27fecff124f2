#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "proto/number.h"
#include "service/page.h"
#include "service/publication.h"
#include "service/publish_header.h"

#define PATH "/vouch.v1.PublishingService/ListEvents"
#define PAGE_MOST 250
#define PAGE_BYTES ((size_t)256 * 1024)     /* then no more are added */
#define ONE_MAX ((size_t)STORE_EVENT_MAX + 1024)    /* of one event */

/* One page in the making. */
struct event_list {
    struct page page;
    char filter[256];
    const char *association;        /* the catalog's */
    uint8_t publication[STORE_ID];
    int by_publication;
    char number_key[NUMBER_MAX + 1];        /* "": any */
    int64_t from;                   /* index in the log */
    int64_t before;
    size_t n;
    int64_t last;                   /* index of the last that was added */
    int more;                       /* there are, behind it */
    struct buf bytes;               /* the response, packed as it grows */
};

/* ---- what is read ------------------------------------------------------ */

/*
 * Whether the event is of the association that lists: nobody else may see it,
 * whatever an index says.  Its first field says whose it is.
 */
static int
is_own(const struct event_list *list, struct slice event)
{
    size_t n = strlen(list->association);

    return (n < 0x80 && event.n > n + 2 && event.p[0] == 0x0a &&
        event.p[1] == n && memcmp(event.p + 2, list->association, n) == 0);
}

/* What is added to a response is what its wire form becomes longer by. */
static enum err
add(struct event_list *list, const struct store_entry *entry)
{
    Vouch__V1__ListEventsResponse response =
        VOUCH__V1__LIST_EVENTS_RESPONSE__INIT;
    Vouch__V1__ListedEvent listed = VOUCH__V1__LISTED_EVENT__INIT;
    Vouch__V1__ListedEvent *only = &listed;
    Vouch__V1__Opening opening = VOUCH__V1__OPENING__INIT;
    uint8_t salt[LEAF_SALT], leaf[LEAF_DATA];
    union {
        const uint8_t *in;
        uint8_t *out;
    } event = {.in = entry->bytes.p};

    memcpy(salt, entry->salt, sizeof(salt));
    memcpy(leaf, entry->leaf, sizeof(leaf));
    opening.log_index = entry->log_index;
    opening.salt = (ProtobufCBinaryData){sizeof(salt), salt};
    opening.event = (ProtobufCBinaryData){entry->bytes.n, event.out};
    listed.opening = &opening;
    listed.leaf_data = (ProtobufCBinaryData){sizeof(leaf), leaf};
    response.events = &only;
    response.n_events = 1;
    return (message_pack(&response.base, &list->bytes));
}

/* E_EXISTS ends the page before this entry. */
static enum err
on_entry(void *cookie, const struct store_entry *entry)
{
    struct unary_call *call = cookie;
    struct event_list *list = call->state;
    enum err err;

    if (list->n == list->page.max || list->bytes.n >= PAGE_BYTES) {
        list->more = 1;
        return (E_EXISTS);
    }
    if (entry->domain != LEAF_EVENT || !is_own(list, entry->bytes))
        return (E_CORRUPT);
    if ((err = add(list, entry)) != E_OK)
        return (err);
    list->n++;
    list->last = entry->log_index;
    return (E_OK);
}

static enum err
end_page(struct event_list *list)
{
    Vouch__V1__ListEventsResponse rest =
        VOUCH__V1__LIST_EVENTS_RESPONSE__INIT;
    char last[24];
    enum err err;

    if (!list->more)
        return (E_OK);
    (void)snprintf(last, sizeof(last), "%" PRId64, list->last);
    if ((err = page_end(&list->page, last)) != E_OK)
        return (err);
    rest.next_page_token = list->page.next;
    return (message_pack(&rest.base, &list->bytes));
}

static void
on_done(void *cookie, enum err err)
{
    struct unary_call *call = cookie;
    struct event_list *list = call->state;

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

/* One more than the page holds tells whether there are more. */
static enum err
read_page(struct unary_call *call, struct store_request **request)
{
    struct event_list *list = call->state;
    struct store_reader *reader = call->worker->reader;
    struct store_events which = {
        .association = list->association,
        .number_key = list->number_key[0] != '\0' ? list->number_key : NULL,
        .from = list->from,
        .n = (int64_t)list->page.max + 1
    };

    if (!list->by_publication)
        return (store_read_events(reader, &which, on_entry, on_done, call,
            request));
    if (which.n > list->before - which.from)
        which.n = list->before - which.from;
    return (store_read_entries(reader, which.from, which.n, on_entry,
        on_done, call, request));
}

static void
on_page_tick(struct tick_item *item, struct service_worker *worker,
    enum err view)
{
    struct unary_call *call = unary_of_tick(item);
    struct store_request *request = NULL;
    enum err err = view;

    (void)worker;
    if (err == E_OK)
        err = read_page(call, &request);
    if (err != E_OK)
        unary_fail_err(call, err);
    else if (request != NULL)   /* otherwise the call is answered and gone */
        call->request = request;
}

/* Must not read: the page is read by the next item, of the same view. */
static void
on_publication(void *cookie, enum err err,
    const struct store_publication *publication)
{
    struct unary_call *call = cookie;
    struct event_list *list = call->state;
    struct grpc_status status;

    call->request = NULL;
    if (err == E_NOTFOUND) {
        grpc_status_set(&status, GRPC_NOT_FOUND, "PUBLICATION_NOT_FOUND",
            "there is no publication of that id by this association");
        unary_fail(call, &status);
        return;
    }
    if (err != E_OK) {
        unary_fail_err(call, err);
        return;
    }
    if (list->from < publication->first_log_index)
        list->from = publication->first_log_index;
    list->before = publication->first_log_index + publication->event_count;
    call->tick.run = on_page_tick;
    service_tick_add(call->worker, &call->tick);
}

static void
on_publication_tick(struct tick_item *item, struct service_worker *worker,
    enum err view)
{
    struct unary_call *call = unary_of_tick(item);
    const struct event_list *list = call->state;
    struct store_request *request = NULL;
    enum err err = view;

    if (err == E_OK)
        err = store_find_publication(worker->reader, list->association,
            list->publication, 0, on_publication, call, &request);
    if (err != E_OK)
        unary_fail_err(call, err);
    else if (request != NULL)
        call->request = request;
}

/* ---- what is asked for ------------------------------------------------- */

static void
dispose(struct unary_call *call)
{
    struct event_list *list = call->state;

    buf_free(&list->bytes);
    free(list);
}

static void
read_filter(const Vouch__V1__ListEventsRequest *asked,
    struct number_rules rules, struct event_list *list,
    struct grpc_status *status)
{
    list->by_publication = asked->publication_id[0] != '\0';
    if (list->by_publication && bytes_from_hex(asked->publication_id,
        list->publication, STORE_ID) != E_OK)
        grpc_status_violation(status, "publication_id",
            "must be 32 hexadecimal digits");
    if (list->by_publication && asked->number[0] != '\0')
        grpc_status_violation(status, "number",
            "must not be given with publication_id");
    else if (asked->number[0] != '\0' && number_key(&rules,
        slice_of(asked->number), list->number_key) != E_OK)
        grpc_status_violation(status, "number",
            "is none that this association may have: printable ASCII, at "
            "most %d bytes", NUMBER_MAX);
    if (asked->from_log_index < 0)
        grpc_status_violation(status, "from_log_index",
            "must not be negative");
    list->from = asked->from_log_index;
}

static void
read_request(struct unary_call *call,
    const Vouch__V1__ListEventsRequest *asked, struct event_list *list,
    struct grpc_status *status)
{
    const struct caller *caller = call->caller;
    const Vouch__V1__Association *association;
    size_t place;
    enum err err;

    err = publish_owner(asked->association_id[0] != '\0' ?
        asked->association_id : caller->identity->id, call->worker, caller,
        &place, status);
    if (err != E_OK)
        return;
    association = catalog_index_catalog(call->worker->service->catalog)
        ->associations[place];
    list->association = association->id;
    read_filter(asked, catalog_index_number_rules(association), list, status);
    if (status->code != GRPC_OK)
        return;
    /* The number comes last: it alone may hold a bar. */
    (void)snprintf(list->filter, sizeof(list->filter), "%s|%s|%" PRId64 "|%s",
        list->association, list->by_publication ? asked->publication_id : "",
        asked->from_log_index, list->number_key);
    list->page.scope = (struct page_scope){.method = PATH,
        .filter = list->filter};
    list->page.most = PAGE_MOST;
}

static void
go_on(struct unary_call *call, struct event_list *list)
{
    int64_t last;

    if (list->page.after[0] != '\0') {
        if (sscanf(list->page.after, "%" SCNd64, &last) != 1) {
            unary_fail_err(call, E_CORRUPT);    /* it was ours */
            return;
        }
        list->from = last + 1;
    }
    call->tick.run = list->by_publication ? on_publication_tick :
        on_page_tick;
    service_tick_add_slow(call->worker, &call->tick);
}

static void
list_events(struct unary_call *call, const ProtobufCMessage *request)
{
    const Vouch__V1__ListEventsRequest *asked =
        (const Vouch__V1__ListEventsRequest *)request;
    struct grpc_status status = {.code = GRPC_OK};
    struct event_list *list;

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

UNARY_METHOD(list_events_method, list_events);
