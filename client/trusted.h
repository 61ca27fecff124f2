#ifndef CLIENT_TRUSTED_H
#define CLIENT_TRUSTED_H

/*
 * The trust file that a command goes by: which it is, whether its root key is
 * the one that it should be, and whether a newer one was seen before.
 */

#include "client/command.h"
#include "client/judgment.h"

/* How we know that the root key is the operator's. */
enum trusted_root {
    TRUSTED_PINNED,         /* the user named it */
    TRUSTED_REMEMBERED,     /* the same as ever before */
    TRUSTED_FIRST_SEEN      /* not at all */
};

struct trusted {
    struct trust *trust;        /* owned; NULL: no trust file is known */
    const char *path;           /* borrowed */
    char root_key[2 * ED25519_KEY_ID + 1];
    enum trusted_root root;
    int64_t now_us;             /* by which it is judged; INT64_MIN: expired or
                                 * not */
    int64_t newest;             /* version seen before, if higher; else 0 */
};

/**
 * trusted_open(run, accept_expired, trusted):
 * Read the trust file that ${run} is to go by, if it is to go by one, hold its
 * root key against the one that was named or is remembered, and remember it.
 * What cannot be remembered is said, and no failure.  Returns 0, or an exit
 * code after having said why: VOUCH_EXIT_NO_SUCH, VOUCH_EXIT_USAGE,
 * VOUCH_EXIT_EVIDENCE (a broken signature, another root key).  In both cases
 * free with trusted_close().
 */
int trusted_open(const struct invocation *run, int accept_expired,
    struct trusted *trusted);

/**
 * trusted_judge(trusted, bytes, arena, judgment):
 * As judgment_make(), by that trust file.  One that is older than seen before
 * judges nothing: what would be left to it is TRUST_TOO_OLD.
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE trusted_judge(const struct trusted *trusted,
    struct slice bytes, struct arena *arena, struct judgment *judgment);

/**
 * trusted_about(trusted, out, size):
 * Write what the trust file is, and how its root key is known, for a person.
 */
void trusted_about(const struct trusted *trusted, char *out, size_t size);

void trusted_close(struct trusted *trusted);

#endif /* !CLIENT_TRUSTED_H */
