#include "support/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static _Thread_local int left = -1;
static _Thread_local int lasting = 0;
static _Thread_local int fired = 0;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

/* Whoever wants some tests only says which: "*alloc*". */
static void __attribute__((constructor))
choose_tests(void)
{
    const char *pattern = getenv("VOUCH_TESTS");

    if (pattern != NULL)
        cmocka_set_test_filter(pattern);
}

static void
arm(int n, int lasts)
{
    left = n;
    lasting = lasts;
    fired = 0;
}

void
fault_arm(int n)
{
    const char *mode = getenv("VOUCH_FAULT");

    arm(n, mode != NULL && strcmp(mode, "forever") == 0);
}

void
fault_arm_forever(int n)
{
    arm(n, 1);
}

int
fault_fired(void)
{
    return (fired);
}

static int
strike(void)
{
    if (left < 0)
        return (0);
    if (left > 0) {
        left--;
        return (0);
    }
    left = lasting ? 0 : -1;
    fired = 1;
    return (1);
}

void *
__wrap_malloc(size_t n)
{
    return (strike() ? NULL : __real_malloc(n));
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return (strike() ? NULL : __real_calloc(n, size));
}

void *
__wrap_realloc(void *p, size_t n)
{
    return (strike() ? NULL : __real_realloc(p, n));
}
