#ifndef CLIENT_MAPPING_SCHEMA_H
#define CLIENT_MAPPING_SCHEMA_H

/*
 * The forms that values of a mapping have: each function reads one node of the
 * tree into ${target} and notes what is wrong with it, so that the rest can be
 * read all the same.
 */

#include "client/mapping.h"
#include "client/mapping_yaml.h"

struct mapping_schema {
    struct arena *arena;
    struct mapping_faults *faults;
    enum err err;               /* E_NOMEM, once it happened */
};

typedef void mapping_schema_fn(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/* A key of a map, and where its value goes. */
struct mapping_schema_key {
    const char *name;
    mapping_schema_fn *read;
    size_t offset;              /* in the map's own target */
};

/**
 * mapping_schema_map(schema, node, keys, n, target):
 * Read a map of ${n} known keys, 64 at most; a key that is not known, or stands
 * there twice, is a fault.  Returns a bit for each key that is there.
 */
uint64_t mapping_schema_map(struct mapping_schema *schema,
    const struct mapping_node *node, const struct mapping_schema_key *keys,
    size_t n, void *target);

/**
 * mapping_schema_text(schema, node, target):
 * Read a text that is not empty into a const char *.
 */
void mapping_schema_text(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/**
 * mapping_schema_list(schema, node, target):
 * Read a list of texts, or a text alone, into a struct mapping_list.
 */
void mapping_schema_list(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/**
 * mapping_schema_yes(schema, node, target):
 * Read "yes" or "no" into an int.
 */
void mapping_schema_yes(struct mapping_schema *schema,
    const struct mapping_node *node, void *target);

/**
 * mapping_schema_choice(schema, node, words, n, fallback):
 * Return the place in ${words} of a text that must be one of them, or
 * ${fallback} after having noted a fault.
 */
size_t mapping_schema_choice(struct mapping_schema *schema,
    const struct mapping_node *node, const char *const *words, size_t n,
    size_t fallback);

/**
 * mapping_schema_enum(schema, node, descriptor):
 * Return the value of a word of ${descriptor}, in any case and without the
 * enum's own name, or 0 after having noted a fault.
 */
int mapping_schema_enum(struct mapping_schema *schema,
    const struct mapping_node *node,
    const ProtobufCEnumDescriptor *descriptor);

/**
 * mapping_schema_alloc(schema, n, size):
 * Return ${n} zeroed things of ${size} bytes in the arena, or NULL.
 */
void *mapping_schema_alloc(struct mapping_schema *schema, size_t n,
    size_t size);

/**
 * mapping_schema_is(schema, node, kind):
 * Return non-zero if ${node} is a ${kind}; otherwise note a fault.
 */
int mapping_schema_is(struct mapping_schema *schema,
    const struct mapping_node *node, enum mapping_kind kind);

#endif /* !CLIENT_MAPPING_SCHEMA_H */
