/*
 * VerifyCredential over a real store, called as rpc calls it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "proto/message.h"
#include "service/event_read.h"
#include "service/unary.h"
#include "support/fault.h"
#include "support/verify_rig.h"

#define DAY_US INT64_C(86400000000)

/* How many events were read (linked with --wrap). */
static unsigned decoded;

enum err __real_event_read(struct slice bytes, struct arena *arena,
    Vouch__V1__Event **event);
enum err __wrap_event_read(struct slice bytes, struct arena *arena,
    Vouch__V1__Event **event);

enum err
__wrap_event_read(struct slice bytes, struct arena *arena,
    Vouch__V1__Event **event)
{
    decoded++;
    return (__real_event_read(bytes, arena, event));
}

static int
rig_setup(void **state)
{
    struct rig *rig = malloc(sizeof(*rig));

    if (rig == NULL)
        return (-1);
    rig_open(rig);
    *state = rig;
    return (0);
}

static int
rig_teardown(void **state)
{
    rig_close(*state);
    free(*state);
    return (0);
}

/* Ask, and hold verdict and conclusion. */
static const Vouch__V1__Answer *
answer(struct rig *rig, Vouch__V1__Verdict verdict,
    Vouch__V1__Conclusion conclusion)
{
    const Vouch__V1__VerifyCredentialResponse *r = rig_ask(rig);

    if (r == NULL)
        fail_msg("%s: %s", grpc_status_name(rig->outcome.status.code),
            rig->outcome.status.message);
    assert_non_null(r->answer);
    assert_int_equal(r->answer->verdict, verdict);
    assert_int_equal(r->answer->conclusion, conclusion);
    return (r->answer);
}

/* Nothing of a record is in the answer. */
static void
assert_withheld(const Vouch__V1__Answer *a)
{
    assert_null(a->status);
    assert_int_equal(a->n_periods, 0);
    assert_int_equal(a->n_recognitions, 0);
    assert_int_equal(a->recognition, RECOGNITION(UNSPECIFIED));
    assert_string_equal(a->credential_type_id, "");
}

static int
has_violation(const struct rig *rig, const char *field)
{
    const struct grpc_status *status = &rig->outcome.status;
    size_t i;

    for (i = 0; i < status->nviolations; i++)
        if (strcmp(status->violations[i].field, field) == 0)
            return (1);
    return (0);
}

/* ---- the verdicts ----------------------------------------------------- */

static void
a_confirmed_claim_is_answered_in_full(void **state)
{
    struct rig *rig = *state;
    struct world_event *e = world_add(&rig->world, 1, "2020-03-01");
    const Vouch__V1__Answer *a;

    world_issued(e, "2020-03-01");
    world_period(e, "2020-03-01", "2027-02-28", NULL);
    e->record.raw_status = "CURRENT";
    rig_publish(rig, "1234");
    a = answer(rig, VERDICT(CONFIRMED), CONCLUSION(YES));
    assert_int_equal(a->n_reasons, 1);
    assert_int_equal(a->reasons[0], REASON(IN_GOOD_STANDING));
    assert_int_equal(a->n_innocent_causes, 0);
    assert_int_equal(a->n_factors, 4);
    assert_int_equal(a->factors[0]->factor, FACTOR(NUMBER));
    assert_int_equal(a->factors[0]->comparison, COMPARISON(MATCH));
    assert_non_null(a->status);
    assert_string_equal(a->status->raw_status, "CURRENT");
    assert_int_equal(a->status->standing, STANDING(ACTIVE));
    assert_int_equal(a->status->restriction, RESTRICTION(NONE));
    assert_int_equal(a->n_periods, 1);
    assert_int_equal(a->periods[0]->valid_until->year, 2027);
    assert_string_equal(a->credential_type_id, "abc-pbt");
    assert_int_equal(a->recognition, RECOGNITION(RECOGNIZED));
    assert_int_equal(a->n_recognitions, 1);     /* not the unverified one */
    assert_string_equal(a->recognitions[0]->id, "abc-ncca");
    assert_int_equal(a->freshness->state, FRESHNESS(FRESH));
    assert_int_equal(a->freshness->source_time_us, clock_wall_us());
    assert_int_equal(a->freshness->max_age_seconds, 35 * 86400);
    assert_int_equal(a->as_of->year, 2026);
    assert_int_equal(a->as_of->month, 11);
    assert_int_equal(a->as_of->day, 22);
    assert_false(a->projection);
    assert_int_equal(a->answered_at_us, clock_wall_us());
    assert_string_equal(a->association_name, "Board A");
    assert_string_equal(a->designation, "agreement 7");
    assert_string_equal(a->contact, "");        /* nothing to ask about */
    assert_int_equal(a->log_size, 2);           /* the catalog, the event */
    assert_int_equal(a->name_fold_version, NAME_FOLD_VERSION);
}

static void
an_order_that_extends_is_in_the_answer(void **state)
{
    struct rig *rig = *state;
    struct world_event *e = world_add(&rig->world, 1, "2020-03-01");
    const Vouch__V1__Answer *a;

    world_period(e, "2020-03-01", "2021-03-15", NULL);
    e->record.raw_status = "LAPSING";
    rig_publish(rig, "1234");
    a = answer(rig, VERDICT(CONFIRMED), CONCLUSION(YES));
    assert_int_equal(a->status->standing, STANDING(ACTIVE));
    assert_string_equal(a->status->raw_status, "LAPSING");
    assert_int_equal(a->periods[0]->valid_until->day, 15);
    assert_non_null(a->extension);
    assert_memory_equal(a->extension->order, "Order 7, as", 11);
    assert_string_equal(a->extension->source, "the gazette");
    assert_int_equal(a->extension->counts_until->month, 6);
}

static void
each_verdict_comes_from_what_is_published(void **state)
{
    struct rig *rig = *state;
    struct world *w = &rig->world;
    struct world_event *e;
    const Vouch__V1__Answer *a;

    w->claim.association_id = "no-such";
    a = answer(rig, VERDICT(UNKNOWN_ISSUER), CONCLUSION(REVIEW));
    assert_withheld(a);
    assert_null(a->freshness);
    assert_int_equal(a->n_factors, 0);
    assert_int_equal(a->innocent_causes[0], CAUSE(OTHER_ISSUER));

    w->claim.association_id = "def";
    w->claim.credential_type_id = "def-pbt";
    a = answer(rig, VERDICT(NO_MATCH), CONCLUSION(REVIEW));
    assert_withheld(a);
    assert_int_equal(a->freshness->state, FRESHNESS(NEVER));
    assert_string_equal(a->contact, "https://d.example");

    w->claim.association_id = "abc";
    w->claim.credential_type_id = "abc-mlt";
    world_issued(world_add(w, 1, "2020-01-01"), "2020-01-01");
    rig_publish(rig, "1234");
    a = answer(rig, VERDICT(MISMATCH), CONCLUSION(NO));
    assert_withheld(a);
    assert_string_equal(a->contact, "https://a.example");

    w->claim.credential_type_id = "abc-pbt";
    e = world_add(w, 1, "2024-01-01");
    world_issued(e, "2020-01-01");
    e->record.restriction = RESTRICTION(SUSPENDED);
    rig_publish(rig, "1234");
    a = answer(rig, VERDICT(NOT_CURRENT), CONCLUSION(NO));
    assert_int_equal(a->reasons[0], REASON(SUSPENDED));
    assert_int_equal(a->status->restriction, RESTRICTION(SUSPENDED));
    assert_int_equal(a->recognition, RECOGNITION(RECOGNIZED));

    world_date(&w->as_of, "2023-12-31");
    w->claim.as_of = &w->as_of;
    answer(rig, VERDICT(CONFIRMED), CONCLUSION(YES));
    world_date(&w->as_of, "2019-12-31");
    a = answer(rig, VERDICT(NOT_CURRENT), CONCLUSION(NO));
    assert_int_equal(a->reasons[0], REASON(BEFORE_ISSUE));
    assert_non_null(a->status);
    assert_string_equal(a->status->raw_status, "");
    world_date(&w->as_of, "2026-11-23");
    a = answer(rig, VERDICT(NOT_CURRENT), CONCLUSION(REVIEW));
    assert_true(a->projection);
    w->claim.as_of = NULL;

    world_add(w, 2, "2020-01-01");
    rig_publish(rig, "1234");
    a = answer(rig, VERDICT(AMBIGUOUS), CONCLUSION(REVIEW));
    assert_withheld(a);
}

static void
recognition_is_as_the_asker_requires(void **state)
{
    static char *ncca[] = {"ncca"}, *state_xx[] = {"us-xx"},
        *nobody[] = {"us-yy"};
    struct rig *rig = *state;
    struct world *w = &rig->world;
    const Vouch__V1__Answer *a;

    world_add(w, 1, "2020-01-01");
    rig_publish(rig, "1234");
    world_add(w, 2, "2020-01-01")->record.credential_type_id = "abc-mlt";
    rig_publish(rig, "1234");
    w->claim.n_recognized_by = 1;
    w->claim.recognized_by = ncca;
    answer(rig, VERDICT(CONFIRMED), CONCLUSION(YES));
    w->claim.recognized_by = state_xx;
    a = answer(rig, VERDICT(CONFIRMED), CONCLUSION(REVIEW));
    assert_int_equal(a->recognition, RECOGNITION(UNKNOWN));
    assert_int_equal(a->n_recognitions, 1);
    assert_string_equal(a->recognitions[0]->id, "abc-us-xx");
    w->claim.recognized_by = nobody;            /* perhaps mistyped */
    assert_null(rig_ask(rig));
    assert_int_equal(rig->outcome.status.code, GRPC_INVALID_ARGUMENT);
    assert_true(has_violation(rig, "claim.recognized_by"));
    w->claim.recognized_by = ncca;
    w->claim.credential_type_id = "abc-mlt";    /* excepted */
    a = answer(rig, VERDICT(CONFIRMED), CONCLUSION(NO));
    assert_int_equal(a->recognition, RECOGNITION(NOT_RECOGNIZED));
    assert_int_equal(a->n_recognitions, 0);
    w->claim.n_recognized_by = 0;
    answer(rig, VERDICT(CONFIRMED), CONCLUSION(NO));
}

static void
a_word_grows_stale(void **state)
{
    struct rig *rig = *state;
    const Vouch__V1__Answer *a;
    int64_t published = clock_wall_us();

    world_add(&rig->world, 1, "2020-01-01");
    rig_publish(rig, "1234");
    clock_set_wall(published + 35 * DAY_US);
    answer(rig, VERDICT(CONFIRMED), CONCLUSION(YES));
    clock_set_wall(published + 35 * DAY_US + 1);
    a = answer(rig, VERDICT(CONFIRMED), CONCLUSION(REVIEW));
    assert_int_equal(a->freshness->state, FRESHNESS(STALE));
    assert_int_equal(a->freshness->source_time_us, published);
    assert_int_equal(a->reasons[0], REASON(STALE));
    assert_int_equal(a->innocent_causes[0], CAUSE(PUBLICATION_LATE));
}

/* ---- the two misses --------------------------------------------------- */

static uint64_t
statements(const struct rig *rig)
{
    return (store_statements(rig->worker->reader));
}

/* The packed answer of a NO_MATCH; the statements it took in ${*took}. */
static void
miss(struct rig *rig, struct buf *bytes, size_t *whole, uint64_t *took)
{
    uint64_t before = statements(rig);

    buf_init(bytes, 65536);
    assert_int_equal(message_pack(&answer(rig, VERDICT(NO_MATCH),
        CONCLUSION(REVIEW))->base, bytes), E_OK);
    *took = statements(rig) - before;
    *whole = rig->outcome.bytes.n;
}

static void
no_such_number_and_wrong_person_are_one_answer(void **state)
{
    static char *const families[] = {"Jones", "Smith", "Smith", "Smith"};
    static const char *const births[] = {"1990", "1991", "1990-05-07",
        "1990-05-06"};
    static char *const last4[] = {"4321", "4321", "4321", "4320"};
    struct rig *rig = *state;
    struct world *w = &rig->world;
    struct buf none, wrong;
    size_t none_size, wrong_size, i;
    uint64_t none_took, wrong_took;

    for (i = 1; i <= 3; i++)
        world_add(w, 1, "2020-01-01")->record.restriction =
            RESTRICTION(SUSPENDED);
    rig_publish(rig, "1234");
    w->claim.number = "9998";       /* the first asks for the log's size too */
    (void)answer(rig, VERDICT(NO_MATCH), CONCLUSION(REVIEW));
    for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        w->name.family = families[i];
        world_date(&w->birth, births[i]);
        w->claim.last4 = last4[i];
        w->claim.number = "9999";
        miss(rig, &none, &none_size, &none_took);
        w->claim.number = "1234";
        miss(rig, &wrong, &wrong_size, &wrong_took);
        assert_int_equal(none.n, wrong.n);
        assert_memory_equal(none.p, wrong.p, none.n);
        assert_int_equal(none_size, wrong_size);
        assert_int_equal(none_took, wrong_took);
        assert_withheld(rig->outcome.response->answer);
        buf_free(&none);
        buf_free(&wrong);
    }
}

static void
finding_nothing_is_the_work_of_finding_one(void **state)
{
    struct rig *rig = *state;
    unsigned nothing;
    int i;

    for (i = 0; i < 5; i++)             /* however long its history is */
        world_add(&rig->world, 1, "2020-01-01");
    rig_publish(rig, "1234");
    rig->world.name.family = "Jones";
    decoded = 0;
    answer(rig, VERDICT(NO_MATCH), CONCLUSION(REVIEW));
    nothing = decoded;
    rig->world.claim.number = "9999";
    decoded = 0;
    answer(rig, VERDICT(NO_MATCH), CONCLUSION(REVIEW));
    assert_int_equal(decoded, nothing);
    assert_int_equal(nothing, 1);

    rig->world.claim.number = "1234";   /* the right person: all of it */
    rig->world.name.family = "Smith";
    decoded = 0;
    answer(rig, VERDICT(CONFIRMED), CONCLUSION(YES));
    assert_int_equal(decoded, 5);
}

/* ---- the question ----------------------------------------------------- */

static void
the_question_comes_back_as_it_was_asked(void **state)
{
    static uint8_t nonce[] = {0, 1, 255};
    struct rig *rig = *state;
    struct world *w = &rig->world;
    const Vouch__V1__VerifyCredentialResponse *r;
    struct buf sent, got;

    w->claim.number = " 12-34 ";
    w->name.given = "Jo\xc3\xa3o";
    w->claim.purpose = VOUCH__V1__PURPOSE__PURPOSE_AUDIT;
    w->claim.on_behalf_of = "Clinic";
    w->claim.authorization_ref = "ref 7";
    w->claim.requested_by = "R. Roe";
    w->claim.nonce.data = nonce;
    w->claim.nonce.len = sizeof(nonce);
    assert_non_null(r = rig_ask(rig));
    assert_string_equal(r->question->request_id, RIG_REQUEST_ID);
    assert_string_equal(r->question->asker, rig->identity.uri);
    buf_init(&sent, 8192);
    buf_init(&got, 8192);
    assert_int_equal(message_pack(&w->claim.base, &sent), E_OK);
    assert_int_equal(message_pack(&r->question->claim->base, &got), E_OK);
    assert_int_equal(sent.n, got.n);
    assert_memory_equal(sent.p, got.p, sent.n);
    buf_free(&got);

    /* An empty date is none: the bytes stay canonical. */
    world_date(&w->as_of, "");
    w->claim.as_of = w->claim.issued_on = &w->as_of;
    assert_non_null(r = rig_ask(rig));
    assert_int_equal(message_pack(&r->question->claim->base, &got), E_OK);
    assert_int_equal(sent.n, got.n);
    assert_memory_equal(sent.p, got.p, sent.n);
    assert_true(message_is_canonical(
        &vouch__v1__verify_credential_response__descriptor,
        buf_slice(&rig->outcome.bytes)));
    buf_free(&sent);
    buf_free(&got);
}

static void
a_request_at_fault_is_refused_before_any_lookup(void **state)
{
    struct rig *rig = *state;
    struct world *w = &rig->world;
    uint64_t before = statements(rig);

    rig->request.request_id = "not-a-uuid";
    w->claim.birth_date = NULL;
    w->claim.credential_type_id = "def-pbt";
    assert_null(rig_ask(rig));
    assert_int_equal(rig->outcome.status.code, GRPC_INVALID_ARGUMENT);
    assert_int_equal(rig->outcome.status.nviolations, 3);
    assert_true(has_violation(rig, "request_id"));
    assert_true(has_violation(rig, "claim.birth_date"));
    assert_true(has_violation(rig, "claim.credential_type_id"));
    rig->request.request_id = RIG_REQUEST_ID;
    w->claim.birth_date = &w->birth;
    w->claim.credential_type_id = "no-such";
    assert_null(rig_ask(rig));
    assert_int_equal(rig->outcome.status.nviolations, 1);
    assert_true(has_violation(rig, "claim.credential_type_id"));
    rig->request.claim = NULL;
    assert_null(rig_ask(rig));
    assert_int_equal(rig->outcome.status.code, GRPC_INVALID_ARGUMENT);
    assert_int_equal(rig->outcome.status.nviolations, 1);
    assert_true(has_violation(rig, "claim"));
    assert_int_equal(statements(rig), before);
}

/* ---- the queue -------------------------------------------------------- */

/*
 * One begin, one end, what has changed, the log's size and the last word, and a
 * lookup each.
 */
static void
calls_wait_for_the_tick_and_share_its_view(void **state)
{
    struct rig *rig = *state;
    struct rig rigs[2];
    uint64_t before = statements(rig);
    void *call;
    size_t i;

    for (i = 0; i < 2; i++) {
        rigs[i] = *rig;             /* each with an outcome of its own */
        memset(&rigs[i].outcome, 0, sizeof(rigs[i].outcome));
        buf_init(&rigs[i].outcome.bytes, 65536);
        assert_int_equal(rig_start(&rigs[i], &call), E_OK);
        assert_int_equal(rigs[i].outcome.finished, 0);
    }
    assert_int_equal(statements(rig), before);
    service_worker_tick(rig->worker);
    assert_int_equal(statements(rig) - before, 5 + 2);
    for (i = 0; i < 2; i++) {
        assert_int_equal(rigs[i].outcome.sent, 1);
        assert_int_equal(rigs[i].outcome.finished, 1);
        assert_int_equal(rigs[i].outcome.status.code, GRPC_OK);
        buf_free(&rigs[i].outcome.bytes);
    }
    service_worker_tick(rig->worker);       /* an idle one reads nothing */
    assert_int_equal(statements(rig) - before, 5 + 2);
}

static void
a_cancelled_call_is_not_looked_up(void **state)
{
    struct rig *rig = *state;
    uint64_t before = statements(rig);
    void *call;

    assert_int_equal(rig_start(rig, &call), E_OK);
    verify_credential_method.cancel(call);
    service_worker_tick(rig->worker);
    assert_int_equal(rig->outcome.sent, 0);
    assert_int_equal(rig->outcome.finished, 0);
    assert_int_equal(statements(rig), before);
}

/* ---- failures --------------------------------------------------------- */

static void
a_store_that_cannot_be_read_is_unavailable(void **state)
{
    struct rig *rig = *state;
    struct unary_call *unary;
    void *call;

    assert_int_equal(rig_start(rig, &call), E_OK);
    unary = call;
    service_tick_remove(&unary->tick);
    unary->tick.run(&unary->tick, rig->worker, E_IO);
    assert_int_equal(rig->outcome.finished, 1);
    assert_int_equal(rig->outcome.sent, 0);
    assert_int_equal(rig->outcome.status.code, GRPC_UNAVAILABLE);
}

static void
what_is_broken_on_file_is_no_answer(void **state)
{
    static const uint8_t garbage[] = {0xff, 0xff, 0xff};
    struct slice bad = {garbage, sizeof(garbage)}, empty = {NULL, 0};
    struct rig *rig = *state;

    rig_publish_bytes(rig, "1234", bad, 1);
    assert_null(rig_ask(rig));
    assert_int_equal(rig->outcome.status.code, GRPC_DATA_LOSS);
    rig->world.claim.number = "1235";
    rig_publish_bytes(rig, "1235", empty, 1);   /* an event without record */
    assert_null(rig_ask(rig));
    assert_int_equal(rig->outcome.status.code, GRPC_DATA_LOSS);
    rig->world.claim.number = "1236";           /* and the rest goes on */
    answer(rig, VERDICT(NO_MATCH), CONCLUSION(REVIEW));
}

/* As many records as the store has for one number, each far too large. */
static void
what_exceeds_the_memory_of_a_call_is_no_answer(void **state)
{
    static char text[40001];
    struct rig *rig = *state;
    struct world_event *e = world_add(&rig->world, 1, "2020-01-01");
    struct buf bytes;

    /* Of the claim's person, or only the last one would be read. */
    memset(e->credential_id, 0, sizeof(e->credential_id));
    e->credential_id[0] = 77;           /* as rig_publish_bytes() has it */
    world_fact(&rig->world, e, FACTOR(BIRTH_YEAR), "1990");
    memset(text, 'a', sizeof(text) - 1);
    e->record.raw_status = text;
    buf_init(&bytes, 65536);
    assert_int_equal(message_pack(&e->event.base, &bytes), E_OK);
    rig_publish_bytes(rig, "1234", buf_slice(&bytes), 256);
    buf_free(&bytes);
    assert_null(rig_ask(rig));
    assert_int_equal(rig->outcome.status.code, GRPC_INTERNAL);
    assert_string_equal(rig->outcome.status.reason, "TOO_MANY_RECORDS");
}

/* Fail the nth allocation of a call; 0 when it has no such allocation. */
static int
fails_cleanly_at(struct rig *rig, int n)
{
    struct rig_outcome *o = &rig->outcome;
    void *call;
    enum err err;
    int fired;

    verify_free_spare(rig->worker);     /* as if it were the first call */
    fault_arm(n);
    if ((err = rig_start(rig, &call)) == E_OK)
        service_worker_tick(rig->worker);
    fired = fault_fired();
    fault_arm(-1);
    if (err != E_OK) {
        assert_int_equal(err, E_NOMEM);
        assert_int_equal(o->finished, 0);
        return (fired);
    }
    assert_int_equal(o->finished, 1);
    assert_int_equal(o->status.code, fired ? GRPC_RESOURCE_EXHAUSTED :
        GRPC_OK);
    return (fired);
}

static void
each_allocation_may_fail(void **state)
{
    struct rig *rig = *state;
    int n;

    rig->world.name.given = "John";
    for (n = 0; n < 200 && fails_cleanly_at(rig, n); n++)
        continue;
    assert_true(n > 3 && n < 200);
    world_add(&rig->world, 1, "2020-01-01");
    rig_publish(rig, "1234");
    for (n = 0; n < 200 && fails_cleanly_at(rig, n); n++)
        continue;
    assert_true(n > 3 && n < 200);
    rig->world.claim.association_id = "no-such";
    for (n = 0; n < 200 && fails_cleanly_at(rig, n); n++)
        continue;
    assert_true(n > 3 && n < 200);
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(a_confirmed_claim_is_answered_in_full),
        RIG_TEST(an_order_that_extends_is_in_the_answer),
        RIG_TEST(each_verdict_comes_from_what_is_published),
        RIG_TEST(recognition_is_as_the_asker_requires),
        RIG_TEST(a_word_grows_stale),
        RIG_TEST(no_such_number_and_wrong_person_are_one_answer),
        RIG_TEST(finding_nothing_is_the_work_of_finding_one),
        RIG_TEST(the_question_comes_back_as_it_was_asked),
        RIG_TEST(a_request_at_fault_is_refused_before_any_lookup),
        RIG_TEST(calls_wait_for_the_tick_and_share_its_view),
        RIG_TEST(a_cancelled_call_is_not_looked_up),
        RIG_TEST(a_store_that_cannot_be_read_is_unavailable),
        RIG_TEST(what_is_broken_on_file_is_no_answer),
        RIG_TEST(what_exceeds_the_memory_of_a_call_is_no_answer),
        RIG_TEST(each_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
