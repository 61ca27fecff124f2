#include "client/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/encoding.h"
#include "client/mapping_fold.h"
#include "client/mapping_loose.h"
#include "client/mapping_row.h"
#include "client/mapping_words.h"
#include "client/table.h"
#include "proto/csv_reader.h"
#include "proto/message.h"

/* Of one row on its way into the fold. */
#define ROW_MEMORY ((size_t)8 << 20)

struct source {
    const struct source_sink *sink;     /* borrowed */
    struct csv_reader *reader;          /* owned */
    struct rows_header header;          /* of the plain CSV */
    int has_header;
    struct source_counts counts;
    struct source_fault *fault;         /* borrowed during a call */
    const struct csv_record *record;    /* that is ready; borrowed */

    struct mapping *mapping;            /* borrowed; NULL: the plain CSV */
    int32_t day;
    struct encoding *encoding;          /* owned; NULL: the plain CSV */
    struct mapping_faults faults;
    struct mapping_fold *fold;          /* owned; NULL: nothing is folded */
    struct mapping_loose loose;
    struct arena *arena;                /* owned; of one row to be folded */
    struct buf packed;
    const struct mapping_group *group;  /* that is ready; borrowed */
};

/* ---- the header -------------------------------------------------------- */

static enum err
read_plain_header(struct source *s, const struct csv_record *record)
{
    char what[256];
    enum err err;

    if ((err = rows_read_header(record, &s->header, what,
        sizeof(what))) == E_INVAL) {
        table_clean(what, s->fault->why, sizeof(s->fault->why));
        s->fault->line = record->line;
    }
    return (err);
}

static enum err
read_header(struct source *s, const struct csv_record *record)
{
    enum err err;

    s->has_header = 1;
    if (s->mapping == NULL)
        return (read_plain_header(s, record));
    if ((err = mapping_bind(s->mapping, record, &s->faults)) != E_OK) {
        (void)snprintf(s->fault->why, sizeof(s->fault->why),
            "it does not have the columns of the mapping");
        s->fault->mapping = &s->faults;
    }
    return (err);
}

/* ---- folding ----------------------------------------------------------- */

static enum err
say_errno(struct source *s, enum err err)
{
    if (err == E_IO)
        (void)snprintf(s->fault->why, sizeof(s->fault->why), "the temporary "
            "file for what must be folded fails: %s", strerror(errno));
    else if (err == E_TOOBIG)
        (void)snprintf(s->fault->why, sizeof(s->fault->why),
            "it has more records than can be folded");
    return (err);
}

/* It was not read: if nobody knows of which credential it is, note that. */
static enum err
note_loose(struct source *s, const struct csv_record *record,
    const struct mapping_row *made)
{
    enum err err = E_OK;

    if (made->loose && record->nfields != s->mapping->fields)
        err = mapping_loose_add_fields(&s->loose, s->mapping, record);
    else if (made->loose && made->number.n > 0)
        err = mapping_loose_add(&s->loose, made->number, record->line);
    if (err == E_TOOBIG)
        (void)snprintf(s->fault->why, sizeof(s->fault->why), "of too many "
            "lines nobody can read to which credential they belong");
    return (err);
}

/* Let a record wait for the others of its credential. */
static enum err
put_record(struct source *s, const struct csv_record *record)
{
    struct rows_fault fault = {.column = "", .reason = "TOO_LONG",
        .description = "the line is longer than a row may be"};
    struct mapping_row made;
    enum err read, err;

    arena_reset(s->arena);
    buf_drop(&s->packed, s->packed.n);
    read = mapping_row_read(s->mapping, s->day, record, s->arena, &made,
        &fault);
    if (read == E_OK) {
        made.row->line = 0;
        read = message_pack(&made.row->base, &s->packed);
    }
    if (read != E_OK && read != E_INVAL && read != E_TOOBIG)
        return (read);
    if (read != E_OK) {
        buf_drop(&s->packed, s->packed.n);
        if ((err = note_loose(s, record, &made)) != E_OK)
            return (err);
    }
    if (made.keyed && (err = mapping_fold_put(s->fold, record->line, made.key,
        buf_slice(&s->packed), &made.open)) != E_OK)
        return (say_errno(s, err));
    if (read != E_OK)
        return (s->sink->reject(s->sink->cookie, record->line, &fault));
    return (E_OK);
}

/* The row that a group became. */
static enum err
unpack_group(const struct mapping_group *group, struct arena *arena,
    Vouch__V1__CredentialRow **row)
{
    ProtobufCMessage *message;
    enum err err;

    err = message_unpack(&vouch__v1__credential_row__descriptor, group->row,
        arena, &message);
    *row = (Vouch__V1__CredentialRow *)(void *)message;
    return (err);
}

/* Of which credential a group is. */
static enum err
read_group_key(struct source *s, const struct mapping_group *group,
    struct rows_fault *fault)
{
    Vouch__V1__CredentialRow *row;
    enum err err;

    arena_reset(s->arena);
    if (group->row.n == 0)
        return (E_OK);
    if ((err = unpack_group(group, s->arena, &row)) != E_OK)
        return (err);
    rows_fault_key(fault, slice_of(row->credential_type_id),
        slice_of(row->number));
    return (E_OK);
}

/* None of a credential's records is taken: they are not of one mind. */
static enum err
reject_group(struct source *s, const struct mapping_group *group)
{
    struct rows_fault fault = {
        .column = mapping_title(s->mapping, ROWS_NUMBER)};
    int64_t line, next;
    enum err err;

    if ((err = read_group_key(s, group, &fault)) != E_OK)
        return (err);
    for (line = group->line; line != 0; line = next) {
        next = mapping_fold_next_line(s->fold, line);
        mapping_fold_part(s->fold, line);
        if (group->verdict == MAPPING_FOLD_SPOILED) {
            fault.reason = "FOLD_SPOILED";
            (void)snprintf(fault.description, sizeof(fault.description),
                "the row on line %" PRId64 ", which is or may be of the same "
                "credential, is rejected", group->other);
        } else {
            fault.reason = "FOLD_CONTRADICTORY";
            (void)snprintf(fault.description, sizeof(fault.description),
                "the row on line %" PRId64 ", of the same credential, says "
                "otherwise, and not only of cases", line == group->other ?
                group->line : group->other);
        }
        if ((err = s->sink->reject(s->sink->cookie, line, &fault)) != E_OK)
            return (err);
    }
    return (E_OK);
}

/* A row that may be of this number spoils it, as one that surely is. */
static enum err
spoil_group(struct source *s, struct mapping_group *group)
{
    struct rows_fault key = {0};
    int64_t line;
    enum err err;

    if (s->loose.n == 0 || group->verdict != MAPPING_FOLD_TAKE)
        return (E_OK);
    if ((err = read_group_key(s, group, &key)) != E_OK)
        return (err);
    if ((line = mapping_loose_find(&s->loose, slice_of(key.number))) != 0) {
        group->verdict = MAPPING_FOLD_SPOILED;
        group->other = line;
    }
    return (E_OK);
}

static enum err
take_groups(struct source *s)
{
    struct mapping_group group;
    enum err err;

    while ((err = mapping_fold_next(s->fold, &group)) == E_OK &&
        group.n > 0) {
        if ((err = spoil_group(s, &group)) != E_OK)
            return (err);
        if (group.verdict != MAPPING_FOLD_TAKE) {
            if ((err = reject_group(s, &group)) != E_OK)
                return (err);
            continue;
        }
        s->counts.folded += (int64_t)group.n - 1;
        s->group = &group;
        err = s->sink->ready(s->sink->cookie);
        s->group = NULL;
        if (err != E_OK)
            return (err);
    }
    return (err == E_OK ? E_OK : say_errno(s, err));
}

/* Unpack the row that the group became. */
static enum err
make_group(const struct mapping_group *group, struct arena *arena,
    Vouch__V1__CredentialRow **row)
{
    struct mapping_meaning meaning;
    enum err err;

    if ((err = unpack_group(group, arena, row)) != E_OK)
        return (err);
    meaning = mapping_row_meaning(*row);
    mapping_words_worse(&meaning, &group->open);
    mapping_row_say(*row, &meaning);
    (*row)->line = group->line;
    return (E_OK);
}

/* ---- reading ----------------------------------------------------------- */

static enum err
on_record(void *cookie, const struct csv_record *record)
{
    struct source *s = cookie;
    enum err err;

    if (!s->has_header && ((err = read_header(s, record)) != E_OK ||
        s->mapping == NULL || s->mapping->has_header))
        return (err);
    s->counts.read++;
    if (s->fold != NULL)
        return (put_record(s, record));
    s->record = record;
    err = s->sink->ready(s->sink->cookie);
    s->record = NULL;
    return (err);
}

/* Say what is wrong with the file as CSV, if anything is. */
static enum err
feed_reader(void *cookie, struct slice utf8)
{
    struct source *s = cookie;
    struct csv_fault csv;
    enum err err;

    if ((err = csv_reader_feed(s->reader, utf8, &csv)) != E_OK &&
        csv.what[0] != '\0') {
        (void)snprintf(s->fault->why, sizeof(s->fault->why), "%s", csv.what);
        s->fault->line = csv.line;
    }
    return (err);
}

static enum err
end_reader(struct source *s)
{
    struct csv_fault csv;
    enum err err;

    if ((err = csv_reader_end(s->reader, &csv)) != E_OK &&
        csv.what[0] != '\0') {
        (void)snprintf(s->fault->why, sizeof(s->fault->why), "%s", csv.what);
        s->fault->line = csv.line;
    }
    return (err);
}

enum err
source_feed(struct source *s, struct slice bytes, struct source_fault *fault)
{
    struct encoding_fault text = {0};
    enum err err;

    *fault = (struct source_fault){0};
    s->fault = fault;
    if (s->encoding == NULL)
        return (feed_reader(s, bytes));
    if ((err = encoding_feed(s->encoding, bytes, &text)) != E_OK &&
        text.line > 0) {
        (void)snprintf(fault->why, sizeof(fault->why), "%s", text.what);
        fault->line = text.line;
    }
    return (err);
}

static enum err
check_end(struct source *s)
{
    struct encoding_fault text = {0};
    enum err err;

    if (s->encoding != NULL &&
        (err = encoding_end(s->encoding, &text)) != E_OK) {
        (void)snprintf(s->fault->why, sizeof(s->fault->why), "%s",
            text.what);
        s->fault->line = text.line;
        return (err);
    }
    if ((err = end_reader(s)) != E_OK || s->has_header)
        return (err);
    (void)snprintf(s->fault->why, sizeof(s->fault->why), "it is empty%s",
        s->mapping == NULL || s->mapping->has_header ?
        ": its first line must name the columns" : "");
    return (E_INVAL);
}

enum err
source_end(struct source *s, struct source_fault *fault)
{
    enum err err;

    *fault = (struct source_fault){0};
    s->fault = fault;
    if ((err = check_end(s)) != E_OK || s->fold == NULL)
        return (err);
    return (take_groups(s));
}

enum err
source_take(struct source *s, struct arena *arena,
    Vouch__V1__CredentialRow **row, int64_t *line, struct rows_fault *fault)
{
    struct mapping_row made;
    enum err err;

    if (s->group != NULL) {
        *line = s->group->line;
        return (make_group(s->group, arena, row));
    }
    *line = s->record->line;
    if (s->mapping == NULL)
        return (rows_read(&s->header, s->record, arena, row, fault));
    err = mapping_row_read(s->mapping, s->day, s->record, arena, &made,
        fault);
    *row = made.row;
    return (err);
}

/* ---- a source ---------------------------------------------------------- */

static enum err
create_mapped(struct source *s)
{
    const struct mapping *m = s->mapping;
    enum err err;

    csv_reader_set_form(s->reader, m->separator, m->quotes);
    if ((err = encoding_create(m->encoding, feed_reader, s,
        &s->encoding)) != E_OK || m->fold == 0)
        return (err);
    if ((err = arena_create(ROW_MEMORY, &s->arena)) != E_OK)
        return (err);
    return (mapping_fold_create(&s->fold));
}

enum err
source_create(struct mapping *mapping, int32_t day,
    const struct source_sink *sink, struct source **source)
{
    struct source *s;
    enum err err;

    *source = NULL;
    if ((s = calloc(1, sizeof(*s))) == NULL)
        return (E_NOMEM);
    s->sink = sink;
    s->mapping = mapping;
    s->day = day;
    buf_init(&s->packed, ROW_MEMORY);
    if ((err = csv_reader_create(on_record, s, &s->reader)) != E_OK ||
        (mapping != NULL && (err = create_mapped(s)) != E_OK))
        goto out;
    *source = s;
    s = NULL;

out:
    source_free(s);
    return (err);
}

struct source_counts
source_counts(const struct source *s)
{
    return (s->counts);
}

int64_t
source_next_line(const struct source *s, int64_t previous)
{
    return (s->fold == NULL ? 0 : mapping_fold_next_line(s->fold, previous));
}

const char *
source_column(const struct source *s, const char *field)
{
    static const struct {
        const char *field;
        enum rows_column column;
    } names[] = {
        {"credential_type_id", ROWS_CREDENTIAL_TYPE},
        {"name.given", ROWS_GIVEN}, {"name.middle", ROWS_MIDDLE},
        {"name.suffix", ROWS_SUFFIX}, {"name", ROWS_FAMILY},
        {"periods", ROWS_EXPIRES_ON}, {"raw_status", ROWS_STATUS},
        {"raw_reason", ROWS_STATUS_REASON},
    };
    enum rows_column column = ROWS_COLUMN_COUNT;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) &&
        column == ROWS_COLUMN_COUNT; i++)
        if (strncmp(field, names[i].field, strlen(names[i].field)) == 0)
            column = strstr(field, "grace") != NULL ? ROWS_GRACE_UNTIL :
                names[i].column;
    for (int c = 0; c < ROWS_COLUMN_COUNT; c++)
        if (strcmp(field, rows_columns[c]) == 0)
            column = (enum rows_column)c;
    if (column == ROWS_COLUMN_COUNT)
        return (field);
    return (s->mapping == NULL ? rows_columns[column] :
        mapping_title(s->mapping, column));
}

void
source_free(struct source *s)
{
    if (s == NULL)
        return;
    csv_reader_free(s->reader);
    encoding_free(s->encoding);
    mapping_fold_free(s->fold);
    mapping_loose_free(&s->loose);
    arena_free(s->arena);
    buf_free(&s->packed);
    free(s);
}
