#ifndef TLS_TLS_PEER_H
#define TLS_TLS_PEER_H

/*
 * From a client's certificate to an identity.  Kept with the SSL in a struct
 * of fixed size, so that the handshake allocates nothing for it.
 */

#include <stdint.h>

#include <openssl/ssl.h>

#include "base/identity.h"
#include "proto/err.h"
#include "revocation/revocation.h"

/* Bytes of an issuer's name that the log shows. */
#define TLS_ISSUER_MAX 63

/* What one handshake learned of its peer. */
struct tls_peer {
    struct identity identity;
    char issuer[TLS_ISSUER_MAX + 1];    /* for the log; "": none was shown */
    struct revocation_marks marks;
    const char *why;        /* a constant, or ${revoked}; NULL: nothing was
                             * found wrong */
    char revoked[REVOCATION_WHY];
    int accepted;           /* ${identity} is set */
    int resumed;            /* and is a ticket's, not this handshake's own */
    int tickets;            /* that were opened in this handshake */
};

struct tls_tickets;

/* What a peer's certificate is held against. */
struct tls_policy {
    X509 *root;                     /* owned */
    X509 *role_ca[ROLE_COUNT];      /* owned */
    char *trust_domain;             /* owned */
    struct revocation *revocation;  /* borrowed; may be NULL */
    struct tls_tickets *tickets;    /* owned; NULL: none are given out */
    int64_t resumption_us;          /* how long a ticket may be used */
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
 * SSL_CTX_set_cert_verify_callback(), and for the certificate in a ticket:
 * whatever a certificate is refused for is looked for here, and nowhere else.
 */
int tls_peer_verify(X509_STORE_CTX *ctx, void *policy);

/**
 * tls_peer_speaks_h2(ssl):
 * Return non-zero if ALPN agreed on `h2`, the only protocol there is.
 */
int tls_peer_speaks_h2(const SSL *ssl);

#endif /* !TLS_TLS_PEER_H */
