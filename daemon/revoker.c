#include "revoker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "net/worker.h"
#include "revocation/revocation.h"

/* Five seconds are promised: one is for a file to rest in. */
#define POLL_NS 500000000L

/* Looks for which somebody may be writing the list that we are to add to. */
enum { TRIES_MAX = 10 };

struct revoker {
    struct revocation *revocation;  /* borrowed */
    pthread_t thread;
    pthread_mutex_t lock;               /* over what follows */
    pthread_cond_t woken;
    struct denying *first, **last;      /* the queue; borrowed */
    struct errand *errands, **last_errand;      /* likewise */
    struct net_worker **workers;        /* borrowed */
    size_t nworkers;
    int changed;                        /* the workers are to be told */
    int woke;                           /* something was asked for */
    int stopping;
};

/* ---- all workers look, once -------------------------------------------- */

/* Freed by the last of the workers. */
struct look {
    atomic_size_t left;
    atomic_size_t ended;
    struct denying *denying;            /* NULL: nobody waits */
    struct net_revoke workers[];
};

static void
look_end(struct look *look)
{
    struct denying *denying = look->denying;

    if (denying != NULL) {
        denying->ended = atomic_load(&look->ended);
        denying->done(denying);
    }
    free(look);
}

static void
on_looked(struct net_revoke *revoke)
{
    struct look *look = revoke->cookie;

    (void)atomic_fetch_add(&look->ended, revoke->ended);
    if (atomic_fetch_sub(&look->left, 1) == 1)
        look_end(look);
}

/* Memory for it comes first: what has been denied must take effect. */
static struct look *
look_create(size_t nworkers)
{
    struct look *look;

    if ((look = calloc(1, sizeof(*look) +
        nworkers * sizeof(look->workers[0]))) == NULL)
        return (NULL);
    atomic_init(&look->left, nworkers + 1);
    atomic_init(&look->ended, 0);
    return (look);
}

static void
look_begin(struct look *look, struct net_worker *const *workers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        look->workers[i] = (struct net_revoke){.worker = workers[i],
            .done = on_looked, .cookie = look};
        net_worker_revoke(&look->workers[i]);
    }
    /* Our own share: there may be no worker yet. */
    if (atomic_fetch_sub(&look->left, 1) == 1)
        look_end(look);
}

/* ---- on the thread ----------------------------------------------------- */

/*
 * Under ${lock}: nobody calls us back from within.  Without memory for it
 * ${changed} stays, until the next look.
 */
static void
tell_workers(struct revoker *r)
{
    struct look *look;

    if ((look = look_create(r->nworkers)) == NULL)
        return;
    r->changed = 0;
    look_begin(look, r->workers, r->nworkers);
}

/*
 * Returns non-zero if ${denying}, which is out of the queue, is to be tried
 * again; otherwise it is the asker's.
 */
static int
carry_out(struct revoker *r, struct denying *denying, int last)
{
    struct look *look;

    denying->err = E_NOMEM;
    if ((look = look_create(r->nworkers)) != NULL) {
        look->denying = denying;
        denying->err = revocation_deny(r->revocation, &denying->denial,
            &denying->added);
    }
    switch (denying->err) {
    case E_OK:
    case E_LOST:
        look_begin(look, r->workers, r->nworkers);
        return (0);
    case E_BUSY:
        free(look);
        if (!last)
            return (1);
        break;
    default:
        free(look);
        break;
    }
    denying->done(denying);
    return (0);
}

/*
 * In the order of asking; who has to wait holds up those behind.  Under
 * ${lock}, which is let go for each.  Returns non-zero if somebody waits.
 */
static int
carry_out_all(struct revoker *r)
{
    struct denying *denying;

    while ((denying = r->first) != NULL) {
        int last = r->stopping || ++denying->tries >= TRIES_MAX;
        int again;

        if ((r->first = denying->next) == NULL)
            r->last = &r->first;
        (void)pthread_mutex_unlock(&r->lock);
        again = carry_out(r, denying, last);
        (void)pthread_mutex_lock(&r->lock);
        if (!again)
            continue;
        if ((denying->next = r->first) == NULL)
            r->last = &denying->next;
        r->first = denying;
        return (1);
    }
    return (0);
}

/* Under ${lock}, which is let go for each. */
static void
run_errands(struct revoker *r)
{
    struct errand *errand;

    while ((errand = r->errands) != NULL) {
        if ((r->errands = errand->next) == NULL)
            r->last_errand = &r->errands;
        (void)pthread_mutex_unlock(&r->lock);
        errand->run(errand);
        (void)pthread_mutex_lock(&r->lock);
    }
}

static void
wait_a_little(struct revoker *r)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += POLL_NS;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&r->woken, &r->lock, &until);
}

static void *
run(void *cookie)
{
    struct revoker *r = cookie;
    int changed, busy;

    (void)pthread_setname_np(pthread_self(), "revoker");
    (void)pthread_mutex_lock(&r->lock);
    for (;;) {
        busy = carry_out_all(r);
        run_errands(r);
        if (r->changed)
            tell_workers(r);
        if (r->stopping && r->first == NULL && r->errands == NULL)
            break;
        if (busy || (r->first == NULL && !r->stopping && !r->woke))
            wait_a_little(r);
        r->woke = 0;
        (void)pthread_mutex_unlock(&r->lock);
        changed = revocation_poll(r->revocation);
        log_flush();
        (void)pthread_mutex_lock(&r->lock);
        r->changed |= changed;
    }
    (void)pthread_mutex_unlock(&r->lock);
    log_flush();
    return (NULL);
}

/* ---- its life ---------------------------------------------------------- */

/* Signals are for the thread that was there first. */
static enum err
start_thread(struct revoker *r)
{
    sigset_t all, before;
    int rc;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return (E_NOMEM);
    rc = pthread_create(&r->thread, NULL, run, r);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return (rc == 0 ? E_OK : E_NOMEM);
}

/* Nobody is to wait for a clock that somebody may set. */
static void
make_condition(struct revoker *r)
{
    pthread_condattr_t attributes;

    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&r->woken, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

enum err
revoker_create(struct revocation *revocation, struct revoker **revoker)
{
    struct revoker *r = NULL;
    enum err err = E_NOMEM;

    *revoker = NULL;

    if ((r = calloc(1, sizeof(*r))) == NULL)
        goto out;
    r->revocation = revocation;
    r->last = &r->first;
    r->last_errand = &r->errands;
    (void)pthread_mutex_init(&r->lock, NULL);
    make_condition(r);
    if ((err = start_thread(r)) != E_OK)
        goto out;

    *revoker = r;
    r = NULL;

out:
    revoker_free(r);
    return (err);
}

void
revoker_stop(struct revoker *revoker)
{
    if (revoker == NULL)
        return;
    (void)pthread_mutex_lock(&revoker->lock);
    revoker->stopping = 1;
    (void)pthread_cond_signal(&revoker->woken);
    (void)pthread_mutex_unlock(&revoker->lock);
    (void)pthread_join(revoker->thread, NULL);
}

void
revoker_free(struct revoker *revoker)
{
    if (revoker == NULL)
        return;
    (void)pthread_cond_destroy(&revoker->woken);
    (void)pthread_mutex_destroy(&revoker->lock);
    free(revoker);
}

/* ---- on any thread ----------------------------------------------------- */

void
revoker_serve(struct revoker *revoker, struct net_worker **workers, size_t n)
{
    (void)pthread_mutex_lock(&revoker->lock);
    revoker->workers = workers;
    revoker->nworkers = n;
    (void)pthread_mutex_unlock(&revoker->lock);
}

/* Whatever is asked for must not wait for the next look. */
static void
wake(struct revoker *r)
{
    r->woke = 1;
    (void)pthread_cond_signal(&r->woken);
}

void
revoker_wake(struct revoker *revoker)
{
    (void)pthread_mutex_lock(&revoker->lock);
    revoker->changed = 1;
    wake(revoker);
    (void)pthread_mutex_unlock(&revoker->lock);
}

void
revoker_deny(void *cookie, struct denying *denying)
{
    struct revoker *r = cookie;
    int stopping;

    denying->next = NULL;
    (void)pthread_mutex_lock(&r->lock);
    if (!(stopping = r->stopping)) {
        *r->last = denying;
        r->last = &denying->next;
        wake(r);
    }
    (void)pthread_mutex_unlock(&r->lock);
    if (stopping) {
        denying->err = E_BUSY;
        denying->done(denying);
    }
}

enum err
revoker_run(struct revoker *revoker, struct errand *errand)
{
    enum err err = E_BUSY;

    errand->next = NULL;
    (void)pthread_mutex_lock(&revoker->lock);
    if (!revoker->stopping) {
        *revoker->last_errand = errand;
        revoker->last_errand = &errand->next;
        wake(revoker);
        err = E_OK;
    }
    (void)pthread_mutex_unlock(&revoker->lock);
    return (err);
}
