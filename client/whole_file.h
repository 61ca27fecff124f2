#ifndef CLIENT_WHOLE_FILE_H
#define CLIENT_WHOLE_FILE_H

/*
 * Small files, read whole.
 */

#include "proto/bytes.h"
#include "proto/err.h"

/**
 * whole_file_read(path, out):
 * Append what the file ${path} holds to ${out}, as much as that has room for;
 * "-" is standard input.
 *
 * Fails: E_NOTFOUND (no such file), E_TOOBIG (it holds more), E_IO (it cannot
 * be read; errno says why), E_NOMEM.  What ${out} holds then means nothing.
 */
enum err MUST_USE whole_file_read(const char *path, struct buf *out);

/**
 * whole_file_read_fd(fd, out):
 * As whole_file_read(), of what is left to read from ${fd}, which stays open.
 */
enum err MUST_USE whole_file_read_fd(int fd, struct buf *out);

/**
 * whole_file_fault(err):
 * Return what a failure of the above means, for a person; after E_IO before
 * errno changes.
 */
const char *whole_file_fault(enum err err);

#endif /* !CLIENT_WHOLE_FILE_H */
