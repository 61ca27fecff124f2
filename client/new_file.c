#include "client/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/text.h"

static int
is_standard_output(const char *path)
{
    return (strcmp(path, "-") == 0);
}

/* The folder of ${path}, for free(), or NULL if memory ran out. */
static char *
folder_of(const char *path)
{
    char *copy = text_copy(path), *folder = NULL;

    if (copy != NULL)
        folder = text_copy(dirname(copy));
    free(copy);
    return (folder);
}

enum err
new_file_check(const char *path)
{
    char *folder = NULL;
    struct stat st;
    enum err err;

    if (is_standard_output(path))
        return (isatty(STDOUT_FILENO) ? E_EXISTS : E_OK);
    if (lstat(path, &st) == 0)
        return (E_EXISTS);
    if (errno != ENOENT)
        return (E_IO);
    if ((folder = folder_of(path)) == NULL)
        return (E_NOMEM);
    err = access(folder, W_OK | X_OK) == 0 ? E_OK : E_IO;
    free(folder);
    return (err);
}

static int
write_all(int fd, struct slice bytes)
{
    while (bytes.n > 0) {
        ssize_t put = write(fd, bytes.p, bytes.n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return (-1);
        bytes.p += put;
        bytes.n -= (size_t)put;
    }
    return (0);
}

/* A file beside ${path}, of another name; for free(). */
static char *
name_beside(const char *path)
{
    const char *name = strrchr(path, '/');
    size_t folder = name == NULL ? 0 : (size_t)(name + 1 - path);
    size_t size = strlen(path) + sizeof("..XXXXXX");
    char *beside = malloc(size);

    if (beside != NULL)
        (void)snprintf(beside, size, "%.*s.%s.XXXXXX", (int)folder, path,
            path + folder);
    return (beside);
}

/* Not every file system knows how to rename without replacing. */
static int
give_name(const char *from, const char *path, int replace)
{
    if (replace)
        return (rename(from, path));
    if (renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return (0);
    if (errno != EINVAL && errno != ENOSYS)
        return (-1);
    if (link(from, path) != 0)
        return (-1);
    return (unlink(from));
}

static enum err
sync_folder(const char *path)
{
    char *folder = folder_of(path);
    enum err err = E_LOST;
    int fd = -1;

    if (folder != NULL)
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && fsync(fd) == 0)
        err = E_OK;
    if (fd >= 0)
        (void)close(fd);
    free(folder);
    return (err);
}

static enum err
write_file(const char *path, struct slice bytes, int replace)
{
    char *beside = name_beside(path);
    int fd = -1, error = 0;
    enum err err = E_IO;

    if (beside == NULL)
        return (E_NOMEM);
    if ((fd = mkostemp(beside, O_CLOEXEC)) < 0) {
        error = errno;
        goto out;
    }
    if (write_all(fd, bytes) != 0 || fsync(fd) != 0 ||
        give_name(beside, path, replace) != 0) {
        error = errno;
        err = error == EEXIST ? E_EXISTS : E_IO;
        (void)unlink(beside);
        goto out;
    }
    err = sync_folder(path);

out:
    if (fd >= 0)
        (void)close(fd);
    free(beside);
    errno = error;
    return (err);
}

enum err
new_file_write(const char *path, struct slice bytes)
{
    if (!is_standard_output(path))
        return (write_file(path, bytes, 0));
    if (isatty(STDOUT_FILENO))
        return (E_EXISTS);
    return (write_all(STDOUT_FILENO, bytes) == 0 ? E_OK : E_IO);
}

enum err
new_file_replace(const char *path, struct slice bytes)
{
    return (write_file(path, bytes, 1));
}

const char *
new_file_fault(const char *path, enum err err)
{
    if (err == E_IO)
        return (strerror(errno));
    if (err != E_EXISTS)
        return (err_text(err));
    return (is_standard_output(path) ? "these bytes are not for a terminal" :
        "it is there already, and is not overwritten");
}
