#include "settings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* What a tick answers at a time; beyond it malloc() is asked. */
#define SPARE_CALLS 64

/*
 * The list may not be there yet; but in a folder that is not, a disk perhaps
 * that is not mounted, it would be missed in silence.
 */
static enum err
check_deny_list(const struct conf *conf, char *why, size_t size)
{
    char dir[PATH_MAX] = ".";
    char *last;

    if (strchr(conf->tls_deny_list, '/') != NULL) {
        (void)snprintf(dir, sizeof(dir), "%s", conf->tls_deny_list);
        last = strrchr(dir, '/');
        last[last == dir] = '\0';
    }
    if (access(dir, X_OK) == 0)
        return (E_OK);
    (void)snprintf(why, size, "tls.deny_list: %s: %s; the folder of the list "
        "must be there, or nobody would be denied", dir, strerror(errno));
    return (E_IO);
}

/* Each of these must be given; nothing sensible could stand in for it. */
enum err
settings_check(const struct conf *conf, char *why, size_t size)
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
        {"seal.trust", conf->seal_trust},
        {"seal.key_dir", conf->seal_key_dir},
    };

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (needed[i].value[0] == '\0') {
            (void)snprintf(why, size,
                "%s is not set; set it in vouchd.conf, or use --dev DIR",
                needed[i].name);
            return (E_INVAL);
        }
    if (strcmp(conf->tls_crl_required, "yes") == 0 &&
        conf->tls_crl[0] == '\0') {
        (void)snprintf(why, size, "tls.crl_required is yes, and tls.crl is "
            "not set: nobody would be let in");
        return (E_INVAL);
    }
    return (check_deny_list(conf, why, size));
}

enum err
settings_check_dirs(const struct conf *conf, char *why, size_t size)
{
    const char *const dirs[] = {conf->key_dir, conf->catalog_dir,
        conf->staging_dir};

    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
        if (dirs[i][0] != '\0' && access(dirs[i], R_OK | X_OK) != 0) {
            (void)snprintf(why, size, "%s: %s", dirs[i], strerror(errno));
            return (E_IO);
        }
    return (E_OK);
}

/* The folder that the store's file is in. */
static void
store_dir(const struct conf *conf, char *dir, size_t size)
{
    const char *path = strchr(conf->store_dsn, ':');
    const char *last;

    path = path == NULL ? conf->store_dsn : path + 1;
    last = strrchr(path, '/');
    if (last == NULL)
        (void)snprintf(dir, size, ".");
    else    /* of "/x", the root itself */
        (void)snprintf(dir, size, "%.*s", last == path ? 1 :
            (int)(last - path), path);
}

void
settings_staging_dir(const struct conf *conf, char *dir, size_t size)
{
    if (conf->staging_dir[0] != '\0')
        (void)snprintf(dir, size, "%s", conf->staging_dir);
    else
        store_dir(conf, dir, size);
}

void
settings_deny_list(const struct conf *conf, char *path, size_t size)
{
    size_t n;

    if (conf->tls_deny_list[0] != '\0') {
        (void)snprintf(path, size, "%s", conf->tls_deny_list);
        return;
    }
    store_dir(conf, path, size);
    n = strlen(path);
    (void)snprintf(path + n, size - n, "/deny.list");
}

void
settings_log(const struct conf *conf)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(conf->log_level, names[i]) == 0)
            log_set_level((enum log_level)i);
    log_set_json(strcmp(conf->log_format, "json") == 0);
}

struct tls_options
settings_tls(const struct conf *conf)
{
    return ((struct tls_options){
        .certificate = conf->tls_certificate,
        .key = conf->tls_key,
        .second_certificate = conf->tls_second_certificate,
        .second_key = conf->tls_second_key,
        .root = conf->tls_root,
        .role_ca = {
            [ROLE_EMPLOYER] = conf->tls_employer_ca,
            [ROLE_ASSOCIATION] = conf->tls_association_ca,
            [ROLE_AUDITOR] = conf->tls_auditor_ca,
            [ROLE_ADMIN] = conf->tls_admin_ca,
        },
        .trust_domain = conf->tls_trust_domain,
        .resumption_us = conf->tls_resumption_s * 1000000,
    });
}

struct revocation_options
settings_revocation(const struct conf *conf, const char *deny_list)
{
    return ((struct revocation_options){
        .crl = conf->tls_crl,
        .deny_list = deny_list,
        .trust_domain = conf->tls_trust_domain,
        .max_crl = (size_t)conf->tls_crl_max,
        .crl_required = strcmp(conf->tls_crl_required, "yes") == 0,
        .accept_stale = strcmp(conf->tls_crl_stale, "accept") == 0,
    });
}

struct seal_keys_options
settings_seal(const struct conf *conf)
{
    return ((struct seal_keys_options){.trust = conf->seal_trust,
        .dir = conf->seal_key_dir});
}

struct net_limits
settings_limits(const struct conf *conf)
{
    return ((struct net_limits){
        .h2 = {
            .max_streams = (uint32_t)conf->streams,
            .max_header_list = (uint32_t)conf->header_list,
            .window = (uint32_t)conf->window,
            .pad_step = (uint32_t)conf->pad_step,
            .max_cheap_frames = (unsigned)conf->cheap_frames,
            .ping_us = conf->ping_interval_ms * 1000,
            .max_ping_strikes = (unsigned)conf->ping_strikes,
            .ping_idle = (int)conf->ping_without_calls,
        },
        .rpc = {
            .max_message = (size_t)conf->message_max,
            .spare_calls = SPARE_CALLS,
            .max_arena = (size_t)conf->message_arena,
            .max_depth = (unsigned)conf->message_depth,
            .max_elements = (size_t)conf->message_elements,
            .max_fields = (size_t)conf->message_fields,
            .max_deadline_us = conf->deadline_ms * 1000,
            .stall_us = conf->stall_ms * 1000,
            .compress_above = (size_t)conf->compress_above,
            .max_calls = (size_t)conf->calls,
        },
        .max_connections = (size_t)conf->connections,
        .max_output = (size_t)conf->output_max,
        .handshake_us = conf->tls_handshake_ms * 1000,
        .stall_us = conf->stall_ms * 1000,
        .drain_us = conf->drain_ms * 1000,
        .life = {
            .keepalive_us = conf->keepalive_time_ms * 1000,
            .answer_us = conf->keepalive_timeout_ms * 1000,
            .idle_us = conf->connection_idle_ms * 1000,
            .age_us = conf->connection_age_ms * 1000,
        },
        .age_grace_us = conf->connection_age_grace_ms * 1000,
    });
}
