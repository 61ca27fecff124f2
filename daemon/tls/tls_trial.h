#ifndef TLS_TLS_TRIAL_H
#define TLS_TLS_TRIAL_H

/*
 * Does a handshake succeed?  OpenSSL does not always say that it could not
 * load an algorithm or a key (for want of memory, most often): it goes without,
 * and every connection fails from then on.
 */

#include <openssl/ssl.h>

#include "proto/err.h"

/**
 * tls_trial(ctx, signatures):
 * Let a client without a certificate, which takes those ${signatures} (a list
 * as of SSL_CTX_set1_sigalgs_list()), shake hands with ${ctx} in memory, as far
 * as it gets: until it has seen all of ours.
 *
 * Fails: E_CRYPTO (it does not get there), E_NOMEM.
 */
enum err MUST_USE tls_trial(SSL_CTX *ctx, const char *signatures);

#endif /* !TLS_TLS_TRIAL_H */
