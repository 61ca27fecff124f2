#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/command_line.h"
#include "client/context.h"

static int
set_output(struct command_line *p)
{
    static const char *const names[] = {"table", "json", "jsonl", "csv"};
    const char *wanted = command_line_common(p, "output");
    const char *from = "--output";

    if (wanted == NULL) {
        from = "VOUCH_OUTPUT";
        if ((wanted = getenv(from)) == NULL || wanted[0] == '\0')
            return (0);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], wanted) == 0) {
            p->run.output = (enum output)i;
            return (0);
        }
    return (usage_error(&p->run,
        "%s is one of table, json, jsonl or csv, not '%s'", from, wanted));
}

static int
set_timeout(struct command_line *p)
{
    const char *wanted = command_line_common(p, "timeout");
    char *end;
    double seconds;

    if (wanted == NULL)
        return (0);
    seconds = strtod(wanted, &end);
    if (end == wanted || *end != '\0' || !(seconds >= 0.001) ||
        seconds > 86400)
        return (usage_error(&p->run,
            "--timeout takes seconds, as in 2.5, not '%s'", wanted));
    p->run.options.timeout_ms = (int)(seconds * 1000);
    return (0);
}

static int
has_flag(const struct command *command, const char *name)
{
    const struct flag *f = command->flags;

    while (f != NULL && f->name != NULL && strcmp(f->name, name) != 0)
        f++;
    return (f != NULL && f->name != NULL);
}

static int
resolve(struct command_line *p, struct context *context)
{
    struct invocation *run = &p->run;
    const struct context_flags flags = {
        .context = command_line_common(p, "context"),
        .server = command_line_common(p, "server"),
        .ca = command_line_common(p, "ca"),
        .cert = command_line_common(p, "cert"),
        .key = command_line_common(p, "key"),
        .trust = flag_value(run, "trust"),
        .root_key = flag_value(run, "root-key")};
    int trusts = has_flag(run->command, "trust");
    char why[8192];

    if (run->command->offline && !trusts)
        return (0);
    if (context_resolve(context, &flags, run->command->offline ? NULL :
            &run->options, why, sizeof(why)) != 0) {
        fprintf(stderr, "vouch: %s\n", why);
        return (VOUCH_EXIT_USAGE);
    }
    run->trust = trusts ? context->trust : NULL;
    run->root_key = trusts ? context->root_key : NULL;
    return (0);
}

static int
run_command(struct command_line *p, struct context *context)
{
    struct invocation *run = &p->run;
    int status;

    run->quiet = command_line_common(p, "quiet") != NULL;
    if ((run->command->run != cmd_help && (status = set_output(p)) != 0) ||
        (status = set_timeout(p)) != 0)
        return (status);
    if (run->nwords < run->command->least)
        return (usage_error(run, "it takes %s", run->command->args));
    if (run->nwords > run->command->most)
        return (usage_error(run, "'%s' is one word too many",
            run->words[run->command->most]));
    status = resolve(p, context);
    return (status != 0 ? status : run->command->run(run));
}

int
main(int argc, char *argv[])
{
    static const struct command plain = {.noun = "help"};
    const struct invocation help = {.command = &plain};
    struct command_line line = {0};
    struct context context = {0};
    int status;

    if (argc < 2) {
        (void)cmd_help(&help);
        return (VOUCH_EXIT_USAGE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("vouch " VOUCH_VERSION);
        return (VOUCH_EXIT_YES);
    }
    if ((status = command_line_parse(&line, argc - 1, argv + 1)) == 0)
        status = run_command(&line, &context);
    context_free(&context);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("vouch: standard output");
        if (status == VOUCH_EXIT_YES)
            status = VOUCH_EXIT_PARTLY;
    }
    return (status);
}
