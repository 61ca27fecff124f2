#ifndef SERVICE_PUBLISH_ROW_H
#define SERVICE_PUBLISH_ROW_H

/*
 * The rules that one uploaded row must meet, whatever else is on file.
 */

#include "proto/civil.h"
#include "proto/err.h"
#include "proto/number.h"
#include "proto/status_word.h"
#include "service/catalog_index.h"

#include "vouch/v1/publishing_service.pb-c.h"

/* Why a row is not taken: its reason on the wire, and for a person. */
#define ROW_FAULTS(X)                                                       \
    X(FIELD_MISSING, "must be given")                                       \
    X(FIELD_TOO_LONG, "is longer than the field allows")                    \
    X(FIELD_NOT_CLEAN, "holds control, bidirectional or private-use "       \
        "characters")                                                       \
    X(TOO_MANY_VALUES, "has more values than the field allows")             \
    X(UNKNOWN_CREDENTIAL_TYPE, "is not a credential type in the catalog")   \
    X(FOREIGN_CREDENTIAL_TYPE, "is another association's credential type")  \
    X(NUMBER_INVALID, "must be printable ASCII, and more than blanks and "  \
        "separators")                                                       \
    X(DATE_INVALID, "is no year, month or day that exists")                 \
    X(DATE_IN_FUTURE, "is too far in the future")                           \
    X(DATE_TOO_EARLY, "is before 1850")                                     \
    X(LAST4_INVALID, "must be exactly four digits")                         \
    X(STATUS_WORD_UNKNOWN, "is none of Vouch's status words; map it to a "  \
        "standing")                                                         \
    X(STATUS_CONTRADICTORY, "is given with a standing other than INACTIVE") \
    X(PERIOD_REVERSED, "ends before it begins")                             \
    X(GRACE_WITHOUT_END, "has a grace end and no end")                      \
    X(DUPLICATE_ROW, "has rows in this upload that contradict each other: " \
        "none of them is taken")                                            \
    X(NUMBER_COLLISION, "has the same form as a number that is written "    \
        "otherwise and belongs to another holder; if it is the same "       \
        "person give holder_ref or former_family")                          \
    X(HOLDER_UNCLEAR, "is needed: the row may be of more than one holder "   \
        "on file under this number")                                        \
    X(LATER_WORD_ON_FILE, "has a later word on file than the time at which " \
        "this upload was extracted")                                        \
    X(TYPE_NOT_IN_SNAPSHOT, "is none of the credential types that the "      \
        "snapshot names")                                                   \
    X(UNREAD_ROW, "could not be read by the publisher's own side")          \
    X(NUMBER_OVERFULL, "has more history under it than can be kept")

enum row_fault {
#define X(name, text) ROW_##name,
    ROW_FAULTS(X)
#undef X
    ROW_FAULT_COUNT
};

#define ROW_FIELDS(X)                                                       \
    X(credential_type_id) X(number) X(holder_ref) X(name) X(former_family)  \
    X(birth_date) X(last4) X(issued_on) X(periods) X(raw_status)            \
    X(raw_reason) X(inactive_reason) X(effective_on) X(unread)

enum row_field {
#define X(name) ROW_FIELD_##name,
    ROW_FIELDS(X)
#undef X
    ROW_FIELD_COUNT
};

struct row_reject {
    int64_t line;
    enum row_fault fault;
    enum row_field field;
};

/* What a row is held against. */
struct row_terms {
    const struct catalog_index *catalog;
    const Vouch__V1__Association *association;
    struct number_rules rules;
    int32_t today;              /* day number in the association's offset */
    int listing;                /* it is a snapshot, of these types alone, */
    const size_t *types;        /* borrowed, by place in the catalog */
    size_t ntypes;
};

/**
 * publish_row_check(row, terms, reject):
 * Check ${row}, which has passed message_scan() without unknown fields or
 * values.
 *
 * Fails: E_INVAL (${*reject} says why; nowhere else is it touched), E_NOMEM.
 */
enum err MUST_USE publish_row_check(const Vouch__V1__CredentialRow *row,
    const struct row_terms *terms, struct row_reject *reject);

/**
 * publish_row_has_key(row, terms):
 * Return non-zero if it can be told which credential ${row} speaks of, by type
 * and number, whatever else is wrong with it.
 */
int publish_row_has_key(const Vouch__V1__CredentialRow *row,
    const struct row_terms *terms);

/**
 * publish_row_reason(fault):
 * Return the reason on the wire; a constant.
 */
const char *publish_row_reason(enum row_fault fault);

/**
 * publish_row_status(row, axes, table_version):
 * Tell what the status of ${row} means, and in ${*table_version} the version
 * of our own table if that gave it its meaning, 0 if the publisher did.
 *
 * Fails: E_INVAL (a word of its own, and no meaning given).
 */
enum err MUST_USE publish_row_status(const Vouch__V1__CredentialRow *row,
    struct status_axes *axes, int32_t *table_version);

/**
 * publish_row_date(date):
 * Return ${date}, or what is not given if it is NULL.
 */
struct civil publish_row_date(const Vouch__V1__Date *date);

/**
 * publish_row_fill(reject, out):
 * Say ${reject} in ${out}, by constants.
 */
void publish_row_fill(const struct row_reject *reject,
    Vouch__V1__RowReject *out);

#endif /* !SERVICE_PUBLISH_ROW_H */
