/*
 * The head of the log, as a store keeps it with its entries, whatever makes
 * it; and the making, as the service does it.  What it should be is computed
 * from all leaves, by the definition in RFC 6962.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/merkle.h"
#include "proto/sha256.h"
#include "service/log_tree.h"
#include "store/store.h"
#include "support/store_fixture.h"

#define LEAVES_MAX 20000
#define JOBS_MAX 8

/* What every log of these tests begins with. */
static uint8_t leaves[LEAVES_MAX][LEAF_DATA];

static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8);
}

static int
make_leaves(void **state)
{
    uint32_t seed = 1;

    (void)state;
    for (size_t i = 0; i < LEAVES_MAX; i++)
        for (size_t k = 0; k < LEAF_DATA; k++)
            leaves[i][k] = (uint8_t)next_random(&seed);
    return (0);
}

/* MTH() of section 2.1, word for word. */
static void
naive_root(size_t from, size_t n, uint8_t root[STORE_ROOT])
{
    static const uint8_t leaf = 0, node = 1;
    uint8_t left[STORE_ROOT], right[STORE_ROOT];
    struct sha256 hash;
    size_t k = 1;

    sha256_begin(&hash);
    if (n == 1) {
        sha256_add(&hash, &leaf, 1);
        sha256_add(&hash, leaves[from], LEAF_DATA);
    } else if (n > 1) {
        while (2 * k < n)
            k *= 2;
        naive_root(from, k, left);
        naive_root(from + k, n - k, right);
        sha256_add(&hash, &node, 1);
        sha256_add(&hash, left, sizeof(left));
        sha256_add(&hash, right, sizeof(right));
    }
    sha256_end(&hash, root);
}

static void
assert_head(const struct store_head *head, int64_t size)
{
    uint8_t root[STORE_ROOT];

    assert_int_equal(head->size, size);
    naive_root(0, (size_t)size, root);
    assert_memory_equal(head->root, root, sizeof(root));
}

/* ---- how the service makes it ------------------------------------------ */

static void
a_tree_grows_by_any_steps_to_the_same_root(void **state)
{
    struct store_tree tree;
    uint32_t seed = 2;
    size_t n;

    (void)state;
    for (int round = 0; round < 200; round++) {
        memset(&tree, 0, sizeof(tree));
        assert_int_equal(log_tree_grow(&tree, (struct slice){NULL, 0}), E_OK);
        assert_head(&tree.head, 0);
        for (int step = 0; step < 4; step++) {
            n = next_random(&seed) % (round < 100 ? 5 : 700);
            assert_int_equal(log_tree_grow(&tree, (struct slice){
                leaves[tree.head.size], n * LEAF_DATA}), E_OK);
        }
        assert_head(&tree.head, tree.head.size);
    }
}

static void
a_tree_that_nobody_made_does_not_grow(void **state)
{
    struct store_tree good = {.nfrontier = 0}, bad;

    (void)state;
    assert_int_equal(log_tree_grow(&good, (struct slice){leaves[0],
        7 * LEAF_DATA}), E_OK);
    assert_int_equal(good.nfrontier, 3 * STORE_ROOT);
    for (int i = 0; i < 5; i++) {
        bad = good;
        if (i < 2)
            bad.nfrontier = i == 0 ? 0 : good.nfrontier - 1;
        else if (i < 4)
            bad.head.size = i == 2 ? 8 : -1;
        assert_int_equal(log_tree_grow(&bad, (struct slice){leaves[7],
            LEAF_DATA - (i == 4)}), E_CORRUPT);
    }
    bad = good;
    assert_int_equal(log_tree_grow(&bad, (struct slice){leaves[7],
        LEAF_DATA}), E_OK);
    assert_head(&bad.head, 8);
}

/* ---- how a store keeps it ---------------------------------------------- */

static struct store_head
read_head(struct fixture *f)
{
    struct store_head head = {.size = -1};

    assert_int_equal(store_reader_begin(f->reader), E_OK);
    assert_int_equal(store_reader_head(f->reader, &head), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1").log_size,
        head.size);
    store_reader_end(f->reader);
    return (head);
}

/* A job that appends some leaves, perhaps some in vain before, and its end. */
struct growing {
    struct store_job job;
    size_t n, in_vain;
    enum err want, outcome;
};

static enum err
append_leaves(struct store_txn *txn, size_t n)
{
    struct store_entry entry = {.domain = LEAF_MANIFEST,
        .recorded_at_us = store_txn_now(txn), .bytes = slice_of("x")};
    enum err err;

    while (n-- > 0) {
        entry.log_index = store_txn_next_index(txn);
        assert_in_range(entry.log_index, 0, LEAVES_MAX - 1);
        memcpy(entry.leaf, leaves[entry.log_index], sizeof(entry.leaf));
        if ((err = store_txn_append(txn, &entry)) != E_OK)
            return (err);
    }
    return (E_OK);
}

static enum err
run_growing(struct store_txn *txn, void *cookie)
{
    struct growing *g = cookie;
    enum err err;

    if (g->in_vain > 0) {
        if ((err = append_leaves(txn, g->in_vain)) != E_OK ||
            (err = store_txn_restart(txn)) != E_OK)
            return (err);
    }
    err = append_leaves(txn, g->n);
    return (err != E_OK ? err : g->want);
}

static void
note_growing(void *cookie, enum err err)
{
    ((struct growing *)cookie)->outcome = err;
}

static enum err
grow_by(struct fixture *f, size_t n, enum err want)
{
    struct growing g = {.n = n, .want = want};

    return (fixture_do(f, run_growing, &g));
}

static void
an_empty_log_has_a_head(void **state)
{
    struct fixture *f = *state;
    struct store_head head = read_head(f);

    assert_head(&head, 0);
    fixture_close(f);
    fixture_open(f);
    head = read_head(f);
    assert_head(&head, 0);
}

/* Several jobs in a commit; of each seven, one begins again, and one fails. */
static int64_t
run_round(struct fixture *f, uint32_t *seed)
{
    struct growing jobs[JOBS_MAX];
    size_t njobs = 1 + next_random(seed) % JOBS_MAX;
    int64_t grown = 0;

    for (size_t i = 0; i < njobs; i++) {
        struct growing *g = &jobs[i];

        *g = (struct growing){.job = {.run = run_growing,
            .done = note_growing, .cookie = g, .post = fixture_post(f)}};
        g->n = next_random(seed) % (next_random(seed) % 8 == 0 ? 1100 : 4);
        if (next_random(seed) % 7 == 0)
            g->in_vain = next_random(seed) % 600;
        g->want = next_random(seed) % 7 == 0 ? E_DENIED : E_OK;
        g->outcome = E_COUNT;
        store_submit(f->store, &g->job);
    }
    for (size_t i = 0; i < njobs; i++)
        fixture_run(f);
    for (size_t i = 0; i < njobs; i++) {
        assert_int_equal(jobs[i].outcome, jobs[i].want);
        grown += jobs[i].want == E_OK ? (int64_t)jobs[i].n : 0;
    }
    return (grown);
}

static void
the_head_is_that_of_all_entries(void **state)
{
    struct fixture *f = *state;
    struct store_head head;
    uint32_t seed = 3;
    int64_t size = 0;

    for (int round = 0; size < LEAVES_MAX - JOBS_MAX * 1700; round++) {
        size += run_round(f, &seed);
        head = read_head(f);
        assert_head(&head, size);
        if (round % 8 == 0) {
            fixture_close(f);
            fixture_open(f);
        }
    }
    assert_true(size > 5000);
}

static void
a_job_that_fails_leaves_the_head_alone(void **state)
{
    struct fixture *f = *state;
    struct store_head head;

    assert_int_equal(grow_by(f, 5, E_OK), E_OK);
    assert_int_equal(grow_by(f, 1300, E_DENIED), E_DENIED);
    head = read_head(f);
    assert_head(&head, 5);
    assert_int_equal(grow_by(f, 0, E_OK), E_OK);
    head = read_head(f);
    assert_head(&head, 5);
    assert_int_equal(grow_by(f, 512, E_OK), E_OK);
    head = read_head(f);
    assert_head(&head, 517);
}

static void
a_view_has_the_head_of_its_own_time(void **state)
{
    struct fixture *f = *state;
    struct store_head head;

    assert_int_equal(grow_by(f, 3, E_OK), E_OK);
    assert_int_equal(store_reader_begin(f->reader), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1").log_size, 3);
    assert_int_equal(grow_by(f, 4, E_OK), E_OK);
    assert_int_equal(store_reader_head(f->reader, &head), E_OK);
    assert_head(&head, 3);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1").log_size, 3);
    store_reader_end(f->reader);
    head = read_head(f);
    assert_head(&head, 7);

    /* In no view, it is the one that there is. */
    assert_int_equal(grow_by(f, 1, E_OK), E_OK);
    assert_int_equal(store_reader_head(f->reader, &head), E_OK);
    assert_head(&head, 8);
}

static void
the_head_is_read_once_between_two_commits(void **state)
{
    struct fixture *f = *state;
    struct store_head head;
    uint64_t before;

    assert_int_equal(grow_by(f, 3, E_OK), E_OK);
    (void)read_head(f);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(store_reader_begin(f->reader), E_OK);
        before = store_statements(f->reader);
        assert_int_equal(store_reader_head(f->reader, &head), E_OK);
        assert_int_equal(store_reader_head(f->reader, &head), E_OK);
        assert_int_equal(store_statements(f->reader) - before, round == 2);
        store_reader_end(f->reader);
        if (round == 1)
            assert_int_equal(grow_by(f, 1, E_OK), E_OK);
    }
    assert_head(&head, 4);
}

static enum err
derive(struct store_txn *txn, void *cookie)
{
    enum err err;

    /* What the job itself has appended counts. */
    if ((err = append_leaves(txn, 700)) != E_OK)
        return (err);
    return (store_txn_derive_head(txn, cookie));
}

static void
the_head_can_be_made_from_the_entries(void **state)
{
    struct fixture *f = *state;
    struct store_head head;
    int differs = 1;

    assert_int_equal(grow_by(f, 1100, E_OK), E_OK);
    assert_int_equal(fixture_do(f, derive, &differs), E_OK);
    assert_false(differs);
    head = read_head(f);
    assert_head(&head, 1800);
    assert_int_equal(grow_by(f, 1, E_OK), E_OK);
    head = read_head(f);
    assert_head(&head, 1801);
}

static enum err
fail_to_grow(struct store_tree *tree, struct slice grown)
{
    return (grown.n == 0 ? fixture_grow(tree, grown) : E_CORRUPT);
}

static void
what_has_no_head_is_not_kept(void **state)
{
    struct fixture *f = *state;
    struct store_options options = {.dsn = f->dsn, .group_max = 1,
        .create = 1, .migrate = 1};
    struct growing g = {.n = 3};
    struct store_head head;
    char why[256];

    fixture_close(f);
    assert_int_equal(store_open(&options, &f->store, why, sizeof(why)),
        E_INVAL);
    assert_non_null(strstr(why, "head"));
    options.grow = fail_to_grow;
    assert_int_equal(store_open(&options, &f->store, why, sizeof(why)), E_OK);
    assert_int_equal(store_reader_open(f->store, &f->reader), E_OK);
    assert_int_equal(fixture_do(f, run_growing, &g), E_CORRUPT);
    g.n = 600;
    assert_int_equal(fixture_do(f, run_growing, &g), E_CORRUPT);
    head = read_head(f);
    assert_head(&head, 0);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1").log_size, 0);
    fixture_close(f);
    fixture_open(f);
}

#define ON(test)                                                        \
    {#test, test, fixture_set_up, fixture_tear_down,                    \
        (void *)(uintptr_t)&store_kind_sqlite}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_grows_by_any_steps_to_the_same_root),
        cmocka_unit_test(a_tree_that_nobody_made_does_not_grow),
        ON(an_empty_log_has_a_head),
        ON(the_head_is_that_of_all_entries),
        ON(a_job_that_fails_leaves_the_head_alone),
        ON(a_view_has_the_head_of_its_own_time),
        ON(the_head_is_read_once_between_two_commits),
        ON(the_head_can_be_made_from_the_entries),
        ON(what_has_no_head_is_not_kept),
    };

    return (cmocka_run_group_tests_name("log_head", tests, make_leaves,
        NULL));
}
