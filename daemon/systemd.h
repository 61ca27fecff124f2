#ifndef DAEMON_SYSTEMD_H
#define DAEMON_SYSTEMD_H

/*
 * What the daemon tells systemd and gets from it: sd_notify(3),
 * sd_listen_fds(3) and sd_watchdog_enabled(3).  Where systemd did not start
 * the daemon, nothing is told, there are no sockets, and nobody watches.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/err.h"

/**
 * systemd_ready(status):
 * Tell that the daemon serves, at first or again, and what it does, for
 * people to read.
 */
void systemd_ready(const char *status);

/**
 * systemd_reloading(void):
 * Tell that a reload begins; systemd_ready() ends it.
 */
void systemd_reloading(void);

/**
 * systemd_stopping(void):
 * Tell that the daemon is about to end.
 */
void systemd_stopping(void);

/**
 * systemd_feed(void):
 * Tell that the daemon is alive.
 */
void systemd_feed(void);

/**
 * systemd_watchdog_us(void):
 * Return how often, in microseconds, the daemon must have been fed; 0: nobody
 * watches.  Children will not take it for theirs.
 */
int64_t systemd_watchdog_us(void);

/**
 * systemd_sockets(first, n):
 * Find the sockets that were passed to us: ${*n} of them from descriptor
 * ${*first} on, now the caller's.
 *
 * Fails: E_INVAL (the environment's word on them is not to be understood).
 */
enum err MUST_USE systemd_sockets(int *first, size_t *n);

#endif /* !DAEMON_SYSTEMD_H */
