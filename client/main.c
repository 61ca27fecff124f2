#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/command.h"
#include "client/context.h"
#include "proto/grpc_status.h"
#include "proto/nearest.h"

const struct flag common_flags[] = {
    {"server", "HOST:PORT", "the vouchd to ask (VOUCH_SERVER)"},
    {"ca", "FILE", "root certificate of the server (VOUCH_CA)"},
    {"cert", "FILE", "your certificate (VOUCH_CERT)"},
    {"key", "FILE", "your private key (VOUCH_KEY)"},
    {"context", "NAME", "context of the configuration file (VOUCH_CONTEXT)"},
    {"output", "FORMAT", "table, json, jsonl or csv; -o for short"},
    {"timeout", "SECONDS", "longest wait for an answer (30)"},
    {"quiet", NULL, "no progress and no notes on standard error"},
    {"help", NULL, "help on the command; -h for short"},
    {NULL, NULL, NULL},
};

/* The whole command line, at a glance. */
const struct command commands[] = {
    {"verify", NULL, "--association ID --number N --family NAME ...",
        "ask whether a claim is so",
        "  vouch verify --association ascp-boc --type ascp-pbt --number 10482 "
            "\\\n      --family Garcia --birth-date 1990\n",
        verify_flags, 0, 0, 0, cmd_verify},
    {"publish", NULL, "FILE|- --association ID",
        "publish credential records from a CSV file",
        "  vouch publish roster.csv --association ascp-boc "
            "--rejects rejects.csv\n",
        publish_flags, 1, 1, 0, cmd_publish},
    {"publication", "show", "ID",
        "show what became of an upload, by its id or request id",
        "  vouch publication show 5f0e8c1d2b3a49576879808182838485\n",
        NULL, 1, 1, 0, cmd_publication_show},
    {"declare-current", NULL, "--association ID",
        "state that nothing has changed, so that answers stay fresh",
        "  vouch declare-current --association ascp-boc\n",
        declare_current_flags, 0, 0, 0, cmd_declare_current},
    {"association", "list", "", "list the associations that are covered",
        "  vouch association list -o csv\n",
        NULL, 0, 0, 0, cmd_association_list},
    {"association", "show", "ID",
        "show one association and who recognizes it",
        "  vouch association show ascp-boc\n",
        NULL, 1, 1, 0, cmd_association_show},
    {"credential-type", "list", "", "list what the associations grant",
        "  vouch credential-type list --association ascp-boc\n",
        credential_type_flags, 0, 0, 0, cmd_credential_type_list},
    {"catalog", "check", "DIR", "check the files of a catalog",
        "  vouch catalog check catalog/\n",
        NULL, 1, 1, 1, cmd_catalog_check},
    {"whoami", NULL, "", "show whom the server takes you for",
        "  vouch whoami\n", NULL, 0, 0, 0, cmd_whoami},
    {"health", NULL, "[SERVICE]", "ask whether the server is serving",
        "  vouch health && echo up\n", NULL, 0, 1, 0, cmd_health},
    {"help", NULL, "[COMMAND|exit-codes|environment]", "explain",
        "  vouch help verify\n  vouch help exit-codes\n",
        NULL, 0, 2, 1, cmd_help},
    {NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL},
};

struct parser {
    struct invocation run;
    const char *common[16];     /* values, by place in common_flags */
};

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

static void
print_name(FILE *f, const struct command *c)
{
    if (c != NULL)
        fprintf(f, " %s%s%s", c->noun, c->verb != NULL ? " " : "",
            c->verb != NULL ? c->verb : "");
}

int
usage_error(const struct invocation *run, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "vouch");
    print_name(stderr, run->command);
    fprintf(stderr, ": ");
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nTry 'vouch help");
    print_name(stderr, run->command);
    fprintf(stderr, "'.\n");
    return (VOUCH_EXIT_USAGE);
}

static int
exit_code_of(const struct vouch_error *error)
{
    switch (error->failure) {
    case VOUCH_FAILURE_SETUP:
        return (VOUCH_EXIT_USAGE);
    case VOUCH_FAILURE_UNREACHABLE:
        return (VOUCH_EXIT_UNREACHABLE);
    case VOUCH_FAILURE_REFUSED:
        return (VOUCH_EXIT_NOT_ALLOWED);
    case VOUCH_FAILURE_STATUS:
        break;
    case VOUCH_FAILURE_NONE:
    case VOUCH_FAILURE_MEMORY:
    default:
        return (VOUCH_EXIT_BUG);
    }
    switch ((enum grpc_code)error->code) {
    case GRPC_PERMISSION_DENIED:
    case GRPC_UNAUTHENTICATED:
        return (VOUCH_EXIT_NOT_ALLOWED);
    case GRPC_UNAVAILABLE:
    case GRPC_DEADLINE_EXCEEDED:
    case GRPC_CANCELLED:
        return (VOUCH_EXIT_UNREACHABLE);
    case GRPC_NOT_FOUND:
        return (VOUCH_EXIT_NO_SUCH);
    case GRPC_INVALID_ARGUMENT:
    case GRPC_ALREADY_EXISTS:
    case GRPC_RESOURCE_EXHAUSTED:
    case GRPC_FAILED_PRECONDITION:
    case GRPC_ABORTED:
    case GRPC_OUT_OF_RANGE:
        return (VOUCH_EXIT_REFUSED);
    default:
        return (VOUCH_EXIT_BUG);
    }
}

int
report_error(const struct invocation *run, const struct vouch_error *error)
{
    fprintf(stderr, "vouch");
    print_name(stderr, run->command);
    fprintf(stderr, ": %s", error->message);
    if (error->failure == VOUCH_FAILURE_STATUS && error->code != 0)
        fprintf(stderr, " (%s%s%s)",
            grpc_status_name((enum grpc_code)error->code),
            error->reason[0] != '\0' ? ", " : "", error->reason);
    fputc('\n', stderr);
    for (size_t i = 0; i < error->nviolations; i++)
        fprintf(stderr, "  %s: %s\n", error->violations[i].field,
            error->violations[i].description);
    if (error->next[0] != '\0')
        fprintf(stderr, "  -> %s\n", error->next);
    return (exit_code_of(error));
}

/* ---- the command line -------------------------------------------------- */

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
find_command(struct parser *p, int argc, char *argv[])
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
nearest_flag(const struct parser *p, const char *name)
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
take_flag(struct parser *p, int argc, char *argv[])
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
parse(struct parser *p, int argc, char *argv[])
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

static int
set_output(struct parser *p)
{
    static const char *const names[] = {"table", "json", "jsonl", "csv"};
    const char *wanted = named(common_flags, p->common, "output");

    if (wanted == NULL && (wanted = getenv("VOUCH_OUTPUT")) == NULL)
        return (0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], wanted) == 0) {
            p->run.output = (enum output)i;
            return (0);
        }
    return (usage_error(&p->run,
        "the output is table, json, jsonl or csv, not '%s'", wanted));
}

static int
set_timeout(struct parser *p)
{
    const char *wanted = named(common_flags, p->common, "timeout");
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
run_command(struct parser *p, struct context *context)
{
    struct invocation *run = &p->run;
    char why[512];
    int status;

    if (named(common_flags, p->common, "help") != NULL) {
        struct invocation help = {.words = {run->command->noun,
            run->command->verb}, .nwords = run->command->verb ? 2 : 1};

        help.command = run->command;
        return (cmd_help(&help));
    }
    run->quiet = named(common_flags, p->common, "quiet") != NULL;
    if ((status = set_output(p)) != 0 || (status = set_timeout(p)) != 0)
        return (status);
    if (run->nwords < run->command->least)
        return (usage_error(run, "it takes %s", run->command->args));
    if (run->nwords > run->command->most)
        return (usage_error(run, "what is this: '%s'",
            run->words[run->command->most]));
    if (run->command->offline)
        return (run->command->run(run));
    if (context_resolve(context, &(struct context_flags){
        .context = named(common_flags, p->common, "context"),
        .server = named(common_flags, p->common, "server"),
        .ca = named(common_flags, p->common, "ca"),
        .cert = named(common_flags, p->common, "cert"),
        .key = named(common_flags, p->common, "key")},
        &run->options, why, sizeof(why)) != 0) {
        fprintf(stderr, "vouch: %s\n", why);
        return (VOUCH_EXIT_USAGE);
    }
    return (run->command->run(run));
}

int
main(int argc, char *argv[])
{
    static const struct command plain = {.noun = "help"};
    struct parser p = {0};
    struct context context = {0};
    int taken, status;

    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        struct invocation run = {.command = &plain};

        (void)cmd_help(&run);
        return (VOUCH_EXIT_USAGE);
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("vouch " VOUCH_VERSION);
        return (VOUCH_EXIT_YES);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        struct invocation run = {.command = &plain};

        return (cmd_help(&run));
    }
    if ((taken = find_command(&p, argc - 1, argv + 1)) == 0)
        return (unknown_command(argc - 1, argv + 1));
    if ((status = parse(&p, argc - 1 - taken, argv + 1 + taken)) == 0)
        status = run_command(&p, &context);
    context_free(&context);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("vouch: standard output");
        if (status == VOUCH_EXIT_YES)
            status = VOUCH_EXIT_PARTLY;
    }
    return (status);
}
