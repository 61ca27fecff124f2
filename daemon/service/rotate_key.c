#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "seal/public_pem.h"
#include "service/job.h"
#include "service/rotator.h"
#include "service/text.h"
#include "service/unary.h"

#include "vouch/v1/access_service.pb-c.h"

#define ID_TEXT (2 * ED25519_KEY_ID + 1)

/* One rotation on its way through the rotator; may outlast its call. */
struct request {
    struct rotating rotating;
    struct service *service;
    struct service_worker *worker;
    struct unary_call *call;            /* NULL: gone */
    char by[IDENTITY_URI_MAX + 1];
};

static char *
hex(const uint8_t id[ED25519_KEY_ID], char text[ID_TEXT])
{
    bytes_to_hex((struct slice){id, ED25519_KEY_ID}, text);
    return (text);
}

/* ---- what became of it ------------------------------------------------- */

/* Where the code alone does not say it. */
static const char *
reason_of(const struct rotating *r)
{
    switch (r->rotation.fault) {
    case SEAL_FAULT_CURRENT:
        return ("KEY_NOT_CURRENT");
    case SEAL_FAULT_TRUST:
        return (r->err == E_DENIED ? "TRUST_FILE_OLDER" :
            "TRUST_FILE_FAULTY");
    case SEAL_FAULT_NEXT:
        return ("NO_NEXT_KEY");
    default:
        return ("KEY_FAULTY");
    }
}

/*
 * Whoever may rotate may know what the files are called.  To be tried again by
 * a machine is none of it: that is for the person who asked.
 */
static void
set_failure(struct grpc_status *status, const struct rotating *r)
{
    char current[ID_TEXT];

    switch (r->err) {
    case E_NOTFOUND:
    case E_EXISTS:
    case E_DENIED:
    case E_INVAL:
    case E_CORRUPT:
    case E_TOOBIG:
        grpc_status_set(status, GRPC_FAILED_PRECONDITION, reason_of(r), "%s",
            r->why);
        grpc_status_metadata(status, "current_key_id", "%s",
            hex(r->rotation.current, current));
        break;
    case E_LOST:
        grpc_status_set(status, GRPC_UNAVAILABLE, "OUTCOME_UNKNOWN",
            "the next key is in use now, but perhaps not after a restart; the "
            "one before was not wiped: look at the disk and its 'current'");
        break;
    default:
        grpc_status_from_err(status, r->err);
        if (status->retry_ms > 0)
            status->retry_ms = -1;
        break;
    }
}

static void
tell(const struct request *r)
{
    const struct seal_rotation *rotation = &r->rotating.rotation;
    char previous[ID_TEXT], current[ID_TEXT], pending[ID_TEXT];

    if (r->rotating.err == E_OK || r->rotating.err == E_LOST)
        log_line(LOG_WARN, "rotated", "by=%s previous=%s current=%s "
            "pending=%s listed_next=%d wiped=%d err=%s", r->by,
            hex(rotation->previous, previous), hex(rotation->current, current),
            hex(rotation->pending, pending), rotation->listed_next,
            rotation->is_wiped, err_name(r->rotating.err));
    if (r->rotating.why[0] != '\0')
        log_line(LOG_WARN, "rotation", "by=%s err=%s why=\"%s\"", r->by,
            err_name(r->rotating.err), r->rotating.why);
}

static void
reply(struct unary_call *call, const struct seal_rotation *rotation)
{
    Vouch__V1__RotateKeyResponse response =
        VOUCH__V1__ROTATE_KEY_RESPONSE__INIT;
    char previous[ID_TEXT], current[ID_TEXT], pending[ID_TEXT];
    char pem[PUBLIC_PEM_BYTES + 1];

    public_pem_write(rotation->pending_public, pem);
    response.previous_key_id = hex(rotation->previous, previous);
    response.current_key_id = hex(rotation->current, current);
    response.pending_key_id = hex(rotation->pending, pending);
    response.pending_public_key = pem;
    response.listed_next = rotation->listed_next;
    response.previous_wiped = rotation->is_wiped;
    unary_reply(call, &response.base);
}

/* On the worker's thread, or on another one when there is no call. */
static void
answer(void *cookie)
{
    struct request *r = cookie;
    struct unary_call *call = r->call;
    struct grpc_status status = {.code = GRPC_OK};

    tell(r);
    if (call != NULL) {
        call->state = NULL;
        if (r->rotating.err == E_OK)
            reply(call, &r->rotating.rotation);
        else {
            set_failure(&status, &r->rotating);
            unary_fail(call, &status);
        }
    }
    free(r);
}

static void
done(struct rotating *rotating)
{
    struct request *r = (struct request *)rotating;

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
rotate_key(struct unary_call *call, const ProtobufCMessage *message)
{
    const char *expected =
        ((const Vouch__V1__RotateKeyRequest *)message)->expected_key_id;
    const struct rotator *rotator = call->worker->service->rotator;
    struct grpc_status status = {.code = GRPC_OK};
    struct request *r;

    if ((r = calloc(1, sizeof(*r))) == NULL) {
        unary_fail_err(call, E_NOMEM);
        return;
    }
    r->rotating.is_expected = expected[0] != '\0';
    if (r->rotating.is_expected && bytes_from_hex(expected,
        r->rotating.expected, ED25519_KEY_ID) != E_OK) {
        free(r);
        grpc_status_violation(&status, "expected_key_id",
            "must be the id of a key, 64 hexadecimal digits");
        unary_fail(call, &status);
        return;
    }
    memcpy(r->by, call->caller->identity->uri, sizeof(r->by));
    r->rotating.done = done;
    r->service = call->worker->service;
    r->worker = call->worker;
    r->call = call;
    call->state = r;
    call->abandon = abandon;
    job_hold(r->service);
    rotator->rotate(rotator->cookie, &r->rotating);
}

UNARY_METHOD(rotate_key_method, rotate_key);
