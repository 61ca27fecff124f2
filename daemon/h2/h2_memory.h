#ifndef H2_H2_MEMORY_H
#define H2_H2_MEMORY_H

/*
 * Where a session of nghttp2 lives.  It has about 26 kB from its beginning to
 * its end, of which 16 kB are room for one frame, and few frames are that
 * long.  All of it lies in pages of its own, of which those that nobody
 * writes to cost nothing: an idle connection is 13 kB smaller.  What comes
 * after the beginning is malloc()'s.
 */

#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

struct h2_memory {
    uint8_t *pages;         /* owned; NULL: malloc() must do */
    size_t used;
    int begun;              /* the pages take no more */
};

/**
 * h2_memory_open(memory):
 * Take pages, if there are any to be had.  Free with h2_memory_close().
 */
void h2_memory_open(struct h2_memory *memory);

/**
 * h2_memory_of(memory):
 * Return what nghttp2 is told to allocate with; borrows ${memory}, which must
 * stay where it is until the session is deleted.
 */
nghttp2_mem h2_memory_of(struct h2_memory *memory);

/**
 * h2_memory_begun(memory):
 * What lasts as long as the session is there: all else is malloc()'s.
 */
void h2_memory_begun(struct h2_memory *memory);

/**
 * h2_memory_close(memory):
 * Give the pages back; the session must be deleted.
 */
void h2_memory_close(struct h2_memory *memory);

#endif /* !H2_H2_MEMORY_H */
