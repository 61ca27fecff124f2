#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "service/denier.h"
#include "service/job.h"
#include "service/text.h"
#include "service/unary.h"

#include "vouch/v1/access_service.pb-c.h"

/* One entry on its way through the denier; may outlast its call. */
struct request {
    struct denying denying;
    struct service *service;
    struct service_worker *worker;
    struct unary_call *call;            /* NULL: gone */
    char by[IDENTITY_URI_MAX + 1];
};

/* ---- what is asked ----------------------------------------------------- */

static int
is_given(const char *text)
{
    return (text[0] != '\0');
}

/* One of the three, and a role where it belongs. */
static void
check_choice(const Vouch__V1__DenyIdentityRequest *asked,
    struct grpc_status *status)
{
    const struct {
        const char *field, *value;
    } choices[] = {{"identity", asked->identity}, {"serial", asked->serial},
        {"key_sha256", asked->key_sha256}};
    int given = 0;

    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
        if (is_given(choices[i].value) && ++given > 1)
            grpc_status_violation(status, choices[i].field,
                "only one of identity, serial and key_sha256 may be given");
    if (given == 0)
        grpc_status_violation(status, "identity",
            "one of identity, serial and key_sha256 must be given");
    if (is_given(asked->role) && !is_given(asked->serial))
        grpc_status_violation(status, "role",
            "belongs to a serial number, and to nothing else");
}

static enum role
role_named(const char *name)
{
    int r = 0;

    while (r < ROLE_COUNT &&
        strcmp(name, identity_role_name((enum role)r)) != 0)
        r++;
    return ((enum role)r);
}

/* Of the one that is given. */
static void
read_value(const Vouch__V1__DenyIdentityRequest *asked,
    const char *trust_domain, struct denial *denial,
    struct grpc_status *status)
{
    const char *field = "identity", *why = NULL;
    enum err err;

    if (is_given(asked->identity))
        err = denial_set_identity(denial, slice_of(asked->identity),
            trust_domain, &why);
    else if (is_given(asked->key_sha256)) {
        field = "key_sha256";
        err = denial_set_key(denial, slice_of(asked->key_sha256), &why);
    } else {
        const enum role role = role_named(asked->role);

        field = role == ROLE_COUNT ? "role" : "serial";
        err = denial_set_serial(denial, role, slice_of(asked->serial), &why);
    }
    if (err != E_OK)
        grpc_status_violation(status, field, "%s", why);
}

/* An administrator who has locked himself out could not say that he has. */
static void
check_caller(const struct denial *denial, const struct identity *caller,
    struct grpc_status *status)
{
    char key[2 * SHA256_BYTES + 1];
    const char *own = caller->uri;

    bytes_to_hex((struct slice){caller->key, sizeof(caller->key)}, key);
    if (denial->kind == DENIAL_KEY)
        own = key;
    else if (denial->kind == DENIAL_SERIAL)
        own = denial->role == caller->role ? caller->serial : "";
    if (strcmp(denial->value, own) == 0)
        grpc_status_set(status, GRPC_FAILED_PRECONDITION,
            "WOULD_DENY_CALLER", "this would deny the certificate that it "
            "was asked with; let another administrator ask");
}

static void
read_request(const Vouch__V1__DenyIdentityRequest *asked,
    const char *trust_domain, const struct identity *caller,
    struct denial *denial, struct grpc_status *status)
{
    const char *why;

    check_choice(asked, status);
    if (status->code == GRPC_OK)
        read_value(asked, trust_domain, denial, status);
    if (denial_set_reason(denial, slice_of(asked->reason), &why) != E_OK)
        grpc_status_violation(status, "reason", "%s", why);
    if (status->code == GRPC_OK)
        check_caller(denial, caller, status);
    /* As the list has it. */
    denial->denied_us = clock_wall_us() / 1000000 * 1000000;
}

/* ---- what became of it ------------------------------------------------- */

static void
set_failure(struct grpc_status *status, enum err err)
{
    switch (err) {
    case E_NOTFOUND:
        grpc_status_set(status, GRPC_FAILED_PRECONDITION, "NO_DENY_LIST",
            "this daemon has no deny list");
        break;
    case E_INVAL:
        grpc_status_set(status, GRPC_FAILED_PRECONDITION,
            "DENY_LIST_FAULTY", "the deny list has a fault, or is gone; the "
            "daemon's log says more, and nothing was added");
        break;
    case E_TOOBIG:
        grpc_status_set(status, GRPC_FAILED_PRECONDITION, "DENY_LIST_FULL",
            "the deny list has no room for another entry");
        break;
    case E_BUSY:
        grpc_status_set(status, GRPC_UNAVAILABLE, "DENY_LIST_BUSY",
            "somebody is writing the deny list; nothing was added");
        break;
    case E_LOST:
        grpc_status_set(status, GRPC_UNAVAILABLE, "OUTCOME_UNKNOWN",
            "it is denied now, but perhaps not on disk; ask again");
        break;
    default:
        grpc_status_from_err(status, err);
        break;
    }
}

static void
tell(const struct request *r, const char *entry)
{
    const struct denying *d = &r->denying;

    if (d->err == E_OK || d->err == E_LOST)
        log_line(LOG_WARN, "denied", "by=%s entry=\"%s\" added=%d ended=%zu "
            "err=%s", r->by, entry, d->added, d->ended, err_name(d->err));
}

/* On the worker's thread, or on another one when there is no call. */
static void
answer(void *cookie)
{
    Vouch__V1__DenyIdentityResponse response =
        VOUCH__V1__DENY_IDENTITY_RESPONSE__INIT;
    struct request *r = cookie;
    struct denial denied = r->denying.denial;
    char entry[DENIAL_LINE_MAX + 1];
    struct unary_call *call = r->call;
    struct grpc_status status;

    response.added = r->denying.added;
    response.denied_at_us = response.added ? denied.denied_us : 0;
    response.connections_ended = (int32_t)r->denying.ended;
    denied.denied_us = 0;
    denied.reason[0] = '\0';
    denial_write(&denied, entry);
    response.entry = entry;
    tell(r, entry);
    set_failure(&status, r->denying.err);
    free(r);
    if (call == NULL)
        return;
    call->state = NULL;
    if (status.code == GRPC_OK)
        unary_reply(call, &response.base);
    else
        unary_fail(call, &status);
}

static void
done(struct denying *denying)
{
    struct request *r = (struct request *)denying;

    job_return(r->service, r->worker, answer, r);
}

/* ---- the call ---------------------------------------------------------- */

/* What was asked for is done all the same. */
static void
abandon(struct unary_call *call)
{
    struct request *r = call->state;

    r->call = NULL;
    call->state = NULL;
}

static void
deny_identity(struct unary_call *call, const ProtobufCMessage *message)
{
    const Vouch__V1__DenyIdentityRequest *asked =
        (const Vouch__V1__DenyIdentityRequest *)message;
    const struct denier *denier = call->worker->service->denier;
    const struct identity *caller = call->caller->identity;
    struct grpc_status status = {.code = GRPC_OK};
    struct request *r;

    if ((r = calloc(1, sizeof(*r))) == NULL) {
        unary_fail_err(call, E_NOMEM);
        return;
    }
    if (denier == NULL)
        set_failure(&status, E_NOTFOUND);
    else
        read_request(asked, denier->trust_domain, caller, &r->denying.denial,
            &status);
    if (status.code != GRPC_OK) {
        free(r);
        unary_fail(call, &status);
        return;
    }
    memcpy(r->by, caller->uri, sizeof(r->by));
    r->denying.done = done;
    r->service = call->worker->service;
    r->worker = call->worker;
    r->call = call;
    call->state = r;
    call->abandon = abandon;
    job_hold(r->service);
    denier->deny(denier->cookie, &r->denying);
}

UNARY_METHOD(deny_identity_method, deny_identity);
