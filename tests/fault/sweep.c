#include "fault/sweep.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proto/grpc_status.h"

/* How long an answer may take while memory fails, and when it does not. */
enum { PATIENCE_MS = 400, ANSWER_MS = 10000, PROBLEMS_MAX = 20 };

static const char *const certificates[WHO_COUNT] = {"employer",
    "association", "auditor", "admin"};

static const char *const mode_names[] = {"once", "forever"};

enum who
sweep_who(const char *certificate)
{
    for (int i = 0; i < WHO_COUNT; i++)
        if (strcmp(certificates[i], certificate) == 0)
            return ((enum who)i);
    abort();
}

int
sweep_wants(const struct sweep *s, const char *name)
{
    return (s->only == NULL || strcmp(s->only, name) == 0);
}

void
sweep_problem(struct sweep *s, const char *format, ...)
{
    va_list args;

    printf("PROBLEM: --path '%s' --point %ld --mode %s: ", s->path, s->at,
        mode_names[s->as]);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    (void)fflush(stdout);
    if (++s->problems >= PROBLEMS_MAX) {
        printf("too many problems\n");
        exit(EXIT_FAILURE);
    }
}

/* Which points of a path are tried. */
struct sample {
    long asked;
    long stride;                /* one in so many of all */
    long own_stride;            /* and of those that our own code asks for */
    unsigned char *own;         /* owned; which those are */
};

static long
stride_of(long n, long limit)
{
    return (n > limit ? (n + limit - 1) / limit : 1);
}

static void
choose(const struct sweep *s, long asked, long limit, struct sample *sample)
{
    long own = 0;

    if (s->limit > 0)
        limit = s->limit;
    if (s->full)
        limit = asked;
    if ((sample->own = calloc((size_t)asked + 1, 1)) == NULL)
        abort();
    for (long n = 0; n < asked; n++)
        own += sample->own[n] = memory_is_own(n) != 0;
    sample->asked = asked;
    sample->stride = stride_of(asked, limit);
    sample->own_stride = stride_of(own, limit);
}

/* Return how many points of one mode failed something. */
static long
sweep_mode(struct sweep *s, const struct sample *sample, sweep_fn *fn,
    const void *cookie)
{
    long failed = 0, own = 0;

    for (long n = 0; n < sample->asked; n++) {
        int mine = sample->own[n] && own++ % sample->own_stride == 0;

        if (n < s->from)
            continue;
        if (s->point >= 0 ? n != s->point : n % sample->stride != 0 && !mine)
            continue;
        s->at = n;
        failed += fn(s, cookie);
    }
    if (failed == 0)
        sweep_problem(s, "nothing ever failed here");
    return (failed);
}

void
sweep_path(struct sweep *s, const char *name, long asked, long limit,
    sweep_fn *fn, const void *cookie)
{
    int64_t from = clock_monotonic_us();
    long failed[2] = {0, 0};
    struct sample sample;

    s->path = name;
    choose(s, asked, limit, &sample);
    for (int mode = 0; mode < 2; mode++) {
        if (s->mode >= 0 && s->mode != mode)
            continue;
        s->as = (enum memory_mode)mode;
        failed[mode] = sweep_mode(s, &sample, fn, cookie);
        s->points += failed[mode];
    }
    free(sample.own);
    s->at = -1;
    s->total += asked;
    printf("%-24s %6ld allocations, one in %ld, of ours one in %ld: "
        "%ld points once, %ld from then on; %.1f s\n", name, asked,
        sample.stride, sample.own_stride, failed[0], failed[1],
        (double)(clock_monotonic_us() - from) / 1e6);
    (void)fflush(stdout);
}

void
sweep_arm(const struct sweep *s)
{
    memory_arm(s->at, s->as);
}

/* ---- the daemon -------------------------------------------------------- */

void
sweep_up(struct sweep *s)
{
    if (host_start(&s->host))
        return;
    sweep_problem(s, "does not start, though there is memory: %s",
        err_name(s->host.err));
    exit(EXIT_FAILURE);
}

void
sweep_down(struct sweep *s)
{
    for (int i = 0; i < WHO_COUNT; i++)
        asker_close(&s->asker[i]);
    host_ask_to_end(&s->host);
    if (!host_ended(&s->host, ANSWER_MS)) {
        sweep_problem(s, "does not end");
        exit(EXIT_FAILURE);
    }
    if (s->host.err != E_OK)
        sweep_problem(s, "ends with %s", err_name(s->host.err));
}

void
sweep_leaks(struct sweep *s)
{
    if (memory_leaks())
        sweep_problem(s, "something was leaked");
}

/* ---- calls ------------------------------------------------------------- */

struct asker *
sweep_asker(struct sweep *s, enum who who)
{
    struct asker *a = &s->asker[who];

    if (asker_is_open(a) ||
        asker_open(a, s->ctx[who], s->host.port, ANSWER_MS))
        return (a);
    sweep_problem(s, "no connection, though there is memory");
    exit(EXIT_FAILURE);
}

int
sweep_is_refusal(int code)
{
    /* OpenSSL does not say what it failed for: that is INTERNAL. */
    return (code == GRPC_RESOURCE_EXHAUSTED || code == GRPC_UNAVAILABLE ||
        code == GRPC_INTERNAL);
}

/* A connection that was cut just now may be found out about in the asking. */
int
sweep_ask(struct sweep *s, enum who who, const char *method,
    struct slice request, struct reply *r)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        struct asker *a = sweep_asker(s, who);

        if (attempt > 0)
            reply_free(r);
        asker_send(a, method, request, 0, r);
        asker_await(a, r, ANSWER_MS);
        if (r->end != REPLY_CLOSED)
            break;
    }
    if (r->end == REPLY_ANSWERED)
        return (r->code);
    sweep_problem(s, "%s: not answered (%d), though there is memory", method,
        (int)r->end);
    asker_close(&s->asker[who]);        /* it may point to the reply */
    return (-1);
}

static int
is_over(const struct reply *r, int watch)
{
    return (r->end != REPLY_WAITING || (watch && r->body.n >= 5));
}

static void
await(struct asker *a, struct reply *r, int watch, int ms)
{
    if (watch)
        asker_await_message(a, r, ms);
    else
        asker_await(a, r, ms);
}

int
sweep_ask_at_point(struct sweep *s, enum who who, const char *method,
    struct slice request, int watch, struct reply *r)
{
    struct asker *a = sweep_asker(s, who);
    long failed;

    asker_send(a, method, request, 0, r);
    sweep_arm(s);
    await(a, r, watch, PATIENCE_MS);
    failed = memory_disarm();
    if (!is_over(r, watch)) {
        /* What waits for memory goes on when there is some. */
        await(a, r, watch, ANSWER_MS);
        if (!is_over(r, watch))
            sweep_problem(s, "%s: never answered", method);
    }
    if (r->end == REPLY_WAITING)
        asker_cancel(a, r);
    if (r->end == REPLY_WAITING)
        asker_close(a);                 /* it points to the reply */
    return (failed > 0);
}
