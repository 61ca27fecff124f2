/*
 * Worked examples of who matches: names, suffixes, private facts.
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

/* ---- the person ------------------------------------------------------- */

static void
names_match_as_they_are_folded(void **state)
{
    static const struct {
        char *family, *given, *suffix;          /* claimed */
        char *on_file, *given_on_file, *suffix_on_file;
        int matches;
        Vouch__V1__Comparison given_compares, suffix_compares;
    } cases[] = {
#define C(x) COMPARISON(x)
        {"O\xe2\x80\x99" "BRIEN", "", "", "O'Brien", "Pat", "", 1,
            C(UNSPECIFIED), C(UNSPECIFIED)},
        {"Garcia-Lopez", "", "", "Garc\xc3\xad" "a L\xc3\xb3pez", "", "", 1,
            C(UNSPECIFIED), C(UNSPECIFIED)},
        {"Mueller", "", "", "M\xc3\xbcller", "", "", 1,
            C(UNSPECIFIED), C(UNSPECIFIED)},
        {"Johnson", "", "", "Johnstone", "", "", 0, C(UNSPECIFIED),
            C(UNSPECIFIED)},
        {"Smith", "Mary Ann", "", "Smith", "MARY", "", 1, C(MATCH),
            C(UNSPECIFIED)},
        {"Smith", "Mary", "", "Smith", "Maria", "", 0, C(MISMATCH),
            C(UNSPECIFIED)},
        {"Smith", "Mary", "", "Smith", "", "", 1, C(NOT_COMPARED),
            C(UNSPECIFIED)},
        {"Smith", "M.", "", "Smith", "Mary", "", 1, C(NOT_COMPARED),
            C(UNSPECIFIED)},
        {"Smith", "Mary", "", "Smith", "M", "", 1, C(NOT_COMPARED),
            C(UNSPECIFIED)},
        {"Smith", "J", "", "Smith", "Mary", "", 0, C(MISMATCH),
            C(UNSPECIFIED)},
        {"Smith", "", "Jr", "Smith", "", "II", 1, C(UNSPECIFIED), C(MATCH)},
        {"Smith", "", "Jr", "Smith", "", "Sr", 0, C(UNSPECIFIED),
            C(MISMATCH)},
        {"Smith", "", "Jr", "Smith", "", "", 1, C(UNSPECIFIED),
            C(NOT_COMPARED)},
        {"Smith", "", "", "Smith", "", "Sr", 1, C(UNSPECIFIED),
            C(UNSPECIFIED)},
        {"Smith", "", "Jr", "SMITH, SR", "", "", 0, C(UNSPECIFIED),
            C(MISMATCH)},
        {"Smith", "", "Jr", "SMITH JR", "", "", 1, C(UNSPECIFIED), C(MATCH)},
        {"Smith, Jr.", "", "", "Smith", "", "Jr", 1, C(UNSPECIFIED),
            C(MATCH)},
        {"Smith", "", "MD", "Smith", "", "MD", 1, C(UNSPECIFIED), C(MATCH)},
        {"Smith", "", "MD", "Smith", "", "Jr", 0, C(UNSPECIFIED),
            C(MISMATCH)},
#undef C
    };
    struct world_event *e;
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        w.name.family = cases[i].family;
        w.name.given = cases[i].given;
        w.name.suffix = cases[i].suffix;
        e = world_add(&w, 1, "2020-01-01");
        world_name(e, 0, cases[i].on_file, cases[i].given_on_file, 0);
        e->humans[0].suffix = cases[i].suffix_on_file;
        if (cases[i].matches) {
            YES(&w, NULL);
            assert_int_equal(world_factor(&w, FACTOR(GIVEN_NAME)),
                cases[i].given_compares);
            assert_int_equal(world_factor(&w, FACTOR(SUFFIX)),
                cases[i].suffix_compares);
        } else {
            MISS(&w);
        }
        world_done(&w);
    }
}

static void
an_initial_is_not_the_given_name_that_a_policy_asks_for(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    w.association.identity_policy = POLICY(GIVEN_NAME_AND_ISSUE_DATE);
    w.name.given = "J.";
    world_date(&w.issued, "2020-03-01");
    w.claim.issued_on = &w.issued;
    e = world_add(&w, 1, "2020-03-01");
    world_issued(e, "2020-03-01");
    MISS(&w);
    w.name.given = "John";
    YES(&w, NULL);
    world_done(&w);
}

static void
a_year_on_file_is_not_the_day_that_a_policy_asks_for(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    world_date(&w.issued, "2020-03-01");
    w.claim.issued_on = &w.issued;
    e = world_add(&w, 1, "2020-01-01");
    world_issued(e, "2020");
    YES(&w, NULL);                          /* beside the policy's facts */
    w.association.identity_policy = POLICY(GIVEN_NAME_AND_ISSUE_DATE);
    w.name.given = "John";
    MISS(&w);
    world_done(&w);
}

static void
a_former_name_matches_and_is_said_to(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = world_add(&w, 1, "2020-01-01");
    world_name(e, 0, "Jones", "John", 0);
    MISS(&w);
    world_name(e, 1, "Smith", NULL, 1);
    YES(&w, NULL);
    assert_true(w.decision.former_name_matched);
    w.name.given = "John";                  /* stands with the present one */
    YES(&w, NULL);
    assert_int_equal(world_factor(&w, FACTOR(GIVEN_NAME)),
        COMPARISON(MATCH));
    w.name.family = "Jones";
    YES(&w, NULL);
    assert_false(w.decision.former_name_matched);
    world_name(e, 2, "JONES", "J", 1);      /* taken up again */
    YES(&w, NULL);
    assert_false(w.decision.former_name_matched);
    assert_int_equal(world_factor(&w, FACTOR(GIVEN_NAME)),
        COMPARISON(MATCH));                 /* more than an initial */
    world_done(&w);
}

static void
the_person_is_taken_from_the_latest_event(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    world_add(&w, 1, "2020-01-01");
    e = world_add(&w, 1, "2024-01-01");     /* the year was corrected */
    world_fact(&w, e, FACTOR(BIRTH_YEAR), "1991");
    MISS(&w);
    world_date(&w.birth, "1991");
    YES(&w, NULL);
    YES(&w, "2021-06-01");                  /* for every day */
    /* An event recorded later and effective earlier is still the latest. */
    e = world_add(&w, 1, "2019-01-01");
    world_fact(&w, e, FACTOR(BIRTH_YEAR), "1992");
    MISS(&w);
    world_done(&w);
}

static void
a_second_holder_on_one_number_is_told_apart(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = world_add(&w, 1, "2020-01-01");
    world_name(e, 0, "Ferris", "Ann", 0);
    e->record.standing = STANDING(REVOKED);
    world_add(&w, 2, "2021-01-01");
    YES(&w, NULL);
    assert_ptr_equal(w.decision.latest, &w.events[1].record);
    w.name.family = "Ferris";
    world_expect(&w, NULL, VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(STANDING));
    w.name.family = "Seeber";
    MISS(&w);
    world_done(&w);
}

/* What of ${f}acts is on file, claimed, asked for, and what comes of it. */
static void
private_facts_count_by_policy(void **state)
{
    static const struct {
        Vouch__V1__IdentityPolicy policy;
        const char *birth;
        char *last4;                            /* claimed */
        const char *year, *date, *four;         /* on file */
        int matches;
        Vouch__V1__Comparison by_year, by_date, by_four;
    } cases[] = {
#define C(x) COMPARISON(x)
#define NONE COMPARISON(UNSPECIFIED)
        /* a year claimed, a date on file: year and date are two facts */
        {POLICY(BIRTH_YEAR), "1990", "", "1990", "1990-05-06", NULL, 1,
            C(MATCH), NONE, NONE},
        {POLICY(BIRTH_YEAR), "1991", "", "1990", "1990-05-06", NULL, 0,
            NONE, NONE, NONE},
        /* a date claimed: compared as such if there is one */
        {POLICY(BIRTH_YEAR), "1990-05-06", "", "1990", "1990-05-06", NULL, 1,
            NONE, C(MATCH), NONE},
        {POLICY(BIRTH_YEAR), "1990-05-07", "", "1990", "1990-05-06", NULL, 0,
            NONE, NONE, NONE},
        {POLICY(BIRTH_YEAR), "1990-05-07", "", "1990", NULL, NULL, 1,
            C(MATCH), C(NOT_COMPARED), NONE},
        {POLICY(BIRTH_YEAR), "1991-05-07", "", "1990", NULL, NULL, 0,
            NONE, NONE, NONE},
        /* asked for, and not on file */
        {POLICY(BIRTH_YEAR), "1990", "", NULL, NULL, "4321", 0,
            NONE, NONE, NONE},
        {POLICY(BIRTH_DATE), "1990-05-06", "", "1990", NULL, NULL, 0,
            NONE, NONE, NONE},
        {POLICY(BIRTH_DATE), "1990-05-06", "", "1990", "1990-05-06", NULL, 1,
            NONE, C(MATCH), NONE},
        {POLICY(LAST4), "", "4321", NULL, NULL, NULL, 0, NONE, NONE, NONE},
        {POLICY(LAST4), "", "4321", NULL, NULL, "4321", 1,
            NONE, NONE, C(MATCH)},
        {POLICY(LAST4), "", "4322", NULL, NULL, "4321", 0, NONE, NONE, NONE},
        /* not asked for: one wrong spoils it, one not on file does not */
        {POLICY(BIRTH_YEAR), "1990", "4322", "1990", NULL, "4321", 0,
            NONE, NONE, NONE},
        {POLICY(BIRTH_YEAR), "1990", "4321", "1990", NULL, NULL, 1,
            C(MATCH), NONE, C(NOT_COMPARED)},
        {POLICY(LAST4), "1990", "4321", NULL, NULL, "4321", 1,
            C(NOT_COMPARED), NONE, C(MATCH)},
        {POLICY(LAST4), "1990-05-06", "4321", NULL, NULL, "4321", 1,
            NONE, C(NOT_COMPARED), C(MATCH)},
        {POLICY(LAST4), "1991", "4321", "1990", NULL, "4321", 0,
            NONE, NONE, NONE},
#undef NONE
#undef C
    };
    struct world_event *e;
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        w.association.identity_policy = cases[i].policy;
        world_date(&w.birth, cases[i].birth);
        w.claim.last4 = cases[i].last4;
        e = world_add(&w, 1, "2020-01-01");
        world_fact(&w, e, FACTOR(BIRTH_YEAR), cases[i].year);
        world_fact(&w, e, FACTOR(BIRTH_DATE), cases[i].date);
        world_fact(&w, e, FACTOR(LAST4), cases[i].four);
        if (cases[i].matches) {
            YES(&w, NULL);
            assert_int_equal(world_factor(&w, FACTOR(BIRTH_YEAR)),
                cases[i].by_year);
            assert_int_equal(world_factor(&w, FACTOR(BIRTH_DATE)),
                cases[i].by_date);
            assert_int_equal(world_factor(&w, FACTOR(LAST4)),
                cases[i].by_four);
        } else {
            MISS(&w);
        }
        world_done(&w);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match_as_they_are_folded),
        cmocka_unit_test(
            an_initial_is_not_the_given_name_that_a_policy_asks_for),
        cmocka_unit_test(
            a_year_on_file_is_not_the_day_that_a_policy_asks_for),
        cmocka_unit_test(a_former_name_matches_and_is_said_to),
        cmocka_unit_test(the_person_is_taken_from_the_latest_event),
        cmocka_unit_test(a_second_holder_on_one_number_is_told_apart),
        cmocka_unit_test(private_facts_count_by_policy),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
