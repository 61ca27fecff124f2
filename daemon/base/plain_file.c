#include "base/plain_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what it is now ---------------------------------------------------- */

static void
add_number(struct sha256 *hash, int64_t number)
{
    sha256_add(hash, &number, sizeof(number));
}

/* The name, and everything that changes when somebody writes. */
static void
print_one(const char *name, const struct stat *st, struct plain_print *print)
{
    struct sha256 hash;

    sha256_begin(&hash);
    sha256_add(&hash, name, strlen(name) + 1);
    add_number(&hash, (int64_t)st->st_dev);
    add_number(&hash, (int64_t)st->st_ino);
    add_number(&hash, (int64_t)st->st_mode);
    add_number(&hash, (int64_t)st->st_size);
    add_number(&hash, (int64_t)st->st_mtim.tv_sec);
    add_number(&hash, (int64_t)st->st_mtim.tv_nsec);
    add_number(&hash, (int64_t)st->st_ctim.tv_sec);
    add_number(&hash, (int64_t)st->st_ctim.tv_nsec);
    sha256_end(&hash, print->digest);
}

/* A folder has no order, and neither has this. */
static void
fold_in(struct plain_print *all, const struct plain_print *one)
{
    for (size_t i = 0; i < sizeof(all->digest); i++)
        all->digest[i] ^= one->digest[i];
}

static enum err
print_folder(const char *path, struct plain_print *print)
{
    DIR *dir;
    const struct dirent *entry;
    struct plain_print one;
    struct stat st;
    enum err err = E_OK;

    if ((dir = opendir(path)) == NULL)
        return (E_IO);
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        /* One that is gone by now will be missed the next time. */
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) != 0)
            memset(&st, 0, sizeof(st));
        print_one(entry->d_name, &st, &one);
        fold_in(print, &one);
    }
    if (errno != 0)
        err = E_IO;
    (void)closedir(dir);
    return (err);
}

enum err
plain_file_print(const char *path, struct plain_print *print)
{
    struct stat st;

    memset(print, 0, sizeof(*print));
    if (stat(path, &st) != 0)
        return (errno == ENOENT ? E_OK : E_IO);
    if (S_ISDIR(st.st_mode)) {
        print->digest[0] = 1;       /* an empty one is not nothing */
        return (print_folder(path, print));
    }
    print_one("", &st, print);
    return (E_OK);
}

/* ---- reading ----------------------------------------------------------- */

static enum err
fail(enum err err, const char *text, const char **why)
{
    *why = text;
    return (err);
}

static enum err
read_all(int fd, struct buf *out, size_t size, const char **why)
{
    enum err err;

    if ((err = buf_reserve(out, size)) != E_OK)
        return (fail(err, err == E_TOOBIG ? "larger than is allowed" :
            err_text(err), why));
    while (size > 0) {
        ssize_t n = read(fd, out->p + out->n, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return (fail(E_IO, strerror(errno), why));
        if (n == 0)
            return (fail(E_BUSY, "it was written to meanwhile", why));
        out->n += (size_t)n;
        size -= (size_t)n;
    }
    return (E_OK);
}

static int
is_same(const struct stat *a, const struct stat *b)
{
    return (a->st_size == b->st_size &&
        memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) == 0 &&
        memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim)) == 0);
}

enum err
plain_file_read(const char *path, struct buf *out, const char **why)
{
    struct stat before, after;
    enum err err;
    int fd;

    /* Not to wait for whoever might write to a pipe. */
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
        return (fail(errno == ENOENT ? E_NOTFOUND : E_IO, strerror(errno),
            why));
    if (fstat(fd, &before) != 0) {
        err = fail(E_IO, strerror(errno), why);
        goto out;
    }
    if (!S_ISREG(before.st_mode)) {
        err = fail(E_IO, "not a regular file", why);
        goto out;
    }
    if ((err = read_all(fd, out, (size_t)before.st_size, why)) != E_OK)
        goto out;
    if (fstat(fd, &after) != 0 || !is_same(&before, &after))
        err = fail(E_BUSY, "it was written to meanwhile", why);

out:
    (void)close(fd);
    return (err);
}

/* ---- writing ----------------------------------------------------------- */

/* By the errno of what failed. */
static enum err
write_failed(const char **why)
{
    enum err err = errno == ENOSPC || errno == EDQUOT ? E_FULL : E_IO;

    return (fail(err, strerror(errno), why));
}

static enum err
write_all(int fd, struct slice text, const char **why)
{
    while (text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return (write_failed(why));
        text.p += n;
        text.n -= (size_t)n;
    }
    return (fsync(fd) == 0 ? E_OK : write_failed(why));
}

/* ${path} beside the old one, under a name of its own. */
static enum err
write_new(const char *path, mode_t mode, struct slice text, const char **why)
{
    enum err err;
    int fd;

    if (unlink(path) != 0 && errno != ENOENT)
        return (write_failed(why));
    if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
        return (write_failed(why));
    err = fchmod(fd, mode) == 0 ? write_all(fd, text, why) :
        write_failed(why);
    if (close(fd) != 0 && err == E_OK)
        err = write_failed(why);
    if (err != E_OK)
        (void)unlink(path);
    return (err);
}

/* That the name is the new file's is the folder's affair. */
enum err
plain_file_sync_folder(const char *path, const char **why)
{
    char folder[PATH_MAX];
    char *last;
    enum err err = E_OK;
    int fd;

    (void)snprintf(folder, sizeof(folder), "%s", path);
    last = strrchr(folder, '/');
    if (last == NULL)
        (void)snprintf(folder, sizeof(folder), ".");
    else
        last[last == folder] = '\0';
    if ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        return (fail(E_LOST, strerror(errno), why));
    if (fsync(fd) != 0)
        err = fail(E_LOST, strerror(errno), why);
    (void)close(fd);
    return (err);
}

enum err
plain_file_replace(const char *path, struct slice text, const char **why)
{
    char target[PATH_MAX], fresh[PATH_MAX + 8];
    struct stat st;
    mode_t mode = S_IRUSR | S_IWUSR;
    enum err err;

    /* A link stays one. */
    if (realpath(path, target) == NULL) {
        if (errno != ENOENT)
            return (write_failed(why));
        if (strlen(path) >= sizeof(target))
            return (fail(E_IO, strerror(ENAMETOOLONG), why));
        (void)snprintf(target, sizeof(target), "%s", path);
    } else if (stat(target, &st) == 0)
        mode = st.st_mode & (S_IRWXU | S_IRWXG | S_IRWXO);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", target);
    if ((err = write_new(fresh, mode, text, why)) != E_OK)
        return (err);
    if (rename(fresh, target) != 0) {
        err = write_failed(why);
        (void)unlink(fresh);
        return (err);
    }
    return (plain_file_sync_folder(target, why));
}

/* A link to what is whole: the name that is wanted is never a part of it. */
enum err
plain_file_make(const char *path, mode_t mode, struct slice text,
    const char **why)
{
    char fresh[PATH_MAX + 8];
    enum err err;

    if (strlen(path) >= PATH_MAX)
        return (fail(E_IO, strerror(ENAMETOOLONG), why));
    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    if ((err = write_new(fresh, mode, text, why)) != E_OK)
        return (err);
    if (link(fresh, path) != 0)
        err = errno == EEXIST ? fail(E_EXISTS, strerror(errno), why) :
            write_failed(why);
    (void)unlink(fresh);
    return (err == E_OK ? plain_file_sync_folder(path, why) : err);
}
