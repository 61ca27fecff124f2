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
 * table_clean(text, out, size):
 * Copy ${text} for a terminal: control characters and the characters that
 * turn the direction of text become '?'.
 */
void table_clean(const char *text, char *out, size_t size);

void table_free(struct table *table);

#endif /* !CLIENT_TABLE_H */
