/*
 * Resumption: a ticket stands for the certificate in it, and is worth what
 * that is worth at the moment.
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

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/fault.h"
#include "support/tls_client.h"
#include "tls/tls.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DOMAIN "spiffe://dev.vouch.invalid/"

struct fixture {
    char dir[2][64];
    struct tls_files files[2];
    struct tls_server *tls;         /* of the first, at the start */
};

static int
setup(void **state)
{
    static struct fixture f;

    for (size_t i = 0; i < 2; i++) {
        tls_client_pki(f.dir[i], sizeof(f.dir[i]));
        tls_client_files(f.dir[i], &f.files[i]);
    }
    *state = &f;
    return (0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++)
        tls_client_remove(f->dir[i]);
    return (0);
}

static void
serve(struct fixture *f, const struct tls_options *o)
{
    char why[256] = "";

    if (tls_server_create(o, &f->tls, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
}

static int
open_server(void **state)
{
    struct fixture *f = *state;

    serve(f, &f->files[0].options);
    return (0);
}

static int
close_server(void **state)
{
    struct fixture *f = *state;

    clock_set_wall(0);
    tls_server_free(f->tls);
    f->tls = NULL;
    return (0);
}

static void
reload(struct fixture *f, size_t to)
{
    char why[256] = "";

    if (tls_server_reload(f->tls, &f->files[to].options, why,
        sizeof(why)) != E_OK)
        fail_msg("%s", why);
}

/* ---- one connection ---------------------------------------------------- */

struct result {
    int accepted, resumed;
    struct identity identity;
    SSL_SESSION *session;       /* the client's; owned; NULL: no ticket */
    char why[256];
};

static int tickets;             /* that clients got so far */

static int
on_new_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl, (void)session;
    tickets++;
    return (0);
}

/* A client that keeps sessions; it need not like the server. */
static SSL_CTX *
client_of(const char *dir, const char *who)
{
    SSL_CTX *ctx = tls_client_ctx(dir, who);

    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(ctx, on_new_session);
    return (ctx);
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

static void
shake(SSL *server, SSL *client, struct result *r)
{
    int s = 0, c = 0;
    char byte;
    size_t n;

    for (int i = 0; i < 20 && s >= 0 && c >= 0 && !(s == 1 && c == 1); i++) {
        if (c == 0)
            c = turn(client);
        if (s == 0 && c >= 0)
            s = turn(server);
    }
    if (s < 0)
        tls_failure(server, r->why, sizeof(r->why));
    r->accepted = s == 1 && tls_peer(server, &r->identity) == E_OK;
    r->resumed = r->accepted && SSL_session_reused(server);
    if (!r->accepted || c != 1)
        return;
    assert_int_equal(SSL_session_reused(server), SSL_session_reused(client));
    ERR_clear_error();
    (void)SSL_read_ex(client, &byte, 1, &n);        /* the ticket */
    if (SSL_SESSION_is_resumable(SSL_get_session(client)))
        r->session = SSL_get1_session(client);
}

/* A client of OpenSSL's uses a session once: this one may be used again. */
static void
offer(SSL *client, SSL_SESSION *session)
{
    SSL_SESSION *copy = SSL_SESSION_dup(session);

    assert_non_null(copy);
    assert_int_equal(SSL_set_session(client, copy), 1);
    SSL_SESSION_free(copy);
}

/* ${session}, which may be NULL, stays the caller's. */
static struct result
meet(struct fixture *f, SSL_CTX *ctx, SSL_SESSION *session)
{
    struct result r = {0};
    SSL *server = NULL, *client = SSL_new(ctx);
    int fds[2];

    assert_non_null(client);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
        0);
    assert_int_equal(SSL_set_fd(client, fds[0]), 1);
    if (session != NULL)
        offer(client, session);
    SSL_set_connect_state(client);
    if (tls_server_accept(f->tls, fds[1], &server) == E_OK)
        shake(server, client, &r);
    SSL_free(server);
    /* OpenSSL throws away the session of a connection that was cut. */
    SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(client);
    (void)close(fds[0]);
    (void)close(fds[1]);
    ERR_clear_error();
    return (r);
}

/* Let ${who} in by a certificate; return the ticket, the caller's. */
static SSL_SESSION *
first_ticket(struct fixture *f, SSL_CTX *ctx)
{
    struct result r = meet(f, ctx, NULL);

    if (!r.accepted || r.resumed)
        fail_msg("resumed %d, \"%s\"", r.resumed, r.why);
    assert_non_null(r.session);
    return (r.session);
}

/* ---- what resumption is ------------------------------------------------ */

static void
each_role_resumes_as_who_it_was(void **state)
{
    static const char *const whos[] = {"employer", "association", "auditor",
        "admin", "admin2"};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(whos) / sizeof(whos[0]); i++) {
        SSL_CTX *ctx = client_of(f->dir[0], whos[i]);
        struct result full = meet(f, ctx, NULL), again;

        assert_true(full.accepted && !full.resumed);
        again = meet(f, ctx, full.session);
        assert_true(again.accepted && again.resumed);
        assert_int_equal(again.identity.role, full.identity.role);
        assert_string_equal(again.identity.uri, full.identity.uri);
        assert_string_equal(again.identity.id, full.identity.id);
        assert_string_equal(again.identity.serial, full.identity.serial);
        assert_int_equal(again.identity.not_after_us,
            full.identity.not_after_us);
        SSL_SESSION_free(full.session);
        SSL_SESSION_free(again.session);
        SSL_CTX_free(ctx);
    }
}

static void
one_ticket_a_handshake_and_no_early_data(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *ctx = client_of(f->dir[0], "employer");
    SSL_SESSION *session;

    tickets = 0;
    session = first_ticket(f, ctx);
    assert_int_equal(tickets, 1);
    for (int i = 2; i < 6; i++) {
        struct result r = meet(f, ctx, session);

        assert_true(r.resumed);
        assert_int_equal(tickets, i);
        assert_int_equal(SSL_SESSION_get_max_early_data(r.session), 0);
        assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(r.session) <=
            7200, 1);
        SSL_SESSION_free(session);
        session = r.session;
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void
no_ticket_where_none_are_wanted(void **state)
{
    struct fixture *f = *state;
    struct tls_options o = f->files[0].options;
    SSL_CTX *ctx = client_of(f->dir[0], "employer");
    struct result r;

    o.resumption_us = 0;
    serve(f, &o);
    tickets = 0;
    r = meet(f, ctx, NULL);
    assert_true(r.accepted);
    assert_null(r.session);
    assert_int_equal(tickets, 0);
    SSL_CTX_free(ctx);
}

/* Nobody without a certificate is asked to come again. */
static void
no_ticket_for_whoever_is_not_let_in(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *nobody = client_of(f->dir[0], NULL);
    SSL_CTX *other = client_of(f->dir[1], "admin");
    struct result r;

    tickets = 0;
    r = meet(f, nobody, NULL);
    assert_false(r.accepted);
    r = meet(f, other, NULL);
    assert_false(r.accepted);
    assert_int_equal(tickets, 0);
    SSL_CTX_free(nobody);
    SSL_CTX_free(other);
}

/* ---- for how long ------------------------------------------------------ */

static void
tickets_of_tickets_end_with_the_first(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *ctx = client_of(f->dir[0], "employer");
    int64_t begun = clock_wall_us();
    SSL_SESSION *session;
    struct result r;

    clock_set_wall(begun);
    session = first_ticket(f, ctx);
    assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(session), 7200);
    clock_set_wall(begun + HOUR);
    r = meet(f, ctx, session);
    assert_true(r.resumed);
    assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(r.session), 3600);
    SSL_SESSION_free(session);
    session = r.session;

    /* In its last second, too, of which no lifetime can tell. */
    clock_set_wall(begun + 2 * HOUR - SECOND / 2);
    r = meet(f, ctx, session);
    assert_true(r.resumed);
    assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(r.session), 1);
    SSL_SESSION_free(r.session);
    clock_set_wall(begun + 2 * HOUR);
    r = meet(f, ctx, session);
    assert_true(r.accepted && !r.resumed);
    assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(r.session), 7200);
    SSL_SESSION_free(r.session);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

/* A client whose certificate begins and ends so many seconds from now. */
static SSL_CTX *
client_for(struct fixture *f, long from, long until)
{
    const struct tls_leaf leaf = {"ca-employer", {DOMAIN "employer/acme"}, 0,
        NULL, "clientAuth", "critical,CA:FALSE", from, until};
    SSL_CTX *ctx = client_of(f->dir[0], NULL);
    X509 *ca = tls_client_load(f->dir[0], "ca-employer.pem");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x;

    assert_non_null(key);
    x = tls_client_leaf(f->dir[0], &leaf, key);
    assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    assert_int_equal(SSL_CTX_add0_chain_cert(ctx, ca), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    return (ctx);
}

/* Else a clock that is set back would have tickets go on and on. */
static void
a_clock_that_is_set_back_makes_no_ticket_last(void **state)
{
    const struct timespec while_ = {.tv_sec = 2, .tv_nsec = 100000000};
    struct fixture *f = *state;
    struct tls_options o = f->files[0].options;
    SSL_CTX *ctx = client_of(f->dir[0], "employer");
    int64_t begun = clock_wall_us();
    SSL_SESSION *session;
    struct result r;

    o.resumption_us = 2 * SECOND;
    serve(f, &o);
    clock_set_wall(begun);
    session = first_ticket(f, ctx);
    clock_set_wall(begun - HOUR);
    r = meet(f, ctx, session);
    assert_true(r.resumed);
    assert_true(SSL_SESSION_get_ticket_lifetime_hint(r.session) <= 2);
    SSL_SESSION_free(session);
    session = r.session;
    (void)nanosleep(&while_, NULL);
    /* The client would not offer it any more, were it told when it ends. */
    (void)SSL_SESSION_set_timeout(session, 3600);
    r = meet(f, ctx, session);
    assert_true(r.accepted && !r.resumed);
    SSL_SESSION_free(r.session);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void
no_ticket_outlives_the_certificate(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *ctx = client_for(f, -60, 600);
    SSL_SESSION *session = first_ticket(f, ctx);

    assert_in_range(SSL_SESSION_get_ticket_lifetime_hint(session), 590, 600);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

/*
 * The wall clock of ours stands still, so that it is OpenSSL's look at the
 * dates that finds it out.
 */
static void
a_ticket_of_a_certificate_that_has_ended_is_worth_nothing(void **state)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    struct fixture *f = *state;
    SSL_CTX *ctx = client_for(f, -60, 3);
    SSL_SESSION *session;
    struct result r;

    clock_set_wall(clock_wall_us() - HOUR);
    session = first_ticket(f, ctx);
    for (int i = 0; i < 200; i++) {
        r = meet(f, ctx, session);
        SSL_SESSION_free(r.session);
        if (!r.accepted)
            break;
        assert_true(r.resumed);
        (void)nanosleep(&moment, NULL);
    }
    assert_false(r.accepted);
    assert_string_equal(r.why, "the certificate has expired");
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void
the_keys_change_when_their_time_is_over(void **state)
{
    const struct timespec while_ = {.tv_sec = 1, .tv_nsec = 100000000};
    struct fixture *f = *state;
    struct tls_options o = f->files[0].options;
    SSL_CTX *ctx = client_of(f->dir[0], "employer");
    const unsigned char *name[3];
    SSL_SESSION *session[3];
    size_t n;

    o.resumption_us = SECOND;
    serve(f, &o);
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            (void)nanosleep(&while_, NULL);
        session[i] = first_ticket(f, ctx);
        SSL_SESSION_get0_ticket(session[i], &name[i], &n);
        assert_true(n > 16);
    }
    assert_memory_equal(name[0], name[1], 16);
    assert_memory_not_equal(name[0], name[2], 16);
    for (int i = 0; i < 3; i++)
        SSL_SESSION_free(session[i]);
    SSL_CTX_free(ctx);
}

/* ---- what has changed since -------------------------------------------- */

static void
a_reload_makes_all_tickets_worthless(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *ctx = client_of(f->dir[0], "employer");
    SSL_SESSION *session = first_ticket(f, ctx);
    struct result r;

    reload(f, 0);
    r = meet(f, ctx, session);
    assert_true(r.accepted && !r.resumed);
    SSL_SESSION_free(r.session);

    /* And where the role has another CA, the certificate does not help. */
    reload(f, 1);
    r = meet(f, ctx, session);
    assert_false(r.accepted);
    assert_string_equal(r.why, "the certificate is from no CA of ours");
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

/* A ticket of somebody else helps nobody: what is in it is the other's. */
static void
who_resumes_is_who_got_the_ticket(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *employer = client_of(f->dir[0], "employer");
    SSL_CTX *admin = client_of(f->dir[0], "admin");
    SSL_SESSION *session = first_ticket(f, employer);
    struct result r = meet(f, admin, session);

    assert_true(r.resumed);
    assert_int_equal(r.identity.role, ROLE_EMPLOYER);
    SSL_SESSION_free(r.session);
    SSL_SESSION_free(session);
    SSL_CTX_free(employer);
    SSL_CTX_free(admin);
}

static void
a_ticket_does_not_spare_alpn(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *ctx = client_of(f->dir[0], "employer");
    SSL_SESSION *session = first_ticket(f, ctx);
    struct result r;

    assert_int_equal(SSL_CTX_set_alpn_protos(ctx, NULL, 0), 0);
    r = meet(f, ctx, session);
    assert_false(r.accepted);
    assert_null(r.session);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void
a_ticket_that_was_changed_is_none(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *ctx = client_of(f->dir[0], "employer");
    SSL_SESSION *session = first_ticket(f, ctx);
    const unsigned char *ticket;
    struct result r;
    size_t n;

    SSL_SESSION_get0_ticket(session, &ticket, &n);
    assert_true(n > 64);
    r = meet(f, ctx, session);
    assert_true(r.resumed);
    SSL_SESSION_free(r.session);
    for (size_t i = 0; i < n; i += 31) {
        unsigned char *byte = (unsigned char *)(uintptr_t)ticket + i;

        *byte ^= 0x20;
        r = meet(f, ctx, session);
        assert_true(r.accepted && !r.resumed);
        SSL_SESSION_free(r.session);
        *byte ^= 0x20;
    }
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

/* ---- memory ------------------------------------------------------------ */

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

/* Whatever is lacking, on either side: nobody is let in as somebody else. */
static void
a_failed_allocation_lets_nobody_in_as_another(void **state)
{
    struct fixture *f = *state;
    SSL_CTX *ctx = client_of(f->dir[0], "auditor");
    SSL_SESSION *session = first_ticket(f, ctx);
    int n, fired = 1, refused = 0;

    for (n = 0; fired && n < 20000; n += 1 + n / 40) {
        struct result r = {0};
        SSL *server = NULL, *client = SSL_new(ctx);
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
            fds), 0);
        assert_int_equal(SSL_set_fd(client, fds[0]), 1);
        offer(client, session);
        SSL_set_connect_state(client);
        fault_arm(n);
        if (tls_server_accept(f->tls, fds[1], &server) == E_OK)
            shake(server, client, &r);
        fired = fault_fired();
        fault_arm(-1);
        if (r.accepted)
            assert_string_equal(r.identity.uri, DOMAIN "auditor/dev-auditor");
        refused += !r.accepted;
        SSL_SESSION_free(r.session);
        SSL_free(server);
        SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(client);
        (void)close(fds[0]);
        (void)close(fds[1]);
        ERR_clear_error();
    }
    assert_true(!fired && n > 100 && refused > 10);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, open_server, close_server)
#define OWN_TEST(name) \
    cmocka_unit_test_teardown(name, close_server)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_role_resumes_as_who_it_was),
        TEST(one_ticket_a_handshake_and_no_early_data),
        OWN_TEST(no_ticket_where_none_are_wanted),
        TEST(no_ticket_for_whoever_is_not_let_in),
        TEST(tickets_of_tickets_end_with_the_first),
        OWN_TEST(a_clock_that_is_set_back_makes_no_ticket_last),
        TEST(no_ticket_outlives_the_certificate),
        TEST(a_ticket_of_a_certificate_that_has_ended_is_worth_nothing),
        OWN_TEST(the_keys_change_when_their_time_is_over),
        TEST(a_reload_makes_all_tickets_worthless),
        TEST(who_resumes_is_who_got_the_ticket),
        TEST(a_ticket_does_not_spare_alpn),
        TEST(a_ticket_that_was_changed_is_none),
        TEST(a_failed_allocation_lets_nobody_in_as_another),
    };

    /* Before OpenSSL has asked for anything. */
    if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
        return (1);
    return (cmocka_run_group_tests_name("tls_resume", tests, setup,
        teardown));
}
