#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <string.h>

#include "proto/uuid.h"
#include "support/fault.h"


static void
a_new_one_is_version_4_in_lower_case(void **state)
{
    char text[UUID_TEXT], last[UUID_TEXT] = "";
    uint8_t bytes[16];
    int round;
    size_t i;

    (void)state;
    for (round = 0; round < 1000; round++) {
        assert_int_equal(uuid_make(text), E_OK);
        assert_int_equal(strlen(text), 36);
        for (i = 0; i < 36; i++) {
            if (i == 8 || i == 13 || i == 18 || i == 23)
                assert_int_equal(text[i], '-');
            else
                assert_true(isxdigit(text[i]) && !isupper(text[i]));
        }
        assert_int_equal(text[14], '4');
        assert_non_null(strchr("89ab", text[19]));
        assert_string_not_equal(text, last);
        assert_int_equal(uuid_parse(slice_of(text), bytes), E_OK);
        memcpy(last, text, sizeof(last));
    }
}

static void
the_text_form_is_read_in_either_case(void **state)
{
    static const uint8_t want[16] = {0x01, 0x93, 0x5a, 0x2c, 0x7b, 0x8d, 0x7e,
        0xf0, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34, 0x56, 0x78};
    uint8_t bytes[16];

    (void)state;
    assert_int_equal(uuid_parse(
        slice_of("01935a2c-7b8d-7ef0-9abc-def012345678"), bytes), E_OK);
    assert_memory_equal(bytes, want, 16);
    memset(bytes, 0, 16);
    assert_int_equal(uuid_parse(
        slice_of("01935A2C-7B8D-7EF0-9ABC-DEF012345678"), bytes), E_OK);
    assert_memory_equal(bytes, want, 16);
}

static void
anything_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "", "01935a2c7b8d7ef09abcdef012345678",
        "01935a2c-7b8d-7ef0-9abc-def01234567",
        "01935a2c-7b8d-7ef0-9abc-def0123456789",
        "{01935a2c-7b8d-7ef0-9abc-def01234567}",
        "01935a2c-7b8d-7ef0-9abc+def012345678",
        "01935a2c7-b8d-7ef0-9abc-def012345678",
        "01935a2c-7b8d-7ef0-9abc-def01234567g",
        "01935a2c-7b8d-7ef0-9abc-def01234 678",
        "------------------------------------",
    };
    char nul[37] = "01935a2c-7b8d-7ef0-9abc-def012345678";
    uint8_t bytes[16];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(uuid_parse(slice_of(bad[i]), bytes), E_INVAL);
    nul[20] = '\0';
    assert_int_equal(uuid_parse((struct slice){(uint8_t *)nul, 36}, bytes),
        E_INVAL);
}

/* OpenSSL allocates through its own calls: ours allocates nothing. */
static void
no_allocation_is_made(void **state)
{
    char text[UUID_TEXT];
    uint8_t bytes[16];

    (void)state;
    assert_int_equal(uuid_make(text), E_OK);
    fault_arm(0);
    assert_int_equal(uuid_make(text), E_OK);
    assert_int_equal(uuid_parse(slice_of(text), bytes), E_OK);
    assert_false(fault_fired());
    fault_arm(-1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_one_is_version_4_in_lower_case),
        cmocka_unit_test(the_text_form_is_read_in_either_case),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(no_allocation_is_made),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
