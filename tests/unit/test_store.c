/*
 * What every store does, whatever database holds it: the contract of store.h.
 * A further database is one more line in main().
 */

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/store.h"
#include "support/store_fixture.h"

static const struct store_place ann = {"abc", "1001", {1}};
static const struct store_place ann_too = {"abc", "1001", {2}};
static const struct store_place bob = {"abc", "1002", {3}};

/* ---- opening ----------------------------------------------------------- */

static enum err
try_open(const char *dsn, int create)
{
    struct store_options options = {.dsn = dsn, .group_max = 1,
        .create = create, .migrate = 1, .grow = fixture_grow};
    struct store *store;
    char why[256];
    enum err err;

    err = store_open(&options, &store, why, sizeof(why));
    assert_true((err == E_OK) == (store != NULL));
    assert_true((err == E_OK) == (why[0] == '\0'));
    store_close(store);
    return (err);
}

static void
a_store_is_open_only_once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(try_open(f->dsn, 1), E_BUSY);
    fixture_close(f);
    assert_int_equal(try_open(f->dsn, 0), E_OK);
    assert_int_equal(try_open(f->dsn, 0), E_OK);
    fixture_open(f);
}

static void
an_unknown_scheme_is_refused_without_its_rest(void **state)
{
    struct store_options options = {.dsn = "other:user:secret@host",
        .group_max = 1};
    struct store *store;
    char why[256];

    (void)state;
    assert_int_equal(store_open(&options, &store, why, sizeof(why)), E_INVAL);
    assert_null(store);
    assert_non_null(strstr(why, "other"));
    assert_null(strstr(why, "secret"));
}

static void
nothing_may_be_closed_and_cancelled(void **state)
{
    (void)state;
    store_close(NULL);
    store_reader_close(NULL);
    store_cancel(NULL);
}

/* ---- the log ----------------------------------------------------------- */

static const char *const texts[] = {"first", "second", "", "fourth"};
#define NTEXTS ((int64_t)(sizeof(texts) / sizeof(texts[0])))

static enum err
append_texts(struct store_txn *txn, void *cookie)
{
    enum err err = E_OK;

    (void)cookie;
    for (int64_t i = 0; i < NTEXTS && err == E_OK; i++)
        err = fixture_append(txn, i == 1 ? LEAF_CATALOG : LEAF_MANIFEST,
            texts[i]);
    return (err);
}

/* What reading brought: entries that are texts[], from ${next} on. */
struct reading {
    int64_t next;
    int64_t count;
    int64_t last_recorded_at_us;
    int done;
    enum err err;
};

static enum err
check_entry(void *cookie, const struct store_entry *entry)
{
    struct reading *r = cookie;

    assert_int_equal(entry->log_index, r->next);
    assert_true(fixture_is_entry(entry, texts[r->next % NTEXTS]));
    assert_int_equal(entry->domain, r->next % NTEXTS == 1 ? LEAF_CATALOG :
        LEAF_MANIFEST);
    assert_true(entry->recorded_at_us >= r->last_recorded_at_us);
    r->last_recorded_at_us = entry->recorded_at_us;
    r->next++;
    r->count++;
    return (r->count == 100 ? E_TOOBIG : E_OK);
}

static void
reading_done(void *cookie, enum err err)
{
    struct reading *r = cookie;

    r->done++;
    r->err = err;
}

static struct reading
read_from(struct fixture *f, int64_t from, int64_t n)
{
    struct reading r = {.next = from};
    struct store_request *request;

    assert_int_equal(store_read_entries(f->reader, from, n, check_entry,
        reading_done, &r, &request), E_OK);
    assert_int_equal(r.done, 1);
    return (r);
}

static void
what_was_appended_is_read_back(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(read_from(f, 0, 10).count, 0);
    assert_int_equal(fixture_do(f, append_texts, NULL), E_OK);
    assert_int_equal(fixture_do(f, append_texts, NULL), E_OK);
    assert_int_equal(read_from(f, 0, 100).count, 8);
    assert_int_equal(read_from(f, 0, 100).err, E_OK);
    assert_int_equal(read_from(f, 3, 2).count, 2);
    assert_int_equal(read_from(f, 7, 2).count, 1);
    assert_int_equal(read_from(f, 8, 2).count, 0);
    assert_int_equal(read_from(f, 0, 0).count, 0);
    assert_int_equal(read_from(f, 0, -1).count, 0);

    fixture_close(f);
    fixture_open(f);
    assert_int_equal(read_from(f, 0, 100).count, 8);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1").log_size, 8);
}

static void
a_reading_ends_with_what_its_callback_returned(void **state)
{
    struct fixture *f = *state;
    struct reading r;

    for (int i = 0; i < 26; i++)
        assert_int_equal(fixture_do(f, append_texts, NULL), E_OK);
    r = read_from(f, 0, 200);
    assert_int_equal(r.count, 100);
    assert_int_equal(r.err, E_TOOBIG);
}

static enum err
note_entry(void *cookie, const struct store_entry *entry)
{
    *(int64_t *)cookie = entry->log_index;
    return (E_OK);
}

static void
note_nothing(void *cookie, enum err err)
{
    (void)cookie;
    assert_int_equal(err, E_OK);
}

static void
the_last_catalog_is_found(void **state)
{
    struct fixture *f = *state;
    struct store_request *request;
    int64_t at = -1;

    assert_int_equal(store_last_catalog(f->reader, note_entry, note_nothing,
        &at, &request), E_OK);
    assert_int_equal(at, -1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(fixture_do(f, append_texts, NULL), E_OK);
    assert_int_equal(store_last_catalog(f->reader, note_entry, note_nothing,
        &at, &request), E_OK);
    assert_int_equal(at, 2 * NTEXTS + 1);
}

static enum err
append_wrongly(struct store_txn *txn, void *cookie)
{
    struct store_entry entry = {.domain = LEAF_EVENT};
    int64_t index = store_txn_next_index(txn);
    int64_t now_us = store_txn_now(txn);
    const struct {
        int64_t index, at_us;
    } wrong[] = {
        {index + 1, now_us}, {index - 1, now_us}, {-1, now_us},
        {index, now_us - 1}, {index, now_us + 1},
    };

    (void)cookie;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        entry.log_index = wrong[i].index;
        entry.recorded_at_us = wrong[i].at_us;
        assert_int_equal(store_txn_append(txn, &entry), E_INVAL);
        assert_int_equal(store_txn_next_index(txn), index);
    }
    return (append_texts(txn, NULL));
}

static void
a_wrong_index_or_time_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_do(f, append_wrongly, NULL), E_OK);
    assert_int_equal(fixture_do(f, append_wrongly, NULL), E_OK);
    assert_int_equal(read_from(f, 0, 100).count, 2 * NTEXTS);
}

static enum err
note_now(struct store_txn *txn, void *cookie)
{
    *(int64_t *)cookie = store_txn_now(txn);
    return (append_texts(txn, NULL));
}

static void
recorded_at_never_goes_back(void **state)
{
    struct fixture *f = *state;
    int64_t now_us;

    clock_set_wall(5000000);
    assert_int_equal(fixture_do(f, note_now, &now_us), E_OK);
    assert_int_equal(now_us, 5000000);
    clock_set_wall(4000000);
    assert_int_equal(fixture_do(f, note_now, &now_us), E_OK);
    assert_int_equal(now_us, 5000000);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(fixture_do(f, note_now, &now_us), E_OK);
    assert_int_equal(now_us, 5000000);
    clock_set_wall(6000000);
    assert_int_equal(fixture_do(f, note_now, &now_us), E_OK);
    assert_int_equal(now_us, 6000000);
    clock_set_wall(0);
    assert_int_equal(read_from(f, 0, 100).last_recorded_at_us, 6000000);
}

/* ---- lookups ----------------------------------------------------------- */

static enum err
publish(struct store_txn *txn, void *cookie)
{
    static const struct store_source source = {1, 77, 88};
    enum err err;

    (void)cookie;
    if ((err = fixture_event(txn, &ann_too, "other")) != E_OK ||
        (err = fixture_event(txn, &ann, "new")) != E_OK ||
        (err = fixture_event(txn, &bob, "bob")) != E_OK ||
        (err = fixture_event(txn, &ann, "renewed")) != E_OK)
        return (err);
    return (store_txn_put_source(txn, "abc", &source));
}

static void
a_lookup_brings_all_versions_in_order(void **state)
{
    struct fixture *f = *state;
    struct fixture_found found;

    assert_int_equal(fixture_do(f, publish, NULL), E_OK);
    found = fixture_lookup(f->reader, "abc", "1001");
    assert_int_equal(found.err, E_OK);
    assert_int_equal(found.log_size, 4);
    assert_true(found.source.known);
    assert_int_equal(found.source.source_time_us, 77);
    assert_int_equal(found.source.received_at_us, 88);

    assert_int_equal(found.nversions, 3);
    assert_int_equal(found.versions[0].credential_id[0], 1);
    assert_int_equal(found.versions[0].log_index, 1);
    assert_string_equal(found.versions[0].text, "new");
    assert_int_equal(found.versions[1].log_index, 3);
    assert_string_equal(found.versions[1].text, "renewed");
    assert_int_equal(found.versions[2].credential_id[0], 2);
    assert_string_equal(found.versions[2].text, "other");
}

static void
a_hit_and_a_miss_execute_the_same(void **state)
{
    static const struct {
        const char *association, *number;
        size_t nversions;
        int known;
    } asked[] = {
        {"abc", "1001", 3, 1}, {"abc", "1002", 1, 1}, {"abc", "100", 0, 1},
        {"abc", "", 0, 1}, {"ab", "1001", 0, 0}, {"", "", 0, 0},
    };
    struct fixture *f = *state;
    uint64_t first[3] = {0, 0, 0};

    assert_int_equal(fixture_do(f, publish, NULL), E_OK);
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct store_reader *reader;

        assert_int_equal(store_reader_open(f->store, &reader), E_OK);
        /* In no view, in the first one of a reader, and in a later one. */
        for (int view = 0; view < 3; view++) {
            uint64_t before = store_statements(reader), executed;
            struct fixture_found found;

            if (view > 0)
                assert_int_equal(store_reader_begin(reader), E_OK);
            found = fixture_lookup(reader, asked[i].association,
                asked[i].number);
            if (view > 0)
                store_reader_end(reader);
            executed = store_statements(reader) - before;
            assert_true(executed > 0);
            if (i == 0)
                first[view] = executed;
            assert_int_equal(executed, first[view]);
            assert_int_equal(found.err, E_OK);
            assert_int_equal(found.nversions, asked[i].nversions);
            assert_int_equal(found.source.known, asked[i].known);
            assert_int_equal(found.log_size, 4);
        }
        store_reader_close(reader);
    }
}

/* What is kept from one view to the next goes when something is committed. */
static void
a_view_tells_the_size_and_the_last_word_of_its_own_time(void **state)
{
    struct fixture *f = *state;
    struct fixture_found found;

    for (int round = 0; round < 3; round++) {
        assert_int_equal(store_reader_begin(f->reader), E_OK);
        found = fixture_lookup(f->reader, "abc", "1001");
        assert_int_equal(found.err, E_OK);
        assert_int_equal(found.log_size, round == 0 ? 0 : 4);
        assert_int_equal(found.source.known, round != 0);
        store_reader_end(f->reader);
        if (round == 0)
            assert_int_equal(fixture_do(f, publish, NULL), E_OK);
    }
}

static void
a_view_is_stable_while_others_write(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_do(f, publish, NULL), E_OK);
    assert_int_equal(store_reader_begin(f->reader), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 3);
    assert_int_equal(fixture_do(f, publish, NULL), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 3);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1002").log_size, 4);
    store_reader_end(f->reader);

    assert_int_equal(store_reader_begin(f->reader), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 6);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1002").log_size, 8);
    store_reader_end(f->reader);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 6);
}

static enum err
fill_number(struct store_txn *txn, void *cookie)
{
    enum err err;

    (void)cookie;
    for (int i = 0; i < STORE_VERSIONS_MAX; i++)
        if ((err = fixture_event(txn, i % 2 ? &ann : &ann_too,
            "x")) != E_OK)
            return (err);
    return (E_OK);
}

static enum err
one_more(struct store_txn *txn, void *cookie)
{
    (void)cookie;
    assert_int_equal(fixture_event(txn, &ann, "y"), E_TOOBIG);
    return (fixture_event(txn, &bob, "y"));
}

static enum err
too_long(struct store_txn *txn, void *cookie)
{
    static const uint8_t bytes[STORE_EVENT_MAX + 1] = {0};

    (void)cookie;
    assert_int_equal(store_txn_index(txn, &bob, 0,
        (struct slice){bytes, sizeof(bytes)}), E_TOOBIG);
    return (store_txn_index(txn, &bob, 0,
        (struct slice){bytes, STORE_EVENT_MAX}));
}

static void
no_number_holds_more_than_a_lookup_brings(void **state)
{
    struct fixture *f = *state;
    struct fixture_found found;

    assert_int_equal(fixture_do(f, fill_number, NULL), E_OK);
    assert_int_equal(fixture_do(f, one_more, NULL), E_OK);
    assert_int_equal(fixture_do(f, too_long, NULL), E_OK);
    found = fixture_lookup(f->reader, "abc", "1001");
    assert_int_equal(found.err, E_OK);
    assert_int_equal(found.nversions, STORE_VERSIONS_MAX);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1002").nversions, 2);
}

static enum err
count_versions(void *cookie, const struct store_version *versions, size_t n)
{
    size_t *count = cookie;

    for (size_t i = 1; i < n; i++)
        assert_true(memcmp(versions[i - 1].credential_id,
            versions[i].credential_id, STORE_ID) <= 0);
    *count = n;
    return (n == 6 ? E_DENIED : E_OK);
}

static enum err
look_while_writing(struct store_txn *txn, void *cookie)
{
    size_t count = 99;

    (void)cookie;
    assert_int_equal(store_txn_lookup(txn, "abc", "1001", count_versions,
        &count), E_OK);
    assert_int_equal(count, 0);
    assert_int_equal(publish(txn, NULL), E_OK);
    assert_int_equal(store_txn_lookup(txn, "abc", "1001", count_versions,
        &count), E_OK);
    assert_int_equal(count, 3);
    assert_int_equal(publish(txn, NULL), E_OK);
    assert_int_equal(store_txn_lookup(txn, "abc", "1001", count_versions,
        &count), E_DENIED);
    return (store_txn_index(txn, &ann, 1, slice_of("new")));
}

static void
a_job_sees_what_it_wrote_and_duplicates_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_do(f, look_while_writing, NULL), E_EXISTS);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size, 0);
}

/* What was done before is gone, from the log's next index on. */
static enum err
begin_again(struct store_txn *txn, void *cookie)
{
    int64_t first = store_txn_next_index(txn);
    size_t count = 99;
    enum err err;

    (void)cookie;
    if ((err = publish(txn, NULL)) != E_OK)
        return (err);
    assert_int_equal(store_txn_next_index(txn), first + 4);
    if ((err = store_txn_restart(txn)) != E_OK)
        return (err);
    assert_int_equal(store_txn_next_index(txn), first);
    assert_int_equal(store_txn_lookup(txn, "abc", "1001", count_versions,
        &count), E_OK);
    assert_int_equal(count, first == 0 ? 0 : 3);
    return (publish(txn, NULL));
}

static void
a_job_may_begin_again(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_do(f, begin_again, NULL), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size, 4);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 3);

    /* What others committed stays. */
    assert_int_equal(fixture_do(f, begin_again, NULL), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").log_size, 8);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 6);
}

/* ---- groups ------------------------------------------------------------ */

struct member {
    struct store_job job;
    struct fixture *fixture;
    const struct store_place *place;
    enum err returns;
    int64_t now_us;
    int told;
    enum err err;
    pthread_t teller;
};

static enum err
run_member(struct store_txn *txn, void *cookie)
{
    struct member *m = cookie;
    enum err err;

    m->now_us = store_txn_now(txn);
    if ((err = fixture_event(txn, m->place, "x")) != E_OK)
        return (err);
    return (m->returns);
}

static void
tell_member(void *cookie, enum err err)
{
    struct member *m = cookie;

    m->told++;
    m->err = err;
    m->teller = pthread_self();
}

static void
submit_member(struct fixture *f, struct member *m,
    const struct store_place *place, enum err returns)
{
    *m = (struct member){.fixture = f, .place = place, .returns = returns};
    m->job = (struct store_job){.run = run_member, .done = tell_member,
        .cookie = m, .post = fixture_post(f)};
    store_submit(f->store, &m->job);
}

/* A job that keeps the writer busy until it is let go. */
struct gate {
    sem_t reached, go;
};

static enum err
hold_writer(struct store_txn *txn, void *cookie)
{
    struct gate *gate = cookie;

    (void)txn;
    (void)sem_post(&gate->reached);
    (void)sem_wait(&gate->go);
    return (E_OK);
}

static void
ignore(void *cookie, enum err err)
{
    (void)cookie;
    assert_int_equal(err, E_OK);
}

static void
a_failing_job_undoes_only_itself(void **state)
{
    struct fixture *f = *state;
    struct gate gate;
    struct store_job holder = {.run = hold_writer, .done = ignore,
        .cookie = &gate, .post = fixture_post(f)};
    struct member m[4];

    /* While the first is held, the others gather into one group. */
    assert_int_equal(sem_init(&gate.reached, 0, 0), 0);
    assert_int_equal(sem_init(&gate.go, 0, 0), 0);
    store_submit(f->store, &holder);
    (void)sem_wait(&gate.reached);
    submit_member(f, &m[0], &ann, E_OK);
    submit_member(f, &m[1], &bob, E_DENIED);
    submit_member(f, &m[2], &ann_too, E_OK);
    submit_member(f, &m[3], &bob, E_INVAL);
    (void)sem_post(&gate.go);
    for (int i = 0; i < 5; i++)
        fixture_run(f);
    (void)sem_destroy(&gate.go);
    (void)sem_destroy(&gate.reached);

    for (int i = 0; i < 4; i++) {
        assert_int_equal(m[i].told, 1);
        assert_true(pthread_equal(m[i].teller, pthread_self()));
        assert_int_equal(m[i].err, m[i].returns);
        assert_true(m[i].now_us == m[0].now_us);
    }
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 2);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1002").nversions, 0);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1002").log_size, 2);
}

static void
closing_finishes_what_was_submitted(void **state)
{
    struct fixture *f = *state;
    struct member m[40];

    for (int i = 0; i < 40; i++)
        submit_member(f, &m[i], &ann, E_OK);
    fixture_close(f);
    for (int i = 0; i < 40; i++)
        fixture_run(f);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(m[i].told, 1);
        assert_int_equal(m[i].err, E_OK);
    }
    fixture_open(f);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 40);
}

static void *
submit_many(void *cookie)
{
    struct member *m = cookie;
    struct fixture *f = m->fixture;

    for (int i = 0; i < 50; i++)
        submit_member(f, &m[i], &ann, E_OK);
    return (NULL);
}

static void
any_thread_may_submit(void **state)
{
    static struct member m[4][50];
    struct fixture *f = *state;
    pthread_t threads[4];
    size_t seen = 0;

    for (int i = 0; i < 4; i++) {
        m[i][0].fixture = f;
        assert_int_equal(pthread_create(&threads[i], NULL, submit_many,
            m[i]), 0);
    }
    for (int i = 0; i < 200; i++) {
        size_t now;

        fixture_run(f);
        now = fixture_lookup(f->reader, "abc", "1001").nversions;
        assert_true(now > (size_t)i && now >= seen);
        seen = now;
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(seen, 200);
}

/* ---- publications, declarations, sources ------------------------------- */

static const struct store_publication upload = {
    .id = {1, 2}, .association = "abc", .request_id = {3, 4},
    .content_hash = {5, 6}, .mode = 2, .source_time_us = -7,
    .recorded_at_us = 8, .counts = {9, 10, 11, 12}, .first_log_index = 13,
    .event_count = 14, .manifest_log_index = 15,
};

static enum err
put_uploads(struct store_txn *txn, void *cookie)
{
    struct store_publication p = upload, found;

    (void)cookie;
    assert_int_equal(store_txn_find_publication(txn, "abc",
        upload.request_id, &found), E_NOTFOUND);
    assert_int_equal(store_txn_put_publication(txn, &p), E_OK);
    assert_int_equal(store_txn_find_publication(txn, "abc",
        upload.request_id, &found), E_OK);
    assert_memory_equal(&found, &upload, sizeof(found));
    assert_int_equal(store_txn_find_publication(txn, "def",
        upload.request_id, &found), E_NOTFOUND);

    /* Neither its id nor its request id again; the rest is as it was. */
    p.request_id[0]++;
    assert_int_equal(store_txn_put_publication(txn, &p), E_EXISTS);
    p = upload;
    p.id[0]++;
    assert_int_equal(store_txn_put_publication(txn, &p), E_EXISTS);
    memset(p.association, 'x', sizeof(p.association));
    assert_int_equal(store_txn_put_publication(txn, &p), E_INVAL);
    (void)snprintf(p.association, sizeof(p.association), "def");
    return (store_txn_put_publication(txn, &p));
}

struct upload_found {
    int called;
    enum err err;
    struct store_publication publication;
};

static void
take_upload(void *cookie, enum err err, const struct store_publication *p)
{
    struct upload_found *found = cookie;

    found->called++;
    found->err = err;
    assert_true((err == E_OK) == (p != NULL));
    if (p != NULL)
        found->publication = *p;
}

static struct upload_found
find_upload(struct fixture *f, const char *association, const uint8_t *id,
    int by_request_id)
{
    struct upload_found found = {.called = 0};
    struct store_request *request;

    assert_int_equal(store_find_publication(f->reader, association, id,
        by_request_id, take_upload, &found, &request), E_OK);
    assert_int_equal(found.called, 1);
    return (found);
}

static void
an_upload_is_found_by_either_id(void **state)
{
    struct fixture *f = *state;
    struct upload_found found;

    assert_int_equal(fixture_do(f, put_uploads, NULL), E_OK);
    found = find_upload(f, "abc", upload.id, 0);
    assert_int_equal(found.err, E_OK);
    assert_memory_equal(&found.publication, &upload, sizeof(upload));
    found = find_upload(f, "abc", upload.request_id, 1);
    assert_int_equal(found.err, E_OK);
    assert_memory_equal(&found.publication, &upload, sizeof(upload));
    assert_int_equal(find_upload(f, NULL, upload.id, 0).err, E_OK);
    assert_int_equal(find_upload(f, NULL, upload.request_id, 1).err, E_OK);
    assert_int_equal(find_upload(f, "def", upload.id, 0).err, E_NOTFOUND);
    assert_string_equal(find_upload(f, "def", upload.request_id,
        1).publication.association, "def");
    assert_int_equal(find_upload(f, "abc", upload.id, 1).err, E_NOTFOUND);
}

static enum err
put_declarations(struct store_txn *txn, void *cookie)
{
    static const struct store_declaration want = {.association = "abc",
        .request_id = {1}, .as_of_us = 2, .recorded_at_us = 3,
        .log_index = 4};
    struct store_declaration d = want, found;

    (void)cookie;
    assert_int_equal(store_txn_find_declaration(txn, "abc", want.request_id,
        &found), E_NOTFOUND);
    assert_int_equal(store_txn_put_declaration(txn, &d), E_OK);
    assert_int_equal(store_txn_put_declaration(txn, &d), E_EXISTS);
    assert_int_equal(store_txn_find_declaration(txn, "abc", want.request_id,
        &found), E_OK);
    assert_memory_equal(&found, &want, sizeof(found));
    memset(d.association, 'x', sizeof(d.association));
    assert_int_equal(store_txn_put_declaration(txn, &d), E_INVAL);
    (void)snprintf(d.association, sizeof(d.association), "def");
    return (store_txn_put_declaration(txn, &d));
}

static void
a_declaration_is_found_by_its_request_id(void **state)
{
    assert_int_equal(fixture_do(*state, put_declarations, NULL), E_OK);
}

static enum err
put_sources(struct store_txn *txn, void *cookie)
{
    struct store_source source = {1, 10, 20};

    (void)cookie;
    assert_int_equal(store_txn_put_source(txn, "abc", &source), E_OK);
    source.source_time_us = 30;
    assert_int_equal(store_txn_put_source(txn, "abc", &source), E_OK);
    assert_int_equal(store_txn_find_source(txn, "abc", &source), E_OK);
    assert_true(source.known);
    assert_int_equal(source.source_time_us, 30);
    assert_int_equal(store_txn_find_source(txn, "def", &source), E_OK);
    assert_false(source.known);
    return (E_OK);
}

static void
take_source(void *cookie, enum err err, const struct store_source *source)
{
    assert_int_equal(err, E_OK);
    *(struct store_source *)cookie = *source;
}

static void
the_last_word_of_an_association_is_kept(void **state)
{
    struct fixture *f = *state;
    struct store_request *request;
    struct store_source source;

    assert_int_equal(store_find_source(f->reader, "abc", take_source,
        &source, &request), E_OK);
    assert_false(source.known);
    assert_int_equal(fixture_do(f, put_sources, NULL), E_OK);
    assert_int_equal(store_find_source(f->reader, "abc", take_source,
        &source, &request), E_OK);
    assert_true(source.known);
    assert_int_equal(source.source_time_us, 30);
    assert_int_equal(source.received_at_us, 20);
}

/* ---- what stands on file ------------------------------------------------ */

static void
put(struct store_txn *txn, const char *type, const char *key, int64_t first,
    unsigned traits)
{
    struct store_credential c = {.first_index = first,
        .last_index = first + 100, .ends_on = -5, .traits = traits};

    (void)snprintf(c.number_key, sizeof(c.number_key), "%s", key);
    assert_int_equal(store_txn_put_credential(txn, "abc", type, &c), E_OK);
}

static enum err
list_credentials(struct store_txn *txn, void *cookie)
{
    static const char *const keys[] = {"1", "1", "1", "2", "A"};
    struct store_credential found[2], after;
    size_t n, seen = 0;

    (void)cookie;
    put(txn, "pbt", "2", 40, 1);
    put(txn, "pbt", "1", 30, 1);
    put(txn, "pbt", "A", 50, 1);
    put(txn, "pbt", "1", 10, 1);
    put(txn, "pbt", "1", 20, 1);
    put(txn, "mlt", "1", 60, 1);
    put(txn, "pbt", "2", 40, 7);        /* as it is now */
    assert_int_equal(store_txn_list_credentials(txn, "abc", "pbt", NULL,
        found, 2, &n), E_OK);
    while (n > 0) {
        for (size_t i = 0; i < n; i++, seen++) {
            assert_string_equal(found[i].number_key, keys[seen]);
            assert_int_equal(found[i].first_index, 10 * (int)(seen + 1));
            assert_int_equal(found[i].last_index, found[i].first_index + 100);
            assert_int_equal(found[i].ends_on, -5);
            assert_int_equal(found[i].traits, seen == 3 ? 7 : 1);
        }
        after = found[n - 1];
        assert_int_equal(store_txn_list_credentials(txn, "abc", "pbt",
            &after, found, 2, &n), E_OK);
    }
    assert_int_equal(seen, 5);
    assert_int_equal(store_txn_list_credentials(txn, "def", "pbt", NULL,
        found, 2, &n), E_OK);
    assert_int_equal(n, 0);
    memset(after.number_key, 'x', sizeof(after.number_key));
    assert_int_equal(store_txn_put_credential(txn, "abc", "pbt", &after),
        E_INVAL);
    return (E_OK);
}

static void
credentials_are_listed_by_type_a_page_at_a_time(void **state)
{
    assert_int_equal(fixture_do(*state, list_credentials, NULL), E_OK);
}

static void
add_up(void *cookie, unsigned traits, int64_t n)
{
    int64_t *sums = cookie;

    assert_true(traits < 4 && n > 0);
    sums[traits] += n;
}

static enum err
keep_tallies(struct store_txn *txn, void *cookie)
{
    int64_t sums[4] = {0};

    (void)cookie;
    assert_int_equal(store_txn_add_tally(txn, "abc", 1, 5), E_OK);
    assert_int_equal(store_txn_add_tally(txn, "abc", 2, 1), E_OK);
    assert_int_equal(store_txn_add_tally(txn, "abc", 3, 0), E_OK);
    assert_int_equal(store_txn_add_tally(txn, "def", 1, 9), E_OK);
    assert_int_equal(store_txn_add_tally(txn, "abc", 1, 2), E_OK);
    assert_int_equal(store_txn_add_tally(txn, "abc", 1, -3), E_OK);
    assert_int_equal(store_txn_add_tally(txn, "abc", 2, -1), E_OK);
    assert_int_equal(store_txn_add_tally(txn, "abc", 2, -1), E_INVAL);
    assert_int_equal(store_txn_add_tally(txn, "abc", 1, -5), E_INVAL);
    assert_int_equal(store_txn_read_tallies(txn, "abc", add_up, sums), E_OK);
    assert_int_equal(sums[1], 4);
    assert_int_equal(sums[2], 0);
    assert_int_equal(sums[3], 0);
    return (E_OK);
}

static void
tallies_are_kept_above_none(void **state)
{
    assert_int_equal(fixture_do(*state, keep_tallies, NULL), E_OK);
}

static enum err
keep_listings(struct store_txn *txn, void *cookie)
{
    struct store_listing listing = {.known = 1, .source_time_us = -7}, found;
    int64_t version = -1;

    (void)cookie;
    assert_int_equal(store_txn_find_listing(txn, "abc", "pbt", &found), E_OK);
    assert_false(found.known);
    assert_int_equal(store_txn_put_listing(txn, "abc", "pbt", &listing),
        E_OK);
    assert_int_equal(store_txn_find_listing(txn, "abc", "pbt", &found), E_OK);
    assert_memory_equal(&found, &listing, sizeof(found));
    listing.snapshot = 1;
    listing.snapshot_time_us = 8;
    listing.snapshot_hash[31] = 9;
    assert_int_equal(store_txn_put_listing(txn, "abc", "pbt", &listing),
        E_OK);
    assert_int_equal(store_txn_find_listing(txn, "abc", "pbt", &found), E_OK);
    assert_memory_equal(&found, &listing, sizeof(found));
    assert_int_equal(store_txn_find_listing(txn, "abc", "mlt", &found), E_OK);
    assert_false(found.known);

    assert_int_equal(store_txn_derived(txn, &version), E_OK);
    assert_int_equal(version, 0);       /* nobody has derived anything */
    assert_int_equal(store_txn_set_derived(txn, 3), E_OK);
    assert_int_equal(store_txn_derived(txn, &version), E_OK);
    assert_int_equal(version, 3);
    return (E_OK);
}

static void
the_last_word_on_a_type_is_kept(void **state)
{
    assert_int_equal(fixture_do(*state, keep_listings, NULL), E_OK);
}

/* ---- rebuilding -------------------------------------------------------- */

static enum err
index_again(void *cookie, const struct store_entry *entry)
{
    static const struct store_place *const places[] = {&ann_too, &ann, &bob,
        &ann};

    return (store_txn_index(cookie, places[entry->log_index],
        entry->log_index, entry->bytes));
}

static enum err
rebuild(struct store_txn *txn, void *cookie)
{
    static const struct store_source source = {1, 77, 88};
    uint8_t before[32], empty[32], partly[32], after[32];

    (void)cookie;
    assert_int_equal(store_txn_digest_index(txn, before), E_OK);
    assert_int_equal(store_txn_clear_index(txn), E_OK);
    assert_int_equal(store_txn_digest_index(txn, empty), E_OK);
    assert_memory_not_equal(before, empty, 32);
    assert_int_equal(store_txn_read_entries(txn, 0, index_again, txn), E_OK);
    assert_int_equal(store_txn_digest_index(txn, partly), E_OK);
    assert_memory_not_equal(before, partly, 32);
    assert_int_equal(store_txn_put_source(txn, "abc", &source), E_OK);
    assert_int_equal(store_txn_digest_index(txn, after), E_OK);
    assert_memory_equal(before, after, 32);
    return (E_OK);
}

static void
the_index_can_be_rebuilt_from_the_log(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_do(f, publish, NULL), E_OK);
    assert_int_equal(fixture_do(f, rebuild, NULL), E_OK);
    assert_int_equal(fixture_lookup(f->reader, "abc", "1001").nversions, 3);
    assert_true(fixture_lookup(f->reader, "abc", "1001").source.known);
}

/* ---- lists ------------------------------------------------------------- */

#define LISTED 6

/*
 * Six uploads, by abc and def in turn, the i-th with i events, of which one
 * in two is under the number 7.
 */
static enum err
put_listed(struct store_txn *txn, void *cookie)
{
    char text[96];

    (void)cookie;
    for (int i = 0; i < LISTED; i++) {
        struct store_publication p = {.id = {(uint8_t)i},
            .request_id = {(uint8_t)i}, .mode = 1,
            .recorded_at_us = store_txn_now(txn),
            .first_log_index = i > 0 ? store_txn_next_index(txn) : 0,
            .event_count = i};
        struct store_place place = {.association = p.association};

        (void)snprintf(p.association, sizeof(p.association), "%s",
            i % 2 == 0 ? "abc" : "def");
        for (int k = 0; k < i; k++) {
            place.number_key = k % 2 == 0 ? "7" : "8";
            place.credential_id[0] = (uint8_t)(100 - k);
            (void)snprintf(text, sizeof(text), "%s %d.%d", p.association, i,
                k);
            assert_int_equal(fixture_event(txn, &place, text), E_OK);
        }
        p.manifest_log_index = store_txn_next_index(txn);
        assert_int_equal(fixture_append(txn, LEAF_MANIFEST, "m"), E_OK);
        assert_int_equal(store_txn_put_publication(txn, &p), E_OK);
    }
    return (E_OK);
}

struct listing {
    struct store_publication publications[LISTED];
    size_t n, stop;
    char events[256];           /* " 2.0 2.1" */
    int done;
    enum err err;
};

static enum err
list_publication(void *cookie, const struct store_publication *p)
{
    struct listing *l = cookie;

    assert_true(l->n < LISTED);
    l->publications[l->n++] = *p;
    return (l->n == l->stop ? E_EXISTS : E_OK);
}

static enum err
list_event(void *cookie, const struct store_entry *entry)
{
    struct listing *l = cookie;
    size_t at = strlen(l->events);

    assert_int_equal(entry->domain, LEAF_EVENT);
    (void)snprintf(l->events + at, sizeof(l->events) - at, "%.*s",
        (int)entry->bytes.n - 3, (const char *)entry->bytes.p + 3);
    return (++l->n == l->stop ? E_EXISTS : E_OK);
}

static void
listing_done(void *cookie, enum err err)
{
    struct listing *l = cookie;

    l->done++;
    l->err = err;
}

static struct listing
list_publications(struct fixture *f, const char *association, int64_t from,
    int64_t before, int64_t before_index, int64_t n)
{
    const struct store_publications which = {association, from, before,
        before_index, n};
    struct listing l = {.n = 0};
    struct store_request *request;

    assert_int_equal(store_list_publications(f->reader, &which,
        list_publication, listing_done, &l, &request), E_OK);
    assert_null(request);
    assert_int_equal(l.done, 1);
    assert_int_equal(l.err, E_OK);
    return (l);
}

static void
publications_are_listed_newest_first(void **state)
{
    struct fixture *f = *state;
    struct listing l;
    int64_t at, second;

    assert_int_equal(list_publications(f, NULL, 0, INT64_MAX, 0, 9).n, 0);
    assert_int_equal(fixture_do(f, put_listed, NULL), E_OK);
    l = list_publications(f, NULL, 0, INT64_MAX, 0, 9);
    assert_int_equal(l.n, LISTED);
    for (size_t i = 0; i < LISTED; i++)
        assert_int_equal(l.publications[i].id[0], LISTED - 1 - i);
    at = l.publications[0].recorded_at_us;

    l = list_publications(f, "abc", 0, INT64_MAX, 0, 2);
    assert_int_equal(l.n, 2);
    assert_int_equal(l.publications[0].id[0], 4);
    assert_string_equal(l.publications[1].association, "abc");
    second = l.publications[1].manifest_log_index;
    l = list_publications(f, "abc", 0, at, second, 2);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.publications[0].id[0], 0);

    assert_int_equal(list_publications(f, "abc", at, at + 1, 0, 9).n, 3);
    assert_int_equal(list_publications(f, "abc", at + 1, INT64_MAX, 0, 9).n,
        0);
    assert_int_equal(list_publications(f, "abc", 0, at, 0, 9).n, 0);
    assert_int_equal(list_publications(f, "xyz", 0, INT64_MAX, 0, 9).n, 0);
    assert_int_equal(list_publications(f, NULL, 0, INT64_MAX, 0, -1).n, 0);
}

static struct listing
list_events(struct fixture *f, const struct store_events *which, size_t stop)
{
    struct listing l = {.stop = stop};
    struct store_request *request;

    assert_int_equal(store_read_events(f->reader, which, list_event,
        listing_done, &l, &request), E_OK);
    assert_null(request);
    assert_int_equal(l.done, 1);
    assert_int_equal(l.err, stop > 0 ? E_EXISTS : E_OK);
    return (l);
}

#define EVENTS(f, ...)                                                  \
    list_events(f, &(struct store_events){__VA_ARGS__}, 0).events

static void
events_of_one_association_are_listed_in_order(void **state)
{
    struct fixture *f = *state;
    const char *all = " 2.0 2.1 4.0 4.1 4.2 4.3";

    assert_string_equal(EVENTS(f, "abc", NULL, 0, 9), "");
    assert_int_equal(fixture_do(f, put_listed, NULL), E_OK);
    assert_string_equal(EVENTS(f, "abc", NULL, 0, 9), all);
    assert_string_equal(EVENTS(f, "abc", NULL, -5, 9), all);
    assert_string_equal(EVENTS(f, "abc", NULL, 0, 3), " 2.0 2.1 4.0");
    assert_string_equal(EVENTS(f, "abc", NULL, 0, 0), "");
    assert_string_equal(EVENTS(f, "abc", NULL, 0, -1), "");
    /* 0 m, 1 e, 2 m, 3 and 4 e, 5 m, 6 to 8 e, 9 m, 10 to 13 e, 14 m */
    assert_string_equal(EVENTS(f, "abc", NULL, 4, 2), " 2.1 4.0");
    assert_string_equal(EVENTS(f, "abc", NULL, 5, 1), " 4.0");
    assert_string_equal(EVENTS(f, "abc", NULL, 12, 9), " 4.2 4.3");
    assert_string_equal(EVENTS(f, "abc", NULL, 14, 9), "");
    assert_string_equal(EVENTS(f, "abc", NULL, INT64_MAX, 9), "");
    assert_string_equal(EVENTS(f, "def", NULL, 0, 4), " 1.0 3.0 3.1 3.2");
    assert_string_equal(EVENTS(f, "xyz", NULL, 0, 9), "");

    assert_string_equal(EVENTS(f, "abc", "7", 0, 9), " 2.0 4.0 4.2");
    assert_string_equal(EVENTS(f, "abc", "8", 4, 9), " 2.1 4.1 4.3");
    assert_string_equal(EVENTS(f, "abc", "8", 5, 1), " 4.1");
    assert_string_equal(EVENTS(f, "def", "9", 0, 9), "");

    assert_string_equal(list_events(f, &(struct store_events){"abc", NULL, 0,
        9}, 3).events, " 2.0 2.1 4.0");
    assert_string_equal(list_events(f, &(struct store_events){"abc", "7", 0,
        9}, 1).events, " 2.0");
}

/* ---- sudden death ------------------------------------------------------ */

#define ACKNOWLEDGED_MAX 20000

static enum err
append_numbered(struct store_txn *txn, void *cookie)
{
    char text[32];

    (void)cookie;
    (void)snprintf(text, sizeof(text), "entry %lld",
        (long long)store_txn_next_index(txn));
    return (fixture_append(txn, LEAF_EVENT, text));
}

/* In the child: append, and say so once it is acknowledged. */
static _Noreturn void
append_until_killed(struct fixture *f, int out)
{
    fixture_open(f);
    for (int32_t i = 0; i < ACKNOWLEDGED_MAX; i++) {
        if (fixture_do(f, append_numbered, NULL) != E_OK)
            _exit(1);
        if (write(out, &i, sizeof(i)) != (ssize_t)sizeof(i))
            _exit(2);
    }
    _exit(3);
}

static enum err
check_numbered(void *cookie, const struct store_entry *entry)
{
    int32_t *next = cookie;
    char text[32];

    (void)snprintf(text, sizeof(text), "entry %d", (int)*next);
    assert_true(fixture_is_entry(entry, text));
    (*next)++;
    return (E_OK);
}

static void
what_was_acknowledged_survives_a_kill(void **state)
{
    struct fixture *f = *state;
    struct store_request *request;
    int32_t acknowledged = -1, i, next = 0;
    int ends[2], status;
    pid_t pid;

    fixture_close(f);
    assert_int_equal(pipe(ends), 0);
    if ((pid = fork()) == 0) {
        (void)close(ends[0]);
        append_until_killed(f, ends[1]);
    }
    assert_true(pid > 0);
    (void)close(ends[1]);
    while (read(ends[0], &i, sizeof(i)) == (ssize_t)sizeof(i)) {
        acknowledged = i;
        if (i == 50)
            assert_int_equal(kill(pid, SIGKILL), 0);
    }
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(acknowledged >= 50);

    fixture_open(f);
    assert_int_equal(store_read_entries(f->reader, 0, ACKNOWLEDGED_MAX,
        check_numbered, note_nothing, &next, &request), E_OK);
    assert_true(next > acknowledged);
}

#define ON(kind, test)                                                  \
    {"(" #kind ") " #test, test, fixture_set_up, fixture_tear_down,     \
        (void *)(uintptr_t)&store_kind_##kind}

#define CONTRACT(kind)                                                  \
    ON(kind, a_store_is_open_only_once),                                \
    ON(kind, nothing_may_be_closed_and_cancelled),                      \
    ON(kind, what_was_appended_is_read_back),                           \
    ON(kind, a_reading_ends_with_what_its_callback_returned),           \
    ON(kind, the_last_catalog_is_found),                                \
    ON(kind, a_wrong_index_or_time_is_refused),                         \
    ON(kind, recorded_at_never_goes_back),                              \
    ON(kind, a_lookup_brings_all_versions_in_order),                    \
    ON(kind, a_hit_and_a_miss_execute_the_same),                        \
    ON(kind, a_job_may_begin_again),                                    \
    ON(kind, a_view_tells_the_size_and_the_last_word_of_its_own_time),  \
    ON(kind, a_view_is_stable_while_others_write),                      \
    ON(kind, no_number_holds_more_than_a_lookup_brings),                \
    ON(kind, a_job_sees_what_it_wrote_and_duplicates_are_refused),      \
    ON(kind, a_failing_job_undoes_only_itself),                         \
    ON(kind, closing_finishes_what_was_submitted),                      \
    ON(kind, any_thread_may_submit),                                    \
    ON(kind, an_upload_is_found_by_either_id),                          \
    ON(kind, a_declaration_is_found_by_its_request_id),                 \
    ON(kind, the_last_word_of_an_association_is_kept),                  \
    ON(kind, credentials_are_listed_by_type_a_page_at_a_time),          \
    ON(kind, tallies_are_kept_above_none),                              \
    ON(kind, the_last_word_on_a_type_is_kept),                          \
    ON(kind, the_index_can_be_rebuilt_from_the_log),                    \
    ON(kind, publications_are_listed_newest_first),                     \
    ON(kind, events_of_one_association_are_listed_in_order),            \
    ON(kind, what_was_acknowledged_survives_a_kill)

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_scheme_is_refused_without_its_rest),
        CONTRACT(sqlite),
    };

    return (cmocka_run_group_tests_name("store", tests, NULL, NULL));
}
