#include "client/receipt_page.h"

#include <inttypes.h>
#include <string.h>

#include "client/text.h"

#define DEPTH_MAX 16
#define STATED "(as stated by the asker)"

static int
given(const char *text)
{
    return (text != NULL && text[0] != '\0');
}

static void
put_bytes(struct page *p, const char *label, const ProtobufCBinaryData *data)
{
    char hex[2 * 128 + 1];

    /* The claim's nonce is of 64 bytes at most, and all else of fewer. */
    if (data->len * 2 >= sizeof(hex))
        page_row(p, label, "%zu bytes", data->len);
    else {
        bytes_to_hex((struct slice){data->data, data->len}, hex);
        page_row(p, label, "%s", data->len > 0 ? hex : "none");
    }
}

static void
put_hash(struct page *p, const char *label, const struct merkle_hash *hash)
{
    char hex[2 * MERKLE_HASH + 1];

    bytes_to_hex((struct slice){hash->bytes, MERKLE_HASH}, hex);
    page_row(p, label, "%s", hex);
}

/* ---- whether it is to be relied on ------------------------------------- */

static void
put_standing(struct page *p, const struct receipt_page *what)
{
    const struct judgment *j = what->judgment;
    char about[512];

    if (j->state != RECEIPT_VERIFIED)
        page_banner(p, PAGE_BAD, "DO NOT RELY ON THIS. NOT VERIFIED, %s: %s",
            receipt_state_name(j->state), j->why);
    if (what->trusted->trust == NULL) {
        page_banner(p, PAGE_WARNING, "THE SEAL WAS NOT CHECKED: no trust file "
            "was given. Anybody may have made or altered this.");
        return;
    }
    trusted_about(what->trusted, about, sizeof(about));
    page_banner(p, j->state == RECEIPT_VERIFIED ? PAGE_GOOD : PAGE_PLAIN,
        "%s the trust file of %s.", j->state == RECEIPT_VERIFIED ?
        "VERIFIED: this is what the daemon sealed, word for word, by" :
        "Judged by", about);
}

/* In large letters stands only what may be relied on. */
static void
put_heading(struct page *p, const struct judgment *j)
{
    const struct receipt *r = &j->receipt;

    if (j->state != RECEIPT_VERIFIED)
        page_banner(p, PAGE_HEADING, "Receipt of a verification: NOT "
            "VERIFIED");
    else if (r->answer == NULL)
        page_banner(p, PAGE_HEADING, "Receipt of a verification");
    else
        page_banner(p, PAGE_HEADING, "Receipt of a verification: %s, %s",
            text_enum(&vouch__v1__conclusion__descriptor,
                (int)r->answer->conclusion),
            text_enum(&vouch__v1__verdict__descriptor,
                (int)r->answer->verdict));
    if (r->answer == NULL)
        page_banner(p, PAGE_WARNING, "RESULT WITHHELD: the answer was taken "
            "out of this receipt. It shows that the question was asked and "
            "answered, and when.");
    if (r->question == NULL)
        page_banner(p, PAGE_WARNING, "QUESTION WITHHELD: what was asked, and "
            "by whom, was taken out of this receipt.");
}

/* ---- the question ------------------------------------------------------ */

static void
put_stated(struct page *p, const char *label, const char *value)
{
    page_row(p, label, given(value) ? "\"%s\" " STATED :
        "%snot stated", value);
}

static void
put_asker(struct page *p, const Vouch__V1__Question *q)
{
    static const Vouch__V1__Claim none = VOUCH__V1__CLAIM__INIT;
    const Vouch__V1__Claim *c = q->claim != NULL ? q->claim : &none;
    char purpose[64];

    page_section(p, "Who asked");
    page_row(p, "asker", "%s (authenticated by the daemon)", q->asker);
    put_stated(p, "on behalf of", c->on_behalf_of);
    put_stated(p, "requested by", c->requested_by);
    text_value(&vouch__v1__purpose__descriptor, (int)c->purpose, purpose);
    page_row(p, "purpose", c->purpose !=
        VOUCH__V1__PURPOSE__PURPOSE_UNSPECIFIED ? "%s " STATED :
        "not stated%.0s", purpose);
    put_stated(p, "authorization", c->authorization_ref);
    page_row(p, "request id", "\"%s\"", q->request_id);
    put_bytes(p, "nonce", &c->nonce);
}

static void
put_claimed(struct page *p, const char *label, const char *value)
{
    page_row(p, label, given(value) ? "\"%s\"" : "%snot claimed", value);
}

static void
put_date(struct page *p, const char *label, const Vouch__V1__Date *date,
    const char *unknown)
{
    char text[32];

    text_date(date, "", text);
    page_row(p, label, "%s", text[0] != '\0' ? text : unknown);
}

static void
put_claim(struct page *p, const Vouch__V1__Claim *c)
{
    static Vouch__V1__HumanName nobody = VOUCH__V1__HUMAN_NAME__INIT;
    const Vouch__V1__HumanName *name;

    page_section(p, "The claim, exactly");
    if (c == NULL) {
        page_row(p, "claim", "none");
        return;
    }
    name = c->name != NULL ? c->name : &nobody;
    put_claimed(p, "association", c->association_id);
    put_claimed(p, "type", c->credential_type_id);
    put_claimed(p, "number", c->number);
    put_claimed(p, "family name", name->family);
    put_claimed(p, "given name", name->given);
    put_claimed(p, "middle name", name->middle);
    put_claimed(p, "suffix", name->suffix);
    put_date(p, "born", c->birth_date, "not claimed");
    put_claimed(p, "last four", c->last4);
    put_date(p, "issued on", c->issued_on, "not claimed");
    put_date(p, "as of", c->as_of, "not claimed: the day of the answer");
    for (size_t i = 0; i < c->n_recognized_by; i++)
        page_row(p, i == 0 ? "recognized by" : "", "\"%s\"%s",
            c->recognized_by[i], i == 0 ? " is enough" : " is, too");
    if (c->n_recognized_by == 0)
        page_row(p, "recognized by", "anybody in the catalog is enough");
}

/* ---- the seal ---------------------------------------------------------- */

static void
put_seal(struct page *p, const struct receipt *r)
{
    const Vouch__V1__SealBatch *b = r->batch;
    char utc[CIVIL_TIME_TEXT];

    page_section(p, "Seal");
    put_hash(p, "receipt id", &r->id);
    civil_format_time(b->sealed_at_us, 0, utc);
    page_row(p, "sealed at", "%s", utc);
    page_row(p, "log origin", "%s", b->log_origin);
    put_bytes(p, "key id", &b->key_id);
    page_row(p, "batch", "answer %" PRIu32 " of %" PRIu32
        " under one signature (%s)", r->seal->index + 1, b->leaf_count,
        b->domain);
    put_bytes(p, "batch root", &b->root);
    page_row(p, "checkpoint", "log of %" PRId64 " entries, root",
        b->checkpoint_size);
    put_bytes(p, "", &b->checkpoint_root);
    if (r->answer == NULL)
        put_hash(p, "answer hash", &r->answer_commitment);
    if (r->question == NULL)
        put_hash(p, "question hash", &r->question_commitment);
}

/* ---- fields that a later version has put there ------------------------- */

struct unknown {
    struct page *page;
    size_t n;
};

static void
put_unknown(struct unknown *u, const ProtobufCMessage *m)
{
    static const char *const kinds[] = {"a varint", "64 bits", "bytes", "?",
        "?", "32 bits"};

    for (unsigned i = 0; i < m->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *f = &m->unknown_fields[i];

        if (u->n++ == 0)
            page_section(u->page, "Unknown to this client");
        page_row(u->page, u->n == 1 ? "field" : "",
            "number %" PRIu32 " of %s: %s, length %zu", f->tag,
            m->descriptor->short_name, (unsigned)f->wire_type < 6 ?
            kinds[f->wire_type] : "?", text_unknown(f).n);
    }
}

static void walk(struct unknown *u, const ProtobufCMessage *m,
    unsigned depth);

static void
walk_field(struct unknown *u, const ProtobufCMessage *m,
    const ProtobufCFieldDescriptor *f, unsigned depth)
{
    const uint8_t *at = (const uint8_t *)m;

    if (f->type != PROTOBUF_C_TYPE_MESSAGE)
        return;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        size_t n = *(const size_t *)(const void *)
            (at + f->quantifier_offset);
        ProtobufCMessage *const *list = *(ProtobufCMessage *const *const *)
            (const void *)(at + f->offset);

        for (size_t i = 0; i < n; i++)
            walk(u, list[i], depth + 1);
        return;
    }
    walk(u, *(ProtobufCMessage *const *)(const void *)(at + f->offset),
        depth + 1);
}

static void
walk(struct unknown *u, const ProtobufCMessage *m, unsigned depth)
{
    if (m == NULL || depth > DEPTH_MAX)
        return;
    put_unknown(u, m);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        walk_field(u, m, &m->descriptor->fields[i], depth);
}

/* ---- how to verify ----------------------------------------------------- */

/* ${text} as one word of a shell; cut to fit, but never within the quotes. */
static void
quote(const char *text, char *out, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-+=@%,:";
    size_t n = 0;

    if (text[0] != '-' && text[strspn(text, plain)] == '\0') {
        (void)snprintf(out, size, "%s", text);
        return;
    }
    out[n++] = '\'';
    for (; *text != '\0' && n + 6 < size; text++) {
        if (*text == '\'') {
            memcpy(out + n, "'\\''", 4);
            n += 4;
        } else
            out[n++] = *text;
    }
    out[n++] = '\'';
    out[n] = '\0';
}

static void
put_how(struct page *p, const struct receipt_page *what)
{
    const struct trusted *t = what->trusted;
    char file[4200] = "FILE";

    if (strcmp(what->file, "-") != 0)
        quote(what->file, file, sizeof(file));
    page_section(p, "How to verify it");
    page_row(p, "command", "vouch receipt verify %s --trust trust.json "
        "--root-key %s", file, t->trust != NULL ? t->root_key :
        "THE-ROOT-KEY'S-ID");
    page_row(p, "root key", "its id is what the operator tells by another way "
        "than with trust.json%s", t->trust != NULL ?
        "; compare it with the one above" : "");
    page_row(p, "evidence", "is the file, not this page; it needs no network, "
        "and docs/receipt.md specifies it for whoever would rather write a "
        "verifier of their own");
}

enum err
receipt_page_write(const struct receipt_page *what, enum page_format format,
    FILE *f)
{
    const struct receipt *r = &what->judgment->receipt;
    struct unknown unknown = {.n = 0};
    struct page p;

    page_begin(&p, format, "Receipt of a verification");
    put_standing(&p, what);
    unknown.page = &p;
    if (what->judgment->readable) {
        put_heading(&p, what->judgment);
        if (r->answer != NULL)
            receipt_page_answer(&p, r->answer);
        if (r->question != NULL) {
            put_asker(&p, r->question);
            put_claim(&p, r->question->claim);
        }
        if (r->answer != NULL)
            receipt_page_limits(&p, r->answer);
        put_seal(&p, r);
        if (r->answer != NULL)
            walk(&unknown, &r->answer->base, 0);
        if (r->question != NULL)
            walk(&unknown, &r->question->base, 0);
        put_how(&p, what);
    }
    return (page_end(&p, f));
}
