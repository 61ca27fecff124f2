#include "revocation/watched.h"

#include <string.h>

#include "base/clock.h"

#define REST_US ((int64_t)1000000)
#define PATIENCE_US ((int64_t)2500000)
#define RETRY_US ((int64_t)10000000)

/* What cannot be looked at has changed into that. */
static struct plain_print
look(const char *path)
{
    struct plain_print print;

    if (plain_file_print(path, &print) != E_OK)
        memset(&print, 0xff, sizeof(print));
    return (print);
}

static int
is_same(const struct plain_print *a, const struct plain_print *b)
{
    return (memcmp(a, b, sizeof(*a)) == 0);
}

enum watched_state
watched_look(struct watched *watched, const char *path)
{
    struct plain_print print = look(path);
    int64_t now = clock_monotonic_us();

    if (is_same(&print, &watched->seen)) {
        watched->differs = 0;
        return (watched->retry_us != 0 && now >= watched->retry_us ?
            WATCHED_RETRY : WATCHED_SAME);
    }
    if (!watched->differs)
        watched->begun_us = now;
    if (!watched->differs || !is_same(&print, &watched->now)) {
        watched->differs = 1;
        watched->now = print;
        watched->since_us = now;
    }
    if (now - watched->since_us >= REST_US)
        return (WATCHED_CHANGED);
    return (now - watched->begun_us < PATIENCE_US ? WATCHED_MOVING :
        WATCHED_RESTLESS);
}

void
watched_begin(struct watched *watched, const char *path)
{
    watched->seen = look(path);
    watched->differs = 0;
}

void
watched_end(struct watched *watched, unsigned faults)
{
    watched->retry_us = faults > 0 ? clock_monotonic_us() + RETRY_US : 0;
}
