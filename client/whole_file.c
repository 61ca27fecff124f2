#include "client/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define STEP 4096

/* Whether nothing follows what has been read. */
static enum err
expect_end(int fd)
{
    uint8_t more;
    ssize_t got;

    do
        got = read(fd, &more, 1);
    while (got < 0 && errno == EINTR);
    return (got < 0 ? E_IO : got > 0 ? E_TOOBIG : E_OK);
}

enum err
whole_file_read_fd(int fd, struct buf *out)
{
    for (;;) {
        size_t room = out->max - out->n;
        enum err err;
        ssize_t got;

        if (room == 0)
            return (expect_end(fd));
        if ((err = buf_reserve(out, room < STEP ? room : STEP)) != E_OK)
            return (err);
        got = read(fd, out->p + out->n, out->size - out->n);
        if (got > 0)
            out->n += (size_t)got;
        else if (got == 0)
            return (E_OK);
        else if (errno != EINTR)
            return (E_IO);
    }
}

enum err
whole_file_read(const char *path, struct buf *out)
{
    enum err err;
    int fd, saved;

    if (strcmp(path, "-") == 0)
        return (whole_file_read_fd(STDIN_FILENO, out));
    if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) < 0)
        return (errno == ENOENT || errno == ENOTDIR ? E_NOTFOUND : E_IO);
    err = whole_file_read_fd(fd, out);
    saved = errno;
    (void)close(fd);
    errno = saved;
    return (err);
}

const char *
whole_file_fault(enum err err)
{
    return (err == E_IO ? strerror(errno) : err == E_NOTFOUND ?
        "there is no such file" : err_text(err));
}
