#ifndef CLIENT_PUBLISH_MAPPING_H
#define CLIENT_PUBLISH_MAPPING_H

/*
 * The mapping that `vouch publish` was given, and what is said of its faults.
 */

#include <stdint.h>

#include "client/command.h"
#include "client/mapping.h"

/**
 * publish_mapping_open(run, mapping):
 * Read the file that --mapping names; without the flag ${*mapping} is NULL.
 * The caller frees it with mapping_free().  Returns 0, or an exit code after
 * having said why.
 */
int publish_mapping_open(const struct invocation *run,
    struct mapping **mapping);

/**
 * publish_mapping_faults(run, faults, path):
 * Say what of the mapping does not fit the file ${path}; return the exit code
 * that it means.
 */
int publish_mapping_faults(const struct invocation *run,
    struct mapping_faults *faults, const char *path);

/**
 * publish_mapping_day(run, day):
 * Tell the number of the day that the file shows: that which --extracted-at
 * names, in its own offset, or today where this runs.
 */
void publish_mapping_day(const struct invocation *run, int32_t *day);

#endif /* !CLIENT_PUBLISH_MAPPING_H */
