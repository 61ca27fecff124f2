#include "tls/tls_own.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/x509.h>

#include "tls/tls_trial.h"

/* The least that an RSA key of ours must have. */
enum { RSA_BITS_LEAST = 2048 };

enum err
tls_own_check_dates(const X509 *certificate, const char *path,
    struct tls_why why)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "the certificate has expired"));
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0)
        return (tls_file_refuse(why, E_CRYPTO, path,
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

/* ---- what will end ----------------------------------------------------- */

enum err
tls_own_add_end(struct tls_context_facts *facts, const char *path,
    const X509 *certificate, struct tls_why why)
{
    struct tls_end *end = &facts->end[facts->ends];
    struct tm tm;

    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "its end is not a time"));
    (void)snprintf(end->file, sizeof(end->file), "%s", path);
    end->at_us = (int64_t)timegm(&tm) * 1000000;
    facts->ends++;
    return (E_OK);
}

/* An issuer in the file may end first, and then peers take neither. */
static void
shorten_end(SSL_CTX *ctx, struct tls_end *end)
{
    STACK_OF(X509) *issuers = NULL;
    struct tm tm;

    (void)SSL_CTX_get0_chain_certs(ctx, &issuers);
    for (int i = 0; i < sk_X509_num(issuers); i++)
        if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(issuers, i)),
            &tm) == 1 && (int64_t)timegm(&tm) * 1000000 < end->at_us)
            end->at_us = (int64_t)timegm(&tm) * 1000000;
}

/* ---- our own ----------------------------------------------------------- */

/* Kinds of keys that a certificate of ours may have. */
enum key_kind { KEY_NONE, KEY_ECDSA, KEY_RSA };

static enum key_kind
kind_of(const X509 *certificate)
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    char curve[32] = "";

    if (key == NULL)
        return (KEY_NONE);
    if (EVP_PKEY_is_a(key, "RSA"))
        return (EVP_PKEY_get_bits(key) >= RSA_BITS_LEAST ? KEY_RSA : KEY_NONE);
    if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, curve,
        sizeof(curve), NULL) == 1 && (strcmp(curve, "prime256v1") == 0 ||
        strcmp(curve, "secp384r1") == 0))
        return (KEY_ECDSA);
    return (KEY_NONE);
}

/* ${*kind} is that of the other one on entry, of this one afterwards. */
static enum err
check_kind(const X509 *certificate, const char *path, enum key_kind *kind,
    struct tls_why why)
{
    enum key_kind other = *kind;

    if ((*kind = kind_of(certificate)) == KEY_NONE)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "its key must be RSA of 2048 bits or more, or ECDSA on P-256 or "
            "P-384"));
    if (*kind == other)
        return (tls_file_refuse(why, E_CRYPTO, path,
            "the second certificate must be RSA beside ECDSA, or ECDSA "
            "beside RSA"));
    return (E_OK);
}

static enum err
use_chain(SSL_CTX *ctx, const char *path, enum key_kind *kind,
    const X509 **own, struct tls_why why)
{
    X509 *first = NULL;
    enum err err;

    /*
     * Once for what may be wrong with it, and once with its issuers: between
     * the two the file may have become another, so only the latter counts.
     */
    if ((err = tls_file_certificate(path, &first, why)) != E_OK ||
        (err = check_kind(first, path, kind, why)) != E_OK)
        goto out;
    if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1 ||
        (*own = SSL_CTX_get0_certificate(ctx)) == NULL ||
        kind_of(*own) != *kind) {
        err = tls_file_refuse(why, E_CRYPTO, path,
            "not usable as our certificate and its issuers");
        goto out;
    }
    err = tls_own_check_dates(*own, path, why);

out:
    X509_free(first);
    return (err);
}

/* ${*kind}: as check_kind(). */
static enum err
use_pair(SSL_CTX *ctx, const char *path, const char *key_path,
    enum key_kind *kind, struct tls_context_facts *facts, struct tls_why why)
{
    const X509 *own = NULL;
    EVP_PKEY *key = NULL;
    enum err err;

    if ((err = use_chain(ctx, path, kind, &own, why)) != E_OK ||
        (err = tls_file_key(key_path, &key, why)) != E_OK)
        goto out;
    /* OpenSSL would take it for the other certificate, if it is that one's. */
    if (X509_check_private_key(own, key) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1) {
        err = tls_file_refuse(why, E_CRYPTO, key_path,
            "does not belong to the certificate");
        goto out;
    }
    if (facts->ends == 0 && (err = describe(own, &facts->own)) != E_OK) {
        err = tls_file_refuse(why, err, path, "its end is not a time");
        goto out;
    }
    if ((err = tls_own_add_end(facts, path, own, why)) == E_OK)
        shorten_end(ctx, &facts->end[facts->ends - 1]);

out:
    EVP_PKEY_free(key);
    return (err);
}

static int
has_second(const struct tls_options *o)
{
    return ((o->second_certificate != NULL &&
        o->second_certificate[0] != '\0') ||
        (o->second_key != NULL && o->second_key[0] != '\0'));
}

enum err
tls_own_use(SSL_CTX *ctx, const struct tls_options *o,
    struct tls_context_facts *facts, struct tls_why why)
{
    enum key_kind kind = KEY_NONE;
    enum err err;

    if ((err = use_pair(ctx, o->certificate, o->key, &kind, facts, why)) !=
        E_OK || !has_second(o))
        return (err);
    return (use_pair(ctx, o->second_certificate, o->second_key, &kind, facts,
        why));
}

/* One that cannot be shown would be found by the first peer that wants it. */
enum err
tls_own_try(SSL_CTX *ctx, const struct tls_options *o, struct tls_why why)
{
    long more = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_FIRST);
    enum err err;

    for (; more == 1;
        more = SSL_CTX_set_current_cert(ctx, SSL_CERT_SET_NEXT))
        if ((err = tls_trial(ctx, kind_of(SSL_CTX_get0_certificate(ctx)) ==
            KEY_RSA ? "RSA-PSS+SHA256" : "ECDSA+SHA256:ECDSA+SHA384")) !=
            E_OK)
            return (tls_file_refuse(why, err, o->certificate,
                "no handshake succeeds with it"));
    return (E_OK);
}
