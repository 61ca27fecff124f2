#include "client/rows.h"

#include <stdio.h>
#include <string.h>

#include "proto/civil.h"
#include "proto/nearest.h"
#include "proto/utf8.h"

const char *const rows_columns[ROWS_COLUMN_COUNT] = {
    [ROWS_CREDENTIAL_TYPE] = "credential_type",
    [ROWS_NUMBER] = "number",
    [ROWS_HOLDER_REF] = "holder_ref",
    [ROWS_FAMILY] = "family",
    [ROWS_GIVEN] = "given",
    [ROWS_MIDDLE] = "middle",
    [ROWS_SUFFIX] = "suffix",
    [ROWS_FORMER_FAMILY] = "former_family",
    [ROWS_BIRTH_DATE] = "birth_date",
    [ROWS_LAST4] = "last4",
    [ROWS_ISSUED_ON] = "issued_on",
    [ROWS_EXPIRES_ON] = "expires_on",
    [ROWS_GRACE_UNTIL] = "grace_until",
    [ROWS_STATUS] = "status",
    [ROWS_STATUS_REASON] = "status_reason",
    [ROWS_EFFECTIVE_ON] = "effective_on",
};

#define FORMER_MAX 64

/* ---- the header -------------------------------------------------------- */

static int
column_of(struct slice name)
{
    for (int c = 0; c < ROWS_COLUMN_COUNT; c++)
        if (slice_equal(name, slice_of(rows_columns[c])))
            return (c);
    return (-1);
}

enum err
rows_read_header(const struct csv_record *record, struct rows_header *header,
    char *why, size_t size)
{
    static const enum rows_column needed[] = {ROWS_CREDENTIAL_TYPE,
        ROWS_NUMBER, ROWS_FAMILY};

    header->ncolumns = record->nfields;
    for (int c = 0; c < ROWS_COLUMN_COUNT; c++)
        header->place[c] = -1;
    for (size_t i = 0; i < record->nfields; i++) {
        int c = column_of(record->fields[i]);
        char name[64];

        utf8_copy(record->fields[i], name, sizeof(name));
        if (c < 0) {
            (void)snprintf(why, size, "there is no column '%s'; did you mean "
                "'%s'?", name, nearest_of(name, rows_columns,
                    ROWS_COLUMN_COUNT));
            return (E_INVAL);
        }
        if (header->place[c] >= 0) {
            (void)snprintf(why, size, "the column '%s' stands there twice",
                name);
            return (E_INVAL);
        }
        header->place[c] = (int)i;
    }
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (header->place[needed[i]] < 0) {
            (void)snprintf(why, size, "the column '%s' is missing",
                rows_columns[needed[i]]);
            return (E_INVAL);
        }
    return (E_OK);
}

/* ---- a record ---------------------------------------------------------- */

/* What one record becomes, with all its parts in one piece of memory. */
struct row {
    Vouch__V1__CredentialRow row;
    Vouch__V1__HumanName name;
    Vouch__V1__ValidityPeriod period;
    Vouch__V1__ValidityPeriod *periods[1];
    Vouch__V1__Date dates[5];
    char *former[FORMER_MAX];
};

struct reader {
    const struct slice *texts;
    struct arena *arena;
    struct rows_fault *fault;
    struct row *row;
    size_t ndates;
};

struct slice
rows_trim(struct slice s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return (s);
}

static struct slice
field(const struct reader *r, enum rows_column column)
{
    return (rows_trim(r->texts[column]));
}

static enum err
refuse(struct reader *r, enum rows_column column, const char *reason,
    const char *description)
{
    r->fault->column = rows_columns[column];
    r->fault->reason = reason;
    (void)snprintf(r->fault->description, sizeof(r->fault->description),
        "%s", description);
    return (E_INVAL);
}

static enum err
read_text(struct reader *r, enum rows_column column, char **out)
{
    struct slice s = field(r, column);

    if (s.n == 0)
        return (E_OK);
    if ((*out = arena_copy(r->arena, s)) == NULL)
        return (arena_exhausted(r->arena) ? E_TOOBIG : E_NOMEM);
    return (E_OK);
}

static enum err
read_date(struct reader *r, enum rows_column column, Vouch__V1__Date **out)
{
    struct slice s = field(r, column);
    Vouch__V1__Date *date = &r->row->dates[r->ndates];
    struct civil civil;
    char text[CIVIL_TEXT];

    if (s.n == 0)
        return (E_OK);
    if (s.n >= sizeof(text))
        return (refuse(r, column, "BAD_DATE",
            "a date must be YYYY-MM-DD, or as much of it as is known"));
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (civil_parse(text, &civil) != E_OK)
        return (refuse(r, column, "BAD_DATE",
            "a date that exists is needed, as YYYY-MM-DD, or as much of it "
            "as is known"));
    vouch__v1__date__init(date);
    date->year = civil.year;
    date->month = civil.month;
    date->day = civil.day;
    *out = date;
    r->ndates++;
    return (E_OK);
}

static enum err
read_former(struct reader *r)
{
    struct slice rest = field(r, ROWS_FORMER_FAMILY);

    while (rest.n > 0) {
        const uint8_t *end = memchr(rest.p, ';', rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n;
        struct slice one = rows_trim((struct slice){rest.p, n});

        rest.p += n + (end != NULL);
        rest.n -= n + (end != NULL);
        if (one.n == 0)
            continue;
        if (r->row->row.n_former_family == FORMER_MAX)
            return (refuse(r, ROWS_FORMER_FAMILY, "TOO_MANY_NAMES",
                "too many former names"));
        if ((r->row->former[r->row->row.n_former_family++] =
            arena_copy(r->arena, one)) == NULL)
            return (arena_exhausted(r->arena) ? E_TOOBIG : E_NOMEM);
    }
    r->row->row.former_family = r->row->former;
    return (E_OK);
}

static enum err
read_period(struct reader *r)
{
    Vouch__V1__ValidityPeriod *p = &r->row->period;
    enum err err;

    vouch__v1__validity_period__init(p);
    if ((err = read_date(r, ROWS_EXPIRES_ON, &p->valid_until)) != E_OK ||
        (err = read_date(r, ROWS_GRACE_UNTIL, &p->grace_until)) != E_OK)
        return (err);
    if (p->valid_until == NULL && p->grace_until == NULL)
        return (E_OK);
    if (p->valid_until == NULL)
        return (refuse(r, ROWS_GRACE_UNTIL, "GRACE_WITHOUT_END",
            "a grace is given, but expires_on is not"));
    p->kind = VOUCH__V1__PERIOD_KIND__PERIOD_KIND_CERTIFICATION;
    p->valid_from = r->row->row.issued_on;
    r->row->periods[0] = p;
    r->row->row.periods = r->row->periods;
    r->row->row.n_periods = 1;
    return (E_OK);
}

static enum err
read_texts(struct reader *r)
{
    Vouch__V1__CredentialRow *row = &r->row->row;
    const struct {
        enum rows_column column;
        char **field;
    } texts[] = {
        {ROWS_CREDENTIAL_TYPE, &row->credential_type_id},
        {ROWS_NUMBER, &row->number},
        {ROWS_HOLDER_REF, &row->holder_ref},
        {ROWS_FAMILY, &row->name->family},
        {ROWS_GIVEN, &row->name->given},
        {ROWS_MIDDLE, &row->name->middle},
        {ROWS_SUFFIX, &row->name->suffix},
        {ROWS_LAST4, &row->last4},
        {ROWS_STATUS, &row->raw_status},
        {ROWS_STATUS_REASON, &row->raw_reason},
    };
    enum err err = E_OK;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && err == E_OK;
        i++)
        err = read_text(r, texts[i].column, texts[i].field);
    return (err);
}

/* What is too long is no key, and neither is half of it. */
static void
copy_key(struct slice text, char key[ROWS_KEY])
{
    key[0] = '\0';
    if (text.n == 0 || text.n >= ROWS_KEY ||
        memchr(text.p, '\0', text.n) != NULL)
        return;
    memcpy(key, text.p, text.n);
    key[text.n] = '\0';
}

void
rows_fault_key(struct rows_fault *fault, struct slice type,
    struct slice number)
{
    copy_key(type, fault->type);
    copy_key(number, fault->number);
}

enum err
rows_make(const struct slice texts[ROWS_COLUMN_COUNT], int64_t line,
    struct arena *arena, Vouch__V1__CredentialRow **row,
    struct rows_fault *fault)
{
    struct reader r = {.texts = texts, .arena = arena, .fault = fault};
    enum err err;

    *row = NULL;
    rows_fault_key(fault, rows_trim(texts[ROWS_CREDENTIAL_TYPE]),
        rows_trim(texts[ROWS_NUMBER]));
    if ((r.row = arena_alloc(arena, sizeof(*r.row))) == NULL)
        return (arena_exhausted(arena) ? E_TOOBIG : E_NOMEM);
    vouch__v1__credential_row__init(&r.row->row);
    vouch__v1__human_name__init(&r.row->name);
    r.row->row.line = line;
    r.row->row.name = &r.row->name;
    if ((err = read_texts(&r)) != E_OK || (err = read_former(&r)) != E_OK ||
        (err = read_date(&r, ROWS_BIRTH_DATE,
            &r.row->row.birth_date)) != E_OK ||
        (err = read_date(&r, ROWS_ISSUED_ON,
            &r.row->row.issued_on)) != E_OK ||
        (err = read_date(&r, ROWS_EFFECTIVE_ON,
            &r.row->row.effective_on)) != E_OK ||
        (err = read_period(&r)) != E_OK)
        return (err);
    *row = &r.row->row;
    return (E_OK);
}

enum err
rows_read(const struct rows_header *header, const struct csv_record *record,
    struct arena *arena, Vouch__V1__CredentialRow **row,
    struct rows_fault *fault)
{
    struct slice texts[ROWS_COLUMN_COUNT] = {{0}};

    *row = NULL;
    if (record->nfields != header->ncolumns) {
        fault->column = "";
        fault->reason = "WRONG_FIELD_COUNT";
        rows_fault_key(fault, (struct slice){NULL, 0},
            (struct slice){NULL, 0});
        (void)snprintf(fault->description, sizeof(fault->description),
            "the line has %zu fields, the header %zu", record->nfields,
            header->ncolumns);
        return (E_INVAL);
    }
    for (int c = 0; c < ROWS_COLUMN_COUNT; c++)
        if (header->place[c] >= 0)
            texts[c] = record->fields[header->place[c]];
    return (rows_make(texts, record->line, arena, row, fault));
}
