#include "arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
arguments_usage(const char *what, const char *word)
{
    fprintf(stderr, "vouchd: %s%s\nTry 'vouchd --help'.\n", what, word);
    return (EXIT_USAGE);
}

int
arguments_set(struct arguments *arguments, const char *text)
{
    if (arguments->nsets == ARGUMENTS_SETS)
        return (arguments_usage("too many --set", ""));
    arguments->sets[arguments->nsets++] = text;
    return (0);
}

static int
apply_one(const char *set, struct conf *conf)
{
    char name[128], why[256];
    const char *equals = strchr(set, '=');

    if (equals == NULL || (size_t)(equals - set) >= sizeof(name))
        return (arguments_usage("--set takes NAME=VALUE, not ", set));
    memcpy(name, set, (size_t)(equals - set));
    name[equals - set] = '\0';
    if (conf_set(conf, name, equals + 1, "--set", why, sizeof(why)) != E_OK)
        return (arguments_usage(why, ""));
    return (0);
}

int
arguments_apply(const struct arguments *arguments, int usual,
    struct conf *conf)
{
    const char *config = arguments->config;
    char why[800];
    int status = 0;

    if (config == NULL && usual && arguments->nsets == 0)
        config = ARGUMENTS_CONFIG;
    if (config != NULL && conf_read(conf, config, why, sizeof(why)) != E_OK) {
        fprintf(stderr, "vouchd: %s\n", why);
        return (EXIT_FAILURE);
    }
    for (size_t i = 0; status == 0 && i < arguments->nsets; i++)
        status = apply_one(arguments->sets[i], conf);
    return (status);
}

int
arguments_days(const char *text, int *days)
{
    char *end;
    long n;

    errno = 0;
    n = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || n < 1 || n > 36500)
        return (arguments_usage("a number of days is from 1 to 36500, not ",
            text));
    *days = (int)n;
    return (0);
}
