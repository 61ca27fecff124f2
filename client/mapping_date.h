#ifndef CLIENT_MAPPING_DATE_H
#define CLIENT_MAPPING_DATE_H

/*
 * Dates as a file writes them.  In a format YYYY is the year, MM or M the
 * month, DD or D the day (the short ones of one or two digits), MMM the month's
 * English abbreviation; all else stands for itself.  A format may leave out the
 * day, or month and day.
 */

#include "proto/bytes.h"
#include "proto/civil.h"
#include "proto/err.h"

/**
 * mapping_date_check(format, why):
 * Say whether ${format} is one.
 *
 * Fails: E_INVAL; ${*why} says what is wrong, a constant.
 */
enum err MUST_USE mapping_date_check(const char *format, const char **why);

/**
 * mapping_date_read(format, text, date):
 * Read ${text}, written as ${format} says.
 *
 * Fails: E_INVAL (it is written otherwise), E_NOTFOUND (there is no such
 * day).
 */
enum err MUST_USE mapping_date_read(const char *format, struct slice text,
    struct civil *date);

#endif /* !CLIENT_MAPPING_DATE_H */
