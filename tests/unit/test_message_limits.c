#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "support/fault.h"

#include "grpc/reflection/v1/reflection.pb-c.h"
#include "vouch/v1/verification_service.pb-c.h"

/* The bytes of a literal, NULs and all. */
#define B(text) {(const uint8_t *)(text), sizeof(text) - 1}

#define REQUEST &vouch__v1__verify_credential_request__descriptor
#define ANSWER &vouch__v1__answer__descriptor
#define EXTENSIONS &grpc__reflection__v1__extension_number_response__descriptor

/* A message that holds itself, as none of ours does. */
struct node {
    ProtobufCMessage base;
    struct node *child;
    size_t nchildren;
    struct node **children;
    char *name;
};

extern const ProtobufCMessageDescriptor node_type;

static const ProtobufCFieldDescriptor node_fields[] = {
    {.name = "child", .id = 1, .label = PROTOBUF_C_LABEL_NONE,
        .type = PROTOBUF_C_TYPE_MESSAGE, .offset = offsetof(struct node, child),
        .descriptor = &node_type},
    {.name = "children", .id = 2, .label = PROTOBUF_C_LABEL_REPEATED,
        .type = PROTOBUF_C_TYPE_MESSAGE,
        .quantifier_offset = offsetof(struct node, nchildren),
        .offset = offsetof(struct node, children), .descriptor = &node_type},
    {.name = "name", .id = 3, .label = PROTOBUF_C_LABEL_NONE,
        .type = PROTOBUF_C_TYPE_STRING, .offset = offsetof(struct node, name),
        .default_value = protobuf_c_empty_string},
};

static void
init_node(ProtobufCMessage *message)
{
    *(struct node *)message = (struct node){
        .base = PROTOBUF_C_MESSAGE_INIT(&node_type),
    };
}

static const ProtobufCIntRange node_ranges[] = {{1, 0}, {0, 3}};

const ProtobufCMessageDescriptor node_type = {
    .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC, .name = "test.Node",
    .sizeof_message = sizeof(struct node), .n_fields = 3,
    .fields = node_fields, .n_field_ranges = 1, .field_ranges = node_ranges,
    .message_init = init_node,
};

/* ${depth} nodes, one in the other; free the result. */
static uint8_t *
nest(size_t depth, uint8_t tag, struct slice *bytes)
{
    const size_t size = depth * 4 + 1;
    uint8_t *p, *at;
    size_t n = 0, i;

    assert_non_null(p = malloc(size));
    at = p + size;
    for (i = 1; i < depth; i++) {
        assert_true(n < 1 << 21);
        if (n >= 1 << 14) {
            *--at = (uint8_t)(n >> 14);
            *--at = (uint8_t)(n >> 7 | 0x80);
            *--at = (uint8_t)(n | 0x80);
        } else if (n >= 1 << 7) {
            *--at = (uint8_t)(n >> 7);
            *--at = (uint8_t)(n | 0x80);
        } else {
            *--at = (uint8_t)n;
        }
        *--at = tag;
        n = (size_t)(p + size - at);
    }
    *bytes = (struct slice){at, n};
    return (p);
}

static void
nesting_ends_at_the_limit(void **state)
{
    struct message_limits limits = {.elements = 10, .fields = 100000};
    struct message_fault fault;
    struct slice bytes;
    uint8_t *p;

    (void)state;
    for (limits.depth = 1; limits.depth <= 64; limits.depth++) {
        p = nest(limits.depth, 0x0a, &bytes);
        assert_int_equal(message_scan(&node_type, bytes, &limits, &fault),
            E_OK);
        free(p);
        p = nest(limits.depth + 1, 0x12, &bytes);
        assert_int_equal(message_scan(&node_type, bytes, &limits, &fault),
            E_TOOBIG);
        free(p);
    }
    /* More than 64 there never is, whatever the limit. */
    limits.depth = 1000000;
    p = nest(65, 0x0a, &bytes);
    assert_int_equal(message_scan(&node_type, bytes, &limits, &fault),
        E_TOOBIG);
    free(p);
    limits.depth = 0;
    assert_int_equal(message_scan(&node_type, (struct slice){NULL, 0},
        &limits, &fault), E_TOOBIG);
    assert_string_equal(fault.field, "");
}

static void
ten_thousand_levels_are_refused(void **state)
{
    struct message_limits limits = {
        .depth = 100000, .elements = 10, .fields = 100000,
    };
    struct message_fault fault;
    ProtobufCMessage *message;
    struct arena *arena;
    struct slice bytes;
    uint8_t *p;

    (void)state;
    p = nest(10000, 0x0a, &bytes);
    assert_in_range(bytes.n, 30000, 40000);
    assert_int_equal(arena_create(1 << 20, &arena), E_OK);
    assert_int_equal(message_decode(&node_type, bytes, &limits, arena,
        &message, &fault), E_TOOBIG);
    assert_null(message);
    assert_int_equal(strncmp(fault.field, "child.child.child.", 18), 0);
    arena_free(arena);
    free(p);
}

static void
nesting_counts_in_real_messages(void **state)
{
    /* original_request.file_containing_extension.containing_type */
    static const struct slice bytes = B("\x12\x05\x2a\x03\x0a\x01x");
    struct message_limits limits = {8, 16, 100, 1};
    struct message_fault fault;
    unsigned depth;

    (void)state;
    for (depth = 1; depth <= 3; depth++) {
        limits.depth = depth;
        assert_int_equal(message_scan(
            &grpc__reflection__v1__server_reflection_response__descriptor,
            bytes, &limits, &fault), depth < 3 ? E_TOOBIG : E_OK);
        if (depth == 1)
            assert_string_equal(fault.field, "original_request");
        if (depth == 2)
            assert_string_equal(fault.field,
                "original_request.file_containing_extension");
    }
}

static void
a_type_with_too_many_fields_is_refused(void **state)
{
    ProtobufCMessageDescriptor wide = node_type;
    const struct message_limits limits = {8, 16, 100, 1};
    struct message_fault fault;

    (void)state;
    wide.n_fields = 100000;
    assert_int_equal(message_scan(&wide, (struct slice){NULL, 0}, &limits,
        &fault), E_TOOBIG);
}

static void
a_long_path_is_cut(void **state)
{
    struct message_limits limits = {
        .depth = 64, .elements = 1, .fields = 1000,
    };
    struct message_fault fault;
    struct slice bytes;
    uint8_t *p;

    (void)state;
    p = nest(64, 0x12, &bytes);
    limits.depth = 63;
    assert_int_equal(message_scan(&node_type, bytes, &limits, &fault),
        E_TOOBIG);
    assert_int_equal(strlen(fault.field), sizeof(fault.field) - 1);
    assert_int_equal(strncmp(fault.field, "children[0].children[0].", 24), 0);
    free(p);
}

static void
elements_and_fields_are_counted(void **state)
{
    static const struct {
        const ProtobufCMessageDescriptor *type;
        struct slice bytes;
        size_t elements, fields;
        const char *field;
    } cases[] = {
        {ANSWER, B("\x1a\x03\x01\x01\x01"), 3, 1, "reasons"},
        {ANSWER, B("\x18\x01\x18\x01\x18\x01"), 3, 3, "reasons"},
        {ANSWER, B("\x18\x01\x1a\x02\x01\x01"), 3, 2, "reasons"},
        {ANSWER, B("\x22\x00\x22\x00"), 2, 2, "factors"},
        {REQUEST, B("\x12\x06\x72\x00\x72\x00\x72\x00"), 3, 4,
            "claim.recognized_by"},
        {EXTENSIONS, B("\x12\x04\x96\x01\x96\x01"), 2, 1, "extension_number"},
    };
    struct message_fault fault;
    struct message_limits limits;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        limits = (struct message_limits){8, cases[i].elements,
            cases[i].fields, 1};
        assert_int_equal(message_scan(cases[i].type, cases[i].bytes, &limits,
            &fault), E_OK);
        limits.elements--;
        assert_int_equal(message_scan(cases[i].type, cases[i].bytes, &limits,
            &fault), E_TOOBIG);
        assert_string_equal(fault.field, cases[i].field);
        limits.elements++;
        limits.fields--;
        assert_int_equal(message_scan(cases[i].type, cases[i].bytes, &limits,
            &fault), E_TOOBIG);
    }
    assert_int_equal(message_scan(REQUEST, (struct slice){cases[0].bytes.p,
        (size_t)INT32_MAX + 1}, &limits, &fault), E_TOOBIG);
}

static void
empty_sub_messages_end_at_the_arena(void **state)
{
    static const struct message_limits limits = {
        .depth = 2, .elements = 1000000, .fields = 1000000,
    };
    struct message_fault fault;
    ProtobufCMessage *message;
    struct arena *arena;
    uint8_t *bytes;
    size_t i, n = 200000;

    (void)state;
    assert_non_null(bytes = malloc(n));
    for (i = 0; i < n; i += 2) {
        bytes[i] = 0x22;        /* factors */
        bytes[i + 1] = 0;
    }
    assert_int_equal(arena_create(1 << 20, &arena), E_OK);
    assert_int_equal(message_decode(ANSWER, (struct slice){bytes, n}, &limits,
        arena, &message, &fault), E_TOOBIG);
    assert_null(message);
    assert_string_equal(fault.field, "");
    assert_non_null(fault.what);

    /* After a reset the arena serves again. */
    arena_reset(arena);
    assert_int_equal(message_decode(ANSWER, (struct slice){bytes, 200},
        &limits, arena, &message, &fault), E_OK);
    assert_int_equal(((const Vouch__V1__Answer *)message)->n_factors, 100);
    arena_free(arena);
    free(bytes);
}

static void
a_scan_allocates_nothing(void **state)
{
    struct message_limits limits = {8, 10, 10, 1};
    struct message_fault fault;
    struct slice bytes;
    uint8_t *p;

    (void)state;
    p = nest(8, 0x0a, &bytes);
    fault_arm(0);
    assert_int_equal(message_scan(&node_type, bytes, &limits, &fault), E_OK);
    limits.depth = 7;
    assert_int_equal(message_scan(&node_type, bytes, &limits, &fault),
        E_TOOBIG);
    assert_false(fault_fired());
    fault_arm(-1);
    free(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nesting_ends_at_the_limit),
        cmocka_unit_test(ten_thousand_levels_are_refused),
        cmocka_unit_test(nesting_counts_in_real_messages),
        cmocka_unit_test(a_type_with_too_many_fields_is_refused),
        cmocka_unit_test(a_long_path_is_cut),
        cmocka_unit_test(elements_and_fields_are_counted),
        cmocka_unit_test(empty_sub_messages_end_at_the_arena),
        cmocka_unit_test(a_scan_allocates_nothing),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
