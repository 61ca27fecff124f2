#include "proto/civil.h"

#include <inttypes.h>
#include <stdio.h>

#define US_PER_S 1000000
#define S_PER_DAY 86400
#define DAYS_PER_400_YEARS 146097
#define DAYS_PER_100_YEARS 36524    /* the first three of four */
#define DAYS_PER_4_YEARS 1461       /* but for the last of a century */
#define EPOCH 719162                /* days from 0001-01-01 to 1970-01-01 */
#define LAST_DAY 2932896            /* 9999-12-31 */
#define SHORTEST_MONTH 28

static const int32_t days_before_month[] = {
    0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365
};

static int
is_leap(int64_t year)
{
    return (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Days of ${year} before ${month}, 1 to 13. */
static int32_t
days_before(int64_t year, int32_t month)
{
    return (days_before_month[month - 1] + (month > 2 && is_leap(year)));
}

static int32_t
days_in_month(int32_t year, int32_t month)
{
    return (days_before(year, month + 1) - days_before(year, month));
}

static int64_t
floor_div(int64_t a, int64_t b)
{
    return (a / b - (a % b < 0));
}

static int32_t
day_of(int32_t year, int32_t month, int32_t day)
{
    int32_t past = year - 1;

    return (365 * past + past / 4 - past / 100 + past / 400 +
        days_before(year, month) + day - 1 - EPOCH);
}

/* Any day that 64 bits of microseconds can name, year 0 and before too. */
static struct civil
date_of(int64_t day)
{
    int64_t cycle = floor_div(day + EPOCH, DAYS_PER_400_YEARS);
    int64_t left = day + EPOCH - cycle * DAYS_PER_400_YEARS;
    int64_t century = left / DAYS_PER_100_YEARS;
    int64_t year;
    int32_t month;

    /* The last day of a cycle, and of four years, is one more. */
    if (century == 4)
        century = 3;
    left -= century * DAYS_PER_100_YEARS;
    year = cycle * 400 + century * 100 + left / DAYS_PER_4_YEARS * 4;
    left %= DAYS_PER_4_YEARS;
    year += left / 365 == 4 ? 4 : left / 365 + 1;
    left -= left / 365 == 4 ? 3 * 365 : left / 365 * 365;
    for (month = 12; left < days_before(year, month);)
        month--;
    return ((struct civil){(int32_t)year, month,
        (int32_t)(left - days_before(year, month)) + 1});
}

int
civil_is_valid(struct civil date)
{
    if (!civil_is_given(date))
        return (1);
    if (date.year < 1 || date.year > 9999)
        return (0);
    if (date.month == 0)
        return (date.day == 0);
    if (date.month < 1 || date.month > 12)
        return (0);
    return (date.day >= 0 && (date.day <= SHORTEST_MONTH ||
        date.day <= days_in_month(date.year, date.month)));
}

/*
 * Read exactly ${n} digits at ${*p} as a number from ${min} to ${max}, and
 * move on.  A NUL is not a digit, so nothing behind the end is read.
 */
static int
take_number(const char **p, int n, int32_t min, int32_t max, int32_t *number)
{
    int32_t value = 0;

    for (; n > 0; n--, (*p)++) {
        if (**p < '0' || **p > '9')
            return (0);
        value = value * 10 + (**p - '0');
    }
    *number = value;
    return (value >= min && value <= max);
}

static int
take_char(const char **p, char c)
{
    if (**p != c)
        return (0);
    (*p)++;
    return (1);
}

/* A date with at least ${parts} parts. */
static int
take_date(const char **p, int parts, struct civil *date)
{
    if (!take_number(p, 4, 1, 9999, &date->year))
        return (0);
    if (**p != '-')
        return (parts <= 1);
    if (!take_char(p, '-') || !take_number(p, 2, 1, 12, &date->month))
        return (0);
    if (**p != '-')
        return (parts <= 2);
    return (take_char(p, '-') && take_number(p, 2, 1,
        days_in_month(date->year, date->month), &date->day));
}

enum err
civil_parse(const char *text, struct civil *date)
{
    struct civil read = {0, 0, 0};

    *date = read;
    if (!take_date(&text, 1, &read) || *text != '\0')
        return (E_INVAL);
    *date = read;
    return (E_OK);
}

static char *
put_number(char *p, int n, int32_t number)
{
    for (int i = n - 1; i >= 0; i--, number /= 10)
        p[i] = (char)('0' + number % 10);
    return (p + n);
}

void
civil_format(struct civil date, char text[CIVIL_TEXT])
{
    char *p = text;

    if (date.year != 0)
        p = put_number(p, 4, date.year);
    if (date.year != 0 && date.month != 0) {
        *p++ = '-';
        p = put_number(p, 2, date.month);
        if (date.day != 0) {
            *p++ = '-';
            p = put_number(p, 2, date.day);
        }
    }
    *p = '\0';
}

int32_t
civil_first_day(struct civil date)
{
    return (day_of(date.year, date.month != 0 ? date.month : 1,
        date.day != 0 ? date.day : 1));
}

int32_t
civil_last_day(struct civil date)
{
    int32_t month = date.month != 0 ? date.month : 12;

    return (day_of(date.year, month,
        date.day != 0 ? date.day : days_in_month(date.year, month)));
}

struct civil
civil_of_day(int32_t day)
{
    return (date_of(day));
}

/* Seconds on the clock there; in seconds, so that no sum can overflow. */
static int64_t
local_seconds(int64_t time_us, int32_t utc_offset_minutes)
{
    return (floor_div(time_us, US_PER_S) + (int64_t)utc_offset_minutes * 60);
}

int32_t
civil_day_at(int64_t time_us, int32_t utc_offset_minutes)
{
    return ((int32_t)floor_div(local_seconds(time_us, utc_offset_minutes),
        S_PER_DAY));
}

void
civil_format_time(int64_t time_us, int32_t utc_offset_minutes,
    char text[CIVIL_TIME_TEXT])
{
    int64_t s = local_seconds(time_us, utc_offset_minutes);
    int64_t day = floor_div(s, S_PER_DAY);
    struct civil date = date_of(day);
    int second = (int)(s - day * S_PER_DAY);
    int64_t away = utc_offset_minutes;
    int n;

    n = snprintf(text, CIVIL_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d",
        date.year, date.month, date.day, second / 3600, second / 60 % 60,
        second % 60);
    if (away == 0)
        (void)snprintf(text + n, CIVIL_TIME_TEXT - (size_t)n, "Z");
    else
        (void)snprintf(text + n, CIVIL_TIME_TEXT - (size_t)n,
            "%c%02" PRId64 ":%02" PRId64, away < 0 ? '-' : '+',
            (away < 0 ? -away : away) / 60, (away < 0 ? -away : away) % 60);
}

/* Microseconds of a fraction, if there is one; finer digits are cut off. */
static int
take_fraction(const char **p, int64_t *us)
{
    int64_t unit = US_PER_S / 10;

    *us = 0;
    if (!take_char(p, '.'))
        return (1);
    if (**p < '0' || **p > '9')
        return (0);
    for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
        *us += (**p - '0') * unit;
    return (1);
}

/* "Z" or an offset, in seconds ahead of UTC. */
static int
take_offset(const char **p, int32_t *offset)
{
    int32_t hour, minute, sign = **p == '-' ? -1 : 1;

    *offset = 0;
    if (take_char(p, 'Z') || take_char(p, 'z'))
        return (1);
    if (!take_char(p, '+') && !take_char(p, '-'))
        return (0);
    if (!take_number(p, 2, 0, 23, &hour) || !take_char(p, ':') ||
        !take_number(p, 2, 0, 59, &minute))
        return (0);
    *offset = sign * (hour * 3600 + minute * 60);
    return (1);
}

/*
 * A leap second is the last of a month, UTC.  It counts as the second after
 * it, as on POSIX clocks.
 */
static int
may_be_leap_second(int64_t s)
{
    int64_t day = floor_div(s, S_PER_DAY);

    return (s == day * S_PER_DAY && date_of(day).day == 1);
}

enum err
civil_parse_time(const char *text, int64_t *time_us)
{
    struct civil date = {0, 0, 0};
    int32_t hour, minute, second, offset;
    int64_t us, s;

    *time_us = 0;
    if (!take_date(&text, 3, &date) ||
        (!take_char(&text, 'T') && !take_char(&text, 't')) ||
        !take_number(&text, 2, 0, 23, &hour) || !take_char(&text, ':') ||
        !take_number(&text, 2, 0, 59, &minute) || !take_char(&text, ':') ||
        !take_number(&text, 2, 0, 60, &second) ||
        !take_fraction(&text, &us) || !take_offset(&text, &offset) ||
        *text != '\0')
        return (E_INVAL);
    s = (int64_t)civil_first_day(date) * S_PER_DAY + hour * 3600 +
        minute * 60 + second - offset;
    if (second == 60 && !may_be_leap_second(s))
        return (E_INVAL);
    /* An offset may have led out of the years that a date can have. */
    if (s < (int64_t)-EPOCH * S_PER_DAY ||
        s >= ((int64_t)LAST_DAY + 1) * S_PER_DAY)
        return (E_INVAL);
    *time_us = s * US_PER_S + us;
    return (E_OK);
}
