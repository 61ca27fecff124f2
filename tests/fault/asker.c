#include "fault/asker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/clock.h"

#define MESSAGE_MAX ((size_t)16 * 1024 * 1024)

/* ---- what nghttp2 calls ------------------------------------------------ */

static struct reply *
reply_of(nghttp2_session *session, int32_t id)
{
    return (nghttp2_session_get_stream_user_data(session, id));
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t nname, const uint8_t *value, size_t nvalue,
    uint8_t flags, void *cookie)
{
    struct reply *r = reply_of(session, frame->hd.stream_id);

    (void)flags, (void)cookie;
    if (r != NULL && nname == 11 && memcmp(name, "grpc-status", 11) == 0) {
        r->code = 0;
        for (size_t i = 0; i < nvalue; i++)
            r->code = 10 * r->code + (value[i] - '0');
    }
    return (0);
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *bytes, size_t n, void *cookie)
{
    struct reply *r = reply_of(session, id);

    (void)flags, (void)cookie;
    if (r != NULL && buf_add(&r->body, (struct slice){bytes, n}) != E_OK)
        return (NGHTTP2_ERR_CALLBACK_FAILURE);
    return (0);
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *cookie)
{
    struct asker *asker = cookie;

    (void)session;
    if (frame->hd.type == NGHTTP2_SETTINGS &&
        (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
        asker->settled = 1;
    return (0);
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t code,
    void *cookie)
{
    struct reply *r = reply_of(session, id);

    (void)code, (void)cookie;
    if (r != NULL)
        r->end = r->code >= 0 ? REPLY_ANSWERED : REPLY_RESET;
    return (0);
}

static ssize_t
on_upload(nghttp2_session *session, int32_t id, uint8_t *out, size_t size,
    uint32_t *flags, nghttp2_data_source *source, void *cookie)
{
    struct reply *r = source->ptr;
    size_t n = r->upload.n - r->sent;

    (void)session, (void)id, (void)cookie;
    if (n > size)
        n = size;
    if (n == 0 && r->more)
        return (NGHTTP2_ERR_DEFERRED);
    if (n > 0)
        memcpy(out, r->upload.p + r->sent, n);
    r->sent += n;
    if (r->sent == r->upload.n && !r->more)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return ((ssize_t)n);
}

/* ---- bytes ------------------------------------------------------------- */

static void
wait_for(struct asker *a, short events, int64_t until)
{
    int64_t left = (until - clock_monotonic_us()) / 1000;
    struct pollfd p = {.fd = a->fd, .events = events};

    if (left > 0)
        (void)poll(&p, 1, left > 20 ? 20 : (int)left);
}

static int
write_out(struct asker *a)
{
    const uint8_t *bytes;
    ssize_t n;

    while ((n = nghttp2_session_mem_send(a->session, &bytes)) > 0) {
        int64_t until = clock_monotonic_us() + 1000000;
        int rc;

        while ((rc = SSL_write(a->ssl, bytes, (int)n)) <= 0) {
            int why = SSL_get_error(a->ssl, rc);

            if ((why != SSL_ERROR_WANT_WRITE && why != SSL_ERROR_WANT_READ) ||
                clock_monotonic_us() > until)
                return (0);
            wait_for(a, POLLOUT, until);
        }
    }
    return (n == 0);
}

static int
read_in(struct asker *a)
{
    uint8_t bytes[16384];
    int n;

    while ((n = SSL_read(a->ssl, bytes, sizeof(bytes))) > 0)
        if (nghttp2_session_mem_recv(a->session, bytes, (size_t)n) < 0)
            return (0);
    return (SSL_get_error(a->ssl, n) == SSL_ERROR_WANT_READ);
}

/* One exchange of whatever there is; 0: the connection is over. */
static int
pump(struct asker *a)
{
    ERR_clear_error();
    return (write_out(a) && read_in(a) && write_out(a));
}

void
asker_close(struct asker *a)
{
    nghttp2_session_del(a->session);
    SSL_free(a->ssl);
    if (a->fd >= 0)
        (void)close(a->fd);
    ERR_clear_error();
    *a = (struct asker){.fd = -1};
}

int
asker_is_open(struct asker *a)
{
    if (a->fd >= 0 && !pump(a))
        asker_close(a);
    return (a->fd >= 0);
}

/* ---- opening ----------------------------------------------------------- */

static int
connect_to(struct asker *a, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;

    return ((a->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0 &&
        connect(a->fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
        setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
}

static int
shake(struct asker *a, SSL_CTX *ctx, int64_t until)
{
    int rc = 0;

    if ((a->ssl = SSL_new(ctx)) == NULL || SSL_set_fd(a->ssl, a->fd) != 1)
        return (0);
    SSL_set_connect_state(a->ssl);
    while (clock_monotonic_us() < until &&
        (rc = SSL_do_handshake(a->ssl)) != 1) {
        if (SSL_get_error(a->ssl, rc) != SSL_ERROR_WANT_READ)
            return (0);
        wait_for(a, POLLIN, until);
    }
    return (rc == 1);
}

static int
begin_session(struct asker *a)
{
    nghttp2_settings_entry none = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    nghttp2_session_callbacks *c;
    int made;

    if (nghttp2_session_callbacks_new(&c) != 0)
        return (0);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(c,
        on_stream_close);
    made = nghttp2_session_client_new(&a->session, c, a) == 0;
    nghttp2_session_callbacks_del(c);
    return (made && nghttp2_submit_settings(a->session, 0, &none, 1) == 0);
}

int
asker_open(struct asker *a, SSL_CTX *ctx, int port, int ms)
{
    int64_t until = clock_monotonic_us() + (int64_t)ms * 1000;

    *a = (struct asker){.ctx = ctx, .fd = -1};
    ERR_clear_error();
    if (!connect_to(a, port) || fcntl(a->fd, F_SETFL, O_NONBLOCK) != 0 ||
        !shake(a, ctx, until) || !begin_session(a))
        goto out;
    while (pump(a) && !a->settled && clock_monotonic_us() < until)
        wait_for(a, POLLIN, until);

out:
    if (!a->settled)
        asker_close(a);
    return (a->fd >= 0);
}

/* ---- calls ------------------------------------------------------------- */

static nghttp2_nv
nv_of(const char *name, const char *value)
{
    union {
        const char *in;
        uint8_t *out;
    } n = {.in = name}, v = {.in = value};

    return ((nghttp2_nv){n.out, v.out, strlen(name), strlen(value), 0});
}

void
asker_send(struct asker *a, const char *path, struct slice upload, int more,
    struct reply *reply)
{
    const nghttp2_nv headers[] = {
        nv_of(":method", "POST"), nv_of(":scheme", "https"),
        nv_of(":path", path), nv_of(":authority", "localhost"),
        nv_of("te", "trailers"), nv_of("content-type", "application/grpc"),
        nv_of("user-agent", "fault/1"), nv_of("grpc-timeout", "20S"),
    };
    nghttp2_data_provider body = {{.ptr = reply}, on_upload};

    *reply = (struct reply){.code = -1, .upload = upload, .more = more};
    buf_init(&reply->body, MESSAGE_MAX);
    reply->id = a->fd < 0 ? -1 : nghttp2_submit_request(a->session, NULL,
        headers, sizeof(headers) / sizeof(headers[0]), &body, reply);
    if (reply->id < 0)
        reply->end = REPLY_CLOSED;
}

static void
await(struct asker *a, struct reply *r, int message, int ms)
{
    int64_t until = clock_monotonic_us() + (int64_t)ms * 1000;

    while (r->end == REPLY_WAITING) {
        if (a->fd < 0 || !pump(a)) {
            if (r->end == REPLY_WAITING)
                r->end = REPLY_CLOSED;
            asker_close(a);
            return;
        }
        if (r->end != REPLY_WAITING || (message && r->body.n >= 5) ||
            clock_monotonic_us() >= until)
            return;
        wait_for(a, POLLIN, until);
    }
}

void
asker_await(struct asker *a, struct reply *r, int ms)
{
    await(a, r, 0, ms);
}

void
asker_await_message(struct asker *a, struct reply *r, int ms)
{
    await(a, r, 1, ms);
}

void
asker_cancel(struct asker *a, struct reply *r)
{
    if (a->fd < 0 || r->end != REPLY_WAITING)
        return;
    (void)nghttp2_submit_rst_stream(a->session, 0, r->id, NGHTTP2_CANCEL);
    await(a, r, 0, 100);
}

void
asker_await_close(struct asker *a, int ms)
{
    int64_t until = clock_monotonic_us() + (int64_t)ms * 1000;

    while (asker_is_open(a) && clock_monotonic_us() < until)
        wait_for(a, POLLIN, until);
}

void
reply_free(struct reply *r)
{
    buf_free(&r->body);
}
