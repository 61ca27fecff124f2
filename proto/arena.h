#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

/*
 * A bump allocator with a hard cap, behind the allocator that protobuf-c asks
 * for: protobuf-c can turn one byte of input into 83 of memory, and an arena
 * whose allocation returns NULL turns that into a clean failure.
 */

#include <protobuf-c/protobuf-c.h>
#include <stdalign.h>
#include <stddef.h>

#include "proto/bytes.h"
#include "proto/err.h"

/* What each allocation is rounded up to. */
#define ARENA_ALIGN alignof(max_align_t)

/* Open for arena_alloc() alone. */
struct arena {
    uint8_t *at;            /* in the top block; what comes next goes here */
    size_t room;            /* behind ${at}, in whole ARENA_ALIGNs */
    size_t beyond;          /* of the cap, what no block was made for yet */
    size_t cap;
    struct arena_block *top;
    int exhausted;
    ProtobufCAllocator allocator;
};

/**
 * arena_create(cap, arena):
 * Create an arena that hands out at most ${cap} bytes between resets, and
 * store it in ${*arena}.  The caller owns it; free with arena_free().
 *
 * Fails: E_NOMEM.  On failure ${*arena} is NULL.
 */
enum err MUST_USE arena_create(size_t cap, struct arena **arena);

/**
 * arena_alloc_beyond(arena, n):
 * Do as arena_alloc(), which calls this for what does not fit the top block.
 */
void *arena_alloc_beyond(struct arena *arena, size_t n);

/**
 * arena_alloc(arena, n):
 * Return ${n} bytes, aligned for any type and not initialized, or NULL if the
 * cap or memory is exhausted.  They live until arena_reset() or arena_free().
 */
static inline void *
arena_alloc(struct arena *arena, size_t n)
{
    void *p = arena->at;

    /* Nothing gets an address of its own, too, but not here. */
    if (n - 1 >= arena->room)
        return (arena_alloc_beyond(arena, n));
    n = (n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    arena->at += n;
    arena->room -= n;
    return (p);
}

/**
 * arena_copy(arena, bytes):
 * Return a copy of ${bytes} with a NUL behind it, or NULL as arena_alloc().
 */
char *arena_copy(struct arena *arena, struct slice bytes);

/**
 * arena_allocator(arena):
 * Return the allocator to hand to protobuf-c; borrowed from ${arena}.  Its
 * free does nothing.
 */
ProtobufCAllocator *arena_allocator(struct arena *arena);

/**
 * arena_exhausted(arena):
 * Return non-zero if an allocation since the last reset was refused because
 * of the cap.
 */
int arena_exhausted(const struct arena *arena);

/**
 * arena_reset(arena):
 * Take back everything handed out.  The first block is kept for the next
 * use, what was beyond it is freed.
 */
void arena_reset(struct arena *arena);

/**
 * arena_free(arena):
 * Free ${arena} and everything handed out; NULL is allowed.
 */
void arena_free(struct arena *arena);

#endif /* !PROTO_ARENA_H */
