#include "store/writer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/log_head.h"

struct writer {
    const struct store_write_ops *ops;
    void *self;
    unsigned group_max;
    store_grow_fn *grow;
    void (*lost)(void *cookie);
    void *cookie;
    pthread_t thread;

    pthread_mutex_t lock;       /* over what follows */
    pthread_cond_t some;        /* there is a job, or an end */
    struct store_job *first;
    struct store_job **last;    /* where the next one goes */
    int stop;

    atomic_ulong steps;         /* made so far, on any thread's asking */
    /* The thread's own until it has ended. */
    int failed;
    int full;                   /* the disk, when last written to */
    int committed;              /* something, since the last look at that */
};

/* On the submitter's thread. */
static void
deliver(void *cookie)
{
    struct store_job *job = cookie;

    job->done(job->cookie, job->err);
}

/* Tell the jobs before ${end}; once told, a job is its submitter's again. */
static void
tell(struct store_job *job, const struct store_job *end)
{
    struct store_job *next;

    for (; job != end; job = next) {
        next = job->next;
        job->post.post(job->post.target, deliver, job);
    }
}

static void
settle(struct store_job *job, const struct store_job *end, enum err err)
{
    for (; job != end; job = job->next)
        job->err = err;
}

/* Return whether the group's transaction is still good. */
static int
run_job(const struct writer *w, struct store_txn *txn, struct store_job *job)
{
    txn->first_index = txn->next_index;
    txn->broken = E_OK;
    log_head_job(txn);
    if ((job->err = w->ops->job_begin(txn)) != E_OK)
        return (0);

    job->err = job->run(txn, job->cookie);
    if (txn->broken != E_OK)
        job->err = txn->broken;
    if (job->err == E_OK)
        job->err = log_head_keep(txn);
    if (job->err == E_OK) {
        job->err = w->ops->job_keep(txn);
        return (job->err == E_OK);
    }

    txn->next_index = txn->first_index;
    log_head_undo(txn);
    return (w->ops->job_undo(txn) == E_OK && job->err != E_LOST);
}

/*
 * A failed commit may be there after the next start, and the kernel reports
 * an fsync's failure only once: going on would acknowledge on top of what was
 * lost.  So nothing is written until the store has been opened anew.
 */
static void
give_up(struct writer *w, enum err err, const char *step)
{
    w->failed = 1;
    log_line(LOG_ERROR, "store_lost", "step=%s err=%s", step, err_name(err));
    if (w->lost != NULL)
        w->lost(w->cookie);
}

/* A full disk gets room again by itself, or by somebody whom this calls. */
static void
note_room(struct writer *w, int full, const char *step)
{
    if (full && !w->full)
        log_line(LOG_ERROR, "store_full", "step=%s", step);
    else if (!full && w->full)
        log_line(LOG_INFO, "store_room", "step=%s", step);
    else
        return;
    w->full = full;
    log_flush();
}

/* Return what those are told whose jobs were not committed, for ${err}. */
static enum err
judge(struct writer *w, enum err err, const char *step)
{
    if (err == E_FULL)
        note_room(w, 1, step);
    if (err != E_LOST)
        return (err);
    give_up(w, err, step);
    return (E_IO);
}

/* The same of a commit that failed: nobody knows, unless the disk is full. */
static enum err
judge_commit(struct writer *w, enum err err)
{
    if (err == E_FULL)
        return (judge(w, err, "commit"));
    if (err != E_NOMEM && err != E_BUSY)
        give_up(w, err, "commit");
    return (E_LOST);
}

static void
tidy(struct writer *w)
{
    enum err err = w->failed ? E_OK : w->ops->tidy(w->self);

    if (err == E_FULL)
        note_room(w, 1, "tidy");
    else if (err != E_OK && err != E_NOMEM)
        give_up(w, err, "tidy");
    else if (w->committed)
        note_room(w, 0, "commit");
}

static enum err
begin(const struct writer *w, struct store_txn **txn)
{
    enum err err;

    if ((err = w->ops->begin(w->self, txn)) == E_OK &&
        (err = log_head_begin(*txn, w->grow)) != E_OK)
        w->ops->abort(*txn);
    return (err);
}

/* Run jobs in one transaction and tell them; return those that are left. */
static struct store_job *
run_group(struct writer *w, struct store_job *group)
{
    struct store_txn *txn = NULL;
    struct store_job *job;
    int64_t wall_us = clock_wall_us();
    int kept = 0;
    enum err err = E_IO;

    if (w->failed || (err = begin(w, &txn)) != E_OK) {
        settle(group, NULL, judge(w, err, "begin"));
        tell(group, NULL);
        return (NULL);
    }
    txn->steps = &w->steps;
    if (txn->now_us < wall_us)
        txn->now_us = wall_us;

    for (job = group; job != NULL; job = job->next) {
        int good = run_job(w, txn, job);

        job->err = judge(w, job->err, "job");
        if (!good) {
            struct store_job *left = job->next;

            /* What they did, and what they saw of each other, is gone. */
            w->ops->abort(txn);
            settle(group, job, E_BUSY);
            tell(group, left);
            return (left);
        }
        kept += job->err == E_OK;
    }

    (void)atomic_fetch_add(&w->steps, 1);   /* the commit has its own time */
    if (kept == 0) {
        w->ops->abort(txn);
    } else if ((err = w->ops->commit(txn)) != E_OK) {
        settle(group, NULL, judge_commit(w, err));
    } else {
        w->committed = 1;
    }
    tell(group, NULL);
    return (NULL);
}

/* Wait for jobs and take a group of them; NULL at the end. */
static struct store_job *
take_group(struct writer *w)
{
    struct store_job *group, **end;

    (void)pthread_mutex_lock(&w->lock);
    while (w->first == NULL && !w->stop)
        (void)pthread_cond_wait(&w->some, &w->lock);

    group = w->first;
    end = &w->first;
    for (unsigned n = 0; *end != NULL && n < w->group_max; n++)
        end = &(*end)->next;
    w->first = *end;
    if (w->first == NULL)
        w->last = &w->first;
    if (end != &w->first)
        *end = NULL;
    (void)pthread_mutex_unlock(&w->lock);
    return (group);
}

static void *
main_of_writer(void *cookie)
{
    struct writer *w = cookie;
    struct store_job *group;

    while ((group = take_group(w)) != NULL) {
        w->committed = 0;
        while (group != NULL)
            group = run_group(w, group);
        tidy(w);
    }
    log_flush();
    return (NULL);
}

enum err
writer_start(const struct store_write_ops *ops, void *self,
    const struct store_options *options, struct writer **writer)
{
    struct writer *w = NULL;
    sigset_t all, before;
    int rc;

    *writer = NULL;

    if ((w = calloc(1, sizeof(*w))) == NULL)
        return (E_NOMEM);
    w->ops = ops;
    w->self = self;
    w->group_max = options->group_max > 0 ? options->group_max : 1;
    w->grow = options->grow;
    w->lost = options->lost;
    w->cookie = options->cookie;
    w->last = &w->first;
    (void)pthread_mutex_init(&w->lock, NULL);   /* cannot fail in glibc */
    (void)pthread_cond_init(&w->some, NULL);

    /* Signals are for the thread that waits for them. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&w->thread, NULL, main_of_writer, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        (void)pthread_cond_destroy(&w->some);
        (void)pthread_mutex_destroy(&w->lock);
        free(w);
        return (E_IO);
    }
    (void)pthread_setname_np(w->thread, "store-writer");

    *writer = w;
    return (E_OK);
}

void
writer_submit(struct writer *w, struct store_job *job)
{
    job->next = NULL;
    (void)pthread_mutex_lock(&w->lock);
    *w->last = job;
    w->last = &job->next;
    (void)pthread_cond_signal(&w->some);
    (void)pthread_mutex_unlock(&w->lock);
}

unsigned long
writer_progress(struct writer *w)
{
    return (atomic_load(&w->steps));
}

int
writer_stop(struct writer *w)
{
    int intact;

    (void)pthread_mutex_lock(&w->lock);
    w->stop = 1;
    (void)pthread_cond_signal(&w->some);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);

    intact = !w->failed;
    (void)pthread_cond_destroy(&w->some);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
    return (intact);
}
