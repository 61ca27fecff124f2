#include "client/mapping_yaml.h"

#include <string.h>

#include <yaml.h>

#include "proto/utf8.h"

struct reading {
    yaml_parser_t parser;
    struct arena *arena;
    struct mapping_faults *faults;
    struct mapping_node *root;
    /* The lists and maps that are open, from the outermost. */
    struct mapping_node *open[MAPPING_YAML_DEPTH];
    struct mapping_node **end[MAPPING_YAML_DEPTH];  /* where the next goes */
    const char *key[MAPPING_YAML_DEPTH];    /* of a map; NULL: a key is next */
    struct mapping_place key_place[MAPPING_YAML_DEPTH];
    size_t depth;
    size_t nodes;
    size_t documents;
};

static struct mapping_place
place_of(yaml_mark_t mark)
{
    return ((struct mapping_place){(long)mark.line + 1,
        (long)mark.column + 1});
}

static enum err
refuse(struct reading *r, const yaml_event_t *event, const char *what)
{
    mapping_faults_add(r->faults, place_of(event->start_mark), "%s", what);
    return (E_INVAL);
}

/* Is there a key for what comes next, if it must have one? */
static int
wants_key(const struct reading *r)
{
    return (r->depth > 0 && r->open[r->depth - 1]->kind == MAPPING_MAP &&
        r->key[r->depth - 1] == NULL);
}

/* Hang a new node where it belongs. */
static enum err
add_node(struct reading *r, const yaml_event_t *event, enum mapping_kind kind,
    struct mapping_node **node)
{
    struct mapping_node *n;
    size_t at = r->depth - 1;

    if (wants_key(r))
        return (refuse(r, event, "a key must be text"));
    if (r->nodes++ == MAPPING_YAML_NODES) {
        mapping_faults_add(r->faults, place_of(event->start_mark),
            "more than %d values: is this a mapping?", MAPPING_YAML_NODES);
        return (E_TOOBIG);
    }
    if ((n = arena_alloc(r->arena, sizeof(*n))) == NULL)
        return (E_NOMEM);
    *n = (struct mapping_node){.kind = kind,
        .place = place_of(event->start_mark)};
    if (r->depth == 0) {
        r->root = n;
    } else {
        n->key = r->key[at];
        n->key_place = r->key_place[at];
        r->key[at] = NULL;
        *r->end[at] = n;
        r->end[at] = &n->next;
        r->open[at]->n++;
    }
    *node = n;
    return (E_OK);
}

static enum err
open_node(struct reading *r, const yaml_event_t *event,
    enum mapping_kind kind)
{
    struct mapping_node *node;
    enum err err;

    if (r->depth == MAPPING_YAML_DEPTH) {
        mapping_faults_add(r->faults, place_of(event->start_mark),
            "more than %d lists and maps in one another",
            MAPPING_YAML_DEPTH);
        return (E_TOOBIG);
    }
    if ((err = add_node(r, event, kind, &node)) != E_OK)
        return (err);
    r->open[r->depth] = node;
    r->end[r->depth] = &node->first;
    r->key[r->depth] = NULL;
    r->depth++;
    return (E_OK);
}

static enum err
add_text(struct reading *r, const yaml_event_t *event)
{
    struct slice bytes = {event->data.scalar.value,
        event->data.scalar.length};
    struct mapping_node *node;
    const char *text;
    enum err err;

    if (!utf8_is_text(bytes))       /* "\0" is an escape of YAML */
        return (refuse(r, event, "a NUL character"));
    if ((text = arena_copy(r->arena, bytes)) == NULL)
        return (E_NOMEM);
    if (wants_key(r)) {
        r->key[r->depth - 1] = text;
        r->key_place[r->depth - 1] = place_of(event->start_mark);
        return (E_OK);
    }
    if ((err = add_node(r, event, MAPPING_TEXT, &node)) == E_OK)
        node->text = text;
    return (err);
}

/* What a mapping needs none of, and what would make it hard to read. */
static enum err
check_marks(struct reading *r, const yaml_event_t *event,
    const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL)
        return (refuse(r, event, "anchors (&) are not taken: write it out"));
    if (tag != NULL)
        return (refuse(r, event, "tags (!) are not taken: every value is "
            "text"));
    return (E_OK);
}

static enum err
begin_document(struct reading *r, const yaml_event_t *event)
{
    if (event->data.document_start.version_directive != NULL ||
        event->data.document_start.tag_directives.start !=
        event->data.document_start.tag_directives.end)
        return (refuse(r, event, "directives (%) are not taken"));
    if (r->documents++ > 0)
        return (refuse(r, event, "a second document: a mapping is one"));
    return (E_OK);
}

static enum err
take_event(struct reading *r, const yaml_event_t *event)
{
    enum err err;

    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return (begin_document(r, event));
    case YAML_ALIAS_EVENT:
        return (refuse(r, event, "aliases (*) are not taken: write it out, "
            "or quote it"));
    case YAML_SCALAR_EVENT:
        err = check_marks(r, event, event->data.scalar.anchor,
            event->data.scalar.tag);
        return (err == E_OK ? add_text(r, event) : err);
    case YAML_SEQUENCE_START_EVENT:
        err = check_marks(r, event, event->data.sequence_start.anchor,
            event->data.sequence_start.tag);
        return (err == E_OK ? open_node(r, event, MAPPING_LIST) : err);
    case YAML_MAPPING_START_EVENT:
        err = check_marks(r, event, event->data.mapping_start.anchor,
            event->data.mapping_start.tag);
        return (err == E_OK ? open_node(r, event, MAPPING_MAP) : err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        r->depth--;
        return (E_OK);
    default:
        return (E_OK);
    }
}

/* libyaml stopped: say why, as it knows it. */
static enum err
syntax_error(struct reading *r)
{
    const yaml_parser_t *p = &r->parser;

    if (p->error == YAML_MEMORY_ERROR)
        return (E_NOMEM);
    mapping_faults_add(r->faults, p->error == YAML_READER_ERROR ?
        place_of(p->mark) : place_of(p->problem_mark), "not YAML: %s%s%s",
        p->context != NULL ? p->context : "",
        p->context != NULL ? ", " : "",
        p->problem != NULL ? p->problem : "");
    return (E_INVAL);
}

static enum err
read_events(struct reading *r)
{
    yaml_event_t event;
    enum err err = E_OK;
    int ended = 0;

    while (err == E_OK && !ended) {
        if (!yaml_parser_parse(&r->parser, &event))
            return (syntax_error(r));
        ended = event.type == YAML_STREAM_END_EVENT;
        err = take_event(r, &event);
        yaml_event_delete(&event);
    }
    return (err);
}

/* Not YAML's word on it: that has no line. */
static enum err
check_text(struct slice bytes, struct mapping_faults *faults)
{
    struct mapping_place place = {1, 1};
    size_t n;

    if (bytes.n > MAPPING_YAML_BYTES) {
        mapping_faults_add(faults, place, "more than %d bytes: is this a "
            "mapping?", MAPPING_YAML_BYTES);
        return (E_TOOBIG);
    }
    for (; bytes.n > 0; bytes.p += n, bytes.n -= n) {
        if ((n = utf8_next(bytes)) == 0 || bytes.p[0] == '\0') {
            mapping_faults_add(faults, place, "not UTF-8 text");
            return (E_INVAL);
        }
        place.line += bytes.p[0] == '\n';
        place.column = bytes.p[0] == '\n' ? 1 : place.column + 1;
    }
    return (E_OK);
}

enum err
mapping_yaml_read(struct slice bytes, struct arena *arena,
    struct mapping_faults *faults, const struct mapping_node **root)
{
    struct reading r = {.arena = arena, .faults = faults};
    enum err err;

    *root = NULL;
    if (bytes.n >= 3 && memcmp(bytes.p, "\xef\xbb\xbf", 3) == 0)
        bytes.p += 3, bytes.n -= 3;     /* libyaml takes it for text */
    if ((err = check_text(bytes, faults)) != E_OK)
        return (err);
    if (!yaml_parser_initialize(&r.parser))
        return (E_NOMEM);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, bytes.p, bytes.n);
    err = read_events(&r);
    yaml_parser_delete(&r.parser);
    if (err != E_OK)
        return (err);
    if (r.root == NULL) {
        mapping_faults_add(faults, (struct mapping_place){1, 1},
            "it is empty");
        return (E_INVAL);
    }
    *root = r.root;
    return (E_OK);
}
