#ifndef REVOCATION_CRL_FILES_H
#define REVOCATION_CRL_FILES_H

/*
 * CRLs as they lie in files: one or more of them in PEM, or one in DER.
 */

#include <stddef.h>

#include <openssl/x509.h>

#include "proto/bytes.h"
#include "proto/err.h"

/* To whom they are told.  Both are called while crl_files_read() runs. */
struct crl_reader {
    /* ${list} is borrowed, ${file} its path. */
    void (*list)(void *cookie, const char *file, X509_CRL *list);

    /* ${file} cannot be read as CRLs, the rest of it at least. */
    void (*fault)(void *cookie, const char *file, enum err err,
        const char *why);
    void *cookie;
};

/**
 * crl_files_read(path, max, reader):
 * Read ${path}, or each file in it if it is a folder (no folders in it, and
 * no file whose name begins with a dot), together at most ${max} bytes, and
 * tell ${reader}.
 */
void crl_files_read(const char *path, size_t max,
    const struct crl_reader *reader);

/**
 * crl_files_parse(bytes, file, reader):
 * As crl_files_read(), of the ${bytes} of one file.
 */
void crl_files_parse(struct slice bytes, const char *file,
    const struct crl_reader *reader);

#endif /* !REVOCATION_CRL_FILES_H */
