/* DenyIdentity, up to whoever keeps the list and back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/denier.h"
#include "support/fault.h"
#include "support/service_rig.h"

#include "vouch/v1/access_service.pb-c.h"

#define DENY "/vouch.v1.AccessService/DenyIdentity"
#define WHO_AM_I "/vouch.v1.AccessService/WhoAmI"
#define KEY "00112233445566778899aabbccddeeff" \
    "00112233445566778899aabbccddeeff"

struct world {
    struct service_rig rig;
    struct denier denier;
    struct denying *asked;      /* by the service, and not answered yet */
    struct denial denial;       /* what it was */
    unsigned count;
    int at_once;                /* answer within deny() */
    enum err with;
};

static void
answer(struct world *w, enum err err)
{
    struct denying *denying = w->asked;

    w->asked = NULL;
    denying->err = err;
    denying->added = err == E_OK || err == E_LOST;
    denying->ended = 3;
    denying->done(denying);
}

static void
deny(void *cookie, struct denying *denying)
{
    struct world *w = cookie;

    assert_null(w->asked);
    w->asked = denying;
    w->denial = denying->denial;
    w->count++;
    if (w->at_once)
        answer(w, w->with);
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    char why[512];

    assert_non_null(w);
    rig_open(&w->rig, ROLE_ADMIN, "chief");
    w->denier = (struct denier){.deny = deny, .cookie = w,
        .trust_domain = "test.example"};
    w->rig.options.denier = &w->denier;
    assert_int_equal(rig_restart(&w->rig, why, sizeof(why)), E_OK);
    memset(w->rig.identity.key, 0xab, sizeof(w->rig.identity.key));
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

static Vouch__V1__DenyIdentityResponse *
ask(struct world *w, const Vouch__V1__DenyIdentityRequest *request)
{
    return ((Vouch__V1__DenyIdentityResponse *)rig_ask(&w->rig, DENY,
        &request->base, &vouch__v1__deny_identity_response__descriptor));
}

static void
release(Vouch__V1__DenyIdentityResponse *response)
{
    protobuf_c_message_free_unpacked(&response->base, NULL);
}

static void
what_is_asked_reaches_the_list(void **state)
{
    static char uri[] = "spiffe://test.example/employer/acme", key[] = KEY,
        serial[] = "0a1b", role[] = "employer", reason[] = "left";
    static const struct {
        char *identity, *key, *serial, *role;
        enum denial_kind kind;
        const char *value, *entry;
    } cases[] = {
        {uri, NULL, NULL, NULL, DENIAL_IDENTITY, uri,
            "identity spiffe://test.example/employer/acme"},
        {NULL, key, NULL, NULL, DENIAL_KEY, key, "key " KEY},
        {NULL, NULL, serial, role, DENIAL_SERIAL, "0A1B",
            "serial employer 0A1B"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        Vouch__V1__DenyIdentityRequest request =
            VOUCH__V1__DENY_IDENTITY_REQUEST__INIT;
        Vouch__V1__DenyIdentityResponse *response;

        if (cases[i].identity != NULL)
            request.identity = cases[i].identity;
        if (cases[i].key != NULL)
            request.key_sha256 = cases[i].key;
        if (cases[i].serial != NULL) {
            request.serial = cases[i].serial;
            request.role = cases[i].role;
        }
        request.reason = reason;
        assert_non_null(response = ask(w, &request));
        assert_int_equal(w->denial.kind, cases[i].kind);
        assert_string_equal(w->denial.value, cases[i].value);
        assert_string_equal(w->denial.reason, "left");
        assert_int_equal(w->denial.denied_us, SERVICE_RIG_NOW);
        assert_string_equal(response->entry, cases[i].entry);
        assert_true(response->added);
        assert_int_equal(response->denied_at_us, SERVICE_RIG_NOW);
        assert_int_equal(response->connections_ended, 3);
        release(response);
    }
    assert_int_equal(w->count, 3);
}

static void
what_is_wrong_with_it_does_not(void **state)
{
    static char uri[] = "spiffe://test.example/employer/acme",
        own[] = "spiffe://test.example/admin/chief", key[] = KEY,
        own_key[] = "abababababababababababababababab"
            "abababababababababababababababab",
        role[] = "admin", other[] = "auditor", serial[] = "A1B", bad[] = "x",
        line[] = "a\nb", empty[] = "";
    static const struct {
        char *identity, *key, *serial, *role, *reason;
        const char *field;          /* NULL: FAILED_PRECONDITION */
    } cases[] = {
        {empty, empty, empty, empty, empty, "identity"},
        {uri, key, empty, empty, empty, "key_sha256"},
        {uri, empty, serial, role, empty, "serial"},
        {uri, empty, empty, role, empty, "role"},
        {empty, empty, empty, role, empty, "identity"},
        {empty, empty, serial, empty, empty, "role"},
        {empty, empty, serial, bad, empty, "role"},
        {empty, empty, bad, role, empty, "serial"},
        {empty, bad, empty, empty, empty, "key_sha256"},
        {bad, empty, empty, empty, empty, "identity"},
        {uri, empty, empty, empty, line, "reason"},
        {own, empty, empty, empty, empty, NULL},
        {empty, own_key, empty, empty, empty, NULL},
        {empty, empty, serial, role, empty, NULL},
    };
    Vouch__V1__DenyIdentityRequest request =
        VOUCH__V1__DENY_IDENTITY_REQUEST__INIT;
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct grpc_status *status = &w->rig.sink.status;

        request.identity = cases[i].identity;
        request.key_sha256 = cases[i].key;
        request.serial = cases[i].serial;
        request.role = cases[i].role;
        request.reason = cases[i].reason;
        assert_null(ask(w, &request));
        if (cases[i].field == NULL) {
            assert_int_equal(status->code, GRPC_FAILED_PRECONDITION);
            assert_string_equal(status->reason, "WOULD_DENY_CALLER");
            continue;
        }
        assert_int_equal(status->code, GRPC_INVALID_ARGUMENT);
        assert_string_equal(status->reason, "INVALID_FIELD");
        assert_true(status->nviolations > 0);
        assert_string_equal(status->violations[0].field, cases[i].field);
    }
    assert_int_equal(w->count, 0);
    /* The same number of another role's CA is not the caller's. */
    request.role = other;
    release(ask(w, &request));
    assert_int_equal(w->count, 1);
}

static void
each_failure_has_its_reason(void **state)
{
    static char key[] = KEY;
    static const struct {
        enum err err;
        enum grpc_code code;
        const char *reason;
    } cases[] = {
        {E_NOTFOUND, GRPC_FAILED_PRECONDITION, "NO_DENY_LIST"},
        {E_INVAL, GRPC_FAILED_PRECONDITION, "DENY_LIST_FAULTY"},
        {E_TOOBIG, GRPC_FAILED_PRECONDITION, "DENY_LIST_FULL"},
        {E_BUSY, GRPC_UNAVAILABLE, "DENY_LIST_BUSY"},
        {E_LOST, GRPC_UNAVAILABLE, "OUTCOME_UNKNOWN"},
        {E_FULL, GRPC_RESOURCE_EXHAUSTED, "STORAGE_FULL"},
        {E_IO, GRPC_UNAVAILABLE, "IO_FAILURE"},
        {E_NOMEM, GRPC_RESOURCE_EXHAUSTED, "OUT_OF_MEMORY"},
    };
    Vouch__V1__DenyIdentityRequest request =
        VOUCH__V1__DENY_IDENTITY_REQUEST__INIT;
    struct world *w = *state;

    request.key_sha256 = key;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        w->with = cases[i].err;
        assert_null(ask(w, &request));
        assert_int_equal(w->rig.sink.status.code, cases[i].code);
        assert_string_equal(w->rig.sink.status.reason, cases[i].reason);
    }
}

static void
without_a_list_it_is_refused(void **state)
{
    Vouch__V1__DenyIdentityRequest request =
        VOUCH__V1__DENY_IDENTITY_REQUEST__INIT;
    struct world *w = *state;
    char why[512];

    w->rig.options.denier = NULL;
    assert_int_equal(rig_restart(&w->rig, why, sizeof(why)), E_OK);
    assert_null(ask(w, &request));
    assert_string_equal(w->rig.sink.status.reason, "NO_DENY_LIST");
}

static void
begin(struct world *w)
{
    static char key[] = KEY;
    Vouch__V1__DenyIdentityRequest request =
        VOUCH__V1__DENY_IDENTITY_REQUEST__INIT;

    w->at_once = 0;
    request.key_sha256 = key;
    assert_int_equal(rig_start(&w->rig, DENY), E_OK);
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
    static char key[] = KEY;
    Vouch__V1__DenyIdentityRequest request =
        VOUCH__V1__DENY_IDENTITY_REQUEST__INIT;
    struct world *w = *state;

    request.key_sha256 = key;
    assert_int_equal(rig_start(&w->rig, DENY), E_OK);
    fault_arm(0);
    rig_say(&w->rig, &request.base);
    fault_arm(-1);
    assert_true(w->rig.sink.finished);
    assert_int_equal(w->rig.sink.status.code, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(w->count, 0);
}

static void
whoami_tells_the_key(void **state)
{
    Vouch__V1__WhoAmIRequest request = VOUCH__V1__WHO_AM_IREQUEST__INIT;
    struct world *w = *state;
    Vouch__V1__WhoAmIResponse *who = (Vouch__V1__WhoAmIResponse *)rig_ask(
        &w->rig, WHO_AM_I, &request.base,
        &vouch__v1__who_am_iresponse__descriptor);

    assert_non_null(who);
    assert_string_equal(who->certificate_key_sha256,
        "abababababababababababababababababababababababababababababababab");
    protobuf_c_message_free_unpacked(&who->base, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_asked_reaches_the_list),
        TEST(what_is_wrong_with_it_does_not),
        TEST(each_failure_has_its_reason),
        TEST(without_a_list_it_is_refused),
        TEST(who_hangs_up_is_not_answered),
        TEST(the_worker_may_be_gone),
        TEST(without_alloc_nothing_is_asked_for),
        TEST(whoami_tells_the_key),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
