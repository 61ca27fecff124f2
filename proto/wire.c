#include "proto/wire.h"

#include <limits.h>

#include "proto/wire_put.h"

#define VARINT_MAX WIRE_VARINT_MAX
#define TAG_MAX WIRE_TAG_MAX

static const char truncated[] = "the message ends within a field";

enum err
wire_varint(struct slice *in, uint64_t *value, int *shortest)
{
    const uint8_t *p = in->p;
    size_t i, max = in->n < VARINT_MAX ? in->n : VARINT_MAX;
    uint64_t v = 0;

    for (i = 0; i < max; i++) {
        v |= (uint64_t)(p[i] & 0x7f) << (7 * i);
        if ((p[i] & 0x80) == 0)
            break;
    }
    /* The tenth byte has room for one bit. */
    if (i == max || (i == VARINT_MAX - 1 && p[i] > 1))
        return (E_INVAL);
    if (i > 0 && p[i] == 0)
        *shortest = 0;
    in->p += i + 1;
    in->n -= i + 1;
    *value = v;
    return (E_OK);
}

static enum err
long_varint(struct slice *in, uint32_t *value, int *shortest)
{
    struct slice head = {in->p, in->n < TAG_MAX ? in->n : TAG_MAX};
    size_t n = head.n;
    uint64_t v;

    if (wire_varint(&head, &v, shortest) != E_OK || v > UINT32_MAX)
        return (E_INVAL);
    n -= head.n;
    in->p += n;
    in->n -= n;
    *value = (uint32_t)v;
    return (E_OK);
}

/* A varint of at most 32 bits and TAG_MAX bytes: nearly always one byte. */
static inline enum err
short_varint(struct slice *in, uint32_t *value, int *shortest)
{
    if (in->n == 0 || in->p[0] >= 0x80)
        return (long_varint(in, value, shortest));
    *value = in->p[0];
    in->p++;
    in->n--;
    return (E_OK);
}

static inline enum err
fixed(struct slice *in, size_t n, struct wire_field *field, const char **what)
{
    if (in->n < n) {
        *what = truncated;
        return (E_INVAL);
    }
    field->bytes = (struct slice){in->p, n};
    in->p += n;
    in->n -= n;
    return (E_OK);
}

static enum err
varint(struct slice *in, struct wire_field *field, const char **what)
{
    const uint8_t *p = in->p;

    if (wire_varint(in, &field->value, &field->shortest) != E_OK) {
        *what = in->n < VARINT_MAX ? truncated : "a varint is too long";
        return (E_INVAL);
    }
    field->bytes = (struct slice){p, (size_t)(in->p - p)};
    return (E_OK);
}

static inline enum err
prefixed(struct slice *in, struct wire_field *field, const char **what)
{
    uint32_t n;

    if (short_varint(in, &n, &field->shortest) != E_OK || n > INT_MAX) {
        *what = in->n < TAG_MAX ? truncated : "a length is too long";
        return (E_INVAL);
    }
    return (fixed(in, n, field, what));
}

enum err
wire_next_long(struct slice *in, struct wire_field *field,
    const char **what)
{
    uint32_t tag;

    field->shortest = 1;
    if (short_varint(in, &tag, &field->shortest) != E_OK) {
        *what = in->n < TAG_MAX ? truncated : "a field number is too long";
        return (E_INVAL);
    }
    field->begin = in->p;
    if ((field->number = tag >> 3) == 0) {
        *what = "a field has number 0";
        return (E_INVAL);
    }
    switch (tag & 7) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        field->type = PROTOBUF_C_WIRE_TYPE_VARINT;
        return (varint(in, field, what));
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        field->type = PROTOBUF_C_WIRE_TYPE_64BIT;
        return (fixed(in, 8, field, what));
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        field->type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
        return (prefixed(in, field, what));
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        field->type = PROTOBUF_C_WIRE_TYPE_32BIT;
        return (fixed(in, 4, field, what));
    case 3:
    case 4:
        *what = "groups are not supported";
        return (E_INVAL);
    default:
        *what = "a field has a wire type that does not exist";
        return (E_INVAL);
    }
}
