/* The last word, declarations, publications asked for, and the rebuilding. */

#include "service/service.h"

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
#include "support/publish_rig.h"

#define GET "/vouch.v1.PublishingService/GetPublication"
#define DECLARE "/vouch.v1.PublishingService/DeclareCurrent"

static void
the_last_word_never_moves_back(void **state)
{
    struct world *w = *state;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)publish(w);
    assert_int_equal(last_word(w).source_time_us, SERVICE_RIG_NOW - 1000000);

    begin(&w->upload, ID_2);
    w->upload.header.extracted_at_us -= 1000000;
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    (void)publish(w);
    assert_int_equal(last_word(w).source_time_us, SERVICE_RIG_NOW - 1000000);

    /* Where nothing was taken nothing is known any better. */
    begin(&w->upload, ID_3);
    w->upload.header.extracted_at_us = 0;
    add(&w->upload, "PBT-003", "Okafor", "Active")->last4 = "1";
    (void)publish(w);
    assert_int_equal(last_word(w).source_time_us, SERVICE_RIG_NOW - 1000000);

    /* Nor where nothing came: that a file is empty is no statement. */
    begin(&w->upload, ID_4);
    w->upload.header.extracted_at_us = 0;
    (void)publish(w);
    assert_int_equal(last_word(w).source_time_us, SERVICE_RIG_NOW - 1000000);

    begin(&w->upload, "0195f0c4-1111-7abc-8def-000000000005");
    w->upload.header.extracted_at_us = 0;
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)publish(w);                   /* a row that changes nothing is */
    assert_int_equal(last_word(w).source_time_us, SERVICE_RIG_NOW);
}

static Vouch__V1__DeclareCurrentResponse *
declare(struct world *w, char *request_id, int64_t as_of_us)
{
    Vouch__V1__DeclareCurrentRequest request =
        VOUCH__V1__DECLARE_CURRENT_REQUEST__INIT;

    request.request_id = request_id;
    request.association_id = "ascp-boc";
    request.as_of_us = as_of_us;
    return ((Vouch__V1__DeclareCurrentResponse *)rig_ask(&w->rig, DECLARE,
        &request.base, &vouch__v1__declare_current_response__descriptor));
}

static void
a_declaration_moves_the_last_word(void **state)
{
    struct world *w = *state;
    Vouch__V1__DeclareCurrentResponse *first, *again;
    struct entry entry;

    assert_null(declare(w, ID_1, 0));
    assert_string_equal(w->rig.sink.status.reason, "NOTHING_PUBLISHED");
    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)publish(w);

    assert_non_null(first = declare(w, ID_1, 0));
    assert_int_equal(first->as_of_us, SERVICE_RIG_NOW);
    assert_int_equal(last_word(w).source_time_us, SERVICE_RIG_NOW);
    read_entry(w, first->log_index, &entry);
    assert_int_equal(entry.domain, LEAF_DECLARATION);
    assert_true(message_is_canonical(&vouch__v1__declaration__descriptor,
        buf_slice(&entry.bytes)));
    buf_free(&entry.bytes);

    clock_set_wall(SERVICE_RIG_NOW + 1000000);
    assert_non_null(again = declare(w, ID_1, 0));
    assert_int_equal(again->as_of_us, first->as_of_us);
    assert_int_equal(again->log_index, first->log_index);
    protobuf_c_message_free_unpacked(&first->base, NULL);
    protobuf_c_message_free_unpacked(&again->base, NULL);

    assert_null(declare(w, ID_1, SERVICE_RIG_NOW + 1));
    assert_int_equal(w->rig.sink.status.code, GRPC_ALREADY_EXISTS);
    assert_null(declare(w, ID_2, SERVICE_RIG_NOW - 1));
    assert_string_equal(w->rig.sink.status.reason, "BEFORE_LAST_WORD");
    assert_null(declare(w, ID_2, SERVICE_RIG_NOW + 1000001));
    assert_string_equal(w->rig.sink.status.violations[0].field, "as_of_us");
    assert_null(declare(w, "x", 0));
    assert_string_equal(w->rig.sink.status.violations[0].field,
        "request_id");
}

static void
a_declaration_may_outlast_its_call(void **state)
{
    Vouch__V1__DeclareCurrentRequest request =
        VOUCH__V1__DECLARE_CURRENT_REQUEST__INIT;
    struct world *w = *state;

    request.request_id = ID_1;
    request.association_id = "ascp-boc";
    assert_int_equal(rig_start(&w->rig, DECLARE), E_OK);
    rig_say(&w->rig, &request.base);
    rig_cancel(&w->rig);
    rig_mail(&w->rig);
    assert_false(w->rig.sink.finished);
}

/* ---- asking for it ---------------------------------------------------- */

static Vouch__V1__GetPublicationResponse *
get(struct world *w, char *id, char *request_id)
{
    Vouch__V1__GetPublicationRequest request =
        VOUCH__V1__GET_PUBLICATION_REQUEST__INIT;

    request.publication_id = id;
    request.request_id = request_id;
    return ((Vouch__V1__GetPublicationResponse *)rig_ask(&w->rig, GET,
        &request.base, &vouch__v1__get_publication_response__descriptor));
}

static void
a_publication_is_found_by_its_own_and_by_auditors(void **state)
{
    struct world *w = *state;
    Vouch__V1__GetPublicationResponse *found;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    r = publish(w);
    assert_non_null(found = get(w, r.id, ""));
    assert_string_equal(found->publication->request_id, ID_1);
    assert_int_equal(found->publication->new_count, 1);
    protobuf_c_message_free_unpacked(&found->base, NULL);
    assert_non_null(found = get(w, "", ID_1));
    assert_string_equal(found->publication->publication_id, r.id);
    protobuf_c_message_free_unpacked(&found->base, NULL);

    assert_null(get(w, "", ID_2));
    assert_int_equal(w->rig.sink.status.code, GRPC_NOT_FOUND);
    assert_null(get(w, "", ""));
    assert_int_equal(w->rig.sink.status.code, GRPC_INVALID_ARGUMENT);
    assert_null(get(w, r.id, ID_1));
    assert_int_equal(w->rig.sink.status.code, GRPC_INVALID_ARGUMENT);
    assert_null(get(w, "xyz", ""));
    assert_int_equal(w->rig.sink.status.code, GRPC_INVALID_ARGUMENT);

    (void)snprintf(w->rig.identity.id, sizeof(w->rig.identity.id), "amt");
    assert_null(get(w, r.id, ""));
    assert_int_equal(w->rig.sink.status.code, GRPC_NOT_FOUND);
    w->rig.identity.role = ROLE_AUDITOR;
    assert_non_null(found = get(w, r.id, ""));
    protobuf_c_message_free_unpacked(&found->base, NULL);
}

/* ---- again from the log ----------------------------------------------- */

static enum err
spoil(struct store_txn *txn, void *cookie)
{
    struct store_source source = {.known = 1, .source_time_us = 1,
        .received_at_us = 1};

    (void)cookie;
    return (store_txn_put_source(txn, "ascp-boc", &source));
}

static void
the_index_follows_from_the_log(void **state)
{
    struct world *w = *state;
    Vouch__V1__DeclareCurrentResponse *declared;
    char why[256];

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-002", "Chen", "Active");
    (void)publish(w);
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    (void)publish(w);
    assert_non_null(declared = declare(w, ID_1, 0));
    protobuf_c_message_free_unpacked(&declared->base, NULL);
    begin(&w->upload, ID_3);
    add(&w->upload, "PBT-003", "Okafor", "Active")->last4 = "1";
    (void)publish(w);

    assert_int_equal(service_rebuild(w->rig.store, 1, why, sizeof(why)),
        E_OK);
    assert_int_equal(job_run(w->rig.store, spoil, NULL), E_OK);
    assert_int_equal(service_rebuild(w->rig.store, 1, why, sizeof(why)),
        E_CORRUPT);
    assert_int_equal(last_word(w).source_time_us, 1);
    assert_int_equal(service_rebuild(w->rig.store, 0, why, sizeof(why)),
        E_OK);
    assert_int_equal(service_rebuild(w->rig.store, 1, why, sizeof(why)),
        E_OK);
    assert_int_equal(last_word(w).source_time_us, SERVICE_RIG_NOW);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, publish_setup, publish_teardown)
        TEST(the_last_word_never_moves_back),
        TEST(a_declaration_moves_the_last_word),
        TEST(a_declaration_may_outlast_its_call),
        TEST(a_publication_is_found_by_its_own_and_by_auditors),
        TEST(the_index_follows_from_the_log),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
