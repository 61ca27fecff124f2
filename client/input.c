#include "client/input.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "client/clock.h"

/* A server waits for an answer for seconds. */
#define LOOK_US INT64_C(1000000)
#define LOOK_MS 1000

static enum err
look_now_and_then(struct input *in)
{
    const int64_t now = clock_us();

    if (in->looked_us != 0 && now - in->looked_us < LOOK_US)
        return (E_OK);
    in->looked_us = now;
    return (in->look(in->cookie));
}

enum err
input_read(struct input *in, uint8_t *p, size_t size, size_t *n)
{
    struct pollfd ready = {.fd = in->fd, .events = POLLIN};
    ssize_t got;
    enum err err;
    int some;

    *n = 0;
    for (;;) {
        if ((err = look_now_and_then(in)) != E_OK)
            return (err);
        if ((some = poll(&ready, 1, LOOK_MS)) == 0)
            continue;
        /* What poll() cannot tell read() will. */
        got = some < 0 && errno == EINTR ? -1 : read(in->fd, p, size);
        if (got >= 0) {
            *n = (size_t)got;
            return (E_OK);
        }
        if (errno != EINTR && errno != EAGAIN)
            return (E_INVAL);
    }
}
