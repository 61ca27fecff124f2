/* ListPublications and ListEvents: who sees what, page by page. */

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
#include "service/page_token.h"
#include "support/fault.h"
#include "support/publish_rig.h"

#define PUBLICATIONS "/vouch.v1.PublishingService/ListPublications"
#define EVENTS "/vouch.v1.PublishingService/ListEvents"
#define HOUR INT64_C(3600000000)

typedef Vouch__V1__ListPublicationsRequest publications_t;
typedef Vouch__V1__ListEventsRequest events_t;

/* Everything that a list holds, and how many pages it took. */
struct listed {
    enum grpc_code code;
    char reason[48];
    char field[64];             /* of the first violation */
    size_t n, pages;
    size_t longest;             /* page, in bytes */
    char ids[8][40];            /* of the first publications */
    int64_t indexes[1024];      /* of the events */
    char numbers[8][32];        /* of the first of them */
};

static void
note_failure(struct service_rig *rig, struct listed *l)
{
    l->code = rig->sink.status.code;
    memcpy(l->reason, rig->sink.status.reason, sizeof(l->reason));
    if (rig->sink.status.nviolations > 0)
        (void)snprintf(l->field, sizeof(l->field), "%s",
            rig->sink.status.violations[0].field);
}

/* Take over ${next} into ${token}; returns whether there is one. */
static int
another(const char *next, char token[PAGE_TOKEN_TEXT])
{
    (void)snprintf(token, PAGE_TOKEN_TEXT, "%s", next);
    return (token[0] != '\0');
}

/* What is not given is empty. */
static void
fill_in(char **text)
{
    static char empty[1];

    if (*text == NULL)
        *text = empty;
}

static struct listed
list_publications(struct world *w, publications_t request)
{
    char token[PAGE_TOKEN_TEXT] = "";
    struct listed l = {.code = GRPC_OK};
    int more = 1;

    fill_in(&request.association_id);
    fill_in(&request.page_token);
    while (more) {
        Vouch__V1__ListPublicationsResponse *r;

        if (l.pages > 0)
            request.page_token = token;
        r = (Vouch__V1__ListPublicationsResponse *)rig_ask(&w->rig,
            PUBLICATIONS, &request.base,
            &vouch__v1__list_publications_response__descriptor);
        if (r == NULL) {
            note_failure(&w->rig, &l);
            return (l);
        }
        l.pages++;
        for (size_t i = 0; i < r->n_publications; i++, l.n++)
            if (l.n < 8)
                (void)snprintf(l.ids[l.n], sizeof(l.ids[0]), "%s",
                    r->publications[i]->publication_id);
        more = another(r->next_page_token, token);
        protobuf_c_message_free_unpacked(&r->base, NULL);
    }
    return (l);
}

/* It opens its leaf, and is an event of ascp-boc. */
static void
take_event(struct world *w, const Vouch__V1__ListedEvent *e, struct listed *l)
{
    struct entry entry;
    uint8_t leaf[LEAF_DATA];
    Vouch__V1__Event *event;

    assert_non_null(e->opening);
    assert_int_equal(e->opening->salt.len, LEAF_SALT);
    assert_int_equal(leaf_data(LEAF_EVENT, e->opening->salt.data,
        (struct slice){e->opening->event.data, e->opening->event.len}, leaf),
        E_OK);
    assert_int_equal(e->leaf_data.len, LEAF_DATA);
    assert_memory_equal(e->leaf_data.data, leaf, LEAF_DATA);
    read_entry(w, e->opening->log_index, &entry);
    assert_true(entry.found && entry.domain == LEAF_EVENT);
    assert_memory_equal(entry.leaf, leaf, LEAF_DATA);
    buf_free(&entry.bytes);
    event = vouch__v1__event__unpack(NULL, e->opening->event.len,
        e->opening->event.data);
    assert_non_null(event);
    assert_string_equal(event->association_id, "ascp-boc");
    if (l->n < 8)
        (void)snprintf(l->numbers[l->n], sizeof(l->numbers[0]), "%s",
            event->record->number);
    vouch__v1__event__free_unpacked(event, NULL);
    assert_true(l->n < 1024);
    assert_true(l->n == 0 || l->indexes[l->n - 1] < e->opening->log_index);
    l->indexes[l->n++] = e->opening->log_index;
}

static struct listed
list_events(struct world *w, events_t request)
{
    char token[PAGE_TOKEN_TEXT] = "";
    struct listed l = {.code = GRPC_OK};
    int more = 1;

    fill_in(&request.association_id);
    fill_in(&request.publication_id);
    fill_in(&request.number);
    fill_in(&request.page_token);
    while (more) {
        Vouch__V1__ListEventsResponse *r;

        if (l.pages > 0)
            request.page_token = token;
        r = (Vouch__V1__ListEventsResponse *)rig_ask(&w->rig, EVENTS,
            &request.base, &vouch__v1__list_events_response__descriptor);
        if (r == NULL) {
            note_failure(&w->rig, &l);
            return (l);
        }
        l.pages++;
        if (w->rig.sink.sent[0]->n > l.longest)
            l.longest = w->rig.sink.sent[0]->n;
        for (size_t i = 0; i < r->n_events; i++)
            take_event(w, r->events[i], &l);
        more = another(r->next_page_token, token);
        protobuf_c_message_free_unpacked(&r->base, NULL);
    }
    return (l);
}

#define LIST_PUBLICATIONS(w, ...)                                       \
    list_publications(w, (publications_t){PROTOBUF_C_MESSAGE_INIT(      \
        &vouch__v1__list_publications_request__descriptor),             \
        __VA_ARGS__})
#define LIST_EVENTS(w, ...)                                             \
    list_events(w, (events_t){PROTOBUF_C_MESSAGE_INIT(                  \
        &vouch__v1__list_events_request__descriptor),                   \
        __VA_ARGS__})

static void
be(struct world *w, enum role role, const char *id)
{
    w->rig.identity.role = role;
    (void)snprintf(w->rig.identity.id, sizeof(w->rig.identity.id), "%s", id);
}

/*
 * Three uploads, an hour apart: two events, none, and two, of which one
 * changes what the first said of A-1.
 */
static void
publish_three(struct world *w, struct result results[3])
{
    static const char *const ids[] = {ID_1, ID_2, ID_3};

    for (size_t i = 0; i < 3; i++) {
        clock_set_wall(SERVICE_RIG_NOW + (int64_t)i * HOUR);
        begin(&w->upload, ids[i]);
        w->upload.header.extracted_at_us += (int64_t)i * HOUR;
        (void)add(&w->upload, "A-1", "Rivera", i < 2 ? "Active" : "Revoked");
        (void)add(&w->upload, i < 2 ? "B-2" : "C-3", "Rivera", "Active");
        results[i] = publish(w);
        assert_int_equal(results[i].code, GRPC_OK);
    }
    assert_int_equal(results[0].event_count, 2);
    assert_int_equal(results[1].event_count, 0);
    assert_int_equal(results[2].event_count, 2);
}

/* ---- publications ----------------------------------------------------- */

static void
publications_come_newest_first(void **state)
{
    struct world *w = *state;
    struct result made[3];
    struct listed l;

    assert_int_equal(LIST_PUBLICATIONS(w, .page_size = 0).n, 0);
    publish_three(w, made);
    for (int32_t size = 0; size < 5; size++) {
        l = LIST_PUBLICATIONS(w, .page_size = size);
        assert_int_equal(l.code, GRPC_OK);
        assert_int_equal(l.n, 3);
        assert_int_equal(l.pages, size == 0 ? 1 : (3 + size - 1) / size);
        for (size_t i = 0; i < 3; i++)
            assert_string_equal(l.ids[i], made[2 - i].id);
    }
    assert_int_equal(LIST_PUBLICATIONS(w, .page_size = INT32_MAX).n, 3);
    l = LIST_PUBLICATIONS(w, .association_id = "ascp-boc", .page_size = 2,
        .recorded_from_us = SERVICE_RIG_NOW,
        .recorded_before_us = SERVICE_RIG_NOW + 2 * HOUR);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.ids[0], made[1].id);
    assert_string_equal(l.ids[1], made[0].id);
    l = LIST_PUBLICATIONS(w, .recorded_from_us = SERVICE_RIG_NOW + 1,
        .page_size = 1);
    assert_int_equal(l.n, 2);
    assert_string_equal(l.ids[1], made[1].id);
}

static void
publications_are_for_their_publisher_and_auditors(void **state)
{
    struct world *w = *state;
    struct result made[3];
    struct listed l;

    publish_three(w, made);
    be(w, ROLE_ASSOCIATION, "amt");
    assert_int_equal(LIST_PUBLICATIONS(w, .page_size = 0).n, 0);
    l = LIST_PUBLICATIONS(w, .association_id = "ascp-boc");
    assert_int_equal(l.code, GRPC_PERMISSION_DENIED);
    assert_string_equal(l.reason, "NOT_YOUR_ASSOCIATION");

    be(w, ROLE_AUDITOR, "auditor");
    assert_int_equal(LIST_PUBLICATIONS(w, .page_size = 1).n, 3);
    assert_int_equal(LIST_PUBLICATIONS(w, .association_id = "ascp-boc").n,
        3);
    assert_int_equal(LIST_PUBLICATIONS(w, .association_id = "amt").n, 0);
    l = LIST_PUBLICATIONS(w, .association_id = "nobody");
    assert_int_equal(l.code, GRPC_NOT_FOUND);

    be(w, ROLE_ASSOCIATION, "nobody");
    l = LIST_PUBLICATIONS(w, .page_size = 0);
    assert_int_equal(l.code, GRPC_NOT_FOUND);
    assert_string_equal(l.reason, "ASSOCIATION_NOT_FOUND");
}

static void
bad_pages_of_publications_are_refused(void **state)
{
    struct world *w = *state;
    char token[PAGE_TOKEN_TEXT];
    struct result made[3];
    publications_t request = VOUCH__V1__LIST_PUBLICATIONS_REQUEST__INIT;
    Vouch__V1__ListPublicationsResponse *r;
    struct listed l;

    l = LIST_PUBLICATIONS(w, .page_size = -1);
    assert_int_equal(l.code, GRPC_INVALID_ARGUMENT);
    assert_string_equal(l.field, "page_size");
    l = LIST_PUBLICATIONS(w, .recorded_from_us = -1);
    assert_string_equal(l.field, "recorded_from_us");
    l = LIST_PUBLICATIONS(w, .recorded_before_us = -1);
    assert_string_equal(l.field, "recorded_before_us");

    publish_three(w, made);
    request.page_size = 1;
    r = (Vouch__V1__ListPublicationsResponse *)rig_ask(&w->rig, PUBLICATIONS,
        &request.base, &vouch__v1__list_publications_response__descriptor);
    assert_non_null(r);
    assert_true(another(r->next_page_token, token));
    protobuf_c_message_free_unpacked(&r->base, NULL);
    assert_int_equal(LIST_PUBLICATIONS(w, .page_token = token).n, 2);
    l = LIST_PUBLICATIONS(w, .page_token = token, .recorded_from_us = 1);
    assert_string_equal(l.field, "page_token");
    l = LIST_EVENTS(w, .page_token = token);
    assert_string_equal(l.field, "page_token");
    be(w, ROLE_AUDITOR, "auditor");
    l = LIST_PUBLICATIONS(w, .page_token = token);
    assert_string_equal(l.field, "page_token");
    be(w, ROLE_ASSOCIATION, "ascp-boc");
    token[8] ^= 1;
    l = LIST_PUBLICATIONS(w, .page_token = token);
    assert_string_equal(l.field, "page_token");
}

/* ---- events ----------------------------------------------------------- */

static void
events_come_in_the_order_of_the_log(void **state)
{
    struct world *w = *state;
    struct result made[3];
    struct listed l;
    int64_t first, last;

    assert_int_equal(LIST_EVENTS(w, .page_size = 0).n, 0);
    publish_three(w, made);
    first = made[0].first_log_index;
    last = made[2].first_log_index;
    for (int32_t size = 0; size < 6; size++) {
        l = LIST_EVENTS(w, .page_size = size, .association_id = "ascp-boc");
        assert_int_equal(l.n, 4);
        assert_int_equal(l.pages, size == 0 ? 1 : (4 + size - 1) / size);
        assert_int_equal(l.indexes[0], first);
        assert_int_equal(l.indexes[3], last + 1);
    }
    l = LIST_EVENTS(w, .from_log_index = first + 1, .page_size = 1);
    assert_int_equal(l.n, 3);
    assert_int_equal(l.indexes[0], first + 1);
    assert_int_equal(LIST_EVENTS(w, .from_log_index = last + 1).n, 1);
    assert_int_equal(LIST_EVENTS(w, .from_log_index = last + 2).n, 0);
    assert_int_equal(LIST_EVENTS(w, .from_log_index = INT64_MAX).n, 0);
}

static void
events_of_one_publication_or_number(void **state)
{
    struct world *w = *state;
    struct result made[3];
    struct listed l;

    publish_three(w, made);
    for (int32_t size = 0; size < 3; size++) {
        l = LIST_EVENTS(w, .publication_id = made[2].id, .page_size = size);
        assert_int_equal(l.n, 2);
        assert_int_equal(l.pages, size == 1 ? 2 : 1);
        assert_int_equal(l.indexes[0], made[2].first_log_index);
    }
    l = LIST_EVENTS(w, .publication_id = made[0].id,
        .from_log_index = made[0].first_log_index + 1);
    assert_int_equal(l.n, 1);
    assert_string_equal(l.numbers[0], "B-2");
    assert_int_equal(LIST_EVENTS(w, .publication_id = made[0].id,
        .from_log_index = made[2].first_log_index).n, 0);
    assert_int_equal(LIST_EVENTS(w, .publication_id = made[1].id).n, 0);
    l = LIST_EVENTS(w, .publication_id = "00000000000000000000000000000000");
    assert_int_equal(l.code, GRPC_NOT_FOUND);
    assert_string_equal(l.reason, "PUBLICATION_NOT_FOUND");

    for (int32_t size = 0; size < 3; size++) {
        l = LIST_EVENTS(w, .number = "a-1", .page_size = size);
        assert_int_equal(l.n, 2);
        assert_string_equal(l.numbers[0], "A-1");
        assert_string_equal(l.numbers[1], "A-1");
    }
    assert_int_equal(LIST_EVENTS(w, .number = "A-1",
        .from_log_index = made[2].first_log_index).n, 1);
    assert_int_equal(LIST_EVENTS(w, .number = "Z-9").n, 0);
}

static void
events_are_for_their_association_alone(void **state)
{
    struct world *w = *state;
    struct result made[3];
    struct listed l;

    assert_int_equal(method_find(slice_of(EVENTS))->roles,
        ROLE_BIT(ROLE_ASSOCIATION));
    publish_three(w, made);
    be(w, ROLE_ASSOCIATION, "amt");
    assert_int_equal(LIST_EVENTS(w, .page_size = 0).n, 0);
    assert_int_equal(LIST_EVENTS(w, .number = "A-1").n, 0);
    l = LIST_EVENTS(w, .association_id = "ascp-boc");
    assert_int_equal(l.code, GRPC_PERMISSION_DENIED);
    l = LIST_EVENTS(w, .publication_id = made[0].id);
    assert_int_equal(l.code, GRPC_NOT_FOUND);
    assert_string_equal(l.reason, "PUBLICATION_NOT_FOUND");
}

static enum err
steal(struct store_txn *txn, void *cookie)
{
    const struct result *made = cookie;
    struct store_publication p = {.id = {1}, .association = "amt",
        .request_id = {1}, .mode = 1, .recorded_at_us = store_txn_now(txn),
        .first_log_index = made->first_log_index,
        .event_count = made->event_count,
        .manifest_log_index = made->manifest_log_index};

    return (store_txn_put_publication(txn, &p));
}

static void
an_index_that_lies_shows_nobody_the_events_of_another(void **state)
{
    struct world *w = *state;
    struct result made[3];
    struct listed l;

    publish_three(w, made);
    assert_int_equal(job_run(w->rig.store, steal, &made[0]), E_OK);
    be(w, ROLE_ASSOCIATION, "amt");
    l = LIST_EVENTS(w, .page_size = 0);
    assert_int_equal(l.code, GRPC_DATA_LOSS);
    assert_int_equal(l.n, 0);
    l = LIST_EVENTS(w,
        .publication_id = "01000000000000000000000000000000");
    assert_int_equal(l.code, GRPC_DATA_LOSS);
}

static void
bad_questions_for_events_are_refused(void **state)
{
    struct world *w = *state;
    char number[NUMBER_MAX + 2];

    memset(number, '7', sizeof(number));
    number[sizeof(number) - 1] = '\0';
    assert_string_equal(LIST_EVENTS(w, .page_size = -1).field, "page_size");
    assert_string_equal(LIST_EVENTS(w, .page_token = "x").field,
        "page_token");
    assert_string_equal(LIST_EVENTS(w, .from_log_index = -1).field,
        "from_log_index");
    assert_string_equal(LIST_EVENTS(w, .publication_id = "xyz").field,
        "publication_id");
    assert_string_equal(LIST_EVENTS(w, .number = "-").field, "number");
    assert_string_equal(LIST_EVENTS(w, .number = number).field, "number");
    assert_string_equal(LIST_EVENTS(w, .number = "1",
        .publication_id = "00000000000000000000000000000000").field,
        "number");
}

/* Far more than one message should hold. */
static void
a_page_is_bounded_in_bytes(void **state)
{
    static char reason[] =
        "01234567890123456789012345678901234567890123456789012345678901234567"
        "89012345678901234567890123456789012345678901234567890123456789012345"
        "67890123456789012345678901234567890123456789";
    struct world *w = *state;
    char numbers[ROWS][16];
    struct listed l;

    begin(&w->upload, ID_1);
    (void)rig_start(&w->rig, PUBLISH);
    for (int i = 0; i < 800; i += ROWS) {
        w->upload.request.n_rows = 0;
        for (int k = 0; k < ROWS; k++) {
            Vouch__V1__CredentialRow *row;

            (void)snprintf(numbers[k], sizeof(numbers[k]), "N%d", i + k);
            row = add(&w->upload, numbers[k], "Rivera", "Active");
            row->line = i + k + 2;
            row->raw_reason = reason;
            w->upload.names[k].given = reason + 90;
            w->upload.names[k].middle = reason + 90;
        }
        rig_say(&w->rig, &w->upload.request.base);
        w->upload.request.header = NULL;
    }
    rig_half_close(&w->rig);
    rig_settle(&w->rig);
    assert_int_equal(w->rig.sink.status.code, GRPC_OK);
    l = LIST_EVENTS(w, .page_size = 1000);
    assert_int_equal(l.n, 800);
    assert_int_equal(l.pages, 4);
    assert_true(l.longest < 320 * 1024);
    l = LIST_EVENTS(w, .page_size = 0);
    assert_int_equal(l.n, 800);
    assert_int_equal(l.pages, 8);
}

/* ---- turns ------------------------------------------------------------ */

struct turn {
    struct tick_item item;
    char name;
    char *log;
};

static void
take_turn(struct tick_item *item, struct service_worker *worker,
    enum err view)
{
    struct turn *turn = (struct turn *)(void *)item;
    size_t n = strlen(turn->log);

    (void)worker;
    assert_int_equal(view, E_OK);
    turn->log[n] = turn->name;
    turn->log[n + 1] = '\0';
}

/* One page a pass, behind what is quick; and the loop is kept awake. */
static void
pages_take_turns(void **state)
{
    struct world *w = *state;
    struct service_rig *rig = &w->rig;
    char log[16] = "";
    struct turn turns[4];

    for (size_t i = 0; i < 4; i++) {
        turns[i] = (struct turn){.item.run = take_turn,
            .name = (char)('a' + i), .log = log};
        if (i < 3)
            service_tick_add_slow(rig->worker, &turns[i].item);
    }
    service_tick_add(rig->worker, &turns[3].item);
    service_worker_tick(rig->worker);
    assert_string_equal(log, "da");
    service_tick_remove(&turns[1].item);
    service_tick_add(rig->worker, &turns[3].item);
    rig_mail(rig);
    assert_string_equal(log, "dadc");
    assert_int_equal(rig->nbox, 0);
    service_worker_tick(rig->worker);
    assert_string_equal(log, "dadc");
}

static void
a_list_may_be_cancelled_before_its_turn(void **state)
{
    struct world *w = *state;
    events_t request = VOUCH__V1__LIST_EVENTS_REQUEST__INIT;

    assert_int_equal(rig_start(&w->rig, EVENTS), E_OK);
    rig_say(&w->rig, &request.base);
    rig_cancel(&w->rig);
    service_worker_tick(w->rig.worker);
    assert_int_equal(w->rig.sink.n, 0);
    assert_false(w->rig.sink.finished);
}

/* ---- memory ----------------------------------------------------------- */

static void
each_alloc_may_fail(struct world *w, const char *path,
    const ProtobufCMessage *request)
{
    int n;

    for (n = 0; n < 200; n++) {
        fault_arm(n);
        (void)rig_start(&w->rig, path);
        rig_say(&w->rig, request);
        rig_half_close(&w->rig);
        rig_settle(&w->rig);
        if (!fault_fired())
            break;
        fault_arm(-1);
        assert_int_not_equal(w->rig.sink.status.code, GRPC_OK);
    }
    fault_arm(-1);
    assert_true(n > 2 && n < 200);
    assert_int_equal(w->rig.sink.status.code, GRPC_OK);
    assert_int_equal(w->rig.sink.n, 1);
}

static void
each_allocation_of_the_lists_may_fail(void **state)
{
    struct world *w = *state;
    publications_t publications = VOUCH__V1__LIST_PUBLICATIONS_REQUEST__INIT;
    events_t events = VOUCH__V1__LIST_EVENTS_REQUEST__INIT;
    struct result made[3];

    publish_three(w, made);
    publications.page_size = 1;
    each_alloc_may_fail(w, PUBLICATIONS, &publications.base);
    events.page_size = 1;
    each_alloc_may_fail(w, EVENTS, &events.base);
    events.publication_id = made[0].id;
    each_alloc_may_fail(w, EVENTS, &events.base);
    events.publication_id = publications.association_id;    /* "" */
    events.number = "A-1";
    each_alloc_may_fail(w, EVENTS, &events.base);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, publish_setup, publish_teardown)
        TEST(publications_come_newest_first),
        TEST(publications_are_for_their_publisher_and_auditors),
        TEST(bad_pages_of_publications_are_refused),
        TEST(events_come_in_the_order_of_the_log),
        TEST(events_of_one_publication_or_number),
        TEST(events_are_for_their_association_alone),
        TEST(an_index_that_lies_shows_nobody_the_events_of_another),
        TEST(bad_questions_for_events_are_refused),
        TEST(a_page_is_bounded_in_bytes),
        TEST(pages_take_turns),
        TEST(a_list_may_be_cancelled_before_its_turn),
        TEST(each_allocation_of_the_lists_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
