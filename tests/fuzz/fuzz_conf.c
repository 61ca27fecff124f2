/*
 * The daemon's settings.  A first byte that is odd: lines of `name=value`, as
 * a command line has them; else the rest is a file.  What is taken lies in its
 * range, and is read back from what is written of it; what is refused is told.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "fuzz.h"

#define LINES_MAX 16
#define WHY 400

static struct fuzz_file file, again;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_file_make("vouchd.conf", &file);
    fuzz_file_make("again.conf", &again);
    return (0);
}

/* ---- what is taken ----------------------------------------------------- */

static int
is_word_of(const char *value, const char *words)
{
    size_t n = strlen(value);
    const char *at = words;

    while ((at = strstr(at, value)) != NULL) {
        if ((at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
            return (n > 0);
        at++;
    }
    return (0);
}

static void
check_ranges(const struct conf *conf)
{
#define TEXT(field, name, value, help) FUZZ_CHECK(conf->field != NULL);
#define CHOICE(field, name, value, words, help)                             \
    FUZZ_CHECK(is_word_of(conf->field, words));
#define NUMBER(field, name, value, least, most, help)                       \
    FUZZ_CHECK(conf->field >= (least) && conf->field <= (most));
    CONF_OPTIONS(TEXT, CHOICE, NUMBER)
#undef TEXT
#undef CHOICE
#undef NUMBER
}

static void
check_same(const struct conf *a, const struct conf *b)
{
#define TEXT(field, name, value, help)                                      \
    FUZZ_CHECK(strcmp(a->field, b->field) == 0);
#define CHOICE(field, name, value, words, help)                             \
    FUZZ_CHECK(strcmp(a->field, b->field) == 0);
#define NUMBER(field, name, value, least, most, help)                       \
    FUZZ_CHECK(a->field == b->field);
    CONF_OPTIONS(TEXT, CHOICE, NUMBER)
#undef TEXT
#undef CHOICE
#undef NUMBER
}

/* What conf_write() makes; to be freed. */
static char *
written(const struct conf *conf, enum conf_form form)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    FUZZ_CHECK(f != NULL);
    conf_write(conf, form, f);
    FUZZ_CHECK(fclose(f) == 0);
    FUZZ_CHECK(strlen(text) == n);
    return (text);
}

/* What is in effect can be written down, and read again. */
static void
check_written(const struct conf *conf)
{
    char *text = written(conf, CONF_EFFECTIVE), why[WHY];
    struct conf *other;

    fuzz_file_put(&again, slice_of(text));
    FUZZ_CHECK(conf_create(&other) == E_OK);
    FUZZ_CHECK(conf_read(other, again.path, why, sizeof(why)) == E_OK);
    check_same(conf, other);
    conf_free(other);
    free(text);
}

static void
check_why(const char *why)
{
    FUZZ_CHECK(why[0] != '\0' && memchr(why, '\0', WHY) != NULL);
}

/* ---- lines ------------------------------------------------------------- */

static void
set(struct conf *conf, const char *name, const char *value)
{
    char *before = written(conf, CONF_EFFECTIVE), *after, why[WHY];
    enum err err;

    memset(why, 'x', sizeof(why));
    err = conf_set(conf, name, value, "line", why, sizeof(why));
    after = written(conf, CONF_EFFECTIVE);
    check_ranges(conf);
    if (err != E_OK) {
        FUZZ_CHECK(err == E_NOTFOUND || err == E_INVAL);
        check_why(why);
        FUZZ_CHECK(strcmp(before, after) == 0);
    }
    free(before);
    free(after);
}

static void
set_line(struct conf *conf, char *line)
{
    char *value = strchr(line, '=');

    if (value == NULL)
        return;
    *value++ = '\0';
    set(conf, line, value);
}

static void
set_lines(struct conf *conf, struct slice in)
{
    char *text = fuzz_text(in), *line = text, *end;

    for (int i = 0; i < LINES_MAX && line != NULL; i++, line = end) {
        if ((end = strchr(line, '\n')) != NULL)
            *end++ = '\0';
        set_line(conf, line);
    }
    free(text);
    check_written(conf);
}

/* ---- a file ------------------------------------------------------------ */

static void
read_file(struct conf *conf, struct slice in)
{
    char why[WHY];
    enum err err;

    fuzz_file_put(&file, in);
    memset(why, 'x', sizeof(why));
    err = conf_read(conf, file.path, why, sizeof(why));
    check_ranges(conf);
    if (err == E_OK) {
        check_written(conf);
        return;
    }
    FUZZ_CHECK(err == E_INVAL);
    check_why(why);
    FUZZ_CHECK(strncmp(why, file.path, strlen(file.path)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {data, size};
    struct conf *conf;

    FUZZ_CHECK(conf_create(&conf) == E_OK);
    if ((fuzz_byte(&in) & 1) != 0)
        set_lines(conf, in);
    else
        read_file(conf, in);
    conf_free(conf);
    return (0);
}
