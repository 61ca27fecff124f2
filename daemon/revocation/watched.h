#ifndef REVOCATION_WATCHED_H
#define REVOCATION_WATCHED_H

/*
 * When a path is to be read again: once it has changed and has rested for a
 * second since, because whoever writes it in place may not be done; with care
 * if it does not rest, for others wait for what it says; and after a fault
 * every ten seconds, because what was wrong may not show in the file.
 */

#include <stdint.h>

#include "base/plain_file.h"

/* {0}: nothing has been read. */
struct watched {
    struct plain_print seen;    /* when it was read */
    struct plain_print now;     /* at the last look, if it differs */
    int64_t begun_us;           /* when it first differed; monotonic */
    int64_t since_us;           /* since when it is like ${now} */
    int64_t retry_us;           /* when to read again after a fault; 0: never */
    int differs;
};

enum watched_state { WATCHED_SAME, WATCHED_MOVING, WATCHED_RESTLESS,
    WATCHED_CHANGED, WATCHED_RETRY };

/**
 * watched_look(watched, path):
 * Say how ${path} stands: as it was read; changed, and perhaps still being
 * written; likewise, but for so long that it is to be read all the same, with
 * care; to be read; or to be read once more.
 */
enum watched_state watched_look(struct watched *watched, const char *path);

/**
 * watched_begin(watched, path):
 * Note what ${path} is: it is about to be read.
 */
void watched_begin(struct watched *watched, const char *path);

/**
 * watched_end(watched, faults):
 * It has been read, with ${faults} or without.
 */
void watched_end(struct watched *watched, unsigned faults);

#endif /* !REVOCATION_WATCHED_H */
