#ifndef SERVICE_RECORD_TEXT_H
#define SERVICE_RECORD_TEXT_H

/*
 * Parts of a credential's record as short texts, and what differs between two
 * records, for whoever published them.  Never what only a hash is kept of.
 */

#include <stddef.h>

#include "vouch/v1/log_entry.pb-c.h"

/* Texts are cut at these sizes, their ends included. */
#define RECORD_TEXT 256
#define RECORD_STATUS 96

/**
 * record_text_status(record, text):
 * Write the status of ${record}, as in "ACTIVE/CONDITIONS".
 */
void record_text_status(const Vouch__V1__CredentialRecord *record,
    char text[RECORD_STATUS]);

/**
 * record_text_name(record, text):
 * Write the present name, as in "Rivera, Ana M Jr".
 */
void record_text_name(const Vouch__V1__CredentialRecord *record,
    char text[RECORD_TEXT]);

/**
 * record_text_periods(record, text):
 * Write the ends of the periods, as in "2027-12-31, grace 2028-03-31".
 */
void record_text_periods(const Vouch__V1__CredentialRecord *record,
    char text[RECORD_TEXT]);

/**
 * record_text_whole(record, text):
 * Write what matters of a new record.
 */
void record_text_whole(const Vouch__V1__CredentialRecord *record,
    char text[RECORD_TEXT]);

/* Something that differs. */
struct record_difference {
    const char *field;          /* as in CredentialRow; a constant */
    char before[RECORD_TEXT];
    char after[RECORD_TEXT];
};

/**
 * record_text_difference(before, after, difference):
 * Write the first thing in which the two records of one credential differ,
 * status, periods and present name aside; "effective_on" if in nothing.
 */
void record_text_difference(const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after,
    struct record_difference *difference);

/**
 * record_text_moved_back(before, after, difference):
 * Return non-zero if a date of ${after} is before that of ${before}: the day
 * of issue, or the end of a period; and write which.
 */
int record_text_moved_back(const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after,
    struct record_difference *difference);

/**
 * record_text_other_factor(before, after, difference):
 * Return non-zero if a private fact of ${before} is another in ${after}, or
 * not on file any more; and write which.
 */
int record_text_other_factor(const Vouch__V1__CredentialRecord *before,
    const Vouch__V1__CredentialRecord *after,
    struct record_difference *difference);

#endif /* !SERVICE_RECORD_TEXT_H */
