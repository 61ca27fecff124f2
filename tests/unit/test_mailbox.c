#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/mailbox.h"
#include "support/fault.h"

enum { POSTERS = 4, EACH = 3000 };

struct poster {
    struct mailbox *mailbox;
    int run;                /* of how many letters */
    int in_order;
};

struct letter {
    struct poster *poster;
    int number;
};

static struct letter letters[POSTERS][EACH];

static void
count(void *cookie)
{
    struct letter *letter = cookie;

    letter->poster->in_order &= letter->number == letter->poster->run;
    letter->poster->run++;
}

static void
post_all(struct poster *poster, struct letter *own)
{
    for (int i = 0; i < EACH; i++) {
        own[i] = (struct letter){poster, i};
        mailbox_post(poster->mailbox, count, &own[i]);
    }
}

static void *
post_from_thread(void *cookie)
{
    struct poster **p = cookie;

    post_all(p[0], letters[p[0] - p[1]]);
    return (NULL);
}

static int
setup(void **state)
{
    struct event_base *base = event_base_new();

    assert_non_null(base);
    *state = base;
    return (0);
}

static int
teardown(void **state)
{
    event_base_free(*state);
    return (0);
}

static void
letters_of_many_threads_run_once_and_in_order(void **state)
{
    struct event_base *base = *state;
    struct mailbox *m = NULL;
    struct poster posters[POSTERS];
    struct poster *args[POSTERS][2];
    pthread_t threads[POSTERS];
    int done = 0;

    assert_int_equal(mailbox_create(base, &m), E_OK);
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){m, 0, 1};
        args[i][0] = &posters[i];
        args[i][1] = posters;
        assert_int_equal(pthread_create(&threads[i], NULL, post_from_thread,
            args[i]), 0);
    }
    /* Each pass sleeps until there is a letter: none may be forgotten. */
    for (int pass = 0; pass < POSTERS * EACH && done < POSTERS * EACH;
        pass++) {
        assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
        done = 0;
        for (int i = 0; i < POSTERS; i++)
            done += posters[i].run;
    }
    for (int i = 0; i < POSTERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(posters[i].run, EACH);
        assert_true(posters[i].in_order);
    }
    mailbox_free(m);
}

/* By way of what the store is given. */
static void
a_letter_of_the_stores_runs_once(void **state)
{
    struct event_base *base = *state;
    struct poster poster = {NULL, 0, 1};
    struct letter one = {&poster, 0};
    struct mailbox *m = NULL;
    struct store_post post;

    assert_int_equal(mailbox_create(base, &m), E_OK);
    post = mailbox_store_post(m);
    post.post(post.target, count, &one);
    assert_int_equal(poster.run, 0);
    assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
    assert_int_equal(poster.run, 1);
    /* The bell must not be left ringing. */
    assert_int_equal(event_base_loop(base, EVLOOP_NONBLOCK), 0);
    assert_int_equal(poster.run, 1);
    mailbox_free(m);
}

static void
refused_memory_delays_a_letter_and_loses_none(void **state)
{
    struct event_base *base = *state;
    struct poster poster = {NULL, 0, 1};
    struct mailbox *m = NULL;

    assert_int_equal(mailbox_create(base, &m), E_OK);
    poster.mailbox = m;
    fault_arm(0);
    post_all(&poster, letters[0]);
    assert_true(fault_fired());
    mailbox_run(m);
    assert_int_equal(poster.run, EACH);
    assert_true(poster.in_order);
    mailbox_free(m);
}

static void
what_is_left_runs_before_the_end(void **state)
{
    struct poster poster = {NULL, 0, 1};
    struct letter one = {&poster, 0};
    struct mailbox *m = NULL;

    assert_int_equal(mailbox_create(*state, &m), E_OK);
    mailbox_post(m, count, &one);
    mailbox_free(m);
    assert_int_equal(poster.run, 1);
    mailbox_free(NULL);
}

static void
every_failed_allocation_is_told(void **state)
{
    struct mailbox *m;
    int n;

    for (n = 0; n < 20; n++) {
        enum err err;

        fault_arm(n);
        err = mailbox_create(*state, &m);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        assert_null(m);
    }
    fault_arm(-1);
    assert_int_equal(n, 3);
    mailbox_free(m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_of_many_threads_run_once_and_in_order),
        cmocka_unit_test(a_letter_of_the_stores_runs_once),
        cmocka_unit_test(refused_memory_delays_a_letter_and_loses_none),
        cmocka_unit_test(what_is_left_runs_before_the_end),
        cmocka_unit_test(every_failed_allocation_is_told),
    };

    return (cmocka_run_group_tests_name("mailbox", tests, setup, teardown));
}
