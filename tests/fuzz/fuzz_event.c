/*
 * An event read by hand is what message_unpack() makes of the same bytes, but
 * for fields that this version does not know.
 */

#include "fuzz.h"
#include "proto/message.h"
#include "service/event_read.h"

static const ProtobufCMessageDescriptor *const type =
    &vouch__v1__event__descriptor;

static struct arena *arena;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_CHECK(arena_create((size_t)4 << 20, &arena) == E_OK);
    return (0);
}

static void forget_unknown(ProtobufCMessage *message);

static void
forget_in(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    char *at = (char *)message + field->offset;
    ProtobufCMessage **list, *one;
    size_t n;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&n, (char *)message + field->quantifier_offset, sizeof(n));
        memcpy(&list, at, sizeof(list));
        for (size_t i = 0; i < n; i++)
            forget_unknown(list[i]);
    } else {
        memcpy(&one, at, sizeof(one));
        if (one != NULL)
            forget_unknown(one);
    }
}

static void
forget_unknown(ProtobufCMessage *message)
{
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++)
        if (message->descriptor->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            forget_in(message, &message->descriptor->fields[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {data, size};
    struct buf want, got;
    ProtobufCMessage *theirs;
    Vouch__V1__Event *ours;
    enum err expected, err;

    arena_reset(arena);
    expected = message_unpack(type, bytes, arena, &theirs);
    err = event_read(bytes, arena, &ours);
    FUZZ_CHECK(err == expected);
    FUZZ_CHECK((ours == NULL) == (err != E_OK));
    if (err != E_OK)
        return (0);
    forget_unknown(theirs);
    buf_init(&want, (size_t)1 << 20);
    buf_init(&got, (size_t)1 << 20);
    FUZZ_CHECK(message_pack(theirs, &want) == E_OK);
    FUZZ_CHECK(message_pack(&ours->base, &got) == E_OK);
    FUZZ_CHECK(slice_equal(buf_slice(&want), buf_slice(&got)));
    buf_free(&want);
    buf_free(&got);
    return (0);
}
