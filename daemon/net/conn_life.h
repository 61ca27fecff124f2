#ifndef NET_CONN_LIFE_H
#define NET_CONN_LIFE_H

/*
 * How long a connection lasts: whether its peer is still there, and when it
 * has been idle, or there, for long enough (gRFC A8 and A9).  Pure: times come
 * in, in microseconds by any clock that never goes back, and what is due comes
 * out.
 */

#include <stddef.h>
#include <stdint.h>

#define CONN_LIFE_NEVER INT64_MAX

struct conn_life_limits {
    int64_t keepalive_us;       /* of silence, then a PING; 0: never one */
    int64_t answer_us;          /* after it, then the peer is given up */
    int64_t idle_us;            /* without calls; 0: no limit */
    int64_t age_us;             /* give or take a tenth; 0: no limit */
};

struct conn_life {
    int64_t read_at;            /* when something came last; NEVER: we do not
                                 * read, and know nothing */
    int64_t pinged_at;          /* when our last PING went out */
    int64_t idle_at;            /* since when there is no call; NEVER: there
                                 * are some */
    int64_t old_at;
    int ending;                 /* neither idle nor old any more */
};

enum conn_life_due { CONN_LIFE_NOTHING, CONN_LIFE_PING, CONN_LIFE_DEAD,
    CONN_LIFE_IDLE, CONN_LIFE_OLD };

/**
 * conn_life_begin(life, limits, now, seed):
 * Begin at ${now}; connections of different ${seed}s reach their age at
 * different times, up to a tenth sooner or later.
 */
void conn_life_begin(struct conn_life *life,
    const struct conn_life_limits *limits, int64_t now, uint64_t seed);

/**
 * conn_life_calls(life, n, now):
 * There are ${n} calls in progress, ${now}; it suffices to be told when it is
 * not zero, and again when it is.
 */
void conn_life_calls(struct conn_life *life, size_t n, int64_t now);

/**
 * conn_life_next(life, limits):
 * Return when conn_life_due() will have something to say, if nothing happens.
 */
int64_t conn_life_next(const struct conn_life *life,
    const struct conn_life_limits *limits);

/**
 * conn_life_due(life, limits, now):
 * Return what is due; the caller then does it, and says so: CONN_LIFE_PING by
 * setting ${life}->pinged_at, CONN_LIFE_IDLE and CONN_LIFE_OLD by setting
 * ${life}->ending.
 */
enum conn_life_due conn_life_due(const struct conn_life *life,
    const struct conn_life_limits *limits, int64_t now);

#endif /* !NET_CONN_LIFE_H */
