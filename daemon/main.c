#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "conf/conf.h"
#include "dev.h"

enum { EXIT_USAGE = 2, EXIT_LOST = 3 };

/* Read if nothing else is named. */
#define CONFIG "/etc/vouch/vouchd.conf"

struct request {
    struct conf *conf;          /* owned */
    struct dev dev;
    const char *sets[64];       /* --set, applied after --dev */
    size_t nsets;
    const char *config;         /* --config */
    int print;
    int check_config;
    int rebuild;
    int check;
};

static void
help(FILE *f)
{
    fputs(
        "vouchd: answers whether a technician holds a certification\n\n"
        "usage:\n"
        "  vouchd --dev DIR [--association ID] [--set NAME=VALUE]...\n"
        "      everything under DIR, on loopback, on a free port, with "
        "its own\n"
        "      certificates; not for production\n"
        "  vouchd [--config FILE] [--set NAME=VALUE]...\n"
        "      serve with the settings of FILE (" CONFIG ")\n"
        "  vouchd --check-config ...\n"
        "      say what is wrong with settings and files, and serve nothing\n"
        "  vouchd --print-config ...\n"
        "      write every setting, and where it is from\n"
        "  vouchd --sample-config | --manual\n"
        "      write a configuration to begin with, or vouchd.conf(5)\n"
        "  vouchd --rebuild-index | --check-index ...\n"
        "      derive the store's index again from its log, or compare them\n"
        "  vouchd --version | --help\n\n"
        "settings:\n", f);
    conf_write(NULL, CONF_HELP, f);
    fputs("\nexample:\n  vouchd --dev /tmp/vouch\n", f);
}

static int
usage(const char *what, const char *word)
{
    fprintf(stderr, "vouchd: %s%s\nTry 'vouchd --help'.\n", what, word);
    return (EXIT_USAGE);
}

static int
apply(struct request *r)
{
    for (size_t i = 0; i < r->nsets; i++) {
        char name[128], why[256];
        const char *equals = strchr(r->sets[i], '=');

        if (equals == NULL || (size_t)(equals - r->sets[i]) >= sizeof(name))
            return (usage("--set takes NAME=VALUE, not ", r->sets[i]));
        memcpy(name, r->sets[i], (size_t)(equals - r->sets[i]));
        name[equals - r->sets[i]] = '\0';
        if (conf_set(r->conf, name, equals + 1, "--set", why, sizeof(why)) !=
            E_OK)
            return (usage(why, ""));
    }
    return (0);
}

/* Returns 0 to go on, or the exit code plus one. */
static int
parse(int argc, char *argv[], struct request *r)
{
    static const struct option options[] = {
        {"dev", required_argument, NULL, 'd'},
        {"association", required_argument, NULL, 'a'},
        {"set", required_argument, NULL, 's'},
        {"config", required_argument, NULL, 'f'},
        {"print-config", no_argument, NULL, 'p'},
        {"check-config", no_argument, NULL, 'C'},
        {"sample-config", no_argument, NULL, 'S'},
        {"manual", no_argument, NULL, 'm'},
        {"rebuild-index", no_argument, NULL, 'r'},
        {"check-index", no_argument, NULL, 'c'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
        switch (option) {
        case 'd': r->dev.dir = optarg; break;
        case 'a': r->dev.association = optarg; break;
        case 'f': r->config = optarg; break;
        case 'p': r->print = 1; break;
        case 'C': r->check_config = 1; break;
        case 'S': conf_write(NULL, CONF_SAMPLE, stdout); return (1);
        case 'm': conf_write(NULL, CONF_MANUAL, stdout); return (1);
        case 'r': r->rebuild = 1; break;
        case 'c': r->rebuild = r->check = 1; break;
        case 'h': help(stdout); return (EXIT_SUCCESS + 1);
        case 'v': puts("vouchd " VOUCH_VERSION); return (EXIT_SUCCESS + 1);
        case 's':
            if (r->nsets == sizeof(r->sets) / sizeof(r->sets[0]))
                return (usage("too many --set", "") + 1);
            r->sets[r->nsets++] = optarg;
            break;
        default: return (usage("unknown or incomplete option", "") + 1);
        }
    if (optind < argc)
        return (usage("what is this: ", argv[optind]) + 1);
    return (0);
}

static enum err
ready_plain(void *cookie, int port)
{
    (void)cookie;
    (void)port;
    return (E_OK);
}

/* --dev first, or the file; over it what --set says. */
static int
settle(struct request *r)
{
    char why[800];

    if (r->dev.dir != NULL && dev_prepare(&r->dev, r->conf) != E_OK)
        return (EXIT_FAILURE);
    if (r->config == NULL && r->dev.dir == NULL && r->nsets == 0)
        r->config = CONFIG;
    if (r->config != NULL &&
        conf_read(r->conf, r->config, why, sizeof(why)) != E_OK) {
        fprintf(stderr, "vouchd: %s\n", why);
        return (EXIT_FAILURE);
    }
    return (apply(r));
}

static int
run(struct request *r)
{
    enum err err;
    int status;

    if ((status = settle(r)) != 0)
        return (status);
    if (r->print) {
        conf_write(r->conf, CONF_EFFECTIVE, stdout);
        return (EXIT_SUCCESS);
    }
    if (r->check_config) {
        if (app_check(r->conf) != E_OK)
            return (EXIT_FAILURE);
        puts("the configuration is good");
        return (EXIT_SUCCESS);
    }
    if (r->rebuild) {
        if (app_rebuild(r->conf, r->check) != E_OK)
            return (EXIT_FAILURE);
        puts(r->check ? "the index agrees with the log" :
            "the index was derived again from the log");
        return (EXIT_SUCCESS);
    }
    err = app_run(r->conf, r->dev.dir != NULL ? dev_ready : ready_plain,
        &r->dev);
    return (err == E_OK ? EXIT_SUCCESS : err == E_LOST ? EXIT_LOST :
        EXIT_FAILURE);
}

int
main(int argc, char *argv[])
{
    struct request r = {.dev.association = "ascp-boc"};
    int status = EXIT_FAILURE, parsed;

    (void)signal(SIGPIPE, SIG_IGN);
    if (conf_create(&r.conf) != E_OK) {
        fputs("vouchd: out of memory\n", stderr);
        goto out;
    }
    if ((parsed = parse(argc, argv, &r)) != 0)
        status = parsed - 1;
    else
        status = run(&r);

out:
    conf_free(r.conf);
    return (status);
}
