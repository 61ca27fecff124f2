#include "service/event_read.h"

#include <string.h>

#include "proto/wire.h"

/* A field's number and wire type in one, as its tag has them. */
#define NUMBER(n) ((n) << 3 | PROTOBUF_C_WIRE_TYPE_VARINT)
#define BYTES(n) ((n) << 3 | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)

/* Room for so many, at first, in a repeated field. */
#define ELEMENTS_FIRST 4

/* Reads one kind of message into ${out}, which its maker has set up. */
typedef enum err read_fn(struct slice in, struct arena *arena, void *out);

static enum err
no_room(const struct arena *arena)
{
    return (arena_exhausted(arena) ? E_TOOBIG : E_NOMEM);
}

/* Take the next field; what its tag says goes to ${*tag}. */
static inline enum err
next(struct slice *in, struct wire_field *field, uint32_t *tag)
{
    const char *what;

    if (wire_next(in, field, &what) != E_OK)
        return (E_CORRUPT);
    *tag = field->number << 3 | (uint32_t)field->type;
    return (E_OK);
}

/* A field that is none of ours is a newer version's, if its number is new. */
static enum err
skip(const struct wire_field *field, uint32_t last)
{
    return (field->number > last ? E_OK : E_CORRUPT);
}

static enum err
read_text(const struct wire_field *field, struct arena *arena, char **text)
{
    *text = arena_copy(arena, field->bytes);
    return (*text != NULL ? E_OK : no_room(arena));
}

static void
borrow(const struct wire_field *field, ProtobufCBinaryData *data)
{
    data->len = field->bytes.n;
    data->data = field->bytes.n == 0 ? NULL :
        (uint8_t *)(uintptr_t)field->bytes.p;   /* nobody writes there */
}

/* Read a sub-message that begins as ${blank} into ${*out}, empty so far. */
static enum err
read_sub(const struct wire_field *field, struct arena *arena,
    const void *blank, size_t size, read_fn *fn, void *out)
{
    void *made;

    memcpy(&made, out, sizeof(made));
    if (made != NULL)
        return (E_CORRUPT);
    if ((made = arena_alloc(arena, size)) == NULL)
        return (no_room(arena));
    memcpy(made, blank, size);
    memcpy(out, &made, sizeof(made));
    return (fn(field->bytes, arena, made));
}

/* Make room for one more element of ${size} bytes in ${*array}. */
static enum err
grow(struct arena *arena, void *array, size_t n, size_t size)
{
    void *old, *bigger;

    if (n != 0 && (n < ELEMENTS_FIRST || (n & (n - 1)) != 0))
        return (E_OK);
    bigger = arena_alloc(arena, size * (n == 0 ? ELEMENTS_FIRST : 2 * n));
    if (bigger == NULL)
        return (no_room(arena));
    memcpy(&old, array, sizeof(old));
    if (n > 0)
        memcpy(bigger, old, n * size);
    memcpy(array, &bigger, sizeof(bigger));
    return (E_OK);
}

/* Read one more of a repeated sub-message. */
#define ADD(field, arena, array, n, blank, fn)                              \
    add(field, arena, &(array), &(n), &(blank), sizeof(blank), fn)

static enum err
add(const struct wire_field *field, struct arena *arena, void *array,
    size_t *n, const void *blank, size_t size, read_fn *fn)
{
    void **elements, *none = NULL;
    enum err err;

    if ((err = grow(arena, array, *n, sizeof(void *))) != E_OK)
        return (err);
    memcpy(&elements, array, sizeof(elements));
    memcpy(&elements[*n], &none, sizeof(none));
    if ((err = read_sub(field, arena, blank, size, fn,
        &elements[*n])) == E_OK)
        (*n)++;
    return (err);
}

#define SUB(field, arena, member, blank, fn)                                \
    read_sub(field, arena, &(blank), sizeof(blank), fn, &(member))

/* ---- one function a message -------------------------------------------- */

static const Vouch__V1__Date blank_date = VOUCH__V1__DATE__INIT;
static const Vouch__V1__ValidityPeriod blank_period =
    VOUCH__V1__VALIDITY_PERIOD__INIT;
static const Vouch__V1__HumanName blank_human = VOUCH__V1__HUMAN_NAME__INIT;
static const Vouch__V1__HolderName blank_name = VOUCH__V1__HOLDER_NAME__INIT;
static const Vouch__V1__FactorMac blank_factor = VOUCH__V1__FACTOR_MAC__INIT;
static const Vouch__V1__CredentialRecord blank_record =
    VOUCH__V1__CREDENTIAL_RECORD__INIT;
static const Vouch__V1__Event blank_event = VOUCH__V1__EVENT__INIT;

/*
 * A whole date as its shortest form has it: three tags, and a year of two
 * bytes.  Nearly all are.
 */
static int
read_whole_date(struct slice in, Vouch__V1__Date *date)
{
    const uint8_t *p = in.p;

    if (in.n != 7 || p[0] != NUMBER(1) || p[1] < 0x80 || p[2] == 0 ||
        p[2] >= 0x80 || p[3] != NUMBER(2) || p[4] >= 0x80 ||
        p[5] != NUMBER(3) || p[6] >= 0x80)
        return (0);
    date->year = (p[1] & 0x7f) | p[2] << 7;
    date->month = p[4];
    date->day = p[6];
    return (1);
}

static enum err
read_date(struct slice in, struct arena *arena, void *out)
{
    Vouch__V1__Date *date = out;
    struct wire_field field;
    enum err err = E_OK;
    uint32_t tag;

    (void)arena;
    if (read_whole_date(in, date))
        return (E_OK);
    while (err == E_OK && in.n > 0 &&
        (err = next(&in, &field, &tag)) == E_OK) {
        switch (tag) {
        case NUMBER(1): date->year = (int32_t)field.value; break;
        case NUMBER(2): date->month = (int32_t)field.value; break;
        case NUMBER(3): date->day = (int32_t)field.value; break;
        default: err = skip(&field, 3); break;
        }
    }
    return (err);
}

static enum err
read_period(struct slice in, struct arena *arena, void *out)
{
    Vouch__V1__ValidityPeriod *period = out;
    struct wire_field field;
    enum err err = E_OK;
    uint32_t tag;

    while (err == E_OK && in.n > 0 &&
        (err = next(&in, &field, &tag)) == E_OK) {
        switch (tag) {
        case NUMBER(1):
            period->kind = (Vouch__V1__PeriodKind)field.value;
            break;
        case BYTES(2):
            err = SUB(&field, arena, period->valid_from, blank_date,
                read_date);
            break;
        case BYTES(3):
            err = SUB(&field, arena, period->valid_until, blank_date,
                read_date);
            break;
        case BYTES(4):
            err = SUB(&field, arena, period->grace_until, blank_date,
                read_date);
            break;
        default: err = skip(&field, 4); break;
        }
    }
    return (err);
}

static enum err
read_human(struct slice in, struct arena *arena, void *out)
{
    Vouch__V1__HumanName *human = out;
    struct wire_field field;
    enum err err = E_OK;
    uint32_t tag;

    while (err == E_OK && in.n > 0 &&
        (err = next(&in, &field, &tag)) == E_OK) {
        switch (tag) {
        case BYTES(1): err = read_text(&field, arena, &human->family); break;
        case BYTES(2): err = read_text(&field, arena, &human->given); break;
        case BYTES(3): err = read_text(&field, arena, &human->middle); break;
        case BYTES(4): err = read_text(&field, arena, &human->suffix); break;
        default: err = skip(&field, 4); break;
        }
    }
    return (err);
}

static enum err
read_name(struct slice in, struct arena *arena, void *out)
{
    Vouch__V1__HolderName *name = out;
    struct wire_field field;
    enum err err = E_OK;
    uint32_t tag;

    while (err == E_OK && in.n > 0 &&
        (err = next(&in, &field, &tag)) == E_OK) {
        switch (tag) {
        case BYTES(1):
            err = SUB(&field, arena, name->name, blank_human, read_human);
            break;
        case NUMBER(2): name->former = field.value != 0; break;
        case BYTES(3):
            err = SUB(&field, arena, name->since, blank_date, read_date);
            break;
        default: err = skip(&field, 3); break;
        }
    }
    return (err);
}

static enum err
read_factor(struct slice in, struct arena *arena, void *out)
{
    Vouch__V1__FactorMac *factor = out;
    struct wire_field field;
    enum err err = E_OK;
    uint32_t tag;

    (void)arena;
    while (err == E_OK && in.n > 0 &&
        (err = next(&in, &field, &tag)) == E_OK) {
        switch (tag) {
        case NUMBER(1):
            factor->factor = (Vouch__V1__Factor)field.value;
            break;
        case BYTES(2): borrow(&field, &factor->key_id); break;
        case BYTES(3): borrow(&field, &factor->mac); break;
        default: err = skip(&field, 3); break;
        }
    }
    return (err);
}

/* The numbers of the record's status. */
static enum err
set_status(Vouch__V1__CredentialRecord *r, const struct wire_field *field,
    uint32_t tag)
{
    switch (tag) {
    case NUMBER(11): r->standing = (Vouch__V1__Standing)field->value; break;
    case NUMBER(12):
        r->inactive_reason = (Vouch__V1__InactiveReason)field->value;
        break;
    case NUMBER(13):
        r->restriction = (Vouch__V1__Restriction)field->value;
        break;
    case NUMBER(14): r->review = (Vouch__V1__Review)field->value; break;
    case NUMBER(15): r->good_past_end_date = field->value != 0; break;
    default: return (skip(field, 15));
    }
    return (E_OK);
}

static enum err
read_record(struct slice in, struct arena *arena, void *out)
{
    Vouch__V1__CredentialRecord *r = out;
    struct wire_field field;
    enum err err = E_OK;
    uint32_t tag;

    while (err == E_OK && in.n > 0 &&
        (err = next(&in, &field, &tag)) == E_OK) {
        switch (tag) {
        case BYTES(1):
            err = read_text(&field, arena, &r->credential_type_id);
            break;
        case BYTES(2): err = read_text(&field, arena, &r->number); break;
        case BYTES(3): err = read_text(&field, arena, &r->number_key); break;
        case BYTES(4): err = read_text(&field, arena, &r->holder_ref); break;
        case BYTES(5):
            err = ADD(&field, arena, r->names, r->n_names, blank_name,
                read_name);
            break;
        case BYTES(6):
            err = ADD(&field, arena, r->factors, r->n_factors, blank_factor,
                read_factor);
            break;
        case BYTES(7):
            err = SUB(&field, arena, r->issued_on, blank_date, read_date);
            break;
        case BYTES(8):
            err = ADD(&field, arena, r->periods, r->n_periods, blank_period,
                read_period);
            break;
        case BYTES(9): err = read_text(&field, arena, &r->raw_status); break;
        case BYTES(10): err = read_text(&field, arena, &r->raw_reason); break;
        default: err = set_status(r, &field, tag); break;
        }
    }
    return (err);
}

static enum err
add_previous(const struct wire_field *field, struct arena *arena,
    Vouch__V1__Event *event)
{
    enum err err = grow(arena, &event->previous, event->n_previous,
        sizeof(*event->previous));

    if (err == E_OK)
        borrow(field, &event->previous[event->n_previous++]);
    return (err);
}

static enum err
read_event(struct slice in, struct arena *arena, void *out)
{
    Vouch__V1__Event *e = out;
    struct wire_field field;
    enum err err = E_OK;
    uint32_t tag;

    while (err == E_OK && in.n > 0 &&
        (err = next(&in, &field, &tag)) == E_OK) {
        switch (tag) {
        case BYTES(1):
            err = read_text(&field, arena, &e->association_id);
            break;
        case BYTES(2): borrow(&field, &e->credential_id); break;
        case BYTES(3): borrow(&field, &e->publication_id); break;
        case NUMBER(4): e->kind = (Vouch__V1__EventKind)field.value; break;
        case BYTES(5):
            err = SUB(&field, arena, e->effective_on, blank_date, read_date);
            break;
        case NUMBER(6): e->recorded_at_us = (int64_t)field.value; break;
        case NUMBER(7): e->source_time_us = (int64_t)field.value; break;
        case NUMBER(8): e->status_table_version = (int32_t)field.value; break;
        case BYTES(9):
            err = SUB(&field, arena, e->record, blank_record, read_record);
            break;
        case BYTES(10): err = add_previous(&field, arena, e); break;
        case NUMBER(11): e->effective_on_assumed = field.value != 0; break;
        default: err = skip(&field, 11); break;
        }
    }
    return (err);
}

enum err
event_read(struct slice bytes, struct arena *arena, Vouch__V1__Event **event)
{
    Vouch__V1__Event *made;
    enum err err;

    *event = NULL;
    if ((made = arena_alloc(arena, sizeof(*made))) == NULL)
        return (no_room(arena));
    *made = blank_event;
    if ((err = read_event(bytes, arena, made)) == E_OK)
        *event = made;
    return (err);
}
