#ifndef CLIENT_MAPPING_KEYS_H
#define CLIENT_MAPPING_KEYS_H

/*
 * The keys of a mapping, each read by itself.
 */

#include "client/mapping_schema.h"

/* Sets of fields. */
#define MAPPING_KEYS_BIT(column) (1u << (column))

/* Those without which there is no row. */
#define MAPPING_KEYS_NEEDED (MAPPING_KEYS_BIT(ROWS_CREDENTIAL_TYPE) | \
    MAPPING_KEYS_BIT(ROWS_NUMBER) | MAPPING_KEYS_BIT(ROWS_FAMILY))

/* Those that are dates. */
#define MAPPING_KEYS_DATES (MAPPING_KEYS_BIT(ROWS_BIRTH_DATE) | \
    MAPPING_KEYS_BIT(ROWS_ISSUED_ON) | MAPPING_KEYS_BIT(ROWS_EXPIRES_ON) | \
    MAPPING_KEYS_BIT(ROWS_GRACE_UNTIL) | MAPPING_KEYS_BIT(ROWS_EFFECTIVE_ON))

/* So many keys must be there: format, encoding, columns. */
#define MAPPING_KEYS_MUST 3

/**
 * mapping_keys_read(schema, root, mapping):
 * Read the document ${root} into ${mapping}.  Returns a bit for each key that
 * is there, of which the first MAPPING_KEYS_MUST are those that must be.
 */
uint64_t mapping_keys_read(struct mapping_schema *schema,
    const struct mapping_node *root, struct mapping *mapping);

#endif /* !CLIENT_MAPPING_KEYS_H */
