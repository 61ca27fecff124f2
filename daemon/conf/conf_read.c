#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <confuse.h>

#include "conf/conf.h"
#include "conf/options.h"
#include "proto/nearest.h"

#define OPTIONS_MAX 128
#define BLOCKS_MAX 32

/*
 * libconfuse calls back without a cookie: this is where the callbacks find the
 * one reading that this thread does.
 */
static _Thread_local struct reading {
    struct conf *conf;
    const char *path;           /* libconfuse forgets it within a block */
    char *why;
    size_t size;
    enum err err;
} *current;

/* What libconfuse is told of the options; it keeps pointers to all of it. */
struct grammar {
    char blocks[BLOCKS_MAX][32];
    size_t nblocks;
    cfg_opt_t inner[BLOCKS_MAX][OPTIONS_MAX / 4];
    size_t ninner[BLOCKS_MAX];
    cfg_opt_t outer[OPTIONS_MAX];
    size_t nouter;
};

/* ---- what libconfuse says ---------------------------------------------- */

/* The names that an unknown one in ${cfg} could have been. */
static const char *
nearest_in(cfg_t *cfg, const char *name)
{
    const char *names[OPTIONS_MAX];
    size_t n = 0;

    for (unsigned i = 0; i < cfg_num(cfg) && n < OPTIONS_MAX; i++) {
        cfg_opt_t *option = cfg_getnopt(cfg, i);

        if (option != NULL)
            names[n++] = cfg_opt_name(option);
    }
    return (n > 0 ? nearest_of(name, names, n) : "");
}

static void
on_error(cfg_t *cfg, const char *format, va_list args)
{
    struct reading *r = current;
    char what[300];
    va_list copy;

    if (r->err != E_OK)
        return;                 /* the first fault is the one that counts */
    r->err = E_INVAL;
    va_copy(copy, args);
    (void)vsnprintf(what, sizeof(what), format, copy);
    va_end(copy);
    if (strstr(format, "no such option '%s'") != NULL) {
        const char *name = va_arg(args, const char *);

        (void)snprintf(r->why, r->size,
            "%s:%d: there is no option '%s'; did you mean '%s'?",
            r->path, cfg->line, name, nearest_in(cfg, name));
    } else
        (void)snprintf(r->why, r->size, "%s:%d: %s", r->path, cfg->line,
            what);
}

static int
on_option(cfg_t *cfg, cfg_opt_t *option)
{
    struct reading *r = current;
    const char *block = cfg_name(cfg);
    const char *value = cfg_opt_getnstr(option, 0);
    char name[128], origin[512], why[400];
    enum err err;

    if (strcmp(block, "root") == 0)
        (void)snprintf(name, sizeof(name), "%s", cfg_opt_name(option));
    else
        (void)snprintf(name, sizeof(name), "%s.%s", block,
            cfg_opt_name(option));
    (void)snprintf(origin, sizeof(origin), "%s:%d", r->path, cfg->line);
    if ((err = conf_set(r->conf, name, value != NULL ? value : "", origin,
        why, sizeof(why))) == E_OK)
        return (0);
    if (r->err == E_OK) {
        r->err = err;
        (void)snprintf(r->why, r->size, "%s: %s", origin, why);
    }
    return (-1);
}

/* ---- the grammar ------------------------------------------------------- */

static size_t
block_index(struct grammar *g, const char *block)
{
    for (size_t i = 0; i < g->nblocks; i++)
        if (strcmp(g->blocks[i], block) == 0)
            return (i);
    (void)snprintf(g->blocks[g->nblocks], sizeof(g->blocks[0]), "%s", block);
    return (g->nblocks++);
}

/*
 * Every value is a text to libconfuse, and read by conf_set(): one reader for
 * the file and the command line.
 */
static void
make_grammar(struct grammar *g)
{
    for (size_t i = 0; i < conf_option_count; i++) {
        const cfg_opt_t text = CFG_STR(conf_block(conf_options[i].name,
            g->blocks[BLOCKS_MAX - 1], sizeof(g->blocks[0])), NULL,
            CFGF_NODEFAULT);
        size_t b;

        if (g->blocks[BLOCKS_MAX - 1][0] == '\0') {
            g->outer[g->nouter++] = text;
            continue;
        }
        b = block_index(g, g->blocks[BLOCKS_MAX - 1]);
        g->inner[b][g->ninner[b]++] = text;
    }
    for (size_t b = 0; b < g->nblocks; b++) {
        const cfg_opt_t section = CFG_SEC(g->blocks[b], g->inner[b],
            CFGF_NONE);

        g->outer[g->nouter++] = section;    /* inner[b] ends with zeros */
    }
}

static enum err
watch_options(cfg_t *cfg)
{
    for (size_t i = 0; i < conf_option_count; i++) {
        char path[128];
        char *dot;

        (void)snprintf(path, sizeof(path), "%s", conf_options[i].name);
        if ((dot = strchr(path, '.')) != NULL)
            *dot = '|';                     /* as libconfuse writes paths */
        (void)cfg_set_validate_func(cfg, path, on_option);
    }
    return (E_OK);
}

static enum err
parse(struct reading *r, cfg_t *cfg, const char *path)
{
    switch (cfg_parse(cfg, path)) {
    case CFG_SUCCESS:
        return (E_OK);
    case CFG_FILE_ERROR:
        (void)snprintf(r->why, r->size, "cannot read %s: %s", path,
            strerror(errno));
        return (E_IO);
    default:
        if (r->err == E_OK) {
            (void)snprintf(r->why, r->size, "%s: not understood", path);
            r->err = E_INVAL;
        }
        return (r->err);
    }
}

enum err
conf_read(struct conf *conf, const char *path, char *why, size_t size)
{
    struct reading reading = {.conf = conf, .path = path, .why = why,
        .size = size};
    struct grammar *g = NULL;
    cfg_t *cfg = NULL;
    enum err err = E_NOMEM;

    (void)snprintf(why, size, "%s", err_text(E_NOMEM));
    if (access(path, R_OK) != 0) {
        (void)snprintf(why, size, "cannot read %s: %s", path,
            strerror(errno));
        return (E_IO);
    }
    if ((g = calloc(1, sizeof(*g))) == NULL)
        goto out;
    make_grammar(g);
    if ((cfg = cfg_init(g->outer, CFGF_NONE)) == NULL)
        goto out;
    current = &reading;
    (void)cfg_set_error_function(cfg, on_error);
    if ((err = watch_options(cfg)) == E_OK)
        err = parse(&reading, cfg, path);
    current = NULL;

out:
    if (cfg != NULL)
        cfg_free(cfg);
    free(g);
    return (err);
}
