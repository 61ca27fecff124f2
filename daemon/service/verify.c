#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "decide/decide.h"
#include "proto/arena.h"
#include "proto/message.h"
#include "proto/uuid.h"
#include "service/credential.h"
#include "service/event_read.h"
#include "service/text.h"
#include "service/unary.h"
#include "service/verify.h"
#include "service/verify_put.h"

#include "vouch/v1/verification_service.pb-c.h"

/*
 * How many of the below a worker keeps for reuse: as many as a tick is likely
 * to bring.  To get and return their memory each time was a twelfth of a call.
 */
#define SPARE_MAX 256

/*
 * By how much an answer is longer than its question, without recognitions, seal
 * and what the catalog says: who asked, numbers, status, periods.
 */
#define REST_MAX ((size_t)(320 + CREDENTIAL_RAW_STATUS_MAX +               \
    CREDENTIAL_RAW_REASON_MAX + CREDENTIAL_PERIODS_MAX * 36))

/* More than this is not kept for reuse. */
#define RESPONSE_SPARE ((size_t)16 * 1024)

#define NOT_FOUND VOUCH__V1__RECOGNITION_STATE__RECOGNITION_STATE_UNSPECIFIED

static void
verify_free(struct verify *v)
{
    if (v == NULL)
        return;
    arena_free(v->arena);
    buf_free(&v->response);
    free(v);
}

void
verify_free_spare(struct service_worker *worker)
{
    while (worker->spare != NULL) {
        struct verify *v = worker->spare;

        worker->spare = v->next;
        verify_free(v);
    }
    worker->nspare = 0;
}

/* The call is over. */
static void
dispose(struct unary_call *call)
{
    struct service_worker *worker = call->worker;
    struct verify *v = call->state;

    if (v->sealing != NULL)
        batcher_remove(worker->batcher, &v->item);
    if (worker->nspare == SPARE_MAX || v->response.size > RESPONSE_SPARE) {
        verify_free(v);
        return;
    }
    arena_reset(v->arena);
    v->next = worker->spare;
    worker->spare = v;
    worker->nspare++;
}

static enum err
take(struct service_worker *worker, struct verify **verify)
{
    struct verify *v = worker->spare;
    enum err err;

    *verify = v;
    if (v != NULL) {
        worker->spare = v->next;
        worker->nspare--;
        return (E_OK);
    }
    if ((v = calloc(1, sizeof(*v))) == NULL)
        return (E_NOMEM);
    if ((err = arena_create(worker->service->max_request, &v->arena)) !=
        E_OK) {
        free(v);
        return (err);
    }
    buf_init(&v->response, VERIFY_RESPONSE_MAX);
    *verify = v;
    return (E_OK);
}

/* ---- the answer ------------------------------------------------------- */

/* What was found, some of it still as bytes, and what it leads to. */
struct found {
    struct unary_call *call;
    struct verify_facts *facts;
    struct arena *arena;
    const struct store_version *stored;
    struct decide_version *versions;    /* in the arena */
    size_t n;
};

/* Read the events of some of what was found; for decide(). */
static enum err
read_history(void *cookie, size_t from, size_t to)
{
    struct found *found = cookie;
    Vouch__V1__Event *event;
    enum err err;
    size_t i;

    for (i = from; i < to; i++) {
        if ((err = event_read(found->stored[i].event, found->arena,
            &event)) != E_OK)
            return (err);
        found->versions[i].event = event;
    }
    return (E_OK);
}

/* For decide(). */
static enum err
recognize(void *cookie, const char *type, Vouch__V1__RecognitionState *state)
{
    struct found *found = cookie;
    const struct verify *v = found->call->state;
    struct recognized *recognized = &found->facts->recognized;
    enum err err;

    if ((err = recognized_find(found->call->worker->recognized, &v->prepared,
        type, found->arena, recognized)) == E_OK)
        *state = recognized->state;
    return (err);
}

/* Of each credential the last event only. */
static enum err
read_latest(struct found *found)
{
    const struct store_version *stored = found->stored;
    enum err err;
    size_t i;

    found->versions = arena_alloc(found->arena,
        found->n * sizeof(*found->versions));
    if (found->versions == NULL)
        return (arena_exhausted(found->arena) ? E_TOOBIG : E_NOMEM);
    for (i = 0; i < found->n; i++) {
        found->versions[i].credential_id = stored[i].credential_id;
        found->versions[i].log_index = stored[i].log_index;
        found->versions[i].event = NULL;
        if (i + 1 < found->n && memcmp(stored[i].credential_id,
            stored[i + 1].credential_id, STORE_ID) == 0)
            continue;
        if ((err = read_history(found, i, i + 1)) != E_OK)
            return (err);
    }
    return (E_OK);
}

/* What an answer may say of the association, and of an order that extends. */
static size_t
texts_max(const struct unary_call *call)
{
    const struct verify *v = call->state;
    const Vouch__V1__Association *a = v->prepared.association;
    size_t most = 0, n, i;
    Vouch__V1__Extension *const *extensions = catalog_index_extensions(
        call->worker->service->catalog, a->id, &n);

    for (i = 0; i < n; i++) {
        const size_t one = put_text_max(extensions[i]->order) +
            put_text_max(extensions[i]->source) + PUT_DATE_MAX;

        most = one > most ? one : most;
    }
    return (most + strlen(a->name) + strlen(a->designation) +
        strlen(a->contact));
}

/*
 * How long an answer to the claim may be, whatever it says, so that its length
 * says nothing.  If the claim names a type, what it says need not be found
 * again.
 */
static enum err
allow_for(struct unary_call *call, const struct recognized *found)
{
    const struct verify *v = call->state;
    size_t n = found->statements.n;
    enum err err;

    if (found->state == NOT_FOUND &&
        (err = recognized_most(call->worker->recognized, &v->prepared,
        call->worker->scratch, &n)) != E_OK)
        return (err);
    call->sink.ops->may_tell(call->sink.cookie, n + REST_MAX +
        texts_max(call) + batcher_seal_max(call->worker->batcher));
    return (E_OK);
}

/* So that finding nothing is the work of finding somebody else. */
static enum err
read_stand_in(struct unary_call *call)
{
    struct verify *v = call->state;
    struct buf *bytes = &v->response;       /* which is not begun */
    Vouch__V1__Event *event;
    enum err err;

    buf_drop(bytes, bytes->n);
    if ((err = message_pack(&decide_stand_in()->event->base, bytes)) != E_OK)
        return (err);
    return (event_read(buf_slice(bytes), call->worker->scratch, &event));
}

static enum err
decide_found(struct unary_call *call, const struct store_candidates *found,
    struct verify_facts *facts, struct decision *decision)
{
    struct verify *v = call->state;
    const Vouch__V1__Association *association = v->prepared.association;
    struct found read = {.call = call, .facts = facts,
        .arena = call->worker->scratch,
        .stored = found->versions, .n = found->nversions};
    struct decide_input input = {.claim = &v->prepared};
    enum err err;

    facts->source = found->source;
    facts->log_size = found->log_size;
    facts->freshness = decide_freshness(found->source.known,
        found->source.source_time_us, facts->answered_at_us,
        association->max_age_seconds);
    if (found->nversions == 0 && (err = read_stand_in(call)) != E_OK)
        return (err);
    if ((err = read_latest(&read)) != E_OK)
        return (err);
    input.versions = read.versions;
    input.nversions = read.n;
    input.history = read_history;
    input.recognize = recognize;
    input.cookie = &read;
    input.key = service_factor_key(call->worker, v->place);
    input.freshness = facts->freshness;
    input.extensions = catalog_index_extensions(
        call->worker->service->catalog, association->id, &input.nextensions);
    if (v->prepared.claim->credential_type_id[0] == '\0' &&
        (err = allow_for(call, &facts->recognized)) != E_OK)
        return (err);
    if ((err = decide(&input, decision)) != E_OK ||
        v->prepared.claim->credential_type_id[0] == '\0')
        return (err);
    return (allow_for(call, &facts->recognized));
}

/* ---- the lookup ------------------------------------------------------- */

static void
on_candidates(void *cookie, enum err err, const struct store_candidates *found)
{
    struct unary_call *call = cookie;
    struct decision decision;
    struct verify_facts facts = {.decision = &decision,
        .answered_at_us = clock_wall_us()};

    call->request = NULL;
    arena_reset(call->worker->scratch);
    if (err == E_OK)
        err = decide_found(call, found, &facts, &decision);
    if (err == E_OK)
        verify_reply(call, &facts);
    else
        verify_fail(call, err);
}

static void
answer_unknown(struct unary_call *call)
{
    struct verify *v = call->state;
    struct decision decision;
    struct decide_input input = {.claim = &v->prepared};
    struct verify_facts facts = {.decision = &decision,
        .answered_at_us = clock_wall_us(),
        .log_size = call->worker->head.size};
    enum err err;

    if ((err = decide(&input, &decision)) == E_OK)
        verify_reply(call, &facts);
    else
        verify_fail(call, err);
}

static void
on_tick(struct tick_item *item, struct service_worker *worker, enum err view)
{
    struct unary_call *call = unary_of_tick(item);
    const struct verify *v = call->state;
    struct store_request *request = NULL;
    enum err err = view;

    if (err == E_OK && v->prepared.association == NULL) {
        answer_unknown(call);
        return;
    }
    if (err == E_OK)
        err = store_lookup(worker->reader, v->prepared.association->id,
            v->prepared.number_key, on_candidates, call, &request);
    if (err != E_OK)
        verify_fail(call, err);
    else if (request != NULL)   /* otherwise the call is answered and gone */
        call->request = request;
}

/* ---- the question ----------------------------------------------------- */

static int
type_is_known(const struct unary_call *call, const Vouch__V1__Claim *claim)
{
    const Vouch__V1__CredentialType *type;

    if (claim->credential_type_id[0] == '\0')
        return (1);
    type = service_credential_type(call->worker, claim->credential_type_id);
    return (type != NULL && slice_equal(slice_of(type->association_id),
        slice_of(claim->association_id)));
}

/* A recognizer mistyped must not become a "not recognized". */
static int
recognizers_are_known(const struct unary_call *call,
    const Vouch__V1__Claim *claim)
{
    const struct catalog_index *catalog = call->worker->service->catalog;
    size_t i;

    for (i = 0; i < claim->n_recognized_by &&
        i < DECIDE_RECOGNIZERS_MAX; i++)
        if (!catalog_index_recognizes(catalog, claim->recognized_by[i]))
            return (0);
    return (1);
}

/* Everything that is wrong is told at once, before anything is looked up. */
static enum err
check(struct unary_call *call,
    const Vouch__V1__VerifyCredentialRequest *request,
    struct grpc_status *status)
{
    const struct catalog_index *catalog = call->worker->service->catalog;
    struct verify *v = call->state;
    struct decide_terms terms = {.now_us = clock_wall_us()};
    uint8_t uuid[16];

    grpc_status_from_err(status, E_OK);
    if (request->claim == NULL) {
        grpc_status_violation(status, "claim", "is required");
    } else {
        v->place = catalog_index_place(catalog,
            request->claim->association_id);
        if (v->place >= 0)
            terms.association =
                catalog_index_catalog(catalog)->associations[v->place];
        terms.type_known = type_is_known(call, request->claim);
        terms.recognizers_known = recognizers_are_known(call,
            request->claim);
        if (decide_claim_prepare(request->claim, &terms, &v->prepared,
            status) == E_NOMEM)
            return (E_NOMEM);
    }
    if (uuid_parse(slice_of(request->request_id), uuid) != E_OK)
        grpc_status_violation(status, "request_id",
            "must be a UUID (RFC 9562) in its text form");
    return (status->code == GRPC_OK ? E_OK : E_INVAL);
}

static void
verify_credential(struct unary_call *call,
    const Vouch__V1__VerifyCredentialRequest *request, size_t size)
{
    struct verify *v = call->state;
    struct grpc_status status;
    enum err err;

    v->request = request;
    v->request_size = size;
    if ((err = check(call, request, &status)) == E_INVAL) {
        unary_fail(call, &status);
        return;
    }
    if (err != E_OK) {
        verify_fail(call, err);
        return;
    }
    call->tick.run = on_tick;
    service_tick_add(call->worker, &call->tick);
}

/* ---- the method -------------------------------------------------------- */

static enum err
start(struct service_worker *worker, const struct caller *caller,
    struct sink sink, void **call)
{
    struct verify *v;
    enum err err;

    if ((err = take(worker, &v)) != E_OK)
        return (err);
    unary_init(&v->call, worker, caller, sink);
    v->call.state = v;
    v->call.dispose = dispose;
    v->call.part_of_state = 1;
    v->request = NULL;
    v->sealing = NULL;
    *call = &v->call;
    return (E_OK);
}

/* The request is needed until the lookup has been answered. */
static struct arena *
arena_of(void *call)
{
    const struct unary_call *unary = call;
    const struct verify *v = unary->state;

    return (v->arena);
}

static void
on_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    verify_credential(call,
        (const Vouch__V1__VerifyCredentialRequest *)(const void *)message,
        bytes.n);
}

const struct method_ops verify_credential_method = {
    .start = start,
    .arena = arena_of,
    .message = on_message,
    .half_close = unary_half_close,
    .cancel = unary_cancel,
};
