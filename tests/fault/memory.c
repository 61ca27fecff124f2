#include "fault/memory.h"

#include <execinfo.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);

/* There in a build with the leak sanitizer only. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static _Thread_local int exempt;
static atomic_int armed, lasting, tracing;
static atomic_long target, asked, failed;

static void
trace(void)
{
    void *frames[64];

    backtrace_symbols_fd(frames, backtrace(frames, 64), STDERR_FILENO);
    (void)!write(STDERR_FILENO, "--\n", 3);
}

/* What asks, and whether it was our own code, while only counting. */
enum asker_kind { OWN, LIBRARY };

#define OWN_MAX 65536
static atomic_uchar own[OWN_MAX];

static int
strike(enum asker_kind kind)
{
    long at, to;

    if (exempt || !atomic_load(&armed))
        return (0);
    at = atomic_fetch_add(&asked, 1);
    to = atomic_load(&target);
    if (to < 0 && at < OWN_MAX)
        atomic_store(&own[at], kind == OWN);
    if (to < 0 || at < to || (at > to && !atomic_load(&lasting)))
        return (0);
    if (atomic_fetch_add(&failed, 1) == 0 && atomic_load(&tracing)) {
        exempt = 1;
        trace();
        exempt = 0;
    }
    return (1);
}

void
memory_arm(long n, enum memory_mode mode)
{
    atomic_store(&armed, 0);
    atomic_store(&target, n);
    atomic_store(&lasting, mode == MEMORY_FOREVER);
    atomic_store(&asked, 0);
    atomic_store(&failed, 0);
    atomic_store(&armed, 1);
}

long
memory_disarm(void)
{
    atomic_store(&armed, 0);
    return (atomic_load(&failed));
}

long
memory_asked(void)
{
    return (atomic_load(&asked));
}

int
memory_is_own(long n)
{
    return (n < OWN_MAX && atomic_load(&own[n]));
}

void
memory_exempt(void)
{
    exempt = 1;
}

void
memory_trace(void)
{
    void *frame[1];

    (void)backtrace(frame, 1);      /* the first time it allocates */
    atomic_store(&tracing, 1);
}

int
memory_leaks(void)
{
    return (__lsan_do_recoverable_leak_check != NULL &&
        __lsan_do_recoverable_leak_check() != 0);
}

/* ---- whoever asks ------------------------------------------------------ */

void *
__wrap_malloc(size_t n)
{
    return (strike(OWN) ? NULL : __real_malloc(n));
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return (strike(OWN) ? NULL : __real_calloc(n, size));
}

void *
__wrap_realloc(void *p, size_t n)
{
    return (strike(OWN) ? NULL : __real_realloc(p, n));
}

static void *
library_malloc(size_t n)
{
    return (strike(LIBRARY) ? NULL : __real_malloc(n));
}

static void *
library_realloc(void *p, size_t n)
{
    return (strike(LIBRARY) ? NULL : __real_realloc(p, n));
}

static void *
ssl_malloc(size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return (library_malloc(n));
}

static void *
ssl_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file, (void)line;
    return (library_realloc(p, n));
}

static void
ssl_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

static void *
sql_malloc(int n)
{
    return (library_malloc((size_t)n));
}

static void *
sql_realloc(void *p, int n)
{
    return (library_realloc(p, (size_t)n));
}

static int
sql_size(void *p)
{
    return ((int)malloc_usable_size(p));
}

static int
sql_round_up(int n)
{
    return ((n + 7) & ~7);
}

static int
sql_init(void *cookie)
{
    (void)cookie;
    return (SQLITE_OK);
}

static void
sql_shutdown(void *cookie)
{
    (void)cookie;
}

void
memory_install(void)
{
    static sqlite3_mem_methods methods = {sql_malloc, free, sql_realloc,
        sql_size, sql_round_up, sql_init, sql_shutdown, NULL};

    if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1 ||
        sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK) {
        fputs("a library does not take its memory from us\n", stderr);
        exit(EXIT_FAILURE);
    }
    event_set_mem_functions(library_malloc, library_realloc, free);
}
