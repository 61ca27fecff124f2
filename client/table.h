#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

/*
 * Rows of text for standard output: aligned for eyes, or CSV for machines.
 * Whatever a server sent is shown without control characters, so that it
 * cannot steer a terminal; a CSV cell that a spreadsheet would take for a
 * formula is given an apostrophe in front.
 */

#include <stddef.h>
#include <stdio.h>

/* Opaque types. */
struct table;

/**
 * table_create(columns, n):
 * Make a table with ${n} columns of these names (borrowed).  Returns NULL if
 * memory ran out.  The caller owns it; free with table_free().
 */
struct table *table_create(const char *const *columns, size_t n);

/**
 * table_add(table, cells):
 * Add a row of as many ${cells} as there are columns; they are copied.
 * Returns 0, or -1.
 */
int table_add(struct table *table, const char *const *cells);

/**
 * table_print(table, f, csv):
 * Write the table, with its header.
 */
void table_print(const struct table *table, FILE *f, int csv);

/**
 * table_print_one(columns, cells, n):
 * Write to standard output, as CSV, a header and one row.  Returns 0, or -1 if
 * memory ran out.
 */
int table_print_one(const char *const *columns, const char *const *cells,
    size_t n);

/**
 * table_steers(p):
 * Return how many bytes at ${p} make a character that must not reach a
 * terminal: a control character, or one that turns the direction of text; 0:
 * it may.  ${p} ends with a NUL.
 */
size_t table_steers(const char *p);

/**
 * table_clean(text, out, size):
 * Copy ${text} for a terminal: each character that must not reach one becomes
 * '?'.
 */
void table_clean(const char *text, char *out, size_t size);

/**
 * table_put(f, text):
 * Write ${text}, of any length, as table_clean() would copy it.
 */
void table_put(FILE *f, const char *text);

/**
 * table_put_csv(f, text):
 * Write ${text} as a cell of CSV, quoted if need be.
 */
void table_put_csv(FILE *f, const char *text);

void table_free(struct table *table);

#endif /* !CLIENT_TABLE_H */
