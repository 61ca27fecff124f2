#ifndef TEST_FAULT_HOST_H
#define TEST_FAULT_HOST_H

/*
 * The whole daemon, as vouchd runs it, on a thread of this process.
 */

#include <pthread.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proto/err.h"

struct host {
    struct conf *conf;          /* owned */
    char pki[64];               /* folder of the certificates */
    char dir[64];               /* folder of store and keys */
    pthread_t thread;
    pthread_mutex_t lock;       /* over what follows */
    pthread_cond_t moved;
    enum { HOST_DOWN, HOST_STARTING, HOST_SERVING, HOST_ENDED } state;
    int port;
    enum err err;               /* how it ended */
};

/**
 * host_init(host):
 * Make certificates and settings; ends the program on failure.
 */
void host_init(struct host *host);

/**
 * host_move(host):
 * A new folder for store and keys; the old one, if any, is removed.  The
 * daemon must be down.
 */
void host_move(struct host *host);

/**
 * host_start(host):
 * Start the daemon.  Return 1 once it serves, and memory is disarmed as soon
 * as it does; 0 when it has ended instead, and is down.
 */
int host_start(struct host *host);

/* Ask it to end; host_ended() waits for that. */
void host_ask_to_end(struct host *host);

/**
 * host_ended(host, ms):
 * Wait for the end.  Return 1 when the daemon is down.
 */
int host_ended(struct host *host, int ms);

/**
 * host_check(host):
 * Compare the store's index with its log; the daemon must be down.
 */
enum err MUST_USE host_check(struct host *host);

/**
 * host_events(host):
 * Return how many events the log holds, counted in the database itself; -1 on
 * failure.  The daemon must be down.
 */
int64_t host_events(struct host *host);

void host_free(struct host *host);

#endif /* !TEST_FAULT_HOST_H */
