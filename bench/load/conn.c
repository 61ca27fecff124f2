#include "bench/load/conn.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nghttp2/nghttp2.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "bench/load/fatal.h"
#include "bench/load/process.h"
#include "proto/bytes.h"

/* Of answers: more than any server may have to wait for. */
enum { STREAM_WINDOW = 1 << 20, CONNECTION_WINDOW = 1 << 30 };

/* Enough to find the verdict in. */
enum { HEAD = 16 };

/* Of what is not written yet; a request is some 150 bytes. */
enum { REST_MOST = 64 << 20 };

/* One request at a time. */
struct slot {
    struct conn *conn;      /* borrowed; NULL: not in use */
    int64_t begun_ns;
    size_t sent;            /* of body */
    int ok;                 /* :status 200 and grpc-status 0, so far */
    size_t n;               /* of the answer's body */
    uint8_t head[HEAD];     /* of the answer's body */
    struct body body;
};

struct conn {
    struct traffic *traffic;        /* borrowed */
    int fd;                         /* owned */
    SSL *ssl;                       /* owned */
    nghttp2_session *session;       /* owned; NULL: shaking hands */
    struct buf rest;                /* what the socket did not take */
    uint32_t watched;               /* epoll events */
    struct slot slots[];            /* traffic->streams of them */
};

/* Where every connection's bytes pass through, one after another. */
static uint8_t input[65536];
static struct buf output = {NULL, 0, 0, REST_MOST};

/* ---- requests ---------------------------------------------------------- */

static ssize_t
read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *cookie)
{
    struct slot *slot = source->ptr;
    size_t n = slot->body.n - slot->sent;

    (void)session, (void)id, (void)cookie;
    if (n > size)
        n = size;
    memcpy(out, slot->body.p + slot->sent, n);
    slot->sent += n;
    if (slot->sent == slot->body.n)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return ((ssize_t)n);
}

static nghttp2_nv
pair(const char *name, const char *value)
{
    union {
        const char *text;
        uint8_t *bytes;
    } n = {name}, v = {value};      /* nghttp2 does not write to them */

    return ((nghttp2_nv){n.bytes, v.bytes, strlen(name), strlen(value),
        NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE});
}

static void
submit(struct conn *c, struct slot *slot, int64_t now_ns)
{
    struct traffic *t = c->traffic;
    const nghttp2_nv get[] = {pair(":method", "GET"),
        pair(":scheme", "https"), pair(":path", t->path),
        pair(":authority", t->host)};
    const nghttp2_nv post[] = {pair(":method", "POST"),
        pair(":scheme", "https"), pair(":path", t->path),
        pair(":authority", t->host), pair("content-type", "application/grpc"),
        pair("te", "trailers")};
    const nghttp2_data_provider provider = {{.ptr = slot}, read_body};
    int32_t id;

    slot->begun_ns = now_ns;
    slot->sent = slot->n = 0;
    slot->ok = 1;
    if (t->bodies == NULL)
        id = nghttp2_submit_request(c->session, NULL, get, 4, NULL, slot);
    else {
        body_next(t->bodies, &slot->body);
        id = nghttp2_submit_request(c->session, NULL, post, 6, &provider,
            slot);
    }
    if (id < 0)
        fatal("cannot begin a request: %s", nghttp2_strerror(id));
    t->left--;
    t->flying++;
}

/* ---- answers ----------------------------------------------------------- */

static int
is(const uint8_t *p, size_t n, const char *text)
{
    return (n == strlen(text) && memcmp(p, text, n) == 0);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t namelen, const uint8_t *value, size_t valuelen,
    uint8_t flags, void *cookie)
{
    struct slot *slot;
    int good = 1;

    (void)flags, (void)cookie;
    if (is(name, namelen, ":status"))
        good = is(value, valuelen, "200");
    else if (is(name, namelen, "grpc-status"))
        good = is(value, valuelen, "0");
    if (!good && (slot = nghttp2_session_get_stream_user_data(session,
        frame->hd.stream_id)) != NULL)
        slot->ok = 0;
    return (0);
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *data, size_t n, void *cookie)
{
    struct slot *slot = nghttp2_session_get_stream_user_data(session, id);

    (void)flags, (void)cookie;
    if (slot == NULL)
        return (0);
    if (slot->n < HEAD)
        memcpy(slot->head + slot->n, data,
            n < HEAD - slot->n ? n : HEAD - slot->n);
    slot->n += n;
    return (0);
}

static void
count(struct tally *tally, const struct slot *slot, uint32_t error,
    int64_t now_ns)
{
    histogram_add(&tally->latency, (uint64_t)(now_ns - slot->begun_ns));
    tally->bytes += slot->n;
    if (error != 0)
        tally->broken++;
    else if (!slot->ok)
        tally->refused++;
    else if (slot->conn->traffic->bodies != NULL &&
        slot->body.verdict != BODY_ANY &&
        body_verdict_of(slot->head, slot->n < HEAD ? slot->n : HEAD) !=
        (int)slot->body.verdict)
        tally->wrong++;
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t error, void *cookie)
{
    struct conn *c = cookie;
    struct slot *slot = nghttp2_session_get_stream_user_data(session, id);
    int64_t now_ns;

    if (slot == NULL)
        return (0);
    now_ns = process_now_ns();
    count(&c->traffic->tally, slot, error, now_ns);
    c->traffic->flying--;
    if (c->traffic->left > 0)
        submit(c, slot, now_ns);
    else
        slot->conn = NULL;
    return (0);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *cookie)
{
    (void)session, (void)cookie;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        fatal("the server ends a connection: %s",
            nghttp2_http2_strerror(frame->goaway.error_code));
    return (0);
}

static void
open_session(struct conn *c)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
    };
    nghttp2_session_callbacks *callbacks;
    int rc;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        fatal("out of memory");
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks,
        on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks,
        on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    if ((rc = nghttp2_session_client_new(&c->session, callbacks, c)) != 0 ||
        (rc = nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings,
        2)) != 0 ||
        (rc = nghttp2_session_set_local_window_size(c->session,
        NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW)) != 0)
        fatal("cannot begin HTTP/2: %s", nghttp2_strerror(rc));
    nghttp2_session_callbacks_del(callbacks);
}

/* ---- bytes ------------------------------------------------------------- */

static void
watch(struct conn *c, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = c};

    if (c->watched == events)
        return;
    if (epoll_ctl(c->traffic->epoll, c->watched == 0 ? EPOLL_CTL_ADD :
        EPOLL_CTL_MOD, c->fd, &event) != 0)
        fatal("epoll_ctl: %s", strerror(errno));
    c->watched = events;
}

static void
lost(struct conn *c, int rc)
{
    int error = SSL_get_error(c->ssl, rc), reason = errno;
    unsigned long code = ERR_peek_last_error();
    const char *why = code != 0 ? ERR_reason_error_string(code) : NULL;

    if (why == NULL)
        why = error == SSL_ERROR_ZERO_RETURN || reason == 0 ?
            "the server closed it" : strerror(reason);
    fatal("a connection is lost%s: %s", c->session == NULL ?
        " in its handshake" : "", why);
}

/* Returns the bytes that the socket took. */
static size_t
write_some(struct conn *c, const uint8_t *p, size_t n)
{
    size_t done = 0, took;

    while (done < n) {
        ERR_clear_error();
        if (SSL_write_ex(c->ssl, p + done, n - done, &took) != 1) {
            if (SSL_get_error(c->ssl, 0) != SSL_ERROR_WANT_WRITE)
                lost(c, 0);
            break;
        }
        done += took;
    }
    return (done);
}

/* Everything that HTTP/2 has to say goes out in one write. */
static void
flush(struct conn *c)
{
    size_t took;

    if (c->rest.n > 0) {
        buf_drop(&c->rest, write_some(c, c->rest.p, c->rest.n));
        if (c->rest.n > 0)
            return;
    }
    output.n = 0;
    for (;;) {
        const uint8_t *p;
        ssize_t n = nghttp2_session_mem_send(c->session, &p);

        if (n == 0)
            break;
        if (n < 0)
            fatal("cannot send: %s", nghttp2_strerror((int)n));
        if (buf_add(&output, (struct slice){p, (size_t)n}) != E_OK)
            fatal("out of memory");
    }
    took = write_some(c, output.p, output.n);
    if (took < output.n && buf_add(&c->rest,
        (struct slice){output.p + took, output.n - took}) != E_OK)
        fatal("out of memory");
    watch(c, EPOLLIN | (c->rest.n > 0 ? EPOLLOUT : 0));
}

static void
receive(struct conn *c)
{
    size_t n;

    do {
        ssize_t used;

        ERR_clear_error();
        if (SSL_read_ex(c->ssl, input, sizeof(input), &n) != 1) {
            if (SSL_get_error(c->ssl, 0) != SSL_ERROR_WANT_READ)
                lost(c, 0);
            return;
        }
        used = nghttp2_session_mem_recv(c->session, input, n);
        if (used < 0)
            fatal("the server breaks HTTP/2: %s", nghttp2_strerror((int)used));
    } while (SSL_has_pending(c->ssl));
}

static void
shake(struct conn *c)
{
    int rc;

    ERR_clear_error();
    errno = 0;
    if ((rc = SSL_connect(c->ssl)) == 1) {
        open_session(c);
        c->traffic->open++;
        flush(c);
        return;
    }
    switch (SSL_get_error(c->ssl, rc)) {
    case SSL_ERROR_WANT_READ: watch(c, EPOLLIN); break;
    case SSL_ERROR_WANT_WRITE: watch(c, EPOLLOUT); break;
    default: lost(c, rc);
    }
}

/* ------------------------------------------------------------------------ */

void
conn_event(struct conn *conn, uint32_t events)
{
    if (conn->session == NULL) {
        shake(conn);
        return;
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0)
        receive(conn);
    flush(conn);
}

void
conn_begin(struct conn *conn)
{
    struct traffic *t = conn->traffic;
    int64_t now_ns = process_now_ns();

    for (unsigned i = 0; i < t->streams && t->left > 0; i++)
        if (conn->slots[i].conn == NULL) {
            conn->slots[i].conn = conn;
            submit(conn, &conn->slots[i], now_ns);
        }
    flush(conn);
}

struct conn *
conn_open(struct traffic *traffic)
{
    struct conn *c = fatal_alloc(1, sizeof(*c) +
        traffic->streams * sizeof(c->slots[0]));
    int on = 1;

    c->traffic = traffic;
    buf_init(&c->rest, REST_MOST);
    c->fd = socket(traffic->address->ai_family,
        SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        fatal("socket: %s", strerror(errno));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(c->fd, traffic->address->ai_addr,
        traffic->address->ai_addrlen) != 0 && errno != EINPROGRESS)
        fatal("cannot connect: %s", strerror(errno));
    if ((c->ssl = SSL_new(traffic->tls)) == NULL ||
        SSL_set_fd(c->ssl, c->fd) != 1)
        fatal("out of memory");
    watch(c, EPOLLOUT);
    return (c);
}

void
conn_free(struct conn *conn)
{
    if (conn == NULL)
        return;
    nghttp2_session_del(conn->session);
    SSL_free(conn->ssl);
    (void)close(conn->fd);
    buf_free(&conn->rest);
    free(conn);
}
