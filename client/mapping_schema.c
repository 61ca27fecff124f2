#include "client/mapping_schema.h"

#include <stdio.h>
#include <string.h>

#include "client/text.h"
#include "proto/nearest.h"

#define WORDS_MAX 24        /* of an enum */
#define SHOWN 60            /* characters of a text that is quoted back */

void *
mapping_schema_alloc(struct mapping_schema *s, size_t n, size_t size)
{
    void *p;

    if ((p = arena_alloc(s->arena, n > 0 ? n * size : 1)) == NULL) {
        s->err = E_NOMEM;
        return (NULL);
    }
    if (n > 0)
        memset(p, 0, n * size);
    return (p);
}

int
mapping_schema_is(struct mapping_schema *s, const struct mapping_node *node,
    enum mapping_kind kind)
{
    static const char *const names[] = {
        [MAPPING_TEXT] = "a text",
        [MAPPING_LIST] = "a list, as in [a, b]",
        [MAPPING_MAP] = "keys with values",
    };

    if (node->kind == kind)
        return (1);
    mapping_faults_add(s->faults, node->place, "here %s must stand, not %s",
        names[kind], names[node->kind]);
    return (0);
}

static void
unknown_key(struct mapping_schema *s, const struct mapping_node *node,
    const struct mapping_schema_key *keys, size_t n)
{
    const char *names[64];

    for (size_t i = 0; i < n; i++)
        names[i] = keys[i].name;
    mapping_faults_add(s->faults, node->key_place,
        "there is no key '%.*s' here; did you mean '%s'?", SHOWN, node->key,
        nearest_of(node->key, names, n));
}

uint64_t
mapping_schema_map(struct mapping_schema *s, const struct mapping_node *node,
    const struct mapping_schema_key *keys, size_t n, void *target)
{
    uint64_t seen = 0;
    size_t i;

    if (!mapping_schema_is(s, node, MAPPING_MAP))
        return (0);
    for (const struct mapping_node *c = node->first; c != NULL; c = c->next) {
        for (i = 0; i < n && strcmp(keys[i].name, c->key) != 0; i++)
            continue;
        if (i == n) {
            unknown_key(s, c, keys, n);
        } else if (seen & (uint64_t)1 << i) {
            mapping_faults_add(s->faults, c->key_place,
                "the key '%s' stands here twice", c->key);
        } else {
            seen |= (uint64_t)1 << i;
            keys[i].read(s, c, (char *)target + keys[i].offset);
        }
    }
    return (seen);
}

void
mapping_schema_text(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    const char **text = target;

    if (!mapping_schema_is(s, node, MAPPING_TEXT))
        return;
    if (node->text[0] == '\0')
        mapping_faults_add(s->faults, node->place, "a text is missing");
    *text = node->text;
}

void
mapping_schema_list(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    struct mapping_list *list = target;
    const struct mapping_node *c;

    if (node->kind == MAPPING_TEXT) {       /* one, without the brackets */
        if ((list->at = mapping_schema_alloc(s, 1, sizeof(char *))) != NULL)
            mapping_schema_text(s, node, &list->at[list->n++]);
        return;
    }
    if (!mapping_schema_is(s, node, MAPPING_LIST))
        return;
    if (node->n > MAPPING_LIST_MAX) {
        mapping_faults_add(s->faults, node->place, "more than %d texts",
            MAPPING_LIST_MAX);
        return;
    }
    list->at = mapping_schema_alloc(s, node->n, sizeof(char *));
    for (c = node->first; c != NULL && list->at != NULL; c = c->next) {
        list->at[list->n] = "";
        mapping_schema_text(s, c, &list->at[list->n]);
        list->n++;
    }
}

size_t
mapping_schema_choice(struct mapping_schema *s,
    const struct mapping_node *node, const char *const *words, size_t n,
    size_t fallback)
{
    if (!mapping_schema_is(s, node, MAPPING_TEXT))
        return (fallback);
    for (size_t i = 0; i < n; i++)
        if (mapping_same(slice_of(words[i]), slice_of(node->text)))
            return (i);
    mapping_faults_add(s->faults, node->place,
        "'%.*s' is not taken here; did you mean '%s'?", SHOWN, node->text,
        nearest_of(node->text, words, n));
    return (fallback);
}

void
mapping_schema_yes(struct mapping_schema *s, const struct mapping_node *node,
    void *target)
{
    static const char *const words[] = {"no", "yes"};
    int *yes = target;

    *yes = (int)mapping_schema_choice(s, node, words, 2, (size_t)*yes);
}

int
mapping_schema_enum(struct mapping_schema *s, const struct mapping_node *node,
    const ProtobufCEnumDescriptor *descriptor)
{
    const char *words[WORDS_MAX];
    size_t n = 0;

    /* Without the first value, which is always "not given". */
    for (unsigned i = 1; i < descriptor->n_values && n < WORDS_MAX; i++)
        words[n++] = text_enum(descriptor, descriptor->values[i].value);
    n = mapping_schema_choice(s, node, words, n, WORDS_MAX);
    return (n == WORDS_MAX ? 0 : descriptor->values[n + 1].value);
}
