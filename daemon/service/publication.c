#include "service/publication.h"

#include <stdlib.h>
#include <string.h>

#include "proto/civil.h"
#include "proto/leaf.h"
#include "proto/message.h"
#include "service/credential.h"
#include "service/id_set.h"
#include "service/random_pool.h"

#include "vouch/v1/log_entry.pb-c.h"

/* Enough for everything that one lookup may find, several times over. */
#define FOUND_ARENA_MAX ((size_t)256 * 1024 * 1024)
#define ROW_ARENA_MAX ((size_t)4 * 1024 * 1024)

/* The work on one upload; large, so it lives on the heap. */
struct publishing {
    struct store_txn *txn;
    struct publication_order *order;
    const Vouch__V1__Association *association;
    struct number_rules rules;
    struct factor_key *key;             /* owned */
    struct civil today;
    struct random_pool random;
    struct id_set touched;              /* credentials that rows stated */
    struct arena *row_arena;            /* owned; one row */
    struct arena *found_arena;          /* owned; what is on file for it */
    struct buf before;                  /* the record as it was, packed */
    struct buf after;                   /* and as it is */
    struct buf bytes;                   /* what goes into the log */

    /* The present row. */
    const Vouch__V1__CredentialRow *row;
    char number_key[NUMBER_MAX + 1];
    struct credential_names names;
    struct credential_draft draft;
    size_t nversions;                   /* on file under its number */
    enum credential_holder holder;      /* how sure ${last} is */
    const Vouch__V1__Event *last;       /* of its credential; NULL: new */
    int64_t last_index;
    int unclear;                        /* another one is as sure */
    int known;                          /* its holder is, by any type */
    int collides;                       /* a number of somebody else */
};

/* ---- what is on file -------------------------------------------------- */

static int
is_whole(const Vouch__V1__Event *event)
{
    size_t i;

    if (event->record == NULL || event->credential_id.len != STORE_ID ||
        event->record->n_names == 0)
        return (0);
    for (i = 0; i < event->record->n_names; i++)
        if (event->record->names[i]->name == NULL)
            return (0);
    return (1);
}

/* White space at both ends never counts. */
static struct slice
trimmed(const char *number)
{
    struct slice s = slice_of(number);

    while (s.n > 0 && strchr(" \t", s.p[0]) != NULL) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && strchr(" \t", s.p[s.n - 1]) != NULL)
        s.n--;
    return (s);
}

/*
 * Whether the row is of the holder of ${event}: where the family name alone
 * says so, its private facts may say otherwise.
 */
static enum err
find_holder(struct publishing *p, const Vouch__V1__Event *event,
    enum credential_holder *holder)
{
    enum err err;
    int differ;

    err = credential_same_holder(event->record, &p->names, holder);
    if (err != E_OK || *holder != HOLDER_BY_FAMILY_NAME)
        return (err);
    err = credential_other_facts(event->record, p->row, p->key,
        event->credential_id.data, &differ);
    if (err == E_OK && differ)
        *holder = HOLDER_OTHER;
    return (err);
}

/* ${version} is the last of its credential. */
static enum err
consider(struct publishing *p, const struct store_version *version)
{
    Vouch__V1__Event *event;
    enum credential_holder holder;
    enum err err;

    event = (Vouch__V1__Event *)protobuf_c_message_unpack(
        &vouch__v1__event__descriptor, arena_allocator(p->found_arena),
        version->event.n, version->event.p);
    if (event == NULL)
        return (arena_exhausted(p->found_arena) ? E_TOOBIG : E_NOMEM);
    if (!is_whole(event))
        return (E_CORRUPT);
    if ((err = find_holder(p, event, &holder)) != E_OK)
        return (err);
    p->known |= holder != HOLDER_OTHER;
    if (holder == HOLDER_OTHER) {
        if (!slice_equal(trimmed(event->record->number),
            trimmed(p->row->number)))
            p->collides = 1;
    } else if (holder >= p->holder && strcmp(
        event->record->credential_type_id, p->row->credential_type_id) == 0) {
        p->unclear = holder == p->holder;
        p->holder = holder;
        p->last = event;
        p->last_index = version->log_index;
    }
    return (E_OK);
}

/* Versions come by credential, then log index. */
static enum err
on_found(void *cookie, const struct store_version *versions, size_t n)
{
    struct publishing *p = cookie;
    enum err err = E_OK;
    size_t i;

    p->nversions = n;
    for (i = 0; i < n && err == E_OK; i++)
        if (i + 1 == n || memcmp(versions[i].credential_id,
            versions[i + 1].credential_id, STORE_ID) != 0)
            err = consider(p, &versions[i]);
    return (err);
}

/* The leaf of one entry; E_EXISTS ends the reading behind it. */
static enum err
on_leaf(void *cookie, const struct store_entry *entry)
{
    memcpy(cookie, entry->leaf, LEAF_DATA);
    return (E_EXISTS);
}

static enum err
read_leaf(struct publishing *p, int64_t log_index, uint8_t leaf[LEAF_DATA])
{
    enum err err;

    err = store_txn_read_entries(p->txn, log_index, on_leaf, leaf);
    if (err == E_EXISTS)
        return (E_OK);
    return (err == E_OK ? E_CORRUPT : err);
}

/* ---- what is written -------------------------------------------------- */

/* Append p->bytes to the log. */
static enum err
append(struct publishing *p, enum leaf_domain domain)
{
    struct store_entry entry = {
        .log_index = store_txn_next_index(p->txn),
        .domain = domain,
        .recorded_at_us = store_txn_now(p->txn),
        .bytes = buf_slice(&p->bytes)
    };
    enum err err;

    err = random_pool_take(&p->random, entry.salt, sizeof(entry.salt));
    if (err == E_OK)
        err = leaf_data(domain, entry.salt, entry.bytes, entry.leaf);
    if (err == E_OK)
        err = store_txn_append(p->txn, &entry);
    return (err);
}

static void
fill_event(struct publishing *p, struct store_place *place,
    Vouch__V1__Event *event, Vouch__V1__Date *effective_on)
{
    struct civil date;
    int assumed;

    vouch__v1__event__init(event);
    vouch__v1__date__init(effective_on);
    date = credential_effective_on(p->row,
        p->last == NULL ? &p->draft.record : NULL, p->today, &assumed);
    effective_on->year = date.year;
    effective_on->month = date.month;
    effective_on->day = date.day;
    event->association_id = p->association->id;
    event->credential_id = (ProtobufCBinaryData){STORE_ID,
        place->credential_id};
    event->publication_id = (ProtobufCBinaryData){STORE_ID,
        p->order->outcome.id};
    event->kind = credential_event_kind(
        p->last == NULL ? NULL : p->last->record, &p->draft.record);
    event->effective_on = effective_on;
    event->recorded_at_us = store_txn_now(p->txn);
    event->source_time_us = p->order->source_time_us;
    event->status_table_version = p->draft.status_table_version;
    event->record = &p->draft.record;
    event->effective_on_assumed = assumed;
}

static enum err
write_event(struct publishing *p, struct store_place *place)
{
    struct store_publication *outcome = &p->order->outcome;
    int64_t log_index = store_txn_next_index(p->txn);
    uint8_t leaf[LEAF_DATA];
    ProtobufCBinaryData previous = {LEAF_DATA, leaf};
    Vouch__V1__Event event;
    Vouch__V1__Date effective_on;
    enum err err;

    fill_event(p, place, &event, &effective_on);
    if (p->last != NULL) {
        if ((err = read_leaf(p, p->last_index, leaf)) != E_OK)
            return (err);
        event.previous = &previous;
        event.n_previous = 1;
    }
    p->bytes.n = 0;
    if ((err = message_pack(&event.base, &p->bytes)) != E_OK ||
        (err = append(p, LEAF_EVENT)) != E_OK)
        return (err);
    err = store_txn_index(p->txn, place, log_index, buf_slice(&p->bytes));
    if (err != E_OK)
        return (err);
    if (outcome->event_count++ == 0)
        outcome->first_log_index = log_index;
    outcome->counts[p->last == NULL ? 0 : 1]++;
    return (E_OK);
}

/* ---- one row ---------------------------------------------------------- */

static enum err
reject(struct publishing *p, enum row_fault fault, enum row_field field)
{
    struct publication_order *order = p->order;
    struct row_reject *late;
    size_t n = order->nlate;

    if (order->rejected + (int64_t)n >= order->max_rejects) {
        order->too_many = 1;
        return (E_TOOBIG);
    }
    if ((n & (n - 1)) == 0) {       /* full at every power of two */
        late = realloc(order->late, (n == 0 ? 1 : 2 * n) * sizeof(*late));
        if (late == NULL)
            return (E_NOMEM);
        order->late = late;
    }
    order->late[order->nlate++] = (struct row_reject){p->row->line, fault,
        field};
    return (E_OK);
}

/* Whether the draft says anything new. */
static enum err
compare(struct publishing *p, int *same)
{
    enum err err;

    *same = 0;
    if (p->last == NULL)
        return (E_OK);
    p->before.n = 0;
    p->after.n = 0;
    if ((err = message_pack(&p->last->record->base, &p->before)) != E_OK ||
        (err = message_pack(&p->draft.record.base, &p->after)) != E_OK)
        return (err);
    *same = slice_equal(buf_slice(&p->before), buf_slice(&p->after)) &&
        !credential_other_day(p->row, p->last);
    return (E_OK);
}

/* A file of before, by its own word, does not undo what came after it. */
static int
is_overtaken(const struct publishing *p)
{
    return (p->order->source_stated && p->last != NULL &&
        p->last->source_time_us > p->order->source_time_us);
}

static enum err
apply(struct publishing *p)
{
    struct store_place place = {.association = p->association->id,
        .number_key = p->number_key};
    const struct credential_terms terms = {.number_key = p->number_key,
        .credential_id = place.credential_id, .key = p->key,
        .today = p->today};
    int same = 0;
    enum err err = E_OK;

    if (p->last == NULL)
        err = random_pool_take(&p->random, place.credential_id, STORE_ID);
    else
        memcpy(place.credential_id, p->last->credential_id.data, STORE_ID);
    if (err != E_OK)
        return (err);
    err = credential_draft_make(&p->draft, &p->names,
        p->last == NULL ? NULL : p->last->record, &terms);
    if (err != E_OK || (err = compare(p, &same)) != E_OK)
        return (err);
    if (same)
        p->order->outcome.counts[2]++;
    else if (id_set_has(&p->touched, place.credential_id))
        return (reject(p, ROW_DUPLICATE_ROW, ROW_FIELD_number));
    else if (is_overtaken(p))
        return (reject(p, ROW_LATER_WORD_ON_FILE, ROW_FIELD_number));
    else if (p->nversions >= STORE_VERSIONS_MAX)
        return (reject(p, ROW_NUMBER_OVERFULL, ROW_FIELD_number));
    else
        err = write_event(p, &place);
    if (err != E_OK)
        return (err);
    return (id_set_add(&p->touched, place.credential_id));
}

static enum err
take_row(struct publishing *p, struct slice bytes)
{
    enum err err;

    arena_reset(p->row_arena);
    arena_reset(p->found_arena);
    p->row = (Vouch__V1__CredentialRow *)protobuf_c_message_unpack(
        &vouch__v1__credential_row__descriptor,
        arena_allocator(p->row_arena), bytes.n, bytes.p);
    if (p->row == NULL)
        return (E_NOMEM);
    err = number_key(&p->rules, slice_of(p->row->number), p->number_key);
    if (err != E_OK)
        return (err);
    p->names.row = p->row;
    p->names.folded = 0;
    p->holder = HOLDER_OTHER;
    p->last = NULL;
    p->unclear = p->known = p->collides = 0;
    p->nversions = 0;
    err = store_txn_lookup(p->txn, p->association->id, p->number_key,
        on_found, p);
    if (err != E_OK)
        return (err);
    if (p->collides && !p->known)
        return (reject(p, ROW_NUMBER_COLLISION, ROW_FIELD_number));
    if (p->unclear)
        return (reject(p, ROW_HOLDER_UNCLEAR, ROW_FIELD_holder_ref));
    return (apply(p));
}

/* ---- the upload ------------------------------------------------------- */

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
    return (append(p, LEAF_MANIFEST));
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

static enum err
begin(struct publishing *p)
{
    struct publication_order *order = p->order;
    struct store_publication *outcome = &order->outcome;
    const struct service *service = order->service;
    enum err err;

    p->association = catalog_index_catalog(service->catalog)
        ->associations[order->place];
    p->rules = catalog_index_number_rules(p->association);
    p->today = civil_of_day(civil_day_at(store_txn_now(p->txn),
        p->association->utc_offset_minutes));
    buf_init(&p->before, STORE_EVENT_MAX);
    buf_init(&p->after, STORE_EVENT_MAX);
    buf_init(&p->bytes, STORE_EVENT_MAX);
    *outcome = (struct store_publication){
        .mode = (int)order->mode,
        .source_time_us = order->source_time_us,
        .recorded_at_us = store_txn_now(p->txn)
    };
    memcpy(outcome->request_id, order->request_id, STORE_ID);
    memcpy(outcome->content_hash, order->content_hash, STAGING_HASH);
    memcpy(outcome->association, p->association->id,
        strlen(p->association->id) + 1);
    if ((err = random_pool_take(&p->random, outcome->id, STORE_ID)) != E_OK ||
        (err = arena_create(ROW_ARENA_MAX, &p->row_arena)) != E_OK ||
        (err = arena_create(FOUND_ARENA_MAX, &p->found_arena)) != E_OK)
        return (err);
    return (factor_key_create(key_ring_secret(service->keys, order->place),
        &p->key));
}

static enum err
carry_out(struct publishing *p)
{
    struct staging_cursor cursor = {0};
    struct slice bytes;
    enum err err;

    if ((err = begin(p)) != E_OK)
        return (err);
    while (staging_next(p->order->rows, &cursor, &bytes)) {
        if (atomic_load_explicit(&p->order->given_up, memory_order_relaxed))
            return (E_DENIED);
        if ((err = take_row(p, bytes)) != E_OK)
            return (err);
    }
    if ((err = write_manifest(p)) != E_OK)
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
    id_set_free(&p->touched);
    arena_free(p->row_arena);
    arena_free(p->found_arena);
    buf_free(&p->before);
    buf_free(&p->after);
    buf_free(&p->bytes);
    free(p);
}

enum err
publication_run(struct store_txn *txn, struct publication_order *order)
{
    const struct service *service = order->service;
    struct store_publication *outcome = &order->outcome;
    struct publishing *p = NULL;
    enum err err;

    err = store_txn_find_publication(txn,
        catalog_index_catalog(service->catalog)
            ->associations[order->place]->id, order->request_id, outcome);
    if (err == E_OK) {
        order->repeated = 1;
        return (memcmp(outcome->content_hash, order->content_hash,
            STAGING_HASH) == 0 ? E_OK : E_EXISTS);
    }
    if (err != E_NOTFOUND)
        return (err);
    if ((p = calloc(1, sizeof(*p))) == NULL)
        return (E_NOMEM);
    p->txn = txn;
    p->order = order;
    err = carry_out(p);
    publishing_free(p);
    return (err);
}
