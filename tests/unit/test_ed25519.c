#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/ed25519.h"
#include "support/fault.h"

#define MESSAGE_MAX 1024

/* RFC 8032, section 7.1: -----TEST 1, 2, 3, 1024 and SHA(abc). */
static const struct {
    const char *key, *message, *signature;
} vectors[] = {
    {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
    {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    {"278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
        "08b8b2b733424243760fe426a4b54908632110a66c2f6591eabd3345e3e4eb98"
        "fa6e264bf09efe12ee50f8f54e9f77b1e355f6c50544e23fb1433ddf73be84d8"
        "79de7c0046dc4996d9e773f4bc9efe5738829adb26c81b37c93a1b270b20329d"
        "658675fc6ea534e0810a4432826bf58c941efb65d57a338bbd2e26640f89ffbc"
        "1a858efcb8550ee3a5e1998bd177e93a7363c344fe6b199ee5d02e82d522c4fe"
        "ba15452f80288a821a579116ec6dad2b3b310da903401aa62100ab5d1a36553e"
        "06203b33890cc9b832f79ef80560ccb9a39ce767967ed628c6ad573cb116dbef"
        "efd75499da96bd68a8a97b928a8bbc103b6621fcde2beca1231d206be6cd9ec7"
        "aff6f6c94fcd7204ed3455c68c83f4a41da4af2b74ef5c53f1d8ac70bdcb7ed1"
        "85ce81bd84359d44254d95629e9855a94a7c1958d1f8ada5d0532ed8a5aa3fb2"
        "d17ba70eb6248e594e1a2297acbbb39d502f1a8c6eb6f1ce22b3de1a1f40cc24"
        "554119a831a9aad6079cad88425de6bde1a9187ebb6092cf67bf2b13fd65f270"
        "88d78b7e883c8759d2c4f5c65adb7553878ad575f9fad878e80a0c9ba63bcbcc"
        "2732e69485bbc9c90bfbd62481d9089beccf80cfe2df16a2cf65bd92dd597b07"
        "07e0917af48bbb75fed413d238f5555a7a569d80c3414a8d0859dc65a46128ba"
        "b27af87a71314f318c782b23ebfe808b82b0ce26401d2e22f04d83d1255dc51a"
        "ddd3b75a2b1ae0784504df543af8969be3ea7082ff7fc9888c144da2af58429e"
        "c96031dbcad3dad9af0dcbaaaf268cb8fcffead94f3c7ca495e056a9b47acdb7"
        "51fb73e666c6c655ade8297297d07ad1ba5e43f1bca32301651339e22904cc8c"
        "42f58c30c04aafdb038dda0847dd988dcda6f3bfd15c4b4c4525004aa06eeff8"
        "ca61783aacec57fb3d1f92b0fe2fd1a85f6724517b65e614ad6808d6f6ee34df"
        "f7310fdc82aebfd904b01e1dc54b2927094b2db68d6f903b68401adebf5a7e08"
        "d78ff4ef5d63653a65040cf9bfd4aca7984a74d37145986780fc0b16ac451649"
        "de6188a7dbdf191f64b5fc5e2ab47b57f7f7276cd419c17a3ca8e1b939ae49e4"
        "88acba6b965610b5480109c8b17b80e1b7b750dfc7598d5d5011fd2dcc5600a3"
        "2ef5b52a1ecc820e308aa342721aac0943bf6686b64b2579376504ccc493d97e"
        "6aed3fb0f9cd71a43dd497f01f17c0e2cb3797aa2a2f256656168e6c496afc5f"
        "b93246f6b1116398a346f1a641f3b041e989f7914f90cc2c7fff357876e506b5"
        "0d334ba77c225bc307ba537152f3f1610e4eafe595f6d9d90d11faa933a15ef1"
        "369546868a7f3a45a96768d40fd9d03412c091c6315cf4fde7cb68606937380d"
        "b2eaaa707b4c4185c32eddcdd306705e4dc1ffc872eeee475a64dfac86aba41c"
        "0618983f8741c5ef68d3a101e8a3b8cac60c905c15fc910840b94c00a0b9d0",
        "0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e460fec350"
        "aa5371b1508f9f4528ecea23c436d94b5e8fcd4f681e30a6ac00a9704a188a03"},
    {"ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"},
};

/* The order of the group, little-endian. */
static const uint8_t order[32] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2,
    0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
};

struct signed_message {
    uint8_t key[ED25519_PUBLIC_KEY];
    uint8_t signature[ED25519_SIGNATURE];
    uint8_t bytes[MESSAGE_MAX];
    struct slice message;
};

static void
load(size_t i, struct signed_message *m)
{
    size_t n = strlen(vectors[i].message) / 2;

    assert_true(n <= sizeof(m->bytes));
    assert_int_equal(bytes_from_hex(vectors[i].key, m->key, sizeof(m->key)),
        E_OK);
    assert_int_equal(bytes_from_hex(vectors[i].signature, m->signature,
        sizeof(m->signature)), E_OK);
    assert_int_equal(bytes_from_hex(vectors[i].message, m->bytes, n), E_OK);
    m->message = (struct slice){n > 0 ? m->bytes : NULL, n};
}

#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static void
takes_the_signatures_of_rfc_8032(void **state)
{
    struct signed_message m;

    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        load(i, &m);
        assert_int_equal(ed25519_verify(m.key, m.message, m.signature), E_OK);
    }
}

static void
refuses_after_a_change_of_any_bit(void **state)
{
    struct signed_message m;

    (void)state;
    load(4, &m);
    assert_int_equal(ed25519_verify(m.key, m.message, m.signature), E_OK);
    for (size_t bit = 0; bit < 8 * sizeof(m.signature); bit++) {
        m.signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ed25519_verify(m.key, m.message, m.signature),
            E_CORRUPT);
        m.signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * m.message.n; bit++) {
        m.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ed25519_verify(m.key, m.message, m.signature),
            E_CORRUPT);
        m.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof(m.key); bit++) {
        m.key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(ed25519_verify(m.key, m.message, m.signature),
            E_CORRUPT);
        m.key[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(ed25519_verify(m.key, m.message, m.signature), E_OK);
    m.message.n--;
    assert_int_equal(ed25519_verify(m.key, m.message, m.signature),
        E_CORRUPT);
}

/* S and S + L are the same to a verifier that does not look. */
static void
refuses_the_other_form_of_a_signature(void **state)
{
    struct signed_message m;
    unsigned carry = 0;

    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        load(i, &m);
        carry = 0;
        for (size_t j = 0; j < sizeof(order); j++) {
            carry += (unsigned)m.signature[32 + j] + order[j];
            m.signature[32 + j] = (uint8_t)carry;
            carry >>= 8;
        }
        assert_int_equal(carry, 0);
        assert_int_equal(ed25519_verify(m.key, m.message, m.signature),
            E_CORRUPT);
    }
}

/*
 * Of a key of small order some signature is right of every message: with R the
 * neutral element, and S 0, of any.
 */
static void
refuses_keys_of_small_order(void **state)
{
    static const char *const keys[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        /* The neutral element in other encodings. */
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0100000000000000000000000000000000000000000000000000000000000080",
    };
    uint8_t key[ED25519_PUBLIC_KEY], signature[ED25519_SIGNATURE] = {1};

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        assert_int_equal(bytes_from_hex(keys[i], key, sizeof(key)), E_OK);
        assert_int_equal(ed25519_verify(key, slice_of("any"), signature),
            E_CORRUPT);
    }
}

/*
 * Right by the equation times eight, which some implementations check: R is
 * off by a point of order 8.
 */
static void
refuses_what_is_right_only_up_to_the_cofactor(void **state)
{
    uint8_t key[ED25519_PUBLIC_KEY], signature[ED25519_SIGNATURE];

    (void)state;
    assert_int_equal(bytes_from_hex("f27cb81402e6860c926ff81f393d14340e41a70b"
        "c0b0195cf64a90b348cb2fc4", key, sizeof(key)), E_OK);
    assert_int_equal(bytes_from_hex("b15bf26424d1b69dd33b7a9e57db5de4a2aadea4"
        "a2a051efd9bfd6af74165d2bd36911651683a26958bed77a69df012dae415726a32a"
        "973e828bc82017eaab02", signature, sizeof(signature)), E_OK);
    assert_int_equal(ed25519_verify(key, slice_of("any"), signature),
        E_CORRUPT);
}

static void
the_id_is_the_hash_of_the_key(void **state)
{
    uint8_t id[ED25519_KEY_ID], want[ED25519_KEY_ID];
    struct signed_message m;

    (void)state;
    /* As sha256sum has it of the key of TEST 1. */
    load(0, &m);
    ed25519_key_id(m.key, id);
    assert_int_equal(bytes_from_hex("21fe31dfa154a261626bf854046fd2271b7bed"
        "4b6abe45aa58877ef47f9721b9", want, sizeof(want)), E_OK);
    assert_memory_equal(id, want, sizeof(want));
}

static void
nothing_is_allocated(void **state)
{
    struct signed_message m;
    uint8_t id[ED25519_KEY_ID];

    (void)state;
    load(1, &m);
    fault_arm(0);
    assert_int_equal(ed25519_verify(m.key, m.message, m.signature), E_OK);
    ed25519_key_id(m.key, id);
    assert_false(fault_fired());
    fault_arm(-1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_signatures_of_rfc_8032),
        cmocka_unit_test(refuses_after_a_change_of_any_bit),
        cmocka_unit_test(refuses_the_other_form_of_a_signature),
        cmocka_unit_test(refuses_keys_of_small_order),
        cmocka_unit_test(refuses_what_is_right_only_up_to_the_cofactor),
        cmocka_unit_test(the_id_is_the_hash_of_the_key),
        cmocka_unit_test(nothing_is_allocated),
    };

    return (cmocka_run_group_tests_name("ed25519", tests, NULL, NULL));
}
