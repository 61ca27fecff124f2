#include "support/fault.h"

#include <stddef.h>

static _Thread_local int left = -1;
static _Thread_local int fired = 0;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

void
fault_arm(int n)
{
    left = n;
    fired = 0;
}

int
fault_fired(void)
{
    return (fired);
}

static int
strike(void)
{
    if (left < 0 || left-- > 0)
        return (0);
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
