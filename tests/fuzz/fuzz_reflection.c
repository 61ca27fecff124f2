/*
 * Server reflection, which anybody with a certificate may ask: each question
 * has one answer, well-formed, or the call ends.  A byte of flags, then
 * questions, each behind a length of a byte and a half, of which the highest
 * bit says that the client has not read what came before.
 */

#include "fuzz.h"
#include "proto/arena.h"
#include "proto/message.h"
#include "service/method.h"

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"

#define FLAG_ALPHA 1
#define FLAG_CANCEL 2

static const struct message_limits limits = {
    .depth = 16, .elements = 1000, .fields = 32768,
};

/* What the call said. */
struct heard {
    const ProtobufCMessageDescriptor *type;
    int answers;
    int finished;
    int unread;
};

static struct arena *arena;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_CHECK(arena_create((size_t)2 << 20, &arena) == E_OK);
    return (0);
}

static enum err
hear_bytes(void *cookie, struct slice message)
{
    struct heard *heard = cookie;
    struct message_fault fault;

    FUZZ_CHECK(!heard->finished);
    heard->answers++;
    FUZZ_CHECK(message_scan(heard->type, message, &limits, &fault) == E_OK);
    return (E_OK);
}

static enum err
hear(void *cookie, const ProtobufCMessage *message)
{
    struct buf bytes;
    enum err err;

    buf_init(&bytes, SIZE_MAX / 2);
    FUZZ_CHECK(message_pack(message, &bytes) == E_OK);
    err = hear_bytes(cookie, buf_slice(&bytes));
    buf_free(&bytes);
    return (err);
}

static void
finish(void *cookie, const struct grpc_status *status)
{
    struct heard *heard = cookie;

    FUZZ_CHECK(!heard->finished);
    FUZZ_CHECK((unsigned)status->code < GRPC_CODE_COUNT);
    heard->finished = 1;
}

static size_t
backlog(void *cookie)
{
    return (((struct heard *)cookie)->unread ? SIZE_MAX / 2 : 0);
}

static const struct sink_ops sink_ops = {
    .send = hear,
    .send_bytes = hear_bytes,
    .finish = finish,
    .backlog = backlog,
};

static void
ask(const struct method *method, void *call, struct heard *heard,
    struct slice *in)
{
    struct message_fault fault;
    ProtobufCMessage *message;
    struct slice bytes;
    size_t n = fuzz_byte(in);
    uint8_t more = fuzz_byte(in);
    int before = heard->answers;

    n += (size_t)(more % 16) << 8;
    heard->unread = more >> 7;
    bytes = fuzz_take(in, n);
    arena_reset(arena);
    if (message_decode(method->request, bytes, &limits, arena, &message,
        &fault) != E_OK)
        return;
    method->ops->message(call, message, bytes);
    FUZZ_CHECK(heard->answers - before == !heard->finished);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};
    static const ProtobufCMessageDescriptor *const types[] = {
        &grpc__reflection__v1__server_reflection_response__descriptor,
        &grpc__reflection__v1alpha__server_reflection_response__descriptor};
    struct slice in = {data, size};
    uint8_t flags = fuzz_byte(&in);
    struct heard heard = {.type = types[flags & FLAG_ALPHA]};
    const struct method *method;
    struct caller caller = {.deadline_us = INT64_MAX};
    struct sink sink = {&sink_ops, &heard};
    void *call;

    method = method_find(slice_of(paths[flags & FLAG_ALPHA]));
    FUZZ_CHECK(method != NULL);
    FUZZ_CHECK(method->ops->start(NULL, &caller, sink, &call) == E_OK);
    while (in.n > 0 && !heard.finished)
        ask(method, call, &heard, &in);
    if (heard.finished)
        return (0);
    if ((flags & FLAG_CANCEL) != 0) {
        method->ops->cancel(call);
        FUZZ_CHECK(!heard.finished);
    } else {
        method->ops->half_close(call);
        FUZZ_CHECK(heard.finished);
    }
    return (0);
}
