#include "client/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "client/clock.h"
#include "client/dial.h"
#include "client/error.h"
#include "client/socket_bio.h"

/* Of connecting and shaking hands together, however patient a call may be. */
#define CONNECT_MS 30000

struct channel {
    int fd;                 /* owned */
    SSL_CTX *ctx;           /* owned */
    SSL *ssl;               /* owned, with its BIO */
    BIO_METHOD *method;     /* owned */
    short wants;            /* events that the last tries wait for */
    int spoken;             /* something of the server's was ever read */
    struct dial_address address;
};

/* ---- our files --------------------------------------------------------- */

static const char *
openssl_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return (reason != NULL ? reason : "unknown reason");
}

/* What OpenSSL says of a file that is not there does not name the cause. */
static int
check_file(const char *what, const char *path, const char *next,
    struct vouch_error *error)
{
    struct stat st;
    const char *why = NULL;

    if (stat(path, &st) != 0 || access(path, R_OK) != 0)
        why = strerror(errno);
    else if (S_ISDIR(st.st_mode))
        why = strerror(EISDIR);
    if (why == NULL)
        return (0);
    (void)error_set(error, VOUCH_FAILURE_SETUP, "cannot read the %s %s: %s",
        what, path, why);
    error_next(error, "%s", next);
    return (-1);
}

/* A private key that others may read is no longer private. */
static int
check_mode(const char *path, struct vouch_error *error)
{
    struct stat st;

    if (stat(path, &st) != 0 || (st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return (0);
    (void)error_set(error, VOUCH_FAILURE_SETUP,
        "others may read the private key %s (mode %04o)", path,
        (unsigned)st.st_mode & 07777);
    error_next(error, "chmod 600 %s", path);
    return (-1);
}

/* Nobody may be there to be asked for a passphrase. */
static int
no_passphrase(char *out, int size, int writing, void *cookie)
{
    (void)out, (void)size, (void)writing, (void)cookie;
    return (-1);
}

static int
load_files(struct channel *c, const struct vouch_options *o,
    struct vouch_error *error)
{
    static const char ca[] = "VOUCH_CA or --ca must name a PEM file with the "
        "server's root certificate";
    static const char cert[] = "VOUCH_CERT or --cert must name a PEM file "
        "with your certificate, followed by that of its issuer";
    static const char key[] = "VOUCH_KEY or --key must name a PEM file with "
        "the private key of your certificate, without a passphrase";

    if (check_file("CA file", o->ca, ca, error) != 0 ||
        check_file("certificate", o->cert, cert, error) != 0 ||
        check_file("private key", o->key, key, error) != 0 ||
        check_mode(o->key, error) != 0)
        return (-1);
    SSL_CTX_set_default_passwd_cb(c->ctx, no_passphrase);
    if (SSL_CTX_load_verify_file(c->ctx, o->ca) != 1) {
        (void)error_set(error, VOUCH_FAILURE_SETUP,
            "cannot use the CA file %s: %s", o->ca, openssl_reason());
        error_next(error, "%s", ca);
    } else if (SSL_CTX_use_certificate_chain_file(c->ctx, o->cert) != 1) {
        (void)error_set(error, VOUCH_FAILURE_SETUP,
            "cannot use the certificate %s: %s", o->cert, openssl_reason());
        error_next(error, "%s", cert);
    } else if (SSL_CTX_use_PrivateKey_file(c->ctx, o->key,
        SSL_FILETYPE_PEM) != 1) {
        (void)error_set(error, VOUCH_FAILURE_SETUP,
            "cannot use the private key %s with the certificate %s: %s",
            o->key, o->cert, openssl_reason());
        error_next(error, "%s", key);
    } else
        return (0);
    return (-1);
}

/* The server must be who its address says: a name, or an address. */
static int
expect_host(struct channel *c)
{
    const char *host = c->address.host;
    X509_VERIFY_PARAM *param = SSL_get0_param(c->ssl);
    struct in6_addr address;

    X509_VERIFY_PARAM_set_hostflags(param,
        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (inet_pton(AF_INET, host, &address) == 1 ||
        inet_pton(AF_INET6, host, &address) == 1)
        return (X509_VERIFY_PARAM_set1_ip_asc(param, host));
    return (SSL_set1_host(c->ssl, host) &&
        SSL_set_tlsext_host_name(c->ssl, host));
}

/* All that can be found wrong without a server. */
static int
make_context(struct channel *c, const struct vouch_options *options,
    struct vouch_error *error)
{
    ERR_clear_error();
    if ((c->ctx = SSL_CTX_new(TLS_client_method())) == NULL ||
        SSL_CTX_set_min_proto_version(c->ctx, TLS1_3_VERSION) != 1)
        return (error_memory(error));
    SSL_CTX_set_verify(c->ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_mode(c->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return (load_files(c, options, error));
}

static int
make_ssl(struct channel *c, struct vouch_error *error)
{
    static const unsigned char alpn[] = {2, 'h', '2'};
    BIO *bio;

    if ((c->ssl = SSL_new(c->ctx)) == NULL ||
        SSL_set_alpn_protos(c->ssl, alpn, sizeof(alpn)) != 0 ||
        !expect_host(c) || socket_bio_create(c->fd, &c->method, &bio) != 0)
        return (error_memory(error));
    SSL_set_bio(c->ssl, bio, bio);
    return (0);
}

/* ---- how it ends ------------------------------------------------------- */

/* The server's last word in TLS, or -1. */
static int
alert_of(unsigned long last)
{
    if (ERR_GET_LIB(last) != ERR_LIB_SSL ||
        ERR_GET_REASON(last) <= SSL_AD_REASON_OFFSET)
        return (-1);
    return (ERR_GET_REASON(last) - SSL_AD_REASON_OFFSET);
}

static int
refused(struct channel *c, int alert, struct vouch_error *error)
{
    switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
    case SSL_AD_NO_APPLICATION_PROTOCOL:
        (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "%s does not speak HTTP/2 over TLS 1.3: %s", c->address.text,
            openssl_reason());
        error_next(error, "is this the address of vouchd?");
        return (-1);
    default:
        (void)error_set(error, VOUCH_FAILURE_REFUSED,
            "%s refused the client certificate: %s", c->address.text,
            openssl_reason());
        error_next(error, "the certificate must be valid now, name one role "
            "in this server's trust domain, and come from that role's CA");
        return (-1);
    }
}

/*
 * In TLS 1.3 the client has finished before the server has seen its
 * certificate: a refusal arrives as an alert on the first read.
 */
static int
broke(struct channel *c, struct vouch_error *error)
{
    int failure = errno;
    long verified = SSL_get_verify_result(c->ssl);
    unsigned long last = ERR_peek_last_error();

    if (verified != X509_V_OK) {
        (void)error_set(error, VOUCH_FAILURE_REFUSED,
            "%s has a certificate that is not accepted: %s",
            c->address.text, X509_verify_cert_error_string(verified));
        error_next(error, "VOUCH_CA or --ca must name the root of this very "
            "server, and the host must stand in its certificate");
        return (-1);
    }
    if (!c->spoken && alert_of(last) > 0)
        return (refused(c, alert_of(last), error));
    (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
        "the connection to %s broke: %s", c->address.text,
        ERR_GET_REASON(last) == SSL_R_UNEXPECTED_EOF_WHILE_READING ?
        "it was closed" : last != 0 ? openssl_reason() :
        failure != 0 ? strerror(failure) : "it was closed");
    error_next(error, "check that a vouchd listens there, and try again");
    return (-1);
}

/*
 * After an operation on the SSL that did not succeed.  Returns 0 if it is to
 * be tried again after a wait, or -1 with ${*error}.
 */
static int
settle(struct channel *c, int result, struct vouch_error *error)
{
    switch (SSL_get_error(c->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        c->wants |= POLLIN;
        return (0);
    case SSL_ERROR_WANT_WRITE:
        c->wants |= POLLOUT;
        return (0);
    case SSL_ERROR_ZERO_RETURN:
        errno = 0;
        return (broke(c, error));
    default:
        return (broke(c, error));
    }
}

int
channel_wait(struct channel *c, int64_t deadline_us,
    struct vouch_error *error)
{
    short wants = c->wants;

    c->wants = 0;
    switch (dial_wait(c->fd, wants, deadline_us)) {
    case 1:
        return (0);
    case 0:
        (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "%s did not answer in time", c->address.text);
        error_next(error,
            "try again, or give more time with --timeout SECONDS");
        return (-1);
    default:
        ERR_clear_error();
        return (broke(c, error));
    }
}

static int
shake_hands(struct channel *c, int64_t deadline_us, struct vouch_error *error)
{
    const unsigned char *alpn;
    unsigned n;
    int result;

    for (;;) {
        errno = 0;
        ERR_clear_error();
        if ((result = SSL_connect(c->ssl)) == 1)
            break;
        if (settle(c, result, error) != 0 ||
            channel_wait(c, deadline_us, error) != 0)
            return (-1);
    }
    SSL_get0_alpn_selected(c->ssl, &alpn, &n);
    if (n != 2 || memcmp(alpn, "h2", 2) != 0) {
        (void)error_set(error, VOUCH_FAILURE_UNREACHABLE,
            "%s does not speak HTTP/2", c->address.text);
        error_next(error, "is this the address of vouchd?");
        return (-1);
    }
    return (0);
}

/* ---- what the header promises ------------------------------------------ */

static int
check_options(const struct vouch_options *o, struct vouch_error *error)
{
    if (o->server != NULL && o->ca != NULL && o->cert != NULL &&
        o->key != NULL)
        return (0);
    (void)error_set(error, VOUCH_FAILURE_SETUP,
        "server, ca, cert and key are all needed to connect");
    error_next(error, "set each of them in struct vouch_options");
    return (-1);
}

int
channel_open(const struct vouch_options *options, struct channel **channel,
    struct vouch_error *error)
{
    int limit_ms = options->timeout_ms > 0 &&
        options->timeout_ms < CONNECT_MS ? options->timeout_ms : CONNECT_MS;
    int64_t deadline_us = clock_us() + (int64_t)limit_ms * 1000;
    struct channel *c;
    int status = -1;

    *channel = NULL;
    if ((c = calloc(1, sizeof(*c))) == NULL)
        return (error_memory(error));
    c->fd = -1;
    if (check_options(options, error) != 0 ||
        dial_parse(options->server, &c->address, error) != 0 ||
        make_context(c, options, error) != 0 ||
        dial(&c->address, deadline_us, &c->fd, error) != 0 ||
        make_ssl(c, error) != 0 || shake_hands(c, deadline_us, error) != 0)
        goto out;

    *channel = c;
    c = NULL;
    status = 0;

out:
    channel_close(c);
    return (status);
}

long
channel_write(struct channel *c, const uint8_t *p, size_t n,
    struct vouch_error *error)
{
    size_t w = 0;
    int result;

    errno = 0;
    ERR_clear_error();
    if ((result = SSL_write_ex(c->ssl, p, n, &w)) == 1)
        return ((long)w);
    return (settle(c, result, error));
}

long
channel_read(struct channel *c, uint8_t *p, size_t size,
    struct vouch_error *error)
{
    size_t n = 0;
    int result;

    errno = 0;
    ERR_clear_error();
    if ((result = SSL_read_ex(c->ssl, p, size, &n)) == 1) {
        c->spoken = 1;
        return ((long)n);
    }
    return (settle(c, result, error));
}

const char *
channel_server(const struct channel *c)
{
    return (c->address.text);
}

/* The one URI of ${names}, or NULL. */
static const ASN1_IA5STRING *
lone_uri(const GENERAL_NAMES *names)
{
    const ASN1_IA5STRING *uri = NULL;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != GEN_URI)
            continue;
        if (uri != NULL)
            return (NULL);
        uri = name->d.uniformResourceIdentifier;
    }
    return (uri);
}

int
channel_identity(const struct channel *c, char *uri, size_t size)
{
    X509 *own = SSL_get_certificate(c->ssl);
    GENERAL_NAMES *names = own == NULL ? NULL :
        X509_get_ext_d2i(own, NID_subject_alt_name, NULL, NULL);
    const ASN1_IA5STRING *found = names == NULL ? NULL : lone_uri(names);
    size_t n = found == NULL ? 0 : (size_t)ASN1_STRING_length(found);
    int status = -1;

    if (n > 0 && n < size &&
        memchr(ASN1_STRING_get0_data(found), '\0', n) == NULL) {
        memcpy(uri, ASN1_STRING_get0_data(found), n);
        uri[n] = '\0';
        status = 0;
    }
    GENERAL_NAMES_free(names);
    return (status);
}

void
channel_close(struct channel *c)
{
    if (c == NULL)
        return;
    if (c->ssl != NULL && SSL_is_init_finished(c->ssl))
        (void)SSL_shutdown(c->ssl);     /* tell; do not wait to be told */
    ERR_clear_error();
    SSL_free(c->ssl);
    BIO_meth_free(c->method);
    SSL_CTX_free(c->ctx);
    if (c->fd >= 0)
        (void)close(c->fd);
    free(c);
}
