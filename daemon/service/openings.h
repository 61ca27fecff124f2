#ifndef SERVICE_OPENINGS_H
#define SERVICE_OPENINGS_H

/*
 * The openings of a publication's events, read from the log a piece at a time,
 * as fast as the client takes them.
 */

#include "service/internal.h"
#include "service/method.h"

/* Opaque types. */
struct openings;

/*
 * All have been sent (E_OK), or no more can be.  openings_free() is allowed
 * from within.
 */
typedef void openings_done_fn(void *cookie, enum err err);

struct openings_order {
    struct service_worker *worker;
    struct sink sink;
    int64_t first;              /* index in the log */
    int64_t n;
    openings_done_fn *done;
    void *cookie;
};

/**
 * openings_start(order, openings):
 * Begin at the end of this pass.  The caller owns ${*openings}; free with
 * openings_free(), which also ends it early.
 *
 * Fails: E_NOMEM.  On failure ${*openings} is NULL.
 */
enum err MUST_USE openings_start(const struct openings_order *order,
    struct openings **openings);

/**
 * openings_writable(openings):
 * The sink has room again.
 */
void openings_writable(struct openings *openings);

/**
 * openings_free(openings):
 * End and free ${openings}; NULL is allowed.
 */
void openings_free(struct openings *openings);

#endif /* !SERVICE_OPENINGS_H */
