/*
 * What stands in for h2, rpc and service: see net_rig.h.  Sessions and the
 * service's part belong to one worker's thread each; what is atomic or under
 * ${later_lock} is shared.
 */

#include "support/net_rig_protocol.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "h2/h2.h"
#include "rpc/rpc.h"
#include "service/service.h"
#include "support/fault.h"
#include "support/net_rig.h"

#define LINE 512

/* What was asked and is answered by the service's tick. */
struct say {
    struct h2 *h2;
    STAILQ_ENTRY(say) link;
    char text[LINE];
};

struct service_worker {
    struct store_post post;
    STAILQ_HEAD(, say) says;
    size_t number;
};

struct rpc_server {
    struct service_worker *worker;
};

/* A call that another thread answers; without a session, it was cancelled. */
struct later {
    struct h2 *h2;
    struct service_worker *worker;
    LIST_ENTRY(later) of_h2;        /* the worker's thread */
    STAILQ_ENTRY(later) of_all;     /* under the lock */
};

struct h2 {
    struct service_worker *worker;
    void (*wake)(void *cookie);
    void *cookie;
    char line[LINE];
    size_t line_n;
    struct buf out;                 /* lines to say, before ${big} */
    size_t big, big_at;
    int64_t deadline;
    LIST_HEAD(, later) laters;
    int draining, final, broken, fails;
};

static atomic_int sessions, calls, started;
static atomic_int used[RIG_WORKERS];
static atomic_int start_failure;

static pthread_mutex_t later_lock = PTHREAD_MUTEX_INITIALIZER;
static STAILQ_HEAD(, later) later_all = STAILQ_HEAD_INITIALIZER(later_all);
static int later_open;

int
rig_sessions(void)
{
    return (atomic_load(&sessions));
}

int
rig_calls(void)
{
    return (atomic_load(&calls));
}

int
rig_used(size_t i)
{
    return (atomic_load(&used[i]));
}

void
rig_fail_start(enum err err)
{
    atomic_store(&start_failure, (int)err);
}

void
rig_protocol_reset(void)
{
    (void)pthread_mutex_lock(&later_lock);
    later_open = 0;
    (void)pthread_mutex_unlock(&later_lock);
    atomic_store(&started, 0);
    for (size_t i = 0; i < RIG_WORKERS; i++)
        atomic_store(&used[i], 0);
}

/* ---- service ---------------------------------------------------------- */

enum err
service_worker_create(struct service *service, const struct store_post *post,
    struct service_worker **worker)
{
    enum err err = (enum err)atomic_load(&start_failure);

    (void)service;
    *worker = NULL;
    if (err != E_OK)
        return (err);
    if ((*worker = calloc(1, sizeof(**worker))) == NULL)
        return (E_NOMEM);
    (*worker)->post = *post;
    (*worker)->number = (size_t)atomic_fetch_add(&started, 1);
    STAILQ_INIT(&(*worker)->says);
    return (E_OK);
}

static void
put(struct h2 *h2, const char *text)
{
    if (buf_add(&h2->out, slice_of(text)) != E_OK ||
        buf_add(&h2->out, slice_of("\n")) != E_OK)
        h2->fails = 1;
    h2->wake(h2->cookie);
}

void
service_worker_tick(struct service_worker *worker)
{
    struct say *say;

    while ((say = STAILQ_FIRST(&worker->says)) != NULL) {
        STAILQ_REMOVE_HEAD(&worker->says, link);
        put(say->h2, say->text);
        free(say);
    }
}

void
service_worker_drain(struct service_worker *worker)
{
    (void)worker;
}

void
service_worker_free(struct service_worker *worker)
{
    free(worker);
}

/* ---- calls that another thread answers -------------------------------- */

static void
on_later(void *cookie)
{
    struct later *later = cookie;

    if (later->h2 != NULL) {
        LIST_REMOVE(later, of_h2);
        atomic_fetch_sub(&calls, 1);
        put(later->h2, "later");
    }
    free(later);
}

static void
post_all(void)
{
    struct later *later;

    while ((later = STAILQ_FIRST(&later_all)) != NULL) {
        STAILQ_REMOVE_HEAD(&later_all, of_all);
        later->worker->post.post(later->worker->post.target, on_later, later);
    }
}

void
rig_release(void)
{
    (void)pthread_mutex_lock(&later_lock);
    later_open = 1;
    post_all();
    (void)pthread_mutex_unlock(&later_lock);
}

static enum err
start_later(struct h2 *h2)
{
    struct later *later;

    if ((later = calloc(1, sizeof(*later))) == NULL)
        return (E_NOMEM);
    later->h2 = h2;
    later->worker = h2->worker;
    LIST_INSERT_HEAD(&h2->laters, later, of_h2);
    atomic_fetch_add(&calls, 1);
    (void)pthread_mutex_lock(&later_lock);
    STAILQ_INSERT_TAIL(&later_all, later, of_all);
    if (later_open)
        post_all();
    (void)pthread_mutex_unlock(&later_lock);
    return (E_OK);
}

/* What is on its way in the mailbox is freed there; the others here. */
static void
cancel_laters(struct h2 *h2)
{
    struct later *later, *l;

    (void)pthread_mutex_lock(&later_lock);
    while ((later = LIST_FIRST(&h2->laters)) != NULL) {
        LIST_REMOVE(later, of_h2);
        atomic_fetch_sub(&calls, 1);
        later->h2 = NULL;
        STAILQ_FOREACH(l, &later_all, of_all)
            if (l == later)
                break;
        if (l != NULL) {
            STAILQ_REMOVE(&later_all, later, later, of_all);
            free(later);
        }
    }
    (void)pthread_mutex_unlock(&later_lock);
}

/* ---- rpc -------------------------------------------------------------- */

enum err
rpc_server_create(struct service_worker *worker,
    const struct rpc_limits *limits, struct rpc_server **server)
{
    (void)limits;
    if ((*server = calloc(1, sizeof(**server))) == NULL)
        return (E_NOMEM);
    (*server)->worker = worker;
    return (E_OK);
}

void
rpc_server_free(struct rpc_server *server)
{
    free(server);
}

/* ---- h2 --------------------------------------------------------------- */

enum err
h2_create(struct rpc_server *rpc, const struct identity *peer,
    const struct h2_limits *limits, void (*wake)(void *cookie), void *cookie,
    struct h2 **h2)
{
    (void)peer, (void)limits;
    if ((*h2 = calloc(1, sizeof(**h2))) == NULL)
        return (E_NOMEM);
    (*h2)->worker = rpc->worker;
    (*h2)->wake = wake;
    (*h2)->cookie = cookie;
    (*h2)->deadline = INT64_MAX;
    buf_init(&(*h2)->out, 1 << 20);
    LIST_INIT(&(*h2)->laters);
    atomic_fetch_add(&sessions, 1);
    atomic_fetch_add(&used[rpc->worker->number], 1);
    return (E_OK);
}

static enum err
start_say(struct h2 *h2, const char *text)
{
    struct say *say;

    if ((say = calloc(1, sizeof(*say))) == NULL)
        return (E_NOMEM);
    say->h2 = h2;
    (void)snprintf(say->text, sizeof(say->text), "%s", text);
    STAILQ_INSERT_TAIL(&h2->worker->says, say, link);
    return (E_OK);
}

static const char *
after(const char *line, const char *word)
{
    size_t n = strlen(word);

    return (strncmp(line, word, n) == 0 ? line + n : NULL);
}

static enum err
on_line(struct h2 *h2)
{
    const char *rest;

    if ((rest = after(h2->line, "say ")) != NULL)
        return (start_say(h2, rest));
    if (after(h2->line, "later") != NULL)
        return (start_later(h2));
    if ((rest = after(h2->line, "big ")) != NULL)
        h2->big += strtoul(rest, NULL, 10);
    else if ((rest = after(h2->line, "deadline ")) != NULL)
        h2->deadline = clock_monotonic_us() + strtol(rest, NULL, 10) * 1000;
    else if ((rest = after(h2->line, "fault ")) != NULL) {
        put(h2, "fault");
        fault_arm((int)strtol(rest, NULL, 10));
    } else if (after(h2->line, "fail") != NULL)
        h2->fails = 1;
    else if (after(h2->line, "ack") != NULL)
        h2_drain_now(h2);
    else {
        h2->broken = 1;
        put(h2, "goaway");
        return (E_INVAL);
    }
    return (E_OK);
}

enum err
h2_feed(struct h2 *h2, struct slice in)
{
    enum err err;

    for (size_t i = 0; i < in.n; i++) {
        if (in.p[i] != '\n') {
            if (h2->line_n < sizeof(h2->line) - 1)
                h2->line[h2->line_n++] = (char)in.p[i];
            continue;
        }
        h2->line[h2->line_n] = '\0';
        h2->line_n = 0;
        if ((err = on_line(h2)) != E_OK)
            return (err);
    }
    return (E_OK);
}

static enum err
take_big(struct h2 *h2, struct buf *out)
{
    uint8_t bytes[4096];

    while (h2->big > 0 && out->max - out->n >= 16384) {
        size_t n = h2->big < sizeof(bytes) ? h2->big : sizeof(bytes);
        enum err err;

        for (size_t i = 0; i < n; i++)
            bytes[i] = (uint8_t)('a' + (h2->big_at + i) % 26);
        if ((err = buf_add(out, (struct slice){bytes, n})) != E_OK)
            return (err);
        h2->big -= n;
        h2->big_at += n;
    }
    return (E_OK);
}

enum err
h2_take(struct h2 *h2, struct buf *out)
{
    struct slice bytes = buf_slice(&h2->out);
    size_t room = out->max - out->n;
    enum err err;

    if (h2->fails)
        return (E_INVAL);
    if (bytes.n > room)
        bytes.n = room;
    if ((err = buf_add(out, bytes)) != E_OK)
        return (err);
    buf_drop(&h2->out, bytes.n);
    return (h2->out.n == 0 ? take_big(h2, out) : E_OK);
}

int
h2_wants_write(const struct h2 *h2)
{
    return (h2->out.n > 0 || h2->big > 0);
}

int64_t
h2_deadline(const struct h2 *h2)
{
    return (h2->deadline);
}

void
h2_expire(struct h2 *h2, int64_t now)
{
    if (h2->deadline > now)
        return;
    h2->deadline = INT64_MAX;
    put(h2, "expired");
}

size_t
h2_streams(const struct h2 *h2)
{
    return (!LIST_EMPTY(&h2->laters) || h2->deadline != INT64_MAX);
}

void
h2_ping(struct h2 *h2)
{
    put(h2, "ping");
}

void
h2_drain(struct h2 *h2, const char *why)
{
    h2->draining = 1;
    put(h2, "drain");
    if (strcmp(why, "shutdown") != 0)
        put(h2, why);
}

void
h2_drain_now(struct h2 *h2)
{
    if (!h2->final)
        put(h2, "final");
    h2->final = 1;
}

int
h2_finished(const struct h2 *h2)
{
    return ((h2->final || h2->broken) && LIST_EMPTY(&h2->laters) &&
        h2->deadline == INT64_MAX && !h2_wants_write(h2));
}

void
h2_free(struct h2 *h2)
{
    struct say *say, *next;

    if (h2 == NULL)
        return;
    for (say = STAILQ_FIRST(&h2->worker->says); say != NULL; say = next) {
        next = STAILQ_NEXT(say, link);
        if (say->h2 == h2) {
            STAILQ_REMOVE(&h2->worker->says, say, say, link);
            free(say);
        }
    }
    cancel_laters(h2);
    buf_free(&h2->out);
    free(h2);
    atomic_fetch_sub(&sessions, 1);
}
