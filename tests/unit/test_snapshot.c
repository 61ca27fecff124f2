/*
 * Snapshots and the ends of uploads: what they must say, what they end, and
 * that what derives from the log is the same whichever way it came about.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "service/internal.h"
#include "service/job.h"
#include "service/publication.h"
#include "service/publication_diff.h"
#include "support/fault.h"
#include "support/publish_rig.h"

#define EVENT_KIND(x) VOUCH__V1__EVENT_KIND__EVENT_KIND_##x
#define STANDING(x) VOUCH__V1__STANDING__STANDING_##x

/* What is published first: two holders, an hour before the snapshots. */
static void
two_are_listed(struct world *w)
{
    struct result r;

    begin(&w->upload, ID_1);
    add(&w->upload, "PBT-001", "Rivera", "Inactive")->inactive_reason =
        VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_LAPSED;
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    snapshot(&w->upload, 60);
    end(&w->upload);
    r = publish(w);
    assert_counts(&r, 2, 0, 0, 0);
}

static void
assert_refused(struct world *w, const char *reason)
{
    int64_t size = log_size(w);
    struct result r = publish(w);

    assert_int_not_equal(r.code, GRPC_OK);
    assert_string_equal(r.reason, reason);
    assert_int_equal(log_size(w), size);
}

/* ---- the end ---------------------------------------------------------- */

static void
a_snapshot_that_does_not_say_its_end_is_refused(void **state)
{
    struct world *w = *state;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    snapshot(&w->upload, 60);
    assert_refused(w, "UPLOAD_NOT_ENDED");
}

static void
an_end_that_is_not_what_arrived_is_refused(void **state)
{
    struct world *w = *state;

    for (int mode = 0; mode < 2; mode++) {
        begin(&w->upload, ID_1);
        (void)add(&w->upload, "PBT-001", "Rivera", "Active");
        (void)add(&w->upload, "PBT-002", "Chen", "Active");
        if (mode == 1)
            snapshot(&w->upload, 60);
        end(&w->upload);
        w->upload.end.row_count = 3;
        assert_refused(w, "UPLOAD_INCOMPLETE");
        w->upload.end.row_count = 2;
        w->upload.content_hash[31] ^= 1;
        assert_refused(w, "UPLOAD_INCOMPLETE");
        end(&w->upload);
        w->upload.request.n_rows = 1;       /* the second was lost */
        assert_refused(w, "UPLOAD_INCOMPLETE");
        w->upload.end.content_hash.len = 31;
        assert_int_equal(publish(w).code, GRPC_INVALID_ARGUMENT);
    }
}

static void
nothing_comes_behind_the_end(void **state)
{
    struct world *w = *state;
    struct result r;
    int64_t size = log_size(w);

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    end(&w->upload);
    (void)rig_start(&w->rig, PUBLISH);
    rig_say(&w->rig, &w->upload.request.base);
    w->upload.request.header = NULL;
    w->upload.request.end = NULL;
    w->upload.rows[0].line++;
    rig_say(&w->rig, &w->upload.request.base);
    rig_half_close(&w->rig);
    rig_settle(&w->rig);
    collect(&w->rig, &r);
    assert_int_equal(r.code, GRPC_INVALID_ARGUMENT);
    assert_int_equal(log_size(w), size);
}

static void
a_delta_may_go_without_or_with_its_end(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    end(&w->upload);
    r = publish(w);
    assert_counts(&r, 1, 0, 0, 0);
    w->upload.request.end = NULL;
    r = publish(w);
    assert_true(r.repeated);
}

/* ---- the header ------------------------------------------------------- */

static void
a_header_that_does_not_fit_its_mode_is_refused(void **state)
{
    struct world *w = *state;
    char *twice[] = {"ascp-pbt", "ascp-pbt"};

    for (int i = 0; i < 8; i++) {
        begin(&w->upload, ID_1);
        snapshot(&w->upload, 60);
        switch (i) {
        case 0: w->upload.header.extracted_at_us = 0; break;
        case 1: w->upload.header.n_snapshot_type_ids = 0; break;
        case 2: w->upload.types[0] = "amt-rma"; break;
        case 3: w->upload.types[0] = "no-such"; break;
        case 4: w->upload.header.ending_count = -1; break;
        case 5:
            w->upload.header.snapshot_type_ids = twice;
            w->upload.header.n_snapshot_type_ids = 2;
            break;
        case 6:
            w->upload.header.mode =
                VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_DELTA;
            break;
        default:
            w->upload.header.mode =
                VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_UNSPECIFIED;
            break;
        }
        end(&w->upload);
        assert_int_equal(publish(w).code, GRPC_INVALID_ARGUMENT);
    }
}

/* ---- what is ended ---------------------------------------------------- */

static void
the_event_of_what_is_not_listed_keeps_the_record(void **state)
{
    struct world *w = *state;
    Vouch__V1__Event *before, *event;
    struct entry entry;
    struct result r;

    two_are_listed(w);
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    snapshot(&w->upload, 30);
    end(&w->upload);
    r = publish(w);     /* it is not active: no limit is near */
    assert_counts(&r, 0, 0, 1, 0);
    assert_int_equal(r.not_listed, 1);
    assert_int_equal(r.event_count, 1);

    before = read_event(w, 1);
    event = read_event(w, r.first_log_index);
    assert_int_equal(event->kind, EVENT_KIND(NOT_LISTED));
    assert_memory_equal(event->credential_id.data,
        before->credential_id.data, STORE_ID);
    assert_int_equal(event->record->standing, STANDING(NOT_LISTED));
    assert_int_equal(event->record->inactive_reason, 0);
    assert_string_equal(event->record->raw_status, "Inactive");
    assert_string_equal(event->record->number, "PBT-001");
    assert_int_equal(event->record->n_factors, 3);
    assert_int_equal(event->record->n_periods, 1);
    assert_true(event->effective_on_assumed);
    assert_int_equal(event->source_time_us,
        SERVICE_RIG_NOW - (int64_t)30 * 60000000);
    assert_int_equal(event->n_previous, 1);
    read_entry(w, 1, &entry);
    assert_memory_equal(event->previous[0].data, entry.leaf, LEAF_DATA);
    buf_free(&entry.bytes);
    free_event(before);
    free_event(event);
}

static void
a_limit_counts_what_is_active(void **state)
{
    struct world *w = *state;
    struct result r;

    two_are_listed(w);
    begin(&w->upload, ID_2);
    add(&w->upload, "PBT-001", "Rivera", "Inactive")->inactive_reason =
        VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_LAPSED;
    snapshot(&w->upload, 30);
    end(&w->upload);
    assert_refused(w, "TOO_MANY_ENDINGS");      /* one of one active */
    w->rig.service->max_ending_share = 100;
    w->rig.service->max_endings = 0;
    assert_refused(w, "TOO_MANY_ENDINGS");
    w->upload.header.ending_count_expected = 1;
    w->upload.header.ending_count = 2;
    assert_refused(w, "ENDING_COUNT_DIFFERS");
    w->upload.header.ending_count = 1;
    r = publish(w);
    assert_counts(&r, 0, 0, 1, 0);
    assert_int_equal(r.not_listed, 1);
}

/* Its period is over: that it goes from the list is what one expects. */
static void
what_has_ended_by_itself_is_not_active(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    set_date(&w->upload.until[0], 2020, 1, 1);
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    snapshot(&w->upload, 60);
    end(&w->upload);
    r = publish(w);
    assert_counts(&r, 2, 0, 0, 0);
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    snapshot(&w->upload, 30);
    end(&w->upload);
    assert_int_equal(publish(w).not_listed, 1);
}

static void
an_unread_row_lists_and_is_not_told_of(void **state)
{
    struct world *w = *state;
    struct result r;

    two_are_listed(w);
    begin(&w->upload, ID_2);
    add(&w->upload, "PBT-001", "", "")->unread = 1;
    add(&w->upload, "pbt 002", "", "")->unread = 1;
    w->upload.rows[0].line = w->upload.rows[1].line = 0;
    snapshot(&w->upload, 30);
    end(&w->upload);
    r = publish(w);
    assert_counts(&r, 0, 0, 0, 2);
    assert_int_equal(r.nrejects, 0);
    assert_int_equal(r.not_listed, 0);
    assert_int_equal(r.withheld, 0);

    begin(&w->upload, ID_3);
    add(&w->upload, "", "", "")->unread = 1;
    snapshot(&w->upload, 20);
    end(&w->upload);
    r = publish(w);
    assert_counts(&r, 0, 0, 0, 1);
    assert_int_equal(r.not_listed, 0);
    assert_int_equal(r.withheld, 1);
}

/* ---- what derives ----------------------------------------------------- */

static enum err
digest(struct store_txn *txn, void *cookie)
{
    return (store_txn_digest_index(txn, cookie));
}

static enum err
forget_version(struct store_txn *txn, void *cookie)
{
    enum err err;

    (void)cookie;
    if ((err = store_txn_clear_index(txn)) != E_OK)
        return (err);
    return (store_txn_set_derived(txn, 0));
}

/* As after the schema was brought up to date, and as --rebuild-index does. */
static void
what_derives_is_the_same_when_derived_anew(void **state)
{
    struct world *w = *state;
    uint8_t before[32], after[32];
    char why[200];

    two_are_listed(w);
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-002", "Chen", "Revoked");
    add(&w->upload, "PBT-003", "Diaz", "Active")->birth_date = NULL;
    snapshot(&w->upload, 30);
    end(&w->upload);
    assert_int_equal(publish(w).not_listed, 1);
    begin(&w->upload, ID_3);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "", "Nobody", "Active");
    snapshot(&w->upload, 20);
    end(&w->upload);
    assert_int_equal(publish(w).withheld, 1);
    assert_int_equal(job_run(w->rig.store, digest, before), E_OK);
    assert_int_equal(service_rebuild(w->rig.store, 1, why, sizeof(why)),
        E_OK);

    assert_int_equal(job_run(w->rig.store, forget_version, NULL), E_OK);
    assert_int_equal(service_rebuild(w->rig.store, 1, why, sizeof(why)),
        E_CORRUPT);
    assert_int_equal(rig_restart(&w->rig, why, sizeof(why)), E_OK);
    assert_int_equal(job_run(w->rig.store, digest, after), E_OK);
    assert_memory_equal(before, after, sizeof(before));
}

/* ---- a dry run -------------------------------------------------------- */

static void
a_dry_run_changes_nothing(void **state)
{
    struct world *w = *state;
    struct store_source word;
    uint8_t before[32], after[32];
    struct result r;
    int64_t size;

    two_are_listed(w);
    size = log_size(w);
    word = last_word(w);
    assert_int_equal(job_run(w->rig.store, digest, before), E_OK);
    for (int i = 0; i < 2; i++) {
        begin(&w->upload, ID_2);
        (void)add(&w->upload, "PBT-002", "Chang", "Revoked");
        (void)add(&w->upload, "PBT-003", "Diaz", "Active");
        if (i == 1)
            snapshot(&w->upload, 1);
        w->upload.header.dry_run = 1;
        w->upload.header.want_openings = 1;
        end(&w->upload);
        r = publish(w);
        assert_int_equal(r.code, GRPC_OK);
        assert_int_equal(r.openings, 0);
        assert_string_equal(r.id, "");
        assert_int_equal(log_size(w), size);
        assert_int_equal(last_word(w).source_time_us, word.source_time_us);
    }
    assert_int_equal(r.not_listed, 2);  /* it would be refused, and says so */
    assert_int_equal(job_run(w->rig.store, digest, after), E_OK);
    assert_memory_equal(before, after, sizeof(before));

    w->upload.header.dry_run = 0;       /* its id is free */
    w->upload.header.ending_count_expected = 1;
    w->upload.header.ending_count = 2;
    r = publish(w);
    assert_counts(&r, 2, 0, 0, 0);
}

/* ---- out of memory ---------------------------------------------------- */

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
fill_run(struct world *w, struct order_run *run, struct staging *rows,
    const size_t *type)
{
    memset(run, 0, sizeof(*run));
    run->order.service = w->rig.service;
    run->order.place = (size_t)catalog_index_place(w->rig.service->catalog,
        "ascp-boc");
    run->order.rows = rows;
    run->order.request_id[0] = 9;
    run->order.mode = w->upload.header.mode;
    run->order.source_time_us = w->upload.header.extracted_at_us;
    run->order.source_stated = 1;
    run->order.types = type;
    run->order.ntypes = 1;
    run->order.ending_count_expected = 1;
    run->order.ending_count = 1;
    run->order.max_rejects = 10;
}

static void
each_allocation_of_a_snapshot_may_fail(void **state)
{
    struct world *w = *state;
    struct order_run run;
    struct staging *rows = NULL;
    enum err err;
    int64_t size;
    size_t type;
    int n;

    two_are_listed(w);
    size = log_size(w);
    type = (size_t)catalog_index_type_place(w->rig.service->catalog,
        "ascp-pbt");
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-002", "Chen", "Revoked");
    (void)add(&w->upload, "PBT-004", "Diaz", "Active");
    snapshot(&w->upload, 30);
    assert_int_equal(staging_create(&w->rig.service->room, &rows), E_OK);
    assert_int_equal(staging_row(rows, w->upload.list[0], STAGING_ROW), E_OK);
    assert_int_equal(staging_row(rows, w->upload.list[1], STAGING_KEY), E_OK);

    for (n = 0; n < 2000; n++) {
        fill_run(w, &run, rows, &type);
        run.n = n;
        err = job_run(w->rig.store, run_order, &run);
        assert_int_equal(err, run.err);
        free(run.order.late);
        if (!run.fired)
            break;
        assert_int_not_equal(run.err, E_OK);
        assert_int_equal(log_size(w), size);
    }
    assert_true(n > 5 && n < 2000);
    assert_int_equal(run.err, E_OK);
    assert_int_equal(run.order.outcome.not_listed, 1);
    assert_int_equal(run.order.outcome.counts[1], 1);
    staging_free(rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, publish_setup, publish_teardown)
        TEST(a_snapshot_that_does_not_say_its_end_is_refused),
        TEST(an_end_that_is_not_what_arrived_is_refused),
        TEST(nothing_comes_behind_the_end),
        TEST(a_delta_may_go_without_or_with_its_end),
        TEST(a_header_that_does_not_fit_its_mode_is_refused),
        TEST(the_event_of_what_is_not_listed_keeps_the_record),
        TEST(a_limit_counts_what_is_active),
        TEST(what_has_ended_by_itself_is_not_active),
        TEST(an_unread_row_lists_and_is_not_told_of),
        TEST(what_derives_is_the_same_when_derived_anew),
        TEST(a_dry_run_changes_nothing),
        TEST(each_allocation_of_a_snapshot_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
