#ifndef REVOCATION_CRL_H
#define REVOCATION_CRL_H

/*
 * One certificate revocation list (RFC 5280, section 5) as a table that is
 * quick to ask.  Whole lists only: what covers a part of an issuer's
 * certificates, or changes another list, or has a critical extension, is
 * refused.
 */

#include <stdint.h>

#include <openssl/x509.h>

#include "proto/err.h"

/* Opaque types. */
struct crl;

/**
 * crl_verify(list, issuer, why):
 * See that ${issuer} has signed ${list}, and may.
 *
 * Fails: E_CRYPTO; ${*why} then says why not, a constant.
 */
enum err MUST_USE crl_verify(X509_CRL *list, X509 *issuer, const char **why);

/**
 * crl_create(list, crl, why):
 * Make the table of ${list}, whose signature is the caller's affair.  The
 * caller owns ${*crl}; free with crl_free().
 *
 * Fails: E_INVAL (not a list as above, or one that nothing could follow:
 * without an end), E_NOMEM.  On failure ${*crl} is NULL and ${*why} says why,
 * a constant.
 */
enum err MUST_USE crl_create(X509_CRL *list, struct crl **crl,
    const char **why);

/**
 * crl_find(crl, serial):
 * Return why the certificate with ${serial}, as in struct identity, was
 * revoked, in words; a constant.  NULL: it was not.
 */
const char *crl_find(const struct crl *crl, const char *serial);

/**
 * crl_compare(a, b):
 * Return less than, equal to or more than 0 as ${a} is older than ${b}, as
 * old, or newer: by their numbers, if both have one, and then by their times.
 */
int crl_compare(const struct crl *a, const struct crl *b);

/**
 * crl_this_update(crl) and crl_next_update(crl):
 * Return when ${crl} was made and when the next one is due, microseconds UTC.
 */
int64_t crl_this_update(const struct crl *crl);
int64_t crl_next_update(const struct crl *crl);

/**
 * crl_count(crl):
 * Return how many certificates it revokes.
 */
size_t crl_count(const struct crl *crl);

/**
 * crl_number(crl):
 * Return its number in upper-case hexadecimal, "none" without; borrowed.
 */
const char *crl_number(const struct crl *crl);

/* NULL is allowed. */
void crl_free(struct crl *crl);

#endif /* !REVOCATION_CRL_H */
