#include "service/recognized.h"

#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

/*
 * A day and a type have one place, and whoever comes later has it: however
 * many are asked about, memory is bounded.
 */
#define PLACES 64

/* What a hundred statements would not take. */
#define STATEMENTS_MAX ((size_t)256 * 1024)

struct entry {
    char association[DECIDE_ID_MAX + 1];    /* "": nothing is kept here */
    char type[DECIDE_ID_MAX + 1];
    int32_t day;
    Vouch__V1__RecognitionState state;
    struct buf statements;                  /* owned */
};

/* What any type of an association has on a day. */
struct most {
    char association[DECIDE_ID_MAX + 1];    /* "": nothing is kept here */
    int32_t day;
    size_t n;
};

struct recognized_cache {
    const struct catalog_index *catalog;    /* borrowed */
    struct entry entries[PLACES];
    struct most most[PLACES];
};

enum err
recognized_cache_create(const struct catalog_index *catalog,
    struct recognized_cache **cache)
{
    struct recognized_cache *made = calloc(1, sizeof(*made));

    *cache = made;
    if (made == NULL)
        return (E_NOMEM);
    made->catalog = catalog;
    for (size_t i = 0; i < PLACES; i++)
        buf_init(&made->entries[i].statements, STATEMENTS_MAX);
    return (E_OK);
}

/* FNV-1a; ids are short. */
static size_t
place_of(const char *type, int32_t day)
{
    uint32_t hash = 2166136261u ^ (uint32_t)day;

    for (; *type != '\0'; type++)
        hash = (hash ^ (uint8_t)*type) * 16777619u;
    return ((hash ^ hash >> 16) % PLACES);
}

/* Pack what is said of the claim's day behind what ${statements} holds. */
static enum err
work_out(const struct catalog_index *catalog, const struct decide_claim *claim,
    const char *type, struct arena *arena, Vouch__V1__RecognitionState *state,
    struct buf *statements)
{
    Vouch__V1__Answer answer = VOUCH__V1__ANSWER__INIT;
    Vouch__V1__Recognition *const *list;
    size_t n;

    list = catalog_index_recognitions(catalog, claim->association->id, &n);
    answer.recognitions = arena_alloc(arena,
        (n + 1) * sizeof(*answer.recognitions));
    if (answer.recognitions == NULL)
        return (arena_exhausted(arena) ? E_TOOBIG : E_NOMEM);
    *state = decide_recognized(list, n, claim, type, answer.recognitions,
        &answer.n_recognitions);
    return (message_pack(&answer.base, statements));
}

/* For an asker with a choice of recognizers: of no use to anybody else. */
static enum err
find_once(const struct catalog_index *catalog,
    const struct decide_claim *claim, const char *type, struct arena *arena,
    struct recognized *recognized)
{
    struct buf statements;
    enum err err;

    buf_init(&statements, STATEMENTS_MAX);
    if ((err = work_out(catalog, claim, type, arena, &recognized->state,
        &statements)) != E_OK)
        goto out;
    recognized->statements.n = statements.n;
    recognized->statements.p = (const uint8_t *)arena_copy(arena,
        buf_slice(&statements));
    if (recognized->statements.p == NULL)
        err = arena_exhausted(arena) ? E_TOOBIG : E_NOMEM;

out:
    buf_free(&statements);
    return (err);
}

static int
is_kept(const struct entry *entry, const struct decide_claim *claim,
    const char *type)
{
    return (entry->day == claim->day && strcmp(entry->type, type) == 0 &&
        strcmp(entry->association, claim->association->id) == 0);
}

static enum err
keep(struct entry *entry, const struct catalog_index *catalog,
    const struct decide_claim *claim, const char *type, struct arena *arena)
{
    const char *association = claim->association->id;
    enum err err;

    entry->association[0] = '\0';
    buf_drop(&entry->statements, entry->statements.n);
    if ((err = work_out(catalog, claim, type, arena, &entry->state,
        &entry->statements)) != E_OK)
        return (err);
    entry->day = claim->day;
    memcpy(entry->type, type, strlen(type) + 1);
    memcpy(entry->association, association, strlen(association) + 1);
    return (E_OK);
}

enum err
recognized_find(struct recognized_cache *cache,
    const struct decide_claim *claim, const char *type, struct arena *arena,
    struct recognized *recognized)
{
    struct entry *entry;
    enum err err;

    if (claim->claim->n_recognized_by > 0 || strlen(type) > DECIDE_ID_MAX ||
        strlen(claim->association->id) > DECIDE_ID_MAX)
        return (find_once(cache->catalog, claim, type, arena, recognized));
    entry = &cache->entries[place_of(type, claim->day)];
    if (!is_kept(entry, claim, type) &&
        (err = keep(entry, cache->catalog, claim, type, arena)) != E_OK)
        return (err);
    recognized->state = entry->state;
    recognized->statements = buf_slice(&entry->statements);
    return (E_OK);
}

static enum err
work_out_most(const struct catalog_index *index,
    const struct decide_claim *claim, struct arena *arena, size_t *most)
{
    const Vouch__V1__Catalog *catalog = catalog_index_catalog(index);
    const char *association = claim->association->id;
    Vouch__V1__Answer answer = VOUCH__V1__ANSWER__INIT;
    Vouch__V1__Recognition *const *list;
    size_t i, n, size;

    list = catalog_index_recognitions(index, association, &n);
    answer.recognitions = arena_alloc(arena,
        (n + 1) * sizeof(*answer.recognitions));
    if (answer.recognitions == NULL)
        return (arena_exhausted(arena) ? E_TOOBIG : E_NOMEM);
    *most = 0;
    for (i = 0; i < catalog->n_credential_types; i++) {
        const Vouch__V1__CredentialType *type = catalog->credential_types[i];

        if (strcmp(type->association_id, association) != 0)
            continue;
        (void)decide_recognized(list, n, claim, type->id, answer.recognitions,
            &answer.n_recognitions);
        size = protobuf_c_message_get_packed_size(&answer.base);
        if (size > *most)
            *most = size;
    }
    return (E_OK);
}

/*
 * Of a type that is not claimed any may be told.  Whom the asker accepts makes
 * no difference here: to work that out each time would be too much.
 */
static enum err
find_most(struct recognized_cache *cache, const struct decide_claim *claim,
    struct arena *arena, size_t *n)
{
    const char *association = claim->association->id;
    struct most *most = &cache->most[place_of(association, claim->day)];
    Vouch__V1__Claim anybody = *claim->claim;
    struct decide_claim wide = *claim;
    enum err err;

    if (most->day != claim->day || strcmp(most->association, association)
        != 0) {
        most->association[0] = '\0';
        anybody.n_recognized_by = 0;
        wide.claim = &anybody;
        if ((err = work_out_most(cache->catalog, &wide, arena, &most->n)) !=
            E_OK)
            return (err);
        most->day = claim->day;
        if (strlen(association) <= DECIDE_ID_MAX)
            memcpy(most->association, association, strlen(association) + 1);
    }
    *n = most->n;
    return (E_OK);
}

enum err
recognized_most(struct recognized_cache *cache,
    const struct decide_claim *claim, struct arena *arena, size_t *n)
{
    const char *type = claim->claim->credential_type_id;
    struct recognized found;
    enum err err;

    if (type[0] == '\0')
        return (find_most(cache, claim, arena, n));
    if ((err = recognized_find(cache, claim, type, arena, &found)) == E_OK)
        *n = found.statements.n;
    return (err);
}

void
recognized_cache_free(struct recognized_cache *cache)
{
    if (cache == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        buf_free(&cache->entries[i].statements);
    free(cache);
}
