/*
 * Reading an event by hand against message_unpack(), over events made at
 * random.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/message.h"
#include "proto/wire_put.h"
#include "service/event_read.h"
#include "support/fault.h"
#include "support/message_random.h"

#define ROUNDS 400
#define ARENA_MAX ((size_t)1 << 20)

static const ProtobufCMessageDescriptor *const type =
    &vouch__v1__event__descriptor;

static void
make(uint64_t *seed, struct buf *out)
{
    buf_init(out, MESSAGE_RANDOM_MAX);
    message_random(type, seed, 0, out);
}

static void
assert_same(struct slice bytes, struct arena *arena)
{
    ProtobufCMessage *theirs;
    Vouch__V1__Event *ours;
    struct buf want, got;

    buf_init(&want, MESSAGE_RANDOM_MAX);
    buf_init(&got, MESSAGE_RANDOM_MAX);
    assert_int_equal(message_unpack(type, bytes, arena, &theirs), E_OK);
    assert_int_equal(event_read(bytes, arena, &ours), E_OK);
    assert_true(protobuf_c_message_check(&ours->base));
    assert_int_equal(message_pack(theirs, &want), E_OK);
    assert_int_equal(message_pack(&ours->base, &got), E_OK);
    assert_true(slice_equal(buf_slice(&want), buf_slice(&got)));
    buf_free(&want);
    buf_free(&got);
    arena_reset(arena);
}

static void
it_reads_what_message_unpack_reads(void **state)
{
    struct arena *arena;
    struct buf bytes;
    uint64_t seed = 11;

    (void)state;
    assert_int_equal(arena_create(ARENA_MAX, &arena), E_OK);
    assert_same((struct slice){NULL, 0}, arena);
    for (int i = 0; i < ROUNDS; i++) {
        make(&seed, &bytes);
        assert_same(buf_slice(&bytes), arena);
        buf_free(&bytes);
    }
    arena_free(arena);
}

/* Cut anywhere, or with a byte changed: refused by both, or read alike. */
static void
it_refuses_what_message_unpack_refuses(void **state)
{
    struct arena *arena;
    struct buf bytes;
    uint64_t seed = 12;
    size_t refused = 0;

    (void)state;
    assert_int_equal(arena_create(ARENA_MAX, &arena), E_OK);
    for (int i = 0; i < ROUNDS; i++) {
        ProtobufCMessage *theirs;
        Vouch__V1__Event *ours;
        struct slice cut;
        enum err want, got;

        make(&seed, &bytes);
        cut = buf_slice(&bytes);
        if (bytes.n > 0 && i % 2 == 0)
            cut.n = message_random_below(&seed, (uint32_t)bytes.n);
        else if (bytes.n > 0)
            bytes.p[message_random_below(&seed, (uint32_t)bytes.n)] ^=
                (uint8_t)(1u << message_random_below(&seed, 8));
        want = message_unpack(type, cut, arena, &theirs);
        got = event_read(cut, arena, &ours);
        assert_int_equal(got, want);
        assert_int_equal(ours == NULL, got != E_OK);
        assert_true(got == E_OK || got == E_CORRUPT);
        refused += got != E_OK;
        arena_reset(arena);
        buf_free(&bytes);
    }
    assert_true(refused > 0 && refused < ROUNDS);
    arena_free(arena);
}

static void
what_a_newer_version_added_is_passed_over(void **state)
{
    uint8_t added[64], *end;
    Vouch__V1__Event *event;
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_create(ARENA_MAX, &arena), E_OK);
    end = wire_put_number(added, 4, 2);
    end = wire_put_number(end, 200, 7);
    end = wire_put_bytes(end, 201, slice_of("new"));
    end = wire_put_number(end, 6, 12345);
    assert_int_equal(event_read((struct slice){added, (size_t)(end - added)},
        arena, &event), E_OK);
    assert_int_equal(event->kind, 2);
    assert_int_equal(event->recorded_at_us, 12345);
    assert_int_equal(event->base.n_unknown_fields, 0);
    arena_free(arena);
}

static void
without_memory_there_is_no_event(void **state)
{
    Vouch__V1__Event *event;
    struct arena *arena;
    struct buf bytes;
    uint64_t seed = 13;
    enum err err = E_NOMEM;
    int n;

    (void)state;
    do {
        make(&seed, &bytes);
        if (bytes.n < 2000)
            buf_free(&bytes);
    } while (bytes.n < 2000);
    assert_int_equal(arena_create(512, &arena), E_OK);
    assert_int_equal(event_read(buf_slice(&bytes), arena, &event), E_TOOBIG);
    assert_null(event);
    arena_free(arena);
    for (n = 0; n < 100 && err == E_NOMEM; n++) {
        assert_int_equal(arena_create(ARENA_MAX, &arena), E_OK);
        fault_arm(n);
        err = event_read(buf_slice(&bytes), arena, &event);
        fault_arm(-1);
        assert_int_equal(event == NULL, err != E_OK);
        arena_free(arena);
    }
    assert_int_equal(err, E_OK);
    buf_free(&bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_what_message_unpack_reads),
        cmocka_unit_test(it_refuses_what_message_unpack_refuses),
        cmocka_unit_test(what_a_newer_version_added_is_passed_over),
        cmocka_unit_test(without_memory_there_is_no_event),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
