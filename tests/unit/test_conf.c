#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/options.h"
#include "support/fault.h"

static void
defaults_are_what_the_table_says(void **state)
{
    struct conf *conf;

    (void)state;
    assert_int_equal(conf_create(&conf), E_OK);
    assert_int_equal(conf->listen_port, 8443);
    assert_string_equal(conf->listen_address, "127.0.0.1");
    assert_int_equal(conf->message_max, 65536);
    conf_free(conf);
}

static void
a_value_is_taken(void **state)
{
    struct conf *conf;
    char why[200] = "";

    (void)state;
    assert_int_equal(conf_create(&conf), E_OK);
    assert_int_equal(conf_set(conf, "listen.port", "0", "test", why,
        sizeof(why)),
        E_OK);
    assert_int_equal(conf_set(conf, "store.dsn", "sqlite:/x", "test", why,
        sizeof(why)), E_OK);
    assert_int_equal(conf->listen_port, 0);
    assert_string_equal(conf->store_dsn, "sqlite:/x");
    assert_string_equal(why, "");
    conf_free(conf);
}

static void
what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *name, *value;
        enum err err;
        const char *says;
    } rows[] = {
        {"listen.prot", "1", E_NOTFOUND, "did you mean 'listen.port'"},
        {"", "1", E_NOTFOUND, "there is no option ''"},
        {"listen.port", "", E_INVAL, "from 0 to 65535"},
        {"listen.port", "65536", E_INVAL, "not '65536'"},
        {"listen.port", "-1", E_INVAL, "not '-1'"},
        {"listen.port", "80x", E_INVAL, "not '80x'"},
        {"listen.port", "99999999999999999999", E_INVAL, "whole number"},
    };
    struct conf *conf;

    (void)state;
    assert_int_equal(conf_create(&conf), E_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char why[200] = "";

        assert_int_equal(conf_set(conf, rows[i].name, rows[i].value, "test",
            why, sizeof(why)), rows[i].err);
        assert_non_null(strstr(why, rows[i].says));
        assert_int_equal(conf->listen_port, 8443);
    }
    conf_free(conf);
}

/* Read ${text} as a file; what is wrong, behind the path, goes to ${why}. */
static enum err
read_text(struct conf *conf, const char *text, char *why, size_t size)
{
    char path[] = "/tmp/vouch-conf-XXXXXX";
    int fd = mkstemp(path);
    char said[800] = "";
    enum err err;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
    err = conf_read(conf, path, said, sizeof(said));
    if (err == E_OK)
        why[0] = '\0';
    else if (strncmp(said, path, strlen(path)) == 0)
        (void)snprintf(why, size, "%s", said + strlen(path));
    else
        fail_msg("%s: said \"%s\"", path, said);
    assert_int_equal(unlink(path), 0);
    return (err);
}

static void
a_file_sets_what_it_names(void **state)
{
    struct conf *conf;
    char why[800];
    char *text = NULL;
    size_t n = 0;
    FILE *f;

    (void)state;
    (void)setenv("VOUCH_TEST_PORT", "4242", 1);
    assert_int_equal(conf_create(&conf), E_OK);
    assert_int_equal(read_text(conf,
        "# a comment\nworkers = 3\nlisten {\n  port = ${VOUCH_TEST_PORT}\n"
        "  address = \"::1\"\n}\nlog { level = debug }\n", why,
        sizeof(why)), E_OK);
    assert_int_equal(conf->workers, 3);
    assert_int_equal(conf->listen_port, 4242);
    assert_string_equal(conf->listen_address, "::1");
    assert_string_equal(conf->log_level, "debug");
    assert_int_equal(conf->message_max, 65536);

    assert_non_null(f = open_memstream(&text, &n));
    conf_write(conf, CONF_EFFECTIVE, f);
    fclose(f);
    assert_non_null(strstr(text, "workers = 3    # /tmp/vouch-conf-"));
    assert_non_null(strstr(text, "level = \"debug\"    # /tmp/vouch-conf-"));
    assert_non_null(strstr(text, "message_bytes = 65536    # default"));
    free(text);
    conf_free(conf);
}

static void
a_fault_in_a_file_has_its_name_and_line(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"workers = 1\nlisten {\n  prot = 1\n}\n",
            ":3: there is no option 'prot'; did you mean 'port'?"},
        {"stroe { dsn = \"x\" }\n", "did you mean 'store'?"},
        {"listen {\n  port = 99999\n}\n",
            ":2: listen.port must be a whole number from 0 to 65535"},
        {"listen {\n\n  port = many\n}\n", ":3: listen.port must be"},
        {"log {\n  level = loud\n}\n",
            ":2: log.level must be one of: error warn info debug"},
        {"listen port\n", ":1: "},
        {"workers = 1 2\n", ":1: "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct conf *conf;
        char why[800];

        assert_int_equal(conf_create(&conf), E_OK);
        if (read_text(conf, rows[i].text, why, sizeof(why)) != E_INVAL)
            fail_msg("%s: taken", rows[i].text);
        if (strstr(why, rows[i].says) == NULL)
            fail_msg("%s: said \"%s\"", rows[i].text, why);
        conf_free(conf);
    }
}

static void
a_file_that_is_not_there_is_named(void **state)
{
    struct conf *conf;
    char why[800];

    (void)state;
    assert_int_equal(conf_create(&conf), E_OK);
    assert_int_equal(conf_read(conf, "/nonexistent/vouchd.conf", why,
        sizeof(why)), E_IO);
    assert_non_null(strstr(why, "/nonexistent/vouchd.conf"));
    conf_free(conf);
}

static char *
written(const struct conf *conf, enum conf_form form)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    conf_write(conf, form, f);
    fclose(f);
    return (text);
}

/* Everything after "# " of a line that sets something, uncommented. */
static void
uncomment(char *text)
{
    for (char *line = text; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        char *mark = strstr(line, "# "), *equals = strstr(line, " = ");

        if (mark != NULL && equals != NULL && mark < end && equals < end)
            *mark = ' ';
        line = end != NULL ? end + 1 : NULL;
    }
}

static void
what_is_written_can_be_read_and_is_the_same(void **state)
{
    struct conf *conf, *again;
    char why[800], *text, *sample, *before, *after;

    (void)state;
    assert_int_equal(conf_create(&conf), E_OK);
    assert_int_equal(conf_set(conf, "store.dsn", "sqlite:/a \"b\" \\ $c#",
        "test", why, sizeof(why)), E_OK);
    text = written(conf, CONF_EFFECTIVE);
    assert_int_equal(conf_create(&again), E_OK);
    assert_int_equal(read_text(again, text, why, sizeof(why)), E_OK);
    assert_string_equal(again->store_dsn, conf->store_dsn);
    conf_free(again);
    conf_free(conf);

    /* The sample sets nothing, and uncommented it sets every default. */
    sample = written(NULL, CONF_SAMPLE);
    assert_int_equal(conf_create(&conf), E_OK);
    before = written(conf, CONF_EFFECTIVE);
    assert_int_equal(read_text(conf, sample, why, sizeof(why)), E_OK);
    after = written(conf, CONF_EFFECTIVE);
    assert_string_equal(before, after);
    uncomment(sample);
    assert_int_equal(read_text(conf, sample, why, sizeof(why)), E_OK);
    assert_int_equal(conf->listen_port, 8443);
    free(after);
    after = written(conf, CONF_EFFECTIVE);
    assert_null(strstr(after, "# default"));
    free(before);
    free(after);
    free(sample);
    free(text);
    conf_free(conf);
}

static void
every_option_stands_in_help_and_manual(void **state)
{
    char *help = written(NULL, CONF_HELP), *manual =
        written(NULL, CONF_MANUAL);

    (void)state;
    for (size_t i = 0; i < conf_option_count; i++) {
        assert_non_null(strstr(help, conf_options[i].name));
        assert_non_null(strstr(manual, conf_options[i].name));
        assert_non_null(strstr(manual, conf_options[i].help));
    }
    free(help);
    free(manual);
}

static void
an_allocation_that_fails_is_told(void **state)
{
    struct conf *conf;
    int n = 0;

    (void)state;
    for (;; n++) {
        enum err err;

        fault_arm(n);
        err = conf_create(&conf);
        if (!fault_fired()) {
            fault_arm(-1);
            assert_int_equal(err, E_OK);
            break;
        }
        fault_arm(-1);
        assert_int_equal(err, E_NOMEM);
        assert_null(conf);
    }
    assert_true(n > 0);
    conf_free(conf);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_what_the_table_says),
        cmocka_unit_test(a_value_is_taken),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(a_file_sets_what_it_names),
        cmocka_unit_test(a_fault_in_a_file_has_its_name_and_line),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(what_is_written_can_be_read_and_is_the_same),
        cmocka_unit_test(every_option_stands_in_help_and_manual),
        cmocka_unit_test(an_allocation_that_fails_is_told),
    };

    return (cmocka_run_group_tests_name("conf", tests, NULL, NULL));
}
