#include "proto/receipt.h"

#include <stdio.h>
#include <string.h>

#include "proto/message.h"

/* In each hash a 0x00 follows the domain: the text's own NUL. */
#define QUESTION_DOMAIN "vouch/question/v1"
#define ANSWER_DOMAIN "vouch/answer/v1"

static const char *const states[] = {
    [RECEIPT_VERIFIED] = "VERIFIED",
    [RECEIPT_MALFORMED] = "MALFORMED",
    [RECEIPT_SEAL_BROKEN] = "SEAL_BROKEN",
    [RECEIPT_TRUST_TOO_OLD] = "TRUST_TOO_OLD",
    [RECEIPT_KEY_UNKNOWN] = "KEY_UNKNOWN",
    [RECEIPT_KEY_COMPROMISED] = "KEY_COMPROMISED",
    [RECEIPT_KEY_NOT_VALID] = "KEY_NOT_VALID",
};

const char *
receipt_state_name(enum receipt_state state)
{
    return ((unsigned)state < RECEIPT_STATES ? states[state] : NULL);
}

void
receipt_commit_question(const uint8_t salt[RECEIPT_SALT],
    struct slice question, struct merkle_hash *commitment)
{
    uint8_t head[sizeof(QUESTION_DOMAIN) + RECEIPT_SALT];
    struct sha256 hash;

    memcpy(head, QUESTION_DOMAIN, sizeof(QUESTION_DOMAIN));
    memcpy(head + sizeof(QUESTION_DOMAIN), salt, RECEIPT_SALT);
    sha256_begin(&hash);
    sha256_add(&hash, head, sizeof(head));
    sha256_add(&hash, question.p, question.n);
    sha256_end(&hash, commitment->bytes);
}

void
receipt_commit_answer(const uint8_t salt[RECEIPT_SALT],
    const struct merkle_hash *question_commitment, struct slice answer,
    struct merkle_hash *commitment)
{
    /* Just one block of SHA-256, so that the answer begins on another. */
    uint8_t head[sizeof(ANSWER_DOMAIN) + RECEIPT_SALT + MERKLE_HASH];
    struct sha256 hash;

    memcpy(head, ANSWER_DOMAIN, sizeof(ANSWER_DOMAIN));
    memcpy(head + sizeof(ANSWER_DOMAIN), salt, RECEIPT_SALT);
    memcpy(head + sizeof(ANSWER_DOMAIN) + RECEIPT_SALT,
        question_commitment->bytes, MERKLE_HASH);
    sha256_begin(&hash);
    sha256_add(&hash, head, sizeof(head));
    sha256_add(&hash, answer.p, answer.n);
    sha256_end(&hash, commitment->bytes);
}

void
receipt_leaf(const struct merkle_hash *question_commitment,
    const struct merkle_hash *answer_commitment, struct merkle_hash *leaf)
{
    uint8_t data[2 * MERKLE_HASH];

    memcpy(data, question_commitment->bytes, MERKLE_HASH);
    memcpy(data + MERKLE_HASH, answer_commitment->bytes, MERKLE_HASH);
    merkle_leaf((struct slice){data, sizeof(data)}, leaf);
}

static enum receipt_state
judge(const struct receipt *receipt, const struct trust *trust,
    int64_t now_us, const char **what)
{
    const Vouch__V1__SealBatch *batch = receipt->batch;
    const struct trust_content *content = trust_content(trust);
    const struct trust_key *key = trust_find(trust, TRUST_SEAL,
        batch->key_id.data);

    *what = "the trust file lists no such seal key";
    if (key == NULL)
        return (RECEIPT_KEY_UNKNOWN);
    *what = "the signature is not that of the key over the batch";
    if (ed25519_verify(key->public_key, (struct slice){
        receipt->seal->batch.data, receipt->seal->batch.len},
        receipt->seal->signature.data) != E_OK)
        return (RECEIPT_SEAL_BROKEN);

    /* Whatever sealed_at says: a thief can date it back. */
    *what = "the key is compromised: a thief could have made this";
    if (key->state == TRUST_COMPROMISED)
        return (RECEIPT_KEY_COMPROMISED);
    *what = "the key is another operator's: the origin is not the trust "
        "file's";
    if (strcmp(batch->log_origin, content->origin) != 0)
        return (RECEIPT_KEY_NOT_VALID);
    *what = "it was sealed before the key was valid";
    if (batch->sealed_at_us < key->from_us)
        return (RECEIPT_KEY_NOT_VALID);
    *what = "it was sealed after the key had ceased to be valid";
    if (batch->sealed_at_us >= key->until_us)
        return (RECEIPT_KEY_NOT_VALID);
    *what = "the trust file has expired: a newer one may say otherwise";
    if (now_us >= content->expires_us)
        return (RECEIPT_TRUST_TOO_OLD);
    *what = "";
    return (RECEIPT_VERIFIED);
}

enum receipt_state
receipt_verify(const struct receipt *receipt, const struct trust *trust,
    int64_t now_us, char *why, size_t size)
{
    const char *what;
    enum receipt_state state = judge(receipt, trust, now_us, &what);

    (void)snprintf(why, size, "%s", what);
    return (state);
}

/* To be read only: protobuf-c knows no const. */
static ProtobufCBinaryData
as_data(const uint8_t *p, size_t n)
{
    return ((ProtobufCBinaryData){n, (uint8_t *)(uintptr_t)p});
}

enum err
receipt_redact(const struct receipt *receipt, unsigned parts, struct buf *out)
{
    Vouch__V1__Receipt redacted = VOUCH__V1__RECEIPT__INIT;
    Vouch__V1__Seal seal = *receipt->seal;

    redacted.seal = &seal;
    if ((parts & RECEIPT_ANSWER) != 0 || receipt->answer_bytes.n == 0) {
        seal.answer_salt = as_data(NULL, 0);
        redacted.answer_commitment = as_data(
            receipt->answer_commitment.bytes, MERKLE_HASH);
    } else {
        redacted.answer = as_data(receipt->answer_bytes.p,
            receipt->answer_bytes.n);
    }
    if ((parts & RECEIPT_QUESTION) != 0 || receipt->question_bytes.n == 0) {
        seal.question_salt = as_data(NULL, 0);
        redacted.question_commitment = as_data(
            receipt->question_commitment.bytes, MERKLE_HASH);
    } else {
        redacted.question = as_data(receipt->question_bytes.p,
            receipt->question_bytes.n);
    }
    return (message_pack(&redacted.base, out));
}
