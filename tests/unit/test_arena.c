#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdalign.h>
#include <string.h>

#include "proto/arena.h"
#include "support/fault.h"

#define SWEEP_MAX 100

static void
memory_is_aligned_and_apart(void **state)
{
    struct arena *arena;
    uint8_t *p[200];
    size_t i, j;

    (void)state;
    assert_int_equal(arena_create(1 << 20, &arena), E_OK);
    for (i = 0; i < 200; i++) {
        assert_non_null(p[i] = arena_alloc(arena, i));
        assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
        memset(p[i], (int)i, i);
    }
    for (i = 0; i < 200; i++) {
        for (j = 0; j < i; j++)
            assert_int_equal(p[i][j], i);
        assert_true(i == 0 || p[i] != p[i - 1]);
    }
    arena_free(arena);
}

static void
the_cap_is_hard_and_a_reset_lifts_it(void **state)
{
    struct arena *arena;
    size_t n, round;

    (void)state;
    assert_int_equal(arena_create(100000, &arena), E_OK);
    for (round = 0; round < 3; round++) {
        for (n = 0; n <= 100000 && arena_alloc(arena, 100) != NULL;)
            n += 100;
        assert_in_range(n, 80000, 100000);
        assert_true(arena_exhausted(arena));
        arena_reset(arena);
        assert_false(arena_exhausted(arena));
        assert_non_null(arena_alloc(arena, 100000));
        assert_null(arena_alloc(arena, 1));
        arena_reset(arena);
        assert_null(arena_alloc(arena, 100001));
        assert_true(arena_exhausted(arena));
        assert_null(arena_alloc(arena, SIZE_MAX));
        arena_reset(arena);
    }
    arena_free(arena);
}

static void
an_arena_may_be_tiny_or_boundless(void **state)
{
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_create(0, &arena), E_OK);
    assert_null(arena_alloc(arena, 0));
    assert_null(arena_alloc(arena, 1));
    assert_true(arena_exhausted(arena));
    arena_free(arena);

    assert_int_equal(arena_create(SIZE_MAX, &arena), E_OK);
    assert_non_null(arena_alloc(arena, 1 << 20));
    assert_null(arena_alloc(arena, SIZE_MAX - 3));
    assert_true(arena_exhausted(arena));
    assert_non_null(arena_alloc(arena, 1));
    arena_free(arena);
    arena_free(NULL);
}

static void
a_copy_ends_in_a_nul(void **state)
{
    struct arena *arena;
    char *text;

    (void)state;
    assert_int_equal(arena_create(64, &arena), E_OK);
    assert_non_null(text = arena_copy(arena, slice_of("Phlebotomist")));
    assert_string_equal(text, "Phlebotomist");
    assert_non_null(text = arena_copy(arena, (struct slice){NULL, 0}));
    assert_string_equal(text, "");
    assert_null(arena_copy(arena, (struct slice){(uint8_t *)text, SIZE_MAX}));
    arena_reset(arena);
    assert_null(arena_copy(arena, (struct slice){(uint8_t *)text, 64}));
    arena_free(arena);
}

static void
the_allocator_is_the_arena(void **state)
{
    ProtobufCAllocator *allocator;
    struct arena *arena;
    void *p;

    (void)state;
    assert_int_equal(arena_create(64, &arena), E_OK);
    allocator = arena_allocator(arena);
    assert_non_null(p = allocator->alloc(allocator->allocator_data, 64));
    allocator->free(allocator->allocator_data, p);
    assert_null(allocator->alloc(allocator->allocator_data, 1));
    arena_free(arena);
}

static void
every_allocation_may_fail(void **state)
{
    struct arena *arena;
    enum err err;
    void *p;
    int n, fired = 1;

    (void)state;
    for (n = 0; fired && n < SWEEP_MAX; n++) {
        fault_arm(n);
        err = arena_create(1 << 20, &arena);
        p = NULL;
        if (err == E_OK) {
            p = arena_alloc(arena, 1000);
            assert_non_null(p);     /* the first block is there */
            p = arena_alloc(arena, 100000);
            if (p != NULL)
                p = arena_alloc(arena, 500000);
        }
        fired = fault_fired();
        fault_arm(-1);
        if (err != E_OK) {
            assert_int_equal(err, E_NOMEM);
            assert_null(arena);
            continue;
        }
        assert_int_equal(p == NULL, fired);
        /* It is memory that was short, and later it is not. */
        assert_false(arena_exhausted(arena));
        assert_non_null(arena_alloc(arena, 100000));
        arena_free(arena);
    }
    assert_int_equal(n, 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_and_apart),
        cmocka_unit_test(the_cap_is_hard_and_a_reset_lifts_it),
        cmocka_unit_test(an_arena_may_be_tiny_or_boundless),
        cmocka_unit_test(a_copy_ends_in_a_nul),
        cmocka_unit_test(the_allocator_is_the_arena),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
