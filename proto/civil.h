#ifndef PROTO_CIVIL_H
#define PROTO_CIVIL_H

/*
 * Civil dates, whole or partial, in the proleptic Gregorian calendar.  A day
 * number counts from 1970-01-01 (0), so that days compare as integers.  Time
 * zones are fixed offsets from UTC in minutes: an association's days are those
 * of its own offset.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

/* 0 is "not given".  A year alone, or a year and a month, is a date. */
struct civil {
    int32_t year;       /* 1 to 9999 */
    int32_t month;      /* 1 to 12 */
    int32_t day;        /* 1 to 31 */
};

#define CIVIL_TEXT 11   /* "YYYY-MM-DD" and its NUL */

/**
 * civil_is_given(date):
 * Return non-zero unless all parts of ${date} are 0.
 */
static inline int
civil_is_given(struct civil date)
{
    return (date.year != 0 || date.month != 0 || date.day != 0);
}

/**
 * civil_is_whole(date):
 * Return non-zero if year, month and day of ${date} are given.
 */
static inline int
civil_is_whole(struct civil date)
{
    return (date.year != 0 && date.month != 0 && date.day != 0);
}

/**
 * civil_is_valid(date):
 * Return non-zero if ${date} is not given at all, or is a year, a month or a
 * day that exists.
 */
int civil_is_valid(struct civil date);

/**
 * civil_parse(text, date):
 * Read "YYYY", "YYYY-MM" or "YYYY-MM-DD".
 *
 * Fails: E_INVAL; ${*date} is then all 0.
 */
enum err MUST_USE civil_parse(const char *text, struct civil *date);

/**
 * civil_format(date, text):
 * Write ${date} as civil_parse() reads it; "" if it is not given.
 */
void civil_format(struct civil date, char text[CIVIL_TEXT]);

/**
 * civil_first_day(date):
 * Return the number of the first day of the valid and given ${date}.
 */
int32_t civil_first_day(struct civil date);

/**
 * civil_last_day(date):
 * Return the number of the last day of the valid and given ${date}: of a year
 * alone, its 31 December.
 */
int32_t civil_last_day(struct civil date);

/**
 * civil_of_day(day):
 * Return the date of the day number ${day}, 0001-01-01 to 9999-12-31.
 */
struct civil civil_of_day(int32_t day);

/**
 * civil_day_at(time_us, utc_offset_minutes):
 * Return the number of the day that it is, at ${time_us} microseconds UTC
 * since the epoch, where clocks are ${utc_offset_minutes} ahead of UTC.
 */
int32_t civil_day_at(int64_t time_us, int32_t utc_offset_minutes);

#define CIVIL_TIME_TEXT 33

/**
 * civil_format_time(time_us, utc_offset_minutes, text):
 * Write ${time_us} as RFC 3339 in seconds with the offset, as in
 * "2026-11-22T09:15:00-06:00"; an offset of 0 as "Z".
 */
void civil_format_time(int64_t time_us, int32_t utc_offset_minutes,
    char text[CIVIL_TIME_TEXT]);

/**
 * civil_parse_time(text, time_us):
 * Read an RFC 3339 time, with a fraction or not, into microseconds UTC.
 *
 * Fails: E_INVAL.
 */
enum err MUST_USE civil_parse_time(const char *text, int64_t *time_us);

#endif /* !PROTO_CIVIL_H */
