#include "client/opening_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SALT_DIGITS (2 * (size_t)LEAF_SALT)
#define EVENT_DIGITS_MAX (2 * (size_t)OPENING_EVENT_MAX)
#define INDEX_DIGITS_MAX 19

/* ---- reading ----------------------------------------------------------- */

/* How far a line has been read, and what it is so far. */
struct scan {
    const uint8_t *p, *end;
    enum opening_line is;       /* WHOLE: all that was wanted was there */
};

static void
want_text(struct scan *s, const char *text)
{
    for (; s->is == OPENING_LINE_WHOLE && *text != '\0'; text++) {
        if (s->p == s->end)
            s->is = OPENING_LINE_BEGUN;
        else if (*s->p++ != (uint8_t)*text)
            s->is = OPENING_LINE_NONE;
    }
}

static int
is_hex(uint8_t c)
{
    return ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
}

/* Between ${least} and ${most} digits, an even number of them. */
static void
want_hex(struct scan *s, size_t least, size_t most)
{
    size_t n = 0;

    if (s->is != OPENING_LINE_WHOLE)
        return;
    while (s->p < s->end && is_hex(*s->p) && n <= most) {
        s->p++;
        n++;
    }
    if (n > most)
        s->is = OPENING_LINE_NONE;
    else if (s->p == s->end)
        s->is = OPENING_LINE_BEGUN;
    else if (n < least || n % 2 != 0)
        s->is = OPENING_LINE_NONE;
}

static void
want_index(struct scan *s, int64_t *index)
{
    uint64_t value = 0;
    size_t n = 0;

    if (s->is != OPENING_LINE_WHOLE)
        return;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        if (++n > INDEX_DIGITS_MAX || (n > 1 && value == 0))
            break;
        value = value * 10 + (uint64_t)(*s->p - '0');
    }
    if (n > INDEX_DIGITS_MAX || value > INT64_MAX)
        s->is = OPENING_LINE_NONE;
    else if (s->p == s->end)
        s->is = OPENING_LINE_BEGUN;
    else if (n == 0 || (*s->p >= '0' && *s->p <= '9'))
        s->is = OPENING_LINE_NONE;
    *index = (int64_t)value;
}

enum opening_line
opening_line_scan(struct slice line, int64_t *log_index)
{
    struct scan s = {.is = OPENING_LINE_WHOLE};
    int64_t index = 0;

    if (line.n == 0)
        return (OPENING_LINE_BEGUN);
    s.p = line.p;
    s.end = line.p + line.n;
    want_text(&s, "{\"logIndex\":\"");
    want_index(&s, &index);
    want_text(&s, "\",\"salt\":\"");
    want_hex(&s, SALT_DIGITS, SALT_DIGITS);
    want_text(&s, "\",\"event\":\"");
    want_hex(&s, 2, EVENT_DIGITS_MAX);
    want_text(&s, "\"}");
    if (s.is == OPENING_LINE_WHOLE && s.p != s.end)
        s.is = OPENING_LINE_NONE;
    if (s.is == OPENING_LINE_WHOLE)
        *log_index = index;
    return (s.is);
}

/* ---- writing ----------------------------------------------------------- */

static enum err
put_text(struct buf *line, const char *text)
{
    return (buf_add(line, slice_of(text)));
}

static enum err
put_hex(struct buf *line, struct slice bytes)
{
    enum err err;

    /* With room for the NUL that ends it. */
    if ((err = buf_reserve(line, 2 * bytes.n + 1)) != E_OK)
        return (err);
    bytes_to_hex(bytes, (char *)line->p + line->n);
    line->n += 2 * bytes.n;
    return (E_OK);
}

enum err
opening_line_put(const struct opening *o, struct buf *line)
{
    char index[24];
    enum err err;

    if (o->log_index < 0 || o->event.n == 0)
        return (E_INVAL);
    if (o->event.n > OPENING_EVENT_MAX)
        return (E_TOOBIG);
    line->n = 0;
    (void)snprintf(index, sizeof(index), "%" PRId64, o->log_index);
    if ((err = put_text(line, "{\"logIndex\":\"")) != E_OK ||
        (err = put_text(line, index)) != E_OK ||
        (err = put_text(line, "\",\"salt\":\"")) != E_OK ||
        (err = put_hex(line, (struct slice){o->salt, LEAF_SALT})) != E_OK ||
        (err = put_text(line, "\",\"event\":\"")) != E_OK ||
        (err = put_hex(line, o->event)) != E_OK)
        return (err);
    return (put_text(line, "\"}"));
}
