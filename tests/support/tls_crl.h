#ifndef TEST_SUPPORT_REVOCATION_CRL_H
#define TEST_SUPPORT_REVOCATION_CRL_H

/*
 * CRLs of the CAs that tls_client_pki() makes.  Whatever fails here fails the
 * test.
 */

#include <openssl/x509.h>

/* What stands in one; 0 and NULL leave it out, or as it is usual. */
struct tls_crl {
    const char *ca;             /* who signs it, as in "ca-employer" */
    const char *issuer;         /* whom it names; NULL: ${ca} */
    const char *serials[8];     /* hexadecimal */
    int reason;                 /* of each; -1: none is said */
    long number;                /* 0: none; less: as it is, and negative */
    long from, until;           /* seconds from now; 0 and 0: now, a day */
    int endless;                /* no nextUpdate */
    const char *critical;       /* OID of an extension */
    const char *entry;          /* likewise, of each entry */
    const char *digest;         /* NULL: SHA256 */
    const char *number_hex;     /* in place of ${number} */
};

/**
 * tls_crl_make(dir, what):
 * Return a CRL as ${what} says, signed by a CA in ${dir}.  The caller frees
 * it.
 */
X509_CRL *tls_crl_make(const char *dir, const struct tls_crl *what);

/**
 * tls_crl_write(dir, what, path, der):
 * Append such a CRL to ${path}, in PEM, or in DER.
 */
void tls_crl_write(const char *dir, const struct tls_crl *what,
    const char *path, int der);

#endif /* !TEST_SUPPORT_REVOCATION_CRL_H */
