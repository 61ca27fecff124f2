#ifndef PROTO_STATUS_WORD_H
#define PROTO_STATUS_WORD_H

/*
 * Vouch's own status words, as the plain CSV of `vouch publish` uses them: a
 * standing ("ACTIVE", "ISSUED_IN_ERROR") or a restriction ("SUSPENDED",
 * "CONDITIONS": the credential is ACTIVE with it), in any case, with blank,
 * hyphen or underscore between words.  The reason of INACTIVE is one of LAPSED,
 * RETIRED, DECEASED, CLOSED, SUPERSEDED, or any other words, which are kept and
 * mean nothing.  An empty word means UNKNOWN.  A word that says nothing of
 * restriction or review means NONE.
 */

#include "proto/bytes.h"
#include "proto/err.h"

#include "vouch/v1/types.pb-c.h"

/* The table's version, as Event.status_table_version records it. */
#define STATUS_WORD_TABLE_VERSION 1

struct status_axes {
    Vouch__V1__Standing standing;
    Vouch__V1__InactiveReason inactive_reason;
    Vouch__V1__Restriction restriction;
    Vouch__V1__Review review;
};

/**
 * status_word_parse(word, reason, axes):
 * Tell what ${word} with ${reason} means.
 *
 * Fails: E_INVAL (not one of the words); ${*axes} is then UNKNOWN.
 */
enum err MUST_USE status_word_parse(struct slice word, struct slice reason,
    struct status_axes *axes);

#endif /* !PROTO_STATUS_WORD_H */
