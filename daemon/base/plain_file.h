#ifndef BASE_PLAIN_FILE_H
#define BASE_PLAIN_FILE_H

/*
 * Files that others write while we read them, and one that we write while
 * others may.
 */

#include <sys/types.h>

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/sha256.h"

/* What tells one state of a path from another: no file is read for it. */
struct plain_print {
    uint8_t digest[SHA256_BYTES];
};

/**
 * plain_file_print(path, print):
 * Note what ${path} is now: a file, a folder with the files in it (not those
 * whose names begin with a dot), or nothing.  Two prints are the same bytes if
 * nothing was written, replaced, added or removed in between.
 *
 * Fails: E_IO (${path} is there and cannot be looked at).
 */
enum err MUST_USE plain_file_print(const char *path,
    struct plain_print *print);

/**
 * plain_file_read(path, out, why):
 * Append to ${out} what the regular file ${path} holds.
 *
 * Fails: E_NOTFOUND (there is none), E_TOOBIG (${out} does not hold so much),
 * E_BUSY (it was written to meanwhile), E_IO, E_NOMEM; ${out} may then hold a
 * part, and ${*why} says what is wrong, a constant or strerror()'s.
 */
enum err MUST_USE plain_file_read(const char *path, struct buf *out,
    const char **why);

/**
 * plain_file_replace(path, text, why):
 * Make ${text} what ${path} holds: on disk, all or nothing whenever the
 * machine stops.  Who may read it stays as it was; if it is new, its owner.
 *
 * Fails: E_FULL, E_IO, E_NOMEM: ${path} is as it was; ${*why} says what is
 * wrong, as above.  E_LOST: it holds ${text}, but perhaps not on disk.
 */
enum err MUST_USE plain_file_replace(const char *path, struct slice text,
    const char **why);

/**
 * plain_file_make(path, mode, text, why):
 * Make ${path}, which must not be there, hold ${text}, with that ${mode}: on
 * disk, all or nothing.
 *
 * Fails: E_EXISTS (there is something called ${path}), E_FULL, E_IO: nothing
 * was made.  E_LOST as above.  ${*why} as above.
 */
enum err MUST_USE plain_file_make(const char *path, mode_t mode,
    struct slice text, const char **why);

/**
 * plain_file_sync_folder(path, why):
 * Have on disk what the folder of ${path} calls its files by now.
 *
 * Fails: E_LOST; ${*why} as above.
 */
enum err MUST_USE plain_file_sync_folder(const char *path, const char **why);

#endif /* !BASE_PLAIN_FILE_H */
