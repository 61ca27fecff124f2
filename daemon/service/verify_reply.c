#include "service/verify.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/log.h"
#include "proto/wire_put.h"
#include "service/verify_question.h"

/* The fields of VerifyCredentialResponse. */
enum {
    RESPONSE_ANSWER = 1, RESPONSE_QUESTION, RESPONSE_SEAL
};

void
verify_fail(struct unary_call *call, enum err err)
{
    struct grpc_status status;

    if (err == E_CORRUPT || err == E_CRYPTO || err == E_TOOBIG)
        log_line(LOG_ERROR, "verify_failed", "call=%" PRIu64 " error=%s",
            call->caller->call_id, err_name(err));
    grpc_status_from_err(&status, err);
    if (err == E_DENIED)
        grpc_status_set(&status, GRPC_UNAVAILABLE, "SEAL_KEY_NOT_VALID",
            "the key by which answers are sealed is not valid now; the "
            "operator has to rotate it");
    if (err == E_TOOBIG)    /* nothing that the asker could make smaller */
        grpc_status_set(&status, GRPC_INTERNAL, "TOO_MANY_RECORDS",
            "more records under this number than can be compared");
    unary_fail(call, &status);
}

/* Begin field ${number} of ${out}; its content is ended by end_field(). */
static enum err
begin_field(struct buf *out, uint32_t number, size_t *at)
{
    enum err err = buf_reserve(out, WIRE_TAG_MAX + 1);

    if (err == E_OK)
        out->n = (size_t)(wire_put_begin(out->p + out->n, number) - out->p);
    *at = out->n;
    return (err);
}

/* Its content is the last ${*n} bytes of ${out}. */
static enum err
end_field(struct buf *out, size_t at, size_t *n)
{
    enum err err = buf_reserve(out, WIRE_TAG_MAX);

    *n = out->n - at;
    if (err == E_OK)
        out->n = (size_t)(wire_put_end(out->p + at, out->p + out->n) -
            out->p);
    return (err);
}

/* All of the response but its seal; what that is over goes to the item. */
static enum err
pack_response(const struct unary_call *call, const struct verify_facts *facts,
    struct verify *v)
{
    struct buf *out = &v->response;
    size_t at, answer_end, nanswer, nquestion;
    enum err err;

    buf_drop(out, out->n);
    if ((err = begin_field(out, RESPONSE_ANSWER, &at)) != E_OK ||
        (err = verify_answer_pack(facts, out)) != E_OK ||
        (err = end_field(out, at, &nanswer)) != E_OK)
        return (err);
    answer_end = out->n;
    if ((err = begin_field(out, RESPONSE_QUESTION, &at)) != E_OK ||
        (err = verify_question_pack(v->request->claim, v->request_size,
        slice_of(call->caller->identity->uri),
        slice_of(v->request->request_id), out)) != E_OK ||
        (err = end_field(out, at, &nquestion)) != E_OK)
        return (err);
    v->item.answer = (struct slice){out->p + answer_end - nanswer, nanswer};
    v->item.question = (struct slice){out->p + out->n - nquestion, nquestion};
    return (E_OK);
}

/* The last step: the seal goes behind what it is over. */
static void
on_sealed(struct batch_item *item, enum err err, struct slice seal)
{
    struct verify *v = (struct verify *)(void *)((char *)item -
        offsetof(struct verify, item));
    struct unary_call *call = v->sealing;
    struct buf *out = &v->response;

    v->sealing = NULL;
    if (err == E_OK)
        err = buf_reserve(out, WIRE_PUT_BYTES_MAX(seal.n));
    if (err != E_OK) {
        verify_fail(call, err);
        return;
    }
    out->n = (size_t)(wire_put_ready(out->p + out->n, RESPONSE_SEAL, seal) -
        out->p);
    unary_reply_bytes(call, buf_slice(out));
}

void
verify_reply(struct unary_call *call, struct verify_facts *facts)
{
    struct verify *v = call->state;
    enum err err;

    facts->claim = &v->prepared;
    if ((err = pack_response(call, facts, v)) != E_OK) {
        verify_fail(call, err);
        return;
    }
    v->item.done = on_sealed;
    v->sealing = call;
    batcher_add(call->worker->batcher, &v->item);
}
