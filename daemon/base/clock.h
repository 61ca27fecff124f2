#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

/*
 * What time it is.  Tests may stop the wall clock.
 */

#include <stdint.h>

/**
 * clock_wall_us(void):
 * Return the time in microseconds UTC since the epoch.
 */
int64_t clock_wall_us(void);

/**
 * clock_monotonic_us(void):
 * Return a time in microseconds that never goes back and means nothing else.
 */
int64_t clock_monotonic_us(void);

/**
 * clock_set_wall(time_us):
 * From now on clock_wall_us() returns ${time_us}; 0: the real time again.
 * For tests.
 */
void clock_set_wall(int64_t time_us);

#endif /* !BASE_CLOCK_H */
