#ifndef SERVICE_RECOGNIZED_H
#define SERVICE_RECOGNIZED_H

/*
 * By whom a credential type is recognized on a day, ready to be answered.
 * Most askers accept anybody in the catalog and mean today, so that a handful
 * of outcomes serves nearly every call: those are kept.
 */

#include "decide/decide.h"
#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "service/catalog_index.h"

/* Opaque types. */
struct recognized_cache;

struct recognized {
    Vouch__V1__RecognitionState state;
    struct slice statements;    /* field `recognitions` of Answer, packed */
};

/**
 * recognized_cache_create(catalog, cache):
 * Make an empty cache over ${catalog}, which is borrowed; for one thread.  The
 * caller owns ${*cache}; free with recognized_cache_free().
 *
 * Fails: E_NOMEM.  On failure ${*cache} is NULL.
 */
enum err MUST_USE recognized_cache_create(const struct catalog_index *catalog,
    struct recognized_cache **cache);

/**
 * recognized_find(cache, claim, type, arena, recognized):
 * Do as decide_recognized() does for credential type ${type} of the claim's
 * association, which is known.  ${*recognized} may be kept until ${arena} is
 * reset or recognized_find() is called again, whichever is first.
 *
 * Fails: E_NOMEM, E_TOOBIG (the arena is full).
 */
enum err MUST_USE recognized_find(struct recognized_cache *cache,
    const struct decide_claim *claim, const char *type, struct arena *arena,
    struct recognized *recognized);

/**
 * recognized_most(cache, claim, arena, n):
 * Return in ${*n} how many bytes of statements an answer to ${claim}, whose
 * association is known, may have, whatever the verdict.  Does to earlier finds
 * what recognized_find() does.
 *
 * Fails: as recognized_find().
 */
enum err MUST_USE recognized_most(struct recognized_cache *cache,
    const struct decide_claim *claim, struct arena *arena, size_t *n);

/**
 * recognized_cache_free(cache):
 * Free ${cache}; NULL is allowed.
 */
void recognized_cache_free(struct recognized_cache *cache);

#endif /* !SERVICE_RECOGNIZED_H */
