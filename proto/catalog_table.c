#include "proto/catalog_table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/csv_reader.h"

#define WHAT_MAX 400
#define NOWHERE SIZE_MAX

/* A file on its way into a table. */
struct reading {
    struct catalog_table *table;
    struct arena *arena;
    struct catalog_report *report;
    struct catalog_row *last;
    size_t nrows;
    size_t places[CSV_COLUMNS_MAX];     /* in the file, of each column */
    int header;                         /* it was seen ... */
    int usable;                         /* ... and is as it should be */
};

static enum err
exhausted(const struct arena *arena)
{
    return (arena_exhausted(arena) ? E_TOOBIG : E_NOMEM);
}

void
catalog_table_tell(const struct catalog_table *table, long line,
    const char *column, struct catalog_report *report, const char *format, ...)
{
    char what[WHAT_MAX];
    struct catalog_fault fault = {table->path, line, column, what};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    report->told++;
    report->fn(report->cookie, &fault);
}

/* Where ${name} stands among the columns of the form. */
static size_t
column_index(const struct catalog_form *form, const char *name)
{
    for (size_t i = 0; i < form->ncolumns; i++) {
        if (strcmp(form->columns[i], name) == 0)
            return (i);
    }
    return (NOWHERE);
}

char *
catalog_table_cell(const struct catalog_table *table,
    const struct catalog_row *row, const char *column)
{
    static char nothing[] = "";
    size_t i = column_index(table->form, column);

    if (i == NOWHERE || row->cells[i] == NULL)
        return (nothing);
    return (row->cells[i]);
}

/* Learn where each column is; any other set of columns is a fault. */
static void
read_header(struct reading *r, const struct csv_record *record)
{
    const struct catalog_form *form = r->table->form;
    long told = r->report->told;

    for (size_t i = 0; i < form->ncolumns; i++)
        r->places[i] = NOWHERE;
    for (size_t i = 0; i < record->nfields; i++) {
        const char *name = (const char *)record->fields[i].p;
        size_t column = column_index(form, name);

        if (column == NOWHERE)
            catalog_table_tell(r->table, record->line, name, r->report,
                "no such column");
        else if (r->places[column] != NOWHERE)
            catalog_table_tell(r->table, record->line, name, r->report,
                "the column is there twice");
        else
            r->places[column] = i;
    }
    for (size_t i = 0; i < form->ncolumns; i++) {
        if (r->places[i] == NOWHERE)
            catalog_table_tell(r->table, record->line, form->columns[i],
                r->report, "the column is missing");
    }
    r->header = 1;
    r->usable = (r->report->told == told);
}

static enum err
read_row(struct reading *r, const struct csv_record *record)
{
    size_t ncolumns = r->table->form->ncolumns;
    struct catalog_row *row;

    if ((row = arena_alloc(r->arena,
        sizeof(*row) + ncolumns * sizeof(row->cells[0]))) == NULL)
        return (exhausted(r->arena));
    row->next = NULL;
    row->line = record->line;
    row->nfields = record->nfields;
    row->message = NULL;
    for (size_t i = 0; i < ncolumns; i++) {
        row->cells[i] = NULL;
        if (r->places[i] >= record->nfields)
            continue;
        if ((row->cells[i] = arena_copy(r->arena,
            record->fields[r->places[i]])) == NULL)
            return (exhausted(r->arena));
    }
    if (r->last == NULL)
        r->table->rows = row;
    else
        r->last->next = row;
    r->last = row;
    r->nrows++;
    return (E_OK);
}

static enum err
on_record(void *cookie, const struct csv_record *record)
{
    struct reading *r = cookie;

    if (!r->header) {
        read_header(r, record);
        return (E_OK);
    }
    return (r->usable ? read_row(r, record) : E_OK);
}

static void
tell_unreadable(const struct reading *r)
{
    r->report->unreadable = 1;
    catalog_table_tell(r->table, 0, "", r->report, "cannot be read: %s",
        strerror(errno));
}

/* Feed the whole of ${file}; what is wrong with it goes to the table. */
static enum err
read_records(struct reading *r, FILE *file)
{
    struct csv_reader *reader = NULL;
    struct csv_fault fault = {0};
    uint8_t bytes[4096];
    enum err err;
    size_t n;

    if ((err = csv_reader_create(on_record, r, &reader)) != E_OK)
        goto out;
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0) {
        if ((err = csv_reader_feed(reader, (struct slice){bytes, n},
            &fault)) != E_OK)
            goto out;
    }
    if (ferror(file)) {
        tell_unreadable(r);
        goto out;
    }
    if ((err = csv_reader_end(reader, &fault)) != E_OK)
        goto out;
    r->table->whole = r->usable;

out:
    if (fault.line != 0) {
        struct slice what = slice_of(fault.what);

        r->table->end_line = fault.line;
        err = E_OK;
        if ((r->table->end_fault = arena_copy(r->arena, what)) == NULL)
            err = exhausted(r->arena);
    }
    csv_reader_free(reader);
    return (err);
}

/* By id, rows with the same one in the order of the file. */
static int
compare_ids(const void *a, const void *b)
{
    const struct catalog_row *x = *(struct catalog_row *const *)a;
    const struct catalog_row *y = *(struct catalog_row *const *)b;
    int order = strcmp(x->cells[0], y->cells[0]);

    return (order != 0 ? order : (x->line > y->line) - (x->line < y->line));
}

static enum err
sort_ids(struct reading *r)
{
    struct catalog_table *table = r->table;

    if (r->nrows == 0)
        return (E_OK);
    if ((table->by_id = arena_alloc(r->arena,
        r->nrows * sizeof(struct catalog_row *))) == NULL)
        return (exhausted(r->arena));
    for (struct catalog_row *row = table->rows; row != NULL; row = row->next) {
        if (row->cells[0] != NULL)
            table->by_id[table->nids++] = row;
    }
    if (table->nids > 0)
        qsort(table->by_id, table->nids, sizeof(struct catalog_row *),
            compare_ids);
    return (E_OK);
}

enum err
catalog_table_read(const struct catalog_form *form, const char *dir,
    struct arena *arena, struct catalog_report *report,
    struct catalog_table *table)
{
    struct reading r = {.table = table, .arena = arena, .report = report};
    size_t size = strlen(dir) + 1 + strlen(form->file) + 1;
    FILE *file = NULL;
    enum err err;
    char *path;

    *table = (struct catalog_table){.form = form};
    if ((path = arena_alloc(arena, size)) == NULL) {
        err = exhausted(arena);
        goto out;
    }
    (void)snprintf(path, size, "%s/%s", dir, form->file);
    table->path = path;

    err = E_OK;
    if ((file = fopen(path, "re")) == NULL) {
        tell_unreadable(&r);
        goto out;
    }
    if ((err = read_records(&r, file)) != E_OK)
        goto out;
    if (!r.header && table->end_fault == NULL && !ferror(file))
        catalog_table_tell(table, 0, "", report, "has no header line");
    err = sort_ids(&r);

out:
    if (file != NULL)
        (void)fclose(file);
    return (err);
}

void
catalog_table_tell_end(const struct catalog_table *table,
    struct catalog_report *report)
{
    if (table->end_fault != NULL)
        catalog_table_tell(table, table->end_line, "", report, "%s",
            table->end_fault);
}

const struct catalog_row *
catalog_table_find(const struct catalog_table *table, const char *id)
{
    size_t low = 0, high = table->nids;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(table->by_id[middle]->cells[0], id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == table->nids || strcmp(table->by_id[low]->cells[0], id) != 0)
        return (NULL);
    return (table->by_id[low]);
}
