#include "service/bit_set.h"

#include <stdlib.h>
#include <string.h>

#define WORD 64                 /* bits */
#define PAGE_WORDS 512
#define PAGE ((uint64_t)PAGE_WORDS * WORD)

/* Make room for ${at}, a page's place. */
static enum err
make_room(struct bit_set *set, size_t at)
{
    size_t n = at + 1 > 2 * set->npages ? at + 1 : 2 * set->npages;
    uint64_t **pages;

    if (at < set->npages)
        return (E_OK);
    if ((pages = realloc(set->pages, n * sizeof(*pages))) == NULL)
        return (E_NOMEM);
    memset(pages + set->npages, 0, (n - set->npages) * sizeof(*pages));
    set->pages = pages;
    set->npages = n;
    return (E_OK);
}

enum err
bit_set_add(struct bit_set *set, int64_t at)
{
    size_t page = (size_t)((uint64_t)at / PAGE);
    uint64_t bit = (uint64_t)at % PAGE;
    enum err err;

    if ((err = make_room(set, page)) != E_OK)
        return (err);
    if (set->pages[page] == NULL && (set->pages[page] = calloc(PAGE_WORDS,
        sizeof(uint64_t))) == NULL)
        return (E_NOMEM);
    set->pages[page][bit / WORD] |= (uint64_t)1 << bit % WORD;
    return (E_OK);
}

int
bit_set_has(const struct bit_set *set, int64_t at)
{
    size_t page = (size_t)((uint64_t)at / PAGE);
    uint64_t bit = (uint64_t)at % PAGE;

    return (page < set->npages && set->pages[page] != NULL &&
        (set->pages[page][bit / WORD] >> bit % WORD & 1) != 0);
}

void
bit_set_free(struct bit_set *set)
{
    size_t i;

    for (i = 0; i < set->npages; i++)
        free(set->pages[i]);
    free(set->pages);
    *set = (struct bit_set){0};
}
