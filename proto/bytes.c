#include "proto/bytes.h"

#include <stdlib.h>
#include <string.h>

/* What an empty buffer grows to first, limit permitting. */
#define BUF_FIRST 256

static const char hex_digits[] = "0123456789abcdef";

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

enum err
buf_grow(struct buf *buf, size_t n)
{
    size_t size = buf->size;
    uint8_t *p;

    if (n > buf->max - buf->n)
        return (E_TOOBIG);

    /* Double, so that appending stays linear, but never beyond the limit. */
    if (size < BUF_FIRST)
        size = BUF_FIRST;
    else if (size > buf->max / 2)
        size = buf->max;
    else
        size *= 2;
    if (size < buf->n + n)
        size = buf->n + n;
    if (size > buf->max)
        size = buf->max;

    if ((p = realloc(buf->p, size)) == NULL)
        return (E_NOMEM);
    buf->p = p;
    buf->size = size;
    return (E_OK);
}

enum err
buf_add(struct buf *buf, struct slice bytes)
{
    enum err err;

    if ((err = buf_reserve(buf, bytes.n)) != E_OK)
        return (err);
    if (bytes.n > 0)
        memcpy(buf->p + buf->n, bytes.p, bytes.n);
    buf->n += bytes.n;
    return (E_OK);
}

void
buf_drop(struct buf *buf, size_t n)
{
    buf->n -= n;
    if (n > 0 && buf->n > 0)
        memmove(buf->p, buf->p + n, buf->n);
}

struct slice
buf_slice(const struct buf *buf)
{
    return ((struct slice){buf->p, buf->n});
}

void
buf_free(struct buf *buf)
{
    free(buf->p);
    buf_init(buf, buf->max);
}

void
bytes_to_hex(struct slice bytes, char *text)
{
    size_t i;

    for (i = 0; i < bytes.n; i++) {
        *text++ = hex_digits[bytes.p[i] >> 4];
        *text++ = hex_digits[bytes.p[i] & 15];
    }
    *text = '\0';
}

/* The value of a digit, and a bit that tells that it is one. */
#define DIGIT 0x10U

static const uint8_t hex_values[256] = {
    ['0'] = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19,
    ['a'] = 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
    ['A'] = 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
};

enum err
bytes_from_hex(const char *text, uint8_t *out, size_t n)
{
    if (strlen(text) / 2 != n || strlen(text) % 2 != 0)
        return (E_INVAL);
    return (bytes_from_digits((const uint8_t *)text, out, n));
}

enum err
bytes_from_digits(const uint8_t *digits, uint8_t *out, size_t n)
{
    unsigned all = DIGIT, high, low;
    size_t i;

    for (i = 0; i < n; i++) {
        high = hex_values[digits[2 * i]];
        low = hex_values[digits[2 * i + 1]];
        out[i] = (uint8_t)(high << 4 | (low & 0xf));
        all &= high & low;
    }
    return (all != 0 ? E_OK : E_INVAL);
}

enum err
bytes_to_base64(struct slice bytes, char *text, size_t size, int padded)
{
    size_t rest = bytes.n % 3;
    size_t digits = rest == 0 ? 0 : padded ? 4 : rest + 1;
    size_t i;
    uint32_t v;

    /* The first test keeps the second from overflowing. */
    if (bytes.n / 3 >= size / 4 + 1 || bytes.n / 3 * 4 + digits + 1 > size)
        return (E_TOOBIG);

    for (i = 0; i + 3 <= bytes.n; i += 3) {
        v = (uint32_t)bytes.p[i] << 16 | (uint32_t)bytes.p[i + 1] << 8 |
            bytes.p[i + 2];
        *text++ = base64_digits[v >> 18];
        *text++ = base64_digits[v >> 12 & 63];
        *text++ = base64_digits[v >> 6 & 63];
        *text++ = base64_digits[v & 63];
    }
    if (rest > 0) {
        v = (uint32_t)bytes.p[i] << 16;
        if (rest == 2)
            v |= (uint32_t)bytes.p[i + 1] << 8;
        *text++ = base64_digits[v >> 18];
        *text++ = base64_digits[v >> 12 & 63];
        if (rest == 2)
            *text++ = base64_digits[v >> 6 & 63];
        for (digits -= rest + 1; digits > 0; digits--)
            *text++ = '=';
    }
    *text = '\0';
    return (E_OK);
}

static int
base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (c - 'A');
    if (c >= 'a' && c <= 'z')
        return (c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (c - '0' + 52);
    if (c == '+' || c == '-')
        return (62);
    if (c == '/' || c == '_')
        return (63);
    return (-1);
}

/* Take off the padding, which must be as long as it has to be. */
static enum err
base64_unpad(struct slice *text)
{
    size_t pads = 0;

    while (pads < 3 && pads < text->n && text->p[text->n - 1 - pads] == '=')
        pads++;
    if (pads > 2 || (pads > 0 && text->n % 4 != 0))
        return (E_INVAL);
    text->n -= pads;
    return (text->n % 4 == 1 ? E_INVAL : E_OK);
}

enum err
bytes_from_base64(struct slice text, uint8_t *out, size_t size, size_t *n)
{
    uint32_t v = 0;
    unsigned bits = 0;
    size_t i, at = 0;
    int digit;

    *n = 0;
    if (base64_unpad(&text) != E_OK)
        return (E_INVAL);
    for (i = 0; i < text.n; i++) {
        if ((digit = base64_value(text.p[i])) < 0)
            return (E_INVAL);
        v = (v << 6 | (uint32_t)digit) & 0xfff;
        bits += 6;
        if (bits < 8)
            continue;
        bits -= 8;
        if (at == size)
            return (E_TOOBIG);
        out[at++] = (uint8_t)(v >> bits);
    }
    /* Bits that belong to no byte are 0: one text for one value. */
    if ((v & ((1u << bits) - 1)) != 0)
        return (E_INVAL);
    *n = at;
    return (E_OK);
}
