#ifndef DAEMON_ROTATION_H
#define DAEMON_ROTATION_H

/*
 * Seal keys rotated on the revoker's thread: what the services are given.
 */

#include "service/rotator.h"

/* Opaque types. */
struct revoker;

/* Both borrowed, and to outlive the service. */
struct rotation {
    struct revoker *revoker;
    struct seal_keys *keys;
};

/**
 * rotation_rotate(rotation, rotating):
 * As struct rotator says; ${rotation} is a struct rotation.  After
 * revoker_stop() it fails: E_BUSY.
 */
void rotation_rotate(void *rotation, struct rotating *rotating);

#endif /* !DAEMON_ROTATION_H */
