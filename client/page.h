#ifndef CLIENT_PAGE_H
#define CLIENT_PAGE_H

/*
 * One page for people, as text for a terminal or as HTML for printing: a
 * banner, then sections of labeled rows.  The HTML needs nothing but itself,
 * and runs nothing.  Whatever stands in a row is shown: a character that would
 * steer a terminal or a browser, or that nobody would see, stands there as
 * U+XXXX.
 *
 * Failures are remembered until page_end(), which tells.
 */

#include <stdio.h>

#include "proto/bytes.h"
#include "proto/err.h"

enum page_format { PAGE_TEXT, PAGE_HTML };

enum page_tone { PAGE_HEADING, PAGE_PLAIN, PAGE_GOOD, PAGE_WARNING,
    PAGE_BAD };

/* Not to be touched. */
struct page {
    enum page_format format;
    struct buf out;             /* what is done */
    struct buf value;           /* of the row that is being made */
    int open;                   /* a section is */
    enum err err;               /* the first */
};

/**
 * page_begin(page, format, title):
 * Begin a page; end it with page_end(), whatever happens.
 */
void page_begin(struct page *page, enum page_format format,
    const char *title);

/**
 * page_banner(page, tone, format, ...):
 * Write a line of its own that nobody overlooks; a heading of the page, too.
 */
void page_banner(struct page *page, enum page_tone tone, const char *format,
    ...) PRINTF_LIKE(3, 4);

/**
 * page_section(page, title):
 * Begin a section.
 */
void page_section(struct page *page, const char *title);

/**
 * page_row(page, label, format, ...):
 * Write a row of the section, of any length.  Without ${label}, "", it belongs
 * to the row before.
 */
void page_row(struct page *page, const char *label, const char *format, ...)
    PRINTF_LIKE(3, 4);

/**
 * page_end(page, f):
 * Write the page to ${f}, unless something failed, and free it.  That ${f}
 * could not be written is for ferror() to tell.
 *
 * Fails: E_NOMEM, E_TOOBIG; nothing is written then.
 */
enum err MUST_USE page_end(struct page *page, FILE *f);

#endif /* !CLIENT_PAGE_H */
