#ifndef CLIENT_EVENT_PAGES_H
#define CLIENT_EVENT_PAGES_H

/*
 * An association's own events as the server lists them, one after another,
 * page by page.  What comes is checked: each event has an index behind that of
 * the one before, a salt, bytes, and the leaf data that follow from these.
 */

#include <stdint.h>

#include "client/vouch.h"
#include "proto/leaf.h"

#include "vouch/v1/publishing_service.pb-c.h"

/* {0}, then to be set; the rest is the pages' own. */
struct event_pages {
    struct vouch *vouch;                    /* borrowed */
    Vouch__V1__ListEventsRequest request;   /* after its __INIT */

    Vouch__V1__ListEventsResponse *page;    /* owned */
    size_t at;                              /* in the page */
    char *token;                            /* owned; of the next page */
    int64_t last;                           /* index */
    int begun, ended;
};

/**
 * event_pages_next(pages, event, error):
 * Take the next event, borrowed until the next call: its opening is there.
 * Returns 1 with ${*event}; 0 with NULL if there is none any more; -1 with NULL
 * and ${*error} (VOUCH_FAILURE_EVIDENCE: the leaf data do not follow from the
 * opening, or an index does not grow).
 */
int event_pages_next(struct event_pages *pages,
    const Vouch__V1__ListedEvent **event, struct vouch_error *error);

/**
 * event_pages_free(pages):
 * Free what ${pages} own.
 */
void event_pages_free(struct event_pages *pages);

#endif /* !CLIENT_EVENT_PAGES_H */
