/*
 * What is remembered of trust files: once seen, another root key and an older
 * version are noticed, whoever else writes at the same time.  And how files are
 * made that are there as a whole or not at all.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/new_file.h"
#include "client/trust_memory.h"
#include "client/whole_file.h"
#include "support/fault.h"

#define ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define TWO "2222222222222222222222222222222222222222222222222222222222222222"
#define WRITERS 8
#define ROUNDS 25

static char root[64];           /* XDG_STATE_HOME */
static char file[128];          /* what is remembered */

static int
setup(void **state)
{
    (void)state;
    (void)snprintf(root, sizeof(root), "/tmp/vouch-test.XXXXXX");
    assert_non_null(mkdtemp(root));
    (void)snprintf(file, sizeof(file), "%s/a/b/vouch/trust", root);
    return (0);
}

static void
below(const char *name, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", root, name);
}

static int
teardown(void **state)
{
    static const char *const files[] = {"a/b/vouch/trust.lock", "made"};
    static const char *const folders[] = {"a/b/vouch", "a/b", "a"};
    char path[128];

    (void)state;
    (void)unlink(file);
    for (size_t i = 0; i < 2; i++) {
        below(files[i], path);
        (void)unlink(path);
    }
    for (size_t i = 0; i < 3; i++) {
        below(folders[i], path);
        assert_int_equal(rmdir(path), 0);       /* and nothing else is there */
    }
    assert_int_equal(rmdir(root), 0);
    return (0);
}

/* Nothing is remembered. */
static int
begin(void **state)
{
    char path[128];

    (void)state;
    below("a/b", path);
    assert_int_equal(setenv("XDG_STATE_HOME", path, 1), 0);
    (void)unlink(file);
    return (0);
}

static enum err
note(const char *origin, const char *key, int64_t version, int again)
{
    struct trust_memory seen = {.version = version};
    char why[512];
    enum err err;

    memcpy(seen.root_key, key, sizeof(seen.root_key));
    err = trust_memory_note(origin, &seen, again, why, sizeof(why));
    assert_true((err == E_OK) == (why[0] == '\0'));
    return (err);
}

static void
expect(const char *origin, const char *key, int64_t version)
{
    struct trust_memory memory;
    char why[512] = "";

    if (trust_memory_recall(origin, &memory, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
    assert_string_equal(memory.root_key, key);
    assert_int_equal(memory.version, version);
}

static void
the_highest_version_of_each_origin_is_remembered(void **state)
{
    struct stat st;

    (void)state;
    expect("a.example", "", 0);
    assert_int_equal(note("a.example", ONE, 3, 0), E_OK);
    assert_int_equal(note("an origin with blanks", TWO, 9, 0), E_OK);
    expect("a.example", ONE, 3);
    expect("an origin with blanks", TWO, 9);
    expect("an origin", "", 0);
    expect("a.example2", "", 0);
    assert_int_equal(note("a.example", ONE, 5, 0), E_OK);
    assert_int_equal(note("a.example", ONE, 4, 0), E_OK);
    expect("a.example", ONE, 5);
    assert_int_equal(note("a.example", ONE, INT64_C(9007199254740991), 0),
        E_OK);
    expect("a.example", ONE, INT64_C(9007199254740991));
    expect("an origin with blanks", TWO, 9);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void
another_root_key_is_taken_only_if_it_is_named(void **state)
{
    (void)state;
    assert_int_equal(note("a.example", ONE, 3, 0), E_OK);
    assert_int_equal(note("a.example", TWO, 4, 0), E_EXISTS);
    expect("a.example", ONE, 3);
    assert_int_equal(note("a.example", TWO, 1, 1), E_OK);
    expect("a.example", TWO, 1);
}

static void
put(const char *text)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Who damages it must not make an old trust file pass. */
static void
a_damaged_memory_is_no_empty_one(void **state)
{
    static const char *const damaged[] = {"\n", "x\n", ONE, ONE "\n",
        ONE " 3\n", ONE " 3 \n", ONE " 3 a.example", ONE "  3 a.example\n",
        ONE " -3 a.example\n", ONE " 1000000000000000000 a.example\n",
        "G" ONE " 3 a.example\n", ONE "1 3 a.example\n",
        ONE " 3 b.example\nx\n"};
    struct trust_memory memory;
    char why[512];

    (void)state;
    assert_int_equal(note("a.example", ONE, 3, 0), E_OK);
    for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
        put(damaged[i]);
        assert_int_equal(trust_memory_recall("a.example", &memory, why,
            sizeof(why)), E_CORRUPT);
        assert_non_null(strstr(why, file));
        assert_int_equal(note("a.example", ONE, 4, 0), E_CORRUPT);
    }
}

static void
where_nothing_can_be_remembered_it_is_said(void **state)
{
    struct trust_memory memory;
    const char *home = getenv("HOME");
    char path[128], why[512], before[200];

    (void)state;
    (void)snprintf(before, sizeof(before), "%s", home != NULL ? home : "/");
    below("made", path);
    put("");
    assert_int_equal(rename(file, path), 0);    /* a file, not a folder */
    assert_int_equal(setenv("XDG_STATE_HOME", path, 1), 0);
    assert_int_equal(note("a.example", ONE, 3, 0), E_IO);
    assert_int_equal(unsetenv("XDG_STATE_HOME"), 0);
    assert_int_equal(unsetenv("HOME"), 0);
    assert_int_equal(trust_memory_recall("a.example", &memory, why,
        sizeof(why)), E_NOTFOUND);
    assert_int_equal(note("a.example", ONE, 3, 0), E_NOTFOUND);
    assert_int_equal(setenv("HOME", before, 1), 0);
    assert_int_equal(unlink(path), 0);
}

static void
who_holds_the_lock_for_ever_stops_nobody(void **state)
{
    char path[128];
    int fd;

    (void)state;
    assert_int_equal(note("a.example", ONE, 3, 0), E_OK);
    below("a/b/vouch/trust.lock", path);
    assert_true((fd = open(path, O_RDWR)) >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(note("a.example", ONE, 4, 0), E_BUSY);
    expect("a.example", ONE, 3);                /* needs no lock */
    assert_int_equal(close(fd), 0);
    assert_int_equal(note("a.example", ONE, 4, 0), E_OK);
}

/* Each of its own origin: what one has written no other loses. */
static void
many_at_once_lose_nothing(void **state)
{
    pid_t pids[WRITERS];

    (void)state;
    for (int w = 0; w < WRITERS; w++) {
        char origin[32];

        (void)snprintf(origin, sizeof(origin), "%d.example", w);
        assert_true((pids[w] = fork()) >= 0);
        if (pids[w] != 0)
            continue;
        for (int64_t i = 1; i <= ROUNDS; i++)
            if (note(origin, ONE, i, 0) != E_OK)
                _exit(1);
        _exit(0);
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;

        assert_int_equal(waitpid(pids[w], &status, 0), pids[w]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    for (int w = 0; w < WRITERS; w++) {
        char origin[32];

        (void)snprintf(origin, sizeof(origin), "%d.example", w);
        expect(origin, ONE, ROUNDS);
    }
}

/* ---- new files --------------------------------------------------------- */

static void
a_file_that_is_there_is_never_overwritten(void **state)
{
    struct buf text;
    struct stat st;
    char path[128];

    (void)state;
    below("made", path);
    assert_int_equal(new_file_check(path), E_OK);
    assert_int_equal(new_file_write(path, slice_of("first")), E_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(new_file_check(path), E_EXISTS);
    assert_int_equal(new_file_write(path, slice_of("second")), E_EXISTS);
    buf_init(&text, 100);
    assert_int_equal(whole_file_read(path, &text), E_OK);
    assert_true(slice_equal(buf_slice(&text), slice_of("first")));
    assert_int_equal(new_file_replace(path, slice_of("third")), E_OK);
    text.n = 0;
    assert_int_equal(whole_file_read(path, &text), E_OK);
    assert_true(slice_equal(buf_slice(&text), slice_of("third")));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(new_file_check(path), E_EXISTS);
    assert_int_equal(new_file_write(path, slice_of("x")), E_EXISTS);
    assert_int_equal(unlink(path), 0);
    below("no/such/folder", path);
    assert_int_equal(new_file_check(path), E_IO);
    assert_int_equal(new_file_write(path, slice_of("x")), E_IO);
    buf_free(&text);
}

static void
a_file_is_read_up_to_what_there_is_room_for(void **state)
{
    struct buf text;
    char path[128];

    (void)state;
    below("made", path);
    assert_int_equal(new_file_write(path, slice_of("12345")), E_OK);
    buf_init(&text, 5);
    assert_int_equal(whole_file_read(path, &text), E_OK);
    assert_int_equal(text.n, 5);
    buf_free(&text);
    buf_init(&text, 4);
    assert_int_equal(whole_file_read(path, &text), E_TOOBIG);
    buf_free(&text);
    buf_init(&text, 100);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(whole_file_read(path, &text), E_NOTFOUND);
    assert_int_equal(whole_file_read(root, &text), E_IO);
    buf_free(&text);
}

/* ---- memory ------------------------------------------------------------ */

static void
an_allocation_that_fails_is_told(void **state)
{
    int n = 0, fired;

    (void)state;
    assert_int_equal(note("b.example", ONE, 3, 0), E_OK);
    do {
        struct trust_memory memory, seen = {ONE, 10 + n};
        char why[512];
        enum err err;

        fault_arm(n++);
        if ((err = trust_memory_recall("b.example", &memory, why,
            sizeof(why))) == E_OK)
            err = trust_memory_note("a.example", &seen, 0, why, sizeof(why));
        fired = fault_fired();
        fault_arm(-1);
        /* What is only to be on disk for certain is there all the same. */
        assert_true(fired ? err == E_NOMEM || err == E_LOST : err == E_OK);
        if (fired)
            assert_true(why[0] != '\0');
        expect("b.example", ONE, 3);
    } while (fired && n < 100);
    assert_true(n > 3 && n < 100);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(
            the_highest_version_of_each_origin_is_remembered, begin),
        cmocka_unit_test_setup(another_root_key_is_taken_only_if_it_is_named,
            begin),
        cmocka_unit_test_setup(a_damaged_memory_is_no_empty_one, begin),
        cmocka_unit_test_setup(where_nothing_can_be_remembered_it_is_said,
            begin),
        cmocka_unit_test_setup(who_holds_the_lock_for_ever_stops_nobody,
            begin),
        cmocka_unit_test_setup(many_at_once_lose_nothing, begin),
        cmocka_unit_test_setup(a_file_that_is_there_is_never_overwritten,
            begin),
        cmocka_unit_test_setup(a_file_is_read_up_to_what_there_is_room_for,
            begin),
        cmocka_unit_test_setup(an_allocation_that_fails_is_told, begin),
    };

    return (cmocka_run_group_tests_name("trust_memory", tests, setup,
        teardown));
}
