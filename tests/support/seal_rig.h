#ifndef TEST_SUPPORT_SEAL_RIG_H
#define TEST_SUPPORT_SEAL_RIG_H

/*
 * Keys and a trust file in a folder, made by what `vouchd init` is made of,
 * and good from 2000 to 2100.  What fails ends the program.
 */

#include <stdint.h>

#include "seal/founding.h"
#include "seal/seal_keys.h"

#define SEAL_RIG_ORIGIN "test.example"
#define SEAL_RIG_FROM INT64_C(946684800000000)      /* 2000-01-01 */
#define SEAL_RIG_UNTIL INT64_C(4102444800000000)    /* 2100-01-01 */

/**
 * seal_rig_make(dir):
 * Make in the folder ${dir}, which must be there, root.key, trust.json, and
 * the folder of keys seal; return the keys' ids.
 */
struct founded seal_rig_make(const char *dir);

/**
 * seal_rig_open(dir):
 * Open what seal_rig_make() has made in ${dir}; to be freed with
 * seal_keys_free().
 */
struct seal_keys *seal_rig_open(const char *dir);

/**
 * seal_rig_sign(dir, content):
 * Make ${content}, signed by the root key of ${dir}, its trust file.
 */
void seal_rig_sign(const char *dir, const struct trust_content *content);

/**
 * seal_rig_remove(dir):
 * Remove what is there of all of it, and leave ${dir}.
 */
void seal_rig_remove(const char *dir);

#endif /* !TEST_SUPPORT_SEAL_RIG_H */
