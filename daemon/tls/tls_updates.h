#ifndef TLS_TLS_UPDATES_H
#define TLS_TLS_UPDATES_H

/*
 * Key updates (RFC 8446 section 4.6.3), all that a peer may still say in TLS
 * once it is let in.  OpenSSL takes as many as come, and all that are there at
 * one SSL_read(); each takes longer to follow than to send.
 */

#include <openssl/ssl.h>

/**
 * tls_updates_limit(ctx):
 * Have each connection of ${ctx} read no further once there were too many
 * since tls_settle(): the next SSL_read() of it fails.
 */
void tls_updates_limit(SSL_CTX *ctx);

#endif /* !TLS_TLS_UPDATES_H */
