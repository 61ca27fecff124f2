#include "proto/utf8.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)
#define ONES UINT64_C(0x0101010101010101)

size_t
utf8_next(struct slice text)
{
    const uint8_t *p = text.p;
    uint8_t low = 0x80, high = 0xbf;    /* bounds of the second byte */
    size_t i, n;

    if (text.n == 0)
        return (0);
    if (p[0] < 0x80)
        return (1);
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return (0);
    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (text.n < n)
        return (0);

    /* RFC 3629 section 4: overlong forms, surrogates, above U+10FFFF. */
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return (0);
    for (i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return (0);
    }
    return (n);
}

int
utf8_is_text(struct slice text)
{
    uint64_t word;
    size_t n;

    while (text.n > 0) {
        /* Eight at a time, while no byte is 0 or has its high bit set. */
        while (text.n >= sizeof(word)) {
            memcpy(&word, text.p, sizeof(word));
            if (((word | (word - ONES)) & HIGH_BITS) != 0)
                break;
            text.p += sizeof(word);
            text.n -= sizeof(word);
        }
        /* One at a time, then: 1 to 0x7f. */
        while (text.n > 0 && (uint8_t)(text.p[0] - 1) < 0x7f) {
            text.p++;
            text.n--;
        }
        if (text.n == 0)
            break;
        if (text.p[0] == 0 || (n = utf8_next(text)) == 0)
            return (0);
        text.p += n;
        text.n -= n;
    }
    return (1);
}

void
utf8_copy(struct slice text, char *out, size_t size)
{
    size_t n, at = 0;

    while (text.n > 0) {
        n = text.p[0] == 0 ? 0 : utf8_next(text);
        if ((n == 0 ? 1 : n) > size - 1 - at)
            break;
        if (n == 0) {
            out[at] = '?';
            n = 1;
        } else {
            memmove(out + at, text.p, n);
        }
        at += n;
        text.p += n;
        text.n -= n;
    }
    out[at] = '\0';
}
