#include "revocation/crl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "support/fault.h"
#include "support/tls_client.h"
#include "support/tls_crl.h"

static char dir[64];

static int
setup(void **state)
{
    (void)state;
    tls_client_pki(dir, sizeof(dir));
    return (0);
}

static int
teardown(void **state)
{
    (void)state;
    tls_client_remove(dir);
    return (0);
}

static struct crl *
crl_of(const struct tls_crl *what)
{
    X509_CRL *list = tls_crl_make(dir, what);
    struct crl *crl;
    const char *why;

    assert_int_equal(crl_create(list, &crl, &why), E_OK);
    X509_CRL_free(list);
    return (crl);
}

static void
what_is_revoked_is_found(void **state)
{
    struct crl *crl = crl_of(&(struct tls_crl){.ca = "ca-employer",
        .serials = {"0A", "7F00", "80", "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
        "FFFF", "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "-05", "00"},
        .reason = 1, .number = 300});

    (void)state;
    assert_int_equal(crl_count(crl), 5);
    assert_string_equal(crl_number(crl), "012C");
    assert_string_equal(crl_find(crl, "0A"), "key compromise");
    assert_string_equal(crl_find(crl, "7f00"), "key compromise");
    assert_non_null(crl_find(crl, "80"));
    assert_non_null(crl_find(crl, "00"));
    assert_non_null(crl_find(crl, "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"));
    assert_null(crl_find(crl, "7F"));
    assert_null(crl_find(crl, "0A00"));
    assert_null(crl_find(crl, "05"));
    assert_null(crl_find(crl, "FF"));
    assert_null(crl_find(crl, ""));
    assert_null(crl_find(crl, "A"));
    assert_null(crl_find(crl, "xx"));
    assert_null(crl_find(crl,
        "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"));
    crl_free(crl);
    crl_free(NULL);
}

static void
an_empty_one_revokes_nobody(void **state)
{
    struct crl *crl = crl_of(&(struct tls_crl){.ca = "root"});

    (void)state;
    assert_int_equal(crl_count(crl), 0);
    assert_string_equal(crl_number(crl), "none");
    assert_null(crl_find(crl, "0A"));
    assert_true(llabs(crl_this_update(crl) / 1000000 - time(NULL)) < 60);
    assert_int_equal(crl_next_update(crl) - crl_this_update(crl),
        INT64_C(86400000000));
    crl_free(crl);
}

static void
reasons_are_told_in_words(void **state)
{
    static const struct {
        int code;
        const char *text;
    } reasons[] = {{-1, "no reason given"}, {0, "unspecified"},
        {6, "certificate hold"}, {7, "no reason given"},
        {10, "AA compromise"}, {11, "no reason given"},
        {300, "no reason given"}};

    (void)state;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        struct crl *crl = crl_of(&(struct tls_crl){.ca = "ca-admin",
            .serials = {"0A"}, .reason = reasons[i].code});

        assert_string_equal(crl_find(crl, "0A"), reasons[i].text);
        crl_free(crl);
    }
}

static void
what_is_not_a_whole_list_is_refused(void **state)
{
    static const struct {
        struct tls_crl what;
        const char *why;
    } cases[] = {
        {{.critical = "2.5.29.27"}, "delta"},
        {{.critical = "2.5.29.28"}, "part"},
        {{.critical = "1.2.3.4"}, "critical extension"},
        {{.critical = "2.5.29.20"}, "number"},
        {{.serials = {"0A"}, .entry = "2.5.29.29"}, "indirect"},
        {{.serials = {"0A"}, .entry = "1.2.3.4"}, "an entry"},
        {{.endless = 1}, "the next one"},
        {{.from = 10, .until = 10}, "not after"},
        {{.from = 10, .until = 5}, "not after"},
        {{.number = -5}, "number"},
        {{.number_hex = "01FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"},
            "number"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_crl what = cases[i].what;
        struct crl *crl;
        X509_CRL *list;
        const char *why = NULL;

        what.ca = "ca-employer";
        list = tls_crl_make(dir, &what);
        assert_int_equal(crl_create(list, &crl, &why), E_INVAL);
        assert_null(crl);
        if (strstr(why, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].why, why);
        X509_CRL_free(list);
    }
}

static void
only_its_issuer_may_sign_it(void **state)
{
    static const struct {
        struct tls_crl what;
        const char *by, *why;   /* NULL: it is good */
    } cases[] = {
        {{.ca = "ca-employer"}, "ca-employer.pem", NULL},
        {{.ca = "root"}, "root.pem", NULL},
        {{.ca = "ca-employer"}, "ca-admin.pem", "not its issuer's"},
        {{.ca = "ca-admin", .issuer = "ca-employer"}, "ca-employer.pem",
            "not its issuer's"},
        {{.ca = "ca-employer", .digest = "SHA1"}, "ca-employer.pem",
            "too weak"},
        {{.ca = "employer"}, "employer.pem", "not for signing"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        X509_CRL *list = tls_crl_make(dir, &cases[i].what);
        X509 *issuer = tls_client_load(dir, cases[i].by);
        const char *why = NULL;

        assert_int_equal(crl_verify(list, issuer, &why),
            cases[i].why == NULL ? E_OK : E_CRYPTO);
        if (cases[i].why != NULL && strstr(why, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].why, why);
        X509_free(issuer);
        X509_CRL_free(list);
    }
}

static void
the_newer_one_is_told_from_the_older(void **state)
{
    static const struct tls_crl sorted[] = {
        {.ca = "root", .number = 9},
        {.ca = "root", .number = 9, .from = 30, .until = 60},
        {.ca = "root", .number = 10, .from = -30, .until = 60},
        {.ca = "root", .number = 0x100, .from = -60, .until = 60},
    };
    enum { N = sizeof(sorted) / sizeof(sorted[0]) };
    struct crl *crls[N], *plain;

    (void)state;
    for (int i = 0; i < N; i++)
        crls[i] = crl_of(&sorted[i]);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int order = crl_compare(crls[i], crls[j]);

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    /* Without a number the time must do. */
    plain = crl_of(&(struct tls_crl){.ca = "root", .from = 10, .until = 90});
    assert_true(crl_compare(plain, crls[0]) > 0);
    assert_true(crl_compare(plain, crls[1]) < 0);
    assert_true(crl_compare(plain, crls[3]) > 0);
    crl_free(plain);
    for (int i = 0; i < N; i++)
        crl_free(crls[i]);
}

static void
failed_allocations_are_told(void **state)
{
    X509_CRL *list = tls_crl_make(dir, &(struct tls_crl){.ca = "root",
        .serials = {"0A", "0B"}});
    struct crl *crl;
    const char *why;
    int n = 0;

    (void)state;
    for (;; n++) {
        enum err err;

        fault_arm(n);
        err = crl_create(list, &crl, &why);
        fault_arm(-1);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        assert_null(crl);
    }
    assert_int_equal(n, 2);
    crl_free(crl);
    X509_CRL_free(list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_revoked_is_found),
        cmocka_unit_test(an_empty_one_revokes_nobody),
        cmocka_unit_test(reasons_are_told_in_words),
        cmocka_unit_test(what_is_not_a_whole_list_is_refused),
        cmocka_unit_test(only_its_issuer_may_sign_it),
        cmocka_unit_test(the_newer_one_is_told_from_the_older),
        cmocka_unit_test(failed_allocations_are_told),
    };

    return (cmocka_run_group_tests(tests, setup, teardown));
}
