/* Events, and what derives from them. */

#include <string.h>

#include "proto/leaf.h"
#include "proto/message.h"
#include "service/publishing.h"

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

enum err
publication_append(struct publishing *p, enum leaf_domain domain)
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
fill(struct publishing *p, const struct publication_event *from,
    struct store_place *place, Vouch__V1__Event *event,
    Vouch__V1__Date *effective_on)
{
    vouch__v1__event__init(event);
    vouch__v1__date__init(effective_on);
    effective_on->year = from->effective_on.year;
    effective_on->month = from->effective_on.month;
    effective_on->day = from->effective_on.day;
    event->association_id = p->association->id;
    event->credential_id = (ProtobufCBinaryData){STORE_ID,
        place->credential_id};
    event->publication_id = (ProtobufCBinaryData){STORE_ID,
        p->order->outcome.id};
    event->kind = from->kind;
    event->effective_on = effective_on;
    event->recorded_at_us = store_txn_now(p->txn);
    event->source_time_us = p->order->source_time_us;
    event->status_table_version = from->status_table_version;
    event->record = from->record;
    event->effective_on_assumed = from->assumed;
}

static int
is_suspended(const Vouch__V1__CredentialRecord *record)
{
    return (record->restriction ==
        VOUCH__V1__RESTRICTION__RESTRICTION_SUSPENDED);
}

/* Tell the diff of a credential that was good until now. */
static void
note_ended(struct publishing *p, const struct publication_event *event,
    const struct store_credential *before,
    const struct store_credential *after)
{
    const Vouch__V1__CredentialRecord *record = event->record;
    const Vouch__V1__CredentialRecord *last = event->last->record;
    int64_t line = event->kind ==
        VOUCH__V1__EVENT_KIND__EVENT_KIND_NOT_LISTED ? 0 : p->row->line;

    if (publication_is_active(p, last->credential_type_id, before) &&
        !is_suspended(last) && (is_suspended(record) ||
        !publication_is_active(p, record->credential_type_id, after)))
        publication_diff_ended(p->diff, event->kind, line, last, record);
}

/* The credential as the event leaves it, and in which count it is. */
static enum err
put_state(struct publishing *p, const struct publication_event *event,
    int64_t log_index)
{
    const Vouch__V1__Catalog *catalog =
        catalog_index_catalog(p->order->service->catalog);
    const char *type = event->record->credential_type_id;
    struct store_credential state = {.last_index = log_index,
        .first_index = event->last != NULL ? event->first_index : log_index};
    struct store_credential before = {0};
    int place = catalog_index_type_place(p->order->service->catalog, type);
    enum err err;

    if (strlen(event->record->number_key) > STORE_KEY || place < 0 ||
        (size_t)place >= catalog->n_credential_types)
        return (E_CORRUPT);
    memcpy(state.number_key, event->record->number_key,
        strlen(event->record->number_key) + 1);
    if ((err = credential_state_make(event->record, &state)) != E_OK)
        return (err);
    if (event->last != NULL) {
        err = credential_state_make(event->last->record, &before);
        if (err != E_OK)
            return (err);
        p->tallies[before.traits & TRAIT_ALL]--;
        if (p->diff != NULL)
            note_ended(p, event, &before, &state);
    }
    p->tallies[state.traits & TRAIT_ALL]++;
    p->types[place] = 1;
    return (store_txn_put_credential(p->txn, p->association->id, type,
        &state));
}

enum err
publication_write_event(struct publishing *p,
    const struct publication_event *from)
{
    struct store_publication *outcome = &p->order->outcome;
    struct store_place place = {.association = p->association->id,
        .number_key = from->record->number_key};
    int64_t log_index = store_txn_next_index(p->txn);
    uint8_t leaf[LEAF_DATA];
    ProtobufCBinaryData previous = {LEAF_DATA, leaf};
    Vouch__V1__Event event;
    Vouch__V1__Date effective_on;
    enum err err;

    memcpy(place.credential_id, from->credential_id, STORE_ID);
    fill(p, from, &place, &event, &effective_on);
    if (from->last != NULL) {
        if ((err = read_leaf(p, from->last_index, leaf)) != E_OK)
            return (err);
        event.previous = &previous;
        event.n_previous = 1;
    }
    p->bytes.n = 0;
    if ((err = message_pack(&event.base, &p->bytes)) != E_OK ||
        (err = publication_append(p, LEAF_EVENT)) != E_OK ||
        (err = store_txn_index(p->txn, &place, log_index,
        buf_slice(&p->bytes))) != E_OK ||
        (err = put_state(p, from, log_index)) != E_OK)
        return (err);
    if (outcome->event_count++ == 0)
        outcome->first_log_index = log_index;
    return (E_OK);
}

/* ---- the words on types ----------------------------------------------- */

void
publication_listing_move(struct store_listing *listing,
    int64_t source_time_us, const uint8_t *snapshot_hash)
{
    if (!listing->known || source_time_us > listing->source_time_us)
        listing->source_time_us = source_time_us;
    listing->known = 1;
    if (snapshot_hash == NULL || (listing->snapshot &&
        source_time_us < listing->snapshot_time_us))
        return;
    listing->snapshot = 1;
    listing->snapshot_time_us = source_time_us;
    memcpy(listing->snapshot_hash, snapshot_hash,
        sizeof(listing->snapshot_hash));
}

static enum err
write_listing(struct publishing *p, size_t place, const uint8_t *hash)
{
    const char *type = catalog_index_catalog(p->order->service->catalog)
        ->credential_types[place]->id;
    struct store_listing listing;
    enum err err;

    err = store_txn_find_listing(p->txn, p->association->id, type, &listing);
    if (err != E_OK)
        return (err);
    publication_listing_move(&listing, p->order->source_time_us, hash);
    return (store_txn_put_listing(p->txn, p->association->id, type,
        &listing));
}

/* A snapshot that ended nothing, because a row could not be read, is none. */
enum err
publication_write_listings(struct publishing *p)
{
    const struct publication_order *order = p->order;
    size_t ntypes = catalog_index_catalog(order->service->catalog)
        ->n_credential_types;
    enum err err = E_OK;
    size_t i;

    for (i = 0; i <= TRAIT_ALL && err == E_OK; i++)
        err = store_txn_add_tally(p->txn, p->association->id, (unsigned)i,
            p->tallies[i]);
    for (i = 0; i < ntypes && err == E_OK; i++)
        if (p->types[i])
            err = write_listing(p, i, NULL);
    if (order->outcome.ending_withheld != 0)
        return (err);
    for (i = 0; i < order->ntypes && err == E_OK; i++)
        err = write_listing(p, order->types[i], order->content_hash);
    return (err);
}
