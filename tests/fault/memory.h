#ifndef TEST_FAULT_MEMORY_H
#define TEST_FAULT_MEMORY_H

/*
 * Memory that fails, for the whole daemon at once: one counter over all
 * threads, and over what asks for memory on the daemon's behalf: our own
 * objects (linked with --wrap), nghttp2 (which takes its memory through them),
 * libevent, OpenSSL and SQLite.  libc's own (a FILE, a thread's stack) does
 * not come by here.
 */

enum memory_mode { MEMORY_ONCE, MEMORY_FOREVER };

/**
 * memory_install(void):
 * Become the allocator of the libraries.  Before anything else is done with
 * any of them; ends the program if one will not have it.
 */
void memory_install(void);

/**
 * memory_exempt(void):
 * The calling thread always gets what it asks for, uncounted.
 */
void memory_exempt(void);

/**
 * memory_arm(n, mode):
 * Let ${n} allocations succeed and fail the one after, once or from then on.
 * A negative ${n} fails none and counts.
 */
void memory_arm(long n, enum memory_mode mode);

/**
 * memory_disarm(void):
 * There is memory again.  Return how many allocations failed.
 */
long memory_disarm(void);

/**
 * memory_asked(void):
 * Return how many allocations were asked for since memory_arm().
 */
long memory_asked(void);

/**
 * memory_is_own(n):
 * Did our own code, or nghttp2 through it, ask for allocation ${n} when they
 * were counted last?
 */
int memory_is_own(long n);

/**
 * memory_trace(void):
 * From now on tell on standard error where each failure strikes.
 */
void memory_trace(void);

/**
 * memory_leaks(void):
 * Return non-zero if something is leaked, which the sanitizer then tells of.
 * Always 0 in a build without it.
 */
int memory_leaks(void);

#endif /* !TEST_FAULT_MEMORY_H */
