#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/conf.h"
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
    assert_int_equal(conf_set(conf, "listen.port", "0", why, sizeof(why)),
        E_OK);
    assert_int_equal(conf_set(conf, "store.dsn", "sqlite:/x", why,
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

        assert_int_equal(conf_set(conf, rows[i].name, rows[i].value, why,
            sizeof(why)), rows[i].err);
        assert_non_null(strstr(why, rows[i].says));
        assert_int_equal(conf->listen_port, 8443);
    }
    conf_free(conf);
}

static void
what_is_printed_can_be_read_again(void **state)
{
    char *text = NULL;
    size_t n = 0, lines = 0;
    FILE *f = open_memstream(&text, &n);
    struct conf *conf;
    char *save = NULL;

    (void)state;
    assert_non_null(f);
    assert_int_equal(conf_create(&conf), E_OK);
    conf_print(conf, f);
    fclose(f);
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
        line = strtok_r(NULL, "\n", &save)) {
        char *value = strchr(line, '=');
        char why[200];

        assert_non_null(value);
        *value++ = '\0';
        assert_int_equal(conf_set(conf, line, value, why, sizeof(why)), E_OK);
        lines++;
    }
    assert_true(lines > 20);
    free(text);
    conf_free(conf);
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
        cmocka_unit_test(what_is_printed_can_be_read_again),
        cmocka_unit_test(an_allocation_that_fails_is_told),
    };

    return (cmocka_run_group_tests_name("conf", tests, NULL, NULL));
}
