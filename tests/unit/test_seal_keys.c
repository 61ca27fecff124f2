#include "seal/seal_keys.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "seal/key_folder.h"
#include "seal/public_pem.h"
#include "seal/trust_file.h"
#include "support/fault.h"
#include "support/seal_rig.h"

#define NOW INT64_C(1795348800000000)       /* 2026-11-22T12:00:00Z */

static char dir[] = "/tmp/vouch-seal-keys-XXXXXX";
static char trust_path[64], folder[64];

/* ---- a disk that fails ------------------------------------------------- */

static const char *fail_rename;     /* of this name: no room on disk */
static int fail_fsync_after = -1;   /* so many go well */

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

int
__wrap_rename(const char *from, const char *to)
{
    const char *slash = strrchr(to, '/');

    if (fail_rename != NULL && slash != NULL &&
        strncmp(slash + 1, fail_rename, strlen(fail_rename)) == 0) {
        errno = ENOSPC;
        return (-1);
    }
    return (__real_rename(from, to));
}

int
__wrap_fsync(int fd)
{
    if (fail_fsync_after >= 0 && fail_fsync_after-- == 0) {
        errno = EIO;
        return (-1);
    }
    return (__real_fsync(fd));
}

/* ---- a world ----------------------------------------------------------- */

struct world {
    struct founded founded;
    struct trust_content *content;      /* what the trust file says */
    struct seal_keys *keys;
    char why[512];
};

static int
make_dir(void **state)
{
    (void)state;
    if (mkdtemp(dir) == NULL)
        return (-1);
    (void)snprintf(trust_path, sizeof(trust_path), "%s/trust.json", dir);
    (void)snprintf(folder, sizeof(folder), "%s/seal", dir);
    return (0);
}

static int
remove_dir(void **state)
{
    (void)state;
    return (rmdir(dir));
}

static enum err
open_keys(struct world *w)
{
    const struct seal_keys_options options = {.trust = trust_path,
        .dir = folder};

    w->why[0] = '\0';
    return (seal_keys_open(&options, NOW, &w->keys, w->why, sizeof(w->why)));
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct trust *trust;

    assert_non_null(w);
    assert_non_null(w->content = malloc(sizeof(*w->content)));
    w->founded = seal_rig_make(dir);
    assert_int_equal(trust_file_read(trust_path, &trust, w->why,
        sizeof(w->why)), E_OK);
    *w->content = *trust_content(trust);
    trust_free(trust);
    assert_int_equal(open_keys(w), E_OK);
    *state = w;
    return (0);
}

static int
teardown(void **state)
{
    struct world *w = *state;

    fail_rename = NULL;
    fail_fsync_after = -1;
    seal_keys_free(w->keys);
    free(w->content);
    free(w);
    seal_rig_remove(dir);
    return (0);
}

static struct trust_key *
listed(struct world *w, const uint8_t *id)
{
    for (size_t i = 0; i < w->content->nkeys; i++)
        if (memcmp(w->content->keys[i].id, id, ED25519_KEY_ID) == 0)
            return (&w->content->keys[i]);
    fail_msg("not listed");
    return (NULL);
}

/* The next version of the trust file, as ${w}->content has become. */
static void
publish(struct world *w)
{
    w->content->version++;
    seal_rig_sign(dir, w->content);
}

static void
in_use_is(struct world *w, const uint8_t *id)
{
    struct seal_key key;

    seal_keys_current(w->keys, &key);
    assert_memory_equal(signer_key_id(key.signer), id, ED25519_KEY_ID);
    signer_release(key.signer);
}

static enum err
reload(struct world *w)
{
    w->why[0] = '\0';
    return (seal_keys_reload(w->keys, NOW, w->why, sizeof(w->why)));
}

/* Neither now nor at the next start, and told in these words. */
static void
is_refused(struct world *w, enum err err, const char *what)
{
    const struct seal_keys_options options = {.trust = trust_path,
        .dir = folder};
    struct seal_keys *before = w->keys;
    unsigned generation = seal_keys_generation(before);

    assert_int_equal(reload(w), err);
    if (strstr(w->why, what) == NULL)
        fail_msg("'%s' lacks '%s'", w->why, what);
    in_use_is(w, w->founded.current);
    assert_int_equal(seal_keys_generation(before), generation);
    assert_int_equal(open_keys(w), err);
    assert_null(w->keys);
    assert_non_null(strstr(w->why, what));
    w->keys = before;
    w->why[0] = '\0';
    if (fail_rename == NULL) {
        assert_int_equal(seal_keys_check(&options, NOW, w->why,
            sizeof(w->why)), err);
        assert_non_null(strstr(w->why, what));
    }
}

static enum err
rotate(struct world *w, const uint8_t *expected, struct seal_rotation *r)
{
    w->why[0] = '\0';
    return (seal_keys_rotate(w->keys, expected, NOW, r, w->why,
        sizeof(w->why)));
}

static int
is_there(const uint8_t *id, enum key_half half)
{
    char path[PATH_MAX];

    key_folder_path(folder, TRUST_SEAL, id, half, path);
    return (access(path, F_OK) == 0);
}

static void
list(struct world *w, const uint8_t *public_key)
{
    struct trust_key *key = &w->content->keys[w->content->nkeys++];

    *key = w->content->keys[0];
    memcpy(key->public_key, public_key, ED25519_PUBLIC_KEY);
    ed25519_key_id(public_key, key->id);
    key->use = TRUST_SEAL;
    key->state = TRUST_ACTIVE;
}

static void
write_file(const char *name, const char *text)
{
    char path[PATH_MAX];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_non_null(f = fopen(path, "w"));
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* ---- the key in use ---------------------------------------------------- */

static void
the_first_key_is_in_use(void **state)
{
    struct world *w = *state;
    struct seal_end ends[SEAL_ENDS];
    struct seal_key key;

    in_use_is(w, w->founded.current);
    seal_keys_current(w->keys, &key);
    assert_string_equal(key.origin, SEAL_RIG_ORIGIN);
    assert_int_equal(key.from_us, SEAL_RIG_FROM);
    assert_int_equal(key.until_us, SEAL_RIG_UNTIL);
    signer_release(key.signer);
    seal_keys_ends(w->keys, ends);
    assert_string_equal(ends[0].file, trust_path);
    assert_int_equal(ends[0].at_us, SEAL_RIG_UNTIL);
    assert_non_null(strstr(ends[1].file, folder));
    assert_int_equal(ends[1].at_us, SEAL_RIG_UNTIL);
}

static void
what_is_read_again_is_in_force(void **state)
{
    struct world *w = *state;
    unsigned generation = seal_keys_generation(w->keys);
    struct seal_end ends[SEAL_ENDS];

    w->content->expires_us = NOW;
    publish(w);
    assert_int_equal(reload(w), E_OK);
    assert_int_not_equal(seal_keys_generation(w->keys), generation);
    seal_keys_ends(w->keys, ends);
    assert_int_equal(ends[0].at_us, NOW);       /* over, and used */
    in_use_is(w, w->founded.current);
}

static void
what_is_not_there_is_refused(void **state)
{
    struct world *w = *state;
    char path[PATH_MAX];

    key_folder_path(folder, TRUST_SEAL, w->founded.current, KEY_PRIVATE, path);
    assert_int_equal(unlink(path), 0);
    is_refused(w, E_NOTFOUND, path);
    (void)snprintf(path, sizeof(path), "%s/current", folder);
    assert_int_equal(unlink(path), 0);
    is_refused(w, E_NOTFOUND, "vouchd init");
    assert_int_equal(unlink(trust_path), 0);
    is_refused(w, E_NOTFOUND, "vouchd init");
    seal_rig_remove(dir);
    is_refused(w, E_NOTFOUND, folder);
}

static void
what_others_may_read_is_refused(void **state)
{
    struct world *w = *state;
    char path[PATH_MAX];

    key_folder_path(folder, TRUST_SEAL, w->founded.current, KEY_PRIVATE, path);
    assert_int_equal(chmod(path, 0640), 0);
    is_refused(w, E_DENIED, path);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(folder, 0720), 0);
    is_refused(w, E_DENIED, "others may write to it");
    assert_int_equal(chmod(folder, 0702), 0);
    is_refused(w, E_DENIED, folder);
    assert_int_equal(chmod(folder, 0750), 0);
    assert_int_equal(reload(w), E_OK);
    assert_int_equal(chmod(folder, 0700), 0);
}

static void
another_key_than_the_name_says_is_refused(void **state)
{
    struct world *w = *state;
    char path[PATH_MAX], other[PATH_MAX];

    key_folder_path(folder, TRUST_SEAL, w->founded.current, KEY_PRIVATE, path);
    key_folder_path(folder, TRUST_SEAL, w->founded.next, KEY_PRIVATE, other);
    assert_int_equal(rename(other, path), 0);
    is_refused(w, E_INVAL, "another key");
}

static void
a_key_that_is_not_listed_for_now_is_refused(void **state)
{
    struct world *w = *state;
    struct trust_key *key = listed(w, w->founded.current);
    char next[KEY_FOLDER_ID + 1];

    bytes_to_hex((struct slice){w->founded.next, ED25519_KEY_ID}, next);
    key->state = TRUST_RETIRED;
    publish(w);
    is_refused(w, E_DENIED, "marked retired");
    assert_non_null(strstr(w->why, next));      /* what to do */
    key->state = TRUST_COMPROMISED;
    key->compromised_us = SEAL_RIG_FROM;
    publish(w);
    is_refused(w, E_DENIED, "marked compromised");
    key->state = TRUST_ACTIVE;
    key->compromised_us = 0;
    key->until_us = NOW;
    publish(w);
    is_refused(w, E_DENIED, "valid until 2026-11-22T12:00:00Z");
    key->until_us = SEAL_RIG_UNTIL;
    key->from_us = NOW + 1000000;
    publish(w);
    is_refused(w, E_DENIED, "valid from 2026-11-22T12:00:01Z");
    *key = w->content->keys[--w->content->nkeys];
    publish(w);
    is_refused(w, E_DENIED, "is not listed");
}

static void
without_another_key_it_says_how_to_list_one(void **state)
{
    struct world *w = *state;

    listed(w, w->founded.current)->state = TRUST_RETIRED;
    listed(w, w->founded.next)->until_us = NOW;
    publish(w);
    is_refused(w, E_DENIED, "vouchd key make");
    write_file("seal-0000000000000000000000000000000000000000000000000000000"
        "000000000.key", "");
    is_refused(w, E_DENIED, "000000000.pub");
}

static void
a_trust_file_that_is_changed_is_refused(void **state)
{
    struct world *w = *state;
    char text[8192];
    FILE *f = fopen(trust_path, "r+");
    size_t n;
    char *at;

    assert_non_null(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    assert_non_null(at = strstr(text, "\"2100-"));
    assert_int_equal(fseek(f, at + 1 - text, SEEK_SET), 0);
    assert_int_equal(fputs("2101", f), 1);
    assert_int_equal(fclose(f), 0);
    is_refused(w, E_CORRUPT, trust_path);
}

static void
an_older_trust_file_is_refused(void **state)
{
    struct world *w = *state;

    w->content->version = 6;
    publish(w);
    assert_int_equal(reload(w), E_OK);
    w->content->version = 5;
    publish(w);                                 /* the same once more */
    w->content->version = 5;
    seal_rig_sign(dir, w->content);
    is_refused(w, E_DENIED, "version 5, and version 7");
    write_file("trust-version", "x\n");
    is_refused(w, E_INVAL, "trust-version");
    write_file("trust-version", "7");
    is_refused(w, E_INVAL, "trust-version");
    write_file("trust-version", "5\n");
    assert_int_equal(reload(w), E_OK);
}

static void
what_is_only_checked_is_not_remembered(void **state)
{
    struct world *w = *state;
    const struct seal_keys_options options = {.trust = trust_path,
        .dir = folder};
    int64_t version;

    publish(w);
    assert_int_equal(seal_keys_check(&options, NOW, w->why, sizeof(w->why)),
        E_OK);
    assert_int_equal(key_folder_version(folder, &version, w->why,
        sizeof(w->why)), E_OK);
    assert_int_equal(version, 1);
}

static void
what_was_refused_is_not_remembered(void **state)
{
    struct world *w = *state;

    listed(w, w->founded.current)->state = TRUST_RETIRED;
    publish(w);
    is_refused(w, E_DENIED, "marked retired");
    listed(w, w->founded.current)->state = TRUST_ACTIVE;
    w->content->version = 1;
    seal_rig_sign(dir, w->content);
    assert_int_equal(reload(w), E_OK);
}

static void
what_cannot_be_remembered_is_not_in_force(void **state)
{
    struct world *w = *state;

    publish(w);
    fail_rename = "trust-version";
    is_refused(w, E_FULL, "trust-version");
    fail_rename = NULL;
    assert_int_equal(reload(w), E_OK);
}

static void
a_bad_current_is_refused(void **state)
{
    struct world *w = *state;

    write_file("current", "");
    is_refused(w, E_INVAL, "current");
    write_file("current", "abc\n");
    is_refused(w, E_INVAL, "64");
}

/* ---- rotation ---------------------------------------------------------- */

static void
the_next_listed_key_takes_over(void **state)
{
    struct world *w = *state;
    struct seal_rotation r;
    struct signer *pending;
    struct seal_key before;
    unsigned generation = seal_keys_generation(w->keys);

    seal_keys_current(w->keys, &before);
    assert_int_equal(rotate(w, w->founded.current, &r), E_OK);
    assert_int_equal(r.fault, SEAL_FAULT_NONE);
    assert_memory_equal(r.previous, w->founded.current, ED25519_KEY_ID);
    assert_memory_equal(r.current, w->founded.next, ED25519_KEY_ID);
    assert_int_equal(r.listed_next, 0);
    assert_true(r.is_wiped);
    in_use_is(w, w->founded.next);
    assert_int_not_equal(seal_keys_generation(w->keys), generation);
    assert_false(is_there(r.previous, KEY_PRIVATE));
    assert_true(is_there(r.previous, KEY_PUBLIC));
    assert_true(is_there(r.pending, KEY_PUBLIC));
    assert_int_equal(key_folder_open(folder, TRUST_SEAL, r.pending, &pending,
        w->why, sizeof(w->why)), E_OK);
    assert_memory_equal(signer_public_key(pending), r.pending_public,
        ED25519_PUBLIC_KEY);
    signer_release(pending);
    /* Whoever has it still, seals with it. */
    assert_memory_equal(signer_key_id(before.signer), r.previous,
        ED25519_KEY_ID);
    signer_release(before.signer);
    /* And after a restart. */
    seal_keys_free(w->keys);
    assert_int_equal(open_keys(w), E_OK);
    in_use_is(w, w->founded.next);
}

static void
what_is_not_listed_does_not_take_over(void **state)
{
    struct world *w = *state;
    struct seal_rotation first, second;
    char hex[KEY_FOLDER_ID + 1];

    assert_int_equal(rotate(w, NULL, &first), E_OK);
    assert_int_equal(rotate(w, NULL, &second), E_NOTFOUND);
    assert_int_equal(second.fault, SEAL_FAULT_NEXT);
    bytes_to_hex((struct slice){first.pending, ED25519_KEY_ID}, hex);
    assert_non_null(strstr(w->why, hex));       /* what to list */
    assert_non_null(strstr(w->why, "vouchd trust add"));
    in_use_is(w, w->founded.next);
    list(w, first.pending_public);
    publish(w);
    assert_int_equal(rotate(w, NULL, &second), E_OK);
    in_use_is(w, first.pending);
    assert_memory_equal(second.previous, w->founded.next, ED25519_KEY_ID);
}

static void
those_that_may_come_after_are_counted(void **state)
{
    struct world *w = *state;
    uint8_t public_key[2][ED25519_PUBLIC_KEY];
    struct seal_rotation r;

    for (int i = 0; i < 2; i++) {
        assert_int_equal(key_folder_make(folder, TRUST_SEAL, public_key[i],
            w->why, sizeof(w->why)), E_OK);
        list(w, public_key[i]);
    }
    /* One for later counts, and is not taken. */
    w->content->keys[w->content->nkeys - 2].from_us = NOW + 1000000;
    publish(w);
    assert_int_equal(rotate(w, NULL, &r), E_OK);
    assert_memory_equal(r.current, w->founded.next, ED25519_KEY_ID);
    assert_int_equal(r.listed_next, 2);
    assert_int_equal(rotate(w, NULL, &r), E_OK);
    assert_memory_equal(r.current,
        w->content->keys[w->content->nkeys - 1].id, ED25519_KEY_ID);
    assert_int_equal(r.listed_next, 1);
}

static void
a_compromised_key_can_be_left(void **state)
{
    struct world *w = *state;
    struct trust_key *key = listed(w, w->founded.current);
    struct seal_rotation r;

    key->state = TRUST_COMPROMISED;
    key->compromised_us = NOW;
    publish(w);
    is_refused(w, E_DENIED, "marked compromised");
    assert_int_equal(rotate(w, NULL, &r), E_OK);
    in_use_is(w, w->founded.next);
}

static void
another_key_than_expected_stays(void **state)
{
    struct world *w = *state;
    struct seal_rotation r;

    assert_int_equal(rotate(w, w->founded.next, &r), E_EXISTS);
    assert_int_equal(r.fault, SEAL_FAULT_CURRENT);
    assert_memory_equal(r.current, w->founded.current, ED25519_KEY_ID);
    in_use_is(w, w->founded.current);
    assert_true(is_there(w->founded.current, KEY_PRIVATE));
}

static size_t
count_files(void)
{
    DIR *opened = opendir(folder);
    size_t n = 0;

    assert_non_null(opened);
    while (readdir(opened) != NULL)
        n++;
    assert_int_equal(closedir(opened), 0);
    return (n);
}

static void
nothing_changes_when_it_fails(void **state)
{
    static const char *const names[] = {"seal-", "current"};
    struct world *w = *state;
    struct seal_rotation r;
    size_t files = count_files();
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fail_rename = names[i];
        assert_int_equal(rotate(w, NULL, &r), E_FULL);
        assert_int_equal(r.fault, SEAL_FAULT_WRITE);
        fail_rename = NULL;
        in_use_is(w, w->founded.current);
        assert_true(is_there(w->founded.current, KEY_PRIVATE));
        assert_int_equal(count_files(), files);
    }
    key_folder_path(folder, TRUST_SEAL, w->founded.next, KEY_PRIVATE, path);
    assert_int_equal(chmod(path, 0604), 0);
    assert_int_equal(rotate(w, NULL, &r), E_DENIED);
    assert_int_equal(r.fault, SEAL_FAULT_KEY);
    assert_non_null(strstr(w->why, path));
    in_use_is(w, w->founded.current);
    assert_int_equal(chmod(path, 0600), 0);
    w->content->version = 0;
    publish(w);
    write_file("trust-version", "2\n");
    assert_int_equal(rotate(w, NULL, &r), E_DENIED);
    assert_int_equal(r.fault, SEAL_FAULT_TRUST);
    in_use_is(w, w->founded.current);
    assert_int_equal(count_files(), files);
}

/* Of the fsyncs the last but those of wiping is that of `current`'s folder. */
static void
what_may_be_lost_is_in_force_and_wipes_nothing(void **state)
{
    struct world *w = *state;
    struct seal_rotation r;
    enum err err = E_OK;
    int n = 0;

    for (; err != E_LOST && n < 20; n++) {
        fail_fsync_after = n;
        err = rotate(w, NULL, &r);
        fail_fsync_after = -1;
        if (err == E_LOST)
            break;
        assert_int_equal(err, E_IO);
        in_use_is(w, w->founded.current);
        assert_true(is_there(w->founded.current, KEY_PRIVATE));
    }
    assert_int_equal(err, E_LOST);
    in_use_is(w, w->founded.next);
    assert_true(is_there(w->founded.current, KEY_PRIVATE));
    assert_false(r.is_wiped);
}

static void
what_cannot_be_wiped_is_told(void **state)
{
    struct world *w = *state;
    struct seal_rotation r;
    char path[PATH_MAX];
    int n = 0;

    key_folder_path(folder, TRUST_SEAL, w->founded.current, KEY_PRIVATE, path);
    for (; n < 20; n++) {
        fail_fsync_after = n;
        if (rotate(w, NULL, &r) == E_OK)
            break;
        fail_fsync_after = -1;
        if (memcmp(r.current, w->founded.next, ED25519_KEY_ID) == 0) {
            /* The one that is lost: as it was before. */
            assert_int_equal(key_folder_set_current(folder,
                w->founded.current, w->why, sizeof(w->why)), E_OK);
            assert_int_equal(reload(w), E_OK);
        }
    }
    fail_fsync_after = -1;
    assert_true(n > 2 && n < 20);
    assert_false(r.is_wiped);
    assert_non_null(strstr(w->why, path));
    in_use_is(w, w->founded.next);
    assert_false(is_there(w->founded.current, KEY_PRIVATE));
}

/* As after a power cut between what wipes a file and what removes it. */
static void
what_was_wiped_by_half_hinders_nobody(void **state)
{
    static const char zeros[119];
    struct world *w = *state;
    uint8_t public_key[ED25519_PUBLIC_KEY];
    struct seal_rotation r;
    char path[PATH_MAX];
    FILE *f;

    assert_int_equal(key_folder_make(folder, TRUST_SEAL, public_key, w->why,
        sizeof(w->why)), E_OK);
    list(w, public_key);
    publish(w);
    key_folder_path(folder, TRUST_SEAL, w->founded.next, KEY_PRIVATE, path);
    assert_non_null(f = fopen(path, "r+"));
    assert_int_equal(fwrite(zeros, 1, sizeof(zeros), f), sizeof(zeros));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rotate(w, NULL, &r), E_OK);
    assert_memory_equal(r.current,
        w->content->keys[w->content->nkeys - 1].id, ED25519_KEY_ID);
    assert_int_equal(r.listed_next, 0);
}

/* Who must leave a key has no time to mend what is not needed for it. */
static void
a_fault_of_a_later_key_hinders_nobody(void **state)
{
    struct world *w = *state;
    uint8_t public_key[ED25519_PUBLIC_KEY], id[ED25519_KEY_ID];
    struct seal_rotation r;
    char path[PATH_MAX];

    assert_int_equal(key_folder_make(folder, TRUST_SEAL, public_key, w->why,
        sizeof(w->why)), E_OK);
    list(w, public_key);
    publish(w);
    ed25519_key_id(public_key, id);
    key_folder_path(folder, TRUST_SEAL, id, KEY_PRIVATE, path);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(rotate(w, NULL, &r), E_OK);
    assert_memory_equal(r.current, w->founded.next, ED25519_KEY_ID);
    assert_int_equal(r.listed_next, 0);
    assert_int_equal(rotate(w, NULL, &r), E_DENIED);
    assert_int_equal(r.fault, SEAL_FAULT_KEY);
    assert_non_null(strstr(w->why, path));
    in_use_is(w, w->founded.next);
}

/* `vouchd key make` beside a daemon that rotates, or beside another one. */
static void
keys_made_at_the_same_time_do_not_mix(void **state)
{
    enum { MAKERS = 4, EACH = 8 };
    struct world *w = *state;
    uint8_t public_key[ED25519_PUBLIC_KEY], id[ED25519_KEY_ID];
    pid_t makers[MAKERS];
    struct signer *signer;
    const struct dirent *entry;
    size_t n = 0;
    DIR *opened;

    for (int i = 0; i < MAKERS; i++) {
        if ((makers[i] = fork()) != 0)
            continue;
        for (int made = 0; made < EACH; made++)
            if (key_folder_make(folder, TRUST_SEAL, public_key, w->why,
                sizeof(w->why)) != E_OK)
                _exit(1);
        _exit(0);
    }
    for (int i = 0; i < MAKERS; i++) {
        int status = -1;

        assert_int_equal(waitpid(makers[i], &status, 0), makers[i]);
        assert_int_equal(status, 0);
    }
    assert_non_null(opened = opendir(folder));
    while ((entry = readdir(opened)) != NULL) {
        if (strncmp(entry->d_name, "seal-", 5) != 0 ||
            strstr(entry->d_name, ".key") == NULL)
            continue;
        assert_int_equal(bytes_from_digits((const uint8_t *)entry->d_name + 5,
            id, sizeof(id)), E_OK);
        assert_int_equal(key_folder_open(folder, TRUST_SEAL, id, &signer,
            w->why, sizeof(w->why)), E_OK);
        signer_release(signer);
        assert_true(is_there(id, KEY_PUBLIC));
        n++;
    }
    assert_int_equal(closedir(opened), 0);
    assert_int_equal(n, 2 + MAKERS * EACH);
}

/* ---- memory ------------------------------------------------------------ */

static void
every_failed_allocation_refuses_to_open(void **state)
{
    struct world *w = *state;
    struct seal_keys *before = w->keys;
    enum err err;
    int n = 0;

    for (;; n++) {
        fault_arm(n);
        err = open_keys(w);
        fault_arm(-1);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        assert_null(w->keys);
        assert_true(w->why[0] != '\0');
    }
    assert_true(n > 4);
    seal_keys_free(before);
}

static void
every_failed_allocation_keeps_what_was_in_force(void **state)
{
    struct world *w = *state;
    struct seal_rotation r;
    enum err err;
    int n = 0;

    publish(w);
    for (;; n++) {
        fault_arm(n);
        err = reload(w);
        fault_arm(-1);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        in_use_is(w, w->founded.current);
    }
    assert_true(n > 2);
    for (n = 0;; n++) {
        fault_arm(n);
        err = rotate(w, NULL, &r);
        fault_arm(-1);
        if (err == E_OK)
            break;
        assert_int_equal(err, E_NOMEM);
        in_use_is(w, w->founded.current);
        assert_true(is_there(w->founded.current, KEY_PRIVATE));
    }
    assert_true(n > 4);
    in_use_is(w, w->founded.next);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_key_is_in_use),
        TEST(what_is_read_again_is_in_force),
        TEST(what_is_not_there_is_refused),
        TEST(what_others_may_read_is_refused),
        TEST(another_key_than_the_name_says_is_refused),
        TEST(a_key_that_is_not_listed_for_now_is_refused),
        TEST(without_another_key_it_says_how_to_list_one),
        TEST(a_trust_file_that_is_changed_is_refused),
        TEST(an_older_trust_file_is_refused),
        TEST(what_is_only_checked_is_not_remembered),
        TEST(what_was_refused_is_not_remembered),
        TEST(what_cannot_be_remembered_is_not_in_force),
        TEST(a_bad_current_is_refused),
        TEST(the_next_listed_key_takes_over),
        TEST(what_is_not_listed_does_not_take_over),
        TEST(those_that_may_come_after_are_counted),
        TEST(a_compromised_key_can_be_left),
        TEST(another_key_than_expected_stays),
        TEST(nothing_changes_when_it_fails),
        TEST(what_may_be_lost_is_in_force_and_wipes_nothing),
        TEST(what_cannot_be_wiped_is_told),
        TEST(what_was_wiped_by_half_hinders_nobody),
        TEST(a_fault_of_a_later_key_hinders_nobody),
        TEST(keys_made_at_the_same_time_do_not_mix),
        TEST(every_failed_allocation_refuses_to_open),
        TEST(every_failed_allocation_keeps_what_was_in_force),
    };

    return (cmocka_run_group_tests(tests, make_dir, remove_dir));
}
