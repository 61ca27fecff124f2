#ifndef BASE_IDENTITY_H
#define BASE_IDENTITY_H

/*
 * Who a peer is: the URI in its client certificate,
 * `spiffe://<trust domain>/<role>/<id>` (SPIFFE-ID section 2), compared byte
 * for byte.  Pure: what the certificate says and who issued it is for tls to
 * find out.
 */

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/sha256.h"

enum role { ROLE_EMPLOYER, ROLE_ASSOCIATION, ROLE_AUDITOR, ROLE_ADMIN,
    ROLE_COUNT };

/* A set of roles, as the authorization table has it. */
#define ROLE_BIT(role) (1u << (role))
#define ROLE_ANY ((1u << ROLE_COUNT) - 1)

#define IDENTITY_URI_MAX 255
#define IDENTITY_ID_MAX 63
#define IDENTITY_SERIAL_MAX 40

struct identity {
    enum role role;
    char uri[IDENTITY_URI_MAX + 1];
    char id[IDENTITY_ID_MAX + 1];           /* [a-z0-9-] */
    char serial[IDENTITY_SERIAL_MAX + 1];   /* upper-case hexadecimal */
    int64_t not_after_us;                   /* microseconds UTC */
    uint8_t key[SHA256_BYTES];              /* SHA-256 of the certificate's
                                               SubjectPublicKeyInfo, in DER */
};

/**
 * identity_parse(uri, trust_domain, identity):
 * Read ${uri}, which must lie in ${trust_domain}, and set role, uri and id of
 * ${*identity}; the others are left alone.  No escapes, query,
 * fragment, port, user, empty part, further part or trailing slash.
 *
 * Fails: E_INVAL, E_TOOBIG; ${*why} then says what is wrong, a constant.
 */
enum err MUST_USE identity_parse(struct slice uri, const char *trust_domain,
    struct identity *identity, const char **why);

/**
 * identity_role_name(role):
 * Return the role as it stands in the URI; a constant.
 */
const char *identity_role_name(enum role role);

#endif /* !BASE_IDENTITY_H */
