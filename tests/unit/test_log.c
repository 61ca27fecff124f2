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
        cmocka_unit_test(nothing_is_written_before_the_flush),
        cmocka_unit_test(what_is_dropped_is_counted),
        cmocka_unit_test(what_is_dropped_is_counted_in_json_too),
        cmocka_unit_test(a_long_value_is_cut),
    };

    return (cmocka_run_group_tests_name("log", tests, NULL, NULL));
}
