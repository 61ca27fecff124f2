#include "conf/conf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/nearest.h"

static const struct option {
    const char *name;
    size_t offset;          /* in struct conf */
    const char *text;       /* default of a text; NULL: a number */
    long long number;       /* default of a number */
    long long least;
    long long most;
    const char *help;
} options[] = {
#define TEXT(field, name, value, help) \
    {name, offsetof(struct conf, field), value, 0, 0, 0, help},
#define NUMBER(field, name, value, least, most, help) \
    {name, offsetof(struct conf, field), NULL, value, least, most, help},
    CONF_OPTIONS(TEXT, NUMBER)
#undef TEXT
#undef NUMBER
};

#define NOPTIONS (sizeof(options) / sizeof(options[0]))

static char **
text_of(const struct conf *conf, const struct option *o)
{
    return ((char **)((uintptr_t)conf + o->offset));
}

static long long *
number_of(const struct conf *conf, const struct option *o)
{
    return ((long long *)((uintptr_t)conf + o->offset));
}

/* strdup(), but through our own malloc, which tests let fail. */
static char *
copy_text(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);

    if (copy != NULL)
        memcpy(copy, text, n);
    return (copy);
}

enum err
conf_create(struct conf **conf)
{
    struct conf *c = NULL;
    enum err err = E_NOMEM;

    *conf = NULL;
    if ((c = calloc(1, sizeof(*c))) == NULL)
        goto out;
    for (size_t i = 0; i < NOPTIONS; i++) {
        const struct option *o = &options[i];

        if (o->text == NULL)
            *number_of(c, o) = o->number;
        else if ((*text_of(c, o) = copy_text(o->text)) == NULL)
            goto out;
    }

    *conf = c;
    c = NULL;
    err = E_OK;

out:
    conf_free(c);
    return (err);
}

static const struct option *
find(const char *name)
{
    for (size_t i = 0; i < NOPTIONS; i++)
        if (strcmp(options[i].name, name) == 0)
            return (&options[i]);
    return (NULL);
}

static const char *
nearest(const char *name)
{
    const char *names[NOPTIONS];

    for (size_t i = 0; i < NOPTIONS; i++)
        names[i] = options[i].name;
    return (nearest_of(name, names, NOPTIONS));
}

static enum err
set_number(struct conf *conf, const struct option *o, const char *value,
    char *why, size_t size)
{
    long long n;
    char *end;

    errno = 0;
    n = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || n < o->least ||
        n > o->most) {
        (void)snprintf(why, size,
            "%s must be a whole number from %lld to %lld, not '%s'", o->name,
            o->least, o->most, value);
        return (E_INVAL);
    }
    *number_of(conf, o) = n;
    return (E_OK);
}

enum err
conf_set(struct conf *conf, const char *name, const char *value, char *why,
    size_t size)
{
    const struct option *o = find(name);
    char *copy;

    if (o == NULL) {
        (void)snprintf(why, size,
            "there is no option '%s'; did you mean '%s'?", name,
            nearest(name));
        return (E_NOTFOUND);
    }
    if (o->text == NULL)
        return (set_number(conf, o, value, why, size));
    if ((copy = copy_text(value)) == NULL) {
        (void)snprintf(why, size, "out of memory");
        return (E_NOMEM);
    }
    free(*text_of(conf, o));
    *text_of(conf, o) = copy;
    return (E_OK);
}

void
conf_print(const struct conf *conf, FILE *f)
{
    for (size_t i = 0; i < NOPTIONS; i++) {
        const struct option *o = &options[i];

        if (o->text != NULL)
            fprintf(f, "%s=%s\n", o->name, *text_of(conf, o));
        else
            fprintf(f, "%s=%lld\n", o->name, *number_of(conf, o));
    }
}

void
conf_help(FILE *f)
{
    for (size_t i = 0; i < NOPTIONS; i++) {
        const struct option *o = &options[i];

        fprintf(f, "  %-28s %s", o->name, o->help);
        if (o->text == NULL)
            fprintf(f, " (%lld; %lld to %lld)", o->number, o->least, o->most);
        else if (o->text[0] != '\0')
            fprintf(f, " (%s)", o->text);
        fputc('\n', f);
    }
}

void
conf_free(struct conf *conf)
{
    if (conf == NULL)
        return;
    for (size_t i = 0; i < NOPTIONS; i++)
        if (options[i].text != NULL)
            free(*text_of(conf, &options[i]));
    free(conf);
}
