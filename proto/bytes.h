#ifndef PROTO_BYTES_H
#define PROTO_BYTES_H

/*
 * Bytes: borrowed (struct slice) and owned (struct buf).
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "proto/err.h"

/* Bytes that belong to somebody else.  ${p} may be NULL if ${n} is 0. */
struct slice {
    const uint8_t *p;
    size_t n;
};

/*
 * Bytes of our own, growing up to ${max}.  {0} is not usable: begin with
 * buf_init().
 */
struct buf {
    uint8_t *p;     /* owned */
    size_t n;
    size_t size;    /* allocated */
    size_t max;
};

/**
 * slice_of(text):
 * Return the bytes of ${text} without its NUL; borrowed from ${text}.
 */
static inline struct slice
slice_of(const char *text)
{
    return ((struct slice){(const uint8_t *)text, strlen(text)});
}

/**
 * slice_equal(a, b):
 * Return non-zero if ${a} and ${b} are the same bytes.  Not for secrets.
 */
static inline int
slice_equal(struct slice a, struct slice b)
{
    return (a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
}

/**
 * buf_init(buf, max):
 * Make ${buf} empty, to hold at most ${max} bytes.  Allocates nothing.
 */
void buf_init(struct buf *buf, size_t max);

/**
 * buf_grow(buf, n):
 * Do as buf_reserve(), which calls this if there is no room yet.
 */
enum err MUST_USE buf_grow(struct buf *buf, size_t n);

/**
 * buf_reserve(buf, n):
 * Make room for ${n} more bytes behind the present end.
 *
 * Fails: E_TOOBIG, E_NOMEM; ${buf} is then as it was.
 */
static inline MUST_USE enum err
buf_reserve(struct buf *buf, size_t n)
{
    return (n <= buf->size - buf->n ? E_OK : buf_grow(buf, n));
}

/**
 * buf_add(buf, bytes):
 * Append ${bytes}.
 *
 * Fails: E_TOOBIG, E_NOMEM; ${buf} is then as it was.
 */
enum err MUST_USE buf_add(struct buf *buf, struct slice bytes);

/**
 * buf_drop(buf, n):
 * Remove the first ${n} bytes; ${n} must not exceed buf->n.
 */
void buf_drop(struct buf *buf, size_t n);

/**
 * buf_slice(buf):
 * Return what ${buf} holds; borrowed until the next call that changes it.
 */
struct slice buf_slice(const struct buf *buf);

/**
 * buf_free(buf):
 * Free what ${buf} holds and make it empty; its limit stays.
 */
void buf_free(struct buf *buf);

/**
 * bytes_to_hex(bytes, text):
 * Write ${bytes} as lower-case hexadecimal and a NUL; ${text} must hold
 * 2 * bytes.n + 1.
 */
void bytes_to_hex(struct slice bytes, char *text);

/**
 * bytes_from_hex(text, out, n):
 * Read exactly ${n} bytes of hexadecimal, of either case.
 *
 * Fails: E_INVAL (another length, or not hexadecimal); what ${out} holds then
 * means nothing.
 */
enum err MUST_USE bytes_from_hex(const char *text, uint8_t *out, size_t n);

/**
 * bytes_from_digits(digits, out, n):
 * The same, of the first 2 * ${n} of ${digits}, which need no NUL.
 *
 * Fails: E_INVAL (not hexadecimal).
 */
enum err MUST_USE bytes_from_digits(const uint8_t *digits, uint8_t *out,
    size_t n);

/**
 * bytes_to_base64(bytes, text, size, padded):
 * Write ${bytes} in base64 (RFC 4648 section 4), with or without padding, and
 * a NUL into the ${size} bytes of ${text}.
 *
 * Fails: E_TOOBIG.
 */
enum err MUST_USE bytes_to_base64(struct slice bytes, char *text, size_t size,
    int padded);

/**
 * bytes_from_base64(text, out, size, n):
 * Read base64 or base64url, padded or not, into the ${size} bytes of ${out};
 * the number of bytes goes to ${*n}.
 *
 * Fails: E_INVAL, E_TOOBIG.
 */
enum err MUST_USE bytes_from_base64(struct slice text, uint8_t *out,
    size_t size, size_t *n);

#endif /* !PROTO_BYTES_H */
