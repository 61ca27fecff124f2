#ifndef PROTO_NUMBER_H
#define PROTO_NUMBER_H

/*
 * The one form in which numbers of credentials are compared, by the rules of
 * their association (vouch.v1.NumberNormalization).
 */

#include "proto/bytes.h"
#include "proto/err.h"

#define NUMBER_MAX 64   /* bytes, as written and as compared */

struct number_rules {
    int fold_case;
    int drop_separators;
    int drop_leading_zeros;
};

/**
 * number_key(rules, number, key):
 * Write to ${key} the form of ${number} in which it is looked up, and a NUL.
 * Only printable ASCII may occur in a number, blanks included.  A number of
 * zeros only keeps one.
 *
 * Fails: E_INVAL (empty, nothing left, or another character),
 * E_TOOBIG (above NUMBER_MAX).
 */
enum err MUST_USE number_key(const struct number_rules *rules,
    struct slice number, char key[NUMBER_MAX + 1]);

#endif /* !PROTO_NUMBER_H */
