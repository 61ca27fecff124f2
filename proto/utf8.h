#ifndef PROTO_UTF8_H
#define PROTO_UTF8_H

/*
 * UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */

#include "proto/bytes.h"

/**
 * utf8_next(text):
 * Return how many bytes the first character of ${text} takes, 1 to 4; 0 if
 * ${text} is empty or does not begin with a whole and valid character.
 */
size_t utf8_next(struct slice text);

/**
 * utf8_is_text(text):
 * Return non-zero if ${text} is valid UTF-8 and holds no NUL.  Nothing is.
 */
int utf8_is_text(struct slice text);

/**
 * utf8_copy(text, out, size):
 * Write ${text} and a NUL into the ${size} bytes of ${out}, at least 1, cut at
 * a character to fit.  A byte that is no part of a character, and a NUL,
 * become "?".  ${text} may be ${out} itself.
 */
void utf8_copy(struct slice text, char *out, size_t size);

#endif /* !PROTO_UTF8_H */
