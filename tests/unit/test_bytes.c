#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "support/fault.h"

/* More than any of these functions allocates. */
#define SWEEP_MAX 100

static void
slices_are_equal_by_content(void **state)
{
    (void)state;
    assert_true(slice_equal(slice_of("abc"), slice_of("abc")));
    assert_false(slice_equal(slice_of("abc"), slice_of("abd")));
    assert_false(slice_equal(slice_of("abc"), slice_of("ab")));
    assert_true(slice_equal(slice_of(""), (struct slice){NULL, 0}));
}

static void
a_buf_grows_to_its_limit_and_not_beyond(void **state)
{
    struct buf buf;
    size_t i;

    (void)state;
    buf_init(&buf, 1000);
    assert_null(buf.p);
    for (i = 0; i < 500; i++)
        assert_int_equal(buf_add(&buf, slice_of("xy")), E_OK);
    assert_int_equal(buf.n, 1000);
    assert_true(buf.size <= buf.max);
    assert_int_equal(buf_add(&buf, slice_of("z")), E_TOOBIG);
    assert_int_equal(buf_reserve(&buf, SIZE_MAX), E_TOOBIG);
    assert_int_equal(buf_add(&buf, slice_of("")), E_OK);
    assert_int_equal(buf.n, 1000);
    for (i = 0; i < buf.n; i++)
        assert_int_equal(buf.p[i], i % 2 == 0 ? 'x' : 'y');
    buf_free(&buf);
    assert_int_equal(buf.n, 0);
    assert_int_equal(buf.max, 1000);
    assert_int_equal(buf_add(&buf, slice_of("again")), E_OK);
    assert_true(slice_equal(buf_slice(&buf), slice_of("again")));
    buf_free(&buf);
}

static void
a_buf_drops_from_its_front(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 64);
    buf_drop(&buf, 0);
    assert_int_equal(buf_add(&buf, slice_of("0123456789")), E_OK);
    buf_drop(&buf, 4);
    assert_true(slice_equal(buf_slice(&buf), slice_of("456789")));
    buf_drop(&buf, 6);
    assert_int_equal(buf.n, 0);
    buf_free(&buf);
}

static void
a_buf_is_as_it_was_after_any_failure(void **state)
{
    struct buf buf;
    enum err err;
    int n, fired = 1;

    (void)state;
    for (n = 0; fired && n < SWEEP_MAX; n++) {
        buf_init(&buf, 1 << 20);
        fault_arm(n);
        err = buf_add(&buf, slice_of("first"));
        if (err == E_OK && (err = buf_reserve(&buf, 100000)) != E_OK)
            assert_true(slice_equal(buf_slice(&buf), slice_of("first")));
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(err, fired ? E_NOMEM : E_OK);
        buf_free(&buf);
    }
    assert_int_equal(n, 3);
}

static void
hexadecimal_goes_there_and_back(void **state)
{
    const uint8_t bytes[] = {0x00, 0x9f, 0xff, 0x0a};
    uint8_t back[4];
    char text[9];

    (void)state;
    bytes_to_hex((struct slice){bytes, 4}, text);
    assert_string_equal(text, "009fff0a");
    assert_int_equal(bytes_from_hex("009FfF0a", back, 4), E_OK);
    assert_memory_equal(back, bytes, 4);
    assert_int_equal(bytes_from_hex("009fff0", back, 4), E_INVAL);
    assert_int_equal(bytes_from_hex("009fff0a0", back, 4), E_INVAL);
    assert_int_equal(bytes_from_hex("009fff", back, 4), E_INVAL);
    assert_int_equal(bytes_from_hex("009fff0g", back, 4), E_INVAL);
    assert_int_equal(bytes_from_hex("009fff 0", back, 4), E_INVAL);
    assert_int_equal(bytes_from_hex("", back, 0), E_OK);
}

/* RFC 4648 section 10, and what its alphabet's end looks like. */
static const struct {
    const char *bytes;
    const char *padded;
    const char *bare;
} base64[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbe", "+/++", "+/++"},
};

static void
base64_is_that_of_the_rfc(void **state)
{
    uint8_t back[16];
    char text[32];
    size_t i, n;

    (void)state;
    for (i = 0; i < sizeof(base64) / sizeof(base64[0]); i++) {
        struct slice bytes = slice_of(base64[i].bytes);

        assert_int_equal(bytes_to_base64(bytes, text, sizeof(text), 1), E_OK);
        assert_string_equal(text, base64[i].padded);
        assert_int_equal(bytes_to_base64(bytes, text, sizeof(text), 0), E_OK);
        assert_string_equal(text, base64[i].bare);

        assert_int_equal(bytes_from_base64(slice_of(base64[i].padded), back,
            sizeof(back), &n), E_OK);
        assert_true(slice_equal((struct slice){back, n}, bytes));
        assert_int_equal(bytes_from_base64(slice_of(base64[i].bare), back,
            sizeof(back), &n), E_OK);
        assert_true(slice_equal((struct slice){back, n}, bytes));
    }
    assert_int_equal(bytes_from_base64(slice_of("-_--"), back, sizeof(back),
        &n), E_OK);
    assert_true(slice_equal((struct slice){back, n}, slice_of("\xfb\xff\xbe")));
}

static void
base64_needs_its_exact_room(void **state)
{
    uint8_t bytes[60] = {0}, back[60];
    char *text, want[96];
    size_t i, n, size;
    int padded;

    (void)state;
    for (i = 0; i <= sizeof(bytes); i++) {
        for (padded = 0; padded < 2; padded++) {
            assert_int_equal(bytes_to_base64((struct slice){bytes, i}, want,
                sizeof(want), padded), E_OK);
            size = strlen(want) + 1;
            /* On the heap, for the sanitizer to see. */
            assert_non_null(text = malloc(size));
            assert_int_equal(bytes_to_base64((struct slice){bytes, i}, text,
                size, padded), E_OK);
            assert_int_equal(bytes_to_base64((struct slice){bytes, i}, text,
                size - 1, padded), E_TOOBIG);
            assert_int_equal(bytes_from_base64(slice_of(want), back, i, &n),
                E_OK);
            assert_int_equal(n, i);
            if (i > 0)
                assert_int_equal(bytes_from_base64(slice_of(want), back,
                    i - 1, &n), E_TOOBIG);
            free(text);
        }
    }
    assert_int_equal(bytes_to_base64((struct slice){bytes, SIZE_MAX}, want,
        sizeof(want), 1), E_TOOBIG);
}

static void
base64_that_is_not_is_refused(void **state)
{
    static const char *const bad[] = {
        "A", "AAAAA", "Zg=", "Zg===", "=", "====", "Zg==Zg==", "Z g=", "Zg==\n",
        "Zm9v====", "Zm9v=", "Zh", "Zm9", "Z\xc3\xa9=", ".AAA", "A=AA",
    };
    uint8_t back[16];
    size_t i, n;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        n = 99;
        assert_int_equal(bytes_from_base64(slice_of(bad[i]), back,
            sizeof(back), &n), E_INVAL);
        assert_int_equal(n, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_are_equal_by_content),
        cmocka_unit_test(a_buf_grows_to_its_limit_and_not_beyond),
        cmocka_unit_test(a_buf_drops_from_its_front),
        cmocka_unit_test(a_buf_is_as_it_was_after_any_failure),
        cmocka_unit_test(hexadecimal_goes_there_and_back),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(base64_needs_its_exact_room),
        cmocka_unit_test(base64_that_is_not_is_refused),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
