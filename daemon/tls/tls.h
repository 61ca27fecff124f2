#ifndef TLS_TLS_H
#define TLS_TLS_H

/*
 * TLS 1.3 with client certificates, and who the certificate says its holder
 * is.  The one place that decides which peers may shake hands: a certificate
 * from its role's own issuing CA under the root, for client use, with exactly
 * one URI in its subject alternative names, which names that role.  ALPN must
 * agree on `h2`.
 */

#include <stdint.h>

#include <openssl/ssl.h>

#include "base/identity.h"
#include "proto/err.h"
#include "revocation/revocation.h"

/* Opaque types. */
struct tls_server;

struct tls_options {
    const char *certificate;        /* PEM file: ours, then its issuers */
    const char *key;                /* PEM file, readable by the owner only */
    const char *second_certificate; /* of the other kind, RSA beside ECDSA; */
    const char *second_key;         /* NULL or "", both: none */
    const char *root;               /* PEM file: the root CA */
    const char *role_ca[ROLE_COUNT];    /* PEM file: each role's issuing CA */
    const char *trust_domain;
    int64_t resumption_us;          /* how long after a handshake with a
                                     * certificate a peer may resume; 0: not */
    struct revocation *revocation;  /* borrowed, must outlive the server;
                                         * NULL: nothing is ever revoked */
};

/**
 * tls_server_create(options, tls, why, size):
 * Read the files and store the policy in ${*tls}.  The caller owns it; free
 * with tls_server_free().  May be shared between threads.
 *
 * Fails: E_IO, E_CRYPTO (not PEM, key and certificate do not belong together,
 * ours expired or not valid yet, a key too weak or of a kind that not every
 * peer can verify, a role's CA not issued by the root or named for two roles,
 * no handshake succeeds), E_DENIED (a key that others may read), E_NOMEM, and
 * as revocation_trust().  On failure ${*tls} is NULL and ${why}, of ${size}
 * bytes, says what and where.
 */
enum err MUST_USE tls_server_create(const struct tls_options *options,
    struct tls_server **tls, char *why, size_t size);

/**
 * tls_server_reload(tls, options, why, size):
 * Read the files anew; connections made from now on are under what they say.
 * Those there are, the ones shaking hands included, go on under what they
 * began with.  May be called while other threads use ${tls}.
 *
 * Fails: as tls_server_create(); E_CRYPTO also if the root or a role's CA is
 * another than before and has ended or not begun.  On failure everything is as
 * it was and ${why}, of ${size} bytes, says what and where.
 */
enum err MUST_USE tls_server_reload(struct tls_server *tls,
    const struct tls_options *options, char *why, size_t size);

/* Our own certificate, as the log tells of it. */
struct tls_own {
    char not_after[24];         /* as in "2027-01-31T12:00:00Z" */
    char fingerprint[65];       /* SHA-256, lower-case hexadecimal digits */
    int64_t not_after_us;       /* since the epoch, UTC */
};

/**
 * tls_server_own(tls, own):
 * Tell of the certificate that ${tls} now shows to its peers.
 */
void tls_server_own(struct tls_server *tls, struct tls_own *own);

/* A file that the daemon depends on, and when what is in it ends. */
struct tls_end {
    char file[256];
    int64_t at_us;              /* since the epoch, UTC */
};

/* Our two, with the issuers in their files, the root and each role's CA. */
#define TLS_ENDS (3 + ROLE_COUNT)

/**
 * tls_server_ends(tls, ends):
 * Tell what of the certificates that are now in force ends when; return how
 * many there are.
 */
size_t tls_server_ends(struct tls_server *tls, struct tls_end ends[TLS_ENDS]);

/**
 * tls_server_accept(tls, fd, ssl):
 * Make the server side of a connection on the non-blocking ${fd}, which stays
 * the caller's.  The caller owns ${*ssl}.
 *
 * Fails: E_NOMEM.  On failure ${*ssl} is NULL.
 */
enum err MUST_USE tls_server_accept(struct tls_server *tls, int fd,
    SSL **ssl);

/**
 * tls_peer(ssl, identity):
 * Tell who the peer is, after the handshake.
 *
 * Fails: E_DENIED (no identity was accepted in this handshake).
 */
enum err MUST_USE tls_peer(const SSL *ssl, struct identity *identity);

/**
 * tls_peer_marks(ssl, marks):
 * Tell what tls_server_standing() asks for, likewise.
 *
 * Fails: as tls_peer().
 */
enum err MUST_USE tls_peer_marks(const SSL *ssl,
    struct revocation_marks *marks);

/**
 * tls_server_standing(tls, identity, marks, why, size):
 * Say how a peer's certificate stands now, as revocation_check().
 */
enum revocation_standing MUST_USE tls_server_standing(struct tls_server *tls,
    const struct identity *identity, const struct revocation_marks *marks,
    char *why, size_t size);

/**
 * tls_settle(ssl):
 * The handshake is over, and tls_peer() has told who the peer is: free what
 * only that needed, the peer's certificates above all.  An idle connection is
 * a third smaller without.  tls_peer() and tls_peer_marks() tell nothing from
 * now on.
 */
void tls_settle(SSL *ssl);

/**
 * tls_flooded(ssl):
 * Return non-zero if the peer has sent so many key updates, after
 * tls_settle(), that it is not read from any more.
 */
int tls_flooded(const SSL *ssl);

/**
 * tls_failure(ssl, text, size):
 * Say for the log why the handshake on ${ssl} failed, and clear OpenSSL's
 * queue of errors.  What is wrong with a certificate is said in words of ours,
 * which docs/operations.md lists; the rest is OpenSSL's.
 */
void tls_failure(const SSL *ssl, char *text, size_t size);

/**
 * tls_shown(ssl, text, size):
 * Write of the certificate that the peer has shown its serial number and, as
 * far as it can be printed, the common name of its issuer: pairs for the log
 * with a blank before each, or "" if none was shown.  Nothing of it is proved.
 */
void tls_shown(const SSL *ssl, char *text, size_t size);

void tls_server_free(struct tls_server *tls);

#endif /* !TLS_TLS_H */
