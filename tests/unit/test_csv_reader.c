#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/csv_reader.h"
#include "support/fault.h"

/* What was read, as text: "1:<a><b>\n3:<c>\n". */
struct seen {
    struct buf text;
    enum err answer;        /* what the callback returns for a record ... */
    long answer_line;       /* ... that begins here */
};

static enum err
note(void *cookie, const struct csv_record *record)
{
    struct seen *seen = cookie;
    char line[32];
    enum err err;

    (void)snprintf(line, sizeof(line), "%ld:", record->line);
    if ((err = buf_add(&seen->text, slice_of(line))) != E_OK)
        return (err);
    for (size_t i = 0; i < record->nfields; i++) {
        if (record->fields[i].p[record->fields[i].n] != 0)
            return (E_CORRUPT);
        if ((err = buf_add(&seen->text, slice_of("<"))) != E_OK ||
            (err = buf_add(&seen->text, record->fields[i])) != E_OK ||
            (err = buf_add(&seen->text, slice_of(">"))) != E_OK)
            return (err);
    }
    if ((err = buf_add(&seen->text, slice_of("\n"))) != E_OK)
        return (err);
    return (record->line == seen->answer_line ? seen->answer : E_OK);
}

/* Read ${in}, cut in two at ${cut}, to its end. */
static enum err
read_in_two(struct slice in, size_t cut, struct seen *seen,
    struct csv_fault *fault)
{
    struct csv_reader *reader = NULL;
    enum err err;

    buf_free(&seen->text);
    if ((err = csv_reader_create(note, seen, &reader)) != E_OK)
        goto out;
    if ((err = csv_reader_feed(reader, (struct slice){in.p, cut},
        fault)) != E_OK)
        goto out;
    if ((err = csv_reader_feed(reader, (struct slice){in.p + cut, in.n - cut},
        fault)) != E_OK)
        goto out;
    err = csv_reader_end(reader, fault);

out:
    csv_reader_free(reader);
    return (err);
}

static void
assert_seen(const struct seen *seen, const char *want)
{
    assert_int_equal(seen->text.n, strlen(want));
    assert_memory_equal(seen->text.n == 0 ? (const void *)"" : seen->text.p,
        want, seen->text.n);
}

#define BYTES(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}

/* One row per rule of the format. */
static const struct {
    const char *rule;
    struct slice in;
    const char *want;
} good[] = {
    {"nothing", BYTES(""), ""},
    {"a mark and nothing", BYTES("\xef\xbb\xbf"), ""},
    {"lines end in LF", BYTES("a,b\nc,d\n"), "1:<a><b>\n2:<c><d>\n"},
    {"lines end in CRLF", BYTES("a,b\r\nc,d\r\n"), "1:<a><b>\n2:<c><d>\n"},
    {"the last line need not end", BYTES("a,b\nc,d"), "1:<a><b>\n2:<c><d>\n"},
    {"nor the last quoted field", BYTES("a\n\"b\""), "1:<a>\n2:<b>\n"},
    {"a mark is dropped", BYTES("\xef\xbb\xbf" "a\n"), "1:<a>\n"},
    {"before a quote too", BYTES("\xef\xbb\xbf\"a\"\n"), "1:<a>\n"},
    {"half a mark is text", BYTES("\xef\xbb\x80" "a\n"),
        "1:<\xef\xbb\x80" "a>\n"},
    {"a second mark is text", BYTES("\xef\xbb\xbf\xef\xbb\xbf" "a\n"),
        "1:<\xef\xbb\xbf" "a>\n"},
    {"empty fields", BYTES(",\n,a,\n\"\",\"\"\n"),
        "1:<><>\n2:<><a><>\n3:<><>\n"},
    {"an empty quoted field is a record", BYTES("a\n\"\"\n"),
        "1:<a>\n2:<>\n"},
    {"empty lines are none", BYTES("\n\r\na\n\n\r\n\nb\n\n"),
        "3:<a>\n7:<b>\n"},
    {"blanks belong to the field", BYTES(" a , b\n \n"),
        "1:< a >< b>\n2:< >\n"},
    {"quotes hide commas", BYTES("\"a,b\",c\n"), "1:<a,b><c>\n"},
    {"a doubled quote is one", BYTES("\"a \"\"b\"\"\",\"\"\"\"\n"),
        "1:<a \"b\"><\">\n"},
    {"quotes hide line ends", BYTES("a,\"b\nc\r\nd\",e\nf\n"),
        "1:<a><b\nc\r\nd><e>\n4:<f>\n"},
    {"and a carriage return", BYTES("\"a\rb\"\nc\n"), "1:<a\rb>\n2:<c>\n"},
    {"two fields over lines", BYTES("\"a\n\",\"\nb\"\r\n\"\n\"\nc"),
        "1:<a\n><\nb>\n4:<\n>\n6:<c>\n"},
    {"characters of every length",
        BYTES("\xc3\xa9,\xe2\x80\x99,\xf0\x9f\xa9\xb8,\xed\x9f\xbf\n"),
        "1:<\xc3\xa9><\xe2\x80\x99><\xf0\x9f\xa9\xb8><\xed\x9f\xbf>\n"},
};

static void
any_cut_gives_the_same_records(void **state)
{
    struct seen seen = {0};
    struct csv_fault fault;

    (void)state;
    buf_init(&seen.text, 4096);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        for (size_t cut = 0; cut <= good[i].in.n; cut++) {
            assert_int_equal(read_in_two(good[i].in, cut, &seen, &fault),
                E_OK);
            assert_int_equal(fault.line, 0);
            assert_seen(&seen, good[i].want);
        }
    }
    buf_free(&seen.text);
}

/* What is refused, on which line, and which records came before. */
static const struct {
    const char *rule;
    struct slice in;
    long line;
    const char *what;       /* the fault says so */
    const char *want;
} bad[] = {
    {"quote inside a field", BYTES("a\nb\"c\"\nd\n"), 2, "stray quote",
        "1:<a>\n"},
    {"text behind a quote", BYTES("a\n\n\"b\"c\n"), 3, "stray quote",
        "1:<a>\n"},
    {"blank before a quote", BYTES("a, \"b\"\n"), 1, "stray quote", ""},
    {"on a later line of a record", BYTES("a\n\"b\nc\"d\n"), 3, "stray quote",
        "1:<a>\n"},
    {"unclosed", BYTES("a\nb,\"c\nd\ne\n"), 2, "never closed", "1:<a>\n"},
    {"unclosed in a later field", BYTES("\"a\nb\",\"c\nd\n"), 2,
        "never closed", ""},
    {"unclosed and empty", BYTES("a\n\""), 2, "never closed", "1:<a>\n"},
    {"CR alone", BYTES("a\nb\rc\n"), 2, "carriage return", "1:<a>\n2:<b>\n"},
    {"CR alone on an empty line", BYTES("a\n\rb\n"), 2, "carriage return",
        "1:<a>\n"},
    {"CR at the end", BYTES("a\r"), 1, "carriage return", "1:<a>\n"},
    {"NUL", BYTES("a\nb\0c\n"), 2, "NUL", "1:<a>\n"},
    {"NUL alone", BYTES("\0"), 1, "NUL", ""},
    {"NUL in quotes, two lines on", BYTES("a\n\"b\n\nc\0d\"\n"), 4, "NUL",
        "1:<a>\n"},
    {"Latin-1", BYTES("a\n\nJos\xe9,b\n"), 3, "UTF-8", "1:<a>\n"},
    {"in quotes, one line on", BYTES("\"\xc3\xa9\r\nJos\xe9\"\n"), 2, "UTF-8",
        ""},
    {"overlong", BYTES("\xc0\xaf\n"), 1, "UTF-8", ""},
    {"surrogate", BYTES("\xed\xa0\x80\n"), 1, "UTF-8", ""},
    {"above Unicode", BYTES("\xf4\x90\x80\x80\n"), 1, "UTF-8", ""},
    {"character cut by the end", BYTES("a\n\xe2\x80"), 2, "UTF-8", "1:<a>\n"},
    {"character cut by a comma", BYTES("\xe2\x80,a\n"), 1, "UTF-8", ""},
    {"half a mark", BYTES("\xef\xbb"), 1, "UTF-8", ""},
};

static void
any_cut_gives_the_same_fault(void **state)
{
    struct seen seen = {0};
    struct csv_fault fault;

    (void)state;
    buf_init(&seen.text, 4096);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (size_t cut = 0; cut <= bad[i].in.n; cut++) {
            assert_int_equal(read_in_two(bad[i].in, cut, &seen, &fault),
                E_INVAL);
            assert_int_equal(fault.line, bad[i].line);
            assert_non_null(strstr(fault.what, bad[i].what));
            assert_seen(&seen, bad[i].want);
        }
    }
    buf_free(&seen.text);
}

/* Return ${head}, ${n} letters, ${tail}; the caller frees p. */
static struct slice
long_text(const char *head, size_t n, const char *tail)
{
    size_t nhead = strlen(head), ntail = strlen(tail);
    uint8_t *p = malloc(nhead + n + ntail);

    assert_non_null(p);
    for (size_t i = 0; i < nhead; i++)
        p[i] = (uint8_t)head[i];
    memset(p + nhead, 'x', n);
    for (size_t i = 0; i < ntail; i++)
        p[nhead + n + i] = (uint8_t)tail[i];
    return ((struct slice){p, nhead + n + ntail});
}

/* A field may be of CSV_FIELD_MAX bytes, quoted or not, and not of one more. */
static void
a_field_has_its_limit(void **state)
{
    static const struct {
        const char *head;
        const char *tail;
        long line;
    } forms[] = {
        {"a\n", "", 2},
        {"a\nb,", ",c\n", 2},
        {"a\n\"", "\",c\n", 2},
        {"a\n\"b\nc\",\"", "\"\n", 3},
    };
    struct seen seen = {0};
    struct csv_fault fault;

    (void)state;
    buf_init(&seen.text, 2 * CSV_FIELD_MAX);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        for (size_t more = 0; more < 2; more++) {
            struct slice in = long_text(forms[i].head, CSV_FIELD_MAX + more,
                forms[i].tail);

            for (size_t cut = 0; cut <= in.n; cut += in.n / 7) {
                assert_int_equal(read_in_two(in, cut, &seen, &fault),
                    more ? E_TOOBIG : E_OK);
                assert_int_equal(fault.line, more ? forms[i].line : 0);
            }
            free((void *)(uintptr_t)in.p);
        }
    }
    buf_free(&seen.text);
}

/* A quote that is never closed does not take the whole file into memory. */
static void
a_field_without_end_is_noticed_soon(void **state)
{
    struct slice in = long_text("a\n\"", 4096, "\n");
    struct seen seen = {0};
    struct csv_reader *reader;
    struct csv_fault fault;
    enum err err = E_OK;
    size_t n = 0;

    (void)state;
    buf_init(&seen.text, 4096);
    assert_int_equal(csv_reader_create(note, &seen, &reader), E_OK);
    assert_int_equal(csv_reader_feed(reader, in, &fault), E_OK);
    for (; err == E_OK && n < 2 * CSV_FIELD_MAX; n += 4096)
        err = csv_reader_feed(reader, (struct slice){in.p + 3, 4096}, &fault);
    assert_int_equal(err, E_TOOBIG);
    assert_int_equal(fault.line, 2);
    assert_non_null(strstr(fault.what, "not closed"));
    assert_true(n <= CSV_FIELD_MAX + 4096);
    csv_reader_free(reader);
    buf_free(&seen.text);
    free((void *)(uintptr_t)in.p);
}

/* What another form than the usual one makes of ${in}. */
static enum err
read_form(struct slice in, char separator, int quotes, struct seen *seen,
    struct csv_fault *fault)
{
    struct csv_reader *reader;
    enum err err;

    buf_free(&seen->text);
    assert_int_equal(csv_reader_create(note, seen, &reader), E_OK);
    csv_reader_set_form(reader, separator, quotes);
    if ((err = csv_reader_feed(reader, in, fault)) == E_OK)
        err = csv_reader_end(reader, fault);
    csv_reader_free(reader);
    return (err);
}

static void
separator_and_quotes_can_be_chosen(void **state)
{
    struct seen seen = {0};
    struct csv_fault fault;

    (void)state;
    buf_init(&seen.text, 4096);
    assert_int_equal(read_form(slice_of("a\t b,\t\n\"c\"\td\"\t\r\n"), '\t', 0,
        &seen, &fault), E_OK);
    assert_seen(&seen, "1:<a>< b,><>\n2:<\"c\"><d\"><>\n");
    assert_int_equal(read_form(slice_of("a|\"b|\nc\"\n"), '|', 1, &seen, &fault),
        E_OK);
    assert_seen(&seen, "1:<a><b|\nc>\n");
    assert_int_equal(read_form(slice_of("a\nb\n\xff"), '\t', 0, &seen, &fault),
        E_INVAL);
    assert_int_equal(fault.line, 3);
    assert_non_null(strstr(fault.what, "not UTF-8"));
    buf_free(&seen.text);
}

/* CSV_COLUMNS_MAX columns are read, one more is not. */
static void
columns_have_their_limit(void **state)
{
    char line[2 + 2 * CSV_COLUMNS_MAX];
    struct seen seen = {0};
    struct csv_fault fault;
    struct slice in;

    (void)state;
    buf_init(&seen.text, 4096);
    line[0] = '\n';
    for (size_t i = 0; i < CSV_COLUMNS_MAX; i++) {
        line[1 + 2 * i] = 'x';
        line[2 + 2 * i] = ',';
    }
    line[sizeof(line) - 1] = '\n';
    in = (struct slice){(const uint8_t *)line, sizeof(line)};
    assert_int_equal(read_in_two(in, 5, &seen, &fault), E_TOOBIG);
    assert_int_equal(fault.line, 2);
    assert_non_null(strstr(fault.what, "columns"));
    in.n -= 2;
    assert_int_equal(read_in_two(in, 5, &seen, &fault), E_OK);
    assert_int_equal(seen.text.n, strlen("2:\n") + 3 * CSV_COLUMNS_MAX);
    buf_free(&seen.text);
}

/* The callback's own failure ends it, is nobody's fault, and comes once. */
static void
the_callback_may_end_the_reading(void **state)
{
    static const struct slice in = BYTES("a\nb\nc\nd");
    struct seen seen = {.answer = E_DENIED};
    struct csv_fault fault;

    (void)state;
    buf_init(&seen.text, 4096);
    seen.answer_line = 2;
    for (size_t cut = 0; cut <= in.n; cut++) {
        assert_int_equal(read_in_two(in, cut, &seen, &fault), E_DENIED);
        assert_int_equal(fault.line, 0);
        assert_seen(&seen, "1:<a>\n2:<b>\n");
    }
    seen.answer_line = 4;       /* told by csv_reader_end() */
    assert_int_equal(read_in_two(in, 3, &seen, &fault), E_DENIED);
    assert_int_equal(fault.line, 0);
    assert_seen(&seen, "1:<a>\n2:<b>\n3:<c>\n4:<d>\n");
    buf_free(&seen.text);
}

/*
 * Fail each allocation in turn.  libcsv tries a smaller one where its own
 * failed, so that some failures are survived: then everything was read.
 */
static void
survives_every_allocation_failure(void **state)
{
    struct slice in = long_text("a,b\n\"c\nd\",", 5000, "\ne,f\n");
    int failures = 0, fired = 1;

    (void)state;
    for (int n = 0; fired; n++) {
        struct seen seen = {0};
        struct csv_fault fault;
        enum err err;

        buf_init(&seen.text, 8192);
        assert_int_equal(buf_reserve(&seen.text, 8192), E_OK);
        fault_arm(n);
        err = read_in_two(in, 7, &seen, &fault);
        fired = fault_fired();
        fault_arm(-1);
        if (err == E_OK) {
            assert_true(seen.text.n > 5000);
        } else {
            assert_true(fired);
            assert_int_equal(err, E_NOMEM);
            failures++;
        }
        buf_free(&seen.text);
    }
    assert_true(failures >= 2);     /* the reader, and the record's text */
    free((void *)(uintptr_t)in.p);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_gives_the_same_records),
        cmocka_unit_test(any_cut_gives_the_same_fault),
        cmocka_unit_test(a_field_has_its_limit),
        cmocka_unit_test(a_field_without_end_is_noticed_soon),
        cmocka_unit_test(separator_and_quotes_can_be_chosen),
        cmocka_unit_test(columns_have_their_limit),
        cmocka_unit_test(the_callback_may_end_the_reading),
        cmocka_unit_test(survives_every_allocation_failure),
    };

    return (cmocka_run_group_tests_name("csv_reader", tests, NULL, NULL));
}
