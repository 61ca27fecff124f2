#ifndef CLIENT_OPENINGS_FILE_H
#define CLIENT_OPENINGS_FILE_H

/*
 * The file of openings that an association keeps (docs/openings.md): lines are
 * added at its end and none is ever changed.  Nobody but its owner may read
 * it: events hold names.
 *
 * Whoever is cut off while writing may leave half a line at the end; whoever
 * opens the file to write next takes it away.  Only one at a time may write.
 *
 * What is no regular file (a pipe, a device) is written to as it is.
 */

#include <stdint.h>
#include <stdio.h>

#include "client/opening_line.h"

/* Opaque types. */
struct openings_file;

/**
 * openings_file_open(path, file, why, size):
 * Open ${path} to add to it, and make it if it is not there.  The caller owns
 * ${*file}; end with openings_file_close().  Returns 0; or -1 with ${*file}
 * NULL and ${why}, of ${size} bytes: it cannot be opened, is in use, or holds
 * something else than openings, and then it is as it was.
 */
int openings_file_open(const char *path, struct openings_file **file,
    char *why, size_t size);

/**
 * openings_file_mended(file):
 * Return how many bytes of half a line were taken away.
 */
int64_t openings_file_mended(const struct openings_file *file);

/**
 * openings_file_add(file, opening):
 * Add a line.  That the file could not be written shows when it is closed.
 *
 * Fails: as opening_line_put().
 */
enum err MUST_USE openings_file_add(struct openings_file *file,
    const struct opening *opening);

/**
 * openings_file_close(file):
 * Have everything on disk, close and free; NULL is allowed.  Returns 0, or -1
 * with errno: not all of it may be there.
 */
int openings_file_close(struct openings_file *file);

#endif /* !CLIENT_OPENINGS_FILE_H */
