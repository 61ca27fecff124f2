#ifndef SERVICE_DENIER_H
#define SERVICE_DENIER_H

/*
 * What the services ask of whoever keeps the deny list: that is below them, in
 * tls, and handed to them by the daemon.
 */

#include <stddef.h>

#include "base/denial.h"
#include "proto/err.h"

/* One entry on its way to the list; the asker's memory until done(). */
struct denying {
    struct denial denial;

    /* Called exactly once, on any thread, with what follows set. */
    void (*done)(struct denying *denying);
    enum err err;           /* as revocation_deny(); E_NOMEM likewise */
    int added;              /* 0: it was there */
    size_t ended;           /* connections, on account of it */

    /* The denier's own. */
    struct denying *next;
    unsigned tries;
};

struct denier {
    /*
     * Deny, on disk and in force, end the connections concerned, and then call
     * done().  Does not wait; any thread.
     */
    void (*deny)(void *cookie, struct denying *denying);
    void *cookie;
    const char *trust_domain;       /* of the identities */
};

#endif /* !SERVICE_DENIER_H */
