#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "proto/leaf.h"
#include "support/fault.h"

#define THREADS 4
#define ROUNDS 2000
#define SWEEP 200       /* more allocations than any call here makes */

static const uint8_t secret[FACTOR_KEY] = "a secret of thirty-two bytes ...";
static const uint8_t credential_id[LEAF_CREDENTIAL_ID] = "credential id 16";
static const uint8_t salt[LEAF_SALT] = "salt of 16 bytes";

/* OpenSSL's memory goes through here, to be failed and looked at. */
static _Thread_local unsigned long freed_with_secret = 0;

static void *
openssl_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return (malloc(n));
}

static void *
openssl_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return (realloc(p, n));
}

static void
openssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p != NULL && memmem(p, malloc_usable_size(p), secret,
        sizeof(secret)) != NULL)
        freed_with_secret++;
    free(p);
}

static struct slice
of(const char *text)
{
    return ((struct slice){(const uint8_t *)text, strlen(text)});
}

/* The definition, in the most literal way there is. */
static void
literal_leaf_data(const char *domain, struct slice bytes,
    uint8_t data[LEAF_DATA])
{
    uint8_t all[256];
    size_t n = strlen(domain);

    assert_true(n + 1 + LEAF_SALT + bytes.n <= sizeof(all));
    memcpy(all, domain, n);
    all[n++] = 0;
    memcpy(all + n, salt, LEAF_SALT);
    n += LEAF_SALT;
    memcpy(all + n, bytes.p, bytes.n);
    n += bytes.n;
    assert_non_null(SHA256(all, n, data));
}

static void
each_domain_is_hashed_as_defined(void **state)
{
    static const struct {
        enum leaf_domain domain;
        const char *text;
    } domains[] = {
        {LEAF_EVENT, "vouch/event/v1"},
        {LEAF_DECLARATION, "vouch/declaration/v1"},
        {LEAF_MANIFEST, "vouch/manifest/v1"},
        {LEAF_CATALOG, "vouch/catalog/v1"},
    };
    uint8_t want[LEAF_DATA], got[LEAF_DATA];

    (void)state;
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        assert_string_equal(leaf_domain_text(domains[i].domain),
            domains[i].text);
        literal_leaf_data(domains[i].text, of("bytes"), want);
        assert_int_equal(leaf_data(domains[i].domain, salt, of("bytes"), got),
            E_OK);
        assert_memory_equal(got, want, LEAF_DATA);
    }
    literal_leaf_data("vouch/event/v1", of(""), want);
    assert_int_equal(leaf_data(LEAF_EVENT, salt, (struct slice){NULL, 0},
        got), E_OK);
    assert_memory_equal(got, want, LEAF_DATA);
}

static void
refuses_a_domain_that_there_is_not(void **state)
{
    static const unsigned domains[] = {0, 5, 1000, 0xffffffffU};
    uint8_t data[LEAF_DATA];

    (void)state;
    for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
        enum leaf_domain domain = (enum leaf_domain)domains[i];

        assert_null(leaf_domain_text(domain));
        assert_int_equal(leaf_data(domain, salt, of("bytes"), data), E_INVAL);
    }
}

static void
factors_and_key_ids_are_hashed_as_defined(void **state)
{
    uint8_t want[FACTOR_MAC], got[FACTOR_MAC], hash[SHA256_DIGEST_LENGTH];
    uint8_t bytes[15 + 1 + 1 + 16 + 4] = "vouch/factor/v1";
    uint8_t keyed[19 + 1 + FACTOR_KEY] = "vouch/factor-key/v1";
    struct factor_key *key;

    (void)state;
    assert_int_equal(factor_key_create(secret, &key), E_OK);
    memcpy(keyed + 20, secret, FACTOR_KEY);
    assert_non_null(SHA256(keyed, sizeof(keyed), hash));
    assert_memory_equal(factor_key_id(key), hash, FACTOR_KEY_ID);
    bytes[16] = 3;
    memcpy(bytes + 17, credential_id, LEAF_CREDENTIAL_ID);
    memcpy(bytes + 33, "0042", 4);
    assert_non_null(HMAC(EVP_sha256(), secret, FACTOR_KEY, bytes,
        sizeof(bytes), want, NULL));
    /* The first and every later one: the key stays. */
    for (int i = 0; i < 3; i++) {
        memset(got, 0, sizeof(got));
        assert_int_equal(factor_mac(key, FACTOR_KIND_LAST4, credential_id,
            of("0042"), got), E_OK);
        assert_memory_equal(got, want, FACTOR_MAC);
    }
    factor_key_free(key);
}

static void
everything_that_goes_in_changes_the_mac(void **state)
{
    const struct {
        enum factor_kind kind;
        uint8_t id_byte;
        const char *value;
    } inputs[] = {
        {FACTOR_KIND_BIRTH_YEAR, 0, "1980"},
        {FACTOR_KIND_LAST4, 0, "1980"},
        {FACTOR_KIND_BIRTH_DATE, 0, "1980-01-01"},
        {FACTOR_KIND_BIRTH_YEAR, 1, "1980"},
        {FACTOR_KIND_BIRTH_YEAR, 0, "1981"},
        {FACTOR_KIND_BIRTH_YEAR, 0, "198"},
        {FACTOR_KIND_BIRTH_YEAR, 0, ""},
    };
    enum { N = sizeof(inputs) / sizeof(inputs[0]) };
    uint8_t macs[N][FACTOR_MAC], id[LEAF_CREDENTIAL_ID] = {0};
    struct factor_key *key;

    (void)state;
    assert_int_equal(factor_key_create(secret, &key), E_OK);
    for (size_t i = 0; i < N; i++) {
        id[15] = inputs[i].id_byte;
        assert_int_equal(factor_mac(key, inputs[i].kind, id,
            of(inputs[i].value), macs[i]), E_OK);
        for (size_t j = 0; j < i; j++)
            assert_false(factor_equal(macs[i], macs[j]));
        assert_true(factor_equal(macs[i], macs[i]));
    }
    factor_key_free(key);
}

static void
the_limit_of_a_value_is_held(void **state)
{
    uint8_t mac[FACTOR_MAC];
    struct factor_key *key;

    (void)state;
    assert_int_equal(factor_key_create(secret, &key), E_OK);
    assert_int_equal(factor_mac(key, FACTOR_KIND_LAST4, credential_id,
        of("0123456789abcdef"), mac), E_OK);
    assert_int_equal(factor_mac(key, FACTOR_KIND_LAST4, credential_id,
        of("0123456789abcdefg"), mac), E_TOOBIG);
    factor_key_free(key);
}

static void
a_freed_key_leaves_no_secret_behind(void **state)
{
    uint8_t mac[FACTOR_MAC];
    struct factor_key *key;

    (void)state;
    freed_with_secret = 0;
    assert_int_equal(factor_key_create(secret, &key), E_OK);
    assert_int_equal(factor_mac(key, FACTOR_KIND_LAST4, credential_id,
        of("0042"), mac), E_OK);
    factor_key_free(key);
    factor_key_free(NULL);
    assert_int_equal(freed_with_secret, 0);
}

/* What a thread found: the number of wrong results. */
static void *
hash_in_a_thread(void *cookie)
{
    const uint8_t *want = cookie;
    uint8_t data[LEAF_DATA];
    uintptr_t wrong = 0;

    for (int i = 0; i < ROUNDS; i++)
        if (leaf_data(LEAF_EVENT, salt, of("bytes"), data) != E_OK ||
            memcmp(data, want, LEAF_DATA) != 0)
            wrong++;
    return ((void *)wrong);
}

static void
threads_do_not_disturb_each_other(void **state)
{
    uint8_t want[LEAF_DATA];
    pthread_t threads[THREADS];
    void *wrong;

    (void)state;
    literal_leaf_data("vouch/event/v1", of("bytes"), want);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hash_in_a_thread,
            want), 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

static void
hashing_allocates_nothing(void **state)
{
    uint8_t data[LEAF_DATA], mac[FACTOR_MAC];
    struct factor_key *key;

    (void)state;
    assert_int_equal(factor_key_create(secret, &key), E_OK);
    fault_arm(0);
    assert_int_equal(leaf_data(LEAF_EVENT, salt, of("bytes"), data), E_OK);
    assert_int_equal(factor_mac(key, FACTOR_KIND_LAST4, credential_id,
        of("0042"), mac), E_OK);
    assert_false(fault_fired());
    fault_arm(-1);
    factor_key_free(key);
}

static void
a_key_survives_every_allocation_failure(void **state)
{
    uint8_t want[FACTOR_MAC], mac[FACTOR_MAC];
    struct factor_key *key = NULL;
    int fired = 1, failures = 0;

    (void)state;
    assert_int_equal(factor_key_create(secret, &key), E_OK);
    assert_int_equal(factor_mac(key, FACTOR_KIND_LAST4, credential_id,
        of("0042"), want), E_OK);
    factor_key_free(key);
    freed_with_secret = 0;
    for (int n = 0; n < SWEEP && fired; n++) {
        enum err err;

        fault_arm(n);
        err = factor_key_create(secret, &key);
        fired = fault_fired();
        fault_arm(-1);
        if (err != E_OK) {
            assert_int_equal(err, E_NOMEM);
            assert_null(key);
            failures++;
            continue;
        }
        assert_int_equal(factor_mac(key, FACTOR_KIND_LAST4, credential_id,
            of("0042"), mac), E_OK);
        assert_memory_equal(mac, want, FACTOR_MAC);
        factor_key_free(key);
    }
    assert_false(fired);
    assert_true(failures > 0);
    assert_int_equal(freed_with_secret, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashing_allocates_nothing),
        cmocka_unit_test(each_domain_is_hashed_as_defined),
        cmocka_unit_test(refuses_a_domain_that_there_is_not),
        cmocka_unit_test(factors_and_key_ids_are_hashed_as_defined),
        cmocka_unit_test(everything_that_goes_in_changes_the_mac),
        cmocka_unit_test(the_limit_of_a_value_is_held),
        cmocka_unit_test(a_freed_key_leaves_no_secret_behind),
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(a_key_survives_every_allocation_failure),
    };

    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
        openssl_free) != 1)
        return (1);
    return (cmocka_run_group_tests_name("leaf", tests, NULL, NULL));
}
