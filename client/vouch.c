#include "client/vouch.h"

#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/clock.h"
#include "client/error.h"
#include "client/retry.h"
#include "client/session.h"

#define UNSENT_MAX ((size_t)1 << 20)
#define IDENTITY_SIZE 2048

struct vouch {
    struct vouch_options options;   /* its texts are owned */
    char *texts[4];             /* those */
    char identity[IDENTITY_SIZE];   /* as vouch_identity() last found it */
    struct session *session;    /* owned; NULL: to be opened again */
    struct retry retry;         /* of the unary call */
    int retry_ms;               /* what retry_after() said; -1 at first */
    struct call_message *last;  /* owned: the response that came last */
    int failed;                 /* the call in progress cannot go on */
    struct vouch_error why;
};

/* Remember, for vouch_stream_next(), why the call cannot go on. */
static int
fail(struct vouch *v, const struct vouch_error *error)
{
    v->failed = 1;
    v->why = *error;
    return (-1);
}

static int
no_call(struct vouch_error *error)
{
    return (error_set(error, VOUCH_FAILURE_SETUP, "there is no call"));
}

/* Keep ${options} beyond the caller's own.  Returns 0, or -1. */
static int
keep_options(struct vouch *v, const struct vouch_options *options)
{
    const char **const texts[] = {&v->options.server, &v->options.ca,
        &v->options.cert, &v->options.key};

    v->options = *options;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        size_t n;

        if (*texts[i] == NULL)
            continue;
        n = strlen(*texts[i]) + 1;
        if ((v->texts[i] = malloc(n)) == NULL)
            return (-1);
        *texts[i] = memcpy(v->texts[i], *texts[i], n);
    }
    return (0);
}

int
vouch_open(const struct vouch_options *options, struct vouch **vouch,
    struct vouch_error *error)
{
    struct vouch *v;
    int status = -1;

    *vouch = NULL;
    if ((v = calloc(1, sizeof(*v))) == NULL)
        return (error_memory(error));
    if (keep_options(v, options) != 0) {
        (void)error_memory(error);
        goto out;
    }
    if (session_open(&v->options, &v->session, error) != 0)
        goto out;

    *vouch = v;
    v = NULL;
    status = 0;

out:
    vouch_close(v);
    return (status);
}

void
vouch_close(struct vouch *v)
{
    if (v == NULL)
        return;
    session_close(v->session);
    free(v->last);
    for (size_t i = 0; i < sizeof(v->texts) / sizeof(v->texts[0]); i++)
        free(v->texts[i]);
    free(v);
}

/*
 * Begin a call, on another connection if the server has ended this one: none
 * lasts for ever, and nothing was begun on it that could be lost.
 */
static int
begin(struct vouch *v, const char *method,
    const struct session_attempt *attempt,
    const ProtobufCMessageDescriptor *type, struct vouch_error *error)
{
    if (v->session != NULL && session_is_over(v->session)) {
        session_close(v->session);
        v->session = NULL;
    }
    if (v->session == NULL &&
        session_open(&v->options, &v->session, error) != 0)
        return (-1);
    v->failed = 0;
    free(v->last);
    v->last = NULL;
    return (session_begin(v->session, method, attempt, type, error));
}

/* The call in progress, or NULL. */
static struct call *
call_of(const struct vouch *v)
{
    struct call *call = v->session == NULL ? NULL :
        session_call(v->session);

    return (call == NULL || call->stream == 0 ? NULL : call);
}

int
vouch_stream_begin(struct vouch *v, const char *method,
    const ProtobufCMessageDescriptor *type, struct vouch_error *error)
{
    return (begin(v, method, NULL, type, error));
}

int
vouch_stream_send(struct vouch *v, const ProtobufCMessage *request,
    struct vouch_error *error)
{
    struct call *call = call_of(v);

    if (call == NULL || call->half_closed)
        return (no_call(error));
    if (call_put(call, request) != E_OK) {
        (void)error_memory(error);
        return (fail(v, error));
    }
    session_resume(v->session);
    do
        if (session_pump(v->session, call->out.n > UNSENT_MAX, error) != 0)
            return (fail(v, error));
    while (call->out.n > UNSENT_MAX && !call_is_over(call));
    if (call_is_over(call))
        return (error_set(error, VOUCH_FAILURE_STATUS,
            "the server ended the call"));
    return (0);
}

void
vouch_stream_half_close(struct vouch *v)
{
    struct call *call = call_of(v);

    if (call == NULL)
        return;
    call->half_closed = 1;
    session_resume(v->session);
}

int
vouch_stream_next(struct vouch *v, int wait, ProtobufCMessage **response,
    struct vouch_error *error)
{
    struct call *call = call_of(v);
    int status;

    *response = NULL;
    if (call == NULL)
        return (no_call(error));
    session_resume(v->session);
    do {
        if (call->first == NULL && !call_is_over(call) &&
            (v->failed || session_pump(v->session, wait, error) != 0)) {
            if (v->failed)
                *error = v->why;
            vouch_stream_cancel(v);
            return (-1);
        }
    } while (wait && call->first == NULL && !call_is_over(call));
    if (call->first == NULL && !call_is_over(call))
        return (0);
    if (call->first != NULL) {
        free(v->last);
        status = call_take(call, response, &v->last, error) == 0 ? 1 : -1;
    } else if ((status = call_outcome(call, error)) == 0 && !wait)
        return (0);                 /* to be told to who waits for the end */
    else if (status != 0)
        v->retry_ms = retry_after(&v->retry, call);
    if (status != 1)
        vouch_stream_cancel(v);
    return (status);
}

const uint8_t *
vouch_response_bytes(const struct vouch *v, size_t *n)
{
    *n = v->last != NULL ? v->last->n : 0;
    return (v->last != NULL ? v->last->bytes : NULL);
}

const char *
vouch_identity(struct vouch *v)
{
    if (v->session == NULL ||
        session_identity(v->session, v->identity, sizeof(v->identity)) != 0)
        v->identity[0] = '\0';
    return (v->identity);
}

void
vouch_stream_cancel(struct vouch *v)
{
    if (v->session != NULL)
        session_end(v->session);
}

/* What one attempt at a unary call sends, and takes back. */
struct unary {
    const char *method;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *type;
    ProtobufCMessage *response;     /* the caller's, after success */
};

/* The one answer, of a call that has been begun. */
static int
take_lone(struct vouch *v, struct unary *unary, struct vouch_error *error)
{
    ProtobufCMessage *extra = NULL;
    int status;

    if ((status = vouch_stream_next(v, 1, &unary->response, error)) == 1)
        status = vouch_stream_next(v, 1, &extra, error);
    else if (status == 0)
        status = error_nonsense(error, "the server answered nothing");
    if (status == 0)
        return (0);
    if (status == 1) {
        vouch_stream_cancel(v);
        status = error_nonsense(error, "the server answered twice");
    }
    vouch_free_message(extra);
    vouch_free_message(unary->response);
    unary->response = NULL;
    return (status);
}

/* If it cannot even be begun again, the first ${*error} is the true one. */
static int
try_once(struct vouch *v, struct unary *unary, int64_t deadline_us,
    struct vouch_error *error)
{
    const struct session_attempt attempt = {deadline_us, v->retry.before};
    int again = v->retry.before > 0 || v->retry.repeated;
    struct vouch_error now;

    v->retry_ms = -1;
    if (begin(v, unary->method, &attempt, unary->type, &now) != 0) {
        if (!again)
            *error = now;
        return (-1);
    }
    if (call_put(session_call(v->session), unary->request) != E_OK) {
        vouch_stream_cancel(v);
        return (error_memory(error));
    }
    vouch_stream_half_close(v);
    return (take_lone(v, unary, error));
}

/* Wait as long as is asked for, if that leaves time for another attempt. */
static int
wait_to_retry(const struct vouch *v, int64_t deadline_us)
{
    int64_t until_us = clock_us() + (int64_t)v->retry_ms * 1000;

    if (v->retry_ms < 0 || until_us >= deadline_us)
        return (0);
    clock_sleep(until_us);
    return (1);
}

int
vouch_call(struct vouch *v, const char *method,
    const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
    ProtobufCMessage **response, struct vouch_error *error)
{
    struct unary unary = {method, request, type, NULL};
    int64_t deadline_us = session_deadline(&v->options);
    int status;

    v->retry = (struct retry){0};
    do
        status = try_once(v, &unary, deadline_us, error);
    while (status != 0 && wait_to_retry(v, deadline_us));
    *response = unary.response;
    return (status);
}
