#ifndef SERVICE_VERIFY_PUT_H
#define SERVICE_VERIFY_PUT_H

/*
 * Pieces of the wire form that question and answer have in common.  Room is
 * the caller's matter, as in proto/wire_put.h.
 */

#include "proto/civil.h"
#include "proto/wire_put.h"

#include "vouch/v1/types.pb-c.h"

enum {
    DATE_YEAR = 1, DATE_MONTH, DATE_DAY
};

/* What a date takes at most. */
#define PUT_DATE_MAX ((size_t)5 * WIRE_PUT_NUMBER_MAX)

static inline uint8_t *
put_text(uint8_t *p, uint32_t number, const char *text)
{
    return (text[0] == '\0' ? p : wire_put_bytes(p, number, slice_of(text)));
}

/* What a text takes at most. */
static inline size_t
put_text_max(const char *text)
{
    return (WIRE_PUT_BYTES_MAX(strlen(text)));
}

/* A negative one takes ten bytes, as protobuf has it. */
static inline uint8_t *
put_int(uint8_t *p, uint32_t number, int64_t value)
{
    return (wire_put_number(p, number, (uint64_t)value));
}

/*
 * As wire_put_end(), but a message without content is none, and what began it
 * at ${start} goes: what is sealed has no empty sub-message.
 */
static inline uint8_t *
put_end(uint8_t *start, uint8_t *begin, uint8_t *p)
{
    return (p == begin ? start : wire_put_end(begin, p));
}

static inline uint8_t *
put_civil(uint8_t *p, uint32_t number, struct civil date)
{
    uint8_t *begin = p = wire_put_begin(p, number);

    p = put_int(p, DATE_YEAR, date.year);
    p = put_int(p, DATE_MONTH, date.month);
    p = put_int(p, DATE_DAY, date.day);
    return (wire_put_end(begin, p));
}

/* One that says nothing is none. */
static inline uint8_t *
put_date(uint8_t *p, uint32_t number, const Vouch__V1__Date *date)
{
    if (date == NULL ||
        (date->year == 0 && date->month == 0 && date->day == 0))
        return (p);
    return (put_civil(p, number,
        (struct civil){date->year, date->month, date->day}));
}

#endif /* !SERVICE_VERIFY_PUT_H */
