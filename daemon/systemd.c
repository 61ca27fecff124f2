#include "systemd.h"

#include <inttypes.h>
#include <stdlib.h>

#include <systemd/sd-daemon.h>

#include "base/clock.h"

/*
 * None of these can be helped if it fails: the daemon serves all the same,
 * and systemd will notice by itself what it was not told.
 */

void
systemd_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
systemd_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n"
        "STATUS=reading the certificates anew", clock_monotonic_us());
}

void
systemd_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1\nSTATUS=finishing the calls in progress");
}

void
systemd_feed(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

int64_t
systemd_watchdog_us(void)
{
    uint64_t us = 0;

    if (sd_watchdog_enabled(1, &us) <= 0 || us > INT64_MAX)
        return (0);
    return ((int64_t)us);
}

enum err
systemd_sockets(int *first, size_t *n)
{
    int found = sd_listen_fds(1);

    *first = SD_LISTEN_FDS_START;
    *n = found > 0 ? (size_t)found : 0;
    return (found < 0 ? E_INVAL : E_OK);
}
