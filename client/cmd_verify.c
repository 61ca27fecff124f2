#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/answer.h"
#include "client/command.h"
#include "client/json.h"
#include "client/new_file.h"
#include "client/table.h"
#include "client/text.h"
#include "client/trusted.h"

const struct flag verify_flags[] = {
    {"association", "ID", "who is said to have granted it, as in ascp-boc"},
    {"type", "ID", "which credential type, as in ascp-pbt"},
    {"number", "N", "its number"},
    {"family", "NAME", "the holder's family name"},
    {"given", "NAME", "the holder's given name"},
    {"middle", "NAME", "the holder's middle name"},
    {"suffix", "SUFFIX", "Jr, Sr, II, III, IV or V"},
    {"birth-date", "DATE", "date of birth, YYYY or YYYY-MM-DD"},
    {"last4", "DIGITS", "last four of the national identity number"},
    {"issued-on", "DATE", "the day it was issued"},
    {"as-of", "DATE", "the day in question (today where the issuer is)"},
    {"recognized-by", "IDS", "recognizers of whom one is enough, by comma"},
    {"purpose", "P", "hiring, reverification, contracting, audit or\n"
        "holder-request"},
    {"on-behalf-of", "X", "for whom you ask"},
    {"authorization", "REF", "reference of the person's authorization"},
    {"requested-by", "WHO", "the human who asks"},
    {"receipt", "FILE", "file the response, which is the receipt, as FILE,\n"
        "which must not be there yet; - is standard output, in\n"
        "place of the answer"},
    {"trust", "FILE", "the operator's trust.json: believe no answer whose\n"
        "seal it does not confirm (VOUCH_TRUST)"},
    {"root-key", "ID", "id of the root key that must have signed it\n"
        "(VOUCH_ROOT_KEY)"},
    {"accept-expired-trust", NULL, "take a trust file past its expiry"},
    {NULL, NULL, NULL},
};

/* A claim with room for what it points at. */
struct claim {
    Vouch__V1__Claim claim;
    Vouch__V1__HumanName name;
    Vouch__V1__Date birth_date, issued_on, as_of;
    char *recognizers[16];
    char *list;                 /* owned; recognizers point into it */
};

static char *
text(const struct invocation *run, const char *flag)
{
    static char empty[] = "";
    const char *value = flag_value(run, flag);

    return (value != NULL ? (char *)(uintptr_t)value : empty);
}

/* Returns 0, or an exit code. */
static int
set_date(const struct invocation *run, const char *flag,
    Vouch__V1__Date *date, Vouch__V1__Date **field)
{
    const char *value = flag_value(run, flag);

    if (value == NULL)
        return (0);
    if (text_parse_date(value, date) != 0)
        return (usage_error(run,
            "--%s takes a date as in 1990 or 1990-04-30, not '%s'", flag,
            value));
    *field = date;
    return (0);
}

static int
set_purpose(const struct invocation *run, Vouch__V1__Claim *claim)
{
    const char *value = flag_value(run, "purpose");
    const ProtobufCEnumDescriptor *e = &vouch__v1__purpose__descriptor;

    if (value == NULL)
        return (0);
    for (unsigned i = 1; i < e->n_values; i++) {
        char name[64];

        text_plain(text_enum(e, e->values[i].value), name, sizeof(name));
        for (char *p = name; *p != '\0'; p++)
            *p = *p == ' ' ? '-' : *p;
        if (strcmp(name, value) == 0) {
            claim->purpose = (Vouch__V1__Purpose)e->values[i].value;
            return (0);
        }
    }
    return (usage_error(run, "--purpose takes hiring, reverification, "
        "contracting, audit or holder-request, not '%s'", value));
}

static int
set_recognizers(const struct invocation *run, struct claim *c)
{
    const char *value = flag_value(run, "recognized-by");
    char *save = NULL;

    if (value == NULL)
        return (0);
    if ((c->list = text_copy(value)) == NULL)
        return (bug_error(run, "out of memory"));
    for (char *p = strtok_r(c->list, ",", &save); p != NULL;
        p = strtok_r(NULL, ",", &save)) {
        if (c->claim.n_recognized_by == 16)
            return (usage_error(run, "--recognized-by takes at most 16"));
        c->recognizers[c->claim.n_recognized_by++] = p;
    }
    c->claim.recognized_by = c->recognizers;
    return (0);
}

static int
make_claim(const struct invocation *run, struct claim *c)
{
    static const char *const needed[] = {"association", "number", "family"};
    int status;

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (flag_value(run, needed[i]) == NULL)
            return (usage_error(run, "--%s is needed", needed[i]));
    vouch__v1__claim__init(&c->claim);
    vouch__v1__human_name__init(&c->name);
    vouch__v1__date__init(&c->birth_date);
    vouch__v1__date__init(&c->issued_on);
    vouch__v1__date__init(&c->as_of);
    c->claim.association_id = text(run, "association");
    c->claim.credential_type_id = text(run, "type");
    c->claim.number = text(run, "number");
    c->claim.name = &c->name;
    c->name.family = text(run, "family");
    c->name.given = text(run, "given");
    c->name.middle = text(run, "middle");
    c->name.suffix = text(run, "suffix");
    c->claim.last4 = text(run, "last4");
    c->claim.on_behalf_of = text(run, "on-behalf-of");
    c->claim.authorization_ref = text(run, "authorization");
    c->claim.requested_by = text(run, "requested-by");
    if ((status = set_date(run, "birth-date", &c->birth_date,
            &c->claim.birth_date)) != 0 ||
        (status = set_date(run, "issued-on", &c->issued_on,
            &c->claim.issued_on)) != 0 ||
        (status = set_date(run, "as-of", &c->as_of, &c->claim.as_of)) != 0 ||
        (status = set_purpose(run, &c->claim)) != 0)
        return (status);
    return (set_recognizers(run, c));
}

static int
print_csv(const Vouch__V1__VerifyCredentialResponse *response)
{
    static const char *const columns[] = {"association", "number",
        "conclusion", "verdict", "reason", "as_of", "request_id"};
    const Vouch__V1__Answer *a = response->answer;
    char day[32];

    text_date(a->as_of, "", day);
    return (table_print_one(columns, (const char *const[]){
        response->question->claim->association_id,
        response->question->claim->number,
        text_enum(&vouch__v1__conclusion__descriptor, (int)a->conclusion),
        text_enum(&vouch__v1__verdict__descriptor, (int)a->verdict),
        a->n_reasons > 0 ? text_enum(&vouch__v1__reason__descriptor,
            (int)a->reasons[0]) : "",
        day, response->question->request_id}, 7));
}

static int
use_color(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    return (isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
        (term == NULL || strcmp(term, "dumb") != 0));
}

/* ---- the receipt ------------------------------------------------------- */

/* What a verification is filed and judged with. */
struct evidence {
    const struct invocation *run;
    const char *path;           /* where the receipt goes; NULL: nowhere */
    struct trusted trusted;
    struct arena *arena;        /* owned */
    struct judgment judgment;
};

/* Whatever would stand against it, before anything is asked. */
static int
evidence_open(const struct invocation *run, struct evidence *e)
{
    enum err err;

    memset(e, 0, sizeof(*e));
    e->run = run;
    e->path = flag_value(run, "receipt");
    if (e->path != NULL && strcmp(e->path, "-") == 0 &&
        run->output != OUTPUT_TABLE)
        return (usage_error(run, "--receipt - takes standard output, and so "
            "does --output (or VOUCH_OUTPUT)"));
    if (e->path != NULL && (err = new_file_check(e->path)) != E_OK)
        return (usage_error(run, "--receipt %s: %s", e->path,
            new_file_fault(e->path, err)));
    if ((err = arena_create(JUDGMENT_ARENA_MAX, &e->arena)) != E_OK)
        return (bug_error(run, "%s", err_text(err)));
    return (trusted_open(run, flag_value(run, "accept-expired-trust") != NULL,
        &e->trusted));
}

static void
evidence_close(struct evidence *e)
{
    trusted_close(&e->trusted);
    arena_free(e->arena);
}

/* File what came.  Returns 0, or an exit code after having said why not. */
static int
file_receipt(const struct evidence *e, struct slice bytes)
{
    enum err err;

    if (e->path == NULL || bytes.p == NULL)
        return (0);
    if ((err = new_file_write(e->path, bytes)) == E_OK)
        return (0);
    fprintf(stderr, "vouch verify: the receipt is not filed: ");
    table_put(stderr, e->path);
    fprintf(stderr, ": %s\n", new_file_fault(e->path, err));
    return (VOUCH_EXIT_PARTLY);
}

static void
say_kept(const struct evidence *e, struct slice bytes, int filed)
{
    if (e->path == NULL || bytes.p == NULL || filed != 0)
        return;
    fprintf(stderr, "  -> what came is kept as proof: ");
    table_put(stderr, e->path);
    fputc('\n', stderr);
}

/*
 * Judge what came, if there is anything to judge it by or it is to be filed.
 * Returns 0, or an exit code after having said what is wrong.
 */
static int
judge(struct evidence *e, struct slice bytes)
{
    const struct judgment *j = &e->judgment;
    enum err err;

    if (e->trusted.trust == NULL && e->path == NULL)
        return (0);
    if ((err = trusted_judge(&e->trusted, bytes, e->arena,
            &e->judgment)) != E_OK)
        return (bug_error(e->run, "%s", err_text(err)));
    if (j->state == RECEIPT_VERIFIED)
        return (0);
    fprintf(stderr, "vouch verify: the answer is not to be believed: %s: %s\n"
        "  -> nothing is concluded from it; show it to the server's "
        "operator\n", receipt_state_name(j->state), j->why);
    return (VOUCH_EXIT_EVIDENCE);
}

/* What is said of the seal in the answer for people. */
static void
describe_seal(const struct evidence *e,
    const Vouch__V1__VerifyCredentialResponse *response, char out[512])
{
    const struct receipt *r = &e->judgment.receipt;
    char id[2 * MERKLE_HASH + 1], sealed[CIVIL_TIME_TEXT];

    if (e->trusted.trust != NULL) {
        bytes_to_hex((struct slice){r->id.bytes, MERKLE_HASH}, id);
        civil_format_time(r->batch->sealed_at_us, 0, sealed);
        (void)snprintf(out, 512, "VERIFIED, sealed at %s; receipt id %s",
            sealed, id);
    } else
        (void)snprintf(out, 512, "%s", response->seal == NULL ?
            "none: this server does not seal its answers" : "NOT CHECKED: no "
            "trust file is known (--trust FILE, or VOUCH_TRUST)");
}

static int
print(const struct evidence *e,
    const Vouch__V1__VerifyCredentialResponse *response)
{
    const struct invocation *run = e->run;
    char seal[512];

    switch (run->output) {
    case OUTPUT_JSON:
    case OUTPUT_JSONL:
        return (json_print(stdout, &response->base,
            run->output == OUTPUT_JSONL));
    case OUTPUT_CSV:
        return (print_csv(response));
    case OUTPUT_TABLE:
    default:
        describe_seal(e, response, seal);
        answer_print(stdout, response, seal, use_color());
        return (0);
    }
}

/* In one line, where standard output has the receipt. */
static void
note(const struct evidence *e,
    const Vouch__V1__VerifyCredentialResponse *response)
{
    const Vouch__V1__Answer *a = response->answer;

    if (!e->run->quiet)
        fprintf(stderr, "%s  %s%s\n",
            text_enum(&vouch__v1__conclusion__descriptor, (int)a->conclusion),
            text_enum(&vouch__v1__verdict__descriptor, (int)a->verdict),
            e->trusted.trust != NULL ? "" : "; seal not checked");
}

static int
exit_code(Vouch__V1__Conclusion conclusion)
{
    switch (conclusion) {
    case VOUCH__V1__CONCLUSION__CONCLUSION_YES:
        return (VOUCH_EXIT_YES);
    case VOUCH__V1__CONCLUSION__CONCLUSION_NO:
        return (VOUCH_EXIT_NO);
    default:
        return (VOUCH_EXIT_REVIEW);
    }
}

/* What came, which is filed whatever it is; but believed only if it holds. */
static int
take_answer(struct evidence *e, const struct vouch *vouch,
    const Vouch__V1__VerifyCredentialResponse *response)
{
    struct slice bytes;
    int broken, filed;

    bytes.p = vouch_response_bytes(vouch, &bytes.n);
    broken = judge(e, bytes);
    filed = file_receipt(e, bytes);
    if (broken != 0) {
        say_kept(e, bytes, filed);
        return (broken);
    }
    if (e->path != NULL && strcmp(e->path, "-") == 0)
        note(e, response);
    else if (print(e, response) != 0)
        return (bug_error(e->run, "out of memory"));
    return (filed != 0 ? filed : exit_code(response->answer->conclusion));
}

/* An answer to another question is proof of that, too. */
static int
fail(const struct evidence *e, const struct vouch *vouch,
    const struct vouch_error *error)
{
    int status = report_error(e->run, error);
    struct slice bytes;

    if (error->failure == VOUCH_FAILURE_EVIDENCE) {
        bytes.p = vouch_response_bytes(vouch, &bytes.n);
        say_kept(e, bytes, file_receipt(e, bytes));
    }
    return (status);
}

int
cmd_verify(const struct invocation *run)
{
    Vouch__V1__VerifyCredentialResponse *response = NULL;
    struct vouch *vouch = NULL;
    struct vouch_error error;
    struct claim claim = {0};
    struct evidence evidence = {0};
    int status;

    if ((status = make_claim(run, &claim)) != 0 ||
        (status = evidence_open(run, &evidence)) != 0)
        goto out;
    if (vouch_open(&run->options, &vouch, &error) != 0)
        status = report_error(run, &error);
    else if (vouch_verify(vouch, &claim.claim, &response, &error) != 0)
        status = fail(&evidence, vouch, &error);
    else
        status = take_answer(&evidence, vouch, response);

out:
    if (response != NULL)
        vouch_free_message(&response->base);
    vouch_close(vouch);
    evidence_close(&evidence);
    free(claim.list);
    return (status);
}
