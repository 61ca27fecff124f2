/*
 * A receipt on one page: nothing that it says is missing, nothing that stands
 * in it acts, and nobody overlooks that it does not verify.  The pages of a
 * full receipt are those of unit/golden; VOUCH_GOLDEN=write in the environment
 * writes them anew.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/receipt_json.h"
#include "client/receipt_page.h"
#include "client/text.h"
#include "client/whole_file.h"
#include "client/words.h"
#include "proto/message.h"
#include "support/fault.h"
#include "support/full_receipt.h"

#define GOLDEN SOURCE_DIR "/tests/unit/golden/receipt"
#define PAGE_BYTES ((size_t)64 * 1024 * 1024)

static struct arena *arena;
static struct trusted trusted;
static struct full_receipt full;
static struct judgment judgment;

static int
setup(void **state)
{
    static struct trust_content content;
    struct trust_fixture_key root;
    struct buf file;
    char why[256];

    (void)state;
    assert_int_equal(arena_create(JUDGMENT_ARENA_MAX, &arena), E_OK);
    trust_fixture_content(&content);
    buf_init(&file, TRUST_BYTES_MAX);
    trust_fixture_write(&content, &file);
    assert_int_equal(trust_read(buf_slice(&file), &trusted.trust, why,
        sizeof(why)), E_OK);
    buf_free(&file);
    trust_fixture_key(FIXTURE_ROOT, &root);
    bytes_to_hex((struct slice){root.id, sizeof(root.id)}, trusted.root_key);
    trusted.root = TRUSTED_PINNED;
    trusted.now_us = FIXTURE_NOW_US;
    full_receipt_make(&full);
    return (0);
}

static int
teardown(void **state)
{
    (void)state;
    full_receipt_free(&full);
    trusted_close(&trusted);
    arena_free(arena);
    return (0);
}

static void
judge(struct slice bytes)
{
    arena_reset(arena);
    assert_int_equal(trusted_judge(&trusted, bytes, arena, &judgment), E_OK);
}

/* What ${path} holds; text, for free(). */
static char *
slurp(const char *path)
{
    struct buf text;

    buf_init(&text, PAGE_BYTES);
    assert_int_equal(whole_file_read(path, &text), E_OK);
    assert_int_equal(buf_add(&text, (struct slice){(const uint8_t *)"", 1}),
        E_OK);
    return ((char *)text.p);
}

/* The page of ${judgment}, for free(). */
static char *
page_by(enum page_format format, const struct trusted *by)
{
    const struct receipt_page what = {&judgment, by, "a.receipt"};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    assert_non_null(f);
    assert_int_equal(receipt_page_write(&what, format, f), E_OK);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(strlen(text), n);
    return (text);
}

static char *
page(enum page_format format)
{
    return (page_by(format, &trusted));
}

/* ${text} in one line, as if it had never been wrapped. */
static void
unwrap(char *text)
{
    char *to = text;

    for (const char *p = text; *p != '\0'; p++)
        if (*p != '\n')
            *to++ = *p;
        else if (p[1] == ' ') {
            *to++ = ' ';
            p += strspn(p + 1, " ");
        } else
            *to++ = '\n';
    *to = '\0';
}

static void
lacks(const char *text, const char *what)
{
    if (strstr(text, what) != NULL)
        fail_msg("'%s' is there", what);
}

static void
has(const char *text, const char *what, const char *whose)
{
    if (strstr(text, what) == NULL)
        fail_msg("there is no '%s' (%s) in:\n%s", what, whose, text);
}

/* ---- everything -------------------------------------------------------- */

static void
every_value_of_question_and_answer_is_shown(void **state)
{
    char *text, *html;

    (void)state;
    judge(buf_slice(&full.bytes));
    assert_int_equal(judgment.state, RECEIPT_VERIFIED);
    text = page(PAGE_TEXT);
    html = page(PAGE_HTML);
    unwrap(text);
    assert_true(full.nvalues > 80);
    for (size_t i = 0; i < full.nvalues; i++) {
        has(text, full.values[i].shown, full.values[i].field);
        has(html, full.values[i].shown, full.values[i].field);
    }
    free(text);
    free(html);
}

/* What the filled in values do not tell: words for enums and flags. */
static void
enums_and_flags_are_shown_in_words(void **state)
{
    const Vouch__V1__Answer *a;
    char words[64], *text;

    (void)state;
    judge(buf_slice(&full.bytes));
    a = judgment.receipt.answer;
    text = page(PAGE_TEXT);
    unwrap(text);
    has(text, words_verdict(a->verdict), "verdict");
    has(text, words_reason(a->reasons[0]), "reason");
    has(text, words_cause(a->innocent_causes[0]), "cause");
    has(text, words_not_established(a->not_established[0]), "limit");
#define WORD(type, value) \
    text_value(&vouch__v1__##type##__descriptor, (int)(value), words); \
    has(text, words, #type)
    WORD(factor, a->factors[0]->factor);
    WORD(comparison, a->factors[0]->comparison);
    WORD(standing, a->status->standing);
    WORD(inactive_reason, a->status->inactive_reason);
    WORD(restriction, a->status->restriction);
    WORD(review, a->status->review);
    WORD(period_kind, a->periods[0]->kind);
    WORD(recognition_state, a->recognition);
    WORD(confidence, a->recognitions[0]->confidence);
    WORD(freshness_state, a->freshness->state);
    WORD(purpose, judgment.receipt.question->claim->purpose);
#undef WORD
    has(text, "conclusion      REVIEW", "conclusion");
    has(text, "is a former one of the holder", "former name");
    has(text, "the issuer's word holds past it", "good past its end date");
    has(text, "PROJECTION", "projection");
    has(text, "it made this operator its agent by", "designation");
    free(text);
}

/* These four are the asker's word alone. */
static void
what_the_asker_stated_is_marked_so(void **state)
{
    static const char *const labels[] = {"\non behalf of    \"T",
        "\nrequested by    \"T", "\npurpose         holder request ",
        "\nauthorization   \"T"};
    char *text;

    (void)state;
    judge(buf_slice(&full.bytes));
    text = page(PAGE_TEXT);
    unwrap(text);
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        const char *at = strstr(text, labels[i]), *end, *mark;

        if (at == NULL)
            fail_msg("there is no '%s' in:\n%s", labels[i], text);
        end = strchr(at + 1, '\n');
        mark = strstr(at, "(as stated by the asker)");
        assert_true(mark != NULL && mark < end);
    }
    free(text);
}

static void
seal_and_how_to_verify_it_are_shown(void **state)
{
    const struct receipt *r = &judgment.receipt;
    char hex[65], *text;

    (void)state;
    judge(buf_slice(&full.bytes));
    text = page(PAGE_TEXT);
    bytes_to_hex((struct slice){r->id.bytes, 32}, hex);
    has(text, hex, "id");
    bytes_to_hex((struct slice){r->batch->key_id.data, 32}, hex);
    has(text, hex, "key");
    bytes_to_hex((struct slice){r->batch->root.data, 32}, hex);
    has(text, hex, "root");
    bytes_to_hex((struct slice){r->batch->checkpoint_root.data, 32}, hex);
    has(text, hex, "checkpoint");
    has(text, "log of 17 entries", "checkpoint size");
    has(text, "answer 4 of 7 under one signature", "batch");
    has(text, FIXTURE_ORIGIN, "origin");
    unwrap(text);
    has(text, "vouch receipt verify a.receipt --trust trust.json --root-key ",
        "command");
    has(text, trusted.root_key, "root key");
    has(text, "docs/receipt.md", "specification");
    free(text);
}

static void
the_pages_are_as_they_were(void **state)
{
    static const char *const tails[] = {".txt", ".html"};
    const char *mode = getenv("VOUCH_GOLDEN");

    (void)state;
    judge(buf_slice(&full.bytes));
    for (int i = 0; i < 2; i++) {
        char path[300], *now = page(i == 0 ? PAGE_TEXT : PAGE_HTML), *then;

        (void)snprintf(path, sizeof(path), "%s%s", GOLDEN, tails[i]);
        if (mode != NULL && strcmp(mode, "write") == 0) {
            FILE *f = fopen(path, "w");

            assert_non_null(f);
            assert_true(fputs(now, f) >= 0);
            assert_int_equal(fclose(f), 0);
        }
        then = slurp(path);
        assert_string_equal(now, then);
        free(now);
        free(then);
    }
}

/* ---- what is not there ------------------------------------------------- */

/* The receipt without ${parts}, judged. */
static void
redact(unsigned parts)
{
    struct buf out;

    judge(buf_slice(&full.bytes));
    buf_init(&out, RECEIPT_BYTES_MAX);
    assert_int_equal(receipt_redact(&judgment.receipt, parts, &out), E_OK);
    judge(buf_slice(&out));
    assert_int_equal(judgment.state, RECEIPT_VERIFIED);
    buf_free(&out);
}

static void
what_is_withheld_is_said(void **state)
{
    char *text, id[65], again[65];

    (void)state;
    judge(buf_slice(&full.bytes));
    bytes_to_hex((struct slice){judgment.receipt.id.bytes, 32}, id);
    redact(RECEIPT_ANSWER);
    bytes_to_hex((struct slice){judgment.receipt.id.bytes, 32}, again);
    assert_string_equal(id, again);
    text = page(PAGE_TEXT);
    has(text, "RESULT WITHHELD", "answer");
    has(text, "number          \"T", "the claim");
    has(text, "answer hash", "commitment");
    lacks(text, "QUESTION WITHHELD");
    lacks(text, "conclusion");
    free(text);
    redact(RECEIPT_QUESTION);
    text = page(PAGE_HTML);
    has(text, "QUESTION WITHHELD", "question");
    has(text, "question hash", "commitment");
    has(text, "conclusion", "answer");
    lacks(text, "RESULT WITHHELD");
    lacks(text, "on behalf of");
    free(text);
    redact(RECEIPT_QUESTION | RECEIPT_ANSWER);
    text = page(PAGE_TEXT);
    has(text, "RESULT WITHHELD", "answer");
    has(text, "QUESTION WITHHELD", "question");
    has(text, id, "id");
    free(text);
}

static void
whether_it_was_verified_stands_on_top(void **state)
{
    const struct trusted nothing = {.now_us = FIXTURE_NOW_US};
    struct trusted later = trusted;
    struct buf bytes;
    char *text;

    (void)state;
    judge(buf_slice(&full.bytes));
    text = page(PAGE_TEXT);
    assert_memory_equal(text, "VERIFIED: ", 10);
    free(text);
    arena_reset(arena);
    assert_int_equal(trusted_judge(&nothing, buf_slice(&full.bytes), arena,
        &judgment), E_OK);
    text = page_by(PAGE_TEXT, &nothing);
    assert_memory_equal(text, "THE SEAL WAS NOT CHECKED", 24);
    free(text);

    later.newest = trust_content(trusted.trust)->version + 1;
    arena_reset(arena);
    assert_int_equal(trusted_judge(&later, buf_slice(&full.bytes), arena,
        &judgment), E_OK);
    assert_int_equal(judgment.state, RECEIPT_TRUST_TOO_OLD);
    text = page_by(PAGE_TEXT, &later);
    assert_memory_equal(text, "*** DO NOT RELY ON THIS", 23);
    has(text, "TRUST_TOO_OLD", "state");
    free(text);

    buf_init(&bytes, RECEIPT_BYTES_MAX);
    assert_int_equal(buf_add(&bytes, buf_slice(&full.bytes)), E_OK);
    *(uint8_t *)memchr(bytes.p, 'T', bytes.n) = 'U';
    judge(buf_slice(&bytes));
    assert_int_equal(judgment.state, RECEIPT_SEAL_BROKEN);
    text = page(PAGE_TEXT);
    assert_memory_equal(text, "*** DO NOT RELY ON THIS", 23);
    has(text, "SEAL_BROKEN", "state");
    has(text, "\nReceipt of a verification: NOT VERIFIED\n", "heading");
    has(text, "conclusion", "what it pretends");
    free(text);
    bytes.n /= 2;
    judge(buf_slice(&bytes));
    text = page(PAGE_TEXT);
    has(text, "MALFORMED", "state");
    lacks(text, "conclusion");
    free(text);
    buf_free(&bytes);
}

/* ---- what is hostile --------------------------------------------------- */

#define LONG 200000

/* A receipt whose texts are ${text}. */
static void
judge_text(char *text)
{
    Vouch__V1__Question question = VOUCH__V1__QUESTION__INIT;
    Vouch__V1__Answer answer = VOUCH__V1__ANSWER__INIT;
    Vouch__V1__Claim claim = VOUCH__V1__CLAIM__INIT;
    struct receipt_fixture f;
    struct buf bytes;

    claim.on_behalf_of = claim.number = text;
    question.claim = &claim;
    question.asker = text;
    answer.contact = answer.association_name = text;
    answer.verdict = VOUCH__V1__VERDICT__VERDICT_NO_MATCH;
    receipt_fixture_make(&f, 1, 0);
    f.question.n = f.answer.n = 0;
    assert_int_equal(message_pack(&question.base, &f.question), E_OK);
    assert_int_equal(message_pack(&answer.base, &f.answer), E_OK);
    receipt_fixture_seal(&f);
    receipt_fixture_sign(&f);
    buf_init(&bytes, 2 * RECEIPT_BYTES_MAX);
    receipt_fixture_pack(&f, &bytes);
    judge(buf_slice(&bytes));
    if (judgment.state != RECEIPT_VERIFIED)
        fail_msg("%s", judgment.why);
    buf_free(&bytes);
    receipt_fixture_free(&f);
}

/* Every tag is one of ours, and nothing is fetched. */
static void
check_tags(const char *html)
{
    static const char *const tags[] = {"!DOCTYPE html>", "html lang=\"en\" ",
        "/html>", "head>", "/head>", "meta charset=\"utf-8\">",
        "meta http-equiv=\"Content-Security-Policy\" ",
        "meta name=\"viewport\" ", "meta name=\"referrer\" ", "title>",
        "/title>", "style>", "/style>", "body>", "/body>", "main>", "/main>",
        "section>", "/section>", "h1>", "/h1>", "h2>", "/h2>", "p>",
        "p class=\"good\">", "p class=\"bad\">", "p class=\"warning\">",
        "/p>", "dl>", "/dl>", "dt>", "/dt>", "dd>", "/dd>", "span>",
        "/span>"};

    for (const char *p = strchr(html, '<'); p != NULL;
        p = strchr(p + 1, '<')) {
        size_t i = 0, n = sizeof(tags) / sizeof(tags[0]);

        while (i < n && strncmp(p + 1, tags[i], strlen(tags[i])) != 0)
            i++;
        if (i == n)
            fail_msg("a tag of somebody else's: %.60s", p);
    }
    lacks(html, "src=");
    lacks(html, "href=");
    lacks(html, "url(");
}

static void
check_characters(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
        if ((*p < 0x20 && *p != '\n') || *p == 0x7f)
            fail_msg("a control character: %.40s", (const char *)p);
    lacks(text, "\xc2\x9b");
    lacks(text, "\xe2\x80\xae");
    lacks(text, "\xe2\x80\x8b");
    lacks(text, "\xe2\x81\xa6");
    lacks(text, "\xd8\x9c");
    lacks(text, "\xf3\xa0\x81\x81");
    lacks(text, "\xef\xbb\xbf");
}

static void
nothing_in_a_receipt_acts(void **state)
{
    static char hostile[] = "</dd><script>alert(1)</script>&amp;\" "
        "onload='x'<!-- \x1b]0;t\x07 \x1b[2J a\rb\nYES\tc\x7f \xc2\x9b" "31m "
        "\xe2\x80\xae" "desrever\xe2\x80\xac \xe2\x80\x8b\xe2\x81\xa6\xd8\x9c"
        "\xf3\xa0\x81\x81\xef\xbb\xbf \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d "
        "Zo\xc3\xab";
    char *text, *html;

    (void)state;
    judge_text(hostile);
    text = page(PAGE_TEXT);
    html = page(PAGE_HTML);
    check_characters(text);
    check_characters(html);
    check_tags(html);
    lacks(html, "<script");
    has(html, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;&quot;", "HTML");
    has(html, "<span>U+202E</span>desrever<span>U+202C</span>", "direction");
    unwrap(text);
    has(text, "<U+001B>[2J", "escape");
    has(text, "a<U+000D>b<U+000A>YES<U+0009>c<U+007F>", "lines");
    has(text, "<U+202E>desrever<U+202C>", "direction");
    has(text, "<U+200B><U+2066><U+061C><U+E0041><U+FEFF>", "hidden");
    has(text, "Zo\xc3\xab", "what is harmless");
    has(text, "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "what is harmless");
    free(text);
    free(html);
}

static void
what_is_very_long_is_shown_whole(void **state)
{
    char *longest = malloc(LONG + 1), *text, *html;
    size_t column = 0, letters = 0;

    (void)state;
    assert_non_null(longest);
    memset(longest, 'q', LONG);
    longest[LONG] = '\0';
    judge_text(longest);
    text = page(PAGE_TEXT);
    html = page(PAGE_HTML);
    has(html, longest, "a text");
    for (const char *p = text; *p != '\0'; p++) {
        column = *p == '\n' ? 0 : column + 1;
        letters += *p == 'q';
        assert_true(column <= 80);
    }
    assert_true(letters >= (size_t)5 * LONG);
    free(text);
    free(html);
    free(longest);
}

static void
a_strange_file_name_is_quoted(void **state)
{
    struct receipt_page what = {&judgment, &trusted, "it's $(x) \033.receipt"};
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    (void)state;
    judge(buf_slice(&full.bytes));
    assert_non_null(f);
    assert_int_equal(receipt_page_write(&what, PAGE_TEXT, f), E_OK);
    assert_int_equal(fclose(f), 0);
    unwrap(text);
    has(text, "verify 'it'\\''s $(x) <U+001B>.receipt' --trust", "name");
    free(text);
}

/* ---- JSON -------------------------------------------------------------- */

static void
every_value_stands_in_the_export(void **state)
{
    json_t *json;
    char *text;

    (void)state;
    judge(buf_slice(&full.bytes));
    assert_non_null(json = receipt_json(&judgment.receipt));
    assert_non_null(text = json_dumps(json, JSON_PRESERVE_ORDER));
    for (size_t i = 0; i < full.nvalues; i++)
        has(text, full.values[i].json, full.values[i].field);
    has(text, "\"sealed_at_us\": 1795348802123456, "
        "\"sealed_at\": \"2026-11-22T12:00:02.123456Z\"", "time");
    has(text, "\"redacted\": []", "redacted");
    free(text);
    json_decref(json);
    redact(RECEIPT_ANSWER | RECEIPT_QUESTION);
    assert_non_null(json = receipt_json(&judgment.receipt));
    assert_true(json_is_null(json_object_get(json, "answer")));
    assert_true(json_is_null(json_object_get(json, "question")));
    assert_int_equal(json_array_size(json_object_get(json, "redacted")), 2);
    json_decref(json);
}

/* ---- memory ------------------------------------------------------------ */

static void
an_allocation_that_fails_is_told(void **state)
{
    const struct receipt_page what = {&judgment, &trusted, "a.receipt"};
    int n = 0, fired;
    FILE *f = fopen("/dev/null", "w");

    (void)state;
    assert_non_null(f);
    judge(buf_slice(&full.bytes));
    do {
        enum err err;

        fault_arm(n++);
        err = receipt_page_write(&what, n % 2 == 0 ? PAGE_TEXT : PAGE_HTML,
            f);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(err, fired ? E_NOMEM : E_OK);
    } while (fired && n < 1000);
    assert_true(n > 3 && n < 1000);
    n = 0;
    do {
        json_t *json;

        fault_arm(n++);
        json = receipt_json(&judgment.receipt);
        fired = fault_fired();
        fault_arm(-1);
        assert_true((json == NULL) == (fired != 0));
        json_decref(json);
    } while (fired && n < 1000);
    assert_true(n > 3 && n < 1000);
    n = 0;
    do {
        struct arena *own = NULL;
        struct judgment j;
        enum err err;

        fault_arm(n++);
        if ((err = arena_create(JUDGMENT_ARENA_MAX, &own)) == E_OK)
            err = trusted_judge(&trusted, buf_slice(&full.bytes), own, &j);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(err, fired ? E_NOMEM : E_OK);
        arena_free(own);
    } while (fired && n < 1000);
    assert_true(n > 2 && n < 1000);
    (void)fclose(f);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_of_question_and_answer_is_shown),
        cmocka_unit_test(enums_and_flags_are_shown_in_words),
        cmocka_unit_test(what_the_asker_stated_is_marked_so),
        cmocka_unit_test(seal_and_how_to_verify_it_are_shown),
        cmocka_unit_test(the_pages_are_as_they_were),
        cmocka_unit_test(what_is_withheld_is_said),
        cmocka_unit_test(whether_it_was_verified_stands_on_top),
        cmocka_unit_test(nothing_in_a_receipt_acts),
        cmocka_unit_test(what_is_very_long_is_shown_whole),
        cmocka_unit_test(a_strange_file_name_is_quoted),
        cmocka_unit_test(every_value_stands_in_the_export),
        cmocka_unit_test(an_allocation_that_fails_is_told),
    };

    return (cmocka_run_group_tests_name("receipt_page", tests, setup,
        teardown));
}
