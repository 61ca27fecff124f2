#ifndef INTEROP_SERVER_DELAY_H
#define INTEROP_SERVER_DELAY_H

/*
 * A clock for the methods of one worker.  The real services need none: what
 * they wait for is the store, which tells them from a thread of its own, by
 * the worker's mailbox.  So does this.
 */

#include <stdint.h>

#include "proto/err.h"
#include "store/store.h"

/* Opaque types. */
struct delay;
struct delay_clock;

/**
 * delay_clock_create(post, clock):
 * Start a clock that runs what is due by ${post}.  The caller owns ${*clock};
 * free with delay_clock_free() when nothing is delayed any more.
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE delay_clock_create(const struct store_post *post,
    struct delay_clock **clock);

void delay_clock_free(struct delay_clock *clock);

/**
 * delay_start(clock, us, fn, cookie, delay):
 * Have ${fn}(${cookie}) called on the worker's thread in ${us} microseconds.
 * Until then ${*delay} may be given to delay_cancel(), and afterwards to
 * nobody.
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE delay_start(struct delay_clock *clock, int64_t us,
    void (*fn)(void *cookie), void *cookie, struct delay **delay);

/**
 * delay_cancel(clock, delay):
 * ${fn} is not called any more.  NULL is allowed.
 */
void delay_cancel(struct delay_clock *clock, struct delay *delay);

#endif /* !INTEROP_SERVER_DELAY_H */
