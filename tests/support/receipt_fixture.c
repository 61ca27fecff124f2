#include "support/receipt_fixture.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "proto/message.h"

#define PART_MAX ((size_t)2 * 1024 * 1024)

static void
must(int done)
{
    if (!done)
        abort();
}

static ProtobufCBinaryData
data_of(struct slice bytes)
{
    return ((ProtobufCBinaryData){bytes.n, (uint8_t *)(uintptr_t)bytes.p});
}

static void
make_answer(struct buf *out)
{
    Vouch__V1__Answer answer = VOUCH__V1__ANSWER__INIT;
    Vouch__V1__Status status = VOUCH__V1__STATUS__INIT;
    Vouch__V1__Date day = VOUCH__V1__DATE__INIT;
    Vouch__V1__Reason reasons[] = {VOUCH__V1__REASON__REASON_IN_GOOD_STANDING};
    char word[] = "Active", type[] = "ascp-pbt";

    day.year = 2026;
    day.month = 11;
    day.day = 22;
    status.raw_status = word;
    status.standing = VOUCH__V1__STANDING__STANDING_ACTIVE;
    answer.verdict = VOUCH__V1__VERDICT__VERDICT_CONFIRMED;
    answer.conclusion = VOUCH__V1__CONCLUSION__CONCLUSION_YES;
    answer.n_reasons = 1;
    answer.reasons = reasons;
    answer.status = &status;
    answer.as_of = &day;
    answer.credential_type_id = type;
    answer.answered_at_us = FIXTURE_NOW_US - 7;
    answer.utc_offset_minutes = -360;
    must(message_pack(&answer.base, out) == E_OK);
}

static void
make_question(struct buf *out)
{
    Vouch__V1__Question question = VOUCH__V1__QUESTION__INIT;
    Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
    Vouch__V1__HumanName name = VOUCH__V1__HUMAN_NAME__INIT;
    char number[] = "10482", family[] = FIXTURE_FAMILY;
    char asker[] = "spiffe://example.org/employer/acme";

    name.family = family;
    claim.name = &name;
    claim.number = number;
    question.claim = &claim;
    question.asker = asker;
    must(message_pack(&question.base, out) == E_OK);
}

void
receipt_fixture_make(struct receipt_fixture *f, size_t leaves, size_t index)
{
    must(leaves <= FIXTURE_LEAVES_MAX);
    memset(f, 0, sizeof(*f));
    buf_init(&f->answer, PART_MAX);
    buf_init(&f->question, PART_MAX);
    buf_init(&f->batch_bytes, PART_MAX);
    make_answer(&f->answer);
    make_question(&f->question);
    memcpy(f->salts[0], "salt of question", RECEIPT_SALT);
    memcpy(f->salts[1], "and of an answer", RECEIPT_SALT);
    f->leaves = leaves;
    f->index = index;
    f->key = FIXTURE_ACTIVE;
}

/* SHA-256 of ${n} slices, one behind the other. */
static void
hash_of(const struct slice *parts, size_t n, struct merkle_hash *hash)
{
    struct buf all;

    buf_init(&all, 2 * PART_MAX);
    for (size_t i = 0; i < n; i++)
        must(buf_add(&all, parts[i]) == E_OK);
    must(SHA256(all.p, all.n, hash->bytes) != NULL);
    buf_free(&all);
}

static void
make_leaf(struct receipt_fixture *f, struct merkle_hash *leaf)
{
    static const uint8_t nul = 0;
    const struct slice q = {f->commitments[0].bytes, MERKLE_HASH};
    const struct slice a = {f->commitments[1].bytes, MERKLE_HASH};
    const struct slice zero = {&nul, 1};

    hash_of((struct slice[]){slice_of("vouch/question/v1"), zero,
        {f->salts[0], RECEIPT_SALT}, buf_slice(&f->question)}, 4,
        &f->commitments[0]);
    hash_of((struct slice[]){slice_of("vouch/answer/v1"), zero,
        {f->salts[1], RECEIPT_SALT}, q, buf_slice(&f->answer)}, 5,
        &f->commitments[1]);
    hash_of((struct slice[]){zero, q, a}, 3, leaf);
}

void
receipt_fixture_seal(struct receipt_fixture *f)
{
    static char domain[] = "vouch/seal/v1", origin[] = FIXTURE_ORIGIN;
    const struct merkle_hash *path[MERKLE_PATH_MAX];
    size_t n;

    for (size_t i = 0; i < f->leaves; i++)
        merkle_leaf((struct slice){(const uint8_t *)&i, sizeof(i)},
            &f->nodes[i]);
    make_leaf(f, &f->nodes[f->index]);
    memcpy(f->root, merkle_build(f->nodes, f->leaves)->bytes, MERKLE_HASH);
    n = merkle_path(f->nodes, f->leaves, f->index, path);
    for (size_t i = 0; i < n; i++)
        f->path[i] = data_of((struct slice){path[i]->bytes, MERKLE_HASH});

    vouch__v1__seal__init(&f->seal);
    f->seal.index = (uint32_t)f->index;
    f->seal.n_path = n;
    f->seal.path = f->path;

    trust_fixture_key(f->key, &f->signer);
    memset(f->log_root, 0x10, sizeof(f->log_root));
    vouch__v1__seal_batch__init(&f->batch);
    f->batch.domain = domain;
    f->batch.log_origin = origin;
    f->batch.key_id = data_of((struct slice){f->signer.id, ED25519_KEY_ID});
    f->batch.sealed_at_us = FIXTURE_NOW_US;
    f->batch.leaf_count = (uint32_t)f->leaves;
    f->batch.root = data_of((struct slice){f->root, MERKLE_HASH});
    f->batch.checkpoint_size = 17;
    f->batch.checkpoint_root = data_of((struct slice){f->log_root,
        MERKLE_HASH});
}

void
receipt_fixture_sign(struct receipt_fixture *f)
{
    f->batch_bytes.n = 0;
    must(message_pack(&f->batch.base, &f->batch_bytes) == E_OK);
    trust_fixture_sign(f->key, buf_slice(&f->batch_bytes), f->signature);
    f->seal.batch = data_of(buf_slice(&f->batch_bytes));
    f->seal.signature = data_of((struct slice){f->signature,
        ED25519_SIGNATURE});
    f->seal.question_salt = data_of((struct slice){f->salts[0],
        RECEIPT_SALT});
    f->seal.answer_salt = data_of((struct slice){f->salts[1], RECEIPT_SALT});
    vouch__v1__receipt__init(&f->receipt);
    f->receipt.seal = &f->seal;
    f->receipt.answer = data_of(buf_slice(&f->answer));
    f->receipt.question = data_of(buf_slice(&f->question));
}

void
receipt_fixture_pack(const struct receipt_fixture *f, struct buf *out)
{
    must(message_pack(&f->receipt.base, out) == E_OK);
}

void
receipt_fixture_write(size_t leaves, size_t index, struct buf *out)
{
    static struct receipt_fixture f;

    receipt_fixture_make(&f, leaves, index);
    receipt_fixture_seal(&f);
    receipt_fixture_sign(&f);
    receipt_fixture_pack(&f, out);
    receipt_fixture_free(&f);
}

void
receipt_fixture_free(struct receipt_fixture *f)
{
    buf_free(&f->answer);
    buf_free(&f->question);
    buf_free(&f->batch_bytes);
}
