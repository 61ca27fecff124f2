#include "seal/public_pem.h"

#include <stdio.h>

#define BEGIN "-----BEGIN PUBLIC KEY-----\n"
#define END "\n-----END PUBLIC KEY-----\n"
#define BODY 60

/* A SubjectPublicKeyInfo of Ed25519: all of it, but the key's 32 bytes. */
static const uint8_t prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b,
    0x65, 0x70, 0x03, 0x21, 0x00};

#define DER (sizeof(prefix) + ED25519_PUBLIC_KEY)

_Static_assert((DER + 2) / 3 * 4 == BODY, "a line of base64");
_Static_assert(sizeof(BEGIN) - 1 + BODY + sizeof(END) - 1 == PUBLIC_PEM_BYTES,
    "two lines around it");

void
public_pem_write(const uint8_t key[ED25519_PUBLIC_KEY],
    char text[PUBLIC_PEM_BYTES + 1])
{
    uint8_t der[DER];
    char body[BODY + 1] = "";

    memcpy(der, prefix, sizeof(prefix));
    memcpy(der + sizeof(prefix), key, ED25519_PUBLIC_KEY);
    /* There is room: see above. */
    if (bytes_to_base64((struct slice){der, sizeof(der)}, body, sizeof(body),
        1) != E_OK)
        body[0] = '\0';
    (void)snprintf(text, PUBLIC_PEM_BYTES + 1, BEGIN "%s" END, body);
}

enum err
public_pem_read(struct slice text, uint8_t key[ED25519_PUBLIC_KEY])
{
    char again[PUBLIC_PEM_BYTES + 1];
    uint8_t der[DER];
    size_t n;

    if (text.n != PUBLIC_PEM_BYTES || bytes_from_base64((struct slice){
        text.p + sizeof(BEGIN) - 1, BODY}, der, sizeof(der), &n) != E_OK ||
        n != sizeof(der))
        return (E_INVAL);
    memcpy(key, der + sizeof(prefix), ED25519_PUBLIC_KEY);
    /* All that is not the key is the same in each of them. */
    public_pem_write(key, again);
    return (slice_equal(text, slice_of(again)) ? E_OK : E_INVAL);
}
