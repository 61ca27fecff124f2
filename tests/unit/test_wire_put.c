#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"
#include "proto/wire_put.h"

#include "vouch/v1/verification_service.pb-c.h"

/* Write varints of all lengths: their bounds, and what is next to them. */
static void
a_varint_reads_back_and_is_the_shortest(void **state)
{
    uint8_t bytes[WIRE_VARINT_MAX];
    struct slice in;
    uint64_t value, back;
    unsigned bit;
    int shortest, step;

    (void)state;
    for (bit = 0; bit < 64; bit++) {
        for (step = -1; step <= 1; step++) {
            value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)step;
            in = (struct slice){bytes,
                (size_t)(wire_put_varint(bytes, value) - bytes)};
            assert_int_equal(in.n, wire_put_size(value));
            shortest = 1;
            assert_int_equal(wire_varint(&in, &back, &shortest), E_OK);
            assert_true(back == value && shortest && in.n == 0);
        }
    }
    assert_int_equal(wire_put_size(UINT64_MAX), WIRE_VARINT_MAX);
}

static void
what_is_empty_is_left_out(void **state)
{
    uint8_t bytes[WIRE_PUT_BYTES_MAX(0)];

    (void)state;
    assert_ptr_equal(wire_put_number(bytes, 1, 0), bytes);
    assert_ptr_equal(wire_put_bytes(bytes, 1, (struct slice){NULL, 0}), bytes);
    assert_ptr_equal(wire_put_ready(bytes, 1, (struct slice){NULL, 0}),
        bytes + 2);
    assert_memory_equal(bytes, "\x0a\x00", 2);
}

static void
no_field_exceeds_its_bound(void **state)
{
    static const uint32_t number = (1u << 29) - 1;
    uint8_t bytes[WIRE_PUT_BYTES_MAX(3) + WIRE_PUT_NUMBER_MAX];

    (void)state;
    assert_ptr_equal(wire_put_number(bytes, number, UINT64_MAX),
        bytes + WIRE_PUT_NUMBER_MAX);
    assert_memory_equal(bytes, "\xf8\xff\xff\xff\x0f"
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", WIRE_PUT_NUMBER_MAX);
    assert_ptr_equal(wire_put_bytes(bytes, number, slice_of("abc")),
        bytes + WIRE_TAG_MAX + 1 + 3);
    assert_memory_equal(bytes, "\xfa\xff\xff\xff\x0f\x03" "abc", 9);
}

/* Content of ${n} bytes in a field begun and ended, and between others. */
static void
assert_moves_well(size_t n)
{
    uint8_t *bytes, *p, *outer, *inner;
    struct wire_field field;
    struct slice in, content;
    const char *what;

    assert_non_null(bytes = malloc(2 * WIRE_PUT_BYTES_MAX(n) +
        2 * WIRE_PUT_NUMBER_MAX));
    p = wire_put_number(bytes, 1, 7);
    outer = wire_put_begin(p, 2);
    inner = wire_put_begin(outer, 1000);
    memset(inner, 'x', n);
    p = wire_put_end(inner, inner + n);
    p = wire_put_end(outer, p);
    p = wire_put_number(p, 3, 8);

    in = (struct slice){bytes, (size_t)(p - bytes)};
    assert_int_equal(wire_next(&in, &field, &what), E_OK);
    assert_int_equal(wire_next(&in, &field, &what), E_OK);
    assert_true(field.number == 2 && field.shortest);
    content = field.bytes;
    assert_int_equal(wire_next(&content, &field, &what), E_OK);
    assert_int_equal(content.n, 0);
    assert_true(field.number == 1000 && field.shortest);
    assert_int_equal(field.bytes.n, n);
    assert_true(n == 0 || (field.bytes.p[0] == 'x' &&
        memcmp(field.bytes.p, field.bytes.p + 1, n - 1) == 0));
    assert_int_equal(wire_next(&in, &field, &what), E_OK);
    assert_true(field.number == 3 && field.value == 8 && in.n == 0);
    free(bytes);
}

static void
a_field_of_any_length_is_begun_and_ended(void **state)
{
    (void)state;
    assert_moves_well(0);
    assert_moves_well(123);     /* both lengths in one byte */
    assert_moves_well(124);     /* the outer one in two */
    assert_moves_well(127);
    assert_moves_well(128);
    assert_moves_well((1 << 14) - 1);
    assert_moves_well(1 << 14);
    assert_moves_well(1 << 21);
}

/* By hand, and as protobuf-c writes it. */
static void
it_is_what_protobuf_c_writes(void **state)
{
    static char id[] = "r-1", asker[] = "mercy", ncca[] = "ncca", none[] = "";
    static char *recognizers[] = {ncca, none};
    static uint8_t nonce[] = {0, 1, 0xff};
    Vouch__V1__Date born = VOUCH__V1__DATE__INIT;
    Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
    Vouch__V1__Question question = VOUCH__V1__QUESTION__INIT;
    uint8_t theirs[256], ours[256], *p, *claimed, *date;

    (void)state;
    born.year = 1984;
    born.day = -1;
    claim.birth_date = &born;
    claim.purpose = VOUCH__V1__PURPOSE__PURPOSE_AUDIT;
    claim.nonce = (ProtobufCBinaryData){sizeof(nonce), nonce};
    claim.n_recognized_by = 2;
    claim.recognized_by = recognizers;
    question.claim = &claim;
    question.asker = asker;
    question.request_id = id;

    claimed = wire_put_begin(ours, 1);
    date = wire_put_begin(claimed, 5);
    p = wire_put_number(date, 1, 1984);
    p = wire_put_number(p, 2, 0);
    p = wire_put_end(date, wire_put_number(p, 3, (uint64_t)(int64_t)-1));
    p = wire_put_bytes(p, 6, slice_of(""));
    p = wire_put_number(p, 9, VOUCH__V1__PURPOSE__PURPOSE_AUDIT);
    p = wire_put_bytes(p, 13, (struct slice){nonce, sizeof(nonce)});
    p = wire_put_ready(p, 14, slice_of(ncca));
    p = wire_put_end(claimed, wire_put_ready(p, 14, slice_of(none)));
    p = wire_put_bytes(p, 2, slice_of(asker));
    p = wire_put_bytes(p, 3, slice_of(id));

    assert_int_equal(vouch__v1__question__pack(&question, theirs), p - ours);
    assert_memory_equal(theirs, ours, (size_t)(p - ours));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_varint_reads_back_and_is_the_shortest),
        cmocka_unit_test(what_is_empty_is_left_out),
        cmocka_unit_test(no_field_exceeds_its_bound),
        cmocka_unit_test(a_field_of_any_length_is_begun_and_ended),
        cmocka_unit_test(it_is_what_protobuf_c_writes),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
