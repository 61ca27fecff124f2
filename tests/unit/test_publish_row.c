#include "service/publish_row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/message.h"
#include "support/fault.h"

#define FAULT(x) ROW_##x
#define FIELD(x) ROW_FIELD_##x

/* 2026-11-22 */
#define TODAY 20779

/* One row that meets every rule, and what it is held against. */
struct world {
    struct catalog_index *catalog;
    struct row_terms terms;
    Vouch__V1__HumanName name;
    Vouch__V1__Date birth, issued, from, until, grace, effective;
    Vouch__V1__ValidityPeriod period;
    Vouch__V1__ValidityPeriod *periods[5];
    char *former[9];
    Vouch__V1__CredentialRow row;
};

static Vouch__V1__Date
date(int32_t year, int32_t month, int32_t day)
{
    Vouch__V1__Date d = VOUCH__V1__DATE__INIT;

    d.year = year;
    d.month = month;
    d.day = day;
    return (d);
}

static struct catalog_index *
make_catalog(void)
{
    Vouch__V1__Association a = VOUCH__V1__ASSOCIATION__INIT;
    Vouch__V1__CredentialType own = VOUCH__V1__CREDENTIAL_TYPE__INIT;
    Vouch__V1__CredentialType other = VOUCH__V1__CREDENTIAL_TYPE__INIT;
    Vouch__V1__Association *associations[] = {&a};
    Vouch__V1__CredentialType *types[] = {&own, &other};
    Vouch__V1__Catalog catalog = VOUCH__V1__CATALOG__INIT;
    struct catalog_index *index = NULL;
    struct buf bytes;

    a.id = "abc";
    own.id = "abc-pbt";
    own.association_id = "abc";
    other.id = "xyz-pbt";
    other.association_id = "xyz";
    catalog.associations = associations;
    catalog.n_associations = 1;
    catalog.credential_types = types;
    catalog.n_credential_types = 2;
    buf_init(&bytes, 4096);
    assert_int_equal(message_pack(&catalog.base, &bytes), E_OK);
    assert_int_equal(catalog_index_create(buf_slice(&bytes), &index), E_OK);
    buf_free(&bytes);
    return (index);
}

static void
set_row(struct world *w)
{
    size_t i;

    vouch__v1__credential_row__init(&w->row);
    vouch__v1__human_name__init(&w->name);
    vouch__v1__validity_period__init(&w->period);
    w->name.family = "Rivera";
    w->name.given = "Ana";
    w->birth = date(1990, 5, 17);
    w->issued = date(2019, 3, 1);
    w->from = date(2025, 1, 1);
    w->until = date(2027, 12, 31);
    w->grace = date(2028, 1, 31);
    w->effective = date(2025, 1, 1);
    w->period.kind = VOUCH__V1__PERIOD_KIND__PERIOD_KIND_CERTIFICATION;
    w->period.valid_from = &w->from;
    w->period.valid_until = &w->until;
    w->period.grace_until = &w->grace;
    for (i = 0; i < 5; i++)
        w->periods[i] = &w->period;
    for (i = 0; i < 9; i++)
        w->former[i] = "Lopez";
    w->row.line = 7;
    w->row.credential_type_id = "abc-pbt";
    w->row.number = "PBT-001";
    w->row.holder_ref = "h1";
    w->row.name = &w->name;
    w->row.former_family = w->former;
    w->row.n_former_family = 1;
    w->row.birth_date = &w->birth;
    w->row.last4 = "1234";
    w->row.issued_on = &w->issued;
    w->row.periods = w->periods;
    w->row.n_periods = 1;
    w->row.raw_status = "Active";
    w->row.effective_on = &w->effective;
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    w->catalog = make_catalog();
    w->terms.catalog = w->catalog;
    w->terms.association = catalog_index_association(w->catalog, "abc");
    w->terms.rules = (struct number_rules){1, 1, 1};
    w->terms.today = TODAY;
    set_row(w);
    *state = w;
    return (0);
}

static int
teardown(void **state)
{
    struct world *w = *state;

    catalog_index_free(w->catalog);
    free(w);
    return (0);
}

static void
refused(struct world *w, enum row_fault fault, enum row_field field)
{
    struct row_reject reject = {0};

    assert_int_equal(publish_row_check(&w->row, &w->terms, &reject), E_INVAL);
    assert_int_equal(reject.fault, fault);
    assert_int_equal(reject.field, field);
    assert_int_equal(reject.line, 7);
    set_row(w);
}

static void
taken(struct world *w)
{
    struct row_reject reject = {0};

    assert_int_equal(publish_row_check(&w->row, &w->terms, &reject), E_OK);
    set_row(w);
}

static void
a_row_that_meets_the_rules_is_taken(void **state)
{
    struct world *w = *state;

    taken(w);
    w->row.birth_date = NULL;
    w->row.issued_on = NULL;
    w->row.effective_on = NULL;
    w->row.last4 = "";
    w->row.n_periods = 0;
    w->row.raw_status = "";
    taken(w);
    w->birth = date(1990, 0, 0);
    taken(w);
    w->from = date(2027, 0, 0);
    taken(w);
}

static void
the_type_must_be_the_associations_own(void **state)
{
    struct world *w = *state;

    w->row.credential_type_id = "";
    refused(w, FAULT(FIELD_MISSING), FIELD(credential_type_id));
    w->row.credential_type_id = "abc-zzz";
    refused(w, FAULT(UNKNOWN_CREDENTIAL_TYPE), FIELD(credential_type_id));
    w->row.credential_type_id = "xyz-pbt";
    refused(w, FAULT(FOREIGN_CREDENTIAL_TYPE), FIELD(credential_type_id));
}

static void
the_number_must_have_a_form_to_compare(void **state)
{
    static char sixty_five[66];
    struct world *w = *state;

    memset(sixty_five, '7', 65);
    w->row.number = "";
    refused(w, FAULT(FIELD_MISSING), FIELD(number));
    w->row.number = " - ";
    refused(w, FAULT(NUMBER_INVALID), FIELD(number));
    w->row.number = "12\xc3\xa9";
    refused(w, FAULT(NUMBER_INVALID), FIELD(number));
    w->row.number = sixty_five;
    refused(w, FAULT(FIELD_TOO_LONG), FIELD(number));
    w->row.holder_ref = sixty_five;
    refused(w, FAULT(FIELD_TOO_LONG), FIELD(holder_ref));
}

static void
names_must_be_there_clean_and_short(void **state)
{
    static char long_name[202];
    static char expands[202];
    struct world *w = *state;
    size_t i;

    memset(long_name, 'a', 201);
    for (i = 0; i < 198; i += 3)
        memcpy(expands + i, "\xef\xb7\xba", 3);     /* U+FDFA: 18 letters */
    w->row.name = NULL;
    refused(w, FAULT(FIELD_MISSING), FIELD(name));
    w->name.family = "  ";
    refused(w, FAULT(FIELD_MISSING), FIELD(name));
    w->name.family = long_name;
    refused(w, FAULT(FIELD_TOO_LONG), FIELD(name));
    w->name.family = expands;
    refused(w, FAULT(FIELD_TOO_LONG), FIELD(name));
    w->name.given = "A\x1b[2J";
    refused(w, FAULT(FIELD_NOT_CLEAN), FIELD(name));
    w->name.middle = "\xe2\x80\xae" "evil";         /* right-to-left override */
    refused(w, FAULT(FIELD_NOT_CLEAN), FIELD(name));
    w->former[0] = "";
    refused(w, FAULT(FIELD_MISSING), FIELD(former_family));
    w->row.n_former_family = 9;
    refused(w, FAULT(TOO_MANY_VALUES), FIELD(former_family));
    w->row.n_former_family = 8;
    taken(w);
}

static void
dates_must_exist_and_be_possible(void **state)
{
    struct world *w = *state;

    w->birth = date(1990, 2, 30);
    refused(w, FAULT(DATE_INVALID), FIELD(birth_date));
    w->birth = date(0, 2, 3);
    refused(w, FAULT(DATE_INVALID), FIELD(birth_date));
    w->birth = date(2026, 11, 23);
    refused(w, FAULT(DATE_IN_FUTURE), FIELD(birth_date));
    w->birth = date(1849, 12, 31);
    refused(w, FAULT(DATE_TOO_EARLY), FIELD(birth_date));
    w->birth = date(1850, 1, 1);
    taken(w);
    w->issued = date(2026, 11, 22);
    taken(w);
    w->issued = date(2026, 11, 23);
    refused(w, FAULT(DATE_IN_FUTURE), FIELD(issued_on));
    w->effective = date(2027, 11, 23);
    taken(w);
    w->effective = date(2027, 11, 24);
    refused(w, FAULT(DATE_IN_FUTURE), FIELD(effective_on));
}

static void
a_period_must_not_end_before_it_begins(void **state)
{
    struct world *w = *state;

    w->until = date(2024, 12, 31);
    refused(w, FAULT(PERIOD_REVERSED), FIELD(periods));
    w->grace = date(2027, 12, 30);
    refused(w, FAULT(PERIOD_REVERSED), FIELD(periods));
    w->period.valid_until = NULL;
    refused(w, FAULT(GRACE_WITHOUT_END), FIELD(periods));
    w->period.kind = VOUCH__V1__PERIOD_KIND__PERIOD_KIND_UNSPECIFIED;
    refused(w, FAULT(FIELD_MISSING), FIELD(periods));
    w->until = date(2027, 13, 1);
    refused(w, FAULT(DATE_INVALID), FIELD(periods));
    w->row.n_periods = 5;
    refused(w, FAULT(TOO_MANY_VALUES), FIELD(periods));
}

static void
last4_must_be_four_digits(void **state)
{
    struct world *w = *state;

    w->row.last4 = "123";
    refused(w, FAULT(LAST4_INVALID), FIELD(last4));
    w->row.last4 = "12345";
    refused(w, FAULT(LAST4_INVALID), FIELD(last4));
    w->row.last4 = "12a4";
    refused(w, FAULT(LAST4_INVALID), FIELD(last4));
}

static void
status_words_must_be_known_or_mapped(void **state)
{
    static char long_text[202];
    struct world *w = *state;

    memset(long_text, 'a', 201);
    w->row.raw_status = "Good standing";
    refused(w, FAULT(STATUS_WORD_UNKNOWN), FIELD(raw_status));
    w->row.raw_status = "Good standing";
    w->row.standing = VOUCH__V1__STANDING__STANDING_ACTIVE;
    taken(w);
    w->row.raw_status = long_text;
    refused(w, FAULT(FIELD_TOO_LONG), FIELD(raw_status));
    w->row.raw_reason = long_text;
    refused(w, FAULT(FIELD_TOO_LONG), FIELD(raw_reason));
    w->row.raw_reason = "a\nb";
    refused(w, FAULT(FIELD_NOT_CLEAN), FIELD(raw_reason));
    w->row.inactive_reason =
        VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_LAPSED;
    refused(w, FAULT(STATUS_CONTRADICTORY), FIELD(inactive_reason));
}

static void
what_a_publisher_left_open_is_not_guessed(void **state)
{
    struct world *w = *state;
    struct status_axes axes;
    int32_t version;

    w->row.raw_status = "Probation";
    w->row.restriction = VOUCH__V1__RESTRICTION__RESTRICTION_CONDITIONS;
    assert_int_equal(publish_row_status(&w->row, &axes, &version), E_OK);
    assert_int_equal(version, 0);
    assert_int_equal(axes.standing, VOUCH__V1__STANDING__STANDING_UNKNOWN);
    assert_int_equal(axes.restriction,
        VOUCH__V1__RESTRICTION__RESTRICTION_CONDITIONS);
    assert_int_equal(axes.review, VOUCH__V1__REVIEW__REVIEW_NONE);

    set_row(w);
    w->row.raw_status = "suspended";
    w->row.review = VOUCH__V1__REVIEW__REVIEW_DISPUTED;
    assert_int_equal(publish_row_status(&w->row, &axes, &version), E_OK);
    assert_int_equal(version, STATUS_WORD_TABLE_VERSION);
    assert_int_equal(axes.standing, VOUCH__V1__STANDING__STANDING_ACTIVE);
    assert_int_equal(axes.restriction,
        VOUCH__V1__RESTRICTION__RESTRICTION_SUSPENDED);
    assert_int_equal(axes.review, VOUCH__V1__REVIEW__REVIEW_DISPUTED);
}

static void
a_reject_says_reason_and_field_and_not_the_value(void **state)
{
    struct world *w = *state;
    struct row_reject reject = {0};
    Vouch__V1__RowReject out;

    w->row.number = "\x01secret";
    assert_int_equal(publish_row_check(&w->row, &w->terms, &reject), E_INVAL);
    publish_row_fill(&reject, &out);
    assert_string_equal(out.reason, "NUMBER_INVALID");
    assert_string_equal(out.field, "number");
    assert_null(strstr(out.description, "secret"));
    assert_int_equal(out.line, 7);
}

static void
a_failed_allocation_is_no_reject(void **state)
{
    static char hundred[101];
    struct world *w = *state;
    struct row_reject reject = {0};
    enum err err;
    int n;

    memset(hundred, 'a', 100);
    for (n = 0; n < 50; n++) {
        w->name.family = hundred;
        fault_arm(n);
        err = publish_row_check(&w->row, &w->terms, &reject);
        if (!fault_fired())
            break;
        fault_arm(-1);
        assert_int_equal(err, E_NOMEM);
    }
    fault_arm(-1);
    assert_true(n < 50);
    assert_int_equal(err, E_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_row_that_meets_the_rules_is_taken),
        TEST(the_type_must_be_the_associations_own),
        TEST(the_number_must_have_a_form_to_compare),
        TEST(names_must_be_there_clean_and_short),
        TEST(dates_must_exist_and_be_possible),
        TEST(a_period_must_not_end_before_it_begins),
        TEST(last4_must_be_four_digits),
        TEST(status_words_must_be_known_or_mapped),
        TEST(what_a_publisher_left_open_is_not_guessed),
        TEST(a_reject_says_reason_and_field_and_not_the_value),
        TEST(a_failed_allocation_is_no_reject),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
