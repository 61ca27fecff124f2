#ifndef CLIENT_MAPPING_ROW_H
#define CLIENT_MAPPING_ROW_H

/*
 * A record of the file, made into a row as a mapping says.
 */

#include <stdint.h>

#include "client/mapping.h"
#include "client/mapping_fold.h"
#include "vouch/v1/publishing_service.pb-c.h"

/* What came of a record. */
struct mapping_row {
    Vouch__V1__CredentialRow *row;          /* NULL: it is rejected */
    int keyed;                              /* there is a key, on failure too */
    uint8_t key[MAPPING_FOLD_KEY];
    struct mapping_meaning open;            /* what its open case adds */
    int loose;      /* on failure: nobody can read of which credential it is */
    struct slice number;                    /* its text, if there is one */
};

/**
 * mapping_row_read(mapping, day, record, arena, made, fault):
 * Make a row of ${record}, which shows what was so on the day number ${day}.
 * The row lives as long as what ${arena} handed out.
 *
 * Fails: E_INVAL (${*fault} says why, by the names of the file), E_TOOBIG (the
 * arena is full), E_NOMEM.
 */
enum err MUST_USE mapping_row_read(const struct mapping *mapping, int32_t day,
    const struct csv_record *record, struct arena *arena,
    struct mapping_row *made, struct rows_fault *fault);

/**
 * mapping_row_say(row, meaning):
 * Have ${row} say ${meaning}.
 */
void mapping_row_say(Vouch__V1__CredentialRow *row,
    const struct mapping_meaning *meaning);

/**
 * mapping_row_meaning(row):
 * Return what ${row} says.
 */
struct mapping_meaning mapping_row_meaning(
    const Vouch__V1__CredentialRow *row);

#endif /* !CLIENT_MAPPING_ROW_H */
