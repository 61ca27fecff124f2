#include "client/manual.h"

#include "client/command.h"

static const char head[] =
    ".Dd November 22, 2026\n"
    ".Dt VOUCH 1\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm vouch\n"
    ".Nd ask whether a technician holds a certification\n"
    ".Sh SYNOPSIS\n"
    ".Nm\n"
    ".Ar command\n"
    ".Op Fl -flag Ar value\n"
    ".Ar ...\n"
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "is the client of\n"
    ".Xr vouchd 8 .\n"
    "Employers state a claim and learn whether it is so; associations publish\n"
    "their credential records.\n"
    "Who you are is told by your certificate.\n";

static const char tail[] =
    ".Sh SEE ALSO\n"
    ".Xr vouchd.conf 5 ,\n"
    ".Xr vouchd 8\n";

/*
 * As it is, whatever roff would make of it.  A hyphen is written as one, to
 * be found and copied.
 */
static void
put_text(FILE *f, const char *text)
{
    int at_start = 1;

    for (; *text != '\0'; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            fputs("\\&", f);
        if (*text == '\\')
            fputs("\\e", f);
        else if (*text == '-')
            fputs("\\-", f);
        else
            fputc(*text, f);
        at_start = *text == '\n';
    }
}

static void
put_literal(FILE *f, const char *text)
{
    fputs(".Bd -literal\n", f);
    put_text(f, text);
    fputs(".Ed\n", f);
}

static void
put_flags(FILE *f, const struct flag *flags)
{
    fputs(".Bl -tag -width Ds\n", f);
    for (; flags->name != NULL; flags++) {
        fprintf(f, ".It Fl -%s", flags->name);
        if (flags->value != NULL)
            fprintf(f, " Ar %s", flags->value);
        fputc('\n', f);
        put_text(f, flags->help);
        fputs(".\n", f);
    }
    fputs(".El\n", f);
}

static void
put_command(FILE *f, const struct command *c)
{
    fprintf(f, ".Ss %s%s%s\n", c->noun, c->verb != NULL ? " " : "",
        c->verb != NULL ? c->verb : "");
    put_text(f, c->help);
    fputs(":\n.Bd -literal -offset indent\nvouch ", f);
    put_text(f, c->noun);
    fprintf(f, "%s%s ", c->verb != NULL ? " " : "",
        c->verb != NULL ? c->verb : "");
    put_text(f, c->args);
    fputs("\n.Ed\n", f);
    if (c->about != NULL)
        put_literal(f, c->about);
    if (c->flags != NULL)
        put_flags(f, c->flags);
    fputs(".Pp\nExample:\n", f);
    put_literal(f, c->example);
}

void
manual_write(const struct manual_texts *texts, FILE *f)
{
    fputs(head, f);
    fputs(".Sh COMMANDS\n", f);
    for (const struct command *c = commands; c->noun != NULL; c++)
        put_command(f, c);
    fputs(".Sh FLAGS OF EVERY COMMAND\n", f);
    put_flags(f, common_flags);
    fputs(".Sh ENVIRONMENT\n", f);
    put_literal(f, texts->environment);
    fputs(".Sh EXIT STATUS\n", f);
    put_literal(f, texts->exit_codes);
    fputs(tail, f);
}
