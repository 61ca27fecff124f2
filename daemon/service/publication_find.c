/* Which credential an uploaded row is of. */

#include <string.h>

#include "proto/message.h"
#include "service/publishing.h"

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

enum err
publication_decode(struct publishing *p, struct slice bytes,
    Vouch__V1__Event **decoded)
{
    ProtobufCMessage *message;
    Vouch__V1__Event *event;
    enum err err;

    err = message_unpack(&vouch__v1__event__descriptor, bytes, p->found_arena,
        &message);
    if (err != E_OK)
        return (err);
    event = (Vouch__V1__Event *)(void *)message;
    if (!is_whole(event))
        return (E_CORRUPT);
    *decoded = event;
    return (E_OK);
}

/* ${version} is the last of its credential, whose first is ${first}. */
static enum err
consider(struct publishing *p, int64_t first,
    const struct store_version *version)
{
    Vouch__V1__Event *event;
    enum credential_holder holder;
    enum err err;

    if ((err = publication_decode(p, version->event, &event)) != E_OK ||
        (err = find_holder(p, event, &holder)) != E_OK)
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
        p->first_index = first;
    }
    return (E_OK);
}

/* Versions come by credential, then log index. */
static enum err
on_found(void *cookie, const struct store_version *versions, size_t n)
{
    struct publishing *p = cookie;
    enum err err = E_OK;
    size_t first = 0;
    size_t i;

    p->nversions = n;
    for (i = 0; i < n && err == E_OK; i++) {
        if (memcmp(versions[i].credential_id, versions[first].credential_id,
            STORE_ID) != 0)
            first = i;
        if (i + 1 == n || memcmp(versions[i].credential_id,
            versions[i + 1].credential_id, STORE_ID) != 0)
            err = consider(p, versions[first].log_index, &versions[i]);
    }
    return (err);
}

enum err
publication_find(struct publishing *p)
{
    p->names.row = p->row;
    p->names.folded = 0;
    p->holder = HOLDER_OTHER;
    p->last = NULL;
    p->unclear = p->known = p->collides = 0;
    p->nversions = 0;
    return (store_txn_lookup(p->txn, p->association->id, p->number_key,
        on_found, p));
}
