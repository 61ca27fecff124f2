/*
 * Worked examples of days of which the association's word is not clear: it
 * must be a REVIEW, never a guess.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/decide_world.h"

#define UNCLEAR(w, day)                                                     \
    world_expect(w, day, VERDICT(NOT_CURRENT), CONCLUSION(REVIEW),          \
        REASON(STANDING_UNKNOWN))
#define NO_BECAUSE(w, day, why)                                             \
    world_expect(w, day, VERDICT(NOT_CURRENT), CONCLUSION(NO), REASON(why))

/* One event, of which the day when it was taken is known. */
static struct world_event *
add(struct world *w, const char *effective_on, const char *source)
{
    struct world_event *e = world_add(w, 1, effective_on);

    world_source(e, source);
    return (e);
}

/* As add(), but the association did not say since when. */
static struct world_event *
add_undated(struct world *w, const char *arrived, const char *source)
{
    struct world_event *e = add(w, arrived, source);

    e->event.effective_on_assumed = 1;
    return (e);
}

static void
a_change_without_a_day_is_not_known_since_the_word_before(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    add(&w, "2020-01-01", "2026-03-10");
    add_undated(&w, "2026-06-10", "2026-06-10")->record.standing =
        STANDING(REVOKED);
    YES(&w, "2025-01-01");
    YES(&w, "2026-03-10");          /* its word of that day */
    UNCLEAR(&w, "2026-03-11");
    assert_null(w.decision.record);
    UNCLEAR(&w, "2026-06-09");
    NO_BECAUSE(&w, "2026-06-10", STANDING);
    NO_BECAUSE(&w, NULL, STANDING);

    /* Reinstated as silently: no wrong NO either. */
    add_undated(&w, "2026-09-10", "2026-09-10");
    NO_BECAUSE(&w, "2026-06-10", STANDING);
    UNCLEAR(&w, "2026-08-01");
    UNCLEAR(&w, "2026-06-11");
    YES(&w, "2026-09-10");
    UNCLEAR(&w, "2026-05-01");
    world_done(&w);
}

static void
a_row_is_so_since_it_was_taken_though_it_arrives_later(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    add(&w, "2020-01-01", "2026-03-10");
    add_undated(&w, "2026-06-10", "2026-06-01")->record.restriction =
        RESTRICTION(SUSPENDED);
    UNCLEAR(&w, "2026-05-31");
    NO_BECAUSE(&w, "2026-06-01", SUSPENDED);
    world_done(&w);

    world_init(&w);
    add_undated(&w, "2026-06-10", "2026-06-01")->record.standing =
        STANDING(EXPIRED);
    UNCLEAR(&w, "2026-05-31");
    NO_BECAUSE(&w, "2026-06-01", STANDING);
    world_done(&w);
}

static void
the_day_on_which_a_row_was_taken_is_the_associations(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    add(&w, "2020-01-01", "2026-03-10");
    e = add_undated(&w, "2026-06-10", "2026-06-10");
    e->record.standing = STANDING(REVOKED);
    w.association.utc_offset_minutes = 720;     /* it was the 11th there */
    UNCLEAR(&w, "2026-06-09");
    YES(&w, "2026-03-11");
    w.association.utc_offset_minutes = -720;
    UNCLEAR(&w, "2026-06-09");
    NO_BECAUSE(&w, "2026-06-10", STANDING);
    world_done(&w);
}

static void
a_change_that_makes_no_difference_leaves_no_doubt(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = add(&w, "2020-01-01", "2020-02-01");
    world_period(e, "2020-01-01", "2025-12-31", NULL);
    e = add_undated(&w, "2026-02-10", "2026-02-10");    /* renewed */
    world_period(e, "2020-01-01", "2027-12-31", NULL);
    YES(&w, "2025-12-31");
    UNCLEAR(&w, "2026-01-01");      /* late, or seamless: nobody knows */
    UNCLEAR(&w, "2026-02-09");
    YES(&w, "2026-02-10");
    world_name(&w.events[1], 0, "Smythe", "John", 0);
    world_name(&w.events[1], 1, "Smith", "John", 1);
    YES(&w, "2025-06-01");
    assert_ptr_equal(w.decision.record, &w.events[0].record);

    /* Expired by its date, then by its word. */
    e = add_undated(&w, "2028-02-10", "2026-11-22");
    e->record.standing = STANDING(EXPIRED);
    world_period(e, "2020-01-01", "2025-12-31", NULL);
    YES(&w, "2025-12-31");
    world_done(&w);
}

static void
what_was_announced_is_not_undone_by_a_word_of_before(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    add(&w, "2020-01-01", "2026-03-10");
    add(&w, "2026-10-01", "2026-08-01")->record.restriction =
        RESTRICTION(SUSPENDED);
    YES(&w, "2026-09-30");
    NO_BECAUSE(&w, "2026-10-01", SUSPENDED);

    /* A row of September says what was so then: good standing. */
    add_undated(&w, "2026-09-05", "2026-09-05");
    YES(&w, "2026-09-30");
    UNCLEAR(&w, "2026-10-01");
    UNCLEAR(&w, NULL);

    /* One of October knows better. */
    add_undated(&w, "2026-10-05", "2026-10-05");
    YES(&w, "2026-10-05");
    UNCLEAR(&w, "2026-10-04");
    world_done(&w);
}

static void
an_announcement_taken_back_for_its_day_counts_no_more(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    add(&w, "2020-01-01", "2026-03-10");
    add(&w, "2026-10-01", "2026-08-01")->record.standing = STANDING(REVOKED);
    add(&w, "2026-10-01", "2026-08-02");
    YES(&w, "2026-10-01");
    add_undated(&w, "2026-09-05", "2026-09-05");
    YES(&w, "2026-10-01");
    /* Two announcements: each from its day. */
    add(&w, "2026-10-10", "2026-09-06")->record.restriction =
        RESTRICTION(SUSPENDED);
    add(&w, "2026-10-20", "2026-09-07")->record.standing = STANDING(REVOKED);
    YES(&w, "2026-10-09");
    NO_BECAUSE(&w, "2026-10-19", SUSPENDED);
    NO_BECAUSE(&w, "2026-10-20", STANDING);
    world_done(&w);
}

static void
a_day_known_by_month_or_year_is_not_known(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    world_issued(add(&w, "2020", "2026-03-10"), "2020");
    NO_BECAUSE(&w, "2019-12-31", BEFORE_ISSUE);
    UNCLEAR(&w, "2020-01-01");
    UNCLEAR(&w, "2020-12-30");
    YES(&w, "2020-12-31");
    e = add(&w, "2024-05", "2026-04-10");
    world_issued(e, "2020");
    e->record.standing = STANDING(REVOKED);
    YES(&w, "2024-04-30");
    UNCLEAR(&w, "2024-05-01");
    UNCLEAR(&w, "2024-05-30");
    NO_BECAUSE(&w, "2024-05-31", STANDING);
    world_done(&w);

    /* What was said within the month was so when it was said. */
    world_init(&w);
    world_issued(add(&w, "2026-11", "2026-11-10"), "2026-11");
    UNCLEAR(&w, "2026-11-09");
    YES(&w, "2026-11-10");
    YES(&w, NULL);
    e = add(&w, "2026-11", "2026-11-20");
    world_issued(e, "2026-11");
    e->record.restriction = RESTRICTION(SUSPENDED);
    UNCLEAR(&w, "2026-11-19");
    NO_BECAUSE(&w, NULL, SUSPENDED);
    world_done(&w);

    /* Announced for some day of a month. */
    world_init(&w);
    world_issued(add(&w, "2020-01-01", "2026-03-10"), "2020-01-01");
    add(&w, "2026-11", "2026-08-01")->record.standing = STANDING(SURRENDERED);
    YES(&w, "2026-10-31");
    UNCLEAR(&w, NULL);
    world_done(&w);
}

static void
a_period_says_nothing_of_the_time_before_it(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = add(&w, "2015-01-01", "2026-03-10");
    world_issued(e, "2015-01-01");
    world_period(e, "2026-01-01", "2027-12-31", NULL);
    UNCLEAR(&w, "2025-12-31");      /* there may have been one before */
    assert_int_equal(w.decision.standing, STANDING(UNKNOWN));
    NO_BECAUSE(&w, "2014-12-31", BEFORE_ISSUE);
    YES(&w, "2026-01-01");
    world_done(&w);

    /* But when it was said, it had not begun. */
    world_init(&w);
    e = add(&w, "2026-11-01", "2026-11-10");
    world_issued(e, "2026-11-01");
    world_period(e, "2026-12-01", "2027-12-31", NULL);
    UNCLEAR(&w, "2026-11-09");
    NO_BECAUSE(&w, "2026-11-10", OUT_OF_PERIOD);
    assert_int_equal(w.decision.standing, STANDING(ACTIVE));
    NO_BECAUSE(&w, NULL, OUT_OF_PERIOD);
    world_done(&w);

    /* A begin of which only the year is known. */
    world_init(&w);
    e = add(&w, "2015-01-01", "2026-03-10");
    world_period(e, "2020", "2027", NULL);
    UNCLEAR(&w, "2019-12-31");
    UNCLEAR(&w, "2020-06-30");
    YES(&w, "2020-12-31");
    world_done(&w);
}

static void
an_end_that_is_over_is_over_whatever_began(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = add(&w, "2015-01-01", "2026-03-10");
    world_period(e, "2026-01-01", "", NULL);
    world_period(e, "2015-01-01", "2024-12-31", NULL);
    NO_BECAUSE(&w, "2025-12-31", OUT_OF_PERIOD);
    assert_int_equal(w.decision.standing, STANDING(EXPIRED));
    world_done(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_change_without_a_day_is_not_known_since_the_word_before),
        cmocka_unit_test(
            a_row_is_so_since_it_was_taken_though_it_arrives_later),
        cmocka_unit_test(the_day_on_which_a_row_was_taken_is_the_associations),
        cmocka_unit_test(a_change_that_makes_no_difference_leaves_no_doubt),
        cmocka_unit_test(what_was_announced_is_not_undone_by_a_word_of_before),
        cmocka_unit_test(an_announcement_taken_back_for_its_day_counts_no_more),
        cmocka_unit_test(a_day_known_by_month_or_year_is_not_known),
        cmocka_unit_test(a_period_says_nothing_of_the_time_before_it),
        cmocka_unit_test(an_end_that_is_over_is_over_whatever_began),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
