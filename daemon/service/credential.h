#ifndef SERVICE_CREDENTIAL_H
#define SERVICE_CREDENTIAL_H

/*
 * From an uploaded row, and the credential's record as it was, to its record
 * as it is.  Pure: no store, no clock.
 *
 * Who is the same holder: if both sides give a holder_ref, it decides.  Else
 * the family name does: the row's present one is any of those on file, or one
 * of the row's former ones is; and suffixes, where both sides give one, must
 * not differ, be it in a field of its own or behind the family name.
 * Everything else under one number is another holder.
 *
 * What a row does not say is no longer so, except for names: a former name
 * once known stays on file.
 */

#include "proto/civil.h"
#include "proto/err.h"
#include "proto/leaf.h"
#include "proto/name_fold.h"
#include "proto/status_word.h"

#include "vouch/v1/log_entry.pb-c.h"
#include "vouch/v1/publishing_service.pb-c.h"

#define CREDENTIAL_FORMER_MAX 8     /* in a row */
#define CREDENTIAL_NAMES_MAX 32     /* on file; the oldest go first */
#define CREDENTIAL_PERIODS_MAX 4
#define CREDENTIAL_RAW_STATUS_MAX 100       /* bytes */
#define CREDENTIAL_RAW_REASON_MAX 200
#define CREDENTIAL_FACTORS_MAX 3

/* A row's names, folded once they are needed. */
struct credential_names {
    const Vouch__V1__CredentialRow *row;    /* borrowed */
    int folded;
    struct slice suffix;                    /* borrowed from the row */
    struct name_key present;
    struct name_key given;                  /* of the first given name */
    struct name_key former[CREDENTIAL_FORMER_MAX];
    struct slice former_suffix[CREDENTIAL_FORMER_MAX];  /* as ${suffix} */
};

/* How sure it is that two are one person; the higher the surer. */
enum credential_holder {
    HOLDER_OTHER,
    HOLDER_BY_FORMER_NAME,
    HOLDER_BY_FAMILY_NAME,      /* the given names contradict each other */
    HOLDER_BY_NAME,
    HOLDER_BY_REF
};

/**
 * credential_same_holder(record, names, holder):
 * Tell in ${*holder} whether the row of ${names} speaks of the holder of
 * ${record}.
 *
 * Fails: E_CORRUPT (a record without a name), E_NOMEM.
 */
enum err MUST_USE credential_same_holder(
    const Vouch__V1__CredentialRecord *record, struct credential_names *names,
    enum credential_holder *holder);

/**
 * credential_other_facts(record, row, key, credential_id, differ):
 * Tell in ${*differ} whether a private fact of ${row} contradicts the one in
 * ${record}, of the credential ${credential_id}.
 *
 * Fails: E_CORRUPT (a fact that is no hash), E_CRYPTO, E_NOMEM.
 */
enum err MUST_USE credential_other_facts(
    const Vouch__V1__CredentialRecord *record,
    const Vouch__V1__CredentialRow *row, struct factor_key *key,
    const uint8_t *credential_id, int *differ);

/* What a record is made of, beside the row and the record before. */
struct credential_terms {
    const char *number_key;         /* borrowed */
    const uint8_t *credential_id;   /* borrowed */
    struct factor_key *key;         /* borrowed */
    struct civil today;             /* in the association's offset */
};

/*
 * A record in the making.  Large, meant to be used again and again; what it
 * points to is itself, the row and the record before.
 */
struct credential_draft {
    Vouch__V1__CredentialRecord record;
    int32_t status_table_version;

    /* Where the record's parts lie. */
    Vouch__V1__HolderName names[CREDENTIAL_NAMES_MAX];
    Vouch__V1__HolderName *name_list[CREDENTIAL_NAMES_MAX];
    Vouch__V1__HumanName humans[CREDENTIAL_NAMES_MAX];
    Vouch__V1__Date name_since;         /* of the present name */
    Vouch__V1__Date former_since;       /* of the one before */
    Vouch__V1__FactorMac factors[CREDENTIAL_FACTORS_MAX];
    Vouch__V1__FactorMac *factor_list[CREDENTIAL_FACTORS_MAX];
    uint8_t macs[CREDENTIAL_FACTORS_MAX][FACTOR_MAC];
    Vouch__V1__ValidityPeriod periods[CREDENTIAL_PERIODS_MAX];
    Vouch__V1__ValidityPeriod *period_list[CREDENTIAL_PERIODS_MAX];
};

/**
 * credential_draft_make(draft, names, previous, terms):
 * Make ${draft} the record after the row of ${names}, which has passed
 * publish_row_check(); ${previous} is the record before, or NULL.  Everything
 * borrowed must outlive the use of ${draft}.  The same row after a record that
 * it has made makes it again, byte by byte, on whatever day.
 *
 * Fails: E_CORRUPT (${previous} has no name), E_CRYPTO, E_NOMEM, E_INVAL (a
 * row that has not passed).
 */
enum err MUST_USE credential_draft_make(struct credential_draft *draft,
    struct credential_names *names,
    const Vouch__V1__CredentialRecord *previous,
    const struct credential_terms *terms);

/**
 * credential_event_kind(previous, record):
 * Return what happened from ${previous} (NULL: nothing was there) to
 * ${record}, which differ: of several kinds the first of ISSUED,
 * STATUS_CHANGED, RENEWED, NAME_CHANGED, CORRECTED.
 */
Vouch__V1__EventKind credential_event_kind(
    const Vouch__V1__CredentialRecord *previous,
    const Vouch__V1__CredentialRecord *record);

/**
 * credential_effective_on(row, first, today, assumed):
 * Return since when ${row} is so: what it states; else, if it makes the
 * ${first} record of a credential (NULL: it does not) and that is in good
 * standing, its day of issue, or else the earliest begin of a period; else
 * ${today}, and ${*assumed} is then 1.
 */
struct civil credential_effective_on(const Vouch__V1__CredentialRow *row,
    const Vouch__V1__CredentialRecord *first, struct civil today,
    int *assumed);

/**
 * credential_other_day(row, last):
 * Return non-zero if ${row} says since when it is so, and ${last}, the last
 * event of its credential, did not, or said otherwise.
 */
int credential_other_day(const Vouch__V1__CredentialRow *row,
    const Vouch__V1__Event *last);

#endif /* !SERVICE_CREDENTIAL_H */
