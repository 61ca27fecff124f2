#include "service/key_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

struct key_ring {
    uint8_t page[FACTOR_KEY];
    size_t n;
    uint8_t (*factors)[FACTOR_KEY];     /* owned; by place in the catalog */
};

/* One file that is being read or made. */
struct key_file {
    int dir;
    const char *dir_path;
    char name[96];
    char *why;
    size_t size;
};

static enum err
complain(const struct key_file *file, enum err err, const char *what)
{
    (void)snprintf(file->why, file->size, "%s/%s: %s", file->dir_path,
        file->name, what);
    return (err);
}

static enum err
read_all(const struct key_file *file, int fd, uint8_t secret[FACTOR_KEY])
{
    uint8_t beyond;
    size_t got = 0;
    ssize_t n;

    while (got < FACTOR_KEY) {
        n = read(fd, secret + got, FACTOR_KEY - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return (complain(file, E_IO, strerror(errno)));
        if (n == 0)
            return (complain(file, E_CORRUPT, "shorter than 32 bytes"));
        got += (size_t)n;
    }
    do
        n = read(fd, &beyond, 1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return (complain(file, E_IO, strerror(errno)));
    if (n != 0)
        return (complain(file, E_CORRUPT, "longer than 32 bytes"));
    return (E_OK);
}

/* Fails as key_ring_open(), E_NOTFOUND if there is no such file. */
static enum err
read_key(const struct key_file *file, uint8_t secret[FACTOR_KEY])
{
    struct stat status;
    enum err err = E_OK;
    int fd;

    fd = openat(file->dir, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd == -1 && errno == ENOENT)
        return (E_NOTFOUND);
    if (fd == -1)
        return (complain(file, E_IO, strerror(errno)));
    if (fstat(fd, &status) != 0)
        err = complain(file, E_IO, strerror(errno));
    else if (!S_ISREG(status.st_mode))
        err = complain(file, E_DENIED, "not a regular file");
    else if (status.st_uid != geteuid())
        err = complain(file, E_DENIED, "belongs to somebody else");
    else if ((status.st_mode & 077) != 0)
        err = complain(file, E_DENIED,
            "others may read or write it; the mode must be 0600");
    else
        err = read_all(file, fd, secret);
    (void)close(fd);
    return (err);
}

static enum err
write_all(int fd, const uint8_t *bytes, size_t n)
{
    size_t done = 0;
    ssize_t put;

    while (done < n) {
        put = write(fd, bytes + done, n - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return (E_IO);
        done += (size_t)put;
    }
    return (E_OK);
}

/*
 * Under another name first: a key file that exists is always whole.  What a
 * crash left under that name was never used, and goes.
 */
static enum err
make_key(const struct key_file *file, uint8_t secret[FACTOR_KEY])
{
    char part[sizeof(file->name) + 8];
    enum err err;
    int fd = -1;

    err = E_CRYPTO;
    if (getrandom(secret, FACTOR_KEY, 0) != FACTOR_KEY)
        goto out;
    err = E_IO;
    (void)snprintf(part, sizeof(part), "%s.new", file->name);
    if (unlinkat(file->dir, part, 0) != 0 && errno != ENOENT)
        goto out;
    fd = openat(file->dir, part,
        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1 || fchmod(fd, 0600) != 0)
        goto out;
    if (write_all(fd, secret, FACTOR_KEY) != E_OK || fsync(fd) != 0)
        goto out;
    if (renameat(file->dir, part, file->dir, file->name) != 0 ||
        fsync(file->dir) != 0)
        goto out;
    err = E_OK;

out:
    if (err == E_IO)
        (void)complain(file, err, strerror(errno));
    else if (err != E_OK)
        (void)complain(file, err, "no randomness to be had");
    if (fd != -1)
        (void)close(fd);
    return (err);
}

static enum err
open_factor(const struct key_ring_options *options, struct key_file *file,
    const char *association, uint8_t secret[FACTOR_KEY])
{
    enum err err;
    int in_use = 0;

    (void)snprintf(file->name, sizeof(file->name), "factor-%s.key",
        association);
    if ((err = read_key(file, secret)) != E_NOTFOUND)
        return (err);
    if ((err = options->in_use(options->cookie, association, &in_use)) != E_OK)
        return (complain(file, err, "cannot tell whether it is in use"));
    if (in_use)
        return (complain(file, E_NOTFOUND, "gone, and records were published "
            "under it; bring it back from your backup"));
    return (make_key(file, secret));
}

static enum err
open_page(struct key_file *file, uint8_t secret[FACTOR_KEY])
{
    enum err err;

    (void)snprintf(file->name, sizeof(file->name), "page-token.key");
    if ((err = read_key(file, secret)) != E_NOTFOUND)
        return (err);
    return (make_key(file, secret));
}

static enum err
open_all(const struct key_ring_options *options, struct key_ring *ring,
    struct key_file *file)
{
    enum err err = E_OK;
    size_t i;

    for (i = 0; i < ring->n && err == E_OK; i++)
        err = open_factor(options, file, options->catalog->associations[i]->id,
            ring->factors[i]);
    if (err == E_OK)
        err = open_page(file, ring->page);
    return (err);
}

enum err
key_ring_open(const struct key_ring_options *options, struct key_ring **ring,
    char *why, size_t size)
{
    struct key_file file = {.dir = -1, .dir_path = options->dir, .why = why,
        .size = size};
    struct key_ring *made = NULL;
    enum err err = E_NOMEM;

    *ring = NULL;
    (void)snprintf(why, size, "%s", err_text(E_NOMEM));

    if ((made = calloc(1, sizeof(*made))) == NULL)
        goto out;
    made->n = options->catalog->n_associations;
    if ((made->factors = calloc(made->n + 1, sizeof(*made->factors))) == NULL)
        goto out;

    err = E_IO;
    file.dir = open(options->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file.dir == -1) {
        (void)snprintf(why, size, "%s: %s", options->dir, strerror(errno));
        goto out;
    }
    if ((err = open_all(options, made, &file)) != E_OK)
        goto out;

    *ring = made;
    made = NULL;

out:
    if (file.dir != -1)
        (void)close(file.dir);
    key_ring_free(made);
    return (err);
}

const uint8_t *
key_ring_secret(const struct key_ring *ring, size_t place)
{
    return (ring->factors[place]);
}

const uint8_t *
key_ring_page_secret(const struct key_ring *ring)
{
    return (ring->page);
}

void
key_ring_free(struct key_ring *ring)
{
    if (ring == NULL)
        return;
    if (ring->factors != NULL)
        OPENSSL_cleanse(ring->factors, ring->n * sizeof(*ring->factors));
    free(ring->factors);
    OPENSSL_cleanse(ring->page, sizeof(ring->page));
    free(ring);
}
