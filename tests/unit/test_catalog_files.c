#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/catalog_files.h"
#include "proto/civil.h"
#include "support/fault.h"

#define CAP (8 << 20)

#define A_HEAD "id,name,short_name,kind,lifecycle,successor_id," \
    "utc_offset_minutes,max_age_days,contact,designation,designated_on," \
    "number_fold_case,number_drop_separators,number_drop_leading_zeros," \
    "identity_policy,source,confidence,checked_on\n"
#define T_HEAD "id,association_id,abbreviation,name,role,kind,lifecycle," \
    "successor_id,source,confidence,checked_on\n"
#define R_HEAD "id,association_id,credential_type_id," \
    "except_credential_type_ids,recognizer,basis,valid_from,valid_until," \
    "observed_on,source,confidence,checked_on\n"

#define A_REST ",active,,-360,35,,,,true,true,false,birth_year,s,official," \
    "2026-11-22\n"
#define A_ONE "one,One,O,professional" A_REST
#define A_TWO "two,Two,,state_board" A_REST
#define T_REST "phlebotomist,certification,active,,s,secondary,2026-11-22\n"
#define T_ONE "one-p,one,P(ONE),Phleb," T_REST
#define T_TWO "two-p,two,,Phleb," T_REST
#define R_REST "2016-08-25,,,s,official,2026-11-22\n"
#define R_ONE "one-ncca,one,,one-p,ncca,Basis," R_REST

#define X_HEAD "id,association_id,credential_type_id,ended_from," \
    "ended_until,counts_until,order,source,confidence,checked_on\n"
#define X_ROW(id, association, type, dates) id "," association "," type "," \
    dates ",Order 7,s,official,2026-11-22\n"

static const char *const names[] = {
    "associations.csv", "credential_types.csv", "recognitions.csv"
};

static const char *const right[] = {
    A_HEAD A_TWO A_ONE, T_HEAD T_ONE T_TWO, R_HEAD R_ONE
};

/* The faults as told, one a line: "file:line:column: what". */
struct told {
    char text[4096];
    size_t n;
};

static void
note(void *cookie, const struct catalog_fault *fault)
{
    struct told *told = cookie;
    const char *name = strrchr(fault->file, '/');
    int n;

    assert_non_null(name);
    n = snprintf(told->text + told->n, sizeof(told->text) - told->n,
        "%s:%ld:%s: %s\n", name + 1, fault->line, fault->column, fault->what);
    assert_true(n > 0 && (size_t)n < sizeof(told->text) - told->n);
    told->n += (size_t)n;
}

/* A folder of its own for each test. */
struct folder {
    char path[64];
};

static int
folder_make(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));

    assert_non_null(folder);
    (void)snprintf(folder->path, sizeof(folder->path), "%s",
        "/tmp/vouch-catalog-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    *state = folder;
    return (0);
}

static void
path_of(const struct folder *folder, const char *name, char path[128])
{
    (void)snprintf(path, 128, "%s/%s", folder->path, name);
}

/* Write the file, or remove it if ${text} is NULL. */
static void
file_put(const struct folder *folder, const char *name, const char *text)
{
    char path[128];
    FILE *file;

    path_of(folder, name, path);
    (void)unlink(path);
    (void)rmdir(path);
    if (text == NULL)
        return;
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static int
folder_remove(void **state)
{
    struct folder *folder = *state;

    for (size_t i = 0; i < 3; i++)
        file_put(folder, names[i], NULL);
    file_put(folder, "extensions.csv", NULL);
    assert_int_equal(rmdir(folder->path), 0);
    free(folder);
    return (0);
}

static void
folder_fill(const struct folder *folder)
{
    for (size_t i = 0; i < 3; i++)
        file_put(folder, names[i], right[i]);
}

/* Read ${dir}; the arena is freed again, so the catalog is not returned. */
static enum err
read_dir(const char *dir, size_t cap, struct told *told)
{
    Vouch__V1__Catalog *catalog = NULL;
    struct arena *arena = NULL;
    enum err err;

    *told = (struct told){0};
    if ((err = arena_create(cap, &arena)) != E_OK)
        return (err);
    err = catalog_read(dir, arena, note, told, &catalog);
    assert_int_equal(catalog != NULL, err == E_OK);
    arena_free(arena);
    return (err);
}

/* Every list is sorted by id, so that the catalog has one form. */
static void
rows_come_sorted_and_whole(void **state)
{
    const struct folder *folder = *state;
    struct told told = {0};
    Vouch__V1__Catalog *catalog;
    Vouch__V1__Recognition *r;
    struct arena *arena;

    folder_fill(folder);
    assert_int_equal(arena_create(CAP, &arena), E_OK);
    assert_int_equal(catalog_read(folder->path, arena, note, &told, &catalog),
        E_OK);
    assert_int_equal(told.n, 0);
    assert_int_equal(catalog->n_associations, 2);
    assert_string_equal(catalog->associations[0]->id, "one");
    assert_string_equal(catalog->associations[1]->id, "two");
    assert_int_equal(catalog->associations[1]->kind,
        VOUCH__V1__ASSOCIATION_KIND__ASSOCIATION_KIND_STATE_BOARD);
    assert_int_equal(catalog->associations[0]->utc_offset_minutes, -360);
    assert_int_equal(catalog->associations[0]->max_age_seconds, 35 * 86400);
    assert_true(catalog->associations[0]->number->fold_case);
    assert_true(catalog->associations[0]->number->drop_separators);
    assert_false(catalog->associations[0]->number->drop_leading_zeros);
    assert_int_equal(catalog->associations[0]->identity_policy,
        VOUCH__V1__IDENTITY_POLICY__IDENTITY_POLICY_BIRTH_YEAR);
    assert_null(catalog->associations[0]->designated_on);
    assert_int_equal(catalog->associations[0]->checked_on->day, 22);
    assert_int_equal(catalog->n_credential_types, 2);
    assert_string_equal(catalog->credential_types[0]->abbreviation, "P(ONE)");
    assert_int_equal(catalog->credential_types[0]->confidence,
        VOUCH__V1__CONFIDENCE__CONFIDENCE_SECONDARY);
    assert_int_equal(catalog->n_recognitions, 1);
    r = catalog->recognitions[0];
    assert_int_equal(r->n_except_credential_type_ids, 1);
    assert_string_equal(r->except_credential_type_ids[0], "one-p");
    assert_int_equal(r->valid_from->year, 2016);
    assert_null(r->valid_until);
    assert_null(r->observed_on);
    arena_free(arena);
}

/* Columns in another order, a mark and CRLF change nothing. */
static void
the_order_of_columns_is_free(void **state)
{
    const struct folder *folder = *state;
    struct told told;

    folder_fill(folder);
    file_put(folder, names[1], "\xef\xbb\xbf" "name,id,association_id,role,"
        "abbreviation,kind,lifecycle,successor_id,source,confidence,"
        "checked_on\r\n"
        "\"Phleb,\n otomy\",one-p,one,phlebotomist,,license,legacy,,s,"
        "official,2026-11-22\r\n");
    assert_int_equal(read_dir(folder->path, CAP, &told), E_INVAL);
    assert_string_equal(told.text,
        "credential_types.csv:2:name: holds a control character\n");
    file_put(folder, names[1], "\xef\xbb\xbf" "name,id,association_id,role,"
        "abbreviation,kind,lifecycle,successor_id,source,confidence,"
        "checked_on\r\n"
        "\"Phleb, otomy\",one-p,one,phlebotomist,,license,legacy,,s,"
        "official,2026-11-22\r\n");
    assert_int_equal(read_dir(folder->path, CAP, &told), E_OK);
}

/* No rule but "false" three times: no message, as the canonical form wants. */
static void
numbers_compared_as_they_are_have_no_rules(void **state)
{
    const struct folder *folder = *state;
    struct told told = {0};
    Vouch__V1__Catalog *catalog;
    struct arena *arena;

    folder_fill(folder);
    file_put(folder, names[0], A_HEAD A_TWO
        "one,One,,school,unknown,two,840,1,,,,false,false,false,last4,s,"
        "unverified,2026-11-22\n");
    assert_int_equal(arena_create(CAP, &arena), E_OK);
    assert_int_equal(catalog_read(folder->path, arena, note, &told, &catalog),
        E_OK);
    assert_null(catalog->associations[0]->number);
    assert_string_equal(catalog->associations[0]->successor_id, "two");
    arena_free(arena);
}

#define NO_ID "is no id: 1 to 63 of a-z, 0-9 and -"
#define LONG10 "xxxxxxxxxx"
#define LONG60 LONG10 LONG10 LONG10 LONG10 LONG10 LONG10
#define LONG480 LONG60 LONG60 LONG60 LONG60 LONG60 LONG60 LONG60 LONG60

/* One file replaced, and all that is told of it. */
static const struct {
    int file;
    const char *text;
    const char *want;
} planted[] = {
    /* The header. */
    {0, "", "associations.csv:0:: has no header line\n"},
    {2, "id,association_id,credential_type_id,except_credential_type_ids,"
        "recognizer,basis,valid_from,valid_until,id,remark,source,"
        "confidence\nx\n",
        "recognitions.csv:1:id: the column is there twice\n"
        "recognitions.csv:1:remark: no such column\n"
        "recognitions.csv:1:observed_on: the column is missing\n"
        "recognitions.csv:1:checked_on: the column is missing\n"},
    /* The file as CSV: what came before it is told first. */
    {1, T_HEAD "one p,one,,P," T_REST "two-p,two,a \"b\",P," T_REST,
        "credential_types.csv:2:id: " NO_ID "\n"
        "credential_types.csv:3:: a stray quote: a field that holds one is "
        "quoted as a whole, and the quote is doubled\n"},
    {2, R_HEAD R_ONE "x,\"one,",
        "recognitions.csv:3:: a quote that is never closed\n"},
    {2, R_HEAD R_ONE "two-\xff,one,,,ncca,B," R_REST,
        "recognitions.csv:3:: not UTF-8\n"},
    {2, R_HEAD "\n\n" R_ONE "two-ncca,two\n" R_ONE,
        "recognitions.csv:5:: has 2 fields, the header has 12\n"
        "recognitions.csv:6:id: is on line 4 already\n"},
    {1, T_HEAD T_ONE "two-p,two,,Phl,eb," T_REST,
        "credential_types.csv:3:: has 12 fields, the header has 11\n"},
    /* Ids. */
    {0, A_HEAD A_ONE A_TWO A_ONE,
        "associations.csv:4:id: is on line 2 already\n"},
    {0, A_HEAD A_ONE A_TWO ",Three,,school" A_REST "Ascp,A,,school" A_REST
        LONG60 "xxx,L,,school" A_REST LONG60 "xxxx,L,,school" A_REST
        ",Four,,school" A_REST,
        "associations.csv:4:id: is missing\n"
        "associations.csv:5:id: " NO_ID "\n"
        "associations.csv:7:id: " NO_ID "\n"
        "associations.csv:8:id: is missing\n"},
    /* Values of an association. */
    {0, A_HEAD A_ONE A_TWO "x,,,club,gone,,1.5,0,,,,yes,,TRUE,Birth_year,,"
        "sure,\n",
        "associations.csv:4:name: is missing\n"
        "associations.csv:4:kind: is not one of: professional, state_board, "
        "school\n"
        "associations.csv:4:lifecycle: is not one of: active, legacy, "
        "renamed, unknown\n"
        "associations.csv:4:utc_offset_minutes: is not a whole number from "
        "-720 to 840\n"
        "associations.csv:4:max_age_days: is not a whole number from 1 to "
        "3650\n"
        "associations.csv:4:number_fold_case: is not one of: true, false\n"
        "associations.csv:4:number_drop_separators: is not one of: true, "
        "false\n"
        "associations.csv:4:number_drop_leading_zeros: is not one of: true, "
        "false\n"
        "associations.csv:4:identity_policy: is not one of: birth_year, "
        "birth_date, last4, given_name_and_issue_date\n"
        "associations.csv:4:source: is missing\n"
        "associations.csv:4:confidence: is not one of: official, secondary, "
        "unverified\n"
        "associations.csv:4:checked_on: is missing\n"},
    {0, A_HEAD A_ONE A_TWO "x,X,,unspecified,active,,-721, 7,,Letter,,true,"
        "true,true,last4,s,official,2026-11\n"
        "y,Y,,school,active,,,99999999999999999999,,,2026-01-01,true,true,"
        "true,last4,s,official,2026-02-29\n",
        "associations.csv:4:kind: is not one of: professional, state_board, "
        "school\n"
        "associations.csv:4:utc_offset_minutes: is not a whole number from "
        "-720 to 840\n"
        "associations.csv:4:max_age_days: is not a whole number from 1 to "
        "3650\n"
        "associations.csv:4:designated_on: is missing\n"
        "associations.csv:4:checked_on: is not a whole date: YYYY-MM-DD\n"
        "associations.csv:5:utc_offset_minutes: is not a whole number from "
        "-720 to 840\n"
        "associations.csv:5:max_age_days: is not a whole number from 1 to "
        "3650\n"
        "associations.csv:5:designated_on: is given without a designation\n"
        "associations.csv:5:checked_on: is no date: YYYY-MM-DD\n"},
    {0, A_HEAD A_ONE A_TWO "x,X" LONG480 LONG480 LONG10 LONG10 LONG10 "xxxx"
        "xxxxxx,Y\ta,school" A_REST,
        "associations.csv:4:name: is above 1000 bytes\n"
        "associations.csv:4:short_name: holds a control character\n"},
    /* Successors. */
    {0, A_HEAD "one,One,,school,legacy,one,0,7,,,,true,true,true,last4,s,"
        "official,2026-11-22\n"
        "two,Two,,school,legacy,gone,0,7,,,,true,true,true,last4,s,"
        "official,2026-11-22\n",
        "associations.csv:2:successor_id: is the row's own id\n"
        "associations.csv:3:successor_id: is not in this file\n"},
    {1, T_HEAD
        "a,one,,A,technician,license,legacy,b,s,official,2026-11-22\n"
        "b,one,,B,technician,license,legacy,c,s,official,2026-11-22\n"
        "c,two,,C,technician,license,legacy,b,s,official,2026-11-22\n"
        T_ONE,
        "credential_types.csv:3:successor_id: leads back to this row\n"
        "credential_types.csv:4:successor_id: leads back to this row\n"},
    /* Credential types. */
    {1, T_HEAD T_ONE "x,three,,,nurse,badge,dead,!,,,\n",
        "credential_types.csv:3:name: is missing\n"
        "credential_types.csv:3:role: is not one of: phlebotomist, "
        "lab_assistant, technician, technologist\n"
        "credential_types.csv:3:kind: is not one of: certification, license, "
        "education\n"
        "credential_types.csv:3:lifecycle: is not one of: active, legacy, "
        "renamed, unknown\n"
        "credential_types.csv:3:successor_id: " NO_ID "\n"
        "credential_types.csv:3:source: is missing\n"
        "credential_types.csv:3:confidence: is not one of: official, "
        "secondary, unverified\n"
        "credential_types.csv:3:checked_on: is missing\n"
        "credential_types.csv:3:association_id: is not in associations.csv\n"
        "credential_types.csv:3:successor_id: is not in this file\n"},
    {1, T_HEAD T_TWO "one-p,,,P," T_REST,
        "credential_types.csv:3:association_id: is missing\n"
        "recognitions.csv:2:except_credential_type_ids: 'one-p' is not "
        "granted by 'one'\n"},
    /* Recognitions. */
    {2, R_HEAD "x,three,two-p,,NCCA,,25/08/2016,2016,2016-13,,,2026\n",
        "recognitions.csv:2:recognizer: " NO_ID "\n"
        "recognitions.csv:2:basis: is missing\n"
        "recognitions.csv:2:valid_from: is no date: YYYY-MM-DD, YYYY-MM or "
        "YYYY\n"
        "recognitions.csv:2:observed_on: is no date: YYYY-MM-DD, YYYY-MM or "
        "YYYY\n"
        "recognitions.csv:2:source: is missing\n"
        "recognitions.csv:2:confidence: is not one of: official, secondary, "
        "unverified\n"
        "recognitions.csv:2:checked_on: is not a whole date: YYYY-MM-DD\n"
        "recognitions.csv:2:association_id: is not in associations.csv\n"
        "recognitions.csv:2:credential_type_id: 'two-p' is not granted by "
        "'three'\n"},
    {2, R_HEAD "x,one,gone,,one,B,,,,s,official,2026-11-22\n",
        "recognitions.csv:2:valid_from: is missing, and so is observed_on: "
        "one is needed\n"
        "recognitions.csv:2:credential_type_id: 'gone' is not in "
        "credential_types.csv\n"
        "recognitions.csv:2:recognizer: is the association itself: nobody "
        "recognizes itself\n"},
    {2, R_HEAD "a,one,,,ncca,B,2017,2016-12-31,,s,official,2026-11-22\n"
        "b,one,,,ncca,B,2017,2017,,s,official,2026-11-22\n"
        "c,one,,,ncca,B,,2016-06,2016-07-01,s,official,2026-11-22\n",
        "recognitions.csv:2:valid_until: is before valid_from\n"
        "recognitions.csv:4:valid_until: is before observed_on\n"},
    {2, R_HEAD "a,one,one-p,one-p,ncca,B," R_REST
        "b,one,,one-p;two-p;one-p;gone;;X,,B," R_REST,
        "recognitions.csv:2:except_credential_type_ids: excepts from a "
        "single credential type: leave one of them empty\n"
        "recognitions.csv:3:except_credential_type_ids: '' is no id: ids are "
        "1 to 63 of a-z, 0-9 and -, with ';' between\n"
        "recognitions.csv:3:except_credential_type_ids: 'X' is no id: ids "
        "are 1 to 63 of a-z, 0-9 and -, with ';' between\n"
        "recognitions.csv:3:recognizer: is missing\n"
        "recognitions.csv:3:except_credential_type_ids: 'two-p' is not "
        "granted by 'one'\n"
        "recognitions.csv:3:except_credential_type_ids: 'one-p' is there "
        "twice\n"
        "recognitions.csv:3:except_credential_type_ids: 'gone' is not in "
        "credential_types.csv\n"
        "recognitions.csv:3:except_credential_type_ids: 'X' is not in "
        "credential_types.csv\n"},
};

static void
each_planted_fault_is_named(void **state)
{
    const struct folder *folder = *state;
    struct told told;

    for (size_t i = 0; i < sizeof(planted) / sizeof(planted[0]); i++) {
        folder_fill(folder);
        file_put(folder, names[planted[i].file], planted[i].text);
        assert_int_equal(read_dir(folder->path, CAP, &told), E_INVAL);
        assert_string_equal(told.text, planted[i].want);
    }
}

/* Faults of all files come in one run, in the order of the files. */
static void
all_faults_come_in_file_order(void **state)
{
    const struct folder *folder = *state;
    struct told told;

    file_put(folder, names[0], A_HEAD A_ONE A_ONE);
    file_put(folder, names[1], T_HEAD T_ONE T_TWO T_ONE);
    file_put(folder, names[2], R_HEAD R_ONE R_ONE);
    assert_int_equal(read_dir(folder->path, CAP, &told), E_INVAL);
    assert_string_equal(told.text,
        "associations.csv:3:id: is on line 2 already\n"
        "credential_types.csv:3:association_id: is not in associations.csv\n"
        "credential_types.csv:4:id: is on line 2 already\n"
        "recognitions.csv:3:id: is on line 2 already\n");
}

/* A missing file is told, and nothing is held against what refers to it. */
static void
a_file_that_cannot_be_read_is_told(void **state)
{
    const struct folder *folder = *state;
    struct told told;
    char path[128];

    folder_fill(folder);
    file_put(folder, names[0], NULL);
    assert_int_equal(read_dir(folder->path, CAP, &told), E_IO);
    assert_string_equal(told.text,
        "associations.csv:0:: cannot be read: No such file or directory\n");

    path_of(folder, names[0], path);
    assert_int_equal(mkdir(path, 0700), 0);
    file_put(folder, names[2], R_HEAD R_ONE "x\n");
    assert_int_equal(read_dir(folder->path, CAP, &told), E_IO);
    assert_string_equal(told.text,
        "associations.csv:0:: cannot be read: Is a directory\n"
        "recognitions.csv:3:: has 1 fields, the header has 12\n");
}

/* Whatever the cap, the answer is the whole catalog or E_TOOBIG. */
static void
the_arena_bounds_the_catalog(void **state)
{
    const struct folder *folder = *state;
    struct told told;
    enum err err = E_TOOBIG;
    size_t refused = 0;

    folder_fill(folder);
    for (size_t cap = 64; err != E_OK && cap < 65536; cap += 64) {
        err = read_dir(folder->path, cap, &told);
        assert_int_equal(told.n, 0);
        if (err != E_OK) {
            assert_int_equal(err, E_TOOBIG);
            refused++;
        }
    }
    assert_int_equal(err, E_OK);
    assert_true(refused > 10);
}

static void
survives_every_allocation_failure(void **state)
{
    int failures = 0, fired = 1;
    struct told told;

    (void)state;
    for (int n = 0; fired; n++) {
        enum err err;

        fault_arm(n);
        err = read_dir(SOURCE_DIR "/catalog", CAP, &told);
        fired = fault_fired();
        fault_arm(-1);
        assert_int_equal(told.n, 0);
        if (err != E_OK) {
            assert_true(fired);
            assert_int_equal(err, E_NOMEM);
            failures++;
        }
    }
    assert_true(failures >= 8);
}

/* Return the recognition, or NULL. */
static const Vouch__V1__Recognition *
recognition(const Vouch__V1__Catalog *catalog, const char *id)
{
    for (size_t i = 0; i < catalog->n_recognitions; i++) {
        if (strcmp(catalog->recognitions[i]->id, id) == 0)
            return (catalog->recognitions[i]);
    }
    return (NULL);
}

/* What ships reads clean, and what was never checked is not sold as fact. */
static void
the_shipped_catalog_is_clean(void **state)
{
    struct told told = {0};
    Vouch__V1__Catalog *catalog;
    const Vouch__V1__Recognition *r;
    struct arena *arena;

    (void)state;
    assert_int_equal(arena_create(CAP, &arena), E_OK);
    assert_int_equal(catalog_read(SOURCE_DIR "/catalog", arena, note, &told,
        &catalog), E_OK);
    assert_string_equal(told.text, "");
    assert_int_equal(catalog->n_associations, 29);
    assert_int_equal(catalog->n_credential_types, 70);
    assert_int_equal(catalog->n_recognitions, 139);
    for (size_t i = 0; i < catalog->n_associations; i++)
        assert_string_equal(catalog->associations[i]->designation, "");

    r = recognition(catalog, "ascp-boc-anab");
    assert_non_null(r);
    assert_string_equal(r->credential_type_id, "");
    assert_int_equal(r->confidence, VOUCH__V1__CONFIDENCE__CONFIDENCE_OFFICIAL);
    assert_int_equal(r->observed_on->year, 2017);
    for (size_t i = 0; i < r->n_except_credential_type_ids; i++)
        assert_string_not_equal(r->except_credential_type_ids[i], "ascp-pbt");

    r = recognition(catalog, "nha-cpt-ncca");
    assert_non_null(r);
    assert_int_equal(r->confidence,
        VOUCH__V1__CONFIDENCE__CONFIDENCE_UNVERIFIED);
    arena_free(arena);
}

/* A catalog may be without; an empty file is none of a fault either. */
static void
extensions_are_read_where_there_are_any(void **state)
{
    const struct folder *folder = *state;
    Vouch__V1__Catalog *catalog;
    struct arena *arena;
    struct told told = {0};

    folder_fill(folder);
    assert_int_equal(read_dir(folder->path, CAP, &told), E_OK);
    file_put(folder, "extensions.csv", X_HEAD);
    assert_int_equal(read_dir(folder->path, CAP, &told), E_OK);
    file_put(folder, "extensions.csv", X_HEAD
        X_ROW("x-2", "one", "", "2026-01-01,2026-02-28,2026-06-30")
        X_ROW("x-1", "two", "two-p", "2026-01-01,2026-01-01,2026-01-01"));
    assert_int_equal(arena_create(CAP, &arena), E_OK);
    assert_int_equal(catalog_read(folder->path, arena, note, &told,
        &catalog), E_OK);
    assert_int_equal(catalog->n_extensions, 2);
    assert_string_equal(catalog->extensions[0]->id, "x-1");
    assert_string_equal(catalog->extensions[0]->credential_type_id, "two-p");
    assert_string_equal(catalog->extensions[1]->order, "Order 7");
    assert_int_equal(catalog->extensions[1]->counts_until->month, 6);
    arena_free(arena);
}

static void
each_fault_of_an_extension_is_named(void **state)
{
    const struct folder *folder = *state;
    struct told told;

    folder_fill(folder);
    file_put(folder, "extensions.csv", X_HEAD
        X_ROW("x-1", "one", "two-p", "2026-01-01,2026-02-28,2026-06-30")
        X_ROW("x-1", "ten", "", "2026-03-01,2026-02-28,2026-02-27")
        X_ROW("x-3", "one", "ten-p", "2026-01,,2026-02-30"));
    assert_int_equal(read_dir(folder->path, CAP, &told), E_INVAL);
    assert_string_equal(told.text,
        "extensions.csv:2:credential_type_id: 'two-p' is not granted by "
        "'one'\n"
        "extensions.csv:3:ended_until: is before ended_from\n"
        "extensions.csv:3:counts_until: is before ended_until\n"
        "extensions.csv:3:id: is on line 2 already\n"
        "extensions.csv:3:association_id: is not in associations.csv\n"
        "extensions.csv:4:ended_from: is not a whole date: YYYY-MM-DD\n"
        "extensions.csv:4:ended_until: is missing\n"
        "extensions.csv:4:counts_until: is no date: YYYY-MM-DD\n"
        "extensions.csv:4:credential_type_id: 'ten-p' is not in "
        "credential_types.csv\n");
}

#define IN_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_FOLDER(rows_come_sorted_and_whole),
        IN_FOLDER(the_order_of_columns_is_free),
        IN_FOLDER(numbers_compared_as_they_are_have_no_rules),
        IN_FOLDER(each_planted_fault_is_named),
        IN_FOLDER(all_faults_come_in_file_order),
        IN_FOLDER(a_file_that_cannot_be_read_is_told),
        IN_FOLDER(the_arena_bounds_the_catalog),
        IN_FOLDER(extensions_are_read_where_there_are_any),
        IN_FOLDER(each_fault_of_an_extension_is_named),
        cmocka_unit_test(survives_every_allocation_failure),
        cmocka_unit_test(the_shipped_catalog_is_clean),
    };

    return (cmocka_run_group_tests_name("catalog_files", tests, NULL, NULL));
}
