#include "service/page_token.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#define MAC 16
#define SECRET 32
#define DOMAIN "vouch/page/v1"
#define SCOPE_MAX 512

/* Append ${text} and its NUL. */
static enum err
put(uint8_t *out, size_t *at, const char *text)
{
    size_t n = strlen(text) + 1;

    if (n > SCOPE_MAX - *at)
        return (E_TOOBIG);
    memcpy(out + *at, text, n);
    *at += n;
    return (E_OK);
}

static enum err
mac_of(const struct page_scope *scope, const char *id, uint8_t mac[MAC])
{
    uint8_t input[SCOPE_MAX];
    uint8_t full[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    size_t n = 0;
    enum err err;

    if ((err = put(input, &n, DOMAIN)) != E_OK ||
        (err = put(input, &n, scope->method)) != E_OK ||
        (err = put(input, &n, scope->filter)) != E_OK ||
        (err = put(input, &n, id)) != E_OK)
        return (err);
    if (HMAC(EVP_sha256(), scope->key, SECRET, input, n - 1, full,
        &length) == NULL || length < MAC)
        return (E_CRYPTO);
    memcpy(mac, full, MAC);
    return (E_OK);
}

enum err
page_token_make(const struct page_scope *scope, const char *id,
    char token[PAGE_TOKEN_TEXT])
{
    uint8_t raw[MAC + PAGE_ID_MAX];
    size_t n = strlen(id);
    enum err err;
    char *c;

    if (n > PAGE_ID_MAX)
        return (E_TOOBIG);
    if ((err = mac_of(scope, id, raw)) != E_OK)
        return (err);
    memcpy(raw + MAC, id, n);
    err = bytes_to_base64((struct slice){raw, MAC + n}, token,
        PAGE_TOKEN_TEXT, 0);
    if (err != E_OK)
        return (err);
    for (c = token; *c != '\0'; c++) {
        if (*c == '+')
            *c = '-';
        else if (*c == '/')
            *c = '_';
    }
    return (E_OK);
}

enum err
page_token_read(const struct page_scope *scope, const char *token,
    char id[PAGE_ID_MAX + 1])
{
    uint8_t raw[MAC + PAGE_ID_MAX];
    uint8_t mac[MAC];
    size_t n = 0;
    enum err err;

    id[0] = '\0';
    if (bytes_from_base64(slice_of(token), raw, sizeof(raw), &n) != E_OK ||
        n < MAC || memchr(raw + MAC, '\0', n - MAC) != NULL)
        return (E_INVAL);
    memcpy(id, raw + MAC, n - MAC);
    id[n - MAC] = '\0';
    err = mac_of(scope, id, mac);
    if (err == E_TOOBIG || (err == E_OK && CRYPTO_memcmp(mac, raw, MAC) != 0))
        err = E_INVAL;
    if (err != E_OK)
        id[0] = '\0';
    return (err);
}
