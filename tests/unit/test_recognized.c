#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/catalog_files.h"
#include "proto/message.h"
#include "service/recognized.h"
#include "support/fault.h"

#define RECOGNITION(x) VOUCH__V1__RECOGNITION_STATE__RECOGNITION_STATE_##x
#define DAY_FIRST 7000          /* 1989-03-02 */
#define DAY_STEP 911
#define DAYS 20

struct fixture {
    struct arena *shipped;      /* owned */
    Vouch__V1__Catalog *files;  /* as it ships */
    struct catalog_index *catalog;
    struct recognized_cache *cache;
    struct arena *arena;
    Vouch__V1__Claim claim;
    struct decide_claim prepared;
};

static void
on_fault(void *cookie, const struct catalog_fault *fault)
{
    (void)cookie;
    fail_msg("%s:%ld: %s", fault->file, fault->line, fault->what);
}

static int
setup(void **state)
{
    static struct fixture f;
    struct buf bytes;

    f = (struct fixture){.prepared.claim = &f.claim};
    assert_int_equal(arena_create((size_t)64 << 20, &f.shipped), E_OK);
    assert_int_equal(arena_create((size_t)1 << 20, &f.arena), E_OK);
    assert_int_equal(catalog_read(SOURCE_DIR "/catalog", f.shipped, on_fault, NULL,
        &f.files), E_OK);
    buf_init(&bytes, (size_t)4 << 20);
    assert_int_equal(message_pack(&f.files->base, &bytes), E_OK);
    assert_int_equal(catalog_index_create(buf_slice(&bytes), &f.catalog),
        E_OK);
    buf_free(&bytes);
    assert_int_equal(recognized_cache_create(f.catalog, &f.cache), E_OK);
    vouch__v1__claim__init(&f.claim);
    *state = &f;
    return (0);
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    recognized_cache_free(f->cache);
    catalog_index_free(f->catalog);
    arena_free(f->arena);
    arena_free(f->shipped);
    return (0);
}

/* Hold what is found to what decide_recognized() says. */
static Vouch__V1__RecognitionState
check(struct fixture *f, const Vouch__V1__CredentialType *type, int32_t day)
{
    Vouch__V1__Answer answer = VOUCH__V1__ANSWER__INIT;
    Vouch__V1__Recognition *chosen[64];
    Vouch__V1__Recognition *const *list;
    Vouch__V1__RecognitionState want;
    struct recognized found;
    struct buf bytes;
    size_t n;

    f->prepared.day = day;
    f->prepared.association = catalog_index_association(f->catalog,
        type->association_id);
    list = catalog_index_recognitions(f->catalog, type->association_id, &n);
    assert_in_range(n, 0, 64);
    answer.recognitions = chosen;
    want = decide_recognized(list, n, &f->prepared, type->id, chosen,
        &answer.n_recognitions);
    buf_init(&bytes, (size_t)1 << 20);
    assert_int_equal(message_pack(&answer.base, &bytes), E_OK);
    assert_int_equal(recognized_find(f->cache, &f->prepared, type->id,
        f->arena, &found), E_OK);
    assert_int_equal(found.state, want);
    assert_int_equal(found.statements.n, bytes.n);
    if (bytes.n > 0)
        assert_memory_equal(found.statements.p, bytes.p, bytes.n);
    buf_free(&bytes);
    arena_reset(f->arena);
    return (want);
}

/* More types and days than are kept, each asked about twice in a row. */
static void
what_is_kept_is_what_would_be_worked_out(void **state)
{
    struct fixture *f = *state;
    size_t seen[RECOGNITION(UNKNOWN) + 1] = {0};

    for (int i = 0; i < DAYS; i++)
        for (size_t t = 0; t < f->files->n_credential_types; t++)
            for (int again = 0; again < 2; again++)
                seen[check(f, f->files->credential_types[t],
                    DAY_FIRST + i * DAY_STEP)]++;
    assert_true(seen[RECOGNITION(RECOGNIZED)] > 0);
    assert_true(seen[RECOGNITION(NOT_RECOGNIZED)] > 0);
    assert_true(seen[RECOGNITION(UNKNOWN)] > 0);
}

/* Between two who accept anybody, one who does not. */
static void
an_asker_with_a_choice_gets_an_answer_of_its_own(void **state)
{
    struct fixture *f = *state;
    char *nobody[] = {"no-such"}, *one[1];
    int32_t today = DAY_FIRST + DAYS * DAY_STEP;
    size_t differ = 0;

    for (size_t t = 0; t < f->files->n_credential_types; t++) {
        const Vouch__V1__CredentialType *type =
            f->files->credential_types[t];
        Vouch__V1__RecognitionState any = check(f, type, today);

        f->claim.n_recognized_by = 1;
        f->claim.recognized_by = nobody;
        assert_int_equal(check(f, type, today), RECOGNITION(NOT_RECOGNIZED));
        for (size_t r = 0; r < f->files->n_recognitions; r++) {
            one[0] = f->files->recognitions[r]->recognizer;
            f->claim.recognized_by = one;
            differ += check(f, type, today) != any;
        }
        f->claim.n_recognized_by = 0;
        assert_int_equal(check(f, type, today), any);
    }
    assert_true(differ > 0);
}

static size_t
most_of(struct fixture *f)
{
    size_t n = 0;

    assert_int_equal(recognized_most(f->cache, &f->prepared, f->arena, &n),
        E_OK);
    arena_reset(f->arena);
    return (n);
}

/* Of a type that is named what it has; of any, what the longest has. */
static void
an_answer_says_no_more_than_was_told_it_might(void **state)
{
    struct fixture *f = *state;
    char *nobody[] = {"no-such"}, *any_type = f->claim.credential_type_id;
    struct recognized found;
    size_t most, longest;

    for (size_t a = 0; a < f->files->n_associations; a++) {
        f->prepared.association = catalog_index_association(f->catalog,
            f->files->associations[a]->id);
        f->prepared.day = DAY_FIRST + (int32_t)(a % DAYS) * DAY_STEP;
        most = most_of(f);
        longest = 0;
        for (size_t t = 0; t < f->files->n_credential_types; t++) {
            Vouch__V1__CredentialType *type = f->files->credential_types[t];

            if (strcmp(type->association_id, f->files->associations[a]->id) !=
                0)
                continue;
            assert_int_equal(recognized_find(f->cache, &f->prepared, type->id,
                f->arena, &found), E_OK);
            f->claim.credential_type_id = type->id;
            assert_int_equal(most_of(f), found.statements.n);
            if (found.statements.n > longest)
                longest = found.statements.n;
            f->claim.credential_type_id = any_type;
        }
        assert_int_equal(most, longest);

        /* Kept or not, and whomever the asker accepts. */
        f->claim.recognized_by = nobody;
        f->claim.n_recognized_by = 1;
        assert_int_equal(most_of(f), most);
        f->prepared.day++;
        (void)most_of(f);
        f->prepared.day--;
        assert_int_equal(most_of(f), most);
        f->claim.n_recognized_by = 0;
    }
}

static void
without_memory_no_length_is_false(void **state)
{
    struct fixture *f = *state;
    enum err err = E_NOMEM;
    size_t most, n = 0;

    f->prepared.association = f->files->associations[0];
    f->prepared.day = DAY_FIRST + 7;
    most = most_of(f);
    f->prepared.day++;
    (void)most_of(f);
    f->prepared.day--;
    for (int at = 0; at < 200 && err == E_NOMEM; at++) {
        fault_arm(at);
        err = recognized_most(f->cache, &f->prepared, f->arena, &n);
        fault_arm(-1);
        arena_reset(f->arena);
        if (!fault_fired())
            break;
    }
    assert_int_equal(err, E_OK);
    assert_int_equal(n, most);
}

/* What failed is not kept. */
static void
without_memory_nothing_false_is_kept(void **state)
{
    struct fixture *f = *state;
    const Vouch__V1__CredentialType *type = f->files->credential_types[0];
    char *ncca[] = {"ncca"};
    struct recognized found;
    enum err err = E_NOMEM;

    f->claim.recognized_by = ncca;
    for (size_t choice = 0; choice < 2; choice++) {
        f->claim.n_recognized_by = choice;
        f->prepared.association = catalog_index_association(f->catalog,
            type->association_id);
        f->prepared.day = DAY_FIRST;
        err = E_NOMEM;
        for (int n = 0; n < 50 && err == E_NOMEM; n++) {
            fault_arm(n);
            err = recognized_find(f->cache, &f->prepared, type->id, f->arena,
                &found);
            fault_arm(-1);
            arena_reset(f->arena);
            if (!fault_fired())
                break;
        }
        assert_int_equal(err, E_OK);
        (void)check(f, type, DAY_FIRST);
    }
    f->claim.n_recognized_by = 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_is_what_would_be_worked_out),
        cmocka_unit_test(an_asker_with_a_choice_gets_an_answer_of_its_own),
        cmocka_unit_test(an_answer_says_no_more_than_was_told_it_might),
        cmocka_unit_test(without_memory_no_length_is_false),
        cmocka_unit_test(without_memory_nothing_false_is_kept),
    };

    return (cmocka_run_group_tests(tests, setup, teardown));
}
