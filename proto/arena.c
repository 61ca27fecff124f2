#include "proto/arena.h"

#include <stdlib.h>
#include <string.h>

/* The first block: enough for any message of one claim. */
#define BLOCK_FIRST 8192

struct arena_block {
    struct arena_block *next;   /* the one before it; the first has none */
    size_t size;                /* in whole ARENA_ALIGNs */
    alignas(max_align_t) uint8_t bytes[];
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

/* Put a block of ${size} bytes on top; they are taken off the cap. */
static enum err
push(struct arena *arena, size_t size)
{
    struct arena_block *block;

    if (size > SIZE_MAX - sizeof(*block) ||
        (block = malloc(sizeof(*block) + size)) == NULL)
        return (E_NOMEM);
    block->next = arena->top;
    block->size = size;
    arena->top = block;
    arena->at = block->bytes;
    arena->room = size;
    arena->beyond -= size;
    return (E_OK);
}

enum err
arena_create(size_t cap, struct arena **arena)
{
    struct arena *a = NULL;
    enum err err;

    *arena = NULL;

    /* What is handed out is rounded up: so the rest is never used. */
    cap &= ~(ARENA_ALIGN - 1);

    err = E_NOMEM;
    if ((a = calloc(1, sizeof(*a))) == NULL)
        goto out;
    a->cap = a->beyond = cap;
    a->allocator.alloc = allocator_alloc;
    a->allocator.free = allocator_free;
    a->allocator.allocator_data = a;
    if ((err = push(a, cap < BLOCK_FIRST ? cap : BLOCK_FIRST)) != E_OK)
        goto out;

    *arena = a;
    a = NULL;
    err = E_OK;

out:
    arena_free(a);
    return (err);
}

/*
 * Put a block on top that has room for ${n}, twice as large as the last.  What
 * the last one has left goes back to the cap.
 */
static enum err
grow(struct arena *arena, size_t n)
{
    const size_t room = arena->room, left = arena->beyond + room;
    size_t size = arena->top->size;
    enum err err;

    size = size > left / 2 ? left : 2 * size;
    if (size < n)
        size = (n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    arena->beyond = left;
    if ((err = push(arena, size)) != E_OK)
        arena->beyond -= room;
    return (err);
}

void *
arena_alloc_beyond(struct arena *arena, size_t n)
{
    if (n == 0)
        n = 1;
    if (n > arena->beyond + arena->room) {
        arena->exhausted = 1;
        return (NULL);
    }
    if (n > arena->room && grow(arena, n) != E_OK)
        return (NULL);
    return (arena_alloc(arena, n));
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
    struct arena_block *next;

    while ((next = arena->top->next) != NULL) {
        free(arena->top);
        arena->top = next;
    }
    arena->at = arena->top->bytes;
    arena->room = arena->top->size;
    arena->beyond = arena->cap - arena->room;
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
