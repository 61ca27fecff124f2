#include "net/conn_life.h"

#define NEVER CONN_LIFE_NEVER

static int64_t
after(int64_t at, int64_t stay)
{
    return (at >= NEVER - stay ? NEVER : at + stay);
}

static int64_t
earlier(int64_t a, int64_t b)
{
    return (a < b ? a : b);
}

/* 10 bits that have little to do with those of the next seed. */
static uint64_t
scatter(uint64_t seed)
{
    seed ^= seed >> 33;
    seed *= UINT64_C(0x9E3779B97F4A7C15);
    seed ^= seed >> 29;
    seed *= UINT64_C(0xBF58476D1CE4E5B9);
    return (seed >> 54);
}

void
conn_life_begin(struct conn_life *life,
    const struct conn_life_limits *limits, int64_t now, uint64_t seed)
{
    const int64_t age = limits->age_us, fifth = age / 5;

    *life = (struct conn_life){
        .read_at = now,
        .pinged_at = INT64_MIN,
        .idle_at = now,
        .old_at = NEVER,
    };
    if (age > 0)
        life->old_at = after(now, age - fifth / 2 +
            fifth / 1024 * (int64_t)scatter(seed));
}

void
conn_life_calls(struct conn_life *life, size_t n, int64_t now)
{
    if (n > 0)
        life->idle_at = NEVER;
    else if (life->idle_at == NEVER)
        life->idle_at = now;
}

/* Whatever comes is an answer: what the peer says, it said after our PING. */
static int
asked(const struct conn_life *life)
{
    return (life->pinged_at > life->read_at);
}

static int64_t
next_silence(const struct conn_life *life,
    const struct conn_life_limits *limits)
{
    if (limits->keepalive_us == 0 || life->read_at == NEVER)
        return (NEVER);
    return (asked(life) ? after(life->pinged_at, limits->answer_us) :
        after(life->read_at, limits->keepalive_us));
}

static int64_t
next_idle(const struct conn_life *life, const struct conn_life_limits *limits)
{
    return (limits->idle_us == 0 ? NEVER :
        after(life->idle_at, limits->idle_us));
}

int64_t
conn_life_next(const struct conn_life *life,
    const struct conn_life_limits *limits)
{
    int64_t next = next_silence(life, limits);

    if (!life->ending)
        next = earlier(next, earlier(life->old_at, next_idle(life, limits)));
    return (next);
}

enum conn_life_due
conn_life_due(const struct conn_life *life,
    const struct conn_life_limits *limits, int64_t now)
{
    if (now >= next_silence(life, limits))
        return (asked(life) ? CONN_LIFE_DEAD : CONN_LIFE_PING);
    if (life->ending)
        return (CONN_LIFE_NOTHING);
    if (now >= life->old_at)
        return (CONN_LIFE_OLD);
    if (now >= next_idle(life, limits))
        return (CONN_LIFE_IDLE);
    return (CONN_LIFE_NOTHING);
}
