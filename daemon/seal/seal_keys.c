#include "seal/seal_keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seal/key_folder.h"
#include "seal/trust_file.h"

struct seal_keys {
    char *trust;                /* owned, as ${dir} */
    char *dir;
    pthread_mutex_t changing;   /* who reads or rotates has it, disk and all */
    pthread_mutex_t lock;       /* over what follows, and never for long */
    struct seal_key key;
    int64_t trust_until_us;
    atomic_uint generation;
};

/* One look, or one change, on its way. */
struct change {
    struct seal_keys_options files;
    struct seal_keys *keys;     /* NULL: nothing will change */
    int64_t now_us;
    struct trust *trust;        /* owned */
    int64_t seen;               /* the highest version so far */
    char *why;
    size_t size;
};

static void
hex_of(const uint8_t id[ED25519_KEY_ID], char hex[KEY_FOLDER_ID + 1])
{
    bytes_to_hex((struct slice){id, ED25519_KEY_ID}, hex);
}

/* ---- what the trust file says ------------------------------------------ */

/* Older than one before means that somebody would undo what that one said. */
static enum err
read_trust(struct change *c)
{
    const char *dir = c->files.dir, *path = c->files.trust;
    int64_t version;
    enum err err;

    if ((err = key_folder_check(dir, c->why, c->size)) != E_OK ||
        (err = trust_file_read(path, &c->trust, c->why, c->size)) != E_OK ||
        (err = key_folder_version(dir, &c->seen, c->why, c->size)) != E_OK)
        return (err);
    if ((version = trust_content(c->trust)->version) >= c->seen)
        return (E_OK);
    (void)snprintf(c->why, c->size, "%s: this is version %lld, and version "
        "%lld was in force before; bring that one back, or a newer one", path,
        (long long)version, (long long)c->seen);
    return (E_DENIED);
}

/* What is wrong with the listed ${key} at this time; NULL: nothing. */
static const char *
unfit(const struct trust_key *key, int64_t now_us, char text[96])
{
    char when[TRUST_TIME_MAX + 1];

    if (key->state != TRUST_ACTIVE) {
        (void)snprintf(text, 96, "is marked %s", trust_state_name(key->state));
        return (text);
    }
    if (now_us < key->from_us) {
        trust_time(key->from_us, when);
        (void)snprintf(text, 96, "is valid from %s on", when);
        return (text);
    }
    if (now_us >= key->until_us) {
        trust_time(key->until_us, when);
        (void)snprintf(text, 96, "was valid until %s", when);
        return (text);
    }
    return (NULL);
}

/* ---- the key that comes after ------------------------------------------ */

static const struct trust_key *
key_at(const struct trust_content *content, size_t at)
{
    return (&content->keys[at % content->nkeys]);
}

/* Where in the list ${id} stands: who comes after it comes next. */
static size_t
place_of(const struct trust_content *content, const uint8_t *id)
{
    for (size_t i = 0; i < content->nkeys; i++)
        if (content->keys[i].use == TRUST_SEAL &&
            memcmp(content->keys[i].id, id, ED25519_KEY_ID) == 0)
            return (i);
    return (content->nkeys);
}

/*
 * The first that is fit, after the one in use, round the list; and how many
 * more there are, which may be for later.  A private half that is not here is
 * another daemon's, and no fault; what is wrong with one of those is told when
 * it is needed.
 */
static enum err
find_next(struct change *c, const uint8_t *in_use, struct signer **next,
    const struct trust_key **listed, int *more)
{
    const struct trust_content *content = trust_content(c->trust);
    size_t from = place_of(content, in_use) + 1;
    struct signer *signer;
    char text[96];
    int is_next;
    enum err err;

    *next = NULL;
    *more = 0;
    for (size_t i = 0; i < content->nkeys; i++) {
        const struct trust_key *key = key_at(content, from + i);

        if (key->use != TRUST_SEAL || key->state != TRUST_ACTIVE ||
            c->now_us >= key->until_us ||
            memcmp(key->id, in_use, ED25519_KEY_ID) == 0)
            continue;
        if ((err = key_folder_open(c->files.dir, TRUST_SEAL, key->id, &signer,
            c->why, c->size)) == E_NOTFOUND)
            continue;
        is_next = *next == NULL && unfit(key, c->now_us, text) == NULL;
        if (err != E_OK && !is_next && err != E_NOMEM)
            continue;
        if (err != E_OK) {
            signer_release(*next);
            *next = NULL;
            return (err);
        }
        if (is_next) {
            *next = signer;
            *listed = key;
            continue;
        }
        signer_release(signer);
        ++*more;
    }
    return (E_OK);
}

/* To be said where there is no next key: which could be one, and how. */
static void
say_how_to_list(const struct change *c, const char *what)
{
    uint8_t id[ED25519_KEY_ID];
    char path[PATH_MAX];

    if (key_folder_spare(c->files.dir, TRUST_SEAL, c->trust, id))
        key_folder_path(c->files.dir, TRUST_SEAL, id, KEY_PUBLIC, path);
    else
        (void)snprintf(path, sizeof(path), "FILE (vouchd key make makes one)");
    (void)snprintf(c->why, c->size, "%s; where the root key is, vouchd trust "
        "add --use seal --public-key %s, and put the new %s in place", what,
        path, c->files.trust);
}

/* ---- the key in use ---------------------------------------------------- */

/* Another key may do: then it is for a person to say so. */
static enum err
refuse_current(struct change *c, const uint8_t *id, const char *what)
{
    const struct trust_key *listed = NULL;
    struct signer *next = NULL;
    char hex[KEY_FOLDER_ID + 1], other[KEY_FOLDER_ID + 1], text[256];
    int more;

    hex_of(id, hex);
    (void)snprintf(text, sizeof(text), "the seal key %s %s", hex, what);
    if (find_next(c, id, &next, &listed, &more) == E_OK && next != NULL) {
        hex_of(listed->id, other);
        (void)snprintf(c->why, c->size, "%s in %s; vouch key rotate, or "
            "without a daemon that runs write %s into %s/current", text,
            c->files.trust, other, c->files.dir);
    } else
        say_how_to_list(c, text);
    signer_release(next);
    return (E_DENIED);
}

/* The listed key that is to be in use. */
static enum err
read_current(struct change *c, const struct trust_key **listed)
{
    uint8_t id[ED25519_KEY_ID];
    const char *what = "is not listed";
    char text[96];
    enum err err;

    if ((err = key_folder_current(c->files.dir, id, c->why, c->size)) != E_OK)
        return (err);
    if ((*listed = trust_find(c->trust, TRUST_SEAL, id)) == NULL ||
        (what = unfit(*listed, c->now_us, text)) != NULL)
        return (refuse_current(c, id, what));
    return (E_OK);
}

/* What comes into force will not be undone by an older file. */
static enum err
remember(struct change *c)
{
    int64_t version = trust_content(c->trust)->version;
    enum err err = E_OK;

    if (version > c->seen)
        err = key_folder_set_version(c->files.dir, version, c->why, c->size);
    return (err == E_LOST ? E_IO : err);
}

/* ${signer} becomes the key in use; the reference is taken over. */
static void
put_in_force(const struct change *c, struct signer *signer,
    const struct trust_key *listed)
{
    struct seal_keys *keys = c->keys;
    const struct trust_content *content = trust_content(c->trust);
    struct signer *before;

    (void)pthread_mutex_lock(&keys->lock);
    before = keys->key.signer;
    keys->key.signer = signer;
    memcpy(keys->key.origin, content->origin, sizeof(keys->key.origin));
    keys->key.from_us = listed->from_us;
    keys->key.until_us = listed->until_us;
    keys->trust_until_us = content->expires_us;
    (void)atomic_fetch_add(&keys->generation, 1);
    (void)pthread_mutex_unlock(&keys->lock);
    signer_release(before);
}

static struct change
begin(struct seal_keys *keys, int64_t now_us, char *why, size_t size)
{
    (void)snprintf(why, size, "%s", err_text(E_NOMEM));
    return ((struct change){.files = {.trust = keys->trust, .dir = keys->dir},
        .keys = keys, .now_us = now_us, .why = why, .size = size});
}

enum err
seal_keys_reload(struct seal_keys *keys, int64_t now_us, char *why,
    size_t size)
{
    struct change c = begin(keys, now_us, why, size);
    const struct trust_key *listed = NULL;
    struct signer *signer = NULL;
    enum err err;

    (void)pthread_mutex_lock(&keys->changing);
    if ((err = read_trust(&c)) == E_OK &&
        (err = read_current(&c, &listed)) == E_OK &&
        (err = key_folder_open(keys->dir, TRUST_SEAL, listed->id, &signer, why,
        size)) == E_OK &&
        (err = remember(&c)) == E_OK) {
        put_in_force(&c, signer, listed);
        signer = NULL;
        (void)snprintf(why, size, "%s", "");
    }
    (void)pthread_mutex_unlock(&keys->changing);
    signer_release(signer);
    trust_free(c.trust);
    return (err);
}

/*
 * Of a key that is the daemon's, root may see that it is there and private;
 * what is in it is for the daemon to read.
 */
static enum err
check_private(const struct change *c, const uint8_t *id)
{
    struct signer *signer;
    struct stat status;
    char path[PATH_MAX];
    enum err err;

    key_folder_path(c->files.dir, TRUST_SEAL, id, KEY_PRIVATE, path);
    if (geteuid() == 0 && lstat(path, &status) == 0 && status.st_uid != 0 &&
        S_ISREG(status.st_mode)) {
        if ((status.st_mode & 077) == 0)
            return (E_OK);
        (void)snprintf(c->why, c->size, "%s: others may read or write it; "
            "the mode must be 0600", path);
        return (E_DENIED);
    }
    if ((err = key_folder_open(c->files.dir, TRUST_SEAL, id, &signer, c->why,
        c->size)) == E_OK)
        signer_release(signer);
    return (err);
}

enum err
seal_keys_check(const struct seal_keys_options *options, int64_t now_us,
    char *why, size_t size)
{
    struct change c = {.files = *options, .now_us = now_us, .why = why,
        .size = size};
    const struct trust_key *listed = NULL;
    enum err err;

    (void)snprintf(why, size, "%s", err_text(E_NOMEM));
    if ((err = read_trust(&c)) == E_OK &&
        (err = read_current(&c, &listed)) == E_OK &&
        (err = check_private(&c, listed->id)) == E_OK)
        (void)snprintf(why, size, "%s", "");
    trust_free(c.trust);
    return (err);
}

/* ---- rotation ---------------------------------------------------------- */

/* What was made for nothing goes again. */
static void
take_back(const struct change *c, const uint8_t *id)
{
    char path[PATH_MAX], why[64];

    if (key_folder_wipe(c->files.dir, TRUST_SEAL, id, why, sizeof(why)) !=
        E_OK)
        return;
    key_folder_path(c->files.dir, TRUST_SEAL, id, KEY_PUBLIC, path);
    (void)remove(path);
}

/* All that is to be on disk before ${next} is in force. */
static enum err
write_rotation(struct change *c, const struct signer *next,
    struct seal_rotation *rotation)
{
    const char *dir = c->files.dir;
    enum err err;

    if ((err = key_folder_make(dir, TRUST_SEAL, rotation->pending_public,
        c->why, c->size)) != E_OK)
        return (err);
    ed25519_key_id(rotation->pending_public, rotation->pending);
    if ((err = remember(c)) == E_OK)
        err = key_folder_set_current(dir, signer_key_id(next), c->why,
            c->size);
    if (err != E_OK && err != E_LOST)
        take_back(c, rotation->pending);
    return (err);
}

static enum err
rotate(struct change *c, const uint8_t *expected,
    struct seal_rotation *rotation)
{
    const struct trust_key *listed = NULL;
    struct signer *next = NULL;
    char text[2 * KEY_FOLDER_ID];
    enum err err;

    memcpy(rotation->previous, signer_key_id(c->keys->key.signer),
        ED25519_KEY_ID);
    memcpy(rotation->current, rotation->previous, ED25519_KEY_ID);
    if (expected != NULL &&
        memcmp(expected, rotation->previous, ED25519_KEY_ID) != 0) {
        hex_of(rotation->previous, text);
        (void)snprintf(c->why, c->size, "the key in use is %s", text);
        rotation->fault = SEAL_FAULT_CURRENT;
        return (E_EXISTS);
    }
    rotation->fault = SEAL_FAULT_TRUST;
    if ((err = read_trust(c)) != E_OK)
        return (err);
    rotation->fault = SEAL_FAULT_KEY;
    if ((err = find_next(c, rotation->previous, &next, &listed,
        &rotation->listed_next)) != E_OK)
        return (err);
    if (next == NULL) {
        rotation->fault = SEAL_FAULT_NEXT;
        say_how_to_list(c, "no further seal key is listed as active and "
            "valid now, with its private half here");
        return (E_NOTFOUND);
    }
    rotation->fault = SEAL_FAULT_WRITE;
    err = write_rotation(c, next, rotation);
    if (err != E_OK && err != E_LOST) {
        signer_release(next);
        return (err);
    }
    rotation->fault = SEAL_FAULT_NONE;
    memcpy(rotation->current, listed->id, ED25519_KEY_ID);
    put_in_force(c, next, listed);
    return (err);
}

enum err
seal_keys_rotate(struct seal_keys *keys, const uint8_t *expected,
    int64_t now_us, struct seal_rotation *rotation, char *why, size_t size)
{
    struct change c = begin(keys, now_us, why, size);
    enum err err;

    memset(rotation, 0, sizeof(*rotation));
    (void)pthread_mutex_lock(&keys->changing);
    err = rotate(&c, expected, rotation);
    /* Not before the next one is sure to be found after a restart. */
    if (err == E_OK) {
        (void)snprintf(why, size, "%s", "");
        rotation->is_wiped = key_folder_wipe(keys->dir, TRUST_SEAL,
            rotation->previous, why, size) == E_OK;
    }
    (void)pthread_mutex_unlock(&keys->changing);
    trust_free(c.trust);
    return (err);
}

/* ---- life, and what workers ask ---------------------------------------- */

static char *
copy_of(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);

    return (copy == NULL ? NULL : memcpy(copy, text, n));
}

enum err
seal_keys_open(const struct seal_keys_options *options, int64_t now_us,
    struct seal_keys **keys, char *why, size_t size)
{
    struct seal_keys *made = NULL;
    enum err err = E_NOMEM;

    *keys = NULL;
    (void)snprintf(why, size, "%s", err_text(E_NOMEM));

    if ((made = calloc(1, sizeof(*made))) == NULL)
        goto out;
    /* With default attributes neither fails on Linux. */
    (void)pthread_mutex_init(&made->changing, NULL);
    (void)pthread_mutex_init(&made->lock, NULL);
    atomic_init(&made->generation, 0);
    if ((made->trust = copy_of(options->trust)) == NULL ||
        (made->dir = copy_of(options->dir)) == NULL)
        goto out;
    if ((err = seal_keys_reload(made, now_us, why, size)) != E_OK)
        goto out;

    *keys = made;
    made = NULL;

out:
    seal_keys_free(made);
    return (err);
}

unsigned
seal_keys_generation(const struct seal_keys *keys)
{
    return (atomic_load_explicit(&keys->generation, memory_order_acquire));
}

void
seal_keys_current(struct seal_keys *keys, struct seal_key *key)
{
    (void)pthread_mutex_lock(&keys->lock);
    *key = keys->key;
    (void)signer_hold(key->signer);
    (void)pthread_mutex_unlock(&keys->lock);
}

void
seal_keys_ends(struct seal_keys *keys, struct seal_end ends[SEAL_ENDS])
{
    uint8_t id[ED25519_KEY_ID];
    char path[PATH_MAX];

    (void)pthread_mutex_lock(&keys->lock);
    ends[0].at_us = keys->trust_until_us;
    ends[1].at_us = keys->key.until_us;
    memcpy(id, signer_key_id(keys->key.signer), sizeof(id));
    (void)pthread_mutex_unlock(&keys->lock);
    key_folder_path(keys->dir, TRUST_SEAL, id, KEY_PRIVATE, path);
    (void)snprintf(ends[0].file, sizeof(ends[0].file), "%.255s", keys->trust);
    (void)snprintf(ends[1].file, sizeof(ends[1].file), "%.255s", path);
}

void
seal_keys_free(struct seal_keys *keys)
{
    if (keys == NULL)
        return;
    signer_release(keys->key.signer);
    (void)pthread_mutex_destroy(&keys->lock);
    (void)pthread_mutex_destroy(&keys->changing);
    free(keys->trust);
    free(keys->dir);
    free(keys);
}
