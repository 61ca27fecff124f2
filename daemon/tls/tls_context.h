#ifndef TLS_TLS_CONTEXT_H
#define TLS_TLS_CONTEXT_H

/*
 * From files to an SSL_CTX that holds everything a handshake needs, the policy
 * of tls_peer.h included: whoever has the SSL_CTX, as each SSL does, has the
 * policy with it.
 */

#include "tls/tls.h"

/**
 * tls_context_create(options, ctx, own, why, size):
 * As tls_server_create(), which see for failures; ${*own} tells of our own
 * certificate.  The caller owns ${*ctx}; free with SSL_CTX_free().
 */
enum err MUST_USE tls_context_create(const struct tls_options *options,
    SSL_CTX **ctx, struct tls_own *own, char *why, size_t size);

#endif /* !TLS_TLS_CONTEXT_H */
