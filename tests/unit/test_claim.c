#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/decide.h"
#include "support/fault.h"

#define POLICY(x) VOUCH__V1__IDENTITY_POLICY__IDENTITY_POLICY_##x
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* 2026-11-22T05:30:00Z. */
#define NOW_US INT64_C(1795325400000000)

/* Everything a claim is made of, to be changed at will. */
struct fixture {
    Vouch__V1__NumberNormalization rules;
    Vouch__V1__Association association;
    Vouch__V1__HumanName name;
    Vouch__V1__Date birth, issued, as_of;
    Vouch__V1__Claim claim;
    struct decide_terms terms;
    struct decide_claim prepared;
    struct grpc_status status;
};

static void
set_date(Vouch__V1__Date *date, int y, int m, int d)
{
    vouch__v1__date__init(date);
    date->year = y;
    date->month = m;
    date->day = d;
}

static void
fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    vouch__v1__number_normalization__init(&f->rules);
    f->rules.fold_case = f->rules.drop_separators = 1;
    vouch__v1__association__init(&f->association);
    f->association.id = "ascp-boc";
    f->association.number = &f->rules;
    f->association.identity_policy = POLICY(BIRTH_YEAR);
    f->association.utc_offset_minutes = -360;
    vouch__v1__human_name__init(&f->name);
    f->name.family = "O'Brien";
    set_date(&f->birth, 1990, 0, 0);
    set_date(&f->issued, 2020, 3, 1);
    set_date(&f->as_of, 2026, 1, 2);
    vouch__v1__claim__init(&f->claim);
    f->claim.association_id = "ascp-boc";
    f->claim.number = " pbt-1234";
    f->claim.name = &f->name;
    f->claim.birth_date = &f->birth;
    f->terms.association = &f->association;
    f->terms.type_known = 1;
    f->terms.recognizers_known = 1;
    f->terms.now_us = NOW_US;
}

static enum err
prepare(struct fixture *f)
{
    return (decide_claim_prepare(&f->claim, &f->terms, &f->prepared,
        &f->status));
}

static int
has_violation(const struct grpc_status *status, const char *field)
{
    size_t i;

    for (i = 0; i < status->nviolations; i++)
        if (strcmp(status->violations[i].field, field) == 0)
            return (1);
    return (0);
}

static void
assert_fault(struct fixture *f, const char *field)
{
    assert_int_equal(prepare(f), E_INVAL);
    assert_int_equal(f->status.code, GRPC_INVALID_ARGUMENT);
    assert_int_equal(f->status.nviolations, 1);
    assert_string_equal(f->status.violations[0].field, field);
    assert_true(strlen(f->status.violations[0].description) > 8);
}

static void
a_right_claim_is_brought_into_form(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.name.given = "Mary Ann";
    f.name.suffix = "Jr.";
    assert_int_equal(prepare(&f), E_OK);
    assert_int_equal(f.status.code, GRPC_OK);
    assert_string_equal(f.prepared.number_key, "PBT1234");
    assert_string_equal(f.prepared.family.main, "obrien");
    assert_string_equal(f.prepared.given.main, "mary");
    assert_int_equal(f.prepared.suffix.n, 3);
    assert_int_equal(f.prepared.birth.year, 1990);
    assert_ptr_equal(f.prepared.claim, &f.claim);
}

static void
today_is_the_associations_own(void **state)
{
    static const struct {
        int offset, day;        /* of November 2026 */
    } cases[] = {{0, 22}, {-360, 21}, {-330, 22}, {-331, 21}, {1110, 23},
        {1109, 22}};
    struct civil today;
    struct fixture f;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        fixture_init(&f);
        f.association.utc_offset_minutes = cases[i].offset;
        assert_int_equal(prepare(&f), E_OK);
        today = civil_of_day(f.prepared.day);
        assert_int_equal(today.day, cases[i].day);
        assert_false(f.prepared.projection);
        /* The same day stated, and the one after it. */
        set_date(&f.as_of, 2026, 11, cases[i].day);
        f.claim.as_of = &f.as_of;
        assert_int_equal(prepare(&f), E_OK);
        assert_false(f.prepared.projection);
        f.as_of.day++;
        assert_int_equal(prepare(&f), E_OK);
        assert_true(f.prepared.projection);
    }
}

static void
each_policy_asks_for_its_factors_by_name(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.claim.birth_date = NULL;
    assert_fault(&f, "claim.birth_date");
    set_date(&f.birth, 0, 0, 0);
    f.claim.birth_date = &f.birth;
    assert_fault(&f, "claim.birth_date");

    fixture_init(&f);
    f.association.identity_policy = POLICY(BIRTH_DATE);
    assert_fault(&f, "claim.birth_date");       /* a year is not enough */
    set_date(&f.birth, 1990, 5, 6);
    assert_int_equal(prepare(&f), E_OK);

    fixture_init(&f);
    f.association.identity_policy = POLICY(LAST4);
    assert_fault(&f, "claim.last4");
    f.claim.last4 = "0042";
    assert_int_equal(prepare(&f), E_OK);

    fixture_init(&f);
    f.association.identity_policy = POLICY(GIVEN_NAME_AND_ISSUE_DATE);
    assert_int_equal(prepare(&f), E_INVAL);
    assert_int_equal(f.status.nviolations, 2);
    assert_true(has_violation(&f.status, "claim.name.given"));
    assert_true(has_violation(&f.status, "claim.issued_on"));
    f.name.given = " ";
    f.claim.issued_on = &f.issued;
    assert_fault(&f, "claim.name.given");
    f.name.given = "Mary";
    set_date(&f.issued, 2020, 3, 0);
    assert_fault(&f, "claim.issued_on");
    set_date(&f.issued, 2020, 3, 1);
    assert_int_equal(prepare(&f), E_OK);

    /* A policy of a newer version must not let anybody in by less. */
    fixture_init(&f);
    f.association.identity_policy = (Vouch__V1__IdentityPolicy)99;
    assert_fault(&f, "claim.birth_date");
}

/* Each wrong alone, and named alone. */
static void
each_fault_is_named_by_its_field(void **state)
{
    static char long_text[202], long_id[65], long_number[66];
    static char *many[17];
    static char *bad_id[] = {"NCCA"};
    static uint8_t nonce[65];
    struct fixture f;
    size_t i;

    (void)state;
    memset(long_text, 'a', sizeof(long_text) - 1);
    memset(long_id, 'a', sizeof(long_id) - 1);
    memset(long_number, '1', sizeof(long_number) - 1);
    for (i = 0; i < COUNT(many); i++)
        many[i] = "ncca";

#define FAULT(field, change) do {                                       \
        fixture_init(&f);                                               \
        change;                                                         \
        assert_fault(&f, field);                                        \
    } while (0)
    FAULT("claim.association_id", f.claim.association_id = "");
    FAULT("claim.association_id", f.claim.association_id = long_id);
    FAULT("claim.credential_type_id", f.claim.credential_type_id = long_id);
    FAULT("claim.credential_type_id", f.terms.type_known = 0);
    FAULT("claim.recognized_by", f.terms.recognizers_known = 0);
    FAULT("claim.number", f.claim.number = "");
    FAULT("claim.number", f.claim.number = "  ");
    FAULT("claim.number", f.claim.number = "--");
    FAULT("claim.number", f.claim.number = "12\t4");
    FAULT("claim.number", f.claim.number = "\xc3\xa9");
    FAULT("claim.number", f.claim.number = long_number);
    FAULT("claim.name.family", f.claim.name = NULL);
    FAULT("claim.name.family", f.name.family = "");
    FAULT("claim.name.family", f.name.family = " \t");
    FAULT("claim.name.family", f.name.family = "\xff");
    FAULT("claim.name.family", f.name.family = "a\x1b[2J");
    FAULT("claim.name.family", f.name.family = long_text);
    FAULT("claim.name.given", f.name.given = long_text);
    FAULT("claim.name.given", f.name.given = "a\nb");
    FAULT("claim.name.middle", f.name.middle = long_text);
    FAULT("claim.name.suffix", f.name.suffix = long_text);
    FAULT("claim.birth_date", set_date(&f.birth, 1990, 2, 29));
    FAULT("claim.birth_date", set_date(&f.birth, 1990, 0, 5));
    FAULT("claim.birth_date", set_date(&f.birth, 1990, 5, 0));
    FAULT("claim.birth_date", set_date(&f.birth, -1, 0, 0));
    FAULT("claim.birth_date", set_date(&f.birth, 10000, 0, 0));
    FAULT("claim.last4", f.claim.last4 = "123");
    FAULT("claim.last4", f.claim.last4 = "12345");
    FAULT("claim.last4", f.claim.last4 = "12a4");
    FAULT("claim.issued_on", (f.claim.issued_on = &f.issued,
        f.issued.month = 13));
    FAULT("claim.as_of", (f.claim.as_of = &f.as_of, f.as_of.day = 32));
    FAULT("claim.as_of", (f.claim.as_of = &f.as_of, f.as_of.day = 0));
    FAULT("claim.on_behalf_of", f.claim.on_behalf_of = long_text);
    FAULT("claim.authorization_ref", f.claim.authorization_ref = long_text);
    FAULT("claim.requested_by", f.claim.requested_by = long_text);
    FAULT("claim.nonce", (f.claim.nonce.data = nonce,
        f.claim.nonce.len = 65));
    FAULT("claim.recognized_by", (f.claim.recognized_by = many,
        f.claim.n_recognized_by = 17));
    FAULT("claim.recognized_by", (f.claim.recognized_by = bad_id,
        f.claim.n_recognized_by = 1));
#undef FAULT
}

static void
what_just_fits_is_taken(void **state)
{
    static char text[201], id[64], number[65];
    static char *many[16];
    static uint8_t nonce[64];
    struct fixture f;
    size_t i;

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    memset(id, 'a', sizeof(id) - 1);
    memset(number, '1', sizeof(number) - 1);
    for (i = 0; i < COUNT(many); i++)
        many[i] = id;
    fixture_init(&f);
    f.claim.association_id = f.claim.credential_type_id = id;
    f.claim.number = number;
    f.name.family = f.name.given = f.name.middle = f.name.suffix = text;
    f.claim.on_behalf_of = f.claim.authorization_ref = text;
    f.claim.requested_by = text;
    f.claim.nonce.data = nonce;
    f.claim.nonce.len = sizeof(nonce);
    f.claim.recognized_by = many;
    f.claim.n_recognized_by = COUNT(many);
    assert_int_equal(prepare(&f), E_OK);
}

static void
all_faults_are_told_together_and_no_value(void **state)
{
    struct fixture f;
    size_t i;

    (void)state;
    fixture_init(&f);
    f.claim.number = "SECRET\x01";
    f.name.family = "SECRET\x02";
    f.claim.last4 = "SECRET";
    f.birth.month = 13;
    f.claim.as_of = &f.as_of;
    f.as_of.day = 99;
    assert_int_equal(prepare(&f), E_INVAL);
    assert_int_equal(f.status.nviolations, 5);
    assert_true(has_violation(&f.status, "claim.number"));
    assert_true(has_violation(&f.status, "claim.name.family"));
    assert_true(has_violation(&f.status, "claim.last4"));
    assert_true(has_violation(&f.status, "claim.birth_date"));
    assert_true(has_violation(&f.status, "claim.as_of"));
    assert_null(strstr(f.status.message, "SECRET"));
    for (i = 0; i < f.status.nviolations; i++) {
        assert_null(strstr(f.status.violations[i].description, "SECRET"));
        assert_null(strstr(f.status.violations[i].description, "99"));
    }
}

static void
without_an_association_only_the_form_is_checked(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f);
    f.terms.association = NULL;
    f.terms.type_known = 0;
    f.claim.birth_date = NULL;
    f.claim.association_id = "Some Board of Anything";
    assert_int_equal(prepare(&f), E_OK);
    assert_string_equal(f.prepared.number_key, "");
    assert_null(f.prepared.association);
    f.name.family = "";
    assert_fault(&f, "claim.name.family");
}

static void
a_suffix_in_the_family_name_is_split_off(void **state)
{
    static const struct {
        char *family, *suffix;      /* as claimed */
        const char *key, *want;
    } cases[] = {
        {"BRATTON, JR", "", "bratton", "JR"},
        {"Bratton Jr.", "", "bratton", "Jr."},
        {"Bratton  III ", "", "bratton", "III"},
        {"Bratton, V", "", "bratton", "V"},
        {"Bratton V", "", "brattonv", ""},      /* may be an initial */
        {"Bratton", "Jr", "bratton", "Jr"},
        {"Bratton Jr", "Sr", "brattonjr", "Sr"},
        {"Jr", "", "jr", ""},
        {"de la Cruz", "", "delacruz", ""},
        {"Bratton,", "", NULL, ""},
    };
    struct fixture f;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        fixture_init(&f);
        f.name.family = cases[i].family;
        f.name.suffix = cases[i].suffix;
        assert_int_equal(prepare(&f), E_OK);
        if (cases[i].key != NULL)
            assert_string_equal(f.prepared.family.main, cases[i].key);
        assert_int_equal(f.prepared.suffix.n, strlen(cases[i].want));
        if (f.prepared.suffix.n > 0)
            assert_memory_equal(f.prepared.suffix.p, cases[i].want,
                f.prepared.suffix.n);
    }
}

/* The very first allocation would fail: there is none. */
static void
nothing_is_allocated(void **state)
{
    struct fixture f;
    enum err err;

    (void)state;
    fixture_init(&f);
    f.name.given = "Mary";
    fault_arm(0);
    err = prepare(&f);
    fault_arm(-1);
    assert_false(fault_fired());
    assert_int_equal(err, E_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_claim_is_brought_into_form),
        cmocka_unit_test(today_is_the_associations_own),
        cmocka_unit_test(each_policy_asks_for_its_factors_by_name),
        cmocka_unit_test(each_fault_is_named_by_its_field),
        cmocka_unit_test(what_just_fits_is_taken),
        cmocka_unit_test(all_faults_are_told_together_and_no_value),
        cmocka_unit_test(without_an_association_only_the_form_is_checked),
        cmocka_unit_test(a_suffix_in_the_family_name_is_split_off),
        cmocka_unit_test(nothing_is_allocated),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
