#include "client/event_pages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/error.h"
#include "client/text.h"

#define PAGE 250        /* as many as the server gives */

/* A server that gives the same page again would never end. */
static int
keep_token(struct event_pages *p, struct vouch_error *error)
{
    const char *next = p->page->next_page_token;
    char *token = NULL;

    if (next[0] != '\0' && p->page->n_events == 0)
        return (error_nonsense(error, "the server gave a page without an "
            "event, and not the last"));
    if (next[0] != '\0' && (token = text_copy(next)) == NULL)
        return (error_memory(error));
    free(p->token);
    p->token = token;
    p->ended = token == NULL;
    return (0);
}

static int
turn(struct event_pages *p, struct vouch_error *error)
{
    if (p->page != NULL)
        vouch_free_message(&p->page->base);
    p->page = NULL;
    p->at = 0;
    p->request.page_size = PAGE;
    if (p->token != NULL)
        p->request.page_token = p->token;
    if (vouch_call(p->vouch, "vouch.v1.PublishingService/ListEvents",
        &p->request.base, &vouch__v1__list_events_response__descriptor,
        (ProtobufCMessage **)&p->page, error) != 0)
        return (-1);
    return (keep_token(p, error));
}

static int
check(struct event_pages *p, const Vouch__V1__ListedEvent *event,
    struct vouch_error *error)
{
    const Vouch__V1__Opening *o = event->opening;
    uint8_t data[LEAF_DATA];

    if (o == NULL || o->salt.len != LEAF_SALT || o->event.len == 0 ||
        event->leaf_data.len != LEAF_DATA)
        return (error_nonsense(error,
            "the server listed an event without all of its opening"));
    if (o->log_index < 0 || (p->begun && o->log_index <= p->last)) {
        (void)error_set(error, VOUCH_FAILURE_EVIDENCE, "the server listed "
            "log entry %" PRId64 " behind %" PRId64, o->log_index, p->last);
        return (-1);
    }
    if (leaf_data(LEAF_EVENT, o->salt.data,
        (struct slice){o->event.data, o->event.len}, data) != E_OK)
        return (error_memory(error));
    if (memcmp(data, event->leaf_data.data, LEAF_DATA) != 0) {
        (void)error_set(error, VOUCH_FAILURE_EVIDENCE, "log entry %" PRId64
            ": what the server shows is not what its log commits to",
            o->log_index);
        error_next(error, "keep what it said, and ask the operator and an "
            "auditor");
        return (-1);
    }
    p->begun = 1;
    p->last = o->log_index;
    return (0);
}

int
event_pages_next(struct event_pages *p, const Vouch__V1__ListedEvent **event,
    struct vouch_error *error)
{
    *event = NULL;
    while (p->page == NULL || p->at == p->page->n_events) {
        if (p->ended)
            return (0);
        if (turn(p, error) != 0)
            return (-1);
    }
    if (check(p, p->page->events[p->at], error) != 0)
        return (-1);
    *event = p->page->events[p->at++];
    return (1);
}

void
event_pages_free(struct event_pages *p)
{
    if (p->page != NULL)
        vouch_free_message(&p->page->base);
    free(p->token);
    p->page = NULL;
    p->token = NULL;
}
