#ifndef BASE_DENIAL_H
#define BASE_DENIAL_H

/*
 * One entry of the deny list: who is not let in any more, whatever his
 * certificate says.  As a line of the list:
 *
 *   serial ROLE HEX [TIME] [REASON]    one certificate of that role's CA
 *   key HEX [TIME] [REASON]            whoever has that key: the SHA-256 of
 *                                      its SubjectPublicKeyInfo, in DER
 *   identity URI [TIME] [REASON]       every certificate with that URI
 *
 * with a blank or tab between words.  TIME is RFC 3339, REASON goes to the end
 * of the line.  Pure: the list as a file is tls's affair.
 */

#include <stdint.h>

#include "base/identity.h"
#include "proto/bytes.h"
#include "proto/err.h"

enum denial_kind { DENIAL_SERIAL, DENIAL_KEY, DENIAL_IDENTITY, DENIAL_KINDS };

#define DENIAL_REASON_MAX 200

/* What a line may have, its newline not counted. */
#define DENIAL_LINE_MAX 640

struct denial {
    enum denial_kind kind;
    enum role role;                         /* of DENIAL_SERIAL */
    char value[IDENTITY_URI_MAX + 1];       /* serial as in struct identity;
                                               key in lower-case hexadecimal;
                                               URI */
    int64_t denied_us;                      /* microseconds UTC; 0: not said */
    char reason[DENIAL_REASON_MAX + 1];     /* UTF-8; "": not said */
};

/**
 * denial_set_serial(denial, role, serial, why),
 * denial_set_key(denial, digest, why) and
 * denial_set_identity(denial, uri, trust_domain, why):
 * Set kind, role and value; time and reason are left alone.  A serial has up
 * to 40 hexadecimal digits of either case, with leading zeros or without.
 *
 * Fails: E_INVAL; ${*why} then says what is wrong, a constant, and ${denial}
 * is not to be used.
 */
enum err MUST_USE denial_set_serial(struct denial *denial, enum role role,
    struct slice serial, const char **why);
enum err MUST_USE denial_set_key(struct denial *denial, struct slice digest,
    const char **why);
enum err MUST_USE denial_set_identity(struct denial *denial, struct slice uri,
    const char *trust_domain, const char **why);

/**
 * denial_set_reason(denial, reason, why):
 * Set the reason: UTF-8 without control characters, no blank at either end.
 *
 * Fails: E_INVAL, as above.
 */
enum err MUST_USE denial_set_reason(struct denial *denial, struct slice reason,
    const char **why);

/**
 * denial_read(line, trust_domain, denial, why):
 * Read ${line}, which holds an entry and no newline.
 *
 * Fails: E_INVAL, as above.
 */
enum err MUST_USE denial_read(struct slice line, const char *trust_domain,
    struct denial *denial, const char **why);

/**
 * denial_write(denial, line):
 * Write ${denial} as a line without its newline, as denial_read() reads it.
 */
void denial_write(const struct denial *denial,
    char line[DENIAL_LINE_MAX + 1]);

/**
 * denial_compare(a, b):
 * Return the order of kind, role and value: 0 if both deny the same.
 */
int denial_compare(const struct denial *a, const struct denial *b);

#endif /* !BASE_DENIAL_H */
