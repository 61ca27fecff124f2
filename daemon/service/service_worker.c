#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "service/health.h"
#include "service/internal.h"

/* Every event under one number; the store bounds how many there are. */
#define SCRATCH_MAX ((size_t)8 * 1024 * 1024)

static enum err
make_factor_keys(struct service_worker *worker)
{
    const struct service *service = worker->service;
    size_t n = catalog_index_catalog(service->catalog)->n_associations;
    enum err err = E_OK;
    size_t i;

    if ((worker->factors = calloc(n + 1, sizeof(*worker->factors))) == NULL)
        return (E_NOMEM);
    for (i = 0; i < n && err == E_OK; i++)
        err = factor_key_create(key_ring_secret(service->keys, i),
            &worker->factors[i]);
    return (err);
}

static void
join(struct service_worker *worker)
{
    struct service *service = worker->service;

    (void)pthread_mutex_lock(&service->lock);
    worker->next_live = service->live;
    service->live = worker;
    (void)pthread_mutex_unlock(&service->lock);
}

static void
leave(struct service_worker *worker)
{
    struct service *service = worker->service;
    struct service_worker **at;

    (void)pthread_mutex_lock(&service->lock);
    for (at = &service->live; *at != NULL; at = &(*at)->next_live) {
        if (*at == worker) {
            *at = worker->next_live;
            break;
        }
    }
    (void)pthread_mutex_unlock(&service->lock);
}

enum err
service_worker_create(struct service *service, const struct store_post *post,
    struct service_worker **worker)
{
    struct service_worker *made = NULL;
    enum err err = E_NOMEM;

    *worker = NULL;

    if ((made = calloc(1, sizeof(*made))) == NULL)
        goto out;
    made->service = service;
    made->post = *post;
    made->queue.next = &made->queue;
    made->queue.prev = &made->queue;
    made->slow.next = &made->slow;
    made->slow.prev = &made->slow;
    if ((err = arena_create(SCRATCH_MAX, &made->scratch)) != E_OK)
        goto out;
    if ((err = make_factor_keys(made)) != E_OK)
        goto out;
    if ((err = recognized_cache_create(service->catalog,
        &made->recognized)) != E_OK)
        goto out;
    if ((err = store_reader_open(service->store, &made->reader)) != E_OK)
        goto out;
    if ((err = batcher_create(service->seal_keys, &made->batcher)) != E_OK)
        goto out;
    join(made);

    *worker = made;
    made = NULL;

out:
    service_worker_free(made);
    return (err);
}

void
service_worker_free(struct service_worker *worker)
{
    size_t i;

    if (worker == NULL)
        return;
    leave(worker);
    verify_free_spare(worker);
    recognized_cache_free(worker->recognized);
    arena_free(worker->scratch);
    batcher_free(worker->batcher);
    store_reader_close(worker->reader);
    for (i = 0; worker->factors != NULL; i++) {
        if (worker->factors[i] == NULL)
            break;
        factor_key_free(worker->factors[i]);
    }
    free(worker->factors);
    free(worker);
}

static void
put_last(struct tick_item *ring, struct tick_item *item)
{
    item->next = ring;
    item->prev = ring->prev;
    item->prev->next = item;
    ring->prev = item;
}

void
service_tick_add(struct service_worker *worker, struct tick_item *item)
{
    put_last(&worker->queue, item);
}

void
service_tick_add_slow(struct service_worker *worker, struct tick_item *item)
{
    put_last(&worker->slow, item);
}

void
service_tick_remove(struct tick_item *item)
{
    if (item->next == NULL)
        return;
    item->prev->next = item->next;
    item->next->prev = item->prev;
    item->next = NULL;
    item->prev = NULL;
}

/* There is something to do: that is all there is to say. */
static void
wake(void *cookie)
{
    (void)cookie;
}

/* Run what is in ${ring}, ${most} items of it, those put in meanwhile too. */
static void
run_ring(struct service_worker *worker, struct tick_item *ring, size_t most,
    enum err view)
{
    struct tick_item *item;

    for (; most > 0 && (item = ring->next) != ring; most--) {
        service_tick_remove(item);
        item->run(item, worker, view);
    }
}

static enum err
begin_view(struct service_worker *worker)
{
    struct store_head head;
    enum err err;

    if ((err = store_reader_begin(worker->reader)) != E_OK)
        return (err);
    if ((err = store_reader_head(worker->reader, &head)) != E_OK) {
        store_reader_end(worker->reader);
        return (err);
    }
    worker->head.size = head.size;
    memcpy(worker->head.root.bytes, head.root, sizeof(head.root));
    return (E_OK);
}

/*
 * Until nothing is left: an item that is put in meanwhile reads the same view,
 * and nothing puts itself in without having read a piece.  What they answered
 * is sealed last, all of it at once.
 */
void
service_worker_tick(struct service_worker *worker)
{
    enum err view;

    if (worker->queue.next == &worker->queue &&
        worker->slow.next == &worker->slow &&
        !batcher_waits(worker->batcher))
        return;
    view = begin_view(worker);
    run_ring(worker, &worker->queue, SIZE_MAX, view);
    run_ring(worker, &worker->slow, 1, view);
    run_ring(worker, &worker->queue, SIZE_MAX, view);
    if (view == E_OK)
        store_reader_end(worker->reader);
    batcher_flush(worker->batcher, &worker->head, clock_wall_us());
    if (worker->slow.next != &worker->slow)
        worker->post.post(worker->post.target, wake, NULL);
}

void
service_worker_drain(struct service_worker *worker)
{
    if (worker->draining)
        return;
    worker->draining = 1;
    health_tell(worker);
}

int
service_worker_serves(const struct service_worker *worker)
{
    return (!worker->draining);
}

const Vouch__V1__Association *
service_association(const struct service_worker *worker, const char *id)
{
    return (catalog_index_association(worker->service->catalog, id));
}

const Vouch__V1__CredentialType *
service_credential_type(const struct service_worker *worker, const char *id)
{
    return (catalog_index_type(worker->service->catalog, id));
}

Vouch__V1__Recognition *const *
service_recognitions(const struct service_worker *worker,
    const char *association_id, size_t *n)
{
    return (catalog_index_recognitions(worker->service->catalog,
        association_id, n));
}

struct factor_key *
service_factor_key(const struct service_worker *worker, int place)
{
    return (worker->factors[place]);
}
