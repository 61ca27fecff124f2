#include "service/page.h"

#define PAGE_DEFAULT 100

int
page_begin(struct page *page, struct unary_call *call, int32_t size,
    const char *token)
{
    struct grpc_status status = {.code = GRPC_OK};
    enum err err = E_OK;

    page->scope.key = key_ring_page_secret(call->worker->service->keys);
    page->max = (size_t)(size == 0 ? PAGE_DEFAULT :
        size > page->most ? page->most : size);
    if (size < 0)
        grpc_status_violation(&status, "page_size",
            "must not be negative; 0 means %d", PAGE_DEFAULT);
    else if (token[0] != '\0')
        err = page_token_read(&page->scope, token, page->after);
    if (err == E_INVAL)
        grpc_status_violation(&status, "page_token",
            "must be the next_page_token of a request whose other arguments "
            "were the same");
    else if (err != E_OK)
        grpc_status_from_err(&status, err);
    if (status.code == GRPC_OK)
        return (1);
    unary_fail(call, &status);
    return (0);
}

enum err
page_end(struct page *page, const char *id)
{
    return (page_token_make(&page->scope, id, page->next));
}
