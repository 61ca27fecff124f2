#ifndef CLIENT_ROWS_H
#define CLIENT_ROWS_H

/*
 * The plain CSV of `vouch publish`, record by record, as rows of an upload.
 * Any of the columns of rows_columns, in any order; credential_type, number
 * and family must be there.  Dates are YYYY-MM-DD, or as much of it as is
 * known; several former family names are separated by semicolons.
 */

#include <stddef.h>
#include <stdint.h>

#include "proto/arena.h"
#include "proto/csv_reader.h"
#include "proto/err.h"
#include "vouch/v1/publishing_service.pb-c.h"

enum rows_column {
    ROWS_CREDENTIAL_TYPE, ROWS_NUMBER, ROWS_HOLDER_REF, ROWS_FAMILY,
    ROWS_GIVEN, ROWS_MIDDLE, ROWS_SUFFIX, ROWS_FORMER_FAMILY,
    ROWS_BIRTH_DATE, ROWS_LAST4, ROWS_ISSUED_ON, ROWS_EXPIRES_ON,
    ROWS_GRACE_UNTIL, ROWS_STATUS, ROWS_STATUS_REASON, ROWS_EFFECTIVE_ON,
    ROWS_COLUMN_COUNT
};

extern const char *const rows_columns[ROWS_COLUMN_COUNT];

/* Where each column stands in a record; -1: not there. */
struct rows_header {
    int place[ROWS_COLUMN_COUNT];
    size_t ncolumns;
};

/**
 * rows_read_header(record, header, why, size):
 * Understand the header line.
 *
 * Fails: E_INVAL; ${why}, of ${size} bytes, names the column and what would be
 * right.
 */
enum err MUST_USE rows_read_header(const struct csv_record *record,
    struct rows_header *header, char *why, size_t size);

#define ROWS_KEY 65     /* bytes of an id or a number, with its end */

/*
 * Why a record cannot become a row; all constants but the description, and
 * what credential it is of nevertheless, "" where that cannot be read.
 */
struct rows_fault {
    const char *column;
    const char *reason;         /* UPPER_SNAKE */
    char description[160];
    char type[ROWS_KEY];
    char number[ROWS_KEY];
};

/**
 * rows_fault_key(fault, type, number):
 * Have ${fault} say of which credential it is.
 */
void rows_fault_key(struct rows_fault *fault, struct slice type,
    struct slice number);

/**
 * rows_trim(text):
 * Return ${text} without the blanks and tabs around it.
 */
struct slice rows_trim(struct slice text);

/**
 * rows_make(texts, line, arena, row, fault):
 * Make a row of the text of each column, empty where there is none.  Fails as
 * rows_read().
 */
enum err MUST_USE rows_make(const struct slice texts[ROWS_COLUMN_COUNT],
    int64_t line, struct arena *arena, Vouch__V1__CredentialRow **row,
    struct rows_fault *fault);

/**
 * rows_read(header, record, arena, row, fault):
 * Make a row, which lives as long as what ${arena} handed out.
 *
 * Fails: E_INVAL (${*fault} says why), E_TOOBIG (the arena is full), E_NOMEM.
 */
enum err MUST_USE rows_read(const struct rows_header *header,
    const struct csv_record *record, struct arena *arena,
    Vouch__V1__CredentialRow **row, struct rows_fault *fault);

#endif /* !CLIENT_ROWS_H */
