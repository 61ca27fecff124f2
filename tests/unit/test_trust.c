#include "proto/trust.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "support/fault.h"
#include "support/trust_fixture.h"

#define SWEEP 100

static struct trust_content content;    /* what the fixture says */
static struct buf file;                 /* and its file */

static int
setup(void **state)
{
    (void)state;
    trust_fixture_content(&content);
    buf_init(&file, TRUST_BYTES_MAX);
    trust_fixture_write(&content, &file);
    return (0);
}

static int
teardown(void **state)
{
    (void)state;
    buf_free(&file);
    return (0);
}

/* Read ${bytes}, which must be refused, or taken, as ${want} says. */
static void
expect(struct slice bytes, enum err want, const char *says)
{
    struct trust *trust = (struct trust *)&content;
    char why[256] = "";
    enum err err = trust_read(bytes, &trust, why, sizeof(why));

    if (err != want)
        fail_msg("%s where %s is due: %s", err_name(err), err_name(want), why);
    if (err == E_OK) {
        assert_non_null(trust);
    } else {
        assert_null(trust);
        if (strstr(why, says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", why, says);
    }
    trust_free(trust);
}

static void
expect_text(const char *text, enum err want, const char *says)
{
    expect(slice_of(text), want, says);
}

static struct trust *
read_file(void)
{
    struct trust *trust;
    char why[256] = "";

    if (trust_read(buf_slice(&file), &trust, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
    return (trust);
}

static void
what_was_written_is_read(void **state)
{
    struct trust *trust = read_file();
    struct trust_fixture_key root;

    (void)state;
    trust_fixture_key(FIXTURE_ROOT, &root);
    assert_memory_equal(trust_root_key(trust), root.public_key,
        ED25519_PUBLIC_KEY);
    assert_memory_equal(trust_content(trust), &content, sizeof(content));
    assert_int_equal(file.p[file.n - 1], '\n');
    trust_free(trust);
    trust_free(NULL);
}

static void
a_file_without_keys_is_one(void **state)
{
    struct trust *trust;

    (void)state;
    content.nkeys = 0;
    memset(content.keys, 0, sizeof(content.keys));
    file.n = 0;
    trust_fixture_write(&content, &file);
    trust = read_file();
    assert_memory_equal(trust_content(trust), &content, sizeof(content));
    trust_free(trust);
}

static void
a_key_is_found_by_use_and_id(void **state)
{
    struct trust *trust = read_file();
    struct trust_fixture_key key;

    (void)state;
    trust_fixture_key(FIXTURE_RETIRED, &key);
    assert_ptr_equal(trust_find(trust, TRUST_SEAL, key.id),
        &trust_content(trust)->keys[1]);
    assert_null(trust_find(trust, TRUST_CHECKPOINT, key.id));
    trust_fixture_key(FIXTURE_CHECKPOINT, &key);
    assert_ptr_equal(trust_find(trust, TRUST_CHECKPOINT, key.id),
        &trust_content(trust)->keys[3]);
    assert_null(trust_find(trust, TRUST_SEAL, key.id));
    trust_fixture_key(FIXTURE_UNLISTED, &key);
    assert_null(trust_find(trust, TRUST_SEAL, key.id));
    trust_free(trust);
}

/* The keys of RFC 8032, section 7.1, TEST 1 and 2. */
static void
what_is_signed_is_this_to_the_byte(void **state)
{
    static const char want[] = "vouch/trust/v1\0{"
        "\"expires_at\":\"2027-11-22T23:00:00Z\","
        "\"issued_at\":\"2026-11-22T23:00:00Z\",\"keys\":[{"
        "\"algorithm\":\"ed25519\","
        "\"id\":\"21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f"
        "9721b9\","
        "\"public_key\":\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\","
        "\"state\":\"active\",\"use\":\"seal\","
        "\"valid_from\":\"2026-11-22T23:00:00Z\","
        "\"valid_until\":\"2027-05-22T23:00:00Z\"},{"
        "\"algorithm\":\"ed25519\","
        "\"compromised_since\":\"2026-12-24T18:00:00Z\","
        "\"id\":\"39f713d0a644253f04529421b9f51b9b08979d08295959c4f3990ee617"
        "f5139f\","
        "\"public_key\":\"PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\","
        "\"state\":\"compromised\",\"use\":\"checkpoint\","
        "\"valid_from\":\"2026-11-22T23:00:00Z\","
        "\"valid_until\":\"2027-05-22T23:00:00Z\"}],"
        "\"origin\":\"log.example.org/a b\",\"type\":\"vouch/trust/v1\","
        "\"version\":9007199254740991}";
    static const char *const keys[] = {
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    };
    struct buf bytes;

    (void)state;
    memset(&content, 0, sizeof(content));
    (void)snprintf(content.origin, sizeof(content.origin), "log.example.org"
        "/a b");
    content.version = 9007199254740991;
    assert_int_equal(trust_time_read("2026-11-22T23:00:00Z",
        &content.issued_us), E_OK);
    assert_int_equal(trust_time_read("2027-11-22T23:00:00Z",
        &content.expires_us), E_OK);
    for (size_t i = 0; i < 2; i++) {
        struct trust_key *key = &content.keys[content.nkeys++];

        assert_int_equal(bytes_from_hex(keys[i], key->public_key,
            sizeof(key->public_key)), E_OK);
        ed25519_key_id(key->public_key, key->id);
        key->from_us = content.issued_us;
        assert_int_equal(trust_time_read("2027-05-22T23:00:00Z",
            &key->until_us), E_OK);
    }
    content.keys[1].use = TRUST_CHECKPOINT;
    content.keys[1].state = TRUST_COMPROMISED;
    assert_int_equal(trust_time_read("2026-12-24T18:00:00Z",
        &content.keys[1].compromised_us), E_OK);
    buf_init(&bytes, TRUST_BYTES_MAX);
    assert_int_equal(buf_add(&bytes, slice_of("before")), E_OK);
    assert_int_equal(trust_signed_bytes(&content, &bytes), E_OK);
    assert_int_equal(bytes.n, 6 + sizeof(want) - 1);
    assert_memory_equal(bytes.p + 6, want, sizeof(want) - 1);
    buf_free(&bytes);
}

static json_t *
load(void)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)file.p, file.n,
        JSON_REJECT_DUPLICATES, &error);

    if (json == NULL)
        fail_msg("jansson, line %d: %s", error.line, error.text);
    return (json);
}

/* Read ${json}, in whatever form ${flags} tell jansson to write it. */
static void
expect_json(const json_t *json, size_t flags, enum err want, const char *says)
{
    char *text = json_dumps(json, flags);

    assert_non_null(text);
    expect_text(text, want, says);
    free(text);
}

/* ${json} with the members of all objects the other way round. */
static json_t *
turned(json_t *json)
{
    const char *names[16], *name;
    json_t *made, *value;
    size_t n = 0, i;

    if (json_is_array(json)) {
        made = json_array();
        json_array_foreach(json, i, value)
            assert_int_equal(json_array_append_new(made, turned(value)), 0);
        return (made);
    }
    if (!json_is_object(json))
        return (json_incref(json));
    made = json_object();
    json_object_foreach(json, name, value) {
        assert_true(n < 16);
        names[n++] = name;
    }
    while (n-- > 0)
        assert_int_equal(json_object_set_new(made, names[n],
            turned(json_object_get(json, names[n]))), 0);
    return (made);
}

static void
neither_order_nor_blanks_matter(void **state)
{
    static const size_t flags[] = {JSON_COMPACT, JSON_SORT_KEYS,
        JSON_INDENT(8) | JSON_SORT_KEYS, JSON_ESCAPE_SLASH, JSON_ENSURE_ASCII,
        JSON_INDENT(1)};
    json_t *json = load(), *other = turned(json);
    char padded[TRUST_BYTES_MAX / 8];

    (void)state;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        expect_json(json, flags[i], E_OK, "");
        expect_json(other, flags[i], E_OK, "");
    }
    json_decref(other);
    json_decref(json);
    (void)snprintf(padded, sizeof(padded), "\r\n\t %.*s \t\r\n", (int)file.n,
        (const char *)file.p);
    expect_text(padded, E_OK, "");
}

/* jansson, which shares nothing with ours, agrees on what is signed. */
static void
what_is_signed_is_the_sorted_object(void **state)
{
    json_t *json = load();
    char *text = json_dumps(json_object_get(json, "signed"),
        JSON_SORT_KEYS | JSON_COMPACT);
    struct buf bytes;

    (void)state;
    assert_non_null(text);
    buf_init(&bytes, TRUST_BYTES_MAX);
    assert_int_equal(trust_signed_bytes(&content, &bytes), E_OK);
    assert_int_equal(bytes.n, sizeof(TRUST_DOMAIN) + strlen(text));
    assert_memory_equal(bytes.p, TRUST_DOMAIN, sizeof(TRUST_DOMAIN));
    assert_memory_equal(bytes.p + sizeof(TRUST_DOMAIN), text, strlen(text));
    buf_free(&bytes);
    free(text);
    json_decref(json);
}

/* Each member in turn is missing, is there twice, is of another type. */
static void
try_members(json_t *whole, json_t *object, const char *path)
{
    char says[128], copy[TRUST_BYTES_MAX / 8], *text, *at;
    char names[16][32];
    const char *name;
    json_t *value;
    size_t n = 0;

    json_object_foreach(object, name, value)
        (void)snprintf(names[n++], sizeof(names[0]), "%s", name);
    while (n-- > 0) {
        value = json_incref(json_object_get(object, names[n]));
        assert_int_equal(json_object_del(object, names[n]), 0);
        (void)snprintf(says, sizeof(says), "%s%s is missing", path, names[n]);
        expect_json(whole, JSON_INDENT(2), E_INVAL, says);

        assert_int_equal(json_object_set_new(object, names[n], json_null()),
            0);
        (void)snprintf(says, sizeof(says), "%s%s is no ", path, names[n]);
        expect_json(whole, 0, E_INVAL, says);
        assert_int_equal(json_object_set(object, names[n], value), 0);

        /* A member more, whose name is then made the same. */
        assert_int_equal(json_object_set(object, "#", value), 0);
        (void)snprintf(says, sizeof(says), "%s# is not known", path);
        expect_json(whole, 0, E_INVAL, says);
        assert_non_null(text = json_dumps(whole, 0));
        assert_non_null(at = strstr(text, "\"#\""));
        assert_int_equal(json_object_del(object, "#"), 0);
        (void)snprintf(copy, sizeof(copy), "%.*s\"%s\"%s", (int)(at - text),
            text, names[n], at + 3);
        (void)snprintf(says, sizeof(says), "%s%s comes twice", path, names[n]);
        expect_text(copy, E_INVAL, says);
        free(text);
        json_decref(value);
    }
}

static void
each_member_is_there_once(void **state)
{
    json_t *json = load(), *is_signed = json_object_get(json, "signed");
    json_t *keys = json_object_get(is_signed, "keys");

    (void)state;
    try_members(json, json, "");
    try_members(json, is_signed, "signed.");
    try_members(json, json_array_get(keys, 0), "signed.keys[0].");
    try_members(json, json_array_get(keys, 2), "signed.keys[2].");
    expect_json(json, 0, E_OK, "");
    json_decref(json);
}

/* The file with the first ${from} replaced by ${to}. */
static void
expect_replaced(const char *from, const char *to, enum err want,
    const char *says)
{
    char text[TRUST_BYTES_MAX / 8];
    const uint8_t *at = memmem(file.p, file.n, from, strlen(from));

    assert_non_null(at);
    (void)snprintf(text, sizeof(text), "%.*s%s%.*s", (int)(at - file.p),
        (const char *)file.p, to,
        (int)(file.p + file.n - at) - (int)strlen(from),
        (const char *)at + strlen(from));
    expect_text(text, want, says);
}

static void
each_value_has_its_one_form(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } faults[] = {
        {"\"vouch/trust/v1\"", "\"vouch/trust/v2\"",
            "line 5: signed.type is not known"},
        {FIXTURE_ORIGIN, "", "signed.origin is not 1 to 128 bytes"},
        {FIXTURE_ORIGIN, "t\\u00e4st", "line 6: signed.origin is not print"},
        {FIXTURE_ORIGIN, "t\xc3\xa4st", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\\\"b", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\\u0022b", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\\\\b", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\\u005Cb", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\\u005", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\\x41", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\nb", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\\nb", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\\u0000b", "signed.origin is not printable"},
        {FIXTURE_ORIGIN, "a\x7f", "signed.origin is not printable"},
        {": 3,", ": 0,", "line 7: signed.version is no integer"},
        {": 3,", ": -3,", "signed.version is no integer"},
        {": 3,", ": 03,", "signed.version is no integer"},
        {": 3,", ": 3.0,", "signed goes on with neither comma nor brace"},
        {": 3,", ": 3e0,", "signed goes on with neither comma nor brace"},
        {": 3,", ": \"3\",", "signed.version is no integer"},
        {": 3,", ": true,", "signed.version is no integer"},
        {": 3,", ": ,", "signed.version is no integer"},
        {": 3,", ": 9007199254740992,", "signed.version is no integer"},
        {": 3,", ": 99999999999999999999999,", "signed.version is no integ"},
        {"2020-01-01T00:00:00Z", "2020-01-01T00:00:00+00:00",
            "line 8: signed.issued_at is no time such as"},
        {"2020-01-01T00:00:00Z", "2020-01-01T00:00:00.0Z", "issued_at is no"},
        {"2020-01-01T00:00:00Z", "2020-01-01t00:00:00Z", "issued_at is no"},
        {"2020-01-01T00:00:00Z", "2020-01-01T00:00:00z", "issued_at is no"},
        {"2020-01-01T00:00:00Z", "2016-12-31T23:59:60Z", "issued_at is no"},
        {"2020-01-01T00:00:00Z", "2020-02-30T00:00:00Z", "issued_at is no"},
        {"2020-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "issued_at is no"},
        {"2020-01-01T00:00:00Z", "2020-01-01 00:00:00Z", "issued_at is no"},
        {"2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z",
            "signed.expires_at is not after issued_at"},
        {"\"use\": \"seal\"", "\"use\": \"Seal\"",
            "line 13: signed.keys[0].use is not known"},
        {"\"use\": \"seal\"", "\"use\": \"\"", "keys[0].use is not known"},
        {"\"ed25519\"", "\"Ed25519\"", "keys[0].algorithm is not known"},
        {"\"active\"", "\"actives\"", "keys[0].state is not known"},
        {"\"active\"", "\"compromised\"",
            "keys[0].compromised_since is missing"},
        {"\"state\": \"compromised\"", "\"state\": \"retired\"",
            "keys[2].compromised_since is there, but"},
        {"{\n", "[\n", "line 1: the file is no object in braces"},
        {"\"keys\": [", "\"keys\": {", "signed.keys is no array"},
        {"      {\n", "      [\n", "signed.keys[0] is no object"},
        {"\"root_key\": ", "\"root_key\" ", "root_key is not followed by a"},
        {"\"root_key\"", "'root_key'", "goes on with no name of a member"},
        {"\"active\"\n", "\"active\",\n", "keys[0] goes on with no name"},
        {"\"active\"\n", "\"active\" \"x\": 1\n",
            "line 18: signed.keys[0] goes on with neither comma nor brace"},
        {"    ]", "    ,]", "signed.keys[4] is no object"},
        {"    ]", "    }", "signed.keys goes on with neither comma nor br"},
        {"\n}\n", "\n}\n}\n", "the file goes on behind its closing brace"},
        {"\n}\n", "\n}//\n", "the file goes on behind its closing brace"},
        {"{\n", "{ /**/\n", "line 1: the file goes on with no name"},
        {"{\n", "\xef\xbb\xbf{\n", "line 1: the file is no object"},
        {"\"root_key\"", "\"r\\u006fot_keys\"", "root_keys is not known"},
        {"\"root_key\"", "\"root\\n\"", "the file is not printable ASCII"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        expect_replaced(faults[i].from, faults[i].to, E_INVAL,
            faults[i].says);
    /* Escapes that say the same thing are the same thing. */
    expect_replaced("vouch/trust/v1", "\\u0076ouch\\/trust\\u002fv1", E_OK,
        "");
    expect_replaced("\"root_key\"", "\"r\\u006Fot_key\"", E_OK, "");
    expect_text("", E_INVAL, "line 1: the file is empty");
    expect((struct slice){NULL, 0}, E_INVAL, "the file is empty");
    expect_text("{}", E_INVAL, "root_key is missing");
    expect_text("null", E_INVAL, "the file is no object");
}

/* ${from} in hex or base64, in forms that decoders take for the same. */
static void
keys_and_ids_have_their_one_form(void **state)
{
    char from[128], to[160];

    (void)state;
    bytes_to_hex((struct slice){content.keys[0].id, ED25519_KEY_ID}, from);
    for (size_t i = 0; i <= strlen(from); i++)
        to[i] = (char)(from[i] >= 'a' ? from[i] - 'a' + 'A' : from[i]);
    expect_replaced(from, to, E_INVAL, "keys[0].id is not 64 digits");
    (void)snprintf(to, sizeof(to), "%s00", from);
    expect_replaced(from, to, E_INVAL, "keys[0].id is not 64 digits");
    expect_replaced(from, from + 2, E_INVAL, "keys[0].id is not 64 digits");
    expect_replaced(from, "", E_INVAL, "keys[0].id is not 64 digits");
    (void)snprintf(to, sizeof(to), "%s", from);
    to[63] = to[63] == '0' ? '1' : '0';
    expect_replaced(from, to, E_INVAL,
        "keys[0].id is not the SHA-256 of public_key");

    assert_int_equal(bytes_to_base64((struct slice){
        content.keys[0].public_key, ED25519_PUBLIC_KEY}, from, sizeof(from),
        1), E_OK);
    (void)snprintf(to, sizeof(to), "%.43s", from);
    expect_replaced(from, to, E_INVAL,
        "keys[0].public_key is not the base64 of 32 bytes");
    (void)snprintf(to, sizeof(to), "%.40s", from);
    expect_replaced(from, to, E_INVAL, "keys[0].public_key is not the base");
    (void)snprintf(to, sizeof(to), "%.43sA", from);
    expect_replaced(from, to, E_INVAL, "keys[0].public_key is not the base");
    (void)snprintf(to, sizeof(to), "%s", from);
    to[5] = to[5] == 'A' ? 'B' : 'A';
    expect_replaced(from, to, E_INVAL,
        "keys[0].id is not the SHA-256 of public_key");
    to[5] = '-';
    expect_replaced(from, to, E_INVAL, "keys[0].public_key is not the base");
    /* A line feed within, as MIME has it. */
    (void)snprintf(to, sizeof(to), "%.20s\\n%s", from, from + 20);
    expect_replaced(from, to, E_INVAL, "keys[0].public_key is not printable");
}

static void
refuses_after_a_change_of_any_bit(void **state)
{
    struct trust *trust;
    char why[256];
    enum err err;

    (void)state;
    for (size_t bit = 0; bit < 8 * file.n; bit++) {
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        err = trust_read(buf_slice(&file), &trust, why, sizeof(why));
        if (err != E_INVAL && err != E_CORRUPT)
            fail_msg("bit %zu: %s", bit, err_name(err));
        assert_null(trust);
        file.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    expect(buf_slice(&file), E_OK, "");
}

static void
refuses_what_is_cut_off(void **state)
{
    (void)state;
    for (size_t n = 0; n + 1 < file.n; n++) {
        /* In memory of its own: one byte too far is noticed. */
        uint8_t *copy = malloc(n + 1);

        assert_non_null(copy);
        memcpy(copy, file.p, n);
        copy = realloc(copy, n > 0 ? n : 1);
        assert_non_null(copy);
        expect((struct slice){copy, n}, E_INVAL, "line ");
        free(copy);
    }
    expect((struct slice){file.p, file.n - 1}, E_OK, "");
}

static void
write_signed_by(unsigned number, const char *domain, unsigned named)
{
    uint8_t signature[ED25519_SIGNATURE];
    struct trust_fixture_key key;
    struct buf bytes;

    buf_init(&bytes, TRUST_BYTES_MAX);
    assert_int_equal(trust_signed_bytes(&content, &bytes), E_OK);
    memcpy(bytes.p, domain, sizeof(TRUST_DOMAIN));
    trust_fixture_sign(number, buf_slice(&bytes), signature);
    trust_fixture_key(named, &key);
    file.n = 0;
    assert_int_equal(trust_write(&content, key.public_key, signature, &file),
        E_OK);
    buf_free(&bytes);
}

static void
only_the_root_key_signs(void **state)
{
    static const char *const says =
        "signature is not that of root_key over what is signed";

    (void)state;
    write_signed_by(FIXTURE_ROOT, TRUST_DOMAIN, FIXTURE_ROOT);
    expect(buf_slice(&file), E_OK, "");
    write_signed_by(FIXTURE_ACTIVE, TRUST_DOMAIN, FIXTURE_ROOT);
    expect(buf_slice(&file), E_CORRUPT, says);
    write_signed_by(FIXTURE_ROOT, TRUST_DOMAIN, FIXTURE_ACTIVE);
    expect(buf_slice(&file), E_CORRUPT, says);
    write_signed_by(FIXTURE_ROOT, "vouch/trust/v2", FIXTURE_ROOT);
    expect(buf_slice(&file), E_CORRUPT, says);
    /* Of some other root: read, and for the caller to know. */
    write_signed_by(FIXTURE_ACTIVE, TRUST_DOMAIN, FIXTURE_ACTIVE);
    expect(buf_slice(&file), E_OK, "");
}

static void
the_limits_are_held(void **state)
{
    struct buf large;

    (void)state;
    buf_init(&large, 2 * TRUST_BYTES_MAX);
    content.nkeys = 0;
    for (unsigned i = 0; i < TRUST_KEYS_MAX; i++) {
        trust_fixture_add(&content, 100 + i, i % TRUST_USES);
        content.keys[i].state = TRUST_COMPROMISED;
    }
    memset(content.origin, 'o', TRUST_ORIGIN_MAX);
    content.origin[TRUST_ORIGIN_MAX] = '\0';
    trust_fixture_write(&content, &large);
    expect(buf_slice(&large), E_OK, "");

    /* A key more. */
    assert_true(large.n > 16);
    large.n -= strlen("\n    ]\n  }\n}\n");
    assert_int_equal(buf_add(&large, slice_of(", {}]}}")), E_OK);
    expect(buf_slice(&large), E_TOOBIG, "signed.keys are too many");

    large.n = 0;
    trust_fixture_write(&content, &large);
    assert_int_equal(buf_reserve(&large, TRUST_BYTES_MAX), E_OK);
    memset(large.p + large.n, ' ', TRUST_BYTES_MAX);
    expect((struct slice){large.p, TRUST_BYTES_MAX}, E_OK, "");
    expect((struct slice){large.p, TRUST_BYTES_MAX + 1}, E_TOOBIG,
        "the file has more than 262144 bytes");
    buf_free(&large);

    memset(content.origin, 'o', 5);
    expect_replaced(FIXTURE_ORIGIN, "0123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456"
        "7890123456789012345678", E_INVAL, "signed.origin is too long");
}

/* Neither signed nor written, and ${says} why. */
static void
expect_fault(const char *says)
{
    static const uint8_t zeros[ED25519_SIGNATURE];
    char why[256] = "";
    struct buf out;

    buf_init(&out, TRUST_BYTES_MAX);
    assert_int_equal(buf_add(&out, slice_of("before")), E_OK);
    assert_int_equal(trust_check(&content, why, sizeof(why)), E_INVAL);
    if (strstr(why, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, says);
    assert_int_equal(trust_signed_bytes(&content, &out), E_INVAL);
    assert_int_equal(trust_write(&content, zeros, zeros, &out), E_INVAL);
    assert_int_equal(out.n, 6);
    buf_free(&out);
    trust_fixture_content(&content);
    assert_int_equal(trust_check(&content, NULL, 0), E_OK);
}

static void
nothing_is_written_that_is_not_read(void **state)
{
    (void)state;
    content.origin[0] = '\0';
    expect_fault("signed.origin is not");
    content.origin[2] = '"';
    expect_fault("signed.origin is not");
    content.origin[2] = '\n';
    expect_fault("signed.origin is not");
    memset(content.origin, 'o', sizeof(content.origin));
    expect_fault("signed.origin is not");
    content.version = 0;
    expect_fault("signed.version is not");
    content.version = (int64_t)1 << 53;
    expect_fault("signed.version is not");
    content.issued_us++;
    expect_fault("signed.issued_at is no time");
    content.expires_us = INT64_MAX;
    expect_fault("signed.expires_at is no time");
    content.expires_us = content.issued_us;
    expect_fault("signed.expires_at is not after issued_at");
    content.nkeys = TRUST_KEYS_MAX + 1;
    expect_fault("signed.keys are too many");
    content.keys[1].id[31] ^= 1;
    expect_fault("signed.keys[1].id is not the SHA-256");
    content.keys[1] = content.keys[0];
    expect_fault("signed.keys[1].id comes twice");
    content.keys[3] = content.keys[0];
    content.keys[3].use = TRUST_CHECKPOINT;
    expect_fault("signed.keys[3].id comes twice");
    content.keys[0].use = TRUST_USES;
    expect_fault("signed.keys[0].use is not known");
    content.keys[0].state = TRUST_STATES;
    expect_fault("signed.keys[0].state is not known");
    content.keys[0].from_us--;
    expect_fault("signed.keys[0].valid_from is no time");
    content.keys[0].until_us = INT64_MIN;
    expect_fault("signed.keys[0].valid_until is no time");
    content.keys[0].until_us = content.keys[0].from_us;
    expect_fault("signed.keys[0].valid_until is not after valid_from");
    content.keys[2].compromised_us = 1;
    expect_fault("signed.keys[2].compromised_since is no time");
    content.keys[1].compromised_us = 1000000;
    expect_fault("signed.keys[1].compromised_since is there, but");
}

static void
times_are_read_and_written_one_way(void **state)
{
    static const struct {
        int64_t us;
        const char *text;
    } times[] = {
        {0, "1970-01-01T00:00:00Z"},
        {-1, "1969-12-31T23:59:59Z"},
        {FIXTURE_NOW_US, "2026-11-22T12:00:02Z"},
        {INT64_C(253402300799999999), "9999-12-31T23:59:59Z"},
        {INT64_MAX, "9999-12-31T23:59:59Z"},
        {INT64_C(-62135596800000000), "0001-01-01T00:00:00Z"},
        {INT64_MIN, "0001-01-01T00:00:00Z"},
    };
    char text[TRUST_TIME_MAX + 1];
    int64_t us;

    (void)state;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        trust_time(times[i].us, text);
        assert_string_equal(text, times[i].text);
        assert_int_equal(trust_time_read(text, &us), E_OK);
        trust_time(us, text);
        assert_string_equal(text, times[i].text);
    }
    assert_int_equal(trust_time_read("2026-11-22T23:00:00", &us), E_INVAL);
    assert_int_equal(trust_time_read("2026-11-22", &us), E_INVAL);
    assert_int_equal(trust_time_read("", &us), E_INVAL);
}

static void
every_use_and_state_has_a_name(void **state)
{
    (void)state;
    for (unsigned use = 0; use < TRUST_USES; use++)
        assert_non_null(trust_use_name(use));
    for (unsigned s = 0; s < TRUST_STATES; s++)
        assert_non_null(trust_state_name(s));
    assert_null(trust_use_name(TRUST_USES));
    assert_null(trust_state_name(TRUST_STATES));
    assert_string_equal(trust_use_name(TRUST_CHECKPOINT), "checkpoint");
    assert_string_equal(trust_state_name(TRUST_COMPROMISED), "compromised");
}

static void
reading_survives_every_allocation_failure(void **state)
{
    int fired = 1, failures = 0;

    (void)state;
    for (int n = 0; n < SWEEP && fired; n++) {
        struct trust *trust = (struct trust *)&content;
        char why[256] = "";
        enum err err;

        fault_arm(n);
        err = trust_read(buf_slice(&file), &trust, why, sizeof(why));
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(err, fired ? E_NOMEM : E_OK);
        assert_true((trust != NULL) == (err == E_OK));
        assert_true((why[0] != '\0') == (err != E_OK));
        failures += fired;
        trust_free(trust);
    }
    assert_false(fired);
    assert_true(failures > 1);
}

static void
writing_survives_every_allocation_failure(void **state)
{
    static const uint8_t zeros[ED25519_SIGNATURE];
    int fired = 1, failures = 0;

    (void)state;
    for (int n = 0; n < SWEEP && fired; n++) {
        struct buf sign, write;
        enum err err, err2;

        buf_init(&sign, TRUST_BYTES_MAX);
        buf_init(&write, TRUST_BYTES_MAX);
        fault_arm(n);
        err = trust_signed_bytes(&content, &sign);
        err2 = trust_write(&content, zeros, zeros, &write);
        fired = fault_fired();
        fault_arm(-1);
        assert_true(fired == (err != E_OK || err2 != E_OK));
        assert_true(err == E_OK || (err == E_NOMEM && sign.n == 0));
        assert_true(err2 == E_OK || (err2 == E_NOMEM && write.n == 0));
        failures += fired;
        buf_free(&sign);
        buf_free(&write);
    }
    assert_false(fired);
    assert_true(failures > 2);
}

static void
a_full_buffer_stays_as_it_was(void **state)
{
    static const uint8_t zeros[ED25519_SIGNATURE];
    struct buf out;
    enum err err = E_TOOBIG;

    (void)state;
    for (size_t max = 3; max < 4096 && err != E_OK; max++) {
        buf_init(&out, max);
        assert_int_equal(buf_add(&out, slice_of("abc")), E_OK);
        err = trust_write(&content, zeros, zeros, &out);
        if (err != E_OK) {
            assert_int_equal(err, E_TOOBIG);
            assert_int_equal(out.n, 3);
            if (trust_signed_bytes(&content, &out) != E_OK)
                assert_int_equal(out.n, 3);
        }
        buf_free(&out);
    }
    assert_int_equal(err, E_OK);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_written_is_read),
        CASE(a_file_without_keys_is_one),
        CASE(a_key_is_found_by_use_and_id),
        CASE(what_is_signed_is_this_to_the_byte),
        CASE(neither_order_nor_blanks_matter),
        CASE(what_is_signed_is_the_sorted_object),
        CASE(each_member_is_there_once),
        CASE(each_value_has_its_one_form),
        CASE(keys_and_ids_have_their_one_form),
        CASE(refuses_after_a_change_of_any_bit),
        CASE(refuses_what_is_cut_off),
        CASE(only_the_root_key_signs),
        CASE(the_limits_are_held),
        CASE(nothing_is_written_that_is_not_read),
        CASE(times_are_read_and_written_one_way),
        CASE(every_use_and_state_has_a_name),
        CASE(reading_survives_every_allocation_failure),
        CASE(writing_survives_every_allocation_failure),
        CASE(a_full_buffer_stays_as_it_was),
    };

    return (cmocka_run_group_tests_name("trust", tests, NULL, NULL));
}
