/*
 * Worked examples of what holds on a day: periods, status, issue, recognition.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/decide_world.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- the day ---------------------------------------------------------- */

static void
periods_hold_from_the_first_day_to_the_last(void **state)
{
    static const struct {
        const char *from, *until, *grace, *day;
        int good_past_end;
        Vouch__V1__Standing standing;
        int in_force;
    } cases[] = {
#define ON STANDING(ACTIVE)
#define OFF STANDING(EXPIRED)
        {"2020-01-01", "2022-12-31", NULL, "2020-01-01", 0, ON, 1},
        {"2020-01-01", "2022-12-31", NULL, "2022-12-31", 0, ON, 1},
        {"2020-01-01", "2022-12-31", NULL, "2023-01-01", 0, OFF, 0},
        {"", "2022-12-31", NULL, "1999-01-01", 0, ON, 1},
        {"2020-01-01", "", NULL, "2026-11-22", 0, ON, 1},
        /* grace, the last day included; one before the end is none */
        {"", "2022-12-31", "2023-03-31", "2023-03-31", 0, ON, 1},
        {"", "2022-12-31", "2023-03-31", "2023-04-01", 0, OFF, 0},
        {"", "2022-12-31", "2022-06-30", "2022-12-31", 0, ON, 1},
        {"", "2022-12-31", "2022-06-30", "2023-01-01", 0, OFF, 0},
        /* a leap day, and a year without one */
        {"2024-02-29", "2024-02-29", NULL, "2024-02-29", 0, ON, 1},
        {"2024-02-29", "2024-02-29", NULL, "2024-03-01", 0, OFF, 0},
        {"", "2024-02", NULL, "2024-02-29", 0, ON, 1},
        {"", "2023-02", NULL, "2023-02-28", 0, ON, 1},
        {"", "2023-02", NULL, "2023-03-01", 0, OFF, 0},
        /* an end that is partial is its last day */
        {"2020", "2022", NULL, "2020-12-31", 0, ON, 1},
        {"2020", "2022", NULL, "2022-12-31", 0, ON, 1},
        {"2020", "2022", NULL, "2023-01-01", 0, OFF, 0},
        {"2020-04", "2022-04", "2022-06", "2020-04-30", 0, ON, 1},
        {"2020-04", "2022-04", "2022-06", "2022-06-30", 0, ON, 1},
        {"2020-04", "2022-04", "2022-06", "2022-07-01", 0, OFF, 0},
        /* the issuer's word overrides the end */
        {"2020-01-01", "2022-12-31", NULL, "2025-01-01", 1, ON, 1},
#undef ON
#undef OFF
    };
    struct world_event *e;
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        world_date(&w.valid_from, "1900");      /* of the recognition */
        e = world_add(&w, 1, "1990-01-01");
        world_period(e, cases[i].from, cases[i].until, cases[i].grace);
        e->record.good_past_end_date = cases[i].good_past_end;
        if (cases[i].in_force)
            YES(&w, cases[i].day);
        else
            world_expect(&w, cases[i].day, VERDICT(NOT_CURRENT), CONCLUSION(NO),
                REASON(OUT_OF_PERIOD));
        assert_int_equal(w.decision.standing, cases[i].standing);
        world_done(&w);
    }
}

static void
every_period_must_hold(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = world_add(&w, 1, "2020-01-01");
    world_period(e, "2020-01-01", "2030-12-31", NULL);
    world_period(e, "2020-01-01", "2024-12-31", NULL);
    world_period(e, "2023-01-01", "", NULL);
    YES(&w, "2024-12-31");
    world_expect(&w, "2025-01-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(OUT_OF_PERIOD));
    assert_int_equal(w.decision.standing, STANDING(EXPIRED));
    e->record.standing = STANDING(PROVISIONAL);
    YES(&w, "2024-12-31");
    world_expect(&w, "2025-01-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(OUT_OF_PERIOD));
    assert_int_equal(w.decision.standing, STANDING(EXPIRED));
    world_done(&w);
}

static void
the_last_day_ends_at_the_associations_midnight(void **state)
{
    /* It is noon UTC of 2026-11-22: 23:59 there, and 00:00 of the 23rd. */
    static const struct {
        int offset, in_force;
    } cases[] = {{0, 1}, {719, 1}, {720, 0}, {-720, 1}};
    struct world_event *e;
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        w.association.utc_offset_minutes = cases[i].offset;
        e = world_add(&w, 1, "2020-01-01");
        world_period(e, "2020-01-01", WORLD_TODAY, NULL);
        if (cases[i].in_force)
            YES(&w, NULL);
        else
            world_expect(&w, NULL, VERDICT(NOT_CURRENT), CONCLUSION(NO),
                REASON(OUT_OF_PERIOD));
        world_done(&w);
    }
}

static void
each_standing_has_its_verdict(void **state)
{
    static const struct {
        Vouch__V1__Standing standing;
        Vouch__V1__Verdict verdict;
        Vouch__V1__Conclusion conclusion;
        Vouch__V1__Reason reason;
        Vouch__V1__Standing told;
    } cases[] = {
#define IS(x, verdict, conclusion, reason) {STANDING(x), VERDICT(verdict),  \
    CONCLUSION(conclusion), REASON(reason), STANDING(x)}
        IS(ACTIVE, CONFIRMED, YES, IN_GOOD_STANDING),
        IS(PROVISIONAL, CONFIRMED, YES, IN_GOOD_STANDING),
        IS(PENDING, NOT_CURRENT, NO, STANDING),
        IS(INACTIVE, NOT_CURRENT, NO, STANDING),
        IS(EXPIRED, NOT_CURRENT, NO, STANDING),
        IS(REVOKED, NOT_CURRENT, NO, STANDING),
        IS(SURRENDERED, NOT_CURRENT, NO, STANDING),
        IS(DENIED, NOT_CURRENT, NO, STANDING),
        IS(ISSUED_IN_ERROR, NOT_CURRENT, NO, STANDING),
        IS(NOT_LISTED, NOT_CURRENT, REVIEW, NOT_LISTED),
        IS(UNKNOWN, NOT_CURRENT, REVIEW, STANDING_UNKNOWN),
        {STANDING(UNSPECIFIED), VERDICT(NOT_CURRENT), CONCLUSION(REVIEW),
            REASON(STANDING_UNKNOWN), STANDING(UNKNOWN)},
#undef IS
    };
    struct world_event *e;
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        e = world_add(&w, 1, "2020-01-01");
        e->record.standing = cases[i].standing;
        world_expect(&w, NULL, cases[i].verdict, cases[i].conclusion,
            cases[i].reason);
        assert_int_equal(w.decision.standing, cases[i].told);
        world_done(&w);
    }
}

static void
restriction_and_review_stand_beside_the_verdict(void **state)
{
    static const struct {
        Vouch__V1__Restriction restriction;
        Vouch__V1__Review review;
        Vouch__V1__Verdict verdict;
        Vouch__V1__Conclusion conclusion;
        Vouch__V1__Reason reason;
    } cases[] = {
#define IS(restriction, review, verdict, conclusion, reason)                \
    {RESTRICTION(restriction), REVIEW_OF(review), VERDICT(verdict),         \
    CONCLUSION(conclusion), REASON(reason)}
        IS(UNSPECIFIED, UNSPECIFIED, CONFIRMED, YES, IN_GOOD_STANDING),
        IS(CONDITIONS, NONE, CONFIRMED, REVIEW, CONDITIONS),
        IS(SUSPENDED, NONE, NOT_CURRENT, NO, SUSPENDED),
        IS(NONE, UNDER_INVESTIGATION, CONFIRMED, REVIEW, UNDER_INVESTIGATION),
        IS(NONE, DISPUTED, CONFIRMED, REVIEW, DISPUTED),
        IS(SUSPENDED, DISPUTED, NOT_CURRENT, REVIEW, DISPUTED),
        IS(SUSPENDED, UNDER_INVESTIGATION, NOT_CURRENT, NO, SUSPENDED),
#undef IS
    };
    struct world_event *e;
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        e = world_add(&w, 1, "2020-01-01");
        e->record.restriction = cases[i].restriction;
        e->record.review = cases[i].review;
        world_expect(&w, NULL, cases[i].verdict, cases[i].conclusion,
            cases[i].reason);
        world_done(&w);
    }
}

static void
everything_that_speaks_against_a_yes_is_said(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = world_add(&w, 1, "2020-01-01");
    world_period(e, "2020", "2021", NULL);
    e->record.restriction = RESTRICTION(SUSPENDED);
    e->record.review = REVIEW_OF(DISPUTED);
    w.nrecognitions = 0;
    w.freshness = FRESHNESS(STALE);
    world_expect(&w, "2027-01-01", VERDICT(NOT_CURRENT), CONCLUSION(REVIEW),
        REASON(STALE));
    assert_int_equal(w.decision.nreasons, 6);
    assert_true(world_has_reason(&w, REASON(SUSPENDED)));
    assert_true(world_has_reason(&w, REASON(OUT_OF_PERIOD)));
    assert_true(world_has_reason(&w, REASON(NOT_RECOGNIZED)));
    assert_true(world_has_reason(&w, REASON(DISPUTED)));
    assert_true(world_has_reason(&w, REASON(PROJECTION)));
    assert_int_equal(w.decision.causes[0], CAUSE(PUBLICATION_LATE));
    world_done(&w);
}

static void
a_stale_or_missing_word_is_a_review(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    w.freshness = FRESHNESS(NEVER);
    MISS(&w);
    assert_true(world_has_reason(&w, REASON(NEVER_PUBLISHED)));
    world_add(&w, 1, "2020-01-01");
    w.freshness = FRESHNESS(STALE);
    world_expect(&w, NULL, VERDICT(CONFIRMED), CONCLUSION(REVIEW),
        REASON(STALE));
    w.claim.credential_type_id = "mls";
    world_expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(REVIEW),
        REASON(STALE));
    assert_true(world_has_reason(&w, REASON(FIELD_MISMATCH)));
    world_done(&w);
}

static void
a_day_to_come_is_a_projection(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = world_add(&w, 1, "2020-01-01");
    YES(&w, WORLD_TODAY);
    world_expect(&w, "2026-11-23", VERDICT(CONFIRMED), CONCLUSION(REVIEW),
        REASON(PROJECTION));
    world_period(e, "2020-01-01", "2026-12-31", NULL);
    world_expect(&w, "2027-01-01", VERDICT(NOT_CURRENT), CONCLUSION(REVIEW),
        REASON(PROJECTION));
    assert_int_equal(w.decision.causes[0], CAUSE(RENEWAL_UNDER_WAY));
    world_done(&w);
}

static void
the_status_is_that_of_the_day(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    world_add(&w, 1, "2020-01-01");
    world_add(&w, 1, "2022-06-01")->record.restriction =
        RESTRICTION(SUSPENDED);
    world_add(&w, 1, "2023-01-01");
    YES(&w, "2022-05-31");
    world_expect(&w, "2022-06-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(SUSPENDED));
    world_expect(&w, "2022-12-31", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(SUSPENDED));
    YES(&w, "2023-01-01");

    /*
     * Later in the log, earlier in effect: the association's last word is that
     * it has been inactive since, so that is what holds on every later day.
     */
    e = world_add(&w, 1, "2021-01-01");
    e->record.standing = STANDING(INACTIVE);
    YES(&w, "2020-12-31");
    world_expect(&w, "2021-01-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(STANDING));
    world_expect(&w, "2022-06-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(STANDING));
    world_expect(&w, NULL, VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(STANDING));

    /* Two of one day: the later in the log. */
    world_add(&w, 1, "2021-01-01");
    YES(&w, "2021-01-01");

    /* Effective only tomorrow: not yet today. */
    e = world_add(&w, 1, "2026-11-23");
    e->record.standing = STANDING(REVOKED);
    YES(&w, NULL);
    world_expect(&w, "2026-11-23", VERDICT(NOT_CURRENT), CONCLUSION(REVIEW),
        REASON(PROJECTION));
    world_done(&w);
}

static void
before_its_issue_a_credential_is_not_current(void **state)
{
    static const struct {
        const char *effective, *issued;
        int assumed;
        const char *day;
        Vouch__V1__Reason reason;       /* UNSPECIFIED: confirmed */
    } cases[] = {
        /* the day of issue decides */
        {"2020-03-01", "2020-03-01", 0, "2020-02-29", REASON(BEFORE_ISSUE)},
        {"2020-03-01", "2020-03-01", 0, "2020-03-01", REASON(UNSPECIFIED)},
        {"2019-01-01", "2020-03-01", 0, "2020-02-29", REASON(BEFORE_ISSUE)},
        {"2019-01-01", "2020", 0, "2020-12-31", REASON(UNSPECIFIED)},
        {"2019-01-01", "2020", 0, "2019-12-31", REASON(BEFORE_ISSUE)},
        /* issued, but nothing is said of the day: nobody knows */
        {"2023-01-01", "2020-03-01", 0, "2021-01-01",
            REASON(STANDING_UNKNOWN)},
        /* no day of issue: the first day of which something is said is none */
        {"2020-03-01", "", 0, "2020-02-29", REASON(STANDING_UNKNOWN)},
        {"2020-03-01", "", 1, "2020-02-29", REASON(STANDING_UNKNOWN)},
        {"2020-03-01", "", 1, "2020-03-01", REASON(UNSPECIFIED)},
    };
    struct world_event *e;
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        e = world_add(&w, 1, cases[i].effective);
        world_issued(e, cases[i].issued);
        e->event.effective_on_assumed = cases[i].assumed;
        if (cases[i].reason == REASON(UNSPECIFIED)) {
            YES(&w, cases[i].day);
        } else {
            world_expect(&w, cases[i].day, VERDICT(NOT_CURRENT),
                cases[i].reason == REASON(BEFORE_ISSUE) ? CONCLUSION(NO) :
                CONCLUSION(REVIEW), cases[i].reason);
            assert_null(w.decision.record);
        }
        world_done(&w);
    }
}

static void
a_corrected_day_of_issue_counts_for_every_day(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    world_issued(world_add(&w, 1, "2020-03-01"), "2020-03-01");
    YES(&w, "2020-06-01");
    world_issued(world_add(&w, 1, "2024-01-01"), "2021-03-01");
    world_expect(&w, "2020-06-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(BEFORE_ISSUE));
    YES(&w, "2021-03-01");
    world_done(&w);
}

/* ---- recognition ------------------------------------------------------ */

static void
recognition_is_that_of_the_day_and_the_asker(void **state)
{
    static char *anab[] = {"anab"}, *both[] = {"anab", "ncca"};
    static char *except[] = {"mlt", "pbt"};
    static const struct {
        const char *from, *until, *observed;
        Vouch__V1__Confidence confidence;
        char *type;
        char **asked;
        size_t nasked;
        int excepted;
        Vouch__V1__RecognitionState want;
    } cases[] = {
#define R(x) RECOGNITION(x)
#define O CONFIDENCE(OFFICIAL)
        {"2020", "", "", O, "", NULL, 0, 0, R(RECOGNIZED)},
        {"2020", "", "", CONFIDENCE(SECONDARY), "", NULL, 0, 0,
            R(RECOGNIZED)},
        {"2020", "", "", CONFIDENCE(UNVERIFIED), "", NULL, 0, 0, R(UNKNOWN)},
        {"2020", "", "", CONFIDENCE(UNSPECIFIED), "", NULL, 0, 0,
            R(UNKNOWN)},
        /* the day is 2024-06-15 */
        {"2024-06-15", "2024-06-15", "", O, "", NULL, 0, 0, R(RECOGNIZED)},
        {"2024-06-16", "", "", O, "", NULL, 0, 0, R(NOT_RECOGNIZED)},
        {"", "2024-06-14", "2020", O, "", NULL, 0, 0, R(NOT_RECOGNIZED)},
        {"2020", "2025", "", O, "", NULL, 0, 0, R(RECOGNIZED)},
        /* within a month or year of which no more is known */
        {"2024", "", "", O, "", NULL, 0, 0, R(UNKNOWN)},
        {"2024-06", "", "", O, "", NULL, 0, 0, R(UNKNOWN)},
        {"2024-05", "", "", O, "", NULL, 0, 0, R(RECOGNIZED)},
        {"2024-07", "", "", O, "", NULL, 0, 0, R(NOT_RECOGNIZED)},
        {"2020", "2024", "", O, "", NULL, 0, 0, R(UNKNOWN)},
        {"2020", "2024-06", "", O, "", NULL, 0, 0, R(UNKNOWN)},
        {"2020", "2024-05", "", O, "", NULL, 0, 0, R(NOT_RECOGNIZED)},
        {"", "", "2024-06", O, "", NULL, 0, 0, R(UNKNOWN)},
        {"", "", "2024-05", O, "", NULL, 0, 0, R(RECOGNIZED)},
        {"", "", "2024-06-15", O, "", NULL, 0, 0, R(RECOGNIZED)},
        {"", "", "2024-06-16", O, "", NULL, 0, 0, R(UNKNOWN)},
        {"", "", "", O, "", NULL, 0, 0, R(UNKNOWN)},
        {"", "2023", "2024-06-16", O, "", NULL, 0, 0, R(NOT_RECOGNIZED)},
        /* of a statement that nobody verified the days are not sure either */
        {"2025", "", "", CONFIDENCE(UNVERIFIED), "", NULL, 0, 0, R(UNKNOWN)},
        {"2020", "2023", "", CONFIDENCE(UNVERIFIED), "", NULL, 0, 0,
            R(UNKNOWN)},
        /* the type */
        {"2020", "", "", O, "pbt", NULL, 0, 0, R(RECOGNIZED)},
        {"2020", "", "", O, "mlt", NULL, 0, 0, R(NOT_RECOGNIZED)},
        {"2020", "", "", O, "", NULL, 0, 2, R(NOT_RECOGNIZED)},
        {"2020", "", "", O, "", NULL, 0, 1, R(RECOGNIZED)},
        /* the asker */
        {"2020", "", "", O, "", anab, 1, 0, R(NOT_RECOGNIZED)},
        {"2020", "", "", O, "", both, 2, 0, R(RECOGNIZED)},
#undef O
#undef R
    };
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        world_add(&w, 1, "2020-01-01");
        world_date(&w.valid_from, cases[i].from);
        world_date(&w.valid_until, cases[i].until);
        world_date(&w.observed_on, cases[i].observed);
        w.recognition.valid_until = &w.valid_until;
        w.recognition.observed_on = &w.observed_on;
        w.recognition.confidence = cases[i].confidence;
        w.recognition.credential_type_id = cases[i].type;
        w.recognition.except_credential_type_ids = except;
        w.recognition.n_except_credential_type_ids =
            (size_t)cases[i].excepted;
        w.claim.recognized_by = cases[i].asked;
        w.claim.n_recognized_by = cases[i].nasked;
        if (cases[i].want == RECOGNITION(RECOGNIZED))
            YES(&w, "2024-06-15");
        else if (cases[i].want == RECOGNITION(UNKNOWN))
            world_expect(&w, "2024-06-15", VERDICT(CONFIRMED),
        CONCLUSION(REVIEW),
                REASON(RECOGNITION_UNKNOWN));
        else
            world_expect(&w, "2024-06-15", VERDICT(CONFIRMED), CONCLUSION(NO),
                REASON(NOT_RECOGNIZED));
        assert_int_equal(w.decision.recognition, cases[i].want);
        world_done(&w);
    }
}

static void
without_any_statement_it_is_not_recognized(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    world_add(&w, 1, "2020-01-01");
    w.nrecognitions = 0;
    world_expect(&w, NULL, VERDICT(CONFIRMED), CONCLUSION(NO),
        REASON(NOT_RECOGNIZED));
    world_done(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_hold_from_the_first_day_to_the_last),
        cmocka_unit_test(every_period_must_hold),
        cmocka_unit_test(the_last_day_ends_at_the_associations_midnight),
        cmocka_unit_test(each_standing_has_its_verdict),
        cmocka_unit_test(restriction_and_review_stand_beside_the_verdict),
        cmocka_unit_test(everything_that_speaks_against_a_yes_is_said),
        cmocka_unit_test(a_stale_or_missing_word_is_a_review),
        cmocka_unit_test(a_day_to_come_is_a_projection),
        cmocka_unit_test(the_status_is_that_of_the_day),
        cmocka_unit_test(before_its_issue_a_credential_is_not_current),
        cmocka_unit_test(a_corrected_day_of_issue_counts_for_every_day),
        cmocka_unit_test(recognition_is_that_of_the_day_and_the_asker),
        cmocka_unit_test(without_any_statement_it_is_not_recognized),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
