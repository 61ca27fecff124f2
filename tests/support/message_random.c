#include "support/message_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/wire.h"
#include "proto/wire_put.h"

#define DEPTH 4             /* of what is made */
#define TEXT_MAX 200        /* some lengths take two bytes */

/* What is being made. */
struct draft {
    uint64_t *seed;
    int unknown;
};

uint32_t
message_random_below(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return ((uint32_t)(*seed >> 33) % below);
}

static uint32_t
draw(struct draft *d, uint32_t below)
{
    return (message_random_below(d->seed, below));
}

static void
add(struct buf *out, const uint8_t *bytes, const uint8_t *end)
{
    assert_int_equal(buf_add(out, (struct slice){bytes,
        (size_t)(end - bytes)}), E_OK);
}

static void
add_varint(struct buf *out, uint64_t value, int longer)
{
    uint8_t bytes[WIRE_VARINT_MAX + 1], *p = wire_put_varint(bytes, value);

    if (longer && p - bytes < WIRE_TAG_MAX) {
        p[-1] |= 0x80;
        *p++ = 0;
    }
    add(out, bytes, p);
}

static void
add_tag(struct buf *out, uint32_t number, ProtobufCWireType type,
    struct draft *d)
{
    add_varint(out, (uint64_t)number << 3 | type, draw(d, 20) == 0);
}

static void
add_run(struct buf *out, uint8_t byte, size_t n)
{
    assert_int_equal(buf_reserve(out, n + 1), E_OK);
    memset(out->p + out->n, byte, n);
    out->n += n;
}

static uint64_t
draw_number(ProtobufCType type, struct draft *d)
{
    uint64_t value = (uint64_t)draw(d, 1u << 31) << 33 ^
        draw(d, 1u << 31);

    if (type == PROTOBUF_C_TYPE_BOOL)
        return (draw(d, 2));
    /* Of all lengths; and too wide for some, as an int32 may be sent. */
    value >>= draw(d, 64);
    return (draw(d, 8) == 0 ? 0 - value : value);
}

static void make(const ProtobufCMessageDescriptor *type, unsigned depth,
    struct draft *d, struct buf *out);

static void
make_prefixed(const ProtobufCFieldDescriptor *field, unsigned depth,
    struct draft *d, struct buf *out)
{
    struct buf content;

    buf_init(&content, MESSAGE_RANDOM_MAX);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        make(field->descriptor, depth + 1, d, &content);
    else if (draw(d, 4) != 0)
        add_run(&content, (uint8_t)('a' + draw(d, 26)),
            draw(d, draw(d, 4) == 0 ? TEXT_MAX : 20));
    add_tag(out, field->id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, d);
    add_varint(out, content.n, draw(d, 20) == 0);
    assert_int_equal(buf_add(out, buf_slice(&content)), E_OK);
    buf_free(&content);
}

static void
make_packed(const ProtobufCFieldDescriptor *field, struct draft *d,
    struct buf *out)
{
    struct buf content;
    uint32_t n = draw(d, 40);

    buf_init(&content, MESSAGE_RANDOM_MAX);
    for (; n > 0; n--)
        add_varint(&content, draw_number(field->type, d), 0);
    add_tag(out, field->id, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, d);
    add_varint(out, content.n, 0);
    assert_int_equal(buf_add(out, buf_slice(&content)), E_OK);
    buf_free(&content);
}

/* One value of ${field}; none of ours is fixed, and the canon's test is. */
static void
make_field(const ProtobufCFieldDescriptor *field, unsigned depth,
    struct draft *d, struct buf *out)
{
    switch (wire_type(field->type)) {
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        make_prefixed(field, depth, d, out);
        break;
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        if (field->label == PROTOBUF_C_LABEL_REPEATED && draw(d, 2) == 0) {
            make_packed(field, d, out);
            break;
        }
        add_tag(out, field->id, PROTOBUF_C_WIRE_TYPE_VARINT, d);
        add_varint(out, draw_number(field->type, d), draw(d, 8) == 0);
        break;
    default:
        fail_msg("%s is of a type that is not made yet", field->name);
    }
}

static void
make_unknown(struct draft *d, struct buf *out)
{
    const uint32_t number = 1000 + draw(d, 3);

    switch (draw(d, 4)) {
    case 0:
        add_tag(out, number, PROTOBUF_C_WIRE_TYPE_VARINT, d);
        add_varint(out, draw(d, 1000), draw(d, 2) == 0);
        break;
    case 1:
        add_tag(out, number, PROTOBUF_C_WIRE_TYPE_64BIT, d);
        add_run(out, 'f', 8);
        break;
    case 2:
        add_tag(out, number, PROTOBUF_C_WIRE_TYPE_32BIT, d);
        add_run(out, 'f', 4);
        break;
    default:
        add_tag(out, number, PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, d);
        add_varint(out, 5, draw(d, 2) == 0);
        add_run(out, 'u', 5);
        break;
    }
}

/* Fields in some order, some often; a sub-message at most once. */
static void
make(const ProtobufCMessageDescriptor *type, unsigned depth, struct draft *d,
    struct buf *out)
{
    const ProtobufCFieldDescriptor *field;
    uint32_t round, rounds = draw(d, 3) + 1;
    uint64_t seen = 0;
    unsigned i;

    assert_true(type->n_fields <= 64);
    for (round = 0; round < rounds; round++) {
        for (i = 0; i < type->n_fields; i++) {
            field = &type->fields[i];
            if (draw(d, 3) == 0)
                continue;
            if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
                (depth == DEPTH || draw(d, depth) != 0 ||
                (field->label != PROTOBUF_C_LABEL_REPEATED &&
                (seen >> i & 1) != 0)))
                continue;
            seen |= UINT64_C(1) << i;
            make_field(field, depth, d, out);
        }
        if (draw(d, 4) == 0 && d->unknown)
            make_unknown(d, out);
    }
}

void
message_random(const ProtobufCMessageDescriptor *type, uint64_t *seed,
    int unknown, struct buf *out)
{
    struct draft d = {seed, unknown};

    make(type, 1, &d, out);
}

void
message_random_field(const ProtobufCFieldDescriptor *field, uint64_t *seed,
    struct buf *out)
{
    struct draft d = {seed, 1};

    make_field(field, 1, &d, out);
}
