/*
 * The record that a row makes of the one before: most of all that a row which
 * says the same again, on whatever day, changes nothing.
 */

#include "service/credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/message.h"

static const struct civil today = {2026, 11, 22};
static const struct civil later = {2027, 2, 1};

struct world {
    struct factor_key *key;
    struct credential_draft draft;
    struct credential_names names;
    Vouch__V1__HumanName name;
    Vouch__V1__Date birth;
    char *former[CREDENTIAL_FORMER_MAX];
    Vouch__V1__CredentialRow row;
};

/* What a row says of names; the rest of it is always the same. */
struct said {
    const char *family, *given, *suffix;
    const char *former[CREDENTIAL_FORMER_MAX];
};

static char *
text(const char *constant)
{
    union {
        const char *in;
        char *out;
    } u = {.in = constant != NULL ? constant : ""};

    return (u.out);
}

static int
setup(void **state)
{
    static const uint8_t secret[FACTOR_KEY] = {9};
    static struct world w;

    memset(&w, 0, sizeof(w));
    assert_int_equal(factor_key_create(secret, &w.key), E_OK);
    *state = &w;
    return (0);
}

static int
teardown(void **state)
{
    struct world *w = *state;

    factor_key_free(w->key);
    return (0);
}

static void
say(struct world *w, const struct said *said)
{
    size_t n = 0;

    vouch__v1__credential_row__init(&w->row);
    vouch__v1__human_name__init(&w->name);
    vouch__v1__date__init(&w->birth);
    w->name.family = text(said->family);
    w->name.given = text(said->given);
    w->name.suffix = text(said->suffix);
    for (; n < CREDENTIAL_FORMER_MAX && said->former[n] != NULL; n++)
        w->former[n] = text(said->former[n]);
    w->birth.year = 1990;
    w->row.line = 2;
    w->row.credential_type_id = text("abc-pbt");
    w->row.number = text("PBT-1");
    w->row.name = &w->name;
    w->row.former_family = w->former;
    w->row.n_former_family = n;
    w->row.birth_date = &w->birth;
    w->row.last4 = text("1234");
    w->row.raw_status = text("ACTIVE");
    memset(&w->names, 0, sizeof(w->names));
    w->names.row = &w->row;
}

/* The draft of what was said, after ${previous}, as bytes of the log. */
static void
draft(struct world *w, const Vouch__V1__CredentialRecord *previous,
    struct civil day, struct buf *bytes)
{
    static const uint8_t id[LEAF_CREDENTIAL_ID] = {7};
    const struct credential_terms terms = {.number_key = "PBT1",
        .credential_id = id, .key = w->key, .today = day};

    bytes->n = 0;
    assert_int_equal(credential_draft_make(&w->draft, &w->names, previous,
        &terms), E_OK);
    assert_in_range(w->draft.record.n_names, 1, CREDENTIAL_NAMES_MAX);
    assert_int_equal(message_pack(&w->draft.record.base, bytes), E_OK);
}

static void
forget(Vouch__V1__CredentialRecord *record)
{
    if (record != NULL)
        vouch__v1__credential_record__free_unpacked(record, NULL);
}

/*
 * What is on file once ${said} has come after ${previous}, which is freed; the
 * same row once more, on the same day or a later one, leaves every byte as it
 * is, and is of the same holder.
 */
static Vouch__V1__CredentialRecord *
take(struct world *w, const struct said *said,
    Vouch__V1__CredentialRecord *previous)
{
    Vouch__V1__CredentialRecord *record;
    enum credential_holder holder;
    struct buf first, again;

    buf_init(&first, 65536);
    buf_init(&again, 65536);
    say(w, said);
    draft(w, previous, today, &first);
    record = vouch__v1__credential_record__unpack(NULL, first.n, first.p);
    assert_non_null(record);
    forget(previous);

    say(w, said);
    assert_int_equal(credential_same_holder(record, &w->names, &holder), E_OK);
    assert_int_equal(holder, HOLDER_BY_NAME);
    draft(w, record, today, &again);
    assert_int_equal(again.n, first.n);
    assert_memory_equal(again.p, first.p, first.n);
    draft(w, record, later, &again);
    assert_int_equal(again.n, first.n);
    assert_memory_equal(again.p, first.p, first.n);
    buf_free(&first);
    buf_free(&again);
    return (record);
}

/* ---- former names ------------------------------------------------------ */

static void
a_former_name_with_a_suffix_is_kept_once(void **state)
{
    static const struct said said = {.family = "Kowalski",
        .former = {"oki,5th", "OKI", "Oki V", "Oki, V"}};
    Vouch__V1__CredentialRecord *record = take(*state, &said, NULL);

    assert_int_equal(record->n_names, 3);
    assert_string_equal(record->names[1]->name->family, "oki,5th");
    assert_true(record->names[1]->former);
    assert_null(record->names[1]->since);
    /* V alone may be an initial, and part of the name. */
    assert_string_equal(record->names[2]->name->family, "Oki V");
    forget(record);
}

/* Soft hyphen, ideographic blank, no-break blank: no name at all. */
static void
a_former_name_of_nothing_to_be_seen_is_not_kept(void **state)
{
    static const struct said said = {.family = "Kowalski",
        .former = {"\xc2\xad", "\xe3\x80\x80", "\xc2\xa0", "\xc2\xad, Jr"}};
    Vouch__V1__CredentialRecord *record = take(*state, &said, NULL);

    assert_int_equal(record->n_names, 1);
    forget(record);
}

static void
a_name_in_another_spelling_is_kept_once(void **state)
{
    static const struct said said = {.family = "O'Brien",
        .former = {"OBRIEN", "O\xe2\x80\x99" "Brien, Jr", "M\xc3\xbcller",
        "MUELLER", "Muller", "muller"}};
    Vouch__V1__CredentialRecord *record = take(*state, &said, NULL);

    assert_int_equal(record->n_names, 2);
    assert_string_equal(record->names[1]->name->family, "M\xc3\xbcller");
    forget(record);
}

/* Two spellings that each are one with a third, and not with each other. */
static void
spellings_that_are_no_chain_are_both_kept(void **state)
{
    static const struct said said = {.family = "O'Brien",
        .former = {"Mueller", "Muller", "M\xc3\xbcller"}};
    Vouch__V1__CredentialRecord *record = take(*state, &said, NULL);

    assert_int_equal(record->n_names, 3);
    forget(record);
}

/* ---- one row after the other ------------------------------------------- */

static const struct said all_said[] = {
    {.family = "Rivera", .given = "Ana"},
    {.family = "RIVERA", .given = "A."},
    {.family = "Rivera, Jr", .given = "Ana", .former = {"Rivera"}},
    {.family = "Rivera", .given = "Ana", .suffix = "Jr.",
        .former = {"RIVERA JR", "Rivera, Sr"}},
    {.family = "Rivera", .given = "Ana", .suffix = " ",
        .former = {"Okafor", "okafor", "Okafor III"}},
    {.family = "Okafor", .given = "Ana", .former = {"Rivera, 2nd"}},
    {.family = "M\xc3\xbcller", .former = {"Muller", "Mueller"}},
    {.family = "Mueller", .former = {"Muller", "M\xc3\xbcller", "Jr"}},
    {.family = "Jr", .given = "Jr", .suffix = "Jr", .former = {"Jr, Jr"}},
    {.family = "\xc2\xad", .former = {"\xc2\xad", "-", "- Jr", ",-, Jr"}},
    {.family = "Garc\xc3\xad" "a L\xc3\xb3pez", .given = "Ana Mar\xc3\xad" "a",
        .former = {"Garcia-Lopez", "Lopez", "Garcia", "L\xc3\xb3pez, IV"}},
    {.family = "A", .former = {"B", "C", "D", "E", "F", "G", "H", "I"}},
    {.family = "K", .former = {"L, V", "M V", "N,V", "O I", "P, I", "Q II",
        "R  II ", ", II"}},
};

#define ALL_SAID (sizeof(all_said) / sizeof(all_said[0]))

static void
what_is_said_again_changes_nothing(void **state)
{
    struct world *w = *state;
    size_t i, j;

    for (i = 0; i < ALL_SAID; i++)
        for (j = 0; j < ALL_SAID; j++)
            forget(take(w, &all_said[j], take(w, &all_said[i], NULL)));
}

/* Round after round, until no more names have room. */
static void
names_come_to_an_end(void **state)
{
    struct world *w = *state;
    Vouch__V1__CredentialRecord *record = NULL;
    char families[CREDENTIAL_NAMES_MAX * 2][16];
    char formers[CREDENTIAL_NAMES_MAX * 2][24];
    struct said said = {0};
    size_t i;

    for (i = 0; i < CREDENTIAL_NAMES_MAX * 2; i++) {
        (void)snprintf(families[i], sizeof(families[i]), "Name%zu", i);
        (void)snprintf(formers[i], sizeof(formers[i]), "Before%zu, Jr", i);
        said.family = families[i];
        said.former[0] = formers[i];
        record = take(w, &said, record);
        record = take(w, &all_said[i % ALL_SAID], record);
    }
    assert_int_equal(record->n_names, CREDENTIAL_NAMES_MAX);
    assert_string_equal(record->names[1]->name->family, families[i - 1]);
    assert_true(record->names[1]->former);
    forget(record);
}

/* A former name carries the day on which it ceased, and keeps it. */
static void
the_day_of_a_name_stays(void **state)
{
    static const struct said before = {.family = "Rivera", .given = "Ana"};
    static const struct said after = {.family = "Chen", .given = "Ana",
        .former = {"Rivera, Jr"}};
    struct world *w = *state;
    Vouch__V1__CredentialRecord *record;

    record = take(w, &after, take(w, &before, NULL));
    assert_int_equal(record->n_names, 2);
    assert_string_equal(record->names[1]->name->family, "Rivera");
    assert_int_equal(record->names[0]->since->day, today.day);
    assert_int_equal(record->names[1]->since->day, today.day);
    forget(record);
}

/* ---- whose a row is by a former name ----------------------------------- */

static enum credential_holder
holder_of(struct world *w, const struct said *before, const struct said *now)
{
    Vouch__V1__CredentialRecord *record = take(w, before, NULL);
    enum credential_holder holder;

    say(w, now);
    assert_int_equal(credential_same_holder(record, &w->names, &holder), E_OK);
    forget(record);
    return (holder);
}

static void
a_former_name_is_known_with_its_suffix(void **state)
{
    static const struct said plain = {.family = "Smith"};
    static const struct said junior = {.family = "Smith", .suffix = "Jr"};
    static const struct said renamed = {.family = "Brown, Jr",
        .former = {"Smith"}};
    static const struct said was_junior = {.family = "Jones",
        .former = {"SMITH, II"}};
    static const struct said was_senior = {.family = "Jones",
        .former = {"Smith, Sr"}};
    struct world *w = *state;

    assert_int_equal(holder_of(w, &plain, &was_junior), HOLDER_BY_FORMER_NAME);
    assert_int_equal(holder_of(w, &junior, &was_junior),
        HOLDER_BY_FORMER_NAME);
    assert_int_equal(holder_of(w, &renamed, &was_junior),
        HOLDER_BY_FORMER_NAME);
    assert_int_equal(holder_of(w, &plain, &was_senior), HOLDER_BY_FORMER_NAME);
    /* Father and son. */
    assert_int_equal(holder_of(w, &junior, &was_senior), HOLDER_OTHER);
    assert_int_equal(holder_of(w, &renamed, &was_senior), HOLDER_OTHER);
}

static void
a_name_on_file_is_known_with_its_suffix(void **state)
{
    static const struct said before = {.family = "Jones",
        .former = {"Smith, Sr"}};
    static const struct said plain = {.family = "Smith"};
    static const struct said senior = {.family = "Smith", .suffix = "I"};
    static const struct said junior = {.family = "Smith", .suffix = "Jr"};
    struct world *w = *state;

    assert_int_equal(holder_of(w, &before, &plain), HOLDER_BY_FORMER_NAME);
    assert_int_equal(holder_of(w, &before, &senior), HOLDER_BY_FORMER_NAME);
    assert_int_equal(holder_of(w, &before, &junior), HOLDER_OTHER);
}

#define CREDENTIAL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CREDENTIAL_TEST(a_former_name_with_a_suffix_is_kept_once),
        CREDENTIAL_TEST(a_former_name_of_nothing_to_be_seen_is_not_kept),
        CREDENTIAL_TEST(a_name_in_another_spelling_is_kept_once),
        CREDENTIAL_TEST(spellings_that_are_no_chain_are_both_kept),
        CREDENTIAL_TEST(what_is_said_again_changes_nothing),
        CREDENTIAL_TEST(names_come_to_an_end),
        CREDENTIAL_TEST(the_day_of_a_name_stays),
        CREDENTIAL_TEST(a_former_name_is_known_with_its_suffix),
        CREDENTIAL_TEST(a_name_on_file_is_known_with_its_suffix),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
