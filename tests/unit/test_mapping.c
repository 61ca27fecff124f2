#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/mapping.h"
#include "client/mapping_yaml.h"
#include "support/fault.h"

/* What a mapping cannot do without. */
#define NEEDED "format: csv\nencoding: utf-8\n" \
    "constants: {credential_type: t}\n" \
    "columns:\n  number: No\n  family: Name\n"

static enum err
parse(const char *text, struct mapping_faults *faults,
    struct mapping **mapping)
{
    *faults = (struct mapping_faults){0};
    return (mapping_parse(slice_of(text), NULL, faults, mapping));
}

static void
assert_fault(const struct mapping_faults *faults, long line, long column,
    const char *says)
{
    for (size_t i = 0; i < faults->n; i++)
        if (faults->list[i].place.line == line &&
            faults->list[i].place.column == column &&
            strstr(faults->list[i].what, says) != NULL)
            return;
    mapping_faults_print((struct mapping_faults *)(uintptr_t)faults, "m",
        stderr);
    fail_msg("no fault at %ld:%ld says '%s'", line, column, says);
}

static void
the_least_mapping_is_one(void **state)
{
    struct mapping_faults faults;
    struct mapping *m;

    (void)state;
    assert_int_equal(parse(NEEDED, &faults, &m), E_OK);
    assert_int_equal(faults.n, 0);
    assert_true(m->has_header);
    assert_true(m->quotes);
    assert_int_equal(m->separator, ',');
    assert_string_equal(m->columns[ROWS_NUMBER].columns[0].name, "No");
    assert_string_equal(m->columns[ROWS_CREDENTIAL_TYPE].constant, "t");
    mapping_free(m);
}

static void
every_key_is_read(void **state)
{
    static const char text[] = "format: tsv\nencoding: windows-1252\n"
        "separator: '|'\nquotes: yes\n"
        "columns:\n"
        "  credential_type: {column: Kind, values: {A: a-t, B: b-t}}\n"
        "  number: [Prefix, No]\n"
        "  family: {columns: [Family], join: ''}\n"
        "  middle: {column: Middle, unknown: [none, NMN]}\n"
        "  issued_on: {column: Since, formats: M/D/YYYY, unknown: 1/1/1901,\n"
        "    impossible: unknown}\n"
        "  status: State\n"
        "dates: {formats: [YYYYMMDD, YYYY], earliest: 1900-01-01,\n"
        "  latest: 2100-01-01, unknown: 00000000, impossible: reject}\n"
        "periods:\n"
        "  - {kind: certification, from: Since, until: Until, grace: Grace}\n"
        "  - {kind: MEMBERSHIP_FEE, until: Paid}\n"
        "names:\n"
        "  family: {suffixes: [Jr., II], degrees: [MD], parentheses: former}\n"
        "  given: {middle: initial, parentheses: drop}\n"
        "status:\n  unmapped: unknown\n  no_end_date: {standing: UNKNOWN}\n"
        "  words:\n"
        "    - {word: A, reason: '', standing: active,\n"
        "       good_past_end_date: yes}\n"
        "    - {word: A, standing: INACTIVE, inactive_reason: RETIRED,\n"
        "       restriction: CONDITIONS, review: DISPUTED}\n"
        "fold:\n  key: [number, family]\n  cases: {id: Case, action: What,\n"
        "    effective: From, complete: To, unmapped: unknown,\n"
        "    open: [{action: Stop, restriction: SUSPENDED}]}\n";
    struct mapping_faults faults;
    struct mapping *m;

    (void)state;
    assert_int_equal(parse(text, &faults, &m), E_OK);
    assert_int_equal(m->separator, '|');
    assert_true(m->quotes);
    assert_string_equal(m->encoding, "windows-1252");
    assert_int_equal(m->columns[ROWS_CREDENTIAL_TYPE].values.n, 4);
    assert_int_equal(m->columns[ROWS_NUMBER].ncolumns, 2);
    assert_string_equal(m->columns[ROWS_NUMBER].title, "Prefix + No");
    assert_string_equal(m->columns[ROWS_FAMILY].join, "");
    assert_int_equal(m->columns[ROWS_ISSUED_ON].impossible, MAPPING_UNKNOWN);
    assert_int_equal(m->formats.n, 2);
    assert_int_equal(m->earliest.year, 1900);
    assert_int_equal(m->nperiods, 2);
    assert_string_equal(mapping_title(m, ROWS_EXPIRES_ON), "Until");
    assert_string_equal(mapping_title(m, ROWS_GRACE_UNTIL), "Grace");
    assert_int_equal(m->family.parentheses, MAPPING_PARENTHESES_FORMER);
    assert_int_equal(m->given.middle, MAPPING_MIDDLE_INITIAL);
    assert_int_equal(m->status.n, 2);
    assert_true(m->status.at[0].meaning.good_past_end_date);
    assert_true(m->has_no_end_date);
    assert_int_equal(m->fold, 1u << ROWS_NUMBER | 1u << ROWS_FAMILY);
    assert_int_equal(m->cases.words.n, 1);
    mapping_free(m);
}

static void
no_word_is_anything_but_text(void **state)
{
    struct mapping_faults faults;
    struct mapping *m;

    (void)state;
    assert_int_equal(parse(NEEDED "  status: NO\n  given: 0x10\n"
        "  middle: 2020-01-01\nstatus: {words: [{word: no, "
        "standing: ACTIVE}, {word: ~, standing: DENIED}]}\n", &faults, &m),
        E_OK);
    assert_string_equal(m->columns[ROWS_STATUS].columns[0].name, "NO");
    assert_string_equal(m->columns[ROWS_GIVEN].columns[0].name, "0x10");
    assert_string_equal(m->status.at[0].word, "no");
    assert_string_equal(m->status.at[1].word, "~");
    mapping_free(m);
}

static void
each_fault_is_told_with_its_place_and_what_is_right(void **state)
{
    static const struct {
        const char *text;
        long line, column;
        const char *says;
    } rows[] = {
        {"", 1, 1, "it is empty"},
        {"- a\n", 1, 1, "keys with values must stand, not a list"},
        {"format: csv\nformat: tsv\n", 2, 1, "'format' stands here twice"},
        {"fromat: csv\n", 1, 1, "'fromat' here; did you mean 'format'"},
        {"format: cvs\n", 1, 9, "did you mean 'csv'"},
        {"format: [csv]\n", 1, 9, "a text must stand, not a list"},
        {"encoding: utf8\n", 1, 11, "did you mean 'utf-8'"},
        {"format: csv\n", 1, 1, "the key 'encoding' is missing"},
        {"format: csv\n", 1, 1, "the key 'columns' is missing"},
        {"columns: {a: b}\n", 1, 11, "there is no key 'a'"},
        {"columns: {number: }\n", 1, 19, "a text is missing"},
        {"columns: {number: []}\n", 1, 19, "name of a column is missing"},
        {"columns: {number: [a, b, c, d, e]}\n", 1, 32, "more than 4"},
        {"columns: {number: {column: a, columns: [b]}}\n", 1, 19,
            "not both"},
        {"columns: {number: {column: a, formats: [YYYY]}}\n", 1, 31,
            "there is no key 'formats'"},
        {"columns: {number: {column: a, values: {x: y, X: z}}}\n", 1, 46,
            "twice"},
        {"columns: {}\nconstants: {issued_on: 2020}\n", 2, 24,
            "a date cannot be a constant"},
        {"columns: {family: a}\nconstants: {family: b}\n", 2, 13,
            "comes from a column already"},
        {"columns: {family: a}\n", 1, 1, "nothing says where 'number'"},
        {"absent: [given]\n", 1, 10, "did you mean"},
        {"absent: [number]\ncolumns: {number: a}\n", 2, 19,
            "listed as absent"},
        {"separator: ;;\n", 1, 12, "one ASCII character"},
        {"separator: \"\\\"\"\n", 1, 12, "one ASCII character"},
        {"quotes: maybe\n", 1, 9, "did you mean"},
        {"header: no\n", 1, 1, "'fields' is missing"},
        {"fields: 5\n", 1, 1, "for files without one"},
        {"header: no\nfields: 65\n", 2, 9, "from 1 to 64"},
        {"header: no\nfields: 5\ncolumns: {number: 6}\n", 3, 19,
            "its number, from 1 to 5"},
        {"header: no\nfields: 5\ncolumns: {number: No}\n", 3, 19,
            "its number, from 1 to 5"},
        {"dates: {formats: [MM/DD/YY]}\n", 1, 19, "needs the year, as YYYY"},
        {"dates: {formats: [DD/YYYY]}\n", 1, 19, "only with its month"},
        {"dates: {formats: [MDYYYY]}\n", 1, 19, "must stand between"},
        {"dates: {earliest: 1900}\n", 1, 19, "YYYY-MM-DD"},
        {"dates: {earliest: 2900-01-01}\n", 1, 8, "behind 'latest'"},
        {"dates: {impossible: keep}\n", 1, 21, "did you mean"},
        {"periods: [{until: a}]\n", 1, 11, "'kind' is missing"},
        {"periods: [{kind: certification}]\n", 1, 11, "'until' is missing"},
        {"periods: [{kind: license, until: a}]\n", 1, 18, "did you mean"},
        {"columns: {expires_on: a}\nperiods:\n"
            "  - {kind: registration, until: b}\n", 2, 1, "not both"},
        {"names: {family: {suffixes: [JR, ESQ]}}\n", 1, 33,
            "'ESQ' names no generation"},
        {"names: {family: {middle: rest}}\n", 1, 18, "no key 'middle'"},
        {"names: {given: {parentheses: former}}\n", 1, 16,
            "former names are family names"},
        {"status: {unmapped: reject}\n", 1, 9, "'words' is missing"},
        {"status: {words: [{word: a}]}\n", 1, 18, "what does 'a' mean?"},
        {"status: {words: [{standing: ACTIVE}]}\n", 1, 18,
            "'word' is missing"},
        {"status: {words: [{word: a, standing: ACTIV}]}\n", 1, 38,
            "did you mean 'ACTIVE'"},
        {"status: {words: [{word: a, standing: NOT_LISTED}]}\n", 1, 18,
            "gone from a list"},
        {"status: {words: [{word: a, standing: ACTIVE, "
            "inactive_reason: LAPSED}]}\n", 1, 18, "INACTIVE' only"},
        {"status: {words: [{word: a, standing: ACTIVE}, "
            "{word: A, standing: EXPIRED}]}\n", 1, 47, "entry above"},
        {"status: {words: [{word: a, standing: ACTIVE}]}\n", 1, 1,
            "nothing says where 'status' comes from"},
        {"fold: {}\n", 1, 7, "'key' is missing"},
        {"fold: {key: [family]}\n", 1, 13, "'number' must be in the key"},
        {"fold: {key: [status]}\n", 1, 14, "did you mean"},
        {"fold: {key: number, cases: {id: a}}\n", 1, 28,
            "'complete' is missing"},
        {"fold: {key: number, cases: {open: [{action: a}]}}\n", 1, 36,
            "nothing says what an open case with 'a' means"},
        {"a: &b c\n", 1, 4, "anchors (&) are not taken"},
        {"a: *b\n", 1, 4, "aliases (*) are not taken"},
        {"a: !!int 3\n", 1, 4, "tags (!) are not taken"},
        {"a: b\n---\nc: d\n", 2, 1, "a second document"},
        {"%YAML 1.1\n---\na: b\n", 1, 1, "directives (%) are not taken"},
        {"? [a]\n: b\n", 1, 3, "a key must be text"},
        {"a: [b\n", 2, 1, "not YAML"},
        {"a:\n\tb\n", 2, 1, "not YAML"},
        {"a: b\nb: \xff\n", 2, 4, "not UTF-8"},
        {"a: \"\\0\"\n", 1, 4, "a NUL character"},
        {"[[[[[[[[[a]]]]]]]]]\n", 1, 9, "more than 8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct mapping_faults faults;
        struct mapping *m;
        enum err err = parse(rows[i].text, &faults, &m);

        assert_true(err == E_INVAL || err == E_TOOBIG);
        assert_null(m);
        assert_fault(&faults, rows[i].line, rows[i].column, rows[i].says);
    }
}

/* Some editors begin a file of UTF-8 with one. */
static void
a_byte_order_mark_is_no_fault(void **state)
{
    struct mapping_faults faults;
    struct mapping *m;

    (void)state;
    assert_int_equal(parse("\xef\xbb\xbf" NEEDED, &faults, &m), E_OK);
    mapping_free(m);
    assert_int_equal(parse("\xef\xbb\xbf" "a: b\n", &faults, &m), E_INVAL);
    assert_fault(&faults, 1, 1, "there is no key 'a'");
    assert_int_equal(parse("\xef\xbb\xbf", &faults, &m), E_INVAL);
    assert_fault(&faults, 1, 1, "it is empty");
}

static void
faults_are_many_but_not_without_end(void **state)
{
    struct mapping_faults faults;
    struct mapping *m;
    char text[4000], out[8000], *line = NULL;
    size_t n = 0, lines = 0;
    FILE *f;

    (void)state;
    for (int i = 99; i > 0; i--)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "k%d: a\n", i);
    assert_int_equal(parse(text, &faults, &m), E_INVAL);
    assert_int_equal(faults.n, MAPPING_FAULTS_MAX);
    assert_true(faults.more > 70);
    assert_non_null(f = fmemopen(out, sizeof(out), "w"));
    mapping_faults_print(&faults, "m.yaml", f);
    assert_int_equal(fclose(f), 0);
    for (line = out; (line = strchr(line, '\n')) != NULL; line++)
        lines++;
    assert_int_equal(lines, MAPPING_FAULTS_MAX + 1);
    assert_non_null(strstr(out, "m.yaml:1:1: there is no key 'k99'"));
    assert_non_null(strstr(out, "more faults are not shown"));
}

static void
what_is_too_big_is_no_mapping(void **state)
{
    struct mapping_faults faults = {0};
    struct mapping *m;
    size_t n = MAPPING_YAML_BYTES + 1;
    char *text = malloc(n);

    (void)state;
    assert_non_null(text);
    memset(text, '#', n);
    assert_int_equal(mapping_parse((struct slice){(uint8_t *)text, n}, NULL,
        &faults, &m), E_TOOBIG);
    for (size_t i = 0; i + 2 < n; i += 2)
        memcpy(text + i, i == 0 ? "[a" : ",a", 2);
    faults = (struct mapping_faults){0};
    assert_int_equal(mapping_parse((struct slice){(uint8_t *)text, n - 1},
        NULL, &faults, &m), E_TOOBIG);
    assert_fault(&faults, 1, 2 * MAPPING_YAML_NODES, "is this a mapping?");
    free(text);
}

static void
the_type_of_the_command_line_comes_first(void **state)
{
    struct mapping_faults faults = {0};
    struct mapping *m;

    (void)state;
    assert_int_equal(mapping_parse(slice_of(NEEDED), "x-t", &faults, &m),
        E_OK);
    assert_string_equal(m->columns[ROWS_CREDENTIAL_TYPE].constant, "x-t");
    mapping_free(m);
    assert_int_equal(mapping_parse(slice_of("format: csv\n"
        "encoding: utf-8\ncolumns: {number: a, family: b}\n"), "x-t",
        &faults, &m), E_OK);
    mapping_free(m);
}

static void
columns_are_found_in_the_header_or_told(void **state)
{
    const struct slice fields[] = {slice_of(" No "), slice_of("Nmae"),
        slice_of("Twice"), slice_of("Twice"), slice_of("")};
    const struct csv_record record = {1, fields, 5};
    struct mapping_faults faults;
    struct mapping *m;

    (void)state;
    assert_int_equal(parse(NEEDED "  given: Twice\n", &faults, &m), E_OK);
    assert_int_equal(mapping_bind(m, &record, &faults), E_INVAL);
    assert_int_equal(faults.n, 2);
    assert_fault(&faults, 6, 11, "no column 'Name'; did you mean 'Nmae'");
    assert_fault(&faults, 7, 10, "the file has 2 columns 'Twice'");
    assert_int_equal(m->columns[ROWS_NUMBER].columns[0].at, 0);
    mapping_free(m);
}

static void
an_allocation_that_fails_is_told(void **state)
{
    int n = 0;

    (void)state;
    for (;; n++) {
        struct mapping_faults faults;
        struct mapping *m;
        enum err err;

        fault_arm(n);
        err = parse(NEEDED "  given: {column: a, unknown: [b, c]}\n"
            "status: {words: [{word: a, standing: ACTIVE}]}\n"
            "names: {family: {suffixes: [JR]}}\n", &faults, &m);
        if (!fault_fired()) {
            fault_arm(-1);
            assert_int_equal(err, E_INVAL);     /* it has no status */
            break;
        }
        fault_arm(-1);
        assert_int_equal(err, E_NOMEM);
        assert_null(m);
    }
    assert_true(n > 0);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_mapping_is_one),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(no_word_is_anything_but_text),
        cmocka_unit_test(each_fault_is_told_with_its_place_and_what_is_right),
        cmocka_unit_test(a_byte_order_mark_is_no_fault),
        cmocka_unit_test(faults_are_many_but_not_without_end),
        cmocka_unit_test(what_is_too_big_is_no_mapping),
        cmocka_unit_test(the_type_of_the_command_line_comes_first),
        cmocka_unit_test(columns_are_found_in_the_header_or_told),
        cmocka_unit_test(an_allocation_that_fails_is_told),
    };

    return (cmocka_run_group_tests_name("mapping", tests, NULL, NULL));
}
