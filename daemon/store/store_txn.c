/* What a job may do, as far as it does not depend on the database. */

#include <string.h>

#include "store/log_head.h"

/*
 * After these the database may have undone the whole transaction by itself,
 * and what the job went on to write would stand on its own.
 */
static enum err
keep(struct store_txn *txn, enum err err)
{
    if (err == E_IO || err == E_NOMEM || err == E_CORRUPT || err == E_FULL ||
        err == E_LOST)
        txn->broken = err;
    return (err);
}

/* Every step of a job begins here: it shows that the writer is alive. */
static enum err
step(struct store_txn *txn)
{
    if (txn->steps != NULL)
        (void)atomic_fetch_add_explicit(txn->steps, 1, memory_order_relaxed);
    return (txn->broken);
}

/* An association's id in an array must end within it. */
static int
ends(const char *text, size_t size)
{
    return (strnlen(text, size) < size);
}

int64_t
store_txn_now(const struct store_txn *txn)
{
    return (txn->now_us);
}

enum err
store_txn_restart(struct store_txn *txn)
{
    enum err err;

    if ((err = step(txn)) != E_OK)
        return (err);
    if ((err = txn->ops->job_undo(txn)) == E_OK)
        err = txn->ops->job_begin(txn);
    txn->next_index = txn->first_index;
    log_head_undo(txn);
    if (err != E_OK)
        txn->broken = err;
    return (err);
}

int64_t
store_txn_next_index(const struct store_txn *txn)
{
    return (txn->next_index);
}

enum err
store_txn_lookup(struct store_txn *txn, const char *association,
    const char *number_key, store_txn_candidates_fn *fn, void *cookie)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->lookup(txn, association, number_key, fn,
        cookie)));
}

enum err
store_txn_append(struct store_txn *txn, const struct store_entry *entry)
{
    enum err err;

    if (step(txn) != E_OK)
        return (txn->broken);
    if (entry->log_index != txn->next_index ||
        entry->recorded_at_us != txn->now_us)
        return (E_INVAL);
    if ((err = keep(txn, txn->ops->append(txn, entry))) != E_OK)
        return (err);
    txn->next_index++;
    return (keep(txn, log_head_add(txn, entry->leaf)));
}

enum err
store_txn_index(struct store_txn *txn, const struct store_place *place,
    int64_t log_index, struct slice event)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    if (event.n > STORE_EVENT_MAX)
        return (E_TOOBIG);
    return (keep(txn, txn->ops->index(txn, place, log_index, event)));
}

enum err
store_txn_find_publication(struct store_txn *txn, const char *association,
    const uint8_t request_id[STORE_ID], struct store_publication *publication)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->find_publication(txn, association, request_id,
        publication)));
}

enum err
store_txn_put_publication(struct store_txn *txn,
    const struct store_publication *publication)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    if (!ends(publication->association, sizeof(publication->association)))
        return (E_INVAL);
    return (keep(txn, txn->ops->put_publication(txn, publication)));
}

enum err
store_txn_find_declaration(struct store_txn *txn, const char *association,
    const uint8_t request_id[STORE_ID], struct store_declaration *declaration)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->find_declaration(txn, association, request_id,
        declaration)));
}

enum err
store_txn_put_declaration(struct store_txn *txn,
    const struct store_declaration *declaration)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    if (!ends(declaration->association, sizeof(declaration->association)))
        return (E_INVAL);
    return (keep(txn, txn->ops->put_declaration(txn, declaration)));
}

enum err
store_txn_find_source(struct store_txn *txn, const char *association,
    struct store_source *source)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->find_source(txn, association, source)));
}

enum err
store_txn_put_source(struct store_txn *txn, const char *association,
    const struct store_source *source)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->put_source(txn, association, source)));
}

enum err
store_txn_put_credential(struct store_txn *txn, const char *association,
    const char *type, const struct store_credential *credential)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    if (!ends(credential->number_key, sizeof(credential->number_key)))
        return (E_INVAL);
    return (keep(txn, txn->ops->put_credential(txn, association, type,
        credential)));
}

enum err
store_txn_list_credentials(struct store_txn *txn, const char *association,
    const char *type, const struct store_credential *after,
    struct store_credential *list, size_t max, size_t *n)
{
    static const struct store_credential first = {.first_index = -1};

    *n = 0;
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->list_credentials(txn, association, type,
        after != NULL ? after : &first, list, max, n)));
}

enum err
store_txn_add_tally(struct store_txn *txn, const char *association,
    unsigned traits, int64_t n)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    if (n == 0)
        return (E_OK);
    return (keep(txn, txn->ops->add_tally(txn, association, traits, n)));
}

enum err
store_txn_read_tallies(struct store_txn *txn, const char *association,
    store_tally_fn *fn, void *cookie)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->read_tallies(txn, association, fn, cookie)));
}

enum err
store_txn_find_listing(struct store_txn *txn, const char *association,
    const char *type, struct store_listing *listing)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->find_listing(txn, association, type,
        listing)));
}

enum err
store_txn_put_listing(struct store_txn *txn, const char *association,
    const char *type, const struct store_listing *listing)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->put_listing(txn, association, type,
        listing)));
}

enum err
store_txn_derived(struct store_txn *txn, int64_t *version)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->derived(txn, version)));
}

enum err
store_txn_set_derived(struct store_txn *txn, int64_t version)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->set_derived(txn, version)));
}

enum err
store_txn_clear_index(struct store_txn *txn)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->clear_index(txn)));
}

enum err
store_txn_derive_head(struct store_txn *txn, int *differs)
{
    *differs = 0;
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, log_head_derive(txn, differs)));
}

enum err
store_txn_read_entries(struct store_txn *txn, int64_t from,
    store_entry_fn *each, void *cookie)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->read_entries(txn, from, each, cookie)));
}

enum err
store_txn_read_index(struct store_txn *txn, store_indexed_fn *each,
    void *cookie)
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->read_index(txn, each, cookie)));
}

enum err
store_txn_digest_index(struct store_txn *txn, uint8_t digest[32])
{
    if (step(txn) != E_OK)
        return (txn->broken);
    return (keep(txn, txn->ops->digest_index(txn, digest)));
}
