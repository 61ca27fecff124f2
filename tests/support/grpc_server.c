#include "support/grpc_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include <cmocka.h>

/* No read of a script waits longer. */
#define PATIENCE_S 20

struct grpc_server {
    struct grpc_server_options options;
    char alpn[16];
    SSL_CTX *ctx;
    int listener;
    char address[32];
    pthread_t thread;
    int stopping;           /* written before the connection that wakes it */
};

struct grpc_conn {
    SSL *ssl;
};

/* ---- frames ------------------------------------------------------------ */

static int
read_all(struct grpc_conn *c, uint8_t *p, size_t n)
{
    while (n > 0) {
        size_t r;

        if (SSL_read_ex(c->ssl, p, n, &r) != 1)
            return (0);
        p += r;
        n -= r;
    }
    return (1);
}

int
conn_read(struct grpc_conn *c, struct h2_frame *f)
{
    uint8_t h[9];

    if (!read_all(c, h, sizeof(h)))
        return (0);
    f->n = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
    f->type = h[3];
    f->flags = h[4];
    f->stream = (int32_t)((uint32_t)(h[5] & 0x7f) << 24 |
        (uint32_t)h[6] << 16 | (uint32_t)h[7] << 8 | h[8]);
    return (f->n <= sizeof(f->payload) && read_all(c, f->payload, f->n));
}

int
conn_write(struct grpc_conn *c, const void *p, size_t n)
{
    size_t w;

    return (n == 0 || SSL_write_ex(c->ssl, p, n, &w) == 1);
}

int
conn_frame(struct grpc_conn *c, int type, int flags, int32_t stream,
    const void *p, size_t n)
{
    uint8_t frame[9 + 16384] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8),
        (uint8_t)n, (uint8_t)type, (uint8_t)flags, (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};

    if (n > 0)
        memcpy(frame + 9, p, n);
    return (conn_write(c, frame, 9 + n));
}

/* RFC 7541 section 5.1 with a prefix of seven bits. */
static size_t
put_length(uint8_t *out, size_t n)
{
    size_t i = 0;

    if (n < 127) {
        out[i++] = (uint8_t)n;
        return (i);
    }
    out[i++] = 127;
    for (n -= 127; n >= 128; n >>= 7)
        out[i++] = (uint8_t)(n | 128);
    out[i++] = (uint8_t)n;
    return (i);
}

int
conn_headers(struct grpc_conn *c, int32_t stream, int flags,
    const char *const *headers)
{
    static _Thread_local uint8_t block[1 << 20];
    size_t n = 0, at = 0;
    int type = H2_HEADERS;

    for (size_t i = 0; headers[i] != NULL; i++) {
        size_t length = strlen(headers[i]);

        if (i % 2 == 0)
            block[n++] = 0;     /* a literal, not indexed, with a new name */
        n += put_length(block + n, length);
        memcpy(block + n, headers[i], length);
        n += length;
    }
    do {
        size_t part = n - at < 16384 ? n - at : 16384;

        if (!conn_frame(c, type, (type == H2_HEADERS ? flags : 0) |
            (at + part == n ? H2_END_HEADERS : 0), stream, block + at, part))
            return (0);
        type = H2_CONTINUATION;
        at += part;
    } while (at < n);
    return (1);
}

int
conn_ok(struct grpc_conn *c, int32_t stream)
{
    return (conn_headers(c, stream, 0, (const char *const[]){":status", "200",
        "content-type", "application/grpc", NULL}));
}

int
conn_message(struct grpc_conn *c, int32_t stream,
    const ProtobufCMessage *message)
{
    uint8_t bytes[16384];
    size_t n = protobuf_c_message_get_packed_size(message);

    if (n + 5 > sizeof(bytes))
        return (0);
    bytes[0] = 0;
    bytes[1] = (uint8_t)(n >> 24);
    bytes[2] = (uint8_t)(n >> 16);
    bytes[3] = (uint8_t)(n >> 8);
    bytes[4] = (uint8_t)n;
    (void)protobuf_c_message_pack(message, bytes + 5);
    return (conn_frame(c, H2_DATA, 0, stream, bytes, n + 5) ? (int)n + 5 : 0);
}

int
conn_trailers(struct grpc_conn *c, int32_t stream, const char *status)
{
    return (conn_headers(c, stream, H2_END_STREAM,
        (const char *const[]){"grpc-status", status, NULL}));
}

static int
put_numbers(struct grpc_conn *c, int type, int32_t stream, size_t n,
    uint32_t first, uint32_t second)
{
    const uint8_t p[] = {(uint8_t)(first >> 24), (uint8_t)(first >> 16),
        (uint8_t)(first >> 8), (uint8_t)first, (uint8_t)(second >> 24),
        (uint8_t)(second >> 16), (uint8_t)(second >> 8), (uint8_t)second};

    return (conn_frame(c, type, 0, stream, p, n * 4));
}

int
conn_reset(struct grpc_conn *c, int32_t stream, uint32_t code)
{
    return (put_numbers(c, H2_RST_STREAM, stream, 1, code, 0));
}

int
conn_goaway(struct grpc_conn *c, int32_t last, uint32_t code)
{
    return (put_numbers(c, H2_GOAWAY, 0, 2, (uint32_t)last, code));
}

int
conn_window(struct grpc_conn *c, int32_t stream, uint32_t n)
{
    return (put_numbers(c, H2_WINDOW_UPDATE, stream, 1, n, 0));
}

int32_t
conn_request(struct grpc_conn *c)
{
    struct h2_frame f;

    while (conn_read(c, &f))
        if (f.type == H2_HEADERS)
            return (f.stream);
    return (0);
}

long
conn_upload(struct grpc_conn *c, int32_t stream)
{
    struct h2_frame f;
    long n = 0;

    while (conn_read(c, &f)) {
        if (f.type == H2_RST_STREAM && f.stream == stream)
            return (-1);
        if (f.type != H2_DATA)
            continue;
        if (f.n > 0 && (!conn_window(c, 0, (uint32_t)f.n) ||
            !conn_window(c, f.stream, (uint32_t)f.n)))
            return (-1);
        n += (long)f.n;
        if (f.stream == stream && (f.flags & H2_END_STREAM) != 0)
            return (n);
    }
    return (-1);
}

void
conn_drain(struct grpc_conn *c)
{
    struct h2_frame f;

    while (conn_read(c, &f))
        continue;
}

void
conn_sleep(int ms)
{
    const struct timespec t = {.tv_sec = ms / 1000,
        .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&t, NULL);
}

/* ---- the server -------------------------------------------------------- */

static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned nin, void *cookie)
{
    struct grpc_server *s = cookie;

    (void)ssl;
    return (SSL_select_next_proto((unsigned char **)(uintptr_t)out, n,
        (const unsigned char *)s->alpn, (unsigned)strlen(s->alpn), in,
        nin) == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK :
        SSL_TLSEXT_ERR_ALERT_FATAL);
}

static void
serve(struct grpc_server *s, int fd)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct grpc_conn c = {.ssl = SSL_new(s->ctx)};
    char preface[24];
    int on = 1;

    /* Else a close could overtake what was written last. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
        sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
        sizeof(patience));
    if (c.ssl != NULL && SSL_set_fd(c.ssl, fd) == 1 &&
        SSL_accept(c.ssl) == 1 &&
        read_all(&c, (uint8_t *)preface, sizeof(preface)) &&
        conn_frame(&c, H2_SETTINGS, 0, 0, NULL, 0)) {
        s->options.script(&c, s->options.cookie);
        (void)SSL_shutdown(c.ssl);
    }
    SSL_free(c.ssl);
}

static void *
run(void *cookie)
{
    struct grpc_server *s = cookie;
    sigset_t pipe;

    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);
    for (;;) {
        int fd = accept(s->listener, NULL, NULL);

        if (fd < 0 || __atomic_load_n(&s->stopping, __ATOMIC_ACQUIRE)) {
            if (fd >= 0)
                (void)close(fd);
            return (NULL);
        }
        if (s->options.script != NULL)
            serve(s, fd);
        (void)close(fd);
    }
}

static void
set_up_tls(struct grpc_server *s)
{
    const struct grpc_server_options *o = &s->options;
    const char *alpn = o->alpn != NULL ? o->alpn : "h2";
    char path[256];

    s->ctx = SSL_CTX_new(TLS_server_method());
    assert_non_null(s->ctx);
    (void)snprintf(path, sizeof(path), "%s/server.pem", o->dir);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(s->ctx, path), 1);
    (void)snprintf(path, sizeof(path), "%s/server.key", o->dir);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(s->ctx, path,
        SSL_FILETYPE_PEM), 1);
    if (o->client_ca != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", o->dir, o->client_ca);
        assert_int_equal(SSL_CTX_load_verify_file(s->ctx, path), 1);
        SSL_CTX_set_verify(s->ctx,
            SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    if (o->max_version != 0)
        assert_int_equal(SSL_CTX_set_max_proto_version(s->ctx,
            o->max_version), 1);
    (void)snprintf(s->alpn, sizeof(s->alpn), "%c%s", (int)strlen(alpn),
        alpn);
    SSL_CTX_set_alpn_select_cb(s->ctx, choose_alpn, s);
}

struct grpc_server *
grpc_server_start(const struct grpc_server_options *options)
{
    struct grpc_server *s = calloc(1, sizeof(*s));
    struct sockaddr_in address = {.sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(address);

    assert_non_null(s);
    s->options = *options;
    set_up_tls(s);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (const struct sockaddr *)&address, n),
        0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&address,
        &n), 0);
    assert_int_equal(listen(s->listener, 8), 0);
    (void)snprintf(s->address, sizeof(s->address), "127.0.0.1:%d",
        ntohs(address.sin_port));
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
    return (s);
}

const char *
grpc_server_address(const struct grpc_server *s)
{
    return (s->address);
}

void
grpc_server_stop(struct grpc_server *s)
{
    __atomic_store_n(&s->stopping, 1, __ATOMIC_RELEASE);
    (void)shutdown(s->listener, SHUT_RD);   /* accept() returns */
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->listener);
    SSL_CTX_free(s->ctx);
    free(s);
}
