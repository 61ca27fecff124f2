#include "proto/message.h"

#include <stdio.h>
#include <string.h>

#include "proto/utf8.h"
#include "proto/wire.h"

/* Whatever the limits say: the stack of a scan ends here. */
#define DEPTH_MAX 64

/* One counter for each field of each message that is open. */
#define COUNTS_MAX 2048

/* A message that is being walked. */
struct level {
    const ProtobufCMessageDescriptor *type;
    struct slice rest;
    uint32_t *counts;       /* by field: how often it came */
    unsigned guess;         /* which field comes next, most likely */
    const ProtobufCFieldDescriptor *field;  /* of the level above; or NULL */
    uint32_t index;         /* in that field, if it is repeated */
};

struct scan {
    const struct message_limits *limits;
    struct message_fault *fault;
    unsigned depth;
    size_t fields;
    size_t ncounts;
    struct level levels[DEPTH_MAX];
    uint32_t counts[COUNTS_MAX];
};

/* Append to a path what fits. */
static void
path_add(char *path, size_t size, const char *name)
{
    size_t n = strlen(path);

    (void)snprintf(path + n, size - n, "%s%s", n > 0 ? "." : "", name);
}

static void
path_add_index(char *path, size_t size, uint32_t index)
{
    size_t n = strlen(path);

    (void)snprintf(path + n, size - n, "[%lu]", (unsigned long)index);
}

/* Say where the scan is: in the message on top, at ${field} unless NULL. */
static enum err
refuse_at(struct scan *scan, const ProtobufCFieldDescriptor *field,
    const char *what, enum err err)
{
    struct message_fault *fault = scan->fault;
    const size_t size = sizeof(fault->field);
    const struct level *level;
    unsigned i;

    fault->what = what;
    fault->field[0] = '\0';
    for (i = 1; i < scan->depth; i++) {
        level = &scan->levels[i];
        path_add(fault->field, size, level->field->name);
        if (level->field->label == PROTOBUF_C_LABEL_REPEATED)
            path_add_index(fault->field, size, level->index);
    }
    if (field != NULL)
        path_add(fault->field, size, field->name);
    return (err);
}

/* The same, at the element of ${field} that came last. */
static enum err
refuse_element(struct scan *scan, const ProtobufCFieldDescriptor *field,
    const char *what, enum err err)
{
    const struct level *level = &scan->levels[scan->depth - 1];
    struct message_fault *fault = scan->fault;
    uint32_t count = level->counts[field - level->type->fields];

    (void)refuse_at(scan, field, what, err);
    if (field->label == PROTOBUF_C_LABEL_REPEATED && count > 0)
        path_add_index(fault->field, sizeof(fault->field), count - 1);
    return (err);
}

static enum err
refuse_unknown(struct scan *scan, uint32_t number)
{
    struct message_fault *fault = scan->fault;
    char name[16];

    (void)refuse_at(scan, NULL, "the field is not known", E_DENIED);
    (void)snprintf(name, sizeof(name), "%lu", (unsigned long)number);
    path_add(fault->field, sizeof(fault->field), name);
    return (E_DENIED);
}

/* Open a message: the walk goes on in it. */
static enum err
push(struct scan *scan, const ProtobufCMessageDescriptor *type,
    struct slice bytes, const ProtobufCFieldDescriptor *field, uint32_t index)
{
    struct level *level;

    if (scan->depth >= scan->limits->depth || scan->depth >= DEPTH_MAX ||
        type->n_fields > COUNTS_MAX - scan->ncounts) {
        return (refuse_at(scan, field, "messages are nested too deep",
            E_TOOBIG));
    }
    level = &scan->levels[scan->depth++];
    level->type = type;
    level->rest = bytes;
    level->field = field;
    level->index = index;
    level->guess = 0;
    level->counts = scan->counts + scan->ncounts;
    scan->ncounts += type->n_fields;
    memset(level->counts, 0, type->n_fields * sizeof(level->counts[0]));
    return (E_OK);
}

static void
pop(struct scan *scan)
{
    scan->ncounts -= scan->levels[--scan->depth].type->n_fields;
}

static enum err
count_element(struct scan *scan, const ProtobufCFieldDescriptor *field,
    uint32_t *count)
{
    if (*count >= scan->limits->elements)
        return (refuse_at(scan, field, "there are too many elements",
            E_TOOBIG));
    ++*count;
    return (E_OK);
}

static enum err
check_enum(struct scan *scan, const ProtobufCFieldDescriptor *field,
    uint64_t value)
{
    /* Decoders keep the low 32 bits. */
    int number = (int)(int32_t)(uint32_t)value;

    if (field->type == PROTOBUF_C_TYPE_ENUM && scan->limits->refuse_unknown &&
        protobuf_c_enum_descriptor_get_value(field->descriptor, number) ==
        NULL) {
        return (refuse_element(scan, field, "the value is not known",
            E_DENIED));
    }
    return (E_OK);
}

/* A run of scalars in one field. */
static enum err
scan_packed(struct scan *scan, const ProtobufCFieldDescriptor *field,
    struct slice bytes, uint32_t *count)
{
    const ProtobufCWireType type = wire_type(field->type);
    const size_t width = type == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
    uint64_t value;
    int shortest = 1;
    enum err err;

    while (bytes.n > 0) {
        if ((err = count_element(scan, field, count)) != E_OK)
            return (err);
        if (type == PROTOBUF_C_WIRE_TYPE_VARINT) {
            if (wire_varint(&bytes, &value, &shortest) != E_OK)
                goto malformed;
            if ((err = check_enum(scan, field, value)) != E_OK)
                return (err);
        } else if (bytes.n < width) {
            goto malformed;
        } else {
            bytes.p += width;
            bytes.n -= width;
        }
    }
    return (E_OK);

malformed:
    return (refuse_element(scan, field, "a packed value is malformed",
        E_INVAL));
}

/* One value of the right wire type. */
static enum err
scan_value(struct scan *scan, const ProtobufCFieldDescriptor *field,
    const struct wire_field *value, uint32_t count)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        if (!utf8_is_text(value->bytes))
            return (refuse_element(scan, field,
                "the text is not UTF-8, or holds a NUL", E_DENIED));
        return (E_OK);
    case PROTOBUF_C_TYPE_ENUM:
        return (check_enum(scan, field, value->value));
    case PROTOBUF_C_TYPE_MESSAGE:
        return (push(scan, field->descriptor, value->bytes, field, count - 1));
    default:
        return (E_OK);
    }
}

static enum err
scan_field(struct scan *scan, const ProtobufCFieldDescriptor *field,
    const struct wire_field *value)
{
    const struct level *level = &scan->levels[scan->depth - 1];
    const ProtobufCWireType type = wire_type(field->type);
    uint32_t *count = &level->counts[field - level->type->fields];
    enum err err;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        if (value->type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
            type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            return (scan_packed(scan, field, value->bytes, count));
        if ((err = count_element(scan, field, count)) != E_OK)
            return (err);
    } else if (field->type == PROTOBUF_C_TYPE_MESSAGE && ++*count > 1) {
        return (refuse_at(scan, field, "the field comes twice", E_DENIED));
    }
    if (value->type != type)
        return (refuse_element(scan, field,
            "the field has the wrong wire type", E_INVAL));
    return (scan_value(scan, field, value, *count));
}

/* Most senders write fields in order: look at the next ones first. */
static const ProtobufCFieldDescriptor *
find_field(struct level *level, uint32_t number)
{
    const ProtobufCMessageDescriptor *type = level->type;
    const ProtobufCFieldDescriptor *field;
    unsigned i = level->guess;

    while (i < type->n_fields && type->fields[i].id < number)
        i++;
    if (i < type->n_fields && type->fields[i].id == number) {
        level->guess = i;
        return (&type->fields[i]);
    }
    field = protobuf_c_message_descriptor_get_field(type, number);
    if (field != NULL)
        level->guess = (unsigned)(field - type->fields);
    return (field);
}

/* Take one field of the message on top. */
static enum err
scan_step(struct scan *scan)
{
    struct level *level = &scan->levels[scan->depth - 1];
    const ProtobufCFieldDescriptor *field;
    struct wire_field value;
    const char *what;

    if (level->rest.n == 0) {
        pop(scan);
        return (E_OK);
    }
    if (wire_next(&level->rest, &value, &what) != E_OK)
        return (refuse_at(scan, NULL, what, E_INVAL));
    if (++scan->fields > scan->limits->fields)
        return (refuse_at(scan, NULL, "there are too many fields", E_TOOBIG));

    if ((field = find_field(level, value.number)) != NULL)
        return (scan_field(scan, field, &value));
    if (scan->limits->refuse_unknown)
        return (refuse_unknown(scan, value.number));
    return (E_OK);
}

enum err
message_scan(const ProtobufCMessageDescriptor *descriptor, struct slice bytes,
    const struct message_limits *limits, struct message_fault *fault)
{
    struct scan scan;       /* 11 KiB: only what is in use is set */
    enum err err;

    scan.limits = limits;
    scan.fault = fault;
    scan.depth = 0;
    scan.fields = 0;
    scan.ncounts = 0;

    /* Counters have 32 bits, and protobuf-c's lengths have 31. */
    if (bytes.n > INT32_MAX)
        return (refuse_at(&scan, NULL, "the message is too long", E_TOOBIG));
    err = push(&scan, descriptor, bytes, NULL, 0);
    while (err == E_OK && scan.depth > 0)
        err = scan_step(&scan);
    return (err);
}

enum err
message_decode(const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes, const struct message_limits *limits,
    struct arena *arena, ProtobufCMessage **message,
    struct message_fault *fault)
{
    enum err err;

    *message = NULL;
    if ((err = message_scan(descriptor, bytes, limits, fault)) != E_OK)
        return (err);
    *message = protobuf_c_message_unpack(descriptor, arena_allocator(arena),
        bytes.n, bytes.p);
    if (*message != NULL)
        return (E_OK);

    /* The scan leaves protobuf-c nothing to refuse: memory ran out. */
    fault->field[0] = '\0';
    if (arena_exhausted(arena)) {
        fault->what = "the message takes too much memory";
        return (E_TOOBIG);
    }
    fault->what = err_text(E_NOMEM);
    return (E_NOMEM);
}

enum err
message_pack(const ProtobufCMessage *message, struct buf *out)
{
    size_t n = protobuf_c_message_get_packed_size(message);
    enum err err;

    if (n == 0)
        return (E_OK);
    if ((err = buf_reserve(out, n)) != E_OK)
        return (err);
    out->n += protobuf_c_message_pack(message, out->p + out->n);
    return (E_OK);
}
