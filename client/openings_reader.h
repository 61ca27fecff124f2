#ifndef CLIENT_OPENINGS_READER_H
#define CLIENT_OPENINGS_READER_H

/*
 * A kept file of openings, read in the order of the log.  Lines are added as
 * they come, so that an upload that was repeated stands behind a later one:
 * the file is read once to find the pieces that are in order, and then all of
 * them at once.  Memory grows with these pieces, not with the lines.
 */

#include <stdint.h>

#include "client/opening_line.h"

/* Opaque types. */
struct openings_reader;

/* One line, borrowed until the next call. */
struct openings_line {
    struct slice text;          /* without its line feed */
    int64_t log_index;
    int64_t number;             /* in the file, from 1 */
};

/**
 * openings_reader_open(path, ours, reader, why, size):
 * Read ${path} once.  Nobody may add to it until it is freed, unless ${ours}:
 * then we ourselves have it open for that.  The caller owns ${*reader}; free
 * with openings_reader_free().
 *
 * Fails: E_IO (it cannot be read, or is being written to), E_CORRUPT (a line
 * is no opening), E_NOMEM.  On failure ${*reader} is NULL and ${why}, of
 * ${size} bytes, says of the first two what and where.
 */
enum err MUST_USE openings_reader_open(const char *path, int ours,
    struct openings_reader **reader, char *why, size_t size);

/**
 * openings_reader_count(reader) and openings_reader_first(reader):
 * Return how many whole lines there are, and the lowest index in them (-1 if
 * there is none).
 */
int64_t openings_reader_count(const struct openings_reader *reader);
int64_t openings_reader_first(const struct openings_reader *reader);

/**
 * openings_reader_last(reader):
 * Return the highest index, or -1.
 */
int64_t openings_reader_last(const struct openings_reader *reader);

/**
 * openings_reader_half(reader):
 * Return non-zero if half a line stands at the end.
 */
int openings_reader_half(const struct openings_reader *reader);

/**
 * openings_reader_next(reader, line):
 * Take the next line by index; of those with one index the first in the file
 * comes first.  What is added to the file meanwhile is not seen.
 *
 * Fails: E_NOTFOUND (there is none any more), E_IO, E_CORRUPT (it was changed
 * meanwhile).
 */
enum err MUST_USE openings_reader_next(struct openings_reader *reader,
    struct openings_line *line);

/**
 * openings_reader_free(reader):
 * Free ${reader}; NULL is allowed.
 */
void openings_reader_free(struct openings_reader *reader);

#endif /* !CLIENT_OPENINGS_READER_H */
