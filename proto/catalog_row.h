#ifndef PROTO_CATALOG_ROW_H
#define PROTO_CATALOG_ROW_H

/*
 * The rows of the catalog's files, one at a time, as messages.  What a row
 * alone shows to be wrong is told here; what takes other rows is not.
 */

#include "proto/catalog_table.h"

#include "vouch/v1/catalog.pb-c.h"

/* Between the ids of a cell that may hold several. */
#define CATALOG_ROW_SEPARATOR ";"

extern const struct catalog_form catalog_row_associations;
extern const struct catalog_form catalog_row_credential_types;
extern const struct catalog_form catalog_row_recognitions;
extern const struct catalog_form catalog_row_extensions;

/* What every reader of a row needs. */
struct catalog_context {
    struct arena *arena;
    struct catalog_report *report;
    const struct catalog_table *table;
    const struct catalog_row *row;
};

/**
 * catalog_row_tell(context, column, format, ...):
 * Tell a fault of the row of ${context}.
 */
void catalog_row_tell(const struct catalog_context *context,
    const char *column, const char *format, ...) PRINTF_LIKE(3, 4);

/**
 * catalog_row_association(context, association):
 * catalog_row_credential_type(context, type):
 * catalog_row_recognition(context, recognition):
 * catalog_row_extension(context, extension):
 * Read the row of ${context} into a new message in its arena.  Each fault is
 * told; a field with a fault keeps its default, ids are kept as they are.
 *
 * Fails: E_TOOBIG (the arena's cap), E_NOMEM.
 */
enum err MUST_USE catalog_row_association(
    const struct catalog_context *context,
    Vouch__V1__Association **association);
enum err MUST_USE catalog_row_credential_type(
    const struct catalog_context *context,
    Vouch__V1__CredentialType **type);
enum err MUST_USE catalog_row_recognition(
    const struct catalog_context *context,
    Vouch__V1__Recognition **recognition);
enum err MUST_USE catalog_row_extension(
    const struct catalog_context *context,
    Vouch__V1__Extension **extension);

#endif /* !PROTO_CATALOG_ROW_H */
