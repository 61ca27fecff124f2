#include "support/tls_client.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

void
tls_client_pki(char *dir, size_t size)
{
    char script[] = SOURCE_DIR "/certs/make-dev-certs.sh";
    char *argv[] = {script, dir, NULL};
    posix_spawn_file_actions_t quiet;
    pid_t pid;
    int status = -1;

    assert_true((size_t)snprintf(dir, size, "/tmp/vouch-pki-XXXXXX") < size);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(posix_spawn_file_actions_init(&quiet), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO,
        "/dev/null", O_WRONLY, 0), 0);
    assert_int_equal(posix_spawn(&pid, script, &quiet, NULL, argv, environ),
        0);
    (void)posix_spawn_file_actions_destroy(&quiet);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return (remove(path));
}

void
tls_client_remove(const char *dir)
{
    assert_int_equal(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void
tls_client_files(const char *dir, struct tls_files *files)
{
    static const char *const names[7] = {"server.pem", "server.key",
        "root.pem", "ca-employer.pem", "ca-association.pem",
        "ca-auditor.pem", "ca-admin.pem"};

    for (size_t i = 0; i < 7; i++)
        (void)snprintf(files->paths[i], sizeof(files->paths[i]), "%s/%s", dir,
            names[i]);
    files->options = (struct tls_options){
        .certificate = files->paths[0],
        .key = files->paths[1],
        .root = files->paths[2],
        .role_ca = {
            [ROLE_EMPLOYER] = files->paths[3],
            [ROLE_ASSOCIATION] = files->paths[4],
            [ROLE_AUDITOR] = files->paths[5],
            [ROLE_ADMIN] = files->paths[6],
        },
        .trust_domain = "dev.vouch.invalid",
        .resumption_us = 7200 * INT64_C(1000000),
    };
}

SSL_CTX *
tls_client_ctx(const char *dir, const char *who)
{
    static const unsigned char h2[] = {2, 'h', '2'};
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char path[256];

    assert_non_null(ctx);
    (void)snprintf(path, sizeof(path), "%s/root.pem", dir);
    assert_int_equal(SSL_CTX_load_verify_file(ctx, path), 1);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, h2, sizeof(h2)), 0);
    if (who != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s.pem", dir, who);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(ctx, path), 1);
        (void)snprintf(path, sizeof(path), "%s/%s.key", dir, who);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(ctx, path,
            SSL_FILETYPE_PEM), 1);
    }
    return (ctx);
}

static FILE *
open_in(const char *dir, const char *name)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    assert_non_null(file = fopen(path, "re"));
    return (file);
}

X509 *
tls_client_load(const char *dir, const char *name)
{
    FILE *file = open_in(dir, name);
    X509 *x = PEM_read_X509(file, NULL, NULL, NULL);

    fclose(file);
    assert_non_null(x);
    return (x);
}

EVP_PKEY *
tls_client_load_key(const char *dir, const char *name)
{
    FILE *file = open_in(dir, name);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

    fclose(file);
    assert_non_null(key);
    return (key);
}

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
add_names(X509 *x, const struct tls_leaf *leaf)
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

X509 *
tls_client_leaf(const char *dir, const struct tls_leaf *leaf, EVP_PKEY *key)
{
    X509 *x = X509_new(), *ca;
    EVP_PKEY *ca_key;
    char name[64];

    (void)snprintf(name, sizeof(name), "%s.pem", leaf->ca);
    ca = tls_client_load(dir, name);
    (void)snprintf(name, sizeof(name), "%s.key", leaf->ca);
    ca_key = tls_client_load_key(dir, name);
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
