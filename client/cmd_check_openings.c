#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/command.h"
#include "client/error.h"
#include "client/event_pages.h"
#include "client/json.h"
#include "client/openings_file.h"
#include "client/openings_reader.h"
#include "client/progress.h"
#include "client/table.h"

const struct flag check_openings_flags[] = {
    {"association", "ID", "whose: the association of your certificate"},
    {"from-index", "I", "the file should hold all from this index of the log "
        "on\n(its first)"},
    {"complete", NULL, "add what is missing"},
    {NULL, NULL, NULL},
};

struct checking {
    const struct invocation *run;
    const char *path;
    struct openings_file *file;     /* owned; NULL: nothing is added */
    struct openings_reader *reader; /* owned */
    struct event_pages pages;
    struct buf line;                /* of the event that is compared */
    struct progress progress;
    struct vouch_error error;
    int64_t from;                   /* index in the log */

    /* What the file says next; log_index -1: nothing any more. */
    struct openings_line kept;

    int64_t checked;                /* lines that are served unchanged */
    int64_t missing;                /* events that are not in the file */
    int64_t missing_first;          /* the first of them */
    int64_t after;                  /* of these, behind all that is kept */
    int64_t last;                   /* the last event that is served */
};

/* ---- what differs ------------------------------------------------------ */

/* Say what differs, and what that may mean. */
__attribute__((format(printf, 2, 3))) static int
differs(struct checking *c, const char *format, ...)
{
    va_list args;

    (void)progress_end(&c->progress);
    fprintf(stderr, "vouch publication check-openings: ");
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n  -> either the file was changed, or the register: "
        "keep both as they are, and ask the operator and an auditor\n");
    return (VOUCH_EXIT_EVIDENCE);
}

static int
reading_failed(struct checking *c, enum err err)
{
    if (err == E_CORRUPT)
        return (differs(c, "%s was changed while it was read", c->path));
    return (bug_error(c->run, "cannot read %s: %s", c->path,
        err == E_IO ? strerror(errno) : err_text(err)));
}

/* Take the next line of the file that is asked about. */
static int
next_kept(struct checking *c)
{
    enum err err;

    do {
        err = openings_reader_next(c->reader, &c->kept);
    } while (err == E_OK && c->kept.log_index < c->from);
    if (err == E_NOTFOUND)
        c->kept.log_index = -1;
    return (err == E_OK || err == E_NOTFOUND ? 0 : reading_failed(c, err));
}

/* ---- one event --------------------------------------------------------- */

static int
add_missing(struct checking *c, const struct opening *opening)
{
    if (c->missing++ == 0)
        c->missing_first = opening->log_index;
    c->after += opening->log_index > openings_reader_last(c->reader);
    if (c->file == NULL)
        return (0);
    return (openings_file_add(c->file, opening) == E_OK ? 0 :
        bug_error(c->run, "out of memory"));
}

/*
 * The same text is the same index, salt and bytes; and that the leaf follows
 * from them, event_pages_next() has seen.
 */
static int
compare(struct checking *c)
{
    int64_t index = c->kept.log_index;
    int status;

    while (c->kept.log_index == index) {
        if (!slice_equal(c->kept.text, buf_slice(&c->line)))
            return (differs(c, "%s:%" PRId64 ": log entry %" PRId64
                " is not what the server has", c->path, c->kept.number,
                index));
        c->checked++;
        if ((status = next_kept(c)) != 0)
            return (status);
    }
    return (0);
}

static int
not_served(struct checking *c)
{
    return (differs(c, "%s:%" PRId64 ": the server has no event of yours at "
        "log entry %" PRId64, c->path, c->kept.number, c->kept.log_index));
}

static int
take_event(struct checking *c, const Vouch__V1__Opening *o)
{
    const struct opening opening = {.log_index = o->log_index,
        .salt = o->salt.data, .event = {o->event.data, o->event.len}};
    int64_t count = openings_reader_count(c->reader);
    enum err err;

    c->last = o->log_index;
    progress_show(&c->progress, c->checked + c->missing, 0,
        count > 0 && c->missing == 0 ?
        (double)c->checked / (double)count : -1);
    if (c->kept.log_index >= 0 && c->kept.log_index < o->log_index)
        return (not_served(c));
    if (c->kept.log_index != o->log_index)
        return (add_missing(c, &opening));
    if ((err = opening_line_put(&opening, &c->line)) != E_OK)
        return (bug_error(c->run, "%s", err_text(err)));
    return (compare(c));
}

static int
check_all(struct checking *c)
{
    const Vouch__V1__ListedEvent *event;
    int got, status;

    if ((status = next_kept(c)) != 0)
        return (status);
    while ((got = event_pages_next(&c->pages, &event, &c->error)) == 1)
        if ((status = take_event(c, event->opening)) != 0)
            return (status);
    if (got != 0) {
        (void)progress_end(&c->progress);
        return (report_error(c->run, &c->error));
    }
    return (c->kept.log_index >= 0 ? not_served(c) : 0);
}

/* ---- the result -------------------------------------------------------- */

static int
print_json(const struct checking *c)
{
    json_int_t added = c->file != NULL ? c->missing : 0;

    /* Numbers as text, as ProtoJSON has those of 64 bits. */
    char texts[5][24];
    const int64_t numbers[5] = {c->checked, c->missing - added, added,
        c->from, c->last};

    for (size_t i = 0; i < 5; i++)
        (void)snprintf(texts[i], sizeof(texts[i]), "%" PRId64, numbers[i]);
    return (json_print_value(stdout, json_pack("{s:s, s:s, s:s, s:s, s:s}",
        "checked", texts[0], "missing", texts[1], "added", texts[2],
        "fromIndex", texts[3], "lastIndex", texts[4]),
        c->run->output == OUTPUT_JSONL));
}

static int
print(const struct checking *c)
{
    int64_t added = c->file != NULL ? c->missing : 0;

    switch (c->run->output) {
    case OUTPUT_JSON:
    case OUTPUT_JSONL:
        return (print_json(c));
    case OUTPUT_CSV:
        printf("checked,missing,added,from_index,last_index\n%" PRId64 ",%"
            PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n", c->checked,
            c->missing - added, added, c->from, c->last);
        return (0);
    case OUTPUT_TABLE:
    default:
        printf("openings checked %" PRId64 ", missing %" PRId64 ", added %"
            PRId64 ", from log entry %" PRId64 " on\n", c->checked,
            c->missing - added, added, c->from);
        return (0);
    }
}

/* What lies between kept ones must be there; what came later may be late. */
static int
judge(struct checking *c)
{
    if (c->missing == 0 || c->file != NULL)
        return (VOUCH_EXIT_YES);
    fprintf(stderr, "vouch publication check-openings: %s lacks %" PRId64
        " of your events, the first at log entry %" PRId64 "\n"
        "  -> an upload without --openings, or one that was cut off: "
        "'vouch event list --from-index %" PRId64 "' shows what they say; if "
        "they are yours, add them with --complete\n", c->path, c->missing,
        c->missing_first, c->missing_first);
    return (c->missing > c->after ? VOUCH_EXIT_EVIDENCE : VOUCH_EXIT_PARTLY);
}

/* ---- setting up -------------------------------------------------------- */

static int
open_file(struct checking *c)
{
    const char *path = c->path;
    char why[256];
    enum err err;

    if (flag_value(c->run, "complete") != NULL &&
        openings_file_open(path, &c->file, why, sizeof(why)) != 0)
        return (usage_error(c->run, "cannot add to %s: %s", path, why));
    err = openings_reader_open(path, c->file != NULL, &c->reader, why,
        sizeof(why));
    if (err == E_CORRUPT)
        return (differs(c, "%s: %s", path, why));
    if (err != E_OK)
        return (err == E_NOMEM ? bug_error(c->run, "out of memory") :
            usage_error(c->run, "cannot read %s: %s", path, why));
    if (!c->run->quiet && (openings_reader_half(c->reader) ||
        (c->file != NULL && openings_file_mended(c->file) > 0)))
        fprintf(stderr, "note: %s ends in half a line: an upload was cut "
            "off\n", path);
    return (0);
}

static int
set_range(struct checking *c)
{
    int64_t first = openings_reader_first(c->reader);
    int status;

    c->from = first < 0 ? 0 : first;
    if ((status = flag_number(c->run, "from-index", &c->from)) != 0)
        return (status);
    c->pages.request.association_id =
        (char *)(uintptr_t)flag_value(c->run, "association");
    c->pages.request.from_log_index = c->from;
    c->last = c->from - 1;
    return (0);
}

static int
run_check(struct checking *c)
{
    int status;

    if (flag_value(c->run, "association") == NULL)
        return (usage_error(c->run, "--association is needed"));
    if ((status = open_file(c)) != 0 || (status = set_range(c)) != 0)
        return (status);
    if (vouch_open(&c->run->options, &c->pages.vouch, &c->error) != 0)
        return (report_error(c->run, &c->error));
    if ((status = check_all(c)) != 0)
        return (status);
    (void)progress_end(&c->progress);
    if (print(c) != 0)
        return (bug_error(c->run, "out of memory"));
    return (judge(c));
}

int
cmd_check_openings(const struct invocation *run)
{
    struct checking c = {.run = run, .path = run->words[0],
        .pages = {.request = VOUCH__V1__LIST_EVENTS_REQUEST__INIT},
        .kept = {.log_index = -1}};
    int status;

    buf_init(&c.line, OPENING_LINE_MAX);
    progress_begin(&c.progress, "openings", run->quiet);
    status = run_check(&c);
    if (openings_file_close(c.file) != 0) {
        fprintf(stderr, "vouch publication check-openings: could not write "
            "all of %s: %s\n  -> make room, and run it again\n", c.path,
            strerror(errno));
        status = status == VOUCH_EXIT_YES ? VOUCH_EXIT_PARTLY : status;
    }
    openings_reader_free(c.reader);
    event_pages_free(&c.pages);
    vouch_close(c.pages.vouch);
    buf_free(&c.line);
    return (status);
}
