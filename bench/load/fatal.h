#ifndef BENCH_LOAD_FATAL_H
#define BENCH_LOAD_FATAL_H

/*
 * A measurement that something went wrong in is worth nothing: whatever is not
 * an answer ends the program.
 */

#include <stddef.h>

#include "proto/err.h"

/**
 * fatal(format, ...):
 * Print what went wrong, and end the program with status 1.
 */
void fatal(const char *format, ...) PRINTF_LIKE(1, 2)
    __attribute__((noreturn));

/**
 * fatal_alloc(n, size):
 * Return ${n} zeroed things of ${size} bytes, or end the program.  The caller
 * owns them; free with free().
 */
void *fatal_alloc(size_t n, size_t size);

#endif /* !BENCH_LOAD_FATAL_H */
