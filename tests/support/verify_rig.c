#include "support/verify_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "proto/message.h"
#include "proto/receipt.h"
#include "service/job.h"
#include "service/log_tree.h"
#include "support/seal_rig.h"

/* 2026-11-22T12:00:00Z. */
#define NOW_US INT64_C(1795348800000000)

static const struct {
    const char *name;
    const char *text;
} files[] = {
    {"associations.csv",
        "id,name,short_name,kind,lifecycle,successor_id,utc_offset_minutes,"
        "max_age_days,contact,designation,designated_on,number_fold_case,"
        "number_drop_separators,number_drop_leading_zeros,identity_policy,"
        "source,confidence,checked_on\n"
        "abc,Board A,A,professional,active,,0,35,https://a.example,"
        "agreement 7,2026-01-01,true,true,false,birth_year,test,official,"
        "2026-11-01\n"
        "def,Board D,D,professional,active,,0,35,https://d.example,,,"
        "true,true,false,birth_year,test,official,2026-11-01\n"},
    {"credential_types.csv",
        "id,association_id,abbreviation,name,role,kind,lifecycle,"
        "successor_id,source,confidence,checked_on\n"
        "abc-mlt,abc,MLT,Technician,technician,certification,active,,test,"
        "official,2026-11-01\n"
        "abc-pbt,abc,PBT,Phlebotomist,phlebotomist,certification,active,,"
        "test,official,2026-11-01\n"
        "def-pbt,def,PBT,Phlebotomist,phlebotomist,certification,active,,"
        "test,official,2026-11-01\n"},
    {"recognitions.csv",
        "id,association_id,credential_type_id,except_credential_type_ids,"
        "recognizer,basis,valid_from,valid_until,observed_on,source,"
        "confidence,checked_on\n"
        "abc-ncca,abc,,abc-mlt,ncca,accreditation,2000,,,test,official,"
        "2026-11-01\n"
        "abc-us-xx,abc,abc-pbt,,us-xx,rule,2000,,,test,unverified,"
        "2026-11-01\n"},
    {"extensions.csv",
        "id,association_id,credential_type_id,ended_from,ended_until,"
        "counts_until,order,source,confidence,checked_on\n"
        "abc-storm,abc,abc-pbt,2021-03-01,2021-03-31,2027-06-30,"
        "\"Order 7, as it was published after a storm that kept everybody from "
        "whatever renewal takes\",the gazette,official,2026-11-01\n"},
};

#define NFILES (sizeof(files) / sizeof(files[0]))

static void
write_files(const char *dir)
{
    char path[128];
    FILE *f;
    size_t i;

    for (i = 0; i < NFILES; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, files[i].name);
        assert_non_null(f = fopen(path, "we"));
        assert_true(fputs(files[i].text, f) >= 0);
        assert_int_equal(fclose(f), 0);
    }
}

/* Nothing of a verification is handed to another thread. */
static void
never_post(void *target, void (*fn)(void *cookie), void *cookie)
{
    (void)target;
    (void)fn;
    (void)cookie;
    abort();
}

static void
open_service(struct rig *rig)
{
    char dsn[128], why[512] = "";
    char keys[128];
    struct store_options store = {.dsn = dsn, .group_max = 1, .create = 1,
        .migrate = 1, .grow = log_tree_grow};
    struct service_options options = {.key_dir = keys,
        .catalog_dir = rig->dir, .max_request = 1 << 20,
        .max_upload = 1 << 20,
        .max_upload_memory = 1 << 20, .max_staged = 1 << 20,
        .max_staged_memory = 1 << 20, .staging_dir = rig->dir,
        .max_rejects = 10};
    struct store_post post = {.post = never_post};

    (void)snprintf(dsn, sizeof(dsn), "sqlite:%s/store.db", rig->dir);
    (void)snprintf(keys, sizeof(keys), "%s/keys", rig->dir);
    assert_int_equal(mkdir(keys, 0700), 0);
    if (store_open(&store, &rig->store, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
    options.store = rig->store;
    (void)seal_rig_make(rig->dir);
    rig->seal_keys = seal_rig_open(rig->dir);
    options.seal_keys = rig->seal_keys;
    if (service_create(&options, &rig->service, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
    assert_int_equal(service_worker_create(rig->service, &post,
        &rig->worker), E_OK);
}

void
rig_open(struct rig *rig)
{
    static const char template[] = "/tmp/vouch-verify-XXXXXX";

    memset(rig, 0, sizeof(*rig));
    clock_set_wall(NOW_US);
    memcpy(rig->dir, template, sizeof(template));
    assert_non_null(mkdtemp(rig->dir));
    write_files(rig->dir);
    open_service(rig);

    world_init(&rig->world);
    rig->own_key = rig->world.key;
    rig->world.key = service_factor_key(rig->worker,
        catalog_index_place(rig->service->catalog, "abc"));
    assert_non_null(rig->world.key);
    rig->world.claim.association_id = "abc";
    rig->world.claim.credential_type_id = "abc-pbt";

    rig->identity.role = ROLE_EMPLOYER;
    (void)snprintf(rig->identity.uri, sizeof(rig->identity.uri),
        "spiffe://test.example/employer/clinic");
    rig->caller.identity = &rig->identity;
    rig->caller.deadline_us = INT64_MAX;
    vouch__v1__verify_credential_request__init(&rig->request);
    rig->request.request_id = RIG_REQUEST_ID;
    rig->request.claim = &rig->world.claim;
    buf_init(&rig->outcome.bytes, 1 << 20);
}

static void
clear_outcome(struct rig_outcome *o)
{
    buf_free(&o->bytes);
    if (o->response != NULL)
        vouch__v1__verify_credential_response__free_unpacked(o->response,
            NULL);
    o->response = NULL;
    o->sent = o->finished = 0;
    o->may_tell = 0;
    grpc_status_from_err(&o->status, E_OK);
}

static void
remove_tree(const char *dir)
{
    char command[128];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

void
rig_close(struct rig *rig)
{
    clear_outcome(&rig->outcome);
    rig->world.key = rig->own_key;
    world_done(&rig->world);
    service_worker_free(rig->worker);
    service_free(rig->service);
    seal_keys_free(rig->seal_keys);
    store_close(rig->store);
    remove_tree(rig->dir);
    clock_set_wall(0);
}

/* ---- publishing ------------------------------------------------------- */

struct upload {
    const char *number_key;
    struct slice bytes[WORLD_EVENTS];
    const uint8_t *ids[WORLD_EVENTS];
    size_t n;
    size_t times;               /* the first one, so often */
    int64_t source_time_us;
};

static enum err
append(struct store_txn *txn, const struct upload *u, size_t i)
{
    struct store_entry entry = {.log_index = store_txn_next_index(txn),
        .domain = LEAF_EVENT, .recorded_at_us = store_txn_now(txn),
        .bytes = u->bytes[i]};
    struct store_place place = {.association = "abc",
        .number_key = u->number_key};
    enum err err;

    memcpy(place.credential_id, u->ids[i], sizeof(place.credential_id));
    if ((err = leaf_data(LEAF_EVENT, entry.salt, entry.bytes,
        entry.leaf)) != E_OK)
        return (err);
    if ((err = store_txn_append(txn, &entry)) != E_OK)
        return (err);
    return (store_txn_index(txn, &place, entry.log_index, entry.bytes));
}

static enum err
run_upload(struct store_txn *txn, void *cookie)
{
    const struct upload *u = cookie;
    struct store_source source = {1, u->source_time_us, store_txn_now(txn)};
    enum err err = E_OK;
    size_t i, k;

    for (k = 0; k < u->times && err == E_OK; k++)
        for (i = 0; i < u->n && err == E_OK; i++)
            err = append(txn, u, i);
    if (err == E_OK)
        err = store_txn_put_source(txn, "abc", &source);
    return (err);
}

void
rig_publish(struct rig *rig, const char *number_key)
{
    struct upload u = {.number_key = number_key, .times = 1,
        .source_time_us = clock_wall_us()};
    struct buf bufs[WORLD_EVENTS];
    struct world *w = &rig->world;
    Vouch__V1__Event *event;
    size_t i;

    for (i = 0; i < w->nversions; i++) {
        event = &w->events[i].event;
        event->association_id = "abc";
        event->kind = VOUCH__V1__EVENT_KIND__EVENT_KIND_ISSUED;
        if (strcmp(event->record->credential_type_id, "pbt") == 0)
            event->record->credential_type_id = "abc-pbt";
        buf_init(&bufs[i], 65536);
        assert_int_equal(message_pack(&event->base, &bufs[i]), E_OK);
        u.bytes[u.n] = buf_slice(&bufs[i]);
        u.ids[u.n++] = w->events[i].credential_id;
    }
    assert_int_equal(job_run(rig->store, run_upload, &u), E_OK);
    for (i = 0; i < w->nversions; i++)
        buf_free(&bufs[i]);
    memset(w->events, 0, sizeof(w->events));
    w->nversions = 0;
}

void
rig_publish_bytes(struct rig *rig, const char *number_key,
    struct slice bytes, size_t n)
{
    static const uint8_t id[LEAF_CREDENTIAL_ID] = {77};
    struct upload u = {.number_key = number_key, .bytes = {bytes},
        .ids = {id}, .n = 1, .times = n, .source_time_us = clock_wall_us()};

    assert_int_equal(job_run(rig->store, run_upload, &u), E_OK);
}

/* ---- calls ------------------------------------------------------------ */

static enum err
on_send(void *cookie, const ProtobufCMessage *message)
{
    struct rig_outcome *o = cookie;

    assert_false(o->finished);
    o->sent++;
    return (message_pack(message, &o->bytes));
}

static enum err
on_send_bytes(void *cookie, struct slice message)
{
    struct rig_outcome *o = cookie;

    assert_false(o->finished);
    assert_true(message_is_canonical(
        &vouch__v1__verify_credential_response__descriptor, message));
    o->sent++;
    return (buf_add(&o->bytes, message));
}

static void
on_finish(void *cookie, const struct grpc_status *status)
{
    struct rig_outcome *o = cookie;

    o->finished++;
    o->status = *status;
}

static size_t
no_backlog(void *cookie)
{
    (void)cookie;
    return (0);
}

static void
on_may_tell(void *cookie, size_t n)
{
    struct rig_outcome *o = cookie;

    o->may_tell = n;
}

static const struct sink_ops sink_ops = {
    .may_tell = on_may_tell,
    .send = on_send,
    .send_bytes = on_send_bytes,
    .finish = on_finish,
    .backlog = no_backlog,
};

enum err
rig_start(struct rig *rig, void **call)
{
    const struct method_ops *ops = &verify_credential_method;
    struct sink sink = {&sink_ops, &rig->outcome};
    struct slice none = {NULL, 0};
    enum err err;

    *call = NULL;
    clear_outcome(&rig->outcome);
    if ((err = ops->start(rig->worker, &rig->caller, sink, call)) != E_OK)
        return (err);
    ops->message(*call, &rig->request.base, none);
    if (!rig->outcome.finished)
        ops->half_close(*call);
    return (E_OK);
}

/* Whatever is answered is a receipt, in the one form that there is. */
static void
hold_receipt(const struct rig_outcome *o)
{
    struct receipt receipt;
    struct arena *arena;
    char why[256] = "";

    assert_int_equal(arena_create(RECEIPT_BYTES_MAX, &arena), E_OK);
    if (receipt_read(buf_slice(&o->bytes), arena, &receipt, why,
        sizeof(why)) != E_OK)
        fail_msg("%s", why);
    arena_free(arena);
}

const Vouch__V1__VerifyCredentialResponse *
rig_ask(struct rig *rig)
{
    struct rig_outcome *o = &rig->outcome;
    void *call;

    assert_int_equal(rig_start(rig, &call), E_OK);
    service_worker_tick(rig->worker);
    assert_int_equal(o->finished, 1);
    assert_int_equal(o->sent, o->status.code == GRPC_OK);
    if (o->status.code != GRPC_OK)
        return (NULL);
    o->response = vouch__v1__verify_credential_response__unpack(NULL,
        o->bytes.n, o->bytes.p);
    assert_non_null(o->response);
    hold_receipt(o);
    /* Of an unknown association nothing is told. */
    if (o->may_tell > 0)
        assert_in_range(o->bytes.n, 0, o->may_tell +
            protobuf_c_message_get_packed_size(&rig->request.base));
    return (o->response);
}
