#include "fault/sweep.h"

#include <stdlib.h>

#include "fault/question.h"

enum { SHAKE_MS = 400, END_MS = 8000 };

/* How many points go by between two looks for leaks, which take their time. */
enum { LEAKS_EVERY = 16 };

static void
check_serves(struct sweep *s)
{
    struct reply r;
    struct buf request;

    buf_init(&request, 1024);
    question_write_empty(&request);
    if (sweep_ask(s, WHO_EMPLOYER, QUESTION_WHOAMI, buf_slice(&request),
        &r) > 0)
        sweep_problem(s, "serves, but answers with code %d", r.code);
    reply_free(&r);
    buf_free(&request);
}

static void
check_leaks_now_and_then(struct sweep *s)
{
    static unsigned n;

    if (s->point >= 0 || ++n % LEAKS_EVERY == 0)
        sweep_leaks(s);
}

/* ---- start ------------------------------------------------------------- */

static long
count_start(struct sweep *s)
{
    long asked;

    memory_arm(-1, MEMORY_ONCE);
    sweep_up(s);
    asked = memory_asked();
    sweep_down(s);
    return (asked);
}

/* Either it serves, or it ends with an error; then the next start serves. */
static int
start_at_point(struct sweep *s, const void *cookie)
{
    int anew = cookie != NULL, failed;

    if (anew)
        host_move(&s->host);
    sweep_arm(s);
    if (host_start(&s->host)) {
        failed = memory_disarm() > 0;
        check_serves(s);
        sweep_down(s);
    } else {
        failed = memory_disarm() > 0;
        if (s->host.err == E_OK)
            sweep_problem(s, "ended without an error");
    }
    if (anew) {
        sweep_up(s);
        check_serves(s);
        sweep_down(s);
    }
    check_leaks_now_and_then(s);
    return (failed);
}

void
sweep_starts(struct sweep *s)
{
    static const int anew = 1;

    if (sweep_wants(s, "start")) {
        s->path = "start";
        sweep_path(s, "start", count_start(s), 50, start_at_point, NULL);
        sweep_up(s);
        check_serves(s);
        sweep_down(s);
        sweep_leaks(s);
    }
    if (sweep_wants(s, "first start")) {
        s->path = "first start";
        host_move(&s->host);
        sweep_path(s, "first start", count_start(s), 12, start_at_point,
            &anew);
        sweep_leaks(s);
    }
}

/* ---- handshake --------------------------------------------------------- */

static int
shake_at_point(struct sweep *s, const void *cookie)
{
    struct asker *a = &s->asker[WHO_EMPLOYER];
    int open;
    long failed;

    (void)cookie;
    asker_close(a);
    sweep_arm(s);
    open = asker_open(a, s->ctx[WHO_EMPLOYER], s->host.port, SHAKE_MS);
    failed = memory_disarm();
    if (!open && failed == 0)
        sweep_problem(s, "no handshake, though nothing failed");
    check_serves(s);
    return (failed > 0);
}

void
sweep_handshakes(struct sweep *s)
{
    long asked;

    if (!sweep_wants(s, "handshake"))
        return;
    s->path = "handshake";
    sweep_up(s);
    check_serves(s);
    asker_close(&s->asker[WHO_EMPLOYER]);
    memory_arm(-1, MEMORY_ONCE);
    (void)sweep_asker(s, WHO_EMPLOYER);
    asked = memory_asked();
    (void)memory_disarm();
    sweep_path(s, "handshake", asked, 150, shake_at_point, NULL);
    sweep_down(s);
    sweep_leaks(s);
}

/* ---- drain ------------------------------------------------------------- */

/* One who watches, one in the middle of an upload, one who says nothing. */
struct guests {
    struct reply watch, upload;
    struct buf empty, rows;
};

static void
invite(struct sweep *s, struct guests *g)
{
    struct asker *a;

    buf_init(&g->empty, 1024);
    buf_init(&g->rows, 65536);
    question_write_empty(&g->empty);
    question_write_upload(++s->serial, &g->rows);
    a = sweep_asker(s, WHO_EMPLOYER);
    asker_send(a, QUESTION_WATCH, buf_slice(&g->empty), 0, &g->watch);
    asker_await_message(a, &g->watch, END_MS);
    a = sweep_asker(s, WHO_ASSOCIATION);
    asker_send(a, QUESTION_PUBLISH, buf_slice(&g->rows), 1, &g->upload);
    asker_await_message(a, &g->upload, 20);
    (void)sweep_asker(s, WHO_AUDITOR);
}

static void
see_off(struct sweep *s, struct guests *g)
{
    for (int i = 0; i < WHO_COUNT; i++)
        asker_close(&s->asker[i]);
    reply_free(&g->watch);
    reply_free(&g->upload);
    buf_free(&g->empty);
    buf_free(&g->rows);
}

/* All of it together: GOAWAY, the watch's end, the grace, and the close. */
static void
drain(struct sweep *s)
{
    host_ask_to_end(&s->host);
    for (int i = 0; i < 100 && !host_ended(&s->host, 5); i++)
        for (int who = 0; who < WHO_COUNT; who++)
            if (s->asker[who].fd >= 0)
                (void)asker_is_open(&s->asker[who]);
}

static int
drain_at_point(struct sweep *s, const void *cookie)
{
    struct guests guests;
    long failed;

    (void)cookie;
    sweep_up(s);
    invite(s, &guests);
    sweep_arm(s);
    drain(s);
    failed = memory_disarm();
    if (!host_ended(&s->host, END_MS)) {
        sweep_problem(s, "does not end");
        exit(EXIT_FAILURE);
    }
    see_off(s, &guests);
    check_leaks_now_and_then(s);
    return (failed > 0);
}

void
sweep_drains(struct sweep *s)
{
    struct guests guests;
    long asked;

    if (!sweep_wants(s, "drain"))
        return;
    s->path = "drain";
    sweep_up(s);
    invite(s, &guests);
    memory_arm(-1, MEMORY_ONCE);
    drain(s);
    asked = memory_asked();
    (void)memory_disarm();
    see_off(s, &guests);
    sweep_down(s);
    sweep_path(s, "drain", asked, 30, drain_at_point, NULL);
    sweep_leaks(s);
}
