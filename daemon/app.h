#ifndef DAEMON_APP_H
#define DAEMON_APP_H

/*
 * The daemon as a whole: builds every part from the settings, serves until it
 * is told to end, and takes the parts down again in the opposite order.
 */

#include "conf/conf.h"
#include "proto/err.h"

/*
 * Called once the daemon serves on ${port}.  Anything but E_OK ends the daemon
 * with that error.
 */
typedef enum err app_ready_fn(void *cookie, int port);

/**
 * app_run(conf, ready, cookie):
 * Serve until SIGTERM or SIGINT, then drain: health NOT_SERVING, no new
 * connections, GOAWAY, calls in progress finish within drain_ms.  A second
 * signal does not wait for them.  SIGHUP reads certificates, seal keys and
 * trust file anew; if anything is wrong with them, the old ones stay in force.
 *
 * Fails: E_LOST (it served until the store could not be written to any more;
 * calls in progress finish as above), and whatever kept it from serving; what
 * and where has been logged.
 */
enum err MUST_USE app_run(const struct conf *conf, app_ready_fn *ready,
    void *cookie);

/**
 * app_check(conf):
 * Check the settings and the files they name as app_run() would, and serve
 * nothing; no store is opened or made.
 *
 * Fails: as app_run(); what and where has been logged.
 */
enum err MUST_USE app_check(const struct conf *conf);

/**
 * app_rebuild(conf, check):
 * Derive the store's index again from its log, or, if ${check}, compare and
 * change nothing.  No daemon may have the store open.
 *
 * Fails: as service_rebuild() and store_open(); it has been logged.
 */
enum err MUST_USE app_rebuild(const struct conf *conf, int check);

#endif /* !DAEMON_APP_H */
