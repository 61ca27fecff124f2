#include "client/command_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/civil.h"
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

int
flag_number(const struct invocation *run, const char *name, int64_t *number)
{
    const char *text = flag_value(run, name);
    char *end;

    if (text == NULL)
        return (0);
    errno = 0;
    *number = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return (usage_error(run, "--%s takes a whole number, not '%s'", name,
            text));
    return (0);
}

int
flag_time(const struct invocation *run, const char *name, int64_t *time_us)
{
    const char *text = flag_value(run, name);

    if (text != NULL && civil_parse_time(text, time_us) != E_OK)
        return (usage_error(run, "--%s takes a time as in "
            "2026-11-22T06:00:00-06:00, not '%s'", name, text));
    return (0);
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

static int
no_such_command(const char *word)
{
    fprintf(stderr, "vouch: there is no command '%s'; did you mean "
        "'vouch %s'?\nTry 'vouch help'.\n", word, nearest_command(word));
    return (VOUCH_EXIT_USAGE);
}

/* A noun alone, or with a verb that is none of its own. */
static int
no_such_verb(const char *noun, const char *verb)
{
    int n = 0;

    if (verb != NULL)
        fprintf(stderr, "vouch: there is no command '%s %s'; try", noun,
            verb);
    else
        fprintf(stderr, "vouch: '%s' takes one more word; try", noun);
    for (const struct command *c = commands; c->noun != NULL; c++)
        if (strcmp(c->noun, noun) == 0)
            fprintf(stderr, "%s 'vouch %s %s'", n++ > 0 ? " or" : "", noun,
                c->verb);
    fputc('\n', stderr);
    return (VOUCH_EXIT_USAGE);
}

static const char *
nearest_flag(const struct command_line *p, const char *name)
{
    const char *names[FLAGS_MAX + 16];
    const struct flag *lists[] = {common_flags,
        p->run.command != NULL ? p->run.command->flags : NULL};
    size_t n = 0;

    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; lists[l] != NULL && lists[l][i].name != NULL; i++)
            names[n++] = lists[l][i].name;
    return (nearest_of(name, names, n));
}

/* A flag as it stands on the command line. */
struct given {
    const char *name;           /* without hyphens */
    size_t n;                   /* its length */
    const char *value;          /* behind it in the same word, or NULL */
};

static struct given
read_flag(const char *word)
{
    struct given g = {0};

    if (word[1] == 'o') {
        g = (struct given){"output", 6, NULL};
        if (word[2] != '\0')
            g.value = word + 2 + (word[2] == '=');
    } else if (strcmp(word, "-h") == 0)
        g = (struct given){"help", 4, NULL};
    else {
        g.name = word + (word[1] == '-' ? 2 : 1);
        g.n = strcspn(g.name, "=");
        if (g.name[g.n] == '=')
            g.value = g.name + g.n + 1;
    }
    return (g);
}

/* Give ${f} its value in ${*slot}; return how many words it took, 0: error. */
static int
set_flag(struct command_line *p, const struct flag *f, const struct given *g,
    const char **slot, const char *next)
{
    if (*slot != NULL)
        (void)usage_error(&p->run, "--%s stands there twice", f->name);
    else if (f->value == NULL && g->value != NULL)
        (void)usage_error(&p->run, "--%s takes no value", f->name);
    else if (f->value == NULL || g->value != NULL) {
        *slot = g->value != NULL ? g->value : "";
        return (1);
    } else if (next == NULL || strncmp(next, "--", 2) == 0)
        (void)usage_error(&p->run, "--%s takes %s; one that begins with "
            "hyphens must follow an equal sign", f->name, f->value);
    else {
        *slot = next;
        return (2);
    }
    return (0);
}

/* Take the flag at argv[0]; return how many words it took, 0 on error.  A
 * command's own flags stand before the common ones. */
static int
take_flag(struct command_line *p, int argc, char *argv[])
{
    struct {
        const struct flag *flags;
        const char **values;
    } lists[] = {{p->run.command != NULL ? p->run.command->flags : NULL,
        p->run.values}, {common_flags, p->common}};
    struct given g = read_flag(argv[0]);

    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; lists[l].flags != NULL &&
            lists[l].flags[i].name != NULL; i++) {
            const struct flag *f = &lists[l].flags[i];

            if (strlen(f->name) == g.n && strncmp(f->name, g.name, g.n) == 0)
                return (set_flag(p, f, &g, &lists[l].values[i],
                    argc > 1 ? argv[1] : NULL));
        }
    if (p->run.command == NULL)
        (void)usage_error(&p->run, "'%s' is no flag that every command takes; "
            "flags of a command stand behind it", argv[0]);
    else
        (void)usage_error(&p->run,
            "there is no flag '%s'; did you mean '--%s'?", argv[0],
            nearest_flag(p, g.name));
    return (0);
}

/* Returns 0, or an exit code. */
static int
take_word(struct command_line *p, const char *word)
{
    int is_noun = 0;

    if (p->run.command != NULL) {
        if (p->run.nwords >= WORDS_MAX &&
            p->run.nwords >= p->run.command->most)
            return (usage_error(&p->run, "too many words"));
        p->words[p->run.nwords++] = word;
        return (0);
    }
    for (const struct command *c = commands; c->noun != NULL; c++) {
        if (strcmp(c->noun, p->noun != NULL ? p->noun : word) != 0)
            continue;
        is_noun = 1;
        if (c->verb == NULL || (p->noun != NULL && strcmp(c->verb, word) == 0))
            p->run.command = c;
    }
    if (p->noun != NULL && p->run.command == NULL)
        return (no_such_verb(p->noun, word));
    if (!is_noun)
        return (no_such_command(word));
    p->noun = word;
    return (0);
}

static int
take_words(struct command_line *p, int argc, char *argv[])
{
    int flags = 1, status;

    while (argc > 0) {
        int taken = 1;

        if (flags && strcmp(argv[0], "--") == 0)
            flags = 0;
        else if (flags && argv[0][0] == '-' && argv[0][1] != '\0') {
            if ((taken = take_flag(p, argc, argv)) == 0)
                return (VOUCH_EXIT_USAGE);
        } else if ((status = take_word(p, argv[0])) != 0)
            return (status);
        argc -= taken;
        argv += taken;
    }
    return (0);
}

/* Make it `vouch help` on what was named before --help. */
static void
turn_to_help(struct command_line *p)
{
    const struct command *named = p->run.command, *c = commands;

    while (c->run != cmd_help)
        c++;
    p->run = (struct invocation){.command = c, .words = p->help};
    if (named != NULL || p->noun != NULL)
        p->help[p->run.nwords++] = named != NULL ? named->noun : p->noun;
    if (named != NULL && named->verb != NULL)
        p->help[p->run.nwords++] = named->verb;
}

int
command_line_parse(struct command_line *line, int argc, char *argv[])
{
    int status;

    /* A word never comes to stand behind the place it is read from. */
    line->run.words = line->words = (const char **)(void *)argv;
    status = take_words(line, argc, argv);
    if (status != 0)
        return (status);
    if (command_line_common(line, "help") != NULL)
        turn_to_help(line);
    if (line->run.command == NULL && line->noun != NULL)
        return (no_such_verb(line->noun, NULL));
    if (line->run.command == NULL)
        return (usage_error(&line->run, "which command?"));
    return (0);
}
