#include "client/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/table.h"
#include "proto/csv_reader.h"

struct source {
    const struct source_sink *sink;     /* borrowed */
    struct csv_reader *reader;          /* owned */
    struct rows_header header;
    int has_header;
    const struct csv_record *record;    /* that is ready; borrowed */
    struct source_counts counts;
    struct source_fault *fault;         /* borrowed during a call */
};

static enum err
read_header(struct source *s, const struct csv_record *record)
{
    char what[256];
    enum err err;

    s->has_header = 1;
    if ((err = rows_read_header(record, &s->header, what,
        sizeof(what))) == E_INVAL) {
        table_clean(what, s->fault->why, sizeof(s->fault->why));
        s->fault->line = record->line;
    }
    return (err);
}

static enum err
on_record(void *cookie, const struct csv_record *record)
{
    struct source *s = cookie;
    enum err err;

    if (!s->has_header)
        return (read_header(s, record));
    s->counts.read++;
    s->record = record;
    err = s->sink->ready(s->sink->cookie);
    s->record = NULL;
    return (err);
}

enum err
source_create(const struct source_sink *sink, struct source **source)
{
    struct source *s;
    enum err err;

    *source = NULL;
    if ((s = calloc(1, sizeof(*s))) == NULL)
        return (E_NOMEM);
    s->sink = sink;
    if ((err = csv_reader_create(on_record, s, &s->reader)) != E_OK)
        goto out;
    *source = s;
    s = NULL;

out:
    source_free(s);
    return (err);
}

/* Say what is wrong with the file as CSV, if anything is. */
static void
tell(struct source *s, const struct csv_fault *csv)
{
    if (csv->what[0] == '\0')
        return;
    (void)snprintf(s->fault->why, sizeof(s->fault->why), "%s", csv->what);
    s->fault->line = csv->line;
}

enum err
source_feed(struct source *s, struct slice bytes, struct source_fault *fault)
{
    struct csv_fault csv;
    enum err err;

    *fault = (struct source_fault){0};
    s->fault = fault;
    if ((err = csv_reader_feed(s->reader, bytes, &csv)) != E_OK)
        tell(s, &csv);
    return (err);
}

enum err
source_end(struct source *s, struct source_fault *fault)
{
    struct csv_fault csv;
    enum err err;

    *fault = (struct source_fault){0};
    s->fault = fault;
    if ((err = csv_reader_end(s->reader, &csv)) != E_OK) {
        tell(s, &csv);
        return (err);
    }
    if (s->has_header)
        return (E_OK);
    (void)snprintf(fault->why, sizeof(fault->why), "it is empty: its first "
        "line must name the columns");
    return (E_INVAL);
}

enum err
source_take(struct source *s, struct arena *arena,
    Vouch__V1__CredentialRow **row, int64_t *line, struct rows_fault *fault)
{
    *line = s->record->line;
    return (rows_read(&s->header, s->record, arena, row, fault));
}

struct source_counts
source_counts(const struct source *s)
{
    return (s->counts);
}

int64_t
source_next_line(const struct source *s, int64_t line, int64_t previous)
{
    (void)s, (void)line, (void)previous;
    return (0);
}

const char *
source_column(const struct source *s, const char *field)
{
    static const struct {
        const char *field;
        enum rows_column column;
    } names[] = {
        {"credential_type_id", ROWS_CREDENTIAL_TYPE},
        {"name.family", ROWS_FAMILY}, {"name.given", ROWS_GIVEN},
        {"name.middle", ROWS_MIDDLE}, {"name.suffix", ROWS_SUFFIX},
        {"periods", ROWS_EXPIRES_ON}, {"raw_status", ROWS_STATUS},
        {"raw_reason", ROWS_STATUS_REASON},
    };

    (void)s;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(field, names[i].field, strlen(names[i].field)) == 0)
            return (strstr(field, "grace") != NULL ?
                rows_columns[ROWS_GRACE_UNTIL] :
                rows_columns[names[i].column]);
    return (field);
}

void
source_free(struct source *s)
{
    if (s == NULL)
        return;
    csv_reader_free(s->reader);
    free(s);
}
