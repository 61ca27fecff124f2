#include "seal/founding.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seal/key_folder.h"
#include "seal/signer.h"
#include "seal/trust_file.h"

/* One founding on its way. */
struct making {
    const struct founding *wanted;
    struct founded *founded;
    struct trust_content *content;      /* owned */
    struct signer *root;                /* owned */
    int made_dir;
    int made_current;
    char *why;
    size_t size;
};

static enum err
complain(const struct making *m, enum err err, const char *path,
    const char *what)
{
    (void)snprintf(m->why, m->size, "%s: %s", path, what);
    return (err);
}

/* ---- nothing may be there ---------------------------------------------- */

static enum err
must_be_new(const struct making *m, const char *path)
{
    struct stat status;

    if (lstat(path, &status) == 0)
        return (complain(m, E_EXISTS, path, "is there already, and nothing "
            "is overwritten"));
    if (errno != ENOENT)
        return (complain(m, E_IO, path, strerror(errno)));
    return (E_OK);
}

static int
is_of_keys(const char *name)
{
    static const char *const beginnings[] = {"seal-", "checkpoint-",
        "current", "trust-version"};

    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
        if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
            return (1);
    return (0);
}

static enum err
must_have_no_keys(const struct making *m, const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    enum err err = E_OK;

    if (dir == NULL)
        return (errno == ENOENT ? E_OK : complain(m, E_IO, path,
            strerror(errno)));
    while (err == E_OK && (entry = readdir(dir)) != NULL)
        if (is_of_keys(entry->d_name))
            err = complain(m, E_EXISTS, path, "there are keys in it already, "
                "and nothing is overwritten");
    (void)closedir(dir);
    return (err);
}

/* ---- the folder -------------------------------------------------------- */

/* The daemon's own, where it is root that founds. */
static enum err
give_away(const struct making *m, const char *path)
{
    struct stat parent;
    enum err err = E_OK;
    int fd, above = -1;

    if (geteuid() != 0)
        return (E_OK);
    if ((fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) <
        0 || (above = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) <
        0 || fstat(above, &parent) != 0 ||
        fchown(fd, parent.st_uid, parent.st_gid) != 0)
        err = complain(m, E_IO, path, strerror(errno));
    if (above != -1)
        (void)close(above);
    if (fd != -1)
        (void)close(fd);
    return (err);
}

static enum err
make_folder(struct making *m)
{
    const char *dir = m->wanted->dir;

    if (mkdir(dir, 0700) != 0) {
        if (errno == EEXIST)
            return (E_OK);
        return (complain(m, errno == ENOENT ? E_NOTFOUND : E_IO, dir,
            errno == ENOENT ? "the folder that it would be in is not there" :
            strerror(errno)));
    }
    m->made_dir = 1;
    return (give_away(m, dir));
}

/* ---- keys and trust file ----------------------------------------------- */

static enum err
add_key(struct making *m, enum trust_use use, uint8_t id[ED25519_KEY_ID])
{
    struct trust_content *content = m->content;
    struct trust_key *key = &content->keys[content->nkeys];
    enum err err;

    if ((err = key_folder_make(m->wanted->dir, use, key->public_key, m->why,
        m->size)) != E_OK)
        return (err);
    ed25519_key_id(key->public_key, key->id);
    key->use = use;
    key->state = TRUST_ACTIVE;
    key->from_us = m->wanted->from_us;
    key->until_us = m->wanted->until_us;
    memcpy(id, key->id, ED25519_KEY_ID);
    content->nkeys++;
    return (E_OK);
}

static enum err
make_root(struct making *m)
{
    enum err err;

    if ((err = signer_make(m->wanted->root_key, &m->root, m->why,
        m->size)) != E_OK)
        return (err);
    memcpy(m->founded->root, signer_key_id(m->root), ED25519_KEY_ID);
    return (E_OK);
}

static enum err
make_content(struct making *m)
{
    const struct founding *w = m->wanted;

    if ((m->content = calloc(1, sizeof(*m->content))) == NULL)
        return (complain(m, E_NOMEM, w->trust, err_text(E_NOMEM)));
    if (!trust_is_origin(w->origin))
        return (complain(m, E_INVAL, "the origin", "1 to 128 letters, digits "
            "and signs of ASCII, without quotation mark and backslash"));
    (void)snprintf(m->content->origin, sizeof(m->content->origin), "%s",
        w->origin);
    m->content->version = 1;
    m->content->issued_us = w->issued_us;
    m->content->expires_us = w->expires_us;
    return (trust_check(m->content, m->why, m->size));
}

static enum err
make_all(struct making *m)
{
    const struct founding *w = m->wanted;
    struct founded *founded = m->founded;
    enum err err;

    if ((err = make_folder(m)) != E_OK ||
        (err = key_folder_check(w->dir, m->why, m->size)) != E_OK ||
        (err = make_root(m)) != E_OK ||
        (err = add_key(m, TRUST_SEAL, founded->current)) != E_OK ||
        (err = add_key(m, TRUST_SEAL, founded->next)) != E_OK ||
        (err = add_key(m, TRUST_CHECKPOINT, founded->checkpoint)) != E_OK)
        return (err);
    m->made_current = 1;
    if ((err = key_folder_set_current(w->dir, founded->current, m->why,
        m->size)) != E_OK)
        return (err);
    return (trust_file_write(w->trust, TRUST_FILE_MAKE, m->content, m->root,
        m->why, m->size));
}

/* Only what is ours: we got past what must not be there. */
static void
undo(const struct making *m, enum err err)
{
    char path[PATH_MAX];

    for (size_t i = 0; m->content != NULL && i < m->content->nkeys; i++) {
        const struct trust_key *key = &m->content->keys[i];

        for (int half = KEY_PRIVATE; half <= KEY_PUBLIC; half++) {
            key_folder_path(m->wanted->dir, key->use, key->id,
                (enum key_half)half, path);
            (void)unlink(path);
        }
    }
    if (m->made_current) {
        (void)snprintf(path, sizeof(path), "%s/current", m->wanted->dir);
        (void)unlink(path);
    }
    if (m->root != NULL)
        (void)unlink(m->wanted->root_key);
    if (err == E_LOST)
        (void)unlink(m->wanted->trust);
    if (m->made_dir)
        (void)rmdir(m->wanted->dir);
}

enum err
founding_make(const struct founding *founding, struct founded *founded,
    char *why, size_t size)
{
    struct making m = {.wanted = founding, .founded = founded, .why = why,
        .size = size};
    enum err err;

    if ((err = must_be_new(&m, founding->root_key)) != E_OK ||
        (err = must_be_new(&m, founding->trust)) != E_OK ||
        (err = must_have_no_keys(&m, founding->dir)) != E_OK ||
        (err = make_content(&m)) != E_OK)
        goto out;
    if ((err = make_all(&m)) != E_OK) {
        undo(&m, err);
        err = err == E_LOST ? E_IO : err;
    }

out:
    signer_release(m.root);
    free(m.content);
    return (err);
}
