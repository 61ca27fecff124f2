#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "h2/h2_memory.h"
#include "support/fault.h"

#define LONG ((size_t)20000)

static int
within(const struct h2_memory *memory, const void *p)
{
    const uint8_t *at = p;

    return (at >= memory->pages && at < memory->pages + memory->used);
}

static void
what_a_session_begins_with_is_in_its_pages(void **state)
{
    struct h2_memory memory;
    nghttp2_mem mem;
    uint8_t *a, *b, *c;

    (void)state;
    h2_memory_open(&memory);
    assert_non_null(memory.pages);
    mem = h2_memory_of(&memory);
    a = mem.malloc(3, mem.mem_user_data);
    b = mem.calloc(100, 7, mem.mem_user_data);
    c = mem.realloc(NULL, LONG, mem.mem_user_data);
    assert_true(within(&memory, a) && within(&memory, b) &&
        within(&memory, c));
    memset(a, 1, 3);
    for (size_t i = 0; i < 700; i++)
        assert_int_equal(b[i], 0);
    memset(c, 2, LONG);
    assert_int_equal(a[2], 1);
    assert_true((uintptr_t)b % _Alignof(max_align_t) == 0);

    /* Freeing is nothing, and there is no second use. */
    mem.free(a, mem.mem_user_data);
    mem.free(NULL, mem.mem_user_data);
    assert_ptr_not_equal(mem.malloc(3, mem.mem_user_data), a);
    h2_memory_close(&memory);
    assert_null(memory.pages);
}

static void
what_comes_later_is_mallocs(void **state)
{
    struct h2_memory memory;
    nghttp2_mem mem;
    void *p;

    (void)state;
    h2_memory_open(&memory);
    mem = h2_memory_of(&memory);
    h2_memory_begun(&memory);
    p = mem.malloc(10, mem.mem_user_data);
    assert_false(within(&memory, p));
    assert_non_null(p = mem.realloc(p, 100, mem.mem_user_data));
    mem.free(p, mem.mem_user_data);
    p = mem.calloc(10, 10, mem.mem_user_data);
    assert_false(within(&memory, p));
    mem.free(p, mem.mem_user_data);
    assert_int_equal(memory.used, 0);
    h2_memory_close(&memory);
}

static void
what_does_not_fit_is_mallocs(void **state)
{
    struct h2_memory memory;
    nghttp2_mem mem;
    uint8_t *first, *second;

    (void)state;
    h2_memory_open(&memory);
    mem = h2_memory_of(&memory);
    first = mem.malloc(LONG, mem.mem_user_data);
    second = mem.malloc(LONG, mem.mem_user_data);
    assert_true(within(&memory, first));
    assert_false(within(&memory, second));
    mem.free(second, mem.mem_user_data);
    h2_memory_close(&memory);
}

static void
what_grows_moves_out(void **state)
{
    struct h2_memory memory;
    nghttp2_mem mem;
    uint8_t *p, *to;

    (void)state;
    h2_memory_open(&memory);
    mem = h2_memory_of(&memory);
    p = mem.malloc(100, mem.mem_user_data);
    memset(p, 'x', 100);
    fault_arm(0);
    assert_null(mem.realloc(p, 2 * LONG, mem.mem_user_data));
    fault_arm(-1);
    to = mem.realloc(p, 2 * LONG, mem.mem_user_data);
    assert_non_null(to);
    assert_false(within(&memory, to));
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(to[i], 'x');
    mem.free(to, mem.mem_user_data);
    h2_memory_close(&memory);
}

/* The kernel has no pages to give. */
static void
without_pages_all_is_mallocs(void **state)
{
    struct h2_memory memory = {0};
    nghttp2_mem mem = h2_memory_of(&memory);
    void *p;

    (void)state;
    fault_arm(0);
    assert_null(mem.malloc(10, mem.mem_user_data));
    fault_arm(-1);
    assert_non_null(p = mem.malloc(10, mem.mem_user_data));
    assert_non_null(p = mem.realloc(p, 20, mem.mem_user_data));
    mem.free(p, mem.mem_user_data);
    h2_memory_close(&memory);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_session_begins_with_is_in_its_pages),
        cmocka_unit_test(what_comes_later_is_mallocs),
        cmocka_unit_test(what_does_not_fit_is_mallocs),
        cmocka_unit_test(what_grows_moves_out),
        cmocka_unit_test(without_pages_all_is_mallocs),
    };

    return (cmocka_run_group_tests_name("h2_memory", tests, NULL, NULL));
}
