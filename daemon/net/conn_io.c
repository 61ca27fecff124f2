#include "net/conn_io.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "base/log.h"
#include "net/conn_host.h"
#include "net/conn_revoke.h"

/* How many records one connection may have read in one tick. */
enum { READS_PER_TICK = 8 };

/*
 * SSL_get_error() looks at the thread's queue of errors, which must be empty
 * before.  It nearly always is, and to look takes less than to clear.
 */
static void
forget_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* ---- in --------------------------------------------------------------- */

static void
on_wake(void *cookie)
{
    conn_touch(cookie);
}

/*
 * OpenSSL has written its alert already, unless the handshake succeeded and it
 * is we who refuse.  Whoever hung up by himself (a probe of the port, most
 * often) is worth no warning.
 */
static void
on_refused(struct conn *c, int ssl_error)
{
    char reason[160], shown[160];

    tls_failure(c->ssl, reason, sizeof(reason));
    tls_shown(c->ssl, shown, sizeof(shown));
    if (ssl_error != SSL_ERROR_SSL)
        log_line(LOG_DEBUG, "handshake", "conn=%" PRIu64 " reason=\"%s\"",
            c->id, reason);
    else if (conn_host_may_log(c->host))
        log_line(LOG_WARN, "handshake", "conn=%" PRIu64 " reason=\"%s\"%s",
            c->id, reason, shown);
    if (ssl_error == SSL_ERROR_SSL && shutdown(c->fd, SHUT_WR) == 0)
        conn_enter(c, CONN_LINGERING);
    else
        conn_enter(c, CONN_CLOSED);
}

/*
 * The peer's certificate and ALPN were agreed on inside the handshake: what is
 * left is to begin.
 */
static void
on_shaken(struct conn *c)
{
    struct conn_host *host = c->host;

    if (tls_peer(c->ssl, &c->peer) != E_OK ||
        tls_peer_marks(c->ssl, &c->marks) != E_OK) {
        on_refused(c, SSL_ERROR_SSL);
        return;
    }
    if (h2_create(host->rpc, &c->peer, &host->limits.h2, on_wake, c,
        &c->h2) != E_OK) {
        log_line(LOG_WARN, "handshake", "conn=%" PRIu64
            " reason=\"could not begin\"", c->id);
        conn_enter(c, CONN_CLOSED);
        return;
    }
    if (!conn_revoke_admits(c)) {
        conn_enter(c, CONN_CLOSED);
        return;
    }
    tls_settle(c->ssl);
    log_line(LOG_DEBUG, "opened", "conn=%" PRIu64 " peer=%s serial=%s", c->id,
        c->peer.uri, c->peer.serial);
    conn_enter(c, CONN_OPEN);
    conn_touch(c);          /* our SETTINGS */
    if (host->draining)
        conn_drain(c, CONN_SHUTDOWN);
}

static void
shake(struct conn *c)
{
    int rc, error;

    ERR_clear_error();
    if ((rc = SSL_accept(c->ssl)) == 1) {
        on_shaken(c);
        return;
    }
    switch ((error = SSL_get_error(c->ssl, rc))) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_WANT_WRITE:
        if (event_add(&c->writable, NULL) != 0)
            conn_enter(c, CONN_CLOSED);
        break;
    default:
        on_refused(c, error);
        break;
    }
}

/*
 * The end of input is the end: whoever still wants an answer stays.  If it was
 * said, the peer hears what is ready and that we end, too.
 */
static void
on_dry(struct conn *c)
{
    switch (SSL_get_error(c->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_WANT_WRITE:
        /* A key update has to be answered first. */
        conn_block(c);
        break;
    case SSL_ERROR_ZERO_RETURN:
        conn_enter(c, CONN_ENDING);
        break;
    default:
        ERR_clear_error();
        if (tls_flooded(c->ssl) && conn_host_may_log(c->host))
            log_line(LOG_WARN, "flood", "conn=%" PRIu64 " peer=%s "
                "why=too_many_key_updates", c->id, c->peer.id);
        conn_enter(c, CONN_CLOSED);
        break;
    }
}

static void
read_on(struct conn *c)
{
    struct conn_host *host = c->host;
    enum err err;

    for (int i = 0; i < READS_PER_TICK; i++) {
        struct slice in = {host->in, 0};

        forget_errors();
        if (SSL_read_ex(c->ssl, host->in, sizeof(host->in), &in.n) != 1) {
            on_dry(c);
            return;
        }
        c->heard = 1;
        conn_touch(c);
        if ((err = h2_feed(c->h2, in)) != E_OK) {
            log_line(LOG_WARN, "connection", "conn=%" PRIu64
                " reason=\"%s\"", c->id, err == E_INVAL ?
                "the peer broke HTTP/2 or a limit" : err_text(err));
            conn_enter(c, CONN_ENDING);
            return;
        }
        /* Less than there was room for: should more come, we are told. */
        if (in.n < sizeof(host->in) && !SSL_has_pending(c->ssl))
            return;
    }
    if (SSL_has_pending(c->ssl))
        conn_read_on(c);
}

static void
throw_away(struct conn *c)
{
    struct conn_host *host = c->host;

    for (int i = 0; i < READS_PER_TICK; i++) {
        ssize_t n = recv(c->fd, host->in, sizeof(host->in), 0);

        if (n > 0 || (n < 0 && errno == EINTR))
            continue;
        if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
            conn_enter(c, CONN_CLOSED);
        return;
    }
}

void
conn_io_read(struct conn *c)
{
    if (c->state == CONN_HANDSHAKE)
        shake(c);
    if ((c->state == CONN_OPEN || c->state == CONN_DRAINING) && !c->blocked)
        read_on(c);
    else if (c->state == CONN_LINGERING)
        throw_away(c);
}

/* ---- out -------------------------------------------------------------- */

/*
 * Write as much of ${*bytes} as the socket takes, and leave in it what it does
 * not; conn->blocked then says so.  A record is at most 16 KiB, so this is one
 * call but for long answers.
 */
static enum err
write_on(struct conn *c, struct slice *bytes)
{
    size_t n;

    while (bytes->n > 0) {
        forget_errors();
        if (SSL_write_ex(c->ssl, bytes->p, bytes->n, &n) != 1) {
            if (SSL_get_error(c->ssl, 0) != SSL_ERROR_WANT_WRITE) {
                ERR_clear_error();
                return (E_IO);
            }
            conn_block(c);
            return (E_OK);
        }
        bytes->p += n;
        bytes->n -= n;
    }
    return (E_OK);
}

static enum err
write_rest(struct conn *c)
{
    struct slice bytes = buf_slice(&c->rest);
    enum err err;

    if ((err = write_on(c, &bytes)) != E_OK)
        return (err);
    if (bytes.n == 0)
        buf_free(&c->rest);     /* an idle connection keeps nothing */
    else
        buf_drop(&c->rest, c->rest.n - bytes.n);
    return (E_OK);
}

/* Returns in ${*more} whether there is more than this tick allows. */
static enum err
write_new(struct conn *c, int *more)
{
    struct buf *out = &c->host->out;
    struct slice bytes;
    enum err err;

    out->n = 0;
    if ((err = h2_take(c->h2, out)) != E_OK)
        return (err);
    *more = out->n > 0 && h2_wants_write(c->h2);
    bytes = buf_slice(out);
    if ((err = write_on(c, &bytes)) != E_OK)
        return (err);
    return (bytes.n > 0 ? buf_add(&c->rest, bytes) : E_OK);
}

/*
 * All is said.  The peer is to see an end that is meant, first of TLS and then
 * of TCP; if the socket takes no more, the second alone must do.
 */
static void
say_end(struct conn *c)
{
    ERR_clear_error();
    (void)SSL_shutdown(c->ssl);
    ERR_clear_error();
    if (shutdown(c->fd, SHUT_WR) == 0)
        conn_enter(c, CONN_LINGERING);
    else
        conn_enter(c, CONN_CLOSED);
}

static void
after_flush(struct conn *c, int more)
{
    if (c->state == CONN_CLOSED)
        return;
    conn_note(c, c->host->now);
    if (c->blocked || more) {
        if (more && !c->blocked)
            conn_touch(c);
        conn_arm(c);
        return;
    }
    if (c->state != CONN_ENDING && h2_finished(c->h2))
        conn_enter(c, CONN_ENDING);
    if (c->state == CONN_ENDING)
        say_end(c);
    else
        conn_arm(c);
}

void
conn_io_flush(struct conn *c)
{
    int more = 0;

    if ((c->state != CONN_OPEN && c->state != CONN_DRAINING &&
        c->state != CONN_ENDING) || c->blocked)
        return;
    conn_note(c, c->host->now);
    if ((c->rest.n > 0 && write_rest(c) != E_OK) ||
        (c->rest.n == 0 && c->state != CONN_CLOSED &&
        write_new(c, &more) != E_OK)) {
        if (c->state != CONN_CLOSED)
            conn_enter(c, CONN_CLOSED);
        return;
    }
    after_flush(c, more);
}
