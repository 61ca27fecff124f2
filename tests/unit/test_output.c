#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/json.h"
#include "client/table.h"
#include "client/text.h"
#include "client/words.h"
#include "support/fault.h"
#include "vouch/v1/catalog.pb-c.h"
#include "vouch/v1/publishing_service.pb-c.h"
#include "vouch/v1/verification_service.pb-c.h"

/* Every enum value has a name without its enum's prefix. */
static void
enum_names_lose_their_prefix(void **state)
{
    static const ProtobufCEnumDescriptor *const enums[] = {
        &vouch__v1__standing__descriptor,
        &vouch__v1__inactive_reason__descriptor,
        &vouch__v1__restriction__descriptor, &vouch__v1__review__descriptor,
        &vouch__v1__period_kind__descriptor, &vouch__v1__factor__descriptor,
        &vouch__v1__identity_policy__descriptor,
        &vouch__v1__confidence__descriptor,
        &vouch__v1__association_kind__descriptor,
        &vouch__v1__lifecycle__descriptor, &vouch__v1__role__descriptor,
        &vouch__v1__credential_kind__descriptor,
        &vouch__v1__purpose__descriptor, &vouch__v1__verdict__descriptor,
        &vouch__v1__conclusion__descriptor, &vouch__v1__reason__descriptor,
        &vouch__v1__innocent_cause__descriptor,
        &vouch__v1__comparison__descriptor,
        &vouch__v1__recognition_state__descriptor,
        &vouch__v1__freshness_state__descriptor,
        &vouch__v1__publication_mode__descriptor,
    };

    (void)state;
    for (size_t e = 0; e < sizeof(enums) / sizeof(enums[0]); e++) {
        assert_string_equal(text_enum(enums[e], 0), "UNSPECIFIED");
        assert_non_null(strstr(text_enum(enums[e], 99), "newer"));
    }
    assert_string_equal(text_enum(&vouch__v1__verdict__descriptor, 2),
        "NO_MATCH");
}

/* A value without words would be shown as unknown: none may be missing. */
static void
every_value_of_an_answer_has_words(void **state)
{
    (void)state;
    for (unsigned i = 1; i < vouch__v1__verdict__descriptor.n_values; i++)
        assert_null(strstr(words_verdict((Vouch__V1__Verdict)i), "client"));
    for (unsigned i = 1; i < vouch__v1__reason__descriptor.n_values; i++)
        assert_null(strstr(words_reason((Vouch__V1__Reason)i), "client"));
    for (unsigned i = 1; i < vouch__v1__innocent_cause__descriptor.n_values;
        i++)
        assert_null(strstr(words_cause((Vouch__V1__InnocentCause)i),
            "client"));
    for (unsigned i = 1; i < vouch__v1__not_established__descriptor.n_values;
        i++)
        assert_null(strstr(words_not_established(
            (Vouch__V1__NotEstablished)i), "client"));
    assert_non_null(strstr(words_verdict((Vouch__V1__Verdict)99), "client"));
}

static char *
json_text(const ProtobufCMessage *message)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    assert_int_equal(json_print(f, message, 1), 0);
    fclose(f);
    return (text);
}

static void
messages_become_proto_json(void **state)
{
    Vouch__V1__Publication p = VOUCH__V1__PUBLICATION__INIT;
    uint8_t hash[] = {0xfb, 0xff, 0};
    char id[] = "a\"b";
    char *text;

    (void)state;
    p.publication_id = id;
    p.mode = VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_DELTA;
    p.new_count = INT64_MAX;
    p.content_hash = (ProtobufCBinaryData){3, hash};
    text = json_text(&p.base);
    assert_string_equal(text, "{\"publicationId\":\"a\\\"b\","
        "\"mode\":\"PUBLICATION_MODE_DELTA\","
        "\"newCount\":\"9223372036854775807\",\"contentHash\":\"+/8A\"}\n");
    free(text);
}

static void
lists_and_sub_messages_too(void **state)
{
    Vouch__V1__Answer a = VOUCH__V1__ANSWER__INIT;
    Vouch__V1__Date d = VOUCH__V1__DATE__INIT;
    Vouch__V1__Reason reasons[] = {3, 14};
    char *text;

    (void)state;
    d.year = 2026;
    a.as_of = &d;
    a.reasons = reasons;
    a.n_reasons = 2;
    a.projection = 1;
    a.utc_offset_minutes = -360;
    text = json_text(&a.base);
    assert_string_equal(text, "{\"reasons\":[\"REASON_NO_MATCH\","
        "\"REASON_STALE\"],\"asOf\":{\"year\":2026},\"projection\":true,"
        "\"utcOffsetMinutes\":-360}\n");
    free(text);
}

static void
nothing_can_steer_a_terminal(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"plain", "plain"},
        {"a\033[2Jb", "a?[2Jb"},
        {"a\r\n\tb", "a???b"},
        {"a\xc2\x9b" "31m", "a?31m"},
        {"a\xe2\x80\xae" "b", "a?b"},
        {"a\xe2\x81\xa6" "b", "a?b"},
        {"Garc\xc3\xad" "a", "Garc\xc3\xad" "a"},
        {"a\xd8\x9c\xe2\x80\xa8" "b", "a??b"},
        {"a\x9b" "31m\xff\xc3", "a?31m??"},
        {"a\x7f\xe2\x82", "a???"},
        {"12345678901234567890", "1234567890123456789"},
        {"12345678901234567\xc3\xad" "x", "12345678901234567\xc3\xad"},
        {"123456789012345678\xc3\xad" "x", "123456789012345678"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[20];

        table_clean(rows[i].in, out, sizeof(out));
        assert_string_equal(out, rows[i].out);
    }
}

static char *
table_text(const char *const *cells, int csv)
{
    static const char *const columns[] = {"A", "LONGER"};
    struct table *table = table_create(columns, 2);
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(table);
    assert_non_null(f);
    assert_int_equal(table_add(table, cells), 0);
    table_print(table, f, csv);
    fclose(f);
    table_free(table);
    return (text);
}

static void
tables_are_aligned(void **state)
{
    static const char *const cells[] = {"\xc3\xa9t\xc3\xa9", "x"};
    char *text = table_text(cells, 0);

    (void)state;
    assert_string_equal(text, "A    LONGER\n\xc3\xa9t\xc3\xa9  x\n");
    free(text);
}

static void
csv_is_quoted_and_holds_no_formula(void **state)
{
    static const char *const cells[] = {"=1+1", "say \"a, b\""};
    static const char *const numbers[] = {"-360", "-1+1"};
    char *text = table_text(cells, 1);

    (void)state;
    assert_string_equal(text,
        "A,LONGER\n\"'=1+1\",\"say \"\"a, b\"\"\"\n");
    free(text);
    text = table_text(numbers, 1);
    assert_string_equal(text, "A,LONGER\n-360,\"'-1+1\"\n");
    free(text);
}

/* In JSON nothing is lost: it is escaped. */
static void
json_and_csv_steer_no_terminal_either(void **state)
{
    static const char *const cells[] = {"a\033[2J\n\xc2\x9b", "-x\x7f"};
    Vouch__V1__Publication p = VOUCH__V1__PUBLICATION__INIT;
    char id[] = "\033\x7f\xc2\x9b\xd8\x9c\xe2\x80\xae\xe2\x81\xa6\xc3\xa4";
    char *text;

    (void)state;
    p.publication_id = id;
    text = json_text(&p.base);
    assert_string_equal(text, "{\"publicationId\":\"\\u001B\\u007F\\u009B"
        "\\u061C\\u202E\\u2066\xc3\xa4\"}\n");
    free(text);
    text = table_text(cells, 1);
    assert_string_equal(text, "A,LONGER\n\"a?[2J??\",\"'-x?\"\n");
    free(text);
}

static void
a_table_that_cannot_grow_says_so(void **state)
{
    static const char *const columns[] = {"A", "B"};
    static const char *const cells[] = {"one", "two"};
    int n = 0, fired;

    (void)state;
    do {
        struct table *table;
        int status = -1;

        fault_arm(n++);
        if ((table = table_create(columns, 2)) != NULL)
            status = table_add(table, cells);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(status, fired ? -1 : 0);
        table_free(table);
    } while (fired);
    assert_int_equal(n, 5);
}

static void
dates_and_sums_of_a_server_may_be_nonsense(void **state)
{
    Vouch__V1__Date d = VOUCH__V1__DATE__INIT;
    char text[32];

    (void)state;
    d.year = INT32_MIN;
    d.month = 13;
    text_date(&d, "unknown", text);
    assert_string_equal(text, "(not a date)");
    text_date(NULL, "unknown", text);
    assert_string_equal(text, "unknown");
    assert_true(text_sum(INT64_MAX, 1) == INT64_MAX);
    assert_true(text_sum(INT64_MIN, -1) == INT64_MIN);
    assert_true(text_sum(2, -3) == -1);
}

static void
ages_are_for_people(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {{0, "0 seconds"}, {1, "1 second"}, {60, "1 minute"},
        {7200, "2 hours"}, {86400 * 35, "35 days"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[32];

        text_age(rows[i].seconds, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(enum_names_lose_their_prefix),
        cmocka_unit_test(every_value_of_an_answer_has_words),
        cmocka_unit_test(messages_become_proto_json),
        cmocka_unit_test(lists_and_sub_messages_too),
        cmocka_unit_test(nothing_can_steer_a_terminal),
        cmocka_unit_test(tables_are_aligned),
        cmocka_unit_test(csv_is_quoted_and_holds_no_formula),
        cmocka_unit_test(json_and_csv_steer_no_terminal_either),
        cmocka_unit_test(a_table_that_cannot_grow_says_so),
        cmocka_unit_test(dates_and_sums_of_a_server_may_be_nonsense),
        cmocka_unit_test(ages_are_for_people),
    };

    return (cmocka_run_group_tests_name("output", tests, NULL, NULL));
}
