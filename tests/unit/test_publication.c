#include "service/publication.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "proto/leaf.h"
#include "proto/message.h"
#include "service/job.h"
#include "support/fault.h"
#include "support/service_rig.h"

#include "vouch/v1/log_entry.pb-c.h"

#define PUBLISH "/vouch.v1.PublishingService/PublishCredentials"
#define GET "/vouch.v1.PublishingService/GetPublication"
#define DECLARE "/vouch.v1.PublishingService/DeclareCurrent"

#define ID_1 "0195f0c4-1111-7abc-8def-000000000001"
#define ID_2 "0195f0c4-1111-7abc-8def-000000000002"
#define ID_3 "0195f0c4-1111-7abc-8def-000000000003"
#define ID_4 "0195f0c4-1111-7abc-8def-000000000004"

#define ROWS 8

/* One upload in the making. */
struct upload {
    Vouch__V1__PublicationHeader header;
    Vouch__V1__CredentialRow rows[ROWS];
    Vouch__V1__CredentialRow *list[ROWS];
    Vouch__V1__HumanName names[ROWS];
    Vouch__V1__Date births[ROWS];
    Vouch__V1__Date issued[ROWS];
    Vouch__V1__Date until[ROWS];
    Vouch__V1__ValidityPeriod periods[ROWS];
    Vouch__V1__ValidityPeriod *period_list[ROWS];
    Vouch__V1__PublishCredentialsRequest request;
};

struct world {
    struct service_rig rig;
    struct upload upload;
};

static void
set_date(Vouch__V1__Date *date, int32_t year, int32_t month, int32_t day)
{
    vouch__v1__date__init(date);
    date->year = year;
    date->month = month;
    date->day = day;
}

static void
begin(struct upload *u, const char *request_id)
{
    union {
        const char *in;
        char *out;
    } id = {.in = request_id};

    memset(u, 0, sizeof(*u));
    vouch__v1__publication_header__init(&u->header);
    u->header.request_id = id.out;
    u->header.association_id = "ascp-boc";
    u->header.mode = VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_DELTA;
    u->header.extracted_at_us = SERVICE_RIG_NOW - 1000000;
    vouch__v1__publish_credentials_request__init(&u->request);
    u->request.header = &u->header;
    u->request.rows = u->list;
}

static Vouch__V1__CredentialRow *
add(struct upload *u, char *number, char *family, char *status)
{
    size_t i = u->request.n_rows++;
    Vouch__V1__CredentialRow *row = &u->rows[i];

    u->list[i] = row;
    vouch__v1__credential_row__init(row);
    vouch__v1__human_name__init(&u->names[i]);
    vouch__v1__validity_period__init(&u->periods[i]);
    set_date(&u->births[i], 1990, 5, 17);
    set_date(&u->issued[i], 2019, 3, 1);
    set_date(&u->until[i], 2027, 12, 31);
    u->periods[i].kind = VOUCH__V1__PERIOD_KIND__PERIOD_KIND_CERTIFICATION;
    u->periods[i].valid_until = &u->until[i];
    u->period_list[i] = &u->periods[i];
    u->names[i].family = family;
    u->names[i].given = "Ana";
    row->line = (int64_t)i + 2;
    row->credential_type_id = "ascp-pbt";
    row->number = number;
    row->name = &u->names[i];
    row->birth_date = &u->births[i];
    row->last4 = "1234";
    row->issued_on = &u->issued[i];
    row->periods = &u->period_list[i];
    row->n_periods = 1;
    row->raw_status = status;
    return (row);
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    rig_open(&w->rig, ROLE_ASSOCIATION, "ascp-boc");
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

/* What came back: everything of all messages together. */
struct result {
    enum grpc_code code;
    char reason[48];
    size_t accepted;            /* lines */
    struct {
        int64_t line;
        char reason[48];
        char field[48];
    } rejects[ROWS];
    size_t nrejects;
    size_t openings;
    int has_summary;
    int repeated;
    int64_t counts[4];
    int64_t first_log_index;
    int64_t event_count;
    int64_t manifest_log_index;
    char id[40];
};

static void
collect(struct service_rig *rig, struct result *result)
{
    memset(result, 0, sizeof(*result));
    result->code = rig->sink.status.code;
    memcpy(result->reason, rig->sink.status.reason, sizeof(result->reason));
    for (size_t i = 0; i < rig->sink.n; i++) {
        Vouch__V1__PublishCredentialsResponse *r =
            (Vouch__V1__PublishCredentialsResponse *)rig_response(rig, i,
                &vouch__v1__publish_credentials_response__descriptor);

        assert_false(result->has_summary);
        for (size_t k = 0; k < r->n_accepted; k++)
            result->accepted += (size_t)(r->accepted[k]->last -
                r->accepted[k]->first + 1);
        for (size_t k = 0; k < r->n_rejects; k++) {
            size_t at = result->nrejects++;

            assert_true(at < ROWS);
            result->rejects[at].line = r->rejects[k]->line;
            (void)snprintf(result->rejects[at].reason, 48, "%s",
                r->rejects[k]->reason);
            (void)snprintf(result->rejects[at].field, 48, "%s",
                r->rejects[k]->field);
        }
        result->openings += r->n_openings;
        if (r->summary != NULL) {
            result->has_summary = 1;
            result->repeated = r->repeated_request;
            result->counts[0] = r->summary->new_count;
            result->counts[1] = r->summary->changed_count;
            result->counts[2] = r->summary->unchanged_count;
            result->counts[3] = r->summary->rejected_count;
            result->first_log_index = r->summary->first_log_index;
            result->event_count = r->summary->event_count;
            result->manifest_log_index = r->summary->manifest_log_index;
            (void)snprintf(result->id, sizeof(result->id), "%s",
                r->summary->publication_id);
        }
        protobuf_c_message_free_unpacked(&r->base, NULL);
    }
}

static struct result
publish(struct world *w)
{
    struct result result;

    (void)rig_start(&w->rig, PUBLISH);
    rig_say(&w->rig, &w->upload.request.base);
    rig_half_close(&w->rig);
    rig_settle(&w->rig);
    collect(&w->rig, &result);
    assert_int_equal(result.has_summary, result.code == GRPC_OK);
    return (result);
}

static void
assert_counts(const struct result *r, int64_t new_count, int64_t changed,
    int64_t unchanged, int64_t rejected)
{
    assert_int_equal(r->code, GRPC_OK);
    assert_int_equal(r->counts[0], new_count);
    assert_int_equal(r->counts[1], changed);
    assert_int_equal(r->counts[2], unchanged);
    assert_int_equal(r->counts[3], rejected);
}

/* ---- the log ---------------------------------------------------------- */

/* One entry, copied. */
struct entry {
    int found;
    enum leaf_domain domain;
    uint8_t salt[LEAF_SALT];
    uint8_t leaf[LEAF_DATA];
    struct buf bytes;
};

static enum err
on_entry(void *cookie, const struct store_entry *entry)
{
    struct entry *copy = cookie;

    copy->found = 1;
    copy->domain = entry->domain;
    memcpy(copy->salt, entry->salt, LEAF_SALT);
    memcpy(copy->leaf, entry->leaf, LEAF_DATA);
    return (buf_add(&copy->bytes, entry->bytes));
}

static void
on_read(void *cookie, enum err err)
{
    (void)cookie;
    assert_int_equal(err, E_OK);
}

static void
read_entry(struct world *w, int64_t log_index, struct entry *entry)
{
    struct store_reader *reader = w->rig.worker->reader;
    struct store_request *request;

    memset(entry, 0, sizeof(*entry));
    buf_init(&entry->bytes, 1 << 20);
    assert_int_equal(store_reader_begin(reader), E_OK);
    assert_int_equal(store_read_entries(reader, log_index, 1, on_entry,
        on_read, entry, &request), E_OK);
    store_reader_end(reader);
}

/* The event at ${log_index}; to be freed. */
static Vouch__V1__Event *
read_event(struct world *w, int64_t log_index)
{
    Vouch__V1__Event *event;
    struct entry entry;

    read_entry(w, log_index, &entry);
    assert_true(entry.found);
    assert_int_equal(entry.domain, LEAF_EVENT);
    event = vouch__v1__event__unpack(NULL, entry.bytes.n, entry.bytes.p);
    assert_non_null(event);
    buf_free(&entry.bytes);
    return (event);
}

static void
free_event(Vouch__V1__Event *event)
{
    vouch__v1__event__free_unpacked(event, NULL);
}

static void
on_source(void *cookie, enum err err, const struct store_source *source)
{
    assert_int_equal(err, E_OK);
    *(struct store_source *)cookie = *source;
}

static struct store_source
last_word(struct world *w)
{
    struct store_reader *reader = w->rig.worker->reader;
    struct store_source source = {0};
    struct store_request *request;

    assert_int_equal(store_reader_begin(reader), E_OK);
    assert_int_equal(store_find_source(reader, "ascp-boc", on_source,
        &source, &request), E_OK);
    store_reader_end(reader);
    return (source);
}

/* Index of the last entry of the log. */
static int64_t
log_size(struct world *w)
{
    struct entry entry;
    int64_t n;

    for (n = 0; n < 10000; n++) {
        read_entry(w, n, &entry);
        buf_free(&entry.bytes);
        if (!entry.found)
            return (n);
    }
    fail_msg("the log has no end");
    return (-1);
}

/* ---- what an upload does ---------------------------------------------- */

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
    (void)add(&w->upload, "PBT-001", "Rivera, Jr", "Active");
    r = publish(w);
    assert_int_equal(r.counts[0], 2);
    assert_int_equal(r.counts[3], 1);
    assert_string_equal(r.rejects[0].reason, "DUPLICATE_ROW");
    assert_int_equal(r.rejects[0].line, 4);
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
a_row_said_twice_counts_and_one_contradicted_does_not(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    r = publish(w);
    assert_counts(&r, 1, 0, 1, 1);
    assert_int_equal(r.rejects[0].line, 4);
    assert_string_equal(r.rejects[0].reason, "DUPLICATE_ROW");

    /* An earlier row counts even if it changed nothing. */
    begin(&w->upload, ID_2);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-001", "Rivera", "Revoked");
    r = publish(w);
    assert_counts(&r, 0, 0, 1, 1);
}

static void
a_number_with_too_much_history_is_refused(void **state)
{
    static char ids[300][40];
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
    staged = atomic_load(&w->rig.service->staged);
    assert_true(staged > 0);
    rig_cancel(&w->rig);
    assert_int_equal(atomic_load(&w->rig.service->staged), 0);
    assert_int_equal(log_size(w), size);
    assert_false(last_word(w).known);
}

/* The client is gone, the commit is not: the same request tells it so. */
static void
an_upload_cancelled_while_it_commits_is_whole(void **state)
{
    struct world *w = *state;
    struct result r;

    begin(&w->upload, ID_1);
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    rig_say(&w->rig, &w->upload.request.base);
    rig_half_close(&w->rig);
    rig_cancel(&w->rig);
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

/* ${n} rows, 8 in a message, numbered from ${from}. */
static void
say_many(struct world *w, int from, int n)
{
    char numbers[ROWS][16];

    for (int i = 0; i < n; i += ROWS) {
        w->upload.request.n_rows = 0;
        for (int k = 0; k < ROWS && i + k < n; k++) {
            (void)snprintf(numbers[k], sizeof(numbers[k]), "N%07d",
                from + i + k);
            add(&w->upload, numbers[k], "Rivera", "Active")->line = i + k + 2;
        }
        rig_say(&w->rig, &w->upload.request.base);
        w->upload.request.header = NULL;
    }
}

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

    w->rig.service->max_upload = 200 * 1024;
    begin(&w->upload, ID_1);
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    say_many(w, 0, 4000);
    assert_true(w->rig.sink.finished);
    assert_int_equal(w->rig.sink.status.code, GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(w->rig.sink.status.reason, "UPLOAD_TOO_LARGE");
    assert_int_equal(atomic_load(&w->rig.service->staged), 0);

    w->rig.service->max_upload = 64 << 20;
    w->rig.service->max_staged = 100 * 1024;
    begin(&w->upload, ID_1);
    assert_int_equal(rig_start(&w->rig, PUBLISH), E_OK);
    say_many(w, 0, 4000);
    assert_int_equal(w->rig.sink.status.code, GRPC_RESOURCE_EXHAUSTED);
    assert_string_equal(w->rig.sink.status.reason, "TOO_MANY_UPLOADS");
    assert_int_equal(atomic_load(&w->rig.service->staged), 0);
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

/* ---- the last word ---------------------------------------------------- */

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

    begin(&w->upload, ID_4);
    w->upload.header.extracted_at_us = 0;
    (void)publish(w);
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
    assert_int_equal(atomic_load(&w->rig.service->staged), 0);
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
    (void)add(&w->upload, "PBT-001", "Rivera", "Active");
    (void)add(&w->upload, "PBT-005", "Chen", "Active");
    assert_int_equal(staging_create(1 << 20, &w->rig.service->staged,
        1 << 20, &rows), E_OK);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(staging_row(rows, w->upload.list[i], 1), E_OK);

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
        assert_int_not_equal(run.err, E_OK);
        assert_int_equal(log_size(w), size);
    }
    assert_true(n > 5 && n < 2000);
    assert_int_equal(run.err, E_OK);
    assert_int_equal(run.order.outcome.counts[0], 1);
    assert_int_equal(run.order.outcome.counts[1], 1);
    assert_int_equal(run.order.outcome.counts[3], 1);
    free(run.order.late);
    staging_free(rows);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(rows_are_new_then_unchanged_then_changed),
        TEST(an_event_says_kind_day_and_what_was_before),
        TEST(what_is_logged_is_canonical_and_opens_its_leaf),
        TEST(a_request_repeated_has_its_first_outcome),
        TEST(another_name_on_a_number_is_another_holder),
        TEST(a_suffix_tells_two_people_apart),
        TEST(a_changed_family_name_is_kept_as_a_former_one),
        TEST(a_holder_ref_is_the_same_person_under_any_name),
        TEST(a_number_written_otherwise_by_another_holder_collides),
        TEST(a_row_said_twice_counts_and_one_contradicted_does_not),
        TEST(a_number_with_too_much_history_is_refused),
        TEST(an_upload_that_is_interrupted_changes_nothing),
        TEST(an_upload_cancelled_while_it_commits_is_whole),
        TEST(a_worker_may_go_before_its_upload_is_done),
        TEST(openings_open_the_leaves),
        TEST(openings_wait_until_the_client_has_read),
        TEST(openings_may_be_cancelled),
        TEST(uploads_are_bounded),
        TEST(too_many_rejects_end_the_upload),
        TEST(a_header_at_fault_ends_the_upload),
        TEST(a_caller_that_is_not_in_the_catalog_is_told),
        TEST(the_last_word_never_moves_back),
        TEST(a_declaration_moves_the_last_word),
        TEST(a_declaration_may_outlast_its_call),
        TEST(a_publication_is_found_by_its_own_and_by_auditors),
        TEST(the_index_follows_from_the_log),
        TEST(each_allocation_of_the_call_may_fail),
        TEST(each_allocation_of_the_writer_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
