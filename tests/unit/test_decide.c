/*
 * Worked examples: what is claimed, what is on file, and what must come out.
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

enum err __real_factor_mac(struct factor_key *key, enum factor_kind kind,
    const uint8_t id[LEAF_CREDENTIAL_ID], struct slice value,
    uint8_t mac[FACTOR_MAC]);
enum err __wrap_factor_mac(struct factor_key *key, enum factor_kind kind,
    const uint8_t id[LEAF_CREDENTIAL_ID], struct slice value,
    uint8_t mac[FACTOR_MAC]);
enum err __real_name_key_make(struct slice name, struct name_key *key);
enum err __wrap_name_key_make(struct slice name, struct name_key *key);

enum err
__wrap_factor_mac(struct factor_key *key, enum factor_kind kind,
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

/* Decide for ${as_of}, and hold verdict, conclusion and first reason. */
static void
expect(struct world *w, const char *as_of, Vouch__V1__Verdict verdict,
    Vouch__V1__Conclusion conclusion, Vouch__V1__Reason reason)
{
    const struct decision *d = &w->decision;

    assert_int_equal(world_decide(w, as_of), E_OK);
    assert_int_equal(d->verdict, verdict);
    assert_int_equal(d->conclusion, conclusion);
    assert_true(d->nreasons > 0);
    assert_int_equal(d->reasons[0], reason);
    if (verdict == VERDICT(CONFIRMED) || verdict == VERDICT(NOT_CURRENT)) {
        assert_non_null(d->latest);
    } else {
        assert_null(d->latest);
        assert_null(d->record);
        assert_int_equal(d->standing, STANDING(UNSPECIFIED));
        assert_int_equal(d->restriction, RESTRICTION(UNSPECIFIED));
        assert_int_equal(d->review, REVIEW_OF(UNSPECIFIED));
        assert_int_equal(d->recognition, RECOGNITION(UNSPECIFIED));
    }
    if (conclusion != CONCLUSION(REVIEW))
        assert_int_equal(d->ncauses, 0);
}

#define YES(w, day) expect(w, day, VERDICT(CONFIRMED), CONCLUSION(YES),     \
    REASON(IN_GOOD_STANDING))
#define MISS(w) expect(w, NULL, VERDICT(NO_MATCH), CONCLUSION(REVIEW),      \
    REASON(NO_MATCH))

static int
has_reason(const struct world *w, Vouch__V1__Reason reason)
{
    size_t i;

    for (i = 0; i < w->decision.nreasons; i++)
        if (w->decision.reasons[i] == reason)
            return (1);
    return (0);
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
    struct decide_terms terms = {NULL, 1, 0};
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
    expect(&w, NULL, VERDICT(AMBIGUOUS), CONCLUSION(REVIEW),
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
    expect(&w, NULL, VERDICT(AMBIGUOUS), CONCLUSION(REVIEW),
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
    expect(&w, NULL, VERDICT(AMBIGUOUS), CONCLUSION(REVIEW),
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
    expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
        REASON(FIELD_MISMATCH));
    assert_int_equal(w.decision.nreasons, 1);
    assert_int_equal(world_factor(&w, FACTOR(CREDENTIAL_TYPE)),
        COMPARISON(MISMATCH));
    assert_int_equal(world_factor(&w, FACTOR(FAMILY_NAME)),
        COMPARISON(MATCH));

    /* What the conclusion gives away is said, and no more. */
    e->record.review = REVIEW_OF(DISPUTED);
    expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(REVIEW),
        REASON(DISPUTED));
    assert_int_equal(w.decision.nreasons, 2);
    e->record.review = REVIEW_OF(UNDER_INVESTIGATION);
    expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
        REASON(FIELD_MISMATCH));
    assert_int_equal(w.decision.nreasons, 1);

    /* Two held, neither of them the one claimed. */
    world_add(&w, 2, "2020-01-01")->record.credential_type_id = "mlt";
    expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
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
    expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
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
            expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(NO),
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
    expect(&w, NULL, VERDICT(NOT_CURRENT), CONCLUSION(NO), REASON(STANDING));
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
        {"2020-01-01", "2022-12-31", NULL, "2019-12-31", 0, ON, 0},
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
        {"2024-02-29", "2024-02-29", NULL, "2024-02-28", 0, ON, 0},
        {"2024-02-29", "2024-02-29", NULL, "2024-02-29", 0, ON, 1},
        {"2024-02-29", "2024-02-29", NULL, "2024-03-01", 0, OFF, 0},
        {"", "2024-02", NULL, "2024-02-29", 0, ON, 1},
        {"", "2023-02", NULL, "2023-02-28", 0, ON, 1},
        {"", "2023-02", NULL, "2023-03-01", 0, OFF, 0},
        /* partial dates, to the holder's good */
        {"2020", "2022", NULL, "2020-01-01", 0, ON, 1},
        {"2020", "2022", NULL, "2019-12-31", 0, ON, 0},
        {"2020", "2022", NULL, "2022-12-31", 0, ON, 1},
        {"2020", "2022", NULL, "2023-01-01", 0, OFF, 0},
        {"2020-04", "2022-04", "2022-06", "2020-04-01", 0, ON, 1},
        {"2020-04", "2022-04", "2022-06", "2022-06-30", 0, ON, 1},
        {"2020-04", "2022-04", "2022-06", "2022-07-01", 0, OFF, 0},
        /* the issuer's word overrides the end, not the beginning */
        {"2020-01-01", "2022-12-31", NULL, "2025-01-01", 1, ON, 1},
        {"2020-01-01", "2022-12-31", NULL, "2019-12-31", 1, ON, 0},
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
            expect(&w, cases[i].day, VERDICT(NOT_CURRENT), CONCLUSION(NO),
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
    expect(&w, "2025-01-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(OUT_OF_PERIOD));
    assert_int_equal(w.decision.standing, STANDING(EXPIRED));
    expect(&w, "2022-12-31", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(OUT_OF_PERIOD));
    assert_int_equal(w.decision.standing, STANDING(ACTIVE));
    e->record.standing = STANDING(PROVISIONAL);
    YES(&w, "2024-12-31");
    expect(&w, "2025-01-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
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
            expect(&w, NULL, VERDICT(NOT_CURRENT), CONCLUSION(NO),
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
        expect(&w, NULL, cases[i].verdict, cases[i].conclusion,
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
        expect(&w, NULL, cases[i].verdict, cases[i].conclusion,
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
    expect(&w, "2027-01-01", VERDICT(NOT_CURRENT), CONCLUSION(REVIEW),
        REASON(STALE));
    assert_int_equal(w.decision.nreasons, 6);
    assert_true(has_reason(&w, REASON(SUSPENDED)));
    assert_true(has_reason(&w, REASON(OUT_OF_PERIOD)));
    assert_true(has_reason(&w, REASON(NOT_RECOGNIZED)));
    assert_true(has_reason(&w, REASON(DISPUTED)));
    assert_true(has_reason(&w, REASON(PROJECTION)));
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
    assert_true(has_reason(&w, REASON(NEVER_PUBLISHED)));
    world_add(&w, 1, "2020-01-01");
    w.freshness = FRESHNESS(STALE);
    expect(&w, NULL, VERDICT(CONFIRMED), CONCLUSION(REVIEW), REASON(STALE));
    w.claim.credential_type_id = "mls";
    expect(&w, NULL, VERDICT(MISMATCH), CONCLUSION(REVIEW), REASON(STALE));
    assert_true(has_reason(&w, REASON(FIELD_MISMATCH)));
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
    expect(&w, "2026-11-23", VERDICT(CONFIRMED), CONCLUSION(REVIEW),
        REASON(PROJECTION));
    world_period(e, "2020-01-01", "2026-12-31", NULL);
    expect(&w, "2027-01-01", VERDICT(NOT_CURRENT), CONCLUSION(REVIEW),
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
    expect(&w, "2022-06-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(SUSPENDED));
    expect(&w, "2022-12-31", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(SUSPENDED));
    YES(&w, "2023-01-01");

    /* A correction for the past: later in the log, earlier in effect. */
    e = world_add(&w, 1, "2021-01-01");
    e->record.standing = STANDING(INACTIVE);
    YES(&w, "2020-12-31");
    expect(&w, "2021-01-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(STANDING));
    expect(&w, "2022-06-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
        REASON(SUSPENDED));
    YES(&w, NULL);

    /* Two of one day: the later in the log. */
    world_add(&w, 1, "2021-01-01");
    YES(&w, "2021-01-01");

    /* Effective only tomorrow: not yet today. */
    e = world_add(&w, 1, "2026-11-23");
    e->record.standing = STANDING(REVOKED);
    YES(&w, NULL);
    expect(&w, "2026-11-23", VERDICT(NOT_CURRENT), CONCLUSION(REVIEW),
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
        {"2019-01-01", "2020", 0, "2020-01-01", REASON(UNSPECIFIED)},
        {"2019-01-01", "2020", 0, "2019-12-31", REASON(BEFORE_ISSUE)},
        /* issued, but nothing is said of the day: nobody knows */
        {"2023-01-01", "2020-03-01", 0, "2021-01-01",
            REASON(STANDING_UNKNOWN)},
        /* no day of issue: a stated first day stands for it */
        {"2020-03-01", "", 0, "2020-02-29", REASON(BEFORE_ISSUE)},
        /* and an assumed one does not */
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
            expect(&w, cases[i].day, VERDICT(NOT_CURRENT),
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
    expect(&w, "2020-06-01", VERDICT(NOT_CURRENT), CONCLUSION(NO),
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
        {"2020", "2024", "", O, "", NULL, 0, 0, R(RECOGNIZED)},
        {"2020", "2024-06", "", O, "", NULL, 0, 0, R(RECOGNIZED)},
        {"", "", "2024-06-15", O, "", NULL, 0, 0, R(RECOGNIZED)},
        {"", "", "2024-06-16", O, "", NULL, 0, 0, R(UNKNOWN)},
        {"", "", "", O, "", NULL, 0, 0, R(UNKNOWN)},
        {"", "2023", "2024-06-16", O, "", NULL, 0, 0, R(NOT_RECOGNIZED)},
        {"2025", "", "", CONFIDENCE(UNVERIFIED), "", NULL, 0, 0,
            R(NOT_RECOGNIZED)},
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
            expect(&w, "2024-06-15", VERDICT(CONFIRMED), CONCLUSION(REVIEW),
                REASON(RECOGNITION_UNKNOWN));
        else
            expect(&w, "2024-06-15", VERDICT(CONFIRMED), CONCLUSION(NO),
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
    expect(&w, NULL, VERDICT(CONFIRMED), CONCLUSION(NO),
        REASON(NOT_RECOGNIZED));
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

static void
each_allocation_may_fail(void **state)
{
    struct decide_input input = {0};
    struct decision before;
    struct world w;
    enum err err;
    int n;

    (void)state;
    world_init(&w);
    w.name.given = "John";
    world_add(&w, 1, "2020-01-01");
    YES(&w, NULL);
    before = w.decision;
    input.claim = &w.prepared;
    input.versions = w.versions;
    input.nversions = w.nversions;
    input.key = w.key;
    input.recognitions = w.recognitions;
    input.nrecognitions = w.nrecognitions;
    input.freshness = w.freshness;
    for (n = 0; n < 100; n++) {
        fault_arm(n);
        err = decide(&input, &w.decision);
        fault_arm(-1);
        if (!fault_fired())
            break;
        assert_true(err == E_NOMEM || err == E_CRYPTO || err == E_OK);
    }
    assert_true(n < 100);
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
        cmocka_unit_test(names_match_as_they_are_folded),
        cmocka_unit_test(
            an_initial_is_not_the_given_name_that_a_policy_asks_for),
        cmocka_unit_test(a_former_name_matches_and_is_said_to),
        cmocka_unit_test(the_person_is_taken_from_the_latest_event),
        cmocka_unit_test(a_second_holder_on_one_number_is_told_apart),
        cmocka_unit_test(private_facts_count_by_policy),
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
        cmocka_unit_test(what_breaks_an_invariant_is_said_to),
        cmocka_unit_test(each_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
