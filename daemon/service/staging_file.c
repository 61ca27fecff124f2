#include "service/staging_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/log.h"

#define KEY 32
#define NONCE 12
#define TAG 16

/* So many blocks can be told apart, and are far from what a key may seal. */
#define BLOCKS_MAX (UINT64_C(1) << 31)

struct staging_file {
    int fd;                     /* owned */
    size_t block;               /* bytes of one, without its tag */
    uint64_t n;
    EVP_CIPHER_CTX *seal;       /* owned; these two hold the key */
    EVP_CIPHER_CTX *open;       /* owned */
};

static enum err
say_errno(const char *step, int why)
{
    log_line(LOG_ERROR, "staging_failed", "step=%s errno=%d", step, why);
    return (why == ENOSPC || why == EDQUOT || why == EFBIG ? E_FULL : E_IO);
}

/* ---- the key ----------------------------------------------------------- */

static enum err
make_contexts(struct staging_file *file)
{
    uint8_t key[KEY];
    enum err err = E_NOMEM;

    if ((file->seal = EVP_CIPHER_CTX_new()) == NULL ||
        (file->open = EVP_CIPHER_CTX_new()) == NULL)
        return (err);
    err = E_CRYPTO;
    if (RAND_priv_bytes(key, sizeof(key)) == 1 &&
        EVP_EncryptInit_ex(file->seal, EVP_aes_256_gcm(), NULL, key,
        NULL) == 1 &&
        EVP_DecryptInit_ex(file->open, EVP_aes_256_gcm(), NULL, key,
        NULL) == 1)
        err = E_OK;
    OPENSSL_cleanse(key, sizeof(key));
    return (err);
}

static void
make_nonce(uint64_t at, uint8_t nonce[NONCE])
{
    memset(nonce, 0, NONCE);
    for (size_t i = 0; i < sizeof(at); i++)
        nonce[NONCE - 1 - i] = (uint8_t)(at >> 8 * i);
}

/* ${p} are the block and room for its tag. */
static enum err
seal(struct staging_file *file, uint8_t *block, uint8_t tag[TAG])
{
    uint8_t nonce[NONCE];
    int n = 0, rest = 0;

    make_nonce(file->n, nonce);
    if (EVP_EncryptInit_ex(file->seal, NULL, NULL, NULL, nonce) != 1 ||
        EVP_EncryptUpdate(file->seal, block, &n, block,
        (int)file->block) != 1 || (size_t)n != file->block ||
        EVP_EncryptFinal_ex(file->seal, block + n, &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(file->seal, EVP_CTRL_GCM_GET_TAG, TAG, tag) != 1)
        return (E_CRYPTO);
    return (E_OK);
}

static enum err
unseal(struct staging_file *file, uint64_t at, uint8_t *block,
    uint8_t tag[TAG])
{
    uint8_t nonce[NONCE];
    int n = 0, rest = 0;

    make_nonce(at, nonce);
    if (EVP_DecryptInit_ex(file->open, NULL, NULL, NULL, nonce) != 1 ||
        EVP_DecryptUpdate(file->open, block, &n, block,
        (int)file->block) != 1 || (size_t)n != file->block ||
        EVP_CIPHER_CTX_ctrl(file->open, EVP_CTRL_GCM_SET_TAG, TAG, tag) != 1)
        return (E_CRYPTO);
    return (EVP_DecryptFinal_ex(file->open, block + n, &rest) == 1 ? E_OK :
        E_CORRUPT);
}

/* ---- the file ---------------------------------------------------------- */

/* Where the file system knows of no files without a name. */
static int
open_and_unlink(const char *dir)
{
    char path[PATH_MAX];
    int n, fd, why;

    n = snprintf(path, sizeof(path), "%s/vouchd-upload.XXXXXX", dir);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return (-1);
    }
    if ((fd = mkostemp(path, O_CLOEXEC)) < 0)       /* mode 0600 */
        return (-1);
    if (unlink(path) == 0)
        return (fd);
    why = errno;
    (void)close(fd);
    errno = why;
    return (-1);
}

static enum err
open_file(const char *dir, int *fd)
{
    *fd = open(dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (*fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR ||
        errno == ENOENT || errno == EINVAL))
        *fd = open_and_unlink(dir);
    return (*fd < 0 ? say_errno("create", errno) : E_OK);
}

enum err
staging_file_create(const char *dir, size_t n, struct staging_file **file)
{
    struct staging_file *made;
    enum err err = E_NOMEM;

    *file = NULL;
    if (n > INT_MAX)
        return (E_TOOBIG);
    if ((made = calloc(1, sizeof(*made))) == NULL)
        return (E_NOMEM);
    made->fd = -1;
    made->block = n;
    if ((err = make_contexts(made)) != E_OK ||
        (err = open_file(dir, &made->fd)) != E_OK)
        goto out;

    *file = made;
    made = NULL;

out:
    staging_file_free(made);
    return (err);
}

static enum err
write_all(int fd, const uint8_t *p, size_t n, off_t at)
{
    while (n > 0) {
        ssize_t got = pwrite(fd, p, n, at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return (say_errno("write", got < 0 ? errno : ENOSPC));
        p += got;
        n -= (size_t)got;
        at += got;
    }
    return (E_OK);
}

static enum err
read_all(int fd, uint8_t *p, size_t n, off_t at)
{
    while (n > 0) {
        ssize_t got = pread(fd, p, n, at);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return (say_errno("read", errno));
        if (got == 0)
            return (E_CORRUPT);
        p += got;
        n -= (size_t)got;
        at += got;
    }
    return (E_OK);
}

static off_t
place_of(const struct staging_file *file, uint64_t at)
{
    return ((off_t)(at * (file->block + TAG)));
}

enum err
staging_file_add(struct staging_file *file, void *block)
{
    uint8_t tag[TAG];
    off_t at = place_of(file, file->n);
    enum err err;

    if (file->n == BLOCKS_MAX)
        return (E_TOOBIG);
    if ((err = seal(file, block, tag)) != E_OK ||
        (err = write_all(file->fd, block, file->block, at)) != E_OK ||
        (err = write_all(file->fd, tag, TAG,
        at + (off_t)file->block)) != E_OK)
        return (err);
    file->n++;
    return (E_OK);
}

uint64_t
staging_file_count(const struct staging_file *file)
{
    return (file == NULL ? 0 : file->n);
}

enum err
staging_file_read(struct staging_file *file, uint64_t at, void *block)
{
    uint8_t tag[TAG];
    off_t place = place_of(file, at);
    enum err err;

    if (at >= file->n)
        return (E_CORRUPT);
    if ((err = read_all(file->fd, block, file->block, place)) != E_OK ||
        (err = read_all(file->fd, tag, TAG,
        place + (off_t)file->block)) != E_OK)
        return (err);
    if ((err = unseal(file, at, block, tag)) == E_CORRUPT)
        log_line(LOG_ERROR, "staging_failed", "step=open err=%s",
            err_name(err));
    return (err);
}

void
staging_file_free(struct staging_file *file)
{
    if (file == NULL)
        return;
    EVP_CIPHER_CTX_free(file->seal);    /* which wipes what it holds */
    EVP_CIPHER_CTX_free(file->open);
    if (file->fd >= 0)
        (void)close(file->fd);
    free(file);
}
