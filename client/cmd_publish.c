#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/command.h"
#include "client/error.h"
#include "client/feedback.h"
#include "client/input.h"
#include "client/interrupt.h"
#include "client/outcome.h"
#include "client/progress.h"
#include "client/publish_head.h"
#include "client/publish_mapping.h"
#include "client/source.h"
#include "client/text.h"
#include "proto/civil.h"
#include "proto/content_hash.h"

/* A message of an upload stays well below what a server takes. */
#define BATCH_ROWS 500
#define BATCH_BYTES 49152
#define BATCH_MEMORY ((size_t)8 << 20)
#define UNREAD_BYTES 256    /* a row of which only the key is sent has fewer */

#define SNAPSHOT VOUCH__V1__PUBLICATION_MODE__PUBLICATION_MODE_SNAPSHOT

/* Committing much takes a while, during which the server is silent. */
#define SILENCE_MS 600000

const struct flag publish_flags[] = {
    {"association", "ID", "for whom: the association of your certificate"},
    {"mapping", "FILE", "how to read a file that is not the plain CSV (YAML)"},
    {"credential-type", "T", "of every row, whatever the mapping says"},
    {"mode", "MODE", "delta (absence means nothing) or snapshot"},
    {"types", "T,...", "snapshot: the types listed completely, or all"},
    {"expect-endings", "N", "snapshot: so many are not listed any more"},
    {"dry-run", NULL, "change nothing, and show what would change"},
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
    FILE *in;                       /* owned unless stdin */
    double size;                    /* of the file; 0: not known */
    double taken;                   /* bytes read */
    struct vouch *vouch;            /* owned */
    struct arena *arena;            /* owned */
    struct source_sink sink;
    struct source *source;          /* owned */
    struct mapping *mapping;        /* owned; NULL: the plain CSV */
    struct publish_head head;       /* freed with it */
    struct content_hash *hash;      /* owned */
    Vouch__V1__UploadEnd *end;      /* borrowed; NULL: more is to come */
    int64_t unread;                 /* rows of which only the key was sent */
    int begun;                      /* the header has been sent */
    Vouch__V1__CredentialRow *rows[BATCH_ROWS];
    size_t nrows;
    size_t nbytes;
    size_t row_bytes;               /* of the row that was packed last */
    int64_t sent;
    int64_t without_status;
    struct progress progress;
    struct feedback back;
    struct vouch_error error;
    struct source_fault fault;      /* what stopped the reading */
    char note[400];                 /* for whoever interrupts */
};

/* Take what has come; wait for the end if ${wait}.  Returns 0, or -1. */
static int
take_responses(struct upload *u, int wait)
{
    ProtobufCMessage *response;
    int got;

    while ((got = vouch_stream_next(u->vouch, wait, &response,
        &u->error)) == 1)
        if (feedback_take(&u->back,
            (Vouch__V1__PublishCredentialsResponse *)(void *)response,
            &u->error) != 0)
            return (-1);
    return (got);
}

/* ---- what goes out ----------------------------------------------------- */

static enum err
send_batch(struct upload *u)
{
    Vouch__V1__PublishCredentialsRequest request =
        VOUCH__V1__PUBLISH_CREDENTIALS_REQUEST__INIT;

    request.header = u->begun ? NULL : &u->head.header;
    request.rows = u->rows;
    request.n_rows = u->nrows;
    request.end = u->end;
    if (vouch_stream_send(u->vouch, &request.base, &u->error) != 0) {
        (void)take_responses(u, 1);     /* which tells why it ended */
        return (E_IO);
    }
    u->begun = 1;
    u->sent += (int64_t)u->nrows;
    u->nrows = 0;
    u->nbytes = 0;
    arena_reset(u->arena);
    if (take_responses(u, 0) != 0)
        return (E_IO);
    progress_show(&u->progress, u->sent, u->back.rejected,
        u->size > 0 ? u->taken / u->size : -1);
    return (E_OK);
}

/* Pack ${row}, and learn what it takes in a message. */
static enum err
pack_row(struct upload *u, const Vouch__V1__CredentialRow *row)
{
    struct slice packed = {NULL, 0};
    enum err err;

    err = content_hash_pack(u->hash, row, &packed);
    u->row_bytes = packed.n + 8;
    return (err);
}

/* Put ${row}, packed last, into the batch, which has room for it. */
static enum err
add_row(struct upload *u, Vouch__V1__CredentialRow *row)
{
    enum err err;

    if ((err = content_hash_packed(u->hash)) != E_OK)
        return (err);
    u->nbytes += u->row_bytes;
    u->rows[u->nrows++] = row;
    return (u->nrows == BATCH_ROWS ? send_batch(u) : E_OK);
}

/* In a snapshot a row that is not taken lists its credential all the same. */
static enum err
send_unread(struct upload *u, const struct rows_fault *fault)
{
    Vouch__V1__CredentialRow *row;
    enum err err;

    if (u->nbytes + UNREAD_BYTES > BATCH_BYTES &&
        (err = send_batch(u)) != E_OK)
        return (err);
    if ((row = arena_alloc(u->arena, sizeof(*row))) == NULL)
        return (E_NOMEM);
    vouch__v1__credential_row__init(row);
    row->unread = 1;
    row->credential_type_id = arena_copy(u->arena, slice_of(fault->type));
    row->number = arena_copy(u->arena, slice_of(fault->number));
    if (row->credential_type_id == NULL || row->number == NULL)
        return (E_NOMEM);
    u->unread++;
    if ((err = pack_row(u, row)) != E_OK)
        return (err);
    return (add_row(u, row));
}

static enum err
on_reject(void *cookie, int64_t line, const struct rows_fault *fault)
{
    struct upload *u = cookie;

    feedback_reject_here(&u->back, line, fault,
        u->head.header.mode == SNAPSHOT);
    return (u->head.header.mode == SNAPSHOT ? send_unread(u, fault) : E_OK);
}

/* Take what is ready; ${*row} is NULL if it was rejected. */
static enum err
take_row(struct upload *u, Vouch__V1__CredentialRow **row)
{
    struct rows_fault fault;
    int64_t line;
    enum err err = source_take(u->source, u->arena, row, &line, &fault);

    if (err == E_OK)
        err = pack_row(u, *row);
    if (err == E_OK && u->row_bytes > BATCH_BYTES) {
        fault.column = "";
        fault.reason = "TOO_LONG";
        rows_fault_key(&fault, slice_of((*row)->credential_type_id),
            slice_of((*row)->number));
        (void)snprintf(fault.description, sizeof(fault.description),
            "the line has more than %d bytes", BATCH_BYTES);
        err = E_INVAL;
        *row = NULL;
    }
    if (err != E_INVAL)
        return (err);
    *row = NULL;
    return (on_reject(u, line, &fault));
}

static enum err
on_ready(void *cookie)
{
    struct upload *u = cookie;
    Vouch__V1__CredentialRow *row;
    enum err err;

    if (u->nrows == 0)
        arena_reset(u->arena);          /* of what was rejected */
    err = take_row(u, &row);
    if (u->nrows > 0 && (err == E_TOOBIG || (err == E_OK && row != NULL &&
        u->nbytes + u->row_bytes > BATCH_BYTES))) {
        /* It goes with the next message, and so into an arena afresh. */
        if ((err = send_batch(u)) == E_OK)
            err = take_row(u, &row);
    }
    if (err != E_OK || row == NULL)
        return (err);
    u->without_status += row->raw_status[0] == '\0';
    return (add_row(u, row));
}

/* A server that is told nothing for long asks whether we are still there. */
static enum err
look(void *cookie)
{
    return (take_responses(cookie, 0) == 0 ? E_OK : E_IO);
}

static enum err
read_all(struct upload *u)
{
    struct input input = {fileno(u->in), look, u, 0};
    uint8_t in[16384];
    enum err err;
    size_t n;

    while ((err = input_read(&input, in, sizeof(in), &n)) == E_OK && n > 0) {
        u->taken += (double)n;
        if ((err = source_feed(u->source, (struct slice){in, n},
            &u->fault)) != E_OK)
            return (err);
    }
    if (err == E_INVAL) {
        (void)snprintf(u->fault.why, sizeof(u->fault.why),
            "cannot be read: %s", strerror(errno));
        return (E_IO);
    }
    return (err == E_OK ? source_end(u->source, &u->fault) : err);
}

/* ---- setting up -------------------------------------------------------- */

static int
open_files(struct upload *u)
{
    const char *path = u->run->words[0];
    struct stat st;

    if (strcmp(path, "-") == 0)
        u->in = stdin;
    else if ((u->in = fopen(path, "re")) == NULL)
        return (usage_error(u->run, "cannot read %s: %s", path,
            strerror(errno)));
    if (fstat(fileno(u->in), &st) != 0)
        st = (struct stat){0};
    if (S_ISDIR(st.st_mode))
        return (usage_error(u->run, "cannot read %s: %s", path,
            strerror(EISDIR)));
    if (S_ISREG(st.st_mode))
        u->size = (double)st.st_size;
    return (feedback_open(&u->back, u->in));
}

static int
open_source(struct upload *u)
{
    int32_t day;
    int status;

    if ((status = publish_mapping_open(u->run, &u->mapping)) != 0)
        return (status);
    publish_mapping_day(u->run, &day);
    switch (source_create(u->mapping, day, &u->sink, &u->source)) {
    case E_OK:
        u->back.source = u->source;
        return (0);
    case E_IO:
        return (usage_error(u->run, "cannot make a temporary file for what "
            "must be folded: %s", strerror(errno)));
    case E_NOTFOUND:
        return (usage_error(u->run, "this system cannot convert %s",
            u->mapping->encoding));
    default:
        return (bug_error(u->run, "out of memory"));
    }
}

static int
connect_upload(struct upload *u)
{
    struct vouch_options options = u->run->options;

    if (options.timeout_ms == 0)
        options.timeout_ms = SILENCE_MS;
    if (vouch_open(&options, &u->vouch, &u->error) != 0 ||
        publish_head_ask(&u->head, u->vouch, &u->error) != 0 ||
        vouch_stream_begin(u->vouch,
            "vouch.v1.PublishingService/PublishCredentials",
            &vouch__v1__publish_credentials_response__descriptor,
            &u->error) != 0)
        return (report_error(u->run, &u->error));
    if (content_hash_header(u->hash, &u->head.header) != E_OK)
        return (bug_error(u->run, "out of memory"));
    return (0);
}

/* The last message says how much there was: what is cut off lacks it. */
static enum err
send_end(struct upload *u)
{
    Vouch__V1__UploadEnd end = VOUCH__V1__UPLOAD_END__INIT;
    uint8_t hash[CONTENT_HASH];
    enum err err;

    if ((err = content_hash_end(u->hash, hash)) != E_OK)
        return (err);
    end.row_count = u->sent + (int64_t)u->nrows;
    end.content_hash = (ProtobufCBinaryData){CONTENT_HASH, hash};
    u->end = &end;
    err = send_batch(u);
    u->end = NULL;
    return (err);
}

/* ---- the outcome ------------------------------------------------------- */

static int
fail(struct upload *u, enum err err)
{
    int status;

    (void)progress_end(&u->progress);
    if (u->fault.mapping != NULL)
        return (publish_mapping_faults(u->run, u->fault.mapping,
            u->back.path));
    if (u->fault.why[0] != '\0') {
        fprintf(stderr, "vouch publish: %s", u->back.path);
        if (u->fault.line > 0)
            fprintf(stderr, ":%ld", u->fault.line);
        fprintf(stderr, ": %s\n  -> nothing was published: mend the file and "
            "run it again\n", u->fault.why);
        return (VOUCH_EXIT_REFUSED);
    }
    if (err != E_IO)
        return (bug_error(u->run, "%s", err_text(err)));
    status = report_error(u->run, &u->error);
    if (status == VOUCH_EXIT_UNREACHABLE)
        fprintf(stderr, "  -> simply run it again; or, to learn what became "
            "of this very upload, with --request-id %s\n", u->head.request_id);
    return (status);
}

static void
print_notes(const struct upload *u, double seconds)
{
    if (u->run->quiet)
        return;
    fprintf(stderr, "%" PRId64 " rows in %.1f s, %.0f rows/s\n", u->sent,
        seconds, seconds > 0 ? (double)u->sent / seconds : 0);
    if (u->back.rejected_here > 0)
        fprintf(stderr, "note: %" PRId64 " of the rejected lines were found "
            "wrong here and were not sent%s\n", u->back.rejected_here,
            u->unread > 0 ? ", but for type and number" : "");
    if (outcome_count_of(&u->back.rejects_by, "DUPLICATE_ROW") > 0)
        fprintf(stderr, "note: of a number whose rows contradict each other "
            "none is taken; if each case has a row of its own, fold them by "
            "a mapping\n");
    if (u->without_status > 0)
        fprintf(stderr, "note: %" PRId64 " rows have no status: whoever asks "
            "about them will be told to look into it\n", u->without_status);
    if (u->back.last->repeated_request)
        fprintf(stderr, "note: this request id was carried out before; "
            "nothing was changed now\n");
}

/*
 * Every record of the file became a row that was taken, was folded into one,
 * or was rejected.  Returns 0, or -1 if the server says otherwise.
 */
static int
print_accounting(const struct upload *u)
{
    const Vouch__V1__Publication *p = u->back.last->summary;
    struct source_counts counts = source_counts(u->source);
    int64_t accepted = text_sum(p->new_count,
        text_sum(p->changed_count, p->unchanged_count));
    int64_t folded = counts.folded - u->back.rejected_folded;

    if (!u->run->quiet)
        fprintf(stderr, "%" PRId64 " rows read = %" PRId64 " accepted (%"
            PRId64 " new, %" PRId64 " changed, %" PRId64 " unchanged) + %"
            PRId64 " folded into another + %" PRId64 " rejected\n",
            counts.read, accepted, p->new_count, p->changed_count,
            p->unchanged_count, folded, u->back.rejected);
    return (text_sum(accepted, folded + u->back.rejected) == counts.read ?
        0 : -1);
}

static int
finish(struct upload *u)
{
    const Vouch__V1__Publication *summary;
    double seconds;
    enum err err;

    if ((err = read_all(u)) != E_OK || (err = send_end(u)) != E_OK)
        return (fail(u, err));
    vouch_stream_half_close(u->vouch);
    if (take_responses(u, 1) != 0)
        return (fail(u, E_IO));
    seconds = progress_end(&u->progress);
    interrupt_disarm();
    if (u->back.last == NULL) {
        (void)error_nonsense(&u->error,
            "the server ended the upload without a summary");
        return (fail(u, E_IO));
    }
    summary = u->back.last->summary;
    u->back.rejects_by.unsent = u->back.rejected_here - u->unread;
    if (outcome_complete(u->back.last, &u->back.rejects_by) != 0 ||
        outcome_print(u->run, u->back.last) != 0)
        return (bug_error(u->run, "out of memory; it is published"));
    print_notes(u, seconds);
    if (!u->back.last->repeated_request && print_accounting(u) != 0)
        return (bug_error(u->run, "the server's counts do not add up to the "
            "rows of the file; it is published"));
    if (u->back.last->diff != NULL && u->back.last->diff->refusal[0] != '\0')
        return (VOUCH_EXIT_REFUSED);
    if (u->back.rejected == 0)
        return (VOUCH_EXIT_YES);
    return (summary->new_count > 0 || summary->changed_count > 0 ||
        summary->unchanged_count > 0 || summary->not_listed_count > 0 ?
        VOUCH_EXIT_PARTLY :
        VOUCH_EXIT_REFUSED);
}

/* Before there is anything that an interruption could leave half done. */
static void
arm(struct upload *u)
{
    (void)snprintf(u->note, sizeof(u->note), "%svouch publish: interrupted\n"
        "  -> all of it is published or nothing: run it again with "
        "--request-id %s to learn which, and to complete it\n",
        u->progress.terminal && !u->run->quiet ? "\r\033[K" : "",
        u->head.request_id);
    interrupt_arm(u->note);
}

int
cmd_publish(const struct invocation *run)
{
    struct upload *u = calloc(1, sizeof(*u));
    int status;

    if (u == NULL)
        return (bug_error(run, "out of memory"));
    u->run = run;
    u->back = (struct feedback){.run = run, .progress = &u->progress,
        .path = strcmp(run->words[0], "-") == 0 ? "standard input" :
        run->words[0]};
    u->sink = (struct source_sink){u, on_ready, on_reject};
    progress_begin(&u->progress, "rows", run->quiet);
    if (arena_create(BATCH_MEMORY, &u->arena) != E_OK ||
        content_hash_create(&u->hash) != E_OK) {
        status = bug_error(run, "out of memory");
        goto out;
    }
    if ((status = publish_head_read(run, &u->head)) != 0 ||
        (status = open_source(u)) != 0 ||
        (status = open_files(u)) != 0 ||
        (status = connect_upload(u)) != 0)
        goto out;
    arm(u);
    status = finish(u);
    interrupt_disarm();

out:
    vouch_close(u->vouch);
    status = feedback_close(&u->back, status);
    source_free(u->source);
    mapping_free(u->mapping);
    publish_head_free(&u->head);
    content_hash_free(u->hash);
    arena_free(u->arena);
    if (u->in != NULL && u->in != stdin)
        (void)fclose(u->in);
    free(u);
    return (status);
}
