#ifndef SERVICE_PAGE_H
#define SERVICE_PAGE_H

/*
 * Which page of a list a unary method is asked for (google.aip.dev/158).
 */

#include "service/page_token.h"
#include "service/unary.h"

struct page {
    struct page_scope scope;        /* method and filter: the method's own */
    int32_t most;                   /* likewise: what a page may hold */
    char after[PAGE_ID_MAX + 1];    /* where the last ended; "": the start */
    size_t max;                     /* what this one may hold */
    char next[PAGE_TOKEN_TEXT];     /* "": this is the last */
};

/**
 * page_begin(page, call, size, token):
 * Set the rest of ${page} from what ${call} was asked for.  Return non-zero; or
 * answer the call, because size or token are bad, and return 0.
 */
int page_begin(struct page *page, struct unary_call *call, int32_t size,
    const char *token);

/**
 * page_end(page, id):
 * There is more behind ${id}: set page->next.  Fails as page_token_make().
 */
enum err MUST_USE page_end(struct page *page, const char *id);

#endif /* !SERVICE_PAGE_H */
