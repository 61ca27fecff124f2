#ifndef CLIENT_RECEIPT_PAGE_H
#define CLIENT_RECEIPT_PAGE_H

/*
 * A receipt as one page for people, with everything that it says.
 */

#include "client/page.h"
#include "client/trusted.h"

struct receipt_page {
    const struct judgment *judgment;
    const struct trusted *trusted;      /* by which it was judged; its trust
                                         * may be NULL */
    const char *file;                   /* where the receipt is */
};

/**
 * receipt_page_write(what, format, f):
 * Write ${what} to ${f}.  First comes whether it was verified, and how; of one
 * that was not, so that nobody overlooks it.
 *
 * Fails: E_NOMEM, E_TOOBIG; nothing is written then.
 */
enum err MUST_USE receipt_page_write(const struct receipt_page *what,
    enum page_format format, FILE *f);

/**
 * receipt_page_answer(page, answer):
 * receipt_page_limits(page, answer):
 * Write the sections about ${answer}: its result, and what it rests on; what it
 * does not establish.
 */
void receipt_page_answer(struct page *page, const Vouch__V1__Answer *answer);
void receipt_page_limits(struct page *page, const Vouch__V1__Answer *answer);

#endif /* !CLIENT_RECEIPT_PAGE_H */
