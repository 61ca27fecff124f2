/* Rotations on the revoker's thread, with real keys. */

#include "rotation.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "revocation/revocation.h"
#include "revoker.h"
#include "support/seal_rig.h"

#define QUESTIONS 20

static char dir[] = "/tmp/vouch-rotation-XXXXXX";

struct world {
    struct founded founded;
    struct seal_keys *keys;
    struct revocation *revocation;
    struct revoker *revoker;
    struct rotation rotation;
};

/* Freed by whoever is told, as a call that is gone would do. */
struct question {
    struct rotating rotating;
    struct told *told;
};

struct told {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    unsigned over;
    unsigned by[E_COUNT];
};

static int
setup(void **state)
{
    const struct revocation_options options = {.crl = "", .deny_list = "",
        .trust_domain = "test.example"};
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    log_set_level(LOG_ERROR);
    assert_non_null(mkdtemp(dir));
    clock_set_wall(SEAL_RIG_FROM + 1000000);
    w->founded = seal_rig_make(dir);
    w->keys = seal_rig_open(dir);
    assert_int_equal(revocation_create(&options, &w->revocation), E_OK);
    assert_int_equal(revoker_create(w->revocation, &w->revoker), E_OK);
    w->rotation = (struct rotation){.revoker = w->revoker, .keys = w->keys};
    *state = w;
    return (0);
}

static int
teardown(void **state)
{
    struct world *w = *state;

    revoker_free(w->revoker);
    revocation_free(w->revocation);
    seal_keys_free(w->keys);
    seal_rig_remove(dir);
    assert_int_equal(rmdir(dir), 0);
    free(w);
    return (0);
}

static void
done(struct rotating *rotating)
{
    struct question *q = (struct question *)rotating;
    struct told *told = q->told;

    (void)pthread_mutex_lock(&told->lock);
    told->by[rotating->err]++;
    told->over++;
    (void)pthread_cond_signal(&told->woken);
    (void)pthread_mutex_unlock(&told->lock);
    free(q);
}

static void
ask(struct world *w, struct told *told, const uint8_t *expected)
{
    struct question *q = calloc(1, sizeof(*q));

    assert_non_null(q);
    q->told = told;
    q->rotating.done = done;
    q->rotating.is_expected = 1;
    memcpy(q->rotating.expected, expected, ED25519_KEY_ID);
    rotation_rotate(&w->rotation, &q->rotating);
}

static void
await(struct told *told, unsigned n)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    (void)pthread_mutex_lock(&told->lock);
    while (told->over < n && rc == 0)
        rc = pthread_cond_timedwait(&told->woken, &told->lock, &until);
    assert_int_equal(told->over, n);
    (void)pthread_mutex_unlock(&told->lock);
}

/* Meanwhile, as a worker would, somebody takes the key in use again. */
static void
of_many_who_expect_the_same_one_gets_it(void **state)
{
    struct world *w = *state;
    struct told told = {.lock = PTHREAD_MUTEX_INITIALIZER,
        .woken = PTHREAD_COND_INITIALIZER};
    const unsigned before = seal_keys_generation(w->keys);
    struct seal_key key;

    for (int i = 0; i < QUESTIONS; i++) {
        ask(w, &told, w->founded.current);
        seal_keys_current(w->keys, &key);
        signer_release(key.signer);
    }
    await(&told, QUESTIONS);
    assert_int_equal(told.by[E_OK], 1);
    assert_int_equal(told.by[E_EXISTS], QUESTIONS - 1);
    assert_int_equal(seal_keys_generation(w->keys), before + 1);
    seal_keys_current(w->keys, &key);
    assert_memory_equal(signer_key_id(key.signer), w->founded.next,
        ED25519_KEY_ID);
    signer_release(key.signer);
    /* Whoever asks at the end is told so. */
    revoker_stop(w->revoker);
    ask(w, &told, w->founded.next);
    assert_int_equal(told.by[E_BUSY], 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            of_many_who_expect_the_same_one_gets_it, setup, teardown),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
