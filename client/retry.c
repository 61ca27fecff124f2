#include "client/retry.h"

#include <nghttp2/nghttp2.h>

#include "client/clock.h"

/* With the first. */
#define ATTEMPTS_MAX 4

/* Without a word of the server's: it doubles from one attempt to the next. */
#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 1000

/* Nothing of an answer came: the server says that it has not seen the call. */
static int
was_refused(const struct call *call)
{
    return (call->closed && call->reset == NGHTTP2_REFUSED_STREAM &&
        call->http_status == 0);
}

/* Any time up to the limit: clients that failed together come back apart. */
static int
backoff(unsigned before)
{
    uint32_t chance = (uint32_t)clock_us() * UINT32_C(2654435769);
    uint32_t most = (uint32_t)BACKOFF_MS << before;

    if (most > BACKOFF_MAX_MS)
        most = BACKOFF_MAX_MS;
    return ((int)((chance >> 8) % (most + 1)));
}

int
retry_after(struct retry *retry, const struct call *call)
{
    int ms;

    if (was_refused(call)) {
        if (!retry->repeated) {
            retry->repeated = 1;
            return (0);
        }
        ms = backoff(retry->before);
    } else if (call->broken == E_OK && !call->answered && call->has_status &&
        (call->code == GRPC_UNAVAILABLE ||
        call->code == GRPC_RESOURCE_EXHAUSTED)) {
        ms = call->pushback;
    } else {
        ms = -1;
    }
    if (ms < 0 || retry->before + 1 >= ATTEMPTS_MAX)
        return (-1);
    retry->before++;
    return (ms);
}
