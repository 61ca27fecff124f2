/* The stream of PublishCredentials. */

#include "service/method.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/fault.h"
#include "support/publish_rig.h"

static void
an_upload_that_is_interrupted_changes_nothing(void **state)
{
    struct world *w = *state;
    int64_t size = log_size(w);
    size_t staged;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    rig_say(&w->rig, &w->upload.request.base);
    staged = atomic_load(&w->rig.service->room.held);
    assert_true(staged > 0);
    rig_cancel(&w->rig);
    assert_int_equal(atomic_load(&w->rig.service->room.held), 0);
    assert_int_equal(log_size(w), size);
    assert_false(last_word(w).known);
}

/* A job of the writer that waits to be let go, and tells that it ran. */
struct gate {
    struct store_job job;
    atomic_int open, passed, told;
};

static enum err
pass_gate(struct store_txn *txn, void *cookie)
{
    struct gate *gate = cookie;

    (void)txn;
    for (int i = 0; i < 10000 && !atomic_load(&gate->open); i++)
        (void)usleep(1000);
    atomic_store(&gate->passed, 1);
    return (E_OK);
}

static void
gate_told(void *cookie, enum err err)
{
    (void)err;
    atomic_store(&((struct gate *)cookie)->told, 1);
}

static void
run_now(void *target, void (*fn)(void *cookie), void *cookie)
{
    (void)target;
    fn(cookie);
}

static void
gate_submit(struct world *w, struct gate *gate, int open)
{
    *gate = (struct gate){.job = {.run = pass_gate, .done = gate_told,
        .cookie = gate, .post = {.post = run_now}}, .open = open};
    store_submit(w->rig.service->store, &gate->job);
}

static void
await(atomic_int *flag)
{
    for (int i = 0; i < 10000 && !atomic_load(flag); i++)
        (void)usleep(1000);
    assert_true(atomic_load(flag));
}

static void
start_upload(struct world *w)
{
    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    rig_say(&w->rig, &w->upload.request.base);
}

/*
 * Some clients end their stream before they reset it: a job that the writer
 * has not carried out goes with its call.
 */
static void
an_upload_cancelled_before_its_turn_changes_nothing(void **state)
{
    struct world *w = *state;
    struct gate before, behind;
    struct result r;

    start_upload(w);
    gate_submit(w, &before, 0);
    rig_half_close(&w->rig);
    rig_cancel(&w->rig);
    atomic_store(&before.open, 1);
    gate_submit(w, &behind, 1);
    await(&before.told);
    await(&behind.told);
    rig_mail(&w->rig);
    assert_false(last_word(w).known);
    r = publish(w);
    assert_false(r.repeated);
    assert_int_equal(r.counts[0], 1);
}

/* The client is gone, the commit is not: the same request tells it so. */
static void
an_upload_cancelled_while_it_commits_is_whole(void **state)
{
    struct world *w = *state;
    struct gate behind;
    struct result r;

    start_upload(w);
    rig_half_close(&w->rig);
    gate_submit(w, &behind, 1);
    await(&behind.passed);          /* and so the upload before it */
    rig_cancel(&w->rig);
    await(&behind.told);
    rig_mail(&w->rig);
    r = publish(w);
    assert_true(r.repeated);
    assert_int_equal(r.counts[0], 1);
}

static void
a_worker_may_go_before_its_upload_is_done(void **state)
{
    struct world *w = *state;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    rig_say(&w->rig, &w->upload.request.base);
    rig_half_close(&w->rig);
    rig_cancel(&w->rig);    /* and rig_close() does not wait for mail */
    assert_null(w->rig.call);
}

static void
openings_open_the_leaves(void **state)
{
    struct world *w = *state;
    Vouch__V1__PublishCredentialsResponse *response;
    uint8_t salt[LEAF_SALT], leaf[LEAF_DATA];
    struct entry entry;
    struct result r;
    size_t i, k;
    size_t seen = 0;

    begin(&w->upload, ID_1);
    w->upload.header.want_openings = 1;
    for (i = 0; i < 5; i++) {
        static char *numbers[] = {"1", "2", "3", "4", "5"};

        (void)add(&w->upload, numbers[i], "Rivera", "Active");
    }
    r = publish(w);
    assert_int_equal(r.openings, 5);
    for (i = 0; i < w->rig.sink.n; i++) {
        response = (Vouch__V1__PublishCredentialsResponse *)rig_response(
            &w->rig, i, &vouch__v1__publish_credentials_response__descriptor);
        for (k = 0; k < response->n_openings; k++) {
            Vouch__V1__Opening *o = response->openings[k];

            assert_int_equal(o->log_index,
                r.first_log_index + (int64_t)seen++);
            assert_int_equal(o->salt.len, LEAF_SALT);
            memcpy(salt, o->salt.data, LEAF_SALT);
            assert_int_equal(leaf_data(LEAF_EVENT, salt,
                (struct slice){o->event.data, o->event.len}, leaf), E_OK);
            read_entry(w, o->log_index, &entry);
            assert_memory_equal(leaf, entry.leaf, LEAF_DATA);
            buf_free(&entry.bytes);
        }
        protobuf_c_message_free_unpacked(&response->base, NULL);
    }
    assert_int_equal(seen, 5);
}

/* ---- many rows -------------------------------------------------------- */

static void
openings_wait_until_the_client_has_read(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    w->upload.header.want_openings = 1;
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    say_many(w, 0, 200);
    w->rig.sink.grow = SINK_FULL;       /* every message fills it */
    w->rig.sink.backlog = 0;
    rig_half_close(&w->rig);
    rig_mail(&w->rig);
    for (int i = 0; i < 4; i++) {
        collect(&w->rig, &r);
        assert_int_equal(r.openings, i < 3 ? 64 * (i + 1) : 200);
        if (i == 3)
            break;
        assert_false(w->rig.sink.finished);
        service_worker_tick(w->rig.worker);
        collect(&w->rig, &r);
        assert_int_equal(r.openings, 64 * (i + 1));
        w->rig.sink.backlog = 0;
        w->rig.method->ops->writable(w->rig.call);
        service_worker_tick(w->rig.worker);
    }
    assert_true(w->rig.sink.finished);
    assert_true(r.has_summary);
}

static void
openings_may_be_cancelled(void **state)
{
    struct world *w = *state;

    begin(&w->upload, ID_1);
    w->upload.header.want_openings = 1;
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    say_many(w, 0, 200);
    w->rig.sink.grow = SINK_FULL;
    rig_half_close(&w->rig);
    rig_mail(&w->rig);
    assert_false(w->rig.sink.finished);
    w->rig.method->ops->writable(w->rig.call);
    rig_cancel(&w->rig);
    service_worker_tick(w->rig.worker);
    w->rig.sink.grow = 0;
    w->rig.sink.backlog = 0;
}

static void
uploads_are_bounded(void **state)
{
    struct world *w = *state;

    w->rig.service->room.upload_max = 200 * 1024;
    begin(&w->upload, ID_1);
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    say_many(w, 0, 4000);
    assert_true(w->rig.sink.finished);
    assert_int_equal(w->rig.sink.status.code, GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(w->rig.sink.status.reason, "UPLOAD_TOO_LARGE");
    assert_int_equal(atomic_load(&w->rig.service->room.held), 0);

    w->rig.service->room.upload_max = 64 << 20;
    w->rig.service->room.max = 100 * 1024;
    begin(&w->upload, ID_1);
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    say_many(w, 0, 4000);
    assert_int_equal(w->rig.sink.status.code, GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(w->rig.sink.status.reason, "TOO_MANY_UPLOADS");
    assert_int_equal(atomic_load(&w->rig.service->room.held), 0);
}

static void
too_many_rejects_end_the_upload(void **state)
{
    struct world *w = *state;
    int64_t size = log_size(w);
    struct result r;

    w->rig.service->max_rejects = 1;
    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    add(&w->upload, "PBT-002", "Rivera", "Active")->last4 = "1";
    add(&w->upload, "PBT-003", "Rivera", "Active")->last4 = "1";
    r = publish(w);
    assert_int_equal(r.code, GRPC_INVALID_ARGUMENT);
    assert_string_equal(r.reason, "TOO_MANY_REJECTS");
    assert_int_equal(r.nrejects, 1);

    /* The writer's count too. */
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    (void)add(&w->upload, "PBT-001", "Rivera", "Denied");
    r = publish(w);
    assert_int_equal(r.code, GRPC_INVALID_ARGUMENT);
    assert_string_equal(r.reason, "TOO_MANY_REJECTS");
    assert_int_equal(r.nrejects, 1);
    assert_int_equal(log_size(w), size);
}

/* ---- what is refused -------------------------------------------------- */

static void
refused(struct world *w, enum grpc_code code, const char *reason,
    const char *field)
{
    struct result r = publish(w);

    assert_int_equal(r.code, code);
    assert_string_equal(r.reason, reason);
    if (field != NULL) {
        assert_int_equal(w->rig.sink.status.nviolations, 1);
        assert_string_equal(w->rig.sink.status.violations[0].field, field);
    }
}

static void
a_header_at_fault_ends_the_upload(void **state)
{
    struct world *w = *state;

    begin(&w->upload, ID_1);
    w->upload.header.association_id = "amt";
    refused(w, GRPC_PERMISSION_DENIED, "NOT_YOUR_ASSOCIATION", NULL);
    begin(&w->upload, "not-a-uuid");
    refused(w, GRPC_INVALID_ARGUMENT, "INVALID_FIELD", "header.request_id");
    begin(&w->upload, ID_1);
    w->upload.header.mode =
        VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_UNSPECIFIED;
    refused(w, GRPC_INVALID_ARGUMENT, "INVALID_FIELD", "header.mode");
    begin(&w->upload, ID_1);
    w->upload.header.extracted_at_us = SERVICE_RIG_NOW + 1;
    refused(w, GRPC_INVALID_ARGUMENT, "INVALID_FIELD",
        "header.extracted_at_us");
    begin(&w->upload, ID_1);
    w->upload.request.header = NULL;
    refused(w, GRPC_INVALID_ARGUMENT, "INVALID_FIELD", "header");
    begin(&w->upload, ID_1);
    (void)add(&w->upload, "1", "Rivera", "Active");
    w->upload.rows[0].line = 0;
    refused(w, GRPC_INVALID_ARGUMENT, "INVALID_FIELD", "rows[0].line");

    begin(&w->upload, ID_1);
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    rig_say(&w->rig, &w->upload.request.base);
    rig_say(&w->rig, &w->upload.request.base);
    assert_true(w->rig.sink.finished);
    assert_string_equal(w->rig.sink.status.violations[0].field, "header");

    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    rig_half_close(&w->rig);
    assert_int_equal(w->rig.sink.status.code, GRPC_INVALID_ARGUMENT);
    assert_int_equal(log_size(w), 1);
}

static void
a_caller_that_is_not_in_the_catalog_is_told(void **state)
{
    struct world *w = *state;

    (void)snprintf(w->rig.identity.id, sizeof(w->rig.identity.id), "nobody");
    begin(&w->upload, ID_1);
    w->upload.header.association_id = "nobody";
    refused(w, GRPC_NOT_FOUND, "ASSOCIATION_NOT_FOUND", NULL);
}

/* ---- memory ----------------------------------------------------------- */

static void
each_allocation_of_the_call_may_fail(void **state)
{
    struct world *w = *state;
    struct result r = {0};
    int failures = 0;
    int n;

    for (n = 0; n < 500; n++) {
        begin(&w->upload, ID_1);
        w->upload.header.want_openings = 1;
        (void)add(&w->upload, "PBT-001", "Rivera", "Active");
        add(&w->upload, "PBT-002", "Rivera", "Active")->last4 = "1";
        fault_arm(n);
        (void)rig_start(&w->rig, PUBLISH);
        rig_say(&w->rig, &w->upload.request.base);
        rig_half_close(&w->rig);
        rig_settle(&w->rig);
        if (!fault_fired())
            break;
        fault_arm(-1);
        assert_int_not_equal(w->rig.sink.status.code, GRPC_OK);
        failures++;
    }
    fault_arm(-1);
    assert_true(failures > 5 && n < 500);
    collect(&w->rig, &r);
    assert_int_equal(r.code, GRPC_OK);
    assert_int_equal(atomic_load(&w->rig.service->room.held), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, publish_setup, publish_teardown)
        TEST(an_upload_that_is_interrupted_changes_nothing),
        TEST(an_upload_cancelled_before_its_turn_changes_nothing),
        TEST(an_upload_cancelled_while_it_commits_is_whole),
        TEST(a_worker_may_go_before_its_upload_is_done),
        TEST(openings_open_the_leaves),
        TEST(openings_wait_until_the_client_has_read),
        TEST(openings_may_be_cancelled),
        TEST(uploads_are_bounded),
        TEST(too_many_rejects_end_the_upload),
        TEST(a_header_at_fault_ends_the_upload),
        TEST(a_caller_that_is_not_in_the_catalog_is_told),
        TEST(each_allocation_of_the_call_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
