#ifndef SERVICE_PAGE_TOKEN_H
#define SERVICE_PAGE_TOKEN_H

/*
 * Where a page of a list ended, in a form that nobody but this daemon can make
 * or change: base64url of
 *
 *   HMAC-SHA-256(key, "vouch/page/v1" || 0x00 || method || 0x00 || filter ||
 *     0x00 || id), its first 16 bytes, and the id
 *
 * where id is that of the last row of the page.
 */

#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

#define PAGE_ID_MAX 63
#define PAGE_TOKEN_TEXT 108     /* with its NUL */

/* What a token belongs to. */
struct page_scope {
    const uint8_t *key;         /* 32 bytes */
    const char *method;         /* its path */
    const char *filter;         /* every argument but size and token */
};

/**
 * page_token_make(scope, id, token):
 * Write the token of the page that ended with ${id}.
 *
 * Fails: E_CRYPTO, E_TOOBIG (id above PAGE_ID_MAX).
 */
enum err MUST_USE page_token_make(const struct page_scope *scope,
    const char *id, char token[PAGE_TOKEN_TEXT]);

/**
 * page_token_read(scope, token, id):
 * Write the id that ${token} holds.
 *
 * Fails: E_INVAL (not a token of ours, or not of this scope), E_CRYPTO.
 */
enum err MUST_USE page_token_read(const struct page_scope *scope,
    const char *token, char id[PAGE_ID_MAX + 1]);

#endif /* !SERVICE_PAGE_TOKEN_H */
