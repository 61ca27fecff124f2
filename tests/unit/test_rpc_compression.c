#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/bytes.h"
#include "rpc/rpc_compression.h"
#include "support/fault.h"

#define LIMIT 4096

/* gzip of "hello, hello, hello" by gzip(1), without a name and a time. */
static const uint8_t hello[] = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0xcb, 0x48,
    0xcd, 0xc9, 0xc9, 0xd7, 0x51, 0xc8, 0x40, 0xa2, 0x00, 0x9f, 0xa1, 0xca,
    0x09, 0x13, 0x00, 0x00, 0x00};

static const char hello_text[] = "hello, hello, hello";

static struct rpc_compression *
make(void)
{
    struct rpc_compression *c;

    assert_int_equal(rpc_compression_create(LIMIT, &c), E_OK);
    return (c);
}

/* ${n} bytes that repeat, packed by ourselves. */
static struct buf
packed_of(struct rpc_compression *c, size_t n)
{
    struct buf out;

    buf_init(&out, 1 << 24);
    assert_int_equal(buf_reserve(&out, n), E_OK);
    memset(out.p, 'a', n);
    out.n = n;
    assert_true(rpc_compression_deflate(c, &out, 0));
    return (out);
}

static void
assert_holds(struct slice message, char byte, size_t n)
{
    size_t i;

    assert_int_equal(message.n, n);
    for (i = 0; i < n; i++)
        assert_int_equal(message.p[i], byte);
}

static enum err
inflate_bytes(struct rpc_compression *c, const uint8_t *p, size_t n)
{
    uint8_t *own = malloc(n > 0 ? n : 1);   /* its end is its end */
    struct slice message;
    enum err err;

    assert_non_null(own);
    if (n > 0)
        memcpy(own, p, n);
    err = rpc_compression_inflate(c, (struct slice){own, n}, &message);
    if (err != E_OK)
        assert_int_equal(message.n, 0);
    free(own);
    return (err);
}

static void
what_others_packed_is_inflated(void **state)
{
    struct rpc_compression *c = make();
    struct slice message;
    int i;

    (void)state;
    for (i = 0; i < 3; i++) {
        assert_int_equal(rpc_compression_inflate(c,
            (struct slice){hello, sizeof(hello)}, &message), E_OK);
        assert_true(slice_equal(message, slice_of(hello_text)));
    }
    rpc_compression_free(c);
}

static void
a_message_that_is_cut_off_is_refused(void **state)
{
    struct rpc_compression *c = make();
    size_t n;

    (void)state;
    for (n = 0; n < sizeof(hello); n++)
        assert_int_equal(inflate_bytes(c, hello, n), E_INVAL);
    assert_int_equal(inflate_bytes(c, hello, sizeof(hello)), E_OK);
    rpc_compression_free(c);
}

static void
a_message_that_is_damaged_is_refused(void **state)
{
    struct rpc_compression *c = make();
    uint8_t bad[sizeof(hello)];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(hello); i++) {
        memcpy(bad, hello, sizeof(hello));
        bad[i] ^= 0x10;
        /* Time, extra flags and system stand for nothing here. */
        if (i >= 4 && i <= 9)
            assert_int_equal(inflate_bytes(c, bad, sizeof(bad)), E_OK);
        else
            assert_int_not_equal(inflate_bytes(c, bad, sizeof(bad)), E_OK);
    }
    rpc_compression_free(c);
}

static void
what_is_not_gzip_is_refused(void **state)
{
    static const uint8_t zlib[] = {0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00,
        0x01};
    static const uint8_t raw[] = {0x03, 0x00};
    struct rpc_compression *c = make();

    (void)state;
    assert_int_equal(inflate_bytes(c, zlib, sizeof(zlib)), E_INVAL);
    assert_int_equal(inflate_bytes(c, raw, sizeof(raw)), E_INVAL);
    assert_int_equal(inflate_bytes(c, (const uint8_t *)hello_text,
        sizeof(hello_text)), E_INVAL);
    rpc_compression_free(c);
}

static void
one_member_is_all_there_may_be(void **state)
{
    struct rpc_compression *c = make();
    uint8_t two[2 * sizeof(hello)];

    (void)state;
    memcpy(two, hello, sizeof(hello));
    memcpy(two + sizeof(hello), hello, sizeof(hello));
    assert_int_equal(inflate_bytes(c, two, sizeof(two)), E_INVAL);
    two[sizeof(hello)] = 0;
    assert_int_equal(inflate_bytes(c, two, sizeof(hello) + 1), E_INVAL);
    assert_int_equal(inflate_bytes(c, two, sizeof(hello)), E_OK);
    rpc_compression_free(c);
}

static void
the_limit_is_on_what_comes_out(void **state)
{
    struct rpc_compression *c = make();
    struct slice message;
    size_t n;

    (void)state;
    for (n = LIMIT - 2; n <= LIMIT + 2; n++) {
        struct buf packed = packed_of(c, n);

        assert_true(packed.n < 100);
        assert_int_equal(rpc_compression_inflate(c, buf_slice(&packed),
            &message), n <= LIMIT ? E_OK : E_TOOBIG);
        if (n <= LIMIT)
            assert_holds(message, 'a', n);
        buf_free(&packed);
    }
    rpc_compression_free(c);
}

static void
a_bomb_is_refused_and_does_no_harm(void **state)
{
    struct rpc_compression *c = make();
    struct buf bomb = packed_of(c, 16 << 20);

    (void)state;
    assert_true(bomb.n < 80000);
    assert_int_equal(inflate_bytes(c, bomb.p, bomb.n), E_TOOBIG);
    assert_int_equal(inflate_bytes(c, hello, sizeof(hello)), E_OK);
    buf_free(&bomb);
    rpc_compression_free(c);
}

static void
what_gets_no_shorter_stays(void **state)
{
    struct rpc_compression *c = make();
    struct buf out;
    uint32_t x = 1;
    size_t i;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(buf_add(&out, slice_of("front")), E_OK);
    assert_false(rpc_compression_deflate(c, &out, out.n));
    for (i = 0; i < 3000; i++) {
        uint8_t byte = (uint8_t)(x >> 24);

        x = x * 1664525 + 1013904223;
        assert_int_equal(buf_add(&out, (struct slice){&byte, 1}), E_OK);
    }
    assert_false(rpc_compression_deflate(c, &out, 5));
    assert_int_equal(out.n, 3005);
    assert_memory_equal(out.p, "front", 5);
    buf_free(&out);
    rpc_compression_free(c);
}

static void
what_stands_in_front_stays(void **state)
{
    struct rpc_compression *c = make();
    struct slice message;
    struct buf out;
    int i;

    (void)state;
    buf_init(&out, 4096);
    for (i = 0; i < 3; i++) {
        out.n = 0;
        assert_int_equal(buf_add(&out, slice_of("front")), E_OK);
        assert_int_equal(buf_reserve(&out, 2000), E_OK);
        memset(out.p + 5, 'b', 2000);
        out.n += 2000;
        assert_true(rpc_compression_deflate(c, &out, 5));
        assert_true(out.n < 100);
        assert_memory_equal(out.p, "front", 5);
        assert_int_equal(rpc_compression_inflate(c,
            (struct slice){out.p + 5, out.n - 5}, &message), E_OK);
        assert_holds(message, 'b', 2000);
    }
    buf_free(&out);
    rpc_compression_free(c);
}

/* Answers stay as they are without memory; requests fail. */
static int
use_with_fault(int n)
{
    struct rpc_compression *c = NULL;
    struct slice message = {NULL, 0};
    struct buf out;
    enum err err;
    int done = 0, fired;

    buf_init(&out, 4096);
    assert_int_equal(buf_reserve(&out, 2000), E_OK);
    memset(out.p, 'c', 2000);
    out.n = 2000;
    fault_arm(n);
    if ((err = rpc_compression_create(LIMIT, &c)) == E_OK &&
        (err = rpc_compression_inflate(c,
        (struct slice){hello, sizeof(hello)}, &message)) == E_OK)
        done = rpc_compression_deflate(c, &out, 0);
    fired = fault_fired();
    fault_arm(-1);
    if (!fired)
        assert_true(err == E_OK && done);
    else if (err == E_OK)
        assert_true(done || out.n == 2000);
    else
        assert_int_equal(err, E_NOMEM);
    rpc_compression_free(c);
    buf_free(&out);
    return (fired);
}

static void
every_allocation_may_fail(void **state)
{
    int n = 0;

    (void)state;
    while (use_with_fault(n))
        n++;
    assert_true(n > 5);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_packed_is_inflated),
        cmocka_unit_test(a_message_that_is_cut_off_is_refused),
        cmocka_unit_test(a_message_that_is_damaged_is_refused),
        cmocka_unit_test(what_is_not_gzip_is_refused),
        cmocka_unit_test(one_member_is_all_there_may_be),
        cmocka_unit_test(the_limit_is_on_what_comes_out),
        cmocka_unit_test(a_bomb_is_refused_and_does_no_harm),
        cmocka_unit_test(what_gets_no_shorter_stays),
        cmocka_unit_test(what_stands_in_front_stays),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
