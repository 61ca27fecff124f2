#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load/body.h"
#include "bench/load/histogram.h"
#include "bench/records/record.h"
#include "proto/uuid.h"

#include "vouch/v1/verification_service.pb-c.h"

enum { RECORDS = 1000, CLAIMS = 20000 };

static void
a_percentile_is_at_most_a_sixtieth_too_high(void **state)
{
    static const uint64_t values[] = {0, 1, 63, 64, 127, 128, 129, 1000, 4095,
        65537, 1000003, 123456789, 99999999999};
    static struct histogram h;

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint64_t v = values[i], found;

        h = (struct histogram){0};
        histogram_add(&h, v);
        histogram_add(&h, (uint64_t)1 << 39);
        found = histogram_at(&h, 0.5);
        assert_true(found >= v);
        assert_true(found <= v + v / 60);
        assert_int_equal(histogram_at(&h, 1), (uint64_t)1 << 39);
    }
}

static void
percentiles_of_a_ramp_are_where_they_should_be(void **state)
{
    static struct histogram h;

    (void)state;
    assert_int_equal(histogram_at(&h, 0.5), 0);
    for (uint64_t i = 1; i <= 100000; i++)
        histogram_add(&h, i * 1000);
    assert_int_equal(h.count, 100000);
    assert_in_range(histogram_at(&h, 0.5), 50000000, 50900000);
    assert_in_range(histogram_at(&h, 0.99), 99000000, 100000000);
    assert_int_equal(histogram_at(&h, 1), 100000000);
    histogram_add(&h, UINT64_MAX);
    assert_int_equal(h.most, ((uint64_t)1 << 40) - 1);
}

static void
numbers_are_unique_and_a_spoiled_one_is_nobodys(void **state)
{
    unsigned long last = 0;

    (void)state;
    for (uint32_t i = 0; i < 5000; i++) {
        struct record r, spoiled;
        unsigned long number;

        record_make(i, &r);
        spoiled = r;
        number = strtoul(r.number, NULL, 10);
        assert_true(number > last);
        record_spoil_number(&spoiled);
        assert_int_not_equal((strtoul(spoiled.number, NULL, 10) - 20000000) %
            31, 0);
        record_spoil_person(&spoiled);
        assert_string_not_equal(spoiled.family, r.family);
        last = number;
    }
}

/* Index of the record of that number, or RECORDS. */
static uint32_t
find(const char *number)
{
    unsigned long n = strtoul(number, NULL, 10) - 20000000;

    return (n % 31 != 0 || n / 31 >= RECORDS ? RECORDS : (uint32_t)(n / 31));
}

static void
check_claim(const struct body *body, const Vouch__V1__Claim *claim)
{
    uint32_t index = find(claim->number);
    struct record r;

    assert_string_equal(claim->association_id, RECORD_ASSOCIATION);
    if (index == RECORDS) {
        assert_int_equal(body->verdict, BODY_NO_MATCH);
        return;
    }
    record_make(index, &r);
    assert_string_equal(claim->credential_type_id, r.type);
    assert_string_equal(claim->name->given, r.given);
    assert_int_equal(claim->birth_date->year, r.birth_year);
    assert_int_equal(body->verdict, strcmp(claim->name->family, r.family) == 0
        ? BODY_CONFIRMED : BODY_NO_MATCH);
}

static void
every_claim_decodes_and_one_in_ten_misses(void **state)
{
    struct body_source *source = body_open(NULL, RECORDS, 7);
    int misses = 0;

    (void)state;
    for (int i = 0; i < CLAIMS; i++) {
        static struct body body;
        Vouch__V1__VerifyCredentialRequest *request;
        uint8_t id[16];

        body_next(source, &body);
        assert_true(body.n > 5 && body.n <= BODY_CLAIM);
        assert_int_equal(body.p[4], body.n - 5);
        request = vouch__v1__verify_credential_request__unpack(NULL,
            body.n - 5, body.p + 5);
        assert_non_null(request);
        assert_int_equal(uuid_parse(slice_of(request->request_id), id), E_OK);
        check_claim(&body, request->claim);
        misses += body.verdict == BODY_NO_MATCH;
        vouch__v1__verify_credential_request__free_unpacked(request, NULL);
    }
    assert_in_range(misses, CLAIMS / 10 - 200, CLAIMS / 10 + 200);
    body_close(source);
}

static void
the_same_seed_asks_the_same(void **state)
{
    struct body_source *a = body_open(NULL, RECORDS, 3);
    struct body_source *b = body_open(NULL, RECORDS, 3);

    (void)state;
    for (int i = 0; i < 100; i++) {
        struct body x, y;

        body_next(a, &x);
        body_next(b, &y);
        assert_int_equal(x.n, y.n);
        assert_memory_equal(x.p, y.p, x.n);
    }
    body_close(a);
    body_close(b);
}

static void
the_verdict_is_found_whatever_the_length_takes(void **state)
{
    static const uint8_t one[] = {0, 0, 0, 0, 9, 10, 7, 8, 6, 16, 1};
    static const uint8_t two[] = {0, 0, 0, 9, 9, 10, 0x87, 7, 8, 2, 16, 1};
    static const uint8_t none[] = {0, 0, 0, 0, 9, 18, 7, 8, 6, 16, 1};

    (void)state;
    assert_int_equal(body_verdict_of(one, sizeof(one)), BODY_CONFIRMED);
    assert_int_equal(body_verdict_of(two, sizeof(two)), BODY_NO_MATCH);
    assert_int_equal(body_verdict_of(none, sizeof(none)), 0);
    for (size_t n = 0; n < 9; n++)
        assert_int_equal(body_verdict_of(one, n), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_is_at_most_a_sixtieth_too_high),
        cmocka_unit_test(percentiles_of_a_ramp_are_where_they_should_be),
        cmocka_unit_test(numbers_are_unique_and_a_spoiled_one_is_nobodys),
        cmocka_unit_test(every_claim_decodes_and_one_in_ten_misses),
        cmocka_unit_test(the_same_seed_asks_the_same),
        cmocka_unit_test(the_verdict_is_found_whatever_the_length_takes),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
