#ifndef STORE_WRITER_H
#define STORE_WRITER_H

/*
 * The one thread that writes: it takes jobs from a queue, runs as many as a
 * group may hold in one transaction, each undone by itself if it fails, and
 * tells their submitters after the commit.
 */

#include "store/backend.h"

/* Opaque types. */
struct writer;

/**
 * writer_start(ops, self, options, writer):
 * Start the thread, to write by ${ops} into ${self}, which it alone may use
 * until writer_stop(); both are borrowed.  At most options->group_max jobs
 * share a commit; 0 is taken as 1.
 *
 * Fails: E_NOMEM, E_IO (no thread to be had).  On failure ${*writer} is NULL.
 */
enum err MUST_USE writer_start(const struct store_write_ops *ops, void *self,
    const struct store_options *options, struct writer **writer);

/**
 * writer_submit(writer, job):
 * As store_submit().
 */
void writer_submit(struct writer *writer, struct store_job *job);

/**
 * writer_progress(writer):
 * As store_progress().
 */
unsigned long writer_progress(struct writer *writer);

/**
 * writer_stop(writer):
 * Run what was submitted, end the thread and free ${writer}.  Return non-zero
 * if every write went well.
 */
int writer_stop(struct writer *writer);

#endif /* !STORE_WRITER_H */
