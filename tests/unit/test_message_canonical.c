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
#define CLAIM &vouch__v1__claim__descriptor
#define DATE &vouch__v1__date__descriptor
#define ANSWER &vouch__v1__answer__descriptor
#define ASKED &grpc__reflection__v1__server_reflection_request__descriptor
#define EXTENSIONS &grpc__reflection__v1__extension_number_response__descriptor

static const struct message_limits lax = {
    .depth = 64, .elements = 100000, .fields = 100000,
};

/*
 * Every scalar type there is: one of it (field number type + 1), many packed
 * (type + 21) and many unpacked (type + 41).  The last two of the 16, string
 * and bytes, are never packed.
 */
#define SCALARS 16
#define NUMERIC 14
#define FIELDS (SCALARS + NUMERIC + SCALARS)

struct scalars {
    ProtobufCMessage base;
    union {
        uint32_t u32;
        uint64_t u64;
        float f32;
        double f64;
        char *text;
        ProtobufCBinaryData bytes;
    } one[SCALARS];
    struct {
        size_t n;
        void *p;
    } packed[NUMERIC], unpacked[SCALARS];
};

static ProtobufCFieldDescriptor scalar_fields[FIELDS];
static char scalar_names[FIELDS][8];

static const ProtobufCEnumValue color_values[] = {
    {"NONE", "NONE", 0}, {"RED", "RED", 1},
};

static const ProtobufCIntRange color_ranges[] = {{0, 0}, {0, 2}};

static const ProtobufCEnumDescriptor color_type = {
    .magic = PROTOBUF_C__ENUM_DESCRIPTOR_MAGIC, .name = "test.Color",
    .n_values = 2, .values = color_values, .n_value_ranges = 1,
    .value_ranges = color_ranges,
};

static const ProtobufCIntRange scalar_ranges[] = {
    {1, 0}, {21, SCALARS}, {41, SCALARS + NUMERIC}, {0, FIELDS},
};

static void init_scalars(ProtobufCMessage *message);

static const ProtobufCMessageDescriptor scalars_type = {
    .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC, .name = "test.Scalars",
    .sizeof_message = sizeof(struct scalars), .n_fields = FIELDS,
    .fields = scalar_fields, .n_field_ranges = 3,
    .field_ranges = scalar_ranges, .message_init = init_scalars,
};

static void
init_scalars(ProtobufCMessage *message)
{
    *(struct scalars *)message = (struct scalars){
        .base = PROTOBUF_C_MESSAGE_INIT(&scalars_type),
    };
}

static void
declare(size_t at, size_t type, uint32_t number, size_t offset,
    size_t quantifier, uint32_t flags)
{
    ProtobufCFieldDescriptor *field = &scalar_fields[at];

    scalar_names[at][0] = (char)('a' + at % 26);
    field->name = scalar_names[at];
    field->id = number;
    field->label = quantifier == 0 ? PROTOBUF_C_LABEL_NONE :
        PROTOBUF_C_LABEL_REPEATED;
    field->type = (ProtobufCType)type;
    field->offset = (unsigned)offset;
    field->quantifier_offset = (unsigned)quantifier;
    field->flags = flags;
    if (type == PROTOBUF_C_TYPE_ENUM)
        field->descriptor = &color_type;
    if (type == PROTOBUF_C_TYPE_STRING && quantifier == 0)
        field->default_value = protobuf_c_empty_string;
}

static int
declare_scalars(void **state)
{
    size_t type, at = 0;

    (void)state;
    for (type = 0; type < SCALARS; type++)
        declare(at++, type, (uint32_t)type + 1,
            offsetof(struct scalars, one) +
            type * sizeof(((struct scalars *)NULL)->one[0]), 0, 0);
    for (type = 0; type < NUMERIC; type++)
        declare(at++, type, (uint32_t)type + 21,
            offsetof(struct scalars, packed[0].p) + type * 16,
            offsetof(struct scalars, packed[0].n) + type * 16,
            PROTOBUF_C_FIELD_FLAG_PACKED);
    for (type = 0; type < SCALARS; type++)
        declare(at++, type, (uint32_t)type + 41,
            offsetof(struct scalars, unpacked[0].p) + type * 16,
            offsetof(struct scalars, unpacked[0].n) + type * 16, 0);
    return (0);
}

static void
assert_packs_as(const ProtobufCMessage *message, struct slice want)
{
    struct buf out;

    buf_init(&out, 4096);
    assert_int_equal(buf_add(&out, slice_of("before")), E_OK);
    assert_int_equal(message_pack(message, &out), E_OK);
    buf_drop(&out, 6);
    assert_int_equal(out.n, want.n);
    if (want.n > 0)
        assert_memory_equal(out.p, want.p, want.n);
    buf_free(&out);
}

static void
default_values_are_not_written(void **state)
{
    static char empty[] = "";
    static uint8_t nothing[] = {7};
    Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
    Vouch__V1__VerifyCredentialRequest request =
        VOUCH__V1__VERIFY_CREDENTIAL_REQUEST__INIT;

    (void)state;
    assert_packs_as(&claim.base, (struct slice){NULL, 0});

    /* An empty text is one, whoever owns it; and so are NULL and no bytes. */
    claim.association_id = empty;
    claim.number = NULL;
    claim.nonce.data = nothing;
    claim.nonce.len = 0;
    claim.purpose = VOUCH__V1__PURPOSE__PURPOSE_UNSPECIFIED;
    assert_packs_as(&claim.base, (struct slice){NULL, 0});

    /* An empty sub-message is there, and that is not canonical. */
    request.claim = &claim;
    assert_packs_as(&request.base, (struct slice)B("\x12\x00"));
    assert_false(message_is_canonical(REQUEST, (struct slice)B("\x12\x00")));
}

static void
repeated_values_are_all_written(void **state)
{
    static char empty[] = "", one[] = "x";
    static char *texts[] = {empty, one, empty};
    static Vouch__V1__Reason reasons[] = {0, 300, -1};
    Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
    Vouch__V1__Answer answer = VOUCH__V1__ANSWER__INIT;

    (void)state;
    claim.recognized_by = texts;
    claim.n_recognized_by = 3;
    assert_packs_as(&claim.base,
        (struct slice)B("\x72\x00\x72\x01x\x72\x00"));

    answer.reasons = reasons;
    answer.n_reasons = 3;
    assert_packs_as(&answer.base, (struct slice)B(
        "\x1a\x0d\x00\xac\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    answer.n_reasons = 0;
    assert_packs_as(&answer.base, (struct slice){NULL, 0});
}

static void
varints_are_the_shortest(void **state)
{
    Vouch__V1__Date date = VOUCH__V1__DATE__INIT;
    Vouch__V1__Freshness freshness = VOUCH__V1__FRESHNESS__INIT;

    (void)state;
    date.year = 127;
    date.month = 128;
    date.day = -1;
    assert_packs_as(&date.base, (struct slice)B(
        "\x08\x7f\x10\x80\x01\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
    freshness.source_time_us = INT64_C(1) << 35;
    freshness.received_at_us = INT64_MIN;
    freshness.max_age_seconds = INT64_C(0x7ffffffff);
    assert_packs_as(&freshness.base, (struct slice)B(
        "\x10\x80\x80\x80\x80\x80\x01"
        "\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"
        "\x20\xff\xff\xff\xff\x7f"));
}

/*
 * A oneof writes what it holds, default or not; but protobuf-c takes its own
 * empty text for nothing at all.
 */
static void
a_oneof_writes_what_it_holds(void **state)
{
    static char empty[] = "";
    Grpc__Reflection__V1__ServerReflectionRequest asked =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;
    union {
        const char *in;
        char *out;
    } theirs = {.in = protobuf_c_empty_string};

    (void)state;
    asked.message_request_case = 7;
    asked.list_services = empty;
    assert_packs_as(&asked.base, (struct slice)B("\x3a\x00"));
    assert_true(message_is_canonical(ASKED, (struct slice)B("\x3a\x00")));
    asked.list_services = theirs.out;
    assert_packs_as(&asked.base, (struct slice){NULL, 0});
}

static const struct {
    const ProtobufCMessageDescriptor *type;
    struct slice bytes;
    int canonical;
} cases[] = {
    {REQUEST, B(""), 1},
    {REQUEST, B("\x0a\x01x\x12\x03\x0a\x01y"), 1},
    {REQUEST, B("\x12\x03\x0a\x01y\x0a\x01x"), 0},      /* order */
    {REQUEST, B("\x0a\x01x\x0a\x01x"), 0},              /* twice */
    {REQUEST, B("\x0a\x00"), 0},                        /* default */
    {REQUEST, B("\x12\x00"), 0},                        /* empty message */
    {REQUEST, B("\x12\x02\x0a\x00"), 0},                /* default within */
    {REQUEST, B("\x12\x03\x42\x01\x08"), 0},            /* malformed */
    {REQUEST, B("\x0a\x01\xff"), 0},                    /* not UTF-8 */
    {REQUEST, B("\x8a\x00\x01x"), 0},                   /* tag too long */
    {REQUEST, B("\x0a\x81\x00x"), 0},                   /* length too long */
    {DATE, B("\x08\xc0\x0f\x10\x02"), 1},
    {DATE, B("\x08\xc0\x8f\x00"), 0},                   /* value too long */
    {DATE, B("\x08\x00"), 0},                           /* default */
    {DATE, B("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 1},   /* -1 */
    {DATE, B("\x08\xff\xff\xff\xff\x0f"), 0},   /* -1 in 32 bits */
    {DATE, B("\x08\x80\x80\x80\x80\x10"), 0},   /* read as 0 */
    {DATE, B("\x08\x80\x80\x80\x80\xf8\xff\xff\xff\xff\x01"), 1},
    {DATE, B("\x08\xff\xff\xff\xff\xf7\xff\xff\xff\xff\x01"), 0},
    {CLAIM, B("\x48\x63"), 1},                          /* unknown value */
    {CLAIM, B("\x6a\x00"), 0},                          /* no bytes */
    {CLAIM, B("\x72\x00\x72\x00"), 1},                  /* elements */
    {CLAIM, B("\x72\x00\x6a\x01z\x72\x00"), 0},         /* not together */
    {ANSWER, B("\x1a\x02\x00\x01"), 1},
    {ANSWER, B("\x1a\x00"), 0},                         /* no elements */
    {ANSWER, B("\x18\x01"), 0},                         /* unpacked */
    {ANSWER, B("\x1a\x01\x01\x1a\x01\x01"), 0},         /* in two runs */
    {ANSWER, B("\x1a\x02\x81\x00"), 0},                 /* too long */
    {ANSWER, B("\x22\x00"), 0},                         /* empty element */
    {ANSWER, B("\x22\x02\x08\x01\x22\x02\x08\x01"), 1},
    {ANSWER, B("\x28\x01"), 1},
    {ANSWER, B("\x28\x02"), 0},                         /* true is 1 */
    {EXTENSIONS, B("\x12\x01\x00"), 1},
    {ASKED, B("\x1a\x00"), 1},                          /* oneof, default */
    {ASKED, B("\x1a\x01" "a\x22\x01" "b"), 0},          /* two of a oneof */
    {ASKED, B("\x2a\x00"), 0},
    /* Unknown fields: behind, in order. */
    {DATE, B("\x08\x01\x20\x00\x20\x05\x2a\x00\x3d\x00\x00\x00\x00"), 1},
    {DATE, B("\x20\x01\x08\x01"), 0},
    {DATE, B("\x28\x01\x20\x01"), 0},
    {DATE, B("\x20\x81\x00"), 0},
    {REQUEST, B("\x12\x05\x0a\x01y\x78\x01"), 1},
};

static void
other_forms_are_told_from_the_canonical_one(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (message_is_canonical(cases[i].type, cases[i].bytes) !=
            cases[i].canonical)
            fail_msg("case %zu", i);
    }
}

/* As protobuf-c reads ${bytes} and writes ${message} made of them. */
static void
assert_as_protobuf_c(const ProtobufCMessageDescriptor *type,
    struct slice bytes, const ProtobufCMessage *message, struct slice packed)
{
    ProtobufCMessage *theirs;
    uint8_t *out;

    theirs = protobuf_c_message_unpack(type, NULL, bytes.n, bytes.p);
    assert_non_null(theirs);
    assert_non_null(out = malloc(packed.n + 1));
    assert_int_equal(protobuf_c_message_get_packed_size(theirs), packed.n);
    assert_int_equal(protobuf_c_message_pack(theirs, out), packed.n);
    assert_memory_equal(out, packed.p, packed.n);
    assert_int_equal(protobuf_c_message_get_packed_size(message), packed.n);
    assert_int_equal(protobuf_c_message_pack(message, out), packed.n);
    assert_memory_equal(out, packed.p, packed.n);
    protobuf_c_message_free_unpacked(theirs, NULL);
    free(out);
}

/* What is read, written, and read again. */
static void
assert_survives(const ProtobufCMessageDescriptor *type, struct slice bytes,
    struct arena *arena)
{
    struct message_fault fault;
    ProtobufCMessage *message;
    struct buf out;
    enum err err;

    err = message_decode(type, bytes, &lax, arena, &message, &fault);
    if (err != E_OK) {
        assert_int_not_equal(err, E_NOMEM);
        assert_false(message_is_canonical(type, bytes));
        arena_reset(arena);
        return;
    }
    buf_init(&out, 1 << 20);
    assert_int_equal(message_pack(message, &out), E_OK);
    if (out.n > 0)
        assert_as_protobuf_c(type, bytes, message, buf_slice(&out));
    if (message_is_canonical(type, bytes))
        assert_true(slice_equal(bytes, buf_slice(&out)));
    assert_int_equal(message_decode(type, buf_slice(&out), &lax, arena,
        &message, &fault), E_OK);
    buf_free(&out);
    arena_reset(arena);
}

/* One of each scalar, and two of each repeated one. */
static void
fill_scalars(struct scalars *message, struct arena *arena)
{
    static const uint64_t values[2] = {0x4142434445464748, 0x80};
    static char texts[2][4] = {"abc", ""};
    size_t type, i;

    memset(message, 0, sizeof(*message));
    message->base.descriptor = &scalars_type;
    for (type = 0; type < SCALARS; type++) {
        const int wide = type >= NUMERIC ||
            type == PROTOBUF_C_TYPE_DOUBLE ||
            (type >= PROTOBUF_C_TYPE_INT64 &&
            type <= PROTOBUF_C_TYPE_SFIXED64) ||
            type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_FIXED64;
        void *p = arena_alloc(arena, 32);

        assert_non_null(p);
        message->one[type].u64 = wide ? values[0] : 0x41424344;
        message->unpacked[type].n = 2;
        message->unpacked[type].p = p;
        if (type < NUMERIC) {
            message->packed[type].n = 2;
            message->packed[type].p = p;
        }
        for (i = 0; i < 2; i++) {
            if (type == PROTOBUF_C_TYPE_STRING)
                ((char **)p)[i] = texts[i];
            else if (type == PROTOBUF_C_TYPE_BYTES)
                ((ProtobufCBinaryData *)p)[i] = (ProtobufCBinaryData){
                    3 - 3 * i, (uint8_t *)texts[i]};
            else if (wide)
                ((uint64_t *)p)[i] = values[i];
            else
                ((uint32_t *)p)[i] = (uint32_t)values[i];
        }
    }
    message->one[PROTOBUF_C_TYPE_BOOL].u64 = 1;
    message->one[PROTOBUF_C_TYPE_STRING].text = texts[0];
    message->one[PROTOBUF_C_TYPE_BYTES].bytes = (ProtobufCBinaryData){3,
        (uint8_t *)texts[0]};
}

static void
every_scalar_type_goes_there_and_back(void **state)
{
    struct message_fault fault;
    struct scalars message;
    const struct scalars *back;
    ProtobufCMessage *decoded;
    struct arena *arena;
    struct buf out;
    size_t i;

    (void)state;
    assert_int_equal(arena_create(1 << 20, &arena), E_OK);
    fill_scalars(&message, arena);
    buf_init(&out, 4096);
    assert_int_equal(message_pack(&message.base, &out), E_OK);
    assert_true(message_is_canonical(&scalars_type, buf_slice(&out)));
    assert_int_equal(message_decode(&scalars_type, buf_slice(&out), &lax,
        arena, &decoded, &fault), E_OK);
    back = (const struct scalars *)decoded;
    for (i = 0; i < NUMERIC; i++) {
        assert_int_equal(back->one[i].u32, message.one[i].u32);
        assert_int_equal(back->packed[i].n, 2);
        assert_int_equal(back->unpacked[i].n, 2);
    }
    assert_string_equal(back->one[PROTOBUF_C_TYPE_STRING].text, "abc");

    /* Enum values that are not declared, packed and unpacked. */
    assert_int_equal(message_scan(&scalars_type, buf_slice(&out),
        &(struct message_limits){1, 10, 100, 1}, &fault), E_DENIED);
    arena_free(arena);
    buf_free(&out);
}

/* To protobuf-c a negative zero is one too; no message of ours has a float. */
static void
zeros_of_any_type_are_not_written(void **state)
{
    static const struct slice zeros[] = {
        B("\x1d\x00\x00\x00\x00"), B("\x5d\x00\x00\x00\x80"),
        B("\x31\x00\x00\x00\x00\x00\x00\x00\x00"),
        B("\x61\x00\x00\x00\x00\x00\x00\x00\x80"),
    };
    static const struct slice others[] = {
        B("\x1d\x00\x00\x00\x80"), B("\x1d\x01\x00\x00\x00"),
        B("\x5d\x01\x00\x00\x80"),
        B("\x31\x00\x00\x00\x00\x00\x00\x00\x80"),
    };
    struct scalars message;
    size_t i;

    (void)state;
    memset(&message, 0, sizeof(message));
    message.base.descriptor = &scalars_type;
    assert_packs_as(&message.base, (struct slice){NULL, 0});
    message.one[PROTOBUF_C_TYPE_FLOAT].f32 = -0.0f;
    message.one[PROTOBUF_C_TYPE_DOUBLE].f64 = -0.0;
    assert_packs_as(&message.base, (struct slice){NULL, 0});
    for (i = 0; i < 4; i++) {
        assert_false(message_is_canonical(&scalars_type, zeros[i]));
        assert_true(message_is_canonical(&scalars_type, others[i]));
    }
}

/* A generator of our own: the same bytes on every machine. */
static uint32_t
draw(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return ((uint32_t)(*seed >> 33));
}

/* Change, drop or double a few bytes. */
static size_t
mutate(uint8_t *bytes, size_t n, size_t room, uint64_t *seed)
{
    static const uint8_t telling[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x0a, 0x12};
    int times = (int)(draw(seed) % 3) + 1;
    size_t at;

    for (; times > 0 && n > 1; times--) {
        at = draw(seed) % n;
        switch (draw(seed) % 4) {
        case 0:
            bytes[at] = telling[draw(seed) % sizeof(telling)];
            break;
        case 1:
            bytes[at] ^= (uint8_t)(1u << draw(seed) % 8);
            break;
        case 2:
            memmove(bytes + at, bytes + at + 1, --n - at);
            break;
        default:
            if (n < room)
                memmove(bytes + at + 1, bytes + at, n++ - at);
            break;
        }
    }
    return (n);
}

static void
whatever_the_scan_takes_protobuf_c_takes(void **state)
{
    struct scalars message;
    struct arena *arena;
    struct buf out;
    uint8_t *copy;
    uint64_t seed = 1;
    size_t i, n;
    int round;

    (void)state;
    assert_int_equal(arena_create(1 << 20, &arena), E_OK);
    fill_scalars(&message, arena);
    buf_init(&out, 4096);
    assert_int_equal(message_pack(&message.base, &out), E_OK);
    arena_reset(arena);
    for (round = 0; round < 5000; round++) {
        assert_non_null(copy = malloc(out.n + 8));
        memcpy(copy, out.p, out.n);
        n = mutate(copy, out.n, out.n + 8, &seed);
        assert_survives(&scalars_type, (struct slice){copy, n}, arena);
        free(copy);

        i = draw(&seed) % (sizeof(cases) / sizeof(cases[0]));
        assert_non_null(copy = malloc(cases[i].bytes.n + 8));
        memcpy(copy, cases[i].bytes.p, cases[i].bytes.n);
        n = mutate(copy, cases[i].bytes.n, cases[i].bytes.n + 8, &seed);
        assert_survives(cases[i].type, (struct slice){copy, n}, arena);
        free(copy);
    }
    buf_free(&out);
    arena_free(arena);
}

static void
telling_the_form_allocates_nothing(void **state)
{
    (void)state;
    fault_arm(0);
    assert_true(message_is_canonical(REQUEST, cases[1].bytes));
    assert_false(fault_fired());
    fault_arm(-1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_values_are_not_written),
        cmocka_unit_test(repeated_values_are_all_written),
        cmocka_unit_test(varints_are_the_shortest),
        cmocka_unit_test(a_oneof_writes_what_it_holds),
        cmocka_unit_test(other_forms_are_told_from_the_canonical_one),
        cmocka_unit_test(every_scalar_type_goes_there_and_back),
        cmocka_unit_test(zeros_of_any_type_are_not_written),
        cmocka_unit_test(whatever_the_scan_takes_protobuf_c_takes),
        cmocka_unit_test(telling_the_form_allocates_nothing),
    };

    return (cmocka_run_group_tests(tests, declare_scalars, NULL));
}
