#ifndef CLIENT_CHANNEL_H
#define CLIENT_CHANNEL_H

/*
 * One TLS connection to a server: bytes out, bytes in, and a way to wait for
 * either.  What the bytes mean is for call.c.
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
 * Write what goes without waiting, of ${n} > 0 bytes.  Returns how many; 0 if
 * none now, and then the next call must offer the same bytes again; -1 with
 * ${*error} if the connection has ended.  What came before that can still be
 * read.
 */
long channel_write(struct channel *channel, const uint8_t *p, size_t n,
    struct vouch_error *error);

/**
 * channel_read(channel, p, size, error):
 * Read what there is without waiting, at most ${size} bytes.  Returns how many;
 * 0 if there is nothing now; -1 with ${*error} if the connection has ended.
 */
long channel_read(struct channel *channel, uint8_t *p, size_t size,
    struct vouch_error *error);

/**
 * channel_wait(channel, deadline_us, error):
 * Wait until what returned 0 since the last wait is worth another try.
 * Returns 0, or -1 with ${*error} if ${deadline_us} of clock_us() came first.
 */
int channel_wait(struct channel *channel, int64_t deadline_us,
    struct vouch_error *error);

/**
 * channel_server(channel):
 * Return the server's address as it was given; borrowed.
 */
const char *channel_server(const struct channel *channel);

/**
 * channel_identity(channel, uri, size):
 * Write whom the server takes us for: the one URI of our certificate's subject
 * alternative name.  Returns 0, or -1 if it has none, several, or one that
 * ${size} bytes do not hold.
 */
int channel_identity(const struct channel *channel, char *uri, size_t size);

/**
 * channel_close(channel):
 * Say good-bye if that goes without waiting, and free; NULL is allowed.
 */
void channel_close(struct channel *channel);

#endif /* !CLIENT_CHANNEL_H */
