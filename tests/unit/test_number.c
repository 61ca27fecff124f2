#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <string.h>

#include "proto/number.h"

#define ALL {1, 1, 1}
#define NO {0, 0, 0}

static struct slice
of(const char *text)
{
    return ((struct slice){(const uint8_t *)text, strlen(text)});
}

static const struct {
    struct number_rules rules;
    const char *number;
    const char *key;
} keys[] = {
    {NO, "00-aB 12", "00-aB 12"},
    {NO, "  12 34  ", "12 34"},
    {NO, "0", "0"},
    {NO, "~!\"#", "~!\"#"},
    {{1, 0, 0}, "mt-12az", "MT-12AZ"},
    {{1, 0, 0}, "[`{@", "[`{@"},
    {{0, 1, 0}, " a-1.2/3_4 5", "a12345"},
    {{0, 1, 0}, "a,1", "a,1"},
    {{0, 0, 1}, "00123", "123"},
    {{0, 0, 1}, "000", "0"},
    {{0, 0, 1}, "0", "0"},
    {{0, 0, 1}, "00-12", "-12"},
    {{0, 0, 1}, "A001", "A001"},
    {{0, 0, 1}, "00A", "A"},
    {{0, 0, 1}, "  007", "7"},
    {ALL, "0-0-0", "0"},
    {ALL, "00-012-ab", "12AB"},
    {ALL, "-0012", "12"},
};

static void
each_rule_does_its_own_part(void **state)
{
    char key[NUMBER_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_int_equal(number_key(&keys[i].rules, of(keys[i].number), key),
            E_OK);
        assert_string_equal(key, keys[i].key);
    }
}

/* The key of a key is the key: looked up twice is looked up the same. */
static void
a_key_is_its_own_key(void **state)
{
    char once[NUMBER_MAX + 1], twice[NUMBER_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_int_equal(number_key(&keys[i].rules, of(keys[i].number), once),
            E_OK);
        assert_int_equal(number_key(&keys[i].rules, of(once), twice), E_OK);
        assert_string_equal(twice, once);
    }
}

static void
refuses_what_is_no_number(void **state)
{
    static const struct {
        struct number_rules rules;
        const char *number;
    } refused[] = {
        {NO, ""}, {NO, " "}, {NO, "   "}, {ALL, "-./_ "}, {NO, "12\t"},
        {NO, "1\n2"}, {NO, "12\r"}, {NO, "\x7f"}, {NO, "M\xc3\xbc"},
        {NO, "12\xc2\xa0"}, {NO, "\x80"}, {NO, "\xff"}, {NO, "\x1f"},
    };
    static const uint8_t nul[] = {'1', 0, '2'};
    const struct number_rules no = NO;
    char key[NUMBER_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (number_key(&refused[i].rules, of(refused[i].number), key) !=
            E_INVAL)
            fail_msg("row %zu", i);
        assert_string_equal(key, "");
    }
    assert_int_equal(number_key(&no, (struct slice){nul, 3}, key), E_INVAL);
    assert_int_equal(number_key(&no, (struct slice){NULL, 0}, key), E_INVAL);
}

static void
the_limit_is_of_the_number_as_written(void **state)
{
    const struct number_rules all = ALL, no = NO;
    char text[NUMBER_MAX + 2], key[NUMBER_MAX + 1];

    (void)state;
    memset(text, '7', sizeof(text));
    text[NUMBER_MAX] = '\0';
    assert_int_equal(number_key(&no, of(text), key), E_OK);
    assert_string_equal(key, text);
    memset(text, ' ', NUMBER_MAX + 1);
    text[0] = '7';
    text[NUMBER_MAX + 1] = '\0';
    assert_int_equal(number_key(&all, of(text), key), E_TOOBIG);
    assert_string_equal(key, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rule_does_its_own_part),
        cmocka_unit_test(a_key_is_its_own_key),
        cmocka_unit_test(refuses_what_is_no_number),
        cmocka_unit_test(the_limit_is_of_the_number_as_written),
    };

    return (cmocka_run_group_tests_name("number", tests, NULL, NULL));
}
