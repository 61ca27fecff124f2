#include "support/trust_fixture.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static void
must(int done)
{
    if (!done)
        abort();
}

void
trust_fixture_key(unsigned number, struct trust_fixture_key *key)
{
    uint8_t seed[crypto_sign_ed25519_SEEDBYTES] = "a seed of a key of the tests";

    seed[30] = (uint8_t)(number >> 8);
    seed[31] = (uint8_t)number;
    must(sodium_init() >= 0);
    must(crypto_sign_ed25519_seed_keypair(key->public_key, key->secret,
        seed) == 0);
    ed25519_key_id(key->public_key, key->id);
}

void
trust_fixture_sign(unsigned number, struct slice message,
    uint8_t signature[ED25519_SIGNATURE])
{
    struct trust_fixture_key key;

    trust_fixture_key(number, &key);
    must(crypto_sign_ed25519_detached(signature, NULL, message.p, message.n,
        key.secret) == 0);
}

void
trust_fixture_add(struct trust_content *content, unsigned number,
    enum trust_use use)
{
    struct trust_key *key = &content->keys[content->nkeys++];
    struct trust_fixture_key made;

    trust_fixture_key(number, &made);
    memset(key, 0, sizeof(*key));
    memcpy(key->id, made.id, sizeof(key->id));
    memcpy(key->public_key, made.public_key, sizeof(key->public_key));
    key->use = use;
    key->from_us = FIXTURE_FROM_US;
    key->until_us = FIXTURE_UNTIL_US;
}

void
trust_fixture_content(struct trust_content *content)
{
    memset(content, 0, sizeof(*content));
    memcpy(content->origin, FIXTURE_ORIGIN, sizeof(FIXTURE_ORIGIN));
    content->version = 3;
    content->issued_us = FIXTURE_FROM_US;
    content->expires_us = FIXTURE_UNTIL_US;
    trust_fixture_add(content, FIXTURE_ACTIVE, TRUST_SEAL);
    trust_fixture_add(content, FIXTURE_RETIRED, TRUST_SEAL);
    content->keys[1].state = TRUST_RETIRED;
    trust_fixture_add(content, FIXTURE_COMPROMISED, TRUST_SEAL);
    content->keys[2].state = TRUST_COMPROMISED;
    content->keys[2].compromised_us = FIXTURE_FROM_US + 86400000000;
    trust_fixture_add(content, FIXTURE_CHECKPOINT, TRUST_CHECKPOINT);
}

void
trust_fixture_write(const struct trust_content *content, struct buf *out)
{
    uint8_t signature[ED25519_SIGNATURE];
    struct trust_fixture_key root;
    struct buf bytes;

    buf_init(&bytes, TRUST_BYTES_MAX);
    must(trust_signed_bytes(content, &bytes) == E_OK);
    trust_fixture_sign(FIXTURE_ROOT, buf_slice(&bytes), signature);
    trust_fixture_key(FIXTURE_ROOT, &root);
    must(trust_write(content, root.public_key, signature, out) == E_OK);
    buf_free(&bytes);
}
