#ifndef CLIENT_MAPPING_YAML_H
#define CLIENT_MAPPING_YAML_H

/*
 * The part of YAML that mappings are written in, as a tree, through libyaml:
 * one document of maps, lists and text.  Every scalar is text: no word is a
 * number, a date or a truth value by itself ("NO" is the letters N and O).
 * Anchors, aliases, tags, directives and further documents are refused, and so
 * are keys that are no text.
 */

#include "client/mapping_faults.h"
#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"

#define MAPPING_YAML_BYTES 262144   /* of a mapping */
#define MAPPING_YAML_DEPTH 8        /* of maps and lists in one another */
#define MAPPING_YAML_NODES 20000

enum mapping_kind { MAPPING_TEXT, MAPPING_LIST, MAPPING_MAP };

struct mapping_node {
    enum mapping_kind kind;
    struct mapping_place place;
    const char *text;               /* of MAPPING_TEXT; never NULL there */
    const char *key;                /* in a map */
    struct mapping_place key_place;
    struct mapping_node *first;     /* of what a list or map holds */
    struct mapping_node *next;      /* behind it, in the same list or map */
    size_t n;                       /* of what a list or map holds */
};

/**
 * mapping_yaml_read(bytes, arena, faults, root):
 * Read ${bytes} into a tree that lives as long as what ${arena} handed out.
 *
 * Fails: E_INVAL (not such a document; ${faults} says why), E_TOOBIG (above a
 * limit; ${faults}), E_NOMEM.
 */
enum err MUST_USE mapping_yaml_read(struct slice bytes, struct arena *arena,
    struct mapping_faults *faults, const struct mapping_node **root);

#endif /* !CLIENT_MAPPING_YAML_H */
