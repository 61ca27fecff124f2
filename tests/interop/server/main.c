/*
 * interop_server DIR [--set NAME=VALUE]...
 *
 * Everything under DIR, on loopback, on a free port, with certificates of its
 * own, as `vouchd --dev`.  Where it is and what its clients need is printed as
 * variables of the shell, and written to DIR/client.env; then `ready`.  Ends
 * by SIGTERM, as vouchd does.
 */

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "conf/conf.h"
#include "dev.h"

/* A client of the tests; any role will do. */
#define WHO "employer"

static enum err
set(struct conf *conf, const char *pair)
{
    const char *equals = strchr(pair, '=');
    char name[128], why[256];
    enum err err;

    (void)snprintf(name, sizeof(name), "%.*s",
        equals == NULL ? 0 : (int)(equals - pair), pair);
    err = conf_set(conf, name, equals == NULL ? "" : equals + 1, "--set", why,
        sizeof(why));
    if (err != E_OK)
        fprintf(stderr, "interop_server: %s\n", why);
    return (err);
}

/* The tests' messages are larger than those of the real services. */
static enum err
set_all(struct conf *conf, char *const *more, int n)
{
    static const char *const usual[] = {
        "limits.message_bytes=4194304",
        "limits.message_memory_bytes=16777216",
        "log.level=warn",
        "workers=2",
    };
    enum err err = E_OK;
    int i;

    for (size_t k = 0; k < sizeof(usual) / sizeof(usual[0]); k++)
        if ((err = set(conf, usual[k])) != E_OK)
            return (err);
    for (i = 0; i < n && err == E_OK; i += 2)
        err = set(conf, more[i + 1]);
    return (err);
}

static void
tell(FILE *f, const char *dir, int port)
{
    fprintf(f, "INTEROP_PORT=%d\n", port);
    fprintf(f, "INTEROP_CA='%s/certs/root.pem'\n", dir);
    fprintf(f, "INTEROP_CERT='%s/certs/" WHO ".pem'\n", dir);
    fprintf(f, "INTEROP_KEY='%s/certs/" WHO ".key'\n", dir);
    fprintf(f, "INTEROP_SERVER_NAME=localhost\n");
}

static enum err
on_ready(void *cookie, int port)
{
    const struct dev *dev = cookie;
    char dir[PATH_MAX], path[PATH_MAX + 16];
    FILE *f;

    if (realpath(dev->dir, dir) == NULL)
        return (E_IO);
    (void)snprintf(path, sizeof(path), "%s/client.env", dir);
    if ((f = fopen(path, "we")) == NULL)
        return (E_IO);
    tell(f, dir, port);
    if (ferror(f) | fclose(f))
        return (E_IO);
    tell(stdout, dir, port);
    printf("ready\n");
    return (fflush(stdout) == 0 ? E_OK : E_IO);
}

static int
usage(void)
{
    fputs("usage: interop_server DIR [--set NAME=VALUE]...\n", stderr);
    return (2);
}

int
main(int argc, char *argv[])
{
    struct dev dev = {.association = "ascp-boc"};
    struct conf *conf = NULL;
    enum err err;

    (void)signal(SIGPIPE, SIG_IGN);
    if (argc < 2 || argc % 2 != 0 || argv[1][0] == '-')
        return (usage());
    for (int i = 2; i < argc; i += 2)
        if (strcmp(argv[i], "--set") != 0)
            return (usage());
    dev.dir = argv[1];
    if ((err = conf_create(&conf)) == E_OK &&
        (err = dev_prepare(&dev, conf)) == E_OK &&
        (err = set_all(conf, argv + 2, argc - 2)) == E_OK)
        err = app_run(conf, on_ready, &dev);
    conf_free(conf);
    return (err == E_OK ? EXIT_SUCCESS : EXIT_FAILURE);
}
