#ifndef CLIENT_RETRY_H
#define CLIENT_RETRY_H

/*
 * Whether a unary call that failed is made again unasked (gRFC A6): only where
 * the server itself says that it has not seen it, by REFUSED_STREAM, or that
 * the same may be sent again, by grpc-retry-pushback-ms.  The request is the
 * same, to its request id.
 */

#include "client/call.h"

/* {0} to begin with; of one call with all its attempts. */
struct retry {
    unsigned before;        /* attempts that failed: the next one tells it */
    int repeated;           /* at once, what was refused before it was seen */
};

/**
 * retry_after(retry, call):
 * ${call} is over and failed.  Return how many milliseconds to wait before the
 * next attempt, which is counted; -1: there should be none.
 */
int retry_after(struct retry *retry, const struct call *call);

#endif /* !CLIENT_RETRY_H */
