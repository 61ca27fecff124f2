#ifndef TEST_SUPPORT_TLS_CLIENT_H
#define TEST_SUPPORT_TLS_CLIENT_H

/*
 * Development certificates in a folder of their own, and clients that use
 * them.  Whatever fails here fails the test.
 */

#include <stddef.h>

#include <openssl/ssl.h>

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

/**
 * tls_client_ctx(dir, who):
 * Return a client that trusts the root in ${dir} and offers `h2`, with the
 * certificate and key of ${who} (NULL: none).  The caller frees it.
 */
SSL_CTX *tls_client_ctx(const char *dir, const char *who);

#endif /* !TEST_SUPPORT_TLS_CLIENT_H */
