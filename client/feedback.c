#include "client/feedback.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/error.h"
#include "client/table.h"
#include "proto/bytes.h"

#define SHOWN_MAX 10        /* rejects on the screen */

/* ---- the files --------------------------------------------------------- */

static int
is_same_file(const char *path, FILE *in)
{
    struct stat a, b;

    return (stat(path, &a) == 0 && fstat(fileno(in), &b) == 0 &&
        S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/* Read --${flag} into ${*path}; NULL: it was not there. */
static int
find_path(const struct invocation *run, const char *flag, FILE *in,
    const char **path)
{
    *path = flag_value(run, flag);
    if (*path != NULL && is_same_file(*path, in))
        return (usage_error(run,
            "--%s would overwrite the upload itself, %s", flag, *path));
    return (0);
}

static int
cannot_write(const struct invocation *run, const char *path,
    const char *flag, const char *why)
{
    return (usage_error(run, "cannot write %s, named by --%s: %s", path,
        flag, why));
}

static int
open_openings(struct feedback *f, const char *path)
{
    char why[256];

    if (openings_file_open(path, &f->openings, why, sizeof(why)) != 0)
        return (cannot_write(f->run, path, "openings", why));
    if (openings_file_mended(f->openings) > 0 && !f->run->quiet)
        fprintf(stderr, "note: %s ended in half a line, which was taken away; "
            "see 'vouch help publication check-openings'\n", path);
    return (0);
}

int
feedback_open(struct feedback *f, FILE *in)
{
    const char *rejects, *openings;
    int status;

    if ((status = find_path(f->run, "rejects", in, &rejects)) != 0 ||
        (status = find_path(f->run, "openings", in, &openings)) != 0)
        return (status);
    if (flag_value(f->run, "dry-run") != NULL)
        openings = NULL;            /* there are none, and nothing changes */
    if (rejects != NULL && (f->rejects = fopen(rejects, "we")) == NULL)
        return (cannot_write(f->run, rejects, "rejects", strerror(errno)));
    if (openings != NULL && (status = open_openings(f, openings)) != 0)
        return (status);
    if (f->rejects != NULL)
        fputs("line,field,reason,description\n", f->rejects);
    return (0);
}

static int
close_rejects(struct feedback *f, int status)
{
    int failed;

    if (f->rejects == NULL)
        return (status);
    failed = ferror(f->rejects);
    if (fclose(f->rejects) == 0 && !failed)
        return (status);
    fprintf(stderr, "vouch publish: could not write all of %s\n"
        "  -> what is published stays published; make room before the next "
        "upload\n", flag_value(f->run, "rejects"));
    return (status == VOUCH_EXIT_YES ? VOUCH_EXIT_PARTLY : status);
}

static int
close_openings(struct feedback *f, int status)
{
    if (openings_file_close(f->openings) == 0)
        return (status);
    fprintf(stderr, "vouch publish: could not write all of %s: %s\n"
        "  -> what is published stays published; make room, and add what is "
        "missing with 'vouch publication check-openings --complete'\n",
        flag_value(f->run, "openings"), strerror(errno));
    return (status == VOUCH_EXIT_YES ? VOUCH_EXIT_PARTLY : status);
}

int
feedback_close(struct feedback *f, int status)
{
    status = close_rejects(f, status);
    status = close_openings(f, status);
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
        outcome_count(&f->rejects_by, reason);
        if (f->rejects != NULL)
            write_reject(f->rejects, l, field, reason, description);
        else if (!f->run->quiet && f->rejected <= SHOWN_MAX)
            show_reject(f, l, field, reason, description);
    }
}

void
feedback_reject_here(struct feedback *f, int64_t line,
    const struct rows_fault *fault, int told)
{
    int64_t before = f->rejected;

    if (strcmp(fault->reason, "FIELD_MISSING") == 0) {
        if (strcmp(fault->column, source_column(f->source, "name")) == 0)
            f->rejects_by.without_family_name++;
        else if (!told && strcmp(fault->column,
            source_column(f->source, "number")) == 0)
            f->rejects_by.without_number++;
    }
    feedback_reject(f, line, fault->column, fault->reason,
        fault->description);
    f->rejected_here += f->rejected - before;
}

static int
write_opening(struct openings_file *file, const Vouch__V1__Opening *opening,
    struct vouch_error *error)
{
    const struct opening kept = {.log_index = opening->log_index,
        .salt = opening->salt.data,
        .event = {opening->event.data, opening->event.len}};
    enum err err = E_INVAL;

    if (opening->salt.len == LEAF_SALT)
        err = openings_file_add(file, &kept);
    if (err == E_NOMEM)
        return (error_memory(error));
    return (err == E_OK ? 0 : error_nonsense(error,
        "the server sent an opening that opens nothing"));
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
