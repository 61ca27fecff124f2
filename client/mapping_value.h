#ifndef CLIENT_MAPPING_VALUE_H
#define CLIENT_MAPPING_VALUE_H

/*
 * The places of a mapping that name columns: a column's name, a list of names
 * whose texts are joined, or keys that also say how to read what stands there.
 */

#include "client/mapping_schema.h"

/**
 * mapping_value_text(schema, node, target):
 * Read the source of a text into a struct mapping_value.
 */
void mapping_value_text(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/**
 * mapping_value_date(schema, node, target):
 * Read the source of a date into a struct mapping_value.
 */
void mapping_value_date(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/**
 * mapping_value_constant(schema, node, target):
 * Read what is the same for each row into a struct mapping_value.
 */
void mapping_value_constant(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/**
 * mapping_value_formats(schema, node, target):
 * Read formats of dates into a struct mapping_list.
 */
void mapping_value_formats(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/**
 * mapping_value_policy(schema, node, target):
 * Read "reject" or "unknown" into an enum mapping_policy.
 */
void mapping_value_policy(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

#endif /* !CLIENT_MAPPING_VALUE_H */
