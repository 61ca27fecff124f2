/*
 * From a certificate to an identity.  A byte says who signs, the rest is a
 * certificate in DER: it is signed again, because libFuzzer finds no
 * signatures, and held against the rules of the handshake.  Whoever is taken
 * must be what a second reading of the certificate says.
 */

#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "fuzz.h"
#include "tls/tls.h"
#include "tls/tls_peer.h"

#define DOMAIN "dev.vouch.invalid"
#define NOW ((time_t)1795348800)            /* 2026-11-22T12:00:00Z */
#define SIGNERS (ROLE_COUNT + 1)
#define ROOT ROLE_COUNT

static X509 *ca[SIGNERS];
static EVP_PKEY *keys[SIGNERS];
static X509_STORE *store;
static SSL *ssl;
static struct tls_policy policy;

static void
add_extension(X509 *x, int nid, const char *text)
{
    X509V3_CTX ctx;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, text);
    FUZZ_CHECK(extension != NULL);
    FUZZ_CHECK(X509_add_ext(x, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

static void
sign(X509 *x, int signer)
{
    FUZZ_CHECK(X509_set_issuer_name(x,
        X509_get_subject_name(ca[signer])) == 1);
    FUZZ_CHECK(X509_sign(x, keys[signer], EVP_sha256()) > 0);
}

static void
make_ca(int i, const char *name)
{
    static const char *const basic[] = {"critical,CA:true,pathlen:0",
        "critical,CA:true,pathlen:1"};
    X509 *x = X509_new();

    FUZZ_CHECK(x != NULL);
    FUZZ_CHECK((keys[i] = EVP_EC_gen("P-256")) != NULL);
    ca[i] = x;
    FUZZ_CHECK(X509_set_version(x, X509_VERSION_3) == 1);
    FUZZ_CHECK(ASN1_INTEGER_set(X509_get_serialNumber(x), i + 1) == 1);
    FUZZ_CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
        MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0) == 1);
    FUZZ_CHECK(ASN1_TIME_set(X509_getm_notBefore(x), NOW - 86400) != NULL);
    FUZZ_CHECK(ASN1_TIME_set(X509_getm_notAfter(x), NOW + 86400) != NULL);
    FUZZ_CHECK(X509_set_pubkey(x, keys[i]) == 1);
    add_extension(x, NID_basic_constraints, basic[i == ROOT]);
    add_extension(x, NID_key_usage, "critical,keyCertSign,cRLSign");
}

/* As tls_server_create() sets it up. */
static void
make_server(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    FUZZ_CHECK(ctx != NULL && (store = X509_STORE_new()) != NULL);
    for (int i = 0; i < SIGNERS; i++)
        FUZZ_CHECK(X509_STORE_add_cert(store, ca[i]) == 1);
    for (int i = 0; i < ROLE_COUNT; i++)
        policy.role_ca[i] = ca[i];
    policy.trust_domain = DOMAIN;
    FUZZ_CHECK((ssl = SSL_new(ctx)) != NULL);
    FUZZ_CHECK(tls_peer_attach(ssl) == E_OK);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    make_ca(ROOT, "root");
    sign(ca[ROOT], ROOT);
    for (int i = 0; i < ROLE_COUNT; i++) {
        make_ca(i, identity_role_name((enum role)i));
        sign(ca[i], ROOT);
    }
    make_server();
    return (0);
}

static int
verify(X509 *leaf)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    int accepted;

    FUZZ_CHECK(ctx != NULL);
    FUZZ_CHECK(X509_STORE_CTX_init(ctx, store, leaf, NULL) == 1);
    FUZZ_CHECK(X509_STORE_CTX_set_default(ctx, "ssl_client") == 1);
    FUZZ_CHECK(X509_STORE_CTX_set_ex_data(ctx,
        SSL_get_ex_data_X509_STORE_CTX_idx(), ssl) == 1);
    param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, NOW);
    X509_VERIFY_PARAM_set_depth(param, 1);
    accepted = tls_peer_verify(ctx, &policy);
    FUZZ_CHECK(accepted || X509_STORE_CTX_get_error(ctx) != X509_V_OK);
    X509_STORE_CTX_free(ctx);
    return (accepted);
}

/* ---- the second reading ------------------------------------------------ */

static void
check_uri(X509 *leaf, const struct identity *identity)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL,
        NULL);
    int uris = 0;

    FUZZ_CHECK(names != NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type;
        const ASN1_STRING *s = GENERAL_NAME_get0_value(
            sk_GENERAL_NAME_value(names, i), &type);

        if (type != GEN_URI)
            continue;
        uris++;
        FUZZ_CHECK((size_t)ASN1_STRING_length(s) == strlen(identity->uri));
        FUZZ_CHECK(memcmp(ASN1_STRING_get0_data(s), identity->uri,
            strlen(identity->uri)) == 0);
    }
    FUZZ_CHECK(uris == 1);
    GENERAL_NAMES_free(names);
}

static void
check_accepted(X509 *leaf, int signer, const struct identity *identity)
{
    static const char prefix[] = "spiffe://" DOMAIN "/";
    const char *role = identity_role_name(identity->role);
    const char *rest = identity->uri + sizeof(prefix) - 1;
    BIGNUM *number, *noted = NULL;

    FUZZ_CHECK((int)identity->role == signer);
    FUZZ_CHECK(strncmp(identity->uri, prefix, sizeof(prefix) - 1) == 0);
    FUZZ_CHECK(strncmp(rest, role, strlen(role)) == 0);
    FUZZ_CHECK(rest[strlen(role)] == '/');
    FUZZ_CHECK(strcmp(rest + strlen(role) + 1, identity->id) == 0);
    check_uri(leaf, identity);

    number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(leaf), NULL);
    FUZZ_CHECK(number != NULL);
    FUZZ_CHECK(BN_hex2bn(&noted, identity->serial) > 0);
    FUZZ_CHECK(BN_cmp(number, noted) == 0);
    BN_free(number);
    BN_free(noted);
    FUZZ_CHECK(identity->not_after_us >= (int64_t)NOW * 1000000);
    FUZZ_CHECK(X509_check_ca(leaf) == 0);
    FUZZ_CHECK((X509_get_extended_key_usage(leaf) & XKU_SSL_CLIENT) != 0);
}

/* The issuer's name is the peer's invention, and a pair of the log's. */
static void
check_shown(void)
{
    static const char issuer[] = " issuer=\"";
    const char *p;
    char text[200];

    tls_shown(ssl, text, sizeof(text));
    FUZZ_CHECK(strncmp(text, " serial=", 8) == 0);
    FUZZ_CHECK((p = strstr(text, issuer)) != NULL);
    p += sizeof(issuer) - 1;
    p += strcspn(p, "\"\\=\n");
    FUZZ_CHECK(strcmp(p, "\"") == 0);
    for (p = text; *p != '\0'; p++)
        FUZZ_CHECK(*p >= ' ' && *p <= '~');
}

static void
check_peer(X509 *leaf, int signer)
{
    struct tls_peer *peer = tls_peer_of(ssl);
    struct identity identity;
    char text[200];
    int accepted = verify(leaf);

    FUZZ_CHECK(peer->accepted == accepted);
    FUZZ_CHECK(!accepted || peer->why == NULL);
    /* There was no handshake: nobody is authenticated. */
    FUZZ_CHECK(tls_peer(ssl, &identity) == E_DENIED);
    if (accepted)
        check_accepted(leaf, signer, &peer->identity);
    tls_failure(ssl, text, sizeof(text));
    FUZZ_CHECK(fuzz_is_text(text, sizeof(text)) && text[0] != '\0');
    check_shown();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size};
    int signer = fuzz_byte(&in) % (SIGNERS + 1);
    const unsigned char *p = in.p;
    X509 *leaf = d2i_X509(NULL, &p, (long)in.n), *again = NULL;
    unsigned char *der = NULL;
    int n;

    if (leaf == NULL)
        goto out;
    if (signer < SIGNERS) {
        if (X509_set_issuer_name(leaf,
            X509_get_subject_name(ca[signer])) != 1 ||
            X509_sign(leaf, keys[signer], EVP_sha256()) <= 0)
            goto out;
    }
    /* As it would come over the wire. */
    if ((n = i2d_X509(leaf, &der)) <= 0)
        goto out;
    p = der;
    if ((again = d2i_X509(NULL, &p, n)) != NULL)
        check_peer(again, signer);

out:
    X509_free(leaf);
    X509_free(again);
    OPENSSL_free(der);
    ERR_clear_error();
    return (0);
}
