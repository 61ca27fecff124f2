#include "support/publish_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void
set_date(Vouch__V1__Date *date, int32_t year, int32_t month, int32_t day)
{
    vouch__v1__date__init(date);
    date->year = year;
    date->month = month;
    date->day = day;
}

void
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

Vouch__V1__CredentialRow *
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

int
publish_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    rig_open(&w->rig, ROLE_ASSOCIATION, "ascp-boc");
    *state = w;
    return (0);
}

int
publish_teardown(void **state)
{
    struct world *w = *state;

    rig_close(&w->rig);
    free(w);
    return (0);
}

void
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
            result->not_listed = r->summary->not_listed_count;
            result->withheld = (int)r->summary->ending_withheld;
            result->first_log_index = r->summary->first_log_index;
            result->event_count = r->summary->event_count;
            result->manifest_log_index = r->summary->manifest_log_index;
            (void)snprintf(result->id, sizeof(result->id), "%s",
                r->summary->publication_id);
        }
        protobuf_c_message_free_unpacked(&r->base, NULL);
    }
}

void
snapshot(struct upload *u, int64_t minutes)
{
    u->header.mode = VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_SNAPSHOT;
    u->header.extracted_at_us = SERVICE_RIG_NOW - minutes * 60000000;
    u->types[0] = "ascp-pbt";
    u->header.snapshot_type_ids = u->types;
    u->header.n_snapshot_type_ids = 1;
}

void
end(struct upload *u)
{
    struct content_hash *hash;

    assert_int_equal(content_hash_create(&hash), E_OK);
    assert_int_equal(content_hash_header(hash, &u->header), E_OK);
    for (size_t i = 0; i < u->request.n_rows; i++)
        assert_int_equal(content_hash_row(hash, u->list[i], NULL), E_OK);
    assert_int_equal(content_hash_end(hash, u->content_hash), E_OK);
    content_hash_free(hash);
    vouch__v1__upload_end__init(&u->end);
    u->end.row_count = (int64_t)u->request.n_rows;
    u->end.content_hash = (ProtobufCBinaryData){CONTENT_HASH,
        u->content_hash};
    u->request.end = &u->end;
}

struct result
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

void
assert_counts(const struct result *r, int64_t new_count, int64_t changed,
    int64_t unchanged, int64_t rejected)
{
    assert_int_equal(r->code, GRPC_OK);
    assert_int_equal(r->counts[0], new_count);
    assert_int_equal(r->counts[1], changed);
    assert_int_equal(r->counts[2], unchanged);
    assert_int_equal(r->counts[3], rejected);
}

void
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

void
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
Vouch__V1__Event *
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

void
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

struct store_source
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

int64_t
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
