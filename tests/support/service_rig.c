#include "support/service_rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "proto/message.h"
#include "service/log_tree.h"
#include "support/seal_rig.h"

#define WAIT_S 20

static void
on_post(void *target, void (*fn)(void *cookie), void *cookie)
{
    struct service_rig *rig = target;

    (void)pthread_mutex_lock(&rig->lock);
    if (rig->nbox == SERVICE_RIG_MAIL)
        abort();
    rig->box[rig->nbox].fn = fn;
    rig->box[rig->nbox++].cookie = cookie;
    (void)pthread_cond_signal(&rig->mail);
    (void)pthread_mutex_unlock(&rig->lock);
}

static void
forget(struct service_rig_sink *sink)
{
    size_t i;

    for (i = 0; i < sink->n; i++) {
        buf_free(sink->sent[i]);
        free(sink->sent[i]);
    }
    sink->n = 0;
    sink->finished = 0;
    grpc_status_from_err(&sink->status, E_OK);
}

/* Keep what was sent: ${message}, or if that is NULL, ${bytes}. */
static enum err
record(struct service_rig_sink *sink, const ProtobufCMessage *message,
    struct slice bytes)
{
    struct buf *copy;
    enum err err;

    assert_false(sink->finished);
    assert_true(sink->n < SERVICE_RIG_MESSAGES);
    if (sink->refuse || (copy = malloc(sizeof(*copy))) == NULL)
        return (E_NOMEM);
    buf_init(copy, 16 << 20);
    err = message != NULL ? message_pack(message, copy) :
        buf_add(copy, bytes);
    if (err != E_OK) {
        buf_free(copy);
        free(copy);
        return (err);
    }
    sink->sent[sink->n++] = copy;
    sink->backlog += sink->grow;
    return (E_OK);
}

static enum err
sink_send(void *cookie, const ProtobufCMessage *message)
{
    struct service_rig *rig = cookie;

    return (record(&rig->sink, message, (struct slice){0}));
}

static enum err
sink_send_bytes(void *cookie, struct slice message)
{
    struct service_rig *rig = cookie;

    return (record(&rig->sink, NULL, message));
}

static void
sink_finish(void *cookie, const struct grpc_status *status)
{
    struct service_rig *rig = cookie;

    assert_false(rig->sink.finished);
    rig->sink.finished = 1;
    rig->sink.status = *status;
    rig->call = NULL;
}

static size_t
sink_backlog(void *cookie)
{
    return (((struct service_rig *)cookie)->sink.backlog);
}

static void
sink_may_tell(void *cookie, size_t n)
{
    ((struct service_rig *)cookie)->sink.may_tell = n;
}

static const struct sink_ops sink_ops = {
    .may_tell = sink_may_tell,
    .send = sink_send,
    .send_bytes = sink_send_bytes,
    .finish = sink_finish,
    .backlog = sink_backlog
};

static enum err
create(struct service_rig *rig, char *why, size_t size)
{
    const struct store_post post = {.post = on_post, .target = rig};
    enum err err;

    err = service_create(&rig->options, &rig->service, why, size);
    if (err == E_OK)
        err = service_worker_create(rig->service, &post, &rig->worker);
    return (err);
}

static void
open_store(struct service_rig *rig)
{
    char dsn[128];
    char why[512] = "";
    const struct store_options options = {.dsn = dsn, .group_max = 16,
        .create = 1, .migrate = 1, .grow = log_tree_grow};

    (void)snprintf(dsn, sizeof(dsn), "sqlite:%s/store.db", rig->dir);
    if (store_open(&options, &rig->store, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
}

void
rig_open(struct service_rig *rig, enum role role, const char *id)
{
    static const char template[] = "/tmp/vouch-service-XXXXXX";
    char why[512] = "";

    memset(rig, 0, sizeof(*rig));
    clock_set_wall(SERVICE_RIG_NOW);
    (void)pthread_mutex_init(&rig->lock, NULL);
    (void)pthread_cond_init(&rig->mail, NULL);
    memcpy(rig->dir, template, sizeof(template));
    assert_non_null(mkdtemp(rig->dir));
    (void)snprintf(rig->keys, sizeof(rig->keys), "%s/keys", rig->dir);
    assert_int_equal(mkdir(rig->keys, 0700), 0);
    open_store(rig);
    (void)seal_rig_make(rig->dir);
    rig->seal_keys = seal_rig_open(rig->dir);
    rig->options = (struct service_options){.store = rig->store,
        .seal_keys = rig->seal_keys,
        .key_dir = rig->keys, .catalog_dir = SOURCE_DIR "/catalog",
        .max_request = 1 << 20, .max_upload = 64 << 20,
        .max_upload_memory = 1 << 20, .max_staged = 128 << 20,
        .max_staged_memory = 4 << 20, .staging_dir = rig->dir,
        .max_rejects = 100,
        .max_endings = 500, .max_ending_share = 2};
    if (create(rig, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
    rig->identity.role = role;
    (void)snprintf(rig->identity.id, sizeof(rig->identity.id), "%s", id);
    (void)snprintf(rig->identity.uri, sizeof(rig->identity.uri),
        "spiffe://test.example/%s/%s", identity_role_name(role), id);
    (void)snprintf(rig->identity.serial, sizeof(rig->identity.serial), "0A1B");
    rig->identity.not_after_us = SERVICE_RIG_NOW + 1;
    rig->caller.identity = &rig->identity;
    rig->caller.deadline_us = INT64_MAX;
}

enum err
rig_restart(struct service_rig *rig, char *why, size_t size)
{
    service_worker_free(rig->worker);
    rig->worker = NULL;
    service_free(rig->service);
    rig->service = NULL;
    return (create(rig, why, size));
}

/* What is still in the mailbox runs after its worker, as it may. */
static void
empty_box(struct service_rig *rig)
{
    size_t i;

    for (i = 0; i < rig->nbox; i++)
        rig->box[i].fn(rig->box[i].cookie);
    rig->nbox = 0;
}

void
rig_close(struct service_rig *rig)
{
    char command[96];

    if (rig->call != NULL)
        rig_cancel(rig);
    service_worker_free(rig->worker);
    service_free(rig->service);
    seal_keys_free(rig->seal_keys);
    empty_box(rig);
    store_close(rig->store);
    forget(&rig->sink);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
    assert_int_equal(system(command), 0);
    (void)pthread_cond_destroy(&rig->mail);
    (void)pthread_mutex_destroy(&rig->lock);
    clock_set_wall(0);
}

enum err
rig_start(struct service_rig *rig, const char *path)
{
    const struct sink sink = {&sink_ops, rig};
    enum err err;

    forget(&rig->sink);
    rig->call = NULL;
    assert_non_null(rig->method = method_find(slice_of(path)));
    err = rig->method->ops->start(rig->worker, &rig->caller, sink,
        &rig->call);
    if (err == E_OK)
        return (E_OK);
    /* As rpc does. */
    rig->sink.finished = 1;
    grpc_status_from_err(&rig->sink.status, err);
    return (err);
}

void
rig_say(struct service_rig *rig, const ProtobufCMessage *message)
{
    if (!rig->sink.finished)
        rig->method->ops->message(rig->call, message, (struct slice){0});
}

void
rig_half_close(struct service_rig *rig)
{
    if (!rig->sink.finished)
        rig->method->ops->half_close(rig->call);
}

void
rig_cancel(struct service_rig *rig)
{
    rig->method->ops->cancel(rig->call);
    rig->call = NULL;
}

static void
deliver(struct service_rig *rig)
{
    struct timespec until;
    void (*fn)(void *) = NULL;
    void *cookie = NULL;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    (void)pthread_mutex_lock(&rig->lock);
    while (rig->nbox == 0)
        if (pthread_cond_timedwait(&rig->mail, &rig->lock, &until) ==
            ETIMEDOUT)
            break;
    if (rig->nbox > 0) {
        fn = rig->box[0].fn;
        cookie = rig->box[0].cookie;
        rig->nbox--;
        memmove(&rig->box[0], &rig->box[1], rig->nbox * sizeof(rig->box[0]));
    }
    (void)pthread_mutex_unlock(&rig->lock);
    assert_true(fn != NULL);
    fn(cookie);
}

void
rig_mail(struct service_rig *rig)
{
    deliver(rig);
    service_worker_tick(rig->worker);
}

void
rig_settle(struct service_rig *rig)
{
    service_worker_tick(rig->worker);
    while (!rig->sink.finished)
        rig_mail(rig);
}

ProtobufCMessage *
rig_response(struct service_rig *rig, size_t i,
    const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *message;

    assert_true(i < rig->sink.n);
    message = protobuf_c_message_unpack(descriptor, NULL,
        rig->sink.sent[i]->n, rig->sink.sent[i]->p);
    assert_non_null(message);
    return (message);
}

ProtobufCMessage *
rig_ask(struct service_rig *rig, const char *path,
    const ProtobufCMessage *request,
    const ProtobufCMessageDescriptor *descriptor)
{
    (void)rig_start(rig, path);
    rig_say(rig, request);
    rig_half_close(rig);
    rig_settle(rig);
    if (rig->sink.status.code != GRPC_OK)
        return (NULL);
    assert_int_equal(rig->sink.n, 1);
    return (rig_response(rig, 0, descriptor));
}
