/*
 * What VerifyCredential answers is a receipt, whatever the verdict; and what
 * becomes of a call while its answer is being signed.
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
#include "proto/receipt.h"
#include "seal/signer.h"
#include "service/internal.h"
#include "support/seal_rig.h"
#include "support/verify_rig.h"

#define MANY 300

/* A signer that takes its time (linked with --wrap). */
static struct late {
    int on;
    enum err refuse;                    /* what signer_sign() fails with */
    int waits;
    int cancelled;
    struct signer *signer;
    uint8_t message[1024];
    size_t n;
    signer_done_fn *done;
    void *cookie;
} late;

enum err __real_signer_sign(struct signer *signer, struct slice message,
    signer_done_fn *done, void *cookie, struct signer_request **request);
enum err __wrap_signer_sign(struct signer *signer, struct slice message,
    signer_done_fn *done, void *cookie, struct signer_request **request);
void __real_signer_cancel(struct signer_request *request);
void __wrap_signer_cancel(struct signer_request *request);

enum err
__wrap_signer_sign(struct signer *signer, struct slice message,
    signer_done_fn *done, void *cookie, struct signer_request **request)
{
    if (late.refuse != E_OK)
        return (late.refuse);
    if (!late.on)
        return (__real_signer_sign(signer, message, done, cookie, request));
    assert_false(late.waits);
    assert_true(message.n <= sizeof(late.message));
    late.waits = 1;
    late.signer = signer;
    memcpy(late.message, message.p, message.n);
    late.n = message.n;
    late.done = done;
    late.cookie = cookie;
    *request = (struct signer_request *)(void *)&late;
    return (E_OK);
}

void
__wrap_signer_cancel(struct signer_request *request)
{
    if (request == (struct signer_request *)(void *)&late) {
        assert_true(late.waits);
        late.waits = 0;
        late.cancelled++;
        return;
    }
    __real_signer_cancel(request);
}

static void
sign_now(void)
{
    struct signer_request *request;

    assert_true(late.waits);
    late.waits = 0;
    assert_int_equal(__real_signer_sign(late.signer,
        (struct slice){late.message, late.n}, late.done, late.cookie,
        &request), E_OK);
}

static int
set_up(void **state)
{
    struct rig *rig = malloc(sizeof(*rig));

    if (rig == NULL)
        return (-1);
    memset(&late, 0, sizeof(late));
    rig_open(rig);
    *state = rig;
    return (0);
}

static int
tear_down(void **state)
{
    rig_close(*state);
    free(*state);
    return (0);
}

/* ---- receipts ---------------------------------------------------------- */

static struct trust *
read_trust(const struct rig *rig)
{
    char path[128], text[8192], why[256];
    struct trust *trust;
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/trust.json", rig->dir);
    assert_non_null(f = fopen(path, "r"));
    n = fread(text, 1, sizeof(text), f);
    assert_int_equal(fclose(f), 0);
    if (trust_read((struct slice){(const uint8_t *)text, n}, &trust, why,
        sizeof(why)) != E_OK)
        fail_msg("%s", why);
    return (trust);
}

/* The response is a receipt that verifies; it is read into ${arena}. */
static struct receipt
hold(const struct rig *rig, const struct rig_outcome *outcome,
    struct arena *arena)
{
    struct trust *trust = read_trust(rig);
    struct receipt receipt;
    char why[256] = "";

    assert_int_equal(outcome->status.code, GRPC_OK);
    if (receipt_read(buf_slice(&outcome->bytes), arena, &receipt, why,
        sizeof(why)) != E_OK)
        fail_msg("%s", why);
    if (receipt_verify(&receipt, trust, clock_wall_us(), why, sizeof(why)) !=
        RECEIPT_VERIFIED)
        fail_msg("%s", why);
    assert_true(receipt.answer_bytes.n + receipt.question_bytes.n <
        outcome->bytes.n);
    trust_free(trust);
    return (receipt);
}

static void
hold_verdict(struct rig *rig, Vouch__V1__Verdict verdict)
{
    struct arena *arena;
    struct receipt receipt;
    int absence = 0;

    assert_int_equal(arena_create(1 << 20, &arena), E_OK);
    assert_non_null(rig_ask(rig));
    receipt = hold(rig, &rig->outcome, arena);
    assert_int_equal(receipt.answer->verdict, verdict);
    assert_string_equal(receipt.question->request_id, RIG_REQUEST_ID);
    assert_string_equal(receipt.batch->log_origin, SEAL_RIG_ORIGIN);
    assert_int_equal(receipt.batch->sealed_at_us, clock_wall_us());
    assert_int_equal(receipt.batch->checkpoint_size,
        receipt.answer->log_size);
    assert_true(receipt.answer->n_not_established >= 5);
    for (size_t i = 0; i < receipt.answer->n_not_established; i++)
        absence |= receipt.answer->not_established[i] ==
            VOUCH__V1__NOT_ESTABLISHED__NOT_ESTABLISHED_ABSENCE;
    assert_int_equal(absence, verdict == VERDICT(NO_MATCH) ||
        verdict == VERDICT(UNKNOWN_ISSUER));
    arena_free(arena);
}

static void
every_verdict_is_sealed(void **state)
{
    struct rig *rig = *state;
    struct world *w = &rig->world;
    struct world_event *e;

    w->claim.association_id = "no-such";
    hold_verdict(rig, VERDICT(UNKNOWN_ISSUER));
    w->claim.association_id = "abc";
    hold_verdict(rig, VERDICT(NO_MATCH));

    w->claim.credential_type_id = "abc-mlt";
    world_issued(world_add(w, 1, "2020-01-01"), "2020-01-01");
    rig_publish(rig, "1234");
    hold_verdict(rig, VERDICT(MISMATCH));
    w->claim.credential_type_id = "abc-pbt";
    hold_verdict(rig, VERDICT(CONFIRMED));
    w->claim.association_id = "no-such";    /* now that there is a log */
    hold_verdict(rig, VERDICT(UNKNOWN_ISSUER));
    w->claim.association_id = "abc";
    e = world_add(w, 1, "2024-01-01");
    world_issued(e, "2020-01-01");
    e->record.restriction = RESTRICTION(SUSPENDED);
    rig_publish(rig, "1234");
    hold_verdict(rig, VERDICT(NOT_CURRENT));
    world_add(w, 2, "2020-01-01");
    rig_publish(rig, "1234");
    hold_verdict(rig, VERDICT(AMBIGUOUS));
}

/* ---- a tick ------------------------------------------------------------- */

/* ${n} calls that nobody has answered yet. */
static struct rig *
begin(struct rig *rig, size_t n, void **calls)
{
    struct rig *rigs = calloc(n, sizeof(*rigs));

    assert_non_null(rigs);
    for (size_t i = 0; i < n; i++) {
        rigs[i] = *rig;
        memset(&rigs[i].outcome, 0, sizeof(rigs[i].outcome));
        buf_init(&rigs[i].outcome.bytes, 65536);
        assert_int_equal(rig_start(&rigs[i], &calls[i]), E_OK);
    }
    return (rigs);
}

static void
end(struct rig *rigs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_free(&rigs[i].outcome.bytes);
    free(rigs);
}

static void
a_tick_is_one_signature_and_at_most_256(void **state)
{
    struct rig *rig = *state;
    static void *calls[MANY];
    struct rig *rigs = begin(rig, MANY, calls);
    struct arena *arena;

    service_worker_tick(rig->worker);
    for (size_t i = 0; i < MANY; i++) {
        struct receipt receipt;

        assert_int_equal(rigs[i].outcome.finished, 1);
        assert_int_equal(arena_create(1 << 20, &arena), E_OK);
        receipt = hold(rig, &rigs[i].outcome, arena);
        assert_int_equal(receipt.batch->leaf_count, i < 256 ? 256 : MANY - 256);
        assert_int_equal(receipt.seal->index, i % 256);
        arena_free(arena);
    }
    end(rigs, MANY);
}

/* The longest record that can be published, by the longest path. */
static void
no_answer_is_longer_than_it_may_be(void **state)
{
    struct rig *rig = *state;
    static void *calls[RECEIPT_BATCH_MAX];
    static char status[101], reason[201];
    struct world_event *e = world_add(&rig->world, 1, "2020-03-01");
    struct rig *rigs;
    size_t question = protobuf_c_message_get_packed_size(&rig->request.base);

    memset(status, 's', sizeof(status) - 1);
    memset(reason, 'r', sizeof(reason) - 1);
    e->record.raw_status = status;
    e->record.raw_reason = reason;
    for (int i = 0; i < 4; i++)
        world_period(e, "2020-03-01", "2021-03-15", "2021-03-16");
    rig_publish(rig, "1234");
    rigs = begin(rig, RECEIPT_BATCH_MAX, calls);
    service_worker_tick(rig->worker);
    for (size_t i = 0; i < RECEIPT_BATCH_MAX; i++) {
        const struct rig_outcome *o = &rigs[i].outcome;

        assert_int_equal(o->status.code, GRPC_OK);
        assert_in_range(o->bytes.n, o->may_tell / 2, o->may_tell + question);
    }
    end(rigs, RECEIPT_BATCH_MAX);
}

static void
a_signer_may_take_its_time(void **state)
{
    struct rig *rig = *state;
    void *calls[3];
    struct rig *rigs;
    struct arena *arena;

    late.on = 1;
    rigs = begin(rig, 3, calls);
    service_worker_tick(rig->worker);
    assert_true(late.waits);
    service_worker_tick(rig->worker);       /* nothing to do */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(rigs[i].outcome.finished, 0);
    verify_credential_method.cancel(calls[1]);
    sign_now();
    assert_int_equal(rigs[1].outcome.sent, 0);
    assert_int_equal(rigs[1].outcome.finished, 0);
    for (size_t i = 0; i < 3; i += 2) {
        assert_int_equal(rigs[i].outcome.finished, 1);
        assert_int_equal(arena_create(1 << 20, &arena), E_OK);
        assert_int_equal(hold(rig, &rigs[i].outcome, arena).batch->leaf_count,
            3);
        arena_free(arena);
    }
    end(rigs, 3);
}

static void
who_leaves_while_it_is_signed_is_forgotten(void **state)
{
    struct rig *rig = *state;
    void *calls[2];
    struct rig *rigs;

    late.on = 1;
    rigs = begin(rig, 2, calls);
    service_worker_tick(rig->worker);
    verify_credential_method.cancel(calls[0]);
    verify_credential_method.cancel(calls[1]);
    service_worker_free(rig->worker);       /* and the signer is told */
    rig->worker = NULL;
    assert_int_equal(late.cancelled, 1);
    assert_int_equal(rigs[0].outcome.finished + rigs[1].outcome.finished, 0);
    end(rigs, 2);
}

/* ---- failures ------------------------------------------------------------ */

static void
without_a_seal_there_is_no_answer(void **state)
{
    static const struct {
        enum err err;
        enum grpc_code code;
        const char *reason;
    } cases[] = {
        {E_CRYPTO, GRPC_INTERNAL, NULL},
        {E_NOMEM, GRPC_RESOURCE_EXHAUSTED, NULL},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        late.refuse = cases[i].err;
        assert_null(rig_ask(rig));
        assert_int_equal(rig->outcome.sent, 0);
        assert_int_equal(rig->outcome.status.code, cases[i].code);
    }
    late.refuse = E_OK;
    assert_non_null(rig_ask(rig));
}

static void
a_key_whose_time_is_over_seals_nothing(void **state)
{
    struct rig *rig = *state;

    clock_set_wall(SEAL_RIG_UNTIL);
    assert_null(rig_ask(rig));
    assert_int_equal(rig->outcome.status.code, GRPC_UNAVAILABLE);
    assert_string_equal(rig->outcome.status.reason, "SEAL_KEY_NOT_VALID");
    clock_set_wall(SEAL_RIG_UNTIL - 1);
    assert_non_null(rig_ask(rig));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_verdict_is_sealed),
        TEST(a_tick_is_one_signature_and_at_most_256),
        TEST(no_answer_is_longer_than_it_may_be),
        TEST(a_signer_may_take_its_time),
        TEST(who_leaves_while_it_is_signed_is_forgotten),
        TEST(without_a_seal_there_is_no_answer),
        TEST(a_key_whose_time_is_over_seals_nothing),
    };
#undef TEST

    return (cmocka_run_group_tests_name("verify_seal", tests, NULL, NULL));
}
