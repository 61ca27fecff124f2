#include "service/openings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"

#include "vouch/v1/publishing_service.pb-c.h"

#define PAGE 64                             /* openings in one message */
#define PAGE_BYTES ((size_t)256 * 1024)     /* then no more are added */

struct openings {
    struct openings_order order;
    struct tick_item tick;
    struct store_request *request;
    int waiting;                    /* for the sink to have room */
    int64_t left;
    struct buf bytes;               /* the events of one page */
    size_t n;                       /* entries of one page */
    struct {
        int64_t log_index;
        uint8_t salt[LEAF_SALT];
        size_t at;                  /* in ${bytes} */
        size_t length;
    } page[PAGE];
};

static enum err
send_page(struct openings *o)
{
    Vouch__V1__PublishCredentialsResponse response =
        VOUCH__V1__PUBLISH_CREDENTIALS_RESPONSE__INIT;
    Vouch__V1__Opening openings[PAGE];
    Vouch__V1__Opening *list[PAGE];
    size_t i;

    for (i = 0; i < o->n; i++) {
        vouch__v1__opening__init(&openings[i]);
        openings[i].log_index = o->page[i].log_index;
        openings[i].salt = (ProtobufCBinaryData){LEAF_SALT, o->page[i].salt};
        openings[i].event = (ProtobufCBinaryData){o->page[i].length,
            o->bytes.p + o->page[i].at};
        list[i] = &openings[i];
    }
    response.openings = list;
    response.n_openings = o->n;
    return (o->order.sink.ops->send(o->order.sink.cookie, &response.base));
}

/* E_EXISTS ends the page before this entry. */
static enum err
on_entry(void *cookie, const struct store_entry *entry)
{
    struct openings *o = cookie;
    enum err err;

    if (o->n == PAGE || o->bytes.n >= PAGE_BYTES)
        return (E_EXISTS);
    if (entry->domain != LEAF_EVENT)
        return (E_CORRUPT);
    o->page[o->n].log_index = entry->log_index;
    o->page[o->n].at = o->bytes.n;
    o->page[o->n].length = entry->bytes.n;
    memcpy(o->page[o->n].salt, entry->salt, LEAF_SALT);
    if ((err = buf_add(&o->bytes, entry->bytes)) == E_OK)
        o->n++;
    return (err);
}

/* Must not read: the next page is read by the next item of the queue. */
static void
on_page(void *cookie, enum err err)
{
    struct openings *o = cookie;
    struct sink sink = o->order.sink;

    o->request = NULL;
    if (err == E_EXISTS)
        err = E_OK;
    if (err == E_OK && o->n == 0)
        err = E_CORRUPT;    /* the log holds less than was acknowledged */
    if (err == E_OK)
        err = send_page(o);
    o->left -= (int64_t)o->n;
    if (err != E_OK || o->left == 0)
        o->order.done(o->order.cookie, err);
    else if (sink.ops->backlog(sink.cookie) < SINK_FULL)
        service_tick_add_slow(o->order.worker, &o->tick);
    else
        o->waiting = 1;
}

static void
on_tick(struct tick_item *item, struct service_worker *worker, enum err view)
{
    struct openings *o = (struct openings *)(void *)((char *)item -
        offsetof(struct openings, tick));
    int64_t n = o->left < PAGE ? o->left : PAGE;
    struct store_request *request = NULL;
    enum err err = view;

    o->n = 0;
    o->bytes.n = 0;
    if (err == E_OK)
        err = store_read_entries(worker->reader,
            o->order.first + o->order.n - o->left, n, on_entry, on_page, o,
            &request);
    if (err != E_OK)
        o->order.done(o->order.cookie, err);
    else if (request != NULL)       /* otherwise ${o} may be gone */
        o->request = request;
}

enum err
openings_start(const struct openings_order *order, struct openings **openings)
{
    struct openings *made;

    *openings = NULL;
    if ((made = calloc(1, sizeof(*made))) == NULL)
        return (E_NOMEM);
    made->order = *order;
    made->left = order->n;
    made->tick.run = on_tick;
    buf_init(&made->bytes, PAGE_BYTES + STORE_EVENT_MAX);
    service_tick_add_slow(order->worker, &made->tick);
    *openings = made;
    return (E_OK);
}

void
openings_writable(struct openings *openings)
{
    if (!openings->waiting)
        return;
    openings->waiting = 0;
    service_tick_add_slow(openings->order.worker, &openings->tick);
}

void
openings_free(struct openings *openings)
{
    if (openings == NULL)
        return;
    service_tick_remove(&openings->tick);
    store_cancel(openings->request);
    buf_free(&openings->bytes);
    free(openings);
}
