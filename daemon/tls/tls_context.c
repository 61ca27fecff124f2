#include "tls/tls_context.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls/tls_peer.h"
#include "tls/tls_trial.h"

/* The leaf's issuer is the only CA between it and the root. */
enum { CA_DEPTH = 1 };

/* Bytes that a client's chain may have; OpenSSL takes 100 KiB of a stranger. */
enum { CHAIN_MAX = 16384 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int ex_index = -1;

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
    const EVP_PKEY *key;
    FILE *f = NULL;
    enum err err;

    *certificate = NULL;
    if ((err = open_file(path, &f, why)) != E_OK)
        return (err);
    *certificate = PEM_read_X509(f, NULL, no_passphrase, NULL);
    fclose(f);
    if (*certificate == NULL)
        return (refuse(why, E_CRYPTO, path, "holds no PEM certificate"));
    /*
     * In want of memory OpenSSL reads the one without the other, or without
     * the key's size, and then no signature verifies with it.
     */
    key = X509_get0_pubkey(*certificate);
    if (key == NULL || EVP_PKEY_get_size(key) <= 0)
        return (refuse(why, E_CRYPTO, path,
            "holds a certificate whose public key cannot be read"));
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

/* What is to be told of ${own}. */
static enum err
describe(const X509 *own, struct tls_own *to)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct tm tm;

    if (X509_digest(own, EVP_sha256(), digest, &n) != 1 ||
        n * 2 >= sizeof(to->fingerprint) ||
        ASN1_TIME_to_tm(X509_get0_notAfter(own), &tm) != 1)
        return (E_CRYPTO);
    for (unsigned i = 0; i < n; i++)
        (void)snprintf(to->fingerprint + i * 2, 3, "%02x", digest[i]);
    (void)strftime(to->not_after, sizeof(to->not_after), "%FT%TZ", &tm);
    to->not_after_us = (int64_t)timegm(&tm) * 1000000;
    return (E_OK);
}

static enum err
use_own(SSL_CTX *ctx, const struct tls_options *o, struct tls_own *to,
    struct why why)
{
    const X509 *own;
    X509 *first = NULL;
    EVP_PKEY *key = NULL;
    enum err err;

    /*
     * Once for what may be wrong with it, and once with its issuers: between
     * the two the file may have become another, so only the latter counts.
     */
    if ((err = read_certificate(o->certificate, &first, why)) != E_OK)
        goto out;
    if (SSL_CTX_use_certificate_chain_file(ctx, o->certificate) != 1 ||
        (own = SSL_CTX_get0_certificate(ctx)) == NULL) {
        err = refuse(why, E_CRYPTO, o->certificate,
            "not usable as our certificate and its issuers");
        goto out;
    }
    if ((err = check_dates(own, o->certificate, why)) != E_OK ||
        (err = read_key(o->key, &key, why)) != E_OK)
        goto out;
    if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        err = refuse(why, E_CRYPTO, o->key,
            "does not belong to the certificate");
        goto out;
    }
    if ((err = describe(own, to)) != E_OK)
        err = refuse(why, err, o->certificate, "its end is not a time");

out:
    X509_free(first);
    EVP_PKEY_free(key);
    return (err);
}

static enum err
use_root(SSL_CTX *ctx, const char *path, X509 **root, struct why why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    enum err err;

    if ((err = read_certificate(path, root, why)) != E_OK)
        return (err);
    if (X509_check_ca(*root) != 1)
        return (refuse(why, E_CRYPTO, path, "is not a CA's certificate"));
    /* Nothing would verify under it: also what a lack of memory may lead to. */
    if ((X509_get_extension_flags(*root) & EXFLAG_SS) == 0)
        return (refuse(why, E_CRYPTO, path,
            "is not a root: it is not signed by itself"));
    /* The names of what we accept are told to the client with our demand. */
    if (X509_STORE_add_cert(store, *root) != 1 ||
        SSL_CTX_add_client_CA(ctx, *root) != 1)
        return (refuse(why, E_NOMEM, path, err_text(E_NOMEM)));
    return (E_OK);
}

/* Is ${ca} a CA under ${root}, and no other role's? */
static enum err
check_role_ca(const struct tls_policy *policy, int role, X509 *root,
    const char *path, struct why why)
{
    X509 *ca = policy->role_ca[role];

    if (X509_check_ca(ca) != 1)
        return (refuse(why, E_CRYPTO, path, "is not a CA's certificate"));
    if (X509_check_issued(root, ca) != X509_V_OK ||
        X509_verify(ca, X509_get0_pubkey(root)) != 1)
        return (refuse(why, E_CRYPTO, path, "is not issued by the root CA"));
    for (int r = 0; r < role; r++)
        if (X509_cmp(ca, policy->role_ca[r]) == 0)
            return (refuse(why, E_CRYPTO, path,
                "is another role's CA already"));
    return (E_OK);
}

static enum err
use_role_cas(SSL_CTX *ctx, struct tls_policy *policy,
    const struct tls_options *o, X509 *root, struct why why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    enum err err;

    for (int r = 0; r < ROLE_COUNT; r++) {
        const char *path = o->role_ca[r];

        if ((err = read_certificate(path, &policy->role_ca[r], why)) !=
            E_OK ||
            (err = check_role_ca(policy, r, root, path, why)) != E_OK)
            return (err);
        /* Not trusted by itself: without PARTIAL_CHAIN only a root is. */
        if (X509_STORE_add_cert(store, policy->role_ca[r]) != 1 ||
            SSL_CTX_add_client_CA(ctx, policy->role_ca[r]) != 1)
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
set_verification(SSL_CTX *ctx, struct tls_policy *policy)
{
    SSL_CTX_set_verify(ctx,
        SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(ctx, CA_DEPTH);
    SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX);
    SSL_CTX_set_cert_verify_callback(ctx, tls_peer_verify, policy);
    return (SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT) == 1 ?
        E_OK : E_CRYPTO);
}

/* ---- the policy lives and dies with its SSL_CTX ------------------------ */

static void
policy_free(struct tls_policy *policy)
{
    if (policy == NULL)
        return;
    for (int r = 0; r < ROLE_COUNT; r++)
        X509_free(policy->role_ca[r]);
    free(policy->trust_domain);
    free(policy);
}

static void
free_policy(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
    (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
    policy_free(ptr);
}

static void
make_index(void)
{
    ex_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_policy);
}

/* Give ${ctx} an empty policy; borrowed from it. */
static enum err
attach_policy(SSL_CTX *ctx, const char *trust_domain,
    struct tls_policy **policy)
{
    struct tls_policy *p = NULL;
    size_t n = strlen(trust_domain) + 1;
    enum err err = E_NOMEM;

    *policy = NULL;
    if (pthread_once(&once, make_index) != 0 || ex_index < 0 ||
        (p = calloc(1, sizeof(*p))) == NULL ||
        (p->trust_domain = malloc(n)) == NULL)
        goto out;
    memcpy(p->trust_domain, trust_domain, n);
    if (SSL_CTX_set_ex_data(ctx, ex_index, p) != 1)
        goto out;

    *policy = p;
    p = NULL;
    err = E_OK;

out:
    policy_free(p);
    return (err);
}

enum err
tls_context_create(const struct tls_options *options, SSL_CTX **ctx,
    struct tls_own *own, char *text, size_t size)
{
    struct why why = {text, size};
    struct tls_policy *policy = NULL;
    SSL_CTX *c = NULL;
    X509 *root = NULL;
    enum err err;

    *ctx = NULL;

    if ((c = SSL_CTX_new(TLS_server_method())) == NULL ||
        attach_policy(c, options->trust_domain, &policy) != E_OK) {
        err = refuse(why, E_NOMEM, "tls", err_text(E_NOMEM));
        goto out;
    }
    if ((err = set_protocol(c)) != E_OK ||
        (err = set_verification(c, policy)) != E_OK) {
        err = refuse(why, err, "tls", "OpenSSL refused a setting");
        goto out;
    }
    if ((err = use_own(c, options, own, why)) != E_OK ||
        (err = use_root(c, options->root, &root, why)) != E_OK ||
        (err = use_role_cas(c, policy, options, root, why)) != E_OK)
        goto out;
    if ((err = tls_trial(c)) != E_OK) {
        err = refuse(why, err, options->certificate,
            "no handshake succeeds with it");
        goto out;
    }

    *ctx = c;
    c = NULL;

out:
    X509_free(root);
    SSL_CTX_free(c);
    return (err);
}
