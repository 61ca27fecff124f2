#include "expiry.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

#define DAY_US (24LL * 60 * 60 * 1000000)

/* Days that are left when something is said; the last: it is over. */
static const int steps[] = {30, 14, 7, 1, 0};

enum { STEPS = sizeof(steps) / sizeof(steps[0]) };

/* What was seen at the last look. */
struct seen {
    struct tls_end end;
    int said;               /* how many of the steps are behind it */
};

struct expiry {
    struct seen *seen;      /* owned */
    size_t n;
};

enum err
expiry_create(struct expiry **expiry)
{
    *expiry = calloc(1, sizeof(**expiry));
    return (*expiry != NULL ? E_OK : E_NOMEM);
}

static int
steps_behind(int64_t left_us)
{
    int n = 0;

    while (n < STEPS && left_us <= steps[n] * DAY_US)
        n++;
    return (n);
}

static int
said_before(const struct expiry *e, const struct tls_end *end)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->seen[i].end.at_us == end->at_us &&
            strcmp(e->seen[i].end.file, end->file) == 0)
            return (e->seen[i].said);
    return (0);
}

static void
say(const struct tls_end *end, int behind, int64_t left_us)
{
    char when[24] = "?";
    time_t at = (time_t)(end->at_us / 1000000);
    struct tm tm;

    if (gmtime_r(&at, &tm) != NULL)
        (void)strftime(when, sizeof(when), "%FT%TZ", &tm);
    if (behind == STEPS)
        log_line(LOG_ERROR, "ends", "file=\"%s\" at=%s days=0 "
            "reason=\"it is over\"", end->file, when);
    else
        log_line(LOG_WARN, "ends", "file=\"%s\" at=%s days=%lld", end->file,
            when, (long long)(left_us / DAY_US));
}

enum err
expiry_look(struct expiry *e, const struct tls_end *ends, size_t n,
    int64_t now_us)
{
    struct seen *seen = calloc(n > 0 ? n : 1, sizeof(*seen));

    for (size_t i = 0; i < n; i++) {
        int64_t left_us = ends[i].at_us - now_us;
        int behind = steps_behind(left_us), said = said_before(e, &ends[i]);

        if (behind > said)
            say(&ends[i], behind, left_us);
        /* A clock that is set back does not make it news. */
        if (seen != NULL)
            seen[i] = (struct seen){ends[i], behind > said ? behind : said};
    }
    if (seen == NULL)
        return (E_NOMEM);
    free(e->seen);
    e->seen = seen;
    e->n = n;
    return (E_OK);
}

void
expiry_free(struct expiry *e)
{
    if (e == NULL)
        return;
    free(e->seen);
    free(e);
}
