#ifndef TLS_TLS_FILE_H
#define TLS_TLS_FILE_H

/*
 * Certificates and keys, out of PEM files.
 */

#include <stddef.h>

#include <openssl/x509.h>

#include "proto/err.h"

/* Where to say what is wrong, for a person. */
struct tls_why {
    char *text;
    size_t size;
};

/**
 * tls_file_refuse(why, err, path, what):
 * Say that ${what} is wrong with ${path}, clear OpenSSL's queue of errors, and
 * return ${err}.
 */
enum err MUST_USE tls_file_refuse(struct tls_why why, enum err err,
    const char *path, const char *what);

/**
 * tls_file_certificate(path, certificate, why):
 * Read the first certificate in ${path}, which may be NULL.  The caller owns
 * ${*certificate}.
 *
 * Fails: E_IO, E_CRYPTO.  On failure ${*certificate} is NULL or to be freed,
 * and ${why} says what and where.
 */
enum err MUST_USE tls_file_certificate(const char *path, X509 **certificate,
    struct tls_why why);

/**
 * tls_file_key(path, key, why):
 * Read the private key in ${path}: a file of which its owner has all rights,
 * and nobody else any.  The caller owns ${*key}.
 *
 * Fails: E_IO, E_CRYPTO, E_DENIED (others may read it).  On failure ${*key} is
 * NULL, and ${why} says what and where.
 */
enum err MUST_USE tls_file_key(const char *path, EVP_PKEY **key,
    struct tls_why why);

#endif /* !TLS_TLS_FILE_H */
