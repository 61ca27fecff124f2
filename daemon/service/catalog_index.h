#ifndef SERVICE_CATALOG_INDEX_H
#define SERVICE_CATALOG_INDEX_H

/*
 * The catalog in memory: made once, never changed, shared by all threads.
 */

#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/number.h"

#include "vouch/v1/catalog.pb-c.h"

/* Opaque types. */
struct catalog_index;

/**
 * catalog_index_create(bytes, index):
 * Decode the vouch.v1.Catalog in ${bytes} and store an index over it in
 * ${*index}.  The caller owns it; free with catalog_index_free().  ${bytes}
 * are not needed any longer.
 *
 * Fails: E_CORRUPT (not a catalog, a list that is not sorted by id, or an id
 * twice), E_NOMEM.  On failure ${*index} is NULL.
 */
enum err MUST_USE catalog_index_create(struct slice bytes,
    struct catalog_index **index);

/**
 * catalog_index_catalog(index):
 * Return the catalog, each list by id; borrowed, as is everything below,
 * until catalog_index_free().
 */
const Vouch__V1__Catalog *catalog_index_catalog(
    const struct catalog_index *index);

/**
 * catalog_index_place(index, id):
 * Return the place of the association ${id} in the catalog's list, or -1.
 */
int catalog_index_place(const struct catalog_index *index, const char *id);

/**
 * catalog_index_association(index, id) and catalog_index_type(index, id):
 * Return what has that id, or NULL.
 */
const Vouch__V1__Association *catalog_index_association(
    const struct catalog_index *index, const char *id);
const Vouch__V1__CredentialType *catalog_index_type(
    const struct catalog_index *index, const char *id);

/**
 * catalog_index_type_place(index, id):
 * Return the place of the credential type ${id} in the catalog's list, or -1.
 */
int catalog_index_type_place(const struct catalog_index *index,
    const char *id);

/**
 * catalog_index_recognitions(index, association_id, n):
 * Return every recognition of ${association_id} or of one of its credential
 * types, by id, and their number in ${*n}.
 */
Vouch__V1__Recognition *const *catalog_index_recognitions(
    const struct catalog_index *index, const char *association_id, size_t *n);

/**
 * catalog_index_extensions(index, association_id, n):
 * Return every extension of ${association_id}, by id, and their number in
 * ${*n}.
 */
Vouch__V1__Extension *const *catalog_index_extensions(
    const struct catalog_index *index, const char *association_id, size_t *n);

/**
 * catalog_index_recognizes(index, recognizer):
 * Return non-zero if any recognition in the catalog is by ${recognizer}.
 */
int catalog_index_recognizes(const struct catalog_index *index,
    const char *recognizer);

/**
 * catalog_index_number_rules(association):
 * Return how numbers of ${association} are compared.
 */
struct number_rules catalog_index_number_rules(
    const Vouch__V1__Association *association);

/**
 * catalog_index_free(index):
 * Free ${index}; NULL is allowed.
 */
void catalog_index_free(struct catalog_index *index);

#endif /* !SERVICE_CATALOG_INDEX_H */
