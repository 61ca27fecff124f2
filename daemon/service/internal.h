#ifndef SERVICE_INTERNAL_H
#define SERVICE_INTERNAL_H

/*
 * What the files of this folder share.  Who owns what:
 *
 *   struct service         shared by all workers.  Everything in it is made by
 *                          service_create() and never changes until
 *                          service_free(), except what ${room} counts,
 *                          and what stands under ${lock}.
 *   struct service_worker  of one thread.  Its reader, factor keys, queue and
 *                          watchers are touched on that thread alone.
 *   the writer's job       runs on the store's writer thread: it may use the
 *                          catalog and key_ring_secret() of struct service,
 *                          and nothing of a worker.
 *
 * An item in the queue belongs to the call that put it there; the call takes
 * it out again before it is freed.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "proto/err.h"
#include "proto/leaf.h"
#include "proto/number.h"
#include "seal/batch.h"
#include "service/catalog_index.h"
#include "service/key_ring.h"
#include "service/method.h"
#include "service/recognized.h"
#include "service/service.h"
#include "service/staging.h"
#include "store/store.h"

struct service {
    struct store *store;            /* borrowed */
    const struct denier *denier;    /* borrowed; may be NULL */
    const struct rotator *rotator;  /* borrowed */
    struct catalog_index *catalog;  /* owned */
    struct key_ring *keys;          /* owned */
    struct seal_keys *seal_keys;    /* borrowed */
    size_t max_request;
    int64_t max_rejects;
    int64_t max_endings;
    int64_t max_ending_share;
    struct staging_room room;       /* of the uploads' rows */
    char *staging_dir;              /* owned; the room's */
    pthread_mutex_t lock;           /* over what is below */
    pthread_cond_t idle;            /* ${jobs} has become 0 */
    size_t jobs;                    /* handed to the writer, or to the denier,
                                       and not settled */
    struct service_worker *live;    /* workers that have not been freed */
};

/*
 * Something to be done in this pass's view of the store.  ${run} is called
 * once, with the item already out of the queue; ${view} is E_OK, or why the
 * view could not be begun (nothing may then be read).  It may put the item in
 * again, for the same tick.
 */
struct tick_item {
    void (*run)(struct tick_item *item, struct service_worker *worker,
        enum err view);
    struct tick_item *next;         /* the queue's own; NULL: not in it */
    struct tick_item *prev;
};

/* One health Watch; health.c alone knows more of it. */
struct health_watch;

/* What one verification needs; verify.c alone knows more of it. */
struct verify;

struct service_worker {
    struct service *service;        /* borrowed */
    struct store_reader *reader;    /* owned */
    struct store_post post;
    struct factor_key **factors;    /* owned; by place in the catalog */
    struct tick_item queue;         /* ring; the head is no item */
    struct tick_item slow;          /* likewise: one of them in a pass */
    struct health_watch *watches;   /* borrowed from their calls */
    struct verify *spare;           /* owned; kept by verify.c for reuse */
    size_t nspare;
    struct recognized_cache *recognized;    /* owned */
    struct arena *scratch;          /* owned; of verify.c, for one answer */
    struct batcher *batcher;        /* owned; seals what it answers */
    struct batch_checkpoint head;   /* the log, in the last view; an answer
                                       that is sealed was made in it or in
                                       one before */
    int draining;
    struct service_worker *next_live;   /* under service->lock */
};

/**
 * service_tick_add(worker, item):
 * Have ${item} run at the end of this pass.  It must not be in the queue.
 */
void service_tick_add(struct service_worker *worker, struct tick_item *item);

/**
 * service_tick_add_slow(worker, item):
 * As service_tick_add(), for an item that reads a page of something long.  Of
 * all such items of the worker one is run in a pass, behind everything else,
 * and the loop does not sleep while there are any: who asks a short question
 * waits for one page at most.
 */
void service_tick_add_slow(struct service_worker *worker,
    struct tick_item *item);

/**
 * service_tick_remove(item):
 * Take ${item} out of the queue; nothing happens if it is not in it.
 */
void service_tick_remove(struct tick_item *item);

/**
 * service_association(worker, id):
 * Return the association ${id}, or NULL; borrowed until service_free().
 */
const Vouch__V1__Association *service_association(
    const struct service_worker *worker, const char *id);

/**
 * service_credential_type(worker, id):
 * Return the credential type ${id}, of whichever association, or NULL;
 * borrowed until service_free().
 */
const Vouch__V1__CredentialType *service_credential_type(
    const struct service_worker *worker, const char *id);

/**
 * service_recognitions(worker, association_id, n):
 * Return every recognition of ${association_id} or of one of its credential
 * types, by id, and their number in ${*n}; borrowed until service_free().
 */
Vouch__V1__Recognition *const *service_recognitions(
    const struct service_worker *worker, const char *association_id,
    size_t *n);

/**
 * service_factor_key(worker, place):
 * Return the factor key of the association at ${place} of the catalog
 * (catalog_index_place()).  It belongs to ${worker}, whose thread alone may use
 * it.
 */
struct factor_key *service_factor_key(const struct service_worker *worker,
    int place);

/**
 * verify_free_spare(worker):
 * Free what verifications of ${worker} kept for reuse.
 */
void verify_free_spare(struct service_worker *worker);

/* The methods, as authorization.h names them, and where they are. */
extern const struct method_ops verify_credential_method;    /* verify.c */
extern const struct method_ops publish_credentials_method;  /* publish.c */
/* publication_methods.c */
extern const struct method_ops get_publication_method;
extern const struct method_ops list_publications_method;
                                                    /* publication_list.c */
extern const struct method_ops list_events_method;          /* event_list.c */
extern const struct method_ops declare_current_method;      /* declaration.c */
extern const struct method_ops get_association_method;  /* catalog_methods.c */
extern const struct method_ops list_associations_method;
extern const struct method_ops list_credential_types_method;
extern const struct method_ops who_am_i_method;             /* access.c */
extern const struct method_ops deny_identity_method;    /* deny_identity.c */
extern const struct method_ops rotate_key_method;           /* rotate_key.c */
extern const struct method_ops health_check_method;         /* health.c */
extern const struct method_ops health_list_method;
extern const struct method_ops health_watch_method;
extern const struct method_ops reflection_v1_method;        /* reflection.c */
extern const struct method_ops reflection_v1alpha_method;

#endif /* !SERVICE_INTERNAL_H */
