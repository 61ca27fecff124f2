/*
 * What one signature of Ed25519 costs, and one verification: OpenSSL beside
 * libsodium, in turn, over as many bytes as a SealBatch has.  Prints the
 * medians of the process's CPU time.
 */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/evp.h>
#include <sodium.h>

enum { ROUNDS = 41, EACH = 200, MESSAGE = 180 };

struct bench {
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES];
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    unsigned char message[MESSAGE];
    unsigned char signature[crypto_sign_BYTES];
    EVP_PKEY *key, *public;
    EVP_MD_CTX *context;
};

static int
sodium_signs(struct bench *b)
{
    return (crypto_sign_detached(b->signature, NULL, b->message, MESSAGE,
        b->secret) == 0);
}

/* With a context that is kept, which is the least that it can do. */
static int
openssl_signs(struct bench *b)
{
    size_t n = sizeof(b->signature);

    return (EVP_MD_CTX_reset(b->context) == 1 &&
        EVP_DigestSignInit(b->context, NULL, NULL, NULL, b->key) == 1 &&
        EVP_DigestSign(b->context, b->signature, &n, b->message, MESSAGE) ==
        1);
}

static int
sodium_verifies(struct bench *b)
{
    return (crypto_sign_verify_detached(b->signature, b->message, MESSAGE,
        b->public_key) == 0);
}

static int
openssl_verifies(struct bench *b)
{
    return (EVP_MD_CTX_reset(b->context) == 1 &&
        EVP_DigestVerifyInit(b->context, NULL, NULL, NULL, b->public) == 1 &&
        EVP_DigestVerify(b->context, b->signature, sizeof(b->signature),
        b->message, MESSAGE) == 1);
}

static const struct {
    const char *name;
    int (*once)(struct bench *b);
} what[] = {
    {"libsodium signs", sodium_signs}, {"OpenSSL signs", openssl_signs},
    {"libsodium verifies", sodium_verifies},
    {"OpenSSL verifies", openssl_verifies},
};

enum { WHAT = sizeof(what) / sizeof(what[0]) };

static double
cpu_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return ((double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3);
}

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return ((x > y) - (x < y));
}

static int
prepare(struct bench *b)
{
    if (sodium_init() < 0)
        return (0);
    crypto_sign_keypair(b->public_key, b->secret);
    randombytes_buf(b->message, MESSAGE);
    b->context = EVP_MD_CTX_new();
    b->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, b->secret,
        crypto_sign_SEEDBYTES);
    b->public = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
        b->public_key, sizeof(b->public_key));
    return (b->context != NULL && b->key != NULL && b->public != NULL);
}

int
main(void)
{
    static double took[WHAT][ROUNDS];
    struct bench b = {0};
    int good = prepare(&b);

    for (size_t round = 0; good && round < ROUNDS; round++)
        for (size_t i = 0; good && i < WHAT; i++) {
            const double begun = cpu_us();

            for (size_t n = 0; good && n < EACH; n++)
                good = what[i].once(&b);
            took[i][round] = (cpu_us() - begun) / EACH;
        }
    EVP_PKEY_free(b.key);
    EVP_PKEY_free(b.public);
    EVP_MD_CTX_free(b.context);
    sodium_memzero(&b, sizeof(b));
    if (!good) {
        fputs("signing: a library does not do what it should\n", stderr);
        return (EXIT_FAILURE);
    }
    for (size_t i = 0; i < WHAT; i++) {
        qsort(took[i], ROUNDS, sizeof(took[i][0]), compare);
        printf("%-20s %6.2f us\n", what[i].name, took[i][ROUNDS / 2]);
    }
    return (EXIT_SUCCESS);
}
