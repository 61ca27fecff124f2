#include "dev.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "seal/founding.h"

#define DOMAIN "dev.vouch.invalid"

extern char **environ;

/* Whose certificates are made, and what each one's file to be sourced is. */
static const char *const who[] = {"employer", "association", "auditor",
    "admin", "admin2"};

static enum err
complain(enum err err, const char *what, const char *path)
{
    fprintf(stderr, "vouchd: %s %s: %s\n", what, path, strerror(errno));
    return (err);
}

static int
is_there(const char *path)
{
    return (access(path, R_OK) == 0);
}

/*
 * What ships beside the program: <prefix>/share/vouch once installed, and the
 * source tree before that (build/<preset>/bin/vouchd).
 */
static enum err
find_share(char *share, size_t size)
{
    static const char *const places[] = {"/../share/vouch", "/../../.."};
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *slash;

    if (n < 0)
        return (complain(E_IO, "cannot read", "/proc/self/exe"));
    exe[n] = '\0';
    if ((slash = strrchr(exe, '/')) != NULL)
        *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char script[PATH_MAX + 128];

        (void)snprintf(share, size, "%s%s", exe, places[i]);
        (void)snprintf(script, sizeof(script), "%s/certs/make-dev-certs.sh",
            share);
        if (is_there(script))
            return (E_OK);
    }
    fprintf(stderr, "vouchd: cannot find certs/make-dev-certs.sh near %s: "
        "is the installation complete?\n", exe);
    return (E_NOTFOUND);
}

static enum err
make_dir(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return (complain(E_IO, "cannot make", path));
    return (E_OK);
}

/* Make what certificates are missing under ${dir}/certs. */
static enum err
make_certs(const char *share, const char *dir, const char *association)
{
    char script[PATH_MAX + 128], out[PATH_MAX + 64];
    char *argv[] = {script, out, NULL, NULL, NULL, NULL, NULL};
    char option_a[] = "--association", option_t[] = "--trust-domain";
    char domain[] = DOMAIN, id[64];
    posix_spawn_file_actions_t to_stderr;
    pid_t pid;
    int status = -1;

    (void)snprintf(script, sizeof(script), "%s/certs/make-dev-certs.sh",
        share);
    (void)snprintf(out, sizeof(out), "%s/certs", dir);
    (void)snprintf(id, sizeof(id), "%s", association);
    argv[2] = option_a;
    argv[3] = id;
    argv[4] = option_t;
    argv[5] = domain;
    if (posix_spawn_file_actions_init(&to_stderr) != 0)
        return (E_NOMEM);
    if (posix_spawn_file_actions_adddup2(&to_stderr, STDERR_FILENO,
        STDOUT_FILENO) != 0 ||
        (errno = posix_spawn(&pid, script, &to_stderr, NULL, argv,
        environ)) != 0) {
        (void)posix_spawn_file_actions_destroy(&to_stderr);
        return (complain(E_IO, "cannot run", script));
    }
    (void)posix_spawn_file_actions_destroy(&to_stderr);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return (complain(E_IO, "cannot wait for", script));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "vouchd: %s did not make the certificates\n", script);
        return (E_IO);
    }
    return (E_OK);
}

/* Ten years: nobody holds a ceremony for this. */
static enum err
make_seal_keys(const char *dir)
{
    static const int64_t second = 1000000, years = 10 * 365 * INT64_C(86400);
    const int64_t now_us = clock_wall_us() / second * second;
    char root_key[PATH_MAX + 16], trust[PATH_MAX + 16], keys[PATH_MAX + 16];
    char why[512] = "";
    const struct founding founding = {.origin = DOMAIN,
        .root_key = root_key, .trust = trust, .dir = keys,
        .from_us = now_us, .until_us = now_us + years * second,
        .issued_us = now_us, .expires_us = now_us + years * second};
    struct founded founded;
    enum err err;

    (void)snprintf(root_key, sizeof(root_key), "%s/root.key", dir);
    (void)snprintf(trust, sizeof(trust), "%s/trust.json", dir);
    (void)snprintf(keys, sizeof(keys), "%s/seal", dir);
    if (is_there(trust))
        return (E_OK);
    if ((err = founding_make(&founding, &founded, why, sizeof(why))) != E_OK)
        fprintf(stderr, "vouchd: %s\n", why);
    return (err);
}

static enum err
point(struct conf *conf, const char *name, const char *dir, const char *rest)
{
    char value[PATH_MAX + 64], why[256];
    enum err err;

    (void)snprintf(value, sizeof(value), "%s%s", dir, rest);
    if ((err = conf_set(conf, name, value, "--dev", why,
        sizeof(why))) != E_OK)
        fprintf(stderr, "vouchd: %s\n", why);
    return (err);
}

static enum err
point_all(struct conf *conf, const char *share, const char *dir)
{
    static const struct {
        const char *name, *rest;
    } files[] = {
        {"tls.certificate", "/certs/server.pem"},
        {"tls.key", "/certs/server.key"},
        {"tls.root_ca", "/certs/root.pem"},
        {"tls.employer_ca", "/certs/ca-employer.pem"},
        {"tls.association_ca", "/certs/ca-association.pem"},
        {"tls.auditor_ca", "/certs/ca-auditor.pem"},
        {"tls.admin_ca", "/certs/ca-admin.pem"},
        {"keys.dir", "/keys"},
        {"seal.trust", "/trust.json"},
        {"seal.key_dir", "/seal"},
    };
    char dsn[PATH_MAX + 64];
    enum err err;

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if ((err = point(conf, files[i].name, dir, files[i].rest)) != E_OK)
            return (err);
    (void)snprintf(dsn, sizeof(dsn), "sqlite:%s", dir);
    if ((err = point(conf, "store.dsn", dsn, "/vouch.db")) != E_OK ||
        (err = point(conf, "catalog.dir", share, "/catalog")) != E_OK ||
        (err = point(conf, "tls.trust_domain", DOMAIN, "")) != E_OK ||
        (err = point(conf, "listen.port", "0", "")) != E_OK)
        return (err);
    return (E_OK);
}

/* It goes into a file name and a certificate: ids only. */
static int
is_id(const char *id)
{
    size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return (n > 0 && n <= 63 && id[n] == '\0');
}

enum err
dev_prepare(const struct dev *dev, struct conf *conf)
{
    char share[PATH_MAX + 64], dir[PATH_MAX], keys[PATH_MAX + 16];
    enum err err;

    if (!is_id(dev->association)) {
        fprintf(stderr, "vouchd: --association takes an id as in ascp-boc\n");
        return (E_INVAL);
    }
    if ((err = find_share(share, sizeof(share))) != E_OK ||
        (err = make_dir(dev->dir)) != E_OK)
        return (err);
    if (realpath(dev->dir, dir) == NULL)
        return (complain(E_IO, "cannot find", dev->dir));
    (void)snprintf(keys, sizeof(keys), "%s/keys", dir);
    if ((err = make_dir(keys)) != E_OK ||
        (err = make_certs(share, dir, dev->association)) != E_OK ||
        (err = make_seal_keys(dir)) != E_OK)
        return (err);
    return (point_all(conf, share, dir));
}

/* Write ${text} in quotes that a shell takes away again. */
static void
put_quoted(FILE *f, const char *text)
{
    fputc('\'', f);
    for (; *text != '\0'; text++)
        if (*text == '\'')
            fputs("'\\''", f);
        else
            fputc(*text, f);
    fputc('\'', f);
}

static void
put_variable(FILE *f, const char *name, const char *dir, const char *rest)
{
    char value[PATH_MAX + 64];

    (void)snprintf(value, sizeof(value), "%s%s", dir, rest);
    fprintf(f, "export %s=", name);
    put_quoted(f, value);
    fputc('\n', f);
}

static enum err
write_env(const char *dir, const char *name, int port)
{
    char path[PATH_MAX + 64], file[64], server[32];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s.env", dir, name);
    if ((f = fopen(path, "we")) == NULL)
        return (complain(E_IO, "cannot write", path));
    fprintf(f, "# %s of a development daemon. NOT FOR PRODUCTION.\n", name);
    (void)snprintf(server, sizeof(server), "127.0.0.1:%d", port);
    put_variable(f, "VOUCH_SERVER", server, "");
    put_variable(f, "VOUCH_CA", dir, "/certs/root.pem");
    (void)snprintf(file, sizeof(file), "/certs/%s.pem", name);
    put_variable(f, "VOUCH_CERT", dir, file);
    (void)snprintf(file, sizeof(file), "/certs/%s.key", name);
    put_variable(f, "VOUCH_KEY", dir, file);
    put_variable(f, "VOUCH_TRUST", dir, "/trust.json");
    if (ferror(f) | fclose(f))
        return (complain(E_IO, "cannot write", path));
    return (E_OK);
}

static void
print_commands(const struct dev *dev, const char *dir)
{
    printf("NOT FOR PRODUCTION: a development daemon; everything it has lies "
        "in %s.\n\n", dir);
    printf("In another terminal, as the association %s:\n", dev->association);
    printf("  . ");
    put_quoted(stdout, dir);
    printf("/association.env\n"
        "  vouch publish FILE.csv --association %s\n\n", dev->association);
    printf("As an employer:\n  . ");
    put_quoted(stdout, dir);
    printf("/employer.env\n"
        "  vouch verify --association %s --number NUMBER --family NAME "
        "--birth-date YYYY\n\n"
        "vouch whoami tells whom the daemon takes you for; "
        "vouch help has more.\n\n", dev->association);
}

enum err
dev_ready(void *cookie, int port)
{
    const struct dev *dev = cookie;
    char dir[PATH_MAX];
    enum err err;

    if (realpath(dev->dir, dir) == NULL)
        return (complain(E_IO, "cannot find", dev->dir));
    for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++)
        if ((err = write_env(dir, who[i], port)) != E_OK)
            return (err);
    print_commands(dev, dir);
    printf("ready\n");
    if (fflush(stdout) != 0)
        return (complain(E_IO, "cannot write to", "standard output"));
    return (E_OK);
}
