#ifndef CLIENT_MAPPING_FAULTS_H
#define CLIENT_MAPPING_FAULTS_H

/*
 * What is wrong with a mapping, each fault with its line and column, so that
 * one run shows all that a person has to mend.
 */

#include <stddef.h>
#include <stdio.h>

#include "proto/err.h"

/* Where something stands in the mapping; both count from 1. */
struct mapping_place {
    long line;
    long column;
};

#define MAPPING_FAULTS_MAX 25
#define MAPPING_FAULT_TEXT 320

struct mapping_faults {
    struct {
        struct mapping_place place;
        char what[MAPPING_FAULT_TEXT];
    } list[MAPPING_FAULTS_MAX];
    size_t n;
    size_t more;        /* that found no room in the list */
};

/**
 * mapping_faults_add(faults, place, format, ...):
 * Note a fault: what it is, and what would be right.
 */
void mapping_faults_add(struct mapping_faults *faults,
    struct mapping_place place, const char *format, ...) PRINTF_LIKE(3, 4);

/**
 * mapping_faults_print(faults, path, f):
 * Write a line for each fault, in the order of places, as
 * "PATH:LINE:COLUMN: what".  The order in ${faults} changes.
 */
void mapping_faults_print(struct mapping_faults *faults, const char *path,
    FILE *f);

#endif /* !CLIENT_MAPPING_FAULTS_H */
