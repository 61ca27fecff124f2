#ifndef INTEROP_SERVER_TEST_CALL_H
#define INTEROP_SERVER_TEST_CALL_H

/*
 * A call of grpc.testing.TestService, whichever its method.
 */

#include <sys/queue.h>

#include "service.h"

#include "grpc/testing/messages.pb-c.h"

/* An answer that is due, or the status that ends the call. */
struct test_answer {
    STAILQ_ENTRY(test_answer) link;
    int64_t interval_us;        /* to wait before it; 0: waited */
    int32_t size;               /* of its payload */
    int plain;                  /* it is not to be compressed */
    int ends;                   /* no answer: ${status} */
    struct grpc_status status;
};

struct test_call {
    struct service_worker *worker;
    const struct caller *caller;
    struct sink sink;
    STAILQ_HEAD(test_answers, test_answer) answers;     /* owned */
    struct delay *delay;        /* before the first of them */
    int said;                   /* the client has said everything */
    int gathers;                /* nothing is answered before that */
    uint64_t received;          /* bytes of payload */
};

/* As in struct method_ops; what start() is to echo it does. */
enum err test_call_start(struct service_worker *worker,
    const struct caller *caller, struct sink sink, void **call);
void test_call_cancel(void *call);

/**
 * test_call_finish(call, status):
 * End and free ${call}.
 */
void test_call_finish(struct test_call *call,
    const struct grpc_status *status);

/* The same, with what the caller may know of ${err}. */
void test_call_finish_err(struct test_call *call, enum err err);

/**
 * test_call_echo(asked, status):
 * Make ${*status} what the client asked to be told.  Return zero if it asked
 * for nothing, or for OK.
 */
int test_call_echo(const Grpc__Testing__EchoStatus *asked,
    struct grpc_status *status);

/**
 * test_call_is_plain(asked):
 * Return non-zero if an answer is not to be compressed.
 */
int test_call_is_plain(const Grpc__Testing__BoolValue *asked);

/**
 * test_call_check(call, expected, status):
 * Return non-zero if the message that is now given came compressed or not as
 * ${expected} (NULL: either will do) says; otherwise ${*status} is how the call
 * is to end.
 */
int test_call_check(const struct test_call *call,
    const Grpc__Testing__BoolValue *expected, struct grpc_status *status);

/**
 * test_call_payload(size, payload):
 * Make a payload of ${size} bytes of zero; free payload->body.data.
 *
 * Fails: E_TOOBIG, E_NOMEM.
 */
enum err MUST_USE test_call_payload(int32_t size,
    Grpc__Testing__Payload *payload);

#endif /* !INTEROP_SERVER_TEST_CALL_H */
