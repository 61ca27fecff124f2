#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/source.h"
#include "client/text.h"
#include "proto/civil.h"
#include "support/fault.h"

#define HEAD "format: csv\nencoding: utf-8\n" \
    "constants: {credential_type: t}\n"

/* Everything that came of a file, a line each. */
struct seen {
    char text[8000];
    size_t n;
    struct source *source;
    struct arena *arena;
    struct source_fault fault;
    struct source_counts counts;
    char column[64];
};

static void say(struct seen *seen, const char *format, ...)
    PRINTF_LIKE(2, 3);

static void
say(struct seen *seen, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    seen->n += (size_t)vsnprintf(seen->text + seen->n,
        sizeof(seen->text) - seen->n, format, args);
    va_end(args);
    if (seen->n >= sizeof(seen->text))
        seen->n = sizeof(seen->text) - 1;
}

static void
say_date(struct seen *seen, const char *label, const Vouch__V1__Date *date)
{
    char text[CIVIL_TEXT];

    civil_format(text_civil(date), text);
    if (text[0] != '\0')
        say(seen, " %s=%s", label, text);
}

static void
say_text(struct seen *seen, const char *label, const char *text)
{
    if (text[0] != '\0')
        say(seen, " %s=%s", label, text);
}

static void
say_enum(struct seen *seen, const ProtobufCEnumDescriptor *type, int value)
{
    if (value != 0)
        say(seen, " %s", text_enum(type, value));
}

static void
say_row(struct seen *seen, const Vouch__V1__CredentialRow *row)
{
    say(seen, "%d: %s", (int)row->line, row->number);
    say_text(seen, "family", row->name->family);
    say_text(seen, "given", row->name->given);
    say_text(seen, "middle", row->name->middle);
    say_text(seen, "suffix", row->name->suffix);
    for (size_t i = 0; i < row->n_former_family; i++)
        say_text(seen, "former", row->former_family[i]);
    say_date(seen, "born", row->birth_date);
    say_date(seen, "issued", row->issued_on);
    for (size_t i = 0; i < row->n_periods; i++) {
        say(seen, " period=%d", (int)row->periods[i]->kind);
        say_date(seen, "from", row->periods[i]->valid_from);
        say_date(seen, "until", row->periods[i]->valid_until);
        say_date(seen, "grace", row->periods[i]->grace_until);
    }
    say_text(seen, "status", row->raw_status);
    say_text(seen, "reason", row->raw_reason);
    say_enum(seen, &vouch__v1__standing__descriptor, (int)row->standing);
    say_enum(seen, &vouch__v1__inactive_reason__descriptor,
        (int)row->inactive_reason);
    say_enum(seen, &vouch__v1__restriction__descriptor,
        (int)row->restriction);
    say_enum(seen, &vouch__v1__review__descriptor, (int)row->review);
    say(seen, "%s\n", row->good_past_end_date ? " good" : "");
}

static enum err
on_reject(void *cookie, int64_t line, const struct rows_fault *fault)
{
    say(cookie, "%d! %s %s\n", (int)line, fault->column, fault->reason);
    return (E_OK);
}

static enum err
on_ready(void *cookie)
{
    struct seen *seen = cookie;
    Vouch__V1__CredentialRow *row;
    struct rows_fault fault;
    int64_t line;
    enum err err;

    arena_reset(seen->arena);
    err = source_take(seen->source, seen->arena, &row, &line, &fault);
    if (err == E_INVAL)
        return (on_reject(seen, line, &fault));
    if (err != E_OK)
        return (err);
    say_row(seen, row);
    while ((line = source_next_line(seen->source, line)) != 0)
        say(seen, "  and %d\n", (int)line);
    return (E_OK);
}

/* Read ${file} by ${mapping} (NULL: the plain CSV), ${piece} bytes at a time. */
static enum err
run(const char *mapping, struct slice file, size_t piece, struct seen *seen)
{
    struct source_sink sink = {seen, on_ready, on_reject};
    struct mapping_faults *faults = NULL;
    struct civil day = {2020, 6, 15};
    struct mapping *m = NULL;
    enum err err = E_NOMEM;

    memset(seen, 0, sizeof(*seen));
    if ((faults = calloc(1, sizeof(*faults))) == NULL ||
        (mapping != NULL && (err = mapping_parse(slice_of(mapping), NULL,
            faults, &m)) != E_OK) ||
        (err = arena_create((size_t)1 << 20, &seen->arena)) != E_OK ||
        (err = source_create(m, civil_first_day(day), &sink,
            &seen->source)) != E_OK)
        goto out;
    for (size_t i = 0; i < file.n && err == E_OK; i += piece)
        err = source_feed(seen->source, (struct slice){file.p + i,
            file.n - i < piece ? file.n - i : piece}, &seen->fault);
    if (err == E_OK)
        err = source_end(seen->source, &seen->fault);
    seen->counts = source_counts(seen->source);
    (void)snprintf(seen->column, sizeof(seen->column), "%s",
        source_column(seen->source, "periods"));

out:
    source_free(seen->source);
    arena_free(seen->arena);
    mapping_free(m);
    free(faults);
    return (err);
}

static void
assert_rows(const char *mapping, const char *file, const char *want)
{
    struct seen seen;

    for (size_t piece = 1; piece < 4000; piece += 1 + piece * 5) {
        assert_int_equal(run(mapping, slice_of(file), piece, &seen), E_OK);
        assert_string_equal(seen.text, want);
    }
}

static void
the_plain_csv_needs_no_mapping(void **state)
{
    struct seen seen;

    (void)state;
    assert_rows(NULL, "credential_type,number,family\nt,1,Ray\nt,2\n",
        "2: 1 family=Ray\n3!  WRONG_FIELD_COUNT\n");
    assert_int_equal(run(NULL, slice_of("number\n"), 99, &seen), E_INVAL);
    assert_string_equal(seen.column, "expires_on");
    assert_int_equal(run(NULL, slice_of(""), 99, &seen), E_INVAL);
    assert_non_null(strstr(seen.fault.why, "it is empty"));
}

static void
names_are_split_as_the_mapping_says(void **state)
{
    (void)state;
    assert_rows(HEAD "columns: {number: N, family: F, given: G, middle: M, "
        "suffix: S}\n"
        "names:\n"
        "  family: {suffixes: [JR, II, III, V], parentheses: former,\n"
        "    degrees: [DVM, PhD, DACVS SA, MA]}\n"
        "  given: {suffixes: [JR], middle: initial, parentheses: drop}\n",
        "N,F,G,M,S\n"
        "1,RAY JR,ANN B,,\n"
        "2,\"Ray, Jr.\",Ann B.,,\n"
        "3,RAY III DVM PhD,ANN MARY,,\n"
        "4,MA,V,,\n"
        "5,RAY DVM DACVS SA,ANN B C,,\n"
        "6,Ray (May),Ann (Nan) B,,\n"
        "7,RAY JR,ANN B,Carol,JR\n"
        "8,RAY III,ANN,,JR\n"
        "9,RAY,JR.,,\n"
        "10,\"RAY, P.h.D.\",J R,,II\n"
        "11,(RAY),\xc3\x81 \xc3\x89,,\n"
        "12,RAY JR II,ANN,,\n"
        "13,RAY JR III,ANN,,\n"
        "14,MAJR,ANNJR,,\n",
        "2: 1 family=RAY given=ANN middle=B suffix=JR\n"
        "3: 2 family=Ray given=Ann middle=B. suffix=Jr.\n"
        "4: 3 family=RAY given=ANN MARY suffix=III\n"
        "5: 4 family=MA given=V\n"
        "6: 5 family=RAY given=ANN middle=B C\n"
        "7: 6 family=Ray given=Ann middle=B former=May\n"
        "8: 7 family=RAY given=ANN B middle=Carol suffix=JR\n"
        "9! F SUFFIX_CONTRADICTORY\n"
        "10: 9 family=RAY suffix=JR.\n"
        "11: 10 family=RAY given=J middle=R suffix=II\n"
        "12: 11 family=(RAY) given=\xc3\x81 middle=\xc3\x89\n"
        "13: 12 family=RAY given=ANN suffix=II\n"
        "14! F SUFFIX_CONTRADICTORY\n"
        "15: 14 family=MAJR given=ANNJR\n");
    assert_rows(HEAD "columns: {number: N, family: F, given: G}\n"
        "names: {given: {middle: rest}}\n",
        "N,F,G\n1,RAY JR,ANN MARY BO\n",
        "2: 1 family=RAY JR given=ANN middle=MARY BO\n");
}

static void
dates_are_read_in_the_forms_that_are_declared(void **state)
{
    static const char mapping[] = HEAD "columns:\n"
        "  number: N\n  family: N\n"
        "  birth_date: {column: B, formats: [YYYY, MM/YYYY],\n"
        "    unknown: ['1900']}\n"
        "  issued_on: {column: I, impossible: unknown}\n"
        "  expires_on: E\n"
        "dates: {formats: [MM/DD/YYYY, D-MMM-YYYY, YYYYMMDD],\n"
        "  unknown: 00000000}\n";

    (void)state;
    assert_rows(mapping, "N,B,I,E\n"
        "1,1990,01/31/2001,20301231\n"
        "2,04/1990,1-feb-2001,\n"
        "3,1900,00000000,31-DEC-2030\n"
        "4,,02/31/2001,\n"
        "5,,,02/31/2001\n"
        "6,,,12/31/1010\n"
        "7,,2001,\n"
        "8,13/1990,,\n"
        "9,,01/31/2001x,\n"
        "10,,,00/10/2001\n"
        "11,,1-Fab-2001,\n",
        "2: 1 family=1 born=1990 issued=2001-01-31 period=1 "
        "from=2001-01-31 until=2030-12-31\n"
        "3: 2 family=2 born=1990-04 issued=2001-02-01\n"
        "4: 3 family=3 period=1 until=2030-12-31\n"
        "5: 4 family=4\n"
        "6! E DATE_INVALID\n"
        "7! E DATE_INVALID\n"
        "8! I DATE_INVALID\n"
        "9! B DATE_INVALID\n"
        "10! I DATE_INVALID\n"
        "11! E DATE_INVALID\n"
        "12! I DATE_INVALID\n");
    assert_rows(HEAD "columns: {number: N, family: N}\n"
        "periods:\n"
        "  - {kind: certification, from: A, until: [Y, M, D], grace: G}\n"
        "  - {kind: membership_fee, until: P}\n"
        "dates: {formats: [YYYY-MM-DD, YYYY M D]}\n",
        "N,A,Y,M,D,G,P\n"
        "1,2001-01-01,2030,1,31,2030-02-28,2029-12-31\n"
        "2,2001-01-01,,,,,\n3,,,,,2030-01-01,\n4,,,,,,\n",
        "2: 1 family=1 period=1 from=2001-01-01 until=2030-01-31 "
        "grace=2030-02-28 period=3 until=2029-12-31\n"
        "3: 2 family=2 period=1 from=2001-01-01\n"
        "4! G GRACE_WITHOUT_END\n"
        "5: 4 family=4\n");
}

static void
words_mean_what_the_table_says(void **state)
{
    (void)state;
    assert_rows(HEAD "columns: {number: N, family: N, status: S, "
        "status_reason: R, expires_on: E}\n"
        "status:\n  no_end_date: {standing: UNKNOWN}\n  words:\n"
        "    - {word: Active, reason: Renewing, standing: ACTIVE,\n"
        "       good_past_end_date: yes}\n"
        "    - {word: Active, reason: Stopped, standing: ACTIVE,\n"
        "       restriction: SUSPENDED}\n"
        "    - {word: Active, reason: '', standing: ACTIVE}\n"
        "    - {word: Gone, standing: INACTIVE, inactive_reason: RETIRED}\n",
        "N,S,R,E\n1,ACTIVE,renewing,2020\n2,Active,Stopped,2020\n"
        "3,Active,,2020\n4,Active,Odd,2020\n5,Gone,Odd,2020\n6,Odd,,2020\n"
        "7,,,2020\n8,Active,,\n",
        "2: 1 family=1 period=1 until=2020 status=ACTIVE reason=renewing "
        "ACTIVE good\n"
        "3: 2 family=2 period=1 until=2020 status=Active reason=Stopped "
        "ACTIVE SUSPENDED\n"
        "4: 3 family=3 period=1 until=2020 status=Active ACTIVE\n"
        "5! S STATUS_UNMAPPED\n"
        "6: 5 family=5 period=1 until=2020 status=Gone reason=Odd INACTIVE "
        "RETIRED\n"
        "7! S STATUS_UNMAPPED\n8! S STATUS_UNMAPPED\n"
        "9: 8 family=8 status=Active UNKNOWN\n");
    /* The lack of an end date makes nothing better. */
    assert_rows(HEAD "columns: {number: N, family: N, status: S}\n"
        "status:\n  no_end_date: {standing: ACTIVE, restriction: CONDITIONS}\n"
        "  words:\n    - {word: A, standing: ACTIVE}\n"
        "    - {word: R, standing: REVOKED}\n"
        "    - {word: H, standing: ACTIVE, restriction: SUSPENDED}\n"
        "    - {word: D, standing: PENDING, review: DISPUTED}\n",
        "N,S\n1,A\n2,R\n3,H\n4,D\n",
        "2: 1 family=1 status=A ACTIVE CONDITIONS\n"
        "3: 2 family=2 status=R REVOKED CONDITIONS\n"
        "4: 3 family=3 status=H ACTIVE SUSPENDED\n"
        "5: 4 family=4 status=D PENDING CONDITIONS DISPUTED\n");
    assert_rows(HEAD "columns: {number: N, family: N, status: S}\n"
        "status: {unmapped: unknown, words: [{word: A, standing: ACTIVE}]}\n",
        "N,S\n1,A\n2,B\n3,\n",
        "2: 1 family=1 status=A ACTIVE\n3: 2 family=2 status=B UNKNOWN\n"
        "4: 3 family=3 UNKNOWN\n");
    assert_rows(HEAD "columns: {number: N, family: N, status: S}\n",
        "N,S\n1,A\n", "2: 1 family=1 status=A\n");
}

static void
texts_are_joined_trimmed_and_translated(void **state)
{
    (void)state;
    assert_rows("format: csv\nencoding: utf-8\nseparator: '|'\nquotes: no\n"
        "columns:\n"
        "  credential_type: {column: K, values: {X: x-t}}\n"
        "  number: {columns: [P, N], join: '-'}\n"
        "  family: F\n  middle: {column: M, unknown: [missing, .]}\n",
        " K | P|N|F|M|M2|\nx|A|1|\xc2\xa0 Ray \" |Missing||\nX||2|Ray|Bo||\n"
        "Y|A|3|Ray|||\nX|||Ray|||\nX|A|4||||\nX|A|4||||||\n",
        "2: A-1 family=Ray \"\n3: 2 family=Ray middle=Bo\n"
        "4! K VALUE_UNMAPPED\n5! P + N FIELD_MISSING\n6! F FIELD_MISSING\n"
        "7!  WRONG_FIELD_COUNT\n");
    assert_rows("format: tsv\nencoding: utf-8\nheader: no\nfields: 2\n"
        "constants: {credential_type: t}\n"
        "columns: {number: 2, family: 1}\n",
        "Ray\t1\n\"May\t2\n3\n", "1: 1 family=Ray\n2: 2 family=\"May\n"
        "3!  WRONG_FIELD_COUNT\n");
    assert_rows(HEAD "absent: [number]\ncolumns: {family: F}\n",
        "F\nRay\n", "2! number FIELD_MISSING\n");
}

#define FOLD HEAD "columns: {number: N, family: F, status: S}\n" \
    "status: {words: [{word: A, standing: ACTIVE}, " \
    "{word: G, standing: SURRENDERED}]}\n" \
    "fold:\n  key: [number, family]\n  cases: {id: C, action: X, " \
    "effective: E, complete: D,\n    open: [{action: Stop, " \
    "restriction: SUSPENDED}, {action: Limit, restriction: CONDITIONS},\n" \
    "      {action: Look, review: UNDER_INVESTIGATION}, {action: End, " \
    "standing: REVOKED},\n      {action: Warn, restriction: NONE}]}\n"

static void
open_cases_fold_into_one_row_and_the_gravest_wins(void **state)
{
    (void)state;
    assert_rows(FOLD, "N,F,S,C,X,E,D\n"
        "1,Ray,A,a,Limit,2019,\n"
        "2,Ray,A,a,Stop,2019-01-01,2020-06-15\n"    /* over that very day */
        "3,Ray,A,,,,\n"
        "1,RAY,A,b,Stop,2020-06-15,2020-06-16\n"    /* another spelling */
        "4,Ray,A,a,Stop,2020-06-16,\n"              /* not yet */
        "5,Ray,G,a,End,,\n"
        "6,Ray,A,a,Warn,2019,\n"
        "2,Ray,A,b,Odd,2018,2019\n"                 /* over, whatever it was */
        "5,Ray,G,b,Look,,\n"
        "5,Ray,G,c,Limit,2019,2019\n"
        "5,May,A,,,,\n",
        "2! N FOLD_CONTRADICTORY\n5! N FOLD_CONTRADICTORY\n"
        "3: 2 family=Ray status=A ACTIVE\n  and 9\n"
        "4: 3 family=Ray status=A ACTIVE\n"
        "6: 4 family=Ray status=A ACTIVE\n"
        "7: 5 family=Ray status=G REVOKED UNDER_INVESTIGATION\n"
        "  and 10\n  and 11\n"
        "8: 6 family=Ray status=A ACTIVE NONE\n"
        "12: 5 family=May status=A ACTIVE\n");
    assert_rows(FOLD, "N,F,S,C,X,E,D\n1,Ray,A,a,Limit,2019,\n"
        "1,Ray,A,b,Stop,2019,\n1,Ray,A,c,Warn,2019,\n",
        "2: 1 family=Ray status=A ACTIVE SUSPENDED\n  and 3\n  and 4\n");
}

static void
what_contradicts_or_cannot_be_read_is_rejected_as_a_whole(void **state)
{
    struct seen seen;

    (void)state;
    assert_rows(FOLD, "N,F,S,C,X,E,D\n"
        "1,Ray,A,a,Limit,2019,\n"
        "2,Ray,A,a,Limit,2019,\n"
        "1,Ray,G,,,,\n"
        "2,Ray,A,b,Odd,2019,\n"
        "1,Ray,A,c,Warn,2019,\n"
        "3,Ray,A,b,Stop,2019-02-30,\n"
        "3,Ray,A,,,,\n"
        ",Ray,A,,,,\n"
        "4,Ray,B,,,,\n",
        "5! X CASE_UNMAPPED\n7! E DATE_INVALID\n9! N FIELD_MISSING\n"
        "10! S STATUS_UNMAPPED\n"
        "2! N FOLD_CONTRADICTORY\n4! N FOLD_CONTRADICTORY\n"
        "6! N FOLD_CONTRADICTORY\n3! N FOLD_SPOILED\n8! N FOLD_SPOILED\n");
    /* What cannot be read may be of any credential of its number. */
    assert_rows(FOLD, "N,F,S,C,X,E,D\n"
        "1,Ray,A,,,,\n2,Ray,A,,,,\n3,Ray,A,,,,\n4,Ray,A,,,,\n"
        "1,Ray,A,a,Stop,2019,,\n"       /* a field too many */
        "x,2 ,Ray,A,a,Stop,2019,\n"
        "3,,A,a,Stop,2019,\n"           /* without a name */
        "3,May,A,,,,\n",
        "6!  WRONG_FIELD_COUNT\n7!  WRONG_FIELD_COUNT\n"
        "8! F FIELD_MISSING\n2! N FOLD_SPOILED\n3! N FOLD_SPOILED\n"
        "4! N FOLD_SPOILED\n5: 4 family=Ray status=A ACTIVE\n"
        "9! N FOLD_SPOILED\n");
    assert_rows("format: csv\nencoding: utf-8\n"
        "columns: {number: {columns: [P, N], join: '-'}, family: F,\n"
        "  credential_type: {column: K, values: {A: a-t}}}\n"
        "fold: {key: [number, credential_type, family]}\n",
        "P,N,F,K\nX,1,Ray,A\nX,2,Ray,A\nX,3,Ray,A\nX,1,Ray,A,\n"
        "X,2,Ray,B\n",
        "5!  WRONG_FIELD_COUNT\n6! K VALUE_UNMAPPED\n"
        "2! P + N FOLD_SPOILED\n3! P + N FOLD_SPOILED\n"
        "4: X-3 family=Ray\n");
    assert_int_equal(run(FOLD, slice_of("N,F,S,C,X,E,D\n1,Ray,A,,,,\n"
        "1,Ray,A,,,,\n2,Ray,A,,,,\n1,Ray,A,,,,\n"), 99, &seen), E_OK);
    assert_int_equal(seen.counts.read, 4);
    assert_int_equal(seen.counts.folded, 2);
}

static void
many_records_fold_however_far_apart(void **state)
{
    enum { PEOPLE = 3000, ROUNDS = 3 };
    struct seen seen;
    size_t n = 0, size = PEOPLE * ROUNDS * 32 + 100;
    char *file = malloc(size);

    (void)state;
    assert_non_null(file);
    n += (size_t)snprintf(file, size, "N,F\n");
    for (int i = 0; i < PEOPLE * ROUNDS; i++)
        n += (size_t)snprintf(file + n, size - n, "%d,Ray\n", i % PEOPLE);
    assert_int_equal(run(HEAD "columns: {number: N, family: F}\n"
        "fold: {key: [number, credential_type, family]}\n",
        (struct slice){(uint8_t *)file, n}, 16384, &seen), E_OK);
    assert_int_equal(seen.counts.read, PEOPLE * ROUNDS);
    assert_int_equal(seen.counts.folded, PEOPLE * (ROUNDS - 1));
    assert_true(strncmp(seen.text, "2: 0 family=Ray\n  and 3002\n  and 6002\n"
        "3: 1", 42) == 0);
    free(file);
}

static void
texts_come_in_the_encoding_that_is_declared(void **state)
{
    static const struct {
        const char *encoding, *file;
        size_t n;
        long line;          /* of what is wrong; 0: nothing */
        const char *says;   /* what is wrong, or the row */
    } rows[] = {
#define FILE_OF(text) text, sizeof(text) - 1
        {"utf-8", FILE_OF("\xef\xbb\xbfN\n\xc3\x89\n"), 0, "\xc3\x89"},
        {"utf-8", FILE_OF("N\n\xc9\n"), 2, "not UTF-8"},
        {"us-ascii", FILE_OF("N\n1\n\xc9\n"), 3, "0xc9 is not of"},
        {"iso-8859-1", FILE_OF("N\n\xc9\n"), 0, "\xc3\x89"},
        {"windows-1252", FILE_OF("N\n\x80\n"), 0, "\xe2\x82\xac"},
        {"windows-1252", FILE_OF("N\n1\n2\n\x81\n"), 4, "0x81 is not of"},
        {"windows-1252", FILE_OF("\xef\xbb\xbfN\n1\n"), 1, "mark of utf-8"},
        {"utf-16le", FILE_OF("\xff\xfeN\0\n\0\xc9\0\n\0"), 0, "\xc3\x89"},
        {"utf-16be", FILE_OF("\0N\0\n\0\xc9\0\n"), 0, "\xc3\x89"},
        {"utf-16le", FILE_OF("N\0\n\0\x3d\xd8\x01\xde\n\0"), 0,
            "\xf0\x9f\x98\x81"},
        {"utf-16le", FILE_OF("N\0\n\0\x01\xde\n\0"), 2, "is not of"},
        {"utf-16le", FILE_OF("N\0\n\0\xc9"), 2, "ends within a character"},
        {"utf-16le", FILE_OF("\xfe\xff\0N\0\n"), 1, "mark of utf-16be"},
#undef FILE_OF
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice file = {(const uint8_t *)rows[i].file, rows[i].n};
        char mapping[300];
        struct seen seen;

        (void)snprintf(mapping, sizeof(mapping), "format: csv\n"
            "encoding: %s\nconstants: {credential_type: t}\n"
            "columns: {number: N, family: N}\n", rows[i].encoding);
        assert_int_equal(run(mapping, file, 4, &seen),
            rows[i].line > 0 ? E_INVAL : E_OK);
        assert_int_equal(seen.fault.line, rows[i].line);
        assert_non_null(strstr(rows[i].line > 0 ? seen.fault.why : seen.text,
            rows[i].says));
    }
}

static void
a_file_that_does_not_fit_the_mapping_is_told_by_its_place(void **state)
{
    struct seen seen;

    (void)state;
    assert_int_equal(run(HEAD "columns: {number: N, family: F}\n",
        slice_of("N,G\n1,2\n"), 99, &seen), E_INVAL);
    assert_non_null(seen.fault.mapping);
    assert_int_equal(run(HEAD "columns: {number: N, family: N}\n",
        slice_of(""), 99, &seen), E_INVAL);
    assert_non_null(strstr(seen.fault.why, "it is empty"));
}

static void
no_folder_for_the_temporary_file_is_told(void **state)
{
    char *before = getenv("TMPDIR") != NULL ?
        text_copy(getenv("TMPDIR")) : NULL;
    struct seen seen;

    (void)state;
    assert_int_equal(setenv("TMPDIR", "/no/such/folder", 1), 0);
    assert_int_equal(run(FOLD, slice_of("N\n"), 99, &seen), E_IO);
    if (before != NULL)
        assert_int_equal(setenv("TMPDIR", before, 1), 0);
    else
        assert_int_equal(unsetenv("TMPDIR"), 0);
    free(before);
}

static void
an_allocation_that_fails_is_told(void **state)
{
    static const struct {
        const char *mapping, *file;
    } rows[] = {
        {NULL, "credential_type,number,family\nt,1,Ray\n"},
        {HEAD "columns: {number: [A, B], family: F, given: G}\n"
            "names: {family: {parentheses: former}}\n",
            "A,B,F,G\n1,2,Ray (May),Ann\n"},
        {FOLD, "N,F,S,C,X,E,D\n1,Ray,A,a,Limit,2019,\n"
            "1,Ray,A,b,Stop,2019,\n2,Ray,B,,,,\n3,Ray,A,,,,\n"
            "3,Ray,G,,,,\n4,Ray,A,,,,\n4,,A,,,,\n1,Ray,A\n"},
        {"format: csv\nencoding: utf-8\n"
            "columns: {number: [P, N], family: F, credential_type: K}\n"
            "fold: {key: number}\n", "P,N,F,K\n1,2,Ray,t\n1,2,May\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen whole, seen;
        int fired = 1;

        assert_int_equal(run(rows[i].mapping, slice_of(rows[i].file), 99,
            &whole), E_OK);
        for (int n = 0; fired; n++) {
            enum err err;

            fault_arm(n);
            err = run(rows[i].mapping, slice_of(rows[i].file), 99, &seen);
            fired = fault_fired();
            fault_arm(-1);
            if (err == E_OK)        /* libcsv asks again, for less */
                assert_string_equal(seen.text, whole.text);
            else
                assert_true(fired && err == E_NOMEM);
        }
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_csv_needs_no_mapping),
        cmocka_unit_test(names_are_split_as_the_mapping_says),
        cmocka_unit_test(dates_are_read_in_the_forms_that_are_declared),
        cmocka_unit_test(words_mean_what_the_table_says),
        cmocka_unit_test(texts_are_joined_trimmed_and_translated),
        cmocka_unit_test(open_cases_fold_into_one_row_and_the_gravest_wins),
        cmocka_unit_test(
            what_contradicts_or_cannot_be_read_is_rejected_as_a_whole),
        cmocka_unit_test(many_records_fold_however_far_apart),
        cmocka_unit_test(texts_come_in_the_encoding_that_is_declared),
        cmocka_unit_test(
            a_file_that_does_not_fit_the_mapping_is_told_by_its_place),
        cmocka_unit_test(no_folder_for_the_temporary_file_is_told),
        cmocka_unit_test(an_allocation_that_fails_is_told),
    };

    return (cmocka_run_group_tests_name("source", tests, NULL, NULL));
}
