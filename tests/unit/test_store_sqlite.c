/*
 * What is particular to the store in a SQLite file: what it refuses to open,
 * who may read it, and what happens when disk or memory fail.
 */

#include <errno.h>
#include <malloc.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/log.h"
#include "store/store.h"
#include "support/fault.h"
#include "support/store_fixture.h"

static const struct store_place ann = {"abc", "1001", {1}};

/* ---- a disk that fails ------------------------------------------------- */

static atomic_int syncs;        /* how many there were */
static atomic_int syncs_fail;
static atomic_int writes_left = -1; /* until each fails; -1: none does */
static atomic_int write_errno;

/* SQLite finds these before those of libc. */
int fsync(int fd);
int fdatasync(int fd);
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at);

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
    int left = n > 1 ? atomic_load(&writes_left) : -1;

    /* One byte is how the log's index in shared memory gets its size. */
    if (left > 0)
        atomic_store(&writes_left, left - 1);
    if (left == 0) {
        if (atomic_load(&write_errno) == ENOSPC)
            (void)syscall(SYS_pwrite64, fd, p, n / 2, at);
        errno = atomic_load(&write_errno);
        return (-1);
    }
    return ((ssize_t)syscall(SYS_pwrite64, fd, p, n, at));
}

static void
fail_writes(int after, int error)
{
    atomic_store(&write_errno, error);
    atomic_store(&writes_left, after);
}

static int
sync_or_fail(long number, int fd)
{
    atomic_fetch_add(&syncs, 1);
    if (atomic_load(&syncs_fail)) {
        errno = EIO;
        return (-1);
    }
    return ((int)syscall(number, fd));
}

int
fsync(int fd)
{
    return (sync_or_fail(SYS_fsync, fd));
}

int
fdatasync(int fd)
{
    return (sync_or_fail(SYS_fdatasync, fd));
}

/* ---- opening ----------------------------------------------------------- */

static const char *
path_of(const struct fixture *f)
{
    return (f->dsn + strlen("sqlite:"));
}

static enum err
try_open(const char *dsn, int create)
{
    struct store_options options = {.dsn = dsn, .group_max = 1,
        .create = create, .migrate = 1, .grow = fixture_grow};
    struct store *store;
    char why[512];
    enum err err;

    err = store_open(&options, &store, why, sizeof(why));
    assert_true((err == E_OK) == (store != NULL));
    assert_true((err == E_OK) == (why[0] == '\0'));
    store_close(store);
    return (err);
}

/* Change the file behind the store's back. */
static void
meddle(const struct fixture *f, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path_of(f), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
a_file_that_is_no_store_of_ours_is_refused(void **state)
{
    static const struct {
        const char *sql;
        enum err want;
    } changes[] = {
        {"PRAGMA user_version = 4", E_NEWER},
        {"PRAGMA user_version = 2000000000", E_NEWER},
        {"PRAGMA user_version = 0", E_CORRUPT},
        {"PRAGMA user_version = 3; PRAGMA application_id = 0", E_CORRUPT},
        {"PRAGMA application_id = 1", E_CORRUPT},
        {"PRAGMA user_version = 0; PRAGMA application_id = 0", E_CORRUPT},
    };
    struct fixture *f = *state;

    fixture_close(f);
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        meddle(f, changes[i].sql);
        assert_int_equal(try_open(f->dsn, 1), changes[i].want);
        meddle(f, "PRAGMA user_version = 3;"
            "PRAGMA application_id = 1987016035");
        assert_int_equal(try_open(f->dsn, 0), E_OK);
    }
}

/* As schema 2 was, and schema 1. */
#define UNDO_3 "DROP TABLE log_head; PRAGMA user_version = 2"
#define UNDO_2 UNDO_3 ";"                                               \
    "DROP INDEX publication_recorded; DROP INDEX publication_recorded_all;" \
    "DROP INDEX publication_events; DROP TABLE credential;"             \
    "DROP TABLE tally; DROP TABLE listing; DROP TABLE derived;"         \
    "ALTER TABLE publication DROP COLUMN count_not_listed;"             \
    "ALTER TABLE publication DROP COLUMN ending_withheld;"              \
    "ALTER TABLE publication DROP COLUMN snapshot_types;"               \
    "PRAGMA user_version = 1"

static void
an_older_schema_is_brought_up_to_date(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    meddle(f, UNDO_2);
    assert_int_equal(try_open(f->dsn, 0), E_OK);
    meddle(f, UNDO_2);      /* which fails if it was not */
    assert_int_equal(try_open(f->dsn, 0), E_OK);
}

static enum err append_much(struct store_txn *txn, void *cookie);

static struct store_head
read_head(const struct fixture *f)
{
    struct store_head head;

    assert_int_equal(store_reader_head(f->reader, &head), E_OK);
    return (head);
}

/* From schema 2, and where the schema is newer than the entries' head. */
static void
the_head_of_an_older_store_is_made_from_its_entries(void **state)
{
    static const char *const undo[] = {UNDO_3, "DELETE FROM log_head"};
    struct fixture *f = *state;
    struct store_head before, after;

    for (size_t i = 0; i < sizeof(undo) / sizeof(undo[0]); i++) {
        for (int k = 0; k < 6; k++)
            assert_int_equal(fixture_do(f, append_much, NULL), E_OK);
        before = read_head(f);
        fixture_close(f);
        meddle(f, undo[i]);
        fixture_open(f);
        after = read_head(f);
        assert_int_equal(after.size, 600 * (int64_t)(i + 1));
        assert_memory_equal(&before, &after, sizeof(before));
    }
}

static void
a_head_of_another_log_is_refused(void **state)
{
    static const struct {
        const char *harm, *mend, *why;
    } harms[] = {
        {"UPDATE log_head SET size = size + 1",
            "UPDATE log_head SET size = size - 1", "head is of 101"},
        {"UPDATE log_head SET size = size - 1",
            "UPDATE log_head SET size = size + 1", "head is of 99"},
        {"UPDATE log SET log_index = 100 WHERE log_index = 99",
            "UPDATE log SET log_index = 99 WHERE log_index = 100",
            "101 entries"},
        {"CREATE TABLE kept AS SELECT * FROM log_head;"
            "UPDATE log_head SET root = zeroblob(32)",
            "UPDATE log_head SET root = (SELECT root FROM kept)",
            "disagrees with itself"},
        {"UPDATE log_head SET frontier = x'00'",
            "UPDATE log_head SET frontier = (SELECT frontier FROM kept)",
            "disagrees with itself"},
    };
    struct store_options options = {.group_max = 1, .migrate = 1,
        .grow = fixture_grow};
    struct fixture *f = *state;
    struct store *store;
    char why[256];

    assert_int_equal(fixture_do(f, append_much, NULL), E_OK);
    fixture_close(f);
    options.dsn = f->dsn;
    for (size_t i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
        meddle(f, harms[i].harm);
        assert_int_equal(store_open(&options, &store, why, sizeof(why)),
            E_CORRUPT);
        assert_null(store);
        assert_non_null(strstr(why, path_of(f)));
        if (strstr(why, harms[i].why) == NULL)
            fail_msg("%s: %s", harms[i].harm, why);
        meddle(f, harms[i].mend);
        assert_int_equal(try_open(f->dsn, 0), E_OK);
    }
}

static enum err
derive_head(struct store_txn *txn, void *cookie)
{
    return (store_txn_derive_head(txn, cookie));
}

/* That cannot be seen without reading all of them. */
static void
an_entry_that_was_changed_is_seen_when_the_head_is_made_anew(void **state)
{
    struct fixture *f = *state;
    struct store_head before, after;
    int differs;

    assert_int_equal(fixture_do(f, append_much, NULL), E_OK);
    before = read_head(f);
    fixture_close(f);
    meddle(f, "UPDATE log SET leaf = zeroblob(32) WHERE log_index = 7");
    fixture_open(f);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(fixture_do(f, derive_head, &differs), E_OK);
        assert_int_equal(differs, round == 0);
        after = read_head(f);
        assert_int_equal(after.size, 100);
        assert_memory_not_equal(before.root, after.root, STORE_ROOT);
    }

    fixture_close(f);
    meddle(f, "DELETE FROM log WHERE log_index = 7");
    fixture_open(f);
    assert_int_equal(fixture_do(f, derive_head, &differs), E_CORRUPT);
    meddle(f, "DELETE FROM log_head");
    assert_int_equal(store_reader_head(f->reader, &after), E_CORRUPT);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").err, E_CORRUPT);
    assert_int_equal(fixture_do(f, append_much, NULL), E_CORRUPT);
}

static void
write_file(const struct fixture *f, const char *text)
{
    FILE *file = fopen(path_of(f), "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void
an_empty_file_is_made_a_store_and_another_is_not(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    assert_int_equal(unlink(path_of(f)), 0);
    assert_int_equal(try_open(f->dsn, 0), E_NOTFOUND);
    assert_int_equal(access(path_of(f), F_OK), -1);
    write_file(f, "");
    assert_int_equal(try_open(f->dsn, 0), E_NOTFOUND);
    assert_int_equal(try_open(f->dsn, 1), E_OK);
    write_file(f, "This is a letter, and longer than the header of a file "
        "that belongs to SQLite, which is a hundred bytes long.");
    assert_int_equal(try_open(f->dsn, 1), E_CORRUPT);
    assert_int_equal(try_open("sqlite:", 1), E_INVAL);
    assert_int_equal(try_open("sqlite:/nowhere/at/all/store.db", 1), E_IO);
    assert_int_equal(try_open("sqlite:/nowhere/at/all/store.db", 0),
        E_NOTFOUND);
}

static enum err
append_one(struct store_txn *txn, void *cookie)
{
    (void)cookie;
    return (fixture_event(txn, &ann, "x"));
}

static void
nobody_else_may_read_the_files(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock"};
    struct fixture *f = *state;
    mode_t before = umask(0);
    char path[300];
    struct stat st;

    fixture_close(f);
    assert_int_equal(unlink(path_of(f)), 0);
    (void)snprintf(path, sizeof(path), "%s.lock", path_of(f));
    assert_int_equal(unlink(path), 0);
    fixture_open(f);
    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", path_of(f), ends[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    (void)umask(before);
}

static enum err
note_entry(void *cookie, const struct store_entry *entry)
{
    *(int64_t *)cookie = entry->log_index;
    return (E_OK);
}

static void
note_err(void *cookie, enum err err)
{
    (void)cookie;
    assert_int_equal(err, E_CORRUPT);
}

static void
a_gap_in_the_log_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct store_request *request;
    int64_t last = -1;

    for (int i = 0; i < 4; i++)
        assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    fixture_close(f);
    meddle(f, "DELETE FROM log WHERE log_index = 2");
    fixture_open(f);
    assert_int_equal(store_read_entries(f->reader, 0, 10, note_entry,
        note_err, &last, &request), E_OK);
    assert_int_equal(last, 1);
}

/* ---- when the disk fails ----------------------------------------------- */

static void
nothing_is_acknowledged_before_it_is_synced(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 5; i++) {
        int before = atomic_load(&syncs);

        assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
        assert_true(atomic_load(&syncs) > before);
    }
}

static void
a_failed_commit_ends_all_writing(void **state)
{
    struct fixture *f = *state;
    struct fixture_found found;
    enum err err;

    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    atomic_store(&syncs_fail, 1);
    err = fixture_do(f, append_one, NULL);
    atomic_store(&syncs_fail, 0);
    assert_int_equal(err, E_LOST);
    assert_int_equal(atomic_load(&f->lost), 1);
    assert_int_equal(fixture_do(f, append_one, NULL), E_IO);
    assert_int_equal(fixture_do(f, append_one, NULL), E_IO);
    assert_int_equal(atomic_load(&f->lost), 1);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 1);

    /* Now it may be there or not, but nothing behind it is. */
    fixture_close(f);
    fixture_open(f);
    found = fixture_lookup(f->reader, "abc", "1001");
    assert_int_equal(found.err, E_OK);
    assert_true(found.nversions == 1 || found.nversions == 2);
    assert_int_equal(found.log_size, (int64_t)found.nversions);
    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size,
        found.log_size + 1);
}

static void
a_store_that_cannot_be_synced_is_not_opened(void **state)
{
    struct fixture *f = *state;
    enum err err;

    /* After a failed commit the write-ahead log is left for the next open. */
    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    atomic_store(&syncs_fail, 1);
    assert_int_equal(fixture_do(f, append_one, NULL), E_LOST);
    fixture_close(f);
    err = try_open(f->dsn, 0);
    atomic_store(&syncs_fail, 0);
    assert_int_equal(err, E_IO);
    assert_int_equal(try_open(f->dsn, 0), E_OK);
}

static enum err
read_nothing(struct store_txn *txn, void *cookie)
{
    (void)txn, (void)cookie;
    return (E_OK);
}

static enum err
append_much(struct store_txn *txn, void *cookie)
{
    static char text[STORE_EVENT_MAX];
    enum err err;

    (void)cookie;
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 100; i++)
        if ((err = fixture_append(txn, LEAF_EVENT, text)) != E_OK)
            return (err);
    return (E_OK);
}

static void
the_write_ahead_log_does_not_grow_for_ever(void **state)
{
    struct fixture *f = *state;
    char path[300];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s-wal", path_of(f));
    for (int i = 0; i < 8; i++)
        assert_int_equal(fixture_do(f, append_much, NULL), E_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < 3 * 100 * STORE_EVENT_MAX);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size, 800);
}

/* ---- when the disk is full --------------------------------------------- */

static void
copy(const struct fixture *f, const char *suffix)
{
    char from[300], to[300], bytes[65536];
    FILE *in, *out;
    size_t n;

    (void)snprintf(from, sizeof(from), "%s%s", path_of(f), suffix);
    (void)snprintf(to, sizeof(to), "%s.copy%s", path_of(f), suffix);
    assert_non_null(in = fopen(from, "rb"));
    assert_non_null(out = fopen(to, "wb"));
    while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
        assert_int_equal(fwrite(bytes, 1, n, out), n);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(in), 0);
}

/* The entries that a daemon would find which began where this one is. */
static int64_t
size_after_a_crash(const struct fixture *f)
{
    sqlite3_stmt *count = NULL;
    sqlite3 *db = NULL;
    char path[300];
    int64_t n;

    copy(f, "");
    copy(f, "-wal");
    (void)snprintf(path, sizeof(path), "%s.copy", path_of(f));
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM log", -1,
        &count, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    n = sqlite3_column_int64(count, 0);
    assert_int_equal(sqlite3_finalize(count), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(unlink(path), 0);
    return (n);
}

/* Write with room for ${n} writes; return whether that was not too much. */
static int
fill_up(struct fixture *f, enum err (*run)(struct store_txn *, void *),
    int n, int *full)
{
    int64_t size = fixture_lookup(f->reader, "abc", "1001").log_size;
    enum err err;
    int fired;

    fail_writes(n, ENOSPC);
    err = fixture_do(f, run, NULL);
    /* What is due after the commit comes before the next group. */
    if (err == E_OK && atomic_load(&writes_left) != 0)
        err = fixture_do(f, read_nothing, NULL);
    fired = atomic_load(&writes_left) == 0;
    fail_writes(-1, 0);
    if (fired && err == E_FULL) {
        (*full)++;
        assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size,
            size);
        assert_int_equal(size_after_a_crash(f), size);
    } else {
        assert_int_equal(err, E_OK);
    }
    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    assert_true(fixture_lookup(f->reader, "abc", "1001").log_size > size);
    assert_int_equal(atomic_load(&f->lost), 0);
    return (fired);
}

static void
a_full_disk_undoes_a_job_and_takes_the_next_when_there_is_room(void **state)
{
    struct fixture *f = *state;
    int full = 0, n = 0;

    while (fill_up(f, append_one, n, &full))
        assert_in_range(++n, 1, 500);
    assert_int_equal(full, n - 1);      /* the last just had its room */
    assert_in_range(full, 4, 500);
}

static void
a_full_disk_may_stop_what_is_due_after_a_commit(void **state)
{
    struct fixture *f = *state;
    int full = 0, n = 0;

    /* 1,600 pages into the log, and then into the database. */
    while (fill_up(f, append_much, n, &full))
        assert_in_range(n += 229, 1, 20000);
    assert_in_range(n / 229 - full, 3, n / 229);    /* the others: after it */
    assert_true(full > 3);
}

/* More than the cache holds: it is written to the log before the commit. */
static enum err
append_too_much(struct store_txn *txn, void *cookie)
{
    int *rounds = cookie;
    enum err err = E_OK;

    for (*rounds = 0; *rounds < 12 && err == E_OK; (*rounds)++)
        err = append_much(txn, NULL);
    return (err);
}

static void
a_full_disk_may_end_a_job_in_its_midst(void **state)
{
    struct fixture *f = *state;
    int rounds = 0;

    fail_writes(100, ENOSPC);
    assert_int_equal(fixture_do(f, append_too_much, &rounds), E_FULL);
    fail_writes(-1, 0);
    assert_in_range(rounds, 5, 11);
    assert_int_equal(size_after_a_crash(f), 0);
    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size, 1);
    assert_int_equal(atomic_load(&f->lost), 0);
}

/* What was not committed is known not to be there. */
static void
an_fsync_that_fails_within_a_job_ends_all_writing(void **state)
{
    struct fixture *f = *state;
    int rounds = 0;

    /* One that is opened begins its log anew, and syncs that before more. */
    fixture_close(f);
    fixture_open(f);
    atomic_store(&syncs_fail, 1);
    assert_int_equal(fixture_do(f, append_too_much, &rounds), E_IO);
    atomic_store(&syncs_fail, 0);
    assert_in_range(rounds, 5, 11);
    assert_int_equal(atomic_load(&f->lost), 1);
    assert_int_equal(fixture_do(f, append_one, NULL), E_IO);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size, 0);
    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
}

static void
a_write_that_fails_otherwise_ends_all_writing(void **state)
{
    struct fixture *f = *state;
    enum err err;

    fail_writes(3, EIO);
    err = fixture_do(f, append_one, NULL);
    fail_writes(-1, 0);
    assert_true(err == E_LOST || err == E_IO);
    assert_int_equal(atomic_load(&f->lost), 1);
    assert_int_equal(fixture_do(f, append_one, NULL), E_IO);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
}

/* It is read as it is, and written to when there is room. */
static void
a_store_on_a_full_disk_opens(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    atomic_store(&syncs_fail, 1);
    assert_int_equal(fixture_do(f, append_one, NULL), E_LOST);
    atomic_store(&syncs_fail, 0);
    fixture_close(f);           /* and its log stays */

    fail_writes(0, ENOSPC);
    fixture_open(f);
    assert_in_range(fixture_lookup(f->reader, "abc", "1001").log_size, 1, 2);
    assert_int_equal(fixture_do(f, append_one, NULL), E_FULL);
    fail_writes(-1, 0);
    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    assert_in_range(fixture_lookup(f->reader, "abc", "1001").log_size, 2, 3);
}

/* ---- when memory fails ------------------------------------------------- */

#define ALLOCATIONS_MAX 20000   /* more than anything here makes */

/*
 * SQLite allocates by way of this file's malloc(), which fault.h can make
 * fail, as it cannot within a shared library; or, while it is spared, by way
 * of the real one, and then the allocations that fail are the store's own.
 */
void *__real_malloc(size_t n);
void *__real_realloc(void *p, size_t n);

static atomic_int sqlite_spared;

static void *
memory_get(int n)
{
    return (atomic_load(&sqlite_spared) ? __real_malloc((size_t)n) :
        malloc((size_t)n));
}

static void *
memory_resize(void *p, int n)
{
    return (atomic_load(&sqlite_spared) ? __real_realloc(p, (size_t)n) :
        realloc(p, (size_t)n));
}

static int
memory_size(void *p)
{
    return (p == NULL ? 0 : (int)malloc_usable_size(p));
}

static int
memory_roundup(int n)
{
    return ((n + 7) & ~7);
}

static int
memory_init(void *cookie)
{
    (void)cookie;
    return (SQLITE_OK);
}

static void
memory_end(void *cookie)
{
    (void)cookie;
}

static const sqlite3_mem_methods memory = {memory_get, free, memory_resize,
    memory_size, memory_roundup, memory_init, memory_end, NULL};

/* Open store and reader with allocation ${n} failing; was there one? */
static int
open_without(const struct fixture *f, int n, int create, int *failed)
{
    struct store_options options = {.dsn = f->dsn, .group_max = 1,
        .create = create, .migrate = 1, .grow = fixture_grow};
    struct store_reader *reader = NULL;
    struct store *store;
    char why[512];
    enum err err;
    int fired;

    if (create)
        (void)unlink(path_of(f));
    fault_arm(n);
    err = store_open(&options, &store, why, sizeof(why));
    if (err == E_OK)
        err = store_reader_open(store, &reader);
    fired = fault_fired();
    fault_arm(-1);
    if (err != E_OK && (err != E_NOMEM || !fired))
        fail_msg("allocation %d: %s: %s", n, err_name(err), why);
    *failed += err == E_NOMEM;
    store_reader_close(reader);
    store_close(store);

    /* Whatever was half made is no obstacle to the next one. */
    if (n % 16 == 0)
        assert_int_equal(try_open(f->dsn, 1), E_OK);
    return (fired);
}

/* Fail one allocation after the other; return how many there are. */
static int
open_without_each(const struct fixture *f, int create, int step, int *failed)
{
    int n;

    *failed = 0;
    for (n = 0; n < ALLOCATIONS_MAX; n += n < 100 ? 1 : step)
        if (!open_without(f, n, create, failed))
            break;
    return (n);
}

/*
 * Each allocation of our own; and of those of SQLite, which makes thousands
 * while it parses one statement after the other, at least every seventh.
 */
static void
opening_survives_allocation_failures(void **state)
{
    struct fixture *f = *state;
    int failed, n;

    fixture_close(f);
    for (int create = 1; create >= 0; create--) {
        atomic_store(&sqlite_spared, 1);
        n = open_without_each(f, create, 1, &failed);
        atomic_store(&sqlite_spared, 0);
        assert_in_range(n, 5, 100);
        assert_int_equal(failed, n);

        n = open_without_each(f, create, 7, &failed);
        assert_in_range(n, 400, ALLOCATIONS_MAX - 1);
        assert_true(failed > 150);
    }
    fixture_open(f);
}

/* Nothing is half brought up to date: the next one begins from either end. */
static void
a_migration_survives_allocation_failures(void **state)
{
    struct fixture *f = *state;
    struct store_head before, after;
    int failed = 0, fired = 1;

    assert_int_equal(fixture_do(f, append_much, NULL), E_OK);
    before = read_head(f);
    for (int n = 0; fired && n < ALLOCATIONS_MAX; n += n < 100 ? 1 : 13) {
        fixture_close(f);
        meddle(f, UNDO_3);
        fired = open_without(f, n, 0, &failed);
        fixture_open(f);
        after = read_head(f);
        assert_memory_equal(&before, &after, sizeof(before));
    }
    assert_false(fired);
    assert_true(failed > 100);
}

/*
 * In one view, look up with allocation ${n} failing, then once more: that may
 * no longer be answered, but never from another view.
 */
static int
look_without(struct fixture *f, int n, int *failed)
{
    struct fixture_found first, second;
    int fired;

    store_reader_close(f->reader);
    assert_int_equal(store_reader_open(f->store, &f->reader), E_OK);
    fault_arm(n);
    if (store_reader_begin(f->reader) != E_OK) {
        fault_arm(-1);
        (*failed)++;
        return (1);
    }
    first = fixture_lookup(f->reader, "abc", "1001");
    fired = fault_fired();
    fault_arm(-1);
    second = fixture_lookup(f->reader, "abc", "1001");
    store_reader_end(f->reader);

    assert_true(first.err == E_OK || (first.err == E_NOMEM && fired));
    assert_true(second.err == E_OK ||
        (second.err == E_IO && first.err == E_NOMEM));
    *failed += first.err == E_NOMEM;

    assert_int_equal(store_reader_begin(f->reader), E_OK);
    second = fixture_lookup(f->reader, "abc", "1001");
    store_reader_end(f->reader);
    assert_int_equal(second.err, E_OK);
    assert_int_equal(second.nversions, 1);
    return (fired);
}

static void
a_lookup_survives_every_allocation_failure(void **state)
{
    struct fixture *f = *state;
    int failed = 0, n;

    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    for (n = 0; n < ALLOCATIONS_MAX; n++)
        if (!look_without(f, n, &failed))
            break;
    assert_in_range(n, 3, ALLOCATIONS_MAX - 1);
    assert_true(failed > 2);
}

struct faulty {
    int n;
    int fired;
};

static enum err
everything(struct store_txn *txn)
{
    struct store_publication upload = {.association = "abc"}, found;
    struct store_source source = {1, 2, 3};
    uint8_t digest[32];
    enum err err;

    upload.id[0] = upload.request_id[0] =
        (uint8_t)(1 + store_txn_next_index(txn));
    if ((err = fixture_event(txn, &ann, "x")) != E_OK ||
        (err = store_txn_put_source(txn, "abc", &source)) != E_OK ||
        (err = store_txn_find_source(txn, "abc", &source)) != E_OK ||
        (err = store_txn_put_publication(txn, &upload)) != E_OK ||
        (err = store_txn_find_publication(txn, "abc", upload.request_id,
        &found)) != E_OK)
        return (err);
    return (store_txn_digest_index(txn, digest));
}

static enum err
run_faulty(struct store_txn *txn, void *cookie)
{
    struct faulty *faulty = cookie;
    enum err err;

    fault_arm(faulty->n);
    err = everything(txn);
    faulty->fired = fault_fired();
    fault_arm(-1);

    /* After that, nothing of this job can take hold on its own. */
    if (err == E_NOMEM) {
        assert_int_equal(append_one(txn, NULL), E_NOMEM);
        return (E_OK);
    }
    return (err);
}

/*
 * Pages are cached, so that a job that follows another needs little memory: a
 * store that was just opened needs the most.
 */
static void
a_job_survives_every_allocation_failure(void **state)
{
    struct fixture *f = *state;
    struct faulty faulty = {.fired = 1};
    int64_t size = 0;
    int failed = 0;

    for (faulty.n = 0; faulty.fired && faulty.n < ALLOCATIONS_MAX; faulty.n++) {
        enum err err;

        fixture_close(f);
        fixture_open(f);
        err = fixture_do(f, run_faulty, &faulty);
        assert_true(err == E_OK || (err == E_NOMEM && faulty.fired));
        size += err == E_OK;
        failed += err == E_NOMEM;
        assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size,
            size);
        assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions,
            size);
    }
    assert_false(faulty.fired);
    assert_true(failed > 3);
}

/* A job after which memory fails: with its head, and with the commit. */
struct failing_after {
    struct store_job job;
    struct fixture *f;
    int n, fired;
    enum err outcome;
};

static enum err
run_then_fail(struct store_txn *txn, void *cookie)
{
    enum err err = append_one(txn, NULL);

    fault_arm(((struct failing_after *)cookie)->n);
    return (err);
}

/* On the writer's thread: up to here it went on. */
static void
end_of_failing(void *target, void (*fn)(void *cookie), void *cookie)
{
    struct failing_after *after = target;
    struct store_post post = fixture_post(after->f);

    after->fired = fault_fired();
    fault_arm(-1);
    post.post(post.target, fn, cookie);
}

static void
note_failing(void *cookie, enum err err)
{
    ((struct failing_after *)cookie)->outcome = err;
}

static void
keeping_the_head_survives_every_allocation_failure(void **state)
{
    struct fixture *f = *state;
    struct failing_after after = {.f = f, .fired = 1, .job = {
        .run = run_then_fail, .done = note_failing, .cookie = &after,
        .post = {end_of_failing, &after}}};
    int64_t size = 0;
    int failed = 0;

    for (after.n = 0; after.fired && after.n < ALLOCATIONS_MAX; after.n++) {
        enum err err;

        fixture_close(f);
        fixture_open(f);
        store_submit(f->store, &after.job);
        fixture_run(f);
        err = after.outcome;
        if (err != E_OK &&
            (!after.fired || (err != E_NOMEM && err != E_LOST)))
            fail_msg("allocation %d: %s", after.n, err_name(err));
        failed += err != E_OK;

        /* Both or neither: else it would not open. */
        fixture_close(f);
        fixture_open(f);
        assert_in_range(read_head(f).size - size, err == E_OK,
            err != E_NOMEM);
        size = read_head(f).size;
        assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions,
            size < STORE_VERSIONS_MAX ? size : STORE_VERSIONS_MAX);
    }
    assert_false(after.fired);
    assert_true(failed > 0);
}

/* A job of a group, and what became of it. */
struct member {
    struct store_job job;
    enum err outcome;
    sem_t reached, go;      /* of the one that waits */
};

static enum err
hold_writer(struct store_txn *txn, void *cookie)
{
    struct member *m = cookie;

    (void)sem_post(&m->reached);
    (void)sem_wait(&m->go);
    return (append_one(txn, NULL));
}

static void
note_outcome(void *cookie, enum err err)
{
    ((struct member *)cookie)->outcome = err;
}

static enum err
exhaust(struct store_txn *txn, void *cookie)
{
    enum err err;

    (void)cookie;
    fault_arm(0);
    err = append_much(txn, NULL);
    fault_arm(-1);
    return (err);
}

/*
 * Out of memory, SQLite undoes the transaction as a whole.  Then the jobs
 * before must not be told that they succeeded, and those after still run.
 */
static void
a_lost_transaction_acknowledges_nothing(void **state)
{
    static enum err (*const runs[])(struct store_txn *, void *) = {
        hold_writer, append_one, append_one, exhaust, append_one};
    static const enum err want[] = {E_OK, E_BUSY, E_BUSY, E_NOMEM, E_OK};
    struct fixture *f = *state;
    struct member m[5];

    assert_int_equal(sem_init(&m[0].reached, 0, 0), 0);
    assert_int_equal(sem_init(&m[0].go, 0, 0), 0);
    for (int i = 0; i < 5; i++) {
        m[i].job = (struct store_job){.run = runs[i], .done = note_outcome,
            .cookie = &m[i], .post = fixture_post(f)};
        store_submit(f->store, &m[i].job);
        if (i == 0)
            (void)sem_wait(&m[0].reached);
    }
    (void)sem_post(&m[0].go);
    for (int i = 0; i < 5; i++)
        fixture_run(f);
    (void)sem_destroy(&m[0].go);
    (void)sem_destroy(&m[0].reached);

    for (int i = 0; i < 5; i++)
        assert_int_equal(m[i].outcome, want[i]);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size, 2);
    assert_int_equal(fixture_do(f, append_one, NULL), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size, 3);
}

#define ON(test)                                                        \
    {#test, test, fixture_set_up, fixture_tear_down,                    \
        (void *)(uintptr_t)&store_kind_sqlite}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        ON(a_file_that_is_no_store_of_ours_is_refused),
        ON(an_older_schema_is_brought_up_to_date),
        ON(the_head_of_an_older_store_is_made_from_its_entries),
        ON(a_head_of_another_log_is_refused),
        ON(an_entry_that_was_changed_is_seen_when_the_head_is_made_anew),
        ON(an_empty_file_is_made_a_store_and_another_is_not),
        ON(nobody_else_may_read_the_files),
        ON(a_gap_in_the_log_is_noticed),
        ON(nothing_is_acknowledged_before_it_is_synced),
        ON(a_failed_commit_ends_all_writing),
        ON(a_full_disk_undoes_a_job_and_takes_the_next_when_there_is_room),
        ON(a_full_disk_may_stop_what_is_due_after_a_commit),
        ON(a_full_disk_may_end_a_job_in_its_midst),
        ON(an_fsync_that_fails_within_a_job_ends_all_writing),
        ON(a_write_that_fails_otherwise_ends_all_writing),
        ON(a_store_on_a_full_disk_opens),
        ON(a_store_that_cannot_be_synced_is_not_opened),
        ON(the_write_ahead_log_does_not_grow_for_ever),
        ON(opening_survives_allocation_failures),
        ON(a_migration_survives_allocation_failures),
        ON(a_lookup_survives_every_allocation_failure),
        ON(a_job_survives_every_allocation_failure),
        ON(keeping_the_head_survives_every_allocation_failure),
        ON(a_lost_transaction_acknowledges_nothing),
    };

    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) != SQLITE_OK)
        return (1);
    return (cmocka_run_group_tests_name("store_sqlite", tests, NULL, NULL));
}
