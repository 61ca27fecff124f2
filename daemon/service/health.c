#include "service/health.h"

#include <stdlib.h>
#include <string.h>

#include "proto/descriptors.h"
#include "service/text.h"
#include "service/unary.h"

#include "grpc/health/v1/health.pb-c.h"

typedef Grpc__Health__V1__HealthCheckResponse response_t;
typedef Grpc__Health__V1__HealthCheckResponse__ServingStatus state_t;

#define SERVING \
    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING \
    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN \
    GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

/* Another server, or the next one here, may be there after so long. */
#define DRAINING_RETRY_MS 1000

struct health_watch {
    struct service_worker *worker;
    struct sink sink;
    int known;                      /* what it watches is a service of ours */
    int begun;                      /* the first state has been told */
    struct health_watch *next;
    struct health_watch *prev;
};

static int
is_known(const char *service)
{
    size_t i;

    if (service[0] == '\0')
        return (1);
    for (i = 0; i < descriptor_service_count; i++)
        if (strcmp(descriptor_services[i], service) == 0)
            return (1);
    return (0);
}

static state_t
state_of(const struct service_worker *worker, int known)
{
    if (!known)
        return (SERVICE_UNKNOWN);
    return (service_worker_serves(worker) ? SERVING : NOT_SERVING);
}

static void
check(struct unary_call *call, const ProtobufCMessage *request)
{
    const Grpc__Health__V1__HealthCheckRequest *asked =
        (const Grpc__Health__V1__HealthCheckRequest *)request;
    response_t response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    struct grpc_status status;

    if (!is_known(asked->service)) {
        grpc_status_set(&status, GRPC_NOT_FOUND, "SERVICE_NOT_FOUND",
            "there is no service of that name");
        unary_fail(call, &status);
        return;
    }
    response.status = state_of(call->worker, 1);
    unary_reply(call, &response.base);
}

UNARY_METHOD(health_check_method, check);

typedef Grpc__Health__V1__HealthListResponse__StatusesEntry entry_t;

/* The rows of a list, in one piece that the call frees. */
struct listing {
    entry_t **entries;
    entry_t *rows;
};

static int
listing_make(struct listing *listing, size_t n)
{
    size_t pointers = n * sizeof(*listing->entries);
    char *block = calloc(1, pointers + n * sizeof(*listing->rows));

    if (block == NULL)
        return (0);
    listing->entries = (entry_t **)(void *)block;
    listing->rows = (entry_t *)(void *)(block + pointers);
    return (1);
}

static void
list(struct unary_call *call, const ProtobufCMessage *request)
{
    Grpc__Health__V1__HealthListResponse response =
        GRPC__HEALTH__V1__HEALTH_LIST_RESPONSE__INIT;
    response_t state = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    struct listing listing;
    size_t n = descriptor_service_count + 1;
    size_t i;

    (void)request;
    if (!listing_make(&listing, n)) {
        unary_fail_err(call, E_NOMEM);
        return;
    }
    call->state = listing.entries;
    state.status = state_of(call->worker, 1);
    for (i = 0; i < n; i++) {
        entry_t *row = &listing.rows[i];

        grpc__health__v1__health_list_response__statuses_entry__init(row);
        if (i > 0)      /* the first is the server as a whole: "" */
            row->key = text_of(descriptor_services[i - 1]);
        row->value = &state;
        listing.entries[i] = row;
    }
    response.n_statuses = n;
    response.statuses = listing.entries;
    unary_reply(call, &response.base);
}

UNARY_METHOD(health_list_method, list);

static enum err
watch_start(struct service_worker *worker, const struct caller *caller,
    struct sink sink, void **call)
{
    struct health_watch *watch;

    (void)caller;
    if ((watch = calloc(1, sizeof(*watch))) == NULL)
        return (E_NOMEM);
    watch->worker = worker;
    watch->sink = sink;
    watch->next = worker->watches;
    if (watch->next != NULL)
        watch->next->prev = watch;
    worker->watches = watch;
    *call = watch;
    return (E_OK);
}

static void
watch_free(struct health_watch *watch)
{
    if (watch->next != NULL)
        watch->next->prev = watch->prev;
    if (watch->prev != NULL)
        watch->prev->next = watch->next;
    else
        watch->worker->watches = watch->next;
    free(watch);
}

/* ${watch} may be gone afterwards. */
static void
watch_tell(struct health_watch *watch)
{
    response_t response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    struct sink sink = watch->sink;
    struct grpc_status status;
    enum err err;

    response.status = state_of(watch->worker, watch->known);
    err = sink.ops->send(sink.cookie, &response.base);
    if (err == E_OK && !watch->worker->draining)
        return;
    watch_free(watch);
    grpc_status_from_err(&status, err);
    if (err == E_OK) {  /* a watch has no end of its own: it would hold us */
        grpc_status_set(&status, GRPC_UNAVAILABLE, "DRAINING",
            "the server is shutting down");
        grpc_status_retry(&status, DRAINING_RETRY_MS);
    }
    sink.ops->finish(sink.cookie, &status);
}

static void
watch_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    const Grpc__Health__V1__HealthCheckRequest *asked =
        (const Grpc__Health__V1__HealthCheckRequest *)message;
    struct health_watch *watch = call;

    (void)bytes;
    watch->known = is_known(asked->service);
    watch->begun = 1;
    watch_tell(watch);
}

static void
watch_cancel(void *call)
{
    watch_free(call);
}

const struct method_ops health_watch_method = {
    .start = watch_start,
    .message = watch_message,
    .half_close = unary_half_close,
    .cancel = watch_cancel
};

void
health_tell(struct service_worker *worker)
{
    struct health_watch *watch;
    struct health_watch *next;

    for (watch = worker->watches; watch != NULL; watch = next) {
        next = watch->next;
        if (watch->begun)
            watch_tell(watch);
    }
}
