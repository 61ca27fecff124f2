#ifndef SERVICE_ROTATOR_H
#define SERVICE_ROTATOR_H

/*
 * What the services ask of whoever may wait for the disk: that the next seal
 * key be taken.  Handed to them by the daemon.
 */

#include "base/errand.h"
#include "proto/err.h"
#include "seal/seal_keys.h"

#define ROTATOR_WHY 512

/* One rotation on its way; the asker's memory until done(). */
struct rotating {
    struct errand errand;               /* the rotator's own, as ${keys} */
    struct seal_keys *keys;

    uint8_t expected[ED25519_KEY_ID];   /* the key in use must be this one, */
    int is_expected;                    /* if this is set */

    /* Called exactly once, on any thread, with what follows set. */
    void (*done)(struct rotating *rotating);
    enum err err;                       /* as seal_keys_rotate(); E_BUSY: the
                                           daemon is about to end */
    struct seal_rotation rotation;
    char why[ROTATOR_WHY];
};

struct rotator {
    /*
     * Rotate, on disk and in force, and then call done().  Does not wait; any
     * thread.
     */
    void (*rotate)(void *cookie, struct rotating *rotating);
    void *cookie;
};

#endif /* !SERVICE_ROTATOR_H */
