#include "proto/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/message.h"
#include "support/fault.h"
#include "support/receipt_fixture.h"

#include "vouch/v1/verification_service.pb-c.h"

#define ARENA_MAX ((size_t)16 * 1024 * 1024)
#define SWEEP 100

static struct arena *arena;
static struct trust *trust;         /* of the fixture's content */
static struct receipt_fixture f;
static struct buf bytes;
static struct receipt receipt;      /* what was read last */

static const struct {
    size_t leaves, index;
} places[] = {
    {1, 0}, {2, 0}, {2, 1}, {3, 2}, {7, 3}, {255, 254}, {256, 0}, {256, 100},
    {256, 255},
};

#define PLACES (sizeof(places) / sizeof(places[0]))

static struct trust *
trust_of(const struct trust_content *content)
{
    struct trust *made;
    struct buf file;
    char why[256];

    buf_init(&file, TRUST_BYTES_MAX);
    trust_fixture_write(content, &file);
    assert_int_equal(trust_read(buf_slice(&file), &made, why, sizeof(why)),
        E_OK);
    buf_free(&file);
    return (made);
}

static int
setup(void **state)
{
    static struct trust_content content;

    (void)state;
    assert_int_equal(arena_create(ARENA_MAX, &arena), E_OK);
    trust_fixture_content(&content);
    trust = trust_of(&content);
    buf_init(&bytes, 4 * RECEIPT_BYTES_MAX);
    receipt_fixture_make(&f, 7, 3);
    return (0);
}

static int
teardown(void **state)
{
    (void)state;
    receipt_fixture_free(&f);
    buf_free(&bytes);
    trust_free(trust);
    arena_free(arena);
    return (0);
}

/* Read ${in}: taken, or refused as ${want} and ${says} tell. */
static void
expect_bytes(struct slice in, enum err want, const char *says)
{
    char why[256] = "";
    enum err err;

    arena_reset(arena);
    err = receipt_read(in, arena, &receipt, why, sizeof(why));
    if (err != want)
        fail_msg("%s where %s is due: %s", err_name(err), err_name(want), why);
    if (err != E_OK && strstr(why, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", why, says);
    assert_null(strstr(why, FIXTURE_FAMILY));
    assert_null(strstr(why, FIXTURE_ORIGIN));
}

static void
expect(enum err want, const char *says)
{
    expect_bytes(buf_slice(&bytes), want, says);
}

/* Judge what was read last. */
static void
expect_state(enum receipt_state want, int64_t now_us)
{
    char why[256] = "something";
    enum receipt_state state = receipt_verify(&receipt, trust, now_us, why,
        sizeof(why));

    if (state != want)
        fail_msg("%s where %s is due: %s", receipt_state_name(state),
            receipt_state_name(want), why);
    assert_true((why[0] == '\0') == (state == RECEIPT_VERIFIED));
    assert_null(strstr(why, FIXTURE_ORIGIN));
}

/* All steps on f, and what comes of them. */
static void
finish(enum err want, const char *says)
{
    bytes.n = 0;
    receipt_fixture_pack(&f, &bytes);
    expect(want, says);
    if (want == E_OK)
        expect_state(RECEIPT_VERIFIED, FIXTURE_NOW_US);
}

static void
begin(void)
{
    receipt_fixture_seal(&f);
    receipt_fixture_sign(&f);
}

static void
what_was_sealed_is_read_and_verified(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        receipt_fixture_free(&f);
        receipt_fixture_make(&f, places[i].leaves, places[i].index);
        begin();
        finish(E_OK, "");
        assert_memory_equal(&receipt.id, &f.nodes[f.index],
            sizeof(receipt.id));
        assert_memory_equal(&receipt.question_commitment, &f.commitments[0],
            sizeof(f.commitments[0]));
        assert_memory_equal(&receipt.answer_commitment, &f.commitments[1],
            sizeof(f.commitments[1]));
        assert_true(slice_equal(receipt.answer_bytes, buf_slice(&f.answer)));
        assert_true(slice_equal(receipt.question_bytes,
            buf_slice(&f.question)));
        assert_string_equal(receipt.question->claim->name->family,
            FIXTURE_FAMILY);
        assert_int_equal(receipt.answer->verdict,
            VOUCH__V1__VERDICT__VERDICT_CONFIRMED);
        assert_int_equal(receipt.seal->index, places[i].index);
        assert_int_equal(receipt.batch->leaf_count, places[i].leaves);
        assert_int_equal(receipt.batch->sealed_at_us, FIXTURE_NOW_US);
    }
}

static void
what_is_read_needs_its_bytes_no_longer(void **state)
{
    (void)state;
    begin();
    finish(E_OK, "");
    memset(bytes.p, 0xff, bytes.n);
    expect_state(RECEIPT_VERIFIED, FIXTURE_NOW_US);
    assert_string_equal(receipt.question->claim->name->family,
        FIXTURE_FAMILY);
}

/* The response as sent is the receipt. */
static void
a_response_is_a_receipt(void **state)
{
    const struct message_limits limits = {8, 100, 100, 0};
    struct message_fault fault;
    ProtobufCMessage *message;
    Vouch__V1__VerifyCredentialResponse *response;

    (void)state;
    begin();
    finish(E_OK, "");
    assert_int_equal(message_decode(
        &vouch__v1__verify_credential_response__descriptor,
        buf_slice(&bytes), &limits, arena, &message, &fault), E_OK);
    response = (Vouch__V1__VerifyCredentialResponse *)message;
    assert_string_equal(response->question->claim->name->family,
        FIXTURE_FAMILY);
    assert_int_equal(response->answer->verdict,
        VOUCH__V1__VERDICT__VERDICT_CONFIRMED);
}

/* Nothing is verified after a change of any bit of ${bytes}. */
static void
try_all_bits(void)
{
    char why[256];

    for (size_t bit = 0; bit < 8 * bytes.n; bit++) {
        enum err err;

        bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        arena_reset(arena);
        err = receipt_read(buf_slice(&bytes), arena, &receipt, why,
            sizeof(why));
        if (err == E_OK && receipt_verify(&receipt, trust, FIXTURE_NOW_US,
            why, sizeof(why)) == RECEIPT_VERIFIED)
            fail_msg("verified after a change of bit %zu", bit);
        assert_true(err == E_OK || err == E_INVAL || err == E_CORRUPT);
        assert_true(why[0] != '\0');
        bytes.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void
no_bit_can_be_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < PLACES; i++) {
        bytes.n = 0;
        receipt_fixture_write(places[i].leaves, places[i].index, &bytes);
        expect(E_OK, "");
        try_all_bits();
    }
}

static void
no_bit_can_be_changed_of_a_redacted_one(void **state)
{
    struct buf whole;

    (void)state;
    buf_init(&whole, RECEIPT_BYTES_MAX);
    receipt_fixture_write(5, 4, &whole);
    for (unsigned parts = 1; parts <= 3; parts++) {
        expect_bytes(buf_slice(&whole), E_OK, "");
        bytes.n = 0;
        assert_int_equal(receipt_redact(&receipt, parts, &bytes), E_OK);
        expect(E_OK, "");
        expect_state(RECEIPT_VERIFIED, FIXTURE_NOW_US);
        try_all_bits();
    }
    buf_free(&whole);
}

static void
nothing_can_be_cut_off(void **state)
{
    (void)state;
    receipt_fixture_write(7, 3, &bytes);
    for (size_t n = 0; n < bytes.n; n++) {
        char why[256];

        arena_reset(arena);
        assert_int_equal(receipt_read((struct slice){bytes.p, n}, arena,
            &receipt, why, sizeof(why)), E_INVAL);
    }
    expect_bytes((struct slice){NULL, 0}, E_INVAL, "the seal is missing");
}

static void
salt_answer_and_question_are_sealed(void **state)
{
    (void)state;
    begin();
    f.salts[0][0] ^= 1;
    finish(E_CORRUPT, "leads to another root");
    f.salts[0][0] ^= 1;
    f.salts[1][15] ^= 1;
    finish(E_CORRUPT, "leads to another root");
    f.salts[1][15] ^= 1;
    f.seal.index = 2;
    finish(E_CORRUPT, "leads to another root");
    f.seal.index = 3;
    finish(E_OK, "");
    assert_int_equal(bytes.p[bytes.n - 1], f.signature[63]);
}

/* The answer of one receipt with the question of another. */
static void
parts_of_two_receipts_do_not_fit(void **state)
{
    static struct receipt_fixture other;

    (void)state;
    begin();
    receipt_fixture_make(&other, 7, 3);
    assert_int_equal(buf_add(&other.question, (struct slice){
        (const uint8_t *)"\xc0\x3e\x01", 3}), E_OK);
    receipt_fixture_seal(&other);
    receipt_fixture_sign(&other);
    f.receipt.question = other.receipt.question;
    finish(E_CORRUPT, "leads to another root");
    f.receipt.seal = &other.seal;
    finish(E_OK, "");
    receipt_fixture_free(&other);
}

static void
each_state_is_told(void **state)
{
    static struct trust_content content;

    (void)state;
    begin();
    finish(E_OK, "");

    /* The trust file's time. */
    expect_state(RECEIPT_VERIFIED, FIXTURE_UNTIL_US - 1);
    expect_state(RECEIPT_TRUST_TOO_OLD, FIXTURE_UNTIL_US);
    expect_state(RECEIPT_TRUST_TOO_OLD, INT64_MAX);
    expect_state(RECEIPT_VERIFIED, INT64_MIN);

    f.signature[3] ^= 4;
    bytes.n = 0;
    receipt_fixture_pack(&f, &bytes);
    expect(E_OK, "");
    expect_state(RECEIPT_SEAL_BROKEN, FIXTURE_NOW_US);
    expect_state(RECEIPT_SEAL_BROKEN, INT64_MAX);

    f.key = FIXTURE_RETIRED;
    begin();
    finish(E_OK, "");

    /* Unknown, and a checkpoint key is no seal key. */
    for (unsigned i = 0; i < 2; i++) {
        f.key = i == 0 ? FIXTURE_UNLISTED : FIXTURE_CHECKPOINT;
        begin();
        bytes.n = 0;
        receipt_fixture_pack(&f, &bytes);
        expect(E_OK, "");
        expect_state(RECEIPT_KEY_UNKNOWN, FIXTURE_NOW_US);
        expect_state(RECEIPT_KEY_UNKNOWN, INT64_MAX);
    }

    /* Of another operator, whose trust file has the same key. */
    f.key = FIXTURE_ACTIVE;
    begin();
    bytes.n = 0;
    receipt_fixture_pack(&f, &bytes);
    trust_free(trust);
    trust_fixture_content(&content);
    memcpy(content.origin, "other", 6);
    trust = trust_of(&content);
    expect(E_OK, "");
    expect_state(RECEIPT_KEY_NOT_VALID, FIXTURE_NOW_US);
    expect_state(RECEIPT_KEY_NOT_VALID, INT64_MAX);
}

/* Whenever it says that it was sealed, by whomever the signature is. */
static void
a_compromised_key_proves_nothing(void **state)
{
    static const int64_t times[] = {FIXTURE_NOW_US, FIXTURE_FROM_US,
        FIXTURE_UNTIL_US + 1, 1};

    (void)state;
    f.key = FIXTURE_COMPROMISED;
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        receipt_fixture_seal(&f);
        f.batch.sealed_at_us = times[i];
        receipt_fixture_sign(&f);
        bytes.n = 0;
        receipt_fixture_pack(&f, &bytes);
        expect(E_OK, "");
        expect_state(RECEIPT_KEY_COMPROMISED, FIXTURE_NOW_US);
        expect_state(RECEIPT_KEY_COMPROMISED, INT64_MAX);
    }
    f.signature[0] ^= 1;
    bytes.n = 0;
    receipt_fixture_pack(&f, &bytes);
    expect(E_OK, "");
    expect_state(RECEIPT_SEAL_BROKEN, FIXTURE_NOW_US);
}

static void
a_key_is_valid_in_its_time_only(void **state)
{
    static const struct {
        int64_t sealed;
        enum receipt_state state;
    } times[] = {
        {FIXTURE_FROM_US - 1, RECEIPT_KEY_NOT_VALID},
        {FIXTURE_FROM_US, RECEIPT_VERIFIED},
        {FIXTURE_UNTIL_US - 1, RECEIPT_VERIFIED},
        {FIXTURE_UNTIL_US, RECEIPT_KEY_NOT_VALID},
        {INT64_MAX, RECEIPT_KEY_NOT_VALID},
    };

    (void)state;
    for (unsigned key = FIXTURE_ACTIVE; key <= FIXTURE_RETIRED; key++) {
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
            f.key = key;
            receipt_fixture_seal(&f);
            f.batch.sealed_at_us = times[i].sealed;
            receipt_fixture_sign(&f);
            bytes.n = 0;
            receipt_fixture_pack(&f, &bytes);
            expect(E_OK, "");
            expect_state(times[i].state, FIXTURE_NOW_US);
        }
    }
}

/* What is left of ${parts} of a receipt. */
static void
expect_left(unsigned parts)
{
    expect_state(RECEIPT_VERIFIED, FIXTURE_NOW_US);
    assert_memory_equal(&receipt.id, &f.nodes[f.index], sizeof(receipt.id));
    assert_true((receipt.answer == NULL) == ((parts & RECEIPT_ANSWER) != 0));
    assert_true((receipt.answer_bytes.n == 0) == (receipt.answer == NULL));
    assert_true((receipt.seal->answer_salt.len == 0) ==
        (receipt.answer == NULL));
    assert_true((receipt.question == NULL) ==
        ((parts & RECEIPT_QUESTION) != 0));
    assert_true((receipt.question_bytes.n == 0) ==
        (receipt.question == NULL));
    assert_true((receipt.seal->question_salt.len == 0) ==
        (receipt.question == NULL));
}

static void
parts_can_be_redacted(void **state)
{
    struct buf once, twice;

    (void)state;
    buf_init(&once, RECEIPT_BYTES_MAX);
    buf_init(&twice, RECEIPT_BYTES_MAX);
    begin();
    for (unsigned parts = 0; parts <= 3; parts++) {
        finish(E_OK, "");
        once.n = 0;
        assert_int_equal(receipt_redact(&receipt, parts, &once), E_OK);
        assert_true(slice_equal(buf_slice(&once), buf_slice(&bytes)) ==
            (parts == 0));
        assert_true((memmem(once.p, once.n, FIXTURE_FAMILY,
            strlen(FIXTURE_FAMILY)) != NULL) ==
            ((parts & RECEIPT_QUESTION) == 0));
        assert_true((memmem(once.p, once.n, "Active", 6) != NULL) ==
            ((parts & RECEIPT_ANSWER) == 0));
        expect_bytes(buf_slice(&once), E_OK, "");
        expect_left(parts);

        /* What is gone stays gone, and more can go. */
        for (unsigned more = 0; more <= 3; more++) {
            expect_bytes(buf_slice(&once), E_OK, "");
            twice.n = 0;
            assert_int_equal(receipt_redact(&receipt, more, &twice), E_OK);
            assert_true(slice_equal(buf_slice(&once), buf_slice(&twice)) ==
                ((parts | more) == parts));
            expect_bytes(buf_slice(&twice), E_OK, "");
            expect_left(parts | more);
        }
    }
    buf_free(&once);
    buf_free(&twice);
}

static void
what_is_redacted_cannot_be_put_back_changed(void **state)
{
    (void)state;
    begin();
    finish(E_OK, "");
    /* A commitment of something else. */
    f.receipt.answer = (ProtobufCBinaryData){0, NULL};
    f.seal.answer_salt = (ProtobufCBinaryData){0, NULL};
    f.receipt.answer_commitment = (ProtobufCBinaryData){MERKLE_HASH,
        f.commitments[0].bytes};
    finish(E_CORRUPT, "leads to another root");
    f.receipt.answer_commitment.data = f.commitments[1].bytes;
    finish(E_OK, "");
}

/* Fields that this version does not know, behind a part. */
static void
a_later_answer_is_read_and_hashed(void **state)
{
    static const uint8_t more[] = {0xc0, 0x3e, 0x01,    /* 1000: 1 */
        0xca, 0x3e, 0x02, 'h', 'i'};                    /* 1001: "hi" */
    struct merkle_hash before;

    (void)state;
    begin();
    finish(E_OK, "");
    before = receipt.id;
    assert_int_equal(buf_add(&f.answer, (struct slice){more, sizeof(more)}),
        E_OK);
    begin();
    finish(E_OK, "");
    assert_int_equal(receipt.answer->base.n_unknown_fields, 2);
    assert_int_equal(receipt.answer->verdict,
        VOUCH__V1__VERDICT__VERDICT_CONFIRMED);
    assert_memory_not_equal(&receipt.id, &before, sizeof(before));
    before = receipt.id;
    assert_int_equal(buf_add(&f.question, (struct slice){more, sizeof(more)}),
        E_OK);
    begin();
    finish(E_OK, "");
    assert_int_equal(receipt.question->base.n_unknown_fields, 2);
    assert_memory_not_equal(&receipt.id, &before, sizeof(before));

    /* Redacted, they are gone; kept, they stay as they are. */
    bytes.n = 0;
    assert_int_equal(receipt_redact(&receipt, RECEIPT_QUESTION, &bytes),
        E_OK);
    expect(E_OK, "");
    assert_int_equal(receipt.answer->base.n_unknown_fields, 2);
    assert_true(slice_equal(receipt.answer_bytes, buf_slice(&f.answer)));

    /* An enum value that is not known yet: verdict 100. */
    f.answer.n = f.question.n = 0;
    assert_int_equal(buf_add(&f.answer, slice_of("\x08\x64")), E_OK);
    assert_int_equal(buf_add(&f.question, slice_of("\x1a\x01r")), E_OK);
    begin();
    finish(E_OK, "");
    assert_int_equal(receipt.answer->verdict, 100);

    /* Even then in order, and as short as can be. */
    f.answer.n = 0;
    assert_int_equal(buf_add(&f.answer, slice_of("\xc8\x3e\x01\xc0\x3e\x01")),
        E_OK);
    begin();
    finish(E_INVAL, "the answer is not in its canonical form");
    f.answer.n = 0;
    assert_int_equal(buf_add(&f.answer, (struct slice){
        (const uint8_t *)"\xc0\x3e\x81\x00", 4}), E_OK);
    begin();
    finish(E_INVAL, "the answer is not in its canonical form");
    f.answer.n = 0;
    assert_int_equal(buf_add(&f.answer, slice_of("\xc0\x3e\x01\x08\x01")),
        E_OK);
    begin();
    finish(E_INVAL, "the answer is not in its canonical form");
}

/* Unknown fields ${at} one message only. */
static void
add_unknown(ProtobufCMessage *message, ProtobufCMessageUnknownField *field)
{
    static uint8_t one[] = {1};

    *field = (ProtobufCMessageUnknownField){.tag = 1000,
        .wire_type = PROTOBUF_C_WIRE_TYPE_VARINT, .len = 1, .data = one};
    message->n_unknown_fields = 1;
    message->unknown_fields = field;
}

static void
nothing_unknown_is_in_the_seal(void **state)
{
    ProtobufCMessageUnknownField field;

    (void)state;
    begin();
    add_unknown(&f.receipt.base, &field);
    finish(E_INVAL, "the receipt, field 1000: ");
    begin();
    add_unknown(&f.seal.base, &field);
    finish(E_INVAL, "the receipt, field seal.1000: ");
    receipt_fixture_seal(&f);
    add_unknown(&f.batch.base, &field);
    receipt_fixture_sign(&f);
    finish(E_INVAL, "the seal's batch, field 1000: ");
    f.batch.base.n_unknown_fields = 0;
    begin();
    finish(E_OK, "");
}

/* Parts in other forms than the one: ${bytes} stand for a part of its own. */
static void
each_message_has_its_one_form(void **state)
{
    static const struct slice answers[] = {
        {(const uint8_t *)"\x08\x06\x08\x06", 4},       /* twice */
        {(const uint8_t *)"\x10\x01\x08\x06", 4},       /* out of order */
        {(const uint8_t *)"\x08\x86\x00", 3},           /* a long varint */
        {(const uint8_t *)"\x88\x00\x06", 3},           /* a long tag */
        {(const uint8_t *)"\x0a\x81\x00\x01", 4},       /* wrong type */
        {(const uint8_t *)"\x08\x06\x10\x00", 4},       /* a default value */
        {(const uint8_t *)"\x08\x06\x32\x00", 4},       /* an empty message */
        {(const uint8_t *)"\x18\x01", 2},               /* not packed */
        {(const uint8_t *)"\x28\x02", 2},               /* a bool of 2 */
        {(const uint8_t *)"\x82\x01\x01\xff", 4},       /* not UTF-8 */
        {(const uint8_t *)"\x82\x01\x02" "a\0", 5},     /* a NUL */
        {(const uint8_t *)"\x08\x06\x42", 3},           /* cut off */
        {(const uint8_t *)"\x0b\x0c", 2},               /* a group */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        f.answer.n = 0;
        assert_int_equal(buf_add(&f.answer, answers[i]), E_OK);
        begin();
        finish(E_INVAL, "the answer");
    }
    f.answer.n = 0;
    assert_int_equal(buf_add(&f.answer, slice_of("\x08\x06")), E_OK);
    begin();
    finish(E_OK, "");
    f.question.n = 0;
    assert_int_equal(buf_add(&f.question, (struct slice){
        (const uint8_t *)"\x0a\x02\x2a\x00", 4}), E_OK);    /* no birth date */
    begin();
    finish(E_INVAL, "the question is not in its canonical form");
}

/* The same of receipt, seal and batch. */
static void
the_seal_has_its_one_form(void **state)
{
    struct slice whole;
    uint8_t copy[8];

    (void)state;
    begin();
    finish(E_OK, "");

    /* The field behind it again, and what is a default. */
    whole = buf_slice(&bytes);
    assert_int_equal(buf_add(&bytes, (struct slice){
        (const uint8_t *)"\x22\x00", 2}), E_OK);
    expect(E_INVAL, "the receipt is not in its canonical form");
    bytes.n = whole.n;
    assert_int_equal(buf_add(&bytes, (struct slice){
        (const uint8_t *)"\x1a\x02\x18\x03", 4}), E_OK);
    expect(E_INVAL, "seal: the field comes twice");
    bytes.n = whole.n;

    /* Length of the answer, one byte longer than it must be. */
    assert_true(bytes.p[0] == 0x0a && bytes.p[1] < 0x80);
    copy[0] = 0x0a;
    copy[1] = bytes.p[1] | 0x80;
    copy[2] = 0;
    assert_int_equal(buf_reserve(&bytes, 1), E_OK);
    memmove(bytes.p + 1, bytes.p, bytes.n++);
    memcpy(bytes.p, copy, 3);
    expect(E_INVAL, "the receipt is not in its canonical form");

    /* The batch, signed as it is: with a default value behind. */
    begin();
    assert_int_equal(buf_add(&f.batch_bytes, (struct slice){
        (const uint8_t *)"\x42\x00", 2}), E_OK);
    trust_fixture_sign(f.key, buf_slice(&f.batch_bytes), f.signature);
    f.seal.batch = (ProtobufCBinaryData){f.batch_bytes.n, f.batch_bytes.p};
    finish(E_INVAL, "the seal's batch is not in its canonical form");
}

static void
each_part_is_there_in_one_way(void **state)
{
    const ProtobufCBinaryData none = {0, NULL};

    (void)state;
    begin();
    f.seal.question_salt.len = 15;
    finish(E_INVAL, "the question has no salt of 16 bytes");
    f.seal.question_salt.len = 17;
    finish(E_INVAL, "the question has no salt of 16 bytes");
    f.seal.question_salt.len = 0;
    finish(E_INVAL, "the question has no salt of 16 bytes");
    begin();
    f.seal.answer_salt.len = 17;
    finish(E_INVAL, "the answer has no salt of 16 bytes");
    begin();
    f.receipt.answer_commitment = (ProtobufCBinaryData){MERKLE_HASH,
        f.commitments[1].bytes};
    finish(E_INVAL, "the answer stands beside its commitment");
    f.receipt.answer = none;
    finish(E_INVAL, "the answer is redacted, but its salt is there");
    f.seal.answer_salt = none;
    finish(E_OK, "");
    f.receipt.answer_commitment.len--;
    finish(E_INVAL, "the answer has a commitment that is not 32 bytes");
    f.receipt.answer_commitment = none;
    finish(E_INVAL, "the answer is missing, and so is its commitment");
    begin();
    f.receipt.question = none;
    finish(E_INVAL, "the question is missing, and so is its commitment");
    begin();
    f.receipt.seal = NULL;
    finish(E_INVAL, "the seal is missing");
}

static void
each_part_of_the_seal_is_as_long_as_it_is(void **state)
{
    uint8_t hash[MERKLE_HASH + 1] = {0};

    (void)state;
    begin();
    f.seal.path[1].len--;
    finish(E_INVAL, "path has a hash that is not 32 bytes");
    f.seal.path[1].len = 0;
    finish(E_INVAL, "path has a hash that is not 32 bytes");
    begin();
    f.seal.n_path--;
    finish(E_INVAL, "path is not as long as index and number of leaves");
    f.seal.n_path = 0;
    finish(E_INVAL, "path is not as long as index and number of leaves");
    begin();
    f.path[f.seal.n_path++] = (ProtobufCBinaryData){MERKLE_HASH, hash};
    finish(E_INVAL, "path is not as long as index and number of leaves");
    begin();
    while (f.seal.n_path < MERKLE_PATH_MAX + 1)
        f.path[f.seal.n_path++] = (ProtobufCBinaryData){MERKLE_HASH, hash};
    finish(E_INVAL, "there are too many elements");
    begin();
    f.seal.signature.len = 63;
    finish(E_INVAL, "signature is not 64 bytes");
    f.seal.signature.len = 65;
    finish(E_INVAL, "signature is not 64 bytes");
    f.seal.signature.len = 0;
    finish(E_INVAL, "signature is not 64 bytes");
    begin();
    f.seal.batch.len = 0;
    finish(E_INVAL, "batch is missing");
    begin();
    f.seal.index = 7;
    finish(E_INVAL, "index is beyond the batch");
    f.seal.index = UINT32_MAX;
    finish(E_INVAL, "index is beyond the batch");
}

/* f->batch was changed: sign it as it is. */
static void
finish_batch(const char *says)
{
    receipt_fixture_sign(&f);
    finish(E_INVAL, says);
    receipt_fixture_seal(&f);
}

static void
the_batch_says_what_it_must(void **state)
{
    static char eligibility[] = "vouch/eligibility/v1", none[] = "";
    static char quote[] = "a\"b", umlaut[] = "\xc3\xa4";
    static char longer[TRUST_ORIGIN_MAX + 2];

    (void)state;
    receipt_fixture_seal(&f);
    f.batch.domain = eligibility;
    finish_batch("batch is of another domain");
    f.batch.domain = none;
    finish_batch("batch is of another domain");
    f.batch.log_origin = none;
    finish_batch("batch has an origin that can be none");
    f.batch.log_origin = quote;
    finish_batch("batch has an origin that can be none");
    f.batch.log_origin = umlaut;
    finish_batch("batch has an origin that can be none");
    memset(longer, 'o', sizeof(longer) - 1);
    f.batch.log_origin = longer;
    finish_batch("batch has an origin that can be none");
    f.batch.key_id.len--;
    finish_batch("batch has a key id that is not 32 bytes");
    f.batch.key_id.len = 0;
    finish_batch("batch has a key id that is not 32 bytes");
    f.batch.sealed_at_us = 0;
    finish_batch("batch has no time after 1970");
    f.batch.sealed_at_us = -1;
    finish_batch("batch has no time after 1970");
    f.batch.leaf_count = 0;
    finish_batch("batch has not 1 to 256 leaves");
    f.batch.root.len--;
    finish_batch("batch has a root that is not 32 bytes");
    f.batch.root.len = 0;
    finish_batch("batch has a root that is not 32 bytes");
    f.batch.checkpoint_size = -1;
    finish_batch("batch has a log of less than nothing");
    f.batch.checkpoint_root.len++;
    finish_batch("batch has a log's root that is not 32 bytes");
    f.batch.checkpoint_root.len = 0;
    finish_batch("batch has a log's root that is not 32 bytes");

    /* An empty log is one. */
    f.batch.checkpoint_size = 0;
    receipt_fixture_sign(&f);
    finish(E_OK, "");
    /* More leaves than a batch may have, in order otherwise. */
    receipt_fixture_free(&f);
    receipt_fixture_make(&f, 257, 256);
    begin();
    finish(E_INVAL, "batch has not 1 to 256 leaves");
}

static void
the_limits_are_held(void **state)
{
    struct arena *small;
    uint8_t *text;
    char why[256];
    size_t n = 900 * (size_t)1024;

    (void)state;
    /* A large answer: association_name, field 16. */
    f.answer.n = 0;
    assert_int_equal(buf_add(&f.answer, slice_of("\x82\x01")), E_OK);
    assert_int_equal(buf_reserve(&f.answer, n + 3), E_OK);
    text = f.answer.p + f.answer.n;
    text[0] = (uint8_t)(n | 0x80);
    text[1] = (uint8_t)(n >> 7 | 0x80);
    text[2] = (uint8_t)(n >> 14);
    memset(text + 3, 'x', n);
    f.answer.n += n + 3;
    begin();
    finish(E_OK, "");
    assert_int_equal(arena_create(n, &small), E_OK);
    assert_int_equal(receipt_read(buf_slice(&bytes), small, &receipt, why,
        sizeof(why)), E_TOOBIG);
    assert_non_null(strstr(why, "memory"));
    arena_free(small);

    assert_int_equal(buf_reserve(&bytes, RECEIPT_BYTES_MAX), E_OK);
    memset(bytes.p + bytes.n, 0, RECEIPT_BYTES_MAX);
    bytes.n = RECEIPT_BYTES_MAX;
    expect(E_INVAL, "the receipt");
    bytes.n++;
    expect(E_TOOBIG, "the receipt is larger than 1 MiB");
}

static void
reading_survives_every_allocation_failure(void **state)
{
    int fired = 1, failures = 0;

    (void)state;
    /* Larger than an arena's first block. */
    f.answer.n = 0;
    for (int i = 0; i < 4000; i++)
        assert_int_equal(buf_add(&f.answer, slice_of("\x82\x40\x01x")), E_OK);
    begin();
    receipt_fixture_pack(&f, &bytes);
    for (int n = 0; n < SWEEP && fired; n++) {
        char why[256] = "";
        enum err err;

        arena_reset(arena);
        fault_arm(n);
        err = receipt_read(buf_slice(&bytes), arena, &receipt, why,
            sizeof(why));
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(err, fired ? E_NOMEM : E_OK);
        assert_true((why[0] != '\0') == (err != E_OK));
        failures += fired;
    }
    assert_false(fired);
    assert_true(failures > 1);
}

static void
redacting_survives_every_allocation_failure(void **state)
{
    int fired = 1, failures = 0;
    struct buf out;

    (void)state;
    begin();
    finish(E_OK, "");
    for (int n = 0; n < SWEEP && fired; n++) {
        enum err err;

        buf_init(&out, RECEIPT_BYTES_MAX);
        fault_arm(n);
        err = receipt_redact(&receipt, RECEIPT_ANSWER, &out);
        fired = fault_fired();
        fault_arm(-1);
        if (err != E_OK) {
            assert_int_equal(err, E_NOMEM);
            assert_int_equal(out.n, 0);
            failures++;
        }
        buf_free(&out);
    }
    assert_false(fired);
    assert_true(failures > 0);
    buf_init(&out, 100);
    assert_int_equal(buf_add(&out, slice_of("abc")), E_OK);
    assert_int_equal(receipt_redact(&receipt, RECEIPT_ANSWER, &out),
        E_TOOBIG);
    assert_int_equal(out.n, 3);
    buf_free(&out);
}

static void
hashing_and_judging_allocate_nothing(void **state)
{
    struct merkle_hash q, a, leaf;
    char why[256];

    (void)state;
    begin();
    finish(E_OK, "");
    fault_arm(0);
    receipt_commit_question(f.salts[0], buf_slice(&f.question), &q);
    receipt_commit_answer(f.salts[1], &q, buf_slice(&f.answer), &a);
    receipt_leaf(&q, &a, &leaf);
    assert_int_equal(receipt_verify(&receipt, trust, FIXTURE_NOW_US, why,
        sizeof(why)), RECEIPT_VERIFIED);
    assert_false(fault_fired());
    fault_arm(-1);
    assert_memory_equal(&leaf, &receipt.id, sizeof(leaf));
}

static void
every_state_has_a_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RECEIPT_STATES; i++) {
        assert_non_null(receipt_state_name(i));
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(receipt_state_name(i),
                receipt_state_name(j));
    }
    assert_null(receipt_state_name(RECEIPT_STATES));
    assert_string_equal(receipt_state_name(RECEIPT_SEAL_BROKEN),
        "SEAL_BROKEN");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_sealed_is_read_and_verified),
        CASE(what_is_read_needs_its_bytes_no_longer),
        CASE(a_response_is_a_receipt),
        CASE(no_bit_can_be_changed),
        CASE(no_bit_can_be_changed_of_a_redacted_one),
        CASE(nothing_can_be_cut_off),
        CASE(salt_answer_and_question_are_sealed),
        CASE(parts_of_two_receipts_do_not_fit),
        CASE(each_state_is_told),
        CASE(a_compromised_key_proves_nothing),
        CASE(a_key_is_valid_in_its_time_only),
        CASE(parts_can_be_redacted),
        CASE(what_is_redacted_cannot_be_put_back_changed),
        CASE(a_later_answer_is_read_and_hashed),
        CASE(nothing_unknown_is_in_the_seal),
        CASE(each_message_has_its_one_form),
        CASE(the_seal_has_its_one_form),
        CASE(each_part_is_there_in_one_way),
        CASE(each_part_of_the_seal_is_as_long_as_it_is),
        CASE(the_batch_says_what_it_must),
        CASE(the_limits_are_held),
        CASE(reading_survives_every_allocation_failure),
        CASE(redacting_survives_every_allocation_failure),
        CASE(hashing_and_judging_allocate_nothing),
        CASE(every_state_has_a_name),
    };

    return (cmocka_run_group_tests_name("receipt", tests, NULL, NULL));
}
