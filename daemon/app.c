#include "app.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/thread.h>

#include "base/clock.h"
#include "base/log.h"
#include "expiry.h"
#include "net/listener.h"
#include "net/worker.h"
#include "renewal.h"
#include "revoker.h"
#include "rotation.h"
#include "seal/seal_keys.h"
#include "service/log_tree.h"
#include "service/service.h"
#include "settings.h"
#include "store/store.h"
#include "systemd.h"
#include "tls/tls.h"
#include "watchdog.h"

#define WHY 512
#define STATUS (2 * WHY + 128)

struct app {
    const struct conf *conf;        /* borrowed */
    struct event_base *base;        /* owned, as all below */
    struct event *term;
    struct event *interrupt;
    struct event *hangup;
    struct event *lost;             /* the store, on the writer's thread */
    int is_lost;
    struct revocation *revocation;
    struct revoker *revoker;
    struct denier denier;           /* of both, for the service */
    struct rotation rotation;
    struct rotator rotator;         /* of seal keys, for the service */
    struct tls_server *tls;
    struct seal_keys *seal_keys;
    struct expiry *expiry;
    struct renewal renewal;         /* of the three above */
    struct event *hour;
    struct store *store;
    struct service *service;
    struct net_worker **workers;
    size_t nworkers;
    struct net_listener *listener;
    struct watchdog *watchdog;
};

static enum err
refuse(enum err err, const char *part, const char *why)
{
    log_line(LOG_ERROR, "start", "part=%s err=%s why=\"%s\"", part,
        err_name(err), why);
    return (err);
}

static enum err
check_needed(const struct conf *conf)
{
    char why[WHY];
    enum err err;

    if ((err = settings_check(conf, why, sizeof(why))) != E_OK)
        return (refuse(err, "conf", why));
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

/* ---- what is renewed ---------------------------------------------------- */

/* As settings_tls() says, and with who is not let in any more. */
static struct tls_options
tls_options(const struct app *app)
{
    struct tls_options options = settings_tls(app->conf);

    options.revocation = app->revocation;
    return (options);
}

static enum err
open_revocation(struct app *app)
{
    struct revocation_options options;
    char deny_list[PATH_MAX];
    enum err err;

    settings_deny_list(app->conf, deny_list, sizeof(deny_list));
    options = settings_revocation(app->conf, deny_list);
    if ((err = revocation_create(&options, &app->revocation)) != E_OK)
        return (refuse(err, "revocation", err_text(err)));
    return (E_OK);
}

static enum err
open_tls(struct app *app)
{
    struct tls_options options;
    char why[WHY] = "";
    enum err err;

    if ((err = open_revocation(app)) != E_OK)
        return (err);
    options = tls_options(app);
    if ((err = tls_server_create(&options, &app->tls, why, sizeof(why))) !=
        E_OK)
        return (refuse(err, "tls", why));
    if ((err = expiry_create(&app->expiry)) != E_OK)
        return (refuse(err, "tls", err_text(err)));
    app->renewal.tls = app->tls;
    app->renewal.expiry = app->expiry;
    renewal_tell_certificate(&app->renewal);
    return (E_OK);
}

static enum err
open_seal_keys(struct app *app)
{
    const struct seal_keys_options options = settings_seal(app->conf);
    char why[WHY] = "";
    enum err err;

    if ((err = seal_keys_open(&options, clock_wall_us(), &app->seal_keys, why,
        sizeof(why))) != E_OK)
        return (refuse(err, "seal", why));
    app->renewal.seal_keys = app->seal_keys;
    renewal_tell_seal_key(&app->renewal);
    renewal_warn(&app->renewal, clock_wall_us());
    return (E_OK);
}

static void
tell_serving(const struct app *app, const char *more)
{
    char status[STATUS];

    (void)snprintf(status, sizeof(status), "serving on port %d, %zu workers%s",
        net_listener_port(app->listener), app->nworkers, more);
    systemd_ready(status);
}

/* What is wrong is told in the log and to systemd; we go on either way. */
static void
reload(struct app *app)
{
    const struct tls_options options = tls_options(app);
    char status[STATUS];

    systemd_reloading();
    if (renewal_reload(&app->renewal, &options, status, sizeof(status)))
        revoker_wake(app->revoker);
    tell_serving(app, status);
    log_flush();
}

/*
 * The wall clock may be set at any time, and a timer does not hear of it: so
 * it is looked at, again and again.
 */
static void
on_hour(evutil_socket_t none, short what, void *cookie)
{
    const struct app *app = cookie;

    (void)none, (void)what;
    renewal_warn(&app->renewal, clock_wall_us());
    log_flush();
}

/* ---- signals ----------------------------------------------------------- */

static void
on_hangup(evutil_socket_t number, short what, void *cookie)
{
    (void)number, (void)what;
    reload(cookie);
}

/* The first signal drains; the second finds the loop gone and ends us. */
static void
on_signal(evutil_socket_t number, short what, void *cookie)
{
    struct app *app = cookie;

    (void)what;
    log_line(LOG_INFO, "drain", "signal=%d", (int)number);
    systemd_stopping();
    (void)event_del(app->term);
    (void)event_del(app->interrupt);
    (void)event_del(app->hangup);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGHUP, SIG_IGN);      /* too late to matter */
    (void)event_base_loopbreak(app->base);
}

/*
 * What was acknowledged is on disk, and more cannot be: whoever started us
 * starts us again, and the store is then read as the disk has it.  Answers
 * that are being made still go out.
 */
static void
on_lost(evutil_socket_t none, short what, void *cookie)
{
    struct app *app = cookie;

    (void)none, (void)what;
    app->is_lost = 1;
    log_line(LOG_ERROR, "drain", "reason=store_lost");
    systemd_stopping();
    (void)event_base_loopbreak(app->base);
}

static void
store_lost(void *cookie)
{
    event_active(((struct app *)cookie)->lost, 0, 0);
}

static struct event *
catch(struct app *app, int number, event_callback_fn fn)
{
    struct event *event = evsignal_new(app->base, number, fn, app);

    if (event != NULL && event_add(event, NULL) != 0) {
        event_free(event);
        event = NULL;
    }
    return (event);
}

static enum err
open_loop(struct app *app)
{
    const struct timeval hour = {.tv_sec = EXPIRY_PERIOD_S};

    if (evthread_use_pthreads() != 0 ||
        (app->base = event_base_new()) == NULL ||
        (app->term = catch(app, SIGTERM, on_signal)) == NULL ||
        (app->interrupt = catch(app, SIGINT, on_signal)) == NULL ||
        (app->hangup = catch(app, SIGHUP, on_hangup)) == NULL ||
        (app->lost = event_new(app->base, -1, EV_PERSIST, on_lost, app)) ==
        NULL || (app->hour = event_new(app->base, -1, EV_PERSIST, on_hour,
        app)) == NULL || event_add(app->hour, &hour) != 0)
        return (refuse(E_NOMEM, "loop", err_text(E_NOMEM)));
    return (E_OK);
}

/* ---- the parts --------------------------------------------------------- */

/* ${app}: to be told when the store is lost; NULL: nobody. */
static enum err
open_store(const struct conf *conf, struct app *app, struct store **store)
{
    const struct store_options options = {
        .dsn = conf->store_dsn,
        .group_max = (unsigned)conf->store_group,
        .create = app != NULL,
        .migrate = 1,
        .grow = log_tree_grow,
        .lost = app != NULL ? store_lost : NULL,
        .cookie = app,
    };
    char why[WHY] = "";
    enum err err;

    if ((err = store_open(&options, store, why, sizeof(why))) != E_OK)
        return (refuse(err, "store", why));
    return (E_OK);
}

static enum err
open_service(struct app *app)
{
    const struct conf *conf = app->conf;
    char staging_dir[PATH_MAX];
    const struct service_options options = {
        .store = app->store,
        .denier = &app->denier,
        .seal_keys = app->seal_keys,
        .rotator = &app->rotator,
        .key_dir = conf->key_dir,
        .catalog_dir = conf->catalog_dir,
        .max_request = (size_t)conf->message_arena,
        .staging_dir = staging_dir,
        .max_upload = (size_t)conf->upload_max,
        .max_upload_memory = (size_t)conf->upload_memory,
        .max_staged = (size_t)conf->staged_max,
        .max_staged_memory = (size_t)conf->staged_memory,
        .max_rejects = conf->rejects_max,
        .max_endings = conf->endings_max,
        .max_ending_share = conf->ending_share,
    };
    char why[WHY] = "";
    enum err err;

    settings_staging_dir(conf, staging_dir, sizeof(staging_dir));
    if (access(staging_dir, W_OK | X_OK) != 0) {
        (void)snprintf(why, sizeof(why), "%.400s: %s", staging_dir,
            strerror(errno));
        return (refuse(E_IO, "staging", why));
    }
    if ((err = service_create(&options, &app->service, why, sizeof(why))) !=
        E_OK)
        return (refuse(err, "service", why));
    return (E_OK);
}

static enum err
start_workers(struct app *app)
{
    const struct net_limits limits = settings_limits(app->conf);
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
    revoker_serve(app->revoker, app->workers, app->nworkers);
    return (E_OK);
}

static enum err
open_revoker(struct app *app)
{
    enum err err;

    if ((err = revoker_create(app->revocation, &app->revoker)) != E_OK)
        return (refuse(err, "revocation", err_text(err)));
    app->denier = (struct denier){.deny = revoker_deny,
        .cookie = app->revoker, .trust_domain = app->conf->tls_trust_domain};
    app->rotation = (struct rotation){.revoker = app->revoker,
        .keys = app->seal_keys};
    app->rotator = (struct rotator){.rotate = rotation_rotate,
        .cookie = &app->rotation};
    return (E_OK);
}

/* On what systemd listens for us already, or else where the settings say. */
static enum err
open_listener(struct app *app)
{
    struct net_listener_options options = {
        .address = app->conf->listen_address,
        .port = (int)app->conf->listen_port,
        .workers = app->workers,
        .nworkers = app->nworkers,
    };
    int fds[64], first;
    char why[WHY] = "";
    enum err err;

    if ((err = systemd_sockets(&first, &options.nfds)) != E_OK ||
        options.nfds > sizeof(fds) / sizeof(fds[0]))
        return (refuse(E_INVAL, "listener",
            "the sockets that were passed are not to be understood"));
    for (size_t i = 0; i < options.nfds; i++)
        fds[i] = first + (int)i;
    options.fds = fds;
    if ((err = net_listener_create(app->base, &options, &app->listener, why,
        sizeof(why))) != E_OK)
        return (refuse(err, "listener", why));
    log_line(LOG_INFO, "serving", "address=%s port=%d workers=%zu",
        options.nfds > 0 ? "from-systemd" : options.address,
        net_listener_port(app->listener), app->nworkers);
    return (E_OK);
}

static enum err
open_watchdog(struct app *app)
{
    const struct watchdog_options options = {
        .period_us = systemd_watchdog_us(),
        .workers = app->workers,
        .nworkers = app->nworkers,
        .store = app->store,
        .feed = systemd_feed,
    };
    enum err err;

    if (options.period_us > 0 && (err = watchdog_create(app->base, &options,
        &app->watchdog)) != E_OK)
        return (refuse(err, "watchdog", err_text(err)));
    return (E_OK);
}

static void
close_all(struct app *app)
{
    net_listener_free(app->listener);
    for (size_t i = 0; i < app->nworkers; i++)
        net_worker_drain(app->workers[i]);
    for (size_t i = 0; i < app->nworkers; i++)
        net_worker_wait(app->workers[i]);
    /* Only now does nobody ask it any more; what it tells, they must hear. */
    revoker_stop(app->revoker);
    for (size_t i = 0; i < app->nworkers; i++)
        net_worker_stop(app->workers[i]);
    free(app->workers);
    service_free(app->service);
    seal_keys_free(app->seal_keys);
    revoker_free(app->revoker);
    store_close(app->store);
    tls_server_free(app->tls);
    revocation_free(app->revocation);
    expiry_free(app->expiry);
    watchdog_free(app->watchdog);
    if (app->hour != NULL)
        event_free(app->hour);
    if (app->lost != NULL)
        event_free(app->lost);
    if (app->hangup != NULL)
        event_free(app->hangup);
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

    settings_log(conf);
    if ((err = check_needed(conf)) != E_OK)
        goto out;
    take_descriptors();
    if ((err = open_loop(&app)) != E_OK ||
        (err = open_tls(&app)) != E_OK ||
        (err = open_seal_keys(&app)) != E_OK ||
        (err = open_store(conf, &app, &app.store)) != E_OK ||
        (err = open_revoker(&app)) != E_OK ||
        (err = open_service(&app)) != E_OK ||
        (err = start_workers(&app)) != E_OK ||
        (err = open_listener(&app)) != E_OK ||
        (err = ready(cookie, net_listener_port(app.listener))) != E_OK ||
        (err = open_watchdog(&app)) != E_OK)
        goto out;

    log_flush();
    tell_serving(&app, "");
    if (event_base_dispatch(app.base) < 0)
        err = refuse(E_IO, "loop", err_text(E_IO));
    else if (app.is_lost)
        err = E_LOST;

out:
    close_all(&app);
    log_line(LOG_INFO, "ended", "err=%s", err_name(err));
    log_flush();
    return (err);
}

static enum err
check_seal_keys(struct app *app)
{
    const struct seal_keys_options options = settings_seal(app->conf);
    char why[WHY] = "";
    enum err err;

    if ((err = seal_keys_check(&options, clock_wall_us(), why, sizeof(why))) !=
        E_OK)
        return (refuse(err, "seal", why));
    renewal_warn(&app->renewal, clock_wall_us());
    return (E_OK);
}

enum err
app_check(const struct conf *conf)
{
    struct app app = {.conf = conf};
    char why[WHY] = "";
    enum err err;

    settings_log(conf);
    if ((err = check_needed(conf)) == E_OK &&
        (err = open_tls(&app)) == E_OK &&
        (err = check_seal_keys(&app)) == E_OK &&
        (err = settings_check_dirs(conf, why, sizeof(why))) != E_OK)
        err = refuse(err, "conf", why);
    tls_server_free(app.tls);
    revocation_free(app.revocation);
    expiry_free(app.expiry);
    log_flush();
    return (err);
}

enum err
app_rebuild(const struct conf *conf, int check)
{
    struct store *store = NULL;
    char why[WHY] = "";
    enum err err;

    settings_log(conf);
    if ((err = open_store(conf, NULL, &store)) != E_OK)
        goto out;
    if ((err = service_rebuild(store, check, why, sizeof(why))) != E_OK)
        err = refuse(err, "rebuild", why);

out:
    store_close(store);
    log_flush();
    return (err);
}
