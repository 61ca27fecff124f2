/*
 * Memory faults in the whole daemon.  Of every path (start, handshake, each
 * kind of request, upload, declaration, drain) each allocation is failed once,
 * and then once more with all that follow it failing too.  The daemon must not
 * crash or leak; it answers right, or with an error that says "later", or
 * hangs up; and as soon as there is memory the same request succeeds.
 *
 * usage: fault_daemon [--full | --limit N] [--path NAME [--point N | --from N]
 *     [--mode once|forever]]
 *
 * Without --full (or VOUCH_FAULT_FULL=1) long paths are sampled, at distances
 * that are always the same, or such that no more than N points of each are
 * tried.  The last line counts the points.
 */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fault/question.h"
#include "fault/sweep.h"
#include "support/tls_client.h"

/* How many points of one question are tried in each mode. */
enum { POINTS_MAX = 250 };

/* A question with its request and its right answer, packed. */
struct asked {
    const struct question *question;
    struct buf request;
    struct buf right;
};

static int
is_right(const struct asked *asked, const struct reply *r)
{
    if (asked->question->watch)
        return (r->body.n >= 5 && question_same(buf_slice(&r->body),
            buf_slice(&asked->right)));
    return (r->end == REPLY_ANSWERED && r->code == asked->question->code &&
        question_same(buf_slice(&r->body), buf_slice(&asked->right)));
}

/* There is memory: nothing but the right answer will do. */
static void
ask_again(struct sweep *s, const struct asked *asked)
{
    const struct question *q = asked->question;
    enum who who = sweep_who(q->who);
    struct reply r;

    if (q->watch) {
        struct asker *a = sweep_asker(s, who);

        asker_send(a, q->method, buf_slice(&asked->request), 0, &r);
        asker_await_message(a, &r, 5000);
        asker_cancel(a, &r);
    } else {
        (void)sweep_ask(s, who, q->method, buf_slice(&asked->request), &r);
    }
    if (!is_right(asked, &r))
        sweep_problem(s, "wrong once there is memory: code %d", r.code);
    reply_free(&r);
}

static int
ask_at_point(struct sweep *s, const void *cookie)
{
    const struct asked *asked = cookie;
    const struct question *q = asked->question;
    struct reply r;
    int failed = sweep_ask_at_point(s, sweep_who(q->who), q->method,
        buf_slice(&asked->request), q->watch, &r);

    if (!is_right(asked, &r)) {
        if (!failed)
            sweep_problem(s, "wrong, though nothing failed");
        if (r.end == REPLY_ANSWERED && !sweep_is_refusal(r.code))
            sweep_problem(s, "wrong: code %d, %zu bytes", r.code, r.body.n);
    }
    reply_free(&r);
    ask_again(s, asked);
    return (failed);
}

/* Learn the right answer, and how many allocations it takes. */
static long
learn(struct sweep *s, struct asked *asked)
{
    const struct question *q = asked->question;
    struct reply r;

    s->at = -1;
    (void)sweep_ask_at_point(s, sweep_who(q->who), q->method,
        buf_slice(&asked->request), q->watch, &r);
    if ((!q->watch && r.code != q->code) || (q->verdict != 0 &&
        question_verdict(buf_slice(&r.body)) != q->verdict)) {
        printf("%s: code %d, verdict %d: not as the test has it\n", q->name,
            r.code, question_verdict(buf_slice(&r.body)));
        exit(EXIT_FAILURE);
    }
    buf_free(&asked->right);
    asked->right = r.body;
    return (memory_asked());
}

static void
sweep_question(struct sweep *s, const struct question *q)
{
    struct asked asked = {.question = q};
    long n;

    if (!sweep_wants(s, q->name))
        return;
    s->path = q->name;
    buf_init(&asked.request, 65536);
    q->write(&asked.request);
    sweep_up(s);
    (void)learn(s, &asked);         /* what is made once is made */
    n = learn(s, &asked);
    sweep_path(s, q->name, n, POINTS_MAX, ask_at_point, &asked);
    sweep_down(s);
    sweep_leaks(s);
    buf_free(&asked.request);
    buf_free(&asked.right);
}

/* What the questions are about; and the libraries are warm. */
static void
publish_base(struct sweep *s)
{
    struct buf request;
    struct reply r;

    s->path = "base";
    buf_init(&request, 65536);
    question_write_base(&request);
    sweep_up(s);
    if (sweep_ask(s, WHO_ASSOCIATION, QUESTION_PUBLISH, buf_slice(&request),
        &r) != 0) {
        printf("the rows to ask about are not taken: code %d\n", r.code);
        exit(EXIT_FAILURE);
    }
    reply_free(&r);
    buf_free(&request);
    sweep_down(s);
    sweep_leaks(s);
}

static void
parse(int argc, char *argv[], struct sweep *s)
{
    static const struct option options[] = {
        {"full", no_argument, NULL, 'f'},
        {"limit", required_argument, NULL, 'l'},
        {"path", required_argument, NULL, 'p'},
        {"point", required_argument, NULL, 'n'},
        {"from", required_argument, NULL, 'o'},
        {"mode", required_argument, NULL, 'm'},
        {NULL, 0, NULL, 0},
    };
    const char *full = getenv("VOUCH_FAULT_FULL");
    int option;

    s->full = full != NULL && strcmp(full, "1") == 0;
    s->point = s->mode = -1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (option) {
        case 'f': s->full = 1; break;
        case 'l': s->limit = strtol(optarg, NULL, 10); break;
        case 'p': s->only = optarg; break;
        case 'n': s->point = strtol(optarg, NULL, 10); break;
        case 'o': s->from = strtol(optarg, NULL, 10); break;
        case 'm': s->mode = strcmp(optarg, "forever") == 0; break;
        default:
            fputs("usage: fault_daemon [--full | --limit N] [--path NAME "
                "[--point N | --from N] [--mode once|forever]]\n", stderr);
            exit(2);
        }
    if (s->point >= 0)
        memory_trace();
}

int
main(int argc, char *argv[])
{
    static struct sweep s;
    static const char *const who[WHO_COUNT] = {"employer", "association",
        "auditor", "admin"};

    memory_install();
    memory_exempt();
    (void)signal(SIGPIPE, SIG_IGN);
    parse(argc, argv, &s);
    clock_set_wall(clock_wall_us());    /* answers are the same for ever */
    host_init(&s.host);
    host_move(&s.host);
    for (int i = 0; i < WHO_COUNT; i++) {
        s.ctx[i] = tls_client_ctx(s.host.pki, who[i]);
        s.asker[i].fd = -1;
    }
    publish_base(&s);

    for (size_t i = 0; i < question_count; i++)
        sweep_question(&s, &questions[i]);
    sweep_publications(&s);
    sweep_declarations(&s);
    sweep_handshakes(&s);
    sweep_drains(&s);
    sweep_starts(&s);

    for (int i = 0; i < WHO_COUNT; i++)
        SSL_CTX_free(s.ctx[i]);
    host_free(&s.host);
    printf("memory faults: %ld points, of %ld allocations in two ways; the "
        "store was opened anew %lu times; %ld problems\n", s.points, s.total,
        s.restarts, s.problems);
    return (s.problems == 0 && s.points > 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
