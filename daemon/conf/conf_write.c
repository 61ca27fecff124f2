#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/options.h"

#define VALUE_MAX 4400

static void
put_quoted(FILE *f, const char *text)
{
    fputc('"', f);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || *text == '$')
            fputc('\\', f);
        fputc(*text, f);
    }
    fputc('"', f);
}

static void
put_value(FILE *f, size_t i, const char *value)
{
    if (conf_options[i].text != NULL)
        put_quoted(f, value);
    else
        fputs(value, f);
}

static void
default_of(size_t i, char *text, size_t size)
{
    const struct conf_option *o = &conf_options[i];

    if (o->text != NULL)
        (void)snprintf(text, size, "%s", o->text);
    else
        (void)snprintf(text, size, "%lld", o->number);
}

static void
put_range(FILE *f, size_t i)
{
    const struct conf_option *o = &conf_options[i];

    if (o->words != NULL)
        fprintf(f, "; one of: %s", o->words);
    else if (o->text == NULL)
        fprintf(f, "; %lld to %lld", o->least, o->most);
}

/* Close the block before and open the next, where option ${i} begins one. */
static const char *
turn_block(FILE *f, size_t i, char block[64])
{
    char next[64];
    const char *name = i < conf_option_count ?
        conf_block(conf_options[i].name, next, sizeof(next)) : "";

    if (i == conf_option_count)
        next[0] = '\0';
    if (strcmp(block, next) != 0) {
        if (block[0] != '\0')
            fputs("}\n", f);
        if (next[0] != '\0')
            fprintf(f, "\n%s {\n", next);
        (void)snprintf(block, 64, "%s", next);
    }
    return (name);
}

static void
write_effective(const struct conf *conf, FILE *f)
{
    char block[64] = "";

    for (size_t i = 0; i < conf_option_count; i++) {
        const char *name = turn_block(f, i, block);
        char value[VALUE_MAX];

        conf_value(conf, i, value, sizeof(value));
        fprintf(f, "%s%s = ", block[0] != '\0' ? "    " : "", name);
        put_value(f, i, value);
        fprintf(f, "    # %s\n", conf_origin(conf, i));
    }
    (void)turn_block(f, conf_option_count, block);
}

static void
write_sample(FILE *f)
{
    char block[64] = "";

    fputs("# vouchd.conf: every setting with its default, commented out.\n"
        "# See vouchd.conf(5); vouchd --check-config tells what is wrong.\n\n",
        f);
    for (size_t i = 0; i < conf_option_count; i++) {
        const char *name = turn_block(f, i, block);
        const char *indent = block[0] != '\0' ? "    " : "";
        char value[VALUE_MAX];

        default_of(i, value, sizeof(value));
        fprintf(f, "%s# %s", indent, conf_options[i].help);
        put_range(f, i);
        fprintf(f, "\n%s# %s = ", indent, name);
        put_value(f, i, value);
        fputc('\n', f);
    }
    (void)turn_block(f, conf_option_count, block);
}

static void
write_help(FILE *f)
{
    for (size_t i = 0; i < conf_option_count; i++) {
        char value[VALUE_MAX];

        default_of(i, value, sizeof(value));
        fprintf(f, "  %-28s %s", conf_options[i].name, conf_options[i].help);
        if (value[0] != '\0')
            fprintf(f, " (%s)", value);
        put_range(f, i);
        fputc('\n', f);
    }
}

static const char manual_head[] =
    ".Dd November 22, 2026\n"
    ".Dt VOUCHD.CONF 5\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm vouchd.conf\n"
    ".Nd settings of vouchd\n"
    ".Sh DESCRIPTION\n"
    "An option stands in the block that its name begins with:\n"
    ".Em listen.port\n"
    "is\n"
    ".Ql port = 8443\n"
    "in\n"
    ".Ql listen { } .\n"
    "Texts are best quoted;\n"
    ".Ql #\n"
    "begins a comment;\n"
    ".Ql ${NAME}\n"
    "within quotes is taken from the environment.\n"
    "An unknown option or a bad value is refused with its file and line.\n"
    "Over the file go the options given by\n"
    ".Ic vouchd Fl -set Ar name Ns = Ns Ar value .\n"
    ".Sh OPTIONS\n"
    ".Bl -tag -width Ds\n";

static const char manual_tail[] =
    ".El\n"
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa /etc/vouch/vouchd.conf\n"
    "is read if nothing else is named.\n"
    ".El\n"
    ".Sh EXAMPLES\n"
    ".Bd -literal\n"
    "listen {\n"
    "    address = \"0.0.0.0\"\n"
    "}\n"
    "store {\n"
    "    dsn = \"sqlite:/var/lib/vouchd/vouch.db\"\n"
    "}\n"
    ".Ed\n";

static void
write_manual(FILE *f)
{
    fputs(manual_head, f);
    for (size_t i = 0; i < conf_option_count; i++) {
        char value[VALUE_MAX];

        default_of(i, value, sizeof(value));
        fprintf(f, ".It Ic %s\n", conf_options[i].name);
        fputs(conf_options[i].help, f);
        put_range(f, i);
        fputs(".\n", f);
        if (value[0] != '\0')
            fprintf(f, "Default:\n.Ql %s .\n", value);
    }
    fputs(manual_tail, f);
}

void
conf_write(const struct conf *conf, enum conf_form form, FILE *f)
{
    switch (form) {
    case CONF_EFFECTIVE:
        write_effective(conf, f);
        break;
    case CONF_SAMPLE:
        write_sample(f);
        break;
    case CONF_MANUAL:
        write_manual(f);
        break;
    case CONF_HELP:
    default:
        write_help(f);
        break;
    }
}
