/*
 * What a server is given, and what is wrong with it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cmocka.h>

#include "support/fault.h"
#include "support/tls_client.h"
#include "tls/tls.h"

#define DAY (24L * 60 * 60)

struct fixture {
    char dir[64];           /* our installation's certificates */
    char other[64];         /* another's, of the same names */
    struct tls_files files;
};

static int
setup(void **state)
{
    static struct fixture f;

    tls_client_pki(f.dir, sizeof(f.dir));
    tls_client_pki(f.other, sizeof(f.other));
    tls_client_files(f.dir, &f.files);
    *state = &f;
    return (0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    tls_client_remove(f->dir);
    tls_client_remove(f->other);
    return (0);
}

static const char *
path_of(const struct fixture *f, const char *name, char *path, size_t size)
{
    (void)snprintf(path, size, "%s/%s", f->dir, name);
    return (path);
}

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

    assert_int_equal(chmod(f->files.options.key, 0640), 0);
    refused(&f->files.options, E_DENIED, "server.key");
    assert_int_equal(chmod(f->files.options.key, 0604), 0);
    refused(&f->files.options, E_DENIED, "chmod 600");
    assert_int_equal(chmod(f->files.options.key, 0400), 0);
}

static void
a_file_that_is_missing_or_wrong_is_named(void **state)
{
    struct fixture *f = *state;
    struct tls_options o;
    char path[96];

    o = f->files.options;
    o.certificate = path_of(f, "nothing.pem", path, sizeof(path));
    refused(&o, E_IO, "nothing.pem");
    o = f->files.options;
    o.role_ca[ROLE_ADMIN] = NULL;
    refused(&o, E_IO, "not named");
    o = f->files.options;
    o.key = path_of(f, "employer.key", path, sizeof(path));
    refused(&o, E_CRYPTO, "does not belong");
    o = f->files.options;
    o.root = o.key;
    refused(&o, E_CRYPTO, "holds no PEM certificate");
    o = f->files.options;
    o.key = path_of(f, "server.pem", path, sizeof(path));
    refused(&o, E_CRYPTO, "holds no PEM private key");
    o = f->files.options;
    o.root = o.certificate;
    refused(&o, E_CRYPTO, "is not a CA's");
}

static void
a_cas_place_is_checked(void **state)
{
    struct fixture *f = *state;
    struct tls_options o = f->files.options;
    char path[96];

    o.role_ca[ROLE_ADMIN] = o.role_ca[ROLE_EMPLOYER];
    refused(&o, E_CRYPTO, "another role's CA");
    o.root = o.role_ca[ROLE_EMPLOYER];
    refused(&o, E_CRYPTO, "is not a root");
    o.root = f->files.options.root;
    (void)snprintf(path, sizeof(path), "%s/ca-admin.pem", f->other);
    o.role_ca[ROLE_ADMIN] = path;
    refused(&o, E_CRYPTO, "not issued by the root");
    (void)path_of(f, "admin.pem", path, sizeof(path));
    refused(&o, E_CRYPTO, "is not a CA's");
}

static void
our_own_certificate_must_be_in_date(void **state)
{
    static const struct tls_leaf expired = {"root", {NULL}, 0,
        "localhost", "serverAuth", "critical,CA:FALSE", -2 * DAY, -DAY};
    static const struct tls_leaf early = {"root", {NULL}, 0,
        "localhost", "serverAuth", "critical,CA:FALSE", DAY, 2 * DAY};
    const struct tls_leaf *both[] = {&expired, &early};
    const char *words[] = {"has expired", "not valid yet"};
    struct fixture *f = *state;
    struct tls_options o = f->files.options;
    EVP_PKEY *key = tls_client_load_key(f->dir, "server.key");
    char path[96];

    o.certificate = path_of(f, "old.pem", path, sizeof(path));
    for (size_t i = 0; i < 2; i++) {
        X509 *x = tls_client_leaf(f->dir, both[i], key);
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
    struct tls_options o = f->files.options;
    EVP_PKEY *key = tls_client_load_key(f->dir, "server.key");
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
        err = tls_server_create(&f->files.options, &tls, why, sizeof(why));
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
        cmocka_unit_test(a_key_that_others_may_read_is_refused),
        cmocka_unit_test(a_file_that_is_missing_or_wrong_is_named),
        cmocka_unit_test(a_cas_place_is_checked),
        cmocka_unit_test(our_own_certificate_must_be_in_date),
        cmocka_unit_test(a_key_under_a_passphrase_is_refused_without_asking),
        cmocka_unit_test(every_failed_allocation_is_told),
    };

    return (cmocka_run_group_tests_name("tls_server", tests, setup,
        teardown));
}
