#include "client/mapping_value.h"

#include <stdio.h>
#include <string.h>

#include "client/mapping_date.h"

static void
read_column(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    struct mapping_value *v = target;
    const char *name = "";

    mapping_schema_text(s, node, &name);
    if (v->ncolumns == MAPPING_JOIN_MAX) {
        mapping_faults_add(s->faults, node->place,
            "more than %d columns for one value", MAPPING_JOIN_MAX);
        return;
    }
    v->columns[v->ncolumns++] = (struct mapping_column){
        .place = node->place, .name = name};
}

static void
read_columns(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    if (!mapping_schema_is(s, node, MAPPING_LIST))
        return;
    for (const struct mapping_node *c = node->first; c != NULL; c = c->next)
        read_column(s, c, target);
}

/* Not mapping_schema_text(): nothing between them may be meant. */
static void
read_join(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    const char **join = target;

    if (mapping_schema_is(s, node, MAPPING_TEXT))
        *join = node->text;
}

static void
read_values(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    struct mapping_list *list = target;

    if (!mapping_schema_is(s, node, MAPPING_MAP))
        return;
    if (node->n > MAPPING_LIST_MAX) {
        mapping_faults_add(s->faults, node->place, "more than %d values",
            MAPPING_LIST_MAX);
        return;
    }
    if ((list->at = mapping_schema_alloc(s, 2 * node->n,
        sizeof(char *))) == NULL)
        return;
    for (const struct mapping_node *c = node->first; c != NULL; c = c->next) {
        for (size_t i = 0; i < list->n; i += 2)
            if (mapping_same(slice_of(list->at[i]), slice_of(c->key)))
                mapping_faults_add(s->faults, c->key_place,
                    "this value stands here twice");
        list->at[list->n] = c->key;
        list->at[list->n + 1] = "";
        mapping_schema_text(s, c, &list->at[list->n + 1]);
        list->n += 2;
    }
}

void
mapping_value_formats(struct mapping_schema *s,
    const struct mapping_node *node, void *target)
{
    struct mapping_list *list = target;
    const struct mapping_node *c = node->kind == MAPPING_LIST ?
        node->first : node;
    const char *why;

    mapping_schema_list(s, node, list);
    for (; c != NULL; c = node->kind == MAPPING_LIST ? c->next : NULL)
        if (c->kind == MAPPING_TEXT && c->text[0] != '\0' &&
            mapping_date_check(c->text, &why) != E_OK)
            mapping_faults_add(s->faults, c->place,
                "'%.40s' is no format of a date: %s", c->text, why);
}

void
mapping_value_policy(struct mapping_schema *s,
    const struct mapping_node *node, void *target)
{
    static const char *const words[] = {"reject", "unknown"};
    enum mapping_policy *policy = target;

    *policy = mapping_schema_choice(s, node, words, 2, 0) == 0 ?
        MAPPING_REJECT : MAPPING_UNKNOWN;
}

#define AT(member) offsetof(struct mapping_value, member)

static const struct mapping_schema_key text_keys[] = {
    {"column", read_column, 0}, {"columns", read_columns, 0},
    {"join", read_join, AT(join)},
    {"unknown", mapping_schema_list, AT(unknown)},
    {"values", read_values, AT(values)},
};

static const struct mapping_schema_key date_keys[] = {
    {"column", read_column, 0}, {"columns", read_columns, 0},
    {"join", read_join, AT(join)},
    {"unknown", mapping_schema_list, AT(unknown)},
    {"formats", mapping_value_formats, AT(formats)},
    {"impossible", mapping_value_policy, AT(impossible)},
};

/* What the file calls it, as faults of rows name it. */
static void
set_title(struct mapping_schema *s, struct mapping_value *v)
{
    size_t size = 1, n = 0;
    char *title;

    for (size_t i = 0; i < v->ncolumns; i++)
        size += strlen(v->columns[i].name) + 3;
    if ((title = mapping_schema_alloc(s, size, 1)) == NULL)
        return;
    for (size_t i = 0; i < v->ncolumns; i++)
        n += (size_t)snprintf(title + n, size - n, "%s%s",
            i > 0 ? " + " : "", v->columns[i].name);
    v->title = title;
}

static void
read_value(struct mapping_schema *s, const struct mapping_node *node,
    const struct mapping_schema_key *keys, size_t n, struct mapping_value *v)
{
    v->place = node->place;
    v->join = " ";
    if (node->kind == MAPPING_TEXT)
        read_column(s, node, v);
    else if (node->kind == MAPPING_LIST)
        read_columns(s, node, v);
    else if ((mapping_schema_map(s, node, keys, n, v) & 3) == 3)
        mapping_faults_add(s->faults, node->place,
            "either 'column' or 'columns' can be said, not both");
    if (v->ncolumns == 0)
        mapping_faults_add(s->faults, node->place,
            "the name of a column is missing");
    set_title(s, v);
}

void
mapping_value_text(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    read_value(s, node, text_keys, sizeof(text_keys) / sizeof(text_keys[0]),
        target);
}

void
mapping_value_date(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    read_value(s, node, date_keys, sizeof(date_keys) / sizeof(date_keys[0]),
        target);
}

void
mapping_value_constant(struct mapping_schema *s,
    const struct mapping_node *node, void *target)
{
    struct mapping_value *v = target;

    if (mapping_is_given(v)) {
        mapping_faults_add(s->faults, node->key_place,
            "'%s' comes from a column already", node->key);
        return;
    }
    *v = (struct mapping_value){.place = node->place, .title = ""};
    mapping_schema_text(s, node, &v->constant);
}
