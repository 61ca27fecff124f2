#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "service/credential_state.h"
#include "service/job.h"
#include "service/publication.h"
#include "service/publishing.h"
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

/* The last word on one credential type. */
struct type_word {
    char association[64];
    char type[64];
    struct store_listing listing;
};

/* How many credentials of one association have which traits. */
struct traits {
    char association[64];
    int64_t n[TRAIT_ALL + 1];
};

struct rebuilding {
    struct store_txn *txn;
    int check;
    int catch_up;               /* only if it is of another version */
    int differs;
    int head_differs;           /* the log's, from its entries */
    struct arena *arena;        /* owned; one entry */
    struct word *words;         /* owned */
    size_t nwords;
    struct type_word *types;    /* owned */
    size_t ntypes;
    size_t last_type;           /* where the one before was found */
    struct traits *traits;      /* owned */
    size_t ntraits;
    int64_t at;                 /* the entry that is being read */

    /* The credential whose versions are being read from the index. */
    struct store_credential credential;
    struct store_indexed group; /* its association and id */
    char association[64];
    struct buf event;           /* its last one so far */
};

static enum err
copy_id(const char *id, char to[64])
{
    if (strlen(id) >= 64)
        return (E_CORRUPT);
    memcpy(to, id, strlen(id) + 1);
    return (E_OK);
}

static enum err
decode(struct rebuilding *r, const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes, ProtobufCMessage **message)
{
    arena_reset(r->arena);
    return (message_unpack(descriptor, bytes, r->arena, message));
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

/* Events of one type follow one another more often than not. */
static enum err
find_type(struct rebuilding *r, const char *association, const char *type,
    struct store_listing **listing)
{
    struct type_word *types = r->types;
    size_t i, at;
    enum err err;

    for (i = 0; i < r->ntypes; i++) {
        at = (r->last_type + i) % r->ntypes;
        if (strcmp(types[at].type, type) == 0 &&
            strcmp(types[at].association, association) == 0) {
            r->last_type = at;
            *listing = &types[at].listing;
            return (E_OK);
        }
    }
    types = realloc(r->types, (r->ntypes + 1) * sizeof(*types));
    if (types == NULL)
        return (E_NOMEM);
    r->types = types;
    types[r->ntypes] = (struct type_word){.type = ""};
    if ((err = copy_id(association, types[r->ntypes].association)) != E_OK ||
        (err = copy_id(type, types[r->ntypes].type)) != E_OK)
        return (err);
    *listing = &types[r->ntypes++].listing;
    return (E_OK);
}

static enum err
speak_of_type(struct rebuilding *r, const char *association, const char *type,
    int64_t source_time_us, const uint8_t *snapshot_hash)
{
    struct store_listing *listing;
    enum err err;

    if ((err = find_type(r, association, type, &listing)) == E_OK)
        publication_listing_move(listing, source_time_us, snapshot_hash);
    return (err);
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
    err = speak_of_type(r, event->association_id,
        event->record->credential_type_id, event->source_time_us, NULL);
    if (err != E_OK)
        return (err);
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

/* What a snapshot listed completely; one that could not end, did not. */
static enum err
take_snapshot(struct rebuilding *r, const Vouch__V1__Publication *p)
{
    enum err err = E_OK;
    size_t i;

    if (p->n_snapshot_type_ids > 0 && p->content_hash.len != STAGING_HASH)
        return (E_CORRUPT);
    if (p->ending_withheld != 0)
        return (E_OK);
    for (i = 0; i < p->n_snapshot_type_ids && err == E_OK; i++)
        err = speak_of_type(r, p->association_id, p->snapshot_type_ids[i],
            p->source_time_us, p->content_hash.data);
    return (err);
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
    outcome.not_listed = p->not_listed_count;
    if ((err = take_snapshot(r, p)) != E_OK)
        return (err);
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

/* ---- credentials, from the index that is there already ---------------- */

static enum err
count_traits(struct rebuilding *r, unsigned traits)
{
    struct traits *counted = r->traits;
    size_t n = r->ntraits;
    enum err err;

    /* Associations come one after the other. */
    if (n == 0 || strcmp(counted[n - 1].association, r->association) != 0) {
        counted = realloc(r->traits, (n + 1) * sizeof(*counted));
        if (counted == NULL)
            return (E_NOMEM);
        r->traits = counted;
        memset(&counted[n], 0, sizeof(counted[n]));
        if ((err = copy_id(r->association, counted[n].association)) != E_OK)
            return (err);
        r->ntraits = ++n;
    }
    counted[n - 1].n[traits & TRAIT_ALL]++;
    return (E_OK);
}

/* All versions of a credential are read: the last one tells how it is. */
static enum err
end_group(struct rebuilding *r)
{
    const Vouch__V1__Event *event;
    ProtobufCMessage *message = NULL;
    enum err err;

    if (r->event.n == 0)
        return (E_OK);
    err = decode(r, &vouch__v1__event__descriptor, buf_slice(&r->event),
        &message);
    if (err != E_OK)
        return (err);
    event = (const Vouch__V1__Event *)message;
    r->event.n = 0;
    if (event->record == NULL)
        return (E_CORRUPT);
    err = credential_state_make(event->record, &r->credential);
    if (err != E_OK || (err = count_traits(r, r->credential.traits)) != E_OK)
        return (err);
    return (store_txn_put_credential(r->txn, r->association,
        event->record->credential_type_id, &r->credential));
}

static enum err
begin_group(struct rebuilding *r, const struct store_indexed *indexed)
{
    if (indexed->association.n >= sizeof(r->association) ||
        indexed->number_key.n > STORE_KEY)
        return (E_CORRUPT);
    memcpy(r->association, indexed->association.p, indexed->association.n);
    r->association[indexed->association.n] = '\0';
    r->credential = (struct store_credential){
        .first_index = indexed->version.log_index};
    memcpy(r->credential.number_key, indexed->number_key.p,
        indexed->number_key.n);
    memcpy(r->group.version.credential_id, indexed->version.credential_id,
        STORE_ID);
    return (E_OK);
}

static enum err
on_indexed(void *cookie, const struct store_indexed *indexed)
{
    struct rebuilding *r = cookie;
    enum err err = E_OK;

    if (r->event.n == 0 || memcmp(r->group.version.credential_id,
        indexed->version.credential_id, STORE_ID) != 0) {
        if ((err = end_group(r)) == E_OK)
            err = begin_group(r, indexed);
    }
    if (err != E_OK)
        return (err);
    r->credential.last_index = indexed->version.log_index;
    r->event.n = 0;
    return (buf_add(&r->event, indexed->version.event));
}

static enum err
put_traits(struct rebuilding *r)
{
    enum err err = E_OK;
    size_t i;
    unsigned k;

    for (i = 0; i < r->ntraits; i++)
        for (k = 0; k <= TRAIT_ALL && err == E_OK; k++)
            err = store_txn_add_tally(r->txn, r->traits[i].association, k,
                r->traits[i].n[k]);
    return (err);
}

static enum err
put_words(struct rebuilding *r)
{
    enum err err = E_OK;
    size_t i;

    for (i = 0; i < r->nwords && err == E_OK; i++)
        err = store_txn_put_source(r->txn, r->words[i].association,
            &r->words[i].source);
    for (i = 0; i < r->ntypes && err == E_OK; i++)
        err = store_txn_put_listing(r->txn, r->types[i].association,
            r->types[i].type, &r->types[i].listing);
    return (err);
}

static enum err
derive(struct rebuilding *r)
{
    enum err err;

    if ((err = store_txn_clear_index(r->txn)) != E_OK ||
        (err = store_txn_read_entries(r->txn, 0, on_entry, r)) != E_OK ||
        (err = put_words(r)) != E_OK ||
        (err = store_txn_read_index(r->txn, on_indexed, r)) != E_OK ||
        (err = end_group(r)) != E_OK || (err = put_traits(r)) != E_OK)
        return (err);
    return (store_txn_set_derived(r->txn, CREDENTIAL_STATE_VERSION));
}

static enum err
catch_up(struct rebuilding *r)
{
    int64_t version;
    enum err err;

    if ((err = store_txn_derived(r->txn, &version)) != E_OK ||
        version == CREDENTIAL_STATE_VERSION)
        return (err);
    if (store_txn_next_index(r->txn) > 0)       /* else it is just new */
        log_line(LOG_INFO, "store_derived_anew", "from=%lld to=%d",
            (long long)version, CREDENTIAL_STATE_VERSION);
    return (derive(r));
}

/* Opening the store has made or seen the head: it is not for catching up. */
static enum err
derive_all(struct rebuilding *r)
{
    enum err err;

    err = store_txn_derive_head(r->txn, &r->head_differs);
    return (err == E_OK ? derive(r) : err);
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
    if (r->catch_up)
        return (catch_up(r));
    if (!r->check)
        return (derive_all(r));
    if ((err = store_txn_digest_index(txn, before)) != E_OK ||
        (err = derive_all(r)) != E_OK ||
        (err = store_txn_digest_index(txn, after)) != E_OK)
        return (err);
    r->differs = memcmp(before, after, sizeof(before)) != 0;
    return (E_EXISTS);
}

static enum err
rebuild(struct store *store, struct rebuilding *r)
{
    enum err err;

    r->at = -1;
    buf_init(&r->event, STORE_EVENT_MAX);
    if ((err = arena_create(ENTRY_ARENA_MAX, &r->arena)) == E_OK)
        err = job_run(store, run, r);
    free(r->words);
    free(r->types);
    free(r->traits);
    buf_free(&r->event);
    arena_free(r->arena);
    return (err);
}

static enum err
tell(const struct rebuilding *r, enum err err, char *why, size_t size)
{
    if (err != E_OK)
        (void)snprintf(why, size, "at log index %lld: %s", (long long)r->at,
            err_text(err));
    else if (size > 0)
        why[0] = '\0';
    return (err);
}

enum err
service_rebuild(struct store *store, int check, char *why, size_t size)
{
    struct rebuilding r = {.check = check};
    enum err err;

    err = rebuild(store, &r);
    if (check && r.head_differs) {
        (void)snprintf(why, size, "the entries of the log are not those that "
            "its head is of: one or the other was changed");
        return (E_CORRUPT);
    }
    if (r.differs) {
        (void)snprintf(why, size, "the index does not say what the log says; "
            "rebuild it");
        return (E_CORRUPT);
    }
    return (tell(&r, check && err == E_EXISTS ? E_OK : err, why, size));
}

enum err
service_catch_up(struct store *store, char *why, size_t size)
{
    struct rebuilding r = {.catch_up = 1};

    return (tell(&r, rebuild(store, &r), why, size));
}
