#include "net/worker.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "base/log.h"
#include "net/conn_host.h"
#include "net/mailbox.h"
#include "service/service.h"

struct net_worker {
    char name[16];
    struct service *service;            /* borrowed */
    struct tls_server *tls;             /* borrowed */
    struct net_limits limits;
    pthread_t thread;
    int joined;                         /* the starter's: it is no more */

    /* Made by the starter, then the thread's own. */
    struct event_base *base;            /* owned */
    struct mailbox *mailbox;            /* owned; posting: any thread */
    struct event grace;

    /* The thread's own. */
    struct service_worker *part;        /* owned */
    struct rpc_server *rpc;             /* owned */
    struct conn_host host;
    int draining, over;

    /* How the thread tells its starter. */
    pthread_mutex_t lock;
    pthread_cond_t told;
    int ready;
    enum err err;

    /* Likewise: nobody opens the mailbox any more. */
    int ended;
};

/* ---- on the thread ---------------------------------------------------- */

static enum err
open_parts(struct net_worker *w)
{
    const struct store_post post = mailbox_store_post(w->mailbox);
    enum err err;

    if ((err = service_worker_create(w->service, &post, &w->part)) != E_OK)
        return (err);
    if ((err = rpc_server_create(w->part, &w->limits.rpc, &w->rpc)) != E_OK)
        return (err);
    conn_host_init(&w->host, w->base, w->tls, w->rpc, &w->limits);
    return (E_OK);
}

/*
 * What the writer posted before our part of the service was gone must still
 * run on this thread; what it finishes later it does not post any more.
 */
static void
close_parts(struct net_worker *w)
{
    w->over = 1;
    if (w->rpc != NULL) {
        conn_host_close(&w->host);
        conn_host_reap(&w->host);
        conn_host_free(&w->host);
    }
    mailbox_run(w->mailbox);
    rpc_server_free(w->rpc);
    service_worker_free(w->part);
    (void)pthread_mutex_lock(&w->lock);
    w->ended = 1;
    (void)pthread_mutex_unlock(&w->lock);
    mailbox_run(w->mailbox);
}

static void
tell_ready(struct net_worker *w, enum err err)
{
    (void)pthread_mutex_lock(&w->lock);
    w->err = err;
    w->ready = 1;
    (void)pthread_cond_signal(&w->told);
    (void)pthread_mutex_unlock(&w->lock);
}

/*
 * One pass.  Writing makes room, and a method that was waiting for it may ask
 * the store again; freeing cancels calls: hence the second look.  The loop may
 * sleep only when nobody has anything to say.
 */
static int
tick(struct net_worker *w, int busy)
{
    int flags = EVLOOP_ONCE | (busy ? EVLOOP_NONBLOCK : 0);

    if (event_base_loop(w->base, flags) < 0) {
        log_line(LOG_ERROR, "loop", "worker=%s err=%s", w->name,
            err_name(E_IO));
        w->over = 1;
    }
    conn_host_read(&w->host);
    service_worker_tick(w->part);
    conn_host_flush(&w->host);
    conn_host_reap(&w->host);
    service_worker_tick(w->part);
    log_flush();
    return (conn_host_busy(&w->host));
}

static void *
run(void *cookie)
{
    struct net_worker *w = cookie;
    int busy = 0;
    enum err err;

    (void)pthread_setname_np(pthread_self(), w->name);
    err = open_parts(w);
    tell_ready(w, err);
    if (err == E_OK)
        while (!w->over && !(w->draining && w->host.count == 0))
            busy = tick(w, busy);
    close_parts(w);
    log_flush();
    return (NULL);
}

static void
on_grace(evutil_socket_t fd, short what, void *cookie)
{
    struct net_worker *w = cookie;

    (void)fd, (void)what;
    if (w->host.count > 0)
        log_line(LOG_WARN, "drain", "worker=%s cut=%zu", w->name,
            w->host.count);
    conn_host_close(&w->host);
}

static void
on_drain(void *cookie)
{
    struct net_worker *w = cookie;
    const struct timeval grace = {
        .tv_sec = (time_t)(w->limits.drain_us / 1000000),
        .tv_usec = (suseconds_t)(w->limits.drain_us % 1000000),
    };

    if (w->over || w->draining)
        return;
    w->draining = 1;
    service_worker_drain(w->part);
    conn_host_drain(&w->host);
    /* Without a clock there is no grace. */
    if (event_add(&w->grace, &grace) != 0)
        conn_host_close(&w->host);
}

/* A socket on its way to its worker. */
struct handover {
    struct net_worker *worker;  /* borrowed */
    int fd;                     /* owned */
};

static void
on_take(void *cookie)
{
    struct handover *h = cookie;

    if (h->worker->over)
        (void)close(h->fd);
    else
        conn_host_take(&h->worker->host, h->fd);
    free(h);
}

static void
on_revoke(void *cookie)
{
    struct net_revoke *r = cookie;

    r->ended = r->worker->over ? 0 : conn_host_revoke(&r->worker->host);
    r->done(r);
}

/* ---- on any thread ---------------------------------------------------- */

void
net_worker_take(struct net_worker *worker, int fd)
{
    struct handover *h;

    if ((h = malloc(sizeof(*h))) == NULL) {
        log_line(LOG_WARN, "refused", "reason=\"%s\"", err_text(E_NOMEM));
        (void)close(fd);
        return;
    }
    h->worker = worker;
    h->fd = fd;
    mailbox_post(worker->mailbox, on_take, h);
}

void
net_worker_ping(struct net_worker *worker, void (*answer)(void *cookie),
    void *cookie)
{
    mailbox_post(worker->mailbox, answer, cookie);
}

/* Others drain on and wait for this: who has ended must not keep them. */
void
net_worker_revoke(struct net_revoke *revoke)
{
    struct net_worker *w = revoke->worker;
    int ended;

    (void)pthread_mutex_lock(&w->lock);
    if (!(ended = w->ended))
        mailbox_post(w->mailbox, on_revoke, revoke);
    (void)pthread_mutex_unlock(&w->lock);
    if (ended) {
        revoke->ended = 0;
        revoke->done(revoke);
    }
}

void
net_worker_drain(struct net_worker *worker)
{
    mailbox_post(worker->mailbox, on_drain, worker);
}

/* No locks: one thread uses the loop, and the mailbox is its only door. */
static enum err
open_loop(struct net_worker *w)
{
    struct event_config *config;

    if ((config = event_config_new()) == NULL)
        return (E_NOMEM);
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        w->base = event_base_new_with_config(config);
    event_config_free(config);
    if (w->base == NULL)
        return (E_NOMEM);
    if (evtimer_assign(&w->grace, w->base, on_grace, w) != 0)
        return (E_NOMEM);
    return (mailbox_create(w->base, &w->mailbox));
}

/* Signals are for the thread that was there first. */
static enum err
start_thread(struct net_worker *w)
{
    sigset_t all, before;
    int rc;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return (E_IO);
    rc = pthread_create(&w->thread, NULL, run, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return (E_NOMEM);

    (void)pthread_mutex_lock(&w->lock);
    while (!w->ready)
        (void)pthread_cond_wait(&w->told, &w->lock);
    (void)pthread_mutex_unlock(&w->lock);
    if (w->err != E_OK)
        (void)pthread_join(w->thread, NULL);
    return (w->err);
}

/* The thread is not there, or has ended. */
static void
worker_free(struct net_worker *w)
{
    if (w == NULL)
        return;
    mailbox_free(w->mailbox);
    if (w->base != NULL) {
        (void)event_del(&w->grace);
        event_base_free(w->base);
    }
    (void)pthread_cond_destroy(&w->told);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

enum err
net_worker_start(const char *name, struct service *service,
    struct tls_server *tls, const struct net_limits *limits,
    struct net_worker **worker)
{
    struct net_worker *w = NULL;
    enum err err = E_NOMEM;

    *worker = NULL;

    if ((w = calloc(1, sizeof(*w))) == NULL)
        goto out;
    (void)snprintf(w->name, sizeof(w->name), "%s", name);
    w->service = service;
    w->tls = tls;
    w->limits = *limits;
    /* Neither can fail without attributes (pthread_mutex_init(3)). */
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->told, NULL);
    if ((err = open_loop(w)) != E_OK || (err = start_thread(w)) != E_OK)
        goto out;

    *worker = w;
    w = NULL;

out:
    worker_free(w);
    return (err);
}

void
net_worker_wait(struct net_worker *worker)
{
    if (worker->joined)
        return;
    net_worker_drain(worker);
    (void)pthread_join(worker->thread, NULL);
    worker->joined = 1;
}

void
net_worker_stop(struct net_worker *worker)
{
    if (worker == NULL)
        return;
    net_worker_wait(worker);
    worker_free(worker);
}
