#include <stdlib.h>
#include <string.h>

#include "methods.gen.h"
#include "service/authorization.h"
#include "service/internal.h"

/* A method with two rows does not compile. */
#define ROW(name, who, how) ROW_##name,
enum row { AUTHORIZATION(ROW) ROW_COUNT };
#undef ROW

/* Nor does one without a row. */
#define X(name) + (ROW_##name >= 0)
_Static_assert(0 METHODS(X) == (int)ROW_COUNT, "a row for each method");
#undef X

/*
 * Whose answers may be compressed: what the catalog and the schema say, which
 * every role may read in full.  Not those of verifications, whose lengths must
 * tell nothing, nor those with records in them.
 */
#define IS_PUBLIC(row)                                                      \
    ((row) == ROW_grpc_reflection_v1_ServerReflection_ServerReflectionInfo  \
    || (row) ==                                                             \
    ROW_grpc_reflection_v1alpha_ServerReflection_ServerReflectionInfo       \
    || (row) == ROW_vouch_v1_CatalogService_GetAssociation                  \
    || (row) == ROW_vouch_v1_CatalogService_ListAssociations                \
    || (row) == ROW_vouch_v1_CatalogService_ListCredentialTypes)

/* Whose lone answers are padded: by a verdict's length one could read it. */
#define IS_SECRET(row)                                                      \
    ((row) == ROW_vouch_v1_VerificationService_VerifyCredential)

/* Nor a row without a method: it has no FACTS. */
#define ROW(name, who, how)                                                 \
    [ROW_##name] = {FACTS_##name, .roles = (who), .ops = &how,              \
        .compress = IS_PUBLIC(ROW_##name),                                  \
        .hide_length = IS_SECRET(ROW_##name)},
static const struct method methods[] = {AUTHORIZATION(ROW)};
#undef ROW

#define METHOD_COUNT (sizeof(methods) / sizeof(methods[0]))

static int
by_path(const void *key, const void *row)
{
    const struct slice *path = key;
    const char *other = ((const struct method *)row)->path;
    size_t n = strlen(other);
    int order = memcmp(path->p, other, path->n < n ? path->n : n);

    if (order != 0)
        return (order);
    return ((path->n > n) - (path->n < n));
}

const struct method *
method_find(struct slice path)
{
    static _Thread_local const struct method *last = methods;
    const struct method *found;

    /* Calls of one kind come after one another. */
    if (slice_equal(path, slice_of(last->path)))
        return (last);
    if (path.n == 0)
        return (NULL);
    found = bsearch(&path, methods, METHOD_COUNT, sizeof(methods[0]), by_path);
    if (found != NULL)
        last = found;
    return (found);
}

static uint8_t
lower(uint8_t c)
{
    return (c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c);
}

/* How many bytes two paths share at their ends, whatever their case. */
static size_t
likeness(struct slice a, struct slice b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    size_t front = 0;
    size_t back = 0;

    while (front < n && lower(a.p[front]) == lower(b.p[front]))
        front++;
    while (back < n - front &&
        lower(a.p[a.n - 1 - back]) == lower(b.p[b.n - 1 - back]))
        back++;
    return (front + back);
}

const char *
method_nearest(struct slice path)
{
    size_t best = 0;
    size_t most = 0;
    size_t i;

    for (i = 0; i < METHOD_COUNT; i++) {
        size_t like = likeness(path, slice_of(methods[i].path));

        if (like > most) {
            most = like;
            best = i;
        }
    }
    return (methods[best].path);
}

const struct method *
method_all(size_t *n)
{
    *n = METHOD_COUNT;
    return (methods);
}
