/* One uploaded row: taken, or rejected. */

#include <stdlib.h>
#include <string.h>

#include "proto/message.h"
#include "proto/sha256.h"
#include "service/publishing.h"

/* A row that is not taken lists its credential all the same. */
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
    order->rejected_by[fault]++;
    return (publication_mark_present(p, p->row->credential_type_id,
        p->number_key));
}

/* ---- rows that contradict each other ------------------------------------ */

/*
 * Which of two contradicting rows is right nobody can say, and the first has
 * been taken by the time the second comes: so the number is noted, by type, and
 * the upload carried out once more, in which no row of it is taken.  A hash is
 * enough: what shares one is rejected too, and told.
 */
static uint64_t
number_hash(const struct publishing *p)
{
    uint8_t whole[SHA256_BYTES];
    struct sha256 hash;
    uint64_t first;
    const char *type = p->row->credential_type_id;

    sha256_begin(&hash);
    sha256_add(&hash, type, strlen(type) + 1);
    sha256_add(&hash, p->number_key, strlen(p->number_key));
    sha256_end(&hash, whole);
    memcpy(&first, whole, sizeof(first));
    return (first);
}

int
publication_by_hash(const void *a, const void *b)
{
    uint64_t left, right;

    memcpy(&left, a, sizeof(left));
    memcpy(&right, b, sizeof(right));
    return ((left > right) - (left < right));
}

/* Those that were noted before this time, which are sorted. */
static int
is_contested(const struct publishing *p)
{
    uint64_t hash;

    if (p->ncontested == 0)
        return (0);
    hash = number_hash(p);
    return (bsearch(&hash, p->order->contested, p->ncontested, sizeof(hash),
        publication_by_hash) != NULL);
}

static enum err
contest(struct publishing *p)
{
    struct publication_order *order = p->order;
    size_t n = order->ncontested;
    uint64_t *more;

    p->contested = 1;
    if ((int64_t)n >= order->max_rejects)
        return (E_OK);          /* the next time tells it line by line */
    if ((n & (n - 1)) == 0) {       /* full at every power of two */
        more = realloc(order->contested,
            (n == 0 ? 1 : 2 * n) * sizeof(*more));
        if (more == NULL)
            return (E_NOMEM);
        order->contested = more;
    }
    order->contested[order->ncontested++] = number_hash(p);
    return (E_OK);
}

/* ---- rows that are taken ------------------------------------------------ */

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
write_row(struct publishing *p, const uint8_t *credential_id)
{
    struct publication_event event = {.credential_id = credential_id,
        .status_table_version = p->draft.status_table_version,
        .record = &p->draft.record, .last = p->last,
        .last_index = p->last_index, .first_index = p->first_index};
    enum err err;

    if (p->last == NULL)
        p->first_index = store_txn_next_index(p->txn);
    event.kind = credential_event_kind(
        p->last == NULL ? NULL : p->last->record, &p->draft.record);
    event.effective_on = credential_effective_on(p->row,
        p->last == NULL ? &p->draft.record : NULL, p->today, &event.assumed);
    if ((err = publication_write_event(p, &event)) != E_OK)
        return (err);
    p->order->outcome.counts[p->last == NULL ? 0 : 1]++;
    if (p->diff != NULL)
        publication_diff_change(p->diff, event.kind, p->row->line, p->last,
            &p->draft.record);
    return (E_OK);
}

static void
note_same(struct publishing *p)
{
    p->order->outcome.counts[2]++;
    if (p->diff != NULL)
        publication_diff_same(p->diff, p->row);
}

static enum err
apply(struct publishing *p)
{
    uint8_t credential_id[STORE_ID];
    const struct credential_terms terms = {.number_key = p->number_key,
        .credential_id = credential_id, .key = p->key, .today = p->today};
    int same = 0;
    enum err err = E_OK;

    if (p->last == NULL)
        err = random_pool_take(&p->random, credential_id, STORE_ID);
    else
        memcpy(credential_id, p->last->credential_id.data, STORE_ID);
    if (err != E_OK)
        return (err);
    err = credential_draft_make(&p->draft, &p->names,
        p->last == NULL ? NULL : p->last->record, &terms);
    if (err != E_OK || (err = compare(p, &same)) != E_OK)
        return (err);
    if (same)
        note_same(p);
    else if (p->last != NULL && bit_set_has(&p->touched, p->first_index))
        return (contest(p));
    else if (is_overtaken(p))
        return (reject(p, ROW_LATER_WORD_ON_FILE, ROW_FIELD_number));
    else if (p->nversions >= STORE_VERSIONS_MAX)
        return (reject(p, ROW_NUMBER_OVERFULL, ROW_FIELD_number));
    else
        err = write_row(p, credential_id);
    if (err != E_OK)
        return (err);
    return (bit_set_add(&p->touched, p->first_index));
}

/* Of a row that was rejected as it came, only this is left, and no line. */
static int
is_key_alone(const Vouch__V1__CredentialRow *row)
{
    return (row->line == 0);
}

enum err
publication_take_row(struct publishing *p, struct slice bytes)
{
    ProtobufCMessage *message;
    enum err err;

    arena_reset(p->row_arena);
    arena_reset(p->found_arena);
    err = message_unpack(&vouch__v1__credential_row__descriptor, bytes,
        p->row_arena, &message);
    if (err != E_OK)
        return (err);
    p->row = (Vouch__V1__CredentialRow *)(void *)message;
    err = number_key(&p->rules, slice_of(p->row->number), p->number_key);
    if (err != E_OK)
        return (err);
    if (is_key_alone(p->row))
        return (publication_mark_present(p, p->row->credential_type_id,
            p->number_key));
    if (is_contested(p))
        return (reject(p, ROW_DUPLICATE_ROW, ROW_FIELD_number));
    if ((err = publication_find(p)) != E_OK)
        return (err);
    if (p->collides && !p->known)
        return (reject(p, ROW_NUMBER_COLLISION, ROW_FIELD_number));
    if (p->unclear)
        return (reject(p, ROW_HOLDER_UNCLEAR, ROW_FIELD_holder_ref));
    return (apply(p));
}
