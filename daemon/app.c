#include "app.h"

#include <errno.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/thread.h>

#include "base/log.h"
#include "net/listener.h"
#include "net/worker.h"
#include "service/service.h"
#include "store/store.h"
#include "tls/tls.h"

#define WHY 512

struct app {
    const struct conf *conf;        /* borrowed */
    struct event_base *base;        /* owned, as all below */
    struct event *term;
    struct event *interrupt;
    struct tls_server *tls;
    struct store *store;
    struct service *service;
    struct net_worker **workers;
    size_t nworkers;
    struct net_listener *listener;
};

static enum err
refuse(enum err err, const char *part, const char *why)
{
    log_line(LOG_ERROR, "start", "part=%s err=%s why=\"%s\"", part,
        err_name(err), why);
    return (err);
}

static void
set_log(const struct conf *conf)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(conf->log_level, names[i]) == 0)
            log_set_level((enum log_level)i);
    log_set_json(strcmp(conf->log_format, "json") == 0);
}

/* Each of these must be given; nothing sensible could stand in for it. */
static enum err
check_needed(const struct conf *conf)
{
    const struct {
        const char *name, *value;
    } needed[] = {
        {"tls.certificate", conf->tls_certificate},
        {"tls.key", conf->tls_key},
        {"tls.root_ca", conf->tls_root},
        {"tls.employer_ca", conf->tls_employer_ca},
        {"tls.association_ca", conf->tls_association_ca},
        {"tls.auditor_ca", conf->tls_auditor_ca},
        {"tls.admin_ca", conf->tls_admin_ca},
        {"tls.trust_domain", conf->tls_trust_domain},
        {"store.dsn", conf->store_dsn},
        {"keys.dir", conf->key_dir},
    };

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (needed[i].value[0] == '\0') {
            char why[WHY];

            (void)snprintf(why, sizeof(why),
                "%s is not set; set it in vouchd.conf, or use --dev DIR",
                needed[i].name);
            return (refuse(E_INVAL, "conf", why));
        }
    return (E_OK);
}

/*
 * A connection is a descriptor, and the usual limit on them was made for
 * select(): take as many as we may have.
 */
static void
take_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        log_line(LOG_WARN, "start", "part=descriptors reason=\"%s\"",
            strerror(errno));
}

/* The first signal drains; the second finds the loop gone and ends us. */
static void
on_signal(evutil_socket_t number, short what, void *cookie)
{
    struct app *app = cookie;

    (void)what;
    log_line(LOG_INFO, "drain", "signal=%d", (int)number);
    (void)event_del(app->term);
    (void)event_del(app->interrupt);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)event_base_loopbreak(app->base);
}

static enum err
open_loop(struct app *app)
{
    if (evthread_use_pthreads() != 0 ||
        (app->base = event_base_new()) == NULL ||
        (app->term = evsignal_new(app->base, SIGTERM, on_signal, app)) ==
            NULL ||
        (app->interrupt = evsignal_new(app->base, SIGINT, on_signal, app)) ==
            NULL ||
        event_add(app->term, NULL) != 0 ||
        event_add(app->interrupt, NULL) != 0)
        return (refuse(E_NOMEM, "loop", err_text(E_NOMEM)));
    return (E_OK);
}

static enum err
open_tls(struct app *app)
{
    const struct conf *conf = app->conf;
    const struct tls_options options = {
        .certificate = conf->tls_certificate,
        .key = conf->tls_key,
        .root = conf->tls_root,
        .role_ca = {
            [ROLE_EMPLOYER] = conf->tls_employer_ca,
            [ROLE_ASSOCIATION] = conf->tls_association_ca,
            [ROLE_AUDITOR] = conf->tls_auditor_ca,
            [ROLE_ADMIN] = conf->tls_admin_ca,
        },
        .trust_domain = conf->tls_trust_domain,
    };
    char why[WHY] = "";
    enum err err;

    if ((err = tls_server_create(&options, &app->tls, why, sizeof(why))) !=
        E_OK)
        return (refuse(err, "tls", why));
    return (E_OK);
}

static enum err
open_store(const struct conf *conf, int create, struct store **store)
{
    const struct store_options options = {
        .dsn = conf->store_dsn,
        .group_max = (unsigned)conf->store_group,
        .create = create,
        .migrate = 1,
    };
    char why[WHY] = "";
    enum err err;

    if ((err = store_open(&options, store, why, sizeof(why))) != E_OK)
        return (refuse(err, "store", why));
    return (E_OK);
}

/* For a check only: what the service will find, or not. */
static enum err
check_dirs(const struct conf *conf)
{
    const char *const dirs[] = {conf->key_dir, conf->catalog_dir};
    char why[WHY];

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        if (dirs[i][0] != '\0' && access(dirs[i], R_OK | X_OK) != 0) {
            (void)snprintf(why, sizeof(why), "%s: %s", dirs[i],
                strerror(errno));
            return (refuse(E_IO, "conf", why));
        }
    return (E_OK);
}

static enum err
open_service(struct app *app)
{
    const struct conf *conf = app->conf;
    const struct service_options options = {
        .store = app->store,
        .key_dir = conf->key_dir,
        .catalog_dir = conf->catalog_dir,
        .max_upload = (size_t)conf->upload_max,
        .max_staged = (size_t)conf->staged_max,
        .max_rejects = conf->rejects_max,
    };
    char why[WHY] = "";
    enum err err;

    if ((err = service_create(&options, &app->service, why, sizeof(why))) !=
        E_OK)
        return (refuse(err, "service", why));
    return (E_OK);
}

static struct net_limits
limits_of(const struct conf *conf)
{
    return ((struct net_limits){
        .h2 = {
            .max_streams = (uint32_t)conf->streams,
            .max_header_list = (uint32_t)conf->header_list,
            .window = (uint32_t)conf->window,
            .max_cheap_frames = (unsigned)conf->cheap_frames,
        },
        .rpc = {
            .max_message = (size_t)conf->message_max,
            .max_arena = (size_t)conf->message_arena,
            .max_depth = (unsigned)conf->message_depth,
            .max_elements = (size_t)conf->message_elements,
            .max_fields = (size_t)conf->message_fields,
            .max_deadline_us = conf->deadline_ms * 1000,
            .stall_us = conf->stall_ms * 1000,
        },
        .max_connections = (size_t)conf->connections,
        .max_output = (size_t)conf->output_max,
        .handshake_us = conf->tls_handshake_ms * 1000,
        .stall_us = conf->stall_ms * 1000,
        .drain_us = conf->drain_ms * 1000,
    });
}

static enum err
start_workers(struct app *app)
{
    const struct net_limits limits = limits_of(app->conf);
    long wanted = (long)app->conf->workers;
    enum err err;

    if (wanted == 0 && (wanted = sysconf(_SC_NPROCESSORS_ONLN)) < 1)
        wanted = 1;
    if ((app->workers = calloc((size_t)wanted, sizeof(struct net_worker *))) ==
        NULL)
        return (refuse(E_NOMEM, "workers", err_text(E_NOMEM)));
    while (app->nworkers < (size_t)wanted) {
        char name[32];

        (void)snprintf(name, sizeof(name), "worker-%zu", app->nworkers);
        if ((err = net_worker_start(name, app->service, app->tls, &limits,
            &app->workers[app->nworkers])) != E_OK)
            return (refuse(err, name, err_text(err)));
        app->nworkers++;
    }
    return (E_OK);
}

static enum err
open_listener(struct app *app)
{
    char why[WHY] = "";
    enum err err;

    if ((err = net_listener_create(app->base, app->conf->listen_address,
        (int)app->conf->listen_port, app->workers, app->nworkers,
        &app->listener, why, sizeof(why))) != E_OK)
        return (refuse(err, "listener", why));
    return (E_OK);
}

static void
close_all(struct app *app)
{
    net_listener_free(app->listener);
    for (size_t i = 0; i < app->nworkers; i++)
        net_worker_drain(app->workers[i]);
    for (size_t i = 0; i < app->nworkers; i++)
        net_worker_stop(app->workers[i]);
    free(app->workers);
    service_free(app->service);
    store_close(app->store);
    tls_server_free(app->tls);
    if (app->interrupt != NULL)
        event_free(app->interrupt);
    if (app->term != NULL)
        event_free(app->term);
    if (app->base != NULL)
        event_base_free(app->base);
    libevent_global_shutdown();
}

enum err
app_run(const struct conf *conf, app_ready_fn *ready, void *cookie)
{
    struct app app = {.conf = conf};
    enum err err;

    set_log(conf);
    if ((err = check_needed(conf)) != E_OK)
        goto out;
    take_descriptors();
    if ((err = open_loop(&app)) != E_OK ||
        (err = open_tls(&app)) != E_OK ||
        (err = open_store(conf, 1, &app.store)) != E_OK ||
        (err = open_service(&app)) != E_OK ||
        (err = start_workers(&app)) != E_OK ||
        (err = open_listener(&app)) != E_OK ||
        (err = ready(cookie, net_listener_port(app.listener))) != E_OK)
        goto out;

    log_line(LOG_INFO, "serving", "address=%s port=%d workers=%zu",
        conf->listen_address, net_listener_port(app.listener), app.nworkers);
    log_flush();
    if (event_base_dispatch(app.base) < 0)
        err = refuse(E_IO, "loop", err_text(E_IO));

out:
    close_all(&app);
    log_line(LOG_INFO, "ended", "err=%s", err_name(err));
    log_flush();
    return (err);
}

enum err
app_check(const struct conf *conf)
{
    struct app app = {.conf = conf};
    enum err err;

    set_log(conf);
    if ((err = check_needed(conf)) == E_OK && (err = open_tls(&app)) == E_OK)
        err = check_dirs(conf);
    tls_server_free(app.tls);
    log_flush();
    return (err);
}

enum err
app_rebuild(const struct conf *conf, int check)
{
    struct store *store = NULL;
    char why[WHY] = "";
    enum err err;

    set_log(conf);
    if ((err = open_store(conf, 0, &store)) != E_OK)
        goto out;
    if ((err = service_rebuild(store, check, why, sizeof(why))) != E_OK)
        err = refuse(err, "rebuild", why);

out:
    store_close(store);
    log_flush();
    return (err);
}
