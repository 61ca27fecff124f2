#ifndef TEST_SUPPORT_TRUST_FIXTURE_H
#define TEST_SUPPORT_TRUST_FIXTURE_H

/*
 * Keys made of a number, and a trust file that lists some of them.  Whatever
 * fails here ends the program.
 */

#include "proto/trust.h"

/* The keys of trust_fixture_content(), by their numbers. */
enum trust_fixture_key_number { FIXTURE_ROOT, FIXTURE_ACTIVE, FIXTURE_RETIRED,
    FIXTURE_COMPROMISED, FIXTURE_CHECKPOINT, FIXTURE_UNLISTED };

#define FIXTURE_ORIGIN "test.vouch.invalid"
#define FIXTURE_FROM_US INT64_C(1577836800000000)       /* 2020-01-01 */
#define FIXTURE_UNTIL_US INT64_C(1893456000000000)      /* 2030-01-01 */
#define FIXTURE_NOW_US INT64_C(1795348802123456)        /* 2026-11-22 */

struct trust_fixture_key {
    uint8_t id[ED25519_KEY_ID];
    uint8_t public_key[ED25519_PUBLIC_KEY];
    uint8_t secret[64];
};

/**
 * trust_fixture_key(number, key):
 * Make the key of that number: always the same.
 */
void trust_fixture_key(unsigned number, struct trust_fixture_key *key);

/**
 * trust_fixture_sign(number, message, signature):
 * Sign ${message} with the key of that number.
 */
void trust_fixture_sign(unsigned number, struct slice message,
    uint8_t signature[ED25519_SIGNATURE]);

/**
 * trust_fixture_content(content):
 * Fill in ${content}: one seal key of each state and a checkpoint key, all
 * valid from FIXTURE_FROM_US to FIXTURE_UNTIL_US, as is the file.
 */
void trust_fixture_content(struct trust_content *content);

/**
 * trust_fixture_add(content, number, use):
 * Add the key of that number, active, to ${content}.
 */
void trust_fixture_add(struct trust_content *content, unsigned number,
    enum trust_use use);

/**
 * trust_fixture_write(content, out):
 * Append to ${out} the file, signed with the key FIXTURE_ROOT.
 */
void trust_fixture_write(const struct trust_content *content,
    struct buf *out);

#endif /* !TEST_SUPPORT_TRUST_FIXTURE_H */
