#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/name_fold.h"

static struct slice
of(const char *text)
{
    return ((struct slice){(const uint8_t *)text, strlen(text)});
}

static const struct {
    const char *name, *main, *alternative;
} folded[] = {
    {"Brien", "brien", ""},
    {"O'Brien", "obrien", ""},
    {"O\u2019BRIEN", "obrien", ""},
    {"O\u2018Brien", "obrien", ""},
    {"O\u02bcBrien", "obrien", ""},
    {"O`Brien", "obrien", ""},
    {"O\u00b4Brien", "obrien", ""},
    {"O\uff07Brien", "obrien", ""},
    {"O Brien", "obrien", ""},
    {"Garc\u00eda L\u00f3pez", "garcialopez", ""},
    {"Garcia-Lopez", "garcialopez", ""},
    {"Garci\u0301a\u2010Lo\u0301pez", "garcialopez", ""},
    {"GARCIA\u2013LOPEZ", "garcialopez", ""},
    {"Garcia\u2212Lopez", "garcialopez", ""},
    {"Garcia\u00adLopez", "garcialopez", ""},
    {"M\u00fcller", "muller", "mueller"},
    {"Mu\u0308ller", "muller", "mueller"},
    {"M\u00dcLLER", "muller", "mueller"},
    {"Mueller", "mueller", ""},
    {"Strau\u00df", "strauss", ""},
    {"STRAU\u1e9e", "strauss", ""},
    {"\u00d8rsted", "orsted", "oersted"},
    {"\u00c5g\u00e5rd", "agard", "aagaard"},
    {"J\u00e4\u00e4skel\u00e4inen", "jaaskelainen", "jaeaeskelaeinen"},
    {"\u0141ukasz", "lukasz", ""},
    {"\u0110\u1eb7ng", "dang", ""},
    {"\u0130pek", "ipek", ""},
    {"I\u015f\u0131k", "isik", ""},
    {"\u00c6r\u00f8", "aero", "aeroe"},
    {"\u0152uvr\u00e9", "oeuvre", ""},
    {"\u00de\u00f3r\u00f0ur", "thordur", ""},
    {"\u0126aber", "haber", ""},
    {"Xi\u0107 \u01dai", "xicui", "xicuei"},
    {"\u738b\u5c0f\u660e", "\u738b\u5c0f\u660e", ""},
    {"\uff2d\uff21\uff32\uff39", "mary", ""},
    {"\u0406\u0432\u0430\u043d\u043e\u0432", "\u0456\u0432\u0430\u043d\u043e"
        "\u0432", ""},
    {"\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u03c3\u03b9\u03c3\u03c5"
        "\u03c6\u03bf\u03c3", ""},
    {"St. John", "stjohn", ""},
    {"Col\u00b7lell", "collell", ""},
    {"Co\u0140lell", "collell", ""},
    {"\u00a0Smith\u00a0 \t\r\n", "smith", ""},
    {"Smi\u200bth\u200d\ufeff", "smith", ""},
    {"Smi\ath\177", "smith", ""},
    {"\u202eSmith\u202c", "smith", ""},
    {"Sm\U000e0101ith\ufe0f", "smith", ""},
    {"\ufb03ne", "ffine", ""},
    {"Smith2", "smith2", ""},
    {"", "", ""},
    {" ", "", ""},
    {"\t\n\u00a0\u200b\001", "", ""},
    {"-", "-", ""},
    {" '\u2019 ", "'\u2019", ""},
    {"\u0301", "\u0301", ""},
    /* Marks alone: in the order that NFD gives them. */
    {"\u05a7\u064e", "\u064e\u05a7", ""},
    {"\u064e\u05a7", "\u064e\u05a7", ""},
    /* An iota below goes behind other marks before it becomes a letter. */
    {"\u1fcc\u1734", "\u03b7\u1734\u03b9", ""},
    {"\u0397\u0345\u1734", "\u03b7\u1734\u03b9", ""},
    {"\u0397\u1734\u0345", "\u03b7\u1734\u03b9", ""},
};

static void
each_name_has_its_keys(void **state)
{
    struct name_key key;

    (void)state;
    for (size_t i = 0; i < sizeof(folded) / sizeof(folded[0]); i++) {
        assert_int_equal(name_key_make(of(folded[i].name), &key), E_OK);
        assert_string_equal(key.main, folded[i].main);
        assert_string_equal(key.alternative, folded[i].alternative);
    }
}

static int
equal(const char *a, const char *b)
{
    struct name_key one, other;

    assert_int_equal(name_key_make(of(a), &one), E_OK);
    assert_int_equal(name_key_make(of(b), &other), E_OK);
    assert_int_equal(name_key_equal(&one, &other),
        name_key_equal(&other, &one));
    return (name_key_equal(&one, &other));
}

static void
two_names_are_equal_if_any_keys_are(void **state)
{
    (void)state;
    assert_true(equal("M\u00fcller", "Muller"));
    assert_true(equal("M\u00fcller", "Mueller"));
    assert_true(equal("M\u00fcller", "MU\u0308LLER"));
    assert_false(equal("Muller", "Mueller"));
    assert_true(equal("Soerensen", "S\u00f8rensen"));
    assert_true(equal("Sorensen", "S\u00f8rensen"));
    assert_true(equal("S\u00f6rensen", "S\u00f8rensen"));
    assert_true(equal("Aagaard", "\u00c5g\u00e5rd"));
    assert_true(equal("\u738b", "\u738b"));
    assert_false(equal("\u738b", "\u674e"));
    /* A Cyrillic a is no Latin one. */
    assert_false(equal("M\u0430ry", "Mary"));
    assert_false(equal("Johnson", "Johnstone"));
    assert_false(equal("", ""));
    assert_false(equal(" ", "\u200b"));
    assert_false(equal("", "Mary"));
}

static void
a_given_name_counts_by_its_first_word(void **state)
{
    static const struct {
        const char *given, *main, *alternative;
    } first[] = {
        {"Mary Ann", "mary", ""},
        {"  Mary\u00a0Ann", "mary", ""},
        {"Mary\nAnn", "mary", ""},
        {"Mary-Ann", "maryann", ""},
        {"Mary", "mary", ""},
        {"J. Robert", "j", ""},
        {"J\u00f6rg Peter", "jorg", "joerg"},
        {"\u200b Mary", "mary", ""},
        {"", "", ""},
        {"  ", "", ""},
    };
    struct name_key key;

    (void)state;
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
        assert_int_equal(name_key_make_first(of(first[i].given), &key), E_OK);
        assert_string_equal(key.main, first[i].main);
        assert_string_equal(key.alternative, first[i].alternative);
    }
}

static void
refuses_what_is_not_utf8(void **state)
{
    static const char *const bad[] = {
        "M\xfcller", "\x80", "\xc3", "Mary\xc3", "\xc0\xaf", "\xc1\x81",
        "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80",
        "\xed\xa0\xbd\xed\xb8\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff", "\xfe", "\xe2\x82", "\xf0\x9f\x98"
    };
    struct name_key key;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&key, 'x', sizeof(key));
        if (name_key_make(of(bad[i]), &key) != E_INVAL)
            fail_msg("row %zu was taken", i);
        assert_string_equal(key.main, "");
        assert_string_equal(key.alternative, "");
        assert_int_equal(name_key_make_first(of(bad[i]), &key), E_INVAL);
        assert_int_equal(name_suffix(of(bad[i])), -1);
        assert_false(name_is_clean(of(bad[i])));
    }
}

/* ${text} over and over, as far as ${size} bytes hold it whole. */
static struct slice
repeat(const char *text, uint8_t *bytes, size_t size)
{
    size_t n = strlen(text), at = 0;

    for (; at + n <= size; at += n)
        memcpy(bytes + at, text, n);
    return ((struct slice){bytes, at});
}

static void
limits_hold_for_name_and_key(void **state)
{
    uint8_t bytes[NAME_MAX_BYTES + 1];
    struct name_key key;

    (void)state;
    assert_int_equal(name_key_make(repeat("x", bytes, NAME_MAX_BYTES), &key),
        E_OK);
    assert_int_equal(strlen(key.main), NAME_MAX_BYTES);
    assert_int_equal(name_key_make(repeat("x", bytes, NAME_MAX_BYTES + 1),
        &key), E_TOOBIG);
    assert_int_equal(name_suffix(repeat(" ", bytes, NAME_MAX_BYTES + 1)), -1);
    /* One U+FDFA is 18 characters: a few fit, a name full of them does not. */
    assert_int_equal(name_key_make(of("\ufdfa"), &key), E_OK);
    assert_int_equal(strlen(key.main), 30);
    assert_int_equal(name_key_make(repeat("\ufdfa", bytes, NAME_MAX_BYTES),
        &key), E_TOOBIG);
    assert_string_equal(key.main, "");
    assert_string_equal(key.alternative, "");
    assert_int_equal(name_key_make(repeat("\u00fc", bytes, NAME_MAX_BYTES),
        &key), E_OK);
    assert_int_equal(strlen(key.main), NAME_MAX_BYTES / 2);
    assert_int_equal(strlen(key.alternative), NAME_MAX_BYTES);
}

static size_t
encode(uint32_t point, uint8_t bytes[4])
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    for (size_t i = n - 1; i > 0; i--, point >>= 6)
        bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
    bytes[0] = (uint8_t)(lead[n] | point);
    return (n);
}

/* Whatever the character: it folds, and what has been folded stays so. */
static void
every_character_folds_once_and_for_all(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        struct name_key once, twice;
        uint8_t bytes[4];
        size_t n;

        if (point == 0xd800)
            point = 0xe000;
        n = encode(point, bytes);
        if (name_key_make((struct slice){bytes, n}, &once) != E_OK ||
            name_key_make(of(once.main), &twice) != E_OK)
            fail_msg("U+%04X does not fold", point);
        if (strcmp(once.main, twice.main) != 0)
            fail_msg("U+%04X: \"%s\" folds to \"%s\"", point, once.main,
                twice.main);
    }
}

static void
suffixes_name_a_generation(void **state)
{
    static const struct {
        const char *suffix;
        int generation;
    } suffixes[] = {
        {"", 0}, {" ", 0}, {".", 0}, {"\u00a0", 0},
        {"Sr", 1}, {"SR.", 1}, {"I", 1},
        {"Jr", 2}, {"jr.", 2}, {" J r . ", 2}, {"II", 2}, {"2nd", 2},
        {"2ND", 2}, {"I I", 2}, {"Jr\u00a0", 2}, {"\u2161", 2},
        {"III", 3}, {"3rd", 3}, {"\u2162", 3}, {"IV", 4}, {"4th", 4},
        {"V", 5}, {"5TH", 5},
        {"VI", -1}, {"IIII", -1}, {"MD", -1}, {"2", -1}, {"Jr,", -1},
        {"J\u0159", -1}, {"\u042f", -1}, {"-", -1}, {"PhD", -1},
    };
    static const uint8_t nul[] = {'J', 'r', 0, '2'};

    (void)state;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (name_suffix(of(suffixes[i].suffix)) != suffixes[i].generation)
            fail_msg("\"%s\"", suffixes[i].suffix);
    assert_int_equal(name_suffix((struct slice){nul, 4}), -1);
    assert_int_equal(name_suffix((struct slice){NULL, 0}), 0);
}

static void
a_clean_name_can_be_shown(void **state)
{
    static const char *const good[] = {
        "", "Mary", "M\u00fcller", "\u738b", "O\u2019Brien", "Mary Ann",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "a\u00a0b", "~",
        "\U0001f600"
    };
    static const char *const bad[] = {
        "a\tb", "a\n", "\r", "\x1b[31m", "\x7f", "\xc2\x85", "\xc2\x9b",
        "\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069",
        "\u2028", "\u2029", "\ue000", "\uf8ff", "\U000f0000", "\U0010fffd"
    };
    static const uint8_t nul[] = {'M', 0};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (!name_is_clean(of(good[i])))
            fail_msg("good row %zu", i);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (name_is_clean(of(bad[i])))
            fail_msg("bad row %zu", i);
    assert_false(name_is_clean((struct slice){nul, 2}));
    assert_true(name_is_clean((struct slice){NULL, 0}));
}

/*
 * Printable ASCII takes a short way; an unseen character sends the same name
 * the long way, and must not change its key.
 */
static void
the_short_way_leads_where_the_long_one_does(void **state)
{
    static const char unseen[] = "\xe2\x80\x8b";
    uint32_t random = 1;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        char plain[40], other[48];
        struct name_key a, b;
        size_t n;

        random = random * 1664525u + 1013904223u;
        n = random >> 16 & 15;
        for (size_t i = 0; i < n; i++) {
            random = random * 1664525u + 1013904223u;
            plain[i] = (random >> 28) < 5 ? " -.'`"[random >> 28] :
                (char)(' ' + (random >> 16) % 95);
        }
        plain[n] = '\0';
        (void)snprintf(other, sizeof(other), "%s%s", unseen, plain);
        assert_int_equal(name_key_make(slice_of(plain), &a), E_OK);
        assert_int_equal(name_key_make(slice_of(other), &b), E_OK);
        assert_string_equal(a.main, b.main);
        assert_string_equal(a.alternative, b.alternative);
        assert_int_equal(name_key_make_first(slice_of(plain), &a), E_OK);
        assert_int_equal(name_key_make_first(slice_of(other), &b), E_OK);
        assert_string_equal(a.main, b.main);
        assert_string_equal(a.alternative, b.alternative);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_has_its_keys),
        cmocka_unit_test(two_names_are_equal_if_any_keys_are),
        cmocka_unit_test(a_given_name_counts_by_its_first_word),
        cmocka_unit_test(refuses_what_is_not_utf8),
        cmocka_unit_test(limits_hold_for_name_and_key),
        cmocka_unit_test(every_character_folds_once_and_for_all),
        cmocka_unit_test(suffixes_name_a_generation),
        cmocka_unit_test(a_clean_name_can_be_shown),
        cmocka_unit_test(the_short_way_leads_where_the_long_one_does),
    };

    return (cmocka_run_group_tests_name("name_fold", tests, NULL, NULL));
}
