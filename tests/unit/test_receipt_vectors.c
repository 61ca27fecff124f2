/*
 * Holds our code to tests/vectors/receipts.json and trust.json, as
 * check_receipts.py holds the verifier in Python.
 */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "proto/arena.h"
#include "proto/ed25519.h"
#include "proto/merkle.h"
#include "proto/receipt.h"
#include "proto/trust.h"

#define BYTES_MAX 8192
#define FILES_MAX 200
#define ARENA_MAX ((size_t)1 << 20)
#define WHY 256

/* Everything of both files; the good trust files by their index. */
struct world {
    json_t *receipts, *trusts;
    struct trust *files[FILES_MAX];
    struct arena *arena;
};

/* A receipt as sent, and redacted in every way. */
static const struct {
    const char *key;
    unsigned without;
} forms[] = {
    {"bytes", 0},
    {"without_answer", RECEIPT_ANSWER},
    {"without_question", RECEIPT_QUESTION},
    {"without_both", RECEIPT_ANSWER | RECEIPT_QUESTION},
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

static json_t *
load(const char *path)
{
    json_error_t error;
    json_t *all = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

    if (all == NULL)
        fail_msg("%s:%d: %s", path, error.line, error.text);
    return (all);
}

static const char *
text_of(const json_t *vector, const char *key)
{
    const char *text = json_string_value(json_object_get(vector, key));

    if (text == NULL)
        fail_msg("no text \"%s\"", key);
    return (text);
}

static int64_t
number_of(const json_t *vector, const char *key)
{
    const json_t *number = json_object_get(vector, key);

    assert_true(json_is_integer(number));
    return (json_integer_value(number));
}

static const json_t *
list_of(const json_t *object, const char *key)
{
    const json_t *list = json_object_get(object, key);

    assert_true(json_array_size(list) > 0);
    return (list);
}

static struct slice
read_hex(const char *hex, uint8_t *bytes, size_t size)
{
    size_t n = strlen(hex) / 2;

    assert_true(n <= size);
    assert_int_equal(bytes_from_hex(hex, bytes, n), E_OK);
    return ((struct slice){bytes, n});
}

static struct slice
bytes_of(const json_t *vector, const char *key, uint8_t bytes[BYTES_MAX])
{
    return (read_hex(text_of(vector, key), bytes, BYTES_MAX));
}

static void
assert_bytes(const json_t *vector, const char *key, struct slice got)
{
    uint8_t bytes[BYTES_MAX];

    if (!slice_equal(bytes_of(vector, key, bytes), got))
        fail_msg("%s: %s differs", text_of(vector, "name"), key);
}

static void
assert_hash(const json_t *vector, const char *key,
    const struct merkle_hash *got)
{
    assert_bytes(vector, key, (struct slice){got->bytes, MERKLE_HASH});
}

static void
hash_of(const char *hex, struct merkle_hash *hash)
{
    assert_int_equal(read_hex(hex, hash->bytes, MERKLE_HASH).n, MERKLE_HASH);
}

static const json_t *
named(const json_t *list, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one) {
        if (strcmp(text_of(one, "name"), name) == 0)
            return (one);
    }
    fail_msg("there is no \"%s\"", name);
    return (NULL);
}

static int
set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    char why[WHY];
    const json_t *file;
    size_t i;

    assert_non_null(world);
    world->receipts = load(SOURCE_DIR "/tests/vectors/receipts.json");
    world->trusts = load(SOURCE_DIR "/tests/vectors/trust.json");
    assert_int_equal(arena_create(ARENA_MAX, &world->arena), E_OK);
    assert_true(json_array_size(list_of(world->trusts, "files")) < FILES_MAX);
    json_array_foreach(list_of(world->trusts, "files"), i, file) {
        if (strcmp(text_of(file, "state"), "good") != 0)
            continue;
        if (trust_read(slice_of(text_of(file, "file")), &world->files[i], why,
            sizeof(why)) != E_OK)
            fail_msg("%s: %s", text_of(file, "name"), why);
    }
    *state = world;
    return (0);
}

static int
tear_down(void **state)
{
    struct world *world = *state;
    size_t i;

    for (i = 0; i < FILES_MAX; i++)
        trust_free(world->files[i]);
    arena_free(world->arena);
    json_decref(world->trusts);
    json_decref(world->receipts);
    free(world);
    return (0);
}

static const struct trust *
trust_of(const struct world *world, const char *name)
{
    const json_t *file;
    size_t i;

    json_array_foreach(list_of(world->trusts, "files"), i, file) {
        if (strcmp(text_of(file, "name"), name) == 0) {
            assert_non_null(world->files[i]);
            return (world->files[i]);
        }
    }
    fail_msg("there is no trust file \"%s\"", name);
    return (NULL);
}

static void
a_trust_file_is_taken_if_it_is_good(void **state)
{
    static const struct {
        const char *state;
        enum err err;
    } states[] = {
        {"good", E_OK}, {"signature", E_CORRUPT}, {"malformed", E_INVAL},
    };
    const struct world *world = *state;
    struct trust *trust;
    const json_t *file;
    char why[WHY];
    size_t i, s;
    enum err err;

    json_array_foreach(list_of(world->trusts, "files"), i, file) {
        for (s = 0; strcmp(states[s].state, text_of(file, "state")) != 0;)
            assert_true(++s < sizeof(states) / sizeof(states[0]));
        why[0] = '\0';
        err = trust_read(slice_of(text_of(file, "file")), &trust, why,
            sizeof(why));
        if (err != states[s].err)
            fail_msg("%s: %s, %s", text_of(file, "name"), err_name(err), why);
        if (err != E_OK && (trust != NULL || why[0] == '\0'))
            fail_msg("%s: nobody is told why", text_of(file, "name"));
        trust_free(trust);
    }
}

/* What is signed is told to the byte; what is written reads back. */
static void
check_content(const json_t *file, const struct trust *trust)
{
    const struct trust_content *content = trust_content(trust);
    uint8_t signature[ED25519_SIGNATURE] = {0};
    struct buf out;
    struct trust *again;
    char why[WHY];

    assert_int_equal(content->version, number_of(file, "version"));
    buf_init(&out, TRUST_BYTES_MAX);
    assert_int_equal(trust_signed_bytes(content, &out), E_OK);
    assert_bytes(file, "signed_bytes", buf_slice(&out));
    buf_free(&out);

    assert_int_equal(trust_write(content, trust_root_key(trust), signature,
        &out), E_OK);
    assert_int_equal(trust_read(buf_slice(&out), &again, why, sizeof(why)),
        E_CORRUPT);     /* of everything but the signature */
    buf_free(&out);
}

static void
what_the_root_key_signs_is_as_in_the_vectors(void **state)
{
    const struct world *world = *state;
    const json_t *file;
    size_t i, n = 0;

    json_array_foreach(list_of(world->trusts, "files"), i, file) {
        if (world->files[i] != NULL) {
            check_content(file, world->files[i]);
            n++;
        }
    }
    assert_true(n > 10);
}

static void
the_id_of_a_key_is_as_in_the_vectors(void **state)
{
    const struct world *world = *state;
    const json_t *key;
    uint8_t bytes[BYTES_MAX], id[ED25519_KEY_ID];
    size_t i;

    json_array_foreach(list_of(world->receipts, "keys"), i, key) {
        assert_int_equal(bytes_of(key, "public_key", bytes).n,
            ED25519_PUBLIC_KEY);
        ed25519_key_id(bytes, id);
        assert_bytes(key, "key_id", (struct slice){id, sizeof(id)});
    }
    assert_int_equal(bytes_of(named(list_of(world->trusts, "keys"), "root"),
        "public_key", bytes).n, ED25519_PUBLIC_KEY);
    assert_memory_equal(bytes, trust_root_key(trust_of(world, "active")),
        ED25519_PUBLIC_KEY);
}

static void
check_path(const json_t *vector, const struct merkle_hash *nodes, size_t n)
{
    const struct merkle_hash *path[MERKLE_PATH_MAX];
    const json_t *want = json_object_get(vector, "path");
    struct merkle_hash sibling;
    size_t i, length = merkle_path(nodes, n,
        (size_t)number_of(vector, "index"), path);

    assert_int_equal(length, json_array_size(want));
    for (i = 0; i < length; i++) {
        hash_of(json_string_value(json_array_get(want, i)), &sibling);
        assert_memory_equal(&sibling, path[i], sizeof(sibling));
    }
}

static void
trees_and_paths_are_as_in_the_vectors(void **state)
{
    const struct world *world = *state;
    struct merkle_hash nodes[MERKLE_NODES_MAX(RECEIPT_BATCH_MAX)];
    const json_t *batch, *leaf, *vector;
    size_t i, j, n;

    json_array_foreach(list_of(world->receipts, "batches"), i, batch) {
        n = json_array_size(list_of(batch, "leaves"));
        assert_true(n <= RECEIPT_BATCH_MAX);
        json_array_foreach(list_of(batch, "leaves"), j, leaf)
            hash_of(json_string_value(leaf), &nodes[j]);
        assert_hash(batch, "root", merkle_build(nodes, n));
        json_array_foreach(list_of(world->receipts, "receipts"), j, vector) {
            if (strcmp(text_of(vector, "batch"), text_of(batch, "name")) == 0)
                check_path(vector, nodes, n);
        }
    }
}

static void
commitments_are_as_in_the_vectors(void **state)
{
    const struct world *world = *state;
    uint8_t salt[BYTES_MAX], bytes[BYTES_MAX];
    struct merkle_hash q, a, leaf;
    const json_t *vector;
    size_t i;

    json_array_foreach(list_of(world->receipts, "receipts"), i, vector) {
        assert_int_equal(bytes_of(vector, "question_salt", salt).n,
            RECEIPT_SALT);
        receipt_commit_question(salt, bytes_of(vector, "question", bytes),
            &q);
        assert_hash(vector, "question_commitment", &q);
        assert_int_equal(bytes_of(vector, "answer_salt", salt).n,
            RECEIPT_SALT);
        receipt_commit_answer(salt, &q, bytes_of(vector, "answer", bytes),
            &a);
        assert_hash(vector, "answer_commitment", &a);
        receipt_leaf(&q, &a, &leaf);
        assert_hash(vector, "leaf", &leaf);
    }
}

static void
check_part(const json_t *vector, const char *key, int is_gone,
    struct slice bytes, int is_read)
{
    assert_int_equal(is_read, !is_gone);
    if (is_gone)
        assert_int_equal(bytes.n, 0);
    else
        assert_bytes(vector, key, bytes);
}

static void
check_batch(const json_t *batch, const struct receipt *receipt)
{
    const Vouch__V1__SealBatch *b = receipt->batch;

    assert_string_equal(b->domain, RECEIPT_DOMAIN);
    assert_string_equal(b->log_origin, text_of(batch, "log_origin"));
    assert_int_equal(b->sealed_at_us, number_of(batch, "sealed_at_us"));
    assert_int_equal(b->leaf_count, number_of(batch, "leaf_count"));
    assert_int_equal(b->checkpoint_size, number_of(batch, "checkpoint_size"));
    assert_bytes(batch, "root", (struct slice){b->root.data, b->root.len});
    assert_bytes(batch, "checkpoint_root",
        (struct slice){b->checkpoint_root.data, b->checkpoint_root.len});
    assert_bytes(batch, "bytes", (struct slice){receipt->seal->batch.data,
        receipt->seal->batch.len});
    assert_bytes(batch, "signature",
        (struct slice){receipt->seal->signature.data,
        receipt->seal->signature.len});
}

static void
read_vector(const struct world *world, const json_t *vector, size_t form,
    struct receipt *receipt)
{
    uint8_t bytes[BYTES_MAX];
    char why[WHY];

    if (receipt_read(bytes_of(vector, forms[form].key, bytes), world->arena,
        receipt, why, sizeof(why)) != E_OK)
        fail_msg("%s, %s: %s", text_of(vector, "name"), forms[form].key, why);
}

static void
a_receipt_reads_as_in_the_vectors(void **state)
{
    const struct world *world = *state;
    const json_t *vector;
    struct receipt receipt;
    size_t i, form;

    json_array_foreach(list_of(world->receipts, "receipts"), i, vector) {
        for (form = 0; form < FORMS; form++) {
            read_vector(world, vector, form, &receipt);
            check_part(vector, "answer",
                (forms[form].without & RECEIPT_ANSWER) != 0,
                receipt.answer_bytes, receipt.answer != NULL);
            check_part(vector, "question",
                (forms[form].without & RECEIPT_QUESTION) != 0,
                receipt.question_bytes, receipt.question != NULL);
            assert_hash(vector, "answer_commitment",
                &receipt.answer_commitment);
            assert_hash(vector, "question_commitment",
                &receipt.question_commitment);
            assert_hash(vector, "leaf", &receipt.id);
            assert_int_equal(receipt.seal->index, number_of(vector, "index"));
            check_batch(named(list_of(world->receipts, "batches"),
                text_of(vector, "batch")), &receipt);
            arena_reset(world->arena);
        }
    }
}

/* From every form to every form that can be made of it. */
static void
a_receipt_is_redacted_as_in_the_vectors(void **state)
{
    const struct world *world = *state;
    const json_t *vector;
    struct receipt receipt;
    struct buf out;
    size_t i, from, parts;

    buf_init(&out, RECEIPT_BYTES_MAX);
    json_array_foreach(list_of(world->receipts, "receipts"), i, vector) {
        for (from = 0; from < FORMS; from++) {
            read_vector(world, vector, from, &receipt);
            for (parts = 0; parts < FORMS; parts++) {
                assert_int_equal(receipt_redact(&receipt,
                    forms[parts].without, &out), E_OK);
                assert_bytes(vector, forms[from | parts].key,
                    buf_slice(&out));
                buf_free(&out);
            }
            arena_reset(world->arena);
        }
    }
}

static enum receipt_state
judge(const struct world *world, struct slice bytes, const struct trust *trust,
    int64_t now_us, char *why)
{
    enum receipt_state state = RECEIPT_MALFORMED;
    struct receipt receipt;
    enum err err;

    why[0] = '\0';
    err = receipt_read(bytes, world->arena, &receipt, why, WHY);
    if (err == E_OK) {
        state = receipt_verify(&receipt, trust, now_us, why, WHY);
    } else if (err == E_CORRUPT) {
        state = RECEIPT_SEAL_BROKEN;
    } else if (err != E_INVAL) {
        fail_msg("%s: %s", err_name(err), why);
    }
    arena_reset(world->arena);
    return (state);
}

static void
check_judgment(const struct world *world, const json_t *judgment,
    const json_t *vector, const char *key)
{
    const char *now = json_string_value(json_object_get(judgment, "now"));
    enum receipt_state state;
    uint8_t bytes[BYTES_MAX];
    char why[WHY];
    int64_t now_us = INT64_MIN;

    if (now != NULL)
        assert_int_equal(trust_time_read(now, &now_us), E_OK);
    state = judge(world, bytes_of(vector, key, bytes),
        trust_of(world, text_of(judgment, "trust")), now_us, why);
    if (strcmp(receipt_state_name(state), text_of(judgment, "state")) != 0)
        fail_msg("%s, %s: %s: %s", text_of(judgment, "name"), key,
            receipt_state_name(state), why);
    assert_int_equal(state == RECEIPT_VERIFIED, why[0] == '\0');
}

static void
every_judgment_is_as_in_the_vectors(void **state)
{
    const struct world *world = *state;
    const json_t *judgment, *name;
    size_t i, form;

    json_array_foreach(list_of(world->receipts, "judgments"), i, judgment) {
        if ((name = json_object_get(judgment, "receipt")) == NULL) {
            check_judgment(world, judgment, judgment, "bytes");
            continue;
        }
        for (form = 0; form < FORMS; form++)
            check_judgment(world, judgment,
                named(list_of(world->receipts, "receipts"),
                    json_string_value(name)), forms[form].key);
    }
}

/* Of a batch of each size: every bit. */
static void
no_bit_can_be_changed(void **state)
{
    static const char *const names[] = {"worked example", "ambiguous",
        "fields of a later version"};
    const struct world *world = *state;
    const struct trust *trust = trust_of(world, "active");
    uint8_t bytes[BYTES_MAX];
    struct slice in;
    char why[WHY];
    size_t i, form, bit;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (form = 0; form < FORMS; form++) {
            in = bytes_of(named(list_of(world->receipts, "receipts"),
                names[i]), forms[form].key, bytes);
            assert_int_equal(judge(world, in, trust, INT64_MIN, why),
                RECEIPT_VERIFIED);
            for (bit = 0; bit < 8 * in.n; bit++) {
                bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
                if (judge(world, in, trust, INT64_MIN, why) ==
                    RECEIPT_VERIFIED)
                    fail_msg("%s, %s: bit %zu", names[i], forms[form].key,
                        bit);
                bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
            }
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trust_file_is_taken_if_it_is_good),
        cmocka_unit_test(what_the_root_key_signs_is_as_in_the_vectors),
        cmocka_unit_test(the_id_of_a_key_is_as_in_the_vectors),
        cmocka_unit_test(trees_and_paths_are_as_in_the_vectors),
        cmocka_unit_test(commitments_are_as_in_the_vectors),
        cmocka_unit_test(a_receipt_reads_as_in_the_vectors),
        cmocka_unit_test(a_receipt_is_redacted_as_in_the_vectors),
        cmocka_unit_test(every_judgment_is_as_in_the_vectors),
        cmocka_unit_test(no_bit_can_be_changed),
    };

    return (cmocka_run_group_tests_name("receipt_vectors", tests, set_up,
        tear_down));
}
