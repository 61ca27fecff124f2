#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "conf/conf.h"
#include "dev.h"

enum { EXIT_USAGE = 2 };

struct request {
    struct conf *conf;          /* owned */
    struct dev dev;
    const char *sets[64];       /* --set, applied after --dev */
    size_t nsets;
    int print;
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
        "  vouchd --set NAME=VALUE...\n"
        "      serve with these settings\n"
        "  vouchd --rebuild-index | --check-index (--dev DIR | --set ...)\n"
        "      derive the store's index again from its log, or compare them\n"
        "  vouchd --print-config | --version | --help\n\n"
        "settings:\n", f);
    conf_help(f);
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
        if (conf_set(r->conf, name, equals + 1, why, sizeof(why)) != E_OK)
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
        {"print-config", no_argument, NULL, 'p'},
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
        case 'p': r->print = 1; break;
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

static int
run(struct request *r)
{
    int status;

    if (r->dev.dir != NULL && dev_prepare(&r->dev, r->conf) != E_OK)
        return (EXIT_FAILURE);
    if ((status = apply(r)) != 0)
        return (status);
    if (r->print) {
        conf_print(r->conf, stdout);
        return (EXIT_SUCCESS);
    }
    if (r->rebuild) {
        if (app_rebuild(r->conf, r->check) != E_OK)
            return (EXIT_FAILURE);
        puts(r->check ? "the index agrees with the log" :
            "the index was derived again from the log");
        return (EXIT_SUCCESS);
    }
    return (app_run(r->conf, r->dev.dir != NULL ? dev_ready : ready_plain,
        &r->dev) == E_OK ? EXIT_SUCCESS : EXIT_FAILURE);
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
