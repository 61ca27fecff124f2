#include "tls/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls/tls_peer.h"

/* The leaf's issuer is the only CA between it and the root. */
enum { CA_DEPTH = 1 };

/* Bytes that a client's chain may have; OpenSSL takes 100 KiB of a stranger. */
enum { CHAIN_MAX = 16384 };

struct tls_server {
    SSL_CTX *ctx;               /* owned */
    struct tls_policy policy;
};

/* Where to say why it failed, for a person. */
struct why {
    char *text;
    size_t size;
};

static enum err
refuse(struct why why, enum err err, const char *path, const char *what)
{
    (void)snprintf(why.text, why.size, "%s: %s", path, what);
    ERR_clear_error();
    return (err);
}

static enum err
open_file(const char *path, FILE **file, struct why why)
{
    *file = NULL;
    if (path == NULL)
        return (refuse(why, E_IO, "tls", "a file is not named"));
    if ((*file = fopen(path, "re")) == NULL)
        return (refuse(why, E_IO, path, strerror(errno)));
    return (E_OK);
}

/* A key under a passphrase would make OpenSSL ask on the terminal. */
static int
no_passphrase(char *buf, int size, int rwflag, void *cookie)
{
    (void)buf, (void)size, (void)rwflag, (void)cookie;
    return (-1);
}

static enum err
read_certificate(const char *path, X509 **certificate, struct why why)
{
    FILE *f = NULL;
    enum err err;

    *certificate = NULL;
    if ((err = open_file(path, &f, why)) != E_OK)
        return (err);
    *certificate = PEM_read_X509(f, NULL, no_passphrase, NULL);
    fclose(f);
    if (*certificate == NULL)
        return (refuse(why, E_CRYPTO, path, "holds no PEM certificate"));
    return (E_OK);
}

static enum err
read_key(const char *path, EVP_PKEY **key, struct why why)
{
    FILE *f = NULL;
    struct stat st;
    enum err err;

    *key = NULL;
    if ((err = open_file(path, &f, why)) != E_OK)
        goto out;
    if (fstat(fileno(f), &st) != 0) {
        err = refuse(why, E_IO, path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        err = refuse(why, E_DENIED, path,
            "a key must be a file that only its owner may read (chmod 600)");
        goto out;
    }
    if ((*key = PEM_read_PrivateKey(f, NULL, no_passphrase, NULL)) == NULL)
        err = refuse(why, E_CRYPTO, path,
            "holds no PEM private key that is readable without a passphrase");

out:
    if (f != NULL)
        fclose(f);
    return (err);
}

static enum err
check_dates(const X509 *certificate, const char *path, struct why why)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
        return (refuse(why, E_CRYPTO, path, "the certificate has expired"));
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0)
        return (refuse(why, E_CRYPTO, path,
            "the certificate is not valid yet"));
    return (E_OK);
}

static enum err
use_own(struct tls_server *t, const struct tls_options *o, struct why why)
{
    X509 *own = NULL;
    EVP_PKEY *key = NULL;
    enum err err;

    /* Once for what may be wrong with it, and once with its issuers. */
    if ((err = read_certificate(o->certificate, &own, why)) != E_OK ||
        (err = check_dates(own, o->certificate, why)) != E_OK ||
        (err = read_key(o->key, &key, why)) != E_OK)
        goto out;
    if (SSL_CTX_use_certificate_chain_file(t->ctx, o->certificate) != 1) {
        err = refuse(why, E_CRYPTO, o->certificate,
            "not usable as our certificate and its issuers");
        goto out;
    }
    if (SSL_CTX_use_PrivateKey(t->ctx, key) != 1 ||
        SSL_CTX_check_private_key(t->ctx) != 1)
        err = refuse(why, E_CRYPTO, o->key,
            "does not belong to the certificate");

out:
    X509_free(own);
    EVP_PKEY_free(key);
    return (err);
}

static enum err
use_root(struct tls_server *t, const char *path, X509 **root, struct why why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(t->ctx);
    enum err err;

    if ((err = read_certificate(path, root, why)) != E_OK)
        return (err);
    if (X509_check_ca(*root) != 1)
        return (refuse(why, E_CRYPTO, path, "is not a CA's certificate"));
    /* The names of what we accept are told to the client with our demand. */
    if (X509_STORE_add_cert(store, *root) != 1 ||
        SSL_CTX_add_client_CA(t->ctx, *root) != 1)
        return (refuse(why, E_NOMEM, path, err_text(E_NOMEM)));
    return (E_OK);
}

/* Is ${ca} a CA under ${root}, and no other role's? */
static enum err
check_role_ca(const struct tls_server *t, int role, X509 *root,
    const char *path, struct why why)
{
    X509 *ca = t->policy.role_ca[role];

    if (X509_check_ca(ca) != 1)
        return (refuse(why, E_CRYPTO, path, "is not a CA's certificate"));
    if (X509_check_issued(root, ca) != X509_V_OK ||
        X509_verify(ca, X509_get0_pubkey(root)) != 1)
        return (refuse(why, E_CRYPTO, path, "is not issued by the root CA"));
    for (int r = 0; r < role; r++)
        if (X509_cmp(ca, t->policy.role_ca[r]) == 0)
            return (refuse(why, E_CRYPTO, path,
                "is another role's CA already"));
    return (E_OK);
}

static enum err
use_role_cas(struct tls_server *t, const struct tls_options *o, X509 *root,
    struct why why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(t->ctx);
    enum err err;

    for (int r = 0; r < ROLE_COUNT; r++) {
        const char *path = o->role_ca[r];

        if ((err = read_certificate(path, &t->policy.role_ca[r], why)) !=
            E_OK ||
            (err = check_role_ca(t, r, root, path, why)) != E_OK)
            return (err);
        /* Not trusted by itself: without PARTIAL_CHAIN only a root is. */
        if (X509_STORE_add_cert(store, t->policy.role_ca[r]) != 1 ||
            SSL_CTX_add_client_CA(t->ctx, t->policy.role_ca[r]) != 1)
            return (refuse(why, E_NOMEM, path, err_text(E_NOMEM)));
    }
    return (E_OK);
}

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned inlen, void *cookie)
{
    static const unsigned char h2[] = {2, 'h', '2'};

    (void)ssl, (void)cookie;
    for (unsigned i = 0; i < inlen; i += 1u + in[i])
        if (inlen - i >= sizeof(h2) && memcmp(in + i, h2, sizeof(h2)) == 0) {
            *out = in + i + 1;
            *outlen = in[i];
            return (SSL_TLSEXT_ERR_OK);
        }
    return (SSL_TLSEXT_ERR_ALERT_FATAL);    /* no_application_protocol */
}

/* A client that offers no protocol at all never gets to on_alpn(). */
static int
on_hello(SSL *ssl, int *alert, void *cookie)
{
    const unsigned char *data;
    size_t n;

    (void)cookie;
    if (SSL_client_hello_get0_ext(ssl,
        TLSEXT_TYPE_application_layer_protocol_negotiation, &data, &n) == 1)
        return (SSL_CLIENT_HELLO_SUCCESS);
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return (SSL_CLIENT_HELLO_ERROR);
}

static enum err
set_protocol(SSL_CTX *ctx)
{
    static const unsigned char context[] = "vouchd";

    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:"
        "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1 ||
        SSL_CTX_set1_groups_list(ctx, "X25519:P-256") != 1 ||
        SSL_CTX_set_session_id_context(ctx, context, sizeof(context) - 1) !=
        1 || SSL_CTX_set_num_tickets(ctx, 0) != 1)
        return (E_CRYPTO);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
        SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* A third of the reads; whoever stops early asks SSL_has_pending(). */
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
    return (E_OK);
}

static enum err
set_verification(struct tls_server *t)
{
    SSL_CTX_set_verify(t->ctx,
        SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(t->ctx, CA_DEPTH);
    SSL_CTX_set_max_cert_list(t->ctx, CHAIN_MAX);
    SSL_CTX_set_cert_verify_callback(t->ctx, tls_peer_verify, &t->policy);
    return (SSL_CTX_set_purpose(t->ctx, X509_PURPOSE_SSL_CLIENT) == 1 ?
        E_OK : E_CRYPTO);
}

static char *
copy_text(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);

    if (copy != NULL)
        memcpy(copy, text, n);
    return (copy);
}

enum err
tls_server_create(const struct tls_options *options, struct tls_server **tls,
    char *text, size_t size)
{
    struct why why = {text, size};
    struct tls_server *t = NULL;
    X509 *root = NULL;
    enum err err;

    *tls = NULL;

    if ((t = calloc(1, sizeof(*t))) == NULL ||
        (t->policy.trust_domain = copy_text(options->trust_domain)) == NULL ||
        (t->ctx = SSL_CTX_new(TLS_server_method())) == NULL) {
        err = refuse(why, E_NOMEM, "tls", err_text(E_NOMEM));
        goto out;
    }
    if ((err = set_protocol(t->ctx)) != E_OK ||
        (err = set_verification(t)) != E_OK) {
        err = refuse(why, err, "tls", "OpenSSL refused a setting");
        goto out;
    }
    if ((err = use_own(t, options, why)) != E_OK ||
        (err = use_root(t, options->root, &root, why)) != E_OK ||
        (err = use_role_cas(t, options, root, why)) != E_OK)
        goto out;

    *tls = t;
    t = NULL;

out:
    X509_free(root);
    tls_server_free(t);
    return (err);
}

enum err
tls_server_accept(struct tls_server *tls, int fd, SSL **ssl)
{
    SSL *s = NULL;
    enum err err = E_NOMEM;

    *ssl = NULL;
    if ((s = SSL_new(tls->ctx)) == NULL || SSL_set_fd(s, fd) != 1)
        goto out;
    if ((err = tls_peer_attach(s)) != E_OK)
        goto out;
    SSL_set_accept_state(s);
    *ssl = s;
    s = NULL;
    err = E_OK;

out:
    SSL_free(s);
    if (err != E_OK)
        ERR_clear_error();
    return (err);
}

void
tls_failure(const SSL *ssl, char *text, size_t size)
{
    const struct tls_peer *peer = tls_peer_of(ssl);
    long verified = SSL_get_verify_result(ssl);
    unsigned long error = ERR_peek_error();
    const char *reason = NULL;

    /* The most exact first: ours, the chain's, the protocol's. */
    if (peer != NULL && peer->why != NULL)
        reason = peer->why;
    else if (verified != X509_V_OK)
        reason = X509_verify_cert_error_string(verified);
    else if (error != 0)
        reason = ERR_reason_error_string(error);
    if (reason == NULL)
        reason = error == 0 ? "the peer closed the connection" :
            "an error without a name";
    (void)snprintf(text, size, "%s", reason);
    ERR_clear_error();
}

void
tls_server_free(struct tls_server *tls)
{
    if (tls == NULL)
        return;
    for (int r = 0; r < ROLE_COUNT; r++)
        X509_free(tls->policy.role_ca[r]);
    SSL_CTX_free(tls->ctx);
    free(tls->policy.trust_domain);
    free(tls);
}
