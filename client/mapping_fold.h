#ifndef CLIENT_MAPPING_FOLD_H
#define CLIENT_MAPPING_FOLD_H

/*
 * Records of one credential, however far apart in the file, folded into one
 * row.  Rows wait in a temporary file, which has no name and which nobody else
 * may read; in memory there are about 60 bytes for each.
 *
 * All rows of a credential must say the same, but for what their cases add;
 * where one of them contradicts, or could not be read, none is taken.
 */

#include <stdint.h>

#include "client/mapping.h"
#include "proto/bytes.h"
#include "proto/err.h"

#define MAPPING_FOLD_KEY 16

/* Opaque types. */
struct mapping_fold;

enum mapping_verdict {
    MAPPING_FOLD_TAKE, MAPPING_FOLD_CONTRADICTORY, MAPPING_FOLD_SPOILED
};

/* What came of the records of one credential. */
struct mapping_group {
    int64_t line;               /* of the first that could be read */
    int64_t other;              /* which contradicts, or could not be read */
    size_t n;                   /* that could be read; 0: there is no group */
    enum mapping_verdict verdict;
    struct slice row;           /* packed, without its line; borrowed */
    struct mapping_meaning open;    /* the gravest of all open cases */
};

/**
 * mapping_fold_create(fold):
 * Create an empty fold in the folder that TMPDIR names, or /tmp.  The caller
 * owns ${*fold}; free with mapping_fold_free().
 *
 * Fails: E_IO (errno says why), E_NOMEM.  On failure ${*fold} is NULL.
 */
enum err MUST_USE mapping_fold_create(struct mapping_fold **fold);

/**
 * mapping_fold_put(fold, line, key, row, open):
 * Add the record on ${line}, which must grow; ${row} is empty for one that is
 * of this credential and could not be read.
 *
 * Fails: E_IO (errno), E_TOOBIG (more than 2^32 - 2 records), E_NOMEM.
 */
enum err MUST_USE mapping_fold_put(struct mapping_fold *fold, int64_t line,
    const uint8_t key[MAPPING_FOLD_KEY], struct slice row,
    const struct mapping_meaning *open);

/**
 * mapping_fold_next(fold, group):
 * Give the next credential, in the order of first lines; what ${*group}
 * borrows lives until the next call.
 *
 * Fails: E_IO (errno), E_NOMEM.
 */
enum err MUST_USE mapping_fold_next(struct mapping_fold *fold,
    struct mapping_group *group);

/**
 * mapping_fold_next_line(fold, previous):
 * Return the line of the next record of the same credential that could be
 * read; 0: there is none.
 */
int64_t mapping_fold_next_line(const struct mapping_fold *fold,
    int64_t previous);

/**
 * mapping_fold_part(fold, line):
 * Let the record on ${line} no longer be followed by another.
 */
void mapping_fold_part(struct mapping_fold *fold, int64_t line);

/**
 * mapping_fold_free(fold):
 * Free ${fold} and its file; NULL is allowed.
 */
void mapping_fold_free(struct mapping_fold *fold);

#endif /* !CLIENT_MAPPING_FOLD_H */
