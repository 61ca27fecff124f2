/*
 * Whom to ask, and as whom: flags over environment over configuration file.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/context.h"
#include "support/fault.h"

static char root[64];           /* XDG_CONFIG_HOME */
static char file[128];          /* the configuration file in it */

static const char *const variables[] = {"VOUCH_SERVER", "VOUCH_CA",
    "VOUCH_CERT", "VOUCH_KEY", "VOUCH_CONTEXT", "VOUCH_TRUST",
    "VOUCH_ROOT_KEY"};

static int
setup(void **state)
{
    char dir[128];

    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/vouch-test.XXXXXX");
    assert_non_null(mkdtemp(root));
    (void)snprintf(dir, sizeof(dir), "%s/vouch", root);
    assert_int_equal(mkdir(dir, 0700), 0);
    (void)snprintf(file, sizeof(file), "%s/vouch/config", root);
    assert_int_equal(setenv("XDG_CONFIG_HOME", root, 1), 0);
    return (0);
}

static int
teardown(void **state)
{
    char dir[128];

    (void)state;
    (void)unlink(file);
    (void)rmdir(file);
    (void)snprintf(dir, sizeof(dir), "%s/vouch", root);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(rmdir(root), 0);
    return (0);
}

/* Nothing is set and there is no file. */
static int
begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    (void)unlink(file);
    (void)rmdir(file);
    return (0);
}

static void
write_file(const char *text)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

#define BOTH \
    "current = \"clinic\"\n" \
    "context clinic { server = \"c:1\" ca = \"c.ca\" cert = \"c.cert\" " \
    "key = \"c.key\" trust = \"c.json\" root_key = \"c0\" }\n" \
    "context lab { server = \"l:1\" ca = \"l.ca\" cert = \"l.cert\" " \
    "key = \"l.key\" }\n"

/* Resolve, and expect these four; server NULL: a failure that says ${why}. */
static void
expect(const struct context_flags *flags, const char *server, const char *ca,
    const char *key, const char *why)
{
    struct context context = {0};
    struct vouch_options options = {0};
    char text[8192] = "";
    int status = context_resolve(&context, flags, &options, text,
        sizeof(text));

    if (server == NULL) {
        assert_int_equal(status, -1);
        if (strstr(text, why) == NULL)
            fail_msg("'%s' lacks '%s'", text, why);
    } else {
        if (status != 0)
            fail_msg("%s", text);
        assert_string_equal(options.server, server);
        assert_string_equal(options.ca, ca);
        assert_string_equal(options.key, key);
    }
    context_free(&context);
}

static void
flags_go_over_the_environment_and_that_over_the_file(void **state)
{
    struct context_flags flags = {0};

    (void)state;
    write_file(BOTH);
    expect(&flags, "c:1", "c.ca", "c.key", NULL);
    assert_int_equal(setenv("VOUCH_CA", "e.ca", 1), 0);
    expect(&flags, "c:1", "e.ca", "c.key", NULL);
    flags.ca = "f.ca";
    expect(&flags, "c:1", "f.ca", "c.key", NULL);
    flags.ca = "";                      /* as if it were not there */
    expect(&flags, "c:1", "e.ca", "c.key", NULL);
    assert_int_equal(setenv("VOUCH_CA", "", 1), 0);
    expect(&flags, "c:1", "c.ca", "c.key", NULL);
}

/* What needs no server needs none here. */
static void
a_trust_file_is_known_without_a_server(void **state)
{
    struct context_flags flags = {0};
    struct context context = {0};
    char text[8192] = "";

    (void)state;
    assert_int_equal(context_resolve(&context, &flags, NULL, text,
        sizeof(text)), 0);
    assert_null(context.trust);
    assert_null(context.root_key);
    context_free(&context);
    write_file("current = \"clinic\"\n"
        "context clinic { trust = \"c.json\" root_key = \"c0\" }\n");
    assert_int_equal(context_resolve(&context, &flags, NULL, text,
        sizeof(text)), 0);
    assert_string_equal(context.trust, "c.json");
    assert_string_equal(context.root_key, "c0");
    context_free(&context);
    assert_int_equal(setenv("VOUCH_TRUST", "e.json", 1), 0);
    assert_int_equal(setenv("VOUCH_ROOT_KEY", "e0", 1), 0);
    flags.root_key = "f0";
    assert_int_equal(context_resolve(&context, &flags, NULL, text,
        sizeof(text)), 0);
    assert_string_equal(context.trust, "e.json");
    assert_string_equal(context.root_key, "f0");
    context_free(&context);
}

static void
a_context_is_named_by_flag_environment_or_the_file(void **state)
{
    struct context_flags flags = {0};

    (void)state;
    write_file(BOTH);
    assert_int_equal(setenv("VOUCH_CONTEXT", "lab", 1), 0);
    expect(&flags, "l:1", "l.ca", "l.key", NULL);
    flags.context = "clinic";
    expect(&flags, "c:1", "c.ca", "c.key", NULL);
    flags.context = "";                 /* not even that of the variable */
    expect(&flags, "c:1", "c.ca", "c.key", NULL);
    flags.context = "ward";
    expect(&flags, NULL, NULL, NULL, "no context 'ward'; it has: clinic, lab");
}

static void
what_is_missing_is_named(void **state)
{
    const struct context_flags flags = {0};

    (void)state;
    expect(&flags, NULL, NULL, NULL, "VOUCH_SERVER is not set");
    write_file("current = \"a\"\ncontext a { server = \"a:1\" }\n");
    expect(&flags, NULL, NULL, NULL, "VOUCH_CA is not set");
    write_file("current = \"b\"\n");
    expect(&flags, NULL, NULL, NULL, "no context 'b'; it has: none");
    (void)unlink(file);
    expect(&(struct context_flags){.context = "a"}, NULL, NULL, NULL, file);
}

static void
a_file_that_is_wrong_is_named_with_its_line(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"\n\nstroe = 1\n", "line 3: no such option 'stroe'"},
        {"context a {\n  sevrer = \"x\"\n}\n", "line 2: no such option"},
        {"context a {\n  server = \"x\n}\n", "line "},
        {"context a { }\ncontext a { }\n", "line 2: found duplicate title"},
        {"}\n", "line 1"},
    };
    const struct context_flags flags = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        write_file(rows[i].text);
        expect(&flags, NULL, NULL, NULL, rows[i].why);
        expect(&flags, NULL, NULL, NULL, file);
    }
    (void)unlink(file);
    assert_int_equal(mkdir(file, 0700), 0);
    expect(&flags, NULL, NULL, NULL, "it is not a file");
}

static void
an_allocation_that_fails_is_told(void **state)
{
    const struct context_flags flags = {.ca = "f.ca"};
    int n = 0, fired;

    (void)state;
    write_file(BOTH);
    do {
        struct context context = {0};
        struct vouch_options options = {0};
        char why[512] = "";
        int status;

        fault_arm(n++);
        status = context_resolve(&context, &flags, &options, why,
            sizeof(why));
        fired = fault_fired();
        fault_arm(-1);
        if (fired) {
            assert_int_equal(status, -1);
            assert_string_equal(why, "out of memory");
        } else
            assert_int_equal(status, 0);
        context_free(&context);
    } while (fired && n < 100);
    assert_true(n > 4 && n < 100);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            flags_go_over_the_environment_and_that_over_the_file, begin),
        cmocka_unit_test_setup(a_trust_file_is_known_without_a_server, begin),
        cmocka_unit_test_setup(
            a_context_is_named_by_flag_environment_or_the_file, begin),
        cmocka_unit_test_setup(what_is_missing_is_named, begin),
        cmocka_unit_test_setup(a_file_that_is_wrong_is_named_with_its_line,
            begin),
        cmocka_unit_test_setup(an_allocation_that_fails_is_told, begin),
    };

    return (cmocka_run_group_tests_name("context", tests, setup, teardown));
}
