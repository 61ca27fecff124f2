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
#include "vouch/v1/publishing_service.pb-c.h"
#include "vouch/v1/verification_service.pb-c.h"

#define SWEEP_MAX 100

/* The bytes of a literal, NULs and all. */
#define B(text) {(const uint8_t *)(text), sizeof(text) - 1}

static const struct message_limits strict = {
    .depth = 8, .elements = 16, .fields = 100, .refuse_unknown = 1,
};

static const struct message_limits lax = {
    .depth = 8, .elements = 16, .fields = 100,
};

#define REQUEST &vouch__v1__verify_credential_request__descriptor
#define PUBLISH &vouch__v1__publish_credentials_request__descriptor
#define ANSWER &vouch__v1__answer__descriptor
#define VARINT_11 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"

static const struct {
    const ProtobufCMessageDescriptor *type;
    struct slice bytes;
    enum err strict, lax;
    const char *field;
} refusals[] = {
    /* Not the wire form of anything. */
    {REQUEST, B("\x0a"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x0a\x02z"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x0a\x80"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x0a\x80\x80\x80\x80\x80\x00"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x0a\xff\xff\xff\xff\x0f"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x0a\xff\xff\xff\xff\x7f"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x80"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x8a\x80\x80\x80\x80\x00\x00"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\xfa\xff\xff\xff\x1f\x00"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x00\x00"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x02\x00"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x0b\x0c"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\xfb\x07\xfc\x07"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x0c"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x0e\x00"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x0f\x00"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\xf8\x07" VARINT_11), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\xf8\x07\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
        E_INVAL, E_INVAL, ""},
    {REQUEST, B("\xf9\x07\x00\x00\x00\x00\x00\x00\x00"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\xfd\x07\x00\x00\x00"), E_INVAL, E_INVAL, ""},
    {REQUEST, B("\x12\x03\x22\x02\x0a"), E_INVAL, E_INVAL, "claim"},
    {REQUEST, B("\x12\x04\x22\x02\x0a\x01"), E_INVAL, E_INVAL, "claim.name"},
    {REQUEST, B("\x12\x0c\x48" VARINT_11), E_INVAL, E_INVAL, "claim"},
    /* Another wire type than declared. */
    {REQUEST, B("\x08\x01"), E_INVAL, E_INVAL, "request_id"},
    {REQUEST, B("\x10\x00"), E_INVAL, E_INVAL, "claim"},
    {REQUEST, B("\x0d\x00\x00\x00\x00"), E_INVAL, E_INVAL, "request_id"},
    {REQUEST, B("\x12\x03\x4a\x01\x01"), E_INVAL, E_INVAL, "claim.purpose"},
    {REQUEST, B("\x12\x04\x72\x00\x70\x01"), E_INVAL, E_INVAL,
        "claim.recognized_by[1]"},
    {ANSWER, B("\x1d\x00\x00\x00\x00"), E_INVAL, E_INVAL, "reasons[0]"},
    {ANSWER, B("\x1a\x01\x80"), E_INVAL, E_INVAL, "reasons[0]"},
    {ANSWER, B("\x1a\x0c\x01" VARINT_11), E_INVAL, E_INVAL, "reasons[1]"},
    /* Text that is none. */
    {REQUEST, B("\x0a\x01\xff"), E_DENIED, E_DENIED, "request_id"},
    {REQUEST, B("\x0a\x03" "a\0b"), E_DENIED, E_DENIED, "request_id"},
    {REQUEST, B("\x0a\x01\0"), E_DENIED, E_DENIED, "request_id"},
    {REQUEST, B("\x12\x06\x22\x04\x0a\x02\xc0\xaf"), E_DENIED, E_DENIED,
        "claim.name.family"},
    {REQUEST, B("\x12\x07\x22\x05\x12\x03\xed\xa0\x80"), E_DENIED, E_DENIED,
        "claim.name.given"},
    {REQUEST, B("\x12\x07\x72\x01z\x72\x02\xc3 "), E_DENIED, E_DENIED,
        "claim.recognized_by[1]"},
    /* What nobody declared. */
    {REQUEST, B("\x18\x01"), E_DENIED, E_OK, "3"},
    {REQUEST, B("\x12\x03\xfa\x01\x00"), E_DENIED, E_OK, "claim.31"},
    {REQUEST, B("\xfa\xff\xff\xff\x0f\x00"), E_DENIED, E_OK, "536870911"},
    {REQUEST, B("\x12\x02\x48\x63"), E_DENIED, E_OK, "claim.purpose"},
    {REQUEST, B("\x12\x0b\x48\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        E_DENIED, E_OK, "claim.purpose"},
    {ANSWER, B("\x1a\x02\x01\x63"), E_DENIED, E_OK, "reasons[1]"},
    {ANSWER, B("\x18\x01\x18\x63"), E_DENIED, E_OK, "reasons[1]"},
    {ANSWER, B("\x22\x02\x08\x01\x22\x02\x10\x63"), E_DENIED, E_OK,
        "factors[1].comparison"},
    /* A sub-message where there is one already. */
    {REQUEST, B("\x12\x00\x12\x00"), E_DENIED, E_DENIED, "claim"},
    {REQUEST, B("\x12\x08\x22\x00\x0a\x02zz\x22\x00"), E_DENIED, E_DENIED,
        "claim.name"},
};

static void
each_refusal_says_where(void **state)
{
    struct message_fault fault;
    enum err err;
    uint8_t *copy;
    size_t i;
    int round;

    (void)state;
    for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct slice bytes = refusals[i].bytes;

        /* On the heap, for the sanitizer to see. */
        assert_non_null(copy = malloc(bytes.n));
        memcpy(copy, bytes.p, bytes.n);
        for (round = 0; round < 2; round++) {
            memset(&fault, 0, sizeof(fault));
            err = message_scan(refusals[i].type,
                (struct slice){copy, bytes.n}, round == 0 ? &strict : &lax,
                &fault);
            if (err != (round == 0 ? refusals[i].strict : refusals[i].lax))
                fail_msg("refusal %zu: %s", i, err_name(err));
            assert_int_equal(fault.what == NULL, err == E_OK);
            if (err != E_OK)
                assert_string_equal(fault.field, refusals[i].field);
        }
        free(copy);
    }
}

static void
rows_are_counted_from_0(void **state)
{
    struct message_fault fault;
    uint8_t bytes[64] = {0};
    size_t n = 0;
    int i;

    (void)state;
    /* Four rows with a number each; that of the last is bad. */
    for (i = 0; i < 4; i++) {
        bytes[n++] = 0x12;
        bytes[n++] = 3;
        bytes[n++] = 0x1a;
        bytes[n++] = 1;
        bytes[n++] = i < 3 ? '7' : 0xff;
    }
    assert_int_equal(message_scan(PUBLISH, (struct slice){bytes, n}, &strict,
        &fault), E_DENIED);
    assert_string_equal(fault.field, "rows[3].number");
}

/* A claim with all that a claim can have. */
static void
make_request(struct buf *out)
{
    static char id[] = "01935a2c-7b8d-7ef0-9abc-def012345678",
        association[] = "ascp-boc", type[] = "ascp-pbt", number[] = "123-45",
        family[] = "Garc\xc3\xad" "a L\xc3\xb3pez", given[] = "Mar\xc3\xad" "a",
        last4[] = "0042", ncca[] = "ncca", anab[] = "anab";
    static uint8_t nonce[] = {0, 1, 0xff};
    static char *recognizers[] = {ncca, anab};
    Vouch__V1__HumanName name = VOUCH__V1__HUMAN_NAME__INIT;
    Vouch__V1__Date born = VOUCH__V1__DATE__INIT;
    Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
    Vouch__V1__VerifyCredentialRequest request =
        VOUCH__V1__VERIFY_CREDENTIAL_REQUEST__INIT;

    name.family = family;
    name.given = given;
    born.year = 1984;
    born.month = 2;
    born.day = 29;
    claim.association_id = association;
    claim.credential_type_id = type;
    claim.number = number;
    claim.name = &name;
    claim.birth_date = &born;
    claim.last4 = last4;
    claim.purpose = VOUCH__V1__PURPOSE__PURPOSE_HIRING;
    claim.nonce.data = nonce;
    claim.nonce.len = sizeof(nonce);
    claim.n_recognized_by = 2;
    claim.recognized_by = recognizers;
    request.request_id = id;
    request.claim = &claim;
    assert_int_equal(message_pack(&request.base, out), E_OK);
}

static void
a_request_goes_there_and_back(void **state)
{
    const Vouch__V1__VerifyCredentialRequest *request;
    struct message_fault fault;
    ProtobufCMessage *message;
    struct arena *arena;
    struct buf bytes, again;

    (void)state;
    buf_init(&bytes, 4096);
    buf_init(&again, 4096);
    make_request(&bytes);
    assert_int_equal(arena_create(1 << 16, &arena), E_OK);
    assert_int_equal(message_decode(REQUEST, buf_slice(&bytes), &strict,
        arena, &message, &fault), E_OK);
    assert_int_equal(message_pack(message, &again), E_OK);
    assert_true(slice_equal(buf_slice(&bytes), buf_slice(&again)));
    assert_true(message_is_canonical(REQUEST, buf_slice(&bytes)));
    buf_free(&bytes);
    buf_free(&again);

    /* The message does not need its bytes any longer. */
    request = (const Vouch__V1__VerifyCredentialRequest *)message;
    assert_string_equal(request->claim->name->family,
        "Garc\xc3\xad" "a L\xc3\xb3pez");
    assert_int_equal(request->claim->birth_date->day, 29);
    assert_int_equal(request->claim->nonce.len, 3);
    assert_int_equal(request->claim->n_recognized_by, 2);
    assert_string_equal(request->claim->recognized_by[1], "anab");
    assert_null(request->claim->as_of);
    arena_free(arena);
}

static void
a_request_cut_anywhere_is_malformed(void **state)
{
    struct message_fault fault;
    struct buf bytes;
    uint8_t *copy;
    enum err err;
    size_t i;

    (void)state;
    buf_init(&bytes, 4096);
    make_request(&bytes);
    for (i = 0; i <= bytes.n; i++) {
        assert_non_null(copy = malloc(i + 1));
        memcpy(copy, bytes.p, i);
        err = message_scan(REQUEST, (struct slice){copy, i}, &strict, &fault);
        /* Whole only before, between and behind its two fields. */
        assert_int_equal(err,
            i == 0 || i == 38 || i == bytes.n ? E_OK : E_INVAL);
        free(copy);
    }
    buf_free(&bytes);
}

static void
of_scalars_the_last_counts(void **state)
{
    static const struct slice twice = B("\x0a\x01" "a\x0a\x02" "bc\x12\x00");
    static const struct slice chosen = B("\x22\x03\x0a\x01q\x3a\x02\x08\x05");
    const Grpc__Reflection__V1__ServerReflectionResponse *response;
    struct message_fault fault;
    ProtobufCMessage *message;
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_create(1 << 16, &arena), E_OK);
    assert_int_equal(message_decode(REQUEST, twice, &strict, arena, &message,
        &fault), E_OK);
    assert_string_equal(
        ((const Vouch__V1__VerifyCredentialRequest *)message)->request_id,
        "bc");

    /* Of a oneof too. */
    assert_int_equal(message_decode(
        &grpc__reflection__v1__server_reflection_response__descriptor, chosen,
        &strict, arena, &message, &fault), E_OK);
    response = (const Grpc__Reflection__V1__ServerReflectionResponse *)message;
    assert_int_equal(response->message_response_case, 7);
    assert_int_equal(response->error_response->error_code, 5);
    arena_free(arena);
}

static void
every_allocation_may_fail(void **state)
{
    struct message_fault fault;
    ProtobufCMessage *message;
    struct arena *arena;
    struct buf bytes, again;
    enum err err;
    uint8_t *names;
    size_t i;
    int n, fired = 1;

    (void)state;
    /* Long enough for more than the arena's first block. */
    assert_non_null(names = malloc(9000));
    for (i = 0; i < 9000; i++)
        names[i] = i % 3 == 0 ? 0x72 : i % 3 == 1 ? 1 : 'x';
    for (n = 0; fired && n < SWEEP_MAX; n++) {
        message = NULL;
        fault_arm(n);
        err = arena_create(1 << 20, &arena);
        if (err == E_OK)
            err = message_decode(&vouch__v1__claim__descriptor,
                (struct slice){names, 9000}, &(struct message_limits){1, 10000,
                10000, 1}, arena, &message, &fault);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(err, fired ? E_NOMEM : E_OK);
        assert_int_equal(message == NULL, fired);
        arena_free(arena);
    }
    assert_true(n > 3 && n < SWEEP_MAX);
    free(names);

    buf_init(&bytes, 4096);
    make_request(&bytes);
    assert_int_equal(arena_create(1 << 20, &arena), E_OK);
    assert_int_equal(message_decode(REQUEST, buf_slice(&bytes), &strict,
        arena, &message, &fault), E_OK);
    buf_init(&again, 4096);
    fault_arm(0);
    assert_int_equal(message_pack(message, &again), E_NOMEM);
    fault_arm(-1);
    assert_int_equal(again.n, 0);
    again.max = bytes.n - 1;
    assert_int_equal(message_pack(message, &again), E_TOOBIG);
    assert_int_equal(again.n, 0);
    again.max = bytes.n;
    assert_int_equal(message_pack(message, &again), E_OK);
    buf_free(&again);
    arena_free(arena);
    buf_free(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_refusal_says_where),
        cmocka_unit_test(rows_are_counted_from_0),
        cmocka_unit_test(a_request_goes_there_and_back),
        cmocka_unit_test(a_request_cut_anywhere_is_malformed),
        cmocka_unit_test(of_scalars_the_last_counts),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
