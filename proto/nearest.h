#ifndef PROTO_NEAREST_H
#define PROTO_NEAREST_H

/*
 * "Did you mean ...?"
 */

#include <stddef.h>

/**
 * nearest_distance(a, b):
 * Return how many single-character edits turn ${a} into ${b} (Levenshtein);
 * SIZE_MAX if ${b} is longer than anything that it makes sense to compare.
 */
size_t nearest_distance(const char *a, const char *b);

/**
 * nearest_of(word, words, n):
 * Return the one of ${words} that ${word} abbreviates, or else the one that it
 * takes the fewest edits to become.  ${n} must not be 0.
 */
const char *nearest_of(const char *word, const char *const *words, size_t n);

#endif /* !PROTO_NEAREST_H */
