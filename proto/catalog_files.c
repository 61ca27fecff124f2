#include "proto/catalog_files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/catalog_row.h"

/*
 * The files are read one after the other, each with all its faults before the
 * next: a reference leads to an earlier row's file or to its own, so that
 * faults come in file order without being kept.
 */
struct reading {
    struct arena *arena;
    struct catalog_report report;
    struct catalog_table associations;
    struct catalog_table types;
    struct catalog_table recognitions;
    struct catalog_table extensions;
};

/* Read the row of ${context}, check it, and store its message. */
typedef enum err row_fn(const struct reading *reading,
    const struct catalog_context *context, void **message);

static enum err
exhausted(const struct arena *arena)
{
    return (arena_exhausted(arena) ? E_TOOBIG : E_NOMEM);
}

/* A table that could not be read whole may hold what is not found in it. */
static int
is_nowhere(const struct catalog_table *table, const char *id)
{
    return (*id != '\0' && table->whole &&
        catalog_table_find(table, id) == NULL);
}

static void
check_double(const struct catalog_context *c, const char *id)
{
    const struct catalog_row *first = catalog_table_find(c->table, id);

    if (*id != '\0' && first != NULL && first != c->row)
        catalog_row_tell(c, "id", "is on line %ld already", first->line);
}

/*
 * A successor must exist, and following successors must not lead back here.
 * A chain that runs into a circle elsewhere is told there; it is followed no
 * further than there are rows.
 */
static void
check_successor(const struct catalog_context *c, const char *id,
    const char *successor_id)
{
    const struct catalog_row *row;
    const char *at = successor_id;

    if (strcmp(at, id) == 0 && *id != '\0') {
        catalog_row_tell(c, "successor_id", "is the row's own id");
        return;
    }
    if (is_nowhere(c->table, at)) {
        catalog_row_tell(c, "successor_id", "is not in this file");
        return;
    }
    for (size_t i = 0; i < c->table->nids && *at != '\0'; i++) {
        if (strcmp(at, id) == 0) {
            catalog_row_tell(c, "successor_id", "leads back to this row");
            return;
        }
        if ((row = catalog_table_find(c->table, at)) == NULL)
            return;
        at = catalog_table_cell(c->table, row, "successor_id");
    }
}

static enum err
add_association(const struct reading *r, const struct catalog_context *c,
    void **message)
{
    Vouch__V1__Association *a;
    enum err err;

    (void)r;
    if ((err = catalog_row_association(c, &a)) != E_OK)
        return (err);
    check_double(c, a->id);
    check_successor(c, a->id, a->successor_id);
    *message = a;
    return (E_OK);
}

static enum err
add_credential_type(const struct reading *r, const struct catalog_context *c,
    void **message)
{
    Vouch__V1__CredentialType *t;
    enum err err;

    if ((err = catalog_row_credential_type(c, &t)) != E_OK)
        return (err);
    check_double(c, t->id);
    if (is_nowhere(&r->associations, t->association_id))
        catalog_row_tell(c, "association_id", "is not in %s",
            r->associations.form->file);
    check_successor(c, t->id, t->successor_id);
    *message = t;
    return (E_OK);
}

/* The type in ${column} must be one of ${association_id}'s. */
static void
check_type(const struct reading *r, const struct catalog_context *c,
    const char *column, const char *type_id, const char *association_id)
{
    const struct catalog_row *row = catalog_table_find(&r->types, type_id);

    if (is_nowhere(&r->types, type_id))
        catalog_row_tell(c, column, "'%s' is not in %s", type_id,
            r->types.form->file);
    else if (row != NULL && strcmp(catalog_table_cell(&r->types, row,
        "association_id"), association_id) != 0)
        catalog_row_tell(c, column, "'%s' is not granted by '%s'", type_id,
            association_id);
}

static void
check_exceptions(const struct reading *r, const struct catalog_context *c,
    const Vouch__V1__Recognition *recognition)
{
    static const char column[] = "except_credential_type_ids";
    char **ids = recognition->except_credential_type_ids;

    if (*recognition->credential_type_id != '\0' &&
        recognition->n_except_credential_type_ids > 0)
        catalog_row_tell(c, column,
            "excepts from a single credential type: leave one of them empty");
    for (size_t i = 0; i < recognition->n_except_credential_type_ids; i++) {
        check_type(r, c, column, ids[i], recognition->association_id);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(ids[i], ids[j]) == 0) {
                catalog_row_tell(c, column, "'%s' is there twice", ids[i]);
                break;
            }
        }
    }
}

static enum err
add_recognition(const struct reading *r, const struct catalog_context *c,
    void **message)
{
    Vouch__V1__Recognition *recognition;
    enum err err;

    if ((err = catalog_row_recognition(c, &recognition)) != E_OK)
        return (err);
    check_double(c, recognition->id);
    if (is_nowhere(&r->associations, recognition->association_id))
        catalog_row_tell(c, "association_id", "is not in %s",
            r->associations.form->file);
    if (*recognition->credential_type_id != '\0')
        check_type(r, c, "credential_type_id",
            recognition->credential_type_id, recognition->association_id);
    check_exceptions(r, c, recognition);
    if (*recognition->recognizer != '\0' && strcmp(recognition->recognizer,
        recognition->association_id) == 0)
        catalog_row_tell(c, "recognizer",
            "is the association itself: nobody recognizes itself");
    *message = recognition;
    return (E_OK);
}

static enum err
add_extension(const struct reading *r, const struct catalog_context *c,
    void **message)
{
    Vouch__V1__Extension *extension;
    enum err err;

    if ((err = catalog_row_extension(c, &extension)) != E_OK)
        return (err);
    check_double(c, extension->id);
    if (is_nowhere(&r->associations, extension->association_id))
        catalog_row_tell(c, "association_id", "is not in %s",
            r->associations.form->file);
    if (*extension->credential_type_id != '\0')
        check_type(r, c, "credential_type_id",
            extension->credential_type_id, extension->association_id);
    *message = extension;
    return (E_OK);
}

/* Catalogs of before there were extensions have no file of them. */
static int
is_there(const char *dir, const struct catalog_form *form)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/%s", dir, form->file);

    return (n < 0 || (size_t)n >= sizeof(path) || access(path, F_OK) == 0 ||
        errno != ENOENT);
}

/* Read one file, row by row; each row's message goes to the row. */
static enum err
read_file(struct reading *r, const char *dir, const struct catalog_form *form,
    struct catalog_table *table, row_fn *add)
{
    struct catalog_context c = {r->arena, &r->report, table, NULL};
    enum err err;

    if ((err = catalog_table_read(form, dir, r->arena, &r->report,
        table)) != E_OK)
        return (err);
    for (struct catalog_row *row = table->rows; row != NULL;
        row = row->next) {
        c.row = row;
        if (row->nfields != form->ncolumns)
            catalog_row_tell(&c, "", "has %zu fields, the header has %zu",
                row->nfields, form->ncolumns);
        else if ((err = add(r, &c, &row->message)) != E_OK)
            return (err);
    }
    catalog_table_tell_end(table, &r->report);
    return (E_OK);
}

/* Room for one pointer a row of ${table}; not NULL, not even for none. */
static void *
room(const struct reading *r, const struct catalog_table *table)
{
    return (arena_alloc(r->arena, (table->nids + 1) * sizeof(void *)));
}

/* Nothing was wrong: every row has an id of its own, and a message. */
static enum err
collect(const struct reading *r, Vouch__V1__Catalog *catalog)
{
    vouch__v1__catalog__init(catalog);
    if ((catalog->associations = room(r, &r->associations)) == NULL ||
        (catalog->credential_types = room(r, &r->types)) == NULL ||
        (catalog->recognitions = room(r, &r->recognitions)) == NULL ||
        (catalog->extensions = room(r, &r->extensions)) == NULL)
        return (exhausted(r->arena));
    for (size_t i = 0; i < r->associations.nids; i++)
        catalog->associations[catalog->n_associations++] =
            r->associations.by_id[i]->message;
    for (size_t i = 0; i < r->types.nids; i++)
        catalog->credential_types[catalog->n_credential_types++] =
            r->types.by_id[i]->message;
    for (size_t i = 0; i < r->recognitions.nids; i++)
        catalog->recognitions[catalog->n_recognitions++] =
            r->recognitions.by_id[i]->message;
    for (size_t i = 0; i < r->extensions.nids; i++)
        catalog->extensions[catalog->n_extensions++] =
            r->extensions.by_id[i]->message;
    return (E_OK);
}

enum err
catalog_read(const char *dir, struct arena *arena, catalog_fault_fn *fn,
    void *cookie, Vouch__V1__Catalog **catalog)
{
    struct reading r = {.arena = arena, .report = {.fn = fn, .cookie = cookie}};
    Vouch__V1__Catalog *c;
    enum err err;

    *catalog = NULL;
    if ((err = read_file(&r, dir, &catalog_row_associations, &r.associations,
        add_association)) != E_OK ||
        (err = read_file(&r, dir, &catalog_row_credential_types, &r.types,
        add_credential_type)) != E_OK ||
        (err = read_file(&r, dir, &catalog_row_recognitions, &r.recognitions,
        add_recognition)) != E_OK)
        return (err);
    if (is_there(dir, &catalog_row_extensions) && (err = read_file(&r, dir,
        &catalog_row_extensions, &r.extensions, add_extension)) != E_OK)
        return (err);
    if (r.report.told > 0)
        return (r.report.unreadable ? E_IO : E_INVAL);
    if ((c = arena_alloc(arena, sizeof(*c))) == NULL)
        return (exhausted(arena));
    if ((err = collect(&r, c)) != E_OK)
        return (err);
    *catalog = c;
    return (E_OK);
}
