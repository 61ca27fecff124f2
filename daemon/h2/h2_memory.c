#include "h2/h2_memory.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What a session begins with, and some room. */
#define PAGES ((size_t)32 * 1024)

void
h2_memory_open(struct h2_memory *memory)
{
    void *p = mmap(NULL, PAGES, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *memory = (struct h2_memory){0};
    if (p == MAP_FAILED)
        return;
    /* One big page would be there as a whole. */
    (void)madvise(p, PAGES, MADV_NOHUGEPAGE);
    memory->pages = p;
}

static int
is_ours(const struct h2_memory *memory, const void *p)
{
    return (memory->pages != NULL && (const uint8_t *)p >= memory->pages &&
        (const uint8_t *)p < memory->pages + PAGES);
}

/* Return zeroed bytes of the pages, or NULL if malloc() is to be asked. */
static void *
take(struct h2_memory *memory, size_t n)
{
    const size_t align = alignof(max_align_t);
    uint8_t *p;

    if (memory->begun || memory->pages == NULL || n > PAGES - memory->used)
        return (NULL);
    p = memory->pages + memory->used;
    memory->used += (n + align - 1) / align * align;
    if (memory->used > PAGES)
        memory->used = PAGES;
    return (p);
}

static void *
mem_malloc(size_t n, void *cookie)
{
    void *p = take(cookie, n);

    return (p != NULL ? p : malloc(n));
}

static void
mem_free(void *p, void *cookie)
{
    if (!is_ours(cookie, p))
        free(p);
}

static void *
mem_calloc(size_t n, size_t size, void *cookie)
{
    void *p = size > 0 && n <= SIZE_MAX / size ? take(cookie, n * size) : NULL;

    return (p != NULL ? p : calloc(n, size));
}

/* How long it was is not known, but not that it went beyond the end. */
static void *
mem_realloc(void *p, size_t n, void *cookie)
{
    const struct h2_memory *memory = cookie;
    size_t left;
    void *to;

    if (p == NULL)
        return (mem_malloc(n, cookie));
    if (!is_ours(memory, p))
        return (realloc(p, n));
    if ((to = malloc(n)) == NULL)
        return (NULL);
    left = (size_t)(memory->pages + PAGES - (uint8_t *)p);
    memcpy(to, p, n < left ? n : left);
    return (to);
}

nghttp2_mem
h2_memory_of(struct h2_memory *memory)
{
    return ((nghttp2_mem){memory, mem_malloc, mem_free, mem_calloc,
        mem_realloc});
}

void
h2_memory_begun(struct h2_memory *memory)
{
    memory->begun = 1;
}

void
h2_memory_close(struct h2_memory *memory)
{
    if (memory->pages != NULL)
        (void)munmap(memory->pages, PAGES);
    *memory = (struct h2_memory){0};
}
