#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

/*
 * From what vouchd.conf says to what the parts of the daemon are given, and
 * what of it is checked before any of them is made.
 */

#include "conf/conf.h"
#include "net/worker.h"
#include "proto/err.h"
#include "seal/seal_keys.h"
#include "tls/tls.h"

/**
 * settings_check(conf, why, size):
 * Check that what has no sensible default is set, and that the folder of a deny
 * list that is named is there.
 *
 * Fails: E_INVAL, E_IO; ${why}, of ${size} bytes, names the setting.
 */
enum err MUST_USE settings_check(const struct conf *conf, char *why,
    size_t size);

/**
 * settings_check_dirs(conf, why, size):
 * Check that the folders named are there, as the service will find them.
 *
 * Fails: E_IO; ${why}, of ${size} bytes, names the folder.
 */
enum err MUST_USE settings_check_dirs(const struct conf *conf, char *why,
    size_t size);

/**
 * settings_staging_dir(conf, dir, size):
 * Write to ${dir}, of ${size} bytes, where uploads may have their files: the
 * folder that is set, or else the one that the store's file is in.
 */
void settings_staging_dir(const struct conf *conf, char *dir, size_t size);

/**
 * settings_deny_list(conf, path, size):
 * Write to ${path}, of ${size} bytes, where the deny list is: as it is set, or
 * else beside the store.
 */
void settings_deny_list(const struct conf *conf, char *path, size_t size);

/**
 * settings_log(conf):
 * Have the log as ${conf} says.
 */
void settings_log(const struct conf *conf);

/**
 * settings_tls(conf), settings_revocation(conf, deny_list),
 * settings_seal(conf) and settings_limits(conf):
 * Return what the parts want; texts are borrowed from ${conf}, and
 * ${deny_list} is as settings_deny_list() writes it.
 */
struct tls_options settings_tls(const struct conf *conf);
struct revocation_options settings_revocation(const struct conf *conf,
    const char *deny_list);
struct seal_keys_options settings_seal(const struct conf *conf);
struct net_limits settings_limits(const struct conf *conf);

#endif /* !DAEMON_SETTINGS_H */
