#include "test_call.h"

#include <stdlib.h>
#include <string.h>

#include "grpc/testing/empty.pb-c.h"

/* No test asks for more, and rpc would not send it. */
#define PAYLOAD_MAX (4 * 1024 * 1024)

/* What is called -bin goes behind the answers, what is not before them. */
static enum err
echo_metadata(const struct test_call *call)
{
    const struct metadata *m = call->caller->metadata;
    enum metadata_place place;
    enum err err = E_OK;
    size_t i;

    for (i = 0; i < call->caller->nmetadata && err == E_OK; i++, m++) {
        place = strstr(m->name, "-bin") != NULL ? METADATA_TRAILERS :
            METADATA_HEADERS;
        err = call->sink.ops->add_metadata(call->sink.cookie, place, m);
    }
    return (err);
}

enum err
test_call_start(struct service_worker *worker, const struct caller *caller,
    struct sink sink, void **call)
{
    struct test_call *made;
    enum err err;

    if ((made = calloc(1, sizeof(*made))) == NULL)
        return (E_NOMEM);
    made->worker = worker;
    made->caller = caller;
    made->sink = sink;
    STAILQ_INIT(&made->answers);
    if ((err = echo_metadata(made)) != E_OK) {
        free(made);
        return (err);
    }
    *call = made;
    return (E_OK);
}

static void
call_free(struct test_call *call)
{
    struct test_answer *answer;

    delay_cancel(call->worker->clock, call->delay);
    while ((answer = STAILQ_FIRST(&call->answers)) != NULL) {
        STAILQ_REMOVE_HEAD(&call->answers, link);
        free(answer);
    }
    free(call);
}

void
test_call_cancel(void *call)
{
    call_free(call);
}

void
test_call_finish(struct test_call *call, const struct grpc_status *status)
{
    struct sink sink = call->sink;
    const struct grpc_status last = *status;    /* perhaps an answer's own */

    call_free(call);
    sink.ops->finish(sink.cookie, &last);
}

void
test_call_finish_err(struct test_call *call, enum err err)
{
    struct grpc_status status;

    grpc_status_from_err(&status, err);
    test_call_finish(call, &status);
}

int
test_call_echo(const Grpc__Testing__EchoStatus *asked,
    struct grpc_status *status)
{
    enum grpc_code code = GRPC_UNKNOWN;

    if (asked == NULL || asked->code == 0)
        return (0);
    if (asked->code >= 0 && asked->code < GRPC_CODE_COUNT)
        code = (enum grpc_code)asked->code;
    grpc_status_set(status, code, "ECHOED", "%s", asked->message);
    return (1);
}

int
test_call_is_plain(const Grpc__Testing__BoolValue *asked)
{
    return (asked != NULL && !asked->value);
}

int
test_call_check(const struct test_call *call,
    const Grpc__Testing__BoolValue *expected, struct grpc_status *status)
{
    int came = call->sink.ops->came_compressed(call->sink.cookie);

    if (expected == NULL || (expected->value != 0) == (came != 0))
        return (1);
    grpc_status_from_err(status, E_OK);
    grpc_status_violation(status, "expect_compressed",
        "the message came %s", came ? "compressed" : "as it is");
    return (0);
}

enum err
test_call_payload(int32_t size, Grpc__Testing__Payload *payload)
{
    grpc__testing__payload__init(payload);
    if (size < 0 || size > PAYLOAD_MAX)
        return (E_TOOBIG);
    if (size == 0)
        return (E_OK);
    if ((payload->body.data = calloc(1, (size_t)size)) == NULL)
        return (E_NOMEM);
    payload->body.len = (size_t)size;
    return (E_OK);
}

static void
half_close(void *call)
{
    ((struct test_call *)call)->said = 1;
}

/* ---- EmptyCall --------------------------------------------------------- */

static void
empty_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    Grpc__Testing__Empty answer = GRPC__TESTING__EMPTY__INIT;
    struct test_call *c = call;

    (void)message, (void)bytes;
    test_call_finish_err(c, c->sink.ops->send(c->sink.cookie, &answer.base));
}

const struct method_ops empty_call_ops = {
    .start = test_call_start,
    .message = empty_message,
    .half_close = half_close,
    .cancel = test_call_cancel,
};

/* ---- UnaryCall --------------------------------------------------------- */

static enum err
answer_simple(struct test_call *call,
    const Grpc__Testing__SimpleRequest *asked)
{
    static char server[] = "vouch", none[] = "";
    Grpc__Testing__SimpleResponse answer = GRPC__TESTING__SIMPLE_RESPONSE__INIT;
    union {
        const char *in;
        char *out;
    } user = {.in = call->caller->identity->uri};
    Grpc__Testing__Payload payload;
    enum err err;

    if ((err = test_call_payload(asked->response_size, &payload)) != E_OK)
        return (err);
    call->sink.ops->allow_compression(call->sink.cookie,
        !test_call_is_plain(asked->response_compressed));
    answer.payload = &payload;
    answer.username = asked->fill_username ? user.out : none;
    answer.server_id = asked->fill_server_id ? server : none;
    err = call->sink.ops->send(call->sink.cookie, &answer.base);
    free(payload.body.data);
    return (err);
}

static void
unary_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    const Grpc__Testing__SimpleRequest *asked = (const void *)message;
    struct test_call *c = call;
    struct grpc_status status;

    (void)bytes;
    grpc_status_from_err(&status, E_OK);
    if (asked->response_size < 0)
        grpc_status_violation(&status, "response_size",
            "the size of a payload is not negative");
    else if (test_call_check(c, asked->expect_compressed, &status) &&
        !test_call_echo(asked->response_status, &status))
        grpc_status_from_err(&status, answer_simple(c, asked));
    test_call_finish(c, &status);
}

const struct method_ops unary_call_ops = {
    .start = test_call_start,
    .message = unary_message,
    .half_close = half_close,
    .cancel = test_call_cancel,
};
