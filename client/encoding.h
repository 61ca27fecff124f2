#ifndef CLIENT_ENCODING_H
#define CLIENT_ENCODING_H

/*
 * Text in a declared encoding, made into UTF-8 piece by piece.  Nothing is
 * guessed and nothing replaced: a byte that is not of the encoding ends it.
 */

#include <stddef.h>

#include "proto/bytes.h"
#include "proto/err.h"

/* Opaque types. */
struct encoding;

/* The names that are known, in lower case. */
extern const char *const encoding_names[];
extern const size_t encoding_count;

/* What is wrong with the text. */
struct encoding_fault {
    long line;              /* 0: nothing about the text */
    char what[160];
};

/* Takes UTF-8; anything but E_OK ends it with that error. */
typedef enum err encoding_fn(void *cookie, struct slice utf8);

/**
 * encoding_create(name, fn, cookie, encoding):
 * Create a converter from the encoding ${name}, one of encoding_names, that
 * calls ${fn}(${cookie}, ...).  UTF-8 itself is handed on as it is, unchecked.
 * The caller owns ${*encoding}; free with encoding_free().
 *
 * Fails: E_NOTFOUND (this system cannot convert it), E_NOMEM.  On failure
 * ${*encoding} is NULL.
 */
enum err MUST_USE encoding_create(const char *name, encoding_fn *fn,
    void *cookie, struct encoding **encoding);

/**
 * encoding_feed(encoding, bytes, fault):
 * Convert ${bytes}; what is of one character may come in pieces.
 *
 * Fails: E_INVAL (not of the encoding: ${*fault}), and whatever the function
 * returned.
 */
enum err MUST_USE encoding_feed(struct encoding *encoding,
    struct slice bytes, struct encoding_fault *fault);

/**
 * encoding_end(encoding, fault):
 * There are no more bytes.  Fails: E_INVAL (within a character).
 */
enum err MUST_USE encoding_end(struct encoding *encoding,
    struct encoding_fault *fault);

/**
 * encoding_free(encoding):
 * Free ${encoding}; NULL is allowed.
 */
void encoding_free(struct encoding *encoding);

#endif /* !CLIENT_ENCODING_H */
