/*
 * Our codec against protobuf-c's, over messages made at random of every type
 * that a method takes or gives and of every entry of the log.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "proto/wire.h"
#include "proto/wire_put.h"
#include "support/fault.h"
#include "support/message_random.h"

#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "grpc/reflection/v1alpha/reflection.pb-c.h"
#include "vouch/v1/access_service.pb-c.h"
#include "vouch/v1/catalog_service.pb-c.h"
#include "vouch/v1/log_entry.pb-c.h"
#include "vouch/v1/publishing_service.pb-c.h"
#include "vouch/v1/verification_service.pb-c.h"

#define ROUNDS 40           /* of each type */
#define SWEEP_MAX 100
#define MESSAGE_MAX MESSAGE_RANDOM_MAX

static const ProtobufCServiceDescriptor *const services[] = {
    &vouch__v1__access_service__descriptor,
    &vouch__v1__catalog_service__descriptor,
    &vouch__v1__publishing_service__descriptor,
    &vouch__v1__verification_service__descriptor,
    &grpc__health__v1__health__descriptor,
    &grpc__reflection__v1__server_reflection__descriptor,
    &grpc__reflection__v1alpha__server_reflection__descriptor,
};

static const ProtobufCMessageDescriptor *const entries[] = {
    &vouch__v1__event__descriptor,
    &vouch__v1__declaration__descriptor,
    &vouch__v1__manifest__descriptor,
    &vouch__v1__catalog__descriptor,
};

/* Whose presence is a matter of its own, as none of ours is yet. */
struct optional {
    ProtobufCMessage base;
    protobuf_c_boolean has_number;
    int32_t number;
    char *text;
    struct optional *child;
    protobuf_c_boolean has_bytes;
    ProtobufCBinaryData bytes;
};

extern const ProtobufCMessageDescriptor optional_type;

#define OPTIONAL(field, number, is, ...)                                \
    {.name = #field, .id = number, .label = PROTOBUF_C_LABEL_OPTIONAL,  \
        .type = PROTOBUF_C_TYPE_##is,                                   \
        .offset = offsetof(struct optional, field), __VA_ARGS__}

static const ProtobufCFieldDescriptor optional_fields[] = {
    OPTIONAL(number, 1, SINT32,
        .quantifier_offset = offsetof(struct optional, has_number)),
    OPTIONAL(text, 2, STRING, .default_value = NULL),
    OPTIONAL(child, 3, MESSAGE, .descriptor = &optional_type),
    OPTIONAL(bytes, 4, BYTES,
        .quantifier_offset = offsetof(struct optional, has_bytes)),
};

static const ProtobufCIntRange optional_ranges[] = {{1, 0}, {0, 4}};

static void
init_optional(ProtobufCMessage *message)
{
    *(struct optional *)message = (struct optional){
        .base = PROTOBUF_C_MESSAGE_INIT(&optional_type),
    };
}

const ProtobufCMessageDescriptor optional_type = {
    .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC, .name = "test.Optional",
    .sizeof_message = sizeof(struct optional), .n_fields = 4,
    .fields = optional_fields, .n_field_ranges = 1,
    .field_ranges = optional_ranges, .message_init = init_optional,
};

static const struct message_limits lax = {
    .depth = 64, .elements = 100000, .fields = 100000,
};

/* As protobuf-c packs it; free with buf_free(). */
static void
pack_theirs(const ProtobufCMessage *message, struct buf *out)
{
    const size_t n = protobuf_c_message_get_packed_size(message);

    buf_init(out, MESSAGE_MAX);
    assert_int_equal(buf_reserve(out, n + 1), E_OK);
    out->n = protobuf_c_message_pack(message, out->p);
    assert_int_equal(out->n, n);
}

/* ${message} is packed as ${want}, into what is as large and not larger. */
static void
assert_packs_as(const ProtobufCMessage *message, struct slice want)
{
    struct buf out;

    buf_init(&out, want.n);
    assert_int_equal(message_pack(message, &out), E_OK);
    assert_true(slice_equal(buf_slice(&out), want));
    buf_free(&out);
    if (want.n == 0)
        return;

    buf_init(&out, want.n + 5);
    assert_int_equal(buf_add(&out, slice_of("before")), E_OK);
    assert_int_equal(message_pack(message, &out), E_TOOBIG);
    assert_true(slice_equal(buf_slice(&out), slice_of("before")));
    buf_free(&out);
}

/* What we make of ${bytes} is what protobuf-c makes of them. */
static void
assert_same(const ProtobufCMessageDescriptor *type, struct slice bytes,
    struct arena *arena)
{
    ProtobufCMessage *theirs, *ours, *unpacked;
    struct message_fault fault;
    struct buf packed, again;

    theirs = protobuf_c_message_unpack(type, NULL, bytes.n, bytes.p);
    assert_non_null(theirs);
    assert_int_equal(message_decode(type, bytes, &lax, arena, &ours, &fault),
        E_OK);
    assert_int_equal(message_unpack(type, bytes, arena, &unpacked), E_OK);

    pack_theirs(theirs, &packed);
    pack_theirs(ours, &again);
    assert_true(slice_equal(buf_slice(&packed), buf_slice(&again)));
    buf_free(&again);
    pack_theirs(unpacked, &again);
    assert_true(slice_equal(buf_slice(&packed), buf_slice(&again)));
    buf_free(&again);
    assert_packs_as(theirs, buf_slice(&packed));
    assert_packs_as(ours, buf_slice(&packed));
    assert_true(protobuf_c_message_check(ours));
    protobuf_c_message_free_unpacked(theirs, NULL);
    buf_free(&packed);
    arena_reset(arena);
}

static void
compare(const ProtobufCMessageDescriptor *type, struct arena *arena)
{
    uint64_t seed = 1;
    struct buf made;
    uint8_t *copy;
    int round;

    for (round = 0; round < ROUNDS; round++) {
        buf_init(&made, MESSAGE_MAX);
        message_random(type, &seed, 1, &made);
        /* On the heap, for the sanitizer to see. */
        assert_non_null(copy = malloc(made.n + (made.n == 0)));
        if (made.n > 0)
            memcpy(copy, made.p, made.n);
        assert_same(type, (struct slice){copy, made.n}, arena);
        free(copy);
        buf_free(&made);
    }
}

static void
every_message_is_as_protobuf_c_has_it(void **state)
{
    const ProtobufCServiceDescriptor *service;
    struct arena *arena;
    size_t i;
    unsigned j;

    (void)state;
    assert_int_equal(arena_create(1 << 24, &arena), E_OK);
    for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        service = services[i];
        for (j = 0; j < service->n_methods; j++) {
            compare(service->methods[j].input, arena);
            compare(service->methods[j].output, arena);
        }
    }
    for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        compare(entries[i], arena);
    compare(&optional_type, arena);
    arena_free(arena);
}

/* Cut anywhere, it is refused unless protobuf-c takes it. */
static void
what_is_cut_is_corrupt(void **state)
{
    const ProtobufCMessageDescriptor *type = &vouch__v1__event__descriptor;
    ProtobufCMessage *theirs, *ours;
    struct arena *arena;
    struct buf made;
    uint64_t seed = 3;
    uint8_t *copy;
    size_t n;

    (void)state;
    assert_int_equal(arena_create(1 << 20, &arena), E_OK);
    buf_init(&made, MESSAGE_MAX);
    while (made.n < 500)
        message_random_field(&type->fields[message_random_below(&seed, 2) == 0 ?
            0 : 9], &seed, &made);
    for (n = 0; n < made.n; n++) {
        assert_non_null(copy = malloc(n + 1));
        memcpy(copy, made.p, n);
        theirs = protobuf_c_message_unpack(type, NULL, n, copy);
        assert_int_equal(message_unpack(type, (struct slice){copy, n}, arena,
            &ours), theirs == NULL ? E_CORRUPT : E_OK);
        assert_int_equal(ours == NULL, theirs == NULL);
        protobuf_c_message_free_unpacked(theirs, NULL);
        arena_reset(arena);
        free(copy);
    }
    buf_free(&made);
    arena_free(arena);
}

static void
what_is_our_own_is_trusted_but_not_blindly(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum err err;
    } cases[] = {
        {"\x0a\x01\xff", 3, E_OK},              /* text is taken for text */
        {"\x20\x7f", 2, E_OK},                  /* unknown value */
        {"\xf8\x07\x01", 3, E_OK},              /* unknown field */
        {"\x2a\x00\x2a\x00", 4, E_CORRUPT},     /* twice */
        {"\x0a\x02z", 3, E_CORRUPT},
        {"\x08\x01", 2, E_CORRUPT},             /* wrong wire type */
        {"\x0b", 1, E_CORRUPT},
    };
    ProtobufCMessage *message;
    struct arena *arena;
    size_t i;

    (void)state;
    assert_int_equal(arena_create(1 << 12, &arena), E_OK);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(message_unpack(&vouch__v1__event__descriptor,
            (struct slice){(const uint8_t *)cases[i].bytes, cases[i].n},
            arena, &message), cases[i].err);
        assert_int_equal(message == NULL, cases[i].err != E_OK);
    }
    arena_free(arena);

    assert_int_equal(arena_create(64, &arena), E_OK);
    assert_int_equal(message_unpack(&vouch__v1__event__descriptor,
        (struct slice){NULL, 0}, arena, &message), E_TOOBIG);
    assert_null(message);
    arena_free(arena);
}

/* What cannot be read for want of memory may be unreadable before that. */
static void
a_fault_comes_before_want_of_memory(void **state)
{
    static uint8_t bytes[2002];
    struct message_fault fault;
    ProtobufCMessage *message;
    struct arena *arena;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bytes); i += 2)
        memcpy(bytes + i, "\x22\x00", 2);       /* factors */
    assert_int_equal(arena_create(4096, &arena), E_OK);
    assert_int_equal(message_decode(&vouch__v1__answer__descriptor,
        (struct slice){bytes, sizeof(bytes)}, &lax, arena, &message, &fault),
        E_TOOBIG);
    arena_reset(arena);
    memcpy(bytes + sizeof(bytes) - 2, "\x20\x00", 2);
    assert_int_equal(message_decode(&vouch__v1__answer__descriptor,
        (struct slice){bytes, sizeof(bytes)}, &lax, arena, &message, &fault),
        E_INVAL);
    assert_string_equal(fault.field, "factors[1000]");
    assert_null(message);
    arena_free(arena);
}

/* Texts end where they do, and not in what followed them. */
static void
strings_are_whole(void **state)
{
    static const uint8_t bytes[] =
        "\x0a\x02" "id" "\x12\x09\x22\x05\x0a\x01" "f" "\x12\x00"
        "\x72\x00" "\x1a\x00\x3a\x03" "xyz";
    const Vouch__V1__VerifyCredentialRequest *request;
    struct message_fault fault;
    ProtobufCMessage *message;
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_create(4096, &arena), E_OK);
    assert_int_equal(message_decode(
        &vouch__v1__verify_credential_request__descriptor,
        (struct slice){bytes, sizeof(bytes) - 1}, &lax, arena, &message,
        &fault), E_OK);
    request = (const Vouch__V1__VerifyCredentialRequest *)message;
    assert_string_equal(request->request_id, "id");
    assert_string_equal(request->claim->name->family, "f");
    assert_string_equal(request->claim->name->given, "");
    assert_ptr_equal(request->claim->name->middle, protobuf_c_empty_string);
    assert_int_equal(request->claim->n_recognized_by, 1);
    assert_string_equal(request->claim->recognized_by[0], "");
    assert_int_equal(request->base.n_unknown_fields, 2);
    assert_int_equal(request->base.unknown_fields[0].len, 1);
    assert_memory_equal(request->base.unknown_fields[1].data, "\x03xyz", 4);
    arena_free(arena);
}

static void
every_allocation_may_fail(void **state)
{
    const ProtobufCMessageDescriptor *type =
        &vouch__v1__publish_credentials_request__descriptor;
    ProtobufCMessage *message;
    struct arena *arena;
    struct buf made, out;
    uint64_t seed = 5;
    enum err err;
    int n, fired;

    (void)state;
    buf_init(&made, MESSAGE_MAX);
    while (made.n < 40000)
        message_random_field(&type->fields[1], &seed, &made);
    for (n = 0, fired = 1; fired && n < SWEEP_MAX; n++) {
        message = NULL;
        buf_init(&out, MESSAGE_MAX);
        fault_arm(n);
        if ((err = arena_create(1 << 24, &arena)) == E_OK)
            err = message_unpack(type, buf_slice(&made), arena, &message);
        assert_int_equal(message != NULL, err == E_OK);
        if (err == E_OK)
            err = message_pack(message, &out);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(err, fired ? E_NOMEM : E_OK);
        assert_int_equal(out.n == 0, fired);
        buf_free(&out);
        arena_free(arena);
    }
    assert_true(n > 6 && n < SWEEP_MAX);
    buf_free(&made);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_as_protobuf_c_has_it),
        cmocka_unit_test(what_is_cut_is_corrupt),
        cmocka_unit_test(what_is_our_own_is_trusted_but_not_blindly),
        cmocka_unit_test(a_fault_comes_before_want_of_memory),
        cmocka_unit_test(strings_are_whole),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
