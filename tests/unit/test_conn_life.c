/*
 * How long a connection lasts, by a clock that only the test moves.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/conn_life.h"

#define S INT64_C(1000000)

static const struct conn_life_limits limits = {
    .keepalive_us = 60 * S,
    .answer_us = 20 * S,
    .idle_us = 300 * S,
    .age_us = 1800 * S,
};

static struct conn_life
begin(const struct conn_life_limits *by, int64_t now)
{
    struct conn_life life;

    conn_life_begin(&life, by, now, 7);
    return (life);
}

static void
assert_due(const struct conn_life *life, int64_t at, enum conn_life_due due)
{
    assert_int_equal(conn_life_next(life, &limits), at);
    assert_int_equal(conn_life_due(life, &limits, at - 1), CONN_LIFE_NOTHING);
    assert_int_equal(conn_life_due(life, &limits, at), due);
    assert_int_equal(conn_life_due(life, &limits, at + 1), due);
}

static void
silence_is_asked_after_and_then_given_up(void **state)
{
    struct conn_life life = begin(&limits, 1000 * S);

    (void)state;
    assert_due(&life, 1060 * S, CONN_LIFE_PING);
    life.pinged_at = 1061 * S;
    assert_due(&life, 1081 * S, CONN_LIFE_DEAD);
}

static void
whatever_comes_is_an_answer(void **state)
{
    struct conn_life life = begin(&limits, 1000 * S);

    (void)state;
    life.read_at = 1059 * S;
    assert_due(&life, 1119 * S, CONN_LIFE_PING);
    life.pinged_at = 1119 * S;
    life.read_at = 1119 * S;        /* in the same microsecond */
    assert_due(&life, 1179 * S, CONN_LIFE_PING);
    life.pinged_at = 1179 * S;
    life.read_at = 1198 * S;
    assert_due(&life, 1258 * S, CONN_LIFE_PING);
}

/* What we do not read may hold the answer. */
static void
who_is_not_read_is_not_asked(void **state)
{
    struct conn_life life = begin(&limits, 0);

    (void)state;
    life.pinged_at = 60 * S;
    life.read_at = CONN_LIFE_NEVER;
    assert_due(&life, 300 * S, CONN_LIFE_IDLE);
}

static void
idle_is_counted_from_the_last_call(void **state)
{
    struct conn_life_limits idle = {.idle_us = 300 * S};
    struct conn_life life = begin(&idle, 0);

    (void)state;
    assert_int_equal(conn_life_next(&life, &idle), 300 * S);
    conn_life_calls(&life, 2, 100 * S);
    assert_int_equal(conn_life_next(&life, &idle), CONN_LIFE_NEVER);
    assert_int_equal(conn_life_due(&life, &idle, 5000 * S),
        CONN_LIFE_NOTHING);
    conn_life_calls(&life, 1, 200 * S);
    conn_life_calls(&life, 0, 5000 * S);
    conn_life_calls(&life, 0, 5100 * S);    /* nothing new */
    assert_int_equal(conn_life_next(&life, &idle), 5300 * S);
    assert_int_equal(conn_life_due(&life, &idle, 5300 * S - 1),
        CONN_LIFE_NOTHING);
    assert_int_equal(conn_life_due(&life, &idle, 5300 * S), CONN_LIFE_IDLE);
}

static void
ages_differ_by_a_tenth_either_way(void **state)
{
    enum { BINS = 20 };
    const int64_t age = limits.age_us;
    int64_t sum = 0, least = INT64_MAX, most = 0;
    int bins[BINS] = {0}, n = 4000;
    struct conn_life life;

    (void)state;
    for (int i = 0; i < n; i++) {
        int64_t stay;

        conn_life_begin(&life, &limits, 50 * S, (uint64_t)i);
        stay = life.old_at - 50 * S;
        assert_in_range(stay, age - age / 10, age + age / 10);
        least = stay < least ? stay : least;
        most = stay > most ? stay : most;
        sum += stay;
        bins[(stay - (age - age / 10)) * BINS / (age / 5 + 1)]++;
    }
    printf("ages of %d: %lld to %lld s, %lld s on average\n", n,
        (long long)(least / S), (long long)(most / S),
        (long long)(sum / n / S));
    assert_in_range(sum / n, age - age / 100, age + age / 100);
    for (int i = 0; i < BINS; i++)
        assert_in_range(bins[i], n / BINS / 2, n / BINS * 2);
}

static void
old_is_said_until_it_ends(void **state)
{
    struct conn_life_limits old = {.age_us = 1000 * S};
    struct conn_life life = begin(&old, 0);
    int64_t at = life.old_at;

    (void)state;
    conn_life_calls(&life, 1, 0);
    assert_int_equal(conn_life_next(&life, &old), at);
    assert_int_equal(conn_life_due(&life, &old, at - 1), CONN_LIFE_NOTHING);
    assert_int_equal(conn_life_due(&life, &old, at), CONN_LIFE_OLD);
    life.ending = 1;
    assert_int_equal(conn_life_due(&life, &old, at), CONN_LIFE_NOTHING);
    assert_int_equal(conn_life_next(&life, &old), CONN_LIFE_NEVER);
}

static void
who_ends_is_still_asked(void **state)
{
    struct conn_life life = begin(&limits, 0);

    (void)state;
    life.ending = 1;
    life.read_at = 9000 * S;
    assert_due(&life, 9060 * S, CONN_LIFE_PING);
}

static void
without_limits_nothing_is_ever_due(void **state)
{
    const struct conn_life_limits none = {.answer_us = 1};
    struct conn_life life = begin(&none, 5);

    (void)state;
    assert_int_equal(conn_life_next(&life, &none), CONN_LIFE_NEVER);
    assert_int_equal(conn_life_due(&life, &none, CONN_LIFE_NEVER - 1),
        CONN_LIFE_NOTHING);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_asked_after_and_then_given_up),
        cmocka_unit_test(whatever_comes_is_an_answer),
        cmocka_unit_test(who_is_not_read_is_not_asked),
        cmocka_unit_test(idle_is_counted_from_the_last_call),
        cmocka_unit_test(ages_differ_by_a_tenth_either_way),
        cmocka_unit_test(old_is_said_until_it_ends),
        cmocka_unit_test(who_ends_is_still_asked),
        cmocka_unit_test(without_limits_nothing_is_ever_due),
    };

    return (cmocka_run_group_tests_name("conn_life", tests, NULL, NULL));
}
