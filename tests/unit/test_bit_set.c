#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "service/bit_set.h"
#include "support/fault.h"

static const int64_t some[] = {0, 1, 63, 64, 32767, 32768, 99999, 10000000};

#define COUNT (sizeof(some) / sizeof(some[0]))

static void
what_was_put_in_is_there_and_nothing_else(void **state)
{
    struct bit_set set = {0};
    size_t i;

    (void)state;
    assert_false(bit_set_has(&set, 0));
    assert_false(bit_set_has(&set, INT64_MAX));
    for (i = COUNT; i-- > 0; )
        assert_int_equal(bit_set_add(&set, some[i]), E_OK);
    for (i = 0; i < COUNT; i++) {
        assert_true(bit_set_has(&set, some[i]));
        assert_int_equal(bit_set_add(&set, some[i]), E_OK);
    }
    assert_false(bit_set_has(&set, 2));
    assert_false(bit_set_has(&set, 65));
    assert_false(bit_set_has(&set, 32769));
    assert_false(bit_set_has(&set, 5000000));
    assert_false(bit_set_has(&set, 10000001));
    assert_false(bit_set_has(&set, INT64_MAX));
    bit_set_free(&set);
    assert_false(bit_set_has(&set, 0));
}

/* What was put in before stays. */
static void
each_allocation_may_fail(void **state)
{
    struct bit_set set = {0};
    enum err err;
    int n;

    (void)state;
    assert_int_equal(bit_set_add(&set, 7), E_OK);
    for (n = 0; n < 10; n++) {
        fault_arm(n);
        err = bit_set_add(&set, 99999);
        if (!fault_fired())
            break;
        fault_arm(-1);
        assert_int_equal(err, E_NOMEM);
        assert_true(bit_set_has(&set, 7));
        assert_false(bit_set_has(&set, 99999));
    }
    fault_arm(-1);
    assert_true(n > 0);
    assert_true(bit_set_has(&set, 99999));
    bit_set_free(&set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_in_is_there_and_nothing_else),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
