/*
 * Receipts as a program with libvouch judges them, and the folders in which
 * they are filed.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/new_file.h"
#include "client/receipt_files.h"
#include "client/vouch.h"
#include "support/fault.h"
#include "support/receipt_fixture.h"

static char folder[64];
static char trust_path[128];
static char root_key[65];
static struct buf receipt;

static void
below(const char *name, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", folder, name);
}

static void
write_trust(int64_t version, int64_t expires_us)
{
    static struct trust_content content;
    struct buf file;

    trust_fixture_content(&content);
    content.version = version;
    content.expires_us = expires_us;
    buf_init(&file, TRUST_BYTES_MAX);
    trust_fixture_write(&content, &file);
    assert_int_equal(new_file_replace(trust_path, buf_slice(&file)), E_OK);
    buf_free(&file);
}

static int
setup(void **state)
{
    struct trust_fixture_key root;

    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/vouch-test.XXXXXX");
    assert_non_null(mkdtemp(folder));
    below("trust.json", trust_path);
    write_trust(7, FIXTURE_UNTIL_US);
    trust_fixture_key(FIXTURE_ROOT, &root);
    bytes_to_hex((struct slice){root.id, sizeof(root.id)}, root_key);
    buf_init(&receipt, RECEIPT_BYTES_MAX);
    receipt_fixture_write(7, 3, &receipt);
    return (0);
}

static int
teardown(void **state)
{
    (void)state;
    buf_free(&receipt);
    assert_int_equal(unlink(trust_path), 0);
    assert_int_equal(rmdir(folder), 0);
    return (0);
}

static struct vouch_trust *
open_trust(void)
{
    struct vouch_trust *trust;
    struct vouch_error error;

    if (vouch_trust_read(trust_path, root_key, &trust, &error) != 0)
        fail_msg("%s", error.message);
    return (trust);
}

static void
a_trust_file_says_whose_it_is(void **state)
{
    struct vouch_trust *trust = open_trust();
    char other[65];
    struct vouch_error error;

    (void)state;
    assert_string_equal(vouch_trust_root_key(trust), root_key);
    assert_string_equal(vouch_trust_origin(trust), FIXTURE_ORIGIN);
    assert_int_equal(vouch_trust_version(trust), 7);
    vouch_trust_free(trust);
    vouch_trust_free(NULL);
    memcpy(other, root_key, sizeof(other));
    other[63] = other[63] == '0' ? '1' : '0';
    assert_int_equal(vouch_trust_read(trust_path, other, &trust, &error), -1);
    assert_null(trust);
    assert_int_equal(error.failure, VOUCH_FAILURE_EVIDENCE);
    assert_non_null(strstr(error.message, other));
    assert_true(error.next[0] != '\0');
    assert_int_equal(vouch_trust_read(folder, NULL, &trust, &error), -1);
    assert_int_equal(error.failure, VOUCH_FAILURE_SETUP);
    assert_int_equal(vouch_trust_read("/no/such", NULL, &trust, &error), -1);
    assert_int_equal(error.failure, VOUCH_FAILURE_SETUP);
    assert_int_equal(new_file_replace(trust_path, slice_of("{}")), E_OK);
    assert_int_equal(vouch_trust_read(trust_path, NULL, &trust, &error), -1);
    assert_int_equal(error.failure, VOUCH_FAILURE_SETUP);
    write_trust(7, FIXTURE_UNTIL_US);
}

static void
judge(const struct vouch_trust *trust, int64_t now_us,
    enum vouch_receipt_state wanted)
{
    Vouch__V1__VerifyCredentialResponse *response;
    struct vouch_judgment j;
    struct vouch_error error;

    assert_int_equal(vouch_receipt_judge(receipt.p, receipt.n, trust, now_us,
        &j, &response, &error), 0);
    assert_int_equal(j.state, wanted);
    assert_true((response != NULL) == (wanted == VOUCH_RECEIPT_VERIFIED));
    assert_true((j.reason[0] == '\0') == (wanted == VOUCH_RECEIPT_VERIFIED));
    if (response != NULL) {
        assert_int_equal(strlen(j.id), 64);
        assert_int_equal(strlen(j.key_id), 64);
        assert_int_equal(j.sealed_at_us, FIXTURE_NOW_US);
        assert_true(j.answer_redacted == (response->answer == NULL));
        assert_true(j.question_redacted == (response->question == NULL));
        vouch_free_message(&response->base);
    }
}

static void
what_was_sealed_is_verified_and_nothing_else(void **state)
{
    struct vouch_trust *trust = open_trust();
    size_t n = receipt.n;

    (void)state;
    judge(trust, FIXTURE_NOW_US, VOUCH_RECEIPT_VERIFIED);
    judge(trust, FIXTURE_UNTIL_US, VOUCH_RECEIPT_TRUST_TOO_OLD);
    judge(trust, INT64_MIN, VOUCH_RECEIPT_VERIFIED);
    *(uint8_t *)memchr(receipt.p, 'G', receipt.n) = 'H';
    judge(trust, FIXTURE_NOW_US, VOUCH_RECEIPT_SEAL_BROKEN);
    *(uint8_t *)memchr(receipt.p, 'H', receipt.n) = 'G';
    receipt.n = 0;
    judge(trust, FIXTURE_NOW_US, VOUCH_RECEIPT_MALFORMED);
    receipt.n = n - 1;
    judge(trust, FIXTURE_NOW_US, VOUCH_RECEIPT_MALFORMED);
    receipt.n = n;
    judge(trust, FIXTURE_NOW_US, VOUCH_RECEIPT_VERIFIED);
    vouch_trust_free(trust);
}

static void
keys_that_do_not_count_are_told_apart(void **state)
{
    static const struct {
        unsigned key;
        enum vouch_receipt_state state;
    } rows[] = {{FIXTURE_ACTIVE, VOUCH_RECEIPT_VERIFIED},
        {FIXTURE_RETIRED, VOUCH_RECEIPT_VERIFIED},
        {FIXTURE_COMPROMISED, VOUCH_RECEIPT_KEY_COMPROMISED},
        {FIXTURE_CHECKPOINT, VOUCH_RECEIPT_KEY_UNKNOWN},
        {FIXTURE_UNLISTED, VOUCH_RECEIPT_KEY_UNKNOWN}};
    struct vouch_trust *trust = open_trust();
    struct receipt_fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        receipt_fixture_make(&f, 1, 0);
        f.key = rows[i].key;
        receipt_fixture_seal(&f);
        receipt_fixture_sign(&f);
        receipt.n = 0;
        receipt_fixture_pack(&f, &receipt);
        judge(trust, FIXTURE_NOW_US, rows[i].state);
        receipt_fixture_free(&f);
    }
    receipt_fixture_make(&f, 1, 0);
    receipt_fixture_seal(&f);
    f.batch.sealed_at_us = FIXTURE_FROM_US - 1;
    receipt_fixture_sign(&f);
    receipt.n = 0;
    receipt_fixture_pack(&f, &receipt);
    judge(trust, FIXTURE_NOW_US, VOUCH_RECEIPT_KEY_NOT_VALID);
    receipt_fixture_free(&f);
    receipt.n = 0;
    receipt_fixture_write(7, 3, &receipt);
    vouch_trust_free(trust);
}

/* The names that scripts rely on, one and the same in both headers. */
static void
states_have_the_names_of_the_format(void **state)
{
    static const enum vouch_receipt_state states[] = {
        VOUCH_RECEIPT_VERIFIED, VOUCH_RECEIPT_MALFORMED,
        VOUCH_RECEIPT_SEAL_BROKEN, VOUCH_RECEIPT_TRUST_TOO_OLD,
        VOUCH_RECEIPT_KEY_UNKNOWN, VOUCH_RECEIPT_KEY_COMPROMISED,
        VOUCH_RECEIPT_KEY_NOT_VALID};

    (void)state;
    assert_int_equal(sizeof(states) / sizeof(states[0]), RECEIPT_STATES);
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        assert_string_equal(vouch_receipt_state_name(states[i]),
            receipt_state_name((enum receipt_state)i));
}

/* ---- folders ----------------------------------------------------------- */

struct walk {
    int taken, faults;
    size_t bytes;
    int stop;               /* after so many */
};

static enum err
take(void *cookie, const char *path, struct slice bytes, const char *fault)
{
    struct walk *w = cookie;

    assert_memory_equal(path, folder, strlen(folder));
    w->taken++;
    w->faults += fault != NULL;
    w->bytes += bytes.n;
    return (w->taken == w->stop ? E_IO : E_OK);
}

static enum err
walk(struct walk *w, const char *path, int64_t *others)
{
    struct receipt_files files = {.cookie = w, .take = take};
    enum err err;

    receipt_files_begin(&files);
    err = receipt_files_walk(&files, path);
    *others = files.others;
    receipt_files_end(&files);
    return (err);
}

static void
make(const char *name, const char *text)
{
    char path[128];

    below(name, path);
    assert_int_equal(new_file_write(path, slice_of(text)), E_OK);
}

static void
folders_are_searched_for_receipts_and_nothing_else(void **state)
{
    static const char *const files[] = {"a.receipt", "b/c.receipt",
        "b/d/e.receipt", "b/d/notes.txt", ".receipt"};
    struct walk w = {0};
    char path[128], target[128];
    int64_t others;

    (void)state;
    below("b", path);
    assert_int_equal(mkdir(path, 0700), 0);
    below("b/d", path);
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < 5; i++)
        make(files[i], "12345");
    below("link.receipt", path);
    assert_int_equal(symlink("a.receipt", path), 0);
    below("b/loop", target);
    assert_int_equal(symlink(folder, target), 0);

    assert_int_equal(walk(&w, folder, &others), E_OK);
    assert_int_equal(w.taken, 3);
    assert_int_equal(w.bytes, 15);
    assert_int_equal(others, 5);    /* with trust.json */
    w = (struct walk){0};
    assert_int_equal(walk(&w, path, &others), E_OK);    /* it was named */
    assert_int_equal(w.taken, 1);
    w = (struct walk){.stop = 2};
    assert_int_equal(walk(&w, folder, &others), E_IO);
    assert_int_equal(w.taken, 2);
    w = (struct walk){0};
    assert_int_equal(walk(&w, "/no/such", &others), E_NOTFOUND);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(unlink(target), 0);
    for (size_t i = 0; i < 5; i++) {
        below(files[i], path);
        assert_int_equal(unlink(path), 0);
    }
    below("b/d", path);
    assert_int_equal(rmdir(path), 0);
    below("b", path);
    assert_int_equal(rmdir(path), 0);
}

/* ---- memory ------------------------------------------------------------ */

static void
an_allocation_that_fails_is_told(void **state)
{
    struct vouch_trust *shared = open_trust();
    int n = 0, fired;

    (void)state;
    do {
        Vouch__V1__VerifyCredentialResponse *response = NULL;
        struct vouch_trust *trust = NULL;
        struct vouch_judgment j;
        struct vouch_error error;
        int status;

        fault_arm(n++);
        status = vouch_trust_read(trust_path, NULL, &trust, &error);
        if (status == 0)
            status = vouch_receipt_judge(receipt.p, receipt.n, shared,
                FIXTURE_NOW_US, &j, &response, &error);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(status, fired ? -1 : 0);
        if (fired)
            assert_int_equal(error.failure, VOUCH_FAILURE_MEMORY);
        if (response != NULL)
            vouch_free_message(&response->base);
        vouch_trust_free(trust);
    } while (fired && n < 1000);
    assert_true(n > 3 && n < 1000);
    vouch_trust_free(shared);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trust_file_says_whose_it_is),
        cmocka_unit_test(what_was_sealed_is_verified_and_nothing_else),
        cmocka_unit_test(keys_that_do_not_count_are_told_apart),
        cmocka_unit_test(states_have_the_names_of_the_format),
        cmocka_unit_test(folders_are_searched_for_receipts_and_nothing_else),
        cmocka_unit_test(an_allocation_that_fails_is_told),
    };

    return (cmocka_run_group_tests_name("judge", tests, setup, teardown));
}
