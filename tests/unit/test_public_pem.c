#include "seal/public_pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The key of RFC 8032, section 7.1, TEST 1, as `openssl pkey` writes it. */
static const uint8_t key[] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7,
    0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3,
    0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";

static void
it_is_written_as_openssl_does(void **state)
{
    char text[PUBLIC_PEM_BYTES + 1];

    (void)state;
    public_pem_write(key, text);
    assert_string_equal(text, pem);
}

static void
what_is_written_is_read(void **state)
{
    uint8_t again[ED25519_PUBLIC_KEY];

    (void)state;
    assert_int_equal(public_pem_read(slice_of(pem), again), E_OK);
    assert_memory_equal(again, key, sizeof(key));
}

static void
nothing_else_is_read(void **state)
{
    uint8_t again[ED25519_PUBLIC_KEY];
    char text[sizeof(pem)];

    (void)state;
    for (size_t n = 0; n < sizeof(pem) - 1; n++)
        assert_int_equal(public_pem_read((struct slice){(const uint8_t *)pem,
            n}, again), E_INVAL);
    for (size_t i = 0; i < sizeof(pem) - 1; i++) {
        memcpy(text, pem, sizeof(pem));
        text[i] ^= 0x40;
        /* Another letter of the key is another key; all else is refused. */
        if (public_pem_read(slice_of(text), again) == E_OK)
            assert_memory_not_equal(again, key, sizeof(key));
    }
    memcpy(text, pem, sizeof(pem));
    text[0] = '\0';
    assert_int_equal(public_pem_read((struct slice){(const uint8_t *)text,
        sizeof(text) - 1}, again), E_INVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_written_as_openssl_does),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(nothing_else_is_read),
    };

    return (cmocka_run_group_tests(tests, NULL, NULL));
}
