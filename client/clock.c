#include "client/clock.h"

#include <errno.h>
#include <limits.h>
#include <time.h>

int64_t
clock_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return ((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

int
clock_left_ms(int64_t deadline_us)
{
    int64_t left = deadline_us - clock_us();

    if (left <= 0)
        return (0);
    left = (left + 999) / 1000;
    return (left < INT_MAX ? (int)left : INT_MAX);
}

void
clock_sleep(int64_t until_us)
{
    const struct timespec until = {until_us / 1000000,
        until_us % 1000000 * 1000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
        EINTR)
        continue;
}
