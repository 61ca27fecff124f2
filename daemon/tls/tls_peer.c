#include "tls/tls_peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/x509v3.h>

#include "tls/tls.h"

/* The leaf, its role's CA, the root. */
enum { CHAIN_LENGTH = 3 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int ex_index = -1;

static void
free_peer(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl,
    void *argp)
{
    (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
    free(ptr);
}

static void
make_index(void)
{
    ex_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_peer);
}

enum err
tls_peer_attach(SSL *ssl)
{
    struct tls_peer *peer;

    if (pthread_once(&once, make_index) != 0 || ex_index < 0)
        return (E_NOMEM);
    if ((peer = calloc(1, sizeof(*peer))) == NULL)
        return (E_NOMEM);
    if (SSL_set_ex_data(ssl, ex_index, peer) != 1) {
        free(peer);
        return (E_NOMEM);
    }
    return (E_OK);
}

struct tls_peer *
tls_peer_of(const SSL *ssl)
{
    return (ex_index < 0 ? NULL : SSL_get_ex_data(ssl, ex_index));
}

void
tls_peer_detach(SSL *ssl)
{
    struct tls_peer *peer = tls_peer_of(ssl);

    if (peer != NULL && SSL_set_ex_data(ssl, ex_index, NULL) == 1)
        free(peer);
}

/* Find the one URI; return NULL if there is none, or more than one. */
static const ASN1_IA5STRING *
only_uri(const GENERAL_NAMES *names, const char **why)
{
    const ASN1_IA5STRING *uri = NULL;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type != GEN_URI)
            continue;
        if (uri != NULL) {
            *why = "the certificate has more than one URI";
            return (NULL);
        }
        uri = name->d.uniformResourceIdentifier;
    }
    if (uri == NULL)
        *why = "the certificate has no URI";
    return (uri);
}

static enum err
read_uri(X509 *leaf, const char *trust_domain, struct tls_peer *peer)
{
    GENERAL_NAMES *names = NULL;
    const ASN1_IA5STRING *uri;
    struct slice s;
    int critical;
    enum err err = E_DENIED;

    names = X509_get_ext_d2i(leaf, NID_subject_alt_name, &critical, NULL);
    if (names == NULL) {
        /* -1: there is none; -2: more than one; else it does not parse. */
        peer->why = critical == -1 ? "the certificate has no URI" :
            "the certificate's alternative names are malformed";
        goto out;
    }
    if ((uri = only_uri(names, &peer->why)) == NULL)
        goto out;
    s.p = ASN1_STRING_get0_data(uri);
    s.n = (size_t)ASN1_STRING_length(uri);
    if (identity_parse(s, trust_domain, &peer->identity, &peer->why) != E_OK)
        goto out;
    err = E_OK;

out:
    GENERAL_NAMES_free(names);
    return (err);
}

/* Leave the serial empty if it is none by RFC 5280. */
static void
note_serial(X509 *leaf, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
    const uint8_t *p = ASN1_STRING_get0_data(serial);
    size_t n = (size_t)ASN1_STRING_length(serial);

    *out = '\0';
    if (ASN1_STRING_type(serial) != V_ASN1_INTEGER ||
        n > IDENTITY_SERIAL_MAX / 2)
        return;
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[p[i] >> 4];
        *out++ = digits[p[i] & 0xf];
    }
    *out = '\0';
}

/*
 * The issuer's name is whatever the peer says, up to its signature: nothing
 * that could be taken for the log's own.  One who signs for himself may well
 * be a person, and is not named.
 */
static void
note_issuer(X509 *leaf, char *out, size_t size)
{
    const X509_NAME *issuer = X509_get_issuer_name(leaf);
    int n;

    if (X509_NAME_cmp(issuer, X509_get_subject_name(leaf)) == 0) {
        (void)snprintf(out, size, "itself");
        return;
    }
    n = X509_NAME_get_text_by_NID(issuer, NID_commonName, out, (int)size);
    if (n <= 0)
        (void)snprintf(out, size, "unnamed");
    for (int i = 0; i < n; i++)
        if (out[i] < ' ' || out[i] > '~' || strchr("\"\\=", out[i]) != NULL)
            out[i] = '?';
}

static void
note_certificate(X509 *leaf, struct tls_peer *peer)
{
    note_serial(leaf, peer->identity.serial);
    note_issuer(leaf, peer->issuer, sizeof(peer->issuer));
}

static enum err
check_serial(struct tls_peer *peer)
{
    if (peer->identity.serial[0] != '\0')
        return (E_OK);
    peer->why = "the certificate's serial number breaks RFC 5280";
    return (E_DENIED);
}

static enum err
read_end(X509 *leaf, struct tls_peer *peer)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &tm) != 1) {
        peer->why = "the certificate's end is not a time";
        return (E_DENIED);
    }
    peer->identity.not_after_us = (int64_t)timegm(&tm) * 1000000;
    return (E_OK);
}

/*
 * OpenSSL's purpose lets a certificate without extended key usage pass as one
 * for anything, and a CA's as a client's; here neither does.
 */
static enum err
check_use(X509 *leaf, struct tls_peer *peer)
{
    if (X509_check_ca(leaf) != 0) {
        peer->why = "the certificate is a CA's";
        return (E_DENIED);
    }
    if ((X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) == 0 ||
        (X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) == 0) {
        peer->why = "the certificate is not for client use";
        return (E_DENIED);
    }
    return (E_OK);
}

/*
 * X509_cmp() compares the hash of the whole and then the signed part byte by
 * byte: equal means that it is the file the operator named.
 */
static enum err
check_issuer(const STACK_OF(X509) *chain, const struct tls_policy *policy,
    struct tls_peer *peer)
{
    if (sk_X509_num(chain) != CHAIN_LENGTH ||
        X509_cmp(sk_X509_value(chain, 1),
        policy->role_ca[peer->identity.role]) != 0) {
        peer->why = "the certificate is not from its role's CA";
        return (E_DENIED);
    }
    return (E_OK);
}

/*
 * For the alert, and for a reason in the log.  Not the last word: it may be
 * revoked while the handshake goes on, so whoever lets the peer in asks again.
 */
static enum err
check_revocation(X509 *leaf, const STACK_OF(X509) *chain,
    const struct tls_policy *policy, struct tls_peer *peer)
{
    if (revocation_marks_read(leaf, sk_X509_value(chain, 1), &peer->identity,
        &peer->marks) != E_OK) {
        peer->why = "the certificate's key cannot be read";
        return (E_DENIED);
    }
    if (revocation_check(policy->revocation, &peer->identity, &peer->marks,
        peer->revoked, sizeof(peer->revoked)) != REVOCATION_GOOD) {
        peer->why = peer->revoked;
        return (E_DENIED);
    }
    return (E_OK);
}

static int
refuse(X509_STORE_CTX *ctx, int error)
{
    X509_STORE_CTX_set_error(ctx, error);
    return (0);
}

/* In words that do not change with OpenSSL; ${depth} 0 is the leaf. */
static const char *
why_not(int error, int depth)
{
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return (depth == 0 ? "the certificate has expired" :
            "the certificate's CA has expired");
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return (depth == 0 ? "the certificate is not valid yet" :
            "the certificate's CA is not valid yet");
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return ("the certificate is from no CA of ours");
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return ("the certificate is not signed by the CA it names");
    case X509_V_ERR_INVALID_PURPOSE:
        return ("the certificate is not for client use");
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        return ("the certificate's chain is too long");
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
        return ("the certificate's key is too weak");
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return ("the certificate's signature is too weak");
    default:
        return (X509_verify_cert_error_string(error));
    }
}

/* Hold ${leaf}, of the verified ${chain}, against the policy. */
static int
judge(X509_STORE_CTX *ctx, const STACK_OF(X509) *chain, X509 *leaf,
    const struct tls_policy *policy, struct tls_peer *peer)
{
    if (check_use(leaf, peer) != E_OK)
        return (refuse(ctx, X509_V_ERR_INVALID_PURPOSE));
    if (read_uri(leaf, policy->trust_domain, peer) != E_OK ||
        check_serial(peer) != E_OK || read_end(leaf, peer) != E_OK)
        return (refuse(ctx, X509_V_ERR_CERT_REJECTED));
    if (check_issuer(chain, policy, peer) != E_OK)
        return (refuse(ctx, X509_V_ERR_CERT_UNTRUSTED));
    if (check_revocation(leaf, chain, policy, peer) != E_OK)
        return (refuse(ctx, X509_V_ERR_CERT_REVOKED));
    return (1);
}

int
tls_peer_verify(X509_STORE_CTX *ctx, void *arg)
{
    const struct tls_policy *policy = arg;
    const SSL *ssl = X509_STORE_CTX_get_ex_data(ctx,
        SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_peer *peer = ssl == NULL ? NULL : tls_peer_of(ssl);
    const STACK_OF(X509) *chain;
    X509 *leaf = X509_STORE_CTX_get0_cert(ctx);

    if (peer == NULL || leaf == NULL)
        return (refuse(ctx, X509_V_ERR_UNSPECIFIED));
    peer->accepted = peer->resumed = 0;
    peer->why = NULL;
    note_certificate(leaf, peer);
    if (X509_verify_cert(ctx) != 1) {
        peer->why = why_not(X509_STORE_CTX_get_error(ctx),
            X509_STORE_CTX_get_error_depth(ctx));
        return (0);
    }
    if ((chain = X509_STORE_CTX_get0_chain(ctx)) == NULL)
        return (refuse(ctx, X509_V_ERR_UNSPECIFIED));
    peer->accepted = judge(ctx, chain, leaf, policy, peer);
    return (peer->accepted);
}

int
tls_peer_speaks_h2(const SSL *ssl)
{
    const unsigned char *name;
    unsigned n;

    SSL_get0_alpn_selected(ssl, &name, &n);
    return (n > 0);
}

/*
 * The certificate is looked at before the peer has shown that it holds the
 * key: until the handshake is over nobody has been authenticated.  One in a
 * ticket counts only if the ticket was used in the end.
 */
enum err
tls_peer(const SSL *ssl, struct identity *identity)
{
    const struct tls_peer *peer = tls_peer_of(ssl);

    if (peer == NULL || !peer->accepted || !SSL_is_init_finished(ssl) ||
        SSL_session_reused(ssl) != peer->resumed || !tls_peer_speaks_h2(ssl))
        return (E_DENIED);
    *identity = peer->identity;
    return (E_OK);
}

enum err
tls_peer_marks(const SSL *ssl, struct revocation_marks *marks)
{
    const struct tls_peer *peer = tls_peer_of(ssl);

    if (peer == NULL || !peer->accepted || !SSL_is_init_finished(ssl))
        return (E_DENIED);
    *marks = peer->marks;
    return (E_OK);
}
