#ifndef REVOCATION_CRL_ISSUERS_H
#define REVOCATION_CRL_ISSUERS_H

/*
 * The CAs whose CRLs count, each with the one in force.  No locks: whoever
 * owns the set sees to it that it is not asked while it changes.
 */

#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/identity.h"
#include "proto/err.h"
#include "revocation/crl.h"
#include "revocation/revocation.h"

/* The five that are in force, and those of before since the start. */
#define CRL_ISSUERS_MAX 64

struct crl_issuer {
    uint8_t id[SHA256_BYTES];   /* as in struct revocation_marks */
    X509 *ca;                   /* owned */
    const char *name;           /* "root" or a role, a constant */
    int parent;                 /* of which it is; itself: a root */
    char serial[IDENTITY_SERIAL_MAX + 1];   /* its own */
    struct crl *crl;            /* owned; NULL: none */
    int told;                   /* how the log knows its end: CRL_END_... */
};

struct crl_issuers {
    struct crl_issuer all[CRL_ISSUERS_MAX];
    size_t n;
};

/* What the files say now, beside what is in force. */
struct crl_load {
    const struct crl_issuers *issuers;  /* borrowed */
    struct crl *fresh[CRL_ISSUERS_MAX]; /* owned; NULL: as before */
    int quiet;                  /* do not log */
    unsigned faults;
    enum err err;               /* of the first fault */
    char why[384];              /* likewise: file and reason */
};

/**
 * crl_issuers_id(ca, id):
 * Write to ${id} what tells ${ca} from other issuers: the hash of it.
 *
 * Fails: E_CRYPTO (no memory for it).
 */
enum err MUST_USE crl_issuers_id(const X509 *ca, uint8_t id[SHA256_BYTES]);

/**
 * crl_issuers_add(issuers, ca, name, root):
 * Add ${ca}, issued by ${root}, unless it is there.  A reference to it is
 * taken.
 *
 * Fails: E_TOOBIG (there are CRL_ISSUERS_MAX), E_CRYPTO, E_NOMEM.
 */
enum err MUST_USE crl_issuers_add(struct crl_issuers *issuers, X509 *ca,
    const char *name, X509 *root);

/**
 * crl_issuers_cut(issuers, n):
 * Remove those that were added after the first ${n}.
 */
void crl_issuers_cut(struct crl_issuers *issuers, size_t n);

/**
 * crl_issuers_read(issuers, path, max, load):
 * Read the CRLs at ${path} into ${*load}, which is set anew but for its
 * ${quiet}.  For each issuer the newest counts that is no older than what is
 * in force.  What is wrong is logged, and counted in load->faults.
 */
void crl_issuers_read(const struct crl_issuers *issuers, const char *path,
    size_t max, struct crl_load *load);

/**
 * crl_issuers_take(issuers, load):
 * Put in force what ${load} has; afterwards it has what was.
 */
void crl_issuers_take(struct crl_issuers *issuers, struct crl_load *load);

/**
 * crl_load_free(load):
 * Free the CRLs that ${load} has.
 */
void crl_load_free(struct crl_load *load);

/**
 * crl_issuers_check(issuers, options, serial, id, why, size):
 * As revocation_check(), of the certificate ${serial} of the issuer ${id}.
 */
enum revocation_standing MUST_USE crl_issuers_check(
    const struct crl_issuers *issuers,
    const struct revocation_options *options, const char *serial,
    const uint8_t id[SHA256_BYTES], char *why, size_t size);

/**
 * crl_issuers_watch(issuers, options):
 * Log once of each CRL that will soon be, or is, out of date; return how many
 * are.
 */
size_t crl_issuers_watch(struct crl_issuers *issuers,
    const struct revocation_options *options);

#endif /* !REVOCATION_CRL_ISSUERS_H */
