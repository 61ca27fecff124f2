#include "renewal.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "expiry.h"
#include "seal/seal_keys.h"

#define WHY 512

static size_t
seal_ends(const struct renewal *renewal, struct tls_end *ends)
{
    struct seal_end seal[SEAL_ENDS];

    seal_keys_ends(renewal->seal_keys, seal);
    for (size_t i = 0; i < SEAL_ENDS; i++) {
        (void)snprintf(ends[i].file, sizeof(ends[i].file), "%s",
            seal[i].file);
        ends[i].at_us = seal[i].at_us;
    }
    return (SEAL_ENDS);
}

void
renewal_warn(const struct renewal *renewal, int64_t now_us)
{
    struct tls_end ends[TLS_ENDS + SEAL_ENDS];
    size_t n = tls_server_ends(renewal->tls, ends);

    if (renewal->seal_keys != NULL)
        n += seal_ends(renewal, ends + n);
    if (expiry_look(renewal->expiry, ends, n, now_us) != E_OK)
        log_line(LOG_WARN, "ends", "reason=\"%s\"", err_text(E_NOMEM));
}

void
renewal_tell_certificate(const struct renewal *renewal)
{
    struct tls_own own;

    tls_server_own(renewal->tls, &own);
    log_line(LOG_INFO, "certificate", "not_after=%s sha256=%s", own.not_after,
        own.fingerprint);
}

void
renewal_tell_seal_key(const struct renewal *renewal)
{
    char hex[2 * ED25519_KEY_ID + 1], until[TRUST_TIME_MAX + 1];
    struct seal_key key;

    seal_keys_current(renewal->seal_keys, &key);
    bytes_to_hex((struct slice){signer_key_id(key.signer), ED25519_KEY_ID},
        hex);
    trust_time(key.until_us, until);
    log_line(LOG_INFO, "seal_key", "key=%s until=%s origin=\"%s\"", hex, until,
        key.origin);
    signer_release(key.signer);
}

static int
reload_certificates(const struct renewal *renewal,
    const struct tls_options *options, char *status, size_t size)
{
    int64_t begun_us = clock_monotonic_us();
    char why[WHY] = "";
    struct tls_own before, after;
    enum err err;

    tls_server_own(renewal->tls, &before);
    if ((err = tls_server_reload(renewal->tls, options, why, sizeof(why))) !=
        E_OK) {
        log_line(LOG_ERROR, "reload", "err=%s why=\"%s\" kept=%s",
            err_name(err), why, before.fingerprint);
        (void)snprintf(status, size, "; the old certificates are kept: %s",
            why);
        return (0);
    }
    tls_server_own(renewal->tls, &after);
    log_line(LOG_INFO, "reload", "err=OK duration_us=%lld "
        "old_not_after=%s old_sha256=%s not_after=%s sha256=%s",
        (long long)(clock_monotonic_us() - begun_us), before.not_after,
        before.fingerprint, after.not_after, after.fingerprint);
    renewal_tell_certificate(renewal);
    return (1);
}

static void
reload_seal_keys(const struct renewal *renewal, char *status, size_t size)
{
    const size_t n = strlen(status);
    char why[WHY] = "";
    enum err err;

    if ((err = seal_keys_reload(renewal->seal_keys, clock_wall_us(), why,
        sizeof(why))) == E_OK) {
        renewal_tell_seal_key(renewal);
        return;
    }
    log_line(LOG_ERROR, "reload", "part=seal_keys err=%s why=\"%s\"",
        err_name(err), why);
    (void)snprintf(status + n, size - n, "; the old seal key is kept: %s",
        why);
}

int
renewal_reload(const struct renewal *renewal,
    const struct tls_options *options, char *status, size_t size)
{
    int changed;

    status[0] = '\0';
    changed = reload_certificates(renewal, options, status, size);
    reload_seal_keys(renewal, status, size);
    renewal_warn(renewal, clock_wall_us());
    return (changed);
}
