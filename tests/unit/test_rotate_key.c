/* RotateKey, up to whoever rotates and back; and once with real keys. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "seal/public_pem.h"
#include "service/rotator.h"
#include "support/fault.h"
#include "support/service_rig.h"

#include "vouch/v1/access_service.pb-c.h"

#define ROTATE "/vouch.v1.AccessService/RotateKey"
#define HEX(a) a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a
#define ID_A HEX("0a")
#define ID_B HEX("0b")
#define ID_C HEX("0c")

struct world {
    struct service_rig rig;
    struct rotator rotator;
    struct rotating *asked;     /* by the service, and not answered yet */
    int is_expected;            /* what it was */
    uint8_t expected[ED25519_KEY_ID];
    unsigned count;
    int at_once;                /* answer within rotate() */
    int really;                 /* with the keys of the rig */
    enum err with;
    enum seal_fault fault;
};

static void
answer(struct world *w, enum err err)
{
    struct rotating *r = w->asked;

    w->asked = NULL;
    r->err = err;
    r->rotation.fault = w->fault;
    memset(r->rotation.previous, 0x0a, ED25519_KEY_ID);
    memset(r->rotation.current, 0x0b, ED25519_KEY_ID);
    memset(r->rotation.pending, 0x0c, ED25519_KEY_ID);
    memset(r->rotation.pending_public, 0x0d, ED25519_PUBLIC_KEY);
    r->rotation.listed_next = 3;
    r->rotation.is_wiped = 1;
    (void)snprintf(r->why, sizeof(r->why), "%s", err == E_OK ? "" : "so it is");
    r->done(r);
}

static void
rotate(void *cookie, struct rotating *rotating)
{
    struct world *w = cookie;

    assert_null(w->asked);
    w->asked = rotating;
    w->is_expected = rotating->is_expected;
    memcpy(w->expected, rotating->expected, sizeof(w->expected));
    w->count++;
    if (w->really) {
        w->asked = NULL;
        rotating->err = seal_keys_rotate(w->rig.seal_keys,
            rotating->is_expected ? rotating->expected : NULL,
            clock_wall_us(), &rotating->rotation, rotating->why,
            sizeof(rotating->why));
        rotating->done(rotating);
    } else if (w->at_once)
        answer(w, w->with);
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    char why[512];

    assert_non_null(w);
    rig_open(&w->rig, ROLE_ADMIN, "chief");
    w->rotator = (struct rotator){.rotate = rotate, .cookie = w};
    w->rig.options.rotator = &w->rotator;
    assert_int_equal(rig_restart(&w->rig, why, sizeof(why)), E_OK);
    w->at_once = 1;
    *state = w;
    return (0);
}

static int
teardown(void **state)
{
    struct world *w = *state;

    rig_close(&w->rig);
    free(w);
    return (0);
}

static Vouch__V1__RotateKeyResponse *
ask(struct world *w, const char *expected)
{
    Vouch__V1__RotateKeyRequest request = VOUCH__V1__ROTATE_KEY_REQUEST__INIT;
    char text[128];

    (void)snprintf(text, sizeof(text), "%s", expected);
    request.expected_key_id = text;
    return ((Vouch__V1__RotateKeyResponse *)rig_ask(&w->rig, ROTATE,
        &request.base, &vouch__v1__rotate_key_response__descriptor));
}

static void
release(Vouch__V1__RotateKeyResponse *response)
{
    protobuf_c_message_free_unpacked(&response->base, NULL);
}

static void
what_became_of_the_keys_is_told(void **state)
{
    struct world *w = *state;
    Vouch__V1__RotateKeyResponse *response = ask(w, "");
    uint8_t public_key[ED25519_PUBLIC_KEY], made[ED25519_PUBLIC_KEY];

    assert_non_null(response);
    assert_false(w->is_expected);
    assert_string_equal(response->previous_key_id, ID_A);
    assert_string_equal(response->current_key_id, ID_B);
    assert_string_equal(response->pending_key_id, ID_C);
    assert_int_equal(response->listed_next, 3);
    assert_true(response->previous_wiped);
    assert_int_equal(public_pem_read(slice_of(response->pending_public_key),
        public_key), E_OK);
    memset(made, 0x0d, sizeof(made));
    assert_memory_equal(public_key, made, sizeof(made));
    release(response);
}

static void
what_is_expected_is_passed_on(void **state)
{
    struct world *w = *state;
    uint8_t expected[ED25519_KEY_ID];

    memset(expected, 0x0a, sizeof(expected));
    release(ask(w, ID_A));
    assert_true(w->is_expected);
    assert_memory_equal(w->expected, expected, sizeof(expected));
}

static void
what_is_no_id_is_refused(void **state)
{
    static const char *const bad[] = {"x", ID_A "0", "0g" HEX("0a")};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(ask(w, bad[i]));
        assert_int_equal(w->rig.sink.status.code, GRPC_INVALID_ARGUMENT);
        assert_string_equal(w->rig.sink.status.violations[0].field,
            "expected_key_id");
    }
    assert_int_equal(w->count, 0);
}

static void
each_failure_has_its_reason(void **state)
{
    static const struct {
        enum err err;
        enum seal_fault fault;
        enum grpc_code code;
        const char *reason;
    } cases[] = {
        {E_NOTFOUND, SEAL_FAULT_NEXT, GRPC_FAILED_PRECONDITION,
            "NO_NEXT_KEY"},
        {E_EXISTS, SEAL_FAULT_CURRENT, GRPC_FAILED_PRECONDITION,
            "KEY_NOT_CURRENT"},
        {E_NOTFOUND, SEAL_FAULT_TRUST, GRPC_FAILED_PRECONDITION,
            "TRUST_FILE_FAULTY"},
        {E_CORRUPT, SEAL_FAULT_TRUST, GRPC_FAILED_PRECONDITION,
            "TRUST_FILE_FAULTY"},
        {E_INVAL, SEAL_FAULT_TRUST, GRPC_FAILED_PRECONDITION,
            "TRUST_FILE_FAULTY"},
        {E_TOOBIG, SEAL_FAULT_TRUST, GRPC_FAILED_PRECONDITION,
            "TRUST_FILE_FAULTY"},
        {E_DENIED, SEAL_FAULT_TRUST, GRPC_FAILED_PRECONDITION,
            "TRUST_FILE_OLDER"},
        {E_DENIED, SEAL_FAULT_KEY, GRPC_FAILED_PRECONDITION, "KEY_FAULTY"},
        {E_LOST, SEAL_FAULT_NONE, GRPC_UNAVAILABLE, "OUTCOME_UNKNOWN"},
        {E_FULL, SEAL_FAULT_WRITE, GRPC_RESOURCE_EXHAUSTED, "STORAGE_FULL"},
        {E_IO, SEAL_FAULT_WRITE, GRPC_UNAVAILABLE, "IO_FAILURE"},
        {E_NOMEM, SEAL_FAULT_TRUST, GRPC_RESOURCE_EXHAUSTED,
            "OUT_OF_MEMORY"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct grpc_status *status = &w->rig.sink.status;

        w->with = cases[i].err;
        w->fault = cases[i].fault;
        assert_null(ask(w, ""));
        assert_int_equal(status->code, cases[i].code);
        assert_string_equal(status->reason, cases[i].reason);
        assert_true(status->retry_ms <= 0);     /* by no machine */
        if (status->code != GRPC_FAILED_PRECONDITION)
            continue;
        assert_string_equal(status->message, "so it is");
        assert_string_equal(status->metadata[0].value, ID_B);
    }
}

static void
begin(struct world *w)
{
    Vouch__V1__RotateKeyRequest request = VOUCH__V1__ROTATE_KEY_REQUEST__INIT;

    w->at_once = 0;
    assert_int_equal(rig_start(&w->rig, ROTATE), E_OK);
    rig_say(&w->rig, &request.base);
    rig_half_close(&w->rig);
    assert_false(w->rig.sink.finished);
    assert_non_null(w->asked);
}

static void
who_hangs_up_is_not_answered(void **state)
{
    struct world *w = *state;

    begin(w);
    rig_cancel(&w->rig);
    answer(w, E_OK);
    rig_mail(&w->rig);
    assert_false(w->rig.sink.finished);
}

static void
the_worker_may_be_gone(void **state)
{
    struct world *w = *state;

    begin(w);
    rig_cancel(&w->rig);
    service_worker_free(w->rig.worker);
    w->rig.worker = NULL;
    answer(w, E_OK);
    assert_int_equal(w->rig.nbox, 0);
}

static void
without_alloc_nothing_is_asked_for(void **state)
{
    Vouch__V1__RotateKeyRequest request = VOUCH__V1__ROTATE_KEY_REQUEST__INIT;
    struct world *w = *state;

    assert_int_equal(rig_start(&w->rig, ROTATE), E_OK);
    fault_arm(0);
    rig_say(&w->rig, &request.base);
    fault_arm(-1);
    assert_true(w->rig.sink.finished);
    assert_int_equal(w->rig.sink.status.code, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(w->count, 0);
}

static void
real_keys_are_rotated_once(void **state)
{
    struct world *w = *state;
    Vouch__V1__RotateKeyResponse *response;
    struct seal_key key;
    char hex[2 * ED25519_KEY_ID + 1];

    w->really = 1;
    assert_non_null(response = ask(w, ""));
    seal_keys_current(w->rig.seal_keys, &key);
    bytes_to_hex((struct slice){signer_key_id(key.signer), ED25519_KEY_ID},
        hex);
    signer_release(key.signer);
    assert_string_equal(response->current_key_id, hex);
    assert_true(response->previous_wiped);
    assert_int_equal(response->listed_next, 0);
    assert_null(ask(w, response->previous_key_id));
    assert_string_equal(w->rig.sink.status.reason, "KEY_NOT_CURRENT");
    assert_null(ask(w, ""));
    assert_string_equal(w->rig.sink.status.reason, "NO_NEXT_KEY");
    assert_non_null(strstr(w->rig.sink.status.message,
        response->pending_key_id));
    release(response);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_became_of_the_keys_is_told),
        TEST(what_is_expected_is_passed_on),
        TEST(what_is_no_id_is_refused),
        TEST(each_failure_has_its_reason),
        TEST(who_hangs_up_is_not_answered),
        TEST(the_worker_may_be_gone),
        TEST(without_alloc_nothing_is_asked_for),
        TEST(real_keys_are_rotated_once),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
