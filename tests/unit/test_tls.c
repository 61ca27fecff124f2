/*
 * Handshakes over a socket pair, in one thread: both sides take turns until
 * neither has anything to say.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

#include "support/fault.h"
#include "support/tls_client.h"
#include "tls/tls.h"

#define DOMAIN "spiffe://dev.vouch.invalid/"
#define DAY (24L * 60 * 60)

struct fixture {
    char dir[64];           /* the daemon's certificates and its clients' */
    char other[64];         /* another installation's, of the same names */
    char paths[7][96];
    struct tls_options options;
    struct tls_server *tls;
};

static const char *
path_of(const struct fixture *f, const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%s", f->dir, name);
    return (path);
}

static void
set_options(struct fixture *f)
{
    static const char *const names[7] = {"server.pem", "server.key",
        "root.pem", "ca-employer.pem", "ca-association.pem",
        "ca-auditor.pem", "ca-admin.pem"};

    for (size_t i = 0; i < 7; i++)
        (void)path_of(f, names[i], f->paths[i], sizeof(f->paths[i]));
    f->options = (struct tls_options){
        .certificate = f->paths[0],
        .key = f->paths[1],
        .root = f->paths[2],
        .role_ca = {
            [ROLE_EMPLOYER] = f->paths[3],
            [ROLE_ASSOCIATION] = f->paths[4],
            [ROLE_AUDITOR] = f->paths[5],
            [ROLE_ADMIN] = f->paths[6],
        },
        .trust_domain = "dev.vouch.invalid",
    };
}

static int
setup(void **state)
{
    static struct fixture f;
    char why[256] = "";

    tls_client_pki(f.dir, sizeof(f.dir));
    tls_client_pki(f.other, sizeof(f.other));
    set_options(&f);
    assert_int_equal(tls_server_create(&f.options, &f.tls, why, sizeof(why)),
        E_OK);
    *state = &f;
    return (0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    tls_server_free(f->tls);
    tls_client_remove(f->dir);
    tls_client_remove(f->other);
    return (0);
}

/* ---- one handshake ---------------------------------------------------- */

struct result {
    int accepted;
    struct identity identity;
    int alert;              /* that the client got; 0: none */
    int resumable;
    char why[256];
};

/* One turn of one side: 1 finished, 0 wants more, -1 failed. */
static int
turn(SSL *ssl)
{
    int rc = SSL_do_handshake(ssl);

    if (rc == 1)
        return (1);
    return (SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ ? 0 : -1);
}

/* TLS 1.3 tells the client only after its own handshake is over. */
static void
read_alert(SSL *client, struct result *r)
{
    char byte;
    size_t n;

    if (ERR_peek_error() == 0)
        (void)SSL_read_ex(client, &byte, 1, &n);
    for (unsigned long e = ERR_get_error(); e != 0; e = ERR_get_error())
        if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
            ERR_GET_REASON(e) > SSL_AD_REASON_OFFSET)
            r->alert = ERR_GET_REASON(e) - SSL_AD_REASON_OFFSET;
}

static void
shake(SSL *server, SSL *client, struct result *r)
{
    int s = 0, c = 0;

    for (int i = 0; i < 20 && (s == 0 || c == 0); i++) {
        ERR_clear_error();
        if (c == 0 && (c = turn(client)) < 0)
            break;
        ERR_clear_error();
        if (s == 0 && (s = turn(server)) < 0)
            break;
    }
    if (s < 0) {
        tls_failure(server, r->why, sizeof(r->why));
        assert_true(ERR_peek_error() == 0);
    }
    if (s < 0 || c < 0)
        read_alert(client, r);
    if (s == 1 && c == 1) {
        r->accepted = tls_peer(server, &r->identity) == E_OK;
        r->resumable = SSL_SESSION_is_resumable(SSL_get_session(client));
    } else
        assert_int_equal(tls_peer(server, &r->identity), E_DENIED);
}

static struct result
handshake(struct fixture *f, SSL_CTX *ctx)
{
    struct result r = {0};
    SSL *server = NULL, *client = SSL_new(ctx);
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
        0);
    assert_non_null(client);
    assert_int_equal(SSL_set_fd(client, fds[0]), 1);
    SSL_set_connect_state(client);
    assert_int_equal(tls_server_accept(f->tls, fds[1], &server), E_OK);
    assert_int_equal(tls_peer(server, &r.identity), E_DENIED);

    shake(server, client, &r);

    SSL_free(server);
    SSL_free(client);
    (void)close(fds[0]);
    (void)close(fds[1]);
    ERR_clear_error();
    return (r);
}

static struct result
handshake_as(struct fixture *f, const char *dir, const char *who)
{
    SSL_CTX *ctx = tls_client_ctx(dir, who);
    struct result r;

    /* The other installation's client is to get as far as being refused. */
    SSL_CTX_set_verify(ctx, dir == f->dir ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
        NULL);
    r = handshake(f, ctx);
    SSL_CTX_free(ctx);
    return (r);
}

static X509 *
load(const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *x;

    assert_non_null(file);
    x = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(x);
    return (x);
}

static EVP_PKEY *
load_key(const char *path)
{
    FILE *file = fopen(path, "re");
    EVP_PKEY *key;

    assert_non_null(file);
    key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(key);
    return (key);
}

/* ---- who gets in ------------------------------------------------------ */

static void
a_certificate_of_each_role_is_who_it_says(void **state)
{
    static const struct {
        const char *who;
        const char *uri;
        const char *id;
        enum role role;
    } rows[] = {
        {"employer", DOMAIN "employer/dev-employer", "dev-employer",
            ROLE_EMPLOYER},
        {"association", DOMAIN "association/ascp-boc", "ascp-boc",
            ROLE_ASSOCIATION},
        {"auditor", DOMAIN "auditor/dev-auditor", "dev-auditor",
            ROLE_AUDITOR},
        {"admin", DOMAIN "admin/dev-admin", "dev-admin", ROLE_ADMIN},
        {"admin2", DOMAIN "admin/dev-admin-2", "dev-admin-2", ROLE_ADMIN},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct result r = handshake_as(f, f->dir, rows[i].who);

        assert_true(r.accepted);
        assert_int_equal(r.identity.role, rows[i].role);
        assert_string_equal(r.identity.uri, rows[i].uri);
        assert_string_equal(r.identity.id, rows[i].id);
        assert_false(r.resumable);
    }
}

static void
serial_and_end_are_the_certificates(void **state)
{
    struct fixture *f = *state;
    struct result r = handshake_as(f, f->dir, "employer");
    char path[96], *hex;
    X509 *x = load(path_of(f, "employer.pem", path, sizeof(path)));
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    time_t end = (time_t)(r.identity.not_after_us / 1000000);

    assert_non_null(serial);
    assert_non_null(hex = BN_bn2hex(serial));
    assert_string_equal(r.identity.serial, hex);
    assert_int_equal(ASN1_TIME_cmp_time_t(X509_get0_notAfter(x), end), 0);
    OPENSSL_free(hex);
    BN_free(serial);
    X509_free(x);
}

static void
without_a_certificate_nobody_gets_in(void **state)
{
    struct fixture *f = *state;
    struct result r = handshake_as(f, f->dir, NULL);

    assert_false(r.accepted);
    assert_int_equal(r.alert, SSL_AD_CERTIFICATE_REQUIRED);
    assert_string_not_equal(r.why, "");
}

static void
another_installations_certificate_is_refused(void **state)
{
    struct fixture *f = *state;
    struct result r = handshake_as(f, f->other, "admin");

    assert_false(r.accepted);
    assert_int_equal(r.alert, SSL_AD_UNKNOWN_CA);
    assert_string_not_equal(r.why, "");
}

static void
the_servers_own_certificate_is_no_clients(void **state)
{
    struct fixture *f = *state;
    struct result r = handshake_as(f, f->dir, "server");

    assert_false(r.accepted);
    assert_int_equal(r.alert, SSL_AD_UNSUPPORTED_CERTIFICATE);
}

/* ---- certificates that no script of ours would make ------------------- */

struct leaf {
    const char *name;           /* of the row, and what the test says */
    const char *ca;             /* who signs it */
    const char *uri[2];
    size_t uri_n;               /* length of the first; 0: as the string */
    const char *dns;
    const char *usage;          /* extended key usage; NULL: none */
    const char *basic;
    long from, until;           /* seconds from now */
    int alert;                  /* 0: it gets in */
    const char *why;
};

#define EMPLOYER DOMAIN "employer/acme"
#define ORDINARY "clientAuth", "critical,CA:FALSE", -DAY, DAY

static const struct leaf leaves[] = {
    {"ordinary", "ca-employer", {EMPLOYER}, 0, NULL, ORDINARY, 0, ""},
    {"a DNS name beside the URI", "ca-employer", {EMPLOYER}, 0, "a.example",
        ORDINARY, 0, ""},
    {"a role of another CA", "ca-employer", {DOMAIN "admin/root"}, 0, NULL,
        ORDINARY, SSL_AD_BAD_CERTIFICATE,
        "the certificate is not from its role's CA"},
    {"issued by the root itself", "root", {EMPLOYER}, 0, NULL, ORDINARY,
        SSL_AD_BAD_CERTIFICATE, "the certificate is not from its role's CA"},
    {"two URIs", "ca-employer", {EMPLOYER, DOMAIN "employer/other"}, 0, NULL,
        ORDINARY, SSL_AD_BAD_CERTIFICATE,
        "the certificate has more than one URI"},
    {"no URI", "ca-employer", {NULL}, 0, "a.example", ORDINARY,
        SSL_AD_BAD_CERTIFICATE, "the certificate has no URI"},
    {"no names", "ca-employer", {NULL}, 0, NULL, ORDINARY,
        SSL_AD_BAD_CERTIFICATE, "the certificate has no URI"},
    {"another trust domain", "ca-employer",
        {"spiffe://vouch.invalid/employer/acme"}, 0, NULL, ORDINARY,
        SSL_AD_BAD_CERTIFICATE, "the URI lies in another trust domain"},
    {"a NUL in the URI", "ca-employer", {EMPLOYER "\0x"},
        sizeof(EMPLOYER) + 1, NULL, ORDINARY, SSL_AD_BAD_CERTIFICATE,
        "the URI's id is not 1 to 63 of a-z, 0-9 and hyphen"},
    {"expired", "ca-employer", {EMPLOYER}, 0, NULL, "clientAuth",
        "critical,CA:FALSE", -2 * DAY, -DAY, SSL_AD_CERTIFICATE_EXPIRED,
        "certificate has expired"},
    {"not yet valid", "ca-employer", {EMPLOYER}, 0, NULL, "clientAuth",
        "critical,CA:FALSE", DAY, 2 * DAY, SSL_AD_BAD_CERTIFICATE,
        "certificate is not yet valid"},
    {"no extended key usage", "ca-employer", {EMPLOYER}, 0, NULL, NULL,
        "critical,CA:FALSE", -DAY, DAY, SSL_AD_UNSUPPORTED_CERTIFICATE,
        "the certificate is not for client use"},
    {"for servers", "ca-employer", {EMPLOYER}, 0, NULL, "serverAuth",
        "critical,CA:FALSE", -DAY, DAY, SSL_AD_UNSUPPORTED_CERTIFICATE,
        NULL},
    {"a CA's", "ca-employer", {EMPLOYER}, 0, NULL, "clientAuth",
        "critical,CA:TRUE", -DAY, DAY, SSL_AD_UNSUPPORTED_CERTIFICATE,
        "the certificate is a CA's"},
};

static void
add_name(GENERAL_NAMES *names, int type, const char *text, size_t n)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();

    assert_true(name != NULL && s != NULL);
    assert_int_equal(ASN1_STRING_set(s, text, (int)n), 1);
    GENERAL_NAME_set0_value(name, type, s);
    assert_true(sk_GENERAL_NAME_push(names, name) > 0);
}

static void
add_names(X509 *x, const struct leaf *leaf)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();

    assert_non_null(names);
    for (size_t i = 0; i < 2 && leaf->uri[i] != NULL; i++)
        add_name(names, GEN_URI, leaf->uri[i], i == 0 && leaf->uri_n > 0 ?
            leaf->uri_n : strlen(leaf->uri[i]));
    if (leaf->dns != NULL)
        add_name(names, GEN_DNS, leaf->dns, strlen(leaf->dns));
    if (sk_GENERAL_NAME_num(names) > 0)
        assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0,
            X509V3_ADD_DEFAULT), 1);
    GENERAL_NAMES_free(names);
}

static void
add_text(X509 *x, X509 *issuer, int nid, const char *text)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    if (text == NULL)
        return;
    X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
    assert_non_null(ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, text));
    assert_int_equal(X509_add_ext(x, ext, -1), 1);
    X509_EXTENSION_free(ext);
}

/* Make what ${leaf} says, for ${key}, signed by the CA it names. */
static X509 *
make_leaf(const struct fixture *f, const struct leaf *leaf, EVP_PKEY *key)
{
    char path[96], name[64];
    X509 *x = X509_new(), *ca;
    EVP_PKEY *ca_key;

    (void)snprintf(name, sizeof(name), "%s.pem", leaf->ca);
    ca = load(path_of(f, name, path, sizeof(path)));
    (void)snprintf(name, sizeof(name), "%s.key", leaf->ca);
    ca_key = load_key(path_of(f, name, path, sizeof(path)));
    assert_non_null(x);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 4711), 1);
    assert_int_equal(X509_set_issuer_name(x, X509_get_subject_name(ca)), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), leaf->from));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), leaf->until));
    assert_int_equal(X509_set_pubkey(x, key), 1);
    add_text(x, ca, NID_basic_constraints, leaf->basic);
    add_text(x, ca, NID_authority_key_identifier, "keyid:always");
    add_text(x, ca, NID_ext_key_usage, leaf->usage);
    add_names(x, leaf);
    assert_true(X509_sign(x, ca_key, EVP_sha256()) > 0);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return (x);
}

static SSL_CTX *
ctx_of_leaf(const struct fixture *f, const struct leaf *leaf)
{
    SSL_CTX *ctx = tls_client_ctx(f->dir, NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char path[96], name[64];
    X509 *x, *ca;

    assert_non_null(key);
    x = make_leaf(f, leaf, key);
    (void)snprintf(name, sizeof(name), "%s.pem", leaf->ca);
    ca = load(path_of(f, name, path, sizeof(path)));
    assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    assert_int_equal(SSL_CTX_add0_chain_cert(ctx, ca), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    return (ctx);
}

static void
a_certificate_that_breaks_a_rule_is_refused_for_it(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        const struct leaf *leaf = &leaves[i];
        SSL_CTX *ctx = ctx_of_leaf(f, leaf);
        struct result r = handshake(f, ctx);

        SSL_CTX_free(ctx);
        if (r.accepted != (leaf->alert == 0) || r.alert != leaf->alert)
            fail_msg("%s: accepted %d, alert %d, \"%s\"", leaf->name,
                r.accepted, r.alert, r.why);
        if (leaf->why != NULL)
            assert_string_equal(r.why, leaf->why);
        if (r.accepted) {
            assert_string_equal(r.identity.uri, EMPLOYER);
            assert_string_equal(r.identity.serial, "1267");
        }
    }
}

/* ---- the protocol ----------------------------------------------------- */

static struct result
handshake_with(struct fixture *f, const unsigned char *alpn, unsigned n,
    int version)
{
    SSL_CTX *ctx = tls_client_ctx(f->dir, "employer");
    struct result r;

    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, alpn, n), 0);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version), 1);
    r = handshake(f, ctx);
    SSL_CTX_free(ctx);
    return (r);
}

static void
only_h2_is_spoken(void **state)
{
    static const unsigned char http[] = "\x08http/1.1";
    static const unsigned char both[] = "\x08http/1.1\x02h2";
    static const unsigned char draft[] = "\x05h2-14\x01h";
    struct fixture *f = *state;
    struct result r = handshake_with(f, http, sizeof(http) - 1,
        TLS1_3_VERSION);

    assert_false(r.accepted);
    assert_int_equal(r.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
    r = handshake_with(f, draft, sizeof(draft) - 1, TLS1_3_VERSION);
    assert_false(r.accepted);
    assert_int_equal(r.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
    r = handshake_with(f, NULL, 0, TLS1_3_VERSION);
    assert_false(r.accepted);
    assert_int_equal(r.alert, SSL_AD_NO_APPLICATION_PROTOCOL);
    r = handshake_with(f, both, sizeof(both) - 1, TLS1_3_VERSION);
    assert_true(r.accepted);
}

static void
tls_1_2_is_refused(void **state)
{
    static const unsigned char h2[] = "\x02h2";
    struct fixture *f = *state;
    struct result r = handshake_with(f, h2, sizeof(h2) - 1, TLS1_2_VERSION);

    assert_false(r.accepted);
    assert_int_equal(r.alert, SSL_AD_PROTOCOL_VERSION);
    assert_string_equal(r.why, "unsupported protocol");
}

static void
what_is_not_tls_is_refused(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct fixture *f = *state;
    struct identity identity;
    SSL *server = NULL;
    char why[64] = "";
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
        0);
    assert_int_equal(tls_server_accept(f->tls, fds[1], &server), E_OK);
    assert_int_equal(write(fds[0], text, sizeof(text) - 1),
        (ssize_t)sizeof(text) - 1);
    assert_int_equal(turn(server), -1);
    tls_failure(server, why, sizeof(why));
    assert_string_equal(why, "http request");
    assert_int_equal(tls_peer(server, &identity), E_DENIED);
    SSL_free(server);
    (void)close(fds[0]);
    (void)close(fds[1]);
}

/* ---- our own files ---------------------------------------------------- */

static void
refused(const struct tls_options *o, enum err expected, const char *word)
{
    struct tls_server *tls = (struct tls_server *)1;
    char why[256] = "";

    assert_int_equal(tls_server_create(o, &tls, why, sizeof(why)), expected);
    assert_null(tls);
    if (strstr(why, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, word);
    assert_true(ERR_peek_error() == 0);
}

static void
a_key_that_others_may_read_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(chmod(f->options.key, 0640), 0);
    refused(&f->options, E_DENIED, "server.key");
    assert_int_equal(chmod(f->options.key, 0604), 0);
    refused(&f->options, E_DENIED, "chmod 600");
    assert_int_equal(chmod(f->options.key, 0400), 0);
}

static void
a_file_that_is_missing_or_wrong_is_named(void **state)
{
    struct fixture *f = *state;
    struct tls_options o;
    char path[96];

    o = f->options;
    o.certificate = path_of(f, "nothing.pem", path, sizeof(path));
    refused(&o, E_IO, "nothing.pem");
    o = f->options;
    o.role_ca[ROLE_ADMIN] = NULL;
    refused(&o, E_IO, "not named");
    o = f->options;
    o.key = path_of(f, "employer.key", path, sizeof(path));
    refused(&o, E_CRYPTO, "does not belong");
    o = f->options;
    o.root = o.key;
    refused(&o, E_CRYPTO, "holds no PEM certificate");
    o = f->options;
    o.key = path_of(f, "server.pem", path, sizeof(path));
    refused(&o, E_CRYPTO, "holds no PEM private key");
    o = f->options;
    o.root = o.certificate;
    refused(&o, E_CRYPTO, "is not a CA's");
}

static void
a_cas_place_is_checked(void **state)
{
    struct fixture *f = *state;
    struct tls_options o = f->options;
    char path[96];

    o.role_ca[ROLE_ADMIN] = o.role_ca[ROLE_EMPLOYER];
    refused(&o, E_CRYPTO, "another role's CA");
    (void)snprintf(path, sizeof(path), "%s/ca-admin.pem", f->other);
    o.role_ca[ROLE_ADMIN] = path;
    refused(&o, E_CRYPTO, "not issued by the root");
    (void)path_of(f, "admin.pem", path, sizeof(path));
    refused(&o, E_CRYPTO, "is not a CA's");
}

static void
our_own_certificate_must_be_in_date(void **state)
{
    static const struct leaf expired = {"expired", "root", {NULL}, 0,
        "localhost", "serverAuth", "critical,CA:FALSE", -2 * DAY, -DAY, 0, ""};
    static const struct leaf early = {"early", "root", {NULL}, 0,
        "localhost", "serverAuth", "critical,CA:FALSE", DAY, 2 * DAY, 0, ""};
    const struct leaf *both[] = {&expired, &early};
    const char *words[] = {"has expired", "not valid yet"};
    struct fixture *f = *state;
    struct tls_options o = f->options;
    EVP_PKEY *key = load_key(f->options.key);
    char path[96];

    o.certificate = path_of(f, "old.pem", path, sizeof(path));
    for (size_t i = 0; i < 2; i++) {
        X509 *x = make_leaf(f, both[i], key);
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(PEM_write_X509(file, x), 1);
        assert_int_equal(fclose(file), 0);
        X509_free(x);
        refused(&o, E_CRYPTO, words[i]);
    }
    EVP_PKEY_free(key);
}

static void
a_key_under_a_passphrase_is_refused_without_asking(void **state)
{
    unsigned char word[] = "secret";
    struct fixture *f = *state;
    struct tls_options o = f->options;
    EVP_PKEY *key = load_key(f->options.key);
    char path[96];
    FILE *file;

    o.key = path_of(f, "locked.key", path, sizeof(path));
    assert_non_null(file = fopen(path, "we"));
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), word,
        sizeof(word) - 1, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    EVP_PKEY_free(key);
    refused(&o, E_CRYPTO, "without a passphrase");
}

static void
every_failed_allocation_is_told(void **state)
{
    struct fixture *f = *state;
    struct tls_server *tls = NULL;
    SSL *ssl = NULL;
    char why[256];
    int n;

    for (n = 0; n < 100; n++) {
        enum err err;

        fault_arm(n);
        err = tls_server_create(&f->options, &tls, why, sizeof(why));
        if (err == E_OK && !fault_fired())
            break;
        assert_int_equal(err, E_NOMEM);
        assert_null(tls);
    }
    assert_true(n > 0 && n < 100);
    fault_arm(0);
    assert_int_equal(tls_server_accept(tls, 0, &ssl), E_NOMEM);
    assert_null(ssl);
    fault_arm(-1);
    tls_server_free(tls);
    tls_server_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_of_each_role_is_who_it_says),
        cmocka_unit_test(serial_and_end_are_the_certificates),
        cmocka_unit_test(without_a_certificate_nobody_gets_in),
        cmocka_unit_test(another_installations_certificate_is_refused),
        cmocka_unit_test(the_servers_own_certificate_is_no_clients),
        cmocka_unit_test(a_certificate_that_breaks_a_rule_is_refused_for_it),
        cmocka_unit_test(only_h2_is_spoken),
        cmocka_unit_test(tls_1_2_is_refused),
        cmocka_unit_test(what_is_not_tls_is_refused),
        cmocka_unit_test(a_key_that_others_may_read_is_refused),
        cmocka_unit_test(a_file_that_is_missing_or_wrong_is_named),
        cmocka_unit_test(a_cas_place_is_checked),
        cmocka_unit_test(our_own_certificate_must_be_in_date),
        cmocka_unit_test(a_key_under_a_passphrase_is_refused_without_asking),
        cmocka_unit_test(every_failed_allocation_is_told),
    };

    return (cmocka_run_group_tests_name("tls", tests, setup, teardown));
}
