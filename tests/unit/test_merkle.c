#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/merkle.h"
#include "support/fault.h"

#define ALL_MAX 300         /* leaves of which every path is tried */
#define FRONTIER_MAX 600

/*
 * The leaves, roots and audit paths of Certificate Transparency's own tests
 * (github.com/google/certificate-transparency, python/ct/crypto/merkle_test.py
 * and cpp/merkletree/merkle_tree_test.cc).
 */
static const char *const reference_leaves[] = {
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};

static const char *const reference_roots[] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static const struct {
    size_t index, n, npath;
    const char *path[3];
} reference_paths[] = {
    {0, 1, 0, {NULL}},
    {0, 8, 3, {
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"}},
    {5, 8, 3, {
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"}},
    {2, 3, 1, {
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"}},
    {1, 5, 3, {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"}},
};

static const char *const reference_empty =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void
assert_hash(const struct merkle_hash *hash, const char *hex)
{
    uint8_t want[MERKLE_HASH];

    assert_int_equal(bytes_from_hex(hex, want, sizeof(want)), E_OK);
    assert_memory_equal(hash->bytes, want, sizeof(want));
}

/* Some leaves; all differ. */
static void
make_leaves(struct merkle_hash *leaves, size_t n)
{
    for (size_t i = 0; i < n; i++)
        merkle_leaf((struct slice){(const uint8_t *)&i, sizeof(i)},
            &leaves[i]);
}

static void
reference_nodes(struct merkle_hash *nodes, size_t n)
{
    uint8_t bytes[16];

    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(reference_leaves[i]) / 2;

        assert_int_equal(bytes_from_hex(reference_leaves[i], bytes, size),
            E_OK);
        merkle_leaf((struct slice){bytes, size}, &nodes[i]);
    }
}

/* The largest power of two below ${n}, which is 2 at least. */
static size_t
split(size_t n)
{
    size_t k = 1;

    while (2 * k < n)
        k *= 2;
    return (k);
}

/* MTH of RFC 6962, section 2.1, word by word; ends as ${n} is halved. */
static struct merkle_hash
literal_root(const struct merkle_hash *leaves, size_t n)
{
    struct merkle_hash left, right, root;
    size_t k;

    if (n == 1)
        return (leaves[0]);
    k = split(n);
    left = literal_root(leaves, k);
    right = literal_root(leaves + k, n - k);
    merkle_node(&left, &right, &root);
    return (root);
}

/* PATH of section 2.1.1, likewise. */
static size_t
literal_path(const struct merkle_hash *leaves, size_t n, size_t m,
    struct merkle_hash *path)
{
    size_t k, npath;

    if (n == 1)
        return (0);
    k = split(n);
    if (m < k) {
        npath = literal_path(leaves, k, m, path);
        path[npath] = literal_root(leaves + k, n - k);
    } else {
        npath = literal_path(leaves + k, n - k, m - k, path);
        path[npath] = literal_root(leaves, k);
    }
    return (npath + 1);
}

static void
roots_are_those_of_certificate_transparency(void **state)
{
    struct merkle_hash nodes[MERKLE_NODES_MAX(8)], root;
    struct merkle_frontier frontier = {0};

    (void)state;
    merkle_frontier_root(&frontier, &root);
    assert_hash(&root, reference_empty);
    for (size_t n = 1; n <= 8; n++) {
        reference_nodes(nodes, n);
        merkle_frontier_add(&frontier, &nodes[n - 1]);
        merkle_frontier_root(&frontier, &root);
        assert_hash(&root, reference_roots[n - 1]);
        assert_hash(merkle_build(nodes, n), reference_roots[n - 1]);
    }
}

static void
paths_are_those_of_certificate_transparency(void **state)
{
    struct merkle_hash nodes[MERKLE_NODES_MAX(8)];
    const struct merkle_hash *path[MERKLE_PATH_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(reference_paths) /
        sizeof(reference_paths[0]); i++) {
        reference_nodes(nodes, reference_paths[i].n);
        (void)merkle_build(nodes, reference_paths[i].n);
        assert_int_equal(merkle_path(nodes, reference_paths[i].n,
            reference_paths[i].index, path), reference_paths[i].npath);
        for (size_t j = 0; j < reference_paths[i].npath; j++)
            assert_hash(path[j], reference_paths[i].path[j]);
    }
}

/* Wrong in every way that has to do with numbers alone. */
static void
try_wrong(const struct merkle_hash *leaf, size_t index, size_t n,
    struct merkle_hash *path, size_t npath)
{
    const struct merkle_hash before = {{0}};
    struct merkle_hash root = before;

    assert_int_equal(merkle_climb(leaf, index, n, path, npath + 1, &root),
        E_INVAL);
    if (npath > 0)
        assert_int_equal(merkle_climb(leaf, index, n, path, npath - 1, &root),
            E_INVAL);
    assert_int_equal(merkle_climb(leaf, n, n, path, npath, &root), E_INVAL);
    assert_int_equal(merkle_climb(leaf, UINT64_MAX, n, path, npath, &root),
        E_INVAL);
    assert_int_equal(merkle_climb(leaf, index, 0, path, npath, &root),
        E_INVAL);
    assert_memory_equal(&root, &before, sizeof(root));
}

/* Nowhere else in the tree does the same path lead to the same root. */
static void
try_elsewhere(const struct merkle_hash *leaf, size_t index, size_t n,
    const struct merkle_hash *path, size_t npath,
    const struct merkle_hash *root)
{
    struct merkle_hash got;

    for (size_t other = 0; other < n; other++) {
        if (other != index && merkle_climb(leaf, other, n, path, npath,
            &got) == E_OK)
            assert_memory_not_equal(&got, root, sizeof(got));
    }
}

static void
every_path_of_every_tree_is_as_defined(void **state)
{
    static struct merkle_hash nodes[MERKLE_NODES_MAX(ALL_MAX)];
    struct merkle_hash want[MERKLE_PATH_MAX + 1] = {{{0}}}, got, root;
    const struct merkle_hash *path[MERKLE_PATH_MAX];

    (void)state;
    make_leaves(nodes, ALL_MAX);
    for (size_t n = 1; n <= ALL_MAX; n++) {
        make_leaves(nodes, n);
        root = literal_root(nodes, n);
        assert_memory_equal(merkle_build(nodes, n), &root, sizeof(root));
        for (size_t i = 0; i < n; i++) {
            size_t npath = merkle_path(nodes, n, i, path);

            /* The definition takes n hashes: of larger trees some leaves. */
            if (n <= 70 || i % 37 == n % 37 || i + 1 == n) {
                assert_int_equal(literal_path(nodes, n, i, want), npath);
                for (size_t j = 0; j < npath; j++)
                    assert_memory_equal(path[j], &want[j], sizeof(want[j]));
            }
            for (size_t j = 0; j < npath; j++)
                want[j] = *path[j];
            assert_int_equal(merkle_climb(&nodes[i], i, n, want, npath,
                &got), E_OK);
            assert_memory_equal(&got, &root, sizeof(root));
            try_wrong(&nodes[i], i, n, want, npath);
            if (n <= 33)
                try_elsewhere(&nodes[i], i, n, want, npath, &root);
        }
    }
}

static void
build_stays_within_its_nodes(void **state)
{
    static struct merkle_hash nodes[MERKLE_NODES_MAX(ALL_MAX) + 1];
    struct merkle_hash mark;

    (void)state;
    memset(&mark, 0xa5, sizeof(mark));
    for (size_t n = 1; n <= ALL_MAX; n++) {
        make_leaves(nodes, n);
        nodes[MERKLE_NODES_MAX(n)] = mark;
        assert_true(merkle_build(nodes, n) < nodes + MERKLE_NODES_MAX(n));
        assert_memory_equal(&nodes[MERKLE_NODES_MAX(n)], &mark, sizeof(mark));
    }
}

static void
a_frontier_tells_the_root_of_every_size(void **state)
{
    static struct merkle_hash leaves[FRONTIER_MAX];
    struct merkle_frontier frontier = {0};
    struct merkle_hash want, got;

    (void)state;
    make_leaves(leaves, FRONTIER_MAX);
    for (size_t n = 1; n <= FRONTIER_MAX; n++) {
        size_t bits = 0;

        merkle_frontier_add(&frontier, &leaves[n - 1]);
        assert_int_equal(frontier.size, n);
        merkle_frontier_root(&frontier, &got);
        want = literal_root(leaves, n);
        assert_memory_equal(&got, &want, sizeof(want));
        for (size_t rest = n; rest > 0; rest /= 2)
            bits += rest % 2;
        assert_int_equal(merkle_frontier_count(n), bits);
    }
}

/* The largest that there can be: nothing is written beyond the roots. */
static void
a_frontier_goes_to_2_to_the_63(void **state)
{
    struct {
        struct merkle_frontier frontier;
        uint8_t behind[MERKLE_HASH];
    } f;
    struct merkle_hash leaf, path[MERKLE_PATH_MAX], climbed, root;
    uint8_t mark[MERKLE_HASH];

    (void)state;
    memset(mark, 0x5a, sizeof(mark));
    memset(&f, 0, sizeof(f));
    memcpy(f.behind, mark, sizeof(mark));
    merkle_leaf(slice_of("leaf"), &leaf);
    f.frontier.size = ((uint64_t)1 << 63) - 2;
    assert_int_equal(merkle_frontier_count(f.frontier.size), 62);
    for (size_t i = 0; i < 62; i++)
        merkle_leaf((struct slice){(const uint8_t *)&i, sizeof(i)},
            &f.frontier.roots[i]);
    merkle_frontier_add(&f.frontier, &leaf);
    assert_int_equal(merkle_frontier_count(f.frontier.size),
        MERKLE_PATH_MAX);
    assert_memory_equal(f.behind, mark, sizeof(mark));

    /* The path of the last leaf is those roots, the smallest first. */
    for (size_t i = 0; i < 62; i++)
        path[i] = f.frontier.roots[61 - i];
    merkle_frontier_root(&f.frontier, &root);
    assert_int_equal(merkle_climb(&leaf, f.frontier.size - 1,
        f.frontier.size, path, 62, &climbed), E_OK);
    assert_memory_equal(&climbed, &root, sizeof(root));
}

static void
a_node_may_take_the_place_of_a_child(void **state)
{
    struct merkle_hash leaves[2], left, right, want;

    (void)state;
    make_leaves(leaves, 2);
    left = leaves[0];
    right = leaves[1];
    merkle_node(&left, &right, &want);
    merkle_node(&left, &leaves[1], &left);
    merkle_node(&leaves[0], &right, &right);
    assert_memory_equal(&left, &want, sizeof(want));
    assert_memory_equal(&right, &want, sizeof(want));
    /* Left is not right. */
    merkle_node(&leaves[1], &leaves[0], &left);
    assert_memory_not_equal(&left, &want, sizeof(want));
}

static void
nothing_is_allocated(void **state)
{
    struct merkle_hash nodes[MERKLE_NODES_MAX(9)], root;
    const struct merkle_hash *path[MERKLE_PATH_MAX];
    struct merkle_frontier frontier = {0};

    (void)state;
    fault_arm(0);
    make_leaves(nodes, 9);
    (void)merkle_build(nodes, 9);
    (void)merkle_path(nodes, 9, 4, path);
    merkle_frontier_add(&frontier, &nodes[0]);
    merkle_frontier_root(&frontier, &root);
    assert_false(fault_fired());
    fault_arm(-1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_those_of_certificate_transparency),
        cmocka_unit_test(paths_are_those_of_certificate_transparency),
        cmocka_unit_test(every_path_of_every_tree_is_as_defined),
        cmocka_unit_test(build_stays_within_its_nodes),
        cmocka_unit_test(a_frontier_tells_the_root_of_every_size),
        cmocka_unit_test(a_frontier_goes_to_2_to_the_63),
        cmocka_unit_test(a_node_may_take_the_place_of_a_child),
        cmocka_unit_test(nothing_is_allocated),
    };

    return (cmocka_run_group_tests_name("merkle", tests, NULL, NULL));
}
