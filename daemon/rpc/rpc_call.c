#include "rpc/rpc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "rpc/call.h"

/* How long a client that has its answer may go on sending, and how much. */
#define LINGER_US INT64_C(1000000)
#define LINGER_BYTES ((size_t)64 * 1024)

/* What an idle call keeps of its buffer. */
#define OUT_KEEP ((size_t)16 * 1024)

#define TO(state) (1u << (state))

static const unsigned next_states[] = {
    [RPC_READING] = TO(RPC_RUNNING) | TO(RPC_ENDED),
    [RPC_RUNNING] = TO(RPC_ENDED),
    [RPC_ENDED] = TO(RPC_SAID) | TO(RPC_RESET),
    [RPC_SAID] = TO(RPC_RESET),
    [RPC_RESET] = 0,
};

void
rpc_call_enter(struct rpc_call *call, enum rpc_state next)
{
    if ((next_states[call->state] & TO(next)) == 0)
        abort();        /* a method that ends twice would free twice */
    call->state = next;
}

size_t
rpc_call_backlog(const struct rpc_call *call)
{
    return (call->out.n - call->taken);
}

/* Is it yet to be said how long the client may take nothing? */
static int
is_patient(const struct rpc_call *call)
{
    return (call->stalled_us == INT64_MAX &&
        call->server->limits.stall_us > 0 && rpc_call_backlog(call) > 0);
}

void
rpc_call_waits(struct rpc_call *call)
{
    if (is_patient(call))
        call->stalled_us = clock_monotonic_us() +
            call->server->limits.stall_us;
}

/* A method that runs is not told here that the call is over. */
static void
reset(struct rpc_call *call, uint32_t code)
{
    rpc_call_enter(call, RPC_RESET);
    call->until_us = call->stalled_us = INT64_MAX;
    call->ops->reset(call->stream, code);
}

/*
 * The stream has everything.  A client that is still sending gets a moment
 * and a few bytes to stop before its stream is reset: some lose the status if
 * the reset is right behind it (grpc-java issues 2162 and 5264).
 */
static void
said(struct rpc_call *call)
{
    rpc_call_enter(call, RPC_SAID);
    call->until_us = call->stalled_us = INT64_MAX;
    if (call->client_done)
        return;
    if (call->ignored > LINGER_BYTES)
        reset(call, RPC_RESET_NO_ERROR);
    else
        call->until_us = clock_monotonic_us() + LINGER_US;
}

static void
log_over(const struct rpc_call *call, const char *code, int64_t now)
{
    const struct identity *peer = call->caller.identity;
    const char *what = call->method != NULL ? call->method->path :
        call->plain != NULL ? rpc_plain_path(call->plain) : "-";
    struct log_record line;

    if (!log_begin(&line, LOG_INFO, "call"))
        return;
    log_u64(&line, "id", call->caller.call_id);
    log_text(&line, "method", what);
    log_text(&line, "role", identity_role_name(peer->role));
    log_text(&line, "peer", peer->id);
    log_text(&line, "code", code);
    log_u64(&line, "dur_us", (uint64_t)(now - call->started_us));
    log_u64(&line, "in", call->bytes_in);
    log_u64(&line, "out", call->bytes_out);
    if (call->attempts > 0)
        log_u64(&line, "attempts", call->attempts);
    log_end(&line);
}

/* Tell the stream how the call ended, as far as it can be told now. */
static enum err
respond_end(struct rpc_call *call, enum grpc_code code)
{
    enum err err = E_OK;

    if (call->responded) {
        call->ops->resume(call->stream);
    } else if (code != GRPC_OK) {
        /* An answer that was prepared and not begun is not sent. */
        call->out.n = call->taken = 0;
        if ((err = rpc_response_only(call)) == E_OK)
            said(call);
    } else {
        err = rpc_response_begin(call);
        call->responded = (err == E_OK);
    }
    return (err);
}

void
rpc_call_finish(struct rpc_call *call, const struct grpc_status *status)
{
    int64_t now = clock_monotonic_us();
    struct grpc_status none;

    if (status->code == GRPC_OK && call->bytes_out == 0 &&
        !call->method->server_streaming) {
        grpc_status_set(&none, GRPC_INTERNAL, "NO_ANSWER",
            "the method ended without an answer");
        status = &none;
    }
    rpc_call_enter(call, RPC_ENDED);
    rpc_response_outcome(status, &call->outcome);
    log_over(call, grpc_status_name(status->code), now);
    if (respond_end(call, status->code) != E_OK)
        reset(call, RPC_RESET_INTERNAL);
    else if (is_patient(call))
        call->stalled_us = now + call->server->limits.stall_us;
}

void
rpc_call_fail(struct rpc_call *call, const struct grpc_status *status)
{
    int running = (call->state == RPC_RUNNING);

    rpc_call_finish(call, status);
    if (running)
        call->method->ops->cancel(call->work);
}

/* The prefix or the stream around the messages is wrong. */
static void
refuse_frame(struct rpc_call *call, enum err err)
{
    struct grpc_status status;

    if (err == E_INVAL)
        grpc_status_set(&status, GRPC_INTERNAL, "BAD_FRAME",
            "the flag of a message is not 0: compressed without "
            "grpc-encoding, or not a flag");
    else if (err == E_TOOBIG)
        grpc_status_set(&status, GRPC_RESOURCE_EXHAUSTED, "MESSAGE_TOO_BIG",
            "a message of %zu bytes is above the limit of %zu",
            grpc_reader_announced(call->reader),
            call->server->limits.max_message);
    else
        grpc_status_from_err(&status, err);
    rpc_call_fail(call, &status);
}

static void
take_message(struct rpc_call *call, struct slice message)
{
    struct grpc_status status;
    enum err err;

    if (call->method->client_streaming) {
        rpc_work_deliver(call, message);
        return;
    }
    if (call->nrequests++ > 0) {
        grpc_status_set(&status, GRPC_UNIMPLEMENTED, "CARDINALITY",
            "more than one message was sent; this method takes one");
        rpc_call_fail(call, &status);
    } else if ((err = buf_add(&call->request, message)) != E_OK) {
        refuse_frame(call, err);
    }
}

static int
takes_input(const struct rpc_call *call)
{
    return (call->state == RPC_READING || call->state == RPC_RUNNING);
}

/*
 * Take messages off the front of ${*bytes} while there is room for what they
 * lead to: what a client sent ahead must not become an answer that is many
 * times as long, and waits.
 */
static void
use(struct rpc_call *call, struct slice *bytes)
{
    struct slice message;
    enum err err;
    int done;

    while (bytes->n > 0 && takes_input(call) && !rpc_call_full(call)) {
        err = grpc_reader_next(call->reader, bytes, &message, &done);
        if (err != E_OK)
            refuse_frame(call, err);
        else if (done && (!call->sends_gzip ||
            rpc_work_inflate(call, &message)))
            take_message(call, message);
    }
}

static void
ignore(struct rpc_call *call, size_t n)
{
    call->ignored += n;
    if (call->ignored > LINGER_BYTES && call->state == RPC_SAID)
        reset(call, RPC_RESET_NO_ERROR);
}

void
rpc_call_feed(struct rpc_call *call, struct slice bytes)
{
    struct grpc_status status;
    enum err err;

    call->bytes_in += bytes.n;
    if (call->kept.n == 0)
        use(call, &bytes);
    if (bytes.n == 0 || call->state == RPC_RESET)
        return;
    if (!takes_input(call)) {
        ignore(call, bytes.n);
    } else if ((err = buf_add(&call->kept, bytes)) != E_OK) {
        grpc_status_from_err(&status, err);
        rpc_call_fail(call, &status);
    }
}

size_t
rpc_call_kept(const struct rpc_call *call)
{
    return (call->kept.n);
}

/* The client that does not stream has said everything. */
static void
run_lone(struct rpc_call *call)
{
    rpc_work_start(call);
    if (call->state == RPC_RUNNING)
        rpc_work_deliver(call, buf_slice(&call->request));
    if (call->state == RPC_RUNNING)
        call->method->ops->half_close(call->work);
}

/* Everything that the client sent has been used. */
static void
conclude(struct rpc_call *call)
{
    struct grpc_status status;

    if (grpc_reader_partial(call->reader)) {
        grpc_status_set(&status, GRPC_INTERNAL, "TRUNCATED",
            "truncated message");
        rpc_call_fail(call, &status);
    } else if (call->method->client_streaming) {
        call->method->ops->half_close(call->work);
    } else if (call->nrequests == 0) {
        grpc_status_set(&status, GRPC_UNIMPLEMENTED, "CARDINALITY",
            "no message was sent; this method takes one");
        rpc_call_fail(call, &status);
    } else {
        run_lone(call);
    }
}

void
rpc_call_end(struct rpc_call *call)
{
    call->client_done = 1;
    if (call->state == RPC_SAID)
        call->until_us = INT64_MAX;
    if (takes_input(call) && call->kept.n == 0)
        conclude(call);
}

/* There is room again: go on with what came meanwhile. */
static void
use_kept(struct rpc_call *call)
{
    struct slice bytes = buf_slice(&call->kept);

    if (bytes.n == 0 || rpc_call_full(call))
        return;
    use(call, &bytes);
    if (bytes.n > 0 && takes_input(call)) {
        buf_drop(&call->kept, call->kept.n - bytes.n);
        return;
    }
    buf_free(&call->kept);
    if (bytes.n > 0)
        ignore(call, bytes.n);
    else if (call->client_done && takes_input(call))
        conclude(call);
}

int
rpc_call_full(const struct rpc_call *call)
{
    return (call->state == RPC_RUNNING && rpc_call_backlog(call) >= SINK_FULL);
}

enum rpc_read
rpc_call_read(struct rpc_call *call, uint8_t *out, size_t size, size_t *n)
{
    *n = rpc_call_backlog(call) < size ? rpc_call_backlog(call) : size;
    if (*n > 0)
        memcpy(out, call->out.p + call->taken, *n);
    call->taken += *n;
    if (call->taken == call->out.n) {
        call->taken = call->out.n = 0;
        if (call->out.size > OUT_KEEP)
            buf_free(&call->out);
    }

    if (call->was_full && rpc_call_backlog(call) < SINK_FULL) {
        call->was_full = 0;
        if (call->state == RPC_RUNNING && call->method->ops->writable != NULL)
            call->method->ops->writable(call->work);
    }
    use_kept(call);
    if (*n > 0)
        call->stalled_us = INT64_MAX;
    rpc_call_waits(call);
    if (rpc_call_backlog(call) > 0)
        return (RPC_READ_MORE);
    if (!takes_input(call))
        return (RPC_READ_TRAILERS);
    return (*n > 0 ? RPC_READ_MORE : RPC_READ_WAIT);
}

int
rpc_call_hides(const struct rpc_call *call, size_t *most)
{
    *most = call->request.n + call->may_tell;
    return (call->method != NULL && call->method->hide_length &&
        call->state == RPC_ENDED && rpc_call_backlog(call) > 0);
}

size_t
rpc_call_trailers(struct rpc_call *call, struct rpc_header *headers,
    size_t max)
{
    size_t n = 0;

    assert(max >= 4 + METADATA_MAX);
    (void)max;
    if (call->state == RPC_ENDED)
        said(call);
    if (call->plain == NULL)
        n = rpc_response_trailers(&call->outcome, headers);
    if (call->metadata != NULL)
        n += rpc_metadata_fill(call, METADATA_TRAILERS, headers + n);
    return (n);
}

int64_t
rpc_call_deadline(const struct rpc_call *call)
{
    return (call->until_us < call->stalled_us ? call->until_us :
        call->stalled_us);
}

/* The client takes nothing: no status would reach it either. */
static void
cut_off(struct rpc_call *call)
{
    struct grpc_status status;

    if (takes_input(call)) {
        grpc_status_set(&status, GRPC_CANCELLED, "NOT_READ",
            "the client takes nothing of the answer");
        rpc_call_fail(call, &status);
    }
    if (call->state == RPC_ENDED)
        reset(call, RPC_RESET_CANCEL);
}

void
rpc_call_expire(struct rpc_call *call)
{
    struct grpc_status status;

    if (call->stalled_us < call->until_us) {
        cut_off(call);
        return;
    }
    switch (call->state) {
    case RPC_READING:
    case RPC_RUNNING:
        grpc_status_set(&status, GRPC_DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED",
            "the deadline passed before there was an answer");
        rpc_call_fail(call, &status);
        if (call->state == RPC_ENDED)
            call->until_us = clock_monotonic_us() + LINGER_US;
        break;
    case RPC_ENDED:
        reset(call, RPC_RESET_CANCEL);
        break;
    case RPC_SAID:
        reset(call, RPC_RESET_NO_ERROR);
        break;
    case RPC_RESET:
        break;
    }
}

/* When the call must be over: a lone answer has a limit of ours, too. */
static int64_t
deadline(const struct rpc_call *call, int64_t timeout_us)
{
    int64_t most = call->server->limits.max_deadline_us;

    if (!call->method->client_streaming && !call->method->server_streaming &&
        most > 0 && (timeout_us < 0 || timeout_us > most))
        timeout_us = most;
    return (timeout_us < 0 ? INT64_MAX : call->started_us + timeout_us);
}

/* Answer what is not gRPC, or let the call begin. */
static void
begin(struct rpc_call *call, const struct rpc_facts *facts,
    const struct grpc_status *refused)
{
    if (facts->plain != RPC_PLAIN_NOT) {
        call->plain = rpc_plain_find(facts->plain, call->server->worker);
        rpc_call_enter(call, RPC_ENDED);
        log_over(call, rpc_plain_code(call->plain), clock_monotonic_us());
        if (rpc_plain_respond(call) != E_OK)
            reset(call, RPC_RESET_INTERNAL);
        else if (call->out.n == 0)
            said(call);
    } else if (refused != NULL) {
        rpc_call_finish(call, refused);
    } else {
        call->until_us = deadline(call, facts->timeout_us);
        call->caller.deadline_us = call->until_us;
        if (call->method->client_streaming)
            rpc_work_start(call);
    }
}

/* What few clients, and few methods, ask for. */
static enum err
take_wishes(struct rpc_call *call, const struct rpc_facts *facts,
    const struct rpc_request *request)
{
    if (facts->sends_gzip) {
        call->sends_gzip = 1;
        grpc_reader_take_compressed(call->reader);
    }
    if (facts->takes_gzip && call->server->limits.compress_above > 0) {
        call->takes_gzip = 1;
        call->gzip_said = (call->method->server_streaming != 0);
    }
    if (call->method->metadata == NULL)
        return (E_OK);
    return (rpc_metadata_receive(call, request));
}

enum err
rpc_call_start(struct rpc_server *server, const struct identity *peer,
    const struct rpc_request *request, const struct rpc_stream_ops *ops,
    void *stream, struct rpc_call **call)
{
    struct grpc_status status;
    struct rpc_facts facts;
    struct rpc_call *c;
    enum err err;
    int allowed;

    *call = NULL;
    if ((err = rpc_server_call(server, &c)) != E_OK)
        return (err);
    c->server = server;
    c->ops = ops;
    c->stream = stream;
    c->state = RPC_READING;
    c->started_us = clock_monotonic_us();
    c->until_us = c->stalled_us = INT64_MAX;
    c->caller = (struct caller){.identity = peer, .deadline_us = INT64_MAX,
        .call_id = server->next_id++};

    allowed = rpc_headers_check(request, peer, &facts, &status);
    c->method = facts.method;
    c->encoding_unknown = facts.encoding_unknown;
    c->attempts = facts.attempts;
    if (allowed && (err = take_wishes(c, &facts, request)) != E_OK) {
        rpc_server_over(server, c);
        return (err);
    }
    begin(c, &facts, allowed ? NULL : &status);

    *call = c;
    return (E_OK);
}

void
rpc_call_free(struct rpc_call *call)
{
    int running;

    if (call == NULL)
        return;
    running = (call->state == RPC_RUNNING);
    if (takes_input(call)) {
        rpc_call_enter(call, RPC_ENDED);
        log_over(call, grpc_status_name(GRPC_CANCELLED),
            clock_monotonic_us());
    }
    if (running)
        call->method->ops->cancel(call->work);
    rpc_server_over(call->server, call);
}
