#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/nearest.h"

static void
distances_are_edits(void **state)
{
    static const struct {
        const char *a, *b;
        size_t edits;
    } rows[] = {
        {"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"abc", "abc", 0},
        {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"ab", "ba", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(nearest_distance(rows[i].a, rows[i].b),
            rows[i].edits);
        assert_int_equal(nearest_distance(rows[i].b, rows[i].a),
            rows[i].edits);
    }
}

static void
the_nearest_is_found(void **state)
{
    static const char *const words[] = {"verify", "publish", "health"};

    (void)state;
    assert_string_equal(nearest_of("verfy", words, 3), "verify");
    assert_string_equal(nearest_of("helth", words, 3), "health");
    assert_string_equal(nearest_of("", words, 3), "verify");
    assert_string_equal(nearest_of("pu", words, 3), "publish");
}

static void
what_is_too_long_is_far(void **state)
{
    char text[400];

    (void)state;
    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_true(nearest_distance("a", text) == SIZE_MAX);
    assert_int_equal(nearest_distance(text, "a"), 398);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_edits),
        cmocka_unit_test(the_nearest_is_found),
        cmocka_unit_test(what_is_too_long_is_far),
    };

    return (cmocka_run_group_tests_name("nearest", tests, NULL, NULL));
}
