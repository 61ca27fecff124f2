#include "net/conn.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/conn_host.h"
#include "net/conn_io.h"

#define NEVER INT64_MAX

/* How long the peer has to hang up once it has heard our last words. */
#define LINGER_US 1000000

/*
 * How long a handshake may go on once the worker drains, and how long we wait
 * for the PING of h2_drain(), if the grace is not shorter: a peer that has to
 * send something again does so after one second.
 */
#define DRAIN_PATIENCE_US 3000000

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;          /* states that may follow */
} states[CONN_STATE_COUNT] = {
    [CONN_HANDSHAKE] = {"handshake",
        TO(CONN_OPEN) | TO(CONN_LINGERING) | TO(CONN_CLOSED)},
    [CONN_OPEN] = {"open",
        TO(CONN_DRAINING) | TO(CONN_ENDING) | TO(CONN_CLOSED)},
    [CONN_DRAINING] = {"draining", TO(CONN_ENDING) | TO(CONN_CLOSED)},
    [CONN_ENDING] = {"ending", TO(CONN_LINGERING) | TO(CONN_CLOSED)},
    [CONN_LINGERING] = {"lingering", TO(CONN_CLOSED)},
    [CONN_CLOSED] = {"closed", 0},
};

/* Of what the peer is told, gRFC A9 has the words for two. */
static const char *const whys[CONN_WHY_COUNT] = {
    [CONN_SHUTDOWN] = "shutdown",
    [CONN_CERTIFICATE] = "certificate_expired",
    [CONN_UNSURE] = "certificate_status_unknown",
    [CONN_IDLE] = "max_idle",
    [CONN_AGE] = "max_age",
};

static int64_t
grace_of(const struct net_limits *limits, enum conn_why why)
{
    if (why != CONN_AGE && why != CONN_IDLE)
        return (limits->drain_us);
    return (limits->age_grace_us == 0 ? NEVER : limits->age_grace_us);
}

/* The longest stay in a state, in microseconds; NEVER: no limit. */
static int64_t
longest_stay(const struct conn *c, enum conn_state state)
{
    const struct net_limits *limits = &c->host->limits;

    switch (state) {
    case CONN_HANDSHAKE:
        return (limits->handshake_us);
    case CONN_DRAINING:
        return (grace_of(limits, c->why));
    case CONN_ENDING:
        return (limits->stall_us);
    case CONN_LINGERING:
        return (LINGER_US);
    default:
        return (NEVER);
    }
}

static int64_t
after(int64_t now, int64_t stay)
{
    return (stay >= NEVER - now ? NEVER : now + stay);
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return (a < b ? a : b);
}

/* Connections are counted over all workers: the log tells them apart. */
static uint64_t
next_id(void)
{
    static atomic_uint_fast64_t last;

    return (atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1);
}

void
conn_touch(struct conn *c)
{
    if (c->dirty || c->state == CONN_CLOSED)
        return;
    c->dirty = 1;
    STAILQ_INSERT_TAIL(&c->host->dirty, c, dirty_link);
}

void
conn_read_on(struct conn *c)
{
    if (c->more || c->state == CONN_CLOSED)
        return;
    c->more = 1;
    STAILQ_INSERT_TAIL(&c->host->more, c, more_link);
}

static void
stop_events(struct conn *c)
{
    (void)event_del(&c->readable);
    (void)event_del(&c->writable);
    (void)event_del(&c->timer);
}

/* From one of the host's lists to the other, or off them. */
static void
move(struct conn *c, enum conn_state next)
{
    struct conn_host *host = c->host;
    int shaking = (c->state == CONN_HANDSHAKE);

    if (shaking || next == CONN_CLOSED)
        TAILQ_REMOVE(shaking ? &host->shaking : &host->all, c, all_link);
    if (next == CONN_CLOSED)
        STAILQ_INSERT_TAIL(&host->closed, c, closed_link);
    else if (shaking)
        TAILQ_INSERT_TAIL(&host->all, c, all_link);
}

void
conn_enter(struct conn *c, enum conn_state next)
{
    const int64_t now = clock_monotonic_us();

    assert((states[c->state].next & TO(next)) != 0);
    log_line(LOG_DEBUG, "connection", "conn=%" PRIu64 " from=%s to=%s", c->id,
        states[c->state].name, states[next].name);
    move(c, next);
    c->state = next;
    c->until = after(now, longest_stay(c, next));

    switch (next) {
    case CONN_OPEN:
        c->ends_at = after(now, c->peer.not_after_us - clock_wall_us());
        conn_life_begin(&c->life, &c->host->limits.life, now,
            c->id ^ (uint64_t)now);
        break;
    case CONN_DRAINING:
        c->life.ending = 1;
        break;
    case CONN_ENDING:
        (void)event_del(&c->readable);
        conn_touch(c);
        break;
    case CONN_LINGERING:
        (void)event_del(&c->writable);
        if (event_add(&c->readable, NULL) != 0) {
            conn_enter(c, CONN_CLOSED);
            return;
        }
        break;
    case CONN_CLOSED:
        stop_events(c);
        return;
    default:
        break;
    }
    conn_arm(c);
}

void
conn_block(struct conn *c)
{
    c->blocked = 1;
    c->life.read_at = NEVER;
    c->stalled_at = after(clock_monotonic_us(), c->host->limits.stall_us);
    (void)event_del(&c->readable);
    if (event_add(&c->writable, NULL) != 0)
        conn_enter(c, CONN_CLOSED);
}

void
conn_unblock(struct conn *c)
{
    c->blocked = 0;
    c->life.read_at = clock_monotonic_us();
    c->stalled_at = NEVER;
    if (c->state != CONN_OPEN && c->state != CONN_DRAINING)
        return;
    if (event_add(&c->readable, NULL) != 0) {
        conn_enter(c, CONN_CLOSED);
        return;
    }
    if (SSL_has_pending(c->ssl))
        conn_read_on(c);
}

static int64_t
next_due(const struct conn *c)
{
    int64_t due = earlier(earlier(c->until, c->stalled_at), c->final_at);

    if (c->state == CONN_OPEN || c->state == CONN_DRAINING)
        due = earlier(earlier(due, c->ends_at), earlier(h2_deadline(c->h2),
            conn_life_next(&c->life, &c->host->limits.life)));
    return (due);
}

/*
 * A timer that fires too early does no harm, one that is moved for every call
 * costs: it is only ever moved forward.
 */
void
conn_arm(struct conn *c)
{
    int64_t due = next_due(c), wait;
    struct timeval tv;

    if (c->state == CONN_CLOSED || due >= c->armed_for)
        return;
    wait = due - clock_monotonic_us();
    if (wait < 0)
        wait = 0;
    /* libevent counts from the start of its pass: do not fire just before. */
    wait += 1000;
    tv.tv_sec = (time_t)(wait / 1000000);
    tv.tv_usec = (suseconds_t)(wait % 1000000);
    if (event_add(&c->timer, &tv) != 0) {
        conn_enter(c, CONN_CLOSED);
        return;
    }
    c->armed_for = due;
}

static void
on_time_up(struct conn *c)
{
    if (c->state == CONN_HANDSHAKE)
        log_line(LOG_WARN, "handshake", "conn=%" PRIu64
            " reason=\"time ran out\"", c->id);
    else if (c->state != CONN_LINGERING)
        log_line(LOG_WARN, "connection", "conn=%" PRIu64
            " state=%s reason=\"time ran out\"", c->id,
            states[c->state].name);
    conn_enter(c, CONN_CLOSED);
}

static void
on_certificate_over(struct conn *c)
{
    log_line(LOG_INFO, "connection", "conn=%" PRIu64
        " peer=%s serial=%s reason=\"the certificate has expired\"", c->id,
        c->peer.uri, c->peer.serial);
    c->ends_at = NEVER;
    conn_drain(c, CONN_CERTIFICATE);
}

void
conn_note(struct conn *c, int64_t now)
{
    if (c->heard && !c->blocked)
        c->life.read_at = now;
    c->heard = 0;
    conn_life_calls(&c->life, h2_streams(c->h2), now);
}

/*
 * Perhaps it only sleeps: when it wakes up it should find out which of its
 * calls were never seen.
 */
static void
on_no_answer(struct conn *c)
{
    log_line(LOG_INFO, "connection", "conn=%" PRIu64 " peer=%s calls=%zu"
        " reason=\"the peer does not answer\"", c->id, c->peer.uri,
        h2_streams(c->h2));
    h2_drain(c->h2, "no_answer");
    h2_drain_now(c->h2);
    conn_enter(c, CONN_ENDING);
}

static void
check_life(struct conn *c, int64_t now)
{
    if (c->state == CONN_CLOSED)
        return;
    conn_note(c, now);
    switch (conn_life_due(&c->life, &c->host->limits.life, now)) {
    case CONN_LIFE_PING:
        c->life.pinged_at = now;
        h2_ping(c->h2);
        break;
    case CONN_LIFE_DEAD:
        on_no_answer(c);
        break;
    case CONN_LIFE_IDLE:
        conn_drain(c, CONN_IDLE);
        break;
    case CONN_LIFE_OLD:
        conn_drain(c, CONN_AGE);
        break;
    case CONN_LIFE_NOTHING:
        break;
    }
}

/* For OPEN and DRAINING. */
static void
check_session(struct conn *c, int64_t now)
{
    if (now >= c->ends_at)
        on_certificate_over(c);
    if (now >= c->final_at) {
        c->final_at = NEVER;
        h2_drain_now(c->h2);
        conn_touch(c);
    }
    if (h2_deadline(c->h2) <= now) {
        h2_expire(c->h2, now);
        conn_touch(c);
    }
    check_life(c, now);
}

static void
on_timer(evutil_socket_t fd, short what, void *cookie)
{
    struct conn *c = cookie;
    int64_t now = clock_monotonic_us();

    (void)fd, (void)what;
    c->armed_for = NEVER;
    if (now >= c->until) {
        on_time_up(c);
        return;
    }
    if (now >= c->stalled_at) {
        log_line(LOG_WARN, "connection", "conn=%" PRIu64
            " reason=\"the peer does not read\"", c->id);
        conn_enter(c, CONN_CLOSED);
        return;
    }
    if (c->state == CONN_OPEN || c->state == CONN_DRAINING)
        check_session(c, now);
    else
        c->final_at = NEVER;
    conn_arm(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *cookie)
{
    (void)fd, (void)what;
    conn_io_read(cookie);
}

static void
on_writable(evutil_socket_t fd, short what, void *cookie)
{
    struct conn *c = cookie;

    (void)fd, (void)what;
    if (c->state == CONN_HANDSHAKE) {
        conn_io_read(c);
        return;
    }
    conn_unblock(c);
    conn_touch(c);
}

static enum err
conn_create(struct conn_host *host, int fd, struct conn **conn)
{
    struct conn *c = NULL;
    enum err err = E_NOMEM;

    *conn = NULL;

    if ((c = calloc(1, sizeof(*c))) == NULL)
        goto out;
    c->host = host;
    c->id = next_id();
    c->state = CONN_HANDSHAKE;
    c->fd = -1;
    c->stalled_at = c->final_at = c->ends_at = c->armed_for = NEVER;
    c->until = after(clock_monotonic_us(), host->limits.handshake_us);
    buf_init(&c->rest, host->limits.max_output);
    if (event_assign(&c->readable, host->base, fd, EV_READ | EV_PERSIST,
        on_readable, c) != 0 ||
        event_assign(&c->writable, host->base, fd, EV_WRITE, on_writable,
        c) != 0 || evtimer_assign(&c->timer, host->base, on_timer, c) != 0)
        goto out;
    if ((err = tls_server_accept(host->tls, fd, &c->ssl)) != E_OK)
        goto out;
    c->fd = fd;

    *conn = c;
    c = NULL;

out:
    if (c != NULL) {
        buf_free(&c->rest);
        free(c);
    }
    return (err);
}

void
conn_start(struct conn_host *host, int fd)
{
    struct conn *c;
    enum err err;

    if ((err = conn_create(host, fd, &c)) != E_OK) {
        log_line(LOG_WARN, "refused", "reason=\"%s\"", err_text(err));
        (void)close(fd);
        return;
    }
    TAILQ_INSERT_TAIL(&host->shaking, c, all_link);
    host->count++;
    if (event_add(&c->readable, NULL) != 0) {
        conn_enter(c, CONN_CLOSED);
        return;
    }
    conn_arm(c);
}

void
conn_drain(struct conn *c, enum conn_why why)
{
    const int64_t now = clock_monotonic_us();
    const int64_t grace = grace_of(&c->host->limits, why);

    switch (c->state) {
    case CONN_HANDSHAKE:
        /* The peer may think it is over, and have asked already. */
        c->until = earlier(c->until, after(now, DRAIN_PATIENCE_US));
        conn_arm(c);
        break;
    case CONN_OPEN:
        log_line(LOG_DEBUG, "connection", "conn=%" PRIu64 " reason=%s", c->id,
            whys[why]);
        h2_drain(c->h2, whys[why]);
        c->why = why;
        c->final_at = after(now, earlier(DRAIN_PATIENCE_US, grace / 2));
        conn_enter(c, CONN_DRAINING);
        conn_touch(c);
        break;
    case CONN_DRAINING:
        c->until = earlier(c->until, after(now, grace));
        conn_arm(c);
        break;
    default:
        break;
    }
}

void
conn_free(struct conn *c)
{
    stop_events(c);
    h2_free(c->h2);
    SSL_free(c->ssl);
    ERR_clear_error();
    if (c->fd >= 0)
        (void)close(c->fd);
    buf_free(&c->rest);
    free(c);
}
