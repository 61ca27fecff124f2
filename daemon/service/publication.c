#include "service/publication.h"

#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "service/publishing.h"

/* How often an upload is carried out that contradicts itself. */
#define ROUNDS_MAX 8

/* Enough for everything that one lookup may find, several times over. */
#define FOUND_ARENA_MAX ((size_t)256 * 1024 * 1024)
#define ROW_ARENA_MAX ((size_t)4 * 1024 * 1024)

static enum err
write_manifest(struct publishing *p)
{
    struct store_publication *outcome = &p->order->outcome;
    struct publication_texts texts;
    Vouch__V1__Publication publication;
    Vouch__V1__Manifest manifest = VOUCH__V1__MANIFEST__INIT;
    enum err err;

    outcome->manifest_log_index = store_txn_next_index(p->txn);
    outcome->counts[3] = p->order->rejected + (int64_t)p->order->nlate;
    publication_fill(outcome, &texts, &publication);
    manifest.publication = &publication;
    p->bytes.n = 0;
    if ((err = message_pack(&manifest.base, &p->bytes)) != E_OK)
        return (err);
    return (publication_append(p, LEAF_MANIFEST));
}

static enum err
move_last_word(struct publishing *p)
{
    const struct store_publication *outcome = &p->order->outcome;
    struct store_source source;
    enum err err;

    if (!publication_moves(outcome))
        return (E_OK);
    err = store_txn_find_source(p->txn, p->association->id, &source);
    if (err != E_OK)
        return (err);
    if (source.known && source.source_time_us > outcome->source_time_us)
        return (E_OK);
    source = (struct store_source){.known = 1,
        .source_time_us = outcome->source_time_us,
        .received_at_us = outcome->recorded_at_us};
    return (store_txn_put_source(p->txn, p->association->id, &source));
}

/* The ids of the types, each with a blank before the next. */
static enum err
name_types(const struct publication_order *order, char *text, size_t size)
{
    const Vouch__V1__Catalog *catalog =
        catalog_index_catalog(order->service->catalog);
    size_t at = 0;
    size_t i;

    text[0] = '\0';
    for (i = 0; i < order->ntypes; i++) {
        struct slice id = slice_of(
            catalog->credential_types[order->types[i]]->id);

        if (id.n + 2 > size - at)
            return (E_TOOBIG);
        if (i > 0)
            text[at++] = ' ';
        memcpy(text + at, id.p, id.n);
        at += id.n;
        text[at] = '\0';
    }
    return (E_OK);
}

static enum err
begin_outcome(struct publishing *p)
{
    struct publication_order *order = p->order;
    struct store_publication *outcome = &order->outcome;

    *outcome = (struct store_publication){
        .mode = (int)order->mode,
        .source_time_us = order->source_time_us,
        .recorded_at_us = store_txn_now(p->txn)
    };
    memcpy(outcome->request_id, order->request_id, STORE_ID);
    memcpy(outcome->content_hash, order->content_hash, STAGING_HASH);
    memcpy(outcome->association, p->association->id,
        strlen(p->association->id) + 1);
    return (name_types(order, outcome->snapshot_types,
        sizeof(outcome->snapshot_types)));
}

static enum err
begin(struct publishing *p)
{
    struct publication_order *order = p->order;
    const struct service *service = order->service;
    enum err err;

    p->association = catalog_index_catalog(service->catalog)
        ->associations[order->place];
    p->rules = catalog_index_number_rules(p->association);
    p->today = civil_of_day(civil_day_at(store_txn_now(p->txn),
        p->association->utc_offset_minutes));
    p->base = store_txn_next_index(p->txn);
    p->diff = order->diff;
    buf_init(&p->before, STORE_EVENT_MAX);
    buf_init(&p->after, STORE_EVENT_MAX);
    buf_init(&p->bytes, STORE_EVENT_MAX);
    p->types = calloc(catalog_index_catalog(service->catalog)
        ->n_credential_types + 1, 1);
    if (p->types == NULL)
        return (E_NOMEM);
    if ((err = begin_outcome(p)) != E_OK ||
        (err = random_pool_take(&p->random, order->outcome.id,
        STORE_ID)) != E_OK ||
        (err = arena_create(ROW_ARENA_MAX, &p->row_arena)) != E_OK ||
        (err = arena_create(FOUND_ARENA_MAX, &p->found_arena)) != E_OK)
        return (err);
    return (factor_key_create(key_ring_secret(service->keys, order->place),
        &p->key));
}

static enum err
take_rows(struct publishing *p)
{
    struct staging_cursor cursor = {0};
    struct slice bytes;
    enum err err;

    while ((err = staging_next(p->order->rows, &cursor, &bytes)) == E_OK &&
        bytes.p != NULL) {
        if (atomic_load_explicit(&p->order->given_up, memory_order_relaxed))
            return (E_DENIED);
        if ((err = publication_take_row(p, bytes)) != E_OK)
            return (err);
    }
    return (err);
}

static enum err
carry_out(struct publishing *p)
{
    enum err err;

    if ((err = begin(p)) != E_OK ||
        (err = publication_snapshot_check(p)) != E_OK ||
        (err = take_rows(p)) != E_OK || p->contested ||
        (err = publication_snapshot_end(p)) != E_OK ||
        (err = publication_write_listings(p)) != E_OK ||
        (err = write_manifest(p)) != E_OK)
        return (err);
    if ((err = store_txn_put_publication(p->txn, &p->order->outcome)) != E_OK)
        return (err);
    return (move_last_word(p));
}

static void
publishing_free(struct publishing *p)
{
    if (p == NULL)
        return;
    factor_key_free(p->key);
    bit_set_free(&p->touched);
    free(p->types);
    arena_free(p->row_arena);
    arena_free(p->found_arena);
    buf_free(&p->before);
    buf_free(&p->after);
    buf_free(&p->bytes);
    free(p);
}

/* ${*again}: nothing of it may stay, see publication_row.c's contest(). */
static enum err
run_once(struct store_txn *txn, struct publication_order *order, int *again)
{
    struct publishing *p;
    enum err err;

    if ((p = calloc(1, sizeof(*p))) == NULL)
        return (E_NOMEM);
    p->txn = txn;
    p->order = order;
    p->ncontested = order->ncontested;
    err = carry_out(p);
    *again = err == E_OK && p->contested;
    publishing_free(p);
    return (err);
}

/*
 * The second time is mostly the last: only a row that depends on one that is
 * not taken any more may contradict another that it did not before.
 */
static enum err
run_anew(struct store_txn *txn, struct publication_order *order)
{
    int64_t rejected_by[ROW_FAULT_COUNT];
    int again = 1;
    enum err err = E_OK;

    memcpy(rejected_by, order->rejected_by, sizeof(rejected_by));
    for (int i = 0; i < ROUNDS_MAX && err == E_OK && again; i++) {
        if (i > 0) {
            if ((err = store_txn_restart(txn)) != E_OK)
                return (err);
            qsort(order->contested, order->ncontested,
                sizeof(*order->contested), publication_by_hash);
            order->nlate = 0;
            memcpy(order->rejected_by, rejected_by, sizeof(rejected_by));
            publication_diff_clear(order->diff);
        }
        err = run_once(txn, order, &again);
    }
    if (err == E_OK && again) {
        order->too_many = 1;
        return (E_TOOBIG);
    }
    return (err);
}

/* ---- readiness -------------------------------------------------------- */

static void
on_tally(void *cookie, unsigned traits, int64_t n)
{
    struct publication_order *order = cookie;
    struct publication_readiness *readiness = &order->readiness;
    int lacks = 0;
    size_t i;

    if ((traits & TRAIT_NOT_LISTED) != 0)
        return;
    readiness->records += n;
    for (i = 0; i < readiness->nlacks; i++)
        if ((traits & readiness->lacks[i].trait) != 0) {
            readiness->lacking[i] += n;
            lacks = 1;
        }
    readiness->unconfirmable += lacks ? n : 0;
}

static enum err
take_stock(struct store_txn *txn, struct publication_order *order)
{
    const Vouch__V1__Association *association = catalog_index_catalog(
        order->service->catalog)->associations[order->place];
    struct publication_readiness *readiness = &order->readiness;

    *readiness = (struct publication_readiness){0};
    readiness->nlacks = credential_state_lacks(association->identity_policy,
        readiness->lacks);
    return (store_txn_read_tallies(txn, association->id, on_tally, order));
}

enum err
publication_run(struct store_txn *txn, struct publication_order *order)
{
    const struct service *service = order->service;
    struct store_publication *outcome = &order->outcome;
    enum err err;

    err = store_txn_find_publication(txn,
        catalog_index_catalog(service->catalog)
            ->associations[order->place]->id, order->request_id, outcome);
    if (err == E_OK) {
        order->repeated = 1;
        if (memcmp(outcome->content_hash, order->content_hash,
            STAGING_HASH) != 0)
            return (E_EXISTS);
    } else if (err != E_NOTFOUND || (err = run_anew(txn, order)) != E_OK) {
        return (err);
    }
    if ((err = take_stock(txn, order)) != E_OK || !order->dry_run)
        return (err);
    order->dry_run_over = 1;
    return (E_DENIED);          /* which undoes everything */
}
