#include "support/full_receipt.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/civil.h"
#include "proto/message.h"

/* The association's clock in it. */
#define OFFSET (-345)
#define DEPTH_MAX 6

static struct arena *arena;
static struct full_receipt *made;
static unsigned next;               /* of the values that were given */

static void
must(int done)
{
    if (!done)
        abort();
}

static void *
take(size_t n)
{
    void *p = arena_alloc(arena, n);

    must(p != NULL);
    memset(p, 0, n);
    return (p);
}

static struct full_value *
note(const char *path, const char *field)
{
    struct full_value *v = &made->values[made->nvalues++];

    must(made->nvalues < FULL_VALUES_MAX);
    (void)snprintf(v->field, sizeof(v->field), "%s.%s", path, field);
    return (v);
}

static void fill(ProtobufCMessage *m, const char *path, unsigned depth);

static int
ends_with(const char *text, const char *tail)
{
    size_t n = strlen(text), t = strlen(tail);

    return (n >= t && strcmp(text + n - t, tail) == 0);
}

/* A day that exists, and no other date has. */
static void
fill_date(ProtobufCMessage *m, struct full_value *v)
{
    Vouch__V1__Date *date = (Vouch__V1__Date *)(void *)m;

    date->year = 2000 + (int)(next % 90);
    date->month = 1 + (int)(next % 12);
    date->day = 1 + (int)(next % 28);
    next++;
    (void)snprintf(v->shown, sizeof(v->shown), "%04d-%02d-%02d", date->year,
        date->month, date->day);
    (void)snprintf(v->json, sizeof(v->json), "%d", date->year);
}

static void
fill_time(int64_t *us, struct full_value *v)
{
    char text[CIVIL_TIME_TEXT];

    *us = FIXTURE_NOW_US - (int64_t)next++ * 61000000;
    civil_format_time(*us, OFFSET, text);
    (void)snprintf(v->shown, sizeof(v->shown), "%s", text);
    (void)snprintf(v->json, sizeof(v->json), "%" PRId64, *us);
}

static void
fill_number(const ProtobufCFieldDescriptor *f, void *at, struct full_value *v)
{
    int64_t value = 1000 + (int64_t)next++;

    if (strcmp(f->name, "utc_offset_minutes") == 0)
        value = OFFSET;
    if (ends_with(f->name, "_seconds"))
        value *= 86400;
    if (f->type == PROTOBUF_C_TYPE_INT64)
        *(int64_t *)at = value;
    else
        *(int32_t *)at = (int32_t)value;
    (void)snprintf(v->json, sizeof(v->json), "%" PRId64, value);
    (void)snprintf(v->shown, sizeof(v->shown), "%" PRId64 "%s",
        ends_with(f->name, "_seconds") ? value / 86400 : value,
        ends_with(f->name, "_seconds") ? " days" : "");
    if (value == OFFSET)
        (void)snprintf(v->shown, sizeof(v->shown), "UTC-05:45");
}

/* A value of the enum, its last: none has it by default. */
static void
fill_enum(const ProtobufCFieldDescriptor *f, void *at, struct full_value *v)
{
    const ProtobufCEnumDescriptor *e = f->descriptor;
    const ProtobufCEnumValue *value = &e->values[e->n_values - 1];

    /* A freshness of NEVER has no times. */
    if (strcmp(e->short_name, "FreshnessState") == 0)
        value--;
    *(int32_t *)at = value->value;
    (void)snprintf(v->json, sizeof(v->json), "%s", value->name);
}

static void
fill_text(const ProtobufCFieldDescriptor *f, void *at, struct full_value *v)
{
    char *text = take(FULL_VALUE);

    (void)snprintf(text, FULL_VALUE, "T%u-%.40s", next++, f->name);
    *(char **)at = text;
    (void)snprintf(v->shown, sizeof(v->shown), "%s", text);
    (void)snprintf(v->json, sizeof(v->json), "%s", text);
}

static void
fill_bytes(void *at, struct full_value *v)
{
    ProtobufCBinaryData *data = at;

    data->len = 8;
    data->data = take(8);
    for (size_t i = 0; i < 8; i++)
        data->data[i] = (uint8_t)(next + i);
    next++;
    bytes_to_hex((struct slice){data->data, 8}, v->shown);
    bytes_to_hex((struct slice){data->data, 8}, v->json);
}

static void
fill_message(const ProtobufCFieldDescriptor *f, void *at,
    const char *path, unsigned depth)
{
    const ProtobufCMessageDescriptor *d = f->descriptor;
    ProtobufCMessage *m = take(d->sizeof_message);
    char below[FULL_VALUE];

    d->message_init(m);
    *(ProtobufCMessage **)at = m;
    if (strcmp(d->short_name, "Date") == 0) {
        fill_date(m, note(path, f->name));
        return;
    }
    (void)snprintf(below, sizeof(below), "%.60s.%.50s", path, f->name);
    fill(m, below, depth + 1);
}

static void
fill_value(const ProtobufCFieldDescriptor *f, void *at, const char *path,
    unsigned depth)
{
    struct full_value *v;

    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        fill_message(f, at, path, depth);
        return;
    }
    v = note(path, f->name);
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        fill_text(f, at, v);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        fill_bytes(at, v);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        fill_enum(f, at, v);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = 1;
        (void)snprintf(v->json, sizeof(v->json), "true");
        break;
    default:
        must(f->type == PROTOBUF_C_TYPE_INT32 ||
            f->type == PROTOBUF_C_TYPE_INT64);
        if (ends_with(f->name, "_us"))
            fill_time(at, v);
        else
            fill_number(f, at, v);
    }
}

static void
fill(ProtobufCMessage *m, const char *path, unsigned depth)
{
    must(depth < DEPTH_MAX);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        uint8_t *at = (uint8_t *)m + f->offset;
        size_t size = f->type == PROTOBUF_C_TYPE_ENUM ? 4 : sizeof(void *);

        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            fill_value(f, at, path, depth);
            continue;
        }
        *(size_t *)(void *)((uint8_t *)m + f->quantifier_offset) = 2;
        *(uint8_t **)(void *)at = take(2 * size);
        for (size_t n = 0; n < 2; n++)
            fill_value(f, *(uint8_t **)(void *)at + n * size, path, depth);
    }
}

void
full_receipt_make(struct full_receipt *full)
{
    Vouch__V1__Question question = VOUCH__V1__QUESTION__INIT;
    Vouch__V1__Answer answer = VOUCH__V1__ANSWER__INIT;

    memset(full, 0, sizeof(*full));
    made = full;
    next = 1;
    must(arena_create((size_t)1024 * 1024, &arena) == E_OK);
    fill(&question.base, "Question", 0);
    fill(&answer.base, "Answer", 0);
    receipt_fixture_make(&full->fixture, 7, 3);
    full->fixture.question.n = full->fixture.answer.n = 0;
    must(message_pack(&question.base, &full->fixture.question) == E_OK);
    must(message_pack(&answer.base, &full->fixture.answer) == E_OK);
    receipt_fixture_seal(&full->fixture);
    receipt_fixture_sign(&full->fixture);
    buf_init(&full->bytes, RECEIPT_BYTES_MAX);
    receipt_fixture_pack(&full->fixture, &full->bytes);
    arena_free(arena);
}

void
full_receipt_free(struct full_receipt *full)
{
    receipt_fixture_free(&full->fixture);
    buf_free(&full->bytes);
}
