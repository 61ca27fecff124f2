#include "support/seal_rig.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "seal/signer.h"
#include "seal/trust_file.h"

/* 2030: the clock of most tests, and the real one, are before it or after. */
#define NOW INT64_C(1893456000000000)

static void
need(enum err err, const char *what, const char *why)
{
    if (err == E_OK)
        return;
    fprintf(stderr, "seal_rig: %s: %s: %s\n", what, err_name(err), why);
    abort();
}

static const char *
path(const char *dir, const char *name, char text[PATH_MAX])
{
    (void)snprintf(text, PATH_MAX, "%s/%s", dir, name);
    return (text);
}

struct founded
seal_rig_make(const char *dir)
{
    char root[PATH_MAX], trust[PATH_MAX], keys[PATH_MAX], why[512] = "";
    const struct founding founding = {
        .origin = SEAL_RIG_ORIGIN,
        .root_key = path(dir, "root.key", root),
        .trust = path(dir, "trust.json", trust),
        .dir = path(dir, "seal", keys),
        .from_us = SEAL_RIG_FROM,
        .until_us = SEAL_RIG_UNTIL,
        .issued_us = SEAL_RIG_FROM,
        .expires_us = SEAL_RIG_UNTIL,
    };
    struct founded founded;

    need(founding_make(&founding, &founded, why, sizeof(why)), dir, why);
    return (founded);
}

struct seal_keys *
seal_rig_open(const char *dir)
{
    char trust[PATH_MAX], keys[PATH_MAX], why[512] = "";
    const struct seal_keys_options options = {
        .trust = path(dir, "trust.json", trust),
        .dir = path(dir, "seal", keys),
    };
    struct seal_keys *opened;

    need(seal_keys_open(&options, NOW, &opened, why, sizeof(why)), dir, why);
    return (opened);
}

void
seal_rig_sign(const char *dir, const struct trust_content *content)
{
    char root[PATH_MAX], trust[PATH_MAX], why[512] = "";
    struct signer *signer;

    need(signer_open(path(dir, "root.key", root), &signer, why, sizeof(why)),
        dir, why);
    need(trust_file_write(path(dir, "trust.json", trust), TRUST_FILE_REPLACE,
        content, signer, why, sizeof(why)), dir, why);
    signer_release(signer);
}

void
seal_rig_remove(const char *dir)
{
    char keys[PATH_MAX], one[PATH_MAX + 300];
    const struct dirent *entry;
    DIR *folder;

    (void)remove(path(dir, "root.key", keys));
    (void)remove(path(dir, "trust.json", keys));
    if ((folder = opendir(path(dir, "seal", keys))) == NULL)
        return;
    while ((entry = readdir(folder)) != NULL) {
        (void)snprintf(one, sizeof(one), "%s/%s", keys, entry->d_name);
        if (entry->d_name[0] != '.')
            (void)remove(one);
    }
    (void)closedir(folder);
    (void)rmdir(keys);
}
