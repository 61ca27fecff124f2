#include "client/feedback.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/error.h"
#include "client/table.h"
#include "proto/bytes.h"

#define SALT_BYTES 16
#define SHOWN_MAX 10        /* rejects on the screen */

/* ---- the files --------------------------------------------------------- */

static int
is_same_file(const char *path, FILE *in)
{
    struct stat a, b;

    return (stat(path, &a) == 0 && fstat(fileno(in), &b) == 0 &&
        S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

static int
open_for_writing(const struct invocation *run, const char *flag, FILE *in,
    FILE **f)
{
    const char *path = flag_value(run, flag);

    if (path == NULL)
        return (0);
    if (is_same_file(path, in))
        return (usage_error(run,
            "--%s would overwrite the upload itself, %s", flag, path));
    if ((*f = fopen(path, "we")) == NULL)
        return (usage_error(run, "cannot write %s, named by --%s: %s", path,
            flag, strerror(errno)));
    return (0);
}

int
feedback_open(struct feedback *f, FILE *in)
{
    int status;

    if ((status = open_for_writing(f->run, "rejects", in,
            &f->rejects)) != 0 ||
        (status = open_for_writing(f->run, "openings", in,
            &f->openings)) != 0)
        return (status);
    if (f->rejects != NULL)
        fputs("line,field,reason,description\n", f->rejects);
    return (0);
}

static int
close_file(const struct invocation *run, FILE *file, const char *flag,
    int status)
{
    int failed;

    if (file == NULL)
        return (status);
    failed = ferror(file);
    if (fclose(file) == 0 && !failed)
        return (status);
    fprintf(stderr, "vouch publish: could not write all of %s\n"
        "  -> what is published stays published; make room before the next "
        "upload\n", flag_value(run, flag));
    return (status == VOUCH_EXIT_YES ? VOUCH_EXIT_PARTLY : status);
}

int
feedback_close(struct feedback *f, int status)
{
    status = close_file(f->run, f->rejects, "rejects", status);
    status = close_file(f->run, f->openings, "openings", status);
    if (f->last != NULL)
        vouch_free_message(&f->last->base);
    f->last = NULL;
    return (status);
}

/* ---- what they are told ------------------------------------------------ */

static void
write_reject(FILE *f, int64_t line, const char *field, const char *reason,
    const char *description)
{
    fprintf(f, "%" PRId64 ",", line);
    table_put_csv(f, field);
    fputc(',', f);
    table_put_csv(f, reason);
    fputc(',', f);
    table_put_csv(f, description);
    fputc('\n', f);
}

static void
show_reject(struct feedback *f, int64_t line, const char *field,
    const char *reason, const char *description)
{
    (void)progress_end(f->progress);
    fprintf(stderr, "%s:%" PRId64 ": ", f->path, line);
    table_put(stderr, field);
    fprintf(stderr, "%s", field[0] != '\0' ? ": " : "");
    table_put(stderr, description);
    fprintf(stderr, " (");
    table_put(stderr, reason);
    fprintf(stderr, ")\n%s", f->rejected == SHOWN_MAX ?
        "(more are not shown; --rejects FILE writes them all)\n" : "");
}

void
feedback_reject(struct feedback *f, int64_t line, const char *field,
    const char *reason, const char *description)
{
    for (int64_t l = line; l != 0; l = source_next_line(f->source, l)) {
        f->rejected++;
        f->rejected_folded += l != line;
        if (f->rejects != NULL)
            write_reject(f->rejects, l, field, reason, description);
        else if (!f->run->quiet && f->rejected <= SHOWN_MAX)
            show_reject(f, l, field, reason, description);
    }
}

static int
write_opening(FILE *f, const Vouch__V1__Opening *opening,
    struct vouch_error *error)
{
    char *event, salt[2 * SALT_BYTES + 1];

    if (opening->salt.len != SALT_BYTES)
        return (error_nonsense(error, "the salt of an opening is not of 16 "
            "bytes"));
    if ((event = malloc(opening->event.len * 2 + 1)) == NULL)
        return (error_memory(error));
    bytes_to_hex((struct slice){opening->event.data, opening->event.len},
        event);
    bytes_to_hex((struct slice){opening->salt.data, SALT_BYTES}, salt);
    fprintf(f, "{\"logIndex\":\"%" PRId64 "\",\"salt\":\"%s\","
        "\"event\":\"%s\"}\n", opening->log_index, salt, event);
    free(event);
    return (0);
}

int
feedback_take(struct feedback *f,
    Vouch__V1__PublishCredentialsResponse *response,
    struct vouch_error *error)
{
    int status = 0;

    for (size_t i = 0; i < response->n_rejects; i++)
        feedback_reject(f, response->rejects[i]->line,
            source_column(f->source, response->rejects[i]->field),
            response->rejects[i]->reason,
            response->rejects[i]->description);
    for (size_t i = 0; i < response->n_openings && status == 0 &&
        f->openings != NULL; i++)
        status = write_opening(f->openings, response->openings[i], error);
    if (response->summary != NULL && f->last == NULL)
        f->last = response;
    else
        vouch_free_message(&response->base);
    return (status);
}
