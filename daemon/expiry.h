#ifndef EXPIRY_H
#define EXPIRY_H

/*
 * Warns of what will end: certificates, CAs, lists of revoked ones.  One line
 * when 30, 14, 7 and 1 days are left and one when it is over, each said once;
 * of what is near its end when it is first seen, only the nearest.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"
#include "tls/tls.h"

/* How often the caller is to look: a wall clock may be set at any time. */
#define EXPIRY_PERIOD_S 3600

/* Opaque types. */
struct expiry;

/**
 * expiry_create(expiry):
 * Make one that has seen nothing.  The caller owns ${*expiry}; free with
 * expiry_free().
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE expiry_create(struct expiry **expiry);

/**
 * expiry_look(expiry, ends, n, now_us):
 * It is ${now_us}, UTC; the ${n} ${ends} are all there is to watch.  Log what
 * has come near since the last look, or is near and was not among those of
 * the last look: a file is told by its name and by its end.
 *
 * Fails: E_NOMEM.  Everything was said, but will be said again.
 */
enum err MUST_USE expiry_look(struct expiry *expiry,
    const struct tls_end *ends, size_t n, int64_t now_us);

void expiry_free(struct expiry *expiry);

#endif /* !EXPIRY_H */
