#include <stdio.h>
#include <string.h>

#include "client/command.h"
#include "client/json.h"
#include "client/new_file.h"
#include "client/receipt_json.h"
#include "client/receipt_page.h"
#include "client/table.h"
#include "client/trusted.h"
#include "client/whole_file.h"

#define TRUST_FLAGS \
    {"trust", "FILE", "the operator's trust.json (VOUCH_TRUST)"}, \
    {"root-key", "ID", "id of the root key that must have signed it\n" \
        "(VOUCH_ROOT_KEY)"}, \
    {"accept-expired-trust", NULL, "take a trust file past its expiry"}

const struct flag receipt_show_flags[] = {
    {"format", "FORMAT", "text (also the default) or html, for printing"},
    TRUST_FLAGS,
    {NULL, NULL, NULL},
};

const struct flag receipt_redact_flags[] = {
    {"answer", NULL, "take the answer out: RESULT WITHHELD"},
    {"question", NULL, "take the question out: QUESTION WITHHELD"},
    {"output", "FILE", "where the redacted receipt goes, which must not be\n"
        "there yet; - is standard output; -o for short"},
    {NULL, NULL, NULL},
};

const struct flag receipt_export_flags[] = {
    {"format", "FORMAT", "json (also the default)"},
    TRUST_FLAGS,
    {NULL, NULL, NULL},
};

/* One receipt, read whole and judged. */
struct loaded {
    struct buf bytes;
    struct arena *arena;
    struct trusted trusted;
    struct judgment judgment;
};

static int
cannot_read(const struct invocation *run, enum err err)
{
    if (err == E_NOMEM)
        return (bug_error(run, "%s", err_text(err)));
    fprintf(stderr, "vouch %s %s: cannot read ", run->command->noun,
        run->command->verb);
    table_put(stderr, run->words[0]);
    fprintf(stderr, ": %s\n", whole_file_fault(err));
    return (err == E_NOTFOUND ? VOUCH_EXIT_NO_SUCH :
        err == E_TOOBIG ? VOUCH_EXIT_EVIDENCE : VOUCH_EXIT_USAGE);
}

/* Returns 0, or an exit code; in both cases unload(). */
static int
load(const struct invocation *run, struct loaded *l)
{
    enum err err;
    int status;

    memset(l, 0, sizeof(*l));
    buf_init(&l->bytes, RECEIPT_BYTES_MAX);
    if ((status = trusted_open(run,
            flag_value(run, "accept-expired-trust") != NULL,
            &l->trusted)) != 0)
        return (status);
    if ((err = whole_file_read(run->words[0], &l->bytes)) != E_OK)
        return (cannot_read(run, err));
    if ((err = arena_create(JUDGMENT_ARENA_MAX, &l->arena)) != E_OK ||
        (err = trusted_judge(&l->trusted, buf_slice(&l->bytes), l->arena,
            &l->judgment)) != E_OK)
        return (bug_error(run, "%s", err_text(err)));
    return (0);
}

static void
unload(struct loaded *l)
{
    trusted_close(&l->trusted);
    arena_free(l->arena);
    buf_free(&l->bytes);
}

/* Whether it is, at least, what was sealed by some key. */
static int
is_intact(const struct judgment *j)
{
    return (j->state != RECEIPT_MALFORMED && j->state != RECEIPT_SEAL_BROKEN);
}

static int
complain(const struct invocation *run, const struct judgment *j)
{
    fprintf(stderr, "vouch %s %s: ", run->command->noun, run->command->verb);
    table_put(stderr, run->words[0]);
    fprintf(stderr, ": %s: %s\n  -> keep it as it is, and ask whoever gave it "
        "to you\n", receipt_state_name(j->state), j->why);
    return (VOUCH_EXIT_EVIDENCE);
}

int
cmd_receipt_show(const struct invocation *run)
{
    const char *format = flag_value(run, "format");
    int html = format != NULL && strcmp(format, "html") == 0;
    struct loaded l;
    enum err err;
    int status;

    if (format != NULL && !html && strcmp(format, "text") != 0)
        return (usage_error(run, "--format is text or html, not '%s'",
            format));
    if ((status = load(run, &l)) == 0) {
        const struct receipt_page page = {&l.judgment, &l.trusted,
            run->words[0]};

        status = l.judgment.state == RECEIPT_VERIFIED ? VOUCH_EXIT_YES :
            VOUCH_EXIT_EVIDENCE;
        if ((err = receipt_page_write(&page, html ? PAGE_HTML : PAGE_TEXT,
                stdout)) != E_OK)
            status = bug_error(run, "%s", err_text(err));
    }
    unload(&l);
    return (status);
}

int
cmd_receipt_redact(const struct invocation *run)
{
    const char *path = flag_value(run, "output");
    unsigned parts = (flag_value(run, "answer") != NULL ?
        (unsigned)RECEIPT_ANSWER : 0) | (flag_value(run, "question") != NULL ?
        (unsigned)RECEIPT_QUESTION : 0);
    struct loaded l;
    struct buf out;
    enum err err;
    int status;

    if (parts == 0)
        return (usage_error(run, "it takes --answer, --question or both"));
    if (path == NULL)
        return (usage_error(run, "-o FILE is needed"));
    buf_init(&out, RECEIPT_BYTES_MAX);
    if ((status = load(run, &l)) != 0)
        goto out;
    if (l.judgment.state != RECEIPT_VERIFIED) {
        status = complain(run, &l.judgment);
        goto out;
    }
    if ((err = receipt_redact(&l.judgment.receipt, parts, &out)) != E_OK) {
        status = bug_error(run, "%s", err_text(err));
        goto out;
    }
    if ((err = new_file_write(path, buf_slice(&out))) != E_OK) {
        fprintf(stderr, "vouch receipt redact: ");
        table_put(stderr, path);
        fprintf(stderr, ": %s\n", new_file_fault(path, err));
        status = err == E_EXISTS ? VOUCH_EXIT_USAGE : VOUCH_EXIT_PARTLY;
    }

out:
    unload(&l);
    buf_free(&out);
    return (status);
}

/* With what became of it, for a program that sees nothing else. */
static json_t *
judged_json(const struct loaded *l)
{
    json_t *object = receipt_json(&l->judgment.receipt);

    if (object != NULL && json_object_set_new(object, "state", json_string(
        l->trusted.trust == NULL ? "NOT_CHECKED" :
        receipt_state_name(l->judgment.state))) != 0) {
        json_decref(object);
        return (NULL);
    }
    return (object);
}

int
cmd_receipt_export(const struct invocation *run)
{
    const char *format = flag_value(run, "format");
    struct loaded l;
    int status;

    if (format != NULL && strcmp(format, "json") != 0)
        return (usage_error(run, "--format is json, not '%s'", format));
    if ((status = load(run, &l)) == 0) {
        if (l.judgment.state != RECEIPT_VERIFIED)
            status = complain(run, &l.judgment);
        if (is_intact(&l.judgment) && json_print_value(stdout,
            judged_json(&l), run->output == OUTPUT_JSONL) != 0)
            status = bug_error(run, "out of memory");
    }
    unload(&l);
    return (status);
}
