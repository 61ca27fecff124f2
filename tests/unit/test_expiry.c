#include "expiry.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "support/fault.h"

#define HOUR INT64_C(3600000000)
#define DAY (24 * HOUR)
#define NOW INT64_C(1800000000000000)      /* 2027-01-15T08:00:00Z */

/* Standard error goes to ${said} while the log is being written. */
static FILE *said;
static int err_fd;

static int
setup(void **state)
{
    struct expiry *e;

    if (expiry_create(&e) != E_OK || (said = tmpfile()) == NULL ||
        (err_fd = dup(STDERR_FILENO)) < 0)
        return (-1);
    *state = e;
    return (0);
}

static int
teardown(void **state)
{
    expiry_free(*state);
    fclose(said);
    return (close(err_fd));
}

static struct tls_end
end_of(const char *file, int64_t at_us)
{
    struct tls_end end = {.at_us = at_us};

    (void)snprintf(end.file, sizeof(end.file), "%s", file);
    return (end);
}

/* Look, and return what was logged; the number of lines is in ${*lines}. */
static const char *
look(struct expiry *e, const struct tls_end *ends, size_t n, int64_t now,
    int *lines)
{
    static char text[4096];
    size_t got;

    assert_int_equal(ftruncate(fileno(said), 0), 0);
    rewind(said);
    assert_true(dup2(fileno(said), STDERR_FILENO) >= 0);
    assert_int_equal(expiry_look(e, ends, n, now), E_OK);
    log_flush();
    assert_true(dup2(err_fd, STDERR_FILENO) >= 0);
    rewind(said);
    got = fread(text, 1, sizeof(text) - 1, said);
    text[got] = '\0';
    *lines = 0;
    for (size_t i = 0; i < got; i++)
        *lines += text[i] == '\n';
    return (text);
}

static void
says(struct expiry *e, const struct tls_end *end, int64_t now,
    const char *what)
{
    int lines;
    const char *text = look(e, end, 1, now, &lines);

    if (what == NULL && lines > 0)
        fail_msg("%s", text);
    if (what != NULL && (lines != 1 || strstr(text, what) == NULL))
        fail_msg("\"%s\" is not once in \"%s\"", what, text);
}

static void
each_threshold_is_told_once(void **state)
{
    static const struct {
        int64_t left;
        const char *what;       /* NULL: nothing */
    } rows[] = {
        {31 * DAY, NULL},
        {30 * DAY + 1, NULL},
        {30 * DAY, "level=warn event=ends file=\"a.pem\" "
            "at=2027-02-14T08:00:00Z days=30"},
        {30 * DAY - HOUR, NULL},
        {15 * DAY, NULL},
        {14 * DAY, "days=14"},
        {8 * DAY, NULL},
        {7 * DAY - 1, "days=6"},
        {2 * DAY, NULL},
        {DAY, "days=1"},
        {HOUR, NULL},
        {0, "level=error event=ends file=\"a.pem\" at=2027-02-14T08:00:00Z "
            "days=0 reason=\"it is over\""},
        {-HOUR, NULL},
        {-400 * DAY, NULL},
    };
    struct tls_end end = end_of("a.pem", NOW + 30 * DAY);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int again = 0; again < 3; again++)
            says(*state, &end, end.at_us - rows[i].left,
                again == 0 ? rows[i].what : NULL);
}

/* Found so at the start: one line, not one for each that was missed. */
static void
what_is_near_already_is_told_once(void **state)
{
    static const struct {
        int64_t left;
        const char *what;
    } rows[] = {
        {29 * DAY + HOUR, "days=29"}, {13 * DAY + HOUR, "days=13"},
        {6 * DAY + HOUR, "days=6"}, {DAY / 2, "days=0"},
        {-DAY, "it is over"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_end end = end_of("a.pem", NOW + rows[i].left);

        says(*state, &end, NOW, rows[i].what);
        says(*state, &end, NOW, NULL);
    }
}

/* From one look to the next the clock may have been set by a month. */
static void
a_clock_that_jumps_is_no_news_twice(void **state)
{
    struct tls_end end = end_of("a.pem", NOW);

    says(*state, &end, NOW - 40 * DAY, NULL);
    says(*state, &end, NOW - 3 * DAY, "days=3");
    says(*state, &end, NOW - 40 * DAY, NULL);
    says(*state, &end, NOW - 20 * DAY, NULL);
    says(*state, &end, NOW - 3 * DAY, NULL);
    says(*state, &end, NOW - DAY / 2, "days=0");
}

static void
a_file_with_another_end_is_another(void **state)
{
    struct tls_end both[] = {end_of("a.pem", NOW + 20 * DAY),
        end_of("b.pem", NOW + 20 * DAY)};
    int lines;

    (void)look(*state, both, 2, NOW, &lines);
    assert_int_equal(lines, 2);
    (void)look(*state, both, 2, NOW, &lines);
    assert_int_equal(lines, 0);

    /* Renewed, for long and then for short; the other one is as it was. */
    both[0].at_us = NOW + 400 * DAY;
    (void)look(*state, both, 2, NOW, &lines);
    assert_int_equal(lines, 0);
    both[0].at_us = NOW + 10 * DAY;
    assert_non_null(strstr(look(*state, both, 2, NOW, &lines),
        "file=\"a.pem\""));
    assert_int_equal(lines, 1);
    (void)look(*state, both, 0, NOW, &lines);
    assert_int_equal(lines, 0);
}

static void
a_failed_allocation_says_it_again(void **state)
{
    struct tls_end end = end_of("a.pem", NOW + 20 * DAY);
    struct expiry *none = (struct expiry *)1;
    int lines, quiet;
    enum err err;

    says(*state, &end, NOW - 20 * DAY, NULL);
    assert_true((quiet = open("/dev/null", O_WRONLY | O_CLOEXEC)) >= 0);
    assert_true(dup2(quiet, STDERR_FILENO) >= 0);
    fault_arm(0);
    err = expiry_look(*state, &end, 1, NOW);
    log_flush();
    fault_arm(0);
    assert_int_equal(expiry_create(&none), E_NOMEM);
    fault_arm(-1);
    assert_true(dup2(err_fd, STDERR_FILENO) >= 0);
    assert_int_equal(close(quiet), 0);
    assert_int_equal(err, E_NOMEM);
    assert_null(none);
    (void)look(*state, &end, 1, NOW, &lines);
    assert_int_equal(lines, 1);
    expiry_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_threshold_is_told_once),
        TEST(what_is_near_already_is_told_once),
        TEST(a_clock_that_jumps_is_no_news_twice),
        TEST(a_file_with_another_end_is_another),
        TEST(a_failed_allocation_says_it_again),
    };

    return (cmocka_run_group_tests_name("expiry", tests, NULL, NULL));
}
