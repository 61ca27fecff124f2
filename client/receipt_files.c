#include "client/receipt_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/whole_file.h"
#include "proto/receipt.h"

#define PATH_SIZE 4096

void
receipt_files_begin(struct receipt_files *f)
{
    buf_init(&f->bytes, RECEIPT_BYTES_MAX);
}

void
receipt_files_end(struct receipt_files *f)
{
    buf_free(&f->bytes);
}

static enum err
take_fd(struct receipt_files *f, const char *path, int fd)
{
    enum err err;

    f->bytes.n = 0;
    err = whole_file_read_fd(fd, &f->bytes);
    if (err == E_NOMEM)
        return (err);
    return (f->take(f->cookie, path, buf_slice(&f->bytes), err == E_OK ?
        NULL : err == E_TOOBIG ? "it is too long for a receipt" :
        whole_file_fault(err)));
}

static enum err
unreadable(struct receipt_files *f, const char *path, int error)
{
    return (f->take(f->cookie, path, (struct slice){NULL, 0},
        strerror(error)));
}

static int
is_receipt(const char *name)
{
    static const char tail[] = ".receipt";
    size_t n = strlen(name);

    return (n >= sizeof(tail) && strcmp(name + n - (sizeof(tail) - 1),
        tail) == 0);
}

static enum err walk_folder(struct receipt_files *f, int fd,
    char path[PATH_SIZE], unsigned depth);

/* What ${name} is in the folder ${fd}; DT_UNKNOWN if that cannot be told. */
static int
kind_of(int fd, const struct dirent *entry)
{
    struct stat st;

    if (entry->d_type != DT_UNKNOWN)
        return (entry->d_type);
    if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return (DT_UNKNOWN);
    return (S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR :
        DT_LNK);
}

/* ${path} is that of the entry. */
static enum err
walk_entry(struct receipt_files *f, int folder, const struct dirent *entry,
    char path[PATH_SIZE], unsigned depth)
{
    int kind = kind_of(folder, entry), fd;
    enum err err;

    if (kind != DT_DIR && (kind != DT_REG || !is_receipt(entry->d_name))) {
        f->others++;
        return (E_OK);
    }
    if (kind == DT_DIR && depth == RECEIPT_FILES_DEPTH)
        return (unreadable(f, path, ELOOP));
    fd = openat(folder, entry->d_name, O_RDONLY | O_CLOEXEC | O_NOCTTY |
        O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return (unreadable(f, path, errno));
    if (kind == DT_DIR)
        return (walk_folder(f, fd, path, depth + 1));
    err = take_fd(f, path, fd);
    (void)close(fd);
    return (err);
}

/* Takes ${fd} over. */
static enum err
walk_folder(struct receipt_files *f, int fd, char path[PATH_SIZE],
    unsigned depth)
{
    size_t n = strlen(path);
    const struct dirent *entry;
    enum err err = E_OK;
    DIR *dir = fdopendir(fd);

    if (dir == NULL) {
        int error = errno;

        (void)close(fd);
        return (error == ENOMEM ? E_NOMEM : unreadable(f, path, error));
    }
    while (err == E_OK && (errno = 0, entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 ||
            strcmp(entry->d_name, "..") == 0)
            continue;
        if (n + strlen(entry->d_name) + 2 > PATH_SIZE)
            err = unreadable(f, path, ENAMETOOLONG);
        else {
            (void)snprintf(path + n, PATH_SIZE - n, "%s%s",
                n > 0 && path[n - 1] == '/' ? "" : "/", entry->d_name);
            err = walk_entry(f, dirfd(dir), entry, path, depth);
            path[n] = '\0';
        }
    }
    if (err == E_OK && errno != 0)
        err = unreadable(f, path, errno);
    (void)closedir(dir);
    return (err);
}

enum err
receipt_files_walk(struct receipt_files *f, const char *path)
{
    char folder[PATH_SIZE];
    struct stat st;
    enum err err;
    int fd;

    if (strcmp(path, "-") == 0)
        return (take_fd(f, path, STDIN_FILENO));
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
        return (errno == ENOENT || errno == ENOTDIR ? E_NOTFOUND :
            unreadable(f, path, errno));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
        strlen(path) < sizeof(folder)) {
        (void)snprintf(folder, sizeof(folder), "%s", path);
        return (walk_folder(f, fd, folder, 1));
    }
    err = take_fd(f, path, fd);
    (void)close(fd);
    return (err);
}
