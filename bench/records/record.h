#ifndef BENCH_RECORDS_RECORD_H
#define BENCH_RECORDS_RECORD_H

/*
 * Invented records, each made from its index alone: whoever knows how many
 * there are can publish them, ask about them and miss them, without a file in
 * between.  Nobody is meant.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whose records they are: an association whose policy is BIRTH_YEAR. */
#define RECORD_ASSOCIATION "ascp-boc"

#define RECORD_MOST 100000000u

struct record {
    char number[12];        /* unique, and ascending with the index */
    char family[24];        /* ASCII */
    const char *given;      /* a constant */
    const char *type;       /* credential type; a constant */
    int birth_year;
};

/**
 * record_make(index, record):
 * Make record ${index}, which is below RECORD_MOST.  The same index gives the
 * same record, always.
 */
void record_make(uint32_t index, struct record *record);

/**
 * record_spoil_number(record), record_spoil_person(record):
 * Make ${record} one that nobody holds: of a number that no index has, or of
 * the same number and another family name.
 */
void record_spoil_number(struct record *record);
void record_spoil_person(struct record *record);

/**
 * record_random(state):
 * Return the next of a series of 64-bit numbers that looks random, and step
 * ${*state}, which is any number at the beginning (SplitMix64).
 */
uint64_t record_random(uint64_t *state);

#ifdef __cplusplus
}
#endif

#endif /* !BENCH_RECORDS_RECORD_H */
