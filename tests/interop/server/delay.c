#include "delay.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "base/clock.h"

struct delay {
    LIST_ENTRY(delay) link;
    int waits;                  /* in the clock's list; under its lock */
    int64_t due_us;
    void (*fn)(void *cookie);   /* the worker's thread; NULL: canceled */
    void *cookie;
};

struct delay_clock {
    struct store_post post;
    pthread_t thread;
    pthread_mutex_t lock;       /* over what is below */
    pthread_cond_t moved;
    LIST_HEAD(, delay) waiting;
    int over;
};

/* On the worker's thread. */
static void
on_due(void *cookie)
{
    struct delay *delay = cookie;

    if (delay->fn != NULL)
        delay->fn(delay->cookie);
    free(delay);
}

/* Post what is due; return when to look again. */
static int64_t
post_due(struct delay_clock *clock)
{
    int64_t now = clock_monotonic_us();
    int64_t next = INT64_MAX;
    struct delay *delay;
    struct delay *after;

    for (delay = LIST_FIRST(&clock->waiting); delay != NULL; delay = after) {
        after = LIST_NEXT(delay, link);
        if (delay->due_us <= now) {
            LIST_REMOVE(delay, link);
            delay->waits = 0;
            clock->post.post(clock->post.target, on_due, delay);
        } else if (delay->due_us < next) {
            next = delay->due_us;
        }
    }
    return (next);
}

static void *
run(void *cookie)
{
    struct delay_clock *clock = cookie;
    struct timespec until;
    int64_t next;

    (void)pthread_mutex_lock(&clock->lock);
    while (!clock->over) {
        if ((next = post_due(clock)) == INT64_MAX) {
            (void)pthread_cond_wait(&clock->moved, &clock->lock);
            continue;
        }
        until.tv_sec = (time_t)(next / 1000000);
        until.tv_nsec = (long)(next % 1000000) * 1000;
        (void)pthread_cond_timedwait(&clock->moved, &clock->lock, &until);
    }
    (void)pthread_mutex_unlock(&clock->lock);
    return (NULL);
}

enum err
delay_clock_create(const struct store_post *post, struct delay_clock **clock)
{
    pthread_condattr_t monotonic;
    struct delay_clock *made;

    *clock = NULL;
    if ((made = calloc(1, sizeof(*made))) == NULL)
        return (E_NOMEM);
    made->post = *post;
    LIST_INIT(&made->waiting);
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&made->moved, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (pthread_create(&made->thread, NULL, run, made) != 0) {
        (void)pthread_cond_destroy(&made->moved);
        (void)pthread_mutex_destroy(&made->lock);
        free(made);
        return (E_NOMEM);
    }
    *clock = made;
    return (E_OK);
}

void
delay_clock_free(struct delay_clock *clock)
{
    if (clock == NULL)
        return;
    (void)pthread_mutex_lock(&clock->lock);
    clock->over = 1;
    (void)pthread_cond_signal(&clock->moved);
    (void)pthread_mutex_unlock(&clock->lock);
    (void)pthread_join(clock->thread, NULL);
    (void)pthread_cond_destroy(&clock->moved);
    (void)pthread_mutex_destroy(&clock->lock);
    free(clock);
}

enum err
delay_start(struct delay_clock *clock, int64_t us, void (*fn)(void *cookie),
    void *cookie, struct delay **delay)
{
    struct delay *made;

    *delay = NULL;
    if ((made = calloc(1, sizeof(*made))) == NULL)
        return (E_NOMEM);
    made->due_us = clock_monotonic_us() + us;
    made->fn = fn;
    made->cookie = cookie;
    made->waits = 1;
    (void)pthread_mutex_lock(&clock->lock);
    LIST_INSERT_HEAD(&clock->waiting, made, link);
    (void)pthread_cond_signal(&clock->moved);
    (void)pthread_mutex_unlock(&clock->lock);
    *delay = made;
    return (E_OK);
}

void
delay_cancel(struct delay_clock *clock, struct delay *delay)
{
    int waits;

    if (delay == NULL)
        return;
    (void)pthread_mutex_lock(&clock->lock);
    if ((waits = delay->waits))
        LIST_REMOVE(delay, link);
    (void)pthread_mutex_unlock(&clock->lock);
    if (waits)
        free(delay);
    else            /* it is in the mailbox, and is freed there */
        delay->fn = NULL;
}
