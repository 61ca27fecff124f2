#include "client/openings_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Room for any line with its line feed, and for many of the usual length. */
#define WINDOW ((size_t)2 * OPENING_LINE_MAX)
#define NEAR 4096                   /* bytes that most lines are below */

/* A piece in order, from its first line that was not taken yet. */
struct run {
    int64_t at, end;                /* bytes in the file */
    int64_t number;                 /* of the line there */
    int64_t index;                  /* its index */
};

struct openings_reader {
    int fd;                         /* owned */
    struct run *runs;               /* owned; a heap, the lowest in front */
    size_t nruns, size;
    int64_t count, first, last;
    int half;
    uint8_t *window;                /* owned; WINDOW bytes */
    int64_t held;                   /* it holds the line there; -1: none */
    size_t length;                  /* of that line */
    int taken;                      /* the foremost run's line was */
};

/* ---- the heap ---------------------------------------------------------- */

static int
before(const struct run *a, const struct run *b)
{
    return (a->index < b->index ||
        (a->index == b->index && a->number < b->number));
}

static void
sink(struct openings_reader *r, size_t i)
{
    for (;;) {
        size_t least = i;
        struct run kept;

        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
            if (child < r->nruns && before(&r->runs[child], &r->runs[least]))
                least = child;
        if (least == i)
            return;
        kept = r->runs[i];
        r->runs[i] = r->runs[least];
        r->runs[least] = kept;
        i = least;
    }
}

/* ---- the first reading ------------------------------------------------- */

static enum err
begin_run(struct openings_reader *r, int64_t at, int64_t index)
{
    struct run *runs;

    if (r->nruns == r->size) {
        size_t size = r->size == 0 ? 8 : 2 * r->size;

        if ((runs = realloc(r->runs, size * sizeof(*runs))) == NULL)
            return (E_NOMEM);
        r->runs = runs;
        r->size = size;
    }
    r->runs[r->nruns++] = (struct run){.at = at, .number = r->count + 1,
        .index = index};
    return (E_OK);
}

/* The line in front has the index ${in_front}. */
static enum err
note_line(struct openings_reader *r, int64_t at, int64_t end, int64_t index,
    int64_t in_front)
{
    enum err err;

    if ((r->nruns == 0 || index < in_front) &&
        (err = begin_run(r, at, index)) != E_OK)
        return (err);
    r->runs[r->nruns - 1].end = end;
    r->count++;
    if (r->first < 0 || index < r->first)
        r->first = index;
    if (index > r->last)
        r->last = index;
    return (E_OK);
}

static ssize_t
read_at(int fd, uint8_t *to, size_t n, int64_t at)
{
    ssize_t got;

    do {
        got = pread(fd, to, n, (off_t)at);
    } while (got < 0 && errno == EINTR);
    return (got);
}

/* What stands behind the last line feed. */
static enum err
note_rest(struct openings_reader *r, struct slice rest)
{
    int64_t index;

    r->half = rest.n > 0;
    while (rest.n > 0 && rest.p[rest.n - 1] == '\0')
        rest.n--;
    return (opening_line_scan(rest, &index) != OPENING_LINE_NONE ? E_OK :
        E_CORRUPT);
}

/* Every line of the file; E_CORRUPT is line r->count + 1. */
static enum err
survey(struct openings_reader *r)
{
    int64_t at = 0;             /* of the window in the file */
    int64_t index = -1, in_front;
    size_t n = 0;               /* bytes in it */
    enum err err;
    ssize_t got;

    while ((got = read_at(r->fd, r->window + n, WINDOW - n,
        at + (int64_t)n)) > 0) {
        size_t done = 0;
        uint8_t *feed;

        n += (size_t)got;
        while ((feed = memchr(r->window + done, '\n', n - done)) != NULL) {
            const size_t length = (size_t)(feed - r->window) - done;

            in_front = index;
            if (opening_line_scan((struct slice){r->window + done, length},
                &index) != OPENING_LINE_WHOLE)
                return (E_CORRUPT);
            if ((err = note_line(r, at + (int64_t)done,
                at + (int64_t)(done + length + 1), index, in_front)) != E_OK)
                return (err);
            done += length + 1;
        }
        if (done == 0 && n == WINDOW)
            return (E_CORRUPT);
        memmove(r->window, r->window + done, n - done);
        n -= done;
        at += (int64_t)done;
    }
    return (got < 0 ? E_IO : note_rest(r, (struct slice){r->window, n}));
}

enum err
openings_reader_open(const char *path, int ours,
    struct openings_reader **reader, char *why, size_t size)
{
    struct openings_reader *r = calloc(1, sizeof(*r));
    enum err err = E_NOMEM;

    *reader = NULL;
    if (size > 0)
        why[0] = '\0';
    if (r == NULL)
        return (E_NOMEM);
    r->first = r->last = r->held = -1;
    r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if ((r->window = malloc(WINDOW)) == NULL)
        goto out;
    if (r->fd < 0 || (!ours && flock(r->fd, LOCK_SH | LOCK_NB) != 0)) {
        (void)snprintf(why, size, "%s", r->fd >= 0 && errno == EWOULDBLOCK ?
            "another vouch is writing to it" : strerror(errno));
        err = E_IO;
        goto out;
    }
    err = survey(r);
    if (err == E_CORRUPT)
        (void)snprintf(why, size, "line %" PRId64 " is not an opening",
            r->count + 1);
    else if (err == E_IO)
        (void)snprintf(why, size, "%s", strerror(errno));
    if (err != E_OK)
        goto out;
    for (size_t i = r->nruns / 2; i-- > 0;)
        sink(r, i);

    *reader = r;
    r = NULL;

out:
    openings_reader_free(r);
    return (err);
}

int64_t
openings_reader_count(const struct openings_reader *r)
{
    return (r->count);
}

int64_t
openings_reader_first(const struct openings_reader *r)
{
    return (r->first);
}

int64_t
openings_reader_last(const struct openings_reader *r)
{
    return (r->last);
}

int
openings_reader_half(const struct openings_reader *r)
{
    return (r->half);
}

/* ---- the second -------------------------------------------------------- */

/* The line at ${at}: most are found with one small read, or are there. */
static enum err
read_line(struct openings_reader *r, int64_t at, struct slice *text,
    int64_t *index)
{
    uint8_t *feed = NULL;
    size_t n = 0;

    while (r->held != at && feed == NULL) {
        ssize_t got = n == WINDOW ? 0 : read_at(r->fd, r->window + n,
            n == 0 ? NEAR : WINDOW - n, at + (int64_t)n);

        r->held = -1;
        if (got <= 0)
            return (got < 0 ? E_IO : E_CORRUPT);
        if ((feed = memchr(r->window + n, '\n', (size_t)got)) != NULL) {
            r->length = (size_t)(feed - r->window);
            r->held = at;
        }
        n += (size_t)got;
    }
    *text = (struct slice){r->window, r->length};
    return (opening_line_scan(*text, index) == OPENING_LINE_WHOLE ? E_OK :
        E_CORRUPT);
}

/* Move the foremost run behind the line that was taken from it. */
static enum err
move_on(struct openings_reader *r)
{
    struct run *run = &r->runs[0];
    struct slice text;
    int64_t index = 0;
    enum err err;

    r->taken = 0;
    run->at += (int64_t)r->length + 1;
    run->number++;
    if (run->at >= run->end) {
        *run = r->runs[--r->nruns];
    } else {
        if ((err = read_line(r, run->at, &text, &index)) != E_OK)
            return (err);
        if (index < run->index)
            return (E_CORRUPT);
        run->index = index;
    }
    sink(r, 0);
    return (E_OK);
}

enum err
openings_reader_next(struct openings_reader *r, struct openings_line *line)
{
    enum err err;

    if (r->taken && (err = move_on(r)) != E_OK)
        return (err);
    if (r->nruns == 0)
        return (E_NOTFOUND);
    line->number = r->runs[0].number;
    err = read_line(r, r->runs[0].at, &line->text, &line->log_index);
    if (err != E_OK)
        return (err);
    r->taken = 1;
    return (line->log_index == r->runs[0].index ? E_OK : E_CORRUPT);
}

void
openings_reader_free(struct openings_reader *r)
{
    if (r == NULL)
        return;
    if (r->fd >= 0)
        (void)close(r->fd);
    free(r->runs);
    free(r->window);
    free(r);
}
