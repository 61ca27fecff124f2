#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

/*
 * From the text of an address to a connected socket.
 */

#include <stdint.h>

#include "client/vouch.h"

struct dial_address {
    char text[300];         /* as given */
    char host[256];         /* without brackets */
    char port[8];
};

/**
 * dial_parse(server, address, error):
 * Split "host:port" or "[v6]:port".  Returns 0, or -1 with ${*error}.
 */
int dial_parse(const char *server, struct dial_address *address,
    struct vouch_error *error);

/**
 * dial(address, deadline_us, fd, error):
 * Connect to the first of its addresses that answers before ${deadline_us} of
 * clock_us().  Returns 0 with a non-blocking socket in ${*fd}, which the caller
 * closes; or -1 with ${*error}.
 */
int dial(const struct dial_address *address, int64_t deadline_us, int *fd,
    struct vouch_error *error);

/**
 * dial_wait(fd, events, deadline_us):
 * Wait until ${fd} is ready for one of ${events} of poll().  Returns 1; 0 if
 * ${deadline_us} came first; -1 with errno.
 */
int dial_wait(int fd, short events, int64_t deadline_us);

#endif /* !CLIENT_DIAL_H */
