#include <stdlib.h>

#include "test_call.h"

/* ---- StreamingInputCall ------------------------------------------------ */

static void
input_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    const Grpc__Testing__StreamingInputCallRequest *part =
        (const void *)message;
    struct test_call *c = call;
    struct grpc_status status;

    (void)bytes;
    if (!test_call_check(c, part->expect_compressed, &status)) {
        test_call_finish(c, &status);
        return;
    }
    if (part->payload != NULL)
        c->received += part->payload->body.len;
}

static void
input_half_close(void *call)
{
    Grpc__Testing__StreamingInputCallResponse answer =
        GRPC__TESTING__STREAMING_INPUT_CALL_RESPONSE__INIT;
    struct test_call *c = call;

    if (c->received > INT32_MAX) {
        test_call_finish_err(c, E_TOOBIG);
        return;
    }
    answer.aggregated_payload_size = (int32_t)c->received;
    test_call_finish_err(c, c->sink.ops->send(c->sink.cookie, &answer.base));
}

const struct method_ops streaming_input_call_ops = {
    .start = test_call_start,
    .message = input_message,
    .half_close = input_half_close,
    .cancel = test_call_cancel,
};

/* ---- those that answer with a stream ----------------------------------- */

static enum err
send_answer(struct test_call *call, const struct test_answer *answer)
{
    Grpc__Testing__StreamingOutputCallResponse response =
        GRPC__TESTING__STREAMING_OUTPUT_CALL_RESPONSE__INIT;
    Grpc__Testing__Payload payload;
    enum err err;

    if ((err = test_call_payload(answer->size, &payload)) != E_OK)
        return (err);
    response.payload = &payload;
    call->sink.ops->allow_compression(call->sink.cookie, !answer->plain);
    err = call->sink.ops->send(call->sink.cookie, &response.base);
    free(payload.body.data);
    return (err);
}

static void on_due(void *cookie);

/*
 * Answer what is due, as long as there is room, up to the next answer that has
 * to wait for its time.  ${call} may be gone afterwards.
 */
static void
go_on(struct test_call *call)
{
    const struct sink_ops *ops = call->sink.ops;
    struct test_answer *answer;
    enum err err = E_OK;

    if (call->delay != NULL || (call->gathers && !call->said))
        return;
    while (err == E_OK && (answer = STAILQ_FIRST(&call->answers)) != NULL) {
        if (answer->ends) {
            test_call_finish(call, &answer->status);
            return;
        }
        if (answer->interval_us > 0) {
            err = delay_start(call->worker->clock, answer->interval_us,
                on_due, call, &call->delay);
            answer->interval_us = 0;
            break;
        }
        if (ops->backlog(call->sink.cookie) >= SINK_FULL)
            break;          /* writable() goes on */
        if ((err = send_answer(call, answer)) == E_OK) {
            STAILQ_REMOVE_HEAD(&call->answers, link);
            free(answer);
        }
    }
    if (err != E_OK || (call->said && STAILQ_EMPTY(&call->answers)))
        test_call_finish_err(call, err);
}

static void
on_due(void *cookie)
{
    struct test_call *call = cookie;

    call->delay = NULL;
    go_on(call);
}

static enum err
add(struct test_call *call, const struct test_answer *answer)
{
    struct test_answer *made;

    if ((made = malloc(sizeof(*made))) == NULL)
        return (E_NOMEM);
    *made = *answer;
    STAILQ_INSERT_TAIL(&call->answers, made, link);
    return (E_OK);
}

/* Note what a request asks for: answers, and perhaps an end behind them. */
static enum err
take(struct test_call *call,
    const Grpc__Testing__StreamingOutputCallRequest *asked)
{
    struct test_answer answer = {.ends = 0};
    enum err err = E_OK;
    size_t i;

    for (i = 0; i < asked->n_response_parameters && err == E_OK; i++) {
        const Grpc__Testing__ResponseParameters *one =
            asked->response_parameters[i];

        if (one->size < 0 || one->interval_us < 0) {
            answer.ends = 1;
            grpc_status_from_err(&answer.status, E_OK);
            grpc_status_violation(&answer.status, "response_parameters",
                "a size or an interval is negative");
            return (add(call, &answer));
        }
        answer = (struct test_answer){.size = one->size,
            .interval_us = one->interval_us,
            .plain = test_call_is_plain(one->compressed)};
        err = add(call, &answer);
    }
    if (err == E_OK &&
        test_call_echo(asked->response_status, &answer.status)) {
        answer.ends = 1;
        err = add(call, &answer);
    }
    return (err);
}

static void
output_message(void *call, const ProtobufCMessage *message,
    struct slice bytes)
{
    enum err err = take(call, (const void *)message);

    (void)bytes;
    if (err != E_OK)
        test_call_finish_err(call, err);
    else
        go_on(call);
}

static void
output_half_close(void *call)
{
    ((struct test_call *)call)->said = 1;
    go_on(call);
}

static void
output_writable(void *call)
{
    go_on(call);
}

static enum err
half_duplex_start(struct service_worker *worker, const struct caller *caller,
    struct sink sink, void **call)
{
    enum err err = test_call_start(worker, caller, sink, call);

    if (err == E_OK)
        ((struct test_call *)*call)->gathers = 1;
    return (err);
}

const struct method_ops streaming_output_call_ops = {
    .start = test_call_start,
    .message = output_message,
    .half_close = output_half_close,
    .writable = output_writable,
    .cancel = test_call_cancel,
};

const struct method_ops full_duplex_call_ops = {
    .start = test_call_start,
    .message = output_message,
    .half_close = output_half_close,
    .writable = output_writable,
    .cancel = test_call_cancel,
};

const struct method_ops half_duplex_call_ops = {
    .start = half_duplex_start,
    .message = output_message,
    .half_close = output_half_close,
    .writable = output_writable,
    .cancel = test_call_cancel,
};
