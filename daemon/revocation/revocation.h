#ifndef REVOCATION_REVOCATION_H
#define REVOCATION_REVOCATION_H

/*
 * Who is not let in any more although his certificate has not ended: what the
 * CAs say in their CRLs (RFC 5280, section 5) and what the operator has put
 * on the deny list (base/denial.h).  One for all workers and all SSL_CTXs;
 * what the files say is replaced as a whole, and every question is answered
 * from the newest.
 *
 * What is wrong with a file never takes away what was known: an issuer whose
 * new CRL is no good keeps its old one, and a deny list with a fault in it is
 * not used, but the one before it.
 */

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/denial.h"
#include "base/identity.h"
#include "proto/err.h"
#include "proto/sha256.h"

/* Opaque types. */
struct revocation;

struct revocation_options {
    const char *crl;            /* file or folder of PEM or DER; "": none */
    const char *deny_list;      /* file, perhaps not there yet; "": none */
    const char *trust_domain;
    size_t max_crl;             /* bytes of all CRLs together */
    int crl_required;           /* an issuer without a CRL is not accepted */
    int accept_stale;           /* a CRL past its nextUpdate still counts */
};

/*
 * What of a certificate is asked for besides its struct identity.  Kept by
 * each connection.
 */
struct revocation_marks {
    uint8_t issuer[SHA256_BYTES];   /* SHA-256 of its issuer's certificate */
};

enum revocation_standing {
    REVOCATION_GOOD,
    REVOCATION_REVOKED,     /* by a CRL or the deny list */
    REVOCATION_UNKNOWN      /* the CRL that would say so is out of date or
                             * missing */
};

/* Room for what revocation_check() says. */
#define REVOCATION_WHY 256

/**
 * revocation_marks_read(leaf, issuer, identity, marks):
 * Note in ${*marks}, and in identity->key, what of ${leaf}, issued by
 * ${issuer}, is asked for.
 *
 * Fails: E_CRYPTO (its key cannot be read, or no memory for it).
 */
enum err MUST_USE revocation_marks_read(const X509 *leaf, const X509 *issuer,
    struct identity *identity, struct revocation_marks *marks);

/**
 * revocation_create(options, revocation):
 * Make one that knows nothing yet.  The caller owns ${*revocation}; free with
 * revocation_free() when no tls_server has it any more.  ${options} is
 * copied.
 *
 * Fails: E_NOMEM.  On failure ${*revocation} is NULL.
 */
enum err MUST_USE revocation_create(
    const struct revocation_options *options,
    struct revocation **revocation);

/**
 * revocation_trust(revocation, root, role_ca, why, size):
 * Have CRLs of ${root} and of each ${role_ca}, and read the files.  Called
 * before these CAs are in force, first at the start and then whenever they
 * are read anew: those of before stay known, because connections stay that
 * began under them.  The caller has found each to be a CA's by X509_check_ca()
 * (OpenSSL reads extensions once, and never again if that fails).  Any thread.
 *
 * Fails: E_NOMEM; the first time also E_IO, E_CRYPTO (a CRL that is no good)
 * and E_INVAL (a fault in the deny list).  Later such faults are logged and
 * what was known stays.  On failure everything is as it was and ${why}, of
 * ${size} bytes, says what and where.
 */
enum err MUST_USE revocation_trust(struct revocation *revocation,
    X509 *root, X509 *const role_ca[ROLE_COUNT], char *why, size_t size);

/**
 * revocation_check(revocation, identity, marks, why, size):
 * Say how the certificate stands that ${identity} and ${marks} are of; unless
 * it is REVOCATION_GOOD, ${why}, of ${size} bytes, says what is against it, for
 * the log.  ${revocation} may be NULL: nothing is revoked.  Any thread; waits
 * for no file.
 */
enum revocation_standing MUST_USE revocation_check(
    struct revocation *revocation, const struct identity *identity,
    const struct revocation_marks *marks, char *why, size_t size);

/**
 * revocation_poll(revocation):
 * Look whether the files have changed, and read them if so; a file that was
 * touched within the last second is left alone until it rests, because it may
 * be half written.  If that takes more than 2.5 seconds CRLs are read all the
 * same, and a deny list that is the one in force and more.  Returns non-zero
 * if revocation_check() may now say something else.  To be called every
 * second or so, by one thread.
 */
int MUST_USE revocation_poll(struct revocation *revocation);

/**
 * revocation_deny(revocation, denial, added):
 * Put ${denial} on the deny list: on disk first, then in force.  ${*added} is
 * 0 if it was there.  Any thread but those that must not wait for a disk.
 *
 * Fails: E_NOTFOUND (no deny list is named), E_BUSY (somebody is writing the
 * file: try again in a second), E_INVAL (it has a fault, which has been
 * logged), E_TOOBIG (it is full), E_FULL, E_IO, E_NOMEM: nothing has changed.
 * E_LOST: it is in force, but perhaps not on disk.
 */
enum err MUST_USE revocation_deny(struct revocation *revocation,
    const struct denial *denial, int *added);

void revocation_free(struct revocation *revocation);

#endif /* !REVOCATION_REVOCATION_H */
