#include "fault/sweep.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "fault/question.h"

/* What an upload was told, or what is told of it. */
struct outcome {
    int told;                   /* the summary came */
    int repeated;
    int64_t events;
    size_t openings;
    char id[64];                /* of the publication */
};

static void
take_summary(struct outcome *o, const Vouch__V1__Publication *summary)
{
    if (summary == NULL)
        return;
    o->told = 1;
    o->events = summary->event_count;
    (void)snprintf(o->id, sizeof(o->id), "%s", summary->publication_id);
}

static struct outcome
read_outcome(struct slice body)
{
    struct outcome o = {0};
    struct slice message;

    for (size_t i = 0; (message = question_message(body, i)).p != NULL; i++) {
        Vouch__V1__PublishCredentialsResponse *m =
            vouch__v1__publish_credentials_response__unpack(NULL, message.n,
            message.p);

        if (m == NULL)
            continue;
        o.openings += m->n_openings;
        o.repeated |= m->repeated_request;
        take_summary(&o, m->summary);
        vouch__v1__publish_credentials_response__free_unpacked(m, NULL);
    }
    return (o);
}

/* What GetPublication tells; ->told is 0 if the upload is not there. */
static struct outcome
look_up(struct sweep *s)
{
    Vouch__V1__GetPublicationResponse *m;
    struct outcome o = {0};
    struct buf request;
    struct slice message;
    struct reply r;
    int code;

    buf_init(&request, 1024);
    question_write_get(s->serial, &request);
    code = sweep_ask(s, WHO_ASSOCIATION, QUESTION_GET, buf_slice(&request),
        &r);
    message = question_message(buf_slice(&r.body), 0);
    if (code == 0 && (m = vouch__v1__get_publication_response__unpack(NULL,
        message.n, message.p)) != NULL) {
        take_summary(&o, m->publication);
        vouch__v1__get_publication_response__free_unpacked(m, NULL);
    } else if (code != 5) {
        sweep_problem(s, "GetPublication: code %d", code);
    }
    reply_free(&r);
    buf_free(&request);
    return (o);
}

/*
 * A commit that failed leaves nobody knowing whether it is on disk; the store
 * then takes nothing more until it is opened anew.  Whoever runs the daemon
 * starts it again.
 */
static int
insist(struct sweep *s, const char *method, struct slice request,
    struct reply *r)
{
    int code = sweep_ask(s, WHO_ASSOCIATION, method, request, r);

    if (code != 14)
        return (code);
    reply_free(r);
    sweep_down(s);
    sweep_up(s);
    s->restarts++;
    return (sweep_ask(s, WHO_ASSOCIATION, method, request, r));
}

static void
check_seen(struct sweep *s)
{
    struct buf request;
    struct reply r;

    buf_init(&request, 1024);
    question_write_claim(s->serial, (int)(s->serial % QUESTION_ROWS),
        &request);
    if (sweep_ask(s, WHO_EMPLOYER, QUESTION_VERIFY, buf_slice(&request),
        &r) != 0 || question_verdict(buf_slice(&r.body)) !=
        VOUCH__V1__VERDICT__VERDICT_CONFIRMED)
        sweep_problem(s, "a row that was acknowledged is not confirmed");
    reply_free(&r);
    buf_free(&request);
}

/* What was told must be so; what was not told may be there, but whole. */
static struct outcome
check_told(struct sweep *s, const struct reply *r)
{
    const struct outcome told = read_outcome(buf_slice(&r->body));
    const struct outcome kept = look_up(s);

    if (r->end == REPLY_ANSWERED && r->code == 0 &&
        (!told.told || told.events != QUESTION_ROWS ||
        told.openings != QUESTION_ROWS))
        sweep_problem(s, "OK, with %d summary, %d events, %d openings",
            told.told, (int)told.events, (int)told.openings);
    if (r->end == REPLY_ANSWERED && r->code > 0 && !sweep_is_refusal(r->code))
        sweep_problem(s, "code %d", r->code);
    if (told.told && (!kept.told || strcmp(told.id, kept.id) != 0))
        sweep_problem(s, "acknowledged, and not there");
    if (kept.told && kept.events != QUESTION_ROWS)
        sweep_problem(s, "there by halves: %d events", (int)kept.events);
    return (kept);
}

/* Once more, with the same request id, makes it be there, once. */
static void
check_again(struct sweep *s, const struct outcome *kept, struct slice request)
{
    struct outcome again;
    struct reply r;

    if (insist(s, QUESTION_PUBLISH, request, &r) != 0)
        sweep_problem(s, "once more: code %d", r.code);
    again = read_outcome(buf_slice(&r.body));
    if (!again.told || again.events != QUESTION_ROWS ||
        (kept->told && (!again.repeated || strcmp(again.id, kept->id) != 0)))
        sweep_problem(s, "once more: %d summary, %d events, repeated: %d",
            again.told, (int)again.events, again.repeated);
    reply_free(&r);
    check_seen(s);
    s->uploads++;
}

static int
publish_at_point(struct sweep *s, const void *cookie)
{
    struct outcome kept;
    struct buf request;
    struct reply r;
    int failed;

    (void)cookie;
    buf_init(&request, 65536);
    question_write_upload(++s->serial, &request);
    failed = sweep_ask_at_point(s, WHO_ASSOCIATION, QUESTION_PUBLISH,
        buf_slice(&request), 0, &r);
    kept = check_told(s, &r);
    check_again(s, &kept, buf_slice(&request));
    reply_free(&r);
    buf_free(&request);
    return (failed);
}

static void
check_store(struct sweep *s)
{
    int64_t events, wanted = QUESTION_BASE_EVENTS +
        (int64_t)s->uploads * QUESTION_ROWS;

    sweep_down(s);
    if (host_check(&s->host) != E_OK)
        sweep_problem(s, "the index and the log differ");
    if ((events = host_events(&s->host)) != wanted)
        sweep_problem(s, "%lld events in the log, not %lld",
            (long long)events, (long long)wanted);
    sweep_leaks(s);
}

void
sweep_publications(struct sweep *s)
{
    long asked;

    if (!sweep_wants(s, "publish"))
        return;
    s->path = "publish";
    s->at = -1;
    sweep_up(s);
    (void)publish_at_point(s, NULL);        /* what is made once is made */
    (void)publish_at_point(s, NULL);
    asked = memory_asked();
    sweep_path(s, "publish", asked, 250, publish_at_point, NULL);
    check_store(s);
}

/* ---- declarations ------------------------------------------------------ */

static int
declare_at_point(struct sweep *s, const void *cookie)
{
    struct buf request;
    struct reply first, again;
    int failed;

    (void)cookie;
    buf_init(&request, 1024);
    s->serial++;
    question_write_declaration(s->serial, clock_wall_us(), &request);
    failed = sweep_ask_at_point(s, WHO_ASSOCIATION, QUESTION_DECLARE,
        buf_slice(&request), 0, &first);
    if (first.end == REPLY_ANSWERED && first.code > 0 &&
        !sweep_is_refusal(first.code))
        sweep_problem(s, "code %d", first.code);
    if (insist(s, QUESTION_DECLARE, buf_slice(&request), &again) != 0)
        sweep_problem(s, "once more: code %d", again.code);
    if (first.end == REPLY_ANSWERED && first.code == 0 &&
        !slice_equal(buf_slice(&first.body), buf_slice(&again.body)))
        sweep_problem(s, "acknowledged, and not the same once more");
    reply_free(&first);
    reply_free(&again);
    buf_free(&request);
    return (failed);
}

void
sweep_declarations(struct sweep *s)
{
    long asked;

    if (!sweep_wants(s, "declare"))
        return;
    s->path = "declare";
    s->at = -1;
    sweep_up(s);
    (void)declare_at_point(s, NULL);
    (void)declare_at_point(s, NULL);
    asked = memory_asked();
    sweep_path(s, "declare", asked, 250, declare_at_point, NULL);
    check_store(s);
}
