/*
 * Whose credential a row is, when several people or names meet on a number.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/publish_rig.h"

/* One row of Rivera, certificate PBT-001, in the upload of its own. */
static struct result
say(struct world *w, const char *request_id, char *given, char *status)
{
    begin(&w->upload, request_id);
    (void)add(&w->upload, "PBT-001", "Rivera", status);
    w->upload.names[0].given = given;
    return (publish(w));
}

static void
two_of_one_family_are_told_apart_by_given_name_and_birth(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    w->upload.names[0].given = "Alice";
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    w->upload.names[1].given = "Beth";
    set_date(&w->upload.births[1], 1992, 3, 4);
    r = publish(w);
    assert_counts(&r, 2, 0, 0, 0);

    /* Each is found again. */
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    w->upload.names[0].given = "Beth";
    set_date(&w->upload.births[0], 1992, 3, 4);
    (void)add(&w->upload, "PBT-001", "RIVERA", "Active");
    w->upload.names[1].given = "Alice";
    r = publish(w);
    assert_counts(&r, 0, 2, 0, 0);
}

static void
a_given_name_alone_makes_no_other_person(void **state)
{
    struct world *w = *state;
    Vouch__V1__Event *event;
    struct result r;

    (void)say(w, ID_1, "E.", "Active");
    r = say(w, ID_2, "Elizabeth", "Active");
    assert_counts(&r, 0, 1, 0, 0);
    event = read_event(w, r.first_log_index);
    assert_int_equal(event->record->n_names, 1);    /* the same, in full */
    free_event(event);

    /* The name of before is kept: somebody may still ask by it. */
    r = say(w, ID_3, "Liz", "Active");
    assert_counts(&r, 0, 1, 0, 0);
    event = read_event(w, r.first_log_index);
    assert_int_equal(event->record->n_names, 2);
    assert_string_equal(event->record->names[0]->name->given, "Liz");
    assert_string_equal(event->record->names[1]->name->given, "Elizabeth");
    assert_true(event->record->names[1]->former);
    free_event(event);
    r = say(w, ID_4, "Liz", "Active");
    assert_counts(&r, 0, 0, 1, 0);
}

static void
the_one_of_that_name_is_meant(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    add(&w->upload, "PBT-001", "Rivera", "Active")->holder_ref = "h1";
    w->upload.names[0].given = "Alice";
    add(&w->upload, "PBT-001", "Rivera", "Active")->holder_ref = "h2";
    w->upload.names[1].given = "Beth";
    r = publish(w);
    assert_counts(&r, 2, 0, 0, 0);
    r = say(w, ID_2, "Beth", "Revoked");
    assert_counts(&r, 0, 1, 0, 0);
    begin(&w->upload, ID_3);
    add(&w->upload, "PBT-001", "Rivera", "Active")->holder_ref = "h1";
    w->upload.names[0].given = "Alice";
    r = publish(w);
    assert_counts(&r, 0, 0, 1, 0);      /* she was left alone */
}

static void
a_row_that_may_be_of_two_holders_is_refused(void **state)
{
    static char *former[] = {"Rivera", "Chen"};
    struct world *w = *state;
    Vouch__V1__CredentialRow *row;
    struct result r;
    int64_t size;

    begin(&w->upload, ID_1);
    add(&w->upload, "PBT-001", "Rivera", "Active")->holder_ref = "h1";
    add(&w->upload, "PBT-001", "Rivera", "Active")->holder_ref = "h2";
    (void)add(&w->upload, "PBT-002", "Rivera", "Active");
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    r = publish(w);
    assert_counts(&r, 4, 0, 0, 0);
    size = log_size(w);

    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    row = add(&w->upload, "PBT-002", "Okafor", "Active");
    row->former_family = former;
    row->n_former_family = 2;
    r = publish(w);
    assert_counts(&r, 0, 0, 0, 2);
    assert_int_equal(r.nrejects, 2);
    assert_string_equal(r.rejects[0].reason, "HOLDER_UNCLEAR");
    assert_string_equal(r.rejects[0].field, "holder_ref");
    assert_int_equal(r.rejects[1].line, 3);
    assert_string_equal(r.rejects[1].reason, "HOLDER_UNCLEAR");
    assert_int_equal(log_size(w), size + 1);        /* the manifest */
}

static void
a_number_written_anew_collides_with_nobody_on_file(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-001", "Chen", "Active");
    r = publish(w);
    assert_counts(&r, 2, 0, 0, 0);

    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT001", "Rivera", "Revoked");
    (void)add(&w->upload, "PBT001", "Chen", "Active");
    (void)add(&w->upload, "PBT 001", "Okafor", "Active");
    r = publish(w);
    assert_counts(&r, 0, 2, 0, 1);
    assert_int_equal(r.rejects[0].line, 4);
    assert_string_equal(r.rejects[0].reason, "NUMBER_COLLISION");
}

static void
a_word_of_before_does_not_overrule_a_later_one(void **state)
{
    struct world *w = *state;
    struct result r;

    (void)say(w, ID_1, "Ana", "Revoked");
    begin(&w->upload, ID_2);
    w->upload.header.extracted_at_us -= 1000000;
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    w->upload.names[0].given = "Ana";
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    r = publish(w);
    assert_counts(&r, 1, 0, 0, 1);
    assert_int_equal(r.rejects[0].line, 2);
    assert_string_equal(r.rejects[0].reason, "LATER_WORD_ON_FILE");

    /* One that says the same is none of another. */
    begin(&w->upload, ID_3);
    w->upload.header.extracted_at_us -= 1000000;
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    w->upload.names[0].given = "Ana";
    r = publish(w);
    assert_counts(&r, 0, 0, 1, 0);

    /* A file that does not say of when it is counts as of now. */
    begin(&w->upload, ID_4);
    w->upload.header.extracted_at_us = 0;
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    w->upload.names[0].given = "Ana";
    r = publish(w);
    assert_counts(&r, 0, 1, 0, 0);
}

/* A clock that is set back must not make today's word one of before. */
static void
a_clock_set_back_refuses_nothing(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    w->upload.header.extracted_at_us = 0;
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)publish(w);
    clock_set_wall(SERVICE_RIG_NOW - 3600 * INT64_C(1000000));
    begin(&w->upload, ID_2);
    w->upload.header.extracted_at_us = 0;
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    r = publish(w);
    clock_set_wall(SERVICE_RIG_NOW);
    assert_counts(&r, 0, 1, 0, 0);
}

/* Since when it is so is part of what a row says. */
static void
a_day_told_later_is_a_change(void **state)
{
    struct world *w = *state;
    Vouch__V1__Event *event;
    struct result r;
    int i;

    (void)say(w, ID_1, "Ana", "Active");
    (void)say(w, ID_2, "Ana", "Revoked");
    for (i = 0; i < 2; i++) {
        begin(&w->upload, i == 0 ? ID_3 : ID_4);
        set_date(&w->upload.births[1], 2024, 6, 1);
        add(&w->upload, "PBT-001", "Rivera", "Revoked")->effective_on =
            &w->upload.births[1];
        w->upload.names[0].given = "Ana";
        r = publish(w);
        assert_counts(&r, 0, i == 0, i == 1, 0);
        if (i == 1)
            break;
        event = read_event(w, r.first_log_index);
        assert_int_equal(event->effective_on->year, 2024);
        assert_false(event->effective_on_assumed);
        free_event(event);
    }
    r = say(w, "0195f0c4-1111-7abc-8def-000000000005", "Ana", "Revoked");
    assert_counts(&r, 0, 0, 1, 0);      /* it says nothing of the day */
}

#define HOLDER_TEST(f)                                                      \
    cmocka_unit_test_setup_teardown(f, publish_setup, publish_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        HOLDER_TEST(two_of_one_family_are_told_apart_by_given_name_and_birth),
        HOLDER_TEST(a_given_name_alone_makes_no_other_person),
        HOLDER_TEST(the_one_of_that_name_is_meant),
        HOLDER_TEST(a_row_that_may_be_of_two_holders_is_refused),
        HOLDER_TEST(a_number_written_anew_collides_with_nobody_on_file),
        HOLDER_TEST(a_word_of_before_does_not_overrule_a_later_one),
        HOLDER_TEST(a_clock_set_back_refuses_nothing),
        HOLDER_TEST(a_day_told_later_is_a_change),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
