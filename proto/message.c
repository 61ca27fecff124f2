#include "proto/message.h"

#include <string.h>

#include "proto/member.h"
#include "proto/message_walk.h"
#include "proto/utf8.h"
#include "proto/wire.h"

/* Arrays begin with so many elements, and grow in powers of two. */
#define ARRAY_FIRST 4

static const char wrong_type[] = "the field has the wrong wire type";

static enum err
count_element(const struct walk *walk, const ProtobufCFieldDescriptor *field,
    uint32_t *count)
{
    if (*count >= walk->limits->elements)
        return (message_refuse_at(walk, field, "there are too many elements",
            E_TOOBIG));
    ++*count;
    return (E_OK);
}

static int
is_declared(const ProtobufCEnumDescriptor *type, uint32_t number)
{
    const ProtobufCIntRange *range = type->value_ranges;
    const ProtobufCIntRange *end = range + type->n_value_ranges;

    /* The range behind the last one ends it, too. */
    for (; range < end; range++) {
        if (number - (uint32_t)range->start_value <
            range[1].orig_index - range->orig_index)
            return (1);
    }
    return (0);
}

static enum err
check_enum(const struct walk *walk, const ProtobufCFieldDescriptor *field,
    uint64_t value)
{
    /* Decoders keep the low 32 bits. */
    if (field->type == PROTOBUF_C_TYPE_ENUM && walk->limits->refuse_unknown &&
        !is_declared(field->descriptor, (uint32_t)value))
        return (message_refuse_element(walk, field, "the value is not known",
            E_DENIED));
    return (E_OK);
}

/* Make room for one more in the array of ${n} whose pointer is at ${at}. */
static enum err
array_grow(struct walk *walk, void *at, size_t n, size_t size)
{
    uint8_t *array;

    if (n != 0 && (n < ARRAY_FIRST || (n & (n - 1)) != 0))
        return (E_OK);
    array = arena_alloc(walk->arena, (n == 0 ? ARRAY_FIRST : 2 * n) * size);
    if (array == NULL)
        return (E_NOMEM);
    if (n > 0)
        memcpy(array, member_get_pointer(at), n * size);
    member_put_pointer(at, array);
    return (E_OK);
}

/* Where the element that was counted last goes: ${*at} is NULL if nowhere. */
static enum err
place_element(struct walk *walk, const struct level *level,
    const ProtobufCFieldDescriptor *field, size_t count, uint8_t **at)
{
    const size_t size = member_size(field->type);
    enum err err;

    *at = NULL;
    if (level->made == NULL)
        return (E_OK);
    if ((err = array_grow(walk, level->made + field->offset, count - 1,
        size)) != E_OK)
        return (err);
    memcpy(level->made + field->quantifier_offset, &count, sizeof(count));
    *at = member_get_pointer(level->made + field->offset);
    *at += (count - 1) * size;
    return (E_OK);
}

/* Where the only value goes: the last one counts. */
static uint8_t *
place_single(const struct level *level, const ProtobufCFieldDescriptor *field)
{
    if (level->made == NULL)
        return (NULL);
    if (field->quantifier_offset != 0)
        member_put32(level->made + field->quantifier_offset,
            (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 ? field->id : 1);
    return (level->made + field->offset);
}

/* A run of scalars in one field. */
static enum err
take_packed(struct walk *walk, const struct level *level,
    const ProtobufCFieldDescriptor *field, struct slice bytes, uint32_t *count)
{
    const ProtobufCWireType type = wire_type(field->type);
    const size_t width = type == PROTOBUF_C_WIRE_TYPE_64BIT ? 8 : 4;
    uint64_t value;
    uint8_t *at;
    int shortest = 1;
    enum err err;

    while (bytes.n > 0) {
        if ((err = count_element(walk, field, count)) != E_OK ||
            (err = place_element(walk, level, field, *count, &at)) != E_OK)
            return (err);
        if (type == PROTOBUF_C_WIRE_TYPE_VARINT) {
            if (wire_varint(&bytes, &value, &shortest) != E_OK)
                goto malformed;
            if ((err = check_enum(walk, field, value)) != E_OK)
                return (err);
            if (at != NULL)
                member_put_varint(field->type, at, value);
        } else if (bytes.n < width) {
            goto malformed;
        } else {
            if (at != NULL)
                member_put_fixed(at, bytes.p, width);
            bytes.p += width;
            bytes.n -= width;
        }
    }
    return (E_OK);

malformed:
    return (message_refuse_element(walk, field, "a packed value is malformed",
        E_INVAL));
}

/* What ${bytes} are in the copy. */
static inline uint8_t *
copied(const struct walk *walk, const uint8_t *bytes)
{
    return (walk->copy + (bytes - walk->copy));
}

static inline void
put_text(struct walk *walk, struct slice text, void *at)
{
    member_put_pointer(at, copied(walk, text.p));
    walk->end = copied(walk, text.p) + text.n;
}

static inline void
put_bytes(const struct walk *walk, struct slice bytes, void *at)
{
    const ProtobufCBinaryData value = {bytes.n,
        bytes.n > 0 ? copied(walk, bytes.p) : NULL};

    memcpy(at, &value, sizeof(value));
}

static enum err
keep_unknown(struct walk *walk, const struct level *level,
    const struct wire_field *value)
{
    ProtobufCMessage *message = (ProtobufCMessage *)(void *)level->made;
    enum err err;

    if ((err = array_grow(walk, &message->unknown_fields,
        message->n_unknown_fields, sizeof(message->unknown_fields[0]))) !=
        E_OK)
        return (err);
    message->unknown_fields[message->n_unknown_fields++] =
        (ProtobufCMessageUnknownField){
            .tag = value->number,
            .wire_type = value->type,
            .len = (size_t)(value->bytes.p - value->begin) + value->bytes.n,
            .data = copied(walk, value->begin),
        };
    return (E_OK);
}

static enum err walk_message(struct walk *walk,
    const ProtobufCFieldDescriptor *field, uint32_t index,
    const ProtobufCMessageDescriptor *type, struct slice bytes, uint8_t *at);

/* One value of the right wire type. */
static inline __attribute__((always_inline)) enum err
take_value(struct walk *walk, const ProtobufCFieldDescriptor *field,
    const struct wire_field *value, uint32_t count, uint8_t *at)
{
    enum err err;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        if (!walk->trusted && !utf8_is_text(value->bytes))
            return (message_refuse_element(walk, field,
                "the text is not UTF-8, or holds a NUL", E_DENIED));
        if (at != NULL)
            put_text(walk, value->bytes, at);
        return (E_OK);
    case PROTOBUF_C_TYPE_BYTES:
        if (at != NULL)
            put_bytes(walk, value->bytes, at);
        return (E_OK);
    case PROTOBUF_C_TYPE_MESSAGE:
        return (walk_message(walk, field, count - 1, field->descriptor,
            value->bytes, at));
    case PROTOBUF_C_TYPE_ENUM:
        if ((err = check_enum(walk, field, value->value)) != E_OK)
            return (err);
        break;
    default:
        break;
    }
    if (at == NULL)
        return (E_OK);
    if (value->type == PROTOBUF_C_WIRE_TYPE_VARINT)
        member_put_varint(field->type, at, value->value);
    else
        member_put_fixed(at, value->bytes.p, value->bytes.n);
    return (E_OK);
}

static enum err
take_element(struct walk *walk, const struct level *level,
    const ProtobufCFieldDescriptor *field, const struct wire_field *value)
{
    const ProtobufCWireType type = wire_type(field->type);
    uint32_t *count = message_count(level, field);
    uint8_t *at;
    enum err err;

    if (value->type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED &&
        type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return (take_packed(walk, level, field, value->bytes, count));
    if ((err = count_element(walk, field, count)) != E_OK)
        return (err);
    if (value->type != type)
        return (message_refuse_element(walk, field, wrong_type, E_INVAL));
    if ((err = place_element(walk, level, field, *count, &at)) != E_OK)
        return (err);
    return (take_value(walk, field, value, *count, at));
}

static inline enum err
take_field(struct walk *walk, const struct level *level,
    const ProtobufCFieldDescriptor *field, const struct wire_field *value)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return (take_element(walk, level, field, value));
    if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
        ++*message_count(level, field) > 1)
        return (message_refuse_at(walk, field, "the field comes twice",
            E_DENIED));
    if (value->type != wire_type(field->type))
        return (message_refuse_at(walk, field, wrong_type, E_INVAL));
    return (take_value(walk, field, value, 1, place_single(level, field)));
}

/* Most senders write fields in order: look at the next ones first. */
static inline const ProtobufCFieldDescriptor *
find_field(struct level *level, uint32_t number)
{
    const ProtobufCFieldDescriptor *field = level->last;

    while (field < level->end && field->id < number)
        field++;
    if (field == level->end || field->id != number)
        field = protobuf_c_message_descriptor_get_field(level->type,
            number);
    if (field != NULL)
        level->last = field;
    return (field);
}

/* Open a message: the walk goes on in it. */
static enum err
enter(struct walk *walk, const ProtobufCFieldDescriptor *field, uint32_t index,
    const ProtobufCMessageDescriptor *type)
{
    struct level *level;

    if (walk->depth >= walk->limits->depth || walk->depth >= DEPTH_MAX ||
        type->n_fields > COUNTS_MAX - walk->ncounts) {
        return (message_refuse_at(walk, field, "messages are nested too deep",
            E_TOOBIG));
    }
    level = &walk->levels[walk->depth++];
    level->type = type;
    level->end = member_end(type);
    level->last = type->fields;
    level->counts = walk->counts + walk->ncounts;
    level->made = NULL;
    level->field = field;
    level->index = index;
    walk->ncounts += type->n_fields;
    memset(level->counts, 0, type->n_fields * sizeof(level->counts[0]));
    if (walk->arena == NULL)
        return (E_OK);
    level->made = arena_alloc(walk->arena, type->sizeof_message);
    if (level->made == NULL)
        return (E_NOMEM);
    type->message_init((ProtobufCMessage *)(void *)level->made);
    return (E_OK);
}

/* Take one field of a message. */
static inline enum err
step(struct walk *walk, struct level *level, struct slice *bytes)
{
    const ProtobufCFieldDescriptor *field;
    struct wire_field value;
    const char *what;

    if (wire_next(bytes, &value, &what) != E_OK)
        return (message_refuse_at(walk, NULL, what, E_INVAL));
    *walk->end = '\0';
    if (walk->fields_left-- == 0)
        return (message_refuse_at(walk, NULL, "there are too many fields",
            E_TOOBIG));

    if ((field = find_field(level, value.number)) != NULL)
        return (take_field(walk, level, field, &value));
    if (walk->limits->refuse_unknown)
        return (message_refuse_unknown(walk, value.number));
    return (level->made == NULL ? E_OK : keep_unknown(walk, level, &value));
}

/*
 * Walk a message of ${type}, which stands in ${field} of that on top, and
 * store at ${at}, unless NULL, what it became.  Recursion ends at DEPTH_MAX.
 */
static enum err
walk_message(struct walk *walk, const ProtobufCFieldDescriptor *field,
    uint32_t index, const ProtobufCMessageDescriptor *type, struct slice bytes,
    uint8_t *at)
{
    struct level *level;
    enum err err;

    if ((err = enter(walk, field, index, type)) != E_OK)
        return (err);
    level = &walk->levels[walk->depth - 1];
    while (bytes.n > 0) {
        if ((err = step(walk, level, &bytes)) != E_OK)
            return (err);
    }
    walk->depth--;
    walk->ncounts -= type->n_fields;
    if (at != NULL)
        member_put_pointer(at, level->made);
    return (E_OK);
}

/* Walk all of ${bytes}: into ${*message}, if there is an arena. */
static enum err
walk_all(struct walk *walk, const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes, ProtobufCMessage **message)
{
    enum err err;

    walk->end = &walk->nowhere;
    walk->depth = 0;
    walk->fields_left = walk->limits->fields;
    walk->ncounts = 0;

    /* Counters have 32 bits, and lengths have 31. */
    if (bytes.n > INT32_MAX)
        return (message_refuse_at(walk, NULL, "the message is too long",
            E_TOOBIG));
    if (walk->arena != NULL) {
        walk->copy = (uint8_t *)arena_copy(walk->arena, bytes);
        if (walk->copy == NULL)
            return (E_NOMEM);
        bytes.p = walk->copy;
    }
    if ((err = walk_message(walk, NULL, 0, descriptor, bytes,
        (uint8_t *)message)) == E_OK)
        *walk->end = '\0';
    return (err);
}

enum err
message_scan(const ProtobufCMessageDescriptor *descriptor, struct slice bytes,
    const struct message_limits *limits, struct message_fault *fault)
{
    struct walk walk;       /* 12 KiB: only what is in use is set */

    walk.limits = limits;
    walk.fault = fault;
    walk.trusted = 0;
    walk.arena = NULL;
    return (walk_all(&walk, descriptor, bytes, NULL));
}

enum err
message_decode(const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes, const struct message_limits *limits,
    struct arena *arena, ProtobufCMessage **message,
    struct message_fault *fault)
{
    struct walk walk;
    enum err err;

    *message = NULL;
    walk.limits = limits;
    walk.fault = fault;
    walk.trusted = 0;
    walk.arena = arena;
    err = walk_all(&walk, descriptor, bytes, message);
    if (err != E_NOMEM)
        return (err);

    /* What is wrong with the rest of the message comes before that. */
    if ((err = message_scan(descriptor, bytes, limits, fault)) != E_OK)
        return (err);
    err = arena_exhausted(arena) ? E_TOOBIG : E_NOMEM;
    fault->field[0] = '\0';
    fault->what = err == E_NOMEM ? err_text(E_NOMEM) :
        "the message takes too much memory";
    return (err);
}

enum err
message_unpack(const ProtobufCMessageDescriptor *descriptor,
    struct slice bytes, struct arena *arena, ProtobufCMessage **message)
{
    static const struct message_limits limits = {
        .depth = DEPTH_MAX, .elements = SIZE_MAX, .fields = SIZE_MAX,
    };
    struct message_fault fault;
    struct walk walk;
    enum err err;

    *message = NULL;
    walk.limits = &limits;
    walk.fault = &fault;
    walk.trusted = 1;
    walk.arena = arena;
    err = walk_all(&walk, descriptor, bytes, message);
    if (err == E_NOMEM && arena_exhausted(arena))
        return (E_TOOBIG);
    return (err == E_OK || err == E_NOMEM ? err : E_CORRUPT);
}
