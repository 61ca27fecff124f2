#ifndef SERVICE_ID_SET_H
#define SERVICE_ID_SET_H

/*
 * A set of random ids of 16 bytes.  They are random already, so they are not
 * hashed.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

#define ID_SET_ID 16

/* {0} is the empty set. */
struct id_set {
    uint8_t (*slots)[ID_SET_ID];    /* owned; all zero: empty */
    size_t size;                    /* 0, or a power of two */
    size_t n;
};

/**
 * id_set_add(set, id):
 * Put ${id}, which is not all zero, into ${set}.
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE id_set_add(struct id_set *set, const uint8_t id[ID_SET_ID]);

/**
 * id_set_has(set, id):
 * Return non-zero if ${id} is in ${set}.
 */
int id_set_has(const struct id_set *set, const uint8_t id[ID_SET_ID]);

/**
 * id_set_free(set):
 * Free what ${set} holds and make it empty.
 */
void id_set_free(struct id_set *set);

#endif /* !SERVICE_ID_SET_H */
