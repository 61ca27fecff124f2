/*
 * Orders by which what has ended counts as in force until another day.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/decide_world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One period until ${until}, and an order that extends March 2022. */
static void
set_up(struct world *w, const char *until, const char *grace)
{
    struct world_event *e;

    world_init(w);
    world_date(&w->valid_from, "1900");     /* of the recognition */
    e = world_add(w, 1, "1990-01-01");
    world_period(e, "2020-01-01", until, grace);
    world_extend(w, "pbt", "2022-03-01", "2022-03-31", "2022-09-30");
}

static void
what_ended_within_the_days_counts_until_another(void **state)
{
    static const struct {
        const char *until, *grace, *day;
        int in_force, extended;
    } cases[] = {
        {"2022-03-01", NULL, "2022-03-01", 1, 0},
        {"2022-03-01", NULL, "2022-03-02", 1, 1},
        {"2022-03-31", NULL, "2022-09-30", 1, 1},
        {"2022-03-31", NULL, "2022-10-01", 0, 0},
        {"2022-02-28", NULL, "2022-03-01", 0, 0},
        {"2022-04-01", NULL, "2022-04-02", 0, 0},
        {"2022-03", NULL, "2022-04-01", 1, 1},
        {"2022", NULL, "2023-01-01", 0, 0},
        /* it is the end that counts, not that of the grace */
        {"2022-03-31", "2022-05-31", "2022-05-31", 1, 0},
        {"2022-03-31", "2022-05-31", "2022-06-01", 1, 1},
        {"2022-02-28", "2022-03-31", "2022-04-01", 0, 0},
    };
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        set_up(&w, cases[i].until, cases[i].grace);
        if (cases[i].in_force)
            YES(&w, cases[i].day);
        else
            world_expect(&w, cases[i].day, VERDICT(NOT_CURRENT),
                CONCLUSION(NO), REASON(OUT_OF_PERIOD));
        assert_int_equal(w.decision.standing, cases[i].in_force ?
            STANDING(ACTIVE) : STANDING(EXPIRED));
        assert_ptr_equal(w.decision.extension, cases[i].extended ?
            &w.extension : NULL);
        world_done(&w);
    }
}

static void
it_is_of_its_type_or_of_all(void **state)
{
    struct world w;

    (void)state;
    set_up(&w, "2022-03-31", NULL);
    w.extension.credential_type_id = "mlt";
    world_expect(&w, "2022-04-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(OUT_OF_PERIOD));
    w.extension.credential_type_id = "";
    YES(&w, "2022-04-01");
    world_done(&w);
}

static void
every_period_that_is_over_must_be_extended(void **state)
{
    struct world w;

    (void)state;
    set_up(&w, "2022-03-31", NULL);
    world_period(&w.events[0], "2020-01-01", "2022-03-15", NULL);
    YES(&w, "2022-04-01");
    assert_ptr_equal(w.decision.extension, &w.extension);
    world_period(&w.events[0], "2020-01-01", "2022-02-15", NULL);
    world_expect(&w, "2022-04-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(OUT_OF_PERIOD));
    assert_null(w.decision.extension);
    world_done(&w);
}

/* An issuer that says EXPIRED of what has ended says no more than the date. */
static void
the_issuers_expired_is_extended_and_nothing_else(void **state)
{
    static const struct {
        Vouch__V1__Standing standing;
        int in_force;
    } cases[] = {
        {STANDING(EXPIRED), 1}, {STANDING(PROVISIONAL), 1},
        {STANDING(REVOKED), 0}, {STANDING(SURRENDERED), 0},
        {STANDING(INACTIVE), 0}, {STANDING(DENIED), 0},
    };
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        set_up(&w, "2022-03-31", NULL);
        w.events[0].record.standing = cases[i].standing;
        assert_int_equal(world_decide(&w, "2022-04-15"), E_OK);
        assert_int_equal(w.decision.verdict, cases[i].in_force ?
            VERDICT(CONFIRMED) : VERDICT(NOT_CURRENT));
        assert_int_equal(w.decision.extension != NULL, cases[i].in_force);
        world_done(&w);
    }
    set_up(&w, "2022-04-02", NULL);
    w.events[0].record.standing = STANDING(EXPIRED);
    world_expect(&w, "2022-04-15", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(STANDING));
    assert_int_equal(w.decision.standing, STANDING(EXPIRED));
    world_done(&w);
}

static void
a_suspension_is_not_lifted(void **state)
{
    struct world w;

    (void)state;
    set_up(&w, "2022-03-31", NULL);
    w.events[0].record.restriction = RESTRICTION(SUSPENDED);
    world_expect(&w, "2022-04-15", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(SUSPENDED));
    assert_null(w.decision.extension);
    world_done(&w);
}

static void
one_that_nobody_checked_makes_neither_a_yes_nor_a_no(void **state)
{
    static const Vouch__V1__Standing standings[] = {STANDING(ACTIVE),
        STANDING(EXPIRED)};
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(standings); i++) {
        set_up(&w, "2022-03-31", NULL);
        w.events[0].record.standing = standings[i];
        w.extension.confidence = CONFIDENCE(UNVERIFIED);
        world_expect(&w, "2022-04-15", VERDICT(NOT_CURRENT),
            CONCLUSION(REVIEW), REASON(STANDING_UNKNOWN));
        assert_null(w.decision.extension);
        world_done(&w);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ended_within_the_days_counts_until_another),
        cmocka_unit_test(it_is_of_its_type_or_of_all),
        cmocka_unit_test(every_period_that_is_over_must_be_extended),
        cmocka_unit_test(the_issuers_expired_is_extended_and_nothing_else),
        cmocka_unit_test(a_suspension_is_not_lifted),
        cmocka_unit_test(one_that_nobody_checked_makes_neither_a_yes_nor_a_no),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
