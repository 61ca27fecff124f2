#ifndef CLIENT_CHANNEL_H
#define CLIENT_CHANNEL_H

/*
 * One TLS connection to a server, blocking with a limit: bytes out, bytes in.
 * What they mean is for call.c.
 */

#include <stddef.h>
#include <stdint.h>

#include "client/vouch.h"

/* Opaque types. */
struct channel;

/**
 * channel_open(options, channel, error):
 * Connect and shake hands: TLS 1.3, ALPN h2, the server's certificate checked
 * against the root and the host's name.  Returns 0, or -1 with ${*channel}
 * NULL and ${*error} filled in.  Free with channel_close().
 */
int channel_open(const struct vouch_options *options,
    struct channel **channel, struct vouch_error *error);

/**
 * channel_write(channel, p, n, error):
 * Write all of it.  Returns 0, or -1 with ${*error}.
 */
int channel_write(struct channel *channel, const uint8_t *p, size_t n,
    struct vouch_error *error);

/**
 * channel_read(channel, p, size, wait, error):
 * Read what there is, at most ${size} bytes; if there is nothing, wait for it
 * only if ${wait}.  Returns how many; 0 if there is nothing now; -1 with
 * ${*error} if the connection has ended or nothing came in time.
 */
long channel_read(struct channel *channel, uint8_t *p, size_t size, int wait,
    struct vouch_error *error);

/**
 * channel_server(channel):
 * Return the server's address as it was given; borrowed.
 */
const char *channel_server(const struct channel *channel);

void channel_close(struct channel *channel);

#endif /* !CLIENT_CHANNEL_H */
