#ifndef CLIENT_MAPPING_LOOSE_H
#define CLIENT_MAPPING_LOOSE_H

/*
 * Numbers of rows of which nobody can read to which credential they belong: any
 * of those numbers may be meant, and the row may be the one that tells of a
 * suspension.
 */

#include <stddef.h>
#include <stdint.h>

#include "client/mapping.h"
#include "proto/bytes.h"
#include "proto/csv_reader.h"
#include "proto/err.h"

#define MAPPING_LOOSE_MAX ((size_t)1 << 20)

struct mapping_loose_number {
    uint64_t hash;
    int64_t line;
};

/* Begins as {0}. */
struct mapping_loose {
    struct mapping_loose_number *numbers;   /* owned */
    size_t n;
    int sorted;
};

/**
 * mapping_loose_add(loose, number, line):
 * Note that the row on ${line} may be of ${number}.
 *
 * Fails: E_TOOBIG (there are MAPPING_LOOSE_MAX), E_NOMEM.
 */
enum err MUST_USE mapping_loose_add(struct mapping_loose *loose,
    struct slice number, int64_t line);

/**
 * mapping_loose_add_fields(loose, mapping, record):
 * Note the same of ${record}, which has too few fields or too many: any of them
 * may be the number.  Fails as mapping_loose_add().
 */
enum err MUST_USE mapping_loose_add_fields(struct mapping_loose *loose,
    const struct mapping *mapping, const struct csv_record *record);

/**
 * mapping_loose_find(loose, number):
 * Return the line of a row that may be of ${number}, or 0.  Two numbers in
 * 2^64 are taken for one.
 */
int64_t mapping_loose_find(struct mapping_loose *loose, struct slice number);

/**
 * mapping_loose_free(loose):
 * Free what ${loose} owns.
 */
void mapping_loose_free(struct mapping_loose *loose);

#endif /* !CLIENT_MAPPING_LOOSE_H */
