#ifndef DAEMON_REVOKER_H
#define DAEMON_REVOKER_H

/*
 * The thread that waits for the disk in the matter of revocation: it looks
 * twice a second whether CRLs or the deny list have changed, puts on the list
 * what the services ask it to, and has the workers end the connections of
 * whom it concerns.  What else is rare and waits for the disk is run there,
 * too.
 */

#include <stddef.h>

#include "base/errand.h"
#include "proto/err.h"
#include "service/denier.h"

/* Opaque types. */
struct net_worker;
struct revoker;
struct revocation;

/**
 * revoker_create(revocation, revoker):
 * Start the thread.  ${revocation} is borrowed and must outlive it.  The
 * caller owns ${*revoker}; end with revoker_stop() and revoker_free().
 *
 * Fails: E_NOMEM.  On failure ${*revoker} is NULL.
 */
enum err MUST_USE revoker_create(struct revocation *revocation,
    struct revoker **revoker);

/**
 * revoker_serve(revoker, workers, n):
 * From now on there are these ${n} workers, borrowed until revoker_stop().
 */
void revoker_serve(struct revoker *revoker, struct net_worker **workers,
    size_t n);

/**
 * revoker_wake(revoker):
 * Have the workers look at their connections: what revocation_check() says
 * may have changed.  Any thread; does not wait.
 */
void revoker_wake(struct revoker *revoker);

/**
 * revoker_deny(revoker, denying):
 * As struct denier says; ${revoker} is a struct revoker.  After
 * revoker_stop() it fails: E_BUSY.
 */
void revoker_deny(void *revoker, struct denying *denying);

/**
 * revoker_run(revoker, errand):
 * Have ${errand} run on the thread, in the order of asking.  Any thread; does
 * not wait.
 *
 * Fails: E_BUSY (after revoker_stop()); it will not be run then.
 */
enum err MUST_USE revoker_run(struct revoker *revoker, struct errand *errand);

/**
 * revoker_stop(revoker):
 * Finish what has been asked and end the thread.  What the workers were told
 * they still do, and answer, before net_worker_stop() returns.  NULL is
 * allowed.
 */
void revoker_stop(struct revoker *revoker);

/**
 * revoker_free(revoker):
 * Free a ${revoker} that was stopped, once no worker and no service is left.
 * NULL is allowed.
 */
void revoker_free(struct revoker *revoker);

#endif /* !DAEMON_REVOKER_H */
