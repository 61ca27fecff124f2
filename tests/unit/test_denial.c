#include "base/denial.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DOMAIN "vouch.example.org"
#define URI "spiffe://" DOMAIN "/employer/acme"
#define KEY "00112233445566778899aabbccddeeff" \
    "00112233445566778899aabbccddeeff"

static enum err
read_line(const char *line, struct denial *denial, const char **why)
{
    return (denial_read(slice_of(line), DOMAIN, denial, why));
}

static void
lines_are_read_and_written(void **state)
{
    static const struct {
        const char *line, *again;   /* NULL: the same */
        enum denial_kind kind;
        const char *value, *reason;
        int64_t us;
    } cases[] = {
        {"identity " URI, NULL, DENIAL_IDENTITY, URI, "", 0},
        {"\tidentity \t " URI " \t", "identity " URI, DENIAL_IDENTITY, URI,
            "", 0},
        {"key " KEY, NULL, DENIAL_KEY, KEY, "", 0},
        {"key " "00112233445566778899AABBCCDDEEFF"
            "00112233445566778899AABBCCDDEEFF lost", "key " KEY " lost",
            DENIAL_KEY, KEY, "lost", 0},
        {"serial employer 0", "serial employer 00", DENIAL_SERIAL, "00", "",
            0},
        {"serial admin 000abc", "serial admin 0ABC", DENIAL_SERIAL, "0ABC",
            "", 0},
        {"serial auditor 00FF 2026-01-02T03:04:05Z left the network",
            "serial auditor FF 2026-01-02T03:04:05Z left the network",
            DENIAL_SERIAL, "FF", "left the network",
            INT64_C(1767323045000000)},
        {"identity " URI " 2026-01-02T04:04:05+01:00",
            "identity " URI " 2026-01-02T03:04:05Z", DENIAL_IDENTITY, URI,
            "", INT64_C(1767323045000000)},
        {"identity " URI "  2026-01-02  two  blanks  ",
            "identity " URI " 2026-01-02  two  blanks", DENIAL_IDENTITY, URI,
            "2026-01-02  two  blanks", 0},
        {"identity " URI " verf\xc3\xa4llt # not a comment", NULL,
            DENIAL_IDENTITY, URI, "verf\xc3\xa4llt # not a comment", 0},
    };
    char line[DENIAL_LINE_MAX + 1];
    struct denial denial;
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_line(cases[i].line, &denial, &why), E_OK);
        assert_null(why);
        assert_int_equal(denial.kind, cases[i].kind);
        assert_string_equal(denial.value, cases[i].value);
        assert_string_equal(denial.reason, cases[i].reason);
        assert_int_equal(denial.denied_us, cases[i].us);
        denial_write(&denial, line);
        assert_string_equal(line, cases[i].again != NULL ? cases[i].again :
            cases[i].line);
    }
}

static void
what_is_no_entry_is_refused_with_its_fault(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"", "begins with"},
        {"deny " URI, "begins with"},
        {"Identity " URI, "begins with"},
        {"identity", "spiffe://"},
        {"identity " URI "/", "id"},
        {"identity " URI "?x", "query"},
        {"identity spiffe://elsewhere/employer/acme", "trust domain"},
        {"identity spiffe://" DOMAIN "/owner/acme", "role"},
        {"key", "SHA-256"},
        {"key " KEY "00", "SHA-256"},
        {"key 0x" KEY, "SHA-256"},
        {"key zz112233445566778899aabbccddeeff"
            "00112233445566778899aabbccddeeff", "SHA-256"},
        {"serial 12", "hexadecimal"},
        {"serial owner 12", "role"},
        {"serial admin", "hexadecimal"},
        {"serial admin 1:2", "hexadecimal"},
        {"serial admin 12345678901234567890123456789012345678901",
            "hexadecimal"},
        {"identity " URI " bell\a", "reason"},
        {"identity " URI "\r", "id"},
        {"identity " URI " bad\xff", "reason"},
    };
    struct denial denial;
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(read_line(cases[i].line, &denial, &why), E_INVAL);
        if (strstr(why, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].line, why);
    }
}

static void
lengths_are_bounded(void **state)
{
    char line[DENIAL_LINE_MAX + 64];
    struct denial denial;
    const char *why;
    int n;

    (void)state;
    n = snprintf(line, sizeof(line), "identity %s ", URI);
    memset(line + n, 'x', DENIAL_REASON_MAX + 1);
    line[n + DENIAL_REASON_MAX] = '\0';
    assert_int_equal(read_line(line, &denial, &why), E_OK);
    assert_int_equal(strlen(denial.reason), DENIAL_REASON_MAX);
    line[n + DENIAL_REASON_MAX] = 'x';
    line[n + DENIAL_REASON_MAX + 1] = '\0';
    assert_int_equal(read_line(line, &denial, &why), E_INVAL);
    memset(line, ' ', sizeof(line));
    assert_int_equal(denial_read((struct slice){(uint8_t *)line,
        DENIAL_LINE_MAX + 1}, DOMAIN, &denial, &why), E_INVAL);
    assert_non_null(strstr(why, "too long"));
}

static void
the_longest_entry_is_read_as_it_was_written(void **state)
{
    char domain[192], uri[IDENTITY_URI_MAX + 1], line[DENIAL_LINE_MAX + 1];
    char reason[DENIAL_REASON_MAX + 1];
    struct denial denial = {.denied_us = INT64_C(1767323045000000)}, again;
    const char *why;
    int n;

    (void)state;
    memset(domain, 'd', 178);
    domain[178] = '\0';
    n = snprintf(uri, sizeof(uri), "spiffe://%s/association/", domain);
    memset(uri + n, 'i', 55);
    uri[n + 55] = '\0';
    memset(reason, 'r', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    assert_int_equal(strlen(uri), IDENTITY_URI_MAX);
    assert_int_equal(denial_set_identity(&denial, slice_of(uri), domain,
        &why), E_OK);
    assert_int_equal(denial_set_reason(&denial, slice_of(reason), &why),
        E_OK);
    denial_write(&denial, line);
    assert_int_equal(denial_read(slice_of(line), domain, &again, &why),
        E_OK);
    assert_int_equal(denial_compare(&denial, &again), 0);
    assert_string_equal(again.reason, reason);
    assert_int_equal(again.denied_us, denial.denied_us);
}

static void
entries_have_an_order(void **state)
{
    static const char *const sorted[] = {"serial employer 01",
        "serial employer 02", "serial admin 01", "key " KEY,
        "identity " URI, "identity " URI "-2"};
    enum { N = sizeof(sorted) / sizeof(sorted[0]) };
    struct denial entries[N];
    const char *why;

    (void)state;
    for (int i = 0; i < N; i++)
        assert_int_equal(read_line(sorted[i], &entries[i], &why), E_OK);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int order = denial_compare(&entries[i], &entries[j]);

            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

static void
a_serial_needs_a_role(void **state)
{
    struct denial denial;
    const char *why;

    (void)state;
    assert_int_equal(denial_set_serial(&denial, ROLE_COUNT, slice_of("01"),
        &why), E_INVAL);
    assert_non_null(strstr(why, "role"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_and_written),
        cmocka_unit_test(what_is_no_entry_is_refused_with_its_fault),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(the_longest_entry_is_read_as_it_was_written),
        cmocka_unit_test(entries_have_an_order),
        cmocka_unit_test(a_serial_needs_a_role),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
