#include "proto/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

/* The first block: enough for any message of one claim. */
#define BLOCK_FIRST 8192

struct block {
    struct block *next;     /* the one before it; the first block has none */
    size_t size;
    alignas(max_align_t) uint8_t bytes[];
};

struct arena {
    ProtobufCAllocator allocator;
    struct block *top;      /* owned, as all below it; never NULL */
    size_t used;            /* of the top block */
    size_t left;            /* of the cap */
    size_t cap;
    int exhausted;
};

static void *
allocator_alloc(void *cookie, size_t n)
{
    return (arena_alloc(cookie, n));
}

static void
allocator_free(void *cookie, void *p)
{
    (void)cookie;
    (void)p;
}

static struct block *
block_create(size_t size)
{
    struct block *block;

    if (size > SIZE_MAX - sizeof(*block))
        return (NULL);
    if ((block = malloc(sizeof(*block) + size)) == NULL)
        return (NULL);
    block->next = NULL;
    block->size = size;
    return (block);
}

enum err
arena_create(size_t cap, struct arena **arena)
{
    struct arena *a = NULL;
    enum err err;

    *arena = NULL;

    err = E_NOMEM;
    if ((a = calloc(1, sizeof(*a))) == NULL)
        goto out;
    if ((a->top = block_create(cap < BLOCK_FIRST ? cap : BLOCK_FIRST)) == NULL)
        goto out;
    a->allocator.alloc = allocator_alloc;
    a->allocator.free = allocator_free;
    a->allocator.allocator_data = a;
    a->left = a->cap = cap;

    *arena = a;
    a = NULL;
    err = E_OK;

out:
    arena_free(a);
    return (err);
}

/* Put a block on top that has room for ${n}, twice as large as the last. */
static enum err
grow(struct arena *arena, size_t n)
{
    struct block *block;
    size_t size = arena->top->size;

    size = size > arena->left / 2 ? arena->left : 2 * size;
    if (size < n)
        size = n;
    if ((block = block_create(size)) == NULL)
        return (E_NOMEM);
    block->next = arena->top;
    arena->top = block;
    arena->used = 0;
    return (E_OK);
}

void *
arena_alloc(struct arena *arena, size_t n)
{
    const size_t mask = alignof(max_align_t) - 1;
    void *p;

    /* Nothing gets an address of its own, too. */
    if (n == 0)
        n = 1;
    /* In two steps: the first keeps the rounding from overflowing. */
    if (n > arena->left || mask > SIZE_MAX - n ||
        ((n + mask) & ~mask) > arena->left) {
        arena->exhausted = 1;
        return (NULL);
    }
    n = (n + mask) & ~mask;
    if (n > arena->top->size - arena->used && grow(arena, n) != E_OK)
        return (NULL);
    p = arena->top->bytes + arena->used;
    arena->used += n;
    arena->left -= n;
    return (p);
}

char *
arena_copy(struct arena *arena, struct slice bytes)
{
    char *p;

    if (bytes.n == SIZE_MAX || (p = arena_alloc(arena, bytes.n + 1)) == NULL)
        return (NULL);
    if (bytes.n > 0)
        memcpy(p, bytes.p, bytes.n);
    p[bytes.n] = '\0';
    return (p);
}

ProtobufCAllocator *
arena_allocator(struct arena *arena)
{
    return (&arena->allocator);
}

int
arena_exhausted(const struct arena *arena)
{
    return (arena->exhausted);
}

void
arena_reset(struct arena *arena)
{
    struct block *next;

    while ((next = arena->top->next) != NULL) {
        free(arena->top);
        arena->top = next;
    }
    arena->used = 0;
    arena->left = arena->cap;
    arena->exhausted = 0;
}

void
arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    if (arena->top != NULL)
        arena_reset(arena);
    free(arena->top);
    free(arena);
}
