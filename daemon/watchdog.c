#include "watchdog.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <event2/event_struct.h>

#include "base/log.h"
#include "net/worker.h"
#include "store/store.h"

/* How often a period is looked for those that do not answer. */
enum { LOOKS = 16 };

struct watchdog {
    struct watchdog_options options;
    struct event look;
    struct store_job job;           /* the writer's ping */
    atomic_int written;             /* the writer has answered */
    unsigned long progress;         /* of the store, when last looked at */
    int hungry;                     /* somebody did not answer in time */
    atomic_int answered[];          /* the workers have */
};

static void
on_answer(void *cookie)
{
    atomic_store((atomic_int *)cookie, 1);
}

static enum err
run_nothing(struct store_txn *txn, void *cookie)
{
    (void)txn, (void)cookie;
    return (E_NOTFOUND);            /* so that nothing is committed */
}

static void
on_written(void *cookie, enum err err)
{
    (void)err;
    on_answer(cookie);
}

/* The writer's thread may say so itself. */
static void
post_here(void *target, void (*fn)(void *cookie), void *cookie)
{
    (void)target;
    fn(cookie);
}

/* Ask those who have answered again; the others still have their ping. */
static void
ask(struct watchdog *w)
{
    for (size_t i = 0; i < w->options.nworkers; i++)
        if (atomic_exchange(&w->answered[i], 0))
            net_worker_ping(w->options.workers[i], on_answer,
                &w->answered[i]);
    if (atomic_exchange(&w->written, 0))
        store_submit(w->options.store, &w->job);
}

static int
writer_lives(struct watchdog *w)
{
    unsigned long progress = store_progress(w->options.store);
    int moved = progress != w->progress;

    w->progress = progress;
    return (moved || atomic_load(&w->written));
}

/* Say once who does not answer, and once that all do again. */
static int
all_live(struct watchdog *w)
{
    char who[32] = "";

    for (size_t i = 0; i < w->options.nworkers; i++)
        if (!atomic_load(&w->answered[i]))
            (void)snprintf(who, sizeof(who), "worker-%zu", i);
    if (!writer_lives(w))
        (void)snprintf(who, sizeof(who), "store-writer");
    if (who[0] != '\0' && !w->hungry)
        log_line(LOG_ERROR, "watchdog", "part=%s reason=\"does not answer\"",
            who);
    if (who[0] == '\0' && w->hungry)
        log_line(LOG_WARN, "watchdog", "reason=\"all answer again\"");
    w->hungry = who[0] != '\0';
    return (!w->hungry);
}

static void
wait_for(struct watchdog *w, int64_t us)
{
    const struct timeval tv = {
        .tv_sec = (time_t)(us / 1000000),
        .tv_usec = (suseconds_t)(us % 1000000),
    };

    /* If this fails nobody feeds any more, and we are started anew. */
    if (event_add(&w->look, &tv) != 0)
        log_line(LOG_ERROR, "watchdog", "part=loop reason=\"%s\"",
            err_text(E_NOMEM));
}

static void
on_look(evutil_socket_t fd, short what, void *cookie)
{
    struct watchdog *w = cookie;

    (void)fd, (void)what;
    if (all_live(w)) {
        w->options.feed();
        ask(w);
        wait_for(w, w->options.period_us / 2);
    } else
        wait_for(w, w->options.period_us / LOOKS);
    log_flush();
}

enum err
watchdog_create(struct event_base *base,
    const struct watchdog_options *options, struct watchdog **watchdog)
{
    struct watchdog *w;

    *watchdog = NULL;
    if ((w = calloc(1, sizeof(*w) +
        options->nworkers * sizeof(w->answered[0]))) == NULL)
        return (E_NOMEM);
    w->options = *options;
    w->job = (struct store_job){
        .run = run_nothing,
        .done = on_written,
        .cookie = &w->written,
        .post = {.post = post_here},
    };
    if (evtimer_assign(&w->look, base, on_look, w) != 0) {
        free(w);
        return (E_NOMEM);
    }
    for (size_t i = 0; i < options->nworkers; i++)
        atomic_store(&w->answered[i], 1);
    atomic_store(&w->written, 1);
    on_look(-1, 0, w);
    *watchdog = w;
    return (E_OK);
}

void
watchdog_free(struct watchdog *w)
{
    if (w == NULL)
        return;
    (void)event_del(&w->look);
    free(w);
}
