#include "client/mapping.h"

#include <stdlib.h>
#include <string.h>

#include "client/mapping_keys.h"
#include "proto/nearest.h"

/* Room for what a mapping of the longest kind is made of. */
#define MEMORY ((size_t)16 << 20)

/* ---- words and lists --------------------------------------------------- */

static uint8_t
lower(uint8_t c)
{
    return (c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c);
}

int
mapping_same(struct slice a, struct slice b)
{
    if (a.n != b.n)
        return (0);
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return (0);
    return (1);
}

struct slice
mapping_trim(struct slice s)
{
    size_t n = SIZE_MAX;

    while (n != s.n) {
        n = s.n;
        while (s.n > 0 && strchr(" \t\r\n", s.p[0]) != NULL)
            s.p++, s.n--;
        while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
            s.n--;
        if (s.n >= 2 && memcmp(s.p, "\xc2\xa0", 2) == 0)
            s.p += 2, s.n -= 2;
        if (s.n >= 2 && memcmp(s.p + s.n - 2, "\xc2\xa0", 2) == 0)
            s.n -= 2;
    }
    return (s);
}

int
mapping_has(const struct mapping_list *list, struct slice text)
{
    for (size_t i = 0; i < list->n; i++)
        if (mapping_same(slice_of(list->at[i]), text))
            return (1);
    return (0);
}

int
mapping_is_given(const struct mapping_value *value)
{
    return (value->constant != NULL || value->ncolumns > 0);
}

/* ---- what no key shows by itself --------------------------------------- */

/* Call ${fn} for each place of ${m} that may name columns. */
static void
each_value(struct mapping *m, void (*fn)(void *cookie,
    struct mapping_value *value), void *cookie)
{
    for (size_t i = 0; i < ROWS_COLUMN_COUNT; i++)
        fn(cookie, &m->columns[i]);
    for (size_t i = 0; i < m->nperiods; i++) {
        fn(cookie, &m->periods[i].from);
        fn(cookie, &m->periods[i].until);
        fn(cookie, &m->periods[i].grace);
    }
    fn(cookie, &m->cases.id);
    fn(cookie, &m->cases.action);
    fn(cookie, &m->cases.effective);
    fn(cookie, &m->cases.complete);
}

struct binding {
    const struct mapping *mapping;
    const struct csv_record *record;
    struct mapping_faults *faults;
};

/* Without a header a column is its number. */
static void
check_number(void *cookie, struct mapping_value *v)
{
    struct binding *b = cookie;

    for (size_t i = 0; i < v->ncolumns; i++) {
        char *end = NULL;
        unsigned long n = strtoul(v->columns[i].name, &end, 10);

        if (*end != '\0' || n < 1 || n > b->mapping->fields)
            mapping_faults_add(b->faults, v->columns[i].place,
                "without a header a column is its number, from 1 to %zu",
                b->mapping->fields);
        else
            v->columns[i].at = (size_t)n - 1;
    }
}

/* The places of the keys at the top, for what they lack. */
struct top {
    struct mapping_place root, columns, fields, status, periods;
};

static void
check_header(struct mapping *m, const struct top *top,
    struct mapping_faults *faults)
{
    struct binding b = {m, NULL, faults};

    if (m->has_header && m->fields > 0)
        mapping_faults_add(faults, top->fields,
            "the header says how many fields there are; 'fields' is for "
            "files without one");
    if (!m->has_header && m->fields == 0)
        mapping_faults_add(faults, top->root, "the key 'fields' is missing: "
            "without a header, how many fields has a line?");
    else if (!m->has_header)
        each_value(m, check_number, &b);
}

static void
check_needed(const struct mapping *m, const struct top *top,
    struct mapping_faults *faults)
{
    for (unsigned c = 0; c < ROWS_COLUMN_COUNT; c++) {
        int given = mapping_is_given(&m->columns[c]);
        int absent = (m->absent & MAPPING_KEYS_BIT(c)) != 0;

        if (absent && given)
            mapping_faults_add(faults, m->columns[c].place,
                "'%s' is listed as absent", rows_columns[c]);
        if ((MAPPING_KEYS_NEEDED & MAPPING_KEYS_BIT(c)) && !given && !absent)
            mapping_faults_add(faults, top->columns, "nothing says where "
                "'%s' comes from: name its column, or a constant%s",
                rows_columns[c], c == ROWS_NUMBER ? "; if the file has no "
                "such thing, 'absent: [number]' rejects each row for it" :
                "");
    }
}

static void
check_whole(const struct mapping *m, const struct top *top,
    struct mapping_faults *faults)
{
    const struct mapping_value *v = m->columns;

    if (m->nperiods > 0 && (mapping_is_given(&v[ROWS_EXPIRES_ON]) ||
        mapping_is_given(&v[ROWS_GRACE_UNTIL])))
        mapping_faults_add(faults, top->periods,
            "either 'periods' or the columns 'expires_on' and 'grace_until' "
            "can be said, not both");
    if (m->has_status && !mapping_is_given(&v[ROWS_STATUS]))
        mapping_faults_add(faults, top->status,
            "words are explained, but nothing says where 'status' comes "
            "from: name its column, or a constant");
    for (unsigned c = 0; c < ROWS_COLUMN_COUNT; c++)
        if ((MAPPING_KEYS_DATES & MAPPING_KEYS_BIT(c)) && v[c].constant != NULL)
            mapping_faults_add(faults, v[c].place,
                "a date cannot be a constant");
}

static void
check(struct mapping *m, const struct top *top, uint64_t seen,
    struct mapping_faults *faults)
{
    static const char *const must[MAPPING_KEYS_MUST] = {"format", "encoding",
        "columns"};

    for (size_t i = 0; i < MAPPING_KEYS_MUST; i++)
        if (!(seen & (uint64_t)1 << i))
            mapping_faults_add(faults, top->root, "the key '%s' is missing",
                must[i]);
    check_header(m, top, faults);
    check_needed(m, top, faults);
    check_whole(m, top, faults);
}

/* ---- the whole --------------------------------------------------------- */

static struct mapping_place
place_of_key(const struct mapping_node *root, const char *key)
{
    for (const struct mapping_node *c = root->first; c != NULL; c = c->next)
        if (c->key != NULL && strcmp(c->key, key) == 0)
            return (c->key_place);
    return (root->place);
}

/* Read all of it; ${type} as mapping_parse() has it. */
static void
read_root(struct mapping_schema *s, const struct mapping_node *root,
    const char *type, struct mapping *m)
{
    const struct top top = {root->place, place_of_key(root, "columns"),
        place_of_key(root, "fields"), place_of_key(root, "status"),
        place_of_key(root, "periods")};
    uint64_t seen = mapping_keys_read(s, root, m);

    if (root->kind != MAPPING_MAP)
        return;
    if (type != NULL)
        m->columns[ROWS_CREDENTIAL_TYPE] = (struct mapping_value){
            .constant = type, .title = ""};
    check(m, &top, seen, s->faults);
}

enum err
mapping_parse(struct slice bytes, const char *type,
    struct mapping_faults *faults, struct mapping **mapping)
{
    struct mapping_schema s = {.faults = faults};
    const struct mapping_node *root;
    struct mapping *m = NULL;
    enum err err;

    *mapping = NULL;
    if ((err = arena_create(MEMORY, &s.arena)) != E_OK)
        goto out;
    err = E_NOMEM;
    if ((m = arena_alloc(s.arena, sizeof(*m))) == NULL)
        goto out;
    *m = (struct mapping){.arena = s.arena, .has_header = 1, .quotes = -1,
        .earliest = {1850, 1, 1}, .latest = {2199, 12, 31}};
    if ((err = mapping_yaml_read(bytes, s.arena, faults, &root)) != E_OK)
        goto out;
    read_root(&s, root, type, m);
    if ((err = s.err) == E_OK && faults->n > 0)
        err = E_INVAL;
    if (err != E_OK)
        goto out;
    *mapping = m;
    s.arena = NULL;

out:
    arena_free(s.arena);
    return (err);
}

static void
bind_value(void *cookie, struct mapping_value *v)
{
    const struct binding *b = cookie;
    const char *names[CSV_COLUMNS_MAX];

    for (size_t i = 0; i < v->ncolumns; i++) {
        struct mapping_column *c = &v->columns[i];
        struct slice name = rows_trim(slice_of(c->name));
        size_t found = 0;

        for (size_t f = 0; f < b->record->nfields; f++) {
            names[f] = (const char *)b->record->fields[f].p;
            if (slice_equal(rows_trim(b->record->fields[f]), name)) {
                c->at = f;
                found++;
            }
        }
        if (found == 0)
            mapping_faults_add(b->faults, c->place, "the file has no column "
                "'%.80s'; did you mean '%.80s'?", c->name,
                nearest_of(c->name, names, b->record->nfields));
        else if (found > 1)
            mapping_faults_add(b->faults, c->place, "the file has %zu "
                "columns '%.80s': which one is meant?", found, c->name);
    }
}

enum err
mapping_bind(struct mapping *m, const struct csv_record *record,
    struct mapping_faults *faults)
{
    struct binding b = {m, record, faults};

    if (m->has_header) {
        m->fields = record->nfields;
        each_value(m, bind_value, &b);
    }
    return (faults->n > 0 ? E_INVAL : E_OK);
}

const char *
mapping_title(const struct mapping *m, enum rows_column column)
{
    const struct mapping_value *v = &m->columns[column];

    if (column == ROWS_EXPIRES_ON && m->nperiods > 0)
        v = &m->periods[0].until;
    if (column == ROWS_GRACE_UNTIL && m->nperiods > 0)
        v = &m->periods[0].grace;
    return (v->title != NULL && v->title[0] != '\0' ? v->title :
        rows_columns[column]);
}

void
mapping_free(struct mapping *m)
{
    if (m != NULL)
        arena_free(m->arena);
}
