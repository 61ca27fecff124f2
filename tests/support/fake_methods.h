#ifndef TEST_SUPPORT_FAKE_METHODS_H
#define TEST_SUPPORT_FAKE_METHODS_H

/*
 * Methods for the tests of rpc and h2, in the place of daemon/service: this
 * defines method_find(), method_nearest(), method_all() and
 * service_worker_serves().  All requests and answers but Count's request are
 * vouch.v1.GetAssociationRequest, for its one string.
 *
 *   /test.v1.Test/Echo      unary, the request comes back
 *   /test.v1.Test/Strict    the same, and unknown fields are refused
 *   /test.v1.Test/Bytes     unary, answers with the bare bytes of the string
 *   /test.v1.Test/Fail      unary, NOT_FOUND with metadata and a violation
 *   /test.v1.Test/Both      unary, answers and then ends with ABORTED
 *   /test.v1.Test/Silent    unary, ends OK without an answer
 *   /test.v1.Test/Busy      unary, start() fails with E_BUSY
 *   /test.v1.Test/Later     unary, answers at fake_answer()
 *   /test.v1.Test/Collect   client streams, answers with all strings joined
 *   /test.v1.Test/Early     client streams, ends with ABORTED at a message
 *   /test.v1.Test/Count     server streams ListAssociationsRequest.page_size
 *                           times its page_token, as long as there is room
 *   /test.v1.Test/Chat      both stream, each message comes back
 *   /test.v1.Test/Public    Echo, and the answer may be compressed
 *   /test.v1.Test/PublicChat    Chat, likewise; a text that begins with "plain"
 *                           turns that off from its answer on, "packed" on
 *   /test.v1.Test/Meta      Echo, with the metadata x-echo before the answer and
 *                           x-echo-bin behind it; or NOT_FOUND for "fail"
 *   /test.v1.Test/MetaChat  Chat with the same, at each message
 *   /test.v1.Test/Secret    Echo, and the answer's length is hidden: it might
 *                           be FAKE_MAY_TELL bytes longer
 *   /test.v1.Test/Admin     Echo for admins only
 *   /test.v1.Test/Nobody    Echo for nobody
 */

#include <stddef.h>

#include "proto/bytes.h"

#define FAKE_MAY_TELL ((size_t)1024)

struct fake {
    int started;        /* calls whose start() succeeded */
    int ended;          /* those that were freed, by whichever way */
    int canceled;       /* those of them that were canceled */
    int writable;       /* how often writable() was called */
    size_t peak;        /* highest backlog that Count saw */
    int compressed;     /* messages of Chat that came so */
    int late;           /* what MetaChat's metadata last met with: enum err */
    int draining;       /* health is NOT_SERVING */
};

extern struct fake fake;

/* Answer the oldest call of Later.  Return how many are left. */
int fake_answer(void);

/*
 * Framed requests: of Count, and of all the others.  To be freed by the
 * caller.
 */
struct buf count_frame(int n, const char *text);
struct buf text_frame(const char *text);

#endif /* !TEST_SUPPORT_FAKE_METHODS_H */
