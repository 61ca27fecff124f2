#include "tls/tls.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <cmocka.h>

#include "support/fault.h"
#include "support/tls_client.h"

/*
 * OpenSSL reads some things without saying that it could not: a certificate
 * is there, and its public key is not.  Whatever could not be read whole must
 * not be served with.
 */

/*
 * One in so many of the allocations is failed; primes, so as to meet all
 * sorts.  VOUCH_FAULT_FULL=1 in the environment: every one, in some minutes.
 */
enum { STRIDE = 41, STRIDE_EARLY = 3, EARLY = 300, ALLOCATIONS_MAX = 60000 };

struct fixture {
    char dir[64];
    struct tls_files files;
    SSL_CTX *client;
};

static void *
ssl_malloc(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return (malloc(n));
}

static void *
ssl_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return (realloc(p, n));
}

static void
ssl_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

static int
setup(void **state)
{
    static struct fixture f;

    tls_client_pki(f.dir, sizeof(f.dir));
    tls_client_files(f.dir, &f.files);
    f.client = tls_client_ctx(f.dir, "employer");
    *state = &f;
    return (0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    SSL_CTX_free(f->client);
    tls_client_remove(f->dir);
    return (0);
}

/* Return whether it goes on. */
static int
step(SSL *ssl, int (*fn)(SSL *ssl), int *done)
{
    int rc;

    ERR_clear_error();
    if (*done)
        return (1);
    *done = (rc = fn(ssl)) == 1;
    return (*done || SSL_get_error(ssl, rc) == SSL_ERROR_WANT_READ);
}

static int
shake_hands(struct tls_server *tls, SSL_CTX *client)
{
    SSL *theirs = NULL, *ours = SSL_new(client);
    int fds[2], here = 0, there = 0, on = 1;

    assert_int_equal(socketpair(AF_UNIX,
        SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(tls_server_accept(tls, fds[0], &theirs), E_OK);
    assert_non_null(ours);
    assert_int_equal(SSL_set_fd(ours, fds[1]), 1);
    for (int i = 0; i < 20 && on && !(here && there); i++)
        on = step(ours, SSL_connect, &here) &&
            step(theirs, SSL_accept, &there);
    SSL_free(ours);
    SSL_free(theirs);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return (here && there);
}

static int
stride(int usual)
{
    return (getenv("VOUCH_FAULT_FULL") != NULL ? 1 : usual);
}

/* A server made in want of memory, or NULL; ${*fired}: it was in want. */
static struct tls_server *
make(struct fixture *f, int n, int *fired)
{
    struct tls_server *tls;
    char why[256];
    enum err err;

    fault_arm(n);
    err = tls_server_create(&f->files.options, &tls, why, sizeof(why));
    *fired = fault_fired();
    fault_arm(-1);
    assert_true((err == E_OK) == (tls != NULL));
    return (tls);
}

static void
assert_keys(struct tls_server *tls)
{
    STACK_OF(X509_OBJECT) *all;
    SSL *ssl = NULL;
    int n;

    assert_int_equal(tls_server_accept(tls, 0, &ssl), E_OK);
    all = X509_STORE_get0_objects(
        SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)));
    assert_int_equal(n = sk_X509_OBJECT_num(all), 1 + ROLE_COUNT);
    while (n-- > 0)
        assert_non_null(X509_get0_pubkey(
            X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, n))));
    SSL_free(ssl);
}

static void
a_certificate_without_its_key_is_no_certificate(void **state)
{
    struct fixture *f = *state;
    struct tls_server *tls;
    int n, fired = 1;

    for (n = 0; fired && n < ALLOCATIONS_MAX; n += stride(STRIDE)) {
        if ((tls = make(f, n, &fired)) != NULL)
            assert_keys(tls);
        tls_server_free(tls);
    }
    assert_false(fired);
}

/* What OpenSSL failed to find by name it looks for once more, one time. */
static void
what_cannot_shake_hands_is_not_served_with(void **state)
{
    struct fixture *f = *state;
    struct tls_server *tls;
    int n, fired;

    for (n = 0; n < EARLY; n += stride(STRIDE_EARLY)) {
        if ((tls = make(f, n, &fired)) != NULL)
            assert_true(shake_hands(tls, f->client) ||
                shake_hands(tls, f->client));
        assert_true(fired);
        tls_server_free(tls);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_without_its_key_is_no_certificate),
        cmocka_unit_test(what_cannot_shake_hands_is_not_served_with),
    };

    /* Before OpenSSL has asked for anything. */
    if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
        return (EXIT_FAILURE);
    (void)signal(SIGPIPE, SIG_IGN);
    return (cmocka_run_group_tests(tests, setup, teardown));
}
