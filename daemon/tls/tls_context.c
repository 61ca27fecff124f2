#include "tls/tls_context.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/tls_file.h"
#include "tls/tls_own.h"
#include "tls/tls_peer.h"
#include "tls/tls_ticket.h"
#include "tls/tls_updates.h"

/* The leaf's issuer is the only CA between it and the root. */
enum { CA_DEPTH = 1 };

/* Bytes that a client's chain may have; OpenSSL takes 100 KiB of a stranger. */
enum { CHAIN_MAX = 16384 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int ex_index = -1;

static enum err
use_root(SSL_CTX *ctx, struct tls_policy *policy, const char *path,
    struct tls_why why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    X509 *root;
    enum err err;

    if ((err = tls_file_certificate(path, &policy->root, why)) != E_OK)
        return (err);
    root = policy->root;
    if (X509_check_ca(root) != 1)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "is not a CA's certificate"));
    /* Nothing would verify under it: also what a lack of memory may lead to. */
    if ((X509_get_extension_flags(root) & EXFLAG_SS) == 0)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "is not a root: it is not signed by itself"));
    /* The names of what we accept are told to the client with our demand. */
    if (X509_STORE_add_cert(store, root) != 1 ||
        SSL_CTX_add_client_CA(ctx, root) != 1)
        return (tls_file_refuse(why, E_NOMEM, path, err_text(E_NOMEM)));
    return (E_OK);
}

/*
 * One that has ended is still one to begin with, for the sake of the others;
 * but it does not take the place of another, whose people would be shut out.
 */
static enum err
check_change(const X509 *ca, const X509 *before, const char *path,
    struct tls_why why)
{
    if (before == NULL || X509_cmp(ca, before) == 0)
        return (E_OK);
    return (tls_own_check_dates(ca, path, why));
}

/* Is ${ca} a CA under ${root}, and no other role's? */
static enum err
check_role_ca(const struct tls_policy *policy, int role, const char *path,
    struct tls_why why)
{
    X509 *root = policy->root;
    X509 *ca = policy->role_ca[role];

    if (X509_check_ca(ca) != 1)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "is not a CA's certificate"));
    if (X509_check_issued(root, ca) != X509_V_OK ||
        X509_verify(ca, X509_get0_pubkey(root)) != 1)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "is not issued by the root CA"));
    for (int r = 0; r < role; r++)
        if (X509_cmp(ca, policy->role_ca[r]) == 0)
            return (tls_file_refuse(why, E_CRYPTO, path,
                "is another role's CA already"));
    return (E_OK);
}

static enum err
use_role_cas(SSL_CTX *ctx, struct tls_policy *policy,
    const struct tls_policy *before, const struct tls_options *o,
    struct tls_context_facts *facts, struct tls_why why)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    enum err err;

    for (int r = 0; r < ROLE_COUNT; r++) {
        const char *path = o->role_ca[r];

        if ((err = tls_file_certificate(path, &policy->role_ca[r], why)) !=
            E_OK ||
            (err = check_role_ca(policy, r, path, why)) != E_OK ||
            (err = check_change(policy->role_ca[r], before == NULL ? NULL :
            before->role_ca[r], path, why)) != E_OK ||
            (err = tls_own_add_end(facts, path, policy->role_ca[r], why)) !=
            E_OK)
            return (err);
        /* Not trusted by itself: without PARTIAL_CHAIN only a root is. */
        if (X509_STORE_add_cert(store, policy->role_ca[r]) != 1 ||
            SSL_CTX_add_client_CA(ctx, policy->role_ca[r]) != 1)
            return (tls_file_refuse(why, E_NOMEM, path, err_text(E_NOMEM)));
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

/*
 * A client that offers no protocol at all never gets to on_alpn(), and is
 * refused here, not at its first words: tools that look at what a server
 * offers (sslscan, testssl.sh) offer none, and have no certificate either.
 */
static int
on_verify(X509_STORE_CTX *ctx, void *policy)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx,
        SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_peer *peer = ssl == NULL ? NULL : tls_peer_of(ssl);
    int accepted = tls_peer_verify(ctx, policy);

    if (!accepted || tls_peer_speaks_h2(ssl))
        return (accepted);
    peer->accepted = 0;
    peer->why = "the client does not offer h2 by ALPN";
    X509_STORE_CTX_set_error(ctx, X509_V_ERR_APPLICATION_VERIFICATION);
    return (0);
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
        1)
        return (E_CRYPTO);
    /* 112 bits: RSA from 2048 on, whatever the system's own default is. */
    SSL_CTX_set_security_level(ctx, 2);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    (void)SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* A third of the reads; whoever stops early asks SSL_has_pending(). */
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
    tls_updates_limit(ctx);
    return (E_OK);
}

static enum err
set_verification(SSL_CTX *ctx, struct tls_policy *policy)
{
    SSL_CTX_set_verify(ctx,
        SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(ctx, CA_DEPTH);
    SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX);
    SSL_CTX_set_cert_verify_callback(ctx, on_verify, policy);
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
    X509_free(policy->root);
    tls_ticket_free(policy->tickets);
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
attach_policy(SSL_CTX *ctx, const struct tls_options *o,
    struct tls_policy **policy)
{
    struct tls_policy *p = NULL;
    size_t n = strlen(o->trust_domain) + 1;
    enum err err = E_NOMEM;

    *policy = NULL;
    if (pthread_once(&once, make_index) != 0 || ex_index < 0 ||
        (p = calloc(1, sizeof(*p))) == NULL ||
        (p->trust_domain = malloc(n)) == NULL)
        goto out;
    memcpy(p->trust_domain, o->trust_domain, n);
    p->resumption_us = o->resumption_us;
    if (SSL_CTX_set_ex_data(ctx, ex_index, p) != 1)
        goto out;

    *policy = p;
    p = NULL;
    err = E_OK;

out:
    policy_free(p);
    return (err);
}

/* Roots, CAs and our own certificates, and what is to be told of them. */
static enum err
use_files(SSL_CTX *ctx, struct tls_policy *policy,
    const struct tls_policy *before, const struct tls_options *o,
    struct tls_context_facts *facts, struct tls_why why)
{
    enum err err;

    facts->ends = 0;
    if ((err = tls_own_use(ctx, o, facts, why)) != E_OK ||
        (err = use_root(ctx, policy, o->root, why)) != E_OK ||
        (err = check_change(policy->root, before == NULL ? NULL :
        before->root, o->root, why)) != E_OK ||
        (err = tls_own_add_end(facts, o->root, policy->root, why)) != E_OK ||
        (err = use_role_cas(ctx, policy, before, o, facts, why)) != E_OK)
        return (err);
    return (tls_own_try(ctx, o, why));
}

enum err
tls_context_create(const struct tls_options *options, const SSL_CTX *before,
    SSL_CTX **ctx, struct tls_context_facts *facts, char *text, size_t size)
{
    const struct tls_why why = {text, size};
    struct tls_policy *policy = NULL;
    SSL_CTX *c = NULL;
    enum err err;

    *ctx = NULL;

    if ((c = SSL_CTX_new(TLS_server_method())) == NULL ||
        attach_policy(c, options, &policy) != E_OK) {
        err = tls_file_refuse(why, E_NOMEM, "tls", err_text(E_NOMEM));
        goto out;
    }
    if ((err = set_protocol(c)) != E_OK ||
        (err = set_verification(c, policy)) != E_OK ||
        (err = tls_ticket_use(c, policy)) != E_OK) {
        err = tls_file_refuse(why, err, "tls", "OpenSSL refused a setting");
        goto out;
    }
    if ((err = use_files(c, policy, before == NULL ? NULL :
        tls_context_policy(before), options, facts, why)) != E_OK)
        goto out;
    /* Before anybody shakes hands under these CAs. */
    if ((policy->revocation = options->revocation) != NULL &&
        (err = revocation_trust(policy->revocation, policy->root,
        policy->role_ca, text, size)) != E_OK)
        goto out;

    *ctx = c;
    c = NULL;

out:
    SSL_CTX_free(c);
    return (err);
}

struct tls_policy *
tls_context_policy(const SSL_CTX *ctx)
{
    return (SSL_CTX_get_ex_data(ctx, ex_index));
}
