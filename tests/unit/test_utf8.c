#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "proto/utf8.h"
#include "support/fault.h"

static void
utf8_that_is_not_is_refused(void **state)
{
    static const struct {
        const char *text;
        int valid;
    } cases[] = {
        {"", 1}, {"plain ASCII, more than eight bytes", 1},
        {"Garc\xc3\xad" "a L\xc3\xb3pez", 1}, {"\xe2\x82\xac", 1},
        {"\xf0\x9f\x98\x80", 1}, {"\xf4\x8f\xbf\xbf", 1}, {"\xed\x9f\xbf", 1},
        {"\xee\x80\x80", 1}, {"\xef\xbf\xbf", 1},
        {"\xc0\xaf", 0}, {"\xc1\xbf", 0}, {"\xe0\x80\xaf", 0},
        {"\xe0\x9f\xbf", 0}, {"\xf0\x80\x80\xaf", 0}, {"\xf0\x8f\xbf\xbf", 0},
        {"\xed\xa0\x80", 0}, {"\xed\xbf\xbf", 0}, {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0}, {"\xff", 0}, {"\x80", 0}, {"\xbf", 0},
        {"abcdefgh\x80", 0}, {"abcdefghi\xc3", 0}, {"\xe2\x82", 0},
        {"\xf0\x9f\x98", 0}, {"\xe2\x28\xa1", 0}, {"\xf0\x9f\x28\x80", 0},
        {"\xc3\xc3", 0},
    };
    char text[40];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(utf8_is_text(slice_of(cases[i].text)),
            cases[i].valid);
        utf8_copy(slice_of(cases[i].text), text, sizeof(text));
        assert_true(utf8_is_text(slice_of(text)));
        assert_int_equal(strlen(text), strlen(cases[i].text));
    }
}

static void
a_nul_is_found_wherever_it_stands(void **state)
{
    uint8_t text[27];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(text); i++) {
        memset(text, 'a', sizeof(text));
        assert_true(utf8_is_text((struct slice){text, sizeof(text)}));
        text[i] = 0;
        assert_false(utf8_is_text((struct slice){text, sizeof(text)}));
        text[i] = 0x80;
        assert_false(utf8_is_text((struct slice){text, sizeof(text)}));
        text[i] = 0x01;
        assert_true(utf8_is_text((struct slice){text, sizeof(text)}));
    }
}

static void
the_first_character_is_measured(void **state)
{
    (void)state;
    assert_int_equal(utf8_next(slice_of("")), 0);
    assert_int_equal(utf8_next((struct slice){NULL, 0}), 0);
    assert_int_equal(utf8_next((struct slice){(const uint8_t *)"", 1}), 1);
    assert_int_equal(utf8_next(slice_of("ab")), 1);
    assert_int_equal(utf8_next(slice_of("\xc3\xb8x")), 2);
    assert_int_equal(utf8_next(slice_of("\xe2\x82\xac" "x")), 3);
    assert_int_equal(utf8_next(slice_of("\xf0\x9f\x98\x80x")), 4);
    assert_int_equal(utf8_next(slice_of("\xe2\x82")), 0);
}

static void
a_copy_is_cut_at_a_character(void **state)
{
    char text[8];

    (void)state;
    utf8_copy(slice_of("abc\xe2\x82\xac"), text, 7);
    assert_string_equal(text, "abc\xe2\x82\xac");
    utf8_copy(slice_of("abc\xe2\x82\xac"), text, 6);
    assert_string_equal(text, "abc");
    utf8_copy(slice_of("abc\xe2\x82\xac"), text, 1);
    assert_string_equal(text, "");
    utf8_copy((struct slice){(const uint8_t *)"a\0b\xff", 4}, text, 8);
    assert_string_equal(text, "a?b?");
}

static void
nothing_is_allocated(void **state)
{
    char text[8];

    (void)state;
    fault_arm(0);
    assert_true(utf8_is_text(slice_of("text")));
    utf8_copy(slice_of("text"), text, sizeof(text));
    assert_false(fault_fired());
    fault_arm(-1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_that_is_not_is_refused),
        cmocka_unit_test(a_nul_is_found_wherever_it_stands),
        cmocka_unit_test(the_first_character_is_measured),
        cmocka_unit_test(a_copy_is_cut_at_a_character),
        cmocka_unit_test(nothing_is_allocated),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
