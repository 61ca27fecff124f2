#include "seal/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/message.h"
#include "proto/receipt.h"
#include "support/fault.h"
#include "support/seal_rig.h"

#define NOW_US INT64_C(1795348800000000)
#define MOST 600

/* A canonical question and answer; which one the first byte of each says. */
struct asked {
    struct batch_item item;
    uint8_t question[8], answer[8];
    int n;                      /* how often it was done */
    enum err err;
    uint8_t receipt[2048];
    size_t size;
};

static char dir[] = "/tmp/vouch-batch-XXXXXX";
static struct seal_keys *keys;
static struct trust *trust;
static struct batcher *batcher;
static struct asked asked[MOST];
static struct batch_checkpoint checkpoint = {.size = 77};

static void
read_trust(void)
{
    char path[64], text[8192], why[256];
    size_t n;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/trust.json", dir);
    assert_non_null(f = fopen(path, "r"));
    n = fread(text, 1, sizeof(text), f);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(trust_read((struct slice){(const uint8_t *)text, n},
        &trust, why, sizeof(why)), E_OK);
}

static int
set_up(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return (-1);
    (void)seal_rig_make(dir);
    keys = seal_rig_open(dir);
    read_trust();
    memset(&checkpoint.root, 0x5a, sizeof(checkpoint.root));
    return (batcher_create(keys, &batcher) != E_OK);
}

static int
tear_down(void **state)
{
    (void)state;
    batcher_free(batcher);
    seal_keys_free(keys);
    trust_free(trust);
    seal_rig_remove(dir);
    return (rmdir(dir));
}

static size_t
put_field(uint8_t *out, uint32_t number, struct slice bytes)
{
    size_t n = 0;

    out[n++] = (uint8_t)(number << 3 | 2);
    if (bytes.n >= 0x80)
        out[n++] = (uint8_t)(bytes.n | 0x80);
    out[n++] = (uint8_t)(bytes.n >= 0x80 ? bytes.n >> 7 : bytes.n);
    memcpy(out + n, bytes.p, bytes.n);
    return (n + bytes.n);
}

static void
done(struct batch_item *item, enum err err, struct slice seal)
{
    struct asked *a = (struct asked *)item;

    a->n++;
    a->err = err;
    a->size = 0;
    if (err != E_OK) {
        assert_int_equal(seal.n, 0);
        return;
    }
    assert_true(seal.n <= batcher_seal_max(batcher));
    a->size = put_field(a->receipt, 1, item->answer);
    a->size += put_field(a->receipt + a->size, 2, item->question);
    a->size += put_field(a->receipt + a->size, 3, seal);
}

/* Answer {verdict, log_size}, question {request_id}. */
static void
ask(size_t i)
{
    struct asked *a = &asked[i];

    *a = (struct asked){.item.done = done,
        .answer = {0x08, 0x06, 0xa0, 0x01, (uint8_t)(i % 127 + 1)},
        .question = {0x1a, 0x02, (uint8_t)('a' + i % 26),
            (uint8_t)('a' + i / 26)}};
    a->item.answer = (struct slice){a->answer, 5};
    a->item.question = (struct slice){a->question, 4};
    batcher_add(batcher, &a->item);
}

static void
check(size_t i, size_t leaves, struct slice signature_of)
{
    const struct asked *a = &asked[i];
    struct arena *arena = NULL;
    struct receipt receipt;
    char why[256];

    assert_int_equal(a->n, 1);
    assert_int_equal(a->err, E_OK);
    assert_int_equal(arena_create(65536, &arena), E_OK);
    assert_int_equal(receipt_read((struct slice){a->receipt, a->size}, arena,
        &receipt, why, sizeof(why)), E_OK);
    assert_int_equal(receipt_verify(&receipt, trust, NOW_US, why,
        sizeof(why)), RECEIPT_VERIFIED);
    assert_int_equal(receipt.batch->leaf_count, leaves);
    assert_int_equal(receipt.batch->sealed_at_us, NOW_US);
    assert_int_equal(receipt.batch->checkpoint_size, 77);
    assert_memory_equal(receipt.batch->checkpoint_root.data,
        checkpoint.root.bytes, MERKLE_HASH);
    assert_true(slice_equal(receipt.answer_bytes, a->item.answer));
    assert_true(slice_equal(receipt.question_bytes, a->item.question));
    if (signature_of.n > 0)
        assert_memory_equal(receipt.seal->signature.data, signature_of.p,
            ED25519_SIGNATURE);
    arena_free(arena);
}

static void
flush(void)
{
    batcher_flush(batcher, &checkpoint, NOW_US);
}

static void
every_number_of_answers_is_sealed(void **state)
{
    static const size_t counts[] = {1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 100, 255,
        256};

    (void)state;
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        assert_false(batcher_waits(batcher));
        for (size_t i = 0; i < counts[c]; i++)
            ask(i);
        assert_true(batcher_waits(batcher));
        flush();
        assert_false(batcher_waits(batcher));
        for (size_t i = 0; i < counts[c]; i++)
            check(i, counts[c], (struct slice){asked[0].receipt +
                asked[0].size - ED25519_SIGNATURE, ED25519_SIGNATURE});
    }
}

static void
above_256_there_is_more_than_one_batch(void **state)
{
    (void)state;
    for (size_t i = 0; i < MOST; i++)
        ask(i);
    flush();
    for (size_t i = 0; i < MOST; i++)
        check(i, i < 512 ? 256 : MOST - 512, (struct slice){NULL, 0});
}

static void
salts_are_new_each_time(void **state)
{
    uint8_t before[2][BATCH_SALT];

    (void)state;
    ask(0);
    flush();
    memcpy(before, asked[0].item.salts, sizeof(before));
    assert_memory_not_equal(before[0], before[1], BATCH_SALT);
    ask(0);
    flush();
    assert_memory_not_equal(before[0], asked[0].item.salts[0], BATCH_SALT);
    assert_memory_not_equal(before[1], asked[0].item.salts[1], BATCH_SALT);
}

static void
who_is_gone_is_not_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++)
        ask(i);
    batcher_remove(batcher, &asked[0].item);
    batcher_remove(batcher, &asked[3].item);
    flush();
    assert_int_equal(asked[0].n, 0);
    assert_int_equal(asked[3].n, 0);
    check(1, 3, (struct slice){NULL, 0});
    check(2, 3, (struct slice){NULL, 0});
    check(4, 3, (struct slice){NULL, 0});
}

/* The first that is done takes away the second and asks anew. */
static void
done_and_more(struct batch_item *item, enum err err, struct slice seal)
{
    done(item, err, seal);
    batcher_remove(batcher, &asked[1].item);
    ask(3);
}

static void
more_may_be_asked_meanwhile(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        ask(i);
    asked[0].item.done = done_and_more;
    flush();
    check(0, 3, (struct slice){NULL, 0});
    assert_int_equal(asked[1].n, 0);
    check(2, 3, (struct slice){NULL, 0});
    assert_int_equal(asked[3].n, 0);
    assert_true(batcher_waits(batcher));
    flush();
    check(3, 1, (struct slice){NULL, 0});
}

static void
out_of_its_time_a_key_seals_nothing(void **state)
{
    static const int64_t times[] = {INT64_C(946684799999999),
        INT64_C(4102444800000000)};     /* before 2000, and 2100 */

    (void)state;
    for (size_t t = 0; t < 2; t++) {
        ask(0);
        ask(1);
        batcher_flush(batcher, &checkpoint, times[t]);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(asked[i].n, 1);
            assert_int_equal(asked[i].err, E_DENIED);
        }
    }
}

static void
without_memory_each_is_told(void **state)
{
    struct batcher *old = batcher;

    (void)state;
    /* A fresh one, which has no batch to use again. */
    assert_int_equal(batcher_create(keys, &batcher), E_OK);
    ask(0);
    ask(1);
    fault_arm(0);
    flush();
    fault_arm(-1);
    assert_int_equal(asked[0].n, 1);
    assert_int_equal(asked[0].err, E_NOMEM);
    assert_int_equal(asked[1].n, 1);
    batcher_free(batcher);
    batcher = old;
    fault_arm(0);
    assert_int_equal(batcher_create(keys, &batcher), E_NOMEM);
    fault_arm(-1);
    assert_null(batcher);
    batcher = old;
}

/* By hand and by the codec: the same bytes. */
static void
a_seal_is_what_the_codec_writes(void **state)
{
    struct arena *arena = NULL;
    struct receipt receipt;
    struct buf out;
    char why[256];

    (void)state;
    for (size_t i = 0; i < 6; i++)
        ask(i);
    flush();
    assert_int_equal(arena_create(65536, &arena), E_OK);
    for (size_t i = 0; i < 6; i++) {
        const struct asked *a = &asked[i];

        assert_int_equal(receipt_read((struct slice){a->receipt, a->size},
            arena, &receipt, why, sizeof(why)), E_OK);
        buf_init(&out, 4096);
        assert_int_equal(message_pack(&receipt.seal->base, &out), E_OK);
        assert_true(out.n < a->size);
        assert_memory_equal(out.p, a->receipt + a->size - out.n, out.n);
        buf_drop(&out, out.n);
        assert_int_equal(message_pack(&receipt.batch->base, &out), E_OK);
        assert_int_equal(out.n, receipt.seal->batch.len);
        assert_memory_equal(out.p, receipt.seal->batch.data, out.n);
        buf_free(&out);
    }
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_answers_is_sealed),
        cmocka_unit_test(above_256_there_is_more_than_one_batch),
        cmocka_unit_test(salts_are_new_each_time),
        cmocka_unit_test(who_is_gone_is_not_told),
        cmocka_unit_test(more_may_be_asked_meanwhile),
        cmocka_unit_test(out_of_its_time_a_key_seals_nothing),
        cmocka_unit_test(without_memory_each_is_told),
        cmocka_unit_test(a_seal_is_what_the_codec_writes),
    };

    return (cmocka_run_group_tests_name("batch", tests, set_up, tear_down));
}
