#include "net/conn_revoke.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/conn_host.h"

/* How long a peer that is cut off has to take our last words. */
#define REVOKED_US ((int64_t)1000000)

int
conn_revoke_admits(struct conn *c)
{
    char why[REVOCATION_WHY];

    if (tls_server_standing(c->host->tls, &c->peer, &c->marks, why,
        sizeof(why)) == REVOCATION_GOOD)
        return (1);
    if (conn_host_may_log(c->host))
        log_line(LOG_WARN, "handshake", "conn=%" PRIu64 " peer=%s serial=%s "
            "reason=\"%s\"", c->id, c->peer.uri, c->peer.serial, why);
    return (0);
}

static void
tell(const struct conn *c, const char *why)
{
    log_line(LOG_WARN, "revoked", "conn=%" PRIu64 " peer=%s serial=%s "
        "calls=%zu reason=\"%s\"", c->id, c->peer.uri, c->peer.serial,
        h2_streams(c->h2), why);
}

static void
cut(struct conn *c)
{
    int64_t until = clock_monotonic_us() + REVOKED_US;

    if (c->blocked) {
        conn_enter(c, CONN_CLOSED);
        return;
    }
    h2_drain(c->h2, "certificate_revoked");
    h2_drain_now(c->h2);
    conn_enter(c, CONN_ENDING);
    if (until < c->until)
        c->until = until;
    conn_arm(c);
}

/* One that asks no more, and still takes what it has asked for. */
static int
revoke_ending(struct conn *c)
{
    char why[REVOCATION_WHY];

    /* It may end because it was revoked. */
    if (c->until <= clock_monotonic_us() + REVOKED_US ||
        tls_server_standing(c->host->tls, &c->peer, &c->marks, why,
        sizeof(why)) != REVOCATION_REVOKED)
        return (0);
    tell(c, why);
    conn_enter(c, CONN_CLOSED);
    return (1);
}

int
conn_revoke(struct conn *c)
{
    char why[REVOCATION_WHY];

    if (c->state == CONN_ENDING)
        return (revoke_ending(c));
    if (c->state != CONN_OPEN && c->state != CONN_DRAINING)
        return (0);
    switch (tls_server_standing(c->host->tls, &c->peer, &c->marks, why,
        sizeof(why))) {
    case REVOCATION_REVOKED:
        tell(c, why);
        cut(c);
        return (1);
    case REVOCATION_UNKNOWN:
        /* One that drains for this already has been told of. */
        if (c->state == CONN_DRAINING && c->why == CONN_UNSURE)
            return (0);
        tell(c, why);
        conn_drain(c, CONN_UNSURE);
        c->why = CONN_UNSURE;
        return (1);
    case REVOCATION_GOOD:
        break;
    }
    return (0);
}
