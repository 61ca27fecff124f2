#ifndef DAEMON_WATCHDOG_H
#define DAEMON_WATCHDOG_H

/*
 * Says that the daemon is alive only if it is: every worker's loop and the
 * store's writer must have answered since the last time.  A writer that has
 * not, but makes its way through a long job, counts as alive.
 */

#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "proto/err.h"

/* Opaque types. */
struct net_worker;
struct store;
struct watchdog;

struct watchdog_options {
    int64_t period_us;          /* feed at least this often */
    struct net_worker *const *workers;
    size_t nworkers;
    struct store *store;
    void (*feed)(void);
};

/**
 * watchdog_create(base, options, watchdog):
 * From the loop ${base} call feed() now, and again at half the period as long
 * as all are alive.  When one is not, the log says which, and it is looked for
 * more often.  All is borrowed.  The caller owns ${*watchdog}; free with
 * watchdog_free().
 *
 * Fails: E_NOMEM.  On failure ${*watchdog} is NULL.
 */
enum err MUST_USE watchdog_create(struct event_base *base,
    const struct watchdog_options *options, struct watchdog **watchdog);

/**
 * watchdog_free(watchdog):
 * Free ${watchdog}; NULL is allowed.  Its workers must have been stopped and
 * its store closed, so that no answer is still to come, and the loop must
 * still be there, but not turn any more.
 */
void watchdog_free(struct watchdog *watchdog);

#endif /* !DAEMON_WATCHDOG_H */
