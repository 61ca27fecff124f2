#include "client/mapping_row.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "client/mapping_date.h"
#include "client/mapping_name.h"
#include "client/mapping_words.h"
#include "proto/name_fold.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct reading {
    const struct mapping *mapping;
    int32_t day;
    const struct csv_record *record;
    struct arena *arena;
    struct mapping_row *made;
    struct rows_fault *fault;
    struct slice texts[ROWS_COLUMN_COUNT];
};

/* Three dates of each period, and the parts of a row that hold them. */
struct periods {
    Vouch__V1__ValidityPeriod period[MAPPING_PERIODS_MAX];
    Vouch__V1__ValidityPeriod *list[MAPPING_PERIODS_MAX];
    Vouch__V1__Date dates[3 * MAPPING_PERIODS_MAX];
};

static enum err
no_memory(const struct reading *r)
{
    return (arena_exhausted(r->arena) ? E_TOOBIG : E_NOMEM);
}

static enum err
refuse(const struct reading *r, const char *column, const char *reason,
    const char *description)
{
    r->fault->column = column;
    r->fault->reason = reason;
    (void)snprintf(r->fault->description, sizeof(r->fault->description),
        "%s", description);
    return (E_INVAL);
}

/* ---- texts ------------------------------------------------------------- */

/* Join what stands in the columns of ${v}; what is empty takes no part. */
static enum err
join_columns(const struct reading *r, const struct mapping_value *v,
    struct slice *text)
{
    size_t size = 0, gap = strlen(v->join);
    uint8_t *p;

    for (size_t i = 0; i < v->ncolumns; i++)
        size += r->record->fields[v->columns[i].at].n + gap;
    if ((p = arena_alloc(r->arena, size + 1)) == NULL)
        return (no_memory(r));
    *text = (struct slice){p, 0};
    for (size_t i = 0; i < v->ncolumns; i++) {
        struct slice one = mapping_trim(r->record->fields[v->columns[i].at]);

        if (one.n == 0)
            continue;
        if (text->n > 0) {
            memcpy(p + text->n, v->join, gap);
            text->n += gap;
        }
        memcpy(p + text->n, one.p, one.n);
        text->n += one.n;
    }
    return (E_OK);
}

/* What ${v} says in this record; empty if that means: not known. */
static enum err
read_text(const struct reading *r, const struct mapping_value *v,
    struct slice *text)
{
    const struct mapping_list *values = &v->values;
    enum err err = E_OK;

    *text = (struct slice){NULL, 0};
    if (v->constant != NULL)
        *text = slice_of(v->constant);
    else if (v->ncolumns == 1)
        *text = mapping_trim(r->record->fields[v->columns[0].at]);
    else if (v->ncolumns > 1)
        err = join_columns(r, v, text);
    if (err != E_OK || text->n == 0)
        return (err);
    if (mapping_has(&v->unknown, *text)) {
        *text = (struct slice){NULL, 0};
        return (E_OK);
    }
    for (size_t i = 0; i < values->n; i += 2)
        if (mapping_same(slice_of(values->at[i]), *text)) {
            *text = slice_of(values->at[i + 1]);
            return (E_OK);
        }
    if (values->n == 0)
        return (E_OK);
    *text = (struct slice){NULL, 0};
    return (refuse(r, v->title, "VALUE_UNMAPPED",
        "is none of the values that the mapping explains"));
}

/* Read every text; one that is not understood does not hide the others. */
static enum err
read_texts(struct reading *r)
{
    enum err all = E_OK, err;

    for (size_t c = 0; c < ROWS_COLUMN_COUNT; c++) {
        err = read_text(r, &r->mapping->columns[c], &r->texts[c]);
        if (err == E_TOOBIG || err == E_NOMEM)
            return (err);
        all = err != E_OK ? err : all;
    }
    return (all);
}

static enum err
split_names(struct reading *r)
{
    enum rows_column field;
    enum err err = mapping_name_split(r->mapping, r->texts, r->arena, &field);

    if (err != E_INVAL)
        return (err);
    return (refuse(r, mapping_title(r->mapping, field), "SUFFIX_CONTRADICTORY",
        "has another suffix than stands elsewhere in the row"));
}

/* ---- the key ----------------------------------------------------------- */

/* Add a text to a digest, so that no two lists of texts are one. */
static int
digest_text(EVP_MD_CTX *digest, struct slice text)
{
    uint64_t n = text.n;

    return (EVP_DigestUpdate(digest, &n, sizeof(n)) == 1 &&
        (text.n == 0 || EVP_DigestUpdate(digest, text.p, text.n) == 1));
}

/* Names are one however they are written, as for the register. */
static int
digest_name(EVP_MD_CTX *digest, struct slice name)
{
    struct name_key key;

    if (name_key_make(name, &key) != E_OK)
        return (digest_text(digest, name));
    return (digest_text(digest, slice_of(key.main)));
}

static enum err
make_key(struct reading *r)
{
    unsigned names = 1u << ROWS_FAMILY | 1u << ROWS_GIVEN | 1u << ROWS_MIDDLE;
    uint8_t hash[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *digest;
    int ok;

    if (r->mapping->fold == 0 || r->texts[ROWS_NUMBER].n == 0)
        return (E_OK);
    if ((digest = EVP_MD_CTX_new()) == NULL)
        return (E_NOMEM);
    ok = EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1;
    for (unsigned c = 0; c < ROWS_COLUMN_COUNT && ok; c++)
        if (r->mapping->fold & 1u << c)
            ok = names & 1u << c ? digest_name(digest, r->texts[c]) :
                digest_text(digest, r->texts[c]);
    ok = ok && EVP_DigestFinal_ex(digest, hash, NULL) == 1;
    EVP_MD_CTX_free(digest);
    if (!ok)
        return (E_NOMEM);
    memcpy(r->made->key, hash, MAPPING_FOLD_KEY);
    r->made->keyed = 1;
    return (E_OK);
}

/* Is what tells credentials of one number apart there, and understood? */
static int
is_key_whole(const struct reading *r, enum err names)
{
    return (names == E_OK && r->texts[ROWS_FAMILY].n > 0 &&
        r->texts[ROWS_CREDENTIAL_TYPE].n > 0);
}

/* ---- dates ------------------------------------------------------------- */

static int
is_in_range(const struct mapping *m, struct civil date)
{
    return (civil_first_day(date) >= civil_first_day(m->earliest) &&
        civil_last_day(date) <= civil_last_day(m->latest));
}

/* Read a date; what is not known is not given. */
static enum err
read_date(const struct reading *r, const struct mapping_value *v,
    struct slice text, struct civil *date)
{
    static const char *plain[] = {"YYYY-MM-DD", "YYYY-MM", "YYYY"};
    static const struct mapping_list usual = {plain, COUNT(plain)};
    const struct mapping *m = r->mapping;
    const struct mapping_list *formats = v->formats.n > 0 ? &v->formats :
        m->formats.n > 0 ? &m->formats : &usual;
    enum mapping_policy policy = v->impossible != MAPPING_UNSAID ?
        v->impossible : m->impossible;
    int impossible = 0;

    *date = (struct civil){0};
    if (text.n == 0 || mapping_has(&m->unknown, text))
        return (E_OK);
    for (size_t i = 0; i < formats->n; i++) {
        enum err err = mapping_date_read(formats->at[i], text, date);

        if (err == E_OK && is_in_range(m, *date))
            return (E_OK);
        impossible = impossible || err != E_INVAL;
    }
    *date = (struct civil){0};
    if (impossible && policy == MAPPING_UNKNOWN)
        return (E_OK);
    return (refuse(r, v->title, "DATE_INVALID", impossible ?
        "is a day that cannot be: it does not exist, or is before the "
        "earliest or behind the latest that the mapping allows" :
        "is not written in any way that the mapping says dates are"));
}

/* Write the dates among the texts as the plain CSV has them. */
static enum err
read_dates(struct reading *r)
{
    static const enum rows_column dates[] = {ROWS_BIRTH_DATE, ROWS_ISSUED_ON,
        ROWS_EXPIRES_ON, ROWS_GRACE_UNTIL, ROWS_EFFECTIVE_ON};

    for (size_t i = 0; i < COUNT(dates); i++) {
        struct slice *text = &r->texts[dates[i]];
        struct civil date;
        char written[CIVIL_TEXT];
        const char *kept;
        enum err err;

        if ((err = read_date(r, &r->mapping->columns[dates[i]], *text,
            &date)) != E_OK)
            return (err);
        civil_format(date, written);
        if ((kept = arena_copy(r->arena, slice_of(written))) == NULL)
            return (no_memory(r));
        *text = slice_of(kept);
    }
    return (E_OK);
}

/* ---- periods ----------------------------------------------------------- */

static enum err
read_period_date(const struct reading *r, const struct mapping_value *v,
    Vouch__V1__Date *space, Vouch__V1__Date **date)
{
    struct civil civil;
    struct slice text;
    enum err err;

    if ((err = read_text(r, v, &text)) != E_OK ||
        (err = read_date(r, v, text, &civil)) != E_OK ||
        !civil_is_given(civil))
        return (err);
    vouch__v1__date__init(space);
    space->year = civil.year;
    space->month = civil.month;
    space->day = civil.day;
    *date = space;
    return (E_OK);
}

static enum err
read_periods(const struct reading *r, Vouch__V1__CredentialRow *row)
{
    struct periods *all;
    enum err err;

    if (r->mapping->nperiods == 0)
        return (E_OK);
    if ((all = arena_alloc(r->arena, sizeof(*all))) == NULL)
        return (no_memory(r));
    for (size_t i = 0; i < r->mapping->nperiods; i++) {
        const struct mapping_period *how = &r->mapping->periods[i];
        Vouch__V1__ValidityPeriod *p = &all->period[i];
        Vouch__V1__Date *dates = all->dates + 3 * i;

        vouch__v1__validity_period__init(p);
        p->kind = how->kind;
        if ((err = read_period_date(r, &how->from, &dates[0],
                &p->valid_from)) != E_OK ||
            (err = read_period_date(r, &how->until, &dates[1],
                &p->valid_until)) != E_OK ||
            (err = read_period_date(r, &how->grace, &dates[2],
                &p->grace_until)) != E_OK)
            return (err);
        if (p->grace_until != NULL && p->valid_until == NULL)
            return (refuse(r, how->grace.title, "GRACE_WITHOUT_END",
                "a grace is given, but the end of its period is not"));
        if (p->valid_from != NULL || p->valid_until != NULL)
            all->list[row->n_periods++] = p;
    }
    row->periods = all->list;
    return (E_OK);
}

/* ---- what it says ------------------------------------------------------ */

void
mapping_row_say(Vouch__V1__CredentialRow *row,
    const struct mapping_meaning *meaning)
{
    row->standing = meaning->standing;
    row->inactive_reason = meaning->inactive_reason;
    row->restriction = meaning->restriction;
    row->review = meaning->review;
    row->good_past_end_date = meaning->good_past_end_date;
}

struct mapping_meaning
mapping_row_meaning(const Vouch__V1__CredentialRow *row)
{
    return ((struct mapping_meaning){row->standing, row->inactive_reason,
        row->restriction, row->review, row->good_past_end_date});
}

static int
has_end(const Vouch__V1__CredentialRow *row)
{
    for (size_t i = 0; i < row->n_periods; i++)
        if (row->periods[i]->valid_until != NULL)
            return (1);
    return (0);
}

static enum err
read_status(const struct reading *r, Vouch__V1__CredentialRow *row)
{
    static const struct mapping_meaning unknown = {
        .standing = VOUCH__V1__STANDING__STANDING_UNKNOWN};
    const struct mapping *m = r->mapping;
    const struct mapping_meaning *meaning;
    struct mapping_meaning said;

    if (!m->has_status)
        return (E_OK);
    meaning = mapping_words_find(&m->status, r->texts[ROWS_STATUS],
        r->texts[ROWS_STATUS_REASON]);
    if (meaning == NULL) {
        if (m->status.unmapped != MAPPING_UNKNOWN)
            return (refuse(r, mapping_title(m, ROWS_STATUS), "STATUS_UNMAPPED",
                "the mapping does not say what this word, with this reason, "
                "means"));
        meaning = &unknown;
    }
    said = *meaning;
    if (m->has_no_end_date && !has_end(row))
        mapping_words_worse(&said, &m->no_end_date);
    mapping_row_say(row, &said);
    return (E_OK);
}

/* Is the case of this row open on the day of the file? */
static int
is_open(const struct reading *r, struct civil effective,
    struct civil complete)
{
    if (civil_is_given(effective) && civil_first_day(effective) > r->day)
        return (0);
    return (!civil_is_given(complete) || civil_last_day(complete) > r->day);
}

static enum err
read_case_date(const struct reading *r, const struct mapping_value *v,
    struct civil *date)
{
    struct slice text;
    enum err err;

    if ((err = read_text(r, v, &text)) != E_OK)
        return (err);
    return (read_date(r, v, text, date));
}

static enum err
read_case(const struct reading *r)
{
    static const struct mapping_meaning unknown = {
        .standing = VOUCH__V1__STANDING__STANDING_UNKNOWN};
    const struct mapping_case *c = &r->mapping->cases;
    const struct mapping_meaning *meaning;
    struct civil effective, complete;
    struct slice id, action;
    enum err err;

    if (!r->mapping->has_case)
        return (E_OK);
    if ((err = read_text(r, &c->id, &id)) != E_OK || id.n == 0)
        return (err);
    if ((err = read_text(r, &c->action, &action)) != E_OK ||
        (err = read_case_date(r, &c->effective, &effective)) != E_OK ||
        (err = read_case_date(r, &c->complete, &complete)) != E_OK)
        return (err);
    if (!is_open(r, effective, complete))
        return (E_OK);
    meaning = mapping_words_find(&c->words, action, (struct slice){NULL, 0});
    if (meaning == NULL && c->words.unmapped != MAPPING_UNKNOWN)
        return (refuse(r, c->action.title, "CASE_UNMAPPED",
            "the mapping does not say what an open case of this kind "
            "means"));
    r->made->open = meaning != NULL ? *meaning : unknown;
    return (E_OK);
}

/* ---- a record ---------------------------------------------------------- */

static enum err
check_needed(const struct reading *r)
{
    static const enum rows_column needed[] = {ROWS_NUMBER, ROWS_FAMILY,
        ROWS_CREDENTIAL_TYPE};

    for (size_t i = 0; i < COUNT(needed); i++)
        if (r->texts[needed[i]].n == 0)
            return (refuse(r, mapping_title(r->mapping, needed[i]),
                "FIELD_MISSING", "must be given"));
    return (E_OK);
}

/* The plain CSV's reader knows its own columns only. */
static enum err
make_row(struct reading *r)
{
    enum err err = rows_make(r->texts, r->record->line, r->arena,
        &r->made->row, r->fault);

    for (size_t c = 0; c < ROWS_COLUMN_COUNT && err == E_INVAL; c++)
        if (r->fault->column == rows_columns[c])
            r->fault->column = mapping_title(r->mapping, (enum rows_column)c);
    return (err);
}

enum err
mapping_row_read(const struct mapping *m, int32_t day,
    const struct csv_record *record, struct arena *arena,
    struct mapping_row *made, struct rows_fault *fault)
{
    struct reading r = {.mapping = m, .day = day, .record = record,
        .arena = arena, .made = made, .fault = fault};
    enum err texts, names, err;

    *made = (struct mapping_row){0};
    rows_fault_key(fault, r.texts[ROWS_CREDENTIAL_TYPE],
        r.texts[ROWS_NUMBER]);
    made->loose = m->fold != 0;
    if (record->nfields != m->fields) {
        err = refuse(&r, "", "WRONG_FIELD_COUNT", "");
        (void)snprintf(fault->description, sizeof(fault->description),
            "the line has %zu fields, and should have %zu", record->nfields,
            m->fields);
        return (err);
    }
    texts = read_texts(&r);
    if (texts != E_OK && texts != E_INVAL)
        return (texts);
    if ((names = split_names(&r)) == E_TOOBIG || names == E_NOMEM)
        return (names);
    made->loose = m->fold != 0 &&
        (texts != E_OK || !is_key_whole(&r, names));
    made->number = r.texts[ROWS_NUMBER];
    if ((err = make_key(&r)) != E_OK || (err = texts) != E_OK ||
        (err = names) != E_OK || (err = check_needed(&r)) != E_OK ||
        (err = read_dates(&r)) != E_OK || (err = make_row(&r)) != E_OK ||
        (err = read_periods(&r, made->row)) != E_OK ||
        (err = read_status(&r, made->row)) != E_OK ||
        (err = read_case(&r)) != E_OK)
        made->row = NULL;
    if (err == E_INVAL)
        rows_fault_key(fault, r.texts[ROWS_CREDENTIAL_TYPE],
            r.texts[ROWS_NUMBER]);
    return (err);
}
