#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/json.h"
#include "client/progress.h"
#include "client/receipt_files.h"
#include "client/table.h"
#include "client/text.h"
#include "client/trusted.h"

const struct flag receipt_verify_flags[] = {
    {"trust", "FILE", "the operator's trust.json (VOUCH_TRUST)"},
    {"root-key", "ID", "id of the root key that must have signed it\n"
        "(VOUCH_ROOT_KEY)"},
    {"accept-expired-trust", NULL, "take a trust file past its expiry"},
    {NULL, NULL, NULL},
};

/* Beside the states of a receipt: the file cannot be read. */
#define UNREADABLE RECEIPT_STATES

struct verification {
    const struct invocation *run;
    struct trusted trusted;
    struct arena *arena;        /* owned */
    struct receipt_files files;
    struct progress progress;
    int64_t n;
    int64_t counts[RECEIPT_STATES + 1];
    int64_t answers, questions; /* verified ones without them */
};

/* What is said of one receipt; texts are empty where nothing is known. */
struct finding {
    const char *file;
    const char *state;
    const char *reason;
    char id[2 * MERKLE_HASH + 1];
    char key_id[2 * ED25519_KEY_ID + 1];
    char sealed_at[CIVIL_TIME_TEXT];
    const char *verdict, *conclusion;   /* of what was verified only */
    int answer_redacted, question_redacted;
};

static void
find_out(const char *path, const struct judgment *j, struct finding *f)
{
    const struct receipt *r = &j->receipt;

    *f = (struct finding){.file = path, .state = receipt_state_name(j->state),
        .reason = j->why, .verdict = "", .conclusion = ""};
    if (!j->readable)
        return;
    bytes_to_hex((struct slice){r->id.bytes, MERKLE_HASH}, f->id);
    bytes_to_hex((struct slice){r->batch->key_id.data, ED25519_KEY_ID},
        f->key_id);
    civil_format_time(r->batch->sealed_at_us, 0, f->sealed_at);
    f->answer_redacted = r->answer == NULL;
    f->question_redacted = r->question == NULL;
    if (j->state != RECEIPT_VERIFIED || r->answer == NULL)
        return;
    f->verdict = text_enum(&vouch__v1__verdict__descriptor,
        (int)r->answer->verdict);
    f->conclusion = text_enum(&vouch__v1__conclusion__descriptor,
        (int)r->answer->conclusion);
}

/* ---- one of them ------------------------------------------------------- */

static const char *
redacted_of(const struct finding *f)
{
    return (f->answer_redacted ? f->question_redacted ? "answer question" :
        "answer" : f->question_redacted ? "question" : "");
}

static void
print_line(const struct finding *f)
{
    printf("%-15s", f->state);
    if (f->reason[0] != '\0') {
        putchar(' ');
        table_put(stdout, f->file);
        fputs(": ", stdout);
        table_put(stdout, f->reason);
    } else {
        printf(" %s  ", f->sealed_at);
        table_put(stdout, f->file);
        if (f->answer_redacted)
            fputs("  RESULT WITHHELD", stdout);
        else
            printf("  %s %s", f->conclusion, f->verdict);
        if (f->question_redacted)
            fputs("  QUESTION WITHHELD", stdout);
    }
    putchar('\n');
}

static json_t *
text_or_null(const char *text)
{
    return (text[0] != '\0' ? json_string(text) : json_null());
}

/* A name that is no UTF-8 cannot stand in JSON as it is. */
static json_t *
file_name(const char *path)
{
    json_t *name = json_string(path);
    char clean[4200];

    if (name == NULL) {
        table_clean(path, clean, sizeof(clean));
        name = json_string(clean);
    }
    return (name);
}

static json_t *
redacted_list(const struct finding *f)
{
    json_t *list = json_array();

    if (list != NULL && ((f->answer_redacted &&
        json_array_append_new(list, json_string("answer")) != 0) ||
        (f->question_redacted &&
        json_array_append_new(list, json_string("question")) != 0))) {
        json_decref(list);
        return (NULL);
    }
    return (list);
}

static int
print_json(const struct finding *f)
{
    return (json_print_value(stdout, json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
        "file", file_name(f->file), "id", text_or_null(f->id), "state",
        f->state, "reason", text_or_null(f->reason), "sealed_at",
        text_or_null(f->sealed_at), "key_id", text_or_null(f->key_id),
        "verdict", text_or_null(f->verdict), "conclusion",
        text_or_null(f->conclusion), "redacted", redacted_list(f)), 1));
}

static void
print_csv(const struct finding *f)
{
    const char *const cells[] = {f->file, f->id, f->state, f->reason,
        f->sealed_at, f->key_id, f->verdict, f->conclusion, redacted_of(f)};
    const size_t n = sizeof(cells) / sizeof(cells[0]);

    for (size_t i = 0; i < n; i++) {
        table_put_csv(stdout, cells[i]);
        putchar(i + 1 < n ? ',' : '\n');
    }
}

static enum err
print_finding(const struct verification *v, const struct finding *f)
{
    switch (v->run->output) {
    case OUTPUT_JSON:
        fputs(v->n > 1 ? "," : "", stdout);
        return (print_json(f) == 0 ? E_OK : E_NOMEM);
    case OUTPUT_JSONL:
        return (print_json(f) == 0 ? E_OK : E_NOMEM);
    case OUTPUT_CSV:
        print_csv(f);
        return (E_OK);
    case OUTPUT_TABLE:
    default:
        print_line(f);
        return (E_OK);
    }
}

static void
count(struct verification *v, const struct judgment *j, enum receipt_state as)
{
    v->n++;
    v->counts[as]++;
    if (as != RECEIPT_VERIFIED)
        return;
    v->answers += j->receipt.answer == NULL;
    v->questions += j->receipt.question == NULL;
}

static enum err
take(void *cookie, const char *path, struct slice bytes, const char *fault)
{
    struct verification *v = cookie;
    struct judgment j = {.state = RECEIPT_MALFORMED};
    struct finding f;
    enum err err;

    progress_show(&v->progress, v->n,
        v->n - v->counts[RECEIPT_VERIFIED], -1);
    arena_reset(v->arena);
    if (fault == NULL && (err = trusted_judge(&v->trusted, bytes, v->arena,
        &j)) != E_OK)
        return (err);
    count(v, &j, fault != NULL ? UNREADABLE : j.state);
    find_out(path, &j, &f);
    if (fault != NULL) {
        f.state = "UNREADABLE";
        f.reason = fault;
    }
    if ((err = print_finding(v, &f)) != E_OK)
        return (err);
    return (ferror(stdout) ? E_IO : E_OK);
}

/* ---- all of them ------------------------------------------------------- */

static void
print_head(const struct verification *v)
{
    if (v->run->output == OUTPUT_CSV)
        puts("file,id,state,reason,sealed_at,key_id,verdict,conclusion,"
            "redacted");
    else if (v->run->output == OUTPUT_JSON)
        fputs("{\"receipts\": [\n", stdout);
}

static const char *
name_of(int state)
{
    return (state == (int)UNREADABLE ? "UNREADABLE" :
        receipt_state_name((enum receipt_state)state));
}

static void
print_counts(const struct verification *v, FILE *f)
{
    int64_t verified = v->counts[RECEIPT_VERIFIED];
    const char *between = ": ";

    fprintf(f, "%" PRId64 " receipt%s: %" PRId64 " verified", v->n,
        v->n == 1 ? "" : "s", verified);
    if (v->answers > 0)
        fprintf(f, ", %" PRId64 " of them RESULT WITHHELD", v->answers);
    if (v->questions > 0)
        fprintf(f, ", %" PRId64 " of them QUESTION WITHHELD", v->questions);
    fprintf(f, "; %" PRId64 " not", v->n - verified);
    for (int i = 0; i <= (int)UNREADABLE; i++) {
        if (i == (int)RECEIPT_VERIFIED || v->counts[i] == 0)
            continue;
        fprintf(f, "%s%" PRId64 " %s", between, v->counts[i], name_of(i));
        between = ", ";
    }
    if (v->files.others > 0)
        fprintf(f, "; %" PRId64 " other file%s not looked at",
            v->files.others, v->files.others == 1 ? "" : "s");
    fputc('\n', f);
}

/* The end of the JSON document. */
static void
print_summary(const struct verification *v)
{
    printf("], \"summary\": {\"receipts\": %" PRId64, v->n);
    for (int i = 0; i <= (int)UNREADABLE; i++)
        printf(", \"%s\": %" PRId64, name_of(i), v->counts[i]);
    printf(", \"answer_redacted\": %" PRId64 ", \"question_redacted\": %"
        PRId64 ", \"other_files\": %" PRId64 "}}\n", v->answers, v->questions,
        v->files.others);
}

static void
print_end(const struct verification *v)
{
    char about[512];

    if (v->run->output == OUTPUT_JSON)
        print_summary(v);
    if (v->run->output == OUTPUT_TABLE) {
        trusted_about(&v->trusted, about, sizeof(about));
        printf("\n");
        print_counts(v, stdout);
        printf("by the trust file of %s\n", about);
    } else if (!v->run->quiet)
        print_counts(v, stderr);
}

static int
fail(const struct invocation *run, const char *path, enum err err)
{
    if (err == E_IO)            /* main() says why */
        return (VOUCH_EXIT_PARTLY);
    if (err != E_NOTFOUND)
        return (bug_error(run, "%s", err_text(err)));
    fprintf(stderr, "vouch receipt verify: there is no ");
    table_put(stderr, path);
    fputc('\n', stderr);
    return (VOUCH_EXIT_NO_SUCH);
}

/* Returns an exit code. */
static int
verify_all(struct verification *v)
{
    const struct invocation *run = v->run;
    int status = VOUCH_EXIT_YES;

    print_head(v);
    for (size_t i = 0; i < run->nwords; i++) {
        int64_t before = v->n;
        enum err err = receipt_files_walk(&v->files, run->words[i]);

        if (err != E_OK)
            status = fail(run, run->words[i], err);
        else if (v->n == before) {
            fprintf(stderr, "vouch receipt verify: there is no receipt in ");
            table_put(stderr, run->words[i]);
            fprintf(stderr, "\n  -> in a folder only files named *.receipt "
                "are taken for receipts\n");
            status = VOUCH_EXIT_NO_SUCH;
        }
        if (status == VOUCH_EXIT_BUG || status == VOUCH_EXIT_PARTLY)
            return (status);
    }
    (void)progress_end(&v->progress);
    print_end(v);
    return (v->counts[RECEIPT_VERIFIED] != v->n ? VOUCH_EXIT_EVIDENCE :
        status);
}

int
cmd_receipt_verify(const struct invocation *run)
{
    struct verification v = {.run = run, .files = {.take = take}};
    enum err err;
    int status;

    v.files.cookie = &v;
    receipt_files_begin(&v.files);
    progress_begin(&v.progress, "receipts", run->quiet);
    if ((status = trusted_open(run,
            flag_value(run, "accept-expired-trust") != NULL,
            &v.trusted)) != 0)
        goto out;
    if (v.trusted.trust == NULL) {
        status = usage_error(run, "which trust file? --trust FILE or "
            "VOUCH_TRUST must name the operator's trust.json");
        goto out;
    }
    if ((err = arena_create(JUDGMENT_ARENA_MAX, &v.arena)) != E_OK) {
        status = bug_error(run, "%s", err_text(err));
        goto out;
    }
    status = verify_all(&v);

out:
    trusted_close(&v.trusted);
    arena_free(v.arena);
    receipt_files_end(&v.files);
    return (status);
}
