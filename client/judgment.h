#ifndef CLIENT_JUDGMENT_H
#define CLIENT_JUDGMENT_H

/*
 * What is to be thought of the bytes that somebody filed as a receipt.
 */

#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/receipt.h"
#include "proto/trust.h"

/* Of the arena that a receipt is read into, per receipt. */
#define JUDGMENT_ARENA_MAX ((size_t)128 * 1024 * 1024)

struct judgment {
    enum receipt_state state;
    char why[256];              /* empty if VERIFIED */
    int readable;               /* ${receipt} is there */
    struct receipt receipt;     /* in the arena */
};

/**
 * judgment_make(bytes, trust, now_us, arena, judgment):
 * Read ${bytes} and judge them as receipt_read() and receipt_verify() do, with
 * ${now_us} as there.  Without ${trust}, NULL, VERIFIED means only that nothing
 * is wrong that could be found without a key.  What ${*judgment} points at is
 * in ${arena}; ${bytes} are not needed any longer.
 *
 * Fails: E_NOMEM.
 */
enum err MUST_USE judgment_make(struct slice bytes, const struct trust *trust,
    int64_t now_us, struct arena *arena, struct judgment *judgment);

#endif /* !CLIENT_JUDGMENT_H */
