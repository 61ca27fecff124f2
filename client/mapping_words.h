#ifndef CLIENT_MAPPING_WORDS_H
#define CLIENT_MAPPING_WORDS_H

/*
 * Words of the source, and what they mean on the axes of a status.
 */

#include "client/mapping_schema.h"

/**
 * mapping_words_status(schema, node, target):
 * Read the key "status" into the struct mapping that is ${target}.
 */
void mapping_words_status(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/**
 * mapping_words_case(schema, node, target):
 * Read what open cases mean into a struct mapping_words.
 */
void mapping_words_case(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/**
 * mapping_words_find(words, word, reason):
 * Return what ${word} with ${reason} means, or NULL if it is not in the table.
 */
const struct mapping_meaning *mapping_words_find(
    const struct mapping_words *words, struct slice word,
    struct slice reason);

/**
 * mapping_words_worse(meaning, other):
 * Make ${meaning} say on each axis the graver of what the two say.
 */
void mapping_words_worse(struct mapping_meaning *meaning,
    const struct mapping_meaning *other);

#endif /* !CLIENT_MAPPING_WORDS_H */
