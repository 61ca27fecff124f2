#ifndef PROTO_CATALOG_TABLE_H
#define PROTO_CATALOG_TABLE_H

/*
 * One file of the catalog as a table of texts: columns in the order we want,
 * rows in the order of the file, and found by id.  The first column wanted is
 * the id.  Everything lives in the arena.
 */

#include "proto/arena.h"
#include "proto/catalog_files.h"
#include "proto/err.h"

/* Where faults go, and how many there were. */
struct catalog_report {
    catalog_fault_fn *fn;
    void *cookie;
    long told;
    int unreadable;         /* one of them was a file that cannot be read */
};

/* A file and the columns that it must have, no more and no less. */
struct catalog_form {
    const char *file;
    const char *const *columns;
    size_t ncolumns;
};

struct catalog_row {
    struct catalog_row *next;   /* in the file; NULL in the last */
    long line;
    size_t nfields;             /* that the row has */
    void *message;              /* what the caller made of it */
    char *cells[];              /* in the form's order; NULL: it ended before */
};

struct catalog_table {
    const struct catalog_form *form;
    const char *path;
    struct catalog_row *rows;       /* the first one */
    struct catalog_row **by_id;     /* those that have an id */
    size_t nids;
    int whole;      /* every row was read: an id not here does not exist */
    long end_line;              /* of what ended the reading early */
    const char *end_fault;      /* NULL: nothing did */
};

/**
 * catalog_table_read(form, dir, arena, report, table):
 * Read the file of ${form} in ${dir}.  A file that cannot be read and a header
 * with other columns are told at once; the table then has no rows.  What ends
 * the reading later is kept for catalog_table_tell_end(), so that faults of
 * the rows before it can be told first.
 *
 * Fails: E_TOOBIG (the arena's cap), E_NOMEM.
 */
enum err MUST_USE catalog_table_read(const struct catalog_form *form,
    const char *dir, struct arena *arena, struct catalog_report *report,
    struct catalog_table *table);

/**
 * catalog_table_tell_end(table, report):
 * Tell what ended the reading of ${table} early, if anything did.
 */
void catalog_table_tell_end(const struct catalog_table *table,
    struct catalog_report *report);

/**
 * catalog_table_find(table, id):
 * Return the first row with ${id}, or NULL.
 */
const struct catalog_row *catalog_table_find(const struct catalog_table *table,
    const char *id);

/**
 * catalog_table_cell(table, row, column):
 * Return the text in ${column}, which is one of the form's; "" if the row
 * ended before it.  Lives as long as the table.
 */
char *catalog_table_cell(const struct catalog_table *table,
    const struct catalog_row *row, const char *column);

/**
 * catalog_table_tell(table, line, column, report, format, ...):
 * Tell a fault on ${line} of the file of ${table}; it is cut at 400 bytes.
 */
void catalog_table_tell(const struct catalog_table *table, long line,
    const char *column, struct catalog_report *report, const char *format,
    ...) PRINTF_LIKE(5, 6);

#endif /* !PROTO_CATALOG_TABLE_H */
