#include "service/id_set.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST 64

static const uint8_t nothing[ID_SET_ID];

/* The slot of ${id}, or the empty one where it would go. */
static uint8_t *
slot_of(const struct id_set *set, const uint8_t id[ID_SET_ID])
{
    uint64_t at;

    memcpy(&at, id, sizeof(at));
    for (;; at++) {
        uint8_t *slot = set->slots[at & (set->size - 1)];

        if (memcmp(slot, id, ID_SET_ID) == 0 ||
            memcmp(slot, nothing, ID_SET_ID) == 0)
            return (slot);
    }
}

static enum err
grow(struct id_set *set)
{
    struct id_set bigger = {.n = set->n};
    size_t i;

    bigger.size = set->size == 0 ? SIZE_FIRST : set->size * 2;
    bigger.slots = calloc(bigger.size, sizeof(*bigger.slots));
    if (bigger.slots == NULL)
        return (E_NOMEM);
    for (i = 0; i < set->size; i++)
        if (memcmp(set->slots[i], nothing, ID_SET_ID) != 0)
            memcpy(slot_of(&bigger, set->slots[i]), set->slots[i], ID_SET_ID);
    free(set->slots);
    *set = bigger;
    return (E_OK);
}

enum err
id_set_add(struct id_set *set, const uint8_t id[ID_SET_ID])
{
    uint8_t *slot;
    enum err err;

    if (set->n >= set->size / 2 && (err = grow(set)) != E_OK)
        return (err);
    slot = slot_of(set, id);
    if (memcmp(slot, nothing, ID_SET_ID) == 0) {
        memcpy(slot, id, ID_SET_ID);
        set->n++;
    }
    return (E_OK);
}

int
id_set_has(const struct id_set *set, const uint8_t id[ID_SET_ID])
{
    return (set->size != 0 &&
        memcmp(slot_of(set, id), id, ID_SET_ID) == 0);
}

void
id_set_free(struct id_set *set)
{
    free(set->slots);
    *set = (struct id_set){0};
}
