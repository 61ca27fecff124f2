#include "service/catalog_index.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

/* A catalog comes out of our own log: the limits only stop a corrupt one. */
#define CATALOG_ARENA_MAX ((size_t)256 * 1024 * 1024)
#define CATALOG_ELEMENTS_MAX 1000000
#define CATALOG_FIELDS_MAX 100000000

struct catalog_index {
    struct arena *arena;                        /* owned; holds the catalog */
    Vouch__V1__Catalog *catalog;                /* in the arena */
    Vouch__V1__Recognition **recognitions;      /* owned; by association, id */
    Vouch__V1__Extension **extensions;          /* owned; by association, id */
};

/* The row that is meant by an element of a list of pointers to rows. */
static const ProtobufCMessage *
row_at(const void *element)
{
    const ProtobufCMessage *row = NULL;

    memcpy(&row, element, sizeof(row));
    return (row);
}

static const char *
text_of(const ProtobufCMessage *row, unsigned field)
{
    const char *text = NULL;

    memcpy(&text, (const char *)row + row->descriptor->fields[field].offset,
        sizeof(text));
    return (text);
}

/* All kinds of row begin with their id. */
static const char *
id_of(const ProtobufCMessage *row)
{
    return (text_of(row, 0));
}

/* Recognitions and extensions then name their association. */
static const char *
association_of(const ProtobufCMessage *row)
{
    return (text_of(row, 1));
}

static int
by_id(const void *id, const void *element)
{
    return (strcmp(id, id_of(row_at(element))));
}

/* Return non-zero if the ids of the ${n} rows grow. */
static int
is_sorted(const void *rows, size_t n)
{
    const char *list = rows;
    size_t i;

    for (i = 1; i < n; i++)
        if (strcmp(id_of(row_at(list + (i - 1) * sizeof(void *))),
            id_of(row_at(list + i * sizeof(void *)))) >= 0)
            return (0);
    return (1);
}

static int
by_association(const void *a, const void *b)
{
    int order = strcmp(association_of(row_at(a)), association_of(row_at(b)));

    return (order != 0 ? order : strcmp(id_of(row_at(a)), id_of(row_at(b))));
}

/* Copy the ${n} ${rows}, by association; NULL if there is no memory. */
static void *
group(const void *rows, size_t n)
{
    void *grouped = calloc(n + 1, sizeof(void *));

    if (grouped == NULL || n == 0)
        return (grouped);
    memcpy(grouped, rows, n * sizeof(void *));
    qsort(grouped, n, sizeof(void *), by_association);
    return (grouped);
}

/* Find those of ${association} among ${n} grouped rows. */
static size_t
find_group(const void *grouped, size_t n, const char *association,
    size_t *count)
{
    const char *list = grouped;
    size_t low = 0, high = n, end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(association_of(row_at(list + middle * sizeof(void *))),
            association) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < n; end++)
        if (strcmp(association_of(row_at(list + end * sizeof(void *))),
            association) != 0)
            break;
    *count = end - low;
    return (low);
}

static enum err
decode(struct catalog_index *index, struct slice bytes)
{
    const struct message_limits limits = {.depth = 8,
        .elements = CATALOG_ELEMENTS_MAX, .fields = CATALOG_FIELDS_MAX};
    struct message_fault fault;
    ProtobufCMessage *message = NULL;
    const Vouch__V1__Catalog *c;
    enum err err;

    err = message_decode(&vouch__v1__catalog__descriptor, bytes, &limits,
        index->arena, &message, &fault);
    if (err != E_OK)
        return (err == E_NOMEM ? E_NOMEM : E_CORRUPT);
    index->catalog = (Vouch__V1__Catalog *)message;
    c = index->catalog;
    if (!is_sorted(c->associations, c->n_associations) ||
        !is_sorted(c->credential_types, c->n_credential_types) ||
        !is_sorted(c->recognitions, c->n_recognitions) ||
        !is_sorted(c->extensions, c->n_extensions) ||
        c->n_associations > INT_MAX || c->n_credential_types > INT_MAX)
        return (E_CORRUPT);
    return (E_OK);
}

enum err
catalog_index_create(struct slice bytes, struct catalog_index **index)
{
    struct catalog_index *made = NULL;
    enum err err = E_NOMEM;

    *index = NULL;

    if ((made = calloc(1, sizeof(*made))) == NULL)
        goto out;
    if ((err = arena_create(CATALOG_ARENA_MAX, &made->arena)) != E_OK)
        goto out;
    if ((err = decode(made, bytes)) != E_OK)
        goto out;
    err = E_NOMEM;
    made->recognitions = group(made->catalog->recognitions,
        made->catalog->n_recognitions);
    made->extensions = group(made->catalog->extensions,
        made->catalog->n_extensions);
    if (made->recognitions == NULL || made->extensions == NULL)
        goto out;
    err = E_OK;

    *index = made;
    made = NULL;

out:
    catalog_index_free(made);
    return (err);
}

const Vouch__V1__Catalog *
catalog_index_catalog(const struct catalog_index *index)
{
    return (index->catalog);
}

int
catalog_index_place(const struct catalog_index *index, const char *id)
{
    const Vouch__V1__Catalog *c = index->catalog;
    Vouch__V1__Association **found;

    if (c->n_associations == 0)
        return (-1);
    found = bsearch(id, c->associations, c->n_associations, sizeof(*found),
        by_id);
    return (found == NULL ? -1 : (int)(found - c->associations));
}

const Vouch__V1__Association *
catalog_index_association(const struct catalog_index *index, const char *id)
{
    int place = catalog_index_place(index, id);

    return (place < 0 ? NULL : index->catalog->associations[place]);
}

int
catalog_index_type_place(const struct catalog_index *index, const char *id)
{
    const Vouch__V1__Catalog *c = index->catalog;
    Vouch__V1__CredentialType **found;

    if (c->n_credential_types == 0)
        return (-1);
    found = bsearch(id, c->credential_types, c->n_credential_types,
        sizeof(*found), by_id);
    return (found == NULL ? -1 : (int)(found - c->credential_types));
}

const Vouch__V1__CredentialType *
catalog_index_type(const struct catalog_index *index, const char *id)
{
    int place = catalog_index_type_place(index, id);

    return (place < 0 ? NULL : index->catalog->credential_types[place]);
}

Vouch__V1__Recognition *const *
catalog_index_recognitions(const struct catalog_index *index,
    const char *association_id, size_t *n)
{
    size_t first = find_group(index->recognitions,
        index->catalog->n_recognitions, association_id, n);

    return (index->recognitions + first);
}

int
catalog_index_recognizes(const struct catalog_index *index,
    const char *recognizer)
{
    size_t i;

    for (i = 0; i < index->catalog->n_recognitions; i++)
        if (strcmp(index->recognitions[i]->recognizer, recognizer) == 0)
            return (1);
    return (0);
}

/* There are a handful at most. */
Vouch__V1__Extension *const *
catalog_index_extensions(const struct catalog_index *index,
    const char *association_id, size_t *n)
{
    size_t first = find_group(index->extensions, index->catalog->n_extensions,
        association_id, n);

    return (index->extensions + first);
}

struct number_rules
catalog_index_number_rules(const Vouch__V1__Association *association)
{
    struct number_rules rules = {0};

    if (association->number != NULL) {
        rules.fold_case = association->number->fold_case;
        rules.drop_separators = association->number->drop_separators;
        rules.drop_leading_zeros = association->number->drop_leading_zeros;
    }
    return (rules);
}

void
catalog_index_free(struct catalog_index *index)
{
    if (index == NULL)
        return;
    free(index->recognitions);
    free(index->extensions);
    arena_free(index->arena);
    free(index);
}
