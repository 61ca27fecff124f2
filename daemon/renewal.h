#ifndef DAEMON_RENEWAL_H
#define DAEMON_RENEWAL_H

/*
 * What is renewed while the daemon runs: its certificates and CAs, its seal
 * keys and trust file.
 */

#include <stddef.h>
#include <stdint.h>

#include "tls/tls.h"

/* Opaque types. */
struct expiry;
struct seal_keys;

/* All of it is the caller's. */
struct renewal {
    struct tls_server *tls;
    struct seal_keys *seal_keys;
    struct expiry *expiry;
};

/**
 * renewal_warn(renewal, now_us):
 * Log what will end, as far as it has not been told (expiry_look()).
 */
void renewal_warn(const struct renewal *renewal, int64_t now_us);

/**
 * renewal_tell_certificate(renewal):
 * renewal_tell_seal_key(renewal):
 * Log what is in force.
 */
void renewal_tell_certificate(const struct renewal *renewal);
void renewal_tell_seal_key(const struct renewal *renewal);

/**
 * renewal_reload(renewal, options, status, size):
 * Read certificates as ${options} say, and seal keys and trust file, each for
 * itself; where anything is wrong, the old ones stay in force.  Append to
 * ${status}, of ${size} bytes, what was.  Return non-zero if there are other
 * certificates in force.
 */
int renewal_reload(const struct renewal *renewal,
    const struct tls_options *options, char *status, size_t size);

#endif /* !DAEMON_RENEWAL_H */
