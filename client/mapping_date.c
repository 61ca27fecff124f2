#include "client/mapping_date.h"

#include <string.h>

enum part { LITERAL, YEAR, MONTH, MONTH_SHORT, MONTH_NAME, DAY, DAY_SHORT };

static const struct {
    const char *text;
    enum part part;
} parts[] = {       /* the longer ones first */
    {"YYYY", YEAR}, {"MMM", MONTH_NAME}, {"MM", MONTH}, {"M", MONTH_SHORT},
    {"DD", DAY}, {"D", DAY_SHORT},
};

/* Take the part at ${*format}; what is none stands for itself. */
static enum part
next_part(const char **format)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t n = strlen(parts[i].text);

        if (strncmp(*format, parts[i].text, n) == 0) {
            *format += n;
            return (parts[i].part);
        }
    }
    (*format)++;
    return (LITERAL);
}

static int
is_short(enum part part)
{
    return (part == MONTH_SHORT || part == DAY_SHORT);
}

enum err
mapping_date_check(const char *format, const char **why)
{
    int years = 0, months = 0, days = 0;
    enum part part, last = LITERAL;

    *why = "a date needs the year, as YYYY, once";
    for (const char *p = format; *p != '\0'; last = part) {
        char c = *p;

        part = next_part(&p);
        years += part == YEAR;
        months += part == MONTH || part == MONTH_SHORT || part == MONTH_NAME;
        days += part == DAY || part == DAY_SHORT;
        if (part == LITERAL && c == 'Y')
            return (E_INVAL);
        if (is_short(last) && part != LITERAL) {
            *why = "behind M or D, which take one digit or two, something "
                "must stand between";
            return (E_INVAL);
        }
    }
    if (years != 1)
        return (E_INVAL);
    if (months > 1 || days > 1 || days > months) {
        *why = "month and day may stand there once, and a day only with "
            "its month";
        return (E_INVAL);
    }
    return (E_OK);
}

/* Read ${least} to ${most} digits.  Returns -1 if they are not there. */
static int
take_number(struct slice *text, size_t least, size_t most)
{
    size_t n = 0;
    int value = 0;

    while (n < most && n < text->n && text->p[n] >= '0' && text->p[n] <= '9')
        value = value * 10 + (text->p[n++] - '0');
    if (n < least)
        return (-1);
    text->p += n;
    text->n -= n;
    return (value);
}

static int
take_month(struct slice *text)
{
    static const char names[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";

    if (text->n < 3)
        return (-1);
    for (int m = 0; m < 12; m++) {
        int same = 0;

        for (int i = 0; i < 3; i++)     /* a letter's bit 5 is its case */
            same += (text->p[i] & 0xdf) == names[3 * m + i];
        if (same == 3) {
            text->p += 3;
            text->n -= 3;
            return (m + 1);
        }
    }
    return (-1);
}

static int
take_literal(struct slice *text, char c)
{
    if (text->n == 0 || text->p[0] != (uint8_t)c)
        return (-1);
    text->p++;
    text->n--;
    return (0);
}

enum err
mapping_date_read(const char *format, struct slice text, struct civil *date)
{
    struct civil d = {0};
    int has_month = 0, has_day = 0, value;

    *date = d;
    while (*format != '\0') {
        char c = *format;

        switch (next_part(&format)) {
        case YEAR:
            d.year = value = take_number(&text, 4, 4);
            break;
        case MONTH:
            d.month = value = take_number(&text, 2, 2);
            has_month = 1;
            break;
        case MONTH_SHORT:
            d.month = value = take_number(&text, 1, 2);
            has_month = 1;
            break;
        case MONTH_NAME:
            d.month = value = take_month(&text);
            has_month = 1;
            break;
        case DAY:
            d.day = value = take_number(&text, 2, 2);
            has_day = 1;
            break;
        case DAY_SHORT:
            d.day = value = take_number(&text, 1, 2);
            has_day = 1;
            break;
        case LITERAL:
        default:
            value = take_literal(&text, c);
        }
        if (value < 0)
            return (E_INVAL);
    }
    if (text.n > 0)
        return (E_INVAL);
    if (d.year == 0 || (has_month && d.month == 0) || (has_day && d.day == 0) ||
        !civil_is_valid(d))
        return (E_NOTFOUND);
    *date = d;
    return (E_OK);
}
