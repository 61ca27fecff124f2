/*
 * Handshakes over a socket pair, in one thread: both sides take turns until
 * neither has anything to say.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include <cmocka.h>

#include "support/tls_client.h"
#include "tls/tls.h"

#define DOMAIN "spiffe://dev.vouch.invalid/"
#define DAY (24L * 60 * 60)

struct fixture {
    char dir[64];           /* the daemon's certificates and its clients' */
    char other[64];         /* another installation's, of the same names */
    struct tls_server *tls;
};

static int
setup(void **state)
{
    static struct fixture f;
    struct tls_files files;
    char why[256] = "";

    tls_client_pki(f.dir, sizeof(f.dir));
    tls_client_pki(f.other, sizeof(f.other));
    tls_client_files(f.dir, &files);
    assert_int_equal(tls_server_create(&files.options, &f.tls, why,
        sizeof(why)), E_OK);
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
    char shown[256];
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

/* What only the handshake needed goes, and all else works on. */
static void
settle(SSL *server, SSL *client)
{
    struct identity identity;
    char byte = 0;
    size_t n;

    tls_settle(server);
    tls_settle(server);
    assert_int_equal(sk_X509_num(SSL_get_peer_cert_chain(server)), 0);
    assert_int_equal(tls_peer(server, &identity), E_DENIED);
    assert_int_equal(SSL_write_ex(server, "1", 1, &n), 1);
    assert_int_equal(SSL_read_ex(client, &byte, 1, &n), 1);
    assert_int_equal(byte, '1');

    /* New keys, as either side may want them at any time. */
    assert_int_equal(SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(SSL_write_ex(client, "2", 1, &n), 1);
    assert_int_equal(SSL_read_ex(server, &byte, 1, &n), 1);
    assert_int_equal(byte, '2');
    assert_int_equal(SSL_write_ex(server, "3", 1, &n), 1);
    assert_int_equal(SSL_read_ex(client, &byte, 1, &n), 1);
    assert_int_equal(byte, '3');
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
        tls_shown(server, r->shown, sizeof(r->shown));
        assert_true(ERR_peek_error() == 0);
    }
    if (s < 0 || c < 0)
        read_alert(client, r);
    if (s == 1 && c == 1) {
        r->accepted = tls_peer(server, &r->identity) == E_OK;
        settle(server, client);
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

/* ---- who gets in ------------------------------------------------------ */

static void
a_certificate_of_each_role_is_who_it_says(void **state)
{
    static const struct {
        const char *who;
        const char *uri;
        const char *id;
        enum role role;
    } roles[] = {
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

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        struct result r = handshake_as(f, f->dir, roles[i].who);

        assert_true(r.accepted);
        assert_int_equal(r.identity.role, roles[i].role);
        assert_string_equal(r.identity.uri, roles[i].uri);
        assert_string_equal(r.identity.id, roles[i].id);
        assert_true(r.resumable);
    }
}

static void
serial_and_end_are_the_certificates(void **state)
{
    struct fixture *f = *state;
    struct result r = handshake_as(f, f->dir, "employer");
    X509 *x = tls_client_load(f->dir, "employer.pem");
    char *hex;
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
    assert_string_equal(r.why, "no certificate was shown");
    assert_string_equal(r.shown, "");
}

static void
another_installations_certificate_is_refused(void **state)
{
    struct fixture *f = *state;
    struct result r = handshake_as(f, f->other, "admin");

    assert_false(r.accepted);
    assert_int_equal(r.alert, SSL_AD_UNKNOWN_CA);
    assert_string_equal(r.why, "the certificate is from no CA of ours");
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

struct row {
    const char *name;           /* what the test says of it */
    struct tls_leaf leaf;
    int alert;                  /* 0: it gets in */
    const char *why;
};

#define EMPLOYER DOMAIN "employer/acme"
#define END_USER "critical,CA:FALSE"
#define ORDINARY "clientAuth", END_USER, -DAY, DAY

static const struct row rows[] = {
    {"ordinary",
        {"ca-employer", {EMPLOYER}, 0, NULL, ORDINARY}, 0, ""},
    {"a DNS name beside the URI",
        {"ca-employer", {EMPLOYER}, 0, "a.example", ORDINARY}, 0, ""},
    {"a role of another CA",
        {"ca-employer", {DOMAIN "admin/root"}, 0, NULL, ORDINARY},
        SSL_AD_BAD_CERTIFICATE, "the certificate is not from its role's CA"},
    {"issued by the root itself",
        {"root", {EMPLOYER}, 0, NULL, ORDINARY},
        SSL_AD_BAD_CERTIFICATE, "the certificate is not from its role's CA"},
    {"two URIs",
        {"ca-employer", {EMPLOYER, DOMAIN "employer/b"}, 0, NULL, ORDINARY},
        SSL_AD_BAD_CERTIFICATE, "the certificate has more than one URI"},
    {"no URI",
        {"ca-employer", {NULL}, 0, "a.example", ORDINARY},
        SSL_AD_BAD_CERTIFICATE, "the certificate has no URI"},
    {"no names",
        {"ca-employer", {NULL}, 0, NULL, ORDINARY},
        SSL_AD_BAD_CERTIFICATE, "the certificate has no URI"},
    {"another trust domain",
        {"ca-employer", {"spiffe://vouch.invalid/employer/acme"}, 0, NULL,
        ORDINARY},
        SSL_AD_BAD_CERTIFICATE, "the URI lies in another trust domain"},
    {"an escape in the URI",
        {"ca-employer", {DOMAIN "employer/%61cme"}, 0, NULL, ORDINARY},
        SSL_AD_BAD_CERTIFICATE, "the URI has an escape in it"},
    {"a query in the URI",
        {"ca-employer", {EMPLOYER "?a=b"}, 0, NULL, ORDINARY},
        SSL_AD_BAD_CERTIFICATE, "the URI has a query"},
    {"no role of ours",
        {"ca-employer", {DOMAIN "vendor/acme"}, 0, NULL, ORDINARY},
        SSL_AD_BAD_CERTIFICATE,
        "the URI names no role: employer, association, auditor or admin"},
    {"a NUL in the URI",
        {"ca-employer", {EMPLOYER "\0x"}, sizeof(EMPLOYER) + 1, NULL,
        ORDINARY},
        SSL_AD_BAD_CERTIFICATE,
        "the URI's id is not 1 to 63 of a-z, 0-9 and hyphen"},
    {"expired",
        {"ca-employer", {EMPLOYER}, 0, NULL, "clientAuth", END_USER,
        -2 * DAY, -DAY},
        SSL_AD_CERTIFICATE_EXPIRED, "the certificate has expired"},
    {"not yet valid",
        {"ca-employer", {EMPLOYER}, 0, NULL, "clientAuth", END_USER,
        DAY, 2 * DAY},
        SSL_AD_BAD_CERTIFICATE, "the certificate is not valid yet"},
    {"no extended key usage",
        {"ca-employer", {EMPLOYER}, 0, NULL, NULL, END_USER, -DAY, DAY},
        SSL_AD_UNSUPPORTED_CERTIFICATE,
        "the certificate is not for client use"},
    {"for servers",
        {"ca-employer", {EMPLOYER}, 0, NULL, "serverAuth", END_USER,
        -DAY, DAY},
        SSL_AD_UNSUPPORTED_CERTIFICATE,
        "the certificate is not for client use"},
    {"a CA's",
        {"ca-employer", {EMPLOYER}, 0, NULL, "clientAuth",
        "critical,CA:TRUE", -DAY, DAY},
        SSL_AD_UNSUPPORTED_CERTIFICATE, "the certificate is a CA's"},
};

static SSL_CTX *
ctx_of_leaf(const struct fixture *f, const struct tls_leaf *leaf)
{
    SSL_CTX *ctx = tls_client_ctx(f->dir, NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    char name[64];
    X509 *x, *ca;

    assert_non_null(key);
    x = tls_client_leaf(f->dir, leaf, key);
    (void)snprintf(name, sizeof(name), "%s.pem", leaf->ca);
    ca = tls_client_load(f->dir, name);
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

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        SSL_CTX *ctx = ctx_of_leaf(f, &row->leaf);
        struct result r = handshake(f, ctx);

        SSL_CTX_free(ctx);
        if (r.accepted != (row->alert == 0) || r.alert != row->alert)
            fail_msg("%s: accepted %d, alert %d, \"%s\"", row->name,
                r.accepted, r.alert, r.why);
        assert_string_equal(r.why, row->why);
        if (r.accepted) {
            assert_string_equal(r.identity.uri, EMPLOYER);
            assert_string_equal(r.identity.serial, "1267");
        } else if (strcmp(row->leaf.ca, "root") != 0)
            assert_string_equal(r.shown, " serial=1267 "
                "issuer=\"Vouch development CA: employer\"");
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
    assert_int_equal(r.alert, SSL_AD_HANDSHAKE_FAILURE);
    assert_string_equal(r.why, "the client does not offer h2 by ALPN");
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

/* A stranger's chain is not to fill our memory. */
static void
a_chain_that_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *ctx = tls_client_ctx(f->dir, "employer");
    X509 *root = tls_client_load(f->dir, "root.pem");
    struct result r;

    for (int i = 0; i < 60; i++)
        assert_int_equal(SSL_CTX_add1_chain_cert(ctx, root), 1);
    r = handshake(f, ctx);
    assert_false(r.accepted);
    assert_int_equal(r.alert, SSL_AD_ILLEGAL_PARAMETER);
    assert_string_equal(r.why, "excessive message size");
    X509_free(root);
    SSL_CTX_free(ctx);
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
        cmocka_unit_test(a_chain_that_is_too_long_is_refused),
        cmocka_unit_test(what_is_not_tls_is_refused),
    };

    return (cmocka_run_group_tests_name("tls", tests, setup, teardown));
}
