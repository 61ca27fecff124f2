#ifndef SERVICE_BIT_SET_H
#define SERVICE_BIT_SET_H

/*
 * A set of log indexes: a bit for each, in pages that are made when they are
 * needed.  A credential is named by the index of its first event, so a million
 * of them published together take an eighth of a megabyte.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

/* {0} is the empty set. */
struct bit_set {
    uint64_t **pages;       /* owned, with what they point to; NULL: empty */
    size_t npages;
};

/**
 * bit_set_add(set, at):
 * Put ${at}, 0 or more, into ${set}.
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE bit_set_add(struct bit_set *set, int64_t at);

/**
 * bit_set_has(set, at):
 * Return non-zero if ${at} is in ${set}.
 */
int bit_set_has(const struct bit_set *set, int64_t at);

/**
 * bit_set_free(set):
 * Free what ${set} holds and make it empty.
 */
void bit_set_free(struct bit_set *set);

#endif /* !SERVICE_BIT_SET_H */
