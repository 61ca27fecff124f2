#include "client/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "client/error.h"

#define TIMEOUT_MS 30000

struct channel {
    int fd;                 /* owned */
    SSL_CTX *ctx;           /* owned */
    SSL *ssl;               /* owned */
    int timeout_ms;
    int spoken;             /* something of the server's was ever read */
    char server[300];       /* as given */
    char host[256];         /* without brackets */
    char port[8];
};

/* Split "host:port" or "[v6]:port". */
static int
split_server(struct channel *c, const char *server,
    struct vouch_error *error)
{
    const char *colon = strrchr(server, ':');
    size_t n = colon != NULL ? (size_t)(colon - server) : 0;

    if (colon == NULL || n == 0 || n >= sizeof(c->host) ||
        strlen(colon + 1) == 0 || strlen(colon + 1) >= sizeof(c->port) ||
        strlen(server) >= sizeof(c->server))
        return (error_set(error, VOUCH_FAILURE_SETUP,
            "the server '%s' is not of the form HOST:PORT", server));
    if (server[0] == '[' && server[n - 1] == ']') {
        server++;
        n -= 2;
    }
    memcpy(c->host, server, n);
    c->host[n] = '\0';
    (void)snprintf(c->port, sizeof(c->port), "%s", colon + 1);
    return (0);
}

/* Wait until ${fd} is ready.  Returns 1, 0 if time ran out, -1. */
static int
wait_for(int fd, short what, int timeout_ms)
{
    struct pollfd poller = {.fd = fd, .events = what};
    int n;

    do
        n = poll(&poller, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    return (n);
}

static int
connect_one(struct channel *c, const struct addrinfo *address)
{
    int on = 1, failure = 0;
    socklen_t n = sizeof(failure);

    if ((c->fd = socket(address->ai_family,
        SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        return (-1);
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(c->fd, address->ai_addr, address->ai_addrlen) != 0 &&
        errno != EINPROGRESS)
        return (-1);
    switch (wait_for(c->fd, POLLOUT, c->timeout_ms)) {
    case 1:
        break;
    case 0:
        errno = ETIMEDOUT;
        return (-1);
    default:
        return (-1);
    }
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &failure, &n) != 0)
        return (-1);
    errno = failure;
    return (failure == 0 ? 0 : -1);
}

static int
connect_any(struct channel *c, struct vouch_error *error)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
        .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(c->host, c->port, &hints, &found);

    if (status != 0) {
        (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "cannot find %s: %s", c->server, gai_strerror(status));
        error_next(error, "check the name in VOUCH_SERVER or --server");
        return (-1);
    }
    errno = EADDRNOTAVAIL;
    for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        if (connect_one(c, a) == 0) {
            freeaddrinfo(found);
            return (0);
        }
        if (c->fd >= 0)
            (void)close(c->fd);
        c->fd = -1;
    }
    freeaddrinfo(found);
    (void)error_set(error, VOUCH_FAILURE_UNREACHABLE, "cannot reach %s: %s",
        c->server, strerror(errno));
    error_next(error, "check that vouchd runs there and that the address in "
        "VOUCH_SERVER or --server is right");
    return (-1);
}

static const char *
openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return (reason != NULL ? reason : "unknown reason");
}

/* A private key that others may read is no longer private. */
static int
check_key_file(const char *path, struct vouch_error *error)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return (error_set(error, VOUCH_FAILURE_SETUP,
            "cannot read the private key %s: %s", path, strerror(errno)));
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        (void)error_set(error, VOUCH_FAILURE_SETUP,
            "others may read the private key %s (mode %04o)", path,
            (unsigned)st.st_mode & 07777);
        error_next(error, "chmod 600 %s", path);
        return (-1);
    }
    return (0);
}

static int
load_files(struct channel *c, const struct vouch_options *o,
    struct vouch_error *error)
{
    if (SSL_CTX_load_verify_file(c->ctx, o->ca) != 1) {
        (void)error_set(error, VOUCH_FAILURE_SETUP,
            "cannot use the CA file %s: %s", o->ca, openssl_reason());
        error_next(error, "VOUCH_CA or --ca must name a PEM file with the "
            "server's root certificate");
        return (-1);
    }
    if (check_key_file(o->key, error) != 0)
        return (-1);
    if (SSL_CTX_use_certificate_chain_file(c->ctx, o->cert) != 1)
        return (error_set(error, VOUCH_FAILURE_SETUP,
            "cannot use the certificate %s: %s", o->cert, openssl_reason()));
    if (SSL_CTX_use_PrivateKey_file(c->ctx, o->key, SSL_FILETYPE_PEM) != 1)
        return (error_set(error, VOUCH_FAILURE_SETUP,
            "cannot use the private key %s with the certificate %s: %s",
            o->key, o->cert, openssl_reason()));
    return (0);
}

/* The server must be who its address says: a name, or an address. */
static int
expect_host(struct channel *c)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(c->ssl);
    struct in6_addr address;

    if (inet_pton(AF_INET, c->host, &address) == 1 ||
        inet_pton(AF_INET6, c->host, &address) == 1)
        return (X509_VERIFY_PARAM_set1_ip_asc(param, c->host));
    return (SSL_set1_host(c->ssl, c->host) &&
        SSL_set_tlsext_host_name(c->ssl, c->host));
}

static int
set_up_tls(struct channel *c, const struct vouch_options *options,
    struct vouch_error *error)
{
    static const unsigned char alpn[] = {2, 'h', '2'};

    ERR_clear_error();
    if ((c->ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
        SSL_CTX_set_min_proto_version(c->ctx, TLS1_3_VERSION) != 1)
        return (error_memory(error));
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    if (load_files(c, options, error) != 0)
        return (-1);
    if ((c->ssl = SSL_new(c->ctx)) == NULL ||
        SSL_set_alpn_protos(c->ssl, alpn, sizeof(alpn)) != 0 ||
        SSL_set_fd(c->ssl, c->fd) != 1 || !expect_host(c))
        return (error_memory(error));
    return (0);
}

/*
 * In TLS 1.3 the client has finished before the server has seen its
 * certificate: a refusal arrives as an alert on the first read.
 */
static int
refused(struct channel *c, struct vouch_error *error)
{
    long verified = SSL_get_verify_result(c->ssl);
    unsigned long last = ERR_peek_last_error();

    if (verified != X509_V_OK) {
        (void)error_set(error, VOUCH_FAILURE_REFUSED,
            "%s has a certificate that is not accepted: %s", c->server,
            X509_verify_cert_error_string(verified));
        error_next(error, "VOUCH_CA or --ca must name the root of this very "
            "server, and the host must stand in its certificate");
        return (-1);
    }
    if (!c->spoken && ERR_GET_LIB(last) == ERR_LIB_SSL &&
        ERR_GET_REASON(last) > SSL_AD_REASON_OFFSET) {
        (void)error_set(error, VOUCH_FAILURE_REFUSED,
            "%s refused the client certificate: %s", c->server,
            openssl_reason());
        error_next(error, "the certificate must be valid now, name one role "
            "in this server's trust domain, and come from that role's CA");
        return (-1);
    }
    (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
        "the connection to %s broke: %s", c->server,
        last != 0 ? openssl_reason() :
        errno != 0 ? strerror(errno) : "it was closed");
    error_next(error, "check that a vouchd listens there, and try again");
    return (-1);
}

static int
too_slow(struct channel *c, struct vouch_error *error)
{
    (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
        "%s did not answer within %d ms", c->server, c->timeout_ms);
    error_next(error, "try again, or give more time with --timeout SECONDS");
    return (-1);
}

/*
 * After an operation on the SSL that did not succeed: wait for what it wants.
 * Returns 1 to try again, 0 if ${wait} is not set and it would have to wait,
 * -1 with ${*error}.
 */
static int
settle(struct channel *c, int result, int wait, struct vouch_error *error)
{
    short what;

    switch (SSL_get_error(c->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        what = POLLIN;
        break;
    case SSL_ERROR_WANT_WRITE:
        what = POLLOUT;
        break;
    case SSL_ERROR_ZERO_RETURN:
        errno = 0;
        return (refused(c, error));
    default:
        return (refused(c, error));
    }
    if (!wait && what == POLLIN)
        return (0);
    switch (wait_for(c->fd, what, c->timeout_ms)) {
    case 1:
        return (1);
    case 0:
        return (too_slow(c, error));
    default:
        return (refused(c, error));
    }
}

static int
shake_hands(struct channel *c, struct vouch_error *error)
{
    const unsigned char *alpn;
    unsigned n;
    int result;

    for (;;) {
        errno = 0;
        ERR_clear_error();
        if ((result = SSL_connect(c->ssl)) == 1)
            break;
        if (settle(c, result, 1, error) < 0)
            return (-1);
    }
    SSL_get0_alpn_selected(c->ssl, &alpn, &n);
    if (n != 2 || memcmp(alpn, "h2", 2) != 0) {
        (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "%s does not speak HTTP/2", c->server);
        error_next(error, "is this the address of vouchd?");
        return (-1);
    }
    return (0);
}

int
channel_open(const struct vouch_options *options, struct channel **channel,
    struct vouch_error *error)
{
    struct channel *c;
    int status = -1;

    *channel = NULL;
    if ((c = calloc(1, sizeof(*c))) == NULL)
        return (error_memory(error));
    c->fd = -1;
    c->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms :
        TIMEOUT_MS;
    if (split_server(c, options->server, error) != 0)
        goto out;
    (void)snprintf(c->server, sizeof(c->server), "%s", options->server);
    if (connect_any(c, error) != 0 || set_up_tls(c, options, error) != 0 ||
        shake_hands(c, error) != 0)
        goto out;

    *channel = c;
    c = NULL;
    status = 0;

out:
    channel_close(c);
    return (status);
}

int
channel_write(struct channel *c, const uint8_t *p, size_t n,
    struct vouch_error *error)
{
    while (n > 0) {
        size_t w = 0;
        int result;

        errno = 0;
        ERR_clear_error();
        if ((result = SSL_write_ex(c->ssl, p, n, &w)) == 1) {
            p += w;
            n -= w;
        } else if (settle(c, result, 1, error) < 0)
            return (-1);
    }
    return (0);
}

long
channel_read(struct channel *c, uint8_t *p, size_t size, int wait,
    struct vouch_error *error)
{
    for (;;) {
        size_t n = 0;
        int result;

        errno = 0;
        ERR_clear_error();
        if ((result = SSL_read_ex(c->ssl, p, size, &n)) == 1) {
            c->spoken = 1;
            return ((long)n);
        }
        switch (settle(c, result, wait, error)) {
        case 1:
            break;
        case 0:
            return (0);
        default:
            return (-1);
        }
    }
}

const char *
channel_server(const struct channel *c)
{
    return (c->server);
}

void
channel_close(struct channel *c)
{
    if (c == NULL)
        return;
    if (c->ssl != NULL && SSL_is_init_finished(c->ssl)) {
        ERR_clear_error();
        (void)SSL_shutdown(c->ssl);     /* tell; do not wait to be told */
    }
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    if (c->fd >= 0)
        (void)close(c->fd);
    free(c);
}
