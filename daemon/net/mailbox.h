#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

/*
 * How other threads reach a worker: a function and a cookie go in on any
 * thread, and are run in that order on the worker's loop.
 *
 * Posting never fails (store.h demands it).  The ring has room for
 * MAILBOX_RESERVE posts from the start and doubles when it is full; only if
 * memory is then refused does the poster wait, a millisecond at a time, until
 * the loop has emptied the ring or memory is there again.
 */

#include <event2/event.h>

#include "proto/err.h"
#include "store/store.h"

/* Opaque types. */
struct mailbox;

enum { MAILBOX_RESERVE = 1024 };

/**
 * mailbox_create(base, mailbox):
 * Make a mailbox whose posts are run by the loop ${base}, which is borrowed
 * and must outlive it.  The caller owns ${*mailbox}; free with mailbox_free().
 *
 * Fails: E_NOMEM, E_IO.  On failure ${*mailbox} is NULL.
 */
enum err MUST_USE mailbox_create(struct event_base *base,
    struct mailbox **mailbox);

/**
 * mailbox_post(mailbox, fn, cookie):
 * Have ${fn}(${cookie}) run on the loop, soon.  Any thread.
 */
void mailbox_post(struct mailbox *mailbox, void (*fn)(void *cookie),
    void *cookie);

/**
 * mailbox_store_post(mailbox):
 * Return ${mailbox} as the store wants it; valid until mailbox_free().
 */
struct store_post mailbox_store_post(struct mailbox *mailbox);

/**
 * mailbox_run(mailbox):
 * Run what has been posted, now; the loop's own thread only.  What is posted
 * meanwhile is left for the next time.
 */
void mailbox_run(struct mailbox *mailbox);

/**
 * mailbox_free(mailbox):
 * Run what is left, and free ${mailbox}; nobody may post any more.  NULL is
 * allowed.
 */
void mailbox_free(struct mailbox *mailbox);

#endif /* !NET_MAILBOX_H */
