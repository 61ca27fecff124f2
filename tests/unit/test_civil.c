#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/civil.h"

#define FIRST_DAY (-719162)     /* 0001-01-01 */
#define LAST_DAY 2932896        /* 9999-12-31 */
#define DAY_US INT64_C(86400000000)

static int
month_length(int32_t year, int32_t month)
{
    static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
        31};

    if (month != 2)
        return (length[month - 1]);
    if (year % 400 == 0)
        return (29);
    return (year % 4 == 0 && year % 100 != 0 ? 29 : 28);
}

/* A calendar turned by hand, day by day through every year there is. */
static void
every_day_has_its_number_and_back(void **state)
{
    struct civil want = {1, 1, 1};

    (void)state;
    for (int32_t day = FIRST_DAY; day <= LAST_DAY; day++) {
        struct civil got = civil_of_day(day);

        if (memcmp(&got, &want, sizeof(got)) != 0 ||
            civil_first_day(want) != day || civil_last_day(want) != day ||
            !civil_is_valid(want))
            fail_msg("day %d", day);
        if (++want.day > month_length(want.year, want.month)) {
            want.day = 1;
            if (++want.month == 13) {
                want.month = 1;
                want.year++;
            }
        }
    }
    assert_int_equal(want.year, 10000);
    assert_int_equal(civil_first_day((struct civil){1970, 1, 1}), 0);
}

static void
a_partial_date_spans_its_days(void **state)
{
    (void)state;
    assert_int_equal(civil_first_day((struct civil){1970, 0, 0}), 0);
    assert_int_equal(civil_last_day((struct civil){1970, 0, 0}), 364);
    assert_int_equal(civil_last_day((struct civil){1972, 0, 0}), 365 * 3);
    assert_int_equal(civil_first_day((struct civil){1970, 2, 0}), 31);
    assert_int_equal(civil_last_day((struct civil){1970, 2, 0}), 58);
    assert_int_equal(civil_last_day((struct civil){2024, 2, 0}) -
        civil_first_day((struct civil){2024, 2, 0}), 28);
}

static const struct {
    struct civil date;
    int given, whole, valid;
} kinds[] = {
    {{0, 0, 0}, 0, 0, 1},
    {{2024, 0, 0}, 1, 0, 1},
    {{2024, 2, 0}, 1, 0, 1},
    {{2024, 2, 29}, 1, 1, 1},
    {{2023, 2, 29}, 1, 1, 0},
    {{1900, 2, 29}, 1, 1, 0},
    {{2000, 2, 29}, 1, 1, 1},
    {{2024, 4, 31}, 1, 1, 0},
    {{2024, 13, 1}, 1, 1, 0},
    {{2024, 13, 0}, 1, 0, 0},
    {{2024, -1, 1}, 1, 1, 0},
    {{2024, 1, -1}, 1, 1, 0},
    {{2024, 1, 32}, 1, 1, 0},
    {{2024, 0, 1}, 1, 0, 0},
    {{0, 1, 1}, 1, 0, 0},
    {{0, 1, 0}, 1, 0, 0},
    {{0, 0, 1}, 1, 0, 0},
    {{-1, 0, 0}, 1, 0, 0},
    {{1, 0, 0}, 1, 0, 1},
    {{9999, 12, 31}, 1, 1, 1},
    {{10000, 1, 1}, 1, 1, 0},
    {{INT32_MAX, INT32_MAX, INT32_MAX}, 1, 1, 0},
    {{INT32_MIN, INT32_MIN, INT32_MIN}, 1, 1, 0},
};

static void
given_whole_and_valid_are_three_things(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (civil_is_given(kinds[i].date) != kinds[i].given ||
            civil_is_whole(kinds[i].date) != kinds[i].whole ||
            civil_is_valid(kinds[i].date) != kinds[i].valid)
            fail_msg("row %zu", i);
    }
}

static void
what_is_read_is_what_is_written(void **state)
{
    static const struct {
        const char *text;
        struct civil date;
    } dates[] = {
        {"2026", {2026, 0, 0}},
        {"0001", {1, 0, 0}},
        {"2026-11", {2026, 11, 0}},
        {"2026-11-22", {2026, 11, 22}},
        {"9999-12-31", {9999, 12, 31}},
        {"2024-02-29", {2024, 2, 29}},
    };
    char text[CIVIL_TEXT];
    struct civil date;

    (void)state;
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        assert_int_equal(civil_parse(dates[i].text, &date), E_OK);
        assert_memory_equal(&date, &dates[i].date, sizeof(date));
        civil_format(date, text);
        assert_string_equal(text, dates[i].text);
    }
    civil_format((struct civil){0, 0, 0}, text);
    assert_string_equal(text, "");
}

static void
refuses_what_is_no_date(void **state)
{
    static const char *const texts[] = {
        "", " ", "0", "202", "20260", "0000", "2026-", "2026-0", "2026-00",
        "2026-13", "2026-1", "2026-11-", "2026-11-0", "2026-11-00",
        "2026-11-31", "2026-11-2", "2026-11-222", "2023-02-29", "1900-02-29",
        "2026-11-22 ", " 2026-11-22", "2026/11/22", "20261122", "+026",
        "-026", "2026-+1", "2026-11-22T", "22-11-2026", "2026-00-00",
        "\xd9\xa2\xd9\xa0"
    };
    struct civil date;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        date = (struct civil){7, 7, 7};
        if (civil_parse(texts[i], &date) != E_INVAL)
            fail_msg("\"%s\" was taken", texts[i]);
        assert_false(civil_is_given(date));
    }
}

static void
a_day_begins_where_the_clock_is(void **state)
{
    (void)state;
    assert_int_equal(civil_day_at(0, 0), 0);
    assert_int_equal(civil_day_at(-1, 0), -1);
    assert_int_equal(civil_day_at(DAY_US - 1, 0), 0);
    assert_int_equal(civil_day_at(DAY_US, 0), 1);
    assert_int_equal(civil_day_at(0, -1), -1);
    assert_int_equal(civil_day_at(6 * 3600 * INT64_C(1000000) - 1, -360), -1);
    assert_int_equal(civil_day_at(6 * 3600 * INT64_C(1000000), -360), 0);
    assert_int_equal(civil_day_at(DAY_US - 1, 60), 1);
    assert_int_equal(civil_day_at(-DAY_US, 0), -1);
    assert_int_equal(civil_day_at(-DAY_US - 1, 0), -2);
    /* Nothing overflows at the ends of time. */
    assert_true(civil_day_at(INT64_MAX, INT32_MAX) > LAST_DAY);
    assert_true(civil_day_at(INT64_MIN, INT32_MIN) < FIRST_DAY);
}

static const struct {
    const char *text;
    int64_t us;
    int32_t offset;
} times[] = {
    {"1970-01-01T00:00:00Z", 0, 0},
    {"1969-12-31T23:59:59Z", -1000000, 0},
    {"2026-11-22T09:15:00-06:00", INT64_C(1795360500000000), -360},
    {"2026-11-22T20:45:00+05:30", INT64_C(1795360500000000), 330},
    {"2026-11-22T15:15:00Z", INT64_C(1795360500000000), 0},
    {"0001-01-01T00:00:00Z", FIRST_DAY * DAY_US, 0},
    {"9999-12-31T23:59:59Z", (LAST_DAY + 1) * DAY_US - 1000000, 0},
};

static void
a_time_is_written_with_its_offset_and_read_back(void **state)
{
    char text[CIVIL_TIME_TEXT];
    int64_t us;

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        civil_format_time(times[i].us, times[i].offset, text);
        assert_string_equal(text, times[i].text);
        assert_int_equal(civil_parse_time(text, &us), E_OK);
        assert_true(us == times[i].us);
    }
    /* A fraction is cut off, downwards before the epoch too. */
    civil_format_time(1999999, 0, text);
    assert_string_equal(text, "1970-01-01T00:00:01Z");
    civil_format_time(-1, 0, text);
    assert_string_equal(text, "1969-12-31T23:59:59Z");
}

static void
no_time_overruns_its_text(void **state)
{
    static const int64_t us[] = {INT64_MIN, INT64_MIN + 1, 0, INT64_MAX};
    static const int32_t offset[] = {INT32_MIN, -1, 0, 1, INT32_MAX};
    char text[CIVIL_TIME_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof(us) / sizeof(us[0]); i++) {
        for (size_t j = 0; j < sizeof(offset) / sizeof(offset[0]); j++) {
            memset(text, 'x', sizeof(text));
            civil_format_time(us[i], offset[j], text);
            assert_true(strnlen(text, sizeof(text)) < sizeof(text));
        }
    }
}

/* The C library's calendar, every 10 days and 1 s or so. */
static void
agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t s = FIRST_DAY * INT64_C(86400);
        s < (LAST_DAY + 1) * INT64_C(86400); s += 864013) {
        char want[80], got[CIVIL_TIME_TEXT];
        time_t t = (time_t)s;
        struct tm tm;

        assert_non_null(gmtime_r(&t, &tm));
        /* Not strftime(): %Y does not pad years below 1000. */
        (void)snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ",
            tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
            tm.tm_min, tm.tm_sec);
        civil_format_time(s * 1000000, 0, got);
        assert_string_equal(got, want);
    }
}

static void
reads_every_form_of_rfc_3339(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } forms[] = {
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.000001Z", 1},
        {"1970-01-01T00:00:00.0000019Z", 1},
        {"1970-01-01T00:00:00.123456789012345678901234Z", 123456},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"1970-01-01T23:59:00+23:59", 0},
        {"1985-04-12T23:20:50.52Z", INT64_C(482196050520000)},
        {"1990-12-31T23:59:60Z", INT64_C(662688000000000)},
        {"1990-12-31T15:59:60-08:00", INT64_C(662688000000000)},
        {"1937-01-01T12:00:27.87+00:20", INT64_C(-1041337172130000)},
    };
    int64_t us;

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (civil_parse_time(forms[i].text, &us) != E_OK)
            fail_msg("\"%s\" was refused", forms[i].text);
        assert_true(us == forms[i].us);
    }
}

static void
refuses_what_is_no_time(void **state)
{
    static const char *const texts[] = {
        "", "2026", "2026-11", "2026-11-22", "2026-11-22T", "2026-11-22Z",
        "2026-11-22T09:15Z", "2026-11-22T09:15:00", "2026-11-22 09:15:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T09:60:00Z",
        "2026-11-22T09:15:60Z", "2026-11-22T23:59:60Z",
        "2026-11-30T23:59:60-06:00", "2026-11-22T09:15:61Z",
        "2026-11-22T09:15:00.Z", "2026-11-22T09:15:00,5Z",
        "2026-11-22T09:15:00+24:00", "2026-11-22T09:15:00+00:60",
        "2026-11-22T09:15:00+0600", "2026-11-22T09:15:00+06",
        "2026-11-22T09:15:00Zx", "2026-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01", "2026-11-22T9:15:00Z",
        "+026-11-22T09:15:00Z"
    };
    int64_t us;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (civil_parse_time(texts[i], &us) != E_INVAL)
            fail_msg("\"%s\" was taken", texts[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_has_its_number_and_back),
        cmocka_unit_test(a_partial_date_spans_its_days),
        cmocka_unit_test(given_whole_and_valid_are_three_things),
        cmocka_unit_test(what_is_read_is_what_is_written),
        cmocka_unit_test(refuses_what_is_no_date),
        cmocka_unit_test(a_day_begins_where_the_clock_is),
        cmocka_unit_test(a_time_is_written_with_its_offset_and_read_back),
        cmocka_unit_test(no_time_overruns_its_text),
        cmocka_unit_test(agrees_with_the_c_library),
        cmocka_unit_test(reads_every_form_of_rfc_3339),
        cmocka_unit_test(refuses_what_is_no_time),
    };

    return (cmocka_run_group_tests_name("civil", tests, NULL, NULL));
}
