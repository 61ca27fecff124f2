#include "net/conn_host.h"

#include <assert.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/conn_io.h"
#include "net/conn_revoke.h"

/* Refused handshakes of one second that the log tells of. */
enum { REFUSALS_LOGGED = 100 };

void
conn_host_init(struct conn_host *host, struct event_base *base,
    struct tls_server *tls, struct rpc_server *rpc,
    const struct net_limits *limits)
{
    host->base = base;
    host->tls = tls;
    host->rpc = rpc;
    host->limits = *limits;
    buf_init(&host->out, limits->max_output);
    TAILQ_INIT(&host->shaking);
    TAILQ_INIT(&host->all);
    STAILQ_INIT(&host->dirty);
    STAILQ_INIT(&host->more);
    STAILQ_INIT(&host->closed);
    host->count = 0;
    host->now = 0;
    host->draining = 0;
    host->full = 0;
    host->refusals_from = 0;
    host->refusals = 0;
}

/* Let the oldest of those go who have not shaken hands; 0: there is none. */
static int
make_room(struct conn_host *host)
{
    struct conn *c = TAILQ_FIRST(&host->shaking);

    if (c == NULL)
        return (0);
    conn_enter(c, CONN_CLOSED);
    conn_host_reap(host);
    return (1);
}

/* One line when they become too many, not one for each that is turned away. */
void
conn_host_take(struct conn_host *host, int fd)
{
    int full = host->count >= host->limits.max_connections;

    if (full && !host->full)
        log_line(LOG_WARN, "refused",
            "reason=\"too many connections\" connections=%zu", host->count);
    host->full = full;
    if (host->draining || (full && !make_room(host))) {
        (void)close(fd);
        return;
    }
    conn_start(host, fd);
}

int
conn_host_may_log(struct conn_host *host)
{
    int64_t now = clock_monotonic_us();

    if (now - host->refusals_from >= 1000000) {
        if (host->refusals > REFUSALS_LOGGED)
            log_line(LOG_WARN, "handshake", "unlogged=%u",
                host->refusals - REFUSALS_LOGGED);
        host->refusals_from = now;
        host->refusals = 0;
    }
    return (++host->refusals <= REFUSALS_LOGGED);
}

void
conn_host_read(struct conn_host *host)
{
    STAILQ_HEAD(, conn) now = STAILQ_HEAD_INITIALIZER(now);
    struct conn *c;

    STAILQ_CONCAT(&now, &host->more);
    while ((c = STAILQ_FIRST(&now)) != NULL) {
        STAILQ_REMOVE_HEAD(&now, more_link);
        c->more = 0;
        conn_io_read(c);
    }
}

/*
 * Only those that are on the list now: whoever has more to say than one tick
 * allows puts itself on it again, behind the others.
 */
void
conn_host_flush(struct conn_host *host)
{
    STAILQ_HEAD(, conn) now = STAILQ_HEAD_INITIALIZER(now);
    struct conn *c;

    if (STAILQ_EMPTY(&host->dirty))
        return;
    host->now = clock_monotonic_us();
    STAILQ_CONCAT(&now, &host->dirty);
    while ((c = STAILQ_FIRST(&now)) != NULL) {
        STAILQ_REMOVE_HEAD(&now, dirty_link);
        c->dirty = 0;
        conn_io_flush(c);
    }
}

/*
 * One that is closed may still be on the other lists.  Freeing it cancels its
 * calls; nobody is told through it any more, but others may be.
 */
void
conn_host_reap(struct conn_host *host)
{
    struct conn *c;

    while ((c = STAILQ_FIRST(&host->closed)) != NULL) {
        STAILQ_REMOVE_HEAD(&host->closed, closed_link);
        if (c->dirty)
            STAILQ_REMOVE(&host->dirty, c, conn, dirty_link);
        if (c->more)
            STAILQ_REMOVE(&host->more, c, conn, more_link);
        conn_free(c);
        host->count--;
    }
}

int
conn_host_busy(const struct conn_host *host)
{
    return (!STAILQ_EMPTY(&host->dirty) || !STAILQ_EMPTY(&host->more) ||
        !STAILQ_EMPTY(&host->closed));
}

void
conn_host_drain(struct conn_host *host)
{
    struct conn *c, *next;

    host->draining = 1;
    for (c = TAILQ_FIRST(&host->shaking); c != NULL; c = next) {
        next = TAILQ_NEXT(c, all_link);
        conn_drain(c, CONN_SHUTDOWN);
    }
    for (c = TAILQ_FIRST(&host->all); c != NULL; c = next) {
        next = TAILQ_NEXT(c, all_link);
        conn_drain(c, CONN_SHUTDOWN);
    }
}

/* Who shakes hands still is asked for when that is over. */
size_t
conn_host_revoke(struct conn_host *host)
{
    struct conn *c, *next;
    size_t ended = 0;

    for (c = TAILQ_FIRST(&host->all); c != NULL; c = next) {
        next = TAILQ_NEXT(c, all_link);
        if (conn_revoke(c))
            ended++;
    }
    return (ended);
}

void
conn_host_close(struct conn_host *host)
{
    struct conn *c;

    while ((c = TAILQ_FIRST(&host->shaking)) != NULL ||
        (c = TAILQ_FIRST(&host->all)) != NULL)
        conn_enter(c, CONN_CLOSED);
}

void
conn_host_free(struct conn_host *host)
{
    assert(host->count == 0);
    buf_free(&host->out);
}
