#ifndef REVOCATION_DENY_LIST_H
#define REVOCATION_DENY_LIST_H

/*
 * The deny list as a table: lines of base/denial.h, blank lines, and comments
 * from a `#` at the beginning of a line to its end.  The last line ends with a
 * newline as well, or it may be half of one.
 */

#include "base/denial.h"
#include "proto/bytes.h"
#include "proto/err.h"

/* Opaque types. */
struct deny_list;

#define DENY_LIST_MAX ((size_t)4 << 20)     /* bytes of the file */

/**
 * deny_list_create(text, trust_domain, list, why, size):
 * Read ${text}, all or nothing; it is copied.  The caller owns ${*list}; free
 * with deny_list_free().
 *
 * Fails: E_INVAL (${why}, of ${size} bytes, names the line and its fault),
 * E_TOOBIG, E_NOMEM.  On failure ${*list} is NULL.
 */
enum err MUST_USE deny_list_create(struct slice text,
    const char *trust_domain, struct deny_list **list, char *why, size_t size);

/**
 * deny_list_find(list, kind, role, value):
 * Return the number of the line that denies ${value}, written as struct denial
 * has it; 0: none.  ${role} counts for DENIAL_SERIAL only.
 */
unsigned deny_list_find(const struct deny_list *list, enum denial_kind kind,
    enum role role, const char *value);

/**
 * deny_list_text(list):
 * Return what it was made of; borrowed.
 */
struct slice deny_list_text(const struct deny_list *list);

/**
 * deny_list_continues(list, before):
 * Return non-zero if ${list} is ${before}, and perhaps more lines behind it.
 */
int deny_list_continues(const struct deny_list *list,
    const struct deny_list *before);

/**
 * deny_list_count(list):
 * Return how many entries it has.
 */
size_t deny_list_count(const struct deny_list *list);

/* NULL is allowed. */
void deny_list_free(struct deny_list *list);

#endif /* !REVOCATION_DENY_LIST_H */
