#ifndef SERVICE_EVENT_READ_H
#define SERVICE_EVENT_READ_H

/*
 * Events as the store has them.  A verification reads at least one, so this is
 * written by hand: a third of the work of message_unpack(), which the tests
 * hold it to.
 */

#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"

#include "vouch/v1/log_entry.pb-c.h"

/**
 * event_read(bytes, arena, event):
 * Read ${bytes}, of our own writing, into ${arena} as message_unpack() does,
 * but without fields that this version does not know.  ${*event} borrows from
 * ${bytes} too, and lives as long as both.
 *
 * Fails: E_CORRUPT (not the wire form of an event, or a sub-message repeated
 * in a singular field), E_TOOBIG (the arena's cap), E_NOMEM.  On failure
 * ${*event} is NULL.
 */
enum err MUST_USE event_read(struct slice bytes, struct arena *arena,
    Vouch__V1__Event **event);

#endif /* !SERVICE_EVENT_READ_H */
