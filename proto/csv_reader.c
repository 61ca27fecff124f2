#include "proto/csv_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "proto/utf8.h"

/*
 * libcsv sees at most this much at once: its buffer grows by what it is given,
 * so a field that never ends is noticed this far beyond the limit.
 */
#define PIECE_MAX 4096

/* Stands for a quote where there are none: never part of UTF-8. */
#define NO_QUOTE 0xff

static const uint8_t byte_order_mark[] = {0xef, 0xbb, 0xbf};

struct csv_reader {
    csv_record_fn *fn;
    void *cookie;
    struct csv_parser parser;
    struct csv_fault *fault;    /* borrowed during a call */
    enum err err;               /* what a callback of libcsv ran into */

    long line;                  /* of the next byte */
    long record_line;           /* 0: none has begun */
    long field_line;
    int after_cr;               /* a line ended in CR, LF must follow */
    size_t marks;               /* bytes of the mark seen; then all of it */

    struct buf text;            /* the record's fields, each with a NUL */
    size_t starts[CSV_COLUMNS_MAX];
    struct slice fields[CSV_COLUMNS_MAX];
    size_t nfields;
};

/* RFC 4180: "Spaces are considered part of a field". */
static int
is_space(unsigned char c)
{
    (void)c;
    return (0);
}

static enum err
fail(struct csv_reader *reader, enum err err, long line, const char *what)
{
    reader->fault->line = line;
    (void)snprintf(reader->fault->what, sizeof(reader->fault->what), "%s",
        what);
    return (err);
}

/* A field is not text: find the line of what is wrong with it. */
static enum err
fail_text(struct csv_reader *reader, struct slice field)
{
    long line = reader->field_line;
    size_t n;

    while (field.p[0] != 0 && (n = utf8_next(field)) > 0) {
        line += (field.p[0] == '\n');
        field.p += n;
        field.n -= n;
    }
    return (fail(reader, E_INVAL, line,
        field.p[0] == 0 ? "a NUL byte" : "not UTF-8"));
}

/* Keep one field: libcsv's buffer is the next one's already. */
static void
on_field(void *bytes, size_t n, void *cookie)
{
    static const uint8_t nul = 0;
    struct csv_reader *r = cookie;
    struct slice field = {bytes, n};
    enum err err;

    if (r->err != E_OK)
        return;
    if (n > CSV_FIELD_MAX) {
        r->err = fail(r, E_TOOBIG, r->field_line, "a field above 65536 bytes");
        return;
    }
    if (r->nfields == CSV_COLUMNS_MAX) {
        r->err = fail(r, E_TOOBIG, r->record_line, "more than 64 columns");
        return;
    }
    if (!utf8_is_text(field)) {
        r->err = fail_text(r, field);
        return;
    }
    r->starts[r->nfields] = r->text.n;
    if ((err = buf_add(&r->text, field)) == E_OK)
        err = buf_add(&r->text, (struct slice){&nul, 1});
    if (err != E_OK) {
        r->err = err;
        return;
    }
    r->fields[r->nfields++].n = n;
    r->field_line = r->line;
}

/* A line ended in ${c} (-1: with the file), and with it a record, if any. */
static void
on_row(int c, void *cookie)
{
    struct csv_reader *r = cookie;
    struct csv_record record = {r->record_line, r->fields, r->nfields};

    if (r->err != E_OK)
        return;
    r->after_cr = (c == CSV_CR);
    for (size_t i = 0; i < r->nfields; i++)
        r->fields[i].p = r->text.p + r->starts[i];
    if (r->nfields > 0)
        r->err = r->fn(r->cookie, &record);
    buf_drop(&r->text, r->text.n);
    r->nfields = 0;
    r->record_line = 0;
}

enum err
csv_reader_create(csv_record_fn *fn, void *cookie, struct csv_reader **reader)
{
    struct csv_reader *r;

    *reader = NULL;
    if ((r = calloc(1, sizeof(*r))) == NULL)
        return (E_NOMEM);
    if (csv_init(&r->parser,
        CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL) != 0) {
        free(r);
        return (E_NOMEM);
    }
    csv_set_space_func(&r->parser, is_space);
    csv_set_blk_size(&r->parser, PIECE_MAX);
    csv_set_realloc_func(&r->parser, realloc);
    csv_set_free_func(&r->parser, free);
    buf_init(&r->text, CSV_COLUMNS_MAX * (CSV_FIELD_MAX + 1));
    r->fn = fn;
    r->cookie = cookie;
    r->line = 1;

    *reader = r;
    return (E_OK);
}

void
csv_reader_set_form(struct csv_reader *reader, char separator, int quotes)
{
    csv_set_delim(&reader->parser, (unsigned char)separator);
    csv_set_quote(&reader->parser, quotes ? '"' : NO_QUOTE);
}

/*
 * Return how much of ${in} goes to libcsv at once: up to the next line end, so
 * that its callbacks find the line as it is.
 */
static size_t
piece_length(struct slice in)
{
    size_t n = 0;

    while (n < in.n && n < PIECE_MAX) {
        uint8_t c = in.p[n++];

        if (c == '\n' || c == '\r')
            break;
    }
    return (n);
}

/* What libcsv's refusal means. */
static enum err
parse_failure(struct csv_reader *reader)
{
    switch (csv_error(&reader->parser)) {
    case CSV_EPARSE:
        return (fail(reader, E_INVAL, reader->line, "a stray quote: a field "
            "that holds one is quoted as a whole, and the quote is doubled"));
    case CSV_ENOMEM:
        return (E_NOMEM);
    default:
        return (E_TOOBIG);
    }
}

static enum err
parse_piece(struct csv_reader *reader, const uint8_t *p, size_t n)
{
    if (csv_get_quote(&reader->parser) == NO_QUOTE &&
        memchr(p, NO_QUOTE, n) != NULL)
        return (fail(reader, E_INVAL, reader->line, "not UTF-8"));
    if (reader->record_line == 0)
        reader->record_line = reader->field_line = reader->line;
    if (csv_parse(&reader->parser, p, n, on_field, on_row, reader) != n &&
        reader->err == E_OK)
        return (parse_failure(reader));
    if (reader->err != E_OK)
        return (reader->err);

    /* One more than a field: the quote that may be its end is counted. */
    if (reader->parser.entry_pos > CSV_FIELD_MAX + 1)
        return (fail(reader, E_TOOBIG, reader->field_line,
            "a field above 65536 bytes: perhaps a quote is not closed"));
    return (E_OK);
}

static enum err
read_bytes(struct csv_reader *reader, struct slice in)
{
    enum err err;

    while (in.n > 0) {
        size_t n = piece_length(in);

        if (reader->after_cr && in.p[0] != '\n')
            return (fail(reader, E_INVAL, reader->line,
                "a carriage return without a line feed"));
        reader->after_cr = 0;
        if ((err = parse_piece(reader, in.p, n)) != E_OK)
            return (err);
        if (in.p[n - 1] == '\n')
            reader->line++;
        in.p += n;
        in.n -= n;
    }
    return (E_OK);
}

/* What looked like the beginning of a mark was text. */
static enum err
read_mark(struct csv_reader *reader)
{
    size_t n = reader->marks;

    reader->marks = sizeof(byte_order_mark);
    return (read_bytes(reader, (struct slice){byte_order_mark, n}));
}

enum err
csv_reader_feed(struct csv_reader *reader, struct slice bytes,
    struct csv_fault *fault)
{
    enum err err;

    *fault = (struct csv_fault){0};
    reader->fault = fault;
    while (bytes.n > 0 && reader->marks < sizeof(byte_order_mark)) {
        if (bytes.p[0] == byte_order_mark[reader->marks]) {
            reader->marks++;
            bytes.p++;
            bytes.n--;
        } else if ((err = read_mark(reader)) != E_OK) {
            return (err);
        }
    }
    return (read_bytes(reader, bytes));
}

enum err
csv_reader_end(struct csv_reader *reader, struct csv_fault *fault)
{
    enum err err;

    *fault = (struct csv_fault){0};
    reader->fault = fault;
    if (reader->marks < sizeof(byte_order_mark) &&
        (err = read_mark(reader)) != E_OK)
        return (err);
    if (reader->after_cr)
        return (fail(reader, E_INVAL, reader->line,
            "a carriage return without a line feed"));
    if (csv_fini(&reader->parser, on_field, on_row, reader) != 0)
        return (fail(reader, E_INVAL, reader->field_line,
            "a quote that is never closed"));
    return (reader->err);
}

void
csv_reader_free(struct csv_reader *reader)
{
    if (reader == NULL)
        return;
    csv_free(&reader->parser);
    buf_free(&reader->text);
    free(reader);
}
