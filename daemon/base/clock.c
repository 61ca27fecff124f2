#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t stopped;

static int64_t
read_us(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);   /* these two clocks cannot fail */
    return ((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

int64_t
clock_wall_us(void)
{
    int64_t at = atomic_load_explicit(&stopped, memory_order_relaxed);

    return (at != 0 ? at : read_us(CLOCK_REALTIME));
}

int64_t
clock_monotonic_us(void)
{
    return (read_us(CLOCK_MONOTONIC));
}

void
clock_set_wall(int64_t time_us)
{
    atomic_store(&stopped, time_us);
}
