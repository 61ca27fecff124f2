#include "support/fake_methods.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/grpc_frame.h"
#include "proto/message.h"
#include "service/method.h"
#include "service/service.h"

#include "vouch/v1/catalog_service.pb-c.h"

#define JOINED_MAX 4096

struct fake fake;

struct work {
    struct sink sink;
    const struct caller *caller;
    struct work *next;          /* of those that answer later */
    char text[JOINED_MAX];
    size_t n;
    long left;                  /* of Count */
};

static struct work *waiting;

static enum err
start(struct service_worker *worker, const struct caller *caller,
    struct sink sink, void **call)
{
    struct work *w;

    (void)worker;
    if ((w = calloc(1, sizeof(*w))) == NULL)
        return (E_NOMEM);
    w->sink = sink;
    w->caller = caller;
    *call = w;
    fake.started++;
    return (E_OK);
}

static enum err
start_busy(struct service_worker *worker, const struct caller *caller,
    struct sink sink, void **call)
{
    (void)worker, (void)caller, (void)sink;
    *call = NULL;
    return (E_BUSY);
}

static void
done(struct work *w)
{
    fake.ended++;
    free(w);
}

static void
finish(struct work *w, enum err err)
{
    struct grpc_status status;

    grpc_status_from_err(&status, err);
    w->sink.ops->finish(w->sink.cookie, &status);
    done(w);
}

static enum err
send_text(struct work *w, char *text)
{
    Vouch__V1__GetAssociationRequest answer =
        VOUCH__V1__GET_ASSOCIATION_REQUEST__INIT;

    answer.association_id = text;
    return (w->sink.ops->send(w->sink.cookie, &answer.base));
}

static void
join(struct work *w, const ProtobufCMessage *message)
{
    const Vouch__V1__GetAssociationRequest *request = (const void *)message;
    size_t n = strlen(request->association_id);

    if (n >= sizeof(w->text) - w->n)
        n = sizeof(w->text) - w->n - 1;
    memcpy(w->text + w->n, request->association_id, n);
    w->n += n;
}

static void
keep_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    (void)bytes;
    join(call, message);
}

static void
ignore_half_close(void *call)
{
    (void)call;
}

static void
cancel(void *call)
{
    struct work **at, *w = call;

    for (at = &waiting; *at != NULL; at = &(*at)->next) {
        if (*at == w) {
            *at = w->next;
            break;
        }
    }
    fake.canceled++;
    done(w);
}

static void
echo_half_close(void *call)
{
    struct work *w = call;

    finish(w, send_text(w, w->text));
}

static void
secret_half_close(void *call)
{
    struct work *w = call;

    w->sink.ops->may_tell(w->sink.cookie, FAKE_MAY_TELL);
    finish(w, send_text(w, w->text));
}

static void
bytes_half_close(void *call)
{
    struct work *w = call;

    finish(w, w->sink.ops->send_bytes(w->sink.cookie, slice_of(w->text)));
}

static void
fail_half_close(void *call)
{
    struct work *w = call;
    struct grpc_status status;

    grpc_status_set(&status, GRPC_NOT_FOUND, "NO_SUCH_THING",
        "no such thing: 100%% d\xc3\xa9j\xc3\xa0 vu");
    grpc_status_metadata(&status, "thing", "%s", "this");
    grpc_status_violation(&status, "association_id", "%s", "is not one");
    w->sink.ops->finish(w->sink.cookie, &status);
    done(w);
}

static void
both_half_close(void *call)
{
    struct work *w = call;
    struct grpc_status status;

    if (send_text(w, w->text) != E_OK) {
        finish(w, E_NOMEM);
        return;
    }
    grpc_status_set(&status, GRPC_ABORTED, "CHANGED_MIND", "no, not that");
    w->sink.ops->finish(w->sink.cookie, &status);
    done(w);
}

static void
silent_half_close(void *call)
{
    finish(call, E_OK);
}

static void
later_half_close(void *call)
{
    struct work **at;

    for (at = &waiting; *at != NULL; at = &(*at)->next)
        continue;
    *at = call;
}

int
fake_answer(void)
{
    struct work *w = waiting;
    int n = 0;

    if (w != NULL) {
        waiting = w->next;
        finish(w, send_text(w, w->text));
    }
    for (w = waiting; w != NULL; w = w->next)
        n++;
    return (n);
}

static void
early_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    struct work *w = call;
    struct grpc_status status;

    (void)message, (void)bytes;
    grpc_status_set(&status, GRPC_ABORTED, "ENOUGH", "that is enough");
    w->sink.ops->finish(w->sink.cookie, &status);
    done(w);
}

static void
chat_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    struct work *w = call;

    (void)bytes;
    w->n = 0;
    memset(w->text, 0, sizeof(w->text));
    join(w, message);
    fake.compressed += w->sink.ops->came_compressed(w->sink.cookie) != 0;
    if (strncmp(w->text, "plain", 5) == 0)
        w->sink.ops->allow_compression(w->sink.cookie, 0);
    if (strncmp(w->text, "packed", 6) == 0)
        w->sink.ops->allow_compression(w->sink.cookie, 1);
    if (send_text(w, w->text) != E_OK)
        finish(w, E_TOOBIG);
}

static void
count_on(void *call)
{
    struct work *w = call;
    enum err err = E_OK;
    size_t waits;

    while (w->left > 0 && err == E_OK) {
        waits = w->sink.ops->backlog(w->sink.cookie);
        if (waits > fake.peak)
            fake.peak = waits;
        if (waits >= SINK_FULL)
            return;
        err = send_text(w, w->text);
        w->left--;
    }
    finish(w, err);
}

static void
count_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    const Vouch__V1__ListAssociationsRequest *request = (const void *)message;
    struct work *w = call;

    (void)bytes;
    w->left = request->page_size;
    strncpy(w->text, request->page_token, sizeof(w->text) - 1);
}

static void
count_writable(void *call)
{
    fake.writable++;
    count_on(call);
}

/* Metadata come back: what is called -bin behind the answer. */
static enum err
echo_metadata(const struct work *w)
{
    const struct caller *caller = w->caller;
    enum err err = E_OK;
    size_t i;

    for (i = 0; i < caller->nmetadata && err == E_OK; i++) {
        const char *name = caller->metadata[i].name;

        err = w->sink.ops->add_metadata(w->sink.cookie,
            strstr(name, "-bin") != NULL ? METADATA_TRAILERS :
            METADATA_HEADERS, &caller->metadata[i]);
    }
    return (err);
}

/* The answer is the request, or, if that is "fail", an error. */
static void
meta_half_close(void *call)
{
    struct work *w = call;
    enum err err = echo_metadata(w);

    if (err == E_OK && strcmp(w->text, "fail") == 0)
        err = E_NOTFOUND;
    if (err == E_OK)
        err = send_text(w, w->text);
    finish(w, err);
}

static void
meta_message(void *call, const ProtobufCMessage *message, struct slice bytes)
{
    struct work *w = call;
    enum err err = echo_metadata(w);

    fake.late = (int)err;
    chat_message(call, message, bytes);
}

static const struct method_ops meta_ops = {start, NULL, keep_message,
    meta_half_close, NULL, cancel};
static const struct method_ops meta_chat_ops = {start, NULL, meta_message,
    silent_half_close, NULL, cancel};
static const struct method_ops echo_ops = {start, NULL, keep_message,
    echo_half_close, NULL, cancel};
static const struct method_ops secret_ops = {start, NULL, keep_message,
    secret_half_close, NULL, cancel};
static const struct method_ops bytes_ops = {start, NULL, keep_message,
    bytes_half_close, NULL, cancel};
static const struct method_ops fail_ops = {start, NULL, keep_message,
    fail_half_close, NULL, cancel};
static const struct method_ops both_ops = {start, NULL, keep_message,
    both_half_close, NULL, cancel};
static const struct method_ops silent_ops = {start, NULL, keep_message,
    silent_half_close, NULL, cancel};
static const struct method_ops busy_ops = {start_busy, NULL, keep_message,
    echo_half_close, NULL, cancel};
static const struct method_ops later_ops = {start, NULL, keep_message,
    later_half_close, NULL, cancel};
static const struct method_ops early_ops = {start, NULL, early_message,
    ignore_half_close, NULL, cancel};
static const struct method_ops count_ops = {start, NULL, count_message,
    count_on, count_writable, cancel};
static const struct method_ops chat_ops = {start, NULL, chat_message,
    silent_half_close, NULL, cancel};

#define TEXT (&vouch__v1__get_association_request__descriptor)
#define COUNT (&vouch__v1__list_associations_request__descriptor)

#define PATH(name) "/test.v1.Test/" name

/* Who streams, who may call it, whether it is strict; type and functions. */
#define PLAIN(name, in, out, who, strict, type, how)                        \
    .path = PATH(name), .client_streaming = (in),                           \
    .server_streaming = (out), .roles = (who), .refuse_unknown = (strict),  \
    .request = (type), .ops = &(how)

static const char *const meta_names[] = {"x-echo", "x-echo-bin", NULL};

static const struct method methods[] = {
    {PLAIN("Admin", 0, 0, ROLE_BIT(ROLE_ADMIN), 0, TEXT, echo_ops)},
    {PLAIN("Both", 0, 0, ROLE_ANY, 0, TEXT, both_ops)},
    {PLAIN("Busy", 0, 0, ROLE_ANY, 0, TEXT, busy_ops)},
    {PLAIN("Bytes", 0, 0, ROLE_ANY, 0, TEXT, bytes_ops)},
    {PLAIN("Chat", 1, 1, ROLE_ANY, 0, TEXT, chat_ops)},
    {PLAIN("Collect", 1, 0, ROLE_ANY, 0, TEXT, echo_ops)},
    {PLAIN("Count", 0, 1, ROLE_ANY, 0, COUNT, count_ops)},
    {PLAIN("Early", 1, 0, ROLE_ANY, 0, TEXT, early_ops)},
    {PLAIN("Echo", 0, 0, ROLE_ANY, 0, TEXT, echo_ops)},
    {PLAIN("Fail", 0, 0, ROLE_ANY, 0, TEXT, fail_ops)},
    {PLAIN("Later", 0, 0, ROLE_ANY, 0, TEXT, later_ops)},
    {PLAIN("Nobody", 0, 0, 0, 0, TEXT, echo_ops)},
    {PLAIN("Secret", 0, 0, ROLE_ANY, 0, TEXT, secret_ops),
        .hide_length = 1},
    {PLAIN("Silent", 0, 0, ROLE_ANY, 0, TEXT, silent_ops)},
    {PLAIN("Strict", 0, 0, ROLE_ANY, 1, TEXT, echo_ops)},
    {PLAIN("Meta", 0, 0, ROLE_ANY, 0, TEXT, meta_ops),
        .metadata = meta_names},
    {PLAIN("MetaChat", 1, 1, ROLE_ANY, 0, TEXT, meta_chat_ops),
        .metadata = meta_names},
    {PLAIN("Public", 0, 0, ROLE_ANY, 0, TEXT, echo_ops), .compress = 1},
    {PLAIN("PublicChat", 1, 1, ROLE_ANY, 0, TEXT, chat_ops), .compress = 1},
};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

const struct method *
method_find(struct slice path)
{
    size_t i;

    for (i = 0; i < METHODS; i++) {
        if (slice_equal(path, slice_of(methods[i].path)))
            return (&methods[i]);
    }
    return (NULL);
}

const char *
method_nearest(struct slice path)
{
    (void)path;
    return ("/test.v1.Test/Echo");
}

const struct method *
method_all(size_t *n)
{
    *n = METHODS;
    return (methods);
}

int
service_worker_serves(const struct service_worker *worker)
{
    (void)worker;
    return (!fake.draining);
}

static char *
text_of(const char *text)
{
    union {
        const char *in;
        char *out;
    } u = {.in = text};

    return (u.out);
}

static struct buf
frame_of(const ProtobufCMessage *message)
{
    struct buf out;
    size_t at;

    buf_init(&out, 1 << 24);
    assert_int_equal(grpc_frame_begin(&out, &at), E_OK);
    assert_int_equal(message_pack(message, &out), E_OK);
    grpc_frame_end(&out, at);
    return (out);
}

struct buf
text_frame(const char *text)
{
    Vouch__V1__GetAssociationRequest request =
        VOUCH__V1__GET_ASSOCIATION_REQUEST__INIT;

    request.association_id = text_of(text);
    return (frame_of(&request.base));
}

struct buf
count_frame(int n, const char *text)
{
    Vouch__V1__ListAssociationsRequest request =
        VOUCH__V1__LIST_ASSOCIATIONS_REQUEST__INIT;

    request.page_size = n;
    request.page_token = text_of(text);
    return (frame_of(&request.base));
}
