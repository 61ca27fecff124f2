#include "proto/receipt.h"

#include <stdio.h>
#include <string.h>

#include "proto/message.h"

/* The receipt, its seal, the batch: of these everything is known. */
static const struct message_limits strict = {
    .depth = 2, .elements = MERKLE_PATH_MAX, .fields = 256,
    .refuse_unknown = 1,
};

/* Answer and question: a later version says more, as much as there is room. */
static const struct message_limits lax = {
    .depth = 16, .elements = RECEIPT_BYTES_MAX, .fields = RECEIPT_BYTES_MAX,
};

struct reading {
    struct arena *arena;
    struct receipt *receipt;
    char *why;
    size_t size;
};

static enum err
refuse(const struct reading *r, const char *where, const char *what)
{
    (void)snprintf(r->why, r->size, "%s %s", where, what);
    return (E_INVAL);
}

/* Read the message that ${where} is, and be strict about its form. */
static enum err
take_message(const struct reading *r, const char *where, struct slice bytes,
    const ProtobufCMessageDescriptor *type,
    const struct message_limits *limits, ProtobufCMessage **message)
{
    struct message_fault fault;
    enum err err;

    if ((err = message_decode(type, bytes, limits, r->arena, message,
        &fault)) != E_OK) {
        (void)snprintf(r->why, r->size, "%s%s%s: %s", where,
            fault.field[0] != '\0' ? ", field " : "", fault.field,
            fault.what);
        if (err == E_NOMEM || (err == E_TOOBIG && arena_exhausted(r->arena)))
            return (err);
        return (E_INVAL);
    }
    return (message_is_canonical(type, bytes) ? E_OK :
        refuse(r, where, "is not in its canonical form"));
}

/* Bytes or commitment, and a salt only with the bytes. */
static enum err
check_part(const struct reading *r, const char *where,
    const ProtobufCBinaryData *bytes, const ProtobufCBinaryData *commitment,
    const ProtobufCBinaryData *salt)
{
    if (bytes->len > 0 && commitment->len > 0)
        return (refuse(r, where, "stands beside its commitment"));
    if (bytes->len > 0)
        return (salt->len == RECEIPT_SALT ? E_OK :
            refuse(r, where, "has no salt of 16 bytes"));
    if (commitment->len == 0)
        return (refuse(r, where, "is missing, and so is its commitment"));
    if (commitment->len != MERKLE_HASH)
        return (refuse(r, where, "has a commitment that is not 32 bytes"));
    return (salt->len == 0 ? E_OK :
        refuse(r, where, "is redacted, but its salt is there"));
}

static enum err
check_form(const struct reading *r, const Vouch__V1__Receipt *receipt)
{
    const Vouch__V1__Seal *seal = receipt->seal;
    enum err err;
    size_t i;

    if (seal == NULL)
        return (refuse(r, "the seal", "is missing"));
    if ((err = check_part(r, "the question", &receipt->question,
        &receipt->question_commitment, &seal->question_salt)) != E_OK ||
        (err = check_part(r, "the answer", &receipt->answer,
            &receipt->answer_commitment, &seal->answer_salt)) != E_OK)
        return (err);
    for (i = 0; i < seal->n_path; i++) {
        if (seal->path[i].len != MERKLE_HASH)
            return (refuse(r, "the seal's path",
                "has a hash that is not 32 bytes"));
    }
    if (seal->batch.len == 0)
        return (refuse(r, "the seal's batch", "is missing"));
    return (seal->signature.len == ED25519_SIGNATURE ? E_OK :
        refuse(r, "the seal's signature", "is not 64 bytes"));
}

static enum err
check_batch(const struct reading *r, const Vouch__V1__SealBatch *batch)
{
    static const char where[] = "the seal's batch";

    if (strcmp(batch->domain, RECEIPT_DOMAIN) != 0)
        return (refuse(r, where, "is of another domain"));
    if (!trust_is_origin(batch->log_origin))
        return (refuse(r, where, "has an origin that can be none"));
    if (batch->key_id.len != ED25519_KEY_ID)
        return (refuse(r, where, "has a key id that is not 32 bytes"));
    if (batch->sealed_at_us <= 0)
        return (refuse(r, where, "has no time after 1970"));
    if (batch->leaf_count < 1 || batch->leaf_count > RECEIPT_BATCH_MAX)
        return (refuse(r, where, "has not 1 to 256 leaves"));
    if (batch->root.len != MERKLE_HASH)
        return (refuse(r, where, "has a root that is not 32 bytes"));
    if (batch->checkpoint_size < 0)
        return (refuse(r, where, "has a log of less than nothing"));
    if (batch->checkpoint_root.len != MERKLE_HASH)
        return (refuse(r, where, "has a log's root that is not 32 bytes"));
    return (E_OK);
}

static enum err
take_batch(const struct reading *r, const Vouch__V1__Seal *seal)
{
    ProtobufCMessage *batch;
    enum err err;

    if ((err = take_message(r, "the seal's batch", (struct slice){
        seal->batch.data, seal->batch.len},
        &vouch__v1__seal_batch__descriptor, &strict, &batch)) != E_OK)
        return (err);
    r->receipt->batch = (const Vouch__V1__SealBatch *)(const void *)batch;
    return (check_batch(r, r->receipt->batch));
}

static enum err
take_question(const struct reading *r, const Vouch__V1__Receipt *read)
{
    struct receipt *receipt = r->receipt;
    ProtobufCMessage *question;
    enum err err;

    if (read->question.len == 0) {
        memcpy(receipt->question_commitment.bytes,
            read->question_commitment.data, MERKLE_HASH);
        return (E_OK);
    }
    receipt->question_bytes = (struct slice){read->question.data,
        read->question.len};
    if ((err = take_message(r, "the question", receipt->question_bytes,
        &vouch__v1__question__descriptor, &lax, &question)) != E_OK)
        return (err);
    receipt->question = (const Vouch__V1__Question *)(const void *)question;
    receipt_commit_question(read->seal->question_salt.data,
        receipt->question_bytes, &receipt->question_commitment);
    return (E_OK);
}

/* After the question, on whose commitment this one's depends. */
static enum err
take_answer(const struct reading *r, const Vouch__V1__Receipt *read)
{
    struct receipt *receipt = r->receipt;
    ProtobufCMessage *answer;
    enum err err;

    if (read->answer.len == 0) {
        memcpy(receipt->answer_commitment.bytes,
            read->answer_commitment.data, MERKLE_HASH);
        return (E_OK);
    }
    receipt->answer_bytes = (struct slice){read->answer.data,
        read->answer.len};
    if ((err = take_message(r, "the answer", receipt->answer_bytes,
        &vouch__v1__answer__descriptor, &lax, &answer)) != E_OK)
        return (err);
    receipt->answer = (const Vouch__V1__Answer *)(const void *)answer;
    receipt_commit_answer(read->seal->answer_salt.data,
        &receipt->question_commitment, receipt->answer_bytes,
        &receipt->answer_commitment);
    return (E_OK);
}

static enum err
check_path(const struct reading *r)
{
    const struct receipt *receipt = r->receipt;
    const Vouch__V1__Seal *seal = receipt->seal;
    struct merkle_hash path[MERKLE_PATH_MAX], root;
    size_t i;

    for (i = 0; i < seal->n_path; i++)      /* MERKLE_PATH_MAX: see strict */
        memcpy(path[i].bytes, seal->path[i].data, MERKLE_HASH);
    if (merkle_climb(&receipt->id, seal->index, receipt->batch->leaf_count,
        path, seal->n_path, &root) != E_OK)
        return (refuse(r, "the seal's path",
            "is not as long as index and number of leaves demand"));
    if (memcmp(root.bytes, receipt->batch->root.data, MERKLE_HASH) == 0)
        return (E_OK);
    (void)refuse(r, "the seal's path", "leads to another root: answer, "
        "question or seal were changed");
    return (E_CORRUPT);
}

enum err
receipt_read(struct slice bytes, struct arena *arena, struct receipt *receipt,
    char *why, size_t size)
{
    const struct reading r = {arena, receipt, why, size};
    const Vouch__V1__Receipt *read;
    ProtobufCMessage *message;
    enum err err;

    memset(receipt, 0, sizeof(*receipt));
    if (bytes.n > RECEIPT_BYTES_MAX) {
        (void)refuse(&r, "the receipt", "is larger than 1 MiB");
        return (E_TOOBIG);
    }
    if ((err = take_message(&r, "the receipt", bytes,
        &vouch__v1__receipt__descriptor, &strict, &message)) != E_OK)
        return (err);
    read = (const Vouch__V1__Receipt *)(const void *)message;
    if ((err = check_form(&r, read)) != E_OK ||
        (err = take_batch(&r, read->seal)) != E_OK)
        return (err);
    receipt->seal = read->seal;
    if (receipt->seal->index >= receipt->batch->leaf_count)
        return (refuse(&r, "the seal's index", "is beyond the batch"));
    if ((err = take_question(&r, read)) != E_OK ||
        (err = take_answer(&r, read)) != E_OK)
        return (err);
    receipt_leaf(&receipt->question_commitment, &receipt->answer_commitment,
        &receipt->id);
    return (check_path(&r));
}
