#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "base/identity.h"

#define DOMAIN "dev.vouch.invalid"

static void
each_role_is_read(void **state)
{
    static const struct {
        const char *uri;
        enum role role;
        const char *id;
    } good[] = {
        {"spiffe://" DOMAIN "/employer/mercy-1", ROLE_EMPLOYER, "mercy-1"},
        {"spiffe://" DOMAIN "/association/ascp-boc", ROLE_ASSOCIATION,
            "ascp-boc"},
        {"spiffe://" DOMAIN "/auditor/a", ROLE_AUDITOR, "a"},
        {"spiffe://" DOMAIN "/admin/0", ROLE_ADMIN, "0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct identity identity = {0};
        const char *why = "?";

        assert_int_equal(identity_parse(slice_of(good[i].uri), DOMAIN,
            &identity, &why), E_OK);
        assert_null(why);
        assert_int_equal(identity.role, good[i].role);
        assert_string_equal(identity.uri, good[i].uri);
        assert_string_equal(identity.id, good[i].id);
        assert_non_null(strstr(good[i].uri,
            identity_role_name(identity.role)));
    }
}

/* One row per way to look like somebody else. */
static void
anything_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "spiffe://",
        "spiffe:/" DOMAIN "/employer/x",
        "SPIFFE://" DOMAIN "/employer/x",
        "https://" DOMAIN "/employer/x",
        "spiffe://other.invalid/employer/x",
        "spiffe://" DOMAIN ".evil/employer/x",
        "spiffe://Dev.vouch.invalid/employer/x",
        "spiffe://" DOMAIN ":443/employer/x",
        "spiffe://me@" DOMAIN "/employer/x",
        "spiffe://" DOMAIN "//employer/x",
        "spiffe://" DOMAIN "/employer",
        "spiffe://" DOMAIN "/employer/",
        "spiffe://" DOMAIN "/employer/x/",
        "spiffe://" DOMAIN "/employer/x/y",
        "spiffe://" DOMAIN "/Employer/x",
        "spiffe://" DOMAIN "/employers/x",
        "spiffe://" DOMAIN "/root/x",
        "spiffe://" DOMAIN "/employer/X",
        "spiffe://" DOMAIN "/employer/x?y",
        "spiffe://" DOMAIN "/employer/x#y",
        "spiffe://" DOMAIN "/employer/%78",
        "spiffe://" DOMAIN "/employer/x_y",
        "spiffe://" DOMAIN "/employer/../admin/x",
        "spiffe://" DOMAIN "/employer/"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct identity identity = {0};
        const char *why = NULL;

        assert_int_equal(identity_parse(slice_of(bad[i]), DOMAIN, &identity,
            &why), E_INVAL);
        assert_non_null(why);
        assert_string_equal(identity.uri, "");
    }
}

static void
a_nul_inside_is_not_an_end(void **state)
{
    static const char uri[] = "spiffe://" DOMAIN "/employer/x\0y";
    struct identity identity = {0};
    const char *why = NULL;

    (void)state;
    assert_int_equal(identity_parse((struct slice){(const uint8_t *)uri,
        sizeof(uri) - 1}, DOMAIN, &identity, &why), E_INVAL);
}

static void
a_long_uri_is_refused(void **state)
{
    char uri[IDENTITY_URI_MAX + 2];
    struct identity identity = {0};
    const char *why = NULL;

    (void)state;
    memset(uri, 'a', sizeof(uri));
    assert_int_equal(identity_parse((struct slice){(const uint8_t *)uri,
        sizeof(uri)}, DOMAIN, &identity, &why), E_TOOBIG);
    assert_non_null(why);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_role_is_read),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(a_nul_inside_is_not_an_end),
        cmocka_unit_test(a_long_uri_is_refused),
    };

    return (cmocka_run_group_tests_name("identity", tests, NULL, NULL));
}
