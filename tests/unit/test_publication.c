/* What one upload does to the register. */

#include "service/publication.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "proto/message.h"
#include "service/job.h"
#include "support/fault.h"
#include "support/publish_rig.h"

static void
rows_are_new_then_unchanged_then_changed(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    add(&w->upload, "PBT-003", "Okafor", "Active")->last4 = "12";
    r = publish(w);
    assert_counts(&r, 2, 0, 0, 1);
    assert_int_equal(r.accepted, 2);
    assert_int_equal(r.nrejects, 1);
    assert_int_equal(r.rejects[0].line, 4);
    assert_string_equal(r.rejects[0].reason, "LAST4_INVALID");
    assert_string_equal(r.rejects[0].field, "last4");
    assert_int_equal(r.event_count, 2);
    assert_int_equal(r.manifest_log_index, r.first_log_index + 2);

    begin(&w->upload, ID_2);
    (void)add(&w->upload, "pbt 001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-002", "Chen", "Revoked");
    r = publish(w);
    assert_counts(&r, 0, 2, 0, 0);      /* the number is written otherwise */

    begin(&w->upload, ID_3);
    (void)add(&w->upload, "pbt 001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-002", "Chen", "Revoked");
    r = publish(w);
    assert_counts(&r, 0, 0, 2, 0);
    assert_int_equal(r.event_count, 0);
    assert_int_equal(r.first_log_index, 0);
}

static void
an_event_says_kind_day_and_what_was_before(void **state)
{
    struct world *w = *state;
    Vouch__V1__Event *first, *second;
    struct entry entry;
    struct result r;
    int64_t before;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    r = publish(w);
    before = r.first_log_index;
    first = read_event(w, before);
    assert_int_equal(first->kind, VOUCH__V1__EVENT_KIND__EVENT_KIND_ISSUED);
    assert_int_equal(first->effective_on->year, 2019);
    assert_false(first->effective_on_assumed);
    assert_int_equal(first->n_previous, 0);
    assert_int_equal(first->source_time_us, SERVICE_RIG_NOW - 1000000);
    assert_string_equal(first->record->number_key, "PBT001");
    assert_int_equal(first->record->n_factors, 3);
    assert_int_equal(first->record->names[0]->since->year, 2026);

    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    set_date(&w->upload.until[0], 2030, 12, 31);
    r = publish(w);
    assert_counts(&r, 0, 1, 0, 0);
    second = read_event(w, r.first_log_index);
    assert_int_equal(second->kind, VOUCH__V1__EVENT_KIND__EVENT_KIND_RENEWED);
    assert_true(second->effective_on_assumed);
    assert_int_equal(second->effective_on->year, 2026);
    assert_int_equal(second->effective_on->day, 22);
    assert_int_equal(second->n_previous, 1);
    read_entry(w, before, &entry);
    assert_memory_equal(second->previous[0].data, entry.leaf, LEAF_DATA);
    assert_memory_equal(second->credential_id.data, first->credential_id.data,
        STORE_ID);
    buf_free(&entry.bytes);
    free_event(first);
    free_event(second);
}

static void
only_good_standing_goes_back_to_the_issue(void **state)
{
    struct world *w = *state;
    Vouch__V1__Event *event;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    w->upload.rows[1].issued_on = NULL;
    set_date(&w->upload.issued[2], 2020, 0, 0);
    w->upload.periods[1].valid_from = &w->upload.issued[2];
    r = publish(w);
    assert_counts(&r, 2, 0, 0, 0);
    event = read_event(w, r.first_log_index);
    assert_true(event->effective_on_assumed);
    assert_int_equal(event->effective_on->year, 2026);
    free_event(event);
    event = read_event(w, r.first_log_index + 1);
    assert_false(event->effective_on_assumed);
    assert_int_equal(event->effective_on->year, 2020);
    free_event(event);
}

static void
what_is_logged_is_canonical_and_opens_its_leaf(void **state)
{
    struct world *w = *state;
    const ProtobufCMessageDescriptor *kinds[] = {
        &vouch__v1__event__descriptor, &vouch__v1__manifest__descriptor};
    const enum leaf_domain domains[] = {LEAF_EVENT, LEAF_MANIFEST};
    uint8_t leaf[LEAF_DATA];
    struct entry entry;
    struct result r;

    begin(&w->upload, ID_1);
    add(&w->upload, "PBT-001", "Rivera", "Active")->effective_on =
        &w->upload.births[1];       /* all zero: not given */
    vouch__v1__date__init(&w->upload.births[1]);
    r = publish(w);
    for (int i = 0; i < 2; i++) {
        read_entry(w, r.first_log_index + i, &entry);
        assert_int_equal(entry.domain, domains[i]);
        assert_true(message_is_canonical(kinds[i], buf_slice(&entry.bytes)));
        assert_int_equal(leaf_data(entry.domain, entry.salt,
            buf_slice(&entry.bytes), leaf), E_OK);
        assert_memory_equal(leaf, entry.leaf, LEAF_DATA);
        buf_free(&entry.bytes);
    }
}

static void
a_request_repeated_has_its_first_outcome(void **state)
{
    struct world *w = *state;
    struct result first, again;
    int64_t size;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    first = publish(w);
    size = log_size(w);
    clock_set_wall(SERVICE_RIG_NOW + 5000000);
    again = publish(w);
    assert_int_equal(again.code, GRPC_OK);
    assert_true(again.repeated);
    assert_false(first.repeated);
    assert_string_equal(again.id, first.id);
    assert_int_equal(again.counts[0], 1);
    assert_int_equal(log_size(w), size);

    w->upload.names[0].family = "Rivers";
    again = publish(w);
    assert_int_equal(again.code, GRPC_ALREADY_EXISTS);
    assert_string_equal(again.reason, "REQUEST_ID_REUSED");
    assert_int_equal(log_size(w), size);
}

static void
another_name_on_a_number_is_another_holder(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)publish(w);
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-001", "Chen", "Active");
    r = publish(w);
    assert_counts(&r, 1, 0, 0, 0);

    /* Each is found again. */
    begin(&w->upload, ID_3);
    (void)add(&w->upload, "PBT-001", "CHEN", "Active");
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    r = publish(w);
    assert_counts(&r, 0, 1, 1, 0);      /* CHEN is written otherwise */
}

static void
a_suffix_tells_two_people_apart(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    w->upload.names[0].suffix = "Sr";
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    w->upload.names[1].suffix = "Jr.";
    r = publish(w);
    assert_counts(&r, 2, 0, 0, 0);

    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-001", "Rivera, Jr", "Active");
    r = publish(w);
    assert_counts(&r, 0, 1, 0, 0);
}

static void
a_changed_family_name_is_kept_as_a_former_one(void **state)
{
    static char *former[] = {"Rivera"};
    struct world *w = *state;
    Vouch__V1__CredentialRow *row;
    Vouch__V1__Event *event;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)publish(w);
    begin(&w->upload, ID_2);
    row = add(&w->upload, "PBT-001", "Chen", "Active");
    row->former_family = former;
    row->n_former_family = 1;
    set_date(&w->upload.births[1], 2026, 6, 1);
    row->effective_on = &w->upload.births[1];
    r = publish(w);
    assert_counts(&r, 0, 1, 0, 0);
    event = read_event(w, r.first_log_index);
    assert_int_equal(event->kind,
        VOUCH__V1__EVENT_KIND__EVENT_KIND_NAME_CHANGED);
    assert_int_equal(event->record->n_names, 2);
    assert_string_equal(event->record->names[0]->name->family, "Chen");
    assert_false(event->record->names[0]->former);
    assert_string_equal(event->record->names[1]->name->family, "Rivera");
    assert_true(event->record->names[1]->former);
    assert_int_equal(event->record->names[1]->since->month, 6);
    free_event(event);

    /* The row may leave the former name out: it stays on file. */
    begin(&w->upload, ID_3);
    (void)add(&w->upload, "PBT-001", "Chen", "Active");
    r = publish(w);
    assert_counts(&r, 0, 0, 1, 0);

    /* And the name of before is taken up again. */
    begin(&w->upload, ID_4);
    (void)add(&w->upload, "PBT-001", "RIVERA", "Active");
    r = publish(w);
    assert_counts(&r, 0, 1, 0, 0);
    event = read_event(w, r.first_log_index);
    assert_int_equal(event->record->n_names, 2);
    assert_string_equal(event->record->names[1]->name->family, "Chen");
    free_event(event);
}

static void
a_holder_ref_is_the_same_person_under_any_name(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    add(&w->upload, "PBT-001", "Rivera", "Active")->holder_ref = "h1";
    (void)publish(w);
    begin(&w->upload, ID_2);
    add(&w->upload, "PBT-001", "Chen", "Active")->holder_ref = "h1";
    add(&w->upload, "PBT-001", "Rivera", "Active")->holder_ref = "h2";
    r = publish(w);
    assert_counts(&r, 1, 1, 0, 0);
}

static void
a_number_written_otherwise_by_another_holder_collides(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT 001", "Chen", "Active");
    r = publish(w);
    assert_counts(&r, 1, 0, 0, 1);
    assert_int_equal(r.rejects[0].line, 3);
    assert_string_equal(r.rejects[0].reason, "NUMBER_COLLISION");
    assert_string_equal(r.rejects[0].field, "number");
}

static void
a_row_said_twice_counts_and_contradicting_ones_do_not(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    r = publish(w);
    assert_counts(&r, 1, 0, 0, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(r.rejects[i].line, 2 + i);
        assert_string_equal(r.rejects[i].reason, "DUPLICATE_ROW");
    }

    /* Even if one of them changes nothing, and in either order. */
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-002", "Chen", "Revoked");
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    r = publish(w);
    assert_counts(&r, 1, 0, 1, 2);
    assert_int_equal(r.rejects[0].line, 4);
    assert_int_equal(r.rejects[1].line, 5);
}

static void
a_number_with_too_much_history_is_refused(void **state)
{
    static char ids[STORE_VERSIONS_MAX + 1][40];
    struct world *w = *state;
    struct result r;
    int i;

    for (i = 0; i <= STORE_VERSIONS_MAX; i++) {
        (void)snprintf(ids[i], sizeof(ids[i]),
            "0195f0c4-1111-7abc-8def-%012d", i);
        begin(&w->upload, ids[i]);
        (void)add(&w->upload, "PBT-001", "Rivera",
            i % 2 == 0 ? "Active" : "Revoked");
        r = publish(w);
        assert_int_equal(r.code, GRPC_OK);
        if (i < STORE_VERSIONS_MAX)
            assert_int_equal(r.event_count, 1);
    }
    assert_int_equal(r.counts[3], 1);
    assert_string_equal(r.rejects[0].reason, "NUMBER_OVERFULL");
}

/* The writer's part, in a transaction that is undone. */
struct order_run {
    struct publication_order order;
    int n;
    int fired;
    enum err err;
};

static enum err
run_order(struct store_txn *txn, void *cookie)
{
    struct order_run *run = cookie;

    fault_arm(run->n);
    run->err = publication_run(txn, &run->order);
    run->fired = fault_fired();
    fault_arm(-1);
    return (run->err);
}

static void
each_allocation_of_the_writer_may_fail(void **state)
{
    static char *former[] = {"Smith"};
    struct world *w = *state;
    struct order_run run;
    struct staging *rows = NULL;
    enum err err;
    int64_t size;
    int n;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)publish(w);
    size = log_size(w);

    begin(&w->upload, ID_2);
    w->upload.rows[0] = *add(&w->upload, "PBT-001", "R\xc3\xadvera",
        "Revoked");
    w->upload.rows[0].former_family = former;
    w->upload.rows[0].n_former_family = 1;
    (void)add(&w->upload, "PBT-005", "Chen", "Active");
    (void)add(&w->upload, "PBT-005", "Chen", "Revoked");
    (void)add(&w->upload, "PBT-006", "Diaz", "Active");
    assert_int_equal(staging_create(&w->rig.service->room, &rows), E_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(staging_row(rows, w->upload.list[i],
            STAGING_ROW), E_OK);

    for (n = 0; n < 2000; n++) {
        memset(&run, 0, sizeof(run));
        run.n = n;
        run.order.service = w->rig.service;
        run.order.place = (size_t)catalog_index_place(
            w->rig.service->catalog, "ascp-boc");
        run.order.rows = rows;
        run.order.request_id[0] = 9;
        run.order.mode = w->upload.header.mode;
        run.order.source_time_us = SERVICE_RIG_NOW;
        run.order.max_rejects = 10;
        err = job_run(w->rig.store, run_order, &run);
        assert_int_equal(err, run.err);
        if (!run.fired)
            break;
        free(run.order.late);
        free(run.order.contested);
        assert_int_not_equal(run.err, E_OK);
        assert_int_equal(log_size(w), size);
    }
    assert_true(n > 5 && n < 2000);
    assert_int_equal(run.err, E_OK);
    assert_int_equal(run.order.outcome.counts[0], 1);
    assert_int_equal(run.order.outcome.counts[1], 1);
    assert_int_equal(run.order.outcome.counts[3], 2);
    free(run.order.late);
    free(run.order.contested);
    staging_free(rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, publish_setup, publish_teardown)
        TEST(rows_are_new_then_unchanged_then_changed),
        TEST(an_event_says_kind_day_and_what_was_before),
        TEST(only_good_standing_goes_back_to_the_issue),
        TEST(what_is_logged_is_canonical_and_opens_its_leaf),
        TEST(a_request_repeated_has_its_first_outcome),
        TEST(another_name_on_a_number_is_another_holder),
        TEST(a_suffix_tells_two_people_apart),
        TEST(a_changed_family_name_is_kept_as_a_former_one),
        TEST(a_holder_ref_is_the_same_person_under_any_name),
        TEST(a_number_written_otherwise_by_another_holder_collides),
        TEST(a_row_said_twice_counts_and_contradicting_ones_do_not),
        TEST(a_number_with_too_much_history_is_refused),
        TEST(each_allocation_of_the_writer_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
