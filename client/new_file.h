#ifndef CLIENT_NEW_FILE_H
#define CLIENT_NEW_FILE_H

/*
 * Files that are there as a whole, on disk and for their owner alone, or not at
 * all.
 */

#include "proto/bytes.h"
#include "proto/err.h"

/**
 * new_file_check(path):
 * Find out, before there is anything to write, what would stand against
 * new_file_write(); fails as that, as far as it can be told.  "-" is standard
 * output.
 */
enum err MUST_USE new_file_check(const char *path);

/**
 * new_file_write(path, bytes):
 * Write ${bytes} to the new file ${path} (mode 0600), or to standard output if
 * it is "-".  What is there already is never touched.
 *
 * Fails: E_EXISTS (the name is taken, or "-" is a terminal), E_IO (errno says
 * why), E_NOMEM.  No new file is there then, but for E_LOST: it is, and a power
 * failure may take it.
 */
enum err MUST_USE new_file_write(const char *path, struct slice bytes);

/**
 * new_file_replace(path, bytes):
 * As new_file_write(), in the place of the file ${path} if there is one.
 */
enum err MUST_USE new_file_replace(const char *path, struct slice bytes);

/**
 * new_file_fault(path, err):
 * Return what a failure of the above means, for a person; after E_IO before
 * errno changes.
 */
const char *new_file_fault(const char *path, enum err err);

#endif /* !CLIENT_NEW_FILE_H */
