#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/command.h"
#include "client/error.h"
#include "client/progress.h"
#include "client/publication.h"
#include "client/rows.h"
#include "client/table.h"
#include "proto/bytes.h"
#include "proto/civil.h"
#include "proto/csv_reader.h"
#include "proto/uuid.h"

/* A message of an upload stays well below what a server takes. */
#define BATCH_ROWS 500
#define BATCH_BYTES 49152
#define BATCH_MEMORY ((size_t)8 << 20)

/* Committing much takes a while, during which the server is silent. */
#define SILENCE_MS 600000

const struct flag publish_flags[] = {
    {"association", "ID", "for whom: the association of your certificate"},
    {"mode", "delta", "what absence from the file means: nothing"},
    {"rejects", "FILE", "write each line not taken, with the reason, as CSV"},
    {"openings", "FILE", "write what opens each log entry, as JSON lines"},
    {"extracted-at", "TIME", "when the file was taken from your system, "
        "RFC 3339"},
    {"request-id", "UUID", "of an upload whose outcome is not known: run it "
        "again"},
    {NULL, NULL, NULL},
};

struct upload {
    const struct invocation *run;
    const char *path;
    FILE *in;                       /* owned unless stdin */
    double size;                    /* of the file; 0: not known */
    double taken;                   /* bytes read */
    FILE *rejects;                  /* owned */
    FILE *openings;                 /* owned */
    struct vouch *vouch;            /* owned */
    struct arena *arena;            /* owned */
    struct csv_reader *reader;      /* owned */
    struct rows_header header;
    int has_header;
    Vouch__V1__PublicationHeader head;
    char request_id[UUID_TEXT];
    int begun;                      /* the header has been sent */
    Vouch__V1__CredentialRow *rows[BATCH_ROWS];
    size_t nrows;
    size_t nbytes;
    int64_t sent;
    int64_t rejected;               /* here and by the server */
    int64_t rejected_here;
    int64_t without_status;
    struct progress progress;
    Vouch__V1__Publication *summary;    /* owned by response */
    Vouch__V1__PublishCredentialsResponse *response;    /* owned */
    struct vouch_error error;
    char why[300];                  /* what stopped the reading */
};

/* ---- what comes back --------------------------------------------------- */

static void
put_csv(FILE *f, const char *text)
{
    fputc('"', f);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', f);
        fputc(*text, f);
    }
    fputc('"', f);
}

static void
note_reject(struct upload *u, int64_t line, const char *field,
    const char *reason, const char *description)
{
    u->rejected++;
    if (u->rejects != NULL) {
        fprintf(u->rejects, "%" PRId64 ",%s,%s,", line, field, reason);
        put_csv(u->rejects, description);
        fputc('\n', u->rejects);
    } else if (!u->run->quiet && u->rejected <= 10) {
        char clean[300];

        table_clean(description, clean, sizeof(clean));
        (void)progress_end(&u->progress);
        fprintf(stderr, "%s:%" PRId64 ": %s%s%s (%s)%s\n", u->path, line,
            field, field[0] != '\0' ? ": " : "", clean, reason,
            u->rejected == 10 ? "\n(more are not shown; --rejects FILE "
            "writes them all)" : "");
    }
}

static int
write_opening(struct upload *u, const Vouch__V1__Opening *opening)
{
    size_t size = opening->event.len * 2 + 1;
    char *event = malloc(size), salt[2 * 16 + 1];

    if (event == NULL || opening->salt.len != 16) {
        free(event);
        return (-1);
    }
    bytes_to_hex((struct slice){opening->event.data, opening->event.len},
        event);
    bytes_to_hex((struct slice){opening->salt.data, 16}, salt);
    fprintf(u->openings, "{\"logIndex\":\"%" PRId64 "\",\"salt\":\"%s\","
        "\"event\":\"%s\"}\n", opening->log_index, salt, event);
    free(event);
    return (0);
}

/* The server names fields as messages do; the file's owner knows columns. */
static const char *
column_of(const char *field)
{
    static const struct {
        const char *field;
        enum rows_column column;
    } names[] = {
        {"credential_type_id", ROWS_CREDENTIAL_TYPE},
        {"name.family", ROWS_FAMILY}, {"name.given", ROWS_GIVEN},
        {"name.middle", ROWS_MIDDLE}, {"name.suffix", ROWS_SUFFIX},
        {"periods", ROWS_EXPIRES_ON}, {"raw_status", ROWS_STATUS},
        {"raw_reason", ROWS_STATUS_REASON},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strncmp(field, names[i].field, strlen(names[i].field)) == 0)
            return (strstr(field, "grace") != NULL ?
                rows_columns[ROWS_GRACE_UNTIL] :
                rows_columns[names[i].column]);
    return (field);
}

/* Takes ${response} over.  Returns 0, or -1. */
static int
take_response(struct upload *u,
    Vouch__V1__PublishCredentialsResponse *response)
{
    int status = 0;

    for (size_t i = 0; i < response->n_rejects; i++)
        note_reject(u, response->rejects[i]->line,
            column_of(response->rejects[i]->field),
            response->rejects[i]->reason,
            response->rejects[i]->description);
    for (size_t i = 0; i < response->n_openings && status == 0 &&
        u->openings != NULL; i++)
        status = write_opening(u, response->openings[i]);
    if (response->summary != NULL && u->response == NULL) {
        u->response = response;
        u->summary = response->summary;
    } else
        vouch_free_message(&response->base);
    return (status);
}

/* Take what has come; wait for the end if ${wait}.  Returns 0, or -1. */
static int
take_responses(struct upload *u, int wait)
{
    ProtobufCMessage *response;
    int got;

    while ((got = vouch_stream_next(u->vouch, wait, &response,
        &u->error)) == 1)
        if (take_response(u,
            (Vouch__V1__PublishCredentialsResponse *)response) != 0)
            return (error_memory(&u->error));
    return (got);
}

/* ---- what goes out ----------------------------------------------------- */

static enum err
send_batch(struct upload *u)
{
    Vouch__V1__PublishCredentialsRequest request =
        VOUCH__V1__PUBLISH_CREDENTIALS_REQUEST__INIT;

    request.header = u->begun ? NULL : &u->head;
    request.rows = u->rows;
    request.n_rows = u->nrows;
    if (vouch_stream_send(u->vouch, &request.base, &u->error) != 0) {
        /* The server ended the call early: its status says why. */
        if (u->error.failure == VOUCH_FAILURE_STATUS)
            (void)take_responses(u, 1);
        return (E_IO);
    }
    u->begun = 1;
    u->sent += (int64_t)u->nrows;
    u->nrows = 0;
    u->nbytes = 0;
    arena_reset(u->arena);
    if (take_responses(u, 0) != 0)
        return (E_IO);
    progress_show(&u->progress, u->sent, u->rejected,
        u->size > 0 ? u->taken / u->size : -1);
    return (E_OK);
}

static enum err
on_record(void *cookie, const struct csv_record *record)
{
    struct upload *u = cookie;
    Vouch__V1__CredentialRow *row;
    struct rows_fault fault;
    enum err err;

    if (!u->has_header) {
        char what[256];

        u->has_header = 1;
        if ((err = rows_read_header(record, &u->header, what,
            sizeof(what))) != E_OK)
            (void)snprintf(u->why, sizeof(u->why), "%s:%ld: %s", u->path,
                record->line, what);
        return (err);
    }
    err = rows_read(&u->header, record, u->arena, &row, &fault);
    if (err == E_INVAL) {
        note_reject(u, record->line, fault.column, fault.reason,
            fault.description);
        u->rejected_here++;
        return (E_OK);
    }
    if (err != E_OK)
        return (err);
    u->without_status += row->raw_status[0] == '\0';
    u->rows[u->nrows++] = row;
    u->nbytes += protobuf_c_message_get_packed_size(&row->base) + 8;
    if (u->nrows == BATCH_ROWS || u->nbytes >= BATCH_BYTES)
        return (send_batch(u));
    return (E_OK);
}

static enum err
read_all(struct upload *u)
{
    struct csv_fault fault = {0};
    char in[16384];
    enum err err = E_OK;
    size_t n;

    while (err == E_OK && (n = fread(in, 1, sizeof(in), u->in)) > 0) {
        u->taken += (double)n;
        err = csv_reader_feed(u->reader,
            (struct slice){(const uint8_t *)in, n}, &fault);
    }
    if (err == E_OK && ferror(u->in)) {
        (void)snprintf(u->why, sizeof(u->why), "cannot read %s: %s", u->path,
            strerror(errno));
        return (E_IO);
    }
    if (err == E_OK)
        err = csv_reader_end(u->reader, &fault);
    if (err != E_OK && fault.what[0] != '\0')
        (void)snprintf(u->why, sizeof(u->why), "%s:%ld: %s", u->path,
            fault.line, fault.what);
    if (err == E_OK && !u->has_header) {
        (void)snprintf(u->why, sizeof(u->why), "%s is empty: its first line "
            "must name the columns", u->path);
        err = E_INVAL;
    }
    return (err);
}

/* ---- setting up -------------------------------------------------------- */

static int
open_for_writing(const struct invocation *run, const char *flag, FILE **f)
{
    const char *path = flag_value(run, flag);

    if (path != NULL && (*f = fopen(path, "we")) == NULL) {
        fprintf(stderr, "vouch publish: cannot write %s: %s\n", path,
            strerror(errno));
        return (VOUCH_EXIT_USAGE);
    }
    return (0);
}

static int
open_files(struct upload *u)
{
    struct stat st;
    int status;

    if (strcmp(u->path, "-") == 0)
        u->in = stdin;
    else if ((u->in = fopen(u->path, "re")) == NULL) {
        fprintf(stderr, "vouch publish: cannot read %s: %s\n", u->path,
            strerror(errno));
        return (VOUCH_EXIT_USAGE);
    }
    if (fstat(fileno(u->in), &st) == 0 && S_ISREG(st.st_mode))
        u->size = (double)st.st_size;
    if ((status = open_for_writing(u->run, "rejects", &u->rejects)) != 0 ||
        (status = open_for_writing(u->run, "openings", &u->openings)) != 0)
        return (status);
    if (u->rejects != NULL)
        fputs("line,field,reason,description\n", u->rejects);
    return (0);
}

static int
set_head(struct upload *u)
{
    const char *association = flag_value(u->run, "association");
    const char *mode = flag_value(u->run, "mode");
    const char *at = flag_value(u->run, "extracted-at");
    const char *id = flag_value(u->run, "request-id");
    uint8_t bytes[16];

    if (association == NULL)
        return (usage_error(u->run, "--association is needed"));
    if (mode != NULL && strcmp(mode, "delta") != 0)
        return (usage_error(u->run, "--mode takes delta, not '%s'", mode));
    vouch__v1__publication_header__init(&u->head);
    if (at != NULL && civil_parse_time(at, &u->head.extracted_at_us) != E_OK)
        return (usage_error(u->run, "--extracted-at takes a time as in "
            "2026-11-22T06:00:00-06:00, not '%s'", at));
    if (id != NULL && uuid_parse(slice_of(id), bytes) != E_OK)
        return (usage_error(u->run, "--request-id takes a UUID, not '%s'",
            id));
    if (id != NULL)
        (void)snprintf(u->request_id, sizeof(u->request_id), "%s", id);
    else if (uuid_make(u->request_id) != E_OK)
        return (VOUCH_EXIT_BUG);
    u->head.request_id = u->request_id;
    u->head.association_id = (char *)(uintptr_t)association;
    u->head.mode = VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_DELTA;
    u->head.want_openings = u->openings != NULL;
    return (0);
}

static int
connect_upload(struct upload *u)
{
    struct vouch_options options = u->run->options;

    if (options.timeout_ms == 0)
        options.timeout_ms = SILENCE_MS;
    if (vouch_open(&options, &u->vouch, &u->error) != 0 ||
        vouch_stream_begin(u->vouch,
            "vouch.v1.PublishingService/PublishCredentials",
            &vouch__v1__publish_credentials_response__descriptor,
            &u->error) != 0)
        return (report_error(u->run, &u->error));
    return (0);
}

/* ---- the outcome ------------------------------------------------------- */

static int
fail(struct upload *u, enum err err)
{
    int status;

    (void)progress_end(&u->progress);
    if (u->why[0] != '\0') {
        fprintf(stderr, "vouch publish: %s\n  -> nothing was published: mend "
            "the file and run it again\n", u->why);
        return (VOUCH_EXIT_REFUSED);
    }
    if (err != E_IO) {
        fprintf(stderr, "vouch publish: %s\n", err_text(err));
        return (VOUCH_EXIT_BUG);
    }
    status = report_error(u->run, &u->error);
    if (status == VOUCH_EXIT_UNREACHABLE)
        fprintf(stderr, "  -> simply run it again; or, to learn what became "
            "of this very upload, with --request-id %s\n", u->request_id);
    return (status);
}

static void
print_notes(const struct upload *u, double seconds)
{
    if (u->run->quiet)
        return;
    fprintf(stderr, "%" PRId64 " rows in %.1f s, %.0f rows/s\n", u->sent,
        seconds, seconds > 0 ? (double)u->sent / seconds : 0);
    if (u->rejected_here > 0)
        fprintf(stderr, "note: %" PRId64 " of the rejected lines could not be "
            "read and were not sent\n", u->rejected_here);
    if (u->without_status > 0)
        fprintf(stderr, "note: %" PRId64 " rows have no status: whoever asks "
            "about them will be told to look into it\n", u->without_status);
    if (u->response->repeated_request)
        fprintf(stderr, "note: this request id was carried out before; "
            "nothing was changed now\n");
}

static int
finish(struct upload *u)
{
    double seconds;
    enum err err;

    if ((err = read_all(u)) != E_OK ||
        ((u->nrows > 0 || !u->begun) && (err = send_batch(u)) != E_OK))
        return (fail(u, err));
    vouch_stream_half_close(u->vouch);
    if (take_responses(u, 1) != 0)
        return (fail(u, E_IO));
    seconds = progress_end(&u->progress);
    if (u->summary == NULL) {
        (void)error_set(&u->error, VOUCH_FAILURE_UNREACHABLE,
            "the server ended the upload without a summary");
        return (fail(u, E_IO));
    }
    if (publication_print(u->run, u->summary, u->rejected_here) != 0)
        return (VOUCH_EXIT_BUG);
    print_notes(u, seconds);
    if (u->rejected == 0)
        return (VOUCH_EXIT_YES);
    return (u->summary->new_count + u->summary->changed_count +
        u->summary->unchanged_count > 0 ? VOUCH_EXIT_PARTLY :
        VOUCH_EXIT_REFUSED);
}

static int
close_file(FILE *f, const char *flag, int status)
{
    if (f != NULL && (ferror(f) | fclose(f)) != 0) {
        fprintf(stderr, "vouch publish: could not write the file of --%s\n",
            flag);
        return (status == VOUCH_EXIT_YES ? VOUCH_EXIT_PARTLY : status);
    }
    return (status);
}

int
cmd_publish(const struct invocation *run)
{
    struct upload *u = calloc(1, sizeof(*u));
    int status = VOUCH_EXIT_BUG;

    if (u == NULL)
        return (VOUCH_EXIT_BUG);
    u->run = run;
    u->path = run->words[0];
    progress_begin(&u->progress, "rows", run->quiet);
    if (arena_create(BATCH_MEMORY, &u->arena) != E_OK ||
        csv_reader_create(on_record, u, &u->reader) != E_OK)
        goto out;
    if ((status = open_files(u)) != 0 || (status = set_head(u)) != 0 ||
        (status = connect_upload(u)) != 0)
        goto out;
    status = finish(u);

out:
    if (u->response != NULL)
        vouch_free_message(&u->response->base);
    vouch_close(u->vouch);
    csv_reader_free(u->reader);
    arena_free(u->arena);
    status = close_file(u->rejects, "rejects", status);
    status = close_file(u->openings, "openings", status);
    if (u->in != NULL && u->in != stdin)
        (void)fclose(u->in);
    free(u);
    return (status);
}
