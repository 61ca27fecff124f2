#include "service/job.h"

#include <pthread.h>

#include "service/internal.h"

static enum err
on_run(struct store_txn *txn, void *cookie)
{
    struct service_job *job = cookie;

    return (job->run(txn, job));
}

static void
on_done(void *cookie, enum err err)
{
    struct service_job *job = cookie;

    job->done(job, err);
}

static int
is_live(const struct service *service, const struct service_worker *worker)
{
    const struct service_worker *w;

    for (w = service->live; w != NULL; w = w->next_live)
        if (w == worker)
            return (1);
    return (0);
}

void
job_hold(struct service *service)
{
    (void)pthread_mutex_lock(&service->lock);
    service->jobs++;
    (void)pthread_mutex_unlock(&service->lock);
}

/* Once the count is 0, the service may be gone. */
void
job_return(struct service *service, struct service_worker *worker,
    void (*fn)(void *cookie), void *cookie)
{
    int live;

    (void)pthread_mutex_lock(&service->lock);
    if ((live = is_live(service, worker)))
        worker->post.post(worker->post.target, fn, cookie);
    if (--service->jobs == 0)
        (void)pthread_cond_broadcast(&service->idle);
    (void)pthread_mutex_unlock(&service->lock);
    if (!live)
        fn(cookie);
}

/*
 * On the writer thread.  Once it has been handed on, ${job} may be gone at any
 * time.
 */
static void
on_post(void *target, void (*fn)(void *cookie), void *cookie)
{
    struct service_job *job = target;

    if (job->settle != NULL)
        job->settle(job);
    job_return(job->service, job->worker, fn, cookie);
}

void
job_submit(struct service_worker *worker, struct service_job *job)
{
    struct service *service = worker->service;

    job->service = service;
    job->worker = worker;
    job->job = (struct store_job){.run = on_run, .done = on_done,
        .cookie = job, .post = {.post = on_post, .target = job}};
    job_hold(service);
    store_submit(service->store, &job->job);
}

/* One thread that waits for one job. */
struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t told;
    int over;
    enum err err;
};

struct waited {
    enum err (*run)(struct store_txn *txn, void *cookie);
    void *cookie;
    struct waiting waiting;
};

static enum err
waited_run(struct store_txn *txn, void *cookie)
{
    struct waited *job = cookie;

    return (job->run(txn, job->cookie));
}

static void
waited_done(void *cookie, enum err err)
{
    struct waiting *waiting = &((struct waited *)cookie)->waiting;

    (void)pthread_mutex_lock(&waiting->lock);
    waiting->err = err;
    waiting->over = 1;
    (void)pthread_cond_signal(&waiting->told);
    (void)pthread_mutex_unlock(&waiting->lock);
}

static void
post_here(void *target, void (*fn)(void *cookie), void *cookie)
{
    (void)target;
    fn(cookie);
}

enum err
job_run(struct store *store, enum err (*run)(struct store_txn *, void *),
    void *cookie)
{
    struct waited job = {.run = run, .cookie = cookie,
        .waiting = {.lock = PTHREAD_MUTEX_INITIALIZER,
            .told = PTHREAD_COND_INITIALIZER}};
    struct store_job store_job = {.run = waited_run, .done = waited_done,
        .cookie = &job, .post = {.post = post_here}};

    store_submit(store, &store_job);
    (void)pthread_mutex_lock(&job.waiting.lock);
    while (!job.waiting.over)
        (void)pthread_cond_wait(&job.waiting.told, &job.waiting.lock);
    (void)pthread_mutex_unlock(&job.waiting.lock);
    (void)pthread_cond_destroy(&job.waiting.told);
    (void)pthread_mutex_destroy(&job.waiting.lock);
    return (job.waiting.err);
}
