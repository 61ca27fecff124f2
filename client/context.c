#include "client/context.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <confuse.h>

#include "client/text.h"

#define PATH_SIZE 4096

/* libconfuse tells its errors to a function without a cookie. */
static _Thread_local char parse_error[PATH_SIZE + 300];

static void
on_parse_error(cfg_t *cfg, const char *format, va_list args)
{
    char what[256];

    (void)vsnprintf(what, sizeof(what), format, args);
    (void)snprintf(parse_error, sizeof(parse_error), "%s line %d: %s",
        cfg != NULL && cfg->filename != NULL ? cfg->filename : "?",
        cfg != NULL ? cfg->line : 0, what);
}

static int
config_path(char *path, size_t size)
{
    const char *xdg = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (xdg != NULL && xdg[0] == '/')
        (void)snprintf(path, size, "%s/vouch/config", xdg);
    else if (home != NULL)
        (void)snprintf(path, size, "%s/.config/vouch/config", home);
    else
        return (-1);
    return (0);
}

/* Returns 0, or -1 if memory ran out. */
static int
copy(const char *text, char **field)
{
    return (text == NULL || (*field = text_copy(text)) != NULL ? 0 : -1);
}

static int
out_of_memory(char *why, size_t size)
{
    (void)snprintf(why, size, "out of memory");
    return (-1);
}

static int
no_such_context(cfg_t *cfg, const char *path, const char *name, char *why,
    size_t size)
{
    size_t n = (size_t)snprintf(why, size, "%s has no context '%s'; it has:",
        path, name);

    for (unsigned i = 0; i < cfg_size(cfg, "context") && n < size; i++)
        n += (size_t)snprintf(why + n, size - n, "%s %s", i > 0 ? "," : "",
            cfg_title(cfg_getnsec(cfg, "context", i)));
    if (cfg_size(cfg, "context") == 0 && n < size)
        (void)snprintf(why + n, size - n, " none");
    return (-1);
}

/* Take the context ${name}, or the file's own choice, from the open file. */
static int
take(struct context *context, cfg_t *cfg, const char *path, const char *name,
    char *why, size_t size)
{
    cfg_t *section;

    if (name == NULL && (name = cfg_getstr(cfg, "current")) == NULL)
        return (0);
    if ((section = cfg_gettsec(cfg, "context", name)) == NULL)
        return (no_such_context(cfg, path, name, why, size));
    if (copy(cfg_getstr(section, "server"), &context->server) != 0 ||
        copy(cfg_getstr(section, "ca"), &context->ca) != 0 ||
        copy(cfg_getstr(section, "cert"), &context->cert) != 0 ||
        copy(cfg_getstr(section, "key"), &context->key) != 0 ||
        copy(cfg_getstr(section, "trust"), &context->trust) != 0 ||
        copy(cfg_getstr(section, "root_key"), &context->root_key) != 0)
        return (out_of_memory(why, size));
    return (0);
}

static int
parse(struct context *context, const char *path, const char *name, char *why,
    size_t size)
{
    cfg_opt_t fields[] = {
        CFG_STR("server", NULL, CFGF_NONE), CFG_STR("ca", NULL, CFGF_NONE),
        CFG_STR("cert", NULL, CFGF_NONE), CFG_STR("key", NULL, CFGF_NONE),
        CFG_STR("trust", NULL, CFGF_NONE),
        CFG_STR("root_key", NULL, CFGF_NONE), CFG_END()};
    cfg_opt_t options[] = {CFG_STR("current", NULL, CFGF_NONE),
        CFG_SEC("context", fields,
            CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES), CFG_END()};
    cfg_t *cfg = cfg_init(options, CFGF_NONE);
    int status = -1;

    if (cfg == NULL)
        return (out_of_memory(why, size));
    (void)cfg_set_error_function(cfg, on_parse_error);
    (void)snprintf(parse_error, sizeof(parse_error), "cannot read %s", path);
    if (cfg_parse(cfg, path) != CFG_SUCCESS)
        (void)snprintf(why, size, "%s", parse_error);
    else
        status = take(context, cfg, path, name, why, size);
    cfg_free(cfg);
    return (status);
}

static int
read_file(struct context *context, const char *name, char *why, size_t size)
{
    char path[PATH_SIZE];
    struct stat st;

    if (config_path(path, sizeof(path)) != 0) {
        if (name == NULL)
            return (0);
        (void)snprintf(why, size, "context '%s' is wanted, but neither "
            "XDG_CONFIG_HOME nor HOME says where the configuration is", name);
        return (-1);
    }
    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        if (name == NULL)
            return (0);
        (void)snprintf(why, size, "context '%s' is wanted, but there is no "
            "configuration file %s", name, path);
        return (-1);
    }
    /* libconfuse would end the program over a folder. */
    errno = 0;
    if (access(path, R_OK) != 0 || !S_ISREG(st.st_mode)) {
        (void)snprintf(why, size, "cannot read %s: %s", path,
            errno != 0 ? strerror(errno) : "it is not a file");
        return (-1);
    }
    return (parse(context, path, name, why, size));
}

static int
choose(char **field, const char *flag, const char *variable)
{
    const char *value = flag != NULL && flag[0] != '\0' ? flag :
        getenv(variable);

    if (value == NULL || value[0] == '\0')
        return (0);
    free(*field);
    return ((*field = text_copy(value)) != NULL ? 0 : -1);
}

static int
needed(const char *value, const char *variable, const char *flag, char *why,
    size_t size)
{
    if (value != NULL)
        return (0);
    (void)snprintf(why, size, "%s is not set: set it, give --%s, or name a "
        "context with --context; 'vouch help environment' explains",
        variable, flag);
    return (-1);
}

int
context_resolve(struct context *context, const struct context_flags *flags,
    struct vouch_options *options, char *why, size_t size)
{
    const char *name = flags->context != NULL ? flags->context :
        getenv("VOUCH_CONTEXT");

    if (name != NULL && name[0] == '\0')
        name = NULL;
    if (read_file(context, name, why, size) != 0)
        return (-1);
    if (choose(&context->server, flags->server, "VOUCH_SERVER") != 0 ||
        choose(&context->ca, flags->ca, "VOUCH_CA") != 0 ||
        choose(&context->cert, flags->cert, "VOUCH_CERT") != 0 ||
        choose(&context->key, flags->key, "VOUCH_KEY") != 0 ||
        choose(&context->trust, flags->trust, "VOUCH_TRUST") != 0 ||
        choose(&context->root_key, flags->root_key, "VOUCH_ROOT_KEY") != 0)
        return (out_of_memory(why, size));
    if (options == NULL)
        return (0);
    if (needed(context->server, "VOUCH_SERVER", "server", why, size) != 0 ||
        needed(context->ca, "VOUCH_CA", "ca", why, size) != 0 ||
        needed(context->cert, "VOUCH_CERT", "cert", why, size) != 0 ||
        needed(context->key, "VOUCH_KEY", "key", why, size) != 0)
        return (-1);
    options->server = context->server;
    options->ca = context->ca;
    options->cert = context->cert;
    options->key = context->key;
    return (0);
}

void
context_free(struct context *context)
{
    free(context->server);
    free(context->ca);
    free(context->cert);
    free(context->key);
    free(context->trust);
    free(context->root_key);
    memset(context, 0, sizeof(*context));
}
