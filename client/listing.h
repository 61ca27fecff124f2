#ifndef CLIENT_LISTING_H
#define CLIENT_LISTING_H

/*
 * A list that comes page by page, on standard output: JSON lines, JSON (one
 * array) and CSV as they come; a table in pieces of a thousand rows, each with
 * its header.  Memory does not grow with the list.
 */

#include <jansson.h>

#include "client/command.h"
#include "client/table.h"

struct listing {
    const struct invocation *run;
    const char *const *columns;     /* borrowed */
    const char *const *csv;         /* their names in CSV; NULL: the same */
    size_t ncolumns;
    struct table *table;            /* owned */
    size_t n;                       /* items so far */
    char *token;                    /* owned; of the next page, or NULL */
};

/**
 * listing_is_json(listing):
 * Return non-zero if what is added must be JSON, and cells are not looked at;
 * otherwise only cells are.
 */
int listing_is_json(const struct listing *listing);

/**
 * listing_add(listing, item, cells):
 * Add ${item}, and the row of it.  Returns 0, or -1 if memory ran out.
 */
int listing_add(struct listing *listing, const ProtobufCMessage *item,
    const char *const *cells);

/**
 * listing_add_json(listing, item):
 * As listing_add(), where JSON is wanted; takes the reference ${item} over,
 * and NULL is a failure.
 */
int listing_add_json(struct listing *listing, json_t *item);

/**
 * listing_turn(listing, next, error):
 * The page ended with the token ${next}.  Returns 1 if there is another page,
 * whose token is then listing->token; 0 if not; -1 with ${*error}: a server
 * that gave the same page again would never end.
 */
int listing_turn(struct listing *listing, const char *next,
    struct vouch_error *error);

/**
 * listing_end(listing):
 * Write what is left.  Returns 0, or -1 if memory ran out.
 */
int listing_end(struct listing *listing);

/**
 * listing_free(listing):
 * Free what ${listing} owns; allowed after {0}.
 */
void listing_free(struct listing *listing);

#endif /* !CLIENT_LISTING_H */
