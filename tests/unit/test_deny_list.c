#include "revocation/deny_list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/plain_file.h"
#include "revocation/deny_file.h"
#include "support/fault.h"

#define DOMAIN "vouch.example.org"
#define URI(id) "spiffe://" DOMAIN "/employer/" id
#define KEY "00112233445566778899aabbccddeeff" \
    "00112233445566778899aabbccddeeff"

ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

/* The disk; each is said once. */
static int write_fails, fsync_fails, fsync_fails_after, rename_fails;

ssize_t
__wrap_write(int fd, const void *bytes, size_t n)
{
    if (write_fails != 0) {
        errno = write_fails;
        return (-1);
    }
    return (__real_write(fd, bytes, n));
}

int
__wrap_fsync(int fd)
{
    if (fsync_fails != 0 && fsync_fails_after-- <= 0) {
        errno = fsync_fails;
        return (-1);
    }
    return (__real_fsync(fd));
}

int
__wrap_rename(const char *from, const char *to)
{
    if (rename_fails != 0) {
        errno = rename_fails;
        return (-1);
    }
    return (__real_rename(from, to));
}

static struct deny_list *
list_of(const char *text)
{
    struct deny_list *list;
    char why[256];

    if (deny_list_create(slice_of(text), DOMAIN, &list, why, sizeof(why)) !=
        E_OK)
        fail_msg("%s", why);
    return (list);
}

static void
entries_are_found_by_what_they_deny(void **state)
{
    struct deny_list *list = list_of(
        "# the list\n"
        "\n"
        "  \t\n"
        "serial employer 0A\n"
        "serial admin 0B leaver\n"
        "key " KEY "\n"
        "  # more\n"
        "identity " URI("acme") "\n"
        "identity " URI("acme") " 2026-01-02T03:04:05Z twice\n"
        "identity " URI("acme-2") "\n");

    (void)state;
    assert_int_equal(deny_list_count(list), 6);
    assert_int_equal(deny_list_find(list, DENIAL_SERIAL, ROLE_EMPLOYER, "0A"),
        4);
    assert_int_equal(deny_list_find(list, DENIAL_SERIAL, ROLE_ADMIN, "0A"),
        0);
    assert_int_equal(deny_list_find(list, DENIAL_SERIAL, ROLE_ADMIN, "0B"),
        5);
    assert_int_equal(deny_list_find(list, DENIAL_SERIAL, ROLE_ADMIN, "0"), 0);
    assert_int_equal(deny_list_find(list, DENIAL_SERIAL, ROLE_ADMIN, "0B00"),
        0);
    assert_int_equal(deny_list_find(list, DENIAL_KEY, ROLE_ADMIN, KEY), 6);
    assert_int_equal(deny_list_find(list, DENIAL_IDENTITY, ROLE_EMPLOYER,
        URI("acme")), 8);
    assert_int_equal(deny_list_find(list, DENIAL_IDENTITY, ROLE_EMPLOYER,
        URI("acme-2")), 10);
    assert_int_equal(deny_list_find(list, DENIAL_IDENTITY, ROLE_EMPLOYER,
        URI("acme-")), 0);
    assert_int_equal(deny_list_find(list, DENIAL_IDENTITY, ROLE_EMPLOYER, ""),
        0);
    deny_list_free(list);
    list = list_of("");
    assert_int_equal(deny_list_count(list), 0);
    assert_int_equal(deny_list_find(list, DENIAL_KEY, ROLE_ADMIN, KEY), 0);
    deny_list_free(list);
    deny_list_free(NULL);
}

static void
one_bad_line_refuses_the_whole(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"key " KEY "\nkey " KEY, "line 2: the line does not end"},
        {"key " KEY "\n\n# x\nkey 12\nkey 34\n", "line 4: a key"},
        {"serial\n", "line 1: "},
        {"# half of a comm", "line 1: the line does not end"},
        {"identity " URI("acme") "\r\n", "line 1: "},
    };
    struct deny_list *list;
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(deny_list_create(slice_of(cases[i].text), DOMAIN,
            &list, why, sizeof(why)), E_INVAL);
        assert_null(list);
        assert_int_equal(strncmp(why, cases[i].why, strlen(cases[i].why)), 0);
    }
}

static void
its_size_is_bounded(void **state)
{
    struct slice text = {NULL, DENY_LIST_MAX + 1};
    struct deny_list *list;
    uint8_t *bytes;
    char why[256];

    (void)state;
    assert_non_null(bytes = malloc(text.n));
    memset(bytes, '\n', text.n);
    text.p = bytes;
    assert_int_equal(deny_list_create(text, DOMAIN, &list, why, sizeof(why)),
        E_TOOBIG);
    text.n--;
    assert_int_equal(deny_list_create(text, DOMAIN, &list, why, sizeof(why)),
        E_OK);
    deny_list_free(list);
    free(bytes);
}

static void
many_entries_are_found(void **state)
{
    enum { N = 5000 };
    char *text = malloc(N * 32), *end = text, serial[8];
    struct deny_list *list;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < N; i++)
        end += snprintf(end, 32, "serial auditor %04X\n",
            (unsigned)(i * 7919 % N * 2));
    list = list_of(text);
    for (int i = 0; i < 2 * N; i++) {
        (void)snprintf(serial, sizeof(serial), "%04X", (unsigned)i);
        assert_int_equal(deny_list_find(list, DENIAL_SERIAL, ROLE_AUDITOR,
            i < 256 ? serial + 2 : serial) != 0, i % 2 == 0);
    }
    deny_list_free(list);
    free(text);
}

static void
failed_allocations_leave_nothing(void **state)
{
    struct deny_list *list;
    char why[256];
    enum err err;
    int n = 0;

    (void)state;
    do {
        fault_arm(n++);
        err = deny_list_create(slice_of("key " KEY "\nserial admin 0A\n"),
            DOMAIN, &list, why, sizeof(why));
        fault_arm(-1);
        assert_true(err == E_OK || (err == E_NOMEM && list == NULL));
    } while (err != E_OK);
    assert_int_equal(n, 5);
    deny_list_free(list);
}

/* ---- the file ---------------------------------------------------------- */

struct fixture {
    char dir[64], path[96], fresh[112];
};

static int
setup(void **state)
{
    static struct fixture f;

    write_fails = fsync_fails = fsync_fails_after = rename_fails = 0;
    (void)snprintf(f.dir, sizeof(f.dir), "/tmp/vouch-deny.XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    (void)snprintf(f.path, sizeof(f.path), "%s/list", f.dir);
    (void)snprintf(f.fresh, sizeof(f.fresh), "%s.new", f.path);
    *state = &f;
    return (0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    (void)unlink(f->path);
    (void)unlink(f->fresh);
    assert_int_equal(rmdir(f->dir), 0);
    return (0);
}

static struct denial
denial_of(const char *line)
{
    struct denial denial;
    const char *why;

    assert_int_equal(denial_read(slice_of(line), DOMAIN, &denial, &why),
        E_OK);
    return (denial);
}

static struct deny_list *
file_of(const struct fixture *f, const struct deny_list *before)
{
    struct deny_list *list;
    char why[256];

    if (deny_file_read(f->path, DOMAIN, before, &list, why, sizeof(why)) !=
        E_OK)
        fail_msg("%s", why);
    return (list);
}

static void
an_entry_is_added_to_what_people_wrote(void **state)
{
    static const char text[] = "# ours\nserial admin 0A\n\n# end\n";
    const struct fixture *f = *state;
    const struct denial denial = denial_of("key " KEY " lost");
    struct deny_list *before, *after, *again;
    char why[256];
    struct stat st;
    FILE *file;

    assert_non_null(file = fopen(f->path, "we"));
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(f->path, 0640), 0);
    before = file_of(f, NULL);
    assert_int_equal(deny_file_add(f->path, DOMAIN, before, &denial, &after,
        why, sizeof(why)), E_OK);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_not_equal(stat(f->fresh, &st), 0);
    again = file_of(f, before);
    assert_true(slice_equal(deny_list_text(again), deny_list_text(after)));
    assert_true(deny_file_holds(f->path, after));
    assert_false(deny_file_holds(f->path, before));
    assert_memory_equal(deny_list_text(again).p, text, strlen(text));
    assert_int_equal(deny_list_find(again, DENIAL_KEY, 0, KEY), 5);
    deny_list_free(before);
    deny_list_free(after);
    deny_list_free(again);
}

static void
a_new_list_says_what_it_is(void **state)
{
    const struct fixture *f = *state;
    const struct denial denial = denial_of("identity " URI("acme"));
    struct deny_list *none = file_of(f, NULL), *list, *gone;
    char why[256];
    struct stat st;

    assert_int_equal(deny_list_count(none), 0);
    assert_int_equal(deny_file_add(f->path, DOMAIN, none, &denial, &list, why,
        sizeof(why)), E_OK);
    assert_int_equal(deny_list_text(list).p[0], '#');
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* One that is gone is not one that is empty. */
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(deny_file_read(f->path, DOMAIN, list, &gone, why,
        sizeof(why)), E_NOTFOUND);
    assert_non_null(strstr(why, "gone"));
    deny_list_free(none);
    deny_list_free(list);
}

static void
a_link_stays_one(void **state)
{
    const struct fixture *f = *state;
    const struct denial denial = denial_of("identity " URI("acme"));
    struct deny_list *none, *list;
    char target[96], why[256];
    struct stat st;
    FILE *file;

    (void)snprintf(target, sizeof(target), "%s/real", f->dir);
    assert_non_null(file = fopen(target, "we"));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(symlink(target, f->path), 0);
    none = file_of(f, NULL);
    assert_int_equal(deny_file_add(f->path, DOMAIN, none, &denial, &list, why,
        sizeof(why)), E_OK);
    assert_int_equal(lstat(f->path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_true(deny_file_holds(target, list));
    assert_int_equal(unlink(target), 0);
    deny_list_free(none);
    deny_list_free(list);
}

static void
a_disk_that_fails_changes_nothing(void **state)
{
    static const struct {
        int *what, with;
        enum err err;
    } cases[] = {{&write_fails, ENOSPC, E_FULL}, {&write_fails, EDQUOT,
        E_FULL}, {&write_fails, EIO, E_IO}, {&fsync_fails, EIO, E_IO},
        {&fsync_fails, ENOSPC, E_FULL}, {&rename_fails, EIO, E_IO},
        {&rename_fails, ENOSPC, E_FULL}};
    const struct fixture *f = *state;
    const struct denial first = denial_of("identity " URI("acme"));
    const struct denial second = denial_of("identity " URI("globex"));
    struct deny_list *none = file_of(f, NULL), *before, *after;
    char why[256];
    struct stat st;

    assert_int_equal(deny_file_add(f->path, DOMAIN, none, &first, &before,
        why, sizeof(why)), E_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        *cases[i].what = cases[i].with;
        fsync_fails_after = 0;
        assert_int_equal(deny_file_add(f->path, DOMAIN, before, &second,
            &after, why, sizeof(why)), cases[i].err);
        *cases[i].what = 0;
        assert_null(after);
        assert_non_null(strstr(why, strerror(cases[i].with)));
        assert_true(deny_file_holds(f->path, before));
        assert_int_not_equal(stat(f->fresh, &st), 0);
    }
    /* The name is there, and nobody knows whether it stays. */
    fsync_fails = EIO;
    fsync_fails_after = 1;
    assert_int_equal(deny_file_add(f->path, DOMAIN, before, &second, &after,
        why, sizeof(why)), E_LOST);
    assert_non_null(after);
    assert_true(deny_file_holds(f->path, after));
    fsync_fails = 0;
    deny_list_free(none);
    deny_list_free(before);
    deny_list_free(after);
}

static void
what_was_left_half_written_is_no_obstacle(void **state)
{
    const struct fixture *f = *state;
    const struct denial denial = denial_of("identity " URI("acme"));
    struct deny_list *none = file_of(f, NULL), *list;
    char why[256];
    FILE *file;

    assert_non_null(file = fopen(f->fresh, "we"));
    assert_true(fputs("identity spif", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(deny_file_add(f->path, DOMAIN, none, &denial, &list, why,
        sizeof(why)), E_OK);
    assert_true(deny_file_holds(f->path, list));
    deny_list_free(none);
    deny_list_free(list);
}

static void
what_is_no_file_is_refused(void **state)
{
    const struct fixture *f = *state;
    const struct denial denial = denial_of("identity " URI("acme"));
    struct deny_list *list, *none = list_of("");
    char why[256];

    assert_int_equal(deny_file_read(f->dir, DOMAIN, NULL, &list, why,
        sizeof(why)), E_IO);
    assert_non_null(strstr(why, "not a regular file"));
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_int_equal(deny_file_read(f->path, DOMAIN, NULL, &list, why,
        sizeof(why)), E_IO);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(deny_file_add("/no/such/folder/list", DOMAIN, none,
        &denial, &list, why, sizeof(why)), E_IO);
    assert_int_equal(deny_file_add("/proc/version", DOMAIN, none, &denial,
        &list, why, sizeof(why)), E_IO);
    deny_list_free(none);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_by_what_they_deny),
        cmocka_unit_test(one_bad_line_refuses_the_whole),
        cmocka_unit_test(its_size_is_bounded),
        cmocka_unit_test(many_entries_are_found),
        cmocka_unit_test(failed_allocations_leave_nothing),
        cmocka_unit_test_setup_teardown(an_entry_is_added_to_what_people_wrote,
            setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_list_says_what_it_is, setup,
            teardown),
        cmocka_unit_test_setup_teardown(a_link_stays_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_fails_changes_nothing,
            setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_was_left_half_written_is_no_obstacle, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_refused, setup,
            teardown),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
