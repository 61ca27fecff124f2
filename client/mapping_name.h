#ifndef CLIENT_MAPPING_NAME_H
#define CLIENT_MAPPING_NAME_H

/*
 * What sources write into family and given names and is no part of them:
 * generation suffixes, degrees, middle initials, what stands in parentheses.
 * Suffixes and degrees are split off at the end only, behind a blank or a
 * comma, and never so that nothing of a family name is left.
 */

#include "client/mapping.h"

/**
 * mapping_name_split(mapping, texts, arena, field):
 * Split the names in ${texts} as ${mapping} says; what is split off goes to
 * the texts of suffix, middle and former_family.
 *
 * Fails: E_INVAL (two suffixes that differ; ${*field} is where the second one
 * stands), E_TOOBIG (the arena is full), E_NOMEM.
 */
enum err MUST_USE mapping_name_split(const struct mapping *mapping,
    struct slice texts[ROWS_COLUMN_COUNT], struct arena *arena,
    enum rows_column *field);

#endif /* !CLIENT_MAPPING_NAME_H */
