#ifndef CLIENT_OPENING_LINE_H
#define CLIENT_OPENING_LINE_H

/*
 * One line of the file of openings that an association keeps
 * (docs/openings.md), of exactly this form:
 *
 *     {"logIndex":"12","salt":"<32 digits>","event":"<digits>"}
 *
 * The index is decimal without leading zeros, the rest lower-case hexadecimal.
 * There is one way to write an opening: two lines are the same text if, and
 * only if, they are the same opening.
 */

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/leaf.h"

#define OPENING_EVENT_MAX 65536                 /* bytes of an event */
#define OPENING_LINE_MAX (2 * OPENING_EVENT_MAX + 128)

struct opening {
    int64_t log_index;
    const uint8_t *salt;            /* LEAF_SALT bytes */
    struct slice event;
};

/* What a piece of a file is. */
enum opening_line {
    OPENING_LINE_WHOLE,
    OPENING_LINE_BEGUN,             /* the beginning of one, or nothing */
    OPENING_LINE_NONE               /* something else */
};

/**
 * opening_line_scan(line, log_index):
 * Return what ${line}, which ends before its line feed, is; if it is WHOLE,
 * set ${*log_index}.
 */
enum opening_line opening_line_scan(struct slice line, int64_t *log_index);

/**
 * opening_line_put(opening, line):
 * Make ${line} the line of ${opening}, without a line feed.
 *
 * Fails: E_INVAL (index below 0, no event), E_TOOBIG (above
 * OPENING_EVENT_MAX), E_NOMEM.
 */
enum err MUST_USE opening_line_put(const struct opening *opening,
    struct buf *line);

#endif /* !CLIENT_OPENING_LINE_H */
