/*
 * Worked examples of each verdict: what is claimed, what is on file, and what
 * must come out.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/decide_world.h"
#include "support/fault.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* How often the expensive parts ran (linked with --wrap). */
static unsigned macs, folds;

enum err __real_factor_mac(const struct factor_key *key, enum factor_kind kind,
    const uint8_t id[LEAF_CREDENTIAL_ID], struct slice value,
    uint8_t mac[FACTOR_MAC]);
enum err __wrap_factor_mac(const struct factor_key *key, enum factor_kind kind,
    const uint8_t id[LEAF_CREDENTIAL_ID], struct slice value,
    uint8_t mac[FACTOR_MAC]);
enum err __real_name_key_make(struct slice name, struct name_key *key);
enum err __wrap_name_key_make(struct slice name, struct name_key *key);

enum err
__wrap_factor_mac(const struct factor_key *key, enum factor_kind kind,
    const uint8_t id[LEAF_CREDENTIAL_ID], struct slice value,
    uint8_t mac[FACTOR_MAC])
{
    macs++;
    return (__real_factor_mac(key, kind, id, value, mac));
}

enum err
__wrap_name_key_make(struct slice name, struct name_key *key)
{
    folds++;
    return (__real_name_key_make(name, key));
}

/* ---- each verdict ----------------------------------------------------- */

static void
what_is_so_is_confirmed(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    world_add(&w, 1, "2020-01-01");
    YES(&w, NULL);
    assert_int_equal(w.decision.nreasons, 1);
    assert_int_equal(w.decision.nfactors, 4);
    assert_int_equal(world_factor(&w, FACTOR(NUMBER)), COMPARISON(MATCH));
    assert_int_equal(world_factor(&w, FACTOR(BIRTH_YEAR)),
        COMPARISON(MATCH));
    assert_int_equal(world_factor(&w, FACTOR(CREDENTIAL_TYPE)),
        COMPARISON(MATCH));
    assert_int_equal(w.decision.standing, STANDING(ACTIVE));
    assert_int_equal(w.decision.recognition, RECOGNITION(RECOGNIZED));
    world_done(&w);
}

static void
an_association_not_covered_is_an_unknown_issuer(void **state)
{
    struct decide_terms terms = {.now_us = 0};
    struct decide_input input = {.freshness = FRESHNESS(NEVER)};
    struct grpc_status status;
    struct world w;

    (void)state;
    world_init(&w);
    world_date(&w.as_of, "2030-01-01");     /* neither says anything here */
    w.claim.as_of = &w.as_of;
    assert_int_equal(decide_claim_prepare(&w.claim, &terms, &w.prepared,
        &status), E_OK);
    input.claim = &w.prepared;
    assert_int_equal(decide(&input, &w.decision), E_OK);
    assert_int_equal(w.decision.verdict, VERDICT(UNKNOWN_ISSUER));
    assert_int_equal(w.decision.conclusion, CONCLUSION(REVIEW));
    assert_int_equal(w.decision.nreasons, 1);
    assert_int_equal(w.decision.reasons[0], REASON(UNKNOWN_ISSUER));
    assert_int_equal(w.decision.causes[0], CAUSE(OTHER_ISSUER));
    assert_int_equal(w.decision.nfactors, 0);
    world_done(&w);
}

/* No such number, and somebody else's: the same bytes and the same work. */
static void
the_two_misses_are_one(void **state)
{
    struct decision nobody;
    unsigned nobody_macs, nobody_folds;
    struct world w;

    (void)state;
    world_init(&w);
    w.name.given = "John";
    w.name.suffix = "Jr";
    w.claim.last4 = "0000";
    world_date(&w.birth, "1990-05-06");
    world_date(&w.issued, "2020-01-01");
    w.claim.issued_on = &w.issued;
    macs = folds = 0;
    MISS(&w);
    nobody = w.decision;
    nobody_macs = macs;
    nobody_folds = folds;
    assert_int_equal(nobody_macs, 3);   /* year, date, last four */
    assert_int_equal(nobody.nfactors, 8);
    assert_int_equal(world_factor(&w, FACTOR(BIRTH_DATE)),
        COMPARISON(WITHHELD));
    assert_int_equal(world_factor(&w, FACTOR(BIRTH_YEAR)),
        COMPARISON(UNSPECIFIED));
    assert_int_equal(nobody.ncauses, 6);
    assert_int_equal(nobody.causes[0], CAUSE(NUMBER_MISTYPED));

    world_add(&w, 1, "2020-01-01");
    macs = folds = 0;
    MISS(&w);                           /* the last four are wrong */
    assert_int_equal(macs, nobody_macs);
    assert_int_equal(folds, nobody_folds);
    assert_memory_equal(&w.decision, &nobody, sizeof(nobody));

    w.claim.last4 = "4321";
    world_name(&w.events[0], 0, "Jones", "Ann", 0);
    macs = folds = 0;
    MISS(&w);
    assert_int_equal(macs, nobody_macs);
    assert_int_equal(folds, nobody_folds);
    assert_memory_equal(&w.decision, &nobody, sizeof(nobody));

    /* Of another type, suspended, disputed: still nothing of it shows. */
    w.events[0].record.credential_type_id = "mls";
    w.events[0].record.restriction = RESTRICTION(SUSPENDED);
    w.events[0].record.review = REVIEW_OF(DISPUTED);
    MISS(&w);
    assert_memory_equal(&w.decision, &nobody, sizeof(nobody));
    world_done(&w);
}

static void
a_hit_is_the_work_of_a_miss(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    w.name.given = "John";
    world_date(&w.birth, "1990-05-06");
    macs = folds = 0;
    MISS(&w);
    assert_int_equal(macs, 2);
    macs = 0;
    folds = 0;
    world_add(&w, 1, "2020-01-01");
    macs = folds = 0;
    YES(&w, NULL);
    assert_int_equal(macs, 2);
    assert_int_equal(folds, 2);         /* of the claim, and of the file */
    world_done(&w);
}

static void
several_of_the_claimed_type_are_ambiguous(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    world_add(&w, 1, "2020-01-01");
    world_add(&w, 2, "2021-01-01")->record.review = REVIEW_OF(DISPUTED);
    world_expect(&w, NULL, VERDICT(AMBIGUOUS), CONCLUSION(REVIEW),
        REASON(AMBIGUOUS));
    assert_int_equal(w.decision.nreasons, 1);   /* not that it is disputed */
    assert_int_equal(w.decision.causes[0], CAUSE(SEVERAL_RECORDS));
    assert_int_equal(world_factor(&w, FACTOR(BIRTH_YEAR)),
        COMPARISON(MATCH));
    world_done(&w);
}

static void
several_held_and_no_type_claimed_are_ambiguous(void **state)
{
    struct world w;

    (void)state;
    world_init(&w);
    w.claim.credential_type_id = "";
    world_add(&w, 1, "2020-01-01");
    YES(&w, NULL);                      /* the only one */
    assert_int_equal(world_factor(&w, FACTOR(CREDENTIAL_TYPE)),
        COMPARISON(UNSPECIFIED));
    world_add(&w, 2, "2021-01-01")->record.credential_type_id = "mlt";
    world_expect(&w, NULL, VERDICT(AMBIGUOUS), CONCLUSION(REVIEW),
        REASON(AMBIGUOUS));
    w.claim.credential_type_id = "mlt";
    YES(&w, NULL);                      /* the type tells them apart */
    assert_string_equal(w.decision.latest->credential_type_id, "mlt");
    w.claim.credential_type_id = "pbt";
    YES(&w, NULL);
    assert_string_equal(w.decision.latest->credential_type_id, "pbt");
    world_done(&w);
}

static void
what_does_not_hold_for_all_is_not_told(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    world_date(&w.birth, "1990-05-06");
    w.claim.last4 = "4321";
    w.name.given = "John";
    world_date(&w.issued, "2020-01-01");
    w.claim.issued_on = &w.issued;
    world_issued(world_add(&w, 1, "2020-01-01"), "2020-01-01");
    world_name(&w.events[0], 0, "Jones", "John", 0);
    world_name(&w.events[0], 1, "Smith", NULL, 1);
    e = world_add(&w, 2, "2021-01-01");
    world_issued(e, "2021-01-01");
    world_name(e, 0, "Smith", "", 0);
    world_fact(&w, e, FACTOR(LAST4), NULL);
    world_fact(&w, e, FACTOR(BIRTH_DATE), NULL);
    world_expect(&w, NULL, VERDICT(AMBIGUOUS), CONCLUSION(REVIEW),
        REASON(AMBIGUOUS));
    assert_false(w.decision.former_name_matched);
    assert_int_equal(world_factor(&w, FACTOR(GIVEN_NAME)),
        COMPARISON(NOT_COMPARED));
    assert_int_equal(world_factor(&w, FACTOR(LAST4)),
        COMPARISON(NOT_COMPARED));
    assert_int_equal(world_factor(&w, FACTOR(BIRTH_DATE)),
        COMPARISON(NOT_COMPARED));
    assert_int_equal(world_factor(&w, FACTOR(BIRTH_YEAR)),
        COMPARISON(UNSPECIFIED));
    assert_int_equal(world_factor(&w, FACTOR(ISSUED_ON)),
        COMPARISON(NOT_COMPARED));
    world_done(&w);
}

static void
another_type_is_a_mismatch_and_tells_nothing(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    w.claim.credential_type_id = "mls";
    e = world_add(&w, 1, "2020-01-01");
    e->record.restriction = RESTRICTION(SUSPENDED);
    e->record.standing = STANDING(REVOKED);
    world_period(e, "2020-01-01", "2021-01-01", NULL);
    world_expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
        REASON(FIELD_MISMATCH));
    assert_int_equal(w.decision.nreasons, 1);
    assert_int_equal(world_factor(&w, FACTOR(CREDENTIAL_TYPE)),
        COMPARISON(MISMATCH));
    assert_int_equal(world_factor(&w, FACTOR(FAMILY_NAME)),
        COMPARISON(MATCH));

    /* What the conclusion gives away is said, and no more. */
    e->record.review = REVIEW_OF(DISPUTED);
    world_expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(REVIEW),
        REASON(DISPUTED));
    assert_int_equal(w.decision.nreasons, 2);
    e->record.review = REVIEW_OF(UNDER_INVESTIGATION);
    world_expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
        REASON(FIELD_MISMATCH));
    assert_int_equal(w.decision.nreasons, 1);

    /* Two held, neither of them the one claimed. */
    world_add(&w, 2, "2020-01-01")->record.credential_type_id = "mlt";
    world_expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
        REASON(FIELD_MISMATCH));
    world_done(&w);
}

static void
a_dispute_over_another_credential_does_not_count(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    world_date(&w.issued, "2020-01-01");
    w.claim.issued_on = &w.issued;
    e = world_add(&w, 1, "2020-01-01");
    e->record.credential_type_id = "mlt";
    e->record.review = REVIEW_OF(DISPUTED);
    world_issued(world_add(&w, 2, "2021-01-01"), "2021-01-01");
    e = world_add(&w, 3, "2020-01-01");
    e->record.credential_type_id = "mls";
    e->record.review = REVIEW_OF(DISPUTED);
    world_expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
        REASON(FIELD_MISMATCH));
    assert_int_equal(world_factor(&w, FACTOR(CREDENTIAL_TYPE)),
        COMPARISON(MATCH));
    assert_int_equal(world_factor(&w, FACTOR(ISSUED_ON)),
        COMPARISON(MISMATCH));
    world_done(&w);
}

static void
another_day_of_issue_is_a_mismatch_unless_the_policy_asks_for_it(
    void **state)
{
    static const struct {
        const char *claimed, *file;
        Vouch__V1__Comparison comparison;
    } cases[] = {
        {"2020-03-01", "2020-03-01", COMPARISON(MATCH)},
        {"2020-03-01", "2020-03-02", COMPARISON(MISMATCH)},
        {"2020", "2020-03-02", COMPARISON(MATCH)},
        {"2019", "2020-03-02", COMPARISON(MISMATCH)},
        {"2020-03-01", "2020-03", COMPARISON(MATCH)},
        {"2020-04-01", "2020-03", COMPARISON(MISMATCH)},
        {"2020-03-01", "", COMPARISON(NOT_COMPARED)},
    };
    struct world_event *e;
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++) {
        world_init(&w);
        world_date(&w.issued, cases[i].claimed);
        w.claim.issued_on = &w.issued;
        e = world_add(&w, 1, "2020-03-01");
        world_issued(e, cases[i].file);
        if (cases[i].comparison == COMPARISON(MISMATCH))
            world_expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
                REASON(FIELD_MISMATCH));
        else
            YES(&w, NULL);
        assert_int_equal(world_factor(&w, FACTOR(ISSUED_ON)),
            cases[i].comparison);
        world_done(&w);
    }

    world_init(&w);
    w.association.identity_policy = POLICY(GIVEN_NAME_AND_ISSUE_DATE);
    w.name.given = "john";
    world_date(&w.issued, "2020-03-01");
    w.claim.issued_on = &w.issued;
    e = world_add(&w, 1, "2020-03-01");
    MISS(&w);                               /* not on file */
    world_issued(e, "2020-03-01");
    YES(&w, NULL);
    world_issued(e, "2020-03-02");
    MISS(&w);
    world_done(&w);
}

/* ---- what must not be ------------------------------------------------- */

static void
what_breaks_an_invariant_is_said_to(void **state)
{
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = world_add(&w, 1, "2020-01-01");
    YES(&w, NULL);
    e->key_id[0] ^= 1;                  /* under a key that we do not have */
    assert_int_equal(world_decide(&w, NULL), E_CORRUPT);
    e->key_id[0] ^= 1;
    e->factors[0].mac.len = 31;
    assert_int_equal(world_decide(&w, NULL), E_CORRUPT);
    e->factors[0].mac.len = 32;
    e->humans[0].family = "\xff";
    assert_int_equal(world_decide(&w, NULL), E_CORRUPT);
    e->humans[0].family = "Smith";
    e->names[0].name = NULL;
    assert_int_equal(world_decide(&w, NULL), E_CORRUPT);
    e->names[0].name = &e->humans[0];
    e->record.n_names = 0;
    assert_int_equal(world_decide(&w, NULL), E_CORRUPT);
    e->record.n_names = 1;
    e->event.record = NULL;
    assert_int_equal(world_decide(&w, NULL), E_CORRUPT);
    world_done(&w);
}

/* Reckoned with, the first would overflow and the second read elsewhere. */
static void
a_date_on_file_that_does_not_exist_is_said_to_be_one(void **state)
{
    static const Vouch__V1__Date bad[] = {
        {.year = INT32_MIN, .month = 1, .day = 1},
        {.year = 2020, .month = 1000, .day = 1},
        {.year = 2023, .month = 2, .day = 29},
        {.year = 2020, .month = 0, .day = 5},
        {.year = 0, .month = 5, .day = 0},
    };
    struct world_event *e;
    struct world w;

    (void)state;
    world_init(&w);
    e = world_add(&w, 1, "2020-01-01");
    world_issued(e, "2020-01-01");
    world_period(e, "2020-01-01", "2030-12-31", "2031-01-31");
    YES(&w, NULL);

    Vouch__V1__Date *const dates[] = {&e->effective_on, &e->issued_on,
        &e->dates[0][0], &e->dates[0][1], &e->dates[0][2]};

    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        Vouch__V1__Date good = *dates[i];

        for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
            dates[i]->year = bad[j].year;
            dates[i]->month = bad[j].month;
            dates[i]->day = bad[j].day;
            assert_int_equal(world_decide(&w, NULL), E_CORRUPT);
        }
        *dates[i] = good;
    }
    YES(&w, NULL);
    world_done(&w);
}

static void
nothing_is_allocated(void **state)
{
    struct decide_input input;
    struct decision before;
    struct world w;
    enum err err;

    (void)state;
    world_init(&w);
    w.name.given = "John";
    world_add(&w, 1, "2020-01-01");
    YES(&w, NULL);
    before = w.decision;
    input = world_input(&w);
    fault_arm(0);       /* the very first one would fail: there is none */
    err = decide(&input, &w.decision);
    fault_arm(-1);
    assert_false(fault_fired());
    assert_int_equal(err, E_OK);
    assert_memory_equal(&w.decision, &before, sizeof(before));
    world_done(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_so_is_confirmed),
        cmocka_unit_test(an_association_not_covered_is_an_unknown_issuer),
        cmocka_unit_test(the_two_misses_are_one),
        cmocka_unit_test(a_hit_is_the_work_of_a_miss),
        cmocka_unit_test(several_of_the_claimed_type_are_ambiguous),
        cmocka_unit_test(several_held_and_no_type_claimed_are_ambiguous),
        cmocka_unit_test(what_does_not_hold_for_all_is_not_told),
        cmocka_unit_test(another_type_is_a_mismatch_and_tells_nothing),
        cmocka_unit_test(a_dispute_over_another_credential_does_not_count),
        cmocka_unit_test(
            another_day_of_issue_is_a_mismatch_unless_the_policy_asks_for_it),
        cmocka_unit_test(what_breaks_an_invariant_is_said_to),
        cmocka_unit_test(a_date_on_file_that_does_not_exist_is_said_to_be_one),
        cmocka_unit_test(nothing_is_allocated),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
