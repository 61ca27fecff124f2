/*
 * A receipt in its bytes.  What is taken is canonical, and redacts to what has
 * the same id; no key has signed it.  What is refused only because its path
 * leads to another root, or that much is taken, is mended and signed here, and
 * is then taken and verified.
 */

#include "fuzz.h"

#include "proto/message.h"
#include "proto/receipt.h"
#include "support/trust_fixture.h"

#define RECEIPT &vouch__v1__receipt__descriptor
#define BATCH &vouch__v1__seal_batch__descriptor

static const struct message_limits limits = {
    .depth = 2, .elements = MERKLE_PATH_MAX, .fields = 1000,
};

static struct arena *arena;
static struct trust *trust;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct trust_content content;
    struct buf file;
    char why[256];

    (void)argc, (void)argv;
    FUZZ_CHECK(arena_create((size_t)4 << 20, &arena) == E_OK);
    trust_fixture_content(&content);
    buf_init(&file, TRUST_BYTES_MAX);
    trust_fixture_write(&content, &file);
    FUZZ_CHECK(trust_read(buf_slice(&file), &trust, why, sizeof(why)) ==
        E_OK);
    buf_free(&file);
    return (0);
}

static enum err
read_receipt(struct slice bytes, struct receipt *receipt)
{
    struct slice own = fuzz_own(bytes);
    char why[256] = "";
    enum err err = receipt_read(own, arena, receipt, why, sizeof(why));

    fuzz_disown(own);
    FUZZ_CHECK(err == E_OK || err == E_INVAL || err == E_CORRUPT ||
        err == E_TOOBIG);
    FUZZ_CHECK((err == E_OK) == (why[0] == '\0'));
    FUZZ_CHECK(fuzz_is_text(why, sizeof(why)));
    return (err);
}

/* What is left of ${receipt} without ${parts} is a receipt of that id. */
static void
redact(const struct receipt *receipt, unsigned parts, struct slice bytes)
{
    struct receipt left;
    struct buf out, again;

    buf_init(&out, RECEIPT_BYTES_MAX);
    buf_init(&again, RECEIPT_BYTES_MAX);
    FUZZ_CHECK(receipt_redact(receipt, parts, &out) == E_OK);
    if (parts == 0)
        FUZZ_CHECK(slice_equal(buf_slice(&out), bytes));
    FUZZ_CHECK(read_receipt(buf_slice(&out), &left) == E_OK);
    FUZZ_CHECK(memcmp(&left.id, &receipt->id, sizeof(left.id)) == 0);
    FUZZ_CHECK((parts & RECEIPT_ANSWER) == 0 || left.answer == NULL);
    FUZZ_CHECK((parts & RECEIPT_QUESTION) == 0 || left.question == NULL);
    FUZZ_CHECK(receipt_redact(&left, parts, &again) == E_OK);
    FUZZ_CHECK(slice_equal(buf_slice(&out), buf_slice(&again)));
    buf_free(&out);
    buf_free(&again);
}

static void
check_read(const struct receipt *receipt, struct slice bytes)
{
    FUZZ_CHECK(message_is_canonical(RECEIPT, bytes));
    FUZZ_CHECK((receipt->answer == NULL) == (receipt->answer_bytes.n == 0));
    FUZZ_CHECK((receipt->question == NULL) ==
        (receipt->question_bytes.n == 0));
    FUZZ_CHECK(receipt->batch->leaf_count <= RECEIPT_BATCH_MAX);
    FUZZ_CHECK(receipt->seal->index < receipt->batch->leaf_count);
    for (unsigned parts = 0; parts <= 3; parts++)
        redact(receipt, parts, bytes);
}

static ProtobufCMessage *
decode(const ProtobufCMessageDescriptor *type, struct slice bytes)
{
    struct message_fault fault;
    ProtobufCMessage *message;

    FUZZ_CHECK(message_decode(type, bytes, &limits, arena, &message,
        &fault) == E_OK);
    return (message);
}

static struct slice
of(const ProtobufCBinaryData *data)
{
    return ((struct slice){data->data, data->len});
}

/* The root that the path leads to from this receipt's leaf. */
static void
find_root(const Vouch__V1__Receipt *r, uint32_t leaves,
    struct merkle_hash *root)
{
    struct merkle_hash q, a, leaf, path[MERKLE_PATH_MAX];

    if (r->question.len > 0)
        receipt_commit_question(r->seal->question_salt.data,
            of(&r->question), &q);
    else
        memcpy(q.bytes, r->question_commitment.data, sizeof(q));
    if (r->answer.len > 0)
        receipt_commit_answer(r->seal->answer_salt.data, &q, of(&r->answer),
            &a);
    else
        memcpy(a.bytes, r->answer_commitment.data, sizeof(a));
    receipt_leaf(&q, &a, &leaf);
    for (size_t i = 0; i < r->seal->n_path; i++)
        memcpy(path[i].bytes, r->seal->path[i].data, MERKLE_HASH);
    FUZZ_CHECK(merkle_climb(&leaf, r->seal->index, leaves, path,
        r->seal->n_path, root) == E_OK);
}

/* ${bytes} are well-formed: put right what only hashes and keys are about. */
static void
mend(struct slice bytes, struct buf *out)
{
    Vouch__V1__Receipt *r = (Vouch__V1__Receipt *)decode(RECEIPT, bytes);
    Vouch__V1__SealBatch *batch = (Vouch__V1__SealBatch *)decode(BATCH,
        of(&r->seal->batch));
    struct trust_fixture_key key;
    struct merkle_hash root;
    struct buf packed;

    trust_fixture_key(FIXTURE_ACTIVE, &key);
    find_root(r, batch->leaf_count, &root);
    batch->root.data = root.bytes;
    batch->key_id.data = key.id;
    buf_init(&packed, RECEIPT_BYTES_MAX);
    FUZZ_CHECK(message_pack(&batch->base, &packed) == E_OK);
    r->seal->batch = (ProtobufCBinaryData){packed.n, packed.p};
    trust_fixture_sign(FIXTURE_ACTIVE, buf_slice(&packed),
        r->seal->signature.data);
    FUZZ_CHECK(message_pack(&r->base, out) == E_OK);
    buf_free(&packed);
}

static void
check_mended(struct slice bytes)
{
    struct receipt receipt;
    enum receipt_state state;
    char why[256];
    int fits;

    FUZZ_CHECK(read_receipt(bytes, &receipt) == E_OK);
    check_read(&receipt, bytes);
    fits = strcmp(receipt.batch->log_origin, FIXTURE_ORIGIN) == 0 &&
        receipt.batch->sealed_at_us >= FIXTURE_FROM_US &&
        receipt.batch->sealed_at_us < FIXTURE_UNTIL_US;
    state = receipt_verify(&receipt, trust, FIXTURE_NOW_US, why, sizeof(why));
    FUZZ_CHECK(state == (fits ? RECEIPT_VERIFIED : RECEIPT_KEY_NOT_VALID));
    state = receipt_verify(&receipt, trust, INT64_MAX, why, sizeof(why));
    FUZZ_CHECK(state == (fits ? RECEIPT_TRUST_TOO_OLD :
        RECEIPT_KEY_NOT_VALID));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {data, size};
    struct receipt receipt;
    struct buf mended;
    char why[256] = "";
    enum err err;

    arena_reset(arena);
    err = read_receipt(bytes, &receipt);
    if (err == E_OK) {
        FUZZ_CHECK(receipt_verify(&receipt, trust, FIXTURE_NOW_US, why,
            sizeof(why)) != RECEIPT_VERIFIED && why[0] != '\0');
        check_read(&receipt, bytes);
    } else if (err != E_CORRUPT) {
        return (0);
    }
    buf_init(&mended, RECEIPT_BYTES_MAX);
    mend(bytes, &mended);
    check_mended(buf_slice(&mended));
    buf_free(&mended);
    return (0);
}
