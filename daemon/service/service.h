#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

/*
 * The services as a whole: what all workers share (struct service) and what
 * one worker has (struct service_worker).  The methods themselves are found by
 * method.h.
 */

#include <stdint.h>

#include "proto/err.h"
#include "service/denier.h"
#include "store/store.h"

/* Opaque types. */
struct rotator;
struct seal_keys;
struct service;
struct service_worker;

struct service_options {
    struct store *store;            /* borrowed, must outlive the service */
    const struct denier *denier;    /* borrowed, must outlive the service;
                                       NULL: there is no deny list */
    struct seal_keys *seal_keys;    /* borrowed, must outlive the service */
    const struct rotator *rotator;  /* of them; borrowed likewise; needed as
                                       soon as RotateKey is called */
    const char *key_dir;            /* factor keys and the page token key */
    const char *catalog_dir;        /* read if the store holds no catalog */
    size_t max_request;             /* bytes of a decoded request that waits */
    const char *staging_dir;        /* of files of rows; copied */
    size_t max_upload;              /* bytes staged by one upload */
    size_t max_upload_memory;       /* and of them in memory */
    size_t max_staged;              /* bytes staged by all uploads together */
    size_t max_staged_memory;       /* and of them in memory */
    int64_t max_rejects;            /* rows an upload may have rejected */
    int64_t max_endings;            /* active credentials that a snapshot may
                                       end unless it expects it, */
    int64_t max_ending_share;       /* and in percent of those on file */
};

/**
 * service_create(options, service, why, size):
 * Load the catalog (into the log first, if the store holds none), and find or
 * make the factor keys.  The caller owns ${*service}; free with
 * service_free() when every worker has been freed.
 *
 * Fails: E_INVAL (faults in the catalog files), E_DENIED (a key file that
 * others may read), E_NOTFOUND (a key under which records were published is
 * gone), E_IO, E_CORRUPT, E_CRYPTO, E_NOMEM.  On failure ${*service} is NULL
 * and ${why}, of ${size} bytes, says what and where for a person.
 */
enum err MUST_USE service_create(const struct service_options *options,
    struct service **service, char *why, size_t size);

void service_free(struct service *service);

/**
 * service_worker_create(service, post, worker):
 * Make a worker's part, on the worker's own thread; ${post} runs something on
 * that thread.  The caller owns ${*worker}; free with service_worker_free() on
 * the same thread, when no call is left.
 *
 * Fails: E_IO, E_CRYPTO, E_NOMEM.  On failure ${*worker} is NULL.
 */
enum err MUST_USE service_worker_create(struct service *service,
    const struct store_post *post, struct service_worker **worker);

void service_worker_free(struct service_worker *worker);

/**
 * service_worker_tick(worker):
 * The end of a pass of the loop: begin one view of the store, look up and
 * answer everything that was asked in this pass.
 */
void service_worker_tick(struct service_worker *worker);

/**
 * service_worker_drain(worker):
 * From now on health is NOT_SERVING; whoever watches it is told, and the
 * watches end (UNAVAILABLE).
 */
void service_worker_drain(struct service_worker *worker);

/**
 * service_worker_serves(worker):
 * Return non-zero if health is SERVING.
 */
int service_worker_serves(const struct service_worker *worker);

/**
 * service_catch_up(store, why, size):
 * Derive everything again from the log, as service_rebuild() does, if what the
 * store holds of it was derived by other rules, as after an upgrade.
 *
 * Fails: as service_rebuild().
 */
enum err MUST_USE service_catch_up(struct store *store, char *why,
    size_t size);

/**
 * service_rebuild(store, why, size):
 * Derive again from the log whatever derives from it, its head too, in one
 * transaction of the writer.  If ${check}, change nothing and compare.
 *
 * Fails: E_CORRUPT (${check}, and they differ), E_IO, E_NOMEM; ${why} as
 * above.
 */
enum err MUST_USE service_rebuild(struct store *store, int check, char *why,
    size_t size);

#endif /* !SERVICE_SERVICE_H */
