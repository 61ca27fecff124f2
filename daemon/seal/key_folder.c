#include "seal/key_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/plain_file.h"
#include "seal/public_pem.h"

/* The longest name in the folder: checkpoint-<key id>.key.new, and some. */
#define NAME_MAX_HERE 128

/* Of a number, or an id, with its line feed. */
#define TEXT_MAX ((size_t)128)

/* How long another one that makes a key is waited for: two seconds. */
#define LOCK_STEP_NS 20000000L
#define LOCK_TRIES 100

/* What is overwritten of a key's file, which is shorter. */
#define WIPE_MAX ((size_t)512)

static enum err
complain(const char *path, enum err err, const char *what, char *why,
    size_t size)
{
    (void)snprintf(why, size, "%s: %s", path, what);
    return (err);
}

static enum err
complain_errno(const char *path, char *why, size_t size)
{
    return (complain(path, errno == ENOSPC || errno == EDQUOT ? E_FULL : E_IO,
        strerror(errno), why, size));
}

enum err
key_folder_check(const char *dir, char *why, size_t size)
{
    struct stat status;

    if (strlen(dir) + NAME_MAX_HERE > PATH_MAX)
        return (complain("seal.key_dir", E_INVAL, "the name is too long", why,
            size));
    if (stat(dir, &status) != 0)
        return (complain(dir, errno == ENOENT ? E_NOTFOUND : E_IO,
            errno == ENOENT ? "no such folder; vouchd init makes it and the "
            "keys in it" : strerror(errno), why, size));
    if (!S_ISDIR(status.st_mode))
        return (complain(dir, E_INVAL, "is no folder", why, size));
    if ((status.st_mode & 022) != 0)
        return (complain(dir, E_DENIED, "others may write to it; the mode "
            "must be 0700", why, size));
    return (E_OK);
}

/* ---- names ------------------------------------------------------------- */

void
key_folder_path(const char *dir, enum trust_use use,
    const uint8_t id[ED25519_KEY_ID], enum key_half half, char path[PATH_MAX])
{
    char hex[KEY_FOLDER_ID + 1];

    bytes_to_hex((struct slice){id, ED25519_KEY_ID}, hex);
    (void)snprintf(path, PATH_MAX, "%s/%s-%s.%s", dir, trust_use_name(use),
        hex, half == KEY_PRIVATE ? "key" : "pub");
}

static void
path_of(const char *dir, const char *name, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/%s", dir, name);
}

/* Read "<use>-<key id>.key". */
static int
id_of(const char *name, enum trust_use use, uint8_t id[ED25519_KEY_ID])
{
    const char *word = trust_use_name(use);
    const size_t n = strlen(word);

    return (strlen(name) == n + 1 + KEY_FOLDER_ID + 4 &&
        strncmp(name, word, n) == 0 && name[n] == '-' &&
        strcmp(name + n + 1 + KEY_FOLDER_ID, ".key") == 0 &&
        bytes_from_digits((const uint8_t *)name + n + 1, id,
        ED25519_KEY_ID) == E_OK);
}

int
key_folder_spare(const char *dir, enum trust_use use,
    const struct trust *trust, uint8_t id[ED25519_KEY_ID])
{
    DIR *folder = opendir(dir);
    const struct dirent *entry;
    int found = 0;

    if (folder == NULL)
        return (0);
    while (!found && (entry = readdir(folder)) != NULL)
        found = id_of(entry->d_name, use, id) &&
            trust_find(trust, use, id) == NULL;
    (void)closedir(folder);
    return (found);
}

/* ---- keys -------------------------------------------------------------- */

/* Whether it is what key_folder_wipe() leaves if it is cut short. */
static int
is_wiped(const char *path)
{
    const char *what;
    struct buf bytes;
    int wiped;

    buf_init(&bytes, WIPE_MAX);
    wiped = plain_file_read(path, &bytes, &what) == E_OK && bytes.n > 0;
    for (size_t i = 0; wiped && i < bytes.n; i++)
        wiped = bytes.p[i] == 0;
    buf_free(&bytes);
    return (wiped);
}

enum err
key_folder_open(const char *dir, enum trust_use use,
    const uint8_t id[ED25519_KEY_ID], struct signer **signer, char *why,
    size_t size)
{
    char path[PATH_MAX];
    enum err err;

    key_folder_path(dir, use, id, KEY_PRIVATE, path);
    if ((err = signer_open(path, signer, why, size)) == E_INVAL &&
        is_wiped(path))
        return (complain(path, E_NOTFOUND, "wiped: nothing of a key is left "
            "in it; remove it", why, size));
    if (err != E_OK)
        return (err);
    if (memcmp(signer_key_id(*signer), id, ED25519_KEY_ID) == 0)
        return (E_OK);
    signer_release(*signer);
    *signer = NULL;
    return (complain(path, E_INVAL, "holds another key than its name says",
        why, size));
}

/*
 * The daemon, who owns the folder, is to read what root has made in it.  Who
 * owns it could have put something else there meanwhile: so no link is
 * followed, and nothing is given away that has another name.
 */
static enum err
hand_over(const char *dir, const char *path, char *why, size_t size)
{
    struct stat folder, file;
    enum err err = E_OK;
    int fd;

    if (stat(dir, &folder) != 0)
        return (complain_errno(dir, why, size));
    if (folder.st_uid == geteuid() || geteuid() != 0)
        return (E_OK);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) < 0)
        return (complain_errno(path, why, size));
    if (fstat(fd, &file) != 0)
        err = complain_errno(path, why, size);
    else if (!S_ISREG(file.st_mode) || file.st_nlink != 1)
        err = complain(path, E_IO, "somebody else has put it there", why,
            size);
    else if (fchown(fd, folder.st_uid, folder.st_gid) != 0)
        err = complain_errno(path, why, size);
    (void)close(fd);
    return (err);
}

static enum err
write_public(const char *dir, enum trust_use use, const struct signer *signer,
    char *why, size_t size)
{
    char path[PATH_MAX], text[PUBLIC_PEM_BYTES + 1];
    const char *what;
    enum err err;

    key_folder_path(dir, use, signer_key_id(signer), KEY_PUBLIC, path);
    public_pem_write(signer_public_key(signer), text);
    if ((err = plain_file_make(path, 0644, slice_of(text), &what)) != E_OK)
        return (complain(path, err, what, why, size));
    return (hand_over(dir, path, why, size));
}

static enum err
name_private(const char *dir, enum trust_use use, const struct signer *signer,
    const char *fresh, char *why, size_t size)
{
    char path[PATH_MAX];
    const char *what;
    enum err err;

    key_folder_path(dir, use, signer_key_id(signer), KEY_PRIVATE, path);
    if (rename(fresh, path) != 0)
        return (complain_errno(path, why, size));
    if ((err = plain_file_sync_folder(path, &what)) == E_OK)
        return (E_OK);
    (void)unlink(path);
    return (complain(path, err, what, why, size));
}

/*
 * One makes a key at a time: the daemon, or who makes one by hand.  Somebody
 * who holds the folder for longer is not waited for.
 */
static enum err
lock_folder(const char *dir, int *fd, char *why, size_t size)
{
    const struct timespec step = {.tv_nsec = LOCK_STEP_NS};
    int tries = LOCK_TRIES;

    if ((*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return (complain_errno(dir, why, size));
    while (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return (complain_errno(dir, why, size));
        if (tries-- == 0)
            return (complain(dir, E_IO, "another program is making a key in "
                "it", why, size));
        (void)nanosleep(&step, NULL);
    }
    return (E_OK);
}

/*
 * Its name is known only when it is there: what a crash left under the first
 * name was never used, and goes.  The public half comes first, so that no
 * private one is without.
 */
static enum err
make_key(const char *dir, enum trust_use use,
    uint8_t public_key[ED25519_PUBLIC_KEY], char *why, size_t size)
{
    struct signer *signer = NULL;
    char fresh[PATH_MAX], path[PATH_MAX];
    enum err err;

    path_of(dir, use == TRUST_SEAL ? "seal-new.key" : "checkpoint-new.key",
        fresh);
    if (unlink(fresh) != 0 && errno != ENOENT)
        return (complain_errno(fresh, why, size));
    if ((err = signer_make(fresh, &signer, why, size)) != E_OK)
        return (err);
    if ((err = hand_over(dir, fresh, why, size)) != E_OK ||
        (err = write_public(dir, use, signer, why, size)) != E_OK ||
        (err = name_private(dir, use, signer, fresh, why, size)) != E_OK) {
        (void)unlink(fresh);
        key_folder_path(dir, use, signer_key_id(signer), KEY_PUBLIC, path);
        (void)unlink(path);
        err = err == E_LOST ? E_IO : err;
    } else
        memcpy(public_key, signer_public_key(signer), ED25519_PUBLIC_KEY);
    signer_release(signer);
    return (err);
}

enum err
key_folder_make(const char *dir, enum trust_use use,
    uint8_t public_key[ED25519_PUBLIC_KEY], char *why, size_t size)
{
    enum err err;
    int fd;

    if ((err = lock_folder(dir, &fd, why, size)) == E_OK)
        err = make_key(dir, use, public_key, why, size);
    if (fd != -1)
        (void)close(fd);
    return (err);
}

static enum err
overwrite(const char *path, char *why, size_t size)
{
    uint8_t zeros[WIPE_MAX] = {0};
    struct stat status;
    enum err err = E_OK;
    off_t at = 0;
    int fd;

    if ((fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
        return (complain(path, errno == ENOENT ? E_NOTFOUND : E_IO,
            strerror(errno), why, size));
    if (fstat(fd, &status) != 0)
        status.st_size = 0;
    while (at < status.st_size && at < (off_t)sizeof(zeros)) {
        ssize_t n = pwrite(fd, zeros, (size_t)(status.st_size - at) <
            sizeof(zeros) ? (size_t)(status.st_size - at) : sizeof(zeros), at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        at += n;
    }
    if (at < status.st_size || fsync(fd) != 0)
        err = complain_errno(path, why, size);
    (void)close(fd);
    return (err);
}

/* It goes even if it could not be overwritten. */
enum err
key_folder_wipe(const char *dir, enum trust_use use,
    const uint8_t id[ED25519_KEY_ID], char *why, size_t size)
{
    char path[PATH_MAX];
    const char *what;
    enum err err, synced;

    key_folder_path(dir, use, id, KEY_PRIVATE, path);
    if ((err = overwrite(path, why, size)) == E_NOTFOUND)
        return (err);
    if (unlink(path) != 0)
        return (complain_errno(path, why, size));
    if ((synced = plain_file_sync_folder(path, &what)) != E_OK)
        return (complain(path, synced, what, why, size));
    return (err);
}

/* ---- the two small ones ------------------------------------------------ */

/* One line, without its line feed. */
static enum err
read_line(const char *path, char text[TEXT_MAX], char *why, size_t size)
{
    const char *what;
    struct buf bytes;
    enum err err;

    buf_init(&bytes, TEXT_MAX - 1);
    if ((err = plain_file_read(path, &bytes, &what)) != E_OK) {
        err = complain(path, err == E_BUSY ? E_IO :
            err == E_TOOBIG ? E_INVAL : err, what, why, size);
        goto out;
    }
    if (bytes.n == 0 || bytes.p[bytes.n - 1] != '\n' ||
        memchr(bytes.p, '\0', bytes.n) != NULL) {
        err = complain(path, E_INVAL, "it must be one line", why, size);
        goto out;
    }
    memcpy(text, bytes.p, bytes.n - 1);
    text[bytes.n - 1] = '\0';

out:
    buf_free(&bytes);
    return (err);
}

static enum err
write_line(const char *dir, const char *name, const char *text, char *why,
    size_t size)
{
    char path[PATH_MAX], line[TEXT_MAX];
    const char *what;
    enum err err;

    path_of(dir, name, path);
    (void)snprintf(line, sizeof(line), "%s\n", text);
    if ((err = plain_file_replace(path, slice_of(line), &what)) != E_OK)
        return (complain(path, err, what, why, size));
    return (hand_over(dir, path, why, size));
}

enum err
key_folder_current(const char *dir, uint8_t id[ED25519_KEY_ID], char *why,
    size_t size)
{
    char path[PATH_MAX], text[TEXT_MAX];
    enum err err;

    path_of(dir, "current", path);
    if ((err = read_line(path, text, why, size)) == E_NOTFOUND)
        return (complain(path, err, "not there: which key is to seal? "
            "vouchd init makes the first", why, size));
    if (err != E_OK)
        return (err);
    if (bytes_from_hex(text, id, ED25519_KEY_ID) != E_OK)
        return (complain(path, E_INVAL, "it must be the id of a key, 64 "
            "hexadecimal digits, and a line feed", why, size));
    return (E_OK);
}

enum err
key_folder_set_current(const char *dir, const uint8_t id[ED25519_KEY_ID],
    char *why, size_t size)
{
    char text[KEY_FOLDER_ID + 1];

    bytes_to_hex((struct slice){id, ED25519_KEY_ID}, text);
    return (write_line(dir, "current", text, why, size));
}

enum err
key_folder_version(const char *dir, int64_t *version, char *why, size_t size)
{
    char path[PATH_MAX], text[TEXT_MAX], *end;
    enum err err;

    *version = 0;
    path_of(dir, "trust-version", path);
    if ((err = read_line(path, text, why, size)) == E_NOTFOUND)
        return (E_OK);
    if (err != E_OK)
        return (err);
    errno = 0;
    *version = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || *version < 1)
        return (complain(path, E_INVAL, "it must be the version of a trust "
            "file, and a line feed", why, size));
    return (E_OK);
}

enum err
key_folder_set_version(const char *dir, int64_t version, char *why,
    size_t size)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%lld", (long long)version);
    return (write_line(dir, "trust-version", text, why, size));
}
