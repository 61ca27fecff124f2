#include "conf/conf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/options.h"
#include "proto/nearest.h"

const struct conf_option conf_options[] = {
#define TEXT(field, name, value, help) \
    {name, offsetof(struct conf, field), value, NULL, 0, 0, 0, help},
#define CHOICE(field, name, value, words, help) \
    {name, offsetof(struct conf, field), value, words, 0, 0, 0, help},
#define NUMBER(field, name, value, least, most, help) \
    {name, offsetof(struct conf, field), NULL, NULL, value, least, most, help},
    CONF_OPTIONS(TEXT, CHOICE, NUMBER)
#undef TEXT
#undef CHOICE
#undef NUMBER
};

#define NOPTIONS (sizeof(conf_options) / sizeof(conf_options[0]))

const size_t conf_option_count = NOPTIONS;

/* What conf_create() makes: callers see the first part. */
struct settings {
    struct conf conf;
    char *origins[NOPTIONS];    /* owned; NULL: default */
};

static char **
text_of(const struct conf *conf, size_t i)
{
    return ((char **)((uintptr_t)conf + conf_options[i].offset));
}

static long long *
number_of(const struct conf *conf, size_t i)
{
    return ((long long *)((uintptr_t)conf + conf_options[i].offset));
}

static char **
origin_of(const struct conf *conf, size_t i)
{
    return (&((struct settings *)(uintptr_t)conf)->origins[i]);
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
    struct settings *s = NULL;
    enum err err = E_NOMEM;

    *conf = NULL;
    if ((s = calloc(1, sizeof(*s))) == NULL)
        goto out;
    for (size_t i = 0; i < NOPTIONS; i++)
        if (conf_options[i].text == NULL)
            *number_of(&s->conf, i) = conf_options[i].number;
        else if ((*text_of(&s->conf, i) =
            copy_text(conf_options[i].text)) == NULL)
            goto out;

    *conf = &s->conf;
    s = NULL;
    err = E_OK;

out:
    conf_free(s != NULL ? &s->conf : NULL);
    return (err);
}

void
conf_value(const struct conf *conf, size_t i, char *text, size_t size)
{
    if (conf_options[i].text != NULL)
        (void)snprintf(text, size, "%s", *text_of(conf, i));
    else
        (void)snprintf(text, size, "%lld", *number_of(conf, i));
}

const char *
conf_origin(const struct conf *conf, size_t i)
{
    const char *origin = *origin_of(conf, i);

    return (origin != NULL ? origin : "default");
}

const char *
conf_block(const char *name, char *block, size_t size)
{
    const char *dot = strchr(name, '.');

    (void)snprintf(block, size, "%.*s", dot != NULL ? (int)(dot - name) : 0,
        name);
    return (dot != NULL ? dot + 1 : name);
}

/* ---- setting ----------------------------------------------------------- */

static const char *
nearest(const char *name)
{
    const char *names[NOPTIONS];

    for (size_t i = 0; i < NOPTIONS; i++)
        names[i] = conf_options[i].name;
    return (nearest_of(name, names, NOPTIONS));
}

static enum err
check_number(const struct conf_option *o, const char *value, long long *n,
    char *why, size_t size)
{
    char *end;

    errno = 0;
    *n = strtoll(value, &end, 10);
    if (end != value && *end == '\0' && errno == 0 && *n >= o->least &&
        *n <= o->most)
        return (E_OK);
    (void)snprintf(why, size,
        "%s must be a whole number from %lld to %lld, not '%s'", o->name,
        o->least, o->most, value);
    return (E_INVAL);
}

static int
is_word_of(const char *words, const char *value)
{
    size_t n = strlen(value);

    for (const char *p = words; n > 0 && *p != '\0'; p += strspn(p, " ")) {
        size_t length = strcspn(p, " ");

        if (length == n && strncmp(p, value, n) == 0)
            return (1);
        p += length;
    }
    return (0);
}

static enum err
set_text(struct conf *conf, size_t i, const char *value, char *why,
    size_t size)
{
    const struct conf_option *o = &conf_options[i];
    char *copy;

    if (o->words != NULL && !is_word_of(o->words, value)) {
        (void)snprintf(why, size, "%s must be one of: %s; not '%s'", o->name,
            o->words, value);
        return (E_INVAL);
    }
    if ((copy = copy_text(value)) == NULL) {
        (void)snprintf(why, size, "%s", err_text(E_NOMEM));
        return (E_NOMEM);
    }
    free(*text_of(conf, i));
    *text_of(conf, i) = copy;
    return (E_OK);
}

static enum err
set_value(struct conf *conf, size_t i, const char *value, char *why,
    size_t size)
{
    long long n = 0;
    enum err err;

    if (conf_options[i].text != NULL)
        return (set_text(conf, i, value, why, size));
    if ((err = check_number(&conf_options[i], value, &n, why, size)) == E_OK)
        *number_of(conf, i) = n;
    return (err);
}

enum err
conf_set(struct conf *conf, const char *name, const char *value,
    const char *origin, char *why, size_t size)
{
    char *copy;
    enum err err;
    size_t i = 0;

    while (i < NOPTIONS && strcmp(conf_options[i].name, name) != 0)
        i++;
    if (i == NOPTIONS) {
        (void)snprintf(why, size,
            "there is no option '%s'; did you mean '%s'?", name,
            nearest(name));
        return (E_NOTFOUND);
    }
    if ((copy = copy_text(origin)) == NULL) {
        (void)snprintf(why, size, "%s", err_text(E_NOMEM));
        return (E_NOMEM);
    }
    if ((err = set_value(conf, i, value, why, size)) != E_OK) {
        free(copy);
        return (err);
    }
    free(*origin_of(conf, i));
    *origin_of(conf, i) = copy;
    return (E_OK);
}

void
conf_free(struct conf *conf)
{
    if (conf == NULL)
        return;
    for (size_t i = 0; i < NOPTIONS; i++) {
        if (conf_options[i].text != NULL)
            free(*text_of(conf, i));
        free(*origin_of(conf, i));
    }
    free(conf);     /* the first part of struct settings */
}
