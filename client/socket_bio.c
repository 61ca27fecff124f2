#include "client/socket_bio.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

static int
fd_of(BIO *bio)
{
    return ((int)(intptr_t)BIO_get_data(bio));
}

static int
must_retry(void)
{
    return (errno == EAGAIN || errno == EINTR);
}

static int
on_write(BIO *bio, const char *p, size_t n, size_t *written)
{
    ssize_t w = send(fd_of(bio), p, n, MSG_NOSIGNAL);

    BIO_clear_retry_flags(bio);
    *written = w > 0 ? (size_t)w : 0;
    if (w < 0 && must_retry())
        BIO_set_retry_write(bio);
    return (w > 0);
}

static int
on_read(BIO *bio, char *p, size_t size, size_t *read)
{
    ssize_t r = recv(fd_of(bio), p, size, 0);

    BIO_clear_retry_flags(bio);
    *read = r > 0 ? (size_t)r : 0;
    if (r < 0 && must_retry())
        BIO_set_retry_read(bio);
    if (r == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (r > 0);
}

static long
on_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number, (void)pointer;
    switch (command) {
    case BIO_CTRL_FLUSH:
        return (1);
    case BIO_CTRL_EOF:
        return (BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0);
    default:
        return (0);
    }
}

int
socket_bio_create(int fd, BIO_METHOD **method, BIO **bio)
{
    *bio = NULL;
    if ((*method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "socket")) != NULL &&
        BIO_meth_set_write_ex(*method, on_write) &&
        BIO_meth_set_read_ex(*method, on_read) &&
        BIO_meth_set_ctrl(*method, on_control) &&
        (*bio = BIO_new(*method)) != NULL) {
        BIO_set_data(*bio, (void *)(intptr_t)fd);
        BIO_set_init(*bio, 1);
        return (0);
    }
    BIO_meth_free(*method);
    *method = NULL;
    return (-1);
}
