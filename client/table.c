#include "client/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
        if ((t->cells[t->ncells] = strdup(cells[i])) == NULL)
            return (-1);
        t->ncells++;
    }
    return (0);
}

/*
 * How many bytes at ${p} make a character that must not reach a terminal: C0,
 * DEL, C1 (U+0080 to U+009F), the marks and overrides of direction (U+200E,
 * U+200F, U+202A to U+202E, U+2066 to U+2069); 0: it may.
 */
static size_t
steers(const unsigned char *p)
{
    if (p[0] < 0x20 || p[0] == 0x7f)
        return (1);
    if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
        return (2);
    if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f ||
        (p[2] >= 0xaa && p[2] <= 0xae)))
        return (3);
    if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)
        return (3);
    return (0);
}

void
table_clean(const char *text, char *out, size_t size)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t n = 0;

    while (*p != '\0' && n + 1 < size) {
        size_t bad = steers(p);

        out[n++] = bad != 0 ? '?' : (char)*p;
        p += bad != 0 ? bad : 1;
    }
    while (*p != '\0' && n > 0 && ((unsigned char)out[n - 1] & 0xc0) == 0x80)
        n--;    /* cut at a character */
    if (*p != '\0' && n > 0 && ((unsigned char)out[n - 1] & 0xc0) == 0xc0)
        n--;
    out[n] = '\0';
}

static size_t
width_of(const char *text)
{
    size_t n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return (n);
}

static void
print_csv_cell(FILE *f, const char *text)
{
    const char *formula = strchr("=+-@\t\r", text[0]);

    if (formula != NULL && text[0] != '\0') {
        fprintf(f, "\"'");
    } else if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, f);
        return;
    } else
        fputc('"', f);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', f);
        fputc(*text, f);
    }
    fputc('"', f);
}

static void
print_csv(const struct table *t, FILE *f)
{
    for (size_t i = 0; i < t->ncolumns; i++)
        fprintf(f, "%s%s", i > 0 ? "," : "", t->columns[i]);
    fputc('\n', f);
    for (size_t i = 0; i < t->ncells; i++) {
        print_csv_cell(f, t->cells[i]);
        fputc((i + 1) % t->ncolumns == 0 ? '\n' : ',', f);
    }
}

static void
print_row(const char *const *cells, const size_t *widths, size_t n, FILE *f)
{
    for (size_t i = 0; i < n; i++) {
        char clean[512];

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
