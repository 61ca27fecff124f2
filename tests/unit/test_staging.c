/* Rows that wait, in memory and in the file, and what may befall the file. */

#include "service/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "proto/arena.h"
#include "proto/message.h"
#include "service/staging_file.h"
#include "support/fault.h"

#define KIB ((size_t)1024)
#define CHUNK (64 * KIB)
#define BLOCK (CHUNK - 60)          /* with its count of bytes */
#define STORED (BLOCK + 16)         /* and with its tag */
#define FAMILY "Featherstonehaugh"
#define BIRTH_YEAR 1987

struct world {
    char dir[64];
    struct staging_room room;
    struct staging *rows;
    struct arena *arena;
};

/* ---- what the kernel says --------------------------------------------- */

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __real_pread(int fd, void *p, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *p, size_t n, off_t at);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

static struct {
    int writes_left;        /* before they fail; -1: never */
    int write_errno;
    int reads_left;
    int read_errno;
    size_t most;            /* bytes in one go; 0: as many as are asked for */
    unsigned interrupts;    /* every so many calls; 0: never */
    unsigned calls;
    int no_tmpfile;         /* the errno of it; 0: there are such */
} kernel;

static void
reset_kernel(void)
{
    memset(&kernel, 0, sizeof(kernel));
    kernel.writes_left = kernel.reads_left = -1;
}

static int
is_interrupted(void)
{
    errno = EINTR;
    return (kernel.interrupts != 0 && ++kernel.calls % kernel.interrupts == 0);
}

ssize_t
__wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (is_interrupted())
        return (-1);
    if (kernel.writes_left == 0) {
        errno = kernel.write_errno;
        return (-1);
    }
    kernel.writes_left -= kernel.writes_left > 0;
    return (__real_pwrite(fd, p, kernel.most != 0 && n > kernel.most ?
        kernel.most : n, at));
}

ssize_t
__wrap_pread(int fd, void *p, size_t n, off_t at)
{
    if (is_interrupted())
        return (-1);
    if (kernel.reads_left == 0) {
        errno = kernel.read_errno;
        return (-1);
    }
    kernel.reads_left -= kernel.reads_left > 0;
    return (__real_pread(fd, p, kernel.most != 0 && n > kernel.most ?
        kernel.most : n, at));
}

int
__wrap_open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = va_arg(args, mode_t);
    va_end(args);
    if (kernel.no_tmpfile != 0 && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = kernel.no_tmpfile;
        return (-1);
    }
    return (__real_open(path, flags, mode));
}

/* ---- the world -------------------------------------------------------- */

static int
setup(void **state)
{
    static const char template[] = "/tmp/vouch-staging-XXXXXX";
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    reset_kernel();
    memcpy(w->dir, template, sizeof(template));
    assert_non_null(mkdtemp(w->dir));
    w->room.dir = w->dir;
    w->room.upload_max = 64 * KIB * KIB;
    w->room.upload_memory = 2 * CHUNK;
    w->room.max = 128 * KIB * KIB;
    w->room.memory_max = 1024 * CHUNK;
    assert_int_equal(arena_create(KIB * KIB, &w->arena), E_OK);
    *state = w;
    return (0);
}

static int
teardown(void **state)
{
    struct world *w = *state;

    reset_kernel();
    staging_free(w->rows);
    assert_int_equal(atomic_load(&w->room.held), 0);
    assert_int_equal(atomic_load(&w->room.in_memory), 0);
    arena_free(w->arena);
    assert_int_equal(rmdir(w->dir), 0);     /* nothing was left in it */
    free(w);
    return (0);
}

static enum err
put(struct world *w, int64_t line, enum staging_keep keep)
{
    Vouch__V1__CredentialRow row = VOUCH__V1__CREDENTIAL_ROW__INIT;
    Vouch__V1__HumanName name = VOUCH__V1__HUMAN_NAME__INIT;
    Vouch__V1__Date born = VOUCH__V1__DATE__INIT;
    char number[32], type[] = "ascp-pbt", family[] = FAMILY;
    char given[] = "Marguerite-Louise", last4[] = "4711";

    (void)snprintf(number, sizeof(number), "PBT-%08lld", (long long)line);
    born.year = BIRTH_YEAR;
    born.month = 6;
    born.day = 5;
    name.family = family;
    name.given = given;
    row.line = line;
    row.credential_type_id = type;
    row.number = number;
    row.name = &name;
    row.birth_date = &born;
    row.last4 = last4;
    return (staging_row(w->rows, &row, keep));
}

/* Every third row is rejected: of every other of those the key is kept. */
static enum staging_keep
keep_of(int64_t line)
{
    return (line % 3 != 0 ? STAGING_ROW : line % 2 != 0 ? STAGING_KEY :
        STAGING_NOTHING);
}

static enum err
put_many(struct world *w, int64_t n)
{
    enum err err = E_OK;

    assert_int_equal(staging_create(&w->room, &w->rows), E_OK);
    for (int64_t line = 1; line <= n && err == E_OK; line++)
        err = put(w, line, keep_of(line));
    return (err);
}

static void
check_row(struct world *w, struct slice bytes, int64_t line)
{
    ProtobufCMessage *message;
    Vouch__V1__CredentialRow *row;
    char number[32];

    arena_reset(w->arena);
    assert_int_equal(message_unpack(&vouch__v1__credential_row__descriptor,
        bytes, w->arena, &message), E_OK);
    row = (Vouch__V1__CredentialRow *)(void *)message;
    (void)snprintf(number, sizeof(number), "PBT-%08lld", (long long)line);
    assert_string_equal(row->number, number);
    assert_string_equal(row->credential_type_id, "ascp-pbt");
    if (keep_of(line) == STAGING_KEY) {
        assert_int_equal(row->line, 0);
        assert_null(row->name);
        assert_null(row->birth_date);
        return;
    }
    assert_int_equal(row->line, line);
    assert_string_equal(row->name->family, FAMILY);
    assert_int_equal(row->birth_date->year, BIRTH_YEAR);
}

/* Read all of the first ${n} lines; the error of the first that fails. */
static enum err
read_back(struct world *w, int64_t n)
{
    struct staging_cursor cursor = {0};
    struct slice bytes;
    enum err err;

    for (int64_t line = 1; line <= n; line++) {
        if (keep_of(line) == STAGING_NOTHING)
            continue;
        if ((err = staging_next(w->rows, &cursor, &bytes)) != E_OK)
            return (err);
        assert_non_null(bytes.p);
        check_row(w, bytes, line);
    }
    for (int i = 0; i < 2; i++) {
        if ((err = staging_next(w->rows, &cursor, &bytes)) != E_OK)
            return (err);
        assert_null(bytes.p);
    }
    return (E_OK);
}

/* The descriptor of the file in our folder; -1 if there is none. */
static int
find_file(const struct world *w)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    char path[300], to[300];
    int found = -1;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
        if ((n = readlink(path, to, sizeof(to) - 1)) <= 0)
            continue;
        to[n] = '\0';
        if (strncmp(to, w->dir, strlen(w->dir)) == 0)
            found = (int)strtol(entry->d_name, NULL, 10);
    }
    (void)closedir(dir);
    return (found);
}

/* ---- the tests -------------------------------------------------------- */

#define FEW 500         /* rows that fit in memory */
#define MANY 20000      /* and that do not */

static void
an_empty_one_has_no_rows(void **state)
{
    struct world *w = *state;

    assert_int_equal(put_many(w, 0), E_OK);
    assert_int_equal(read_back(w, 0), E_OK);
}

static void
what_fits_in_memory_needs_no_file(void **state)
{
    struct world *w = *state;

    assert_int_equal(put_many(w, FEW), E_OK);
    assert_int_equal(find_file(w), -1);
    assert_int_equal(read_back(w, FEW), E_OK);
}

static void
what_is_spilled_is_read_in_order_and_again(void **state)
{
    struct world *w = *state;

    assert_int_equal(put_many(w, MANY), E_OK);
    assert_true(find_file(w) >= 0);
    assert_true(atomic_load(&w->room.held) > 16 * CHUNK);
    assert_true(atomic_load(&w->room.in_memory) <= 3 * CHUNK);
    assert_int_equal(read_back(w, MANY), E_OK);
    assert_int_equal(read_back(w, MANY), E_OK);
}

static void
rows_of_every_count_are_read_back(void **state)
{
    struct world *w = *state;

    for (int64_t n = 1; n < 6000; n += 97) {
        assert_int_equal(put_many(w, n), E_OK);
        assert_int_equal(read_back(w, n), E_OK);
        staging_free(w->rows);
        w->rows = NULL;
    }
}

static void
the_hash_does_not_depend_on_where_rows_are(void **state)
{
    struct world *w = *state;
    uint8_t in_memory[STAGING_HASH], in_file[STAGING_HASH];

    assert_int_equal(put_many(w, MANY), E_OK);
    assert_int_equal(staging_hash(w->rows, in_file), E_OK);
    staging_free(w->rows);
    w->room.upload_memory = w->room.upload_max;
    assert_int_equal(put_many(w, MANY), E_OK);
    assert_int_equal(find_file(w), -1);
    assert_int_equal(staging_hash(w->rows, in_memory), E_OK);
    assert_memory_equal(in_memory, in_file, STAGING_HASH);
    assert_int_equal(read_back(w, MANY), E_OK);
}

/* Names and dates come out again, but are nowhere in the file. */
static void
the_file_tells_nothing(void **state)
{
    struct world *w = *state;
    struct stat st;
    uint8_t *bytes;
    int fd;

    assert_int_equal(put_many(w, MANY), E_OK);
    assert_true((fd = find_file(w)) >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_true(st.st_size > (off_t)(16 * STORED));
    assert_int_equal(st.st_size % (off_t)STORED, 0);
    assert_non_null(bytes = malloc((size_t)st.st_size));
    assert_int_equal(__real_pread(fd, bytes, (size_t)st.st_size, 0),
        st.st_size);
    assert_null(memmem(bytes, (size_t)st.st_size, "Feather", 7));
    assert_null(memmem(bytes, (size_t)st.st_size, "PBT-", 4));
    assert_null(memmem(bytes, (size_t)st.st_size, "ascp", 4));
    assert_null(memmem(bytes, (size_t)st.st_size, "4711", 4));
    /* What is sealed twice, alike, is not the same: here, the ends. */
    assert_memory_not_equal(bytes, bytes + STORED, 64);
    free(bytes);
    assert_int_equal(read_back(w, MANY), E_OK);
}

static void
swap_blocks(int fd, off_t a, off_t b)
{
    uint8_t *left = malloc(STORED), *right = malloc(STORED);

    assert_non_null(left);
    assert_non_null(right);
    assert_int_equal(__real_pread(fd, left, STORED, a * (off_t)STORED),
        STORED);
    assert_int_equal(__real_pread(fd, right, STORED, b * (off_t)STORED),
        STORED);
    assert_int_equal(__real_pwrite(fd, left, STORED, b * (off_t)STORED),
        STORED);
    assert_int_equal(__real_pwrite(fd, right, STORED, a * (off_t)STORED),
        STORED);
    free(left);
    free(right);
}

static void
a_changed_file_is_refused(void **state)
{
    static const off_t places[] = {0, 1, (off_t)BLOCK - 1, (off_t)BLOCK,
        (off_t)STORED - 1, 3 * (off_t)STORED + 77};
    struct world *w = *state;
    uint8_t byte;
    int fd;

    assert_int_equal(put_many(w, MANY), E_OK);
    assert_true((fd = find_file(w)) >= 0);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        assert_int_equal(__real_pread(fd, &byte, 1, places[i]), 1);
        byte ^= 0x10;
        assert_int_equal(__real_pwrite(fd, &byte, 1, places[i]), 1);
        assert_int_equal(read_back(w, MANY), E_CORRUPT);
        byte ^= 0x10;
        assert_int_equal(__real_pwrite(fd, &byte, 1, places[i]), 1);
        assert_int_equal(read_back(w, MANY), E_OK);
    }
    swap_blocks(fd, 1, 2);
    assert_int_equal(read_back(w, MANY), E_CORRUPT);
    swap_blocks(fd, 1, 2);
    assert_int_equal(read_back(w, MANY), E_OK);
    assert_int_equal(ftruncate(fd, (off_t)STORED + 100), 0);
    assert_int_equal(read_back(w, MANY), E_CORRUPT);
}

static void
short_and_interrupted_steps_are_completed(void **state)
{
    struct world *w = *state;

    kernel.most = 10007;
    kernel.interrupts = 3;
    assert_int_equal(put_many(w, MANY), E_OK);
    assert_int_equal(read_back(w, MANY), E_OK);
    assert_true(kernel.calls > 100);
}

static void
a_full_disk_ends_the_upload(void **state)
{
    static const struct {
        int number;
        enum err err;
    } faults[] = {{ENOSPC, E_FULL}, {EDQUOT, E_FULL}, {EFBIG, E_FULL},
        {EIO, E_IO}};
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        for (int n = 0; n < 7; n++) {
            kernel.writes_left = n;
            kernel.write_errno = faults[i].number;
            assert_int_equal(put_many(w, MANY), faults[i].err);
            staging_free(w->rows);
            w->rows = NULL;
            assert_int_equal(find_file(w), -1);
        }
    reset_kernel();
    assert_int_equal(put_many(w, MANY), E_OK);
    assert_int_equal(read_back(w, MANY), E_OK);
}

static void
a_file_that_cannot_be_read_is_told(void **state)
{
    struct world *w = *state;

    assert_int_equal(put_many(w, MANY), E_OK);
    for (int n = 0; n < 5; n++) {
        kernel.reads_left = n;
        kernel.read_errno = EIO;
        assert_int_equal(read_back(w, MANY), E_IO);
    }
    reset_kernel();
    assert_int_equal(read_back(w, MANY), E_OK);
}

static void
where_files_must_have_a_name_it_is_taken_away(void **state)
{
    struct world *w = *state;
    struct stat st;

    kernel.no_tmpfile = EOPNOTSUPP;
    assert_int_equal(put_many(w, MANY), E_OK);
    assert_int_equal(fstat(find_file(w), &st), 0);
    assert_int_equal(st.st_nlink, 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(read_back(w, MANY), E_OK);
    staging_free(w->rows);
    w->rows = NULL;
    kernel.no_tmpfile = ENOSPC;
    assert_int_equal(put_many(w, MANY), E_FULL);
    staging_free(w->rows);
    w->rows = NULL;
    reset_kernel();
    w->room.dir = "/nonexistent/folder";
    assert_int_equal(put_many(w, MANY), E_IO);
}

static void
uploads_are_bounded_one_and_all(void **state)
{
    struct world *w = *state;
    struct staging *first;

    w->room.upload_max = 5 * CHUNK;
    assert_int_equal(put_many(w, MANY), E_TOOBIG);
    first = w->rows;
    w->room.max = 7 * CHUNK;
    assert_int_equal(put_many(w, MANY), E_BUSY);
    assert_int_equal(atomic_load(&w->room.held), 7 * CHUNK);
    staging_free(first);
    staging_free(w->rows);
    assert_int_equal(put_many(w, FEW), E_OK);
    assert_int_equal(read_back(w, FEW), E_OK);
}

/* Half of all memory is for first chunks and pages. */
static void
memory_is_shared(void **state)
{
    struct world *w = *state;
    struct staging *others[3];

    w->room.upload_memory = 64 * CHUNK;
    w->room.memory_max = 9 * CHUNK;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(put_many(w, MANY), E_OK);
        others[i] = w->rows;
    }
    assert_int_equal(read_back(w, MANY), E_OK);
    assert_int_equal(atomic_load(&w->room.in_memory), 9 * CHUNK);
    assert_int_equal(put_many(w, 1), E_BUSY);
    for (size_t i = 0; i < 3; i++)
        staging_free(others[i]);
}

static void
every_allocation_may_fail(void **state)
{
    struct world *w = *state;
    enum err err = E_NOMEM;
    int n;

    for (n = 0; n < 1000 && err != E_OK; n++) {
        fault_arm(n);
        if ((err = staging_create(&w->room, &w->rows)) == E_OK)
            for (int64_t line = 1; line <= 3000 && err == E_OK; line++)
                err = put(w, line, keep_of(line));
        fault_arm(-1);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        staging_free(w->rows);
        w->rows = NULL;
        assert_int_equal(atomic_load(&w->room.held), 0);
        assert_int_equal(atomic_load(&w->room.in_memory), 0);
    }
    assert_true(n > 4);
    assert_int_equal(read_back(w, 3000), E_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(an_empty_one_has_no_rows),
        TEST(what_fits_in_memory_needs_no_file),
        TEST(what_is_spilled_is_read_in_order_and_again),
        TEST(rows_of_every_count_are_read_back),
        TEST(the_hash_does_not_depend_on_where_rows_are),
        TEST(the_file_tells_nothing),
        TEST(a_changed_file_is_refused),
        TEST(short_and_interrupted_steps_are_completed),
        TEST(a_full_disk_ends_the_upload),
        TEST(a_file_that_cannot_be_read_is_told),
        TEST(where_files_must_have_a_name_it_is_taken_away),
        TEST(uploads_are_bounded_one_and_all),
        TEST(memory_is_shared),
        TEST(every_allocation_may_fail),
    };

    log_set_level(LOG_ERROR);
    return (cmocka_run_group_tests(tests, NULL, NULL));
}
