#include "bench/load/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/load/fatal.h"

struct row {
    const char *name, *help;
    size_t at;              /* offset of the field */
    const char *text;       /* default */
    int is_number;
    int64_t number, least, most;
};

static const struct row rows[] = {
#define TEXT(field, name, value, help) \
    {name, help, offsetof(struct options, field), value, 0, 0, 0, 0},
#define NUMBER(field, name, value, least, most, help) \
    {name, help, offsetof(struct options, field), NULL, 1, value, least, most},
    OPTIONS_LIST(TEXT, NUMBER)
#undef TEXT
#undef NUMBER
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const char **
text_at(struct options *options, const struct row *row)
{
    return ((const char **)(void *)((char *)options + row->at));
}

static int64_t *
number_at(struct options *options, const struct row *row)
{
    return ((int64_t *)(void *)((char *)options + row->at));
}

static void
help(void)
{
    puts("vouch_load: ask a server as fast as it answers, and measure\n\n"
        "usage: vouch_load --server ADDRESS:PORT --ca FILE "
        "[--NAME VALUE]...\n");
    for (size_t i = 0; i < ROWS; i++) {
        printf("  --%-14s %s", rows[i].name, rows[i].help);
        if (rows[i].is_number)
            printf(" (%" PRId64 " to %" PRId64 "; %" PRId64 ")",
                rows[i].least, rows[i].most, rows[i].number);
        else if (rows[i].text != NULL)
            printf(" (%s)", rows[i].text);
        putchar('\n');
    }
    puts("\nClaims: nine of ten are about a record that exists; the others are "
        "of a number\nor of a person that does not. Every answer's verdict is "
        "checked.");
}

static void
set(struct options *options, const struct row *row, const char *value)
{
    char *end;
    long long n;

    if (!row->is_number) {
        *text_at(options, row) = value;
        return;
    }
    errno = 0;
    n = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || n < row->least ||
        n > row->most)
        fatal("--%s takes a number from %" PRId64 " to %" PRId64 ", not '%s'",
            row->name, row->least, row->most, value);
    *number_at(options, row) = n;
}

static void
check(const struct options *o)
{
    if (o->server == NULL || o->ca == NULL)
        fatal("--server and --ca are needed; --help says more");
    if ((o->cert == NULL) != (o->key == NULL))
        fatal("--cert and --key belong together");
    if (o->idle != 0 && o->pid == 0)
        fatal("--idle measures a process: --pid is needed");
    if (o->idle != 0 && o->hold != 0)
        fatal("--idle and --hold do not go together");
    if (o->hold != 0 && o->requests == 0)
        fatal("--hold needs --requests");
}

void
options_read(struct options *options, int argc, char *argv[])
{
    struct option longs[ROWS + 2] = {{0}};
    int which;

    for (int i = 0; i < ROWS; i++) {
        longs[i] = (struct option){rows[i].name, required_argument, NULL, i};
        if (rows[i].is_number)
            *number_at(options, &rows[i]) = rows[i].number;
        else
            *text_at(options, &rows[i]) = rows[i].text;
    }
    longs[ROWS] = (struct option){"help", no_argument, NULL, ROWS};
    while ((which = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        if (which == ROWS) {
            help();
            exit(EXIT_SUCCESS);
        }
        if (which < 0 || which > ROWS)
            fatal("--help says what can be asked");
        set(options, &rows[which], optarg);
    }
    if (optind < argc)
        fatal("what is this: '%s'", argv[optind]);
    check(options);
}
