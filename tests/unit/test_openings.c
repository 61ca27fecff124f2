/* The file of openings that an association keeps. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/openings_file.h"
#include "client/openings_reader.h"
#include "support/fault.h"

struct place {
    char dir[64];
    char path[96];
};

static int
setup(void **state)
{
    static const char template[] = "/tmp/vouch-openings-XXXXXX";
    struct place *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    memcpy(p->dir, template, sizeof(template));
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->path, sizeof(p->path), "%s/kept", p->dir);
    *state = p;
    return (0);
}

static int
teardown(void **state)
{
    struct place *p = *state;

    (void)unlink(p->path);
    assert_int_equal(rmdir(p->dir), 0);
    free(p);
    return (0);
}

static const uint8_t salt[LEAF_SALT] = {0x00, 0x11, 0xfe, 0xff};
static const uint8_t event[] = {0x0a, 0x03, 'a', 'b', 'c'};

#define LINE_12                                                         \
    "{\"logIndex\":\"12\",\"salt\":\"0011feff000000000000000000000000\"," \
    "\"event\":\"0a03616263\"}"

static struct opening
opening_at(int64_t index)
{
    return ((struct opening){.log_index = index, .salt = salt,
        .event = {event, sizeof(event)}});
}

/* ---- lines ------------------------------------------------------------- */

static enum opening_line
scan(const char *text, int64_t *index)
{
    return (opening_line_scan(slice_of(text), index));
}

static void
an_opening_has_one_line(void **state)
{
    struct opening o = opening_at(12);
    struct buf line;
    int64_t index = -1;

    (void)state;
    buf_init(&line, OPENING_LINE_MAX);
    assert_int_equal(opening_line_put(&o, &line), E_OK);
    assert_true(slice_equal(buf_slice(&line), slice_of(LINE_12)));
    assert_int_equal(scan(LINE_12, &index), OPENING_LINE_WHOLE);
    assert_int_equal(index, 12);
    o.log_index = INT64_MAX;
    assert_int_equal(opening_line_put(&o, &line), E_OK);
    assert_int_equal(opening_line_scan(buf_slice(&line), &index),
        OPENING_LINE_WHOLE);
    assert_true(index == INT64_MAX);
    o.log_index = 0;
    assert_int_equal(opening_line_put(&o, &line), E_OK);
    assert_int_equal(opening_line_scan(buf_slice(&line), &index),
        OPENING_LINE_WHOLE);
    assert_int_equal(index, 0);
    o.log_index = -1;
    assert_int_equal(opening_line_put(&o, &line), E_INVAL);
    o = opening_at(1);
    o.event.n = 0;
    assert_int_equal(opening_line_put(&o, &line), E_INVAL);
    buf_free(&line);
}

static void
the_longest_event_fits_and_a_longer_does_not(void **state)
{
    uint8_t *bytes = calloc(1, OPENING_EVENT_MAX + 1);
    struct opening o = opening_at(INT64_MAX);
    struct buf line;
    int64_t index;

    (void)state;
    assert_non_null(bytes);
    buf_init(&line, OPENING_LINE_MAX);
    o.event = (struct slice){bytes, OPENING_EVENT_MAX};
    assert_int_equal(opening_line_put(&o, &line), E_OK);
    assert_int_equal(opening_line_scan(buf_slice(&line), &index),
        OPENING_LINE_WHOLE);
    assert_true(line.n + 2 <= OPENING_LINE_MAX);
    o.event.n++;
    assert_int_equal(opening_line_put(&o, &line), E_TOOBIG);
    /* As if there were one more byte. */
    line.n -= 2;
    assert_int_equal(buf_add(&line, slice_of("00")), E_OK);
    assert_int_equal(opening_line_scan(buf_slice(&line), &index),
        OPENING_LINE_NONE);
    buf_free(&line);
    free(bytes);
}

static void
every_beginning_is_known_and_nothing_else(void **state)
{
    static const char *const none[] = {"x", "{\"logIndex\":12", "[]", " ",
        "{\"logIndex\":\"-1", "{\"logIndex\":\"01", "{\"logIndex\":\"\"",
        "{\"logIndex\":\"9223372036854775808\"",
        "{\"logIndex\":\"99999999999999999999",
        "{\"logIndex\":\"1\",\"salt\":\"00\",",
        "{\"logIndex\":\"1\",\"salt\":\"000000000000000000000000000000000",
        "{\"logIndex\":\"1\",\"salt\":\"0A",
        "{\"logIndex\":\"1\",\"salt\":\"00000000000000000000000000000000\","
            "\"event\":\"\"",
        "{\"logIndex\":\"1\",\"salt\":\"00000000000000000000000000000000\","
            "\"event\":\"0\"", LINE_12 " ", LINE_12 "\r", LINE_12 LINE_12,
        "{ \"logIndex\":\"1\""};
    const size_t n = strlen(LINE_12);
    int64_t index = -1;

    (void)state;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(opening_line_scan((struct slice){
            (const uint8_t *)LINE_12, i}, &index), OPENING_LINE_BEGUN);
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(scan(none[i], &index), OPENING_LINE_NONE);
    assert_int_equal(opening_line_scan((struct slice){NULL, 0}, &index),
        OPENING_LINE_BEGUN);
    assert_int_equal(index, -1);
}

/* ---- adding ------------------------------------------------------------ */

/* Add openings with these indexes, -1 at the end; what was taken away. */
static int64_t
add(const struct place *p, const int64_t *indexes)
{
    struct openings_file *file;
    char why[256];
    int64_t mended;

    if (openings_file_open(p->path, &file, why, sizeof(why)) != 0)
        fail_msg("%s", why);
    mended = openings_file_mended(file);
    for (; *indexes >= 0; indexes++) {
        struct opening o = opening_at(*indexes);

        assert_int_equal(openings_file_add(file, &o), E_OK);
    }
    assert_int_equal(openings_file_close(file), 0);
    return (mended);
}

#define ADD(p, ...) add(p, (const int64_t[]){__VA_ARGS__, -1})

static void
write_file(const struct place *p, const void *bytes, size_t n)
{
    FILE *f = fopen(p->path, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void
write_text(const struct place *p, const char *text)
{
    write_file(p, text, strlen(text));
}

static void
assert_file(const struct place *p, const char *want)
{
    char text[4096];
    FILE *f = fopen(p->path, "r");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    assert_int_equal(fclose(f), 0);
    assert_string_equal(text, want);
}

static int
mode_of(const struct place *p)
{
    struct stat st;

    assert_int_equal(stat(p->path, &st), 0);
    return ((int)(st.st_mode & 07777));
}

static void
lines_are_added_for_the_owner_alone(void **state)
{
    const struct place *p = *state;
    mode_t before = umask(0);

    assert_int_equal(ADD(p, 12), 0);
    (void)umask(before);
    assert_file(p, LINE_12 "\n");
    assert_int_equal(mode_of(p), 0600);
    assert_int_equal(chmod(p->path, 0644), 0);
    assert_int_equal(ADD(p, 12), 0);
    assert_file(p, LINE_12 "\n" LINE_12 "\n");
    assert_int_equal(mode_of(p), 0600);
}

static void
half_a_line_is_taken_away(void **state)
{
    const struct place *p = *state;
    char text[512];

    for (size_t n = 1; n < strlen(LINE_12); n++) {
        (void)snprintf(text, sizeof(text), LINE_12 "\n%.*s", (int)n,
            LINE_12);
        write_text(p, text);
        assert_int_equal(ADD(p, 12), n);
        assert_file(p, LINE_12 "\n" LINE_12 "\n");
        write_file(p, LINE_12, n);
        assert_int_equal(ADD(p, 12), n);
        assert_file(p, LINE_12 "\n");
    }
    write_text(p, LINE_12 "\n" LINE_12);
    assert_int_equal(ADD(p, 12), 0);
    assert_file(p, LINE_12 "\n" LINE_12 "\n" LINE_12 "\n");
    /* As a power failure may leave it. */
    memset(text, 0, sizeof(text));
    memcpy(text, LINE_12 "\n{\"log", strlen(LINE_12) + 6);
    write_file(p, text, sizeof(text));
    assert_int_equal(ADD(p, 12), sizeof(text) - strlen(LINE_12) - 1);
    assert_file(p, LINE_12 "\n" LINE_12 "\n");
}

static void
refuse(const struct place *p, const char *want)
{
    struct openings_file *file;
    char why[256] = "";

    assert_int_equal(openings_file_open(p->path, &file, why, sizeof(why)),
        -1);
    assert_null(file);
    if (strstr(why, want) == NULL)
        fail_msg("%s", why);
}

static void
the_file_of_another_is_left_as_it_is(void **state)
{
    static const char *const texts[] = {"\n", "number,family\n1,Ray\n",
        "number,family", "{\"logIndex\":\"1\"}\n", LINE_12 "\n\n",
        LINE_12 "\nx", LINE_12 "\r\n", "x\n" LINE_12};
    const struct place *p = *state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_text(p, texts[i]);
        refuse(p, "is not that of a file of openings");
        assert_file(p, texts[i]);
    }
}

static void
one_at_a_time_may_write(void **state)
{
    const struct place *p = *state;
    struct openings_reader *reader;
    struct openings_file *file;
    char why[256];

    assert_int_equal(openings_file_open(p->path, &file, why, sizeof(why)),
        0);
    refuse(p, "another vouch is at work");
    assert_int_equal(openings_reader_open(p->path, 0, &reader, why,
        sizeof(why)), E_IO);
    assert_non_null(strstr(why, "another vouch is writing"));
    assert_int_equal(openings_reader_open(p->path, 1, &reader, why,
        sizeof(why)), E_OK);
    openings_reader_free(reader);
    assert_int_equal(openings_file_close(file), 0);
    assert_int_equal(openings_reader_open(p->path, 0, &reader, why,
        sizeof(why)), E_OK);
    refuse(p, "another vouch is at work");
    openings_reader_free(reader);
    ADD(p, 1);
}

static void
what_cannot_be_written_is_told(void **state)
{
    const struct place full = {.path = "/dev/full"};
    struct opening o = opening_at(12);
    struct openings_file *file;
    struct place folder = {.path = ""};
    char why[256];

    assert_int_equal(openings_file_open(full.path, &file, why, sizeof(why)),
        0);
    assert_int_equal(openings_file_add(file, &o), E_OK);
    assert_int_equal(openings_file_close(file), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(openings_file_close(NULL), 0);
    memcpy(folder.path, ((struct place *)*state)->dir, sizeof(folder.dir));
    refuse(&folder, "Is a directory");
}

/* ---- reading ----------------------------------------------------------- */

/* The indexes in the order in which they are read, as " 1 2 2". */
static const char *
read_back(const struct place *p, char text[512])
{
    struct openings_reader *reader;
    struct openings_line line;
    char why[256];
    size_t n = 0;
    enum err err;

    text[0] = '\0';
    if (openings_reader_open(p->path, 0, &reader, why, sizeof(why)) != E_OK)
        fail_msg("%s", why);
    while ((err = openings_reader_next(reader, &line)) == E_OK) {
        int64_t index = -1;

        assert_int_equal(opening_line_scan(line.text, &index),
            OPENING_LINE_WHOLE);
        assert_int_equal(index, line.log_index);
        n += (size_t)snprintf(text + n, 512 - n, " %lld:%lld",
            (long long)index, (long long)line.number);
    }
    assert_int_equal(err, E_NOTFOUND);
    assert_int_equal(openings_reader_next(reader, &line), E_NOTFOUND);
    openings_reader_free(reader);
    return (text);
}

static void
lines_are_read_in_the_order_of_the_log(void **state)
{
    const struct place *p = *state;
    struct openings_reader *reader;
    char text[512], why[256];

    write_text(p, "");
    assert_string_equal(read_back(p, text), "");
    ADD(p, 3, 4, 5);
    assert_string_equal(read_back(p, text), " 3:1 4:2 5:3");
    ADD(p, 1, 4, 9, 2, 2, 7);
    assert_string_equal(read_back(p, text),
        " 1:4 2:7 2:8 3:1 4:2 4:5 5:3 7:9 9:6");
    assert_int_equal(openings_reader_open(p->path, 0, &reader, why,
        sizeof(why)), E_OK);
    assert_int_equal(openings_reader_count(reader), 9);
    assert_int_equal(openings_reader_first(reader), 1);
    assert_int_equal(openings_reader_last(reader), 9);
    assert_int_equal(openings_reader_half(reader), 0);
    openings_reader_free(reader);
    openings_reader_free(NULL);

    (void)unlink(p->path);
    for (int64_t i = 40; i > 0; i--)
        ADD(p, i);
    (void)read_back(p, text);
    assert_memory_equal(text, " 1:40 2:39 3:38", 15);
}

/* Lines far longer than one small read, in one piece and in several. */
static void
long_lines_are_read(void **state)
{
    const struct place *p = *state;
    uint8_t *bytes = calloc(1, OPENING_EVENT_MAX);
    struct openings_file *file;
    char text[512], why[256];

    assert_non_null(bytes);
    assert_int_equal(openings_file_open(p->path, &file, why, sizeof(why)),
        0);
    for (int64_t i = 0; i < 12; i++) {
        struct opening o = opening_at(i < 6 ? 2 * i : 2 * (i - 6) + 1);

        o.event = (struct slice){bytes, i % 3 == 0 ? 5 :
            OPENING_EVENT_MAX - (size_t)i};
        assert_int_equal(openings_file_add(file, &o), E_OK);
    }
    assert_int_equal(openings_file_close(file), 0);
    assert_string_equal(read_back(p, text), " 0:1 1:7 2:2 3:8 4:3 5:9 6:4 "
        "7:10 8:5 9:11 10:6 11:12");
    free(bytes);
}

static void
half_a_line_is_not_read(void **state)
{
    const struct place *p = *state;
    struct openings_reader *reader;
    char text[512], why[256];

    write_text(p, LINE_12 "\n" LINE_12);
    assert_string_equal(read_back(p, text), " 12:1");
    assert_int_equal(openings_reader_open(p->path, 0, &reader, why,
        sizeof(why)), E_OK);
    assert_int_equal(openings_reader_half(reader), 1);
    assert_int_equal(openings_reader_count(reader), 1);
    openings_reader_free(reader);
}

static void
what_is_no_opening_is_named_by_its_line(void **state)
{
    static const struct {
        const char *text, *why;
    } cases[] = {{"x", "line 1 is"}, {"\n", "line 1 is"},
        {LINE_12 "\n" LINE_12 " \n" LINE_12 "\n", "line 2 is"},
        {LINE_12 "\n" LINE_12 "\nx", "line 3 is"}};
    const struct place *p = *state;
    struct openings_reader *reader;
    char *much = malloc(400000), why[256];

    assert_non_null(much);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_text(p, cases[i].text);
        assert_int_equal(openings_reader_open(p->path, 0, &reader, why,
            sizeof(why)), E_CORRUPT);
        assert_null(reader);
        assert_non_null(strstr(why, cases[i].why));
    }
    memset(much, 'a', 400000);
    write_file(p, much, 400000);
    assert_int_equal(openings_reader_open(p->path, 0, &reader, why,
        sizeof(why)), E_CORRUPT);
    free(much);
    assert_int_equal(openings_reader_open("/no/such", 0, &reader, why,
        sizeof(why)), E_IO);
    assert_non_null(strstr(why, "No such file"));
}

static void
a_change_while_it_is_read_is_noticed(void **state)
{
    const struct place *p = *state;
    struct openings_reader *reader;
    struct openings_line line;
    char why[256];

    ADD(p, 1, 2, 3);
    assert_int_equal(openings_reader_open(p->path, 0, &reader, why,
        sizeof(why)), E_OK);
    assert_int_equal(openings_reader_next(reader, &line), E_OK);
    assert_int_equal(truncate(p->path, 100), 0);
    assert_int_equal(openings_reader_next(reader, &line), E_CORRUPT);
    openings_reader_free(reader);
}

/* ---- memory ------------------------------------------------------------ */

static void
each_allocation_may_fail(void **state)
{
    const struct place *p = *state;
    struct openings_reader *reader;
    struct openings_file *file;
    struct opening o = opening_at(12);
    char why[256];
    int n;

    for (n = 0; n < 50; n++) {
        int status;

        fault_arm(n);
        status = openings_file_open(p->path, &file, why, sizeof(why));
        if (status == 0 && openings_file_add(file, &o) != E_OK)
            status = -1;
        fault_arm(-1);
        (void)openings_file_close(file);
        if (status == 0)
            break;
    }
    assert_true(n > 2 && n < 50);
    for (int64_t i = 20; i > 0; i--)
        ADD(p, i);
    for (n = 0; n < 50; n++) {
        enum err err;

        fault_arm(n);
        err = openings_reader_open(p->path, 0, &reader, why, sizeof(why));
        fault_arm(-1);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        assert_null(reader);
    }
    assert_true(n > 2 && n < 50);
    openings_reader_free(reader);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        cmocka_unit_test(an_opening_has_one_line),
        cmocka_unit_test(the_longest_event_fits_and_a_longer_does_not),
        cmocka_unit_test(every_beginning_is_known_and_nothing_else),
        TEST(lines_are_added_for_the_owner_alone),
        TEST(half_a_line_is_taken_away),
        TEST(the_file_of_another_is_left_as_it_is),
        TEST(one_at_a_time_may_write),
        TEST(what_cannot_be_written_is_told),
        TEST(lines_are_read_in_the_order_of_the_log),
        TEST(long_lines_are_read),
        TEST(half_a_line_is_not_read),
        TEST(what_is_no_opening_is_named_by_its_line),
        TEST(a_change_while_it_is_read_is_noticed),
        TEST(each_allocation_may_fail),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
