/*
 * docs/conclusion.md is read, and every cell of the full product is looked up
 * both there and in the daemon's own table.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "decide/decide.h"

#define COLUMNS 9           /* seven that match, the conclusion, and why */
#define MATCHED 7
#define ROWS_MAX 64
#define CELL_MAX 240
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct word {
    const char *text;
    int value;
};

/* The words of each column, as the page has them; NULL ends. */
static const struct word words[MATCHED + 1][8] = {
    {{"UNKNOWN_ISSUER", 1}, {"NO_MATCH", 2}, {"AMBIGUOUS", 3},
        {"MISMATCH", 4}, {"NOT_CURRENT", 5}, {"CONFIRMED", 6}, {NULL, 0}},
    {{"RECOGNIZED", 1}, {"NOT_RECOGNIZED", 2}, {"UNKNOWN", 3}, {NULL, 0}},
    {{"FRESH", 1}, {"STALE", 2}, {"NEVER", 3}, {NULL, 0}},
    {{"NONE", 1}, {"CONDITIONS", 2}, {"SUSPENDED", 3}, {NULL, 0}},
    {{"NONE", 1}, {"UNDER_INVESTIGATION", 2}, {"DISPUTED", 3}, {NULL, 0}},
    {{"STATED", DECIDE_STANDING_STATED}, {"UNKNOWN", DECIDE_STANDING_UNKNOWN},
        {"NOT_LISTED", DECIDE_STANDING_NOT_LISTED}, {NULL, 0}},
    {{"not future", 0}, {"future", 1}, {NULL, 0}},
    {{"YES", 1}, {"NO", 2}, {"REVIEW", 3}, {NULL, 0}},
};

/* -1 is `any`. */
struct page {
    int rows[ROWS_MAX][MATCHED + 1];
    int used[ROWS_MAX];
    size_t n;
};

static int
word_value(size_t column, const char *text)
{
    const struct word *w;

    if (column < MATCHED && strcmp(text, "any") == 0)
        return (-1);
    for (w = words[column]; w->text != NULL; w++)
        if (strcmp(w->text, text) == 0)
            return (w->value);
    fail_msg("no such word in column %zu: %s", column, text);
    return (0);
}

/* Split "| a | b |" into trimmed cells and return how many there are. */
static size_t
split(const char *line, char cells[][CELL_MAX], size_t max)
{
    const char *end, *from, *to;
    size_t n = 0;

    for (line++; (end = strchr(line, '|')) != NULL && n < max;
        line = end + 1) {
        for (from = line; from < end && *from == ' '; from++)
            continue;
        for (to = end; to > from && to[-1] == ' '; to--)
            continue;
        assert_true((size_t)(to - from) < CELL_MAX);
        memcpy(cells[n], from, (size_t)(to - from));
        cells[n++][to - from] = '\0';
    }
    return (n);
}

static void
read_row(struct page *page, const char *line)
{
    char cells[COLUMNS][CELL_MAX];
    size_t i;

    assert_int_equal(split(line, cells, COLUMNS), COLUMNS);
    assert_true(page->n < ROWS_MAX);
    for (i = 0; i <= MATCHED; i++)
        page->rows[page->n][i] = word_value(i, cells[i]);
    assert_true(strlen(cells[MATCHED + 1]) > 20);   /* a sentence why */
    page->n++;
}

static void
read_page(struct page *page)
{
    static const char header[] = "| verdict | recognition | freshness | "
        "restriction | review | standing | day | conclusion | why |";
    char line[1024];
    FILE *f = fopen(SOURCE_DIR "/docs/conclusion.md", "re");
    int in_table = 0;

    memset(page, 0, sizeof(*page));
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, header, sizeof(header) - 1) == 0)
            in_table = 1;
        else if (line[0] != '|')
            in_table = 0;
        else if (in_table && line[1] != '-')
            read_row(page, line);
    }
    assert_int_equal(fclose(f), 0);
    assert_true(page->n > 0);
}

/* The conclusion by the page, or 0 if no row covers the cell. */
static int
look_up(struct page *page, const int at[MATCHED])
{
    size_t r, c;

    for (r = 0; r < page->n; r++) {
        for (c = 0; c < MATCHED; c++)
            if (page->rows[r][c] != -1 && page->rows[r][c] != at[c])
                break;
        if (c == MATCHED) {
            page->used[r] = 1;
            return (page->rows[r][MATCHED]);
        }
    }
    return (0);
}

static struct decide_cell
cell_at(const int at[MATCHED])
{
    return ((struct decide_cell){
        .verdict = (Vouch__V1__Verdict)at[0],
        .recognition = (Vouch__V1__RecognitionState)at[1],
        .freshness = (Vouch__V1__FreshnessState)at[2],
        .restriction = (Vouch__V1__Restriction)at[3],
        .review = (Vouch__V1__Review)at[4],
        .standing = (enum decide_standing)at[5],
        .projection = at[6],
    });
}

/* Go to the next cell of the product; 0 when all have been. */
static int
next_cell(size_t index[MATCHED], int at[MATCHED])
{
    size_t c;

    for (c = 0; c < MATCHED; c++) {
        index[c]++;
        if (words[c][index[c]].text != NULL)
            break;
        index[c] = 0;
    }
    if (c == MATCHED)
        return (0);
    for (c = 0; c < MATCHED; c++)
        at[c] = words[c][index[c]].value;
    return (1);
}

static void
first_cell(size_t index[MATCHED], int at[MATCHED])
{
    size_t c;

    for (c = 0; c < MATCHED; c++) {
        index[c] = 0;
        at[c] = words[c][0].value;
    }
}

static void
every_cell_is_as_published(void **state)
{
    struct page page;
    struct decide_cell cell;
    Vouch__V1__Reason reason;
    size_t index[MATCHED], cells = 0, r;
    int at[MATCHED], published;

    (void)state;
    read_page(&page);
    first_cell(index, at);
    do {
        published = look_up(&page, at);
        if (published == 0)
            fail_msg("no row covers %d %d %d %d %d %d %d", at[0], at[1],
                at[2], at[3], at[4], at[5], at[6]);
        cell = cell_at(at);
        assert_int_equal(decide_conclusion(&cell, &reason), published);
        cells++;
    } while (next_cell(index, at));
    assert_int_equal(cells, 6 * 3 * 3 * 3 * 3 * 3 * 2);
    for (r = 0; r < page.n; r++)
        if (!page.used[r])
            fail_msg("row %zu of the page never counts", r + 1);
}

/* The design's own words, apart from any table. */
static void
yes_and_no_are_as_the_design_says(void **state)
{
    struct decide_cell c;
    Vouch__V1__Reason reason;
    Vouch__V1__Conclusion got, want;
    size_t index[MATCHED];
    int at[MATCHED], open;

    (void)state;
    first_cell(index, at);
    do {
        c = cell_at(at);
        got = decide_conclusion(&c, &reason);
        open = at[2] == 1 && at[4] != 3 && at[6] == 0;
        want = VOUCH__V1__CONCLUSION__CONCLUSION_REVIEW;
        if (open && (at[0] == 4 ||
            (at[0] == 5 && c.standing == DECIDE_STANDING_STATED) ||
            (at[0] == 6 && c.standing == DECIDE_STANDING_STATED &&
            at[1] == 2)))
            want = VOUCH__V1__CONCLUSION__CONCLUSION_NO;
        if (open && at[0] == 6 && at[1] == 1 && at[3] == 1 && at[4] == 1 &&
            c.standing == DECIDE_STANDING_STATED)
            want = VOUCH__V1__CONCLUSION__CONCLUSION_YES;
        assert_int_equal(got, want);
    } while (next_cell(index, at));
}

static void
what_was_never_set_is_never_a_yes(void **state)
{
    struct decide_cell cell = {0};
    Vouch__V1__Reason reason;
    int i;

    (void)state;
    assert_int_equal(decide_conclusion(&cell, &reason),
        VOUCH__V1__CONCLUSION__CONCLUSION_REVIEW);
    for (i = 1; i < 5; i++) {
        int at[MATCHED] = {6, 1, 1, 1, 1, DECIDE_STANDING_STATED, 0};

        at[i] = 0;
        cell = cell_at(at);
        assert_int_equal(decide_conclusion(&cell, &reason),
            VOUCH__V1__CONCLUSION__CONCLUSION_REVIEW);
    }
}

static void
a_word_ages_by_the_microsecond(void **state)
{
    static const struct {
        int known;
        int64_t source, now, max_age;
        Vouch__V1__FreshnessState want;
    } cases[] = {
        {0, 0, 1000, 60, VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_NEVER},
        {1, 0, 60000000, 60, VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_FRESH},
        {1, 0, 60000001, 60, VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_STALE},
        {1, 9, 5, 60, VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_FRESH},
        {1, 5, 5, 0, VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_FRESH},
        {1, INT64_MIN, INT64_MAX, INT64_MAX,
            VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_STALE},
        {1, 0, INT64_MAX, INT64_MAX,
            VOUCH__V1__FRESHNESS_STATE__FRESHNESS_STATE_FRESH},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(cases); i++)
        assert_int_equal(decide_freshness(cases[i].known, cases[i].source,
            cases[i].now, cases[i].max_age), cases[i].want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_as_published),
        cmocka_unit_test(yes_and_no_are_as_the_design_says),
        cmocka_unit_test(what_was_never_set_is_never_a_yes),
        cmocka_unit_test(a_word_ages_by_the_microsecond),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
