/*
 * Our own certificate: which kinds of keys it may have, and two at once.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cmocka.h>

#include "support/tls_client.h"
#include "tls/tls.h"

#define DAY (24L * 60 * 60)
#define RSA_ONLY "RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512"
#define ECDSA_ONLY "ECDSA+SHA256:ECDSA+SHA384"

struct fixture {
    char dir[64];
    struct tls_files files;
    char path[4][96];       /* certificate and key, twice */
    struct tls_options options;     /* with both */
};

static int
setup(void **state)
{
    static struct fixture f;

    tls_client_pki(f.dir, sizeof(f.dir));
    tls_client_files(f.dir, &f.files);
    for (int i = 0; i < 4; i++)
        (void)snprintf(f.path[i], sizeof(f.path[i]), "%s/own%d", f.dir, i);
    f.options = f.files.options;
    f.options.certificate = f.path[0];
    f.options.key = f.path[1];
    f.options.second_certificate = f.path[2];
    f.options.second_key = f.path[3];
    *state = &f;
    return (0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    tls_client_remove(f->dir);
    return (0);
}

/* Certificate and key of pair ${i}, 0 or 1; ${key} is freed. */
static void
write_pair(struct fixture *f, int i, EVP_PKEY *key)
{
    const struct tls_leaf leaf = {"root", {NULL}, 0, "localhost",
        "serverAuth", "critical,CA:FALSE", -DAY, (20 + i) * DAY};
    X509 *x;
    FILE *file;

    assert_non_null(key);
    x = tls_client_leaf(f->dir, &leaf, key);
    assert_non_null(file = fopen(f->path[2 * i], "we"));
    assert_int_equal(PEM_write_X509(file, x), 1);
    assert_int_equal(fclose(file), 0);
    assert_non_null(file = fopen(f->path[2 * i + 1], "we"));
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL,
        NULL), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(x);
    EVP_PKEY_free(key);
}

static struct tls_options
only_first(const struct fixture *f)
{
    struct tls_options o = f->options;

    o.second_certificate = NULL;
    o.second_key = "";
    return (o);
}

static void
refused(const struct tls_options *o, enum err expected, const char *path,
    const char *what)
{
    struct tls_server *tls;
    char why[256] = "";

    assert_int_equal(tls_server_create(o, &tls, why, sizeof(why)), expected);
    assert_null(tls);
    if (strstr(why, path) == NULL || strstr(why, what) == NULL)
        fail_msg("\"%s\" does not say \"%s: %s\"", why, path, what);
    assert_true(ERR_peek_error() == 0);
}

/*
 * The type of the key that an employer is shown who takes ${signatures} only;
 * EVP_PKEY_NONE: there is no handshake.
 */
static int
shown(struct fixture *f, struct tls_server *tls, const char *signatures)
{
    SSL_CTX *ctx = tls_client_ctx(f->dir, "employer");
    SSL *server = NULL, *client = SSL_new(ctx);
    struct identity identity;
    int fds[2], type = EVP_PKEY_NONE;

    assert_non_null(client);
    assert_int_equal(SSL_set1_sigalgs_list(client, signatures), 1);
    /* What it takes of the server; itself it signs with ECDSA. */
    assert_int_equal(SSL_set1_client_sigalgs_list(client, ECDSA_ONLY), 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
        0);
    assert_int_equal(SSL_set_fd(client, fds[0]), 1);
    SSL_set_connect_state(client);
    assert_int_equal(tls_server_accept(tls, fds[1], &server), E_OK);
    for (int i = 0; i < 10; i++) {
        ERR_clear_error();
        (void)SSL_do_handshake(client);
        ERR_clear_error();
        (void)SSL_do_handshake(server);
    }
    if (tls_peer(server, &identity) == E_OK)
        type = EVP_PKEY_get_base_id(X509_get0_pubkey(
            SSL_get0_peer_certificate(client)));
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(ctx);
    (void)close(fds[0]);
    (void)close(fds[1]);
    ERR_clear_error();
    return (type);
}

static struct tls_server *
serve(const struct tls_options *o)
{
    struct tls_server *tls;
    char why[256] = "";

    if (tls_server_create(o, &tls, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
    return (tls);
}

static void
rsa_and_ecdsa_serve(void **state)
{
    struct fixture *f = *state;
    struct tls_options o = only_first(f);
    const struct {
        EVP_PKEY *key;
        int type;
    } rows[] = {
        {EVP_RSA_gen(2048), EVP_PKEY_RSA},
        {EVP_RSA_gen(3072), EVP_PKEY_RSA},
        {EVP_EC_gen("P-256"), EVP_PKEY_EC},
        {EVP_EC_gen("P-384"), EVP_PKEY_EC},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_server *tls;

        write_pair(f, 0, rows[i].key);
        tls = serve(&o);
        assert_int_equal(shown(f, tls, RSA_ONLY ":" ECDSA_ONLY),
            rows[i].type);
        assert_int_equal(shown(f, tls, rows[i].type == EVP_PKEY_RSA ?
            ECDSA_ONLY : RSA_ONLY), EVP_PKEY_NONE);
        tls_server_free(tls);
    }
}

static void
weak_and_odd_keys_are_refused(void **state)
{
    struct fixture *f = *state;
    struct tls_options o = only_first(f);
    EVP_PKEY *const keys[] = {EVP_RSA_gen(1024), EVP_RSA_gen(2040),
        EVP_EC_gen("P-224"), EVP_EC_gen("P-521"), EVP_EC_gen("secp256k1"),
        EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (i < 5)
            write_pair(f, 0, keys[i]);
        else
            EVP_PKEY_free(keys[i]);
        refused(&o, E_CRYPTO, f->path[0],
            "must be RSA of 2048 bits or more, or ECDSA on P-256 or P-384");
    }
}

static void
two_kinds_at_once(void **state)
{
    struct fixture *f = *state;
    struct tls_server *tls;
    struct tls_end ends[TLS_ENDS];
    struct tls_own own;
    size_t n;

    for (int first = 0; first < 2; first++) {
        write_pair(f, first, EVP_RSA_gen(2048));
        write_pair(f, !first, EVP_EC_gen("P-256"));
        tls = serve(&f->options);
        assert_int_equal(shown(f, tls, RSA_ONLY), EVP_PKEY_RSA);
        assert_int_equal(shown(f, tls, ECDSA_ONLY), EVP_PKEY_EC);
        assert_int_equal(shown(f, tls, ECDSA_ONLY ":" RSA_ONLY), EVP_PKEY_EC);

        /* Of the first is told, and the ends of all. */
        tls_server_own(tls, &own);
        n = tls_server_ends(tls, ends);
        assert_int_equal(n, TLS_ENDS);
        assert_string_equal(ends[0].file, f->path[0]);
        assert_string_equal(ends[1].file, f->path[2]);
        assert_true(own.not_after_us == ends[0].at_us);
        assert_true(ends[1].at_us - ends[0].at_us >=
            (DAY - 2) * INT64_C(1000000));
        assert_string_equal(ends[2].file, f->options.root);
        tls_server_free(tls);
    }
}

/* Append to the file of pair ${i} an issuer that ends in ${days} days. */
static void
write_issuer(struct fixture *f, int i, long days)
{
    const struct tls_leaf ca = {"root", {NULL}, 0, "an issuer", NULL,
        "critical,CA:TRUE", -DAY, days * DAY};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = tls_client_leaf(f->dir, &ca, key);
    FILE *file = fopen(f->path[2 * i], "ae");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, x), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void
a_file_ends_with_the_first_of_its_certificates(void **state)
{
    struct fixture *f = *state;
    struct tls_server *tls;
    struct tls_end ends[TLS_ENDS];
    struct tls_own own;

    write_pair(f, 0, EVP_EC_gen("P-256"));      /* 20 days */
    write_issuer(f, 0, 30);
    write_pair(f, 1, EVP_RSA_gen(2048));        /* 21 days */
    write_issuer(f, 1, 30);
    write_issuer(f, 1, 5);
    write_issuer(f, 1, 10);
    tls = serve(&f->options);
    tls_server_own(tls, &own);
    assert_int_equal(tls_server_ends(tls, ends), TLS_ENDS);
    assert_true(ends[0].at_us == own.not_after_us);
    assert_true(ends[0].at_us - ends[1].at_us >
        (15 * DAY - 60) * INT64_C(1000000));
    tls_server_free(tls);
}

static void
a_second_that_is_no_good_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tls_options o = f->options;

    write_pair(f, 0, EVP_EC_gen("P-256"));
    write_pair(f, 1, EVP_EC_gen("P-384"));
    refused(&o, E_CRYPTO, f->path[2], "RSA beside ECDSA");
    write_pair(f, 1, EVP_RSA_gen(1024));
    refused(&o, E_CRYPTO, f->path[2], "2048 bits");
    write_pair(f, 1, EVP_RSA_gen(2048));
    o.second_key = o.key;
    refused(&o, E_CRYPTO, f->path[1], "does not belong");
    o.second_key = NULL;
    refused(&o, E_IO, "tls", "not named");
    o = f->options;
    o.second_certificate = "";
    refused(&o, E_IO, "", "");
    o = f->options;
    assert_int_equal(chmod(o.second_key, 0644), 0);
    refused(&o, E_DENIED, o.second_key, "chmod 600");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rsa_and_ecdsa_serve),
        cmocka_unit_test(weak_and_odd_keys_are_refused),
        cmocka_unit_test(two_kinds_at_once),
        cmocka_unit_test(a_file_ends_with_the_first_of_its_certificates),
        cmocka_unit_test(a_second_that_is_no_good_is_refused),
    };

    return (cmocka_run_group_tests_name("tls_own", tests, setup, teardown));
}
