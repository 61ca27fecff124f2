/*
 * Every request that the daemon takes, scanned and decoded within its limits.
 * The first byte chooses the method, the rest is the message.  What decodes is
 * packed again: that is a fixed point, and canonical bytes come back as they
 * were.  Both ways protobuf-c does the same, and so does the decoder of our own
 * writing.
 */

#include <stdlib.h>

#include "conf/conf.h"
#include "fuzz.h"
#include "proto/arena.h"
#include "proto/message.h"
#include "service/method.h"

static struct arena *arena;
static struct message_limits limits;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct conf *conf;

    (void)argc, (void)argv;
    FUZZ_CHECK(conf_create(&conf) == E_OK);
    FUZZ_CHECK(arena_create((size_t)conf->message_arena, &arena) == E_OK);
    limits = (struct message_limits){
        .depth = (unsigned)conf->message_depth,
        .elements = (size_t)conf->message_elements,
        .fields = (size_t)conf->message_fields,
    };
    conf_free(conf);
    return (0);
}

static void
check_fault(const struct message_fault *fault)
{
    FUZZ_CHECK(fault->what != NULL && fault->what[0] != '\0');
    FUZZ_CHECK(fuzz_is_text(fault->field, sizeof(fault->field)));
}

/* A scanned message fails to decode only for want of room. */
static ProtobufCMessage *
decode(const ProtobufCMessageDescriptor *type, struct slice bytes)
{
    struct message_fault fault = {.what = NULL};
    ProtobufCMessage *message;
    enum err err, scanned;

    scanned = message_scan(type, bytes, &limits, &fault);
    if (scanned != E_OK)
        check_fault(&fault);
    err = message_decode(type, bytes, &limits, arena, &message, &fault);
    FUZZ_CHECK((err == E_OK) == (message != NULL));
    if (err != scanned) {
        FUZZ_CHECK(scanned == E_OK && err == E_TOOBIG);
        FUZZ_CHECK(arena_exhausted(arena));
    }
    if (err != E_OK)
        check_fault(&fault);
    return (message);
}

/* A negative number may grow from 5 bytes to 10. */
static void
pack(const ProtobufCMessage *message, size_t n, struct buf *out)
{
    buf_init(out, 2 * n);
    FUZZ_CHECK(message_pack(message, out) == E_OK);
}

/* As protobuf-c packs ${message}, it is ${packed}. */
static void
check_theirs(const ProtobufCMessage *message, struct slice packed)
{
    uint8_t *out;

    FUZZ_CHECK(message != NULL);
    FUZZ_CHECK(protobuf_c_message_get_packed_size(message) == packed.n);
    FUZZ_CHECK((out = malloc(packed.n + 1)) != NULL);
    FUZZ_CHECK(protobuf_c_message_pack(message, out) == packed.n);
    FUZZ_CHECK(slice_equal(packed, (struct slice){out, packed.n}));
    free(out);
}

static void
check_against_theirs(const ProtobufCMessageDescriptor *type,
    struct slice bytes, const ProtobufCMessage *message, struct slice packed)
{
    ProtobufCMessage *theirs, *unpacked;
    enum err err;

    check_theirs(message, packed);
    theirs = protobuf_c_message_unpack(type, NULL, bytes.n, bytes.p);
    check_theirs(theirs, packed);
    protobuf_c_message_free_unpacked(theirs, NULL);

    err = message_unpack(type, bytes, arena, &unpacked);
    if (err == E_OK)
        check_theirs(unpacked, packed);
    else
        FUZZ_CHECK(err == E_TOOBIG && arena_exhausted(arena));
}

static void
check_packed(const ProtobufCMessageDescriptor *type, struct slice bytes,
    const ProtobufCMessage *message)
{
    struct buf once, twice;
    ProtobufCMessage *again;

    pack(message, bytes.n, &once);
    check_against_theirs(type, bytes, message, buf_slice(&once));
    if (message_is_canonical(type, bytes))
        FUZZ_CHECK(slice_equal(bytes, buf_slice(&once)));
    if ((again = decode(type, buf_slice(&once))) != NULL) {
        pack(again, once.n, &twice);
        FUZZ_CHECK(slice_equal(buf_slice(&once), buf_slice(&twice)));
        buf_free(&twice);
    } else {
        FUZZ_CHECK(arena_exhausted(arena));
    }
    buf_free(&once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size};
    const struct method *methods, *method;
    ProtobufCMessage *message;
    struct buf out;
    size_t n;

    methods = method_all(&n);
    method = &methods[fuzz_byte(&in) % n];
    limits.refuse_unknown = method->refuse_unknown;
    arena_reset(arena);
    if ((message = decode(method->request, in)) != NULL)
        check_packed(method->request, in, message);
    else if (message_unpack(method->request, in, arena, &message) == E_OK) {
        pack(message, in.n, &out);
        buf_free(&out);
    }
    return (0);
}
