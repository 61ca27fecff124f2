#include "client/command_line.h"

#include <stdio.h>
#include <string.h>

#include "proto/nearest.h"

static const char *
named(const struct flag *flags, const char *const *values, const char *name)
{
    for (size_t i = 0; flags != NULL && flags[i].name != NULL; i++)
        if (strcmp(flags[i].name, name) == 0)
            return (values[i]);
    return (NULL);
}

const char *
flag_value(const struct invocation *run, const char *name)
{
    return (named(run->command->flags, run->values, name));
}

const char *
command_line_common(const struct command_line *line, const char *name)
{
    return (named(common_flags, line->common, name));
}

static const char *
nearest_command(const char *word)
{
    const char *words[32];
    size_t n = 0;

    for (const struct command *c = commands; c->noun != NULL; c++)
        words[n++] = c->noun;
    return (nearest_of(word, words, n));
}

/* Find the command that begins the words; return how many it takes, 0: none. */
static int
find_command(struct command_line *p, int argc, char *argv[])
{
    for (const struct command *c = commands; c->noun != NULL; c++) {
        if (strcmp(c->noun, argv[0]) != 0)
            continue;
        if (c->verb == NULL) {
            p->run.command = c;
            return (1);
        }
        if (argc > 1 && strcmp(c->verb, argv[1]) == 0) {
            p->run.command = c;
            return (2);
        }
    }
    return (0);
}

static int
unknown_command(int argc, char *argv[])
{
    int first = 1;

    for (const struct command *c = commands; c->noun != NULL; c++)
        if (strcmp(c->noun, argv[0]) == 0 && c->verb != NULL) {
            fprintf(stderr, "%s %s", first ? "vouch: try 'vouch" : "or 'vouch",
                c->noun);
            fprintf(stderr, " %s' ", c->verb);
            first = 0;
        }
    if (first)
        fprintf(stderr, "vouch: there is no command '%s'; did you mean "
            "'vouch %s'?", argv[0], nearest_command(argv[0]));
    else if (argc > 1 && argv[1][0] != '-')
        fprintf(stderr, "- there is no '%s %s'", argv[0], argv[1]);
    fputc('\n', stderr);
    return (VOUCH_EXIT_USAGE);
}

static const char *
nearest_flag(const struct command_line *p, const char *name)
{
    const char *names[FLAGS_MAX + 16];
    const struct flag *lists[] = {common_flags, p->run.command->flags};
    size_t n = 0;

    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; lists[l] != NULL && lists[l][i].name != NULL; i++)
            names[n++] = lists[l][i].name;
    return (nearest_of(name, names, n));
}

/* Take the flag at argv[0]; return how many words it took, 0 on error. */
static int
take_flag(struct command_line *p, int argc, char *argv[])
{
    struct {
        const struct flag *flags;
        const char **values;
    } lists[] = {{common_flags, p->common},
        {p->run.command->flags, p->run.values}};
    const char *name = strcmp(argv[0], "-h") == 0 ? "help" :
        strcmp(argv[0], "-o") == 0 ? "output" : argv[0] + 2;
    size_t n = strcspn(name, "=");

    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; lists[l].flags != NULL &&
            lists[l].flags[i].name != NULL; i++) {
            const struct flag *f = &lists[l].flags[i];

            if (strlen(f->name) != n || strncmp(f->name, name, n) != 0)
                continue;
            if (lists[l].values[i] != NULL) {
                (void)usage_error(&p->run, "--%s stands there twice",
                    f->name);
                return (0);
            }
            lists[l].values[i] = name[n] == '=' ? name + n + 1 : "";
            if (f->value == NULL || name[n] == '=')
                return (1);
            if (argc < 2) {
                (void)usage_error(&p->run, "--%s takes %s", f->name,
                    f->value);
                return (0);
            }
            lists[l].values[i] = argv[1];
            return (2);
        }
    (void)usage_error(&p->run, "there is no flag '%s'; did you mean '--%s'?",
        argv[0], nearest_flag(p, name));
    return (0);
}

static int
parse_words(struct command_line *p, int argc, char *argv[])
{
    int flags = 1;

    while (argc > 0) {
        int taken = 1;

        if (flags && strcmp(argv[0], "--") == 0)
            flags = 0;
        else if (flags && (strncmp(argv[0], "--", 2) == 0 ||
            strcmp(argv[0], "-h") == 0 || strcmp(argv[0], "-o") == 0)) {
            if ((taken = take_flag(p, argc, argv)) == 0)
                return (VOUCH_EXIT_USAGE);
        } else if (p->run.nwords < WORDS_MAX)
            p->run.words[p->run.nwords++] = argv[0];
        else
            return (usage_error(&p->run, "too many words"));
        argc -= taken;
        argv += taken;
    }
    return (0);
}

int
command_line_parse(struct command_line *line, int argc, char *argv[])
{
    int taken = find_command(line, argc, argv);

    if (taken == 0)
        return (unknown_command(argc, argv));
    return (parse_words(line, argc - taken, argv + taken));
}
