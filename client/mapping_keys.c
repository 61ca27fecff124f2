#include "client/mapping_keys.h"

#include <stdlib.h>
#include <string.h>

#include "client/encoding.h"
#include "client/mapping_value.h"
#include "client/mapping_words.h"
#include "proto/name_fold.h"

#define BIT(column) MAPPING_KEYS_BIT(column)

/* What may tell one credential from another. */
#define IDENTITY (MAPPING_KEYS_NEEDED | BIT(ROWS_HOLDER_REF) | \
    BIT(ROWS_GIVEN) | BIT(ROWS_MIDDLE) | BIT(ROWS_SUFFIX))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define AT(member) offsetof(struct mapping, member)

static void
read_format(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    static const char *const words[] = {"csv", "tsv"};
    struct mapping *m = target;
    size_t word = mapping_schema_choice(s, node, words, 2, 0);

    if (m->separator == '\0')       /* unless it was said already */
        m->separator = word == 1 ? '\t' : ',';
    if (m->quotes < 0)
        m->quotes = word == 0;
}

static void
read_encoding(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    const char **encoding = target;
    size_t i = mapping_schema_choice(s, node, encoding_names,
        encoding_count, 0);

    *encoding = encoding_names[i];
}

static void
read_separator(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    char *separator = target;

    if (!mapping_schema_is(s, node, MAPPING_TEXT))
        return;
    if (strlen(node->text) != 1 || strchr("\"\r\n", node->text[0]) != NULL ||
        (uint8_t)node->text[0] > 0x7e)
        mapping_faults_add(s->faults, node->place,
            "a separator is one ASCII character, as in \";\" or \"|\"");
    else
        *separator = node->text[0];
}

static void
read_fields(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    size_t *fields = target;
    char *end = NULL;

    if (!mapping_schema_is(s, node, MAPPING_TEXT))
        return;
    *fields = (size_t)strtoul(node->text, &end, 10);
    if (*end != '\0' || *fields < 1 || *fields > CSV_COLUMNS_MAX)
        mapping_faults_add(s->faults, node->place,
            "how many fields a line has is a number from 1 to %d",
            CSV_COLUMNS_MAX);
}

/* The names of fields, as keys of a map. */
static void
read_by_field(struct mapping_schema *s, const struct mapping_node *node,
    int constants, void *target)
{
    struct mapping_schema_key keys[ROWS_COLUMN_COUNT];

    for (int c = 0; c < ROWS_COLUMN_COUNT; c++) {
        keys[c].name = rows_columns[c];
        keys[c].offset = (size_t)c * sizeof(struct mapping_value);
        keys[c].read = constants ? mapping_value_constant :
            MAPPING_KEYS_DATES & BIT(c) ? mapping_value_date :
            mapping_value_text;
    }
    (void)mapping_schema_map(s, node, keys, ROWS_COLUMN_COUNT, target);
}

static void
read_columns(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    read_by_field(s, node, 0, target);
}

static void
read_constants(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    read_by_field(s, node, 1, target);
}

/* Read names of fields, of those in ${allowed}, into bits. */
static unsigned
read_field_names(struct mapping_schema *s, const struct mapping_node *node,
    unsigned allowed)
{
    const struct mapping_node *c = node->kind == MAPPING_LIST ?
        node->first : node;
    const char *names[ROWS_COLUMN_COUNT];
    unsigned bits = 0;
    size_t n = 0, i;

    for (i = 0; i < ROWS_COLUMN_COUNT; i++)
        if (allowed & BIT(i))
            names[n++] = rows_columns[i];
    for (; c != NULL; c = node->kind == MAPPING_LIST ? c->next : NULL) {
        i = mapping_schema_choice(s, c, names, n, n);
        for (size_t f = 0; i < n && f < ROWS_COLUMN_COUNT; f++)
            if (rows_columns[f] == names[i])
                bits |= BIT(f);
    }
    return (bits);
}

static void
read_absent(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    unsigned *absent = target;

    *absent = read_field_names(s, node, MAPPING_KEYS_NEEDED);
}

static void
read_day(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    struct civil *day = target, read;

    if (!mapping_schema_is(s, node, MAPPING_TEXT))
        return;
    if (civil_parse(node->text, &read) != E_OK || !civil_is_whole(read))
        mapping_faults_add(s->faults, node->place,
            "a day is written YYYY-MM-DD here");
    else
        *day = read;
}

static void
read_dates(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    static const struct mapping_schema_key keys[] = {
        {"formats", mapping_value_formats, AT(formats)},
        {"unknown", mapping_schema_list, AT(unknown)},
        {"earliest", read_day, AT(earliest)},
        {"latest", read_day, AT(latest)},
        {"impossible", mapping_value_policy, AT(impossible)},
    };
    struct mapping *m = target;

    (void)mapping_schema_map(s, node, keys, COUNT(keys), m);
    if (civil_first_day(m->earliest) > civil_first_day(m->latest))
        mapping_faults_add(s->faults, node->place,
            "'earliest' is behind 'latest'");
}

static void
read_kind(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    Vouch__V1__PeriodKind *kind = target;

    *kind = (Vouch__V1__PeriodKind)mapping_schema_enum(s, node,
        &vouch__v1__period_kind__descriptor);
}

static void
read_period(struct mapping_schema *s, const struct mapping_node *node,
    struct mapping_period *period)
{
    static const struct mapping_schema_key keys[] = {
        {"kind", read_kind, offsetof(struct mapping_period, kind)},
        {"from", mapping_value_date, offsetof(struct mapping_period, from)},
        {"until", mapping_value_date, offsetof(struct mapping_period, until)},
        {"grace", mapping_value_date, offsetof(struct mapping_period, grace)},
    };
    uint64_t seen = mapping_schema_map(s, node, keys, COUNT(keys), period);

    period->place = node->place;
    if (node->kind != MAPPING_MAP)
        return;
    if (!(seen & 1))
        mapping_faults_add(s->faults, node->place,
            "the key 'kind' is missing: certification, registration or "
            "membership_fee");
    if (!(seen & 4))
        mapping_faults_add(s->faults, node->place,
            "the key 'until' is missing");
}

static void
read_periods(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    struct mapping *m = target;

    if (!mapping_schema_is(s, node, MAPPING_LIST))
        return;
    for (const struct mapping_node *c = node->first; c != NULL; c = c->next) {
        if (m->nperiods == MAPPING_PERIODS_MAX) {
            mapping_faults_add(s->faults, c->place,
                "more than %d periods", MAPPING_PERIODS_MAX);
            return;
        }
        read_period(s, c, &m->periods[m->nperiods++]);
    }
}

static void
read_suffixes(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    const struct mapping_node *c = node->kind == MAPPING_LIST ?
        node->first : node;

    mapping_schema_list(s, node, target);
    for (; c != NULL; c = node->kind == MAPPING_LIST ? c->next : NULL)
        if (c->kind == MAPPING_TEXT && c->text[0] != '\0' &&
            name_suffix(slice_of(c->text)) <= 0)
            mapping_faults_add(s->faults, c->place, "'%.40s' names no "
                "generation; JR, SR, II, III, IV and V do", c->text);
}

static void
read_parentheses(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    static const char *const words[] = {"keep", "drop", "former"};
    enum mapping_parentheses *p = target;

    *p = (enum mapping_parentheses)mapping_schema_choice(s, node, words, 3,
        0);
}

static void
read_middle(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    static const char *const words[] = {"keep", "initial", "rest"};
    enum mapping_middle *middle = target;

    *middle = (enum mapping_middle)mapping_schema_choice(s, node, words, 3,
        0);
}

static const struct mapping_schema_key name_keys[] = {
    {"suffixes", read_suffixes, offsetof(struct mapping_name, suffixes)},
    {"degrees", mapping_schema_list, offsetof(struct mapping_name, degrees)},
    {"parentheses", read_parentheses,
        offsetof(struct mapping_name, parentheses)},
    {"middle", read_middle, offsetof(struct mapping_name, middle)},
};

static void
read_family(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    (void)mapping_schema_map(s, node, name_keys, COUNT(name_keys) - 1,
        target);
}

static void
read_given(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    struct mapping_name *given = target;

    (void)mapping_schema_map(s, node, name_keys, COUNT(name_keys), given);
    if (given->parentheses == MAPPING_PARENTHESES_FORMER)
        mapping_faults_add(s->faults, node->place,
            "former names are family names: 'keep' or 'drop'");
}

static void
read_names(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    static const struct mapping_schema_key keys[] = {
        {"family", read_family, AT(family)},
        {"given", read_given, AT(given)},
    };

    (void)mapping_schema_map(s, node, keys, COUNT(keys), target);
}

static void
read_key(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    struct mapping *m = target;

    m->fold = read_field_names(s, node, IDENTITY);
    if (m->fold != 0 && !(m->fold & BIT(ROWS_NUMBER)))
        mapping_faults_add(s->faults, node->place,
            "rows of one credential have its number: 'number' must be in "
            "the key");
}

static void
read_cases(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    static const struct mapping_schema_key keys[] = {
        {"id", mapping_value_text, offsetof(struct mapping_case, id)},
        {"action", mapping_value_text, offsetof(struct mapping_case, action)},
        {"effective", mapping_value_date,
            offsetof(struct mapping_case, effective)},
        {"complete", mapping_value_date,
            offsetof(struct mapping_case, complete)},
        {"open", mapping_words_case, offsetof(struct mapping_case, words)},
        {"unmapped", mapping_value_policy,
            offsetof(struct mapping_case, words.unmapped)},
    };
    struct mapping *m = target;
    uint64_t seen = mapping_schema_map(s, node, keys, COUNT(keys), &m->cases);

    m->has_case = 1;
    for (size_t i = 0; i < 5 && node->kind == MAPPING_MAP; i++)
        if (i != 2 && !(seen & (uint64_t)1 << i))
            mapping_faults_add(s->faults, node->place,
                "the key '%s' is missing", keys[i].name);
}

static void
read_fold(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    static const struct mapping_schema_key keys[] = {
        {"key", read_key, 0}, {"cases", read_cases, 0},
    };
    uint64_t seen = mapping_schema_map(s, node, keys, COUNT(keys), target);

    if (node->kind == MAPPING_MAP && !(seen & 1))
        mapping_faults_add(s->faults, node->place, "the key 'key' is "
            "missing: which fields tell one credential from another?");
}

uint64_t
mapping_keys_read(struct mapping_schema *s, const struct mapping_node *root,
    struct mapping *m)
{
    /* The three that must be there come first: see the header. */
    static const struct mapping_schema_key keys[] = {
        {"format", read_format, 0}, {"encoding", read_encoding, AT(encoding)},
        {"columns", read_columns, AT(columns)},
        {"separator", read_separator, AT(separator)},
        {"quotes", mapping_schema_yes, AT(quotes)},
        {"header", mapping_schema_yes, AT(has_header)},
        {"fields", read_fields, AT(fields)},
        {"absent", read_absent, AT(absent)},
        {"constants", read_constants, AT(columns)},
        {"dates", read_dates, 0}, {"periods", read_periods, 0},
        {"names", read_names, 0}, {"status", mapping_words_status, 0},
        {"fold", read_fold, 0},
    };

    return (mapping_schema_map(s, root, keys, COUNT(keys), m));
}
