#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/job.h"
#include "service/publication.h"
#include "service/service.h"

#include "proto/message.h"

#include "vouch/v1/log_entry.pb-c.h"

/* Enough for the largest entry that is decoded. */
#define ENTRY_ARENA_MAX ((size_t)16 * 1024 * 1024)

/* The last word of one association, as the log has it so far. */
struct word {
    char association[64];
    struct store_source source;
};

struct rebuilding {
    struct store_txn *txn;
    int check;
    int differs;
    struct arena *arena;        /* owned; one entry */
    struct word *words;         /* owned */
    size_t nwords;
    int64_t at;                 /* the entry that is being read */
};

static enum err
decode(struct rebuilding *r, const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes, ProtobufCMessage **message)
{
    arena_reset(r->arena);
    *message = protobuf_c_message_unpack(descriptor,
        arena_allocator(r->arena), bytes.n, bytes.p);
    if (*message != NULL)
        return (E_OK);
    /* protobuf-c does not say whether the bytes or memory were at fault. */
    return (message_is_canonical(descriptor, bytes) ? E_NOMEM : E_CORRUPT);
}

/* Two last words are compared as at publication: the later one stands. */
static enum err
speak(struct rebuilding *r, const char *association, int64_t source_time_us,
    int64_t received_at_us)
{
    struct word *words;
    size_t i;

    for (i = 0; i < r->nwords; i++)
        if (strcmp(r->words[i].association, association) == 0)
            break;
    if (i == r->nwords) {
        if (strlen(association) >= sizeof(words->association))
            return (E_CORRUPT);
        words = realloc(r->words, (i + 1) * sizeof(*words));
        if (words == NULL)
            return (E_NOMEM);
        r->words = words;
        words[i] = (struct word){.source = {.source_time_us = INT64_MIN}};
        memcpy(words[i].association, association, strlen(association) + 1);
        r->nwords++;
    }
    if (source_time_us >= r->words[i].source.source_time_us)
        r->words[i].source = (struct store_source){.known = 1,
            .source_time_us = source_time_us,
            .received_at_us = received_at_us};
    return (E_OK);
}

static enum err
take_event(struct rebuilding *r, const struct store_entry *entry)
{
    const Vouch__V1__Event *event;
    ProtobufCMessage *message = NULL;
    struct store_place place;
    enum err err;

    err = decode(r, &vouch__v1__event__descriptor, entry->bytes, &message);
    if (err != E_OK)
        return (err);
    event = (const Vouch__V1__Event *)message;
    if (event->record == NULL || event->credential_id.len != STORE_ID)
        return (E_CORRUPT);
    place.association = event->association_id;
    place.number_key = event->record->number_key;
    memcpy(place.credential_id, event->credential_id.data, STORE_ID);
    return (store_txn_index(r->txn, &place, entry->log_index, entry->bytes));
}

static enum err
take_declaration(struct rebuilding *r, const struct store_entry *entry)
{
    const Vouch__V1__Declaration *declaration;
    ProtobufCMessage *message = NULL;
    enum err err;

    err = decode(r, &vouch__v1__declaration__descriptor, entry->bytes,
        &message);
    if (err != E_OK)
        return (err);
    declaration = (const Vouch__V1__Declaration *)message;
    return (speak(r, declaration->association_id, declaration->as_of_us,
        declaration->recorded_at_us));
}

static enum err
take_manifest(struct rebuilding *r, const struct store_entry *entry)
{
    const Vouch__V1__Publication *p;
    ProtobufCMessage *message = NULL;
    struct store_publication outcome = {0};
    enum err err;

    err = decode(r, &vouch__v1__manifest__descriptor, entry->bytes, &message);
    if (err != E_OK)
        return (err);
    if ((p = ((const Vouch__V1__Manifest *)message)->publication) == NULL)
        return (E_CORRUPT);
    outcome.counts[0] = p->new_count;
    outcome.counts[1] = p->changed_count;
    outcome.counts[2] = p->unchanged_count;
    outcome.counts[3] = p->rejected_count;
    if (!publication_moves(&outcome))
        return (E_OK);
    return (speak(r, p->association_id, p->source_time_us,
        p->recorded_at_us));
}

static enum err
on_entry(void *cookie, const struct store_entry *entry)
{
    struct rebuilding *r = cookie;

    r->at = entry->log_index;
    switch (entry->domain) {
    case LEAF_EVENT:
        return (take_event(r, entry));
    case LEAF_DECLARATION:
        return (take_declaration(r, entry));
    case LEAF_MANIFEST:
        return (take_manifest(r, entry));
    case LEAF_CATALOG:
        return (E_OK);
    }
    return (E_CORRUPT);
}

static enum err
derive(struct rebuilding *r)
{
    enum err err;
    size_t i;

    if ((err = store_txn_clear_index(r->txn)) != E_OK ||
        (err = store_txn_read_entries(r->txn, 0, on_entry, r)) != E_OK)
        return (err);
    for (i = 0; i < r->nwords && err == E_OK; i++)
        err = store_txn_put_source(r->txn, r->words[i].association,
            &r->words[i].source);
    return (err);
}

/* Whoever only checks fails in the end, and so undoes everything. */
static enum err
run(struct store_txn *txn, void *cookie)
{
    struct rebuilding *r = cookie;
    uint8_t before[32];
    uint8_t after[32];
    enum err err;

    r->txn = txn;
    if (!r->check)
        return (derive(r));
    if ((err = store_txn_digest_index(txn, before)) != E_OK ||
        (err = derive(r)) != E_OK ||
        (err = store_txn_digest_index(txn, after)) != E_OK)
        return (err);
    r->differs = memcmp(before, after, sizeof(before)) != 0;
    return (E_EXISTS);
}

enum err
service_rebuild(struct store *store, int check, char *why, size_t size)
{
    struct rebuilding r = {.check = check, .at = -1};
    enum err err;

    if ((err = arena_create(ENTRY_ARENA_MAX, &r.arena)) == E_OK)
        err = job_run(store, run, &r);
    if (check && err == E_EXISTS)
        err = r.differs ? E_CORRUPT : E_OK;
    if (r.differs)
        (void)snprintf(why, size, "the index does not say what the log says; "
            "rebuild it");
    else if (err != E_OK)
        (void)snprintf(why, size, "at log index %lld: %s", (long long)r.at,
            err_text(err));
    else if (size > 0)
        why[0] = '\0';
    free(r.words);
    arena_free(r.arena);
    return (err);
}
