/*
 * Certificates read anew while connections come and go.  Two installations
 * of the same names take turns, so that it shows who was let in by which.
 */

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cmocka.h>

#include "support/fault.h"
#include "support/tls_client.h"
#include "tls/tls.h"

#define DAY (24L * 60 * 60)

struct fixture {
    char dir[2][64];
    struct tls_files files[2];
    SSL_CTX *client[2];
    struct tls_server *tls;         /* of the first, at the start */
};

static int
setup(void **state)
{
    static struct fixture f;

    for (size_t i = 0; i < 2; i++) {
        tls_client_pki(f.dir[i], sizeof(f.dir[i]));
        tls_client_files(f.dir[i], &f.files[i]);
        f.client[i] = tls_client_ctx(f.dir[i], "employer");
    }
    *state = &f;
    return (0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        SSL_CTX_free(f->client[i]);
        tls_client_remove(f->dir[i]);
    }
    return (0);
}

static int
open_server(void **state)
{
    struct fixture *f = *state;
    char why[256] = "";

    return (tls_server_create(&f->files[0].options, &f->tls, why,
        sizeof(why)) == E_OK ? 0 : -1);
}

static int
close_server(void **state)
{
    struct fixture *f = *state;

    tls_server_free(f->tls);
    f->tls = NULL;
    return (0);
}

/* ---- handshakes, a turn at a time -------------------------------------- */

struct pair {
    SSL *server, *client;
    int fds[2];
    int s, c;               /* of each: 1 finished, 0 wants more, -1 failed */
};

static void
pair_open(struct fixture *f, size_t who, struct pair *p)
{
    *p = (struct pair){.client = SSL_new(f->client[who])};
    assert_non_null(p->client);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
        p->fds), 0);
    assert_int_equal(SSL_set_fd(p->client, p->fds[0]), 1);
    SSL_set_connect_state(p->client);
    assert_int_equal(tls_server_accept(f->tls, p->fds[1], &p->server), E_OK);
}

static int
turn(SSL *ssl)
{
    int rc;

    ERR_clear_error();
    rc = SSL_do_handshake(ssl);
    if (rc == 1)
        return (1);
    return (SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ ? 0 : -1);
}

/* Take ${n} turns; return non-zero if both sides are through. */
static int
pair_turn(struct pair *p, int n)
{
    for (int i = 0; i < n && p->s >= 0 && p->c >= 0; i++) {
        if (p->c == 0)
            p->c = turn(p->client);
        if (p->c >= 0 && p->s == 0)
            p->s = turn(p->server);
    }
    return (p->s == 1 && p->c == 1);
}

static void
pair_close(struct pair *p)
{
    SSL_free(p->server);
    SSL_free(p->client);
    (void)close(p->fds[0]);
    (void)close(p->fds[1]);
    ERR_clear_error();
}

/* Is a client of that installation let in, and by a server it trusts? */
static int
gets_in(struct fixture *f, size_t who)
{
    struct identity identity;
    struct pair p;
    int in;

    pair_open(f, who, &p);
    in = pair_turn(&p, 10) && tls_peer(p.server, &identity) == E_OK;
    pair_close(&p);
    return (in);
}

static int
says_and_hears(struct pair *p)
{
    char byte = 0;
    size_t n;

    return (SSL_write_ex(p->client, "x", 1, &n) == 1 &&
        SSL_read_ex(p->server, &byte, 1, &n) == 1 && byte == 'x' &&
        SSL_write_ex(p->server, "y", 1, &n) == 1 &&
        SSL_read_ex(p->client, &byte, 1, &n) == 1 && byte == 'y');
}

static void
reload(struct fixture *f, size_t to)
{
    char why[256] = "";

    if (tls_server_reload(f->tls, &f->files[to].options, why,
        sizeof(why)) != E_OK)
        fail_msg("%s", why);
}

/* ---- the swap ---------------------------------------------------------- */

static void
new_connections_are_under_the_new_files(void **state)
{
    struct fixture *f = *state;

    assert_true(gets_in(f, 0) && !gets_in(f, 1));
    reload(f, 1);
    assert_true(!gets_in(f, 0) && gets_in(f, 1));
    reload(f, 0);
    assert_true(gets_in(f, 0) && !gets_in(f, 1));
}

/* However far a handshake is, it ends as it began. */
static void
handshakes_in_progress_keep_what_they_began_with(void **state)
{
    struct fixture *f = *state;

    for (int turns = 0; turns < 4; turns++) {
        struct identity identity;
        struct pair p;

        pair_open(f, 0, &p);
        (void)pair_turn(&p, turns);
        reload(f, 1);
        reload(f, 1);           /* what it began with is nobody else's now */
        assert_true(pair_turn(&p, 10));
        assert_int_equal(tls_peer(p.server, &identity), E_OK);
        assert_string_equal(identity.id, "dev-employer");
        assert_true(says_and_hears(&p));
        pair_close(&p);
        reload(f, 0);
    }
}

static void
connections_outlive_even_the_server(void **state)
{
    struct fixture *f = *state;
    struct pair p;

    pair_open(f, 0, &p);
    assert_true(pair_turn(&p, 10));
    reload(f, 1);
    tls_server_free(f->tls);
    f->tls = NULL;
    assert_true(says_and_hears(&p));
    pair_close(&p);
}

/* ---- what is told ------------------------------------------------------ */

static void
our_certificate_is_told(void **state)
{
    struct fixture *f = *state;
    struct tls_own first, second;
    X509 *x = tls_client_load(f->dir[1], "server.pem");
    unsigned char digest[32];
    char hex[65];

    tls_server_own(f->tls, &first);
    reload(f, 1);
    tls_server_own(f->tls, &second);
    assert_int_equal(X509_digest(x, EVP_sha256(), digest, NULL), 1);
    for (size_t i = 0; i < sizeof(digest); i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(second.fingerprint, hex);
    assert_string_not_equal(first.fingerprint, hex);
    assert_int_equal(strlen(second.not_after), 20);
    assert_int_equal(second.not_after[19], 'Z');
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(x),
        &(time_t){(time_t)(second.not_after_us / 1000000)}), -1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(x),
        &(time_t){(time_t)(second.not_after_us / 1000000) - 1}), 1);
    X509_free(x);
}

/* ---- failures ---------------------------------------------------------- */

static void
refused(struct fixture *f, const struct tls_options *o, enum err expected,
    const char *word)
{
    struct tls_own before, after;
    char why[256] = "";

    tls_server_own(f->tls, &before);
    assert_int_equal(tls_server_reload(f->tls, o, why, sizeof(why)),
        expected);
    if (strstr(why, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, word);
    assert_true(ERR_peek_error() == 0);
    tls_server_own(f->tls, &after);
    assert_string_equal(before.fingerprint, after.fingerprint);
    assert_true(gets_in(f, 0) && !gets_in(f, 1));
}

static void
write_certificate(const struct fixture *f, const char *path,
    const struct tls_leaf *leaf)
{
    EVP_PKEY *key = tls_client_load_key(f->dir[0], "server.key");
    X509 *x = tls_client_leaf(f->dir[0], leaf, key);
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, x), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(x);
    EVP_PKEY_free(key);
}

static void
write_leaf(const struct fixture *f, const char *path, long until)
{
    const struct tls_leaf leaf = {"root", {NULL}, 0, "localhost",
        "serverAuth", "critical,CA:FALSE", -2 * DAY, until};

    write_certificate(f, path, &leaf);
}

/* A role would be shut out, and with the root everybody. */
static void
no_ca_is_replaced_by_one_out_of_its_time(void **state)
{
    static const struct {
        const char *what;
        long from, until;
    } rows[] = {
        {"has expired", -2 * DAY, -DAY},
        {"not valid yet", DAY, 2 * DAY},
    };
    struct fixture *f = *state;
    struct tls_options o = f->files[0].options;
    char path[128], why[256] = "";

    (void)snprintf(path, sizeof(path), "%s/other-ca.pem", f->dir[0]);
    o.role_ca[ROLE_ADMIN] = path;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct tls_leaf ca = {"root", {NULL}, 0, "admins", NULL,
            "critical,CA:TRUE", rows[i].from, rows[i].until};
        struct tls_server *tls;

        write_certificate(f, path, &ca);
        refused(f, &o, E_CRYPTO, rows[i].what);

        /* Who begins with it goes on with it, and may renew the others. */
        assert_int_equal(tls_server_create(&o, &tls, why, sizeof(why)), E_OK);
        assert_int_equal(tls_server_reload(tls, &o, why, sizeof(why)), E_OK);
        tls_server_free(tls);
    }
}

static void
every_failure_keeps_the_old(void **state)
{
    struct fixture *f = *state;
    const struct tls_options good = f->files[0].options;
    const struct tls_options others = f->files[1].options;
    struct tls_options o = good;
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/changing.pem", f->dir[0]);
    o.certificate = path;
    refused(f, &o, E_IO, "changing.pem");
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)alarm(60);        /* instead of waiting for good */
    refused(f, &o, E_IO, "changing.pem: is not a file");
    (void)alarm(0);
    assert_int_equal(unlink(path), 0);
    assert_non_null(file = fopen(path, "we"));
    assert_true(fputs("-----BEGIN CERTIFICATE-----\nMIIB", file) >= 0);
    assert_int_equal(fclose(file), 0);
    refused(f, &o, E_CRYPTO, "holds no PEM certificate");
    write_leaf(f, path, -DAY);
    refused(f, &o, E_CRYPTO, "has expired");

    o = good;
    o.certificate = others.certificate;
    refused(f, &o, E_CRYPTO, "does not belong");
    o = good;
    o.key = others.key;
    refused(f, &o, E_CRYPTO, "does not belong");
    assert_int_equal(chmod(good.key, 0644), 0);
    refused(f, &good, E_DENIED, "chmod 600");
    assert_int_equal(chmod(good.key, 0600), 0);
    o = good;
    o.root = others.root;
    refused(f, &o, E_CRYPTO, "not issued by the root");
    o = good;
    o.role_ca[ROLE_ADMIN] = others.role_ca[ROLE_ADMIN];
    refused(f, &o, E_CRYPTO, "ca-admin.pem");
    o.role_ca[ROLE_ADMIN] = good.role_ca[ROLE_EMPLOYER];
    refused(f, &o, E_CRYPTO, "another role's CA");
    o.role_ca[ROLE_ADMIN] = NULL;
    refused(f, &o, E_IO, "not named");

    write_leaf(f, path, DAY);
    o = good;
    o.certificate = path;
    assert_int_equal(tls_server_reload(f->tls, &o, path, sizeof(path)), E_OK);
    assert_true(gets_in(f, 0));
}

/* ---- memory ------------------------------------------------------------ */

static atomic_long openssl_left = -1;   /* allocations that succeed; -1: all */

static int
openssl_may(void)
{
    long left = atomic_load(&openssl_left);

    if (left < 0)
        return (1);
    if (left == 0)
        return (0);             /* and all that follow it */
    atomic_store(&openssl_left, left - 1);
    return (1);
}

static void *
openssl_malloc(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return (openssl_may() ? malloc(n) : NULL);
}

static void *
openssl_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return (openssl_may() ? realloc(p, n) : NULL);
}

static void
openssl_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

/* What ${err} says must be so: the old, or the new, and nothing between. */
static void
check_outcome(struct fixture *f, const struct tls_own own[2], enum err err,
    int shake)
{
    struct tls_own now;

    ERR_clear_error();
    tls_server_own(f->tls, &now);
    assert_string_equal(now.fingerprint, own[err == E_OK].fingerprint);
    if (shake || err == E_OK)
        assert_true(gets_in(f, err == E_OK));
    if (err == E_OK)
        reload(f, 0);
}

static void
look_at_both(struct fixture *f, struct tls_own own[2])
{
    reload(f, 1);
    tls_server_own(f->tls, &own[1]);
    reload(f, 0);
    tls_server_own(f->tls, &own[0]);
}

/* One fails, ours or OpenSSL's; ours are the few that are told as such. */
static void
a_failed_allocation_keeps_the_old(void **state)
{
    struct fixture *f = *state;
    struct tls_own own[2];
    char why[256];
    int n, told = 0;

    look_at_both(f, own);
    for (n = 0; n < 60000; n += 1 + n / 12) {
        enum err err;
        int fired;

        fault_arm(n);
        err = tls_server_reload(f->tls, &f->files[1].options, why,
            sizeof(why));
        fired = fault_fired();
        fault_arm(-1);
        told += err == E_NOMEM;
        check_outcome(f, own, err, n % 7 == 0);
        if (!fired) {
            assert_int_equal(err, E_OK);
            break;
        }
    }
    assert_true(n > 100 && n < 60000);
    assert_true(told > 0);
}

/* OpenSSL is out of memory from its nth allocation on. */
static void
failed_allocations_keep_the_old(void **state)
{
    struct fixture *f = *state;
    struct tls_own own[2];
    enum err err = E_NOMEM;
    char why[256];
    long n;

    look_at_both(f, own);
    for (n = 0; n < 60000 && err != E_OK; n += 1 + n / 12) {
        atomic_store(&openssl_left, n);
        err = tls_server_reload(f->tls, &f->files[1].options, why,
            sizeof(why));
        atomic_store(&openssl_left, -1);
        check_outcome(f, own, err, n % 7 == 0);
    }
    assert_true(n > 100 && n < 60000);
}

/* ---- threads ----------------------------------------------------------- */

struct shaker {
    struct fixture *fixture;
    atomic_int over;
    atomic_int made;
    int failed;
};

static void *
shake_on(void *cookie)
{
    struct shaker *shaker = cookie;

    while (!atomic_load(&shaker->over)) {
        struct pair p;

        pair_open(shaker->fixture, 0, &p);
        if (!pair_turn(&p, 10) || !says_and_hears(&p))
            shaker->failed++;
        pair_close(&p);
        atomic_fetch_add(&shaker->made, 1);
    }
    return (NULL);
}

static void
no_handshake_fails_for_a_reload(void **state)
{
    static struct shaker shaker;
    pthread_t thread;
    int reloads = 0;

    shaker.fixture = *state;
    assert_int_equal(pthread_create(&thread, NULL, shake_on, &shaker), 0);
    while (reloads < 10000 && (reloads < 50 ||
        atomic_load(&shaker.made) < 50)) {
        reload(shaker.fixture, 0);
        reloads++;
    }
    atomic_store(&shaker.over, 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(atomic_load(&shaker.made) >= 50);
    assert_int_equal(shaker.failed, 0);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, open_server, close_server)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_connections_are_under_the_new_files),
        TEST(handshakes_in_progress_keep_what_they_began_with),
        TEST(connections_outlive_even_the_server),
        TEST(our_certificate_is_told),
        TEST(no_ca_is_replaced_by_one_out_of_its_time),
        TEST(every_failure_keeps_the_old),
        TEST(a_failed_allocation_keeps_the_old),
        TEST(failed_allocations_keep_the_old),
        TEST(no_handshake_fails_for_a_reload),
    };

    /* Before OpenSSL has allocated anything. */
    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
        openssl_free) != 1)
        return (1);
    return (cmocka_run_group_tests_name("tls_reload", tests, setup,
        teardown));
}
