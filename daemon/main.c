#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "arguments.h"
#include "ceremony.h"
#include "conf/conf.h"
#include "dev.h"
#include "init.h"

struct request {
    struct conf *conf;          /* owned */
    struct dev dev;
    struct arguments arguments; /* applied after --dev */
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
        "      serve with the settings of FILE (" ARGUMENTS_CONFIG ")\n"
        "  vouchd --check-config ...\n"
        "      say what is wrong with settings and files, and serve nothing\n"
        "  vouchd --print-config ...\n"
        "      write every setting, and where it is from\n"
        "  vouchd --sample-config | --manual\n"
        "      write a configuration to begin with, or vouchd.conf(5)\n"
        "  vouchd --rebuild-index | --check-index ...\n"
        "      derive the store's index again from its log, or compare them\n"
        "  vouchd init --origin ORIGIN --root-key FILE [--valid-days N]\n"
        "      [--trust-days N] [--config FILE] [--set NAME=VALUE]...\n"
        "      make the first keys that seal answers, and the first trust "
        "file\n"
        "  vouchd key make [--use seal|checkpoint] [--config FILE]...\n"
        "      make one more key\n"
        "  vouchd trust show|add|retire|compromise|renew|new-root --trust "
        "FILE\n"
        "      [--root-key FILE]...\n"
        "      show or change a trust file, where the root key is; "
        "'vouchd trust --help'\n"
        "  vouchd --version | --help\n\n"
        "settings:\n", f);
    conf_write(NULL, CONF_HELP, f);
    fputs("\nexample:\n  vouchd --dev /tmp/vouch\n", f);
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
        case 'f': r->arguments.config = optarg; break;
        case 'p': r->print = 1; break;
        case 'C': r->check_config = 1; break;
        case 'S': conf_write(NULL, CONF_SAMPLE, stdout); return (1);
        case 'm': conf_write(NULL, CONF_MANUAL, stdout); return (1);
        case 'r': r->rebuild = 1; break;
        case 'c': r->rebuild = r->check = 1; break;
        case 'h': help(stdout); return (EXIT_SUCCESS + 1);
        case 'v': puts("vouchd " VOUCH_VERSION); return (EXIT_SUCCESS + 1);
        case 's':
            if (arguments_set(&r->arguments, optarg) != 0)
                return (EXIT_USAGE + 1);
            break;
        default:
            return (arguments_usage("unknown or incomplete option", "") + 1);
        }
    if (optind < argc)
        return (arguments_usage("what is this: ", argv[optind]) + 1);
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
    if (r->dev.dir != NULL && dev_prepare(&r->dev, r->conf) != E_OK)
        return (EXIT_FAILURE);
    return (arguments_apply(&r->arguments, r->dev.dir == NULL, r->conf));
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

/* What is no daemon. */
static const struct {
    const char *word;
    int (*main)(int argc, char *argv[]);
} subcommands[] = {
    {"init", init_main},
    {"key", key_main},
    {"trust", ceremony_main},
};

int
main(int argc, char *argv[])
{
    struct request r = {.dev.association = "ascp-boc"};
    int status = EXIT_FAILURE, parsed;

    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; argc > 1 &&
        i < sizeof(subcommands) / sizeof(subcommands[0]); i++)
        if (strcmp(argv[1], subcommands[i].word) == 0)
            return (subcommands[i].main(argc - 1, argv + 1));
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
