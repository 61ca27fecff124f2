#include "fault/host.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "app.h"
#include "fault/memory.h"
#include "support/seal_rig.h"
#include "support/tls_client.h"

static void
need(int holds, const char *what)
{
    if (holds)
        return;
    perror(what);
    exit(EXIT_FAILURE);
}

static void
set(struct host *h, const char *name, const char *dir, const char *rest)
{
    char value[256], why[256] = "";

    (void)snprintf(value, sizeof(value), "%s%s", dir, rest);
    need(conf_set(h->conf, name, value, "test", why, sizeof(why)) == E_OK,
        name);
}

void
host_init(struct host *h)
{
    static const struct {
        const char *name, *rest;
    } files[] = {
        {"tls.certificate", "/server.pem"}, {"tls.key", "/server.key"},
        {"tls.root_ca", "/root.pem"},
        {"tls.employer_ca", "/ca-employer.pem"},
        {"tls.association_ca", "/ca-association.pem"},
        {"tls.auditor_ca", "/ca-auditor.pem"},
        {"tls.admin_ca", "/ca-admin.pem"},
        {"seal.trust", "/own/trust.json"}, {"seal.key_dir", "/own/seal"},
    };
    char own[96];

    memset(h, 0, sizeof(*h));
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->moved, NULL);
    tls_client_pki(h->pki, sizeof(h->pki));
    (void)snprintf(own, sizeof(own), "%s/own", h->pki);
    need(mkdir(own, 0700) == 0, own);
    (void)seal_rig_make(own);
    need(conf_create(&h->conf) == E_OK, "conf");
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        set(h, files[i].name, h->pki, files[i].rest);
    set(h, "tls.trust_domain", "dev.vouch.invalid", "");
    set(h, "catalog.dir", SOURCE_DIR, "/catalog");
    set(h, "listen.port", "0", "");
    set(h, "log.level", "error", "");
    set(h, "workers", "1", "");
    set(h, "drain_ms", "100", "");
    set(h, "publish.upload_bytes", "1048576", "");
}

void
host_move(struct host *h)
{
    char keys[96], dsn[96];

    if (h->dir[0] != '\0')
        tls_client_remove(h->dir);
    (void)snprintf(h->dir, sizeof(h->dir), "/tmp/vouch-fault-XXXXXX");
    need(mkdtemp(h->dir) != NULL, "mkdtemp");
    (void)snprintf(keys, sizeof(keys), "%s/keys", h->dir);
    need(mkdir(keys, 0700) == 0, keys);
    set(h, "keys.dir", keys, "");
    (void)snprintf(dsn, sizeof(dsn), "sqlite:%s", h->dir);
    set(h, "store.dsn", dsn, "/vouch.db");
}

static void
move(struct host *h, int state)
{
    (void)pthread_mutex_lock(&h->lock);
    h->state = state;
    (void)pthread_cond_broadcast(&h->moved);
    (void)pthread_mutex_unlock(&h->lock);
}

static enum err
on_ready(void *cookie, int port)
{
    struct host *h = cookie;

    (void)memory_disarm();
    h->port = port;
    move(h, HOST_SERVING);
    return (E_OK);
}

static void *
run(void *cookie)
{
    struct host *h = cookie;

    h->err = app_run(h->conf, on_ready, h);
    move(h, HOST_ENDED);
    return (NULL);
}

static void
join(struct host *h)
{
    need(pthread_join(h->thread, NULL) == 0, "pthread_join");
    h->state = HOST_DOWN;
}

int
host_start(struct host *h)
{
    h->state = HOST_STARTING;
    need(pthread_create(&h->thread, NULL, run, h) == 0, "pthread_create");
    (void)pthread_mutex_lock(&h->lock);
    while (h->state == HOST_STARTING)
        (void)pthread_cond_wait(&h->moved, &h->lock);
    (void)pthread_mutex_unlock(&h->lock);
    if (h->state == HOST_SERVING)
        return (1);
    (void)memory_disarm();
    join(h);
    return (0);
}

void
host_ask_to_end(struct host *h)
{
    if (h->state == HOST_SERVING)
        need(kill(getpid(), SIGTERM) == 0, "kill");
}

int
host_ended(struct host *h, int ms)
{
    struct timespec until;
    int ended;

    if (h->state == HOST_DOWN)
        return (1);
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&h->lock);
    while (h->state != HOST_ENDED &&
        pthread_cond_timedwait(&h->moved, &h->lock, &until) == 0)
        continue;
    ended = h->state == HOST_ENDED;
    (void)pthread_mutex_unlock(&h->lock);
    if (ended)
        join(h);
    return (ended);
}

enum err
host_check(struct host *h)
{
    return (app_rebuild(h->conf, 1));
}

int64_t
host_events(struct host *h)
{
    sqlite3_stmt *count = NULL;
    sqlite3 *db = NULL;
    int64_t n = -1;
    char path[96];

    (void)snprintf(path, sizeof(path), "%s/vouch.db", h->dir);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT count(*) FROM log WHERE domain = 1",
        -1, &count, NULL) == SQLITE_OK && sqlite3_step(count) == SQLITE_ROW)
        n = sqlite3_column_int64(count, 0);
    (void)sqlite3_finalize(count);
    (void)sqlite3_close(db);
    return (n);
}

void
host_free(struct host *h)
{
    tls_client_remove(h->dir);
    tls_client_remove(h->pki);
    conf_free(h->conf);
    (void)pthread_cond_destroy(&h->moved);
    (void)pthread_mutex_destroy(&h->lock);
}
