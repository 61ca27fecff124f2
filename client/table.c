#include "client/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/text.h"

struct table {
    const char *const *columns;     /* borrowed */
    size_t ncolumns;
    char **cells;                   /* owned, as each cell */
    size_t ncells;
    size_t size;
};

struct table *
table_create(const char *const *columns, size_t n)
{
    struct table *t = calloc(1, sizeof(*t));

    if (t != NULL) {
        t->columns = columns;
        t->ncolumns = n;
    }
    return (t);
}

int
table_add(struct table *t, const char *const *cells)
{
    if (t->ncells + t->ncolumns > t->size) {
        size_t size = (t->size + t->ncolumns) * 2;
        char **grown = realloc(t->cells, size * sizeof(*grown));

        if (grown == NULL)
            return (-1);
        t->cells = grown;
        t->size = size;
    }
    for (size_t i = 0; i < t->ncolumns; i++) {
        if ((t->cells[t->ncells] = text_copy(cells[i])) == NULL)
            return (-1);
        t->ncells++;
    }
    return (0);
}

/*
 * C0, DEL, C1 (U+0080 to U+009F), the marks and overrides of direction (U+061C,
 * U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and the separators of
 * lines (U+2028, U+2029).
 */
size_t
table_steers(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    if ((p[0] != '\0' && p[0] < 0x20) || p[0] == 0x7f)
        return (1);
    if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
        return (2);
    if (p[0] == 0xd8 && p[1] == 0x9c)
        return (2);
    if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f ||
        (p[2] >= 0xa8 && p[2] <= 0xae)))
        return (3);
    if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
        return (3);
    return (0);
}

/* Bytes of the character at ${p}; 0 if it is none of UTF-8. */
static size_t
character_at(const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 :
        p[0] >= 0xe0 && p[0] < 0xf0 ? 3 : p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 0;

    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return (0);
    return (n);
}

/*
 * The next character of ${*text} as a terminal may see it; moves on.  What is
 * no UTF-8 may be C1 to an old terminal.
 */
static size_t
next_clean(const char **text, const char **p)
{
    size_t bad = table_steers(*text), n = character_at(*text);

    *p = bad != 0 || n == 0 ? "?" : *text;
    *text += bad != 0 ? bad : n == 0 ? 1 : n;
    return (bad != 0 || n == 0 ? 1 : n);
}

void
table_clean(const char *text, char *out, size_t size)
{
    size_t at = 0;

    while (*text != '\0') {
        const char *p;
        size_t n = next_clean(&text, &p);

        if (at + n >= size)
            break;
        memcpy(out + at, p, n);
        at += n;
    }
    out[at] = '\0';
}

void
table_put(FILE *f, const char *text)
{
    while (*text != '\0') {
        const char *p;
        size_t n = next_clean(&text, &p);

        (void)fwrite(p, 1, n, f);
    }
}

/* Of a cell in a table for eyes. */
#define CELL_MAX 256

/* How wide ${text} is once it is clean. */
static size_t
width_of(const char *text)
{
    char clean[CELL_MAX];
    size_t n = 0;

    table_clean(text, clean, sizeof(clean));
    for (const char *p = clean; *p != '\0'; p++)
        n += ((unsigned char)*p & 0xc0) != 0x80;
    return (n);
}

/* What a spreadsheet would compute: not a plain negative number. */
static int
is_formula(const char *text)
{
    if (text[0] == '-' && text[1] != '\0' &&
        text[1 + strspn(text + 1, "0123456789")] == '\0')
        return (0);
    return (text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL);
}

void
table_put_csv(FILE *f, const char *text)
{
    int formula = is_formula(text);
    int quoted = formula || strpbrk(text, ",\"\r\n") != NULL;

    if (quoted)
        fprintf(f, "\"%s", formula ? "'" : "");
    while (*text != '\0') {
        const char *p;
        size_t n = next_clean(&text, &p);

        if (*p == '"')
            fputc('"', f);
        (void)fwrite(p, 1, n, f);
    }
    if (quoted)
        fputc('"', f);
}

static void
print_csv(const struct table *t, FILE *f)
{
    for (size_t i = 0; i < t->ncolumns; i++)
        fprintf(f, "%s%s", i > 0 ? "," : "", t->columns[i]);
    fputc('\n', f);
    for (size_t i = 0; i < t->ncells; i++) {
        table_put_csv(f, t->cells[i]);
        fputc((i + 1) % t->ncolumns == 0 ? '\n' : ',', f);
    }
}

static void
print_row(const char *const *cells, const size_t *widths, size_t n, FILE *f)
{
    for (size_t i = 0; i < n; i++) {
        char clean[CELL_MAX];

        table_clean(cells[i], clean, sizeof(clean));
        fputs(clean, f);
        for (size_t w = width_of(clean); i + 1 < n && w < widths[i] + 2; w++)
            fputc(' ', f);
    }
    fputc('\n', f);
}

void
table_print(const struct table *t, FILE *f, int csv)
{
    size_t *widths;

    if (csv || (widths = calloc(t->ncolumns, sizeof(*widths))) == NULL) {
        print_csv(t, f);
        return;
    }
    for (size_t i = 0; i < t->ncolumns; i++)
        widths[i] = width_of(t->columns[i]);
    for (size_t i = 0; i < t->ncells; i++)
        if (width_of(t->cells[i]) > widths[i % t->ncolumns])
            widths[i % t->ncolumns] = width_of(t->cells[i]);
    print_row(t->columns, widths, t->ncolumns, f);
    for (size_t i = 0; i < t->ncells; i += t->ncolumns)
        print_row((const char *const *)(t->cells + i), widths, t->ncolumns,
            f);
    free(widths);
}

int
table_print_one(const char *const *columns, const char *const *cells,
    size_t n)
{
    struct table *t = table_create(columns, n);
    int status = -1;

    if (t != NULL && table_add(t, cells) == 0) {
        table_print(t, stdout, 1);
        status = 0;
    }
    table_free(t);
    return (status);
}

void
table_free(struct table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->ncells; i++)
        free(t->cells[i]);
    free(t->cells);
    free(t);
}
