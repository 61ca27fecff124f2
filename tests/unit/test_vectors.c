/*
 * Holds our code to tests/vectors, which recompute.py recomputes without it.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <string.h>

#include <jansson.h>
#include <openssl/sha.h>

#include "proto/arena.h"
#include "proto/leaf.h"
#include "proto/message.h"

#include "vouch/v1/catalog.pb-c.h"
#include "vouch/v1/log_entry.pb-c.h"

#define BYTES_MAX 4096

static const struct message_limits limits = {
    .depth = 8, .elements = 100, .fields = 1000, .refuse_unknown = 0
};

static const struct {
    const char *type;
    const ProtobufCMessageDescriptor *descriptor;
} types[] = {
    {"vouch.v1.Event", &vouch__v1__event__descriptor},
    {"vouch.v1.Declaration", &vouch__v1__declaration__descriptor},
    {"vouch.v1.Manifest", &vouch__v1__manifest__descriptor},
    {"vouch.v1.Catalog", &vouch__v1__catalog__descriptor},
};

static const struct {
    const char *factor;
    enum factor_kind kind;
} kinds[] = {
    {"BIRTH_YEAR", FACTOR_KIND_BIRTH_YEAR},
    {"BIRTH_DATE", FACTOR_KIND_BIRTH_DATE},
    {"LAST4", FACTOR_KIND_LAST4},
};

static json_t *
load(const char *path)
{
    json_error_t error;
    json_t *vectors = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    if (vectors == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    assert_true(json_array_size(vectors) > 0);
    return (vectors);
}

static const char *
text_of(const json_t *vector, const char *key)
{
    const char *text = json_string_value(json_object_get(vector, key));

    if (text == NULL)
        fail_msg("no text \"%s\"", key);
    return (text);
}

/* The hexadecimal bytes of ${key}, into room for BYTES_MAX. */
static struct slice
bytes_of(const json_t *vector, const char *key, uint8_t bytes[BYTES_MAX])
{
    const char *hex = text_of(vector, key);
    size_t n = strlen(hex) / 2;

    assert_true(n <= BYTES_MAX);
    assert_int_equal(bytes_from_hex(hex, bytes, n), E_OK);
    return ((struct slice){bytes, n});
}

static void
assert_bytes(const json_t *vector, const char *key, struct slice got)
{
    uint8_t bytes[BYTES_MAX];
    struct slice want = bytes_of(vector, key, bytes);

    if (!slice_equal(want, got))
        fail_msg("%s: %s differs", text_of(vector, "name"), key);
}

static void *
room(struct arena *arena, size_t n)
{
    void *p = arena_alloc(arena, n);

    assert_non_null(p);
    memset(p, 0, n);
    return (p);
}

static ProtobufCMessage *build(const ProtobufCMessageDescriptor *descriptor,
    json_t *values, struct arena *arena);

static void
build_bytes(const json_t *value, struct arena *arena, ProtobufCBinaryData *out)
{
    const char *hex = json_string_value(value);

    assert_non_null(hex);
    out->len = strlen(hex) / 2;
    out->data = room(arena, out->len + 1);
    assert_int_equal(bytes_from_hex(hex, out->data, out->len), E_OK);
}

static void
build_enum(const ProtobufCEnumDescriptor *descriptor, const json_t *value,
    int *out)
{
    const ProtobufCEnumValue *named;

    assert_true(json_is_string(value));
    named = protobuf_c_enum_descriptor_get_value_by_name(descriptor,
        json_string_value(value));
    assert_non_null(named);
    *out = named->value;
}

/* Write ${value} at ${out}, where protobuf-c keeps such a field. */
static void
build_value(const ProtobufCFieldDescriptor *field, json_t *value,
    struct arena *arena, void *out)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        assert_true(json_is_string(value));
        *(char **)out = arena_copy(arena,
            slice_of(json_string_value(value)));
        assert_non_null(*(char **)out);
        break;
    case PROTOBUF_C_TYPE_BYTES:
        build_bytes(value, arena, out);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)out = build(field->descriptor, value, arena);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        build_enum(field->descriptor, value, out);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        assert_true(json_is_boolean(value));
        *(protobuf_c_boolean *)out = json_is_true(value);
        break;
    case PROTOBUF_C_TYPE_INT32:
        assert_true(json_is_integer(value));
        *(int32_t *)out = (int32_t)json_integer_value(value);
        break;
    case PROTOBUF_C_TYPE_INT64:
        assert_true(json_is_integer(value));
        *(int64_t *)out = json_integer_value(value);
        break;
    default:
        fail_msg("%s is of a type without a vector", field->name);
    }
}

static void
build_repeated(const ProtobufCFieldDescriptor *field, json_t *values,
    struct arena *arena, ProtobufCMessage *message)
{
    uint8_t *base = (uint8_t *)message;
    size_t n = json_array_size(values);
    size_t size = field->type == PROTOBUF_C_TYPE_BYTES ?
        sizeof(ProtobufCBinaryData) : sizeof(void *);
    uint8_t *elements = room(arena, n * size + 1);

    assert_true(json_is_array(values));
    assert_true(field->type == PROTOBUF_C_TYPE_BYTES ||
        field->type == PROTOBUF_C_TYPE_STRING ||
        field->type == PROTOBUF_C_TYPE_MESSAGE);
    for (size_t i = 0; i < n; i++)
        build_value(field, json_array_get(values, i), arena,
            elements + i * size);
    memcpy(base + field->quantifier_offset, &n, sizeof(n));
    memcpy(base + field->offset, &elements, sizeof(elements));
}

/* The message that ${values} describe by the names of its fields. */
static ProtobufCMessage *
build(const ProtobufCMessageDescriptor *descriptor, json_t *values,
    struct arena *arena)
{
    ProtobufCMessage *message = room(arena, descriptor->sizeof_message);
    const char *name;
    json_t *value;

    descriptor->message_init(message);
    json_object_foreach(values, name, value) {
        const ProtobufCFieldDescriptor *field;

        if (strcmp(name, "unknown_fields") == 0)
            continue;
        field = protobuf_c_message_descriptor_get_field_by_name(descriptor,
            name);
        if (field == NULL)
            fail_msg("%s has no field %s", descriptor->name, name);
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            build_repeated(field, value, arena, message);
        else
            build_value(field, value, arena,
                (uint8_t *)message + field->offset);
    }
    return (message);
}

static const ProtobufCMessageDescriptor *
descriptor_of(const json_t *vector)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].type, text_of(vector, "type")) == 0)
            return (types[i].descriptor);
    fail_msg("unknown type %s", text_of(vector, "type"));
    return (NULL);
}

/* What is built from the description packs to the bytes. */
static void
check_build(const json_t *vector, struct arena *arena)
{
    json_t *values = json_object_get(vector, "message");
    int has_unknown = json_object_get(values, "unknown_fields") != NULL;
    uint8_t bytes[BYTES_MAX];
    struct slice want = bytes_of(vector, "bytes", bytes);
    struct buf packed;

    buf_init(&packed, BYTES_MAX);
    assert_int_equal(message_pack(build(descriptor_of(vector), values, arena),
        &packed), E_OK);
    /* Unknown fields are behind; decoding and packing again shows them. */
    if (packed.n > want.n || (packed.n == want.n) == has_unknown)
        fail_msg("%s: length differs", text_of(vector, "name"));
    want.n = packed.n;
    if (!slice_equal(buf_slice(&packed), want))
        fail_msg("%s: bytes differ", text_of(vector, "name"));
    buf_free(&packed);
}

/* What is decoded packs to the bytes again, unknown fields and all. */
static void
check_round_trip(const json_t *vector, struct arena *arena)
{
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(vector);
    size_t unknown = json_array_size(json_object_get(json_object_get(vector,
        "message"), "unknown_fields"));
    uint8_t bytes[BYTES_MAX];
    struct slice in = bytes_of(vector, "bytes", bytes);
    struct message_fault fault;
    ProtobufCMessage *message;
    struct buf packed;

    assert_true(message_is_canonical(descriptor, in));
    assert_int_equal(message_decode(descriptor, in, &limits, arena, &message,
        &fault), E_OK);
    assert_int_equal(message->n_unknown_fields, unknown);
    buf_init(&packed, BYTES_MAX);
    assert_int_equal(message_pack(message, &packed), E_OK);
    assert_bytes(vector, "bytes", buf_slice(&packed));
    buf_free(&packed);
}

static void
check_leaf(const json_t *vector)
{
    enum leaf_domain domain = (enum leaf_domain)json_integer_value(
        json_object_get(vector, "domain_number"));
    uint8_t bytes[BYTES_MAX], salt[BYTES_MAX];
    uint8_t hashed[1 + LEAF_DATA] = {0};
    uint8_t hash[SHA256_DIGEST_LENGTH];
    struct slice in = bytes_of(vector, "bytes", bytes);

    assert_int_equal(bytes_of(vector, "salt", salt).n, LEAF_SALT);
    assert_string_equal(leaf_domain_text(domain), text_of(vector, "domain"));
    assert_int_equal(leaf_data(domain, salt, in, hashed + 1), E_OK);
    assert_bytes(vector, "leaf_data", (struct slice){hashed + 1, LEAF_DATA});
    assert_non_null(SHA256(hashed, sizeof(hashed), hash));
    assert_bytes(vector, "leaf_hash", (struct slice){hash, sizeof(hash)});
}

static void
every_leaf_is_as_in_its_vector(void **state)
{
    json_t *vectors = load(SOURCE_DIR "/tests/vectors/leaves.json");
    struct arena *arena;
    json_t *vector;
    size_t i;

    (void)state;
    assert_int_equal(arena_create(64 * 1024, &arena), E_OK);
    json_array_foreach(vectors, i, vector) {
        check_build(vector, arena);
        check_round_trip(vector, arena);
        check_leaf(vector);
        arena_reset(arena);
    }
    arena_free(arena);
    json_decref(vectors);
}

static enum factor_kind
kind_of(const json_t *vector)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].factor, text_of(vector, "factor")) == 0)
            return (kinds[i].kind);
    fail_msg("unknown factor %s", text_of(vector, "factor"));
    return (kinds[0].kind);
}

static void
every_factor_is_as_in_its_vector(void **state)
{
    json_t *vectors = load(SOURCE_DIR "/tests/vectors/factors.json");
    json_t *vector;
    size_t i;

    (void)state;
    json_array_foreach(vectors, i, vector) {
        uint8_t secret[BYTES_MAX], credential_id[BYTES_MAX], mac[FACTOR_MAC];
        struct factor_key *key;

        assert_int_equal(bytes_of(vector, "key", secret).n, FACTOR_KEY);
        assert_int_equal(bytes_of(vector, "credential_id", credential_id).n,
            LEAF_CREDENTIAL_ID);
        assert_int_equal(json_integer_value(json_object_get(vector,
            "factor_byte")), kind_of(vector));
        assert_int_equal(factor_key_create(secret, &key), E_OK);
        assert_bytes(vector, "key_id", (struct slice){factor_key_id(key),
            FACTOR_KEY_ID});
        assert_int_equal(factor_mac(key, kind_of(vector), credential_id,
            slice_of(text_of(vector, "value")), mac), E_OK);
        assert_bytes(vector, "mac", (struct slice){mac, FACTOR_MAC});
        factor_key_free(key);
    }
    json_decref(vectors);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_leaf_is_as_in_its_vector),
        cmocka_unit_test(every_factor_is_as_in_its_vector),
    };

    return (cmocka_run_group_tests_name("vectors", tests, NULL, NULL));
}
