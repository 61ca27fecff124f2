#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

/*
 * How a long job comes on, on standard error: a line that renews itself on a
 * terminal, a line every ten seconds elsewhere; nothing within the first half
 * second, and nothing if quiet.
 */

#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *what;       /* borrowed: "rows" */
    int quiet;
    int terminal;
    int64_t began_us;
    int64_t last_us;
    int shown;
};

/**
 * progress_begin(progress, what, quiet):
 * Begin a job that is counted in ${what}.
 */
void progress_begin(struct progress *progress, const char *what, int quiet);

/**
 * progress_show(progress, done, rejected, part):
 * ${done} are done, ${rejected} of them not taken; ${part} is the share of the
 * whole, 0 to 1, or below 0 if nobody knows.  Says so if it is time to.
 */
void progress_show(struct progress *progress, int64_t done, int64_t rejected,
    double part);

/**
 * progress_end(progress):
 * Take the line away.  Returns the seconds since the beginning.
 */
double progress_end(struct progress *progress);

#endif /* !CLIENT_PROGRESS_H */
