#include "revocation/revocation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "support/fault.h"
#include "support/tls_client.h"
#include "support/tls_crl.h"

#define DOMAIN "dev.vouch.invalid"
#define SECOND INT64_C(1000000)

static int64_t monotonic_us = SECOND;

int64_t __wrap_clock_monotonic_us(void);

int64_t
__wrap_clock_monotonic_us(void)
{
    return (monotonic_us);
}

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

/* ---- the fixture ------------------------------------------------------- */

static const char *const ca_names[ROLE_COUNT] = {"ca-employer.pem",
    "ca-association.pem", "ca-auditor.pem", "ca-admin.pem"};

struct fixture {
    char dir[64];               /* certificates */
    char crls[96], list[96];
    X509 *root, *ca[ROLE_COUNT], *leaf;
    struct identity identity;   /* of ${leaf}, an employer's */
    struct revocation_marks marks;
    struct revocation_options options;
    struct revocation *revocation;
    char why[512];
};

static void
read_serial(const X509 *leaf, char *out)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);

    for (int i = 0; i < ASN1_STRING_length(serial); i++)
        (void)snprintf(out + 2 * i, 3, "%02X",
            ASN1_STRING_get0_data(serial)[i]);
}

/*
 * OpenSSL reads the extensions of a certificate once, when they are first asked
 * for, and not again if that fails: as the daemon does, look at each CA before
 * it is trusted.
 */
static void
look_at_cas(const struct fixture *f)
{
    assert_int_equal(X509_check_ca(f->root), 1);
    for (int i = 0; i < ROLE_COUNT; i++)
        assert_int_equal(X509_check_ca(f->ca[i]), 1);
}

static int
setup(void **state)
{
    static struct fixture f;

    /* What is refused is said on purpose here. */
    log_set_level(LOG_ERROR);
    tls_client_pki(f.dir, sizeof(f.dir));
    f.root = tls_client_load(f.dir, "root.pem");
    for (int i = 0; i < ROLE_COUNT; i++)
        f.ca[i] = tls_client_load(f.dir, ca_names[i]);
    f.leaf = tls_client_load(f.dir, "employer.pem");
    f.identity.role = ROLE_EMPLOYER;
    (void)snprintf(f.identity.uri, sizeof(f.identity.uri),
        "spiffe://" DOMAIN "/employer/dev-employer");
    read_serial(f.leaf, f.identity.serial);
    assert_int_equal(revocation_marks_read(f.leaf, f.ca[ROLE_EMPLOYER], &f.identity,
        &f.marks), E_OK);
    look_at_cas(&f);
    *state = &f;
    return (0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    X509_free(f->leaf);
    for (int i = 0; i < ROLE_COUNT; i++)
        X509_free(f->ca[i]);
    X509_free(f->root);
    tls_client_remove(f->dir);
    return (0);
}

static int
begin(void **state)
{
    struct fixture *f = *state;

    clock_set_wall(0);
    (void)snprintf(f->crls, sizeof(f->crls), "%s/crls", f->dir);
    (void)snprintf(f->list, sizeof(f->list), "%s/deny", f->dir);
    assert_int_equal(mkdir(f->crls, 0700), 0);
    f->options = (struct revocation_options){.crl = f->crls,
        .deny_list = f->list, .trust_domain = DOMAIN,
        .max_crl = 1 << 20};
    return (0);
}

static int
end(void **state)
{
    struct fixture *f = *state;
    char command[256];

    revocation_free(f->revocation);
    f->revocation = NULL;
    clock_set_wall(0);
    (void)snprintf(command, sizeof(command), "rm -rf '%s' '%s'", f->crls,
        f->list);
    assert_int_equal(system(command), 0);
    return (0);
}

static enum err
start(struct fixture *f)
{
    enum err err;

    assert_int_equal(revocation_create(&f->options, &f->revocation),
        E_OK);
    if ((err = revocation_trust(f->revocation, f->root, f->ca, f->why,
        sizeof(f->why))) != E_OK) {
        revocation_free(f->revocation);
        f->revocation = NULL;
    }
    return (err);
}

static enum revocation_standing
standing(struct fixture *f)
{
    return (revocation_check(f->revocation, &f->identity, &f->marks,
        f->why, sizeof(f->why)));
}

#define ASSERT_STANDING(f, expected, word)                              \
    do {                                                                \
        (f)->why[0] = '\0';                                             \
        assert_int_equal(standing(f), expected);                        \
        if (strstr((f)->why, word) == NULL)                             \
            fail_msg("%s is not in: %s", word, (f)->why);               \
    } while (0)

/* Let what has been written rest, and be seen. */
static int
look(struct fixture *f)
{
    int changed = revocation_poll(f->revocation);

    monotonic_us += 2 * SECOND;
    return (revocation_poll(f->revocation) | changed);
}

static void
put_crl(struct fixture *f, const char *name, const struct tls_crl *what)
{
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/%s", f->crls, name);
    (void)unlink(path);
    tls_crl_write(f->dir, what, path, 0);
}

static void
put_text(const char *path, const char *text, const char *how)
{
    FILE *file = fopen(path, how);

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* ---- CRLs -------------------------------------------------------------- */

static void
a_crl_that_appears_counts(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    assert_false(look(f));
    put_crl(f, "employer.crl", &(struct tls_crl){.ca = "ca-employer",
        .serials = {"01", f->identity.serial}, .reason = 1, .number = 7});
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_REVOKED, "revoked by the employer CA (CRL 07): key "
        "compromise");
    assert_false(look(f));
    /* Another CA's certificate with that number is another certificate. */
    f->identity.role = ROLE_ADMIN;
    assert_int_equal(revocation_marks_read(f->leaf, f->ca[ROLE_ADMIN], &f->identity,
        &f->marks), E_OK);
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    f->identity.role = ROLE_EMPLOYER;
    assert_int_equal(revocation_marks_read(f->leaf, f->ca[ROLE_EMPLOYER],
        &f->identity, &f->marks), E_OK);
}

static void
it_counts_when_it_rests(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(start(f), E_OK);
    put_crl(f, "employer.crl", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}, .number = 7});
    assert_false(revocation_poll(f->revocation));
    monotonic_us += SECOND - 1;
    assert_false(revocation_poll(f->revocation));
    /* Somebody writes on. */
    put_crl(f, "admin.crl", &(struct tls_crl){.ca = "ca-admin"});
    monotonic_us += 1;
    assert_false(revocation_poll(f->revocation));
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    monotonic_us += SECOND;
    assert_true(revocation_poll(f->revocation));
    ASSERT_STANDING(f, REVOCATION_REVOKED, "revoked");
}

/* Half a second at a time, for as long as the daemon promises. */
static int
counts_while(struct fixture *f, void (*change)(struct fixture *f, int i))
{
    for (int i = 0; i < 8; i++) {
        change(f, i);
        if (revocation_poll(f->revocation) &&
            standing(f) == REVOCATION_REVOKED)
            return (1);
        monotonic_us += SECOND / 2;
    }
    return (0);
}

static void
renew_another(struct fixture *f, int i)
{
    put_crl(f, "admin.crl", &(struct tls_crl){.ca = "ca-admin",
        .number = i + 1});
}

static void
a_neighbor_that_never_rests_holds_nothing_up(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(start(f), E_OK);
    put_crl(f, "employer.crl", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}, .number = 7});
    assert_true(counts_while(f, renew_another));
}

static void
a_revoked_ca_takes_all_of_its_role(void **state)
{
    struct fixture *f = *state;
    char serial[64];

    read_serial(f->ca[ROLE_EMPLOYER], serial);
    put_crl(f, "root.crl", &(struct tls_crl){.ca = "root",
        .serials = {serial}, .reason = 2});
    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "the certificate's CA was revoked by the "
        "root CA (CRL none): CA compromise");
}

static void
a_step_back_is_not_taken(void **state)
{
    struct fixture *f = *state;

    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}, .number = 7});
    assert_int_equal(start(f), E_OK);
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer", .number = 6});
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "(CRL 07)");
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer", .number = 8,
        .from = -3600, .until = 3600});
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "(CRL 07)");
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer", .number = 8,
        .from = 1000 * 60, .until = 1000 * 60 * 3});
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}, .number = 9,
        .from = 86400 * 2, .until = 86400 * 3});
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_GOOD, "");       /* it is from the future */
}

static void
of_several_the_newest_counts(void **state)
{
    struct fixture *f = *state;

    put_crl(f, "a", &(struct tls_crl){.ca = "ca-employer", .number = 6});
    put_crl(f, "b", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}, .number = 8});
    put_crl(f, "c", &(struct tls_crl){.ca = "ca-employer", .number = 7});
    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "(CRL 08)");
}

static void
what_is_no_good_keeps_what_was(void **state)
{
    struct fixture *f = *state;
    char path[160], folder[160];

    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}, .number = 7});
    assert_int_equal(start(f), E_OK);
    (void)snprintf(path, sizeof(path), "%s/e", f->crls);
    put_text(path, "-----BEGIN X509 CRL-----\nMIIB\n", "we");
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "(CRL 07)");
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-admin",
        .issuer = "ca-employer", .number = 9});
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "(CRL 07)");
    assert_int_equal(unlink(path), 0);
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "(CRL 07)");
    /* Nor does it keep out what is good beside it. */
    put_text(path, "garbage", "we");
    (void)snprintf(folder, sizeof(folder), "%s/folder", f->crls);
    assert_int_equal(mkdir(folder, 0700), 0);
    put_crl(f, "good", &(struct tls_crl){.ca = "ca-employer", .number = 10});
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(rename(f->crls, folder) == 0, 0);
    (void)snprintf(folder, sizeof(folder), "%s.away", f->crls);
    assert_int_equal(rename(f->crls, folder), 0);
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    assert_int_equal(rename(folder, f->crls), 0);
    (void)look(f);
}

static void
a_fault_is_tried_again(void **state)
{
    struct fixture *f = *state;
    char path[160];

    assert_int_equal(start(f), E_OK);
    /* It lies too far ahead, and by and by it does not any more. */
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}, .from = 90000, .until = 180000});
    (void)look(f);
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    clock_set_wall(clock_wall_us() + 10000 * SECOND);
    monotonic_us += 5 * SECOND;
    assert_false(revocation_poll(f->revocation));
    monotonic_us += 5 * SECOND;
    assert_true(revocation_poll(f->revocation));
    ASSERT_STANDING(f, REVOCATION_REVOKED, "revoked");
    (void)snprintf(path, sizeof(path), "%s/e", f->crls);
    assert_int_equal(unlink(path), 0);
}

static void
one_out_of_date_keeps_its_role_out(void **state)
{
    struct fixture *f = *state;

    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer", .number = 7,
        .from = -10, .until = 1000});
    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    clock_set_wall(clock_wall_us() + 900 * SECOND);
    assert_false(revocation_poll(f->revocation));
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    clock_set_wall(clock_wall_us() + 200 * SECOND);
    assert_true(revocation_poll(f->revocation));
    assert_false(revocation_poll(f->revocation));
    ASSERT_STANDING(f, REVOCATION_UNKNOWN, "the CRL of the employer CA (07) is out "
        "of date since 20");
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer", .number = 8});
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
}

static void
unless_the_operator_says_otherwise(void **state)
{
    struct fixture *f = *state;

    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer", .number = 7,
        .from = -1000, .until = -10, .serials = {"01"}});
    f->options.accept_stale = 1;
    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    revocation_free(f->revocation);
    f->options.accept_stale = 0;
    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_UNKNOWN, "out of date");
}

static void
an_issuer_without_one_is_as_the_operator_says(void **state)
{
    struct fixture *f = *state;

    put_crl(f, "admin", &(struct tls_crl){.ca = "ca-admin"});
    f->options.crl_required = 1;
    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_UNKNOWN, "there is no CRL of the employer CA");
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer"});
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
}

static void
a_bad_start_is_none(void **state)
{
    struct fixture *f = *state;
    char path[160];

    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
        .issuer = "ca-admin"});
    assert_int_equal(start(f), E_CRYPTO);
    assert_non_null(strstr(f->why, "/crls/e: its signature"));
    (void)snprintf(path, sizeof(path), "%s/e", f->crls);
    assert_int_equal(unlink(path), 0);
    put_text(f->list, "nonsense\n", "we");
    assert_int_equal(start(f), E_INVAL);
    assert_non_null(strstr(f->why, "/deny: line 1: "));
    put_text(f->list, "", "we");
    f->options.max_crl = 64;
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer"});
    assert_int_equal(start(f), E_TOOBIG);
    f->options.max_crl = 1 << 20;
    f->options.crl = "/no/such/file";
    assert_int_equal(start(f), E_NOTFOUND);
    /* A CRL of somebody else is nobody's fault. */
    f->options.crl = f->crls;
    put_crl(f, "x", &(struct tls_crl){.ca = "server"});
    assert_int_equal(start(f), E_OK);
}

static void
one_file_may_hold_several(void **state)
{
    struct fixture *f = *state;
    char path[160];

    (void)snprintf(path, sizeof(path), "%s/all.pem", f->crls);
    put_text(path, "Of all our CAs:\n\n", "we");
    tls_crl_write(f->dir, &(struct tls_crl){.ca = "root"}, path, 0);
    tls_crl_write(f->dir, &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}}, path, 0);
    f->options.crl = path;
    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "revoked");
    revocation_free(f->revocation);
    /* In DER there is one, and nothing behind it. */
    assert_int_equal(unlink(path), 0);
    tls_crl_write(f->dir, &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}}, path, 1);
    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "revoked");
    revocation_free(f->revocation);
    tls_crl_write(f->dir, &(struct tls_crl){.ca = "root"}, path, 1);
    assert_int_equal(start(f), E_CRYPTO);
    assert_non_null(strstr(f->why, "follows"));
    f->revocation = NULL;
}

/* ---- whose CRLs -------------------------------------------------------- */

static void
cas_of_before_stay_known(void **state)
{
    struct fixture *f = *state;
    char other[64];
    X509 *root, *ca[ROLE_COUNT];

    tls_client_pki(other, sizeof(other));
    root = tls_client_load(other, "root.pem");
    for (int i = 0; i < ROLE_COUNT; i++)
        ca[i] = tls_client_load(other, ca_names[i]);
    assert_int_equal(start(f), E_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(revocation_trust(f->revocation, root, ca, f->why,
            sizeof(f->why)), E_OK);
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}});
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_REVOKED, "revoked");
    for (int i = 0; i < ROLE_COUNT; i++)
        X509_free(ca[i]);
    X509_free(root);
    tls_client_remove(other);
}

/* The CA of employers once more, with its key and another serial number. */
static X509 *
renew(const struct fixture *f)
{
    X509 *ca = X509_dup(f->ca[ROLE_EMPLOYER]);
    EVP_PKEY *key = tls_client_load_key(f->dir, "root.key");
    ASN1_INTEGER *serial = ASN1_INTEGER_new();

    assert_int_equal(ASN1_INTEGER_set(serial, 0x77), 1);
    assert_int_equal(X509_set_serialNumber(ca, serial), 1);
    assert_true(X509_sign(ca, key, EVP_sha256()) > 0);
    ASN1_INTEGER_free(serial);
    EVP_PKEY_free(key);
    return (ca);
}

static void
a_renewed_ca_is_another_with_the_same_list(void **state)
{
    struct fixture *f = *state;
    X509 *renewed = renew(f), *ca[ROLE_COUNT];
    struct revocation_marks old = f->marks;

    memcpy(ca, f->ca, sizeof(ca));
    ca[ROLE_EMPLOYER] = renewed;
    assert_int_equal(start(f), E_OK);
    assert_int_equal(revocation_trust(f->revocation, f->root, ca, f->why,
        sizeof(f->why)), E_OK);
    assert_int_equal(revocation_marks_read(f->leaf, renewed, &f->identity,
        &f->marks), E_OK);
    put_crl(f, "root", &(struct tls_crl){.ca = "root", .serials = {"77"}});
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_REVOKED, "the certificate's CA");
    f->marks = old;
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}});
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_REVOKED, "the certificate was");
    assert_int_equal(revocation_marks_read(f->leaf, renewed, &f->identity,
        &f->marks), E_OK);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "the certificate was");
    f->marks = old;
    X509_free(renewed);
}

/* ---- the deny list ----------------------------------------------------- */

static void
each_kind_of_entry_denies(void **state)
{
    struct fixture *f = *state;
    char line[512], key[2 * SHA256_BYTES + 1];

    assert_int_equal(start(f), E_OK);
    (void)snprintf(line, sizeof(line), "# one\nserial employer %s\n",
        f->identity.serial);
    put_text(f->list, line, "we");
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_REVOKED,
        "serial number is on the deny list (line 2)");
    bytes_to_hex((struct slice){f->identity.key, SHA256_BYTES}, key);
    (void)snprintf(line, sizeof(line), "key %s\n", key);
    put_text(f->list, line, "we");
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_REVOKED, "key is on the deny list (line 1)");
    (void)snprintf(line, sizeof(line), "identity %s\n", f->identity.uri);
    put_text(f->list, line, "we");
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_REVOKED, "identity is on the deny list (line 1)");
    (void)snprintf(line, sizeof(line), "serial admin %s\nidentity %s-2\n",
        f->identity.serial, f->identity.uri);
    put_text(f->list, line, "we");
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
}

static struct denial
denial_of(const char *line)
{
    struct denial denial;
    const char *why;

    assert_int_equal(denial_read(slice_of(line), DOMAIN, &denial, &why),
        E_OK);
    return (denial);
}

static void
what_is_denied_is_in_force_and_in_the_file(void **state)
{
    struct fixture *f = *state;
    char line[512];
    struct denial denial;
    int added;

    assert_int_equal(start(f), E_OK);
    (void)snprintf(line, sizeof(line), "identity %s", f->identity.uri);
    denial = denial_of(line);
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_OK);
    assert_true(added);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "identity");
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_OK);
    assert_false(added);
    /* Our own doing is no news. */
    assert_false(look(f));
    denial = denial_of("serial admin 0A");
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_OK);
    revocation_free(f->revocation);
    assert_int_equal(start(f), E_OK);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "identity");
}

static void
nobody_is_overwritten(void **state)
{
    struct fixture *f = *state;
    const struct denial denial = denial_of("serial admin 0A");
    char line[512];
    int added;

    assert_int_equal(start(f), E_OK);
    (void)snprintf(line, sizeof(line), "identity %s\n", f->identity.uri);
    put_text(f->list, line, "we");
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_BUSY);
    monotonic_us += SECOND;
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_OK);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "(line 1)");
    /* A fault is not written over either. */
    put_text(f->list, "half a li", "ae");
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_BUSY);
    monotonic_us += SECOND;
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_INVAL);
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_INVAL);
    ASSERT_STANDING(f, REVOCATION_REVOKED, "(line 1)");
    put_text(f->list, line, "we");
    (void)look(f);
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_OK);
    assert_true(added);
}

static void
append(struct fixture *f, int i)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "serial admin %02X\n", i + 1);
    put_text(f->list, line, "ae");
}

/* What has been there is written anew, and half of it is missing yet. */
static void
write_half(struct fixture *f, int i)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "serial admin %02X\nhalf", i + 1);
    put_text(f->list, line, i % 2 == 0 ? "we" : "ae");
}

static void
write_without(struct fixture *f, int i)
{
    char line[64];

    (void)snprintf(line, sizeof(line), "serial admin %02X\n", i + 1);
    put_text(f->list, line, "we");
}

static void
a_list_that_never_rests_may_grow(void **state)
{
    struct fixture *f = *state;
    struct denial denial = denial_of("serial admin FF");
    char line[512];
    int added;

    assert_int_equal(start(f), E_OK);
    (void)snprintf(line, sizeof(line), "identity %s\n", f->identity.uri);
    put_text(f->list, line, "we");
    assert_true(counts_while(f, append));
    /* Whoever writes it has the file open, perhaps. */
    append(f, 99);
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_BUSY);
    /* Nobody comes back before it rests. */
    for (int i = 0; i < 20; i++) {
        (i < 10 ? write_half : write_without)(f, i);
        assert_false(revocation_poll(f->revocation));
        ASSERT_STANDING(f, REVOCATION_REVOKED, "identity");
        monotonic_us += SECOND / 2;
    }
    assert_true(look(f));
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_OK);
}

static void
without_a_list_nothing_is_denied(void **state)
{
    struct fixture *f = *state;
    const struct denial denial = denial_of("serial admin 0A");
    int added;

    f->options.deny_list = "";
    f->options.crl = "";
    assert_int_equal(start(f), E_OK);
    assert_int_equal(revocation_deny(f->revocation, &denial, &added),
        E_NOTFOUND);
    assert_false(look(f));
    ASSERT_STANDING(f, REVOCATION_GOOD, "");
    assert_int_equal(revocation_check(NULL, &f->identity, &f->marks,
        f->why, sizeof(f->why)), REVOCATION_GOOD);
}

/* ---- memory ------------------------------------------------------------ */

enum { ALLOCATIONS_MAX = 20000 };

static void
a_start_without_alloc_is_whole_or_none(void **state)
{
    struct fixture *f = *state;
    int done = 0, n;

    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}, .number = 7});
    put_text(f->list, "serial admin 0A\n", "we");
    log_set_level(LOG_ERROR);
    for (n = 0; !done && n < ALLOCATIONS_MAX; n++) {
        struct revocation *r = NULL;
        enum err err;

        fault_arm(n);
        if ((err = revocation_create(&f->options, &r)) == E_OK)
            err = revocation_trust(r, f->root, f->ca, f->why,
                sizeof(f->why));
        done = !fault_fired();
        fault_arm(-1);
        ERR_clear_error();
        if (err == E_OK)
            assert_int_equal(revocation_check(r, &f->identity, &f->marks,
                f->why, sizeof(f->why)), REVOCATION_REVOKED);
        revocation_free(r);
    }
    assert_true(done);
}

static void
a_change_without_alloc_loses_nothing(void **state)
{
    struct fixture *f = *state;
    int done = 0, looked, n;

    put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
        .serials = {f->identity.serial}, .number = 1});
    assert_int_equal(start(f), E_OK);
    for (n = 0; !done && n < ALLOCATIONS_MAX; n++) {
        put_crl(f, "e", &(struct tls_crl){.ca = "ca-employer",
            .serials = {f->identity.serial}, .number = n + 2});
        assert_false(revocation_poll(f->revocation));
        monotonic_us += SECOND;
        fault_arm(n);
        looked = revocation_poll(f->revocation);
        done = !fault_fired();
        fault_arm(-1);
        assert_true(looked);
        ASSERT_STANDING(f, REVOCATION_REVOKED, "revoked");
    }
    assert_true(done);
}

static void
to_deny_without_alloc_changes_nothing(void **state)
{
    struct fixture *f = *state;
    int done = 0, n;

    assert_int_equal(start(f), E_OK);
    for (n = 0; !done && n < ALLOCATIONS_MAX; n++) {
        char line[64];
        struct denial denial;
        int added = 0, known = -1;
        enum err err;

        (void)snprintf(line, sizeof(line), "serial admin %04X",
            (unsigned)n + 256);
        denial = denial_of(line);
        fault_arm(n);
        err = revocation_deny(f->revocation, &denial, &added);
        done = !fault_fired();
        fault_arm(-1);
        assert_int_equal(added, err == E_OK);
        /* It could not be seen that the file is ours, and must rest. */
        if (revocation_deny(f->revocation, &denial, &known) == E_BUSY) {
            monotonic_us += SECOND;
            assert_int_equal(revocation_deny(f->revocation, &denial,
                &known), E_OK);
        }
        assert_true(err == E_OK || err == E_NOMEM);
        assert_int_equal(known, err != E_OK);
    }
    assert_true(done);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_crl_that_appears_counts),
        TEST(it_counts_when_it_rests),
        TEST(a_neighbor_that_never_rests_holds_nothing_up),
        TEST(a_revoked_ca_takes_all_of_its_role),
        TEST(a_step_back_is_not_taken),
        TEST(of_several_the_newest_counts),
        TEST(what_is_no_good_keeps_what_was),
        TEST(a_fault_is_tried_again),
        TEST(one_out_of_date_keeps_its_role_out),
        TEST(unless_the_operator_says_otherwise),
        TEST(an_issuer_without_one_is_as_the_operator_says),
        TEST(a_bad_start_is_none),
        TEST(one_file_may_hold_several),
        TEST(cas_of_before_stay_known),
        TEST(a_renewed_ca_is_another_with_the_same_list),
        TEST(each_kind_of_entry_denies),
        TEST(what_is_denied_is_in_force_and_in_the_file),
        TEST(nobody_is_overwritten),
        TEST(a_list_that_never_rests_may_grow),
        TEST(without_a_list_nothing_is_denied),
        TEST(a_start_without_alloc_is_whole_or_none),
        TEST(a_change_without_alloc_loses_nothing),
        TEST(to_deny_without_alloc_changes_nothing),
    };

    /* OpenSSL's own as well. */
    if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
        return (1);
    return (cmocka_run_group_tests(tests, setup, teardown));
}
