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

/* All kinds of row begin with their id. */
static const char *
id_of(const ProtobufCMessage *row)
{
    const ProtobufCFieldDescriptor *field = &row->descriptor->fields[0];
    const char *id = NULL;

    memcpy(&id, (const char *)row + field->offset, sizeof(id));
    return (id);
}

static int
by_id(const void *id, const void *row)
{
    const ProtobufCMessage *message = NULL;

    memcpy(&message, row, sizeof(message));
    return (strcmp(id, id_of(message)));
}

/* Return non-zero if the ids of the ${n} rows grow. */
static int
is_sorted(const void *rows, size_t n)
{
    const ProtobufCMessage *a = NULL;
    const ProtobufCMessage *b = NULL;
    size_t i;

    for (i = 1; i < n; i++) {
        memcpy(&a, (const char *)rows + (i - 1) * sizeof(a), sizeof(a));
        memcpy(&b, (const char *)rows + i * sizeof(b), sizeof(b));
        if (strcmp(id_of(a), id_of(b)) >= 0)
            return (0);
    }
    return (1);
}

static int
by_association(const void *a, const void *b)
{
    const Vouch__V1__Recognition *left = NULL;
    const Vouch__V1__Recognition *right = NULL;
    int order;

    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    order = strcmp(left->association_id, right->association_id);
    return (order != 0 ? order : strcmp(left->id, right->id));
}

static enum err
group_recognitions(struct catalog_index *index)
{
    size_t n = index->catalog->n_recognitions;

    index->recognitions = calloc(n + 1, sizeof(*index->recognitions));
    if (index->recognitions == NULL)
        return (E_NOMEM);
    if (n > 0) {
        memcpy(index->recognitions, index->catalog->recognitions,
            n * sizeof(*index->recognitions));
        qsort(index->recognitions, n, sizeof(*index->recognitions),
            by_association);
    }
    return (E_OK);
}

static int
by_extended(const void *a, const void *b)
{
    const Vouch__V1__Extension *left = NULL;
    const Vouch__V1__Extension *right = NULL;
    int order;

    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    order = strcmp(left->association_id, right->association_id);
    return (order != 0 ? order : strcmp(left->id, right->id));
}

static enum err
group_extensions(struct catalog_index *index)
{
    size_t n = index->catalog->n_extensions;

    index->extensions = calloc(n + 1, sizeof(*index->extensions));
    if (index->extensions == NULL)
        return (E_NOMEM);
    if (n > 0) {
        memcpy(index->extensions, index->catalog->extensions,
            n * sizeof(*index->extensions));
        qsort(index->extensions, n, sizeof(*index->extensions), by_extended);
    }
    return (E_OK);
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
    if ((err = group_recognitions(made)) != E_OK ||
        (err = group_extensions(made)) != E_OK)
        goto out;

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
    size_t count = index->catalog->n_recognitions;
    size_t low = 0;
    size_t high = count;
    size_t end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(index->recognitions[middle]->association_id,
            association_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < count; end++)
        if (strcmp(index->recognitions[end]->association_id,
            association_id) != 0)
            break;
    *n = end - low;
    return (index->recognitions + low);
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
    size_t count = index->catalog->n_extensions;
    size_t first = 0, end;

    while (first < count && strcmp(index->extensions[first]->association_id,
        association_id) != 0)
        first++;
    for (end = first; end < count; end++)
        if (strcmp(index->extensions[end]->association_id,
            association_id) != 0)
            break;
    *n = end - first;
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
