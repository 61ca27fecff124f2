#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

/* Run ${fn} with standard error caught; return what came. */
static size_t
catch(void (*fn)(void), char *out, size_t size)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    size_t n;

    assert_non_null(file);
    assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    fn();
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    (void)close(saved);
    rewind(file);
    n = fread(out, 1, size - 1, file);
    out[n] = '\0';
    fclose(file);
    return (n);
}

static void
hostile(void)
{
    log_line(LOG_INFO, "test", "value=%s", "a\nlevel=error\r\033[2J\xc3\xa9");
    log_flush();
}

static void
one_call_is_one_line(void **state)
{
    char out[2048];
    size_t n = catch(hostile, out, sizeof(out));

    (void)state;
    assert_true(n > 0);
    assert_ptr_equal(strchr(out, '\n'), out + n - 1);
    assert_non_null(strstr(out, "level=info event=test value=a\\x0alevel"));
    assert_non_null(strstr(out, "\\x1b[2J\\xc3\\xa9"));
}

static void
json(void)
{
    log_set_json(1);
    log_line(LOG_INFO, "test", "id=1 why=\"a \\ b\nc\" empty= last=%s",
        "\xc3\xa9");
    log_set_json(0);
    log_flush();
}

static void
json_is_one_object_a_line(void **state)
{
    char out[2048];
    size_t n = catch(json, out, sizeof(out));

    (void)state;
    assert_int_equal(out[n - 1], '\n');
    assert_non_null(strstr(out, "\"level\":\"info\",\"event\":\"test\","
        "\"id\":\"1\",\"why\":\"a \\\\ b\\u000ac\",\"empty\":\"\","
        "\"last\":\"\\u00c3\\u00a9\"}"));
}

/* The line behind its time. */
static const char *
behind_time(const char *line)
{
    const char *rest = strstr(line, "level");

    assert_non_null(rest);
    return (rest);
}

static void
a_call_in_one(void)
{
    log_line(LOG_INFO, "call", "id=%s method=%s peer=%s n=%d",
        "18446744073709551615", "/a.v1.B/C", "", 0);
    log_flush();
}

static void
a_call_in_pairs(void)
{
    struct log_record record;

    assert_true(log_begin(&record, LOG_INFO, "call"));
    log_u64(&record, "id", UINT64_MAX);
    log_text(&record, "method", "/a.v1.B/C");
    log_text(&record, "peer", "");
    log_u64(&record, "n", 0);
    log_end(&record);
    log_flush();
}

static void
pair_by_pair_is_the_same_line(void **state)
{
    char one[2048], two[2048];

    (void)state;
    for (int json = 0; json <= 1; json++) {
        log_set_json(json);
        (void)catch(a_call_in_one, one, sizeof(one));
        (void)catch(a_call_in_pairs, two, sizeof(two));
        log_set_json(0);
        assert_string_equal(behind_time(one), behind_time(two));
        assert_non_null(strstr(two, "18446744073709551615"));
    }
}

static void
hostile_pairs(void)
{
    static const char *const values[] = {"a b", "a\"b", "\"", "a\\b", "!=,",
        "a\nlevel=error\r\033[2J\xc3\xa9\x7f", "one\ntwo \"three\" \\"};
    struct log_record record;

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        assert_true(log_begin(&record, LOG_INFO, "test"));
        log_text(&record, "value", values[i]);
        log_u64(&record, "n", i);
        log_end(&record);
    }
    log_flush();
}

/* ${expected} is what stands in each line behind its time. */
static void
assert_lines(const char *out, const char *const *expected, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out = behind_time(out);
        assert_memory_equal(out, expected[i], strlen(expected[i]));
        out += strlen(expected[i]);
        assert_int_equal(*out++, '\n');
    }
    assert_int_equal(*out, '\0');
}

static void
a_hostile_value_stays_within_its_pair(void **state)
{
    static const char *const logfmt[] = {
        "level=info event=test value=\"a b\" n=0",
        "level=info event=test value=\"a\\x22b\" n=1",
        "level=info event=test value=\"\\x22\" n=2",
        "level=info event=test value=a\\b n=3",
        "level=info event=test value=!=, n=4",
        "level=info event=test "
            "value=a\\x0alevel=error\\x0d\\x1b[2J\\xc3\\xa9\\x7f n=5",
        "level=info event=test "
            "value=\"one\\x0atwo \\x22three\\x22 \\\" n=6"};
    static const char *const json[] = {
        "level\":\"info\",\"event\":\"test\",\"value\":\"a b\",\"n\":\"0\"}",
        "level\":\"info\",\"event\":\"test\",\"value\":\"a\\\"b\",\"n\":\"1\"}",
        "level\":\"info\",\"event\":\"test\",\"value\":\"\\\"\",\"n\":\"2\"}",
        "level\":\"info\",\"event\":\"test\",\"value\":\"a\\\\b\",\"n\":\"3\"}",
        "level\":\"info\",\"event\":\"test\",\"value\":\"!=,\",\"n\":\"4\"}",
        "level\":\"info\",\"event\":\"test\",\"value\":\"a\\u000alevel=error"
            "\\u000d\\u001b[2J\\u00c3\\u00a9\\u007f\",\"n\":\"5\"}",
        "level\":\"info\",\"event\":\"test\",\"value\":\"one\\u000atwo "
            "\\\"three\\\" \\\\\",\"n\":\"6\"}"};
    char out[4096];

    (void)state;
    (void)catch(hostile_pairs, out, sizeof(out));
    assert_lines(out, logfmt, sizeof(logfmt) / sizeof(logfmt[0]));
    log_set_json(1);
    (void)catch(hostile_pairs, out, sizeof(out));
    log_set_json(0);
    assert_lines(out, json, sizeof(json) / sizeof(json[0]));
}

/* What a peer says must not become a key that breaks the object. */
static void
a_hostile_key(void)
{
    log_line(LOG_INFO, "test", "value=%s", "a b\n\"=c");
    log_flush();
}

static void
a_key_in_json_is_escaped_too(void **state)
{
    char out[2048];

    (void)state;
    log_set_json(1);
    (void)catch(a_hostile_key, out, sizeof(out));
    log_set_json(0);
    assert_string_equal(behind_time(out), "level\":\"info\","
        "\"event\":\"test\",\"value\":\"a\",\"b\\u000a\\\"\":\"c\"}\n");
}

static void
many_long_pairs(void)
{
    static const char plain[] = "0123456789abcdef0123456789abcdef";
    struct log_record record;
    static char text[1300];

    memset(text, '\001', sizeof(text) - 1);
    for (size_t n = 0; n < 40; n++) {
        assert_true(log_begin(&record, LOG_INFO, "long"));
        for (size_t i = 0; i < n; i++)
            log_text(&record, "plain", plain);
        log_text(&record, "value", text);
        for (int i = 0; i < 100; i++)
            log_u64(&record, "n", UINT64_MAX);
        log_end(&record);
    }
    log_flush();
}

static void
what_a_line_has_no_room_for_is_cut(void **state)
{
    static char out[80000];
    size_t n, lines = 0;

    (void)state;
    for (int json = 0; json <= 1; json++) {
        log_set_json(json);
        n = catch(many_long_pairs, out, sizeof(out));
        log_set_json(0);
        for (char *p = out, *end; p < out + n; p = end + 1, lines++) {
            assert_non_null(end = strchr(p, '\n'));
            assert_in_range(end - p, 1200, 1291);
            if (json)
                assert_memory_equal(end - 2, "\"}", 2);
        }
    }
    assert_int_equal(lines, 80);
}

static void
below_the_threshold(void)
{
    struct log_record record;

    assert_false(log_begin(&record, LOG_DEBUG, "hidden"));
    log_flush();
}

static void
a_line_below_the_threshold_is_not_begun(void **state)
{
    char out[2048];

    (void)state;
    assert_int_equal(catch(below_the_threshold, out, sizeof(out)), 0);
}

static void
gathered(void)
{
    log_line(LOG_INFO, "one", "n=1");
    log_line(LOG_DEBUG, "hidden", "n=2");
}

static void
nothing_is_written_before_the_flush(void **state)
{
    char out[2048];

    (void)state;
    assert_int_equal(catch(gathered, out, sizeof(out)), 0);
    assert_true(catch(log_flush, out, sizeof(out)) > 0);
    assert_non_null(strstr(out, "event=one"));
    assert_null(strstr(out, "hidden"));
    assert_int_equal(catch(log_flush, out, sizeof(out)), 0);
}

static void
flood(void)
{
    for (int i = 0; i < 5000; i++)
        log_line(LOG_INFO, "flood", "i=%d", i);
    log_flush();
}

static void
what_is_dropped_is_counted(void **state)
{
    static char out[256 * 1024];
    char *note;
    unsigned long dropped = 0, lines = 0;

    (void)state;
    (void)catch(flood, out, sizeof(out));
    note = strstr(out, "event=log dropped=");
    assert_non_null(note);
    assert_int_equal(sscanf(note, "event=log dropped=%lu", &dropped), 1);
    for (char *p = out; (p = strstr(p, "event=flood")) != NULL; p++)
        lines++;
    assert_int_equal(lines + dropped, 5000);
}

static void
json_flood(void)
{
    log_set_json(1);
    flood();
    log_set_json(0);
}

static void
what_is_dropped_is_counted_in_json_too(void **state)
{
    static char out[512 * 1024];
    size_t n = catch(json_flood, out, sizeof(out));
    size_t lines = 0;

    (void)state;
    assert_non_null(strstr(out, "\"level\":\"warn\",\"event\":\"log\","
        "\"dropped\":\""));
    for (char *p = out, *end; p < out + n; p = end + 1, lines++) {
        assert_non_null(end = strchr(p, '\n'));
        assert_true(strncmp(p, "{\"ts\":\"2", 8) == 0 && end[-1] == '}');
    }
    assert_true(lines > 1);
}

static void
long_one(void)
{
    static char text[100000];

    memset(text, '\001', sizeof(text) - 1);
    log_line(LOG_WARN, "long", "value=%s", text);
}

static void
a_long_value_is_cut(void **state)
{
    char out[8192];
    size_t n = catch(long_one, out, sizeof(out));

    (void)state;
    assert_in_range(n, 100, 2000);
    assert_int_equal(out[n - 1], '\n');
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_is_one_line),
        cmocka_unit_test(json_is_one_object_a_line),
        cmocka_unit_test(pair_by_pair_is_the_same_line),
        cmocka_unit_test(a_hostile_value_stays_within_its_pair),
        cmocka_unit_test(a_key_in_json_is_escaped_too),
        cmocka_unit_test(what_a_line_has_no_room_for_is_cut),
        cmocka_unit_test(a_line_below_the_threshold_is_not_begun),
        cmocka_unit_test(nothing_is_written_before_the_flush),
        cmocka_unit_test(what_is_dropped_is_counted),
        cmocka_unit_test(what_is_dropped_is_counted_in_json_too),
        cmocka_unit_test(a_long_value_is_cut),
    };

    return (cmocka_run_group_tests_name("log", tests, NULL, NULL));
}
