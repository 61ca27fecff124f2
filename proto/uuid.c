#include "proto/uuid.h"

#include <string.h>

#include <openssl/rand.h>

/* Where hyphens stand in the text form. */
static const size_t hyphens[] = {8, 13, 18, 23};

#define HYPHENS (sizeof(hyphens) / sizeof(hyphens[0]))

enum err
uuid_make(char text[UUID_TEXT])
{
    uint8_t bytes[16];
    char hex[33];
    size_t i, from = 0, at = 0;

    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return (E_CRYPTO);
    bytes[6] = (uint8_t)(0x40 | (bytes[6] & 0x0f));     /* version 4 */
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));     /* variant 10 */
    bytes_to_hex((struct slice){bytes, sizeof(bytes)}, hex);

    for (i = 0; i < HYPHENS; i++) {
        while (at < hyphens[i])
            text[at++] = hex[from++];
        text[at++] = '-';
    }
    memcpy(text + at, hex + from, sizeof(hex) - from);
    return (E_OK);
}

enum err
uuid_parse(struct slice text, uint8_t bytes[16])
{
    size_t i, from = 0, n;

    if (text.n != UUID_TEXT - 1)
        return (E_INVAL);
    for (i = 0; i <= HYPHENS; i++) {
        n = (i < HYPHENS ? hyphens[i] : text.n) - from;
        if (bytes_from_digits(text.p + from, bytes, n / 2) != E_OK ||
            (i < HYPHENS && text.p[from + n] != '-'))
            return (E_INVAL);
        bytes += n / 2;
        from += n + 1;
    }
    return (E_OK);
}
