#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

/*
 * Where the rows of an upload come from: bytes of a file go in, rows come out.
 * The file is the plain CSV of rows.h, or whatever a mapping (mapping.h) says
 * how to read.  Where the mapping folds several records into one row, rows come
 * at the end of the file, each with the line of its first record.
 */

#include <stdint.h>

#include "client/mapping.h"
#include "client/rows.h"
#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"

/* Opaque types. */
struct source;

/* Who takes what comes out; called from source_feed() and source_end(). */
struct source_sink {
    void *cookie;
    /*
     * There is something to take: source_take() gives it, as often as it is
     * called from here.  Anything but E_OK ends the reading with that error.
     */
    enum err (*ready)(void *cookie);
    /* The record on ${line} is rejected.  An error ends the reading, too. */
    enum err (*reject)(void *cookie, int64_t line,
        const struct rows_fault *fault);
};

/* What became of the records of the file. */
struct source_counts {
    int64_t read;           /* without the header */
    int64_t folded;         /* into the row of an earlier one */
};

/* What stopped the reading. */
struct source_fault {
    char why[300];                          /* "": nothing about the file */
    long line;                              /* 0: the file as a whole */
    struct mapping_faults *mapping;         /* borrowed; NULL: it is the file */
};

/**
 * source_create(mapping, day, sink, source):
 * Create a source; ${mapping}, borrowed as ${sink} is and of no other source,
 * may be NULL for the plain CSV.  The file shows what was so on the day number
 * ${day}.  The caller
 * owns ${*source}; free with source_free().
 *
 * Fails: E_NOMEM, E_NOTFOUND (this system does not know the encoding), E_IO (no
 * temporary file; errno says why).  On failure ${*source} is NULL.
 */
enum err MUST_USE source_create(struct mapping *mapping, int32_t day,
    const struct source_sink *sink, struct source **source);

/**
 * source_feed(source, bytes, fault):
 * Read ${bytes} of the file.
 *
 * Fails: E_INVAL, E_TOOBIG (the file is not what it should be: ${*fault} says
 * why), E_NOMEM, E_IO (of the temporary file, with ${*fault}), and whatever the
 * sink answered.  After a failure only source_free() is allowed, and what
 * ${*fault} borrows lives until then.
 */
enum err MUST_USE source_feed(struct source *source, struct slice bytes,
    struct source_fault *fault);

/**
 * source_end(source, fault):
 * There are no more bytes; rows may come now.  Fails as source_feed().
 */
enum err MUST_USE source_end(struct source *source,
    struct source_fault *fault);

/**
 * source_take(source, arena, row, line, fault):
 * Make the row that is ready, which lives as long as what ${arena} handed out.
 * ${*line} is its line, on failure too.
 *
 * Fails: E_INVAL (it is rejected: ${*fault} says why), E_TOOBIG (the arena is
 * full), E_NOMEM, E_IO.
 */
enum err MUST_USE source_take(struct source *source, struct arena *arena,
    Vouch__V1__CredentialRow **row, int64_t *line, struct rows_fault *fault);

/**
 * source_counts(source):
 * Return what became of the records so far.
 */
struct source_counts source_counts(const struct source *source);

/**
 * source_next_line(source, previous):
 * Return the line of the next record that was folded into the same row as the
 * one on ${previous}; 0: there is none.
 */
int64_t source_next_line(const struct source *source, int64_t previous);

/**
 * source_column(source, field):
 * Return what the file calls that which the server calls ${field}; borrowed
 * from ${source}, or ${field} itself.
 */
const char *source_column(const struct source *source, const char *field);

/**
 * source_free(source):
 * Free ${source}; NULL is allowed.
 */
void source_free(struct source *source);

#endif /* !CLIENT_SOURCE_H */
