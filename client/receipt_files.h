#ifndef CLIENT_RECEIPT_FILES_H
#define CLIENT_RECEIPT_FILES_H

/*
 * The receipts that somebody names: files, folders, standard input.  Of a
 * folder it is each file in it, and in the folders in it, whose name ends with
 * ".receipt"; what is a link there is passed over.  However many there are,
 * they come one by one, in the order of the file system.
 */

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

/* Folders in folders. */
#define RECEIPT_FILES_DEPTH 64

struct receipt_files {
    void *cookie;
    /*
     * One file: its ${bytes}, or why it could not be read, ${fault}, or NULL.
     * Both borrowed for this call.  Anything but E_OK ends the walk.
     */
    enum err (*take)(void *cookie, const char *path, struct slice bytes,
        const char *fault);
    int64_t others;             /* files in folders that were passed over */
    struct buf bytes;           /* of the file at hand; the walk's own */
};

/**
 * receipt_files_begin(files):
 * Prepare the walk's own part of ${files}.
 */
void receipt_files_begin(struct receipt_files *files);

/**
 * receipt_files_walk(files, path):
 * Have every receipt of ${path} taken; "-" is standard input.
 *
 * Fails: E_NOTFOUND (no such file), E_NOMEM, and whatever take() answered.
 */
enum err MUST_USE receipt_files_walk(struct receipt_files *files,
    const char *path);

/**
 * receipt_files_end(files):
 * Free the walk's own part.
 */
void receipt_files_end(struct receipt_files *files);

#endif /* !CLIENT_RECEIPT_FILES_H */
