#ifndef TLS_TLS_CONTEXT_H
#define TLS_TLS_CONTEXT_H

/*
 * From files to an SSL_CTX that holds everything a handshake needs, the policy
 * of tls_peer.h included: whoever has the SSL_CTX, as each SSL does, has the
 * policy with it.
 */

#include "tls/tls.h"

struct tls_policy;

/* What is to be told of the files that an SSL_CTX was made of. */
struct tls_context_facts {
    struct tls_own own;
    struct tls_end end[TLS_ENDS];
    size_t ends;
};

/**
 * tls_context_create(options, before, ctx, facts, why, size):
 * As tls_server_create(), or, if ${before} is not NULL, as tls_server_reload()
 * of it; which see for failures.  The caller owns ${*ctx}; free with
 * SSL_CTX_free().
 */
enum err MUST_USE tls_context_create(const struct tls_options *options,
    const SSL_CTX *before, SSL_CTX **ctx, struct tls_context_facts *facts,
    char *why, size_t size);

/**
 * tls_context_policy(ctx):
 * Return the policy that ${ctx} holds; borrowed from it.
 */
struct tls_policy *tls_context_policy(const SSL_CTX *ctx);

#endif /* !TLS_TLS_CONTEXT_H */
