/*
 * The words of a command line, sorted.  What is said about those that are wrong
 * is for the scenarios: here standard error is silent.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/command_line.h"

#define WORDS 24

static int
parse(struct command_line *line, const char *const *words)
{
    static char text[WORDS][200];
    static char *argv[WORDS];   /* in which the words are */
    int argc = 0;

    for (; words[argc] != NULL; argc++) {
        assert_true(argc < WORDS);
        (void)snprintf(text[argc], sizeof(text[argc]), "%s", words[argc]);
        argv[argc] = text[argc];
    }
    memset(line, 0, sizeof(*line));
    return (command_line_parse(line, argc, argv));
}

#define PARSE(line, ...) \
    parse(&line, (const char *const[]){__VA_ARGS__, NULL})

static void
flags_may_stand_anywhere(void **state)
{
    static const char *const lines[][8] = {
        {"association", "show", "ascp-boc", "-o", "json", "--quiet"},
        {"-o", "json", "--quiet", "association", "show", "ascp-boc"},
        {"--quiet", "association", "-ojson", "show", "ascp-boc"},
        {"association", "--output=json", "show", "--quiet", "ascp-boc"},
        {"association", "show", "-o=json", "--quiet", "--", "ascp-boc"},
        {"--quiet", "-o", "json", "--", "association", "show", "ascp-boc"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct command_line line;

        assert_int_equal(parse(&line, lines[i]), 0);
        assert_ptr_equal(line.run.command->run, cmd_association_show);
        assert_int_equal(line.run.nwords, 1);
        assert_string_equal(line.run.words[0], "ascp-boc");
        assert_string_equal(command_line_common(&line, "output"), "json");
        assert_string_equal(command_line_common(&line, "quiet"), "");
        assert_null(command_line_common(&line, "server"));
        assert_null(command_line_common(&line, "no-such"));
    }
}

static void
values_are_what_they_were_given(void **state)
{
    struct command_line line;

    (void)state;
    assert_int_equal(PARSE(line, "verify", "--number", "-5", "--family",
        "O'Brien = Co", "--given=", "--middle=--x", "--suffix=a=b"), 0);
    assert_string_equal(flag_value(&line.run, "number"), "-5");
    assert_string_equal(flag_value(&line.run, "family"), "O'Brien = Co");
    assert_string_equal(flag_value(&line.run, "given"), "");
    assert_string_equal(flag_value(&line.run, "middle"), "--x");
    assert_string_equal(flag_value(&line.run, "suffix"), "a=b");
    assert_null(flag_value(&line.run, "last4"));
    assert_null(flag_value(&line.run, "output"));
}

static void
a_hyphen_alone_and_what_follows_two_are_words(void **state)
{
    struct command_line line;

    (void)state;
    assert_int_equal(PARSE(line, "publish", "-", "--association", "x"), 0);
    assert_string_equal(line.run.words[0], "-");
    assert_int_equal(PARSE(line, "publish", "--", "--association", "-o",
        "--"), 0);
    assert_int_equal(line.run.nwords, 3);
    assert_string_equal(line.run.words[0], "--association");
    assert_string_equal(line.run.words[2], "--");
    assert_null(flag_value(&line.run, "association"));
}

static void
what_is_wrong_is_a_usage_error(void **state)
{
    static const char *const lines[][16] = {
        {"verfy"}, {""}, {"-"}, {"--"}, {"--quiet"}, {"association"},
        {"association", "shwo"}, {"association", ""}, {"whoami", "-x"},
        {"whoami", "--quiet=1"}, {"whoami", "--server"},
        {"whoami", "--server", "--quiet"}, {"whoami", "-o"},
        {"whoami", "-o", "json", "--output", "csv"},
        {"whoami", "--serve", "x"}, {"whoami", "--=x"}, {"whoami", "--server-"},
        {"--number", "5", "verify"}, {"association", "--number", "5", "show"},
        {"publish", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct command_line line;
        int status = parse(&line, lines[i]);

        if (status != VOUCH_EXIT_USAGE)
            fail_msg("%zu: %s %s: %d", i, lines[i][0],
                lines[i][1] != NULL ? lines[i][1] : "", status);
    }
}

static void
help_is_a_command_whatever_else_is_asked(void **state)
{
    static const struct {
        const char *words[5];
        const char *noun, *verb;
    } rows[] = {
        {{"--help"}, NULL, NULL}, {{"-h", "--quiet"}, NULL, NULL},
        {{"publish", "--help"}, "publish", NULL},
        {{"--help", "publish", "x"}, "publish", NULL},
        {{"association", "-h"}, "association", NULL},
        {{"association", "-h", "show"}, "association", "show"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct command_line line;

        assert_int_equal(parse(&line, rows[i].words), 0);
        assert_ptr_equal(line.run.command->run, cmd_help);
        assert_int_equal(line.run.nwords, (rows[i].noun != NULL) +
            (rows[i].verb != NULL));
        if (rows[i].noun != NULL)
            assert_string_equal(line.run.words[0], rows[i].noun);
        if (rows[i].verb != NULL)
            assert_string_equal(line.run.words[1], rows[i].verb);
    }
}

/* The arrays of an invocation have room for all that is declared. */
/* `receipt redact` writes a file, and has no format of output. */
static void
a_flag_of_the_commands_own_goes_over_a_common_one(void **state)
{
    struct command_line line;

    (void)state;
    assert_int_equal(PARSE(line, "receipt", "redact", "a", "--answer", "-o",
        "b"), 0);
    assert_string_equal(flag_value(&line.run, "output"), "b");
    assert_null(command_line_common(&line, "output"));
    assert_int_equal(PARSE(line, "receipt", "show", "a", "-o", "json"), 0);
    assert_string_equal(command_line_common(&line, "output"), "json");
    assert_null(flag_value(&line.run, "output"));
}

static void
some_commands_take_many_words(void **state)
{
    struct command_line line;

    (void)state;
    assert_int_equal(PARSE(line, "receipt", "verify", "1", "--trust", "t",
        "2", "3", "4", "5", "6", "7", "8", "9", "--", "-10", "--quiet"), 0);
    assert_int_equal(line.run.nwords, 11);
    assert_string_equal(line.run.words[0], "1");
    assert_string_equal(line.run.words[1], "2");
    assert_string_equal(line.run.words[9], "-10");
    assert_string_equal(line.run.words[10], "--quiet");
    assert_string_equal(flag_value(&line.run, "trust"), "t");
}

static void
every_command_is_whole(void **state)
{
    size_t common = 0;

    (void)state;
    while (common_flags[common].name != NULL)
        common++;
    assert_true(common <= 16);
    for (const struct command *c = commands; c->noun != NULL; c++) {
        size_t n = 0;

        assert_non_null(c->run);
        assert_true(c->most >= c->least && (c->most <= WORDS_MAX ||
            c->run == cmd_receipt_verify));
        assert_non_null(strstr(c->example, c->noun));
        for (const struct flag *f = c->flags; f != NULL && f->name != NULL;
            f++, n++)
            for (size_t i = 0; i < common; i++)
                if (c->run != cmd_receipt_redact)
                    assert_string_not_equal(f->name, common_flags[i].name);
        assert_true(n <= FLAGS_MAX);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_may_stand_anywhere),
        cmocka_unit_test(values_are_what_they_were_given),
        cmocka_unit_test(a_hyphen_alone_and_what_follows_two_are_words),
        cmocka_unit_test(what_is_wrong_is_a_usage_error),
        cmocka_unit_test(help_is_a_command_whatever_else_is_asked),
        cmocka_unit_test(a_flag_of_the_commands_own_goes_over_a_common_one),
        cmocka_unit_test(some_commands_take_many_words),
        cmocka_unit_test(every_command_is_whole),
    };

    if (freopen("/dev/null", "w", stderr) == NULL)
        return (1);
    cmocka_set_message_output(CM_OUTPUT_STDOUT);
    return (cmocka_run_group_tests_name("command_line", tests, NULL, NULL));
}
