#ifndef TEST_SUPPORT_TLS_CLIENT_H
#define TEST_SUPPORT_TLS_CLIENT_H

/*
 * Development certificates in a folder of their own, and clients that use
 * them.  Whatever fails here fails the test.
 */

#include <stddef.h>

#include <openssl/ssl.h>

#include "tls/tls.h"

/* A certificate that no script of ours would make. */
struct tls_leaf {
    const char *ca;             /* who signs it */
    const char *uri[2];
    size_t uri_n;               /* length of the first; 0: as the string */
    const char *dns;
    const char *usage;          /* extended key usage; NULL: none */
    const char *basic;
    long from, until;           /* seconds from now */
};

/**
 * tls_client_pki(dir, size):
 * Make a new folder, its path in the ${size} bytes of ${dir}, and everything
 * that certs/make-dev-certs.sh makes in it.
 */
void tls_client_pki(char *dir, size_t size);

/**
 * tls_client_remove(dir):
 * Remove what tls_client_pki() made.
 */
void tls_client_remove(const char *dir);

/* What a server in that folder is given; it points into itself. */
struct tls_files {
    char paths[7][128];
    struct tls_options options;
};

/**
 * tls_client_files(dir, files):
 * Fill in ${files} with what lies in ${dir}.
 */
void tls_client_files(const char *dir, struct tls_files *files);

/**
 * tls_client_ctx(dir, who):
 * Return a client that trusts the root in ${dir} and offers `h2`, with the
 * certificate and key of ${who} (NULL: none).  The caller frees it.
 */
SSL_CTX *tls_client_ctx(const char *dir, const char *who);

/**
 * tls_client_load(dir, name) and tls_client_load_key(dir, name):
 * Return the certificate and the private key in ${dir}/${name}.  The caller
 * frees it.
 */
X509 *tls_client_load(const char *dir, const char *name);
EVP_PKEY *tls_client_load_key(const char *dir, const char *name);

/**
 * tls_client_leaf(dir, leaf, key):
 * Return a certificate for ${key} as ${leaf} says, signed by a CA in ${dir}.
 * The caller frees it.
 */
X509 *tls_client_leaf(const char *dir, const struct tls_leaf *leaf,
    EVP_PKEY *key);

#endif /* !TEST_SUPPORT_TLS_CLIENT_H */
