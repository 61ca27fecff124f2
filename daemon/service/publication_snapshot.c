/* What a snapshot ends: everything of its types that it does not list. */

#include <string.h>

#include "base/log.h"
#include "service/publishing.h"

#define PAGE 128        /* credentials that are read at a time */

#define SNAPSHOT VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_SNAPSHOT
#define NOT_LISTED VOUCH__V1__STANDING__STANDING_NOT_LISTED
#define NO_REASON VOUCH__V1__INACTIVE_REASON__INACTIVE_REASON_UNSPECIFIED
#define KIND_NOT_LISTED VOUCH__V1__EVENT_KIND__EVENT_KIND_NOT_LISTED
#define UNREADABLE_KEY                                                      \
    VOUCH__V1__ENDING_WITHHELD__ENDING_WITHHELD_UNREADABLE_KEY

static const char *
type_of(const struct publishing *p, size_t i)
{
    return (catalog_index_catalog(p->order->service->catalog)
        ->credential_types[p->order->types[i]]->id);
}

/* A dry run notes the first refusal and goes on. */
static enum err
refuse(struct publishing *p, enum publication_refusal refusal)
{
    if (p->order->refusal == REFUSAL_NONE)
        p->order->refusal = refusal;
    return (p->order->dry_run ? E_OK : E_INVAL);
}

/* Of one time there is one list, unless the publisher knows better. */
static int
is_older(const struct publishing *p, const struct store_listing *listing)
{
    const struct publication_order *order = p->order;

    if (!listing->known)
        return (0);
    if (listing->source_time_us > order->source_time_us)
        return (1);
    return (listing->snapshot &&
        listing->snapshot_time_us == order->source_time_us &&
        memcmp(listing->snapshot_hash, order->content_hash,
        sizeof(listing->snapshot_hash)) != 0);
}

enum err
publication_snapshot_check(struct publishing *p)
{
    struct store_listing listing;
    enum err err;
    size_t i;

    if (p->order->mode != SNAPSHOT)
        return (E_OK);
    for (i = 0; i < p->order->ntypes; i++) {
        err = store_txn_find_listing(p->txn, p->association->id,
            type_of(p, i), &listing);
        if (err != E_OK)
            return (err);
        p->older |= is_older(p, &listing);
    }
    if (!p->older || p->order->ending_count_expected)
        return (E_OK);
    return (refuse(p, REFUSAL_SNAPSHOT_OLDER));
}

enum err
publication_mark_present(struct publishing *p, const char *type,
    const char *number_key)
{
    struct store_credential found[8], after = {.first_index = -1};
    enum err err;
    size_t n, i;

    if (p->order->mode != SNAPSHOT)
        return (E_OK);
    memcpy(after.number_key, number_key, strlen(number_key) + 1);
    do {
        err = store_txn_list_credentials(p->txn, p->association->id, type,
            &after, found, sizeof(found) / sizeof(found[0]), &n);
        if (err != E_OK)
            return (err);
        for (i = 0; i < n; i++) {
            if (strcmp(found[i].number_key, number_key) != 0)
                return (E_OK);
            if ((err = bit_set_add(&p->touched,
                found[i].first_index)) != E_OK)
                return (err);
            after = found[i];
        }
    } while (n == sizeof(found) / sizeof(found[0]));
    return (E_OK);
}

/* ---- the walk --------------------------------------------------------- */

/* What is on file of a credential that is to be ended. */
struct ending {
    struct publishing *p;
    int64_t first_index;
    size_t nversions;
    Vouch__V1__Event *last;
    int64_t last_index;
};

static enum err
on_found(void *cookie, const struct store_version *versions, size_t n)
{
    struct ending *ending = cookie;
    size_t first = 0;
    size_t i;

    ending->nversions = n;
    while (first < n && versions[first].log_index != ending->first_index)
        first++;
    if (first == n)
        return (E_CORRUPT);
    for (i = first; i + 1 < n && memcmp(versions[i + 1].credential_id,
        versions[first].credential_id, STORE_ID) == 0; i++)
        continue;
    ending->last_index = versions[i].log_index;
    return (publication_decode(ending->p, versions[i].event, &ending->last));
}

static enum err
read_ending(struct publishing *p, const struct store_credential *c,
    struct ending *ending)
{
    *ending = (struct ending){.p = p, .first_index = c->first_index};
    arena_reset(p->found_arena);
    return (store_txn_lookup(p->txn, p->association->id, c->number_key,
        on_found, ending));
}

/*
 * Whether an absent credential stays as it is: a later word than the snapshot
 * says of it what is so, or there is no room for another event.
 */
static enum err
is_spared(struct publishing *p, const struct store_credential *c,
    struct ending *ending, int *spared)
{
    enum err err;

    if ((err = read_ending(p, c, ending)) != E_OK)
        return (err);
    *spared = ending->last->source_time_us > p->order->source_time_us ||
        ending->nversions >= STORE_VERSIONS_MAX;
    if (ending->nversions >= STORE_VERSIONS_MAX)
        log_line(LOG_WARN, "snapshot_number_overfull", "association=%s",
            p->association->id);
    return (E_OK);
}

/* Whether an order may still extend what ended on ${day}; rather too often. */
static int
is_extended(const struct publishing *p, const char *type, int32_t day)
{
    Vouch__V1__Extension *const *extensions;
    size_t n, i;

    extensions = catalog_index_extensions(p->order->service->catalog,
        p->association->id, &n);
    for (i = 0; i < n; i++) {
        const Vouch__V1__Extension *x = extensions[i];

        if ((x->credential_type_id[0] == '\0' ||
            strcmp(x->credential_type_id, type) == 0) &&
            civil_last_day(publish_row_date(x->counts_until)) >=
            civil_first_day(p->today) &&
            day >= civil_first_day(publish_row_date(x->ended_from)))
            return (1);
    }
    return (0);
}

int
publication_is_active(const struct publishing *p, const char *type,
    const struct store_credential *c)
{
    return ((c->traits & TRAIT_GOOD) != 0 &&
        (c->ends_on >= civil_first_day(p->today) ||
        is_extended(p, type, c->ends_on)));
}

typedef enum err walk_fn(struct publishing *p, const char *type,
    const struct store_credential *c);

/* Those that were on file before; absent ones may be written meanwhile. */
static enum err
walk_type(struct publishing *p, const char *type, walk_fn *fn)
{
    struct store_credential page[PAGE], after = {.first_index = -1};
    enum err err = E_OK;
    size_t n, i;

    do {
        if (atomic_load_explicit(&p->order->given_up, memory_order_relaxed))
            return (E_DENIED);
        err = store_txn_list_credentials(p->txn, p->association->id, type,
            &after, page, PAGE, &n);
        for (i = 0; i < n && err == E_OK; i++)
            if (page[i].first_index < p->base)
                err = fn(p, type, &page[i]);
        if (n > 0)
            after = page[n - 1];
    } while (err == E_OK && n == PAGE);
    return (err);
}

static int
is_absent(const struct publishing *p, const struct store_credential *c)
{
    return ((c->traits & TRAIT_NOT_LISTED) == 0 &&
        !bit_set_has(&p->touched, c->first_index));
}

/* Only where there is a later word on the type may there be one on it. */
static enum err
count_one(struct publishing *p, const char *type,
    const struct store_credential *c)
{
    struct publication_endings *endings = &p->order->endings;
    struct ending ending;
    int active = publication_is_active(p, type, c);
    int spared = 0;
    enum err err;

    endings->of_active += active;
    if (!is_absent(p, c))
        return (E_OK);
    if (p->older && (err = is_spared(p, c, &ending, &spared)) != E_OK)
        return (err);
    endings->count += !spared;
    endings->active += !spared && active;
    return (E_OK);
}

static enum err
end_one(struct publishing *p, const char *type,
    const struct store_credential *c)
{
    struct publication_event event = {.kind = KIND_NOT_LISTED, .assumed = 1,
        .first_index = c->first_index};
    Vouch__V1__CredentialRecord record;
    struct ending ending;
    int spared;
    enum err err;

    (void)type;
    if (!is_absent(p, c))
        return (E_OK);
    if ((err = is_spared(p, c, &ending, &spared)) != E_OK || spared)
        return (err);
    record = *ending.last->record;
    record.standing = NOT_LISTED;
    record.inactive_reason = NO_REASON;
    event.credential_id = ending.last->credential_id.data;
    event.effective_on = civil_of_day(civil_day_at(p->order->source_time_us,
        p->association->utc_offset_minutes));
    event.status_table_version = ending.last->status_table_version;
    event.record = &record;
    event.last = ending.last;
    event.last_index = ending.last_index;
    if ((err = publication_write_event(p, &event)) != E_OK)
        return (err);
    p->order->outcome.not_listed++;
    if (p->diff != NULL)
        publication_diff_change(p->diff, KIND_NOT_LISTED, 0, ending.last,
            &record);
    return (E_OK);
}

/* Of a small type nothing might be left without that any share shows it. */
static enum err
count_type(struct publishing *p, const char *type)
{
    struct publication_endings *endings = &p->order->endings;
    int64_t active = endings->active, of_active = endings->of_active;
    enum err err = walk_type(p, type, count_one);

    active = endings->active - active;
    of_active = endings->of_active - of_active;
    endings->emptied += of_active > 0 && active == of_active;
    return (err);
}

static int
is_too_much(const struct publishing *p)
{
    const struct publication_endings *endings = &p->order->endings;
    const struct service *service = p->order->service;

    return (endings->active > service->max_endings || endings->active * 100 >
        endings->of_active * service->max_ending_share ||
        (endings->emptied > 0 && service->max_ending_share < 100));
}

enum err
publication_snapshot_end(struct publishing *p)
{
    struct publication_order *order = p->order;
    enum err err = E_OK;
    size_t i;

    if (order->mode != SNAPSHOT)
        return (E_OK);
    if (order->unreadable_key) {
        order->outcome.ending_withheld = UNREADABLE_KEY;
        return (E_OK);
    }
    for (i = 0; i < order->ntypes && err == E_OK; i++)
        err = count_type(p, type_of(p, i));
    if (err != E_OK)
        return (err);
    if (order->ending_count_expected &&
        order->ending_count != order->endings.count)
        err = refuse(p, REFUSAL_ENDING_COUNT_DIFFERS);
    else if (!order->ending_count_expected && is_too_much(p))
        err = refuse(p, REFUSAL_TOO_MANY_ENDINGS);
    for (i = 0; i < order->ntypes && order->endings.count > 0 && err == E_OK;
        i++)
        err = walk_type(p, type_of(p, i), end_one);
    return (err);
}
