#ifndef SERVICE_JOB_H
#define SERVICE_JOB_H

/*
 * Jobs for the store's writer that may outlast the call, and even the worker,
 * that submitted them.
 */

#include "proto/err.h"
#include "store/store.h"

struct service;
struct service_worker;

struct service_job {
    /* To be set before job_submit(): as in struct store_job. */
    enum err (*run)(struct store_txn *txn, struct service_job *job);

    /*
     * Called on the writer thread once the job is over, before done(), while
     * the service still stands.  May be NULL.
     */
    void (*settle)(struct service_job *job);

    /*
     * Called on the worker's thread, or on the writer's if the worker is gone
     * by then; no call is left in that case, and nothing of the service or
     * the worker may be touched.  The job is the caller's again.
     */
    void (*done)(struct service_job *job, enum err err);

    /* job.c's own. */
    struct store_job job;
    struct service *service;
    struct service_worker *worker;
};

/**
 * job_submit(worker, job):
 * Hand ${job} to the writer.  It must stay until done() has been called.
 */
void job_submit(struct service_worker *worker, struct service_job *job);

/**
 * job_hold(service) and job_return(service, worker, fn, cookie):
 * Something that is not the writer's will end on another thread: until it has
 * been returned, ${service} is not freed.  To return it is to have
 * ${fn}(${cookie}) called on the thread of ${worker}, or here and now if that
 * is gone; what may be touched then is as with service_job.done().
 */
void job_hold(struct service *service);
void job_return(struct service *service, struct service_worker *worker,
    void (*fn)(void *cookie), void *cookie);

/**
 * job_run(store, run, cookie):
 * Run ${run}(txn, ${cookie}) on the writer and wait for the outcome.  For
 * threads that have no loop.
 *
 * Fails: E_LOST, E_FULL, E_BUSY and E_IO as struct store_job, and what ${run}
 * returned.
 */
enum err MUST_USE job_run(struct store *store,
    enum err (*run)(struct store_txn *txn, void *cookie), void *cookie);

#endif /* !SERVICE_JOB_H */
