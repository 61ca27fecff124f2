#ifndef TLS_TLS_PEER_H
#define TLS_TLS_PEER_H

/*
 * From a client's certificate to an identity.  Kept with the SSL in a struct
 * of fixed size, so that the handshake allocates nothing for it.
 */

#include <openssl/ssl.h>

#include "base/identity.h"
#include "proto/err.h"

/* What one handshake learned of its peer. */
struct tls_peer {
    struct identity identity;
    const char *why;        /* a constant; NULL: nothing was found wrong */
    int accepted;           /* ${identity} is set */
};

/* What a peer's certificate is held against. */
struct tls_policy {
    X509 *role_ca[ROLE_COUNT];      /* owned */
    char *trust_domain;             /* owned */
};

/**
 * tls_peer_attach(ssl):
 * Give ${ssl} an empty struct tls_peer, freed with it.
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE tls_peer_attach(SSL *ssl);

/**
 * tls_peer_detach(ssl):
 * Free what was attached to ${ssl}.
 */
void tls_peer_detach(SSL *ssl);

/**
 * tls_peer_of(ssl):
 * Return what was attached to ${ssl}, or NULL; borrowed from ${ssl}.
 */
struct tls_peer *tls_peer_of(const SSL *ssl);

/**
 * tls_peer_verify(ctx, policy):
 * Verify the chain in ${ctx}, then hold the leaf against ${policy} (a struct
 * tls_policy) and note who the peer is, or why not.  Returns non-zero if the
 * peer is accepted; otherwise the error of ${ctx} selects the alert.  For
 * SSL_CTX_set_cert_verify_callback().
 */
int tls_peer_verify(X509_STORE_CTX *ctx, void *policy);

#endif /* !TLS_TLS_PEER_H */
