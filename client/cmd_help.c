#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/manual.h"

static const char exit_codes[] =
    "Exit codes of vouch. Scripts may rely on them.\n\n"
    "  0   YES, or done\n"
    "  1   NO\n"
    "  2   the command line is wrong\n"
    "  3   REVIEW: a person must look\n"
    "  4   not allowed: certificate or role\n"
    "  5   the server cannot be reached, took too long, or has no room\n"
    "  6   partly failed: some rows were rejected, or the output could not be\n"
    "      written\n"
    "  7   the server refused the data\n"
    "  8   there is no such thing\n"
    "  9   evidence is broken: an answer or a receipt that does not verify, a\n"
    "      trust file or root key that is not to be trusted, two views of one\n"
    "      log\n"
    "  70  a bug in vouch or vouchd\n"
    "  130 interrupted (SIGINT); other signals as any program\n";

static const char environment[] =
    "Whom to ask, and as whom. Flags go over the environment, the environment\n"
    "over the configuration file.\n\n"
    "  VOUCH_SERVER   HOST:PORT of vouchd        --server\n"
    "  VOUCH_CA       root certificate, PEM      --ca\n"
    "  VOUCH_CERT     your certificate, PEM      --cert\n"
    "  VOUCH_KEY      your private key, PEM      --key\n"
    "  VOUCH_TRUST    the operator's trust.json  --trust\n"
    "  VOUCH_ROOT_KEY id of its root key         --root-key\n"
    "  VOUCH_CONTEXT  context of the file        --context\n"
    "  VOUCH_OUTPUT   table, json, jsonl or csv  --output\n"
    "  NO_COLOR       no color, whatever it is set to\n\n"
    "What was seen of trust files is remembered in\n"
    "$XDG_STATE_HOME/vouch/trust, or ~/.local/state/vouch/trust.\n\n"
    "The file is $XDG_CONFIG_HOME/vouch/config, or ~/.config/vouch/config:\n\n"
    "  current = \"clinic\"\n"
    "  context clinic {\n"
    "      server = \"vouch.example.org:8443\"\n"
    "      ca = \"/etc/vouch/root.pem\"\n"
    "      cert = \"/etc/vouch/clinic.pem\"\n"
    "      key = \"/etc/vouch/clinic.key\"\n"
    "      trust = \"/etc/vouch/trust.json\"\n"
    "      root_key = \"what the operator told you, 64 hexadecimal digits\"\n"
    "  }\n\n"
    "A development daemon writes files to be sourced: vouchd --dev DIR, then\n"
    ". DIR/employer.env\n";

static int
is_among(const struct flag *flags, const char *name)
{
    for (; flags != NULL && flags->name != NULL; flags++)
        if (strcmp(flags->name, name) == 0)
            return (1);
    return (0);
}

/* All ${flags} but those that stand among ${others}, too. */
static void
print_flags(const struct flag *flags, const struct flag *others)
{
    for (; flags != NULL && flags->name != NULL; flags++) {
        char left[64];

        if (is_among(others, flags->name))
            continue;
        (void)snprintf(left, sizeof(left), "--%s%s%s", flags->name,
            flags->value != NULL ? " " : "",
            flags->value != NULL ? flags->value : "");
        printf("  %-22s ", left);
        for (const char *p = flags->help; *p != '\0'; p++) {
            putchar(*p);
            if (*p == '\n')
                printf("%25s", "");
        }
        putchar('\n');
    }
}

static void
print_command(const struct command *c)
{
    const char *gap = c->verb != NULL ? " " : "";
    const char *verb = c->verb != NULL ? c->verb : "";

    printf("vouch %s%s%s: %s\n\nusage:\n  vouch %s%s%s%s%s\n", c->noun, gap,
        verb, c->help, c->noun, gap, verb, c->args[0] != '\0' ? " " : "",
        c->args);
    if (c->about != NULL)
        printf("\n%s", c->about);
    printf("\nexample:\n%s", c->example);
    if (c->flags != NULL) {
        printf("\nflags:\n");
        print_flags(c->flags, NULL);
    }
    printf("\nflags of every command:\n");
    print_flags(common_flags, c->flags);
}

static void
print_all(FILE *f)
{
    fprintf(f, "vouch: asks a vouchd whether a technician holds a "
        "certification\n\nexample:\n"
        "  vouch verify --association ascp-boc --type ascp-pbt "
        "--number 10482 \\\n      --family Garcia --birth-date 1990\n\n"
        "commands:\n");
    for (const struct command *c = commands; c->noun != NULL; c++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "%s%s%s", c->noun,
            c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "");
        fprintf(f, "  %-22s %s\n", name, c->help);
    }
    fprintf(f, "\n'vouch help COMMAND' shows flags and an example; see also\n"
        "'vouch help exit-codes' and 'vouch help environment'.\n");
}

int
cmd_help(const struct invocation *run)
{
    int found = 0;

    if (run->nwords == 0) {
        print_all(stdout);
        return (VOUCH_EXIT_YES);
    }
    if (strcmp(run->words[0], "exit-codes") == 0) {
        fputs(exit_codes, stdout);
        return (VOUCH_EXIT_YES);
    }
    if (strcmp(run->words[0], "environment") == 0) {
        fputs(environment, stdout);
        return (VOUCH_EXIT_YES);
    }
    if (strcmp(run->words[0], "man") == 0) {    /* for the build */
        manual_write(&(struct manual_texts){exit_codes, environment}, stdout);
        return (VOUCH_EXIT_YES);
    }
    for (const struct command *c = commands; c->noun != NULL; c++) {
        if (strcmp(c->noun, run->words[0]) != 0 || (run->nwords > 1 &&
            (c->verb == NULL || strcmp(c->verb, run->words[1]) != 0)))
            continue;
        if (found++)
            putchar('\n');
        print_command(c);
    }
    if (!found)
        return (usage_error(run, "there is no help on '%s%s%s'",
            run->words[0], run->nwords > 1 ? " " : "",
            run->nwords > 1 ? run->words[1] : ""));
    return (VOUCH_EXIT_YES);
}
