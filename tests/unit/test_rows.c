#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/rows.h"
#include "proto/utf8.h"
#include "support/fault.h"

static struct csv_record
record(struct slice *fields, size_t max, const char *const *texts)
{
    struct csv_record r = {.line = 7, .fields = fields};

    while (texts[r.nfields] != NULL && r.nfields < max) {
        fields[r.nfields] = slice_of(texts[r.nfields]);
        r.nfields++;
    }
    return (r);
}

static enum err
read_header(const char *const *texts, struct rows_header *header, char *why,
    size_t size)
{
    struct slice fields[32];
    struct csv_record r = record(fields, 32, texts);

    return (rows_read_header(&r, header, why, size));
}

static enum err
read_row(const char *const *columns, const char *const *texts,
    struct arena *arena, Vouch__V1__CredentialRow **row,
    struct rows_fault *fault)
{
    struct slice fields[32];
    struct csv_record r = record(fields, 32, texts);
    struct rows_header header;
    char why[200];

    assert_int_equal(read_header(columns, &header, why, sizeof(why)), E_OK);
    return (rows_read(&header, &r, arena, row, fault));
}

static const char *const all[] = {"credential_type", "number", "holder_ref",
    "family", "given", "middle", "suffix", "former_family", "birth_date",
    "last4", "issued_on", "expires_on", "grace_until", "status",
    "status_reason", "effective_on", NULL};

static void
every_column_finds_its_field(void **state)
{
    static const char *const texts[] = {"ascp-pbt", " 12-34 ", "H1", "Ray",
        "Ann", "B", "Jr", "May; Day ;", "1990-04-30", "1234", "2020",
        "2026-12-31", "2027-01", "active", "renewed", "2024-02-29", NULL};
    struct arena *arena;
    Vouch__V1__CredentialRow *row;
    struct rows_fault fault;

    (void)state;
    assert_int_equal(arena_create(1 << 16, &arena), E_OK);
    assert_int_equal(read_row(all, texts, arena, &row, &fault), E_OK);
    assert_int_equal(row->line, 7);
    assert_string_equal(row->credential_type_id, "ascp-pbt");
    assert_string_equal(row->number, "12-34");
    assert_string_equal(row->holder_ref, "H1");
    assert_string_equal(row->name->family, "Ray");
    assert_string_equal(row->name->given, "Ann");
    assert_string_equal(row->name->middle, "B");
    assert_string_equal(row->name->suffix, "Jr");
    assert_int_equal(row->n_former_family, 2);
    assert_string_equal(row->former_family[0], "May");
    assert_string_equal(row->former_family[1], "Day");
    assert_int_equal(row->birth_date->day, 30);
    assert_string_equal(row->last4, "1234");
    assert_int_equal(row->issued_on->year, 2020);
    assert_int_equal(row->issued_on->month, 0);
    assert_int_equal(row->n_periods, 1);
    assert_int_equal(row->periods[0]->valid_until->month, 12);
    assert_int_equal(row->periods[0]->grace_until->month, 1);
    assert_string_equal(row->raw_status, "active");
    assert_string_equal(row->raw_reason, "renewed");
    assert_int_equal(row->effective_on->day, 29);
    arena_free(arena);
}

static void
headers_that_are_not_understood_are_named(void **state)
{
    static const struct {
        const char *columns[5];
        const char *says;
    } rows[] = {
        {{"credential_type", "number", NULL}, "'family' is missing"},
        {{"credential_type", "numbr", "family", NULL},
            "did you mean 'number'"},
        {{"credential_type", "number", "family", "number", NULL}, "twice"},
        {{"Credential_Type", "number", "family", NULL}, "no column"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rows_header header;
        char why[200] = "";

        assert_int_equal(read_header(rows[i].columns, &header, why,
            sizeof(why)), E_INVAL);
        assert_non_null(strstr(why, rows[i].says));
    }
}

static void
rows_that_cannot_be_read_say_why(void **state)
{
    static const char *const columns[] = {"credential_type", "number",
        "family", "birth_date", "expires_on", "grace_until", NULL};
    static const struct {
        const char *texts[7];
        const char *column, *reason;
    } rows[] = {
        {{"t", "1", "A", "1990-02-30", "", "", NULL}, "birth_date",
            "BAD_DATE"},
        {{"t", "1", "A", "30.4.1990", "", "", NULL}, "birth_date",
            "BAD_DATE"},
        {{"t", "1", "A", "1990-04-30T00:00:00", "", "", NULL}, "birth_date",
            "BAD_DATE"},
        {{"t", "1", "A", "", "", "2027-01-01", NULL}, "grace_until",
            "GRACE_WITHOUT_END"},
        {{"t", "1", "A", NULL}, "", "WRONG_FIELD_COUNT"},
    };
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_create(1 << 16, &arena), E_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        Vouch__V1__CredentialRow *row;
        struct rows_fault fault = {0};

        assert_int_equal(read_row(columns, rows[i].texts, arena, &row,
            &fault), E_INVAL);
        assert_null(row);
        assert_string_equal(fault.column, rows[i].column);
        assert_string_equal(fault.reason, rows[i].reason);
        assert_non_null(strchr(fault.description, ' '));
    }
    arena_free(arena);
}

static void
what_does_not_fit_is_told(void **state)
{
    static const char *const columns[] = {"credential_type", "number",
        "family", NULL};
    static const char *const texts[] = {"t", "1", "A", NULL};
    struct arena *arena;
    Vouch__V1__CredentialRow *row;
    struct rows_fault fault;

    (void)state;
    assert_int_equal(arena_create(64, &arena), E_OK);
    assert_int_equal(read_row(columns, texts, arena, &row, &fault), E_TOOBIG);
    assert_null(row);
    arena_free(arena);
}

static void
an_allocation_that_fails_is_told(void **state)
{
    static const char *const texts[] = {"ascp-pbt", "12", "H1", "Ray",
        "Ann", "B", "Jr", "May", "1990-04-30", "1234", "2020", "2026-12-31",
        "2027-01", "active", "renewed", "2024-02-29", NULL};
    int n = 0;

    (void)state;
    for (;; n++) {
        Vouch__V1__CredentialRow *row = NULL;
        struct arena *arena = NULL;
        struct rows_fault fault;
        enum err err;

        fault_arm(n);
        err = arena_create(1 << 16, &arena);
        if (err == E_OK)
            err = read_row(all, texts, arena, &row, &fault);
        if (!fault_fired()) {
            fault_arm(-1);
            assert_int_equal(err, E_OK);
            arena_free(arena);
            break;
        }
        fault_arm(-1);
        assert_int_equal(err, E_NOMEM);
        arena_free(arena);
    }
    assert_true(n > 0);
}

/* What is said of it goes to a terminal. */
static void
a_long_name_of_a_column_is_cut_at_a_character(void **state)
{
    char name[100], why[200];
    const char *const texts[] = {name, NULL};
    struct rows_header header;

    (void)state;
    for (size_t i = 50; i < 70; i++) {
        memset(name, 'x', i);
        (void)snprintf(name + i, sizeof(name) - i, "\u5c0f\u660e");
        assert_int_equal(read_header(texts, &header, why, sizeof(why)),
            E_INVAL);
        assert_true(utf8_is_text(slice_of(why)));
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_column_finds_its_field),
        cmocka_unit_test(headers_that_are_not_understood_are_named),
        cmocka_unit_test(rows_that_cannot_be_read_say_why),
        cmocka_unit_test(what_does_not_fit_is_told),
        cmocka_unit_test(an_allocation_that_fails_is_told),
        cmocka_unit_test(a_long_name_of_a_column_is_cut_at_a_character),
    };

    return (cmocka_run_group_tests_name("rows", tests, NULL, NULL));
}
