#ifndef TLS_TLS_OWN_H
#define TLS_TLS_OWN_H

/*
 * Our own certificates: one, or one of each kind of key, RSA and ECDSA, of
 * which a peer is shown the one that it can verify.
 */

#include "tls/tls_context.h"
#include "tls/tls_file.h"

/**
 * tls_own_use(ctx, options, facts, why):
 * Give ${ctx} the certificates and keys that ${options} name, and note in
 * ${facts} what is to be told of the first, and when each ends.
 *
 * Fails: E_IO, E_CRYPTO, E_DENIED, as tls_server_create(); ${why} says what.
 */
enum err MUST_USE tls_own_use(SSL_CTX *ctx, const struct tls_options *options,
    struct tls_context_facts *facts, struct tls_why why);

/**
 * tls_own_try(ctx, options, why):
 * Shake hands with each of them, when ${ctx} is complete.
 *
 * Fails: E_CRYPTO, E_NOMEM; ${why} says what.
 */
enum err MUST_USE tls_own_try(SSL_CTX *ctx, const struct tls_options *options,
    struct tls_why why);

/**
 * tls_own_check_dates(certificate, path, why):
 * See that ${certificate}, of the file ${path}, has begun and not ended.
 *
 * Fails: E_CRYPTO; ${why} says what.
 */
enum err MUST_USE tls_own_check_dates(const X509 *certificate,
    const char *path, struct tls_why why);

/**
 * tls_own_add_end(facts, path, certificate, why):
 * Note when ${certificate}, of the file ${path}, ends.
 *
 * Fails: E_CRYPTO (not a time); ${why} says so.
 */
enum err MUST_USE tls_own_add_end(struct tls_context_facts *facts,
    const char *path, const X509 *certificate, struct tls_why why);

#endif /* !TLS_TLS_OWN_H */
