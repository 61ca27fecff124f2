#include "bench/load/fatal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void
fatal(const char *format, ...)
{
    va_list ap;

    (void)fputs("vouch_load: ", stderr);
    va_start(ap, format);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    exit(EXIT_FAILURE);
}

void *
fatal_alloc(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (p == NULL)
        fatal("out of memory");
    return (p);
}
