#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/grpc_status.h"
#include "proto/message.h"
#include "proto/utf8.h"
#include "support/fault.h"

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

#define SWEEP_MAX 100
#define NOTHING ((struct slice){NULL, 0})

static void
every_err_has_its_code(void **state)
{
    struct grpc_status status;
    int err;

    (void)state;
    for (err = 0; err < E_COUNT; err++) {
        memset(&status, 0xff, sizeof(status));
        grpc_status_from_err(&status, (enum err)err);
        assert_in_range(status.code, 0, GRPC_CODE_COUNT - 1);
        assert_int_equal(status.code == GRPC_OK, err == E_OK);
        assert_int_not_equal(status.code, GRPC_UNKNOWN);
        assert_int_equal(status.reason[0] == '\0', err == E_OK);
        assert_string_equal(status.message,
            err == E_OK ? "" : err_text((enum err)err));
        assert_int_equal(status.nmetadata, 0);
        assert_int_equal(status.nviolations, 0);
    }
    grpc_status_from_err(&status, (enum err)E_COUNT);
    assert_int_equal(status.code, GRPC_UNKNOWN);
    grpc_status_from_err(&status, E_BUSY);
    assert_int_equal(status.code, GRPC_UNAVAILABLE);
    grpc_status_from_err(&status, E_TOOBIG);
    assert_int_equal(status.code, GRPC_RESOURCE_EXHAUSTED);
}

static void
every_code_has_its_name(void **state)
{
    int a, b;

    (void)state;
    for (a = 0; a < GRPC_CODE_COUNT; a++) {
        assert_non_null(grpc_status_name((enum grpc_code)a));
        for (b = 0; b < a; b++)
            assert_string_not_equal(grpc_status_name((enum grpc_code)a),
                grpc_status_name((enum grpc_code)b));
    }
    assert_string_equal(grpc_status_name(GRPC_NOT_FOUND), "NOT_FOUND");
    assert_string_equal(grpc_status_name((enum grpc_code)17), "UNKNOWN");
    assert_string_equal(grpc_status_name((enum grpc_code)-1), "UNKNOWN");
}

/* A status with everything in it. */
static void
fill(struct grpc_status *status)
{
    grpc_status_set(status, GRPC_INVALID_ARGUMENT, "INVALID_FIELD",
        "%d fields are at fault: %s", 2, "S\xc3\xb8ren");
    grpc_status_metadata(status, "limit", "%d", 64);
    grpc_status_metadata(status, "association_id", "%s", "ascp-boc");
    grpc_status_violation(status, "claim.number", "at most %d bytes", 64);
    grpc_status_violation(status, "claim.name.family", "is missing");
}

static void
assert_same(const struct grpc_status *a, const struct grpc_status *b)
{
    size_t i;

    assert_int_equal(a->code, b->code);
    assert_string_equal(a->message, b->message);
    assert_string_equal(a->reason, b->reason);
    assert_int_equal(a->nmetadata, b->nmetadata);
    for (i = 0; i < a->nmetadata; i++) {
        assert_string_equal(a->metadata[i].key, b->metadata[i].key);
        assert_string_equal(a->metadata[i].value, b->metadata[i].value);
    }
    assert_int_equal(a->nviolations, b->nviolations);
    for (i = 0; i < a->nviolations; i++) {
        assert_string_equal(a->violations[i].field, b->violations[i].field);
        assert_string_equal(a->violations[i].description,
            b->violations[i].description);
    }
}

static void
a_status_goes_there_and_back(void **state)
{
    struct grpc_status status, back;
    struct buf details;
    char text[1024];

    (void)state;
    fill(&status);
    buf_init(&details, 4096);
    assert_int_equal(grpc_status_details(&status, &details), E_OK);
    grpc_status_encode_message(status.message, text, sizeof(text));
    assert_string_equal(text, "2 fields are at fault: S%C3%B8ren");
    grpc_status_parse(GRPC_INVALID_ARGUMENT, slice_of(text),
        buf_slice(&details), &back);
    assert_same(&status, &back);
    buf_free(&details);
}

static void
details_are_google_rpc_status(void **state)
{
    static const struct message_limits limits = {
        .depth = 8, .elements = 100, .fields = 100, .refuse_unknown = 1,
    };
    struct message_fault fault;
    struct grpc_status status;
    const Google__Rpc__Status *all;
    ProtobufCMessage *message;
    struct arena *arena;
    struct buf details;

    (void)state;
    fill(&status);
    buf_init(&details, 4096);
    assert_int_equal(grpc_status_details(&status, &details), E_OK);
    assert_int_equal(arena_create(1 << 16, &arena), E_OK);
    assert_int_equal(message_decode(&google__rpc__status__descriptor,
        buf_slice(&details), &limits, arena, &message, &fault), E_OK);
    all = (const Google__Rpc__Status *)message;
    assert_int_equal(all->code, 3);
    assert_string_equal(all->message, status.message);
    assert_int_equal(all->n_details, 2);
    assert_string_equal(all->details[0]->type_url,
        "type.googleapis.com/google.rpc.ErrorInfo");
    assert_string_equal(all->details[1]->type_url,
        "type.googleapis.com/google.rpc.BadRequest");
    assert_int_equal(message_decode(&google__rpc__error_info__descriptor,
        (struct slice){all->details[0]->value.data,
        all->details[0]->value.len}, &limits, arena, &message, &fault), E_OK);
    assert_string_equal(((const Google__Rpc__ErrorInfo *)message)->domain,
        "vouch");
    arena_free(arena);
    buf_free(&details);
}

static void
a_violation_makes_ok_an_invalid_argument(void **state)
{
    struct grpc_status status;

    (void)state;
    grpc_status_from_err(&status, E_OK);
    grpc_status_violation(&status, "request_id", "must be a %s", "UUID");
    assert_int_equal(status.code, GRPC_INVALID_ARGUMENT);
    assert_string_equal(status.reason, "INVALID_FIELD");
    assert_string_equal(status.message, "request_id must be a UUID");
    assert_int_equal(status.nviolations, 1);
    assert_string_equal(status.violations[0].field, "request_id");
    assert_string_equal(status.violations[0].description, "must be a UUID");
    grpc_status_violation(&status, "claim", "is missing");
    assert_string_equal(status.message, "request_id must be a UUID");
    assert_int_equal(status.nviolations, 2);
}

static void
what_exceeds_the_room_is_left_out(void **state)
{
    struct grpc_status status;
    int i;

    (void)state;
    grpc_status_from_err(&status, E_OK);
    for (i = 0; i < 100; i++) {
        grpc_status_violation(&status, "f", "%d", i);
        grpc_status_metadata(&status, "k", "%d", i);
    }
    assert_int_equal(status.nviolations, GRPC_STATUS_VIOLATIONS);
    assert_int_equal(status.nmetadata, GRPC_STATUS_METADATA);
    assert_string_equal(status.violations[GRPC_STATUS_VIOLATIONS - 1]
        .description, "5");
    assert_string_equal(status.metadata[GRPC_STATUS_METADATA - 1].value, "3");
}

static void
long_texts_are_cut_at_a_character(void **state)
{
    struct grpc_status status;
    char text[1000];
    size_t lead;

    (void)state;
    for (lead = 0; lead < 4; lead++) {
        size_t i = lead;

        memset(text, 'a', lead);
        for (; i + 4 < sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 3);
        text[i] = '\0';
        grpc_status_set(&status, GRPC_INTERNAL, text, "%s", text);
        assert_true(utf8_is_text(slice_of(status.message)));
        assert_true(utf8_is_text(slice_of(status.reason)));
        assert_null(strchr(status.message, '?'));
        assert_in_range(strlen(status.message), 317, 319);
        assert_in_range(strlen(status.reason), 45, 47);
        grpc_status_metadata(&status, text, "%s", text);
        assert_null(strchr(status.metadata[0].value, '?'));
        assert_in_range(strlen(status.metadata[0].value), 93, 95);
    }
    grpc_status_set(&status, GRPC_INTERNAL, "X", "%s", "a\xff\xc3 b");
    assert_string_equal(status.message, "a?? b");
}

/* The largest status there can be: percent-coding takes 3 bytes for one. */
static void
the_largest_status_stays_below_4_kib(void **state)
{
    struct grpc_status status, back;
    char wide[1000], text[4096], base64[6000];
    struct buf details;
    size_t i, size;

    (void)state;
    for (i = 0; i + 2 < sizeof(wide); i += 2)
        memcpy(wide + i, "\xc3\xb8", 2);
    wide[i] = '\0';
    grpc_status_set(&status, GRPC_INTERNAL, wide, "a%s", wide);
    for (i = 0; i < GRPC_STATUS_METADATA; i++)
        grpc_status_metadata(&status, wide, "a%s", wide);
    for (i = 0; i < GRPC_STATUS_VIOLATIONS; i++)
        grpc_status_violation(&status, wide, "a%s", wide);
    grpc_status_retry(&status, INT32_MAX);
    buf_init(&details, 4096);
    assert_int_equal(grpc_status_details(&status, &details), E_OK);
    grpc_status_encode_message(status.message, text, sizeof(text));
    assert_int_equal(bytes_to_base64(buf_slice(&details), base64,
        sizeof(base64), 0), E_OK);
    /* With names, and the 32 that HTTP/2 counts for each field. */
    size = 7 * 32 + strlen(":status200content-typeapplication/grpc") +
        strlen("grpc-accept-encodingidentity,gzip") +
        strlen("grpc-retry-pushback-ms2147483647") +
        strlen("grpc-status13grpc-message") + strlen(text) +
        strlen("grpc-status-details-bin") + strlen(base64);
    assert_in_range(size, 3000, 4095);
    grpc_status_parse(GRPC_INTERNAL, slice_of(text), buf_slice(&details),
        &back);
    assert_string_equal(back.message, status.message);
    assert_string_equal(back.reason, status.reason);
    assert_int_equal(back.nmetadata, GRPC_STATUS_METADATA);
    assert_in_range(back.nviolations, 3, GRPC_STATUS_VIOLATIONS - 1);
    buf_free(&details);
}

static void
the_message_is_percent_coded(void **state)
{
    static const struct {
        const char *message;
        const char *text;
    } cases[] = {
        {"", ""}, {"plain words", "plain words"},
        {"100%", "100%25"}, {"a\tb\r\n", "a%09b%0D%0A"}, {"\x7f", "%7F"},
        {"\xe2\x98\xba", "%E2%98%BA"}, {"~!\"#$&'", "~!\"#$&'"},
        {" both ends ", "%20both ends%20"}, {" ", "%20"}, {"  ", "%20%20"},
        {"\xff", "%FF"},
    };
    struct grpc_status status;
    char text[64];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        grpc_status_encode_message(cases[i].message, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
        if (cases[i].message[0] == '\xff')
            continue;
        grpc_status_parse(GRPC_ABORTED, slice_of(text), NOTHING, &status);
        assert_string_equal(status.message, cases[i].message);
    }
}

static void
the_coded_message_is_cut_at_a_character(void **state)
{
    char *text;
    size_t size;

    (void)state;
    for (size = 1; size < 20; size++) {
        assert_non_null(text = malloc(size));
        grpc_status_encode_message("ab \xe2\x98\xba c", text, size);
        assert_string_equal(text, size < 2 ? "" : size < 3 ? "a" :
            size < 13 ? "ab" : size < 15 ? "ab %E2%98%BA" :
            "ab %E2%98%BA c");
        free(text);
    }
}

static void
hostile_messages_are_read_as_text(void **state)
{
    static const struct {
        struct slice wire;
        const char *message;
    } cases[] = {
        {{(const uint8_t *)"%", 1}, "%"}, {{(const uint8_t *)"%4", 2}, "%4"},
        {{(const uint8_t *)"%4g%41", 6}, "%4gA"},
        {{(const uint8_t *)"%00a\0b", 6}, "?a?b"},
        {{(const uint8_t *)"%FF%c3%b8", 9}, "?\xc3\xb8"},
        {{(const uint8_t *)"%%41", 4}, "%A"},
        {{(const uint8_t *)"\xc3\xb8", 2}, "\xc3\xb8"},
    };
    struct grpc_status status;
    char longest[4000];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        grpc_status_parse(GRPC_INTERNAL, cases[i].wire, NOTHING, &status);
        assert_string_equal(status.message, cases[i].message);
    }
    for (i = 0; i + 9 < sizeof(longest); i += 9)
        memcpy(longest + i, "%E2%98%BA", 9);
    longest[i] = '\0';
    grpc_status_parse(GRPC_INTERNAL, slice_of(longest), NOTHING, &status);
    assert_int_equal(strlen(status.message), 318);
    assert_true(utf8_is_text(slice_of(status.message)));
    assert_null(strchr(status.message, '?'));
}

static void
the_code_of_the_trailers_counts(void **state)
{
    struct grpc_status status, back;
    struct buf details;

    (void)state;
    fill(&status);
    buf_init(&details, 4096);
    assert_int_equal(grpc_status_details(&status, &details), E_OK);
    grpc_status_parse(GRPC_ABORTED, slice_of("other words"),
        buf_slice(&details), &back);
    assert_int_equal(back.code, GRPC_ABORTED);
    assert_string_equal(back.message, "other words");
    assert_string_equal(back.reason, "INVALID_FIELD");
    grpc_status_parse((enum grpc_code)99, NOTHING, NOTHING, &back);
    assert_int_equal(back.code, GRPC_UNKNOWN);
    grpc_status_parse(GRPC_OK, NOTHING, buf_slice(&details), &back);
    assert_int_equal(back.code, GRPC_OK);
    assert_int_equal(back.nviolations, 0);
    buf_free(&details);
}

/* Cut anywhere, or with any byte changed: it is text, or it is left out. */
static void
details_that_cannot_be_read_are_left_out(void **state)
{
    struct grpc_status status, back;
    struct buf details;
    uint8_t *copy;
    size_t i, j;

    (void)state;
    fill(&status);
    buf_init(&details, 4096);
    assert_int_equal(grpc_status_details(&status, &details), E_OK);
    for (i = 0; i < details.n; i++) {
        assert_non_null(copy = malloc(details.n));
        memcpy(copy, details.p, details.n);
        grpc_status_parse(GRPC_NOT_FOUND, NOTHING, (struct slice){copy, i},
            &back);
        assert_int_equal(back.code, GRPC_NOT_FOUND);
        copy[i] ^= 0x80;
        grpc_status_parse(GRPC_NOT_FOUND, NOTHING,
            (struct slice){copy, details.n}, &back);
        assert_int_equal(back.code, GRPC_NOT_FOUND);
        assert_true(utf8_is_text(slice_of(back.reason)));
        for (j = 0; j < back.nviolations; j++)
            assert_true(utf8_is_text(slice_of(back.violations[j].field)));
        free(copy);
    }
    buf_free(&details);
}

/* Of the codes that are tried again, each says whether to; no other does. */
static void
a_retry_is_asked_for_or_ruled_out(void **state)
{
    static const int32_t waits[] = {1, 999, 1000, 1001, 86400123, INT32_MAX};
    struct grpc_status status, back;
    struct buf details;
    size_t i;
    int code;

    (void)state;
    for (code = 0; code < GRPC_CODE_COUNT; code++) {
        grpc_status_set(&status, (enum grpc_code)code, "X", "x");
        assert_int_equal(status.retry_ms, code == GRPC_UNAVAILABLE ||
            code == GRPC_RESOURCE_EXHAUSTED ? -1 : 0);
    }
    for (i = 0; i <= sizeof(waits) / sizeof(waits[0]); i++) {
        grpc_status_set(&status, GRPC_UNAVAILABLE, "X", "x");
        if (i > 0)
            grpc_status_retry(&status, waits[i - 1]);
        buf_init(&details, 4096);
        assert_int_equal(grpc_status_details(&status, &details), E_OK);
        grpc_status_parse(GRPC_UNAVAILABLE, NOTHING, buf_slice(&details),
            &back);
        assert_int_equal(back.retry_ms, i > 0 ? waits[i - 1] : 0);
        assert_string_equal(back.reason, "X");
        buf_free(&details);
    }
}

static void
what_may_pass_by_itself_may_be_tried_again(void **state)
{
    static const enum err passing[] = {E_NOMEM, E_BUSY, E_IO};
    struct grpc_status status;
    unsigned i, j;
    int passes;

    (void)state;
    for (i = 0; i < E_COUNT; i++) {
        for (j = 0, passes = 0; j < 3; j++)
            passes |= (passing[j] == (enum err)i);
        grpc_status_from_err(&status, (enum err)i);
        assert_int_equal(status.retry_ms, passes ? 1000 :
            status.code == GRPC_UNAVAILABLE ||
            status.code == GRPC_RESOURCE_EXHAUSTED ? -1 : 0);
    }
}

/* A server that is not ours: what makes no sense is not there. */
static void
a_wait_that_makes_no_sense_is_left_out(void **state)
{
    static const struct {
        int64_t seconds;
        int32_t nanos, ms;
    } cases[] = {{0, 1, 1}, {2, 500000000, 2500}, {2, 500000001, 2501},
        {-1, 0, 0}, {0, -1, 0}, {1, 1000000000, 0}, {0, INT32_MIN, 0},
        {INT64_MAX, 0, INT32_MAX}, {INT32_MAX / 1000, 0, 2147483000},
        {INT32_MAX / 1000, 999999999, INT32_MAX},
        {INT32_MAX / 1000, 647000000, INT32_MAX},
        {INT32_MAX / 1000 - 1, 999999999, 2147483000}};
    Google__Rpc__Status all = GOOGLE__RPC__STATUS__INIT;
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT, *list = &any;
    char url[] = "type.googleapis.com/google.rpc.RetryInfo";
    struct grpc_status back;
    struct buf part, whole;
    size_t i;

    (void)state;
    for (i = 0; i <= sizeof(cases) / sizeof(cases[0]); i++) {
        buf_init(&part, 1000);
        buf_init(&whole, 1000);
        retry.retry_delay = NULL;
        if (i < sizeof(cases) / sizeof(cases[0])) {
            delay.seconds = cases[i].seconds;
            delay.nanos = cases[i].nanos;
            retry.retry_delay = &delay;
        }
        assert_int_equal(message_pack(&retry.base, &part), E_OK);
        any.type_url = url;
        any.value.data = part.p;
        any.value.len = part.n;
        all.n_details = 1;
        all.details = &list;
        assert_int_equal(message_pack(&all.base, &whole), E_OK);
        grpc_status_parse(GRPC_UNAVAILABLE, NOTHING, buf_slice(&whole),
            &back);
        assert_int_equal(back.retry_ms, retry.retry_delay != NULL ?
            cases[i].ms : 0);
        buf_free(&part);
        buf_free(&whole);
    }
}

static void
an_error_info_of_another_domain_is_left_out(void **state)
{
    Google__Rpc__Status all = GOOGLE__RPC__STATUS__INIT;
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT, *list = &any;
    char reason[] = "NO_MATCH", theirs[] = "example.com", ours[] = "vouch";
    char url[] = "type.googleapis.com/google.rpc.ErrorInfo";
    struct grpc_status back;
    struct buf part, whole;
    int round;

    (void)state;
    for (round = 0; round < 2; round++) {
        buf_init(&part, 1000);
        buf_init(&whole, 1000);
        info.reason = reason;
        info.domain = round == 0 ? theirs : ours;
        assert_int_equal(message_pack(&info.base, &part), E_OK);
        any.type_url = url;
        any.value.data = part.p;
        any.value.len = part.n;
        all.n_details = 1;
        all.details = &list;
        assert_int_equal(message_pack(&all.base, &whole), E_OK);
        grpc_status_parse(GRPC_NOT_FOUND, NOTHING, buf_slice(&whole), &back);
        assert_string_equal(back.reason, round == 0 ? "" : reason);
        buf_free(&part);
        buf_free(&whole);
    }
}

static void
every_allocation_may_fail(void **state)
{
    struct grpc_status status, back;
    struct buf details, again;
    enum err err;
    int n, fired = 1;

    (void)state;
    fill(&status);
    buf_init(&details, 4096);
    assert_int_equal(grpc_status_details(&status, &details), E_OK);
    for (n = 0; fired && n < SWEEP_MAX; n++) {
        buf_init(&again, 4096);
        fault_arm(n);
        err = grpc_status_details(&status, &again);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(err, fired ? E_NOMEM : E_OK);
        assert_int_equal(again.n, fired ? 0 : details.n);
        buf_free(&again);
    }
    assert_int_equal(n, 2);

    for (n = 0, fired = 1; fired && n < SWEEP_MAX; n++) {
        fault_arm(n);
        grpc_status_parse(GRPC_NOT_FOUND, slice_of("words"),
            buf_slice(&details), &back);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(back.code, GRPC_NOT_FOUND);
        assert_string_equal(back.message, "words");
        assert_string_equal(back.reason, fired ? "" : "INVALID_FIELD");
    }
    assert_true(n > 2 && n < SWEEP_MAX);

    buf_init(&again, 10);
    assert_int_equal(grpc_status_details(&status, &again), E_TOOBIG);
    assert_int_equal(again.n, 0);
    buf_free(&again);
    buf_free(&details);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_err_has_its_code),
        cmocka_unit_test(every_code_has_its_name),
        cmocka_unit_test(a_status_goes_there_and_back),
        cmocka_unit_test(details_are_google_rpc_status),
        cmocka_unit_test(a_violation_makes_ok_an_invalid_argument),
        cmocka_unit_test(what_exceeds_the_room_is_left_out),
        cmocka_unit_test(long_texts_are_cut_at_a_character),
        cmocka_unit_test(the_largest_status_stays_below_4_kib),
        cmocka_unit_test(the_message_is_percent_coded),
        cmocka_unit_test(the_coded_message_is_cut_at_a_character),
        cmocka_unit_test(hostile_messages_are_read_as_text),
        cmocka_unit_test(the_code_of_the_trailers_counts),
        cmocka_unit_test(details_that_cannot_be_read_are_left_out),
        cmocka_unit_test(a_retry_is_asked_for_or_ruled_out),
        cmocka_unit_test(what_may_pass_by_itself_may_be_tried_again),
        cmocka_unit_test(a_wait_that_makes_no_sense_is_left_out),
        cmocka_unit_test(an_error_info_of_another_domain_is_left_out),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
