#ifndef REVOCATION_DENY_FILE_H
#define REVOCATION_DENY_FILE_H

/*
 * The deny list as a file that people edit and the daemon adds to.
 */

#include "revocation/deny_list.h"

/**
 * deny_file_read(path, trust_domain, before, list, why, size):
 * Read ${path}.  If there is none, it is empty, unless ${before}, what was
 * read last (NULL: nothing), had a file.  The caller owns ${*list}.
 *
 * Fails: E_NOTFOUND (it is gone), E_BUSY (it is being written), E_INVAL,
 * E_TOOBIG, E_IO, E_NOMEM; on failure ${*list} is NULL and ${why}, of ${size}
 * bytes, says what and where.
 */
enum err MUST_USE deny_file_read(const char *path, const char *trust_domain,
    const struct deny_list *before, struct deny_list **list, char *why,
    size_t size);

/**
 * deny_file_add(path, trust_domain, before, denial, list, why, size):
 * Make ${path} hold what ${before} was made of, and ${denial} as one more
 * line.  The caller owns ${*list}, which says the same as the file.
 *
 * Fails: E_TOOBIG, E_FULL, E_IO, E_NOMEM: ${path} is as it was, ${*list} NULL.
 * E_LOST: as E_OK, but it may not be on disk.  ${why} as above.
 */
enum err MUST_USE deny_file_add(const char *path, const char *trust_domain,
    const struct deny_list *before, const struct denial *denial,
    struct deny_list **list, char *why, size_t size);

/**
 * deny_file_holds(path, list):
 * Return non-zero if ${path} holds what ${list} was made of.
 */
int deny_file_holds(const char *path, const struct deny_list *list);

#endif /* !REVOCATION_DENY_FILE_H */
