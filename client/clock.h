#ifndef CLIENT_CLOCK_H
#define CLIENT_CLOCK_H

/*
 * Time that only goes forward.
 */

#include <stdint.h>

/**
 * clock_us(void):
 * Return microseconds since some moment in the past.
 */
int64_t clock_us(void);

/**
 * clock_left_ms(deadline_us):
 * Return how long it is until ${deadline_us}, in milliseconds, rounded up, as
 * poll() takes it; 0 if it is past.
 */
int clock_left_ms(int64_t deadline_us);

/**
 * clock_sleep(until_us):
 * Return at ${until_us}, whatever signals come meanwhile.
 */
void clock_sleep(int64_t until_us);

#endif /* !CLIENT_CLOCK_H */
